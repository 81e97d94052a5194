"""Writes operations.md, the table of all that has a derivative, from the registry: python docs/make_operations.py"""

import pathlib
import sys
from collections import defaultdict

import numpy as np

import minigrad  # fills the registry
from minigrad.core.primitive import KINDS, REGISTRY

FILE = pathlib.Path(__file__).with_name("operations.md")

HEAD = """# Operations

What has a derivative, by the kind of its rule. Functions of NumPy work on Tensors under their own names, which stand
here with `np.`, and those that NumPy lacks with `mg.`; most have an Array API name in `mg` as well. Names without
either are steps inside of others. Any other NumPy function works on constants, and raises where a derivative would
be lost.
[Operations of your own](extending.md) says what the kinds mean.

This page is made from the registry by `docs/make_operations.py`.
"""

ABOUT = {
    "elementwise": "One rule serves reverse and forward mode; arguments broadcast.",
    "linear": "The rule is the transpose.",
    "multilinear": "Linear in each argument; one transpose for each.",
    "general": "A rule for each mode.",
    "composed": "Made of functions with rules.",
    "constant": "The result is not connected to the graph: it has no derivative.",
}
BATCHES = """## Mapped

[`mg.vmap`](mapping.md) maps all of these at once: elementwise ones by their kind, composed ones through what they are
made of, and others as they declare. Those whose results have lengths that depend on values are refused. Called for one
entry after the other are:

"""
OF_ARRAYS = {"__getitem__": "x[i]", "__setitem__": "x[i] = v"}  # methods of arrays that are not called by their names


def name_of(key):
    """How to call what is registered under a key."""
    function, *method = key if isinstance(key, tuple) else (key,)
    if getattr(function, "__objclass__", None) is np.ndarray:
        return OF_ARRAYS.get(function.__name__, f"x.{function.__name__}")
    module = getattr(function, "__module__", None) or "numpy"
    name = ".".join([function.__name__, *method])
    if module.startswith("numpy"):
        return ("np.linalg." if module.startswith("numpy.linalg") else "np.") + name
    return f"mg.{name}" if name in vars(minigrad) else name  # hasattr would load minigrad.nn, and its rules


def table():
    """The page."""
    names = defaultdict(set)
    for key, primitive in REGISTRY.items():
        names[primitive.kind].add(name_of(key))
    parts = [HEAD]
    for kind in KINDS:
        listed = ", ".join(f"`{name}`" for name in sorted(names[kind], key=str.lower))
        parts.append(f"## {kind.capitalize()}\n\n{ABOUT[kind]}\n\n{listed}\n")
    parts.append(BATCHES + ", ".join(f"`{name}`" for name in sorted(one_by_one(), key=str.lower)) + "\n")
    return "\n".join(parts)


def one_by_one():
    """The operations that do not say how they take one axis more."""
    undeclared = [key for key, p in REGISTRY.items() if p.batch is None and p.kind not in ("elementwise", "composed")]
    return {name_of(key) for key in undeclared}


if __name__ == "__main__":
    FILE.write_text(table())
    sys.stdout.write(f"{len(REGISTRY)} entries, minigrad {minigrad.__version__}\n")
