"""States of PyTorch's optimizers, read from a file: taken over, handed back, and refused where they do not fit."""

import json
import pathlib

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

from .make_torch_states import ORDERS, STEPS

CASES = json.loads((pathlib.Path(__file__).parent / "torch_states.json").read_text())
LIKE = {name: np.zeros(shape) for name, shape in ORDERS.items()}
every_case = pytest.mark.parametrize(
    ("name", "options", "weights", "state", "later"), CASES, ids=[f"{name} {options}" for name, options, *_ in CASES]
)


def arrays(x):
    """What was written as lists, as arrays; groups and their numbers stay lists."""
    if isinstance(x, dict):
        return {key: arrays(value) for key, value in x.items()}
    return np.array(x) if isinstance(x, list) and x and isinstance(x[0], list | float) else x


def read(state):
    """A state as PyTorch has it, but with arrays for tensors."""
    kept = {int(i): arrays(part) for i, part in state["state"].items()}
    for part in kept.values():
        if "step" in part:
            part["step"] = np.float32(part["step"])
    return {"state": kept, "param_groups": state["param_groups"]}


def network(weights):
    """Two linear layers with PyTorch's weights."""
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.Linear(4, 2, rng=0)).astype(np.float64)
    model.load_state_dict(model.from_torch(dict(zip(ORDERS, map(np.array, weights), strict=True))))
    return model


def made(name, params, options):
    own = {key: tuple(x) if isinstance(x, list) else x for key, x in options.items() if key != "line_search_fn"}
    return getattr(optim, name)(params, **own)


def stepped(optimizer):
    def closure():
        optimizer.zero_grad()
        loss = sum(mg.sum(w**4 / 4 + mg.sin(w)) for w in optimizer.params)
        loss.backward()
        return loss

    if isinstance(optimizer, optim.LBFGS):
        optimizer.step(closure)
    else:
        closure()
        optimizer.step()


def in_torch(model):
    """The weights in PyTorch's layout."""
    return [x.T if x.ndim == 2 else x for x in (p.data for p in model.parameters())]


@every_case
def test_a_run_of_pytorch_goes_on_with_a_model(name, options, weights, state, later):
    """20 steps of PyTorch's, its state, and each of 20 steps here: its own to 1e-12, of transposed weights, too."""
    model = network(weights)
    optimizer = made(name, model.parameters(), {"lr": 7.0})
    optim.from_torch(optimizer, read(state), model, LIKE)
    for expected in later:
        stepped(optimizer)
        for found, right in zip(in_torch(model), expected, strict=True):
            # A line search, and the sums of rows, meet other roundings than PyTorch's.
            loose = name in ("LBFGS", "Adafactor")
            np.testing.assert_allclose(found, right, rtol=1e-9 if loose else 1e-12, atol=1e-9 if loose else 1e-13)
    assert len(later) == STEPS


@every_case
def test_a_run_of_pytorch_goes_on_without_a_model(name, options, weights, state, later):
    """With weights that lie as PyTorch's do, and in groups of their own names."""
    params = [mg.tensor(w, requires_grad=True) for w in weights]
    optimizer = made(name, [("a", params[0]), *params[1:]], {"lr": 7.0})
    optim.from_torch(optimizer, read(state))
    stepped(optimizer)
    for w, right in zip(params, later[0], strict=True):
        np.testing.assert_allclose(w.data, right, rtol=1e-9 if name == "LBFGS" else 1e-12, atol=1e-12)


@pytest.mark.parametrize("with_model", [False, True])
@every_case
def test_what_is_handed_back_is_what_came(name, options, weights, state, later, with_model):
    """State and hyperparameters, in PyTorch's layout."""
    given, how = read(state), ()
    if with_model:
        model = network(weights)
        params, how = model.parameters(), (model, LIKE)
    else:
        params = [mg.tensor(w, requires_grad=True) for w in weights]
    optimizer = made(name, params, {"lr": 7.0})
    optim.from_torch(optimizer, given, *how)
    if name == "LBFGS":
        with pytest.raises(TypeError, match="to_torch has no LBFGS"):
            optim.to_torch(optimizer, *how)
        return
    back = optim.to_torch(optimizer, *how)
    (group,), (own,) = back["param_groups"], given["param_groups"]
    for key, x in group.items():
        right = [0.0 if y is None else y for y in own[key]] if key == "eps" and name == "Adafactor" else own[key]
        assert (list(x) if isinstance(x, tuple) else x) == right
    assert {i: sorted(part) for i, part in back["state"].items() if part} == {
        i: sorted(k for k, x in part.items() if x is not None)
        for i, part in given["state"].items()
        if any(x is not None for x in part.values())
    }
    for i, part in back["state"].items():
        for key, x in part.items():
            np.testing.assert_allclose(x, given["state"][i][key], rtol=1e-15)
            assert np.shape(x) == np.shape(given["state"][i][key])


@pytest.mark.parametrize("named", [False, True])
def test_groups_of_a_model_keep_their_numbers(named):
    """PyTorch numbers parameters group by group; names, if it has them, come first."""
    _, _, weights, state, _ = CASES[3]
    whole, model = read(state), network(weights)
    w1, b1, w2, b2 = model.parameters()
    lone = optim.Adam([w1, b1, w2, b2])
    optim.from_torch(lone, whole, model, LIKE)
    order = [0, 3, 1, 2] if named else [1, 3, 0, 2]  # the place of each number in the whole, biases first
    kept = {i: whole["state"][j] for i, j in enumerate(order)}
    (group,) = whole["param_groups"]
    groups = [{**group, "params": [0, 1]}, {**group, "params": [2, 3]}]
    if named:
        names = [list(ORDERS)[j] for j in order]
        groups = [{**x, "param_names": [names[i] for i in x["params"]]} for x in groups]
    optimizer = optim.Adam([{"params": [("b1", b1), ("b2", b2)]}, {"params": [("w1", w1), ("w2", w2)]}])
    optim.from_torch(optimizer, {"state": kept, "param_groups": groups}, model, LIKE)
    one, other = (x.state_dict()["groups"] for x in (lone, optimizer))
    both = {**other["0"]["params"], **other["1"]["params"]}
    for name, number in (("w1", "0"), ("b1", "1"), ("w2", "2"), ("b2", "3")):
        np.testing.assert_equal(both[name], one["0"]["params"][number])
    if not named:
        assert sorted(optim.to_torch(optimizer, model, LIKE)["state"]) == [0, 1, 2, 3]
        for i, part in optim.to_torch(optimizer, model, LIKE)["state"].items():
            np.testing.assert_array_equal(part["exp_avg"], kept[i]["exp_avg"])


class Mixed(nn.Module):
    """PyTorch has its own parameter first, and that of its layer second."""

    def __init__(self):
        self.layer = nn.Linear(2, 2, bias=False, rng=0)
        self.mix = nn.Parameter(np.ones((2, 2)))


MIXED = {"mix": np.zeros((2, 2)), "layer.weight": np.zeros((2, 2))}
ONE, TWO = np.arange(4.0).reshape(2, 2), 10 + np.arange(4.0).reshape(2, 2)


def momenta(*buffers, groups=((0, 1),), **names):
    """A state of PyTorch's SGD."""
    kept = {i: {"momentum_buffer": x} for i, x in enumerate(buffers)}
    rest = {"lr": 0.1, "momentum": 0.9, "dampening": 0.0, "weight_decay": 0.0, "nesterov": False, "maximize": False}
    return {"state": kept, "param_groups": [{**rest, "params": list(numbers), **names} for numbers in groups]}


def buffers(optimizer):
    """Those of all groups."""
    groups = optimizer.state_dict()["groups"].values()
    return [kept["momentum_buffer"].tolist() for group in groups for kept in group["params"].values()]


def test_parameters_are_numbered_as_pytorch_has_them():
    """Its load_state_dict reads the numbers of a group by position, a module's own parameters first."""
    model = Mixed()
    optimizer = optim.SGD(model.parameters(), 0.1, momentum=0.9)
    optim.from_torch(optimizer, momenta(ONE, TWO), model, MIXED)
    assert buffers(optimizer) == [TWO.T.tolist(), ONE.tolist()]  # layer.weight, mix
    back = optim.to_torch(optimizer, model, MIXED)
    assert back["param_groups"][0]["params"] == [0, 1]
    assert [back["state"][i]["momentum_buffer"].tolist() for i in range(2)] == [ONE.tolist(), TWO.tolist()]


def test_an_order_of_ones_own_is_that_of_pytorchs_optimizer():
    """Where both have the parameters of a group in another order than the networks, there and back."""
    model = nn.Sequential(nn.Linear(2, 2, bias=False, rng=0), nn.Linear(2, 2, bias=False, rng=0))
    like = {"0.weight": np.zeros((2, 2)), "1.weight": np.zeros((2, 2))}
    for groups, mine in (
        ([[0, 1]], lambda first, second: [second, first]),
        ([[0], [1]], lambda first, second: [{"params": [("b", second)]}, {"params": [("a", first)]}]),
    ):
        optimizer = optim.SGD(mine(*model.parameters()), 0.1, momentum=0.9)
        optim.from_torch(optimizer, momenta(ONE, TWO, groups=groups), model, like)
        assert buffers(optimizer) == [ONE.T.tolist(), TWO.T.tolist()]
        back = optim.to_torch(optimizer, model, like)
        assert [group["params"] for group in back["param_groups"]] == groups
        assert [back["state"][i]["momentum_buffer"].tolist() for i in range(2)] == [ONE.tolist(), TWO.tolist()]


def test_an_order_that_cannot_be_known_is_refused_until_there_are_names():
    """A part of a network in its order, which is another one in PyTorch, with equal shapes; and another count."""
    model = Mixed()
    model.other = nn.Parameter(np.ones(3))
    like = {"mix": MIXED["mix"], "other": np.zeros(3), "layer.weight": MIXED["layer.weight"]}
    optimizer = optim.SGD([model.layer.weight, model.mix], 0.1, momentum=0.9)
    with pytest.raises(
        ValueError,
        match=r"group 0 of the state may be in the order mix, layer.weight of PyTorch's network, or in the order "
        r"layer.weight, mix of this optimizer. Make PyTorch's optimizer with named_parameters\(\), or give each of the "
        "state's param_groups its param_names",
    ):
        optim.from_torch(optimizer, momenta(ONE, TWO), model, like)
    with pytest.raises(ValueError, match=r"has 3 parameters, and .* made of 2, layer.weight, mix. Make PyTorch's"):
        optim.from_torch(optimizer, momenta(ONE, TWO, groups=[[0, 1, 2]]), model, like)
    assert buffers(optimizer) == 2 * [np.zeros((2, 2)).tolist()]
    optim.from_torch(optimizer, momenta(ONE, TWO, param_names=["layer.weight", "mix"]), model, like)
    assert buffers(optimizer) == [ONE.T.tolist(), TWO.tolist()]
    uneven = optim.SGD([model.mix, model.other], 0.1, momentum=0.9)  # whose shapes tell
    optim.from_torch(uneven, momenta(ONE, np.ones(3)), model, like)
    assert buffers(uneven) == [ONE.tolist(), [1.0, 1.0, 1.0]]


def test_parts_of_one_parameter_of_pytorchs_are_in_one_group():
    """As the projections of attention, which PyTorch has in one array: its hyperparameters are of one group."""
    model = nn.MultiheadAttention(2, 1, rng=0)
    names = [name for name, _ in model.named_parameters()]
    first, *others = model.parameters()
    like = {"in_proj_weight": np.zeros((6, 2)), "in_proj_bias": np.zeros(6),
            "out_proj.weight": np.zeros((2, 2)), "out_proj.bias": np.zeros(2)}  # fmt: skip
    optimizer = optim.SGD([{"params": [("a", first)]}, {"params": list(zip(names, others, strict=False))}], 0.1)
    with pytest.raises(ValueError, match="in_proj_weight is one parameter in PyTorch, and group 1 .* into one group"):
        optim.to_torch(optimizer, model, like)


def test_parts_of_one_parameter_of_pytorchs_have_made_as_many_steps():
    """It has one count for them, and would go on with the wrong one for some."""
    model = nn.MultiheadAttention(2, 1, bias=False, rng=0)
    like = {"in_proj_weight": np.zeros((6, 2)), "out_proj.weight": np.zeros((2, 2))}
    optimizer = optim.Adam(model.named_parameters())
    (name, first), (other, _), *_ = model.named_parameters()
    first.grad = np.ones((2, 2))
    optimizer.step()
    with pytest.raises(
        ValueError, match=f"parameters {name} and {other} are one in PyTorch, and have made 1 and 0 steps"
    ):
        optim.to_torch(optimizer, model, like)


def test_mean_squares_of_a_part_of_a_matrix_are_refused():
    """Adafactor has those of whole rows and columns, and PyTorch has the projections of attention in one matrix."""
    model = nn.MultiheadAttention(2, 1, bias=False, rng=0)
    like = {"in_proj_weight": np.zeros((6, 2)), "out_proj.weight": np.zeros((2, 2))}
    kept = {
        i: {"step": np.float32(1), "row_var": np.ones((n, 1)), "col_var": np.ones((1, 2))} for i, n in ((0, 6), (1, 2))
    }
    optimizer = optim.Adafactor(model.parameters())
    state = {"state": kept, "param_groups": [{"lr": 0.1, "params": [0, 1]}]}
    for call in (
        lambda: optim.from_torch(optimizer, state, model, like),
        lambda: optim.to_torch(optimizer, model, like),
    ):
        with pytest.raises(ValueError, match="rows and columns of parameter 0 are others in PyTorch, so their mean"):
            call()


def test_arrays_are_converted_for_pytorch():
    """Each array of what is handed back goes through the function."""
    w = mg.tensor([1.0], requires_grad=True)
    optimizer = optim.Adam([w])
    w.grad = [1.0]
    optimizer.step()
    found = optim.to_torch(optimizer, convert=lambda x: ("tensor", x))
    assert {kind for kind, _ in found["state"][0].values()} == {"tensor"}


@pytest.mark.parametrize(("name", "options"), [(x, o) for x, o, *_ in CASES if x != "LBFGS"], ids=str)
def test_a_parameter_without_dimensions_goes_there_and_back(name, options):
    """What PyTorch has as tensors without dimensions are arrays, and numbers stay numbers."""
    w, v = (mg.tensor(3.0, requires_grad=True) for _ in range(2))
    first, second = (made(name, [x], options) for x in (w, v))
    stepped(first)
    back = optim.to_torch(first)
    for part in optim.to_torch(first, convert=lambda x: x)["state"].values():
        numbers = {"step", "eta", "mu", "mu_product"}
        assert {k for k, x in part.items() if isinstance(x, np.ndarray) and x.shape == ()} == set(part) - numbers
    optim.from_torch(second, back)
    v.data = w.data
    stepped(first)
    stepped(second)
    assert v.item() == w.item()


@pytest.mark.parametrize(
    ("name", "options"),
    [("SGD", {"momentum": 0.9, "dampening": 0.5}), ("ASGD", {}), ("Rprop", {})],
    ids=str,
)
def test_what_has_not_begun_is_handed_to_pytorch_without_a_state(name, options):
    """As its first step, with the lr that holds then and without dampening, is one that finds no state."""
    w = mg.tensor([1.0], requires_grad=True)
    optimizer = getattr(optim, name)([w], lr=0.1, **options)
    assert optim.to_torch(optimizer)["state"] == {}
    stepped(optimizer)
    assert list(optim.to_torch(optimizer)["state"]) == [0]


def test_what_is_handed_to_pytorch_is_copied():
    """Later steps change none of it, nor the other way."""
    w = mg.tensor(np.ones((2, 3)), requires_grad=True)
    optimizer = optim.Adafactor([w])
    given = optim.to_torch(optimizer)["state"][0]
    before = {name: x.copy() for name, x in given.items()}
    stepped(optimizer)
    np.testing.assert_equal(given, before)


def test_rows_without_a_gradient_start_from_the_beginning():
    """A parameter of which PyTorch has no state yet."""
    w, v = (mg.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = optim.Adam([w, v])
    kept = {"step": np.float32(3), "exp_avg": np.ones(1), "exp_avg_sq": np.ones(1)}
    optim.from_torch(optimizer, {"state": {1: kept}, "param_groups": [{"lr": 0.5, "params": [0, 1]}]})
    state = optimizer.state_dict()["groups"]["0"]
    assert state["lr"] == 0.5
    assert state["params"]["0"]["step"] == 0.0
    assert state["params"]["1"]["step"] == 3.0


def test_options_of_muon_come_along():
    """Its steps and its scale are the optimizer's own here."""
    w = mg.tensor(np.ones((2, 3)), requires_grad=True)
    optimizer = optim.Muon([w])
    group = {"lr": np.float64(0.5), "ns_steps": 3, "adjust_lr_fn": "match_rms_adamw", "params": [0]}
    optim.from_torch(optimizer, {"state": {0: {"momentum_buffer": np.ones((2, 3))}}, "param_groups": [group]})
    assert (optimizer.lr, optimizer.ns_steps, optimizer.adjust_lr_fn) == (0.5, 3, "match_rms_adamw")
    assert optim.to_torch(optimizer)["param_groups"][0]["ns_steps"] == 3


def test_lbfgs_that_has_made_no_step_starts_anew():
    """PyTorch has no memory of it yet."""
    w = mg.tensor([1.0], requires_grad=True)
    optimizer = optim.LBFGS([w])
    before = optimizer.state_dict()
    optim.from_torch(optimizer, {"state": {}, "param_groups": [{"lr": 0.5, "max_iter": 7, "params": [0]}]})
    assert (optimizer.lr, optimizer.max_iter) == (0.5, 7)
    np.testing.assert_equal(optimizer.state_dict()["memory"], before["memory"])


def adam(shape=(1,), **group):
    """A state of PyTorch's Adam, of one parameter."""
    kept = {"step": np.float32(1), "exp_avg": np.ones(shape), "exp_avg_sq": np.ones(shape)}
    return {"state": {0: kept}, "param_groups": [{"lr": 0.5, "params": [0], **group}]}


class Odd:
    """A model that adds up what PyTorch has."""

    def __init__(self, w, scale=2.0):
        self.w, self.scale = w, scale

    def named_parameters(self):
        return [("w", self.w)]

    def from_torch(self, state):
        return {name: self.scale * x[::-1] for name, x in state.items()}


W, V = (mg.tensor(np.ones((2, 3)), requires_grad=True) for _ in range(2))
REFUSED = [
    (lambda: optim.from_torch(3, adam()), TypeError, "from_torch takes an optimizer, and a state for it; got a int"),
    (lambda: optim.from_torch(optim.Adam([W]), {}), TypeError, "a state of PyTorch's is a dict of state and"),
    (lambda: optim.from_torch(optim.Adam([{"params": [W]}, {"params": [V]}]), adam()),
     ValueError, "the state has 1 groups of parameters, and this optimizer has 2"),
    (lambda: optim.from_torch(optim.Adam([W]), adam(params=[0, 1])), ValueError, r"have \[2\] parameters, .* \[1\]"),
    (lambda: optim.from_torch(optim.Adam([W]), adam((2, 3), decoupled_weight_decay=True)), ValueError, "of AdamW"),
    (lambda: optim.from_torch(optim.AdamW([W]), adam((2, 3), decoupled_weight_decay=False)), ValueError, "of Adam,"),
    (lambda: optim.from_torch(optim.Adam([W]), adam((3, 2))), ValueError,
     r"exp_avg has shape \(3, 2\), not \(2, 3\); .* If a layer transposes what PyTorch has, pass model and like"),
    (lambda: optim.from_torch(optim.Adam([W]), adam((2, 3), lr=-1)), ValueError, "lr is a finite number, at least 0"),
    (lambda: optim.from_torch(optim.SGD([W], 0.1), adam((2, 3))), ValueError, "exp_avg is unexpected"),
    (lambda: optim.from_torch(optim.Adam([W]), adam((2, 3), param_names=["v"]), Odd(W, 1.0), {"w": np.ones((2, 3))}),
     ValueError, "the state has no 'w', of which parameter 0 is made"),
    (lambda: optim.from_torch(optim.Adam([W]), adam(), Odd(W)), TypeError, "pass like=torch_model.state_dict"),
    (lambda: optim.from_torch(optim.Adam([W]), adam(), Odd(W), {"v": np.ones((2, 3))}), ValueError, "parameters 0 of"),
    (lambda: optim.from_torch(optim.Adam([W]), adam(), Odd(W), {"w": np.ones((2, 3))}), ValueError, "does more than"),
    (lambda: optim.to_torch(optim.Adafactor([W]), Odd(W, 1.0), {"w": np.ones((2, 3))}), ValueError, "rows and columns"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "text"), REFUSED, ids=[text for *_, text in REFUSED])
def test_what_does_not_fit_is_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()
