"""What PyTorch shows for each expression of the list in expressions.py is what is shown here."""

from __future__ import annotations

import pytest

import glassgrad as gg
from expressions import EXPRESSIONS, shown
from glassgrad.core import printing
from glassgrad.core.keywords import retry

quiet = pytest.mark.filterwarnings("ignore::UserWarning")


@quiet
@pytest.mark.parametrize(("expression", "text"), EXPRESSIONS)
def test_expression(expression: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "NAMESPACE", "torch")
    assert shown(gg, expression) == text


def test_a_wrong_text_is_found() -> None:
    assert shown(gg, "f'{w}'") != "2.5"
    assert shown(gg, "nonsense") == "NameError"


def test_out_takes_another_size_with_a_warning() -> None:
    out = gg.zeros(2)
    with pytest.warns(UserWarning, match="was resized"):
        gg.sum(gg.ones(2, 3), 0, out=out)
    assert out.tolist() == [2.0, 2.0, 2.0]


def test_out_keeps_the_tensor_and_its_dtype() -> None:
    x, out = gg.tensor([[3.0, 1.0]]), gg.zeros(1, 2)
    view = out[0]
    assert gg.cumsum(x, 1, out=out) is out
    assert view.tolist() == [3.0, 4.0] and out._version == 1
    with pytest.raises(RuntimeError, match="dtype"):
        gg.cumsum(x, 1, out=gg.zeros(1, 2, dtype=gg.float64))
    with pytest.raises(TypeError, match="tuple of 2"):
        gg.median(x, 1, out=out)


def test_another_type_error_stays_itself() -> None:
    with pytest.raises(TypeError, match="'sideways'"):
        gg.softmax(gg.ones(2), 0, sideways=True)
    problem = TypeError("mine")
    with pytest.raises(TypeError) as raised:
        retry(problem, lambda: None, (), {"dim": 0})
    assert raised.value is problem


def test_default_device_is_for_a_block() -> None:
    with gg.device("cpu"), gg.device("cpu"):
        assert gg.ones(2).device == gg.get_default_device() == gg.device("cpu")
    with pytest.raises(RuntimeError, match="not supported"):
        gg.set_default_device("meta")


def test_what_resize_leaves_is_what_was_there() -> None:
    x = gg.arange(6.0)
    y = x[2:4]
    y.resize_(4)
    y[3] = 9.0
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 9.0]


def test_flush_denormal_says_that_it_cannot() -> None:
    assert not gg.set_flush_denormal(True)
    with pytest.warns(UserWarning, match="no effect"):
        gg.set_float32_matmul_precision("some")


def test_a_subclass_adds_methods_and_no_protocol() -> None:
    class Doubling(gg.Tensor):
        def twice(self) -> gg.Tensor:
            return self * 2

    assert Doubling([1.0, 2.0]).twice().tolist() == [2.0, 4.0]
    with pytest.raises(NotImplementedError, match="__torch_function__"):
        type("Watching", (gg.Tensor,), {"__torch_function__": classmethod(lambda *args: None)})
