document.documentElement.dataset.violations = "0";
document.addEventListener("securitypolicyviolation", () => {
  const data = document.documentElement.dataset;
  data.violations = String(Number(data.violations) + 1);
});

// As in layout.go.
const PAD = 22, END = 36, MIN_BAR = 2, AXIS = 26, NOTE = 17, NOTE_ROWS = 4;
const BAR_CHAR = 6.8, NOTE_CHAR = 6, NOTE_LENGTH = 44, TICK = 84, MANY_ARROWS = 400;
const WIDEST = 4e6; // of the plot; browsers draw nothing sensible beyond

function niceStep(least) {
  for (let power = 1e-6; power < 0.9; power *= 10)
    for (const digit of [1, 2, 5]) if (digit * power >= least) return Number((digit * power).toPrecision(1));
  const more = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200];
  return more.find(step => step >= least) || Math.ceil(least / 86400) * 86400;
}

function moment(seconds, step) {
  const unit = step < 0.01 ? 1000 : 1, two = n => String(n).padStart(2, "0");
  if (seconds === 0) return "0";
  let decimals = 0;
  for (let s = step * unit; decimals < 6 && s < 0.999; s *= 10) decimals++;
  if (unit > 1) return (seconds * 1000).toFixed(decimals) + " ms";
  if (seconds < 59.999 || decimals > 0) return seconds.toFixed(decimals) + " s";
  const s = Math.round(seconds);
  if (s < 3600) return Math.floor(s / 60) + ":" + two(s % 60);
  return Math.floor(s / 3600) + ":" + two(Math.floor(s % 3600 / 60)) + ":" + two(s % 60);
}

function svg(tag, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  if (text) element.textContent = visible(text);
  return element;
}

// captions are the texts for a bar, best first.
function captions(e) {
  const hook = e.hook || "", texts = e.remote ? [hook + " " + e.remote, hook] : [hook];
  const part = /^action (.+)|.+-(?:relation|pebble|storage)-(.+?)$/s.exec(hook);
  return part ? texts.concat(part[1] || part[2]) : texts;
}

document.addEventListener("DOMContentLoaded", () => {
  const root = document.documentElement, by = id => document.getElementById(id);
  const view = by("view"), plot = by("plot"), axis = by("axis"), labels = by("labels"), panel = by("details");
  const run = JSON.parse(by("run").textContent);
  root.classList.add("js");
  for (const title of document.querySelectorAll("#plot title, #axis title")) title.remove();
  for (const label of labels.children) label.textContent = visible(label.textContent);

  const laneHeight = Number(plot.dataset.lane), barHeight = Number(plot.dataset.bar);
  const lanes = run.units.map((unit, i) => ({unit, index: i, bars: [], row: i, label: labels.children[i]}));
  const laneOf = new Map(lanes.map(lane => [lane.unit, lane]));
  const nodes = plot.querySelectorAll(".b"), barOf = new Map(), bySeq = new Map(), effects = new Map();
  const hooks = run.entries.filter(e => e.kind !== "note"), notes = run.entries.filter(e => e.kind === "note");
  let total = 1e-3;
  for (const e of run.entries) total = Math.max(total, e.start, e.end || 0);
  const bars = hooks.map((e, i) => {
    const node = nodes[i], lane = laneOf.get(e.unit || "") || lanes[0];
    const bar = {e, node, lane, texts: captions(e), rect: node.querySelector("rect"), mark: node.querySelector("path"),
      text: node.querySelector("text"), result: node.classList[2], dim: false, words: [e.unit, e.hook, e.remote, e.result].join("\n").toLowerCase()};
    node.setAttribute("tabindex", i === 0 ? "0" : "-1");
    node.setAttribute("aria-label", [e.unit, e.hook, e.remote, e.result, duration(lasted(e))].filter(Boolean).join(", "));
    lane.bars.push(bar);
    barOf.set(node, bar);
    if (!bySeq.has(e.seq)) bySeq.set(e.seq, bar);
    return bar;
  });
  for (const lane of lanes) lane.bars.sort((a, b) => a.e.start - b.e.start);
  const links = bars.filter(bar => bar.e.cause && bySeq.has(bar.e.cause)).map(bar => [bySeq.get(bar.e.cause), bar]);
  for (const [from, to] of links) effects.set(from, (effects.get(from) || []).concat(to));
  const problems = bars.filter(bar => bar.mark).sort((a, b) => a.e.start - b.e.start);

  const group = (parent, id, name, before) => {
    const g = svg("g", {id, class: name});
    parent.insertBefore(g, before || null);
    return g;
  };
  for (const old of plot.querySelectorAll(".stripes, .grid, .marks, .arrows")) old.remove();
  axis.querySelector(".ticks").remove();
  const stripes = group(plot, "stripes", "stripes", plot.firstChild), grid = group(plot, "grid", "grid", stripes.nextSibling);
  const marks = group(plot, "marks", "marks", grid.nextSibling);
  const arrows = group(plot, "arrows", "arrows"), hot = group(plot, "hot", "arrows");
  const ticks = group(axis, "ticks", "ticks", by("notes"));

  let scale = 1, fitted = true, hovered = null, pinned = null, noteRows = 0, lit = [], stop = bars[0]; // stop: of the Tab key
  const x = seconds => PAD + Math.max(0, seconds) * scale;
  const y = bar => (bar.lane.row + 0.5) * laneHeight;
  const width = bar => Math.max(MIN_BAR, lasted(bar.e) * scale);
  const room = () => room.last = Math.max(200, view.clientWidth - labels.offsetWidth);
  const fitScale = () => Math.max(150, room() - PAD - END) / total;

  function arrow([from, to]) {
    const x1 = x(Math.max(from.e.end || 0, from.e.start)), x2 = x(to.e.start), side = Math.sign(y(to) - y(from)) || -1;
    const y1 = y(from) + side * barHeight / 2, y2 = y(to) - (to.lane === from.lane ? -side : side) * barHeight / 2;
    const bend = side * (to.lane === from.lane ? laneHeight - barHeight : 0.65 * Math.abs(y2 - y1));
    return svg("path", {d: `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${to.lane === from.lane ? y2 + bend : y2 - bend} ${x2} ${y2}`});
  }
  const shown = ([from, to]) => !from.lane.label.hidden && !to.lane.label.hidden;

  // place puts a bar where it belongs, if that is in sight or near; there may
  // be thousands that are not.
  function place(bar, left) {
    const at = x(bar.e.start), w = width(bar), top = (bar.lane.index + 0.5) * laneHeight - barHeight / 2;
    const away = bar.lane.label.hidden || bar !== stop && (at + w < left - 300 || at > left + room.last + 300);
    if (away !== bar.away) bar.node.style.display = (bar.away = away) ? "none" : "";
    if (away || bar.scale === scale) return;
    bar.scale = scale;
    bar.rect.setAttribute("x", at);
    bar.rect.setAttribute("width", w);
    bar.rect.setAttribute("rx", Math.min(3, w / 2));
    if (bar.mark) bar.mark.setAttribute("d", `M${at + Math.min(w, 8) / 2} ${top - 1}l-4 -6h8z`);
    const text = bar.texts.find(t => t.length * BAR_CHAR + 8 <= w) || "";
    if (text && !bar.text) bar.node.append(bar.text = svg("text", {y: (bar.lane.index + 0.5) * laneHeight + 4}));
    if (bar.text) {
      bar.text.setAttribute("x", at + 4);
      if (bar.shownText !== text) bar.text.textContent = visible(bar.shownText = text);
    }
  }

  function placeNotes(end) {
    const ends = Array(NOTE_ROWS).fill(0), all = [];
    let used = 0;
    const flags = notes.map(e => {
      const at = x(e.start), whole = e.text || "";
      const text = [...whole].length > NOTE_LENGTH ? [...whole].slice(0, NOTE_LENGTH - 1).join("") + "…" : whole;
      const right = at + 14 + [...text].length * NOTE_CHAR;
      const row = ends.findIndex(e => e <= at && (right <= end || at < end / 2));
      const g = svg("g", {class: "n", transform: `translate(${at} ${AXIS})`});
      if (row >= 0) {
        ends[row] = right;
        used = Math.max(used, row + 1);
        const top = row * NOTE + 4;
        g.append(svg("path", {d: `M0 ${top}h6l-6 8z`}), svg("text", {x: 9, y: top + 8.5}, text));
      }
      g.append(svg("line", {y1: row < 0 ? 0 : row * NOTE + 4, y2: 999}));
      barOf.set(g, {e, note: true, node: g});
      all.push(svg("line", {x1: at, x2: at, y1: 0, y2: lanes.length * laneHeight}));
      return g;
    });
    noteRows = Math.max(noteRows, used);
    axis.setAttribute("height", noteRows ? AXIS + noteRows * NOTE + 3 : AXIS);
    by("notes").replaceChildren(...flags.reverse()); // texts above the poles of later ones
    marks.replaceChildren(...all);
  }

  // layout puts everything where it belongs; left is where to scroll to.
  function layout(left) {
    const w = PAD + total * scale + END, rows = lanes.filter(lane => !lane.label.hidden).length;
    for (const element of [plot, axis]) element.setAttribute("width", w);
    plot.setAttribute("height", rows * laneHeight);
    placeNotes(w);
    stripes.replaceChildren();
    for (let i = 0; i < rows; i += 2) stripes.append(svg("rect", {y: i * laneHeight, width: w, height: laneHeight}));
    arrows.replaceChildren(...(links.length > MANY_ARROWS ? [] : links.filter(shown).map(arrow)));
    root.dataset.arrows = arrows.childElementCount;
    if (left !== undefined) view.scrollLeft = left;
    drawInSight();
    light();
  }

  function drawInSight() {
    const step = niceStep(TICK / scale), texts = [], lines = [];
    const left = view.scrollLeft, last = Math.min(total * 1.0001, (left + room() - PAD) / scale + step);
    for (let i = Math.max(0, Math.floor((left - PAD) / scale / step)); i * step <= last; i++) {
      const at = x(i * step);
      texts.push(svg("line", {x1: at, x2: at, y1: AXIS - 6, y2: AXIS}), svg("text", {x: at, y: AXIS - 10}, moment(i * step, step)));
      lines.push(svg("line", {x1: at, x2: at, y1: 0, y2: lanes.length * laneHeight}));
    }
    ticks.replaceChildren(...texts);
    grid.replaceChildren(...lines);
    bars.forEach(bar => place(bar, left));
  }

  // light shows the bar pointed at, else the pinned one: its details, what led
  // to it, back to the beginning, and what it caused.
  function light() {
    const bar = hovered || pinned, chain = [];
    for (const other of lit) other.node.classList.remove("hot", "on");
    lit = [];
    if (bar && !bar.note) {
      const seen = new Set();
      for (let to = bar, from; (from = bySeq.get(to.e.cause)) && to.e.cause && !seen.has(to); to = from) {
        seen.add(to);
        chain.push([from, to]);
      }
      for (const to of effects.get(bar) || []) chain.push([bar, to]);
      lit = chain.flat();
      for (const other of lit) other.node.classList.add("hot");
    }
    for (const other of [bar, pinned]) {
      if (!other) continue;
      lit.push(other);
      other.node.classList.add("on");
    }
    hot.replaceChildren(...chain.filter(shown).map(arrow));
    plot.classList.toggle("busy", chain.length > 0);
    if (light.last === bar && panel.hasChildNodes()) return;
    light.last = bar;
    panel.scrollTop = 0;
    if (!bar) return panel.replaceChildren(hint());
    const cause = bar.e.cause && bySeq.get(bar.e.cause);
    panel.replaceChildren(...details(bar.e, bar.result || "", cause ? cause.e : null,
      (effects.get(bar) || []).map(to => to.e), e => pin(bySeq.get(e.seq), true)));
  }

  function hover(bar, event) {
    if (bar !== hovered) {
      hovered = bar;
      light();
    }
    const tip = by("tip");
    tip.hidden = !bar || !event;
    if (tip.hidden) return;
    if (hover.of !== bar) tip.textContent = visible(bar.note ? bar.e.text + "\n" + duration(bar.e.start)
      : [bar.e.hook, bar.e.remote].filter(Boolean).join(" ") + "\n" + [bar.e.unit, bar.e.result, duration(lasted(bar.e))].filter(Boolean).join(" · ")).slice(0, 400);
    hover.of = bar;
    const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
    tip.style.left = left + "px";
    tip.style.top = (event.clientY + 18 + tip.offsetHeight > window.innerHeight ? event.clientY - tip.offsetHeight - 10 : event.clientY + 18) + "px";
  }

  // reveal scrolls a bar into sight.
  function reveal(bar) {
    const left = x(bar.e.start), top = bar.lane.row * laneHeight, head = axis.clientHeight;
    if (left < view.scrollLeft || left + Math.min(40, width(bar)) > view.scrollLeft + room()) view.scrollLeft = left - room() / 3;
    if (top < view.scrollTop || top + laneHeight + head > view.scrollTop + view.clientHeight) view.scrollTop = top - (view.clientHeight - head) / 2;
  }

  function pin(bar, show) {
    pinned = bar || null;
    if (show) hovered = null;
    root.dataset.pinned = bar && bar.e.seq || "";
    try {
      history.replaceState(null, "", bar && bar.e.seq ? "#hook-" + bar.e.seq : "#");
    } catch { /* a page without an address of its own */ }
    if (bar && bar.lane && bar.lane.label.hidden) filter(by("filter").value = "");
    light();
    if (bar && show) reveal(bar);
  }

  // pick returns the bar at a place, or the nearest within 4 pixels: some are
  // too thin to hit.
  function pick(event) {
    const box = plot.getBoundingClientRect(), at = event.clientX - box.left;
    const row = Math.floor((event.clientY - box.top) / laneHeight), lane = lanes.find(l => l.row === row && !l.label.hidden);
    let best = null, least = 4.5;
    for (const bar of lane ? lane.bars : []) {
      const left = x(bar.e.start), away = Math.max(left - at, at - left - width(bar), 0);
      if (away < least || (away === 0 && least === 0)) [best, least] = [bar, away];
    }
    return best;
  }

  function zoom(to, clientX) {
    const from = view.getBoundingClientRect().left + labels.offsetWidth;
    const at = clientX === undefined ? room() / 2 : Math.max(0, clientX - from), time = (view.scrollLeft + at - PAD) / scale;
    const least = fitScale();
    scale = Math.max(least, Math.min(to, WIDEST / total));
    fitted = scale === least;
    layout(PAD + time * scale - at);
  }

  function filter(text) {
    const terms = text.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0, row = 0;
    for (const bar of bars) {
      bar.dim = !terms.every(term => bar.words.includes(term));
      bar.node.classList.toggle("dim", bar.dim);
      if (!bar.dim) found++;
    }
    for (const lane of lanes) {
      lane.label.hidden = terms.length > 0 && lane.bars.every(bar => bar.dim);
      lane.row = row;
      for (const bar of lane.bars) {
        const down = (row - lane.index) * laneHeight;
        if (bar.down !== down) bar.node.setAttribute("transform", `translate(0 ${bar.down = down})`);
      }
      if (lane.label.hidden) continue;
      lane.label.classList.toggle("odd", row % 2 === 0);
      row++;
    }
    by("matches").textContent = terms.length ? found.toLocaleString("en-US") + " of " + count(bars.length, "hook") : "";
    layout();
  }

  function nextProblem() {
    const next = problems[(problems.indexOf(pinned) + 1) % problems.length];
    if (next) pin(next, true);
  }

  // step moves the focus along a lane, or to the nearest hook of another.
  function step(bar, along, across) {
    const free = lane => lane.label.hidden ? [] : lane.bars.filter(b => !b.dim);
    let next = null;
    if (along) {
      const list = free(bar.lane);
      next = list[list.indexOf(bar) + along];
    }
    for (let i = bar.lane.index + across; across && !next && lanes[i]; i += across)
      for (const b of free(lanes[i])) if (!next || Math.abs(b.e.start - bar.e.start) < Math.abs(next.e.start - bar.e.start)) next = b;
    if (!next) return;
    reveal(next);
    drawInSight();
    next.node.focus({preventScroll: true});
  }

  document.body.append(make("div", {id: "tip", hidden: ""}));
  let pending = 0, frame = 0;
  view.addEventListener("wheel", event => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    pending += event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
    const at = event.clientX;
    if (!frame) frame = requestAnimationFrame(() => {
      zoom(scale * Math.exp(-pending / 300), at);
      pending = frame = 0;
    });
  }, {passive: false});
  view.addEventListener("scroll", () => requestAnimationFrame(drawInSight));
  plot.addEventListener("pointermove", event => hover(pick(event), event));
  axis.addEventListener("pointermove", event => hover(barOf.get(event.target.closest(".n")) || null, event));
  for (const element of [plot, axis]) element.addEventListener("pointerleave", () => hover(null));
  plot.addEventListener("click", event => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    pin(event.detail === 0 ? barOf.get(event.target.closest(".b")) : pick(event));
  });
  axis.addEventListener("click", event => pin(barOf.get(event.target.closest(".n"))));
  plot.addEventListener("dblclick", event => {
    const bar = pick(event);
    if (bar) zoom(room() * 0.4 / Math.max(lasted(bar.e), 1e-6), event.clientX);
  });
  plot.addEventListener("focusin", event => {
    const bar = barOf.get(event.target.closest(".b"));
    if (!bar) return;
    stop.node.setAttribute("tabindex", "-1");
    bar.node.setAttribute("tabindex", "0");
    stop = bar;
    if (bar.node.matches(":focus-visible")) hover(bar);
  });
  plot.addEventListener("focusout", () => hover(null));
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      if (document.activeElement === by("filter")) filter(by("filter").value = "");
      document.activeElement.blur();
      return pin(null);
    }
    if (event.target.matches("input")) return;
    const bar = barOf.get(document.activeElement);
    const moves = bar ? {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key] : null;
    const act = moves ? () => step(bar, ...moves) : {"+": () => zoom(scale * 1.6), "=": () => zoom(scale * 1.6),
      "-": () => zoom(scale / 1.6), "0": () => zoom(0), "/": () => by("filter").focus(), n: nextProblem}[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  by("in").addEventListener("click", () => zoom(scale * 1.6));
  by("out").addEventListener("click", () => zoom(scale / 1.6));
  by("fit").addEventListener("click", () => zoom(0));
  by("filter").addEventListener("input", event => filter(event.target.value));
  if (by("problem")) by("problem").addEventListener("click", nextProblem);
  window.addEventListener("resize", () => fitted && zoom(0));
  const fromAddress = () => {
    const seq = /^#hook-(\d+)$/.exec(location.hash);
    if (seq && bySeq.has(Number(seq[1]))) pin(bySeq.get(Number(seq[1])), true);
  };
  window.addEventListener("hashchange", fromAddress);
  window.addEventListener("load", () => {
    if (pinned && pinned.lane) reveal(pinned); // the browser's own way to it ends beneath the axis
    root.dataset.requests = performance.getEntriesByType("resource").length;
  });

  scale = fitScale();
  filter("");
  fromAddress();
  root.dataset.bars = bars.length;
  root.dataset.ready = "true";
});
