"use strict";

// visible spells out the characters that nobody sees, or that turn the
// direction of the text around them.
function visible(text) {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g,
    c => "\\u{" + c.charCodeAt(0).toString(16) + "}");
}

// make returns an element with children, which are elements or text.
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children.filter(c => c !== null).map(c => typeof c === "string" ? visible(c) : c));
  return element;
}

function count(n, what) {
  return n.toLocaleString("en-US") + " " + what + (n === 1 ? "" : "s");
}

function duration(seconds) {
  const ms = seconds * 1000, two = n => String(n).padStart(2, "0");
  if (ms < 9.95) return ms.toFixed(1) + " ms";
  if (ms < 999.5) return ms.toFixed(0) + " ms";
  if (seconds < 59.995) return seconds.toFixed(2) + " s";
  const s = Math.round(seconds);
  if (s < 3600) return Math.floor(s / 60) + " min " + two(s % 60) + " s";
  return Math.floor(s / 3600) + " h " + two(Math.floor(s % 3600 / 60)) + " min";
}

function lasted(e) {
  return Math.max(0, (e.end || 0) - e.start);
}

// hint is what the details say while there is nothing to show.
function hint() {
  const key = name => make("kbd", null, name);
  return make("p", {class: "hint"}, "Point at a bar for its details; click it to keep them. ",
    key("←"), " ", key("→"), " ", key("↑"), " ", key("↓"), " go from hook to hook, ",
    key("+"), " ", key("−"), " or Ctrl and the wheel zoom, ", key("0"), " shows all, ",
    key("/"), " filters, ", key("n"), " goes to the next problem, ", key("Esc"), " lets go.");
}

// details tells all of an entry. cause and effects are the entries of the
// hook that caused it and of those that it caused; go shows one of them.
function details(e, resultClass, cause, effects, go) {
  const link = to => {
    const a = make("a", {href: "#hook-" + to.seq}, to.unit + " " + to.hook);
    a.addEventListener("click", event => { event.preventDefault(); go(to); });
    return a;
  };
  const facts = make("dl");
  const fact = (name, ...values) => facts.append(make("dt", null, name), make("dd", null, ...values));
  if (e.unit) fact("Unit", e.unit);
  if (e.remote) fact("Remote", e.remote);
  if (e.relation) fact("Relation", e.relation);
  fact("Began at", duration(e.start));
  if (e.kind !== "note" && e.result !== "skipped") fact("Took", duration(lasted(e)));
  if (e.seq) fact("Number", String(e.seq));
  if (cause) fact("Caused by", link(cause));
  const most = 12;
  effects.slice(0, most).forEach((to, i) => fact(i === 0 ? "Led to" : "", link(to)));
  if (effects.length > most) fact("", "and " + count(effects.length - most, "more hook"));

  const right = make("div");
  const part = (title, ...elements) => right.append(make("h3", null, title), ...elements);
  if (e.error) part("Error", make("pre", {class: "bad"}, e.error));
  if (e.stderr) part("What the charm wrote to stderr", make("pre", null, e.stderr));
  if (e.changes) part("Changes", changes(e));
  if (e.commands) {
    const more = e["more-commands"] ? "\n… and " + count(e["more-commands"], "more command") : "";
    part("Hook commands", make("pre", null, e.commands.join("\n") + more));
  }
  if (e.kind !== "note" && !right.hasChildNodes()) right.append(make("p", {class: "hint"}, "It changed nothing in the model."));

  const title = make("h2", null, e.kind === "note" ? e.text || "" : e.hook || "(no name)");
  if (e.result) title.append(make("span", {class: "badge " + resultClass}, e.result.slice(0, 60)));
  return [title, make("div", {class: "sides"}, make("div", null, facts), right)];
}

function changes(e) {
  const cell = (name, value) => make("td", {class: name}, value ? make("code", null, value) : "–");
  const rows = e.changes.map(c => make("tr", null,
    make("td", null, [c.kind, c.relation, c.owner && "of " + c.owner].filter(Boolean).join(" ")),
    make("td", null, make("code", null, c.key || "")), cell("old", c.old), cell("new", c.new)));
  const more = e["more-changes"];
  if (more) rows.push(make("tr", null, make("td", {colspan: "4"}, "… and " + count(more, "more change"))));
  const head = ["What", "Key", "Before", "After"].map(text => make("th", null, text));
  return make("table", null, make("thead", null, make("tr", null, ...head)), make("tbody", null, ...rows));
}
