"""Gradients in buckets of a few MB, which travel while the backward pass goes on."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any
from weakref import finalize, ref

import numpy as np

from ..core.door import unwrap
from ..core.recorder import refuse_recording
from ..core.sweep import arrivals
from ..core.tape import gradient_of, set_gradient
from ..core.tensor import Tensor
from ..optim.slot import computing_dtype
from .messages import message
from .starting import refuse_differences
from .world import world

COMPILED = "Compile two functions: one of the gradients and one of the step, and average between the two"
BUCKET = 2 << 20  # bytes: enough that latency does not count, and few enough that the first ones leave early
IN_SHARED_MEMORY = 8 << 20  # bytes of all gradients, which take twice that: containers may have 64 MB of it in all


class Bucket:
    """The gradients of some parameters of a dtype in one message, each times how much this rank counts.

    After them come a number for each parameter, how many ranks have a gradient, and by how much all ranks count.
    """

    def __init__(self, params: Sequence[Tensor], dtype: np.dtype, stays: bool) -> None:
        self.params, ends = params, np.cumsum([0, *(p.size for p in params)]).tolist()
        self.places = [slice(start, end) for start, end in pairwise(ends)]
        self.present = slice(ends[-1], -1)
        self.message = message(world(), ends[-1] + len(params) + 1, dtype, stays)
        self.filled: set[int] = set()
        self.request: Any = None

    @property
    def is_full(self) -> bool:
        """Whether all gradients are in it."""
        return len(self.filled) == len(self.params)

    def fill(self, i: int, g: Any, weight: float) -> None:
        """Take the gradient of parameter `i`, or None."""
        self.filled.add(i)
        place = self.message.own[self.places[i]]
        self.message.own[self.present][i] = g is not None
        if g is None:
            place[...] = 0
        else:
            weighted(g.reshape(-1), weight, place)

    def start(self, weight: float) -> None:
        """Send the message, without waiting for anything."""
        self.message.own[-1] = weight
        self.request = world().begin("gradients", self.message.start(), "average gradients")

    def wait(self) -> None:
        """Wait until the sums over all ranks are here."""
        if self.request is not None:
            self.request.wait()
        self.request = None
        self.filled.clear()

    @property
    def total(self) -> float:
        """By how much all ranks count."""
        return sum(part[-1] for part in self.message.parts())

    def deliver(self) -> None:
        """Leave the means in the parameters' gradients."""
        parts, total = self.message.parts(), self.total
        present = np.sum([part[self.present] for part in parts], axis=0).tolist()
        for p, place, ranks in zip(self.params, self.places, present, strict=True):
            if ranks > 0 and p.node is not None:
                if gradient_of(p.node) is None:
                    set_gradient(p.node, np.empty(p.shape, p.dtype))
                g = unwrap(gradient_of(p.node))
                sums, *others = (part[place].reshape(p.shape) for part in parts)
                for other in others:
                    sums = np.add(sums, other, out=g if g.dtype == sums.dtype else None)
                np.divide(sums, total, out=g, casting="same_kind")
        self.message.next()


def weighted(x: Any, weight: float, out: np.ndarray) -> np.ndarray:
    """An array times how much a rank counts, computed in the dtype of `out`; what does not count may be NaN."""
    if weight:
        return np.multiply(x, weight, out=out, dtype=out.dtype)
    out[...] = 0
    return out


def checked_weight(weight: Any) -> float:
    """How much a rank counts, as a float."""
    if not (isinstance(weight, int | float | np.number) and 0 <= weight < math.inf):
        raise ValueError(
            f"a rank counts by the number of its samples, which is finite and not below 0; got {weight!r:.60}"
        )
    return float(weight)


def refuse_nobody(total: float) -> None:
    """Refuse a mean in which no rank counts."""
    if not total:
        raise ValueError("a mean over ranks takes a rank that counts; all have 0 samples")


abandoned: list[Bucket] = []  # that MPI works on, though nobody waits for them


class Arrival:
    """Who is told of a gradient, for as long as the averager is there."""

    def __init__(self, averager: "Averager", bucket: Bucket, i: int) -> None:
        self.averager, self.bucket, self.i = ref(averager), bucket, i

    def __call__(self, g: Any) -> None:
        if (averager := self.averager()) is not None:
            averager.arrive(self.bucket, self.i, g)

    def complete(self) -> None:
        """Put the mean in the gradient's place."""
        if (averager := self.averager()) is not None:
            refuse_recording("averages gradients over ranks", COMPILED)
            averager.finish()


class Averager:
    """Puts means over ranks in the place of gradients, begun in the backward pass if it `listens`.

    The buckets begin with the last parameters, as backward passes do, and leave in the same order on all ranks.
    """

    def __init__(
        self, params: Sequence[Tensor], bucket: int = BUCKET, *, listens: bool = True, stays: bool = True
    ) -> None:
        self.here, self.bucket, self.listens = world(), bucket, listens
        abandoned[:] = [bucket for bucket in abandoned if not bucket.request.test()]
        layouts = {f"parameter {i}": f"{p.dtype} of shape {p.shape}" for i, p in enumerate(params)}
        refuse_differences("what is averaged", layouts, "is", "Pass the same parameters, in the same order, on all")
        stays = stays and sum(p.size * computing_dtype(p.dtype).itemsize for p in params) <= IN_SHARED_MEMORY
        self.buckets: list[Bucket] = buckets_of(params, bucket, stays) if self.here.size > 1 else []
        self.weight: float | Callable[[], float] = 1.0  # how much this rank counts
        self.sent = 0  # how many buckets are under way
        self.sending = True  # whether backward passes send
        self.done = False  # whether the gradients are means already
        self.listening: dict[Any, Any] = {}
        self.listen()
        finalize(self, abandon, self.listening, self.buckets)

    def listen(self) -> None:
        """Hear of the gradients of the leaves that the parameters are now."""
        if not self.listens:
            return
        now = {
            p.node.notes: Arrival(self, bucket, i)
            for bucket in self.buckets
            for i, p in enumerate(bucket.params)
            if p.node is not None
        }
        if now.keys() != self.listening.keys():
            forget(self.listening)
            self.listening.update(now)
            arrivals.update(now)

    def close(self) -> None:
        """Hear of no more gradients, and end what is under way on any rank; all ranks have to call it."""
        self.drop_everywhere()
        abandon(self.listening, self.buckets)

    @property
    def under_way(self) -> bool:
        """Whether a backward pass has begun to send."""
        return self.sent > 0 or any(bucket.filled for bucket in self.buckets)

    def counted(self) -> float:
        """How much this rank counts now."""
        return checked_weight(self.weight() if callable(self.weight) else self.weight)

    def arrive(self, bucket: Bucket, i: int, g: Any) -> None:
        """Take the gradient that a backward pass has found, and send the buckets that are full."""
        self.done = False
        if not self.sending:
            return
        if i in bucket.filled:
            raise RuntimeError(
                "a second backward pass adds to gradients that are on their way to the other ranks. Let all passes but "
                "the last before a step run in a `with optimizer.no_sync():` block"
            )
        former = gradient_of(bucket.params[i].node)
        bucket.fill(i, unwrap(g) if former is None else unwrap(former) + unwrap(g), self.counted())
        for under_way in self.buckets[: self.sent]:
            under_way.request.test()  # MPI moves data while it is asked to
        while self.sent < len(self.buckets) and self.buckets[self.sent].is_full:
            self.send(self.counted())

    def send(self, weight: float) -> None:
        """Let the next bucket go."""
        self.buckets[self.sent].start(weight)
        self.sent += 1

    def finish(self) -> None:
        """Send what no backward pass has sent, and leave the means in the gradients."""
        if self.done:
            return
        weight = self.counted()
        for bucket in self.buckets[self.sent :]:
            for i, p in enumerate(bucket.params):
                if i not in bucket.filled:
                    g = None if p.node is None else gradient_of(p.node)
                    bucket.fill(i, None if g is None else unwrap(g), weight)
            self.send(weight)
        for bucket in self.buckets:
            bucket.wait()
            refuse_nobody(bucket.total)
            bucket.deliver()
        self.sent, self.done = 0, True
        self.listen()

    def drop(self) -> None:
        """Forget what is under way: a rank from which a backward pass has sent less sends the rest, which is empty."""
        if self.under_way:
            self.end()
        self.done = False

    def drop_everywhere(self) -> None:
        """Forget what is under way on any rank; all ranks have to call it, wherever they are in a step."""
        if any(self.here.from_all(self.under_way, "end averaging gradients")):
            self.end()
        self.done = False

    def end(self) -> None:
        """Send what has not been sent, and forget it."""
        while self.sent < len(self.buckets):
            self.send(0.0)
        for bucket in self.buckets:
            bucket.wait()
            bucket.message.next()  # as another rank may still read this one
        self.sent = 0


def abandon(listening: dict[Any, Any], buckets: list[Bucket]) -> None:
    """Forget gradients and buckets; their memory is for others, unless MPI still works on it."""
    forget(listening)
    for bucket in buckets:
        if bucket.request is None:
            bucket.message.give_back()
        else:
            abandoned.append(bucket)
    buckets.clear()


def forget(listening: dict[Any, Any]) -> None:
    """Hear of no more gradients, but for those that somebody else hears of by now."""
    for notes, arrival in listening.items():
        if arrivals.get(notes) is arrival:
            del arrivals[notes]
    listening.clear()


def buckets_of(params: Sequence[Tensor], most: int, stays: bool) -> list[Bucket]:
    """Buckets of at most so many bytes, or of one parameter, from the last parameter on; each of one dtype."""
    groups: list[tuple[np.dtype, list[Tensor]]] = []
    sizes: dict[np.dtype, tuple[list[Tensor], int]] = {}
    for p in reversed(params):
        dtype = computing_dtype(p.dtype)
        group, size = sizes.get(dtype, ([], most))
        nbytes = p.size * dtype.itemsize
        if size + nbytes > most:
            group, size = [], 0
            groups.append((dtype, group))
        group.append(p)
        sizes[dtype] = group, size + nbytes
    return [Bucket(group, dtype, stays) for dtype, group in groups]
