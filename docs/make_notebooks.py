"""Run the notebooks of docs/notebooks from their first cell to the last, and keep what the cells show.

    python docs/make_notebooks.py           # writes the notebooks with their new outputs
    python docs/make_notebooks.py FOLDER    # writes them there instead

The notebooks are the source: write a cell there, and run this. It takes nbclient and ipykernel, of the extra `test`.
"""

import pathlib
import sys

import nbformat
from nbclient import NotebookClient

FOLDER = pathlib.Path(__file__).with_name("notebooks")
PLAIN = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def run(path, folder):
    """Write a notebook to a folder as it is after a run in a fresh kernel. Raises CellExecutionError if a cell does."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    for number, cell in enumerate(notebook.cells):
        cell["id"] = str(number)  # in place of a random one, so that only what has changed is another
        cell["metadata"] = {}
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("image/png", None)  # beside the picture as SVG
    notebook["metadata"] = PLAIN
    nbformat.write(notebook, pathlib.Path(folder) / path.name)


if __name__ == "__main__":
    for path in sorted(FOLDER.glob("*.ipynb")):
        run(path, sys.argv[1] if len(sys.argv) > 1 else FOLDER)
