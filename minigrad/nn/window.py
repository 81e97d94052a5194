"""Windows that move over images, for convolution, pooling and unfolding.

Images have shape (n, channels, ..., width), with one to three axes after the channels. What is computed from them lies
in memory in the order (..., channels, width, n): what one element of a window meets in a row of the image is then one
run of numbers, which NumPy copies and adds as such. Here that order is called rows.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from .sizes import checked_counts

Counts = int | Sequence[int]


class Window(NamedTuple):
    """How a window moves over an image: each field has an element for each axis after the channels.

    `padding` counts the elements added before and after the image, as pairs.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...] = (1, 1)
    padding: tuple[tuple[int, int], ...] = ((0, 0), (0, 0))
    dilation: tuple[int, ...] = (1, 1)

    def framed(self, size):
        """The lengths of an image of that size with its padding."""
        return tuple(n + before + after for n, (before, after) in zip(size, self.padding, strict=True))

    def places(self, size):
        """How many places there are for the window, along each axis of an image of that size."""
        return tuple(
            (n - d * (k - 1) - 1) // s + 1
            for n, k, s, d in zip(self.framed(size), self.kernel, self.stride, self.dilation, strict=True)
        )

    def inside(self, size):
        """Where the image lies in its padding, as an index of rows."""
        *outer, across = (slice(before, before + n) for n, (before, _) in zip(size, self.padding, strict=True))
        return *outer, slice(None), across

    def tiles(self, size):
        """Whether the window meets each element of an image of that size just once."""
        whole = all(n % k == 0 for n, k in zip(size, self.kernel, strict=True))
        return whole and self.stride == self.kernel and max(self.dilation) == 1 and not self.is_framed()

    def is_framed(self):
        """Whether there is any padding."""
        return any(map(any, self.padding))

    def taps(self, places):
        """For each element of the window, what it meets in all places, as an index of padded rows."""
        return taps(self, tuple(places))


@lru_cache(1024)  # a small network would spend a good part of its time here
def taps(window, places):
    """The indices that `Window.taps` returns."""
    *outer, across = (
        [slice(i * d, i * d + s * (n - 1) + 1, s) for i in range(k)]
        for n, k, s, d in zip(places, window.kernel, window.stride, window.dilation, strict=True)
    )
    return [(*index, slice(None), columns) for *index, columns in product(*outer, across)]


def image_rows(x):
    """An image as (..., channels, width, n), each row in one run of memory; a view of an image made here."""
    n, channels, *outer, width = x.shape
    x = x.transpose(*range(2, x.ndim - 1), 1, x.ndim - 1, 0).reshape(*outer, channels, width * n)
    return x.reshape(*outer, channels, width, n)


def image_of(rows):
    """The image that has these rows, a view."""
    last = rows.ndim - 1
    return rows.transpose(last, last - 2, *range(last - 2), last - 1)


def padded_rows(x, window, fill=0):
    """The rows of an image and its padding."""
    rows = image_rows(x)
    if not window.is_framed():
        return rows
    *outer, width = window.framed(x.shape[2:])
    framed = np.full_like(rows, fill, shape=(*outer, x.shape[1], width, len(x)))
    framed[window.inside(x.shape[2:])] = rows
    return framed


def add_up(parts, window, places, size):
    """The image in which the rows `parts`, one for each element of the window, are added where the element meets it."""
    *outer, width = window.framed(size)
    channels, _, n = parts[0].shape[-3:]
    framed = np.zeros_like(parts[0], shape=(*outer, channels, width, n))
    for part, met in zip(parts, window.taps(places), strict=True):
        framed[met] += part
    return image_of(framed[window.inside(size)])


# How layers and functions are given a window


def kernel_window(name: str, kernel: Sequence[int], stride: Counts, padding: Counts | str, dilation: Counts) -> Window:
    """How a kernel of that shape moves."""
    axes = len(kernel)
    strides = checked_counts(f"stride of {name}", stride, axes, 1)
    dilations = checked_counts(f"dilation of {name}", dilation, axes, 1)
    pads = padding_of(name, padding, kernel, strides, dilations)
    return Window(tuple(kernel), strides, pads, dilations)


def padding_of(name: str, padding: Any, kernel: Any, strides: Any, dilations: Any) -> Any:
    """The padding before and after, along each axis."""
    if not isinstance(padding, str):
        return tuple((n, n) for n in checked_counts(f"padding of {name}", padding, len(kernel), 0))
    if padding not in ("same", "valid"):
        raise ValueError(f'padding of {name} is a number, one for each axis, "same" or "valid"; got {padding!r}')
    if padding == "valid":
        return tuple((0, 0) for _ in kernel)
    if max(strides) > 1:
        raise ValueError(f'padding="same" of {name} takes stride 1; got {strides}. Give the padding in numbers')
    totals = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
    return tuple((total // 2, total - total // 2) for total in totals)


def pooling_window(
    name: str, axes: int, kernel: Counts, stride: Counts | None, padding: Counts, dilation: Counts = 1
) -> Window:
    """How a window moves over an image; refuses so much padding that it could meet nothing else."""
    kernels = checked_counts(f"kernel_size of {name}", kernel, axes, 1)
    strides = kernels if stride is None else checked_counts(f"stride of {name}", stride, axes, 1)
    pads = checked_counts(f"padding of {name}", padding, axes, 0)
    if any(2 * p > k for p, k in zip(pads, kernels, strict=True)):
        raise ValueError(f"padding of {name} is at most half its window of {kernels}; got {pads}")
    dilations = checked_counts(f"dilation of {name}", dilation, axes, 1)
    return Window(kernels, strides, tuple((p, p) for p in pads), dilations)


def check_places(name: str, window: Window, size: Any) -> None:
    """Refuse a kernel that has no place in the image."""
    if min(window.places(size)) < 1:
        raise ValueError(
            f"{name} takes a kernel that fits into the padded image; got one of {window.kernel} with dilation "
            f"{window.dilation} for an image of {window.framed(size)} with its padding"
        )


def ceiled(window: Window, size: Any) -> Window:
    """The window with more padding at the end, for one place more where it begins in the image and reaches over."""
    ends = []
    for n, framed, k, s, (before, after), d in zip(size, window.framed(size), *window, strict=True):
        over = (framed - d * (k - 1) - 1) % s
        begins = framed - d * (k - 1) - 1 - over + s
        ends.append((before, after + s - over if over and begins < n + before else after))
    return window._replace(padding=tuple(ends))
