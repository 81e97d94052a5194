"""Every function that has a derivative: onnxruntime computes the same of each case of the rules, or it is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.primitive import REGISTRY
from minigrad.onnx.operators import REWRITTEN, TRANSLATIONS

from ..rules.cases import CASES
from .runtime import assert_alike, exported, single

# Of these, ONNX has some cases only: positions beside slices of a part, an order of elements in memory.
IN_PART = ("scatter", "index_update", "index_add", "ravel", "reshape")
SOME = [pytest.param(case, marks=pytest.mark.slow if i % 5 else (), id=str(case)) for i, case in enumerate(CASES)]


@pytest.mark.parametrize("case", SOME)
def test_a_case(tmp_path, case):
    """The same value, dtype and shape, in single precision; what is refused is in no table, or has an option."""
    name, arrays = REGISTRY[case.key].name, single(case.arrays)
    names = [f"given_{i}" for i in range(len(arrays))]
    try:
        run = exported(tmp_path, lambda *a: case(*a), tuple(arrays), dynamic_batch=False, input_names=names)
    except mg.ExportError as error:
        what = str(error).split(" has no counterpart")[0]
        if name in IN_PART or " with " in what or what.split()[0].removeprefix("numpy.") not in KNOWN:
            return
        raise
    others = [near(x, i) for i, x in enumerate(arrays)]
    feeds = {x.name: others[names.index(x.name)] for x in run.get_inputs()}
    assert_alike(run.run(None, feeds), case(*others), 2e-6)


def near(x, seed):
    """Other numbers than those of the example, none of which may be in the graph, still in the domain."""
    noise = np.random.default_rng(seed).uniform(0.97, 1.03, size=x.shape)
    return np.asarray(x * noise, x.dtype) if x.dtype.kind == "f" else x


KNOWN = {primitive.name for primitive in (*TRANSLATIONS, *REWRITTEN)}
COMMON = """
add subtract multiply divide negative absolute square sqrt reciprocal power exp expm1 log log1p log2 log10 sin cos tan
arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh maximum minimum logaddexp hypot remainder copysign
sign floor ceil rint trunc cbrt exp2 sinc erf xlogy sigmoid where sum mean prod max min var std cumsum cumprod
logsumexp softmax log_softmax matmul vecdot reshape transpose squeeze expand_dims broadcast_to concatenate stack flip
roll tril triu padded astype sliding_window_view getitem take take_along_axis sort argsort index_update scatter equal
not_equal less less_equal greater greater_equal logical_and logical_or logical_not isnan isinf isfinite any all argmax
argmin count_nonzero det
"""


def test_common_functions_have_a_counterpart():
    """Those of the Array API standard that others are made of have an operator, or are written with some."""
    assert {*COMMON.split()} - KNOWN == set()
