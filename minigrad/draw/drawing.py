"""A drawing of a graph: text, Graphviz's language DOT, and SVG."""

import shutil
import subprocess
from collections.abc import Sequence
from html import escape
from typing import Any

from ..core.door import Watched
from ..core.tape import Reverse
from .labels import named_arrays, pairs
from .leaves import Says, Vertex
from .vertices import vertices_of

WIDEST = 64  # so wide is the column of calls at most

FREED = "A backward pass has freed this graph. Draw it before, or pass retain_graph=True to backward()."

# Fill and border of each kind of vertex; the background is left to the page.
COLOURS = {
    "parameter": ("#dbe7fb", "#4472b8"),
    "leaf": ("#dcf0e0", "#43895a"),
    "constant": ("#f1f1ee", "#a3a39b"),
    "operation": ("#ffffff", "#6b6f76"),
    "freed": ("#fbe9e7", "#b5574a"),
    "omitted": ("#fdf6e0", "#b39a48"),
}
STYLES = {"parameter": "filled", "leaf": "filled", "constant": "filled,dashed", "omitted": "filled,rounded,dashed"}
HEADER = """digraph graph_of_a_tensor {
  graph [bgcolor="transparent", ranksep=0.3, nodesep=0.25]
  node [shape=box, height=0.3, margin="0.08,0.03"]
  node [fontname="Helvetica,Arial,sans-serif", fontsize=11, fontcolor="#1f2328"]
  edge [color="#8a8f98", arrowsize=0.6]
"""


def drawing_of(root: Any, names: Any, values: bool, gradients: bool, fold: bool, limit: int) -> "Drawing":
    """The drawing of a tensor's graph; see `draw`."""
    if not (isinstance(root, Watched) and isinstance(root.level, Reverse)):
        raise TypeError(
            f"draw takes a Tensor, whose graph was recorded; got {type(root).__name__}. Compute the array from "
            f"Tensors that require grad, outside of mg.jvp and no_grad()"
        )
    if limit < 1:
        raise ValueError(f"limit is how many operations are shown, at least 1; got {limit}")
    kept = list(pairs(names))  # while the arrays are known by their ids
    return Drawing(vertices_of(root, Says(named_arrays(kept), values, gradients), fold, limit))


class Drawing:
    """The picture of a graph, made of text alone. `str` and `print` show it line by line, Jupyter as SVG."""

    def __init__(self, vertices: Sequence[Vertex]) -> None:
        self.vertices = vertices

    def __repr__(self) -> str:
        lefts = self.left_column()
        text_width = min(WIDEST, max(len(left) for left, v in zip(lefts, self.vertices, strict=True) if v.shape))
        shape_width = max(len(v.shape) for v in self.vertices)
        lines = [
            "  ".join([f"{left:{text_width}}", f"{v.shape:{shape_width}}", v.dtype, *v.details]).rstrip()
            for left, v in zip(lefts, self.vertices, strict=True)
        ]
        if any(v.kind == "freed" for v in self.vertices):
            lines.append(FREED)
        return "\n".join(lines)

    def left_column(self) -> list[str]:
        """What each vertex is: the names in a column, and how they were made in another."""
        width = max(len(v.name) for v in self.vertices)
        gap = "   " if any(v.computed for v in self.vertices) else "  "
        return [
            v.text if v.kind == "omitted" else f"{v.name:{width}}{' = ' if v.computed else gap}{v.text}"
            for v in self.vertices
        ]

    def dot(self) -> str:
        """The graph in DOT, the language of Graphviz: what was computed last is at the bottom."""
        edges = [f'  "{key}" -> "{v.key}"{straight(key)}\n' for v in self.vertices for key in v.inputs]
        return "".join([HEADER, *(box(v, v is self.vertices[-1]) for v in self.vertices), *edges, "}\n"])

    def svg(self) -> str:
        """The picture, drawn by the program `dot` of Graphviz.

        Raises
        ------
        FileNotFoundError
            If there is no such program.
        RuntimeError
            If it fails.
        """
        program = shutil.which("dot")
        if program is None:
            raise FileNotFoundError(
                "svg() needs Graphviz, and its program `dot` is not on the PATH. Install it, as with `apt install "
                "graphviz`, `brew install graphviz` or `conda install graphviz`; or print() the drawing, or take dot()"
            )
        run = subprocess.run([program, "-Tsvg"], input=self.dot(), capture_output=True, encoding="utf-8", check=False)
        if run.returncode:
            raise RuntimeError(f"Graphviz, {program}, failed with status {run.returncode}: {run.stderr.strip()}")
        return run.stdout

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        """What Jupyter shows: the picture if there is a Graphviz, and the text where pictures cannot be shown."""
        picture = {"image/svg+xml": self.svg()} if shutil.which("dot") else {}
        return {"text/plain": repr(self), **picture}


def straight(key: str) -> str:
    """What makes an edge straight where it can be: one from a result, rather than from a leaf."""
    return "" if key.startswith("input") else " [weight=8]"


def box(v: Vertex, result: bool) -> str:
    """A vertex in DOT."""
    fill, border = COLOURS[v.kind]
    style, width = STYLES.get(v.kind, "filled,rounded"), ", penwidth=2" if result else ""
    return f'  "{v.key}" [label=<{label_of(v)}>, style="{style}", fillcolor="{fill}", color="{border}"{width}]\n'


def label_of(v: Vertex) -> str:
    """The label of a vertex in DOT's dialect of HTML: what it is, and below, smaller, its form and values."""
    if v.kind == "omitted":
        return f"<i>{escape(v.title)}</i>"
    rows = [f"<b>{escape(v.title)}</b>{escape(v.label)}"]
    rows += [f'<font point-size="9" color="#5b616a">{escape(t)}</font>' for t in (f"{v.shape} {v.dtype}", *v.details)]
    table = '<table border="0" cellborder="0" cellspacing="0" cellpadding="1">'
    return table + "".join(f"<tr><td>{row}</td></tr>" for row in rows) + "</table>"
