"""Weight and spectral norm: PyTorch's training, every transformation, and what is refused."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn.parametrizations import remove_parametrizations, spectral_norm, weight_norm
from minigrad.testing import gradcheck

from .make_layers_reference import drawn
from .make_parametrizations_reference import CASES, STEPS
from .reference import CLOSE, Reference
from .test_layers_reference import check_way_back

REFERENCE = Reference("parametrizations")
KINDS = {"weight_norm": weight_norm, "spectral_norm": spectral_norm}
both = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))


@pytest.mark.parametrize("key", CASES)
def test_training_agrees_with_pytorch(key):
    """Outputs, gradients and states of some steps, to 1e-10; and the output in evaluation, which changes nothing."""
    name, args, shape, kind, options = CASES[key]
    layer = KINDS[kind](getattr(nn, name)(*args), **options)
    layer.load_state_dict(layer.from_torch(REFERENCE.below(f"{key}/before/")))
    check_way_back(layer, REFERENCE.below(f"{key}/before/"))
    optimizer = optim.SGD(layer.parameters(), lr=0.1)
    for step in range(STEPS):
        x = drawn(f"{key} {step}", shape)
        optimizer.zero_grad()
        y = layer(x)
        mg.sum(mg.tanh(y)).backward()
        np.testing.assert_allclose(y.detach(), REFERENCE[f"{key}/y{step}"], **CLOSE)
        optimizer.step()
    gradients = layer.from_torch(REFERENCE.below(f"{key}/gradient/"))
    assert set(gradients) == {name for name, _ in layer.named_parameters()}
    for parameter_name, p in layer.named_parameters():
        np.testing.assert_allclose(p.grad, gradients[parameter_name], **CLOSE)
    after = layer.from_torch(REFERENCE.below(f"{key}/after/"))
    for _ in range(2):
        np.testing.assert_allclose(layer.eval()(x).detach(), REFERENCE[f"{key}/eval"], **CLOSE)
        for state_name, values in layer.state_dict().items():
            np.testing.assert_allclose(values, after[state_name], **CLOSE)


@both
def test_it_begins_where_the_layer_was_or_at_its_singular_value(kind):
    """Weight norm changes no value; the spectral norm is 1, to what 15 steps of the iteration find."""
    layer = nn.Linear(6, 5, rng=0)
    before = layer.weight.data.copy()
    assert kind(layer) is layer
    after = layer.weight.detach().numpy()
    if kind is spectral_norm:
        before /= np.linalg.norm(before, 2)
    np.testing.assert_allclose(after, before, rtol=1e-14 if kind is weight_norm else 1e-2)
    assert "weight" not in layer.state_dict()
    assert layer.weight.requires_grad
    remove_parametrizations(layer)
    np.testing.assert_array_equal(layer.weight.data, after if kind is weight_norm else layer.weight.data)
    assert list(layer.state_dict()) == ["bias", "weight"]
    assert "parametrizations" not in vars(layer)


@both
def test_derivatives_are_right_to_second_order(kind):
    """Of the parameters as arguments of a function, in evaluation, where the vectors stay."""
    layer = kind(nn.Conv1d(2, 3, 2, rng=0)).eval()
    x = np.random.default_rng(0).normal(size=(2, 2, 4))
    loss = lambda p: mg.sum(mg.tanh(nn.functional_call(layer, p, x)))
    gradcheck(loss, (dict(layer.named_parameters()),))
    gradcheck(lambda p: mg.grad(loss)(p), (dict(layer.named_parameters()),), fast=True)


@both
@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_compiled_training_has_the_same_numbers(kind, backend):
    """And leaves the same vectors behind."""
    ours = nn.Sequential(kind(nn.Linear(3, 4, rng=0)), nn.Tanh(), kind(nn.Linear(4, 2, rng=1)))
    theirs = copy.deepcopy(ours)

    def step_of(model):
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def step(x):
            optimizer.zero_grad()
            loss = mg.mean(model(x) ** 2)
            loss.backward()
            optimizer.step()
            return loss

        return step

    compiled, step = mg.compile(step_of(ours), backend=backend), step_of(theirs)
    for i in range(4):
        x = mg.tensor(np.random.default_rng(i).normal(size=(5, 3)))
        assert compiled(x).item() == pytest.approx(step(x).item(), rel=1e-12)
    for name, values in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name], values, rtol=1e-11)


@both
def test_a_checkpoint_moves_the_vectors_once(kind):
    """Values, gradients and states are those without it."""
    layer = kind(nn.Linear(3, 2, rng=0))
    twin, x = copy.deepcopy(layer), np.random.default_rng(0).normal(size=(4, 3))
    mg.sum(layer(x) ** 2).backward()
    mg.sum(mg.checkpoint(twin)(mg.tensor(x, requires_grad=True)) ** 2).backward()
    for (name, p), (_, q) in zip(layer.named_parameters(), twin.named_parameters(), strict=True):
        np.testing.assert_allclose(q.grad, p.grad, rtol=1e-12, err_msg=name)
    for name, values in layer.state_dict().items():
        np.testing.assert_array_equal(twin.state_dict()[name], values)


@both
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_dtype_stays(kind, dtype):
    layer = nn.Linear(3, 2, rng=0).astype(dtype)
    before = layer.weight.data.copy()
    y = kind(layer)(np.ones((4, 3), dtype))
    y.sum().backward()
    assert layer.weight.dtype == y.dtype == dtype
    assert all(p.grad.dtype == dtype for p in layer.parameters())
    if kind is weight_norm:
        np.testing.assert_allclose(layer.weight.detach(), before, rtol=2e-3)


@both
def test_copies_are_independent(kind):
    layer = kind(nn.Linear(3, 2, rng=0)).eval()
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(twin.weight.detach(), layer.weight.detach())
        for p in twin.parameters():
            p.data = p.data + 1
        assert not np.array_equal(twin.weight.detach(), layer.weight.detach())


def test_two_parameters_of_a_layer_can_be_computed():
    """A recurrent layer reads them by name; what is frozen stays so."""
    layer = nn.LSTM(3, 4, rng=0)
    x = np.random.default_rng(0).normal(size=(5, 2, 3))
    want = layer(x)[0].detach()
    layer.weight_ih_l0.requires_grad = False
    weight_norm(weight_norm(layer, "weight_ih_l0"), "weight_hh_l0")
    np.testing.assert_allclose(layer(x)[0].detach(), want, rtol=1e-12)
    frozen = [name for name, p in layer.named_parameters() if not p.requires_grad]
    assert frozen == [f"parametrizations.weight_ih_l0.original{i}" for i in (0, 1)]
    remove_parametrizations(layer, "weight_ih_l0")
    np.testing.assert_allclose(layer(x)[0].detach(), want, rtol=1e-12)


REFUSED = {
    "twice": (
        lambda m: weight_norm(weight_norm(m)),
        r"is computed already. Call remove_parametrizations\(module, 'weig",
    ),
    "name": (lambda m: weight_norm(m, "wait"), "this Linear has no parameter 'wait' itself; it has weight, bias"),
    "none": (lambda m: spectral_norm(nn.Tanh()), "this Tanh has no parameter 'weight' itself; it has none"),
    "axis": (lambda m: spectral_norm(m, axis=2), r"a parameter of shape \(3, 2\) has no axis 2"),
    "count": (
        lambda m: spectral_norm(m, n_power_iterations=0),
        "n_power_iterations of spectral_norm is at least 1; got",
    ),
    "not computed": (remove_parametrizations, "weight of this Linear is not computed from other parameters"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    call, text = REFUSED[name]
    with pytest.raises(ValueError, match=text):
        call(nn.Linear(3, 2, rng=0))


def test_a_computed_parameter_is_not_set():
    """What the error says works."""
    layer = weight_norm(nn.Linear(3, 2, rng=0))
    with pytest.raises(
        TypeError, match="Linear.weight is computed from other parameters, and what is set here would hide"
    ):
        layer.weight = nn.Parameter(np.ones((3, 2)))
    nn.parametrizations.remove_parametrizations(layer, "weight")
    layer.weight = nn.Parameter(np.ones((3, 2)))


def test_an_attribute_that_is_not_there_is_missed_as_ever():
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'wait'"):
        nn.Linear(3, 2).wait  # noqa: B018, the name is what is asked for
    assert not hasattr(weight_norm(nn.Linear(3, 2)), "wait")
