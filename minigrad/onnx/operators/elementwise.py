"""Functions of each element by itself."""

import math
from typing import Any

import numpy as np

from ...core.primitive import REGISTRY
from ...nn import activations, piecewise
from ...nn.convolution import form
from ...nn.losses import binary, divergence, labels, reduction
from ...rules import elementwise, lengths, network
from ..graph import BOOL, WIDE, Graph, is_constant
from ..trace import TracedCall, TracedValue
from .table import arguments, by_definition, primitive_of, rewrites, translates

# Of one array, which becomes one of the dtype of the result.

UNARY: dict[Any, str] = {np.negative: "Neg", np.positive: "Identity", np.absolute: "Abs", np.fabs: "Abs"}
UNARY |= {np.sqrt: "Sqrt", np.reciprocal: "Reciprocal", np.exp: "Exp", network.vanishing_exp: "Exp", np.log: "Log"}
UNARY |= {np.sin: "Sin", np.cos: "Cos", np.tan: "Tan", np.arcsin: "Asin", np.arccos: "Acos", np.arctan: "Atan"}
UNARY |= {np.sinh: "Sinh", np.cosh: "Cosh", np.tanh: "Tanh", np.arcsinh: "Asinh", np.arccosh: "Acosh"}
UNARY |= {np.arctanh: "Atanh", np.sign: "Sign", np.floor: "Floor", np.ceil: "Ceil", np.rint: "Round"}
UNARY |= {elementwise.erf: "Erf", network.sigmoid: "Sigmoid", activations.relu: "Relu"}
UNARY |= {activations.log1pexp: "Softplus"}
KINDS = {primitive_of(key): kind for key, kind in UNARY.items()}


@translates(*UNARY)
def of_one(graph: Graph, call: TracedCall) -> str:
    """An operator of one array."""
    arguments(call)
    return graph(KINDS[call.primitive], graph.name(call.args[0], call.value.dtype))


# Of two arrays: both have the dtype that NumPy computes in.

BINARY = {np.add: "Add", np.subtract: "Sub", np.multiply: "Mul", np.divide: "Div", np.power: "Pow"}
BINARY |= {np.maximum: "Max", np.minimum: "Min"}
LOGICAL = {np.logical_and: "And", np.logical_or: "Or", np.logical_xor: "Xor"}
BITWISE = {np.bitwise_and: "And", np.bitwise_or: "Or", np.bitwise_xor: "Xor"}
ORDER = {np.less: "Less", np.less_equal: "LessOrEqual", np.greater: "Greater", np.greater_equal: "GreaterOrEqual"}
ORDER |= {np.equal: "Equal", np.not_equal: "Equal"}
KINDS |= {primitive_of(key): kind for key, kind in (BINARY | LOGICAL | BITWISE | ORDER).items()}


@translates(*BINARY)
def of_two(graph: Graph, call: TracedCall) -> str:
    """An operator of two numbers; booleans add and multiply as `or` and `and`."""
    arguments(call, other=None)
    dtype, kind = call.value.dtype, KINDS[call.primitive]
    if dtype == BOOL:
        kind = {"Add": "Or", "Max": "Or", "Mul": "And", "Min": "And"}[kind]
    return graph(kind, *(graph.name(x, dtype) for x in call.args))


@translates(np.add)
def added(graph: Graph, call: TracedCall) -> str:
    """A sum; that of a convolution and a number for each channel is the convolution with a bias."""
    a, b = call.args
    if (
        isinstance(a, TracedValue)
        and a.call
        and a.call.primitive in (form.convolve, form.spread)
        and id(b) in graph.reshaped
    ):
        convolution, bias = graph.maker(graph.name(a)), graph.reshaped[id(b)][1]
        per_channel = b.shape == (1, a.shape[1], *(1,) * (a.ndim - 2)) and np.shape(bias) == (a.shape[1],)
        if convolution and "Conv" in convolution.kind and per_channel and bias.dtype == a.dtype:
            return graph(convolution.kind, *convolution.inputs[:2], bias, **convolution.attributes)
    return of_two(graph, call)


@translates(*LOGICAL)
def of_truths(graph: Graph, call: TracedCall) -> str:
    """An operator of two booleans."""
    arguments(call, other=None)
    return graph(KINDS[call.primitive], *(graph.name(x, bool) for x in call.args))


@translates(*BITWISE)
def of_bits(graph: Graph, call: TracedCall) -> str:
    """An operator of the bits of two integers, or of two booleans."""
    arguments(call, other=None)
    dtype, kind = call.value.dtype, KINDS[call.primitive]
    return graph(kind if dtype == BOOL else f"Bitwise{kind}", *(graph.name(x, dtype) for x in call.args))


@translates(*ORDER)
def compared(graph: Graph, call: TracedCall) -> str:
    """A comparison, in a dtype that runtimes compare in."""
    arguments(call, other=None)
    dtype = common(call.args)
    names = [graph.name(x, dtype) for x in call.args]
    y = graph(KINDS[call.primitive], *names)
    return graph("Not", y) if call.primitive is REGISTRY[np.not_equal] else y


def common(args: Any) -> np.dtype:
    """The dtype that NumPy compares arguments in, or a wider one that runtimes know."""
    dtype = np.result_type(*(x.dtype if hasattr(x, "dtype") else x for x in args))
    if dtype in WIDE or dtype == np.float16:
        return dtype
    return np.dtype(np.int64 if dtype.itemsize > 2 else np.int32)


@translates(np.logical_not, np.invert)
def negated(graph: Graph, call: TracedCall) -> str:
    """The opposite of booleans, or of bits."""
    arguments(call)
    if call.value.dtype == BOOL:
        return graph("Not", graph.name(call.args[0], bool))
    return graph("BitwiseNot", call.args[0])


@translates(np.isnan, np.isinf)
def is_special(graph: Graph, call: TracedCall) -> str:
    """Whether numbers are NaN, or infinite."""
    arguments(call)
    x = call.args[0]
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float32)
    name = graph.name(x, np.float32 if dtype == np.float16 else dtype)
    return graph("IsNaN" if call.primitive is REGISTRY[np.isnan] else "IsInf", name)


@translates(np.where)
def chosen(graph: Graph, call: TracedCall) -> str:
    """One of two numbers, by a condition."""
    condition, *choices = call.args
    return graph("Where", graph.name(condition, bool), *(graph.name(x, call.value.dtype) for x in choices))


@translates(activations.leaky_relu, activations.elu)
def with_slope(graph: Graph, call: TracedCall) -> str:
    """A function with another piece for negative numbers, by a number that the operator has in single precision."""
    leaky = call.primitive is primitive_of(activations.leaky_relu)
    (alpha,) = arguments(call, negative_slope=0.01) if leaky else arguments(call, alpha=1.0)
    x, dtype = graph.name(call.args[0], call.value.dtype), call.value.dtype
    if dtype == np.float32 and is_constant(alpha):
        return graph("LeakyRelu" if leaky else "Elu", x, alpha=float(alpha))
    below = graph("Min", x, dtype.type(0))
    below = below if leaky else graph("Sub", graph("Exp", below), dtype.type(1))
    return graph("Add", graph("Max", x, dtype.type(0)), graph("Mul", below, graph.name(alpha, dtype)))


# What has no operator, or not the same one, is written with others.

by_definition(elementwise.xlogy, lengths.denominator, reduction.share, divergence.divergence)
by_definition(activations.gelu_tanh, activations.tanh_of_softplus, binary.cross_entropy_of_bits)
by_definition(*(getattr(piecewise, name) for name in ("bounded_between", "sloped", "above", "hard_swish")))
by_definition(piecewise.zero_within, piecewise.nearer)

LOG_2, LOG_10 = math.log(2), math.log(10)

rewrites(np.square)(lambda x: x * x)
rewrites(np.exp2)(lambda x: np.exp(floats(x) * LOG_2))
rewrites(np.log2)(lambda x: np.log(floats(x)) / LOG_2)
rewrites(np.log10)(lambda x: np.log(floats(x)) / LOG_10)
rewrites(np.deg2rad)(lambda x: floats(x) * (math.pi / 180))
rewrites(np.rad2deg)(lambda x: floats(x) * (180 / math.pi))
rewrites(np.cbrt)(lambda x: np.sign(x) * np.power(np.abs(floats(x)), 1 / 3))
rewrites(np.trunc)(lambda x: np.sign(x) * np.floor(np.abs(x)))
rewrites(np.isfinite)(lambda x: np.logical_not(np.logical_or(np.isnan(x), np.isinf(x))))
rewrites(np.isposinf)(lambda x: x == np.inf)
rewrites(np.isneginf)(lambda x: x == -np.inf)
rewrites(np.signbit)(lambda x: np.logical_or(x < 0, np.reciprocal(floats(x)) == -np.inf))
rewrites(np.copysign)(lambda a, b: np.where(np.signbit(b), -np.abs(floats(a)), np.abs(floats(a))))
rewrites(np.expm1)(lambda x: np.tanh(floats(x) / 2) * (np.exp(floats(x)) + 1))
rewrites(activations.log_sigmoid)(lambda x: -activations.softplus_of_slope_one(-floats(x)))
rewrites(activations.normal_cdf)(lambda x: 0.5 + 0.5 * elementwise.erf(floats(x) * math.sqrt(0.5)))


def floats(x: Any) -> Any:
    """Integers and booleans as float64, as NumPy takes them in functions whose values are fractions."""
    return x.astype(np.float64) if getattr(x, "dtype", np.dtype(float)).kind in "biu" else x


def pair(a: Any, b: Any) -> tuple[Any, Any]:
    """Two operands as arrays of floats: a Python number beside an array is of its dtype."""
    a, b = floats(a), floats(b)
    dtype = np.result_type(a, b)
    return tuple(x if hasattr(x, "shape") else np.asarray(x, dtype) for x in (a, b))  # pyrefly: ignore[bad-return]


@rewrites(np.log1p)
def log1p(x: Any) -> Any:
    """The logarithm of 1 + x, in which what rounding has taken from a small x is put back (Kahan)."""
    x = floats(x)
    u = 1 + x
    exact = (u == 1) | (u == np.inf)
    return np.where(exact, x, np.log(u) * (x / np.where(exact, 1, u - 1)))


@rewrites(np.logaddexp)
def logaddexp(a: Any, b: Any) -> Any:
    """log(exp(a) + exp(b)), of which the larger is a part; infinities may be equal."""
    a, b = pair(a, b)
    return np.where(a == b, a + LOG_2, np.maximum(a, b) + np.log1p(np.exp(-np.abs(a - b))))


rewrites(np.logaddexp2)(lambda a, b: np.logaddexp(floats(a) * LOG_2, floats(b) * LOG_2) / LOG_2)


@rewrites(np.hypot)
def hypot(a: Any, b: Any) -> Any:
    """The root of a sum of squares, which do not overflow."""
    a, b = map(np.abs, pair(a, b))
    large = np.maximum(a, b)
    ratio = np.minimum(a, b) / np.where((large == 0) | np.isinf(large), 1, large)
    return large * np.sqrt(1 + ratio * ratio)


@rewrites(np.arctan2)
def arctan2(a: Any, b: Any) -> Any:
    """The angle of a point, in all four quadrants."""
    a, b = pair(a, b)
    half = np.where(np.signbit(a), -math.pi / 2, math.pi / 2).astype(np.result_type(a, b))
    within = np.where(b == 0, 0, a / np.where(b == 0, 1, b))
    angle = np.arctan(within) + np.where(np.signbit(b), 2 * half, 0)
    return np.where((b == 0) & (a != 0), half, angle)


@rewrites(np.sinc)
def sinc(x: Any) -> Any:
    """sin(pi x) / (pi x)."""
    t = floats(x) * math.pi
    return np.where(t == 0, 1, np.sin(t) / np.where(t == 0, 1, t))


@rewrites(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Numbers in the place of NaN and infinities."""
    limits = np.finfo(x.dtype)
    high, low = (limits.max if posinf is None else posinf), (limits.min if neginf is None else neginf)
    return np.where(np.isnan(x), nan, np.where(x == np.inf, high, np.where(x == -np.inf, low, x)))


@rewrites(elementwise.bounded)
def bounded(x: Any, low: Any = None, high: Any = None) -> Any:
    """As np.clip."""
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


@rewrites(np.round)
def rounded(x: Any, decimals: int = 0) -> Any:
    """To so many decimals, halves to the even neighbour."""
    return np.rint(x) if not decimals else np.rint(x * 10.0**decimals) / 10.0**decimals


@translates(np.remainder)
def remainder(graph: Graph, call: TracedCall) -> str:
    """With the sign of the divisor, which ONNX has for integers only."""
    dtype = call.value.dtype
    a, b = (graph.name(x, dtype) for x in call.args)
    if dtype.kind != "f":
        return graph("Mod", a, b)
    rest, zero = graph("Mod", a, b, fmod=1), dtype.type(0)
    differs = graph("Xor", graph("Less", rest, zero), graph("Less", b, zero))
    wrong = graph("And", differs, graph("Not", graph("Equal", rest, zero)))
    return graph("Where", wrong, graph("Add", rest, b), rest)


@translates(np.fmod)
def fmod(graph: Graph, call: TracedCall) -> str:
    """The remainder with the sign of the dividend."""
    return graph("Mod", *(graph.name(x, call.value.dtype) for x in call.args), fmod=1)


rewrites(np.fmax)(lambda a, b: np.where(np.isnan(a), b, np.where(np.isnan(b), a, np.maximum(a, b))))
rewrites(np.fmin)(lambda a, b: np.where(np.isnan(a), b, np.where(np.isnan(b), a, np.minimum(a, b))))
rewrites(np.heaviside)(lambda x, at_zero: np.where(x == 0, at_zero, np.where(np.isnan(x), x, x > 0)))


@translates(np.floor_divide)
def floor_divide(graph: Graph, call: TracedCall) -> str:
    """What the remainder leaves, divided; that is whole but for rounding."""
    whole = graph("Sub", graph.name(call.args[0], call.value.dtype), remainder(graph, call))
    y = graph("Div", whole, graph.name(call.args[1], call.value.dtype))
    return graph("Round", y) if call.value.dtype.kind == "f" else y


@rewrites(binary.cross_entropy_of_scores)
def cross_entropy_of_scores(x: Any, target: Any, weight: Any = 1.0) -> Any:
    """Losses of scores beside targets."""
    no, yes = 1 - target, weight * target
    return np.maximum(no * x, 0) + np.maximum(-yes * x, 0) + (no + yes) * np.log1p(np.exp(-np.abs(x)))


@rewrites(labels.label_loss)
def label_loss(x: Any, places: Any, known: Any, smoothing: float = 0.0) -> Any:
    """Losses of rows of scores at labels."""
    logs = network.log_softmax(x)
    at_label = np.take_along_axis(logs, places[:, None], 1)[:, 0]
    return -at_label if not smoothing else -(1 - smoothing) * at_label - smoothing * np.mean(logs, axis=-1)
