"""A module as a file of ONNX: traced, translated, made one for all sizes of batch, checked and written."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ExportError
from .batches import depends, generalised
from .inputs import Inputs, checked_names
from .model import library, modelled, shapes_of_outputs, write
from .run import Draft, drafted, names_of_state

SIZES = (2, 3, 5)
# More examples, of which a module may do something else, such as with x[:8]; as far as the arrays of a run are small.
LARGER, BUDGET = (11, 67, 401, 1031), 2**28  # bytes


def export(
    module: Callable[..., Any],
    example_inputs: Any,
    path: str | os.PathLike[str],
    dynamic_batch: bool = True,
    batch_axes: Any = 0,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
) -> None:
    """Write what a module computes to a file of ONNX, which other programs run without Python.

    The module is called with arrays of which each operation is taken down, in eval mode, and is left in the mode it
    was in. What it decides by shapes, types and settings is fixed; a decision by values is refused.

    Parameters
    ----------
    module : Module, or a function of arrays
        Its parameters and buffers come under the names of `state_dict`.
    example_inputs : array, tuple of arguments, or dict of arguments by name
        Arrays in them, nested in lists, tuples and dicts, become the inputs, of their dtypes and shapes; anything else
        is passed as it is. Values matter only where the module refuses some, such as indices that are out of range.
    path : path
        Of the file, which is replaced as a whole or not at all; by custom it ends in .onnx.
    dynamic_batch : bool
        Whether the graph takes any number of examples, a length named "batch". The module is then traced for several
        numbers, and refused if it computes something else for another. Otherwise, as many as the inputs have.
    batch_axes : int, None, or a tree of these as `example_inputs` is
        The axis of each input that has the examples; None for an input without them.
    input_names, output_names : sequence of str, optional
        By default the names of the arguments, and "output", or "output_0" and so on, or the keys of a dict.

    Raises
    ------
    ExportError
        If the module does what a graph cannot: an operation without a counterpart, a decision by values, random
        numbers, a computation that depends on the size of the batch; or if the file cannot be written.
    ImportError
        If the library onnx is not installed, which the extra `onnx` does.

    Notes
    -----
    Opset 21 and IR version 10, checked by ``onnx.checker`` with its inference of shapes. Dtypes are those of the module
    and its inputs. Many runtimes have convolution, among others, for float32 only: export
    ``model.astype(np.float32)`` for them.

    Examples
    --------
    >>> onnx.export(model, np.zeros((1, 3, 32, 32), np.float32), "model.onnx")
    """
    library()
    inputs = Inputs(module, example_inputs, input_names, batch_axes if dynamic_batch else None)
    if taken := {*inputs.names} & {*names_of_state(module).values()}:
        raise ValueError(f"an input is named {min(taken)!r}, as a parameter of the module is. Give input_names")
    title = getattr(module, "__name__", type(module).__name__)
    if inputs.first() is None:
        model = finished([drafted(module, inputs, inputs.arrays)], (1,), inputs, output_names, title)
    else:
        model = for_any_size(module, inputs, output_names, title)
    write(model, os.fspath(path))


def for_any_size(module: Callable[..., Any], inputs: Inputs, output_names: Any, title: str) -> Any:
    """The model for any number of examples."""
    drafts, sizes = drafts_for_sizes(module, inputs)
    given, alone = draft_of_one(module, inputs)
    if alone is None:
        return finished(drafts, sizes, inputs, output_names, title)
    try:
        return finished([*drafts, alone], (*sizes, 1), inputs, output_names, title)
    except ExportError:  # the graph for one example is another, which may compute the same
        model = finished(drafts, sizes, inputs, output_names, title)
        check_alone(model, inputs, given, alone)
        return model


def draft_of_one(module: Callable[..., Any], inputs: Inputs) -> tuple[list[np.ndarray], Draft | None]:
    """One example, and its graph; None of a module that takes no single one, such as one that normalises over them.

    Its numbers are drawn, as those of the example may be zeros, of which different graphs compute the same.
    """
    for given in (inputs.varied(1), inputs.sized(1)):
        try:
            return given, drafted(module, inputs, given)
        except ExportError:
            raise
        except Exception:  # numbers that the module does not take, or one example
            continue
    return [], None


def drafts_for_sizes(module: Callable[..., Any], inputs: Inputs) -> tuple[list[Draft], tuple[int, ...]]:
    """The graphs for some numbers of examples, that of the example among them, and these numbers."""
    sizes = [*SIZES]
    drafts = [for_size(module, inputs, size) for size in sizes]
    for size in sorted({*LARGER, inputs.count()} - {*range(6)}):
        if size == LARGER[0] or drafts[-1].nbytes * (size / sizes[-1]) ** 2 <= BUDGET:
            drafts.append(for_size(module, inputs, size))
            sizes.append(size)
    return drafts, tuple(sizes)


def for_size(module: Callable[..., Any], inputs: Inputs, size: int) -> Draft:
    """The graph for so many examples."""
    try:
        return drafted(module, inputs, inputs.sized(size))
    except ExportError:
        raise
    except Exception as error:
        error.add_note(
            f"onnx.export called the module with {size} examples, as dynamic_batch makes one graph for any number of "
            f"them. See batch_axes, or pass dynamic_batch=False for a graph of as many as example_inputs has"
        )
        raise


def finished(drafts: Sequence[Draft], sizes: Sequence[int], inputs: Inputs, output_names: Any, title: str) -> Any:
    """The model of the graphs for some sizes, or of a single graph."""
    first, place = drafts[0], inputs.first()
    for draft in drafts:
        if [x.ndim for x in draft.arrays] != [x.ndim for x in first.arrays] or draft.outputs != first.outputs:
            raise depends("the result")
    labels = checked_names("output_names", output_names, first.labels)
    graph = first.graph
    if place is not None:
        graph = generalised([d.graph for d in drafts], sizes, inputs.names[place], inputs.axes[place] or 0)
    declared = zip(labels, first.arrays, shapes_of_outputs(drafts, sizes), strict=True)
    return modelled(graph, inputs, dict(zip(first.outputs, labels, strict=True)), declared, title)


def check_alone(model: Any, inputs: Inputs, given: Sequence[np.ndarray], alone: Draft) -> None:
    """Refuse a model that computes something else for one example than the module does."""
    from onnx.reference import ReferenceEvaluator

    feeds = dict(zip(inputs.names, given, strict=True))
    results: Any = ReferenceEvaluator(model).run(None, feeds)
    for got, wanted in zip(results, alone.arrays, strict=True):
        scale = np.max(np.abs(wanted), initial=1.0, where=np.isfinite(wanted))
        if got.shape != wanted.shape or not np.allclose(got, wanted, rtol=1e-3, atol=1e-3 * scale, equal_nan=True):
            raise depends("the result", ", being another for one example")
