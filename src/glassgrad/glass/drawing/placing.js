// The page's side of placing.py: `arrange` gives the same coordinates for whatever groups are open.
"use strict";
let items, gaps, weights; // what a page was given, by `lay`

function lay(layout) {
  ({ items, gaps, weights } = layout);
  for (const item of items) {
    item.children ??= [];
    item.around ??= null;
    item.plan ??= null;
  }
}

const mean = (points) => {
  if (points.length === 1) return points[0][0];
  let sum = 0, weight = 0;
  for (const [p, w] of points) { sum += p * w; weight += w; }
  return sum / weight;
};
const median = (points) => {
  if (points.length === 1) return points[0][0];
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = sorted.reduce((sum, [, w]) => sum + w, 0) / 2;
  let seen = 0;
  for (let k = 0; k < sorted.length; k++) {
    seen += sorted[k][1];
    if (seen === half && k + 1 < sorted.length) return (sorted[k][0] + sorted[k + 1][0]) / 2;
    if (seen >= half) return sorted[k][0];
  }
  return sorted[sorted.length - 1][0];
};

function settle(offsets, wanted, centre) {
  const blocks = [];
  wanted.forEach((points, i) => {
    let block = points.map(([p, w]) => [p - offsets[i], w]), at = centre(block), count = 1;
    while (blocks.length && blocks[blocks.length - 1][1] > at) {
      const [before, , more] = blocks.pop();
      const weight = before.reduce((s, q) => s + q[1], 0) + block.reduce((s, q) => s + q[1], 0);
      block = centre === mean
        ? [[(before.reduce((s, q) => s + q[0] * q[1], 0) + block.reduce((s, q) => s + q[0] * q[1], 0)) / weight, weight]]
        : before.concat(block);
      at = centre(block);
      count += more;
    }
    blocks.push([block, at, count]);
  });
  return blocks.flatMap(([, at, count]) => Array(count).fill(at)).map((at, i) => at + offsets[i]);
}

// The line above from which each place hangs, -1 for none; and the lines that are the chiefs of both their ends.
function chiefs(plan, weight, light) {
  const { lines, rows } = plan, at = plan.nets.map(() => 0), straight = new Set();
  rows.forEach((row) => row.forEach((n, i) => { at[n] = i; }));
  const above = plan.nets.map(() => []), below = plan.nets.map(() => []);
  const order = (i, j) => at[lines[i][0]] - at[lines[j][0]] || at[lines[i][1]] - at[lines[j][1]];
  for (const i of lines.map((_, i) => i).sort(order)) {
    above[lines[i][1]].push(i);
    below[lines[i][0]].push(i);
  }
  const down = below.map((found) => chief(found.map((i) => [weight[i], 0, i])));
  const up = plan.nets.map(() => -1), length = plan.nets.map(() => 1);
  for (const n of rows.flat()) {
    up[n] = chief(above[n].map((i) => {
      const [m, , net] = lines[i];
      return [light.has(net) ? -1 : down[m] === i ? length[m] : 0, weight[i], i];
    }));
    if (up[n] < 0 || down[lines[up[n]][0]] !== up[n]) continue;
    straight.add(up[n]);
    length[n] += length[lines[up[n]][0]];
  }
  return [up, straight];
}

function chief(found) {
  const most = found.reduce((a, b) => (b[0] - a[0] || b[1] - a[1]) > 0 ? b : a, [-2, 0]);
  const best = found.filter(([a, b]) => a === most[0] && b === most[1]);
  return best.length % 2 ? best[(best.length - 1) / 2][2] : -1;
}

function ends(group, plan, hangs) {
  const at = new Map(), sides = new Map(), shifts = new Map(), children = group.children.length;
  plan.rows.forEach((row) => row.forEach((n, i) => at.set(n, i)));
  const note = (key, net, place) => {
    if (!sides.has(key)) sides.set(key, new Map());
    const nets = sides.get(key);
    nets.set(net, [...(nets.get(net) || []), at.get(place)]);
  };
  for (const [above, below, net] of plan.lines) {
    note(`${above} 0`, net, below);
    note(`${below} 1`, net, above);
  }
  for (const [key, nets] of sides) {
    const [n, enters] = key.split(" ").map(Number);
    if (n >= children) continue;
    const child = items[group.children[n]], gates = child.open ? (enters ? child.top : child.bottom) : new Map();
    const place = (m) => nets.get(m).reduce((a, b) => a + b, 0) / nets.get(m).length;
    const order = [...nets.keys()].sort((a, b) => place(a) - place(b) || a - b), last = nets.size - 1;
    const middle = enters && hangs[n] >= 0 ? order.indexOf(plan.lines[hangs[n]][2]) : last / 2;
    const step = Math.min(gaps.SPREAD, (child.size[0] / 2 - 10) / Math.max(middle, last - middle, 1));
    order.forEach((net, k) =>
      shifts.set(`${key} ${net}`, gates.has(net) ? gates.get(net) - child.size[0] / 2 : (k - middle) * step));
  }
  return plan.lines.map(([a, b, net]) => [shifts.get(`${a} 0 ${net}`) || 0, shifts.get(`${b} 1 ${net}`) || 0]);
}

function neighbours(plan, tied, weight) {
  const above = plan.nets.map(() => []), below = plan.nets.map(() => []);
  plan.lines.forEach(([a, b], i) => {
    const [start, end] = tied[i];
    if (!weight[i]) return;
    above[b].push([a, start - end, weight[i]]);
    below[a].push([b, end - start, weight[i]]);
  });
  return [above, below];
}

function sweep(plan, children, width, [above, below], [over, under]) {
  const { rows } = plan, x = width.map(() => 0);
  const offsets = rows.map((row) => {
    const offset = [0];
    for (let k = 1; k < row.length; k++) {
      const gap = row[k - 1] < children && row[k] < children ? gaps.GAP : gaps.LINE_GAP;
      offset.push(offset[k - 1] + width[row[k - 1]] / 2 + gap + width[row[k]] / 2);
    }
    row.forEach((n, k) => { x[n] = offset[k] - offset[offset.length - 1] / 2; });
    return offset;
  });
  const forth = rows.map((_, r) => r), back = [...forth].reverse(), none = x.map(() => []);
  const heavy = (near) => near.map(([n, s, w]) => [n, s, w * 1.25]), each = (f) => x.map((_, n) => f(n));
  const both = each((n) => above[n].concat(below[n]));
  const moreAbove = each((n) => heavy(above[n]).concat(below[n])), moreBelow = each((n) => above[n].concat(heavy(below[n])));
  const hung = each((n) => (over[n].length ? over[n] : under[n])), stood = each((n) => (under[n].length ? under[n] : over[n]));
  const passes = [[forth, above, none, 0, mean], [back, below, none, 0, mean], [forth, both, none, 0, mean],
    [forth, both, hung, Infinity, mean], [back, moreBelow, none, 0, median]];
  for (let k = 0; k < 2; k++)
    passes.push([back, moreBelow, stood, gaps.BEND, median], [forth, moreAbove, hung, gaps.BEND, median]);
  for (const [order, beside, chiefs, reach, centre] of passes)
    for (const r of order) {
      const wanted = rows[r].map((n) => {
        const at = ([m, s, w]) => [x[m] + s, w], found = chiefs[n].map(at).filter(([p]) => Math.abs(p - x[n]) < reach);
        return found.length ? found : beside[n].length ? beside[n].map(at) : [[x[n], weights.ALONE]];
      });
      settle(offsets[r], wanted, rows[r].length <= gaps.WIDE ? centre : mean).forEach((at, k) => { x[rows[r][k]] = at; });
    }
  return x;
}

function inner(group) {
  const plan = group.plan, children = group.children.length, rows = plan.rows, light = new Set(plan.light);
  const width = plan.nets.map((_, n) => (n < children ? items[group.children[n]].size[0] : 0));
  const weight = plan.lines.map(([a, b, net]) => {
    const points = (a >= children) + (b >= children);
    return light.has(net) && !points ? weights.LEAF : weights.WEIGHTS[points];
  });
  const [hangs, straight] = chiefs(plan, weight, light), tied = ends(group, plan, hangs);
  const held = weight.map((w, i) => (straight.has(i) ? w * weights.HELD : 0));
  const x = sweep(plan, children, width, neighbours(plan, tied, weight), neighbours(plan, tied, held));
  const left = Math.min(...x.map((at, n) => at - width[n] / 2)), right = Math.max(...x.map((at, n) => at + width[n] / 2));
  const pad = group.around === null ? 0 : gaps.PAD, title = group.around === null ? 0 : gaps.TITLE;
  const xs = x.map((at) => at + pad - left), enters = plan.enters.length > 0;
  group.top = new Map(plan.enters.map(([net, n]) => [net, xs[n]]));
  group.bottom = new Map(plan.leaves.map(([net, n]) => [net, xs[n]]));
  group.title = [...group.top.values()].sort((a, b) => a - b).reduce((at, gate) => (gate < at + group.label ? gate : at), 0);
  const tops = [], depths = [];
  let y = 0;
  rows.forEach((row, r) => {
    y += r ? gaps.ROW_GAP : enters ? 0 : title;
    tops.push(y);
    depths.push(Math.max(enters && !r ? title : 0, ...row.filter((n) => n < children).map((n) => items[group.children[n]].size[1])));
    y += depths[r];
  });
  group.size = [Math.max(right - left + 2 * pad, group.title + group.label), y + (plan.leaves.length ? 0 : pad)];
  return { xs, tops, depths, tied };
}

function outer(group, placed, wires) {
  const { plan, children } = group, { xs, tops, depths, tied } = placed, rowOf = new Map();
  plan.rows.forEach((row, r) => row.forEach((n) => rowOf.set(n, r)));
  children.forEach((id, n) => {
    const child = items[id], r = rowOf.get(n);
    child.x = group.x + xs[n] - child.size[0] / 2;
    child.y = group.y + tops[r] + (depths[r] - child.size[1]) / 2;
  });
  plan.lines.forEach(([above, below, net, arrow], i) => {
    const r = rowOf.get(above), y1 = group.y + tops[r] + depths[r], y2 = group.y + tops[r + 1];
    const child = above < children.length ? items[children[above]] : null, end = below < children.length ? items[children[below]] : null;
    const y0 = child ? child.y + child.size[1] : group.y + tops[r], y3 = end ? end.y : y2;
    const x0 = group.x + xs[above] + tied[i][0], x2 = group.x + xs[below] + tied[i][1], middle = (y1 + y2) / 2;
    const d = Math.abs(x0 - x2) < 0.05 ? `M${x0} ${y0}L${x2} ${y3}`
      : `M${x0} ${y0}L${x0} ${y1}C${x0} ${middle} ${x2} ${middle} ${x2} ${y2}L${x2} ${y3}`;
    const tip = arrow && !end.open ? `M${x2} ${y3}L${x2 - 3.5} ${y3 - 7}L${x2 + 3.5} ${y3 - 7}Z` : "";
    wires.push({ group, above, below, net, d, tip, x: x0, y: y0 });
  });
}

// What is to be seen, outermost first.
function visible() {
  const found = [], stack = [0];
  while (stack.length) {
    const item = items[stack.pop()];
    found.push(item);
    if (item.open) stack.push(...[...item.children].reverse());
  }
  return found;
}

// Sizes from the inside outwards, coordinates from the outside inwards; the pieces of lines, as of `outer`.
function arrange() {
  const seen = visible(), groups = seen.filter((item) => item.open), placed = new Map(), wires = [];
  for (const item of seen) if (!item.open) item.size = [item.width, item.height];
  for (const group of [...groups].reverse()) placed.set(group, inner(group));
  items[0].x = items[0].y = 0;
  for (const group of groups) outer(group, placed.get(group), wires);
  return { seen, wires };
}

// The border of an open group.
function border([w, h], r = 10) {
  return `M${r} 0L${w - r} 0Q${w} 0 ${w} ${r}L${w} ${h - r}Q${w} ${h} ${w - r} ${h}L${r} ${h}Q0 ${h} 0 ${h - r}L0 ${r}Q0 0 ${r} 0Z`;
}
