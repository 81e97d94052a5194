"""The backend that is always there: straight-line Python that calls NumPy, in memory that is taken once."""

from collections.abc import Callable
from typing import Any

from .buffers import Plan
from .program import Program
from .replay import defined
from .source import Source


class InNumpy:
    """A backend whose runners have the bits of the function itself."""

    name = "numpy"

    def prepare(self, program: Program) -> Callable[..., Any]:
        """The function that makes the program's calls, with its source."""
        plan = Plan(program)
        source = Source(program, plan)
        runner = defined("prepare", source.text, {})(**source.outside)
        memory = [block.nbytes for block in plan.blocks]
        vars(runner).update(source=source.text, memory=memory, refuses_at_checks=True)
        return runner
