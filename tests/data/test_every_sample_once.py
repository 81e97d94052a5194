"""Property: whatever the data set and the options, an epoch has every sample once, with its value and dtype."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import DataLoader

DTYPES = ("?", "i1", "i4", "i8", "u1", "u8", "f2", "f4", "f8", "U3", "S2", "M8[s]")
LAYOUTS = {
    "C": lambda x: x,
    "Fortran": np.asfortranarray,
    "transposed": lambda x: np.ascontiguousarray(x.T).T,
    "reversed": lambda x: x[::-1].copy()[::-1],
    "strided": lambda x: np.repeat(x, 2, axis=0)[::2],
    "read-only": lambda x: np.lib.stride_tricks.as_strided(x, writeable=False),
    "other byte order": lambda x: x.astype(x.dtype.newbyteorder()),
}


@st.composite
def loaders(draw):
    """The values that a data set has, the data set, and a function that makes loaders of it."""
    samples, width = draw(st.integers(1, 17)), draw(st.sampled_from([(), (1,), (3,), (2, 0)]))
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    values = (np.arange(samples * int(np.prod(width))).reshape(samples, *width) % 100).astype(dtype)
    values = LAYOUTS[draw(st.sampled_from(list(LAYOUTS)))](values)
    place = np.arange(samples)
    form = draw(st.sampled_from(["tuple", "dict", "samples"]))
    data = {
        "tuple": (place, values),
        "dict": {"place": place, "values": values},
        "samples": [(i, values[i]) for i in range(samples)],
    }[form]
    batch_size = draw(st.integers(1, samples))
    options = {name: draw(st.booleans()) for name in ("shuffle", "drop_last")} | {"rng": draw(st.integers(0, 99))}
    options["prefetch"] = draw(st.sampled_from([0, 1, 3]))
    return values, DataLoader(data, batch_size, **options)


@given(loaders(), st.integers(1, 2))
def test_every_sample_comes_once_in_every_epoch(made, epochs):
    """As many as are not dropped, each with its own value, and with the dtype and byte order of the data set."""
    values, loader = made
    kept = len(loader) * loader.batch_size if loader.drop_last else len(values)
    for _ in range(epochs):
        seen = []
        for batch in loader:
            place, found = batch.values() if isinstance(batch, dict) else batch
            if found.dtype.kind not in "US":  # a single string has a length of its own
                assert found.dtype.newbyteorder("=") == values.dtype.newbyteorder("=")
            np.testing.assert_array_equal(found, values[place])
            seen += place.tolist()
        assert len(seen) == len(set(seen)) == kept
        assert loader.shuffle or seen == list(range(kept))


@given(loaders(), st.sampled_from([0, 1, 3]))
def test_prefetching_changes_no_batch(made, prefetch):
    """The batches of a loader are those of one like it that prefetches another number."""
    _, loader = made
    other = DataLoader(
        loader.data, loader.batch_size, shuffle=loader.shuffle, drop_last=loader.drop_last, prefetch=prefetch
    )
    other.load_state_dict(loader.state_dict())
    for a, b in zip(loader, other, strict=True):
        np.testing.assert_equal(a, b)
