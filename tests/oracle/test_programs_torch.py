"""Random programs in both libraries: every value, every .grad, every refusal.

10,000 programs of a fixed seed here. The long run, resumable by where it starts, prints each failure as a program:

    python tests/oracle/test_programs_torch.py --start 0 --count 1000000
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

import glassgrad as gg
from program_steps import GRAD
from programs import Program, Step, mismatch, overcautious, program, shrunk

torch = pytest.importorskip("torch")

PROGRAMS, CHUNKS = 10_000, 20

X = ([0.5, -1.0, 2.0], True)


def steps(*lines: tuple) -> tuple[Step, ...]:  # type: ignore[type-arg]
    return tuple(Step(*line) for line in lines)


# Every program that ever failed, made small.
KEPT = {
    "cumprod of one element is its input": Program(
        (([0.5], True),),
        steps(("x * 2", (0,), (), 1), ("x.cumprod(0)", (1,), (), 2), ("x.square_()", (1,))),
    ),
    "a quotient is changed in place": Program(
        (X,),
        steps(
            ("x / (x * x + 1)", (0,), (), 1),
            ("x.mul_(a)", (1,), (3.0,)),
            ("(x * x).sum().backward(retain_graph=True)", (1,))
        ),
    ),
    "a retained gradient adds up": Program(
        (X,),
        steps(
            ("x * 2", (0,), (), 1),
            ("x.retain_grad()", (1,)),
            ("(x * x).sum().backward(retain_graph=True)", (1,)),
            ("x.sin().sum().backward()", (1,)),
        ),
    ),
    "a retained gradient follows its tensor through a change": Program(
        (X,),
        steps(("x * 2", (0,), (), 1), ("x.retain_grad()", (1,)),
              ("x.mul_(a)", (1,), (3.0,)), ("x.sin().sum().backward()", (1,))),
    ),
    "a number is filled": Program(
        (X,),
        steps(("x.sum()", (0,), (), 1), ("x.fill_(a)", (1,), (0.3,)), ("x.sin().sum().backward()", (1,))),
    ),
    "a number is changed through a view": Program(
        (X,),
        steps(
            ("x * x", (0,), (), 1),
            ("x.sum()", (1,), (), 2),
            ("x.reshape(a)", (2,), ((1, 1),), 3),
            ("x.neg_()", (3,)),
            ("x.sin().sum().backward()", (2,)),
        ),
    ),
    "a hook on a copy is not one on the original": Program(
        (X,),
        steps(
            ("x * 2", (0,), (), 1),
            ("x * 3", (0,), (), 2),
            ("x.copy_(y)", (2, 1)),
            ("x.register_hook(lambda g: g * a)", (2,), (-2.0,)),
            ("x.sin().sum().backward()", (1,)),
        ),
    ),
    "a recorded gradient keeps what is changed later": Program(
        (X,),
        steps(
            ("x * 2", (0,), (), 1),
            ("torch.autograd.grad(x.sin().sum(), y, create_graph=True)[0]", (1, 0), (), 2),
            ("x.add_(a)", (1,), (1.0,)),
            ("x.sin().sum().backward()", (2,)),
        ),
    ),
    "grad() passes over what lies before its inputs": Program(
        (X,),
        steps(
            ("x.sin()", (0,), (), 1),
            ("x * x", (1,), (), 2),
            ("x.add_(a)", (1,), (1.0,)),
            ("torch.autograd.grad((x * x).sum(), x)[0]", (2,), (), 3),
        ),
    ),
    "one of several views, left behind, is only looked at": Program(
        (X,),
        steps(("x * 2", (0,), (), 1), ("x.unbind(a)[b]", (1,), (0, 1), 2),
              ("x.add_(a)", (1,), (1.0,)), ("x > a", (2,), (0.1,), 3)),
    ),
    "unused inputs, recorded": Program(
        (X, X),
        steps(
            (
                GRAD.format("(x * x).sum()"),
                (0, 1), (), 2,
            )
        ),
    ),
}  # fmt: skip


def report(seed: int) -> str | None:
    """The failure of a seed's program, made small and printed."""
    if mismatch(program(seed), gg, torch) is None:
        return None
    small = shrunk(program(seed), lambda p: mismatch(p, gg, torch) is not None)
    return f"seed {seed}: {mismatch(small, gg, torch)}\n{small}\n\n{small!r}\n"


@pytest.mark.parametrize("name", KEPT)
def test_kept(name: str) -> None:
    assert mismatch(KEPT[name], gg, torch) is None


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_same_as_torch(chunk: int) -> None:
    each = PROGRAMS // CHUNKS
    overcautious.clear()
    for seed in range(chunk * each, (chunk + 1) * each):
        failure = report(seed)
        assert failure is None, failure
    assert len(overcautious) <= each // 100, "we refuse more and more that PyTorch allows"


def test_a_difference_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """One formula wrong by 0.1 % is found within 200 programs."""
    op = gg.core.op.REGISTRY["tanh"]
    (first,) = op.formulas
    monkeypatch.setattr(op, "formulas", [lambda g, *kept: first(g, *kept) * 1.001])
    wrong = {
        s for s in range(200) if any("tanh" in x.text for x in program(s).steps) and mismatch(program(s), gg, torch)
    }
    monkeypatch.undo()
    assert any(mismatch(program(s), gg, torch) is None for s in wrong)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1_000_000)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    failures = 0
    for seed in range(given.start, given.start + given.count):
        failure = report(seed)
        if failure is not None:
            failures += 1
            print(failure, flush=True)
        if (seed + 1) % 10_000 == 0:
            print(f"up to seed {seed}: {failures} failures", file=sys.stderr, flush=True)
    sys.exit(failures > 0)
