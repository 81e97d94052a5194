"""The code in README.md and in docs runs, and prints what is shown below it."""

import contextlib
import io
import pathlib
import re

import pytest

from minigrad.core.primitive import REGISTRY

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
# A block of Python, and the block of text that follows at once if it shows what is printed.
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)


@pytest.fixture(autouse=True)
def own_rules():
    """The rules that a page registers are there for this page alone, but for those of rooms, which are loaded once."""
    with contextlib.suppress(ImportError):
        from minigrad.scipy import integrate, interpolate, linalg, optimize, signal, sparse, special, stats  # noqa: F401
    import minigrad.onnx  # noqa: F401, which loads networks

    rules = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(rules)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_of_a_page_runs(page, monkeypatch, tmp_path):
    """The blocks of a page run one after the other, as a reader would run them."""
    monkeypatch.chdir(tmp_path)
    text, names = page.read_text(encoding="utf-8"), {"__name__": page.stem}
    for block in BLOCK.finditer(text):
        if 'backend="native"' in block[1]:
            pytest.importorskip("llvmlite", reason="the rest of the page takes LLVM")
            pytest.importorskip("scipy", reason="the rest of the page takes the BLAS that SciPy brings")
        for library in re.findall(r"^(?:import|from) (onnxruntime|pandas|scipy)", block[1], re.MULTILINE):
            pytest.importorskip(library, reason=f"the rest of the page takes {library}")
        line = text[: block.start()].count("\n") + 1
        code = "\n" * line + block[1]  # so that a traceback has the page's line numbers
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page, "exec"), names)
        if block[2] is not None:
            assert printed.getvalue().strip() == block[2].strip(), f"{page}:{line}"
