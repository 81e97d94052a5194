"""Parts of a data set, and data sets whose samples are computed."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.tree import tree_map
from .frames import is_frame
from .samples import count_of, in_arrays, rows, without_frames


class Subset:
    """Some samples of a data set that has ``len(data)`` and ``data[i]``.

    Parameters
    ----------
    data : sized indexable
    indices : sequence of int, each from 0 and below ``len(data)``
        In the order that the subset has.
    """

    def __init__(self, data: Any, indices: Sequence[int]) -> None:
        chosen = np.asarray(indices)
        if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "iu"):
            raise TypeError(
                f"indices is a sequence of integers; got one of shape {chosen.shape} and dtype {chosen.dtype}. "
                f"np.flatnonzero makes them of a mask"
            )
        count = count_of(data)
        if chosen.size and not 0 <= chosen.min() <= chosen.max() < count:
            raise ValueError(
                f"indices lie from 0 to {count - 1}, as there are {count} samples; got {chosen.min()} to {chosen.max()}"
            )
        self.data, self.indices = data, chosen.tolist()

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, i: int) -> Any:
        return sample_of(self.data, self.indices[i])


class Mapped:
    """A data set whose samples a function computes, each time that one is taken.

    The samples may be names of files, and the function read them: ``Mapped(paths, np.load)``. A generator that the
    function draws from, as that of random crops, is among those that `train.fit` keeps in a checkpoint.

    Parameters
    ----------
    data : whatever is the data of a `DataLoader`
    function : function of a sample
        Returns a sample: a number, an array, or a tree of these.
    """

    def __init__(self, data: Any, function: Callable[[Any], Any]) -> None:
        if not callable(function):
            raise TypeError(f"Mapped takes a function of a sample; got {function!r:.60}")
        self.data, self.function = without_frames(data) if in_arrays(data) or is_frame(data) else data, function
        count_of(self.data)

    def __len__(self) -> int:
        return count_of(self.data)

    def __getitem__(self, i: int) -> Any:
        return self.function(sample_of(self.data, i))


def sample_of(data: Any, i: int) -> Any:
    """A sample of arrays, or of a data set of samples."""
    if not in_arrays(data):
        return data[i]
    return tree_map(lambda x: rows(slice(i, i + 1), x)[0], data)


def random_split(data: Any, parts: Sequence[float], rng: Any = None) -> list[Any]:
    """A data set in parts that have no sample in common, drawn at random; each keeps the order of its samples.

    Parameters
    ----------
    data : whatever is the data of a `DataLoader`
    parts : sequence of int or of float
        How many samples each part has, all together; or the shares, whose sum is 1.
    rng : Generator, seed or None

    Returns
    -------
    list
        Of arrays, trees of arrays or frames like `data`, which are copies; of any other data set, of `Subset`.

    Raises
    ------
    ValueError
        If the parts do not add up, or one of them has no sample.
    """
    count = count_of(data)
    ends = np.cumsum(counts_of(parts, count))
    order = np.random.default_rng(rng).permutation(count)
    return [chosen_of(data, np.sort(part)) for part in np.split(order, ends[:-1])]


def counts_of(parts: Sequence[float], count: int) -> list[int]:
    """How many samples each part has; shares are rounded so that their sum is right."""
    given = np.asarray(parts)
    if given.ndim != 1 or not given.size or given.dtype.kind not in "iuf":
        raise TypeError(f"parts is a sequence of numbers of samples, or of shares; got {parts!r:.60}")
    if given.dtype.kind == "f" and not (np.all(given > 0) and np.isclose(given.sum(), 1)):
        raise ValueError(f"shares are above 0, and their sum is 1; got {parts!r:.60}")
    if given.dtype.kind != "f" and given.sum() != count:
        raise ValueError(f"there are {count} samples, and the parts have {given.sum()} together; got {parts!r:.60}")
    counts = np.diff(np.round(np.cumsum(given) * count), prepend=0) if given.dtype.kind == "f" else given
    if counts.min() < 1:
        raise ValueError(f"each part has at least one of the {count} samples; got {parts!r:.60}")
    return [int(x) for x in counts]


def chosen_of(data: Any, indices: np.ndarray) -> Any:
    """Some samples of a data set, in a data set of the same kind if it is made of arrays."""
    if not in_arrays(data) and not is_frame(data):
        return Subset(data, indices.tolist())
    return tree_map(lambda x: x.iloc[indices] if is_frame(x) else without_frames(x)[indices], data)
