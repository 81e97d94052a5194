"""The built site in a real browser. Build it first: python -m sphinx -W -n docs docs/_build/html"""

import functools
import http.server
import itertools
import threading

import pytest

from . import browser as chromium
from .test_site import FILES, SITE

PAGES = [str(file.relative_to(SITE)) for file in FILES if file.name not in ("search.html", "genindex.html")]
PICTURES = SITE.parent / "screenshots"  # to be looked at
# The boxes of formulas that leave their column, or are not in its middle.
MISPLACED = """
[...document.querySelectorAll("article div.math")].filter(column => {
    const boxes = [...column.children].map(formula => formula.getBoundingClientRect());
    const left = Math.min(...boxes.map(box => box.left)), right = Math.max(...boxes.map(box => box.right));
    const {left: start, right: end} = column.getBoundingClientRect();
    return left < start - 1 || right > end + 1 || Math.abs(left + right - start - end) > 4;
}).map(column => column.textContent)
"""
# Labels that are not below the middle of their brace.
UNLABELLED = """
[...document.querySelectorAll(".underbrace")].filter(braced => {
    const above = braced.getBoundingClientRect(), below = braced.nextElementSibling.getBoundingClientRect();
    return below.top < above.bottom - 2 || Math.abs(above.left + above.right - below.left - below.right) > 4;
}).map(braced => braced.parentElement.textContent)
"""
BRIGHTNESS = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((a, b) => +a + +b) / 3"
RESULTS = "[...document.querySelectorAll('#search-results li a')].map(link => link.getAttribute('href'))"
SEARCHED = (
    "/finished|found|did not match/i.test(document.querySelector('#search-results .search-summary')?.textContent ?? '')"
)

pytestmark = [
    pytest.mark.skipif(not FILES, reason="the site is not built: python -m sphinx -W -n docs docs/_build/html"),
    pytest.mark.skipif(not chromium.installed(), reason="no browser is installed: apt-get install chromium"),
]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, and says nothing of it."""

    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="module")
def site():
    """The address of the site, served as a web server would."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser():
    """One browser for all tests."""
    with chromium.Browser(chromium.installed()) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_pages_look_right(browser, site, width, dark):
    """On phones and on desks, in light and in dark: nothing is missing, too wide, or out of its column."""
    browser.show(width, dark=dark)
    folder = PICTURES / f"{width}-{'dark' if dark else 'light'}"
    folder.mkdir(parents=True, exist_ok=True)
    for page in PAGES:
        assert browser.open(f"{site}/{page}") == [], page
        assert browser.evaluate("document.documentElement.scrollWidth") <= width, f"{page} is wider than {width} px"
        assert browser.evaluate(MISPLACED) == [], page
        assert browser.evaluate(UNLABELLED) == [], page
        assert (browser.evaluate(BRIGHTNESS) < 128) is dark, page
        browser.screenshot(folder / f"{page.removesuffix('.html').replace('/', '-')}.png")


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("quickstart", "quickstart"),
        ("pandas", "pandas"),
        ("summary", "networks"),
        ("ONNX", "coming_from"),
        ("eigenvalue", "coming_from"),
        ("confusion matrix", "pandas"),
        ("notebook", "notebooks"),
        ("MPI", "distributed"),
        ("GraphError", "common_errors"),
    ],
)
def test_search_finds(browser, site, words, page):
    """What a reader would look for is found, on the page that is about it."""
    browser.show(1400)
    assert browser.open(f"{site}/search.html?q={words.replace(' ', '+')}") == []
    browser.wait(lambda: browser.evaluate(SEARCHED))
    found = browser.evaluate(RESULTS)
    assert any(link.startswith(f"{page}.html") for link in found), f"{words}: {found}"


def test_the_guide_has_one_order(browser, site):
    """The page of the guide, the sidebar and the links to the next page name the same pages in the same order."""
    browser.show(1400)
    browser.open(f"{site}/guide.html")
    listed = browser.evaluate("[...document.querySelectorAll('article dt a')].map(a => a.getAttribute('href'))")
    side = browser.evaluate("[...document.querySelectorAll('.bd-links a')].map(a => a.getAttribute('href'))")
    assert listed == side
    for page, following in itertools.pairwise(listed):
        browser.open(f"{site}/{page}")
        assert browser.evaluate("document.querySelector('a.right-next').getAttribute('href')") == following
        assert browser.evaluate("document.querySelectorAll('.bd-links a').length") == len(listed)


def test_code_has_a_button_that_copies(browser, site):
    """Blocks of Python have one, and what they print has none."""
    browser.open(f"{site}/quickstart.html")
    assert browser.evaluate("document.querySelectorAll('.highlight-python button.copybtn').length") > 5
    assert browser.evaluate("document.querySelectorAll('.highlight-text button.copybtn').length") == 0
