"""Files both ways beside PyTorch: what it writes is read here, and what is written here it reads, byte for byte."""

from __future__ import annotations

import argparse
import io
import warnings
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import glassgrad as gg  # noqa: E402

torch.set_num_threads(1)

DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
          "complex128")  # fmt: skip


def every_dtype(lib: Any) -> Any:
    return {name: lib.tensor([0, 1, 2]).to(getattr(lib, name)) for name in DTYPES}


def views(lib: Any) -> Any:
    x = lib.arange(24.0).reshape(2, 3, 4)
    return [
        x,
        x[1],
        x.permute(2, 0, 1),
        x[:, ::2, 1:3],
        x[0, 0, 0],
        x[0].expand(5, 3, 4),
        x.unbind(1)[2],
        lib.zeros(0, 3),
    ]


def parameters(lib: Any) -> Any:
    layer = lib.nn.Linear(3, 2)
    tied = lib.nn.Parameter(layer.weight.detach().t())
    leaf = lib.ones(2, requires_grad=True)
    return [layer.weight, layer.weight, tied, leaf, (leaf * 2).sum()]


def attributes(lib: Any) -> Any:
    x, p = lib.ones(2), lib.nn.Parameter(lib.ones(3))
    x.label, p.group = "a", [1, 2]
    return [x, p]


def plain(lib: Any) -> Any:
    return {
        "none": None, "flags": [True, False], "text": "é", "bytes": b"a\xff", "array": bytearray(b"ab"),
        "numbers": [0, 255, 256, 65535, 65536, -1, 2**31, -(2**31), 2**63, -(10**30), 1.5, float("inf")],
        "list": list(range(2500)), "one": [1], "dict": dict.fromkeys(range(1001)), (1, 2): (1, 2, 3, 4), "set": {1},
        "complex": 1 - 2j, "counter": Counter("aab"), "ordered": OrderedDict(a=1), "empty": [(), [], {}, set()],
        "torch": [lib.Size([2, 3]), lib.float32, lib.int64, lib.device("cpu"), lib.device("cuda", 1), lib.strided],
    }  # fmt: skip


def run(lib: Any) -> Any:
    """Everything that a training script keeps."""
    nn = lib.nn
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, bias=False),
        nn.BatchNorm2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8, 4),
        nn.LayerNorm(4),
        nn.Linear(4, 2),
    )
    kept = {"model": model.state_dict()}
    for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad"):
        options = {"momentum": 0.9} if name == "SGD" else {}
        optimizer = getattr(lib.optim, name)(model.parameters(), lr=0.1, **options)
        schedule = lib.optim.lr_scheduler.MultiStepLR(optimizer, [1, 3])
        for _ in range(2):
            optimizer.zero_grad()
            loss = model(lib.arange(32.0).reshape(2, 1, 4, 4).sin()).square().sum()
            loss.backward()
            optimizer.step()
            schedule.step()
        kept |= {name: optimizer.state_dict(), f"{name} schedule": schedule.state_dict(), "loss": loss, "epoch": 2}
    return kept


TREES: dict[str, Callable[[Any], Any]] = {
    f.__name__: f for f in (every_dtype, views, parameters, attributes, plain, run)
}  # fmt: skip
ZIPPED = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


def saved(lib: Any, tree: Any, zipped: bool = True) -> io.BytesIO:
    buffer = io.BytesIO()
    lib.save(tree, buffer, _use_new_zipfile_serialization=zipped)
    buffer.seek(0)
    return buffer


def pair(make: Callable[[Any], Any], zipped: bool = True) -> tuple[io.BytesIO, io.BytesIO]:
    gg.manual_seed(0), torch.manual_seed(0)
    return saved(gg, make(gg), zipped), saved(torch, make(torch), zipped)


def same(ours: Any, theirs: Any, exact: bool = True) -> None:
    if isinstance(theirs, torch.Tensor):
        assert type(ours).__name__ == type(theirs).__name__
        assert str(ours.dtype).partition(".")[2] == str(theirs.dtype).partition(".")[2]
        assert tuple(ours.shape) == tuple(theirs.shape) and ours.requires_grad == theirs.requires_grad
        if ours.numel():
            assert ours.stride() == theirs.stride() and ours.storage_offset() == theirs.storage_offset()
        assert ours.untyped_storage().nbytes() == theirs.untyped_storage().nbytes()
        a, b = ours.detach(), theirs.detach()
        if "bfloat16" in str(b.dtype):
            a, b = a.float(), b.float()
        check = np.testing.assert_array_equal if exact else lambda x, y: np.testing.assert_allclose(x, y, 1e-3, 1e-4)
        check(a.numpy(), b.numpy())
        assert ours._attributes() == dict(theirs.__dict__)
    elif isinstance(theirs, dict):
        assert type(ours) is type(theirs) and list(ours) == list(theirs)
        for key in theirs:
            same(ours[key], theirs[key], exact)
        assert dict(getattr(ours, "_metadata", {})) == dict(getattr(theirs, "_metadata", {}))
    elif isinstance(theirs, list | tuple):
        assert len(ours) == len(theirs) and repr(type(ours)).split(".")[-1] == repr(type(theirs)).split(".")[-1]
        for a, b in zip(ours, theirs, strict=True):
            same(a, b, exact)
    else:
        assert repr(ours).removeprefix("glassgrad") == repr(theirs).removeprefix("torch")


@ZIPPED
@pytest.mark.parametrize("name", TREES)
def test_both_ways(name: str, zipped: bool) -> None:
    ours, theirs = pair(TREES[name], zipped)
    exact = name != "run"  # its two trainings sum in another order
    same(gg.load(theirs), torch.load(io.BytesIO(theirs.getvalue())))
    same(gg.load(ours), torch.load(io.BytesIO(ours.getvalue())))
    ours.seek(0), theirs.seek(0)
    same(gg.load(ours), torch.load(theirs), exact)


@pytest.mark.parametrize("name", ["every_dtype", "views", "parameters", "attributes", "run"])
def test_trees_are_pytorchs_byte_for_byte(name: str) -> None:
    """The pickle of a checkpoint, and of its storages all that are equal numbers."""
    ours, theirs = (zipfile.ZipFile(file) for file in pair(TREES[name]))
    assert ours.read("archive/data.pkl") == theirs.read("archive/data.pkl")
    records = [info.filename for info in theirs.infolist() if not info.filename.endswith("serialization_id")]
    assert [info.filename for info in ours.infolist()] == records
    assert [info.header_offset for info in ours.infolist()][:-1] == [
        info.header_offset for info in theirs.infolist() if info.filename in records
    ][:-1]
    if name != "run":
        for record in records:
            assert ours.read(record) == theirs.read(record), record


@ZIPPED
def test_shared_memory_stays_shared_both_ways(zipped: bool) -> None:
    for lib, buffer in zip((torch, gg), pair(parameters, zipped), strict=True):
        for reader in (lib, gg, torch):
            buffer.seek(0)
            w, again, tied, *_ = reader.load(buffer)
            with reader.no_grad():
                w[0, 1] = 7.0
            assert again is w and tied[1, 0].item() == 7.0
            assert w.untyped_storage().data_ptr() == tied.untyped_storage().data_ptr()


def test_conjugates() -> None:
    x = torch.tensor([1 + 2j, 3 - 1j])
    for zipped in (True, False):
        back = gg.load(saved(torch, [x, x.conj()], zipped))
        assert [t.tolist() for t in back] == [x.tolist(), x.conj().tolist()]
        assert gg.load(saved(torch, x.conj().imag, zipped)).tolist() == [-2.0, 1.0]


def test_files_in_a_folder(tmp_path: Path) -> None:
    """Names of archives, and maps of each other's files."""
    for lib, other in ((gg, torch), (torch, gg)):
        path = tmp_path / f"{lib.__name__}.model.pt"
        lib.save({"a": lib.arange(5.0), "b": lib.ones(3)[1:]}, path)
        assert {name.split("/")[0] for name in zipfile.ZipFile(path).namelist()} == {path.stem}
        back = other.load(path, mmap=True)
        assert back["a"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0] and back["b"].tolist() == [1.0, 1.0]
        assert other.load(str(path))["b"].tolist() == [1.0, 1.0]


def test_state_dicts_go_into_the_others_models() -> None:
    def model(lib: Any) -> Any:
        nn = lib.nn
        return nn.ModuleDict({
            "rnn": nn.LSTM(3, 4, 2, bidirectional=True), "emb": nn.Embedding(5, 3), "norm": nn.BatchNorm1d(3),
            "rows": nn.Sequential(nn.Conv1d(2, 2, 3, groups=2), nn.PReLU(), nn.Bilinear(2, 2, 1)),
        })  # fmt: skip

    for lib, other in ((gg, torch), (torch, gg)):
        lib.manual_seed(1)
        here, there = model(lib), model(other)
        assert (
            repr(there.load_state_dict(other.load(saved(lib, here.state_dict())))) == "<All keys matched successfully>"
        )
        for (name, a), (_, b) in zip(here.state_dict().items(), there.state_dict().items(), strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy(), name)


# --- the same words, and the same refusals ---


@pytest.mark.parametrize("value", [
    np.float64(1), np.arange(3), frozenset([1]), slice(1), range(3), argparse.Namespace(a=1), Counter,
    OrderedDict, torch.nn.Linear(1, 1), {"a": torch.Generator()}, Ellipsis, print,
], ids=lambda v: type(v).__name__)  # fmt: skip
@ZIPPED
def test_what_pytorch_refuses_is_refused(value: Any, zipped: bool) -> None:
    file = saved(torch, value, zipped)
    try:
        theirs: Any = torch.load(file)
    except Exception as problem:
        theirs = problem
    file.seek(0)
    if not isinstance(theirs, Exception):
        assert gg.load(file) == theirs
        return
    with pytest.raises(type(theirs)) as error:
        gg.load(file)
    for word in ("Weights only load failed", "was not an allowed global by default"):
        assert word in str(theirs) and word in str(error.value)


@pytest.mark.parametrize("data", [b"", b"garbage", b"PK\x03\x04 and no more"], ids=["empty", "text", "zip"])
def test_damage_raises_pytorchs_exception(data: bytes) -> None:
    with pytest.raises(Exception) as theirs:
        torch.load(io.BytesIO(data))
    with pytest.raises(type(theirs.value)):
        gg.load(io.BytesIO(data))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    for call in (lambda lib: lib.save(1, tmp_path / "a" / "b.pt"), lambda lib: lib.load(tmp_path / "a"),
                 lambda lib: lib.save(1, 5), lambda lib: lib.load(5),
                 lambda lib: lib.load(io.BytesIO(b"a"), pickle_module=argparse, weights_only=True),
                 lambda lib: lib.load(io.BytesIO(b"a"), mmap=True)):  # fmt: skip
        with pytest.raises(Exception) as theirs:
            call(torch)
        with pytest.raises(type(theirs.value)) as ours:
            call(gg)
        assert str(ours.value)[:24] == str(theirs.value)[:24]


# --- copies and storages ---


def test_copies() -> None:
    import copy
    import pickle

    for lib in (gg, torch):
        x = lib.arange(6.0).reshape(2, 3).requires_grad_()
        x.sum().backward()
        y = copy.deepcopy(x)
        p = lib.nn.Parameter(lib.ones(2, 3).t())
        p.grad, p.tag = lib.ones(3, 2), 1
        q = copy.deepcopy(p)
        d = x.detach()
        a, b = copy.deepcopy([d, d[1].t()])
        back = [pickle.loads(pickle.dumps(t)) for t in (x, p, (x * 2).sum(), d.t())]
        seen = [
            y.grad.tolist(), y.requires_grad, q.grad, q.stride(), hasattr(q, "tag"), q.requires_grad,
            a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr(), b.storage_offset(),
            [(t.tolist(), t.requires_grad, t.is_leaf, t.stride(), type(t).__name__) for t in back],
        ]  # fmt: skip
        if lib is gg:
            ours = seen
    assert ours == seen


def test_storages() -> None:
    def text(lib: Any) -> list[Any]:
        x = lib.arange(4.0)[1:]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            typed, untyped = x.storage(), x.untyped_storage()
            seen = [
                repr(typed), repr(untyped), typed.tolist(), untyped.tolist(), len(typed), typed.size(), untyped.size(),
                typed.nbytes(), untyped.nbytes(), typed[2], untyped[2], typed.element_size(), untyped.element_size(),
                str(typed.device), typed.data_ptr() == x.data_ptr() - 4, untyped.is_shared(), typed.is_cuda,
                list(typed), untyped[1:3].tolist(), type(typed).__name__, type(untyped).__name__,
            ]  # fmt: skip
            typed[1] = 9
        return [*seen, x.tolist()]

    assert str(text(gg)).replace("glassgrad", "torch") == str(text(torch))


def test_loading_a_state_says_what_pytorch_says() -> None:
    def said(lib: Any) -> list[str]:
        nn = lib.nn
        m = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        w, whole = m[0].weight, m.state_dict()
        double = {k: v.double() if v.is_floating_point() else v for k, v in whole.items()}
        seen = []
        for state, options in (
            ({**whole, "x": lib.ones(1)}, {}),
            ({k: v for k, v in whole.items() if "bias" not in k}, {}),
            ({**whole, "0.weight": lib.ones(1, 2), "1.bias": lib.ones(5)}, {}),
            ({"0.weight": lib.ones(1, 2), "y": lib.ones(2)}, {}),
            ({"0.weight": lib.ones(3, 2), "y": lib.ones(2)}, {"strict": False}),
            ([1], {}),
            ({**whole, "0.bias": 3}, {}),
            (whole, {}),
            (double, {"assign": True}),
        ):
            try:
                seen.append(repr(m.load_state_dict(state, **options)))
            except Exception as problem:
                seen.append(f"{type(problem).__name__}: {problem}")
        return [
            *seen,
            str((m[0].weight is w, m[0].weight.dtype, m[0].weight.requires_grad, type(m[0].weight).__name__)),
        ]

    assert [text.replace("glassgrad", "torch") for text in said(gg)] == said(torch)
