// The page of step(): what is said of a step, and what keys, mouse and slider do. After cursor.js and graph.js.
"use strict";
const MANY = 200; // parts of a gradient are listed
const NOTHING = { nan: false, above: null, nodes: new Set(), modules: new Set() }; // where a run stops
const KEYS = {
  "→ ↓ j space": ["a step on", () => go(cursor.at + 1)],
  "← ↑ k": ["a step back", () => go(cursor.at - 1)],
  "Home": ["before the first step", () => go(0)],
  "End": ["behind the last step", () => go(cursor.steps.length)],
  "n": ["to the next NaN or infinity", () => run({ ...NOTHING, nan: true }, "no NaN from here on")],
  "c": ["to the next breakpoint", () => run(stops(), "no breakpoint from here on")],
  "b": ["set or remove a breakpoint on what is chosen, or on the current step", () => breakpoint()],
  "Enter": ["run to what is chosen", () => runTo(selected)],
  "Escape": ["choose nothing", () => choose(null)],
  "/": ["search; Enter runs there", () => $("find").focus()],
  "f": ["follow: open the modules around the current step, or leave them closed", () => $("follow").click()],
  "+": ["larger", () => enlarge(1.2)],
  "-": ["smaller", () => enlarge(1 / 1.2)],
  "?": ["these keys", () => $("keys").showModal()],
};
const NAMES = { "→": "ArrowRight", "↓": "ArrowDown", "←": "ArrowLeft", "↑": "ArrowUp", space: " " };
const rules = { nodes: new Set(), modules: new Set() };
let cursor, sources, live, notes, selected = null, file = null, found = [], hit = 0;

function html(tag, content = [], attributes = {}) {
  const node = document.createElement(tag);
  node.append(...[content].flat());
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node[key] = value;
    else node.setAttribute(key, value);
  }
  return node;
}

const td = (content, style = "") => html("td", content, { class: style });

// --- moving ---

const say = (text) => { $("said").textContent = text; };

function go(at) {
  if (!Number.isInteger(at) || at < 0 || at > cursor.steps.length) return;
  cursor.at = at;
  say("");
  show();
}

function run(some, none) {
  const at = cursor.next(some);
  if (at === null) say(none);
  else go(at);
}

function runTo(v) {
  if (v === null) return;
  const at = cursor.complete(v);
  if (at === null) say(`no gradient arrives at ${cursor.vertices[v].text}`);
  else go(at);
}

function stops() {
  const above = Number($("above").value.replace(",", "."));
  return { ...rules, nan: $("nan").checked, above: $("large").checked && Number.isFinite(above) ? above : null };
}

function breakpoint() {
  const item = chosen, group = item && item.children.length && item.box.path, set = group ? rules.modules : rules.nodes;
  const what = group || (selected ?? cursor.vertex);
  if (what === null || (!group && !cursor.reached(what))) return say("no gradient arrives here");
  if (!set.delete(what)) set.add(what);
  show();
}

// --- choosing ---

function choose(v, item = v === null || itemOf[v] === null ? null : items[itemOf[v]]) {
  [selected, chosen] = [v, item];
  if (item && seenOf(item) !== item && reveal(item)) draw();
  show(item);
}

function around(item) {
  toggle(item);
  draw();
  choose(null, item);
}

// --- what is said ---

// A number; of a tensor shape, norm and histogram, and on a click its entries.
function chip(x, style = "data", ask = null) {
  if (x === null || x === undefined) return html("span", "–");
  if (!isTensor(x)) return html("span", shown(x), { class: Number.isFinite(number(x)) ? "" : "wrong" });
  const size = x.shape.length ? x.shape.join(" × ") : "several", length = html("small", ` norm ${digits(x.norm, 4)}`);
  const node = html("button", [size, length], { class: "chip", title: "its entries" });
  if (x.bars) node.append(histogram(x.bars, style));
  if (x.wrong) node.append(html("span", ` ${x.wrong} not finite`, { class: "wrong" }));
  node.onclick = () => entries(x, style, ask);
  return node;
}

function histogram(bars, style, wide = 3, high = 12) {
  const node = svg("svg", { width: wide * bars.length, height: high });
  bars.forEach((bar, k) => {
    const height = (bar * high) / 12;
    node.append(svg("rect", { class: style, x: k * wide, y: high - height, width: wide, height }));
  });
  return node;
}

// A vertex by its name, to be chosen.
const word = (v) => html("button", cursor.vertices[v].text, { class: "word", onclick: () => choose(v) });
// Its kind, module and line.
function told({ op, kind, module, line }) {
  const words = [op || kind, module.length && `in ${module.join(".")}`, line && `${sources[line[0]].name}:${line[1]}`];
  return words.filter(Boolean).join(" · ");
}

function step() {
  const v = cursor.vertex, node = cursor.vertices[v ?? cursor.root], rows = v === null ? [] : cursor.rows();
  const what = node.name && node.op ? `${node.name}: ${node.op}` : node.text;
  const result = node.value === null || isTensor(node.value) ? "" : ` = ${shown(node.value)}`;
  const upstream = chip(node.gradient, "grad", { vertex: v ?? cursor.root, what: "gradient" });
  const heads = rows.length ? ["to", "upstream", "", "local", "", "downstream"] : [];
  $("step").replaceChildren(
    html("h2", [v === null ? `before the first of ${cursor.steps.length} steps: ` : "", html("b", what + result)]),
    html("p", told(node)),
    v === null ? html("p", ["The gradient of the result is ", upstream, ". A step hands on upstream × local = downstream."])
      : html("div", isTensor(node.gradient) ? ["upstream g ", upstream] : []),
    html("table", [html("tr", heads.map((text) => html("th", text))), ...rows.flatMap((row) => handed(v, node, row))]),
    ...notes.map((note) => html("p", note)),
  );
}

// What goes to one argument: upstream times local, or by which formula.
function handed(v, node, { edge, sum }) {
  const text = edge.rule === null ? "" : cursor.rules[edge.rule], rule = html("code", text, { title: text });
  const upstream = isTensor(node.gradient) ? "g" : shown(node.gradient), sign = (text) => td(text, "sign");
  const known = edge.local !== null;
  const way = known ? [td(upstream), sign("×"), td(chip(edge.local)), sign("=")]
    : [html("td", text ? rule : upstream, { colspan: 3 }), sign("→")];
  const flow = chip(edge.flow, "grad", { vertex: v, what: "flow", edge: node.edges.indexOf(edge) });
  const below = html("td", [known && text && text !== "g" ? rule : "", html("small", `its gradient: ${sum}`)], { colspan: 5 });
  return [html("tr", [td(word(edge.to), "name"), ...way, td(flow, "flow")]), html("tr", [td(""), below])];
}

// How the gradient of a vertex comes together.
function ledger() {
  const group = selected === null && chosen?.children.length ? chosen : null;
  if (group) return summary(group);
  const v = selected ?? cursor.vertex ?? cursor.root, node = cursor.vertices[v];
  const all = cursor.arrivals[v], there = cursor.arrived(v).length, total = cursor.total(v);
  const parts = there < all.length ? `${there} of ${all.length} parts` : "complete";
  const state = cursor.reached(v) ? parts : "none: no gradient arrives";
  const value = node.value === null ? [] : ["data ", chip(node.value, "data", { vertex: v, what: "value" })];
  const row = (a, k) => html("tr", [
    td([k < there ? "✓ " : "… ", word(a.from)]),
    td(k < there ? chip(a.edge.flow, "grad") : "to come", a.step === cursor.at - 1 ? "flow" : ""),
  ], { class: k < there ? "" : "wait" });
  $("ledger").replaceChildren(
    html("h2", ["gradient of ", html("b", node.text)]),
    html("p", [selected === null ? "" : `${told(node)} `, ...value]),
    html("table", [
      v === cursor.root ? html("tr", [td("the result itself"), td(chip(node.gradient, "grad"))]) : "",
      ...all.slice(0, MANY).map(row),
      all.length > MANY ? html("tr", td(`… ${all.length - MANY} more`)) : "",
      html("tr", [td(state), td(total === null ? "" : chip(total, "grad"))]),
    ]),
  );
}

function summary(group) {
  const { box } = group, members = group.members.filter((v) => cursor.reached(v));
  const ready = members.filter((v) => cursor.state(v) === "done").length;
  const lines = [...box.tip.split("\n"), `${ready} of ${members.length} gradients are done`];
  $("ledger").replaceChildren(html("h2", html("b", box.path || box.title)), ...lines.map((text) => html("p", text)));
}

function source() {
  const lineOf = (v) => (v === null ? null : cursor.vertices[v].line);
  const line = lineOf(selected) ?? lineOf(cursor.vertex ?? cursor.root);
  if (line && file !== line[0]) openFile(line[0]);
  for (const old of document.querySelectorAll("#code .current")) old.classList.remove("current");
  const row = line && $("code").querySelector(`[data-line="${line[1]}"]`);
  if (!row) return;
  row.classList.add("current");
  const view = $("code"), at = row.offsetTop - view.offsetTop - view.scrollTop;
  if (at < 20 || at > view.clientHeight - 40) view.scrollTop += at - view.clientHeight / 3;
}

function openFile(k) {
  file = k;
  const { first, lines } = sources[k], here = cursor.steps.map((v) => cursor.vertices[v].line).filter((l) => l?.[0] === k);
  const made = new Set(here.map((l) => l[1]));
  $("code").replaceChildren(...lines.map((text, i) => {
    const line = first + i, node = html("div", text || " ", { "data-line": line });
    if (made.has(line)) {
      node.className = "made";
      node.title = "to the next step that was made here";
      node.onclick = () => toLine(k, line);
    }
    return node;
  }));
  if (!lines.length) $("code").append(html("p", "Its text is not to be had: it was typed in, or the file has gone."));
  for (const [i, tab] of [...$("files").children].entries()) tab.setAttribute("aria-selected", i === k);
}

function toLine(k, line) {
  const here = (v) => cursor.vertices[v].line?.[0] === k && cursor.vertices[v].line[1] === line;
  const after = cursor.steps.findIndex((v, at) => at >= cursor.at && here(v));
  go((after < 0 ? cursor.steps.findIndex(here) : after) + 1);
}

// Everything, after the place or the choice has changed. target: what to bring into sight.
function show(target = null) {
  const current = itemOf[cursor.vertex ?? cursor.root], item = target ?? (current === null ? null : items[current]);
  if (!target && item && $("follow").checked && reveal(item)) draw();
  $("place").textContent = cursor.at ? `step ${cursor.at} of ${cursor.steps.length}` : `${cursor.steps.length} steps`;
  $("slider").value = cursor.at;
  for (const id of ["first", "back"]) $(id).disabled = !cursor.at;
  for (const id of ["next", "last", "run"]) $(id).disabled = cursor.at === cursor.steps.length;
  update(cursor, rules);
  step();
  ledger();
  source();
  chips();
  if (item) scrollTo(item);
}

function chips() {
  const remove = (set, what) => () => { set.delete(what); show(); };
  const chipOf = (set, what, text) => html("button", `${text} ✕`, { title: "remove", onclick: remove(set, what) });
  $("chips").replaceChildren(...[...rules.nodes].map((v) => chipOf(rules.nodes, v, cursor.vertices[v].text)),
    ...[...rules.modules].map((m) => chipOf(rules.modules, m, m)));
  const share = ($("marks").clientWidth - 16) / cursor.steps.length, at = [...rules.nodes].map((v) => cursor.complete(v));
  $("marks").replaceChildren(...at.map((k) => svg("rect", { x: 7 + share * k, y: 0, width: 3, height: 5 })));
}

// --- entries ---

async function ask(what, fields) {
  const answer = await fetch(`${what}?${new URLSearchParams(fields)}`);
  return answer.ok ? answer.json() : Promise.reject(new Error(await answer.text()));
}

async function entries(x, style, from) {
  const box = $("array"), range = x.low === undefined ? "" : `from ${digits(x.low, 4)} to ${digits(x.high, 4)}`;
  box.replaceChildren(html("h2", shown(x)), html("p", range), x.bars ? histogram(x.bars, style, 16, 60) : "");
  $("numbers").showModal();
  const entry = (text) => (Number.isFinite(Number(text)) ? Number(text) : text);
  let flat = x.entries?.split(" ").map(entry), why = live ? "" : "Its entries are in the page that `glassgrad step --web program.py` opens.";
  if (live && from) {
    const answer = await ask("array", from).catch((problem) => ({ why: problem.message }));
    ({ entries: flat = flat, why = "" } = answer);
  }
  const terms = html("div", "", { role: "status" }), wide = x.shape[x.shape.length - 1] || 1, table = html("table");
  for (let k = 0; flat && k < flat.length; k += wide)
    table.append(html("tr", flat.slice(k, k + wide).map((e, i) => td(cell(e, k + i, x.shape, from, terms)))));
  box.append(flat ? table : html("p", why), terms);
}

// An entry; of what is handed on, its terms on a click.
function cell(e, k, shape, from, terms) {
  if (!live || from?.what !== "flow") return shown(e);
  const index = [];
  for (let d = shape.length - 1, rest = k; d >= 0; rest = Math.floor(rest / shape[d]), d--) index.unshift(rest % shape[d]);
  const row = ([at, g, local]) => html("tr", [td(tuple(at)), td(`${digits(number(g))} × ${digits(number(local))}`)]);
  const tell = async () => {
    const fields = { vertex: from.vertex, edge: from.edge, index: index.join(",") };
    const found = await ask("entry", fields).catch((problem) => problem.message);
    const sum = `entry ${tuple(index)} = ${shown(e)}${found.length ? ", the sum of upstream × local:" : ": every local slope is 0"}`;
    const heading = typeof found === "string" ? found : sum;
    terms.replaceChildren(html("p", heading), typeof found === "string" ? "" : html("table", found.map(row)));
  };
  return html("button", shown(e), { title: "the terms of this entry", onclick: tell });
}

// --- search ---

function search() {
  const wanted = $("find").value.trim().toLowerCase();
  found = wanted ? cursor.vertices.map((_, v) => v).filter((v) => {
    const node = cursor.vertices[v];
    return [node.text, node.name, node.title, told(node)].join(" ").toLowerCase().includes(wanted);
  }).sort((a, b) => rank(a, wanted) - rank(b, wanted)) : [];
  hit = 0;
  say(wanted ? (found.length ? `${found.length} found` : "nothing of that name") : "");
  if (found.length) choose(found[0]);
}

// Names before parts of names, what gets a gradient before what does not.
function rank(v, wanted) {
  const { name, text, op } = cursor.vertices[v], words = [name, text, op].map((word) => word.toLowerCase());
  const near = words.includes(wanted) ? 0 : words[0].includes(wanted) ? 1 : words[1].includes(wanted) ? 2 : 3;
  return near + (cursor.reached(v) ? 0 : 4);
}

// --- keys and mouse ---

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input:not([type=checkbox],[type=range])")) return;
  const key = event.key;
  if (event.target.matches("button,input") && (key === "Enter" || (key === " " && event.target !== $("slider")))) return;
  for (const [names, [, act]] of Object.entries(KEYS)) {
    if (!names.split(" ").some((name) => (NAMES[name] ?? name) === key)) continue;
    event.preventDefault();
    act();
    return;
  }
}

function searching(event) {
  if (event.key === "Enter" && found.length) {
    runTo(found[hit]);
    if (!event.shiftKey) $("find").blur();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && found.length) {
    event.preventDefault();
    hit = (hit + (event.key === "ArrowDown" ? 1 : -1) + found.length) % found.length;
    choose(found[hit]);
    say(`${hit + 1} of ${found.length}`);
  } else if (event.key === "Escape") $("find").blur();
}

function pick(event) {
  const node = event.target.closest("[data-id]");
  if (!node) return;
  const item = items[node.dataset.id], row = event.target.closest("[data-v]");
  if (item.open) return event.target.matches("text") ? around(item) : choose(null, item);
  if (item.children.length) return around(item);
  const v = row ? Number(row.dataset.v) : item.members.find((m) => cursor.reached(m)) ?? item.members[0] ?? null;
  choose(v, item);
  if (event.detail > 1) runTo(v);
}

function drag(event) {
  if (event.target.closest("[data-id]") || event.button) return;
  const view = $("view"), start = [event.clientX + view.scrollLeft, event.clientY + view.scrollTop];
  const move = (e) => { view.scrollTo(start[0] - e.clientX, start[1] - e.clientY); };
  const leave = () => {
    removeEventListener("pointermove", move);
    view.classList.remove("held");
  };
  view.classList.add("held");
  addEventListener("pointermove", move);
  addEventListener("pointerup", leave, { once: true });
}

function connect() {
  $("first").onclick = KEYS.Home[1];
  $("last").onclick = KEYS.End[1];
  $("next").onclick = () => go(cursor.at + 1);
  $("back").onclick = () => go(cursor.at - 1);
  $("run").onclick = KEYS.c[1];
  $("help").onclick = KEYS["?"][1];
  $("larger").onclick = KEYS["+"][1];
  $("smaller").onclick = KEYS["-"][1];
  $("fit").onclick = () => fit(0.08);
  $("follow").onchange = () => show();
  $("slider").oninput = () => go(Number($("slider").value));
  $("find").oninput = search;
  $("find").onkeydown = searching;
  $("picture").onclick = pick;
  $("view").onpointerdown = drag;
  $("view").addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    enlarge(event.deltaY < 0 ? 1.12 : 1 / 1.12);
  }, { passive: false });
  addEventListener("keydown", press);
  addEventListener("resize", chips);
  const keys = (names) => names.split(" ").flatMap((name) => [html("kbd", name), " "]);
  $("table").append(...Object.entries(KEYS).map(([names, [text]]) => html("tr", [td(keys(names)), td(text)])));
}

async function start() {
  const text = atob($("data").textContent), bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  const data = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
  ({ sources, live, notes } = data);
  cursor = new Cursor(data);
  open(data);
  $("slider").max = cursor.steps.length;
  $("files").append(...sources.map(({ name }, k) => html("button", name, { role: "tab", onclick: () => openFile(k) })));
  $("source").hidden = !sources.length; // of Values no line is kept
  if (sources.length) openFile(0);
  connect();
  draw();
  fit(0.75);
  show();
  document.body.dataset.ready = "yes";
}

start();
