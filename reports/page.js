// Extras only: the report says everything without this script.
(function () {
  "use strict";
  var here = window.tattooHarness = {};
  // Copies the text of an element, or selects it where the browser does not let a page copy.
  here.copy = function (source, said) {
    var range = document.createRange();
    range.selectNodeContents(source);
    var selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    var done = false;
    try { done = document.execCommand("copy"); } catch (error) { done = false; }
    said.textContent = done ? "Copied." : "Selected: press Ctrl+C or Cmd+C.";
  };
  here.make = function (name, attributes, text) {
    var element = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) { element.setAttribute(key, attributes[key]); });
    if (text) { element.textContent = text; }
    return element;
  };
  document.querySelectorAll("[data-copy]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      here.copy(
        document.getElementById(button.getAttribute("data-copy")),
        document.getElementById(button.getAttribute("data-said"))
      );
    });
  });
  // Contents are folded up on a small screen; on a large one they stand beside the text.
  var contents = document.querySelector("details.contents");
  if (contents && window.matchMedia("(min-width: 72rem)").matches) { contents.open = true; }
  // A table that is cut says so; its edge shows it without this script.
  function mark(box) {
    var cut = box.scrollWidth > box.clientWidth + 1;
    box.classList.toggle("cut", cut);
    if (cut && !box.querySelector(":scope > .more")) {
      box.insertBefore(here.make("p", { "class": "more" }, "More columns: scroll sideways →"), box.firstChild);
    }
  }
  var boxes = Array.prototype.slice.call(document.querySelectorAll("main .scroll"));
  if (window.ResizeObserver) {
    var watch = new ResizeObserver(function (seen) { seen.forEach(function (one) { mark(one.target); }); });
    boxes.forEach(function (box) { watch.observe(box); });
  } else { boxes.forEach(mark); }
  // Browsers that cannot open details for print by style alone.
  var opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.prototype.slice.call(document.querySelectorAll("details:not([open])"));
    opened.forEach(function (details) { details.open = true; });
  });
  window.addEventListener("afterprint", function () {
    opened.forEach(function (details) { details.open = false; });
  });
})();
