"""Before any oracle."""

import contextlib

with contextlib.suppress(ModuleNotFoundError):  # without PyTorch the oracles are skipped
    import oracle.seeds  # noqa: F401
