// The page of draw(): modules open and close by a click. placing.js stands above it.
"use strict";
lay(JSON.parse(document.getElementById("scene").textContent));
const picture = document.getElementById("picture"), layer = document.getElementById("wires");
const $ = (id) => document.getElementById(id);
let zoom = 1;

function draw() {
  const { seen, wires } = arrange(), shown = new Set(seen);
  for (const item of items.slice(1)) {
    for (const [node, on] of [[item.box, shown.has(item) && !item.open], [item.frame, shown.has(item) && item.open]]) {
      if (!node) continue;
      node.toggleAttribute("hidden", !on);
      if (on) node.setAttribute("transform", `translate(${item.x} ${item.y})`);
    }
    if (shown.has(item) && item.open) {
      item.frame.querySelector("path").setAttribute("d", border(item.size));
      item.frame.querySelectorAll("text").forEach((text) => text.setAttribute("dx", item.title - item.drawn));
    }
  }
  layer.replaceChildren(...[["wire", "d"], ["tip", "tip"]].map(([style, part]) => {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("class", style);
    path.setAttribute("d", wires.map((wire) => wire[part]).join(""));
    return path;
  }));
  resize();
}

function resize() {
  const [w, h] = items[0].size.map((side) => side + 24);
  picture.setAttribute("viewBox", `0 0 ${w} ${h}`);
  picture.setAttribute("width", w * zoom);
  picture.setAttribute("height", h * zoom);
}

function toggle(item) {
  const node = () => (item.open ? item.frame : item.box), before = node().getBoundingClientRect();
  item.open = !item.open;
  draw();
  const after = node().getBoundingClientRect();
  $("view").scrollBy(after.left - before.left, after.top - before.top);
  node().focus({ preventScroll: true });
}

function tell(item) {
  document.querySelector(".chosen")?.classList.remove("chosen");
  (item.open ? item.frame : item.box).classList.add("chosen");
  $("tip").textContent = item.tip;
}

items.forEach((item, id) => {
  item.box = $(`b${id}`);
  item.frame = $(`f${id}`);
  item.drawn = item.title;
  item.tip = (item.box || item.frame)?.querySelector("title").textContent;
  for (const node of [item.box, item.frame]) {
    if (!node) continue;
    const act = (event) => {
      event.stopPropagation();
      if (item.plan && (node === item.box || event.type === "keydown" || event.target.matches("text"))) toggle(item);
      tell(item);
    };
    node.addEventListener("click", act);
    node.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); act(event); } });
  }
});
const all = (open) => { for (const item of items.slice(1)) if (item.plan) item.open = open; draw(); };
const scale = (factor) => { zoom = factor ? Math.min(4, Math.max(0.1, zoom * factor)) : Math.min(1, $("view").clientWidth / (items[0].size[0] + 24)); resize(); };
$("open").onclick = () => all(true);
$("close").onclick = () => all(false);
$("larger").onclick = () => scale(1.25);
$("smaller").onclick = () => scale(0.8);
$("fit").onclick = () => scale(0);
let last = 0;
$("find").addEventListener("keydown", (event) => {
  const word = event.target.value.toLowerCase();
  if (event.key !== "Enter" || !word) return;
  for (let k = 1; k <= items.length; k++) {
    const id = (last + k) % items.length, item = items[id];
    if (!item.tip || !`${item.tip} ${(item.box || item.frame).textContent}`.toLowerCase().includes(word)) continue;
    last = id;
    for (let at = item.around; at !== null; at = items[at].around) items[at].open = true;
    draw();
    tell(item);
    (item.open ? item.frame : item.box).scrollIntoView({ block: "center", inline: "center" });
    return;
  }
  $("tip").textContent = "nothing of that name";
});
