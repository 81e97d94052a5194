"""Parameters and buffers: what they are, and what they refuse."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def test_parameter_requires_grad_and_is_a_copy():
    """Also under no_grad; results of operations are ordinary Tensors."""
    values = np.ones(3)
    with mg.no_grad():
        p = nn.Parameter(values)
    values[0] = 5
    assert p.requires_grad
    assert p.is_leaf
    assert p.tolist() == [1, 1, 1]
    assert type(p * 2) is mg.Tensor
    assert nn.Parameter(values, np.float32).dtype == np.float32
    (p * 2).sum().backward()
    assert p.grad.tolist() == [2, 2, 2]


def test_buffer_does_not_require_grad():
    """And may be of integers."""
    b = nn.Buffer([1, 2])
    assert not b.requires_grad
    assert b.dtype == np.int64
    assert (b * 2).tolist() == [2, 4]


@pytest.mark.parametrize("kind", [nn.Parameter, nn.Buffer])
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_are_of_the_same_kind(kind, copied):
    """With memory of their own, and as frozen as the original."""
    x = kind([1.0, 2.0])
    y = copied(x)
    assert type(y) is kind
    assert y.tolist() == [1, 2]
    assert y.requires_grad == x.requires_grad
    assert not np.shares_memory(x.data, y.data)
    x.requires_grad = False
    assert not copied(x).requires_grad


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("kind", [nn.Parameter, nn.Buffer])
def test_new_values_go_into_the_same_memory(kind, frozen):
    """Whether it requires grad or not, so that a compiled step sees them."""
    x = kind([1.0, 2.0])
    x.requires_grad = x.requires_grad and not frozen
    memory = x.data
    x.data = np.array([3, 4])
    assert x.data is memory
    assert memory.tolist() == [3, 4]
    with pytest.raises(ValueError, match="data takes values of shape"):
        x.data = np.ones(3)
    assert memory.tolist() == [3, 4]


def test_parameter_refuses_what_cannot_be_learned():
    """Integers, and results of operations, which learn already."""
    with pytest.raises(TypeError, match="only floating tensors can require grad; got int64"):
        nn.Parameter([1, 2])
    with pytest.raises(TypeError, match="a derivative flows through this array"):
        nn.Parameter(mg.tensor([1.0], requires_grad=True) * 2)


def test_repr_says_which_kind_it_is():
    """Parameters and buffers show as what they are, and whether they are frozen."""
    p = nn.Parameter([1.0, 2.0])
    assert repr(p) == "Parameter([1., 2.], requires_grad=True)"
    p.requires_grad = False
    assert repr(p) == "Parameter([1., 2.])"
    assert repr(nn.Buffer([[1], [2]])) == "Buffer([[1],\n        [2]])"
