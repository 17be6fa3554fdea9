"""Recurrent layers over whole sequences, padded or packed, and their cells of one step.

The formulas are those of `ops.recurrent`. All weights and biases start uniform in [-k, k), k = 1 / sqrt(hidden_size).
Shapes: T steps, N sequences, I = input_size, H = hidden_size, P = proj_size or H, D directions.
"""

from __future__ import annotations

import math
from typing import Any

from ...core.provenance import warn
from ...core.tensor import Tensor
from ...ops import recurrent as ops
from ...ops.autocast import lowered
from ...ops.create import zeros
from .. import init
from ..module import Module
from ..parameter import Parameter, new_parameter
from ..utils.rnn import PackedSequence

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

MODES = {"LSTM": "lstm", "GRU": "gru", "RNN_TANH": "rnn_tanh", "RNN_RELU": "rnn_relu"}


def _draw(module: Any) -> None:
    bound = 1.0 / math.sqrt(module.hidden_size) if module.hidden_size > 0 else 0
    for p in module.parameters():
        init.uniform_(p, -bound, bound)


class RNNBase(Module):
    """num_layers recurrent layers, the output of each the input of the next: (out, last states).

    input (T, N, I), (N, T, I) if batch_first, or (T, I), or a PackedSequence; out has D P features for each step, in
    the same arrangement. hx: the first states (num_layers D, N, P), zeros unless given; for an LSTM with the cell
    states (num_layers D, N, H). bidirectional: each layer also runs backwards in time, and the next sees both.
    dropout: the probability with which an element between two layers is dropped.
    weight_ih_l{k} (G H, I or D P), weight_hh_l{k} (G H, P), bias_ih_l{k}, bias_hh_l{k} (G H,), weight_hr_l{k} (P, H)
    belong to layer k, with _reverse to its way back; an LSTM has G = 4 gates, a GRU 3, an Elman layer 1.
    Raises ValueError, TypeError or RuntimeError for arguments, sizes and dtypes that don't fit, as PyTorch does.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_options(dropout)
        rows = ops.CELLS[MODES[mode]].gates * hidden_size
        out = proj_size or hidden_size
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            into = input_size if layer == 0 else out * (2 if bidirectional else 1)
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, into), "weight_hh": (rows, out)}
            if bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            if proj_size:
                shapes["weight_hr"] = (proj_size, hidden_size)
            for direction in ("", "_reverse")[: 2 if bidirectional else 1]:
                names = {f"{name}_l{layer}{direction}": shape for name, shape in shapes.items()}
                for name, shape in names.items():
                    self.register_parameter(name, new_parameter(*shape, device=device, dtype=dtype))
                self._all_weights.append(list(names))
        self.reset_parameters()

    def _check_options(self, dropout: Any) -> None:
        if not isinstance(dropout, (int, float)) or isinstance(dropout, bool) or not 0 <= self.dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout and self.num_layers == 1:
            text = (
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={self.num_layers}"
            )
            warn(text)
        for name, kind in (("bias", bool), ("batch_first", bool), ("input_size", int), ("hidden_size", int)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
        for name in ("input_size", "hidden_size", "num_layers"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.mode not in MODES:
            raise ValueError(f"Unrecognized RNN mode: {self.mode}")

    def reset_parameters(self) -> None:
        _draw(self)

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The weights of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self) -> list[Parameter]:
        return [w for weights in self.all_weights for w in weights]

    def flatten_parameters(self) -> None:
        """Nothing: no layout of the weights is faster than another here."""

    # --- what forward is given ---

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        wanted = self._flat_weights[0].dtype
        if input.dtype is not wanted and lowered.get() is None:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({wanted}). "
                f"Convert input: input.to({wanted}), or convert model: model.to({input.dtype})"
            )
        dims = 3 if batch_sizes is None else 2
        if input.dim() != dims:
            raise RuntimeError(f"input must have {dims} dimensions, got {input.dim()}")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.shape[-1]}"
            )

    def _expected(self, input: Tensor, batch_sizes: Tensor | None) -> list[tuple[int, int, int]]:
        """The shape of the hidden states and, for an LSTM, of the cell states."""
        n = input.shape[0 if self.batch_first else 1] if batch_sizes is None else int(batch_sizes[0])
        sizes = [self.proj_size or self.hidden_size, self.hidden_size]
        return [(len(self._all_weights), n, size) for size in sizes[: 2 if self.mode == "LSTM" else 1]]

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        return self._expected(input, batch_sizes)[0]

    def check_hidden_size(
        self, hx: Tensor, expected_hidden_size: tuple[int, ...], msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        if tuple(hx.shape) != tuple(expected_hidden_size):
            raise RuntimeError(msg.format(tuple(expected_hidden_size), list(hx.shape)))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        self.check_input(input, batch_sizes)
        expected = self._expected(input, batch_sizes)
        for k, (state, shape) in enumerate(zip(self._states(hidden), expected, strict=True)):
            which = "hidden" if len(expected) == 1 else f"hidden[{k}]"
            self.check_hidden_size(state, shape, f"Expected {which} size {{}}, got {{}}")

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The states with the sequences in another order."""
        if permutation is None:
            return hx
        return self._hx([state.index_select(1, permutation) for state in self._states(hx)])

    def _states(self, hx: Any) -> list[Tensor]:
        return [hx[0], hx[1]] if self.mode == "LSTM" else [hx]

    def _hx(self, states: list[Tensor]) -> Any:
        return tuple(states) if self.mode == "LSTM" else states[0]

    def _zeros(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        return self._hx([zeros(s, dtype=input.dtype, device=input.device) for s in self._expected(input, batch_sizes)])

    def _given(self, hx: Any, batched: bool) -> Any:
        """hx for a batch; RuntimeError unless it has a batch where the input has one."""
        kind, states = "batched 3-D" if batched else "unbatched 2-D", self._states(hx)
        found = [f"{state.dim()}-D" for state in states]
        if any(f != kind[-3:] for f in found):
            names, got = (
                ("hx", f"{found[0]} tensor") if len(found) == 1 else ("hx and cx", f"({', '.join(found)}) tensors")
            )
            raise RuntimeError(f"For {kind} input, {names} should also be {kind[-3:]} but got {got}")
        return hx if batched else self._hx([state.unsqueeze(1) for state in states])

    # --- the layers ---

    def forward(self, input: Any, hx: Any = None) -> Any:
        cell = MODES[self.mode]
        options = self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional
        if isinstance(input, PackedSequence):
            data, batch_sizes = input.data, input.batch_sizes
            hx = self._zeros(data, batch_sizes) if hx is None else self.permute_hidden(hx, input.sorted_indices)
            self.check_forward_args(data, hx, batch_sizes)
            out, *states = ops.over_packed(cell, data, batch_sizes, hx, *options)
            made = PackedSequence(out, batch_sizes, input.sorted_indices, input.unsorted_indices)
            return made, self.permute_hidden(self._hx(states), input.unsorted_indices)
        if input.dim() not in (2, 3):
            raise ValueError(f"{self._get_name()}: Expected input to be 2D or 3D, got {input.dim()}D instead")
        batched, batch_dim = input.dim() == 3, 0 if self.batch_first else 1
        x = input if batched else input.unsqueeze(batch_dim)
        hx = self._zeros(x, None) if hx is None else self._given(hx, batched)
        self.check_forward_args(x, hx, None)
        out, *states = ops.over_batch(cell, x, hx, *options, self.batch_first)
        if batched:
            return out, self._hx(states)
        return out.squeeze(batch_dim), self._hx([state.squeeze(1) for state in states])

    def extra_repr(self) -> str:
        shown = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        changed = [f"{name}={getattr(self, name)}" for name, usual in shown.items() if getattr(self, name) != usual]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *changed])


def _no_projection(options: dict[str, Any]) -> None:
    if "proj_size" in options:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class RNN(RNNBase):
    """h = tanh(x W_ih^T + b_ih + h W_hh^T + b_hh) at each step, or relu of it: (out, last h); see RNNBase.

    RNN(input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False, dropout=0.0,
    bidirectional=False, device=None, dtype=None). Source: Elman 1990, Finding Structure in Time.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _no_projection(kwargs)
        given = list(args)
        nonlinearity = given.pop(3) if len(given) > 3 else kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", *given, **kwargs)
        self.nonlinearity = nonlinearity


class GRU(RNNBase):
    """Gated recurrent units: (out, last h); see RNNBase. At each step, with a = x W_ih^T + b_ih, m = h W_hh^T + b_hh,

    r = sigmoid(a_r + m_r), z = sigmoid(a_z + m_z), n = tanh(a_n + r m_n), h = (1 - z) n + z h.
    GRU(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
    device=None, dtype=None). Source: Cho et al. 2014, arXiv:1406.1078; r is applied after
    the product.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _no_projection(kwargs)
        super().__init__("GRU", *args, **kwargs)


class LSTM(RNNBase):
    """Long short-term memory: (out, (last h, last c)); see RNNBase. With x W_ih^T + b_ih + h W_hh^T + b_hh in four,

    i, f, o = sigmoid of the first, second and last, g = tanh of the third: c = f c + i g, h = o tanh(c), and
    with proj_size h = (o tanh(c)) W_hr^T.
    LSTM(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
    proj_size=0, device=None, dtype=None). Sources: Hochreiter, Schmidhuber 1997; Gers et al. 2000; Sak et al. 2014.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        return self._expected(input, batch_sizes)[1]


# --- cells ---


class RNNCellBase(Module):
    """One step: weight_ih (G H, I), weight_hh (G H, H), bias_ih, bias_hh (G H,) or None; G = num_chunks."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        for name, shape in (("weight_ih", (rows, input_size)), ("weight_hh", (rows, hidden_size))):
            self.register_parameter(name, new_parameter(*shape, device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, new_parameter(rows, device=device, dtype=dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        _draw(self)

    def _step(self, cell: Any, input: Tensor, hx: Any) -> Any:
        """cell on a batch of one where the input is (I,)."""
        name, pair = self._get_name(), isinstance(self, LSTMCell)
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        states = [] if hx is None else list(hx) if pair else [hx]
        for k, h in enumerate(states):
            if h.dim() not in (1, 2):
                what = f"hx[{k}]" if pair else "hidden"
                raise ValueError(f"{name}: Expected {what} to be 1D or 2D, got {h.dim()}D instead")
        batched = input.dim() == 2
        if not batched:
            input, states = input.unsqueeze(0), [h.unsqueeze(0) for h in states]
        if hx is None:
            size = (input.shape[0], self.hidden_size)
            states = [zeros(size, dtype=input.dtype, device=input.device) for _ in range(1 + pair)]
        weights = self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        y = cell(input, states if pair else states[0], *weights)
        if batched:
            return y
        return tuple([s.squeeze(0) for s in y]) if pair else y.squeeze(0)

    def extra_repr(self) -> str:
        shown = {"bias": True, "nonlinearity": "tanh"}
        changed = [
            f"{name}={vars(self)[name]}" for name, usual in shown.items() if vars(self).get(name, usual) != usual
        ]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *changed])


class RNNCell(RNNCellBase):
    """h = tanh(x W_ih^T + b_ih + h W_hh^T + b_hh), or relu of it: (N, I), (N, H) -> (N, H), or without N."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(ops.rnn_tanh_cell if self.nonlinearity == "tanh" else ops.rnn_relu_cell, input, hx)


class LSTMCell(RNNCellBase):
    """One step of an LSTM: (N, I), (h, c) each (N, H) -> (h, c), or without N; hx is zeros unless given."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        return self._step(ops.lstm_cell, input, hx)


class GRUCell(RNNCellBase):
    """One step of a GRU: (N, I), (N, H) -> (N, H), or without N; hx is zeros unless given."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(ops.gru_cell, input, hx)
