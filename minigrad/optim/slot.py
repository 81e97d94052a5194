"""A parameter with all that its update works on, cut into blocks that fit a processor's cache."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from ..core.recorder import scratch, state_array
from ..core.tensor import Tensor
from .hyperparameters import Group
from .numbers import put, taken
from .parameters import kind_of, refuse_another_kind, refuse_read_only
from .state import State

# The bytes of a block. An update goes over its arrays a dozen times; so many blocks of this size stay near a cache,
# and the calls for each cost little beside the work. Arrays below twice this size are updated as a whole.
BLOCK = 1 << 19


class Slot:
    """A parameter and its state: arrays, of which those in `numbers` have no dimensions and are numbers for updates."""

    __slots__ = (
        "arrays", "blocks", "dtype", "group", "kept", "name", "numbers", "p", "program", "rounds", "w", "whole"
    )  # fmt: skip

    def __init__(self, name: str, p: Tensor, group: Group, state: Mapping[str, Any]) -> None:
        self.name, self.p, self.w, self.group = name, p, p.value, group
        self.dtype = computing_dtype(self.w.dtype)
        self.rounds = self.dtype != self.w.dtype
        self.kept: dict[str, Any] = {}
        self.numbers: list[Any] = []
        self.program: Any = None
        self.blocks: Sequence[Any] = ()
        self.arrays: tuple[Any, ...] = ()
        self.whole: dict[str, Any] = {}  # to compute in, in a recording
        self.add(state)

    def add(self, state: Mapping[str, Any]) -> None:
        """Keep what was not kept before."""
        for name, x in state.items():
            if name not in self.kept:
                self.kept[name] = np.array(x, np.float64) if isinstance(x, float) else x
                self.numbers += [self.kept[name]] if isinstance(x, float) else []

    def keep(self, names: Collection[str], possible: Mapping[str, Any]) -> bool:
        """Keep what has these names, and nothing else; whether that is another set than before."""
        if set(names) == set(self.kept):
            return False
        for name in set(self.kept) - set(names):
            former = self.kept.pop(name)
            self.numbers = [x for x in self.numbers if x is not former]
        self.add({name: possible[name] for name in names if name not in self.kept})
        return True

    @property
    def is_plain(self) -> bool:
        """Whether an update is one call of its program."""
        return not (self.program is None or self.numbers or self.blocks or self.rounds)

    @property
    def number_names(self) -> list[str]:
        """The names of numbers."""
        return [name for name, x in self.kept.items() if any(x is number for number in self.numbers)]

    @property
    def kept_arrays(self) -> list[Any]:
        """What is kept besides numbers."""
        numbers = self.number_names
        return [x for name, x in self.kept.items() if name not in numbers]

    @property
    def scratch_names(self) -> list[str]:
        """The arrays to compute in."""
        return [*self.program.scratch, *["wide", "wide_gradient"] * self.rounds]

    def start(self) -> dict[str, Any]:
        """The state as an optimizer's `start` returns it."""
        numbers = self.number_names
        return {name: x.item() if name in numbers else x for name, x in self.kept.items()}

    def cut(self, program: Any) -> None:
        """Be updated by a program from now on: find the blocks of the present array, and arrays to compute in."""
        self.program, self.blocks, self.arrays = program, (), ()
        self.whole.clear()
        if program is None:
            return
        kept = self.kept_arrays
        w, n = self.w, BLOCK // self.dtype.itemsize
        in_blocks = w.size > 2 * n and all(x.shape == w.shape and x.flags.c_contiguous for x in (w, *kept))
        of_w = not in_blocks
        made = [np.empty_like(w, dtype=self.dtype) if of_w else np.empty(n, self.dtype) for _ in self.scratch_names]
        self.arrays = *kept, *made, *program.coefficients
        if in_blocks:
            parts = [slice(i, min(i + n, w.size)) for i in range(0, w.size, n)]
            flat = [x.reshape(-1) for x in kept]
            self.blocks = [
                (
                    part,
                    w.reshape(-1)[part],
                    (*(x[part] for x in flat), *(x[: part.stop - part.start] for x in made), *program.coefficients),
                )
                for part in parts
            ]

    def check(self) -> None:
        """Refuse a parameter that has become another kind of array since."""
        refuse_another_kind(self.name, kind_of(self.w), self.p.value, "optimizer")
        refuse_read_only(self.name, self.p.value)

    def run(self, g: Any) -> None:
        """Update the parameter by its program."""
        program = self.program
        after = program.at(tuple([x.item() for x in self.numbers]))
        for x, number in zip(self.numbers, after, strict=True):
            x[()] = number
        run = program.run if not self.rounds else self.run_rounded
        if not self.blocks:
            run(self.w, g, self.arrays)
            return
        g = g.reshape(-1)
        for part, w, arrays in self.blocks:
            run(w, g[part], arrays)

    def record(self, g: Any, written: set[Any]) -> None:
        """Make the calls of `run` in the recording that runs, on whole arrays."""
        program = self.program
        if not self.whole:
            self.whole.update({name: np.empty_like(self.w, dtype=self.dtype) for name in self.scratch_names})
        after, coefficients = program.recorded([state_array(x)[()] for x in self.numbers], written)
        for x, number in zip(self.numbers, after, strict=True):
            state_array(x)[...] = number
        arrays = [*map(state_array, self.kept_arrays), *map(scratch, self.whole.values()), *coefficients]
        (self.run_rounded if self.rounds else program.run)(state_array(self.w), g, arrays)

    def run_rounded(self, w: Any, g: Any, arrays: Sequence[Any]) -> None:
        """Update in a wider dtype, and round the parameter once after that."""
        at = len(self.kept) - len(self.numbers) + len(self.program.scratch)
        wide, wide_gradient = arrays[at : at + 2]
        wide[...] = w
        wide_gradient[...] = g
        self.program.run(wide, wide_gradient, (*arrays[:at], *arrays[at + 2 :]))
        w[...] = wide

    def apply(self, optimizer: Any, g: Any, hyper: Any) -> None:
        """Update the parameter by the optimizer's own expressions: in a recording, and where there is no program."""
        if not self.w.size:  # of nothing there is no mean
            return
        numbers, w = self.number_names, state_array(self.w)
        state = State(numbers, {name: taken(x) if name in numbers else state_array(x) for name, x in self.kept.items()})
        if self.rounds:
            wide = w.astype(self.dtype)
            optimizer.apply(wide, g.astype(self.dtype), state, hyper)
            w[...] = wide
        else:
            optimizer.apply(w, g, state, hyper)
        for name in numbers:
            put(self.kept[name], getattr(state, name))


def computing_dtype(dtype: Any) -> np.dtype:
    """What updates of a parameter are computed in, and its state is kept in: half precision is too coarse for sums."""
    return np.promote_types(dtype, np.float32)
