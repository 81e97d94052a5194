"""Every function that has a derivative: onnxruntime computes the same of each case of the rules, or it is refused."""

import pytest

import minigrad as mg
from minigrad.core.primitive import REGISTRY

from ..rules.cases import CASES
from .runtime import assert_alike, exported, single

# What ONNX has no operator for, and is not made of others: by primitive, how many of its cases are refused.
DECOMPOSED = ("cholesky", "cofactors", "cond", "inv", "matrix_norm", "nuclear_norm", "polar", "solve", "spectral")
DECOMPOSED += ("svdvals", "singular_vectors", "extreme_pair", "extreme_singular_value", "sylvester")
DERIVATIVES = ("weigh", "spread_evenly", "pick", "place", "add_windows", "assembled", "shifted_exp")
OF_VALUES = ("bincount", "histogram", "unique", "unique_all", "unique_counts", "unique_inverse", "unique_values")
OF_VALUES += ("weighted_counts", "path_sums", "geomspace", "linspace", "logspace", "averaged")
MAY_BE_REFUSED = {*DECOMPOSED, *DERIVATIVES, *OF_VALUES, "scatter", "index_add", "index_update", "ravel", "reshape"}


SOME = [pytest.param(case, marks=pytest.mark.slow if i % 5 else (), id=str(case)) for i, case in enumerate(CASES)]


@pytest.mark.parametrize("case", SOME)
def test_a_case(tmp_path, case):
    """The same value, dtype and shape, in single precision."""
    name, arrays = REGISTRY[case.key].name, single(case.arrays)
    names = [f"given_{i}" for i in range(len(arrays))]
    try:
        run = exported(tmp_path, lambda *a: case(*a), tuple(arrays), dynamic_batch=False, input_names=names)
    except mg.ExportError:
        if name in MAY_BE_REFUSED:
            return
        raise
    feeds = {x.name: arrays[names.index(x.name)] for x in run.get_inputs()}
    assert_alike(run.run(None, feeds), case(*arrays), 2e-6)


def test_few_are_refused():
    """Nine in ten functions that have a derivative have a counterpart, and those that have none are known."""
    known = {primitive.name for primitive in REGISTRY.values()} | {"averaged"}
    assert known >= MAY_BE_REFUSED
    assert len(MAY_BE_REFUSED) < 0.2 * len({REGISTRY[case.key].name for case in CASES})
