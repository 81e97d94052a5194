"""Recurrent networks: the operators of ONNX, whose gates come in another order; step by step where sequences rest.

The functions of `nn.recurrent` take what each step gets from its input, of shape (steps, gates * features, n), and
return the states of all steps, the initial one first; the operators multiply the input by its weight themselves.
"""

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from ...core.door import unwrap
from ...core.primitive import REGISTRY
from ...nn.recurrent import base, gru, lstm, rnn
from ..graph import Graph, is_constant
from ..trace import Traced, TracedCall, Value
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
    p, w, b, h, c = call.args[0]
    x, weight, _ = input_of(graph, p, "LSTM")
    given = [x, weight, *state_weights(graph, w, b, None, "LSTM"), "", start(graph, h), start(graph, c)]
    y, last, cell = graph.several("LSTM", 3, *trimmed(given), hidden_size=len(w.T))
    graph.states[id(call.value)] = [(every(graph, y), final(graph, last)), ("", final(graph, cell))]


@translates(gru.gru)
def of_gru(graph: Graph, call: TracedCall) -> str:
    """Gated recurrent units, with the reset gate after the product."""
    p, w, b, h = call.args[0]
    x, weight, shift = input_of(graph, p, "GRU")
    given = [x, weight, *state_weights(graph, w, b, shift, "GRU"), "", start(graph, h)]
    names = graph.several("GRU", 2, *trimmed(given), hidden_size=len(w.T), linear_before_reset=1)
    return all_states(graph, call, h, *names)


@translates(rnn.rnn)
def of_rnn(graph: Graph, call: TracedCall) -> str:
    """The simple network."""
    p, w, b, h = call.args[0]
    relu, _ = arguments(call, relu=False, alive=None)
    x, weight, _ = input_of(graph, p, "RNN")
    given = [x, weight, *state_weights(graph, w, b, None, "RNN"), "", start(graph, h)]
    names = graph.several("RNN", 2, *trimmed(given), hidden_size=len(w.T), activations=["Relu" if relu else "Tanh"])
    return all_states(graph, call, h, *names)


def input_of(graph: Graph, p: Value, kind: str) -> tuple[str, str, Any]:
    """The input of the steps, its weight and its bias, if any; for another sum, that with a weight of 1."""
    call, shift = p.call, None
    if call and call.primitive is REGISTRY[np.add]:
        a, b = call.args
        if isinstance(a, Value) and is_constant(b) and np.shape(unwrap(b)) == (p.shape[1], 1):
            call, shift = a.call, unwrap(b)[:, 0]
    if call and call.primitive is primitive_of(base.of_input) and is_constant(call.args[0]):
        weight, x = call.args
        return graph.name(x, p.dtype), in_order(graph, weight, p.dtype, kind), shift
    return graph.permuted(p, (0, 2, 1)), in_order(graph, np.eye(p.shape[1]), p.dtype, kind), None


def in_order(graph: Graph, weight: Any, dtype: Any, kind: str) -> str:
    """A weight with its gates in ONNX's order, (1, gates * features, columns)."""
    name = graph.known.get(id(weight))
    ordered = by_gate(unwrap(weight), kind).astype(dtype)[None]
    return graph.constant(ordered, name and f"{name}.{kind.lower()}")


def by_gate(array: Any, kind: str) -> Any:
    """An array with its gates in ONNX's order."""
    order = GATES[kind]
    return array.reshape(len(order), -1, *array.shape[1:])[[*order]].reshape(array.shape)


def state_weights(graph: Graph, w: Any, b: Any, shift: Any, kind: str) -> tuple[str, str]:
    """The weight of the state, and both biases as one vector."""
    bias = by_gate(unwrap(b), kind)
    first = np.zeros_like(bias) if shift is None else by_gate(shift, kind).astype(bias.dtype)
    return in_order(graph, w, w.dtype, kind), graph.constant(np.concatenate([first, bias])[None])


def start(graph: Graph, h: Any) -> str:
    """An initial state, (1, n, features); "" for zeros."""
    if is_constant(h):
        values = unwrap(h)
        return graph.constant(np.ascontiguousarray(values.T)[None]) if np.any(values) else ""
    return graph("Unsqueeze", graph.permuted(h, (1, 0)), graph.ints([0]))


def trimmed(names: list[str]) -> list[str]:
    """Names without those at the end that are left out."""
    while not names[-1]:
        names = names[:-1]
    return names


def every(graph: Graph, y: str) -> str:
    """The states of all steps but the initial one, (steps, features, n)."""
    return graph("Transpose", graph("Squeeze", y, graph.ints([1])), perm=[0, 2, 1])


def final(graph: Graph, last: str) -> str:
    """The last state, (features, n)."""
    return graph("Transpose", graph("Squeeze", last, graph.ints([0])), perm=[1, 0])


def all_states(graph: Graph, call: TracedCall, h: Any, y: str, last: str) -> str:
    """All states, for what is read of them otherwise than as all after the first or as the last."""
    steps = every(graph, y)
    graph.states[id(call.value)] = [(steps, final(graph, last))]
    return graph("Concat", graph("Unsqueeze", h, graph.ints([0])), steps, axis=0)
