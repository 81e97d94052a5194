"""A parameter with all that its update works on, cut into blocks that fit a processor's cache."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from ..core.door import plain
from ..core.tensor import Tensor
from ..core.values import as_number
from .hyperparameters import Group
from .parameters import kind_of, refuse_another_kind, refuse_read_only
from .state import State

# The bytes of a block. An update goes over its arrays a dozen times; so many blocks of this size stay near a cache,
# and the calls for each cost little beside the work. Arrays below twice this size are updated as a whole.
BLOCK = 1 << 19


class Slot:
    """A parameter and its state: arrays, of which `numbers` have no dimensions, and are numbers for updates."""

    __slots__ = (
        "arrays", "blocks", "dtype", "group", "kept", "name", "number_names", "numbers", "p", "program", "rounds", "w"
    )  # fmt: skip

    def __init__(self, name: str, p: Tensor, group: Group, state: Mapping[str, Any]) -> None:
        self.name, self.p, self.w, self.group = name, p, p.value, group
        self.dtype = computing_dtype(self.w.dtype)
        self.rounds = self.dtype != self.w.dtype
        self.kept: dict[str, Any] = {}
        self.number_names: list[str] = []
        self.numbers: Sequence[Any] = ()
        self.program: Any = None
        self.blocks: Sequence[Any] = ()
        self.arrays: tuple[Any, ...] = ()
        self.add(state)

    def add(self, state: Mapping[str, Any]) -> None:
        """Keep what was not kept before."""
        for name, x in state.items():
            if name not in self.kept:
                self.kept[name] = np.array(x, np.float64) if isinstance(x, float) else x
                self.number_names += [name] if isinstance(x, float) else []

    def keep(self, names: Collection[str], possible: Mapping[str, Any]) -> bool:
        """Keep what has these names, and nothing else; whether that is another set than before."""
        if set(names) == set(self.kept):
            return False
        for name in set(self.kept) - set(names):
            del self.kept[name]
        self.number_names = [name for name in self.number_names if name in self.kept]
        self.add({name: possible[name] for name in names if name not in self.kept})
        return True

    @property
    def is_plain(self) -> bool:
        """Whether an update is one call of its program."""
        return not (self.program is None or self.numbers or self.blocks or self.rounds)

    @property
    def kept_arrays(self) -> list[Any]:
        """What is kept besides numbers."""
        return [x for name, x in self.kept.items() if name not in self.number_names]

    def start(self) -> dict[str, Any]:
        """The state as an optimizer's `start` returns it."""
        return {name: x.item() if name in self.number_names else x for name, x in self.kept.items()}

    def cut(self, program: Any) -> None:
        """Be updated by a program from now on: find the blocks of the present array, and arrays to compute in."""
        self.program, self.blocks, self.arrays = program, (), ()
        self.numbers = [self.kept[name] for name in self.number_names]
        if program is None:
            return
        kept = self.kept_arrays
        w, n = self.w, BLOCK // self.dtype.itemsize
        in_blocks = w.size > 2 * n and all(x.shape == w.shape and x.flags.c_contiguous for x in (w, *kept))
        of_w = not in_blocks
        scratch = [*program.scratch, *["wide", "wide_gradient"] * self.rounds]
        made = [np.empty_like(w, dtype=self.dtype) if of_w else np.empty(n, self.dtype) for _ in scratch]
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
        for x, new in zip(self.numbers, after, strict=True):
            x[()] = new
        run = program.run if not self.rounds else self.run_rounded
        if not self.blocks:
            run(self.w, g, self.arrays)
            return
        g = g.reshape(-1)
        for part, w, arrays in self.blocks:
            run(w, g[part], arrays)

    def run_on(self, w: Any, g: Any, hyper: Sequence[Any]) -> None:
        """Make the calls of `run` on w, an array of another kind: as a whole, in new arrays."""
        after, coefficients = self.program.of_scalars([plain(x)[()] for x in self.numbers], hyper)
        for x, new in zip(self.numbers, after, strict=True):
            plain(x)[...] = new
        arrays = [w, g, *map(plain, self.kept_arrays)]
        if not w.shape:  # of which functions make numbers
            arrays = [x.reshape(1) for x in arrays]
        wide, g, *kept = [x.astype(self.dtype) for x in arrays[:2]] + arrays[2:] if self.rounds else arrays
        self.program.run(wide, g, [*kept, *[None] * len(self.program.scratch), *coefficients])
        if self.rounds:
            arrays[0][...] = wide

    def run_rounded(self, w: Any, g: Any, arrays: Sequence[Any]) -> None:
        """Update in a wider dtype, and round the parameter once after that."""
        at = len(self.kept) - len(self.numbers) + len(self.program.scratch)
        wide, wide_gradient = arrays[at : at + 2]
        wide[...] = w
        wide_gradient[...] = g
        self.program.run(wide, wide_gradient, (*arrays[:at], *arrays[at + 2 :]))
        w[...] = wide

    def apply(self, optimizer: Any, w: Any, g: Any, hyper: Any) -> None:
        """Update the parameter's array w by the optimizer's own expressions, where there is no program."""
        if not w.size:  # of nothing there is no mean
            return
        numbers = self.number_names
        state = State(numbers, {name: as_number(x) if name in numbers else plain(x) for name, x in self.kept.items()})
        if self.rounds:
            wide = w.astype(self.dtype)
            optimizer.apply(wide, g.astype(self.dtype), state, hyper)
            w[...] = wide
        else:
            optimizer.apply(w, g, state, hyper)
        for name in numbers:
            plain(self.kept[name])[...] = getattr(state, name)


def computing_dtype(dtype: Any) -> np.dtype:
    """What updates of a parameter are computed in, and its state is kept in: half precision is too coarse for sums."""
    return np.promote_types(dtype, np.float32)
