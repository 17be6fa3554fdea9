"""What programs use besides public names: bases, protected methods, settings of tools that are not here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.nn import functional as F
from glassgrad.nn.modules import batchnorm, conv, loss, pooling, transformer

SOURCE = Path(gg.__file__).parents[1]


def test_a_loss_of_ones_own() -> None:
    class Focal(loss._WeightedLoss):
        def forward(self, x: gg.Tensor, target: gg.Tensor) -> gg.Tensor:
            nll = F.cross_entropy(x, target, weight=self.weight, reduction="none")
            return ((1 - gg.exp(-nll)) ** 2 * nll).mean()

    weights = gg.tensor([1.0, 3.0])
    focal = Focal(weights, reduction="sum")
    assert focal.reduction == "sum" and "weight" in focal.state_dict() and repr(focal) == "Focal()"
    assert focal(gg.zeros(1, 2), gg.tensor([1])).item() == pytest.approx((7 / 8) ** 2 * 3 * np.log(2), rel=1e-6)
    assert isinstance(nn.CrossEntropyLoss(), loss._WeightedLoss) and isinstance(nn.MSELoss(), loss._Loss)
    with pytest.raises(NotImplementedError, match="missing the required"):
        loss._Loss()(gg.ones(1))


def test_a_convolution_with_another_weight() -> None:
    class Halved(nn.Conv2d):
        def forward(self, input: gg.Tensor) -> gg.Tensor:
            return self._conv_forward(input, self.weight / 2, None)

    layer = Halved(1, 2, 3, padding=1, padding_mode="reflect")
    x = gg.randn(1, 1, 5, 5)
    padded = F.pad(x, layer._reversed_padding_repeated_twice, mode="reflect")
    np.testing.assert_allclose(
        layer(x).detach().numpy(), F.conv2d(padded, layer.weight / 2).detach().numpy(), rtol=1e-6
    )

    class Own(conv._ConvNd):
        def __init__(self) -> None:
            super().__init__(1, 2, (3, 3), (1, 1), (0, 0), (1, 1), False, (0, 0), 1, True, "zeros")

    assert Own().weight.shape == (2, 1, 3, 3) and repr(Own()) == "Own(1, 2, kernel_size=(3, 3), stride=(1, 1))"


def test_a_norm_for_any_number_of_dims() -> None:
    class Any_(batchnorm._BatchNorm):
        def _check_input_dim(self, input: gg.Tensor) -> None:
            pass

    assert Any_(3)(gg.randn(2, 3, 2, 2, 2, 2)).shape == (2, 3, 2, 2, 2, 2)


def test_bases_and_helpers() -> None:
    assert isinstance(nn.MaxPool2d(2), pooling._MaxPoolNd)
    assert isinstance(nn.AdaptiveAvgPool2d(1), pooling._AdaptiveAvgPoolNd)
    copies = transformer._get_clones(nn.Linear(1, 1), 2)
    assert len(copies) == 2 and copies[0].weight is not copies[1].weight
    assert transformer._get_activation_fn("gelu") is F.gelu
    found = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))._named_members(lambda m: m._buffers.items(), prefix="net")
    assert [name for name, _ in found][0] == "net.1.running_mean"


PROGRAM = """
import hashlib, os, tempfile
from pathlib import Path
import torch, torch._dynamo.config, torch._inductor.config, torch.utils.model_zoo
from torch.hub import load_state_dict_from_url
from torch.utils.data._utils.collate import default_collate
from torch.utils.hooks import RemovableHandle

torch._C._log_api_usage_once("program")
torch._C._jit_set_profiling_mode(False)
torch._dynamo.config.suppress_errors = torch._inductor.config.coordinate_descent_tuning = True

@torch.compiler.disable
def double(x):
    return 2 * x

@torch.jit.script
def more(x: torch.Tensor) -> torch.Tensor:
    return x + 1

assert more(double(torch.ones(1))).item() == 3 and not torch.compiler.is_compiling()
assert isinstance(torch.nn.Linear(1, 1).register_forward_hook(print), RemovableHandle)
assert default_collate([1, 2]).tolist() == [1, 2]

from torch.utils._pytree import tree_flatten, tree_map_only, tree_unflatten
leaves, spec = tree_flatten({"a": [1, 2.0], "b": (torch.ones(1),)})
assert tree_unflatten([10, *leaves[1:]], spec)["a"] == [10, 2.0]
assert tree_map_only(float, str, [1, (2.0,)]) == [1, ("2.0",)]

from torch.futures import Future, collect_all, wait_all
first, second = Future(), Future()
both = collect_all([first, second]).then(lambda f: sum(x.wait() for x in f.value()))
first.set_result(1), second.set_result(2)
assert both.value() == 3 and wait_all([first, second]) == [1, 2]
failed = first.then(lambda f: 1 / 0)
try:
    failed.wait()
except ZeroDivisionError:
    pass

there = Path(tempfile.mkdtemp())
torch.save({"w": torch.ones(2)}, there / "a")
start = hashlib.sha256((there / "a").read_bytes()).hexdigest()[:8]
url = (there / "a").rename(there / f"a-{start}.pth").as_uri()
torch.hub.set_dir(there / "hub")
assert load_state_dict_from_url(url, check_hash=True)["w"].tolist() == [1, 1]
(there / f"a-{start}.pth").unlink()
assert torch.utils.model_zoo.load_url(url)["w"].tolist() == [1, 1]  # it is there by now
(there / "b-00000000.pth").write_bytes(b"something else")
try:
    load_state_dict_from_url((there / "b-00000000.pth").as_uri(), check_hash=True)
except RuntimeError as problem:
    assert "invalid hash value" in str(problem)
    assert len(list((there / "hub" / "checkpoints").iterdir())) == 1
else:
    raise AssertionError("another file's content was taken")
try:
    torch.hub.load("owner/name", "model")
except NotImplementedError as problem:
    assert "code from the network" in str(problem)
print("done")
"""


def test_settings_of_tools_that_are_not_here(tmp_path: Path) -> None:
    environment: dict[str, Any] = {**os.environ, "PYTHONPATH": str(SOURCE), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "glassgrad", "run", "-"], input=PROGRAM, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1:] == ["done"], done.stderr


def test_a_storage_counts_its_bytes() -> None:
    """Tables of a model's sizes ask Python for them."""
    small, large = (sys.getsizeof(gg.ones(n).untyped_storage()) for n in (10, 110))
    assert large - small == 400
