"""Checks of sequences: which axis is time, who may look ahead, and what padding is."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ... import nn
from ...core.modes import is_grad_enabled
from ...core.provenance import Place, caller
from ...core.tensor import Tensor
from .names import Beside

PASSES = 3  # so many make a habit


class Sizes(NamedTuple):
    """What a recurrent layer that is not batch_first took its input for."""

    time: int
    batch: int
    path: str
    place: Place | None


class Sequences:
    def __init__(self, run: Any) -> None:
        self._run = run
        self._recurrent: Sizes | None = None  # since the last backward
        self._tokens: Any = None  # (batch, time), that the user's model was given alone
        self._ahead: Place | None = None  # where each position of these looked at all others
        self._padded: Beside[int] = Beside(hold=True)  # embeddings, and their passes with padding between words

    def enter(self, module: Any, args: Any) -> None:
        given = [x.array for x in args if isinstance(x, Tensor)]
        if not self._run.stack:
            alone = len(given) == 1 and given[0].ndim == 2 and given[0].dtype.kind in "iu"
            self._tokens, self._ahead = given[0] if alone else None, None
        if not given or not is_grad_enabled():
            return
        if isinstance(module, nn.RNN | nn.LSTM | nn.GRU) and not module.batch_first and given[0].ndim == 3:
            self._recurrent = Sizes(len(given[0]), given[0].shape[1], self._run.module_path(module), caller())
        if isinstance(module, nn.Embedding) and module.padding_idx is not None and given[0].ndim == 2:
            if between(given[0] != module.padding_idx).any():
                passes = self._padded.put(module, (self._padded.get(module) or 0) + 1)
                if passes == PASSES:
                    path = self._run.module_path(module)
                    self._run.report("GL317", names=path, count=module.padding_idx)

    def op(self, name: str, inputs: Any, out: Tensor) -> None:
        if self._tokens is not None and name == "softmax":
            time = self._tokens.shape[1]
            if out.array.shape[-2:] == (time, time) and np.triu(out.array, 1).any():
                self._ahead = caller()

    def attention(self, query: Tensor, key: Tensor, causal: bool) -> None:
        if self._tokens is not None and not causal:
            if query.array.shape[-2] == key.array.shape[-2] == self._tokens.shape[1]:
                self._ahead = caller()

    def loss(self, name: str, x: Tensor, target: Tensor) -> None:
        t, sizes = target.array, self._recurrent
        if sizes is not None and t.ndim and len(t) == sizes.time == len(x.array) and sizes.batch not in (1, sizes.time):
            if t.shape[:2] != (sizes.time, sizes.batch):
                self._run.report("GL318", sizes.place, names=sizes.path, first=sizes.time, last=sizes.batch)
        if self._ahead is not None and name == "cross_entropy" and t.size == self._tokens.size:
            words, following = self._tokens, t.reshape(self._tokens.shape)
            if words.shape[1] > 2 and words.min() != words.max() and (following[:, :-1] == words[:, 1:]).all():
                self._run.report("GL319", self._ahead)

    def gradients(self) -> None:
        self._recurrent = None


def between(words: Any) -> Any:
    """Where a row (batch, time) has no word, and words on both sides."""
    before = np.maximum.accumulate(words, 1)
    after = np.maximum.accumulate(words[:, ::-1], 1)[:, ::-1]
    return ~words & before & after
