"""Checks of the order of things in a training loop: gradients and steps, and whose parameters they are."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np

from ...core.modes import is_grad_enabled
from ...core.provenance import Place, caller, show
from ...core.tensor import Tensor
from ...optim.optimizer import Optimizer
from .names import Beside, several, variable

OFTEN = 2  # so many times make a habit


class Leaf:
    """What is known of one leaf that a backward has reached."""

    def __init__(self, p: Tensor) -> None:
        self.first = self.now = mark(p)
        self.count = 0  # backward passes that have reached it
        self.grads = 0  # gradients it has had: several passes may add to one
        self.grad: Any = None  # a weak reference to its gradient after the last backward
        self.version = 0  # of that gradient
        self.used: tuple[Any, int] | None = None  # the gradient that a step has used, and its version then
        self.user: Any = None  # the optimizer whose step that was
        self.mixed: Place | None = None  # the backward that added to a used gradient
        self.fresh = False  # a backward has come since the last step
        self.lost: Place | None = None  # where a fresh gradient was reset
        self.beside: int | None = None  # the identity of a parameter that an optimizer has, reached by the same passes,
        self.together = 0  # so many


class Opt:
    """What is known of one optimizer."""

    def __init__(self, optimizer: Any, place: Place | None) -> None:
        self.place = place
        self.name = "the optimizer"  # or the variable, when it steps
        self.steps = 0
        self.backwards = 0  # when it stepped last
        self.highest = 0.0  # learning rate
        self.second: list[Tensor] = []  # parameters that another optimizer's step has moved by the same gradient,
        self.doubled = 0  # in so many steps,
        self.other: Any = None  # that optimizer


def mark(p: Tensor) -> bytes:
    """Another one when the values change."""
    return np.asarray(p.array.sum()).tobytes() + np.asarray(p.array.flat[:8]).tobytes()


class Steps:
    def __init__(self, run: Any) -> None:
        self._run = run
        self._leaves: Beside[Leaf] = Beside()
        self._opts: Beside[Opt] = Beside(hold=True)
        self._owners: Beside[Any] = Beside()  # of gradients: a weak reference to the leaf
        self._slopes: Beside[bool] = Beside()  # products with a gradient
        self._here: Place | None = None  # the last backward
        self._loaded: Beside[bool] = Beside()  # parameters that have been given values from elsewhere
        self._passes: Beside[int] = Beside(hold=True)  # of the user's modules in train mode, recorded

    # --- optimizers and their parameters ---

    def optimizer(self, optimizer: Any) -> None:
        self._opt(optimizer, caller())

    def _opt(self, optimizer: Any, place: Place | None = None) -> Opt:
        known = self._opts.get(optimizer) or self._opts.put(optimizer, Opt(optimizer, place))
        for p in parameters(optimizer):
            if p not in self._run.held:
                self._run.held.put(p, True)
        return known

    def leaf_changed(self, p: Tensor) -> None:
        how = "an in-place change of it is refused"
        self._run.report("GL113", names=self._run.path(p), how=how)

    def leave(self, module: Any, args: Any, out: Any) -> None:
        if not self._run.stack and module.training and is_grad_enabled():
            self._passes.put(module, (self._passes.get(module) or 0) + 1)

    def load_state_dict(self, module: Any, state: Any) -> None:
        for p in module.parameters():
            self._loaded.put(p, True)

    # --- backward ---

    def backward(self, roots: list[Any]) -> None:
        run = self._run
        for p in run.leaves:
            leaf = self._leaves.get(p) or self._leaves.put(p, Leaf(p))
            now, g = mark(p), p._grad
            if g is None or leaf.grad is None or g is not leaf.grad():
                leaf.mixed = None
            elif g.version[0] == leaf.version and now != leaf.now and leaf.used is None:  # changed by hand
                leaf.used, leaf.user = (leaf.grad, leaf.version), None
            if leaf.mixed and now != leaf.now:
                self._never_reset([p])
            if leaf.used is not None and g is not None:
                same = g is leaf.used[0]() and g.version[0] == leaf.used[1]
                leaf.mixed = caller() if same and nonzero(g) else None
            leaf.now = now

    def gradients(self) -> None:
        beside = next((id(p) for p in self._run.leaves if p._is_param and p in self._run.held), None)
        for p in self._run.leaves:
            leaf = self._leaves.get(p)
            if leaf is not None and p._grad is not None:
                leaf.count += 1
                leaf.grads += leaf.grad is None or leaf.grad() is not p._grad
                leaf.grad, leaf.version = weakref.ref(p._grad), p._grad.version[0]
                leaf.used = leaf.lost = None
                if beside is not None:
                    leaf.beside, leaf.together = beside, leaf.together + 1
                leaf.fresh = True
                self._owners.put(p._grad, weakref.ref(p))
        self._here = caller()

    def _never_reset(self, params: list[Tensor]) -> None:
        leaf = self._leaves.get(params[0])
        assert leaf is not None
        self._run.report("GL101", leaf.mixed, names=several(map(self._run.path, params)))

    def zero_grad(self, params: list[Tensor]) -> None:
        for p in params:
            leaf = self._leaves.get(p)
            if leaf is not None and leaf.fresh and p._grad is not None:
                leaf.lost, leaf.fresh = caller(), False

    def clip(self, params: list[Tensor]) -> None:
        grads = [(p._grad, self._leaves.get(p)) for p in params if p._grad is not None]
        if grads and all(leaf and leaf.used and used(g, leaf) for g, leaf in grads):
            self._run.report("GL108", names="the step has already been made with these gradients")
        elif params and not grads and (self._run.computed or not self._run.backwards) and self._leaves.kept:
            self._run.report("GL108", names="no parameter has a gradient yet")

    # --- a step ---

    def before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        run, opt = self._run, self._opt(optimizer)
        opt.name = opt.name if opt.steps else variable(optimizer) or opt.name
        own = [p for p in parameters(optimizer) if p._needs]
        leaves = [(p, self._leaves.get(p)) for p in own]
        mixed = [p for p, leaf in leaves if leaf and leaf.mixed and leaf.grad and p._grad is leaf.grad()]
        if mixed:
            self._never_reset(mixed)
        if args or kwargs:  # a closure computes the gradients
            return
        given = [(p, leaf) for p, leaf in leaves if p._grad is not None]
        new = [p for p, leaf in given if not (leaf and leaf.used and used(p._grad, leaf))]
        second = [(p, leaf.user) for p, leaf in given if leaf and used(p._grad, leaf) and two(optimizer, leaf.user)]
        if second:
            opt.doubled, opt.second, opt.other = opt.doubled + 1, [p for p, _ in second], second[0][1]
        lost = [leaf.lost for _, leaf in leaves if leaf and leaf.lost]
        if lost and not any(nonzero(p._grad) for p in new):
            run.report("GL102", lost[0])
        elif not new and run.computed and run.backwards == opt.backwards:
            run.report("GL103", names=opt.name)
        bad = [p for p in new if dense(p._grad) and np.isnan(p._grad.array).any()]  # type: ignore[union-attr]
        if bad:
            run.report("GL211", self._here, what=f"NaN in the gradients of {several(map(run.path, bad))}")

    def after_step(self, optimizer: Any) -> None:
        opt = self._opt(optimizer)
        opt.steps += 1
        opt.backwards = self._run.backwards
        opt.highest = max(opt.highest, rate_of(optimizer))
        for p in parameters(optimizer):
            leaf = self._leaves.get(p)
            if leaf is not None:
                leaf.now = mark(p)
                leaf.fresh = False
                if p._grad is not None:
                    leaf.used, leaf.user = (weakref.ref(p._grad), p._grad.version[0]), optimizer

    # --- a parameter updated on the graph: w = w - lr * w.grad ---

    def op(self, name: str, inputs: Any, out: Tensor) -> None:
        if name not in ("sub", "add", "mul") or not is_grad_enabled():
            return
        tensors = [x for x in inputs if isinstance(x, Tensor)]
        if name == "mul":
            if any(x in self._owners for x in tensors):
                self._slopes.put(out, True)
        elif out._needs and any(x._needs and x._node is None for x in tensors) and len(tensors) == 2:
            leaf, other = (tensors[0], tensors[1]) if tensors[0]._needs else (tensors[1], tensors[0])
            if (other in self._slopes or other in self._owners) and leaf.array.shape == out.array.shape:
                how = "the result is another tensor, which is no leaf and gets no .grad"
                self._run.report("GL113", names=self._run.path(leaf), how=how)

    # --- at the end ---

    def end(self) -> None:
        for optimizer, opt in self._opts.items():
            own = [p for p in parameters(optimizer) if p._needs]
            reached = [p for p in own if (leaf := self._leaves.get(p)) and leaf.count]
            if opt.steps == 0:
                self._never_called(opt, own)
                still = [leaf for p in reached if (leaf := self._leaves.get(p)) and leaf.first == mark(p)]
                habit = any(leaf.grads > OFTEN or (leaf.grads == 1 and leaf.count > OFTEN) for leaf in still)
                if len(still) == len(reached) and habit:
                    self._run.report("GL104", self._here, count=max(leaf.count for leaf in still), names=opt.name)
            elif opt.steps >= OFTEN:
                self._whose(optimizer, opt, own, reached)
                other = self._opts.get(opt.other)
                if opt.doubled > max(OFTEN, opt.steps / 2) and other and opt.highest and other.highest:
                    names, where = several(map(self._run.path, opt.second)), show(other.place)
                    self._run.report("GL123", opt.place, names=names, where=where, count=opt.doubled)
                if opt.highest == 0 and reached:
                    self._run.report("GL111", opt.place, count=opt.steps)

    def _never_called(self, opt: Opt, own: list[Tensor]) -> None:
        mine = {id(p) for p in own}
        for module, count in self._passes.items() if not self._run.backwards else ():
            if count > OFTEN and any(id(p) in mine for p in module.parameters()):
                self._run.report("GL116", opt.place, names=self._run.roots.get(module), count=count)

    def _whose(self, optimizer: Any, opt: Opt, own: list[Tensor], reached: list[Tensor]) -> None:
        """Whether the optimizer's parameters are those that get gradients."""
        run = self._run
        forgotten = [
            p for p, leaf in self._leaves.items()
            if leaf.count >= OFTEN and p._is_param and p._needs and p not in self._run.held and leaf.first == mark(p)
        ]  # fmt: skip
        trained = {id(p) for p in reached}
        idle = [p for p in own if p._grad is None and id(p) not in trained]
        used = {id(p) for root, _ in run.roots.items() for p in root.parameters()}
        orphans = [p for p in idle if id(p) not in used]
        if orphans and forgotten:
            run.report("GL107", opt.place, count=len(orphans), names=several(map(run.path, forgotten)))
            return
        if idle and run.backwards >= OFTEN and (reached or all(p._grad is None for p in own)):
            run.report("GL106", opt.place, names=several(map(run.path, idle)), count=opt.steps)
        for root, _ in run.roots.items():
            all_own = {id(p) for p in root.parameters()}
            left = [p for p in root.parameters() if any(p is q for q in forgotten)]
            if left and (all_own & trained or self._forgotten(root, left, trained & used)):
                run.report("GL105", opt.place, names=several(map(run.path, left)))

    def _forgotten(self, root: Any, left: list[Tensor], trained: set[int]) -> bool:
        """Whether a network of its own is run as in training beside one that is trained, its weights drawn for it."""
        leaves = [leaf for p in left if (leaf := self._leaves.get(p)) is not None]
        copied = {leaf.first for p, leaf in self._leaves.items() if id(p) in trained}
        return (
            (self._passes.get(root) or 0) >= OFTEN
            and any(leaf.beside in trained and leaf.together >= OFTEN for leaf in leaves)
            and not any(p in self._loaded for p in left)
            and any(drawn(p) and mark(p) not in copied for p in left)
            and not held_by_any(left)
        )


def parameters(optimizer: Any) -> list[Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def two(one: Any, other: Any) -> bool:
    """Whether these are two optimizers of this package: a user's own may wrap another, or do something else."""
    ours = Optimizer.__module__.rpartition(".")[0]
    return other is not one and all(type(optimizer).__module__.startswith(ours) for optimizer in (one, other))


def drawn(p: Tensor) -> bool:
    """Whether these are weights whose values hardly repeat, as those of filters and tables made by hand do."""
    some = p.array.reshape(-1)[:1000]
    return p.array.ndim > 1 and len(np.unique(some)) > 0.9 * len(some)


def held_by_any(params: list[Tensor]) -> bool:
    """Whether an optimizer has one of them that was made before anybody looked."""
    optimizers = [o for o in gc.get_objects() if issubclass(type(o), Optimizer)]
    return not {id(p) for o in optimizers for p in parameters(o)}.isdisjoint(map(id, params))


def rate_of(optimizer: Any) -> float:
    return max(float(group.get("lr", 1e-3)) for group in optimizer.param_groups)


def dense(g: Any) -> bool:
    return type(g.array) is np.ndarray


def nonzero(g: Any) -> bool:
    return not dense(g) or bool(g.array.any())


def used(g: Any, leaf: Leaf) -> bool:
    """Whether this gradient is the one that a step has used."""
    return leaf.used is not None and g is leaf.used[0]() and g.version[0] == leaf.used[1]
