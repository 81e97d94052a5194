"""The parts of a network, each with its output shape, its parameters and its multiplications."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..core.context import no_grad
from ..core.display import html_table
from ..core.door import unwrap
from ..core.tree import is_branch
from .attention import MultiheadAttention
from .convolution import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .embedding import Embedding
from .hooks import Hooks
from .linear import Bilinear, Linear
from .module import Module, own_parts
from .parameter import Parameter
from .recurrent import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell

CONVOLUTIONS = (Conv1d, Conv2d, Conv3d)
TRANSPOSED = (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
RECURRENT = (RNN, GRU, LSTM, RNNCell, GRUCell, LSTMCell)
SWITCHED = ("training", "_hooks")
HEADINGS = ("module", "output", "parameters", "multiplications")


class SummaryRow(NamedTuple):
    """A module: how deep it lies, its name and kind, the shapes of its first output, and numbers of its own.

    `multiplications` are those of all its calls, or None where they are not known.
    """

    depth: int
    name: str
    kind: str
    output: Any
    parameters: int
    multiplications: int | None

    def cells(self) -> tuple[str, ...]:
        label = f"{self.name}: {self.kind}" if self.name else self.kind
        return label, printed_shapes(self.output), number(self.parameters), number(self.multiplications)


class Summary:
    """The rows of a `summary`; printed, a table, and in a notebook one of HTML.

    Attributes
    ----------
    rows : list of Row
        One for each module.
    parameters, multiplications : int
        The sums over all; a parameter that two modules have counts once. Multiplications that are not known are left
        out.
    """

    def __init__(self, rows: list[SummaryRow]) -> None:
        self.rows = rows
        self.parameters = sum(row.parameters for row in rows)
        self.multiplications = sum(row.multiplications or 0 for row in rows)

    def total(self) -> str:
        """The last line."""
        least = "at least " if any(row.multiplications is None for row in self.rows) else ""
        return f"{self.parameters:,} parameters, {least}{self.multiplications:,} multiplications"

    def __repr__(self) -> str:
        cells = [("  " * row.depth + row.cells()[0], *row.cells()[1:]) for row in self.rows]
        widths = [max(map(len, column)) for column in zip(HEADINGS, *cells, strict=True)]
        lines = [
            "  ".join((a.ljust(widths[0]), b.ljust(widths[1]), c.rjust(widths[2]), d.rjust(widths[3]))).rstrip()
            for a, b, c, d in (HEADINGS, *cells)
        ]
        return "\n".join([*lines, self.total()])

    def _repr_html_(self) -> str:
        rows = [((row.depth, row.cells()[0]), *row.cells()[1:]) for row in self.rows]
        return html_table(HEADINGS, rows, self.total())


def summary(module: Module, *inputs: Any) -> Summary:
    """The parts of a network: their parameters, and their outputs for inputs of given shapes.

    The network is called once, in evaluation, and is left as it was.

    Parameters
    ----------
    module : Module
    *inputs : tuple of int, or array
        The shapes of the arguments, for which arrays of zeros are passed in the dtype of the parameters; or an
        argument itself, such as an array of labels for an Embedding.

    Returns
    -------
    Summary
        A row for each module: its output, the parameters that it has itself, and the multiplications in its products
        of matrices and its convolutions, in one pass forward. A module of your own with a parameter of two axes has
        "?", as what it does with it is unknown.

    Examples
    --------
    >>> nn.summary(model, (32, 1, 28, 28))
    """
    if not inputs:
        raise TypeError("summary takes the shape of each input after the module, such as summary(model, (32, 784))")
    dtype = next((p.dtype for p in module.parameters()), np.dtype(float))
    arrays = [np.zeros(x, dtype) if is_shape(x) else x for x in inputs]
    calls: dict[int, list[tuple[Any, Any]]] = {}
    with listening(module, calls), no_grad():
        try:
            module(*arrays)
        except TypeError as error:
            for shape in filter(is_shape, inputs):
                error.add_note(
                    f"summary passed zeros of {dtype} for the shape {tuple(shape)}. Where a module takes integers, "
                    f"pass an array in its place: np.zeros({tuple(shape)}, int)"
                )
            raise
    return Summary([*summary_rows(module, calls)])


def is_shape(x: Any) -> bool:
    """Whether it is a tuple or list of integers."""
    return isinstance(x, tuple | list) and all(isinstance(n, int | np.integer) for n in x)


@contextmanager
def listening(root: Module, calls: dict[int, list[tuple[Any, Any]]]) -> Iterator[None]:
    """Write down the shapes of what goes into each module and comes out, in evaluation; all is put back."""
    modules = root.modules()
    before = [(vars(part), {k: vars(part)[k] for k in SWITCHED if k in vars(part)}) for part in modules]
    try:
        for module in modules:
            hooks = Hooks()
            if module._hooks is not None:
                hooks.before, hooks.after = module._hooks.before, module._hooks.after
            vars(module)["_hooks"] = hooks
            vars(module)["training"] = False
            hooks.add("after", lambda m, args, y: calls.setdefault(id(m), []).append((shapes_in(args), shapes_in(y))))
        yield
    finally:
        for attributes, former in before:
            for name in SWITCHED:
                attributes.pop(name, None)
            attributes.update(former)


def shapes_in(x: Any) -> Any:
    """The shapes of arrays in nested tuples, lists and dicts; those of nothing else."""
    if is_branch(x):
        return [shapes_in(part) for part in (x.values() if hasattr(x, "values") else x)]
    return np.shape(unwrap(x)) if hasattr(x, "shape") else None


def summary_rows(root: Module, calls: dict[int, list[tuple[Any, Any]]]) -> Iterator[SummaryRow]:
    """A row for each module, in order; those that were not called have no output."""
    counted: set[int] = set()
    above: list[str] = []
    for name, module in root.named_modules():
        while above and not name.startswith(above[-1]):
            above.pop()
        label = name[len(above[-1]) :] if above else ""
        own = [p for _, p in own_parts(module) if isinstance(p, Parameter) and id(p) not in counted]
        counted.update(map(id, own))
        made = calls.get(id(module), [])
        count = multiplications(module, made)
        output, size = made[0][1] if made else None, sum(p.size for p in own)
        yield SummaryRow(len(above), label, type(module).__name__, output, size, count)
        above.append(f"{name}." if name else "")


def multiplications(module: Module, made: Sequence[tuple[Any, Any]]) -> int | None:
    """How many there are in all calls of a module, without those in modules below; None if it is not known."""
    if not made:
        return 0
    for kinds, count in COUNTS:
        if isinstance(module, kinds):
            return sum(count(module, entered, left) for entered, left in made)
    return None if any(isinstance(p, Parameter) and p.ndim > 1 for _, p in own_parts(module)) else 0


def of_convolution(module: Any, entered: Any, left: Any) -> int:
    return math.prod(left) * math.prod(module.weight.shape[1:])


def of_transposed(module: Any, entered: Any, left: Any) -> int:
    return math.prod(entered[0]) * math.prod(module.weight.shape[1:])


def of_steps(module: Any, entered: Any, left: Any) -> int:
    return math.prod(entered[0][:-1]) * sum(p.size for p in module.parameters() if p.ndim == 2)


def of_attention(module: Any, entered: Any, left: Any) -> int:
    # Scores and their products with values; the linear maps are modules below.
    axis = 1 if module.batch_first else 0
    query, key = entered[0], entered[min(1, len(entered) - 1)]
    keys = query[axis] if key is None else key[axis]
    return 2 * math.prod(query) * keys


COUNTS: list[tuple[Any, Any]] = [
    (Linear, lambda m, entered, left: math.prod(left) * m.weight.shape[0]),
    (Bilinear, lambda m, entered, left: math.prod(left) * (m.weight.shape[0] + 1) * m.weight.shape[1]),
    (CONVOLUTIONS, of_convolution),
    (TRANSPOSED, of_transposed),
    (RECURRENT, of_steps),
    (MultiheadAttention, of_attention),
    (Embedding, lambda m, entered, left: 0),
]


def printed_shapes(output: Any) -> str:
    """Shapes as they are printed."""
    if output is None:
        return "-"
    return ", ".join(map(printed_shapes, output)) if isinstance(output, list) else str(tuple(output))


def number(count: int | None) -> str:
    return "?" if count is None else f"{count:,}" if count else ""
