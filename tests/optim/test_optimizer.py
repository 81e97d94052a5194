"""What all optimizers share: parameters, groups, hyperparameters, state, and compiled steps."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim import slot as slots
from minigrad.testing.strict import StrictArray

from .make_reference import START
from .test_updates import EACH, descend, made


def leaf(values=START, **options):
    return mg.tensor(values, requires_grad=True, **options)


# The step


def test_step_writes_into_the_parameters_memory():
    """The array that a parameter held before a step holds the new values after it."""
    w = leaf()
    memory = w.data
    descend(optim.SGD([w], lr=0.1), w)
    assert w.data is memory
    assert not np.array_equal(memory, START)


def test_parameter_without_gradient_is_left_alone():
    """A parameter whose grad is None is not moved, not even by weight decay or momentum."""
    for optimizer_of in (lambda p: optim.SGD(p, 0.1, 0.9, weight_decay=0.5), lambda p: optim.AdamW(p, 0.1)):
        used, unused = leaf([1.0]), leaf([5.0])
        optimizer = optimizer_of([used, unused])
        for _ in range(3):
            optimizer.zero_grad()
            used.sum().backward()
            optimizer.step()
        assert unused.item() == 5.0
        assert used.item() != 1.0


def test_parameter_that_stops_requiring_grad_is_left_alone():
    """A frozen parameter is passed over by step and zero_grad."""
    w = leaf([1.0])
    optimizer = optim.SGD([w], lr=0.1)
    w.requires_grad = False
    optimizer.zero_grad()
    optimizer.step()
    assert w.item() == 1.0


def test_a_frozen_parameter_can_get_other_memory():
    """Values given to a frozen parameter, which gets a new array for them, are updated once it is free again."""
    w = leaf([1.0])
    optimizer = optim.Adam([w], lr=0.5)
    w.requires_grad = False
    w.data = [7.0]
    w.requires_grad = True
    w.grad = [1.0]
    optimizer.step()
    assert w.item() == pytest.approx(6.5, abs=1e-7)  # eps shortens the step


def test_a_parameter_that_changes_its_dtype_is_refused():
    """State of another dtype cannot serve: the error names the parameter, and no other is updated."""
    first, second = leaf([1.0]), leaf([1.0])
    optimizer = optim.Adam([("first", first), ("second", second)], lr=0.5)
    first.grad = second.grad = [1.0]
    second.value = second.value.astype(np.float32)
    with pytest.raises(
        TypeError,
        match=r"parameter second was float64 of shape \(1,\) when the optimizer was made, and is now float32 of "
        r"shape \(1,\). Make the optimizer after such changes",
    ):
        optimizer.step()
    assert first.item() == 1.0


def test_memory_that_became_read_only_is_refused():
    """A parameter that was given an array which cannot be written to: no parameter and no state moves."""
    first, second = leaf([1.0]), leaf([1.0])
    optimizer = optim.Adam([("first", first), ("second", second)], lr=0.5)
    before = optimizer.state_dict()
    first.grad = second.grad = [1.0]
    second.value = np.broadcast_to(1.0, (1,))
    with pytest.raises(
        ValueError, match="changes its parameters in place; the memory of parameter second is read-only"
    ):
        optimizer.step()
    assert first.item() == 1.0
    np.testing.assert_equal(optimizer.state_dict(), before)


def test_zero_grad_sets_none():
    """zero_grad leaves no gradient, not a zero."""
    w = leaf()
    w.sum().backward()
    optim.SGD([w], lr=0.1).zero_grad()
    assert w.grad is None


@pytest.mark.parametrize("compiled", [False, True])
def test_zero_grad_can_leave_zeros(compiled):
    """With set_to_none=False gradients stay, in their own memory, and are 0; where there is none, none is made."""
    w, v = leaf(), leaf()
    optimizer = optim.SGD([w, v], lr=0.1)
    zero = mg.compile(lambda: optimizer.zero_grad(set_to_none=False)) if compiled else optimizer.zero_grad
    for _ in range(3):
        w.grad = np.ones(3)
        memory = w.grad.data
        zero() if compiled else zero(False)
        assert w.grad.data.tolist() == memory.tolist() == [0, 0, 0]
        assert v.grad is None


def test_a_gradient_that_was_looked_at_is_used_the_same():
    """Looking at .grad, which makes it a Tensor, does not change the step."""
    w, v = leaf(), leaf()
    for x, look in ((w, False), (v, True)):
        optimizer = optim.SGD([x], lr=0.1)
        (x**3).sum().backward()
        assert not look or x.grad.shape == (3,)
        optimizer.step()
    np.testing.assert_array_equal(w.data, v.data)


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.1), lambda p: optim.Adam(p)])
def test_graph_from_before_a_step_refuses_backward(make):
    """A step is a change in place: a graph that needs the old weights says so."""
    w = leaf()
    loss = (w**2).sum()
    loss.backward(retain_graph=True)
    make([w]).step()
    with pytest.raises(mg.GraphError, match="square saved a leaf that has been changed in place"):
        loss.backward()


def test_a_step_under_no_grad_is_the_same():
    """It makes no difference whether operations are recorded in a graph around a step."""
    w, v = leaf(), leaf()
    w.grad = v.grad = np.ones(3)
    optim.Adam([w], lr=0.1).step()
    with mg.no_grad():
        optim.Adam([v], lr=0.1).step()
    np.testing.assert_array_equal(w.data, v.data)


# Compiled steps and other arrays


@pytest.mark.parametrize(("name", "options"), EACH, ids=str)
@pytest.mark.parametrize("block", [8, 1 << 19])
def test_a_compiled_step_has_the_bits_of_the_step(name, options, block, monkeypatch):
    """From the first step on, with one recording, also after a change of the learning rate."""
    monkeypatch.setattr(slots, "BLOCK", block)
    w, v = leaf(), leaf()
    ours, theirs = (made(name, [x], {"lr": 0.1, **options}) for x in (w, v))

    @mg.compile
    def step(g):
        w.grad = w.data * g
        ours.step()

    for i in range(8):
        if i == 5:
            ours.lr = theirs.lr = 0.05
        g = np.cos(v.data) + i
        step(g)
        v.grad = v.data * g
        theirs.step()
        assert w.data.tobytes() == v.data.tobytes()
    assert len(step._replays) == 1


@pytest.mark.parametrize(("name", "options"), EACH, ids=str)
def test_arrays_of_another_library_can_be_parameters(name, options):
    """Parameters that refuse to become NumPy's arrays are updated by the same rules."""
    w, v = mg.asarray(StrictArray(np.array(START))), leaf()
    w.requires_grad = True
    optimizer, plain = (made(name, [x], {"lr": 0.1, **options}) for x in (w, v))
    for _ in range(3):
        w.node.notes.grad, v.node.notes.grad = StrictArray(v.data**3), v.data**3
        optimizer.step()
        plain.step()
    np.testing.assert_allclose(w.value.values, v.data, rtol=1e-11)  # the powers of numbers and arrays differ
    optimizer.load_state_dict(plain.state_dict())
    optimizer.load_state_dict(optimizer.state_dict())


def test_arrays_of_two_libraries_are_updated_in_one_step():
    """Beside a parameter of another library, one of NumPy's goes as it would alone, also after a change of lr."""
    w, v, other = leaf(), leaf(), mg.asarray(StrictArray(np.array(START)))
    other.requires_grad = True
    both, alone = optim.Adam([w, other], lr=0.1), optim.Adam([v], lr=0.1)
    for lr in (0.1, 0.5):
        both.lr = alone.lr = lr
        w.grad = v.grad = np.ones(3)
        other.node.notes.grad = StrictArray(np.ones(3))
        both.step()
        alone.step()
        assert w.tolist() == v.tolist()


# Hyperparameters and groups


def test_hyperparameters_can_be_set_between_steps():
    """A schedule sets lr, of all or of a group, and the next step is of that length."""
    w, v = leaf([1.0]), leaf([1.0])
    optimizer = optim.SGD([{"params": [w]}, {"params": [v], "lr": 0.25}], lr=0.1)
    optimizer.param_groups[0]["lr"] = 0.5
    (w + v).sum().backward()
    optimizer.step()
    assert (w.item(), v.item()) == (0.5, 0.75)
    with pytest.raises(ValueError, match=r"learning rates \[0.5, 0.25\]. Ask for param_groups\[i\]\['lr'\]"):
        optimizer.lr  # noqa: B018
    optimizer.lr = 0.125
    optimizer.step()
    assert optimizer.lr == 0.125
    assert (w.item(), v.item()) == (0.375, 0.625)


def test_a_group_reads_like_a_dict():
    """A group has its parameters and its hyperparameters by name, and shows them."""
    w = leaf()
    (group,) = optim.Adam([("weight", w)], lr=0.1).param_groups
    assert group["params"] == [w]
    assert dict(group)["betas"] == (0.9, 0.999)
    assert list(group) == ["params", "lr", "betas", "eps", "weight_decay", "amsgrad", "maximize"]
    assert len(group) == 7
    assert repr(group) == (
        "Group(weight; lr=0.1, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0, amsgrad=False, maximize=False)"
    )


def test_lists_are_as_good_as_tuples():
    """Hyperparameters of several numbers may come as a list or an array, known by name or not."""

    class Several(optim.Optimizer):
        def update(self, w, g, state, hyper):
            np.multiply(w, hyper.factors[1], out=w)

    assert optim.Adam([leaf()], betas=[0.5, 0.6]).param_groups[0]["betas"] == (0.5, 0.6)
    assert optim.Adam([{"params": [leaf()], "betas": np.array([0.5, 0.6])}]).param_groups[0]["betas"] == (0.5, 0.6)
    w = leaf([1.0])
    optimizer = Several([w], factors=[2.0, 3.0])
    w.grad = [1.0]
    optimizer.step()
    assert w.item() == 3.0


def test_groups_can_be_added_later():
    """A group added later is updated with its own hyperparameters; a refused one leaves no trace."""
    w, v = leaf([1.0]), leaf([1.0])
    optimizer = optim.SGD([w], lr=0.5)
    with pytest.raises(ValueError, match="lr is a finite number, at least 0; got -1"):
        optimizer.add_param_group({"params": [v], "lr": -1})
    assert len(optimizer.param_groups) == len(optimizer.params) == 1
    optimizer.add_param_group({"params": [v], "lr": 0.25})
    (w + v).sum().backward()
    optimizer.step()
    assert (w.item(), v.item()) == (0.5, 0.75)
    optimizer.zero_grad()
    assert v.grad is None


PARAMETERS = [
    (lambda w: w, TypeError, r"takes a list of parameters; got a single tensor p. Pass \[p\]"),
    (lambda w: 3, TypeError, "takes a list of parameters; got a int$"),
    (lambda w: mg.nn.Linear(1, 1), TypeError, r"takes a list of parameters; got a Linear. Pass its parameters\(\)$"),
    (lambda w: mg.nn.Sequential(mg.nn.Linear(1, 1)), TypeError, r"got a Sequential. Pass its parameters\(\)$"),
    (lambda w: mg.nn.Linear(1, 1).parameters, TypeError, "takes a list of parameters; got a method. Call it$"),
    (lambda w: [], ValueError, r"at least one parameter; got none. A Module has those that are set as nn.Parameter\("),
    (lambda w: [{"lr": 1.0}], ValueError, 'a group says its parameters as "params"; got a dict of lr$'),
    (lambda w: [{}], ValueError, "got a dict of nothing"),
    (lambda w: [w, np.ones(2)], TypeError, "parameter 1 is a ndarray. Compute with a Tensor of it: mg.tensor"),
    (lambda w: [("weight", 3)], TypeError, "takes Tensors; parameter weight is a int$"),
    (lambda w: [mg.tensor([1.0])], ValueError, "parameter 0 does not require grad"),
    (lambda w: [w * 2], ValueError, "parameter 0 is the result of multiply"),
    (lambda w: [w, w], ValueError, "takes each parameter once, .*; parameter 1 came before"),
    (
        lambda w: [{"params": [w]}, {"params": [w]}],
        ValueError,
        "takes each parameter once, .*; parameter 1 came before",
    ),
    (lambda w: [("a", w), ("a", leaf())], ValueError, "by name; two are called a"),
    (lambda w: [{"params": [("1", w)]}, {"params": [leaf()]}], ValueError, "by name; two are called 1"),
    (lambda w: {"params": [w]}, TypeError, r"got a dict d. Pass \[d\]$"),
    (lambda w: {"w": w}, TypeError, r"got a dict d. Pass d.items\(\)$"),
    (lambda w: {"w": np.ones(2)}, TypeError, r"got a dict d. Pass model.parameters\(\)$"),
    (lambda w: [w, {"params": [leaf()]}], TypeError, "a list of parameters or of groups; got both"),
    (lambda w: [{"params": w}], TypeError, "got a single tensor"),
    (lambda w: [{"params": [w], "speed": 1}], ValueError, "SGD has no hyperparameter 'speed'; it has lr, momentum"),
]


@pytest.mark.parametrize(("params", "error", "text"), PARAMETERS)
def test_what_cannot_be_optimized_is_refused(params, error, text):
    """Anything but different leaves that require grad, perhaps in groups, is refused with the reason."""
    with pytest.raises(error, match=text):
        optim.SGD(params(leaf([1.0])), lr=0.1)


HYPERPARAMETERS = [
    ("SGD", {"lr": -1}, "lr is a finite number, at least 0; got -1"),
    ("SGD", {"lr": float("inf")}, "lr is a finite number"),
    ("SGD", {"lr": 10**400}, "lr is a finite number"),
    ("SGD", {"momentum": 1.5}, "momentum is a finite number, from 0 to 1; got 1.5"),
    ("SGD", {"dampening": -0.1}, "dampening is a finite number, from 0 to 1"),
    ("SGD", {"weight_decay": float("nan")}, "weight_decay is a finite number, at least 0; got nan"),
    ("SGD", {"nesterov": True}, "nesterov takes momentum > 0 and dampening = 0; got 0 and 0"),
    ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "got 0.9 and 0.1"),
    ("Adam", {"betas": (0.9, 1.0)}, r"betas\[1\] is a finite number, at least 0 and below 1; got 1.0"),
    ("Adam", {"betas": (-0.1, 0.5)}, r"betas\[0\] is a finite number, at least 0 and below 1; got -0.1"),
    ("Adam", {"eps": -1e-8}, "eps is a finite number, at least 0"),
    ("AdamW", {"weight_decay": -0.1}, "weight_decay is a finite number, at least 0"),
    ("NAdam", {"momentum_decay": -1}, "momentum_decay is a finite number, at least 0"),
    ("RAdam", {"betas": (2, 0.5)}, "betas"),
    ("RMSprop", {"alpha": 1.0}, "alpha is a finite number, at least 0 and below 1"),
    ("RMSprop", {"momentum": -0.5}, "momentum is a finite number, from 0 to 1"),
    ("Adagrad", {"lr_decay": -1}, "lr_decay is a finite number, at least 0"),
    ("Adagrad", {"initial_accumulator_value": -1}, "initial_accumulator_value is a finite number, at least 0"),
    ("Adadelta", {"rho": 1.0}, "rho is a finite number, at least 0 and below 1"),
    ("Adam", {"betas": 0.9}, "betas is 2 numbers; got 0.9"),
    ("Adam", {"betas": [0.9]}, r"betas is 2 numbers; got \[0.9\]"),
    ("Adam", {"amsgrad": 1}, "amsgrad is True or False; got 1"),
    ("SGD", {"nesterov": 1.0, "momentum": 0.9}, "nesterov is True or False; got 1.0"),
    ("Lion", {"betas": (0.9, float("nan"))}, r"betas\[1\] is a finite number"),
]


def test_true_and_false_are_no_numbers():
    """SGD(params, 0.1, True) is meant for nesterov, perhaps, and surely not for a momentum of 1."""
    for options, name in (
        ({"momentum": True}, "momentum"),
        ({"lr": False}, "lr"),
        ({"weight_decay": np.True_}, "weight"),
    ):
        with pytest.raises(TypeError, match=f"{name}.* is a number; got a bool"):
            optim.SGD([leaf()], **{"lr": 0.1, **options})
    (group,) = optim.Adam([leaf()]).param_groups
    with pytest.raises(TypeError, match=r"betas\[0\] is a number; got a bool"):
        group["betas"] = (True, 0.5)


@pytest.mark.parametrize(("name", "options", "text"), HYPERPARAMETERS)
def test_hyperparameters_out_of_bounds_are_refused(name, options, text):
    """A number that is not finite or out of its bounds is refused by name."""
    with pytest.raises(ValueError, match=text):
        getattr(optim, name)([leaf([1.0])], **{"lr": 0.1, **options})


SETTING = [
    ({"lr": -0.1}, ValueError, "lr is a finite number, at least 0; got -0.1"),
    ({"lr": "0.1"}, ValueError, "lr is a finite number, at least 0; got '0.1'"),
    ({"lr": None}, TypeError, "lr is a number; got a NoneType"),
    ({"betas": 0.9}, ValueError, "betas is 2 numbers; got 0.9"),
    ({"betas": (0.9,)}, ValueError, r"betas is 2 numbers; got \(0.9,\)"),
    ({"amsgrad": 1}, ValueError, "amsgrad is True or False; got 1"),
    ({"momentum": 0.1}, ValueError, "Adam has no hyperparameter 'momentum'; it has lr, betas, eps"),
]


@pytest.mark.parametrize(("change", "error", "text"), SETTING, ids=[text for _, _, text in SETTING])
def test_a_refused_change_leaves_the_old_one(change, error, text):
    """Setting what cannot be had raises, and the optimizer goes on as before."""
    optimizer = optim.Adam([leaf([1.0])], lr=0.2)
    (group,) = optimizer.param_groups
    before = dict(group)
    with pytest.raises(error, match=text):
        group.update({"eps": 1.0, **change})
    (name,) = change
    with pytest.raises(error, match=text):
        group[name] = change[name]
    assert dict(group) == before


def test_a_refused_lr_changes_no_group():
    """Setting the lr of all groups does nothing to the first if it is refused."""
    optimizer = optim.SGD([leaf([1.0])], lr=0.1)
    with pytest.raises(ValueError, match="lr is a finite number"):
        optimizer.lr = -0.1
    assert optimizer.lr == 0.1

    class Capped(optim.Optimizer):
        def check(self, values):
            if values["lr"] > values["cap"]:
                raise ValueError("lr is above the cap")

    optimizer = Capped([{"params": [leaf()]}, {"params": [leaf()], "cap": 0.3}], lr=0.2, cap=1.0)
    with pytest.raises(ValueError, match="lr is above the cap"):
        optimizer.lr = 0.5
    assert optimizer.lr == 0.2
    (group,) = optim.SGD([leaf()], 0.1, 0.9, nesterov=True).param_groups
    with pytest.raises(ValueError, match="nesterov takes momentum > 0"):
        group["momentum"] = 0.0


def test_what_is_assigned_to_the_state_is_written_into_its_memory():
    """So an update of one's own may say it either way, and an array that is kept elsewhere is not taken over."""

    class Remembers(optim.Optimizer):
        def start(self, w, hyper):
            return {"last": np.zeros_like(w), "count": 0.0}

        def update(self, w, g, state, hyper):
            state.last *= 0.5
            state.last = g
            state.count = state.count + 1
            w -= hyper.lr * state.last * state.count

    w = leaf([1.0])
    optimizer = Remembers([w], lr=0.5)
    for g in (1.0, 2.0):
        w.grad = [g]
        optimizer.step()
        w.grad = [7.0]
    assert w.item() == 1 - 0.5 - 0.5 * 2 * 2
    assert optimizer.state_dict()["groups"]["0"]["params"]["0"] == {"last": [2.0], "count": 2.0}


def test_state_that_start_did_not_return_is_refused():
    """An attribute of the state that nobody would save."""

    class Forgets(optim.Optimizer):
        def update(self, w, g, state, hyper):
            state.last = g

    w = leaf()
    optimizer = Forgets([w])
    w.grad = np.ones(3)
    with pytest.raises(AttributeError, match="there is no state 'last'. Let start return it: an array like w, or a fl"):
        optimizer.step()


@pytest.mark.parametrize("name", ["scratch", "derived", "derive"])
def test_former_ways_to_say_an_update_are_refused(name):
    """Rather than never called."""
    with pytest.raises(TypeError, match=f"Old has {name}, which optimizers have no longer: write update in plain expr"):
        type("Old", (optim.Optimizer,), {name: ("s",)})


def test_an_optimizer_of_ones_own_computes_in_single_precision():
    """start and update have arrays of float32 for a float16 parameter, which is rounded once after them."""

    class Pulled(optim.Optimizer):
        def start(self, w, hyper):
            return {"origin": w.copy()}

        def update(self, w, g, state, hyper):
            assert w.dtype == g.dtype == state.origin.dtype == np.float32
            assert type(hyper.lr) is float
            w += hyper.lr * (state.origin - w - g)

    w = leaf(np.float16([1.0, 2.0]))
    optimizer = Pulled([w], lr=2.0**-11)
    w.grad = [-1.0, -1.0]
    optimizer.step()
    assert w.data.tolist() == [1.0, 2.0]  # 1 + 2**-11 lies halfway to the next number
    optimizer.lr = 2.0**-10
    optimizer.step()
    assert w.data.tolist() == [1 + 2.0**-10, 2.0]


@pytest.mark.parametrize("value", [0, np.float64(0), [0.0]])
def test_state_is_made_of_arrays_and_floats(value):
    """A start with anything else is refused: also NumPy's numbers, which would make arrays as wide as themselves."""

    class Counts(optim.Optimizer):
        def start(self, w, hyper):
            return {"n": value}

    with pytest.raises(TypeError, match=f"Counts.start returns arrays like w, .*; n is a {type(value).__name__}"):
        Counts([leaf()])


# State


@pytest.mark.parametrize(("name", "options"), EACH, ids=str)
def test_state_dict_resumes_bit_for_bit(name, options):
    """Ten steps, a new optimizer with the saved state, ten steps: the same as twenty."""
    w = leaf()
    optimizer = made(name, [w], {"lr": 0.1, **options})
    for _ in range(10):
        descend(optimizer, w)
    resumed = leaf(w.data)
    other = made(name, [resumed], {**options, "lr": 7.0})
    other.load_state_dict(optimizer.state_dict())
    for _ in range(10):
        descend(optimizer, w)
        descend(other, resumed)
    np.testing.assert_array_equal(w.data, resumed.data)
    assert other.lr == optimizer.lr


def test_a_state_with_other_flags_brings_its_own_arrays():
    """Into an optimizer with momentum, one without, and the other way; after that, both go the same way."""
    for options, others in (
        ({"momentum": 0.9}, {}),
        ({}, {"momentum": 0.9}),
        ({"momentum": 0.9, "dampening": 0.5}, {}),
    ):
        w, v = leaf(), leaf()
        first, second = optim.SGD([w], 0.1, **options), optim.SGD([v], 0.1, **others)
        for x, optimizer in ((w, first), (v, second)):
            descend(optimizer, x)
        v.data = w.data
        second.load_state_dict(first.state_dict())
        np.testing.assert_equal(second.state_dict(), first.state_dict())
        for x, optimizer in ((w, first), (v, second)):
            descend(optimizer, x)
        assert w.tolist() == v.tolist()


def test_state_dict_is_nested_dicts_of_copies():
    """State is found by group and name, and later steps do not change it."""
    w, v = leaf(), leaf([[1.0]])
    optimizer = optim.Adam([{"params": [("weight", w)]}, {"params": [("bias", v)], "lr": 0.5}], lr=0.1)
    descend(optimizer, w)
    saved = optimizer.state_dict()
    first, second = saved["groups"]["0"], saved["groups"]["1"]
    assert (first["lr"], second["lr"]) == (0.1, 0.5)
    np.testing.assert_array_equal(first["betas"], [0.9, 0.999])
    assert list(first["params"]) == ["weight"]
    assert first["params"]["weight"]["step"] == 1.0
    assert second["params"]["bias"]["step"] == 0.0
    before = first["params"]["weight"]["exp_avg"].copy()
    descend(optimizer, w)
    np.testing.assert_array_equal(first["params"]["weight"]["exp_avg"], before)
    assert first["params"]["weight"]["step"] == 1.0


def broken(change):
    """A state dict of an SGD with momentum, changed, and the optimizer."""
    optimizer = optim.SGD([("w", leaf())], lr=0.1, momentum=0.9, nesterov=True)
    state = optimizer.state_dict()
    group = state["groups"]["0"]
    return optimizer, change(state, group, group["params"]) or state


BROKEN = [
    (lambda s, g, p: 3, "the state is a int, not a dict"),
    (lambda s, g, p: {"group": {}}, "groups is missing; group is unexpected"),
    (lambda s, g, p: {"groups": {"1": g}}, "groups.0 is missing; groups.1 is unexpected"),
    (lambda s, g, p: {"groups": {"0": 7}}, "groups.0 is a int, not a dict"),
    (lambda s, g, p: g.pop("lr") and None, "groups.0.lr is missing"),
    (lambda s, g, p: g.update(speed=1), "groups.0.speed is unexpected"),
    (lambda s, g, p: g.update(lr=-1), "groups.0: lr is a finite number, at least 0; got -1"),
    (lambda s, g, p: g.update(nesterov=2), "groups.0: nesterov is True or False; got 2"),
    (lambda s, g, p: g.update(nesterov=False, dampening=0.5), "groups.0.params.w.step is missing"),
    (lambda s, g, p: g.update(momentum=0), "groups.0: nesterov takes momentum > 0"),
    (lambda s, g, p: g.update(params=[1]), "groups.0.params is a list, not a dict"),
    (lambda s, g, p: p.update(v=p.pop("w")), "groups.0.params.w is missing; groups.0.params.v is unexpected"),
    (lambda s, g, p: p.update(w=3), "groups.0.params.w is a int, not a dict"),
    (lambda s, g, p: p.update(w={}), "groups.0.params.w.momentum_buffer is missing"),
    (lambda s, g, p: p["w"].update(speed=1), "groups.0.params.w.speed is unexpected"),
    (
        lambda s, g, p: p["w"].update(momentum_buffer=[1.0]),
        "groups.0.params.w.momentum_buffer has shape (1,), not (3,)",
    ),
    (
        lambda s, g, p: p["w"].update(momentum_buffer=["a"] * 3),
        "groups.0.params.w.momentum_buffer has dtype <U1, not float64",
    ),
    (
        lambda s, g, p: (g.update(lr=-1, speed=1), p["w"].update(momentum_buffer=1.0), None)[2],
        "groups.0.speed is unexpected; groups.0: lr is a finite number, at least 0; got -1; "
        "groups.0.params.w.momentum_buffer has shape (), not (3,)",
    ),
]


@pytest.mark.parametrize(("change", "text"), BROKEN, ids=[text for _, text in BROKEN])
def test_a_bad_state_is_refused_as_a_whole(change, text):
    """All that is wrong comes in one error, and the optimizer stays as it was."""
    optimizer, state = broken(change)
    before = optimizer.state_dict()
    with pytest.raises(ValueError, match=re.escape(f"this state does not belong to this SGD: {text}")):
        optimizer.load_state_dict(state)
    np.testing.assert_equal(optimizer.state_dict(), before)


def test_repr_has_the_hyperparameters_of_now_and_counts_the_parameters():
    """Of one group in a line, with what the optimizer has beside them."""
    optimizer = optim.Adam([leaf(), leaf([1.0])], lr=0.1)
    optimizer.lr = 0.05
    assert repr(optimizer) == (
        "Adam(lr=0.05, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0, amsgrad=False, "
        "maximize=False): 2 parameters of 4 numbers"
    )
    assert repr(optim.LBFGS([leaf([1.0])], max_iter=4)) == (
        "LBFGS(lr=1.0, maximize=False, max_iter=4, max_eval=5, tolerance_grad=1e-07, tolerance_change=1e-09, "
        "history_size=100): "
        "1 parameter of 1 number"
    )


def test_repr_of_groups_says_what_they_share_and_where_they_differ():
    groups = [{"params": [leaf()]}, {"params": [leaf(), leaf([1.0])], "lr": 0.01}]
    assert repr(optim.SGD(groups, lr=0.1, momentum=0.9)) == (
        "SGD(momentum=0.9, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False): "
        "3 parameters of 7 numbers\n"
        "  0 (lr=0.1): 1 parameter of 3 numbers\n"
        "  1 (lr=0.01): 2 parameters of 4 numbers"
    )
    equal = [{"params": [leaf()]}, {"params": [leaf()]}]
    assert repr(optim.Lion(equal)).splitlines()[1:] == [
        "  0: 1 parameter of 3 numbers",
        "  1: 1 parameter of 3 numbers",
    ]


def test_a_step_after_compiled_ones_has_its_own_numbers():
    """A compiled step of one parameter leaves alone what the next step of another computes with."""
    found = []
    for compiled in (False, True):
        w, v = leaf(np.float32(START)), leaf(np.float32(START))
        optimizer = optim.Adam([w, v], lr=0.1)
        step = mg.compile(optimizer.step) if compiled else optimizer.step
        for x, call in ((w, optimizer.step), (w, step), (w, step), (v, optimizer.step)):
            optimizer.zero_grad()
            x.grad = np.float32([1.0, 2.0, 3.0])
            call()
        found.append((w.data.tobytes(), v.data.tobytes()))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["SGD", "Adam", "NAdam"])
def test_parameters_that_share_a_group_compile_to_the_same_bits(name):
    """In single precision, with counts of their own and a change of lr: as uncompiled."""
    found = []
    for compiled in (False, True):
        params = [leaf(np.float32(START) + i) for i in range(4)]
        groups = [{"params": params[:3]}, {"params": params[3:], "lr": 0.3}]
        optimizer = getattr(optim, name)(groups, lr=0.1)
        step = mg.compile(optimizer.step) if compiled else optimizer.step
        for i in range(8):
            optimizer.zero_grad()
            for k, w in enumerate(params):
                if i > 1 or k != 1:  # this one begins two steps later
                    w.grad = np.cos(w.data + k)
            if i == 5:
                optimizer.param_groups[0].lr = 0.02
            step()
        found.append([w.data.tobytes() for w in params])
    assert found[0] == found[1]
