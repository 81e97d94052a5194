"""A parameter with all that its update works on, cut into blocks that fit a processor's cache."""

from collections.abc import Iterator, Mapping
from copy import copy
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..core.recorder import scratch, seen
from ..core.tensor import Tensor
from ..core.tree import tree_map
from .hyperparameters import Fields, Group
from .parameters import kind_of, refuse_another_kind, refuse_read_only

# The bytes of a block. An update goes over its arrays a dozen times; so many blocks of this size stay near a cache,
# and the calls for each cost little beside the work. Arrays below twice this size are updated as a whole.
BLOCK = 1 << 19


class Slot:
    """A parameter, its state, and what its update computes in."""

    __slots__ = (
        "blocks", "counted", "decays", "dtype", "elementwise", "exact", "group", "hyper", "kept", "name",
        "numbers", "p", "plain", "recording", "rounds", "scratch", "shrinks", "w", "whole",
    )  # fmt: skip

    def __init__(
        self, name: str, p: Tensor, group: Group, hyper: Fields, exact: Fields, state: Mapping[str, Any]
    ) -> None:
        self.name, self.p, self.w, self.group, self.numbers = name, p, p.value, group, group.scalars
        self.dtype = computing_dtype(self.w.dtype)
        self.rounds = self.dtype != self.w.dtype
        self.hyper: Any = hyper  # in the dtype of the computation
        self.exact: Any = exact  # in double precision
        self.kept: Any = Fields(**state)
        self.counted = self.shrinks = self.decays = self.elementwise = self.recording = False
        self.scratch: tuple[str, ...] = ()

    def cut(self) -> None:
        """Find the blocks of the present array, and make something to compute in."""
        self.blocks = self._blocks() if self.elementwise else None
        self.whole: Any = self._with_scratch() if self.blocks is None else None
        self.plain = not (self.blocks or self.counted or self.shrinks or self.decays or self.rounds)

    def _with_scratch(self) -> Fields:
        """The state and the scratch arrays for the parameter as a whole."""
        return Fields(**vars(self.kept), **{name: np.empty_like(self.w, dtype=self.dtype) for name in self.scratch})

    def _blocks(self) -> list[tuple[slice, Any, Fields]] | None:
        """Where each block is in flat arrays, its part of w, and of the state; None if one block is enough."""
        w, n = self.w, BLOCK // self.dtype.itemsize
        alike = [w, *(x for x in vars(self.kept).values() if x.shape == w.shape)]
        if w.size <= 2 * n or not all(type(x) is np.ndarray and x.flags.c_contiguous for x in alike):
            return None
        shared = {name: np.empty(n, self.dtype) for name in self.scratch}
        blocks = []
        for start in range(0, w.size, n):
            part = slice(start, min(start + n, w.size))
            state = {k: x.reshape(-1)[part] if x.shape == w.shape else x for k, x in vars(self.kept).items()}
            state |= {k: x[: part.stop - start] for k, x in shared.items()}
            blocks.append((part, w.reshape(-1)[part], Fields(**state)))
        return blocks

    def check(self) -> None:
        """Refuse a parameter that has become another kind of array since."""
        refuse_another_kind(self.name, kind_of(self.w), self.p.value, "optimizer")
        refuse_read_only(self.name, self.p.value)

    def follow(self) -> None:
        """Work on the memory that the parameter has now."""
        self.w = self.p.value
        self.cut()

    def pieces(self, g: Any) -> Iterator[tuple[Any, Any, Any]]:
        """The parameter, its gradient and its state, part by part, in the dtype of the computation."""
        return self._rounded(g) if self.rounds else self._parts(g)

    def _rounded(self, g: Any) -> Iterator[tuple[Any, Any, Any]]:
        """Parts in a wider dtype, from which the parameter is rounded once each was updated."""
        for w, gradient, state in self._parts(g):
            state.wide[...] = w
            state.wide_gradient[...] = gradient
            yield state.wide, state.wide_gradient, state
            w[...] = state.wide

    def _parts(self, g: Any) -> Iterator[tuple[Any, Any, Any]]:
        """The parameter, its gradient and its state, block by block; in a recording, as a whole."""
        if self.blocks is None or self.recording:
            yield self.w, g, self.whole
            return
        g = g.reshape(-1)
        for part, w, state in self.blocks:
            yield w, g[part], state

    def told(self) -> "Slot":
        """This slot with every kept array told to the recording that runs: the one place where that is done."""
        if self.whole is None:
            self.whole = self._with_scratch()
        other = copy(self)
        other.recording = True
        other.w = seen(self.w)
        other.kept, other.whole, other.hyper, other.exact = map(told, (self.kept, self.whole, self.hyper, self.exact))
        vars(other.whole).update({name: scratch(vars(self.whole)[name]) for name in self.scratch})
        return other

    @property
    def scalars(self) -> Any:
        """The hyperparameters in double precision, as numbers."""
        if not self.recording:
            return self.numbers
        return SimpleNamespace(**{name: on_arrays(lambda x: x[()], x) for name, x in vars(self.exact).items()})


def computing_dtype(dtype: Any) -> np.dtype:
    """What updates of a parameter are computed in, and its state is kept in: half precision is too coarse for sums."""
    return np.promote_types(dtype, np.float32)


def told(fields: Fields) -> SimpleNamespace:
    """What stands for arrays in the recording that runs."""
    return SimpleNamespace(**{name: on_arrays(seen, x) for name, x in vars(fields).items()})


def on_arrays(function: Any, tree: Any) -> Any:
    """`function` of each array in a tree, in which flags stay as they are."""
    return tree_map(lambda x: x if isinstance(x, bool) else function(x), tree)
