"""Recurrent layers: their equations, their states, and what is refused. See also test_layers_reference."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

KINDS = ("RNN", "GRU", "LSTM")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_definition(kind, state, x, h):
    """The outputs of one layer, step by step, as the equations say."""
    w, v, b, d = (state[f"{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    c, outputs = np.zeros_like(h), []
    for step in x:
        p, q = step @ w.T + b, h @ v.T + d
        if kind == "RNN":
            h = np.tanh(p + q)
        elif kind == "GRU":
            (p0, p1, p2), (q0, q1, q2) = np.split(p, 3, axis=1), np.split(q, 3, axis=1)
            z = sigmoid(p1 + q1)
            h = (1 - z) * np.tanh(p2 + sigmoid(p0 + q0) * q2) + z * h
        else:
            i, f, k, o = np.split(p + q, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(k)
            h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs)


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_those_of_the_equations(kind):
    """For five steps from zeros; the last output is the last state."""
    layer = getattr(nn, kind)(3, 4, rng=0)
    x = np.random.default_rng(1).normal(size=(5, 2, 3))
    y, last = layer(x)
    np.testing.assert_allclose(y.data, by_definition(kind, layer.state_dict(), x, np.zeros((2, 4))), rtol=1e-13)
    np.testing.assert_array_equal((last[0] if kind == "LSTM" else last).data[0], y.data[-1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_can_be_cut_in_two(kind):
    """Going on from the states after the first part gives what the whole sequence gives, gradients too."""
    layer = getattr(nn, kind)(3, 4, num_layers=2, rng=0)
    x = np.random.default_rng(1).normal(size=(6, 2, 3))
    y, _ = layer(x)
    y.sum().backward()
    whole = [p.grad.data for p in layer.parameters()]
    layer.zero_grad()
    first, state = layer(x[:2])
    second, _ = layer(x[2:], state)
    np.testing.assert_allclose(np.concatenate([first.data, second.data]), y.data, rtol=1e-13)
    (first.sum() + second.sum()).backward()
    for p, g in zip(layer.parameters(), whole, strict=True):
        np.testing.assert_allclose(p.grad.data, g, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_direction_is_the_same_network_on_the_reversed_sequence(kind):
    """With the parameters of the first direction, the second half of the output is the first, reversed."""
    layer = getattr(nn, kind)(3, 4, bidirectional=True, batch_first=True, rng=0)
    state = layer.state_dict()
    layer.load_state_dict({name: state[name.removesuffix("_reverse")] for name in state})
    x = np.random.default_rng(1).normal(size=(2, 5, 3))
    y, _ = layer(x)
    back, _ = layer(x[:, ::-1])
    np.testing.assert_allclose(y.data[:, ::-1, 4:], back.data[:, :, :4], rtol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_is_not_read(kind):
    """Numbers of any kind after the end of a sequence change neither outputs nor gradients, which are 0 there."""
    layer = getattr(nn, kind)(3, 4, num_layers=2, bidirectional=True, batch_first=True, rng=0)
    x, lengths, found = np.random.default_rng(1).normal(size=(3, 5, 3)), [2, 5, 1], []
    padding = np.arange(5) >= np.reshape(lengths, (3, 1))
    for filler in (0.0, np.nan, np.inf):
        x[padding] = filler
        given = mg.tensor(x, requires_grad=True)
        with np.errstate(all="raise"):
            y, last = layer(given, lengths=lengths)
            (np.sum(y**2) + np.sum(last[0] ** 2)).backward()
        assert not y.data[padding].any()
        assert not given.grad.data[padding].any()
        found.append([y.data, given.grad.data, *(p.grad.data for p in layer.parameters())])
        layer.zero_grad()
    for filled in found[1:]:
        for got, want in zip(filled, found[0], strict=True):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("kind", KINDS)
def test_each_sequence_is_computed_as_if_alone(kind):
    """Outputs, states of both directions, and tangents, are those of the sequence by itself, without padding."""
    layer = getattr(nn, kind)(3, 4, bidirectional=True, rng=0).requires_grad_(False)
    x, t = np.random.default_rng(1).normal(size=(2, 5, 3, 3))
    lengths = mg.tensor(np.array([4, 5, 1], np.uint8))
    (y, last), (ty, t_last) = mg.jvp(lambda x: layer(x, lengths=lengths), (x,), (t,))
    for i, length in enumerate([4, 5, 1]):
        of_one = np.s_[:length, i : i + 1]
        alone = mg.jvp(layer, (x[of_one],), (t[of_one],))
        for got, want in zip(((y, last), (ty, t_last)), alone, strict=True):
            np.testing.assert_allclose(got[0][of_one], want[0], rtol=1e-12)
            ours, theirs = (np.stack(s[1]) if kind == "LSTM" else s[1] for s in (got, want))
            np.testing.assert_allclose(ours[..., i, :], theirs[..., 0, :], rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_lengths_are_arguments_of_compiled_steps(kind):
    """A recorded step reads other lengths, and refuses those out of range as the step does."""
    layer = getattr(nn, kind)(3, 4, rng=0).requires_grad_(False)
    x = np.random.default_rng(1).normal(size=(5, 2, 3))
    gradient = mg.grad(lambda x, lengths: np.sum(layer(x, lengths=lengths)[0] ** 2))
    compiled = mg.compile(gradient)
    for lengths in ([2, 5], [5, 1], [3, 3]):
        lengths = np.array(lengths)
        np.testing.assert_array_equal(compiled(x, lengths), gradient(x, lengths))
    with pytest.raises(ValueError, match=f"{kind} takes lengths from 1 to 5, the number of steps; got lengths from 0"):
        compiled(x, np.array([0, 5]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bias", [True, False])
def test_a_loop_over_a_cell_is_the_layer(kind, bias):
    """With the same parameters: outputs and gradients; a single example gives what it gives in a batch."""
    layer, cell = getattr(nn, kind)(3, 4, bias=bias, rng=0), getattr(nn, f"{kind}Cell")(3, 4, bias=bias, rng=1)
    cell.load_state_dict({name.removesuffix("_l0"): x for name, x in layer.state_dict().items()})
    x = np.random.default_rng(1).normal(size=(5, 2, 3))
    y, _ = layer(x)
    state, outputs = None, []
    for step in x:
        state = cell(step, state)
        outputs.append(state[0] if kind == "LSTM" else state)
    np.testing.assert_allclose(np.stack([h.data for h in outputs]), y.data, rtol=1e-13)
    np.sum(y**2).backward()
    np.sum(np.stack(outputs) ** 2).backward()
    for p, q in zip(layer.parameters(), cell.parameters(), strict=True):
        np.testing.assert_allclose(q.grad.data, p.grad.data, rtol=1e-11)
    one = lambda s: s[0] if kind == "LSTM" else s
    np.testing.assert_allclose(one(cell(x[0, 1])).data, one(cell(x[0])).data[1], rtol=1e-14)


def test_sigmoids_neither_overflow_nor_warn():
    """Gates that are open or shut for sure are 1 or 0 to the last digit."""
    layer = nn.LSTM(1, 1)
    for name, p in layer.named_parameters():
        p.data = np.full(p.shape, 1e4 if name.startswith("weight") else 0.0)
    with np.errstate(all="raise"):
        y, _ = layer(np.array([[[1.0], [-1.0]]]))
    np.testing.assert_allclose(y.data[0, :, 0], [np.tanh(1), 0], rtol=1e-15)


def test_dropout_lies_between_layers_in_training():
    """Two calls differ while training, and not after eval(); a single layer has nothing between."""
    x = np.random.default_rng(1).normal(size=(5, 2, 3))
    layer = nn.GRU(3, 4, num_layers=2, dropout=0.5, rng=0)
    assert not np.array_equal(layer(x)[0].data, layer(x)[0].data)
    layer.eval()
    np.testing.assert_array_equal(layer(x)[0].data, layer(x)[0].data)
    single = nn.GRU(3, 4, dropout=0.5, rng=0)
    np.testing.assert_array_equal(single(x)[0].data, single(x)[0].data)


@pytest.mark.parametrize("kind", KINDS)
def test_layers_start_within_their_bound(kind):
    """Uniform in ±1 / sqrt(hidden size), weights and biases, and the same for the same seed; the smallest layer too."""
    layer = getattr(nn, kind)(3, 100, num_layers=2, rng=0)
    for p in layer.parameters():
        assert 0.09 < np.abs(p.data).max() < 0.1
    again = getattr(nn, kind)(3, 100, num_layers=2, rng=0)
    np.testing.assert_array_equal(layer.weight_hh_l1.data, again.weight_hh_l1.data)
    assert getattr(nn, kind)(1, 1)(np.ones((1, 1, 1)))[0].shape == (1, 1, 1)


def test_float32_stays_float32():
    """Outputs, states and gradients have the parameters' dtype."""
    for kind in KINDS:
        layer = getattr(nn, kind)(3, 4, rng=0).astype(np.float32)
        y, _ = layer(mg.tensor(np.ones((2, 1, 3), np.float32)))
        y.sum().backward()
        assert y.dtype == np.float32
        assert all(p.grad.dtype == np.float32 for p in layer.parameters())


def test_second_derivatives_go_through_a_layer():
    """The Hessian of an LSTM's output with respect to its input is that of central differences of the gradient."""
    layer, rng = nn.LSTM(2, 3, rng=0).requires_grad_(False), np.random.default_rng(1)
    x, v = rng.normal(size=(2, 4, 2, 2))
    gradient = mg.grad(lambda x: (layer(x)[0] ** 2).sum())
    _, got = mg.jvp(gradient, (x,), (v,))
    want = (gradient(x + 1e-5 * v) - gradient(x - 1e-5 * v)) / 2e-5
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)  # of central differences


X = np.zeros((5, 2, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: nn.LSTM(3, 4)(X[0]),
            "LSTM takes sequences of shape (steps, n, 3), at least one and of at least one step",
        ),
        (lambda: nn.GRU(4, 4, batch_first=True)(X), "GRU takes sequences of shape (n, steps, 4)"),
        (lambda: nn.RNN(3, 4)(X[:0]), "of at least one step; got an array of shape (0, 2, 3)"),
        (
            lambda: nn.RNN(3, 4)(X, np.zeros((1, 4))),
            "RNN takes initial states h of shape (1, 2, 4), for (layers * directions, n, features); got (1, 4)",
        ),
        (
            lambda: nn.LSTM(3, 4)(X, np.zeros((1, 2, 4))),
            "LSTM takes initial states h and c of shape (1, 2, 4), for (layers * directions, n, features); got one "
            "array of shape (1, 2, 4). Pass a pair (h, c)",
        ),
        (lambda: nn.LSTM(3, 4)(X, [np.zeros((1, 2, 4)), np.zeros((2, 2, 4))]), "got (1, 2, 4) and (2, 2, 4)"),
        (lambda: nn.RNN(3, 4, nonlinearity="sin"), 'nonlinearity of RNN is "tanh" or "relu"; got \'sin\''),
        (lambda: nn.GRU(3, 4)(X, lengths=[1]), "GRU takes lengths of shape (2,), for the 2 sequences; got shape (1,)"),
        (
            lambda: nn.GRU(3, 4)(X, lengths=[1, 6]),
            "GRU takes lengths from 1 to 5, the number of steps; got lengths fro",
        ),
        (lambda: nn.LSTM(3, 4, proj_size=4), "proj_size of LSTM is less than hidden_size, 4; got 4"),
        (lambda: nn.LSTM(3, 4, proj_size=-1), "proj_size of LSTM is at least 0; got -1"),
        (
            lambda: nn.LSTM(3, 4, proj_size=2)(X, [np.zeros((1, 2, 4))] * 2),
            "takes initial states h and c of shape (1, 2, 2) and (1, 2, 4), for (layers * directions, n, features)",
        ),
        (
            lambda: nn.LSTMCell(3, 4)(X),
            "LSTMCell takes inputs of shape (n, 3), at least one, or (3,); got an array of shape (5, 2, 3)",
        ),
        (lambda: nn.RNNCell(3, 4)(X[0, :0]), "got an array of shape (0, 3)"),
        (
            lambda: nn.LSTMCell(3, 4)(X[0], np.zeros((2, 4))),
            "LSTMCell takes initial states h and c of shape (2, 4), for (n, features); got one array of shape (2, 4). "
            "Pass a pair (h, c)",
        ),
        (
            lambda: nn.GRUCell(3, 4)(X[0], (np.zeros((2, 4)),) * 2),
            "GRUCell takes initial states h of shape (2, 4), for (n, features); got 2 arrays, of (2, 4) and (2, 4). "
            "Pass the state h alone",
        ),
        (
            lambda: nn.GRU(3, 4)(X, [np.zeros((1, 2, 4)), np.zeros((1, 2, 5))]),
            "got 2 arrays, of (1, 2, 4) and (1, 2, 5). Pass the state h alone",
        ),
        (lambda: nn.GRUCell(3, 4)(X[0, 0], X[0]), "initial states h of shape (4,), for (features); got (2, 3)"),
        (lambda: nn.RNNCell(3, 4, nonlinearity="sin"), 'nonlinearity of RNNCell is "tanh" or "relu"; got \'sin\''),
        (lambda: nn.RNNCell(0, 4), "input_size of RNNCell is at least 1; got 0"),
        (lambda: nn.GRU(3, 0), "hidden_size of GRU is at least 1; got 0"),
        (lambda: nn.GRU(3, 4, num_layers=0), "num_layers of GRU is at least 1; got 0"),
        (lambda: nn.GRU(3, 4, dropout=2), "p is the probability of an element to be dropped, from 0 to 1; got 2"),
    ],
)
def test_misfits_are_refused(call, message):
    """With what was wanted and what came."""
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_states_may_be_lists_of_numbers():
    """For one state, and for a pair of them."""
    x, h = np.ones((2, 3)), [[0.5] * 4] * 2
    np.testing.assert_array_equal(nn.GRUCell(3, 4, rng=0)(x, h).data, nn.GRUCell(3, 4, rng=0)(x, np.array(h)).data)
    pair = nn.LSTMCell(3, 4, rng=0)(x, (h, h))
    np.testing.assert_array_equal(pair[0].data, nn.LSTMCell(3, 4, rng=0)(x, [np.array(h)] * 2)[0].data)


def test_lengths_are_integers():
    """Also what labelled data says in a column; floats are refused by name."""
    pandas = pytest.importorskip("pandas")
    layer = nn.GRU(3, 4, rng=0)
    x = np.random.default_rng(1).normal(size=(5, 2, 3))
    want, _ = layer(x, lengths=[2, 5])
    np.testing.assert_array_equal(layer(x, lengths=pandas.Series([2, 5], index=[1, 0]))[0].data, want.data)
    with pytest.raises(TypeError, match=r"GRU takes lengths, which are integers; got float64. Use x.astype\(int\)"):
        layer(x, lengths=[2.0, 5.0])
