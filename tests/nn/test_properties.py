"""What holds for all layers and losses, whatever the numbers and shapes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad import nn
from minigrad.core.tree import leaves
from minigrad.nn import functional as F

numbers = st.floats(-100, 100, width=32)
matrices = hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=6), elements=numbers)


@given(matrices, st.data())
def test_cross_entropy_does_not_see_a_constant(x, data):
    """Adding a number to all scores of a row changes no loss; its gradient adds up to 0 in each row."""
    labels = data.draw(hnp.arrays(np.int64, x.shape[0], elements=st.integers(0, x.shape[1] - 1)))
    shift = data.draw(hnp.arrays(np.float64, (x.shape[0], 1), elements=numbers))
    loss = F.cross_entropy(x, labels, reduction="none")
    assert (loss >= 0).all()
    np.testing.assert_allclose(F.cross_entropy(x + shift, labels, reduction="none"), loss, atol=1e-12)
    gradient = mg.grad(lambda x: F.cross_entropy(x, labels))(x)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-15)


@given(matrices, st.data())
def test_labels_are_probabilities_of_one(x, data):
    """Cross entropy of labels is that of rows of the unit matrix, smoothed or not."""
    labels = data.draw(hnp.arrays(np.int64, x.shape[0], elements=st.integers(0, x.shape[1] - 1)))
    smoothing = data.draw(st.floats(0, 1))
    hot = np.eye(x.shape[1])[labels]
    got, wanted = (F.cross_entropy(x, target, label_smoothing=smoothing) for target in (labels, hot))
    np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-13)


@given(matrices, matrices)
def test_mean_and_sum_are_those_of_the_single_losses(x, y):
    """For each loss of two arrays."""
    target = np.resize(y, x.shape)
    p, q = (np.abs(z) / 100 for z in (x, target))
    pairs = [(f, x, target) for f in (F.mse_loss, F.l1_loss, F.huber_loss, F.smooth_l1_loss)]
    pairs += [(F.binary_cross_entropy, p, q), (F.binary_cross_entropy_with_logits, x, q), (F.kl_div, x, q)]
    for loss, a, b in pairs:
        single = loss(a, b, reduction="none")
        assert single.shape == x.shape
        np.testing.assert_allclose(loss(a, b, reduction="sum"), single.sum(), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(loss(a, b), single.mean(), rtol=1e-12, atol=1e-12)


@given(matrices)
def test_normalised_numbers_have_mean_0_and_at_most_variance_1(x):
    """Rows after layer normalisation, columns after batch normalisation, and no mean after either."""
    for y, axis in ((F.layer_norm(x), 1), (F.batch_norm(x, training=True), 0)):
        np.testing.assert_allclose(y.mean(axis=axis), 0, atol=1e-9)
        assert (y.var(axis=axis) <= 1 + 1e-12).all()
    np.testing.assert_allclose(F.layer_norm(x, eps=0.1), F.group_norm(x, 1, eps=0.1), rtol=1e-12, atol=1e-12)


trees = st.recursive(
    st.builds(lambda n: nn.Parameter(np.arange(float(n))), st.integers(0, 3)) | st.builds(nn.Buffer, st.just([1, 2])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(trees)
def test_state_of_any_tree_is_found_and_comes_back(tree):
    """Each parameter and buffer has a name of its own, and a state that was saved fits."""
    module = nn.Module()
    module.tree = tree
    arrays = leaves(tree)
    state = module.state_dict()
    assert [p for _, p in module.named_parameters()] == [x for x in arrays if isinstance(x, nn.Parameter)]
    assert len(state) == len(arrays)
    for x in arrays:
        x.data = np.zeros_like(x.data)
    module.load_state_dict(state)
    for x, values in zip(arrays, state.values(), strict=True):
        np.testing.assert_array_equal(x.data, values)
