"""Products, norms and determinants that are made of others."""

import numpy as np
import pytest

import minigrad as mg


def leaf(values):
    return mg.tensor(values, requires_grad=True)


def test_slogdet_is_a_named_pair():
    sign, logabsdet = mg.linalg.slogdet(leaf(-np.eye(3)))
    assert sign.item() == -1
    assert not sign.requires_grad
    assert logabsdet.item() == 0


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: np.tensordot(x, x, ([0], [1])), r"tensordot of \(3, 4\) and \(3, 4\): .*got \[3\] and \[4\]"),
        (lambda x: np.tensordot(x, x, ([0, 1], [0])), r"tensordot of .*: .*got \[3, 4\] and \[3\]"),
        (lambda x: np.tensordot(x, x, ([5], [1])), r"tensordot of .*: axes: axis 5 is out of bounds"),
        (lambda x: np.tensordot(x, x, ([0, 0], [0, 0])), r"tensordot of .*: repeated axis in `axes`"),
        (lambda x: x @ x, r"matmul of \(3, 4\) and \(3, 4\): "),
        (lambda x: np.linalg.outer(x, x), r"outer of \(3, 4\) and \(3, 4\): .*one axis"),
        (lambda x: np.linalg.matrix_norm(x, ord=3), r"matrix_norm of \(3, 4\): .*got 3"),
        (lambda x: np.linalg.norm(x[None], ord=2), r"norm of \(1, 3, 4\): .*got \(0, 1, 2\)"),
        (lambda x: np.linalg.cross(x, x), r"cross of \(3, 4\) and \(3, 4\): .*3-dimensional vectors"),
        (lambda x: np.cross(x[:, :2], x[:, :2]), r"cross of \(3, 2\) and \(3, 2\): .*3-dimensional vectors"),
        (lambda x: np.cross(x[:, :2], x[:, :3]), r"cross of \(3, 2\) and \(3, 3\): .*3-dimensional vectors"),
        (lambda x: np.cross(x, x, axis=2), r"cross of \(3, 4\) and \(3, 4\): .*axis 2 is out of bounds"),
    ],
)
def test_errors_name_the_operation_and_the_shapes(call, text):
    with pytest.raises(ValueError, match=text):
        call(leaf(np.ones((3, 4))))
