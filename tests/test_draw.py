"""Drawings of graphs: what they show, how they are folded, and that they leave the graph alone."""

import gc
import re
import shutil
import sys
import weakref
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.draw.graph import operations, periodic_stretches, repetitions, sources
from minigrad.draw.labels import option_text


def leaf(*shape, **options):
    return mg.tensor(np.ones(shape), requires_grad=True, **options)


def looped(steps):
    """tanh(h @ u + x @ w) over and over, with other data in each step."""
    h, w, u = leaf(2, 4), leaf(3, 4), leaf(4, 4)
    names = {"h": h, "w": w, "u": u}
    for _ in range(steps):
        h = np.tanh(h @ u + np.ones((2, 3)) @ w)
    return h.sum(), names


def text(drawing):
    """A drawing's lines, with single blanks in place of the columns."""
    return [" ".join(line.split()) for line in str(drawing).splitlines()]


def labels(dot):
    """The texts in the boxes of a graph in DOT, by key; fails where a label is no well-formed XML."""
    boxes = re.findall(r'^  "(\w+)" \[label=<(.*)>, style=.*\]$', dot, re.MULTILINE)
    return {key: list(ElementTree.fromstring(f"<p>{label}</p>").itertext()) for key, label in boxes}


def edges(dot):
    """The pairs of keys of a graph's edges in DOT."""
    return re.findall(r'^  "(\w+)" -> "(\w+)"', dot, re.MULTILINE)


# As text


def test_a_network_with_names():
    """A line for each array: leaves and constants by kind, results by the call that made them."""
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.Linear(4, 1, rng=0))
    loss = nn.MSELoss()(model(np.ones((5, 3))), np.zeros((5, 1)))
    assert str(mg.draw(loss, names=model)) == (
        "c1         constant                      (5, 3)  float64\n"
        "0.weight   parameter                     (3, 4)  float64\n"
        "0.bias     parameter                     (4,)    float64\n"
        "2.weight   parameter                     (4, 1)  float64\n"
        "2.bias     parameter                     (1,)    float64\n"
        "c2         constant                      (5, 1)  float64\n"
        "v1       = affine(c1, 0.weight, 0.bias)  (5, 4)  float64\n"
        "v2       = tanh(v1)                      (5, 4)  float64\n"
        "v3       = affine(v2, 2.weight, 2.bias)  (5, 1)  float64\n"
        "v4       = subtract(v3, c2)              (5, 1)  float64\n"
        "v5       = square(v4)                    (5, 1)  float64\n"
        "v6       = mean(v5)                      ()      float64"
    )


def test_options_are_shown_as_they_were_given():
    """Numbers, indices and options stand in the call, and lists of arrays in brackets."""
    x = leaf(2, 3)
    y = np.concatenate([x, 2 * x], axis=0)[0, 1:]
    assert text(mg.draw(y.astype(np.float32).sum(axis=0, keepdims=True))) == [
        "x1 leaf (2, 3) float64",
        "v1 = multiply(2, x1) (2, 3) float64",
        "v2 = concatenate([x1, v1], axis=0) (4, 3) float64",
        "v3 = getitem(v2, (0, 1:)) (2,) float64",
        "v4 = astype(v3, float32) (2,) float32",
        "v5 = sum(v4, axis=0, keepdims=True) (1,) float32",
    ]


@pytest.mark.parametrize(
    ("option", "shown"),
    [
        (2.0, "2.0"),
        (0.1, "0.1"),
        (1e20, "1e+20"),
        (np.float32(0.1), "0.1"),
        (np.array(3), "3"),
        (mg.tensor(0.5), "0.5"),
        (None, "None"),
        ("ij,jk->ik", "'ij,jk->ik'"),
        (slice(None, None, -1), "::-1"),
        (slice(2, 5), "2:5"),
        ((0, ..., None), "(0, ..., None)"),
        ((1,), "(1,)"),
        ([1, 2], "[1, 2]"),
        (list(range(20)), "[0, 1, 2, 3, 4, 5, 6, 7, ... 12 more]"),
        ((np.array([1, 2]), 0), f"({np.array([1]).dtype}[2], 0)"),
        (np.dtype("float16"), "float16"),
        (np.tanh, "tanh"),
        (object(), "object"),
        ("x" * 40, "'" + "x" * 25 + " ..."),
    ],
)
def test_options(option, shown):
    """An option is short, in Python's own notation where there is one."""
    assert option_text(option) == shown


def test_names_of_pairs_and_of_results_and_of_data():
    """Pairs name leaves, constants and results alike; a standard name that is taken gets a prime."""
    x, w = np.ones((2, 3)), leaf(3, 1)
    hidden = x @ w
    drawing = mg.draw((hidden * mg.asarray(x)).sum(), names=[("x1", x), ("v2", w), ["hidden", hidden], ("", 0 * x)])
    assert text(drawing) == [
        "x1 constant (2, 3) float64",
        "v2 leaf (3, 1) float64",
        "hidden = matmul(x1, v2) (2, 1) float64",
        "v2' = multiply(hidden, x1) (2, 3) float64",
        "v3 = sum(v2') () float64",
    ]
    assert labels(drawing.dot())["v1"][0] == "hidden = matmul"


def test_a_result_with_the_memory_of_a_leaf_is_not_called_like_it():
    """An operation may answer with its argument's own array; the name is the argument's."""
    same = mg.primitive(lambda g, y, x: g)(lambda x: x)
    x = leaf(2)
    assert text(mg.draw(same(x), names={"x": x}))[1] == "v1 = <lambda>(x) (2,) float64"
    assert labels(mg.draw(same(x), names={"x": x}).dot())["v1"] == ["<lambda>", "(2,) float64"]


def test_the_name_of_an_array_is_that_of_a_leaf_with_its_memory():
    """An array that mg.asarray made a leaf of need not be named again."""
    values = np.ones(2)
    w = mg.asarray(values)
    w.requires_grad = True
    assert text(mg.draw(w * 2.0, names={"w": values}))[0] == "w leaf (2,) float64"


class Scaled(nn.Module):
    def __init__(self):
        self.weight = nn.Parameter(np.ones(2))
        self.scale = nn.Buffer(np.ones(2))

    def forward(self, x):
        return x * self.weight / self.scale


def test_buffers_are_named():
    """A module's buffers get their names, though they are constants of the graph."""
    model = Scaled()
    assert text(mg.draw(model(2.0), names=model)) == [
        "weight parameter (2,) float64",
        "scale constant (2,) float64",
        "v1 = multiply(2.0, weight) (2,) float64",
        "v2 = divide(v1, scale) (2,) float64",
    ]


def test_values_and_gradients():
    """Small arrays are shown whole, of large ones the corners; gradients of leaves, and of results that retain them."""
    x, w = mg.tensor([[1.0, -2.5]], requires_grad=True), leaf(20, 2)
    y = x * w
    y.retain_grad()
    z = y.sum()
    drawing = mg.draw(z, values=True, gradients=True)
    corners = "value [[1, 1], ..., [1, 1]]"
    assert text(drawing) == [
        "x1 leaf (1, 2) float64 value [[1, -2.5]] grad None",
        f"x2 leaf (20, 2) float64 {corners} grad None",
        "v1 = multiply(x1, x2) (20, 2) float64 value [[1, -2.5], ..., [1, -2.5]] grad None",
        "v2 = sum(v1) () float64 value -30",
    ]
    z.backward(retain_graph=True)
    after = text(mg.draw(z, gradients=True))
    assert [line.partition("float64 ")[2] for line in after] == [
        "grad [[20, 20]]",
        "grad [[1, -2.5], ..., [1, -2.5]]",
        "grad [[1, 1], ..., [1, 1]]",
        "",
    ]
    assert labels(drawing.dot())["v2"] == ["sum", "() float64", "value -30"]
    assert text(drawing)[0].endswith("grad None")  # it is of the moment when it was made


def test_long_values_are_cut():
    """An array of many axes takes no more than a line."""
    assert text(mg.draw(leaf(3, 3, 3, 3), values=True))[0].endswith("..., [[1, ..., 1], ...")


def test_leaves_and_constants_alone():
    """A tensor without operations is a drawing of one line."""
    assert str(mg.draw(leaf(2))) == "x1  leaf  (2,)  float64"
    assert str(mg.draw(mg.tensor([1.0]))) == "c1  constant  (1,)  float64"
    assert str(mg.draw(nn.Parameter([1.0]))) == "x1  parameter  (1,)  float64"


def test_a_leaf_that_has_ceased_to_require_grad_is_a_constant():
    """What a leaf is shows what it is now."""
    x = leaf(2)
    y = x * 2.0
    x.requires_grad = False
    assert text(mg.draw(y, gradients=True))[0] == "c1 constant (2,) float64"


def test_freed_graphs_say_so():
    """Where a backward pass has freed the graph, the drawing ends, and says what to do."""
    x = leaf(3)
    y = np.exp(x)
    z = y * 2.0
    y.sum().backward()
    assert str(mg.draw(z)) == (
        "v1 = exp, freed         (3,)  float64\n"
        "v2 = multiply(v1, 2.0)  (3,)  float64\n"
        "A backward pass has freed this graph. Draw it before, or pass retain_graph=True to backward()."
    )
    assert labels(mg.draw(z).dot())["v1"] == ["exp", ", freed", "(3,) float64"]


def test_inside_a_transformation():
    """A graph of mg.grad is drawn as any other, with Tensors of outside as its constants."""
    drawings = []

    def function(x):
        y = (x * w).sum()
        drawings.append(mg.draw(y, names={"w": w}, values=True, gradients=True))
        return y

    w = leaf(2)
    mg.grad(function)(np.ones(2))
    assert text(drawings[0]) == [
        "x1 leaf (2,) float64 value [1, 1] grad None",
        "w constant (2,) float64 value [1, 1]",
        "v1 = multiply(x1, w) (2,) float64 value [1, 1]",
        "v2 = sum(v1) () float64 value 2",
    ]


# Folded


def test_a_loop_is_folded():
    """What repeats itself is shown once, with how often it comes again; the result is always shown."""
    loss, names = looped(50)
    drawing = mg.draw(loss, names=names)
    assert text(drawing) == [
        "h leaf (2, 4) float64",
        "u leaf (4, 4) float64",
        "c1 constant (2, 3) float64",
        "w leaf (3, 4) float64",
        "c2 constant (2, 3) float64",
        "v1 = matmul(h, u) (2, 4) float64",
        "v2 = matmul(c1, w) (2, 4) float64",
        "v3 = add(v1, v2) (2, 4) float64",
        "v4 = tanh(v3) (2, 4) float64",
        "v5 = matmul(v4, u) (2, 4) float64",
        "v6 = matmul(c2, w) (2, 4) float64",
        "v7 = add(v5, v6) (2, 4) float64",
        "v8 = tanh(v7) (2, 4) float64",
        "... 48 times more like the 4 lines above, to v200",
        "v201 = sum(v200) () float64",
    ]
    assert labels(drawing.dot())["folded8"] == ["48 times more: matmul, matmul, add, tanh"]
    assert [edge for edge in edges(drawing.dot()) if "folded8" in edge] == [
        *[("v8", "folded8"), ("input1", "folded8"), ("input3", "folded8")],
        ("folded8", "v201"),
    ]
    assert len(text(mg.draw(loss, names=names, fold=False, limit=300))) == 201 + 53  # h, u, w and the data of 50 steps


def test_short_loops_and_layers_are_not_folded():
    """A few steps are shown in full, and so are layers, which have parameters of their own."""
    assert not any("more" in line for line in text(mg.draw(looped(3)[0])))
    model = nn.Sequential(*[nn.Sequential(nn.Linear(4, 4, rng=0), nn.Tanh()) for _ in range(20)])
    assert not any("more" in line for line in text(mg.draw(model(np.ones((2, 4))), names=model)))


def test_other_inputs_are_not_folded():
    """Calls that take an array from elsewhere, a constant in its place, or it in another place, are not the same."""
    x, y = leaf(2), leaf(2)
    z = x
    for i in range(20):  # what is taken is ever further away
        z = z * [x, y][i * i % 3 == 1]
    assert not any("more" in line for line in text(mg.draw(z)))
    c, empty = np.array([True, False]), leaf(0)
    steps = [6, 2, 5, 3, 0, 7, 4, 1, 1, 3, 2, 0, 7, 5, 6, 4, 2, 7, 6, 3]
    for variants in (
        [lambda z: z - 1.0, lambda z: 1.0 - z, lambda z: z - x, lambda z: z - z],
        [lambda z: z - 1.0, lambda z: 1.0 - z],
        [lambda z: np.where(c, z, 1.0), lambda z: np.where(c, 1.0, z), lambda z: np.where(c, z, x)],
        [lambda z: np.concatenate([z]), lambda z: np.concatenate([z, empty])],
    ):
        z = x
        for i in steps:
            z = variants[i % len(variants)](z)
        assert not any("more" in line for line in text(mg.draw(z)))


def test_a_result_that_goes_in_twice():
    """A graph with 2**60 ways through it is drawn as the 60 operations that it is, each with two edges."""
    x = leaf(2)
    for _ in range(60):
        x = x + x
    drawing = mg.draw(x)
    assert text(drawing)[-2:] == ["... 57 times more like the line above, to v59", "v60 = add(v59, v59) (2,) float64"]
    assert edges(drawing.dot())[-3:] == [("v2", "folded2"), ("folded2", "v60"), ("folded2", "v60")]


def test_the_limit():
    """The last operations are shown, and what came before is counted."""
    loss, names = looped(50)
    drawing = mg.draw(loss, names=names, limit=4)
    assert text(drawing) == [
        "... 200 more operations, to v200",
        "v201 = sum(v200) () float64",
    ]
    assert edges(drawing.dot()) == [("before", "v201")]
    assert text(mg.draw(loss, limit=5))[-7:] == [
        "... 4 more operations, to v4",
        "v5 = matmul(v4, x1) (2, 4) float64",
        "v6 = matmul(c1, x2) (2, 4) float64",
        "v7 = add(v5, v6) (2, 4) float64",
        "v8 = tanh(v7) (2, 4) float64",
        "... 48 times more like the 4 lines above, to v200",
        "v201 = sum(v200) () float64",
    ]
    assert text(mg.draw(np.tanh(leaf(2) * 2.0), limit=1))[0] == "... 1 more operation, to v1"


def test_the_limit_of_leaves():
    """No more leaves than operations are shown; those that have a name are still called by it."""
    xs = [leaf(2) for _ in range(1000)]
    drawing = mg.draw(np.stack([*xs, xs[5]]), names={"a": xs[0], "z": xs[5]}, limit=2)
    assert text(drawing) == [
        "a leaf (2,) float64",
        "x1 leaf (2,) float64",
        "... 998 more leaves and constants",
        "v1 = stack([a, x1, float64[2], float64[2], float64[2], z, float64[2], float64[2], ... 993 more]) "
        "(1001, 2) float64",
    ]
    assert labels(drawing.dot())["v1"] == ["stack", "(1001, 2) float64"]
    assert edges(drawing.dot()) == [("input0", "v1"), ("input1", "v1"), ("others", "v1")]


def test_a_loop_with_leaves_beyond_the_limit():
    """What goes into folded operations may itself be left out."""
    x, others = leaf(2), [leaf(2) for _ in range(5)]
    for _ in range(20):
        x = np.stack([x, *others]).sum(axis=0)
    drawing = mg.draw(x, limit=3)
    assert text(drawing) == [
        "x1 leaf (2,) float64",
        "x2 leaf (2,) float64",
        "x3 leaf (2,) float64",
        "... 2 more leaves and constants",
        "... 1 more operation, to v1",
        "v2 = sum(v1, axis=0) (2,) float64",
        "v3 = stack([v2, x1, x2, x3, float64[2], float64[2]]) (6, 2) float64",
        "... 18 times more like the 2 lines above, to v39",
        "v40 = sum(v39, axis=0) (2,) float64",
    ]
    assert [edge for edge in edges(drawing.dot()) if edge[1] == "folded3"] == [
        *[("v3", "folded3"), ("input0", "folded3"), ("input1", "folded3"), ("input2", "folded3")],
        ("others", "folded3"),
    ]


@pytest.mark.no_cover
def test_a_hundred_thousand_operations():
    """A long chain is drawn without recursion."""
    x = leaf()
    for _ in range(100_000):
        x = x * 0.5
    assert text(mg.draw(x))[-2] == "... 99,997 times more like the line above, to v99999"
    assert text(mg.draw(x, fold=False))[0] == "... 99,900 more operations, to v99900"


def test_a_stretch_does_not_repeat_what_is_folded():
    """Where one stretch follows another, the period that the second repeats is shown between them."""
    sequence = "a" * 10 + "ab" * 10

    def same(i, j):
        return sequence[i] == sequence[j]

    contexts = [sequence[max(0, i - 3) : i + 1] for i in range(len(sequence))]
    assert periodic_stretches(contexts, same) == [(1, 11, 1), (14, 30, 2)]


@given(st.lists(st.integers(0, 3), max_size=8), st.lists(st.integers(0, 3), min_size=1, max_size=6), st.integers(0, 20))
def test_stretches_are_what_they_say(before, block, times):
    """A stretch repeats the period before it, which is shown; finding it takes a time proportional to the length."""
    sequence = before + block * times + before
    asked = []

    def same(i, j):
        asked.append(i)
        return sequence[i] == sequence[j]

    contexts = [tuple(sequence[max(0, i - 3) : i + 1]) for i in range(len(sequence))]
    found = periodic_stretches(contexts, same)
    free = 0
    for start, stop, period in found:
        assert free + period <= start < stop <= len(sequence)
        assert (stop - start) % period == 0
        assert all(sequence[i] == sequence[i - period] for i in range(start, stop))
        free = stop
    assert len(asked) <= 8 * len(sequence)
    if len(block) * times > 40:
        assert len(sequence) - sum(stop - start for start, stop, _ in found) <= 2 * len(before) + 4 * len(block) + 8


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=30))
def test_operations_come_after_what_they_need(pairs):
    """The operations of any graph are listed once each, and after those that went in."""
    results = [leaf(2)]
    for i, j in pairs:
        results.append(results[i % len(results)] * results[j % len(results)])
    nodes = operations(results[-1].node)
    assert len(pairs) == 0 or nodes[-1] is results[-1].node
    place = {id(node): i for i, node in enumerate(nodes)}
    assert len(place) == len(nodes)
    assert all(place[id(source)] < i for i, node in enumerate(nodes) for source in sources(node))
    assert all(stop <= len(nodes) for _, stop, _ in repetitions(nodes))


# The graph itself


def test_a_change_in_place_is_drawn_as_it_was_recorded():
    """What was computed from the old value keeps it, in the drawing as in the sweep, which the drawing leaves alone."""
    x = leaf(2)
    y = x * 2.0
    z = y * 3.0
    y *= 5.0
    root = (z + y).sum()
    shown = text(mg.draw(root))
    assert shown == [
        "x1 leaf (2,) float64",
        "v1 = multiply(x1, 2.0) (2,) float64",
        "v2 = multiply(v1, 3.0) (2,) float64",
        "v3 = multiply(v1, 5.0) (2,) float64",
        "v4 = add(v2, v3) (2,) float64",
        "v5 = sum(v4) () float64",
    ]
    assert text(mg.draw(root)) == shown
    root.backward()
    np.testing.assert_array_equal(x.grad.data, [16.0, 16.0])


def test_a_loop_that_changes_an_array_in_place_is_folded():
    """Each step takes the value that the array had then, which is as far back in each."""
    x = leaf(2)
    y, total = x * 1.0, x * 0.0
    for _ in range(20):
        total = total + y
        y *= x
    assert text(mg.draw(total + y)) == [
        "x1 leaf (2,) float64",
        "v1 = multiply(x1, 0.0) (2,) float64",
        "v2 = multiply(x1, 1.0) (2,) float64",
        "v3 = add(v1, v2) (2,) float64",
        "v4 = multiply(v2, x1) (2,) float64",
        "... 19 times more like the 2 lines above, to v42",
        "v43 = add(v41, v42) (2,) float64",
    ]


def test_what_took_another_value_is_not_folded():
    """The same Tensor before and after a change in place is not the same input."""
    x = leaf(2)
    y = x * 1.0
    before = [x * y for _ in range(10)]
    y *= 2.0
    assert text(mg.draw(np.stack([*before, *[x * y for _ in range(10)]])))[1:-1] == [
        "v1 = multiply(x1, 1.0) (2,) float64",
        "v2 = multiply(v1, 2.0) (2,) float64",
        "v3 = multiply(x1, v2) (2,) float64",
        "... 9 times more like the line above, to v12",
        "v13 = multiply(x1, v1) (2,) float64",
        "... 9 times more like the line above, to v22",
    ]


def test_a_drawing_keeps_nothing_alive():
    """The graph is freed with the last tensor, at once, though the drawing is still there."""
    x = leaf(2)
    y = x * 2.0
    gone = [weakref.ref(x), weakref.ref(y)]
    gc.disable()
    try:
        drawing = mg.draw(y, names={"x": x}, values=True, gradients=True)
        del x, y
        assert [ref() for ref in gone] == [None, None]
    finally:
        gc.enable()
    assert str(drawing).startswith("x ")


# Pictures


def test_dot():
    """A box for each array, an edge for each argument; results keep to a line, and the last has a thick border."""
    x, w = np.ones((2, 3)), leaf(3)
    dot = mg.draw((x * w).sum(axis=0), names={"x": x, "w": w}).dot()
    assert dot.startswith("digraph graph_of_a_tensor {\n  graph [")
    assert dot.endswith(
        '  "input0" -> "v1"\n  "input1" -> "v1"\n  "v1" -> "v2" [weight=8]\n}\n',
    )
    assert labels(dot) == {
        "input0": ["x", "(2, 3) float64"],
        "input1": ["w", "(3,) float64"],
        "v1": ["multiply", "(2, 3) float64"],
        "v2": ["sum", "(·, axis=0)", "(3,) float64"],
    }
    thick = [line for line in dot.splitlines() if "penwidth" in line]
    assert len(thick) == 1
    assert '"v2" [' in thick[0]


def test_names_are_escaped():
    """A name may have any letters: it breaks neither a line of text nor DOT."""
    x = leaf(2)
    name = 'a "b" <c> & \\n{d}|\n\x00]>, é'
    drawing = mg.draw(x * 2.0, names={name: x})
    shown = 'a "b" <c> & \\n{d}|??]>, é'
    assert str(drawing).splitlines()[0].startswith(f"{shown}   leaf")
    assert labels(drawing.dot())["input0"][0] == shown
    assert edges(drawing.dot()) == [("input0", "v1")]


def program(folder, monkeypatch, lines):
    """Let there be no other program than a `dot` of these lines of Python."""
    path = folder / "dot"
    path.write_text(f"#!{sys.executable} -S\nimport sys\n{lines}\n", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return path


ECHO = (
    "sys.stdout.buffer.write(b'<svg>' + ' '.join(sys.argv[1:]).encode() + b' ' + sys.stdin.buffer.read() + b'</svg>')"
)


def test_svg_is_what_graphviz_makes_of_dot(tmp_path, monkeypatch):
    """The program gets DOT in UTF-8, and its answer is the picture."""
    program(tmp_path, monkeypatch, ECHO)
    x = leaf(2)
    drawing = mg.draw(x * 2.0, names={"é": x})
    assert drawing.svg() == f"<svg>-Tsvg {drawing.dot()}</svg>"
    assert drawing._repr_mimebundle_(include=None, exclude=None) == {
        "text/plain": str(drawing),
        "image/svg+xml": drawing.svg(),
    }


def test_svg_without_graphviz(tmp_path, monkeypatch):
    """Where there is no Graphviz the error says how to get it, and Jupyter shows the text."""
    monkeypatch.setenv("PATH", str(tmp_path))
    drawing = mg.draw(leaf(2))
    with pytest.raises(FileNotFoundError, match=r"program `dot` is not on the PATH. Install it, as with `apt install"):
        drawing.svg()
    assert drawing._repr_mimebundle_() == {"text/plain": str(drawing)}


def test_svg_where_graphviz_fails(tmp_path, monkeypatch):
    """What Graphviz says against it is in the error."""
    path = program(tmp_path, monkeypatch, "sys.stdin.read()\nsys.exit('Error: no fonts')")
    with pytest.raises(RuntimeError, match=re.escape(f"Graphviz, {path}, failed with status 1: Error: no fonts")):
        mg.draw(leaf(2)).svg()


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_svg_of_the_real_graphviz():
    """Graphviz takes what we write, without a warning, also where names and values are hard to read."""
    loss, names = looped(50)
    x = leaf(2)
    for drawing in (
        mg.draw(loss, names=names, values=True, gradients=True),
        mg.draw(loss, limit=2),
        mg.draw(np.stack([leaf(2) for _ in range(9)]), limit=2),
        mg.draw(x[1:] * 2.0, names={'<b>"&\\': x, " ": x}),
    ):
        picture = ElementTree.fromstring(drawing.svg())
        assert picture.tag == "{http://www.w3.org/2000/svg}svg"
        boxes = [g for g in picture.iter("{http://www.w3.org/2000/svg}g") if g.get("class") == "node"]
        assert len(boxes) == len(drawing.vertices)


# What is refused


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mg.draw(np.ones(2)), TypeError, "draw takes a Tensor, whose graph was recorded; got ndarray"),
        (lambda: mg.jvp(mg.draw, (np.ones(2),), (np.ones(2),)), TypeError, "got Dual. Compute .* outside of mg.jvp"),
        (lambda: mg.draw(leaf(2), limit=0), ValueError, "limit is how many operations are shown, at least 1; got 0"),
        (lambda: mg.draw(leaf(2), names="x"), TypeError, r"pairs \(name, array\); got str"),
        (lambda: mg.draw(leaf(2), names=leaf(2)), TypeError, r"pairs \(name, array\); got Tensor"),
        (lambda: mg.draw(leaf(2), names=7), TypeError, r"pairs \(name, array\); got int"),
        (lambda: mg.draw(leaf(2), names=[leaf(2)]), TypeError, r"are pairs \(name, array\); got Tensor"),
        (lambda: mg.draw(leaf(2), names={"x": 1.0}), TypeError, "by name: .* got 'x' for a float"),
        (lambda: mg.draw(leaf(2), names={0: leaf(2)}), TypeError, "by name: .* got 0 for a Tensor"),
    ],
)
def test_refusals(call, error, message):
    """Errors say what was wanted and what came."""
    with pytest.raises(error, match=message):
        call()


def test_draw_stays_a_function():
    """mg.draw is the function, also after the module of that name was imported, and costs nothing until called."""
    import minigrad.draw

    assert minigrad.draw is mg.draw
    assert callable(mg.draw)
