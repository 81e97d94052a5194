"""Makes functions_reference.json: values and derivatives of PyTorch's functions. Needs torch: run it by hand.

python -m tests.nn.make_functions_reference

Arrays are drawn by NumPy from seeds, here as in the tests. Of each array that comes out the file has products with
others: of the result, of the gradients of its product with a cotangent, and of the gradients of their products with
directions, which are second derivatives.
"""

import json
import pathlib

import numpy as np

from .make_layers_reference import drawn, products

FILE = pathlib.Path(__file__).with_name("functions_reference.json")


def case(name, *arrays, second=True, **options):
    """A call of a function with arrays, of a kind and a shape each, and options; some have no second derivative."""
    return {"name": name, "arrays": arrays, "options": options, "second": second}


def losses():
    row, table, signs = ("normal", (4,)), ("normal", (5, 4)), ("signs", (5, 4))
    for reduction in ("mean", "sum", "none"):
        yield case("margin_ranking_loss", table, table, signs, margin=0.3, reduction=reduction)
        yield case("cosine_embedding_loss", table, table, ("signs", (5,)), margin=-0.2, reduction=reduction)
        yield case("triplet_margin_loss", table, table, table, reduction=reduction)
        yield case("multi_margin_loss", table, ("labels 4", (5,)), second=False, reduction=reduction)
        yield case("multilabel_margin_loss", table, ("several labels", (5, 4)), second=False, reduction=reduction)
        yield case("gaussian_nll_loss", table, table, ("positive", (5, 4)), reduction=reduction)
        yield case("poisson_nll_loss", table, ("counts", (5, 4)), reduction=reduction)
        yield case("sigmoid_focal_loss", table, ("bits", (5, 4)), reduction=reduction)
    yield case("cosine_embedding_loss", row, row, ("signs", ()))
    yield case("triplet_margin_loss", row, row, row, margin=5.0)
    yield case("triplet_margin_loss", table, table, table, margin=2.0, p=1.0, eps=1e-3, swap=True)
    yield case("triplet_margin_loss", table, table, table, p=3.0, swap=True)
    yield case("multi_margin_loss", row, ("labels 4", ()), second=False)
    yield case("multi_margin_loss", table, ("labels 4", (5,)), p=2, margin=0.7, weight="positive 4", second=False)
    yield case("multilabel_margin_loss", row, ("several labels", (4,)), second=False)
    yield case("gaussian_nll_loss", table, table, ("positive", (5, 1)), full=True)
    yield case("gaussian_nll_loss", table, table, ("positive", (5,)), eps=1.0)
    yield case("poisson_nll_loss", table, ("counts", (5, 4)), full=True)
    yield case("poisson_nll_loss", ("positive", (5, 4)), ("counts", (5, 4)), log_input=False, full=True, eps=1e-3)
    yield case("sigmoid_focal_loss", table, ("shares", (5, 4)), alpha=-1.0, gamma=1.5)
    yield case("sigmoid_focal_loss", table, ("bits", (5, 4)), alpha=0.6, gamma=0.0)


def ctc():
    scores = ("log_softmax", (9, 3, 5))
    of = {"input_lengths": [9, 7, 8], "target_lengths": [3, 2, 4]}
    for reduction in ("mean", "sum", "none"):
        yield case("ctc_loss", scores, ("labels but 0", (3, 4)), second=False, reduction=reduction, **of)
    yield case("ctc_loss", scores, ("labels but 0", (9,)), second=False, **of)
    fits = {"input_lengths": [9, 2, 1], "target_lengths": [0, 2, 4], "zero_infinity": True}
    yield case("ctc_loss", scores, ("labels but 4", (3, 4)), second=False, blank=4, **fits)
    one = {"input_lengths": [7], "target_lengths": [3]}
    yield case("ctc_loss", ("log_softmax", (7, 5)), ("labels but 0", (3,)), second=False, **one)


def distances():
    table, cube = ("normal", (5, 4)), ("normal", (2, 3, 4))
    for options in ({}, {"p": 1.0}, {"p": 3.0, "eps": 1e-3, "keepdims": True}):
        yield case("pairwise_distance", table, table, **options)
    yield case("pairwise_distance", ("normal", (4,)), table)
    for options in ({}, {"axis": 0}, {"axis": -1}):
        yield case("cosine_similarity", cube, cube, **options)
    yield case("cosine_similarity", ("normal", (1, 4)), table)
    for options in ({}, {"axis": -1, "p": 1.0}, {"axis": 0, "p": 3.0, "eps": 1.5}):
        yield case("normalize", cube, **options)


def activations():
    table = ("wide", (5, 4))
    for name in ("relu6", "hardswish", "mish", "softsign", "tanhshrink", "softshrink", "hardshrink"):
        yield case(name, table)
    yield case("hardsigmoid", table)
    yield case("hardtanh", table)
    yield case("hardtanh", table, min_val=-2.5, max_val=0.3)
    yield case("hardshrink", table, lambd=1.5)
    yield case("softshrink", table, lambd=1.5)
    yield case("threshold", table, threshold=0.4, value=-2.0)
    yield case("celu", table)
    yield case("celu", table, alpha=0.5)  # which PyTorch rounds to single precision
    yield case("glu", table)
    yield case("glu", ("wide", (2, 6, 3)), axis=1)
    yield case("softmin", table, axis=-1)
    yield case("softmin", table, axis=0)
    yield case("rrelu", table)
    yield case("rrelu", table, lower=0.2, upper=0.8)
    yield case("prelu", table, ("normal", (1,)))
    yield case("prelu", table, ("normal", (4,)))
    yield case("prelu", ("wide", (2, 3, 2, 2)), ("normal", (3,)))
    yield case("prelu", ("wide", (6,)), ("normal", (1,)))


def frames():
    cube = ("normal", (2, 3, 4))
    yield case("pad", cube, pad=(1, 2))
    yield case("pad", cube, pad=(1, 2, 0, 3), value=1.5)
    yield case("pad", cube, pad=(-1, 2, 0, -2, 1, 0))
    for mode in ("reflect", "replicate", "circular"):
        yield case("pad", cube, pad=(3, 1), mode=mode)
        yield case("pad", ("normal", (2, 3, 4, 4)), pad=(0, 3, 2, 1), mode=mode)
    yield case("pad", cube, pad=(-1, 2), mode="replicate")


CASES = [*losses(), *ctc(), *distances(), *activations(), *frames()]


def several_labels(shape):
    """Rows of 2, 0, 1, 2, ... labels, ended by -1."""
    rows = np.full((shape[0] if len(shape) == 2 else 1, shape[-1]), -1)
    for i, row in enumerate(rows):
        row[: (i + 2) % 3] = [[0, 3], [2], [3, 1]][i % 3][: (i + 2) % 3]
        row[-1] = 0 if row[-2] == -1 else row[-1]  # which stands behind the end
    return rows.reshape(shape)


def operand(kind, shape, key):
    """An array of a kind, always the same for a key."""
    x = drawn(key, shape)
    if kind.startswith("labels but"):
        blank = int(kind.split()[-1])
        return (blank + 1 + np.floor(4 * (np.abs(x) % 1)).astype(int)) % 5
    if kind.startswith("labels"):
        return np.floor(int(kind.split()[-1]) * (np.abs(x) % 1)).astype(int)
    return {
        "normal": lambda: x,
        "wide": lambda: 3 * x,
        "log_softmax": lambda: x,
        "signs": lambda: np.sign(x),
        "positive": lambda: np.abs(x) + 0.1,
        "counts": lambda: np.floor(3 * np.abs(x)),
        "bits": lambda: (x > 0).astype(float),
        "shares": lambda: 1 / (1 + np.exp(-x)),
        "several labels": lambda: several_labels(shape),
    }[kind]()


LEARNED = ("normal", "wide", "log_softmax", "positive")


def operands(case):
    """The arrays of a case."""
    return [operand(kind, shape, f"{case['name']} {i}") for i, (kind, shape) in enumerate(case["arrays"])]


def learned(case):
    """Which arrays have derivatives."""
    return [i for i, (kind, _) in enumerate(case["arrays"]) if kind in LEARNED]


def options_of(case, convert):
    """The options of a case, with words and lists as arrays."""
    words = {"positive 4": lambda: operand("positive", (4,), "weight")}
    given = {key: words[v]() if isinstance(v, str) and v in words else v for key, v in case["options"].items()}
    return {key: convert(np.asarray(v)) if isinstance(v, list | np.ndarray) else v for key, v in given.items()}


def focal(torch):
    """The loss as the paper writes it, of probabilities."""

    def loss(x, target, alpha=0.25, gamma=2.0, reduction="none"):
        p = torch.sigmoid(x)
        terms = [-target * (1 - p) ** gamma * torch.log(p), -(1 - target) * p**gamma * torch.log(1 - p)]
        if set(target.unique().tolist()) - {0.0, 1.0}:  # torchvision's formula for shares
            missed = 1 - (p * target + (1 - p) * (1 - target))
            terms = [-target * missed**gamma * torch.log(p), -(1 - target) * missed**gamma * torch.log(1 - p)]
        if alpha >= 0:
            terms = [alpha * terms[0], (1 - alpha) * terms[1]]
        return {"mean": torch.mean, "sum": torch.sum, "none": lambda y: y}[reduction](terms[0] + terms[1])

    return loss


def of_torch(torch, name):
    """PyTorch's function of a name, with its words for options; some are written out."""
    own = {
        "sigmoid_focal_loss": focal(torch),
        "hardsigmoid": lambda x: torch.nn.functional.relu6(x + 3) / 6,  # its slope is 1 / 6 in single precision
    }
    function = own[name] if name in own else getattr(torch.nn.functional, name)
    words = {"axis": "dim", "keepdims": "keepdim"}
    return lambda *args, **options: function(*args, **{words.get(key, key): v for key, v in options.items()})


def reference(case):
    """What PyTorch makes of a case."""
    import torch

    arrays = [torch.tensor(x) for x in operands(case)]
    leaves = [arrays[i].requires_grad_() for i in learned(case)]
    through = [
        torch.log_softmax(x, -1) if kind == "log_softmax" else x
        for x, (kind, _) in zip(arrays, case["arrays"], strict=True)
    ]
    y = of_torch(torch, case["name"])(*through, **options_of(case, torch.tensor))
    product = torch.sum(y * torch.tensor(drawn("cotangent", y.shape)))
    first = torch.autograd.grad(product, leaves, create_graph=case["second"])
    found = {"y": products(y.detach(), "y"), "first": [products(g.detach(), "first") for g in first]}
    if case["second"]:
        along = sum(torch.sum(g * torch.tensor(drawn("direction", g.shape))) for g in first)
        if along.requires_grad:
            second = torch.autograd.grad(along, leaves, allow_unused=True)
        else:
            second = [None for _ in leaves]
        zeros = [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, second, strict=True)]
        found["second"] = [products(g.numpy(force=True), "second") for g in zeros]
    return found


if __name__ == "__main__":
    FILE.write_text(json.dumps([reference(case) for case in CASES], separators=(",", ":")) + "\n")
