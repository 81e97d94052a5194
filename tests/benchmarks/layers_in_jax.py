"""The networks of `layers` in plain JAX, whose whole step is compiled: parameters by minigrad's names."""

B1, B2, EPS = 0.9, 0.999, 1e-8


def lenet(p, x):
    import jax
    import jax.numpy as jnp

    def convolved(x, i, padding):
        y = jax.lax.conv_general_dilated(x, p[f"{i}.weight"], (1, 1), [(padding, padding)] * 2)
        return jnp.tanh(y + p[f"{i}.bias"][:, None, None])

    def pooled(x):
        return jax.lax.reduce_window(x, 0.0, jax.lax.add, (1, 1, 2, 2), (1, 1, 2, 2), "VALID") / 4

    h = pooled(convolved(pooled(convolved(x, 0, 2)), 3, 0)).reshape(len(x), -1)
    for i in (7, 9):
        h = jnp.tanh(h @ p[f"{i}.weight"] + p[f"{i}.bias"])
    return h @ p["11.weight"] + p["11.bias"]


def normalised(p, name, x):
    import jax.numpy as jnp

    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / jnp.sqrt(variance + 1e-5) * p[f"{name}.weight"] + p[f"{name}.bias"]


def encoded(p, name, x):
    """A causal layer of a transformer, normalised first."""
    import jax
    import jax.numpy as jnp

    def linear(part, x):
        return x @ p[f"{name}.{part}.weight"] + p[f"{name}.{part}.bias"]

    h = normalised(p, f"{name}.norm1", x)
    q, k, v = (linear(f"self_attn.{part}_proj", h).reshape(16, 64, 4, 16) for part in "qkv")
    scores = jnp.einsum("bihd,bjhd->bhij", q, k) / 4
    weights = jax.nn.softmax(jnp.where(jnp.tri(64, dtype=bool), scores, -jnp.inf))
    x = x + linear("self_attn.out_proj", jnp.einsum("bhij,bjhd->bihd", weights, v).reshape(16, 64, 64))
    h = linear("linear1", normalised(p, f"{name}.norm2", x))
    return x + linear("linear2", jax.nn.relu(h))


def transformer(p, tokens, places):
    x = p["tokens.weight"][tokens] + p["places.weight"][places]
    x = encoded(p, "second", encoded(p, "first", x))
    return (normalised(p, "norm", x) @ p["head.weight"] + p["head.bias"]).reshape(-1, 65)


def lstm(p, characters):
    import jax
    import jax.numpy as jnp

    x = p["embedding.weight"][characters] @ p["lstm.weight_ih_l0"].T + p["lstm.bias_ih_l0"] + p["lstm.bias_hh_l0"]

    def step(carry, x):
        h, c = carry
        i, f, g, o = jnp.split(x + h @ p["lstm.weight_hh_l0"].T, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zeros = jnp.zeros((x.shape[1], 64), x.dtype)
    _, h = jax.lax.scan(step, (zeros, zeros), x)
    return (h @ p["head.weight"] + p["head.bias"]).reshape(-1, 65)


NETWORKS = {"lenet": lenet, "transformer": transformer, "lstm": lstm}


def training_step(name, params, inputs, labels, lr=1e-3):
    """A step of Adam, with AdamW's decay for the transformer, whose memory is used again."""
    import jax
    import jax.numpy as jnp

    decay = 1 - lr * 1e-2 if name == "transformer" else 1.0
    rows = jnp.arange(len(labels))

    def loss_of(p):
        return -jnp.mean(jax.nn.log_softmax(NETWORKS[name](p, *inputs))[rows, labels])

    def update(p, means, squares, t):
        t = t + 1
        loss, gradients = jax.value_and_grad(loss_of)(p)
        means = jax.tree.map(lambda m, g: B1 * m + (1 - B1) * g, means, gradients)
        squares = jax.tree.map(lambda v, g: B2 * v + (1 - B2) * g * g, squares, gradients)
        p = jax.tree.map(
            lambda p, m, v: decay * p - lr / (1 - B1**t) * m / (jnp.sqrt(v / (1 - B2**t)) + EPS), p, means, squares
        )
        return loss, (p, means, squares, t)

    update = jax.jit(update, donate_argnums=(0, 1, 2, 3))
    inputs, labels = [jnp.asarray(x) for x in inputs], jnp.asarray(labels)
    state = [jax.tree.map(make, params) for make in (jnp.asarray, jnp.zeros_like, jnp.zeros_like)] + [jnp.float32(0)]

    def step():
        nonlocal state
        loss, state = jax.block_until_ready(update(*state))
        return loss

    return step
