"""What this package refuses in nn.functional, PyTorch refuses with an error of the same kind."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from test_neural_errors import ERRORS, Make, real


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("call", "error", "words"), ERRORS)
def test_torch_raises_the_same(call: Make, error: Any, words: str) -> None:
    with pytest.raises(error):
        call(torch.nn.functional, torch, real(torch))
