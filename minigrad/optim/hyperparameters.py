"""Hyperparameters: numbers that are checked whenever they are set, and groups of parameters that share them."""

import inspect
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..core.recorder import refuse_recording
from ..core.tensor import Tensor
from ..core.tree import tree_map
from ..core.values import as_number
from .numbers import larger

# From where to where each may lie, and whether it must stay below the latter. Others may be any finite number.
BOUNDS: dict[str, tuple[float, float, bool]] = {
    **dict.fromkeys(("lr", "weight_decay", "eps", "lr_decay", "momentum_decay"), (0.0, math.inf, False)),
    **dict.fromkeys(("initial_accumulator_value", "lambd", "t0", "step_sizes"), (0.0, math.inf, False)),
    **dict.fromkeys(("momentum", "dampening"), (0.0, 1.0, False)),
    **dict.fromkeys(("betas", "alpha", "rho", "decay"), (0.0, 1.0, True)),
}

KINDS: dict[str, Any] = {
    **dict.fromkeys(BOUNDS, 0.0),
    **dict.fromkeys(("betas", "etas", "step_sizes"), (0.0, 0.0)),
    **dict.fromkeys(("nesterov", "amsgrad", "centered", "decoupled_weight_decay", "maximize"), False),
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


def checked(name: str, value: Any, like: Any = None, bounds: Mapping[str, Any] = BOUNDS) -> Any:
    """The value of a hyperparameter, of the kind that `like` is: a bool, a tuple of numbers, or a number.

    Without `like`, the kind is that which the name says, or else that of the value.
    """
    like = KINDS.get(name, tuple(value) if isinstance(value, list) else value) if like is None else like
    if isinstance(like, bool):
        if value is not True and value is not False:
            raise ValueError(f"{name} is True or False; got {value!r}")
        return value
    limits: Any = {**BOUNDS, **bounds}.get(name, (-math.inf, math.inf, False))
    if not isinstance(like, tuple):
        return checked_number(name, value, *limits)
    if not hasattr(value, "__len__") or len(value) != len(like):
        raise ValueError(f"{name} is {len(like)} numbers; got {value!r}")
    return tuple(checked_number(f"{name}[{i}]", x, *limits) for i, x in enumerate(value))


def refuse_unknown(owner: str, name: str, known: Iterable[str]) -> None:
    """Refuse the name of a hyperparameter that an optimizer does not have."""
    if name not in known:
        raise ValueError(f"{owner} has no hyperparameter {name!r}; it has {', '.join(known)}")


def refuse_options(kind: type[Any], given: Iterable[str]) -> None:
    """Refuse options of a rule that its optimizer is not made with, and those that are missing."""
    _, *options = inspect.signature(kind).parameters.values()
    names = [x.name for x in options if x.kind not in (x.VAR_KEYWORD, x.VAR_POSITIONAL)]
    unknown = [] if len(names) < len(options) else [name for name in given if name not in names]
    if unknown:
        raise TypeError(f"{kind.__name__}.rule has no option {', '.join(unknown)}; it has {', '.join(names)}")
    missing = [x.name for x in options if x.name in names and x.default is x.empty and x.name not in given]
    if missing:
        raise TypeError(f"{kind.__name__}.rule needs {', '.join(missing)}; it has the options {', '.join(names)}")


class Fixed(list[Any]):
    """The parameters or groups of an optimizer in a list that refuses to be changed, as updates would not see it."""

    def refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("the parameters and groups of an optimizer are added with add_param_group, and none is removed")

    append = extend = insert = pop = remove = clear = sort = reverse = refuse
    __setitem__ = __delitem__ = __iadd__ = __imul__ = refuse

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (list(self),)  # a copy is an ordinary list


Check = Callable[[Mapping[str, Any]], None]  # raises ValueError for hyperparameters that do not go together


class Group(Mapping[str, Any]):
    """Some parameters, and the hyperparameters that they share, to be read and set as items or as attributes.

    Each number is kept once, in an array without dimensions, from which compiled steps read it anew. `structure` is
    what decides on the parts of an update: which flags are set, and which numbers that are `optional` are 0.
    """

    __slots__ = ("_changed", "_owner", "_values", "named", "scheduled", "structure")

    def __init__(self, owner: Any, named: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        self.named = dict(named)
        self._owner = type(owner).__name__, owner.bounds, owner.optional, owner.check
        self._values = {name: stored(value) for name, value in values.items()}
        self._changed = []
        self.scheduled = math.nan, math.nan  # the lr that a schedule started from, and what it made of it
        self.structure = self._structure()

    def __getitem__(self, name: str) -> Any:
        return Fixed(self.named.values()) if name == "params" else as_set(self._values[name])

    def __iter__(self) -> Iterator[str]:
        return iter(("params", *self._values))

    def __len__(self) -> int:
        return 1 + len(self._values)

    def __repr__(self) -> str:
        return f"Group({', '.join(self.named)}; {listed(self.numbers)})"

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
        return {name: as_set(value) for name, value in self._values.items()}

    def checked_one(self, name: str, value: Any) -> Any:
        """A new value for a hyperparameter, refused if it alone cannot be had."""
        owner, bounds, _, _ = self._owner
        refuse_unknown(owner, name, self._values)
        return checked(name, value, self[name], bounds)

    def checked(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """New values for some hyperparameters, refused if they cannot be had together with the others."""
        refuse_recording(
            f"sets {' and '.join(changes)} of an optimizer",
            "Set hyperparameters, and step schedules, after the call: replays read them anew",
        )
        new = {name: self.checked_one(name, value) for name, value in changes.items()}
        *_, check = self._owner
        check({**self.numbers, **new})
        return new

    def update(self, changes: Mapping[str, Any]) -> None:
        """Set several at once, or none if one is refused."""
        self._set(self.checked(changes))

    def _set(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if isinstance(value, bool):
                self._values[name] = value
            else:
                tree_map(lambda x, new: x.fill(new), self._values[name], value)
        before, self.structure = self.structure, self._structure()
        for told in self._changed:
            told(self.structure != before)

    def _structure(self) -> tuple[Any, ...]:
        """What decides on the lines of an update."""
        *_, optional, _ = self._owner
        flags = {name: value for name, value in self._values.items() if isinstance(value, bool)}
        return *flags.items(), *((name, bool(self._values[name])) for name in optional if name in self._values)

    def on_change(self, told: Callable[[bool], Any]) -> None:
        """Have a function called whenever a hyperparameter was set, with whether the structure is another one now."""
        self._changed.append(told)

    def for_update(self, least_eps: float) -> Any:
        """The hyperparameters as an update has them."""
        return for_update({name: tree_map(read, value) for name, value in self._values.items()}, least_eps, self.off)

    def plain_for_update(self) -> Any:
        """The same, of the numbers of now, also in a recording."""
        return SimpleNamespace(**{name: None if name in self.off else value for name, value in self.numbers.items()})

    @property
    def arrays(self) -> dict[str, Any]:
        """The arrays without dimensions in which the numbers are kept."""
        return {name: value for name, value in self._values.items() if not isinstance(value, bool)}

    @property
    def off(self) -> frozenset[str]:
        """The numbers that are optional and 0."""
        return frozenset(name for name, on in self.structure if not on and not isinstance(self._values[name], bool))


def for_update(values: Mapping[str, Any], least_eps: float, off: Collection[str]) -> Any:
    """Hyperparameters as attributes: flags, and numbers, None where they are off; no eps is less than the least."""
    found = {name: None if name in off else value for name, value in values.items()}
    if "eps" in found and not isinstance(found["eps"], tuple):
        found["eps"] = larger(found["eps"], least_eps)
    return SimpleNamespace(**found)


def stored(value: Any) -> Any:
    """A hyperparameter as a group keeps it."""
    return value if isinstance(value, bool) else tree_map(lambda x: np.array(x, np.float64), value)


def as_set(value: Any) -> Any:
    """A hyperparameter as it was set."""
    return value if isinstance(value, bool) else tree_map(lambda x: x.item(), value)


def read(x: Any) -> Any:
    """A hyperparameter as an update reads it."""
    return x if isinstance(x, bool) else as_number(x)


def options_of(owner: Any) -> dict[str, Any]:
    """The attributes of an object that say how it works: those that are public, and numbers, flags or words."""
    kinds = bool | int | float | str | tuple
    return {name: value for name, value in vars(owner).items() if name[0] != "_" and isinstance(value, kinds)}


def listed(values: Mapping[str, Any]) -> str:
    """Options as they stand in a call."""
    return ", ".join(f"{name}={value!r}" for name, value in values.items())
