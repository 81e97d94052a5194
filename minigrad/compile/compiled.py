"""A compiled function: which program serves a call, and what a call of it leaves behind."""

import threading
from collections.abc import Callable, Mapping
from functools import update_wrapper
from operator import itemgetter
from types import MethodType
from typing import Any

import numpy as np

from ..errors import RecordingError
from ..levels import current_depth, is_grad_enabled, recorder, unusual, watcher
from ..tensor import Tensor
from ..tree import leaves, tree_map
from .first_run import recorded
from .program import Refused
from .replay import UNFIT, Replay, Stats

MANY = 32  # programs that a function keeps


class Compiled:
    """A function that is recorded at its first call with arguments of a kind, and replayed at all others."""

    def __init__(self, function: Callable[..., Any], backend: str = "numpy") -> None:
        if not callable(function):
            raise TypeError(f"compile takes a function; got {type(function).__name__}")
        if backend != "numpy":
            raise ValueError(f"backend is 'numpy', the only one so far; got {backend!r}")
        update_wrapper(self, function)
        self.function = function
        self.backend = backend
        self._lock = threading.RLock()
        self._replays: dict[Any, list[Replay]] = {}
        self._latest: Replay | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if current_depth.get() or (unusual and (recorder.get() is not None or watcher.get() is not None)):
            return self.function(*args, **kwargs)  # a transformation, another recording or detect_anomaly() looks on
        inputs: list[Any] = []
        key = kind_of((args, kwargs), inputs) if args or kwargs else None
        if unusual and not is_grad_enabled():
            key = key, "no_grad"
        self._lock.acquire()
        try:
            for replay in self._replays.get(key, ()):
                answer = replay.run(inputs)
                if answer is not UNFIT:
                    return answer
            return self._record(key, args, kwargs)
        except Refused:
            return self.function(*args, **kwargs)  # which raises an error that says more
        finally:
            self._lock.release()

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else MethodType(self, instance)

    def _record(self, key: Any, args: Any, kwargs: Any) -> Any:
        if sum(map(len, self._replays.values())) >= MANY:
            del self._replays[next(iter(self._replays))]
        program, answer = recorded(self.function, args, kwargs)
        replay = Replay(program)
        self._replays.setdefault(key, []).append(replay)
        self._latest = replay
        return answer

    def repeat(self, n: int, *args: Any, **kwargs: Any) -> Any:
        """Call the function `n` times with the same arguments; the last answer."""
        answer = None
        for _ in range(n):
            answer = self(*args, **kwargs)
        return answer

    def scan(self, *stacked: Any) -> Any:
        """Call the function for each entry of the first axis of all arrays, in order; the answers, stacked.

        Raises
        ------
        ValueError
            If the arrays are of different lengths, or of none.
        """
        lengths = {len(x) for tree in stacked for x in leaves(tree)}
        if len(lengths) != 1 or lengths == {0}:
            raise ValueError(f"scan takes arrays of one length, at least 1; got lengths {sorted(lengths)}")
        answers = [self(*(tree_map(itemgetter(i), tree) for tree in stacked)) for i in range(lengths.pop())]
        return tree_map(lambda *parts: np.stack(parts), answers[0], *answers[1:]) if answers[0] is not None else None

    def __reduce__(self) -> Any:
        return type(self), (self.function, self.backend)  # which records anew

    @property
    def source(self) -> str:
        """The latest program as Python source that needs NumPy alone."""
        return self._recorded().source

    @property
    def stats(self) -> Stats:
        """How many calls the latest program was made of, how many it does without, and the memory it takes."""
        return self._recorded().stats

    def _recorded(self) -> Replay:
        if self._latest is None:
            raise RecordingError("nothing is recorded yet: call the compiled function first")
        return self._latest


def kind_of(x: Any, inputs: list[Any]) -> Any:
    """What must be equal for a program to serve a call; arrays and numbers, which may differ, go to `inputs`."""
    if isinstance(x, np.ndarray):
        inputs.append(x)
        return x.shape, x.dtype, x.strides
    if isinstance(x, tuple | list):
        return type(x), *[kind_of(part, inputs) for part in x]
    if isinstance(x, Mapping):
        return type(x), *[(key, kind_of(part, inputs)) for key, part in x.items()]
    if isinstance(x, Tensor) and not x.requires_grad:
        return Tensor, kind_of(x.data, inputs)
    if type(x) in (int, float) or isinstance(x, np.generic | np.random.Generator):
        inputs.append(x)
        return type(x)
    try:
        hash(x)
    except TypeError:
        return type(x), id(x)
    return type(x), x
