"""Layers agree with PyTorch's: outputs, and gradients of inputs and parameters, from the same state."""

import json

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

from .make_layers_reference import CASES, FILE, PRODUCTS, arguments, as_arrays, drawn, leaves, products

REFERENCES = json.loads(FILE.read_text())


def label(case):
    parts = [*map(str, case["args"]), *(f"{k}={v}" for k, v in {**case["options"], **case["call"]}.items())]
    return f"{case['name']}({', '.join(parts)})"[:80]


def close(got, want):
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10)


def check_way_back(layer, state):
    """`to_torch` of a layer is a state of PyTorch's that was loaded, but for counts of batches without a use."""
    back = layer.to_torch()
    assert set(state) - set(back) <= {"num_batches_tracked"}
    for name, x in back.items():
        np.testing.assert_array_equal(x, state[name], strict=True)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[label(case) for case in CASES])
def test_layer_agrees_with_pytorch(number):
    """Outputs, and gradients of inputs and parameters, are PyTorch's to 1e-10."""
    case, want = CASES[number], REFERENCES[number]
    inputs = [mg.tensor(drawn(f"input {i}", shape), requires_grad=True) for i, shape in enumerate(case["inputs"])]
    if hasattr(nn, case["name"]):
        layer = getattr(nn, case["name"])(*case["args"], **case["options"])
        state = {name: drawn(name, shape) for name, shape in want["state"].items()}
        layer.load_state_dict(layer.from_torch(state))
        check_way_back(layer, state)
        params = dict(layer.named_parameters())
    else:
        layer, params = getattr(nn.functional, case["name"]), {}
    seen = set()
    outputs = leaves(layer(*arguments(case, inputs), **as_arrays(case["call"], np.asarray)))
    sum(mg.sum(y * drawn(f"cotangent {i}", y.shape)) for i, y in enumerate(outputs)).backward()
    close([products(y.data, f"output {i}") for i, y in enumerate(outputs)], want["outputs"])
    close([products(x.grad.data, f"input {i}") for i, x in enumerate(inputs)], want["inputs"])
    for name, wanted in want["gradients"].items():
        for i in range(PRODUCTS):
            given = layer.from_torch({name: drawn(f"{name} {i}", want["state"][name])})
            close(sum(np.sum(params[own].grad.data * x) for own, x in given.items()), wanted[i])
            seen |= set(given)
    assert seen == set(params)


def test_every_case_has_a_reference():
    """The file is of these cases."""
    assert len(CASES) == len(REFERENCES)
