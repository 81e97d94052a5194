"""Einstein's summation convention, made of transposes, sums and matrix products: these have the derivatives."""

from collections import Counter

import numpy as np

from ..core.primitive import composed
from ..rules.reductions import total

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@composed(np.einsum)
def einsum(subscripts, *operands, optimize=True):
    if not isinstance(subscripts, str):
        subscripts, operands = _from_lists((subscripts, *operands))
    labels, target = _parse(subscripts, [np.shape(x) for x in operands])
    lengths = _lengths(labels, [np.shape(x) for x in operands], subscripts)
    terms = [_term(x, own, lengths) for x, own in zip(operands, labels, strict=True)]
    for pair in _contraction_order(terms, target, optimize):
        chosen = [terms.pop(i) for i in sorted(pair, reverse=True)][::-1]
        needed = set(target).union(*(own for _, own in terms))
        chosen = [_sum_out(*term, needed.union(*(o for other, o in chosen if other is not term[0]))) for term in chosen]
        terms.append(_product(*chosen, needed) if len(chosen) == 2 else _sum_out(*chosen[0], needed))
    x, own = terms[0]
    missing = [label for label in target if label not in own]  # whose length is 1
    x = np.reshape(x, (*x.shape, *(1,) * len(missing)))
    return np.transpose(x, [(own + missing).index(label) for label in target])


def _from_lists(parts):
    """The other form that NumPy takes: array, list of numbers, ..., perhaps the list of the result."""

    def spell(numbers):
        return "".join("..." if n is Ellipsis else LETTERS[checked(n)] for n in numbers)

    def checked(n):
        if not isinstance(n, int | np.integer) or not 0 <= n < len(LETTERS):
            raise ValueError(
                f"einsum takes a string first, or arrays each with a list of numbers from 0 to 51; got {n!r}"
            )
        return n

    count = len(parts) // 2
    subscripts = ",".join(spell(numbers) for numbers in parts[1 : 2 * count : 2])
    return subscripts + ("->" + spell(parts[-1]) if len(parts) % 2 else ""), parts[0 : 2 * count : 2]


def _parse(subscripts, shapes):
    """The labels of each operand's axes, and of the result's; the axes of an ellipsis have numbers for labels."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(shapes):
        raise ValueError(f"{subscripts!r} is of {len(inputs)} arrays; got {len(shapes)}")
    labels = [_labels(text, subscripts, len(shape)) for text, shape in zip(inputs, shapes, strict=True)]
    count = Counter(label for own in labels for label in own)
    hidden = sorted((label for label in count if isinstance(label, int)), reverse=True)
    if not arrow:
        return labels, hidden + sorted(label for label, n in count.items() if n == 1 and label not in hidden)
    if hidden and "..." not in right:
        raise ValueError(f"the result of {subscripts!r} has no '...' for the axes that it stands for in the arrays")
    target = _labels(right, subscripts, len(right.replace("...", "")) + len(hidden))
    if len(set(target)) < len(target) or not set(target) <= set(count):
        raise ValueError(f"the result of {subscripts!r} has each index once, and only those of the arrays")
    return labels, target


def _labels(text, subscripts, ndim):
    before, dots, after = text.partition("...")
    if not set(before + after) <= set(LETTERS):
        raise ValueError(f"{subscripts!r} has something other than letters, commas, '...' and one '->'")
    hidden = ndim - len(before + after)
    if hidden < 0 or (hidden and not dots):
        raise ValueError(f"{text!r} in {subscripts!r} is of {len(before + after)} axes; got an array of {ndim}")
    return [*before, *range(hidden, 0, -1), *after]


def _lengths(labels, shapes, subscripts):
    lengths = {}
    for own, shape in zip(labels, shapes, strict=True):
        for label, n in zip(own, shape, strict=True):
            if n != 1 and lengths.setdefault(label, n) != n:
                raise ValueError(f"the index {label} of {subscripts!r} is of length {lengths[label]}; got {n}")
    return lengths


def _term(x, own, lengths):
    """An operand with each label once: diagonals for repeated ones, and none for length 1 where others are longer."""
    kept = [i for i, label in enumerate(own) if np.shape(x)[i] == lengths.get(label, 1) != 1]
    x, own = np.reshape(x, [np.shape(x)[i] for i in kept]), [own[i] for i in kept]
    for label in [label for label, n in Counter(own).items() if n > 1]:
        while own.count(label) > 1:
            i, j = [k for k, other in enumerate(own) if other == label][:2]
            x = np.diagonal(x, 0, i, j)
            own = [other for k, other in enumerate(own) if k not in (i, j)] + [label]
    return x, own


def _contraction_order(terms, target, optimize):
    """Which terms to multiply next, as positions in what is left of the list; each product goes to its end."""
    if len(terms) < 3 or not optimize:
        return [(0,)] if len(terms) == 1 else [(0, 1)] * (len(terms) - 1)
    letters = {label: LETTERS[i] for i, label in enumerate(dict.fromkeys(label for _, own in terms for label in own))}
    spelled = ["".join(letters[label] for label in own if label in letters) for own in (*(o for _, o in terms), target)]
    subscripts = ",".join(spelled[:-1]) + "->" + spelled[-1]
    shapes = [np.broadcast_to(0.0, x.shape) for x, _ in terms]
    path = np.einsum_path(subscripts, *shapes, optimize="greedy")[0][1:]
    # A last step may take all that are left at once.
    return [pair for step in path for pair in ([step] if len(step) == 2 else [(0, 1)] * (len(step) - 1))]


def _sum_out(x, own, needed):
    axes = tuple(i for i, label in enumerate(own) if label not in needed)
    if not axes:
        return x, own
    y = total(x, axis=axes)  # of small integers in a large type, where NumPy's einsum stays in their own
    return y if y.dtype == x.dtype else y.astype(x.dtype), [label for label in own if label in needed]


def _product(left, right, needed):
    """The product of two terms, summed over the labels that are not needed further: a stack of matrix products."""
    (a, of_a), (b, of_b) = left, right
    stack = [label for label in of_a if label in of_b and label in needed]
    inner = [label for label in of_a if label in of_b and label not in needed]
    rows = [label for label in of_a if label not in of_b]
    columns = [label for label in of_b if label not in of_a]
    a = _arranged(a, of_a, stack, rows, inner)
    b = _arranged(b, of_b, stack, inner, columns)
    lengths = [*a.shape[: len(stack) + len(rows)], *b.shape[b.ndim - len(columns) :]]
    y = np.matmul(_matrix(a, len(stack), len(rows)), _matrix(b, len(stack), len(inner)))
    return np.reshape(y, lengths), stack + rows + columns


def _arranged(x, own, *groups):
    return np.transpose(x, [own.index(label) for group in groups for label in group])


def _matrix(x, stack, rows):
    shape = x.shape
    return np.reshape(
        x, (*shape[:stack], int(np.prod(shape[stack : stack + rows])), int(np.prod(shape[stack + rows :])))
    )
