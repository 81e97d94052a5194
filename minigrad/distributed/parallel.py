"""Optimizers whose steps are those of all ranks together."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from ..core.recorder import refuse_recording
from ..core.tape import gradient_of, mark_changed, put_gradient
from ..optim import LBFGS, Optimizer
from ..optim.hyperparameters import checked_number
from .buckets import BUCKET, COMPILED, Averager
from .sharded import Sharded
from .world import world


class DataParallel(Optimizer):
    """What `optimizer` adds to an optimizer."""

    averager: Averager
    _owners: list[int] | None = None  # the rank that updates each parameter, where each updates its own

    @property
    def samples(self) -> float:
        """How much this rank's gradients count: of how many samples they are the mean."""
        return self.averager.counted()

    @samples.setter
    def samples(self, count: float) -> None:
        count = checked_number("samples", count, low=0.0)
        if not count:
            raise ValueError("samples is above 0, as a mean is over some; got 0. Give each rank a part of each batch")
        if self.averager.under_way:
            raise RuntimeError(
                "the gradients on their way to the other ranks count by the samples of before. Set samples before "
                "backward()"
            )
        self.averager.weight = count

    def average(self) -> None:
        """Wait until the gradients are the means over ranks, as `step` does at first; called twice, nothing happens.

        For what is done with gradients between `backward()` and `step()`; `clip_grad_norm_` and `clip_grad_value_` call
        it themselves.
        """
        if self.averager.buckets:
            refuse_recording("averages gradients over ranks", COMPILED)
            self.averager.finish()

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """In this block backward passes add to the gradients of this rank alone, and send nothing."""
        before, self.averager.sending = self.averager.sending, False
        try:
            yield
        finally:
            self.averager.sending = before

    def step(self) -> None:
        """Update each parameter by the mean of its gradients over ranks."""
        self.average()
        if self._owners is None:
            self.own_step()
        else:
            self._step_own()
        self.averager.done = False

    def own_step(self) -> None:
        """Update each parameter that has a gradient, on this rank."""
        super().step()

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.averager.drop()
        super().zero_grad(set_to_none)

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        super().add_param_group(group)
        before = self.averager
        before.close()
        self.averager = Averager(self.params, before.bucket)
        self.averager.weight, self.averager.sending = before.weight, before.sending
        if self._owners is not None:
            self._share_out()

    # Each rank keeps the state of some parameters, updates these, and sends them to all others

    def _share_out(self) -> None:
        """Let each rank update some of the parameters: the largest first, each by who has least to do by then.

        Those that have an owner keep it, as it has their state.
        """
        owners = [*(self._owners or ())]
        loads = [
            sum(p.size for p, owner in zip(self.params, owners, strict=False) if owner == rank)
            for rank in range(world().size)
        ]
        added = range(len(owners), len(self.params))
        owners += [0] * len(added)
        for i in sorted(added, key=lambda i: -self.params[i].size):
            owners[i] = loads.index(min(loads))
            loads[owners[i]] += self.params[i].size
        self._owners = owners
        self._release()

    def _release(self) -> None:
        """Give up the state of parameters that other ranks update: of arrays, nothing but the shape is left."""
        for slot, owner in zip(self._slots, self._owners or (), strict=True):
            if owner != world().rank:
                slot.kept = {name: np.broadcast_to(np.zeros((), x.dtype), x.shape) for name, x in slot.kept.items()}
                slot.cut(None)
        self._list()

    def _step_own(self) -> None:
        """Update this rank's parameters, and take the others' from the other ranks."""
        here = world()
        others = [p for p, owner in zip(self.params, self._owners or (), strict=True) if owner != here.rank]
        held = [(p.node, gradient_of(p.node)) for p in others if p.node is not None]
        try:
            for node, _ in held:
                put_gradient(node, None)
            self.own_step()
        finally:
            for node, g in held:
                put_gradient(node, g)
        gather([p.value for p in self.params], self._owners or [])
        for p in others:
            if p.node is not None:
                mark_changed(p.node)

    def state_dict(self) -> dict[str, Any]:
        """As that of the optimizer itself. Where each rank keeps a part of it, all ranks have to call it."""
        state = super().state_dict()
        if self._owners is not None:
            groups, rank = state["groups"], world().rank
            index = [str(next(i for i, g in enumerate(self.param_groups) if g is slot.group)) for slot in self._slots]
            places = list(zip(index, (slot.name for slot in self._slots), self._owners, strict=True))
            own = {(i, name): groups[i]["params"][name] for i, name, owner in places if owner == rank}
            for part in world().from_all(own):
                for (i, name), kept in part.items():
                    groups[i]["params"][name] = kept
        return state

    def _load(self, state: Mapping[str, Any]) -> None:
        if self._owners is None:
            super()._load(state)
            return
        for slot in self._slots:
            slot.kept, slot.number_names = {}, []
            slot.add(self._started(slot.group.numbers, slot.w))
        super()._load(state)
        self._plan()
        self._release()


@cache
def parallel(kind: type) -> type:
    """The class of optimizers of a kind that step together."""
    made = type(kind.__name__, (DataParallel, kind), {"__doc__": kind.__doc__, "__module__": kind.__module__})
    made.__qualname__ = kind.__qualname__
    return made


def optimizer(own: Any, loader: Any = None, *, shard_state: bool = False, bucket_bytes: int = BUCKET) -> Any:
    """Let the steps of an optimizer be those of all ranks together: by the mean of their gradients.

    The gradients travel in buckets, which leave as soon as the backward pass has found all in them, and so on its way.
    Until `step`, or `average()`, a parameter's `grad` is that of this rank. All ranks have to make the same steps.

    Parameters
    ----------
    own : Optimizer
        Of the same parameters in the same order on all ranks; not `LBFGS`, whose steps take a closure.
    loader : Sharded, optional
        Where the batches come from: gradients count by the samples that this rank had of the latest. Without it, they
        count by the attribute `samples`, which is 1 unless set.
    shard_state : bool
        Whether each rank shall keep the optimizer's state of some parameters only, update these, and send them to the
        others (ZeRO, stage 1). Then `state_dict` and `load_state_dict`, whose states are whole ones, are for all ranks
        together.
    bucket_bytes : int > 0
        A larger parameter has a bucket of its own.

    Returns
    -------
    Optimizer
        The same one, which has three more methods and one more attribute: `average()`, `no_sync()` and `samples`. In a
        world of one it steps as before.

    Raises
    ------
    TypeError, ValueError
        If it is no optimizer, steps together already, or an option is none.

    References
    ----------
    Li et al., PyTorch distributed: experiences on accelerating data parallel training, VLDB 2020 (arXiv:2006.15704),
    for buckets and overlap; Rajbhandari et al., ZeRO, SC 2020 (arXiv:1910.02054).
    """
    check(own, loader, bucket_bytes)
    averager = Averager(own.params, bucket_bytes)
    own.__class__ = parallel(type(own))
    own.averager = averager
    if loader is not None:
        own.averager.weight = samples_of(loader)
    if shard_state and world().size > 1:
        own._share_out()
    return own


def check(own: Any, loader: Any, bucket_bytes: Any) -> None:
    """Refuse what cannot step together."""
    if not isinstance(own, Optimizer) or isinstance(own, LBFGS):
        raise TypeError(f"an optimizer from mg.optim that steps once a batch can step together; got {own!r:.60}")
    if isinstance(own, DataParallel):
        raise ValueError("this optimizer steps together with those of the other ranks already")
    if loader is not None and not isinstance(loader, Sharded):
        raise TypeError(f"loader is a distributed.Sharded, which counts samples; got a {type(loader).__name__}")
    if isinstance(bucket_bytes, bool) or not isinstance(bucket_bytes, int) or bucket_bytes < 1:
        raise ValueError(f"bucket_bytes is an integer, at least 1; got {bucket_bytes!r}")


def samples_of(loader: Sharded) -> Callable[[], float]:
    """How many samples this rank had of the latest batch."""
    return lambda: loader.samples_here


def gather(arrays: list[Any], owners: list[int]) -> None:
    """Let each array have the values that it has on the rank that owns it, in place."""
    here = world()
    pieces = [[x for x, owner in zip(arrays, owners, strict=True) if owner == rank] for rank in range(here.size)]
    flat = [np.empty(0, np.uint8), *(x.reshape(-1).view(np.uint8) for x in pieces[here.rank])]
    everything, _ = here.gathered(np.concatenate(flat), "share out updated parameters")
    at = 0
    for x in (x for part in pieces for x in part):
        x[...] = everything[at : at + x.nbytes].view(x.dtype).reshape(x.shape)
        at += x.nbytes
