"""The model of a graph: its protocol buffer, checked by the library onnx, and its file."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ExportError
from ..io.replacing import replacing
from .batches import line_of
from .graph import Graph, code_of
from .inputs import Inputs
from .run import Draft

OPSET, IR_VERSION = 21, 10
LARGEST = 2**31 - 1  # bytes of a protocol buffer


def library() -> Any:
    """The library onnx."""
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ImportError(
            "files of ONNX are made by its library, of the extra 'onnx'. Install it: python -m pip install onnx, or "
            "python -m pip install '.[onnx]' in the checkout"
        ) from error
    return onnx


def modelled(graph: Graph, inputs: Inputs, outputs: dict[str, str], declared: Any, title: str) -> Any:
    """The checked model of a graph, whose `outputs` get other names, and are `declared` by name, dtype and shape."""
    onnx = library()
    from .. import __version__

    taken = [name for name in outputs.values() if name in graph.constants or name in inputs.names]
    if taken:
        raise ValueError(f"an output is named {taken[0]!r}, as an input or a parameter is. Give output_names")
    make, array = onnx.helper, onnx.numpy_helper.from_array
    made = make.make_graph(
        [make.make_node(n.kind, n.inputs, [outputs.get(x, x) for x in n.outputs], **n.attributes) for n in graph.nodes],
        title,
        [info(*given) for given in zip(inputs.names, inputs.arrays, shapes_of_inputs(inputs), strict=True)],
        [info(*given) for given in declared],
        [array(np.require(x, requirements="C"), name) for name, x in graph.constants.items()],
    )
    about = {"producer_name": "minigrad", "producer_version": __version__}
    model = make.make_model(made, opset_imports=[make.make_opsetid("", OPSET)], ir_version=IR_VERSION, **about)
    if model.ByteSize() > LARGEST:
        raise ExportError(f"a file of ONNX holds 2 GiB at most; this model takes {model.ByteSize():,} bytes")
    onnx.checker.check_model(model, full_check=True)
    return model


def info(name: str, x: Any, shape: Any) -> Any:
    """The declaration of an input or output."""
    return library().helper.make_tensor_value_info(name, code_of(x.dtype), shape)


def shapes_of_inputs(inputs: Inputs) -> list[list[Any]]:
    """The shapes of the inputs, in terms of the size of the batch."""
    return [
        ["batch" if i == axis else n for i, n in enumerate(x.shape)]
        for x, axis in zip(inputs.arrays, inputs.axes, strict=True)
    ]


def shapes_of_outputs(drafts: Sequence[Draft], sizes: Sequence[int]) -> list[list[Any]]:
    """The shapes of the outputs, in terms of the size of the batch."""
    return [
        [length_of(numbers, sizes) for numbers in zip(*(x.shape for x in versions), strict=True)]
        for versions in zip(*(draft.arrays for draft in drafts), strict=True)
    ]


def length_of(numbers: Sequence[int], sizes: Sequence[int]) -> Any:
    """The length of an axis of the result, given those for some sizes of the batch; None if no line goes through them.

    Such as that of x[::2], which the graph computes for any size.
    """
    if len({*numbers}) == 1:
        return numbers[0]
    try:
        a, b = line_of(numbers, sizes, "the result")
    except ExportError:
        return None
    return ("batch" if a == 1 else f"{a}*batch") + (f"{b:+}" if b else "")


def write(model: Any, path: str) -> None:
    """Write a model to a file."""
    try:
        with replacing(path) as file:
            file.write(model.SerializeToString())
    except OSError as error:
        reason = error.strerror or error
        raise ExportError(f"cannot write {path}: {reason}. What was there before is untouched") from error
