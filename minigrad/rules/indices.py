"""Indices of a batch: picking, putting back and writing, where entries have arrays or positions of their own.

An index that is the same for all entries gets a slice in front. Where the positions differ, or NumPy would put the
axes that they make in front of the batch, the axes that are picked from come first, and the number of the entry picks
along with them.
"""

from typing import Any

import numpy as np

from ..core.door import Watched, plain
from ..errors import BatchError


class Picks:
    """The parts of an index, of which those that are a batch's `own` hold the positions of all entries."""

    __slots__ = ("own", "parts")

    def __init__(self, parts: Any, own: Any) -> None:
        self.parts, self.own = tuple(parts), tuple(own)


def picks_positions(part: Any) -> bool:
    """Whether a part of an index picks by positions or a mask, rather than by one number or a slice."""
    return isinstance(part, list | bool | np.bool_) or getattr(part, "ndim", 0) > 0


def is_number(part: Any) -> bool:
    """Whether a part of an index is a single integer."""
    return hasattr(part, "__index__") and not picks_positions(part)


def index_parts(index: Any) -> tuple[Any, ...]:
    """The parts of an index; those of a batch further out are its arrays again."""
    if isinstance(index, Watched) and isinstance(picks := index.value, Picks):
        return tuple(index.level.made(p, True) if own else p for p, own in zip(picks.parts, picks.own, strict=True))
    return index if isinstance(index, tuple) else (index,)


def whole_batch_index(index: Any) -> tuple[Any, ...] | None:
    """An index of each entry as one of the whole batch; None where the axes that it makes would come first."""
    parts = index_parts(index)
    picking = [picks_positions(p) or is_number(p) for p in parts]
    return None if any(map(picks_positions, parts)) and not adjacent(picking) else (slice(None), *parts)


def adjacent(picking: list[bool]) -> bool:
    """Whether the parts that pick by position stand together, so that the axes which they make stay there."""
    first = picking.index(True)
    return all(picking[first : first + sum(picking)])


class BatchIndex:
    """An index of a batch, taken apart, for entries of one shape.

    `basic` is what slices and new axes make of an entry, with all of the axes that are picked from; these are `axes`
    then, and `arrays` the positions in each. Those make `count` axes, which come to lie `at` in a result.
    """

    def __init__(self, picks: Picks, shape: tuple[int, ...], size: int) -> None:
        parts, own = self.without_masks(picks)
        picking = [picks_positions(p) or is_number(p) or b for p, b in zip(parts, own, strict=True)]
        ranks = [np.ndim(p) - b for p, b, chosen in zip(parts, own, picking, strict=True) if chosen]
        self.count, self.size, self.shape = max(ranks), size, shape
        together = adjacent(picking)
        parts, picking, own = self.spread_out(parts, picking, own)
        self.basic = tuple(slice(None) if chosen else p for p, chosen in zip(parts, picking, strict=True))
        self.axes = [i for i, chosen in enumerate(picking) if chosen]
        self.at = self.axes[0] if together else 0
        chosen = [(parts[i], own[i]) for i in self.axes]
        self.arrays = tuple(self.lined_up(p) if b else p if hasattr(p, "ndim") else np.asarray(p) for p, b in chosen)
        self.entries = np.arange(size).reshape(size, *(1,) * self.count)
        form = np.broadcast_to(False, shape)[self.basic].shape
        self.inside = (*(form[i] for i in self.axes), *(n for i, n in enumerate(form) if i not in self.axes))
        made = np.broadcast_shapes(*(np.shape(x)[-self.count :] for x in self.arrays)) if self.count else ()
        rest = self.inside[len(self.axes) :]
        self.result = (*rest[: self.at], *made, *rest[self.at :])

    @staticmethod
    def without_masks(picks: Picks) -> tuple[list[Any], list[bool]]:
        """The parts, and whether they are own, with positions in the place of masks."""
        parts, own = [], []
        for part, mine in zip(picks.parts, picks.own, strict=True):
            if isinstance(part, bool | np.bool_):
                raise BatchError(
                    "an index has True or False beside positions that differ between the entries of a batch. Use None, "
                    "which makes an axis as True does"
                )
            part = np.asarray(part) if isinstance(part, list) else part
            if getattr(getattr(part, "dtype", None), "kind", "") == "b" and part.ndim:
                if mine:
                    raise BatchError(
                        "a mask that differs between the entries of a batch picks another number of elements from "
                        "each. Use np.where(mask, x, 0), or x[mask] = v with a single number v"
                    )
                parts += np.nonzero(plain(part))
                own += [False] * part.ndim
            else:
                parts.append(part)
                own.append(mine)
        return parts, own

    def spread_out(self, parts: Any, picking: Any, own: Any) -> tuple[list[Any], list[bool], list[bool]]:
        """The parts with slices in place of the ellipsis, and of axes that the index does not name."""
        if sum(p is Ellipsis for p in parts) > 1:
            raise IndexError("an index can only have a single ellipsis ('...')")
        named = sum(p is not None and p is not Ellipsis for p in parts)
        slices = [slice(None)] * (len(self.shape) - named)
        if len(self.shape) < named:
            raise IndexError(f"too many indices: an entry of the batch has shape {self.shape}, and {named} are given")
        i = next((i for i, p in enumerate(parts) if p is Ellipsis), len(parts))
        none = [False] * len(slices)
        return (
            [*parts[:i], *slices, *parts[i + 1 :]],
            [*picking[:i], *none, *picking[i + 1 :]],
            [
                *own[:i],
                *none,
                *own[i + 1 :],
            ],
        )

    def lined_up(self, part: Any) -> Any:
        """The positions of all entries, with as many axes in each as the index makes."""
        return np.reshape(part, (self.size, *(1,) * (self.count + 1 - part.ndim), *part.shape[1:]))

    def is_all(self) -> bool:
        """Whether the slices pick all."""
        return all(type(p) is slice and p == slice(None) for p in self.basic)

    # Of the whole batch

    def first(self, x: Any, batch: int = 1) -> Any:
        """`x` with the axes that are picked from in front, behind that of the batch if it has one."""
        return np.moveaxis(x, [i + batch for i in self.axes], range(batch, batch + len(self.axes)))

    def back(self, x: Any) -> Any:
        """What `first` was made of."""
        return np.moveaxis(x, range(1, 1 + len(self.axes)), [i + 1 for i in self.axes])

    def placed(self, y: Any) -> Any:
        """A result with the axes that the index made where NumPy has them."""
        return np.moveaxis(y, range(1, 1 + self.count), range(1 + self.at, 1 + self.at + self.count))

    def gathered(self, g: Any) -> Any:
        """What `placed` was made of."""
        return np.moveaxis(g, range(1 + self.at, 1 + self.at + self.count), range(1, 1 + self.count))


def of_all(x: Any) -> tuple[Any, ...]:
    """A slice of the whole batch, in front of an index."""
    return (slice(None), *x)
