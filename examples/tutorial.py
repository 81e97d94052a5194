"""The tutorial's network
======================

The ten-line network of the tutorial, without its hand-written derivative.

Run it: python examples/tutorial.py
"""

import time

import numpy as np

import minigrad as mg
from minigrad import optim

# %%
# The network, as you would write it: a forward pass, a loss, an optimizer. ``backward()`` computes the gradient.

x = mg.tensor([[0.0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]])
y = mg.tensor([[0.0], [1], [1], [0]])
weights = mg.tensor(np.random.RandomState(1).rand(3, 1), requires_grad=True)
optimizer = optim.SGD([weights], lr=1.0)


def train(epochs):
    for _ in range(epochs):
        output = mg.sigmoid(x @ weights)
        loss = mg.sum((output - y) ** 2) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return output


# %%
# The tutorial's own loop beside it, with the derivative of the sigmoid written by hand.


def train_by_hand(epochs):
    inputs, outputs = x.numpy(), y.numpy()
    weights = np.random.RandomState(1).rand(3, 1)
    for _ in range(epochs):
        output = 1 / (1 + np.exp(-np.dot(inputs, weights)))
        weights += np.dot(inputs.T, (outputs - output) * output * (1 - output))
    return output


# %%
# Both print the same four numbers. The last digits agree as well, as minigrad makes the same calls of NumPy.


def timed(function, *args):
    start = time.perf_counter()
    return function(*args), time.perf_counter() - start


def main():
    output, seconds = timed(train, 10_000)
    by_hand, seconds_by_hand = timed(train_by_hand, 10_000)
    print("Output after training:")
    print(output.detach().numpy())
    print(f"Largest difference from the hand-written loop: {abs(output.detach().numpy() - by_hand).max():.1e}")
    print(f"10,000 epochs: {seconds:.3f} s, by hand {seconds_by_hand:.3f} s")


if __name__ == "__main__":
    main()

# sphinx_gallery_thumbnail_path = "_static/ten_lines.svg"
