"""Stands before PyTorch on the path of glassgrad's processes: whoever reaches it has asked for PyTorch itself."""

raise ModuleNotFoundError("PyTorch itself was asked for", name=__name__)
