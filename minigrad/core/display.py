"""What objects look like in a notebook: tables of HTML, without scripts, in the colours of the page."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

MOST = (20, 12)  # rows and columns that are shown as a table


def html_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], last: str = "") -> str:
    """A table. The first cell of a row may be a pair of a depth and a text: it is set in, on the left."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    top = f"<thead><tr>{head}</tr></thead>" if headings else ""
    return f"<table>{top}<tbody>{body}</tbody></table>" + (f"<p>{escape(last)}</p>" if last else "")


def cell(x: Any) -> str:
    """A cell of a table: of a text, or of a depth and a text."""
    if isinstance(x, tuple):
        depth, text = x
        return f'<td style="text-align: left; padding-left: {2 * depth + 0.5}em">{escape(text)}</td>'
    return f"<td>{escape(x)}</td>"


def array_html(x: np.ndarray, last: str) -> str:
    """The numbers of a small array in a table, of any other as they are printed."""
    if x.ndim not in (1, 2) or not x.size or np.any(np.greater(np.atleast_2d(x).shape, MOST)):
        return f"<pre>{escape(np.array2string(x, separator=', '))}</pre><p>{escape(last)}</p>"
    printed = np.array2string(x, separator=" ", threshold=x.size + 1)
    texts = np.reshape(printed.replace("[", " ").replace("]", " ").split(), np.atleast_2d(x).shape)
    return html_table((), texts.tolist(), last)
