"""autocast, what it converts and what it leaves; the scaler's bookkeeping."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import pytest

import glassgrad as g
from glassgrad import amp, nn, optim
from glassgrad.nn import functional as F
from glassgrad.ops import autocast as table

pytest.importorskip("ml_dtypes")
BF16 = g.bfloat16


def rand(*shape: int) -> g.Tensor:
    return g.rand(*shape, generator=g.Generator().manual_seed(0))


@pytest.mark.parametrize("module", table.RULES)
def test_every_listed_name_is_a_function_and_is_replaced(module: str) -> None:
    space = vars(importlib.import_module(f"glassgrad.ops.{module}"))
    gate = g.matmul.__code__
    assert {name for name in table.RULES[module] if space[name].__code__ is gate} == set(table.RULES[module])


def test_a_name_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(table.RULES, "linalg", {"matmull": None})
    with pytest.raises(KeyError, match="matmull"):
        table.attach("glassgrad.ops.linalg")


@pytest.mark.parametrize(
    ("compute", "outcome"),
    [
        (lambda x: x @ x, "bfloat16"),
        (lambda x: x.double() @ x.double(), "float64"),
        (lambda x: F.linear(x, x, x[0]), "bfloat16"),
        (lambda x: F.conv1d(x[None], x[:, :, None]), "bfloat16"),
        (lambda x: g.mm(x, x.bfloat16()), "bfloat16"),
        (lambda x: F.mse_loss(x.bfloat16(), x.bfloat16()), "float32"),
        (lambda x: F.cross_entropy(x.bfloat16(), g.tensor([0, 1, 2, 3])), "float32"),
        (lambda x: F.pad(x.bfloat16()[None], (1, 1), mode="reflect"), "float32"),
        (lambda x: F.pad(x.bfloat16(), (1, 1)), "bfloat16"),
        (lambda x: x.bfloat16().relu(), "bfloat16"),
        (lambda x: x.bfloat16() + x, "float32"),
        (lambda x: g.mm(x, x, out=g.empty(4, 4)), "float32"),
        (lambda x: nn.LSTM(4, 3)(x[None])[0], "bfloat16"),
        (lambda x: nn.GRU(4, 3)(x[None])[0], "float32"),
    ],
)
def test_outcomes(compute: Any, outcome: str) -> None:
    with amp.autocast("cpu"):
        assert compute(rand(4, 4)).dtype.name == outcome


def test_it_is_off_outside_and_within_a_disabled_one() -> None:
    x = rand(2, 2)
    with g.autocast("cpu", dtype=g.float16):
        assert (x @ x).dtype is g.float16
        assert amp.is_autocast_enabled("cpu") and not amp.is_autocast_enabled()
        assert amp.get_autocast_dtype("cpu") is g.float16
        with g.autocast("cpu", enabled=False):
            assert (x @ x).dtype is g.float32
        assert (x @ x).dtype is g.float16
    assert (x @ x).dtype is g.float32
    assert amp.get_autocast_dtype("cpu") is BF16 and amp.get_autocast_dtype("cuda") is g.float16


def test_an_exception_ends_it() -> None:
    with pytest.raises(ZeroDivisionError), amp.autocast("cpu"):
        _ = 1 / 0
    assert not amp.is_autocast_enabled("cpu")


def test_gradients_are_those_of_the_converted_numbers() -> None:
    x, w = rand(3, 4), rand(2, 4).requires_grad_()
    with amp.autocast("cpu"):
        F.linear(x, w).sum().backward()
    low = w.detach().bfloat16().requires_grad_()
    F.linear(x.bfloat16(), low).sum().backward()
    assert w.grad.dtype is g.float32
    assert g.equal(w.grad, low.grad.float())


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
@pytest.mark.parametrize(
    "use", [lambda x, b: F.linear(x, x.new_ones(1, 1), b), lambda x, b: x + b, lambda x, b: b.expand(4096, 1)]
)
def test_a_bias_sums_its_gradient_in_more_bits(use: Any, name: str) -> None:
    x, b = g.ones(4096, 1, dtype=getattr(g, name)), g.ones(1, dtype=getattr(g, name), requires_grad=True)
    use(x, b).sum().backward()
    assert b.grad.item() == 4096.0 and b.grad.dtype is b.dtype


def test_as_a_decorator() -> None:
    @amp.autocast("cpu")
    def product(x: g.Tensor) -> g.Tensor:
        return x @ x

    assert product(rand(2, 2)).dtype is BF16
    with pytest.raises(TypeError, match="requires a callable"):
        amp.autocast("cpu")(3)


def test_compiled_functions_know_it() -> None:
    @g.compile
    def product(x: g.Tensor) -> g.Tensor:
        return (x @ x).relu()

    x = rand(2, 2)
    for _ in range(3):
        assert product(x).dtype is g.float32
        with amp.autocast("cpu"):
            assert product(x).dtype is BF16


def test_on_cuda_it_warns_and_is_off() -> None:
    with pytest.warns(UserWarning, match="CUDA is not available"):
        mode = amp.autocast("cuda")
    with mode:
        assert (rand(2, 2) @ rand(2, 2)).dtype is g.float32
        assert not amp.is_autocast_enabled("cuda")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        amp.autocast("cuda", enabled=False)


@pytest.mark.parametrize(
    ("device", "dtype", "error", "words"),
    [
        (0, None, ValueError, "Expected `device_type` of type `str`, got: `<class 'int'>`"),
        ("foo", None, RuntimeError, "Expected one of cpu, cuda"),
        ("vulkan", None, RuntimeError, "unsupported autocast device_type 'vulkan'"),
        ("cpu", g.int32, UserWarning, "In CPU autocast, but the target dtype is not supported"),
        ("cpu", g.float32, UserWarning, "torch.bfloat16, torch.float16"),
    ],
)
def test_what_it_is_not_for(device: Any, dtype: Any, error: Any, words: str) -> None:
    with warnings.catch_warnings(), pytest.raises(error, match=words):
        warnings.simplefilter("error")
        amp.autocast(device, dtype=dtype)


def test_what_it_cannot_do_as_pytorch_does() -> None:
    with amp.autocast("cpu"), pytest.raises(NotImplementedError, match="no autocast for this function yet"):
        g.linalg.pinv(rand(2, 2))


@pytest.mark.parametrize("cast", [None, "float32"])
def test_custom_functions(cast: str | None) -> None:
    seen = []

    class Product(g.autograd.Function):
        @staticmethod
        @amp.custom_fwd(device_type="cpu", cast_inputs=cast and g.float32)
        def forward(ctx: Any, x: g.Tensor) -> g.Tensor:
            ctx.save_for_backward(x)
            seen.append((amp.is_autocast_enabled("cpu"), x.dtype.name))
            return x @ x

        @staticmethod
        @amp.custom_bwd(device_type="cpu")
        def backward(ctx: Any, grad: g.Tensor) -> g.Tensor:
            (x,) = ctx.saved_tensors
            seen.append((amp.is_autocast_enabled("cpu"), (grad @ x.mT).dtype.name))
            return (grad @ x.mT + x.mT @ grad).to(x.dtype)

    x = rand(2, 2).bfloat16().requires_grad_()
    with amp.autocast("cpu"):
        y = Product.apply(x)
    y.sum().backward()
    assert seen == ([(False, "float32"), (False, "float32")] if cast else [(True, "bfloat16"), (True, "bfloat16")])


# --- the scaler ---


def made(**options: Any) -> tuple[amp.GradScaler, g.Tensor, optim.SGD]:
    w = g.ones(2, requires_grad=True)
    return amp.GradScaler("cpu", **options), w, optim.SGD([w], lr=0.5)


def test_a_scaled_step_is_the_step() -> None:
    scaler, w, optimizer = made()
    loss = (w * g.tensor([1.0, 2.0])).sum()
    assert scaler.scale(loss).item() == 3 * 65536
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    assert w.grad.tolist() == [1.0, 2.0]
    scaler.step(optimizer)
    scaler.update()
    assert w.tolist() == [0.5, 0.0] and scaler.get_scale() == 65536


def test_a_step_that_is_not_finite_is_left_out_and_the_scale_falls() -> None:
    scaler, w, optimizer = made(init_scale=8.0)
    scaler.scale((w * g.tensor([1.0, float("inf")])).sum()).backward()
    assert scaler.step(optimizer) is None
    scaler.update()
    assert w.tolist() == [1.0, 1.0] and scaler.get_scale() == 4.0


def test_the_scale_grows_after_the_interval() -> None:
    scaler, w, optimizer = made(init_scale=2.0, growth_interval=2, growth_factor=4.0)
    scales = []
    for _ in range(5):
        scaler.scale(w.sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        scales.append(scaler.get_scale())
    assert scales == [2.0, 8.0, 8.0, 32.0, 32.0]
    other = amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    assert other.state_dict() == scaler.state_dict() == {
        "scale": 32.0, "growth_factor": 4.0, "backoff_factor": 0.5, "growth_interval": 2, "_growth_tracker": 1,
    }  # fmt: skip


def test_the_scale_stays_finite() -> None:
    scaler, w, optimizer = made(init_scale=3e38, growth_interval=1)
    scaler.scale(w * 0).sum().backward()
    scaler.step(optimizer)
    scaler.update()
    assert scaler.get_scale() == g.tensor(3e38).item()


def test_calls_out_of_order() -> None:
    scaler, w, optimizer = made()
    with pytest.raises(AssertionError, match="Attempted step but _scale is None"):
        scaler.step(optimizer)
    scaler.scale(w.sum()).backward()
    with pytest.raises(AssertionError, match="No inf checks were recorded prior to update"):
        scaler.update()
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="already been called on this optimizer"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="being called after step"):
        scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="step.. has already been called"):
        scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="Closure"):
        scaler.step(optimizer, closure=lambda: 0)
    scaler.update(2.0)
    assert scaler.get_scale() == 2.0
    with pytest.raises(AssertionError, match="No inf checks were recorded for this optimizer"):
        optimizer.zero_grad()
        scaler.step(optimizer)


def test_disabled_it_is_not_there() -> None:
    with pytest.warns(UserWarning, match="CUDA is not available"):
        scaler = amp.GradScaler()
    w = g.ones(1, requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0)
    scaler.scale(w.sum()).backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert w.item() == 0.0 and not scaler.is_enabled() and scaler.get_scale() == 1.0 and scaler.state_dict() == {}


def test_what_can_be_scaled() -> None:
    scaler = amp.GradScaler("cpu", init_scale=2.0)
    assert [x.item() for x in scaler.scale([g.tensor(1.0), g.tensor(2.0)])] == [2.0, 4.0]
    with pytest.raises(ValueError, match="iterable of Tensors"):
        scaler.scale(3.0)
    half = g.ones(1, dtype=g.float16, requires_grad=True)
    scaler.scale(half.sum()).backward()
    with pytest.raises(ValueError, match="FP16 gradients"):
        scaler.unscale_(optim.SGD([half], lr=1.0))
    for wrong in ({"growth_factor": 1.0}, {"backoff_factor": 1.0}):
        with pytest.raises(AssertionError):
            amp.GradScaler("cpu", **wrong)
