"""Every optimizer with any options, on parameters and gradients of every dtype and layout, beside double precision."""

import contextlib
import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import optim
from minigrad.optim import slot as slots

from .test_layouts import LAYOUTS

OPTIMIZERS = sorted(
    (x for x in vars(optim).values() if inspect.isclass(x) and issubclass(x, optim.Optimizer)),
    key=lambda x: x.__name__,
)
STEPPED = [x for x in OPTIMIZERS if x not in (optim.Optimizer, optim.LBFGS)]  # without a closure
every_optimizer = pytest.mark.parametrize("kind", STEPPED, ids=lambda x: x.__name__)
WHOLE = (optim.LAMB, optim.Adafactor, optim.Muon)  # whose steps depend on all elements together
every_one_of_single_elements = pytest.mark.parametrize(
    "kind", [x for x in STEPPED if x not in WHOLE], ids=lambda x: x.__name__
)
DTYPES = [np.float16, np.float32, np.float64]
WRITABLE = [name for name in LAYOUTS if name != "read-only"]

# The values of each option. A decay of half at least, as the variance of fewer gradients is a difference of equals.
VALUES = {
    "lr": st.floats(1e-3, 0.1),
    "betas": st.tuples(st.floats(0, 0.95), st.floats(0.5, 0.999)),
    "eps": st.floats(1e-3, 1),
    "weight_decay": st.sampled_from([0.0, 0.1]),
    "lambd": st.floats(1e-4, 0.1),
    "t0": st.floats(0, 3),
    "etas": st.tuples(st.floats(0.1, 0.9), st.floats(1.1, 2)),
    "step_sizes": st.tuples(st.floats(1e-3, 0.1), st.floats(0.2, 1)),
    "d": st.floats(1, 2),
    "beta2_decay": st.floats(-1, -0.1),
    "ns_coefficients": st.just((3.4445, -4.775, 2.0315)),
    "ns_steps": st.integers(0, 5),
    "adjust_lr_fn": st.sampled_from(["original", "match_rms_adamw", "spectral_unclamped"]),
    **dict.fromkeys(("momentum", "dampening"), st.sampled_from([0.0, 0.5])),
    **dict.fromkeys(("alpha", "rho"), st.floats(0.5, 0.99)),
    **dict.fromkeys(("lr_decay", "momentum_decay", "initial_accumulator_value"), st.floats(0, 0.1)),
    **dict.fromkeys(("nesterov", "amsgrad", "centered", "decoupled_weight_decay", "maximize"), st.booleans()),
}
EVERY_OPTION_ON = {
    "weight_decay": 0.1, "momentum": 0.5, "nesterov": True, "amsgrad": True, "centered": True,
    "decoupled_weight_decay": True, "initial_accumulator_value": 0.1, "lr_decay": 0.1,
}  # fmt: skip


def options_of(kind):
    """The names of the options of an optimizer; each has a line in VALUES, so that a new one is not forgotten."""
    return [name for name in inspect.signature(kind).parameters if name != "params"]


@st.composite
def options(draw, kind):
    drawn = {name: draw(VALUES[name]) for name in options_of(kind)}
    if kind is optim.Adafactor:
        drawn["eps"] = (drawn["eps"], 1e-3)
    if drawn.get("nesterov"):
        drawn |= {"momentum": 0.5, **({"dampening": 0.0} if "dampening" in drawn else {})}
    return drawn


def every_option_on(kind):
    return {"lr": 0.1, **{name: x for name, x in EVERY_OPTION_ON.items() if name in options_of(kind)}}


def shaped(kind, values):
    """Values as the optimizer takes them."""
    return np.reshape(values, (1, -1)) if kind is optim.Muon else np.asarray(values)


def leaf(values):
    """A leaf in the very memory of an array."""
    w = mg.asarray(values)
    w.requires_grad = True
    return w


# Gradients keep their sign from step to step, as Lion's step is that of their sum.
magnitudes = st.lists(st.sampled_from([0.0, 1e-3, 0.1, 0.5, 1.0, 30.0, 1000.0]), min_size=6, max_size=6)


@every_optimizer
@given(data=st.data())
def test_a_step_is_that_of_double_precision_rounded(kind, data):
    """From the same weights and gradients each step has the weights of double precision, rounded to the dtype once."""
    dtype = data.draw(st.sampled_from(DTYPES))
    layout, layout_of_gradients = (LAYOUTS[data.draw(st.sampled_from(names))] for names in (WRITABLE, list(LAYOUTS)))
    chosen = data.draw(options(kind))
    start = np.array([[1.0, -2.0, 0.5], [0.1, -30.0, 4.0]])
    w, exact = leaf(layout(start.astype(dtype))), leaf(start.copy())
    ours, reference = kind([w], **chosen), kind([exact], **chosen)
    memory, limits = w.data, np.finfo(dtype)
    for _ in range(4):
        g = (np.sign(start) * np.reshape(data.draw(magnitudes), (2, 3))).astype(dtype)
        exact.data = before = w.data.astype(np.float64)
        exact.grad, w.grad = g, mg.asarray(layout_of_gradients(g))
        ours.step()
        reference.step()
        # An ulp of the weight, as what is rounded is off by a little; and what single precision loses of the step.
        bound = float(limits.eps) * np.abs(exact.data) + float(limits.smallest_subnormal)
        bound += 0 if dtype is np.float64 else 2e-5 * np.abs(exact.data - before)
        assert (np.abs(w.data - exact.data) <= bound).all()
    assert w.data is memory
    assert w.data.dtype == dtype


@every_optimizer
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda x: x.__name__)
def test_blocks_and_layouts_change_no_bit(kind, dtype, monkeypatch):
    """Several steps with every option on: the same bits in each layout, compiled, and cut into blocks."""
    start = np.linspace(-2, 2, 42).reshape(6, 7).astype(dtype)
    found = {}
    for name in (*WRITABLE, "compiled", "blocks"):
        monkeypatch.setattr(slots, "BLOCK", 32 if name == "blocks" else 1 << 19)
        w = leaf(LAYOUTS.get(name, np.copy)(start.copy()))
        optimizer = kind([w], **every_option_on(kind))
        step = mg.compile(optimizer.step) if name == "compiled" else optimizer.step
        for i in range(5):
            w.grad = np.cos(start * i) + start
            step()
        assert bool(optimizer._slots[0].blocks) == (name == "blocks" and kind.elementwise)
        found[name] = w.data.copy()
    for values in found.values():
        if kind in WHOLE:  # sums over another layout are rounded otherwise
            np.testing.assert_allclose(values, found["C"], rtol=200 * np.finfo(dtype).eps)
        else:
            assert values.tobytes() == found["C"].tobytes()
    if "C" in found:
        assert found["compiled"].tobytes() == found["C"].tobytes()


@every_optimizer
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda x: x.__name__)
def test_a_zero_gradient_moves_no_weight(kind, dtype):
    """Without weight decay a gradient of 0 leaves the bits of each weight, whatever eps is rounded to."""
    names = options_of(kind)
    small = [(eps, 1e-3) if kind is optim.Adafactor else eps for eps in (0.0, 1e-60)]
    for more in ({}, *({"eps": eps} for eps in small)) if "eps" in names else ({},):
        start = shaped(kind, np.array([1.0, -2.0, 6e-8, 0.0], dtype))
        w = mg.tensor(start, requires_grad=True)
        optimizer = kind([w], lr=0.1, **more, **{x: 0.0 for x in ("weight_decay", "lambd") if x in names})
        for _ in range(3):
            w.grad = np.zeros(start.shape)
            optimizer.step()
            assert w.data.tobytes() == start.tobytes()
        w.grad = np.ones(start.shape)
        optimizer.step()
        assert (w.data <= start).all()
        assert np.isfinite(w.data).all()


@pytest.mark.parametrize(
    ("kind", "eps", "size"), [(optim.Adadelta, 1e-30, 1e-12), (optim.Adam, 1e-20, 1e-15), (optim.RMSprop, 1e-20, 1e-15)]
)
def test_a_small_eps_is_what_it_was_set_to(kind, eps, size):
    """In single precision as well, down to where squares of gradients end: the step is that of double precision."""
    w, exact = (mg.tensor(np.zeros(2, dtype), requires_grad=True) for dtype in (np.float32, np.float64))
    for x in (w, exact):
        optimizer = kind([x], lr=0.1, eps=eps)
        for _ in range(3):
            x.grad = np.float32([size, -10 * size])
            optimizer.step()
    np.testing.assert_allclose(w.data, exact.data, rtol=1e-5)


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_native_code_of_half_precision_has_the_bits_of_the_step(kind):
    """A step and clipping in native code, on parameters of which one is float16."""
    pytest.importorskip("llvmlite")
    runs = []
    for native in (False, True):
        params = [mg.tensor(np.linspace(-2, 2, 7).astype(dtype), requires_grad=True) for dtype in DTYPES[:2]]
        optimizer = kind(params, lr=0.1, weight_decay=0.1)

        def step(params=params, optimizer=optimizer):
            optim.clip_grad_norm_(params, 10.0)
            optimizer.step()

        call = mg.compile(step, backend="numba") if native else step
        for i in range(3):
            for p in params:
                p.grad = 300 * np.cos(p.data * i)
            call()
        runs.append([p.data.tobytes() for p in params])
    assert runs[0] == runs[1]


@every_one_of_single_elements
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_spoils_its_own_weight_alone(kind, bad):
    """The other weights go as they would without it; after another step at the latest, its own is not finite."""
    found = []
    for first in (bad, 1.0):
        w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
        optimizer = kind([w], **every_option_on(kind))
        with np.errstate(invalid="ignore"):
            for g in (first, 1.0):
                w.grad = [g, 0.5, -0.5]
                optimizer.step()
        found.append(w.data)
    assert not np.isfinite(found[0][0]) or (kind is optim.Rprop and bad == np.inf)  # whose sign is that of any number
    assert found[0][1:].tobytes() == found[1][1:].tobytes()


@every_optimizer
def test_a_parameter_without_elements_is_in_nobodys_way(kind):
    """Alone or beside another, compiled or not, as a rule: it stays as it is, and the other goes its way."""
    start, found = shaped(kind, np.linspace(-1, 1, 4)), []
    for parts in (1, 2):
        w, nothing = mg.tensor(start, requires_grad=True), mg.tensor(np.zeros((0, 3)), requires_grad=True)
        optimizer = kind([w, nothing][:parts], **every_option_on(kind))
        for step in (optimizer.step, mg.compile(optimizer.step)):
            w.grad, nothing.grad = np.cos(start), np.zeros((0, 3))
            step()
        found.append(w.data.tobytes())
    assert found[0] == found[1]
    rule = kind.rule(lr=0.1)
    assert rule.updated(nothing.data, nothing.data, rule.init(nothing.data))[0].shape == (0, 3)


@every_optimizer
def test_what_cannot_be_a_gradient_is_refused_when_it_is_set(kind):
    """The former gradient stays, and the step is that against it; another floating dtype is cast to the weight's."""
    sparse = pytest.importorskip("scipy.sparse")
    found = []
    for refused in (
        (),
        (sparse.csr_array(np.ones((1, 3))), np.ones(4), np.ones(3, complex), mg.tensor([1, 2, 3]), "x"),
    ):
        w = mg.tensor(shaped(kind, np.ones(3, np.float32)), requires_grad=True)
        optimizer = kind([w], **every_option_on(kind))
        w.grad = shaped(kind, np.float64([0.1, -0.2, 0.3]) if refused else np.float32([0.1, -0.2, 0.3]))
        for g in refused:
            with pytest.raises((TypeError, ValueError), match="a tensor takes|a gradient has its tensor's"):
                w.grad = g
        optimizer.step()
        found.append(w.data.tobytes())
    assert found[0] == found[1]


@every_optimizer
def test_state_is_no_narrower_than_single_precision(kind):
    """The state of a parameter in half precision is kept in single; that of others, in their own dtype."""
    for dtype, kept in zip(DTYPES, (np.float32, np.float32, np.float64), strict=True):
        w = mg.tensor(shaped(kind, np.ones(3, dtype)), requires_grad=True)
        state = kind([w], **every_option_on(kind)).state_dict()["groups"]["0"]["params"]["0"]
        assert {x.dtype for x in state.values() if isinstance(x, np.ndarray)} <= {np.dtype(kept)}


@every_optimizer
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda x: x.__name__)
def test_a_saved_state_resumes_bit_by_bit(kind, dtype, tmp_path):
    """Three steps, a file, another optimizer, three steps: the bits of six, weights and state."""
    w = mg.tensor(shaped(kind, np.linspace(-1, 1, 5).astype(dtype)), requires_grad=True)
    optimizer = kind([w], **every_option_on(kind))

    def three_steps(w, optimizer):
        for _ in range(3):
            w.grad = np.sin(3 * w.data) + w.data
            optimizer.step()

    three_steps(w, optimizer)
    mg.save(tmp_path / "state.npz", {"w": w, "optimizer": optimizer.state_dict()})
    saved = mg.load(tmp_path / "state.npz")
    other = mg.tensor(saved["w"], requires_grad=True)
    resumed = kind([other], **every_option_on(kind))
    resumed.load_state_dict(saved["optimizer"])
    three_steps(w, optimizer)
    three_steps(other, resumed)
    assert other.data.tobytes() == w.data.tobytes()
    np.testing.assert_equal(resumed.state_dict(), optimizer.state_dict())


@pytest.mark.parametrize("layout", WRITABLE)
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda x: x.__name__)
def test_lbfgs_finds_a_minimum_in_every_dtype_and_layout(dtype, layout):
    """Of a sum of squares whose curvatures differ, beside a parameter of another dtype: to the precision of each."""
    right = np.array([[0.5, -1.25, 2.0], [-0.75, 3.0, 0.25]])
    w, other = leaf(LAYOUTS[layout](np.zeros((2, 3), dtype))), leaf(np.zeros(1, np.float32))
    optimizer = optim.LBFGS([w, other])
    factors = np.array([1.0, 2.0, 3.0], dtype)

    def closure():
        optimizer.zero_grad()
        loss = mg.sum(factors * (w - right.astype(dtype)) ** 2) + mg.sum((other - 1) ** 2)
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    # It stops where the value changes by less than 1e-9, the square of how far it still is.
    np.testing.assert_allclose(w.data, right, rtol=max(2 * float(np.finfo(dtype).eps), 3e-5))
    np.testing.assert_allclose(other.data, [1.0], rtol=3e-5)
    assert w.dtype == dtype


@pytest.mark.parametrize("kind", [x for x in OPTIMIZERS if x is not optim.Optimizer], ids=lambda x: x.__name__)
def test_what_has_no_gradient_is_no_parameter(kind):
    """Integers and booleans are refused by name, and so is memory that cannot be written to."""
    chosen = {"lr": 0.1}
    for values in (np.array([1, 2]), np.array([True])):
        with pytest.raises(ValueError, match="takes leaves that require grad; parameter 0 does not require grad"):
            kind([mg.tensor(values)], **chosen)
    for values in (LAYOUTS["read-only"](np.ones(3)), np.broadcast_to(1.0, (2, 3))):
        with pytest.raises(ValueError, match="changes its parameters in place; the memory of parameter 0 is read-only"):
            kind([leaf(values)], **chosen)


def test_small_steps_in_half_precision_add_up_in_the_moments():
    """Ten steps of 0.01 against a gradient whose square is beyond half precision go a tenth."""
    w = mg.tensor(np.ones(1, np.float16), requires_grad=True)
    optimizer = optim.Adam([w], lr=0.01)
    for _ in range(10):
        w.grad = np.array([300.0])
        optimizer.step()
    np.testing.assert_allclose(w.data, [0.9], atol=10 * 2**-12)  # ten times half an ulp


def training(compiled, events):
    """The weights and averages after each of some steps; between them, w is frozen, freed and given other memory."""
    w, v = leaf(np.ones(2)), leaf(np.ones(1))
    optimizer, ema = optim.Adam([w, v], lr=0.5), optim.EMA([w, v], decay=0.5)
    calls = [optimizer.step, lambda: optim.clip_grad_value_([w, v], 0.5), ema.update, ema.swap, optimizer.zero_grad]
    step, clip, update, swap, zero_grad = (mg.compile(f) if compiled else f for f in calls)
    found = []
    for i, event in enumerate(events):
        if event == "other memory":
            w.data = [7.0, 8.0]
        elif event:
            w.requires_grad = event == "free"
        if w.requires_grad:
            w.grad = [1.0, i]
        v.grad = [1.0]
        for call in (clip, step, update, swap):
            call()
        found.append([w.tolist(), v.tolist(), *(x.tolist() for x in ema.averages.values())])
        found.append([None if p.grad is None else p.grad.tolist() for p in (w, v)])
        zero_grad()
        assert w.grad is v.grad is None
    return found


@pytest.mark.parametrize(
    "events",
    [
        ("", "", "freeze", "", "other memory", "", "free", ""),
        ("freeze", "", "free", "", "freeze", "other memory", "free"),
    ],
    ids=["free at first", "frozen at first"],
)
def test_compiled_steps_follow_what_becomes_of_a_parameter(events):
    """A step, clipping, an average and zero_grad that were recorded do what they would now: with the same bits."""
    assert training(True, events) == training(False, events)


@pytest.mark.parametrize("rule", [lambda params: optim.SGD(params, lr=0.1), optim.Adam], ids=["sgd", "adam"])
def test_steps_without_grad_are_the_same(rule):
    """Within no_grad a step has the bits that it has outside, also after the learning rate was set."""

    def trained(quiet):
        w, v = (mg.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
        optimizer = rule([w, v])
        for lr in (0.1, 0.2, 0.2):
            optimizer.lr = lr
            mg.sum(w * w * v).backward()
            with mg.no_grad() if quiet else contextlib.nullcontext():
                optimizer.step()
            optimizer.zero_grad()
        return w.tolist(), v.tolist()

    assert trained(True) == trained(False)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (2, 0)])
@pytest.mark.parametrize("kind", [x for x in STEPPED if x is not optim.Muon], ids=lambda x: x.__name__)
def test_compiled_steps_of_one_number_and_of_none(kind, shape, dtype):
    """Of a parameter of one element or none they have the bits of the steps themselves, and one program does them."""
    ours, theirs = (mg.tensor(np.full(shape, 1.5, dtype), requires_grad=True) for _ in range(2))
    made = [kind([w]) if kind is not optim.SGD else kind([w], lr=0.1, momentum=0.5) for w in (ours, theirs)]
    compiled = mg.compile(made[0].step)
    for lr in (0.1, 0.1, 0.2, 0.3):
        for w, optimizer, step in zip((ours, theirs), made, (compiled, made[1].step), strict=True):
            w.grad = np.full(shape, 0.25, dtype)
            optimizer.lr = lr
            step()
    assert ours.data.tobytes() == theirs.data.tobytes()
    assert len(compiled.programs) == 1
