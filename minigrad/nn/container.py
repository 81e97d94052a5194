"""Modules one after the other, in lists, in dicts, and one that does nothing."""

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, MutableSequence, ValuesView
from typing import Any, Self

from .module import Module, check_attribute


class Sequential(Module):
    """Modules in a row, each of which takes the output of the one before; functions of arrays can be among them.

    Parameters
    ----------
    *layers : Module or callable
        Are named "0", "1", ... in the state. A network that is to be pickled takes `nn.Tanh()` rather than `mg.tanh`,
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
        """Add a layer at the end, and return the container."""
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


class Identity(Module):
    """Returns its input: a placeholder for a layer, whose options are accepted and ignored."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, x: Any) -> Any:
        return x


class ModuleList(Module, MutableSequence[Any]):
    """A list of modules, which are named by their numbers. A plain list in an attribute does the same.

    Parameters
    ----------
    modules : iterable of Module
    """

    def __init__(self, modules: Iterable[Any] = ()) -> None:
        self.items: list[Any] = []
        self.extend(modules)

    def members(self) -> list[tuple[str, Any]]:
        others = [(name, value) for name, value in vars(self).items() if name != "items"]
        return [(str(i), part) for i, part in enumerate(self.items)] + others

    def insert(self, index: int, value: Any) -> None:
        """Put a module before the one at `index`."""
        self.items.insert(index, checked_module(self, value))

    def __getitem__(self, index: Any) -> Any:
        """A module, or the ModuleList of several."""
        return type(self)(self.items[index]) if isinstance(index, slice) else self.items[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            self.items[index] = [checked_module(self, part) for part in value]
        else:
            self.items[index] = checked_module(self, value)

    def __delitem__(self, index: Any) -> None:
        del self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __bool__(self) -> bool:
        return True  # an empty one is a module, too


class ModuleDict(Module):
    """A dict of modules, which are named by their keys. A plain dict in an attribute does the same.

    Parameters
    ----------
    modules : mapping of str to Module, or pairs of them
    """

    def __init__(self, modules: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        self.parts: dict[str, Any] = {}
        self.update(modules)

    def members(self) -> list[tuple[str, Any]]:
        others = [(name, value) for name, value in vars(self).items() if name != "parts"]
        return [*self.parts.items(), *others]

    def update(self, modules: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add modules under their keys. If one is not a module, all are refused and nothing changes."""
        self.parts.update({checked_key(key): checked_module(self, part) for key, part in dict(modules).items()})

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __getitem__(self, key: str) -> Any:
        return self.parts[key]

    def __delitem__(self, key: str) -> None:
        del self.parts[key]

    def pop(self, key: str) -> Any:
        """Take a module out, and return it."""
        return self.parts.pop(key)

    def keys(self) -> KeysView[str]:
        return self.parts.keys()

    def values(self) -> ValuesView[Any]:
        return self.parts.values()

    def items(self) -> ItemsView[str, Any]:
        return self.parts.items()

    def __contains__(self, key: Any) -> bool:
        return key in self.parts

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    def __bool__(self) -> bool:
        return True


def checked_key(key: Any) -> str:
    """A name of a module; refuses anything but a word."""
    if not isinstance(key, str):
        raise TypeError(f"a ModuleDict takes words as names of modules; got {key!r}")
    return key


def checked_module(owner: Module, value: Any) -> Module:
    """A module; refuses all else."""
    if isinstance(value, Module):
        return value
    if isinstance(value, type):
        raise TypeError(
            f"{type(owner).__name__} takes modules; got the class {value.__name__}. Pass an object of it, as "
            f"{value.__name__}()"
        )
    raise TypeError(f"{type(owner).__name__} takes modules; got a {type(value).__name__}")
