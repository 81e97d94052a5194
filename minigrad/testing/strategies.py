"""Hypothesis strategies for arrays and Tensors, and the property test of a gradient in one line.

Needs Hypothesis, the extra `test`.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.tensor import Tensor, tensor
from ..errors import GradientError
from .gradcheck import gradcheck
from .hygiene import LAYOUTS

__all__ = [
    "arrays",
    "axes",
    "broadcastable",
    "check_gradients",
    "indices",
    "layouts",
    "shapes",
    "tensors",
    "values",
]

try:
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp
except ImportError as error:
    raise ImportError(
        "minigrad.testing.strategies needs Hypothesis, of the extra 'test'. Install it: pip install hypothesis"
    ) from error

Shape = tuple[int, ...]
Domain = tuple[float, float]
ANY = (-np.inf, np.inf)
# Where rules go wrong: zeros, ones, both sides of where exp and its like round off or overflow, and tiny numbers.
SPECIAL = (0.0, 1.0, -1.0, 8.0, -8.0, 40.0, -40.0, 1e-6, -1e-6, 800.0, 1e3, 4e3)


def values(domain: Domain = ANY, dtype: Any = float) -> st.SearchStrategy[float]:
    """Numbers of a closed interval: ordinary ones, between -3 and 3 if it has any, mixed with special ones."""
    limit = float(np.finfo(dtype).max)
    low, high = np.clip(domain, -limit, limit).astype(dtype).tolist()
    inner = (max(low, -3.0), min(high, 3.0)) if low <= 3 and high >= -3 else (low, high)
    width: Any = min(64, 8 * np.dtype(dtype).itemsize)
    ordinary = st.floats(*inner, width=width, allow_subnormal=False)
    special = np.array([x for x in SPECIAL if low <= x <= high], dtype).tolist()
    return st.one_of(st.sampled_from(special), ordinary) if special else ordinary


def shapes() -> st.SearchStrategy[Shape]:
    """Shapes of arrays: 0-d, of size one, ordinary, empty, and a large one."""
    return st.one_of(
        st.sampled_from([(), (1,), (0,), (2, 0), (1, 1), (200,)]), hnp.array_shapes(max_dims=3, max_side=3)
    )


def arrays(shape: Any = None, dtype: Any = float, domain: Domain = ANY) -> st.SearchStrategy[np.ndarray]:
    """Arrays of a shape (or a strategy for shapes; any by default), of `values`. Many have ties."""
    return hnp.arrays(dtype, shapes() if shape is None else shape, elements=values(domain, dtype))


def tensors(shape: Any = None, dtype: Any = float, domain: Domain = ANY) -> st.SearchStrategy[Tensor]:
    """Tensors that require grad, made of `arrays`."""
    return arrays(shape, dtype, domain).map(lambda x: tensor(x, requires_grad=True))


def broadcastable(count: int, dtype: Any = float, domain: Domain = ANY) -> st.SearchStrategy[Any]:
    """Tuples of so many arrays whose shapes broadcast with each other."""
    groups = hnp.mutually_broadcastable_shapes(num_shapes=count, min_side=0, max_dims=3, max_side=3)
    return groups.flatmap(lambda group: st.tuples(*(arrays(shape, dtype, domain) for shape in group.input_shapes)))


def axes(shape: Shape) -> st.SearchStrategy[Any]:
    """What `axis` may be: None, a number of either sign, a tuple of them."""
    numbers = st.integers(-len(shape), len(shape) - 1) if shape else st.nothing()
    several = st.lists(numbers, unique_by=lambda i: i % len(shape)).map(tuple)
    return st.one_of(st.none(), numbers, several)


def indices(shape: Shape) -> st.SearchStrategy[Any]:
    """What may stand in brackets: slices, integers, newaxis, ellipsis; positions, also repeated; a mask."""
    choices: list[Any] = [hnp.basic_indices(shape, allow_newaxis=True), hnp.arrays(bool, shape)]
    if shape and shape[0]:
        choices.append(hnp.arrays(int, hnp.array_shapes(max_dims=2), elements=st.integers(-shape[0], shape[0] - 1)))
    return st.one_of(choices)


def layouts(strategy: st.SearchStrategy[np.ndarray]) -> st.SearchStrategy[np.ndarray]:
    """The same arrays as they are, in Fortran order, with gaps in memory, and read-only."""
    kinds = np.copy, *LAYOUTS.values(), lambda x: np.broadcast_to(x, x.shape)
    return st.builds(lambda x, lay: lay(x), strategy, st.sampled_from(kinds))


def check_gradients(
    f: Callable[..., Any],
    shapes: int | Sequence[Any] = 1,
    *,
    domain: Domain = ANY,
    dtype: Any = float,
    examples: int = 100,
    **options: Any,
) -> None:
    """Check the gradients of `f` at many inputs, and shrink the first that fails to a small one.

    Parameters
    ----------
    f : callable
        A function of arrays, as for `gradcheck`.
    shapes : int or sequence of shapes
        The shape of each argument, or a strategy for it; or how many arguments f takes, which broadcast.
    domain : (float, float)
        The closed interval that inputs are from.
    dtype : dtype
        Their format.
    examples : int
        How many inputs to try.
    **options
        Of `gradcheck`.

    Raises
    ------
    GradientError
        With the report, and the inputs.
    """
    __tracebackhide__ = True
    if isinstance(shapes, int):
        inputs = broadcastable(shapes, dtype, domain)
    else:
        inputs = st.tuples(*(layouts(arrays(shape, dtype, domain)) for shape in shapes))
    # Also the first array in the place of others of its shape, as in f(x, x).
    twice = inputs.map(lambda group: tuple(group[0] if x.shape == group[0].shape else x for x in group))
    wanted: dict[str, Any] = {"rng": 0, **options, "raise_exception": False}

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(inputs | twice)
    def gradients_are_right(inputs: Any) -> None:
        __tracebackhide__ = True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where the check is unsure
            report = gradcheck(f, inputs, **wanted)
        if not report:
            raise GradientError(f"{report}\n  Inputs: {', '.join(map(repr, inputs))}.")

    gradients_are_right()
