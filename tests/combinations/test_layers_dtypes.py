"""Every layer and loss, of arrays of every dtype and layout: values and slopes of double precision, or a refusal."""

from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.core.tree import leaves
from minigrad.nn import functional as F

from .numeric import plain, read_only

INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8]
FLOATS = [np.float16, np.float32, np.float64]
DTYPES = [np.bool_, *INTEGERS, *FLOATS]
# Of the largest number: a result is rounded a few times, and a sum of products in float16 as often as it has terms.
TOLERANCES = {np.float16: 1e-2, np.float32: 2e-5, np.float64: 1e-12}


def backwards(a):
    there = (slice(None, None, -1),) * a.ndim
    return a[there].copy()[there]


LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "every other": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "backwards": backwards,
    "read-only": read_only,
}


# What arguments are made of, by a generator, a shape and a dtype; a kind that a dtype has no numbers of takes another


def wide(rng, shape, dtype):
    """All that 8 bits hold, and of other dtypes as much."""
    if dtype in FLOATS:
        return (40 * rng.normal(size=shape)).astype(dtype)
    low, high = {np.bool_: (0, 2), np.uint8: (0, 256)}.get(dtype, (-128, 128))
    return rng.integers(low, high, shape).astype(dtype)


def near(rng, shape, dtype):
    """Numbers around 0 or 1: what exp and products of many do not leave the range of float16 with."""
    return (rng.normal(size=shape) if dtype in FLOATS else rng.integers(0, 3, shape)).astype(dtype)


def bits(rng, shape, dtype):
    return (rng.uniform(size=shape) if dtype in FLOATS else rng.integers(0, 2, shape)).astype(dtype)


def signs(rng, shape, dtype):
    return rng.choice([-1, 1], shape).astype(int if dtype in (np.bool_, np.uint8) else dtype)


def whole_signs(rng, shape, dtype):
    return signs(rng, shape, dtype if dtype in INTEGERS else int)


def labels(rng, shape, dtype):
    return rng.integers(0, 3, shape).astype(dtype if dtype in INTEGERS else int)


def counts(rng, shape, dtype):
    return rng.integers(1, 5, shape).astype(dtype if dtype in INTEGERS else int)


def positive(rng, shape, dtype):
    return rng.uniform(0.5, 2, size=shape).astype(dtype if dtype in FLOATS else float)


class Pair(nn.Module):
    """An LSTM or its cell, with its two states as arguments."""

    def __init__(self, lstm):
        self.lstm = lstm

    def forward(self, x, h, c, *others):
        return self.lstm(x, (h, c), *others)


class Chained(nn.Module):
    """Modules in a container, one after the other."""

    def __init__(self, parts):
        self.parts = parts

    def forward(self, x):
        for part in self.parts:
            x = (self.parts[part] if isinstance(part, str) else part)(x)
        return x


class Transcribed(nn.Module):
    """A loss of two sequences of labels, by their lengths."""

    def __init__(self, loss):
        self.loss = loss

    def forward(self, x, labels):
        return self.loss(x, labels + 1, [6, 4], [2, 1])


class Cached(nn.Module):
    """Attention with rotary positions, and its cache as two arguments."""

    def __init__(self):
        self.attention = nn.MultiheadAttention(4, 2, rotary_base=100.0, rng=0)

    def forward(self, x, k, v):
        return self.attention(x, x, x, is_causal=True, cache=(k, v))


def encoder():
    return nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, rng=0)


def decoder():
    return nn.TransformerDecoderLayer(4, 2, 8, dropout=0.0, norm_first=True, rng=0)


class PutBack(nn.Module):
    """A layer that takes indices, with the same for each channel."""

    def __init__(self, layer, indices):
        self.layer, self.indices = layer, indices

    def forward(self, x):
        return self.layer(x, np.broadcast_to(self.indices, x.shape))


def put_back(function, x, indices):
    return function(x, np.broadcast_to(indices, x.shape), 2)


# What is called, and with what: arguments of a kind and a shape

IMAGES, SEQUENCES, STATE = (wide, (2, 4, 5, 3)), (near, (5, 2, 3)), (near, (1, 2, 4))
NARROW, LENGTHS = (near, (1, 2, 2)), (counts, (2,))
ROWS, TOKENS, WEIGHTS = (wide, (7, 4)), (near, (5, 2, 4)), [1.0, 2.0, 0.5, 3.0]
SIGNALS, VOLUMES = (wide, (2, 4, 6)), (wide, (2, 2, 3, 4, 3))
PAIR, SCORES = [ROWS, ROWS], [(wide, (7, 4)), (bits, (7, 4))]
LABELS = [ROWS, (labels, (7,))]
NEAR_PAIR, SIGNS = [(near, (7, 4)), (near, (7, 4))], (signs, (7, 4))

LAYERS = {
    "Linear": (lambda: nn.Linear(4, 3, rng=0), [ROWS]),
    "Bilinear": (lambda: nn.Bilinear(4, 3, 2, rng=0), [(near, (5, 4)), (near, (5, 3))]),
    "Conv1d": (lambda: nn.Conv1d(4, 2, 3, padding=1, groups=2, rng=0), [SIGNALS]),
    "Conv2d": (lambda: nn.Conv2d(4, 2, 3, stride=2, padding=1, padding_mode="reflect", rng=0), [IMAGES]),
    "Conv3d": (lambda: nn.Conv3d(2, 3, 2, stride=(2, 1, 1), padding=1, padding_mode="replicate", rng=0), [VOLUMES]),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(4, 2, 3, stride=2, output_padding=1, rng=0), [SIGNALS]),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(2, 4, 2, padding=1, groups=2, rng=0), [VOLUMES]),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 2, 3, stride=2, output_padding=1, rng=0), [IMAGES]),
    "Upsample": (lambda: nn.Upsample((7, 2), mode="bilinear"), [IMAGES]),
    "Upsample of the nearest": (lambda: nn.Upsample(scale_factor=1.5), [IMAGES]),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), [IMAGES]),
    "PixelUnshuffle": (lambda: nn.PixelUnshuffle(3), [(wide, (2, 2, 6, 3))]),
    "Unfold": (lambda: nn.Unfold(2, padding=1), [IMAGES]),
    "Fold": (lambda: nn.Fold((3, 4), 2, stride=(1, 2)), [(wide, (2, 8, 4))]),
    "MaxPool1d": (lambda: nn.MaxPool1d(2, ceil_mode=True), [SIGNALS]),
    "MaxPool2d": (lambda: nn.MaxPool2d(2, padding=1), [IMAGES]),
    "MaxPool3d": (lambda: nn.MaxPool3d((1, 2, 2), return_indices=True), [VOLUMES]),
    "MaxUnpool1d": (lambda: PutBack(nn.MaxUnpool1d(2), np.arange(6) * 2), [SIGNALS]),
    "MaxUnpool2d": (lambda: PutBack(nn.MaxUnpool2d(2), 4 * np.arange(15).reshape(5, 3)), [IMAGES]),
    "MaxUnpool3d": (lambda: PutBack(nn.MaxUnpool3d(1), np.arange(36)[::-1].reshape(3, 4, 3)), [VOLUMES]),
    "AvgPool1d": (lambda: nn.AvgPool1d(4, ceil_mode=True), [SIGNALS]),
    "AvgPool2d": (lambda: nn.AvgPool2d(2, padding=1, count_include_pad=False), [IMAGES]),
    "AvgPool3d": (lambda: nn.AvgPool3d(2, divisor_override=3), [VOLUMES]),
    "AdaptiveMaxPool1d": (lambda: nn.AdaptiveMaxPool1d(4), [SIGNALS]),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d((3, None), return_indices=True), [IMAGES]),
    "AdaptiveMaxPool3d": (lambda: nn.AdaptiveMaxPool3d(1), [VOLUMES]),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(4), [SIGNALS]),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d(1), [IMAGES]),
    "AdaptiveAvgPool3d": (lambda: nn.AdaptiveAvgPool3d((2, 3, 2)), [VOLUMES]),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(4), [ROWS]),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(4, momentum=None), [IMAGES]),
    "BatchNorm3d": (lambda: nn.BatchNorm3d(2, track_running_stats=False), [VOLUMES]),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(4), [SIGNALS]),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(4, affine=True, track_running_stats=True), [IMAGES]),
    "InstanceNorm3d": (lambda: nn.InstanceNorm3d(2, affine=True), [VOLUMES]),
    "LayerNorm": (lambda: nn.LayerNorm((5, 3)), [IMAGES]),
    "RMSNorm": (lambda: nn.RMSNorm(4, eps=1e-5), [ROWS]),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), [IMAGES]),
    "Dropout": (lambda: nn.Dropout(0.4, rng=0), [IMAGES]),
    "Embedding": (lambda: nn.Embedding(3, 2, padding_idx=1, rng=0), [(labels, (2, 3))]),
    "Flatten": (nn.Flatten, [IMAGES]),
    "RNN": (lambda: nn.RNN(3, 4, rng=0), [SEQUENCES, STATE]),
    "GRU": (lambda: nn.GRU(3, 4, rng=0), [SEQUENCES, STATE]),
    "LSTM": (lambda: Pair(nn.LSTM(3, 4, rng=0)), [SEQUENCES, STATE, STATE]),
    "LSTM of lengths": (lambda: Pair(nn.LSTM(3, 4, proj_size=2, rng=0)), [SEQUENCES, NARROW, STATE, LENGTHS]),
    "RNN of lengths": (lambda: nn.RNN(3, 4, rng=0), [SEQUENCES, STATE, LENGTHS]),
    "GRU of lengths": (lambda: nn.GRU(3, 4, rng=0), [SEQUENCES, STATE, LENGTHS]),
    "RNNCell": (lambda: nn.RNNCell(3, 4, rng=0), [(near, (2, 3)), (near, (2, 4))]),
    "GRUCell": (lambda: nn.GRUCell(3, 4, rng=0), [(near, (2, 3)), (near, (2, 4))]),
    "LSTMCell": (lambda: Pair(nn.LSTMCell(3, 4, rng=0)), [(near, (2, 3)), (near, (2, 4)), (near, (2, 4))]),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(4, 2, rng=0), [TOKENS] * 3),
    "MultiheadAttention with a cache": (Cached, [TOKENS, (near, (2, 2, 3, 2)), (near, (2, 2, 3, 2))]),
    "TransformerEncoder": (lambda: nn.TransformerEncoder(encoder(), 2, nn.LayerNorm(4)), [TOKENS]),
    "TransformerDecoder": (lambda: nn.TransformerDecoder(decoder(), 2), [TOKENS, (near, (3, 2, 4))]),
    "Transformer": (lambda: nn.Transformer(4, 2, 1, 1, 8, 0.0, rng=0), [TOKENS, (near, (3, 2, 4))]),
    "TransformerDecoderLayer": (lambda: decoder(), [TOKENS, (near, (3, 2, 4))]),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, rng=0), [TOKENS]),
    "Sequential": (lambda: nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 3, rng=0)), [ROWS]),
    "MSELoss": (nn.MSELoss, PAIR),
    "L1Loss": (nn.L1Loss, PAIR),
    "HuberLoss": (nn.HuberLoss, PAIR),
    "SmoothL1Loss": (lambda: nn.SmoothL1Loss(2.0), PAIR),
    "HingeLoss": (nn.HingeLoss, [ROWS, (signs, (7, 4))]),
    "BCELoss": (lambda: nn.BCELoss(WEIGHTS), [(bits, (7, 4))] * 2),
    "BCEWithLogitsLoss": (lambda: nn.BCEWithLogitsLoss(WEIGHTS, pos_weight=WEIGHTS), SCORES),
    "KLDivLoss": (nn.KLDivLoss, SCORES),
    "CrossEntropyLoss": (lambda: nn.CrossEntropyLoss(WEIGHTS, label_smoothing=0.1), LABELS),
    "MarginRankingLoss": (nn.MarginRankingLoss, [*PAIR, SIGNS]),
    "CosineEmbeddingLoss": (nn.CosineEmbeddingLoss, [*NEAR_PAIR, (whole_signs, (7,))]),
    "TripletMarginLoss": (lambda: nn.TripletMarginLoss(30.0), [ROWS] * 3),
    "MultiMarginLoss": (lambda: nn.MultiMarginLoss(weight=WEIGHTS), LABELS),
    "MultiLabelMarginLoss": (nn.MultiLabelMarginLoss, [ROWS, (labels, (7, 4))]),
    "GaussianNLLLoss": (lambda: nn.GaussianNLLLoss(full=True), [*NEAR_PAIR, (positive, (7, 4))]),
    "PoissonNLLLoss": (lambda: nn.PoissonNLLLoss(full=True), [(bits, (7, 4)), (positive, (7, 4))]),
    "SigmoidFocalLoss": (nn.SigmoidFocalLoss, SCORES),
    "CTCLoss": (lambda: Transcribed(nn.CTCLoss()), [(near, (6, 2, 4)), (labels, (2, 2))]),
    "PairwiseDistance": (nn.PairwiseDistance, NEAR_PAIR),
    "CosineSimilarity": (nn.CosineSimilarity, NEAR_PAIR),
    "NLLLoss": (lambda: nn.NLLLoss(WEIGHTS, ignore_index=1), [ROWS, (labels, (7,))]),
} | {name: (getattr(nn, name), [ROWS]) for name in ("ELU", "GELU", "SELU", "LeakyReLU", "LogSigmoid", "LogSoftmax")}
LAYERS |= {name: (getattr(nn, name), [ROWS]) for name in ("ReLU", "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh")}

VECTOR, VARIANCE, KERNEL = (near, (4,)), (positive, (4,)), (near, (4, 2, 2, 3))
FUNCTIONS = {
    "linear": (F.linear, [ROWS, (near, (4, 3)), (wide, (3,))]),
    "bilinear": (F.bilinear, [(wide, (5, 4)), (near, (5, 3)), (near, (4, 3, 2)), (wide, (2,))]),
    "conv1d": (F.conv1d, [SIGNALS, (near, (2, 4, 3)), (wide, (2,))]),
    "conv3d": (F.conv3d, [VOLUMES, (near, (3, 2, 2, 2, 1)), (wide, (3,))]),
    "conv_transpose1d": (F.conv_transpose1d, [SIGNALS, (near, (4, 2, 3)), (wide, (2,))]),
    "conv_transpose3d": (F.conv_transpose3d, [VOLUMES, (near, (2, 2, 2, 2, 1)), (wide, (2,))]),
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b, padding="same", groups=2), [IMAGES, KERNEL, VECTOR]),
    "conv_transpose2d": (
        lambda x, w, b: F.conv_transpose2d(x, w, b, dilation=2, output_padding=1, groups=2),
        [IMAGES, KERNEL, VECTOR],
    ),
    "interpolate": (lambda x: F.interpolate(x, (7, 2), mode="bicubic", antialias=True), [IMAGES]),
    "interpolate the nearest": (lambda x: F.interpolate(x, (7, 2), mode="nearest-exact"), [IMAGES]),
    "interpolate means": (lambda x: F.interpolate(x, (2, 3), mode="area"), [IMAGES]),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(x, 2), [IMAGES]),
    "pixel_unshuffle": (lambda x: F.pixel_unshuffle(x, 3), [(wide, (2, 2, 6, 3))]),
    "unfold": (lambda x: F.unfold(x, 2, stride=2), [IMAGES]),
    "fold": (lambda x: F.fold(x, (3, 4), 2), [(wide, (2, 8, 6))]),
    "max_pool1d": (lambda x: F.max_pool1d(x, 3, 2), [SIGNALS]),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2, 1), [IMAGES]),
    "max_pool3d": (lambda x: F.max_pool3d(x, 2, 1), [VOLUMES]),
    "max_unpool1d": (lambda x: put_back(F.max_unpool1d, x, np.arange(6) * 2), [SIGNALS]),
    "max_unpool2d": (lambda x: put_back(F.max_unpool2d, x, 4 * np.arange(15).reshape(5, 3)), [IMAGES]),
    "max_unpool3d": (lambda x: put_back(F.max_unpool3d, x, 8 * np.arange(36).reshape(3, 4, 3)), [VOLUMES]),
    "avg_pool1d": (lambda x: F.avg_pool1d(x, 3, 2), [SIGNALS]),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 2, 1), [IMAGES]),
    "avg_pool3d": (lambda x: F.avg_pool3d(x, 2, 1), [VOLUMES]),
    "adaptive_max_pool1d": (lambda x: F.adaptive_max_pool1d(x, 3), [SIGNALS]),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x, 2), [IMAGES]),
    "adaptive_max_pool3d": (lambda x: F.adaptive_max_pool3d(x, 2), [VOLUMES]),
    "adaptive_avg_pool1d": (lambda x: F.adaptive_avg_pool1d(x, 3), [SIGNALS]),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, 2), [IMAGES]),
    "adaptive_avg_pool3d": (lambda x: F.adaptive_avg_pool3d(x, 2), [VOLUMES]),
    "batch_norm": (lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), [IMAGES, VECTOR, VECTOR]),
    "batch_norm known": (F.batch_norm, [IMAGES, VARIANCE, VARIANCE, VECTOR, VECTOR]),
    "layer_norm": (F.layer_norm, [ROWS, VECTOR, VECTOR]),
    "layer_norm of large": (F.layer_norm, [(wide, (200, 100)), (near, (100,)), (near, (100,))]),
    "rms_norm": (lambda x, w: F.rms_norm(x, w, 1e-5), [ROWS, VECTOR]),
    "group_norm": (lambda x, w, b: F.group_norm(x, 2, w, b), [IMAGES, VECTOR, VECTOR]),
    "instance_norm": (lambda x, w, b: F.instance_norm(x, None, None, w, b), [IMAGES, VECTOR, VECTOR]),
    "instance_norm known": (
        lambda *a: F.instance_norm(*a, use_input_stats=False),
        [IMAGES, VARIANCE, VARIANCE, VECTOR, VECTOR],
    ),
    "dropout": (lambda x: F.dropout(x, 0.4, rng=0), [IMAGES]),
    "embedding": (F.embedding, [(labels, (2, 3)), (wide, (3, 4))]),
    "scaled_dot_product_attention": (F.scaled_dot_product_attention, [TOKENS, TOKENS, (wide, (5, 2, 4))]),
    "scaled_dot_product_attention with a mask": (F.scaled_dot_product_attention, [TOKENS] * 3 + [(positive, (2, 2))]),
    "rotary_embedding": (F.rotary_embedding, [TOKENS]),
    "rotary_embedding at positions": (lambda x, p: F.rotary_embedding(x, p, 10, True), [TOKENS, (labels, (5, 1))]),
    "mse_loss": (F.mse_loss, PAIR),
    "l1_loss": (F.l1_loss, PAIR),
    "huber_loss": (F.huber_loss, PAIR),
    "smooth_l1_loss": (F.smooth_l1_loss, PAIR),
    "hinge_loss": (F.hinge_loss, [ROWS, (signs, (7, 4))]),
    "binary_cross_entropy": (F.binary_cross_entropy, [(bits, (7, 4)), (bits, (7, 4)), VARIANCE]),
    "binary_cross_entropy_with_logits": (F.binary_cross_entropy_with_logits, [*SCORES, VARIANCE]),
    "kl_div": (F.kl_div, SCORES),
    "kl_div of logarithms": (lambda x, t: F.kl_div(x, t, log_target=True), [(near, (7, 4))] * 2),
    "cross_entropy": (F.cross_entropy, [*LABELS, VARIANCE]),
    "cross_entropy of probabilities": (F.cross_entropy, [ROWS, (positive, (7, 4)), VARIANCE]),
    "nll_loss": (F.nll_loss, LABELS),
    "margin_ranking_loss": (F.margin_ranking_loss, [*PAIR, SIGNS]),
    "cosine_embedding_loss": (F.cosine_embedding_loss, [*NEAR_PAIR, (whole_signs, (7,))]),
    "triplet_margin_loss": (lambda x, y, z: F.triplet_margin_loss(x, y, z, 30.0), [ROWS] * 3),
    "multi_margin_loss": (F.multi_margin_loss, LABELS),
    "multilabel_margin_loss": (F.multilabel_margin_loss, [ROWS, (labels, (7, 4))]),
    "gaussian_nll_loss": (F.gaussian_nll_loss, [*NEAR_PAIR, (positive, (7, 1))]),
    "poisson_nll_loss": (lambda x, t: F.poisson_nll_loss(x, t, False), [(positive, (7, 4)), (bits, (7, 4))]),
    "sigmoid_focal_loss": (F.sigmoid_focal_loss, SCORES),
    "ctc_loss": (lambda x, t: F.ctc_loss(x, t + 1, [6, 4], [2, 1], 0), [(near, (6, 2, 4)), (labels, (2, 2))]),
    "pairwise_distance": (F.pairwise_distance, NEAR_PAIR),
    "cosine_similarity": (F.cosine_similarity, NEAR_PAIR),
    "normalize": (F.normalize, [(near, (7, 4))]),
    "gelu": (F.gelu, [ROWS]),
    "gelu by tanh": (lambda x: F.gelu(x, "tanh"), [(near, (7, 4))]),
    "softplus": (lambda x: F.softplus(x, 2), [ROWS]),
    "leaky_relu": (lambda x: F.leaky_relu(x, 2), [ROWS]),
} | {
    name: (getattr(F, name), [ROWS])
    for name in (*("elu", "log_sigmoid", "log_softmax", "relu", "selu", "sigmoid", "silu", "softmax", "tanh"),)
}
MASKS = {"causal_lower_right", "causal_upper_left"}  # of no arrays
PIECES = ("Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "PReLU", "ReLU6", "Softshrink", "Tanhshrink")
SMOOTH = ("CELU", "GLU", "Mish", "Softmin", "Softsign")
LAYERS |= {name: (getattr(nn, name), [ROWS]) for name in (*PIECES, *SMOOTH, "Identity")}
LAYERS |= {
    "Threshold": (lambda: nn.Threshold(0.5, -2.0), [ROWS]),
    "RReLU": (lambda: nn.RReLU(rng=0), [ROWS]),
    "Softmax2d": (nn.Softmax2d, [(near, (2, 4, 5, 3))]),
    "Dropout1d": (lambda: nn.Dropout1d(0.4, rng=0), [(wide, (2, 4, 6))]),
    "Dropout2d": (lambda: nn.Dropout2d(0.4, rng=0), [IMAGES]),
    "AlphaDropout": (lambda: nn.AlphaDropout(0.4, rng=0), [IMAGES]),
    "ModuleList": (lambda: Chained(nn.ModuleList([nn.Linear(4, 4, rng=0), nn.Tanh()])), [ROWS]),
    "ModuleDict": (lambda: Chained(nn.ModuleDict({"a": nn.Linear(4, 4, rng=0), "b": nn.Tanh()})), [ROWS]),
}
FUNCTIONS |= {name.lower(): (getattr(F, name.lower()), [ROWS]) for name in (*PIECES, *SMOOTH) if name != "PReLU"}
FUNCTIONS |= {
    "pad": (lambda x: F.pad(x, (1, -1, 0, 2), "replicate"), [IMAGES]),
    "one_hot": (F.one_hot, [(labels, (7,))]),
    "prelu": (F.prelu, [ROWS, VARIANCE]),
    "threshold": (lambda x: F.threshold(x, 0.5, -2.0), [ROWS]),
    "rrelu": (lambda x: F.rrelu(x, training=True, rng=0), [ROWS]),
    "dropout1d": (lambda x: F.dropout1d(x, 0.4, rng=0), [(wide, (2, 4, 6))]),
    "dropout2d": (lambda x: F.dropout2d(x, 0.4, rng=0), [IMAGES]),
    "alpha_dropout": (lambda x: F.alpha_dropout(x, 0.4, rng=0), [IMAGES]),
}
OTHERS = {
    "Module",
    "Parameter",
    "Buffer",
    "functional",
    "functional_call",
    "init",
    "parametrizations",
    "summary",
}  # neither layers nor losses


@pytest.mark.parametrize(("subjects", "room", "others"), [(LAYERS, nn, OTHERS), (FUNCTIONS, F, MASKS)])
def test_every_public_name_is_here(subjects, room, others):
    """A layer, loss or function that is new has to be added to this file."""
    assert {name.split()[0] for name in subjects} | others == set(room.__all__)


@pytest.mark.parametrize("name", LAYERS)
@settings(max_examples=12)
@given(data=st.data())
def test_a_layer_of_any_dtype_and_layout(name, data):
    """Outputs, gradients and running statistics are those of the same layer in double precision."""
    make, arguments = LAYERS[name]
    precision = data.draw(st.sampled_from(FLOATS))
    layer = make().astype(precision)
    exact = deepcopy(layer).astype(float)
    check(name, layer, exact, precision, arguments, data)
    for (key, buffer), (_, wanted) in zip(layer.named_buffers(), exact.named_buffers(), strict=True):
        assert_near(buffer.data, wanted.data, TOLERANCES[np.float16], key)


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=12)
@given(data=st.data())
def test_a_function_of_any_dtype_and_layout(name, data):
    """Values and gradients are those of float64, each argument being of a dtype of its own."""
    function, arguments = FUNCTIONS[name]
    check(name, function, function, np.float64, arguments, data)


def check(name, function, exact, precision, arguments, data):
    """Hold a function of arrays that are drawn against the `exact` one of the same numbers in double precision."""
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    dtypes = data.draw(st.lists(st.sampled_from(DTYPES), min_size=len(arguments), max_size=len(arguments)))
    numbers = [kind(rng, shape, dtype) for (kind, shape), dtype in zip(arguments, dtypes, strict=True)]
    inputs = [data.draw(st.sampled_from(list(LAYOUTS.values())))(a) for a in numbers]
    tensors, wanted = [], []
    for a, x, (kind, _) in zip(numbers, inputs, arguments, strict=True):
        learns = a.dtype.kind == "f" and kind is not positive
        tensors.append(leaf(x, learns))
        wanted.append(leaf(double(name, a, kind), learns))
    if ("MaxPool" in name or "max_pool" in name) and tensors[0].dtype.kind != "f":
        with pytest.raises(TypeError, match="max_pool.d takes floating numbers"):
            function(*tensors)
        return
    compare(name, function(*tensors), exact(*wanted), tensors, wanted, precision)
    for a, x in zip(numbers, inputs, strict=True):
        np.testing.assert_array_equal(a, x)


# What puts numbers in other places, and keeps their dtype
MOVERS = {
    *(
        "Flatten",
        "Identity",
        "one_hot",
        "pad",
        "embedding",
        "PixelShuffle",
        "PixelUnshuffle",
        "Unfold",
        "Upsample of the nearest",
    ),
    *(f"{name}{n}d" for name in ("MaxUnpool", "max_unpool") for n in (1, 2, 3)),
    *("pixel_shuffle", "pixel_unshuffle", "unfold", "interpolate the nearest"),
}


def leaf(a, learns):
    """A Tensor in the very memory of an array."""
    x = mg.asarray(a)
    x.requires_grad = learns
    return x


def double(name, a, kind):
    """The numbers in double precision; dropout draws for single precision in that."""
    if kind in (labels, counts) or ("ropout" in name and a.dtype == np.float32):
        return a.copy()
    return a.astype(float)


def compare(name, results, exact, tensors, wanted, precision):
    """Hold results, and gradients of the first of them, against exact ones."""
    floats = [x.dtype.type for x in tensors if x.dtype.kind == "f"]
    coarsest = min([precision, *floats], key=FLOATS.index)
    for y, want in zip(leaves(results), leaves(exact), strict=True):
        assert y.dtype.kind == "f" or name in MOVERS or y.dtype == np.int64  # or positions
        assert_near(plain(y), plain(want), TOLERANCES[coarsest], name)
    y, want = leaves(results)[0], leaves(exact)[0]
    if not y.requires_grad:
        return
    g = np.random.default_rng(0).normal(size=y.shape)
    y.backward(g.astype(y.dtype))
    want.backward(g)
    for x, w in zip(tensors, wanted, strict=True):
        if x.requires_grad:
            assert x.grad.dtype == x.dtype
            assert_near(plain(x.grad), plain(w.grad), TOLERANCES[coarsest], f"gradient of {name}")


def assert_near(got, want, tolerance, name):
    """Equal, to a part of the largest number there is."""
    scale = np.max(np.abs(want), initial=0.2)
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * scale, err_msg=name)
