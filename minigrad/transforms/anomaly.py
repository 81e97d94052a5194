"""Finding the operation that made the first NaN or infinity."""

import linecache
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core.context import Context, Level, Switch, context, run_in, with_changes
from ..core.door import bind, unwrap
from ..core.primitive import Primitive
from ..errors import AnomalyError

EVERYWHERE = sys.maxsize  # deeper than any transformation
PACKAGE = os.path.dirname(os.path.dirname(__file__))


class detect_anomaly(Switch):
    """A context in which the first NaN or infinity raises AnomalyError, in the computation or in its derivative.

    The error names the operation, the shapes of its arguments and the line of the user's code that called it. What
    a NaN or an infinity leads to is not reported, only what made one of finite numbers. Backward passes must run
    inside of the context, like the computation. Each result is looked at, and kept until the context ends, so this
    is for looking for a fault.

    Raises
    ------
    AnomalyError
    """

    def changed(self) -> Context:
        watch = Watch(context.get().ambient)
        return with_changes(ambient=watch, observers=(*context.get().observers, watch.pulled_back))


class Watch(Level):
    """A level around all others, which looks at every result."""

    __slots__ = ("origins",)

    def __init__(self, inside: Level | None) -> None:
        super().__init__(EVERYWHERE)
        self.inside = inside
        self.origins: dict[int, tuple[Any, str]] = {}  # by the identity of a result: the result, and who called

    def process(self, primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        y = run_in(with_changes(ambient=self.inside), bind, primitive, args, kwargs)
        self.computed(primitive, unwrap(y), args[0] if primitive.sequence else args)
        return y

    def computed(self, primitive: Primitive, y: Any, args: Sequence[Any]) -> None:
        """Look at a result that was just computed."""
        self.origins[id(y)] = (y, users_line())
        if not finite(y) and all(finite(x) for x in args):
            raise AnomalyError(
                f"{primitive.name} of {joined_shapes(args)} makes {fault_of(y)} of finite numbers, in {users_line()}"
            )

    def pulled_back(
        self, primitive: Primitive, i: int, result: Any, g: Any, y: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        """Look at what a rule returned in a backward pass."""
        if finite(g) and not finite(result):
            origin = self.origins.get(id(unwrap(y)), (None, "a line outside of detect_anomaly()"))[1]
            raise AnomalyError(
                f"the derivative of {primitive.name} of {joined_shapes(args)} by argument {i} is {fault_of(result)} "
                f"for a finite cotangent; the operation was called in {origin}"
            )


def finite(x: Any) -> bool:
    """Whether an argument holds neither NaN nor infinity; only floating arrays can."""
    x = unwrap(x)
    return getattr(x, "dtype", np.dtype(bool)).kind != "f" or bool(np.isfinite(x).all())


def fault_of(x: Any) -> str:
    """What is wrong with an array."""
    return "NaN" if bool(np.isnan(unwrap(x)).any()) else "infinity"


def joined_shapes(args: Sequence[Any]) -> str:
    """The shapes of the arrays among the arguments."""
    return " and ".join(str(x.shape) for x in args if hasattr(x, "shape"))


def users_line() -> str:
    """File, number and text of the innermost line that runs outside of this package and of NumPy."""
    frame = sys._getframe(1)
    numpy = os.path.dirname(np.__file__)
    while frame.f_back is not None and frame.f_code.co_filename.startswith((PACKAGE, numpy)):
        frame = frame.f_back
    name, number = frame.f_code.co_filename, frame.f_lineno
    return f"{name}, line {number}: {linecache.getline(name, number).strip()}"
