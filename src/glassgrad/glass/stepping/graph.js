// The graph of the page: boxes are made when they come into sight, and tell how far the pass is. After placing.js.
"use strict";
const SVG = "http://www.w3.org/2000/svg", $ = (id) => document.getElementById(id);
const SIGNS = { done: "✓", ready: "●", part: "…", current: "▲", none: "" };
let boxes, itemOf, nets, forms, metrics, netsOf, groups, zoom = 1, chosen = null, lines = [];

function svg(tag, attributes = {}, text = null) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== null) node.textContent = text;
  return node;
}

const write = (style, x, y, text) => svg("text", { class: style, x, y }, text);

// A box's title and note, from its own corner. As `head` and `frame` of svg.py.
function heading({ title, note }, sign, shift, y) {
  const parts = [write("title", metrics.SIDE + shift, y, sign + title)];
  return note ? [...parts, write("note", note[0] + shift, y, note[1])] : parts;
}

// A row of a box. As `line` of svg.py.
function line({ rows }, k, width) {
  const { SIDE, HEAD, LINE, CHAR, BAR, HIGH } = metrics, [label, text, bars, wrong] = rows[k], y = HEAD + LINE * k + 10;
  const labels = Math.max(0, ...rows.map(([word, said]) => (said ? [...word].length : 0)));
  const parts = [write("label", SIDE, y, label)], left = width - SIDE - BAR * bars.length;
  if (text) parts.push(write(wrong ? "alarm" : "text", SIDE + CHAR * (labels + 1), y, text));
  if (!bars.length) return parts;
  const steps = bars.map((bar, i) => `V${y - (bar * 10) / HIGH}H${left + BAR * (i + 1)}`).join("");
  return [...parts, svg("path", { class: wrong ? "wrong" : label === "grad" ? "grad" : "data", d: `M${left} ${y}${steps}V${y}Z` })];
}

function open(data) {
  lay(data.layout);
  ({ boxes, nets, forms, metrics, item_of: itemOf } = data);
  netsOf = items.map(() => []);
  nets.forEach(([source], k) => netsOf[source].push(k));
  items.forEach((item, id) => {
    item.id = id;
    item.box = boxes[id];
    item.auto = false; // opened because the pass came by
    item.children.forEach((child, n) => { items[child].index = n; });
  });
  const within = (item) => {
    item.members = item.box?.members ?? item.children.flatMap((child) => within(items[child]));
    return item.members;
  };
  within(items[0]);
  groups = items.filter((item) => item.plan);
}

// The groups around an item, outermost first, and itself.
const path = (item) => (item.around === null ? [item] : [...path(items[item.around]), item]);
// What is to be seen of it: itself or the outermost closed group around it.
const seenOf = (item) => path(item).find((x) => !x.open) ?? item;

function closedNode(item) {
  const { box } = item, node = svg("g", { "data-id": item.id, tabindex: -1 });
  const outline = forms[box.form].map(([style, d]) => svg("path", { class: style, d }));
  node.append(svg("title", {}, box.tip), ...outline, ...heading(box, item.children.length ? "▸ " : "", 0, 16));
  node.querySelector("path").classList.add("paint");
  if (item.children.length) node.querySelectorAll("path").forEach((p) => p.classList.add("paint"));
  item.rows = box.rows.map((_, k) => {
    const part = svg("g", k in box.late ? { "data-v": box.late[k] } : {});
    part.append(...line(box, k, item.width));
    node.append(part);
    return part;
  });
  item.badge = svg("g", { class: "badge", transform: `translate(${item.width + 1} -1)` });
  item.badge.append(svg("circle", { r: 7 }), svg("text", { y: 3 }));
  item.stop = svg("circle", { class: "stop", r: 6, cx: 0, cy: 0 });
  node.append(item.badge, item.stop);
  return node;
}

function openNode(item) {
  const node = svg("g", { "data-id": item.id, tabindex: -1 });
  node.append(svg("title", {}, item.box.tip), svg("path", { class: "frame" }), ...heading(item.box, "▾ ", 1, metrics.TITLE - 9));
  return node;
}

// Place everything anew, after a group was opened or closed.
function draw() {
  const found = arrange(), frames = [], closed = [];
  lines = found.wires;
  for (const item of found.seen.slice(1)) {
    const node = item.open ? (item.frame ??= openNode(item)) : (item.node ??= closedNode(item));
    node.setAttribute("transform", `translate(${item.x} ${item.y})`);
    (item.open ? frames : closed).push(node);
    if (!item.open) continue;
    node.querySelector("path").setAttribute("d", border(item.size));
    node.querySelectorAll("text").forEach((text) => text.setAttribute("dx", item.title));
  }
  for (const group of new Set(lines.map((wire) => wire.group))) group.into = new Map();
  for (const wire of lines) wire.group.into.set(`${wire.net} ${wire.below}`, wire);
  $("frames").replaceChildren(...frames);
  $("boxes").replaceChildren(...closed);
  $("wires").replaceChildren(svg("path", { class: "wire", d: lines.map((w) => w.d).join("") }),
    svg("path", { class: "tip", d: lines.map((w) => w.tip).join("") }));
  resize();
}

function resize() {
  const [w, h] = items[0].size.map((side) => side + 30);
  $("picture").setAttribute("viewBox", `0 0 ${w} ${h}`);
  $("picture").setAttribute("width", w * zoom);
  $("picture").setAttribute("height", h * zoom);
}

function fit(least) {
  const [w, h] = items[0].size.map((side) => side + 30), view = $("view");
  zoom = Math.min(1.3, Math.max(least, Math.min(view.clientWidth / w, view.clientHeight / h) * 0.99));
  resize();
}

function enlarge(factor) {
  zoom = Math.min(4, Math.max(0.08, zoom * factor));
  resize();
}

// Open the groups around an item; close those that were opened for another one.
function reveal(item) {
  const around = path(item).slice(0, -1);
  let changed = false;
  for (const group of groups) {
    const wanted = around.includes(group);
    if (group.open !== wanted && (wanted || group.auto)) {
      group.open = group.auto = wanted;
      changed = true;
    }
  }
  return changed;
}

function toggle(item) {
  item.open = !item.open;
  item.auto = false;
}

// --- how far the pass is ---

// A closed group: none, part of it, all of it, or the current step within.
function stateOf(item, cursor) {
  const seen = new Set();
  for (const v of item.members) if (cursor.reached(v)) seen.add(cursor.state(v));
  if (seen.has("current")) return "current";
  const [state = "none"] = seen;
  return seen.size > 1 || (item.children.length && state === "ready") ? "part" : state;
}

function update(cursor, rules) {
  for (const item of visible().slice(1)) {
    if (item.open) {
      item.frame?.classList.toggle("chosen", chosen === item);
      continue;
    }
    const state = stateOf(item, cursor);
    item.node.setAttribute("class", [state, chosen === item ? "chosen" : ""].join(" "));
    item.badge.lastChild.textContent = SIGNS[state];
    const stops = item.members.some((v) => rules.nodes.has(v)) || rules.modules.has(item.box.path);
    item.stop.toggleAttribute("hidden", !stops);
    for (const [k, v] of Object.entries(item.box.late)) late(item, Number(k), v, cursor);
  }
  flows(cursor);
}

// A row tells its gradient once all of it has arrived; before, how many parts of it.
function late(item, k, v, cursor) {
  const row = item.rows[k], texts = row.querySelectorAll("text"), last = texts[texts.length - 1];
  const [label, text] = item.box.rows[k], full = text || label;
  const state = cursor.state(v), there = cursor.arrived(v).length;
  const complete = state === "done" || state === "ready" || state === "current";
  const some = there ? `${there}/${cursor.arrivals[v].length}` : "·", table = Object.keys(item.box.late).length > 1;
  const short = full.replace(/\S+$/, (x) => (there ? "…" : "·").padStart(x.length)); // in a table's last column
  last.textContent = complete ? full : table ? short : some;
  for (const bars of row.querySelectorAll("path")) bars.toggleAttribute("hidden", !complete);
}

// The lines along which the current step hands on, with what they carry.
function flows(cursor) {
  const parts = [], amounts = new Map();
  if (cursor.vertex !== null) {
    const target = items[itemOf[cursor.vertex]];
    for (const { edge } of cursor.rows()) {
      if (itemOf[edge.to] === null) continue;
      const way = trace(items[itemOf[edge.to]], target);
      parts.push(...way);
      if (!way.length) continue;
      const { x, y } = way[way.length - 1], key = `${x} ${y}`;
      const text = isTensor(edge.flow) ? `|g| ${digits(edge.flow.norm, 3)}` : digits(edge.flow, 4);
      amounts.set(key, amounts.has(key) ? `${amounts.get(key)} + ${text}` : text);
    }
  }
  const heads = [...amounts.keys()].map((key) => key.split(" ").map(Number));
  const tips = heads.map(([x, y]) => `M${x} ${y}L${x - 4.5} ${y + 9}L${x + 4.5} ${y + 9}Z`).join("");
  $("flows").replaceChildren(
    svg("path", { class: "flow", d: parts.map((w) => w.d).join("") }), svg("path", { class: "head", d: tips }),
    ...[...amounts.values()].map((text, k) => {
      const [x, y] = heads[k];
      return svg("text", { class: "amount", x: x + 8, y: y + 13 }, text);
    }),
  );
}

// The pieces of the line from one box to another, from its end on; none where both are in one closed group.
function trace(source, target) {
  const from = path(source), to = path(target);
  for (const start of from) {
    for (const net of netsOf[start.id]) {
      const end = nets[net][1].map((id) => items[id]).find((item) => to.includes(item));
      if (!end) continue;
      const found = [];
      let at = seenOf(end), place = at.index;
      if (from.includes(at)) return found;
      for (let group = items[at.around]; group; ) {
        const wire = group.into?.get(`${net} ${place}`);
        if (wire) found.push(wire);
        if (wire && wire.above >= group.children.length) {
          place = wire.above;
        } else if (wire) {
          const above = items[group.children[wire.above]];
          const gate = above.open && above !== start && above.plan.leaves.find(([k]) => k === net);
          if (!gate) return found;
          [group, place] = [above, gate[1]];
        } else {
          if (group.around === null) return found;
          [group, place] = [items[group.around], group.index];
        }
      }
    }
  }
  return [];
}

// Bring a box into sight.
function scrollTo(item) {
  const seen = seenOf(item), node = seen.open ? seen.frame : seen.node, view = $("view");
  if (!node) return;
  const box = node.getBoundingClientRect(), room = view.getBoundingClientRect();
  const middle = (side) => Math.max(50, (room[side] - box[side]) / 2); // of what is too large the beginning
  if (box.top < room.top + 10 || box.bottom > room.bottom - 10) view.scrollTop += box.top - room.top - middle("height");
  if (box.left < room.left + 10 || box.right > room.right - 10) view.scrollLeft += box.left - room.left - middle("width");
}
