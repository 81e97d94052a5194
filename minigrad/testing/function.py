"""Functions of Tensors as the checks see them: functions of arrays, with the rules that they call."""

from collections.abc import Callable, Mapping, Sequence
from operator import is_
from typing import Any

import numpy as np

from ..primitive import Primitive, fitted, observers, push_forward
from ..tensor import Tensor, constant
from ..traced import Traced, bare
from ..transforms import jvp, vjp
from ..tree import leaves, rebuild, tree_map
from .subject import Subject, require, spoken


class Function(Subject):
    """A function of trees of Tensors and arrays, as one of the floating arrays in them.

    Its output is the function's own if that is a single array, otherwise all floating outputs end to end.
    """

    def __init__(self, f: Callable[..., Any], arguments: Sequence[Any], rng: Any, names: Any = ()) -> None:
        self.original, self.arguments = f, arguments
        self.graph: Any = (None,), None
        refuse_unreal([bare(x) for x in leaves(arguments)])
        floating = {name: np.asarray(bare(x)) for name, x in named(arguments) if is_floating(x)}
        arrays, names = list(floating.values()), names or list(floating)
        super().__init__(lambda *x: bare(self.together(*x)), self.pulled, arrays, rng, names, self.pushed)
        outputs = self.returned(*self.inputs)
        if len(outputs) > 1:
            self.outputs = [(f"output {name}", np.shape(y)) for name, y in outputs]

    def returned(self, *arrays: Any) -> list[tuple[str, Any]]:
        """The floating outputs with their names; f gets Tensors for Tensors, unless a transformation watches."""
        new, filled = iter(arrays), []
        for x in leaves(self.arguments):
            value = next(new) if is_floating(x) else x
            watched = isinstance(value, Traced)
            filled.append(constant(value) if isinstance(x, Tensor) and not watched else value)
        outputs = named(self.original(*rebuild(self.arguments, filled)))
        odd = [y for _, y in outputs if not (is_array(y) or isinstance(y, int | float))]
        floating = [(name, y) for name, y in outputs if is_floating(y)]
        came = ", ".join(spoken(bare(y)) for y in odd or dict(outputs).values()) or "nothing"
        require(floating and not odd, f"f must return floating arrays or Tensors; got {came}", "cannot check")
        return floating

    def together(self, *arrays: Any) -> Any:
        """The output."""
        outputs = [y for _, y in self.returned(*arrays)]
        return outputs[0] if len(outputs) == 1 else np.concatenate([np.reshape(y, -1) for y in outputs])

    def pulled(self, g: np.ndarray, y: np.ndarray, *arrays: np.ndarray) -> Any:
        """The gradients; one graph serves as long as the inputs are the same arrays."""
        if not all(map(is_, arrays, self.graph[0])):
            self.graph = arrays, vjp(self.together, *arrays)[1]
        return tuple(map(bare, self.graph[1](g)))  # Tensors where f uses a Tensor of its own

    def pushed(self, y: np.ndarray, inputs: Sequence[np.ndarray], tangents: Sequence[np.ndarray]) -> Any:
        return bare(jvp(self.together, tuple(inputs), tuple(tangents))[1])

    def gradient_map(self) -> "Function":
        """The function (cotangent, inputs) -> gradients."""
        inputs, names = (self.cotangent(), *self.inputs), ["of the cotangent", *self.names]
        return Function(lambda g, *arrays: vjp(self.together, *arrays)[1](g), inputs, self.rng, names)

    def calls(self) -> list[tuple[str, Subject]]:
        """The calls of rules on the way back, with the names of the primitives; of several that look alike, one."""
        found: dict[Any, Any] = {}

        def observe(primitive: Primitive, i: int, answer: Any, g: Any, y: Any, args: Any, kwargs: Any) -> None:
            operands = args[0] if primitive.sequence else args
            within = any(isinstance(x, Traced) and not isinstance(x, Tensor) for x in (g, *operands))
            if is_floating(y) and not within:  # of a transformation inside of f
                key = primitive.name, i, repr([spoken(x) if is_array(x) else x for x in leaves(args)]), repr(kwargs)
                found.setdefault(key, (primitive, i, tree_map(bare, args), kwargs))

        observers.append(observe)
        try:
            self.answers(self.cotangent())
        finally:
            observers.remove(observe)
        return [(primitive.name, call(self.rng, primitive, *where)) for primitive, *where in found.values()]


def call(rng: Any, primitive: Primitive, i: int, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Subject:
    """The call of a primitive as a function of its argument `i` alone, and that argument's rules as they answer."""
    sequence, operands = primitive.sequence, list(args[0] if primitive.sequence else args)
    widest = np.result_type(*(a.dtype for a in leaves(args) if is_array(a) and is_floating(a)))

    def filled(x: Any) -> Any:
        others = [*operands[:i], x, *operands[i + 1 :]]
        return [others, *args[1:]] if sequence else others

    def fitting(answer: Any, x: np.ndarray, mode: str) -> Any:
        """An answer as the engine takes it; refuses one that the engine takes but should not have to."""
        dtype = getattr(answer, "dtype", x.dtype)
        told = f"The {mode}rule of {primitive.name} for argument {i} answers in {dtype}"
        require(dtype.kind != "f" or dtype in (x.dtype, widest), f"{told}, where all that it sees is {widest}")
        return fitted(primitive, i, answer, x)

    def pulled(g: np.ndarray, y: np.ndarray, x: np.ndarray) -> Any:
        answer = primitive.rules[0 if sequence else i](g, y, *filled(x), **kwargs)
        return fitting(answer[i] if sequence else answer, x, "")

    def pushed(y: np.ndarray, inputs: Sequence[np.ndarray], tangents: Sequence[np.ndarray]) -> Any:
        if primitive.kind == "general" and not sequence:
            return fitting(primitive.forward[i](tangents[0], y, *filled(inputs[0]), **kwargs), y, "forward ")
        return push_forward(primitive, {i: tangents[0]}, y, filled(inputs[0]), dict(kwargs))

    name = f"{primitive.name}[{i}]"
    return Subject(lambda x: primitive(*filled(x), **kwargs), pulled, [np.asarray(operands[i])], rng, [name], pushed)


def refuse_unreal(inputs: Sequence[Any]) -> None:
    """Raise `SubjectError` unless there are floats among the inputs, and no complex numbers."""
    kinds, came = {np.asarray(x).dtype.kind for x in inputs}, ", ".join(map(spoken, inputs)) or "nothing"
    require(
        "f" in kinds and "c" not in kinds,
        f"Derivatives are with respect to real floats; got {came}. Pass integers as x.astype(float), and complex "
        f"numbers as two inputs, their real and imaginary parts",
        "cannot check",
    )


def is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.generic | Traced)


def is_floating(x: Any) -> bool:
    return isinstance(x, float) or (is_array(x) and x.dtype.kind == "f")


def named(tree: Any, path: str = "") -> list[tuple[str, Any]]:
    """The leaves of a tree, in order, each with the way to it: "0['w'][1]"."""
    if tree is None or not isinstance(tree, dict | list | tuple):
        return [] if tree is None else [(path, tree)]
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return [pair for key, branch in items for pair in named(branch, f"{path}[{key!r}]" if path else str(key))]
