"""The built site loads nothing from a network. Build it first: python -m sphinx -W -n docs docs/_build/html"""

import pathlib
import re
from html.parser import HTMLParser

import pytest

SITE = pathlib.Path(__file__).parents[1] / "docs" / "_build" / "html"
FILES = sorted(file for file in SITE.rglob("*.html") if "_static" not in file.parts)  # which has templates
LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}
STYLE = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")

pytestmark = pytest.mark.skipif(not FILES, reason="the site is not built: python -m sphinx -W -n docs docs/_build/html")


class Page(HTMLParser):
    """What a page loads, where its links go, and the names of its places."""

    def __init__(self, file):
        super().__init__()
        self.loads, self.links, self.places = set(), set(), set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.places |= {given.get("id"), given.get("name")} - {None}
        if tag == "a" and given.get("href"):
            self.links.add(given["href"])
        elif given.get(LOADED.get(tag)) and given.get("rel") not in ("next", "prev", "index", "search", "canonical"):
            self.loads.add(given[LOADED[tag]])


@pytest.fixture(scope="module")
def pages():
    """All pages of the site."""
    return {file: Page(file) for file in FILES}


def is_outside(address):
    """Whether an address is of another place than the site."""
    return bool(re.match(r"([a-z]+:)?//", address))


def test_pages_load_only_what_is_beside_them(pages):
    """Scripts, styles, pictures and fonts come from the site itself, and are there."""
    for file, page in pages.items():
        assert page.loads
        for address in page.loads:
            assert not is_outside(address), f"{file} loads {address}"
            assert (file.parent / address.partition("?")[0]).is_file(), f"{file} loads {address}"


def test_styles_load_only_what_is_beside_them():
    """No style sheet takes a font or a picture from a network."""
    for file in SITE.rglob("*.css"):
        addresses = [a or b for a, b in STYLE.findall(file.read_text(encoding="utf-8"))]
        assert not list(filter(is_outside, addresses)), file


def test_links_within_the_site_lead_somewhere(pages):
    """To a file, and to a place in it if they name one."""
    for file, page in pages.items():
        for link in page.links:
            if is_outside(link) or link.startswith("mailto:"):
                continue
            name, _, place = link.partition("#")
            target = (file.parent / name).resolve() if name else file
            assert target.is_file(), f"{file} links to {link}"
            assert not place or target not in pages or place in pages[target].places, f"{file} links to {link}"


def test_formulas_need_no_script(pages):
    """No page asks for MathJax: what formulas there are, are MathML."""
    for file in pages:
        assert 'class="math notranslate' not in file.read_text(encoding="utf-8")  # what MathJax looks for
