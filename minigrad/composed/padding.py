"""Padding, in all modes that NumPy has: one axis after the other, each with the paddings of those before."""

import numpy as np

from ..core.primitive import composed
from ..rules.precision import as_floats
from ..rules.structure import padded
from .statistics import as_array

OPTIONS = {
    "constant": "constant_values",
    "empty": None,
    "edge": None,
    "wrap": None,
    "linear_ramp": "end_values",
    **dict.fromkeys(("maximum", "mean", "median", "minimum"), "stat_length"),
    **dict.fromkeys(("reflect", "symmetric"), "reflect_type"),
}
STATISTICS = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}


@composed(np.pad)
def pad(array, pad_width, mode="constant", **options):
    array = as_array(array)
    if callable(mode):
        raise ValueError("pad with a function that fills its argument in place has no derivative. Use np.concatenate")
    if mode not in OPTIONS or options.keys() - {OPTIONS[mode]}:
        raise ValueError(
            f"pad takes the modes {', '.join(sorted(OPTIONS))}, each with its own option; got {mode!r} {options}"
        )
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(i, pad_width.get(i - array.ndim, (0, 0))) for i in range(array.ndim)]
        pad_width = [(width, width) if np.ndim(width) == 0 else width for width in pad_width]
    if mode in ("constant", "empty"):
        return padded(array, pad_width, options.get("constant_values", 0))
    widths = np.broadcast_to(pad_width, (array.ndim, 2)).tolist()
    for axis, pair in enumerate(widths):
        array = _padded_along(array, axis, pair, mode, options)
    return array


def _padded_along(x, axis, widths, mode, options):
    n, before = x.shape[axis], (slice(None),) * axis
    if not any(widths):
        return x
    if not n:
        raise ValueError(f"an axis without elements is padded in the modes constant and empty; got {mode!r}")
    if mode == "linear_ramp":
        sides = _ramps(x, axis, widths, _pair(options.get("end_values", 0), x.ndim, axis))
    elif mode in STATISTICS:
        lengths = _pair(options.get("stat_length"), x.ndim, axis)
        sides = [
            np.broadcast_to(_statistic(part, axis, mode), (*x.shape[:axis], width, *x.shape[axis + 1 :]))
            for part, width in zip(_ends(x, axis, lengths), widths, strict=True)
        ]
    elif options.get("reflect_type", "even") == "odd" and n > 1:
        return _turned(x, axis, widths, mode)
    elif options.get("reflect_type", "even") not in ("even", "odd"):
        raise ValueError(f"reflect_type is even or odd; got {options['reflect_type']!r}")
    else:
        return x[*before, np.pad(np.arange(n), widths, mode)]
    return np.concatenate([sides[0], x, sides[1]], axis=axis)


def _pair(values, ndim, axis):
    # The values for both ends of an axis, of those for all as np.pad takes them.
    return (None, None) if values is None else np.broadcast_to(values, (ndim, 2)).tolist()[axis]


def _ends(x, axis, lengths):
    n, before = x.shape[axis], (slice(None),) * axis
    first, last = (n if k is None else min(k, n) for k in lengths)
    return x[*before, :first], x[*before, n - last :]


def _statistic(part, axis, mode):
    if not part.shape[axis]:
        raise ValueError(f"the mode {mode} of pad takes a stat_length of 1 or more; got 0")
    y = STATISTICS[mode](part, axis=axis, keepdims=True)
    return (np.round(y) if part.dtype.kind in "iu" else y).astype(part.dtype)


def _ramps(x, axis, widths, values):
    # From a value at the outer end up to the last element, without it.
    before = (slice(None),) * axis
    left, right = (
        np.linspace(
            as_floats(np.zeros_like(x, shape=())) + value,
            x[*before, at],
            width,
            endpoint=False,
            dtype=x.dtype,
            axis=axis,
        )
        for value, at, width in zip(values, (0, -1), widths, strict=True)
    )
    return left, np.flip(right, axis)


def _turned(x, axis, widths, mode):
    # Turned by half a turn about both ends: every second period has the values of the first one, and twice the
    # difference of the ends for each; those between have minus these, and twice the last one.
    n, before = x.shape[axis], (slice(None),) * axis
    length = n - 1 if mode == "reflect" else n
    period, within = np.divmod(np.arange(-widths[0], n + widths[1]), length)
    last = 2 * x[*before, -1:]
    step, parts = last - 2 * x[*before, :1], []
    for k in range(period[0], period[-1] + 1):
        at = within[period == k]
        part = last - x[*before, n - 1 - at] if k % 2 else x[*before, at]
        parts.append(part + k // 2 * step if k >= 0 else part - -(k // 2) * step)
    return np.concatenate(parts, axis=axis).astype(x.dtype)
