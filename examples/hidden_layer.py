"""A hidden layer
==============

A network with a hidden layer, twice: with a sigmoid in that layer, and with tanh. Only one word changes.

Run it: python examples/hidden_layer.py
"""

import sys

import numpy as np

import minigrad as mg
from minigrad import optim

# %%
# The data: the exclusive or of the first two inputs. No single neuron can compute it, so it needs a hidden layer.

x = mg.tensor([[0.0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
y = mg.tensor([[0.0], [1], [1], [0]])

# %%
# The activation of the hidden layer is an argument: any function of an array will do; its derivative follows.


def train(activation, steps=60_000):
    """Train from the same start with a given activation of the hidden layer; returns the errors on the way."""
    rng = np.random.RandomState(1)
    first = mg.tensor(2 * rng.random_sample((3, 4)) - 1, requires_grad=True)
    second = mg.tensor(2 * rng.random_sample((4, 1)) - 1, requires_grad=True)
    optimizer = optim.SGD([first, second], lr=1.0)
    errors = []
    for step in range(steps):
        hidden = activation(x @ first)
        output = mg.sigmoid(hidden @ second)
        difference = output - y
        loss = mg.sum(difference**2) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10_000 == 0:
            errors.append(abs(difference).mean().item())
            print(f"step {step:6}: mean absolute error {errors[-1]:.10f}")
    return errors


# %%
# With tanh the errors are smaller after the same number of steps.

if __name__ == "__main__":
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 60_000
    print("sigmoid in the hidden layer")
    train(mg.sigmoid, steps)
    print("tanh in the hidden layer")
    train(mg.tanh, steps)

# sphinx_gallery_thumbnail_path = "_static/hidden_layer.svg"
