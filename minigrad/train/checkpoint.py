"""All that a run depends on, as one tree that `mg.save` takes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..nn import Module


class Generators:
    """The generators that a model's modules have as attributes, as those of dropout, by the names of the modules."""

    def __init__(self, model: Module) -> None:
        self.by_name = {
            f"{name}.{key}".lstrip("."): value
            for name, module in model.named_modules()
            for key, value in vars(module).items()
            if isinstance(value, np.random.Generator)
        }

    def state_dict(self) -> dict[str, Any]:
        return {name: rng.bit_generator.state for name, rng in self.by_name.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        if state.keys() != self.by_name.keys():
            raise ValueError(f"this model draws from {list(self.by_name)}; that of the state from {list(state)}")
        for name, rng in self.by_name.items():
            rng.bit_generator.state = state[name]


def state_of(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The states of what has one, by name."""
    return {name: part.state_dict() for name, part in parts.items() if hasattr(part, "state_dict")}


def load_state(parts: Mapping[str, Any], state: Any) -> None:
    """Let all parts go on from a `state_of` them, or none.

    Raises
    ------
    ValueError
        If the state belongs to other parts.
    """
    before = state_of(parts)
    if not isinstance(state, dict) or state.keys() != before.keys():
        found = list(state) if isinstance(state, dict) else f"a {type(state).__name__}"
        raise ValueError(f"the checkpoint belongs to another training: it has {found}, and this has {list(before)}")
    name = ""
    try:
        for name in before:
            parts[name].load_state_dict(state[name])
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        for name_before, own in before.items():
            parts[name_before].load_state_dict(own)
        raise ValueError(f"the checkpoint belongs to another training, by its {name}: {error}") from error
