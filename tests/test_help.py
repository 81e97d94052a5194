"""What help() shows of the front doors: first what users need, then the rest."""

import doctest
import pydoc

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.core.array import HIDDEN
from minigrad.nn import functional as F


def shown(x):
    """The lines of help(x), each without the bar that pydoc puts before it."""
    return [line.lstrip("| ") for line in pydoc.render_doc(x, renderer=pydoc.plaintext).splitlines()]


def first(lines, *starts):
    """The number of the first line that begins with any of some texts."""
    return next(i for i, line in enumerate(lines) if line.startswith(starts))


def test_help_of_a_tensor_begins_with_gradients():
    """A table and an example fill the first screen; `backward` is the first method, and ndarrays' follow."""
    lines = shown(mg.Tensor)
    assert first(lines, "``loss.backward()``") < first(lines, ">>> loss.backward()") < 30
    methods = lines[first(lines, "Methods defined here") + 2]
    assert methods.startswith("backward(")  # and from Python 3.13 on a line for each parameter
    assert first(lines, "reshape(self") < first(lines, "__abs__")


def test_help_of_a_tensor_ends_each_part_with_the_engine():
    """Methods of the engine come after all that users call, within each class."""
    lines = shown(mg.Tensor)
    own = lines[: first(lines, "Methods inherited from minigrad.core.array")]
    assert first(own, "numpy(self") < first(own, "__add__") < first(own, *(f"{name}(self" for name in HIDDEN))
    array = lines[first(lines, "Methods inherited from minigrad.core.array") :]
    assert first(array, "detach(") < first(array, "__abs__") < first(array, *(f"{name}(self" for name in HIDDEN))


def test_what_help_of_a_tensor_names_is_there():
    """Each attribute in the table of the docstring is one of Tensors, and each public attribute is in help."""
    text = pydoc.render_doc(mg.Tensor, renderer=pydoc.plaintext)
    assert set(mg.Tensor._fields) == {name for name in dir(mg.tensor(1.0)) if not name.startswith("_")}
    for name in mg.Tensor._fields:
        assert f" {name}" in text, name


def test_help_of_the_package_is_a_table_of_contents():
    """It names each transformation and room, and every name in it can be used as it stands there."""
    lines = shown(mg)
    assert first(lines, "mg.tensor") < first(lines, "PACKAGE CONTENTS")
    names = {word.strip(",") for line in lines for word in line.split() if word.startswith("mg.") and "(" not in word}
    assert {"mg.grad", "mg.vmap", "mg.compile", "mg.nn", "mg.optim", "mg.train", "mg.testing", "mg.save"} <= names
    for name in names:
        assert eval(name, {"mg": mg}) is not None, name


def test_help_of_a_layer_shows_its_use():
    """Shapes, parameters and an example come before the methods, of which `parameters` is one."""
    lines = shown(nn.Linear)
    methods = first(lines, "Methods defined here")
    assert first(lines, "in_features, out_features : int") < first(lines, ">>> layer = nn.Linear") < methods < 40
    assert first(lines, "forward(self, x") < first(lines, "parameters(self)")


@pytest.mark.parametrize("x", [mg, mg.Tensor, nn.Linear], ids=["minigrad", "Tensor", "Linear"])
def test_the_examples_in_help_run(x):
    """They print what stands there."""
    names = {"np": np, "mg": mg, "nn": nn, "optim": optim, "F": F}
    examples = doctest.DocTestFinder(recurse=False).find(x, "help", globs=names, module=False)
    assert examples
    assert examples[0].examples
    assert doctest.DocTestRunner().run(examples[0]).failed == 0
