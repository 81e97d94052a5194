"""Every layer, loss and function of networks, mapped over examples by vmap: it equals the loop, and so do gradients."""

from copy import deepcopy
from itertools import product

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.core.primitive import REGISTRY
from minigrad.core.tree import leaves
from minigrad.nn import functional as F

from .test_layers_dtypes import FUNCTIONS, LAYERS

SIZE = 3
DRAWS = {"Dropout", "Dropout1d", "Dropout2d", "AlphaDropout", "RReLU"}
DRAWN = {"dropout", "dropout1d", "dropout2d", "alpha_dropout", "rrelu"}
TRACKING = {"BatchNorm1d", "BatchNorm2d", "InstanceNorm2d"}
SPECIAL = TRACKING | DRAWS  # in training


def arrays_of(arguments):
    """For each argument as many arrays as there are entries."""
    rng = np.random.default_rng(3)
    return [np.stack([kind(rng, shape, np.float64) for _ in range(SIZE)]) for kind, shape in arguments]


def close(found, wanted):
    """All results of a batch against those of the entries, which are compared as one."""
    parts = [leaves(y) for y in wanted]
    assert len(leaves(found)) == len(parts[0])
    for y, *ys in zip(leaves(found), *parts, strict=True):
        want = np.stack([np.asarray(x) for x in ys])
        assert np.shape(y) == want.shape
        assert np.asarray(y).dtype == want.dtype
        np.testing.assert_allclose(y, want, rtol=1e-12, atol=1e-12 * max(1, np.max(np.abs(want), initial=0)))


def choices(count):
    """All arguments mapped, and each by itself."""
    yield (0,) * count
    for i in range(count if count > 1 else 0):
        yield tuple(0 if k == i else None for k in range(count))


def chosen_of(arrays, axes, k=None):
    """The arguments, those that are not mapped being of the first entry."""
    return [x[0] if axis is None else x if k is None else x[k] for x, axis in zip(arrays, axes, strict=True)]


def squared(y):
    """The sum of squares of the results that are floats, as a number to take the gradient of."""
    return sum(mg.sum(x * x) for x in leaves(y) if x is not None and x.dtype.kind == "f")


def evaluated(name):
    """A layer in training, unless it keeps running statistics or draws."""
    layer = LAYERS[name][0]()
    return layer.eval() if name in SPECIAL else layer


MODES = [(name, training) for name in LAYERS for training in (True, False) if not training or name not in SPECIAL]


@pytest.mark.parametrize(("name", "training"), MODES)
def test_a_layer_of_a_batch_equals_the_loop(name, training):
    make, arguments = LAYERS[name]
    layer, arrays = make().train(training), arrays_of(arguments)
    for axes in choices(len(arrays)):
        with mg.no_grad():
            y = mg.vmap(layer, axes)(*chosen_of(arrays, axes))
            close(y, [layer(*chosen_of(arrays, axes, k)) for k in range(SIZE)])


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in DRAWN | {"one_hot"}])
def test_a_function_of_a_batch_equals_the_loop(name):
    function, arguments = FUNCTIONS[name]
    arrays = arrays_of(arguments)
    for axes in choices(len(arrays)):
        close(
            mg.vmap(function, axes)(*chosen_of(arrays, axes)),
            [function(*chosen_of(arrays, axes, k)) for k in range(SIZE)],
        )


LEARNING = [name for name, (make, _) in LAYERS.items() if list(make().parameters())]


@pytest.mark.parametrize("name", LEARNING)
def test_gradients_by_parameters_equal_the_loop(name):
    """Of each example, with parameters that all share, and with parameters of its own."""
    layer, arrays = evaluated(name), arrays_of(LAYERS[name][1])
    parameters = {key: p.data for key, p in layer.named_parameters()}
    rng = np.random.default_rng(5)
    stacks = {key: p * rng.uniform(0.9, 1.1, (SIZE, *p.shape)) for key, p in parameters.items()}
    gradient = mg.value_and_grad(lambda p, *xs: squared(nn.functional_call(layer, p, *xs)))
    own = [{key: p[k] for key, p in stacks.items()} for k in range(SIZE)]
    entries = [[x[k] for x in arrays] for k in range(SIZE)]
    shared = [x[0] for x in arrays]
    found = mg.vmap(gradient, (None, *(0 for _ in arrays)))(parameters, *arrays)
    close(found, [gradient(parameters, *xs) for xs in entries])
    wanted = [gradient(p, *xs) for p, xs in zip(own, entries, strict=True)]
    close(mg.vmap(gradient, (0, *(0 for _ in arrays)))(stacks, *arrays), wanted)
    close(mg.vmap(gradient, (0, *(None for _ in arrays)))(stacks, *shared), [gradient(p, *shared) for p in own])


def images(*shape):
    return np.random.default_rng(2).normal(size=(SIZE, *shape))


@pytest.mark.parametrize("name", sorted(DRAWS))
def test_what_is_dropped_is_drawn_anew_for_each_entry(name):
    """Of equal entries, each gets a mask of its own, and in evaluation none does."""
    layer, x = LAYERS[name][0](), np.full((SIZE, 4, 50, 4), -1.0)
    if name == "Dropout1d":
        x = x[..., 0]
    y = mg.vmap(layer)(x) if name != "Dropout1d" else mg.vmap(layer)(x[:, None])
    y = np.asarray(y).reshape(SIZE, -1)
    assert not np.array_equal(y[0], y[1])
    assert not np.array_equal(y[1], y[2])
    z = mg.vmap(layer.eval())(x)
    assert np.array_equal(z[0], z[1])


@pytest.mark.parametrize("name", sorted(TRACKING))
def test_running_statistics_in_training_are_refused_and_left_alone(name):
    """The remedies work: in evaluation, without statistics, and with groups."""
    layer, arrays = LAYERS[name][0](), arrays_of(LAYERS[name][1])
    before = deepcopy(layer.state_dict())
    with pytest.raises(mg.BatchError, match=r"changes its running statistics.*eval\(\).*GroupNorm"):
        mg.vmap(layer)(*arrays)
    for key, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[key])
    channels = arrays[0].shape[2]
    for other in (layer.eval(), type(layer)(channels, track_running_stats=False), nn.GroupNorm(2, channels)):
        with mg.no_grad():
            close(mg.vmap(other)(*arrays), [other(x) for x in arrays[0]])


def test_statistics_that_differ_between_entries_are_refused_in_training():
    x, mean, var = images(5, 4), np.zeros((SIZE, 4)), np.ones((SIZE, 4))
    with pytest.raises(mg.BatchError, match="batch_norm in training changes its running statistics"):
        mg.vmap(lambda m, v: F.batch_norm(x[0], m, v, training=True))(mean, var)
    with pytest.raises(mg.BatchError, match="instance_norm in training changes its running statistics"):
        mg.vmap(lambda m: F.instance_norm(images(2, 4, 3)[0], m, None))(mean)
    assert not mean.any()


def test_spectral_norm_in_training_is_refused_for_weights_of_each_entry():
    layer = nn.parametrizations.spectral_norm(nn.Linear(4, 3, rng=0), rng=1)
    key = "parametrizations.weight.original"
    stack, x = images(4, 3), images(5, 4)
    call = mg.vmap(lambda w, x: nn.functional_call(layer, {key: w}, x))
    with pytest.raises(mg.BatchError, match=r"spectral_norm in training.*Call eval\(\)"):
        call(stack, x)
    layer.eval()
    with mg.no_grad():
        close(call(stack, x), [nn.functional_call(layer, {key: w}, v) for w, v in zip(stack, x, strict=True)])


def test_one_hot_of_a_batch_takes_the_number_of_classes():
    labels = np.array([[0, 1], [2, 0], [1, 1]])
    with pytest.raises(mg.BatchError, match="one_hot takes num_classes for a batch"):
        mg.vmap(F.one_hot)(labels)
    close(mg.vmap(lambda x: F.one_hot(x, 3))(labels), [F.one_hot(x, 3) for x in labels])


MASKS = np.random.default_rng(4).uniform(size=(SIZE, 5, 6)) < 0.6


@pytest.mark.parametrize("axes", [(0, 0), (None, 0), (0, None)])
def test_masks_of_attention_may_differ_between_entries(axes):
    """Booleans and floats, of the function and of the layer, where a padding mask joins them."""
    x, keys, added = images(2, 5, 4), images(2, 6, 4)[0], images(5, 6)
    layer = nn.MultiheadAttention(4, 2, batch_first=True, rng=0)
    padding = np.array([[False] * 5 + [True], [False] * 6])

    def attend(x, mask):
        return F.scaled_dot_product_attention(x, keys, keys, mask)

    def layered(x, mask):
        return layer(x, keys, keys, key_padding_mask=padding, attn_mask=mask)

    def both(x, mask):
        return layer(x, keys, keys, key_padding_mask=np.where(padding, -1.0, 0.5), attn_mask=mask)

    with mg.no_grad():
        for function, masks in [(attend, MASKS), (attend, added), (layered, ~MASKS), (layered, added), (both, ~MASKS)]:
            given = [x, masks]
            y = mg.vmap(function, axes)(*chosen_of(given, axes))
            close(y, [function(*chosen_of(given, axes, k)) for k in range(SIZE)])


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("k", [0, 2, 5])
def test_topk_of_a_batch(k, largest):
    x = images(4, 5)
    for axis in (0, 1, -1):
        options = min(k, x[0].shape[axis]), axis, largest
        close(mg.vmap(lambda a, options=options: mg.topk(a, *options))(x), [mg.topk(a, *options) for a in x])


@pytest.mark.parametrize("axes", [(0, 0), (0, None), (None, 0)])
def test_masked_fill_of_a_batch(axes):
    given = [images(5, 6), MASKS]
    close(
        mg.vmap(lambda a, m: mg.masked_fill(a, m, 2.0), axes)(*chosen_of(given, axes)),
        [mg.masked_fill(*chosen_of(given, axes, k), 2.0) for k in range(SIZE)],
    )


def test_masked_fill_takes_a_value_of_each_entry():
    x, values = images(5, 6), np.arange(3.0)
    close(
        mg.vmap(lambda a, m, v: mg.masked_fill(a, m, v))(x, MASKS, values),
        [mg.masked_fill(*a) for a in zip(x, MASKS, values, strict=True)],
    )


def test_indices_of_pooling_come_back_in_each_entry():
    x = images(2, 3, 4, 4)

    def there_and_back(x):
        return F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2)

    close(mg.vmap(there_and_back)(x), [there_and_back(a) for a in x])


NETWORK = nn.RNN(4, 2, rng=0)
BAD = {
    "cross_entropy": (lambda x, t: F.cross_entropy(x, t), 9, "takes labels 0 to 3; got 9"),
    "embedding": (lambda x, t: F.embedding(t, x), 9, "has 7 rows, for the indices 0 to 6; got indices from 0 to 9"),
    "multi_margin_loss": (lambda x, t: F.multi_margin_loss(x, t), -2, "takes labels 0 to 3; got -2"),
    "multilabel_margin_loss": (lambda x, t: F.multilabel_margin_loss(x[:, :1], t[:, None]), 9, "labels 0 to 0; got"),
    "margin_ranking_loss": (lambda x, t: F.margin_ranking_loss(x[:, 0], x[:, 1], 1 - t), 5, "targets -1 and 1; got"),
    "hinge_loss": (lambda x, t: F.hinge_loss(x[:, 0], 1 - t), 5, "takes targets -1 and 1; got"),
    "gaussian_nll_loss": (lambda x, t: F.gaussian_nll_loss(x[:, 0], x[:, 1], t), -3, "at least 0; got values from -3"),
    "binary_cross_entropy": (lambda x, t: F.binary_cross_entropy_with_logits(x[:, 0], t), 5, "got values from 0 to 5"),
    "pos_weight": (
        lambda x, t: F.binary_cross_entropy_with_logits(x[:, 0], 0 * x[:, 0], pos_weight=t),
        -2,
        "pos_weight is at least 0; got -2",
    ),
    "lengths of ctc_loss": (
        lambda x, t: F.ctc_loss(x[:, None], np.array([[1, 2]]), t[-1:] + 4, [2]),
        9,
        "input_lengths of ctc_loss are from 1 to 7; got 4 to 13",
    ),
    "labels of ctc_loss": (lambda x, t: F.ctc_loss(x[:, None], t[None, -2:] + 1, [7], [2]), 9, "classes takes labels"),
    "labels in a row": (
        lambda x, t: F.ctc_loss(x[:, None], np.array([1, 2]), [7], t[-1:] + 2),
        1,
        "as many as target_lengths add up to, 3; got 2",
    ),
    "lengths of an RNN": (
        lambda x, t: NETWORK(x[:, None], None, t[-1:] + 1),
        9,
        "RNN takes lengths from 1 to 7, the number of steps; got lengths from 1 to 10",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_checks_look_at_all_entries(name):
    """One bad number in the last entry is refused, by the same words as without a batch."""
    function, bad, message = BAD[name]
    x, t = images(7, 4), np.zeros((SIZE, 7), int)
    mg.vmap(function)(x, t)
    t[-1, -1] = bad
    with pytest.raises((ValueError, IndexError), match=message):
        mg.vmap(function)(x, t)


def test_ctc_loss_takes_labels_one_after_the_other_in_each_entry():
    x = images(7, 2, 4)
    labels, counts = np.array([[1, 2, 3], [3, 1, 1], [2, 2, 1]]), np.array([[1, 2], [2, 1], [0, 3]])
    for axes in product([0, None], repeat=3):
        if axes != (None, None, None):
            given = [x, labels, counts]

            def loss(x, labels, counts):
                return F.ctc_loss(x, labels, [7, 6], counts)

            close(
                mg.vmap(loss, axes)(*chosen_of(given, axes)),
                [loss(*chosen_of(given, axes, k)) for k in range(SIZE)],
            )


def test_few_functions_are_called_for_one_entry_after_the_other():
    """All but ten say how they take one axis more."""
    alone = {p.name for p in REGISTRY.values() if p.batch is None and p.kind not in ("elementwise", "composed")}
    ours = {p.name for key, p in REGISTRY.items() if getattr(key, "__module__", "").startswith(("numpy", "minigrad"))}
    assert len(alone & ours) <= 10
