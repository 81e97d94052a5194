"""Schedules beside PyTorch's, their state, and what they refuse."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim import lr_scheduler

from .make_reference import METRICS, SCHEDULES, make_schedule, rates, read


def leaf():
    return mg.tensor([1.0], requires_grad=True)


def two_groups():
    return optim.SGD([{"params": [leaf()]}, {"params": [leaf()], "lr": 0.02}], lr=0.1, momentum=0.9)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    read("schedules"),
    ids=[f"{name} {options}" for name, options, _ in read("schedules")],
)
def test_thirty_epochs_are_those_of_pytorch(name, options, expected):
    """Learning rates and momenta of two groups agree to 1e-12 in each of 31 epochs."""
    found = rates([leaf(), leaf()], optim, name, options)
    # PyTorch multiplies rates from epoch to epoch, and reaches zero but for rounding.
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=str)
def test_state_resumes_bit_for_bit(name, options):
    """A schedule with the state of another, for an optimizer with that of another, goes on the same way."""
    optimizer, other = two_groups(), two_groups()
    schedule, resumed = (make_schedule(lr_scheduler, o, name, options) for o in (optimizer, other))

    def step(s, epoch):
        s.step(*([METRICS[epoch]] if name == "ReduceLROnPlateau" else []))

    for epoch in range(7):
        step(schedule, epoch)
    other.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(schedule.state_dict())
    for epoch in range(7, 20):
        assert other.state_dict()["groups"]["1"]["lr"] == optimizer.param_groups[1]["lr"]
        assert [dict(g)["momentum"] for g in other.param_groups] == [g["momentum"] for g in optimizer.param_groups]
        step(schedule, epoch)
        step(resumed, epoch)
    assert resumed.get_last_lr() == schedule.get_last_lr()
    np.testing.assert_equal(resumed.state_dict(), schedule.state_dict())


def test_one_cycle_takes_the_first_beta_for_momentum():
    """With Adam, beta1 moves against the learning rate, and beta2 stays."""
    optimizer = optim.Adam([leaf()], lr=0.1)
    schedule = lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=11, pct_start=0.5)
    seen = []
    for _ in range(11):
        seen.append(optimizer.param_groups[0]["betas"])
        schedule.step()
    assert seen[0] == (0.95, 0.999)
    assert min(beta for beta, _ in seen) == pytest.approx(0.85, abs=0.01)
    assert {beta for _, beta in seen} == {0.999}


def test_cycles_take_the_first_beta_for_momentum():
    """With Adam, beta1 moves against the learning rate, and beta2 stays."""
    optimizer = optim.Adam([leaf()], lr=0.1)
    schedule = lr_scheduler.CyclicLR(optimizer, 0.1, 1.0, 2)
    seen = []
    for _ in range(5):
        seen.append((optimizer.lr, *optimizer.param_groups[0]["betas"]))
        schedule.step()
    expected = [(0.1, 0.9), (0.55, 0.85), (1.0, 0.8), (0.55, 0.85), (0.1, 0.9)]
    np.testing.assert_allclose(seen, [(*x, 0.999) for x in expected], rtol=1e-12)


def test_a_chain_says_what_it_is_made_of():
    """In its repr, and in the error of one that is no schedule, or is for another optimizer."""
    optimizer, other = two_groups(), two_groups()
    parts = [lr_scheduler.ConstantLR(optimizer, 0.5, 2), lr_scheduler.ExponentialLR(optimizer, 0.9)]
    chain = lr_scheduler.ChainedScheduler(parts)
    assert repr(chain) == (
        "ChainedScheduler([ConstantLR(factor=0.5, total_iters=2), ExponentialLR(gamma=0.9)]): epoch 0, lr [0.05, 0.01]"
    )
    assert repr(lr_scheduler.CyclicLR(other, 0.1, 1.0)) == (
        "CyclicLR(step_size_up=2000, step_size_down=2000, mode='triangular', gamma=1.0): epoch 0, lr 0.1"
    )
    for schedulers, error, text in (
        ([], ValueError, "ChainedScheduler takes at least one schedule; got none"),
        ([3], TypeError, "ChainedScheduler takes schedules of the epoch alone; number 0 is a int"),
        ([*parts, lr_scheduler.StepLR(other, 3)], ValueError, "for its own optimizer; number 2 is for another"),
    ):
        with pytest.raises(error, match=text):
            lr_scheduler.ChainedScheduler(schedulers)


def test_one_cycle_ends():
    """The step after the last keeps its rate, as a loop makes one step too many; the next is refused."""
    optimizer = two_groups()
    schedule = lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=3)
    for _ in range(2):
        schedule.step()
    last = schedule.get_last_lr()
    assert last[0] == pytest.approx(1.0 / 25 / 1e4)
    schedule.step()
    assert schedule.get_last_lr() == last
    with pytest.raises(ValueError, match="the cycle has 3 steps, and this is number 4"):
        schedule.step()
    assert schedule.last_epoch == 3


@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("pct_start", [0.0, 0.1, 1.0])
def test_a_cycle_may_have_a_phase_of_no_length(pct_start, three_phase):
    """However short a phase is, all rates lie between the least and the largest."""
    optimizer = two_groups()
    schedule = lr_scheduler.OneCycleLR(optimizer, 1.0, 10, pct_start=pct_start, three_phase=three_phase)
    for _ in range(10):
        assert optimizer.param_groups[0]["lr"] * (1 + 1e-12) >= 1.0 / 25 / 1e4
        assert optimizer.param_groups[0]["lr"] <= 1.0
        schedule.step()


def test_schedules_start_from_the_rate_that_was_set():
    """A second schedule starts from the base of the first, and from a rate that was set by hand since."""
    optimizer = optim.SGD([leaf()], lr=0.1)
    lr_scheduler.LinearLR(optimizer, start_factor=0.5)
    assert optimizer.lr == 0.05
    assert lr_scheduler.ExponentialLR(optimizer, 0.5).base_lrs == [0.1]
    optimizer.lr = 0.7
    assert lr_scheduler.ExponentialLR(optimizer, 0.5).base_lrs == [0.7]


def test_a_schedule_of_ones_own():
    """A subclass says the learning rate of an epoch, and no more."""

    class InverseRoot(lr_scheduler.Schedule):
        def lr_at(self, base, t):
            return base / (1 + t) ** 0.5

    optimizer = two_groups()
    schedule = InverseRoot(optimizer)
    for _ in range(3):
        schedule.step()
    assert schedule.get_last_lr() == [0.05, 0.01]


def test_a_refused_rate_changes_nothing():
    """If the rate of one group is refused, no group has changed, and neither has the epoch."""
    optimizer = two_groups()
    schedule = lr_scheduler.LambdaLR(optimizer, [lambda t: 1 / (1 + t), lambda t: 1.0 - t])
    schedule.step()
    before = schedule.get_last_lr()
    with pytest.raises(ValueError, match="lr is a finite number, at least 0; got -0.02"):
        schedule.step()
    assert schedule.get_last_lr() == before
    assert schedule.last_epoch == 1


def test_a_group_that_came_later_is_refused():
    """A schedule knows the groups that were there when it was made."""
    optimizer = two_groups()
    schedule = lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.add_param_group({"params": [leaf()]})
    with pytest.raises(ValueError, match="has 3 groups, and had 2 when the schedule was made. Make the schedule after"):
        schedule.step()


def test_a_metric_that_is_nan_is_not_better():
    """NaN counts as an epoch without progress, and a Tensor of one number is a metric."""
    optimizer = optim.SGD([leaf()], lr=0.1)
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    schedule.step(mg.tensor(1.0))
    schedule.step(float("nan"))
    assert optimizer.lr == pytest.approx(0.01)
    assert schedule.best == 1.0


def other_schedule(o):
    return lr_scheduler.ExponentialLR(two_groups(), 0.5)


REFUSED = [
    (lambda o: lr_scheduler.StepLR([o], 3), TypeError, "a schedule is for an optimizer; got a list"),
    (lambda o: lr_scheduler.StepLR(o, 0), ValueError, "step_size is an integer, at least 1; got 0"),
    (lambda o: lr_scheduler.StepLR(o, 2, -1), ValueError, "gamma is a finite number, at least 0; got -1"),
    (lambda o: lr_scheduler.MultiStepLR(o, [3, 2]), ValueError, r"milestones are in increasing order; got \[3, 2\]"),
    (lambda o: lr_scheduler.MultiStepLR(o, [1.5]), ValueError, "a milestone is an integer, at least 1; got 1.5"),
    (lambda o: lr_scheduler.ExponentialLR(o, float("nan")), ValueError, "gamma is a finite number"),
    (lambda o: lr_scheduler.CosineAnnealingLR(o, 0), ValueError, "T_max is an integer, at least 1"),
    (lambda o: lr_scheduler.CosineAnnealingLR(o, 5, -1), ValueError, "eta_min is a finite number, at least 0"),
    (lambda o: lr_scheduler.LinearLR(o, -0.5), ValueError, "start_factor is a finite number, at least 0"),
    (lambda o: lr_scheduler.LinearLR(o, 1, -0.5), ValueError, "end_factor is a finite number, at least 0"),
    (lambda o: lr_scheduler.LinearLR(o, total_iters=0), ValueError, "total_iters is an integer, at least 1"),
    (lambda o: lr_scheduler.LambdaLR(o, 0.5), TypeError, "lr_lambda is a function of the epoch; got a float"),
    (lambda o: lr_scheduler.LambdaLR(o, [abs]), ValueError, "one for each of 2 groups; got 1"),
    (lambda o: lr_scheduler.LambdaLR(o, lambda t: -1.0), ValueError, "lr is a finite number, at least 0; got -0.1"),
    (lambda o: lr_scheduler.OneCycleLR(o, 1.0), ValueError, "takes total_steps, or both epochs and steps_per_epoch"),
    (lambda o: lr_scheduler.OneCycleLR(o, 1.0, 1), ValueError, "total_steps is an integer, at least 2; got 1"),
    (lambda o: lr_scheduler.OneCycleLR(o, 1.0, None, 1, 1), ValueError, r"epochs \* steps_per_epoch is an integer"),
    (lambda o: lr_scheduler.OneCycleLR(o, [1.0], 9), ValueError, "max_lr is one value, or a list of one for each of 2"),
    (lambda o: lr_scheduler.OneCycleLR(o, -1.0, 9), ValueError, "max_lr is a finite number, at least 0"),
    (
        lambda o: lr_scheduler.OneCycleLR(o, 1.0, 9, pct_start=2),
        ValueError,
        "pct_start is a finite number, from 0 to 1",
    ),
    (lambda o: lr_scheduler.OneCycleLR(o, 1.0, 9, div_factor=0), ValueError, "div_factor is above 0; got 0"),
    (
        lambda o: lr_scheduler.OneCycleLR(o, 1.0, 9, anneal_strategy="step"),
        ValueError,
        "anneal_strategy is one of 'cos', 'linear'; got 'step'",
    ),
    (lambda o: lr_scheduler.OneCycleLR(o, 1.0, 9, base_momentum=1), ValueError, "base_momentum is a finite number"),
    (
        lambda o: lr_scheduler.OneCycleLR(optim.Adagrad([leaf()]), 1.0, 9),
        ValueError,
        "Adagrad has no hyperparameter 'momentum'",
    ),
    (lambda o: lr_scheduler.ConstantLR(o, 1.5), ValueError, "factor is a finite number, from 0 to 1; got 1.5"),
    (lambda o: lr_scheduler.ConstantLR(o, total_iters=0), ValueError, "total_iters is an integer, at least 1; got 0"),
    (lambda o: lr_scheduler.PolynomialLR(o, power=-1), ValueError, "power is a finite number, at least 0; got -1"),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 0), ValueError, "T_0 is an integer, at least 1; got 0"),
    (
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 3, 1.5),
        ValueError,
        "T_mult is an integer, at least 1",
    ),
    (lambda o: lr_scheduler.CyclicLR(o, -1, 1), ValueError, "base_lr is a finite number, at least 0; got -1"),
    (
        lambda o: lr_scheduler.CyclicLR(o, 0.1, 1, mode="square"),
        ValueError,
        "mode is one of 'triangular', 'tri",
    ),
    (
        lambda o: lr_scheduler.CyclicLR(o, 0.1, 1, scale_mode="x"),
        ValueError,
        "scale_mode is one of 'cycle', '",
    ),
    (
        lambda o: lr_scheduler.CyclicLR(o, 0.1, 1, scale_fn=3),
        TypeError,
        "scale_fn is a function of the epoch; got",
    ),
    (lambda o: lr_scheduler.CyclicLR(optim.Adagrad([leaf()]), 0.1, 1), ValueError, "has no hyperparameter 'momentum'"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, "low"), ValueError, "mode is one of 'min', 'max'; got 'low'"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1.0), ValueError, "factor is a finite number, at least 0 and"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=-1), ValueError, "patience is an integer, at least 0"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, threshold=-1), ValueError, "threshold is a finite number, at least 0"),
    (
        lambda o: lr_scheduler.ReduceLROnPlateau(o, threshold_mode=1),
        ValueError,
        "threshold_mode is one of 'rel', 'abs'",
    ),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, min_lr=[0.1]), ValueError, "min_lr is one value, or a list of one"),
    (
        lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.ReduceLROnPlateau(o)], []),
        TypeError,
        "takes schedules of the epoch alone; number 0 is a ReduceLROnPlateau",
    ),
    (
        lambda o: lr_scheduler.SequentialLR(o, [other_schedule(o)], []),
        ValueError,
        "takes schedules for its own optimizer; number 0 is for another",
    ),
    (
        lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.LinearLR(o)] * 3, [4]),
        ValueError,
        "between 3 schedules there are 2 milestones; got 1",
    ),
    (
        lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.LinearLR(o)] * 3, [4, 4]),
        ValueError,
        r"milestones are in increasing order; got \[4, 4\]",
    ),
]


@pytest.mark.parametrize(("make", "error", "text"), REFUSED, ids=[text for _, _, text in REFUSED])
def test_options_out_of_bounds_are_refused(make, error, text):
    """Each option that cannot be had is refused by name."""
    with pytest.raises(error, match=text):
        make(two_groups())


@pytest.mark.parametrize(
    ("name", "options", "change", "text"),
    [
        ("StepLR", {"step_size": 2}, {"base_lrs": [0.1]}, r"state.base_lrs has shape \(1,\), not \(2,\)"),
        ("StepLR", {"step_size": 2}, {"last_epoch": 1.5}, "state.last_epoch has dtype float64, not int64"),
        ("StepLR", {"step_size": 2}, {"last_epoch": -1}, "last_epoch is an integer, at least 0; got -1"),
        ("StepLR", {"step_size": 2}, {"epoch": 1}, "state.epoch is unexpected"),
        ("StepLR", {"step_size": 2}, {"base_lrs": [-1, 2]}, "lr is a finite number, at least 0; got -1"),
        ("ReduceLROnPlateau", {}, {"best": [1, 2]}, r"state.best has shape \(2,\), not \(\)"),
    ],
)
def test_a_bad_state_is_refused(name, options, change, text):
    """A state that does not fit raises, and changes neither the schedule nor the optimizer."""
    optimizer = two_groups()
    schedule = make_schedule(lr_scheduler, optimizer, name, options)
    before = schedule.state_dict(), optimizer.state_dict()
    with pytest.raises(ValueError, match=text):
        schedule.load_state_dict({**schedule.state_dict(), **change})
    np.testing.assert_equal((schedule.state_dict(), optimizer.state_dict()), before)


SHOWN = [
    (lambda o: lr_scheduler.LambdaLR(o, lambda t: 0.5**t), "LambdaLR(): epoch 1, lr 0.05"),
    (lambda o: lr_scheduler.StepLR(o, 1), "StepLR(step_size=1, gamma=0.1): epoch 1, lr 0.01"),
    (lambda o: lr_scheduler.MultiStepLR(o, [1, 3]), "MultiStepLR(milestones=(1, 3), gamma=0.1): epoch 1, lr 0.01"),
    (
        lambda o: lr_scheduler.SequentialLR(
            o, [lr_scheduler.LinearLR(o, 0.5), lr_scheduler.CosineAnnealingLR(o, 30)], [5]
        ),
        "SequentialLR([LinearLR(start_factor=0.5, end_factor=1.0, total_iters=5), "
        "CosineAnnealingLR(T_max=30, eta_min=0.0)], milestones=(5,)): epoch 1, lr 0.06",
    ),
    (
        lambda o: lr_scheduler.OneCycleLR(o, 1.0, 11, pct_start=0.5, cycle_momentum=False),
        "OneCycleLR(max_lr=1, total_steps=11): epoch 1, lr 0.152299",
    ),
]


@pytest.mark.parametrize(("make", "text"), SHOWN, ids=[text.split("(")[0] for _, text in SHOWN])
def test_repr_has_the_options_and_the_place(make, text):
    """A schedule shows itself as it was called, with the epoch and the learning rate of now."""
    schedule = make(optim.SGD([leaf()], lr=0.1))
    schedule.step()
    assert repr(schedule) == text


def test_repr_has_the_rate_of_each_group_where_they_differ():
    assert repr(lr_scheduler.ExponentialLR(two_groups(), 0.5)) == "ExponentialLR(gamma=0.5): epoch 0, lr [0.1, 0.02]"


def test_repr_of_a_plateau_has_the_best_metric_and_how_long_ago_it_was():
    schedule = lr_scheduler.ReduceLROnPlateau(optim.SGD([leaf()], lr=0.1), patience=3)
    for metric in (0.5, 0.75):
        schedule.step(metric)
    assert repr(schedule) == (
        "ReduceLROnPlateau(mode='min', factor=0.1, patience=3): epoch 2, lr 0.1, best 0.5, bad epochs 1"
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda x: lr_scheduler.StepLR(x, 2),
        lambda x: lr_scheduler.LambdaLR(x, lambda t: 1.0),
        lambda x: lr_scheduler.OneCycleLR(x, 0.1, 10),
        lambda x: lr_scheduler.ReduceLROnPlateau(x),
    ],
)
def test_a_schedule_belongs_to_one_optimizer(make):
    """It says which, cannot be given another, and refuses what is no optimizer."""
    optimizer = optim.Adam([leaf()], lr=0.1)
    schedule = make(optimizer)
    assert schedule.optimizer is optimizer
    with pytest.raises(AttributeError, match="optimizer"):
        schedule.optimizer = optim.Adam([leaf()], lr=0.1)
    with pytest.raises(TypeError, match="a schedule is for an optimizer; got a list"):
        make([leaf()])


@pytest.mark.parametrize("metric", [None, "0.5", 1j, [0.5], np.array([0.5, 0.6]), mg.tensor([1.0, 2.0])], ids=repr)
def test_a_metric_that_is_no_number_is_refused(metric):
    """By name, and no epoch is counted; an array or a Tensor of one element is a number."""
    schedule = lr_scheduler.ReduceLROnPlateau(optim.SGD([leaf()], lr=0.1))
    before = schedule.state_dict()
    with pytest.raises(TypeError, match="a metric is a number; got "):
        schedule.step(metric)
    assert schedule.state_dict() == before
    for number in (np.array([0.5]), np.float32(0.5), mg.tensor(0.5, requires_grad=True) * 1.0):
        schedule.step(number)
        assert schedule.best == 0.5


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"last_epoch": -1}, "state.last_epoch is -1"),
        ({"num_bad_epochs": 1.5}, "state.num_bad_epochs has dtype float64, not int64"),
        ({"best": np.nan}, "state.best is nan"),
    ],
    ids=str,
)
def test_a_plateau_refuses_a_state_that_it_cannot_have(change, text):
    """Counts that are none, and a best metric that nothing is better than; what was counted stays."""
    schedule = lr_scheduler.ReduceLROnPlateau(optim.SGD([leaf()], lr=0.1))
    schedule.step(0.5)
    before = schedule.state_dict()
    with pytest.raises(ValueError, match=text):
        schedule.load_state_dict({**before, **change})
    assert schedule.state_dict() == before
    schedule.load_state_dict({**before, "best": -np.inf})
    assert schedule.best == -np.inf


def test_a_plateau_refuses_groups_added_later_before_it_counts():
    """As many rates as groups are bounded: the error comes before an epoch is counted."""
    optimizer = optim.SGD([leaf()], lr=0.1)
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer)
    optimizer.add_param_group({"params": [leaf()]})
    with pytest.raises(ValueError, match="a list of one for each of 2 groups; got 1"):
        schedule.step(1.0)
    assert schedule.last_epoch == 0
