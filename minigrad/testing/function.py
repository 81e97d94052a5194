"""Functions of Tensors as the checks see them: functions of arrays, with the rules that they call."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..primitive import Primitive, fitted, observers, push_forward
from ..tensor import Tensor, constant
from ..traced import Traced, bare
from ..transforms import jvp, vjp
from ..tree import leaves, rebuild, tree_map
from .subject import Subject, cannot_check, contract_broken, spoken


class Function(Subject):
    """A function of trees of Tensors and arrays, as one of the floating arrays in them.

    Its output is the function's own if that is a single array, otherwise all floating outputs end to end.
    """

    def __init__(self, f: Callable[..., Any], inputs: Any, rng: np.random.Generator, names: Any = ()) -> None:
        self.original, self.arguments = f, inputs if type(inputs) is tuple else (inputs,)
        self.leaves = leaves(self.arguments)
        self.kept: tuple[Any, Any] = ((), None)
        floating = [is_floating(x) for x in self.leaves]
        arrays = [np.asarray(bare(x)) for x, is_one in zip(self.leaves, floating, strict=True) if is_one]
        if not arrays or any(np.iscomplexobj(bare(x)) for x in self.leaves):
            as_they_came = ", ".join(spoken(bare(x)) for x in self.leaves) or "nothing"
            raise cannot_check(
                f"Derivatives are with respect to real floats; got {as_they_came}. Pass integers as x.astype(float), "
                f"and complex numbers as two inputs, their real and imaginary parts."
            )
        paths = [path for path, is_one in zip(named(self.arguments), floating, strict=True) if is_one]
        super().__init__(self.values, self.pulled, arrays, rng, names or paths)
        outputs = [(path, y) for path, y in self.returned(self.filled(arrays)) if is_floating(y)]
        if len(outputs) > 1:
            self.outputs = [(f"output {path}", np.shape(y)) for path, y in outputs]

    def filled(self, arrays: Sequence[Any]) -> Any:
        """The function's arguments, with other values where there are floating ones: Tensors where Tensors were."""
        new = iter(arrays)
        return rebuild(self.arguments, [refilled(x, next(new)) if is_floating(x) else x for x in self.leaves])

    def returned(self, arguments: Any) -> list[tuple[str, Any]]:
        """The function's outputs with their names."""
        y = self.original(*arguments)
        pairs = list(zip(named(y), leaves(y), strict=True))
        odd = [y for _, y in pairs if not (is_array(y) or isinstance(y, int | float))]
        if odd or not any(is_floating(y) for _, y in pairs):
            came = ", ".join(spoken(bare(y)) for y in odd or leaves(y)) or "nothing"
            raise cannot_check(f"f must return floating arrays or Tensors; got {came}.")
        return pairs

    def together(self, *arrays: Any) -> Any:
        """The output."""
        outputs = [y for _, y in self.returned(self.filled(arrays)) if is_floating(y)]
        return outputs[0] if len(outputs) == 1 else np.concatenate([np.reshape(y, -1) for y in outputs])

    def values(self, *arrays: np.ndarray) -> Any:
        return bare(self.together(*arrays))

    def pulled(self, g: np.ndarray, y: np.ndarray, *arrays: np.ndarray) -> Any:
        """The gradients; one graph serves as long as the inputs are the same arrays."""
        if len(self.kept[0]) != len(arrays) or any(a is not b for a, b in zip(self.kept[0], arrays, strict=True)):
            self.kept = arrays, vjp(self.together, *arrays)[1]
        return tuple(map(bare, self.kept[1](g)))  # Tensors where f uses a Tensor of its own

    def pushed(self, y: np.ndarray, inputs: Sequence[np.ndarray], tangents: Sequence[np.ndarray]) -> Any:
        """The output's tangent in forward mode."""
        return bare(jvp(self.together, tuple(inputs), tuple(tangents))[1])

    def calls(self) -> list["Call"]:
        """The calls of rules on the way back; of several that look alike, one."""
        found: dict[Any, Any] = {}

        def observe(primitive: Primitive, i: int, answer: Any, g: Any, y: Any, args: Any, kwargs: Any) -> None:
            operands = args[0] if primitive.sequence else args
            within = any(isinstance(x, Traced) and not isinstance(x, Tensor) for x in (g, *operands))
            if is_floating(y) and not within:  # of a transformation inside of f
                key = primitive.name, i, repr([spoken(x) if is_array(x) else x for x in leaves(args)]), repr(kwargs)
                found.setdefault(key, (primitive, i, tree_map(bare, args), kwargs))

        observers.append(observe)
        try:
            self.backward(self.cotangent())
        finally:
            observers.remove(observe)
        return [Call(self.rng, *call) for call in found.values()]

    def gradient_map(self) -> "Function":
        """The function (cotangent, inputs) -> gradients."""

        def gradients(g: Any, *arrays: Any) -> Any:
            return vjp(self.together, *arrays)[1](g)

        return Function(gradients, (self.cotangent(), *self.inputs), self.rng, ["of the cotangent", *self.names])


class Call(Subject):
    """The call of a primitive as a function of its argument `i` alone, and that argument's rule as it answers."""

    def __init__(self, rng: Any, primitive: Primitive, i: int, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.primitive, self.i, self.args, self.kwargs = primitive, i, args, kwargs
        x = np.asarray((args[0] if primitive.sequence else args)[i])
        name = f"{primitive.name}[{i}]"
        super().__init__(lambda x: primitive(*self.filled(x), **kwargs), self.answered, (x,), rng, [name])

    def filled(self, x: Any) -> Any:
        """The arguments, with another value of argument `i`."""
        operands = list(self.args[0] if self.primitive.sequence else self.args)
        operands[self.i] = x
        return [operands, *self.args[1:]] if self.primitive.sequence else operands

    def answered(self, g: np.ndarray, y: np.ndarray, x: np.ndarray) -> Any:
        """The rule's answer, summed to the argument's shape and cast, after a look at what it was."""
        primitive = self.primitive
        rule: Any = primitive.rules[0 if primitive.sequence else self.i]
        answer = rule(g, y, *self.filled(x), **self.kwargs)
        return self.fitting(answer[self.i] if primitive.sequence else answer, x, "")

    def pushed(self, y: np.ndarray, inputs: Sequence[np.ndarray], tangents: Sequence[np.ndarray]) -> Any:
        """The output's tangent in forward mode."""
        args = self.filled(inputs[0])
        if self.primitive.kind == "general" and not self.primitive.sequence:
            forward: Any = self.primitive.forward[self.i]
            return self.fitting(forward(tangents[0], y, *args, **self.kwargs), y, "forward ")
        return push_forward(self.primitive, {self.i: tangents[0]}, y, args, dict(self.kwargs))

    def fitting(self, answer: Any, x: np.ndarray, mode: str) -> Any:
        """An answer as the engine takes it; refuses one that the engine takes but should not have to."""
        formats = [a.dtype for a in leaves(self.args) if is_array(a) and is_floating(a)]
        dtype = getattr(answer, "dtype", None)
        if dtype is not None and dtype.kind == "f" and dtype not in (x.dtype, np.result_type(*formats)):
            raise contract_broken(
                f"The {mode}rule of {self.primitive.name} for argument {self.i} answers in {dtype}, where all that it "
                f"sees is {np.result_type(*formats)}."
            )
        return fitted(self.primitive, self.i, answer, x)


def is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.generic | Traced)


def is_floating(x: Any) -> bool:
    return isinstance(x, float) or (is_array(x) and x.dtype.kind == "f")


def refilled(x: Any, new: Any) -> Any:
    """What f gets in the place of `x`: a Tensor for a Tensor, unless a transformation watches."""
    return constant(new) if isinstance(x, Tensor) and not isinstance(new, Traced) else new


def named(tree: Any, path: str = "") -> list[str]:
    """For each leaf of a tree, in order, the way to it: "0['w'][1]"."""
    if tree is None or not isinstance(tree, dict | list | tuple):
        return [] if tree is None else [path]
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return [name for key, branch in items for name in named(branch, f"{path}[{key!r}]" if path else str(key))]
