"""What has to hold on any number of ranks: ``main`` runs each check on all ranks, and prints its name on rank 0."""

import gc
import os
import random
import re
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad import distributed, nn, optim
from minigrad.core.sweep import arrivals
from minigrad.data import DataLoader
from minigrad.distributed.averaging import averaged
from minigrad.distributed.buckets import abandoned
from minigrad.distributed.messages import Shared, Summed, kept
from minigrad.nn import functional as F

HERE = distributed.world()
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(22, 5)), RNG.normal(size=(22, 2))
LABELS = RNG.integers(3, size=22)
OPTIMIZERS = {
    "SGD": lambda m: optim.SGD(m.parameters(), lr=0.1),
    "momentum": lambda m: optim.SGD(m.named_parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda m: optim.Adam(m.named_parameters(), lr=0.05),
    "AdamW": lambda m: optim.AdamW(m.named_parameters(), lr=0.05, weight_decay=0.1),
    "Muon": lambda m: optim.Muon([p for p in m.parameters() if p.ndim == 2], lr=0.05),
}


def network(norm=False, rng=1, sync=True):
    """Without a bias before the norm, whose gradient is 0 but for rounding, of which Adam makes whole steps."""
    rng = np.random.default_rng(rng)
    middle = [nn.BatchNorm1d(8, sync=sync)] if norm else []
    return nn.Sequential(nn.Linear(5, 8, bias=not norm, rng=rng), *middle, nn.Tanh(), nn.Linear(8, 2, rng=rng))


def batches(seed=3):
    """22 samples in batches of 8: they divide by 2 and 4, and the last, of 6, by 3."""
    return DataLoader((X, Y), 8, shuffle=True, rng=seed)


def trained(model, optimizer, loader, clip=None, epochs=3):
    """The values after a training; all else is as in one process."""
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            F.mse_loss(model(x), y).backward()
            if clip is not None:
                optim.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
    return values_of(model)


def values_of(model):
    return {name: x.data.copy() for name, x in [*model.named_parameters(), *model.named_buffers()]}


def together(make, norm=False, clip=None, **options):
    """A training on all ranks, which start from other values but for rank 0."""
    model, loader = network(norm, 1 + HERE.rank), distributed.Sharded(batches(3 + HERE.rank))
    optimizer = distributed.optimizer(make(model), loader, **options)
    distributed.broadcast(model, optimizer)
    values = trained(model, optimizer, loader, clip)
    distributed.check_same(model)
    optimizer.averager.close()
    return values


def assert_equal(found, wanted, rtol=1e-12):
    assert found.keys() == wanted.keys()
    for name, x in wanted.items():
        np.testing.assert_allclose(found[name], x, rtol=rtol, atol=1e-13, err_msg=name)


def raises(kind, text, function, *args, **kwargs):
    """The call raises an error of that kind with that text in it."""
    with pytest.raises(kind, match=re.escape(text)):
        function(*args, **kwargs)


def check_steps_are_those_of_one_process():
    """For each optimizer, whole or with its state shared out, in one bucket or many."""
    for name, make in OPTIMIZERS.items():
        model = network()
        alone = trained(model, make(model), batches())
        for options in ({}, {"bucket_bytes": 100}, {"shard_state": True}):
            assert_equal(together(make, **options), alone), name


def check_clipping_is_by_the_global_norm():
    """The norm is that of the averaged gradients, at which it bites."""
    model, make = network(), OPTIMIZERS["momentum"]
    alone = trained(model, make(model), batches(), clip=0.3)
    assert_equal(together(make, clip=0.3), alone)
    assert_equal(together(make, clip=0.3, bucket_bytes=100), alone)


def check_synchronised_batch_norm_is_that_of_the_whole_batch():
    """Weights, running statistics and all: for batches that do not divide, too."""
    for make in (OPTIMIZERS["SGD"], OPTIMIZERS["Adam"]):
        model = network(norm=True, sync=False)
        assert_equal(together(make, norm=True), trained(model, make(model), batches()))


def check_batch_norm_of_images_and_of_one_number_in_all():
    """Four axes, float32 and half precision; the last without momentum; one value over all ranks is refused."""
    images = np.random.default_rng(5).normal(size=(4 * HERE.size, 3, 2, 2))
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-5), (np.float16, 3e-3)):
        alone = nn.BatchNorm2d(3, affine=False)
        norm = nn.BatchNorm2d(3, affine=False, sync=True)
        y = norm(images[4 * HERE.rank : 4 * HERE.rank + 4].astype(dtype))
        want = alone(images.astype(dtype))[4 * HERE.rank : 4 * HERE.rank + 4]
        assert y.dtype == dtype
        np.testing.assert_allclose(y, want, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(norm.running_var.data, alone.running_var.data, rtol=tolerance)
    if HERE.size > 1:
        empty = np.ones((1 if HERE.rank == 0 else 0, 3))
        raises(ValueError, "more than one value for each channel; got 1", nn.BatchNorm1d(3, sync=True), empty)


def check_accumulation_sends_only_the_last():
    """Two halves of a batch, of other sizes, weighed by their samples; communication is for the second alone."""
    model, own = network(), network()
    optimizer = distributed.optimizer(OPTIMIZERS["Adam"](own), bucket_bytes=100)
    alone = OPTIMIZERS["Adam"](model)
    for x, y in batches():
        alone.zero_grad()
        F.mse_loss(model(x), y).backward()
        alone.step()
        n = len(x)
        part = slice(n * HERE.rank // HERE.size, n * (HERE.rank + 1) // HERE.size)
        x, y = x[part], y[part]
        optimizer.samples, cut = len(x), (len(x) + 1) // 2 if len(x) > 1 else 0
        optimizer.zero_grad()
        with optimizer.no_sync():
            if cut:
                (F.mse_loss(own(x[:cut]), y[:cut]) * (cut / len(x))).backward()
        assert optimizer.averager.sent == 0
        (F.mse_loss(own(x[cut:]), y[cut:]) * (1 - cut / len(x))).backward()
        assert optimizer.averager.sent == len(optimizer.averager.buckets)
        optimizer.step()
    assert_equal(values_of(own), values_of(model))
    optimizer.averager.close()


def check_weights_of_classes_count_as_samples():
    """A loss that is a mean over something else than samples is that of one process, too, where a rank says so."""
    labels, weights = LABELS, np.array([0.2, 1.0, 3.0])
    part = slice(22 * HERE.rank // HERE.size, 22 * (HERE.rank + 1) // HERE.size)

    def stepped(model, optimizer, x, labels):
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(model(x), labels, weight=weights).backward()
            optimizer.step()
        return values_of(model)

    model, own = nn.Linear(5, 3, rng=1), nn.Linear(5, 3, rng=1)
    optimizer = distributed.optimizer(OPTIMIZERS["momentum"](own))
    optimizer.samples = weights[labels[part]].sum()
    found = stepped(own, optimizer, X[part], labels[part])
    assert_equal(found, stepped(model, OPTIMIZERS["momentum"](model), X, labels))
    optimizer.averager.close()


def check_average_of_gradients_by_hand():
    """`average_gradients` leaves means over samples, a gradient that one rank lacks, and none where none has one."""
    p, q, r = (mg.tensor(np.ones(3), requires_grad=True) for _ in range(3))
    p.grad = np.full(3, float(HERE.rank))
    if HERE.rank == HERE.size - 1:
        q.grad = np.arange(3.0)
    distributed.average_gradients([p, q, r], samples=1 + HERE.rank)
    weights = np.arange(1.0, HERE.size + 1)
    np.testing.assert_allclose(p.grad, np.full(3, weights @ np.arange(HERE.size) / weights.sum()), rtol=1e-15)
    np.testing.assert_allclose(q.grad, np.arange(3.0) * HERE.size / weights.sum(), rtol=1e-15)
    assert r.grad is None
    before = p.grad.data.copy()
    nobody = "a mean over ranks takes a rank that counts; all have 0 samples"
    raises(ValueError, nobody, distributed.average_gradients, [p], samples=0)
    raises(ValueError, nobody, distributed.average, 1.0, 0)
    raises(ValueError, "finite and not below 0; got -1", distributed.average_gradients, [p], samples=-1)
    np.testing.assert_array_equal(p.grad.data, before)
    p, q = (mg.tensor(np.ones(7), requires_grad=True) for _ in range(2))
    optimizer = distributed.optimizer(optim.SGD([p, q], lr=1.0), bucket_bytes=8)
    for count in (0.0, 1.0):
        optimizer.averager.weight = count
        optimizer.zero_grad()
        ((1.0 + HERE.rank) * (p + q)).sum().backward()
        if HERE.size > 1 and not count:
            time.sleep(2e-3 * HERE.rank)  # others go on to the next message
            raises(ValueError, nobody, optimizer.step)
    optimizer.step()
    np.testing.assert_allclose(q.data, np.full(7, 1 - (HERE.size + 1) / 2), rtol=1e-15)
    optimizer.averager.close()


def check_half_precision_and_other_layouts():
    """float16 is added up in float32 and rounded once; Fortran order and no dimensions are fine; dtypes mix."""
    kinds = [(np.float16, (2, 3)), (np.float32, ()), (np.float64, (3, 2)), (np.float16, (4,))]
    params = [mg.tensor(np.asfortranarray(np.ones(shape, dtype)), requires_grad=True) for dtype, shape in kinds]
    for p in params:
        p.grad = np.asfortranarray(np.arange(p.size, dtype=p.dtype).reshape(p.shape) + 1000 * HERE.rank)
    distributed.average_gradients(params)
    for p in params:
        want = np.arange(p.size).reshape(p.shape) + 1000 * (HERE.size - 1) / 2
        assert p.grad.dtype == p.dtype
        np.testing.assert_array_equal(p.grad.data, want.astype(p.dtype))
    # 100,000 samples are more than half precision has numbers for
    p, g = mg.tensor(np.ones(2, np.float16), requires_grad=True), np.array([3.0, 1 / 3], np.float16)
    p.grad = g
    distributed.average_gradients([p], samples=100_000 + HERE.rank)
    np.testing.assert_array_equal(p.grad.data, g)
    np.testing.assert_array_equal(distributed.average(g, 100_000 + HERE.rank), g)


def check_means_have_derivatives():
    """The mean over ranks is its own transpose in the weights of ranks, forward and twice backward."""
    weight = 1.0 + HERE.rank
    x = mg.tensor([1.0 + HERE.rank, 2.0], requires_grad=True)
    y = distributed.average(x**2, weight)
    weights = np.arange(1.0, HERE.size + 1)
    np.testing.assert_allclose(y.detach().data[0], weights @ weights**2 / weights.sum(), rtol=1e-14)
    (y**2).sum().backward(create_graph=True)
    np.testing.assert_allclose(x.grad.detach().data, 4 * x.data * y.detach().data, rtol=1e-14)
    _, t = mg.jvp(lambda z: averaged(z, weight), (np.ones(2),), (np.array([float(HERE.rank), 1.0]),))
    np.testing.assert_allclose(t, [weights @ np.arange(HERE.size) / weights.sum(), 1.0], rtol=1e-14)
    assert distributed.average(HERE.rank) == (HERE.size - 1) / 2
    assert distributed.average(np.float32(2)).dtype == np.float32
    assert distributed.average([HERE.rank, 1]).tolist() == [(HERE.size - 1) / 2, 1.0]
    raises(TypeError, "is of real numbers; got an array of complex128", distributed.average, 1j)
    if HERE.size > 1:
        text = (
            "different calls where all have to make the same: rank 0 is about to take the mean of float64 of shape (2,)"
        )
        raises(RuntimeError, text, distributed.average, np.ones(2 + HERE.rank))
    alone = distributed.average(np.nan if HERE.rank else 3.0, weight=float(HERE.rank == 0))
    assert alone == 3.0  # what does not count may be NaN


def check_a_rank_from_which_less_was_sent_forgets_as_much():
    """A parameter without gradient on some ranks, whose bucket did not leave there, and no step after that pass."""
    a, b = (mg.tensor(np.ones(20), requires_grad=True) for _ in range(2))
    optimizer = distributed.optimizer(optim.SGD([a, b], lr=1.0), bucket_bytes=64)
    for step in range(4):
        optimizer.zero_grad()
        ((a * 2.0).sum() + (0.0 if HERE.rank else (b * 3.0).sum())).backward()
        if step % 2:
            optimizer.step()
    np.testing.assert_array_equal(a.data, np.full(20, -3.0))
    np.testing.assert_allclose(b.data, np.full(20, 1 - 6 / HERE.size), rtol=1e-14)
    if HERE.rank == 0:  # as where an error ends a pass elsewhere
        ((a * 2.0).sum() + (b * 3.0).sum()).backward()
    optimizer.averager.close()


def check_what_rank_0_does_for_all_fails_on_all():
    """There as it did, and elsewhere as it can be sent."""

    class Own(Exception):
        """Of a class that other ranks cannot find."""

    def fail():
        assert HERE.rank == 0
        raise Own("no such file")

    assert HERE.by_first(lambda: f"by {HERE.rank}", "tell") == "by 0"
    if HERE.rank == 0:
        raises(Own, "no such file", HERE.by_first, fail, "fail")
    else:
        raises(RuntimeError, "Own: no such file", HERE.by_first, fail, "fail")


def check_what_ranks_hear_does_not_pile_up():
    """Also on a rank that never waits for long."""
    if HERE.size > 1:
        HERE.lookout.tell(None)
        for _ in range(1000):
            if all(HERE.from_all(HERE.lookout.heard == dict.fromkeys(HERE.lookout.others))):
                break
        else:
            raise AssertionError("what the others have told is not heard")


def check_optimizers_that_are_given_up_hear_of_nothing():
    """And a second one of the same parameters goes on when the first is closed, in memory that is its own."""
    p = mg.tensor(np.ones(300), requires_grad=True)

    def make():
        return distributed.optimizer(optim.SGD([p], lr=1.0))

    first, second = make(), make()
    first.averager.close()
    assert len(arrivals) == (1 if HERE.size > 1 else 0)
    (p * (1.0 + HERE.rank)).sum().backward()
    assert second.averager.sent == len(second.averager.buckets)
    second.step()
    np.testing.assert_allclose(p.data, np.full(300, 1 - (HERE.size + 1) / 2), rtol=1e-15)
    arrival = next(iter(arrivals.values()), None)
    del second
    gc.collect()
    assert not arrivals
    if arrival is not None:
        arrival(np.ones(300))
        arrival.complete()
    if HERE.rank:  # where it is not given up, the memory is not for the next one
        held = make()
    else:
        make()
        gc.collect()
    third = make()
    if HERE.size == 2:
        assert third.averager.buckets[0].message.number == HERE.from_all(third.averager.buckets[0].message.number)[0]
    p.grad = np.full(300, 1.0 + HERE.rank)
    third.average()
    np.testing.assert_allclose(p.grad.data, np.full(300, (HERE.size + 1) / 2), rtol=1e-15)
    third.averager.close()
    if HERE.rank:
        del held
        gc.collect()
    fourth = make()
    (p * 2.0).sum().backward()
    del fourth  # whose gradients are on their way
    gc.collect()
    assert not arrivals
    p.grad = np.full(300, 1.0 + HERE.rank)
    distributed.average_gradients([p])
    np.testing.assert_allclose(p.grad.data, np.full(300, (HERE.size + 1) / 2), rtol=1e-15)
    HERE.from_all(None)
    make().averager.close()
    assert not abandoned


def check_groups_that_come_later_change_nothing_else():
    """How ranks count, the size of buckets, and the state that each has stay; also where a parameter is the largest."""
    x, y = X[:4] + HERE.rank, Y[:4]
    models = [network() for _ in range(3)]
    extras = [mg.tensor(np.ones(400), requires_grad=True) for _ in models]
    makers = [{}, {"bucket_bytes": 100}, {"shard_state": True}]
    for model, extra, options in zip(models, extras, makers, strict=True):
        optimizer = distributed.optimizer(optim.Adam(model.parameters(), lr=0.1), **options)
        optimizer.samples = 1 + HERE.rank
        for step in range(4):
            if step == 2:
                buckets = len(optimizer.averager.buckets)
                optimizer.add_param_group({"params": [("extra", extra)], "lr": 0.05})
                assert len(optimizer.averager.buckets) > buckets or options.get("bucket_bytes") != 100 or HERE.size == 1
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), y)
            (loss + (extra * (1.0 + HERE.rank)).sum() if step > 1 else loss).backward()
            with optimizer.no_sync():
                with optimizer.no_sync():
                    pass
                assert not optimizer.averager.sending
            optimizer.step()
        assert optimizer.samples == 1 + HERE.rank
        optimizer.averager.close()
    for model, extra in zip(models[1:], extras[1:], strict=True):
        assert_equal(values_of(model), values_of(models[0]))
        np.testing.assert_allclose(extra.data, extras[0].data, rtol=1e-13)


def check_what_is_on_its_way_is_left_alone():
    """A second backward pass is refused; after zero_grad, or a frozen parameter, all goes on."""
    model = network()
    optimizer = distributed.optimizer(OPTIMIZERS["SGD"](model), bucket_bytes=100)
    x, y = X[:4], Y[:4]
    F.mse_loss(model(x), y).backward()
    if HERE.size > 1:
        text = "Let all passes but the last before a step run in a `with optimizer.no_sync():` block"
        raises(RuntimeError, text, F.mse_loss(model(x), y).backward)
        raises(RuntimeError, "Set samples before backward()", setattr, optimizer, "samples", 3)
        assert optimizer.samples == 1
    optimizer.zero_grad()
    optimizer.samples = 3
    first = model[0].weight
    F.mse_loss(model(x), y).backward()
    optimizer.average()
    optimizer.average()
    before = first.data.copy()
    first.requires_grad = False
    optimizer.step()
    np.testing.assert_array_equal(first.data, before)
    first.requires_grad = True
    optimizer.zero_grad()
    F.mse_loss(model(x), y).backward()
    optimizer.step()
    assert not np.array_equal(first.data, before)
    assert len(arrivals) == (4 if HERE.size > 1 else 0)
    optimizer.averager.close()
    assert not arrivals


def check_hooks_see_gradients_once():
    """A leaf's hook changes what travels; a parameter that the root does not reach has zeros from this rank."""
    p, q = (mg.tensor(np.ones(2), requires_grad=True) for _ in range(2))
    optimizer = distributed.optimizer(optim.SGD([p, q], lr=1.0))
    seen = []
    p.register_hook(lambda g: seen.append(g) or 2 * g)
    ((p * p).sum() + ((q * 3.0).sum() if HERE.rank == 0 else 0.0)).backward()
    optimizer.step()
    assert len(seen) == 1
    np.testing.assert_allclose(p.data, [-3.0, -3.0])
    np.testing.assert_allclose(q.data, np.full(2, 1 - 3 / HERE.size), rtol=1e-15)
    p.sum().backward(create_graph=True)  # which nobody is told of
    optimizer.step()
    optimizer.averager.close()


def check_state_is_shared_out():
    """With shard_state a rank keeps its part; the state that is saved is whole, and any optimizer takes it."""
    x, y = X[:4], Y[:4]

    def stepped(optimizer, model, n=2):
        for _ in range(n):
            optimizer.zero_grad()
            F.mse_loss(model(x), y).backward()
            optimizer.step()

    models = [network(), network()]
    whole, part = (OPTIMIZERS["Adam"](m) for m in models)
    distributed.optimizer(whole)
    distributed.optimizer(part, shard_state=True)
    stepped(whole, models[0])
    stepped(part, models[1])
    state = part.state_dict()
    wanted = whole.state_dict()["groups"]["0"]
    assert state["groups"]["0"].keys() == wanted.keys()
    for name, arrays in wanted["params"].items():
        assert_equal(state["groups"]["0"]["params"][name], arrays)
    bytes_of = [sum(x.nbytes for x in slot.kept.values() if x.strides and all(x.strides)) for slot in part._slots]
    assert sum(bytes_of) <= (0.8 if HERE.size > 1 else 1.0) * sum(
        x.nbytes for slot in whole._slots for x in slot.kept.values() if x.strides
    )
    part.load_state_dict(whole.state_dict())
    stepped(whole, models[0])
    stepped(part, models[1])
    assert_equal(values_of(models[1]), values_of(models[0]))
    extra = mg.tensor(np.ones(3), requires_grad=True)
    part.add_param_group({"params": [("extra", extra)], "lr": 0.1})
    extra.grad = np.full(3, 1.0)
    part.step()
    np.testing.assert_allclose(extra.data, np.full(3, 0.9), rtol=1e-6)
    assert "extra" in part.state_dict()["groups"]["1"]["params"]
    models[1][0].weight.requires_grad = False
    part.step()
    for optimizer in (whole, part):
        optimizer.averager.close()


def check_parts_make_the_batches_of_one_process():
    """The parts of a batch, in the order of ranks, are the batch; the place in the epoch is for any number of ranks."""
    for data in ((X, Y), [(x, y) for x, y in zip(X, Y, strict=True)]):
        whole = DataLoader(data, 8, shuffle=True, rng=3)
        sharded = distributed.Sharded(
            DataLoader(data, 8, shuffle=True, rng=3 + HERE.rank, prefetch=2 * (HERE.rank == 0))
        )
        assert len(sharded) == 3
        assert sharded.samples == 22
        assert f"of {HERE.size}" in repr(sharded)
        for batch, part in zip(whole, sharded, strict=True):
            parts = HERE.from_all(part)
            assert sharded.samples_here == len(part[0])
            for i in range(2):
                np.testing.assert_array_equal(np.concatenate([p[i] for p in parts]), batch[i])
        assert sharded.epoch == 1
        assert sharded.state_dict() == whole.state_dict()
        place = {**whole.state_dict(), "position": 2}
        sharded.load_state_dict(place)
        assert len(list(sharded)) == 1


def check_ranks_without_a_sample_are_lent_a_batch():
    """A last batch of fewer samples than ranks, or each: the steps of one process, with sync batch norm and all."""
    for count, size in ((12, 5), (8, 2)):
        x, y = X[:count], Y[:count]
        model, own = network(norm=True, sync=False), network(norm=True)
        loader = distributed.Sharded(DataLoader((x, y), size), lend=True)
        optimizer = distributed.optimizer(OPTIMIZERS["SGD"](own), loader)
        assert_equal(
            trained(own, optimizer, loader), trained(model, OPTIMIZERS["SGD"](model), DataLoader((x, y), size))
        )
        counts = []
        for inputs, _ in loader:
            counts.append(loader.samples_here)
            assert HERE.idle is (not counts[-1])
            assert len(inputs) == (counts[-1] or min(size, count - size * (len(counts) - 1)))
        assert not HERE.idle
        assert sum(map(sum, HERE.from_all(counts))) == count
        optimizer.averager.close()


def check_a_loader_that_was_left_begins_anew():
    """On all ranks alike: after a break the next epoch, after a state the rest of the one that it is in."""
    for resumed in (False, True):
        loader, twin = batches(), batches()
        for one in (loader, twin):
            next(iter(one))
        if resumed:
            for one in (loader, twin):
                one.load_state_dict(one.state_dict())
        sharded = distributed.Sharded(loader)
        parts, whole = list(sharded), list(twin)
        assert len(parts) == len(whole) == (2 if resumed else 3)
        for part, batch in zip(parts, whole, strict=True):
            np.testing.assert_array_equal(np.concatenate([p[0] for p in HERE.from_all(part)]), batch[0])


def check_bad_loaders_are_refused():
    """Ranks without data, by name; data of another length, on all ranks."""
    if HERE.size > 1:
        raises(ValueError, f"Take a batch_size of at least {HERE.size}", distributed.Sharded, DataLoader(X, 1))
        odd = DataLoader(X[: HERE.size + 1], HERE.size)
        raises(ValueError, "the last batch has 1 of", distributed.Sharded, odd)
        assert len(distributed.Sharded(DataLoader(X[: HERE.size + 1], HERE.size, drop_last=True))) == 1
        other = DataLoader(X[:20], 10, drop_last=True)
        if HERE.rank == HERE.size - 1:
            other = DataLoader(X[:21], 10, drop_last=True)
        text = (
            f"the loader of rank {HERE.size - 1} has not the batches of rank 0's: samples is 21 there and 20 on rank 0"
        )
        raises(ValueError, text, distributed.Sharded, other)
    raises(TypeError, "a data.DataLoader can be shared out among ranks; got a list", distributed.Sharded, [X])


def check_modules_that_differ_are_named():
    """In shape, in name, in order, in value: on all ranks."""
    if HERE.size == 1:
        return
    last = HERE.rank == HERE.size - 1
    before = network()
    other = nn.Sequential(nn.Linear(5, 8 + last, rng=0), nn.Tanh(), nn.Linear(8 + last, 2, rng=0))
    raises(ValueError, "0.weight is float64 of shape (5, 8) on rank 0, and is float64 of", distributed.broadcast, other)
    assert_equal(values_of(before), values_of(network()))
    deeper = nn.Sequential(*[nn.Linear(5, 5, rng=0) for _ in range(1 + last)])
    raises(ValueError, "1.weight is not there on rank 0, and is float64", distributed.broadcast, deeper)
    turned = nn.Module()
    for name in ("ab", "ba")[last]:
        setattr(turned, name, nn.Parameter(np.ones(2)))
    raises(ValueError, f"another order on rank {HERE.size - 1}", distributed.broadcast, turned)
    if last:
        before[2].bias.data[1] += 1e-9
    raises(ValueError, "2.bias has the values with digest", distributed.check_same, before)
    raises(ValueError, "average gradients in all steps, and change parameters and", distributed.check_same, before)
    distributed.broadcast(before)
    distributed.check_same(before)


def check_optimizers_that_differ_are_refused_everywhere():
    """By class, by parameters, by state; on all ranks, and neither model nor optimizer has changed."""
    last, model = HERE.rank == HERE.size - 1, network(rng=1 + HERE.rank)
    before = values_of(model)
    if HERE.size > 1:
        other = optim.SGD(model.parameters(), lr=0.1) if last else optim.Adam(model.parameters(), lr=0.1)
        raises(
            ValueError, "the optimizer differs between ranks: the class is Adam on", distributed.broadcast, model, other
        )
        named = [(f"{name}{'x' * last}", p) for name, p in model.named_parameters()]
        other = optim.Adam(named, lr=0.1 + HERE.rank)
        text = f"the optimizer of rank {HERE.size - 1} cannot take the state of rank 0's: "
        raises(ValueError, text, distributed.broadcast, model, other)
        assert other.lr == 0.1 + HERE.rank
        p = mg.tensor(np.ones(2 + last), requires_grad=True)
        text = (
            "what is averaged differs between ranks: parameter 0 is float64 of shape (2,) on rank 0, and is float64 of"
        )
        other = optim.SGD([p], lr=1.0)
        raises(ValueError, text, distributed.optimizer, other)
        assert type(other) is optim.SGD
    assert_equal(values_of(model), before)
    beside = mg.tensor(np.full(3, float(HERE.rank)), requires_grad=True)
    optimizer = optim.Adam([*model.parameters(), beside], lr=0.1 + HERE.rank)
    distributed.broadcast(model, optimizer)
    assert optimizer.lr == 0.1
    np.testing.assert_array_equal(beside.data, np.zeros(3))
    beside.data[1] = HERE.rank
    if HERE.size > 1:
        text = "parameter 0 beside the module's has the values with digest"
        raises(ValueError, text, distributed.check_same, model, optimizer)


def check_draws_differ_between_ranks():
    """Dropout's masks do, and those of all kinds of generators; initial values do not; rank 0 draws as one process."""

    class Source:
        def __init__(self):
            self.kinds = [
                np.random.Generator(kind(7)) for kind in (np.random.PCG64, np.random.MT19937, np.random.SFC64)
            ]
            self.old, self.own = np.random.RandomState(7), random.Random(7)

        def draw(self):
            return [*(rng.integers(2**62) for rng in self.kinds), self.old.randint(2**62), self.own.getrandbits(62)]

    source, dropout, first = Source(), nn.Dropout(0.5, rng=3), nn.Dropout(0.5, rng=3)
    wanted = np.asarray(first(np.ones(64)))
    model = nn.Sequential(nn.Linear(2, 2, rng=1), dropout)
    distributed.separate_draws(source, model)
    draws, masks = HERE.from_all(source.draw()), HERE.from_all(np.asarray(dropout(np.ones(64))))
    assert draws[0] == Source().draw()
    np.testing.assert_array_equal(masks[0], wanted)
    for column in zip(*draws, strict=True):
        assert len(set(column)) == HERE.size
    assert len({mask.tobytes() for mask in masks}) == HERE.size


def check_large_gradients_are_for_mpi_to_add():
    """Beyond what two ranks share in memory, and where they do: the same means, and memory that is used again."""
    for size in (1_200_000, 3):
        for _ in range(2):
            p = mg.tensor(np.zeros(size), requires_grad=True)
            optimizer = distributed.optimizer(optim.SGD([p], lr=1.0))
            for _ in range(3):
                optimizer.zero_grad()
                (p * (1.0 + HERE.rank)).sum().backward()
                optimizer.step()
            np.testing.assert_allclose(p.data, np.full(size, -3 * (HERE.size + 1) / 2), rtol=1e-15)
            kinds = {type(bucket.message) for bucket in optimizer.averager.buckets}
            assert kinds == ({Shared if HERE.size == 2 and size == 3 else Summed} if HERE.size > 1 else set())
            optimizer.averager.close()
    assert len(kept[5, np.dtype(np.float64)]) == (1 if HERE.size == 2 else 0)


def check_a_rank_can_be_alone():
    """In a block its world is one of one, and so a loader's batches are whole; after it, and after an error, not."""

    def look():
        with distributed.alone():
            assert distributed.world().size == 1
            assert len(next(iter(distributed.Sharded(batches())))[0]) == 8
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        look()
    assert distributed.world() is HERE


def check_compiled_functions_leave_communication_outside():
    """Gradients compiled, then averages, then the step compiled: as one process; and inside they are refused."""
    model, own = network(), network()
    alone, optimizer = OPTIMIZERS["Adam"](model), OPTIMIZERS["Adam"](own)
    wanted = trained(model, alone, batches())

    @mg.compile
    def gradients(x, y):
        optimizer.zero_grad()
        F.mse_loss(own(x), y).backward()

    step = mg.compile(optimizer.step)
    for _ in range(3):
        for x, y in (loader := distributed.Sharded(batches())) and at_epoch(loader, _):
            gradients(x, y)
            distributed.average_gradients(own.parameters(), loader.samples_here)
            step()
    assert_equal(values_of(own), wanted)
    if HERE.size > 1:
        distributed.optimizer(optimizer)
        for inside in (
            optimizer.step,
            lambda: distributed.average_gradients(own.parameters()),
            lambda: distributed.average(np.ones(2)),
            lambda: optim.clip_grad_norm_(own.parameters(), 1.0),
        ):
            raises(mg.RecordingError, "over ranks, which a replay would not do", mg.compile(inside))
        optimizer.averager.close()


def at_epoch(loader, epoch):
    loader.load_state_dict({**loader.state_dict(), "epoch": epoch})
    return loader


def main():
    checks = {name: check for name, check in globals().items() if name.startswith("check_")}
    for name, check in checks.items():
        check()
        HERE.from_all(None)
        if HERE.rank == 0 and "PYTEST_CURRENT_TEST" in os.environ:
            print(name, flush=True)
