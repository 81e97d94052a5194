r"""Formulas as MathML, written by Docutils when the site is built: browsers draw it without a script or a network.

A displayed formula is cut at each ``\qquad`` outside of braces, so that its parts stand below each other on a phone.
"""

import html
import re
import xml.etree.ElementTree as ElementTree

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

logger = logging.getLogger(__name__)
HALF = re.compile(r"\\frac\s*(\d)\s*(\d)")
TOKENS = re.compile(r"(\\qquad(?![a-zA-Z])|\\begin|\\end|\\.|[{}])", re.DOTALL)
BRACE = "\N{BOTTOM CURLY BRACKET}"


def mathml(formula, node, as_block=False):
    """The markup of a formula; one that Docutils cannot read is a warning."""
    # Docutils 0.22 reads \frac12 as twelve over what comes next, where TeX reads a half.
    formula = HALF.sub(r"\\frac{\1}{\2}", formula)
    try:
        return with_braces(tex2mathml(formula, as_block))
    except MathError as error:
        logger.warning("%s In the formula %s", error, formula, location=node)
        return html.escape(formula)


def with_braces(markup):
    """The same markup with labels below their braces.

    Docutils 0.22 puts the label at the lower right of a brace, and a brace is wide only in fonts made for mathematics;
    so the style sheet draws it, as the border of a row.
    """
    if BRACE not in markup:
        return markup
    ElementTree.register_namespace("", "http://www.w3.org/1998/Math/MathML")
    root = ElementTree.fromstring(markup)
    name = "{http://www.w3.org/1998/Math/MathML}"
    for labelled in root.iter(f"{name}msub"):
        braced, _ = labelled
        if braced.tag == f"{name}munder" and braced[1].text == BRACE:
            labelled.tag = f"{name}munder"
            braced.tag = f"{name}mrow"
            braced.set("class", "underbrace")
            braced.remove(braced[1])
    return ElementTree.tostring(root, encoding="unicode")


def parts(formula):
    r"""The pieces of a formula between those ``\qquad`` that are in no braces and no environment."""
    found, depth = [""], 0
    for token in TOKENS.split(formula):
        depth += (token in ("{", r"\begin")) - (token in ("}", r"\end"))
        if token == r"\qquad" and depth == 0:
            found.append("")
        else:
            found[-1] += token
    return [part for part in map(str.strip, found) if part]


def visit_inline(translator, node):
    translator.body.append(mathml(node.astext(), node))
    raise nodes.SkipNode


def visit_block(translator, node):
    drawn = "".join(mathml(part, node, as_block=True) for part in parts(node.astext()))
    translator.body.append(f'<div class="math" tabindex="0">{drawn}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
