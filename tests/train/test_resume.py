"""A resumed run is the uninterrupted one, whatever draws random numbers in it, or it is refused by name."""

import functools
import random
import sys
from collections import deque

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, train
from minigrad.data import DataLoader
from minigrad.nn import functional as F

this = sys.modules[__name__]
MODULE_RNG = np.random.default_rng(5)


class Data:
    """Samples to which a function adds noise."""

    def __init__(self, noise):
        self.noise = noise

    def __len__(self):
        return 6

    def __getitem__(self, i):
        return np.full(2, i / 6) + self.noise(), np.array([1.0])


class Holder:
    def __init__(self, inner):
        self.inner = inner

    def __call__(self):
        return self.inner()


class Slotted:
    __slots__ = ("rng",)

    def __init__(self, rng):
        self.rng = rng

    def __call__(self):
        return self.rng.normal()


class Own(Data):
    """A data set that is made of others' containers."""

    def __init__(self, box, draw):
        self.box, self.draw = box, draw

    def noise(self):
        return self.draw(self.box)


class Listed(list):
    """Draws in each look at it, which a search must not take."""

    def __init__(self, rng):
        super().__init__(range(6))
        self.rng = rng

    def __iter__(self):
        raise NotImplementedError

    def __getitem__(self, i):
        return np.full(2, i / 6) + self.rng.normal(), np.array([1.0])


def renewed(kind, **attributes):
    """A subclass with attributes made anew."""
    return type("Renewed", (kind,), attributes | {"__init__": lambda self: None})()


def of_class():
    return renewed(Data, rng=rng(), noise=lambda self: self.rng.normal())


def below():
    above = type(renewed(Data, kept=[[rng()]], noise=lambda self: self.kept[0][0].normal()))
    return type("Below", (above,), {})()


def static():
    return renewed(Data, noise=staticmethod(closure(rng())))


def of_property():
    draw = closure(rng())
    return renewed(Data, noise=property(lambda self: draw))


class FromClass(Data):
    def __init__(self):
        pass

    def noise(self):
        return MODULE_RNG.normal()


def closure(rng):
    return lambda: rng.normal()


def default(rng):
    def noise(rng=rng):
        return rng.normal()

    return noise


def from_numpy():
    return np.random.normal()


def from_python():
    return random.random()


def seeded(kind):
    if kind is np.random:
        np.random.seed(1)
    elif kind is random:
        random.seed(1)
    else:
        MODULE_RNG.bit_generator.state = np.random.default_rng(5).bit_generator.state


rng = lambda: np.random.default_rng(1)
DATA = {
    "attribute": lambda: Data(Slotted(rng())),
    "attribute of an attribute": lambda: Data(Holder(Holder(Slotted(rng())))),
    "closure": lambda: Data(closure(rng())),
    "default": lambda: Data(default(rng())),
    "bound method": lambda: Data(rng().normal),
    "list": lambda: Own([0, [rng()]], lambda b: b[1][0].normal()),
    "tuple": lambda: Own((rng(), rng()), lambda b: b[0].normal() + b[1].normal()),
    "dict": lambda: Own({"a": {"b": rng()}}, lambda b: b["a"]["b"].normal()),
    "deque": lambda: Own(deque([rng()]), lambda b: b[0].normal()),
    "set of one": lambda: Own({rng()}, lambda b: next(iter(b)).normal()),
    "list with attributes": lambda: Listed(rng()),
    "class": lambda: of_class(),
    "class above, in a list": lambda: below(),
    "static method": lambda: static(),
    "property": lambda: of_property(),
    "cached function": lambda: Data(functools.partial(lambda f: f.__wrapped__(), functools.cache(closure(rng())))),
    "other bit generator": lambda: Data(np.random.Generator(np.random.MT19937(1)).normal),
    "RandomState": lambda: Data(np.random.RandomState(1).normal),
    "Python's": lambda: Data(random.Random(1).random),
    "subclass": lambda: Data(type("Mine", (np.random.Generator,), {})(np.random.PCG64(1)).normal),
    "variable of a module": lambda: (seeded(None), FromClass())[1],
    "attribute of a module": lambda: (seeded(None), Data(lambda: this.MODULE_RNG.normal()))[1],
    "NumPy's global": lambda: (seeded(np.random), Data(from_numpy))[1],
    "Python's global": lambda: (seeded(random), Data(from_python))[1],
}


@pytest.fixture(autouse=True)
def global_generators_are_left_as_they_were():
    """These tests seed them."""
    numpy_state, python_state = np.random.get_state(), random.getstate()
    yield
    np.random.set_state(numpy_state)
    random.setstate(python_state)


def run(epochs, make=lambda: Data(lambda: 0.0), model=None, loss=F.mse_loss, **options):
    """The weights after a training of which each part is made anew."""
    model = model() if model else nn.Linear(2, 1, rng=0)
    loader = DataLoader(make(), batch_size=4, prefetch=options.pop("prefetch", 0))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    train.fit(model, loss, optimizer, loader, epochs, **options)
    return {name: x.tolist() for name, x in model.state_dict().items()}


def check_resume(path, **parts):
    whole = run(4, **parts)
    run(2, checkpoint=path, **parts)
    assert run(4, checkpoint=path, resume=True, **parts) == whole
    assert run(2, **parts) != whole


@pytest.mark.parametrize("make", DATA.values(), ids=list(DATA))
@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_data_set_that_draws_goes_on_where_it_was(tmp_path, make, prefetch):
    """Wherever it has its generator, of whatever kind."""
    check_resume(tmp_path / "run.npz", make=make, prefetch=prefetch)


class Noise(nn.Module):
    """Adds what is drawn from generators in all kinds of containers."""

    def __init__(self, made=lambda rng: [rng]):
        self.linear, self.kept = nn.Linear(2, 1, rng=0), made(np.random.default_rng(1))

    def forward(self, x):
        (found,) = self.kept.values() if isinstance(self.kept, dict) else self.kept
        return self.linear(x) + (found() if callable(found) else found.normal())


MODELS = {
    "list": lambda: Noise(),
    "dict": lambda: Noise(lambda rng: {"noise": rng}),
    "tuple": lambda: Noise(lambda rng: (rng,)),
    "object": lambda: Noise(lambda rng: [Slotted(rng)]),
    "method": lambda: Noise(lambda rng: [rng.normal]),
    "dropout in a function": lambda: nn.Sequential(nn.Linear(2, 8, rng=0), dropping(), nn.Linear(8, 1, rng=0)),
    "between layers of an LSTM": lambda: Sequences(),
}


def dropping():
    dropout = nn.Dropout(0.5, rng=1)
    return lambda x: dropout(x)


class Sequences(nn.Module):
    def __init__(self):
        self.lstm = nn.LSTM(2, 1, num_layers=2, dropout=0.5, rng=0)

    def forward(self, x):
        return self.lstm(mg.reshape(x, (1, -1, 2)))[0][0]


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_a_model_that_draws_goes_on_where_it_was(tmp_path, model):
    """Wherever a module or a function in it has its generator."""
    check_resume(tmp_path / "run.npz", model=model)


def test_losses_metrics_callbacks_and_other_loaders_go_on_where_they_were(tmp_path):
    """A loss that draws, and a loader that is none of ours, are parts of the run as well."""

    class Batches:
        def __init__(self):
            self.rng = np.random.default_rng(2)

        def __iter__(self):
            yield self.rng.normal(size=(3, 2)), self.rng.normal(size=(3, 1))

    def whole(epochs, **options):
        rng, model = np.random.default_rng(1), nn.Linear(2, 1, rng=0)
        loss = lambda y, t: F.mse_loss(y, t + rng.normal())
        seen = []
        history = train.fit(
            model, loss, optim.SGD(model.parameters(), lr=0.1), Batches(), epochs, validation=Batches(),
            metrics={"noise": lambda y, t: rng.normal()}, callbacks=[lambda h: seen.append(rng.normal())], **options,
        )  # fmt: skip
        return model.weight.tolist(), history.rows, seen[-1]

    path = tmp_path / "run.npz"
    whole(2, checkpoint=path)
    assert whole(4, checkpoint=path, resume=True) == whole(4)
    assert list(mg.load(path)["generators"]) == ["loss.rng", "loader.rng", "validation.rng"]


def test_a_run_names_the_generators_that_it_draws_from(tmp_path):
    """By their modules, and by the attributes, keys and places that lead to them."""
    model = nn.Sequential(nn.Dropout(0.5, rng=0), nn.Linear(2, 1, rng=0))
    data = Own({"a": [Slotted(rng())]}, lambda b: b["a"][0]())
    loader = DataLoader(data, 3)
    options = {"checkpoint": tmp_path / "run.npz"}
    train.fit(model, F.mse_loss, optim.SGD(model.parameters(), lr=0.1), loader, 1, **options)
    assert list(mg.load(tmp_path / "run.npz")["generators"]) == ["0.rng", "loader.data.box.a.0.rng"]
    data.box = {"a": [Slotted(rng()), Slotted(rng())]}
    with pytest.raises(ValueError, match=r"by its generators: this model draws from .*'loader.data.box.a.1.rng'\]; th"):
        train.fit(model, F.mse_loss, optim.SGD(model.parameters(), lr=0.1), loader, 2, resume=True, **options)


def test_generators_that_come_during_a_run_are_a_part_of_it(tmp_path):
    """A data set that changes its generator between epochs goes on with the one that it had last."""

    def changing(epochs, **options):
        data, model = Data(Slotted(rng())), nn.Linear(2, 1, rng=0)

        def change(history):
            data.noise.rng = np.random.default_rng(data.noise.rng.integers(99))

        optimizer = optim.SGD(model.parameters(), lr=0.1)
        train.fit(model, F.mse_loss, optimizer, DataLoader(data, 4), epochs, callbacks=[change], **options)
        return model.weight.tolist()

    changing(2, checkpoint=tmp_path / "run.npz")
    assert changing(4, checkpoint=tmp_path / "run.npz", resume=True) == changing(4)


def test_generators_in_a_set_are_named_as_what_prevents_a_resume(tmp_path):
    """Nobody can tell which is which in another process. Without a checkpoint they are nobody's concern."""
    both = {rng(), rng()}
    make = lambda: Own(both, lambda b: sum(x.normal() for x in b))
    with pytest.raises(TypeError, match=r"draws from the generators loader.data.box.\{0\}, .* as a set has no order"):
        run(1, make, checkpoint=tmp_path / "run.npz")
    assert not (tmp_path / "run.npz").exists()
    run(1, make)


def test_modern_generators_leave_the_global_state_out_of_it(tmp_path):
    """A function that makes generators of its own from seeds needs no state, and NumPy's is not kept for it."""

    class Seeded(Data):
        def __init__(self):
            pass

        def __getitem__(self, i):
            return np.random.default_rng(i).random(2), np.array([1.0])

    check_resume(tmp_path / "run.npz", make=Seeded)
    assert mg.load(tmp_path / "run.npz")["generators"] == {}


def test_a_state_that_is_half_loaded_is_put_back(tmp_path, monkeypatch):
    """Whatever stops the loading, Ctrl-C included, all parts go on from where they were."""
    run(2, DATA["attribute"], checkpoint=tmp_path / "run.npz")
    model, loader = nn.Linear(2, 1, rng=3), DataLoader(DATA["attribute"](), 4)
    before, drawn = model.weight.tolist(), loader.data.noise.rng.bit_generator.state

    def stop(self, state, calls=[]):  # noqa: B006
        calls.append(None)
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(train.History, "load_state_dict", stop)
    with pytest.raises(KeyboardInterrupt):
        train.fit(
            model, F.mse_loss, optim.SGD(model.parameters(), lr=0.1), loader, 3, checkpoint=tmp_path / "run.npz",
            resume=True,
        )  # fmt: skip
    assert model.weight.tolist() == before
    assert loader.data.noise.rng.bit_generator.state == drawn
    assert loader.epoch == 0


def test_a_resume_with_batches_of_another_size_is_refused_by_name(tmp_path):
    """And so is one with a data set that has grown; nothing has changed."""
    data = [(np.ones(2), np.ones(1))] * 6
    path = tmp_path / "run.npz"

    def go(epochs, batch_size, **options):
        model = nn.Linear(2, 1, rng=0)
        loader = DataLoader(data, batch_size)
        return train.fit(model, F.mse_loss, optim.SGD(model.parameters(), lr=0.1), loader, epochs, **options)

    go(1, 4, checkpoint=path)
    with pytest.raises(ValueError, match="by its loader: .* batch_size was 4 and is 3"):
        go(2, 3, checkpoint=path, resume=True)
    data.append(data[0])
    with pytest.raises(ValueError, match="by its loader: .* samples was 6 and is 7"):
        go(2, 4, checkpoint=path, resume=True)
