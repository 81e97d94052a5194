"""What a notebook shows of a Tensor."""

import re

import numpy as np
import pytest

import minigrad as mg


def cells(html):
    """The texts of a table, row by row."""
    return [re.findall("<t[dh][^>]*>(.*?)</t[dh]>", row) for row in re.findall("<tr>(.*?)</tr>", html)]


@pytest.mark.parametrize(
    ("values", "want", "last"),
    [
        ([1.5, -2.0], [["1.5", "-2."]], "Tensor (2,), float64"),
        ([[1.0, np.nan], [np.inf, 1e-20]], [["1.e+00", "nan"], ["inf", "1.e-20"]], "Tensor (2, 2), float64"),
        (np.array([[True], [False]]), [["True"], ["False"]], "Tensor (2, 1), bool"),
        (np.float32([[3.0]]), [["3."]], "Tensor (1, 1), float32"),
    ],
)
def test_a_small_array_is_a_table(values, want, last):
    html = mg.tensor(values)._repr_html_()
    assert cells(html) == want
    assert html.endswith(f"<p>{last}</p>")


@pytest.mark.parametrize("shape", [(), (0, 2), (2, 2, 2), (21, 2), (2, 13), (13,), (2000,)])
def test_others_are_text(shape):
    """As they are printed, and of large arrays the ends."""
    html = mg.tensor(np.zeros(shape))._repr_html_()
    assert html.startswith("<pre>")
    assert len(html) < 1500
    assert f"Tensor {shape}, float64" in html


def test_what_made_a_tensor_stands_below():
    """Its text is escaped, and there is no script."""
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    assert x._repr_html_().endswith("<p>Tensor (2,), float64, requires grad</p>")
    y = mg.primitive(lambda g, y, x: g)(lambda x: x + 1.0)(x)
    assert y._repr_html_().endswith("<p>Tensor (2,), float64, made by &lt;lambda&gt;</p>")
    assert "<script" not in y._repr_html_()
