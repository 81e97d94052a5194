"""Small programs of scientists, compiled, beside jax.jit: an orbit, a pendulum, a Hessian, and two likelihoods.

All take turns in one process, in double precision; the contender of minigrad is written as a user of NumPy would.
Those that go many steps make them in one call: minigrad by `scan` and `repeat`, or call by call, and JAX in a loop of
its own.
"""

from .timing import medians, peer, prepare, report

if __name__ == "__main__":
    prepare()

import numpy as np

import minigrad as mg
from minigrad import optim

BACKENDS = ("numpy", "native")
STEPS = 1000
BODIES = 8
X = np.random.default_rng(0).normal(size=(60, 2))
Y = np.sin(X.sum(axis=1))
POINTS = np.random.default_rng(1).uniform(-1, 1, (128, 1))


def rk4(velocity, state, h):
    """A step of the classical Runge-Kutta method."""
    a = velocity(state)
    b = velocity(state + h / 2 * a)
    c = velocity(state + h / 2 * b)
    return state + h / 6 * (a + 2 * b + 2 * c + velocity(state + h * c))


def pendulum(xp):
    """The state after STEPS steps: an angle and its velocity."""
    return lambda state: rk4(lambda s: xp.stack([s[1], -xp.sin(s[0])]), state, 0.01)


def energy(xp, positions):
    """Of bodies of mass 1 that attract each other, softened at short distances."""
    between = positions[:, None] - positions[None]
    return -xp.sum(1 / xp.sqrt(xp.sum(between**2, axis=-1) + 0.1)) / 2


def rosenbrock(xp, x):
    return xp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def likelihood(xp, logs):
    """Minus the logarithm of a Gaussian process's likelihood, by the logarithms of length, scale and noise."""
    squares = xp.sum(X**2, axis=1)
    distances = squares[:, None] + squares[None] - 2 * X @ X.T
    k = xp.exp(2 * logs[1] - 0.5 * distances * xp.exp(-2 * logs[0])) + xp.exp(2 * logs[2]) * np.eye(len(X))
    lower = xp.linalg.cholesky(k)
    z = xp.linalg.solve(lower, Y)
    return 0.5 * xp.sum(z * z) + xp.sum(xp.log(xp.diagonal(lower)))


def mixture(xp, params, logsumexp):
    """Minus the mean logarithm of a mixture of 5 normal densities, whose parameters a network answers with."""
    hidden = xp.tanh(POINTS @ params["w"] + params["b"])
    out = hidden @ params["v"] + params["c"]
    logits, mean, log_scale = out[:, :5], out[:, 5:10], out[:, 10:]
    target = POINTS + 0.3 * np.sin(6 * POINTS)
    logs = logits - logsumexp(logits, axis=1, keepdims=True) - log_scale
    logs = logs - 0.5 * ((target - mean) / xp.exp(log_scale)) ** 2
    return -xp.mean(logsumexp(logs, axis=1))


def weights():
    rng = np.random.default_rng(0)
    shapes = {"w": (1, 20), "b": (20,), "v": (20, 15), "c": (15,)}
    return {name: rng.normal(size=shape) * 0.3 for name, shape in shapes.items()}


def in_minigrad(backend):
    """The works, by name."""
    start = np.array([1.0, 0.0])
    swing = mg.compile(pendulum(np), backend=backend)

    def swings():
        state = start
        for _ in range(STEPS):
            state = swing(state)
        return state

    kept = start.copy()

    def advance():
        kept[:] = pendulum(np)(kept)

    advance = mg.compile(advance, backend=backend)
    pull = mg.compile(mg.grad(lambda p: energy(np, p)), backend=backend)
    bodies = np.random.default_rng(2).normal(size=(BODIES, 3))
    hessian = mg.compile(mg.hessian(lambda x: rosenbrock(np, x)), backend=backend)
    process = mg.compile(mg.value_and_grad(lambda logs: likelihood(np, logs)), backend=backend)
    params = {name: mg.tensor(x, requires_grad=True) for name, x in weights().items()}
    optimizer = optim.SGD(params.values(), lr=0.01)

    def learn():
        optimizer.zero_grad()
        loss = mixture(mg, params, mg.logsumexp)
        loss.backward()
        optimizer.step()
        return loss.detach()

    x, logs = np.linspace(-1, 1, 20), np.array([0.1, 0.2, -1.0])
    return {
        "pendulum, 1,000 calls": swings,
        "pendulum, repeat": lambda: advance.repeat(STEPS),
        "bodies": lambda: pull(bodies),
        "Hessian of 20": lambda: hessian(x),
        "Gaussian process": lambda: process(logs),
        "mixture density": mg.compile(learn, backend=backend),
    }


def in_jax(jax):
    """The works, by name."""
    jax.config.update("jax_enable_x64", True)
    jnp, wait = jax.numpy, jax.block_until_ready
    swing = jax.jit(pendulum(jnp))
    many = jax.jit(lambda state: jax.lax.fori_loop(0, STEPS, lambda _, s: pendulum(jnp)(s), state))
    start, bodies = jnp.array([1.0, 0.0]), jnp.array(np.random.default_rng(2).normal(size=(BODIES, 3)))
    pull = jax.jit(jax.grad(lambda p: energy(jnp, p)))
    hessian = jax.jit(jax.hessian(lambda x: rosenbrock(jnp, x)))
    process = jax.jit(jax.value_and_grad(lambda logs: likelihood(jnp, logs)))
    params = {name: jnp.array(x) for name, x in weights().items()}

    @jax.jit
    def learn(params):
        loss, slopes = jax.value_and_grad(lambda p: mixture(jnp, p, jax.scipy.special.logsumexp))(params)
        return loss, {name: x - 0.01 * slopes[name] for name, x in params.items()}

    def swings():
        state = start
        for _ in range(STEPS):
            state = swing(state)
        return wait(state)

    x, logs = jnp.linspace(-1, 1, 20), jnp.array([0.1, 0.2, -1.0])
    return {
        "pendulum, 1,000 calls": swings,
        "pendulum, repeat": lambda: wait(many(start)),
        "bodies": lambda: wait(pull(bodies)),
        "Hessian of 20": lambda: wait(hessian(x)),
        "Gaussian process": lambda: wait(process(logs)),
        "mixture density": lambda: wait(learn(params)),
    }


def main():
    jax = peer("jax")
    of = {backend: in_minigrad(backend) for backend in BACKENDS}
    if jax is not None:
        of["jax.jit"] = in_jax(jax)
    for work in of["numpy"]:
        report(work, medians({name: works[work] for name, works in of.items()}), "jax.jit")


if __name__ == "__main__":
    main()
