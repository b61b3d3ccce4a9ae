// Sorting, filtering and selecting in the leaderboard. The pages say everything without it; what is
// sorted, filtered and selected stands in the address, so that a link shows the same.
(function () {
  "use strict";
  var tables = Array.prototype.map.call(document.querySelectorAll("table.ranking[data-noun]"), function (table) {
    var body = table.querySelector("tbody.entries");
    var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
    return {
      table: table,
      body: body,
      rows: Array.prototype.slice.call(body.rows),
      heads: heads,
      usual: heads.filter(function (head) { return head.hasAttribute("aria-sort"); })[0]
    };
  });
  if (!tables.length) { return; }
  document.documentElement.classList.add("scripted");
  var STYLES = 8;
  var filter = document.getElementById("filter");
  var told = document.getElementById("told");
  var figures = Array.prototype.slice.call(document.querySelectorAll("[data-figure]"));
  var boxes = Array.prototype.slice.call(document.querySelectorAll("table.ranking input[type=checkbox]"));
  var choices = Array.prototype.slice.call(document.querySelectorAll("input[data-column]"));
  var first = { sort: null, filter: "", show: checked(), columns: [] };
  var state = { sort: null, filter: "", show: first.show.slice(), columns: chosen() };
  // Keeps the number of its style as long as an entry is shown: lines must not change their looks.
  var styles = {};
  first.show.forEach(function (id, i) { styles[id] = i; });

  function checked() {
    return boxes.filter(function (box) { return box.checked; }).map(idOf);
  }
  function idOf(box) { return box.closest("tr").getAttribute("data-entry"); }

  // Sorting
  tables.forEach(function (one) { one.heads.forEach(sorter.bind(null, one)); });
  function sorter(one, head, column) {
    var words = head.querySelector(".sorter");
    if (!words) { return; }
    var button = document.createElement("button");
    button.type = "button";
    button.className = "sorter";
    while (words.firstChild) { button.appendChild(words.firstChild); }
    words.replaceWith(button);
    button.addEventListener("click", function () {
      var key = head.getAttribute("data-key");
      var order = head.getAttribute("data-first");
      var now = head.getAttribute("aria-sort");
      if (now) { order = now === "ascending" ? "desc" : "asc"; }
      state.sort = key + ":" + order;
      sort();
      remember();
      say("sorted by " + button.textContent.trim() + ", " + (order === "asc" ? "ascending" : "descending"));
    });
    head.column = column;
  }
  function value(row, column) { return row.cells[column].getAttribute("data-v") || ""; }
  function sort() {
    var at = state.sort ? state.sort.lastIndexOf(":") : -1;
    var key = at < 0 ? null : state.sort.slice(0, at);
    var down = at >= 0 && state.sort.slice(at + 1) === "desc";
    tables.forEach(function (one) { order(one, key, down); });
  }
  function order(one, key, down) {
    var head = one.heads.filter(function (h) { return key !== null && h.getAttribute("data-key") === key; })[0];
    var found = one.rows.slice();
    one.heads.forEach(function (h) { h.removeAttribute("aria-sort"); });
    if (head && head.column !== undefined) {
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      found = one.rows.map(function (row, i) { return { row: row, i: i, v: value(row, head.column) }; });
      var numbers = found.every(function (o) { return o.v === "" || isFinite(Number(o.v)); });
      found.sort(function (a, b) {
        if (a.v === "" || b.v === "") { return (a.v === "") - (b.v === "") || a.i - b.i; }
        var d = numbers ? Number(a.v) - Number(b.v) : a.v < b.v ? -1 : a.v > b.v ? 1 : 0;
        return (down ? -d : d) || a.i - b.i;
      });
      found = found.map(function (o) { return o.row; });
    } else if (one.usual) {
      one.usual.setAttribute("aria-sort", "ascending");
    }
    found.forEach(function (row) { one.body.appendChild(row); });
  }

  // Filtering
  function sift() {
    var words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
    var left = {}, all = {}, noun = "";
    tables.forEach(function (one) {
      noun = one.table.getAttribute("data-noun");
      one.rows.forEach(function (row) {
        // An entry may stand in several tables; it is counted once.
        var text = row.getAttribute("data-words");
        var name = row.getAttribute("data-entry") || text;
        var fits = words.every(function (word) { return text.indexOf(word) >= 0; });
        row.hidden = !fits;
        all[" " + name] = true;
        if (fits) { left[" " + name] = true; }
      });
    });
    if (state.filter) { say(Object.keys(left).length + " of " + Object.keys(all).length + " " + noun); }
    else { say(""); }
  }
  filter.addEventListener("input", function () { state.filter = filter.value; sift(); remember(); });

  // Columns: what is ticked shows by style alone; here it is only kept in the address.
  function chosen() {
    return choices.filter(function (box) { return box.checked; }).map(columnOf);
  }
  function columnOf(box) { return box.getAttribute("data-column"); }
  choices.forEach(function (box) {
    box.addEventListener("change", function () { state.columns = chosen(); remember(); });
  });
  function choose() {
    choices.forEach(function (box) { box.checked = state.columns.indexOf(columnOf(box)) >= 0; });
  }

  // Selecting
  boxes.forEach(function (box) {
    box.addEventListener("change", function () {
      var id = idOf(box);
      if (box.checked && state.show.length >= STYLES) {
        box.checked = false;
        say("At most " + STYLES + " entries can be shown at once.");
        return;
      }
      state.show = state.show.filter(function (other) { return other !== id; });
      if (box.checked) { state.show.push(id); }
      show();
      remember();
    });
  });
  var none = document.getElementById("none");
  if (none) {
    none.addEventListener("click", function () { state.show = []; show(); remember(); });
  }
  function show() {
    var taken = {};
    Object.keys(styles).forEach(function (id) {
      if (state.show.indexOf(id) < 0) { delete styles[id]; } else { taken[styles[id]] = true; }
    });
    state.show.forEach(function (id) {
      for (var i = 0; styles[id] === undefined && i < STYLES; i += 1) {
        if (!taken[i]) { styles[id] = i; taken[i] = true; }
      }
    });
    boxes.forEach(function (box) {
      var id = idOf(box);
      box.checked = state.show.indexOf(id) >= 0;
      var old = box.closest("td").querySelector(".swatch");
      old.replaceWith(box.checked ? swatch(styles[id]) : document.createElement("span"));
      if (!box.checked) { box.closest("td").querySelector("span").className = "swatch"; }
    });
    figures.forEach(draw);
  }
  function make(name, attributes) {
    var element = document.createElementNS("http://www.w3.org/2000/svg", name);
    Object.keys(attributes).forEach(function (key) { element.setAttribute(key, attributes[key]); });
    return element;
  }
  function swatch(style) {
    var svg = make("svg", { "class": "swatch k" + style, viewBox: "0 0 36 14", "aria-hidden": "true" });
    svg.appendChild(make("path", { "class": "line", d: "M0,7H36" }));
    var shape = document.querySelector("marker.k" + style + " path");
    var mark = make("g", { "class": "mark", transform: "translate(18 7)" });
    if (shape) { mark.appendChild(make("path", { d: shape.getAttribute("d") })); }
    svg.appendChild(mark);
    return svg;
  }
  function draw(figure) {
    var name = figure.getAttribute("data-figure");
    var legend = figure.querySelector(".legend");
    var numbers = document.querySelector("#numbers-" + name + " tbody");
    var always = Array.prototype.filter.call(legend.children, function (li) { return !li.hasAttribute("data-entry"); });
    var items = [];
    numbers.textContent = "";
    figure.querySelectorAll(".curve").forEach(function (curve) {
      var id = curve.getAttribute("data-entry");
      var style = styles[id];
      curve.querySelectorAll(".hit").forEach(function (hit) { hit.remove(); });
      if (style === undefined) {
        curve.setAttribute("class", "curve");
        curve.setAttribute("hidden", "");
        return;
      }
      curve.removeAttribute("hidden");
      curve.setAttribute("class", "curve k" + style);
      var marks = curve.querySelector(".marks");
      var tips = (curve.getAttribute("data-tips") || "").split("|");
      if (marks) {
        ["start", "mid", "end"].forEach(function (place) {
          marks.setAttribute("marker-" + place, "url(#" + name + "-mark-" + style + ")");
        });
        marks.getAttribute("d").slice(1).split(" ").forEach(function (point, i) {
          var at = point.split(",");
          var hit = make("circle", { "class": "hit", cx: at[0], cy: at[1], r: "9" });
          var title = make("title", {});
          title.textContent = tips[i] || "";
          hit.appendChild(title);
          curve.appendChild(hit);
        });
      }
      var label = curve.querySelector("title").textContent;
      var item = document.createElement("li");
      item.setAttribute("data-entry", id);
      item.appendChild(swatch(style));
      item.appendChild(document.createElement("span")).textContent = label;
      items.push({ style: style, item: item, row: numbersOf(label, tips, figure) });
    });
    items.sort(function (a, b) { return a.style - b.style; });
    legend.textContent = "";
    items.forEach(function (i) { legend.appendChild(i.item); numbers.appendChild(i.row); });
    always.forEach(function (li) { legend.appendChild(li); });
  }
  function numbersOf(label, tips, figure) {
    var row = document.createElement("tr");
    var head = document.createElement("th");
    head.scope = "row";
    head.textContent = label;
    row.appendChild(head);
    Array.prototype.slice.call(figure.querySelectorAll(".numbers thead th"), 1).forEach(function (column) {
      var words = column.textContent.trim() + ": ";
      var tip = tips.filter(function (t) { return t.indexOf(words) === 0; })[0];
      row.appendChild(document.createElement("td")).textContent = tip ? tip.slice(words.length) : "no value";
    });
    return row;
  }

  // The address
  function remember() {
    var parts = [];
    if (state.sort) { parts.push("sort=" + encodeURIComponent(state.sort)); }
    if (state.filter) { parts.push("filter=" + encodeURIComponent(state.filter)); }
    if (state.columns.length) { parts.push("columns=" + state.columns.map(encodeURIComponent).join()); }
    if (state.show.join() !== first.show.join()) { parts.push("show=" + state.show.join()); }
    var address = location.href.split("#")[0] + (parts.length ? "#" + parts.join("&") : "");
    try { history.replaceState(null, "", address); } catch (error) { /* some browsers refuse files */ }
  }
  function recall() {
    var text = location.hash.slice(1);
    if (text && text.indexOf("=") < 0) { return; }  // a plain place in the page
    state = { sort: null, filter: "", show: first.show.slice(), columns: text ? [] : chosen() };
    text.split("&").forEach(function (part) {
      var at = part.indexOf("=");
      var key = part.slice(0, at);
      var words;
      try {
        words = decodeURIComponent(part.slice(at + 1));
        if (key === "columns") { state.columns = part.slice(at + 1).split(",").map(decodeURIComponent); }
      } catch (error) { return; }
      if (key === "sort" || key === "filter") { state[key] = words; }
      if (key === "show") {
        var known = boxes.map(idOf);
        state.show = words.split(",").filter(function (id, i, all) {
          return known.indexOf(id) >= 0 && all.indexOf(id) === i;
        }).slice(0, STYLES);
      }
    });
    filter.value = state.filter;
    choose();
    sort();
    sift();
    show();
  }
  function say(words) { told.textContent = words; }
  window.addEventListener("hashchange", recall);
  recall();
})();
