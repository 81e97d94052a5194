"""Stochastic gradient descent."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..recorder import gradient_of, seen
from ..tensor import Tensor
from ..traced import bare
from .optimizer import Optimizer, check_state, checked_number

multiply, subtract = np.multiply, np.subtract
NUMBERS = ("lr", "momentum", "dampening", "weight_decay", "nesterov")


class SGD(Optimizer):
    """Steps against the gradient, with momentum if wanted.

    With ``d = gradient + weight_decay * w`` the momentum buffer is d in the first step, and after that
    ``v = momentum * v + (1 - dampening) * d``; the step is ``w -= lr * v``, or ``w -= lr * (d + momentum * v)`` with
    `nesterov`, or ``w -= lr * d`` without momentum.

    Parameters
    ----------
    params : iterable of Tensor
        Leaves that require grad. Their memory is written to; a step allocates none.
    lr : float >= 0
        The learning rate: step length, in units of the parameter per unit of the gradient. Can be set at any time.
    momentum : float in [0, 1]
        The part of the buffer that is left after a step.
    dampening : float in [0, 1]
        The part of d that does not reach the buffer.
    weight_decay : float >= 0
        Strength of the pull towards zero, as the gradient of ``weight_decay / 2 * w**2``.
    nesterov : bool
        Look ahead by one step of the buffer; takes momentum, and no dampening.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no leaf that requires grad, comes twice, or there is none; or a number is out of bounds.

    References
    ----------
    Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep learning, ICML 2013.
    The form is PyTorch's: the learning rate multiplies the buffer, and is no part of it.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(params)
        self.momentum = checked_number("momentum", momentum, high=1.0)
        self.dampening = checked_number("dampening", dampening, high=1.0)
        self.weight_decay = checked_number("weight_decay", weight_decay)
        self.nesterov = bool(nesterov)
        if self.nesterov and (not self.momentum or self.dampening):
            raise ValueError(
                f"nesterov takes momentum > 0 and dampening = 0; got {self.momentum:g} and {self.dampening:g}"
            )
        # An array for each dtype: NumPy turns a float into one in every call, at the price of the call itself.
        self._rates = {p.dtype: np.zeros((), p.dtype) for p in self.params}
        self.lr = lr
        self._work = [(i, p, self._rates[p.dtype], np.empty_like(p.data)) for i, p in enumerate(self.params)]
        self._ahead = [np.empty_like(p.data) for p in self.params] if self.nesterov else []
        self._velocity: list[np.ndarray | None] = [None] * len(self.params)

    @property
    def lr(self) -> float:
        """The learning rate."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._lr = checked_number("lr", value)
        for rate in self._rates.values():
            rate[...] = self._lr

    def step(self) -> None:
        """Update each parameter that has a gradient."""
        for i, p, rate, scratch in self._work:
            g = gradient_of(p)
            if g is None:
                continue
            w, rate, scratch = seen(p.value), seen(rate), seen(scratch)
            if type(g) is not np.ndarray:
                g = bare(g)
            if self.weight_decay:
                g = np.add(g, multiply(w, self.weight_decay, scratch), scratch)
            if self.momentum:
                g = self._with_momentum(i, g)
            multiply(g, rate, scratch)
            subtract(w, scratch, w)
            p.changed()

    def _with_momentum(self, i: int, d: np.ndarray) -> np.ndarray:
        """The direction to step in, given d; both may be the scratch array."""
        v = self._velocity[i]
        if v is None:
            v = self._velocity[i] = d.copy()
        else:
            multiply(v, self.momentum, v)
            np.add(v, multiply(d, 1 - self.dampening, self._work[i][3]) if self.dampening else d, v)
        if not self.nesterov:
            return v
        ahead = multiply(v, self.momentum, self._ahead[i])
        return np.add(d, ahead, ahead)

    def state_dict(self) -> dict[str, Any]:
        """Copies of all that `load_state_dict` needs to go on from here; the parameters are not among it."""
        numbers = {name: getattr(self, name) for name in NUMBERS}
        return {**numbers, "velocity": [None if v is None else v.copy() for v in self._velocity]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`; raises ValueError, and changes nothing, if it is not of these parameters."""
        check_state(state, {*NUMBERS, "velocity"}, [p.data for p in self.params])
        other = SGD(self.params, **{name: state[name] for name in NUMBERS})
        other._velocity = [
            None if v is None else np.array(v, p.dtype) for v, p in zip(state["velocity"], self.params, strict=True)
        ]
        self.__dict__.update(other.__dict__)
