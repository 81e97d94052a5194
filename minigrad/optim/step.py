"""The step of an optimizer: each parameter that has a gradient is updated in place."""

import math
from typing import Any, ClassVar

import numpy as np
from numpy import ndarray

from ..core.context import USUAL, context
from ..core.door import plain, unwrap
from ..core.tape import forget_gradients, gradient_of, mark_changed
from ..core.tensor import Tensor
from .hyperparameters import Fixed, Group
from .inplace import GroupUpdate
from .parameters import depend_on
from .slot import Slot


class Steps:
    """What is done with parameters and their state, once an optimizer has them."""

    elementwise: ClassVar[bool] = False
    decoupled: ClassVar[bool] = False
    recorded_by: ClassVar[tuple[str, ...]] = ("_steps_alike",)
    params: list[Tensor]
    param_groups: list[Group]
    _slots: list[Slot]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: each parameter's `grad` becomes None, or zeros in the same memory."""
        if set_to_none:
            forget_gradients(self.params)
            return
        depend_on(self.params)
        for g in [None if p.node is None else gradient_of(p.node) for p in self.params]:
            if g is not None:
                unwrap(g)[...] = 0

    def step(self) -> None:
        """Update each parameter that has a gradient."""
        for p, w in self._watched:
            if p.value is not w:
                self._follow()
        if context.get() is not USUAL or not self._planned:
            self._step_one_by_one()
            return
        if self._stale:
            self._refresh()
        for p, w, slot, run, arrays in self._work:
            node = p.node
            g = None if node is None else node.notes.grad
            if g is None:
                continue
            if type(g) is not ndarray:
                g = unwrap(g)
            if run is None:
                slot.run(g)
            else:
                run(w, g, arrays)
            mark_changed(node)

    def _step_one_by_one(self) -> None:
        """A step in which programs have the arrays that they were made for, or others, or expressions take their place.

        They are others in a recording, which is why `plain` is asked for them.
        """
        hyper: dict[Any, Any] = {}
        for slot in self._slots:
            w, node, program = plain(slot.p), slot.p.node, slot.program
            g = None if node is None else gradient_of(node)
            if g is None:
                continue
            if program is None:
                key = id(slot.group), slot.dtype
                hyper[key] = hyper.get(key) or slot.group.for_update(self.least_eps(slot.dtype))
                slot.apply(self, w, unwrap(g), hyper[key])
            elif w is not slot.w:
                hyper[program] = hyper.get(program) or program.scalars()
                slot.run_on(w, unwrap(g), hyper[program])
            else:
                if self._stale:
                    self._refresh()
                slot.run(unwrap(g))
            mark_changed(node)

    def _refresh(self) -> None:
        """Compute with the hyperparameters of now."""
        for program in self._programs:
            program.read()
        self._stale = False

    def _plan(self) -> None:
        """Give a program to each parameter that can have one, and write down what a step goes through."""
        programs: dict[Any, Any] = {}
        for slot in self._slots:
            program = None
            if self.elementwise and type(slot.w) is ndarray:
                key = id(slot.group), slot.dtype, *slot.kept
                program = programs.get(key) or GroupUpdate(self, slot.group, slot.dtype, slot.start())
                programs[key] = program
            slot.cut(program)
        self._programs = [*programs.values()]
        self._stale = True
        self._planned = all(slot.program is not None for slot in self._slots)
        self._list()

    def _follow(self) -> None:
        """Work on the memory that the parameters have now."""
        for slot in self._slots:
            slot.check()
        moved = [slot for slot in self._slots if slot.w is not slot.p.value]
        for slot in moved:
            slot.w = slot.p.value
            slot.cut(slot.program)
        if moved:
            self._list()

    def _list(self) -> None:
        """Write down what a step goes through."""
        self.params = Fixed(slot.p for slot in self._slots)
        self._steps_alike = object()  # another one if a step is another one than it was, and recordings of it end
        self._named = [*(g.arrays for g in self.param_groups), *(slot.kept for slot in self._slots)]
        self._watched = [(slot.p, slot.w) for slot in self._slots]
        self._work = [
            (slot.p, slot.w, slot, slot.program.run if slot.is_plain else None, slot.arrays) for slot in self._slots
        ]

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        """Change w in place, given its gradient; `state` and `hyper` have arrays and numbers as attributes."""
        raise NotImplementedError  # pragma: no cover: abstract

    def apply(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        """`update`, with what all optimizers have: `maximize`, weight decay, and a count of steps."""
        if hasattr(state, "step"):
            state.step = state.step + 1
        if getattr(hyper, "maximize", False):
            g = -g
        if getattr(hyper, "weight_decay", None) is not None:
            g = self.decay(w, g, hyper)
        self.update(w, g, state, hyper)

    def decay(self, w: Any, g: Any, hyper: Any) -> Any:
        """Let weights decay, or let the gradient, which is returned, see to it."""
        if getattr(hyper, "decoupled_weight_decay", self.decoupled):
            w *= 1 - hyper.lr * hyper.weight_decay
            return g
        return g + hyper.weight_decay * w

    def least_eps(self, dtype: np.dtype) -> float:
        """The least eps of an update in a dtype, so that a gradient of 0 is never divided by 0.

        It is the root of the least number, as that of a smaller square is 0.
        """
        limits = np.finfo(dtype if dtype.itemsize < 8 else np.float64)
        return math.sqrt(float(limits.tiny) * float(limits.eps))
