"""Modules by name: what they are made with and what they are given; read by test_nn.py and the oracle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Shape = tuple[int, ...]


@dataclass
class Row:
    """nn.<name>(*args, **options) applied to real inputs of these shapes, then to integer ones: (shape, below)."""

    name: str
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    shapes: tuple[Shape, ...] = ((2, 3, 8),)
    integers: tuple[tuple[Shape, int], ...] = ()
    positive: bool = False  # inputs in (0, 1)
    signs: Shape | None = None  # a last input of -1 and 1

    def __str__(self) -> str:
        given = [*map(repr, self.args), *(f"{k}={v!r}" for k, v in self.options.items())]
        return f"{self.name}({', '.join(given)}) {self.shapes}".replace(" ", "")


def row(name: str, *args: Any, on: Any = ((2, 3, 8),), **options: Any) -> Row:
    shapes = on if on and isinstance(on[0], tuple) else (on,)
    return Row(name, args, options, shapes)


X1, X2, X3 = (2, 4, 9), (2, 4, 8, 7), (2, 4, 5, 6, 4)

ACTIVATIONS = [
    row("ReLU"), row("ReLU", inplace=True), row("ReLU6"), row("Sigmoid"), row("Tanh"), row("Hardsigmoid"), row("SiLU"),
    row("Mish"), row("Hardswish"), row("ELU"), row("ELU", 0.5, True), row("CELU", 1.5), row("SELU"), row("GLU"),
    row("GLU", 1, on=X1[:1] + (6, 3)), row("GELU"), row("GELU", "tanh"), row("Hardshrink", 0.3), row("LeakyReLU"),
    row("LeakyReLU", 0.2, True), row("LogSigmoid"), row("Softplus"), row("Softplus", 2.0, 1.0), row("Softshrink", 0.3),
    row("Softsign"), row("Tanhshrink"), row("Threshold", 0.1, 20.0), row("Threshold", 0.1, 20.0, True),
    row("Hardtanh"), row("Hardtanh", -0.5, 0.25), row("RReLU"), row("RReLU", 0.1, 0.9), row("Softmin", 1),
    row("Softmax", -1), row("LogSoftmax", 1), row("Softmax2d", on=X2), row("Softmax2d", on=(3, 4, 5)), row("PReLU"),
    row("PReLU", 3, init=0.1),
]  # fmt: skip

LINEAR = [
    row("Linear", 5, 7, on=(3, 5)),
    row("Linear", 5, 7, on=(2, 3, 5)),
    row("Linear", 5, 7, bias=False, on=(5,)),
    row("Linear", 300, 200, on=(4, 300)),
    row("Bilinear", 3, 4, 5, on=((6, 3), (6, 4))),
    row("Bilinear", 3, 4, 5, False, on=((2, 6, 3), (2, 6, 4))),
    row("Identity", 54, unused=True),
    row("Flatten"),
    row("Flatten", 0, 1),
    row("Unflatten", 2, (2, 4)),
    row("Unflatten", -1, [4, 2]),
]

CONVOLUTIONS = [
    row("Conv1d", 4, 6, 3, on=X1),
    row("Conv1d", 4, 6, 3, 2, 1, 2, 2, False, on=X1),
    row("Conv1d", 4, 2, 3, on=X1[1:]),
    row("Conv2d", 4, 6, 3, on=X2),
    row("Conv2d", 4, 8, (3, 2), (2, 1), (1, 0), (1, 2), 4, on=X2),
    row("Conv2d", 4, 6, 3, padding="same", on=X2),
    row("Conv2d", 4, 6, (3, 4), padding="same", dilation=(2, 1), on=X2),
    row("Conv2d", 4, 6, 3, padding="valid", bias=False, on=X2),
    row("Conv2d", 4, 6, 3, padding=(1, 2), padding_mode="reflect", on=X2),
    row("Conv2d", 4, 6, 3, padding=2, padding_mode="circular", on=X2),
    row("Conv2d", 4, 6, (3, 4), padding="same", padding_mode="replicate", on=X2),
    row("Conv3d", 4, 6, 3, on=X3),
    row("Conv3d", 4, 6, (1, 2, 3), 2, 1, groups=2, on=X3),
    row("ConvTranspose1d", 4, 6, 3, on=X1),
    row("ConvTranspose1d", 4, 6, 3, 3, 1, 2, 2, False, 2, on=X1),
    row("ConvTranspose2d", 4, 6, 3, on=X2),
    row("ConvTranspose2d", 4, 8, (3, 2), 2, 1, 1, groups=4, on=X2),
    row("ConvTranspose3d", 4, 6, (1, 2, 3), 2, on=X3),
]

POOLS = [
    row("MaxPool1d", 3, on=X1),
    row("MaxPool2d", 2, on=X2),
    row("MaxPool2d", (3, 2), (2, 1), (1, 0), 1, on=X2),
    row("MaxPool2d", 3, 2, dilation=2, ceil_mode=True, on=X2),
    row("MaxPool3d", 2, on=X3),
    row("MaxPool2d", 2, return_indices=True, on=X2),
    row("AvgPool1d", 3, on=X1),
    row("AvgPool1d", 3, 2, 1, True, on=X1),
    row("AvgPool2d", 2, on=X2),
    row("AvgPool2d", (3, 2), 2, (1, 0), False, False, on=X2),
    row("AvgPool2d", 3, divisor_override=5, on=X2),
    row("AvgPool3d", 2, on=X3),
    row("LPPool1d", 2, 3, on=X1),
    row("LPPool2d", 2.0, 3, 2, on=X2),
    row("AdaptiveAvgPool1d", 4, on=X1),
    row("AdaptiveAvgPool2d", 1, on=X2),
    row("AdaptiveAvgPool2d", (3, None), on=X2),
    row("AdaptiveAvgPool3d", 2, on=X3),
    row("AdaptiveMaxPool1d", 4, on=X1),
    row("AdaptiveMaxPool2d", (3, 2), on=X2),
    row("AdaptiveMaxPool3d", 2, on=X3),
]

NORMS = [
    row("BatchNorm1d", 4, on=(6, 4)),
    row("BatchNorm1d", 4, on=X1),
    row("BatchNorm2d", 4, on=X2),
    row("BatchNorm3d", 4, on=X3),
    row("BatchNorm2d", 4, 1e-3, None, on=X2),
    row("BatchNorm2d", 4, affine=False, on=X2),
    row("BatchNorm2d", 4, track_running_stats=False, on=X2),
    row("BatchNorm1d", 4, bias=False, on=X1),
    row("LayerNorm", 8),
    row("LayerNorm", (3, 8), 1e-3),
    row("LayerNorm", 8, bias=False),
    row("LayerNorm", [8], elementwise_affine=False),
    row("RMSNorm", 8),
    row("RMSNorm", (3, 8), 1e-3),
    row("RMSNorm", 8, elementwise_affine=False),
    row("GroupNorm", 2, 4, on=X2),
    row("GroupNorm", 4, 4, 1e-3, on=X1),
    row("GroupNorm", 1, 4, affine=False, on=X2),
    row("GroupNorm", 2, 4, bias=False, on=X2),
    row("InstanceNorm1d", 4, on=X1),
    row("InstanceNorm2d", 4, on=X2),
    row("InstanceNorm3d", 4, on=X3),
    row("InstanceNorm2d", 4, affine=True, track_running_stats=True, on=X2),
    row("InstanceNorm1d", 4, on=X1[1:]),
    row("LocalResponseNorm", 2, on=X2),
    row("LocalResponseNorm", 3, 0.1, 0.5, 2.0, on=X1),
]

DROPOUTS = [
    row("Dropout"),
    row("Dropout", 0.2, True),
    row("Dropout", 0.0),
    row("Dropout", 1.0),
    row("Dropout1d", on=X1),
    row("Dropout2d", 0.3, on=X2),
    row("Dropout3d", on=X3),
    row("AlphaDropout", 0.4),
    row("FeatureAlphaDropout", on=X2),
]

ARRANGEMENTS = [
    row("ZeroPad1d", 2),
    row("ZeroPad2d", (1, 2, 0, 1), on=X2),
    row("ZeroPad3d", 1, on=X3),
    row("ConstantPad1d", 2, 3.5),
    row("ConstantPad2d", 2, 3.5, on=X2),
    row("ConstantPad3d", (1, 0, 0, 0, 2, 1), 3.5, on=X3),
    row("ReflectionPad1d", 2),
    row("ReflectionPad2d", (1, 2, 3, 0), on=X2),
    row("ReflectionPad3d", 1, on=X3),
    row("ReplicationPad1d", 2),
    row("ReplicationPad2d", (1, 2, 3, 0), on=X2),
    row("ReplicationPad3d", 1, on=X3),
    row("CircularPad1d", 2),
    row("CircularPad2d", (1, 2, 3, 0), on=X2),
    row("CircularPad3d", 1, on=X3),
    row("Upsample", scale_factor=2, on=X2),
    row("Upsample", (3, 9), on=X2),
    row("Upsample", scale_factor=(2.0, 3.0), mode="bilinear", align_corners=True, on=X2),
    row("UpsamplingNearest2d", scale_factor=2, on=X2),
    row("UpsamplingBilinear2d", (5, 9), on=X2),
    row("PixelShuffle", 2, on=X2),
    row("PixelUnshuffle", 2, on=(2, 3, 4, 6)),
    row("ChannelShuffle", 2, on=X2),
    row("Unfold", 3, on=X2),
    row("Unfold", (2, 3), 2, 1, 2, on=X2),
    row("Fold", (4, 5), (2, 2), on=(2, 12, 12)),
    row("CosineSimilarity", on=((3, 5), (3, 5))),
    row("CosineSimilarity", 0, 1e-3, on=((3, 5), (3, 5))),
    row("PairwiseDistance", on=((3, 5), (3, 5))),
    row("PairwiseDistance", 1.0, 1e-3, True, on=((3, 5), (3, 5))),
]

STEPS = (5, 3, 4)  # (T, N, I)
RECURRENT = [
    *(row(name, 4, 6, on=STEPS) for name in ("RNN", "GRU", "LSTM")),
    *(
        row(name, 4, 6, 2, bias=False, batch_first=True, bidirectional=True, on=STEPS)
        for name in ("RNN", "GRU", "LSTM")
    ),
    *(row(name, 4, 6, 3, dropout=0.4, on=STEPS[::2]) for name in ("RNN", "GRU", "LSTM")),
    row("RNN", 4, 6, 2, "relu", True, True, 0.5, True, on=STEPS),
    row("LSTM", 4, 6, 2, proj_size=2, bidirectional=True, dropout=0.3, on=STEPS),
    row("LSTM", 4, 6, proj_size=3, bias=False, on=STEPS),
    *(row(name, 4, 6, on=on) for name in ("RNNCell", "GRUCell", "LSTMCell") for on in ((3, 4), (4,))),
    row("RNNCell", 4, 6, False, "relu", on=((3, 4), (3, 6))),
    row("GRUCell", 4, 6, False, on=((3, 4), (3, 6))),
]

QUERIES = ((5, 3, 8), (4, 3, 8), (4, 3, 8))  # (L, N, E), (S, N, E), (S, N, E)
LAYER = {"dim_feedforward": 12, "dropout": 0.3}
TRANSFORMERS = [
    row("MultiheadAttention", 8, 2, on=QUERIES),
    row("MultiheadAttention", 8, 4, 0.4, add_bias_kv=True, add_zero_attn=True, on=QUERIES),
    row("MultiheadAttention", 8, 1, 0.4, False, batch_first=True, on=((5, 3, 8), (5, 6, 8), (5, 6, 8))),
    row("MultiheadAttention", 8, 2, 0.1, kdim=3, vdim=5, on=((5, 3, 8), (4, 3, 3), (4, 3, 5))),
    row("MultiheadAttention", 8, 2, kdim=3, bias=False, on=((5, 8), (4, 3), (4, 8))),
    row("TransformerEncoderLayer", 8, 2, **LAYER, on=(5, 3, 8)),
    row("TransformerEncoderLayer", 8, 2, 12, activation="gelu", norm_first=True, bias=False, on=(5, 8)),
    row("TransformerEncoderLayer", 8, 4, **LAYER, layer_norm_eps=1e-3, batch_first=True, on=(3, 5, 8)),
    row("TransformerDecoderLayer", 8, 2, **LAYER, on=((5, 3, 8), (4, 3, 8))),
    row("TransformerDecoderLayer", 8, 2, 12, 0.2, "gelu", 1e-3, True, True, False, on=((3, 5, 8), (3, 4, 8))),
    row("Transformer", 8, 2, 2, 3, **LAYER, on=((4, 3, 8), (5, 3, 8))),
    row("Transformer", 8, 2, 1, 1, 12, batch_first=True, norm_first=True, on=((3, 4, 8), (3, 5, 8))),
]

PAIR = ((3, 5), (3, 5))
TRIPLE = ((3, 5), (3, 5), (3, 5))
REDUCTIONS = ("mean", "sum", "none")
CLASSES = (((6, 5),), (((6,), 5),))
LOSSES = [
    *(row(name, reduction=r, on=PAIR) for name in ("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss", "KLDivLoss")
      for r in (*REDUCTIONS, *(("batchmean",) if name == "KLDivLoss" else ()))),
    *(Row(name, (), {"reduction": r}, *CLASSES) for name in ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss")
      for r in REDUCTIONS),
    *(Row(name, (), {"reduction": r}, PAIR, positive=True) for name in ("BCELoss", "PoissonNLLLoss")
      for r in REDUCTIONS),
    *(Row("BCEWithLogitsLoss", (), {"reduction": r}, PAIR) for r in REDUCTIONS),
    *(Row("GaussianNLLLoss", (), {"reduction": r}, TRIPLE, positive=True) for r in REDUCTIONS),
    *(Row(name, (), {"reduction": r}, ((3, 5),), signs=(3, 5)) for name in ("HingeEmbeddingLoss", "SoftMarginLoss")
      for r in REDUCTIONS),
    *(Row("MultiLabelSoftMarginLoss", (), {"reduction": r}, PAIR) for r in REDUCTIONS),
    *(Row("MarginRankingLoss", (0.3,), {"reduction": r}, ((7,), (7,)), signs=(7,)) for r in REDUCTIONS),
    *(Row("CosineEmbeddingLoss", (0.1,), {"reduction": r}, PAIR, signs=(3,)) for r in REDUCTIONS),
    *(row("TripletMarginLoss", reduction=r, on=TRIPLE) for r in REDUCTIONS),
    *(row("TripletMarginWithDistanceLoss", reduction=r, on=TRIPLE) for r in REDUCTIONS),
    Row("CrossEntropyLoss", (), {"label_smoothing": 0.1}, *CLASSES),
    Row("CrossEntropyLoss", (), {"ignore_index": 2}, *CLASSES),
    Row("NLLLoss", (), {"ignore_index": 2}, *CLASSES), row("SmoothL1Loss", beta=0.3, on=PAIR),
    row("HuberLoss", delta=0.3, on=PAIR),
    row("KLDivLoss", log_target=True, on=PAIR), Row("PoissonNLLLoss", (False, True), {}, PAIR, positive=True),
    Row("GaussianNLLLoss", (), {"full": True}, TRIPLE, positive=True), Row("MultiMarginLoss", (2, 0.5), {}, *CLASSES),
    row("TripletMarginLoss", 0.5, 1.0, swap=True, on=TRIPLE),
    row("TripletMarginWithDistanceLoss", margin=0.3, swap=True, on=TRIPLE),
]  # fmt: skip

TABLES = [
    Row("Embedding", (9, 4), {}, (), (((3, 5), 9),)),
    Row("Embedding", (9, 4, 2), {}, (), (((7,), 9),)),
    Row("Embedding", (9, 4), {"padding_idx": -1}, (), (((7,), 9),)),
    Row("Embedding", (9, 4), {"max_norm": 1.0, "norm_type": 1.0}, (), (((7,), 9),)),
    Row("Embedding", (9, 4), {"scale_grad_by_freq": True}, (), (((20,), 9),)),
]

REST = [
    Row("EmbeddingBag", (9, 4), {}, (), (((3, 5), 9),)),
    Row("EmbeddingBag", (9, 4), {"mode": "sum", "padding_idx": -1, "max_norm": 1.0}, (), (((3, 5), 9),)),
    Row("EmbeddingBag", (9, 4), {"mode": "max", "norm_type": 1.0}, (), (((3, 5), 9),)),
    Row("AdaptiveLogSoftmaxWithLoss", (8, 12, [3, 7]), {"div_value": 2.0}, ((6, 8),), (((6,), 12),)),
    Row("AdaptiveLogSoftmaxWithLoss", (8, 12, (4,)), {"head_bias": True}, ((6, 8),), (((6,), 12),)),
    row("LPPool3d", 2, 2, on=X3), row("LPPool3d", 3.0, (1, 2, 3), 2, True, on=X3),
    row("LPPool1d", float("inf"), 3, on=X1), row("LPPool2d", float("-inf"), 2, on=X2),
    Row("MaxUnpool1d", (2,), {}, ((2, 3, 1),), (((2, 3, 1), 2),)),
    Row("MaxUnpool2d", (3, 2, 1), {}, ((2, 3, 1, 1),), (((2, 3, 1, 1), 1),)),
    Row("MaxUnpool3d", ((2, 1, 1),), {}, ((2, 3, 1, 1, 1),), (((2, 3, 1, 1, 1), 2),)),
    row("FractionalMaxPool2d", 2, (3, 4), on=X2), row("FractionalMaxPool2d", (2, 3), None, 0.5, True, on=X2),
    row("FractionalMaxPool3d", 2, output_ratio=(0.5, 0.5, 0.6), on=X3),
    row("SyncBatchNorm", 4, on=X2), row("SyncBatchNorm", 4, affine=False, on=(6, 4)),
    *(Row("MultiLabelMarginLoss", (), {"reduction": r}, ((3, 5),), (((3, 5), 5),)) for r in REDUCTIONS),
    Row("LinearCrossEntropyLoss", (8, 5), {}, ((6, 8),), (((6,), 5),)),
    Row("LinearCrossEntropyLoss", (8, 5), {"out_features": (2,), "bias": True, "reduction": "sum"},
        ((6, 8),), (((6, 2), 5),)),
    Row("LinearCrossEntropyLoss", (8, 5), {"label_smoothing": 0.1}, ((6, 8),), (((6,), 5),)),
]  # fmt: skip

ROWS: list[Row] = [
    *ACTIVATIONS, *LINEAR, *CONVOLUTIONS, *POOLS, *NORMS, *DROPOUTS, *ARRANGEMENTS, *RECURRENT, *LOSSES,
    *TABLES, *TRANSFORMERS, *REST,
]  # fmt: skip
