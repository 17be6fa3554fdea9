"""The memory behind tensors: torch.storage's names."""

from .core.storage import TypedStorage, UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage"]
