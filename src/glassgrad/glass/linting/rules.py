"""The codes of the lint: what is wrong, in one sentence, and the likeliest fix. docs/lint.md shows this table."""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    name: str
    says: str  # with {fields} that the check fills in
    fix: str
    covers: tuple[str, ...] = ()  # codes that say no more where this one has been found


RULES = {
    # gradients and steps
    "GL101": Rule(
        "gradients never reset",
        "this backward adds to gradients that the last step has used already: {names}",
        "call optimizer.zero_grad() before each backward(), or once in as many backwards as you accumulate",
        ("GL112",),
    ),
    "GL102": Rule(
        "gradients reset too early",
        "the gradients are reset here, between backward() and step(): the step that follows changes nothing",
        "call zero_grad() before backward() or after step()",
        ("GL103",),
    ),
    "GL103": Rule(
        "step without backward",
        "{names} steps, and no backward() has given its parameters a gradient since its last step",
        "call loss.backward() before step()",
    ),
    "GL104": Rule(
        "backward without step",
        "{count} backward passes have given {names} gradients, and its step() was never called",
        "call step() after backward()",
        ("GL101",),
    ),
    "GL105": Rule(
        "parameters in no optimizer",
        "{names} got gradients and were never changed: no optimizer has them",
        "give them to the optimizer, or say requires_grad_(False) if they are to stay as they are",
    ),
    "GL106": Rule(
        "parameters that never get a gradient",
        "the optimizer has {names}, which no backward() has reached in {count} steps",
        "use them in forward(), look for a detach(), .data or .item() behind them, or leave them out",
    ),
    "GL107": Rule(
        "an optimizer of other parameters",
        "the optimizer has {count} parameters that nothing uses, and {names}, which got gradients, are in no optimizer",
        "make the optimizer after the model has its last parameters (moved, replaced, copied), from model.parameters()",
        ("GL105", "GL106"),
    ),
    "GL108": Rule(
        "clipping at the wrong time",
        "there is nothing to clip here: {names}",
        "clip between backward() and step()",
    ),
    "GL109": Rule(
        "schedule before the first step",
        "the scheduler steps before its optimizer has: the first learning rate is never used",
        "call optimizer.step() first, then scheduler.step()",
    ),
    "GL110": Rule(
        "schedule that never steps",
        "a {names} was made, and its step() was never called in {count} steps of its optimizer",
        "call scheduler.step() after each epoch, or after each batch if it counts batches",
    ),
    "GL111": Rule(
        "learning rate 0",
        "the learning rate was 0 in all of {count} steps: nothing is learned",
        "give the optimizer another lr; 1e-3 for Adam and 1e-2 for SGD are places to start",
    ),
    "GL112": Rule(
        "learning rate too large",
        "with a learning rate of {lr} the loss went from {first} to {last}",
        "divide the learning rate by 10 until the loss falls",
        ("GL211", "GL306", "GL307"),
    ),
    "GL113": Rule(
        "parameters changed on the graph",
        "{names} is a leaf that wants a gradient, and is updated on the graph: {how}",
        "write the update under torch.no_grad(), in place: p -= lr * p.grad; or use an optimizer",
        ("GL101",),
    ),
    "GL114": Rule(
        "steps that change nothing",
        "the last {count} steps moved no parameter by a millionth of its size: {how}",
        "a larger learning rate (1e-3 for Adam, 1e-2 for SGD), a schedule that steps once an epoch, clipping at 1",
    ),
    "GL115": Rule(
        "weights that decay at once",
        "lr * weight_decay is {lr}: each step takes {share:.0%} of every weight away",
        "weight_decay of 1e-4 for SGD and of 1e-2 for AdamW are places to start",
    ),
    "GL116": Rule(
        "nothing is trained",
        "{names} ran {count} times in train mode, an optimizer has its parameters, and neither backward() nor step() "
        "was ever called",
        "call loss.backward() and optimizer.step(), with their parentheses",
    ),
    "GL117": Rule(
        "gradients that no step has used",
        "{first} of {count} backward passes were for nothing: their gradients were reset ({where}) before this step, "
        "which uses what came after",
        "call step() in the loop, after each backward(); to accumulate gradients, reset them after step() only",
    ),
    "GL118": Rule(
        "an optimizer for each step",
        "{count} optimizers were made here for the same parameters, and each has made one step: what {optimizer} "
        "remembers of earlier gradients is lost every time",
        "make the optimizer once, before the loop",
    ),
    "GL119": Rule(
        "the schedule of another optimizer",
        "this optimizer steps in the place of the one that the {schedule} ({where}) has: the schedule went on for "
        "{count} epochs, and the learning rate here has stayed {lr}",
        "make the scheduler again for this optimizer; or keep the first optimizer, and change its param_groups",
        ("GL109",),
    ),
    "GL120": Rule(
        "plateau in the wrong direction",
        'the metric went from {first} to {last}, which mode="{mode}" takes for no progress: it has reduced the '
        "learning rate {count} times",
        'mode="min" for what is to fall (a loss, an error), mode="max" for what is to rise (an accuracy)',
        ("GL114",),
    ),
    "GL121": Rule(
        "the same seed again",
        "the seed {seed} is set here in {count} rounds of steps of {names}: in each the same random numbers follow, "
        "the same batch, the same noise, the same units dropped",
        "set the seed once, before the loop; for numbers that are to be the same, draw them once and keep them",
    ),
    "GL122": Rule(
        "updates that rounding swallows",
        "the parameters are {dtype}, whose numbers lie up to {share:.1%} apart: in {count} of {first} steps nine "
        "tenths of the entries or more stayed as they were, since their update was less than half of that",
        'keep the parameters in float32, and compute under torch.autocast("cpu", dtype=torch.bfloat16); or a larger lr',
        ("GL114",),
    ),
    "GL123": Rule(
        "one gradient, two steps",
        "{names} are also in another optimizer ({where}): in {count} steps both have moved them by the same gradient",
        "give each parameter to one optimizer; or call zero_grad() and backward() between the two steps",
    ),
    # losses
    "GL201": Rule(
        "softmax before cross_entropy",
        "cross_entropy takes logits, and is given the result of {op} ({where})",
        "leave the {op} out: cross_entropy has it inside",
    ),
    "GL202": Rule(
        "sigmoid before a loss with logits",
        "binary_cross_entropy_with_logits takes logits, and is given the result of {op} ({where})",
        "leave the {op} out, or use binary_cross_entropy (BCELoss)",
    ),
    "GL203": Rule(
        "no log_softmax before the loss",
        "{op} takes log-probabilities, and is given {what}",
        "log_softmax before nll_loss and kl_div; cross_entropy has it inside",
    ),
    "GL204": Rule(
        "loss of broadcast shapes",
        "the prediction is {x}, the target {t}: together they are {both}, every prediction against every target",
        "give both the same shape: prediction.squeeze(-1), or target.unsqueeze(-1)",
    ),
    "GL205": Rule(
        "targets that are no classes",
        "cross_entropy takes class numbers, int64 of shape {expected}, and is given {what}",
        "give the numbers of the classes: target.long(), target.argmax(1); where several are true at once, use "
        "binary_cross_entropy_with_logits",
    ),
    "GL206": Rule(
        "cross_entropy of one class",
        "the input {x} has one class: its softmax is 1, and this loss is 0 whatever the model says",
        "use binary_cross_entropy_with_logits, or two outputs",
        ("GL205",),
    ),
    "GL207": Rule(
        "losses kept with their graphs",
        "{what}, and every step's graph stays in memory with it",
        "keep the number: loss.item(), or loss.detach()",
    ),
    "GL208": Rule(
        "loss without a graph",
        "backward() starts at numbers that know nothing of where they came from: no parameter gets a gradient",
        "leave out what cut it off: .item(), .data, .detach(), float(), numpy(), torch.tensor(), argmax() or ==",
        ("GL103", "GL106"),
    ),
    "GL209": Rule(
        "forward without recording",
        "what is to be differentiated was computed under no_grad(): no parameter gets a gradient",
        "keep no_grad() (inference_mode()) to the evaluation",
        ("GL103", "GL106", "GL208"),
    ),
    "GL210": Rule(
        "tensor made of a tensor",
        "torch.tensor() of a tensor that wants a gradient copies its numbers, and cuts its graph off",
        "use it as it is; clone() copies with the graph, detach() says that it is cut, torch.stack() joins several",
        ("GL103", "GL106", "GL208"),
    ),
    "GL211": Rule(
        "not a number",
        "there is no number any more: {what}",
        "keep logarithms, roots and quotients away from 0 (clamp, add a small number), and use losses that take logits",
    ),
    "GL212": Rule(
        "targets beyond 0 and 1",
        "{op} takes chances from 0 to 1 as targets, and is given {what}",
        "give 0 and 1, or chances between them: (y + 1) / 2 of targets -1 and 1; for classes use cross_entropy",
    ),
    "GL213": Rule(
        "log-probabilities without a minus",
        "this loss is the {op} of the log-probabilities of the targets: it falls as they fall, without end",
        "put a minus in front, or use nll_loss or cross_entropy",
        ("GL112",),
    ),
    # modules and layers
    "GL301": Rule(
        "evaluation in train mode",
        "{names} is evaluated under no_grad() in train mode: {layer} behaves as in training",
        "call {names}.eval() before the evaluation, and {names}.train() after it",
    ),
    "GL302": Rule(
        "training in eval mode",
        "{names} is trained in eval mode: {layer} does what it does in evaluation",
        "call {names}.train() at the start of each epoch",
    ),
    "GL303": Rule(
        "dropout of nearly everything",
        "dropout with p={share:g} leaves {what}: p is the share that is dropped",
        "use the share that you want to drop, 0.1 to 0.5",
        ("GL106", "GL305", "GL306"),
    ),
    "GL304": Rule(
        "batch norm of one sample",
        "{layer} is trained with a batch of one sample, whose mean is the sample itself",
        "drop the last, short batch: DataLoader(..., drop_last=True); or use GroupNorm or LayerNorm",
    ),
    "GL305": Rule(
        "units that stay equal",
        "all units of {names} have equal weights and equal gradients: they will stay one unit",
        "draw the weights at random, as the layer does by itself; zeros and constants are for biases",
        ("GL306",),
    ),
    "GL306": Rule(
        "dead ReLU",
        "{names} has given nothing but zeros in the last {count} passes: what is before it learns nothing",
        "a smaller learning rate, biases that start at 0, LeakyReLU or GELU",
    ),
    "GL307": Rule(
        "saturated layer",
        "{share:.0%} of what this {op} gives is at its ends, where its slope is nearly 0, in all of {count} passes",
        "normalise the input, and draw smaller weights (nn.init.xavier_uniform_)",
    ),
    "GL308": Rule(
        "modules in a plain list",
        "{owner}.{attribute} is a plain {kind} of modules: parameters() doesn't know them, and no optimizer has them",
        "use nn.ModuleList, nn.Sequential or nn.ModuleDict",
        ("GL105",),
    ),
    "GL309": Rule(
        "dropout that goes on in evaluation",
        "{names} is in eval mode, and the dropout() of its forward() still drops: by default training=True",
        "F.dropout(x, p, training=self.training), or an nn.Dropout as a layer",
    ),
    "GL310": Rule(
        "layers made in forward()",
        "each pass of {owner} makes a new {kind}, with new weights that no optimizer has",
        "make it once, as an attribute, in __init__()",
    ),
    "GL311": Rule(
        "two layers that are one",
        "nothing bends between {names}: together they are one linear map",
        "put an activation between them: torch.relu(...), nn.ReLU()",
    ),
    "GL312": Rule(
        "a state that follows the model",
        "these are the tensors of {names} itself, as they are now: state_dict() copies nothing, so nothing is restored",
        "keep copy.deepcopy(model.state_dict()), or save it to a file",
    ),
    "GL313": Rule(
        "statistics that hardly follow",
        "{layer} judges by running statistics that are still {share:.0%} those of the start, after {count} batches",
        "momentum is the share of a new batch, 0.1 by default: 1 - momentum of other libraries",
    ),
    "GL314": Rule(
        "hooks that pile up",
        "{names} has {count} hooks of one function, more with each step",
        "register it once, before the loop; or keep the handle, and handle.remove()",
    ),
    "GL315": Rule(
        "one layer several times",
        "{names} has the same layer {count} times: they share their weights, and are one layer to parameters()",
        "make each anew: [make() for _ in range(n)], not [layer] * n; or copy.deepcopy(layer)",
    ),
    "GL316": Rule(
        "a parameter that was computed",
        "{names} is a result of an nn.Parameter, which no module has: no optimizer gets it",
        "put the result into it: nn.Parameter(torch.randn(...) * 0.1); or compute it in forward()",
    ),
    "GL317": Rule(
        "padding between words",
        "{count} is the padding_idx of {names} and stands between other tokens: its vector is 0 and never learns",
        "a token of its own for padding, that no word has",
    ),
    "GL318": Rule(
        "samples taken for time",
        "{names} takes its input for {first} steps of {last} sequences, and the loss has {first} targets",
        "batch_first=True where the input is (batch, time, features)",
    ),
    "GL319": Rule(
        "each position sees the next one",
        "this attention looks at all positions, and the targets are the inputs one position on: it sees the answer",
        "is_causal=True, or a mask: torch.triu(torch.full((n, n), -torch.inf), 1) added to the scores",
    ),
    "GL320": Rule(
        "evaluation with graphs",
        "{count} results of {names} in eval mode are kept with the graphs that they were computed by",
        "with torch.no_grad(): around the evaluation",
    ),
    # data
    "GL401": Rule(
        "ordered classes, not shuffled",
        "the training data comes sorted by class ({count} batches, {classes} classes), and is not shuffled",
        "DataLoader(..., shuffle=True)",
    ),
    "GL402": Rule(
        "validation on training data",
        "{names} holds samples that the model is trained on ({count} of them)",
        "split once, and let no sample be in both parts: torch.utils.data.random_split",
    ),
    "GL403": Rule(
        "data not normalised",
        "the first layer gets whole numbers from {low:g} to {high:g}",
        "divide by 255 (ToTensor does), or subtract the mean and divide by the standard deviation",
        ("GL112", "GL306", "GL307"),
    ),
    "GL404": Rule(
        "a loader without batches",
        "this loader gives no batch: batch_size {count} of {what} samples, and drop_last drops the only one",
        "a smaller batch_size, or drop_last=False",
    ),
    "GL405": Rule(
        "data changed while it is read",
        "{names} changes as the loader reads it: every epoch gets what the last one left",
        "change a copy in __getitem__: x = self.x[i].clone(), or x = x + noise for x += noise",
    ),
    "GL406": Rule(
        "evaluation data of another scale",
        "{names} was trained on inputs of mean {first} and deviation {last}, and is judged on inputs of {what}",
        "the same preparation for both, with the mean and deviation of the training data",
    ),
    "GL407": Rule(
        "numbers cut off",
        "{count} numbers between {low:g} and {high:g} all become {what} as whole numbers",
        "keep them as they are, or round() or scale them first",
    ),
}  # fmt: skip


def table() -> str:
    """The rows of docs/lint.md."""
    rows = ["| code | what | what it says | the likeliest fix |", "|---|---|---|---|"]
    rows += [f"| {code} | {r.name} | {plain(r.says, FIELDS)} | {plain(r.fix, FIELDS)} |" for code, r in RULES.items()]
    return "\n".join(rows) + "\n"


def plain(template: str, fields: dict[str, str]) -> str:
    """A message with its fields as words."""
    for field, word in fields.items():
        template = template.replace(f"{{{field}}}", word)
    return template


FIELDS = {
    "names": "*names*", "count": "*n*", "lr": "*lr*", "first": "*a*", "last": "*b*", "how": "*how*", "op": "*softmax*",
    "where": "*line*", "what": "*what*", "x": "*shape*", "t": "*shape*", "both": "*shape*", "expected": "*shape*",
    "layer": "*layer*", "share:.0%": "*99%*", "share:g": "0.95", "owner": "*module*", "attribute": "*attribute*",
    "kind": "*list*", "classes": "*k*", "low:g": "0", "high:g": "255",
    "optimizer": "*Adam*", "schedule": "*StepLR*", "mode": "*max*", "seed": "*42*", "dtype": "*bfloat16*",
    "share:.1%": "*0.8%*",
}  # fmt: skip
