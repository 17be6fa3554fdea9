"""Models that take seconds to make, against torchvision's numbers."""

from __future__ import annotations

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.vision import models
from vision_rows import LARGE, NUMBERS, measure


@pytest.mark.parametrize("k", range(len(LARGE)))
def test_torchvisions_numbers(k: int) -> None:
    found, wanted = measure(gg, models, *LARGE[k]), NUMBERS[k - len(LARGE)]
    assert found[0] == wanted[0]
    np.testing.assert_allclose(found, wanted, 2e-3)
