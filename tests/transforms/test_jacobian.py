"""Hessian-vector products, Jacobians and Hessians."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.tree import leaves

rng = np.random.default_rng(0)
WIDE, TALL = rng.normal(size=(2, 5)), rng.normal(size=(5, 2))


@pytest.mark.parametrize("matrix", [WIDE, TALL], ids=["reverse", "forward"])
def test_jacobian_of_a_product_is_the_matrix(matrix):
    """More columns than rows take reverse mode, fewer take forward mode."""
    x = np.ones(matrix.shape[1])
    np.testing.assert_allclose(mg.jacobian(lambda x: matrix @ x)(x), matrix, rtol=1e-15)


@pytest.mark.parametrize("shape", [(2, 3), (4, 5)], ids=["forward", "reverse"])
def test_jacobian_has_the_shape_of_result_and_argument(shape):
    x, weights = rng.normal(size=shape), rng.normal(size=(4, 3, *shape))
    jacobian = mg.jacobian(lambda x: np.sum(weights * np.sin(x), axis=(-2, -1)))(x)
    assert jacobian.shape == (4, 3, *shape)
    np.testing.assert_allclose(jacobian, weights * np.cos(x), rtol=1e-14)


@pytest.mark.parametrize("copies", [1, 8], ids=["reverse", "forward"])
def test_jacobian_of_trees(copies):
    """A tree of results, of trees of arguments; a result that does not depend on an argument has zeros."""

    def f(p, factor, q):
        return {"product": [p["a"] * q * factor] * copies, "q": q}

    p, q = {"a": np.array([1.0, 2.0])}, np.array([3.0, 4.0])
    jacobian = mg.jacobian(f, argnums=(0, 2))(p, 10, q)
    by_p, by_q = jacobian["product"][copies - 1]
    assert by_p["a"].tolist() == [[30, 0], [0, 40]]
    assert by_q.tolist() == [[10, 0], [0, 20]]
    assert jacobian["q"][0]["a"].tolist() == [[0, 0], [0, 0]]
    assert jacobian["q"][1].tolist() == [[1, 0], [0, 1]]


def test_jacobian_of_nothing_is_empty():
    assert mg.jacobian(lambda x: x[:0])(np.ones(3)).shape == (0, 3)
    assert mg.jacobian(lambda x: np.sum(x) + np.ones(2))(np.ones(0)).shape == (2, 0)


def test_jacobians_of_tensors_are_tensors():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    for matrix in (WIDE[:, :2], TALL):
        jacobian = mg.jacobian(lambda x, m=matrix: m @ x**2)(x)
        assert isinstance(jacobian, mg.Tensor)
        np.testing.assert_allclose(jacobian.detach().numpy(), 2 * matrix * x.detach().numpy())
    jacobian.sum().backward()  # TALL^T 1 * 2, as dJ_ij / dx_j = 2 TALL_ij
    np.testing.assert_allclose(x.grad.numpy(), 2 * TALL.sum(axis=0))


def test_jacobian_of_a_jacobian():
    """d2(x^3) / dx2 = 6 x, on the diagonal of a diagonal."""
    x = np.array([1.0, 2.0])
    second = mg.jacobian(mg.jacobian(lambda x: x**3))(x)
    assert second.shape == (2, 2, 2)
    assert [second[i, i, i] for i in range(2)] == [6, 12]
    assert np.count_nonzero(second) == 2


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_hessian_of_the_rosenbrock_function():
    """Against the second derivatives by hand."""
    a, b = 1.5, -0.5
    want = [[1200 * a**2 - 400 * b + 2, -400 * a], [-400 * a, 200]]
    np.testing.assert_allclose(mg.hessian(rosenbrock)(np.array([a, b])), want, rtol=1e-14)


def test_hessian_vector_product_is_the_hessian_times_the_vector():
    x, v = rng.normal(size=(2, 6))
    (product,) = mg.hvp(rosenbrock, (x,), (v,))
    np.testing.assert_allclose(product, mg.hessian(rosenbrock)(x) @ v, rtol=1e-12)


def test_hessian_of_two_arguments_has_four_blocks():
    blocks = mg.hessian(lambda x, y: np.sum(x**2 * y), argnums=(0, 1))(np.array([2.0]), np.array([3.0]))
    assert [[block.item() for block in row] for row in blocks] == [[6, 4], [4, 0]]


def test_hvp_of_trees():
    x, y = {"a": np.array(2.0)}, np.array(3.0)
    by_x, by_y = mg.hvp(lambda x, y: x["a"] ** 2 * y, (x, y), ({"a": np.array(1.0)}, np.array(10.0)))
    assert by_x["a"] == 2 * 3 * 1 + 2 * 2 * 10
    assert by_y == 2 * 2 * 1


def test_hvp_asks_for_tuples():
    with pytest.raises(TypeError, match=r"got ndarray and ndarray. For a single argument: hvp\(f, \(x,\), \(dx,\)\)"):
        mg.hvp(rosenbrock, np.ones(2), np.ones(2))


def test_third_derivative_of_a_composite():
    """d3/dx3 exp(sin x) = exp(sin x) (cos^3 x - 3 sin x cos x - cos x)."""
    x = np.array(0.7)
    third = mg.grad(mg.grad(mg.grad(lambda x: np.exp(np.sin(x)))))(x)
    s, c = np.sin(x), np.cos(x)
    assert third == pytest.approx(np.exp(s) * (c**3 - 3 * s * c - c), rel=1e-14)


@pytest.mark.parametrize("transformation", [mg.grad, mg.value_and_grad, mg.jacobian, mg.hessian])
def test_what_is_no_function_is_refused_when_it_is_given(transformation):
    """With what is meant in its place: the gradient of a result."""
    x = mg.tensor(3.0, requires_grad=True)
    with pytest.raises(
        TypeError, match=r"takes a function and .*; got a Tensor. For the gradient of a result, call y.backward"
    ):
        transformation(x * 2, x)


def test_a_module_is_no_argument_to_differentiate_by():
    with pytest.raises(
        TypeError, match="with respect to floating arrays; got a Linear. For the parameters .*, see nn.functional_call"
    ):
        mg.grad(lambda model: mg.sum(model(np.ones(2))))(mg.nn.Linear(2, 1))


@pytest.mark.parametrize("mode", ["forward", "reverse", None])
@pytest.mark.parametrize("chunk_size", [1, 3, 100, None])
def test_modes_and_chunks_have_one_jacobian(mode, chunk_size):
    """Of trees, with arguments of other shapes and dtypes, some of them empty."""

    def f(p, q):
        return [np.outer(p["a"], q), {"s": np.sum(p["b"]) * q[0], "n": q[:0]}]

    p = {"a": rng.normal(size=2).astype(np.float32), "b": rng.normal(size=(2, 2)), "c": np.ones(0)}
    arguments = p, rng.normal(size=3)
    found = mg.jacobian(f, (0, 1), mode=mode, chunk_size=chunk_size)(*arguments)
    want = mg.jacobian(f, (0, 1))(*arguments)
    for y, other in zip(leaves(found), leaves(want), strict=True):
        assert (y.shape, y.dtype) == (other.shape, other.dtype)
        np.testing.assert_allclose(y, other, rtol=1e-6)


def test_a_hessian_in_chunks_is_of_one_function():
    """Random numbers are the same in each chunk, and for each argument."""
    for options in ({}, {"chunk_size": 1}, {"chunk_size": 3}, {"mode": "reverse", "chunk_size": 1}):
        generator = np.random.default_rng(0)

        def f(x, y, generator=generator):
            return (np.sum(x**2) + np.sum(y**2)) * mg.sample(generator, "normal")

        ((xx, _), (_, yy)) = mg.hessian(f, (0, 1), **options)(np.ones(2), np.ones(2))
        np.testing.assert_allclose(xx, np.eye(2) * 2 * np.random.default_rng(0).normal())
        np.testing.assert_allclose(yy, xx)


def test_options_of_a_jacobian_are_checked():
    with pytest.raises(ValueError, match="mode is 'forward', 'reverse', or None for the narrower one; got 'fwd'"):
        mg.jacobian(rosenbrock, mode="fwd")
    with pytest.raises(ValueError, match="chunk_size is an integer above 0, or None for all at once; got 0"):
        mg.hessian(rosenbrock, chunk_size=0)


def test_a_jacobian_inside_vmap_draws_once_for_each_entry():
    draw = mg.vmap(mg.jacobian(lambda x: x * mg.sample(5, "normal")))
    slopes = draw(np.ones((3, 2)))
    for slope in slopes:
        np.testing.assert_array_equal(slope, np.eye(2) * slope[0, 0])
    assert len(set(slopes[:, 0, 0].tolist())) == 3
