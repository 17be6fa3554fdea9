"""Fixes that depend on the dtypes, names and gradients at hand; the rows are in kinds.py and gradients.py."""

from __future__ import annotations

import difflib
import inspect

from ..modes import is_grad_enabled
from ..tensor import Tensor
from . import absent
from .case import Case, fixes, numbers

CASTS = {"float32": "float", "float64": "double", "float16": "half", "bfloat16": "bfloat16", "int64": "long"}


def kind(x: Tensor) -> str:
    return str(x.dtype).rpartition(".")[2]


def cast(name: str, to: str) -> str:
    return f"{name}.{CASTS[to]}()"


@fixes("GG201")
def two_kinds(case: Case) -> str:
    a, x = case.tensors[0]
    s = kind(x)
    if case.layer is not None:
        t = kind(next(case.layer.parameters()))
        why = {"float64": ", as arrays of NumPy are", "uint8": ", as bytes of images are"}.get(s, "")
        return f"{cast(a, t)}, as the layer's weights are {t}; it is {s}{why}"
    b, y = case.tensors[1]
    t = kind(y)
    if not x.is_floating_point() or not y.is_floating_point():
        return cast(a, t) if y.is_floating_point() else cast(b, s)
    return f"{cast(a, t)}, or {cast(b, s)}: {a} is {s}, {b} {t}"


@fixes("GG202")
def no_integers(case: Case) -> str:
    floats = kind(case.given["input"])
    return f"{case.name('input')}.long(), which is {floats}; or look for the float in the data's pipeline"


@fixes("GG207")
def apart(case: Case) -> str:
    return f"{case.tensors[0][0]}.detach().numpy(), or compute under torch.no_grad()"


@fixes("GG208")
def one_of_many(case: Case) -> str:
    x, tensor = case.tensors[0]
    return f"{x} has {tensor.numel()}: {x}.tolist() for all of them, {x}.mean().item() for one number"


@fixes("GG210")
def ragged(case: Case) -> str:
    text = str(case.problem)
    if text.startswith("expected sequence"):
        n, d, m = map(int, case.said)
        return f"at dim {d} there are {n} and {m}: pad to {max(n, m)}, or keep a list of tensors"
    if text == "too many dimensions 'str'":
        return "it holds words: a number for each, as {word: i for i, word in enumerate(sorted(set(words)))} has"
    return "there is a None in it" if text == "Could not infer dtype of NoneType" else ""


@fixes("GG211")
def no_tensor(case: Case) -> str:
    what = case.said[-1]
    if what == "tuple" and case.layer is not None:
        return "it is a tuple: take a part of it, as y, state = lstm(x) and values, indices = x.max(1) do"
    if what == "NoneType":
        return "it is None: look for a function before it, or a forward, without its return"
    if what == "numpy.ndarray":
        return "torch.from_numpy(...).float()" if case.layer is not None else "torch.from_numpy(...)"
    return {"list": "torch.tensor(...) of the list", "str": "a number for each word or letter, in a tensor"}.get(
        what, ""
    )


@fixes("GG213")
def device(case: Case) -> str:
    if not str(case.problem).startswith("Expected one of"):
        return ""
    name, known = case.said[1], case.said[0].split(", ")
    plain = name.lower().rstrip("0123456789")
    index = name[len(plain) :]
    right = "cuda" if plain in ("gpu", "nvidia") else next(iter(difflib.get_close_matches(plain, known, 1)), "")
    return (
        f'did you mean \'{right}{":" * bool(index)}{index}\'? device = "cuda" if torch.cuda.is_available() else "cpu"'
    )


@fixes("GG215")
def classes(case: Case) -> str:
    labels = case.given["tensor"].array
    if str(case.problem).startswith("Class values must be smaller"):
        return f"the largest is {labels.max()}: num_classes={labels.max() + 1} at least, or -1 to count them"
    if str(case.problem).startswith("Class values must be non"):
        return f"the smallest is {labels.min()}: classes count from 0"
    return ""


# --- names ---


@fixes("GG216")
def misspelt(case: Case) -> str:
    if isinstance(case.problem, AttributeError):
        name, among = case.problem.name or "", dir(case.problem.obj)
        if any(lacks(case.problem.obj, name) for lacks in absent):
            return ""
        found = near(name, [each for each in among if not each.startswith("_")])
        return f"did you mean {found}?" if found else ""
    function, name = case.said
    takes = parameters(case, function.partition("(")[0])
    found = near(name, [*takes, *case.given])
    return f"did you mean {found}?" if found else f"it takes {', '.join(takes)}" if takes else ""


@fixes("GG902")
def refused(case: Case) -> str:
    text = str(case.problem)
    if "positional argument" not in text:
        return ""
    takes = parameters(case, text.partition("(")[0])
    return f"it takes {', '.join(takes)}" if takes else ""


def near(name: str, among: list[str]) -> str:
    """The name that this one is a misspelling of: case and plural aside, or by its letters."""
    same = [each for each in among if each.lower().rstrip("s") == name.lower().rstrip("s")]
    return next(iter(same or difflib.get_close_matches(name, among, 1, 0.75)), "")


def parameters(case: Case, function: str) -> list[str]:
    """The names of a function's arguments: the one that the expression calls, or the class whose __init__ it is."""
    made = case.given.get("self") if function.endswith("__init__") else None
    if function.endswith(".forward"):
        found = getattr(case.layer, "forward", None)
    else:
        found = type(made) if made is not None else case.called or getattr(Tensor, function, None)
    if found is None:
        return []
    known = inspect.signature(found).parameters.values()
    return [p.name for p in known if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name[0] != "_"]


# --- gradients ---


@fixes("GG302")
def unrecorded(case: Case) -> str:
    y = next((x for _, x in case.tensors), None)
    if y is not None and not y.is_floating_point():
        return f"it is {kind(y)}, and integers have no gradient: look for argmax, a comparison, long() or int()"
    if not is_grad_enabled():
        return "this line stands under no_grad(), or inference_mode(), which records nothing: outside of it"
    return ""


@fixes("GG301")
def many(case: Case) -> str:
    y, x = case.tensors[0] if case.tensors else ("", None)
    if x is None or x.numel() < 2 or "backward" not in dir(x):
        return ""
    return f"{y}.mean().backward() or {y}.sum().backward(): {y} is {tuple(x.shape)}"


@fixes("GG304")
def leaf(case: Case) -> str:
    w = case.tensors[0][0]
    return f"with torch.no_grad(): around the change of {w}, or a new tensor, as {w} = {w} + 1"


@fixes("GG308")
def gradient(case: Case) -> str:
    if len(case.said) != 4:
        return ""
    return f"a gradient of {numbers(case.said[3])}, as torch.ones_like(y), or a loss of one number"
