"""Orders of the samples in an epoch, for the `sampler` of a loader."""

from typing import Any

import numpy as np

from .samples import checked_count


class Weighted:
    """Draws with replacement: a sample is drawn as often, on average, as its weight says.

    Parameters
    ----------
    weights : array of shape (samples,), at least 0
        In any unit; ``1 / np.bincount(labels)[labels]`` draws all classes equally often.
    """

    def __init__(self, weights: Any) -> None:
        self.weights = np.asarray(weights, dtype=float)
        if self.weights.ndim != 1 or not np.all(self.weights >= 0) or not 0 < self.weights.sum() < np.inf:
            raise ValueError(
                f"weights are finite numbers, at least 0 and not all 0, one for each sample; got an array of shape "
                f"{self.weights.shape} with the sum {self.weights.sum()}"
            )

    def __call__(self, samples: int, rng: np.random.Generator) -> np.ndarray:
        refuse_other_length("weights", self.weights, samples)
        return rng.choice(samples, samples, p=self.weights / self.weights.sum())


class Grouped:
    """Batches of samples that are alike, as sequences of about one length are, in an order that is drawn.

    Parameters
    ----------
    keys : array of shape (samples,)
        What is alike in a batch, such as lengths. Which of equal samples share a batch is drawn for each epoch.
    batch_size : int > 0
        That of the loader.
    """

    def __init__(self, keys: Any, batch_size: int) -> None:
        self.keys, self.batch_size = np.asarray(keys), checked_count("batch_size", batch_size, 1)
        if self.keys.ndim != 1:
            raise ValueError(f"keys has one for each sample; got an array of shape {self.keys.shape}")

    def __call__(self, samples: int, rng: np.random.Generator) -> np.ndarray:
        refuse_other_length("keys", self.keys, samples)
        order = rng.permutation(samples)
        order = order[np.argsort(self.keys[order], kind="stable")]
        whole = samples // self.batch_size * self.batch_size  # the shorter batch stays the last
        batches = rng.permutation(order[:whole].reshape(-1, self.batch_size))
        return np.concatenate([batches.reshape(-1), order[whole:]])


def refuse_other_length(name: str, values: np.ndarray, samples: int) -> None:
    if len(values) != samples:
        raise ValueError(f"{name} has one for each sample, of which there are {samples}; got {len(values)}")


def checked_order(order: Any, samples: int) -> np.ndarray:
    """What a sampler returned: as many indices of samples as there are samples."""
    found = np.asarray(order)
    if found.shape != (samples,) or found.dtype.kind not in "iu" or found.min() < 0 or found.max() >= samples:
        raise ValueError(
            f"a sampler returns {samples} integers from 0 to {samples - 1}, as there are samples; got an array of "
            f"shape {found.shape} and dtype {found.dtype}: {found!r:.60}"
        )
    return found
