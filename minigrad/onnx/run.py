"""One run of a module, for a graph of its own."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from ..core.context import next_depth, no_grad, run_at
from ..core.tree import is_branch
from ..errors import BatchError, ExportError
from ..nn import Module
from .graph import Graph
from .inputs import Inputs, is_array, paths
from .operators import REWRITTEN, TRANSLATIONS
from .trace import Trace, live


class Draft:
    """The graph of one run: its `outputs`, what they are usually called, and the arrays that they were.

    All arrays of the run had `nbytes` together.
    """

    def __init__(self, graph: Graph, outputs: list[str], labels: list[str], arrays: list[np.ndarray]) -> None:
        self.graph, self.outputs, self.labels, self.arrays = graph, outputs, labels, arrays
        self.nbytes = 0


def drafted(module: Callable[..., Any], inputs: Inputs, arrays: Sequence[np.ndarray]) -> Draft:
    """The graph of a run on these arrays."""
    known = names_of_state(module)
    trace, graph = Trace(next_depth(), REWRITTEN, known), Graph(known)
    values = [trace.value_of(x.copy(), None) for x in arrays]
    graph.names = {id(x): name for x, name in zip(values, inputs.names, strict=True)}
    args, kwargs = inputs.called_with([trace.made(x.data, True) for x in values])
    with evaluating(module), np.errstate(all="ignore"):  # values are those of no real example
        try:
            y = run_at(trace, no_grad()(partial(module, *args, **kwargs)), ambient=True)
        except BatchError as error:
            raise ExportError(f"what is exported keeps to the rules of vmap: {error}") from error
    graph.reshaped = trace.reshaped
    draft = translated(graph, trace, y)
    draft.nbytes = sum(x.data.nbytes for x in trace.values.values())
    return draft


def names_of_state(module: Any) -> dict[int, str]:
    """The names of parameters and buffers, by the identity of their values."""
    if not isinstance(module, Module):
        return {}
    return {id(x.value): name for name, x in [*module.named_parameters(), *module.named_buffers()]}


@contextmanager
def evaluating(module: Any) -> Generator[None]:
    """Put a module in eval mode for a block; afterwards each part is in the mode it was in."""
    parts = module.modules() if isinstance(module, Module) else []
    before = [(vars(part), vars(part).get("training")) for part in parts]
    try:
        for own, _ in before:
            own["training"] = False
        yield
    finally:
        for own, mode in before:
            own["training"] = mode
            if mode is None:
                del own["training"]


def translated(graph: Graph, trace: Trace, y: Any) -> Draft:
    """The graph of what a run has taken down, for its results."""
    found = paths("", y)
    if not found or not all(is_array(x) or isinstance(x, int | float) for _, x in found):
        kinds = ", ".join(sorted({type(x).__name__ for _, x in found})) or "nothing"
        raise ExportError(f"a module that is exported returns arrays, in tuples, lists and dicts; got {kinds}")
    kept = [trace.kept(x) for _, x in found]
    for call in live(trace.calls, kept):
        graph.translate(call, TRANSLATIONS)
    graph.origin = "the result"
    outputs = [graph("Identity", x) for x in kept]
    graph.prune(outputs)
    labels = [(f"output_{name}" if name[0].isdigit() else name) if is_branch(y) else "output" for name, _ in found]
    return Draft(graph, outputs, labels, [np.asarray(trace.data_of(x)) for _, x in found])
