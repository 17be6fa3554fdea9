"""Several processes that run one function, and what is heard of those that fail."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

from ..core.provenance import warn

__all__ = [
    "ProcessContext", "ProcessException", "ProcessExitedException", "ProcessRaisedException", "spawn",
    "start_processes",
]  # fmt: skip


class ProcessException(Exception):
    """A process failed: the error_index-th, with the number error_pid."""

    def __init__(self, msg: str, error_index: int, error_pid: int) -> None:
        super().__init__(msg)
        self.msg, self.error_index, self.error_pid = msg, error_index, error_pid


class ProcessRaisedException(ProcessException):
    """The function raised; the traceback is in the text."""


class ProcessExitedException(ProcessException):
    """The process ended with exit_code, or by a signal."""

    def __init__(
        self, msg: str, error_index: int, error_pid: int, exit_code: int, signal_name: str | None = None
    ) -> None:
        super().__init__(msg, error_index, error_pid)
        self.exit_code, self.signal_name = exit_code, signal_name


def _run(function: Callable[..., Any], i: int, args: tuple[Any, ...], errors: Connection) -> None:
    """In the new process."""
    try:
        function(i, *args)
    except KeyboardInterrupt:
        pass  # by the parent
    except Exception:
        errors.send(traceback.format_exc())
        sys.exit(1)


class ProcessContext:
    """Processes that were started together."""

    def __init__(self, processes: list[Any], errors: list[Connection]) -> None:
        self.processes = processes
        self.errors = errors
        self.sentinels = {process.sentinel: i for i, process in enumerate(processes)}

    def pids(self) -> list[int]:
        return [process.pid for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait for one of them to end, at most `timeout` seconds; True when all have ended well.

        If one failed, the others get grace_period seconds to end, are ended, and ProcessRaisedException or
        ProcessExitedException says why it failed.
        """
        failed = None
        for sentinel in wait(list(self.sentinels), timeout) if self.sentinels else ():
            i = self.sentinels.pop(sentinel)  # type: ignore[index]
            self.processes[i].join()
            if self.processes[i].exitcode:
                failed = i
                break
        if failed is None:
            return not self.sentinels
        if grace_period is not None:
            for process in self.processes:
                process.join(grace_period)
        for end in ("terminate", "kill"):
            for process in self.processes:
                if process.is_alive():
                    getattr(process, end)()
                    process.join(30 if grace_period is None else grace_period)
        raise self._failure(failed)

    def _failure(self, i: int) -> ProcessException:
        process = self.processes[i]
        try:
            text = self.errors[i].recv()
        except EOFError:  # it had nothing to say
            code = process.exitcode
        else:
            head = f"\n\n-- Process {i} terminated with the following error:\n"
            return ProcessRaisedException(head + text, i, process.pid)
        if code >= 0:
            return ProcessExitedException(f"process {i} terminated with exit code {code}", i, process.pid, code)
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"<Unknown signal {-code}>"
        return ProcessExitedException(f"process {i} terminated with signal {name}", i, process.pid, code, name)


def start_processes(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """fn(i, *args) in process i of nprocs. Without join, their ProcessContext; else None when all have ended.

    The function must stand at the top of a module. Raises what ProcessContext.join raises.
    """
    context: Any = multiprocessing.get_context(start_method)
    processes, errors = [], []
    for i in range(nprocs):
        receive, send = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(fn, i, args, send), daemon=daemon)
        process.start()
        send.close()
        processes.append(process)
        errors.append(receive)
    started = ProcessContext(processes, errors)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """start_processes with the method 'spawn', whatever start_method says: then it warns."""
    if start_method != "spawn":
        warn(
            f"This method only supports start_method=spawn (got: {start_method}).\n"
            "To use a different start_method use:\n\t\t torch.multiprocessing.start_processes(...)",
            FutureWarning,
        )
    return start_processes(fn, args, nprocs, join, daemon)
