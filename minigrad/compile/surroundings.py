"""What a recording meets outside of the function: arrays, gradients, generators, and what becomes of them."""

import threading
import time
import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core.tape import put_gradient, tick
from ..core.tensor import Tensor, constant_tensor
from ..core.values import as_array
from ..errors import RecordingError
from .array import RecordingArray, RecordingGenerator
from .memory import owner, twin
from .names import outside_names
from .program import ARGUMENT, CONSTANT, LOOKED_UP, OUTSIDE, RESULT, Call, Spot, Value

NOTHING: Mapping[Any, Any] = {}
PATIENCE = 100  # milliseconds


class Surroundings:
    """What a function finds while it runs once, and how that was before.

    Parameters
    ----------
    reached : dict of int to ndarray or Generator
        What is known to be outside. Other arrays are the function's own, but for those of leaves that are older.
    """

    def __init__(self, reached: Mapping[int, Any] = NOTHING) -> None:
        self._reached = {id(owner(x)) for x in reached.values()}  # what owns the memory of arrays known to be outside
        self._begun = tick()
        self._at_first: dict[Value, np.ndarray] = {}  # of arrays that are the function's own: what was in them
        self.calls: list[Call] = []
        self.arguments: list[Value] = []
        self.read_gradients: dict[Any, Any] = {}  # by leaf: what was there
        self.former_gradients: dict[Any, Any] = {}  # of leaves whose gradient may have changed: what was there
        self.known: dict[Value, Any] = {}  # integers among the arguments that decide on shapes
        self.touched: dict[Any, None] = {}  # leaves whose values were changed, in order
        self.tensors: dict[Any, Any] = {}  # Tensors from outside, and the values and the nodes that they had
        self._outside: dict[int, tuple[Any, Value]] = {}  # arrays and generators, by their identity
        self.tensors_given: dict[int, tuple[Tensor, Tensor, Any]] = {}  # by position, and what stands for it
        self.complete = True  # whether a replay could do all that the function does outside
        self._former: list[tuple[Tensor, Any, Any]] = []  # Tensors that have another array now, and what they had
        self._placed: Counter[Value] = Counter()  # arrays that were exchanged, by the number of their places
        self._owners: dict[int, Value] = {}  # roots of outside values, by the identity of what owns the memory
        self._copies: dict[Value, tuple[np.ndarray, np.ndarray]] = {}  # of arrays from outside that were written to
        self._drawn: dict[int, tuple[np.random.Generator, Any]] = {}  # generators, and the states that they had
        self._unseeded: list[np.random.Generator] = []  # made for draws that need not be the same twice
        self._made: list[weakref.ref[RecordingArray]] = []

    def argument(self, x: Any) -> Any:
        """What stands for an argument: an array, a Python number, or a generator."""
        made = self._generator(x, ARGUMENT) if isinstance(x, np.random.Generator) else self._array(x, ARGUMENT)
        if made.node in self.arguments:  # a generator that comes twice
            made = RecordingGenerator(self, Value((), np.dtype(object), (), ARGUMENT), x)
        made.node.source = len(self.arguments)
        self.arguments.append(made.node)
        return made

    def tensor(self, x: Tensor) -> Tensor:
        """What stands for a Tensor among the arguments."""
        array = self.argument(as_array(x.value))
        inside = constant_tensor(array)
        self.tensors_given[array.node.source] = x, inside, array
        return inside

    def state_array(self, x: Any) -> Any:
        """What stands for an array that somebody keeps."""
        if not isinstance(x, np.ndarray):
            return x
        if id(x) in self._outside:
            node = self._outside[id(x)][1]
            told = any(other.root is node.root for other in self._copies)
            if told or node not in self._at_first or x.tobytes() == self._at_first[node].tobytes():
                return self._hold(RecordingArray(self, node, x))
            # NumPy alone has changed it, so it is another constant from here on.
        made = self._array(x, OUTSIDE)
        if id(owner(x)) not in self._reached and isinstance(owner(x), np.ndarray):
            self._at_first[made.node] = twin(x)
        made.node.source = x
        made.node.root = self._owners.setdefault(id(owner(x)), made.node)
        self._outside[id(x)] = (x, made.node)
        return made

    def exchanged(self, x: np.ndarray) -> RecordingArray:
        """What is put into the place of an array while the function runs."""
        made = self.state_array(x)
        self._placed[made.node] += 1
        return made

    def generator(self, rng: np.random.Generator) -> RecordingGenerator:
        """What stands for a generator that somebody keeps."""
        return self._generator(rng, OUTSIDE)

    def operands(self, given: Sequence[Any], inner: Sequence[Any]) -> list[Any]:
        """What stands for the operands of a call on Tensors, `inner` being their values."""
        for x, value in zip(given, inner, strict=True):
            if isinstance(value, np.ndarray | np.generic) and isinstance(x, Tensor):
                self.tensors.setdefault(x, (x.value, x.node))  # which some changes exchange for others
                if x.node is not None and x.node.born < self._begun:
                    self._reached.add(id(owner(value)))
        return [self.state_array(x) for x in inner]

    def gradient(self, leaf: Any) -> Any:
        """What backward passes have left in a leaf so far."""
        if leaf not in self.former_gradients:  # and so it has not been set before
            self.keep_gradient(leaf)
            self.read_gradients[leaf] = leaf.notes.grad
            if leaf.notes.grad is not None:
                x = leaf.notes.grad
                made = self._array(x if isinstance(x, np.ndarray) else x.value, LOOKED_UP)
                made.node.source = leaf
                self.arguments.append(made.node)
                put_gradient(leaf, made)
        return leaf.notes.grad

    def keep_gradient(self, leaf: Any) -> None:
        """Note that a leaf's gradient may change from here on."""
        self.former_gradients.setdefault(leaf, leaf.notes.grad)

    def forget_own_leaves(self) -> None:
        """Leave out the gradients of leaves that the function has made, which nobody has outside."""
        for leaf in [leaf for leaf in self.former_gradients if isinstance(leaf.y, RecordingArray)]:
            del self.former_gradients[leaf]
            self.read_gradients.pop(leaf, None)
            self.touched.pop(leaf, None)

    def touch(self, leaf: Any) -> None:
        """Note that the values of a leaf were changed in place."""
        self.touched[leaf] = None

    def is_kept(self, x: RecordingArray) -> bool:
        """Whether an array is somebody's outside, and the function has not changed it."""
        root = x.node.root
        return x.node.origin == OUTSIDE and not any(value.root is root for value in self._copies)

    def _array(self, x: Any, origin: str) -> RecordingArray:
        array = np.asarray(x)
        is_array, is_scalar = isinstance(x, np.ndarray), isinstance(x, np.generic)
        node = Value(array.shape, array.dtype, array.strides, origin, None, is_scalar, not (is_array or is_scalar))
        return self._hold(RecordingArray(self, node, x))

    def _generator(self, rng: Any, origin: str) -> RecordingGenerator:
        if id(rng) not in self._outside:
            self._outside[id(rng)] = rng, Value((), np.dtype(object), (), origin, rng)
        return RecordingGenerator(self, self._outside[id(rng)][1], rng)

    def _hold(self, array: RecordingArray) -> RecordingArray:
        self._made.append(weakref.ref(array))
        return array

    # The end

    def assigned(self) -> dict[Any, Value]:
        """The Tensors that the function has given another array: arguments by position, and those from outside.

        Each replay looks these up, and exchanges them. They have plain arrays again.
        """
        found: dict[Any, Value] = {}
        given, self.tensors_given = self.tensors_given, {}
        for i, (tensor, inside, array) in given.items():
            if inside.value is not array:
                check_assigned(inside, None)
                self._former.append((tensor, tensor.value, tensor.node))
                found[i], new = inside.value.node, inside.value.value
                tensor.value = as_array(new)
        for tensor, (value, node) in [*self.tensors.items()]:
            if tensor.value is not value:
                check_assigned(tensor, node)
                self._former.append((tensor, value, node))
                del self.tensors[tensor]
                self._look_up(tensor, value)
                found[tensor], new = tensor.value.node, tensor.value.value
                tensor.value = as_array(new)
        return found

    def leave(self, place: Any, x: Any) -> tuple[Spot, Value]:
        """Where a replay leaves what the function has left in a place; an array that was there is looked up."""
        as_tensor, before = isinstance(x, Tensor), place.value
        if as_tensor and isinstance(before, Tensor) and before.node is None:
            self.tensors.pop(before, None)
            before, names = before.value, 0
        else:
            before, names = None if as_tensor else before, 1
        kind = (before.shape, before.dtype, before.strides) if isinstance(before, np.ndarray) else None
        spot = Spot(place.holder, place.key, place.is_item, as_tensor, kind)
        if kind is not None:
            self._look_up(spot, before, names)
        return spot, x.value.node if as_tensor else x.node

    def _look_up(self, source: Any, value: Any, names: int = 0) -> None:
        """Let an array be looked up at each call, if the function has read it, by no other name."""
        if id(value) not in self._outside:
            return
        read = self._outside[id(value)][1]
        family = [node for _, node in self._outside.values() if node.root is read.root]
        elsewhere = any(other is value for other, _ in self.tensors.values()) or self._placed[read] > names
        if len(family) > 1 or elsewhere:
            self.complete = False
        else:
            read.origin, read.source = LOOKED_UP, source
            self.arguments.append(read)

    def name_outside(self, function: Any) -> None:
        """Let arrays and generators from outside have the user's names for them."""
        names = outside_names(function, {id(owner(x)) for x, _ in self._outside.values()})
        for key, (x, node) in self._outside.items():
            of = names.get(id(owner(x)), "")
            node.name = names.get(key) or (of and f"{of}_view")

    def undo(self) -> None:
        """Give arrays, Tensors, gradients and generators from outside the values back that they had before."""
        for tensor, value, node in [*self._former, *((x, *former) for x, former in self.tensors.items())]:
            if tensor.value is not value:
                tensor.value, tensor.node = value, node
        for value, copy in reversed(self._copies.values()):
            value[...] = copy
        for leaf, gradient in self.former_gradients.items():
            put_gradient(leaf, gradient)
        for rng, state in self._drawn.values():
            rng.bit_generator.state = state

    def settle(self) -> None:
        """Refuse a function that keeps recorded arrays, and make constants of the arrays that only it has made."""
        self._await_others()
        for array in self._kept():
            raise error_of_kept(array)
        own, changed = [*self._at_first], {value.root for value in self._copies}
        for node in own:
            if node.root not in changed:
                node.origin, node.source, node.root = CONSTANT, self._at_first[node], node
        for node in own:
            if node.origin != CONSTANT:
                self._make_anew(node, alone=sum(other.root is node.root for other in own) == 1)

    def _kept(self) -> list[RecordingArray]:
        """The recorded arrays that somebody still has."""
        return [array for made in self._made if (array := made()) is not None]

    def _await_others(self) -> None:
        """Let other threads be done with arrays from outside that they have come upon while these were exchanged."""
        for _ in range(PATIENCE):
            if threading.active_count() == 1 or not self._kept():
                return
            time.sleep(1e-3)

    def _make_anew(self, node: Value, alone: bool) -> None:
        """Let an array that the function makes, and changes, be made in each replay."""
        before = self._at_first[node]
        constant = Value(node.shape, node.dtype, node.strides, CONSTANT, before)
        if not alone or np.array(before).strides != node.strides:
            raise RecordingError(
                f"the compiled function makes an array of shape {node.shape} by NumPy alone, and changes it as a part "
                f"of another. Make it outside of the function, or in it with mg.zeros, mg.arange and the like"
            )
        node.origin, node.source, node.root = RESULT, None, node
        self.calls.insert(0, Call(np.array, (constant,), {}, node))


def error_of_kept(array: RecordingArray) -> RecordingError:
    """The error of a recorded array that lives on after the function has returned."""
    if array.node.number and array.node.origin == ARGUMENT:
        return RecordingError(
            "the compiled function keeps a number that it is given, as a key of a dict or elsewhere, and a replay "
            "would not. Keep int(k) or float(k), for which there is a program each"
        )
    return RecordingError(
        f"the compiled function keeps an array of shape {array.shape} that it has computed, in an attribute, "
        f"a list or a variable from outside. A replay would not: return it as a result, or write it into an "
        f"array that is there already, as kept[...] = x"
    )


def check_assigned(tensor: Tensor, before: Any) -> None:
    """Refuse a change of a Tensor that a replay could not make: one that leaves a graph."""
    if tensor.node is not None or before is not None or not isinstance(tensor.value, RecordingArray):
        raise RecordingError(
            f"the compiled function changes a Tensor of shape {tensor.shape} that it has from outside, to what "
            f"requires grad, and a replay leaves no graph. Assign x.detach(), or do it under mg.no_grad()"
        )
