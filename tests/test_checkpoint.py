"""Checkpoints: what is saved is loaded, and a file that is not whole is refused by name, never half read."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import glassgrad as gg
from glassgrad.io import checkpoint

TREE = {
    "model": {"fc.weight": gg.tensor([[1.0, -0.0], [float("nan"), 3.0]]), "steps": gg.tensor(7)},
    "optimizer": {"state": {0: {"momentum_buffer": None}, 1: (0.1, [True, 2])}, 1.5: float("-inf")},
    "names": np.array(["ü", "be"]),
    "empty": np.empty((0, 3), np.float16),
    "note": "a\ud800b",
}


def same(a: Any, b: Any) -> bool:
    """Equal in value, kind, dtype, shape and bits."""
    if type(a) is not type(b):
        return False
    if isinstance(a, gg.Tensor):
        return same(a.array, b.array)
    if isinstance(a, np.ndarray | np.generic):
        return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    if isinstance(a, dict):
        return len(a) == len(b) and all(
            same(*keys) and same(*values)
            for keys, values in zip(zip(a, b, strict=True), zip(a.values(), b.values(), strict=True), strict=True)
        )
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or (a != a and b != b)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    checkpoint.save(tmp_path / "c.npz", TREE)
    return tmp_path / "c.npz"


# ---- there and back ------------------------------------------------------------------------------


def test_a_tree_comes_back_and_the_comparison_can_fail(file: Path):
    assert same(checkpoint.load(file), TREE)
    assert not same(checkpoint.load(file), {**TREE, "note": "other"})
    assert not same({"x": 1}, {"x": True}) and not same(np.zeros(2), np.zeros(2, np.float32))
    assert not same(gg.tensor(0.0), gg.tensor(-0.0))


ARRAYS = hnp.arrays(
    st.sampled_from(["?", "u1", "i8", "f2", "f4", "f8", "c8", ">f8", "U3"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | ARRAYS | ARRAYS.map(lambda a: a.T)
KEYS = st.text() | st.integers() | st.booleans() | st.none()
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=8,
)


@given(TREES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_tree_comes_back(tmp_path_factory: pytest.TempPathFactory, tree: Any):
    path = tmp_path_factory.getbasetemp() / "any.npz"
    checkpoint.save(path, tree)
    assert same(checkpoint.load(path), tree)


def test_bfloat16_is_kept_as_its_bits(tmp_path: Path):
    pytest.importorskip("ml_dtypes")
    x = gg.tensor([1.5, -2.0, float("inf")]).to(gg.bfloat16)
    checkpoint.save(tmp_path / "c.npz", {"x": x})
    assert same(checkpoint.load(tmp_path / "c.npz"), {"x": x})
    with np.load(tmp_path / "c.npz") as plain:
        assert plain["x"].dtype == np.uint16


def test_a_tensor_comes_back_as_a_leaf_of_its_own_memory(tmp_path: Path):
    w = gg.tensor([1.0, 2.0], requires_grad=True)
    checkpoint.save(tmp_path / "c.npz", {"w": w, "y": w * 2})
    back = checkpoint.load(tmp_path / "c.npz")
    assert back["y"].grad_fn is None and not back["w"].requires_grad
    back["y"] += 1
    assert back["w"].tolist() == [1.0, 2.0]


def test_the_same_tree_gives_the_same_bytes(file: Path, tmp_path: Path):
    checkpoint.save(tmp_path / "again.npz", TREE)
    assert (tmp_path / "again.npz").read_bytes() == file.read_bytes()


def test_numpy_opens_it_under_the_names_of_the_tree(file: Path):
    with np.load(file) as plain:
        assert {"model/fc.weight", "model/steps", "names", "empty"} <= set(plain.files)
        assert plain["model/steps"] == 7


def test_names_cannot_climb_or_clash(tmp_path: Path):
    tree = {"..": {"x": np.zeros(1)}, "/etc": np.ones(1), "a/b": np.ones(2), "a": {"b": np.ones(3)}, "": np.ones(4)}
    tree |= {1: np.ones(5), "1": np.ones(6), "manifest.json": np.ones(7)}
    checkpoint.save(tmp_path / "c.npz", tree)
    assert same(checkpoint.load(tmp_path / "c.npz"), tree)
    for name in zipfile.ZipFile(tmp_path / "c.npz").namelist():
        assert not name.startswith("/") and ".." not in name.split("/")


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        ({"a": [0, {"b": object()}]}, "found object at a/1/b"),
        ({"a": {1, 2}}, "found set at a"),
        ({"a": b"x"}, "found bytes at a"),
        ({"a": np.array([object()])}, "found object at a"),
        ({"a": np.zeros(2, [("x", "f4")])}, r"found \[\('x', '<f4'\)\] at a"),
        ({frozenset(): 1}, "found frozenset at key"),
        (object(), "found object at the root"),
    ],
)
def test_what_cannot_be_kept_is_named_and_the_old_file_stays(file: Path, tree: Any, says: str):
    with pytest.raises(TypeError, match=says):
        checkpoint.save(file, tree)
    assert same(checkpoint.load(file), TREE)


def test_a_tree_that_holds_itself_is_refused(tmp_path: Path):
    tree: list[Any] = []
    tree.append(tree)
    with pytest.raises(ValueError, match="holds itself"):
        checkpoint.save(tmp_path / "c.npz", tree)
    assert names(tmp_path) == []


def test_a_missing_file_is_a_missing_file(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        checkpoint.load(tmp_path / "c.npz")


def test_a_bit_flipped_in_any_byte_is_found(tmp_path: Path):
    file, damaged = tmp_path / "c.npz", tmp_path / "d.npz"
    checkpoint.save(file, {"w": gg.tensor([1.0, 2.0]), "n": [1, None]})
    whole = file.read_bytes()
    for at in range(len(whole)):
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        with pytest.raises(ValueError, match=r"d\.npz: "):
            checkpoint.load(damaged)
    assert len(whole) > 500


def test_a_file_cut_off_or_grown_is_found(file: Path, tmp_path: Path):
    whole = file.read_bytes()
    for content in [*(whole[:at] for at in range(0, len(whole), 7)), whole + b"\0", b"\0" + whole, whole * 2]:
        (tmp_path / "d.npz").write_bytes(content)
        with pytest.raises(ValueError, match=r"d\.npz: "):
            checkpoint.load(tmp_path / "d.npz")


def rewritten(file: Path, change, *, compression: int = zipfile.ZIP_STORED) -> Path:
    """The checkpoint after change(members: name -> bytes, manifest), sealed as if it were genuine."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members["manifest.json"])
    change(members, manifest)
    if "manifest.json" in members:
        members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.comment = b"0" * 64
        for name, content in members.items():
            archive.writestr(name, content)
    whole = file.read_bytes()[:-64]
    file.write_bytes(whole + hashlib.sha256(whole).hexdigest().encode())
    return file


FORGERIES = {
    "no manifest": (lambda members, _: members.pop("manifest.json"), "the archive has no manifest.json"),
    "another format": (lambda _, m: m.update(format="x 9"), "'manifest.json': expected format .* got 'x 9'"),
    "a hash": (lambda _, m: m["arrays"]["names"].update(sha256="0" * 64), "'names': does not match its SHA-256"),
    "a shape": (lambda _, m: m["arrays"]["empty"].update(shape=[3, 0]), r"'empty': holds float16 \(0, 3\), its man"),
    "a dtype": (lambda _, m: m["arrays"]["empty"].update(dtype="int8"), "'empty': holds float16"),
    "an array gone": (lambda members, _: members.pop("names.npy"), r"'names\.npy': in the archive or in its manifest"),
    "an array more": (lambda members, _: members.update({"z.npy": b""}), r"'z\.npy': in the archive or in its"),
    "an unknown kind": (lambda _, m: m.update(tree={"code": "1"}), "'manifest.json': knows no 'code'"),
    "no tree": (lambda _, m: m.pop("tree"), "tree"),
    "a header that lies": (
        lambda members, _: members.update({"empty.npy": members["empty.npy"].replace(b"(0, 3)", b"(9, 3)")}),
        "'empty': holds float16",
    ),
    "objects": (
        lambda members, _: members.update({"empty.npy": members["empty.npy"].replace(b"'<f2'", b"'|O' ")}),
        "'empty': holds object",
    ),
    "not npy": (lambda members, _: members.update({"empty.npy": b"hello"}), "'empty': "),
    "depth": (lambda _, m: m.update(tree=json.loads("[" * 900 + "]" * 900)), "recursion"),
}  # fmt: skip


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_file_is_refused(file: Path, forgery: str):
    change, says = FORGERIES[forgery]
    with pytest.raises(ValueError, match=says):
        checkpoint.load(rewritten(file, change))


def test_the_forger_can_leave_a_file_good(file: Path):
    assert same(checkpoint.load(rewritten(file, lambda members, manifest: None)), TREE)


def test_a_zip_bomb_is_not_unpacked(file: Path):
    bomb = rewritten(file, lambda members, _: None, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match=r"entry 'manifest\.json': compressed"):
        checkpoint.load(bomb)


# ---- crashes and full disks ----------------------------------------------------------------------


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "lseek"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("after", [0, 1, 5, 9])
def test_a_save_that_fails_anywhere_keeps_the_old_file_and_leaves_no_litter(
    file: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: BaseException, after: int
):
    real, calls = getattr(os, call), []

    def fail(*args):
        calls.append(args)
        if len(calls) > after:
            raise error
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        if after < {"write": 10, "lseek": 10}.get(call, 1):  # the others are called once or twice
            with pytest.raises(type(error)):
                checkpoint.save(file, {"new": np.ones(3)})
            assert same(checkpoint.load(file), TREE)
    assert names(file.parent) == ["c.npz"]


def test_short_writes_are_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:3]))
    checkpoint.save(tmp_path / "c.npz", TREE)
    assert same(checkpoint.load(tmp_path / "c.npz"), TREE)


def test_the_old_file_is_kept_until_the_new_one_reads_back(file: Path, monkeypatch: pytest.MonkeyPatch):
    """A disk that says it has written, and has written something else."""
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: real(fd, bytes(len(data)) if len(data) == 24 else data))
        with pytest.raises(OSError, match=r"does not read back .*entry 'new.*the file before it is kept.*c\.npz"):
            checkpoint.save(file, {"new": np.ones(3)})
    assert same(checkpoint.load(file), TREE)
    assert names(file.parent) == ["c.npz"]


KILLED = """
import sys
import numpy as np
from glassgrad.io import checkpoint
print("ready", flush=True)
for n in range(int(sys.argv[2]), 10**6):
    checkpoint.save(sys.argv[1], {"n": n, "a": np.full(20_000, n), "b": np.full(20_000, -n)})
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is of POSIX")
def test_kill_9_during_save_leaves_a_whole_checkpoint(tmp_path: Path):
    file = tmp_path / "c.npz"
    n = 0
    for delay in (0.013, 0.04, 0.071):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(file), str(n + 1)], stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(gg.__file__).parents[1])},
        )  # fmt: skip
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(delay)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        if file.exists():
            tree = checkpoint.load(file)
            assert tree["n"] >= n and (tree["a"] == tree["n"]).all() and (tree["b"] == -tree["n"]).all()
            n = tree["n"]
        else:
            assert n == 0
    assert n > 0


def test_two_writers_leave_one_whole_file(tmp_path: Path):
    file, problems = tmp_path / "c.npz", []

    def write(n: int) -> None:
        try:
            for _ in range(10):
                checkpoint.save(file, {"n": n, "a": np.full(5000, n)})
                tree = checkpoint.load(file)
                assert (tree["a"] == tree["n"]).all()
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=write, args=(n,)) for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems and names(tmp_path) == ["c.npz"]
