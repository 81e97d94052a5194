"""What a rule must keep to before its numbers matter. No derivative is taken here."""

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from .subject import Subject, SubjectError, called, located, require

LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Fortran order": lambda x: np.array(x, order="F"),
    # Every second entry of a larger buffer, the last axis backwards.
    "memory with gaps": lambda x: np.repeat(np.atleast_1d(x)[..., ::-1], 2, axis=-1)[..., ::-2].reshape(x.shape),
}


def check_contract(subject: Subject) -> None:
    """Raise `SubjectError` at the first promise that f or its rule breaks: calls are repeated and compared."""
    check_repeats(subject)
    with contextlib.suppress(SubjectError):  # the first call is elsewhere: what is kept from there is wrong later
        subject.checked_gradients(subject.cotangent(), *subject.nearby())
    x, y, u, v, earlier = subject.inputs, subject.output, subject.cotangent(), subject.cotangent(), []
    ones = np.ones_like(u)

    def ask(g: Any, y: np.ndarray = y, inputs: Any = x) -> np.ndarray:
        return watched(subject, earlier, np.asarray(g), y, inputs)

    def repeat(message: str) -> None:
        close = 100 * subject.eps * subject.largest(for_u)
        refuse_gaps(f"{message}; gradient", subject.gradients, ask(u), for_u, close)

    def expect(message: str, expected: np.ndarray, g: Any, *others: Any) -> None:
        got, allowed = ask(g, *others), np.clip(1e4 * subject.eps, 1e-6, 0.1) * subject.largest(expected)
        if not (np.abs(got - expected) <= allowed).all():
            allowed += left_over(subject, np.asarray(g))
        refuse_gaps(f"{message}; gradient", subject.gradients, got, expected, allowed)

    for_u = ask(u)
    for _ in range(3):
        for_v = ask(v)
        repeat("Two calls of the rule differ")
    subject.nearby()
    repeat("The rule uses what the latest forward call left behind, not what it is given")
    subject.forward(x)
    for_ones, layout = ask(ones), "The rule gives another result for"
    expect("Two calls of the rule differ", for_ones, ones)
    for name, lay in LAYOUTS.items():
        expect(f"{layout} a cotangent in {name}", for_u, lay(u))
        expect(f"{layout} inputs in {name}", for_u, u, lay(y), list(map(lay, x)))
    expect(f"{layout} a read-only cotangent of stride zero", for_ones, np.broadcast_to(u.dtype.type(1), u.shape))
    require(not np.nan_to_num(ask(0 * u)).any(), "Gradients are not zero for a cotangent of zeros: not linear in g")
    # Half precision has less room: its normal numbers reach from 6e-5 to 7e4.
    small, large = max(1e-7, 2.0**10 * np.finfo(u.dtype).tiny), min(1e4, np.finfo(u.dtype).max ** 0.5)
    for name, expected, g in (
        ("-3 u", -3 * for_u, -3 * u),
        ("u - 7 v", for_u - 7 * for_v, u - 7 * v),
        (f"{small:.2g} u", small * for_u, small * u),
        (f"{large:.2g} (u + v)", large * (for_u + for_v), large * (u + v)),
        ("u + 1", for_u + for_ones, u + 1),
    ):
        expect(f"The rule is not linear in the cotangent: it differs at g = {name}", expected, g)


def check_repeats(subject: Subject) -> None:
    """f repeats itself, and changes neither its inputs nor what it returned before."""
    kept, random = subject.output.copy(), "f is random: two calls at the same inputs differ"
    again = subject.forward(subject.inputs).copy()
    subject.nearby()
    for name, x, original in zip(subject.names, subject.inputs, subject.originals, strict=True):
        require(x.tobytes() == original.tobytes(), f"f changes input {name} in place; it must work on a copy")
    require(again.shape == kept.shape, f"{random}: shapes {again.shape} and {kept.shape}")
    allowed = 100 * subject.eps * np.max(np.abs(kept), initial=0, where=subject.finite)
    refuse_gaps(f"{random};", [("output", kept.shape)], again, kept, allowed)
    same = subject.output.tobytes() == kept.tobytes()
    require(same, "f overwrites the output of its earlier call; it must return a new array")


def watched(subject: Subject, earlier: list[np.ndarray], g: np.ndarray, y: np.ndarray, inputs: Any) -> np.ndarray:
    """The gradients end to end. The call must change nothing that it is given, and return memory of its own.

    Only the cotangent itself may be handed on: that is common practice, and engines expect it. The gradients are added
    to the `earlier` ones, which must not change either.
    """
    given = [("the cotangent g", g), ("the saved output y", y)]
    given += [(f"input {name}", x) for name, x in zip(subject.names, inputs, strict=True)]
    given += [("the gradient of another call", gradient) for gradient in earlier[-4:]]
    kept = [array.tobytes() for _, array in given]
    gradients = subject.checked_gradients(g, y, inputs)
    for (name, array), before in zip(given, kept, strict=True):
        require(array.tobytes() == before, f"The rule changes {name} in place; it must return new arrays")
    for (name, _), gradient in zip(subject.gradients, gradients, strict=True):
        if not np.shares_memory(gradient, g):
            for other, array in given[1:]:
                apart = not np.shares_memory(gradient, array)
                require(apart, f"Gradient {name} shares memory with {other}; return a copy")
            given.append((f"gradient {name}", gradient))
            earlier.append(gradient)
    return np.concatenate([gradient.reshape(-1) for gradient in gradients])


def refuse_gaps(message: str, parts: Any, got: np.ndarray, expected: np.ndarray, allowed: Any) -> None:
    """Raise at the largest difference that is not allowed; what is not finite has its like."""
    gap = np.where(np.isfinite(expected), np.abs(got - expected), np.where(np.isfinite(got), np.inf, 0))
    wrong = ~(gap <= allowed)
    if wrong.any():
        i = int(np.argmax(np.where(wrong, np.nan_to_num(gap, nan=np.inf), -1)))
        require(False, f"{message} {located(parts, i)}: {got.flat[i]:.17g} against {expected.flat[i]:.17g}")


def left_over(subject: Subject, g: np.ndarray) -> np.ndarray:
    """What rounding may leave of each entry of a gradient where larger terms cancel: digits of g y / x."""
    top = np.max(np.abs(subject.output), initial=0, where=subject.finite)
    natural = np.max(np.abs(g), initial=0) * top / subject.sizes
    return 30 * subject.wobble(g) + 100 * subject.eps * natural


def check_modes(subject: Subject, rtol: float) -> None:
    """Forward and reverse mode are transposes of each other, <g, J t> = <J^T g, t>, up to rounding."""
    g, t = subject.cotangent(), subject.direction()
    pushed = g * np.asarray(called("Forward mode", subject.jvp, subject.output, subject.inputs, subject.placed(t)))
    pulled = subject.pull(g) * t
    gap, size = abs(pushed.sum() - pulled.sum()), np.abs(pushed).sum() + np.abs(pulled).sum()
    allowed = max(rtol, 100 * subject.eps) * size
    if gap > allowed:
        allowed += np.abs(t) @ left_over(subject, g)
    require(
        not gap > allowed,
        f"Forward and reverse mode of {subject.name} disagree on the slope along a random direction: "
        f"{pushed.sum():.10g} against {pulled.sum():.10g}",
        "wrong",
    )
