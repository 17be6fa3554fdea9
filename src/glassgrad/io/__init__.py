"""Files: `files` replaces them whole or not at all, `checkpoint` keeps trees of tensors in them."""
