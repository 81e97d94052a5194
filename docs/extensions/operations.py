"""The directive `operations`: an entry of the reference for each line, the names of one operation.

What NumPy defines is not documented again: an entry has NumPy's name, and the signature as far as there are rules.
"""

import importlib
import inspect

import numpy as np
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from minigrad.core.primitive import REGISTRY

KINDS = {
    "elementwise": "Elementwise.",
    "linear": "Linear.",
    "multilinear": "Multilinear.",
    "general": "A rule for each mode.",
    "composed": "Made of functions with rules.",
    "constant": "Without a derivative.",
}
REFUSED = {"out", "subok", "casting", "signature", "axes", "device", "like"}  # what no call on a Tensor takes


class Default:
    """How a default looks in a signature: types by their names, and what the function finds out by itself as dots."""

    def __init__(self, value):
        self.text = "..." if repr(value) == "<no value>" else getattr(value, "__name__", repr(value))

    def __repr__(self):
        return self.text


def signature(function, primitive):
    """The parameters of a NumPy function that it has as an operation."""
    parameters = []
    for p in inspect.signature(function).parameters.values():
        if p.kind is p.VAR_KEYWORD or p.name in REFUSED:
            continue
        if isinstance(function, np.ufunc) and p.kind is not p.POSITIONAL_ONLY:
            continue
        if p.default is not p.empty and primitive and primitive.rules and not primitive.accepts(p.name):
            continue
        parameters.append(p if p.default is p.empty else p.replace(default=Default(p.default)))
    return inspect.Signature(parameters)


def entry(owner, prefix, names):
    """The lines of reStructuredText for the names of one operation, a function of a module or a method of a class."""
    call = getattr(owner, names[0])
    function = getattr(call, "__wrapped__", call)
    theirs = next((key for key, primitive in REGISTRY.items() if primitive.function is function), function)
    if not public_name(theirs).startswith("numpy") or (not prefix and function.__doc__ != theirs.__doc__):
        return [f".. autofunction:: {name}" for name in names]
    primitive = REGISTRY.get(theirs)
    parameters = signature(function, primitive)
    if prefix:  # the array is what the method belongs to
        parameters = parameters.replace(parameters=list(parameters.parameters.values())[1:])
    about = KINDS[primitive.kind] if primitive else ""
    directive = ".. py:method:: " if prefix else ".. py:function:: "
    head = f"\n{' ' * len(directive)}".join(f"{prefix}{name}{parameters}" for name in names)
    return [*f"{directive}{head}".splitlines(), "", f"   As ``{public_name(theirs)}``. {about}"]


def public_name(function):
    """Where a function is, ufuncs being in NumPy."""
    return f"{getattr(function, '__module__', None) or 'numpy'}.{function.__name__}"


class Operations(SphinxDirective):
    """One line of names for each operation, of the current module or of a class in it."""

    has_content = True
    option_spec = {"method-of": directives.unchanged_required}  # noqa: RUF012

    def run(self):
        owner, prefix = importlib.import_module(self.env.ref_context["py:module"]), ""
        if "method-of" in self.options:
            owner, prefix = getattr(owner, self.options["method-of"]), self.options["method-of"] + "."
        lines = []
        for names in filter(None, map(str.split, self.content)):
            lines += [*entry(owner, prefix, names), ""]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app):
    app.add_directive("operations", Operations)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
