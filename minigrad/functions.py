"""The operations by their public names, those of the Array API standard where it has one."""

import numpy as np

from .operations import public
from .rules import network
from .rules.structure import astype as astype_primitive

# Elementwise

abs = public(np.abs)
add = public(np.add)
cos = public(np.cos)
divide = public(np.divide)
exp = public(np.exp)
log = public(np.log)
log_softmax = public(network.log_softmax)
maximum = public(np.maximum)
minimum = public(np.minimum)
multiply = public(np.multiply)
negative = public(np.negative)
pow = public(np.power)
reciprocal = public(np.reciprocal)
sigmoid = public(network.sigmoid)
sin = public(np.sin)
sqrt = public(np.sqrt)
square = public(np.square)
subtract = public(np.subtract)
tanh = public(np.tanh)
where = public(np.where)

# Reductions

max = public(np.max)
mean = public(np.mean)
min = public(np.min)
sum = public(np.sum)

# Linear algebra

matmul = public(np.matmul)

# Shape

astype = public(astype_primitive)
broadcast_to = public(np.broadcast_to)
concat = public(np.concatenate)
expand_dims = public(np.expand_dims)
matrix_transpose = public(np.matrix_transpose)
permute_dims = public(np.transpose)
reshape = public(np.reshape)
squeeze = public(np.squeeze)
stack = public(np.stack)
