"""Dropout: numbers that are left out of training by chance."""

from typing import Any

import numpy as np

from ..core.recorder import drawn
from .activations import SELU_ALPHA, SELU_SCALE
from .init import RNG
from .module import Module
from .precision import floating
from .sizes import checked_number


def dropout(x: Any, p: float = 0.5, training: bool = True, rng: RNG = None) -> Any:
    """`x` with each element set to 0 at probability p, and the others divided by 1 - p; x itself unless `training`.

    Parameters
    ----------
    x : array
    p : float in [0, 1]
    training : bool
    rng : Generator, seed or None
        A seed drops the same elements in every call; a generator drops others each time.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, Dropout, JMLR 15 (2014).
    """
    check_probability(p)
    x = floating("dropout", x)
    return scaled(x, p, x.shape, rng) if training and p else x


def dropout1d(x: Any, p: float = 0.5, training: bool = True, rng: RNG = None) -> Any:
    """`dropout` of whole channels.

    Parameters
    ----------
    x : array of shape (batch, channels, length) or (channels, length)
    p, training, rng : as of `dropout`

    References
    ----------
    Tompson, Goroshin, Jain, LeCun & Bregler, Efficient object localization using convolutional networks, CVPR 2015
    (arXiv:1411.4280).
    """
    return of_channels("dropout1d", x, ("length",), p, training, rng)


def dropout2d(x: Any, p: float = 0.5, training: bool = True, rng: RNG = None) -> Any:
    """`dropout` of whole channels.

    Parameters
    ----------
    x : array of shape (batch, channels, height, width) or (channels, height, width)
    p, training, rng : as of `dropout`

    References
    ----------
    As of `dropout1d`.
    """
    return of_channels("dropout2d", x, ("height", "width"), p, training, rng)


def of_channels(name: str, x: Any, places: tuple[str, ...], p: float, training: bool, rng: RNG) -> Any:
    """Dropout of channels, each with all its places."""
    check_probability(p)
    x, n = floating(name, x), len(places)
    if x.ndim not in (n + 1, n + 2):
        shape = ", ".join(("channels", *places))
        raise ValueError(f"{name} takes arrays of shape (batch, {shape}) or ({shape}); got {x.shape}")
    return scaled(x, p, (*x.shape[:-n], *[1] * n), rng) if training and p else x


def alpha_dropout(x: Any, p: float = 0.5, training: bool = True, rng: RNG = None) -> Any:
    """`x` with elements set to what `selu` tends to on the left, and shifted and scaled to keep mean 0 and variance 1.

    Parameters
    ----------
    x : array
    p, training, rng : as of `dropout`

    References
    ----------
    Klambauer, Unterthiner, Mayr & Hochreiter, Self-normalizing neural networks, NIPS 2017 (arXiv:1706.02515).
    """
    check_probability(p)
    x = floating("alpha_dropout", x)
    if not training or p == 0:
        return x
    if p == 1:
        return x * np.zeros((), x.dtype)
    scale = ((1 - p) * (1 + p * LEFT_OF_SELU**2)) ** -0.5
    kept = kept_of(x, p, x.shape, rng)
    shift = kept * np.asarray(-scale * LEFT_OF_SELU, x.dtype) + np.asarray(scale * LEFT_OF_SELU * (1 - p), x.dtype)
    return x * (kept * np.asarray(scale, x.dtype)) + shift


LEFT_OF_SELU = -SELU_SCALE * SELU_ALPHA


def scaled(x: Any, p: float, shape: tuple[int, ...], rng: RNG) -> Any:
    """`x` times a mask of a shape, over the part that is kept."""
    if p == 1:
        return x * np.zeros((), x.dtype)
    return x * (kept_of(x, p, shape, rng) * np.asarray(1 / (1 - p), x.dtype))


def kept_of(x: Any, p: float, shape: tuple[int, ...], rng: RNG) -> Any:
    """What is not dropped, of a shape, drawn."""
    return drawn(rng, "random", shape, np.float32 if x.dtype == np.float32 else np.float64) >= p


def check_probability(p: float) -> None:
    """Refuse anything but a probability."""
    if not 0 <= checked_number("p, a probability,", p) <= 1:
        raise ValueError(f"p is the probability of an element to be dropped, from 0 to 1; got {p!r}")


class DropLayer(Module):
    """A layer that drops in training, and is the identity in evaluation.

    Parameters
    ----------
    p : float in [0, 1]
        The probability of what is dropped.
    rng : Generator, seed or None
        What the layer draws from, call by call.
    """

    def __init__(self, p: float = 0.5, rng: RNG = None) -> None:
        check_probability(p)
        self.p = p
        self.rng = np.random.default_rng(rng)


class Dropout(DropLayer):
    """`functional.dropout` in training; the array itself in evaluation.

    Parameters
    ----------
    p : float in [0, 1]
        The probability of an element to be set to 0.
    rng : Generator, seed or None
        What the layer draws from, call by call.
    """

    def forward(self, x: Any) -> Any:
        return dropout(x, self.p, self.training, self.rng)


class Dropout1d(DropLayer):
    """`functional.dropout1d` in training; the array itself in evaluation.

    Parameters
    ----------
    p : float in [0, 1]
        The probability of a channel to be set to 0.
    rng : Generator, seed or None
        What the layer draws from, call by call.
    """

    def forward(self, x: Any) -> Any:
        return dropout1d(x, self.p, self.training, self.rng)


class Dropout2d(DropLayer):
    """`functional.dropout2d` in training; the array itself in evaluation.

    Parameters
    ----------
    p : float in [0, 1]
        The probability of a channel to be set to 0.
    rng : Generator, seed or None
        What the layer draws from, call by call.
    """

    def forward(self, x: Any) -> Any:
        return dropout2d(x, self.p, self.training, self.rng)


class AlphaDropout(DropLayer):
    """`functional.alpha_dropout` in training; the array itself in evaluation.

    Parameters
    ----------
    p : float in [0, 1]
        The probability of an element to be dropped.
    rng : Generator, seed or None
        What the layer draws from, call by call.
    """

    def forward(self, x: Any) -> Any:
        return alpha_dropout(x, self.p, self.training, self.rng)
