"""What users want to be told of when a module is called, and when a gradient passes it.

A module's gradients are seen through two gates: identities around its call, one node for all its inputs and one for all
its outputs. What the output gate receives are the module's grad_output, what the input gate passes on its grad_input.
"""

from __future__ import annotations

from typing import Any

from ..autograd.function import Function
from ..core.graph import Removable
from ..core.tensor import Tensor

# of every module: hooks under the names of a module's own stores
EVERYWHERE: dict[str, dict[int, Any]] = {
    "_forward_pre_hooks": {},
    "_forward_hooks": {},
    "_backward_pre_hooks": {},
    "_backward_hooks": {},
    "_forward_pre_hooks_with_kwargs": {},  # the keys of those hooks that are given kwargs as well
    "_forward_hooks_with_kwargs": {},
    "_forward_hooks_always_called": {},
}
STORES = tuple(EVERYWHERE)

anywhere = False  # whether EVERYWHERE holds one


def register(store: dict[int, Any], hook: Any, prepend: bool = False, *marks: dict[int, bool]) -> Removable:
    """marks: where the hook's key is written down as well."""
    handle = Removable(store, hook, *marks)
    if prepend:
        others = [(k, v) for k, v in store.items() if k != handle.id]
        for k, _ in others:
            del store[k]
        store.update(others)
    return handle


class _Everywhere(Removable):
    """A handle of a hook of every module; when the last of them is removed, calls are direct again."""

    def __init__(self, store: str, hook: Any, *marks: str) -> None:
        global anywhere
        super().__init__(EVERYWHERE[store], hook, *map(EVERYWHERE.__getitem__, marks))
        anywhere = True

    def remove(self) -> None:
        global anywhere
        super().remove()
        anywhere = any(EVERYWHERE.values())


def register_module_forward_pre_hook(hook: Any) -> Removable:
    """hook(module, args) -> None or other arguments, before every module's forward."""
    return _Everywhere("_forward_pre_hooks", hook)


def register_module_forward_hook(hook: Any, *, with_kwargs: bool = False, always_call: bool = False) -> Removable:
    """hook(module, args, output) -> None or another output, after every module's forward."""
    return _Everywhere("_forward_hooks", hook, *marks("_forward_hooks", with_kwargs, always_call))


def register_module_full_backward_pre_hook(hook: Any) -> Removable:
    """hook(module, grad_output) -> None or other gradients, for every module."""
    return _Everywhere("_backward_pre_hooks", hook)


def register_module_full_backward_hook(hook: Any) -> Removable:
    """hook(module, grad_input, grad_output) -> None or another grad_input, for every module."""
    return _Everywhere("_backward_hooks", hook)


def marks(store: str, with_kwargs: bool, always_call: bool = False) -> list[str]:
    """The stores in which a hook of `store` is written down as well."""
    return [f"{store}_with_kwargs"] * with_kwargs + [f"{store}_always_called"] * always_call


def _of(module: Any, store: str) -> list[Any]:
    return [*EVERYWHERE[store].values(), *getattr(module, store).values()]


def _marked(module: Any, store: str) -> list[tuple[Any, ...]]:
    """(hook, with_kwargs, always_call) of each hook."""
    found = []
    for stores in (EVERYWHERE, vars(module)):
        if not stores[store]:
            continue
        extra, always = (stores.get(f"{store}_{mark}", {}) for mark in ("with_kwargs", "always_called"))
        found += [(hook, key in extra, key in always) for key, hook in stores[store].items()]
    return found


def call(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """module.forward with all its hooks around it."""
    for hook, with_kwargs, _ in _marked(module, "_forward_pre_hooks"):
        changed = hook(module, args, kwargs) if with_kwargs else hook(module, args)
        if changed is None:
            continue
        if not with_kwargs:
            args = changed if isinstance(changed, tuple) else (changed,)
        elif isinstance(changed, tuple) and len(changed) == 2:
            args, kwargs = changed
        else:
            raise RuntimeError(
                f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
            )
    gates = _Gates(module)
    args = gates.enter(args)
    waiting = _marked(module, "_forward_hooks")
    try:
        result = module.forward(*args, **kwargs)
        while waiting:
            hook, with_kwargs, _ = waiting.pop(0)
            changed = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
            result = result if changed is None else changed
    except Exception:
        for hook, with_kwargs, always_call in waiting:
            if always_call:
                hook(module, args, kwargs, None) if with_kwargs else hook(module, args, None)
        raise
    return gates.leave(result)


class _Gate(Function):
    @staticmethod
    def forward(ctx: Any, *xs: Tensor) -> Any:
        ctx.set_materialize_grads(False)
        return xs

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads


class _Gates:
    """The two gates around one call of a module."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.before = _of(module, "_backward_pre_hooks")
        full = module._is_full_backward_hook is not False
        self.after = _of(module, "_backward_hooks") if full else [*EVERYWHERE["_backward_hooks"].values()]
        self.last = [] if full else list(module._backward_hooks.values())
        self.grad_output: tuple[Any, ...] = ()
        self.inputs = 0
        self.watched = False

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.inputs = len(args)
        at = [i for i, x in enumerate(args) if isinstance(x, Tensor) and x.dtype.is_floating_point]
        if not self.after or not any(args[i].requires_grad for i in at):
            return args
        self.watched = True
        passed, node = _through([args[i] for i in at])
        node.register_hook(lambda grad_inputs, _: self._tell(at, grad_inputs))
        return _put(args, at, passed)

    def leave(self, result: Any) -> Any:
        for hook in self.last:
            _at_last_operation(self.module, hook, result)
        if not self.before and not self.after:
            return result
        several = isinstance(result, tuple)
        outs = result if several else (result,)
        at = [i for i, y in enumerate(outs) if isinstance(y, Tensor) and y.requires_grad]
        if not at:
            return result
        passed, node = _through([outs[i] for i in at])
        node.register_prehook(lambda grads: self._arrive(len(outs), at, grads))
        made = _put(outs, at, passed)
        return made if several else made[0]

    def _arrive(self, n: int, at: list[int], grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """The gradients of the outputs are here: pre-hooks may change them."""
        grad_output = _put((None,) * n, at, (*grads, *[None] * (len(at) - len(grads))))
        for hook in self.before:
            changed = hook(self.module, grad_output)
            if changed is not None:
                grad_output = changed if isinstance(changed, tuple) else (changed,)
                if len(grad_output) != n:
                    raise RuntimeError(
                        f"Backward pre hook returned an invalid number of grad_output, got {len(grad_output)}, "
                        f"but expected {n}"
                    )
        self.grad_output = grad_output
        if self.after and not self.watched:  # no input wants a gradient
            self._tell([], ())
        return tuple(grad_output[i] for i in at)

    def _tell(self, at: list[int], grads: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """The gradients of the inputs are here: hooks see both, and may change these."""
        grad_input = _put((None,) * self.inputs, at, grads)
        for hook in self.after:
            changed = hook(self.module, grad_input, self.grad_output)
            if changed is not None:
                if not at:
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always return None or "
                        "None for all gradients."
                    )
                grad_input = changed if isinstance(changed, tuple) else (changed,)
                if len(grad_input) != self.inputs:
                    raise RuntimeError(
                        f"Backward hook returned an invalid number of grad_input, got {len(grad_input)}, "
                        f"but expected {self.inputs}"
                    )
        return tuple(grad_input[i] for i in at) if at else None


# Operations that are made as in PyTorch, though they have several inputs: its order of those it differentiates by.
ORDER = {"convolution": (0, 1, 2), "embedding": (0,), "linear": (2, 0, 1), "max_pool": (0,), "mul": (0, 1)}


def _at_last_operation(module: Any, hook: Any, result: Any) -> None:
    """The hook of `register_backward_hook`."""
    while not isinstance(result, Tensor):
        result = next(iter(result.values())) if isinstance(result, dict) else result[0]
    node = result.grad_fn
    if node is None:
        return
    linear = node.op.name == "linear"
    known = node.name() in ("AddmmBackward0", "MmBackward0") if linear else True
    order = ORDER.get(node.op.name, (0,) if len(node.edges) == 1 else ()) if known else ()
    order = tuple(k for k in order if k < len(node.edges))

    def turned(k: int, g: Any) -> Any:
        """PyTorch's linear layer multiplies by its transposed weight."""
        return g.T if linear and k == 1 and g is not None else g

    def tell(grads: tuple[Any, ...], grad_output: tuple[Any, ...]) -> Any:
        changed = hook(module, tuple(turned(k, grads[k]) for k in order) if order else _Unknown(), grad_output)
        if changed is None:
            return None
        given = dict(zip(order, changed if isinstance(changed, tuple) else (changed,), strict=True))
        return tuple(turned(k, given.get(k)) for k in range(len(grads)))

    node.register_hook(tell)


class _Unknown(tuple[Any, ...]):
    """A grad_input that is another one in PyTorch."""

    def _raise(self, *_: Any) -> Any:
        raise NotImplementedError(
            "register_backward_hook: the last operation of this module is made otherwise than in PyTorch, so its "
            "grad_input is not here; use register_full_backward_hook"
        )

    __iter__ = __getitem__ = __len__ = _raise


def _through(xs: list[Tensor]) -> tuple[tuple[Tensor, ...], Any]:
    passed = _Gate.apply(*xs)
    node = next(y.grad_fn for y in passed if y.requires_grad)
    return passed, node.all_outputs()


def _put(items: tuple[Any, ...], at: list[int], values: Any) -> tuple[Any, ...]:
    new = list(items)
    for i, value in zip(at, values, strict=True):
        new[i] = value
    return tuple(new)
