"""torch.hub: files from the network. Code from there is not run; weights are PyTorch's files, read without pickle."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from ..io.torch_read import load as load_file
from .jit import refuse

__all__ = ["download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir"]

_NO_CODE = "it would run code from the network; copy the model's code, and use load_state_dict_from_url for weights"
load, list, help = (refuse(f"torch.hub.{name}", _NO_CODE) for name in ("load", "list", "help"))

HASH = re.compile(r"-([a-f0-9]*)\.")  # in a file's name: the beginning of its SHA-256
_dir: str | None = None


def get_dir() -> str:
    """Where files are kept: what set_dir() said, $TORCH_HOME/hub, or ~/.cache/torch/hub."""
    home = os.environ.get("TORCH_HOME") or os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "torch")
    return _dir or os.path.join(os.path.expanduser(home), "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    global _dir
    _dir = os.path.expanduser(d)


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Fetch a file; it gets its name when it is whole. RuntimeError if its SHA-256 begins otherwise."""
    target = Path(dst).expanduser()
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f"{target.name}.", delete=False) as part:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers={"User-Agent": "glassgrad"})) as answer:
                shutil.copyfileobj(answer, part)
            part.flush()
            with open(part.name, "rb") as whole:
                digest = hashlib.file_digest(whole, "sha256").hexdigest()
            if hash_prefix and not digest.startswith(hash_prefix):
                raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{digest}")')
            os.replace(part.name, target)
        except BaseException:
            os.unlink(part.name)
            raise


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> Any:
    """torch.load of a file that is in model_dir (get_dir()/checkpoints) or is fetched into it.

    check_hash: its name holds the beginning of its SHA-256, as in resnet18-f37072fd.pth. OSError without a network.
    """
    folder = Path(model_dir or os.path.join(get_dir(), "checkpoints"))
    folder.mkdir(parents=True, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    path = folder / name
    if not path.exists():
        print(f'Downloading: "{url}" to {path}')  # on stdout, as PyTorch does
        found = HASH.search(name) if check_hash else None
        download_url_to_file(url, str(path), found[1] if found else None, progress)
    return load_file(path, map_location=map_location, weights_only=weights_only)


load_url = load_state_dict_from_url  # its name in torch.utils.model_zoo
