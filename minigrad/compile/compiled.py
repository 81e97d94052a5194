"""A compiled function: which program serves a call, and what a call of it leaves behind."""

import os
import threading
import warnings
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from functools import update_wrapper
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from operator import index, itemgetter, methodcaller
from types import MethodType
from typing import Any

import numpy as np

from ..core import sweep as engine
from ..core.context import USUAL, context
from ..core.door import unwrap
from ..core.tensor import Tensor
from ..core.tree import leaves, tree_map
from ..errors import RecordingError
from .backends import backend_of, name_of
from .first_run import recorded
from .kinds import key_of, kind_of, test_of
from .program import Failed, Refused, Stale
from .replay import UNFIT, Kept, Replay, Stats, unfit

MAX_VARIANTS = 8  # programs for arguments of one kind, which differ in what is outside
GIVEN_UP: list[Replay] = []
here = context.get


class Compiled:
    """A function that is recorded at its first call with arguments of a kind, and replayed at all others."""

    recorded_by = ()  # inside of another one, only the function matters

    def __init__(self, function: Callable[..., Any], backend: Any = "numpy", max_programs: int = 32) -> None:
        if not callable(function):
            raise TypeError(f"compile takes a function; got {type(function).__name__}")
        if iscoroutinefunction(function) or isgeneratorfunction(function) or isasyncgenfunction(function):
            raise TypeError(
                f"compile takes a function that runs when it is called; {function.__qualname__} is async or has a "
                f"yield. Compile the steps that it makes"
            )
        if isinstance(max_programs, bool) or not isinstance(max_programs, int) or max_programs < 1:
            raise ValueError(f"max_programs is an integer, at least 1; got {max_programs!r}")
        self._by = backend_of(backend)
        update_wrapper(self, function)
        self.function = function
        self.backend = backend
        self.max_programs = max_programs
        self._lock: Any = threading.RLock()
        alive.add(self)
        self._replays: dict[Any, list[Replay]] = {}
        self._refusals: Counter[Any] = Counter()  # by kind: calls that no program served, though the function could
        self._warned = False  # that calls run uncompiled
        self._latest: Replay | None = None
        self._straight: Callable[..., Any] = unfit  # the latest program, which asks itself for the kinds

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if here() is USUAL:
            answer = self._straight(args, kwargs)
            if answer is not UNFIT:
                return answer
        return self._call(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The answer of a program, the latest or another one, of the function while it is recorded, or of itself."""
        now = context.get()
        if now.depth or now.recorder is not None or now.ambient is not None:
            return self.function(*args, **kwargs)  # a transformation, another recording or detect_anomaly() looks on
        inputs: list[Any] = []
        key = key_of(args, kwargs, inputs)
        if now.recorded_from:
            key = key, "no_grad"
        replays = self._replays.get(key, ())
        reason = ""  # why no program serves the call, though the function does
        try:
            answer = self._replayed(replays, inputs, now)
            if answer is UNFIT and replays is not GIVEN_UP:
                with engine.adding, self._lock:  # while nobody else records, and all is as it is
                    answer = self._replayed(self._replays.get(key, ()), inputs, now)
                    if answer is UNFIT and self._has_room(key):
                        return self._record(key, args, kwargs)
            if answer is not UNFIT:
                return answer
        except Refused:
            reason = "numbers that it takes out of arrays differ from call to call. Return the arrays"
        except Failed as failed:
            reason, self._refusals[key] = str(failed), MAX_VARIANTS - 1
        answer = self.function(*args, **kwargs)  # which may raise an error, in its own words
        if reason:
            self._count_refusal(key, reason)
        return answer

    def _replayed(self, replays: Sequence[Replay], inputs: list[Any], now: Any) -> Any:
        """The answer of the first program that serves a call, UNFIT if none does."""
        for replay in replays:
            try:
                answer = replay.run(inputs)
            except Stale:
                continue
            if answer is not UNFIT:
                self._straight = replay.straight if now is USUAL else self._straight
                return answer
        return UNFIT

    def _has_room(self, key: Any) -> bool:
        """Whether one more program may be recorded."""
        kept = self._replays.get(key, ())
        if len(kept) == MAX_VARIANTS:
            changed = kept[0].guard.first_change()
            self._give_up(key, f"{changed} has changed before each of {MAX_VARIANTS + 1} calls")
        elif sum(map(len, self._replays.values())) < self.max_programs:
            return True
        else:
            self._give_up(key, f"it has {self.max_programs} programs (max_programs), none of which serves them", kept)
        return False

    def _count_refusal(self, key: Any, reason: str) -> None:
        """Note that no program served a call, though the function did, which is too slow to happen often."""
        self._refusals[key] += 1
        if self._refusals[key] == MAX_VARIANTS:
            self._give_up(key, reason)

    def _give_up(self, key: Any, reason: str, kept: Sequence[Replay] = ()) -> None:
        """Let calls with arguments of a kind run uncompiled from now on, but for those that programs `kept` serve."""
        if not self._warned:
            self._warned = True
            warnings.warn(f"{self!r} runs uncompiled for some arguments, as {reason}", RuntimeWarning, stacklevel=4)
        if not kept and (key in self._replays or self._refusals[key]):
            self._replays[key] = GIVEN_UP  # other kinds of arguments are not remembered, as there may be many

    def __repr__(self) -> str:
        name = getattr(self.function, "__qualname__", None) or repr(self.function)
        many = sum(map(len, self._replays.values()))
        return f"<compiled {name}, backend {name_of(self.backend)!r}: {many} program{'s' * (many != 1)}>"

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else MethodType(self, instance)

    def _record(self, key: Any, args: Any, kwargs: Any) -> Any:
        test = test_of(args, kwargs)  # before the function may change them
        try:
            program, answer = recorded(self.function, args, kwargs)
        except RecordingError:
            raise
        except Exception as error:  # after which all is as it was
            raise Failed(f"it raises an error where it is recorded, and only there: {error!r}") from None
        if program is None:
            self._count_refusal(
                key, "it changes what is outside in ways that no replay could, or has threads compute for it"
            )
            return answer
        replay = Replay(program, self._by, self._lock, test)
        self._replays[key] = [replay, *self._replays.get(key, ())]  # another list, as threads go through the former
        self._latest = replay
        return answer

    def repeat(self, n: int, *args: Any, **kwargs: Any) -> Any:
        """Call the function `n` times with the same arguments; the last answer, None if `n` is 0.

        It is one call of a backend that can repeat this program, as in native code if all of the function is: Python
        takes no part in it, and cannot interrupt it.
        """
        answer, n = None, index(n)
        while n > 0:
            inputs: list[Any] = []
            key = key_of(args, kwargs, inputs)
            done, answer = self._at_once(key, methodcaller("repeat", n, inputs))
            if done < n:
                answer, done = self(*args, **kwargs), done + 1
            n -= done
        return answer

    def scan(self, *stacked: Any) -> Any:
        """Call the function for each entry of the first axis of all arrays, in order; the answers, stacked.

        Raises
        ------
        ValueError
            If the arrays are of different lengths, or of none.
        TypeError
            If something else is given than arrays with a first axis, or the function returns something else.
        """
        for x in leaves(stacked):
            if not isinstance(x, np.ndarray | Tensor) or not x.ndim:
                raise TypeError(
                    f"scan goes through the first axis of arrays; got {type(x).__name__} {x!r}. What is the same in "
                    f"all calls comes from outside, as by functools.partial"
                )
        lengths = {len(x) for x in leaves(stacked)}
        if len(lengths) != 1 or lengths == {0}:
            raise ValueError(f"scan takes arrays of one length, at least 1; got lengths {sorted(lengths)}")
        answers: list[Any] = []
        n, start = lengths.pop(), 0
        while start < n:
            entry, rest = entries_from(start, stacked)
            done, many = self._at_once(key_of(entry, {}, []), methodcaller("scan", rest))
            if not done:
                done, many = 1, tree_map(lambda y: an_array(y)[None], self(*entry))
            answers.append(tree_map(lambda y, done=done: an_array(y)[:done], many))
            start += done
        return concatenated(answers)

    def _at_once(self, key: Any, run: Callable[[Any], tuple[int, Any]]) -> tuple[int, Any]:
        """How many calls `run` has made of the program that serves them, and its answer."""
        if context.get() != USUAL:
            return 0, None
        for replay in self._replays.get(key, ()):
            try:
                done, answer = run(replay)
            except Refused:
                return 0, None
            if done:
                return done, answer
        return 0, None

    def __reduce__(self) -> Any:
        return type(self), (self.function, self.backend, self.max_programs)  # which records anew

    @property
    def source(self) -> str:
        """The latest program as Python source that needs NumPy alone; the loops of native code follow it."""
        return self._recorded().source

    @property
    def stats(self) -> Stats:
        """How many calls the latest program was made of, how many it does without, and the memory it takes."""
        return self._recorded().stats

    @property
    def programs(self) -> list[Kept]:
        """The programs that are kept, each with what its arguments consist of and its stats."""
        return [Kept(replay.arguments, replay.stats) for kept in self._replays.values() for replay in kept]

    def _recorded(self) -> Replay:
        if self._latest is None:
            raise RecordingError("nothing is recorded yet: call the compiled function first")
        return self._latest


alive: weakref.WeakSet[Compiled] = weakref.WeakSet()


def renew_locks() -> None:
    """After a fork nobody would give the locks back that other threads of the parent held."""
    for function in alive:
        function._lock._at_fork_reinit()  # as the standard library does with its own


if hasattr(os, "register_at_fork"):  # pragma: no branch: only Windows has none
    os.register_at_fork(after_in_child=renew_locks)


def entries_from(start: int, stacked: Sequence[Any]) -> tuple[tuple[Any, ...], list[Any]]:
    """An entry of the first axis of all arrays, and the arrays from there on."""
    entry = tuple(tree_map(itemgetter(start), tree) for tree in stacked)
    rest: list[Any] = []
    kind_of([tree_map(lambda x: unwrap(x)[start:], tree) for tree in stacked], rest)
    return entry, rest


def an_array(y: Any) -> Any:
    """An answer that can be stacked."""
    if not isinstance(y, np.ndarray | np.generic | Tensor):
        raise TypeError(f"scan stacks the arrays that the function returns; got {type(y).__name__} {y!r:.60}")
    return y


def concatenated(answers: Sequence[Any]) -> Any:
    """Stacked answers, one after the other; None if that is what the function answers."""
    return None if answers[0] is None else tree_map(lambda *parts: np.concatenate(parts), *answers)
