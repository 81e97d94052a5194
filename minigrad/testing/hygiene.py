"""What a rule must keep to before its numbers matter. No derivative is taken here.

Every check compares one more call of the rule with a first one, or looks at memory.
"""

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from .subject import Subject, SubjectError, contract_broken, last_bits


def check_contract(subject: Subject) -> None:
    """Raise `SubjectError` at the first promise that f or its rule breaks."""
    check_forward(subject)
    call_elsewhere(subject)
    u, v = (subject.cotangent() for _ in range(2))
    for g in (np.ones_like(u), u):
        check_memory(subject, g)
    check_repeats(subject, u, v)
    check_layouts(subject, u)
    check_linearity(subject, u, v)


def check_forward(subject: Subject) -> None:
    """f repeats itself, and changes neither its inputs nor what it returned before."""
    kept = subject.output.copy()
    again = subject.forward(subject.inputs).copy()
    subject.nearby()
    for name, x, saved in zip(subject.names, subject.inputs, subject.saved, strict=True):
        if not equal(x, saved):
            raise broken(f"f changes input {name} in place; it must work on a copy")
    if again.shape != kept.shape or not close(again, kept, 100 * subject.eps):
        raise broken("f is random: two calls at the same inputs differ", again, kept)
    if not equal(subject.output, kept):
        raise broken("f overwrites the output of its earlier call; it must return a new array")


def call_elsewhere(subject: Subject) -> None:
    """The rule's first call is for other inputs: what it keeps from there will be wrong later."""
    y, inputs = subject.nearby()
    with contextlib.suppress(SubjectError):  # nothing that happens elsewhere counts
        subject.backward(subject.cotangent(), y, inputs)


def check_memory(subject: Subject, g: np.ndarray) -> None:
    """A call changes nothing that it is given, and its gradients are memory of their own.

    Only the cotangent itself may be handed on: that is common practice, and engines expect it.
    """
    given = [("the cotangent g", g), ("the saved output y", subject.output)]
    given += [(f"input {name}", x) for name, x in zip(subject.names, subject.inputs, strict=True)]
    kept = [array.copy() for _, array in given]
    gradients, later = subject.backward(g), subject.backward(g.copy())
    for (name, array), before in zip(given, kept, strict=True):
        if not equal(array, before):
            raise broken(f"The rule changes {name} in place; it must return new arrays")
    given = given[1:] + [("the gradient of another call", other) for other in later]
    for k, gradient in zip(subject.moving, gradients, strict=True):
        for name, array in () if np.shares_memory(gradient, g) else given:
            if np.shares_memory(gradient, array):
                raise broken(f"Gradient {subject.names[k]} shares memory with {name}; return a copy")
        given.append((f"gradient {subject.names[k]}", gradient))


def check_repeats(subject: Subject, u: np.ndarray, v: np.ndarray) -> None:
    """The same question has the same answer, whatever was asked in between."""
    earlier = subject.backward(u)
    first = [gradient.copy() for gradient in earlier]
    for _ in range(3):
        subject.backward(v)
        compare(subject, first, subject.backward(u), "Two calls of the rule differ")
    if not all(map(equal, earlier, first)):
        raise broken("A call of the rule overwrites the gradients that an earlier call returned")
    subject.nearby()
    stale = "The rule uses what the latest forward call left behind, not what it is given"
    compare(subject, first, subject.backward(u), stale)
    subject.forward(subject.inputs)


def check_layouts(subject: Subject, u: np.ndarray) -> None:
    """Fortran order, gaps between entries and read-only memory change nothing."""
    first = [gradient.copy() for gradient in subject.backward(u)]
    for name, lay in (("Fortran order", in_fortran_order), ("memory with gaps", with_gaps)):
        message = "The rule gives another result for"
        compare(subject, first, subject.backward(lay(u)), f"{message} a cotangent in {name}", u)
        got = subject.backward(u, lay(subject.output), [lay(x) for x in subject.inputs])
        compare(subject, first, got, f"{message} inputs in {name}", u)
    flat = np.broadcast_to(u.reshape(-1)[:1].sum(), u.shape)
    message = "The rule gives another result for a read-only cotangent of stride zero"
    compare(subject, subject.backward(flat.copy()), subject.backward(flat), message, flat)


def in_fortran_order(x: np.ndarray) -> np.ndarray:
    return np.array(x, order="F")


def with_gaps(x: np.ndarray) -> np.ndarray:
    """The same values as every second entry of a larger buffer, the last axis backwards."""
    buffer = np.zeros((*x.shape[:-1], 2 * x.shape[-1]) if x.ndim else (2,), x.dtype)
    view = buffer[..., ::-2] if x.ndim else buffer[:1].reshape(())
    view[...] = x
    return view


def check_linearity(subject: Subject, u: np.ndarray, v: np.ndarray) -> None:
    """Gradients are linear in the cotangent: at zero, with signs, when tiny, when large."""
    for k, gradient in zip(subject.moving, subject.backward(0 * u), strict=True):
        if np.any(np.nan_to_num(gradient)):
            raise broken(f"Gradient {subject.names[k]} is not zero for a cotangent of zeros: not linear in g")
    one = np.ones_like(u)
    ru, rv, r1 = (subject.backward(g) for g in (u, v, one))
    for name, a, b, other, result in (
        ("-3 u", -3, 0, v, rv),
        ("u - 7 v", 1, -7, v, rv),
        ("1e-7 u", 1e-7, 0, v, rv),
        ("1e4 (u + v)", 1e4, 1e4, v, rv),
        ("u + 1", 1, 1, one, r1),
    ):
        g = np.asarray(a * u + b * other)
        expected = [a * p + b * q for p, q in zip(ru, result, strict=True)]
        message = f"The rule is not linear in the cotangent: it differs at g = {name}"
        compare(subject, expected, subject.backward(g), message, g)


def compare(subject: Subject, expected: Sequence[Any], got: Sequence[Any], message: str, g: Any = None):
    """Raise unless two results agree: almost to the last bit for the same question.

    A question put differently (the cotangent `g`) rounds differently: there 1e-6 of the largest entry is allowed, and
    what the last bits of the question may do.
    """
    digits = 100 * subject.eps if g is None else max(1e-6, 1e4 * subject.eps)
    for slot, (want, have) in enumerate(zip(expected, got, strict=True)):
        if not close(have, want, digits):
            slack = 0 if g is None else reach_of_rounding(subject, g, slot)
            if not close(have, want, digits, slack):
                raise broken(f"{message} (gradient {subject.names[subject.moving[slot]]})", have, want)


def reach_of_rounding(subject: Subject, g: np.ndarray, slot: int) -> np.ndarray:
    """What last bits may do to a gradient: those of g and the inputs, and those inside the rule.

    A gradient far below g y / x is what a cancellation left over, down to the digits of g y / x.
    """
    base = subject.backward(g * np.ones_like(g))[slot]
    near = (subject.backward(g * last_bits(g, 1e15), *subject.nudged())[slot] for _ in range(3))
    wobble = np.max([np.abs(other - base) for other in near], axis=0)
    y = np.max(np.abs(subject.output), initial=0, where=np.isfinite(subject.output))
    natural = np.max(np.abs(g), initial=0) * y / subject.sizes[subject.slots[slot][1]].reshape(base.shape)
    return 30 * wobble + 100 * subject.eps * natural


def close(a: np.ndarray, b: np.ndarray, digits: float, slack: Any = 0.0) -> bool:
    """Equal up to `digits` of the largest entry plus `slack`; NaN equals NaN."""
    finite = np.isfinite(b)
    near = np.abs(a - b) <= digits * np.max(np.abs(b), initial=0.0, where=finite) + slack
    return equal(np.isfinite(a), finite) and bool(np.all(near | ~finite))


def equal(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a, b, equal_nan=True)


def broken(text: str, got: Any = None, wanted: Any = None) -> SubjectError:
    """A broken contract, with the entry where two results differ most."""
    if got is not None and got.shape != wanted.shape:
        text += f": shapes {got.shape} and {wanted.shape}"
    elif got is not None:
        gap = np.nan_to_num(np.abs(got - wanted), nan=np.inf)
        worst = np.unravel_index(np.argmax(gap), got.shape)
        text += f"; at {tuple(map(int, worst))} {got[worst]:.17g} against {wanted[worst]:.17g}"
    return contract_broken(f"{text}.")
