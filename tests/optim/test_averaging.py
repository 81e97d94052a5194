"""Running averages of parameters."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim


def leaf(values):
    return mg.tensor(values, requires_grad=True)


def test_the_average_is_that_of_the_formula():
    """After each of 20 updates it is decay times the former plus the rest times the parameter."""
    w = leaf([1.0, -2.0])
    ema, expected = optim.EMA([w], decay=0.9), np.array([1.0, -2.0])
    memory = ema.averages["0"]
    for k in range(20):
        w.data = [np.sin(k), k]
        ema.update()
        expected = 0.9 * expected + 0.1 * np.array([np.sin(k), k])
        np.testing.assert_allclose(memory, expected, rtol=1e-13)
    assert ema.decay == 0.9


def test_within_the_context_parameters_are_averages():
    """Values change in place, a graph from before notices, and after an error all is as it was, too."""
    w = leaf([1.0])
    memory = w.data
    ema = optim.EMA([("weight", w)], decay=0.5)
    w.data = [3.0]
    ema.update()
    loss = (w**2).sum()

    def evaluate():
        with ema.averaged():
            assert w.data is memory
            assert w.item() == 2.0
            raise KeyError

    with pytest.raises(KeyError):
        evaluate()
    assert w.item() == 3.0
    assert ema.averages["weight"] == [2.0]
    with pytest.raises(mg.GraphError, match="changed in place since"):
        loss.backward()


def test_swap_exchanges_parameters_and_averages():
    """One swap leaves the averages in the parameters for good; a second undoes it."""
    w, v = leaf([1.0]), leaf(np.float32([[5]]))
    ema = optim.EMA([w, v], decay=0.5)
    w.data, v.data = [3.0], [[7.0]]
    ema.swap()
    assert (w.item(), v.item()) == (1.0, 5.0)
    assert v.dtype == ema.averages["1"].dtype == np.float32
    ema.swap()
    assert (w.item(), v.item()) == (3.0, 7.0)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("update", lambda ema: ema.update()),
        ("averaged", lambda ema: ema.averaged().__enter__()),
        ("swap", lambda ema: ema.swap()),
        ("state_dict", lambda ema: ema.state_dict()),
        ("load_state_dict", lambda ema: ema.load_state_dict({})),
    ],
)
def test_within_the_context_nothing_else_can_be_done(name, call):
    """The averages are not where they belong, so each other method is refused."""
    ema = optim.EMA([leaf([1.0])])
    with ema.averaged(), pytest.raises(RuntimeError, match=f"{name} was called within averaged"):
        call(ema)


def test_state_resumes():
    """Saved averages are copies; loaded ones go on in the same memory."""
    w = leaf([1.0, 2.0])
    ema, other = optim.EMA([w], 0.5), optim.EMA([w], 0.5)
    w.data = [3.0, 4.0]
    saved = ema.state_dict()
    ema.update()
    np.testing.assert_array_equal(saved["averages"]["0"], [1.0, 2.0])
    memory = other.averages["0"]
    other.load_state_dict(ema.state_dict())
    np.testing.assert_array_equal(memory, [2.0, 3.0])


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({}, "state.averages is missing"),
        ({"averages": {"w": [1.0]}}, "state.averages.0 is missing; state.averages.w is unexpected"),
        ({"averages": {"0": [1.0]}}, r"state.averages.0 has shape \(1,\), not \(2,\)"),
    ],
)
def test_a_bad_state_is_refused(state, text):
    """All that is wrong comes in one error, and the averages stay."""
    ema = optim.EMA([leaf([1.0, 2.0])])
    with pytest.raises(ValueError, match=f"does not belong to this EMA: {text}"):
        ema.load_state_dict(state)
    np.testing.assert_array_equal(ema.averages["0"], [1.0, 2.0])


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda w: optim.EMA([]), ValueError, "an average takes at least one parameter; got none"),
        (lambda w: optim.EMA(w), TypeError, "an average takes a list of parameters"),
        (lambda w: optim.EMA([w, w]), ValueError, "an average takes each parameter once"),
        (lambda w: optim.EMA([w * 2]), ValueError, "parameter 0 is the result of multiply"),
        (lambda w: optim.EMA([w], 1.0), ValueError, "decay is a finite number, at least 0 and below 1; got 1.0"),
    ],
)
def test_what_cannot_be_averaged_is_refused(make, error, text):
    """Wrong parameters and a decay out of bounds are refused, with the reason."""
    with pytest.raises(error, match=text):
        make(leaf([1.0]))


def test_a_compiled_update_has_the_bits_of_the_update():
    """The averages are read and written in place in each replay."""
    w = leaf([1.0, 2.0])
    ours, theirs = optim.EMA([w], 0.7), optim.EMA([w], 0.7)
    compiled = mg.compile(ours.update)
    for i in range(4):
        w.data = w.data * (i + 0.5)
        compiled()
        theirs.update()
        np.testing.assert_array_equal(ours.averages["0"], theirs.averages["0"])


def test_repr_has_the_decay_and_counts_the_parameters():
    assert repr(optim.EMA([leaf([1.0, 2.0])], decay=0.9)) == "EMA(decay=0.9): 1 parameter of 2 numbers"


def test_averages_are_looked_at_in_a_compiled_step():
    """The exchange is recorded like any other: each replay has the averages of that time, and then the values."""
    w, other = leaf([1.0, -2.0]), leaf([1.0, -2.0])

    def change(p, ema, x):
        q = mg.asarray(x) @ p
        optimizers[p].zero_grad()
        q.backward()
        optimizers[p].step()
        ema.update()
        with ema.averaged(), mg.no_grad():
            return (p * 2).detach()

    optimizers = {p: optim.SGD([p], lr=0.1) for p in (w, other)}
    ours, theirs = optim.EMA([w], decay=0.5), optim.EMA([other], decay=0.5)
    compiled = mg.compile(lambda x: change(w, ours, x))
    for k in range(4):
        x = np.array([1.0, k])
        assert compiled(x).data.tolist() == change(other, theirs, x).data.tolist()
        assert w.data.tolist() == other.data.tolist()


@pytest.mark.parametrize("compiled", [False, True], ids=["", "compiled"])
def test_averages_of_half_precision_are_kept_in_single(compiled):
    """They move by less than half precision could tell, round into the parameter, and come back as they were."""
    w = leaf(np.float16([1.0, -2.0, 0.0]))
    ema, expected = optim.EMA([w], decay=0.999), np.float32([1.0, -2.0, 0.0])
    update, swap = (mg.compile(f) if compiled else f for f in (ema.update, ema.swap))
    for k in range(20):
        w.data = [1 + k / 16, -2 + k, 0.0]
        update()
        expected += np.float32(1 - 0.999) * (w.data - expected)
        own, average = w.data.copy(), ema.averages["0"].copy()
        np.testing.assert_allclose(average, expected, rtol=1e-6)
        swap()
        np.testing.assert_array_equal(w.data, average.astype(np.float16))
        np.testing.assert_array_equal(ema.averages["0"], own)
        swap()
        np.testing.assert_array_equal(w.data, own)
        np.testing.assert_array_equal(ema.averages["0"], average)
    assert (w.dtype, average.dtype, ema.state_dict()["averages"]["0"].dtype) == (np.float16, np.float32, np.float32)


def test_what_is_changed_between_two_swaps_is_the_new_average():
    """Elements that were trained on from the average take its place; those that were not come back unrounded."""
    w = leaf(np.float16([1.0, 1.0]))
    ema = optim.EMA([w], decay=0.9)
    w.data = [1.01, 1.01]
    ema.update()
    average = ema.averages["0"].copy()
    ema.swap()
    w.data = [2.0, w.data[1]]
    ema.swap()
    assert ema.averages["0"].tolist() == [2.0, average[1]]


def test_a_frozen_parameter_is_averaged_all_the_same():
    """Its values are exchanged in place, and a graph that needs the former ones notices."""
    w, v = leaf([1.0]), leaf([2.0])
    ema = optim.EMA([w], decay=0.5)
    w.requires_grad = False
    w.data = [3.0]
    ema.update()
    loss = (v * w).sum()
    with ema.averaged():
        assert w.item() == 2.0
        with pytest.raises(mg.GraphError, match="changed in place since"):
            loss.backward()
    assert (w.item(), ema.averages["0"].item()) == (3.0, 2.0)


@pytest.mark.parametrize("method", ["update", "swap"])
def test_a_parameter_that_changes_its_dtype_is_refused(method):
    """By name, before any other has moved: the average of another dtype would be rounded."""
    layers = mg.nn.Sequential(mg.nn.Linear(1, 1, rng=0), mg.nn.Linear(1, 1, rng=1))
    ema = optim.EMA(layers.named_parameters(), decay=0.5)
    layers[1].astype(np.float32)
    layers[0].weight.data = [[5.0]]
    before = {name: x.copy() for name, x in ema.averages.items()}
    with pytest.raises(
        TypeError, match=r"1.weight was float64 of shape \(1, 1\) when the average was made, and is now"
    ):
        getattr(ema, method)()
    np.testing.assert_equal(ema.averages, before)
    assert layers[0].weight.item() == 5.0


@pytest.mark.parametrize("values", [[1, 2], [True]])
def test_buffers_of_integers_are_not_averaged(values):
    """A mean of integers is no integer: they are refused."""
    with pytest.raises(ValueError, match="an average takes leaves that require grad; parameter count does not"):
        optim.EMA([("weight", leaf([1.0])), ("count", mg.nn.Buffer(np.array(values)))])


# Buffers, and running statistics


def test_buffers_are_averaged_and_counts_kept():
    """Floating ones by the formula, of integers the last; both are in the model within the context."""
    w, mean, count = leaf([1.0]), mg.nn.Buffer([2.0]), mg.nn.Buffer(np.array([3]))
    ema = optim.EMA([("w", w)], decay=0.5, buffers=[("mean", mean), ("count", count)])
    assert repr(ema) == "EMA(decay=0.5): 1 parameter of 1 number and 2 buffers"
    assert repr(optim.EMA([w], buffers=[mean])).endswith("1 number and 1 buffer")
    w.data, mean.data, count.data = [3.0], [6.0], [7]
    ema.update()
    mean.data, count.data = [8.0], [9]
    with ema.averaged():
        assert (w.item(), mean.item(), count.item()) == (2.0, 4.0, 7)
    assert (w.item(), mean.item(), count.item()) == (3.0, 8.0, 9)
    saved = ema.state_dict()
    assert saved["averages"]["count"].dtype == count.dtype
    ema.load_state_dict(saved)


def test_buffers_of_a_model_compile_with_its_parameters():
    """An update that was recorded averages buffers as well: the same bits."""
    found = []
    for compiled in (False, True):
        model = mg.nn.Sequential(mg.nn.Linear(3, 2, rng=0), mg.nn.BatchNorm1d(2))
        ema = optim.EMA(model.named_parameters(), 0.5, model.named_buffers())
        update = mg.compile(ema.update) if compiled else ema.update
        for i in range(3):
            model(np.sin(np.arange(12.0) + i).reshape(4, 3))
            update()
        found.append([x.tobytes() for x in ema.averages.values()])
    assert found[0] == found[1]
    assert len(found[0]) >= 6


@pytest.mark.parametrize(
    ("buffers", "text"),
    [
        ([leaf([1.0])], "an average takes buffers without a gradient; 1 requires grad, so it is a parameter"),
        ([("0", mg.nn.Buffer([1.0]))], "an average tells parameters and buffers apart by name; two are called 0"),
    ],
)
def test_what_is_no_buffer_is_refused(buffers, text):
    with pytest.raises(ValueError, match=text):
        optim.EMA([leaf([1.0])], buffers=buffers)


BATCHES = [np.random.default_rng(i).normal(i, 1 + i, (6, 3)) for i in range(3)]


def normed(**options):
    return mg.nn.Sequential(mg.nn.BatchNorm1d(3, **options), mg.nn.Dropout(0.5, rng=0), mg.nn.Linear(3, 1, rng=0))


@pytest.mark.parametrize("options", [{}, {"momentum": None}, {"momentum": 0.3}], ids=str)
@pytest.mark.parametrize("labelled", [False, True])
def test_update_bn_makes_means_over_all_batches(options, labelled):
    """Whatever the statistics were, and the momentum is; modes, momentum and hooks are as before."""
    model = normed(**options)
    norm = next(x for x in model.modules() if isinstance(x, mg.nn.BatchNorm1d))
    norm.running_mean.data = [np.nan, 7.0, 8.0]
    norm.eval()
    optim.update_bn([(x, 1) for x in BATCHES] if labelled else BATCHES, model)
    np.testing.assert_allclose(norm.running_mean.data, np.mean([x.mean(0) for x in BATCHES], 0), rtol=1e-13)
    np.testing.assert_allclose(norm.running_var.data, np.mean([x.var(0, ddof=1) for x in BATCHES], 0), rtol=1e-13)
    assert options != {"momentum": None} or norm.num_batches_tracked.item() == 3
    assert norm.momentum == options.get("momentum", 0.1)
    assert (norm.training, model.training) == (False, True)
    norm.train()
    norm(BATCHES[0])
    assert norm.momentum == options.get("momentum", 0.1)


def test_update_bn_counts_each_call_of_a_layer():
    """One that a model calls twice has the means over both."""
    norm = mg.nn.BatchNorm1d(3)

    class Twice(mg.nn.Module):
        def __init__(self):
            self.norm = norm

        def forward(self, x):
            return self.norm(x) + self.norm(3 * x)

    optim.update_bn(BATCHES, Twice())
    np.testing.assert_allclose(norm.running_mean.data, 2 * np.mean([x.mean(0) for x in BATCHES], 0), rtol=1e-13)


@pytest.mark.parametrize(("batches", "error"), [([], ValueError), ([BATCHES[0], np.ones((2, 5))], ValueError)])
def test_update_bn_that_raises_changes_nothing(batches, error):
    """No batch, or one that does not fit."""
    model = normed()
    before = {name: x.data.copy() for name, x in model.named_buffers()}
    with pytest.raises(error, match="takes at least one batch|shape"):
        optim.update_bn(batches, model)
    for name, x in model.named_buffers():
        np.testing.assert_array_equal(x.data, before[name])


def test_update_bn_has_nothing_to_do_without_statistics():
    """A model without them is not called."""
    optim.update_bn([None], mg.nn.Linear(1, 1))
