"""Recurrent networks: the operators of ONNX, whose gates come in another order; step by step where sequences rest.

The functions of `nn.recurrent` take what each step gets from its input, of shape (steps, gates * features, n), and
return the states of all steps, the initial one first; the operators multiply the input by its weight themselves.
"""

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from ...core.primitive import REGISTRY
from ...nn.recurrent import base, gru, lstm, rnn
from ..graph import Graph, is_constant
from ..trace import Traced, TracedCall, TracedValue
from .table import arguments, primitive_of, rewrites, translates

# The places of ONNX's gates among those of nn.recurrent: input, output, forget, cell; update, reset, new.
GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}


@translates(base.of_input)
def of_input(graph: Graph, call: TracedCall) -> str:
    """What each step gets from its input."""
    w, x = (graph.name(v, call.value.dtype) for v in call.args)
    return graph("MatMul", w, graph.permuted(x, (0, 2, 1)))


def written_out(function: Callable[..., Any]) -> None:
    """Write a network step by step if some sequences rest, or weights are no constants."""
    definition = primitive_of(function).function

    def written(*args: Any, **kwargs: Any) -> Any:
        given = signature(definition).bind(*args, **kwargs).arguments
        given.pop("run", None)
        if given.get("alive") is None and not any(isinstance(x, Traced) for x in given["arrays"][1:3]):
            return NotImplemented
        return definition(**given)

    rewrites(function)(written)


for network in (lstm.lstm, gru.gru, rnn.rnn):
    written_out(network)


@translates(lstm.lstm)
def of_lstm(graph: Graph, call: TracedCall) -> None:
    """Long short-term memory, of which ONNX returns c after the last step only."""
    y, last, cell = operator(graph, call, "LSTM", 3)
    graph.states[id(call.value)] = [(every(graph, y), final(graph, last)), ("", final(graph, cell))]


@translates(gru.gru)
def of_gru(graph: Graph, call: TracedCall) -> str:
    """Gated recurrent units, with the reset gate after the product."""
    return all_states(graph, call, *operator(graph, call, "GRU", 2, linear_before_reset=1))


@translates(rnn.rnn)
def of_rnn(graph: Graph, call: TracedCall) -> str:
    """The simple network."""
    relu, _ = arguments(call, relu=False, alive=None)
    return all_states(graph, call, *operator(graph, call, "RNN", 2, activations=["Relu" if relu else "Tanh"]))


def operator(graph: Graph, call: TracedCall, kind: str, results: int, **attributes: Any) -> list[str]:
    """The operator of a network: from its input, the weights and biases in ONNX's order, and the initial states."""
    (p, w, b, *starts), dtype = call.args[0], call.value.dtype
    x, weight, shift = input_of(graph, p, dtype, kind)
    biases = [np.zeros_like(b) if shift is None else shift, b]
    bias = graph.constant(np.concatenate([by_gate(v, kind) for v in biases]).astype(dtype)[None])
    given = [x, weight, gates_in_order(graph, w, dtype, kind), bias, "", *(start(graph, h, dtype) for h in starts)]
    while not given[-1]:
        given.pop()
    return graph.several(kind, results, *given, hidden_size=w.shape[1], **attributes)


def input_of(graph: Graph, p: TracedValue, dtype: Any, kind: str) -> tuple[str, str, Any]:
    """The input of the steps, its weight and its bias, if any; for another sum, that with a weight of 1."""
    call, shift = p.call, None
    if call and call.primitive is REGISTRY[np.add]:
        a, b = call.args
        if isinstance(a, TracedValue) and is_constant(b) and np.shape(b) == (p.shape[1], 1):
            call, shift = a.call, b[:, 0]
    if call and call.primitive is primitive_of(base.of_input) and is_constant(call.args[0]):
        weight, x = call.args
        return graph.name(x, dtype), gates_in_order(graph, weight, dtype, kind), shift
    return graph.permuted(graph.name(p, dtype), (0, 2, 1)), gates_in_order(graph, np.eye(p.shape[1]), dtype, kind), None


def gates_in_order(graph: Graph, weight: Any, dtype: Any, kind: str) -> str:
    """A weight with its gates in ONNX's order, (1, gates * features, columns)."""
    name = graph.known.get(id(weight))
    return graph.constant(by_gate(weight, kind).astype(dtype)[None], name and f"{name}.{kind.lower()}")


def by_gate(array: Any, kind: str) -> Any:
    """An array with its gates in ONNX's order."""
    order = GATES[kind]
    return array.reshape(len(order), -1, *array.shape[1:])[[*order]].reshape(array.shape)


def start(graph: Graph, h: Any, dtype: Any) -> str:
    """An initial state, (1, n, features); "" for zeros."""
    if is_constant(h):
        return graph.constant(np.ascontiguousarray(h.T)[None].astype(dtype)) if np.any(h) else ""
    return graph("Unsqueeze", graph.permuted(graph.name(h, dtype), (1, 0)), graph.ints([0]))


def every(graph: Graph, y: str) -> str:
    """The states of all steps but the initial one, (steps, features, n)."""
    return graph("Transpose", graph("Squeeze", y, graph.ints([1])), perm=[0, 2, 1])


def final(graph: Graph, last: str) -> str:
    """The last state, (features, n)."""
    return graph("Transpose", graph("Squeeze", last, graph.ints([0])), perm=[1, 0])


def all_states(graph: Graph, call: TracedCall, y: str, last: str) -> str:
    """All states, for what is read of them otherwise than as all after the first or as the last."""
    steps = every(graph, y)
    graph.unstacked[id(call.value)] = [(steps, final(graph, last))]
    first = graph.name(call.args[0][3], call.value.dtype)
    return graph("Concat", graph("Unsqueeze", first, graph.ints([0])), steps, axis=0)
