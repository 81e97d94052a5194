"""Runs of long short-term memory over ndarrays: in place, they compute what the function and its rule say."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn.recurrent.lstm import LSTMRun, lstm

STEPS, WIDTH, BATCH = 5, 3, 4


def arrays_of(dtypes, rng):
    shapes = ((STEPS, 4 * WIDTH, BATCH), (4 * WIDTH, WIDTH), (4 * WIDTH,), (WIDTH, BATCH), (WIDTH, BATCH))
    return [rng.normal(size=shape).astype(dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]


@pytest.mark.parametrize("lengths", [None, [5, 1, 3, 2]])
@pytest.mark.parametrize("dtypes", ["ddddd", "fffff", "eeeee", "dffff", "fdfff"])
def test_a_run_computes_what_the_function_and_its_rule_compute(dtypes, lengths):
    """To the last digit: compiled, the function and its rule are what is recorded."""
    rng = np.random.default_rng(0)
    arrays = arrays_of(dtypes, rng)
    alive = None if lengths is None else np.arange(STEPS).reshape(-1, 1) < np.array(lengths)
    y, pull_back = mg.vjp(lambda *arrays: lstm(list(arrays), alive), *arrays)
    in_place, pull_back_in_place = mg.vjp(lambda *arrays: lstm(list(arrays), alive, LSTMRun()), *arrays)
    g = rng.normal(size=y.shape).astype(y.dtype)
    for got, want in zip([in_place, *pull_back_in_place(g)], [y, *pull_back(g)], strict=True):
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)


def test_a_run_serves_the_states_that_it_has_made_last():
    """One that is used for two sequences knows the gates of the second; the rule computes those of the first anew."""
    rng = np.random.default_rng(0)
    run, first, second = LSTMRun(), arrays_of("ddddd", rng), arrays_of("ddddd", rng)
    y, pull_back = mg.vjp(lambda *arrays: lstm(list(arrays), None, run), *first)
    lstm(second, None, run)
    alone = mg.vjp(lambda *arrays: lstm(list(arrays)), *first)[1]
    for got, want in zip(pull_back(y), alone(y), strict=True):
        np.testing.assert_array_equal(got, want)


def test_the_gates_of_a_run_stay_for_a_second_sweep():
    """The sweep computes in memory of its own."""
    layer, x = nn.LSTM(3, 4, rng=0), np.random.default_rng(0).normal(size=(5, 2, 3))
    y = layer(x)[0].sum()
    y.backward(retain_graph=True)
    once = layer.weight_hh_l0.grad.data.copy()
    y.backward()
    np.testing.assert_array_equal(layer.weight_hh_l0.grad.data, 2 * once)
