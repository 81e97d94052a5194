"""Values that are written into parameters and buffers, as soon as all of them are known to fit."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from ..core.door import Watched, unwrap
from ..core.tensor import Tensor
from ..core.values import as_numbers


def checked_state(
    own: Mapping[str, Tensor], others: Mapping[str, Tensor], state: Mapping[str, Any], strict: bool, owner: str
) -> list[tuple[Tensor, Any]]:
    """Each array of `own` with its new values, found in `state` by its name or by one of its `others`.

    Raises
    ------
    TypeError
        If a transformation watches the values.
    ValueError
        If names are missing or unexpected while `strict`, or values do not fit.
    """
    given = {id(part) for part in others.values()}
    problems = [f"{name} is missing" for name, part in own.items() if name not in state and id(part) not in given]
    problems += [f"{name} is unexpected" for name in state if name not in own and name not in others]
    if not strict:
        problems = []
    first = {id(part): name for name, part in own.items() if name in state}
    for name, part in others.items():  # which the module has under another name as well
        same = first.get(id(part))
        if same is not None and not np.array_equal(unwrap(state[name]), unwrap(state[same]), equal_nan=True):
            problems.append(f"{name} differs from {same}, which is the same array here")
    pairs = []
    for name, part in {**others, **own}.items():
        if name in state:
            values = as_values(state[name])
            if problem := misfit(part, values):
                problems.append(f"{name} {problem}")
            pairs.append((part, values))
    if problems:
        raise ValueError(f"this state does not belong to this {owner}: {'; '.join(problems)}")
    return pairs


def check_mapping(state: Any) -> None:
    """Refuse a state that has no names."""
    if not isinstance(state, Mapping):
        remedy = ". Pass mg.load(path)" if isinstance(state, str | PathLike) else ""
        remedy = ". Pass its state_dict()" if hasattr(state, "state_dict") else remedy
        raise TypeError(f"a state is a dict of arrays by name; got a {type(state).__name__}{remedy}")


def as_values(given: Any) -> Any:
    """A copy, as a plain array, of what may be an array, a Tensor or nested lists."""
    if isinstance(given, Watched) and not isinstance(given, Tensor):
        raise TypeError(
            "a state takes plain values, and a transformation, such as mg.grad, watches these: loading them would cut "
            "off their derivative. Use nn.functional_call(module, parameters, x)"
        )
    return as_numbers(unwrap(given), copy=True)  # it may be memory of the module itself, under another name


def misfit(part: Tensor, values: Any) -> str:
    """What is wrong with `values` for `part`, or nothing."""
    if values.shape != part.shape:
        return f"has shape {values.shape}, not {part.shape}"
    if not np.can_cast(values.dtype, part.dtype, "same_kind"):
        return f"has dtype {values.dtype}, not {part.dtype}"
    return ""


def with_dtype(part: Tensor, dtype: np.dtype) -> None:
    """Give a parameter or buffer its values in another dtype, in new memory; graphs that need the former refuse."""
    requires_grad, part.requires_grad = part.requires_grad, False
    part.value = part.value.astype(dtype)
    part.requires_grad = requires_grad
