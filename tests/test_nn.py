"""Modules, containers, init and utils, without any other library: stored numbers, rules and errors."""

from __future__ import annotations

import copy
import inspect
import math
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn, optim
from glassgrad.nn.layers.declared import Declared
from module_rows import ROWS, Row

# --- declared modules ---


def below(cls: type) -> list[type]:
    return [cls, *(found for sub in cls.__subclasses__() for found in below(sub))]


def test_every_declared_function_exists() -> None:
    names = {cls.__dict__["_function"] for cls in below(Declared) if cls.__dict__.get("_function")}
    assert len(names) > 60
    assert [name for name in names if not hasattr(nn.functional, name)] == []


@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
@pytest.mark.parametrize("case", ROWS, ids=str)
def test_modules_can_be_copied_shown_and_moved(case: Row) -> None:
    gg.manual_seed(0)
    module = getattr(nn, case.name)(*case.args, **case.options)
    other = copy.deepcopy(module).double().train(False)
    assert repr(other) == repr(module)
    assert [*other.state_dict()] == [*module.state_dict()]
    for p, q in zip(module.parameters(), other.parameters(), strict=True):
        assert p is not q and q.dtype is gg.float64
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy().astype(np.float32))


def test_options_are_attributes_that_count() -> None:
    m = nn.LeakyReLU(0.5)
    m.negative_slope = 0.25
    assert m(gg.tensor([-4.0, 4.0])).tolist() == [-1.0, 4.0]
    assert repr(m) == "LeakyReLU(negative_slope=0.25)"


def test_a_subclass_has_its_own_constructor() -> None:
    class Twice(nn.Softmax):
        factor: int = 2

        def __init__(self, factor: int) -> None:
            super().__init__(dim=0)
            self.factor = factor

    assert list(inspect.signature(Twice).parameters) == ["factor"]
    assert Twice(3).factor == 3 and Twice(3).dim == 0
    assert Twice(3)(gg.tensor([0.0, 0.0])).tolist() == [0.5, 0.5]


def test_stored_weights() -> None:
    """PyTorch's numbers for this seed."""
    gg.manual_seed(0)
    expected = [[-0.0043225177, 0.3097158372, -0.4751853347], [-0.4248946011, -0.2223689705, 0.1548207253]]
    np.testing.assert_allclose(nn.Linear(3, 2).weight.tolist(), expected, rtol=1e-7)


def test_assigning_again_keeps_the_order() -> None:
    m = nn.Linear(2, 2)
    m.weight = nn.Parameter(gg.zeros(2, 2))
    assert [*m.state_dict()] == ["weight", "bias"]
    m = nn.Sequential(nn.ReLU(), nn.Tanh())
    m[0] = nn.GELU()
    assert [type(x).__name__ for x in m] == ["GELU", "Tanh"]


def test_dropout_only_in_training() -> None:
    m, x = nn.Dropout(0.5), gg.ones(1000)
    assert set(m(x).tolist()) == {0.0, 2.0}
    assert m.eval()(x) is x or m(x).tolist() == x.tolist()


def test_batch_norm_counts_and_moves() -> None:
    m = nn.BatchNorm1d(1)
    m(gg.tensor([[0.0], [2.0]]))
    assert m.num_batches_tracked.item() == 1
    assert m.running_mean.item() == pytest.approx(0.1)
    assert m.running_var.item() == pytest.approx(0.9 + 0.1 * 2)  # the unbiased variance
    assert m.eval()(gg.tensor([[0.1]])).item() == pytest.approx(0.0, abs=1e-7)
    m.reset_running_stats()
    assert (m.running_mean.item(), m.running_var.item(), m.num_batches_tracked.item()) == (0, 1, 0)


def test_padding_row_of_an_embedding() -> None:
    m = nn.Embedding(4, 2, padding_idx=-1)
    assert m.padding_idx == 3 and m.weight[3].tolist() == [0, 0]
    m(gg.tensor([3, 1])).sum().backward()
    assert m.weight.grad.tolist() == [[0, 0], [1, 1], [0, 0], [0, 0]]
    frozen = nn.Embedding.from_pretrained(gg.eye(3))
    assert not frozen.weight.requires_grad
    assert frozen(gg.tensor([1])).tolist() == [[0, 1, 0]]


# --- containers ---


def relus(n: int) -> list[nn.Module]:
    return [nn.LeakyReLU(i / 10) for i in range(n)]


def slopes(modules: Any) -> list[float]:
    return [m.negative_slope for m in modules]


@pytest.mark.parametrize("make", [lambda ms: nn.ModuleList(ms), lambda ms: nn.Sequential(*ms)])
def test_chains_are_lists(make: Any) -> None:
    chain = make(relus(4))
    assert len(chain) == 4 and slopes(chain) == [0.0, 0.1, 0.2, 0.3]
    assert chain[-1].negative_slope == 0.3 and slopes(chain[1:3]) == [0.1, 0.2] and type(chain[1:3]) is type(chain)
    assert slopes(chain[::-2]) == [0.3, 0.1]
    chain[1] = nn.LeakyReLU(9.0)
    del chain[0]
    assert [*chain._modules] == ["0", "1", "2"] and slopes(chain) == [9.0, 0.2, 0.3]
    chain.append(nn.LeakyReLU(5.0)).insert(0, nn.LeakyReLU(4.0))
    assert slopes(chain) == [4.0, 9.0, 0.2, 0.3, 5.0]
    assert chain.pop(-1).negative_slope == 5.0 and len(chain) == 4
    chain.extend(relus(1))
    chain += make(relus(2))
    assert slopes(chain) == [4.0, 9.0, 0.2, 0.3, 0.0, 0.0, 0.1]
    assert slopes(chain + make(relus(1)))[-2:] == [0.1, 0.0]
    del chain[1:6]
    assert slopes(chain) == [4.0, 0.1] and [*chain._modules] == ["0", "1"]
    assert "0" not in dir(chain)


def test_sequential() -> None:
    m = nn.Sequential(OrderedDict(a=nn.Threshold(0, 7.0), b=nn.Flatten(0)))
    assert m(gg.tensor([[-1.0, 2.0]])).tolist() == [7.0, 2.0]
    assert [*m[:1]._modules] == ["a"] and m.a is m[0]
    assert len(m * 3) == 6 == len(2 * m) + 2
    m *= 2
    assert len(m) == 4
    assert repr(nn.Sequential()) == "Sequential()"


def test_module_list_shows_equal_neighbours_once() -> None:
    m = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Sequential(nn.Tanh()), nn.ReLU()])
    expected = "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Sequential(\n    (0): Tanh()\n  )\n  (3): ReLU()\n)"
    assert repr(m) == expected
    assert repr(nn.ModuleList()) == "ModuleList()"


def test_module_dict() -> None:
    m = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()})
    assert [*m] == ["a", "b"] == [*m.keys()] and "a" in m and len(m) == 2
    m.update([("c", nn.Linear(1, 1)), ("a", nn.GELU())])
    assert repr(m["a"]) == "GELU(approximate='none')" and [*m.state_dict()] == ["c.weight", "c.bias"]
    assert [k for k, _ in m.items()] == ["a", "b", "c"] and len([*m.values()]) == 3
    assert isinstance(m.pop("b"), nn.Tanh) and "b" not in m
    del m["a"]
    m.clear()
    assert len(m) == 0


def test_parameter_list() -> None:
    m = nn.ParameterList([gg.ones(2, 3), 5, nn.Parameter(gg.zeros(1))])
    assert isinstance(m[0], nn.Parameter) and m[1] == 5 and len(m) == 3 and len([*m.parameters()]) == 2
    m.append(gg.ones(1)).extend([gg.ones(1)])
    m += [7]
    m[-1] = 8
    assert m[5] == 8 and [*m.state_dict()] == ["0", "2", "3", "4"] and len(m[1:3]) == 2
    lines = repr(m).split("\n")
    assert lines[1] == "    (0): Parameter containing: [glassgrad.float32 of size 2x3]"
    assert lines[2] == "    (1): Object of type: int"


def test_parameter_dict() -> None:
    m = nn.ParameterDict({"a": gg.ones(2), "n": 3})
    assert isinstance(m["a"], nn.Parameter) and m["n"] == 3 and "a" in m and [*reversed(m)] == ["n", "a"]
    assert m.get("z") is None and m.get("z", 4) == 4 and m.setdefault("z", 5) == 5
    both = m | nn.ParameterDict({"q": gg.zeros(1)})
    assert [*both.keys()] == ["a", "n", "z", "q"] and both["a"] is m["a"] and len(m) == 3
    m |= nn.ParameterDict({"q": gg.zeros(1)})
    assert m.popitem()[0] == "q" and m.pop("z") == 5 and [*m.state_dict()] == ["a"]
    assert repr(m).split("\n")[1] == "    (a): Parameter containing: [torch.FloatTensor of size 2]"
    assert [*m.copy().items()][0][1] is m["a"] and m.fromkeys(["x", "y"], 1)["y"] == 1
    m.clear()
    assert len(m) == 0 == len([*m.values()])


ERRORS = [
    (lambda: nn.ModuleList([nn.ReLU()])[3], IndexError, "index 3 is out of range"),
    (lambda: nn.Sequential(nn.ReLU())[-2], IndexError, "index -2 is out of range"),
    (lambda: nn.ParameterList([])[0], IndexError, "index 0 is out of range"),
    (lambda: nn.ModuleDict({})["b"], KeyError, "b"),
    (lambda: nn.ModuleDict({}).pop("b"), KeyError, "b"),
    (lambda: nn.ModuleList(5), TypeError, "should be called with an iterable, but got int"),
    (lambda: nn.ModuleList([5]), TypeError, "int is not a Module subclass"),
    (lambda: nn.ModuleList([nn.ReLU()]).insert(0, 5), TypeError, "is not a Module subclass"),
    (lambda: nn.Sequential(5), TypeError, "int is not a Module subclass"),
    (lambda: nn.Sequential().insert(0, 5), AssertionError, "module should be of type"),
    (lambda: nn.Sequential().insert(3, nn.ReLU()), IndexError, "Index out of range: 3"),
    (lambda: nn.Sequential(nn.ReLU()) + nn.ReLU(), ValueError, "only objects of Sequential class"),
    (lambda: nn.Sequential(nn.ReLU()) * 0, ValueError, "Non-positive multiplication factor 0"),
    (lambda: nn.Sequential(nn.ReLU()) * "a", TypeError, "unsupported operand"),
    (lambda: nn.ModuleDict({"a": 5}), TypeError, "int is not a Module subclass"),
    (lambda: nn.ModuleDict([("a",)]), ValueError, "element #0 has length 1; 2 is required"),
    (lambda: nn.ModuleDict([5]), TypeError, "element #0 should be Iterable; is int"),
    (lambda: nn.ModuleDict(5), TypeError, "iterable of key/value pairs, but got int"),
    (lambda: nn.ParameterDict({1: 2}), TypeError, "not a string"),
    (lambda: nn.ParameterDict({}).popitem(), KeyError, "dictionary is empty"),
    (lambda: nn.ParameterDict({})["x"], AttributeError, "no attribute 'x'"),
    (lambda: nn.ParameterList(gg.ones(2)), TypeError, "should be called with an iterable"),
    (lambda: nn.ParameterList([1])(2), RuntimeError, "should not be called"),
    (lambda: nn.ParameterDict({})(2), RuntimeError, "should not be called"),
    (lambda: nn.ModuleList()(2), NotImplementedError, "missing the required"),
    (lambda: nn.MaxPool2d(), TypeError, "kernel_size"),
    (lambda: nn.ReLU(1, 2), TypeError, r"ReLU.__init__\(\)"),
    (lambda: nn.Linear(3, 4, dtype=gg.int64), RuntimeError, "floating point"),
    (lambda: nn.Unflatten("a", (2, 3)), TypeError, "invalid argument type for dim"),
    (lambda: nn.Unflatten(1, "ab"), TypeError, "must be a tuple of ints"),
    (lambda: nn.Embedding(3, 4, _weight=gg.ones(2, 2)), AssertionError, "Shape of weight does not match"),
    (lambda: nn.Embedding.from_pretrained(gg.ones(2)), AssertionError, "2-dimensional"),
    (lambda: nn.CrossEntropyLoss(weight=[1.0, 2.0]), TypeError, "weight must be a Tensor, got list"),
    (lambda: nn.MSELoss(reduction="avg")(gg.ones(1), gg.ones(1)), ValueError, "avg is not a valid value"),
    (lambda: nn.InstanceNorm1d(3, affine=True)(gg.ones(2, 4, 5)), ValueError, "to match num_features"),
    (lambda: nn.BatchNorm2d(3)(gg.ones(2, 3)), ValueError, r"expected 4D input \(got 2D input\)"),
    (lambda: nn.GroupNorm(3, 4), ValueError, r"num_channels \(4\) must be divisible by num_groups \(3\)"),
    (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "in_channels must be divisible by groups"),
    (lambda: nn.Conv1d(4, 4, 3, padding="same", stride=2), ValueError, "strided"),
    (lambda: nn.Conv1d(4, 4, 3, padding="half"), ValueError, "Invalid padding string 'half'"),
    (lambda: nn.Conv1d(4, 4, 3, padding_mode="half"), ValueError, "padding_mode must be one of"),
    (lambda: nn.Dropout(1.5), ValueError, "has to be between 0 and 1, but got 1.5"),
    (lambda: nn.init.eye_(gg.ones(2)), ValueError, "2 dimensions are supported, got 1"),
    (lambda: nn.init.dirac_(gg.ones(2, 2)), ValueError, "3, 4, or 5 dimensions"),
    (lambda: nn.init.dirac_(gg.ones(3, 2, 2), groups=2), ValueError, "divisible by groups"),
    (lambda: nn.init.sparse_(gg.ones(2), 0.1), ValueError, "2 dimensions"),
    (lambda: nn.init.orthogonal_(gg.ones(2)), ValueError, "2 or more dimensions"),
    (lambda: nn.init.kaiming_normal_(gg.ones(2)), ValueError, "Fan in and fan out can not be computed"),
    (lambda: nn.init.kaiming_normal_(gg.ones(2, 2), mode="in"), ValueError, "Mode in not supported"),
    (lambda: nn.init.calculate_gain("swish"), ValueError, "Unsupported nonlinearity swish"),
    (lambda: nn.init.calculate_gain("leaky_relu", True), ValueError, "not a valid number"),
    (lambda: nn.utils.vector_to_parameters([1.0], []), TypeError, "but got: list"),
    (lambda: nn.Linear(2, 2).load_state_dict([1]), TypeError, "dict-like"),
    (lambda: nn.Linear(2, 2).load_state_dict({"weight": 3}), RuntimeError, 'Missing key.*"bias"'),
]


@pytest.mark.parametrize(("call", "kind", "words"), ERRORS)
def test_errors(call: Any, kind: type, words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        call()
    assert caught.type is kind


def test_instance_norm_of_other_channels_warns() -> None:
    with pytest.warns(UserWarning, match="does not match num_features"):
        nn.InstanceNorm1d(3)(gg.ones(2, 4, 5))


# --- init and utils ---


def test_orthogonal_rows() -> None:
    gg.manual_seed(0)
    w = nn.init.orthogonal_(gg.zeros(3, 2, 4, dtype=gg.float64)).reshape(3, 8).numpy()
    np.testing.assert_allclose(w @ w.T, np.eye(3), atol=1e-14)


def test_truncated_normals_stay_inside() -> None:
    for a, b in ((-1.0, 0.5), (2.0, 2.5)):
        w = nn.init.trunc_normal_(gg.zeros(500), a=a, b=b).numpy()
        assert w.min() >= a and w.max() <= b and len(set(w.tolist())) > 400


NORMS = {
    "instance": nn.InstanceNorm2d(2), "batch": nn.BatchNorm2d(2, affine=False),
    "group": nn.GroupNorm(1, 2, affine=False), "layer": nn.LayerNorm(3, elementwise_affine=False),
}  # fmt: skip


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_what_a_norm_gave_may_change_in_place(norm: nn.Module) -> None:
    """CycleGAN and its like: a norm without weights, then an activation in its place."""
    x = gg.randn(2, 2, 3, 3)
    slopes = []
    for inplace in (True, False):
        leaf = x.clone().requires_grad_()
        (nn.LeakyReLU(0.2, inplace=inplace)(norm(leaf)) * x).sum().backward()
        slopes.append(leaf.grad.tolist())
    assert slopes[0] == slopes[1]


def test_inputs_by_name() -> None:
    x, y = gg.randn(2, 3), gg.tensor([0, 2])
    assert gg.equal(nn.CrossEntropyLoss()(input=x, target=y), nn.CrossEntropyLoss()(x, y))
    assert gg.equal(nn.CosineSimilarity(1)(x1=x, x2=x), nn.CosineSimilarity(1)(x, x))
    with pytest.raises(TypeError, match="dim"):
        nn.Softmax(1)(input=x, dim=0)


def test_blank_lines_of_a_repr_are_not_indented() -> None:
    class Shown(nn.Module):
        def extra_repr(self) -> str:
            return "a\n\nb\n"

    assert repr(nn.Sequential(Shown())) == "Sequential(\n  (0): Shown(\n    a\n\n    b\n\n  )\n)"
    assert repr(nn.ModuleList([Shown()])) == "ModuleList(\n  (0): Shown(\n    a\n    \n    b\n    \n  )\n)"


def test_init_changes_parameters_and_their_version() -> None:
    p = nn.Parameter(gg.ones(2, 2))
    y = (p * p).sum()
    nn.init.zeros_(p)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_clipping_scales_to_the_norm() -> None:
    p, q = gg.ones(2), gg.ones(2)
    p.grad, q.grad = gg.tensor([3.0, 0.0]), gg.tensor([0.0, 4.0])
    assert nn.utils.clip_grad_norm_([p, q], 1.0).item() == 5.0
    np.testing.assert_allclose([*p.grad.tolist(), *q.grad.tolist()], [0.6, 0, 0, 0.8], rtol=1e-6)
    assert nn.utils.get_total_norm([gg.tensor([1.0, -7.0])], math.inf).item() == 7.0


def test_adaptive_pooling_has_a_graph() -> None:
    x = gg.arange(16.0).reshape(1, 1, 4, 4).requires_grad_()
    nn.AdaptiveAvgPool2d(1)(x).backward()
    assert (x.grad == 1 / 16).all()


# --- lazy layers ---


def test_a_lazy_layer_becomes_what_it_stands_for() -> None:
    net = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2))
    assert repr(net[0]) == "LazyConv2d(0, 4, kernel_size=(3, 3), stride=(1, 1))"
    optimizer = optim.SGD(net.parameters(), 0.1)
    with pytest.raises(ValueError, match="dummy batch"):
        net[3].weight.sum()
    net(gg.ones(2, 3, 5, 5)).sum().backward()
    optimizer.step()
    assert [type(m) for m in net] == [nn.Conv2d, nn.BatchNorm2d, nn.Flatten, nn.Linear]
    assert net[3].in_features == 36 and net[0].weight.shape == (4, 3, 3, 3)


# --- hooks are found where PyTorch has them ---


def test_hooks_lie_in_their_stores() -> None:
    net = nn.Linear(1, 1)
    seen: list[Any] = []

    def plain(*args: Any) -> None:
        seen.append(args[1:])

    def more(module: nn.Module, args: Any, kwargs: Any) -> None:
        seen.append(kwargs)

    first = net.register_forward_pre_hook(plain)
    second = net.register_forward_pre_hook(more, with_kwargs=True, prepend=True)
    assert list(net._forward_pre_hooks.items()) == [(second.id, more), (first.id, plain)]
    assert list(net._forward_pre_hooks_with_kwargs) == [second.id] and second.id == first.id + 1
    copied = copy.deepcopy(net)
    second.remove()
    assert list(net._forward_pre_hooks.values()) == [plain] and not net._forward_pre_hooks_with_kwargs
    x = gg.ones(1)
    net(input=x)
    copied(input=x)  # the copy still has both
    assert seen == [((),), {"input": x}, ((),)]
