"""A function's graph, recorded once and computed anew by later calls: what a training step repeats, without Python."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from glassgrad.scalar.engine import PACKAGE, Place, Value, tape, warn

here = threading.local()  # .recording: whether this thread is recording a function
one_at_a_time = threading.Lock()


def capture(function: Callable[..., Any]) -> Captured:
    """A function that returns what `function` returns, and records its graph at the first call. Later calls compute
    every number of the graph anew, and `backward()` of the result every gradient, in one compiled loop.

    Numbers and Values among the arguments, also in lists and tuples, are inputs. Values that existed before, such as
    parameters, are read afresh by each call. The numbers are those of the function itself, to the bit; the graph can be
    looked at as ever. The result belongs to its call: the next call computes the numbers behind it anew, and from then
    on its `backward()` raises RuntimeError.

    >>> w = Value(3.0)
    >>> square = capture(lambda x: (w * x) ** 2)
    >>> [square(x).data for x in (1.0, 2.0)]
    [9.0, 36.0]
    >>> square(2.0).backward()
    >>> w.grad
    24.0

    What a recording cannot know makes calls run the function as it is written; `reason` says why, and one warning:
    it reads or changes a number of a Value, or asks whether an input is true or equals something; it uses a Value
    computed before the call; it returns something else than Values; an argument that is not a number has another
    value, or a sequence another length; a Value that it computed is used outside without being returned.

    A number that is neither argument nor Value is a constant of the recording. The first call therefore runs the
    function on Values and, where numbers were given, as it is written too, and both must agree; calls 2, 4, 8, 16, ...
    run it again and compare every node. So a function that draws random numbers or takes the next batch by itself is
    found out by its second call, and one whose constants change later by a later one of these, not at once. What it
    does besides computing (print, count) happens in those calls alone.
    """
    return Captured(function)


class Captured:
    """What `capture` returns.

    function    as it is written
    reason      why the last call ran it as it is written; None where the recording answered
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.reason: str | None = None
        self._recording: Any = None
        self._structure: Any = None  # of what is returned, with 0 for each Value
        self._calls = 0
        self._given_up = tape is None
        self._warned: set[str] = set()
        if tape is None:
            self.reason = "the compiled engine is not in use"

    def __call__(self, *args: Any, **options: Any) -> Any:
        if self._given_up or getattr(here, "recording", False):
            return self.function(*args, **options)
        given = (args, tuple(sorted(options.items())))
        if self._recording is None:
            return self._first(given)
        if self._calls & (self._calls + 1) == 0 and self._recording.misfit(given) is None:  # call 2, 4, 8, ...
            other = self._differs(given)
            if other is not None:
                return other.result
        results = self._recording.run(given)
        if isinstance(results, str):  # why the arguments do not fit
            self._say(results, None)
            return self.function(*args, **options)
        self.reason = None
        self._calls += 1
        return results[0] if self._structure == 0 else arranged(self._structure, results)

    def _first(self, given: Any) -> Any:
        run = self._run(given)
        result = self._as_written(given) if run.again else run.result
        if run.reason is None and run.again and not agree(result, run.result):
            run = run._replace(reason="with Values in place of the numbers given it computes something else")
        if run.reason is not None:
            self._say(run.reason, run.place)
            self._given_up = run.for_good
            return result
        self._recording, self._calls = run.recording, 1
        self._structure = replaced(run.result, lambda _: 0)
        return arranged(self._structure, self._recording.results())

    def _differs(self, given: Any) -> Run | None:
        """Run the function once more and compare every node with the recording's; the run, where they differ."""
        run = self._run(given)
        if run.reason is None:
            found = self._recording.difference(run.recording)
            if found is None:
                return None
            place, op, number = found
            what = f"{op} = {number!r}" if op not in ("", "const") else f"the constant {number!r}"
            run = run._replace(reason=f"it computes something new, first {what}", place=place, again=False)
        elif not run.for_good:
            return None
        self._say(str(run.reason), run.place)
        self._given_up, self._recording = True, None
        return run._replace(result=self._as_written(given)) if run.again else run

    def _as_written(self, given: Any) -> Any:
        args, options = given
        return self.function(*args, **dict(options))

    def _run(self, given: Any) -> Run:
        """Run the function on Values in place of numbers, and record what it computes."""
        assert tape is not None
        if not one_at_a_time.acquire(blocking=False):
            return Run("another thread is recording a function", for_good=False)
        notices: list[tuple[str, Place]] = []
        inputs: list[Value] = []
        try:
            replaced(given, lambda x: inputs.append(tape.placeholder(x)))
            pattern, passed = arranged(given, inputs), arranged(given, inputs)  # two: the function may change its lists
            here.recording = True
            tape.begin(lambda what, place: notices.append((f"it {what}", place)), PACKAGE)
            try:
                result = self._as_written(passed)
            except Exception as problem:
                if not inputs:
                    raise
                return Run(f"on Values in place of the arguments it raises {problem!r}")
            finally:
                tape.end()
                here.recording = False
            run = Run(result=result, again=any(not v.operands for v in inputs))  # numbers were replaced
            if notices:
                return run._replace(reason=notices[0][0], place=notices[0][1])
            try:
                return run._replace(recording=tape.record(pattern, inputs, list(values_in(result))))
            except ValueError as why:
                return run._replace(reason=str(why))
        except Unrecordable as why:
            return Run(str(why))
        finally:
            one_at_a_time.release()

    def _say(self, reason: str, place: Place) -> None:
        self.reason = reason if place is None else f"{reason} ({place[0]}:{place[1]})"
        if reason not in self._warned:
            self._warned.add(reason)
            name = getattr(self.function, "__name__", repr(self.function))
            warn(f"{name} runs as it is written: {reason}", place)

    def __repr__(self) -> str:
        return f"capture({self.function!r})"


class Unrecordable(Exception):
    """What cannot be an argument or a result of a recording."""


class Run(NamedTuple):
    """A run of the function, to be recorded."""

    reason: str | None = None  # why there is no recording
    place: Place = None  # the line that is to blame
    for_good: bool = True  # and never will be
    again: bool = True  # the result is not what the function as it is written gives, or may not be
    result: Any = None
    recording: Any = None


def replaced(x: Any, put: Callable[[Any], Any]) -> Any:
    """x with put(leaf) in place of each number and Value; lists and tuples are built anew."""
    if type(x) in (list, tuple):
        return type(x)(replaced(item, put) for item in x)
    is_number = hasattr(x, "__float__") and not hasattr(x, "__len__") and not isinstance(x, bool | type)
    if is_number or isinstance(x, Value):
        return put(x)
    if getattr(type(x), "__hash__", None) is None:
        raise Unrecordable(f"an argument is of type {type(x).__name__}: numbers are looked for in lists and tuples")
    return x


def arranged(structure: Any, values: list[Value]) -> Any:
    """The structure with these Values in place of its numbers and Values."""
    each = iter(values)
    return replaced(structure, lambda _: next(each))


def values_in(result: Any) -> Iterator[Value]:
    if isinstance(result, Value):
        yield result
    elif type(result) in (list, tuple) and result:
        for item in result:
            yield from values_in(item)
    else:
        raise ValueError(f"it returns {result!r}, not Values or sequences of Values")


def agree(a: Any, b: Any) -> bool:
    """Whether two results have the same structure and the same numbers."""
    try:
        pairs = zip(values_in(a), values_in(b), strict=True)
        return all(math.isclose(x.data, y.data, rel_tol=1e-12) or x.data != x.data != y.data for x, y in pairs)
    except ValueError:
        return False
