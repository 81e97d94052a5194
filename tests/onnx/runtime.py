"""What other programs make of an exported file: onnxruntime in single precision, the reference of ONNX in double."""

import numpy as np
import pytest

from minigrad.core.door import unwrap
from minigrad.core.tree import leaves
from minigrad.onnx import export

onnx = pytest.importorskip("onnx", reason="takes the library onnx")
runtime = pytest.importorskip("onnxruntime", reason="takes onnxruntime")


def exported(tmp_path, module, inputs, **options):
    """The session of an exported file."""
    path = tmp_path / "model.onnx"
    export(module, inputs, path, **options)
    return session(path)


def session(path):
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def results(session, arrays):
    """What a session makes of arrays, in the order of its inputs."""
    feeds = dict(zip((given.name for given in session.get_inputs()), arrays, strict=True))
    return session.run(None, feeds)


def single(arrays):
    """Floats in single precision."""
    return [x.astype(np.float32) if x.dtype.kind == "f" else x for x in map(np.asarray, arrays)]


def assert_alike(got, wanted, tolerance=1e-6):
    """Equal dtypes and shapes, and numbers that differ by a part of the largest."""
    wanted = [np.asarray(unwrap(x)) for x in leaves(wanted)]
    for y, want in zip(got, wanted, strict=True):
        assert (y.dtype, y.shape) == (want.dtype, want.shape)
        scale = np.max(np.abs(want), initial=1, where=np.isfinite(want))
        np.testing.assert_allclose(y, want, rtol=0, atol=tolerance * scale)


def kinds(path):
    """The operators of a file, in order."""
    return [node.op_type for node in onnx.load(path).graph.node]
