"""Images of another size: each of their numbers is one of the image, or is interpolated between a few of it.

Element i of the result lies at ``(i + 1/2) scale - 1/2`` in the image, where elements are squares side by side, or at
``i (n - 1) / (m - 1)`` where the corners are aligned; the scale is n / m, or one over the factor that is asked for.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..core.door import bind
from ..ops.functions import take
from .module import Module
from .pooling.adaptive import adaptive_means
from .precision import as_input, rounded_back, widened
from .sizes import AXES, checked_counts, checked_flag
from .stencil import Stencil, resampled

MODES: dict[str, tuple[int, ...]] = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "trilinear": (3,),
    "bicubic": (2,),
}
BETWEEN = ("linear", "bilinear", "trilinear", "bicubic")
Factors = float | Sequence[float]


def interpolate(
    x: Any,
    size: int | Sequence[int] | None = None,
    scale_factor: Factors | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """Resize an image.

    Parameters
    ----------
    x : array of shape (n, channels, length), (n, channels, height, width) or (n, channels, depth, height, width)
    size : int >= 1, or one for each axis after the channels
    scale_factor : float > 0, or one for each axis after the channels
        In place of `size`, which is then that many times the image's, rounded down.
    mode : str
        The number whose index is next below ("nearest") or whose centre is nearest ("nearest-exact"); the mean of a
        part, as in `adaptive_avg_pool2d` ("area"); a line between two neighbours along each axis ("linear" of
        sequences, "bilinear" of images, "trilinear" of volumes); or a cubic through four ("bicubic" of images).
    align_corners : bool, optional
        Whether the first and last elements lie on those of the image, where they are interpolated.
    recompute_scale_factor : bool, optional
        Whether distances are those of the size, where `scale_factor` times the image's size is no integer.
    antialias : bool
        Whether an image that is made smaller is averaged over as wide a neighbourhood, "bilinear" and "bicubic".

    Returns
    -------
    array of shape (n, channels) + size
        Of the dtype of `x` for the nearest, and of floats otherwise.

    Raises
    ------
    ValueError
        If the shape, the mode or a number does not fit, or not exactly one of `size` and `scale_factor` is given.

    References
    ----------
    Keys, Cubic convolution interpolation for digital image processing, 1981; with a = -3/4, or -1/2 if `antialias`.
    """
    given = as_input(x)
    axes = given.ndim - 2
    check_mode("interpolate", mode, align_corners, antialias)
    if axes not in MODES[mode]:
        shapes = " or ".join(f"(n, channels, {AXES[n]})" for n in MODES[mode])
        raise ValueError(f"interpolate with mode={mode!r} takes {shapes}; got an array of shape {given.shape}")
    sizes, scales = sizes_and_scales(given.shape[2:], size, scale_factor, recompute_scale_factor)
    if mode == "area":
        return adaptive_means("interpolate", axes, given, sizes)
    pairs = zip(given.shape[2:], sizes, scales, strict=True)
    stencils = tuple(stencil_of(n, m, s, mode, bool(align_corners), bool(antialias)) for n, m, s in pairs)
    if mode not in BETWEEN and given.dtype.kind != "f":
        for axis, stencil in enumerate(stencils, 2):
            given = given if stencil is None else take(given, stencil.indices[0], axis=axis)
        return given
    return rounded_back(bind(resampled, (widened("interpolate", given), stencils)), given)


def check_mode(name: str, mode: str, align_corners: Any, antialias: Any) -> None:
    """Refuse an unknown mode, and options that a mode does not have."""
    if mode not in MODES:
        raise ValueError(f"mode of {name} is one of {', '.join(map(repr, MODES))}; got {mode!r}")
    if align_corners is not None and checked_flag(f"align_corners of {name}", align_corners) and mode not in BETWEEN:
        raise ValueError(f"align_corners is for {', '.join(map(repr, BETWEEN))}; got mode={mode!r}. Leave it out")
    if checked_flag(f"antialias of {name}", antialias) and (mode not in ("bilinear", "bicubic") or align_corners):
        raise ValueError(
            f"antialias is for 'bilinear' and 'bicubic' without align_corners; got mode={mode!r} and "
            f"align_corners={align_corners}"
        )


def sizes_and_scales(
    lengths: tuple[int, ...], size: Any, factor: Any, recompute: Any
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The lengths of the result, and how many elements of the image one of the result stands for, along each axis."""
    if (size is None) == (factor is None):
        raise ValueError(f"interpolate takes either a size or a scale_factor; got {size!r} and {factor!r}")
    if recompute is not None and checked_flag("recompute_scale_factor of interpolate", recompute) and factor is None:
        raise ValueError("recompute_scale_factor is for a scale_factor; got a size. Leave it out")
    if not min(lengths):
        raise ValueError(f"interpolate takes at least one number for each channel; got an image of {lengths}")
    if factor is None:
        sizes, factors = checked_counts("size of interpolate", size, len(lengths), 1), (None,) * len(lengths)
    else:
        factors = checked_factors(factor, len(lengths))
        sizes = tuple(math.floor(n * f) for n, f in zip(lengths, factors, strict=True))
        if not min(sizes):
            raise ValueError(f"interpolate of an image of {lengths} by {factor!r} would leave {sizes}. Take more")
    given = zip(lengths, sizes, factors, strict=True)
    return sizes, tuple(n / m if f is None or recompute else 1 / f for n, m, f in given)


def checked_factors(factor: Any, axes: int) -> tuple[float, ...]:
    """A positive number for each axis, of one for all or a sequence of them."""
    factors = tuple(factor) if isinstance(factor, tuple | list) else (factor,) * axes
    if len(factors) != axes or not all(isinstance(f, int | float | np.number) and 0 < f < math.inf for f in factors):
        raise ValueError(f"scale_factor of interpolate is a positive number, or {axes} of them; got {factor!r}")
    return tuple(float(f) for f in factors)


@lru_cache(256)
def stencil_of(n: int, m: int, scale: float, mode: str, align_corners: bool, antialias: bool) -> Stencil | None:
    """The map along an axis of n elements to m of them; None if that changes nothing."""
    if n == m and (align_corners or scale == 1):
        return None
    i = np.arange(m)
    if mode not in BETWEEN:  # rounded to single precision, so that a product that should be an integer is one
        at = (scale * (i + (0.5 if mode == "nearest-exact" else 0))).astype(np.float32)
        return Stencil(np.minimum(np.floor(at).astype(int), n - 1)[None], np.ones((1, m)), n)
    if antialias:
        return smooth(n, m, scale, mode)
    at = i * ((n - 1) / max(m - 1, 1)) if align_corners else scale * (i + 0.5) - 0.5
    if mode != "bicubic":
        at = np.maximum(at, 0)
    below = np.floor(at)
    reach = np.arange(-1, 3) if mode == "bicubic" else np.arange(2)
    indices = below.astype(int) + reach[:, None]
    weights = cubic(at - indices, -0.75) if mode == "bicubic" else hat(at - indices)
    return Stencil(np.clip(indices, 0, n - 1), weights, n)


def smooth(n: int, m: int, scale: float, mode: str) -> Stencil:
    """The map by weights that reach as far as an element of the result does, and add up to one."""
    wide, centre = max(scale, 1.0), scale * (np.arange(m) + 0.5)
    reach = wide * (2 if mode == "bicubic" else 1)
    first = np.maximum((centre - reach + 0.5).astype(int), 0)
    last = np.minimum((centre + reach + 0.5).astype(int), n)
    indices = first + np.arange(np.max(last - first))[:, None]
    distance = (indices - centre + 0.5) / wide
    weights = np.where(indices < last, cubic(distance, -0.5) if mode == "bicubic" else hat(distance), 0)
    return Stencil(np.where(indices < last, indices, n), weights / weights.sum(axis=0), n)


def hat(d: Any) -> Any:
    """The weight of linear interpolation at a distance."""
    return np.maximum(1 - np.abs(d), 0)


def cubic(d: Any, a: float) -> Any:
    """The weight of cubic interpolation at a distance, whose slope at distance 1 is `a`."""
    d = np.abs(d)
    near, far = ((a + 2) * d - (a + 3)) * d * d + 1, (((d - 5) * d + 8) * d - 4) * a
    return np.where(d < 1, near, np.where(d < 2, far, 0))


class Upsample(Module):
    """`functional.interpolate` as a layer: (n, channels, ...) -> (n, channels) + size.

    Parameters
    ----------
    size, scale_factor, mode, align_corners, recompute_scale_factor : as of `functional.interpolate`
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: Factors | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        check_mode("Upsample", mode, align_corners, False)
        if (size is None) == (scale_factor is None):
            raise ValueError(f"Upsample takes either a size or a scale_factor; got {size!r} and {scale_factor!r}")
        self.size, self.scale_factor, self.mode, self.align_corners = size, scale_factor, mode, align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, x: Any) -> Any:
        numbers = self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        return interpolate(x, *numbers)
