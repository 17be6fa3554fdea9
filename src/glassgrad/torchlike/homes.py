"""The modules that PyTorch's classes say they come from: <class 'torch.nn.modules.linear.Linear'>."""

from __future__ import annotations

import re

from ..core import backend, dtypes, size, tensor
from ..ops import formats, solve

# Classes that programs print without naming them: those that are there at once, and those that come with a module.
SEEN = (
    tensor.Tensor,
    size.Size,
    dtypes.dtype,
    backend.device,
    formats.layout,
    formats.memory_format,
    solve.LinAlgError,
)
# "*": all, also for programs that look a name up in the module's dict.
SHOWN = {
    "torch.autograd": ("Function",),
    "torch.nn": ("Parameter",),
    "torch.nn.utils.prune": "*",
    "torchvision.models": "*",
}

# This package's module -> PyTorch's. {lower} and {snake} are the class's name in small letters: torch.optim.adamw,
# torch.distributions.half_normal. What stands behind ":" is its name there.
HOMES = {
    "autograd.anomaly": "torch.autograd.anomaly_mode",
    "autograd.function": "torch.autograd.function",
    "core.backend": "torch",
    "core.dtypes": "torch",
    "core.modes": "torch.autograd.grad_mode",
    "core.size": "torch",
    "core.tensor": "torch",
    "data.dataset": "torch.utils.data.dataset",
    "data.loader": "torch.utils.data.dataloader",
    "data.sampler": "torch.utils.data.sampler",
    "nn.layers": "torch.nn.modules.{file}",
    "nn.layers.arrange": "torch.nn.modules.padding",
    "nn.layers.attention": "torch.nn.modules.activation",
    "nn.layers.norms": "torch.nn.modules.normalization",
    "nn.layers.recurrent": "torch.nn.modules.rnn",
    "nn.module": "torch.nn.modules.module",
    "nn.parameter": "torch.nn.parameter",
    "nn.utils.prune": "torch.nn.utils.prune",
    "ops.formats": "torch",
    "ops.solve": "torch._C:_LinAlgError",
    "optim": "torch.optim.{lower}",
    "optim.composed": "torch.optim.lr_scheduler",
    "optim.cycles": "torch.optim.lr_scheduler",
    "optim.lr_scheduler": "torch.optim.lr_scheduler",
    "optim.schedule": "torch.optim.lr_scheduler",
    "distributions": "torch.distributions.{snake}",
}

# Layers that live with others here: torch.nn.modules' file -> names, without their 1d, 2d, 3d.
FAMILIES = {
    name: f"torch.nn.modules.{file}"
    for file, names in {
        "batchnorm": "BatchNorm SyncBatchNorm",
        "channelshuffle": "ChannelShuffle",
        "distance": "CosineSimilarity PairwiseDistance",
        "flatten": "Flatten Unflatten",
        "fold": "Fold Unfold",
        "instancenorm": "InstanceNorm",
        "pixelshuffle": "PixelShuffle PixelUnshuffle",
        "upsampling": "Upsample UpsamplingBilinear UpsamplingNearest",
    }.items()
    for name in names.split()
}

_moved: list[tuple[type, str, str]] = []


def move_home(kind: type) -> None:
    """Let a class say PyTorch's module from now on."""
    package, _, module = kind.__module__.partition(".")
    if package != "glassgrad":
        return
    name, (folder, _, file) = kind.__name__, module.rpartition(".")
    home = HOMES.get(module) or HOMES.get(folder)
    if folder == "nn.layers":
        home = FAMILIES.get(re.sub(r"\dd$", "", name), home)
    if home is None:
        return
    _moved.append((kind, kind.__module__, kind.__qualname__))
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    kind.__module__, _, renamed = home.format(file=file, lower=name.lower(), snake=snake).partition(":")
    kind.__qualname__ = renamed or kind.__qualname__


def move_back() -> None:
    """Let every class say its own module again."""
    while _moved:
        kind, module, name = _moved.pop()
        kind.__module__, kind.__qualname__ = module, name
