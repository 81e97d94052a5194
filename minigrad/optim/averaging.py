"""Running averages of parameters, which often do better than the parameters themselves."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ..core.context import no_grad
from ..core.door import plain
from ..core.tape import mark_memory
from .hyperparameters import checked_number, listed
from .parameters import checked_parameters, counted, kind_of, named_tensors, refuse_another_kind
from .slot import computing_dtype
from .state import array_differences, load_arrays, saved_arrays


class EMA:
    """Averages of parameters, in which older values count less and less: ``a = decay * a + (1 - decay) * w``.

    Call `update` after each step of the optimizer, and evaluate in ``with ema.averaged():``, where the parameters
    have their averages for values. Those of half precision are kept in single, and rounded there only.

    Parameters
    ----------
    params : iterable of Tensor, or of (name, Tensor) pairs
        Leaves that require grad.
    decay : float in [0, 1)
        The part of an average that is left after an update. About ``1 / (1 - decay)`` steps count.
    buffers : iterable of Tensor, or of (name, Tensor) pairs
        Such as ``model.named_buffers()``: floating ones are averaged as parameters are, of integers the last is kept.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no leaf that requires grad, comes twice, or there is none; or `decay` is out of bounds.

    References
    ----------
    Polyak & Juditsky, Acceleration of stochastic approximation by averaging, 1992, for averaging; Tarvainen & Valpola,
    Mean teachers are better role models, NeurIPS 2017 (arXiv:1703.01780), for this form. The averages start from the
    values at the time of making; in PyTorch's `swa_utils`, from those at the first update.
    """

    def __init__(self, params: Iterable[Any], decay: float = 0.999, buffers: Iterable[Any] = ()) -> None:
        self._decay = checked_number("decay", decay, low=0.0, high=1.0, below=True)
        named = checked_parameters(params, {}, "an average")
        self._parameters = len(named)
        self._named = {**named, **checked_buffers(buffers, named)}
        self.averages = {name: p.value.astype(dtype_of_average(p.dtype)) for name, p in self._named.items()}
        self._scratch = {name: np.empty_like(average) for name, average in self.averages.items()}
        # What was last rounded into a parameter of half precision, so that it comes back as it was.
        self._exact = {name: x.copy() for name, x in self.averages.items() if x.dtype != self._named[name].dtype}
        self._kinds = {name: kind_of(p.value) for name, p in self._named.items()}
        self._inside = False

    @property
    def decay(self) -> float:
        """The part of an average that is left after an update."""
        return self._decay

    def __repr__(self) -> str:
        buffers = len(self._named) - self._parameters
        more = f" and {buffers} buffer{'' if buffers == 1 else 's'}" if buffers else ""
        params = list(self._named.values())[: self._parameters]
        return f"EMA({listed({'decay': self._decay})}): {counted(params)}{more}"

    def update(self) -> None:
        """Take the present values in, in place."""
        self._refuse_inside("update")
        self._refuse_changed()
        for name, p in self._named.items():
            w, average, s = plain(p), self.averages[name], self._scratch[name]
            if w.dtype.kind != "f":
                average[...] = w
                continue
            np.subtract(w, average, out=s)
            np.multiply(s, 1 - self._decay, out=s)
            np.add(average, s, out=average)

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """A context in which the parameters have their averages for values; after it, their own again."""
        self._refuse_inside("averaged")
        self.swap()
        self._inside = True
        try:
            yield
        finally:
            self._inside = False
            self.swap()

    def swap(self) -> None:
        """Exchange the values of parameters and averages, in place: twice is as before."""
        self._refuse_inside("swap")
        self._refuse_changed()
        for name, p in self._named.items():
            w, average, s = plain(p), self.averages[name], self._scratch[name]
            s[...] = w
            if name in self._exact:
                exact = self._exact[name]
                s[...] = np.where(exact.astype(p.dtype) == w, exact, s)
                exact[...] = average
            w[...] = average
            average[...] = s
            if p.node is None:  # frozen since
                mark_memory(p.value)
            else:
                p.changed()

    def _refuse_inside(self, name: str) -> None:
        if self._inside:
            raise RuntimeError(f"{name} was called within averaged(), where the parameters have their averages")

    def _refuse_changed(self) -> None:
        """Refuse a parameter that has become another kind of array since."""
        for name, p in self._named.items():
            refuse_another_kind(name, self._kinds[name], p.value, "average")

    def state_dict(self) -> dict[str, Any]:
        """Copies of the averages by name."""
        self._refuse_inside("state_dict")
        return {"averages": saved_arrays(self.averages)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`, in place.

        Raises
        ------
        ValueError
            If anything is missing, unexpected or of another shape. The error says all of it; nothing has changed.
        """
        self._refuse_inside("load_state_dict")
        problems = array_differences("state", state, {"averages": self.averages})
        if problems:
            raise ValueError(f"this state does not belong to this EMA: {'; '.join(problems)}")
        load_arrays(state["averages"], self.averages)


def checked_buffers(buffers: Iterable[Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Buffers by name; refuses those that require grad, and names that parameters have."""
    found: dict[str, Any] = {}
    for name, x in named_tensors(buffers, "an average", params):
        if x.node is not None:
            raise ValueError(f"an average takes buffers without a gradient; {name} requires grad, so it is a parameter")
        if name in found or name in params:
            raise ValueError(f"an average tells parameters and buffers apart by name; two are called {name}")
        found[name] = x
    return found


def dtype_of_average(dtype: np.dtype) -> np.dtype:
    """What an average is kept in: of what is no floating number, there is none."""
    return computing_dtype(dtype) if dtype.kind == "f" else dtype


def update_bn(loader: Iterable[Any], model: Any) -> None:
    """Make the running statistics of a model those of the weights that it has now: the means over all batches.

    For weights that no training has passed over, such as averages. Layers that have running statistics forget them, and
    the model computes all batches in training mode, without gradients; after that it is in the mode that it was in.

    Parameters
    ----------
    loader : iterable
        Of batches: inputs, or tuples or lists of which they are the first.
    model : Module

    Raises
    ------
    ValueError
        If there is no batch. Then, and whatever the model raises, its statistics are as they were.

    References
    ----------
    Izmailov et al., Averaging weights leads to wider optima and better generalization, UAI 2018 (arXiv:1803.05407);
    PyTorch's function of this name in `swa_utils`.
    """
    layers = [x for x in model.modules() if getattr(x, "running_mean", None) is not None and hasattr(x, "momentum")]
    if not layers:
        return
    modes = [(module, module.training) for module in model.modules()]
    momenta = [layer.momentum for layer in layers]
    before = [(x, x.data.copy()) for _, x in model.named_buffers()]
    counters = [Counting() for _ in layers]
    hooks = [layer.register_forward_pre_hook(counter) for layer, counter in zip(layers, counters, strict=True)]
    try:
        for layer in layers:
            layer.running_mean.data = layer.running_var.data = np.zeros_like(layer.running_mean.data)
        model.train()
        compute(loader, model)
        for layer, counter in zip(layers, counters, strict=True):
            if hasattr(layer, "num_batches_tracked"):
                layer.num_batches_tracked.data = counter.calls
    except BaseException:
        for x, values in before:
            x.data = values
        raise
    finally:
        for layer, momentum, remove in zip(layers, momenta, hooks, strict=True):
            layer.momentum = momentum
            remove()
        for module, training in modes:
            module.training = training


def compute(loader: Iterable[Any], model: Any) -> None:
    """Call a model with each batch."""
    empty = True
    with no_grad():
        for batch in loader:
            model(batch[0] if isinstance(batch, tuple | list) else batch)
            empty = False
    if empty:
        raise ValueError("update_bn takes at least one batch, to have statistics of; the loader has none")


class Counting:
    """A hook that makes running statistics means: in the n-th call, a batch counts for 1 / n."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, layer: Any, args: Any) -> None:
        self.calls += 1
        layer.momentum = 1 / self.calls
