"""Neurons, layers and multi-layer perceptrons of `Value`s, and losses on logits.

Names, defaults and the order of random draws are micrograd's, so that `random.seed` gives the same network.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from operator import index
from typing import Any, SupportsFloat, cast

from glassgrad.scalar.engine import Value, affine, as_number, as_value, largest, zero_grad

ACTIVATIONS = {"relu": Value.relu, "tanh": Value.tanh, "linear": lambda x: x}
TITLES = {"relu": "ReLU", "tanh": "Tanh", "linear": "Linear"}


class Module:
    def zero_grad(self) -> None:
        zero_grad(self.parameters())

    def parameters(self) -> list[Value]:
        return []


class Neuron(Module):
    """activation(w . x + b), with w uniform in (-1, 1) and b = 0.

    nonlin      relu if true, else linear; `activation` ("relu", "tanh", "linear") overrides it
    fused       w . x + b is one node of the graph; if false, every product and sum is one: the same numbers
    """

    def __init__(self, nin: int, nonlin: bool = True, activation: str | None = None, fused: bool = True) -> None:
        self.activation = activation or ("relu" if nonlin else "linear")
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"Neuron: activation must be one of {', '.join(map(repr, ACTIVATIONS))}, got {activation!r}"
            )
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0)
        self.fused = fused

    @property
    def nonlin(self) -> bool:
        return self.activation != "linear"

    def __call__(self, x: Sequence[Value | SupportsFloat]) -> Value:
        return ACTIVATIONS[self.activation](affine(self.w, x, self.b, self.fused))

    def parameters(self) -> list[Value]:
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"{TITLES[self.activation]}Neuron({len(self.w)})"


class Layer(Module):
    """nout neurons on the same nin inputs; one output is returned bare, several as a list."""

    def __init__(
        self, nin: int, nout: int, nonlin: bool = True, activation: str | None = None, fused: bool = True
    ) -> None:
        self.neurons = [Neuron(nin, nonlin, activation, fused) for _ in range(nout)]

    def __call__(self, x: Sequence[Value | SupportsFloat]) -> Value | list[Value]:
        x = [as_value(xi) for xi in x]
        out = [neuron(x) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Value]:
        return [p for neuron in self.neurons for p in neuron.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """Layers nin -> nouts[0] -> nouts[1] ...; relu, and linear at last, unless `activations` says otherwise.

    activations     one of "relu", "tanh", "linear" for each layer

    >>> MLP(3, [4, 4, 1], activations=["tanh", "tanh", "linear"]).layers[-1]
    Layer of [LinearNeuron(4)]
    >>> len(MLP(3, [4, 4, 1]).parameters())
    41
    """

    def __init__(
        self, nin: int, nouts: Sequence[int], activations: Sequence[str] | None = None, fused: bool = True
    ) -> None:
        nouts = list(nouts)
        if activations is None:
            activations = ["relu"] * (len(nouts) - 1) + ["linear"]
        if isinstance(activations, str) or len(activations) != len(nouts):
            raise ValueError(f"MLP: {len(nouts)} layers need a list of {len(nouts)} activations, got {activations!r}")
        sizes = [nin, *nouts]
        self.layers = [
            Layer(n, m, activation=activation, fused=fused)
            for n, m, activation in zip(sizes[:-1], nouts, activations, strict=True)
        ]

    def __call__(self, x: Sequence[Value | SupportsFloat]) -> Value | list[Value]:
        for layer in self.layers:
            out = layer(x)
            x = [out] if isinstance(out, Value) else out
        return out

    def parameters(self) -> list[Value]:
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"


# --- losses on logits --------------------------------------------------------------------------------------


def mean(losses: Sequence[Value]) -> Value:
    if not losses:
        raise ValueError("the mean of no losses is undefined: the batch is empty")
    total = losses[0]
    for loss in losses[1:]:
        total = total + loss
    return total / len(losses)


def binary_cross_entropy(logit: Value | Sequence[Value], target: SupportsFloat | Sequence[SupportsFloat]) -> Value:
    """-t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)), computed as (1 - t) x - logsigmoid(x).

    One logit and one probability in [0, 1], or as many of each: then their mean.
    Raises ValueError for targets outside [0, 1] or unequal lengths.
    """
    if not isinstance(logit, Value):
        pairs = zip(logit, same_length("binary_cross_entropy", logit, target), strict=True)
        return mean([binary_cross_entropy(x, t) for x, t in pairs])
    t = as_number(cast(SupportsFloat, target))
    if not 0 <= t <= 1:
        raise ValueError(f"binary_cross_entropy: the target is a probability in [0, 1], got {target!r}")
    return (1 - t) * logit - logit.logsigmoid()


def cross_entropy(logits: Sequence[Any], target: int | Sequence[int]) -> Value:
    """-log softmax(z)[target] of K logits z and a class in 0..K-1; or of N such rows and classes, their mean.

    Raises IndexError for a class outside 0..K-1, TypeError for one that is not an integer, ValueError for
    unequal lengths.
    """
    if hasattr(target, "__len__"):
        rows = zip(logits, same_length("cross_entropy", logits, target), strict=True)
        return mean([cross_entropy(row, t) for row, t in rows])
    k = index(target)
    if not 0 <= k < len(logits):
        raise IndexError(f"cross_entropy: Target {k} is out of bounds for {len(logits)} classes")
    shift = largest(logits)  # a constant: it cancels, and keeps exp from overflowing
    shifted = [z - shift for z in logits]
    return sum((z.exp() for z in shifted[1:]), shifted[0].exp()).log() - shifted[k]


def same_length(who: str, logits: Sequence, targets: Any) -> Sequence:
    if len(logits) != len(targets):
        raise ValueError(f"{who}: {len(logits)} logits or rows of logits, but {len(targets)} targets")
    return targets
