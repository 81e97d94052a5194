"""Layers: PyTorch's outputs, gradients and running statistics, and what is refused."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

from .make_reference import LAYERS
from .reference import CLOSE, Reference, check

REFERENCE = Reference("layers")


@pytest.mark.parametrize("key", LAYERS)
def test_layers_agree_with_pytorch(key):
    """Outputs in training and evaluation, gradients of input and parameters, and the state after, to 1e-10."""
    name, args, options, _ = LAYERS[key]
    layer = getattr(nn, name)(*args, **options)
    layer.load_state_dict(layer.from_torch(REFERENCE.below(f"{key}/before/")))
    more = [REFERENCE[f"{key}/x2"]] if name == "Bilinear" else []
    x = check(REFERENCE, key, lambda x: layer(x, *more))
    wanted = layer.from_torch(REFERENCE.below(f"{key}/d "))
    assert list(wanted) == [name for name, _ in layer.named_parameters()]
    for name, p in layer.named_parameters():
        np.testing.assert_allclose(p.grad, wanted[name], **CLOSE)
    for name, values in layer.from_torch(REFERENCE.below(f"{key}/after/")).items():
        np.testing.assert_allclose(layer.state_dict()[name], values, **CLOSE)
    np.testing.assert_allclose(layer.eval()(x, *more).detach(), REFERENCE[f"{key}/eval"], **CLOSE)


def test_a_network_of_pytorch_is_loaded():
    """The state of nested layers, running statistics among it, as arrays under PyTorch's names."""
    reference = Reference("network")
    inner = nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4))
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Tanh(), inner)
    model.load_state_dict(model.from_torch(reference.below("state/")))
    np.testing.assert_allclose(model.eval()(reference["x"]).detach(), reference["y"], **CLOSE)


# Linear maps


def test_linear_starts_from_glorot_and_zeros():
    """The weight is (in, out), within its bound and not far below it; the bias is 0 or None."""
    layer = nn.Linear(100, 50, rng=0)
    bound = np.sqrt(6 / 150)
    assert layer.weight.shape == (100, 50)
    assert 0.99 * bound < np.abs(layer.weight.data).max() < bound
    assert not layer.bias.data.any()
    assert nn.Linear(2, 3, bias=False).bias is None
    np.testing.assert_array_equal(layer.weight.data, nn.Linear(100, 50, rng=0).weight.data)


def test_bilinear_starts_within_its_bound():
    """One over the root of the first input's length, as in PyTorch, and not far below it; the bias is 0."""
    layer = nn.Bilinear(100, 3, 50, rng=0)
    assert 0.099 < np.abs(layer.weight.data).max() < 0.1
    assert not layer.bias.data.any()


def test_wrong_last_axis_is_refused():
    """With the length that was wanted and the shape that came."""
    with pytest.raises(ValueError, match=r"linear takes a last axis of 2; got an array of shape \(5, 3\)"):
        nn.Linear(2, 4)(np.ones((5, 3)))
    with pytest.raises(ValueError, match=r"linear takes a last axis of 2; got an array of shape \(\)"):
        nn.Linear(2, 4)(np.array(1.0))
    with pytest.raises(TypeError, match=r"linear takes an array; got a list. Use np.asarray\(x\)"):
        nn.Linear(2, 3)([[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"bilinear takes a last axis of 3; got an array of shape \(5, 2\)"):
        nn.Bilinear(2, 3, 1)(np.ones((5, 2)), np.ones((5, 2)))
    with pytest.raises(ValueError, match=r"differ in the last axis only; got \(5, 2\) and \(1, 3\)"):
        nn.Bilinear(2, 3, 1)(np.ones((5, 2)), np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"differ in the last axis only; got \(5, 1, 2\) and \(5, 4, 3\)"):
        nn.Bilinear(2, 3, 1)(np.ones((5, 1, 2)), np.ones((5, 4, 3)))
    assert nn.Bilinear(2, 3, 1, bias=False)(np.ones((5, 2)), np.ones((5, 3))).shape == (5, 1)


def test_sizes_and_flags_of_linear_layers_are_checked():
    """A seed by position would be the bias, and leave the weight unseeded in silence."""
    with pytest.raises(TypeError, match="in_features of Linear is an integer; got '3'"):
        nn.Linear("3", 2)
    with pytest.raises(TypeError, match=r"out_features of Linear is an integer; got 2.0"):
        nn.Linear(3, 2.0)
    with pytest.raises(ValueError, match="in1_features of Bilinear is at least 1; got 0"):
        nn.Bilinear(0, 2, 2)
    for layer in (lambda seed: nn.Linear(3, 2, seed), lambda seed: nn.Bilinear(3, 2, 1, seed)):
        with pytest.raises(TypeError, match="inear is True or False; got 0. A seed or generator goes by name: rng="):
            layer(0)
        with pytest.raises(TypeError, match="got Generator"):
            layer(np.random.default_rng(0))


# Embedding


def test_embedding_looks_up_rows_and_adds_their_gradients():
    """A row that is named twice has the sum of both gradients; the others have 0."""
    layer = nn.Embedding(4, 2, rng=0)
    y = layer([[0, 2], [2, 0]])
    np.testing.assert_array_equal(y.detach(), layer.weight.data[[[0, 2], [2, 0]]])
    y.backward(np.arange(8.0).reshape(2, 2, 2))
    assert layer.weight.grad.tolist() == [[6, 8], [0, 0], [6, 8], [0, 0]]


def test_padding_counts_as_zeros_and_does_not_learn():
    """Whatever stands in its row."""
    layer = nn.Embedding(3, 2, padding_idx=1, rng=0)
    assert not layer.weight.data[1].any()
    layer.weight.data = np.ones((3, 2))
    y = layer(mg.tensor([1, 2]))
    assert y.tolist() == [[0, 0], [1, 1]]
    y.sum().backward()
    assert layer.weight.grad.tolist() == [[0, 0], [0, 0], [1, 1]]


def test_indices_out_of_range_are_refused():
    """Also negative ones, which NumPy would count from the end, and floats."""
    layer = nn.Embedding(3, 2)
    with pytest.raises(IndexError, match="has 3 rows, for the indices 0 to 2; got indices from 0 to 3"):
        layer([0, 3])
    with pytest.raises(IndexError, match="got indices from -1 to 0"):
        layer(np.array([0, -1]))
    with pytest.raises(
        TypeError, match=r"embedding takes indices, which are integers; got float64. Use x.astype\(int\)"
    ):
        layer(np.array([0.0]))
    with pytest.raises(ValueError, match="padding_idx is an index from 0 to 2; got 3"):
        nn.Embedding(3, 2, padding_idx=3)


# Flatten


def test_flatten_joins_axes():
    """All but the first, or those asked for."""
    x = np.zeros((2, 3, 4, 5))
    assert nn.Flatten()(x).shape == (2, 60)
    assert nn.Flatten(0)(x).shape == (120,)
    assert nn.Flatten(1, 2)(x).shape == (2, 12, 5)
    assert nn.Flatten(-2)(x).shape == (2, 3, 20)


# Dropout


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dropout_keeps_the_mean(dtype):
    """About p of the elements are 0, and the others 1 / (1 - p) times as large; the gradient has the same factors."""
    x = mg.tensor(np.ones(10_000, dtype), requires_grad=True)
    y = nn.Dropout(0.2, rng=0)(x)
    y.sum().backward()
    assert y.dtype == dtype
    np.testing.assert_array_equal(np.unique(y.data), np.array([0, 1 / 0.8], dtype))
    assert np.mean(y.data == 0) == pytest.approx(0.2, abs=0.02)  # five standard deviations
    np.testing.assert_array_equal(x.grad.data, y.data)


def test_dropout_draws_anew_in_each_call_from_its_own_generator():
    """Two layers of one seed drop the same; one layer drops different elements each time."""
    x = np.ones(100)
    first, second = nn.Dropout(rng=1), nn.Dropout(rng=1)
    once = first(x)
    np.testing.assert_array_equal(once, second(x))
    assert not np.array_equal(once, first(x))
    again = pickle.loads(pickle.dumps(copy.deepcopy(first)))
    np.testing.assert_array_equal(first(x), again(x))


def test_dropout_of_all_and_of_none():
    """p = 1 gives zeros, connected to the graph; p = 0 and evaluation give the array itself."""
    x = mg.tensor(np.ones((2, 3), np.float32), requires_grad=True)
    y = nn.Dropout(1)(x)
    y.sum().backward()
    assert y.dtype == np.float32
    assert not y.data.any()
    assert not x.grad.data.any()
    assert nn.Dropout(0)(x) is x
    assert nn.Dropout(0.5).eval()(x) is x
    assert F.dropout(x, training=False) is x


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan])
def test_dropout_refuses_what_is_no_probability(p):
    """When the layer is made, and when the function is called."""
    for make in (nn.Dropout, lambda p: F.dropout(np.ones(2), p)):
        with pytest.raises(ValueError, match=f"p is the probability of an element to be dropped, from 0 to 1; got {p}"):
            make(p)


# Normalisation


@pytest.mark.parametrize(("layer", "shape"), [(nn.BatchNorm1d(2), (1, 2)), (nn.BatchNorm2d(2), (1, 2, 1, 1))])
def test_batch_normalisation_refuses_one_value_per_channel_in_training(layer, shape):
    """Its deviation would be 0. The running statistics stay as they are; in evaluation one value is fine."""
    before = layer.state_dict()
    with pytest.raises(ValueError, match="takes more than one value for each channel, .* Use a larger batch, or eval"):
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
    for lengths in ((), 0, (3, 0)):
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


FLAGS = [
    ("Linear", (2, 4), "bias"),
    ("Bilinear", (2, 3, 4), "bias"),
    ("Conv1d", (2, 4, 3), "bias"),
    ("ConvTranspose2d", (2, 4, 3), "bias"),
    ("RNN", (2, 4), "bias"),
    ("LSTM", (2, 4), "bias"),
    ("GRU", (2, 4), "batch_first"),
    ("GRU", (2, 4), "bidirectional"),
    ("MultiheadAttention", (4, 2), "bias"),
    ("MultiheadAttention", (4, 2), "batch_first"),
    ("TransformerEncoderLayer", (4, 2, 8), "bias"),
    ("TransformerEncoderLayer", (4, 2, 8), "batch_first"),
    ("TransformerEncoderLayer", (4, 2, 8), "norm_first"),
    ("BatchNorm1d", (4,), "affine"),
    ("LayerNorm", (4,), "affine"),
    ("LayerNorm", (4,), "bias"),
    ("RMSNorm", (4,), "affine"),
    ("GroupNorm", (2, 4), "affine"),
]


@pytest.mark.parametrize(("name", "args", "flag"), FLAGS)
def test_a_flag_is_true_or_false(name, args, flag):
    """A word that was meant for another argument is refused, before anything is drawn; NumPy's bools are bools."""
    rng, layer = np.random.default_rng(0), getattr(nn, name)
    options = {} if "Norm" in name else {"rng": rng}
    with pytest.raises(TypeError, match=f"^{flag} of {name} is True or False; got 'tanh'$"):
        layer(*args, **options, **{flag: "tanh"})
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state
    for value in (True, False):
        assert repr(layer(*args, **{flag: np.bool_(value)})) == repr(layer(*args, **{flag: value}))
