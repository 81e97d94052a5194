"""Every layer, loss and function of networks, by its public name: onnxruntime computes what minigrad does."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.onnx import export

from ..combinations.test_layers_dtypes import FUNCTIONS, LAYERS
from .runtime import assert_alike, exported, kinds, results, single

# The axis of the examples of all inputs, or of each, where that is not axis 0.
ATTENTION = ("MultiheadAttention", "Transformer", "TransformerEncoder", "TransformerDecoder")
AXES = dict.fromkeys((*ATTENTION, "TransformerEncoderLayer", "TransformerDecoderLayer", "RNN", "GRU", "LSTM"), 1)
AXES |= {"LSTM of lengths": (1, 1, 1, 0), "RNN of lengths": (1, 1, 0), "GRU of lengths": (1, 1, 0)}
AXES |= {"MultiheadAttention with a cache": (1, 0, 0)}
WEIGHTED = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "prelu")
NORMS = ("batch_norm", "batch_norm known", "layer_norm", "layer_norm of large", "rms_norm", "group_norm")
ONLY_FIRST = (*WEIGHTED, *NORMS, "instance_norm", "instance_norm known", "embedding")
ONLY_FIRST += ("scaled_dot_product_attention with a mask",)
AXES |= {"bilinear": (0, 0, None, None), "scaled_dot_product_attention with a mask": (0, 0, 0, None)}
OF_CLASSES = ("binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy")
AXES |= dict.fromkeys((*OF_CLASSES, "cross_entropy of probabilities"), (0, 0, None))
PATHS = "^path_sums has no counterpart among the operators of ONNX"
DRAWS = "^the module draws random numbers"
REFUSED = {
    "CTCLoss": PATHS,
    "ctc_loss": PATHS,
    "one_hot": "^what is exported keeps to the rules of vmap: one_hot takes",
}
REFUSED |= dict.fromkeys(("dropout", "dropout1d", "dropout2d", "alpha_dropout", "rrelu"), DRAWS)


def axes_of(name, arrays):
    return (0,) + (None,) * (len(arrays) - 1) if name in ONLY_FIRST and name not in AXES else AXES.get(name, 0)


def resized(arrays, axes, size):
    """As many examples, in turn those that there are."""
    axes = axes if isinstance(axes, tuple) else (axes,) * len(arrays)
    return [
        x if axis is None else np.take(x, np.arange(size) % x.shape[axis], axis)
        for x, axis in zip(arrays, axes, strict=True)
    ]


def drawn(arguments, seed):
    rng = np.random.default_rng(seed)
    return single(kind(rng, shape, np.float32) for kind, shape in arguments)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer(tmp_path, name):
    """In eval mode, with statistics that are not the first ones, for other numbers of examples as well."""
    make, arguments = LAYERS[name]
    layer = make().astype(np.float32)
    for _, buffer in layer.named_buffers():
        if buffer.dtype.kind == "f":
            buffer.data[...] = np.random.default_rng(1).uniform(0.5, 2, buffer.shape)
    check(tmp_path, name, layer.eval(), arguments)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function(tmp_path, name):
    """With all of its arrays as inputs, weights as well."""
    function, arguments = FUNCTIONS[name]
    check(tmp_path, name, function, arguments)


def check(tmp_path, name, module, arguments):
    """Of other numbers than those of the example, none of which may be in the graph."""
    arrays, others = drawn(arguments, 0), drawn(arguments, 7)
    names = [f"given_{i}" for i in range(len(arrays))]
    if name in REFUSED:
        with pytest.raises(mg.ExportError, match=REFUSED[name]):
            export(module, tuple(arrays), tmp_path / "model.onnx", dynamic_batch=False, input_names=names)
        return
    axes = axes_of(name, arrays)
    run = exported(tmp_path, module, tuple(arrays), batch_axes=axes, input_names=names)
    for size in (2, 4):
        given = resized(others, axes, size)
        feeds = {x.name: given[names.index(x.name)] for x in run.get_inputs()}
        with mg.no_grad():
            assert_alike(run.run(None, feeds), module(*given), 2e-6)


def encoder():
    """Layers of a transformer, with rotary positions and the norm before."""
    layer = nn.TransformerEncoderLayer(
        8, 2, 16, dropout=0.1, norm_first=True, activation="gelu", batch_first=True, rng=0
    )
    return nn.TransformerEncoder(layer, 2, nn.LayerNorm(8)).astype(np.float32)


@pytest.mark.parametrize("kind", [bool, np.float32])
def test_an_encoder_with_masks(tmp_path, kind):
    """Padding that differs between the examples is an input, of booleans or of numbers that are added."""
    network, rng = encoder(), np.random.default_rng(0)
    x = rng.normal(size=(3, 5, 8)).astype(np.float32)
    causal = np.triu(np.ones((5, 5), bool), 1)
    padding = np.arange(5) >= np.array([[5], [3], [0]])  # the last example is nothing but padding
    padding = padding if kind is bool else np.where(padding, -np.inf, 0).astype(np.float32)

    def forward(x, padding):
        return network(x, mask=causal, src_key_padding_mask=padding)

    network.eval()
    run = exported(tmp_path, forward, (x, padding))
    for n in (1, 3):
        assert_alike(results(run, [x[:n], padding[:n]]), forward(x[:n], padding[:n]), 2e-6)


def test_attention_without_masks_is_one_softmax(tmp_path):
    """So that runtimes can recognise it; a causal mask, which leaves each query a key, is added before."""
    layer = nn.MultiheadAttention(8, 2, batch_first=True, rng=0).astype(np.float32)
    x = np.random.default_rng(0).normal(size=(2, 3, 8)).astype(np.float32)
    run = exported(tmp_path, lambda x: layer(x, x, x, need_weights=False, is_causal=True)[0], x)
    assert kinds(tmp_path / "model.onnx").count("Softmax") == 1
    assert "Exp" not in kinds(tmp_path / "model.onnx")
    assert_alike(results(run, [x]), layer(x, x, x, is_causal=True)[0])
