"""Pictures of the graph: what was recorded, as text, in Graphviz's language, and as SVG."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .drawing import Drawing

__all__ = ["draw"]


def draw(
    tensor: Any,
    *,
    names: Any = None,
    values: bool = False,
    gradients: bool = False,
    fold: bool = True,
    limit: int = 100,
) -> "Drawing":
    """The recorded graph of a tensor, as text or as a picture: its operations and their operands.

    ``print(mg.draw(loss))`` shows a line for each array, in an order in which they can be computed; ``dot()`` and
    ``svg()`` of the result are pictures, and Jupyter shows the picture if Graphviz is installed. The drawing is made at
    once, of text alone: it neither keeps the graph alive nor follows what happens to it later.

    Parameters
    ----------
    tensor : Tensor
    names : Module, mapping or iterable of pairs, optional
        What to call the arrays that occur: a module's parameters and buffers get their names in it; a mapping of names
        to Tensors and arrays, or pairs of them, may name any. Others are called x1, x2, ... if they are leaves,
        c1, c2, ... if they are constants, v1, v2, ... if they were computed.
    values : bool
        Show the values, those of large arrays abbreviated.
    gradients : bool
        Show ``grad`` of leaves, and of results that retain it.
    fold : bool
        Show a chain of operations that repeats itself, such as that of a loop, once, with how often it comes again.
    limit : int
        How many operations are shown, at most, and how many leaves and constants: those that come last in the
        computation. What comes before is counted.

    Raises
    ------
    TypeError
        If the tensor has no recorded graph, or `names` has another form.
    ValueError
        If `limit` is less than 1.
    """
    from .drawing import drawing_of

    return drawing_of(tensor, names, values, gradients, fold, limit)
