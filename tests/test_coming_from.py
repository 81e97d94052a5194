"""The tables of docs/coming_from.md: each cell runs, and where both sides of a row answer with numbers, they agree."""

import ast
import pathlib
import re

import numpy as np
import pytest

TEXT = (pathlib.Path(__file__).parents[1] / "docs" / "coming_from.md").read_text(encoding="utf-8")
START = re.search(r"^```python\n(.*?)^```\n", TEXT, re.DOTALL | re.MULTILINE)[1]

ARRAYS = """
import numpy as np
a, v, i = np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0, 2.0]), np.array([0, 2])
def f(x): return (x**3).sum()
def pair(x): return (x**3).sum(), x + 1
"""
PEERS = {
    "PyTorch": """
import torch, torch.utils.checkpoint
from torch import nn, optim
from torch.nn import functional as F
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset
inputs, labels = torch.arange(12.0).reshape(6, 2), torch.tensor([0, 1, 0, 1, 1, 0])
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64, requires_grad=True)
y = torch.tensor([[5.0, 6.0], [7.0, 8.0]], dtype=torch.float64)
w = torch.tensor([0.5, -0.5], dtype=torch.float64, requires_grad=True)
loss = torch.sum(x**3)
self = nn.Module()
model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
""",
    "JAX": """
import jax, jax.numpy as jnp
from jax.test_util import check_grads
""",
    "autograd": """
import autograd, autograd.numpy as anp
from autograd.test_util import check_grads
""",
    "MyGrad": """
import mygrad
x = mygrad.tensor([[1.0, 2.0], [3.0, 4.0]])
""",
}
MODULES = {"PyTorch": "torch", "JAX": "jax", "autograd": "autograd", "MyGrad": "mygrad"}
RANDOM = ("random numbers", "dropout", "first values")  # rows whose numbers differ


def rows():
    """(peer, what, the peer's cell, minigrad's cell) for each row of each table."""
    found, peer = [], None
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("|") else []
        if len(cells) == 3 and cells[2] == "minigrad":
            peer = cells[1]
        elif len(cells) == 3:
            found.append((peer, *cells))
    return found


def answer(cell, start):
    """Runs the pieces of code in a cell; answers the value of the last one, None if it is no expression."""
    names, value = {}, None
    exec(start, names)
    for code in re.findall(r"`([^`]+)`", cell):
        mode = "eval" if isinstance(ast.parse(code).body[0], ast.Expr) else "exec"
        value = eval(compile(code, "cell", mode), names)
    return value


def as_numbers(value):
    """An answer as an array, None if it is no numbers."""
    if hasattr(value, "detach"):
        value = value.detach()
    try:
        x = np.asarray(value)
    except (TypeError, ValueError):
        return None
    return x if x.dtype.kind in "fiu" else None


IDS = [f"{peer}-{what}" for peer, what, _, _ in rows()]
MINIGRAD = START + "\nself = nn.Module()\n"


def test_there_are_tables():
    """Each peer has one, and every line of them is a heading, the rule below it, or a row."""
    lines = [line for line in TEXT.splitlines() if line.startswith("|")]
    headings = sum(line.endswith(" minigrad |") for line in lines)
    assert {peer for peer, *_ in rows()} == set(PEERS)
    assert len(rows()) == len(lines) - 2 * headings


@pytest.mark.parametrize(("peer", "what", "theirs", "ours"), rows(), ids=IDS)
def test_the_side_of_minigrad_runs(peer, what, theirs, ours, monkeypatch, tmp_path):
    """With no other library installed."""
    monkeypatch.chdir(tmp_path)
    answer(ours, MINIGRAD)


@pytest.mark.filterwarnings("ignore")  # of the peers' own
@pytest.mark.parametrize(("peer", "what", "theirs", "ours"), rows(), ids=IDS)
def test_both_sides_agree(peer, what, theirs, ours, monkeypatch, tmp_path):
    """To single precision, which is JAX's."""
    pytest.importorskip(MODULES[peer])
    monkeypatch.chdir(tmp_path)
    left, right = (as_numbers(answer(c, s)) for c, s in ((theirs, ARRAYS + PEERS[peer]), (ours, MINIGRAD)))
    if left is not None and right is not None and what not in RANDOM:
        np.testing.assert_allclose(left, right, rtol=2e-5, atol=1e-6)
