"""torch.futures: a value that is still to come, on Python's own concurrent.futures."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

__all__ = ["Future", "collect_all", "wait_all"]

T = TypeVar("T")


class Future(Generic[T]):
    """Set once by set_result() or set_exception(); wait() gives the one or raises the other."""

    def __init__(self, *, devices: Any = None) -> None:
        self._inner: concurrent.futures.Future[T] = concurrent.futures.Future()

    def done(self) -> bool:
        return self._inner.done()

    def wait(self) -> T:
        return self._inner.result()

    def value(self) -> T:
        """The result, without waiting: RuntimeError where there is none yet."""
        if not self.done():
            raise RuntimeError("Future: no value yet, wait() for it")
        return self.wait()

    def set_result(self, result: T) -> None:
        self._inner.set_result(result)

    def set_exception(self, result: BaseException) -> None:
        self._inner.set_exception(result)

    def add_done_callback(self, callback: Callable[[Future[T]], Any]) -> None:
        """callback(this), now if it is done."""
        self._inner.add_done_callback(lambda _: callback(self))

    def then(self, callback: Callable[[Future[T]], Any]) -> Future[Any]:
        """A future of callback(this)."""
        after: Future[Any] = Future()

        def call(_: Future[T]) -> None:
            try:
                after.set_result(callback(self))
            except Exception as problem:
                after.set_exception(problem)

        self.add_done_callback(call)
        return after


def collect_all(futures: Sequence[Future[Any]]) -> Future[list[Future[Any]]]:
    """A future of them all, done when the last of them is."""
    all_: Future[list[Future[Any]]] = Future()
    left = [len(futures)]

    def one(_: Future[Any]) -> None:
        left[0] -= 1
        if left[0] == 0:
            all_.set_result(list(futures))

    for future in futures:
        future.add_done_callback(one)
    if not futures:
        all_.set_result([])
    return all_


def wait_all(futures: Sequence[Future[T]]) -> list[T]:
    return [future.wait() for future in futures]
