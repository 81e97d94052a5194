"""The state of an optimizer as nested dicts of arrays and numbers, and back."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from .hyperparameters import Fixed


class State:
    """What an update finds of a parameter: arrays, which it changes in place, and numbers, which it may set."""

    _numbers: Collection[str]

    def __init__(self, numbers: Collection[str], values: Mapping[str, Any]) -> None:
        vars(self).update(_numbers=numbers, **values)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._numbers:
            self.__dict__[name] = value
            return
        if name not in self.__dict__:
            raise AttributeError(f"there is no state {name!r}. Let start return it: an array like w, or a float")
        held = self.__dict__[name]
        if value is not held:  # which it is after `state.velocity *= momentum`
            held[...] = value


def saved_group(group: Any, slots: Sequence[Any]) -> dict[str, Any]:
    """A copy of a group's hyperparameters and of its parameters' state."""
    values = {name: np.array(value) if isinstance(value, tuple) else value for name, value in group.numbers.items()}
    return {**values, "params": {slot.name: saved_arrays(slot.kept) for slot in slots if slot.group is group}}


def saved_arrays(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Copies, those without dimensions as plain numbers."""
    return {name: x.copy() if x.shape else x.item() for name, x in arrays.items()}


def load_arrays(state: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Put saved values into arrays, in place."""
    for name, array in arrays.items():
        array[...] = np.asarray(state[name], array.dtype, like=array)


def differences(state: Any, groups: Sequence[Any], slots: Sequence[Any], like: Callable[..., Any]) -> list[str]:
    """All that keeps a state from being loaded, each in a few words; `like` says what a slot keeps, given numbers."""
    found = misnamed("", state, ["groups"])
    found = found or misnamed("groups", state["groups"], [str(i) for i in range(len(groups))])
    if found:
        return found
    for i, group in enumerate(groups):
        mine = [slot for slot in slots if slot.group is group]
        found += group_differences(f"groups.{i}", state["groups"][str(i)], group, mine, like)
    return found


def group_differences(path: str, state: Any, group: Any, slots: Sequence[Any], like: Callable[..., Any]) -> list[str]:
    """What keeps the state of a group from being loaded."""
    found = misnamed(path, state, [*group.numbers, "params"])
    given = {name: state[name] for name in group.numbers if name in state} if isinstance(state, Mapping) else {}
    values = group.numbers
    for name, value in given.items():
        problem = refusal(path, group.checked_one, name, value)
        found += problem
        values |= {} if problem else {name: group.checked_one(name, value)}
    if not found:
        found += refusal(path, group.checked, given)
    if isinstance(state, Mapping) and "params" in state:
        params = state["params"]
        found += misnamed(f"{path}.params", params, [slot.name for slot in slots])
        for slot in slots if isinstance(params, Mapping) else ():
            if slot.name in params:
                needed, possible = like(slot, values)
                kept = params[slot.name]
                extra = {name: x for name, x in possible.items() if isinstance(kept, Mapping) and name in kept}
                found += array_differences(f"{path}.params.{slot.name}", kept, {**needed, **extra})
    return found


def array_differences(path: str, state: Any, like: Mapping[str, Any]) -> list[str]:
    """What keeps arrays, in nested dicts, from being loaded into others."""
    found = misnamed(path, state, list(like))
    for name, array in like.items():
        if not isinstance(state, Mapping) or name not in state:
            continue
        value = state[name]
        if isinstance(array, Mapping):
            found += array_differences(f"{path}.{name}", value, array)
            continue
        value, array = saved_array(value), saved_array(array)
        if value.shape != array.shape:
            found.append(f"{path}.{name} has shape {value.shape}, not {array.shape}")
        elif not np.can_cast(value.dtype, array.dtype, "same_kind"):
            found.append(f"{path}.{name} has dtype {value.dtype}, not {array.dtype}")
    return found


def saved_array(value: Any) -> Any:
    """What was saved as an array, perhaps as lists; ragged lists are one object."""
    if hasattr(value, "dtype"):
        return value
    try:
        return np.asarray(value)
    except ValueError:
        return np.asarray(None)


def misnamed(path: str, state: Any, names: Sequence[str]) -> list[str]:
    """Which names are missing in a dict, and which should not be there."""
    dot = f"{path}." if path else ""
    if not isinstance(state, Mapping):
        return [f"{path or 'the state'} is a {type(state).__name__}, not a dict"]
    return [f"{dot}{name} is missing" for name in names if name not in state] + [
        f"{dot}{name} is unexpected" for name in state if name not in names
    ]


def refusal(path: str, check: Callable[..., Any], *args: Any) -> list[str]:
    """The text of the error that a check raises, in a list, or an empty list."""
    try:
        check(*args)
    except (TypeError, ValueError) as error:
        return [f"{path}: {error}"]
    return []


MADE = frozenset({"param_groups", "params", "_slots", "_programs", "_stale", "_planned", "_steps_alike"})
MADE |= {"_named", "_watched", "_work"}  # what an optimizer makes of its groups


def restored(kind: type[Any], groups: list[Any], rest: Mapping[str, Any], state: Any) -> Any:
    """An optimizer from its groups, the attributes that it was made with, and its state."""
    for p in (p for group in groups for _, p in group["params"] if not p.value.flags.writeable):
        p.value = p.value.copy()  # it was loaded from a file that is mapped into memory
    new: Any = object.__new__(kind)
    vars(new).update(rest, param_groups=Fixed(), params=Fixed(), _slots=[])
    new._add(groups)
    new.load_state_dict(state)
    return new
