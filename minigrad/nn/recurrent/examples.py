"""How recurrent networks take a batch: where the weights are shared, the examples of all entries are more examples."""

import numpy as np

from ...rules.batching import one_by_one


def _side_by_side(x):
    # (entries, ..., n) as (..., entries * n).
    x = np.moveaxis(x, 0, -2)
    return np.reshape(x, (*x.shape[:-2], x.shape[-2] * x.shape[-1]))


def _repeated(alive, size):
    return None if alive is None else np.tile(alive, size)


def with_examples_last(place):
    """A function of [p, w, b, *states], of which all but w and b have examples last; `alive` is at a place of the rest.

    Entries that have weights of their own are called one after the other.
    """

    def declaration(call):
        p, w, b = call.operands[:3]
        if call.own[1] or call.own[2]:
            return one_by_one(call)
        others = [_side_by_side(call.full(i)) for i in range(3, len(call.operands))]
        rest = [_repeated(x, call.size) if i == place else x for i, x in enumerate(call.rest)]
        options = {key: _repeated(x, call.size) if key == "alive" else x for key, x in call.kwargs.items()}
        y = call.result([_side_by_side(call.full(0)), w, b, *others], *rest, **options)
        n = p.shape[-1]
        return np.moveaxis(np.reshape(y, (*y.shape[:-1], call.size, n)), -2, 0)

    return declaration
