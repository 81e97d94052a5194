"""One graph for any number of examples: exactly where the module computes the same for any."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.onnx import export

from .runtime import assert_alike, exported, onnx, results

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


def positions(x):
    """Numbers of the examples, and their squares' sum."""
    n = np.arange(len(x))
    return x + n[:, None].astype(np.float32) - 2 * n[:, None], x[n] * (2 * len(x) + 1)


@pytest.mark.parametrize(
    "module",
    [
        lambda x: x.reshape(-1),
        lambda x: x.reshape(3 * len(x), 1, 1),
        lambda x: np.broadcast_to(x[None], (2, len(x), 3)).reshape(2 * len(x), 3),
        lambda x: x[::-1] + x[-1:] + x[: len(x)] + np.roll(x, 1, 0),
        lambda x: np.concatenate([x, np.zeros((len(x) + 1, 3), np.float32)]),
        lambda x: np.sum(x, axis=0) / len(x),
        lambda x: np.mean(x) + np.var(x, axis=0, ddof=0) + np.std(x),
        lambda x: np.sort(x, axis=0)[:1] + np.cumsum(x, axis=0),
        lambda x: mg.tensordot(x, x, 0).reshape(len(x), 3, -1),
        lambda x: np.pad(x, ((1, 2), (0, 0))) * np.full((len(x) + 3, 1), 2, np.float32),
        lambda x: x * np.ones((len(x), 1), bool) + np.ones((1, 3), np.float32),
        positions,
    ],
)
def test_lengths_follow_the_batch(tmp_path, module):
    """Shapes, slices and arrays that grow with the batch are computed from it."""
    run = exported(tmp_path, module, X)
    for n in (1, 2, 3, 6):
        x = np.resize(X, (n, 3)).astype(np.float32)
        assert_alike(results(run, [x]), module(mg.tensor(x)), 2e-6)


def test_shapes_of_outputs_say_how_they_follow(tmp_path):
    """They are named by the size of the batch, or by an expression of it."""
    run = exported(tmp_path, lambda x: (x, x.T, x.reshape(-1), np.pad(x, ((0, 2), (0, 0))), x.sum()), X)
    shapes = [o.shape for o in run.get_outputs()]
    assert shapes == [["batch", 3], [3, "batch"], ["3*batch"], ["batch+2", 3], []]


DEPENDS = "is called in a way that depends on the size of the batch"


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (lambda x: x.sum(axis=0) * (1 / len(x)), f"^multiply {DEPENDS}, by a number that is 0.5, 0.33.* for .2, 3, 5"),
        (lambda x: x[: len(x) // 2], f"^getitem {DEPENDS}, by a number that is 1, 1, 2, 5.* for .2, 3, 5, 11"),
        (lambda x: x.T @ np.eye(len(x), dtype=np.float32), f"^matmul {DEPENDS}, by an array that does not grow"),
        (lambda x: x + np.arange(len(x))[:, None] ** 2, f"^add {DEPENDS}, by an array of other numbers for each"),
        (lambda x: x + (np.arange(len(x)) == 1)[:, None], f"^add {DEPENDS}, by an array of other numbers for each"),
        (lambda x: mg.where(np.array(len(x) > 2), x, 0), f"^where {DEPENDS}, by an array that does not grow"),
        (lambda x: np.tanh(x) if len(x) == 3 else np.exp(x), f"^exp {DEPENDS}, so one graph"),
        (lambda x: x * 2 if len(x) == 5 else x, f"^the result {DEPENDS}, so one graph"),
        (lambda x: [x] * len(x), f"^the result {DEPENDS}, so one graph"),
        (lambda x: x[0] if len(x) == 5 else x[:1], f"^the result {DEPENDS}, so one graph"),
        (lambda x: x * 2 if len(x) == 1 else x, f"^the result {DEPENDS}, being another for one example, so one graph"),
        (lambda x: x if len(x) > 1 else x * float(x.sum()), "^the module asks for plain numbers"),
        (lambda x: x[: len(x) ** 2 - len(x)], f"^getitem {DEPENDS}, by a number that is"),
        (lambda x: x[:8] + np.ones((len(x[:8]), 1), np.float32), f"^add {DEPENDS}, by a number that is 2, 3, 5, 8"),
        (lambda x: x / min(len(x), 100), f"^divide {DEPENDS}, by a number that is 2.0, 3.0, 5.0, 11.0, 67.0, 100.0"),
        (lambda x: x * 2 if len(x) > 1000 else x, f"^the result {DEPENDS}, so one graph"),
    ],
)
def test_what_depends_on_the_size_is_refused(tmp_path, module, message):
    """The advice works: the graph for the size of the example alone can be exported."""
    with pytest.raises(mg.ExportError, match=message) as caught:
        export(module, X, tmp_path / "model.onnx")
    if DEPENDS in message:
        assert str(caught.value).endswith("or pass dynamic_batch=False for the size of the example")
    assert list(tmp_path.iterdir()) == []
    run = exported(tmp_path, module, X, dynamic_batch=False)
    assert_alike(results(run, [X]), module(mg.tensor(X)))


def test_the_example_may_be_zeros(tmp_path):
    """Of zeros the two graphs compute the same, so the numbers of one example are others."""
    with pytest.raises(mg.ExportError, match=f"^the result {DEPENDS}, being another for one example"):
        export(lambda x: x * 2 if len(x) == 1 else x, np.zeros((1, 3), np.float32), tmp_path / "model.onnx")


def test_numbers_that_a_module_takes_are_the_only_ones_it_gets(tmp_path):
    """Where numbers between 0 and 1 are wanted, one example is that which is given."""

    def forward(x):
        if isinstance(x, np.ndarray) or len(x) > 1:
            return x.reshape(-1, 3) * 2
        seen.append(len(x))
        if len(seen) == 1:
            raise ValueError("probabilities are between 0 and 1")
        return np.exp(x)

    seen = []
    with pytest.raises(mg.ExportError, match="being another for one example"):
        export(forward, X, tmp_path / "model.onnx")
    assert seen == [1, 1]


def test_the_number_of_the_example_is_tried(tmp_path):
    """Also where it is none of those that are tried anyway."""
    x = np.zeros((600, 3), np.float32)
    with pytest.raises(mg.ExportError, match=f"^the result {DEPENDS}, so one graph"):
        export(lambda x: -x if len(x) == 600 else x, x, tmp_path / "model.onnx")


def test_many_examples_are_tried_of_small_ones(tmp_path):
    """A run of few of them says what memory one of many would take."""
    sizes = []

    def forward(x):
        sizes.append(len(x))
        return np.repeat(x, 2**18, axis=1).sum(axis=1)

    export(forward, X[:1, :1], tmp_path / "model.onnx")
    assert sizes == [2, 3, 5, 11, 1]


@pytest.mark.parametrize("module", [lambda x: x[::2] * 2, lambda x: x[1::2] - 1, lambda x: x[:8], lambda x: x[-20:]])
def test_lengths_that_only_the_graph_knows(tmp_path, module):
    """An output may have a length that is no multiple of the batch's; it is declared without one."""
    run = exported(tmp_path, module, X)
    assert not isinstance(run.get_outputs()[0].shape[0], int)
    for n in (1, 2, 9, 30):
        x = np.resize(X, (n, 3)).astype(np.float32)
        assert_alike(results(run, [x]), module(mg.tensor(x)))


def test_a_reshape_to_no_axes_for_one_example_alone(tmp_path):
    """The diagonal of matrices of one element is a reshape of all of them."""
    run = exported(tmp_path, lambda x: np.einsum("nii->n", x), np.ones((2, 1, 1), np.float32))
    for n in (1, 4):
        assert_alike(results(run, [np.arange(n, dtype=np.float32).reshape(n, 1, 1)]), np.arange(n, dtype=np.float32))


def test_one_example_may_have_another_graph_that_computes_the_same(tmp_path):
    """A way that is shorter for one example is no reason to refuse; the graph is that of several."""
    layer = nn.Bilinear(3, 3, 2, rng=0).astype(np.float32)
    run = exported(tmp_path, layer, (X, X))
    for n in (1, 4):
        assert_alike(results(run, [X[:n], X[:n]]), layer(X[:n], X[:n]))


def test_a_module_that_refuses_one_example_is_exported(tmp_path):
    """Such as one that normalises over the examples."""
    layer = nn.BatchNorm1d(3, track_running_stats=False).astype(np.float32)
    assert_alike(results(exported(tmp_path, layer, X), [X]), layer(X))


def test_axes_of_the_batch_are_given(tmp_path):
    """One for all inputs, or a tree of them; None where there are no examples."""
    x, scale = X[None], np.float32([2.0])
    run = exported(tmp_path, lambda x, s: x * s[0], (x, scale), batch_axes=(1, None))
    assert [i.shape for i in run.get_inputs()] == [[1, "batch", 3], [1]]
    assert_alike(results(run, [x, scale]), 2 * x)
    run = exported(tmp_path, lambda x: x["a"] + x["b"], {"x": {"a": x, "b": x}}, batch_axes={"x": {"a": -2, "b": 1}})
    assert [i.shape for i in run.get_inputs()] == [[1, "batch", 3]] * 2
    run = exported(tmp_path, lambda x: x[0] + x[1], [x, x], batch_axes=[1, 1])
    assert [i.shape for i in run.get_inputs()] == [[1, "batch", 3]] * 2
    run = exported(tmp_path, lambda x: 2 * x, x, batch_axes=None)
    assert [i.shape for i in run.get_inputs()] == [[1, 4, 3]]


@pytest.mark.parametrize(
    ("inputs", "axes", "message"),
    [
        (
            (X, np.float32(2)),
            0,
            "^the input input_1 of shape .. has no axis 0 for the examples of a batch. Say by batch",
        ),
        (
            (X, X[:2]),
            0,
            "^inputs have the same number of examples, at least 1, along batch_axes; got 4 in x, 2 in input_1",
        ),
        ((X[:0],), 0, "^inputs have the same number of examples, at least 1, along batch_axes; got 0 in x"),
        ((X, X), (0,), r"^batch_axes is an axis, None, or has the structure of example_inputs, .*; got \(0,\)$"),
        ((X, X), "x", "^batch_axes is an axis, None, or has the structure"),
        ((X,), True, "^batch_axes is an axis, None, or has the structure"),
        (({"a": X},), ({"b": 0},), "^batch_axes is an axis, None, or has the structure"),
    ],
)
def test_axes_that_do_not_fit(tmp_path, inputs, axes, message):
    """The error says which input has how many examples, and that None stands for none."""
    with pytest.raises(ValueError, match=message):
        export(lambda x, *more: x, inputs, tmp_path / "model.onnx", batch_axes=axes)


def test_an_error_of_the_module_says_what_it_was_called_with(tmp_path):
    """A module of a fixed number of examples fails for others, and the note says what to do, which works."""
    with pytest.raises(ValueError, match=r"cannot reshape array of size 6") as caught:
        export(lambda x: x.reshape(4, 3), X, tmp_path / "model.onnx")
    assert caught.value.__notes__ == [
        "onnx.export called the module with 2 examples, as dynamic_batch makes one graph for any number of them. See "
        "batch_axes, or pass dynamic_batch=False for a graph of as many as example_inputs has"
    ]
    run = exported(tmp_path, lambda x: x.reshape(4, 3), X, dynamic_batch=False)
    assert [i.shape for i in run.get_inputs()] == [[4, 3]]
    assert "batch" not in str(onnx.load(tmp_path / "model.onnx").graph.input)
