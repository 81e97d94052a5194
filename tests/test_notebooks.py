"""The notebooks of the guide run from their first cell to the last, and show what they are committed with."""

import pathlib
import re
import subprocess
import sys

import nbformat
import pytest

DOCS = pathlib.Path(__file__).parents[1] / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
PICTURE = "image/svg+xml"  # is another one with each version of Matplotlib


def shown(path):
    """What the cells of a notebook show: texts, tables, and that there are pictures."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    return [
        output["text"] if "text" in output else {k: "" if k == PICTURE else x for k, x in output["data"].items()}
        for output in outputs
    ]


@pytest.mark.slow
def test_notebooks_show_what_they_show(tmp_path):
    """In a fresh kernel. Of losses, only short numbers are compared, as the last digits differ between machines."""
    program = [sys.executable, DOCS / "make_notebooks.py", tmp_path]
    subprocess.run(program, check=True, capture_output=True, timeout=300)
    for path in NOTEBOOKS:
        found, wanted = (re.sub(r"\d+\.\d{4,}", "...", str(shown(p))) for p in (tmp_path / path.name, path))
        assert found == wanted


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_shows_no_error(path):
    """Each code cell was run in order, no output is an error or a warning, and figures appear once."""
    nbformat.validate(notebook := nbformat.read(path, as_version=4))
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert {output.get("name", "") for cell in cells for output in cell.outputs} <= {"", "stdout"}
    pictures = [x[PICTURE] for x in shown(path) if PICTURE in x]
    assert len(pictures) == sum("plot()" in cell.source for cell in cells)
    assert path.stat().st_size < 150_000
