// The annotation page: what a person draws and types is sent to this machine after every change.
(function () {
  "use strict";
  // Columns that say something of the picture: a second tattoo in it has them, too.
  const OF_PICTURE = ["media", "role", "source", "fold", "use_case"];
  const SMALL = 112, MIDDLE = 360, LARGE = 960; // sides of copies that the server makes
  const CROPS = 400; // on the page of all tattoos at once
  const SVG = "http://www.w3.org/2000/svg";
  const $ = (id) => document.getElementById(id);
  const state = {
    images: [], fields: [], revision: 0, load: 0,
    current: 0, chosen: null, draft: null, width: 1, height: 1, readable: false, zoom: 1,
    past: [], future: [], names: {}, last: "",
    waiting: new Set(), theirs: new Map(), sending: false, stopped: false,
    blobs: new Map(), keys: 0, crops: CROPS,
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
  // Signs that turn the order of letters, or are none at all, are shown by their number.
  const visible = (text) => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2066-\u2069\ufeff]/g,
    (sign) => "⟨U+" + sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "⟩");
  const named = (text) => make("bdi", {}, visible(text));
  // A long name without spaces is broken where its parts end, not in the middle of a word.
  const broken = (text) => make("bdi", {}, ...visible(text).split(/(?<=[_/-])|(?=\.[A-Za-z])/).flatMap((piece) => [piece, make("wbr")]));
  const marks = () => state.images[state.current].marks;
  const mark = () => marks().find((m) => m.key === state.chosen) || null;
  const cell = (m, column) => m.cells[column] || "";
  const title = (m) => cell(m, "tattoo") ? visible(cell(m, "tattoo")) : cell(m, "label") === "non-tattoo" ? "no tattoo" : says(m) ? "not named" : "not described";
  const place = (m) => m.box ? "" : says(m) && cell(m, "label") !== "non-tattoo" ? " (whole image)" : "";
  const says = (m) => Boolean(m.box) || ["tattoo", "subject", "group", "style", "tags", "label"].some((column) => cell(m, column));
  const described = (image) => image.marks.some(says);
  const newKey = () => "new:" + state.load + ":" + (++state.keys);
  const clean = (text) => text.trim().split(/\s+/).filter(Boolean).join(" ");
  function taken(image) {
    return { file: image.file, marks: image.marks.map((m) => {
      state.names[m.key] = m.name;
      return { key: m.key, name: m.name, box: m.box, cells: m.cells };
    }) };
  }

  // ---- Saving: one request at a time, each with all that has changed since the last.

  function saved() {
    const waiting = state.waiting.size > 0 || state.sending;
    $("saved").textContent = state.stopped ? "Not saved" : waiting ? "Saving" : "Saved";
    $("saved").classList.toggle("waiting", waiting || state.stopped);
  }
  function alarm(text, ...acts) {
    $("alarm").hidden = !text;
    $("alarm-text").textContent = text || "";
    $("alarm-acts").replaceChildren(...acts.map(([label, act]) => make("button", { type: "button", onclick: act }, label)));
  }
  const reload = () => { state.waiting.clear(); location.reload(); };
  const GONE = "This machine does not answer. If the command has ended, start it again and open the new address";
  async function flush() {
    if (state.sending || state.stopped || !state.waiting.size) { saved(); return; }
    state.sending = true;
    saved();
    const sent = [...state.waiting];
    state.waiting.clear();
    const images = {};
    for (const number of sent) {
      images[number] = state.images[number].marks.map((m) => ({ key: m.key, name: state.names[m.key] || "", box: m.box,
        cells: Object.fromEntries([...state.fields.map((f) => f.name), "label"].map((column) => [column, cell(m, column)])) }));
    }
    const again = () => { sent.forEach((number) => state.waiting.add(number)); };
    let answer = null, told = null;
    try {
      answer = await fetch("change", {
        method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ load: state.load, revision: state.revision, images }),
      });
      told = answer.ok || answer.status === 409 ? await answer.json() : await answer.text();
    } catch (fault) { answer = null; }
    state.sending = false;
    if (answer === null || answer.status === 503) {
      again();
      alarm("Not saved. " + (answer === null ? GONE + "; until then the last changes are only on this page." : told), ["Try again", flush]);
      saved();
      $("saved").textContent = "Not saved";
      setTimeout(flush, 3000);
      return;
    }
    if (answer.ok) {
      Object.assign(state.names, told.names);
      alarm("");
      receive(told, sent);
    } else {
      again();
      state.stopped = true;
      if (answer.status === 409 && told.images.length) {
        if (!(await news(true))) { state.stopped = false; setTimeout(flush, 3000); return; }
      }
      else if (answer.status === 409) alarm("Not saved: " + told.reason, ["Load the page again", reload]);
      else if (answer.status === 422) {
        alarm("Not saved: " + told, ["Undo it", () => { state.stopped = false; alarm(""); undo(); }], ["Load the page again", reload]);
      } else alarm("Not saved: " + told, ["Load the page again", reload]);
    }
    saved();
    if (state.waiting.size) flush();
  }

  // ---- Others: what another page has changed is taken over, or asked about where this one changed it, too.

  function receive(told, sent = []) {
    const forget = new Set();
    state.revision = told.revision;
    for (const [key, list] of Object.entries(told.images)) {
      const number = Number(key), theirs = taken({ file: "", marks: list }).marks;
      if (state.waiting.has(number)) {
        if (!sent.includes(number)) state.theirs.set(number, theirs);
        continue;
      }
      state.images[number].marks = theirs;
      forget.add(number);
    }
    if (forget.size) {
      // A step back would bring back what somebody else has changed.
      const own = (step) => ![...step.before.keys()].some((number) => forget.has(number));
      state.past = state.past.filter(own);
      state.future = state.future.filter(own);
      if (!mark() && state.chosen) state.chosen = marks().length ? marks()[0].key : null;
      show();
    }
    if (state.theirs.size) ask();
  }
  function ask() {
    const numbers = [...state.theirs.keys()];
    const settle = (theirs) => {
      for (const number of numbers) {
        if (theirs) { state.images[number].marks = state.theirs.get(number); state.waiting.delete(number); }
        state.theirs.delete(number);
      }
      if (theirs) { state.past = []; state.future = []; }
      if (!mark()) state.chosen = marks().length ? marks()[0].key : null;
      state.stopped = false;
      alarm("");
      show();
      flush();
    };
    state.stopped = true;
    alarm("Not saved: " + visible(state.images[numbers[0]].file) + (numbers.length > 1 ? " and " + (numbers.length - 1) + " more were" : " was") + " changed on another page, too.",
      ["Take what is there now", () => settle(true)], ["Put mine in its place", () => settle(false)]);
    saved();
  }
  // Says whether there was an answer that could be used.
  async function news(now) {
    const from = state.revision;
    if (!now && (state.sending || state.stopped || state.waiting.size || document.hidden)) return false;
    let answer = null, told = null;
    try {
      answer = await fetch("news?v=" + state.load + "&since=" + from);
      told = answer.ok || answer.status === 409 ? await answer.json() : await answer.text();
    } catch (fault) { answer = null; }
    if (state.sending || state.revision !== from) return false;
    if (answer === null) { alarm(GONE + "."); state.silent = true; return false; }
    if (answer.status === 409) { state.stopped = true; alarm(told.reason, ["Load the page again", reload]); saved(); return true; }
    if (!answer.ok) return false;
    if (state.silent) { state.silent = false; alarm(""); }
    receive(told);
    return true;
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
  function fresh(list, values) {
    const like = list.length ? list[list.length - 1].cells : {};
    const cells = Object.fromEntries(OF_PICTURE.filter((column) => like[column]).map((column) => [column, like[column]]));
    return { key: newKey(), name: "", box: null, cells: { ...cells, label: "tattoo" }, ...values };
  }
  function add(box) {
    const list = marks();
    // A line without a box is waiting for one; "no tattoo" is no longer true.
    const empty = list.length === 1 && list[0].box === null ? list[0] : null;
    const one = empty ? { ...empty, box, cells: { ...empty.cells, label: "tattoo" } } : fresh(list, { box });
    state.chosen = one.key;
    state.draft = null;
    commit(new Map([[state.current, empty ? [one] : [...list, one]]]), "box added");
  }
  // A box that nobody has placed is not written: it is a draft until it has been moved.
  function startDraft() {
    if (!state.readable) return;
    const w = Math.max(2, Math.round(state.width / 3)), h = Math.max(2, Math.round(state.height / 3));
    const x = Math.round((state.width - w) / 2), y = Math.round((state.height - h) / 2);
    state.draft = [x, y, x + w, y + h];
    state.chosen = null;
    show();
    say("A new box: move it over the tattoo");
    focusBox();
  }
  function dropDraft() {
    if (!state.draft) return false;
    state.draft = null;
    show();
    $("stage").focus({ preventScroll: true });
    return true;
  }
  function whole() {
    const m = mark(), list = marks();
    state.draft = null;
    // Only what says something is a tattoo: a line that knows the picture alone waits for one.
    const bare = list.length === 1 && !list[0].box && (!says(list[0]) || cell(list[0], "label") === "non-tattoo") ? list[0] : null;
    const one = m || bare;
    const what = "the whole image is the tattoo";
    if (one && !one.box && cell(one, "label") === "tattoo") { say(what); return; }
    const done = one ? { ...one, box: null, cells: { ...one.cells, label: "tattoo" } } : fresh(list, {});
    state.chosen = done.key;
    commit(new Map([[state.current, one ? list.map((other) => (other === one ? done : other)) : [...list, done]]]), what);
    $("stage").focus({ preventScroll: true });
  }
  function remove() {
    if (dropDraft()) return;
    const gone = mark();
    if (!gone) return;
    const at = marks().indexOf(gone);
    const list = marks().filter((m) => m !== gone);
    state.chosen = list.length ? list[Math.min(at, list.length - 1)].key : null;
    commit(new Map([[state.current, list]]), "deleted");
    if (state.chosen) focusBox(); else $("stage").focus();
  }
  function repeat() {
    const m = mark();
    if (m && state.last) edit(m.key, { cells: { ...m.cells, tattoo: state.last, label: "tattoo" } }, "named " + state.last);
  }
  function nothing(yes) {
    const list = marks();
    if (yes && list.some((m) => m.box || cell(m, "tattoo"))) return;
    state.draft = null;
    if (yes) {
      const empty = list[0] || fresh(list, {});
      commit(new Map([[state.current, [{ ...empty, cells: { ...empty.cells, label: "non-tattoo" } }]]]), "no tattoo in this image");
    } else {
      commit(new Map([[state.current, list.filter((m) => m.box || cell(m, "tattoo"))]]), "not described");
    }
  }
  function moved([x1, y1, x2, y2], dx, dy, corner) {
    if (corner) {
      x2 = Math.max(x1 + 1, Math.min(x2 + dx, Math.max(state.width, x2)));
      y2 = Math.max(y1 + 1, Math.min(y2 + dy, Math.max(state.height, y2)));
      return [x1, y1, x2, y2];
    }
    dx = Math.max(Math.min(-x1, 0), Math.min(dx, Math.max(state.width - x2, 0)));
    dy = Math.max(Math.min(-y1, 0), Math.min(dy, Math.max(state.height - y2, 0)));
    return [x1 + dx, y1 + dy, x2 + dx, y2 + dy];
  }
  function move(dx, dy, corner) {
    const m = mark();
    if (state.draft) { add(moved(state.draft, dx, dy, corner)); focusBox(); return; }
    if (!m || !m.box) return;
    const box = moved(m.box, dx, dy, corner);
    edit(m.key, { box }, "box at " + box.join(" "), m.key + (corner ? "size" : "move"));
  }
  function choose(key, focus) {
    state.chosen = key;
    state.draft = null;
    show();
    const m = mark();
    if (m) say("Tattoo " + (marks().indexOf(m) + 1) + " of " + marks().length + ": " + title(m) + place(m));
    if (focus) focusBox();
  }
  function chooseNext(step) {
    const list = marks();
    if (!list.length) return;
    const at = list.findIndex((m) => m.key === state.chosen);
    choose(list[(at < 0 ? (step > 0 ? 0 : list.length - 1) : at + step + list.length) % list.length].key, true);
  }
  function focusBox() {
    const group = [...$("boxes").children].find((g) => g.dataset.key === (state.draft ? "draft" : state.chosen));
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
    state.draft = null;
    state.readable = false;
    $("image").removeAttribute("src");
    show();
    toCurrent();
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
    say("Image " + (number + 1) + " of " + state.images.length + ": " + visible(state.images[number].file));
    if (number + 1 < state.images.length) fetched(number + 1);
  }
  function turn(step) { open(state.current + step); }

  // ---- Showing

  function fit() {
    const stage = $("stage"), frame = $("frame");
    const margin = 14; // of pixels, so that the handles of a box at the edge can be caught
    // On a narrow page the picture is above all else: no taller than it needs.
    const narrow = window.matchMedia("(max-width: 66rem)").matches && state.readable;
    stage.style.height = narrow ? Math.round(Math.min(window.innerHeight * 0.6, (stage.clientWidth - margin) * state.height / state.width + margin + 2)) + "px" : "";
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
    const drawn = marks().filter((m) => m.box || place(m)).map((m) => ({ key: m.key, box: m.box, whole: !m.box,
      chosen: m.key === state.chosen, number: String(marks().indexOf(m) + 1), name: cell(m, "tattoo"),
      told: "Tattoo " + (marks().indexOf(m) + 1) + ": " + title(m) + ", " + (m.box ? m.box.join(" ") : "the whole image") }));
    if (state.draft) drawn.push({ key: "draft", box: state.draft, chosen: true, draft: true, number: "new", name: "", told: "New box, not placed yet: " + state.draft.join(" ") });
    drawn.forEach((one) => {
      const [x1, y1, x2, y2] = one.box || [0, 0, state.width, state.height];
      const shape = { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
      const group = draw("g", { tabindex: 0, role: "button", "aria-pressed": one.chosen, "aria-label": one.told,
        class: [one.chosen && "chosen", one.draft && "draft", one.whole && "whole"].filter(Boolean).join(" ") });
      group.dataset.key = one.key;
      group.append(draw("rect", { ...shape, class: "under" }), draw("rect", { ...shape, class: "over" }));
      const size = 14 / scale, above = !one.whole && y1 > size * 1.4;
      const label = draw("text", { x: x1 + size / 3, y: above ? y1 - size / 2.5 : y1 + size * 1.2, "font-size": size, "stroke-width": 3 / scale });
      label.textContent = one.number + (one.name ? " " + visible(one.name) : "");
      group.append(label);
      if (one.chosen && !one.whole) {
        const half = 5 / scale;
        for (const [cx, cy, side] of [[x1, y1, "nw"], [(x1 + x2) / 2, y1, "n"], [x2, y1, "ne"], [x2, (y1 + y2) / 2, "e"],
          [x2, y2, "se"], [(x1 + x2) / 2, y2, "s"], [x1, y2, "sw"], [x1, (y1 + y2) / 2, "w"]]) {
          const handle = draw("rect", { x: cx - half, y: cy - half, width: 2 * half, height: 2 * half, class: "handle" });
          handle.style.cursor = side + "-resize";
          handle.dataset.side = side;
          group.append(handle);
        }
      }
      group.addEventListener("focus", () => { if (!one.draft && state.chosen !== one.key) choose(one.key, true); });
      svg.append(group);
    });
    if (focused) focusBox();
  }
  // The list: only the lines in sight are there, or a folder of 20,000 images would be slow.
  const ROW = 58; // pixels; the style has it, too
  const rows = new Map();
  let listed = [];
  function rowOf(number) {
    const image = state.images[number], told = make("small");
    const picture = make("img", { alt: "", width: 44, height: 44, decoding: "async" });
    // What cannot be shown is said where the image is.
    picture.addEventListener("error", () => picture.removeAttribute("src"));
    const button = make("button", { type: "button", title: visible(image.file), onclick: () => { open(number); } }, picture, make("span", {}, broken(image.file), told));
    return { item: make("li", {}, button), button, picture, told, of: null };
  }
  function files() {
    const wanted = $("show").value;
    let done = 0;
    listed = [];
    state.images.forEach((image, number) => {
      const is = described(image);
      done += is;
      if (number === state.current || wanted === "all" || (wanted === "done") === is) listed.push(number);
    });
    $("done").textContent = done.toLocaleString("en") + " of " + state.images.length.toLocaleString("en");
    listRows();
  }
  function toCurrent() {
    const list = $("files"), top = listed.indexOf(state.current) * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
    listRows();
  }
  let copies = 0;
  function listRows() {
    const list = $("files"), more = 5;
    const first = Math.max(0, Math.min(listed.length, Math.floor(list.scrollTop / ROW)) - more);
    const last = Math.min(listed.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + more);
    const wanted = listed.slice(first, last), here = new Set(wanted);
    for (const [number, row] of rows) if (!here.has(number)) { row.item.remove(); rows.delete(number); }
    wanted.forEach((number, place) => {
      if (!rows.has(number)) rows.set(number, rowOf(number));
      const row = rows.get(number), image = state.images[number];
      if (list.children[place] !== row.item) list.insertBefore(row.item, list.children[place] || null);
      row.item.style.marginTop = place ? "" : first * ROW + "px";
      row.item.style.marginBottom = place < wanted.length - 1 ? "" : (listed.length - last) * ROW + "px";
      row.item.setAttribute("aria-setsize", listed.length);
      row.item.setAttribute("aria-posinset", first + place + 1);
      if (number === state.current) row.button.setAttribute("aria-current", "true"); else row.button.removeAttribute("aria-current");
      if (row.of === image.marks) return;
      row.of = image.marks;
      const names = [...new Set(image.marks.filter(says).map((m) => title(m)))];
      row.told.replaceChildren(...(names.length ? [make("bdi", {}, names.slice(0, 3).join(", ") + (names.length > 3 ? " …" : ""))] : []));
      row.button.classList.toggle("described", described(image));
    });
    // Copies of lines that fly past are not asked for.
    clearTimeout(copies);
    copies = setTimeout(() => {
      for (const [number, row] of rows) if (!row.asked) { row.asked = true; row.picture.src = "part/" + number + "?v=" + state.load + "&side=" + SMALL; }
    }, 120);
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
      button.append((index + 1) + ". ", make("bdi", {}, title(m)), place(m));
      return make("li", {}, button);
    }));
    const m = mark();
    $("none").checked = every.length > 0 && every.every((one) => cell(one, "label") === "non-tattoo");
    $("none").disabled = every.some((one) => one.box || cell(one, "tattoo"));
    $("add").disabled = !state.readable;
    $("draft-note").hidden = !state.draft;
    $("form").hidden = !m;
    $("box-fault").textContent = "";
    if (!m) return;
    $("chosen").textContent = (m.box ? "Tattoo " : place(m) ? "The whole image, " : "Line ") + (every.indexOf(m) + 1) + " of " + every.length;
    for (const { name, node } of state.fields) {
      if (document.activeElement !== node || node.dataset.key !== m.key) node.value = cell(m, name);
      node.dataset.key = m.key;
    }
    $("more-told").replaceChildren(make("bdi", {}, visible(state.fields.filter((f) => !f.in_sight && cell(m, f.name)).map((f) => cell(m, f.name)).join(", "))));
    $("box").value = m.box ? m.box.join(" ") : "";
    $("repeat").hidden = !state.last || state.last === cell(m, "tattoo");
    $("repeat").replaceChildren("Same tattoo as before: ", named(state.last));
    const same = mates(m);
    $("mates").hidden = !same.length;
    $("mates-title").textContent = "The same tattoo elsewhere: " + same.length;
    $("mates-list").replaceChildren(...same.slice(0, 12).map(([number, other]) => make("button",
      { type: "button", onclick: async () => { await open(number); choose(other.key, true); }, "aria-label": "Go to " + visible(state.images[number].file) },
      make("img", { src: part(number, other, MIDDLE), alt: "", loading: "lazy" }))));
  }
  function mates(m) {
    const found = [];
    if (cell(m, "tattoo")) state.images.forEach((image, number) => image.marks.forEach((other) => {
      if (cell(other, "tattoo") === cell(m, "tattoo") && !(number === state.current && other.key === m.key)) found.push([number, other]);
    }));
    return found;
  }
  const part = (number, m, side) => "part/" + number + "?v=" + state.load + "&side=" + side + (m.box ? "&box=" + m.box.join(",") : "");
  let suggesting = 0;
  function suggest() {
    const every = state.images.flatMap((one) => one.marks);
    for (const field of state.fields) {
      if (field.words.length) continue;
      const used = [...new Set(every.map((m) => cell(m, field.name)))];
      options("known-" + field.name, [...field.known, ...(field.name === "tags" ? used.flatMap((text) => text.split(/\s+/)) : used)].slice(0, 5000));
    }
  }
  function show() {
    const image = state.images[state.current];
    clearTimeout(suggesting);
    suggesting = setTimeout(suggest, 150);
    $("file").textContent = visible(image.file);
    $("image").alt = visible(image.file);
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
  const tickOf = (number, m) => number + ":" + m.key;
  const ticked = () => {
    const found = [];
    state.images.forEach((image, number) => image.marks.forEach((m) => { if (ticks.has(tickOf(number, m))) found.push([number, m]); }));
    return found;
  };
  function sheet() {
    const groups = new Map();
    state.images.forEach((image, number) => image.marks.forEach((m) => {
      if (!m.box && !place(m)) return;
      const name = cell(m, "tattoo");
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push([number, m]);
    }));
    const names = [...groups.keys()].sort((a, b) => (a === "") - (b === "") || a.localeCompare(b));
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.tick : null;
    let left = state.crops, all = 0;
    const sections = [];
    for (const name of names) {
      const some = groups.get(name), shown = some.slice(0, Math.max(0, left));
      all += some.length;
      left -= shown.length;
      if (!shown.length) continue;
      const heading = make("h3", {}, name ? named(name) : "Not named", " ", make("small", {}, some.length + (some.length === 1 ? " picture" : " pictures")));
      sections.push(make("section", {}, heading, make("div", { class: "grid" }, ...shown.map(([number, m]) => {
        const id = tickOf(number, m);
        const box = make("input", { type: "checkbox", "data-tick": id, onchange: (event) => { if (event.target.checked) ticks.add(id); else ticks.delete(id); count(); } });
        box.checked = ticks.has(id);
        return make("label", {}, make("img", { src: part(number, m, MIDDLE), alt: "", loading: "lazy" }), make("span", {}, box, " ", named(state.images[number].file), place(m)));
      }))));
    }
    $("crops").style.setProperty("--size", $("size").value + "rem");
    $("crops").replaceChildren(...sections);
    if (!names.length) $("crops").append(make("p", {}, "There is no tattoo yet: draw a box, or press W where the whole image is one."));
    $("crops-more").hidden = all <= state.crops;
    $("crops-more").textContent = "Show " + Math.min(CROPS, all - state.crops) + " more of " + all;
    if (focused) { const again = [...document.querySelectorAll("[data-tick]")].find((node) => node.dataset.tick === focused); if (again) again.focus(); }
    count();
  }
  function count() { $("ticked").textContent = ticks.size ? ticks.size + " ticked" : ""; }
  function toggleSheet() {
    const showing = $("sheet").hidden;
    state.draft = null;
    showBoxes();
    $("sheet").hidden = !showing;
    $("work").hidden = showing;
    $("sheet-toggle").setAttribute("aria-expanded", String(showing));
    $("sheet-toggle").textContent = showing ? "Back to the image" : "Same tattoos";
    ticks.clear();
    state.crops = CROPS;
    show();
    if (showing) window.scrollTo(0, 0); else $("stage").focus();
  }
  function same(chosen, name) {
    const all = state.images.flatMap((image) => image.marks.map((m) => cell(m, "tattoo")));
    const known = chosen.map(([, m]) => cell(m, "tattoo")).find(Boolean);
    const used = new Set(all);
    let number = 1;
    while (used.has("tattoo-" + number)) number += 1;
    name = name || known || "tattoo-" + number;
    const changed = new Map();
    for (const [at, m] of chosen) {
      const list = changed.get(at) || state.images[at].marks;
      changed.set(at, list.map((one) => (one.key === m.key ? { ...one, cells: { ...one.cells, tattoo: name, label: "tattoo" } } : one)));
    }
    ticks.clear();
    commit(changed, chosen.length + " named " + name);
  }
  function merge(event) {
    event.preventDefault();
    const chosen = ticked();
    if (!chosen.length) { $("ticked").textContent = "Tick the pictures first"; return; }
    const name = clean($("merge-name").value);
    $("merge-name").value = "";
    same(chosen, name);
  }
  let shownBeside = [];
  function beside(chosen) {
    if (chosen.length < 2) { $("ticked").textContent = "Tick two pictures or more first"; return; }
    shownBeside = chosen.slice(0, 12);
    $("beside-title").textContent = chosen.length > 12 ? "The first 12 of " + chosen.length : "Beside each other";
    $("beside-pictures").dataset.number = Math.min(3, shownBeside.length);
    $("beside-pictures").replaceChildren(...shownBeside.map(([number, m]) => make("figure", {},
      make("img", { src: part(number, m, LARGE), alt: title(m) }),
      make("figcaption", {}, make("b", {}, make("bdi", {}, title(m))), " ", named(state.images[number].file), place(m)))));
    const names = new Set(shownBeside.map(([, m]) => cell(m, "tattoo")));
    $("beside-same").hidden = names.size === 1 && !names.has("");
    $("beside").showModal();
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
      if (key !== "draft" && key !== state.chosen) choose(key);
      drag = { key, side, start, box: key === "draft" ? state.draft : mark().box, moved: false };
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
      if (keep && !was.key && !state.draft) choose(null);
      return;
    }
    if (was.key === "draft") { add(box); focusBox(); }
    else if (was.key) edit(was.key, { box }, "box at " + box.join(" "));
    else if (box[2] - box[0] >= 2 && box[3] - box[1] >= 2) { add(box); focusBox(); }
  }
  $("boxes").addEventListener("pointerup", (event) => drop(event, true));
  $("boxes").addEventListener("pointercancel", (event) => drop(event, false));

  // ---- Form

  function buildFields() {
    for (const field of state.fields) {
      const id = "field-" + field.name, hint = field.hint ? [" ", make("small", {}, field.hint)] : [];
      field.node = field.words.length
        ? make("select", { id, name: field.name }, make("option", { value: "" }, "not known"), ...field.words.map((word) => make("option", { value: word }, word)))
        : make("input", { id, name: field.name, list: "known-" + field.name, maxlength: 1000, dir: "auto" });
      field.node.addEventListener("change", () => {
        const key = field.node.dataset.key, m = marks().find((one) => one.key === key), value = clean(field.node.value);
        if (!m || cell(m, field.name) === value) return;
        if (field.name === "tattoo" && value) state.last = value;
        const cells = { ...m.cells, [field.name]: value };
        if (field.name === "tattoo" && value) cells.label = "tattoo";
        edit(key, { cells }, field.label + ": " + (visible(value) || "none"));
      });
      $(field.in_sight ? "fields" : "more-fields").append(make("label", { for: id }, visible(field.label), ...hint), field.node);
      if (!field.words.length) $("known").append(make("datalist", { id: "known-" + field.name }));
    }
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
  $("add").onclick = startDraft;
  $("whole").onclick = whole;
  $("delete").onclick = remove;
  $("repeat").onclick = repeat;
  $("none").addEventListener("change", () => nothing($("none").checked));
  $("show").addEventListener("change", files);
  $("files").addEventListener("scroll", listRows, { passive: true });
  $("files-fold").addEventListener("toggle", toCurrent);
  $("sheet-toggle").onclick = toggleSheet;
  $("merge").addEventListener("submit", merge);
  $("untick").onclick = () => { ticks.clear(); sheet(); };
  $("beside-open").onclick = () => beside(ticked());
  $("beside-close").onclick = () => $("beside").close();
  $("beside-same").onclick = () => { $("beside").close(); same(shownBeside, clean($("merge-name").value)); $("merge-name").value = ""; };
  $("mates-beside").onclick = () => { const m = mark(); if (m) beside([[state.current, m], ...mates(m)]); };
  $("size").addEventListener("change", sheet);
  $("crops-more").onclick = () => { state.crops += CROPS; sheet(); };
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
    if ($("help").open || $("beside").open) return;
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
    else if (!$("sheet").hidden) {
      if ((key === "g" && $("single").checked && !command) || key === "Escape") toggleSheet();
      else if (key === "c" && $("single").checked && !command) beside(ticked());
      else done = false;
    }
    else if (key in ARROWS && (mark() || state.draft) && event.target.closest("#stage, body") && !event.target.closest("button, summary")) {
      const far = event.shiftKey ? 10 : 1;
      move(ARROWS[key][0] * far, ARROWS[key][1] * far, event.ctrlKey || event.altKey);
    } else if (command || event.altKey) done = false;
    else if (key === "PageDown") turn(1);
    else if (key === "PageUp") turn(-1);
    else if (key === "Delete" || key === "Backspace") { if (event.target.closest("#stage") || event.target === document.body) remove(); else done = false; }
    else if (key === "Enter" && state.draft) say("Move the new box over the tattoo first, or press W for the whole image");
    else if (key === "Enter" && mark() && (event.target.closest("#stage") || event.target === document.body)) { $("field-tattoo").focus(); $("field-tattoo").select(); }
    else if (key === "Escape") { if (!dropDraft()) { choose(null); $("stage").focus(); } }
    else if (!$("single").checked) done = false;
    else if (key === "a") startDraft();
    else if (key === "w") whole();
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
  window.addEventListener("resize", () => { showBoxes(); listRows(); });
  window.addEventListener("beforeunload", (event) => { if (state.waiting.size || state.sending) event.preventDefault(); });

  // ---- Start

  fetch("state").then(async (answer) => {
    if (!answer.ok) throw new Error(await answer.text());
    const told = await answer.json();
    Object.assign(state, { images: told.images.map(taken), fields: told.fields, revision: told.revision, load: told.load });
    document.title = "Annotate " + visible(told.folder);
    $("folder").textContent = visible(told.folder);
    $("count").textContent = state.images.length.toLocaleString("en");
    buildFields();
    $("number").max = state.images.length;
    $("notes").replaceChildren(...told.notes.map((note) => make("li", {}, visible(note))));
    if (window.matchMedia("(max-width: 60rem)").matches) $("files-fold").open = false;
    const first = state.images.findIndex((image) => !described(image));
    await open(Math.max(0, first));
    document.documentElement.dataset.ready = "yes";
    setInterval(news, 4000);
  }).catch((fault) => alarm("The page cannot start: " + fault.message, ["Load the page again", () => location.reload()]));
})();
