"""A machine that writes programs, and changes the world around them between their calls.

A program is a few statements on an argument x, a result y and a world s of arrays, numbers, flags, objects, containers,
Tensors, layers, generators and optimizers. Two equal worlds can be compared bit by bit.
"""

import pickle
from collections import deque
from dataclasses import dataclass, field
from types import FunctionType, SimpleNamespace

import numpy as np

import minigrad as mg
from minigrad import nn, optim

STATEMENTS = [
    "y = y * s.rate",
    "y = y + s.a",
    "y = y @ s.m",
    "y = s.m.T @ y",
    "y = y + s.view",
    "y = y + s.table['k'] * s.table['n']",
    "y = y * (1 - s.mask)",
    "y = y + np.arange(3)",
    "y = y - s.pair[0] * s.pair[1]",
    "y = np.where(s.a > y, y, s.a**2)",
    "y = y + sum(s.numbers)",
    "y = y + s.arrays[-1]",
    "y = -y if s.flag else y",
    "y = y * {'big': 2.0, 'small': 0.5}[s.word]",
    "y = y * float(s.t.sum())",
    "y = (s.t * y).data",
    "y = y + s.t.data",
    "y = y if y.sum() > 0 else -y",
    "y = y + y[int(s.index[0])]",
    "y = y + s.rng.normal(size=3)",
    "y = y + mg.sample(s.rng, 'random', 3).data",
    "y = np.atleast_1d(y) * 5.0",
    "y = np.squeeze(y) + y.real",
    "y = y.reshape(3, 1)[:, 0] * 2",
    "y = np.split(np.concatenate([y, y * 2]), 2)[1]",
    "y = np.broadcast_arrays(y, s.a)[1] * y",
    "y = y[s.index]",
    "z = np.zeros(3); z[1] = 2.0; y = y + z",
    "z = np.empty_like(y); z[...] = y; z[0] = s.rate; y = z",
    "z = y * 1; z += s.a; y = z",
    "y = s.layer(mg.asarray(y)).data",
    "y = F.leaky_relu(mg.asarray(y), s.rate).data",
    "y = mg.grad(lambda v: np.sum(v * v * s.a))(y)",
    "s.a += y",
    "s.a[0] = y[1]",
    "s.view[...] = y",
    "s.view *= 0.5",
    "s.m[1:] = y",
    "np.multiply(y, 2.0, s.a)",
    "s.table['k'][...] = y",
    "s.t += 0.5",
    "s.t[0] = y[1]",
    "s.buffer[...] = 0.5 * s.buffer + y; y = y + s.buffer.data",
    "s.count += 1",
    "s.flag = not s.flag",
    "s.layer, s.other = s.other, s.layer",
    "s.t, s.u = s.u, s.t",
    "s.a, s.view = s.view, s.a",
    "s.table['new'] = s.rate",
    "s.table.pop('new', None)",
    "s.pair = (s.a, 2.0)",
    "y = y + s.count",
    "s.kept = y * 1",
    "s.kept = y * 1 if s.kept is None else s.kept * 0.5 + y; y = y + s.kept",
    "s.state = mg.asarray(y) if s.state is None else (s.state * s.t + y).detach(); y = y + s.state.data",
    "s.table['k'] = s.table['k'] * 0.5 + y",
    "s.arrays[0] = y + s.arrays[0]",
    "s.arrays[0], s.table['k'] = s.table['k'], s.arrays[0]",
    "s.numbers.append(1.0)",
    "x += 1",
    "x[1] = s.rate",
    "mg.sum(s.w * y).backward()",
    "mg.sum(s.w * s.w).backward(); s.optimizer.step(); s.optimizer.zero_grad()",
    "s.w.grad = None",
    "y = y + s.w.data",
    "y = y * s.helper(s.rate)",
    "y = y + s.thing.shifted(y)",
    "y = y + s.thing.shifted(y, times=s.rate)",
    "y = y + s.thing.twice",
    "y = s.thing(y)",
    "s.thing.k += 1",
    "s.thing.array[1] = y[0]",
    "y = y * s.options.lr if s.options.on else y",
    "y = y + s.options.w * s.options.depth",
    "s.options.lr *= 0.5",
    "s.options.on = not s.options.on",
    "y = y + sum(s.deque)",
    "s.deque.append(s.rate)",
    "y = y * len(s.set)",
    "s.set.add(len(s.set))",
    "y = y[s.integers - 1]",
    "y = y + s.integers // 2",
    "y = y / s.integers",
    "y = y * int(s.integers[0])",
    "k = int(s.integers.sum()) % 3; y = y + k",
    "y = y * s.single",
    "y = y + s.nested['a'][1]['b']",
    "s.nested['a'][0] += y",
    "s.nested['a'][1]['b'] = y * 2",
    "y = y + s.nested['c'][0]",
    "s.nested['c'][0][...] = y",
    "y = s.linear(y[None]).data[0]",
    "y = s.norm(mg.asarray(np.stack([y, y * 2, s.a]))).data[1]",
    "y = s.dropout(mg.asarray(y)).data",
    "mg.sum(s.linear(y[None]) ** 2).backward(); s.adam.step(); s.adam.zero_grad()",
    "s.dropout.train(not s.dropout.training)",
    "s.norm.train(not s.norm.training)",
    "y = y + s.tall[1]",
    "s.tall[2] = y",
    "s.flat[:, 1] += y",
    "y = (s.tall @ y)[:3]",
    "y = y + s.tall.sum(axis=0)",
    "s.tall[s.tall > 5] = s.rate",
    "y = np.cumsum(np.sort(y))",
    "y = y[np.argsort(s.a)] + y[np.argmax(s.a)]",
    "y = np.maximum(y, s.a, out=s.a) * 1",
    "np.add.at(s.a, s.index[:2], 1.0)",
    "np.copyto(s.a, y, where=s.mask > 0)",
    "y = np.einsum('i,ij->j', y, s.m)",
    "s.a[s.index[:2]] = y[:2]",
    "y = y.astype(np.float32).astype(float)",
    "y = y + s.strided",
    "s.strided[1] = y[2]",
    "y = y + s.frozen",
    "y = s.scaled(y) + s.scaled(y, by=s.rate)",
    "y = s.counted(y)",
    "y = y[s.order] + s.order[0]",
    "s.order.reverse()",
    "for v in y[:2]: y = y + v",
    "for i, a in enumerate(s.arrays): y = y + i * a",
    "y = sum((y * k for k in s.numbers), y)",
    "while y[0] > 3: y = y / 2",
    "y = y if not np.any(np.isnan(y)) else s.a * 1",
    "y = y * (s.zero + 1.5)",
    "s.zero[...] = y[0]",
    "s.zero += 1",
    "y = (y - y.mean()) / (1 + abs(y).max())",
    "y = np.clip(y, -2, s.rate + 3)",
    "y = np.hstack([y[:1], s.a[1:]]) + np.vstack([y, s.a])[1]",
    "u, v = np.divmod(y, 2.0); y = u + v",
    "y = np.linalg.solve(s.m + 5 * np.eye(3), y)",
    "y = mg.jacobian(lambda v: np.sin(v) * s.a)(y)[0]",
    "y = mg.jvp(lambda v: v * v * s.rate, (y,), (s.a,))[1]",
    "y = mg.hessian(lambda v: np.sum(v**3 * s.a))(y)[1]",
    "z = {}; z['q'] = y * 2; y = z['q'] + s.a",
    "z = [y]; z.append(s.a); y = z[0] + z[-1]",
    "y = (lambda q, r=s.rate: q + r)(y)",
    "s.names.append('c'); y = y * len(s.names)",
    "y = y * {'a': 1.0, 'b': 2.0, 'c': 0.5}[s.names[-1]]",
    "t = mg.zeros(3); t[1] = y[0]; y = t.data + y",
    "t = s.t * 1; t[0] = 5.0; y = y + t.data",
    "s.u *= 0.5; y = y + s.u.data",
    "s.m.T[0] = y",
    "v = s.m[:, 1]; v[...] = y",
    "y = y + s.w.grad.data if s.w.grad is not None else y",
    "y = y[s.rng.permutation(3)] + s.rng.integers(5)",
    "s.count += 1; y = y * s.count",
    "y = y if s.count < 2 else s.a * 2",
    "y = y + F.cross_entropy(mg.asarray(s.m), s.index).item()",
    "s.w.data = y * 0.5",
]
CHANGES = [
    lambda s, r: setattr(s, "rate", float(r.integers(-3, 4)) / 2),
    lambda s, r: setattr(s, "rate", -0.0),
    lambda s, r: setattr(s, "flag", not s.flag),
    lambda s, r: setattr(s, "word", "big" if s.word == "small" else "small"),
    lambda s, r: s.a.__setitem__(0, r.normal()),
    lambda s, r: setattr(s, "a", r.normal(size=3)),
    lambda s, r: setattr(s, "a", s.m[2]),
    lambda s, r: setattr(s, "m", np.asfortranarray(s.m)),
    lambda s, r: setattr(s, "view", s.a),
    lambda s, r: s.mask.__setitem__(1, 1 - s.mask[1]),
    lambda s, r: s.index.__setitem__(0, r.integers(3)),
    lambda s, r: s.table.__setitem__("k", r.normal(size=3)),
    lambda s, r: s.table.__setitem__("n", int(r.integers(4))),
    lambda s, r: setattr(s, "pair", (r.normal(size=3), 2.0)),
    lambda s, r: s.numbers.append(0.25),
    lambda s, r: s.arrays.append(r.normal(size=3)),
    lambda s, r: setattr(s.t, "data", r.normal(size=3)),
    lambda s, r: setattr(s, "t", mg.tensor(r.normal(size=3))),
    lambda s, r: setattr(s.w, "data", r.normal(size=3)),
    lambda s, r: setattr(s.w, "grad", None),
    lambda s, r: setattr(s, "rng", np.random.default_rng(int(r.integers(9)))),
    lambda s, r: setattr(s.optimizer, "lr", float(r.integers(1, 4)) / 8),
    lambda s, r: setattr(s.layer, "negative_slope", float(r.integers(1, 4)) / 8),
    lambda s, r: setattr(s, "layer", nn.Tanh() if isinstance(s.layer, nn.LeakyReLU) else nn.LeakyReLU(0.25)),
    lambda s, r: setattr(s, "helper", float if s.helper is abs else abs),
    lambda s, r: setattr(s, "kept", None),
    lambda s, r: setattr(s, "state", mg.tensor(r.normal(size=3))),
    lambda s, r: setattr(s, "kept", s.a),
    lambda s, r: setattr(s.thing, "k", int(r.integers(5))),
    lambda s, r: setattr(s.thing, "array", r.normal(size=3)),
    lambda s, r: setattr(s, "thing", Thing()),
    lambda s, r: setattr(s.options, "depth", int(r.integers(4))),
    lambda s, r: setattr(s.options, "w", r.normal(size=3)),
    lambda s, r: s.deque.append(0.5),
    lambda s, r: s.set.add(int(r.integers(9))),
    lambda s, r: s.integers.__setitem__(0, int(r.integers(1, 4))),
    lambda s, r: s.nested["a"].__setitem__(0, r.normal(size=3)),
    lambda s, r: s.nested["a"][1].__setitem__("b", r.normal(size=3)),
    lambda s, r: s.nested.__setitem__("c", (r.normal(size=3),)),
    lambda s, r: setattr(s.linear.weight, "data", r.normal(size=(3, 3))),
    lambda s, r: setattr(s.adam, "lr", float(r.integers(1, 4)) / 8),
    lambda s, r: setattr(s, "tall", np.asfortranarray(r.normal(size=(4, 3)))),
    lambda s, r: setattr(s, "scaled", lambda x, by=3.0: x - by),
    lambda s, r: s.order.append(s.order.pop(0)),
    lambda s, r: s.zero.__setitem__((), r.normal()),
    lambda s, r: setattr(s.dropout, "p", 0.25),
    lambda s, r: s.norm.running_mean.data.__setitem__(0, 1.0),
    lambda s, r: setattr(s, "single", np.array([2, 1, 0], np.float32)),
    lambda s, r: setattr(s, "count", 0),
    lambda s, r: None,
]


class Thing:
    """An object of the user's, without a dict."""

    __slots__ = ("array", "k")
    scale = 2.0

    def __init__(self):
        self.k, self.array = 3, np.array([1.0, 2.0, 3.0])

    @property
    def twice(self):
        return self.array * 2

    def shifted(self, x, times=1.0):
        return x * self.k + self.array * times * self.scale

    def __call__(self, x):
        self.array = self.array * 0.5 + x
        return x - self.array


@dataclass
class Options:
    """Settings and weights."""

    lr: float = 0.5
    depth: int = 2
    on: bool = True
    w: np.ndarray = field(default_factory=lambda: np.array([0.1, 0.2, 0.3]))


def counting(factor):
    """A function that counts its calls."""
    n = 0

    def counted(x):
        nonlocal n
        n += 1
        return x * factor + n

    return counted


def world():
    """The surroundings of a program."""
    s = numbers_and_arrays()
    linear, tall, frozen = nn.Linear(3, 3, rng=0), np.arange(12.0).reshape(4, 3), np.arange(3.0)
    frozen.flags.writeable = False
    vars(s).update(
        thing=Thing(), options=Options(), deque=deque([1.0, 2.0], maxlen=4), set={1, 2}, integers=np.array([3, 1, 2]),
        single=np.array([1, 2, 3], np.float32), tall=tall, flat=tall.T, frozen=frozen, strided=np.arange(6.0)[::2],
        nested={"a": [np.ones(3), {"b": np.arange(3.0)}], "c": (np.zeros(3),)}, zero=np.zeros(()), linear=linear,
        norm=nn.BatchNorm1d(3), dropout=nn.Dropout(0.5, rng=0), adam=optim.Adam(linear.parameters(), lr=0.125),
        scaled=lambda x, by=2.0: x * by, counted=counting(0.5), order=[2, 0, 1], names=["a", "b"],
    )  # fmt: skip
    return s


def numbers_and_arrays():
    """The surroundings of a program."""
    m, w = np.arange(9.0).reshape(3, 3) / 8, mg.tensor(np.linspace(-1.0, 1.0, 3), requires_grad=True)
    return SimpleNamespace(
        m=m, view=m[1], a=np.linspace(0.5, 1.5, 3), mask=np.array([1.0, 0.0, 1.0]), index=np.array([2, 0, 1]),
        table={"k": np.ones(3), "n": 2}, pair=(np.full(3, 0.5), 3.0), numbers=[1.0, 2.0], arrays=[np.ones(3)],
        rate=0.5, flag=False, word="big", count=0, t=mg.tensor(np.full(3, 0.25)), buffer=nn.Buffer(np.zeros(3)), w=w,
        rng=np.random.default_rng(0), optimizer=optim.SGD([w], lr=0.125, momentum=0.5), layer=nn.LeakyReLU(0.25),
        helper=abs, other=nn.Tanh(), kept=None, state=None, u=mg.tensor(np.full(3, 2.0)),
    )  # fmt: skip


def program(statements, s):
    """A function of the argument x, in a world."""
    lines = [x for statement in statements for x in ([statement] if ": " in statement else statement.split("; "))]
    names = {"s": s, "np": np, "mg": mg, "F": nn.functional}
    exec("def function(x):\n    y = x * 1\n    " + "\n    ".join([*lines, "return y"]), names)
    return names["function"]


def state(x):
    """All that is in a world, as bytes, numbers and words."""
    if isinstance(x, np.ndarray | np.generic):
        return x.dtype.str, np.shape(x), x.tobytes()
    if isinstance(x, mg.Tensor):
        return state(x.data), None if x.grad is None else state(x.grad.data)
    if isinstance(x, np.random.Generator):
        return pickle.dumps(x.bit_generator.state)
    if isinstance(x, optim.Optimizer | FunctionType):
        return None
    if isinstance(x, nn.Module):
        return state({**x.state_dict(), "training": x.training})
    if isinstance(x, Thing):
        return state([x.k, x.array])
    if isinstance(x, SimpleNamespace | Options):
        return state(vars(x))
    if isinstance(x, dict):
        return {key: state(part) for key, part in x.items()}
    if isinstance(x, list | tuple | deque):
        return [state(part) for part in x]
    return sorted(x) if isinstance(x, set) else x if x is None else repr(x)


def alike(x, y, tolerance):
    """Whether two states are equal, but for rounding if there is a tolerance."""
    if isinstance(x, dict):
        return x.keys() == y.keys() and all(alike(x[key], y[key], tolerance) for key in x)
    if isinstance(x, tuple) and len(x) == 3 and isinstance(x[2], bytes) and tolerance:
        ours, theirs = (np.frombuffer(z[2], z[0]) for z in (x, y))
        return x[:2] == y[:2] and np.allclose(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True)
    if isinstance(x, list | tuple):
        return len(x) == len(y) and all(alike(a, b, tolerance) for a, b in zip(x, y, strict=True))
    return x == y
