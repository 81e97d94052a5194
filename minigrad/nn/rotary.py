"""Rotary positions: queries and keys that are turned by angles, so that their products tell how far apart they are."""

from typing import Any

import numpy as np

from ..core.door import plain, unwrap
from ..core.primitive import linear
from ..core.short import public
from ..rules.batching import with_rank
from .precision import as_input, rounded_back, widened
from .sizes import checked_number


def turned(x, cos, sin, interleaved=False):
    """Pairs of numbers of the last axis as points of a plane, turned by angles (..., pairs).

    A pair is one of the first and one of the second half; `interleaved`, two that stand side by side.
    """
    if interleaved:
        points = x.reshape(*x.shape[:-1], x.shape[-1] // 2, 2)
        a, b = points[..., 0], points[..., 1]
        return np.stack([a * cos - b * sin, b * cos + a * sin], axis=-1).reshape(x.shape)
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def _turned_back(g, y, x, cos, sin, interleaved=False):
    return turned(g, cos, -sin, interleaved)


def _turned_of_batch(call):
    angles = (with_rank(x, call.rank(0)) if own else x for x, own in zip(call.operands[1:], call.own[1:], strict=True))
    return call.result([call.full(0), *angles], **call.kwargs)


turned = public(linear(turned, _turned_back, None, None, batch=_turned_of_batch))


def rotary_embedding(x: Any, positions: Any = None, base: float = 10000.0, interleaved: bool = False) -> Any:
    """`x` with its numbers turned in pairs, pair i by the angle ``position / base ** (2 i / width)``.

    The product of a query and a key after it depends on the difference of their positions alone.

    Parameters
    ----------
    x : array of shape (..., length, width)
        Queries or keys, of an even width.
    positions : array that broadcasts to (..., length), optional
        0 to length - 1 by default.
    base : float > 1
        The last pairs turn about so many times slower than the first.
    interleaved : bool
        Whether number 2 i and the next make a pair, as in the paper; otherwise numbers i and i + width / 2, as in most
        models that are published.

    Returns
    -------
    array of the shape of `x`

    Raises
    ------
    ValueError
        If the width is odd, positions do not fit, or the base is not above 1.

    References
    ----------
    Su et al., RoFormer: Enhanced Transformer with Rotary Position Embedding, 2021 (arXiv:2104.09864).
    """
    x, given = widened("rotary_embedding", x), x
    if x.ndim < 2 or x.shape[-1] % 2:
        raise ValueError(
            f"rotary_embedding takes an array of shape (..., length, width), of an even width; got {x.shape}"
        )
    positions = np.arange(x.shape[-2], like=unwrap(x)) if positions is None else plain(positions)
    angles = np.expand_dims(checked_positions(positions, x.shape[:-1]), -1) * frequencies(x.shape[-1], base)
    cos, sin = (f(angles).astype(x.dtype) for f in (np.cos, np.sin))
    return rounded_back(turned(x, cos, sin, interleaved), given)


def frequencies(width: int, base: float) -> Any:
    """The angles of the pairs for one position."""
    check_base(base)
    return base ** (-np.arange(0, width, 2) / width)


def check_base(base: float) -> None:
    """Refuse a base that makes no slower turns."""
    if not checked_number("the base of rotary positions", base) > 1:
        raise ValueError(f"the base of rotary positions is above 1, such as 10000; got {base!r}")


def checked_positions(positions: Any, shape: tuple[int, ...]) -> Any:
    """Positions that broadcast to `shape`, (..., length)."""
    positions = as_input(positions)
    wider = len(shape) - positions.ndim
    if wider < 0 or any(n not in (1, m) for n, m in zip(positions.shape, shape[wider:], strict=True)):
        raise ValueError(f"positions broadcast to {shape}, for (..., length); got an array of shape {positions.shape}")
    return positions
