"""Names of other libraries are told what is written here, which works."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, train, words
from minigrad.nn import functional as F

NAMES = {"mg": mg, "np": np, "nn": nn, "optim": optim, "train": train}
DOTTED = re.compile(r"\b(?:mg|np|nn|optim|train)(?:\.\w+)+")


def message(get):
    with pytest.raises(AttributeError) as caught:
        get()
    return str(caught.value)


def around(tmp_path):
    """What the advice on Tensors and modules speaks of."""
    x, y = np.ones((4, 2)), np.ones((4, 2))
    model, layer = nn.Sequential(nn.Linear(2, 2, rng=0)), nn.ReLU()
    mg.save(tmp_path / "model.npz", model.state_dict())
    return {
        **NAMES,
        "x": x,
        "y": y,
        "model": model,
        "layer": layer,
        "loss": F.mse_loss,
        "path": tmp_path / "model.npz",
        "optimizer": optim.SGD(model.parameters(), lr=0.1),
        "X": np.ones((4, 2)),
        "state": model.state_dict(),
        "shape": (4, 2),
        "axes": (1, 0),
        "axis": 0,
        "value": 2.0,
        "values": np.zeros((4, 2)),
        "dtype": np.float32,
        "mask": np.ones((4, 2), bool),
        "low": 0,
        "high": 1,
        "count": 2,
        "places": [0],
        "index": np.zeros((4, 2), int),
    }


@pytest.mark.parametrize("name", words.TENSOR)
def test_names_of_tensors(name, tmp_path):
    """At each level, and neither dir() nor hasattr() knows them; what is written instead runs as it stands."""
    names = around(tmp_path)
    x, y = mg.tensor(np.ones((4, 2))), mg.tensor(np.ones((4, 2)))
    names["x"] = x[0] if name == "expand" else x
    names["y"] = {"mm": y.T, "bmm": y.T, "matmul": y.T, "scatter_add": y[0]}.get(name, y)
    code = words.TENSOR[name].partition("; ")[0]
    assert message(lambda: getattr(x, name)).startswith(f"'Tensor' object has no attribute {name!r}. Use {code}")
    assert not hasattr(x, name)
    assert name not in dir(x)
    assert mg.grad(lambda x: np.sum(x) * (not hasattr(x, name)))(np.ones(2)).tolist() == [1, 1]
    exec(code.replace("mg.tensor(x,", "mg.tensor(x.numpy(),"), names)


@pytest.mark.parametrize("name", words.MODULE)
def test_names_of_modules(name, tmp_path):
    names = around(tmp_path)
    code = words.MODULE[name].partition("; ")[0]
    assert message(lambda: getattr(names["model"], name)).startswith(
        f"'Sequential' object has no attribute {name!r}. Use {code}"
    )
    exec(code, names)


TABLES = {"mg": (mg, words.PACKAGE), "nn": (nn, words.NETWORKS), "optim": (optim, words.OPTIMIZERS)}
ENTRIES = [(module, name, text) for module, table in TABLES.values() for name, text in table.items()]


@pytest.mark.parametrize(("module", "name", "text"), ENTRIES, ids=lambda x: x if isinstance(x, str) else x.__name__)
def test_names_of_the_package(module, name, text):
    """What is named instead is there."""
    assert message(lambda: getattr(module, name)) == (
        f"module {module.__name__!r} has no attribute {name!r}. Use {text}"
    )
    for dotted in DOTTED.findall(text):
        assert eval(dotted, NAMES) is not None


@pytest.mark.parametrize(
    ("get", "end"),
    [
        (lambda: mg.relu, "; there is mg.nn.functional.relu"),
        (lambda: mg.Linear, "; there is mg.nn.Linear"),
        (lambda: mg.FIT, "; there is mg.train.fit"),
        (lambda: nn.Conv2D, "; there is nn.Conv2d"),
        (lambda: nn.relu, "; there is nn.functional.relu"),
        (lambda: optim.adamw, "; there is optim.AdamW"),
        (lambda: optim.StepLR, "; there is optim.lr_scheduler.StepLR"),
        (lambda: mg.no_such, "has no attribute 'no_such'"),
        (lambda: nn.__wrapped__, "has no attribute '__wrapped__'"),
        (lambda: nn.Linear(1, 1).no_such, "'Linear' object has no attribute 'no_such'"),
    ],
)
def test_names_that_are_elsewhere_or_spelled_otherwise(get, end):
    assert message(get).endswith(end)


def test_a_property_that_fails_says_why():
    """Its own AttributeError comes through."""

    class Net(nn.Module):
        @property
        def size(self):
            return self.scale.shape

    assert message(lambda: Net().size) == "'Net' object has no attribute 'scale'"
