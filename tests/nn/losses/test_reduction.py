"""What all losses have in common: PyTorch's values, defaults, and what is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

from ..make_reference import LOSSES, loss_operands
from ..reference import Reference, check

REFERENCE = Reference("losses")
MODULES = {
    "mse_loss": nn.MSELoss,
    "l1_loss": nn.L1Loss,
    "huber_loss": nn.HuberLoss,
    "smooth_l1_loss": nn.SmoothL1Loss,
    "hinge_loss": nn.HingeLoss,
    "cross_entropy": nn.CrossEntropyLoss,
    "nll_loss": nn.NLLLoss,
    "binary_cross_entropy": nn.BCELoss,
    "binary_cross_entropy_with_logits": nn.BCEWithLogitsLoss,
    "kl_div": nn.KLDivLoss,
}
of_two = pytest.mark.parametrize("name", [name for name in MODULES if name not in ("cross_entropy", "nll_loss")])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("key", LOSSES)
def test_functions_and_modules_agree_with_pytorch(key, reduction):
    """Value and gradient, to 1e-10, by function and by module, for each reduction."""
    name = LOSSES[key][0]
    _, target, options = loss_operands(key, list(LOSSES).index(key))
    options = {**options, "reduction": reduction}
    check(REFERENCE, f"{key}/{reduction}", lambda x: getattr(F, name)(x, target, **options))
    check(REFERENCE, f"{key}/{reduction}", lambda x: MODULES[name](**options)(x, mg.tensor(target)))


ADVICE = {
    ((4, 1), (4,)): "Use target.reshape(-1, 1), or output.squeeze(-1)",
    ((4,), (4, 1)): "Use target.squeeze(-1), or output.reshape(-1, 1)",
    ((4, 3, 1), (4, 3)): "Use target.reshape(4, 3, 1), or output.squeeze(-1)",
    ((4, 3), (4, 3, 1)): "Use target.squeeze(-1), or output.reshape(4, 3, 1)",
    ((4, 1, 3), (4, 3)): "Use target.reshape(4, 1, 3)",
    ((1,), ()): "Use target.reshape(1), or output.squeeze(-1)",
    ((), (1, 1)): "Use target.reshape(())",
    ((2, 3), (3, 2)): "Use target.T",
    ((4, 3), (4,)): "Reshape or select what belongs together: there are 12 outputs and 4 targets",
}


@pytest.mark.parametrize(("output", "target"), ADVICE)
def test_a_misfit_comes_with_a_remedy_that_works(output, target):
    """The error names a call; whoever makes it has arrays that fit."""
    arrays = {"output": np.full(output, 0.5), "target": np.ones(target)}
    with pytest.raises(ValueError, match="does not broadcast") as caught:
        F.mse_loss(**dict(zip(("x", "target"), arrays.values(), strict=True)))
    advice = ADVICE[output, target]
    assert str(caught.value).endswith(f"got {output} and {target}. {advice}")
    for remedy in advice.removeprefix("Use ").split(", or ") if advice.startswith("Use") else ():
        fitted = arrays | {remedy.partition(".")[0]: eval(remedy, {}, arrays)}
        assert F.mse_loss(fitted["output"], fitted["target"]) == 0.25


def test_weights_that_do_not_fit_come_with_a_remedy():
    with pytest.raises(ValueError, match=r"got \(2,\). Use weight.reshape\(2, 1\)"):
        F.binary_cross_entropy(np.full((2, 1), 0.5), np.ones((2, 1)), np.ones(2))
    with pytest.raises(ValueError, match=r"got shape \(3, 1\). Use weight.reshape\(-1\)"):
        F.cross_entropy(np.ones((2, 3)), [0, 1], np.ones((3, 1)))
    with pytest.raises(ValueError, match=r"pos_weight is at least 0; got -1"):
        F.binary_cross_entropy_with_logits(np.ones(2), np.ones(2), pos_weight=np.array([1.0, -1]))


@of_two
def test_target_that_would_broadcast_is_refused(name):
    """(n, 1) against (n,) is the classic: a matrix of differences, whose mean trains to nonsense."""
    with pytest.raises(ValueError, match=rf"{name.replace('smooth_l1', 'huber')} takes an output and a target of the sa"
                       r"me shape, and does not broadcast; got \(4, 1\) and \(4,\)"):  # fmt: skip
        getattr(F, name)(np.full((4, 1), 0.5), np.ones(4))


def test_an_output_that_is_no_array_is_refused():
    """None is what a forward without return answers with."""
    with pytest.raises(TypeError, match=r"mse_loss takes an array; got a list. Use np.asarray\(x\)"):
        F.mse_loss([1.0, 2.0], [1.0, 3.0])
    with pytest.raises(TypeError, match="mse_loss takes an array; got a NoneType. Does forward return its result?"):
        F.mse_loss(None, np.ones(2))
    for target in (np.array([0, 1]), np.ones((2, 2))):
        with pytest.raises(TypeError, match="cross_entropy takes an array; got a NoneType. Does forward"):
            F.cross_entropy(None, target)


@pytest.mark.parametrize("name", MODULES)
def test_unknown_reduction_is_refused(name):
    """By the function when called, by the module when made."""
    target = np.array([1]) if name in ("cross_entropy", "nll_loss") else np.ones((1, 2))
    with pytest.raises(ValueError, match="reduction is one of mean, sum, none(, batchmean)?; got 'avg'"):
        getattr(F, name)(np.full((1, 2), 0.5), target, reduction="avg")
    with pytest.raises(ValueError, match="reduction is one of mean, sum, none(, batchmean)?; got 'avg'"):
        MODULES[name](reduction="avg")


@pytest.mark.parametrize("name", MODULES)
def test_module_and_function_have_the_same_defaults(name):
    """With no options, they compute the same."""
    x = np.random.default_rng(0).uniform(0.1, 0.9, (3, 4))
    target = [0, 3, 1] if name in ("cross_entropy", "nll_loss") else np.ones((3, 4))
    assert MODULES[name]()(x, target) == getattr(F, name)(x, target)


def test_weights_of_a_loss_are_part_of_its_state():
    """They are buffers, and change their dtype with the module."""
    loss = nn.CrossEntropyLoss(weight=[1.0, 2.0])
    assert loss.state_dict()["weight"].tolist() == [1, 2]
    assert loss.astype(np.float32).weight.dtype == np.float32
    assert nn.BCEWithLogitsLoss(pos_weight=[2.0]).state_dict()["pos_weight"].tolist() == [2]
