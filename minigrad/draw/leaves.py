"""The arrays that no recorded operation made, and what is said of each array."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core.door import unwrap
from ..core.tape import Node, gradient_of
from .labels import option_text, value_text


@dataclass(frozen=True)
class Vertex:
    """An array, or what is left out.

    `kind` is parameter, leaf, constant, operation, freed or omitted. `text` says how it was made. A picture has the
    `title` and the `label` for this, and edges from the vertices whose keys are `inputs`.
    """

    key: str
    kind: str
    text: str
    title: str
    label: str = ""
    name: str = ""
    shape: str = ""
    dtype: str = ""
    details: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()

    @property
    def computed(self) -> bool:
        """Whether it is the result of an operation."""
        return self.kind in ("operation", "freed")


class Says:
    """What is said of arrays: the names that the user gave, or standard ones; values and gradients if wanted."""

    def __init__(self, names: Mapping[int, str], values: bool, gradients: bool) -> None:
        self.names = names
        self.taken = set(names.values())
        self.values = values
        self.gradients = gradients

    def given(self, x: Any) -> str | None:
        """The name that the user gave to an array, or to its memory."""
        return self.names.get(id(x)) or self.names.get(id(drawn_array(x)))

    def name(self, x: Any, standard: str) -> str:
        """The name that the user gave to an array itself, or a standard one, with primes if that is taken."""
        name = self.names.get(id(x))
        if not name:
            name = standard
            while name in self.taken:
                name += "'"
        return name

    def details(self, x: Any, has_gradient: bool) -> tuple[str, ...]:
        """The values and the gradient of an array."""
        texts = [f"value {value_text(drawn_array(x))}"] if self.values else []
        if self.gradients and has_gradient:
            g = gradient_of(x)
            texts.append(f"grad {None if g is None else value_text(g)}")
        return tuple(texts)


class Leaves:
    """The leaves and constants that operations take, `limit` of them at most."""

    def __init__(self, says: Says, limit: int) -> None:
        self.says = says
        self.limit = limit
        self.numbered = {"x": 0, "c": 0}
        self.found: dict[int, Vertex] = {}  # by the id of the leaf, or of the constant
        self.refused: set[int] = set()  # those beyond the limit

    def leaf(self, node: Node) -> tuple[str, str]:
        """The name and the key of a leaf."""
        return self.vertex(node, node.notes.kind, "x") if node.notes is not None else self.constant(node.y)

    def constant(self, x: Any) -> tuple[str, str]:
        """The name and the key of an array that has no derivative."""
        return self.vertex(x, "constant", "c")

    def vertex(self, x: Any, kind: str, letter: str) -> tuple[str, str]:
        """The name and the key of an array, which gets a vertex when it first occurs."""
        known = self.found.get(id(x))
        if known is None and len(self.found) == self.limit:
            self.refused.add(id(x))
            return self.says.given(x) or option_text(drawn_array(x)), "others"
        if known is None:
            name = self.says.given(x)
            if name is None:
                self.numbered[letter] += 1
                name = self.says.name(x, f"{letter}{self.numbered[letter]}")
            details = self.says.details(x, kind != "constant")
            known = Vertex(
                f"input{len(self.found)}",
                kind,
                kind,
                name,
                name=name,
                shape=str(tuple(drawn_array(x).shape)),
                dtype=str(drawn_array(x).dtype),
                details=details,
            )
            self.found[id(x)] = known
        return known.name, known.key

    def vertices(self) -> list[Vertex]:
        """Those that occurred, and how many there were beyond the limit."""
        found = list(self.found.values())
        if self.refused:
            more = f"... {len(self.refused):,} more leaves and constants"
            found.append(Vertex("others", "omitted", more, more))
        return found


def drawn_array(x: Any) -> Any:
    """The plain array of a node, or of a constant."""
    return unwrap(x.y if isinstance(x, Node) else x)
