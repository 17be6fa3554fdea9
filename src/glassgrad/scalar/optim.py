"""Optimizers over `Value` parameters, with the arguments and the arithmetic of `torch.optim`.

A gradient that never arrived is 0 here, as after PyTorch's `zero_grad(set_to_none=False)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from glassgrad.scalar.engine import Value, divide, sqrt, zero_grad

Group = dict[str, Any]
State = dict[str, Any]


class Optimizer:
    """Parameter groups, their state, and one `step` over all; a subclass says how one parameter moves."""

    def __init__(self, params: Iterable[Value] | Iterable[Group], **defaults: Any) -> None:
        check_hyperparameters(type(self).__name__, defaults)
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: dict[Value, State] = {}
        given: list[Any] = list(params)
        if not given:
            raise ValueError("optimizer got an empty parameter list")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, group: Group) -> None:
        """group: {"params": Values, and any argument of the optimizer that differs for them}."""
        who = type(self).__name__
        unknown = group.keys() - self.defaults.keys() - {"params"}
        if unknown:
            raise TypeError(f"{who} has no argument {', '.join(sorted(unknown))}; it takes {', '.join(self.defaults)}")
        check_hyperparameters(who, group)
        params = group["params"]
        group = {**self.defaults, **group, "params": [params] if isinstance(params, Value) else list(params)}
        known = {p for g in self.param_groups for p in g["params"]}
        for p in group["params"]:
            if not isinstance(p, Value):
                raise TypeError(f"{who} optimizes Values, got {type(p).__name__}; pass model.parameters()")
            if p.operands:
                raise ValueError(f"can't optimize a non-leaf Value: {p!r} is the result of {p._op!r}")
            if p in known:
                raise ValueError(f"some parameters appear more than once: {p!r}")
            known.add(p)
        self.param_groups.append(group)

    def zero_grad(self) -> None:
        for group in self.param_groups:
            zero_grad(group["params"])

    def step(self, closure: Callable[[], Value] | None = None) -> Value | None:
        """Move every parameter once.  All are computed before the first is changed."""
        loss = None if closure is None else closure()
        moves = []
        for group in self.param_groups:
            for p in group["params"]:
                old = self.state.get(p)
                state = dict(old) if old else {**self.start(group), "step": 0}
                state["step"] += 1
                g = -p.grad if group["maximize"] else p.grad
                moves.append((p, self.move(p.data, g, group, state), state))
        for p, number, state in moves:
            p.data, self.state[p] = number, state
        return loss

    def start(self, group: Group) -> State:
        """The state of a parameter before its first step."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its state is")

    def move(self, p: float, g: float, group: Group, state: State) -> float:
        """The parameter's next number; `state["step"]` counts from 1."""
        raise NotImplementedError(f"{type(self).__name__} does not say how a parameter moves")


LONG_NAMES = {"lr": "learning rate", "betas": "beta parameter", "eps": "epsilon"}


def check_hyperparameters(who: str, values: Group) -> None:
    for name in values.keys() - {"params"}:
        value = values[name]
        if name == "betas":
            good, expected = len(value) == 2 and all(0 <= b < 1 for b in value), "two numbers in [0, 1)"
        else:
            good, expected = value >= 0, "a number >= 0"
        if not good:
            raise ValueError(f"{who}: Invalid {LONG_NAMES.get(name, name)} value: {value}, expected {expected}")


class SGD(Optimizer):
    """v <- momentum v + (1 - dampening) g;  p <- p - lr v  (nesterov: lr (g + momentum v)).

    Source: Sutskever, Martens, Dahl, Hinton 2013, ICML, in PyTorch's form, where lr multiplies v.
    """

    def __init__(
        self,
        params: Iterable[Value] | Iterable[Group],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
            maximize=maximize,
        )

    def add_param_group(self, group: Group) -> None:
        settings = {**self.defaults, **group}
        if settings["nesterov"] and (settings["momentum"] <= 0 or settings["dampening"] != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().add_param_group(group)

    def start(self, group: Group) -> State:
        return {"momentum_buffer": None}

    def move(self, p: float, g: float, group: Group, state: State) -> float:
        g += group["weight_decay"] * p
        momentum = group["momentum"]
        if momentum:
            v = state["momentum_buffer"]
            v = g if v is None else momentum * v + (1 - group["dampening"]) * g
            state["momentum_buffer"] = v
            g = g + momentum * v if group["nesterov"] else v
        return p - group["lr"] * g


class Adam(Optimizer):
    """m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  p <- p - lr m' / (sqrt(v') + eps), bias-corrected.

    Source: Kingma, Ba 2014, arXiv:1412.6980; amsgrad: Reddi, Kale, Kumar 2018, arXiv:1904.09237.
    """

    decoupled = False  # weight decay as part of the gradient

    def __init__(
        self,
        params: Iterable[Value] | Iterable[Group],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            maximize=maximize,
        )

    def start(self, group: Group) -> State:
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0, "max_exp_avg_sq": 0.0}

    def move(self, p: float, g: float, group: Group, state: State) -> float:
        lr, (b1, b2), t = group["lr"], group["betas"], state["step"]
        if self.decoupled:
            p *= 1 - lr * group["weight_decay"]
        else:
            g += group["weight_decay"] * p
        m = state["exp_avg"] = b1 * state["exp_avg"] + (1 - b1) * g
        v = state["exp_avg_sq"] = b2 * state["exp_avg_sq"] + (1 - b2) * g * g
        if group["amsgrad"]:
            v = state["max_exp_avg_sq"] = max(state["max_exp_avg_sq"], v)
        return p - divide(lr * m / (1 - b1**t), sqrt(v / (1 - b2**t)) + group["eps"])


class AdamW(Adam):
    """Adam whose weight decay shrinks p by lr * weight_decay and leaves the gradient alone.

    Source: Loshchilov, Hutter 2017, arXiv:1711.05101.
    """

    decoupled = True

    def __init__(
        self,
        params: Iterable[Value] | Iterable[Group],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)


class RMSprop(Optimizer):
    """s <- alpha s + (1 - alpha) g^2;  p <- p - lr g / (sqrt(s) + eps), with momentum on the quotient.

    centered: the running mean of g, squared, is taken off s.
    Source: Hinton 2012, Neural Networks for Machine Learning, lecture 6e.
    Source of centered: Graves 2013, arXiv:1308.0850.
    """

    def __init__(
        self,
        params: Iterable[Value] | Iterable[Group],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            maximize=maximize,
        )

    def start(self, group: Group) -> State:
        return {"square_avg": 0.0, "grad_avg": 0.0, "momentum_buffer": 0.0}

    def move(self, p: float, g: float, group: Group, state: State) -> float:
        alpha, momentum = group["alpha"], group["momentum"]
        g += group["weight_decay"] * p
        s = state["square_avg"] = alpha * state["square_avg"] + (1 - alpha) * g * g
        if group["centered"]:
            mean = state["grad_avg"] = alpha * state["grad_avg"] + (1 - alpha) * g
            s -= mean * mean
        g = divide(g, sqrt(s) + group["eps"])
        if momentum:
            g = state["momentum_buffer"] = momentum * state["momentum_buffer"] + g
        return p - group["lr"] * g


class Adagrad(Optimizer):
    """s <- s + g^2;  p <- p - lr_t g / (sqrt(s) + eps), lr_t = lr / (1 + (t - 1) lr_decay).

    Source: Duchi, Hazan, Singer 2011, JMLR 12.
    """

    def __init__(
        self,
        params: Iterable[Value] | Iterable[Group],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
            maximize=maximize,
        )

    def start(self, group: Group) -> State:
        return {"sum": group["initial_accumulator_value"]}

    def move(self, p: float, g: float, group: Group, state: State) -> float:
        g += group["weight_decay"] * p
        s = state["sum"] = state["sum"] + g * g
        lr = group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])
        return p - divide(lr * g, sqrt(s) + group["eps"])
