"""Rules with one planted bug each, beside the right rule; and right rules that are hard to check.

A bug is (name, f, right rule, wrong rule, inputs from a generator); a hard case (name, f, rule,
inputs). They are what the checker is tested on, and not rules of minigrad.
"""

import numpy as np

BUGS, HARD = [], []
DECAY = np.tril(0.5 ** (np.arange(5)[:, None] - np.arange(5.0)))


def bug(name, f, right, wrong, inputs):
    BUGS.append((name, f, right, wrong, inputs))


def hard(name, f, rule, inputs):
    HARD.append((name, f, rule, inputs))


def normal(*shapes, scale=1.0):
    return lambda rng: tuple(scale * rng.standard_normal(shape) for shape in shapes)


def between(low, high, *shapes):
    return lambda rng: tuple(rng.uniform(low, high, shape) for shape in shapes)


def given(*values):
    return lambda rng: tuple(np.array(value, dtype=float) for value in values)


def edited(x, index, value):
    x = np.array(x)
    x[index] = value
    return x


def slope(derivative):
    """The rule of an elementwise function from its derivative d(x, y)."""
    return lambda g, y, x: (g * derivative(x, y),)


def elementwise_bug(name, f, right, wrong, inputs):
    bug(name, f, slope(right), slope(wrong), inputs)


def elementwise_hard(name, f, derivative, inputs):
    hard(name, f, slope(derivative), inputs)


def gaussian_blur(x):
    return np.convolve(x, [0.25, 0.5, 0.25], mode="same")


def circulant(x):
    return np.real(np.fft.ifft(np.fft.fft(x) * np.fft.fft(KERNEL)))


WEIGHTS = np.array([1.0, -2.0, 0.5])
WINDOWS = np.arange(4)[:, None] + np.arange(3)
KERNEL = np.array([1.0, -2.0, 0.5, 0.0, 0.25, 0.0, 0.0, 3.0])


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def running_product_rule(g, y, x):
    gradient = np.zeros_like(x)
    for i in range(x.size):
        without = np.cumprod(edited(x, i, 1.0))
        gradient[i] = (g[i:] * without[i:]).sum()
    return (gradient,)


def cholesky_rule(g, y, a, half=True):
    """Murray, Differentiation of the Cholesky decomposition, 2016, equation 10."""
    p = np.tril(y.T @ g)
    if half:
        p[np.diag_indices_from(p)] /= 2
    inner = np.linalg.solve(y.T, np.linalg.solve(y.T, (p + p.T).T).T) / 2
    return ((inner + inner.T) / 2,)


def symmetric_cholesky(a):
    return np.linalg.cholesky((a + a.T) / 2)


def kronecker_rule(g, a, b):
    blocks = g.reshape(a.shape[0], b.shape[0], a.shape[1], b.shape[1])
    return np.einsum("ikjl,kl->ij", blocks, b), np.einsum("ikjl,ij->kl", blocks, a)


def definite(rng):
    a = rng.standard_normal((3, 3))
    return (a @ a.T + 2 * np.eye(3),)


# Bugs -- wrong mathematics

elementwise_bug(
    "atanh with 1 + x^2",
    np.arctanh,
    lambda x, y: 1 / (1 - x * x),
    lambda x, y: 1 / (1 + x * x),
    between(-0.8, 0.8, (5,)),
)
elementwise_bug(
    "acos without its minus",
    np.arccos,
    lambda x, y: -1 / np.sqrt(1 - x * x),
    lambda x, y: 1 / np.sqrt(1 - x * x),
    between(-0.8, 0.8, (5,)),
)
elementwise_bug("exp2 without log 2", np.exp2, lambda x, y: y * np.log(2), lambda x, y: y, normal((4,)))
elementwise_bug(
    "log2 with 1.4427",
    np.log2,
    lambda x, y: 1 / (x * np.log(2)),
    lambda x, y: 1.4427 / x,
    between(0.5, 4, (4,)),
)
elementwise_bug(
    "swish with a stale sigmoid",
    lambda x: x / (1 + np.exp(-x)),
    lambda x, y: (1 + np.exp(-x) * (1 + x)) / (1 + np.exp(-x)) ** 2,
    lambda x, y: 1 / (1 + np.exp(-x)) + y * (1 - y),
    normal((5,)),
)
elementwise_bug(
    "tan through its cosine only once",
    np.tan,
    lambda x, y: 1 + y * y,
    lambda x, y: 1 / np.cos(x),
    between(-1, 1, (5,)),
)
elementwise_bug("cosh as its own derivative", np.cosh, lambda x, y: np.sinh(x), lambda x, y: y, normal((4,)))
elementwise_bug(
    "integer power off by one",
    lambda x: x**5,
    lambda x, y: 5 * x**4,
    lambda x, y: 5 * x**3,
    between(1.2, 2, (4,)),
)
elementwise_bug(
    "negative power of a negative base",
    lambda x: x**-3,
    lambda x, y: -3 * x**-4,
    lambda x, y: -3 * np.abs(x) ** -3 / x,
    given([0.7, -1.3, 2.0]),
)
elementwise_bug(
    "error of 3e-8 everywhere",
    np.sinh,
    lambda x, y: np.cosh(x),
    lambda x, y: np.cosh(x) * (1 + 3e-8),
    normal((4,)),
)
bug(
    "copysign forgets the second sign",
    lambda a, b: np.copysign(a, b),
    lambda g, y, a, b: (g * np.sign(a) * np.sign(b), None),
    lambda g, y, a, b: (g * np.sign(b), None),
    given([1.0, -2.0, 3.0], [-1.0, -1.0, 2.0]),
)
bug(
    "remainder without the floor",
    np.remainder,
    lambda g, y, a, b: (g, -g * np.floor(a / b)),
    lambda g, y, a, b: (g, -g * a / b),
    given([5.3, -7.1, 2.2], [2.0, 3.0, -1.5]),
)
bug(
    "power's exponent uses log2",
    lambda a, b: a**b,
    lambda g, y, a, b: (g * b * a ** (b - 1), g * y * np.log(a)),
    lambda g, y, a, b: (g * b * a ** (b - 1), g * y * np.log2(a)),
    between(0.5, 2, (3,), (3,)),
)
bug(
    "cross product in the wrong order",
    lambda a, b: np.cross(a, b),
    lambda g, y, a, b: (np.cross(b, g), np.cross(g, a)),
    lambda g, y, a, b: (np.cross(b, g), np.cross(a, g)),
    normal((2, 3), (2, 3)),
)
bug(
    "determinant's cofactors not transposed",
    np.linalg.det,
    lambda g, y, a: (g * y * np.linalg.inv(a).T,),
    lambda g, y, a: (g * y * np.linalg.inv(a),),
    normal((3, 3)),
)
bug(
    "Cholesky keeps the whole diagonal",
    symmetric_cholesky,
    cholesky_rule,
    lambda g, y, a: cholesky_rule(g, y, a, half=False),
    definite,
)
bug(
    "Frobenius norm squared instead",
    np.linalg.norm,
    lambda g, y, a: (g * a / y,),
    lambda g, y, a: (2 * g * a,),
    normal((2, 3)),
)
bug(
    "trace spreads over the whole matrix",
    np.trace,
    lambda g, y, a: (g * np.eye(3),),
    lambda g, y, a: (g * np.ones((3, 3)),),
    normal((3, 3)),
)
bug(
    "einsum contracts the wrong index",
    lambda a, b: np.einsum("ij,jk->ik", a, b),
    lambda g, y, a, b: (np.einsum("ik,jk->ij", g, b), np.einsum("ij,ik->jk", a, g)),
    lambda g, y, a, b: (np.einsum("ik,jk->ij", g, b), np.einsum("ji,ik->jk", a, g)),
    normal((3, 3), (3, 3)),
)
bug(
    "Fourier filter conjugated the wrong way",
    circulant,
    lambda g, y, x: (np.real(np.fft.ifft(np.fft.fft(g) * np.conj(np.fft.fft(KERNEL)))),),
    lambda g, y, x: (circulant(g),),
    normal((8,)),
)
bug(
    "running product divides by zero",
    np.cumprod,
    running_product_rule,
    lambda g, y, x: (np.cumsum((g * y)[::-1])[::-1] / x,),
    given([2.0, 0.0, 3.0, -1.0]),
)
bug(
    "running sum excludes its own entry",
    np.cumsum,
    lambda g, y, x: (np.cumsum(g[::-1])[::-1].copy(),),
    lambda g, y, x: (np.cumsum(g[::-1])[::-1] - g,),
    normal((5,)),
)
bug(
    "difference with the ends swapped",
    np.diff,
    lambda g, y, x: (-np.diff(g, prepend=0, append=0),),
    lambda g, y, x: (np.diff(g, prepend=0, append=0),),
    normal((5,)),
)
bug(
    "standard deviation divides by n",
    lambda x: x.std(ddof=1),
    lambda g, y, x: (g * (x - x.mean()) / (y * (x.size - 1)),),
    lambda g, y, x: (g * (x - x.mean()) / (y * x.size),),
    normal((6,)),
)
bug(
    "median of the wrong neighbour",
    np.median,
    lambda g, y, x: (g * (x == y),),
    lambda g, y, x: (g * (np.argsort(np.argsort(x)) == x.size // 2 + 1),),
    given([0.3, 1.7, -2.0, 0.9, 4.0]),
)
bug(
    "largest entry by magnitude",
    lambda x: x.max(axis=1),
    lambda g, y, x: (g[:, None] * (x == y[:, None]),),
    lambda g, y, x: (g[:, None] * (np.abs(x) == np.abs(x).max(1, keepdims=True)),),
    given([[1.0, -3.0, 2.0], [0.5, 0.1, -0.2]]),
)
bug(
    "convolution's rule not reversed",
    lambda x: np.convolve(x, [1.0, 2.0, -1.0]),
    lambda g, y, x: (np.correlate(g, [1.0, 2.0, -1.0], "valid"),),
    lambda g, y, x: (np.convolve(g, [1.0, 2.0, -1.0], "valid"),),
    normal((5,)),
)
bug(
    "log-determinant with a sign",
    lambda a: np.linalg.slogdet(a)[1],
    lambda g, y, a: (g * np.linalg.inv(a).T,),
    lambda g, y, a: (g * np.sign(np.linalg.det(a)) * np.linalg.inv(a).T,),
    given([[1.0, 2.0], [3.0, 1.0]]),
)
bug(
    "interpolation's weights swapped",
    lambda x: np.interp([0.25, 1.5], [0.0, 1.0, 2.0], x),
    lambda g, y, x: (np.array([0.75 * g[0], 0.25 * g[0] + 0.5 * g[1], 0.5 * g[1]]),),
    lambda g, y, x: (np.array([0.25 * g[0], 0.75 * g[0] + 0.5 * g[1], 0.5 * g[1]]),),
    normal((3,)),
)

# Bugs -- sums over the wrong things

bug(
    "bias of a batch keeps one example",
    lambda x, b: np.tanh(x + b),
    lambda g, y, x, b: (g * (1 - y * y), (g * (1 - y * y)).sum(0)),
    lambda g, y, x, b: (g * (1 - y * y), (g * (1 - y * y))[0]),
    normal((4, 3), (3,)),
)
bug(
    "outer axes summed, inner one forgotten",
    lambda x, c: x * c,
    lambda g, y, x, c: (g * c, (g * x).sum((0, 2), keepdims=True)),
    lambda g, y, x, c: (g * c, (g * x).sum(0, keepdims=True)[..., :1]),
    normal((2, 3, 4), (1, 3, 1)),
)
bug(
    "gather drops repeated rows",
    lambda w: w[[0, 3, 3, 1]],
    lambda g, y, w: (np.stack([g[0], g[3], 0 * g[0], g[1] + g[2]]),),
    lambda g, y, w: (np.stack([g[0], g[3], 0 * g[0], g[2]]),),
    normal((4, 2)),
)
bug(
    "tile returns its first copy",
    lambda x: np.tile(x, 3),
    lambda g, y, x: (g.reshape(3, -1).sum(0),),
    lambda g, y, x: (g[: x.size].copy(),),
    normal((4,)),
)
bug(
    "stack hands out the wrong halves",
    lambda a, b: np.stack([a, b], axis=1),
    lambda g, y, a, b: (g[:, 0], g[:, 1]),
    lambda g, y, a, b: (g[:, 1], g[:, 0]),
    normal((3,), (3,)),
)
bug(
    "roll in the same direction",
    lambda x: np.roll(x, 2),
    lambda g, y, x: (np.roll(g, -2),),
    lambda g, y, x: (np.roll(g, 2),),
    normal((5,)),
)
bug(
    "lower triangle for an upper one",
    np.triu,
    lambda g, y, a: (np.triu(g),),
    lambda g, y, a: (np.tril(g),),
    normal((3, 3)),
)
bug(
    "one sign among many",
    lambda x: x**3,
    lambda g, y, x: (3 * g * x * x,),
    lambda g, y, x: (edited(3 * g * x * x, (4, 7), -3 * g[4, 7] * x[4, 7] ** 2),),
    between(0.5, 1.5, (12, 12)),
)
bug(
    "one entry of a large matrix product",
    lambda a, b: a @ b,
    lambda g, y, a, b: (g @ b.T, a.T @ g),
    lambda g, y, a, b: (g @ b.T, edited(a.T @ g, (13, 5), 0.0)),
    normal((30, 40), (40, 20)),
)
bug(
    "last entry of a large scan",
    np.cumsum,
    lambda g, y, x: (np.cumsum(g[::-1])[::-1].copy(),),
    lambda g, y, x: (edited(np.cumsum(g[::-1])[::-1], -1, 0.0),),
    normal((3000,)),
)
bug(
    "two swapped entries of a large sum of squares",
    lambda x: (x * x).sum(),
    lambda g, y, x: (2 * g * x,),
    lambda g, y, x: (2 * g * np.concatenate([x[:1], x[2:0:-1], x[3:]]),),
    normal((2000,)),
)
bug(
    "large elementwise function wrong where x > 2.5",
    np.sin,
    lambda g, y, x: (g * np.cos(x),),
    lambda g, y, x: (g * np.where(x > 2.5, 1.0, np.cos(x)),),
    normal((5000,)),
)
bug(
    "mean of many outputs in single precision",
    lambda x: x * np.linspace(1, 2, 400),
    lambda g, y, x: ((g * np.linspace(1, 2, 400)).sum(),),
    lambda g, y, x: (np.float64((g * np.linspace(1, 2, 400)).astype(np.float32).sum()),),
    given(1.3),
)

# Bugs -- only for some inputs

elementwise_bug(
    "absolute value doubled at zero",
    np.abs,
    lambda x, y: np.sign(x),
    lambda x, y: np.where(x == 0, 2.0, np.sign(x)),
    given([0.0, 1.0, -1.0]),
)
bug(
    "tie of two inputs counted twice",
    np.maximum,
    lambda g, y, a, b: (g * (a > b) + 0.5 * g * (a == b), g * (b > a) + 0.5 * g * (a == b)),
    lambda g, y, a, b: (g * (a >= b), g * (b >= a)),
    given([1.0, 2.0, 3.0], [0.0, 2.0, 4.0]),
)
bug(
    "tie of three entries counted three times",
    np.max,
    lambda g, y, x: (g * (x == y) / (x == y).sum(),),
    lambda g, y, x: (g * (x == y),),
    given([2.0, 2.0, -1.0, 2.0]),
)
elementwise_bug(
    "saturation cut off too early",
    lambda x: np.arctan(x),
    lambda x, y: 1 / (1 + x * x),
    lambda x, y: np.where(np.abs(x) > 30, 0.0, 1 / (1 + x * x)),
    given([0.4, -3.0, 40.0, 200.0]),
)
elementwise_bug(
    "zero to the zeroth power",
    lambda x: x**2 * np.sin(x),
    lambda x, y: 2 * x * np.sin(x) + x * x * np.cos(x),
    lambda x, y: y * (2 / x + 1 / np.tan(x)),
    given([0.5, 0.0, -1.0]),
)
elementwise_bug(
    "wrong branch below one half",
    lambda x: np.where(x < 0.5, x * x, x - 0.25),
    lambda x, y: np.where(x < 0.5, 2 * x, 1.0),
    lambda x, y: np.where(x < 0.3, 2 * x, 1.0),
    given([0.1, 0.4, 0.9]),
)
bug(
    "tiny inputs flushed",
    lambda x: 3 * x,
    lambda g, y, x: (3 * g,),
    lambda g, y, x: (3 * g * (np.abs(x) > 1e-9),),
    given([1.0, 1e-12]),
)
bug(
    "infinity for a finite slope",
    lambda x: x * np.sqrt(np.abs(x)),
    lambda g, y, x: (1.5 * g * np.sqrt(np.abs(x)),),
    lambda g, y, x: (g * np.where(x == 0, np.inf, 1.5 * np.sqrt(np.abs(x))),),
    given([1.0, 0.0]),
)

# Bugs -- contracts

bug(
    "rounds the cotangent to two digits",
    np.sin,
    lambda g, y, x: (g * np.cos(x),),
    lambda g, y, x: (np.round(g, 2) * np.cos(x),),
    normal((4,)),
)
bug(
    "normalises the cotangent",
    np.sin,
    lambda g, y, x: (g * np.cos(x),),
    lambda g, y, x: (g / np.linalg.norm(g) * np.cos(x),),
    normal((4,)),
)
bug(
    "special case for a cotangent of ones",
    np.sin,
    lambda g, y, x: (g * np.cos(x),),
    lambda g, y, x: (np.sin(x) if (g == 1).all() else g * np.cos(x),),
    normal((4,)),
)
bug(
    "clips large cotangents",
    np.sin,
    lambda g, y, x: (g * np.cos(x),),
    lambda g, y, x: (np.clip(g, -50, 50) * np.cos(x),),
    normal((4,)),
)
bug(
    "hands out a constant array",
    lambda x: x @ WEIGHTS,
    lambda g, y, x: (g * WEIGHTS,),
    lambda g, y, x: (WEIGHTS if g == 1 else g * WEIGHTS,),
    normal((3,)),
)
bug(
    "two gradients in one array",
    lambda a, b: 2 * a + 2 * b,
    lambda g, y, a, b: (2 * g, 2 * g),
    lambda g, y, a, b: (t := 2 * g, t),
    normal((3,), (3,)),
)
bug(
    "reads the cotangent's buffer",
    np.sin,
    lambda g, y, x: (g * np.cos(x),),
    lambda g, y, x: (
        np.frombuffer((g if g.base is None else g.base).tobytes(), g.dtype)[: g.size].reshape(g.shape) * np.cos(x),
    ),
    normal((2, 3)),
)
bug(
    "gradient in half precision",
    np.sin,
    lambda g, y, x: (g * np.cos(x),),
    lambda g, y, x: ((g * np.cos(x)).astype(np.float16),),
    normal((4,)),
)
bug(
    "column for a vector",
    lambda x: x * x,
    lambda g, y, x: (2 * g * x,),
    lambda g, y, x: ((2 * g * x).reshape(-1, 1),),
    normal((1,)),
)
bug(
    "sorts the caller's input",
    np.sort,
    lambda g, y, x: (g[np.argsort(np.argsort(x))],),
    lambda g, y, x: (g[np.argsort(np.argsort(x))] + 0 * (x.sort() or 0),),
    given([3.0, 1.0, 2.0]),
)


def first_answer_for_a_shape():
    kept = {}

    def rule(g, y, x):
        return (g * kept.setdefault(x.shape, np.cos(x)),)

    return rule


bug(
    "keeps its first answer for each shape",
    np.sin,
    lambda g, y, x: (g * np.cos(x),),
    first_answer_for_a_shape(),
    normal((4,)),
)
bug(
    "bound of a clip counted twice",
    lambda x: np.clip(x, 0, 1),
    lambda g, y, x: (g * ((x >= 0) & (x <= 1)),),
    lambda g, y, x: (g * (((x >= 0) & (x <= 1)) * 1.0 + (x == 1)),),
    given([0.0, 1.0, 0.5]),
)
bug(
    "pairwise distances from one side",
    lambda x: ((x[:, None] - x) ** 2).sum(axis=-1),
    lambda g, y, x: (2 * ((g + g.T)[..., None] * (x[:, None] - x)).sum(axis=1),),
    lambda g, y, x: (2 * (g[..., None] * (x[:, None] - x)).sum(axis=1),),
    normal((3, 2)),
)
bug(
    "repeat summed over the wrong copies",
    lambda x: np.repeat(x, 2),
    lambda g, y, x: (g.reshape(-1, 2).sum(axis=1),),
    lambda g, y, x: (g.reshape(2, -1).sum(axis=0),),
    normal((4,)),
)
bug(
    "Kronecker product with a transposed second factor",
    np.kron,
    lambda g, y, a, b: kronecker_rule(g, a, b),
    lambda g, y, a, b: (kronecker_rule(g, a, b)[0], kronecker_rule(g, a, b)[1].T.copy()),
    normal((2, 2), (3, 3)),
)
bug(
    "weighted mean forgets that weights are normalised",
    lambda x, w: (x * w).sum() / w.sum(),
    lambda g, y, x, w: (g * w / w.sum(), g * (x - y) / w.sum()),
    lambda g, y, x, w: (g * w / w.sum(), g * x / w.sum()),
    between(0.5, 2, (4,), (4,)),
)
bug(
    "mean of a mask divides by all",
    lambda x: x[x > 0].mean(),
    lambda g, y, x: (g * (x > 0) / (x > 0).sum(),),
    lambda g, y, x: (g * (x > 0) / x.size,),
    given([1.0, -2.0, 3.0, 0.5]),
)
bug(
    "moving average run in the wrong direction",
    lambda x: DECAY @ x,
    lambda g, y, x: (DECAY.T @ g,),
    lambda g, y, x: (DECAY @ g,),
    normal((5,)),
)
bug(
    "gradients of two equal inputs exchanged",
    lambda a, b: a - 2 * b,
    lambda g, y, a, b: (g, -2 * g),
    lambda g, y, a, b: (-2 * g, g.copy()),
    given([1.0, 2.0], [1.0, 2.0]),
)
bug(
    "cotangent passed through half precision",
    np.exp,
    lambda g, y, x: (g * y,),
    lambda g, y, x: (g.astype(np.float16) * y,),
    normal((4,)),
)
elementwise_bug(
    "exponent truncated to an integer",
    lambda x: x**2.5,
    lambda x, y: 2.5 * y / x,
    lambda x, y: 2 * y / x,
    between(1, 3, (4,)),
)
elementwise_bug(
    "every seventh of many entries",
    np.tanh,
    lambda x, y: 1 - y * y,
    lambda x, y: (1 - y * y) * (np.arange(x.size) % 7 != 3),
    normal((3000,)),
)
bug(
    "one column of a large weight off by one percent",
    lambda x, w: np.tanh(x @ w),
    lambda g, y, x, w: ((g * (1 - y * y)) @ w.T, x.T @ (g * (1 - y * y))),
    lambda g, y, x, w: ((g * (1 - y * y)) @ w.T, x.T @ (g * (1 - y * y)) * np.where(np.arange(40) == 17, 1.01, 1)),
    normal((8, 30), (30, 40), scale=0.3),
)

# Hard -- near singularities and edges

elementwise_hard("log at 1e-300", np.log, lambda x, y: 1 / x, given([1e-300, 2e-300]))
elementwise_hard("reciprocal at 1e-150", lambda x: 1 / x, lambda x, y: -y * y, given([1e-150, -3e-150]))
elementwise_hard(
    "atanh next to 1",
    np.arctanh,
    lambda x, y: 1 / (1 - x * x),
    given([1 - 1e-9, -1 + 1e-7, 1 - 1e-5]),
)
elementwise_hard("log1p next to -1", np.log1p, lambda x, y: 1 / (1 + x), given([-1 + 1e-6, -1 + 1e-9]))
elementwise_hard("cube root of tiny numbers", np.cbrt, lambda x, y: 1 / (3 * y * y), given([1e-18, -1e-12, 1e-6]))
elementwise_hard("power of 1.5 at zero", lambda x: x**1.5, lambda x, y: 1.5 * np.sqrt(x), given([0.0, 1.0, 1e-8]))
elementwise_hard("root with an infinite slope at zero", np.sqrt, lambda x, y: 0.5 / y, given([0.0, 4.0]))
elementwise_hard(
    "acosh next to 1",
    np.arccosh,
    lambda x, y: 1 / np.sqrt((x - 1) * (x + 1)),
    given([1 + 1e-9, 1 + 1e-4, 3.0]),
)
elementwise_hard(
    "tangent at 1e-5 from its pole",
    np.tan,
    lambda x, y: 1 + y * y,
    given([np.pi / 2 - 1e-5, np.pi / 2 + 3e-5]),
)
elementwise_hard(
    "pole between the inputs",
    lambda x: 1 / (x - 1),
    lambda x, y: -y * y,
    given([1 + 1e-7, 1 - 1e-4]),
)
elementwise_hard(
    "essential singularity",
    lambda x: np.exp(-1 / x),
    lambda x, y: y / (x * x),
    given([0.01, 0.1, 1.0]),
)
elementwise_hard(
    "fast oscillation near zero",
    lambda x: np.sin(1 / x),
    lambda x, y: -np.cos(1 / x) / (x * x),
    given([1e-3, 2e-4]),
)
elementwise_hard(
    "sinc around zero",
    np.sinc,
    lambda x, y: np.where(
        np.abs(x) < 1e-3,
        -(np.pi**2) * x / 3,
        (np.cos(np.pi * x) - np.sinc(x)) / np.where(x == 0, 1, x),
    ),
    given([0.0, 0.4, 2.0]),
)
elementwise_hard("log of an infinite input's neighbour", np.log, lambda x, y: 1 / x, given([1e308, 1e-308]))
elementwise_hard("minus infinity at zero", np.log, lambda x, y: 1 / x, given([0.0, 1.0]))

# Hard -- scales

elementwise_hard(
    "steep exponential of large inputs",
    lambda x: np.exp(x),
    lambda x, y: y,
    given([600.0, -600.0, 50.0]),
)
elementwise_hard("phase of 1e8", np.cos, lambda x, y: -np.sin(x), given([1e8, 3e8 + 0.5]))
elementwise_hard("one plus a tiny square", lambda x: 1 + 1e-9 * x * x, lambda x, y: 2e-9 * x, normal((4,)))
elementwise_hard("tiny inputs beside one", lambda x: 1 + x, lambda x, y: np.ones_like(x), given([1e-13, 1e-3]))
hard(
    "sum over sixteen decades",
    np.sum,
    lambda g, y, x: (np.full_like(x, g),),
    lambda rng: (10.0 ** rng.uniform(-8, 8, 12),),
)
hard(
    "product of large and small",
    np.prod,
    lambda g, y, x: (g * y / x,),
    given([1e100, 1e-90, 3.0, -1e-5]),
)
hard(
    "badly scaled least squares",
    lambda a, x: a @ x,
    lambda g, y, a, x: (np.outer(g, x), a.T @ g),
    lambda rng: (
        rng.standard_normal((3, 4)) * 10.0 ** np.array([6, 0, -6, 3]),
        rng.standard_normal(4) * 10.0 ** np.array([-6, 0, 6, -3]),
    ),
)
hard(
    "far apart classes",
    lambda x: np.log(softmax(x)),
    lambda g, y, x: (g - np.exp(y) * g.sum(-1, keepdims=True),),
    given([[300.0, 280.0, 310.0], [0.0, 1.0, -1.0]]),
)
elementwise_hard("powers of ten thousand", lambda x: x**20, lambda x, y: 20 * x**19, given([1e4, -1e-4, 1.0]))

elementwise_hard(
    "subnormal inputs",
    lambda x: 3 * x,
    lambda x, y: np.full_like(x, 3.0),
    given([1e-310, 5e-324, 1.0]),
)
elementwise_hard(
    "cancelled to nothing",
    lambda x: 1 - np.tanh(x),
    lambda x, y: -1 / np.cosh(x) ** 2,
    given([5.0, 15.0, 18.0, 25.0]),
)
elementwise_hard(
    "narrow bell",
    lambda x: np.exp(-(((x - 1) / 1e-4) ** 2)),
    lambda x, y: -2e8 * (x - 1) * y,
    given([1.0001, 0.9999, 1.00005]),
)
elementwise_hard(
    "root of a quadratic, naively",
    lambda x: (np.sqrt(x * x - 4) - x) / 2,
    lambda x, y: (x / np.sqrt(x * x - 4) - 1) / 2,
    given([20.0, 1e3, 1e5]),
)

# Hard -- cancellation, noise, conditioning

elementwise_hard(
    "difference of squares",
    lambda x: (x + 1) ** 2 - x**2,
    lambda x, y: np.full_like(x, 2.0),
    given([1e6, -3e5]),
)
elementwise_hard(
    "sine from its series",
    lambda x: x - x**3 / 6 + x**5 / 120 - x**7 / 5040,
    lambda x, y: 1 - x**2 / 2 + x**4 / 24 - x**6 / 720,
    between(2, 3, (4,)),
)
elementwise_hard(
    "forward in single precision inside",
    lambda x: np.sin(x.astype(np.float32)).astype(float),
    lambda x, y: np.cos(x),
    normal((4,)),
)
elementwise_hard(
    "forward with deterministic noise",
    lambda x: np.sin(x) + 1e-9 * np.sin(1e13 * x),
    lambda x, y: np.cos(x),
    normal((4,)),
)
elementwise_hard(
    "forward rounded to seven decimals",
    lambda x: np.round(np.exp(x), 7),
    lambda x, y: np.exp(x),
    normal((4,)),
)
elementwise_hard(
    "root by six Newton steps",
    lambda x: newton_root(x),
    lambda x, y: 0.5 / np.sqrt(x),
    between(0.5, 4, (4,)),
)
hard(
    "solve with a nearly singular matrix",
    np.linalg.solve,
    lambda g, y, a, b: (lambda s: (-np.outer(s, y), s))(np.linalg.solve(a.T, g)),
    given([[1.0, 1.0], [1.0, 1.0 + 1e-7]], [1.0, 2.0]),
)
hard(
    "inverse of a Vandermonde matrix",
    np.linalg.inv,
    lambda g, y, a: (-y.T @ g @ y.T,),
    lambda rng: (np.vander(np.linspace(0.1, 1, 5) + 0.01 * rng.standard_normal(5)),),
)
hard(
    "variance of shifted data",
    np.var,
    lambda g, y, x: (2 * g * (x - x.mean()) / x.size,),
    lambda rng: (1e7 + rng.standard_normal(6),),
)
hard("Cholesky of a Gram matrix", symmetric_cholesky, cholesky_rule, definite)
hard(
    "log-sum-exp of equal large inputs",
    lambda x: 1e3 + np.log(np.exp(x - 1e3).sum()),
    lambda g, y, x: (g * np.exp(x - y),),
    lambda rng: (1e3 + 1e-3 * rng.standard_normal(5),),
)

# Hard -- kinks, ties, jumps

elementwise_hard(
    "absolute value of cancelling parts",
    lambda x: np.abs(x - 1),
    lambda x, y: np.sign(x - 1),
    given([1.0, 1 + 1e-9, 0.0]),
)
elementwise_hard(
    "leaky slope at zero",
    lambda x: np.where(x > 0, x, 0.1 * x),
    lambda x, y: np.where(x > 0, 1.0, 0.1),
    given([0.0, -1e-9, 1e-9, 2.0]),
)
elementwise_hard(
    "curved kink",
    lambda x: np.abs(x) * np.exp(x),
    lambda x, y: np.exp(x) * (np.sign(x) + np.abs(x)),
    given([0.0, 0.3, -2.0]),
)
elementwise_hard(
    "triangle wave",
    lambda x: np.abs((x % 2) - 1),
    lambda x, y: np.sign((x % 2) - 1),
    given([0.5, 1.0 + 1e-8, 3.0 - 1e-6, 7.2]),
)
elementwise_hard(
    "floor between integers",
    np.floor,
    lambda x, y: np.zeros_like(x),
    given([0.5, 2.0 + 1e-7, -3.0001]),
)
elementwise_hard("sign at zero", np.sign, lambda x, y: np.zeros_like(x), given([0.0, 1.0, -2.0]))
hard(
    "norm at the origin",
    np.linalg.norm,
    lambda g, y, x: (g * x / y if y else 0 * x,),
    given([0.0, 0.0, 0.0]),
)
hard(
    "hypot at the origin and beside it",
    np.hypot,
    lambda g, y, a, b: (g * a / np.where(y == 0, 1, y), g * b / np.where(y == 0, 1, y)),
    given([0.0, 1e-9, 3.0], [0.0, 1e-9, 4.0]),
)
hard(
    "minimum of equal inputs, first wins",
    np.minimum,
    lambda g, y, a, b: (g * (a <= b), g * (b < a)),
    given([1.0, 2.0], [1.0, 3.0]),
)
hard(
    "sum of independent kinks",
    lambda a, b: np.maximum(a, 0) + np.minimum(b, 0),
    lambda g, y, a, b: (g * (a > 0), g * (b < 0)),
    given([0.0, 1.0], [0.0, -1.0]),
)
hard(
    "sort with a tie",
    np.sort,
    lambda g, y, x: (g[np.argsort(np.argsort(x, kind="stable"))],),
    given([1.0, 0.0, 1.0, 2.0]),
)
hard(
    "range of values, ties at both ends",
    np.ptp,
    lambda g, y, x: (g * ((np.arange(4) == x.argmax()) * 1.0 - (np.arange(4) == x.argmin())),),
    given([1.0, 1.0, 0.0, 0.0]),
)
hard(
    "many zeros in a large rectifier",
    lambda x: np.maximum(x, 0),
    lambda g, y, x: (g * (x > 0),),
    lambda rng: (np.maximum(rng.standard_normal(2000), 0),),
)
hard(
    "many zeros under a weighted sum",
    lambda x: (np.maximum(x, 0) * np.cos(np.arange(500))).sum(),
    lambda g, y, x: (g * (x > 0) * np.cos(np.arange(500)),),
    lambda rng: (np.maximum(rng.standard_normal(500), 0),),
)
hard(
    "clip at both of its bounds",
    lambda x: np.clip(x, -1, 1),
    lambda g, y, x: (g * (np.abs(x) < 1),),
    given([-1.0, 1.0, 0.5, 1 + 1e-8]),
)


def pooled(x):
    return x[WINDOWS].max(axis=1)


def first_of_pool(g, y, x):
    gradient = np.zeros_like(x)
    np.add.at(gradient, WINDOWS[np.arange(len(WINDOWS)), x[WINDOWS].argmax(axis=1)], g)
    return (gradient,)


hard(
    "overlapping pools of zeros, first wins",
    pooled,
    first_of_pool,
    given([0.0, 0.0, 0.0, 0.0, 1.0, 2.0]),
)

# Hard -- unusual but right

hard(
    "gradient is a view of the cotangent",
    lambda x: x[::-1],
    lambda g, y, x: (g[::-1],),
    normal((4,)),
)
hard(
    "broadcast view of the cotangent",
    lambda x: x.sum(0),
    lambda g, y, x: (np.broadcast_to(g, x.shape),),
    normal((3, 2)),
)
hard("output is a view of the input", np.transpose, lambda g, y, x: (g.T,), normal((2, 3)))
hard(
    "an input that does nothing",
    lambda a, b: np.sin(a),
    lambda g, y, a, b: (g * np.cos(a), np.zeros_like(b)),
    normal((3,), (200,)),
)
hard(
    "one number in, many out",
    lambda x: x * np.arange(1000.0),
    lambda g, y, x: (g @ np.arange(1000.0),),
    given(0.7),
)
hard(
    "many in, one tiny number out",
    lambda x: 1e-200 * np.prod(x),
    lambda g, y, x: (g * y / x,),
    between(0.9, 1.1, (200,)),
)
hard(
    "Fourier filter",
    circulant,
    lambda g, y, x: (np.real(np.fft.ifft(np.fft.fft(g) * np.conj(np.fft.fft(KERNEL)))),),
    normal((8,)),
)
hard("running product with zeros", np.cumprod, running_product_rule, given([2.0, 0.0, 3.0, 0.0, 1.0]))
hard(
    "large matrix times its transpose",
    lambda x: x @ x.T,
    lambda g, y, x: ((g + g.T) @ x,),
    normal((20, 30)),
)
hard(
    "large rows normalised",
    lambda x: softmax(x),
    lambda g, y, x: (y * (g - (g * y).sum(-1, keepdims=True)),),
    normal((40, 30), scale=5.0),
)
hard(
    "unfolded iteration",
    lambda x: iterate(x, 40),
    lambda g, y, x: (g * iterated_slope(x, 40),),
    between(0.2, 0.8, (4,)),
)
hard(
    "nearly singular inverse",
    np.linalg.inv,
    lambda g, y, a: (-y.T @ g @ y.T,),
    lambda rng: (np.array([[1, 1], [1, 1 + 1e-7]]) + 1e-9 * rng.standard_normal((2, 2)),),
)
hard(
    "log-determinant of huge numbers",
    lambda a: np.linalg.slogdet(a)[1],
    lambda g, y, a: (g * np.linalg.inv(a).T,),
    lambda rng: (1e100 * (np.eye(3) + 0.1 * rng.standard_normal((3, 3))),),
)
hard(
    "eigenvalues close together",
    lambda a: np.linalg.eigvalsh((a + a.T) / 2),
    lambda g, y, a: ((np.linalg.eigh((a + a.T) / 2)[1] * g) @ np.linalg.eigh((a + a.T) / 2)[1].T,),
    lambda rng: (np.diag([1, 1 + 1e-4, 3.0]) + 1e-6 * rng.standard_normal((3, 3)),),
)
elementwise_hard(
    "log of cosh, cancelled to a constant near zero",
    lambda x: np.logaddexp(x, -x) - np.log(2),
    lambda x, y: np.tanh(x),
    given([300.0, -1e-8, 1e-3, -20.0]),
)
elementwise_hard(
    "log(1 - exp(x)) from 1e-9 to 30 below zero",
    lambda x: np.log1p(-np.exp(x)),
    lambda x, y: -np.exp(x) / (1 - np.exp(x)),
    given([-1e-9, -1e-3, -30.0]),
)
elementwise_hard("cosine far out", np.cos, lambda x, y: -np.sin(x), given([1e9, 1e12]))
elementwise_hard("tail of a bell", lambda x: np.exp(-x * x), lambda x, y: -2 * x * y, given([20.0, 26.0, 5.0, 0.1]))
elementwise_hard(
    "softplus far out",
    lambda x: np.logaddexp(0, x),
    lambda x, y: 1 / (1 + np.exp(-x)),
    given([-700.0, -40, 0, 40, 700]),
)
elementwise_hard("distance to the floor", lambda x: x - np.floor(x), lambda x, y: 1.0, given([0.5, 1.2, -3.7]))
elementwise_hard(
    "pieces joined with one slope",
    lambda x: np.where(x < 0, x, np.sin(x)),
    lambda x, y: np.where(x < 0, 1, np.cos(x)),
    given([0.0, -1e-9, 1e-9, 2.0]),
)
hard(
    "differences at a kink",
    lambda a, b: np.maximum(a - b, 0),
    lambda g, y, a, b: (g * (a > b), -g * (a > b)),
    given([1.0, 2.0], [1.0, 0.0]),
)
hard(
    "terms of twelve and of minus six decades",
    lambda x: (x * np.array([1e12, 1.0, 1e-6])).sum(),
    lambda g, y, x: (g * np.array([1e12, 1.0, 1e-6]),),
    normal((3,)),
)
hard(
    "an empty input beside a number",
    lambda x, b: x.sum() + b,
    lambda g, y, x, b: (np.full(x.shape, g), np.asarray(g)),
    given(np.zeros((0, 2)), 1.0),
)


def newton_root(x):
    root = np.ones_like(x)
    for _ in range(6):
        root = (root + x / root) / 2
    return root


def iterate(x, n):
    for _ in range(n):
        x = np.cos(x)
    return x


def iterated_slope(x, n):
    d = np.ones_like(x)
    for _ in range(n):
        d, x = -d * np.sin(x), np.cos(x)
    return d
