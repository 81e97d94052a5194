"""Half precision, integers, and what is no array of real numbers, in layers and losses."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

RNG = np.random.default_rng(0)
LONG = 300 * RNG.normal(size=(4, 768))  # the squares of a row add up to 7e7, where float16 ends at 65504
TALL = 300 * RNG.normal(size=(2, 3, 40, 40))
P = RNG.uniform(0.01, 0.99, size=(50, 400))
STATISTICS = [(300 * P[0, :3]).astype(np.float16), (P[1, :3] / 1e4).astype(np.float16)]

SUMS = {
    "layer_norm": (F.layer_norm, [LONG]),
    "rms_norm": (lambda x: F.rms_norm(x, eps=1e-5), [LONG]),
    "group_norm": (lambda x: F.group_norm(x, 3), [TALL]),
    "batch_norm": (lambda x: F.batch_norm(x, training=True), [TALL]),
    "batch_norm of small variance": (
        lambda x: F.batch_norm(x, *(s.astype(x.dtype) for s in STATISTICS)),
        [LONG[:, :3]],
    ),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 40), [TALL]),
    "conv2d": (F.conv2d, [TALL, RNG.normal(size=(2, 3, 3, 3)) / 9]),
    "conv1d": (F.conv1d, [LONG[None] / 300, RNG.normal(size=(2, 4, 3))]),
    "conv3d": (F.conv3d, [TALL[:, :, None], RNG.normal(size=(2, 3, 1, 3, 3)) / 9]),
    "conv_transpose1d": (F.conv_transpose1d, [LONG[None] / 300, RNG.normal(size=(4, 2, 3))]),
    "avg_pool1d": (lambda x: F.avg_pool1d(x, 7, 5, 1, ceil_mode=True), [TALL[0]]),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (1, 7)), [TALL]),
    "global_avg_pool": (lambda x: F.adaptive_avg_pool2d(x, 1), [TALL]),
    "interpolate": (lambda x: F.interpolate(x, 13, mode="bicubic", antialias=True), [TALL]),
    "unfold and fold": (lambda x: F.fold(F.unfold(x, 5), 40, 5), [TALL / 10]),
    "instance_norm": (F.instance_norm, [TALL]),
    "conv_transpose2d": (F.conv_transpose2d, [TALL / 300, RNG.normal(size=(3, 2, 3, 3))]),
    "mse_loss": (F.mse_loss, [LONG / 3, LONG[::-1] / 3]),
    "huber_loss": (lambda x, t: F.huber_loss(x, t, 300), [LONG, LONG[::-1]]),
    "smooth_l1_loss": (lambda x, t: F.smooth_l1_loss(x, t, 300), [LONG, LONG[::-1]]),
    "l1_loss": (F.l1_loss, [LONG, LONG[::-1]]),
    "hinge_loss": (F.hinge_loss, [LONG, np.sign(LONG)]),
    "binary_cross_entropy": (F.binary_cross_entropy, [P, P[::-1]]),
    "logits": (F.binary_cross_entropy_with_logits, [LONG[:, :400], P[:4]]),
    "kl_div": (F.kl_div, [np.log(P), P[::-1]]),
    "kl_div of logarithms": (lambda x, t: F.kl_div(x, t, "batchmean", True), [np.log(P), np.log(P[::-1])]),
    "cross_entropy": (lambda x: F.cross_entropy(x, [1, 5, 3, 767]), [LONG]),
    "probabilities": (lambda x, p: F.cross_entropy(x, p, label_smoothing=0.1), [P, P[::-1] / 200]),
    "nll_loss": (lambda x: F.nll_loss(x, [1, 5, 3, 767]), [LONG]),
    "attention": (F.scaled_dot_product_attention, [LONG / 100, LONG / 100 + 1, LONG]),
    "attention of large scores": (lambda q: F.scaled_dot_product_attention(q, q, LONG.astype(q.dtype)), [LONG]),
}


@pytest.mark.parametrize("name", SUMS)
def test_half_precision_is_added_up_in_single(name):
    """Results are those of double precision to the digits of float16, also where the sums leave its range."""
    function, arrays = SUMS[name]
    halves = [mg.tensor(x.astype(np.float16), requires_grad=True) for x in arrays]
    exact = [mg.tensor(x.data.astype(float), requires_grad=True) for x in halves]
    y, want = function(*halves), function(*exact)
    assert y.dtype == np.float16
    scale = np.abs(want.data).max()
    np.testing.assert_allclose(y.detach(), want.detach(), atol=1e-3 * scale)  # half a unit in the last place
    g = np.random.default_rng(1).normal(size=y.shape)
    y.backward(g.astype(np.float16))
    want.backward(g)
    for x, w in zip(halves, exact, strict=True):
        if w.grad is None:
            continue
        assert x.grad.dtype == np.float16
        np.testing.assert_allclose(x.grad, w.grad, atol=2e-3 * np.abs(w.grad.data).max() + 1e-7)


def test_a_layer_of_half_precision_keeps_its_spread():
    """Rows of 768 have a standard deviation of 1 after layer normalisation; its squares alone overflow float16."""
    y = nn.LayerNorm(768).astype(np.float16)(LONG.astype(np.float16))
    np.testing.assert_allclose(np.std(y.data.astype(float), axis=1), 1, atol=1e-3)


@pytest.mark.parametrize(
    "function",
    [
        F.layer_norm,
        F.rms_norm,
        lambda x, w: F.group_norm(x, 2, w),
        lambda x, w: F.batch_norm(x, None, None, w, training=True),
        lambda x, w: F.mse_loss(x, np.ones(x.shape, w.dtype), reduction="none"),
        lambda x, w: F.cross_entropy(x, np.ones(x.shape, w.dtype), reduction="none"),
    ],
)
def test_a_wider_array_beside_half_precision_makes_the_result_wide(function):
    """As in NumPy: nothing that is known more precisely is rounded to float16."""
    x = RNG.normal(size=(6, 4)).astype(np.float16)
    assert function(x, np.ones(4, np.float32)).dtype == np.float32
    assert function(x, np.ones(4, np.float16)).dtype == np.float16


INTEGERS = np.array([[1, 2, 3], [200, 100, 0], [7, 255, 128]], np.uint8)
OF_INTEGERS = {
    "layer_norm": F.layer_norm,
    "rms_norm": lambda x: F.rms_norm(x),
    "dropout": lambda x: F.dropout(x, 0.3, rng=0),
    "dropout of all": lambda x: F.dropout(x, 1.0, rng=0),
    "no dropout": lambda x: F.dropout(x, training=False),
    "linear": lambda x: F.linear(x, x, x[0]),
    "bilinear": lambda x: F.bilinear(x, x, np.stack([x, x, x])),
    "conv1d": lambda x: F.conv1d(x[None], x[None]),
    "attention": lambda x: F.scaled_dot_product_attention(x, x, x, scale=1),
    "attention with a mask": lambda x: F.scaled_dot_product_attention(x, x, x, np.linspace(0, 1, 9).reshape(3, 3)),
    "softmax": F.softmax,
    "sigmoid": F.sigmoid,
    "logsumexp": mg.logsumexp,
}


@pytest.mark.parametrize("name", OF_INTEGERS)
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, bool])
def test_integers_are_computed_with_as_floats(name, dtype):
    """In the default float, to the last digit: no value wraps around, is cut off or is in half precision."""
    x = INTEGERS.astype(dtype)
    got, want = OF_INTEGERS[name](x), OF_INTEGERS[name](x.astype(float))
    assert got.dtype == float
    np.testing.assert_array_equal(got, want)


def test_bytes_stay_in_the_precision_of_a_layer_that_multiplies_them():
    """As in NumPy, where a float32 holds all bytes: convolution and linear maps in float32 give float32."""
    x = RNG.integers(0, 256, (2, 3, 5, 5), dtype=np.uint8)
    for layer in (nn.Conv2d(3, 2, 3, rng=0), nn.ConvTranspose2d(3, 2, 3, rng=0), nn.Linear(5, 2, rng=0)):
        want = layer(x.astype(float)).data
        y = layer.astype(np.float32)(x)
        assert y.dtype == np.float32
        np.testing.assert_allclose(y.data, want, rtol=1e-4, atol=1e-4)


def test_running_statistics_of_bytes_are_those_of_floats():
    """Images as they come from a file."""
    x = RNG.integers(0, 256, (8, 3, 16, 16), dtype=np.uint8)
    ours, theirs = nn.BatchNorm2d(3), nn.BatchNorm2d(3)
    np.testing.assert_array_equal(ours(x).data, theirs(x.astype(float)).data)
    np.testing.assert_array_equal(ours.running_var.data, theirs.running_var.data)
    np.testing.assert_array_equal(ours.eval()(x).data, theirs.eval()(x.astype(float)).data)


@pytest.mark.parametrize("make", [nn.RNN, nn.GRU, nn.LSTM])
@pytest.mark.parametrize("convert", [np.int8, bool, list])
def test_initial_states_may_be_integers_or_lists(make, convert):
    """They are numbers as all others."""
    layer, x = make(2, 3, rng=0), RNG.normal(size=(4, 1, 2))
    state = np.array([[[1, 0, 1]]])
    given = state.tolist() if convert is list else state.astype(convert)
    pair = lambda s: (s, s) if make is nn.LSTM else s
    (y, _), (want, _) = layer(x, pair(given)), layer(x, pair(state.astype(float)))
    np.testing.assert_array_equal(y.data, want.data)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.layer_norm(np.ones(3, complex)), "layer_norm takes real numbers; got complex128"),
        (lambda: F.rms_norm([1.0]), r"rms_norm takes an array; got a list. Use np.asarray\(x\)"),
        (lambda: F.batch_norm(None, training=True), "batch_norm takes an array; got a NoneType. Does forward"),
        (lambda: F.dropout(np.array(["a"])), "dropout takes real numbers; got <U1"),
        (lambda: F.softplus([1.0], beta=2.0), "softplus takes an array; got a list"),
        (lambda: F.mse_loss(np.ones(2), np.ones(2, complex)), "mse_loss takes real numbers; got complex128"),
        (lambda: F.mse_loss(np.ones(2, object), np.ones(2)), "mse_loss takes real numbers; got object"),
        (lambda: F.scaled_dot_product_attention(None, None, None), "attention takes an array; got a NoneType"),
        (
            lambda: F.batch_norm(np.eye(2), np.zeros(2, int), np.ones(2), training=True),
            r"changes its running_mean in place, which takes floating numbers; got int64. Use running_mean.astype",
        ),
    ],
)
def test_what_is_no_array_of_real_numbers_is_refused(call, message):
    with pytest.raises(TypeError, match=message):
        call()


LEARNED = {
    "cross_entropy": lambda w: F.cross_entropy(np.eye(3), [0, 1, 2], w),
    "binary_cross_entropy": lambda w: F.binary_cross_entropy(np.eye(3), np.eye(3), w),
    "pos_weight": lambda w: F.binary_cross_entropy_with_logits(np.eye(3), np.eye(3), pos_weight=w),
    "running_mean": lambda w: F.batch_norm(np.eye(3), w, np.ones(3)),
    "running_var in training": lambda w: F.batch_norm(np.eye(3), np.ones(3), w, training=True),
}


@pytest.mark.parametrize("name", LEARNED)
def test_weights_without_a_derivative_are_not_cut_off_in_silence(name):
    """A weight that a derivative flows through is refused; one that is detached is taken."""
    weight = mg.tensor(np.ones(3), requires_grad=True)
    with pytest.raises(TypeError, match=r"no derivative with respect to a .*eight|running_.*\. Pass it detached"):
        LEARNED[name](weight)
    with pytest.raises(TypeError, match="no derivative"):
        mg.grad(lambda w: mg.sum(LEARNED[name](w)))(np.ones(3))
    assert weight.tolist() == [1, 1, 1]
    assert np.isfinite(LEARNED[name](weight.detach())).all()
