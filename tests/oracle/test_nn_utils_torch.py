"""nn.utils beside PyTorch: norms of weights, parametrizations, pruning, fusing."""

from __future__ import annotations

import copy
import importlib
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torch.nn.utils.prune")

import glassgrad as gg  # noqa: E402

torch.set_num_threads(1)
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.nn.utils.weight_norm. is deprecated")


def near(a: Any, b: Any, rtol: float = 1e-9) -> None:
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=rtol, atol=1e-11)


def same_state(ours: Any, theirs: Any, rtol: float = 1e-9) -> None:
    a, b = ours.state_dict(), theirs.state_dict()
    assert list(a) == list(b)
    for key in b:
        assert a[key].shape == tuple(b[key].shape), key
        np.testing.assert_allclose(a[key].numpy(), b[key].numpy(), rtol=rtol, atol=1e-11, err_msg=key)


LAYERS: dict[str, Any] = {
    "Linear": (lambda nn: nn.Linear(4, 3), (2, 4)), "Conv2d": (lambda nn: nn.Conv2d(2, 3, 3), (1, 2, 4, 4)),
    "ConvTranspose1d": (lambda nn: nn.ConvTranspose1d(2, 3, 3), (1, 2, 4)),
}  # fmt: skip
WRAPS: dict[str, Any] = {
    "weight_norm": lambda u, m: u.weight_norm(m), "weight_norm all": lambda u, m: u.weight_norm(m, dim=None),
    "weight_norm bias": lambda u, m: u.weight_norm(m, "bias"), "weight_norm 1": lambda u, m: u.weight_norm(m, dim=1),
    "spectral_norm": lambda u, m: u.spectral_norm(m), "spectral_norm 3": lambda u, m: u.spectral_norm(m, "weight", 3),
    "parametrized weight_norm": lambda u, m: u.parametrizations.weight_norm(m),
    "parametrized weight_norm all": lambda u, m: u.parametrizations.weight_norm(m, dim=None),
    "parametrized spectral_norm": lambda u, m: u.parametrizations.spectral_norm(m),
    "parametrized spectral_norm of bias": lambda u, m: u.parametrizations.spectral_norm(m, "bias", dim=0),
}  # fmt: skip
REMOVES: dict[str, Any] = {
    "weight_norm": lambda u, m: u.remove_weight_norm(m), "spectral_norm": lambda u, m: u.remove_spectral_norm(m),
    "parametrized": lambda u, m: u.parametrize.remove_parametrizations(m, "weight"),
}  # fmt: skip


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("layer", LAYERS)
def test_norms_of_weights(layer: str, wrap: str) -> None:
    build, shape = LAYERS[layer]
    x = np.random.RandomState(0).standard_normal(shape)
    nets = []
    for library in (gg, torch):
        library.manual_seed(0)
        net = build(library.nn).double()
        assert WRAPS[wrap](library.nn.utils, net) is net
        opt = library.optim.SGD(net.parameters(), 0.1)
        for _ in range(3):
            opt.zero_grad()
            y = net(library.tensor(x))
            (y**2).mean().backward()
            opt.step()
        nets.append((net, y, net.eval()(library.tensor(x))))
    (ours, *a), (theirs, *b) = nets
    assert repr(ours) == repr(theirs)
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    same_state(ours, theirs)
    for y, z in zip(a, b, strict=True):
        near(y, z)
    if "bias" in wrap:
        return
    remove = REMOVES[wrap.split()[0]]
    remove(gg.nn.utils, ours), remove(torch.nn.utils, theirs)
    assert repr(ours) == repr(theirs)
    same_state(ours, theirs)
    near(ours(gg.tensor(x)), theirs(torch.tensor(x)))
    with pytest.raises(ValueError):
        remove(gg.nn.utils, ours)


ORTHOGONAL = [
    ((4, 4), {}), ((5, 3), {}), ((3, 5), {}), ((5, 3), {"orthogonal_map": "cayley"}),
    ((3, 5), {"orthogonal_map": "matrix_exp"}), ((5, 3), {"use_trivialization": False}),
    ((4, 4), {"orthogonal_map": "householder", "use_trivialization": False}), ((4, 4), {"orthogonal_map": "cayley"}),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "options"), ORTHOGONAL, ids=str)
def test_orthogonal(shape: Any, options: Any) -> None:
    nets = []
    for library in (gg, torch):
        library.manual_seed(2)
        net = library.nn.Linear(shape[1], shape[0], bias=False).double()
        if not options.get("use_trivialization", True):
            library.nn.init.orthogonal_(net.weight)
        library.nn.utils.parametrizations.orthogonal(net, **options)
        opt = library.optim.SGD(net.parameters(), 0.3)
        start = net.weight.detach().clone()
        for _ in range(4):
            opt.zero_grad()
            (net.weight[0] * library.arange(shape[1]).double()).sum().backward()
            opt.step()
        nets.append((net, start))
    (ours, a), (theirs, b) = nets
    near(a, b)
    near(ours.weight, theirs.weight)
    same_state(ours, theirs)
    q = ours.weight.detach().numpy()
    q = q if shape[0] >= shape[1] else q.T
    np.testing.assert_allclose(q.T @ q, np.eye(q.shape[1]), atol=1e-10)


def symmetric(library: Any) -> Any:
    class Symmetric(library.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x: Any) -> Any:
            return x.triu() + x.triu(1).transpose(-1, -2)

        def right_inverse(self, x: Any) -> Any:
            return x.triu()

    return Symmetric()


def test_parametrizations_one_after_the_other() -> None:
    found = []
    for library in (gg, torch):
        library.manual_seed(0)
        parametrize = library.nn.utils.parametrize
        net = library.nn.Linear(3, 3).double()
        parametrize.register_parametrization(net, "weight", symmetric(library))
        said = [repr(net), parametrize.is_parametrized(net), parametrize.is_parametrized(net, "bias")]
        net.weight = library.ones(3, 3).double()
        parametrize.register_parametrization(net, "weight", library.nn.Tanh(), unsafe=False)
        said.append(parametrize.type_before_parametrizations(net).__name__)
        with parametrize.cached():
            said.append(net.weight is net.weight)
        said.append(net.weight is net.weight)
        twin = copy.deepcopy(net)
        twin.load_state_dict(net.state_dict())
        said += [repr(twin), list(net.state_dict()), net.weight.tolist(), twin.weight.tolist()]
        parametrize.remove_parametrizations(net, "weight", leave_parametrized=False)
        said += [repr(net), net.weight.tolist(), type(net).__name__]
        found.append(said)
    assert found[0] == found[1]


PARAMETRIZE_WRONG: list[Any] = [
    lambda lib, p, net: p.register_parametrization(net, "nothing", lib.nn.Tanh()),
    lambda lib, p, net: p.register_parametrization(net, "weight", lib.nn.Flatten(0)),
    lambda lib, p, net: p.remove_parametrizations(net, "weight"),
    lambda lib, p, net: p.ParametrizationList([], net.weight),
    lambda lib, p, net: setattr(p.register_parametrization(net, "weight", lib.nn.Tanh()), "weight", lib.ones(3, 3)),
    lambda lib, p, net: lib.nn.utils.parametrizations.orthogonal(net, "bias"),
    lambda lib, p, net: lib.nn.utils.parametrizations.orthogonal(net, "w"),
    lambda lib, p, net: lib.nn.utils.parametrizations.orthogonal(net, orthogonal_map="x"),
    lambda lib, p, net: lib.nn.utils.parametrizations.spectral_norm(net, n_power_iterations=0),
    lambda lib, p, net: lib.nn.utils.parametrizations.spectral_norm(net, dim=2),
    lambda lib, p, net: lib.nn.utils.spectral_norm(net, n_power_iterations=0),
    lambda lib, p, net: lib.nn.utils.spectral_norm(lib.nn.utils.spectral_norm(net)),
    lambda lib, p, net: lib.nn.utils.weight_norm(lib.nn.utils.weight_norm(net)),
    lambda lib, p, net: lib.nn.utils.spectral_norm(lib.nn.Linear(2, 2, bias=False), "bias"),
    lambda lib, p, net: lib.nn.utils.weight_norm(lib.nn.LazyLinear(3)),
    lambda lib, p, net: lib.nn.utils.spectral_norm(lib.nn.LazyLinear(3)),
    lambda lib, p, net: lib.nn.utils.remove_weight_norm(net),
    lambda lib, p, net: lib.nn.utils.remove_spectral_norm(net),
    lambda lib, p, net: lib.nn.utils.skip_init(lib.Tensor, 3),
    lambda lib, p, net: lib.nn.utils.skip_init(lib.nn.ReLU),
    lambda lib, p, net: lib.nn.utils.fuse_conv_bn_eval(lib.nn.Conv1d(2, 2, 1), lib.nn.BatchNorm1d(2)),
    lambda lib, p, net: lib.nn.utils.fuse_linear_bn_eval(net.eval(), lib.nn.BatchNorm1d(2).eval()),
]


@pytest.mark.parametrize("call", PARAMETRIZE_WRONG)
def test_errors_are_of_the_same_kind(call: Any) -> None:
    with pytest.raises(Exception) as theirs:
        call(torch, torch.nn.utils.parametrize, torch.nn.Linear(3, 3))
    with pytest.raises(type(theirs.value)) as ours:
        call(gg, gg.nn.utils.parametrize, gg.nn.Linear(3, 3))
    assert type(ours.value) is type(theirs.value)


def test_a_state_of_the_old_weight_norm_loads_into_the_new() -> None:
    for library in (gg, torch):
        old = library.nn.utils.weight_norm(library.nn.Linear(2, 3))
        new = library.nn.utils.parametrizations.weight_norm(library.nn.Linear(2, 3))
        assert str(new.load_state_dict(old.state_dict())) == "<All keys matched successfully>"
        assert bool((new.weight == old.weight).all())


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("affine", [False, True])
def test_fusing(transpose: bool, affine: bool) -> None:
    found = []
    for library in (gg, torch):
        library.manual_seed(0)
        kind = library.nn.ConvTranspose2d if transpose else library.nn.Conv2d
        conv, bn = kind(2, 3, 2, bias=affine).double(), library.nn.BatchNorm2d(3, affine=affine).double()
        x = library.randn(4, 2, 5, 5).double()
        bn(conv(x))
        both = library.nn.Sequential(conv, bn).eval()
        fused = library.nn.utils.fuse_conv_bn_eval(conv, bn, transpose)
        near(fused(x), both(x))
        linear, norm = library.nn.Linear(2, 3).double().eval(), library.nn.BatchNorm1d(3).double().eval()
        joined = library.nn.utils.fuse_linear_bn_eval(linear, norm)
        found.append((fused.weight, fused.bias, joined.weight, joined.bias))
    for a, b in zip(*found, strict=True):
        near(a, b)
        assert a.requires_grad == b.requires_grad


def test_skip_init_draws_nothing() -> None:
    gg.manual_seed(0)
    layer = gg.nn.utils.skip_init(gg.nn.Linear, 3, 2, bias=False)
    first = gg.rand(1)
    gg.manual_seed(0)
    assert layer.weight.shape == (2, 3) and gg.rand(1) == first


# --- pruning ---

PRUNINGS: dict[str, Any] = {
    "identity": lambda p, m, lib: p.identity(m, "weight"),
    "random": lambda p, m, lib: p.random_unstructured(m, "weight", 0.3),
    "l1": lambda p, m, lib: p.l1_unstructured(m, "weight", 2),
    "l1 scores": lambda p, m, lib: p.l1_unstructured(m, "weight", 0.5, lib.arange(20.0).reshape(4, 5)),
    "random rows": lambda p, m, lib: p.random_structured(m, "weight", 2, 0),
    "ln": lambda p, m, lib: p.ln_structured(m, "weight", 0.4, 2, -1),
    "ln inf": lambda p, m, lib: p.ln_structured(m, "weight", 1, float("inf"), 0),
    "mask": lambda p, m, lib: p.custom_from_mask(m, "weight", lib.eye(4, 5)),
    "none": lambda p, m, lib: p.l1_unstructured(m, "weight", 0),
    "global": lambda p, m, lib: p.global_unstructured([(m, "weight"), (m, "bias")], p.L1Unstructured, amount=0.4),
    "global random": lambda p, m, lib: p.global_unstructured([(m, "weight")], p.RandomUnstructured, amount=7),
}


@pytest.mark.parametrize("second", [None, "l1", "random", "ln", "random rows", "mask", "global"])
@pytest.mark.parametrize("first", PRUNINGS)
def test_pruning(first: str, second: str | None) -> None:
    found = []
    for library in (gg, torch):
        library.manual_seed(0)
        prune = library.nn.utils.prune
        net = library.nn.Linear(5, 4)
        PRUNINGS[first](prune, net, library)
        if second is not None:
            PRUNINGS[second](prune, net, library)
        said = [prune.is_pruned(net), list(net.state_dict()), net.weight_mask.tolist()]
        net(library.ones(2, 5)).sum().backward()
        said += [net.weight_orig.grad.tolist(), len(net._forward_pre_hooks)]
        prune.remove(net, "weight")
        said += [list(net.state_dict()), [n for n, _ in net.named_parameters()], net.weight.tolist()]
        found.append(said)
    assert found[0] == found[1]


PRUNE_WRONG: list[Any] = [
    lambda lib, p, m: p.l1_unstructured(m, "weight", 1.5), lambda lib, p, m: p.l1_unstructured(m, "weight", -1),
    lambda lib, p, m: p.l1_unstructured(m, "weight", "a"), lambda lib, p, m: p.l1_unstructured(m, "weight", 21),
    lambda lib, p, m: p.l1_unstructured(m, "weight", 1, lib.ones(2)), lambda lib, p, m: p.remove(m, "weight"),
    lambda lib, p, m: p.random_structured(m, "bias", 1, 0), lambda lib, p, m: p.ln_structured(m, "weight", 1, 2, 5),
    lambda lib, p, m: p.custom_from_mask(m, "weight", lib.ones(2)),
    lambda lib, p, m: p.global_unstructured([(m, "weight")], p.LnStructured, amount=1, n=2),
    lambda lib, p, m: p.global_unstructured(3, p.L1Unstructured, amount=1),
    lambda lib, p, m: p.l1_unstructured(m, "nothing", 1),
    lambda lib, p, m: p.PruningContainer(3), lambda lib, p, m: p.BasePruningMethod(),
]  # fmt: skip


@pytest.mark.parametrize("call", PRUNE_WRONG)
def test_errors_of_pruning_are_of_the_same_kind(call: Any) -> None:
    with pytest.raises(Exception) as theirs:
        call(torch, torch.nn.utils.prune, torch.nn.Linear(5, 4))
    ours_net = gg.nn.Linear(5, 4)
    with pytest.raises(type(theirs.value)) as ours:
        call(gg, gg.nn.utils.prune, ours_net)
    assert type(ours.value) is type(theirs.value)
    assert list(ours_net.state_dict()) == ["weight", "bias"]


def test_a_method_of_ones_own() -> None:
    found = []
    for library in (gg, torch):
        prune = library.nn.utils.prune

        class EveryOther(prune.BasePruningMethod):  # type: ignore[misc,name-defined]
            PRUNING_TYPE = "unstructured"

            def compute_mask(self, t: Any, default_mask: Any) -> Any:
                mask = default_mask.clone()
                mask.view(-1)[::2] = 0
                return mask

        net = library.nn.Linear(3, 2)
        EveryOther.apply(net, "weight")
        EveryOther.apply(net, "weight")
        (hook,) = net._forward_pre_hooks.values()
        hook = hook[0] if isinstance(hook, tuple) else hook
        found.append((net.weight_mask.tolist(), len(hook), type(hook).__name__))
    assert found[0] == found[1]


# --- names of old ---


@pytest.mark.parametrize("name", [
    "uniform", "normal", "constant", "eye", "dirac", "xavier_uniform", "xavier_normal", "kaiming_uniform",
    "kaiming_normal", "orthogonal", "sparse",
])  # fmt: skip
def test_initialisers_without_underscore(name: str) -> None:
    args = {"constant": (2.0,), "sparse": (0.5,)}.get(name, ())
    shape = (3, 3, 3) if name == "dirac" else (5, 6)
    found = []
    for library in (gg, torch):
        library.manual_seed(0)
        with pytest.warns(FutureWarning) as said:
            made = getattr(library.nn.init, name)(library.empty(*shape), *args)
        found.append((made, [str(w.message) for w in said]))
    near(found[0][0], found[1][0], 1e-5)
    assert found[0][1] == found[1][1]


def test_clip_grad_norm_without_underscore() -> None:
    for library in (gg, torch):
        p = library.ones(4, requires_grad=True)
        (p * 3).sum().backward()
        with pytest.warns(FutureWarning, match="clip_grad_norm_"):
            assert library.nn.utils.clip_grad_norm([p], 1.0).item() == 6.0
        assert p.grad.norm().item() == pytest.approx(1.0, rel=1e-5)


def test_kernels_of_attention_and_stateless_calls() -> None:
    found = []
    for library in (gg, torch):
        attention = importlib.import_module(f"{library.__name__}.nn.attention")
        stateless = importlib.import_module(f"{library.__name__}.nn.utils.stateless")
        backend = attention.SDPBackend
        q = library.arange(12.0).reshape(1, 3, 4)
        with attention.sdpa_kernel([backend.MATH, backend.EFFICIENT_ATTENTION]):
            y = library.nn.functional.scaled_dot_product_attention(q, q, q)
        with pytest.raises(AssertionError), attention.sdpa_kernel(3):
            pass
        with pytest.raises(RuntimeError), attention.sdpa_kernel(backend.CUDNN_ATTENTION):
            library.nn.functional.scaled_dot_product_attention(q, q, q)
        net = library.nn.Linear(4, 2)
        with pytest.warns(FutureWarning):
            z = stateless.functional_call(net, {"weight": library.ones(2, 4), "bias": library.zeros(2)}, (q,))
        found.append((y, z.tolist(), repr(backend.MATH)))
    near(found[0][0], found[1][0], 1e-6)
    assert found[0][1:] == found[1][1:]
