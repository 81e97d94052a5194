"""Gradients in buckets of a few MB, which travel while the backward pass goes on."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..core.door import unwrap
from ..core.recorder import refuse_recording
from ..core.sweep import arrivals
from ..core.tape import gradient_of, set_gradient
from ..core.tensor import Tensor
from ..optim.slot import computing_dtype
from .messages import message
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
            np.multiply(g.reshape(-1), weight, out=place, casting="same_kind")

    def start(self, weight: float) -> None:
        """Send the message, without waiting for anything."""
        self.message.own[-1] = weight
        self.request = self.message.start()

    def wait(self) -> None:
        """Wait until the sums over all ranks are here."""
        if self.request is not None:
            self.request.Wait()
        self.request = None
        self.filled.clear()

    def deliver(self) -> None:
        """Leave the means in the parameters' gradients."""
        self.wait()
        parts = self.message.parts()
        total = sum(part[-1] for part in parts)
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


class Arrival:
    """Who is told of a gradient."""

    def __init__(self, averager: "Averager", bucket: Bucket, i: int) -> None:
        self.averager, self.bucket, self.i = averager, bucket, i

    def __call__(self, g: Any) -> None:
        self.averager.arrive(self.bucket, self.i, g)

    def complete(self) -> None:
        """Put the mean in the gradient's place."""
        refuse_recording("averages gradients over ranks", COMPILED)
        self.averager.finish()


class Averager:
    """Puts means over ranks in the place of gradients, begun in the backward pass if it `listens`.

    The buckets begin with the last parameters, as backward passes do, and leave in the same order on all ranks.
    """

    def __init__(
        self, params: Sequence[Tensor], bucket: int = BUCKET, *, listens: bool = True, stays: bool = True
    ) -> None:
        self.here, self.listens = world(), listens
        stays = stays and sum(p.size * computing_dtype(p.dtype).itemsize for p in params) <= IN_SHARED_MEMORY
        self.buckets: list[Bucket] = buckets_of(params, bucket, stays) if self.here.size > 1 else []
        self.weight: float | Callable[[], float] = 1.0  # how much this rank counts
        self.sent = 0  # how many buckets are under way
        self.sending = True  # whether backward passes send
        self.done = False  # whether the gradients are means already
        self.listening: dict[Any, Any] = {}
        self.listen()

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
            self.stop_listening()
            self.listening = now
            arrivals.update(now)

    def close(self) -> None:
        """Hear of no more gradients, and wait for what is under way."""
        self.drop()
        self.stop_listening()
        for bucket in self.buckets:
            bucket.message.give_back()
        self.buckets = []

    def stop_listening(self) -> None:
        """Hear of no more gradients."""
        for notes in self.listening:
            arrivals.pop(notes, None)
        self.listening = {}

    def counted(self) -> float:
        """How much this rank counts now."""
        weight = self.weight() if callable(self.weight) else self.weight
        if not (isinstance(weight, int | float | np.number) and 0 < weight < math.inf):
            raise ValueError(f"a rank counts by the number of its samples, which is finite and above 0; got {weight!r}")
        return float(weight)

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
            under_way.request.Test()  # MPI moves data while it is asked to
        while self.sent < len(self.buckets) and self.buckets[self.sent].is_full:
            self.send()

    def send(self) -> None:
        """Let the next bucket go."""
        self.buckets[self.sent].start(self.counted())
        self.sent += 1

    def finish(self) -> None:
        """Send what no backward pass has sent, and leave the means in the gradients."""
        if self.done:
            return
        for bucket in self.buckets[self.sent :]:
            for i, p in enumerate(bucket.params):
                if i not in bucket.filled:
                    g = None if p.node is None else gradient_of(p.node)
                    bucket.fill(i, None if g is None else unwrap(g), self.counted())
            self.send()
        for bucket in self.buckets:
            bucket.deliver()
        self.sent, self.done = 0, True
        self.listen()

    def drop(self) -> None:
        """Forget what is under way."""
        for bucket in self.buckets:
            bucket.wait()
        self.sent, self.done = 0, False


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
