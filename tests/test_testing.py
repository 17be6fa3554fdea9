"""testing.assert_close: what is close, what is not, and where."""

from __future__ import annotations

import pytest

import glassgrad as gg
from glassgrad.testing import assert_close


def test_what_is_close() -> None:
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    assert_close(x, x + 1e-6)
    assert_close({"a": [x, 1.0, None]}, {"a": [x.clone(), 1.0 + 1e-8, None]})
    assert_close(x, x + 0.5, rtol=0.0, atol=0.6)


def test_what_is_not_close() -> None:
    x = gg.tensor([[1.0, 2.0]])
    with pytest.raises(AssertionError, match=r"Greatest absolute difference: 1\.0 at index \(0, 1\)"):
        assert_close(x + gg.tensor([0.0, 1.0]), x)
    with pytest.raises(AssertionError, match=r"The failure occurred for item \['a'\]\[1\]"):
        assert_close({"a": [1, 2]}, {"a": [1, 3]})
    with pytest.raises(AssertionError, match="attribute 'dtype'"):
        assert_close(x, x.double())
    with pytest.raises(ValueError, match="no atol"):
        assert_close(x, x, rtol=0.1)
