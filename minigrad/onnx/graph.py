"""A graph of ONNX operators while it is being made: nodes, and the constants that they read, by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .trace import TracedCall, TracedValue, no_counterpart

BOOL = np.dtype(bool)
WIDE = {np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int32), np.dtype(np.int64)}


@dataclass
class Operator:
    """One node: the operator, the names of what it reads and makes, its attributes, and whom it was made for."""

    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    origin: str = ""


@dataclass
class Graph:
    """A graph: an input or a result is known by its Value, the array of a parameter or buffer by its identity.

    `known` has the names of parameters and buffers; only those that are read become constants of the graph. `reshaped`
    has what reshape made of an array from outside, and that array. `states` has, by the Value of all states of a
    recurrent network, those after the initial one and the last of each kind, as they are read one by one; `unstacked`
    the same of one kind, before there is an axis of kinds. `origin` is what the next nodes are made for, and `prefix`
    what their names begin with, after a slash, which no name of an argument or a parameter has.
    """

    known: Mapping[int, str]
    reshaped: Mapping[int, tuple[Any, Any]] = field(default_factory=dict)
    nodes: list[Operator] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    states: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    unstacked: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    origin: str = ""
    prefix: str = ""

    def __call__(self, kind: str, *inputs: Any, **attributes: Any) -> str:
        """Add an operator with one result, and return the name of that."""
        return self.several(kind, 1, *inputs, **attributes)[0]

    def several(self, kind: str, count: int, *inputs: Any, **attributes: Any) -> list[str]:
        """Add an operator with several results, and return their names; an input that is left out is ""."""
        outputs = [f"/{self.prefix}{kind.lower()}_{len(self.nodes)}" + (f"_{i}" if i else "") for i in range(count)]
        names = [x if isinstance(x, str) else self.name(x) for x in inputs]
        self.nodes.append(Operator(kind, names, outputs, attributes, self.origin))
        return outputs

    def name(self, x: Any, dtype: Any = None) -> str:
        """The name of an operand, cast to a dtype if it has another: a Value, an array or a number."""
        if isinstance(x, TracedValue):
            if id(x) not in self.names:
                raise no_counterpart(x.call.primitive.name, " but for its output and the last states")
            name = self.names[id(x)]
            return name if dtype is None or x.dtype == dtype else self.cast(name, dtype)
        name, array = self.known.get(id(x)), np.asarray(x)
        if dtype is not None and array.dtype != dtype:
            name, array = None, array.astype(dtype)
        return self.constant(array, name)

    def constant(self, array: np.ndarray, name: str | None = None) -> str:
        """The name of a constant."""
        name = name or f"/constant_{len(self.constants)}"
        self.constants[name] = array
        return name

    def ints(self, numbers: Any) -> str:
        """The name of a vector of integers, such as a shape or axes."""
        return self.constant(np.array(numbers, np.int64).reshape(-1))

    def cast(self, name: str, dtype: Any) -> str:
        """Another array in a dtype."""
        return self("Cast", name, to=code_of(dtype))

    def reshape(self, x: Any, shape: Sequence[int]) -> str:
        """An array in another shape."""
        return self("Reshape", x, self.ints(shape), allowzero=1)

    def permuted(self, x: Any, axes: Any) -> str:
        """An array with its axes in another order; the array itself if that is the same."""
        if [*axes] == [*range(len(axes))]:
            return x if isinstance(x, str) else self.name(x)
        return self("Transpose", x, perm=[int(i) for i in axes])

    def translate(self, call: TracedCall, table: Mapping[Any, Any]) -> None:
        """Add the operators that make the result of a call."""
        self.origin = call.primitive.name
        if call.primitive not in table:
            raise no_counterpart(self.origin)
        name = table[call.primitive](self, call)
        if name is not None:
            self.names[id(call.value)] = name

    def maker(self, name: str) -> Operator | None:
        """The node that makes an array."""
        return next((node for node in reversed(self.nodes) if name in node.outputs), None)

    def prune(self, outputs: Sequence[str]) -> None:
        """Leave out what no output depends on."""
        wanted, kept = {*outputs}, []
        for node in reversed(self.nodes):
            if not wanted.isdisjoint(node.outputs):
                wanted |= {*node.inputs}
                kept.append(node)
        self.nodes = kept[::-1]
        self.constants = {name: x for name, x in self.constants.items() if name in wanted}


# Of TensorProto
CODES = {"float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "bool": 9, "float16": 10}
CODES |= {"float64": 11, "uint32": 12, "uint64": 13}


def code_of(dtype: Any) -> int:
    """The number that ONNX has for a dtype."""
    if (name := np.dtype(dtype).name) not in CODES:
        raise no_counterpart(f"the dtype {name}")
    return CODES[name]


def is_constant(x: Any) -> bool:
    """Whether an operand is known when the graph is made."""
    return isinstance(x, np.ndarray | np.generic | int | float)
