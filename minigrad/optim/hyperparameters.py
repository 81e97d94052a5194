"""Hyperparameters: numbers that are checked whenever they are set, and the arrays that an update reads them from."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..core.recorder import refuse_recording
from ..core.tensor import Tensor
from ..core.tree import tree_map

# From where to where each may lie, and whether it must stay below the latter. Others may be any finite number.
BOUNDS: dict[str, tuple[float, float, bool]] = {
    **dict.fromkeys(("lr", "weight_decay", "eps", "lr_decay", "momentum_decay"), (0.0, math.inf, False)),
    **dict.fromkeys(("initial_accumulator_value",), (0.0, math.inf, False)),
    **dict.fromkeys(("momentum", "dampening"), (0.0, 1.0, False)),
    **dict.fromkeys(("betas", "alpha", "rho", "decay"), (0.0, 1.0, True)),
}

KINDS: dict[str, Any] = {
    **dict.fromkeys(BOUNDS, 0.0),
    "betas": (0.0, 0.0),
    **dict.fromkeys(("nesterov", "amsgrad", "centered", "decoupled_weight_decay"), False),
}


def checked_number(name: str, value: Any, low: float = -math.inf, high: float = math.inf, below: bool = False) -> float:
    """A number as a float, from `low` to `high`, or only `below` the latter; refuses others by name."""
    try:
        if isinstance(value, bool | np.bool):
            raise TypeError
        number = math.nan if isinstance(value, str) else float(value)
    except OverflowError:  # an integer beyond all floats
        number = math.inf
    except (TypeError, ValueError):
        raise TypeError(f"{name} is a number; got a {type(value).__name__}") from None
    if not (low <= number <= high and math.isfinite(number)) or (below and number == high):
        bounds = (
            "" if low == -math.inf else f", at least {low:g}" if high == math.inf else f", from {low:g} to {high:g}"
        )
        bounds = f", at least {low:g} and below {high:g}" if below else bounds
        raise ValueError(f"{name} is a finite number{bounds}; got {value!r}")
    return number


def checked_integer(name: str, value: Any, low: int = 1) -> int:
    """An integer from `low` on; refuses others by name."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < low:
        raise ValueError(f"{name} is an integer, at least {low}; got {value!r}")
    return int(value)


def checked(name: str, value: Any, like: Any = None) -> Any:
    """The value of a hyperparameter, of the kind that `like` is: a bool, a tuple of numbers, or a number.

    Without `like`, the kind is that which the name says, or else that of the value.
    """
    like = KINDS.get(name, tuple(value) if isinstance(value, list) else value) if like is None else like
    if isinstance(like, bool):
        if value is not True and value is not False:
            raise ValueError(f"{name} is True or False; got {value!r}")
        return value
    bounds = BOUNDS.get(name, (-math.inf, math.inf, False))
    if not isinstance(like, tuple):
        return checked_number(name, value, *bounds)
    if not hasattr(value, "__len__") or len(value) != len(like):
        raise ValueError(f"{name} is {len(like)} numbers; got {value!r}")
    return tuple(checked_number(f"{name}[{i}]", x, *bounds) for i, x in enumerate(value))


def refuse_unknown(owner: str, name: str, known: Iterable[str]) -> None:
    """Refuse the name of a hyperparameter that an optimizer does not have."""
    if name not in known:
        raise ValueError(f"{owner} has no hyperparameter {name!r}; it has {', '.join(known)}")


class Fixed(list[Any]):
    """The parameters or groups of an optimizer in a list that refuses to be changed, as updates would not see it."""

    def refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("the parameters and groups of an optimizer are added with add_param_group, and none is removed")

    append = extend = insert = pop = remove = clear = sort = reverse = refuse
    __setitem__ = __delitem__ = __iadd__ = __imul__ = refuse

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (list(self),)  # a copy is an ordinary list


Check = Callable[[Mapping[str, Any]], None]  # raises ValueError for hyperparameters that do not go together


class Fields:
    """Arrays, by name, that an update reads and changes in place."""

    def __init__(self, **arrays: Any) -> None:
        for name, array in arrays.items():
            object.__setattr__(self, name, array)

    def __setattr__(self, name: str, value: Any) -> None:
        if value is not self.__dict__.get(name):  # which it is after `state.velocity *= momentum`
            raise AttributeError(
                f"{name} is changed in place only, as a compiled step keeps its memory: write {name}[...] = or *= in "
                f"place of {name} ="
            )


class Group(Mapping[str, Any]):
    """Some parameters, and the hyperparameters that they share, to be read and set as items or as attributes.

    A hyperparameter is set once more in an array of no dimensions for each dtype, which is what updates read.
    Those in `off` were 0 at first, so the update has no part for them. An eps below `least_eps` is that for updates.
    """

    __slots__ = ("_arrays", "_check", "_least_eps", "_off", "_owner", "_values", "named", "scalars", "scheduled")

    def __init__(
        self,
        owner: str,
        named: Mapping[str, Tensor],
        values: Mapping[str, Any],
        optional: tuple[str, ...],
        check: Check,
        least_eps: float = 0.0,
    ) -> None:
        self.named = dict(named)
        self.scalars = SimpleNamespace()  # in double precision, None for those that are off
        self._owner, self._values, self._check, self._least_eps = owner, dict(values), check, least_eps
        self._off = {name for name in optional if name in values and not values[name]}
        self._arrays: dict[Any, Fields] = {}
        self.scheduled = math.nan, math.nan  # the lr that a schedule started from, and what it made of it
        self._set(self._values)

    def __getitem__(self, name: str) -> Any:
        return Fixed(self.named.values()) if name == "params" else self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(("params", *self._values))

    def __len__(self) -> int:
        return 1 + len(self._values)

    def __repr__(self) -> str:
        return f"Group({', '.join(self.named)}; {listed(self._values)})"

    def __setitem__(self, name: str, value: Any) -> None:
        self._set(self.checked({name: value}))

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__slots__:
            object.__setattr__(self, name, value)
        else:
            self[name] = value

    def __getattr__(self, name: str) -> Any:  # of what is no attribute
        if name in self.__slots__:  # while it is being copied
            raise AttributeError(name)
        if name not in self:
            raise AttributeError(f"a group has no {name!r}; it has {', '.join(self)}")
        return self[name]

    @property
    def numbers(self) -> dict[str, Any]:
        """The hyperparameters by name."""
        return dict(self._values)

    def checked_one(self, name: str, value: Any) -> Any:
        """A new value for a hyperparameter, refused if it alone cannot be had."""
        refuse_unknown(self._owner, name, self._values)
        value = checked(name, value, self._values[name])
        if isinstance(value, bool) and value is not self._values[name]:
            raise ValueError(f"{name} is {self._values[name]} for good in this {self._owner}. Make another")
        if value and name in self._off:
            raise ValueError(
                f"{name} was 0 when this {self._owner} was made, which left it out of the update. Make another"
            )
        return value

    def checked(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """New values for some hyperparameters, refused if they cannot be had together with the others."""
        refuse_recording(
            f"sets {' and '.join(changes)} of an optimizer",
            "Set hyperparameters, and step schedules, after the call: replays read them anew",
        )
        new = {name: self.checked_one(name, value) for name, value in changes.items()}
        self._check({**self._values, **new})
        return new

    def update(self, changes: Mapping[str, Any]) -> None:
        """Set several at once, or none if one is refused."""
        self._set(self.checked(changes))

    def _set(self, values: Mapping[str, Any]) -> None:
        self._values.update(values)
        for name, value in values.items():
            value = max(value, self._least_eps) if name == "eps" else value
            if not isinstance(value, bool) and name not in self._off:
                setattr(self.scalars, name, tree_map(np.float64, value))
                for fields in self._arrays.values():
                    tree_map(write, getattr(fields, name), value)
            else:
                setattr(self.scalars, name, value if isinstance(value, bool) else None)

    def arrays(self, w: Any, derived: tuple[str, ...] = (), dtype: Any = None) -> Fields:
        """The hyperparameters as arrays of no dimensions like `w`, and as many for what is `derived` from them."""
        key = type(w), np.dtype(dtype or w.dtype)
        if key not in self._arrays:

            def array(number: Any) -> Any:
                return write(np.zeros_like(w, shape=(), dtype=key[1]), number)

            arrays = {
                name: value if value is None or isinstance(value, bool) else tree_map(array, value)
                for name, value in vars(self.scalars).items()
            }
            self._arrays[key] = Fields(**arrays, **{name: array(0.0) for name in derived})
        return self._arrays[key]


def options_of(owner: Any) -> dict[str, Any]:
    """The attributes of an object that say how it works: those that are public, and numbers, flags or words."""
    kinds = bool | int | float | str | tuple
    return {name: value for name, value in vars(owner).items() if name[0] != "_" and isinstance(value, kinds)}


def listed(values: Mapping[str, Any]) -> str:
    """Options as they stand in a call."""
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def write(array: Any, number: Any) -> Any:
    """Put a number into an array of no dimensions."""
    array[...] = number
    return array
