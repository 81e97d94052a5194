"""What a rule must keep to before its numbers matter. No derivative is taken here."""

import contextlib
from typing import Any

import numpy as np

from .subject import Subject, SubjectError, blaming, located, require


def check_contract(subject: Subject) -> None:
    """Raise `SubjectError` at the first promise that f or its rule breaks.

    The rule is asked again and again, where the answer follows from earlier ones.
    """
    check_forward(subject)
    with contextlib.suppress(SubjectError):  # the first call is elsewhere: what is kept from there is wrong later
        subject.answers(subject.cotangent(), *subject.nearby())
    x, y, u, v, earlier = subject.inputs, subject.output, subject.cotangent(), subject.cotangent(), []

    def ask(g: np.ndarray, y: np.ndarray = y, inputs: Any = x) -> np.ndarray:
        return watched(subject, earlier, g, y, inputs)

    def expect(message: str, expected: np.ndarray, *arguments: Any) -> None:
        got, g, allowed = ask(*arguments), arguments[0], max(1e-6, 1e4 * subject.eps) * subject.largest(expected)
        if not (np.abs(got - expected) <= allowed).all():
            allowed += reach_of_rounding(subject, g)
        refuse_gaps(f"{message}; gradient", subject.gradients, got, expected, allowed)

    def repeat(message: str) -> None:
        refuse_gaps(
            f"{message}; gradient", subject.gradients, ask(u), for_u, 100 * subject.eps * subject.largest(for_u)
        )

    for_u = ask(u)
    for _ in range(3):
        for_v = ask(v)
        repeat("Two calls of the rule differ")
    subject.nearby()
    repeat("The rule uses what the latest forward call left behind, not what it is given")
    subject.forward(x)
    expect("Two calls of the rule differ", ask(np.ones_like(u)), np.ones_like(u))
    layout, flat = "The rule gives another result for", np.broadcast_to(u.reshape(-1)[:1].sum(), u.shape)
    for name, lay in ("Fortran order", in_fortran_order), ("memory with gaps", with_gaps):
        expect(f"{layout} a cotangent in {name}", for_u, lay(u))
        expect(f"{layout} inputs in {name}", for_u, u, lay(y), [lay(array) for array in x])
    expect(f"{layout} a read-only cotangent of stride zero", ask(flat.copy()), flat)
    require(not np.nan_to_num(ask(0 * u)).any(), "Gradients are not zero for a cotangent of zeros: not linear in g")
    # Half precision has less room: its normal numbers reach from 6e-5 to 7e4.
    small, large = max(1e-7, 2.0**10 * np.finfo(u.dtype).tiny), min(1e4, np.finfo(u.dtype).max ** 0.5)
    for name, expected, g in (
        ("-3 u", -3 * for_u, -3 * u),
        ("u - 7 v", for_u - 7 * for_v, u - 7 * v),
        (f"{small:.2g} u", small * for_u, small * u),
        (f"{large:.2g} (u + v)", large * (for_u + for_v), large * (u + v)),
        ("u + 1", for_u + ask(np.ones_like(u)), u + 1),
    ):
        expect(f"The rule is not linear in the cotangent: it differs at g = {name}", expected, np.asarray(g))
    same = all(gradient.tobytes() == before for gradient, before in earlier)
    require(same, "A call of the rule overwrites the gradients that an earlier call returned")


def check_forward(subject: Subject) -> None:
    """f repeats itself, and changes neither its inputs nor what it returned before."""
    kept, random = subject.output.copy(), "f is random: two calls at the same inputs differ"
    again = subject.forward(subject.inputs).copy()
    subject.nearby()
    for name, x, original in zip(subject.names, subject.inputs, subject.originals, strict=True):
        require(x.tobytes() == original.tobytes(), f"f changes input {name} in place; it must work on a copy")
    require(again.shape == kept.shape, f"{random}: shapes {again.shape} and {kept.shape}")
    allowed = 100 * subject.eps * np.max(np.abs(kept), initial=0, where=subject.finite)
    refuse_gaps(f"{random};", subject.outputs, again, kept, allowed)
    require(
        subject.output.tobytes() == kept.tobytes(),
        "f overwrites the output of its earlier call; it must return a new array",
    )


def watched(subject: Subject, earlier: list[Any], g: np.ndarray, y: np.ndarray, inputs: Any) -> np.ndarray:
    """The gradients end to end. The call must change nothing that it is given, and return memory of its own.

    Only the cotangent itself may be handed on: that is common practice, and engines expect it. The gradients are added
    to the `earlier` ones, with their bytes.
    """
    given = [("the cotangent g", g), ("the saved output y", y)]
    given += [(f"input {name}", x) for name, x in zip(subject.names, inputs, strict=True)]
    kept = [array.tobytes() for _, array in given]
    gradients = subject.answers(g, y, inputs)
    for (name, array), before in zip(given, kept, strict=True):
        require(array.tobytes() == before, f"The rule changes {name} in place; it must return new arrays")
    known = given[1:] + [("the gradient of another call", gradient) for gradient, _ in earlier[-4:]]
    for (name, _), gradient in zip(subject.gradients, gradients, strict=True):
        if not np.shares_memory(gradient, g):
            for other, array in known:
                apart = not np.shares_memory(gradient, array)
                require(apart, f"Gradient {name} shares memory with {other}; return a copy")
            known.append((f"gradient {name}", gradient))
            earlier.append((gradient, gradient.tobytes()))
    return np.concatenate([gradient.reshape(-1) for gradient in gradients])


def reach_of_rounding(subject: Subject, g: np.ndarray) -> np.ndarray:
    """What last bits may do to a gradient: those of g and the inputs, and those inside the rule.

    A gradient far below g y / x is what a cancellation left over, down to the digits of g y / x.
    """
    y = np.max(np.abs(subject.output), initial=0, where=subject.finite)
    natural = np.max(np.abs(g), initial=0) * y / subject.sizes
    return 30 * subject.wobble(g) + 100 * subject.eps * natural


def refuse_gaps(message: str, parts: Any, got: np.ndarray, expected: np.ndarray, allowed: Any) -> None:
    """Raise at the largest difference that is not allowed; what is not finite has its like."""
    gap = np.where(np.isfinite(expected), np.abs(got - expected), np.where(np.isfinite(got), np.inf, 0))
    wrong = ~(gap <= allowed)
    if wrong.any():
        i = int(np.argmax(np.where(wrong, np.nan_to_num(gap, nan=np.inf), -1)))
        require(False, f"{message} {located(parts, i)}: {got.flat[i]:.17g} against {expected.flat[i]:.17g}")


def check_modes(subject: Subject, name: str, rtol: float) -> None:
    """Forward and reverse mode are transposes of each other, <g, J t> = <J^T g, t>, up to rounding."""
    g, t = subject.cotangent(), subject.direction()
    with blaming("Forward mode"):
        pushed = g * np.asarray(subject.jvp(subject.output, subject.inputs, subject.placed(t)))
    pulled = subject.pull(g) * t
    gap, size = abs(pushed.sum() - pulled.sum()), np.abs(pushed).sum() + np.abs(pulled).sum()
    require(
        not gap > max(rtol, 100 * subject.eps) * size + 30 * np.abs(t) @ subject.wobble(g),
        f"Forward and reverse mode of {name} disagree on the slope along a random direction: "
        f"{pushed.sum():.10g} against {pulled.sum():.10g}",
        "wrong",
    )


def in_fortran_order(x: np.ndarray) -> np.ndarray:
    return np.array(x, order="F")


def with_gaps(x: np.ndarray) -> np.ndarray:
    """The same values as every second entry of a larger buffer, the last axis backwards."""
    buffer = np.zeros((*x.shape[:-1], 2 * x.shape[-1]) if x.ndim else (2,), x.dtype)
    view = buffer[..., ::-2] if x.ndim else buffer[:1].reshape(())
    view[...] = x
    return view
