"""The names that PyTorch has: what is not here is listed as missing, so that it can be told from a misspelling."""

from __future__ import annotations

import pytest

from glassgrad.torchlike import facade
from glassgrad.torchlike.absent import NAMES
from oracle.absent import absent


@pytest.fixture(scope="module")
def missing() -> dict[str, list[str]]:
    return absent()


def test_every_name_that_is_not_here_is_listed(missing: dict[str, list[str]]) -> None:
    """If this fails, run `python -m oracle.absent`."""
    unlisted = {path: sorted({*names} - {*NAMES.get(path, "").split()}) for path, names in missing.items()}
    assert not any(unlisted.values()), unlisted


def test_the_search_sees_what_is_there_and_what_is_not(missing: dict[str, list[str]]) -> None:
    assert "fx" in missing["torch"]
    assert not {"relu", "zeros", "float32", "Tensor", "nn"} & {*missing["torch"]}
    assert "Linear" not in missing["torch.nn"]
    assert facade.in_torch("torch.fx")
