"""detect_anomaly names the operation that made the first NaN or infinity."""

import threading

import numpy as np
import pytest

import minigrad as mg

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def test_computation_is_named_with_shapes_and_line():
    """The operation that makes an infinity of finite numbers is named, with shapes and the user's line."""
    x = mg.tensor([0.0, 1.0], requires_grad=True)
    text = r"divide of \(2,\) and \(2,\) makes NaN of finite numbers, in .*test_anomaly.py, line \d+: x / x\.detach"
    with pytest.raises(mg.AnomalyError, match=text), mg.detect_anomaly():
        x / x.detach() ** 2 + 1


def test_derivative_is_named_with_the_line_of_its_operation():
    """A derivative that is infinite at a finite cotangent is named with the line that called the operation."""
    x = mg.tensor([0.0, 1.0], requires_grad=True)
    text = r"derivative of sqrt of \(2,\) by argument 0 is infinity .* called in .*test_anomaly.py, line \d+: mg\.sum"
    with pytest.raises(mg.AnomalyError, match=text), mg.detect_anomaly():
        mg.sum(mg.sqrt(x)).backward()
    assert x.grad is None


def test_operation_from_before_the_context_is_named_without_line():
    """Of a graph recorded outside of the context the operation is still named."""
    x = mg.tensor([0.0], requires_grad=True)
    root = mg.sqrt(x)
    with pytest.raises(mg.AnomalyError, match=r"sqrt .* a line outside of detect_anomaly\(\)"), mg.detect_anomaly():
        root.backward()


def test_only_the_first_is_reported():
    """What a NaN among the arguments leads to is no anomaly of the operation."""
    x = mg.tensor([np.nan, 1.0], requires_grad=True)
    with mg.detect_anomaly():
        (x * 2).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [2, 2])


def test_sound_computation_is_left_alone():
    """Values and gradients inside the context are those outside of it."""
    gradients = []
    for context in (mg.detect_anomaly, mg.enable_grad):
        x = mg.tensor([0.5, 1.0], requires_grad=True)
        with context():
            mg.sum(mg.exp(x) / x[::-1] + np.argmax(x)).backward()
        gradients.append(x.grad.data)
    np.testing.assert_array_equal(*gradients)


def test_context_ends():
    """After the context, also one left by its own error, nothing is looked at any more."""
    x = mg.tensor([0.0], requires_grad=True)
    with pytest.raises(mg.AnomalyError), mg.detect_anomaly():
        mg.log(x)
    mg.log(x).backward()
    assert x.grad.item() == np.inf


def test_other_threads_are_not_watched():
    """A context in one thread says nothing of what another does meanwhile."""
    results = []

    def work():
        x = mg.tensor([0.0], requires_grad=True)
        mg.sqrt(x).backward()
        results.append(x.grad.item())

    with mg.detect_anomaly():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert results == [np.inf]


def test_transformations_are_watched_as_well():
    """mg.grad inside the context raises like backward()."""
    with pytest.raises(mg.AnomalyError, match="derivative of sqrt"), mg.detect_anomaly():
        mg.grad(lambda x: mg.sum(mg.sqrt(x)))(np.zeros(2))


def test_random_numbers_are_drawn_as_outside():
    """The watch looks at what is drawn, and changes nothing of it."""
    x = mg.tensor(np.ones(8), requires_grad=True)
    with mg.detect_anomaly():
        watched = mg.nn.functional.dropout(x, 0.5, rng=3)
    assert watched.tolist() == mg.nn.functional.dropout(x, 0.5, rng=3).tolist()
