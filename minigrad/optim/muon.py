"""Muon: momentum made orthogonal, for the matrices of hidden layers."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from .hyperparameters import checked_integer
from .optimizer import Optimizer

SCALES: Mapping[str, Any] = {
    "original": lambda rows, columns: max(1.0, columns / rows) ** 0.5,
    "match_rms_adamw": lambda rows, columns: 0.2 * max(rows, columns) ** 0.5,
    "spectral_unclamped": lambda rows, columns: (columns / rows) ** 0.5,
}


class Muon(Optimizer):
    """Steps along the running mean of the gradient, a matrix, with all its singular values put near one.

    With ``b = momentum * b + (1 - momentum) * g``, zero at first, and u = b or, with `nesterov`,
    ``u = momentum * b + (1 - momentum) * g``, the step is ``w -= lr * scale * orthogonal(u)`` after
    ``w *= 1 - lr * weight_decay``. `orthogonal` divides u by its norm and repeats
    ``x = a * x + (b * (x @ x.T) + c * (x @ x.T)**2) @ x`` with `ns_coefficients` a, b and c, which brings all singular
    values to between 0.7 and 1.2.

    For the matrices of hidden layers; biases, embeddings and the last layer are for `AdamW`.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) pairs, or of groups
        Leaves that require grad, of two axes: inputs and outputs, as of `nn.Linear`. Their memory is written to.
    lr : float >= 0
        Step length, in units of the parameters.
    weight_decay : float >= 0
        The part of the weights that a step takes away, in units of `lr`.
    momentum : float in [0, 1]
        Decay of the mean, per step.
    nesterov : bool
        Look ahead by one step of the mean.
    ns_coefficients : (float, float, float)
    eps : float >= 0
        Floor of the norm that u is divided by, in units of the gradient.
    ns_steps : int
        How often x is improved.
    adjust_lr_fn : "original", "match_rms_adamw" or "spectral_unclamped"
        The scale: ``sqrt(max(1, outputs / inputs))``, ``0.2 * sqrt(max(inputs, outputs))``, as Adam's steps are, or
        ``sqrt(outputs / inputs)``.
    maximize : bool
        Go up: count gradients with the opposite sign.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no matrix, no leaf that requires grad, comes twice, or there is none; or a number is out of
        bounds.

    References
    ----------
    Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024 (kellerjordan.github.io/posts/muon);
    Liu et al., Muon is scalable for LLM training, 2025 (arXiv:2502.16982), for "match_rms_adamw". PyTorch's has weights
    of (outputs, inputs), and improves x in bfloat16, which NumPy does not have; here it is done in the dtype of w.
    """

    decoupled = True
    kinds: ClassVar[Mapping[str, Any]] = {"ns_coefficients": (0.0, 0.0, 0.0)}
    bounds: ClassVar[Mapping[str, Any]] = {"momentum": (0.0, 1.0, False)}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str = "original",
        maximize: bool = False,
    ) -> None:
        self.ns_steps = ns_steps
        self.adjust_lr_fn = adjust_lr_fn
        super().__init__(
            params,
            lr=lr,
            weight_decay=weight_decay,
            momentum=momentum,
            nesterov=nesterov,
            ns_coefficients=ns_coefficients,
            eps=eps,
            maximize=maximize,
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "ns_steps":
            value = checked_integer(name, value, 0)
        if name == "adjust_lr_fn" and value not in SCALES:
            raise ValueError(f"adjust_lr_fn is one of {', '.join(map(repr, SCALES))}; got {value!r}")
        super().__setattr__(name, value)
        if name in ("ns_steps", "adjust_lr_fn"):
            super().__setattr__("_steps_alike", object())  # recordings of other steps end

    def accepts(self, w: Any) -> None:
        if w.ndim != 2:
            raise ValueError(
                f"Muon updates matrices; got a parameter of shape {w.shape}. Give those of other shapes to optim.AdamW"
            )

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        return {"momentum_buffer": np.zeros_like(w)}

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        b, rest = state.momentum_buffer, 1 - hyper.momentum
        b *= hyper.momentum
        b += rest * g
        u = hyper.momentum * b + rest * g if hyper.nesterov else b
        scale = SCALES[self.adjust_lr_fn](*w.shape)
        w -= hyper.lr * scale * orthogonal(u, hyper.ns_coefficients, hyper.eps, self.ns_steps)


def orthogonal(u: Any, coefficients: tuple[float, float, float], eps: float, steps: int) -> Any:
    """A matrix with the singular vectors of u, and singular values near one."""
    a, b, c = coefficients
    tall = u.shape[0] > u.shape[1]
    x = np.transpose(u) if tall else 1 * u
    x = x / np.maximum(np.sqrt(np.sum(x * x)), eps)
    for _ in range(steps):
        gram = x @ np.transpose(x)
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return np.transpose(x) if tall else x
