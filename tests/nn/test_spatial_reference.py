"""Functions of images agree with PyTorch's: values, gradients, and second derivatives in both modes."""

import json

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F

from .make_layers_reference import drawn, products
from .make_spatial_reference import CASES, FILE, weighed

REFERENCES = json.loads(FILE.read_text())


def label(case):
    return (
        f"{case['name']}({', '.join([*map(str, case['shapes']), *(f'{k}={v}' for k, v in case['options'].items())])})"
    )


def close(got, want):
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[label(case)[:100] for case in CASES])
def test_function_agrees_with_pytorch(number):
    """The shape and values, gradients, and their derivatives by forward and by reverse mode, to 1e-10."""
    case, want = CASES[number], REFERENCES[number]
    name, shapes = case["name"], case["shapes"]
    inputs = tuple(drawn(f"input {i}", shape) for i, shape in enumerate(shapes))
    along = tuple(drawn(f"direction {i}", shape) for i, shape in enumerate(shapes))
    everywhere = tuple(range(len(shapes)))

    def called(*arrays):
        y = getattr(F, name)(*arrays, **case["options"])
        return y[0] if isinstance(y, tuple) else y

    def gradients(*arrays):
        return mg.grad(lambda *a: mg.sum(mg.tanh(y := called(*a)) * weighed(name, y)), argnums=everywhere)(*arrays)

    y = called(*inputs)
    assert list(y.shape) == want["shape"]
    close(products(y, "output"), want["output"])
    first, forward = mg.jvp(gradients, inputs, along)
    _, pull_back = mg.vjp(gradients, *inputs)
    for i, parts in enumerate(zip(first, forward, pull_back(along), strict=True)):
        close(products(parts[0], f"first {i}"), want["first"][i])
        close(products(parts[1], f"second {i}"), want["second"][i])
        close(products(parts[2], f"second {i}"), want["second"][i])
    if want["indices"]:
        _, indices = getattr(F, name)(*inputs, **case["options"])
        assert indices.dtype == np.int64
        assert indices.reshape(-1).tolist() == want["indices"][0]


@pytest.mark.parametrize("number", range(len(CASES)), ids=[label(case)[:100] for case in CASES])
def test_a_checkpoint_and_single_precision_change_little(number):
    """A checkpointed call has the very gradients of one that is not; float32 stays float32, and near."""
    case = CASES[number]
    inputs = [drawn(f"input {i}", shape) for i, shape in enumerate(case["shapes"])]

    def called(*arrays):
        y = getattr(F, case["name"])(*arrays, **case["options"])
        return y[0] if isinstance(y, tuple) else y

    y, pull_back = mg.vjp(called, *inputs)
    g = weighed("checkpoint", y)
    again = mg.vjp(mg.checkpoint(called), *inputs)[1](g)
    single, pull_back_single = mg.vjp(called, *(x.astype(np.float32) for x in inputs))
    assert single.dtype == np.float32
    for want, got, near in zip(pull_back(g), again, pull_back_single(g.astype(np.float32)), strict=True):
        np.testing.assert_array_equal(got, want)
        assert near.dtype == np.float32
        np.testing.assert_allclose(near, want, atol=2e-5 * np.abs(want).max())


def test_every_case_has_a_reference():
    """The file is of these cases."""
    assert len(CASES) == len(REFERENCES)
