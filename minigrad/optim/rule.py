"""Steps of an optimizer as a function: of trees of arrays or Tensors, in which nothing is changed in place."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..core.door import Watched, unwrap
from ..core.tensor import tensor
from ..core.tree import tree_map
from ..core.values import as_number, as_numbers
from .hyperparameters import checked, for_update, listed, refuse_unknown
from .slot import computing_dtype
from .state import State


class Rule:
    """How an optimizer updates parameters, for trees: nested lists, tuples and dicts of arrays or Tensors.

    Made by the class method `rule` of an optimizer. Derivatives flow through its steps, with respect to parameters,
    gradients, state and hyperparameters; it can be used in what is compiled.
    """

    def __init__(self, kind: type[Any], hyperparameters: Mapping[str, Any]) -> None:
        plain = {name: x for name, x in hyperparameters.items() if not is_array(x)}
        needed = {"lr": 1e-3} if "lr" in hyperparameters and "lr" not in plain else {}
        self._optimizer = kind([tensor(np.zeros((1, 1)), requires_grad=True)], **{**needed, **plain})
        (slot,) = self._optimizer._slots
        everything = self._optimizer._started(self._optimizer._defaults, slot.w, everything=True)
        self._numbers = {name for name, x in everything.items() if isinstance(x, float)}
        self._values = dict(self._optimizer._defaults)
        self._values = self._with(hyperparameters)

    def __repr__(self) -> str:
        return f"{type(self._optimizer).__name__}.rule({listed(self._values)})"

    def init(self, params: Any) -> Any:
        """The state before the first step: a tree like that of `params`, with a dict in place of each parameter.

        Its arrays and numbers have the names that they have in `state_dict` of the optimizer.
        """
        return tree_map(self._started, params)

    def updated(self, params: Any, grads: Any, state: Any, **hyperparameters: Any) -> tuple[Any, Any]:
        """Parameters and state after a step.

        Parameters
        ----------
        params : tree of floating arrays or Tensors
        grads : tree like `params`
            None in the place of a gradient leaves a parameter, and its state, as it is.
        state : tree
            That of `init`, or of the step before.
        **hyperparameters
            Those that are others in this step, numbers or Tensors.

        Returns
        -------
        (params, state)
            New trees. What was given has not changed.

        Raises
        ------
        ValueError
            If the trees do not correspond, a gradient has another shape than its parameter, or a hyperparameter is
            out of its bounds.
        """
        values = self._with(hyperparameters)
        pairs = tree_map(lambda w, g, kept: self._step(w, g, kept, values), params, grads, state)
        return tree_map(lambda _, pair: pair[0], params, pairs), tree_map(lambda _, pair: pair[1], params, pairs)

    def _with(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """All hyperparameters, some of them others."""
        optimizer, values = self._optimizer, dict(self._values)
        for name, x in changes.items():
            refuse_unknown(type(optimizer).__name__, name, values)
            values[name] = x if is_array(x) else checked(name, x, optimizer._defaults[name], optimizer.bounds)
        optimizer.check({name: optimizer._defaults[name] if is_array(x) else x for name, x in values.items()})
        return values

    def _hyper(self, values: Mapping[str, Any], dtype: np.dtype) -> Any:
        """Hyperparameters as an update has them; arrays among them in the dtype of the parameter."""
        off = [name for name in self._optimizer.optional if not is_array(values.get(name)) and not values.get(name)]
        least = self._optimizer.least_eps(dtype)
        cast = {
            name: tree_map(lambda x: x.astype(dtype) if hasattr(x, "astype") else x, x) for name, x in values.items()
        }
        eps = {"eps": cast.pop("eps")} if is_array(cast.get("eps")) else {}
        return SimpleNamespace(**vars(for_update(cast, least, off)), **eps)

    def _started(self, w: Any) -> dict[str, Any]:
        w = checked_parameter(w)
        self._optimizer.accepts(unwrap(w))
        dtype = computing_dtype(w.dtype)
        state = dict(self._optimizer.start(unwrap(w).astype(dtype), self._hyper(self._values, dtype)))
        return {name: as_numbers(x) if isinstance(x, float) else x for name, x in state.items()}

    def _step(self, w: Any, g: Any, kept: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Any, Any]:
        """A parameter and its state after a step."""
        w = checked_parameter(w)
        if g is not None and np.shape(g) != w.shape:
            raise ValueError(f"a gradient has its parameter's shape {w.shape}; got {np.shape(g)}")
        if g is None or not w.size:
            return w, kept
        dtype = computing_dtype(w.dtype)
        # Numbers are Python's, but for those through which a derivative flows.
        numbers = [name for name in kept if name in self._numbers and not isinstance(kept[name], Watched)]
        arrays = {name: Held(x) for name, x in kept.items() if name not in numbers}
        values_of = {name: x if isinstance(x, float) else as_number(x) for name, x in kept.items() if name in numbers}
        held, state = Held(in_dtype(w, dtype)), State(numbers, {**arrays, **values_of})
        self._optimizer.apply(held, locked(in_dtype(g, dtype)), state, self._hyper(values, dtype))
        new = {name: as_numbers(getattr(state, name)) if name in numbers else getattr(state, name) for name in kept}
        return in_dtype(held.now(), w.dtype), {k: x.now() if isinstance(x, Held) else x for k, x in new.items()}


class Held(NDArrayOperatorsMixin):
    """An array that seems to change in place: ``m += x`` gives the name m another one."""

    def __init__(self, given: Any) -> None:
        self.given = given
        self.value = self.first = locked(given)

    def now(self) -> Any:
        """The array that is held in the end: that which was given, if no other has come."""
        return self.given if self.value is self.first else self.value

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if method == "at":  # which asks no array whether it can be written to
            raise partial()
        made = getattr(ufunc, method)(*map(inside, inputs), **options)
        return made if out is None else out[0].become(made)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        args, kwargs = tree_map(inside, (list(args), dict(kwargs)))
        return function(*args, **kwargs)

    def become(self, value: Any) -> "Held":
        """Hold another array of the same shape."""
        self.value = value
        return self

    def __setitem__(self, index: Any, value: Any) -> None:
        if index is not Ellipsis:
            raise partial()
        self.value = np.broadcast_to(inside(value), self.value.shape)

    def __getitem__(self, index: Any) -> Any:
        return self.value[index]

    def __pow__(self, other: Any) -> Any:
        return self.value**other

    def __getattr__(self, name: str) -> Any:
        return getattr(self.value, name)


def partial() -> TypeError:
    """The error of an update that writes into a part of an array."""
    return TypeError("an update that is to be a rule writes into whole arrays only: x[...] = values, or x += values")


def locked(x: Any) -> Any:
    """An ndarray as one that cannot be written to, as it is the caller's; others do not change in place."""
    if type(x) is not np.ndarray:
        return x
    x = x.view()
    x.flags.writeable = False
    return x


def inside(x: Any) -> Any:
    """What is held, or anything else as it is."""
    return x.value if isinstance(x, Held) else x


def is_array(x: Any) -> bool:
    """Whether a hyperparameter is an array, through which derivatives may flow, rather than a number or a list."""
    return hasattr(x, "shape") and not isinstance(x, np.generic)


def in_dtype(x: Any, dtype: np.dtype) -> Any:
    """An array in a dtype; itself if it has it."""
    return x if x.dtype == dtype else x.astype(dtype)


def checked_parameter(w: Any) -> Any:
    """A floating array or Tensor, refused if it is none."""
    if not hasattr(w, "astype") or w.dtype.kind != "f":
        raise TypeError(
            f"a rule updates floating arrays and Tensors; got a {type(w).__name__} {getattr(w, 'dtype', '')}"
        )
    return w
