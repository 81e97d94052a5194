"""minigrad: automatic differentiation on NumPy, with each derivative rule written once.

Examples
--------
>>> X, Y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [1]])
>>> model = nn.Sequential(nn.Linear(2, 4, rng=0), nn.Tanh(), nn.Linear(4, 1, rng=0))
>>> optimizer = optim.Adam(model.parameters(), lr=0.1)
>>> for step in range(200):
...     loss = F.binary_cross_entropy_with_logits(model(X), Y)
...     optimizer.zero_grad()
...     loss.backward()
...     optimizer.step()
>>> mg.sigmoid(model(X)).detach().numpy().round()
array([[0.],
       [1.],
       [1.],
       [1.]])

with `import numpy as np`, `import minigrad as mg`, `from minigrad import nn, optim` and
`from minigrad.nn import functional as F`. The help texts of what is here say more:

======================================================  ======================================================
mg.tensor, mg.asarray, mg.Tensor                        make arrays with gradients
mg.exp, mg.sum, mg.where, mg.einsum, mg.linalg          functions, with NumPy's names; np.exp and so on work, too
mg.no_grad, mg.enable_grad                              switch recording off and on
mg.grad, mg.value_and_grad, mg.vjp, mg.jvp              derivatives of functions, in reverse and forward mode
mg.jacobian, mg.hessian, mg.hvp, mg.vmap                whole matrices of them, and maps over an axis
mg.compile, mg.checkpoint, mg.draw, mg.detect_anomaly   speed, memory, pictures of graphs, the origin of a NaN
mg.primitive, mg.register                               operations of your own
mg.nn, mg.nn.functional, mg.optim                       layers, losses, optimizers and learning rates
mg.data, mg.train, mg.distributed                       batches, training loops, several processes
mg.save, mg.load, mg.load_torch, mg.io, mg.onnx         files
mg.scipy                                                SciPy's functions, solvers and distributions
mg.onnx                                                 files of ONNX, for other programs to run
mg.testing                                              checks of derivatives
mg.errors                                               what may have to be caught
======================================================  ======================================================
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import words
from .compile import compile
from .core import allocator, foreign
from .core.context import enable_grad, is_grad_enabled, no_grad
from .core.tensor import Tensor, asarray, tensor
from .draw import draw
from .errors import (
    AnomalyError,
    BatchError,
    CheckpointError,
    DetachedError,
    ExportError,
    GradientError,
    GraphError,
    LevelError,
    NoRuleError,
    RecordingError,
    RuleError,
    SolverError,
)
from .ops import linalg
from .ops.creation import arange, eye, full, full_like, linspace, meshgrid, ones, ones_like, sample, zeros, zeros_like
from .ops.extending import primitive, register
from .ops.functions import (
    abs,
    absolute,
    acos,
    acosh,
    add,
    all,
    amax,
    amin,
    any,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    argmax,
    argmin,
    argsort,
    asin,
    asinh,
    astype,
    atan,
    atan2,
    atanh,
    atleast_1d,
    atleast_2d,
    atleast_3d,
    average,
    broadcast_arrays,
    broadcast_to,
    cbrt,
    ceil,
    clip,
    column_stack,
    concat,
    concatenate,
    convolve,
    copysign,
    corrcoef,
    correlate,
    cos,
    cosh,
    count_nonzero,
    cov,
    cumprod,
    cumsum,
    cumulative_prod,
    cumulative_sum,
    diag,
    diag_embed,
    diagonal,
    diff,
    divide,
    dot,
    einsum,
    equal,
    erf,
    exp,
    exp2,
    expand_dims,
    expm1,
    flip,
    floor,
    floor_divide,
    fmod,
    gradient,
    greater,
    greater_equal,
    hstack,
    hypot,
    index_add,
    index_update,
    inner,
    insert,
    interp,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    log,
    log1p,
    log2,
    log10,
    log_softmax,
    logaddexp,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    logsumexp,
    matmul,
    matrix_transpose,
    max,
    maximum,
    mean,
    median,
    min,
    minimum,
    moveaxis,
    multiply,
    nan_to_num,
    nanmax,
    nanmean,
    nanmedian,
    nanmin,
    nanstd,
    nansum,
    nanvar,
    negative,
    nonzero,
    norm,
    not_equal,
    outer,
    pad,
    partition,
    percentile,
    permute_dims,
    polyval,
    positive,
    pow,
    power,
    prod,
    quantile,
    ravel,
    reciprocal,
    remainder,
    repeat,
    reshape,
    roll,
    round,
    searchsorted,
    select,
    sigmoid,
    sign,
    signbit,
    sin,
    sinc,
    sinh,
    sliding_window_view,
    softmax,
    sort,
    split,
    sqrt,
    square,
    squeeze,
    stack,
    std,
    subtract,
    sum,
    swapaxes,
    take,
    take_along_axis,
    tan,
    tanh,
    tensordot,
    tile,
    trace,
    transpose,
    trapezoid,
    tril,
    triu,
    trunc,
    unique_all,
    unique_counts,
    unique_inverse,
    unique_values,
    unstack,
    unwrap,
    var,
    vecdot,
    vstack,
    where,
    xlogy,
)
from .ops.selecting import masked_fill, topk
from .transforms.anomaly import detect_anomaly
from .transforms.checkpoint import checkpoint
from .transforms.forward import jvp
from .transforms.implicit import custom_root
from .transforms.jacobian import hessian, hvp, jacobian
from .transforms.reverse import grad, value_and_grad, vjp
from .transforms.vmap import vmap

__version__ = "0.2.0"
sys.modules[f"{__name__}.linalg"] = linalg  # which can be imported by its public name

# Loaded at first use, to keep `import minigrad` fast: subpackages, and functions of theirs.
LATER = ("data", "io", "nn", "onnx", "optim", "distributed", "scipy", "testing", "train", "sklearn")
LATER_OF = {"load": "io", "load_torch": "io", "save": "io"}
HOMES = ("nn.functional", "nn", "optim", "data", "train", "testing", "distributed")  # of names that are not here
foreign.LATER["scipy.special"] = f"{__name__}.scipy.special"  # the rules of SciPy's ufuncs
if TYPE_CHECKING:
    from . import data, distributed, io, nn, onnx, optim, testing, train
    from .io import load, load_torch, save

if not TYPE_CHECKING:  # pragma: no branch: an unknown name is an error to a type checker, too

    def __getattr__(name: str) -> Any:
        if name in LATER:
            return import_module(f".{name}", __name__)
        if name in LATER_OF:
            return getattr(import_module(f".{LATER_OF[name]}", __name__), name)
        homes = () if name.startswith("_") or name in words.PACKAGE else HOMES
        found = {f"mg.{home}.": import_module(f".{home}", __name__).__all__ for home in homes}
        hint = words.instead(name, words.PACKAGE, found)
        raise AttributeError(f"module 'minigrad' has no attribute {name!r}{hint}")


def __dir__() -> list[str]:
    public = {name for name, x in globals().items() if f"{__name__}." in f"{getattr(x, '__module__', '')}."}
    return sorted({name for name in public if not name.startswith("_")} | {"linalg", "errors", *LATER, *LATER_OF})
