"""The codes of explain(): why a gradient is what it is, in one sentence, and the likeliest fix. docs/explain.md shows
this table. `lint` names the code under which the lint finds the same fault.
"""

from __future__ import annotations

from typing import NamedTuple

from ..linting.rules import RULES, plain


class Cause(NamedTuple):
    name: str
    says: str  # with {fields} that the diagnosis fills in
    fix: str
    lint: str = ""


LEARN_MORE = "explain(p, lambda: the loss of one step) watches a step and knows"

CAUSES = {
    "GE100": Cause("healthy", "the gradient is there and is of a sound size", "nothing to do"),
    # there is no gradient
    "GE101": Cause(
        "never used",
        "{name} is in no operation that {loss} is made of",
        "use it in forward(), or leave it out of the model",
    ),
    "GE102": Cause(
        "its result is never used",
        "{name} is used here, and {loss} is not made of what comes out of it",
        "use the result in what the loss is made of",
    ),
    "GE103": Cause(
        "no backward() yet",
        "{loss} depends on {name}, and its backward() has not been called",
        "call {loss}.backward() first",
    ),
    "GE104": Cause(
        "cut off the graph",
        "{what} takes the numbers and leaves the graph behind: nothing flows back from here to {name}",
        "go on with the tensor itself; detach(), .data, item(), numpy() and tensor() are for numbers to look at",
        "GL208",
    ),
    "GE105": Cause(
        "made without recording",
        "{op} ran under no_grad() or inference_mode(): nothing flows back from here to {name}",
        "keep no_grad() to the evaluation",
        "GL209",
    ),
    "GE106": Cause(
        "frozen",
        "{name} was told here to want no gradient",
        "{name}.requires_grad_(True), before the loss is computed",
    ),
    "GE107": Cause(
        "never asked for",
        "{name} has requires_grad=False, as every tensor that was not told otherwise or was computed without recording",
        "make it with requires_grad=True, or as an nn.Parameter",
    ),
    "GE108": Cause(
        "not a real number",
        "{name} holds {dtype}: only floating point numbers have a gradient",
        "{name}.float(), then requires_grad_()",
    ),
    "GE109": Cause(
        "not a leaf",
        "{name} is a result, of {op}: gradients pass it, and are kept for leaves alone",
        "{name}.retain_grad() before backward(), or ask for the gradient of what it is made of",
    ),
    "GE110": Cause(
        "a copy of a leaf",
        "{name} is not the tensor that asked for a gradient but what {op} made of it",
        "first {op}, then requires_grad_(): x = torch.randn(3).double().requires_grad_()",
    ),
    "GE111": Cause(
        "the graph was freed",
        "{loss} goes through a graph that an earlier backward() has freed here: its own backward() raises",
        "compute the shared part anew for each backward(), or cut it off: h = h.detach(); else the first one with "
        "retain_graph=True",
    ),
    "GE112": Cause(
        "forgotten again",
        "backward() has given {name} a gradient, and it was set to {value} here",
        "read it between backward() and zero_grad()",
        "GL102",
    ),
    "GE113": Cause(
        "no derivative",
        "{op} gives whole numbers, steps or a choice: it has no slope, and nothing flows back from here to {name}",
        "use something smooth while training: softmax for argmax, sigmoid for a comparison, the value itself for "
        "round()",
    ),
    "GE114": Cause(
        "another tensor is in use",
        "{loss} is made of {other}, not of {name}: {name} was replaced or copied",
        "take the parameters from the model as it is now; change their values in place, under no_grad()",
        "GL107",
    ),
    "GE115": Cause(
        "given back, not kept",
        "autograd.grad() returns the gradients here, and fills no .grad",
        "take what it returns, or call backward()",
    ),
    "GE116": Cause(
        "the loss has no graph",
        "{loss} knows nothing of where it came from, so that nothing flows back to {name}",
        "look for detach(), .data, item(), numpy(), tensor() and no_grad() on its way",
        "GL208",
    ),
    "GE117": Cause(
        "left out",
        "this backward() was told to fill other gradients: inputs=",
        "name {name} among the inputs, or leave inputs= out",
    ),
    "GE118": Cause(
        "changed in place",
        "what backward() needs was changed here after it was computed: backward() raises",
        "an operation that makes a new tensor: y = y + 1 rather than y += 1; or clone() first",
    ),
    "GE119": Cause(
        "no numbers yet",
        "{name} gets its shape and its numbers from the first call of its module",
        "call the module once before the optimizer is made",
    ),
    "GE120": Cause(
        "updated on the graph",
        "{name} is what an update has made of a leaf: another tensor, to which no gradient comes",
        "change the leaf itself, in place: with torch.no_grad(): p -= lr * p.grad; or use an optimizer",
        "GL113",
    ),
    "GE121": Cause(
        "None by its own backward",
        "{op}.backward() gives None for what {name} comes in by",
        "return a gradient for each argument of forward() that wants one, in their order",
    ),
    "GE122": Cause(
        "drawn at random",
        "numbers are drawn here: they depend on {name}, and have no derivative",
        "rsample(), or mean + deviation * torch.randn_like(mean); of choices their log_prob() in the loss",
    ),
    # the gradient is zero
    "GE201": Cause(
        "dead ReLU", "{what} gives 0 for all that matters, where its slope is 0", RULES["GL306"].fix, "GL306"
    ),
    "GE202": Cause("saturated", "{op} is at its ends, where its slope is (nearly) 0", RULES["GL307"].fix, "GL307"),
    "GE203": Cause(
        "clamped",
        "{op} holds all that matters at its bounds, where its slope is 0",
        "wider bounds, or a smooth function",
    ),
    "GE204": Cause(
        "multiplied by zero",
        "{what} here is 0, and the gradient of {name} is multiplied by it",
        "look where these zeros come from",
    ),
    "GE205": Cause(
        "masked", "{op} leaves out all that is made of {name}", "look at the mask: is it the wrong way round?"
    ),
    "GE206": Cause(
        "a step function",
        "{op} is constant between its steps: its slope is 0 everywhere",
        "use something smooth while training, or let the gradient pass: y = x + (x.round() - x).detach()",
    ),
    "GE207": Cause(
        "paths cancel",
        "what flows to {name} along its {count} paths adds up to 0",
        "look whether a difference of equal things is meant",
    ),
    "GE208": Cause("not selected", "{op} selects other entries than these", "nothing, if another batch selects them"),
    "GE209": Cause(
        "never the largest",
        "{op} picks other entries: only those that it picks get a gradient",
        "a mean, or logsumexp, lets all of them learn",
    ),
    "GE210": Cause(
        "dropout of everything",
        "dropout with p=1 makes zeros of everything: p is the share that is dropped",
        RULES["GL303"].fix,
        "GL303",
    ),
    "GE211": Cause(
        "constant loss", "{op} gives {what} whatever comes in", "use its result otherwise, or another loss", "GL206"
    ),
    "GE213": Cause(
        "flat there",
        "the slope of {op} is 0 at this point: {what}",
        "nothing, if the loss is at its minimum; else start elsewhere",
    ),
    "GE214": Cause("a hook", "a hook has turned the gradient into 0 here", "look at what the hook returns"),
    "GE215": Cause(
        "normalised away",
        "{name} shifts what {op} behind it shifts back: it has no influence",
        "nothing is wrong; bias=False saves it",
    ),
    "GE216": Cause(
        "nothing but padding",
        "{op} is given its padding_idx alone: that row gives zeros, and gets no gradient",
        "look at what makes the indices: tokens that the vocabulary has not, or the padding itself",
    ),
    "GE217": Cause(
        "in balance",
        "what comes of the rows of {op} adds up to 0: nothing moves {name} either way",
        "nothing, if the loss is at its minimum; else start elsewhere",
    ),
    # the gradient is no number
    "GE301": Cause(
        "logarithm of 0",
        "{op} of a number that is not above 0",
        "keep it away from 0: clamp(min=1e-12), log1p; or use a loss that takes logits",
        "GL211",
    ),
    "GE302": Cause("division by 0", "{op} divides by 0", "add a small number to what is divided by", "GL211"),
    "GE303": Cause(
        "slope of a root at 0", "the slope of {op} at 0 is infinite", "add a small number under the root", "GL211"
    ),
    "GE304": Cause(
        "overflow",
        "{op} is larger than {dtype} can be",
        "work with logarithms: logsumexp, log_softmax; smaller numbers or rates",
        "GL211",
    ),
    "GE305": Cause(
        "infinity against infinity",
        "{op} of infinities is not a number",
        "keep infinities out of sums and products; a mask leaves something in each row",
        "GL211",
    ),
    "GE306": Cause(
        "no numbers in the data",
        "{what} holds NaN or infinity from the start",
        "clean the data: torch.nan_to_num, or drop these rows",
    ),
    "GE307": Cause(
        "the branch not taken",
        "{op} is not finite where where() takes the other branch: 0 times infinity flows back",
        "make the argument safe first: where(x > 0, x, 1).log()",
        "GL211",
    ),
    "GE308": Cause("not a number", "{op} makes what is no number out of numbers", "look at its operands", "GL211"),
    "GE309": Cause(
        "mean of nothing",
        "{op} takes the mean of no numbers: 0 / 0",
        "skip such a batch, or divide a sum by max(count, 1)",
        "GL211",
    ),
    "GE310": Cause(
        "no numbers any more",
        "{what} holds NaN or infinity, and was changed last at this line",
        "look at the change before: glassgrad run --explain finds the first pass whose gradients are no numbers",
        "GL211",
    ),
    "GE311": Cause(
        "outside its domain",
        "{op} is given what lies at an end of its domain, where its slope is infinite, or beyond it",
        "keep it inside: clamp(-1 + 1e-6, 1 - 1e-6) for acos, clamp(min=1e-12) for a root or a power",
        "GL211",
    ),
    # the gradient is of another size than it should be
    "GE401": Cause(
        "vanishing",
        "the gradient shrinks on its way to {name}, most at this line",
        "residual connections, normalisation, ReLU for sigmoid, larger weights at the start; an LSTM for long "
        "sequences",
    ),
    "GE402": Cause(
        "exploding",
        "the gradient grows on its way to {name}, most at this line",
        "smaller weights at the start, normalisation, clip_grad_norm_; a mean for a sum",
    ),
    "GE403": Cause(
        "diverged",
        "the loss grew from {first} to {last} in {count} steps before it was no number any more",
        RULES["GL112"].fix,
        "GL112",
    ),
}


HARMLESS = ("GE100", "GE106", "GE215", "GE217")  # of a whole model nobody need hear of these
# nor of these where there was a gradient before: another batch has other rows, and a loss comes to its minimum
PASSING = ("GE207", "GE208", "GE209", "GE213", "GE401")
SURE = ("GE111", "GE118")  # one look is enough: backward() raises
NUMBERLESS = tuple(code for code in CAUSES if code.startswith("GE3"))


def table() -> str:
    """The rows of docs/explain.md."""
    rows = ["| code | what | what it says | the likeliest fix | lint |", "|---|---|---|---|---|"]
    rows += [
        f"| {code} | {c.name} | {plain(c.says, FIELDS)} | {plain(c.fix, FIELDS)} | {c.lint} |"
        for code, c in CAUSES.items()
    ]
    return "\n".join(rows) + "\n"


FIELDS = {
    "name": "*p*", "loss": "*loss*", "what": "*what*", "op": "*op*", "dtype": "*dtype*", "value": "*None*",
    "other": "*another*", "count": "*n*", "first": "*a*", "last": "*b*",
}  # fmt: skip
