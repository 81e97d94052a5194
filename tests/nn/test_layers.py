"""All layers: PyTorch's outputs, gradients and running statistics, and flags."""

import numpy as np
import pytest

from minigrad import nn

from .make_reference import LAYERS
from .reference import CLOSE, Reference, check
from .test_layers_reference import check_way_back

REFERENCE = Reference("layers")


@pytest.mark.parametrize("key", LAYERS)
def test_layers_agree_with_pytorch(key):
    """Outputs in training and evaluation, gradients of input and parameters, and the state after, to 1e-10."""
    name, args, options, _ = LAYERS[key]
    layer = getattr(nn, name)(*args, **options)
    layer.load_state_dict(layer.from_torch(REFERENCE.below(f"{key}/before/")))
    check_way_back(layer, REFERENCE.below(f"{key}/before/"))
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


FLAGS = [
    ("Linear", (2, 4), "bias"),
    ("Bilinear", (2, 3, 4), "bias"),
    ("Conv1d", (2, 4, 3), "bias"),
    ("ConvTranspose2d", (2, 4, 3), "bias"),
    ("RNN", (2, 4), "bias"),
    ("LSTM", (2, 4), "bias"),
    ("LSTMCell", (2, 4), "bias"),
    ("GRU", (2, 4), "batch_first"),
    ("GRU", (2, 4), "bidirectional"),
    ("MultiheadAttention", (4, 2), "bias"),
    ("MultiheadAttention", (4, 2), "batch_first"),
    ("TransformerEncoderLayer", (4, 2, 8), "bias"),
    ("TransformerEncoderLayer", (4, 2, 8), "batch_first"),
    ("TransformerEncoderLayer", (4, 2, 8), "norm_first"),
    ("TransformerDecoderLayer", (4, 2, 8), "batch_first"),
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
