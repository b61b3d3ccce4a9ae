// What is wrong with the look of a page as it stands, each fault in a line of words.
//
// `smallest` is the least size of letters in CSS pixels. What a reader may scroll to or is cut by
// intent (two lines of a long file name, with an ellipsis and its whole beside) is no fault.
(smallest) => {
  const faults = [], width = document.documentElement.clientWidth;
  const style = e => getComputedStyle(e);
  const name = e => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") +
    (e.getAttribute("class") ? "." + e.getAttribute("class").trim().replace(/\s+/g, ".") : "");
  const seen = e => !e.closest(".unseen, .skip") &&
    e.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true });
  const keeper = e => {  // the nearest box beyond whose edge nothing of an element shows
    for (let p = e; p; p = p.parentElement) if (style(p).overflowX !== "visible") return p;
    return null;
  };
  if (document.documentElement.scrollWidth > width)
    faults.push(`the page is ${document.documentElement.scrollWidth} pixels wide in ${width}`);
  for (const e of document.querySelectorAll("body *")) {
    if (e.closest("svg") || !seen(e)) continue;
    const box = e.getBoundingClientRect(), own = style(e);
    if (!box.width || !box.height) continue;
    if ((box.right > width + 1 || box.left < -1) && !keeper(e.parentElement))
      faults.push(`${name(e)} goes from ${Math.round(box.left)} to ${Math.round(box.right)} of ${width}`);
    const cuts = ["hidden", "clip"].includes(own.overflowX) || ["hidden", "clip"].includes(own.overflowY);
    const meant = own.webkitLineClamp !== "none" || own.textOverflow === "ellipsis";
    if (cuts && !meant && e.textContent.trim() &&
        (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 2))
      faults.push(`${name(e)} cuts ${JSON.stringify(e.textContent.trim().slice(0, 40))}`);
  }
  // Every line of text that shows, as far as it shows.
  const lines = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode());) {
    const e = node.parentElement;
    if (!node.data.trim() || /^(script|style|title|desc|option)$/i.test(e.tagName) || !seen(e)) continue;
    const drawing = e.closest("svg"), range = document.createRange();
    let size = parseFloat(style(e).fontSize);
    if (drawing) { const m = e.getScreenCTM(); size *= Math.hypot(m.b, m.d); }
    if (size < smallest && !e.closest("sup"))
      faults.push(`${name(e)} has letters of ${size.toFixed(1)} pixels: ${node.data.trim().slice(0, 40)}`);
    range.selectNodeContents(node);
    for (const r of range.getClientRects()) {
      let [left, right, top, bottom] = [r.left, r.right, r.top, r.bottom];
      for (let k = keeper(e); k; k = k.parentElement && keeper(k.parentElement)) {
        const q = k.getBoundingClientRect();
        left = Math.max(left, q.left); right = Math.min(right, q.right);
        top = Math.max(top, q.top); bottom = Math.min(bottom, q.bottom);
      }
      if (right - left > 1 && bottom - top > 1)
        lines.push({ left, right, top, bottom, size, e, drawing, words: node.data.trim().slice(0, 40) });
    }
  }
  const pinned = e => { for (let p = e; p; p = p.parentElement) if (["sticky", "fixed"].includes(style(p).position)) return true; return false; };
  lines.sort((a, b) => a.top - b.top);
  lines.forEach((a, i) => {
    const plot = a.drawing && a.drawing.closest(".plot-box");
    if (plot) {  // the margin of a plot is as broad as the page's own on a phone
      const q = plot.getBoundingClientRect();
      if (a.left < q.left - 6 || a.right > q.right + 6) faults.push(`"${a.words}" leaves its plot`);
    }
    for (let j = i + 1; j < lines.length && lines[j].top < a.bottom; j++) {
      const b = lines[j];
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      // Lines are taller than their letters: a third of the smaller ones is free.
      if (across > 1.5 && down > .35 * Math.min(a.size, b.size) && a.e !== b.e &&
          !a.e.contains(b.e) && !b.e.contains(a.e) && !pinned(a.e) && !pinned(b.e))
        faults.push(`"${a.words}" (${name(a.e)}) stands over "${b.words}" (${name(b.e)})`);
    }
  });
  return [...new Set(faults)];
}
