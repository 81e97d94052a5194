"""Hooks of modules: what they are called with, what they may change, and what comes out compiled or in a copy."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

X = np.arange(6.0).reshape(2, 3) / 6


def network():
    return nn.Sequential(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.Linear(4, 2, rng=1))


def doubled(module, args, output):
    return 2 * output


class Both(nn.Module):
    """Two inputs, a number and an option; two outputs, one of them a plain array."""

    def forward(self, a, b, power, keep=True):
        return {"product": a * b, "sums": [(a + b) ** power, np.ones(2)], "keep": keep}


# Forward


def test_forward_hooks_see_and_change_what_goes_through():
    """In the order in which they were added, until they are removed; a module without them is as it was."""
    model, calls = network(), []
    plain = model(X).detach()
    remove = [
        model[1].register_forward_pre_hook(lambda module, args: calls.append(("before", module, args))),
        model[1].register_forward_pre_hook(lambda module, args: args[0] * 0),
        model[1].register_forward_hook(lambda module, args, y: calls.append(("after", module, args, y))),
        model[1].register_forward_hook(lambda module, args, y: y + 1),
        model[1].register_forward_hook(doubled),
    ]
    y = model(X)
    np.testing.assert_allclose(y.detach(), model[2](np.full((2, 4), 2.0)).detach(), rtol=1e-15)
    (_, first, (entered,)), (_, second, (changed,), left) = calls
    assert first is second is model[1]
    np.testing.assert_array_equal(entered.detach(), model[0](X).detach())
    assert not changed.data.any()
    assert not left.data.any()
    for each in remove:
        each()
        each()
    np.testing.assert_array_equal(model(X).detach(), plain)
    assert len(calls) == 2


def test_a_pre_hook_may_change_all_arguments():
    """As a tuple; named ones are not its business."""
    module = Both()
    module.register_forward_pre_hook(lambda module, args: (args[1], args[0] + 1, 1))
    out = module(np.ones(2), np.full(2, 5.0), 3, keep=False)
    assert out["product"].tolist() == [10, 10]
    assert out["sums"][0].tolist() == [7, 7]
    assert out["keep"] is False


def test_one_hook_twice_is_two_hooks():
    """Each is removed by its own function."""
    module = nn.Tanh()
    first, second = module.register_forward_hook(doubled), module.register_forward_hook(doubled)
    y = np.tanh(X)
    np.testing.assert_array_equal(module(X), 4 * y)
    second()
    np.testing.assert_array_equal(module(X), 2 * y)
    second()
    np.testing.assert_array_equal(module(X), 2 * y)
    first()
    np.testing.assert_array_equal(module(X), y)


def test_derivatives_flow_through_forward_hooks():
    """In transformations, and under checkpoint."""
    model = network().requires_grad_(False)
    want = mg.grad(lambda x: mg.sum(model[2](2 * model[1](model[0](x)))))(X)
    model[1].register_forward_hook(doubled)
    for function in (model, mg.checkpoint(model)):
        np.testing.assert_allclose(mg.grad(lambda x, f=function: mg.sum(f(x)))(X), want, rtol=1e-14)
    _, tangent = mg.jvp(lambda x: mg.sum(model(x)), (X,), (X,))
    np.testing.assert_allclose(tangent, np.sum(want * X), rtol=1e-14)


# Backward


def test_a_backward_hook_sees_the_gradients_at_both_ends():
    """Of the input and of the output, once in each pass, also where the input has none."""
    model, calls = network(), []
    for layer in model:
        layer.register_full_backward_hook(lambda module, before, after: calls.append((module, before, after)))
    y = model(X)
    y.backward(np.ones((2, 2)), retain_graph=True)
    assert [module for module, _, _ in calls] == [model[2], model[1], model[0]]
    (_, (at_two,), (ones,)), (_, (at_one,), (after_tanh,)), (_, entered, (after_first,)) = calls
    np.testing.assert_array_equal(ones, np.ones((2, 2)))
    np.testing.assert_allclose(at_two, np.ones((2, 2)) @ model[2].weight.data.T, rtol=1e-15)
    np.testing.assert_array_equal(at_two, after_tanh)
    np.testing.assert_array_equal(at_one, after_first)
    assert entered == (None,)
    y.backward(np.ones((2, 2)))
    assert len(calls) == 6


def test_a_backward_hook_changes_the_gradient_of_the_input():
    """For what lies before; the module's own parameters have theirs as ever. Two hooks change it twice."""
    model = network()
    model(X).sum().backward()
    want = [p.grad.data.copy() for p in model.parameters()]
    removes = [
        model[2].register_full_backward_hook(lambda module, before, after: (before[0] * 3,)),
        model[2].register_full_backward_hook(lambda module, before, after: before[0] * 2),
    ]
    model.zero_grad()
    model(X).sum().backward()
    for p, g, factor in zip(model.parameters(), want, (6, 6, 1, 1), strict=True):
        np.testing.assert_allclose(p.grad, factor * g, rtol=1e-14)
    for remove in removes:
        remove()
    model.zero_grad()
    model(X).sum().backward()
    np.testing.assert_array_equal(model[0].weight.grad, want[0])


def test_gradients_of_several_inputs_and_outputs_come_together():
    """In their places, with None for what has none; each is changed for itself, in its dtype."""
    module, calls = Both(), []
    a = mg.tensor(np.ones((2, 1), np.float32), requires_grad=True)
    b = mg.tensor(np.full(2, 2.0), requires_grad=True)
    module.register_full_backward_hook(lambda module, before, after: calls.append((before, after)))
    module.register_full_backward_hook(lambda module, before, after: (before[0] * 2, before[1] * 3, None))
    out = module(a, b, 2, keep=True)
    mg.sum(out["product"] * 5 + out["sums"][0]).backward()
    (before, after), *rest = calls
    assert not rest
    assert before[2] is None
    np.testing.assert_allclose(before[0], np.full((2, 1), 32.0))
    np.testing.assert_allclose(before[1], np.full(2, 22.0))
    assert [g if g is None else g.tolist() for g in after] == [[[5, 5]] * 2, [[1, 1]] * 2, None, None]
    np.testing.assert_allclose(a.grad, np.full((2, 1), 64.0))
    np.testing.assert_allclose(b.grad, np.full(2, 66.0))
    assert (a.grad.dtype, b.grad.dtype) == (np.float32, np.float64)


def test_a_backward_hook_without_gradients_is_not_called():
    """Under no_grad, and where nothing learns."""
    model, calls = network().requires_grad_(False), []
    model.register_full_backward_hook(lambda *args: calls.append(args))
    model(X)
    with mg.no_grad():
        network()(X)
    assert not calls


def test_what_goes_around_a_module_calls_no_hook():
    """An input that the module has given to somebody else as well; later passes through it do."""

    class Leaky(nn.Module):
        def forward(self, x):
            kept.append(x)
            return x * 2

    module, kept, calls = Leaky(), [], []
    module.register_full_backward_hook(lambda *args: calls.append(args))
    x = mg.tensor(X, requires_grad=True)
    y = module(x)
    kept[0].sum().backward(retain_graph=True)
    assert not calls
    y.sum().backward()
    assert len(calls) == 1
    np.testing.assert_array_equal(x.grad, np.full((2, 3), 3.0))


def test_gradients_of_gradients_flow_through_backward_hooks():
    """The hook scales the first derivative, so the second one as well."""
    module = nn.Tanh()
    module.register_full_backward_hook(lambda module, before, after: (before[0] * 3,))
    x = mg.tensor(X, requires_grad=True)
    module(x).sum().backward(create_graph=True)
    first = x.grad
    np.testing.assert_allclose(first.detach(), 3 * (1 - np.tanh(X) ** 2), rtol=1e-14)
    x.grad = None
    first.sum().backward()
    np.testing.assert_allclose(x.grad, -6 * np.tanh(X) * (1 - np.tanh(X) ** 2), rtol=1e-13)


def test_transformations_refuse_backward_hooks_by_name():
    """They would not be called. With the hook removed, it works."""
    layer = nn.Linear(3, 1, rng=0)
    remove = layer.register_full_backward_hook(lambda *args: None)
    ways = (
        lambda: mg.grad(lambda x: mg.sum(layer(x)))(X),
        lambda: mg.jvp(layer, (X,), (X,)),
        lambda: mg.checkpoint(layer)(mg.tensor(X, requires_grad=True)),
        lambda: mg.grad(lambda p: mg.sum(nn.functional_call(layer, p, X)))(dict(layer.named_parameters())),
    )
    for way in ways:
        with pytest.raises(mg.GradientError, match=r"hook of Linear is called by backward\(\) alone, and"):
            way()
    remove()
    for way in ways:
        way()


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (lambda g: (g, g), r"\(2, 4\), \(2, 4\)"),
        (lambda g: (None,), "None"),
        (lambda g: (), "none"),
        (lambda g: g.T, r"\(4, 2\)"),
        (lambda g: 1.0, r"\(\)"),
    ],
)
def test_a_backward_hook_that_returns_something_else_is_refused(answer, text):
    """Neither gradients in the shapes of the inputs nor None; no gradient has been added to."""
    model = network()
    model[2].register_full_backward_hook(lambda module, before, after: answer(before[0]))
    with pytest.raises(mg.GradientError, match=r"Linear returns None, or .* of shapes \(2, 4\); got " + text + "$"):
        model(X).sum().backward()
    assert all(p.grad is None for p in model.parameters())


# Compiled, and in copies


def test_hooks_are_part_of_a_compiled_step():
    """Forward and backward ones, added and removed between the calls."""
    ours, theirs, x = network(), network(), mg.tensor(X)

    def step_of(model):
        def step(x):
            model.zero_grad()
            loss = model(x).sum()
            loss.backward()
            return loss, [p.grad for p in model.parameters()]

        return step

    compiled, step = mg.compile(step_of(ours)), step_of(theirs)

    def compare():
        for _ in range(3):
            (loss, gradients), (want, wanted) = compiled(x), step(x)
            assert loss.item() == want.item()
            for g, w in zip(gradients, wanted, strict=True):
                np.testing.assert_array_equal(g.data, w.data)

    compare()
    added = []
    for model in (ours, theirs):
        added.append(model[1].register_forward_hook(doubled))
        added.append(model[0].register_forward_pre_hook(lambda module, args: args[0] + 1))
        added.append(model[2].register_full_backward_hook(lambda module, before, after: (before[0] * 3,)))
    compare()
    for remove in added:
        remove()
    compare()


def test_copies_have_the_hooks():
    """By deepcopy and by pickle, where the hook is a function that pickle finds; each removes its own."""
    module = nn.Tanh()
    remove = module.register_forward_hook(doubled)
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        np.testing.assert_array_equal(twin(X), 2 * np.tanh(X))
    twin = copy.deepcopy(module)
    remove()
    np.testing.assert_array_equal(module(X), np.tanh(X))
    np.testing.assert_array_equal(twin(X), 2 * np.tanh(X))


def test_what_is_no_function_is_refused():
    for register in ("register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook"):
        with pytest.raises(TypeError, match="a hook is a function; got a int"):
            getattr(nn.Tanh(), register)(3)
