"""The operations by their public names, those of the Array API standard where it has one."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view as windows

from ..composed import arranging, indexing, reductions
from ..composed.structure import unstack as unstack_primitive
from ..core.door import bind, plain_index
from ..core.short import public, shorten
from ..rules import elementwise, network, structure
from ..rules.indexing import index_update as index_update_primitive

shorten()

# Elementwise

abs = public(np.abs)
acos = public(np.arccos)
acosh = public(np.arccosh)
add = public(np.add)
asin = public(np.arcsin)
asinh = public(np.arcsinh)
atan = public(np.arctan)
atan2 = public(np.arctan2)
atanh = public(np.arctanh)
cbrt = public(np.cbrt)
ceil = public(np.ceil)
clip = public(np.clip)
copysign = public(np.copysign)
cos = public(np.cos)
cosh = public(np.cosh)
divide = public(np.divide)
erf = public(elementwise.erf)
exp = public(np.exp)
exp2 = public(np.exp2)
expm1 = public(np.expm1)
floor = public(np.floor)
floor_divide = public(np.floor_divide)
fmod = public(np.fmod)
hypot = public(np.hypot)
log = public(np.log)
log10 = public(np.log10)
log1p = public(np.log1p)
log2 = public(np.log2)
logaddexp = public(np.logaddexp)
maximum = public(np.maximum)
minimum = public(np.minimum)
multiply = public(np.multiply)
nan_to_num = public(np.nan_to_num)
negative = public(np.negative)
positive = public(np.positive)
pow = public(np.power)
reciprocal = public(np.reciprocal)
remainder = public(np.remainder)
round = public(np.round)
sigmoid = public(network.sigmoid)
sign = public(np.sign)
sin = public(np.sin)
sinc = public(np.sinc)
sinh = public(np.sinh)
sqrt = public(np.sqrt)
square = public(np.square)
subtract = public(np.subtract)
tan = public(np.tan)
tanh = public(np.tanh)
trunc = public(np.trunc)
unwrap = public(np.unwrap)
where = public(np.where)
xlogy = public(elementwise.xlogy)

# Reductions

average = public(np.average)
corrcoef = public(np.corrcoef)
cov = public(np.cov)
cumulative_prod = public(reductions.cumulative_prod)
cumulative_sum = public(reductions.cumulative_sum)
log_softmax = public(network.log_softmax)
logsumexp = public(network.logsumexp)
max = public(np.max)
mean = public(np.mean)
median = public(np.median)
min = public(np.min)
nanmax = public(np.nanmax)
nanmean = public(np.nanmean)
nanmedian = public(np.nanmedian)
nanmin = public(np.nanmin)
nanstd = public(np.nanstd)
nansum = public(np.nansum)
nanvar = public(np.nanvar)
percentile = public(np.percentile)
prod = public(np.prod)
quantile = public(np.quantile)
softmax = public(network.softmax)
std = public(np.std)
sum = public(np.sum)
var = public(np.var)

# Linear algebra; see also minigrad.linalg

einsum = public(np.einsum)
matmul = public(np.matmul)
matrix_transpose = public(np.matrix_transpose)
tensordot = public(np.tensordot)
vecdot = public(np.vecdot)

# Of samples, and polynomials

convolve = public(np.convolve)
correlate = public(np.correlate)
gradient = public(np.gradient)
interp = public(np.interp)
polyval = public(np.polyval)
trapezoid = public(np.trapezoid)

# Shape

astype = public(structure.astype)
broadcast_arrays = public(np.broadcast_arrays)
broadcast_to = public(np.broadcast_to)
concat = public(np.concatenate)
diag_embed = public(arranging.diag_embed)
diff = public(np.diff)
expand_dims = public(np.expand_dims)
flip = public(np.flip)
moveaxis = public(np.moveaxis)
pad = public(np.pad)
permute_dims = public(np.transpose)
repeat = public(np.repeat)
reshape = public(np.reshape)
roll = public(np.roll)
sliding_window_view = public(windows)
split = public(np.split)
squeeze = public(np.squeeze)
stack = public(np.stack)
tile = public(np.tile)
tril = public(np.tril)
triu = public(np.triu)
unstack = public(unstack_primitive)

# Indexing

insert = public(np.insert)
partition = public(np.partition)
select = public(np.select)
sort = public(np.sort)
take = public(np.take)
take_along_axis = public(np.take_along_axis)


def index_update(x: Any, index: Any, v: Any) -> Any:
    """A copy of `x` in which ``x[index]`` is `v`; where an index names an element repeatedly, the last value stays."""
    return bind(index_update_primitive, (x, plain_index(index), v))


def index_add(x: Any, index: Any, v: Any) -> Any:
    """A copy of `x` with `v` added to ``x[index]``; where an index names an element repeatedly, all terms are added."""
    return bind(indexing.index_add, (x, plain_index(index), v))


# NumPy's names

absolute = public(np.absolute)
amax = public(np.amax)
amin = public(np.amin)
arccos = public(np.arccos)
arccosh = public(np.arccosh)
arcsin = public(np.arcsin)
arcsinh = public(np.arcsinh)
arctan = public(np.arctan)
arctan2 = public(np.arctan2)
arctanh = public(np.arctanh)
atleast_1d = public(np.atleast_1d)
atleast_2d = public(np.atleast_2d)
atleast_3d = public(np.atleast_3d)
column_stack = public(np.column_stack)
concatenate = public(np.concatenate)
cumprod = public(np.cumprod)
cumsum = public(np.cumsum)
diag = public(np.diag)
diagonal = public(np.diagonal)
dot = public(np.dot)
hstack = public(np.hstack)
inner = public(np.inner)
norm = public(np.linalg.norm)
outer = public(np.outer)
power = public(np.power)
ravel = public(np.ravel)
swapaxes = public(np.swapaxes)
trace = public(np.trace)
transpose = public(np.transpose)
vstack = public(np.vstack)

# Without a derivative

all = public(np.all)
any = public(np.any)
argmax = public(np.argmax)
argmin = public(np.argmin)
argsort = public(np.argsort)
count_nonzero = public(np.count_nonzero)
equal = public(np.equal)
greater = public(np.greater)
greater_equal = public(np.greater_equal)
isfinite = public(np.isfinite)
isinf = public(np.isinf)
isnan = public(np.isnan)
less = public(np.less)
less_equal = public(np.less_equal)
logical_and = public(np.logical_and)
logical_not = public(np.logical_not)
logical_or = public(np.logical_or)
logical_xor = public(np.logical_xor)
nonzero = public(np.nonzero)
not_equal = public(np.not_equal)
searchsorted = public(np.searchsorted)
signbit = public(np.signbit)
unique_all = public(np.unique_all)
unique_counts = public(np.unique_counts)
unique_inverse = public(np.unique_inverse)
unique_values = public(np.unique_values)
