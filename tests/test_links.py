"""Links between pages lead somewhere, in the repository as on the site, and the reference misses no public name."""

import importlib
import pathlib
import re
from types import ModuleType

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
REFERENCE = ROOT / "docs" / "reference"
BLOCK = re.compile(r"^(```+).*?^\1$", re.DOTALL | re.MULTILINE)
MODULES = (
    *("minigrad", "minigrad.data", "minigrad.distributed", "minigrad.io", "minigrad.linalg", "minigrad.nn"),
    *("minigrad.nn.functional", "minigrad.nn.init", "minigrad.onnx", "minigrad.optim", "minigrad.optim.lr_scheduler"),
    *("minigrad.scipy", "minigrad.sklearn", "minigrad.testing", "minigrad.testing.strategies", "minigrad.train"),
)


def text_of(page):
    """A page without its blocks of code."""
    return BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors_of(page):
    """What the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def source_of(file):
    """What a file is made of: a page of the gallery, which only a built site has, of an example."""
    is_example = file.parent == ROOT / "docs" / "gallery"
    return ROOT / "examples" / f"{file.stem}.py" if is_example else file


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page):
    """A link without a scheme names a file that is in the repository, and a heading that this file has."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "code", text_of(page))):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        file = source_of((page.parent / name).resolve()) if name else page
        if not file.is_file() or (anchor and anchor not in anchors_of(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("file", [*PAGES, *sorted((ROOT / "minigrad").rglob("*.py"))], ids=lambda file: file.name)
def test_files_that_are_named_are_there(file):
    """A page or docstring that sends its reader to a file of the repository names one that is there."""
    named = re.findall(r"\b(?:docs|examples|minigrad|tests)/[\w/]+\.(?:md|py)\b", file.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).is_file()] == []


def public_names(module):
    """The names of a module that are for its users."""
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("minigrad")
    ]
    return {name for name in names if not isinstance(getattr(module, name), ModuleType)}


def documented_names():
    """The full names of the entries of the reference."""
    entries = set()
    for page in REFERENCE.glob("*.rst"):
        module, listing = "", False
        for line in page.read_text(encoding="utf-8").splitlines():
            directive = re.match(r"\.\. (\w+):: ?(.*)", line)
            kind, name = directive.groups() if directive else ("", "")
            if kind in ("module", "currentmodule"):
                module = name
            elif kind.startswith("auto"):
                entries.add(name if name.startswith("minigrad.") else f"{module}.{name}")
            if listing and line.startswith("   ") and ":" not in line:
                entries |= {f"{module}.{name}" for name in line.split()}
            listing = kind == "operations" or (listing and not line.strip()) or (listing and line.startswith("   "))
    return entries


@pytest.mark.parametrize("name", MODULES)
def test_the_reference_misses_no_public_name(name):
    """Each has an entry, in its module or, for `save` and `load`, in `io`."""
    module, documented = importlib.import_module(name), documented_names()
    missing = {
        public for public in public_names(module) if not {f"{name}.{public}", f"{name}.io.{public}"} & documented
    }
    assert missing == set()


def test_every_room_is_in_the_reference():
    """The public modules are those that `import minigrad` promises, and those in them."""
    minigrad = importlib.import_module("minigrad")
    assert {*(f"minigrad.{room}" for room in minigrad.LATER), "minigrad.linalg"} <= set(MODULES)
