"""What a tensor is, asked of a function; and the functions that PyTorch has removed, with its words."""

from __future__ import annotations

from typing import Any

from ..core import dtypes, printing
from ..core.dtypes import dtype
from ..core.provenance import warn
from ..core.tensor import TYPE_NAMES, Tensor


def detach(input: Tensor) -> Tensor:
    """The same memory, cut from the graph."""
    return input.detach()


def get_device(input: Tensor) -> int:
    """The number of the GPU, -1 on the CPU."""
    return input.get_device()


def is_same_size(input: Tensor, other: Tensor) -> bool:
    return input.is_same_size(other)


def is_signed(input: Tensor) -> bool:
    return input.is_signed()


def is_distributed(input: Tensor) -> bool:
    """Whether the tensor is spread over several machines: never."""
    return False


def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode; such tensors are like others here."""
    return False


def is_storage(obj: Any) -> bool:
    """Whether obj is a storage: there are none."""
    return False


def is_vulkan_available() -> bool:
    return False


def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """The dtype in which two tensors or numbers meet in an operation."""
    return dtypes.result_type(*(x.array if isinstance(x, Tensor) else x for x in (tensor1, tensor2)))


def typename(obj: Any) -> str:
    """The name of an object's type, with its module; of a tensor, its tensor type.

    >>> typename(Tensor([1.0]))
    'torch.FloatTensor'
    """
    if isinstance(obj, Tensor):
        return obj.type()
    named = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(named, "__module__", None) or ""
    home = module.replace("glassgrad", printing.NAMESPACE, 1) if module.startswith("glassgrad") else module
    home = home.replace(".nn.layers.", ".nn.modules.")
    return named.__qualname__ if home in ("", "builtins") else f"{home}.{named.__qualname__}"


# --- removed from PyTorch ---


def _removed(name: str, instead: str) -> Any:
    def gone(*args: Any, **options: Any) -> Any:
        raise RuntimeError(f"This function was deprecated since version 1.9 and is now removed. {instead}")

    gone.__name__ = gone.__qualname__ = name
    gone.__doc__ = f"Removed from PyTorch. {instead}"
    return gone


eig = _removed("eig", "`torch.linalg.eig` returns complex tensors: L, V = torch.linalg.eig(A).")
lstsq = _removed("lstsq", "`torch.lstsq` is deprecated in favor of `torch.linalg.lstsq`, with reversed arguments.")
matrix_rank = _removed("matrix_rank", "Please use the `torch.linalg.matrix_rank` function instead.")
solve = _removed("solve", "`torch.solve` is deprecated in favor of `torch.linalg.solve`, with reversed arguments.")
symeig = _removed("symeig", "L, V = torch.linalg.eigh(A) and L = torch.linalg.eigvalsh(A) replace it.")


# --- methods and attributes ---


def reinforce(self: Tensor, reward: Any) -> None:
    """Removed from PyTorch: sample with torch.distributions and use their log_prob."""
    raise RuntimeError(
        "reinforce() was removed. Use torch.distributions instead: m = Categorical(probs); action = m.sample(); "
        "loss = -m.log_prob(action) * reward; loss.backward()"
    )


def _volatile(self: Tensor) -> bool:
    """Always False, with a warning: no_grad() has taken its place."""
    warn("volatile was removed (Variable.volatile is always False)")
    return False


def _output_nr(self: Tensor) -> int:
    """Which of its node's outputs the tensor is."""
    node: Any = self.grad_fn
    return node.saved[0][0] if node is not None and node.op.is_pick else 0


volatile, output_nr = property(_volatile), property(_output_nr)


def record_stream(self: Tensor, stream: Any) -> None:
    raise RuntimeError("record_stream() is for tensors on a GPU: there are no streams on the CPU")


def is_shared(input: Tensor) -> bool:
    """Whether other processes can see changes of this tensor: after share_memory_()."""
    from ..core import shared

    return shared.map_of(input.array) is not None


def storage_type(self: Tensor) -> Any:
    raise NotImplementedError(f"storages ({TYPE_NAMES[self.dtype.name]}) are not in glassgrad yet")
