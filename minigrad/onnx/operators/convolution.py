"""Functions of windows that move over images: convolution, pooling, unfolding, and maps along their axes."""

import math
from typing import Any

import numpy as np

from ...nn import stencil, unfolding
from ...nn.convolution import form
from ...nn.pooling import adaptive, average, maximum
from ...nn.window import Window
from ..graph import Graph
from ..trace import TracedCall
from .structure import sliced
from .table import rewrites, translates


def of_window(window: Window, **more: Any) -> dict[str, Any]:
    """The attributes that say how a window moves."""
    pads = [before for before, _ in window.padding] + [after for _, after in window.padding]
    own: dict[str, Any] = {"kernel_shape": window.kernel, "strides": window.stride, "pads": pads}
    if max(window.dilation) > 1:
        own["dilations"] = window.dilation
    return {key: [int(n) for n in numbers] for key, numbers in own.items()} | more


@translates(form.convolve)
def convolve(graph: Graph, call: TracedCall) -> str:
    """Convolution without a bias, which `shifted` adds."""
    x, w, window, groups, places = call.args
    names = graph.name(x, call.value.dtype), graph.name(w, call.value.dtype)
    y = graph("Conv", *names, **of_window(window, group=int(groups)))
    more = [i for i, (n, m) in enumerate(zip(window.places(x.shape[2:]), places, strict=True), 2) if n != m]
    return sliced(graph, y, [(i, None, places[i - 2], None) for i in more])


@translates(form.spread)
def spread(graph: Graph, call: TracedCall) -> str:
    """The transpose of convolution."""
    g, w, window, groups, size = call.args
    names = graph.name(g, call.value.dtype), graph.name(w, call.value.dtype)
    return put_down(graph, *names, g.shape[2:], window, size, group=int(groups))


def put_down(graph: Graph, g: str, w: str, places: Any, window: Window, size: Any, **more: Any) -> str:
    """Kernels added up in an image of a size that is given, and zeros where they do not reach."""
    reach = [s * (m - 1) + d * (k - 1) + 1 for m, k, s, _, d in zip(places, *window, strict=True)]
    ends = [r - b - n for r, (b, _), n in zip(reach, window.padding, size, strict=True)]
    pads = tuple((b, max(end, 0)) for (b, _), end in zip(window.padding, ends, strict=True))
    rest = [max(-end, 0) for end in ends]
    if all(n < s for n, s in zip(rest, window.stride, strict=True)):
        more |= {"output_padding": rest} if any(rest) else {}
        return graph("ConvTranspose", g, w, **of_window(window._replace(padding=pads), **more))
    y = graph("ConvTranspose", g, w, **of_window(window._replace(padding=pads), **more))
    return graph("Pad", y, graph.ints([0] * (len(size) + 4) + rest))


def framed(graph: Graph, x: Any, window: Window, fill: float) -> tuple[str, Window]:
    """An image with its padding, where that is too wide for the operators that pool; and the window without."""
    name = graph.name(x)
    if all(max(pair) < k for pair, k in zip(window.padding, window.kernel, strict=True)):
        return name, window
    pads = [0, 0, *(b for b, _ in window.padding), 0, 0, *(a for _, a in window.padding)]
    name = graph("Pad", name, graph.ints(pads), x.dtype.type(fill))
    return name, window._replace(padding=((0, 0),) * len(window.kernel))


@translates(maximum.max_windows)
def max_windows(graph: Graph, call: TracedCall) -> str:
    """The largest number in each place."""
    name, window = framed(graph, call.args[0], call.args[1], -np.inf)
    return graph("MaxPool", name, **of_window(window))


@translates(maximum.picked_positions)
def positions(graph: Graph, call: TracedCall) -> str:
    """Where the largest numbers are, in a channel; ONNX counts through all channels."""
    x, _, window = call.args
    places = graph.several("MaxPool", 2, x, **of_window(window))[1]
    return graph("Mod", places, np.int64(math.prod(x.shape[2:])))


@rewrites(adaptive.first_places)
def first_places(x: Any, sizes: Any) -> Any:
    """Where the first of the largest numbers of each part is."""
    places = np.arange(math.prod(x.shape[2:])).reshape(1, 1, *x.shape[2:])
    x, places = adaptive._members(x, sizes), adaptive._members(places, sizes)
    first = np.argmax(x, axis=-1)
    return np.take_along_axis(np.broadcast_to(places, x.shape), first[..., None], -1)[..., 0]


@translates(average.window_sums)
def sum_windows(graph: Graph, call: TracedCall) -> str:
    """Sums in each place times a number: means, times their count."""
    x, window, scale = call.args
    name, window = framed(graph, x, window, 0.0)
    y = graph("AveragePool", name, **of_window(window, count_include_pad=1))
    factor = scale * math.prod(window.kernel)
    return y if math.isclose(factor, 1, rel_tol=1e-15) else graph("Mul", y, call.value.dtype.type(factor))


@translates(stencil.resampled)
def resampled(graph: Graph, call: TracedCall) -> str:
    """A product with a matrix along each axis."""
    x, stencils = call.args
    name, n = graph.name(x), len(x.shape)
    for axis, along in enumerate(stencils, 2):
        if along is not None:
            matrix = matrix_of(along).astype(call.value.dtype)
            order = [*(i for i in range(n) if i != axis), axis]
            product = graph("MatMul", graph.permuted(name, order), matrix)
            name = graph.permuted(product, np.argsort(order))
    return name


def matrix_of(along: Any) -> Any:
    """The matrix of a stencil, (size, places)."""
    matrix = np.zeros((along.size + 1, along.weights.shape[1]))
    for indices, weights in zip(along.indices, along.weights, strict=True):
        np.add.at(matrix, (indices, np.arange(len(indices))), weights)
    return matrix[:-1]


@translates(unfolding.blocks)
def blocks(graph: Graph, call: TracedCall) -> str:
    """What the window meets in each place, picked from the image and its padding."""
    x, window = call.args
    n, channels, *size = x.shape
    framed, places = window.framed(size), window.places(size)
    name = graph.name(x)
    if window.is_framed():
        pads = [0, 0, *(b for b, _ in window.padding), 0, 0, *(a for _, a in window.padding)]
        name = graph("Pad", name, graph.ints(pads))
    number = np.arange(math.prod(framed)).reshape(1, 1, *framed)
    met = unfolding.blocks(number, window._replace(padding=((0, 0),) * len(size)))[0]
    picked = graph("Gather", graph.reshape(name, (n, channels, math.prod(framed))), np.asarray(met), axis=2)
    return graph.reshape(picked, (n, channels * math.prod(window.kernel), math.prod(places)))


@translates(unfolding.overlaid)
def overlaid(graph: Graph, call: TracedCall) -> str:
    """Blocks added up where they belong: the transpose of convolution with a kernel for each element of the window."""
    g, window, size = call.args
    n, taps, places = g.shape[0], math.prod(window.kernel), window.places(size)
    parts = graph.reshape(g, (n * (g.shape[1] // taps), taps, *places))
    kernel = graph.name(np.eye(taps, dtype=call.value.dtype).reshape(taps, 1, *window.kernel))
    return graph.reshape(put_down(graph, parts, kernel, places, window, size), call.value.shape)
