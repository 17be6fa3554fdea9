"""Fixes that depend on the model, the targets and the data at hand; the rows are in training.py."""

from __future__ import annotations

import re
from collections.abc import Mapping
from inspect import isgenerator

from .case import Case, divisors, fixes, numbers
from .fix_kinds import cast, kind, near
from .fix_shapes import broadcast


@fixes("GG401")
def weights(case: Case) -> str:
    text = str(case.problem)
    sizes = re.search(
        r"size mismatch for (\S+): .* shape (\S+\(\[[\d, ]*\]\)) from .* current model is (\S+\(\[[\d, ]*\]\))", text
    )
    if sizes:
        name, there, here = sizes[1], numbers(sizes[2]), numbers(sizes[3])
        return f"build the model with {name} of {there}, as it was saved; here it is {here}"
    missing, more = (
        set(re.findall(r'"([^"]*)"', line[0]))
        if (line := re.findall(rf"{what} key\(s\) in state_dict: (.*)", text))
        else set()
        for what in ("Missing", "Unexpected")
    )
    for name, inner in dict(case.given.get("state_dict", {})).items():
        if isinstance(inner, Mapping) and missing <= inner.keys():
            return f"the weights are one level down: load_state_dict(checkpoint[{name!r}])"
    prefix = next(iter(sorted(more)), "").partition(".")[0] + "."
    if missing and {prefix + name for name in missing} <= more:
        return f"the names begin with {prefix!r}: {{k.removeprefix({prefix!r}): w for k, w in state.items()}}"
    prefix = next(iter(sorted(missing)), "").partition(".")[0] + "."
    if more and {prefix + name for name in more} <= missing:
        return f"the model's names begin with {prefix!r}: model.{prefix}load_state_dict(...)"
    return ""


@fixes("GG404")
def parameter(case: Case) -> str:
    if "parameter '" not in str(case.problem) or len(case.said) != 2:
        return ""
    there = case.given["self"]._parameters.get(case.said[1])
    w = next((name for name, x in case.named.items() if x is there), case.said[1])
    return f"{w} = nn.Parameter(...), or with torch.no_grad(): {w}.copy_(...)"


@fixes("GG405")
def forward(case: Case) -> str:
    kind = type(case.layer)
    found = near("forward", [name for name in vars(kind) if name != "forward"])
    return f"{kind.__name__} has {found}(): call it forward" if found else ""


@fixes("GG407")
def layers(case: Case) -> str:
    n = len(case.given["self"])
    return (
        f"there are {n}: from 0 to {n - 1}, and -1 is the last"
        if n > 1
        else f"there {'is one: 0' if n else 'are none'}"
    )


@fixes("GG408")
def groups(case: Case) -> str:
    name = str(case.problem).partition(" ")[0]
    n = case.given[name]
    return f"groups of {divisors(n)}, which divide {name}, {n}"


@fixes("GG501")
def rows(case: Case) -> str:
    x, y = case.name("input"), case.name("target")
    s, t = case.shape("input"), case.shape("target")
    if len(s) == 3 and t == s[:2]:
        return f"the classes come second: {x}.transpose(1, 2) makes it {(s[0], s[2], s[1])}"
    if len(s) == 2 and len(t) == 2 and t[0] * t[1] == s[0]:
        return f"{y}.flatten() makes {(s[0],)} of {t}"
    if len(s) == 2 and len(t) == 1 and max(s[0], t[0]) % min(s[0], t[0]) == 0:
        return f"{s[0]} rows of scores for {t[0]} targets: look for a view or flatten that changes the batch's size"
    return f"the scores are {s}, so that the targets are {(*s[:1], *s[2:])}, not {t}"


@fixes("GG502")
def out_of_range(case: Case) -> str:
    classes = case.shape("input")[min(1, len(case.shape("input")) - 1)]
    targets = case.given["target"].array
    low, high = int(targets.min()), int(targets.max())
    y = case.name("target")
    if classes == 1:
        return "one score for a row is for binary_cross_entropy_with_logits; here, an output for each class"
    start = f"{classes} scores are classes 0 to {classes - 1}, and the targets go from {low} to {high}: "
    if low == 1 and high == classes:
        return f"{start}{y} - 1, or {high + 1} outputs"
    if low < 0:
        return f"{start}ignore_index={low} leaves those out"
    return f"{start}{high + 1} outputs, or other labels"


@fixes("GG503")
def kinds_of_targets(case: Case) -> str:
    y, s, t = case.name("target"), case.shape("input"), case.shape("target")
    if s == t and len(s) > 1 and not case.given["target"].is_floating_point():
        return f"{y}.argmax(1) for the classes of one-hot rows, or {y}.float() for probabilities"
    if t == (s[0], 1):
        return f"{y}.squeeze(1) makes {(s[0],)} of {t}"
    if t == (*s[:1], *s[2:]):
        return f"{y}.long(): classes are int64, and these are {kind(case.given['target'])}"
    return ""


@fixes("GG504")
def same_shape(case: Case) -> str:
    x, y = case.name("input"), case.name("target")
    s, t = case.shape("input"), case.shape("target")
    for name, more, few in ((x, s, t), (y, t, s)):
        for k in range(len(more)):
            if more[k] == 1 and (*more[:k], *more[k + 1 :]) == few:
                return f"{name}.squeeze({k}) makes it {few}"
    if len(s) == 2 and t == s[:1]:
        return f"one output, and squeeze(1), for the {t} targets; {s[1]} scores for a row are for cross_entropy"
    return f"{x} is {s}, {y} {t}" + ("" if broadcast(s, t) else ": the network's outputs are as many as the targets")


@fixes("GG505")
def chances(case: Case) -> str:
    which = case.said[0]
    given, other = (case.given[name].array for name in (which, {"input": "target", "target": "input"}[which]))
    if (given != given).any():
        return "some of them are NaN: look for the step that made them, as explain() does"
    low, high = given.min(), given.max()
    if which == "input":
        mend = "binary_cross_entropy_with_logits takes scores as they are"
    elif ((other == 0) | (other == 1)).all():
        mend = "the prediction comes first, then the target"
    else:
        mend = "(y + 1) / 2 for targets of -1 and 1; for classes cross_entropy"
    return f"they go from {low:.4g} to {high:.4g}: {mend}"


@fixes("GG506")
def class_weights(case: Case) -> str:
    classes, shape = int(case.said[-2]), numbers(case.said[-1])
    return f"{classes} weights, one for each class: these are {shape}"


@fixes("GG507")
def of_one_kind(case: Case) -> str:
    y = case.name("target")
    return f"{cast(y, kind(case.given['input']))}: {y} is {kind(case.given['target'])}"


@fixes("GG601")
def no_parameters(case: Case) -> str:
    models = {name: x for name, x in case.named.items() if hasattr(x, "named_modules")}
    for module in [module for model in models.values() for module in model.modules()]:
        for name, held in vars(module).items():
            if isinstance(held, list | tuple) and any(hasattr(each, "named_modules") for each in held):
                return f"self.{name} = nn.ModuleList({name}): a plain list hides its layers"
    for name, model in models.items():
        if next(model.parameters(), None) is None:
            return f"{name} has no parameters: layers are attributes of it, or in nn.ModuleList"
    if isgenerator(case.given["params"]) and not models:
        return "a generator is used up by its first use: model.parameters() anew, or a list of it"
    return ""


@fixes("GG602")
def settings(case: Case) -> str:
    name, value = (*case.said, "", "")[:2]
    if name == "learning rate" and value.startswith("-"):
        return f"lr={value[1:]}: steps go downhill by themselves; maximize=True goes uphill"
    if name.startswith("beta"):
        return f"0 <= beta < 1, as betas=(0.9, 0.999): this is {value}"
    return ""


@fixes("GG703")
def samples(case: Case) -> str:
    if "NoneType" in case.said[0]:
        return "the data set gives None: look for a __getitem__ without its return"
    return "transform=transforms.ToTensor() in the data set makes tensors of pictures" if "PIL." in case.said[0] else ""
