"""What of a call the derivative rules do not know: arguments, options and positions, which are refused by name."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import NoRuleError
from .primitive import Primitive


def check_rule(primitive: Primitive, i: int) -> None:
    """Refuse an argument without a derivative rule, rather than cut the result off it in silence."""
    if not primitive.has_rule(i):
        raise NoRuleError(
            f"{primitive.name} has no derivative rule for its argument {i}. Pass it detached, as x.detach(), or "
            f"give the function a rule for it"
        )


NAMES = {"dim": "axis", "keepdim": "keepdims"}  # of PyTorch and of NumPy


def check_options(primitive: Primitive, options: Mapping[str, Any], connected: bool) -> None:
    """Refuse an option that the derivative rules do not know of."""
    for name, option in options.items():
        if getattr(option, "connected", False):
            raise NoRuleError(
                f"{primitive.name} has no derivative rule for an array passed as {name}=. Pass it by position, or "
                f"detached, as x.detach()"
            )
        if connected and name in NAMES:
            raise NoRuleError(f"{primitive.name} has no option {name}=. Its name is {NAMES[name]}=, as in NumPy")
        if connected and not primitive.accepts(name):
            raise NoRuleError(
                f"{primitive.name} has no derivative rule for its option {name}=. Write the call with other "
                f"functions (mg.where for where=, astype for dtype=), or pass detached arrays"
            )


def without_out(primitive: Primitive, kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options but for out=, refused if it names an array."""
    out = kwargs["out"]
    if any(x is not None for x in (out if isinstance(out, tuple) else (out,))):
        raise no_out(primitive)
    return {key: value for key, value in kwargs.items() if key != "out"}


def check_positions(primitive: Primitive, args: Sequence[Any], connected: bool) -> None:
    """Refuse an array for out= that comes by its position, and arguments that the derivative rules do not know of."""
    if len(args) > getattr(primitive.function, "nin", len(args)):
        raise no_out(primitive)
    code = next((rule.__code__ for rule in primitive.rules if hasattr(rule, "__code__")), None)
    if code is None or code.co_flags & 0x04:  # CO_VARARGS
        return
    names = code.co_varnames[2 : code.co_argcount]
    if any(name == "out" and x is not None for name, x in zip(names, args, strict=False)):
        raise no_out(primitive)
    if connected and len(args) > len(names):
        raise NoRuleError(
            f"{primitive.name} has no derivative rule for its argument {len(names)}. Leave it out, write the call "
            f"with other functions, or pass detached arrays"
        )


def no_out(primitive: Primitive) -> TypeError:
    """The error of a call that would write into an array."""
    return TypeError(
        f"{primitive.name} cannot write into out=: the array there would have no part in the derivative. "
        f"Use the result instead, or x.detach().numpy() where no derivative is wanted"
    )
