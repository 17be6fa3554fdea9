"""Saving and loading in PyTorch's formats: torch.serialization's names."""

from .io.torch_names import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals
from .io.torch_read import load
from .io.torch_write import save

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "load", "safe_globals", "save"]
