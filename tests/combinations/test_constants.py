"""Functions of NumPy's on constants: there is no derivative to lose, so all of them work, with a rule or without."""

import copy
import re

import numpy as np
import pytest

import minigrad as mg

from .numeric import outcome

A, V = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 5.0]]), np.array([0.5, 0.25, 0.75])
PLACES, TRUTHS = np.array([2, 0, 1]), np.array([True, False, True])
CALLS = (
    *((A,), (V,), (V, V), (A, A), (A, V), (V, A), (V, 1), (A, 0), (V, PLACES), (PLACES,), (PLACES, PLACES), (TRUTHS,)),
    *((TRUTHS, V), (V, TRUTHS), ([V, V],), ((V, V), 1), (V, 0.5), (V, V, V), (TRUTHS, V, V), ("i,i->i", V, V)),
    *(
        (V, PLACES, 0),
        (V, PLACES, V),
        (3, V),
        (V, (3, 1)),
        (V, 3),
        ([TRUTHS, TRUTHS], [V, V]),
        (V, [0, 1], [5.0, 6.0]),
        (V, (2, 3)),
    ),
)
# They compute with text, look at the type or the memory of an argument, or return what was there; take a truth or half
# for a number; or write files, and have tests of their own.
SKIPPED = {"piecewise", "common_type", "may_share_memory", "shares_memory", "empty_like", "repeat", "tile", "diff"}
SKIPPED |= {"save", "savetxt", "savez", "savez_compressed"}
FUNCTIONS = {  # which others can implement
    f"{module.__name__}.{name}": f
    for module in (np, np.linalg, np.fft)
    for name, f in vars(module).items()
    if (isinstance(f, np.ufunc) or hasattr(f, "_implementation")) and name not in SKIPPED
}


def worked(f, args):
    """What NumPy returns for copies of arguments; NotImplemented if it takes others."""
    try:
        return f(*copy.deepcopy(args))
    except Exception:
        return NotImplemented


def wrapped(x):
    """Tensors of ndarrays, in lists as well."""
    if isinstance(x, list | tuple):
        return type(x)(wrapped(part) for part in x)
    return mg.tensor(x) if isinstance(x, np.ndarray) else x


def same(got, want):
    """Whether both have the same values, in tuples as well."""
    if isinstance(want, list | tuple):
        return len(got) == len(want) and all(map(same, got, want))
    if not isinstance(want, np.ndarray | np.generic):
        return str(got) == str(want)
    got = np.asarray(got)
    return got.shape == want.shape and np.array_equal(got, want, equal_nan=want.dtype.kind in "fc")


@pytest.mark.parametrize("module", ["numpy", "numpy.linalg", "numpy.fft"])
def test_every_function_takes_constants(module):
    """A call that NumPy takes has its values for Tensors, unless it would write into one, which is refused."""
    count, wrong = 0, []
    for name, f in FUNCTIONS.items():
        if name.rpartition(".")[0] != module:
            continue
        for args in CALLS:
            want = worked(f, args)
            if want is NotImplemented:
                continue
            tensors = wrapped(copy.deepcopy(args))
            got, refusal = outcome(lambda f=f, tensors=tensors: f(*tensors))
            right = same(got, want) if refusal is None else re.search("cannot write into|writes into", refusal)
            kept = all(same(x, y) for x, y in zip(tensors, args, strict=True) if isinstance(y, np.ndarray))
            if not right or not kept:
                wrong.append((name, args, refusal))
            count += 1
    assert wrong == []
    assert count > {"numpy": 900, "numpy.linalg": 40, "numpy.fft": 40}[module]
