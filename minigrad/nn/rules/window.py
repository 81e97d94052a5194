"""Windows that move over images, for convolution and pooling.

Images have shape (n, channels, height, width). What is computed from them lies in memory in the order (height,
channels, width, n): what one element of a window meets in a row of the image is then one run of numbers, which NumPy
copies and adds as such. Here that order is called rows.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np


class Window(NamedTuple):
    """How a window moves over an image: each field has an element for the height and one for the width.

    `padding` counts the rows and columns added before and after the image, as pairs.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...] = (1, 1)
    padding: tuple[tuple[int, int], ...] = ((0, 0), (0, 0))
    dilation: tuple[int, ...] = (1, 1)

    def framed(self, size):
        """The height and width of an image of height and width `size` with its padding."""
        return tuple(n + before + after for n, (before, after) in zip(size, self.padding, strict=True))

    def places(self, size):
        """How many places there are for the window, along the height and the width of an image of that size."""
        return tuple(
            (n - d * (k - 1) - 1) // s + 1
            for n, k, s, d in zip(self.framed(size), self.kernel, self.stride, self.dilation, strict=True)
        )

    def inside(self, size):
        """Where the image lies in its padding, as an index of rows."""
        down, across = (slice(before, before + n) for n, (before, _) in zip(size, self.padding, strict=True))
        return down, slice(None), across

    def tiles(self, size):
        """Whether the window meets each element of an image of that size just once."""
        whole = all(n % k == 0 for n, k in zip(size, self.kernel, strict=True))
        return whole and self == Window(self.kernel, self.kernel)

    def taps(self, places):
        """For each element of the window, what it meets in all places, as an index of padded rows."""
        return taps(self, tuple(places))


@lru_cache(1024)  # a small network would spend a good part of its time here
def taps(window, places):
    """The indices that `Window.taps` answers with."""
    down, across = (
        [slice(i * d, i * d + s * (n - 1) + 1, s) for i in range(k)]
        for n, k, s, d in zip(places, window.kernel, window.stride, window.dilation, strict=True)
    )
    return [(rows, slice(None), columns) for rows in down for columns in across]


def rows_of(x):
    """An image as (height, channels, width, n), each row in one run of memory; a view of an image made here."""
    n, channels, height, width = x.shape
    return x.transpose(2, 1, 3, 0).reshape(height, channels, width * n).reshape(height, channels, width, n)


def image_of(rows):
    """The image that has these rows, a view."""
    return rows.transpose(3, 1, 0, 2)


def padded_rows(x, window, fill=0):
    """The rows of an image and its padding."""
    rows = rows_of(x)
    if not any(map(any, window.padding)):
        return rows
    height, width = window.framed(x.shape[2:])
    framed = np.full_like(rows, fill, shape=(height, x.shape[1], width, len(x)))
    framed[window.inside(x.shape[2:])] = rows
    return framed


def add_up(parts, window, places, size):
    """The image in which the rows `parts`, one for each element of the window, are added where the element meets it."""
    height, width = window.framed(size)
    channels, n = parts[0].shape[1], parts[0].shape[3]
    framed = np.zeros_like(parts[0], shape=(height, channels, width, n))
    for part, met in zip(parts, window.taps(places), strict=True):
        framed[met] += part
    return image_of(framed[window.inside(size)])
