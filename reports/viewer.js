// Pictures, large: one that is pressed is shown beside the probe of its row. Extras only.
(function () {
  "use strict";
  var make = window.tattooHarness.make;
  var images = Array.prototype.slice.call(document.querySelectorAll("main img[data-name]"));
  if (!images.length || !window.HTMLDialogElement) { return; }
  var TOGETHER = ".three, .panels";  // all pictures of such a row are shown at once
  var ROWS = ".search, .three, .panels, .grid, .tagged, .candidates";
  var STEPS = [1, 1.5, 2, 3, 4, 6];
  var row = [], at = 0, step = 0, together = false, beside = false;

  var dialog = make("dialog", { "class": "viewer", "aria-labelledby": "viewer-told" });
  var tools = dialog.appendChild(make("div", { "class": "viewer-tools" }));
  var told = tools.appendChild(make("p", { "class": "told", id: "viewer-told", role: "status" }));
  var back = tool("← Previous", function () { go(-1); });
  var on = tool("Next →", function () { go(1); });
  var less = tool("−", function () { zoom(step - 1); }, "Smaller");
  var more = tool("+", function () { zoom(step + 1); }, "Larger");
  var close = tool("Close", function () { dialog.close(); });
  close.autofocus = true;
  var panes = dialog.appendChild(make("div", { "class": "viewer-panes" }));
  document.body.appendChild(dialog);

  function tool(words, action, label) {
    var button = make("button", { type: "button" }, words);
    if (label) { button.setAttribute("aria-label", label); }
    button.addEventListener("click", action);
    return tools.appendChild(button);
  }
  images.forEach(function (image) {
    var button = make("button", {
      type: "button", "class": "enlarge", "aria-haspopup": "dialog", "aria-label": "Enlarge " + image.alt
    });
    image.replaceWith(button);
    button.appendChild(image);
    button.addEventListener("click", function () { open(image); });
  });
  function open(image) {
    var group = image.closest(".search") || image.closest(ROWS);
    row = group ? Array.prototype.slice.call(group.querySelectorAll("img[data-name]")) : [image];
    together = Boolean(group && group.matches(TOGETHER));
    beside = Boolean(group && group.matches(".search")) && row.length > 1;
    at = row.indexOf(image);
    if (beside && at === 0) { at = 1; }
    step = 0;
    dialog.showModal();
    show();
  }
  function go(by) {
    var next = at + by;
    if (together || next < (beside ? 1 : 0) || next >= row.length) { return; }
    at = next;
    show();
  }
  // What a picture is, and beside searches and grids what stands under it: its score, mostly.
  function words(image) {
    var name = ": " + image.getAttribute("data-name");
    var text = image.alt.slice(-name.length) === name ? image.alt.slice(0, -name.length) : image.alt;
    var place = image.closest("li, .probe");
    var what = together || !place ? null : place.querySelector(".what");
    if (!what) { return text; }
    var head = what.querySelector("b");
    var rest = what.textContent.replace(head ? head.textContent : "", "").trim().replace(/\s+/g, " ");
    return rest && text.indexOf(rest) < 0 ? text + ", " + rest : text;
  }
  function show() {
    var shown = together ? row : beside ? [row[0], row[at]] : [row[at]];
    panes.textContent = "";
    shown.forEach(function (image, i) {
      var mate = Boolean(image.closest(".mate"));
      var pane = make("figure", { "class": "viewer-pane" + (mate ? " mate" : "") });
      var frame = make("div", { "class": "frame", tabindex: "0", role: "region", "aria-label": words(image) });
      frame.appendChild(make("img", { src: image.src, alt: image.alt }));
      frame.addEventListener("scroll", function () { follow(frame); });
      frame.addEventListener("dblclick", function () { zoom(step ? 0 : 3); });
      var caption = make("figcaption", {}, words(image));
      var file = caption.appendChild(make("p", { "class": "file" }));
      var name = file.appendChild(make("code", {}, image.getAttribute("data-name")));
      var copy = file.appendChild(make("button", { type: "button" }, "Copy name"));
      var said = file.appendChild(make("span", { role: "status" }));
      copy.addEventListener("click", function () { window.tattooHarness.copy(name, said); });
      pane.appendChild(frame);
      pane.appendChild(caption);
      panes.appendChild(pane);
    });
    var first = beside ? 1 : 0;
    back.hidden = on.hidden = together || row.length - first < 2;
    back.disabled = at <= first;
    on.disabled = at >= row.length - 1;
    told.textContent = together || row.length - first < 2
      ? words(row[beside ? 1 : 0])
      : (beside ? "Candidate " : "Picture ") + (at + 1 - first) + " of " + (row.length - first) + " shown";
    zoom(step);
  }
  function zoom(to) {
    step = Math.min(Math.max(to, 0), STEPS.length - 1);
    panes.querySelectorAll(".frame").forEach(function (frame) {
      var size = STEPS[step] * 100 + "%";
      frame.firstChild.style.width = frame.firstChild.style.height = size;
      frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2;
      frame.scrollTop = (frame.scrollHeight - frame.clientHeight) / 2;
    });
    less.disabled = step === 0;
    more.disabled = step === STEPS.length - 1;
  }
  // All pictures show the same part.
  function follow(moved) {
    panes.querySelectorAll(".frame").forEach(function (frame) {
      if (frame === moved) { return; }
      if (Math.abs(frame.scrollLeft - moved.scrollLeft) > 1) { frame.scrollLeft = moved.scrollLeft; }
      if (Math.abs(frame.scrollTop - moved.scrollTop) > 1) { frame.scrollTop = moved.scrollTop; }
    });
  }
  dialog.addEventListener("click", function (event) { if (event.target === dialog) { dialog.close(); } });
  dialog.addEventListener("keydown", function (event) {
    var zoomed = step > 0 && event.target.classList.contains("frame");
    if (event.key === "ArrowLeft" && !zoomed) { go(-1); }
    else if (event.key === "ArrowRight" && !zoomed) { go(1); }
    else if (event.key === "+" || event.key === "=") { zoom(step + 1); }
    else if (event.key === "-") { zoom(step - 1); }
    else if (event.key === "0") { zoom(0); }
    else { return; }
    event.preventDefault();
  });
})();
