"""What a batch costs: gradients of each example, Jacobians and networks at once, beside PyTorch, JAX and NumPy."""

from .timing import medians, peer, prepare, report

if __name__ == "__main__":
    prepare()

import numpy as np

import minigrad as mg

RNG = np.random.default_rng(0)
PARAMS = [RNG.normal(size=s) / 3 for s in ((10, 32), (32,), (32, 1), (1,))]
X, Y = RNG.normal(size=(128, 10)), RNG.normal(size=(128, 1))
MATRIX, POINT = RNG.normal(size=(32, 10)), RNG.normal(size=(10, 10))
PLACE = RNG.normal(size=20)


def loss(xp, p, x, y):
    return (((xp.tanh(x @ p[0] + p[1]) @ p[2] + p[3]) - y) ** 2).sum()


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def of_torch(torch):
    """Per-example gradients, and a Jacobian, of PyTorch."""
    params, x, y = [torch.tensor(p) for p in PARAMS], torch.tensor(X), torch.tensor(Y)
    matrix, point = torch.tensor(MATRIX), torch.tensor(POINT)
    slopes = torch.func.vmap(torch.func.grad(lambda p, x, y: loss(torch, p, x, y)), (None, 0, 0))
    jacobian = torch.func.jacrev(lambda p: matrix @ p)
    return lambda: slopes(params, x, y), lambda: jacobian(point)


def of_jax(jax):
    """Per-example gradients, and a Hessian, of JAX, compiled."""
    jax.config.update("jax_enable_x64", True)
    slopes = jax.jit(jax.vmap(jax.grad(lambda p, x, y: loss(jax.numpy, p, x, y)), (None, 0, 0)))
    hessian = jax.jit(jax.hessian(rosenbrock))
    params, x, y, place = jax.device_put((PARAMS, X, Y, PLACE))
    return (
        lambda: jax.block_until_ready(slopes(params, x, y)),
        lambda: hessian(place).block_until_ready(),
    )


# 100 networks 2-16-1, trained by gradient descent on 64 points

POINTS, TARGETS = RNG.normal(size=(64, 2)), RNG.normal(size=(64, 1))
NETWORKS = [RNG.normal(size=s) / 2 for s in ((100, 2, 16), (100, 1, 16), (100, 16, 1), (100, 1, 1))]


def trained_by_hand():
    a, b, c, d = [w.copy() for w in NETWORKS]

    def step():
        h = np.tanh(POINTS @ a + b)
        g = (h @ c + d - TARGETS) * (2 / len(POINTS))
        gh = (g @ c.swapaxes(1, 2)) * (1 - h * h)
        slopes = POINTS.T @ gh, gh.sum(axis=1, keepdims=True), h.swapaxes(1, 2) @ g, g.sum(axis=1, keepdims=True)
        for w, slope in zip((a, b, c, d), slopes, strict=True):
            w -= 0.01 * slope

    return step


def trained_by_vmap():
    networks = [w.copy() for w in NETWORKS]

    def error(p):
        a, b, c, d = p
        return np.mean((np.tanh(POINTS @ a + b) @ c + d - TARGETS) ** 2)

    slopes_of = mg.vmap(mg.grad(error))

    def step():
        for w, slope in zip(networks, slopes_of(networks), strict=True):
            w -= 0.01 * slope

    return step


def main():
    slopes = mg.vmap(mg.grad(lambda p, x, y: loss(np, p, x, y)), (None, 0, 0))
    compiled = mg.compile(slopes)
    hessians = {b: mg.compile(mg.hessian(rosenbrock), backend=b) for b in ("numpy", "native")}
    eager = {"minigrad": lambda: slopes(PARAMS, X, Y)}
    jacobian = {"minigrad": lambda: mg.jacobian(lambda p: MATRIX @ p)(POINT)}
    fast = {"minigrad, numpy": lambda: compiled(PARAMS, X, Y)}
    curvature = {f"minigrad, {b}": lambda h=h: h(PLACE) for b, h in hessians.items()}
    if (torch := peer("torch")) is not None:
        eager["torch.func"], jacobian["torch.func.jacrev"] = of_torch(torch)
    if (jax := peer("jax")) is not None:
        fast["jax.jit"], curvature["jax.jit"] = of_jax(jax)
    for title, contenders in (
        ("gradients of 128 examples, 10-32-1 network", eager),
        ("the same, compiled", fast),
        ("Jacobian of a product, 320 outputs", jacobian),
        ("Hessian of 20 numbers, compiled", curvature),
        ("100 networks 2-16-1, a step", {"minigrad": trained_by_vmap(), "by hand": trained_by_hand()}),
    ):
        report(title, medians(contenders), next(name for name in reversed(contenders)))


if __name__ == "__main__":
    main()
