"""Normalisation: running statistics, derivatives of every order, digits, and what is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from minigrad.nn.window import image_of, image_rows


@pytest.mark.parametrize(("layer", "shape"), [(nn.BatchNorm1d(2), (1, 2)), (nn.BatchNorm2d(2), (1, 2, 1, 1))])
def test_batch_normalisation_refuses_one_value_per_channel_in_training(layer, shape):
    """Its deviation would be 0. The running statistics stay as they are; in evaluation one value is fine."""
    before = layer.state_dict()
    with pytest.raises(
        ValueError, match="takes more than one value for each channel, .* Use a larger batch, or running st"
    ):
        layer(np.ones(shape))
    for name, values in layer.state_dict().items():
        np.testing.assert_array_equal(values, before[name])
    assert layer.eval()(np.ones(shape)).shape == shape


def test_running_statistics_are_changed_in_their_memory():
    """So that a compiled step, or a view, sees the change; evaluation leaves them alone."""
    layer = nn.BatchNorm1d(2)
    memory = layer.running_mean.data
    layer(np.array([[1.0, 2], [3, 4]]))
    assert layer.running_mean.data is memory
    np.testing.assert_allclose(memory, [0.2, 0.3])
    layer.eval()(np.array([[1.0, 2], [3, 4]]))
    np.testing.assert_allclose(memory, [0.2, 0.3])


def test_running_statistics_forget_at_the_rate_of_momentum():
    """After two batches, of the first 0.25 * 0.75 is left, and of the start 0.75 squared; variances are unbiased."""
    layer = nn.BatchNorm1d(2, momentum=0.25)
    layer.running_mean.data = np.array([4.0, 8.0])
    first, second = np.random.default_rng(0).normal(size=(2, 5, 2))
    layer(first)
    layer(second)
    for buffer, start, of in (
        (layer.running_mean, np.array([4.0, 8.0]), lambda x: x.mean(axis=0)),
        (layer.running_var, np.ones(2), lambda x: x.var(axis=0, ddof=1)),
    ):
        wanted = 0.75**2 * start + 0.25 * 0.75 * of(first) + 0.25 * of(second)
        np.testing.assert_allclose(buffer.data, wanted, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_running_statistics_without_momentum_are_means_of_all_batches(dtype):
    """Of the batches' means and unbiased variances, each as much; one that is refused does not count."""
    layer = nn.BatchNorm1d(2, momentum=None).astype(dtype)
    batches = np.random.default_rng(0).normal(size=(4, 5, 2)).astype(dtype)
    for batch in batches:
        layer(batch)
        with pytest.raises(ValueError, match="more than one value for each channel"):
            layer(batch[:1])
    layer.eval()(batches[0])
    assert layer.num_batches_tracked.item() == 4
    tolerance = 8 * np.finfo(dtype).eps  # of sums of four
    np.testing.assert_allclose(layer.running_mean.data, batches.mean(axis=(0, 1)), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(layer.running_var.data, batches.var(axis=1, ddof=1).mean(axis=0), rtol=tolerance)
    assert layer.running_mean.dtype == layer(batches[0]).dtype == dtype


def test_without_running_statistics_a_batch_is_normalised_by_its_own():
    """In evaluation as well; there is nothing in the state but weight and bias."""
    x = np.random.default_rng(0).normal(size=(5, 2)) + 3
    for layer in (nn.BatchNorm1d(2, track_running_stats=False), nn.BatchNorm1d(2, 1e-5, None, True, False)):
        assert set(layer.state_dict()) == {"weight", "bias"}
        np.testing.assert_array_equal(layer(x).data, layer.eval()(x).data)
        np.testing.assert_allclose(layer(x).data.mean(axis=0), 0, atol=1e-14)
        with pytest.raises(ValueError, match="takes more than one value for each channel"):
            layer(x[:1])


def test_running_statistics_of_instances_are_means_over_the_batch():
    """Of the examples' means and unbiased variances; a refused batch leaves them alone, and evaluation uses them."""
    layer = nn.InstanceNorm1d(2, momentum=0.25, track_running_stats=True)
    x = np.random.default_rng(0).normal(size=(3, 2, 5))
    layer(x)
    mean, var = 0.25 * x.mean(axis=(0, 2)), 0.75 + 0.25 * x.var(axis=2, ddof=1).mean(axis=0)
    with pytest.raises(ValueError, match="more than one number for each channel"):
        layer(x[:, :, :1])
    np.testing.assert_allclose(layer.running_mean.data, mean, rtol=1e-13)
    np.testing.assert_allclose(layer.running_var.data, var, rtol=1e-13)
    known = (x - mean[:, None]) / np.sqrt(var[:, None] + 1e-5)
    np.testing.assert_allclose(layer.eval()(x).data, known, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer.running_mean.data, mean, rtol=1e-13)


def test_the_count_of_batches_is_loaded_where_it_is_needed():
    """PyTorch's state has it in any case."""
    state = {name: np.ones(2) for name in ("weight", "bias", "running_mean", "running_var")}
    state["num_batches_tracked"] = np.array(7)
    for momentum in (None, 0.1):
        layer = nn.BatchNorm1d(2, momentum=momentum)
        layer.load_state_dict(layer.from_torch(state))
        assert ("num_batches_tracked" in layer.state_dict()) == (momentum is None)
        assert momentum is not None or layer.num_batches_tracked.item() == 7


def test_functions_and_layers_have_the_same_defaults():
    """Numbers so small that eps is felt."""
    x = np.random.default_rng(0).normal(size=(3, 4)) * 1e-3
    mean, var, layer = np.zeros(4), np.ones(4), nn.BatchNorm1d(4, affine=False)
    np.testing.assert_array_equal(F.batch_norm(x, mean, var, training=True), layer(x))
    np.testing.assert_array_equal(mean, layer.running_mean.data)
    np.testing.assert_array_equal(F.batch_norm(x, mean, var), layer.eval()(x))
    np.testing.assert_array_equal(F.layer_norm(x), nn.LayerNorm(4, affine=False)(x))
    np.testing.assert_array_equal(F.rms_norm(x), nn.RMSNorm(4, affine=False)(x))
    np.testing.assert_array_equal(F.group_norm(x, 2), nn.GroupNorm(2, 4, affine=False)(x))
    np.testing.assert_array_equal(F.instance_norm(x[None]), nn.InstanceNorm1d(3)(x[None]))


def test_evaluation_is_differentiated_with_the_statistics_of_its_time():
    """A training step between forward and backward changes the running statistics, and not that gradient."""
    layer = nn.BatchNorm1d(2).eval()
    x = mg.tensor([[1.0, 2], [3, 4]], requires_grad=True)
    layer(x).sum().backward()
    wanted, wanted_of_weight = x.grad.data.copy(), layer.weight.grad.data.copy()
    x.grad = layer.weight.grad = None
    y = layer(x).sum()
    layer.train()(10 * x)
    y.backward()
    np.testing.assert_array_equal(x.grad.data, wanted)
    np.testing.assert_array_equal(layer.weight.grad.data, wanted_of_weight)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.BatchNorm1d(2), (3, 2, 4, 4), r"this BatchNorm1d takes 2 or 3 axes, the second of them of 2 channels; got"),
        (nn.BatchNorm2d(2), (3, 3, 4, 4), r"this BatchNorm2d takes 4 axes, .* got an array of shape \(3, 3, 4, 4\)"),
        (nn.InstanceNorm1d(2), (3, 2), r"this InstanceNorm1d takes 3 axes, the second of them of 2 channels; got an"),
        (nn.InstanceNorm2d(2), (3, 2, 1, 1), r"instance_norm takes .* with more than one number for each channel, as"),
        (nn.LayerNorm(4), (3, 5), r"this LayerNorm takes last axes of \(4,\); got an array of shape \(3, 5\)"),
        (nn.RMSNorm((2, 4)), (4,), r"this RMSNorm takes last axes of \(2, 4\); got an array of shape \(4,\)"),
        (nn.GroupNorm(2, 4), (4,), r"this GroupNorm takes \(batch, channels, ...\) of 4 channels; got an array of sh"),
    ],
)
def test_normalisation_refuses_other_shapes(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer(np.ones(shape))


def test_normalisation_refuses_options_that_make_no_sense():
    with pytest.raises(ValueError, match="groups divide the channels evenly; got 4 channels for 3 groups"):
        nn.GroupNorm(3, 4)
    with pytest.raises(ValueError, match="group_norm divides the channels evenly; got 4 channels for 3 groups"):
        F.group_norm(np.ones((2, 4)), 3)
    with pytest.raises(ValueError, match="momentum is a share, from 0 to 1, or None for means over all batches; got 2"):
        nn.BatchNorm1d(3, momentum=2)
    for momentum in (None, -1):
        with pytest.raises(ValueError, match="momentum of InstanceNorm1d is a share, from 0 to 1; got"):
            nn.InstanceNorm1d(3, momentum=momentum)
    with pytest.raises(ValueError, match="num_features of BatchNorm1d is at least 1; got 0"):
        nn.BatchNorm1d(0)
    with pytest.raises(ValueError, match=r"normalisation takes a weight of shape \(4,\), as the input has; got \(2,\)"):
        F.group_norm(np.ones((2, 4, 3)), 2, np.ones(2))
    with pytest.raises(TypeError, match="num_groups of GroupNorm is an integer; got 1.5"):
        nn.GroupNorm(1.5, 3)
    with pytest.raises(ValueError, match="num_channels of GroupNorm is at least 1; got 0"):
        nn.GroupNorm(1, 0)
    with pytest.raises(TypeError, match="normalized_shape is an integer; got 2.5"):
        nn.LayerNorm(2.5)
    assert nn.LayerNorm(np.int64(2)).normalized_shape == (2,)
    for lengths in ((), 0, (3, 0), (-1, -2)):
        with pytest.raises(ValueError, match="normalized_shape is a length, or several, of at least 1; got"):
            nn.LayerNorm(lengths)
    with pytest.raises(ValueError, match=r"normalisation takes a weight of shape \(3,\), as the input has; got \(1,\)"):
        F.layer_norm(np.ones((2, 3)), np.ones(1))


def test_a_refused_batch_leaves_the_running_statistics_alone():
    """Statistics or weights of other channels are refused before anything is written."""
    mean, var = np.zeros(2), np.ones(2)
    with pytest.raises(
        ValueError, match=r"batch_norm takes a running_var of shape \(2,\), as the input has; got \(3,\)"
    ):
        F.batch_norm(np.eye(2), mean, np.ones(3), training=True)
    with pytest.raises(ValueError, match=r"normalisation takes a bias of shape \(2,\)"):
        F.batch_norm(np.eye(2), mean, var, bias=np.ones(3), training=True)
    with pytest.raises(ValueError, match="batch_norm takes a running_mean where it is not training; got None"):
        F.batch_norm(np.eye(2), None, var)
    with pytest.raises(ValueError, match=r"batch_norm takes \(batch, channels\) or .*; got an array of shape \(2,\)"):
        F.batch_norm(np.ones(2), mean, var, training=True)
    assert mean.tolist() == [0, 0]
    assert var.tolist() == [1, 1]


def test_number_of_axes_out_of_range_is_refused():
    for axes in (0, 3):
        with pytest.raises(ValueError, match=rf"from 1 to 2 for an array of shape \(2, 2\); got {axes}"):
            F.layer_norm(np.eye(2), axes=axes)


def test_large_matrices_are_normalised_as_small_ones():
    """Above a size, factors of rows and columns are multiplied by BLAS: the same numbers, and the same gradients."""
    rng = np.random.default_rng(0)
    x, weight, bias, g = (
        rng.normal(size=(150, 120)),
        rng.normal(size=120),
        rng.normal(size=120),
        rng.normal(size=(150, 120)),
    )
    whole, pull_back = mg.vjp(F.layer_norm, x, weight, bias)
    gx, gw, gb = pull_back(g)
    total_w, total_b = 0, 0
    for i in range(0, 150, 50):
        part, pull_back = mg.vjp(F.layer_norm, x[i : i + 50], weight, bias)
        px, pw, pb = pull_back(g[i : i + 50])
        np.testing.assert_allclose(whole[i : i + 50], part, rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(gx[i : i + 50], px, rtol=1e-12, atol=1e-13)
        total_w, total_b = total_w + pw, total_b + pb
    np.testing.assert_allclose(gw, total_w, rtol=1e-12)
    np.testing.assert_allclose(gb, total_b, rtol=1e-12)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, w, b: F.layer_norm(x, w, b),
        lambda x, w, b: F.rms_norm(x, w),
        lambda x, w, b: F.group_norm(x[:, :, None] * np.arange(1.0, 3.0), 2, w, b),
        lambda x, w, b: F.instance_norm(x[:, :, None] * np.arange(1.0, 4.0) ** 2, None, None, w, b),
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        lambda x, w, b: F.batch_norm(x[:, :, None] * np.arange(1.0, 3.0), None, None, w, b, training=True),
        lambda x, w, b: F.batch_norm(x, np.ones(4), np.ones(4), w, b),
    ],
)
def test_normalisation_in_every_mode(function):
    """Derivatives by reverse and forward mode, and second derivatives, against measured slopes."""
    rng = np.random.default_rng(0)
    args = (rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=4))
    mg.testing.gradcheck(lambda *a: mg.tanh(function(*a)), args, skip="tanh", rng=0)  # each rule by itself
    mg.testing.gradgradcheck(lambda *a: mg.tanh(function(*a)), args, rng=0)
    v = [rng.normal(size=a.shape) for a in args]
    _, dy = mg.jvp(function, args, tuple(v))
    y, pull_back = mg.vjp(function, *args)
    g = rng.normal(size=y.shape)
    np.testing.assert_allclose(
        np.sum(g * dy), sum(np.sum(a * b) for a, b in zip(pull_back(g), v, strict=True)), rtol=1e-11
    )


@pytest.mark.parametrize("shape", [(3, 2, 5), (3, 2, 4, 5), (3, 2, 2, 4, 5)])
def test_an_image_is_normalised_as_it_lies_in_memory(shape):
    """Values and derivatives to the second order are those of the same image in C order; the result lies as it does."""
    rng = np.random.default_rng(0)
    x, t, g = rng.normal(size=(3, *shape))
    lying = image_of(image_rows(x).copy())
    weight, bias = rng.normal(size=(2, 2))
    function = lambda x: F.batch_norm(x, None, None, weight, bias, training=True)
    gradient = mg.grad(lambda x: mg.sum(mg.tanh(function(x)) * g))
    assert function(lying).strides == lying.strides
    np.testing.assert_allclose(function(lying), function(x), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(gradient(lying), gradient(x), rtol=1e-11, atol=1e-12)
    second = [mg.jvp(gradient, (a,), (t,))[1] for a in (lying, x)]
    np.testing.assert_allclose(*second, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("affine", ["", "w", "b", "wb"])
@pytest.mark.parametrize("shape", [(5, 3), (2, 3), (3, 3, 2), (1, 3, 4), (2, 3, 2, 2), (1, 3, 1, 2)])
def test_batch_normalisation_to_the_second_order(shape, affine, training):
    """Second derivatives, in three nestings of the modes, are those of the definition in single steps."""
    rng = np.random.default_rng(0)
    mean, var, g = rng.normal(size=3), rng.uniform(0.5, 2, 3), rng.normal(size=shape)
    args = [rng.normal(size=shape), *(rng.normal(size=3) for _ in affine)]
    along, wide = [rng.normal(size=a.shape) for a in args], (3,) + (1,) * (len(shape) - 2)

    def ours(x, *given):
        options = dict(zip(affine, given, strict=True))
        statistics = mean.copy(), var.copy()
        return F.batch_norm(x, *statistics, options.get("w"), options.get("b"), training)

    def defined(x, *given):
        axes = (0, *range(2, len(shape)))
        m, v = (np.reshape(s, wide) for s in (mean, var))
        if training:
            m = np.mean(x, axis=axes, keepdims=True)
            v = np.mean((x - m) ** 2, axis=axes, keepdims=True)
        y = (x - m) / np.sqrt(v + 1e-5)
        for name, v in zip(affine, given, strict=True):
            y = y * np.reshape(v, wide) if name == "w" else y + np.reshape(v, wide)
        return y

    def curvatures(function):
        numbers = tuple(range(len(args)))
        loss = lambda *a: mg.sum(mg.tanh(function(*a)) * g)
        slope = lambda *a: mg.jvp(loss, a, tuple(along))[1]
        gradient = lambda *a: mg.grad(loss, argnums=numbers)(*a)
        product = lambda *a: sum(mg.sum(p * d) for p, d in zip(gradient(*a), along, strict=True))
        return [
            mg.jvp(gradient, tuple(args), tuple(along))[1],
            mg.grad(slope, argnums=numbers)(*args),
            mg.grad(product, argnums=numbers)(*args),
        ]

    for want, got in zip(curvatures(defined), curvatures(ours), strict=True):
        for a, b in zip(want, got, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-8, atol=1e-9)  # the variance of two values is nearly 0


def test_all_axes_can_be_normalised():
    """A single example, a matrix, as one."""
    x, weight = np.random.default_rng(0).normal(size=(2, 3, 4))
    y = F.layer_norm(x, weight, x, axes=2, eps=0.1)
    np.testing.assert_allclose(y, (x - x.mean()) / np.sqrt(x.var() + 0.1) * weight + x, rtol=1e-13)
    np.testing.assert_allclose(F.rms_norm(x, axes=2, eps=0.1), x / np.sqrt(np.mean(x * x) + 0.1), rtol=1e-13)


@pytest.mark.parametrize("function", [F.layer_norm, F.rms_norm, lambda x: F.batch_norm(x, training=True)])
def test_constant_rows_are_normalised_to_something_finite(function):
    """eps keeps the scale finite where the variance is 0."""
    x = mg.tensor(np.full((3, 4), 5.0), requires_grad=True)
    with np.errstate(all="raise"):
        y = function(x)
        y.sum().backward()
    assert np.isfinite(y.data).all()
    assert np.isfinite(x.grad.data).all()


def test_normalisation_far_from_zero_keeps_its_digits():
    """With a mean of a million times the deviation, float64 still has nine digits: no square of the mean is formed."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 32))
    for function in (F.layer_norm, lambda x: F.batch_norm(x, training=True)):
        np.testing.assert_allclose(function(x + 1e6), function(x), atol=1e-9)
