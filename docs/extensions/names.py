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


def find_elsewhere(app, env, node, shown):
    """What a name means that has no entry near the docstring: that in another module, if there is but one, or code.

    Only a class, a call or a name with dots is looked for elsewhere: other words are those of parameters.
    """
    if node.get("name") is not True:
        return None
    target, domain = node["reftarget"].removeprefix("mg."), env.domains.python_domain
    if shown.astext() != target or target != target.lower():
        found = [
            name for name, _, kind, *_ in domain.get_objects() if f".{name}".endswith(f".{target}") and kind != "module"
        ]
        if len(found) == 1:
            return domain.resolve_any_xref(env, node["refdoc"], app.builder, found[0], node, shown)[0][1]
    return shown


def setup(app):
    app.add_role("name", Name())
    app.connect("missing-reference", find_elsewhere)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
