"""Models of torchvision in small: what to build, and torchvision 0.28.0's numbers for it with PyTorch 2.13.0."""

from __future__ import annotations

import zlib
from typing import Any

# name in torchvision.models, options, size of the image
MODELS: list[tuple[str, dict[str, Any], int]] = [
    ("DenseNet", {"growth_rate": 8, "block_config": (2, 3, 2), "num_init_features": 16, "num_classes": 5}, 48),
    ("DenseNet", {"growth_rate": 4, "block_config": (2, 2), "drop_rate": 0.3, "memory_efficient": True}, 32),
    ("squeezenet1_0", {"num_classes": 5}, 40),
    ("squeezenet1_1", {}, 32),
    ("shufflenet_v2_x0_5", {"num_classes": 5}, 64),
    ("mobilenet_v3_small", {"width_mult": 0.5, "num_classes": 5}, 48),
    ("mobilenet_v3_large", {"width_mult": 0.25, "reduced_tail": True, "dilated": True}, 48),
    ("googlenet", {"init_weights": False, "num_classes": 5}, 64),
    ("EfficientNet", {"inverted_residual_setting": "small", "dropout": 0.1, "last_channel": 32, "num_classes": 5}, 32),
    ("VisionTransformer", {"image_size": 32, "patch_size": 8, "num_layers": 2, "num_heads": 2, "hidden_dim": 16,
                           "mlp_dim": 32, "dropout": 0.1, "num_classes": 5, "representation_size": 7}, 32),
]  # fmt: skip
LARGE: list[tuple[str, dict[str, Any], int]] = [
    ("googlenet", {"init_weights": False, "aux_logits": False, "transform_input": True}, 64),
    ("efficientnet_b0", {"num_classes": 5}, 48),
    ("Inception3", {"init_weights": False, "num_classes": 5}, 75),
]

NUMBERS = [  # of `measure`, for MODELS and then LARGE
    [3765927937, 3771.412, 3.919603, 848.8483, 7.579679],
    [2713507570, 6137.048, 769.6042, 43025.48, 3458.152],
    [3992861256, 51002.59, 4.065836, 17353.88, 3.459786],
    [1787695745, 54056.99, 184.6993, 154294.9, 143.8504],
    [3563592991, 24303.21, 4.548207, 55426.32, 0.2967192],
    [2671146509, 34358.26, 0.1080101, 20.76151, 0.0001483692],
    [210584105, 23518.94, 6.205323, 96.39399, 0.01159296],
    [3377868341, 161271.3, 14.19226, 1683322.0, 0.119799],
    [2079416539, 2781.85, 4.943259, 656.152, 0.5057771],
    [561719351, 966.0484, 18.74786, 17330.82, 19.08758],
    [3911398036, 127255.7, 1097.134, 35407520.0, 74.00386],
    [2755435608, 301440.6, 62.29343, 41617590.0, 1.44719],
    [2406396877, 354786.9, 0.2377312, 4.017434, 0.2377312],
]


def build(lib: Any, models: Any, name: str, options: dict[str, Any]) -> Any:
    if options.get("inverted_residual_setting") == "small":
        from importlib import import_module

        parts = import_module(f"{models.__name__}.efficientnet")
        setting = [parts.FusedMBConvConfig(1, 3, 1, 8, 8, 2), parts.MBConvConfig(4, 5, 2, 8, 16, 3)]
        options = {**options, "inverted_residual_setting": setting}
    model = getattr(models, name)(**options)
    if name == "VisionTransformer":  # which starts with a head of zeros
        lib.nn.init.normal_(model.heads.head.weight)
    return model


def measure(lib: Any, models: Any, name: str, options: dict[str, Any], size: int) -> list[float]:
    """A sum over names and shapes; sums of |weights|, |outputs| in training, |gradients|, |outputs| in eval()."""
    lib.manual_seed(0)
    model = build(lib, models, name, options)
    state = model.state_dict()
    keys = zlib.crc32(repr([(key, tuple(value.shape)) for key, value in state.items()]).encode())
    weights = sum(value.double().abs().sum().item() for value in state.values())
    x = lib.randn(4, 3, size, size)
    if name == "Inception3":  # whose norms have one number to look at where images are small
        model.eval()
    outputs = model(x)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    sum(y.square().sum() for y in outputs).backward()
    gradients = sum(p.grad.double().abs().sum().item() for p in model.parameters() if p.grad is not None)
    with lib.no_grad():
        still = model.eval()(x)
    return [keys, weights, sum(y.double().abs().sum().item() for y in outputs), gradients,
            still.double().abs().sum().item()]  # fmt: skip
