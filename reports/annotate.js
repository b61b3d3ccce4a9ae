// The annotation page: what a person draws and types is sent to this machine after every change.
(function () {
  "use strict";
  const FIELDS = ["tattoo", "style", "tags", "subject", "group"];
  const SVG = "http://www.w3.org/2000/svg";
  const $ = (id) => document.getElementById(id);
  const state = {
    images: [], revision: 0, styles: [],
    current: 0, chosen: null, width: 1, height: 1, readable: false, zoom: 1,
    past: [], future: [], names: {}, last: "",
    waiting: new Set(), sending: false, stopped: false,
    blobs: new Map(), keys: 0, load: 0,
  };

  // Texts come from file names and from people: they are only ever set as text.
  function make(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== null) node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }
  function draw(tag, attributes) {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  }
  const say = (text) => { $("said").textContent = text; };
  const marks = () => state.images[state.current].marks;
  const mark = () => marks().find((m) => m.key === state.chosen) || null;
  const title = (m) => m.tattoo || (m.label === "non-tattoo" ? "no tattoo" : "not named");
  const newKey = () => "new:" + state.load + ":" + (++state.keys);
  const clean = (text) => text.trim().split(/\s+/).filter(Boolean).join(" ");

  // ---- Saving: one request at a time, each with all that has changed since the last.

  function saved() {
    const waiting = state.waiting.size > 0 || state.sending;
    $("saved").textContent = state.stopped ? "Not saved" : waiting ? "Saving" : "Saved";
    $("saved").classList.toggle("waiting", waiting || state.stopped);
  }
  function alarm(text, label, act) {
    $("alarm").hidden = !text;
    $("alarm-text").textContent = text || "";
    $("alarm-act").textContent = label || "";
    $("alarm-act").onclick = act || null;
  }
  async function flush() {
    if (state.sending || state.stopped || !state.waiting.size) { saved(); return; }
    state.sending = true;
    saved();
    const sent = [...state.waiting];
    state.waiting.clear();
    const images = {};
    for (const number of sent) {
      images[number] = state.images[number].marks.map((m) => ({ ...m, name: state.names[m.key] || "" }));
    }
    const again = () => { sent.forEach((number) => state.waiting.add(number)); };
    let answer = null;
    try {
      answer = await fetch("change", {
        method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ revision: state.revision, images }),
      });
      if (answer.ok) {
        const told = await answer.json();
        state.revision = told.revision;
        Object.assign(state.names, told.names);
        alarm("");
      }
    } catch (fault) { answer = null; }
    state.sending = false;
    if (answer === null) {
      again();
      alarm("Not saved: this machine does not answer. If the command has ended, start it again and open the new address; until then the last changes are only on this page.", "Try again", flush);
      saved();
      $("saved").textContent = "Not saved";
      setTimeout(flush, 3000);
      return;
    }
    if (!answer.ok) {
      again();
      state.stopped = true;
      alarm("Not saved: " + await answer.text(), "Load the page again", () => { state.waiting.clear(); location.reload(); });
    }
    saved();
    if (state.waiting.size) flush();
  }

  // ---- Changes: each is a step of the history, kept as what the images' marks were and became.

  function commit(changed, what, same) {
    const before = new Map(), after = new Map();
    for (const [number, list] of changed) {
      before.set(number, state.images[number].marks);
      after.set(number, list);
    }
    const last = state.past[state.past.length - 1];
    if (same && last && last.same === same && Date.now() - last.when < 900) {
      last.after = after;
      last.when = Date.now();
    } else {
      state.past.push({ before, after, what, same, when: Date.now() });
    }
    state.future = [];
    put(after);
    if (what) say(what);
  }
  function put(lists) {
    for (const [number, list] of lists) {
      state.images[number].marks = list;
      state.waiting.add(number);
    }
    if (!marks().some((m) => m.key === state.chosen)) state.chosen = null;
    show();
    flush();
  }
  function undo() {
    const step = state.past.pop();
    if (!step) return;
    state.future.push(step);
    go(step, step.before);
    say("Undone: " + (step.what || "a change"));
  }
  function redo() {
    const step = state.future.pop();
    if (!step) return;
    state.past.push(step);
    step.same = null;
    go(step, step.after);
    say("Done again: " + (step.what || "a change"));
  }
  function go(step, lists) {
    const numbers = [...lists.keys()];
    const turn = numbers.length && !numbers.includes(state.current) && $("sheet").hidden;
    put(lists);
    if (turn) open(numbers[0]);
  }
  function edit(key, values, what, same) {
    const list = marks().map((m) => (m.key === key ? { ...m, ...values } : m));
    commit(new Map([[state.current, list]]), what, same);
  }
  function add(box) {
    const list = marks();
    // A line without a box is waiting for one; "no tattoo" is no longer true.
    const empty = list.length === 1 && list[0].box === null ? list[0] : null;
    const key = empty ? empty.key : newKey();
    const fresh = empty ? { ...empty, box, label: "tattoo" }
      : { key, name: "", box, tattoo: "", subject: "", group: "", style: "", tags: "", label: "tattoo" };
    state.chosen = key;
    commit(new Map([[state.current, empty ? [fresh] : [...list, fresh]]]), "box added");
  }
  function addInMiddle() {
    if (!state.readable) return;
    const w = Math.max(2, Math.round(state.width / 3)), h = Math.max(2, Math.round(state.height / 3));
    const x = Math.round((state.width - w) / 2), y = Math.round((state.height - h) / 2);
    add([x, y, x + w, y + h]);
    focusBox();
  }
  function remove() {
    const gone = mark();
    if (!gone) return;
    const at = marks().indexOf(gone);
    const list = marks().filter((m) => m !== gone);
    state.chosen = list.length ? list[Math.min(at, list.length - 1)].key : null;
    commit(new Map([[state.current, list]]), "box deleted");
    if (state.chosen) focusBox(); else $("stage").focus();
  }
  function repeat() {
    const m = mark();
    if (m && state.last) edit(m.key, { tattoo: state.last }, "named " + state.last);
  }
  function nothing(yes) {
    const list = marks();
    if (yes && list.some((m) => m.box || m.tattoo)) return;
    if (yes) {
      const empty = list[0] || { key: newKey(), name: "", box: null, tattoo: "", subject: "", group: "", style: "", tags: "" };
      commit(new Map([[state.current, [{ ...empty, label: "non-tattoo" }]]]), "no tattoo in this image");
    } else {
      commit(new Map([[state.current, list.filter((m) => m.box || m.tattoo)]]), "not described");
    }
  }
  function move(dx, dy, corner) {
    const m = mark();
    if (!m || !m.box) return;
    let [x1, y1, x2, y2] = m.box;
    if (corner) {
      x2 = Math.max(x1 + 1, Math.min(x2 + dx, Math.max(state.width, x2)));
      y2 = Math.max(y1 + 1, Math.min(y2 + dy, Math.max(state.height, y2)));
    } else {
      dx = Math.max(Math.min(-x1, 0), Math.min(dx, Math.max(state.width - x2, 0)));
      dy = Math.max(Math.min(-y1, 0), Math.min(dy, Math.max(state.height - y2, 0)));
      x1 += dx; x2 += dx; y1 += dy; y2 += dy;
    }
    const box = [x1, y1, x2, y2];
    edit(m.key, { box }, "box at " + box.join(" "), m.key + (corner ? "size" : "move"));
  }
  function choose(key, focus) {
    state.chosen = key;
    show();
    const m = mark();
    if (m) say("Box " + (marks().indexOf(m) + 1) + " of " + marks().length + ": " + title(m));
    if (focus) focusBox();
  }
  function chooseNext(step) {
    const list = marks();
    if (!list.length) return;
    const at = list.findIndex((m) => m.key === state.chosen);
    choose(list[(at < 0 ? (step > 0 ? 0 : list.length - 1) : at + step + list.length) % list.length].key, true);
  }
  function focusBox() {
    const group = [...$("boxes").children].find((g) => g.dataset.key === state.chosen);
    if (group) group.focus({ preventScroll: true });
  }

  // ---- Images

  async function fetched(number) {
    if (!state.blobs.has(number)) {
      const promise = fetch("image/" + number + "?v=" + state.load).then(async (answer) => {
        if (!answer.ok) return { fault: await answer.text() };
        return {
          url: URL.createObjectURL(await answer.blob()),
          width: Number(answer.headers.get("X-Image-Width")), height: Number(answer.headers.get("X-Image-Height")),
        };
      }).catch(() => { state.blobs.delete(number); return { fault: "this machine does not answer" }; });
      state.blobs.set(number, promise);
      for (const old of [...state.blobs.keys()].slice(0, -6)) {
        if (old === state.current) continue;
        state.blobs.get(old).then((one) => one.url && URL.revokeObjectURL(one.url));
        state.blobs.delete(old);
      }
    }
    return state.blobs.get(number);
  }
  async function open(number) {
    if (number < 0 || number >= state.images.length) return;
    state.current = number;
    state.chosen = marks().length ? marks()[0].key : null;
    state.readable = false;
    $("image").removeAttribute("src");
    show();
    const row = $("files").querySelector("[aria-current]");
    if (row) row.scrollIntoView({ block: "nearest" });
    const one = await fetched(number);
    if (number !== state.current) return;
    $("fault").hidden = !one.fault;
    $("fault").textContent = one.fault ? "This image cannot be shown: it " + one.fault + "." : "";
    $("frame").hidden = Boolean(one.fault);
    if (!one.fault) {
      state.width = one.width;
      state.height = one.height;
      $("image").src = one.url;
      state.readable = true;
    }
    show();
    say("Image " + (number + 1) + " of " + state.images.length + ": " + state.images[number].file);
    if (number + 1 < state.images.length) fetched(number + 1);
  }
  function turn(step) { open(state.current + step); }

  // ---- Showing

  function fit() {
    const stage = $("stage"), frame = $("frame");
    const margin = 14; // of pixels, so that the handles of a box at the edge can be caught
    const scale = Math.min((stage.clientWidth - margin) / state.width, (stage.clientHeight - margin) / state.height) * state.zoom;
    frame.style.width = Math.max(1, Math.floor(state.width * scale)) + "px";
    frame.style.height = Math.max(1, Math.floor(state.height * scale)) + "px";
    $("zoom").textContent = Math.round(state.zoom * 100) + " %";
    return scale;
  }
  function showBoxes() {
    if ($("work").hidden) return;
    const svg = $("boxes");
    const focused = document.activeElement && document.activeElement.closest && document.activeElement.closest("#boxes g");
    const scale = fit();
    svg.setAttribute("viewBox", "0 0 " + state.width + " " + state.height);
    svg.replaceChildren();
    if (!state.readable) return;
    marks().forEach((m, index) => {
      if (!m.box) return;
      const [x1, y1, x2, y2] = m.box;
      const shape = { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
      const chosen = m.key === state.chosen;
      const group = draw("g", { tabindex: 0, role: "button", "aria-pressed": chosen, class: chosen ? "chosen" : "",
        "aria-label": "Box " + (index + 1) + ": " + title(m) + ", " + m.box.join(" ") });
      group.dataset.key = m.key;
      group.append(draw("rect", { ...shape, class: "under" }), draw("rect", { ...shape, class: "over" }));
      const size = 14 / scale;
      const label = draw("text", { x: x1 + size / 4, y: y1 > size * 1.3 ? y1 - size / 3 : y1 + size, "font-size": size, "stroke-width": 3 / scale });
      label.textContent = (index + 1) + (m.tattoo ? " " + m.tattoo : "");
      group.append(label);
      if (chosen) {
        const half = 5 / scale;
        for (const [cx, cy, side] of [[x1, y1, "nw"], [(x1 + x2) / 2, y1, "n"], [x2, y1, "ne"], [x2, (y1 + y2) / 2, "e"],
          [x2, y2, "se"], [(x1 + x2) / 2, y2, "s"], [x1, y2, "sw"], [x1, (y1 + y2) / 2, "w"]]) {
          const handle = draw("rect", { x: cx - half, y: cy - half, width: 2 * half, height: 2 * half, class: "handle" });
          handle.style.cursor = side + "-resize";
          handle.dataset.side = side;
          group.append(handle);
        }
      }
      group.addEventListener("focus", () => { if (state.chosen !== m.key) choose(m.key, true); });
      svg.append(group);
    });
    if (focused) focusBox();
  }
  const described = (image) => image.marks.length > 0;
  const rows = [];
  let marked = 0;
  function buildFiles() {
    state.images.forEach((image, number) => {
      const told = make("small");
      const button = make("button", { type: "button", onclick: () => { open(number); } });
      button.append(image.file, told);
      rows.push({ item: make("li", {}, button), button, told, of: null });
    });
    $("files").replaceChildren(...rows.map((row) => row.item));
  }
  function files() {
    const wanted = $("show").value;
    rows[marked].button.removeAttribute("aria-current");
    marked = state.current;
    rows[marked].button.setAttribute("aria-current", "true");
    let done = 0;
    state.images.forEach((image, number) => {
      const row = rows[number], is = described(image);
      done += is;
      row.item.hidden = number !== state.current && ((wanted === "todo" && is) || (wanted === "done" && !is));
      if (row.of === image.marks) return;
      row.of = image.marks;
      const boxes = image.marks.filter((m) => m.box).length;
      row.told.textContent = boxes ? boxes + (boxes === 1 ? " box" : " boxes")
        : !is ? "" : image.marks[0].label === "non-tattoo" ? "no tattoo" : "no box yet";
    });
    $("done").textContent = done;
  }
  function options(id, values) {
    const some = [...new Set(values)].filter(Boolean).sort(), node = $(id), told = some.join("\n");
    if (node.dataset.told === told) return;
    node.dataset.told = told;
    node.replaceChildren(...some.map((value) => make("option", { value })));
  }
  function panel() {
    const list = $("list"), every = marks();
    list.replaceChildren(...every.map((m, index) => {
      const button = make("button", { type: "button", "aria-pressed": m.key === state.chosen ? "true" : "false", onclick: () => { choose(m.key); } });
      button.append((index + 1) + ". " + title(m) + (m.box ? "" : " (no box)"));
      return make("li", {}, button);
    }));
    const m = mark();
    $("none").checked = every.length > 0 && every.every((one) => one.label === "non-tattoo");
    $("none").disabled = every.some((one) => one.box || one.tattoo);
    $("add").disabled = !state.readable;
    $("form").hidden = !m;
    $("box-fault").textContent = "";
    if (!m) return;
    $("chosen").textContent = "Box " + (every.indexOf(m) + 1) + " of " + every.length;
    for (const field of FIELDS) if (document.activeElement !== $(field) || $(field).dataset.key !== m.key) $(field).value = m[field];
    for (const field of FIELDS) $(field).dataset.key = m.key;
    $("box").value = m.box ? m.box.join(" ") : "";
    $("repeat").hidden = !state.last || state.last === m.tattoo;
    $("repeat").textContent = "Same tattoo as before: " + state.last;
    const mates = [];
    if (m.tattoo) state.images.forEach((image, number) => image.marks.forEach((other) => {
      if (other.tattoo === m.tattoo && !(number === state.current && other.key === m.key)) mates.push([number, other]);
    }));
    $("mates").hidden = !mates.length;
    $("mates-title").textContent = "The same tattoo elsewhere: " + mates.length;
    $("mates-list").replaceChildren(...mates.slice(0, 12).map(([number, other]) => make("button",
      { type: "button", onclick: async () => { await open(number); choose(other.key, true); }, "aria-label": "Go to " + state.images[number].file },
      make("img", { src: part(number, other), alt: "", loading: "lazy" }))));
  }
  const part = (number, m) => "part/" + number + "?v=" + state.load + (m.box ? "&box=" + m.box.join(",") : "");
  function show() {
    const image = state.images[state.current];
    const every = state.images.flatMap((one) => one.marks);
    for (const [id, field] of [["tattoos", "tattoo"], ["subjects", "subject"], ["groups", "group"]]) options(id, every.map((m) => m[field]));
    options("styles", [...state.styles, ...every.map((m) => m.style)]);
    options("motifs", every.flatMap((m) => m.tags.split(/[;\s]+/)));
    $("file").textContent = image.file;
    $("image").alt = image.file;
    if (document.activeElement !== $("number")) $("number").value = state.current + 1;
    $("previous").disabled = state.current === 0;
    $("next").disabled = state.current === state.images.length - 1;
    $("undo").disabled = !state.past.length;
    $("redo").disabled = !state.future.length;
    files();
    showBoxes();
    panel();
    if (!$("sheet").hidden) sheet();
    saved();
  }

  // ---- All boxes beside each other

  const ticks = new Set();
  function sheet() {
    const groups = new Map();
    state.images.forEach((image, number) => image.marks.forEach((m) => {
      if (!m.box && !m.tattoo) return;
      if (!groups.has(m.tattoo)) groups.set(m.tattoo, []);
      groups.get(m.tattoo).push([number, m]);
    }));
    const names = [...groups.keys()].sort((a, b) => (a === "") - (b === "") || a.localeCompare(b));
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.tick : null;
    $("crops").replaceChildren(...names.map((name) => {
      const some = groups.get(name);
      const heading = make("h3", {}, (name || "Not named") + " ", make("small", {}, some.length + (some.length === 1 ? " box" : " boxes")));
      return make("section", {}, heading, make("div", { class: "grid" }, ...some.map(([number, m]) => {
        const id = number + ":" + m.key;
        const box = make("input", { type: "checkbox", "data-tick": id, onchange: (event) => { if (event.target.checked) ticks.add(id); else ticks.delete(id); ticked(); } });
        box.checked = ticks.has(id);
        return make("label", {}, make("img", { src: part(number, m), alt: "", loading: "lazy" }), box, " " + state.images[number].file);
      })));
    }));
    if (!names.length) $("crops").append(make("p", {}, "There is no box yet."));
    if (focused) { const again = [...document.querySelectorAll("[data-tick]")].find((node) => node.dataset.tick === focused); if (again) again.focus(); }
    ticked();
  }
  function ticked() { $("ticked").textContent = ticks.size ? ticks.size + " ticked" : ""; }
  function toggleSheet() {
    const showing = $("sheet").hidden;
    $("sheet").hidden = !showing;
    $("work").hidden = showing;
    $("sheet-toggle").setAttribute("aria-expanded", String(showing));
    ticks.clear();
    show();
    if (!showing) $("stage").focus();
  }
  function merge(event) {
    event.preventDefault();
    const chosen = [];
    state.images.forEach((image, number) => image.marks.forEach((m) => { if (ticks.has(number + ":" + m.key)) chosen.push([number, m]); }));
    if (!chosen.length) { $("ticked").textContent = "Tick the boxes first"; return; }
    const named = chosen.map(([, m]) => m.tattoo).find(Boolean);
    const taken = new Set(state.images.flatMap((image) => image.marks.map((m) => m.tattoo)));
    let number = 1;
    while (taken.has("tattoo-" + number)) number += 1;
    const name = clean($("merge-name").value) || named || "tattoo-" + number;
    const changed = new Map();
    for (const [at, m] of chosen) {
      const list = changed.get(at) || state.images[at].marks;
      changed.set(at, list.map((one) => (one.key === m.key ? { ...one, tattoo: name } : one)));
    }
    ticks.clear();
    $("merge-name").value = "";
    commit(changed, chosen.length + " boxes named " + name);
  }

  // ---- Pointer: draw, move, resize

  let drag = null;
  function at(event) {
    const area = $("boxes").getBoundingClientRect();
    return [(event.clientX - area.left) / area.width * state.width, (event.clientY - area.top) / area.height * state.height];
  }
  const inside = (value, most) => Math.max(0, Math.min(most, Math.round(value)));
  function dragged(event) {
    const [x, y] = at(event);
    if (!drag.box) {
      const [sx, sy] = drag.start;
      return [inside(Math.min(x, sx), state.width), inside(Math.min(y, sy), state.height),
        inside(Math.max(x, sx), state.width), inside(Math.max(y, sy), state.height)];
    }
    let [x1, y1, x2, y2] = drag.box;
    if (!drag.side) {
      const dx = Math.max(Math.min(-x1, 0), Math.min(Math.round(x - drag.start[0]), Math.max(state.width - x2, 0)));
      const dy = Math.max(Math.min(-y1, 0), Math.min(Math.round(y - drag.start[1]), Math.max(state.height - y2, 0)));
      return [x1 + dx, y1 + dy, x2 + dx, y2 + dy];
    }
    if (drag.side.includes("w")) x1 = Math.min(inside(x, state.width), x2 - 1);
    if (drag.side.includes("e")) x2 = Math.max(inside(x, state.width), x1 + 1);
    if (drag.side.includes("n")) y1 = Math.min(inside(y, state.height), y2 - 1);
    if (drag.side.includes("s")) y2 = Math.max(inside(y, state.height), y1 + 1);
    return [x1, y1, x2, y2];
  }
  $("boxes").addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary || !state.readable) return;
    const group = event.target.closest("g");
    const start = at(event);
    event.preventDefault();
    if (document.activeElement && document.activeElement.closest("form")) document.activeElement.blur();
    if (group) {
      const key = group.dataset.key, side = event.target.dataset.side || "";
      if (key !== state.chosen) choose(key);
      drag = { key, side, start, box: mark().box, moved: false };
      focusBox();
    } else {
      drag = { key: null, start, box: null, moved: false };
      $("stage").focus({ preventScroll: true });
    }
    $("boxes").setPointerCapture(event.pointerId);
  });
  $("boxes").addEventListener("pointermove", (event) => {
    if (!drag || !event.isPrimary) return;
    const area = $("boxes").getBoundingClientRect();
    const [x, y] = at(event);
    if (Math.abs(x - drag.start[0]) * area.width / state.width > 3 || Math.abs(y - drag.start[1]) * area.height / state.height > 3) drag.moved = true;
    if (!drag.moved) return;
    const [x1, y1, x2, y2] = dragged(event);
    let ghost = $("boxes").querySelector("#ghost");
    if (!ghost) { ghost = draw("g", { id: "ghost", class: "chosen" }); $("boxes").append(ghost); }
    const shape = { x: x1, y: y1, width: Math.max(0, x2 - x1), height: Math.max(0, y2 - y1) };
    ghost.replaceChildren(draw("rect", { ...shape, class: "under" }), draw("rect", { ...shape, class: "over" }));
  });
  function drop(event, keep) {
    if (!drag || !event.isPrimary) return;
    const box = dragged(event), was = drag;
    drag = null;
    const ghost = $("boxes").querySelector("#ghost");
    if (ghost) ghost.remove();
    if (!keep || !was.moved) {
      if (keep && !was.key) choose(null);
      return;
    }
    if (was.key) edit(was.key, { box }, "box at " + box.join(" "));
    else if (box[2] - box[0] >= 2 && box[3] - box[1] >= 2) { add(box); focusBox(); }
  }
  $("boxes").addEventListener("pointerup", (event) => drop(event, true));
  $("boxes").addEventListener("pointercancel", (event) => drop(event, false));

  // ---- Form

  for (const field of FIELDS) {
    $(field).addEventListener("change", () => {
      const key = $(field).dataset.key;
      const m = marks().find((one) => one.key === key);
      const value = clean($(field).value);
      if (!m || m[field] === value) return;
      if (field === "tattoo" && value) state.last = value;
      edit(key, { [field]: value, ...(field === "tattoo" && value ? { label: "tattoo" } : {}) }, field + ": " + (value || "none"));
    });
  }
  $("box").addEventListener("change", () => {
    const m = mark(), text = $("box").value.trim();
    if (!m) return;
    const numbers = text.split(/[\s,]+/).map(Number);
    const good = numbers.length === 4 && numbers.every(Number.isInteger) && numbers[0] < numbers[2] && numbers[1] < numbers[3];
    if (text && !good) { $("box-fault").textContent = "Four whole numbers: left < right and top < bottom."; return; }
    edit(m.key, { box: text ? numbers : null }, "box at " + (text || "none"));
  });
  $("form").addEventListener("submit", (event) => event.preventDefault());

  $("previous").onclick = () => turn(-1);
  $("next").onclick = () => turn(1);
  $("number").addEventListener("change", () => { open(Number($("number").value) - 1); });
  $("undo").onclick = undo;
  $("redo").onclick = redo;
  $("add").onclick = addInMiddle;
  $("delete").onclick = remove;
  $("repeat").onclick = repeat;
  $("none").addEventListener("change", () => nothing($("none").checked));
  $("show").addEventListener("change", files);
  $("sheet-toggle").onclick = toggleSheet;
  $("merge").addEventListener("submit", merge);
  $("untick").onclick = () => { ticks.clear(); sheet(); };
  $("help-open").onclick = () => $("help").showModal();
  $("help-close").onclick = () => $("help").close();
  const zoom = (factor) => {
    state.zoom = factor ? Math.max(1, Math.min(8, state.zoom * factor)) : 1;
    showBoxes();
  };
  $("larger").onclick = () => zoom(1.5);
  $("smaller").onclick = () => zoom(1 / 1.5);

  // ---- Keys

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  document.addEventListener("keydown", (event) => {
    if ($("help").open) return;
    const typing = event.target.matches("input:not([type=checkbox]), select, textarea");
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    let done = true;
    if (typing) {
      // A form of several fields without a button is not submitted by Enter.
      if (key === "Enter" && event.target.form === $("form")) { event.target.blur(); focusBox(); }
      else if (key === "Escape") { event.target.blur(); if (state.chosen) focusBox(); else $("stage").focus(); }
      else if (key === "PageDown" || key === "PageUp") { event.target.blur(); turn(key === "PageDown" ? 1 : -1); }
      else done = false;
    } else if (command && key === "z") { if (event.shiftKey) redo(); else undo(); }
    else if (command && key === "y") redo();
    else if (!$("sheet").hidden) { if ((key === "g" && $("single").checked && !command) || key === "Escape") toggleSheet(); else done = false; }
    else if (key in ARROWS && mark() && event.target.closest("#stage, body") && !event.target.closest("button, summary")) {
      const far = event.shiftKey ? 10 : 1;
      move(ARROWS[key][0] * far, ARROWS[key][1] * far, event.ctrlKey || event.altKey);
    } else if (command || event.altKey) done = false;
    else if (key === "PageDown") turn(1);
    else if (key === "PageUp") turn(-1);
    else if (key === "Delete" || key === "Backspace") { if (event.target.closest("#stage") || event.target === document.body) remove(); else done = false; }
    else if (key === "Enter" && mark() && (event.target.closest("#stage") || event.target === document.body)) { $("tattoo").focus(); $("tattoo").select(); }
    else if (key === "Escape") { choose(null); $("stage").focus(); }
    else if (!$("single").checked) done = false;
    else if (key === "a") addInMiddle();
    else if (key === "]") chooseNext(1);
    else if (key === "[") chooseNext(-1);
    else if (key === "s") repeat();
    else if (key === "x") nothing(!$("none").checked);
    else if (key === "g") toggleSheet();
    else if (key === "?") $("help").showModal();
    else if (key === "+" || key === "=") zoom(1.5);
    else if (key === "-") zoom(1 / 1.5);
    else if (key === "0") zoom(0);
    else done = false;
    if (done) event.preventDefault();
  });
  window.addEventListener("resize", showBoxes);
  window.addEventListener("beforeunload", (event) => { if (state.waiting.size || state.sending) event.preventDefault(); });

  // ---- Start

  fetch("state").then(async (answer) => {
    if (!answer.ok) throw new Error(await answer.text());
    const told = await answer.json();
    Object.assign(state, { images: told.images, revision: told.revision, load: told.revision, styles: told.styles });
    for (const image of state.images) for (const m of image.marks) state.names[m.key] = m.name;
    document.title = "Annotate " + told.folder;
    $("folder").textContent = told.folder;
    $("count").textContent = state.images.length;
    buildFiles();
    $("number").max = state.images.length;
    $("notes").replaceChildren(...told.notes.map((note) => make("li", {}, note)));
    if (window.matchMedia("(max-width: 60rem)").matches) $("files-fold").open = false;
    const first = state.images.findIndex((image) => !described(image));
    await open(Math.max(0, first));
    document.documentElement.dataset.ready = "yes";
  }).catch((fault) => alarm("The page cannot start: " + fault.message, "Load the page again", () => location.reload()));
})();
