// Values of a plot under the pointer and the arrow keys, and plots as files. Extras only.
(function () {
  "use strict";
  var NAMESPACE = "http://www.w3.org/2000/svg";
  var STYLE = [
    "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "paint-order",
    "opacity", "font-family", "font-size", "font-weight", "text-anchor"
  ];
  var make = window.tattooHarness.make;
  function draw(name, attributes) {
    var element = document.createElementNS(NAMESPACE, name);
    Object.keys(attributes || {}).forEach(function (key) { element.setAttribute(key, attributes[key]); });
    return element;
  }
  document.querySelectorAll(".plot-box > svg.plot:not(.overlay)").forEach(point);
  document.querySelectorAll(".downloads").forEach(offer);

  function point(svg) {
    var points = Array.prototype.map.call(svg.querySelectorAll(".hit"), function (hit) {
      var title = hit.querySelector("title") || hit.parentNode.querySelector("title");
      var text = title ? title.textContent : "";
      return { x: Number(hit.getAttribute("cx")), y: Number(hit.getAttribute("cy")), text: text };
    }).filter(function (p) { return p.text; });
    if (!points.length) { return; }
    points.sort(function (a, b) { return a.x - b.x || a.y - b.y; });
    // The browser's own tips would come late and lie over ours.
    svg.querySelectorAll(".hit > title, .point > title").forEach(function (title) { title.remove(); });
    var heading = svg.querySelector(":scope > title");
    if (heading) {
      svg.setAttribute("aria-label", heading.textContent + ": values by the arrow keys");
      svg.removeAttribute("aria-labelledby");
      heading.remove();
    }
    var box = svg.viewBox.baseVal;
    var readout = svg.appendChild(draw("g", { "class": "readout", "aria-hidden": "true", hidden: "" }));
    var line = readout.appendChild(draw("path"));
    var dot = readout.appendChild(draw("circle", { r: "5" }));
    var tip = readout.appendChild(draw("text"));
    var said = make("p", { "class": "unseen", role: "status" });
    svg.after(said);
    svg.setAttribute("tabindex", "0");
    var at = -1;

    function show(i) {
      at = i;
      var p = points[i];
      var side = p.x < box.width * 0.35 ? "start" : p.x > box.width * 0.65 ? "end" : "middle";
      line.setAttribute("d", "M" + p.x + "," + (box.height - 62) + "V" + p.y);
      dot.setAttribute("cx", p.x);
      dot.setAttribute("cy", p.y);
      tip.setAttribute("class", "tip " + side);
      tip.setAttribute("x", p.x);
      tip.setAttribute("y", p.y < 78 ? p.y + 30 : p.y - 16);
      tip.textContent = p.text;
      readout.removeAttribute("hidden");
    }
    function hide() { readout.setAttribute("hidden", ""); at = -1; }
    svg.addEventListener("pointermove", function (event) {
      var place = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      var best = -1, least = Infinity;
      points.forEach(function (p, i) {
        var far = Math.pow(p.x - place.x, 2) + Math.pow((p.y - place.y) / 3, 2);
        if (far < least) { least = far; best = i; }
      });
      if (best !== at) { show(best); }
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.addEventListener("keydown", function (event) {
      if (event.target !== svg) { return; }
      var last = points.length - 1;
      var to = { ArrowRight: Math.min(at + 1, last), ArrowLeft: Math.max(at - 1, 0), Home: 0, End: last }[event.key];
      if (event.key === "Escape") { hide(); return; }
      if (to === undefined) { return; }
      event.preventDefault();
      show(to);
      said.textContent = points[to].text;
    });
  }

  function offer(place) {
    var box = place.closest(".plot-box");
    var svg = box && box.querySelector("svg.plot");
    if (!svg) { return; }
    var name = place.getAttribute("data-figure-name");
    var heading = place.querySelector(".unseen") ? place.querySelector(".unseen").textContent : "";
    [["SVG", saveDrawing], ["PNG", savePicture]].forEach(function (one) {
      var button = place.appendChild(make("button", { type: "button" }, one[0]));
      button.appendChild(make("span", { "class": "unseen" }, heading));
      button.addEventListener("click", function () { one[1](standing(box, svg), name); });
    });
  }
  // The plot with its legend and with its looks written into it, always as on white paper.
  function standing(box, svg) {
    var root = document.documentElement;
    root.classList.add("light");
    var width = svg.viewBox.baseVal.width, height = svg.viewBox.baseVal.height;
    var whole = draw("svg", { xmlns: NAMESPACE });
    whole.appendChild(draw("rect", { width: "100%", height: "100%", fill: "#fff" }));
    var left = 8, top = 20;
    box.querySelectorAll(".legend li").forEach(function (item) {
      var words = item.textContent.trim();
      var wide = 50 + 7.2 * words.length;
      if (left + wide > width && left > 8) { left = 8; top += 22; }
      var key = dressed(item.querySelector("svg"));
      ["x", "y", "width", "height"].forEach(function (n, i) { key.setAttribute(n, [left, top - 11, 36, 14][i]); });
      whole.appendChild(key);
      var text = whole.appendChild(draw("text", { x: left + 44, y: top, "font-size": "13" }));
      text.setAttribute("font-family", getComputedStyle(item).fontFamily);
      text.textContent = words;
      left += wide + 14;
    });
    var plot = dressed(svg);
    plot.setAttribute("x", "4");
    plot.setAttribute("y", String(top + 10));
    plot.setAttribute("width", String(width));
    plot.setAttribute("height", String(height));
    whole.appendChild(plot);
    whole.setAttribute("viewBox", "0 0 " + (width + 8) + " " + (height + top + 14));
    whole.setAttribute("width", String(width + 8));
    whole.setAttribute("height", String(height + top + 14));
    root.classList.remove("light");
    return new XMLSerializer().serializeToString(whole);
  }
  function dressed(svg) {
    var copy = svg.cloneNode(true);
    var from = svg.querySelectorAll("*"), to = copy.querySelectorAll("*"), gone = [];
    Array.prototype.forEach.call(to, function (element, i) {
      if (element.matches(".hit, .tip, .readout, .readout *")) { gone.push(element); return; }
      if (/^(path|circle|rect|text)$/.test(element.nodeName)) {
        var style = getComputedStyle(from[i]);
        STYLE.forEach(function (key) { element.style.setProperty(key, style.getPropertyValue(key)); });
      }
    });
    gone.forEach(function (element) { element.remove(); });
    copy.querySelectorAll("[tabindex]").forEach(function (element) { element.removeAttribute("tabindex"); });
    ["tabindex", "aria-describedby", "aria-labelledby"].forEach(function (key) { copy.removeAttribute(key); });
    copy.setAttribute("xmlns", NAMESPACE);
    return copy;
  }
  function save(address, name) {
    var link = make("a", { href: address, download: name });
    document.body.appendChild(link);
    link.click();
    link.remove();
  }
  function address(text) { return "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text); }
  function saveDrawing(text, name) { save(address(text), name + ".svg"); }
  function savePicture(text, name) {
    var image = new Image();
    image.onload = function () {
      var canvas = make("canvas", { width: 2 * image.width, height: 2 * image.height });
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      save(canvas.toDataURL("image/png"), name + ".png");
    };
    image.src = address(text);
  }
})();
