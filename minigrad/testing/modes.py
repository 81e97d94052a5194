"""Reverse mode against forward mode."""

import numpy as np

from .function import Call, Function
from .subject import SubjectError, blaming


def check_modes(subject: Function | Call, rtol: float) -> None:
    """Raise `SubjectError` unless the two are transposes of each other: <g, J t> = <J^T g, t>.

    They may differ by what last bits do to either side.
    """
    g = subject.cotangent()
    _, direction = subject.direction()
    tangents = [direction[slot].reshape(subject.inputs[k].shape) for k, slot in subject.slots]
    tangents = [t.astype(subject.inputs[k].dtype) for t, (k, _) in zip(tangents, subject.slots, strict=True)]

    def sides(y: np.ndarray, inputs: list[np.ndarray]) -> tuple[float, float, float]:
        with blaming("Forward mode"):
            pushed = np.asarray(subject.pushed(y, inputs, tangents))
        pulled = [gradient * t for gradient, t in zip(subject.backward(g, y, inputs), tangents, strict=True)]
        size = np.abs(g * pushed).sum() + sum(np.abs(terms).sum() for terms in pulled)
        return float(np.sum(g * pushed)), float(sum(terms.sum() for terms in pulled)), float(size)

    forward, reverse, size = sides(subject.output, list(subject.inputs))
    allowed = max(rtol, 100 * subject.eps) * size
    if abs(forward - reverse) <= allowed or not np.isfinite(size):
        return
    near = [sides(*subject.nudged()) for _ in range(3)]
    wobble = max(abs(f - forward) + abs(r - reverse) for f, r, _ in near)
    if abs(forward - reverse) > allowed + 30 * wobble:
        name = subject.names[0] if isinstance(subject, Call) else "f"
        raise SubjectError(
            "wrong",
            f"Forward and reverse mode of {name} disagree on the slope along a random direction: {forward:.10g} "
            f"against {reverse:.10g}.",
        )
