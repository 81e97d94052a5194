"""Makes the .npz files of this folder: what PyTorch's layers and losses compute. Needs torch: run it by hand.

python -m tests.nn.make_reference
"""

import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent
INPUT = np.random.default_rng(0)

# name: (torch class or function, options, shape of the input)
ACTIVATIONS = {
    "sigmoid": {},
    "tanh": {},
    "relu": {},
    "leaky_relu": {"negative_slope": 0.1},
    "elu": {"alpha": 0.7},
    "selu": {},
    "gelu": {},
    "gelu tanh": {"approximate": "tanh"},
    "silu": {},
    "softplus": {},
    "softplus 2": {"beta": 2.0},
    "softmax": {"axis": -1},
    "log_softmax": {"axis": 0},
    "log_sigmoid": {},
}
LAYERS = {
    "Linear": ("Linear", (4, 3), {}, (5, 4)),
    "Linear without bias": ("Linear", (4, 3), {"bias": False}, (2, 5, 4)),
    "Bilinear": ("Bilinear", (4, 3, 2), {}, (5, 4)),
    "BatchNorm1d": ("BatchNorm1d", (4,), {}, (6, 4)),
    "BatchNorm1d of sequences": ("BatchNorm1d", (4,), {"momentum": 0.3, "eps": 1e-3}, (3, 4, 5)),
    "BatchNorm1d without weight": ("BatchNorm1d", (4,), {"affine": False}, (6, 4)),
    "BatchNorm2d": ("BatchNorm2d", (3,), {}, (2, 3, 4, 5)),
    "BatchNorm1d without statistics": ("BatchNorm1d", (4,), {"track_running_stats": False}, (6, 4)),
    "BatchNorm3d": ("BatchNorm3d", (3,), {"momentum": None}, (2, 3, 2, 3, 2)),
    "InstanceNorm1d": ("InstanceNorm1d", (4,), {}, (3, 4, 5)),
    "InstanceNorm2d": ("InstanceNorm2d", (3,), {"affine": True, "track_running_stats": True}, (2, 3, 4, 5)),
    "InstanceNorm3d": (
        "InstanceNorm3d",
        (2,),
        {"track_running_stats": True, "momentum": 0.3, "eps": 1e-3},
        (3, 2, 2, 3, 2),
    ),
    "LayerNorm": ("LayerNorm", (4,), {}, (2, 3, 4)),
    "LayerNorm of two axes": ("LayerNorm", ((3, 4),), {"eps": 1e-3}, (5, 3, 4)),
    "LayerNorm without bias": ("LayerNorm", (4,), {"bias": False}, (3, 4)),
    "LayerNorm without weight": ("LayerNorm", (4,), {"affine": False}, (3, 4)),
    "GroupNorm": ("GroupNorm", (2, 4), {}, (3, 4, 5)),
    "GroupNorm without weight": ("GroupNorm", (2, 4), {"affine": False}, (3, 4, 2, 3)),
    "RMSNorm": ("RMSNorm", (4,), {"eps": 1e-5}, (2, 3, 4)),
    "RMSNorm of two axes": ("RMSNorm", ((3, 4),), {"eps": 1e-3}, (5, 3, 4)),
    "RMSNorm by default": ("RMSNorm", (4,), {}, (3, 4)),
}
# name: (function, options, input, target); a string stands for an array made by `operand`
LOSSES = {
    "mse": ("mse_loss", {}, "normal", "normal"),
    "l1": ("l1_loss", {}, "normal", "normal"),
    "huber": ("huber_loss", {"delta": 0.8}, "normal", "normal"),
    "smooth l1": ("smooth_l1_loss", {"beta": 0.8}, "normal", "normal"),
    "hinge": ("hinge_loss", {}, "normal", "signs"),
    "bce": ("binary_cross_entropy", {}, "probabilities", "probabilities"),
    "bce weighted": ("binary_cross_entropy", {"weight": "columns"}, "probabilities", "probabilities"),
    "logits": ("binary_cross_entropy_with_logits", {}, "normal", "probabilities"),
    "logits weighted": (
        "binary_cross_entropy_with_logits",
        {"weight": "columns", "pos_weight": "columns"},
        "normal",
        "probabilities",
    ),
    "kl": ("kl_div", {}, "logarithms", "rows of probabilities"),
    "kl log": ("kl_div", {"log_target": True}, "logarithms", "logarithms"),
    "nll": ("nll_loss", {}, "logarithms", "labels"),
    "nll weighted": ("nll_loss", {"weight": "columns", "ignore_index": 1}, "logarithms", "labels"),
    "nll of pixels": ("nll_loss", {"weight": "classes of pixels"}, "pixels", "labels of pixels"),
    "cross entropy": ("cross_entropy", {}, "normal", "labels"),
    "cross entropy of one": ("cross_entropy", {}, "row", "label"),
    "cross entropy weighted": ("cross_entropy", {"weight": "columns", "ignore_index": 2}, "normal", "labels"),
    "cross entropy smoothed": ("cross_entropy", {"label_smoothing": 0.1}, "normal", "labels"),
    "cross entropy with all": (
        "cross_entropy",
        {"weight": "columns", "ignore_index": 2, "label_smoothing": 0.1},
        "normal",
        "labels",
    ),
    "cross entropy of pixels": (
        "cross_entropy",
        {"ignore_index": 0, "label_smoothing": 0.2},
        "pixels",
        "labels of pixels",
    ),
    "cross entropy of probabilities": ("cross_entropy", {}, "normal", "rows of probabilities"),
    "cross entropy of probabilities weighted": (
        "cross_entropy",
        {"weight": "columns", "label_smoothing": 0.1},
        "normal",
        "rows of probabilities",
    ),
    "cross entropy of probabilities of pixels": ("cross_entropy", {}, "pixels", "pixels of probabilities"),
}


def operand(kind, rng):
    """An array for a loss: an input, a target or weights."""
    n = rng.normal(size=(5, 4))
    pixels = rng.normal(size=(2, 3, 2, 2))
    return {
        "normal": n,
        "row": n[0],
        "signs": np.sign(n),
        "probabilities": 1 / (1 + np.exp(-n)),
        "columns": np.abs(n[0]) + 0.1,
        "rows of probabilities": np.exp(n) / np.exp(n).sum(axis=1, keepdims=True),
        "logarithms": np.log(np.exp(n) / np.exp(n).sum(axis=1, keepdims=True)),
        "labels": np.array([0, 3, 2, 1, 2]),
        "label": np.array(2),
        "pixels": pixels,
        "pixels of probabilities": np.exp(pixels) / np.exp(pixels).sum(axis=1, keepdims=True),
        "labels of pixels": np.array([[[0, 1], [2, 2]], [[1, 0], [0, 2]]]),
        "classes of pixels": np.abs(pixels[0, :, 0, 0]) + 0.1,
    }[kind]


def loss_operands(name, number):
    """The input, the target and the options of a loss, drawn for it."""
    _, options, x, target = LOSSES[name]
    rng = np.random.default_rng([1, number])
    arrays = {key: operand(value, rng) if isinstance(value, str) else value for key, value in options.items()}
    return operand(x, rng), operand(target, rng), arrays


def of_torch(torch, name, options):
    """PyTorch's function of the same meaning."""
    functional = torch.nn.functional
    if name == "hinge_loss":
        return lambda x, t, reduction: {"mean": torch.mean, "sum": torch.sum, "none": lambda y: y}[reduction](
            torch.relu(1 - t * x)
        )
    function = getattr(functional, {"log_sigmoid": "logsigmoid"}.get(name.split()[0], name.split()[0]))
    options = {"dim" if key == "axis" else key: value for key, value in options.items()}
    return lambda *args, **more: function(*args, **options, **more)


def record(torch, out, key, x, y, weights):
    """Write down an output, and the gradients of its product with a fixed array."""
    y.backward(torch.tensor(np.random.default_rng(9).normal(size=y.shape)))
    out[f"{key}/x"], out[f"{key}/y"], out[f"{key}/dx"] = x.detach(), y.detach(), x.grad
    for name, w in weights.items():
        out[f"{key}/d {name}"] = w.grad


def activations(torch):
    out = {}
    for name, options in ACTIVATIONS.items():
        x = torch.tensor(2 * INPUT.normal(size=(3, 4)), requires_grad=True)
        record(torch, out, name, x, of_torch(torch, name, options)(x), {})
    return out


def layers(torch):
    """Each layer's state, two outputs in training, gradients, the state after, and an output after eval()."""
    out = {}
    for key, (name, args, options, shape) in LAYERS.items():
        options = {
            {"affine": "elementwise_affine"}.get(k, k) if name == "LayerNorm" else k: v for k, v in options.items()
        }
        layer = getattr(torch.nn, name)(*args, **options).double()
        for p in layer.parameters():
            p.data = torch.tensor(INPUT.normal(size=p.shape))
        out |= {f"{key}/before/{k}": v.clone() for k, v in layer.state_dict().items()}
        x = torch.tensor(INPUT.normal(size=shape) + 0.5, requires_grad=True)
        more = [torch.tensor(INPUT.normal(size=(*shape[:-1], args[1])))] if name == "Bilinear" else []
        out |= {f"{key}/x2": x2 for x2 in more}
        record(torch, out, key, x, layer(x, *more), dict(layer.named_parameters()))
        out |= {f"{key}/after/{k}": v.clone() for k, v in layer.state_dict().items()}
        out[f"{key}/eval"] = layer.eval()(x, *more).detach()
    return out


def losses(torch):
    out = {}
    for number, name in enumerate(LOSSES):
        x, target, options = loss_operands(name, number)
        options = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
        for reduction in ("mean", "sum", "none"):
            x_t, target_t = torch.tensor(x, requires_grad=True), torch.tensor(target)
            y = of_torch(torch, LOSSES[name][0], options)(x_t, target_t, reduction=reduction)
            record(torch, out, f"{name}/{reduction}", x_t, y, {})
    return out


def network(torch):
    """The state of a network in the order in which PyTorch has it, and what it computes, in evaluation."""
    nn = torch.nn
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4))
    ).double()
    x = torch.tensor(INPUT.normal(size=(7, 2, 3)))
    model(x)
    out = {f"state/{k}": v.clone() for k, v in model.state_dict().items()}
    return {**out, "x": x, "y": model.eval()(x).detach()}


def transposed_problem(number):
    """Arrays for a transposed convolution, directions for each, and options; drawn together, most at their limits."""
    rng = np.random.default_rng([2, number])
    pair = lambda low, high: tuple(rng.integers(low, high, 2, endpoint=True).tolist())
    groups, kernel, stride, dilation = int(rng.integers(1, 3)), pair(1, 3), pair(1, 3), pair(1, 3)
    size = [rng.choice([1, 2, 4]) if n else 1 for n in rng.integers(0, 3, 2)]
    spread = [(n - 1) * s + d * (k - 1) for n, s, d, k in zip(size, stride, dilation, kernel, strict=True)]
    options = {
        "stride": stride,
        "dilation": dilation,
        "padding": tuple(int(rng.integers(0, n // 2, endpoint=True)) for n in spread),
        "output_padding": tuple(
            max(s, d) - 1 - int(rng.random() < 0.3 and max(s, d) > 1) for s, d in zip(stride, dilation, strict=True)
        ),
        "groups": groups,
    }
    shapes = [(2, 2 * groups, *size), (2 * groups, 2, *kernel), (2 * groups,)]
    return [rng.normal(size=shape) for shape in shapes], [rng.normal(size=shape) for shape in shapes], options


TRANSPOSED = 30


def transposed(torch):
    """Transposed convolutions: values, gradients, and the derivatives of these along the directions."""
    out = {}
    for number in range(TRANSPOSED):
        arrays, directions, options = transposed_problem(number)
        arrays, directions = ([torch.tensor(a, requires_grad=True) for a in part] for part in (arrays, directions))
        y = torch.nn.functional.conv_transpose2d(*arrays, **options)
        g = torch.tensor(np.random.default_rng(9).normal(size=y.shape))
        gradients = torch.autograd.grad(torch.sum(torch.tanh(y) * g), arrays, create_graph=True)
        along = sum(torch.sum(a * d) for a, d in zip(gradients, directions, strict=True))
        out[f"{number}/y"] = y.detach()
        for name, first, second in zip("xwb", gradients, torch.autograd.grad(along, arrays), strict=True):
            out[f"{number}/d{name}"], out[f"{number}/d2{name}"] = first.detach(), second
    return out


if __name__ == "__main__":
    import torch

    torch.manual_seed(0)
    for make in (activations, layers, losses, network, transposed):
        arrays = {name: np.asarray(array) for name, array in make(torch).items()}
        np.savez_compressed(HERE / f"{make.__name__}.npz", **arrays)
