"""Modules one after the other."""

from collections.abc import Iterator
from typing import Any, Self

from .module import Module, check_attribute


class Sequential(Module):
    """Modules of which each takes what the one before it gives; functions of arrays can be among them.

    Parameters
    ----------
    *layers : Module or callable
        Are named "0", "1", ... in the state. A network that shall be pickled takes `nn.Tanh()` rather than `mg.tanh`,
        as pickle does not find all functions.
    """

    def __init__(self, *layers: Any) -> None:
        self.layers: list[Any] = []
        for layer in layers:
            self.append(layer)

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def members(self) -> list[tuple[str, Any]]:
        others = [(name, value) for name, value in vars(self).items() if name != "layers"]
        return [(str(i), layer) for i, layer in enumerate(self.layers)] + others

    def append(self, layer: Any) -> Self:
        """Add a layer at the end; answers the whole."""
        self._check(len(self.layers), layer)
        self.layers.append(layer)
        return self

    def __setitem__(self, index: int, layer: Any) -> None:
        """Put a layer in the place of another one."""
        place = range(len(self.layers))[index]
        self._check(place, layer)
        self.layers[place] = layer

    def _check(self, place: int, layer: Any) -> None:
        """Refuse what cannot be a layer."""
        if isinstance(layer, type):
            raise TypeError(
                f"Sequential takes modules and functions, one after the other; got the class {layer.__name__}. Pass "
                f"an object of it, as {layer.__name__}()"
            )
        if not callable(layer):
            raise TypeError(
                f"Sequential takes modules and functions, one after the other; got a {type(layer).__name__}. Pass a "
                f"list as Sequential(*layers)"
            )
        check_attribute(self, str(place), layer)

    def __len__(self) -> int:
        return len(self.layers)

    def __bool__(self) -> bool:
        return True  # an empty one is a module, too

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    def __getitem__(self, index: int | slice) -> Any:
        """A layer, or the Sequential of several, which shares their parameters."""
        return type(self)(*self.layers[index]) if isinstance(index, slice) else self.layers[index]
