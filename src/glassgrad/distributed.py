"""torch.distributed with a group of one process: every exchange is with oneself. More processes raise
NotImplementedError.
"""

from __future__ import annotations

import enum
import os
from typing import Any

__all__ = [
    "ReduceOp", "all_gather", "all_gather_into_tensor", "all_gather_object", "all_reduce", "barrier", "broadcast",
    "broadcast_object_list", "destroy_process_group", "gather", "get_backend", "get_rank", "get_world_size",
    "group", "init_process_group", "is_available", "is_gloo_available", "is_initialized", "is_mpi_available",
    "is_nccl_available", "is_torchelastic_launched", "new_group", "reduce", "scatter",
]  # fmt: skip


class ReduceOp(enum.Enum):
    """How values of several processes become one; of one process each gives the value itself."""

    SUM = 0
    AVG = 1
    PRODUCT = 2
    MIN = 3
    MAX = 4
    BAND = 5
    BOR = 6
    BXOR = 7


class _Group:
    """A group of the one process."""

    def size(self) -> int:
        return 1

    def rank(self) -> int:
        return 0


class group:
    """group.WORLD: the group that init_process_group made, or None."""

    WORLD: _Group | None = None


_backend = ""


def is_available() -> bool:
    """True: there are groups, of one process."""
    return True


def is_gloo_available() -> bool:
    return True


def is_nccl_available() -> bool:
    return False


def is_mpi_available() -> bool:
    return False


def is_torchelastic_launched() -> bool:
    """Whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_initialized() -> bool:
    return group.WORLD is not None


def _asked(name: str, given: int, variable: str) -> int:
    if given >= 0:
        return given
    if variable not in os.environ:
        raise ValueError(
            "Error initializing torch.distributed using env:// rendezvous: environment variable "
            f"{variable} expected, but not set"
        )
    return int(os.environ[variable])


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: Any = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Make the group of this process. rank and world_size, or the environment's RANK and WORLD_SIZE, say 0 of 1.

    Where it would meet others doesn't matter. NotImplementedError for more processes, ValueError for a second group and
    for backends of GPUs.
    """
    global _backend
    if group.WORLD is not None:
        raise ValueError("trying to initialize the default process group twice!")
    if backend is not None and backend.lower() not in ("gloo", "undefined", "cpu:gloo"):
        raise ValueError(f"init_process_group: backend {backend!r} needs what is not here; use 'gloo'")
    place, size = _asked("rank", rank, "RANK"), _asked("world_size", world_size, "WORLD_SIZE")
    if size != 1:
        raise NotImplementedError(f"init_process_group: groups of {size} processes are not in glassgrad, only of one")
    if place != 0:
        raise ValueError(f"init_process_group: rank {place} of a group of 1")
    group.WORLD, _backend = _Group(), backend or "gloo"


def destroy_process_group(group: Any = None) -> None:
    """Undo init_process_group."""
    _group(None)
    globals()["group"].WORLD = None


def _group(given: Any) -> _Group:
    if group.WORLD is None:
        raise ValueError("Default process group has not been initialized, please make sure to call init_process_group.")
    return given or group.WORLD


def new_group(ranks: Any = None, *args: Any, **options: Any) -> _Group:
    """A further group, of this process."""
    _group(None)
    if ranks is not None and list(ranks) not in ([], [0]):
        raise ValueError("the new group's rank should be within the world_size set by init_process_group")
    return _Group()


def get_rank(group: Any = None) -> int:
    return _group(group).rank()


def get_world_size(group: Any = None) -> int:
    return _group(group).size()


def get_backend(group: Any = None) -> str:
    _group(group)
    return _backend


# --- exchanges: what one process gives is what it gets ---


class _Done:
    """What async_op=True gives: there is nothing to wait for."""

    def wait(self, timeout: Any = None) -> bool:
        return True

    def is_completed(self) -> bool:
        return True


def _end(group: Any, async_op: bool, rank: int = 0) -> _Done | None:
    _group(group)
    if rank != 0:
        raise ValueError(f"rank {rank} is not in a group of one process")
    return _Done() if async_op else None


def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None) -> _Done | None:
    return _end(group, async_op)


def all_reduce(tensor: Any, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False) -> _Done | None:
    return _end(group, async_op)


def reduce(tensor: Any, dst: int = 0, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False) -> Any:
    return _end(group, async_op, dst)


def broadcast(tensor: Any, src: int = 0, group: Any = None, async_op: bool = False) -> _Done | None:
    return _end(group, async_op, src)


def broadcast_object_list(object_list: list[Any], src: int = 0, group: Any = None, device: Any = None) -> None:
    _end(group, False, src)


def all_gather(tensor_list: list[Any], tensor: Any, group: Any = None, async_op: bool = False) -> _Done | None:
    """tensor_list[0] becomes the tensor."""
    done = _end(group, async_op)
    _one(tensor_list).copy_(tensor.detach())
    return done


def all_gather_into_tensor(output_tensor: Any, input_tensor: Any, group: Any = None, async_op: bool = False) -> Any:
    done = _end(group, async_op)
    output_tensor.copy_(input_tensor.detach().view_as(output_tensor))
    return done


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    _end(group, False)
    _one(object_list)
    object_list[0] = obj


def gather(
    tensor: Any, gather_list: list[Any] | None = None, dst: int = 0, group: Any = None, async_op: bool = False
) -> _Done | None:
    """gather_list[0] becomes the tensor."""
    done = _end(group, async_op, dst)
    _one(gather_list).copy_(tensor.detach())
    return done


def scatter(
    tensor: Any, scatter_list: list[Any] | None = None, src: int = 0, group: Any = None, async_op: bool = False
) -> _Done | None:
    """The tensor becomes scatter_list[0]."""
    done = _end(group, async_op, src)
    tensor.copy_(_one(scatter_list))
    return done


def _one(things: list[Any] | None) -> Any:
    if things is None or len(things) != 1:
        raise ValueError(f"expected a list with one entry for the one process, got {things}")
    return things[0]
