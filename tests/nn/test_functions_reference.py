"""Functions of networks agree with PyTorch's: values, gradients, and second derivatives."""

import json

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

from .make_functions_reference import CASES, FILE, learned, operands, options_of
from .make_layers_reference import drawn, products

REFERENCES = json.loads(FILE.read_text())
MODULES = {
    "margin_ranking_loss": nn.MarginRankingLoss,
    "cosine_embedding_loss": nn.CosineEmbeddingLoss,
    "triplet_margin_loss": nn.TripletMarginLoss,
    "multi_margin_loss": nn.MultiMarginLoss,
    "multilabel_margin_loss": nn.MultiLabelMarginLoss,
    "gaussian_nll_loss": nn.GaussianNLLLoss,
    "poisson_nll_loss": nn.PoissonNLLLoss,
    "sigmoid_focal_loss": nn.SigmoidFocalLoss,
    "ctc_loss": nn.CTCLoss,
    "pairwise_distance": nn.PairwiseDistance,
    "cosine_similarity": nn.CosineSimilarity,
    "relu6": nn.ReLU6,
    "hardsigmoid": nn.Hardsigmoid,
    "hardswish": nn.Hardswish,
    "mish": nn.Mish,
    "softsign": nn.Softsign,
    "tanhshrink": nn.Tanhshrink,
    "softshrink": nn.Softshrink,
    "hardshrink": nn.Hardshrink,
    "hardtanh": nn.Hardtanh,
    "celu": nn.CELU,
    "glu": nn.GLU,
    "softmin": nn.Softmin,
    "threshold": nn.Threshold,
}
OF_THE_CALL = ("input_lengths", "target_lengths")


def label(case):
    shapes = ",".join(f"{kind}{list(shape)}" for kind, shape in case["arrays"])
    return f"{case['name']}({shapes},{case['options']})".replace(" ", "")[:100]


cases = pytest.mark.parametrize("number", range(len(CASES)), ids=[label(case) for case in CASES])


def called(case, arrays):
    """The case's function of arrays, the first of which may go through log_softmax."""
    through = [
        mg.log_softmax(x) if kind == "log_softmax" else x for x, (kind, _) in zip(arrays, case["arrays"], strict=True)
    ]
    return getattr(F, case["name"])(*through, **options_of(case, np.asarray))


def close(got, want):
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10)


def function_of(case):
    """The case's function of the arrays that have derivatives, and these."""
    numbers, places = operands(case), learned(case)

    def function(*leaves):
        arrays = list(numbers)
        for i, x in zip(places, leaves, strict=True):
            arrays[i] = x
        return called(case, arrays)

    return function, tuple(numbers[i] for i in places)


@cases
def test_function_agrees_with_pytorch(number):
    """Values, gradients and second derivatives are PyTorch's to 1e-10."""
    case, want = CASES[number], REFERENCES[number]
    function, leaves = function_of(case)
    y, pull_back = mg.vjp(function, *leaves)
    close(products(y, "y"), want["y"])
    close([products(g, "first") for g in pull_back(drawn("cotangent", y.shape))], want["first"])
    if not case["second"]:
        return

    def along(*leaves):
        y, pull_back = mg.vjp(function, *leaves)
        gradients = pull_back(drawn("cotangent", y.shape))
        return sum(mg.sum(g * drawn("direction", g.shape)) for g in gradients)

    second = mg.grad(along, argnums=tuple(range(len(leaves))))(*leaves)
    close([products(g, "second") for g in second], want["second"])


@pytest.mark.parametrize("number", [i for i, case in enumerate(CASES) if case["name"] in MODULES])
def test_module_computes_what_the_function_does(number):
    """With the same options, bit for bit."""
    case, options = CASES[number], options_of(CASES[number], np.asarray)
    lengths = [options.pop(name) for name in OF_THE_CALL if name in options]
    arrays = operands(case)
    if case["name"] == "ctc_loss":
        arrays[0] = mg.log_softmax(arrays[0])
    module = MODULES[case["name"]](**options)
    np.testing.assert_array_equal(module(*arrays, *lengths), called(case, operands(case)))


@pytest.mark.parametrize("name", [name for name in MODULES if name != "threshold"])
def test_module_and_function_have_the_same_defaults(name):
    case = next(case for case in CASES if case["name"] == name)
    given = {key: v for key, v in options_of(case, np.asarray).items() if key in OF_THE_CALL}
    arrays = operands(case)
    np.testing.assert_array_equal(MODULES[name]()(*arrays, *given.values()), getattr(F, name)(*arrays, *given.values()))


def test_every_case_has_a_reference():
    assert len(CASES) == len(REFERENCES)


@cases
def test_forward_mode_and_checkpoint_agree_with_reverse_mode(number):
    """<v, J u> = <J' v, u>; and a checkpointed call has the gradients of one that is not."""
    function, leaves = function_of(CASES[number])
    tangents = tuple(drawn(f"tangent {i}", x.shape) for i, x in enumerate(leaves))
    y, tangent = mg.jvp(function, leaves, tangents)
    v = drawn("cotangent", y.shape)
    gradients = mg.vjp(function, *leaves)[1](v)
    np.testing.assert_allclose(
        np.sum(v * tangent),
        sum(np.sum(g * t) for g, t in zip(gradients, tangents, strict=True)),
        rtol=1e-10,
        atol=1e-11,
    )
    again = mg.vjp(mg.checkpoint(function), *leaves)[1](v)
    for g, want in zip(again, gradients, strict=True):
        np.testing.assert_array_equal(g, want)
