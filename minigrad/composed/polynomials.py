"""Polynomials, as arrays of their coefficients, the highest power first."""

import operator

import numpy as np

from ..core.primitive import composed
from .statistics import as_array


@composed(np.polyval)
def polyval(p, x):
    x = as_array(x)
    y = np.zeros_like(x)
    for coefficient in as_array(p):
        y = y * x + coefficient
    return y


def _checked_order(m):
    m = int(m)
    if m < 0:
        raise ValueError(f"polynomials are differentiated and integrated 0 times or more; got {m}")
    return m


def _powers(p, first):
    # The numbers from that of coefficients, and `first`, down.
    n = p.shape[0]
    return n + first - np.cumsum(np.ones_like(p, dtype=np.int64))


@composed(np.polyder)
def polyder(p, m=1):
    p = as_array(p)
    for _ in range(_checked_order(m)):
        p = (p * _powers(p, 0))[:-1]
    return p


@composed(np.polyint)
def polyint(p, m=1, k=None):
    p, m = as_array(p), _checked_order(m)
    k = np.zeros_like(p, np.float64, shape=(m,)) if k is None else np.atleast_1d(as_array(k, p))
    if k.shape == (1,) and m > 1:
        k = np.repeat(k, m)
    if k.shape[0] < m:
        raise ValueError(f"{m} integrals have one constant, or as many; got {k.shape[0]}")
    for i in range(m):
        p = np.concatenate([p / _powers(p, 1), k[i : i + 1]])
    return p


def _of_one_length(a, b):
    # Both with as many coefficients, the highest of which may be 0.
    a, b = (np.atleast_1d(as_array(x)) for x in (a, b))
    n = max(len(a), len(b))
    return [
        x if len(x) == n else np.concatenate([np.zeros_like(x, shape=(n - len(x), *x.shape[1:])), x]) for x in (a, b)
    ]


composed(np.polyadd)(lambda a1, a2: np.add(*_of_one_length(a1, a2)))
composed(np.polysub)(lambda a1, a2: np.subtract(*_of_one_length(a1, a2)))


@composed(np.vander)
def vander(x, N=None, increasing=False):
    x = as_array(x)
    if x.ndim != 1:
        raise ValueError(f"vander takes an array of one axis; got one of shape {x.shape}")
    n = x.shape[0] if N is None else operator.index(N)
    x = x.astype(np.promote_types(x.dtype, np.int64))
    powers = np.concatenate(
        [np.ones_like(x, shape=(x.shape[0], min(n, 1))), np.cumprod(np.stack([x] * max(n - 1, 1), 1), 1)[:, : n - 1]], 1
    )
    return powers if increasing else np.flip(powers, 1)
