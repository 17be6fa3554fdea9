"""Every layer and loss beside PyTorch's: weights from the same seed, outputs, gradients, states, reprs and errors."""

from __future__ import annotations

import inspect
import math
import warnings
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import glassgrad as gg  # noqa: E402
from glassgrad import nn  # noqa: E402
from module_rows import ROWS, Row  # noqa: E402

torch.set_num_threads(1)
pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")


def make(case: Row, seed: int = 0) -> tuple[Any, Any]:
    gg.manual_seed(seed), torch.manual_seed(seed)
    return getattr(nn, case.name)(*case.args, **case.options), getattr(torch.nn, case.name)(*case.args, **case.options)


def inputs(case: Row, dtype: str) -> list[np.ndarray]:
    rng = np.random.RandomState(3)
    reals = [rng.uniform(0.05, 0.95, s) if case.positive else rng.standard_normal(s) for s in case.shapes]
    made = [np.asarray(a, dtype) for a in reals]
    made += [rng.randint(0, below, s) for s, below in case.integers]
    return made if case.signs is None else [*made, np.asarray(rng.choice([-1.0, 1.0], case.signs), dtype)]


def near(ours: Any, theirs: Any, dtype: str) -> None:
    a, b = ours.detach().numpy(), theirs.detach().numpy()
    assert a.shape == b.shape and a.dtype == b.dtype
    rtol = 1e-10 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * max(1.0, float(np.abs(b).max(initial=0))))


def leaves(x: Any) -> list[Any]:
    return [t for part in x for t in leaves(part)] if isinstance(x, tuple) else [x]


def same_states(ours: Any, theirs: Any, exact: bool = True) -> None:
    mine, other = ours.state_dict(), theirs.state_dict()
    assert list(mine) == list(other)
    assert dict(mine._metadata) == dict(other._metadata)
    for key in other:
        a, b = mine[key].numpy(), other[key].numpy()
        assert a.shape == b.shape and a.dtype == b.dtype, key
        if exact:
            np.testing.assert_array_equal(a, b)
        else:
            near(mine[key], other[key], "float32")


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_constructor(case: Row) -> None:
    """The same weights from the same seed, and the generator left where PyTorch leaves it."""
    ours, theirs = make(case)
    same_states(ours, theirs, exact=case.name != "Embedding" or ours.weight.numel() >= 16)
    assert repr(ours) == repr(theirs)
    assert gg.rand(3).tolist() == torch.rand(3).tolist()
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert [n for n, _ in ours.named_buffers()] == [n for n, _ in theirs.named_buffers()]


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", ROWS, ids=str)
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss")
@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.filterwarnings("ignore:An output with one or more elements was resized")
def test_output_and_gradients(case: Row, dtype: str, mode: str) -> None:
    ours, theirs = make(case)
    for m in (ours, theirs):
        m.to(getattr(gg if m is ours else torch, dtype)).train(mode == "train")
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    arrays = inputs(case, dtype)
    for _ in range(2):  # a second time: running statistics have moved
        xs = [gg.tensor(a, requires_grad=i < len(case.shapes)) for i, a in enumerate(arrays)]
        zs = [torch.tensor(a, requires_grad=i < len(case.shapes)) for i, a in enumerate(arrays)]
        ours.zero_grad(), theirs.zero_grad()
        gg.manual_seed(5), torch.manual_seed(5)
        # an intermediate, since what is in place may not change a leaf
        y = ours(*[x * 1 if x.requires_grad else x for x in xs])
        z = theirs(*[t * 1 if t.requires_grad else t for t in zs])
        (y, *more), (z, *others) = leaves(y), leaves(z)  # further outputs: indices, last states
        for a, b in zip([y, *more], [z, *others], strict=True):
            near(a, b, dtype)
        assert y.requires_grad == z.requires_grad
        if not z.requires_grad:
            continue
        g = np.asarray(np.random.RandomState(1).standard_normal(tuple(z.shape)), dtype)
        y.backward(gg.tensor(g)), z.backward(torch.tensor(g))
        for x, t in zip(xs, zs, strict=True):
            if t.grad is not None:  # PyTorch's gradient of hardsigmoid has float32's 1 / 6 in it
                near(x.grad, t.grad, "float32" if case.name == "Hardsigmoid" else dtype)
        for (name, p), (_, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
            assert (p.grad is None) == (q.grad is None), name
            if q.grad is not None:
                near(p.grad, q.grad, dtype)
        for b, c in zip(ours.buffers(), theirs.buffers(), strict=True):
            near(b, c, dtype)


def test_every_class_has_a_row() -> None:
    have = {case.name for case in ROWS}
    ours = {n for n in nn.__all__ if inspect.isclass(getattr(nn, n)) and issubclass(getattr(nn, n), nn.Module)}
    containers = {"Module", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"}
    containers |= {"TransformerEncoder", "TransformerDecoder"}  # of layers: in test_transformer_torch.py
    bases = {"RNNBase", "RNNCellBase", "NonDynamicallyQuantizableLinear"}
    others = {"CTCLoss", "Container", "CrossMapLRN2d", "DataParallel", "NLLLoss2d"}  # below
    bases |= {name for name in ours if name.startswith("Lazy")}  # in test_lazy_torch.py
    assert ours - containers - bases - others == have
    assert not ours - set(dir(torch.nn))


@pytest.mark.parametrize("name", sorted({case.name for case in ROWS}))
def test_signature(name: str) -> None:
    """Arguments of the constructor: PyTorch's names, order, kinds and defaults."""

    def of(library: Any) -> list[tuple[Any, ...]]:
        parameters = inspect.signature(getattr(library, name)).parameters.values()
        return [(p.name, p.kind, getattr(p.default, "__name__", p.default)) for p in parameters]

    theirs = of(torch.nn)
    if [p[0] for p in theirs] == ["args", "kwargs"] and name != "Identity":  # Module's own, which takes nothing
        theirs = []
    ours = of(nn)
    assert [p for p in ours if p[0] not in ("args", "kwargs")] == [p for p in theirs if p[0] not in ("args", "kwargs")]


# --- losses with weights ---


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("name", "which"), [
    ("CrossEntropyLoss", "weight"), ("NLLLoss", "weight"), ("BCELoss", "weight"), ("BCEWithLogitsLoss", "weight"),
    ("BCEWithLogitsLoss", "pos_weight"), ("MultiLabelSoftMarginLoss", "weight"), ("MultiMarginLoss", "weight"),
])  # fmt: skip
def test_weighted_losses(name: str, which: str, reduction: str) -> None:
    rng = np.random.RandomState(0)
    w, x = rng.uniform(0.5, 2, 5), rng.uniform(0.05, 0.95, (6, 5))
    t = rng.randint(0, 5, 6) if name in ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss") else rng.rand(6, 5)
    ours = getattr(nn, name)(**{which: gg.tensor(w)}, reduction=reduction)
    theirs = getattr(torch.nn, name)(**{which: torch.tensor(w)}, reduction=reduction)
    same_states(ours, theirs)
    assert repr(ours) == repr(theirs)
    near(ours(gg.tensor(x), gg.tensor(t)), theirs(torch.tensor(x), torch.tensor(t)), "float64")


@pytest.mark.parametrize("old", [(False, None), (None, False), (True, True), (False, False), (False, True)])
def test_old_words_for_reduction(old: Any) -> None:
    with pytest.warns(UserWarning, match="size_average and reduce"):
        theirs = torch.nn.MSELoss(*old)
    with pytest.warns(UserWarning, match="size_average and reduce"):
        ours = nn.MSELoss(*old)
    assert ours.reduction == theirs.reduction


def test_output_size_of_a_transposed_convolution() -> None:
    ours, theirs = make(Row("ConvTranspose2d", (4, 6, 3), {"stride": 3, "padding": 1}))
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    a = np.random.RandomState(0).standard_normal((2, 4, 5, 4)).astype(np.float32)
    for size in ((14, 11), (2, 6, 15, 12), [13, 10]):
        near(ours(gg.tensor(a), size), theirs(torch.tensor(a), size), "float32")
    for wrong in ((20, 11), (14,), (14, 11, 3)):
        with pytest.raises(ValueError, match="output"):
            theirs(torch.tensor(a), wrong)
        with pytest.raises(ValueError, match="output"):
            ours(gg.tensor(a), wrong)


# --- init ---

INITS = [
    ("uniform_", {}), ("uniform_", {"a": -2.0, "b": 3.0}), ("normal_", {}), ("normal_", {"mean": 1.0, "std": 0.1}),
    ("constant_", {"val": 0.3}), ("ones_", {}), ("zeros_", {}), ("eye_", {}), ("dirac_", {}), ("dirac_", {"groups": 2}),
    ("xavier_uniform_", {}), ("xavier_uniform_", {"gain": 2.0}), ("xavier_normal_", {}), ("kaiming_uniform_", {}),
    ("kaiming_uniform_", {"a": 0.3, "mode": "fan_out"}), ("kaiming_uniform_", {"nonlinearity": "relu"}),
    ("kaiming_normal_", {"nonlinearity": "tanh"}), ("trunc_normal_", {}), ("trunc_normal_", {"std": 0.02}),
    ("trunc_normal_", {"mean": 0.3, "a": -0.2, "b": 0.1}), ("orthogonal_", {}), ("orthogonal_", {"gain": 2.0}),
    ("sparse_", {"sparsity": 0.3}),
]  # fmt: skip
SHAPES = [(6, 5), (4, 3), (30, 40), (40, 30), (6, 2, 3), (8, 4, 3, 3), (4, 2, 3, 3, 2)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("name", "options"), INITS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_init(name: str, options: Any, shape: Any, dtype: str) -> None:
    x, z = gg.zeros(shape, dtype=getattr(gg, dtype)), torch.zeros(shape, dtype=getattr(torch, dtype))
    gg.manual_seed(1), torch.manual_seed(1)
    try:
        getattr(torch.nn.init, name)(z, **options)
    except ValueError:
        with pytest.raises(ValueError, match=r"dim|Fan"):
            getattr(nn.init, name)(x, **options)
        return
    assert getattr(nn.init, name)(x, **options) is x
    exact = name not in ("normal_", "xavier_normal_", "kaiming_normal_", "trunc_normal_", "orthogonal_", "sparse_")
    if exact:
        np.testing.assert_array_equal(x.numpy(), z.numpy())
    else:
        np.testing.assert_allclose(x.numpy(), z.numpy(), rtol=1e-5 if dtype == "float32" else 1e-12, atol=2e-7)
    assert gg.rand(2).tolist() == torch.rand(2).tolist()


@pytest.mark.parametrize("name", ["uniform_", "normal_", "trunc_normal_", "kaiming_normal_"])
def test_init_out_of_order_and_with_a_generator(name: str) -> None:
    x, z = gg.zeros(6, 5).t(), torch.zeros(6, 5).t()
    g, h = gg.Generator().manual_seed(4), torch.Generator().manual_seed(4)
    getattr(nn.init, name)(x, generator=g), getattr(torch.nn.init, name)(z, generator=h)
    np.testing.assert_allclose(x.numpy(), z.numpy(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("nonlinearity", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
@pytest.mark.parametrize("param", [None, 0.3, 2])
def test_gain(nonlinearity: str, param: Any) -> None:
    assert nn.init.calculate_gain(nonlinearity, param) == torch.nn.init.calculate_gain(nonlinearity, param)


# --- utils ---


@pytest.mark.parametrize("norm_type", [2.0, 1, 3.5, math.inf, 0.5])
@pytest.mark.parametrize("max_norm", [0.1, 1e6])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clip_grad_norm(norm_type: float, max_norm: float, dtype: str) -> None:
    rng = np.random.RandomState(0)
    arrays = [np.asarray(rng.standard_normal(s), dtype) for s in ((3, 4), (5,), (), (2, 0))]
    ps, qs = [gg.tensor(a) for a in arrays], [torch.tensor(a) for a in arrays]
    for p, q in zip(ps[:3], qs[:3], strict=True):
        p.grad, q.grad = p * 2, q * 2
    near(nn.utils.get_total_norm([p.grad for p in ps[:3]], norm_type),
         torch.nn.utils.get_total_norm([q.grad for q in qs[:3]], norm_type), dtype)  # fmt: skip
    ours = nn.utils.clip_grad_norm_(iter(ps), max_norm, norm_type)
    near(ours, torch.nn.utils.clip_grad_norm_(qs, max_norm, norm_type), dtype)
    for p, q in zip(ps[:3], qs[:3], strict=True):
        near(p.grad, q.grad, dtype)
    nn.utils.clip_grad_value_(ps, 0.01), torch.nn.utils.clip_grad_value_(qs, 0.01)
    for p, q in zip(ps[:3], qs[:3], strict=True):
        near(p.grad, q.grad, dtype)


def test_norms_that_are_not_finite() -> None:
    for library, one in ((nn.utils, gg.ones), (torch.nn.utils, torch.ones)):
        p = one(3)
        p.grad = one(3) * math.nan
        with pytest.raises(RuntimeError, match="non-finite"):
            library.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)
        assert math.isnan(library.clip_grad_norm_(p, 1.0).item())
        p.grad = one(3)
        assert library.clip_grad_norm_([], 1.0).item() == 0.0


def test_parameters_as_a_vector() -> None:
    ours, theirs = make(Row("Linear", (3, 4)))
    vector = torch.nn.utils.parameters_to_vector(theirs.parameters())
    near(nn.utils.parameters_to_vector(ours.parameters()), vector, "float64")
    v = np.arange(16.0, dtype=np.float32)
    nn.utils.vector_to_parameters(gg.tensor(v), ours.parameters())
    torch.nn.utils.vector_to_parameters(torch.tensor(v), theirs.parameters())
    same_states(ours, theirs)


# --- networks ---


def network(library: Any) -> Any:
    n = library
    layers = n.Conv2d(1, 4, 3, bias=False), n.BatchNorm2d(4), n.ReLU(), n.MaxPool2d(2), n.Dropout2d(0.2)
    parts = {"features": n.Sequential(*layers), "pool": n.AdaptiveAvgPool2d((2, 2)), "flat": n.Flatten()}
    return n.Sequential(OrderedDict(parts, heads=n.ModuleDict({"a": n.Linear(16, 3)})))


def run(m: Any, x: Any) -> Any:
    return m.heads["a"](m.flat(m.pool(m.features(x))))


def test_a_network_trains_alike() -> None:
    gg.manual_seed(0), torch.manual_seed(0)
    ours, theirs = network(nn), network(torch.nn)
    same_states(ours, theirs)
    assert repr(ours) == repr(theirs)
    opt, peer = gg.optim.Adam(ours.parameters(), 0.01), torch.optim.Adam(theirs.parameters(), 0.01)
    rng = np.random.RandomState(0)
    gg.manual_seed(1), torch.manual_seed(1)
    for _ in range(10):
        x, t = rng.standard_normal((6, 1, 9, 9)).astype(np.float32), rng.randint(0, 3, 6)
        opt.zero_grad(), peer.zero_grad()
        loss = nn.CrossEntropyLoss()(run(ours, gg.tensor(x)), gg.tensor(t))
        peer_loss = torch.nn.CrossEntropyLoss()(run(theirs, torch.tensor(x)), torch.tensor(t))
        loss.backward(), peer_loss.backward()
        opt.step(), peer.step()
        assert loss.item() == pytest.approx(peer_loss.item(), rel=1e-4)
    same_states(ours, theirs, exact=False)
    fresh = network(nn)
    assert str(fresh.load_state_dict(theirs.state_dict())) == "<All keys matched successfully>"
    less = {name: value for name, value in theirs.state_dict().items() if "bias" not in name} | {"more": torch.ones(1)}
    assert str(fresh.load_state_dict(less, strict=False)) == str(theirs.load_state_dict(less, strict=False))
    same_states(fresh, theirs)


# --- errors: the same kind as PyTorch's ---

WRONG = [
    ("Conv2d", (3, 4, 3), {"groups": 2}), ("Conv2d", (4, 3, 3), {"groups": 2}), ("Conv2d", (4, 4, 3), {"groups": 0}),
    ("Conv2d", (4, 4, 3), {"padding": "some"}), ("Conv2d", (4, 4, 3), {"padding": "same", "stride": 2}),
    ("Conv2d", (4, 4, 3), {"padding_mode": "mirror"}), ("ConvTranspose2d", (4, 4, 3), {"padding_mode": "reflect"}),
    ("Linear", (3,), {}), ("Linear", (3, 4), {"bais": True}), ("Bilinear", (0, 3, 4), {}), ("Dropout", (1.5,), {}),
    ("Dropout", (-0.1,), {}), ("GroupNorm", (3, 4), {}), ("Embedding", (3, 4, 3), {}), ("Embedding", (3, 4, -4), {}),
    ("MaxPool2d", (), {}), ("ReLU", (1, 2), {}), ("Hardtanh", (1.0, -1.0), {}),
    ("Unflatten", (1, "ab"), {}), ("TripletMarginWithDistanceLoss", (), {"margin": -1.0}), ("Sigmoid", (3,), {}),
    ("GaussianNLLLoss", (True,), {}), ("Linear", (3, 4), {"dtype": "int64"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "options"), WRONG)
def test_errors_of_constructors(name: str, args: Any, options: Any) -> None:
    def build(library: Any, types: Any) -> None:
        named = {k: getattr(types, v) if k == "dtype" else v for k, v in options.items()}
        getattr(library, name)(*args, **named)

    with pytest.raises(Exception) as theirs:
        build(torch.nn, torch)
    with pytest.raises(type(theirs.value)) as ours:
        build(nn, gg)
    assert type(ours.value) is type(theirs.value)


MISUSED = [
    ("BatchNorm2d", (4,), (2, 4, 3)), ("BatchNorm1d", (4,), (2, 4, 3, 3)), ("BatchNorm1d", (4,), (2, 5)),
    ("BatchNorm1d", (4,), (1, 4)), ("InstanceNorm2d", (4,), (4, 4)), ("Softmax2d", (), (4, 4)),
    ("Linear", (3, 4), (2, 5)), ("Conv2d", (3, 4, 3), (2, 2, 5, 5)), ("Conv2d", (3, 4, 3), (3, 5)),
    ("Conv2d", (3, 4, 9), (2, 3, 5, 5)), ("LayerNorm", (4,), (2, 5)), ("GroupNorm", (2, 4), (2, 6, 3)),
    ("Bilinear", (2, 3, 4), (2, 2)), ("MaxPool2d", (9,), (1, 1, 3, 3)), ("GLU", (), (3, 5)),
    ("Embedding", (3, 4), (2, 2)), ("PReLU", (3,), (2, 4)), ("Unflatten", (1, (2, 3)), (2, 5)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "shape"), MISUSED)
def test_errors_of_calls(name: str, args: Any, shape: Any) -> None:
    ours, theirs = make(Row(name, args))
    with pytest.raises(Exception) as expected:
        theirs(torch.ones(shape))
    with pytest.raises(type(expected.value)) as given:
        ours(gg.ones(shape))
    assert type(given.value) is type(expected.value)


@pytest.mark.parametrize("state", [
    {"weight": (4, 3)}, {"weight": (4, 3), "bias": (4,), "more": (1,)}, {"weight": (3, 4), "bias": (4,)},
])  # fmt: skip
def test_states_that_do_not_fit(state: Any) -> None:
    ours, theirs = make(Row("Linear", (3, 4)))
    before = {k: v.tolist() for k, v in ours.state_dict().items()}
    with pytest.raises(RuntimeError) as expected:
        theirs.load_state_dict({k: torch.ones(s) for k, s in state.items()})
    with pytest.raises(RuntimeError) as given:
        ours.load_state_dict({k: gg.ones(s) for k, s in state.items()})
    assert " ".join(str(given.value).replace("glassgrad.", "torch.").split()) == " ".join(str(expected.value).split())
    assert {k: v.tolist() for k, v in ours.state_dict().items()} == before
    loose = {k: s for k, s in state.items() if s != (3, 4)}
    found = ours.load_state_dict({k: gg.ones(s) for k, s in loose.items()}, strict=False)
    wanted = theirs.load_state_dict({k: torch.ones(s) for k, s in loose.items()}, strict=False)
    assert tuple(found) == tuple(wanted) and repr(found).endswith(repr(wanted).split("(", 1)[-1])


def test_warnings() -> None:
    def seen(library: Any, one: Any) -> list[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            library.init.kaiming_uniform_(one(0, 3))
            library.init.trunc_normal_(one(3, 3), mean=9.0)
            library.utils.clip_grad_norm_((p for p in []), 1.0)
            library.Hardtanh(min_value=-2.0)
        return [f"{w.category.__name__} {w.message}" for w in caught]

    assert seen(nn, gg.ones) == seen(torch.nn, torch.ones)


# --- modules that the table doesn't fit ---


def test_ctc_loss() -> None:
    rng = np.random.RandomState(0)
    x, targets = rng.standard_normal((7, 3, 5)), rng.randint(1, 5, (3, 4))
    for reduction in ("mean", "sum", "none"):
        found = []
        for library in (gg, torch):
            loss = library.nn.CTCLoss(0, reduction, True)
            z = library.tensor(x, requires_grad=True)
            y = loss(z.log_softmax(2), library.tensor(targets), library.tensor([7, 6, 3]), library.tensor([4, 2, 3]))
            y.sum().backward()
            found.append((y, z.grad))
        for a, b in zip(*found, strict=True):
            near(a, b, "float64")
    assert repr(nn.CTCLoss()) == repr(torch.nn.CTCLoss())


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_cross_map_lrn(size: int) -> None:
    """PyTorch's window doesn't let go of channel 0: only channels that have it in their window can be compared."""
    x = np.random.RandomState(0).standard_normal((2, 6, 3, 2))
    seen = (size - 1) // 2 + 1
    ours, theirs = (lib.nn.CrossMapLRN2d(size, 0.1, 0.5, 2.0)(lib.tensor(x))[:, :seen] for lib in (gg, torch))
    near(ours, theirs, "float64")
    assert repr(nn.CrossMapLRN2d(size)) == repr(torch.nn.CrossMapLRN2d(size))
    if size % 2:  # the other definition
        near(nn.CrossMapLRN2d(size)(gg.tensor(x)), torch.nn.LocalResponseNorm(size)(torch.tensor(x)), "float64")


def test_old_names() -> None:
    found = []
    for library in (gg, torch):
        with pytest.warns(FutureWarning):
            box = library.nn.Container(a=library.nn.ReLU(), b=library.nn.Linear(2, 2))
        with pytest.warns(FutureWarning):
            loss = library.nn.NLLLoss2d(ignore_index=1)
        y = loss(library.eye(3).log_softmax(0), library.tensor([0, 1, 2]))
        found.append((repr(box), repr(loss), list(box.state_dict()), round(y.item(), 5)))
    assert found[0] == found[1]


def test_several_devices() -> None:
    """Without a GPU a DataParallel is its module; SyncBatchNorm without processes is a batch norm."""
    found = []
    for library in (gg, torch):
        library.manual_seed(0)
        inner = library.nn.Sequential(library.nn.Linear(2, 3), library.nn.BatchNorm1d(3)).eval()
        net = library.nn.DataParallel(library.nn.SyncBatchNorm.convert_sync_batchnorm(inner))
        found.append((repr(net), list(net.state_dict()), net.module[1].training, net(library.ones(4, 2))))
    (*ours, y), (*theirs, z) = found
    assert ours == theirs
    near(y, z, "float32")
    with pytest.raises(ValueError, match="Default process group has not been initialized"):
        nn.parallel.DistributedDataParallel(nn.Linear(2, 2))
    with pytest.raises(NotImplementedError, match="process_group"):
        nn.SyncBatchNorm(3, process_group=1)


def test_adaptive_softmax_predicts() -> None:
    x = np.random.RandomState(0).standard_normal((9, 8))
    found = []
    for library in (gg, torch):
        library.manual_seed(1)
        net = library.nn.AdaptiveLogSoftmaxWithLoss(8, 12, [2, 5], 2.0, True).double()
        alone = net(library.tensor(x)[0], library.tensor(7))
        found.append((net.log_prob(library.tensor(x)), alone.output, alone.loss, net.predict(library.tensor(x))))
        for bad in (([3, 1], 12), ([], 12), ([0], 12), ([12], 12), ([2, 2], 12)):
            with pytest.raises(ValueError):
                library.nn.AdaptiveLogSoftmaxWithLoss(8, bad[1], bad[0])
        for target in (library.tensor([12] * 9), library.zeros(3, dtype=library.int64), library.tensor(3)):
            with pytest.raises(RuntimeError):
                net(library.tensor(x), target)
    for a, b in zip(*found, strict=True):
        near(a, b, "float64")


@pytest.mark.parametrize(("module", "args", "x", "extra"), [
    ("MaxUnpool2d", (2,), (1, 1, 4, 4), {}), ("MaxUnpool2d", (2, 2), (1, 1, 5, 5), {"output_size": [5, 5]}),
    ("MaxUnpool1d", (2,), (1, 2, 9), {"output_size": (9,)}), ("MaxUnpool3d", (2,), (1, 1, 2, 4, 4), {}),
])  # fmt: skip
def test_unpooling(module: str, args: Any, x: Any, extra: Any) -> None:
    array = np.random.RandomState(0).standard_normal(x)
    found = []
    for library in (gg, torch):
        pool = getattr(library.nn, module.replace("Unpool", "Pool"))(*args, return_indices=True)
        unpool = getattr(library.nn, module)(*args)
        found.append((unpool(*pool(library.tensor(array)), **extra), repr(unpool)))
    near(found[0][0], found[1][0], "float64")
    assert found[0][1] == found[1][1]


def test_embedding_bag_from_pretrained() -> None:
    found = []
    for library in (gg, torch):
        rows = library.arange(12.0).reshape(4, 3)
        bag = library.nn.EmbeddingBag.from_pretrained(rows, mode="sum", padding_idx=0)
        y = bag(library.tensor([1, 2, 0, 3]), library.tensor([0, 3]), library.tensor([1.0, 2.0, 3.0, 4.0]))
        found.append((y.tolist(), bag.weight.requires_grad, repr(bag)))
    assert found[0] == found[1]


@pytest.mark.parametrize("bad", [
    {"batch_chunk_size": 0}, {"chunking_method": "x"}, {"chunking_method": "aspect_ratio:0"}, {"acc_policy": "x"},
    {"acc_dtype": "int64"}, {}, {"chunking_method": "aspect_ratio:2"}, {"batch_chunk_size": 3, "chunking_method": None},
], ids=str)  # fmt: skip
def test_options_of_linear_cross_entropy(bad: Any) -> None:
    found = []
    for library in (gg, torch):
        options = {k: getattr(library, v) if k == "acc_dtype" else v for k, v in bad.items()}
        try:
            made = library.nn.LinearCrossEntropyOptions(**options)
        except ValueError:
            found.append("refused")
        else:
            library.manual_seed(0)
            loss = library.nn.LinearCrossEntropyLoss(4, 3, options=made)
            found.append(round(loss(library.ones(5, 4), library.tensor([0, 1, 2, 0, 1])).item(), 6))
    assert found[0] == found[1]


# --- functions made of others ---


FUNCTIONS: list[tuple[str, Any]] = [
    ("gumbel_softmax", lambda F, x: F.gumbel_softmax(x)), ("gumbel hard", lambda F, x: F.gumbel_softmax(x, 0.5, True)),
    ("gumbel dim", lambda F, x: F.gumbel_softmax(x, dim=0)), ("pdist", lambda F, x: F.pdist(x, 3.0)),
    ("gumbel transposed", lambda F, x: F.gumbel_softmax(x.t(), 2.0)),
    ("elu_", lambda F, x: F.elu_(x * 1, 0.5)), ("hardtanh_", lambda F, x: F.hardtanh_(x * 1, -0.5, 0.25)),
    ("leaky_relu_", lambda F, x: F.leaky_relu_(x * 1, 0.2)),
    ("conv_tbc", lambda F, x: F.conv_tbc(x.reshape(4, 2, 3), x[:2, :3].reshape(1, 3, 2), x[0, :2], 1)),
    ("lp_pool3d", lambda F, x: F.lp_pool3d(x.reshape(1, 1, 2, 3, 4), 2.0, (1, 2, 2), 1)),
    ("max_pool1d", lambda F, x: F.max_pool1d_with_indices(x, 2)[0]),
    ("max_pool2d", lambda F, x: F.max_pool2d_with_indices(x.reshape(1, 4, 6), 2)[0]),
    ("max_pool3d", lambda F, x: F.max_pool3d_with_indices(x.reshape(1, 2, 3, 4), (1, 2, 2))[0]),
    ("adaptive 1", lambda F, x: F.adaptive_max_pool1d_with_indices(x, 4)[0]),
    ("adaptive 2", lambda F, x: F.adaptive_max_pool2d_with_indices(x.reshape(1, 4, 6), 2)[0]),
    ("adaptive 3", lambda F, x: F.adaptive_max_pool3d_with_indices(x.reshape(1, 2, 3, 4), 2)[0]),
    ("fractional 2", lambda F, x: F.fractional_max_pool2d_with_indices(x.reshape(1, 4, 6), 2, 2)[0]),
    ("fractional 3", lambda F, x: F.fractional_max_pool3d_with_indices(x.reshape(1, 2, 3, 4), 1, 1)[0]),
]  # fmt: skip


@pytest.mark.parametrize("case", FUNCTIONS, ids=lambda c: c[0])
def test_functions(case: Any) -> None:
    array = np.random.RandomState(0).standard_normal((4, 6))
    found = []
    for library in (gg, torch):
        library.manual_seed(0)
        x = library.tensor(array, requires_grad=True)
        y = case[1](library.nn.functional, x)
        (y**2).sum().backward()
        found.append((y, x.grad))
    for a, b in zip(*found, strict=True):
        near(a, b, "float64")


def test_modules_are_found_where_pytorch_keeps_them() -> None:
    """Every class of nn by the file that it is in there."""
    found = 0
    for name in nn.__all__:
        theirs, ours = getattr(torch.nn, name, None), getattr(nn, name)
        if inspect.isclass(ours) and issubclass(ours, nn.Module) and theirs.__module__.startswith("torch.nn.modules."):
            assert getattr(getattr(nn.modules, theirs.__module__.split(".")[3]), name) is ours
            assert getattr(nn.modules, name) is ours
            found += 1
    assert found > 150
    for file, name in (("conv", "_ConvNd"), ("batchnorm", "_BatchNorm"), ("dropout", "_DropoutNd"), ("loss", "_Loss"),
                       ("batchnorm", "_NormBase"), ("lazy", "LazyModuleMixin"), ("instancenorm", "_InstanceNorm"),
                       ("rnn", "RNNBase"), ("linear", "NonDynamicallyQuantizableLinear")):  # fmt: skip
        assert hasattr(getattr(torch.nn.modules, file), name) and hasattr(getattr(nn.modules, file), name)
    with pytest.raises(AttributeError):
        nn.modules.conv.Linear  # noqa: B018


@pytest.mark.parametrize("wanted", [False, True])
@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda m: m.nn.Linear(3, 4), (2, 3)),
        (lambda m: m.nn.Linear(3, 4, bias=False), (2, 3)),
        (lambda m: m.nn.Conv2d(1, 2, 3), (1, 1, 5, 5)),
        (lambda m: m.nn.Sequential(m.nn.Linear(3, 4), m.nn.ReLU()), (2, 3)),
        (lambda m: m.nn.Sequential(m.nn.Conv2d(1, 2, 3), m.nn.MaxPool2d(2)), (1, 1, 6, 6)),
        (lambda m: m.nn.Sequential(m.nn.Linear(3, 4), m.nn.Flatten()), (2, 2, 3)),
    ],
)
def test_backward_hooks_of_the_old_kind(make: Any, shape: tuple[int, ...], wanted: bool) -> None:
    """They see the gradients of the module's last operation, in its order, and may change them."""
    numbers = np.random.default_rng(0).normal(size=shape)
    found = []
    for library in (torch, gg):
        library.manual_seed(0)
        module, x = make(library), library.tensor(numbers, dtype=library.float32, requires_grad=wanted)
        seen: list[Any] = []

        def hook(module: Any, grad_input: Any, grad_output: Any, seen: list[Any] = seen) -> Any:
            seen += [*grad_input, *grad_output]
            return tuple(None if g is None else g * 3 for g in grad_input)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's, that it is deprecated
            module.register_backward_hook(hook)
            module(x).square().sum().backward()
        found.append(
            [None if g is None else g.detach().numpy() for g in (*seen, *(p.grad for p in module.parameters()))]
        )
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_equal(ours is None, theirs is None)
        if ours is not None:
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
