"""What nodes are called: grad_fn.name() as PyTorch has it, for the table of cases, in-place operations and layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from cases import CASES
from cases.make import Case
from oracle.test_cases_torch import Side

torch = pytest.importorskip("torch")

# PyTorch composes these of other operations, or names a path that it takes for special values and sizes.
OTHERWISE = set("""
    Tensor.sum_to_size atleast_2d cdist chain_matmul clamp copysign cumulative_trapezoid diag einsum linalg.cond
    linalg.matrix_norm linalg.matrix_power linalg.multi_dot linalg.norm linalg.qr linalg.tensorinv linalg.vander matmul
    mean native_dropout nn.functional.cross_entropy nn.functional.linear nn.functional.linear_cross_entropy
    nn.functional.log_softmax nn.functional.margin_ranking_loss nn.functional.multi_head_attention_forward
    nn.functional.multilabel_soft_margin_loss nn.functional.pad nn.functional.rrelu nn.functional.smooth_l1_loss
    nn.functional.softmax nn.functional.softmin nn.functional.triplet_margin_loss
    nn.functional.triplet_margin_with_distance_loss norm_except_dim positive special.ndtr trapezoid xlogy
""".split())  # fmt: skip
NAMED = [c for c in CASES if c.torch and c.order and c.path not in OTHERWISE]


def names(outputs: Any) -> list[str | None]:
    outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
    return [y.grad_fn and y.grad_fn.name() for y in outputs if y.requires_grad]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("c", NAMED, ids=[c.id for c in NAMED])
def test_table(c: Case) -> None:
    assert names(Side(gg, c, np.float64).outputs) == names(Side(torch, c, np.float64).outputs)


def there(lib: Any) -> Any:
    return lib.ones(3, requires_grad=True) * 1


def changed(change: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    def run(lib: Any) -> Any:
        y = there(lib)
        change(lib, y)
        return y

    return run


CALLS: dict[str, Callable[[Any], Any]] = {
    **{f"{name}_": (lambda lib, n=name: getattr(there(lib), f"{n}_")()) for name in (
        "abs ceil cos exp floor neg relu round sigmoid sqrt squeeze tanh zero normal uniform exponential log_normal "
        "cauchy random".split())},
    "fill_": lambda lib: there(lib).fill_(1.0),
    "geometric_": lambda lib: there(lib).geometric_(0.5),
    "bernoulli_": lambda lib: there(lib).bernoulli_(0.5),
    "copy_": lambda lib: there(lib).copy_(lib.zeros(3)),
    "masked_fill_": lambda lib: there(lib).masked_fill_(lib.tensor([True, False, True]), 0.0),
    "index_fill_": lambda lib: there(lib).index_fill_(0, lib.tensor([0]), 1.0),
    "unsqueeze_": lambda lib: there(lib).unsqueeze_(0),
    "t_": lambda lib: there(lib).unsqueeze_(0).t_(),
    "part": changed(lambda lib, y: y.__setitem__(0, 5.0)),
    "picked": changed(lambda lib, y: y.__setitem__(lib.tensor([0, 1]), 5.0)),
    "masked": changed(lambda lib, y: y.__setitem__(y > 0, 5.0)),
    "2 ** x": lambda lib: 2 ** there(lib),
    "x ** x": lambda lib: there(lib) ** there(lib),
    "x ** column": lambda lib: there(lib) ** lib.ones(2, 1),
    "x ** 3": lambda lib: there(lib) ** 3,
    "normal of means": lambda lib: lib.normal(there(lib), 1.0),
    "normal of deviations": lambda lib: lib.normal(0.0, there(lib)),
    "normal of both": lambda lib: lib.normal(there(lib), there(lib)),
    "squeeze": lambda lib: there(lib)[None].squeeze(),
    "squeeze 0": lambda lib: there(lib)[None].squeeze(0),
    "squeeze (0,)": lambda lib: there(lib)[None].squeeze((0,)),
    "einsum": lambda lib: lib.einsum("i,i->", there(lib), there(lib)),
    "einsum outer": lambda lib: lib.einsum("i,j->ij", there(lib), there(lib)),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    assert names(CALLS[name](gg)) == names(CALLS[name](torch))


@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"bidirectional": True}, {"num_layers": 2}], ids=str)
@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_recurrent_layers(kind: str, options: dict[str, Any]) -> None:
    seen = []
    for lib in (gg, torch):
        out, states = getattr(lib.nn, kind)(3, 4, **options)(lib.ones(2, 5, 3))
        seen.append(names([out, *(states if isinstance(states, tuple) else [states])]))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("kind", ["RNNCell", "GRUCell", "LSTMCell"])
def test_cells(kind: str) -> None:
    seen = [names(getattr(lib.nn, kind)(3, 4)(lib.ones(2, 3))) for lib in (gg, torch)]
    assert seen[0] == seen[1]


def test_what_is_printed_has_no_namespace() -> None:
    for lib in (gg, torch):
        y = CALLS["part"](lib)
        assert "grad_fn=<CopySlices>" in repr(y) and repr(y.grad_fn).startswith("<CopySlices object")
        leaf = (lib.ones(1, requires_grad=True) * 2).grad_fn.next_functions[0][0]
        assert leaf.name() == "torch::autograd::AccumulateGrad" and repr(leaf).startswith("<AccumulateGrad object")
