"""Translations where an operator of ONNX is another function than NumPy's, or takes other arguments."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from minigrad.nn.recurrent import lstm, rnn
from minigrad.onnx import export
from minigrad.rules.indexing import take_at

pytest.importorskip("onnx", reason="takes the library onnx")
from onnx.reference import ReferenceEvaluator

from .runtime import assert_alike, exported, kinds, onnx, results

X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
SPECIAL = np.array([0.0, -0.0, 1.5, -2.5, np.inf, -np.inf, np.nan, 1e-9, -30, 90, 1e30, 0.5], np.float32)
N, MASK = np.arange(24, dtype=np.int8).reshape(2, 3, 4) - 7, X > 0
SQUARES = np.array([[3.0, -1], [2, 0.5]], np.float32)


def written(index, v):
    def write(x):
        y = x + 0
        y[index] = v(x) if callable(v) else v
        return y

    return write


@pytest.mark.parametrize(
    "function",
    [
        *(np.sign, np.floor, np.ceil, np.rint, np.trunc, np.abs, np.isnan, np.isinf, np.isfinite, np.isposinf),
        *(np.isneginf, np.nan_to_num, mg.sigmoid, np.tanh, np.exp, np.exp2, np.expm1, np.cbrt, F.relu, F.softplus),
        *(np.reciprocal, np.square, F.log_sigmoid, F.hardswish, np.arctan, np.signbit),
        *(lambda x: np.maximum(x, 0), lambda x: np.minimum(0, x), lambda x: np.clip(x, -1, 1)),
        *(lambda x: np.hypot(x, x), lambda x: np.arctan2(x, 1.0), lambda x: np.arctan2(1.0, x)),
        *(lambda x: np.copysign(2.0, x), lambda x: np.logaddexp(x, x), lambda x: np.logaddexp(x, -np.inf)),
        *(lambda x: np.log1p(np.maximum(x, -1)), lambda x: np.sqrt(np.abs(x)), lambda x: np.fmax(x, 0)),
        *(lambda x: np.log(np.abs(x)), lambda x: np.log2(np.abs(x)), lambda x: mg.xlogy(0.0, x), np.sinc),
    ],
    ids=lambda f: f.__name__,
)
def test_special_numbers(tmp_path, function):
    """Infinities, NaN, both zeros and numbers near the ends of the range are as in NumPy."""
    x = SPECIAL if function is not np.sinc else SPECIAL[np.isfinite(SPECIAL)]
    run = exported(tmp_path, function, x, dynamic_batch=False, input_names=["x"])
    with np.errstate(all="ignore"), mg.no_grad():
        want = function(mg.tensor(x))
    np.testing.assert_allclose(results(run, [x])[0], want.numpy(), rtol=2e-6, atol=1e-12)


@pytest.mark.parametrize(
    "function",
    [
        lambda n: (n == 3, n != 3, n < 2, n >= n[0], ~n, n & 6, n | 6, n ^ 6, n > np.int64(4)),
        lambda n: (n.astype(int) // 3, n.astype(int) % -3, np.floor_divide(n.astype(np.float32), 0.7), n / 2),
        lambda n: (np.sum(n), np.mean(n, axis=0), np.max(n, axis=1), np.min(n), np.prod(n.astype(float) / 9)),
        lambda n: (np.argmax(n), np.argmin(n, axis=1), np.argmax(n, keepdims=True), np.count_nonzero(n, axis=1)),
        lambda n: (np.any(n > 3, axis=1), np.all(n > -9), np.sort(n.astype(np.int32), axis=None), np.var(n, axis=1)),
        lambda n: (n * True, np.isnan(n), np.exp(n), np.round(n / 7, 1), np.logical_xor(n, 1), n.astype(bool)),
        lambda n: (np.linalg.norm(n.astype(int)), np.floor_divide(-7, n[n.shape[0] // 2 - 1].astype(int) * 2 + 1)),
    ],
)
def test_integers(tmp_path, function):
    """They are promoted as in NumPy, and divided towards minus infinity."""
    run = exported(tmp_path, function, N, dynamic_batch=False)
    with np.errstate(over="ignore"):
        assert_alike(results(run, [N]), function(mg.tensor(N)))


@pytest.mark.parametrize(
    "function",
    [
        lambda m: (m & m[0], m | m[:1], m ^ True, ~m, m + m, m * m, np.maximum(m, m), np.minimum(m, ~m)),
        lambda m: (m == True, m != m, m < 1, np.logical_not(m), np.where(m, 1, 0), np.triu(m), np.tril(m, -1)),  # noqa: E712
        lambda m: (m.sum(), m.any(axis=0), m.all(), m.max(axis=1), m.astype(np.float32), np.argmax(m, axis=2)),
    ],
)
def test_booleans(tmp_path, function):
    """They are added and multiplied as by `or` and `and`, and counted as integers."""
    run = exported(tmp_path, function, MASK, dynamic_batch=False)
    assert_alike(results(run, [MASK]), function(mg.tensor(MASK)))


@pytest.mark.parametrize(
    "function",
    [
        *(written((0, slice(None), 1), 5.0), written((..., slice(1, 3)), 0), written(1, lambda x: x[0])),
        *(written((slice(None), slice(None, None, 2)), lambda x: x[:, 1:]), written((slice(None, None, -1), 0), 3)),
        *(written((slice(None), None, 1), lambda x: x[:, None, 0]), written([0, 1], lambda x: x[::-1])),
        *(written((slice(None), [2, 0]), lambda x: x[:, :2]), written((slice(None), 1, [0, 3]), 2), written([], 1)),
        *(written(MASK, 7), written(MASK[:, :, 0], 7), written(MASK, np.arange(MASK.sum())), written((), 1)),
        *(
            lambda x: np.where(x > 0, x, 0) + written(np.zeros((2, 3), bool), 1)(x),
            written((-1, -1), np.array([[1, 2, 3, 4]])),
        ),
        *(lambda x: x[[1, 0], :, [2, 3]], lambda x: x[:, None, [2, 0, 0]], lambda x: x[..., -1:, 0, None]),
        *(lambda x: x[:, [[0], [1]], [1, 2]], lambda x: x[MASK], lambda x: x[:, MASK[0]], lambda x: x[0, [1], :1]),
        *(lambda x: mg.index_add(x, (slice(None), [0, 0, 2]), x), lambda x: np.take(x, [5, -1])),
        *(
            lambda x: np.take_along_axis(x, np.argsort(x, axis=2), 2),
            lambda x: np.take(x, [-9, 5], 1, mode="wrap"),
            lambda x: np.take(x, 99, mode="clip"),
            lambda x: np.take_along_axis(x, np.array([5, -1]), None),
        ),
        *(lambda x: np.take_along_axis(x, np.array([[[1]], [[0]]]), 1), lambda x: np.argsort(x, axis=None)),
    ],
)
def test_indices(tmp_path, function):
    """Reading and writing by numbers, slices with steps, new axes, positions, masks, and those mixed."""
    run = exported(tmp_path, function, X, dynamic_batch=False, input_names=["x"])
    assert_alike(results(run, [X]), function(mg.tensor(X)))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (written((slice(1, 2), [0]), 1), r"^x.index. = v by positions beside slices of a part has no counterpart"),
        (lambda x: written(x > -9, lambda x: x.reshape(-1))(x), r"^x.mask. = v of several numbers has no"),
        (lambda x: np.pad(x, 1, constant_values=(1, 2)), "^pad with several constants has no counterpart"),
        (lambda x: np.left_shift(x.astype(int), 1), "^left_shift has no counterpart"),
    ],
)
def test_what_is_refused_in_part(tmp_path, function, message):
    """A case of a function without a counterpart is named."""
    with pytest.raises(mg.ExportError, match=message):
        export(function, X, tmp_path / "model.onnx", dynamic_batch=False)


def test_windows_beyond_the_end(tmp_path):
    """With distances between its elements, a window may reach over the end by more than it is wide."""
    x = X.reshape(2, 1, 12)
    run = exported(tmp_path, lambda x: F.max_pool1d(x, 2, 5, dilation=4, ceil_mode=True), x)
    assert_alike(results(run, [x]), F.max_pool1d(x, 2, 5, dilation=4, ceil_mode=True))
    assert "Pad" in kinds(tmp_path / "model.onnx")


def test_a_transposed_convolution_may_reach_less_far(tmp_path):
    """Output padding up to the distance between elements of the kernel, which runtimes refuse, is added as zeros."""
    layer = nn.ConvTranspose1d(1, 2, 2, dilation=3, output_padding=2, rng=0).astype(np.float32)
    x = X.reshape(2, 1, 12)
    assert_alike(results(exported(tmp_path, layer, x), [x]), layer(x))


def test_what_is_added_to_a_convolution(tmp_path):
    """A number for each channel is its bias; anything else of the same size is added."""
    layer = nn.Conv1d(1, 3, 2, rng=0).astype(np.float32)
    other = nn.Parameter(np.float32([1, 2, 3]))
    x = X.reshape(6, 1, 4)

    def forward(x):
        y = layer(x)
        return y + F.conv1d(x, layer.weight) + other.reshape(1, 1, 3)

    assert_alike(results(exported(tmp_path, forward, x), [x]), forward(x))
    assert kinds(tmp_path / "model.onnx") == ["Conv", "Conv", "Add", "Add", "Identity"]


def test_softmax_over_several_axes(tmp_path):
    """Those are made one for a while."""
    function = lambda x: (mg.softmax(x, (0, 2)), mg.log_softmax(x, axis=None), mg.softmax(x, axis=-2))
    assert_alike(results(exported(tmp_path, function, X, dynamic_batch=False), [X]), function(mg.tensor(X)))


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: nn.LSTM(4, 5, proj_size=2, rng=0), "LSTM"),
        (lambda: nn.LSTM(4, 5, 2, bidirectional=True, batch_first=True, rng=0), "LSTM"),
        (lambda: nn.GRU(4, 5, 2, bidirectional=True, rng=0), "GRU"),
        (lambda: nn.GRU(4, 5, bias=False, rng=0), "GRU"),
        (lambda: nn.RNN(4, 5, nonlinearity="relu", bias=False, rng=0), "RNN"),
    ],
)
def test_recurrent_networks_are_operators(tmp_path, make, kind):
    """One operator for each layer and direction, and for other numbers of sequences as well."""
    layer = make().astype(np.float32)
    axis = 0 if layer.batch_first else 1
    run = exported(tmp_path, layer, X, batch_axes=axis)
    assert kinds(tmp_path / "model.onnx").count(kind) == layer.num_layers * (1 + layer.bidirectional)
    for n in (1, 2):
        x = np.take(X, range(n), axis)
        assert_alike(results(run, [x]), layer(x))


def test_weights_of_recurrent_networks_keep_their_names(tmp_path):
    """With the operator's, as their gates are in its order."""
    export(nn.LSTM(4, 5, rng=0), X, tmp_path / "model.onnx", batch_axes=1)
    names = {constant.name for constant in onnx.load(tmp_path / "model.onnx").graph.initializer}
    assert names >= {"weight_ih_l0.lstm", "weight_hh_l0.lstm"}


def test_states_that_are_known_and_of_several_dtypes(tmp_path):
    """An initial state that is a constant, and a sequence of another precision than the weights."""
    layer, h = nn.GRU(4, 5, rng=0).astype(np.float32), np.full((1, 3, 5), 0.5, np.float32)
    run = exported(tmp_path, lambda x: layer(x, h), X, dynamic_batch=False)
    assert_alike(results(run, [X]), layer(X, h))
    export(layer, X.astype(float), tmp_path / "model.onnx", batch_axes=1)
    got = ReferenceEvaluator(str(tmp_path / "model.onnx")).run(None, {"x": X.astype(float)})
    assert_alike(got, layer(X.astype(float)))


def test_all_states_of_a_network(tmp_path):
    """Of a simple network any can be read; of long short-term memory those that ONNX has."""
    w, b, h = np.eye(3, dtype=np.float32) / 2, np.zeros(3, np.float32), np.ones((3, 4), np.float32)
    function = lambda p: (rnn.rnn([p, w, b, h])[1], rnn.rnn([p, w, b, h])[0, 1:])
    assert_alike(results(exported(tmp_path, function, X, dynamic_batch=False), [X]), function(mg.tensor(X)))
    w, b, h = np.ones((4, 1), np.float32), np.zeros(4, np.float32), np.ones((1, 3), np.float32)
    with pytest.raises(mg.ExportError, match="^lstm but for its output and the last states has no counterpart"):
        export(lambda p: lstm.lstm([p, w, b, h, h])[1], np.swapaxes(X, 1, 2), tmp_path / "a", dynamic_batch=False)


def test_labels_of_known_scores(tmp_path):
    """Positions that the graph makes, in an array from outside."""
    scores, labels = np.log(np.float32([[0.2, 0.8], [0.5, 0.5], [0.1, 0.9]])), np.array([1, 0, 1])
    function = lambda labels: F.nll_loss(scores, labels, reduction="none")
    run = exported(tmp_path, function, labels, dynamic_batch=False)
    assert_alike(results(run, [labels]), function(labels))
    run = exported(tmp_path, lambda i: take_at(scores, (i, i)), labels, dynamic_batch=False)
    assert_alike(results(run, [labels]), scores[labels, labels])


def test_labels_of_which_some_rows_have_more(tmp_path):
    """How many there are in the example does not stay in the graph."""
    scores, few, more = X[0], np.array([[0, -1, 1, 1], [2, -1, 0, 0], [-1, 0, 0, 0]]), np.array([[0, 3, 1, -1]] * 3)
    run = exported(tmp_path, F.multilabel_margin_loss, (scores, few), dynamic_batch=False)
    assert_alike(results(run, [scores, more]), F.multilabel_margin_loss(scores, more))


def test_the_largest(tmp_path):
    """Their values and positions, the larger first."""
    function = lambda x: mg.topk(x, 2, axis=1)
    assert_alike(results(exported(tmp_path, function, X), [X]), function(mg.tensor(X)))


def test_half_precision(tmp_path):
    """A float16 network is computed in float32 where minigrad does that."""
    layer = nn.Sequential(nn.Linear(4, 3, rng=0), nn.Softmax(), nn.LayerNorm(3)).astype(np.float16)
    x = X[0].astype(np.float16)
    assert_alike(results(exported(tmp_path, layer, x), [x]), layer(x), 2e-3)
