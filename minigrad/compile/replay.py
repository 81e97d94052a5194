"""The replay of a program: NumPy's calls once more, and what they leave outside."""

import linecache
import weakref
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import cached_property
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from ..core import sweep as engine
from ..core.door import unwrap
from ..core.tape import mark_changed
from ..core.tensor import Tensor, constant_tensor
from ..core.values import as_array
from .checks import is_change, late_changes, may_refuse, restoring
from .guards import GONE, same
from .kinds import Test
from .program import ARGUMENT, BRANCHED, LOOKED_UP, Program, Refused, Spot, Value, leaves_of, mapped
from .simplify import simplify

UNFIT = object()
numbers = count(1)


class Stats(NamedTuple):
    """What a program is made of: calls that were recorded, calls left out of them, buffers, and their bytes."""

    recorded: int
    removed: int
    buffers: int
    bytes: int


class Kept(NamedTuple):
    """A program that is kept: the arrays, numbers and generators that its arguments consist of, and its stats."""

    arguments: list[str]
    stats: Stats


class Replay:
    """A program that can run: `run` takes the arrays and numbers of the arguments, in a list.

    It returns what the function would, or UNFIT if the program does not do what the function would now, as it depends
    on settings, and on which leaves have a gradient already. `straight` takes the arguments as they come, a tuple and a
    dict, and returns UNFIT as well if they are of another kind, or a check fails.
    """

    def __init__(self, program: Program, backend: Any, lock: Any, test: Test | None) -> None:
        recorded, self.guard, self.program, self.lock = len(program.calls), program.guard, program, lock
        simplify(program)
        removed, before = max(recorded - len(program.calls), 0), copy(program)
        early = late_changes(program, may_refuse)
        self.runner = backend.prepare(program)
        if not callable(self.runner):
            raise TypeError(f"prepare(program) of a backend returns a function; got {self.runner!r}")
        restores = getattr(self.runner, "restores", False)
        at_checks = getattr(self.runner, "refuses_at_checks", False)  # another may refuse at any call
        changes = early if at_checks else [*filter(is_change, before.calls)]
        step = self.runner if restores else restoring(self.runner, before, changes)
        self._test, self._body = test, Body(program, step, lock)
        self.source = getattr(self.runner, "source", "")
        memory = getattr(self.runner, "memory", ())  # bytes of each buffer
        self.stats = Stats(recorded, removed, len(memory), sum(memory))
        self.arguments = [argument_in_words(x) for x in program.arguments if x.origin == ARGUMENT]

    @cached_property
    def run(self) -> Callable[[list[Any]], Any]:
        """The program, of inputs; made when it is first needed, as many a program serves one call."""
        return self._body.run()

    @cached_property
    def straight(self) -> Callable[[Any, Any], Any]:
        """The program, of arguments."""
        return unfit if self._test is None else self._body.straight(self._test)

    def repeat(self, n: int, inputs: list[Any]) -> tuple[int, Any]:
        """How many of `n` calls the runner has made by itself, 0 if it cannot repeat, and the answer of the last."""
        repeat = getattr(self.runner, "repeat", None)
        return (0, None) if repeat is None else self._at_once(lambda *arguments: repeat(n, *arguments), inputs)

    def scan(self, inputs: list[np.ndarray]) -> tuple[int, Any]:
        """How many entries of the inputs the runner has gone through by itself, and their stacked answers."""
        scan = getattr(self.runner, "scan", None)
        return (0, None) if scan is None else self._at_once(lambda *_: scan(inputs), inputs)

    def _at_once(self, many: Callable[..., tuple[int, Any]], inputs: list[Any]) -> tuple[int, Any]:
        """How many calls were made, and the answer, where `many` takes the place of a single call."""
        done = 0

        def step(*arguments: Any) -> Any:
            nonlocal done
            done, results = many(*arguments)
            return results

        answer = Body(self.program, step, self.lock).run()(inputs)
        return done, answer


def argument_in_words(x: Value) -> str:
    """An argument in words."""
    if x.dtype == object:
        return "generator"
    return "number" if x.number else f"{x.dtype} {x.shape}"


class Body:
    """The source that calls `step`, and does outside what a program does there.

    A general function, with its loops and branches, would take as long as four of NumPy's calls, which small networks
    would notice. Programs that leave gradients have all leaves to themselves meanwhile, others their own memory.
    """

    def __init__(self, program: Program, step: Callable[..., Any], lock: Any) -> None:
        names: dict[str, Any] = {
            "step": step,
            "UNFIT": UNFIT,
            "Refused": Refused,
            "mark": mark_changed,
            "unwrap": unwrap,
        }
        names |= {"constant": constant_tensor, "as_array": as_array}
        names |= {"filled": filled, "array_in": array_in, "kind_in": kind_in}
        names["lock"] = engine.adding if program.gradients else lock
        self._names, self._guard = names, program.guard
        self._lines = lines_of(program, self._names)

    def run(self) -> Any:
        """The function of a list of inputs."""
        self._names["unchanged"] = self._guard.unchanged
        lines = ["def run(inputs):", "    with lock:", *(f"        {line}" for line in self._lines)]
        return defined("run", lines, self._names)

    def straight(self, test: Test) -> Any:
        """The function of arguments as they come, which are inputs if they pass a test."""
        self._names["unchanged"] = self._guard.unchanged
        lines = [*test.lines(), "with lock:", "    try:", *(f"        {line}" for line in self._lines)]
        lines += ["    except Refused:", "        return UNFIT"]
        lines = ["def straight(args, kwargs):", *(f"    {line}" for line in lines)]
        return defined("straight", lines, self._names | test.names)


def unfit(args: Any, kwargs: Any) -> Any:
    """What serves no call."""
    return UNFIT


def lines_of(program: Program, names: dict[str, Any]) -> list[str]:
    """The lines that look whether the program serves the inputs, call it, and do outside what it does there."""
    leaves = dict.fromkeys([*program.read_gradients, *program.touched, *program.gradients])
    say = {x: f"leaf_{i}" for i, x in enumerate(leaves)} | {x: f"held_{i}" for i, x in enumerate(program.assigned)}
    names |= {name: x for x, name in say.items()}
    say |= {i: f"inputs[{i}]" for i in program.tensors_given}
    looked_up = [v for v in program.arguments if v.origin == LOOKED_UP]
    given = [look_up(v, say) for v in looked_up]
    layouts = (changed_layout(v, say, names) for v in looked_up if not isinstance(v.source, Spot))
    count_given = len(program.arguments) - len(given)
    inputs = [f"inputs[{i}].data" if i in program.tensors_given else f"inputs[{i}]" for i in range(count_given)]
    inputs = ", ".join((inputs if program.tensors_given else ["*inputs"] if count_given else []) + given)
    return [
        *(f"if {' or '.join([*conditions(program, say, names), *layouts])}:", "    return UNFIT"),
        *(f"results = step({inputs})", *leaving(program, say, names)),
        f"return {answer(program, names)}",
    ]


def look_up(v: Value, say: Mapping[Any, str]) -> str:
    """The expression of a value that is looked up: a leaf's gradient, or the array of a Tensor or in a Spot."""
    if isinstance(v.source, Spot):
        return f"array_in({say[v.source]})"
    return f"{say[v.source]}.value" if isinstance(v.source, Tensor) else f"unwrap({say[v.source]}.notes.grad)"


def changed_layout(v: Value, say: Mapping[Any, str], names: dict[str, Any]) -> str:
    """The condition that a value that is looked up in a leaf or a Tensor is another kind of array than it was."""
    x = look_up(v, say)
    if not isinstance(v.source, Tensor):  # a gradient has its leaf's shape and dtype
        return f"{x}.strides != {v.strides}"
    names[f"dtype_{say[v.source]}"] = v.dtype
    kind = f"({v.shape}, dtype_{say[v.source]}, {v.strides}, None)"
    return f"({x}.shape, {x}.dtype, {x}.strides, {say[v.source]}.node) != {kind}"


MISSING = np.empty(0, object)


def array_in(spot: Spot) -> Any:
    """The array that a Spot has now; another kind of array if it has none, or one with a graph."""
    try:
        x = spot.holder[spot.key] if spot.is_item else getattr(spot.holder, spot.key)
    except GONE:
        return MISSING
    if spot.as_tensor:
        return x.data if isinstance(x, Tensor) and x.node is None else MISSING
    return x if isinstance(x, np.ndarray) else MISSING


def kind_in(spot: Spot) -> Any:
    """Shape, dtype and strides of the array that a Spot has now."""
    x = array_in(spot)
    return x.shape, x.dtype, x.strides


def conditions(program: Program, say: Mapping[Any, str], names: dict[str, Any]) -> list[str]:
    """The conditions under which the program does not do what the function would."""
    unfit = ["not unchanged()"]
    for i, (x, known) in enumerate(program.known.items()):
        unfit.append(f"not same(inputs[{x.source}], known_{i})")
        names |= {f"known_{i}": known, "same": same}
    for i, (tensor, (value, node)) in enumerate(program.tensors.items()):
        unfit.append(f"tensor_{i}.value is not value_{i} or tensor_{i}.node is not node_{i}")
        names |= {f"tensor_{i}": tensor, f"value_{i}": value, f"node_{i}": node}
    unfit += [f"{say[x]}.notes.grad is {'not ' * (g is None)}None" for x, g in program.read_gradients.items()]
    for i, x in enumerate(program.gradients):
        unfit.append(f"{say[x]}.notes.hooks is not hooks_{i}")
        names[f"hooks_{i}"] = x.notes.hooks
    unfit += [f"kind_in({say[x]}) != {say[x]}.kind" for x in program.assigned if isinstance(x, Spot) and x.kind]
    return unfit


def leaving(program: Program, say: Mapping[Any, str], names: dict[str, Any]) -> list[str]:
    """The lines that leave outside what the program does: changes of leaves, gradients, other arrays in Tensors."""
    lines = [f"mark({say[x]})" for x in program.touched]
    place = count(len(program.as_tensors))
    for i, (x, g) in enumerate(program.gradients.items()):
        names[f"gradient_{i}"] = g
        left = from_results(g, next(place)) if isinstance(g, Value) else f"gradient_{i}"
        lines.append(f"{say[x]}.notes.grad = {left}")
    for x, y in program.assigned.items():
        i = next(place)
        if isinstance(x, Spot):
            left = f"constant(results[{i}])" if x.as_tensor else from_results(y, i)
            lines.append(f"{entry(x, say[x])} = {left}")
        else:
            lines.append(f"{say[x]}.value = {from_results(y, i)}")
    for i, (spot, x) in enumerate(program.effects):
        names |= {f"spot_{i}": spot, f"object_{i}": x}
        lines.append(f"{entry(spot, f'spot_{i}')} = object_{i}")
    return lines


def entry(spot: Spot, name: str) -> str:
    """The expression of what is in a Spot."""
    return f"{name}.holder[{name}.key]" if spot.is_item else f"{name}.holder.{spot.key}"


def from_results(g: Value, i: int) -> str:
    """A gradient, which is an array also where NumPy returns a scalar."""
    return f"as_array(results[{i}])" if g.scalar else f"results[{i}]"


def answer(program: Program, names: dict[str, Any]) -> str:
    """The expression of what the function returns, with the results in their places."""
    places = zip(count(), program.as_tensors)

    def part(x: Any) -> str:
        if isinstance(x, Value):
            i, is_tensor = next(places)
            return f"constant(results[{i}])" if is_tensor else from_results(x, i)
        if type(x) in (tuple, list):
            left, right = "()" if type(x) is tuple else "[]"
            return f"{left}{''.join(f'{part(branch)}, ' for branch in x)}{right}"
        if isinstance(x, BRANCHED):  # a dict of any kind, a named tuple, a slice
            names[f"tree_{len(names)}"] = x
            return f"filled({[*names][-1]}, [{', '.join(map(part, leaves_of(x)))}])"
        names[f"known_{len(names)}"] = x
        return [*names][-1]

    return part(program.answer)


def filled(tree: Any, leaves: Sequence[Any]) -> Any:
    """A tree like another, with other leaves."""
    rest = iter(leaves)
    return mapped(lambda _: next(rest), tree)


def defined(name: str, text: str | list[str], names: dict[str, Any]) -> Any:
    """What source text, or lines, define; tracebacks show them."""
    text = text if isinstance(text, str) else "\n".join([*text, ""])
    file = f"<compiled by minigrad {next(numbers)}>"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    exec(compile(text, file, "exec"), names)
    weakref.finalize(names[name], linecache.cache.pop, file, None)
    return names[name]
