"""What a graph cannot say is refused by name, with a remedy that works; nothing is frozen in silence."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from minigrad.onnx import export

from .runtime import assert_alike, exported, results

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
LAYER = nn.Linear(3, 2, rng=0).astype(np.float32)
UNKNOWN = "; it is not known before the graph runs. Use mg.where"


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (lambda x: x if x.sum() > 0 else -x, f"^the module asks for the truth of an array, .*{UNKNOWN}"),
        (lambda x: x * float(x.sum()), f"^the module asks for plain numbers, as float.x., .*{UNKNOWN}"),
        (lambda x: x * int(x.sum()), "^the module asks for plain numbers"),
        (lambda x: x * complex(x.sum()), "^the module asks for plain numbers"),
        (lambda x: x * math.exp(x.sum()), "^the module asks for plain numbers"),
        (lambda x: np.asarray(x) + 1, "^the module asks for plain numbers"),
        (lambda x: x * x.sum().item(), f"^the module asks for x.item.., .*{UNKNOWN}".replace(", .*", "")),
        (lambda x: x * x[0].tolist(), f"^the module asks for x.tolist..{UNKNOWN}"),
        (lambda x: [0, 1, 2][np.argmax(x[0])] * x, f"^the module asks for an integer that stands for .*{UNKNOWN}"),
        (lambda x: np.nonzero(x)[0], "^nonzero returns a tuple, whose values or lengths are not known before the"),
        (lambda x: np.allclose(x, 0), "^allclose returns a bool, whose values"),
        (lambda x: x[x > 0], "^picking by a mask, of elements whose number is not known, has no counterpart"),
        (lambda x: x[True], "^an index of True or False has no counterpart"),
        (lambda x: np.linalg.inv(x.T @ x), "^inv has no counterpart among the operators of ONNX. Write the module"),
        (lambda x: np.packbits(x > 0), "^numpy.packbits has no counterpart among the operators of ONNX"),
        (lambda x: np.fft.fft(x), "^numpy.fft.fft has no counterpart among the operators of ONNX"),
        (lambda x: np.argsort(x, order="a"), "order"),
        (lambda x: np.sum(x, where=[True, False, True]), "^sum with where= has no counterpart among the operators"),
        (lambda x: np.ravel(x.T, "K"), "^the order of elements in memory, order='A' or 'K', is not known in a graph"),
        (lambda x: F.dropout(x, 0.5), "^the module draws random numbers, and a graph would hold those of this run"),
        (lambda x: mg.sample(0, "normal", size=3) * x, "^the module draws random numbers"),
        (lambda x: F.one_hot(x.astype(int)), "^what is exported keeps to the rules of vmap: one_hot takes num_cl"),
    ],
)
def test_what_values_decide_is_refused(tmp_path, module, message):
    """A number taken out of the graph would be that of the example for good."""
    with pytest.raises((mg.ExportError, ValueError) if message == "order" else mg.ExportError, match=message):
        export(module, X, tmp_path / "model.onnx", dynamic_batch=False)
    assert list(tmp_path.iterdir()) == []


def test_the_remedies_work(tmp_path):
    """np.where in place of a branch, NumPy's functions in place of math's, and a number of classes that is given."""

    def forward(x):
        y = mg.where(x.sum() > 0, x, -x) * np.exp(x.sum())
        return y + F.one_hot(np.argmax(x, axis=1), 3) + np.sum(mg.where([True, False, True], x, 0))

    assert_alike(results(exported(tmp_path, forward, X), [X]), forward(mg.tensor(X)), 2e-6)


def mutated(x):
    """Of arrays from outside that change between the calls."""
    mask = np.zeros(3, np.float32)
    mask[0] = 1
    y = x * mask
    mask[1:] = 2
    buffer = mg.zeros((len(x), 4), dtype=np.float32)
    buffer[:, 1:] = y + x * mask
    buffer[:, ::2] = 2 * buffer[:, 1::2]
    buffer[0] = 5
    buffer += 1
    return buffer


@pytest.mark.parametrize(
    "module",
    [
        mutated,
        mg.compile(lambda x: x * 2 + 1),
        mg.checkpoint(LAYER),
        lambda x: mg.grad(lambda v: (LAYER(v) ** 2).sum())(x),
        lambda x: mg.jvp(lambda v: np.tanh(v), (x,), (x,))[1],
        lambda x: mg.vmap(lambda v: LAYER(v) + v[0])(x),
        lambda x: x.detach() + mg.asarray(x).copy(),
        lambda x: np.asarray([1, 2, 3], np.float32) - x,
        lambda x: (x + np.zeros_like(x) + np.shape(x)[1]) if repr(x) else x,
    ],
    ids=["in place", "compile", "checkpoint", "grad", "jvp", "vmap", "detach", "ndarray", "questions"],
)
def test_it_goes_with_everything_else(tmp_path, module):
    """Changes in place, compiled and checkpointed functions and transformations are as without an export."""
    run = exported(tmp_path, module, X, input_names=["x"])
    for n in (1, 4):
        assert_alike(results(run, [X[:n]]), module(mg.tensor(X[:n])))


@mg.primitive(lambda g, y, x: g * (1 - y * y))
def squashed(x):
    return (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1)


def test_operations_of_ones_own_are_exported_by_their_definition(tmp_path):
    """Their rules are for derivatives; what they compute with NumPy's functions is in the graph."""
    assert_alike(results(exported(tmp_path, lambda x: squashed(x) * 2, X), [X]), 2 * np.tanh(X))


def test_an_array_of_the_graph_is_shown_without_values(tmp_path):
    """Its shape and dtype are what is known."""
    shown = []
    export(lambda x: shown.append(repr(x)) or x, X, tmp_path / "model.onnx", dynamic_batch=False)
    assert shown == ["Traced(shape (4, 3), dtype float32)"]


def test_what_no_output_needs_is_left_out(tmp_path):
    """Checks of values, and operations without a counterpart, do no harm where nothing depends on them."""
    run = exported(tmp_path, lambda x: (np.linalg.inv(x.T @ x), F.embedding((x > 0).astype(int), X))[1], X)
    assert_alike(results(run, [X]), X[(X > 0).astype(int)])
