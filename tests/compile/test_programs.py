"""Random programs: what a compiled function answers and leaves behind has the bits of the uncompiled one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import optim
from minigrad.core.recorder import state_array

from .test_replay import same_bits

SHAPES = [(3, 4), (4,), (3, 1), (1, 4), (), (4, 3), (4, 4)]
UNARY = [np.exp, np.tanh, np.negative, np.square, np.abs, mg.sigmoid, np.cos, np.positive, np.sign, mg.softmax]
BINARY = [np.add, np.subtract, np.multiply, np.maximum, np.minimum, np.arctan2, np.hypot, np.logaddexp]
STRUCTURE = [
    np.transpose,
    np.ravel,
    lambda x: x[..., None],
    lambda x: x[None],
    lambda x: x[-1:] if x.ndim else x,
    lambda x: x[::-1] if x.ndim else x,
    lambda x: x[[0, -1, 0]] if x.ndim else x,
    lambda x: np.concatenate([x, x]) if x.ndim else x,
    lambda x: np.stack([x, x + 1]),
    lambda x: x.astype(np.float32),
    lambda x: x.copy(),
    lambda x: x * 1,
    lambda x: x - 0.0,
    lambda x: x / 2,
    lambda x: 3 - x,
    lambda x: x**2,
    lambda x: x**0.5,
]
REDUCTIONS = [np.sum, np.mean, np.max, np.prod, mg.logsumexp, np.std]


@st.composite
def programs(draw):
    """Steps of a function on a growing list of arrays: what to do, on which of them."""
    kinds = ["unary", "unary", "binary", "binary", "structure", "reduce", "where", "matmul", "update", "read"]
    steps = []
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(kinds))
        choices = {"unary": UNARY, "binary": BINARY, "structure": STRUCTURE, "reduce": REDUCTIONS}.get(kind, [None])
        axis = draw(st.sampled_from([None, 0, -1]))
        steps.append((kind, draw(st.sampled_from(choices)), draw(st.integers(0, 99)), draw(st.integers(0, 99)), axis))
    return steps


def run(steps, arrays, kept):
    """The arrays that the steps make of some; `kept` is changed in place on the way."""
    pool = list(arrays)
    for kind, function, i, j, axis in steps:
        x, y = pool[i % len(pool)], pool[j % len(pool)]
        if kind in ("unary", "structure"):
            if not (x.ndim == 0 and function is mg.softmax):
                pool.append(function(x))
        elif kind == "binary":
            if fits(x, y):
                pool.append(function(x, y))
        elif kind == "reduce":
            pool.append(function(x, axis=axis if x.ndim else None))
        elif kind == "where":
            if fits(x, y):
                pool.append(np.where(x > y, x, 0 * y))
        elif kind == "matmul":
            if x.ndim == y.ndim == 2 and x.shape[1] == y.shape[0]:
                pool.append(x @ y)
        elif kind == "update":
            if x.shape in ((3, 4), (4,), ()):
                with mg.no_grad():
                    kept[...] = 0.5 * kept + np.tanh(x.detach())
        else:
            pool.append(kept.detach() * 2.0)
    return pool[len(arrays) :]


def fits(x, y):
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return False
    return True


def arrays_for(seed, shapes, dtypes):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape, dtype in zip(shapes, dtypes, strict=False)]


@settings(max_examples=200, deadline=None)
@given(
    programs(),
    st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3),
    st.lists(st.sampled_from([np.float64, np.float32]), min_size=3, max_size=3),
)
def test_values_and_gradients_have_the_same_bits(steps, shapes, dtypes):
    """Four calls on changing arrays, with a parameter that is updated and an array that is changed in place."""
    kept = [mg.tensor(np.ones((3, 4)), requires_grad=True) for _ in range(2)]
    weights = [mg.tensor(np.full(4, 0.5), requires_grad=True) for _ in range(2)]
    optimizers = [optim.SGD([w], lr=0.1, momentum=0.0) for w in weights]

    def function(n, arrays):
        made = run(steps, [*arrays, weights[n] * 1.0], kept[n])
        loss = sum((np.sum(np.tanh(x)) for x in made), np.sum(weights[n]))
        optimizers[n].zero_grad()
        loss.backward()
        optimizers[n].step()
        return [x.detach() for x in made], loss.detach()

    compiled = mg.compile(lambda arrays: function(0, arrays))
    with np.errstate(all="ignore"):
        for seed in range(4):
            optimizers[0].lr = optimizers[1].lr = 0.1 / (seed + 1)
            arrays = arrays_for(seed, shapes, dtypes)
            made, loss = compiled([mg.tensor(x) for x in arrays])
            other, other_loss = function(1, [mg.tensor(x) for x in arrays])
            assert same_bits([x.data for x in made], [x.data for x in other]), compiled.source
            assert same_bits(loss.data, other_loss.data)
            assert same_bits(weights[0].data, weights[1].data)
            assert same_bits(kept[0].data, kept[1].data)
            assert same_bits(weights[0].grad.data, weights[1].grad.data)


VIEWS = [
    lambda x: x,
    lambda x: x.T,
    lambda x: x[..., ::-1],
    lambda x: x[1:],
    lambda x: x.reshape(-1)[:2],
    lambda x: x[0],
    lambda x: x.swapaxes(0, -1),
]
MAKERS = [
    lambda x, y: x + y,
    lambda x, y: np.negative(x),
    lambda x, y: x.copy(),
    lambda x, y: x * 1,
    lambda x, y: +x,
    lambda x, y: np.zeros_like(x),
    lambda x, y: np.full_like(x, 3.0),
    lambda x, y: np.sum(x, axis=0, keepdims=True) + 0 * x,
    lambda x, y: np.where(x > y, x, y),
    lambda x, y: np.multiply(x, y, out=np.empty_like(x)),
    lambda x, y: x.astype(np.float64),
]
WRITES = [
    lambda v, x: np.add(v, x, out=v),
    lambda v, x: v.__iadd__(x),
    lambda v, x: v.__imul__(0.5),
    lambda v, x: np.copyto(v, x),
    lambda v, x: v.__setitem__(Ellipsis, x),
    lambda v, x: v.__setitem__(0, 1.5),
    lambda v, x: v.fill(2.0),
    lambda v, x: np.negative(v, out=v),
    lambda v, x: np.add.at(v, [0, 0], 1.0),
]
MOVES = st.tuples(st.integers(0, 2), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))


def play(moves, x, kept, held):
    """Arrays made, viewed and changed in place; all of shape (3, 3), but for views of fewer elements."""
    pool = [x, held(kept[0]), held(kept[1])]
    seen_values = []
    for kind, which, i, j in moves:
        a, b = pool[i % len(pool)], pool[j % len(pool)]
        if kind == 0 and a.shape == b.shape:
            pool.append(MAKERS[which % len(MAKERS)](a, b))
        elif kind == 1 and a.ndim == 2:
            pool.append(VIEWS[which % len(VIEWS)](a))
        elif kind == 2 and a.size:
            write = WRITES[which % len(WRITES)]
            write(a, b if b.shape == a.shape else 1.25)
            seen_values.append(np.tanh(a) * 1.0)
    return pool, seen_values


@settings(max_examples=300, deadline=None)
@given(st.lists(MOVES, min_size=1, max_size=14))
def test_changes_in_place_and_views_have_the_same_bits(moves):
    """Of arguments, of arrays from outside that may be each other's views, and of arrays made on the way."""
    memory = [np.arange(12.0).reshape(4, 3) / 8 for _ in range(2)]
    ours, theirs = ([m[:3], m[1:].T.copy() if len(moves) % 2 else m[1:]] for m in memory)
    compiled = mg.compile(lambda x: play(moves, x, ours, state_array))
    for seed in range(3):
        x, y = (np.random.default_rng(seed).normal(size=(3, 3)) for _ in range(2))
        assert same_bits(compiled(x), play(moves, y, theirs, lambda kept: kept)), compiled.source
        assert same_bits(x, y)
        assert same_bits(ours, theirs)
