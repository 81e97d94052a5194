"""Arrays in the place of loaders, and how many samples of them validate."""

from numbers import Number
from typing import Any

import numpy as np

from ..core.tree import leaves, tree_map
from ..data import DataLoader
from ..data.frames import is_frame
from ..data.samples import count_of, is_arraylike, without_frames

BATCH = 32  # samples, where nothing is said


def is_number(x: Any) -> bool:
    """Whether it is one number, and no array of them."""
    return isinstance(x, Number) or getattr(x, "shape", None) == ()


def loaders_of(x: Any, y: Any, epochs: Any, validation: Any, batch_size: Any, rng: Any) -> tuple[Any, Any, Any]:
    """The loader, the validation and the epochs that `fit` was given, in either of its forms."""
    if y is not None and is_number(y):
        if epochs is not None:
            raise TypeError(f"fit takes targets, or the number of epochs; got {y!r} and epochs={epochs!r}")
        y, epochs = None, y
    if epochs is None:
        raise TypeError("say how many epochs to train: epochs=...")
    if y is None:
        refuse_with_loader(batch_size=batch_size, rng=rng)
        if validation is not None and is_number(validation):
            raise TypeError(
                f"a share of the samples is taken from arrays alone: fit(model, loss, optimizer, X, y, ...); got "
                f"validation={validation!r} beside a loader. Pass a loader of other samples"
            )
        return x, validation, epochs
    data, size = checked_pair(x, y), BATCH if batch_size is None else batch_size
    if validation is not None and is_number(validation):
        data, validation = split(data, validation)
        validation = DataLoader(validation, size)
    elif isinstance(validation, tuple):
        if len(validation) != 2:
            raise ValueError(f"validation is (X, y) beside arrays, or a loader; got a tuple of {len(validation)}")
        validation = DataLoader(checked_pair(*validation, of="the validation's "), size)
    return DataLoader(data, size, shuffle=True, rng=rng), validation, epochs


def refuse_with_loader(**given: Any) -> None:
    """Refuse what says how batches are made where they are made already."""
    for name, value in given.items():
        if value is not None:
            raise TypeError(
                f"{name} says how arrays X and y are made batches; got it beside a loader. Give it to the loader: "
                f"data.DataLoader(..., {name}={value!r:.40})"
            )


def batches_of(x: Any, y: Any, batch_size: Any) -> Any:
    """Batches in the order of the samples, or the loader itself."""
    if y is None:
        refuse_with_loader(batch_size=batch_size)
        return x
    return DataLoader(checked_pair(x, y), BATCH if batch_size is None else batch_size)


def checked_pair(x: Any, y: Any, of: str = "") -> tuple[Any, Any]:
    """Inputs and targets as arrays, of as many samples.

    Raises
    ------
    TypeError
        If they are not arrays of numbers, or trees of these.
    ValueError
        If they have not the same number of samples.
    """
    pair = checked_arrays(f"{of}X", x), checked_arrays(f"{of}y", y)
    counts = [count_of(part) for part in pair]
    if counts[0] != counts[1]:
        raise ValueError(f"{of}X has {counts[0]} samples and {of}y has {counts[1]}: there is a target for each")
    return pair


def checked_arrays(name: str, tree: Any) -> Any:
    """A tree of arrays of numbers, those of frames among them."""
    for part in leaves(tree):
        if not is_arraylike(part) and not is_frame(part):
            raise TypeError(
                f"{name} is an array with the samples along its first axis, or a tuple or dict of these; got a "
                f"{type(tree).__name__}{' of ' + type(part).__name__ if part is not tree else ''}. Make it one: "
                f"np.asarray({name.split()[-1]}), or pass a data.DataLoader"
            )
        if getattr(getattr(part, "dtype", None), "kind", "f") in "OSUmM":
            own = name.split()[-1]
            remedy = (
                f"classes, {own} = np.unique({own}, return_inverse=True)" if own == "y" else "encode it, as one-hot"
            )
            raise TypeError(f"{name} holds {part.dtype}, and networks compute with numbers. Make it numbers: {remedy}")
    return without_frames(tree)


def split(data: Any, share: Any) -> tuple[Any, Any]:
    """The samples to train with, and those to validate with, which are drawn.

    The draw depends on the number of samples alone, so that it is the same when a run is resumed and on all ranks.
    """
    count = count_of(data)
    if isinstance(share, bool) or not 0 < share < 1:
        raise ValueError(f"validation is a share of the samples, between 0 and 1, or (X, y); got {share!r}")
    held = round(count * share)
    if not 0 < held < count:
        raise ValueError(
            f"validation={share!r} of {count} samples leaves {count - held} to train with and {held} to validate with: "
            f"both take at least one"
        )
    order = np.random.default_rng(0).permutation(count)
    train, validation = (np.sort(part) for part in (order[held:], order[:held]))
    return tree_map(lambda x: x[train], data), tree_map(lambda x: x[validation], data)
