"""Formulas as MathML, written by Docutils when the site is built: browsers draw it without a script or a network."""

import html
import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

logger = logging.getLogger(__name__)
HALF = re.compile(r"\\frac\s*(\d)\s*(\d)")


def mathml(node, as_block=False):
    """The markup of a formula; one that Docutils cannot read is a warning."""
    # Docutils 0.22 reads \frac12 as twelve over what comes next, where TeX reads a half.
    formula = HALF.sub(r"\\frac{\1}{\2}", node.astext())
    try:
        return tex2mathml(formula, as_block)
    except MathError as error:
        logger.warning("%s In the formula %s", error, formula, location=node)
        return html.escape(formula)


def visit_inline(translator, node):
    translator.body.append(mathml(node))
    raise nodes.SkipNode


def visit_block(translator, node):
    translator.body.append(f'<div class="math">{mathml(node, as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
