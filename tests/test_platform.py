"""The rooms that are about devices: what PyTorch without CUDA does."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

import glassgrad as g
from glassgrad import accelerator, backends, cuda, distributed, mps, multiprocessing, nn, xpu
from glassgrad.core import backend

needs_no_gpu = pytest.mark.skipif(backend.cuda_available(), reason="there is a GPU here")


def test_there_is_no_device() -> None:
    for room in (cuda, accelerator, mps, xpu):
        assert room.is_available() is False and room.device_count() == 0
    assert not backends.mps.is_available() and not backends.cudnn.is_available() and not backends.cuda.is_built()
    assert accelerator.current_accelerator() is None
    device = g.device("cuda" if cuda.is_available() else "mps" if backends.mps.is_available() else "cpu")
    assert device == g.device("cpu")


def test_seeds_and_caches_are_quiet() -> None:
    state = g.get_rng_state()
    for call in (cuda.manual_seed, cuda.manual_seed_all, mps.manual_seed, xpu.manual_seed_all):
        assert call(3) is None
    cuda.empty_cache()
    assert g.equal(state, g.get_rng_state())
    assert cuda.memory_allocated() == cuda.max_memory_allocated() == 0 and cuda.memory_stats() == {}


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (cuda.current_device, AssertionError, "Torch not compiled with CUDA enabled"),
        (cuda.synchronize, AssertionError, "Torch not compiled with CUDA enabled"),
        (lambda: cuda.get_device_name(0), AssertionError, "Torch not compiled with CUDA enabled"),
        (lambda: cuda.set_device("cuda:1"), AssertionError, "Torch not compiled"),
        (lambda: cuda.set_device("cpu"), ValueError, "Expected a cuda device, but got: cpu"),
        (lambda: cuda.device(0).__enter__(), RuntimeError, "compiled without CUDA support"),
        (lambda: cuda.Stream(), RuntimeError, "requires CUDA support"),
        (lambda: cuda.Event(enable_timing=True), RuntimeError, "dummy base class Event"),
        (lambda: cuda.FloatTensor(3), TypeError, "type torch.cuda.FloatTensor not available"),
        (lambda: cuda.nothing_like_it, AttributeError, "has no attribute 'nothing_like_it'"),
        (accelerator.synchronize, RuntimeError, "Cannot access accelerator device"),
        (lambda: accelerator.set_device_index(0), RuntimeError, "Cannot access accelerator device"),
        (mps.empty_cache, RuntimeError, r"emptyCache\(\) without MPS"),
        (lambda: g.zeros(1).to("mps"), RuntimeError, "not linked with support for mps"),
        (lambda: g.zeros(1).to("xpu"), AssertionError, "XPU"),
        (lambda: g.zeros(1).pin_memory(), RuntimeError, "Cannot access accelerator device"),
        (lambda: multiprocessing.set_sharing_strategy("file_system"), NotImplementedError, "copied"),
    ],
)
def test_what_needs_a_device_says_so(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()


@needs_no_gpu
@pytest.mark.parametrize(
    "move",
    [
        lambda: g.zeros(1).cuda(),
        lambda: g.zeros(1).to("cuda:0"),
        lambda: g.zeros(1, device="cuda"),
        lambda: nn.Linear(1, 1).to(g.device("cuda")),
    ],
)
def test_moving_to_a_gpu_that_is_not_there(move: Any) -> None:
    with pytest.raises(AssertionError, match="^Torch not compiled with CUDA enabled"):
        move()


def test_contexts_without_a_device_do_nothing() -> None:
    with cuda.device(-1), cuda.device_of(g.zeros(1)), cuda.stream(None), accelerator.device_index(None):
        pass


def test_devices_are_named_as_in_pytorch() -> None:
    d = g.device
    assert repr(d("cuda:1")) == "device(type='cuda', index=1)" and str(d("cuda:1")) == "cuda:1"
    assert d("cuda", 1) == d(type="cuda", index=1) == d(device="cuda:1") == d(d("cuda:1")) != d("cuda")
    assert d("cpu").index is None and d("cpu:0").index == 0 and d("cpu") != d("cpu:0")
    assert len({d("cpu"), d("cpu"), d("cuda")}) == 2 and (d("cpu") == "cpu") is False
    assert d("hpu").type == "hpu" and pickle.loads(pickle.dumps(d("cuda:1"))) == d("cuda:1")


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (("foo",), RuntimeError, "Expected one of cpu, cuda, ipu, .* device string: foo"),
        (("",), RuntimeError, "must not be empty"),
        (("cuda:a",), RuntimeError, "Invalid device string: 'cuda:a'"),
        (("cuda:01",), RuntimeError, "Invalid device string: 'cuda:01'"),
        (("cuda:",), RuntimeError, "Invalid device string: 'cuda:'"),
        (("cuda:0", 1), RuntimeError, "index was passed explicitly: cuda:0"),
        (("cuda", -1), RuntimeError, "must not be negative"),
        ((-1,), RuntimeError, "must not be negative"),
        ((), TypeError, "got nothing"),
        ((1.5,), TypeError, "got float"),
    ],
)
def test_what_is_no_device(given: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        g.device(*given)


@needs_no_gpu
def test_a_number_alone_needs_a_gpu() -> None:
    with pytest.raises(RuntimeError, match="Cannot access accelerator device when none is available"):
        g.device(0)


# --- switches ---


def test_switches_are_read_and_set(monkeypatch: pytest.MonkeyPatch) -> None:
    import glassgrad.backends.cudnn as cudnn

    assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.version()) == (True, False, False, None)
    monkeypatch.setattr(cudnn, "benchmark", True)
    with cudnn.flags(deterministic=True):
        assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.benchmark_limit) == (False, False, True, 10)
    assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.benchmark_limit) == (True, True, False, None)
    assert backends.cuda.flash_sdp_enabled()
    backends.cuda.enable_flash_sdp(False)
    assert not backends.cuda.flash_sdp_enabled()
    backends.cuda.enable_flash_sdp(True)


def test_the_precision_of_products() -> None:
    assert g.get_float32_matmul_precision() == "highest" and not backends.cuda.matmul.allow_tf32
    g.set_float32_matmul_precision("high")
    assert g.get_float32_matmul_precision() == "high" and backends.cuda.matmul.allow_tf32
    g.set_float32_matmul_precision("highest")
    assert not backends.cuda.matmul.allow_tf32
    backends.cuda.matmul.allow_tf32 = True
    assert g.get_float32_matmul_precision() == "high"
    backends.cuda.matmul.allow_tf32 = False
    with pytest.warns(UserWarning, match="is not one of"):
        g.set_float32_matmul_precision("exact")
    assert g.get_float32_matmul_precision() == "highest"


def test_the_older_names_of_mixed_precision() -> None:
    from glassgrad.cuda import amp

    with pytest.warns(FutureWarning, match="torch.amp.autocast"), pytest.warns(UserWarning, match="Disabling autocast"):
        mode = amp.autocast()
    with mode:
        assert (g.eye(2) @ g.eye(2)).dtype is g.float32
    with pytest.warns(FutureWarning), pytest.warns(UserWarning, match="Disabling"):
        assert not amp.GradScaler().is_enabled()


# --- processes ---


def _work(rank: int, queue: Any) -> None:
    if queue is None:
        raise ValueError(f"no queue for {rank}")
    queue.put(g.full((2,), float(rank)))


def _leave(rank: int, code: int) -> None:
    import os

    os._exit(code)


def test_processes_send_tensors() -> None:
    queue = multiprocessing.get_context("fork").Queue()
    started = multiprocessing.start_processes(_work, (queue,), nprocs=2, join=False, start_method="fork")
    assert started is not None
    got = sorted(queue.get(timeout=60).tolist() for _ in range(2))
    assert got == [[0.0, 0.0], [1.0, 1.0]]
    while not started.join():
        pass


@pytest.mark.parametrize(
    ("work", "args", "error", "words"),
    [
        (_work, (None,), multiprocessing.ProcessRaisedException, "ValueError: no queue for 0"),
        (_leave, (3,), multiprocessing.ProcessExitedException, "process 0 terminated with exit code 3"),
    ],
)
def test_processes_that_fail(work: Any, args: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        multiprocessing.start_processes(work, args, start_method="fork")
    assert caught.value.error_index == 0 and caught.value.error_pid > 0


# --- a group of one process ---


@pytest.fixture
def world() -> Any:
    distributed.init_process_group("gloo", rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def test_one_process_exchanges_with_itself(world: Any) -> None:
    assert distributed.is_initialized() and (distributed.get_rank(), distributed.get_world_size()) == (0, 1)
    x, y = g.arange(3.0), g.zeros(3)
    distributed.all_reduce(x, op=distributed.ReduceOp.SUM)
    distributed.broadcast(x, src=0)
    assert distributed.barrier() is None and distributed.all_reduce(x, async_op=True).wait()
    distributed.all_gather([y], x)
    assert x.tolist() == y.tolist() == [0.0, 1.0, 2.0]
    things = [None]
    distributed.all_gather_object(things, "mine")
    assert things == ["mine"]
    with pytest.raises(ValueError, match="rank 1"):
        distributed.broadcast(x, src=1)
    with pytest.raises(ValueError, match="twice"):
        distributed.init_process_group("gloo", rank=0, world_size=1)


def test_a_module_of_one_process(world: Any) -> None:
    inner = nn.Linear(2, 1)
    net = nn.parallel.DistributedDataParallel(inner)
    assert list(net.state_dict()) == ["module.weight", "module.bias"] and net.module is inner
    with net.no_sync():
        net(g.ones(3, 2)).sum().backward()
    assert inner.weight.grad.tolist() == [[3.0, 3.0]]


def test_more_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotImplementedError, match="4 processes"):
        distributed.init_process_group("gloo", rank=0, world_size=4)
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(ValueError, match="RANK expected"):
        distributed.init_process_group("gloo")
    with pytest.raises(ValueError, match="nccl"):
        distributed.init_process_group("nccl", rank=0, world_size=1)
    with pytest.raises(ValueError, match="has not been initialized"):
        distributed.get_rank()
    assert not distributed.is_initialized()


# --- memory of several processes ---


def add_one(net: Any, plain: g.Tensor) -> None:
    optimizer = g.optim.SGD(net.parameters(), lr=1.0)
    net(g.ones(1, 2)).sum().backward()
    optimizer.step()
    plain += 1
    net.bias.data[0] = 7.0


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_train_the_same_memory(method: str) -> None:
    net = nn.Linear(2, 2)
    before = net.weight.tolist()
    assert net.share_memory() is net and net.weight.is_shared() and net.weight.tolist() == before
    plain = g.zeros(2)
    child = multiprocessing.get_context(method).Process(target=add_one, args=(net, plain))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert g.allclose(net.weight, g.tensor(before) - 1)
    assert net.bias[0] == 7.0 and net.bias[1] != 7.0 and plain.tolist() == [0.0, 0.0] and not plain.is_shared()
    assert pickle.loads(pickle.dumps(net.weight)).is_shared() is False


def test_shared_memory_leaves_no_file() -> None:
    from glassgrad.core import shared

    x = g.arange(6.0).view(2, 3).share_memory_()
    path, *_ = shared.place(x.array[1:, ::2])
    assert shared.found(*shared.place(x.array[1:, ::2])).tolist() == [[3.0, 5.0]]
    assert Path(path).exists() and x.share_memory_().is_shared() and g.zeros(0).share_memory_().shape == (0,)
    del x
    assert not Path(path).exists()
