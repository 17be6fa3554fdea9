"""What the tests share: where real data is, and clean global state."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `from cases import CASES`, also from tests/oracle


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Real data sets: $GLASSGRAD_DATA, or shared/data beside the repository."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    found = Path(os.environ.get("GLASSGRAD_DATA", beside))
    if not found.is_dir():
        pytest.skip("no real data: set GLASSGRAD_DATA to a folder with mnist/ in it")
    return found
