"""What one row of the catalogue holds."""

from __future__ import annotations

from textwrap import dedent
from typing import NamedTuple


class Row(NamedTuple):
    title: str
    says: str  # the sentences, a line each, with {} for what differs
    means: str
    fix: str
    example: str = ""  # a program that ends in it, for both libraries
    kind: str = ""  # for rows that stand for a kind of exception: its name

    def program(self) -> str:
        return dedent(self.example).strip() + "\n"
