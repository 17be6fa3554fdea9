"""Where PyTorch's modules are found: each name, and the modules of this package that are looked through, in order.

A target that does not exist is passed over; a module without any is missing. `*` stands for any last name.
"""

from __future__ import annotations

MODULES: dict[str, tuple[str, ...]] = {
    "torch": ("glassgrad.torchlike.extras", "glassgrad"),
    "torch.accelerator": ("glassgrad.accelerator",),
    "torch.amp": ("glassgrad.amp",),
    "torch.amp.*": ("glassgrad.amp",),
    "torch.autograd": ("glassgrad.autograd", "glassgrad.torchlike.extras"),
    "torch.autograd.forward_ad": ("glassgrad.autograd.forward_ad",),
    "torch.autograd.function": ("glassgrad.autograd.function", "glassgrad.autograd"),
    "torch.autograd.functional": ("glassgrad.autograd.functional",),
    "torch.autograd.grad_mode": ("glassgrad",),
    "torch.autograd.gradcheck": ("glassgrad.autograd.gradcheck",),
    "torch.autograd.graph": ("glassgrad.autograd.graph",),
    "torch.autograd.profiler": ("glassgrad.profiler",),
    "torch.autograd.variable": ("glassgrad.torchlike.extras",),
    "torch.backends": ("glassgrad.backends",),
    "torch.backends.cpu": ("glassgrad.backends.cpu",),
    "torch.backends.cuda": ("glassgrad.backends.cuda",),
    "torch.backends.cudnn": ("glassgrad.backends.cudnn",),
    "torch.backends.mkl": ("glassgrad.backends.mkl",),
    "torch.backends.mkldnn": ("glassgrad.backends.mkldnn",),
    "torch.backends.mps": ("glassgrad.backends.mps",),
    "torch.backends.openmp": ("glassgrad.backends.openmp",),
    "torch.cuda": ("glassgrad.cuda",),
    "torch.cuda.amp": ("glassgrad.cuda.amp", "glassgrad.amp"),
    "torch.cuda.amp.*": ("glassgrad.cuda.amp", "glassgrad.amp"),
    "torch.cuda.random": ("glassgrad.cuda",),
    "torch.distributions": ("glassgrad.distributions",),
    "torch.distributions.*": ("glassgrad.distributions.*", "glassgrad.distributions"),
    "torch.fft": ("glassgrad.fft",),
    "torch.func": ("glassgrad.func",),
    "torch.functional": ("glassgrad",),
    "torch.linalg": ("glassgrad.linalg",),
    "torch.multiprocessing": ("glassgrad.multiprocessing",),
    "torch.nn": ("glassgrad.nn",),
    "torch.nn.attention": ("glassgrad.nn.attention",),
    "torch.nn.functional": ("glassgrad.nn.functional",),
    "torch.nn.init": ("glassgrad.nn.init",),
    "torch.nn.modules": ("glassgrad.nn",),
    "torch.nn.modules.*": ("glassgrad.nn",),
    "torch.nn.parameter": ("glassgrad.nn.parameter", "glassgrad.nn"),
    "torch.nn.utils": ("glassgrad.nn.utils",),
    "torch.nn.utils.*": ("glassgrad.nn.utils.*",),
    "torch.optim": ("glassgrad.optim",),
    "torch.optim.lr_scheduler": ("glassgrad.optim.lr_scheduler",),
    "torch.optim.swa_utils": ("glassgrad.optim.swa_utils",),
    "torch.optim.*": ("glassgrad.optim",),
    "torch.profiler": ("glassgrad.profiler",),
    "torch.random": ("glassgrad",),
    "torch.return_types": ("glassgrad.ops.return_types",),
    "torch.serialization": ("glassgrad.serialization",),
    "torch.sparse": ("glassgrad.sparse",),
    "torch.special": ("glassgrad.special",),
    "torch.types": ("glassgrad.torchlike.types", "glassgrad"),
    "torch.utils": ("glassgrad.utils",),
    "torch.utils.checkpoint": ("glassgrad.utils.checkpoint",),
    "torch.utils.data": ("glassgrad.data",),
    "torch.utils.data.*": ("glassgrad.data",),
    "torch.utils.tensorboard": ("glassgrad.tensorboard",),
    "torch.utils.tensorboard.*": ("glassgrad.tensorboard",),
    "torch.version": ("glassgrad.torchlike.version",),
    "torchvision": ("glassgrad.vision",),
    "torchvision.datasets": ("glassgrad.vision.datasets", "glassgrad.data.vision"),
    "torchvision.datasets.*": ("glassgrad.vision.datasets", "glassgrad.data.vision"),
    "torchvision.models": ("glassgrad.vision.models",),
    "torchvision.models.*": ("glassgrad.vision.models",),
    "torchvision.transforms": ("glassgrad.vision.transforms", "glassgrad.data.transforms"),
    "torchvision.transforms.functional": ("glassgrad.vision.functional", "glassgrad.vision.transforms.functional"),
    "torchvision.transforms.transforms": ("glassgrad.vision.transforms", "glassgrad.data.transforms"),
    "torchvision.utils": ("glassgrad.vision.utils",),
}

ROOTS = {name.partition(".")[0] for name in MODULES}


def row(name: str) -> tuple[str, ...]:
    """The targets of a module's name, with what `*` stands for put in; () where the table has no row."""
    if name in MODULES:
        return MODULES[name]
    parent, _, last = name.rpartition(".")
    return tuple(target.replace("*", last) for target in MODULES.get(f"{parent}.*", ()))
