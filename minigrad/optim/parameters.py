"""What an optimizer is given: parameters, alone, with names, or in groups."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np

from ..core.door import plain
from ..core.tensor import Tensor


def groups_of(params: Iterable[Any]) -> list[Mapping[str, Any]]:
    """The groups that `params` says, of which there is one if it is no list of groups."""
    if isinstance(params, Mapping):
        named = all(isinstance(x, Tensor) for x in params.values())
        remedy = "[d]" if "params" in params else "d.items()" if named else "model.parameters()"
        raise TypeError(f"an optimizer takes a list of parameters or of groups; got a dict d. Pass {remedy}")
    listed = listed_parameters(params)
    groups = [x for x in listed if isinstance(x, Mapping)]
    if groups and len(groups) < len(listed):
        raise TypeError("an optimizer takes a list of parameters or of groups; got both in one list")
    return groups or [{"params": listed}]


def parameters_of(group: Mapping[str, Any]) -> Any:
    """What a group says of its parameters."""
    if "params" not in group:
        raise ValueError(f'a group says its parameters as "params"; got a dict of {", ".join(group) or "nothing"}')
    return group["params"]


def listed_parameters(params: Any, taker: str = "an optimizer") -> list[Any]:
    """An iterable of parameters as a list; refuses a single one, and what only has parameters."""
    if isinstance(params, Tensor):
        raise TypeError(f"{taker} takes a list of parameters; got a single tensor p. Pass [p]")
    has_some = hasattr(params, "parameters")  # a Module, which may be iterable, too
    if has_some or not isinstance(params, Iterable):
        remedy = ". Pass its parameters()" if has_some else ". Call it" if callable(params) else ""
        raise TypeError(f"{taker} takes a list of parameters; got a {type(params).__name__}{remedy}")
    return list(params)


def named_tensors(params: Any, taker: str, before: Mapping[str, Tensor]) -> list[tuple[str, Tensor]]:
    """Different Tensors, none of them from `before`, with the names that they have or else their numbers."""
    named: list[tuple[str, Tensor]] = []
    taken = {id(p) for p in before.values()}
    for i, x in enumerate(listed_parameters(params, taker), len(before)):
        is_pair = isinstance(x, tuple) and len(x) == 2 and isinstance(x[0], str)
        name, p = x if is_pair else (str(i), x)
        if not isinstance(p, Tensor):
            remedy = ". Compute with a Tensor of it: mg.tensor(x, requires_grad=True)" if hasattr(p, "shape") else ""
            raise TypeError(f"{taker} takes Tensors; parameter {name} is a {type(p).__name__}{remedy}")
        if id(p) in taken:
            raise ValueError(
                f"{taker} takes each parameter once, so that it changes once; parameter {name} came before"
            )
        taken.add(id(p))
        named.append((name, p))
    return named


def checked_parameters(
    params: Iterable[Any], before: Mapping[str, Tensor], taker: str = "an optimizer"
) -> dict[str, Tensor]:
    """Parameters by name; refuses what cannot be trained, or is among those from `before`."""
    named: dict[str, Tensor] = {}
    for name, p in named_tensors(params, taker, before):
        if not (p.is_leaf and p.requires_grad):
            raise ValueError(
                f"{taker} takes leaves that require grad; parameter {name} "
                + ("does not require grad" if p.is_leaf else f"is the result of {p.node.primitive.name}")
            )
        refuse_read_only(name, p.value, taker)
        if name in named or name in before:
            raise ValueError(f"{taker} tells parameters apart by name; two are called {name}")
        named[name] = p
    if not named:
        raise ValueError(
            f"{taker} takes at least one parameter; got none. A Module has those that are set as nn.Parameter(values)"
        )
    return named


def refuse_read_only(name: str, x: Any, taker: str = "an optimizer") -> None:
    """Refuse an array that cannot be written to."""
    if isinstance(x, np.ndarray) and not x.flags.writeable:
        raise ValueError(
            f"{taker} changes its parameters in place; the memory of parameter {name} is read-only. Take a copy: "
            f"mg.tensor(values, requires_grad=True)"
        )


def depend_on(params: Iterable[Tensor]) -> None:
    """Look at parameters: once one is frozen, freed or given other memory, what was recorded of them is of no use."""
    for p in params:
        plain(p)


def kind_of(x: Any) -> tuple[type, tuple[int, ...], np.dtype]:
    """What an array has to stay for its state to serve."""
    return type(x), x.shape, x.dtype


def refuse_another_kind(name: str, before: tuple[type, tuple[int, ...], np.dtype], x: Any, owner: str) -> None:
    """Refuse the array of a parameter that had another kind when its owner was made."""
    if kind_of(x) != before:
        _, shape, dtype = before
        raise TypeError(
            f"parameter {name} was {dtype} of shape {shape} when the {owner} was made, and is now {x.dtype} of shape "
            f"{x.shape}. Make the {owner} after such changes"
        )


def counted(params: Collection[Tensor]) -> str:
    """How many parameters there are, and how many numbers in them."""
    count = sum(p.size for p in params)
    arrays, numbers = (
        f"{n:,} {kind}{'' if n == 1 else 's'}" for n, kind in ((len(params), "parameter"), (count, "number"))
    )
    return f"{arrays} of {numbers}"
