"""All that a run depends on, as one tree that `mg.save` takes."""

from collections.abc import Mapping
from typing import Any

from ..nn import Module
from ..transforms.generators import generator_state as state_of_generator
from ..transforms.generators import generators_in, set_state


class Generators:
    """The generators that a model and other parts of a training draw from; some may come and go."""

    def __init__(self, model: Module, others: Mapping[str, Any]) -> None:
        self.model, self.others = model, others

    def found(self) -> dict[str, Any]:
        """Those that there are now, by the path to each.

        Raises
        ------
        TypeError
            If a set holds several, which could not be told apart in another process.
        """
        roots = {**dict(self.model.named_modules()), **self.others}
        by_name = generators_in({name: x for name, x in roots.items() if x is not None})
        unordered = [name for name in by_name if "{" in name]
        if len(unordered) > 1:
            raise TypeError(
                f"a run that draws from the generators {', '.join(unordered)} of a set cannot be resumed bit by bit, "
                f"as a set has no order. Keep them in a list"
            )
        return by_name

    def state_dict(self) -> dict[str, Any]:
        return {name: state_of_generator(rng) for name, rng in self.found().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        found = self.found()
        if state.keys() != found.keys():
            raise ValueError(f"this model draws from {list(found)}; that of the state from {list(state)}")
        for name, rng in found.items():
            set_state(rng, state[name])


def states_by_name(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The states of what has one, by name."""
    return {name: part.state_dict() for name, part in parts.items() if hasattr(part, "state_dict")}


def load_state(parts: Mapping[str, Any], state: Any) -> None:
    """Let all parts continue from their `states_by_name`, or none of them.

    Raises
    ------
    ValueError
        If the state belongs to other parts.
    """
    before = states_by_name(parts)
    if not isinstance(state, dict) or state.keys() != before.keys():
        found = list(state) if isinstance(state, dict) else f"a {type(state).__name__}"
        raise ValueError(f"the checkpoint belongs to another training: it has {found}, and this has {list(before)}")
    name = ""
    try:
        for name in before:
            parts[name].load_state_dict(state[name])
    except BaseException as error:
        for name_before, own in before.items():
            parts[name_before].load_state_dict(own)
        if not isinstance(error, TypeError | ValueError | AttributeError | KeyError):
            raise
        raise ValueError(f"the checkpoint belongs to another training, by its {name}: {error}") from error
