"""summary: shapes, counts by hand, what is put back, and what is printed."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


class Own(nn.Module):
    """A layer of the user's own, whose products nobody can count."""

    def __init__(self):
        self.weight = nn.Parameter(np.ones((3, 3)))

    def forward(self, x):
        return x @ self.weight


def network():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=0), nn.BatchNorm2d(4), mg.tanh, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 5, rng=1)
    )


def test_a_network_is_shown_with_all_that_it_makes():
    """One line a module: where it lies, its output, its own parameters and multiplications."""
    assert repr(nn.summary(network(), (2, 1, 8, 8))) == (
        "module            output        parameters  multiplications\n"
        "Sequential        (2, 5)\n"
        "  0: Conv2d       (2, 4, 6, 6)          40            2,592\n"
        "  1: BatchNorm2d  (2, 4, 6, 6)           8\n"
        "  3: MaxPool2d    (2, 4, 3, 3)\n"
        "  4: Flatten      (2, 36)\n"
        "  5: Linear       (2, 5)               185              360\n"
        "233 parameters, 2,952 multiplications"
    )


def test_a_notebook_has_a_table():
    """With a row for each module, names escaped."""

    class Named(nn.Module):
        def __init__(self):
            self.parts = {"<a>": nn.Linear(2, 3)}

        def forward(self, x):
            return self.parts["<a>"](x)

    text = nn.summary(Named(), (1, 2))._repr_html_()
    assert re.findall(r"<t[dh](?: style=[^>]*)?>([^<]*)<", text) == [
        *("module", "output", "parameters", "multiplications"),
        *("Named", "(1, 3)", "", ""),
        *("parts.&lt;a&gt;: Linear", "(1, 3)", "9", "6"),
    ]
    assert text.endswith("<p>9 parameters, 6 multiplications</p>")


COUNTS = {
    "linear of a stack": (nn.Linear(4, 3), [(2, 5, 4)], 2 * 5 * 4 * 3),
    "bilinear": (nn.Bilinear(4, 3, 2), [(5, 4), (5, 3)], 5 * 2 * (4 * 3 + 3)),
    "groups": (nn.Conv1d(4, 6, 3, groups=2), [(2, 4, 9)], 2 * 6 * 7 * 2 * 3),
    "transposed": (nn.ConvTranspose2d(4, 6, 3, stride=2), [(2, 4, 5, 5)], 2 * 4 * 25 * 6 * 9),
    "lstm": (nn.LSTM(3, 4), [(5, 2, 3)], 5 * 2 * (16 * 3 + 16 * 4)),
    "cell": (nn.GRUCell(3, 4), [(2, 3)], 2 * (12 * 3 + 12 * 4)),
    "activation": (nn.Tanh(), [(3, 4)], 0),
    "embedding": (nn.Embedding(5, 3), [np.zeros((2, 4), int)], 0),
    "attention": (nn.MultiheadAttention(6, 2), [(4, 2, 6), (3, 2, 6), (3, 2, 6)], 2 * 4 * 2 * 6 * 3 + 36 * (16 + 12)),
    "encoder": (
        nn.TransformerEncoderLayer(6, 2, 5, batch_first=True),
        [(2, 4, 6)],
        2 * 2 * 4 * 6 * 4 + 4 * 8 * 36 + 2 * 8 * 30,
    ),
    "called twice": (nn.Sequential(*[nn.Linear(3, 3)] * 2), [(2, 3)], 2 * 2 * 9),
}


@pytest.mark.parametrize("name", COUNTS)
def test_multiplications_are_those_counted_by_hand(name):
    module, inputs, count = COUNTS[name]
    found = nn.summary(module, *inputs)
    assert found.multiplications == count
    assert found.parameters == sum(p.size for p in module.parameters())
    assert "?" not in repr(found)


def test_what_cannot_be_counted_is_said():
    """And a module that is not called has no output."""
    model = nn.Sequential(Own())
    model.spare = nn.Linear(3, 2)
    text = repr(nn.summary(model, (4, 3))).splitlines()
    assert text[2].split() == ["0:", "Own", "(4,", "3)", "9", "?"]
    assert text[3].split() == ["spare:", "Linear", "-", "8"]
    assert text[-1] == "17 parameters, at least 0 multiplications"


def test_outputs_in_tuples_are_shown():
    rows = nn.summary(nn.LSTM(3, 4), (5, 2, 3)).rows
    assert rows[0].cells()[1] == "(5, 2, 4), (1, 2, 4), (1, 2, 4)"


@pytest.mark.parametrize("fails", [False, True])
def test_the_network_is_left_as_it_was(fails):
    """Modes, hooks, running statistics and generators; also where the call raises."""
    model = nn.Sequential(*network(), nn.Dropout(0.5, rng=0))
    model[1].eval()
    calls = []
    remove = model[5].register_forward_hook(lambda *args: calls.append(args))
    model[5].register_full_backward_hook(lambda *args: calls.append(args))
    modes, state = [m.training for m in model.modules()], model.state_dict()
    x = np.ones((2, 1, 8, 8))
    drawn = model[6].rng.bit_generator.state
    if fails:
        with pytest.raises(ValueError, match="channels"):
            nn.summary(model, (2, 3, 8, 8))
    else:
        nn.summary(model, (2, 1, 8, 8))
        assert len(calls) == 1  # hooks see this call as well
    assert [m.training for m in model.modules()] == modes
    assert "training" not in vars(model[0])
    assert model[6].rng.bit_generator.state == drawn
    for name, values in model.state_dict().items():
        np.testing.assert_array_equal(values, state[name])
    calls.clear()
    model(x).sum().backward()
    assert len(calls) == 2
    remove()
    model(x)
    assert len(calls) == 2


def test_inputs_have_the_dtype_of_the_parameters():
    seen = []
    model = nn.Linear(2, 3).astype(np.float32)
    model.register_forward_pre_hook(lambda module, args: seen.append(args[0].dtype))
    nn.summary(model, [1, 2])
    assert seen == [np.float32]


def test_a_layer_of_integers_takes_an_array_in_the_place_of_a_shape():
    """The error says which, and its advice works."""
    with pytest.raises(TypeError, match="embedding takes indices") as refused:
        nn.summary(nn.Embedding(3, 4), (5, 2))
    assert refused.value.__notes__ == [
        "summary passed zeros of float64 for the shape (5, 2). Where a module takes integers, pass an array in "
        "its place: np.zeros((5, 2), int)"
    ]
    assert nn.summary(nn.Embedding(3, 4), np.zeros((5, 2), int)).rows[0].output == (5, 2, 4)
    with pytest.raises(TypeError) as refused:
        nn.summary(nn.Embedding(3, 4), np.zeros((5, 2)))
    assert not hasattr(refused.value, "__notes__")


def test_a_summary_takes_a_shape():
    with pytest.raises(TypeError, match=r"the shape of each input after the module, such as summary\(model, \(32, 784"):
        nn.summary(nn.Tanh())


def test_a_network_in_a_notebook_is_a_table():
    """Its modules, set in by their depth, with the numbers in their own parameters; words are escaped."""

    def step(x):
        return x

    inner = nn.Sequential(nn.Linear(3, 1, rng=0))
    html = nn.Sequential(nn.Linear(2, 3, rng=0), step, inner)._repr_html_()
    found = re.findall(r'padding-left: ([\d.]+)em">(.*?)</td><td>(.*?)</td>', html)
    assert found == [
        ("0.5", "Sequential", ""),
        ("2.5", "0: Linear: weight (2, 3), bias (3,)", "9"),
        ("2.5", "1: step", ""),
        ("2.5", "2: Sequential", ""),
        ("4.5", "0: Linear: weight (3, 1), bias (1,)", "4"),
    ]
    assert html.endswith("<p>13 parameters</p>")
    assert "<lambda>" not in nn.Sequential(lambda x: x)._repr_html_()
