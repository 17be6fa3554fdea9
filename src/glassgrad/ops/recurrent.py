"""Recurrent layers: one direction of one layer is one operation, `unroll`, over all steps of all sequences.

The rows of x are those of step 0, then those of step 1, and so on: sizes[t] rows for step t, the longest sequences
first, so that sizes never grows. Step t moves the first sizes[t] rows of the state; the others have ended or, backwards
in time (reverse), not begun. That holds for packed sequences as for a batch of equal lengths, where all sizes are N.

A layer has weights w_ih (G H, I), w_hh (G H, P), biases b_ih, b_hh (G H,) and, where an LSTM projects its hidden state
of H numbers to P, w_hr (P, H); G gates of H numbers each. What the recurrence adds is in the table CELLS.
Sources: Elman 1990; Hochreiter, Schmidhuber 1997; Cho et al. 2014, arXiv:1406.1078; Sak et al. 2014, arXiv:1402.1128.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

from ..core.autograd import grad
from ..core.backend import Array, xp_of
from ..core.forward import again
from ..core.half import half_in_float32
from ..core.modes import enable_grad
from ..core.native import faster
from ..core.op import op
from ..core.tensor import Tensor
from ..core.titles import title
from . import autocast
from .activations import relu
from .arithmetic import sigmoid
from .arrange import cat, stack
from .create import zeros_like
from .dropout import dropout
from .elementwise import tanh
from .linalg import matmul_
from .neural import linear
from .parts import chunk, unbind

Sizes = tuple[int, ...]
Pair = tuple[Any, Any]


class Cell(NamedTuple):
    """One step of n rows, three times: as it is defined, and forward and back on raw arrays.

    gates    how many blocks of H numbers a weight has
    apart    the recurrent part isn't just added to the input's
    step     (a, m, h, k) -> (h, k, gates), written in operations: the definition, also of further derivatives
    forward  the same, but a becomes the gates: (a, m, h, k) -> (h, k)
    back     (d, gates, k, h0, k0, dh, dk) -> (dh0, dk0, m's gradient); d is filled with a's gradient

    a (n, G H) is what comes from the input, m (n, G H) from the hidden state h; k (n, H) is what is kept beside the
    gates: an LSTM's cell state, a GRU's recurrent part of n. h0, k0 are those before the step. dh0 leaves out what
    comes through m.
    """

    gates: int
    apart: bool
    step: Callable[..., Any]
    forward: Callable[..., Pair]
    back: Callable[..., tuple[Any, Any, Any]]


def _blocks(a: Array, n: int) -> list[Array]:
    size = a.shape[1] // n
    return [a[:, k * size : (k + 1) * size] for k in range(n)]


def _sigmoid(x: Array) -> None:
    """1 / (1 + exp(-x)) in x's own memory."""
    xp = xp_of(x)
    xp.exp(xp.negative(x, out=x), out=x)
    x += 1
    xp.reciprocal(x, out=x)


# --- h = f(a + m) ---


def _elman(f: Callable[..., Any], raw: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Cell:
    """raw: f in its argument's own memory; slope: its derivative from its value."""

    def step(a: Tensor, m: Tensor, h: Tensor, k: None) -> tuple[Tensor, None, Tensor]:
        h = f(a + m)
        return h, None, h

    def forward(a: Array, m: Array, h: Array, k: None) -> tuple[Array, None]:
        a += m
        return raw(a), None

    def back(d: Array, h: Array, k: None, h0: Array, k0: None, dh: Array, dk: None) -> tuple[Any, Any, Any]:
        xp_of(d).multiply(dh, slope(h), out=d)
        return None, None, d

    return Cell(1, False, step, forward, back)


# --- c = f c0 + i g, h = o tanh(c); gates i, f, g, o ---


def _lstm_step(a: Tensor, m: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    a_i, a_f, a_g, a_o = chunk(a + m, 4, 1)
    i, f, g, o = sigmoid(a_i), sigmoid(a_f), tanh(a_g), sigmoid(a_o)
    c = f * c + i * g
    return o * tanh(c), c, cat([i, f, g, o], 1)


def _lstm_forward(a: Array, m: Array, h: Array, c: Array) -> Pair:
    a += m
    i, f, g, o = _blocks(a, 4)
    new = xp_of(a).tanh(g)
    _sigmoid(a)  # g's as well: one call on memory in one piece is faster than two on parts
    g[...] = new
    c = f * c
    c += i * g
    return o * xp_of(a).tanh(c), c


def _lstm_back(d: Array, gates: Array, c: Array, h0: Array, c0: Array, dh: Array, dc: Array) -> tuple[Any, Any, Any]:
    xp = xp_of(d)
    (i, f, g, o), (di, df, dg, do) = _blocks(gates, 4), _blocks(d, 4)
    t = xp.tanh(c)
    xp.multiply(dh, t, out=do)
    dc = dc + dh * o * (1 - t * t)
    xp.multiply(dc, g, out=di)
    xp.multiply(dc, c0, out=df)
    xp.multiply(dc, i, out=dg)
    slope = gates * (1 - gates)
    _blocks(slope, 4)[2][...] = 1 - g * g
    d *= slope
    return None, dc * f, d


# --- n = tanh(a_n + r m_n), h = (1 - z) n + z h0; gates r, z, n ---


def _gru_step(a: Tensor, m: Tensor, h: Tensor, k: None) -> tuple[Tensor, Tensor, Tensor]:
    (a_r, a_z, a_n), (m_r, m_z, m_n) = chunk(a, 3, 1), chunk(m, 3, 1)
    r, z = sigmoid(a_r + m_r), sigmoid(a_z + m_z)
    n = tanh(a_n + r * m_n)
    return n + z * (h - n), m_n, cat([r, z, n], 1)


def _gru_forward(a: Array, m: Array, h: Array, k: None) -> Pair:
    size = h.shape[1]
    both = a[:, : 2 * size] + m[:, : 2 * size]
    _sigmoid(both)
    a[:, : 2 * size] = both
    (r, z, n), m_n = _blocks(a, 3), m[:, 2 * size :]
    n += r * m_n
    xp_of(a).tanh(n, out=n)
    return n + z * (h - n), m_n


def _gru_back(d: Array, gates: Array, m_n: Array, h0: Array, k0: None, dh: Array, dk: None) -> tuple[Any, Any, Any]:
    xp = xp_of(d)
    (r, z, n), (dr, dz, dn) = _blocks(gates, 3), _blocks(d, 3)
    direct = dh * z
    xp.multiply(dh - direct, 1 - n * n, out=dn)
    xp.multiply(direct * (h0 - n), 1 - z, out=dz)
    xp.multiply(dn * m_n, r * (1 - r), out=dr)
    dm = d.copy()
    _blocks(dm, 3)[2][...] *= r
    return direct, None, dm


CELLS = {
    "rnn_tanh": _elman(tanh, lambda a: xp_of(a).tanh(a, out=a), lambda h: 1 - h * h),
    "rnn_relu": _elman(relu, lambda a: xp_of(a).maximum(a, 0, out=a), lambda h: h > 0),
    "lstm": Cell(4, False, _lstm_step, faster("lstm_step", _lstm_forward), faster("lstm_step_back", _lstm_back)),
    "gru": Cell(3, True, _gru_step, _gru_forward, _gru_back),
}


# --- the walk over the steps ---


def _steps(sizes: Sizes, reverse: bool) -> list[tuple[slice, int]]:
    """The rows of each step and their number, in the order in which the state moves."""
    found, start = [], 0
    for n in sizes:
        found.append((slice(start, start + n), n))
        start += n
    return found[::-1] if reverse else found


def _over(new: Array, old: Array) -> Array:
    """The state after its first rows have moved."""
    n = new.shape[0]
    return new if n == old.shape[0] else xp_of(old).concatenate([new, old[n:]])


def _before(history: Array, start: Array, steps: list[tuple[slice, int]]) -> list[Array]:
    """The rows of the state that each step moved, from what the steps made of them."""
    found, state = [], start
    for rows, n in steps:
        found.append(state[:n])
        state = _over(history[rows], state)
    return found


@op(outputs=2)
@half_in_float32
def unroll(
    x: Array, h0: Array, c0: Array | None, w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None,
    w_hr: Array | None, *, cell: str, sizes: Sizes, reverse: bool,
) -> tuple[Array, ...]:  # fmt: skip
    """(rows, I), (N, P), (N, H) -> (rows, P), the last state (N, P), then what is kept for the way back.

    That is, for an LSTM and a GRU, the gates (rows, G H) and k (rows, H), and, for an LSTM, its last cell state (N, H).
    """
    kind, xp = CELLS[cell], xp_of(x)
    gates = matmul_(x, w_ih.T)
    if b_ih is not None:
        gates += b_ih if kind.apart else b_ih + b_hh
    w = xp.ascontiguousarray(w_hh.T)
    width = w_hh.shape[0] // kind.gates
    out = gates if kind.gates == 1 else xp.empty_like(gates[:, : w_hh.shape[1]])
    kept = None if kind.gates == 1 else xp.empty_like(gates[:, :width])
    h, c = h0, c0
    for rows, n in _steps(sizes, reverse):
        m = matmul_(h[:n], w)
        if kind.apart and b_hh is not None:
            m += b_hh
        new, k = kind.forward(gates[rows], m, h[:n], None if c is None else c[:n])
        if w_hr is not None:
            new = matmul_(new, w_hr.T)
        if kept is not None:
            out[rows], kept[rows] = new, k
        h, c = _over(new, h), None if c is None else _over(k, c)
    return tuple([v for v in (out, h.copy(), None if kept is None else gates, kept, c) if v is not None])


@op(outputs=2)
@half_in_float32
def unroll_back(
    gates: Array, out: Array, kept: Array | None, g_out: Array | None, g_h: Array | None, g_c: Array | None,
    h0: Array, c0: Array | None, w_hh: Array, w_hr: Array | None, *, cell: str, sizes: Sizes, reverse: bool,
) -> tuple[Array, ...]:  # fmt: skip
    """The gradients of a (rows, G H) and h0, then, where there are such, of c0, m (rows, G H) and h (rows, P)."""
    kind, xp = CELLS[cell], xp_of(gates)
    steps = _steps(sizes, reverse)
    hs = _before(out, h0, steps)
    ks = [None] * len(steps) if c0 is None else _before(kept, c0, steps)
    d = xp.empty_like(gates)
    dm: Any = xp.empty_like(gates) if kind.apart else None
    dp = None if w_hr is None else xp.empty_like(out)
    dh = xp.zeros_like(h0) if g_h is None else g_h
    dc = None if c0 is None else xp.zeros_like(c0) if g_c is None else g_c
    for (rows, n), h, k in zip(steps[::-1], hs[::-1], ks[::-1], strict=True):
        new = dh[:n] if g_out is None else dh[:n] + g_out[rows]
        if dp is not None:
            dp[rows] = new
            new = matmul_(new, w_hr)
        part = None if kept is None else kept[rows]
        direct, dk, d_m = kind.back(d[rows], gates[rows], part, h, k, new, None if dc is None else dc[:n])
        new = matmul_(d_m, w_hh)
        if direct is not None:
            new += direct
            dm[rows] = d_m
        dh, dc = _over(new, dh), None if dc is None else _over(dk, dc)
    return tuple([v for v in (d, dh, dc, dm, dp) if v is not None])


def _defined(
    x: Tensor, h: Tensor, c: Tensor | None, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None,
    w_hr: Tensor | None, *, cell: str, sizes: Sizes, reverse: bool,
) -> list[Tensor]:  # fmt: skip
    """What `unroll` gives, step by step in recorded operations."""
    made = []
    for rows, n in _steps(sizes, reverse):
        a, m = linear(x[rows], w_ih, b_ih), linear(h[:n], w_hh, b_hh)
        new, k, gates = CELLS[cell].step(a, m, h[:n], None if c is None else c[:n])
        new = new if w_hr is None else linear(new, w_hr)
        made.append((new, gates, k) if k is not None else (new,))
        h, c = cat([new, h[n:]]), None if c is None else cat([k, c[n:]])
    out, *kept = [cat(parts[::-1] if reverse else parts) for parts in zip(*made, strict=True)]
    return [out, h, *kept] if c is None else [out, h, *kept, c]


# --- derivatives ---


def _variables(inputs: Any) -> list[Any]:
    """The inputs as tensors that can be differentiated apart from one another."""
    return [x if x is None else again(x if isinstance(x, Tensor) else Tensor._of(x)) for x in inputs]


def _raw_gradients(g: Any, inputs: Any, y: Any, options: dict[str, Any]) -> dict[str, Callable[[], Array]]:
    """By the walk back; the large products with what the walk gives are left to the input that wants them."""
    x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr = inputs
    out, gates, kept = (y[0], y[0], None) if len(y) == 2 else (y[0], y[2], y[3])
    d, dh, *rest = unroll_back(gates, out, kept, g[0], g[1], g[4], h0, c0, w_hh, w_hr, **options)
    dc = None if c0 is None else rest.pop(0)
    dm = rest.pop(0) if CELLS[options["cell"]].apart else d
    xp = xp_of(d)
    of_b = cache(lambda: xp.add.reduce(d, 0))

    def of_w_hh() -> Array:
        sizes, n = options["sizes"], h0.shape[0]
        if sizes[-1] == n and not options["reverse"]:  # all sizes are: the rows of out, a step later
            return matmul_(dm[:n].T, h0) + matmul_(dm[n:].T, out[:-n])
        hs = _before(out, h0, _steps(sizes, options["reverse"]))
        return matmul_(dm.T, xp.concatenate(hs[::-1] if options["reverse"] else hs))

    def of_w_hr() -> Array:
        return matmul_(rest[0].T, _blocks(gates, 4)[3] * xp.tanh(kept))

    return {
        "x": lambda: matmul_(d, w_ih), "h0": lambda: dh, "c0": lambda: dc,
        "w_ih": lambda: matmul_(d.T, x), "w_hh": of_w_hh, "w_hr": of_w_hr,
        "b_ih": of_b, "b_hh": of_b if dm is d else lambda: xp.add.reduce(dm, 0),
    }  # fmt: skip


def _recorded_gradients(g: Any, inputs: Any, y: Any, options: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """By differentiating the definition: the walk back writes into memory, which cannot be recorded."""
    own = _variables(inputs)
    came = [(out, g[j]) for j, out in enumerate(_defined(*own, **options)) if g[j] is not None]
    outs, gs = zip(*came, strict=True)
    given = {name: x for name, x in zip(unroll.op.inputs, own, strict=True) if x is not None}
    found = grad(outs, [*given.values()], gs, create_graph=True, allow_unused=True)
    return {name: lambda d=d: d for name, d in zip(given, found, strict=True)}  # type: ignore[misc]


def _formula(name: str) -> Callable[..., Any]:
    """The gradient of one input; the walk back is made once for all of them."""

    def formula(
        g: Any, x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any, y: Any, cell: str,
        sizes: Sizes, reverse: bool,
    ) -> Any:  # fmt: skip
        if g[2] is not None or g[3] is not None:
            raise NotImplementedError("unroll: what is kept for the way back has no gradient of its own")
        if g.shared is None:
            made = _recorded_gradients if isinstance(x, Tensor) else _raw_gradients
            options = {"cell": cell, "sizes": sizes, "reverse": reverse}
            g.shared = made(g, (x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr), y, options)
        return g.shared[name]()

    return formula


unroll.vjp(**{name: _formula(name) for name in unroll.op.inputs})


@unroll.jvp
def _(primals: Any, tangents: Any, y: Any, **options: Any) -> Any:
    """By reverse mode twice: vjp(u) is linear in u, and the gradient of <vjp(u), t> by u is the tangent along t."""
    raw = not any(isinstance(x, Tensor) for x in primals)
    with enable_grad():
        own = _variables(primals)
        outs = _defined(*own, **options)
        us = [zeros_like(out).requires_grad_() for out in outs]
        moving = [k for k, t in enumerate(tangents) if t is not None]
        back = grad(outs, [own[k] for k in moving], us, create_graph=True, allow_unused=True)
        ts = [Tensor._of(tangents[k]) if raw else tangents[k] for k in moving]
        pairs = [(v, t) for v, t in zip(back, ts, strict=True) if v is not None]
        reached, moves = zip(*pairs, strict=True)
        found = grad(reached, us, moves, create_graph=not raw, materialize_grads=True)
    return tuple([v.array if raw else v for v in found])  # type: ignore[union-attr]


# --- layers ---


def _checked(cell: str, x: Tensor, states: list[Tensor], weights: list[Any]) -> None:
    """RuntimeError unless x (rows, I), the states (N, P), (N, H) and the weights fit; see the module's text."""
    for t in (*states, *weights):
        if t is not None and t.array.dtype != x.array.dtype:
            raise RuntimeError(
                f"mat1 and mat2 must have the same dtype, but got {x.dtype} and {t.dtype}: "
                f"{cell} needs input, states and weights of one dtype; convert with .to()"
            )
    blocks, (n, p) = CELLS[cell].gates, states[0].array.shape
    gates = weights[1].array.shape[0]
    size = gates // blocks
    wanted = [(gates, x.array.shape[-1]), (gates, p), (gates,), (gates,), (p, size), (n, p), (n, size)]
    pairs = zip([*weights, *states], wanted, strict=False)
    if gates % blocks or any(t is not None and t.array.shape != s for t, s in pairs):
        shapes = [[None if t is None else tuple(t.array.shape) for t in ts] for ts in (states, weights)]
        raise RuntimeError(
            f"{cell}: sizes don't fit: input {tuple(x.array.shape)}, states {shapes[0]}, weights {shapes[1]}; "
            f"expected, with G = {blocks} gates, weights (G hidden, input), (G hidden, hidden) and biases (G hidden,)"
        )


def _layers(
    cell: str, x: Tensor, sizes: Sizes, hx: Any, params: Any, has_biases: bool, num_layers: int, dropout_p: float,
    train: bool, bidirectional: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """x (rows, I) through all layers: the rows that come out, and the last states, each (layers * directions, N, .)."""
    if not sizes:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    states = list(hx) if cell == "lstm" else [hx]
    if cell == "lstm" and len(states) != 2:
        raise RuntimeError("lstm expects two hidden states")
    directions = 2 if bidirectional else 1
    runs = num_layers * directions
    projects = cell == "lstm" and states[0].array.shape[-1] != states[1].array.shape[-1]
    each = 2 + 2 * has_biases + projects
    if len(params) != each * runs or any(s.array.shape[:2] != (runs, sizes[0]) for s in states):
        raise RuntimeError(
            f"{cell}: {runs} layers and directions on a batch of {sizes[0]} need {each * runs} weights and states of "
            f"shape ({runs}, {sizes[0]}, hidden); got {len(params)} weights and {[tuple(s.shape) for s in states]}"
        )
    starts = list(zip(*map(unbind, states), strict=True))
    lasts: list[Any] = []
    for layer in range(num_layers):
        outs = []
        for k in range(layer * directions, (layer + 1) * directions):
            w = list(params[k * each : (k + 1) * each])
            weights = [*w[:2], *(w[2:4] if has_biases else (None, None)), w[-1] if projects else None]
            _checked(cell, x, list(starts[k]), weights)
            h0, c0 = (*starts[k], None)[:2]
            y = unroll(x, h0, c0, *weights, cell=cell, sizes=sizes, reverse=k % directions == 1)
            outs.append(y[0])
            lasts.append((y[1], *y[4:]))
        x = cat(outs, 1) if bidirectional else outs[0]
        if dropout_p and train and layer < num_layers - 1:
            x = dropout(x, dropout_p)
    # A copy, unless cat made one: the backward needs what it kept, and users may change what they got.
    return title(x if bidirectional else x.clone(), "CatBackward0"), *[stack(s) for s in zip(*lasts, strict=True)]


def over_batch(
    cell: str, input: Tensor, hx: Any, params: Any, has_biases: bool, num_layers: int, dropout: float, train: bool,
    bidirectional: bool, batch_first: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """input (T, N, I), or (N, T, I) if batch_first, -> out in the same order, and the last states."""
    if input.array.ndim != 3:
        raise RuntimeError(f"{cell}: input must have 3 dimensions, got {input.array.ndim}")
    x = input.transpose(0, 1) if batch_first else input
    steps, n, size = x.array.shape
    options = has_biases, num_layers, dropout, train, bidirectional
    out, *states = _layers(cell, x.reshape(steps * n, size), (n,) * steps, hx, params, *options)
    out = title(out.reshape(steps, n, out.array.shape[1]), _title(cell, out, bidirectional, hx))
    if not batch_first:
        return out, *states
    return title(out.transpose(0, 1), f"TransposeBackward{int(cell != 'lstm')}"), *states


def _title(cell: str, out: Tensor, bidirectional: bool, hx: Any) -> str:
    """PyTorch's name of what makes the output; one layer's kernel for an LSTM in float32 without projections."""
    if bidirectional:
        return "CatBackward0"
    whole = cell == "lstm" and out.array.dtype == "float32" and hx[0].array.shape[-1] == hx[1].array.shape[-1]
    return "MkldnnRnnLayerBackward0" if whole else "StackBackward0"


def over_packed(
    cell: str, data: Tensor, batch_sizes: Tensor, hx: Any, params: Any, has_biases: bool, num_layers: int,
    dropout: float, train: bool, bidirectional: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """data (sum of batch_sizes, I), batch_sizes (T,) as a PackedSequence has them -> its new data, the last states."""
    sizes = tuple(batch_sizes.tolist())
    if sum(sizes) != data.array.shape[0] or any(a < b for a, b in pairwise(sizes)):
        raise RuntimeError(f"{cell}: batch_sizes must not grow and add up to the rows of data, {data.array.shape[0]}")
    return _layers(cell, data, sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)


def _public(cell: str, states: str, text: str) -> Callable[..., tuple[Tensor, ...]]:
    def call(input: Tensor, *args: Any, **options: Any) -> tuple[Tensor, ...]:
        packed = "batch_sizes" in options or (isinstance(args[0], Tensor) and args[0].array.dtype.kind == "i")
        return (over_packed if packed else over_batch)(cell, input, *args, **options)

    call.__name__ = call.__qualname__ = cell
    call.__doc__ = f"""{text}

    {cell}(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
    {cell}(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)
    input (T, N, I), or (N, T, I) with batch_first; data (rows, I) of a PackedSequence. hx: {states}.
    params: for each layer and direction w_ih, w_hh and, if has_biases, b_ih, b_hh. Raises RuntimeError for sizes that
    don't fit. The modules RNN, GRU and LSTM hold the weights.
    """
    return call


ELMAN = "h = {}(x w_ih^T + b_ih + h w_hh^T + b_hh), step by step: (out, last h)."
rnn_tanh = _public("rnn_tanh", "h (layers * directions, N, H)", ELMAN.format("tanh"))
rnn_relu = _public("rnn_relu", "h (layers * directions, N, H)", ELMAN.format("relu"))
gru = _public("gru", "h (layers * directions, N, H)", "Gated recurrent units, step by step: (out, last h).")
lstm = _public(
    "lstm", "(h, c), (layers * directions, N, P) and (.., N, H); if P < H the params of each end with w_hr (P, H)",
    "Long short-term memory, step by step: (out, last h, last c).",
)  # fmt: skip


# --- cells: one step ---

CELL_TITLES = {
    "rnn_tanh": ("TanhBackward0",), "rnn_relu": ("ReluBackward0",), "gru": ("AddBackward0",),
    "lstm": ("MulBackward0", "AddBackward0"),
}  # fmt: skip


def _cell(cell: str, x: Tensor, states: list[Tensor], *weights: Any) -> list[Tensor]:
    (n, size), into, hidden = x.array.shape, weights[0].array.shape[1], weights[1].array.shape[1]
    if size != into:
        raise RuntimeError(f"input has inconsistent input_size: got {size} expected {into}")
    for k, h in enumerate(states):
        if h.array.shape[0] != n:
            raise RuntimeError(f"Input batch size {n} doesn't match hidden{k} batch size {h.array.shape[0]}")
        if h.array.shape[1] != hidden:
            raise RuntimeError(f"hidden{k} has inconsistent hidden_size: got {h.array.shape[1]}, expected {hidden}")
    _checked(cell, x, states, [*weights, None])
    h0, c0 = (*states, None)[:2]
    y = unroll(x, h0, c0, *weights, None, cell=cell, sizes=(n,), reverse=False)
    return [title(s.clone(), shown) for s, shown in zip((y[0], *y[4:]), CELL_TITLES[cell], strict=True)]  # copies


def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """tanh(x w_ih^T + b_ih + h w_hh^T + b_hh): (N, I), (N, H) -> (N, H)."""
    return _cell("rnn_tanh", input, [hx], w_ih, w_hh, b_ih, b_hh)[0]


def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """relu(x w_ih^T + b_ih + h w_hh^T + b_hh): (N, I), (N, H) -> (N, H)."""
    return _cell("rnn_relu", input, [hx], w_ih, w_hh, b_ih, b_hh)[0]


def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of a GRU: (N, I), (N, H) -> (N, H)."""
    return _cell("gru", input, [hx], w_ih, w_hh, b_ih, b_hh)[0]


def lstm_cell(
    input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """One step of an LSTM: (N, I), (h, c) each (N, H) -> (h, c)."""
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    h, c = _cell("lstm", input, list(hx), w_ih, w_hh, b_ih, b_hh)
    return title(h, "MulBackward0"), title(c, "AddBackward0")


autocast.attach(__name__)
