"""The first run of a compiled function, which makes a program of what it does."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from types import FunctionType
from typing import Any

import numpy as np

from ..core.context import context, with_changes
from ..core.foreign import admitted, is_labelled
from ..core.tape import is_freed, put_gradient
from ..core.tensor import Tensor, constant_tensor
from ..core.values import as_array
from ..errors import RecordingError
from .array import RecordingArray, RecordingGenerator
from .exchange import Exchange, Streams, is_computed, released, setter
from .guards import Guard
from .program import BRANCHED, Program, Spot, branches_of, leaves_of, mapped
from .reach import Reach
from .recording import Recording


def recorded(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, Any]:
    """Run a function and write down what it does; the program, None if it does what no replay could, and its answer.

    Arrays and gradients from outside are as they were before if this raises.
    """
    root = [function]
    reach = Reach([root, *(x for x in leaves_of((args, kwargs)) if not isinstance(x, np.ndarray | Tensor))])
    recording = Recording(reach.arrays)
    exchange = Exchange(recording, reach)
    before, drawn = context.get(), Streams(reach.streams)
    try:
        context.set(with_changes(recorder=recording))
        given = args, kwargs
        args, kwargs = mapped(lambda x: enter(recording, x), given)
        containers = [(old, new, copy(new)) for old, new in containers_in(given, (args, kwargs))]
        name_arguments(function, args, kwargs)
        exchange.put()
        answer = root[0](*args, **kwargs)
        program, answer = finished(recording, function, answer)
        drawn.check()
        complete = leave(recording, exchange, reach, program)
        complete = hand_back(containers) and all(map(reach.knows, left_as_it_is(answer))) and complete
        containers = []
        exchange.put_back()
        program.guard, program.catches = Guard(reach, program.left), reach.catches
        args, kwargs = (), {}
        recording.settle()
    except BaseException:
        drawn.restore()
        exchange.undo()
        recording.undo()
        raise
    finally:
        exchange.put_back()  # an interrupt may have come as this was begun
        context.set(before)
    recording.name_outside(function)
    return program if complete else None, answer


def leave(recording: Recording, exchange: Exchange, reach: Reach, program: Program) -> bool:
    """Let replays leave in places outside what the function has left there; whether they can do all of it."""
    complete = not exchange.is_rearranged()
    for number, place, x in exchange.changes():
        if is_computed(x):
            spot, node = recording.leave(place, x)
            program.assigned[spot] = node
            if spot.kind is not None:
                program.left.append(number)
        elif reach.knows(x):
            program.effects.append((Spot(place.holder, place.key, place.is_item, False), x))
        else:
            complete = False
        setter(place)(place.holder, place.key, released(x))
    exchange.release_entries()
    return complete and recording.complete


def containers_in(old: Any, new: Any) -> Iterator[tuple[Any, Any]]:
    """The lists and dicts in a tree, and what stands for each in another."""
    if isinstance(old, list | dict):
        yield old, new
    if isinstance(old, BRANCHED) and not isinstance(old, slice):
        for x, y in zip(branches_of(old), branches_of(new), strict=True):
            yield from containers_in(x, y)


def hand_back(containers: Sequence[tuple[Any, Any, Any]]) -> bool:
    """Change the lists and dicts among the arguments as the function has changed its copies; whether there is nothing.

    A replay could not do that.
    """
    untouched = True
    for old, new, before in containers:
        inside = [*map(id, branches_of(before))]
        if [*map(id, branches_of(new))] == inside and (isinstance(new, list) or [*new] == [*old]):
            continue
        own = dict(zip(inside, branches_of(old), strict=True))
        untouched = False
        if isinstance(old, dict):
            entries = {key: own[id(x)] if id(x) in own else released(x) for key, x in new.items()}
            old.clear()
            old.update(entries)
        else:
            old[:] = [own[id(x)] if id(x) in own else released(x) for x in new]
    return untouched


def left_as_it_is(answer: Any) -> list[Any]:
    """The parts of an answer that are no arrays, and would be the same objects in each replay."""
    return [x for x in leaves_of(answer) if not isinstance(x, np.ndarray | Tensor | type | FunctionType)]


def enter(recording: Recording, x: Any) -> Any:
    """What the function gets in place of an argument: what stands for an array or a number, else the argument."""
    if isinstance(x, Tensor) and not x.requires_grad:
        return recording.tensor(x)
    if isinstance(x, np.ndarray) or is_labelled(type(x)):
        x = admitted("compile", x)
    numbers = type(x) in (int, float) or isinstance(x, np.generic)
    return recording.argument(x) if numbers or isinstance(x, np.ndarray | np.random.Generator) else x


def name_arguments(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Call the arguments by the names of the function's parameters."""
    code = getattr(function, "__code__", None)
    names = code.co_varnames[: code.co_argcount] if code is not None else ()
    names = names[1:] if hasattr(function, "__self__") else names
    for name, x in [*zip(names, args, strict=False), *kwargs.items()]:
        give_name(name, x)


def give_name(name: str, x: Any) -> None:
    """Let what lies in a variable have its name, unless it has one."""
    if isinstance(x, RecordingArray | RecordingGenerator):
        x.node.name = x.node.name or name
    elif isinstance(x, Tensor):
        give_name(name, x.value)
    elif isinstance(x, list | tuple):
        for i, part in enumerate(x):
            give_name(f"{name}_{i}", part)
    elif isinstance(x, dict):
        for key, part in x.items():
            give_name(f"{name}_{key}", part)


def finished(recording: Recording, function: Callable[..., Any], answer: Any) -> tuple[Program, Any]:
    """The program of a recording, and the function's answer; gradients are left in the leaves."""
    tensors: list[bool] = []
    result = mapped(lambda x: answered(recording, x, tensors), answer)
    gradients = {}
    recording.forget_own_leaves()
    for leaf in recording.former_gradients:
        gradients[leaf] = mapped(lambda x: answered(recording, x, []), leaf.notes.grad)
        put_gradient(leaf, outside(leaf.notes.grad))
    tensors_given = [*recording.tensors_given]
    assigned = recording.assigned()
    name = getattr(function, "__name__", "step")
    program = Program(
        name if name.isidentifier() else "step",
        recording.arguments,
        recording.known,
        recording.calls,
        result,
        tensors,
        gradients,
        recording.read_gradients,
        recording.tensors,
        tensors_given,
        assigned,
        list(recording.touched),
    )
    return program, mapped(outside, answer)


def answered(recording: Recording, x: Any, tensors: list[bool]) -> Any:
    """A part of the answer in terms of the program; `tensors` learns whether an array comes as a Tensor."""
    if isinstance(x, np.ndarray):
        x = recording.state_array(x)
    if isinstance(x, RecordingArray):
        tensors.append(False)
        return x.node
    if not isinstance(x, Tensor) or not isinstance(x.value, RecordingArray):
        return x
    if not x.is_leaf and not is_freed(x.node):
        raise RecordingError(
            f"the compiled function returns the result of {x.node.primitive.name}, which requires grad, and a replay "
            f"leaves no graph. Call backward() in the function, return x.detach(), or compute under mg.no_grad()"
        )
    tensors.append(True)
    return x.value.node


def outside(x: Any) -> Any:
    """A part of the answer, or a gradient, of arrays that are not recorded."""
    if isinstance(x, Tensor) and isinstance(x.value, RecordingArray):
        return constant_tensor(x.value.value)
    return as_array(x.value) if isinstance(x, RecordingArray) else x
