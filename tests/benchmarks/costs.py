"""Operations on large arrays beside bare NumPy, and derivatives beside the function, on the 784-256-128-10 network.

For an operation, forward and backward are compared with the same forward and a hand-written backward.
"""

import numpy as np

import minigrad as mg

from .network import problem
from .timing import medians, peer

N = 1_000_000
RNG = np.random.default_rng(0)


def forward_and_backward(function, *arrays):
    """Forward and backward of a function of Tensors, from a given cotangent of its result."""
    tensors = [mg.tensor(x, requires_grad=True) for x in arrays]
    g = np.ones_like(function(*tensors).data)

    def run():
        for t in tensors:
            t.grad = None
        function(*tensors).backward(g)

    return run, g


def operations():
    """Pairs of a run in minigrad and one in bare NumPy, by name."""
    a, b = RNG.standard_normal((2, N)) + 3
    m, w = RNG.standard_normal((2, 500, 500))
    rows, index = RNG.standard_normal((1000, 1000)), RNG.integers(0, 1000, 1000)
    mask = a > 3

    def pair(function, by_hand, *arrays):
        run, g = forward_and_backward(function, *arrays)
        return run, lambda: by_hand(g, *arrays)

    def getitem(g, x):
        y, out = x[100:-100], np.zeros_like(x)
        out[100:-100] = g
        return y, out

    def take(g, x):
        y, out = x[index], np.zeros_like(x)
        np.add.at(out, index, g)
        return y, out

    def softmax(g, x):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        y = e / e.sum(axis=-1, keepdims=True)
        return y * (g - (g * y).sum(axis=-1, keepdims=True))

    return {
        "exp": pair(mg.exp, lambda g, x: g * np.exp(x), a),
        "multiply": pair(mg.multiply, lambda g, x, y: (x * y, g * y, g * x), a, b),
        "divide": pair(mg.divide, lambda g, x, y: (q := x / y, g / y, -g * q / y), a, b),
        "tanh": pair(mg.tanh, lambda g, x: g * (1 - np.tanh(x) ** 2), a),
        "sum": pair(mg.sum, lambda g, x: (x.sum(), np.full(x.shape, g)), a),
        "sum, axis=0": pair(lambda x: mg.sum(x, axis=0), lambda g, x: (x.sum(0), np.tile(g, (1000, 1))), rows),
        "mean, axis=1": pair(
            lambda x: mg.mean(x, axis=1), lambda g, x: (x.mean(1), np.repeat(g[:, None] / 1000, 1000, 1)), rows
        ),
        "matmul": pair(mg.matmul, lambda g, x, y: (x @ y, g @ y.T, x.T @ g), m, w),
        "getitem, slice": pair(lambda x: x[100:-100], getitem, a),
        "getitem, integer array": pair(lambda x: x[index], take, rows),
        "concat": pair(
            lambda x, y: mg.concat([x, y]), lambda g, x, y: (np.concatenate([x, y]), g[:N].copy(), g[N:].copy()), a, b
        ),
        "where": pair(
            lambda x, y: mg.where(mask, x, y),
            lambda g, x, y: (np.where(mask, x, y), np.where(mask, g, 0), np.where(mask, 0, g)),
            a,
            b,
        ),
        "softmax": pair(mg.softmax, softmax, rows),
    }


def forms():
    """Pairs of forward and backward of sum(f(x)) in minigrad and of sum(f(x)) in NumPy, by name."""
    numbers, rows, square = RNG.normal(size=N), RNG.normal(size=(300, 300)), RNG.normal(size=(120, 120))
    order, counts = np.argsort(rows, axis=1), RNG.integers(0, 4, 300)
    functions = {
        "repeat, 1,000,000 numbers 3 times": (lambda x: np.sum(np.repeat(x, 3)), numbers),
        "repeat, columns of 300 x 300": (lambda x: np.sum(np.repeat(x, 3, axis=1)), rows),
        "repeat, rows as often as an array says": (lambda x: np.sum(np.repeat(x, counts, axis=0)), rows),
        "split in 300, and sums of all parts": (lambda x: sum(np.sum(part) for part in np.split(x, 300)), rows),
        "take_along_axis, 300 x 300": (lambda x: np.sum(np.take_along_axis(x, order, axis=1)), rows),
        "det, 120 x 120": (np.linalg.det, square),
        "slogdet, 120 x 120": (lambda x: np.linalg.slogdet(x)[1], square),
        "eigh, 120 x 120": (lambda x: sum(map(np.sum, np.linalg.eigh(x))), square + square.T),
        "eigh, 300 x 300": (lambda x: sum(map(np.sum, np.linalg.eigh(x))), rows + rows.T),
        "svd, 120 x 120": (lambda x: sum(map(np.sum, np.linalg.svd(x))), square),
        "svd, 300 x 300": (lambda x: sum(map(np.sum, np.linalg.svd(x))), rows),
        "qr, 300 x 300": (lambda x: sum(map(np.sum, np.linalg.qr(x))), rows),
        "pinv, 120 x 120": (lambda x: np.sum(np.linalg.pinv(x)), square),
    }
    return {name: (forward_and_backward(f, x)[0], lambda f=f, x=x: f(x)) for name, (f, x) in functions.items()}


def with_torch(torch):
    """Pairs of forward and backward in minigrad and in PyTorch, by name; none where that is not installed."""
    if torch is None:
        return {}

    def both(ours, theirs, x):
        leaf = torch.tensor(x, requires_grad=True)

        def run():
            leaf.grad = None
            theirs(leaf).backward()

        return forward_and_backward(ours, x)[0], run

    found, index = {}, RNG.integers(0, 1000, 10_000)
    places = torch.tensor(index)
    for dtype in (np.float64, np.float32):
        x, weights = RNG.normal(size=(1000, 300)).astype(dtype), RNG.normal(size=(1000, 300)).astype(dtype)
        w, name = torch.tensor(weights), np.dtype(dtype).name
        found[f"softmax, 1000 x 300, {name}"] = both(
            lambda x, a=weights: mg.sum(mg.softmax(x, axis=1) * a), lambda x, w=w: (torch.softmax(x, 1) * w).sum(), x
        )
        found[f"logsumexp, 1000 x 300, {name}"] = both(
            lambda x: mg.sum(mg.logsumexp(x, axis=1)), lambda x: torch.logsumexp(x, 1).sum(), x
        )
    for shape in ((1000,), (1000, 16)):
        base, v, theirs = (
            np.zeros(shape),
            RNG.normal(size=(10_000, *shape[1:])),
            torch.zeros(shape, dtype=torch.float64),
        )
        found[f"index_add, 10,000 to {' x '.join(map(str, shape))}"] = both(
            lambda v, base=base: mg.sum(mg.index_add(base, index, v)),
            lambda v, base=theirs: base.index_add(0, places, v).sum(),
            v,
        )
    return found


def transformations():
    """The function of the network's parameters, and its derivatives, by name."""
    x, labels, weights, biases = problem(32)
    rows = np.arange(32)
    params = (weights, biases)
    direction = ([np.ones_like(w) for w in weights], [np.ones_like(b) for b in biases])

    def loss(params):
        (w1, w2, w3), (b1, b2, b3) = params
        h = np.tanh(np.tanh(x @ w1 + b1) @ w2 + b2)
        return -np.mean(mg.log_softmax(h @ w3 + b3)[rows, labels])

    return {
        "function": lambda: loss(params),
        "jvp": lambda: mg.jvp(loss, (params,), (direction,)),
        "value_and_grad": lambda: mg.value_and_grad(loss)(params),
        "Hessian-vector product": lambda: mg.jvp(mg.grad(loss), (params,), (direction,)),
    }


def main():
    print("\nforward and backward of an operation, beside bare NumPy")
    for name, (run, bare) in operations().items():
        times = medians({"minigrad": run, "bare": bare}, repeats=11)
        print(f"  {name:<34}{1e3 * times['minigrad']:9.2f} ms{times['minigrad'] / times['bare']:8.2f} x")
    print("\nforward and backward of an operation, beside NumPy's forward")
    for name, (run, forward) in forms().items():
        times = medians({"minigrad": run, "forward": forward}, repeats=11)
        print(f"  {name:<40}{1e3 * times['minigrad']:9.3f} ms{times['minigrad'] / times['forward']:8.2f} x")
    print("\nforward and backward of an operation, beside PyTorch")
    for name, (run, theirs) in with_torch(peer("torch")).items():
        times = medians({"minigrad": run, "PyTorch": theirs}, repeats=11)
        print(f"  {name:<40}{1e3 * times['minigrad']:9.3f} ms{times['minigrad'] / times['PyTorch']:8.2f} x")
    print("\nderivatives of the 784-256-128-10 network, batch 32, beside the function")
    times = medians(transformations())
    for name, seconds in times.items():
        print(f"  {name:<34}{1e6 * seconds:9.1f} us{seconds / times['function']:8.2f} x")
