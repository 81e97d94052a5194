"""`fit` on ranks: the run of one process, and one end for all."""

import random
import time
import types

import pytest

import minigrad as mg
from minigrad.train.ranks import RunOfRanks

from . import fitting
from .launch import end_of, run, start


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The result of four epochs in one process."""
    path = str(tmp_path_factory.mktemp("fit") / "reference.npz")
    mg.save(path, fitting.fitted(4))
    return path


@pytest.mark.parametrize("size", [2, pytest.param(3, marks=pytest.mark.slow), pytest.param(4, marks=pytest.mark.slow)])
def test_ranks_reach_what_one_process_does(size, reference):
    """Weights, statistics, losses and metrics, though batches do not divide: to 1e-12."""
    run(size, "fitting", "equal", reference)


def test_compiled_and_listed_batches_are_those_of_one_process(tmp_path):
    """Compute is compiled, communication in between is not, and so with an optimizer that keeps a part of its state.

    A list of batches is gone through by each rank.
    """
    path = str(tmp_path / "plain.npz")
    mg.save(path, fitting.plain_fit())
    run(3, "fitting", "compiled", path)


def test_arrays_and_bounds_are_those_of_one_process(tmp_path):
    """The same samples validate, the same norm is bounded; what takes a whole batch or epoch is refused by name."""
    path = str(tmp_path / "arrays.npz")
    mg.save(path, fitting.array_fit())
    run(2, "fitting", "arrays", path)


@pytest.mark.parametrize("size", [3, pytest.param(4, marks=pytest.mark.slow)])
def test_batches_smaller_than_the_number_of_ranks_are_those_of_one_process(size, tmp_path):
    """Weights, losses and metrics, with statistics over all ranks; a validation has one sample in a batch, too."""
    path = str(tmp_path / "small.npz")
    mg.save(path, fitting.small_fit())
    run(size, "fitting", "small", path)


def test_a_training_leaves_all_ranks_alike(tmp_path):
    """Their optimizers, generators, statistics and parameters; and an error that all have leaves them able to go on."""
    run(2, "fitting", "afterwards", str(tmp_path / "run.npz"))


def test_another_number_of_ranks_goes_on(reference, tmp_path):
    """Begun on three ranks, resumed on two: as one process. A callback on one rank ends all."""
    path = str(tmp_path / "run.npz")
    run(3, "fitting", "begin", path)
    assert len(mg.load(path)["history"]) == 2
    run(2, "fitting", "go_on", path, reference)
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]


def test_one_process_goes_on_with_a_run_of_ranks(reference, tmp_path):
    """And ranks with that of one process."""
    path = str(tmp_path / "run.npz")
    fitting.fitted(2, checkpoint=path)
    run(2, "fitting", "go_on", path, reference)
    fitting.compare(fitting.fitted(4, checkpoint=path, resume=True), mg.load(reference))


def test_draws_of_dropout_are_resumed_bit_by_bit(tmp_path):
    """On as many ranks as before."""
    run(2, "fitting", "draws", str(tmp_path / "run.npz"))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("exception", "RuntimeError: no such sample"),
        ("nan", "FloatingPointError: the loss is NaN or infinite in step"),
        ("interrupt", "KeyboardInterrupt"),
        ("kill", ""),
    ],
)
def test_one_rank_that_fails_ends_all(kind, text, tmp_path):
    """With its message, and not only when the launcher's patience ends; the last checkpoint is whole."""
    path = str(tmp_path / "run.npz")
    code, printed, said = end_of(start(3, "fitting", "faulty", path, kind), timeout=60)
    assert code != 0
    assert text in said, printed + said
    assert ("rank 1 of 3 has failed, which ends all ranks:" in said) is (kind != "kill")
    assert mg.load(path).keys() >= {"model", "optimizer", "loader"}


def test_an_error_that_the_other_ranks_do_not_have_ends_them_at_once():
    """Before anything that would wait for them."""
    run_, failed = object.__new__(RunOfRanks), SystemError("the process ends here")

    def fail(*error):
        raise failed

    run_.here = types.SimpleNamespace(all_fail=lambda: False, fail=fail)
    with pytest.raises(SystemError, match="the process ends here"):
        run_.__exit__(ValueError, ValueError("alone"), None)


def test_other_numbers_of_batches_are_refused():
    """By name, rather than by waiting for ever."""
    code, _, said = end_of(start(2, "fitting", "uneven"))
    assert code != 0
    assert "rank 1 has 2 batches in epoch 1, and rank 0 has more. Give all ranks as many" in said


@pytest.mark.slow
@pytest.mark.no_cover
def test_ranks_that_are_killed_at_random_moments_leave_whole_files(tmp_path):
    """Fifty times: a rank, or mpiexec itself. Each resume reads the file; each run that ends is the undisturbed one.

    A training that has come to its end compares itself, and the next one begins anew.
    """
    reference, path = tmp_path / "reference.npz", tmp_path / "run.npz"
    mg.save(reference, fitting.fitted(40))
    rng, killed, ended = random.Random(0), 0, 0
    while killed < 50:
        rank = rng.choice(["0", "1", "2", "all"])
        dies = f"{rank} {rng.randrange(1, 12)} {rng.uniform(0, 0.01)}"
        ranks = start(3, "fitting", "killed", str(path), str(reference), env={"DIES": dies})
        if rank == "all":
            ranks.stdout.readline()
            time.sleep(rng.uniform(0, 0.01))
            rng.choice([ranks.kill, ranks.terminate])()
        code, _, said = end_of(ranks)
        assert "Error" not in said, said
        assert not path.exists() or len(mg.load(path)["history"]) <= 40
        killed += code != 0
        if code == 0:
            ended += 1
            path.unlink()
    assert ended >= 3
    run(3, "fitting", "killed", str(path), str(reference))
