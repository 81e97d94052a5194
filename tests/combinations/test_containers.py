"""Arguments in containers: the function has its own, and derivatives are of the kind and structure of the caller's."""

import collections
import copy
import types
from collections.abc import Mapping

import numpy as np
import pytest

import minigrad as mg

from .numeric import close, leaf, plain

A, B = np.array([3.0, 4.0]), np.array([1.0, -2.0])


class Layers(list):
    """A list of a kind of its own."""


class Settings(dict):
    """A dict of a kind of its own."""


Pair = collections.namedtuple("Pair", "w b")


class Affine(Pair):
    """A named tuple of a kind of its own."""

    __slots__ = ()


# Functions that change their argument, each with its gradient at (3, 1)


def permute(p):
    p[0], p[1] = p[1], p[0]
    return p[0] + 10.0 * p[1]


def pop(p):
    return p.pop() ** 2 + p[0]


def replace(p):
    p[0] = p[0] * p[1]
    return p[0] ** 2


def append(p):
    p.append(p[0] * p[1])
    return p[2] * p[-1]


def insert(p):
    p.insert(0, 5.0)
    return p[0] * p[1] + p[2]


def clear(p):
    y = p[0] * p[1]
    p.clear()
    return y


def reverse(p):
    p.reverse()
    return p[0] ** 2 + p[1]


def delete(p):
    del p[0]
    return p[0] ** 3


def in_place(p):
    p[0] += p[1]
    p[0] *= 2.0
    return p[0] * p[1]


OF_LISTS = {
    permute: (10, 1),
    pop: (1, 2),
    replace: (6, 18),
    append: (6, 18),
    insert: (5, 1),
    clear: (1, 3),
    reverse: (1, 2),
    delete: (0, 3),
    in_place: (2, 10),
}
of_lists = pytest.mark.parametrize("f", OF_LISTS, ids=lambda f: f.__name__)


@of_lists
@pytest.mark.parametrize("kind", [list, Layers])
def test_gradients_are_at_the_places_of_the_callers(f, kind):
    """A function that permutes, pops or replaces elements of its list has the gradients at the caller's places."""
    p = kind([3.0, 1.0])
    got = mg.grad(f)(p)
    assert type(got) is kind
    close(got, OF_LISTS[f])
    assert type(p) is kind
    assert p == [3.0, 1.0]


@of_lists
def test_every_transformation_has_a_container_of_its_own(f):
    """vjp, jvp, jacobian, value_and_grad and checkpoint each hand the function a list that it may change."""
    p, want = [np.array(3.0), np.array(1.0)], OF_LISTS[f]
    before = list(p)
    close(mg.value_and_grad(f)(p)[1], want)
    _, pull_back = mg.vjp(f, p)
    close(pull_back(1.0)[0], want)
    close(pull_back(2.0)[0], 2 * np.array(want))
    close(mg.jacobian(f)(p), want)
    close([mg.jvp(f, (p,), ([1.0, 0.0],))[1], mg.jvp(f, (p,), ([0.0, 1.0],))[1]], want)
    close(mg.grad(mg.checkpoint(f))(p), want)
    leaves = [mg.tensor(3.0, requires_grad=True), mg.tensor(1.0, requires_grad=True)]
    mg.checkpoint(f)(leaves).backward()
    close([0.0 if w.grad is None else w.grad.item() for w in leaves], want)
    assert len(p) == len(before)
    assert all(x is y for x, y in zip(p, before, strict=True))


def test_second_derivatives_of_a_list_that_is_permuted():
    """The Hessian of a function that changes its list has its blocks at the caller's places."""

    def f(p):
        p[0], p[1] = p[1], p[0]
        return p.pop() ** 3 * p[0]

    p = [np.array(3.0), np.array(2.0)]  # x^3 y
    close(mg.hessian(f)(p), [[36.0, 27.0], [27.0, 0.0]])
    close(mg.hvp(f, (p,), ([1.0, 10.0],))[0], [36.0 + 270.0, 27.0])


# Mappings


def normalise(p):
    p["w"] = p["w"] / np.linalg.norm(p["w"])
    return np.sum(p["w"] * np.array([1.0, 2.0])) + np.sum(p["b"])


def pop_key(p):
    b = p.pop("b")
    return normalise({"w": p["w"], "b": b}) + 0.0 * len(p)


def add_key(p):
    p["x"] = p["w"] / np.linalg.norm(p["w"])
    p["b"], p["w"] = p["w"], p["b"]
    return np.sum(p["x"] * np.array([1.0, 2.0])) + np.sum(p["w"])


def update(p):
    p.update(w=p["w"] / np.linalg.norm(p["w"]), c=1.0)
    return np.sum(p["w"] * np.array([1.0, 2.0])) + np.sum(p["b"])


# Of (w1 + 2 w2) / |w| at (3, 4): (1, 2) / 5 - 11 (3, 4) / 125.
NORMALISED = np.array([-0.064, 0.048])


@pytest.mark.parametrize("f", [normalise, pop_key, add_key, update])
@pytest.mark.parametrize("kind", [dict, collections.OrderedDict, Settings, lambda p: collections.defaultdict(list, p)])
def test_mappings_that_the_function_changes(f, kind):
    """A function may replace, add and remove keys: the gradient has keys, order and kind of the caller's mapping."""
    p = kind({"w": A, "b": B})
    got = mg.grad(f)(p)
    assert type(got) is type(p)
    assert list(got) == list(p) == ["w", "b"]
    close(got["w"], NORMALISED)
    close(got["b"], [1.0, 1.0])
    assert p["w"] is A
    assert p["b"] is B


def test_a_defaultdict_keeps_its_factory():
    """The function's defaultdict makes what is missing, the caller's stays, and the gradient is one as well."""
    p = collections.defaultdict(lambda: 2.0, a=3.0)
    got = mg.grad(lambda p: p["a"] ** 2 * p["not there"])(p)
    assert dict(p) == {"a": 3.0}
    assert type(got) is collections.defaultdict
    assert got.default_factory is p.default_factory
    assert list(got) == ["a"]
    close(got["a"], 12.0)


def test_the_order_of_an_ordered_dict_is_the_callers():
    """move_to_end inside the function does not reorder the gradient."""
    p = collections.OrderedDict(b=np.array(2.0), a=np.array(3.0), c=np.array(5.0))

    def f(p):
        p.move_to_end("b")
        first, second, third = p.values()
        return first * second**2 * third

    got = mg.grad(f)(p)
    assert list(got.items()) == [("b", 75.0), ("a", 50.0), ("c", 60.0)]
    assert list(p) == ["b", "a", "c"]


@pytest.mark.parametrize("kind", [types.MappingProxyType, collections.UserDict, collections.ChainMap])
def test_other_mappings(kind):
    """A mapping that is no dict is a container, not a leaf, and so is its gradient."""
    p = kind({"w": A, "b": B})
    got = mg.grad(lambda p: np.sum(p["w"] ** 2 * p["b"]))(p)
    assert isinstance(got, Mapping)
    assert sorted(got) == ["b", "w"]
    close(got["w"], 2 * A * B)
    close(got["b"], A**2)


def test_keys_of_several_kinds():
    """Keys need no order among each other: tuples, integers and strings stay as they came."""
    p = {("layer", 1): A, 2: B, "x": np.array(2.0)}

    def f(p):
        p[2], p["x"] = p["x"], p[2]
        return np.sum(p[("layer", 1)] * p["x"] * p[2])

    got = mg.grad(f)(p)
    assert list(got) == list(p)
    close(got[("layer", 1)], 2 * B)
    close(got[2], 2 * A)
    close(got["x"], A @ B)


# Named tuples, and trees of all kinds


@pytest.mark.parametrize("kind", [Pair, Affine])
def test_named_tuples(kind):
    """A named tuple comes to the function as one, and so does its gradient to the caller, by field."""
    p = kind(w=A, b=B)

    def f(p):
        assert type(p) is kind
        q = p._replace(w=p.w * p.b)
        return np.sum(q.w * p.w)

    got = mg.grad(f)(p)
    assert type(got) is kind
    close(got.w, 2 * A * B)
    close(got.b, A * A)
    _, dy = mg.jvp(f, (p,), (kind(w=B, b=A),))
    close(dy, np.sum(2 * A * B * B + A * A * A))


def test_nested_containers_are_copied_at_every_depth():
    """Lists in dicts in tuples: a change at the bottom is the function's own, and None stays where it is."""
    p = ({"layers": Layers([[A, B], [B, None]])}, collections.OrderedDict(scale=2.0))
    before = copy.deepcopy(p)

    def f(p):
        inner = p[0]["layers"][0]
        inner[0], inner[1] = inner[1], inner[0]
        second = p[0]["layers"].pop()
        p[1]["scale"] = p[1]["scale"] ** 2
        return np.sum(inner[0] * inner[1] ** 2 * second[0]) * p[1]["scale"]  # 4 A^2 B^2

    got = mg.grad(f)(p)
    assert type(got) is tuple
    assert type(got[0]["layers"]) is Layers
    assert type(got[1]) is collections.OrderedDict
    close(got[0]["layers"][0][0], 8 * A * B * B)
    close(got[0]["layers"][0][1], 4 * A * A * B)
    close(got[0]["layers"][1][0], 4 * A * A * B)
    assert got[0]["layers"][1][1] is None
    close(got[1]["scale"], 4 * np.sum(A * A * B * B))
    assert repr(p) == repr(before)


@pytest.mark.parametrize("make", [np.array, mg.tensor, lambda x: mg.tensor(x, requires_grad=True)])
def test_leaves_written_into_stay_the_callers(make):
    """Element writes reach neither the caller's container nor the arrays in it."""
    w, b = make(A), make(B)
    p = {"w": w, "b": [b]}

    def f(p):
        p["w"][0] = p["b"][0][0] * p["w"][1]
        p["b"][0] *= 2.0
        return np.sum(p["w"] * p["b"][0])  # 2 (b0 w1 b0 + w1 b1)

    got = mg.grad(f)(p)
    close(got["w"], [0.0, 2 * (1.0 + -2.0)])
    close(got["b"][0], [4 * 4.0, 2 * 4.0])
    assert p["w"] is w
    assert p["b"][0] is b
    close(w, A)
    close(b, B)


def test_several_arguments_share_a_container():
    """One list passed as two arguments is two lists to the function, with a gradient each."""
    p = [3.0, 1.0]

    def f(p, q):
        p.reverse()
        return p[0] * q[0] + p[1]  # p1 q0 + p0

    first, second = mg.grad(f, argnums=(0, 1))(p, p)
    close(first, [1.0, 3.0])
    close(second, [1.0, 0.0])
    assert p == [3.0, 1.0]


def test_an_array_that_lies_in_two_places():
    """One array at two places of a container is two arguments, each with its own derivative."""
    x = np.array(3.0)
    close(mg.grad(lambda p: p[0] ** 2 * p[1])([x, x]), [18.0, 9.0])


def test_kinds_of_leaves_in_one_container():
    """In one list, an ndarray gets an ndarray, a Tensor a Tensor, and float32 stays float32."""
    p = [A, mg.tensor(B), A.astype(np.float32)]

    def f(p):
        first = p.pop(0)
        p.reverse()
        return np.sum(first * p[0] * p[1])

    got = mg.grad(f)(p)
    assert [type(g) for g in got] == [np.ndarray, mg.Tensor, np.ndarray]
    assert [g.dtype for g in got] == [np.float64, np.float64, np.float32]
    close(got[0], A * B)
    close(got[1], A * A)
    close(got[2], A * B)


def test_a_leaf_in_a_container_gets_no_gradient():
    """A Tensor that requires grad, in a list that mg.grad differentiates by, is an argument like any other."""
    w = leaf(1.0, 2.0)
    p = [A, w]
    got = mg.grad(lambda p: np.sum(p.pop() * p[0]))(p)
    close(got[0], [1.0, 2.0])
    close(got[1], A)
    assert w.grad is None
    assert p[1] is w


def test_results_in_containers_of_the_functions():
    """What the function returns may be any container, and may be changed by the caller before the pull-back."""
    f = lambda x: collections.OrderedDict(square=x * x, more=Pair(w=x * 2.0, b=Layers([x * 3.0])))
    y, pull_back = mg.vjp(f, A)
    assert type(y) is collections.OrderedDict
    assert type(y["more"]) is Pair
    assert type(y["more"].b) is Layers
    g = copy.copy(y)
    g["square"], g["more"] = B, Pair(w=A, b=Layers([B]))
    y.clear()
    close(pull_back(g)[0], 2 * A * B + 2 * A + 3 * B)
    blocks = mg.jacobian(f)(A)
    assert type(blocks["more"]) is Pair
    close(blocks["square"], np.diag(2 * A))
    close(blocks["more"].b[0], 3 * np.eye(2))
    _, dy = mg.jvp(f, (A,), (B,))
    close(dy["more"].w, 2 * B)


def test_a_container_that_does_not_fit_names_itself():
    """A tangent or a cotangent of another structure raises, and nothing is changed."""
    p = {"w": A, "b": B}
    f = lambda p: np.sum(p.pop("w") * p["b"])
    for tangents in ({"w": A}, [A, B], {"w": A, "c": B}, A):
        with pytest.raises((TypeError, ValueError), match="dict"):
            mg.jvp(f, (p,), (tangents,))
    assert list(p) == ["w", "b"]
    close(plain(mg.jvp(f, (p,), (p,))[1]), 2 * A @ B)
