"""The role of `words in single backticks` in docstrings: code, and a link where the reference has an entry for it."""

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.util.docutils import SphinxRole


class Name(SphinxRole):
    """Looks for the name in the class and the module that the docstring belongs to."""

    def run(self):
        shown = nodes.literal(self.rawtext, self.text, classes=["xref", "py"])
        node = pending_xref("", shown, refdomain="py", reftype="obj", reftarget=self.text.removesuffix("()"), name=True)
        node["refdoc"], node["refexplicit"] = self.env.docname, False
        node["py:module"], node["py:class"] = (self.env.ref_context.get(f"py:{part}") for part in ("module", "class"))
        return [node], []


def keep_code(app, env, node, shown):
    """A name without an entry is code: that of a parameter, or a word of Python's."""
    return shown if node.get("name") is True else None


def setup(app):
    app.add_role("name", Name())
    app.connect("missing-reference", keep_code)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
