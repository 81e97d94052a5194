"""The level that carries the axis of a batch along, for vmap.

Inside, an array has the shape of one entry; the batch is the first axis of what lies one level further out. What a call
on such an array means is declared where its function is registered, see rules/batching.py.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..core.array import WRITTEN_CLASSES, Array, fill, memory_of, own_part, with_written
from ..core.context import Level, context, run_in, with_changes
from ..core.door import Watched, as_operand, bind, checked_options, placed_by_name, snapshot
from ..core.primitive import REGISTRY, Primitive
from ..core.recorder import drawn
from ..core.tree import tree_map
from ..errors import BatchError
from ..rules.batching import BatchedCall, Unbatched, by_kind, stacked_results, with_rank
from ..rules.indices import Picks, whole_batch_index


class Batch(Level):
    """A transformation that carries a batch of `size` entries along: its arrays hold all, and show one.

    If it `draws`, each entry has random numbers of its own.
    """

    __slots__ = ("draws", "size")
    is_batch = True

    def __init__(self, depth: int, size: int, draws: bool = True) -> None:
        super().__init__(depth)
        self.size, self.draws = size, draws

    def process(self, primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if kwargs:
            args, kwargs = placed_by_name(primitive, args, kwargs)
            kwargs = checked_options(primitive, kwargs, False)
            check_shared_options(primitive, kwargs)
        if primitive.sequence and any(isinstance(x, Watched) and x.level is self for x in args[1:]):
            return self.one_by_one(
                lambda *own, **options: bind(primitive, own, options), args, kwargs
            )  # such as masks of sequences
        operands, inner, own = args[0] if primitive.sequence else args, [], []
        for i, x in enumerate(operands):
            if not isinstance(x, Watched):
                x, is_own = as_operand(primitive, i, x), False
            elif is_own := x.level is self:
                x = x.value
            else:
                x = snapshot(x)
            inner.append(x)
            own.append(is_own)
        rule = primitive.batch or by_kind(primitive)
        rest = args[1:] if primitive.sequence else ()
        return self.outcome(rule(BatchedCall(primitive, self, inner, own, rest, kwargs)))

    def outcome(self, y: Any) -> Any:
        """A result as this level's arrays; several come in a tuple of any kind."""
        if isinstance(y, Unbatched):
            return y.value
        if isinstance(y, tuple):
            parts = [self.outcome(part) for part in y]
            return type(y)(*parts) if hasattr(y, "_fields") else tuple(parts)
        return self.made(y, True)

    def one_by_one(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """A function without a rule, called for one entry after the other."""
        given = [tree_map(partial(self.entry, i=i), (args, kwargs)) for i in range(self.size)]
        return self.outcome(stacked_results([function(*own, **options) for own, options in given]))

    def entries(self, y: Any) -> Any:
        """What `outcome` makes a result of."""
        return y.value if isinstance(y, Watched) and y.level is self else Unbatched(y)

    def hidden_axes(self) -> int:
        return 1

    def made(self, value: Any, node: Any) -> Any:
        batched = BatchedIndex() if isinstance(value, Picks) else Batched()
        batched.value, batched.node, batched.level = value, True, self
        return batched

    def indexed(self, index: Any) -> Any:
        """An index with arrays of this level in it."""
        parts = index if isinstance(index, tuple) else (index,)
        own = [isinstance(x, Watched) and x.level is self for x in parts]
        return self.made(Picks([x.value if b else x for x, b in zip(parts, own, strict=True)], own), True)

    def without(self, strip: Callable[[Any], Any], value: Any) -> Any:
        """What an array or an index of this level holds, after `strip`."""
        return Picks(map(strip, value.parts), value.own) if isinstance(value, Picks) else strip(value)

    def taken_in(self, value: Any) -> Any:
        """An array that is the same for all entries, as one that can have a value for each."""
        return self.made(np.copy(np.broadcast_to(value, (self.size, *value.shape))), True)

    def draw(self, rng: Any, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Random numbers, drawn for each entry."""
        rest = with_changes(batches=tuple(other for other in context.get().batches if other is not self))

        def one(i: int) -> Any:
            seed: Any = [*np.atleast_1d(rng).tolist(), i] if isinstance(rng, int | np.integer | list) else rng
            chosen, options = tree_map(lambda x: self.entry(x, i), (tuple(args), dict(kwargs)))
            return drawn(seed, method, *chosen, **options)

        return self.made(run_in(rest, lambda: stacked_results([one(i) for i in range(self.size)])), True)

    def entry(self, x: Any, i: int) -> Any:
        """What entry `i` sees of an array, or anything else."""
        return x.value[i] if isinstance(x, Watched) and x.level is self else x

    # Filling an array: at an index that is the same for all entries, it is written to.

    def write(self, x: Any, index: Any, v: Any) -> None:
        own = isinstance(v, Watched) and v.level is self
        target = None if isinstance(index, Watched) else whole_batch_index(index)
        if target is None or not self.writes(v, memory_of(x), v.value if own else None):
            x.assign_item(index, v)
            return
        if own:
            n = np.broadcast_to(False, memory_of(x).shape)[target].ndim - 1
            if v.ndim > n:
                x.assign_item(index, v)
                return
            v = with_rank(v.value, n)
        fill(x, target, v, lambda memory: True)

    def settle(self, x: Any, memory: Any) -> None:
        """Nothing else has to know the value of an array that was filled."""

    def part(self, x: Any, index: Any) -> Any:
        """``x[index]`` of an array that is being filled."""
        target = whole_batch_index(index)
        if target is None:
            return bind(REGISTRY[np.ndarray.__getitem__], (snapshot(x), index))
        return self.made(own_part(memory_of(x), target), True)


def no_value(what: str) -> BatchError:
    """The error of asking for one value where each entry has its own."""
    return BatchError(
        f"{what} differs between the entries of a batch that vmap maps over. Use np.where(condition, a, b) in place of "
        f"a branch or a mask; NumPy's functions in place of those of math; mg.asarray(x)[i] to pick from an ndarray; "
        f"np.stack to join a list; mg.zeros for an array that is filled by index; and return what is to be printed"
    )


def check_shared_options(primitive: Primitive, options: Mapping[str, Any]) -> None:
    """Refuse options that differ between the entries."""
    for name, option in options.items():
        if isinstance(option, Watched) and option.level.is_batch:
            remedy = REMEDIES.get(name, "Call the function for one entry after the other, in a loop")
            raise BatchError(f"{primitive.name} takes one {name}= for all entries of a batch. {remedy}")


REMEDIES = {
    "where": "Use np.where on the operand",
    "initial": "Combine it with the result, as in np.maximum(np.max(x), v)",
}


class Batched(Array):
    """An array of which each entry of a batch has its own; it shows the shape of one."""

    __slots__ = ()

    def flows(self) -> bool:
        return isinstance(self.value, Watched) and self.value.flows()

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis of an entry."""
        return self.value.shape[1:]

    @property
    def ndim(self) -> int:
        """The number of axes of an entry."""
        return self.value.ndim - 1

    @property
    def size(self) -> int:
        """The number of elements of an entry."""
        return math.prod(self.shape)

    def refuse_to_leave(self) -> None:
        raise no_value("an array, as a function without a rule, another library or data= needs it,")

    def __float__(self) -> float:
        raise no_value("float(x)")

    def __int__(self) -> int:
        raise no_value("int(x)")

    def __complex__(self) -> complex:
        raise no_value("complex(x)")

    def __bool__(self) -> bool:
        raise no_value("whether an array is true, as in `if` and `while`,")

    def __index__(self) -> int:
        raise no_value("an integer that stands for a length, an axis or a position")

    def backward(self, *args: Any, **kwargs: Any) -> None:
        """Refused, as it would begin at one of the entries."""
        raise BatchError(
            "backward() begins at a result outside of vmap. Call it on what vmap returns, or use mg.grad inside"
        )

    def item(self) -> Any:
        """Refused, as entries differ."""
        raise no_value("x.item()")

    def tolist(self) -> Any:
        """Refused, as entries differ."""
        raise no_value("x.tolist()")

    def __repr__(self) -> str:
        return f"Batched(shape {self.shape}, of {self.value!r}, level {self.level.depth})"


written = WRITTEN_CLASSES[with_written(Batched)][0]  # whose memory has the entries along its first axis
written.shape = property(lambda self: memory_of(self).shape[1:])
written.ndim = property(lambda self: memory_of(self).ndim - 1)
written.size = property(lambda self: math.prod(self.shape))


class BatchedIndex(Watched):
    """An index with positions in it of which each entry has its own."""

    __slots__ = ()
    ndim, dtype = 1, np.dtype(np.intp)

    def __apply__(self, primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return bind(primitive, args, kwargs)
