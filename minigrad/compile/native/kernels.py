"""Statements in a row as one function of native code, which has the addresses of most arrays in its text."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ..names import Names
from ..program import OUTSIDE, RESULT, Refused, Value
from .assembly import CASTS, FIRST
from .calls import CALLS, INTRINSIC, LIBM
from .curves import CURVES
from .loops import Statement, fused
from .places import address
from .translation import CONSTANTS

# Names that the text of statements has for other things than arrays.
VARIABLES = ["i", "j", "p", "total", "element", "position", "block", "turn", "turns", "done", "Refused"]
VARIABLES += [f"{letter}{k}" for letter in ("i", "j", "total") for k in range(32)]
FUNCTIONS = [*CALLS, *CASTS, *INTRINSIC, *LIBM, *CONSTANTS, *CURVES, "max", "min", "shared"]

WORD = re.compile(r"\w+")

ON_STACK = 1024  # bytes of a result that is kept on the stack
STACK = 2**16  # bytes on the stack altogether; a thread has some hundred kilobytes
LONG = 32  # statements of one function; in a longer one, each calls a function that equal statements share


class Kernel:
    """A function of native code for some statements.

    Parameters
    ----------
    statements : list of Statement
    given : list of Value
        What the function takes, as arrays.
    needed : set of Value
        What others read when the function is done, as roots.
    turns : array of three integers, or None
        How often the function is to do it all, and whether it takes a row of each of `moving` in each turn; it says how
        many turns it has done.
    moving : set of Value
        Of what is given: what may be stacked.
    """

    def __init__(
        self,
        name: str,
        statements: Iterable[Statement],
        given: Sequence[Value],
        needed: set[Value],
        turns: np.ndarray | None = None,
        moving: Iterable[Value] = (),
    ) -> None:
        self.name = name
        self.blocks: list[np.ndarray] = []  # memory of its own
        self._names = Names(*VARIABLES, *FUNCTIONS)
        self._name: dict[Value, str] = {}
        self._ready: list[str] = []
        self._stack = STACK  # bytes that are left
        self._turns, self._moving = turns, set(moving)
        self.alive: list[np.ndarray] = []  # memory of which the function has the addresses, by number
        self._held: dict[Value, np.ndarray] = {}  # blocks, by the value that is in them now
        self._free: list[np.ndarray] = []
        self._pieces: dict[Any, int] = {}
        self._piece_of: dict[Value, int] = {}
        self.shared: dict[str, str] = {}  # text of functions that statements call, and what they are called here
        groups = fused(statements)
        self._memory = {place.base: place.memory for group in groups for place in [*group.reads, *group.writes]}
        written = dict.fromkeys(place.base for group in groups for place in group.writes)
        self.changed = [value.source for value in written if value.origin == OUTSIDE]  # which it writes to
        takes = [self._names.new(f"{value.name or 'x'}_array") for value in given]
        starts = [self._given(value, text) for value, text in zip(given, takes, strict=True)]
        self.text = self._whole(takes, starts, self._body(groups, needed))

    def _body(self, groups: Sequence[Statement], needed: set[Value]) -> list[list[str]]:
        """The lines of each statement, after those of checks; memory of its own is used again."""
        uses = [dict.fromkeys(place.memory for place in [*group.reads, *group.writes]) for group in groups]
        last = {memory: i for i, use in enumerate(uses) for memory in use}
        lasting = {memory for memory in last if memory in needed or not (memory.origin == RESULT or memory.scratch)}

        changed = {place.memory for group in groups for place in group.writes}
        checks = dict.fromkeys(tuple(group.checks(self._say, changed)) for group in groups)
        body = [list(lines) for lines in checks if lines]
        for i, group in enumerate(groups):
            body.append(group.lines(self._say, lambda memory, i=i: memory in lasting or last[memory] > i))
            done = [memory for memory in uses[i] if memory in self._held and last[memory] == i]
            self._free += map(self._held.pop, done)
        return body

    def _given(self, value: Value, text: str) -> str:
        """The line that finds the memory of an argument."""
        name = self._name[value] = self._names.new(value.name or "x")
        piece = self._piece_of[value] = self._piece(self._memory[value])
        pointer = f"at({text}, {type_name(value.dtype)}, {piece})"
        moves = self._turns is not None and value in self._moving
        return f"{name} = past({pointer}, turn * {value.size})" if moves else f"{name} = {pointer}"

    def _piece(self, memory: Any) -> int:
        """The number of a piece of memory, which overlaps with no other."""
        return self._pieces.setdefault(memory, len(self._pieces))

    def _say(self, value: Value) -> str:
        """The name of the pointer to a value's memory."""
        if value not in self._name:
            name = self._name[value] = self._names.new(value.name or "t", numbered=not value.name)
            dtype = type_name(value.dtype)
            if value.source is None and value.nbytes <= min(ON_STACK, self._stack):
                self._stack -= value.nbytes
                piece = self._piece(value)
                text = f"stack({value.size}, {dtype}, {piece})"
            else:
                array = self._take(value) if value.source is None else value.source
                piece = self._piece(id(array) if value.source is None else self._memory[value])
                text = f"at({self._kept(array)}, {dtype}, {piece})"
            self._piece_of[value] = piece
            self._ready.append(f"{name} = {text}")
        return self._name[value]

    def _kept(self, array: np.ndarray) -> str:
        """The address of memory that is there already."""
        self.alive.append(array)
        return f"kept({FIRST + len(self.alive) - 1})"

    def _take(self, value: Value) -> np.ndarray:
        """Memory for a result, which others may have had before."""
        fitting = [block for block in self._free if block.nbytes >= value.nbytes]
        if fitting:
            block = min(fitting, key=lambda b: b.nbytes)
            self._free = [other for other in self._free if other is not block]
        else:
            block = np.empty(value.nbytes, np.uint8)
            self.blocks.append(block)
        self._held[value] = block
        return block

    def _as_call(self, lines: list[str]) -> list[str]:
        """A statement as the call of a function that is given addresses, so that equal statements share it."""
        value_of = {name: value for value, name in self._name.items()}
        words = dict.fromkeys(word for line in lines for word in WORD.findall(line) if word in value_of)
        given = {word: f"m{i}" for i, word in enumerate(words)}
        pieces = {piece: k for k, piece in enumerate(dict.fromkeys(self._piece_of[value_of[word]] for word in words))}
        text = f"def statement({', '.join(given.values())}):\n"
        for word, m in given.items():
            piece, dtype = pieces[self._piece_of[value_of[word]]], type_name(value_of[word].dtype)
            text += f"    {m} = at({m}, {dtype}, {piece})\n"
        for line in lines:
            text += f"    {WORD.sub(lambda found: given.get(found[0], found[0]), line)}\n"
        if text not in self.shared:
            self.shared[text] = self._names.new("statement", numbered=True)
        return [f"{self.shared[text]}({', '.join(given)})"]

    def _whole(self, takes: list[str], starts: list[str], body: list[list[str]]) -> str:
        if len(body) > LONG:
            body = [self._as_call(lines) for lines in body]
        steps = [*starts, *(line for lines in body for line in lines)]
        if self._turns is not None:
            self._ready.append(f"turns = at({self._kept(self._turns)}, int64, {self._piece('turns')})")
            loop = [
                "for done in range(load(turns, 0)):",
                "    store(turns, 2, done)",
                "    turn = done * load(turns, 1)",
            ]
            steps = [*loop, *(f"    {line}" for line in steps), "store(turns, 2, load(turns, 0))"]
        head = f"def {self.name}({', '.join(takes)}):"
        return "\n".join([head, *(f"    {line}" for line in [*self._ready, *steps] or ["pass"]), ""])

    @property
    def listing(self) -> str:
        """All of the text."""
        shared = [text.replace("def statement(", f"def {name}(", 1) for text, name in self.shared.items()]
        return "\n\n".join([*shared, self.text])

    @property
    def table(self) -> list[int]:
        """The addresses of memory that is there already."""
        return [address(array) for array in self.alive]

    def careful(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function of native code, which stops before a turn that it refuses, if that is not the first."""
        if self._turns is None or "raise Refused" not in self.listing:
            return function
        return stopping(function, self._turns)


def stopping(function: Callable[..., Any], turns: np.ndarray) -> Callable[..., Any]:
    """A function that stops before a turn which it refuses, if that is not the first."""

    @wraps(function)
    def stop(*args: Any) -> None:
        try:
            function(*args)
        except Refused:
            if not turns[2]:
                raise

    return stop


def type_name(dtype: np.dtype) -> str:
    """What the text calls a dtype."""
    return "boolean" if dtype.kind == "b" else dtype.name
