"""Layers of sequences agree with PyTorch's: outputs, and derivatives of first and second order, from the same state."""

import json

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

from .make_layers_reference import PRODUCTS, as_arrays, drawn, leaves, products
from .make_sequences_reference import CASES, FILE, arguments, made
from .test_layers_reference import check_way_back, close, label

REFERENCES = json.loads(FILE.read_text())


class Function(nn.Module):
    """A function as a layer without parameters."""

    def __init__(self, function):
        self.forward = function


@pytest.mark.parametrize("number", range(len(CASES)), ids=[label(case) for case in CASES])
def test_layer_agrees_with_pytorch_to_second_order(number):
    """Outputs, gradients, and gradients of a sum of gradients, of all inputs and parameters, are PyTorch's to 1e-10."""
    case, want = CASES[number], REFERENCES[number]
    layer, shapes = made(nn, case) or Function(getattr(nn.functional, case["name"])), want["state"]
    state = layer.from_torch({name: drawn(name, shape) for name, shape in shapes.items()})
    layer.load_state_dict(state)
    check_way_back(layer, {name: drawn(name, shape) for name, shape in shapes.items()})
    inputs = [drawn(f"input {i}", shape) for i, shape in enumerate(case["inputs"])]

    def outputs(inputs, state):
        call = as_arrays(case["call"], np.asarray)
        return leaves(nn.functional_call(layer, state, *arguments(case, inputs), **call))

    def loss(inputs, state):
        return sum(np.sum(y * drawn(f"cotangent {i}", y.shape)) for i, y in enumerate(outputs(inputs, state)))

    of_inputs = [drawn(f"direction {i}", x.shape) for i, x in enumerate(inputs)]
    of_state = layer.from_torch(
        {name: drawn(f"direction {i}", shape) for i, (name, shape) in enumerate(shapes.items(), len(inputs))}
    )

    def along(inputs, state):
        gx, gs = mg.grad(loss, argnums=(0, 1))(inputs, state)
        return sum(np.sum(g * d) for g, d in zip(gx, of_inputs, strict=True)) + sum(
            np.sum(gs[name] * d) for name, d in of_state.items()
        )

    close([products(y.data, f"output {i}") for i, y in enumerate(outputs(inputs, state))], want["outputs"])
    for function, wanted in ((loss, want["firsts"]), (along, want["seconds"])):
        gx, gs = mg.grad(function, argnums=(0, 1))(inputs, state)
        got = [products(g, f"input {i}") for i, g in enumerate(gx)]
        for name, shape in shapes.items():
            given = [layer.from_torch({name: drawn(f"{name} {i}", shape)}) for i in range(PRODUCTS)]
            got.append([sum(np.sum(gs[own] * x) for own, x in part.items()) for part in given])
        close(got, wanted)
    assert set(of_state) == {name for name, _ in layer.named_parameters()}


def test_every_case_has_a_reference():
    """The file is of these cases."""
    assert len(CASES) == len(REFERENCES)
