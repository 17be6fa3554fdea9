"""Fixes that depend on the shapes at hand; the rows are in shapes.py."""

from __future__ import annotations

import math
import re

from .case import Case, counted, divisors, fixes, numbers, times

Shape = tuple[int, ...]


def broadcast(s: Shape, t: Shape) -> Shape | None:
    """What two shapes are together, if they go together."""
    n = max(len(s), len(t))
    pairs = list(zip((1,) * (n - len(s)) + s, (1,) * (n - len(t)) + t, strict=True))
    return tuple(max(pair) for pair in pairs) if all(a == b or 1 in (a, b) for a, b in pairs) else None


def to_the_end(name: str, size: int, s: Shape) -> str:
    """What else may be meant where the size that is asked for stands at another dim."""
    return f"; or {name}.transpose({s.index(size)}, -1), if the {size} are the features" if size in s[:-1] else ""


@fixes("GG101")
def broadcasting(case: Case) -> str:
    m, n, d = map(int, case.said)
    found = [(name, tuple(x.shape)) for name, x in case.tensors]
    pairs = ((a, b) for i, a in enumerate(found) for b in found[i + 1 :])
    (a, s), (b, t) = next(pair for pair in pairs if broadcast(pair[0][1], pair[1][1]) is None)
    if "target" in case.given and len(s) != len(t):
        return f"outputs of the targets' shape: these are {s}, the targets {t}; for classes there is cross_entropy"
    for name, few, many in ((a, s, t), (b, t, s)):
        for k in range(len(few), -1, -1):
            longer = (*few[:k], 1, *few[k:])
            if len(few) < len(many) and broadcast(longer, many) == many:
                return f"{name}.unsqueeze({k}) makes it {longer}, which goes with {many}"
    if len(s) == 2 and s == t[::-1]:
        return f"{b}.T is {s}, as {a} is"
    return f"dim {d} has {m} in {a} and {n} in {b}: equal sizes go together, or 1 with any"


@fixes("GG102")
def product(case: Case) -> str:
    _, k, m, o = map(int, case.said)
    if case.kind == "nn.Linear":
        return features(case, case.shape(), m, o)
    (a, x), (b, y) = case.tensors[:2]
    s, t = tuple(x.shape), tuple(y.shape)
    if len(s) != 2 or len(t) != 2:
        return f"the last size of {a} is {k}, and {b} takes {m}"
    if t[1] == k:
        return f"did you mean {b}.T? {s} and {t[::-1]} go together"
    if s[0] == m:
        return f"did you mean {a}.T? {s[::-1]} and {t} go together"
    if t[1] == s[0]:
        return f"the other way round: {t} and {s} go together"
    return f"the last size of {a}, {k}, and the first of {b}, {m}, have to be the same"


def features(case: Case, s: Shape, wanted: int, out: int) -> str:
    """What a linear layer of so many features wants of an input of this shape."""
    if wanted == math.prod(s[1:]):
        return f"{case.of()}flatten(1), or nn.Flatten(), before it: {times(s[1:])} = {wanted}"
    if len(s) == 2 and s[0] * s[1] == wanted:
        return f"{times(s)} = {wanted}: one sample without its batch, which unsqueeze(0) on the network's input makes"
    n = math.prod(s[1:]) if len(s) == 4 else s[-1]
    first = f"{case.of()}flatten(1) before it, and " if len(s) == 4 else ""
    turned = to_the_end(case.name("input"), wanted, s) if len(s) == 3 else ""
    return f"{first}nn.Linear({n}, {out}) for the {n} features of the input, not nn.Linear({wanted}, {out}){turned}"


@fixes("GG103")
def with_a_vector(case: Case) -> str:
    if len(case.said) == 4:
        _, rows, k, n = map(int, case.said)
        turned = ": .T turns the matrix round" if rows == n else ""
        return f"the matrix has rows of {counted(k, 'number')}, the vector {n}{turned}"
    if len(case.said) == 3:
        return f"two vectors of one length: these have {case.said[0]} and {case.said[1]}"
    return ""


@fixes("GG104")
def batches(case: Case) -> str:
    if len(case.said) != 4:
        return ""
    n, k, other, m = map(int, case.said)
    (a, _), (b, y) = case.tensors[:2]
    if n != other:
        return f"one batch size for both: these have {n} and {other}"
    if y.shape[-1] == k:
        return f"did you mean {b}.mT? Its last two sizes are {k} and {m}, then"
    return f"the last size of {a}, {k}, and the middle one of {b}, {m}, have to be the same"


@fixes("GG105")
def channels(case: Case) -> str:
    weight, s, (wanted,), (got,) = map(numbers, case.said[1:])
    rank = len(weight) - 2
    kind = case.kind or f"conv{rank}d"
    transposed = str(case.problem).startswith("Given transposed")
    out = getattr(case.layer, "out_channels", weight[1] if transposed else weight[0])
    first = len(s) - rank - 1  # where the channels stand
    if not first and wanted == 1 and got > 4:  # no channels of one image
        return f"{case.of()}unsqueeze(1): a batch of {got} without a dim for the channel becomes {(got, 1, *s[1:])}"
    if s[-1] == wanted and (rank == 1 or s[-1] != s[-2]):  # 32 channels of 32 x 32 may be chance
        order = (*range(first), len(s) - 1, *range(first, len(s) - 1))
        return f"{case.of()}permute{order}: the channels come before the pixels, {tuple(s[i] for i in order)}"
    if first and (wanted, got) == (1, 3):
        return f"{kind}(3, {out}, ...) for images of 3 colours, or mean(1, keepdim=True) to make them grey"
    if first and (wanted, got) == (3, 1):
        return f"{kind}(1, {out}, ...) for images of 1 channel, or expand(-1, 3{', -1' * rank}) to repeat it"
    if not first and got > 4:
        return f"{len(s)} dims are one sample, here of {got} channels; a batch is (N, {wanted}{', ...' * (rank > 0)})"
    return f"{kind}({got}, {out}, ...) for the {got} channels of the input"


@fixes("GG106")
def image(case: Case) -> str:
    s = case.shape()
    rank = min(numbers(" ".join(re.findall(r"(\d)D", str(case.problem))))) - 1
    c = getattr(case.layer, "in_channels", 1)
    side = math.isqrt(s[-1] // c)
    if rank == 2 and len(s) == 2 and side > 1 and side * side * c == s[1] and s[0] != s[1]:
        return f"{case.of()}view(-1, {c}, {side}, {side}) makes images of the rows of {s[1]}"
    if len(s) == rank and c == 1:
        return f"{case.of()}unsqueeze(0) for the channel makes one {'image' if rank > 1 else 'sample'} of it, {(1, *s)}"
    for k in [k for k in range(len(s)) if s[k] == 1 and len(s) == rank + 3]:
        left = (*s[:k], *s[k + 1 :])
        if left[1] == c:
            return f"{case.of()}squeeze({k}) makes it {left}"
    if len(s) == rank + 3 and s[2] == c:
        return f"{case.of()}flatten(0, 1) makes one batch of it, {(s[0] * s[1], *s[2:])}"
    return ""


@fixes("GG107")
def window(case: Case) -> str:
    sizes, kernel = map(numbers, case.said)
    if "Kernel size" not in str(case.problem):
        return ""
    most = min(sizes)
    more = max(math.ceil((k - n) / 2) for n, k in zip(sizes, kernel, strict=True))
    return f"a kernel of at most {most}, padding of {more} more, one pooling less, or larger images"


@fixes("GG108")
def viewed(case: Case) -> str:
    if not str(case.problem).startswith("shape '"):
        return ""
    shape, (size,) = map(numbers, case.said)
    x, tensor = case.tensors[0]
    s = tuple(tensor.shape)
    asked = math.prod(n for n in shape if n >= 0)
    rest = math.prod(shape[1:])
    if -1 not in shape and rest and s and size == s[0] * rest:
        return f"the batch has {s[0]} rows, not {shape[0]}: view{(-1, *shape[1:])} takes any number"
    wrong = (
        f"{size} is no multiple of {asked}" if -1 in shape else f"{times(shape)} = {asked}, and {x} has {size} elements"
    )
    if len(shape) == 2 and len(s) > 1 and s[0]:
        return f"{wrong}: flatten(1) makes it {(s[0], size // s[0])}"
    return wrong


@fixes("GG109")
def out_of_order(case: Case) -> str:
    shape = ", ".join(map(str, case.given["shape"]))
    return f"{case.tensors[0][0]}.reshape({shape}), which copies where it must"


@fixes("GG110")
def joined(case: Case) -> str:
    text = str(case.problem)
    if text.startswith("stack expects each"):
        return stacked(case, numbers(case.said[0]), numbers(case.said[2]))
    shapes = [tuple(x.shape) for x in case.given["tensors"]]
    if text.startswith("Sizes of"):
        others = [d for d in range(len(shapes[0])) if len({(*s[:d], *s[d + 1 :]) for s in shapes}) == 1]
        return f"dim={others[0]} joins them: their other sizes are equal" if others else ""
    if text.startswith("Tensors must"):
        many, few = sorted(shapes, key=len)[-1], sorted(shapes, key=len)[0]
        d = case.given["dim"]
        longer = (*few[:d], 1, *few[d:])
        fits = [*longer[:d], *longer[d + 1 :]] == [*many[:d], *many[d + 1 :]]
        return f"unsqueeze({d}) makes {longer} of {few}" if fits else ""
    return ""


def stacked(case: Case, s: Shape, t: Shape) -> str:
    if "batch" not in case.given and "samples" not in case.given:
        return "pad them to one shape, as nn.utils.rnn.pad_sequence does; torch.cat joins without a new dim"
    if len(s) == len(t) == 3:
        return f"images of {s} and {t}: make them one size in the data set, as transforms.Resize((h, w)) does"
    return f"samples of {s} and {t}: a collate_fn that pads, as nn.utils.rnn.pad_sequence does, or batch_size=1"


@fixes("GG111")
def dim(case: Case) -> str:
    last = int(case.said[1])
    return (
        f"dims go from 0 to {last}, and -1 is the last"
        if last
        else "dim=0 is the only one; unsqueeze(0) puts one before"
    )


@fixes("GG112")
def element(case: Case) -> str:
    if not str(case.problem).startswith("index "):
        return ""
    d, n = map(int, case.said[1:])
    return f"dim {d} has {n}: indices go from 0 to {n - 1}, and -1 is the last" if n else f"dim {d} is empty"


@fixes("GG113")
def indices(case: Case) -> str:
    if not case.said:
        return ""
    x, tensor = case.tensors[0]
    return f"{x} is {tuple(tensor.shape)}: at most {counted(int(case.said[0]), 'index').replace('indexs', 'indices')}"


@fixes("GG114")
def table(case: Case) -> str:
    indices, rows = case.given["input"].array, case.shape("weight")
    (n, width), low, high = rows, int(indices.min()), int(indices.max())
    start = f"indices go from 0 to {n - 1}, and these from {low} to {high}: "
    if low < 0:
        return f"{start}another number for padding, or for what is unknown"
    if low > 0 and high == n:
        return f"{start}{case.name('input')} - 1, or nn.Embedding({high + 1}, {width})"
    return f"{start}nn.Embedding({high + 1}, {width}), or a token that is in the vocabulary"


@fixes("GG115")
def mask(case: Case) -> str:
    m, at, s, _ = map(numbers, case.said)
    return f"a mask of {s[: at[0] + len(m)]}, or of {s}: this one is {m}"


@fixes("GG116")
def written(case: Case) -> str:
    text = str(case.problem)
    if text.startswith("The expanded"):
        n, m, d, target, s = map(numbers, case.said)
        return f"{s} goes to {target} only where its size is 1, or the same: dim {d[0]} has {m[0]}, not {n[0]}"
    if text.startswith("output with"):
        s, t = map(numbers, case.said)
        return f"the result is {t}, and what is written to stays {s}: a new tensor, x = x + y, can have another shape"
    if text.startswith("shape mismatch"):
        s, t = map(numbers, case.said)
        return f"a value of {t}, or with 1 where it differs: this one is {s}"
    return ""


@fixes("GG117")
def named_dims(case: Case) -> str:
    if len(case.said) != 2:
        return ""
    n = int(case.said[0])
    return f"name all {n} dims, as permute{(*range(1, n), 0)}; transpose(0, {n - 1}) swaps two"


@fixes("GG118")
def normalised(case: Case) -> str:
    text, s = str(case.problem), case.shape()
    if text.startswith(("running", "weight should")) and case.kind:
        return f"{case.kind}({case.said[0]}) for the {case.said[0]} channels of the input, which is {s}"
    if text.startswith("Given normalized_shape"):
        wanted, s = numbers(case.said[0]), numbers(case.said[2])
        turned = to_the_end(case.name("input"), wanted[0], s) if len(wanted) == 1 else ""
        end = s[-len(wanted) :] if len(s) > len(wanted) else s[1:]
        return f"nn.LayerNorm({end[0] if len(end) == 1 else end}), as the input is {s}{turned}"
    if text.startswith("num_channels"):
        return f"num_groups of {divisors(int(case.said[0]))}, which divide num_channels, {case.said[0]}"
    return ""


@fixes("GG119")
def norm_of_dims(case: Case) -> str:
    s, kind = case.shape(), case.kind
    if not re.fullmatch(r"nn\.\w+Norm\dd", kind):
        return ""
    n = case.layer.num_features
    if len(s) == numbers(str(case.problem))[0] - 1 and len(s) != 2 and s[0] == n:
        return f"{case.of()}unsqueeze(0) makes a batch of one of it, {(1, *s)}"
    right = {2: "1d", 3: "1d", 4: "2d", 5: "3d"}.get(len(s))
    return f"{kind[:-2]}{right}({n}) is for {len(s)} dims, as {s} has" if right else ""


@fixes("GG121")
def sequence(case: Case) -> str:
    text, s, layer = str(case.problem), case.shape(), case.layer
    if text.startswith(("input.size(-1)", "input has inconsistent")):
        got, wanted = sorted(map(int, case.said), key=lambda n: n != s[-1])
        turned = to_the_end(case.name("input"), wanted, s)
        return f"{case.kind}({got}, {layer.hidden_size}) for the {got} features of the input, not {wanted}{turned}"
    if "Expected input to be" in text:
        shorter = [k for k in range(len(s)) if s[k] == 1]
        if len(s) == 4 and shorter:
            k = shorter[0]
            return f"{case.of()}squeeze({k}) makes it {(*s[:k], *s[k + 1 :])}"
        if len(s) == 1:
            at = 0 if s[0] == layer.input_size else 1
            return f"{case.of()}unsqueeze({at}) makes it {(1, *s) if not at else (*s, 1)}: one step after the other"
    if text.startswith("Expected hidden"):
        wanted_shape, have = map(numbers, case.said[1:])
        other = 0 if not layer.batch_first else 1
        if len(s) == 3 and have[1:2] == s[other : other + 1]:
            return f"batch_first={not layer.batch_first} if the {have[1]} are the batch; else a state of {wanted_shape}"
        return f"a state of {wanted_shape}: (layers * directions, batch, hidden_size)"
    return ""


@fixes("GG122")
def heads(case: Case) -> str:
    if not case.said:
        return f"num_heads of {divisors(case.given['embed_dim'])}, which divide embed_dim, {case.given['embed_dim']}"
    return f"nn.MultiheadAttention({case.said[1]}, {case.layer.num_heads}) for the {case.said[1]} features of the input"


@fixes("GG123")
def parts(case: Case) -> str:
    if len(case.said) != 3:
        return ""
    n, _, sizes = int(case.said[0]), case.said[1], list(numbers(case.said[2]))
    rest = n - sum(sizes[:-1])
    return f"they sum to {sum(sizes)}, and the dim has {n}" + (f": {[*sizes[:-1], rest]}" if rest > 0 else "")


@fixes("GG129")
def repeated(case: Case) -> str:
    if not str(case.problem).startswith("Number of"):
        return ""
    n = case.tensors[0][1].dim()
    return f"a number for each of the {n} dims, as repeat{(*(1,) * (n - 1), 2)}"
