"""Batches: which, in what order, from where on, at what cost; and threads that end."""

import gc
import re
import subprocess
import sys
import threading
import weakref
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.data import DataLoader

X, Y = np.arange(20.0).reshape(10, 2), np.arange(10)


class Pair(NamedTuple):
    x: np.ndarray
    y: np.ndarray


class Squares:
    """A data set of samples that are computed."""

    def __len__(self):
        return 10

    def __getitem__(self, i):
        return {"i": i, "square": np.array([i * i, 0.5])}


def numbers(loader):
    """The labels of each batch of an epoch."""
    return [batch[1].tolist() for batch in loader]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    """Whatever a test does, the threads that run after it ran before it."""
    before = threading.active_count()
    yield
    assert threading.active_count() == before


# What the batches are


@pytest.mark.parametrize(("drop_last", "lengths"), [(False, [4, 4, 2]), (True, [4, 4])])
def test_an_epoch_has_every_sample_once(drop_last, lengths):
    """In order without shuffle; the last batch has what is left, or is dropped."""
    loader = DataLoader((X, Y), 4, drop_last=drop_last)
    assert [len(y) for y in numbers(loader)] == lengths
    assert len(loader) == len(lengths)
    assert np.concatenate(numbers(loader)).tolist() == list(range(sum(lengths)))


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_batch_has_the_structure_of_the_data(shuffle):
    """Tuples, named ones, dicts, nested trees with lists and None; rows that belong together stay together."""
    for data in (X, (X, Y), Pair(X, Y), {"x": X, "deep": (Y, [X, None])}):
        batch = next(iter(DataLoader(data, 3, shuffle=shuffle, rng=0)))
        assert type(batch) is type(data)
    assert batch["deep"][1][1] is None
    assert batch["x"].shape == (3, 2)
    np.testing.assert_array_equal(batch["x"], X[batch["deep"][0]])


def test_tensors_give_tensors():
    """A batch of a Tensor's rows is a Tensor."""
    batch = next(iter(DataLoader(mg.tensor(X), 3)))
    assert isinstance(batch, mg.Tensor)
    assert batch.tolist() == X[:3].tolist()


@pytest.mark.parametrize("prefetch", [0, 3])
def test_samples_of_an_indexable_are_stacked(prefetch):
    """Each leaf of the samples gets a new first axis."""
    batches = list(DataLoader(Squares(), 4, shuffle=True, rng=1, prefetch=prefetch))
    assert [b["square"].shape for b in batches] == [(4, 2), (4, 2), (2, 2)]
    i = np.concatenate([b["i"] for b in batches])
    assert sorted(i) == list(range(10))
    np.testing.assert_array_equal(np.concatenate([b["square"] for b in batches])[:, 0], i**2)


def test_a_list_is_a_data_set_of_samples():
    """A list of pairs becomes a pair of arrays, in order."""
    x, y = next(iter(DataLoader([(0.5, "a"), (1.5, "b")], 2)))
    assert (x.tolist(), y.tolist()) == ([0.5, 1.5], ["a", "b"])


def test_batches_in_order_are_locked_views_and_shuffled_ones_copies():
    """Nobody changes the data set by writing to a batch."""
    ordered = next(iter(DataLoader(X, 3)))
    assert np.shares_memory(ordered, X)
    with pytest.raises(ValueError, match="read-only"):
        ordered += 1
    shuffled = next(iter(DataLoader(X, 3, shuffle=True, rng=0)))
    shuffled += 100
    assert X.max() == 19


# The order


@pytest.mark.parametrize("prefetch", [0, 1, 2, 100])
def test_a_seed_decides_the_order(prefetch):
    """The same seed: the same epochs, whatever is prefetched; another seed or epoch: another order."""
    first, second = (DataLoader((X, Y), 3, shuffle=True, rng=7, prefetch=p) for p in (0, prefetch))
    epochs = [numbers(first) for _ in range(3)]
    assert [numbers(second) for _ in range(3)] == epochs
    assert len({str(epoch) for epoch in epochs}) == 3
    assert numbers(DataLoader((X, Y), 3, shuffle=True, rng=8)) != epochs[0]
    assert all(sorted(np.concatenate(epoch)) == list(range(10)) for epoch in epochs)


def test_one_number_is_drawn_from_a_generator_and_none_without_shuffle():
    """Epochs leave the generator alone, so that others may draw from it."""
    rng, twin = np.random.default_rng(3), np.random.default_rng(3)
    for _ in DataLoader(Y, 3, rng=rng):
        pass
    assert rng.bit_generator.state == twin.bit_generator.state
    for _ in DataLoader(Y, 3, shuffle=True, rng=rng):
        pass
    twin.integers(2**63)
    assert rng.bit_generator.state == twin.bit_generator.state


def test_without_a_seed_loaders_differ():
    """None means fresh entropy."""
    one, other = (DataLoader((Y, Y), 10, shuffle=True) for _ in range(2))
    assert [numbers(one) for _ in range(3)] != [numbers(other) for _ in range(3)]


def test_an_epoch_left_early_is_over():
    """The next loop begins the next epoch, and what is left of the first goes on by itself."""
    whole = DataLoader((X, Y), 3, shuffle=True, rng=7)
    epochs = [numbers(whole) for _ in range(3)]
    loader = DataLoader((X, Y), 3, shuffle=True, rng=7)
    outer = iter(loader)
    assert next(outer)[1].tolist() == epochs[0][0]
    assert loader.epoch == 0
    assert numbers(loader) == epochs[1]
    assert loader.epoch == 2
    assert numbers(outer) == epochs[0][1:]
    assert loader.epoch == 2
    assert numbers(loader) == epochs[2]


# The state


@given(
    samples=st.integers(1, 30),
    batch_size=st.integers(1, 8),
    shuffle=st.booleans(),
    prefetch=st.sampled_from([0, 1, 3]),
    seed=st.integers(0, 2**32),
    data=st.data(),
)
def test_a_state_resumes_with_the_same_batches(samples, batch_size, shuffle, prefetch, seed, data):
    """After any number of delivered batches, a new loader goes on with exactly what was to come, epochs and all."""
    y = np.arange(samples)
    make = lambda rng, prefetch: DataLoader((y, y), batch_size, shuffle=shuffle, rng=rng, prefetch=prefetch)
    uninterrupted = make(seed, 0)
    epochs = [numbers(uninterrupted) for _ in range(3)]
    loader = make(seed, prefetch)
    assert numbers(loader) == epochs[0]
    delivered = data.draw(st.integers(0, len(loader)))
    batches = iter(loader)
    assert [next(batches)[1].tolist() for _ in range(delivered)] == epochs[1][:delivered]
    state = loader.state_dict()
    batches.close()
    resumed = make(None, data.draw(st.sampled_from([0, 2])))
    resumed.load_state_dict(state)
    assert resumed.epoch == 1
    assert numbers(resumed) == epochs[1][delivered:]
    assert numbers(resumed) == epochs[2]


def test_a_state_taken_after_the_last_batch_knows_whether_the_loop_has_ended():
    """In the body of the last batch nothing of the epoch is to come; after the loop, the whole next one is."""
    loader = DataLoader((X, Y), 5)
    for _ in loader:
        inside = loader.state_dict()
    after = loader.state_dict()
    assert (inside["epoch"], inside["position"]) == (0, 2)
    assert (after["epoch"], after["position"]) == (1, 0)
    loader.load_state_dict(inside)
    assert numbers(loader) == []
    assert loader.state_dict() == after


def test_the_state_is_integers_and_bools():
    """So that any format can hold it."""
    state = DataLoader(Y, 3, shuffle=True, rng=0).state_dict()
    assert {type(value) for value in state.values()} == {int, bool}


def test_loading_a_state_into_a_running_loop_changes_the_next_loop_only():
    """The running one goes on, and no longer counts."""
    loader = DataLoader((X, Y), 5)
    running = iter(loader)
    next(running)
    loader.load_state_dict(loader.state_dict())
    assert numbers(running) == [[5, 6, 7, 8, 9]]
    assert loader.state_dict()["position"] == 1
    assert numbers(loader) == [[5, 6, 7, 8, 9]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 3}, "batch_size was 3 and is 4"),
        ({"samples": 9, "shuffle": False}, "samples was 9 and is 10; shuffle was False and is True"),
        ({"position": 4}, "position is no integer from 0 to 3: 4"),
        ({"epoch": -1}, "epoch is no integer from 0: -1"),
        ({"seed": 0.5}, "seed is no integer from 0 to 9223372036854775807: 0.5"),
        ({"other": 1}, "other is unexpected"),
    ],
)
def test_a_state_of_another_loader_is_refused(change, message):
    """The error says all that differs, and the loader is as it was."""
    loader = DataLoader((X, Y), 4, shuffle=True, rng=0)
    before = loader.state_dict()
    with pytest.raises(ValueError, match=f"^this state does not belong to this loader: {message}$"):
        loader.load_state_dict({**before, **change})
    with pytest.raises(ValueError, match="seed is missing; epoch is missing"):
        loader.load_state_dict({})
    assert loader.state_dict() == before


# Prefetching


class Counted:
    """A data set that counts what is asked of it, and fails at one sample."""

    def __init__(self, fails=None):
        self.asked, self.fails = [], fails

    def __len__(self):
        return 100

    def __getitem__(self, i):
        self.asked.append(i)
        if i == self.fails:
            raise KeyError(f"no sample {i}")
        return i


def test_no_more_is_made_than_wanted_ahead():
    """With prefetch=2, after one batch of one sample, three are made, and no thread waits in vain."""
    data = Counted()
    batches = iter(DataLoader(data, prefetch=2))
    next(batches)
    batches.close()
    assert len(data.asked) <= 3
    assert next(iter(DataLoader(Counted(), prefetch=200))) == [0]


@pytest.mark.parametrize("prefetch", [0, 2])
def test_an_error_reaches_the_user_in_its_place(prefetch):
    """The batches before it are delivered, then it is raised with its own traceback; the state is before it."""
    loader = DataLoader(Counted(fails=6), 2, prefetch=prefetch)
    batches = iter(loader)
    assert [next(batches).tolist() for _ in range(3)] == [[0, 1], [2, 3], [4, 5]]
    with pytest.raises(KeyError, match="no sample 6") as caught:
        next(batches)
    assert "__getitem__" in [entry.name for entry in caught.traceback]
    assert loader.state_dict()["position"] == 3


def test_an_error_of_a_thread_is_freed_without_the_garbage_collector():
    """Nothing refers to the error in a circle."""

    class Mark(Exception):
        pass

    class Fails(Counted):
        def __getitem__(self, i):
            raise Mark

    def fail():
        try:
            list(DataLoader(Fails(), prefetch=1))
        except Mark as error:
            return weakref.ref(error)

    gc.collect()
    gc.disable()
    try:
        assert fail()() is None
    finally:
        gc.enable()


def test_breaking_out_of_a_loop_ends_the_thread():
    """The generator goes when the loop is left, and the thread with it; the fixture counts the threads."""
    for _ in range(20):
        for _ in DataLoader(Counted(), prefetch=3):
            assert "minigrad prefetch" in [t.name for t in threading.enumerate()]
            break
    forgotten = iter(DataLoader(Counted(), prefetch=3))
    next(forgotten)
    del forgotten


def test_a_loop_that_is_never_left_does_not_keep_python_from_ending():
    """Its thread ends with the process."""
    code = (
        "import numpy as np\n"
        "from minigrad.data import DataLoader\n"
        "batches = iter(DataLoader(np.arange(9), prefetch=2))\n"
        "next(batches)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)


def test_a_generator_found_by_the_threads_own_garbage_collector_does_not_wait_for_itself():
    """A loop caught in a circle may be collected in the thread that it would wait for."""
    problems = []

    class Collects(Counted):
        def __getitem__(self, i):
            if i == 1:
                left.wait()
                gc.collect()
            return i

    def leave():
        batches = iter(DataLoader(Collects(), prefetch=1))
        next(batches)
        circle = [batches]
        circle.append(circle)

    left, hook = threading.Event(), threading.excepthook
    threading.excepthook = problems.append
    gc.disable()
    try:
        leave()
        (thread,) = (t for t in threading.enumerate() if t.name == "minigrad prefetch")
        left.set()
        thread.join(10)
    finally:
        gc.enable()
        threading.excepthook = hook
    assert not thread.is_alive()
    assert problems == []


# What is refused


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ((X, Y[:9]), ValueError, "the arrays of a data set have the same number of samples; got [10, 9]"),
        (X[:0], ValueError, "a data set takes at least one sample; got none"),
        ([], ValueError, "a data set takes at least one sample; got none"),
        ((), ValueError, "a data set takes at least one sample; got none"),
        ({"x": None}, ValueError, "a data set takes at least one sample; got none"),
        (
            (X, np.array(1.0)),
            TypeError,
            "a tree of data holds arrays with the samples along the first axis; got array(1.)",
        ),
        ({"x": 3}, TypeError, "a tree of data holds arrays with the samples along the first axis; got 3"),
        (
            iter([1, 2]),
            TypeError,
            "a data set is an array, a tuple or dict of arrays, or has len(data) and data[i]; got a list_iterator",
        ),
        (
            {1, 2},
            TypeError,
            "a data set is an array, a tuple or dict of arrays, or has len(data) and data[i]; got a set",
        ),
    ],
    ids=["lengths", "no rows", "empty list", "empty tuple", "only None", "0-d", "number", "iterator", "set"],
)
def test_what_is_no_data_set_is_refused(data, error, message):
    """At once, and with what came."""
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        DataLoader(data, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size is an integer, at least 1; got 0"),
        ({"batch_size": -3}, "batch_size is an integer, at least 1; got -3"),
        ({"batch_size": 2.0}, "batch_size is an integer, at least 1; got 2.0"),
        ({"batch_size": True}, "batch_size is an integer, at least 1; got True"),
        ({"prefetch": -1}, "prefetch is an integer, at least 0; got -1"),
        (
            {"batch_size": 11, "drop_last": True},
            "with drop_last, a batch takes 11 samples, and the data set has 10",
        ),
    ],
)
def test_a_number_out_of_range_is_refused(options, message):
    """At once, and with what came."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        DataLoader(X, **options)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([np.zeros(2), np.zeros(3)], "all input arrays must have the same shape"),
        ([(1, 2), (1, 2, 3)], "expected a tuple of 2"),
    ],
)
def test_samples_that_do_not_stack_are_refused(samples, message):
    """With the reason."""
    with pytest.raises(ValueError, match=f"the samples of a batch have the same structure and shapes: {message}"):
        next(iter(DataLoader(samples, 2)))


def test_repr_has_the_options_and_the_place():
    """How many samples there are, and how many batches of the epoch were delivered."""
    loader = DataLoader(X, 4, shuffle=True, rng=0)
    options = "batch_size=4, shuffle=True, drop_last=False, prefetch=0"
    next(iter(loader))
    assert repr(loader) == f"DataLoader({options}): 10 samples, epoch 0, batch 1 of 3"
    list(loader)
    assert repr(loader) == f"DataLoader({options}): 10 samples, epoch 2, batch 0 of 3"
    assert repr(DataLoader([1.0])).endswith(": 1 sample, epoch 0, batch 0 of 1")


def test_a_list_of_arrays_is_told_from_a_tuple_of_them():
    """A list has a sample at each place; what was meant is said in the error."""
    with pytest.raises(ValueError, match=r"A list is a data set of samples; arrays .* go in a tuple: \(x, y\)"):
        next(iter(mg.data.DataLoader([np.ones((4, 2)), np.ones(4)], batch_size=2)))


# Data sets that grow


@pytest.mark.parametrize("prefetch", [0, 2])
@pytest.mark.parametrize("shuffle", [False, True])
def test_a_data_set_may_grow_between_epochs(shuffle, prefetch):
    """Length, samples and batches are those of what it has when an epoch begins."""
    data = [0, 1, 2]
    loader = DataLoader(data, 2, shuffle=shuffle, rng=0, prefetch=prefetch)
    data += [3, 4]
    assert (len(loader), loader.samples) == (3, 5)
    for count in (5, 8, 2):
        data[:] = range(count)
        assert sorted(np.concatenate(list(loader))) == data
    assert repr(loader).endswith(": 2 samples, epoch 3, batch 0 of 1")


def test_an_epoch_has_the_samples_that_there_were_at_its_beginning():
    """What is added meanwhile comes in the next, and the epoch resumes with those that it has."""
    data = [0, 1, 2, 3]
    loader = DataLoader(data, 2, shuffle=True, rng=0)
    whole = [b.tolist() for b in DataLoader(data, 2, shuffle=True, rng=0)]
    batches = iter(loader)
    assert next(batches).tolist() == whole[0]
    data += [4, 5]
    state = loader.state_dict()
    assert state["samples"] == 4
    with pytest.raises(ValueError, match="samples was 4 and is 6$"):
        loader.load_state_dict(state)
    del data[4:]
    loader.load_state_dict(state)
    data += [4, 5]
    assert [b.tolist() for b in loader] == whole[1:]
    assert next(batches).tolist() == whole[1]
    assert sorted(np.concatenate(list(loader))) == data


@pytest.mark.parametrize(
    ("left", "message"),
    [
        ([], "^a data set takes at least one sample; got none$"),
        ([1], "^with drop_last, a batch takes 2 samples, and the data set has 1$"),
    ],
)
def test_a_data_set_that_has_shrunk_too_far_is_refused(left, message):
    """By the loop, before it begins an epoch; its length can be asked for."""
    data = [1, 2, 3]
    loader = DataLoader(data, 2, drop_last=True)
    data[:] = left
    with pytest.raises(ValueError, match=message):
        iter(loader)
    assert (len(loader), loader.epoch) == (0, 0)
    data[:] = [1, 2]
    assert len(list(loader)) == 1


@pytest.mark.parametrize("second", [Y, mg.tensor(Y), Y.tolist(), (Y,)], ids=["array", "Tensor", "list", "tuple"])
def test_inputs_and_targets_as_two_arguments_are_told_of_the_tuple(second):
    """The second argument is the size of a batch."""
    with pytest.raises(TypeError, match=r"go in a tuple: DataLoader\(\(x, y\), batch_size=...\); got a \w+ as batch_s"):
        DataLoader(X, second)


@pytest.mark.parametrize("integer", [np.int64(4), np.uint8(4), np.array(4)], ids=["int64", "uint8", "array"])
def test_a_batch_size_may_be_an_integer_of_numpys(integer):
    """It has a shape, but no axis."""
    assert len(DataLoader(X, integer)) == 3


@pytest.mark.parametrize("samples", [[(1.0, None), (2.0, 3.0)], [(2.0, 3.0), (1.0, None)]])
def test_none_beside_a_target_is_refused(samples):
    """It would be lost, or make an array of objects."""
    with pytest.raises((TypeError, ValueError)):
        list(DataLoader(samples, batch_size=2))
