"""Lazy layers and the hooks of state dicts beside PyTorch's."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import glassgrad as gg  # noqa: E402
from glassgrad import nn  # noqa: E402

LAYERS: dict[str, tuple[tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = {
    "LazyLinear": ((5,), {}, (2, 3, 4)),
    "LazyConv1d": ((4, 3), {"padding": 1}, (2, 6, 7)),
    "LazyConv2d": ((4, 3), {"groups": 2, "bias": False}, (2, 6, 7, 5)),
    "LazyConv3d": ((4, 2), {}, (6, 3, 4, 3)),
    "LazyConvTranspose1d": ((4, 3), {"stride": 2}, (2, 6, 7)),
    "LazyConvTranspose2d": ((4, 3), {"groups": 2}, (2, 6, 5, 4)),
    "LazyConvTranspose3d": ((2, 2), {}, (2, 3, 2, 2, 2)),
    "LazyBatchNorm1d": ((), {}, (4, 3)),
    "LazyBatchNorm2d": ((1e-3, None), {"bias": False}, (4, 3, 2, 2)),
    "LazyBatchNorm3d": ((), {"affine": False}, (2, 3, 2, 2, 2)),
    "LazyInstanceNorm1d": ((), {}, (4, 3, 5)),
    "LazyInstanceNorm2d": ((), {"track_running_stats": False}, (4, 3, 2, 2)),
    "LazyInstanceNorm3d": ((), {"affine": True}, (2, 3, 2, 2, 2)),
}


def build(library: Any, name: str) -> Any:
    args, kwargs, _ = LAYERS[name]
    library.manual_seed(0)
    return getattr(library.nn, name)(*args, **kwargs)


@pytest.mark.parametrize("name", LAYERS)
def test_a_first_input(name: str) -> None:
    x = np.random.RandomState(0).standard_normal(LAYERS[name][2])
    seen = []
    for library in (gg, torch):
        layer = build(library, name)
        before = repr(layer), list(layer.state_dict())
        optimizer = library.optim.SGD(layer.parameters(), 0.1) if list(layer.parameters()) else None
        y = layer(library.tensor(x).float())
        (y**2).mean().backward() if optimizer else None
        optimizer.step() if optimizer else None
        fresh = build(library, name)
        fresh.load_state_dict(layer.state_dict())
        loaded = repr(fresh)
        if library is torch and "Instance" in name:  # PyTorch forgets the size of what was loaded: 0 for the others
            fresh.num_features = layer.num_features
        z = fresh(library.tensor(x).float())
        seen.append((before, repr(layer), type(layer).__name__, loaded, repr(fresh), y, z, layer.state_dict()))
    ours, theirs = seen
    assert ours[:4] == theirs[:4] and ours[4] == ours[1]
    for k in (5, 6):
        np.testing.assert_allclose(ours[k].detach().numpy(), theirs[k].detach().numpy(), rtol=1e-4, atol=1e-5)
    for key, value in theirs[7].items():
        np.testing.assert_allclose(ours[7][key].numpy(), value.numpy(), rtol=1e-4, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("use", [
    lambda lib, w: w + 1, lambda lib, w: w.shape, lambda lib, w: w.numel(), lambda lib, w: w.mean(),
    lambda lib, w: lib.nn.init.normal_(w), lambda lib, w: lib.ones(2, 2) @ w, lambda lib, w: lib.ones(1) * w,
    lambda lib, w: lib.nn.LazyConv2d(4, 3)(lib.ones(2, 2)), lambda lib, w: lib.nn.LazyConv2d(4, 3, groups=2)(
        lib.ones(1, 3, 4, 4)), lambda lib, w: lib.nn.Linear(2, 3).load_state_dict(lib.nn.LazyLinear(3).state_dict()),
])  # fmt: skip
def test_uses_that_are_refused(use: Any) -> None:
    with pytest.raises(Exception) as theirs:
        use(torch, torch.nn.LazyLinear(3).weight)
    with pytest.raises(type(theirs.value)) as ours:
        use(gg, nn.LazyLinear(3).weight)
    assert type(ours.value) is type(theirs.value)


def test_what_it_says_of_itself() -> None:
    ours, theirs = nn.LazyBatchNorm1d(dtype=gg.float64), torch.nn.LazyBatchNorm1d(dtype=torch.float64)
    assert repr(ours.weight) == repr(theirs.weight) and repr(ours.running_mean) == repr(theirs.running_mean)
    assert ours.weight.dtype is gg.float64 and ours.half().weight.dtype is gg.float16
    assert ours.has_uninitialized_params()
    weight = nn.UninitializedParameter()
    weight.materialize((2, 3))
    assert type(weight) is nn.Parameter and weight.shape == (2, 3) and weight.requires_grad


# --- states ---


def nets(library: Any) -> Any:
    class WithExtra(library.nn.Linear):  # type: ignore[misc,name-defined]
        note = "a"

        def get_extra_state(self) -> Any:
            return {"note": self.note}

        def set_extra_state(self, state: Any) -> None:
            self.note = state["note"]

    return library.nn.Sequential(library.nn.Linear(2, 2), WithExtra(2, 2), library.nn.BatchNorm1d(2))


def test_extra_state() -> None:
    for library in (gg, torch):
        a, b = nets(library), nets(library)
        a[1].note = "b"
        state = a.state_dict()
        assert "1._extra_state" in state
        assert str(b.load_state_dict(state)) == "<All keys matched successfully>"
        assert b[1].note == "b"
        del state["1._extra_state"]
        with pytest.raises(RuntimeError, match="1._extra_state"):
            b.load_state_dict(state)


def test_hooks_of_states() -> None:
    seen = []
    for library in (gg, torch):
        said: list[Any] = []
        net = nets(library)
        net.register_state_dict_pre_hook(lambda m, prefix, keep, said=said: said.append(("pre", prefix, keep)))
        net[0].register_state_dict_post_hook(lambda m, s, prefix, meta, said=said: said.append((prefix, list(s))))
        net[0]._register_state_dict_hook(lambda m, s, prefix, meta: s.__delitem__(prefix + "bias"))

        def rename(module: Any, state: Any, prefix: str, *others: Any, said: Any = said) -> None:
            said.append((type(module).__name__, prefix, len(others)))
            state[prefix + "bias"] = state[prefix + "weight"][0]

        net[0].register_load_state_dict_pre_hook(rename)
        net.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
        state = net.state_dict()
        del state["2.weight"], state["2.num_batches_tracked"]
        other = dict(state)  # no versions: batches were not counted once
        said.append(str(net.load_state_dict(other)))
        said.append(bool((net[0].bias == net[0].weight[0]).all()))
        handle = net.register_load_state_dict_post_hook(lambda m, keys: keys)
        with pytest.raises(AssertionError):
            net.load_state_dict(state)
        handle.remove()
        seen.append(said)
    assert seen[0] == seen[1]


def test_keys_may_be_renamed_by_a_subclass() -> None:
    for library in (gg, torch):

        class Renamed(library.nn.Linear):  # type: ignore[misc,name-defined]
            def _load_from_state_dict(self, state: Any, prefix: str, *others: Any) -> None:
                state[prefix + "weight"] = state.pop(prefix + "w")
                super()._load_from_state_dict(state, prefix, *others)

        net = library.nn.Sequential(Renamed(2, 2))
        net.load_state_dict({"0.w": library.eye(2), "0.bias": library.zeros(2)})
        assert net[0].weight.tolist() == [[1, 0], [0, 1]]


def test_hooks_of_optimizers() -> None:
    seen = []
    for library in (gg, torch):
        said: list[Any] = []
        opt = library.optim.SGD([library.ones(2, requires_grad=True)], 0.1)
        opt.register_state_dict_pre_hook(lambda o, said=said: said.append("pre"))
        opt.register_state_dict_post_hook(lambda o, s: {**s, "more": 1})
        opt.register_load_state_dict_pre_hook(lambda o, s, said=said: said.append(sorted(s)))
        opt.register_load_state_dict_post_hook(lambda o, said=said: said.append("post"))
        opt.load_state_dict(opt.state_dict())
        room = importlib.import_module(f"{library.__name__}.optim.optimizer")
        handles = [
            room.register_optimizer_step_pre_hook(lambda o, a, k, said=said: said.append("before")),
            room.register_optimizer_step_post_hook(lambda o, a, k, said=said: said.append("after")),
        ]
        opt.step()
        for handle in handles:
            handle.remove()
        opt.step()
        seen.append(said)
    assert seen[0] == seen[1]
