"""Tensor: an array whose operations are recorded, so that `backward()` can differentiate them."""

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..errors import GraphError
from ..words import TENSOR, instead
from .array import HIDDEN, Array, with_written
from .context import is_grad_enabled, run_in, with_changes
from .door import batch_of, plain, plain_index
from .foreign import admitted, assigned
from .recorder import state_array
from .sweep import Hook, commit, first_cotangent, sweep
from .tape import Node, Notes, Reverse, gradient_of, leaf, mark_changed, set_gradient, succeeding
from .values import as_array, as_numbers


class Ground(Reverse):
    """The level of Tensors, which `backward()` differentiates: it never ends. All results are Tensors."""

    __slots__ = ()

    def made(self, value: Any, node: Any) -> "Tensor":
        array = object.__new__(Tensor)  # as Tensor() is an error
        array.value, array.node = value, node
        return array

    def constant(self, y: Any) -> Any:
        return self.made(y, None) if hasattr(y, "dtype") else y  # or else it is a shape, a bool or the like


GROUND = Ground(0)


@with_written
class Tensor(Array):
    """An array that remembers how it was made, so that `backward()` can differentiate what was done with it.

    `mg.tensor` makes one from a copy of the data, `mg.asarray` without a copy, and every operation on Tensors returns
    one. Tensors have value semantics: ``x[i] = v`` and ``x += v`` give x another value, and nothing computed earlier
    changes.

    ================================================  ============================================================
    ``loss.backward()``                               computes the derivatives of loss, and adds them to ``w.grad``
    ``w.grad``, ``w.requires_grad``, ``w.is_leaf``    of a w that was made with ``requires_grad=True``
    ``x.retain_grad()``, ``x.register_hook(f)``       keep, or see and replace, the gradient of a result on the way
    ``x + y``, ``x @ y``, ``x[mask]``, ``x.sum()``    operators, indexing and methods as those of ndarrays
    ``np.tanh(x)``, ``mg.tanh(x)``                    NumPy's functions, under both names
    ``x.shape``, ``x.ndim``, ``x.size``, ``x.dtype``  what kind of array it is
    ``x.item()``, ``x.tolist()``                      its values as Python numbers, without derivatives
    ``x.detach()``, ``x.detach().numpy()``            its values as a Tensor and as an ndarray, without derivatives
    ``with mg.no_grad(): w -= ...``, ``w.data``       change the values of a leaf in place
    ================================================  ============================================================

    Examples
    --------
    >>> w = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> loss = mg.sum(w**2)
    >>> loss.backward()
    >>> w.grad
    tensor([2., 4.])
    """

    __slots__ = ()
    shorts: ClassVar[dict[Any, Any]] = {}
    level = GROUND
    kind = "leaf"
    _fields: ClassVar[tuple[str, ...]] = ()  # help() shows these first, in this order; filled in below

    def __init__(self, *data: Any, **options: Any) -> None:
        raise TypeError("Tensor is the class of Tensors; mg.tensor(data) makes one, and mg.asarray(x) without a copy")

    # The graph

    @property
    def requires_grad(self) -> bool:
        """Whether derivatives flow to this tensor. It can be set on leaves."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if not self.is_leaf:
            raise GraphError(
                f"requires_grad can be set on leaves only; this tensor is the result of {self.node.primitive.name}. "
                f"Use x.detach() for the same values outside of the graph"
            )
        if wanted and self.dtype.kind != "f":
            raise TypeError(f"only floating tensors can require grad; got {self.dtype}. Use x.astype(float)")
        if wanted != self.requires_grad:
            if not wanted:
                self.node.notes = None  # a backward pass through graphs in which it is a leaf raises
            self.node = leaf(self.value, self.kind) if wanted else None

    @property
    def is_leaf(self) -> bool:
        """Whether the user made this tensor, rather than a recorded operation."""
        return self.node is None or self.node.primitive is None

    # Gradients

    @property
    def grad(self) -> "Tensor | None":
        """The sum of the derivatives that backward passes have left here, or None; see also `retain_grad`."""
        if self.node is None or self.node.notes is None:
            return None
        g = gradient_of(self.node)
        if g is not None and not isinstance(g, Tensor):
            g = self.node.notes.grad = constant_tensor(g)
        return g

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            value = value if isinstance(value, Tensor) else tensor(value, dtype=self.dtype)
            if (value.shape, value.dtype) != (self.shape, self.dtype):
                raise ValueError(
                    f"a gradient has its tensor's shape {self.shape} and dtype {self.dtype}; "
                    f"got {value.shape} and {value.dtype}"
                )
        self.own_notes()
        set_gradient(self.node, value)

    def backward(self, gradient: Any = None, retain_graph: bool = False, create_graph: bool = False) -> None:
        """Add the derivative of this tensor with respect to each leaf that it depends on into the leaf's `grad`.

        Parameters
        ----------
        gradient : array_like of this tensor's shape, optional
            The cotangent: what the derivative is multiplied by from the left. 1 for a single element.
        retain_graph : bool
            Keep the graph for another pass; otherwise it is freed at the end.
        create_graph : bool
            Record the pass itself, so that the gradients can be differentiated in turn. Keeps the graph.

        Raises
        ------
        GraphError
            If there is no graph, it was freed, or a leaf whose value it needs was changed in place.
        ValueError
            If `gradient` is missing and needed, or has another shape.
        """
        if self.node is None:
            raise GraphError(UNCONNECTED)
        if gradient is None:
            start = first_cotangent(self.value)
        else:
            if isinstance(gradient, Array) and not (create_graph and isinstance(gradient, Tensor)):
                gradient.refuse_to_leave()
            start = first_cotangent(self.value, admitted("backward", plain(gradient)))
        if not create_graph:
            commit(sweep([self.node], [start]), start, not retain_graph)
            return
        g = gradient.astype(self.dtype) if isinstance(gradient, Tensor) else constant_tensor(start)
        found = run_in(with_changes(recorded_from=0), sweep, [self.node], [g], of_node)
        run_in(with_changes(recorded_from=0), commit, found, start, False)

    if TYPE_CHECKING:  # it is one of arrays of all levels, see below

        def detach(self) -> "Tensor":
            """The same values, in the same memory, as a Tensor through which no derivative flows."""
            ...

    def own_notes(self) -> Notes:
        """The notes of a connected tensor; raises GraphError for another."""
        if self.node is None:
            raise GraphError(UNCONNECTED)
        if self.node.notes is None:
            self.node.notes = Notes()
        return self.node.notes

    def retain_grad(self) -> None:
        """Keep the gradient in `grad` also if this tensor is no leaf."""
        self.own_notes().retained = True

    def register_hook(self, hook: Callable[["Tensor"], Any]) -> Callable[[], None]:
        """Call ``hook(gradient)`` in each backward pass that reaches this tensor; returns a function that removes it.

        What the hook returns, unless None, replaces the gradient.
        """
        notes, added = self.own_notes(), Hook(hook, constant_tensor)
        notes.hooks = (*notes.hooks, added)

        def remove() -> None:
            notes.hooks = tuple(other for other in notes.hooks if other is not added)

        return remove

    # Values

    def numpy(self) -> np.ndarray:
        """The values, in the same memory; raises DetachedError where that would cut a gradient off in silence."""
        self.refuse_to_leave()
        return self.data

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    # Changes in place

    def assign(self, other: Any) -> None:
        if self.node is None or not self.is_leaf:
            before = self.node
            super().assign(other)
            self.node = succeeding(before, self.node)
            return
        self.check_changeable()
        self.data = plain(self.fitting(other))

    def __setitem__(self, index: Any, v: Any) -> None:
        if self.node is None or not self.is_leaf:
            super().__setitem__(index, v)
            return
        self.check_changeable()
        state_array(self.value)[plain_index(index)] = assigned(plain(v))
        self.changed()

    def check_changeable(self) -> None:
        """Refuse to change a leaf in place where the change would have to be differentiated."""
        if is_grad_enabled():
            raise GraphError(
                "a leaf that requires grad cannot be changed in place while operations are recorded. Do it in a "
                "`with mg.no_grad()` block, or make a new tensor: y = x + ... in place of x += ..."
            )

    @property
    def data(self) -> Any:
        """The values, in the same memory. Leaves can be given new ones, in place; this needs no `no_grad`."""
        return as_array(plain(self))

    @data.setter
    def data(self, values: Any) -> None:
        values = as_numbers(values)
        fits = values.shape == self.shape and np.can_cast(values.dtype, self.dtype, "same_kind")
        if not (fits and self.is_leaf):
            raise ValueError(
                f"data takes values of shape {self.shape} and a dtype that fits {self.dtype}, for a leaf; got "
                f"{values.shape} and {values.dtype}" + ("" if self.is_leaf else " for the result of an operation")
            )
        if self.node is None:  # calls may have kept the array, and would not notice the change
            self.value = values.astype(self.dtype)
        else:
            state_array(self.value)[...] = values
            self.changed()

    def changed(self) -> None:
        """Say that the values of a leaf were changed in place: backward passes that need the old ones raise."""
        mark_changed(self.node)

    # Python's protocols

    def __reduce_ex__(self, protocol: Any) -> Any:
        if not self.is_leaf:
            raise TypeError(
                "a tensor inside of a graph cannot be copied or pickled, as its graph would have to be, too. "
                "Use x.detach(), or copy the leaves"
            )
        grad, value = None if self.grad is None else self.grad.value, plain(self)
        return rebuilt, (type(self), value, self.requires_grad, grad)

    def __copy__(self) -> "Tensor":
        return self.__deepcopy__({})  # as with ndarrays: a copy has memory of its own

    def __deepcopy__(self, memo: Any) -> "Tensor":
        make, parts = self.__reduce_ex__(4)
        return make(*deepcopy(parts, memo))

    def __repr__(self) -> str:
        value = self.value  # after which it is no longer being filled
        name = "tensor" if type(self) is Tensor else type(self).__name__
        values = np.array2string(value, separator=", ", prefix=f"{name}(")
        dtype = "" if self.dtype in (np.float64, np.int64, np.bool_) else f", dtype={self.dtype}"
        if not 0 < self.size <= np.get_printoptions()["threshold"]:  # the values do not show it
            dtype += f", shape={self.shape}"
        if self.is_leaf:
            return f"{name}({values}{dtype}{', requires_grad=True' if self.requires_grad else ''})"
        return f"{name}({values}{dtype}, made by {self.node.primitive.name})"

    def _repr_html_(self) -> str:
        """The values in a table for a notebook, if they are few."""
        from .display import array_html  # which is for notebooks alone

        made = f", made by {self.node.primitive.name}" if not self.is_leaf else ""
        grad = ", requires grad" if self.is_leaf and self.requires_grad else ""
        return array_html(self.value, f"Tensor {self.shape}, {self.dtype}{made}{grad}")


UNCONNECTED = (
    "this tensor does not depend on any that requires grad: none was used, or only detached, under no_grad(), or as "
    "integers. Make one with mg.tensor(data, requires_grad=True)"
)


def constant_tensor(value: Any) -> Tensor:
    """A Tensor outside of the graph, of an array that it may keep."""
    return GROUND.made(value, None)


def of_node(node: Node) -> Tensor:
    """The Tensor that a node belongs to, so that what rules do with it is recorded."""
    return GROUND.made(node.y, node)


def detach(x: Array) -> Any:
    """The same values, in the same memory, as a Tensor through which no derivative flows."""
    value = plain(x)
    return constant_tensor(value) if batch_of(value) is None else value  # the entries of a batch stay together


Array.detach = detach  # of arrays of all levels; it makes a Tensor, so it is defined here


class Elsewhere:
    """A name that arrays have in other libraries: to look it up is an error that says what is written here.

    As a descriptor it costs nothing where names are there; a method for missing names would slow all others down.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, x: Any, kind: type) -> Any:
        text = f"{kind.__name__!r} object has no attribute {self.name!r}{instead(self.name, TENSOR)}"
        raise AttributeError(text, name=self.name, obj=x)


for missing in TENSOR:
    setattr(Array, missing, Elsewhere(missing))
HIDDEN.update(TENSOR)


def in_reading_order(cls: type) -> tuple[str, ...]:
    """The names that users of a class need, as its code has them and then that of its bases."""
    names = (name for base in cls.__mro__ for name in vars(base))
    return tuple(dict.fromkeys(name for name in names if not name.startswith("_") and name not in HIDDEN))


Tensor._fields = in_reading_order(Tensor)


def tensor(data: Any, requires_grad: bool = False, dtype: Any = None) -> Tensor:
    """A Tensor of a copy of `data`.

    Parameters
    ----------
    data : array_like of real numbers
        An array, a number, nested lists of numbers, or a Tensor.
    requires_grad : bool
        Whether `backward()` leaves the derivative with respect to this tensor in its ``grad``.
    dtype : dtype, optional
        By default, what NumPy makes of `data`: float64 of Python's floats.

    Raises
    ------
    TypeError
        If `data` is not made of real numbers, or `requires_grad` is set and it is not floating.
    ValueError
        If `data` is ragged.
    """
    made = constant_tensor(as_numbers(data, dtype, copy=True))
    made.requires_grad = requires_grad
    return made


def asarray(data: Any, dtype: Any = None) -> Any:
    """A Tensor that shares the memory of `data` if it can; an array that is watched already is returned as it is.

    A change of that memory from outside goes unnoticed: do not make one while a graph needs the values.
    """
    if isinstance(data, Array):
        return data if dtype is None else data.astype(dtype)
    return constant_tensor(as_numbers(data, dtype))


def rebuilt(cls: type[Tensor], value: Any, requires_grad: bool, grad: Any) -> Tensor:
    """A leaf that was copied or pickled."""
    made: Any = object.__new__(cls)
    made.value, made.node = value, None
    if requires_grad:
        made.node = leaf(value, cls.kind)
        set_gradient(made.node, grad)
    return made
