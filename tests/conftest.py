"""What the tests share: where real data is, and clean global state."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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


PATIENCE = 120_000  # ms that a page may take on a busy machine


@pytest.fixture(scope="module")
def new_page() -> Iterator[Callable[..., Any]]:
    """What opens a page in headless Chromium, where there is one."""
    browsers = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or pytest.skip("no chromium here")
    with browsers.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"], timeout=PATIENCE)

        def opens(**options: Any) -> Any:
            page = browser.new_page(**options)
            page.set_default_timeout(PATIENCE)
            return page

        yield opens
        browser.close()


class NoTorch:
    """Stands on sys.meta_path where the tests must pass without PyTorch, whether or not it is installed."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "torch":
            raise ModuleNotFoundError("only tests/oracle may import PyTorch", name=name)


@pytest.fixture(scope="module", autouse=True)
def only_oracles_see_torch(request: pytest.FixtureRequest) -> Iterator[None]:
    if "oracle" in request.path.parts:
        yield
        return
    sys.meta_path.insert(0, NoTorch)  # type: ignore[arg-type]
    yield
    sys.meta_path.remove(NoTorch)  # type: ignore[arg-type]
