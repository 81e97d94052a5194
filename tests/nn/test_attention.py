"""Attention: masks, rows without a key, dropout, and what is refused. See also test_layers_reference."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

RNG = np.random.default_rng(0)
Q, K, V = RNG.normal(size=(2, 4, 3)), RNG.normal(size=(2, 5, 3)), RNG.normal(size=(2, 5, 6))
ALLOWED = RNG.random((2, 4, 5)) < 0.5
ALLOWED[0, 1] = False
ALLOWED[1, 2] = [True, False, False, False, False]
BIAS = np.where(ALLOWED, RNG.normal(size=ALLOWED.shape), -np.inf)


def attend(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k, v, mask)


@pytest.mark.parametrize("mask", [ALLOWED, BIAS], ids=["booleans", "floats"])
def test_a_query_without_a_key_gets_zeros_and_no_gradient(mask):
    """Exact zeros, without a NaN or a warning, at first and second order; the others go by softmax."""
    with np.errstate(all="raise"):
        y, pull_back = mg.vjp(lambda q, k, v: attend(q, k, v, mask), Q, K, V)
        gq, gk, gv = pull_back(np.ones_like(y))
    assert not y[0, 1].any()
    assert not gq[0, 1].any()
    assert all(np.isfinite(g).all() for g in (gq, gk, gv))
    np.testing.assert_array_equal(y[1, 2], V[1, 0])
    alone = mg.grad(lambda k: attend(Q[:1, 1:2], k, V[:1], mask[:1, 1:2]).sum())(K[:1])
    assert not alone.any()
    second = mg.grad(lambda q: mg.grad(lambda k: attend(q, k, V, mask).sum())(K).sum())(Q)
    assert np.isfinite(second).all()
    assert not second[0, 1].any()


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"attn_mask": np.ones((3, 0), bool)}, {"dropout_p": 0.5}])
def test_without_keys_all_queries_get_zeros(options):
    """As in PyTorch, with gradients of zeros; compiled and of a layer too."""
    q, k, v = np.ones((2, 3, 4)), np.ones((2, 0, 4)), np.ones((2, 0, 5))
    y, pull_back = mg.vjp(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **options), q, k, v)
    assert y.shape == (2, 3, 5)
    assert not y.any()
    gradients = pull_back(np.ones_like(y))
    assert [g.shape for g in gradients] == [q.shape, k.shape, v.shape]
    assert not gradients[0].any()
    compiled = mg.compile(lambda q: F.scaled_dot_product_attention(q, k, v, **options))
    assert not any(compiled(q).any() for _ in range(3))


def test_a_layer_without_keys_returns_its_bias():
    layer = nn.MultiheadAttention(4, 2, rng=0)
    layer.out_proj.bias.data = [1.0, 2.0, 3.0, 4.0]
    assert layer(np.ones((3, 1, 4)), np.ones((0, 1, 4)), np.ones((0, 1, 4)))[0].tolist() == [[[1, 2, 3, 4]]] * 3


def test_booleans_are_minus_infinity_where_they_bar():
    """The same numbers as with such floats."""
    want = attend(Q, K, V, np.where(ALLOWED, 0.0, -np.inf))
    np.testing.assert_allclose(attend(Q, K, V, ALLOWED), want, rtol=1e-14)


def test_padding_does_not_matter():
    """Other keys and values where nobody may look give the same result."""
    allowed = np.array([True, True, False, True, False])
    k, v = K.copy(), V.copy()
    k[:, ~allowed], v[:, ~allowed] = 100, -7
    np.testing.assert_allclose(attend(Q, k, v, allowed), attend(Q, K, V, allowed), rtol=1e-13)


@pytest.mark.parametrize("shape", [(5,), (4, 1), (1, 5), (2, 1, 5), (1, 4, 1)])
def test_masks_broadcast(shape):
    """Axes that are missing or of length 1 count for all; booleans and floats."""
    for mask in (RNG.random(shape) < 0.7, RNG.normal(size=shape)):
        whole = np.broadcast_to(mask, ALLOWED.shape)
        np.testing.assert_allclose(attend(Q, K, V, mask), attend(Q, K, V, whole), rtol=1e-14)


def test_scores_of_any_size_are_exact():
    """Weights of the largest scores that differ by 1e5 are 1 and 0, without overflow."""
    q = np.array([[1e5, 0.0]])
    with np.errstate(all="raise", under="ignore"):
        y = F.scaled_dot_product_attention(q, np.array([[1.0, 0], [-1, 0]]), np.array([[2.0], [3.0]]))
    np.testing.assert_array_equal(y, [[2.0]])


def test_causal_attention_does_not_look_ahead():
    """The result for a query is that for the sequence up to it."""
    k, v = K[:, :4], V[:, :4]
    y = F.scaled_dot_product_attention(Q, k, v, is_causal=True)
    for i in range(4):
        want = F.scaled_dot_product_attention(Q[:, i : i + 1], k[:, : i + 1], v[:, : i + 1])
        np.testing.assert_allclose(y[:, i : i + 1], want, rtol=1e-13)


def test_masks_have_a_corner():
    """Both begin together, or both end together; more queries than keys leave the first ones without any."""
    assert F.causal_upper_left(2, 3).tolist() == [[True, False, False], [True, True, False]]
    assert F.causal_lower_right(2, 3).tolist() == [[True, True, False], [True, True, True]]
    assert F.causal_lower_right(3, 2).tolist() == [[False, False], [True, False], [True, True]]
    assert F.causal_lower_right(0, 2).shape == (0, 2)
    last = F.scaled_dot_product_attention(Q[:, 3:], K[:, :4], V[:, :4], F.causal_lower_right(1, 4))
    whole = F.scaled_dot_product_attention(Q, K[:, :4], V[:, :4], is_causal=True)
    np.testing.assert_allclose(last, whole[:, 3:], rtol=1e-13)


def test_a_float_mask_has_a_gradient():
    """As a bias that is learned; summed over what it was broadcast to."""
    bias = RNG.normal(size=(4, 5))
    g = mg.grad(lambda b: (attend(Q, K, V, b) ** 2).sum())(bias)
    h = 1e-6 * RNG.normal(size=bias.shape)
    change = (attend(Q, K, V, bias + h) ** 2).sum() - (attend(Q, K, V, bias - h) ** 2).sum()
    np.testing.assert_allclose(np.sum(g * h), change / 2, rtol=1e-6)  # of central differences


def test_dropout_keeps_the_mean():
    """Weights are dropped with this probability and scaled: the mean over many draws is the result without."""
    ys = [F.scaled_dot_product_attention(Q, K, V, dropout_p=0.25, rng=seed) for seed in range(2000)]
    want = F.scaled_dot_product_attention(Q, K, V)
    error = np.std(ys, axis=0) / np.sqrt(len(ys))
    assert (np.abs(np.mean(ys, axis=0) - want) < 5 * error).all()


# Heads


def test_masks_of_heads_bar_together():
    """A key is ignored if any mask says so; floats and booleans, padding and causality at once."""
    layer = nn.MultiheadAttention(6, 2, batch_first=True, rng=0)
    x = RNG.normal(size=(2, 4, 6))
    padding = np.array([[False, False, False, True], [False, True, False, False]])
    barred = RNG.random((4, 4, 4)) < 0.3
    bias = RNG.normal(size=(4, 4))
    _, weights = layer(x, x, x, padding, attn_mask=barred, average_attn_weights=False, is_causal=True)
    after = np.triu(np.ones((4, 4), bool), 1)
    gone = padding[:, None, None] | barred.reshape(2, 2, 4, 4) | after
    assert not weights.data[gone].any()
    np.testing.assert_allclose(weights.data.sum(-1), ~gone.all(-1), rtol=1e-14)
    floats = np.where(padding, -np.inf, 0.0)
    one, _ = layer(x, x, x, floats, attn_mask=bias)
    two, _ = layer(x, x, x, padding, attn_mask=bias)
    np.testing.assert_allclose(one.data, two.data, rtol=1e-13)


def test_one_head_of_one_feature_is_attention():
    """The smallest layer: between its linear maps there is attention with its own scale, 1."""
    layer = nn.MultiheadAttention(1, 1, bias=False, rng=0)
    x = RNG.normal(size=(4, 2, 1))
    q, k, v = ((x @ p.weight.data).transpose(1, 0, 2) for p in (layer.q_proj, layer.k_proj, layer.v_proj))
    want = F.scaled_dot_product_attention(q, k, v).transpose(1, 0, 2) @ layer.out_proj.weight.data
    np.testing.assert_allclose(layer(x, x, x)[0].data, want, rtol=1e-13)


@pytest.mark.parametrize("as_given", [lambda x: x.tolist(), mg.tensor, "DataFrame"], ids=["list", "Tensor", "frame"])
def test_masks_and_positions_are_given_in_any_form(as_given):
    """Lists, Tensors and labelled data, by position, are the arrays in them."""
    if as_given == "DataFrame":
        pandas = pytest.importorskip("pandas")
        as_given = lambda x: pandas.DataFrame(x, index=range(len(x), 0, -1)) if x.ndim == 2 else pandas.Series(x)
    layer = nn.MultiheadAttention(6, 2, rng=0)
    x, padding = RNG.normal(size=(4, 3, 6)), np.arange(4) > [[3], [1], [2]]
    mask, positions = np.triu(np.ones((4, 4)), 1), np.array([3, 1, 4])
    want, got = layer(x, x, x, padding, attn_mask=mask), layer(x, x, x, as_given(padding), attn_mask=as_given(mask))
    np.testing.assert_array_equal(got[0].data, want[0].data)
    np.testing.assert_array_equal(mg.asarray(attend(Q, Q, Q, as_given(mask))).numpy(), attend(Q, Q, Q, mask))
    turned = F.rotary_embedding(x, as_given(positions))
    np.testing.assert_array_equal(turned, F.rotary_embedding(x, positions))
    y, _ = layer(x.tolist(), x.tolist(), x.tolist(), padding, attn_mask=mask)
    np.testing.assert_array_equal(y.data, want[0].data)


def test_weights_are_given_on_demand():
    """The mean over the heads, those of each head, or None."""
    layer = nn.MultiheadAttention(6, 2, rng=0)
    x = RNG.normal(size=(4, 3, 6))
    _, mean = layer(x, x, x)
    _, each = layer(x, x, x, average_attn_weights=False)
    assert layer(x, x, x, need_weights=False)[1] is None
    assert each.shape == (3, 2, 4, 4)
    np.testing.assert_allclose(mean.data, each.data.mean(axis=1), rtol=1e-15)


def test_layers_drop_in_training_only():
    """Two calls differ, and after eval() they do not; both layers."""
    x = RNG.normal(size=(4, 3, 6))
    attention, encoder = nn.MultiheadAttention(6, 2, dropout=0.5, rng=0), nn.TransformerEncoderLayer(6, 2, 8, rng=0)
    for layer in (lambda x: attention(x, x, x)[0], encoder):
        assert not np.array_equal(layer(x).data, layer(x).data)
    attention.eval()
    encoder.eval()
    for layer in (lambda x: attention(x, x, x)[0], encoder):
        np.testing.assert_array_equal(layer(x).data, layer(x).data)


# Caches

OPTIONS = [{}, {"batch_first": True}, {"rotary_base": 10.0}]


@pytest.mark.parametrize("options", OPTIONS)
def test_a_cache_stands_for_the_sequence_before(options):
    """Piece by piece, with a padded beginning: outputs, weights and gradients are those of the whole sequence."""
    layer = nn.MultiheadAttention(8, 2, bias=False, rng=0, **options)
    axis = 1 if layer.batch_first else 0
    x = np.moveaxis(np.random.default_rng(1).normal(size=(5, 3, 8)), 0, axis)
    padding = np.zeros((3, 5), bool)
    padding[1, :2] = True
    y, weights = layer(x, x, x, padding, is_causal=True)
    cache, outputs = layer.new_cache(3), []
    for piece in (slice(2), slice(2, 4), slice(4, 5)):
        part = np.take(x, range(*piece.indices(5)), axis)
        former = [array.tolist() for array in cache]
        output, last, following = layer(part, part, part, padding[:, : piece.stop], is_causal=True, cache=cache)
        outputs.append(output)
        for array, before in zip(cache, former, strict=True):
            assert array.tolist() == before
        cache = following
    together = np.concatenate(outputs, axis)
    np.testing.assert_allclose(together.data, y.data, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(last.data, weights.data[:, 4:], rtol=1e-12, atol=1e-14)
    gradients = []
    for result in (y, together):
        np.sum(result**2).backward()
        gradients.append([p.grad.data for p in layer.parameters()])
        layer.zero_grad()
    for got, want in zip(gradients[1], gradients[0], strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def test_a_cache_may_have_all_keys():
    """Queries alone look at those of a memory, which is projected once."""
    layer = nn.MultiheadAttention(6, 2, rng=0)
    memory, x = RNG.normal(size=(5, 3, 6)), RNG.normal(size=(4, 3, 6))
    want, _ = layer(x, memory, memory)
    y, weights, cache = layer(x, None, None, need_weights=False, cache=layer.cached(memory, memory))
    assert weights is None
    np.testing.assert_array_equal(y.data, want.data)
    assert [part.shape for part in cache] == [(3, 2, 5, 3)] * 2


def test_caches_go_through_transformations():
    """Tangents, checkpoints and compiled functions of a call with a cache have the values of the call."""
    layer = nn.MultiheadAttention(8, 2, rotary_base=10.0, rng=0).requires_grad_(False)
    x, t = RNG.normal(size=(2, 2, 3, 8))
    cache = layer(x, x, x, cache=layer.new_cache(3))[2]
    cache = tuple(mg.asarray(part).numpy() for part in cache)

    def call(x, cache):
        y, _, cache = layer(x, x, x, is_causal=True, cache=cache)
        return y, cache

    want, following = call(x, cache)
    for function in (mg.checkpoint(call), mg.compile(call), mg.compile(call)):
        for _ in range(2):
            y, new = function(x, cache)
            np.testing.assert_array_equal(mg.asarray(y).numpy(), want.data)
            np.testing.assert_array_equal(mg.asarray(new[1]).numpy(), following[1].data)
    of_cache = lambda cache: np.sum(call(x, cache)[0] ** 2)
    _, slope = mg.jvp(of_cache, (cache,), (tuple(t.reshape(3, 2, 2, 4) for _ in cache),))
    gradient = mg.grad(of_cache)(cache)
    np.testing.assert_allclose(slope, sum(np.sum(g * t.reshape(g.shape)) for g in gradient), rtol=1e-12)


def test_float32_stays_float32_in_a_cache():
    layer = nn.MultiheadAttention(8, 2, rotary_base=10.0, rng=0).astype(np.float32)
    x = np.ones((2, 3, 8), np.float32)
    y, _, cache = layer(x, x, x, cache=layer.new_cache(3))
    assert {y.dtype, cache[0].dtype, cache[1].dtype} == {np.dtype(np.float32)}


X = np.zeros((4, 3, 6))
LAYER = nn.MultiheadAttention(6, 2, rng=0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: F.scaled_dot_product_attention(Q, K[..., :2], V),
            ValueError,
            "takes queries (..., l, e), keys (..., s, e) and values (..., s, v); got shapes (2, 4, 3), (2, 5, 2)",
        ),
        (
            lambda: F.scaled_dot_product_attention(Q, K[:, :4], V),
            ValueError,
            "got shapes (2, 4, 3), (2, 4, 3) and (2, 5, 6)",
        ),
        (lambda: F.scaled_dot_product_attention(Q[0, 0], K, V), ValueError, "got shapes (3,), (2, 5, 3) and (2, 5, 6)"),
        (
            lambda: F.scaled_dot_product_attention(Q, K, V, np.ones((5, 4), bool)),
            ValueError,
            "attn_mask broadcasts to (2, 4, 5), for (..., queries, keys); got an array of shape (5, 4)",
        ),
        (
            lambda: F.scaled_dot_product_attention(Q, K, V, np.ones((1, 1, 1, 1), bool)),
            ValueError,
            "attn_mask broadcasts to (2, 4, 5)",
        ),
        (
            lambda: F.scaled_dot_product_attention(Q, K, V, np.ones((4, 5), int)),
            TypeError,
            "attn_mask is an array of booleans, or of floats to add; got int64. Use mask.astype(bool)",
        ),
        (
            lambda: F.scaled_dot_product_attention(Q, K, V, ALLOWED, is_causal=True),
            ValueError,
            "attention takes is_causal or an attn_mask; got both",
        ),
        (
            lambda: F.scaled_dot_product_attention(Q, K, V, dropout_p=-1),
            ValueError,
            "p is the probability of an element to be dropped, from 0 to 1; got -1",
        ),
        (
            lambda: nn.MultiheadAttention(6, 4),
            ValueError,
            "MultiheadAttention gives each head as many features; got embed_dim=6 for num_heads=4",
        ),
        (lambda: nn.MultiheadAttention(6, 2, dropout=1.5), ValueError, "from 0 to 1; got 1.5"),
        (
            lambda: LAYER(X, X[:2], X),
            ValueError,
            "of shape (queries, n, 6), and keys and values of shape (keys, n, 6); got (4, 3, 6), (2, 3, 6) and (4,",
        ),
        (lambda: LAYER(X, X[:, :2], X[:, :2]), ValueError, "got (4, 3, 6), (4, 2, 6) and (4, 2, 6)"),
        (lambda: LAYER(X, None, None), ValueError, "got (4, 3, 6), None and None"),
        (lambda: LAYER(X, None, X, cache=LAYER.new_cache(3)), ValueError, "got (4, 3, 6), None and (4, 3, 6)"),
        (
            lambda: LAYER(X, X, X, cache=LAYER.new_cache(2)),
            ValueError,
            "a cache of this MultiheadAttention is a pair of arrays of shape (3, 2, keys, 3); got (2, 2, 0, 3) and "
            "(2, 2, 0, 3). Begin with new_cache(3)",
        ),
        (lambda: LAYER(X, X, X, cache=X), ValueError, "keys, 3); got (4, 3, 6). Begin"),
        (lambda: LAYER(X, X, X, cache=(X, X)), ValueError, "keys, 3); got (4, 3, 6) and (4, 3, 6). Begin"),
        (lambda: LAYER.new_cache(-1), ValueError, "the number of sequences in a cache is at least 0; got -1"),
        (lambda: F.causal_lower_right(2.0, 3), TypeError, "the number of queries is an integer; got 2.0"),
        (lambda: F.causal_upper_left(2, -3), ValueError, "the number of keys is at least 0; got -3"),
        (
            lambda: nn.MultiheadAttention(6, 2, rotary_base=10.0),
            ValueError,
            "rotary positions take an even number of features a head; got 3",
        ),
        (lambda: nn.MultiheadAttention(8, 2, rotary_base=0.5), ValueError, "is above 1, such as 10000; got 0.5"),
        (lambda: LAYER(X[0], X, X), ValueError, "got (3, 6), (4, 3, 6) and (4, 3, 6)"),
        (
            lambda: nn.MultiheadAttention(6, 2, batch_first=True)(X[..., :5], X, X),
            ValueError,
            "takes queries of shape (n, queries, 6)",
        ),
        (
            lambda: LAYER(X, X, X, np.zeros((4, 3), bool)),
            ValueError,
            "key_padding_mask has shape (3, 4), for (n, keys); got shape (4, 3)",
        ),
        (lambda: LAYER(X, X, X, np.zeros((3, 4), int)), TypeError, "key_padding_mask is an array of booleans"),
        (
            lambda: LAYER(X, X, X, attn_mask=np.zeros((2, 4, 4), bool)),
            ValueError,
            "has shape (4, 4), for (queries, keys), or (6, 4, 4), with one for each head; got shape (2, 4, 4)",
        ),
        (
            lambda: LAYER(X, X, X, attn_mask=np.zeros((4, 4), int)),
            TypeError,
            "attn_mask is an array of booleans, or of floats to add; got int64",
        ),
    ],
)
def test_misfits_are_refused(call, error, message):
    """With what was wanted and what came."""
    with pytest.raises(error, match=re.escape(message)):
        call()
