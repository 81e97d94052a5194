"""The role of `words in single backticks` in docstrings: code, and a link where the reference has an entry for it."""

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.util.docutils import SphinxRole
from sphinx.util.nodes import make_refnode


class Name(SphinxRole):
    """Takes note of the class and the module that the docstring belongs to, where the name is looked for first."""

    def run(self):
        context = self.env.ref_context
        node = pending_xref("", nodes.literal(self.rawtext, self.text, classes=["xref", "py"]))
        node["refdomain"], node["reftype"], node["reftarget"] = "", "name", self.text
        node["scopes"] = [context.get("py:class"), context.get("py:module")]
        return [node], []


def resolve(app, env, node, shown):
    """The link of a name; or the code alone, as most words are those of parameters."""
    if node["reftype"] != "name":
        return None
    entry = find(env.domains.python_domain, node["reftarget"], *node["scopes"])
    return make_refnode(app.builder, node["refdoc"], *entry, shown) if entry else shown


def find(domain, text, owner, module):
    """The page and the place of a name's entry.

    A word is looked for near its docstring only. Classes, calls and dotted names are looked for in all modules as well,
    and found if there is but one.
    """
    entries = {
        name: (page, place)
        for name, _, kind, page, place, priority in domain.get_objects()
        if kind != "module" and priority >= 0  # below are second names
    }
    name = text.removesuffix("()")
    if name.startswith("mg."):
        name = name.replace("mg", "minigrad", 1)
    near = [f"{module}.{owner}.{name}", f"{module}.{name}", name]
    if found := next(filter(entries.get, near), None):
        return entries[found]
    last = name.removeprefix("minigrad.")
    elsewhere = (
        [known for known in entries if known.endswith(f".{last}")] if name != text or text != text.lower() else []
    )
    return entries[elsewhere[0]] if len(elsewhere) == 1 else None


def setup(app):
    app.add_role("name", Name())
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
