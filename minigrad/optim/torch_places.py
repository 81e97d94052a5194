"""Where the numbers of each parameter lie in PyTorch's network, and which number its optimizer gives to them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .optimizer import Optimizer

Shape = tuple[int, ...]
NAMED = "Make PyTorch's optimizer with named_parameters(), or give each of the state's param_groups its param_names"


def places_of(optimizer: Optimizer, model: Any, like: Any, groups: Any) -> dict[str, tuple[int, Any, tuple[int, ...]]]:
    """For each parameter, the number of PyTorch's, where its elements lie there, in C order, and the shape there."""
    if model is None:
        order = [i for group in groups for i in group["params"]] if groups else range(len(optimizer._slots))
        return {
            slot.name: (i, np.arange(slot.w.size).reshape(slot.w.shape), slot.w.shape)
            for slot, i in zip(optimizer._slots, order, strict=True)
        }
    if not isinstance(like, Mapping):
        raise TypeError("with a model, pass like=torch_model.state_dict(), which has the names and shapes there")
    names = {id(p): name for name, p in model.named_parameters()}
    ranks = {key: i for i, key in enumerate(names)}
    shapes = {name: tuple(np.shape(x)) for name, x in like.items()}
    ids, first, starts = {}, 0, []
    for name, shape in shapes.items():
        starts.append(first)
        size = int(np.prod(shape))
        ids[name] = np.arange(first, first + size, dtype=np.float64).reshape(shape)
        first += size
    converted = model.from_torch(ids)
    missing = [slot.name for slot in optimizer._slots if id(slot.p) not in names or names[id(slot.p)] not in converted]
    if missing:
        raise ValueError(f"model and like do not have the parameters {', '.join(missing)} of the optimizer")
    found: dict[str, tuple[int, Any, tuple[int, ...]]] = {}
    arrays = [converted[names[id(slot.p)]] for slot in optimizer._slots]
    used = [int(np.searchsorted(starts, np.ravel(x)[0], "right")) - 1 for x in arrays]
    numbers = numbers_of(optimizer, used, shapes, ranks, groups)
    for slot, x, entry in zip(optimizer._slots, arrays, used, strict=True):
        shape = list(shapes.values())[entry]
        inside = (x - starts[entry]).astype(int)
        if not (np.unique(inside).size == x.size and inside.min() >= 0 and inside.max() < np.prod(shape)):
            raise ValueError(f"from_torch of the model does more than put the numbers of {slot.name} in another order")
        if entry not in numbers:
            raise ValueError(f"the state has no {list(shapes)[entry]!r}, of which parameter {slot.name} is made")
        found[slot.name] = numbers[entry], inside, shape
    return found


def numbers_of(
    optimizer: Optimizer, used: Sequence[int], shapes: Mapping[str, Shape], ranks: Mapping[int, int], groups: Any
) -> dict[int, int]:
    """The number that PyTorch's optimizer gives to an entry of its network's state: by name if the state has names.

    Otherwise by the order in the group. Entries that no parameter is made of may have none.
    """
    names = list(shapes)
    if groups and all("param_names" in group for group in groups):
        pairs = [pair for group in groups for pair in zip(group["param_names"], group["params"], strict=True)]
        return {names.index(name): i for name, i in pairs if name in names}
    own = entries_of(optimizer, used, names)
    found: dict[int, int] = {}
    for i, (group, entries) in enumerate(zip(optimizer.param_groups, own, strict=True)):
        mine = [ranks[id(p)] for p in group.named.values()]
        order = sorted(entries) if mine == sorted(mine) else entries
        numbers = range(len(found), len(found) + len(entries))
        if groups:
            numbers = groups[i]["params"]
            if len(numbers) != len(entries):
                raise ValueError(
                    f"group {i} of the state has {len(numbers)} parameters, and that of this optimizer is made of "
                    f"{len(entries)}, {', '.join(names[x] for x in entries)}. {NAMED}"
                )
            if len(mine) < len(ranks) and order != entries and same_shapes(shapes, order, entries):
                raise ValueError(
                    f"group {i} of the state may be in the order {', '.join(names[x] for x in order)} of PyTorch's "
                    f"network, or in the order {', '.join(names[x] for x in entries)} of this optimizer. {NAMED}"
                )
        found |= dict(zip(order, numbers, strict=True))
    return found


def entries_of(optimizer: Optimizer, used: Sequence[int], names: Sequence[str]) -> list[list[int]]:
    """For each group, the entries that its parameters are made of, in its own order; refused if groups share one."""
    found = [
        list(dict.fromkeys(x for slot, x in zip(optimizer._slots, used, strict=True) if slot.group is group))
        for group in optimizer.param_groups
    ]
    for i, entries in enumerate(found):
        shared = {x for other in found[:i] for x in other}.intersection(entries)
        if shared:
            raise ValueError(
                f"{', '.join(names[x] for x in sorted(shared))} is one parameter in PyTorch, and group {i} of this "
                f"optimizer has a part of it only. Put all that is made of it into one group"
            )
    return found


def same_shapes(shapes: Mapping[str, Shape], order: Sequence[int], other: Sequence[int]) -> bool:
    """Whether a state in one order fits into another."""
    every = list(shapes.values())
    return [every[x] for x in order] == [every[x] for x in other]
