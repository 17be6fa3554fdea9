"""Recurrent layers beside PyTorch's: further derivatives, states, packed sequences, random numbers and errors."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import glassgrad as gg  # noqa: E402
from glassgrad import nn  # noqa: E402

torch.set_num_threads(1)
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections")

KINDS = [
    ("RNN", {}), ("RNN", {"nonlinearity": "relu"}), ("GRU", {}), ("LSTM", {}), ("LSTM", {"proj_size": 2}),
]  # fmt: skip
ids = [name + "".join(map(str, options.values())) for name, options in KINDS]
LENGTHS = [3, 5, 1, 5, 2]  # unsorted, with ties


def both(name: str, *args: Any, dtype: str = "float64", **options: Any) -> tuple[Any, Any]:
    """The same module in both libraries, drawn from the same seed."""
    made = []
    for library in (gg, torch):
        library.manual_seed(0)
        module = getattr(library.nn, name)(*args, **options)
        made.append(module.to(getattr(library, dtype)))
    return made[0], made[1]


def flat(x: Any) -> list[Any]:
    """Every tensor in nested tuples and packed sequences."""
    if isinstance(x, (tuple, list)):
        return [t for part in x for t in flat(part)]
    return [] if x is None else [x]


def near(ours: Any, theirs: Any, tolerance: float = 1e-10) -> None:
    for a, b in zip(flat(ours), flat(theirs), strict=True):
        a, b = a.detach().numpy(), b.detach().numpy()
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def draw(*shapes: tuple[int, ...], seed: int = 0, dtype: str = "float64") -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(s).astype(dtype) for s in shapes]


def given(library: Any, array: np.ndarray) -> Any:
    return library.tensor(array, requires_grad=True)


def states_of(library: Any, name: str, options: Any, runs: int, n: int, dtype: str = "float64") -> Any:
    h, c = draw((runs, n, options.get("proj_size") or 3), (runs, n, 3), seed=1, dtype=dtype)
    return (given(library, h), given(library, c)) if name == "LSTM" else given(library, h)


def weighed(library: Any, outputs: list[Any]) -> Any:
    rng = np.random.default_rng(2)
    parts = [(y * y * library.tensor(rng.uniform(0.5, 1.5, tuple(y.shape)).astype(str(y.dtype).split(".")[1]))).sum()
             for y in outputs if y.requires_grad]  # fmt: skip
    return sum(parts[1:], parts[0])


def derivatives(library: Any, module: Any, outputs: list[Any], inputs: list[Any]) -> tuple[Any, Any]:
    """The gradients of all outputs together, and the gradients of the squares of those."""
    wanted = [*inputs, *module.parameters()]
    first = library.autograd.grad(weighed(library, outputs), wanted, create_graph=True)
    second = library.autograd.grad(sum((g * g).sum() for g in first), wanted)
    return first, second


@pytest.mark.parametrize(("name", "options"), KINDS, ids=ids)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_two_layers_with_dropout(name: str, options: Any, bidirectional: bool, packed: bool) -> None:
    """Values, gradients and second derivatives; the masks between the layers are PyTorch's."""
    modules = both(name, 4, 3, num_layers=2, dropout=0.5, bidirectional=bidirectional, **options)
    results = []
    for library, module in zip((gg, torch), modules, strict=True):
        x = given(library, draw((5, 5, 4))[0])
        hx = states_of(library, name, options, 4 if bidirectional else 2, 5)
        library.manual_seed(7)
        entered = library.nn.utils.rnn.pack_padded_sequence(x, LENGTHS, enforce_sorted=False) if packed else x
        out = flat(module(entered, hx))
        results.append((out, *derivatives(library, module, out, [x, *flat(hx)])))
        results[-1] += ([library.rand(2)],)  # the generator is left at the same place
    for ours, theirs in zip(*results, strict=True):
        near(ours, theirs, 1e-9)


@pytest.mark.parametrize(("name", "options"), KINDS, ids=ids)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_packed_is_as_each_alone(name: str, options: Any, dtype: str, batch_first: bool) -> None:
    """A packed batch gives what each sequence gives by itself, and what PyTorch gives."""
    ours, theirs = both(name, 4, 3, 2, dtype=dtype, batch_first=batch_first, bidirectional=True, **options)
    sequences = draw(*((m, 4) for m in LENGTHS), dtype=dtype)
    packed = nn.utils.rnn.pack_sequence([gg.tensor(s) for s in sequences], enforce_sorted=False)
    expected = torch.nn.utils.rnn.pack_sequence([torch.tensor(s) for s in sequences], enforce_sorted=False)
    tolerance = 1e-10 if dtype == "float64" else 1e-5
    out, last = ours(packed)
    near((out, last), theirs(expected), tolerance)
    for k, (rows, s) in enumerate(zip(nn.utils.rnn.unpack_sequence(out), sequences, strict=True)):
        alone, its_last = ours(gg.tensor(s))
        near(rows, alone.detach(), tolerance)
        near([h[:, k] for h in flat(last)], flat(its_last), tolerance)


@pytest.mark.parametrize(("name", "options"), KINDS, ids=ids)
def test_states_travel_both_ways(name: str, options: Any) -> None:
    ours, theirs = both(name, 4, 3, 2, bidirectional=True, **options)
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    fresh = type(ours)(4, 3, 2, bidirectional=True, **options).double()
    fresh.load_state_dict({k: v.numpy() for k, v in state.items()})
    back = type(theirs)(4, 3, 2, bidirectional=True, **options).double()
    back.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    x = draw((5, 2, 4))[0]
    near(fresh(gg.tensor(x)), theirs(torch.tensor(x)))
    near(ours(gg.tensor(x)), back(torch.tensor(x)))
    assert [len(w) for w in ours.all_weights] == [len(w) for w in theirs.all_weights]


@pytest.mark.parametrize(("name", "options"), KINDS, ids=ids)
def test_gradient_of_each_output_alone(name: str, options: Any) -> None:
    ours, theirs = both(name, 4, 3, 2, **options)
    a = draw((4, 2, 4))[0]
    for k in range(len(flat(ours(gg.tensor(a))))):
        grads = []
        for library, module in ((gg, ours), (torch, theirs)):
            x = given(library, a)
            y = flat(module(x))[k]
            grads.append(library.autograd.grad((y * y).sum(), [x, *module.parameters()], allow_unused=True))
        for g, q in zip(*grads, strict=True):
            assert (g is None or not g.any()) == (q is None or not q.any())
            if g is not None and q is not None:
                near(g, q)


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
def test_outputs_may_be_changed_in_place(name: str) -> None:
    """Nothing that the way back needs lies in what the user gets."""
    grads = []
    for library, module in zip((gg, torch), both(name, 4, 3), strict=True):
        x = given(library, draw((5, 2, 4))[0])
        out, hx = module(x)
        last = flat(hx)
        out.mul_(2.0)
        out[0] = 0.0
        last[0].add_(1.0)
        grads.append(library.autograd.grad(weighed(library, [out, *last]), [x, *module.parameters()]))
    near(*grads)


@pytest.mark.parametrize("name", ["RNNCell", "GRUCell", "LSTMCell"])
def test_cells_by_hand(name: str) -> None:
    """A loop over a cell, its state reset in place, differentiated twice."""
    results = []
    for library, cell in zip((gg, torch), both(name, 4, 3), strict=True):
        x = given(library, draw((4, 2, 4))[0])
        hx = None
        for t in range(4):
            hx = cell(x[t], hx)
            if name != "RNNCell":  # PyTorch's tanh needs its output
                flat(hx)[0][t % 2] = 0.0
        results.append((flat(hx), *derivatives(library, cell, flat(hx), [x])))
    for ours, theirs in zip(*results, strict=True):
        near(ours, theirs, 1e-9)


def test_functional_call_and_new_weights() -> None:
    """Weights given for one call, or assigned later, are those that count."""
    ours, theirs = both("LSTM", 4, 3)
    x = draw((5, 2, 4))[0]
    state = {k: gg.tensor(v.numpy()) * 0.5 for k, v in ours.state_dict().items()}
    half = {k: v * 0.5 for k, v in theirs.state_dict().items()}
    near(
        gg.func.functional_call(ours, state, (gg.tensor(x),)),
        torch.func.functional_call(theirs, half, (torch.tensor(x),)),
    )
    ours.weight_hh_l0 = nn.Parameter(ours.weight_hh_l0.detach() * 3)
    theirs.weight_hh_l0 = torch.nn.Parameter(theirs.weight_hh_l0.detach() * 3)
    near(ours(gg.tensor(x)), theirs(torch.tensor(x)))


@pytest.mark.parametrize("name", ["GRU", "LSTM"])
def test_functions_of_functions(name: str) -> None:
    """Jacobians in both modes, a Hessian, and the weights' gradients of single sequences by vmap."""
    ours, theirs = both(name, 2, 3)
    x = draw((4, 5, 2))[0]
    jacobians = [
        library.func.jacrev(lambda a, m=module: m(a)[0])(library.tensor(x[:, 0]))
        for library, module in ((gg, ours), (torch, theirs))
    ]
    near(*jacobians)
    near(gg.func.jacfwd(lambda a: ours(a)[0])(gg.tensor(x[:, 0])), jacobians[1], 1e-9)

    a = x[:3, 0]
    hessians = [
        library.func.hessian(lambda a, m=module: (m(a)[0] ** 2).sum())(library.tensor(a))
        for library, module in ((gg, ours), (torch, theirs))
    ]
    near(*hessians)

    def loss(params: Any, a: Any) -> Any:
        return (gg.func.functional_call(ours, params, (a,))[0] ** 2).sum()

    params = dict(ours.named_parameters())
    each = gg.func.vmap(gg.func.grad(loss), (None, 1))(params, gg.tensor(x))
    for k in range(5):
        theirs.zero_grad()
        (theirs(torch.tensor(x[:, k]))[0] ** 2).sum().backward()
        for p, q in theirs.named_parameters():
            near(each[p][k], q.grad, 1e-9)


# --- nn.utils.rnn ---

R, Q = nn.utils.rnn, torch.nn.utils.rnn


@pytest.mark.parametrize("tail", [(), (2,), (2, 3)], ids=str)
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("lengths", [[4, 4, 2, 1], [1, 4, 2, 4], [3, 3, 3, 3], [2, 1, 1, 2]], ids=str)
def test_packing_and_padding(lengths: list[int], batch_first: bool, tail: tuple[int, ...]) -> None:
    array = draw((4, 4, *tail))[0]
    results = []
    for library, rnn in ((gg, R), (torch, Q)):
        x = given(library, array)
        packed = rnn.pack_padded_sequence(x, library.tensor(lengths), batch_first, enforce_sorted=False)
        padded, given_lengths = rnn.pad_packed_sequence(packed, batch_first, -7.0, 6)
        g = library.autograd.grad((padded * padded).sum() + (packed.data * 3).sum(), x)
        results.append(
            ([*packed], padded, given_lengths, g, rnn.unpack_sequence(packed), rnn.pad_packed_sequence(packed))
        )
    near(*results)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("tail", [(), (3,)], ids=str)
def test_pad_sequence(batch_first: bool, side: str, tail: tuple[int, ...]) -> None:
    arrays = draw(*((m, *tail) for m in (2, 5, 0, 1)))
    results = []
    for library, rnn in ((gg, R), (torch, Q)):
        xs = [given(library, a) for a in arrays]
        padded = rnn.pad_sequence(xs, batch_first, 2.5, side)
        lengths = library.tensor([2, 5, 0, 1])
        cut = rnn.unpad_sequence(padded.clone(), lengths, batch_first)
        results.append((padded, library.autograd.grad((padded * padded).sum(), xs), cut))
    near(*results)
    whole = [np.arange(3), np.arange(1)]
    near(
        R.pad_sequence(map(gg.tensor, whole), padding_value=1.5),
        Q.pad_sequence(map(torch.tensor, whole), padding_value=1.5),
    )


def test_packed_sequences_are_tuples_with_names() -> None:
    parts = [np.arange(2), np.arange(3)]
    for enforce_sorted in (True, False):
        given_parts = parts[::-1] if enforce_sorted else parts
        ours = R.pack_sequence([gg.tensor(p) for p in given_parts], enforce_sorted)
        theirs = Q.pack_sequence([torch.tensor(p) for p in given_parts], enforce_sorted)
        assert repr(ours) == repr(theirs)
        assert ours._fields == theirs._fields
        near(list(ours), list(theirs))
        assert ours.to(gg.int64) is ours and theirs.to(torch.int64) is theirs
        for kind in ("double", "float", "half", "long", "int", "short", "char", "byte", "cpu"):
            a, b = getattr(ours, kind)(), getattr(theirs, kind)()
            near(list(a), list(b))
        assert (ours.is_cuda, ours.is_pinned()) == (theirs.is_cuda, theirs.is_pinned())
    again = R.PackedSequence((ours.data, ours.batch_sizes), None, ours.sorted_indices)
    near(list(again), list(ours))
    near(R.invert_permutation(gg.tensor([2, 0, 1])), Q.invert_permutation(torch.tensor([2, 0, 1])))


# --- errors ---

X, H = "lib.zeros(5, 3, 4)", "lib.zeros(1, 3, 6)"
PACK = "R.pack_sequence([lib.zeros(3, 4), lib.zeros(2, 4)])"
ERRORS = [
    *(f"nn.{m}(4, 6)({x})" for m in ("RNN", "GRU", "LSTM") for x in (
        "lib.zeros(4, 4, 4, 4)", "lib.zeros(5, 3, 5)", f"{X}.double()", "lib.zeros(0, 3, 4)")),
    *(f"nn.{m}(4, 6)({x})" for m in ("RNN", "GRU") for x in (
        f"{X}, lib.zeros(1, 2, 6)", f"{X}, lib.zeros(3, 6)", f"{X}[0], {H}", f"{PACK}, {H}", f"{PACK}, {H}[0]",
        f"{X}, {H}.double()")),
    *(f"nn.LSTM(4, 6)({x})" for x in (
        f"{X}, {H}", f"{X}, ({H}[:, :2], {H})", f"{X}, ({H}, {H}[:, :2])", f"{X}, ({H}[0], {H})", f"{X}[0], ({H}, {H})",
        f"{X}, ({H},)", f"{PACK}, ({H}, {H})")),
    *(f"nn.LSTM({a})" for a in (
        "4, 6, 0", "0, 6", "4, 0", "4., 6", "4, 6.", "4, 6, bias=1", "4, 6, batch_first=1", "4, 6, dropout=2",
        "4, 6, dropout=-0.1", "4, 6, dropout='a'", "4, 6, dropout=True", "4, 6, proj_size=6", "4, 6, proj_size=-1",
        "4, 6, foo=1", "4")),
    "nn.RNN(4, 6, nonlinearity='sin')", "nn.RNN(4, 6, proj_size=2)", "nn.GRU(4, 6, proj_size=2)",
    "nn.RNNBase('FOO', 4, 6)", "nn.RNNCell(4, 6, nonlinearity='sin')(lib.zeros(3, 4))",
    *(f"nn.{m}(4, 6)({x})" for m in ("RNNCell", "GRUCell", "LSTMCell") for x in (X, "lib.zeros(3, 5)", "lib.tensor(1.)",
        "lib.zeros(3, 4).double()")),
    *(f"nn.{m}(4, 6)(lib.zeros(3, 4), {h})" for m in ("RNNCell", "GRUCell") for h in (
        "lib.zeros(3, 1, 6)", "lib.zeros(3, 5)", "lib.zeros(2, 6)", "lib.zeros(6)")),
    *(f"nn.LSTMCell(4, 6)(lib.zeros(3, 4), {h})" for h in (
        "(lib.zeros(3, 1, 6),) * 2", "(lib.zeros(3, 5),) * 2", "(lib.zeros(3, 6), lib.zeros(3, 5))",
        "(lib.zeros(2, 6),) * 2", "(lib.zeros(3, 6),)")),
    *(f"R.pack_padded_sequence({a})" for a in (
        f"{X}, [5, 4, 5]", f"{X}, [5, 4]", f"{X}, [5, 4, 0]", f"{X}, lib.tensor([[5, 4, 2]])", f"{X}, [5, 4, 2], True",
        "lib.zeros(5), [1]", f"{X}, []", "lib.zeros(5, 0, 2), []", f"{X}.numpy(), [5, 4, 2]", f"{X}, [-1, -1, -1]")),
    f"R.pad_packed_sequence({PACK}, total_length=2)", "R.pad_sequence(5)", "R.pad_sequence([])",
    "R.pad_sequence(['a'])",
    "R.pad_sequence([lib.zeros(2, 4), lib.zeros(3, 5)])", "R.pad_sequence([lib.zeros(2)], padding_side='mid')",
    "R.pad_sequence([lib.tensor(1)])", "R.pack_sequence([])", f"R.PackedSequence({X})",
    "R.pack_sequence([lib.zeros(2, 4), lib.zeros(3, 4)])",
    "R.unpad_sequence(lib.zeros(3, 2), lib.tensor([3]))",
    f"lib.lstm({X}, ({H},), [], True, 1, 0., False, False, False)",
    f"lib.gru({X}, {H}, [lib.zeros(18, 4)] * 2, False, 1, 0., False, True, False)",
]  # fmt: skip
# Where PyTorch's words are an accident of its implementation, the type alone is compared.
OTHER_WORDS = ("double()", "R.pad_sequence([lib", "lib.gru(", "lib.zeros(5), [1]", "foo=1", "LSTM(4)", f"({H},)",
               ".numpy()", "unpad", "[[5", "zeros(4, 4, 4, 4)", "LSTM(4, 6)(lib.zeros(5, 3, 4), lib.zeros(1, 3, 6))",
               f"{PACK}, ({H}, {H})")  # fmt: skip


@pytest.mark.parametrize("code", ERRORS)
def test_errors(code: str) -> None:
    def problem(lib: Any) -> Exception:
        with pytest.raises(Exception) as caught:
            eval(code, {"lib": lib, "nn": lib.nn, "R": lib.nn.utils.rnn})
        return caught.value

    ours, theirs = problem(gg), problem(torch)
    assert type(ours) is type(theirs), f"{ours!r} instead of {theirs!r}"
    if not any(words in code for words in OTHER_WORDS):
        start = str(theirs).split(". ")[0][:60].replace("torch.", "")
        assert str(ours).replace("glassgrad.", "").startswith(start), f"{ours} instead of {theirs}"


def test_dropout_of_one_layer_warns() -> None:
    for library in (gg, torch):
        with pytest.warns(
            UserWarning, match="dropout option adds dropout after all but last recurrent layer"
        ) as caught:
            library.nn.GRU(4, 6, dropout=0.5)
        assert library is torch or caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.GRU(4, 6, 2, dropout=0.5)


def test_lengths_beyond_the_input_are_refused() -> None:
    """PyTorch makes batch_sizes that don't add up to the rows."""
    with pytest.raises(RuntimeError, match="at most 5"):
        R.pack_padded_sequence(gg.zeros(5, 3, 4), [6, 4, 2])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
def test_half_precision(name: str, dtype: str) -> None:
    """Computed in float32: close to PyTorch in float32 with the same rounded weights."""
    ours, theirs = both(name, 4, 3, dtype=dtype)
    theirs = theirs.float()
    x = gg.tensor(draw((5, 2, 4))[0]).to(getattr(gg, dtype))
    out = ours(x)[0]
    assert out.dtype is getattr(gg, dtype)
    near(out.float(), theirs(torch.tensor(x.float().numpy()))[0], 2e-2)
    out.sum().backward()
    theirs(torch.tensor(x.float().numpy()))[0].sum().backward()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert p.grad.dtype is getattr(gg, dtype)
        np.testing.assert_allclose(p.grad.float().numpy(), q.grad.numpy(), rtol=5e-2, atol=5e-2)


def test_every_combination_of_options_has_the_same_repr_and_draws() -> None:
    flags = itertools.product(["RNN", "GRU", "LSTM"], [1, 2], [True, False], [True, False], [True, False])
    for name, layers, bias, batch_first, bidirectional in flags:
        ours, theirs = both(name, 3, 2, layers, bias=bias, batch_first=batch_first, bidirectional=bidirectional)
        assert repr(ours) == repr(theirs)
        near([*ours.parameters()], [*theirs.parameters()])
        assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]


# --- what print(y) shows ---


def name_of(library: Any, y: Any) -> str:
    """What print(y) says of the node."""
    return type(y.grad_fn).__name__ if library is torch else y.grad_fn.name()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("batch_first", "bidirectional"), list(itertools.product((False, True), repeat=2)))
@pytest.mark.parametrize(("name", "options"), KINDS, ids=ids)
def test_names_of_what_comes_out(
    name: str, options: dict[str, Any], batch_first: bool, bidirectional: bool, dtype: str
) -> None:
    modules = both(name, 2, 3, dtype=dtype, batch_first=batch_first, bidirectional=bidirectional, **options)
    said = []
    for library, module in zip((gg, torch), modules, strict=True):
        given = getattr(library, dtype)
        lengths = [4, 2] if batch_first else [3, 1]
        padded = library.ones(2, 4, 2, dtype=given) if batch_first else library.ones(4, 2, 2, dtype=given)
        rnn = library.nn.utils.rnn
        packed = module(rnn.pack_padded_sequence(padded, lengths, batch_first=batch_first))
        results = [*module(padded), *module(library.ones(4, 2, dtype=given)), packed[0].data, *packed[1:]]
        results.append(rnn.pad_packed_sequence(packed[0], batch_first=batch_first)[0])
        said.append([name_of(library, y) for y in flat(results)])
    assert said[0] == said[1]


@pytest.mark.parametrize("name", ["RNNCell", "GRUCell", "LSTMCell"])
@pytest.mark.parametrize("shape", [(4, 2), (2,)])
def test_names_of_what_comes_out_of_cells(name: str, shape: tuple[int, ...]) -> None:
    modules = both(name, 2, 3, dtype="float32")
    said = [
        [name_of(library, y) for y in flat([module(library.ones(*shape))])]
        for library, module in zip((gg, torch), modules, strict=True)
    ]
    assert said[0] == said[1]


def test_names_of_squeezes_and_products() -> None:
    said = []
    for t in (gg, torch):
        x = t.ones(2, 1, 3, 1, requires_grad=True)
        made = [x.squeeze(), x.squeeze(1), x.squeeze(dim=-1), x.squeeze(0), x.squeeze((1, 3)), t.squeeze(x, 1)]
        made += [
            x[0, 0, :, 0] @ t.ones(3, 2),
            x[0, 0, :, 0] @ t.ones(2, 3, 2),
            x.scatter(0, t.zeros(1, 1, 1, 1).long(), 1.0),
        ]
        said.append([name_of(t, y) for y in made])
    assert said[0] == said[1]
