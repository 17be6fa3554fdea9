// cursor.py in the page: the same words from the same numbers, which Python has found. A place is a number of steps.
"use strict";

// A number as Python's format(x, ".6g") writes it.
function digits(x, most = 6) {
  if (typeof x === "string" || x === 0) return Object.is(x, -0) ? "-0" : String(x);
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  const [m, e] = x.toExponential(most - 1).split("e").map(Number);
  if (e < -4 || e >= most) return `${m}e${e < 0 ? "-" : "+"}${String(Math.abs(e)).padStart(2, "0")}`;
  return String(Number(x.toPrecision(most)));
}

const NAMED = 4; // of those to come
const isTensor = (x) => x !== null && typeof x === "object";
const tuple = (shape) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
const shaped = (x) => (x.shape.length ? tuple(x.shape) : "several"); // of an operation of several outputs
const shown = (x) => (isTensor(x) ? `${shaped(x)} of norm ${digits(x.norm, 4)}` : digits(x));
const norm = (x) => (isTensor(x) ? Number(x.norm === "inf" ? Infinity : x.norm) : Math.abs(number(x)));
const number = (x) => (x === "inf" ? Infinity : x === "-inf" ? -Infinity : Number(x)); // "nan" -> NaN

class Cursor {
  constructor({ at, steps, rules, vertices: v, degrees, edges: e, tensors }) {
    const known = (x) => (Array.isArray(x) ? tensors[x[0]] : x);
    const all = e.to.map((to, k) =>
      ({ to, flow: known(e.flow[k]), local: known(e.local[k]), sum: known(e.sum[k]), rule: e.rule[k] }));
    let end = 0;
    this.vertices = v.text.map((text, k) => ({
      text, kind: v.kind[k], op: v.op[k], title: v.title[k], name: v.name[k], module: v.module[k], line: v.line[k],
      value: known(v.value[k]), gradient: known(v.gradient[k]), edges: all.slice(end, (end += degrees[k])),
    }));
    Object.assign(this, { at, steps, rules, root: steps[0] });
    this.turn = this.vertices.map(() => Infinity);
    this.arrivals = this.vertices.map(() => []); // of each vertex (step, from, edge), in the order of the walk
    steps.forEach((from, step) => {
      this.turn[from] = step;
      for (const edge of this.vertices[from].edges) {
        if (edge.flow === null) continue;
        const there = this.arrivals[edge.to], before = there[there.length - 1]?.edge;
        edge.sum ??= before ? number(before.sum) + number(edge.flow) : edge.flow;
        there.push({ step, from, edge });
      }
    });
    this.first = this.arrivals.map((a, k) => (a.length ? a[0].step : k === this.root ? -1 : Infinity));
    this.last = this.arrivals.map((a) => (a.length ? a[a.length - 1].step : -1));
  }

  // The operation of the step taken last; null before the first.
  get vertex() {
    return this.at ? this.steps[this.at - 1] : null;
  }

  arrived(v) {
    return this.arrivals[v].filter((a) => a.step < this.at);
  }

  pending(v) {
    return this.arrivals[v].filter((a) => a.step >= this.at).map((a) => a.from);
  }

  // Whether a gradient ever arrives.
  reached(v) {
    return this.first[v] < Infinity;
  }

  // The sum of what has arrived; null where nothing has.
  total(v) {
    const last = this.arrived(v).pop();
    return last ? last.edge.sum : v === this.root ? this.vertices[v].gradient : null;
  }

  // "current"; "done"; "ready": all has arrived, not yet handed on; "part" of it has; "none", nothing has.
  state(v) {
    const { at } = this;
    if (this.first[v] >= at && v !== this.root) return "none";
    if (this.last[v] >= at) return "part";
    const turn = this.turn[v];
    return turn === at - 1 ? "current" : turn >= at && turn < Infinity ? "ready" : "done";
  }

  // Behind how many steps a vertex has handed on its gradient, or a leaf's is complete; null where none arrives.
  complete(v) {
    if (this.turn[v] < Infinity) return this.turn[v] + 1;
    return this.last[v] < 0 ? null : this.last[v] + 1;
  }

  // What the step taken last hands on, one row for each argument: cursor.py's words.
  rows() {
    const v = this.vertices[this.vertex], given = v.edges.filter((edge) => edge.flow !== null);
    return given.map((edge) => {
      const all = this.arrivals[edge.to], k = all.findIndex((a) => a.edge === edge);
      const rest = all.slice(k + 1), names = [...new Set(rest.slice(0, 50).map((a) => this.vertices[a.from].text))];
      const single = !isTensor(v.gradient) && !isTensor(edge.flow), local = edge.local === null ? "?" : shown(edge.local);
      const some = names.slice(0, NAMED).join(", ") + (names.length > NAMED ? ", ..." : "");
      return {
        edge,
        name: this.vertices[edge.to].text,
        product: single ? `${shown(v.gradient)} * ${local} = ${shown(edge.flow)}` : `hands on ${shown(edge.flow)}`,
        sum: all.length === 1 ? "complete"
          : this.sum(all, k) + (rest.length ? `, to come ${rest.length}: ${some}` : ", complete"),
      };
    });
  }

  sum(all, k) {
    const now = all[k].edge.sum;
    if (k === 0) return `so far ${shown(now)}`;
    return (isTensor(now) ? "so far " : `${shown(all[k - 1].edge.sum)} + ${shown(all[k].edge.flow)} = `) + shown(now);
  }

  // --- running ---

  isWrong(k) {
    const v = this.vertices[this.steps[k]];
    return [v.gradient, ...v.edges.map((edge) => edge.flow)].some((g) => g !== null && !Number.isFinite(norm(g)));
  }

  // Whether the pass stops at step k. rules: nan; above: a norm; nodes, a Set; modules, a Set of paths.
  stops(k, { nan, above, nodes, modules }) {
    const v = this.steps[k], path = `.${this.vertices[v].module.join(".")}.`;
    return (nan && this.isWrong(k)) || (above !== null && norm(this.vertices[v].gradient) > above)
      || [...nodes].some((node) => this.complete(node) === k + 1) || [...modules].some((m) => path.includes(`.${m}.`));
  }

  // Behind how many steps the next stop is; null where there is none.
  next(rules) {
    for (let k = this.at; k < this.steps.length; k++) if (this.stops(k, rules)) return k + 1;
    return null;
  }
}
