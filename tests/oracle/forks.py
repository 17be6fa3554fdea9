"""Runs programs under PyTorch, each in a fork of this process, which has imported what takes them seconds.

Each line of its input names a program, the folder to run it in, and the files for what it prints; each line of its
output is an exit status.
"""

import os
import runpy
import signal
import sys

import sklearn.datasets  # noqa: F401
import torch._dynamo  # noqa: F401  which an optimizer imports

LIMIT = 120  # seconds


def next_program() -> str:
    """In each fork; this process itself never returns."""
    for line in sys.stdin:
        program, folder, *files = line.rstrip("\n").split("\t")
        if child := os.fork():
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
            continue
        signal.alarm(LIMIT)
        for number, file in enumerate([os.devnull, *files]):
            os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
        os.chdir(folder)
        sys.argv, sys.path[0] = [program], os.path.dirname(program)
        return program
    sys.exit()


runpy.run_path(next_program(), run_name="__main__")
