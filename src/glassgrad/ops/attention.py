"""Attention: each query takes the mean of the values, weighted by how well their keys match it.

`attention_weights` are those weights, `scaled_dot_product_attention` the means; with heads and projections around
them it is `multi_head_attention_forward`. Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..core.backend import Array, ndarray, xp_of
from ..core.batched import whole
from ..core.op import op
from ..core.tensor import Tensor
from ..core.titles import title
from . import autocast
from .arrange import cat, pad
from .choice import where
from .create import zeros
from .dropout import dropout
from .linalg import matmul_
from .neural import linear, softmax, softmax_, softmax_slope
from .reduce import mean
from .shape import unsqueeze


@op(outputs=2)
def attend(q: Array, k: Array, v: Array, *, scale: float, causal: bool) -> tuple[Array, Array]:
    """(p @ v, p) with p = softmax(q @ k^T * scale); position i sees keys 0..i if causal. The same dims in front."""
    xp = xp_of(q)
    scores = (q * scale) @ k.mT
    if causal:
        scores = xp.where(xp.tri(*scores.shape[-2:], dtype=bool), scores, xp.asarray(-math.inf, scores.dtype))
    p = softmax_(scores, dim=-1)
    if type(q) is not ndarray:
        return p @ v, p
    # As PyTorch's, the result's dims follow in memory as the query's.
    return xp.matmul(p, v, out=xp.empty_like(q, shape=(*q.shape[:-1], v.shape[-1]))), p


def _attend_slopes(g: Any, q: Any, k: Any, v: Any, p: Any, scale: float) -> dict[str, Any]:
    of_y, of_p = g[0], g[1]
    for_v = None
    if of_y is not None:
        for_v = matmul_(p.mT, of_y)
        through = matmul_(of_y, v.mT)
        of_p = through if of_p is None else of_p + through
    of_scores = softmax_slope(of_p, p, -1) * scale
    return {"q": matmul_(of_scores, k), "k": matmul_(of_scores.mT, q), "v": for_v}


def _attend_slope(name: str) -> Callable[..., Any]:
    """The gradient of one input; all three are made at once."""

    def formula(g: Any, q: Any, k: Any, v: Any, y: Any, scale: float) -> Any:
        if g.shared is None:
            g.shared = _attend_slopes(g, q, k, v, y[1], scale)
        return g.shared[name]

    return formula


attend.op.node_name = "ScaledDotProductFlashAttentionForCpuBackward0"  # as PyTorch prints it
attend.vjp(**{name: _attend_slope(name) for name in attend.op.inputs})


@attend.jvp
def _(primals: Any, tangents: Any, y: Any, *, scale: float, causal: bool) -> Any:
    (q, k, v), (dq, dk, dv), p = primals, tangents, y[1]
    parts = [matmul_(a, b.mT) for a, b in ((dq, k), (q, dk)) if a is not None and b is not None]
    dp = softmax_slope(sum(parts[1:], parts[0]), p, -1) * scale if parts else p * 0
    dy = matmul_(dp, v)
    return (dy if dv is None else dy + matmul_(p, dv)), dp


def attention_weights(
    query: Tensor, key: Tensor, attn_mask: Tensor | None = None, is_causal: bool = False, scale: float | None = None
) -> Tensor:
    """softmax(q @ k^T * scale + mask) over the keys: query (..., L, E), key (..., S, E) -> (..., L, S).

    attn_mask broadcasts to (..., L, S): bool, true where attention is allowed, or a number added to the scores.
    is_causal: position i sees keys 0..i. scale: 1 / sqrt(E) unless given. A row that may see nothing is zero.
    """
    if scale is None:
        scale = 1 / math.sqrt(query.array.shape[-1]) if query.array.shape[-1] else 1.0
    scores = (query * scale) @ key.mT  # (..., L, S)
    last = scores.array.ndim - 1
    if attn_mask is not None and attn_mask.array.dtype.kind != "b":
        scores = scores + attn_mask
    elif is_causal or attn_mask is not None:
        seen = xp_of(query.array).tri(*scores.array.shape[-2:], dtype=bool) if attn_mask is None else attn_mask.array
        scores = where(Tensor._of(~seen), -math.inf, scores)
    if attn_mask is not None:
        sees = ~(scores.array == -math.inf).all(-1, keepdims=True)
        if not whole(sees).all():  # NaN neither in the weights nor in their gradient
            some = Tensor._of(sees)
            return where(some, softmax_(where(some, scores, 0.0), dim=last), 0.0)
    return softmax_(scores, dim=last)


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(q @ k^T * scale + mask) @ v: query (..., L, E), key (..., S, E), value (..., S, V) -> (..., L, V).

    attn_mask broadcasts to (..., L, S): bool, true where attention is allowed, or a number added to the scores.
    is_causal: position i sees keys 0..i. scale: 1 / sqrt(E) unless given. A row that may see nothing gives zeros.
    dropout_p: each weight is dropped with this probability. The weights themselves: `ops.attention.attention_weights`.
    enable_gqa: key and value have fewer heads (dim -3), each serving a group of query's.
    Raises RuntimeError where shapes or dtypes don't fit. Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.
    """
    _check(query, key, value, attn_mask, is_causal)
    if enable_gqa:
        key, value = [_per_query_head(query, t) for t in (key, value)]
    if attn_mask is None and not dropout_p and _together(query, key, value):
        if scale is None:
            scale = 1 / math.sqrt(query.array.shape[-1])
        made = attend(query, key, value, scale=scale, causal=is_causal)[0]
        if (n := query.array.ndim) != 4:  # PyTorch takes products there
            title(made, "MmBackward0" if n == 2 else "UnsafeViewBackward0")
        return made
    weights = attention_weights(query, key, attn_mask, is_causal, scale)
    return (dropout(weights, dropout_p) if dropout_p else weights) @ value


def _together(query: Tensor, key: Tensor, value: Tensor) -> bool:
    """Whether `attend` takes them: of float32 or float64, with the same dims in front, and not empty."""
    shapes = [t.array.shape for t in (query, key, value)]
    return (
        query.array.dtype.char in "fd"
        and shapes[0][:-2] == shapes[1][:-2] == shapes[2][:-2]
        and all(t.array.size for t in (query, key, value))
    )


def _check(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, is_causal: bool) -> None:
    for t in (query, key, value):
        if t.array.ndim < 2:
            raise RuntimeError(
                f"scaled_dot_product_attention: query, key and value need at least 2 dimensions, got {t.array.ndim}"
            )
        if t.array.dtype != query.array.dtype:
            raise RuntimeError(
                "Expected query, key, and value to have the same dtype, but got query.dtype: "
                f"{query.dtype} key.dtype: {key.dtype} and value.dtype: {value.dtype} instead."
            )
    if query.array.shape[-1] != key.array.shape[-1] or key.array.shape[-2] != value.array.shape[-2]:
        raise RuntimeError(
            "scaled_dot_product_attention: expected query (..., L, E), key (..., S, E), value (..., S, V), got "
            f"{tuple(query.array.shape)}, {tuple(key.array.shape)}, {tuple(value.array.shape)}"
        )
    if attn_mask is None:
        return
    if is_causal:
        raise RuntimeError("scaled_dot_product_attention: attn_mask must be None when is_causal is True")
    if attn_mask.array.dtype.kind != "b" and attn_mask.array.dtype not in (query.array.dtype, "float32"):
        raise RuntimeError(
            "Expected attn_mask dtype to be bool or float or to match query dtype, "
            f"but got attn_mask.dtype: {attn_mask.dtype} and  query.dtype: {query.dtype} instead."
        )


def _per_query_head(query: Tensor, t: Tensor) -> Tensor:
    heads, own = query.array.shape[-3], t.array.shape[-3]
    if heads % own:
        raise RuntimeError(
            f"Number of heads in key and value must divide the number of heads in query: {own} and {heads}"
        )
    lead, tail = t.array.shape[:-2], t.array.shape[-2:]
    wide = t.unsqueeze(-3).expand(*lead, heads // own, *tail)
    return wide.reshape(*lead[:-1], heads, *tail)


# --- many heads ---


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attention of h heads side by side: (y, weights), y (L, N, E), weights (N, L, S) or None without need_weights.

    query (L, N, E), key and value (S, N, E), or all without N. E = embed_dim_to_check is cut in num_heads parts.
    in_proj_weight (3 E, E), in_proj_bias (3 E,): the projections of query, key and value, one under the other; with
    use_separate_proj_weight q_, k_ and v_proj_weight (E, their size). out_proj_weight (E, E), out_proj_bias (E,).
    bias_k, bias_v (E,): one more key and value; add_zero_attn: one more of zeros. static_k, static_v
    (N h, S, E / h): take the place of the projected ones.
    attn_mask (L, S) or (N h, L, S), key_padding_mask (N, S): bool, true where attention is not allowed, or numbers
    added to the scores. is_causal says that attn_mask is the causal one. Without average_attn_weights the weights
    are (N, h, L, S). Raises AssertionError or RuntimeError where shapes don't fit, as PyTorch does.
    """
    batched = _check_heads(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = [unsqueeze(t, dim=1) for t in (query, key, value)]
        key_padding_mask = None if key_padding_mask is None else unsqueeze(key_padding_mask, dim=0)
    (length, n, size), s = query.array.shape, key.array.shape[0]
    _check_sizes(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint: give the causal mask as attn_mask as well")
    hidden = added("key_padding_mask", key_padding_mask, query)
    by_hint = is_causal and hidden is None and not need_weights
    mask = None if by_hint else added("attn_mask", attn_mask, query)
    if mask is not None:
        wanted = (length, s) if mask.array.ndim == 2 else (n * num_heads, length, s)
        if mask.array.shape != wanted:
            raise RuntimeError(
                f"The shape of the {mask.array.ndim}D attn_mask is {mask.shape}, but should be {wanted}."
            )
        mask = mask.reshape(1, 1, length, s) if mask.array.ndim == 2 else mask.reshape(n, num_heads, length, s)

    separate = (q_proj_weight, k_proj_weight, v_proj_weight)
    q, k, v = _projected(query, key, value, separate if use_separate_proj_weight else in_proj_weight, in_proj_bias)
    if (bias_k is None) != (bias_v is None):
        raise AssertionError("bias_k and bias_v go together: one is set but the other is None")
    if bias_k is not None and bias_v is not None:
        if static_k is not None or static_v is not None:
            raise AssertionError("bias cannot be added to static key or value.")
        k, v = [cat([t, b.reshape(1, 1, size).expand(1, n, size)]) for t, b in ((k, bias_k), (v, bias_v))]

    def heads(t: Tensor) -> Tensor:
        """(L, N, E) -> (N, h, L, E / h)"""
        return t.reshape(t.array.shape[0], n, num_heads, size // num_heads).permute(1, 2, 0, 3)

    q, k, v = heads(q), _static("static_k", static_k, k, heads), _static("static_v", static_v, v, heads)
    if add_zero_attn:
        nothing = zeros(n, num_heads, 1, size // num_heads, dtype=k.dtype)
        k, v = cat([k, nothing], dim=2), cat([v, nothing], dim=2)
    if (more := k.array.shape[2] - s) > 0:  # the added keys are always seen
        mask, hidden = [None if m is None else pad(m, (0, more)) for m in (mask, hidden)]
    if hidden is not None:
        hidden = hidden.reshape(n, 1, 1, k.array.shape[2])
        mask = hidden if mask is None else mask + hidden
    p = dropout_p if training else 0.0
    if not need_weights:
        y, weights = scaled_dot_product_attention(q, k, v, mask, p, by_hint), None
    else:
        scores = (q * math.sqrt(1 / q.array.shape[-1])) @ k.mT
        weights = softmax(scores if mask is None else scores + mask, dim=-1)
        weights = dropout(weights, p) if p else weights
        y = weights @ v
    y = linear(y.permute(2, 0, 1, 3).reshape(length, n, size), out_proj_weight, out_proj_bias)
    if weights is not None and average_attn_weights:
        weights = mean(weights, dim=(1,))
    if batched:
        return y, weights
    return y.squeeze(1), None if weights is None else weights.squeeze(0)


def _check_heads(
    query: Tensor, key: Tensor, value: Tensor, hidden: Tensor | None, mask: Tensor | None, num_heads: int
) -> bool:
    """Whether there is a batch dim; AssertionError where the numbers of dims don't fit."""
    ndim = query.array.ndim
    if ndim not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {ndim}-D query tensor")
    kind = f"For {'batched (3-D)' if ndim == 3 else 'unbatched (2-D)'} `query`, expected"
    if key.array.ndim != ndim or value.array.ndim != ndim:
        raise AssertionError(
            f"{kind} `key` and `value` to be {ndim}-D but found {key.array.ndim}-D and {value.array.ndim}-D tensors"
        )
    if hidden is not None and hidden.array.ndim != ndim - 1:
        raise AssertionError(
            f"{kind} `key_padding_mask` to be `None` or {ndim - 1}-D but found {hidden.array.ndim}-D tensor instead"
        )
    if mask is not None:
        if mask.array.ndim not in (2, 3):
            raise AssertionError(
                f"{kind} `attn_mask` to be `None`, 2-D or 3-D but found {mask.array.ndim}-D tensor instead"
            )
        wanted = (num_heads, query.array.shape[0], key.array.shape[0])
        if ndim == 2 and mask.array.ndim == 3 and mask.array.shape != wanted:
            raise AssertionError(f"Expected `attn_mask` shape to be {wanted} but got {tuple(mask.array.shape)}")
    return ndim == 3


def _check_sizes(query: Tensor, key: Tensor, value: Tensor, wanted: int, num_heads: int, separate: bool) -> None:
    size, s, t = query.array.shape[-1], tuple(key.array.shape), tuple(value.array.shape)
    if size != wanted:
        raise AssertionError(f"was expecting embedding dimension of {wanted}, but got {size}")
    if size % num_heads:
        raise AssertionError(f"embed_dim {size} not divisible by num_heads {num_heads}")
    if separate and s[:2] != t[:2]:
        raise AssertionError(f"key's sequence and batch dims {s[:2]} do not match value's {t[:2]}")
    if not separate and s != t:
        raise AssertionError(f"key shape {s} does not match value shape {t}")


def added(name: str, mask: Tensor | None, like: Tensor) -> Tensor | None:
    """A mask as numbers added to the scores: -inf where a bool one is true."""
    if mask is None or mask.array.dtype.kind in "fV":
        return mask
    if mask.array.dtype.kind != "b":
        raise AssertionError(f"only bool and floating types of {name} are supported, got {mask.dtype}")
    xp, d = xp_of(mask.array), like.array.dtype
    return Tensor._of(xp.where(mask.array, xp.asarray(-math.inf, d), xp.zeros((), d)))


def _projected(
    query: Tensor, key: Tensor, value: Tensor, weight: Tensor | tuple[Tensor | None, ...] | None, bias: Tensor | None
) -> list[Tensor]:
    """query, key and value times their weights: three of them, or one above the other."""
    biases = (None, None, None) if bias is None else bias.chunk(3)
    if isinstance(weight, Tensor):
        if query is key and key is value:  # one product for the three
            return list(linear(query, weight, bias).chunk(3, -1))
        weight = weight.chunk(3)
    given = []
    for w, what in zip(weight or (None,) * 3, "qkv", strict=True):
        if w is None:
            raise AssertionError(
                f"the projection of {what} has no weight: give in_proj_weight, or q_, k_ and v_proj_weight with "
                "use_separate_proj_weight=True"
            )
        given.append(w)
    return [linear(t, w, b) for t, w, b in zip((query, key, value), given, biases, strict=True)]


def _static(name: str, static: Tensor | None, projected: Tensor, heads: Callable[[Tensor], Tensor]) -> Tensor:
    """The projected keys or values by head, unless given as (N h, S, E / h)."""
    usual = heads(projected)
    if static is None:
        return usual
    n, h, _, size = usual.array.shape
    if static.array.shape[0] != n * h or static.array.shape[2] != size:
        raise AssertionError(f"expecting {name} of ({n * h}, S, {size}), got {tuple(static.array.shape)}")
    return static.reshape(n, h, static.array.shape[1], size)


autocast.attach(__name__)
