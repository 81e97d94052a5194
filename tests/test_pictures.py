"""The pictures of the guide: small, drawn by the script beside them, and described to those who do not see them."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "_static"
PICTURES = sorted(FOLDER.glob("*.svg"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = re.compile(r"!\[([^\]]*)\]\(_static/(\w+\.svg)\)|```\{image\} _static/(\w+\.svg)\n:alt: (.*)\n")


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_small_and_needs_nothing_else(picture):
    """It has less than 60 kB, and refers to nothing outside of itself."""
    text = picture.read_text(encoding="utf-8")
    assert len(text) < 60_000
    assert not re.search(r'href="(?!#)', text)


def test_pictures_on_pages_are_there_and_have_a_description():
    """The text says what is to be seen, in at least three words."""
    found = set()
    for page in PAGES:
        for text, name, other, alt in SHOWN.findall(page.read_text(encoding="utf-8")):
            found.add(name or other)
            assert len((text or alt).split()) > 2, (page.name, name or other)
    assert found <= {picture.name for picture in PICTURES}
    assert len(found) >= 16


def test_each_picture_is_drawn_by_a_function_of_its_name():
    """Nothing in the folder is left of an earlier edition; the thumbnail of the gallery is written by hand."""
    code = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("make_pictures.py", "diagrams.py"))
    assert {picture.stem for picture in PICTURES} - {"thumbnail"} == set(
        re.findall(r"^def (\w+)\(\):", code, re.MULTILINE)
    )
