"""Optimizers whose step depends on all elements of a parameter together, beside their papers' algorithms."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim

START = np.linspace(-1.5, 2, 12).reshape(3, 4)


def gradient(w):
    return w**3 + np.cos(w)


def followed(optimizer, w, steps):
    """The weights after each step of an optimizer."""
    for expected in steps:
        w.grad = gradient(w.data)
        optimizer.step()
        np.testing.assert_allclose(w.data, expected, rtol=1e-11)


def lamb(lr, betas, eps, weight_decay, w):
    """Algorithm 2 of You et al., a parameter as one layer."""
    m = v = 0 * w
    for t in range(1, 21):
        g = gradient(w)
        m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2
        r = m / (1 - betas[0] ** t) / (np.sqrt(v / (1 - betas[1] ** t)) + eps) + weight_decay * w
        norm_w, norm_r = np.sqrt((w**2).sum()), np.sqrt((r**2).sum())
        w = w - lr * (norm_w / norm_r if norm_w and norm_r else 1.0) * r
        yield w


@pytest.mark.parametrize(("betas", "weight_decay"), [((0.9, 0.999), 0.0), ((0.5, 0.8), 0.1)])
@pytest.mark.parametrize("start", [START, 0 * START], ids=["", "from zero"])
def test_lamb_follows_the_paper(betas, weight_decay, start):
    """20 steps agree with its algorithm written out; weights of zero have no length, and are moved all the same."""
    w = mg.tensor(start, requires_grad=True)
    optimizer = optim.LAMB([w], 0.03, betas, 1e-6, weight_decay)
    followed(optimizer, w, lamb(0.03, betas, 1e-6, weight_decay, start))


def muon(lr, weight_decay, momentum, nesterov, scale, w):
    """Keller Jordan's loop, in double precision."""
    b = 0 * w
    for _ in range(10):
        g = gradient(w)
        b = momentum * b + (1 - momentum) * g
        x = (1 - momentum) * g + momentum * b if nesterov else b
        x = x / np.linalg.norm(x)
        for _ in range(5):
            a = x @ x.T
            x = 3.4445 * x - 4.775 * a @ x + 2.0315 * a @ a @ x
        w = (1 - lr * weight_decay) * w - lr * scale * x
        yield w


@pytest.mark.parametrize(
    ("shape", "options", "scale"),
    [
        ((3, 4), {}, (4 / 3) ** 0.5),
        ((4, 3), {"nesterov": False}, 1.0),
        ((4, 3), {"adjust_lr_fn": "match_rms_adamw", "weight_decay": 0.0}, 0.4),
        ((4, 3), {"adjust_lr_fn": "spectral_unclamped", "momentum": 0.5}, 0.75**0.5),
    ],
)
def test_muon_follows_its_authors_loop(shape, options, scale):
    """10 steps of matrices that are wide and tall."""
    start = START.reshape(shape)
    w = mg.tensor(start, requires_grad=True)
    how = {"weight_decay": 0.1, "momentum": 0.95, "nesterov": True, **options}
    own = {key: how[key] for key in ("weight_decay", "momentum", "nesterov")}
    followed(optim.Muon([w], 0.02, **options), w, muon(0.02, scale=scale, w=start, **own))


def test_muon_brings_singular_values_near_one():
    """Of a step of length one: all of them between 0.65 and 1.25, whatever the gradient's are."""
    w = mg.tensor(np.zeros((6, 4)), requires_grad=True)
    w.grad = np.random.default_rng(0).normal(size=(6, 4)) @ np.diag([1.0, 0.5, 0.2, 0.1])
    optim.Muon([w], 1.0).step()
    found = np.linalg.svd(w.data, compute_uv=False)
    assert found.min() > 0.65
    assert found.max() < 1.25


def test_muon_as_it_is_set_between_steps():
    """More improvements, or another scale, act on the next step, compiled or not."""
    found = []
    for compiled in (False, True):
        w = mg.tensor(START, requires_grad=True)
        optimizer = optim.Muon([w], 0.1)
        step = mg.compile(optimizer.step) if compiled else optimizer.step
        for change in ({}, {"ns_steps": 1}, {"adjust_lr_fn": "match_rms_adamw"}, {}):
            for name, value in change.items():
                setattr(optimizer, name, value)
            w.grad = gradient(w.data)
            step()
            found.append(w.data.copy())
    np.testing.assert_array_equal(found[:4], found[4:])


REFUSED = [
    (
        lambda w: optim.Muon([mg.tensor([1.0], requires_grad=True)]),
        r"updates matrices; .* shape \(1,\)\. Give .*AdamW",
    ),
    (lambda w: optim.Muon([w], ns_steps=-1), "ns_steps is an integer, at least 0; got -1"),
    (
        lambda w: optim.Muon([w], adjust_lr_fn="none"),
        "adjust_lr_fn is one of 'original', 'match_rms_adamw', 'spect",
    ),
    (lambda w: optim.Muon([w], ns_coefficients=(1.0, 2.0)), "ns_coefficients is 3 numbers; got"),
    (
        lambda w: optim.Rprop([w], etas=(1.1, 1.2)),
        "etas are a factor above 0 and below 1, and one above 1; got 1.1",
    ),
    (lambda w: optim.Rprop([w], step_sizes=(2.0, 1.0)), "step_sizes are the least length and the largest; got 2 and 1"),
    (lambda w: optim.Adafactor([w], beta2_decay=0.5), "beta2_decay is a finite number"),
    (lambda w: optim.Adafactor([w], d=0.5), "d is a finite number, at least 1; got 0.5"),
    (lambda w: optim.Adafactor([w], eps=1e-3), "eps is 2 numbers; got 0.001"),
    (lambda w: optim.ASGD([w], alpha=-1.0), "alpha is a finite number, at least 0; got -1"),
]


@pytest.mark.parametrize(("make", "text"), REFUSED, ids=[text for _, text in REFUSED])
def test_what_these_optimizers_do_not_take_is_refused_by_name(make, text):
    with pytest.raises(ValueError, match=text):
        make(mg.tensor(START, requires_grad=True))


def test_none_is_the_precision_of_the_dtype_for_adafactor():
    """As in PyTorch: the first of eps may be None."""
    found = []
    for eps in ((None, 1e-3), (float(np.finfo(np.float64).eps), 1e-3)):
        w = mg.tensor(START, requires_grad=True)
        optimizer = optim.Adafactor([w], eps=eps)
        w.grad = np.zeros((3, 4))
        w.grad.data[0, 0] = 1e-200
        optimizer.step()
        found.append(w.data.tobytes())
    assert found[0] == found[1]
