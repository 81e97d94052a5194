"""Training steps of every layer and loss, compiled: the bits of the uncompiled ones, and the same refusals."""

from copy import deepcopy

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F

CLASSES = np.array([0, 2, 1, 2])


class Recalling(nn.Module):
    """A decoder whose memory is its sequence."""

    def __init__(self, decoder):
        self.decoder = decoder

    def forward(self, x):
        return self.decoder(x, x, tgt_is_causal=True)


LAYERS = {
    "linear": (lambda: nn.Linear(3, 2, rng=0), (4, 3)),
    "linear of a stack": (lambda: nn.Linear(3, 2, rng=0), (2, 4, 3)),
    "without bias": (lambda: nn.Linear(3, 2, bias=False, rng=0), (4, 3)),
    "conv1d": (lambda: nn.Conv1d(2, 4, 3, padding=1, rng=0), (2, 2, 5)),
    "conv2d": (lambda: nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2, rng=0), (2, 2, 6, 6)),
    "reflected frame": (lambda: nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect", rng=0), (2, 2, 4, 5)),
    "conv_transpose": (lambda: nn.ConvTranspose2d(2, 3, 3, stride=2, rng=0), (2, 2, 3, 3)),
    "conv3d": (lambda: nn.Conv3d(2, 3, 2, padding=1, rng=0), (2, 2, 3, 3, 3)),
    "conv_transpose1d": (lambda: nn.ConvTranspose1d(2, 4, 3, stride=2, groups=2, rng=0), (2, 2, 3)),
    "upsample": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.Upsample(scale_factor=2)), (2, 1, 5, 5)),
    "bilinear": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.Upsample((5, 2), mode="bilinear")),
        (2, 1, 5, 5),
    ),
    "pixel_shuffle": (lambda: nn.Sequential(nn.Conv2d(1, 4, 3, rng=0), nn.PixelShuffle(2)), (2, 1, 5, 5)),
    "unfold and fold": (
        lambda: nn.Sequential(nn.Conv2d(1, 4, 3, rng=0), nn.Unfold(2), nn.GELU(), nn.Fold((3, 3), 2)),
        (2, 1, 5, 5),
    ),
    "max_pool": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.MaxPool2d(2)), (2, 1, 6, 6)),
    "max_pool1d": (lambda: nn.Sequential(nn.Conv1d(1, 2, 3, rng=0), nn.MaxPool1d(3, 2, 1, ceil_mode=True)), (2, 1, 8)),
    "avg_pool over the end": (
        lambda: nn.Sequential(nn.Conv1d(1, 2, 3, rng=0), nn.AvgPool1d(4, 3, 1, ceil_mode=True)),
        (2, 1, 9),
    ),
    "adaptive_max_pool": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.AdaptiveMaxPool2d((2, 3))),
        (2, 1, 7, 7),
    ),
    "adaptive_avg_pool": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.AdaptiveAvgPool2d((2, 3))),
        (2, 1, 7, 7),
    ),
    "global_avg_pool": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.AdaptiveAvgPool2d(1)), (2, 1, 7, 7)),
    "avg_pool": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.AvgPool2d(2), nn.Flatten()), (2, 1, 6, 6)),
    "batch_norm": (lambda: nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4)), (5, 3)),
    "batch_norm of all batches": (
        lambda: nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4, momentum=None)),
        (5, 3),
    ),
    "batch_norm2d": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.BatchNorm2d(2)), (2, 1, 5, 5)),
    "batch_norm without statistics": (
        lambda: nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4, track_running_stats=False)),
        (5, 3),
    ),
    "instance_norm": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.InstanceNorm2d(2, affine=True, track_running_stats=True)),
        (2, 1, 5, 5),
    ),
    "layer_norm": (lambda: nn.Sequential(nn.Linear(3, 4, rng=0), nn.LayerNorm(4)), (5, 3)),
    "group_norm": (lambda: nn.Sequential(nn.Conv2d(1, 4, 3, rng=0), nn.GroupNorm(2, 4)), (2, 1, 5, 5)),
    "rms_norm": (lambda: nn.Sequential(nn.Linear(3, 4, rng=0), nn.RMSNorm(4)), (5, 3)),
    "dropout": (lambda: nn.Sequential(nn.Linear(3, 4, rng=0), nn.Dropout(0.4, rng=1)), (5, 3)),
    "dropout of channels": (
        lambda: nn.Sequential(nn.Conv2d(1, 4, 3, rng=0), nn.Dropout2d(0.4, rng=1), nn.Flatten(2), nn.Dropout1d(rng=2)),
        (2, 1, 6, 6),
    ),
    "all dropped": (lambda: nn.Sequential(nn.Linear(3, 4, rng=0), nn.Dropout(1.0, rng=1)), (5, 3)),
    "rnn": (lambda: nn.RNN(3, 4, num_layers=2, rng=0), (5, 2, 3)),
    "gru": (lambda: nn.GRU(3, 4, bidirectional=True, rng=0), (5, 2, 3)),
    "lstm": (lambda: nn.LSTM(3, 4, num_layers=2, dropout=0.5, rng=0), (5, 2, 3)),
    "lstm with a projection": (lambda: nn.LSTM(3, 4, bidirectional=True, proj_size=2, rng=0), (5, 2, 3)),
    "rnn cell": (lambda: nn.RNNCell(3, 4, rng=0), (2, 3)),
    "gru cell": (lambda: nn.GRUCell(3, 4, rng=0), (2, 3)),
    "lstm cell": (lambda: nn.LSTMCell(3, 4, rng=0), (2, 3)),
    "encoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, rotary_base=9.0, rng=0), 2),
        (2, 5, 4),
    ),
    "decoder": (lambda: Recalling(nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8, rng=0), 2)), (2, 5, 4)),
    "transformer": (lambda: nn.TransformerEncoderLayer(4, 2, 8, dropout=0.1, rng=0), (2, 5, 4)),
} | {
    name: (lambda activation=activation: nn.Sequential(nn.Linear(3, 4, rng=0), activation), (5, 3))
    for name, activation in {
        "relu": nn.ReLU(),
        "prelu": nn.PReLU(4),
        "rrelu": nn.RReLU(rng=1),
        "hardtanh": nn.Hardtanh(),
        "hardswish": nn.Hardswish(),
        "hardshrink": nn.Hardshrink(),
        "softshrink": nn.Softshrink(),
        "tanhshrink": nn.Tanhshrink(),
        "threshold": nn.Threshold(0.1, 0.2),
        "mish": nn.Mish(),
        "celu": nn.CELU(0.7),
        "glu": nn.GLU(),
        "softsign": nn.Softsign(),
        "softmin": nn.Softmin(),
        "alpha dropout": nn.AlphaDropout(0.3, rng=1),
        "leaky_relu": nn.LeakyReLU(),
        "elu": nn.ELU(),
        "selu": nn.SELU(),
        "gelu": nn.GELU(),
        "gelu by tanh": nn.GELU("tanh"),
        "silu": nn.SiLU(),
        "softplus": nn.Softplus(),
        "sigmoid": nn.Sigmoid(),
        "tanh": nn.Tanh(),
        "softmax": nn.Softmax(),
        "log_softmax": nn.LogSoftmax(),
        "log_sigmoid": nn.LogSigmoid(),
    }.items()
}


def step_of(model, loss):
    """A training step with Adam, which answers with the loss."""
    optimizer = optim.Adam(model.named_parameters(), lr=0.1)

    def step(*inputs):
        optimizer.zero_grad()
        value = loss(model, *inputs)
        value.backward()
        optimizer.step()
        return value

    return step


def compare(make, loss, batches):
    """Compiled and uncompiled steps of two equal models on some batches, and what they leave in the models."""
    ours = make()
    theirs = deepcopy(ours)
    compiled, step = mg.compile(step_of(ours, loss)), step_of(theirs, loss)
    for batch in batches:
        np.testing.assert_array_equal(compiled(*batch).data, step(*batch).data)
        for name, x in theirs.state_dict().items():
            np.testing.assert_array_equal(ours.state_dict()[name], x, err_msg=name)
    assert sum(map(len, compiled._replays.values())) == 1
    return compiled, ours


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_compiled_step_has_the_bits_of_the_step(name, dtype):
    """Losses, parameters, running statistics and draws, over four batches."""
    make, shape = LAYERS[name]
    rng = np.random.default_rng(0)

    def loss(model, x):
        y = model(x)
        y = y[0] if isinstance(y, tuple) else y
        return mg.mean(y * y + y)

    batches = [(mg.tensor(rng.normal(size=shape).astype(dtype)),) for _ in range(4)]
    compare(lambda: make().astype(dtype), loss, batches)


LOSSES = {
    "mse": lambda y, x: F.mse_loss(y, x),
    "l1": lambda y, x: F.l1_loss(y, x),
    "huber": lambda y, x: F.huber_loss(y, x),
    "smooth_l1": lambda y, x: F.smooth_l1_loss(y, x),
    "bce": lambda y, x: F.binary_cross_entropy(mg.sigmoid(y), mg.sigmoid(x)),
    "bce_with_logits": lambda y, x: F.binary_cross_entropy_with_logits(y, mg.sigmoid(x)),
    "kl_div": lambda y, x: F.kl_div(mg.log_softmax(y), mg.softmax(x)),
    "probabilities": lambda y, x: F.cross_entropy(y, mg.softmax(x), label_smoothing=0.1),
    "masked probabilities": lambda y, x: F.cross_entropy(masked(y), mg.softmax(masked(x))),
    "masked divergence": lambda y, x: F.kl_div(mg.log_softmax(masked(y)), mg.softmax(masked(x))),
    "masked divergence of logarithms": lambda y, x: F.kl_div(
        mg.log_softmax(masked(y)), mg.log_softmax(masked(x)), log_target=True
    ),
    "masked bits": lambda y, x: F.binary_cross_entropy_with_logits(
        masked(y), mg.where(MASK, 0.0, mg.where(x > 0, 1.0, 0.0))
    ),
    "margin ranking": lambda y, x: F.margin_ranking_loss(y, x, SIGNS[:, None] * np.ones((4, 3))),
    "cosine embedding": lambda y, x: F.cosine_embedding_loss(y, x, SIGNS),
    "triplet": lambda y, x: F.triplet_margin_loss(y, x, x[::-1], swap=True),
    "multi margin": lambda y, x: F.multi_margin_loss(y, CLASSES, p=2),
    "multilabel margin": lambda y, x: F.multilabel_margin_loss(y, np.array([[1, -1, 0], [2, 0, -1]] * 2)),
    "gaussian": lambda y, x: F.gaussian_nll_loss(y, x, mg.exp(x[:, :1])),
    "poisson": lambda y, x: F.poisson_nll_loss(y, mg.exp(x), full=True),
    "focal": lambda y, x: F.sigmoid_focal_loss(y, mg.sigmoid(x), reduction="mean"),
    "ctc": lambda y, x: F.ctc_loss(mg.log_softmax(y), np.array([1, 2]), [4], [2]),
    "cosine": lambda y, x: mg.mean(F.cosine_similarity(y, x) ** 2),
    "normalize": lambda y, x: mg.mean((F.normalize(y) + F.pairwise_distance(y, x)[0]) ** 2),
}
MASK, SIGNS = np.eye(4, 3, dtype=bool), np.array([1, -1, -1, 1])


def masked(x):
    """Scores with a class in each of three rows that cannot be."""
    return mg.where(MASK, -np.inf, x)


@pytest.mark.parametrize("name", LOSSES)
def test_a_compiled_loss_has_the_bits_of_the_loss(name):
    rng = np.random.default_rng(0)
    batches = [(mg.tensor(rng.normal(size=(4, 3))), mg.tensor(rng.normal(size=(4, 3)))) for _ in range(3)]
    compare(lambda: nn.Linear(3, 3, rng=0), lambda model, x, y: LOSSES[name](model(x), y), batches)


@pytest.mark.parametrize(
    "options", [{}, {"label_smoothing": 0.1}, {"ignore_index": 1}, {"weight": np.array([1.0, 2.0, 0.5])}]
)
def test_labels_are_arguments_and_go_on_being_checked(options):
    """Other labels are read, and one out of range is refused by the replay before anything has changed."""
    rng = np.random.default_rng(0)
    batches = [(mg.tensor(rng.normal(size=(4, 3))), np.roll(CLASSES, i)) for i in range(3)]
    for loss in (F.cross_entropy, lambda y, c, **o: F.nll_loss(mg.log_softmax(y), c, **o)):
        if "label_smoothing" in options and loss is not F.cross_entropy:
            continue
        of_labels = lambda m, x, c, loss=loss: loss(m(x), c, **options)
        compiled, model = compare(lambda: nn.Linear(3, 3, rng=0), of_labels, batches)
        before = model.state_dict()
        with pytest.raises(ValueError, match="label"):
            compiled(batches[0][0], CLASSES + 1)
        for name, x in model.state_dict().items():
            np.testing.assert_array_equal(x, before[name])


def test_sequences_of_labels_are_arguments_and_go_on_being_checked():
    """Labels and lengths of CTC: other ones are read, and such as are none are refused."""
    rng = np.random.default_rng(0)
    loss = lambda model, x, labels, times, counts: F.ctc_loss(mg.log_softmax(model(x)), labels, times, counts)
    batches = [
        (mg.tensor(rng.normal(size=(6, 2, 3))), np.array([[1, 2], [2, i]]), np.array([6, 5 - i]), np.array([2, 2 - i]))
        for i in (1, 0, 1)
    ]
    batches[1][1][1, 1] = 1
    compiled, model = compare(lambda: nn.Linear(3, 3, rng=0), loss, batches)
    before = model.state_dict()
    x, labels, times, counts = batches[0]
    with pytest.raises(ValueError, match="takes labels 0 to 2 other than the blank, 0; got 3"):
        compiled(x, labels + 1, times, counts)
    with pytest.raises(ValueError, match="input_lengths of ctc_loss are from 1 to 6; got 5 to 7"):
        compiled(x, labels, times + 1, counts)
    for name, kept in model.state_dict().items():
        np.testing.assert_array_equal(kept, before[name])


def test_an_embedding_looks_other_rows_up():
    """And refuses a row that is not there."""
    batches = [(np.array([[0, 3], [i, 1]]),) for i in range(3)]
    loss = lambda model, x: mg.mean(model(x) ** 2)
    compiled, _ = compare(lambda: nn.Embedding(4, 2, rng=0), loss, batches)
    with pytest.raises(IndexError, match="embedding"):
        compiled(np.array([[0, 4], [0, 1]]))


def test_bytes_are_floats_in_a_compiled_step_as_well():
    """Images as they come from a file, and the running statistics that they leave."""
    rng = np.random.default_rng(0)
    batches = [(rng.integers(0, 256, (2, 1, 5, 5), dtype=np.uint8),) for _ in range(3)]
    make = lambda: nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 2, 3, rng=0), nn.AvgPool2d(3), nn.Dropout(0.5, rng=1))
    compare(make, lambda model, x: mg.mean(model(x) ** 2), batches)


def test_attention_with_masks():
    """A causal mask, and one of padding that is an argument."""
    rng = np.random.default_rng(0)
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True, rng=0)
    padding = [np.array([[False, False, True], [False, bool(i), bool(i)]]) for i in range(2)]
    batches = [(mg.tensor(rng.normal(size=(2, 3, 4))), mask) for mask in padding]
    compare(lambda: deepcopy(layer), lambda m, x, mask: mg.mean(m(x, src_key_padding_mask=mask) ** 2), batches)
    compare(lambda: deepcopy(layer), lambda m, x, _: mg.mean(m(x, is_causal=True) ** 2), batches)


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4), nn.Dropout(0.5, rng=1)), (5, 3)),
        (nn.InstanceNorm1d(2, track_running_stats=True), (5, 2, 3)),
    ],
)
def test_train_and_eval_are_programs_of_their_own(model, shape):
    """A replay of one never serves the other."""
    other = deepcopy(model)
    compiled = mg.compile(mg.no_grad()(lambda x: model(x)))
    x = mg.tensor(np.random.default_rng(0).normal(size=shape))
    for mode in (True, False, True, False):
        model.train(mode)
        other.train(mode)
        for _ in range(2):
            with mg.no_grad():
                np.testing.assert_array_equal(compiled(x).data, other(x).data)


def test_running_statistics_follow_a_tensor_from_outside():
    """A batch that the function finds outside, and that is changed in place, moves them as it does uncompiled."""
    x = mg.tensor(np.random.default_rng(0).normal(size=(4, 3)))
    layers = [nn.BatchNorm1d(3), nn.BatchNorm1d(3)]
    steps = [mg.compile(lambda: layers[0](x).detach()), lambda: layers[1](x).detach()]
    for scale in (1.0, 1.0, 5.0):
        x.data[...] *= scale
        np.testing.assert_array_equal(*(step().data for step in steps))
        np.testing.assert_array_equal(layers[0].running_mean.data, layers[1].running_mean.data)
