"""What a function can reach from outside is found, exchanged while it is recorded, put back, and asked for later."""

import collections
import functools
import itertools
import random
import types
from dataclasses import dataclass

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile import guards, reach

SCALE = np.array([2.0, 3.0])
RATE = 0.5
TABLE = {"first": np.ones(2), ("a", 1): 2.0, RATE: 1.0}
module = types.ModuleType("settings_of_a_user")
module.rate, module.unused, module.array = 0.5, 1.0, np.ones(2)
Pair = collections.namedtuple("Pair", ["x", "factor"])


class Base:
    offset = 1.0

    @property
    def doubled(self):
        return 2 * self.rate

    @staticmethod
    def tripled(x):
        return 3 * x * RATE

    @classmethod
    def shifted(cls, x):
        return x + cls.offset


class Settings(Base):
    __slots__ = ("array", "hidden")

    def __init__(self):
        self.array, self.rate = np.ones(2), 0.5

    def __call__(self, x):
        return x * self.array * self.doubled


class Scaled(nn.Module):
    """A module whose forward nobody names."""

    def __init__(self):
        self.layers = [nn.LeakyReLU(0.5), {"last": np.full(2, 3.0)}]

    def forward(self, x):
        return self.layers[0](x) * self.layers[1]["last"] * RATE


@dataclass
class Named:
    """Options that the function looks up by names it makes."""

    rate: float = 0.5
    other: float = 1.0


def make_closure():
    array, numbers = np.ones(2), [1.0, 2.0]

    def inner(x):
        return x * array * numbers[1]

    return inner, array, numbers


INNER, INNER_ARRAY, INNER_NUMBERS = make_closure()
settings, scaled, named = Settings(), Scaled(), Named()
pair = Pair(np.ones(2), 2.0)
long = [float(i) for i in range(20)]
allowed = {"a", "b"}
queue = collections.deque([np.ones(2)])
proxy = types.MappingProxyType({"a": 2.0})
space = types.SimpleNamespace(array=np.ones(2))
shift = functools.partial(np.add, np.ones(2), dtype=None)
user_dict = collections.UserDict(a=2.0)


def default(x, scale=np.ones(2), *, factor=2.0):  # noqa: B008
    return x * scale * factor


def set_global(name, value):
    def change():
        globals()[name] = value

    return change


CASES = {
    "a global array": (lambda x: x * SCALE, lambda: SCALE.__setitem__(0, 5.0)),
    "a global array made a constant": (lambda x: x * (1 - SCALE), lambda: SCALE.__setitem__(0, 7.0)),
    "another global array": (lambda x: x * SCALE, set_global("SCALE", np.array([4.0, 4.0]))),
    "a global number": (lambda x: x * RATE, set_global("RATE", 0.25)),
    "an entry of a dict": (lambda x: x * TABLE["first"], lambda: TABLE.__setitem__("first", np.full(2, 4.0))),
    "a number in a dict": (lambda x: x * TABLE["a", 1], lambda: TABLE.__setitem__(("a", 1), 3.0)),
    "an entry more": (lambda x: x * len(TABLE), lambda: TABLE.__setitem__("more", 3.0)),
    "a module": (lambda x: x * module.rate * module.array, lambda: setattr(module, "rate", 4.0)),
    "an array in a module": (lambda x: x * (2 - module.array), lambda: module.array.__setitem__(0, 4.0)),
    "an attribute": (lambda x: settings(x), lambda: setattr(settings, "rate", 3.0)),
    "an attribute in a slot": (lambda x: settings(x), lambda: setattr(settings, "array", np.full(2, 3.0))),
    "an attribute of a class": (lambda x: settings.shifted(x), lambda: setattr(Base, "offset", 4.0)),
    "one that hides that of a class": (lambda x: x * settings.offset, lambda: setattr(settings, "offset", 4.0)),
    "what a static method reads": (lambda x: settings.tripled(x), set_global("RATE", 3.0)),
    "what a forward reads": (lambda x: scaled(x), set_global("RATE", 2.0)),
    "a setting of a layer": (lambda x: scaled(x), lambda: setattr(scaled.layers[0], "negative_slope", 0.25)),
    "an array in a module of layers": (lambda x: scaled(x), lambda: scaled.layers[1]["last"].__setitem__(0, 9.0)),
    "an attribute by a made name": (lambda x: x * getattr(named, "ra" + "te"), lambda: setattr(named, "rate", 2.0)),
    "a named tuple": (lambda x: x * (3 - pair.x) * pair.factor, lambda: pair.x.__setitem__(0, 5.0)),
    "a long list": (lambda x: x * sum(long), lambda: long.__setitem__(3, 100.0)),
    "a set": (lambda x: x * len("ab" if "a" in allowed else "c"), lambda: (allowed.discard("a"), allowed.add("c"))),
    "a deque": (lambda x: x * (3 - queue[0]), lambda: queue.append(queue.popleft() * 2)),
    "a read-only mapping": (lambda x: x * proxy["a"], set_global("proxy", types.MappingProxyType({"a": 3.0}))),
    "a namespace": (lambda x: x * (3 - space.array), lambda: space.array.__setitem__(1, 5.0)),
    "a partial function": (lambda x: shift(x), lambda: shift.args[0].__setitem__(0, 5.0)),
    "a mapping of the user's": (lambda x: x * user_dict["a"], lambda: user_dict.__setitem__("a", 3.0)),
    "a variable of an inner function": (lambda x: INNER(x), lambda: INNER_ARRAY.__setitem__(0, 4.0)),
    "a list of an inner function": (lambda x: INNER(x), lambda: INNER_NUMBERS.__setitem__(1, 4.0)),
    "a default": (lambda x: default(x), lambda: default.__defaults__[0].__setitem__(0, 4.0)),
    "another function": (lambda x: scaled.layers[0](x), lambda: scaled.layers.__setitem__(0, nn.Tanh())),
    "a function defined inside": (lambda x: (lambda: x * SCALE)(), lambda: SCALE.__setitem__(1, 11.0)),
    "a compiled function": (lambda x: COMPILED(x), lambda: SCALE.__setitem__(1, 12.0)),
    "a bound method": (lambda x: METHOD(x), set_global("RATE", 5.0)),
    "a gradient": (mg.grad(lambda x: mg.sum(x * x * SCALE)), lambda: SCALE.__setitem__(1, 13.0)),
}
COMPILED = mg.compile(lambda x: x * SCALE)
METHOD = scaled.forward


def everything():
    """The arrays of this file, which have to be themselves after each recording."""
    names = ("SCALE", "TABLE", "pair", "queue", "long")
    return [globals()[name] for name in names] + [*TABLE.values(), *queue, *shift.args, settings.array, space.array]


@pytest.mark.parametrize("name", CASES)
def test_a_change_outside_is_seen(name):
    """In place or for something else; and each place has the user's own object after the recording."""
    function, change = CASES[name]
    compiled, x = mg.compile(function), np.array([0.5, -1.0])
    for _ in range(2):
        before = everything()
        for _ in range(2):
            np.testing.assert_array_equal(compiled(x), function(x))
        assert all(map(lambda a, b: a is b, everything(), before))
        change()


def test_arguments_that_are_objects_are_reached():
    """Their arrays are read anew, and another object is another program."""
    compiled = mg.compile(lambda x, options: x * options.rate)
    options = Named()
    for rate in (0.5, 2.0):
        options.rate = rate
        assert compiled(np.ones(2), options).tolist() == [rate, rate]


class Frozen(list):
    """A list as pandas' FrozenList, which refuses to be written to, and makes its own kind of sums."""

    def __setitem__(self, key, value):
        raise TypeError("does not support mutable operations")

    def __radd__(self, other):
        return Frozen([*other, *self])


def test_a_list_that_refuses_changes_is_looked_into():
    """What lies in it is found, and the list itself stays as it is."""
    held, empty, array = Frozen([{"rate": 0.5}]), Frozen(), np.array([1.0, 2.0])
    compiled = mg.compile(lambda x: x * held[0]["rate"] + len(empty) + array)
    for rate in (0.5, 2.0):
        held[0]["rate"] = rate
        assert compiled(np.ones(2)).tolist() == [rate + 1, rate + 2]


class Rates(list):
    """A list of a user's class, which can be written to."""


def test_a_list_of_a_users_class_may_change():
    """As any list: what is put into it counts in the next call."""
    rates = Rates([0.5])
    compiled = mg.compile(lambda x: x * rates[0])
    for rate in (0.5, 2.0):
        rates[0] = rate
        assert compiled(np.ones(2)).tolist() == [rate, rate]


def test_what_is_not_named_does_not_matter():
    """An attribute that the function's code does not name may change: no program is recorded for it."""
    plain = Base()
    plain.array, plain.count = np.ones(2), 0
    compiled = mg.compile(lambda x: x * plain.array)
    compiled(np.ones(2))
    plain.count = 77
    module.unused = 5.0
    compiled(np.ones(2))
    assert len(next(iter(compiled._replays.values()))) == 1


def test_a_function_that_is_refused_has_changed_no_place():
    """Whatever it has put into lists, dicts, sets and objects is taken out again, and what it took out is back."""
    state = types.SimpleNamespace(
        list=[1.0], dict={"a": 1.0, "b": 2}, set={1}, deque=collections.deque([1.0]), kept=None
    )
    state.short = [1.0, np.ones(2)]
    short = [*state.short]

    def function(x):
        state.list.append(x * 2)
        state.dict["a"] = x
        state.set.add(2)
        state.deque[0] = x
        state.kept = state.more = x * 2
        state.list[0] = SCALE
        state.short.clear()
        del state.dict["b"]
        raise mg.RecordingError("mine")

    with pytest.raises(mg.RecordingError, match="mine"):
        mg.compile(function)(np.ones(2))
    assert (state.list, state.dict, state.set, [*state.deque]) == ([1.0], {"a": 1.0, "b": 2}, {1}, [1.0])
    assert vars(state).keys() == {"list", "dict", "set", "deque", "kept", "short"}
    assert all(map(lambda a, b: a is b, state.short, short))
    assert len(state.short) == 2
    assert state.kept is None


def test_what_a_function_exchanges_itself_stays():
    """A list may hold another array afterwards, if nobody has computed it inside."""
    held, other = [np.ones(2)], np.full(2, 2.0)

    def function(x):
        held[0] = other
        return x + held[0]

    assert mg.compile(function)(np.ones(2)).tolist() == [3, 3]
    assert held[0] is other


def test_a_place_that_is_gone_is_another_program():
    """A variable that is deleted, an attribute that is no longer there."""
    options = types.SimpleNamespace(rate=2.0)
    compiled = mg.compile(lambda x: x * getattr(options, "rate", 1.0))
    assert compiled(np.ones(2)).tolist() == [2, 2]
    del options.rate
    assert compiled(np.ones(2)).tolist() == [1, 1]


def test_a_variable_without_a_value():
    """Is no place, and the function says so itself."""

    def make():
        def function(x):
            return x * later

        if False:
            later = 1.0
        return function

    with pytest.raises(NameError, match="later"):
        mg.compile(make())(np.ones(2))


def test_there_is_an_end(monkeypatch):
    """A function that reaches the whole program is told so."""
    monkeypatch.setattr(reach, "MANY", 10)
    many = [[i] for i in range(20)]
    with pytest.raises(mg.RecordingError, match="can reach more than 10 objects.*Pass what it needs as arguments"):
        mg.compile(lambda x: x * len(many))(np.ones(2))


def test_objects_of_python_are_looked_at_from_outside():
    """An iterator, a lock or a logger keeps what is in it to itself."""
    counter = itertools.count()
    compiled = mg.compile(lambda x: x * type(next(counter)).__name__.count("i"))
    assert compiled(np.ones(2)).tolist() == compiled(np.ones(2)).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("x", "y", "want"),
    [
        (1, 1, True),
        (1, 1.0, False),
        (1, True, False),
        (0.0, -0.0, False),
        (float("nan"), float("nan"), True),
        (np.float64(1), np.float64(1), True),
        (np.float64(1), 1.0, False),
        ("a", "a", True),
    ],
)
def test_numbers_that_are_the_same(x, y, want):
    """Of one type, and bit by bit but for what a NaN hides."""
    assert guards.same(x, y) is want
    assert guards.same_all([x], [y]) is want
    assert not guards.same_all([x], [y, y])


def test_the_first_change_has_a_name():
    """As the warning of a function that is recorded too often says it."""
    key = object()
    options = {"rate": 1.0, key: 2.0}

    def function(x):
        return x * options["rate"] * options[key]

    def first_change():
        return compiled._latest.guard.first_change()

    compiled = mg.compile(function)
    compiled(np.ones(2))
    assert first_change() == "something"
    options[key] = 3.0
    assert first_change() == f"entry {key!r} of a dict"
    options["rate"] = 2.0
    assert first_change() == "rate"
    options["another"] = options.pop("rate")
    assert first_change() == "what is in a dict"
    options.clear()
    assert first_change() == "what is in a dict"
    options |= {"rate": 1.0, key: 2.0}
    assert first_change() == "something"
    options = dict(options)
    assert first_change() == "a variable of the function around it"


def test_an_optimizer_takes_care_of_itself():
    """Another learning rate needs no other program, another group does."""
    w, v = (mg.tensor(np.ones(2), requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([w], lr=0.5)

    @mg.compile
    def step():
        optimizer.zero_grad()
        mg.sum(w * v).backward()
        optimizer.step()

    step()
    optimizer.lr = 0.25
    step()
    assert w.tolist() == [0.25, 0.25]
    assert len(step._replays[()]) <= 2
    optimizer.add_param_group({"params": [v], "lr": 1.0})
    step()
    assert (w.tolist(), v.tolist()) == ([0.0, 0.0], [0.75, 0.75])


# What a function leaves outside


def carries_in_a_variable():
    h = np.zeros(2)

    def function(x):
        nonlocal h
        h = 0.5 * h + x
        return h * 2

    return function, lambda: h


def carries_in_an_attribute():
    s = types.SimpleNamespace(h=None)

    def function(x):
        s.h = x * 1 if s.h is None else 0.5 * s.h + x
        return s.h * 2

    return function, lambda: s.h


def carries_a_tensor():
    s = types.SimpleNamespace(h=mg.tensor(np.zeros(2)))

    def function(x):
        s.h = (0.5 * s.h + x).detach()
        return (s.h * 2).data

    return function, lambda: s.h.data


def carries_in_a_list():
    s = [np.zeros(2), 0]

    def function(x):
        s[0], s[1] = 0.5 * s[0] + x, 1 - s[1]
        return s[0] * 2 if s[1] else s[0]

    return function, lambda: np.array([*s[0], s[1]])


def carries_in_a_new_entry():
    s = {}

    def function(x):
        s["h"] = 0.5 * s.get("h", 0.0) + x
        return s["h"] * 2

    return function, lambda: s["h"]


def takes_turns():
    s = types.SimpleNamespace(layers=(np.ones(2), np.full(2, 2.0)), on=True, first=nn.Tanh(), second=nn.ReLU())

    def function(x):
        s.on = not s.on
        s.first, s.second = s.second, s.first
        return s.first(mg.asarray(x - 1)).data * s.layers[s.on]

    return function, lambda: np.array(s.on)


def exchanges_arrays():
    s = types.SimpleNamespace(a=np.ones(2), b=np.full(2, 2.0))

    def function(x):
        s.a, s.b = s.b, s.a
        s.a += x
        return s.a * 1

    return function, lambda: np.stack([s.a, s.b])


def appends():
    s = types.SimpleNamespace(all=[], last=None, pair=None, queue=collections.deque(), made=None)

    def function(x):
        s.all.append(x * 2)
        s.queue.append((x * 3, mg.asarray(x * 4)))
        s.pair, s.made = (x * 1, [x * 5]), {"a": [x * 6]}
        return x * len(s.all)

    return function, lambda: np.stack([*s.all, s.pair[0], s.pair[1][0], s.made["a"][0], *map(np.asarray, s.queue[-1])])


def removes():
    s = types.SimpleNamespace(table=dict.fromkeys("abcdefgh", 1.0), numbers=[1.0] * 20, names={"a"})

    def function(x):
        s.table.popitem()
        s.numbers[3] += 1.0
        s.names.add(str(len(s.table)))
        return x * len(s.table) * sum(s.numbers) * len(s.names)

    return function, lambda: np.array(s.numbers)


@pytest.mark.filterwarnings("ignore:.*runs uncompiled for some arguments:RuntimeWarning")
@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize(
    "make",
    [
        carries_in_a_variable,
        carries_in_an_attribute,
        carries_a_tensor,
        carries_in_a_list,
        carries_in_a_new_entry,
        takes_turns,
        exchanges_arrays,
        appends,
        removes,
    ],
)
def test_what_a_function_leaves_outside(make, backend):
    """Arrays, Tensors, numbers and objects are there after each call, as they would be uncompiled."""
    (ours, left), (theirs, other) = make(), make()
    compiled = mg.compile(ours, backend=backend)
    for i in range(7):
        x = np.array([1.0, 2.0]) * (i + 1)
        np.testing.assert_array_equal(compiled(x), theirs(x))
        np.testing.assert_array_equal(left(), other())
        assert type(left()) is np.ndarray


def test_a_state_is_carried_by_one_program():
    """And by another one if the user puts something else there."""
    s = types.SimpleNamespace(h=np.zeros(2))

    def function(x):
        s.h = 0.5 * s.h + x
        return s.h * 1

    compiled = mg.compile(function)
    for _ in range(5):
        compiled(np.ones(2))
    assert len(next(iter(compiled._replays.values()))) == 1
    s.h = np.zeros((3, 2))
    assert compiled(np.ones(2)).shape == (3, 2)
    s.h = 1.0
    assert compiled(np.ones(2)).tolist() == [1.5, 1.5]
    s.h = mg.tensor([2.0, 2.0])
    assert compiled(np.ones(2)).tolist() == [2.0, 2.0]
    assert isinstance(s.h, mg.Tensor)
    del s.h
    with pytest.raises(AttributeError):
        compiled(np.ones(2))


class Noise(nn.Module):
    """A layer that a model makes itself, and that draws."""

    def __init__(self, rng):
        self.rng, self.scale = rng, 1.0

    def forward(self, x):
        return (x + self.rng.normal(size=2)) * self.scale if self.training else x


class Model(nn.Module):
    def __init__(self):
        self.noise = Noise(np.random.default_rng(0))

    def forward(self, x):
        return self.noise(x)


def test_layers_whose_class_the_code_names():
    """Their generators, settings and modes are found, though the class was reached first."""
    ours, theirs = Model(), Model()
    compiled = mg.compile(lambda x: ours(x))
    for change in (None, None, lambda m: setattr(m.noise, "scale", 2.0), lambda m: m.eval(), lambda m: m.train()):
        for model in (ours, theirs):
            if change is not None:
                change(model)
        for _ in range(2):
            assert compiled(np.ones(2)).tolist() == theirs(np.ones(2)).tolist()


FACTOR = [1.0]


class Made:
    """Made inside of the function, which names no method of it."""

    rate = 1.0

    def __init__(self):
        self.k = FACTOR[0]

    def __call__(self, x):
        return x * self.k * FACTOR[0]

    @staticmethod
    def fixed(x):
        return x * 2

    @functools.cached_property
    def twice(self):
        return 2 * FACTOR[0]


class Inheriting(Made):
    pass


def test_classes_are_reached_with_all_that_python_calls():
    """Methods that no code names, attributes of the classes above, and methods that are exchanged for others."""
    original = Made.__call__

    def function(x):
        return Inheriting()(x) * Inheriting.rate + Inheriting.fixed(x) + Inheriting().twice

    def check():
        for _ in range(2):
            np.testing.assert_array_equal(compiled(np.ones(2)), function(np.ones(2)))

    compiled = mg.compile(function)
    try:
        check()
        FACTOR[0] = 5.0
        check()
        Made.rate = 3.0
        check()
        Inheriting.rate = 4.0
        check()
        Made.__call__ = lambda self, x: x * 7
        check()
        Made.fixed = staticmethod(lambda x: x * 9)
        check()
        Inheriting.fixed = staticmethod(lambda x: x * 11)
        check()
    finally:
        FACTOR[0], Made.rate, Made.__call__ = 1.0, 1.0, original
        del Inheriting.rate, Inheriting.fixed


def test_an_attribute_of_a_class_that_is_new():
    """It is left there by each replay; a function that is refused has left nothing."""

    class Above:
        h = np.zeros(2)

    class Below(Above):
        pass

    def function(x):
        Below.h = Below.h + x
        return Below.h * 1

    def raises(x):
        Above.other = x * 2
        raise mg.RecordingError("mine")

    compiled = mg.compile(function)
    for i in range(4):
        assert compiled(np.ones(2)).tolist() == [i + 1, i + 1]
        assert type(Below.h) is np.ndarray
    with pytest.raises(mg.RecordingError):
        mg.compile(raises)(np.ones(2))
    assert not hasattr(Above, "other")


@pytest.mark.filterwarnings("ignore:.*runs uncompiled for some arguments:RuntimeWarning")
def test_containers_among_the_arguments_are_changed():
    """As the function changes them; and equal objects are not one."""

    def function(d, numbers, x):
        d["w"] = d["w"] + x
        d.setdefault("new", x * 2)
        numbers.append(1.0)
        numbers[0] += 1.0
        return d["w"] * 1

    compiled = mg.compile(function)
    for _ in range(10):
        ours, theirs = {"w": np.ones(2)}, {"w": np.ones(2)}
        lists = [1.0], [1.0]
        assert compiled(ours, lists[0], np.ones(2)).tolist() == function(theirs, lists[1], np.ones(2)).tolist()
        assert {key: x.tolist() for key, x in ours.items()} == {key: x.tolist() for key, x in theirs.items()}
        assert lists[0] == lists[1]
        assert all(type(x) is np.ndarray for x in ours.values())


@dataclass(unsafe_hash=True)
class Equal:
    name: str = "a"

    def __post_init__(self):
        self.w = np.ones(2)

    def step(self, x):
        self.w = self.w + x
        return self.w * 1


def test_containers_with_equal_entries_are_replayed():
    """One word twice is no change."""
    compiled = mg.compile(lambda x, words: x * len(words))
    for _ in range(2):
        assert compiled(np.ones(2), ["a", "a", None, None]).tolist() == [4, 4]
    assert len(compiled.programs) == 1


def test_equal_objects_have_programs_of_their_own():
    """Each has its own arrays."""
    compiled = mg.compile(Equal.step)
    a, b = Equal(), Equal()
    for _ in range(2):
        compiled(a, np.ones(2))
    assert compiled(b, np.ones(2)).tolist() == [2, 2]
    assert (a.w.tolist(), b.w.tolist()) == ([3, 3], [2, 2])


@pytest.mark.filterwarnings("ignore:.*runs uncompiled for some arguments:RuntimeWarning")
@pytest.mark.parametrize(
    ("function", "calls"),
    [
        (lambda x: caught(np.linalg.cholesky, x), [-np.eye(2), np.eye(2), -np.eye(2), np.eye(2)]),
        (lambda x: caught(lambda a: a[np.array([5])], x), [np.eye(2), np.ones((6, 2)), np.eye(2)]),
        (lambda x: ({1, 2}, x * 2)[0], [np.eye(2), np.eye(2)]),
    ],
)
def test_what_is_caught_or_made_is_no_part_of_a_program(function, calls):
    """The function runs, then, and in the end uncompiled."""
    compiled = mg.compile(function)
    for x in calls:
        np.testing.assert_equal(compiled(x), function(x))


def caught(function, x):
    try:
        return function(x)
    except (np.linalg.LinAlgError, IndexError):
        return np.zeros_like(x)


DRAW = np.random.default_rng(0).normal
OLD = np.random.RandomState(0)


def test_draws_by_other_ways():
    """A method of a generator is that generator's; a RandomState is refused, and goes on where it was."""
    draw, same = np.random.default_rng(0).normal, np.random.default_rng(0)
    compiled = mg.compile(lambda x: x + draw(size=2))
    for _ in range(3):
        assert compiled(np.zeros(2)).tolist() == same.normal(size=2).tolist()
    for old in (np.random.RandomState(0), random.Random(0), np.random.PCG64(0)):
        before = repr(draw_from(old)), repr(exchange_state(old))
        with pytest.raises(
            mg.RecordingError, match="draws from np.random, from Python's random, or from a RandomState"
        ):
            mg.compile(lambda x, old=old: x + draw_from(old))(np.zeros(2))
        assert repr(exchange_state(old)) == before[1]


def draw_from(old):
    """A number from a generator of any kind."""
    return old.random_raw() if hasattr(old, "random_raw") else old.random()


def exchange_state(old):
    """What a generator of any kind will draw next."""
    if hasattr(old, "getstate"):
        return old.getstate()
    return (
        old.state
        if hasattr(old, "state")
        else [part.tolist() if hasattr(part, "tolist") else part for part in old.get_state()]
    )


def test_what_hooks_read():
    """A hook of a leaf is code of the function's, too."""
    factor, w = [1.0], mg.tensor(np.ones(2), requires_grad=True)
    w.register_hook(lambda g: g * factor[0])

    @mg.compile
    def step():
        w.grad = None
        mg.sum(w * w).backward()

    for value in (1.0, 3.0, 3.0):
        factor[0] = value
        step()
        assert w.grad.tolist() == [2 * value] * 2


@pytest.mark.parametrize(
    "sign", [lambda x, k: x * np.copysign(1.0, float(k)), lambda x, k: x * np.copysign(1, float(x[0]))]
)
def test_zeros_have_signs(sign):
    """A number that was taken out is another one if its sign is."""
    compiled = mg.compile(sign)
    for zero in (0.0, -0.0, 0.0):
        x = np.array([zero, 2.0])
        assert compiled(x, zero).tobytes() == sign(x, zero).tobytes()


def test_keys_in_another_order():
    """The first of them is another one, then."""
    d = {"a": 2.0, "b": 3.0}
    compiled = mg.compile(lambda x: x * next(iter(d.values())))
    assert compiled(np.ones(1)) == 2
    d["a"] = d.pop("a")
    assert compiled(np.ones(1)) == 3


def test_many_kinds_of_arguments_are_not_remembered():
    """A function that is called with a new object each time keeps none of them."""
    compiled = mg.compile(lambda x, batch: x * batch.rate, max_programs=2)
    with pytest.warns(RuntimeWarning, match="runs uncompiled"):
        answers = [compiled(np.ones(2), Named(rate=float(i))).tolist() for i in range(50)]
    assert answers == [[i, i] for i in range(50)]
    assert len(compiled._replays) == 2


def test_a_checkpoint_draws_once_in_a_compiled_step():
    """It runs as without, as a program plans its own memory."""

    def make():
        rng = np.random.default_rng(0)
        body = nn.Sequential(nn.Linear(2, 4, rng=rng), nn.Tanh(), nn.Dropout(0.5, rng=rng))
        out = nn.Linear(4, 1, rng=rng)
        optimizer = optim.Adam([*body.parameters(), *out.parameters()], lr=0.1)

        def step(x):
            optimizer.zero_grad()
            loss = mg.mean(out(mg.checkpoint(body)(x)) ** 2)
            loss.backward()
            optimizer.step()
            return loss.detach()

        return step

    ours, theirs = mg.compile(make()), make()
    x = np.linspace(-1.0, 1.0, 6).reshape(3, 2)
    assert [ours(x).item() for _ in range(5)] == [theirs(x).item() for _ in range(5)]


def test_an_error_that_may_be_caught_is_the_functions():
    """A replay that meets one puts everything back, and lets the function decide; also with a bare except."""

    def make():
        kept = np.zeros(2)

        def function(x):
            kept[...] = kept + 1
            with np.errstate(all="ignore"):
                try:
                    return np.linalg.inv(x) + kept
                except:  # noqa: E722
                    return kept * 1

        return function, kept

    (ours, kept), (theirs, other) = make(), make()
    compiled = mg.compile(ours)
    for x in (np.eye(2), np.zeros((2, 2)), 2 * np.eye(2), np.zeros((2, 2))):
        np.testing.assert_array_equal(compiled(x), theirs(x))
        np.testing.assert_array_equal(kept, other)


H = np.zeros(2)


def test_a_variable_that_is_deleted():
    """The function is asked again, and says so."""

    def function(x):
        global H
        H = 0.5 * H + x
        return H * 2

    compiled = mg.compile(function)
    for _ in range(2):
        compiled(np.ones(2))
    assert compiled(np.ones(2)).tolist() == [3.5, 3.5]
    del globals()["H"]
    with pytest.raises(NameError):
        compiled(np.ones(2))


def test_a_slot_that_is_deleted_has_a_name():
    """As the first change."""
    slots = Settings()
    compiled = mg.compile(lambda x: x * slots.array)
    compiled(np.ones(2))
    del slots.array
    assert compiled._latest.guard.first_change() == "array"


@pytest.mark.filterwarnings("ignore:.*runs uncompiled for some arguments:RuntimeWarning")
def test_a_dict_that_loses_entries():
    """No replay takes them out."""
    d = dict.fromkeys("abcdefghijkl", 1.0)
    compiled = mg.compile(lambda x: (d.popitem(), x * len(d))[1])
    assert [compiled(np.ones(1)).item() for _ in range(11)] == [*range(11, 0, -1)]


def test_a_tensor_that_is_left_and_not_read():
    """What was there before does not matter, but for its kind."""
    s = types.SimpleNamespace(last=mg.tensor(np.zeros(2)))

    @mg.compile
    def function(x):
        s.last = mg.asarray(x * 2)
        return x + 1

    for value in (1.0, 2.0, 3.0):
        function(np.full(2, value))
        assert s.last.tolist() == [2 * value] * 2
    assert len(function.programs) == 1


def test_objects_of_scipys_hold_what_is_the_users():
    """The walk goes into the values of a sparse matrix, and not from its class into the modules of SciPy."""
    sparse = pytest.importorskip("scipy.sparse")
    s = sparse.csr_array(np.diag([1.0, 2.0]))
    compiled = mg.compile(lambda x: mg.matmul(x, s))
    for _ in range(3):
        np.testing.assert_array_equal(compiled(np.ones(2)), s.diagonal())
        s.data *= 2
    found = reach.Reach([lambda x: x @ s])
    assert id(s.data) in found.arrays
    assert len(found.places) < 100
