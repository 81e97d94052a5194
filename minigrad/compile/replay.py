"""The replay of a program: NumPy's calls once more, and what they leave outside."""

import linecache
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from ..core.door import bare
from ..core.tape import mark_changed
from ..core.tensor import constant
from ..core.values import as_array
from .buffers import Plan
from .checks import late_changes, restoring
from .program import BRANCHED, GRADIENT, REFUSE, Program, Value, mapped
from .simplify import simplify
from .source import Source

UNFIT = object()
numbers = count(1)


class Stats(NamedTuple):
    """What a program is made of: calls that were recorded, calls left out of them, buffers, and their bytes."""

    recorded: int
    removed: int
    buffers: int
    bytes: int


class Replay:
    """A program that can run; `run` takes the arrays and numbers of the arguments, in a list.

    It answers with what the function would, or with UNFIT if the program does not do what the function would now,
    as it depends on settings, and on which leaves have a gradient already.
    """

    def __init__(self, program: Program) -> None:
        recorded = len(program.calls)
        simplify(program)
        removed = recorded - len(program.calls)
        self.memory: list[int] = []  # bytes of each buffer
        self.run = runner(program, self.step(program))
        self.stats = Stats(recorded, removed, len(self.memory), sum(self.memory))

    def step(self, program: Program) -> Callable[..., Any]:
        """The function that makes the program's calls."""
        plan = Plan(program)
        source = Source(program, plan)
        self.source = source.text
        self.memory += [block.nbytes for block in plan.blocks]
        step = defined("prepare", source.text, {})(**source.outside)
        return restoring(step, program, late_changes(program, lambda call: call.kind == REFUSE))


def runner(program: Program, step: Callable[..., Any]) -> Callable[[list[Any]], Any]:
    """The function that calls `step`, and does outside what the program does there.

    It is made as source, like the program: small networks would spend as much time in a general one, with its loops
    and branches, as in four of NumPy's calls.
    """
    names: dict[str, Any] = {"step": step, "UNFIT": UNFIT, "mark": mark_changed, "as_array": as_array, "bare": bare}
    names |= {"answer_of": partial(answer_of, program), "answer": program.answer}
    leaves = dict.fromkeys([*program.read_gradients, *program.touched, *program.gradients])
    leaf = {x: f"leaf_{i}.notes" for i, x in enumerate(leaves)}
    names |= {f"leaf_{i}": x for i, x in enumerate(leaves)}
    unfit = [f"inputs[{x.source}] != {int(known)}" for x, known in program.known.items()]
    for i, (tensor, (value, node)) in enumerate(program.tensors.items()):
        unfit.append(f"tensor_{i}.value is not value_{i} or tensor_{i}.node is not node_{i}")
        names |= {f"tensor_{i}": tensor, f"value_{i}": value, f"node_{i}": node}
    unfit += [f"{leaf[x]}.grad is {'not ' * (g is None)}None" for x, g in program.read_gradients.items()]
    kinds = {v.source: v.strides for v in program.arguments if v.origin == GRADIENT}
    unfit += [f"bare({leaf[x]}.grad).strides != {strides}" for x, strides in kinds.items()]
    for i, x in enumerate(program.gradients):
        unfit.append(f"{leaf[x]}.hooks is not hooks_{i}")
        names[f"hooks_{i}"] = x.notes.hooks
    for i, (owner, name, value) in enumerate(program.attributes):
        unfit.append(f"owner_{i}.{name} != setting_{i}")
        names |= {f"owner_{i}": owner, f"setting_{i}": value}
    given = [f"bare({leaf[x]}.grad)" for x, g in program.read_gradients.items() if g is not None]
    inputs = ", ".join((["*inputs"] if len(program.arguments) > len(given) else []) + given)
    lines = [f"if {' or '.join(unfit)}:", "    return UNFIT"] if unfit else []
    lines.append(f"results = step({inputs})")
    if program.touched:
        lines += [f"mark({leaf[x].removesuffix('.notes')})" for x in program.touched]
    place = count(len(program.as_tensors))
    for i, (x, g) in enumerate(program.gradients.items()):
        names[f"gradient_{i}"] = g
        lines.append(f"{leaf[x]}.grad = " + (from_results(g, next(place)) if isinstance(g, Value) else f"gradient_{i}"))
    has_parts = isinstance(program.answer, BRANCHED)  # which the caller may change
    lines.append("return answer_of(results)" if program.as_tensors or has_parts else "return answer")
    return defined("run", "def run(inputs):\n    " + "\n    ".join(lines) + "\n", names)


def from_results(g: Value, i: int) -> str:
    """A gradient, which is an array also where NumPy answers with a scalar."""
    return f"as_array(results[{i}])" if g.scalar else f"results[{i}]"


def answer_of(program: Program, results: Sequence[Any]) -> Any:
    """What the function answers, with the results in their places."""
    values = zip(results or (), program.as_tensors, strict=False)

    def result(x: Any) -> Any:
        if not isinstance(x, Value):
            return x
        y, is_tensor = next(values)
        return constant(y) if is_tensor else as_array(y)

    return mapped(result, program.answer)


def defined(name: str, text: str, names: dict[str, Any]) -> Any:
    """What source text defines; tracebacks show its lines."""
    file = f"<compiled by minigrad {next(numbers)}>"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    exec(compile(text, file, "exec"), names)
    weakref.finalize(names[name], linecache.cache.pop, file, None)
    return names[name]
