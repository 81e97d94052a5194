"""Functions of Tensors as the checks see them: functions of arrays, with the rules that they call."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..core.context import Observing
from ..core.door import Watched, unwrap
from ..core.engine import fitted, push_forward
from ..core.primitive import Primitive
from ..core.tensor import Tensor, constant_tensor
from ..core.tree import leaves, tree_map
from ..transforms.forward import jvp
from ..transforms.reverse import vjp
from .subject import Subject, SubjectError, called, described, require


class CheckedFunction(Subject):
    """A function of trees of Tensors and arrays, given by name, as one of the floating arrays in them.

    Its output is the function's own if that is a single array, otherwise all floating outputs end to end.
    """

    def __init__(self, f: Callable[..., Any], arguments: dict[Any, Any], rng: Any) -> None:
        self.original, self.arguments = f, arguments
        given = named_leaves(arguments)
        given = {name: x for name, x in given.items() if is_differentiable(x)} or given
        arrays = [np.asarray(unwrap(x)) for x in given.values()]
        super().__init__(lambda *x: unwrap(self.together(*x)), self.pulled, arrays, rng, list(given), self.pushed)

    def together(self, *arrays: Any) -> Any:
        """The output; f gets Tensors for Tensors, unless a transformation watches."""
        new = iter(arrays)

        def given(x: Any) -> Any:
            value = next(new) if is_differentiable(x) else x
            return constant_tensor(value) if isinstance(x, Tensor) and not isinstance(value, Watched) else value

        outputs = leaves(self.original(*tree_map(given, self.arguments).values()))
        odd = [y for y in outputs if not (is_array_like(y) or isinstance(y, int | float))]
        floating = [y for y in outputs if is_differentiable(y)]
        if odd or not floating:
            came = ", ".join(described(unwrap(y)) for y in odd or outputs) or "nothing"
            raise SubjectError("cannot check", f"f must return floating arrays or Tensors; got {came}.")
        return floating[0] if len(floating) == 1 else np.concatenate([np.reshape(y, -1) for y in floating])

    def pulled(self, g: np.ndarray, y: np.ndarray, *arrays: np.ndarray) -> Any:
        return tuple(map(unwrap, vjp(self.together, *arrays)[1](g)))  # Tensors where f uses a Tensor of its own

    def pushed(self, y: np.ndarray, inputs: Sequence[np.ndarray], tangents: Sequence[np.ndarray]) -> Any:
        return unwrap(jvp(self.together, tuple(inputs), tuple(tangents))[1])

    def check_connected(self) -> None:
        """Refuse a result that has a derivative, though by none of the inputs: those that f uses are others."""

        def depends_on_others(*arrays: Any) -> Any:
            y = self.together(*arrays)
            return y, isinstance(y, Tensor) and y.requires_grad

        others = called("The rule", lambda: vjp(depends_on_others, *self.inputs, has_aux=True)[2])
        text = "f depends on Tensors from outside that require grad, and on none of its inputs"
        advice = "Compute with what f is given; for the parameters of a module, see nn.functional_call"
        require(not others, f"{text}. {advice}", "cannot check")

    def gradient_map(self) -> "CheckedFunction":
        """The function (cotangent, inputs) -> gradients."""
        arguments = {"of the cotangent": self.cotangent(), **dict(zip(self.names, self.inputs, strict=True))}
        return CheckedFunction(lambda g, *arrays: vjp(self.together, *arrays)[1](g), arguments, self.rng)

    def calls(self) -> list[Subject]:
        """The calls of rules on the way back; of several that look alike, one."""
        found: dict[Any, Any] = {}

        def observe(primitive: Primitive, i: int, result: Any, g: Any, y: Any, args: Any, kwargs: Any) -> None:
            within = any(isinstance(x, Watched) and not isinstance(x, Tensor) for x in leaves([g, args]))
            if is_differentiable(y) and not within:  # of a transformation inside of f
                known = [described(x) if is_array_like(x) else x for x in leaves(args)]
                key = primitive.name, i, repr(known), repr(kwargs)
                found.setdefault(key, (primitive, i, tree_map(unwrap, args), kwargs))

        with Observing(observe):
            self.checked_gradients(self.cotangent())
        return [RuleCall(self.rng, *where) for where in found.values()]


class RuleCall(Subject):
    """The call of a primitive as a function of its argument `i` alone, and the rules of that argument, uncast."""

    def __init__(self, rng: Any, primitive: Primitive, i: int, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        sequence, operands = primitive.sequence, list(args[0] if primitive.sequence else args)
        widest = np.result_type(*(a.dtype for a in leaves(args) if is_array_like(a) and is_differentiable(a)))

        def filled(x: Any) -> Any:
            others = [*operands[:i], x, *operands[i + 1 :]]
            return [others, *args[1:]] if sequence else others

        def pulled(g: np.ndarray, y: np.ndarray, x: np.ndarray) -> Any:
            result = primitive.rules[0 if sequence else i](g, y, *filled(x), **kwargs)
            result = result[i] if sequence else result
            dtype = getattr(result, "dtype", x.dtype)  # the engine would cast it
            text = f"The rule of {primitive.name} for argument {i} returns {dtype}"
            require(dtype.kind != "f" or dtype in (x.dtype, widest), f"{text}, where all that it sees is {widest}")
            return fitted(primitive, i, result, x, np.shape(y))

        def pushed(y: np.ndarray, inputs: Sequence[np.ndarray], tangents: Sequence[np.ndarray]) -> Any:
            return push_forward(primitive, {i: tangents[0]}, y, filled(inputs[0]), dict(kwargs))

        self.name, x = primitive.name, np.asarray(operands[i])
        super().__init__(lambda x: primitive(*filled(x), **kwargs), pulled, [x], rng, [f"{self.name}[{i}]"], pushed)


def is_array_like(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.generic | Watched)


def is_differentiable(x: Any) -> bool:
    """Whether it is to have a derivative; complex numbers are refused later."""
    return isinstance(x, float) or (is_array_like(x) and x.dtype.kind in "fc")


def named_leaves(tree: Any, path: str = "") -> dict[str, Any]:
    """The leaves of a tree, in order, each with the way to it: "0['w'][1]"."""
    if not isinstance(tree, dict | list | tuple):
        return {} if tree is None else {path: tree}
    items = dict(tree if isinstance(tree, dict) else enumerate(tree)).items()
    return {
        k: x for key, part in items for k, x in named_leaves(part, f"{path}[{key!r}]" if path else str(key)).items()
    }
