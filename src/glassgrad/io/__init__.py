"""Files: `files` replaces them whole or not at all, `checkpoint` keeps trees in them, `torch_*` are PyTorch's."""
