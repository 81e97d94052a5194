"""Random programs, whose surroundings change between their calls: compiled, they do what they do uncompiled.

Between calls something in the world is changed, in place or for something else. Answers, errors, and the worlds of the
compiled function and of the function are compared bit by bit after each call.
"""

from collections import Counter

import numpy as np
import pytest

import minigrad as mg

from .machine import CHANGES, STATEMENTS, alike, program, state, world

REFUSED = Counter()  # the errors of programs that were refused, for whoever wants to know


def outcome(function, x):
    """What a function returns, and the name of the error that it raises."""
    try:
        return function(x), None
    except mg.RecordingError:
        raise
    except Exception as error:
        return None, type(error).__name__


def plays(seed, backend="numpy"):
    """Play a random program; whether it was recorded, rather than refused."""
    r = np.random.default_rng(seed)
    statements = [STATEMENTS[i] for i in r.integers(len(STATEMENTS), size=r.integers(1, 6))]
    ours, theirs = world(), world()
    compiled, function = mg.compile(program(statements, ours), backend=backend), program(statements, theirs)
    for _ in range(6):
        values, change = r.normal(size=3), CHANGES[r.integers(len(CHANGES))]
        x, y = values.copy(), values.copy()
        before = state([ours, x])
        try:
            answer, error = outcome(compiled, x)
        except mg.RecordingError as refusal:
            REFUSED[str(refusal)[:90]] += 1
            check(state([ours, x]) == before, seed, statements)
            return False
        wanted, wanted_error = outcome(function, y)
        check(error == wanted_error, seed, statements, error, wanted_error)
        got, want = state([answer, x, ours]), state([wanted, y, theirs])
        check(alike(got, want, 0 if backend == "numpy" else 1e-9), seed, statements, compiled._latest)
        change_seed = int(r.integers(1 << 30))
        for s in (ours, theirs):
            change(s, np.random.default_rng(change_seed))
    return True


def check(right, *what):
    """Fail, and say with what, if something is not right."""
    assert right, what


@pytest.mark.filterwarnings("ignore:.*runs uncompiled:RuntimeWarning", "ignore::RuntimeWarning")
def test_random_programs_in_a_changing_world():
    """At most one in ten is refused, as one of its statements keeps what it has computed."""
    played = [plays(seed) for seed in range(300)]
    assert sum(played) > 0.9 * len(played)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*runs uncompiled:RuntimeWarning", "ignore::RuntimeWarning")
def test_random_programs_in_native_code():
    """With answers and worlds that are equal but for rounding."""
    assert sum(plays(seed, "native") for seed in range(60)) > 0.9 * 60


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*runs uncompiled:RuntimeWarning", "ignore::RuntimeWarning")
def test_many_random_programs_in_a_changing_world():
    assert sum(plays(seed) for seed in range(300, 3_000)) > 0.9 * 2_700
