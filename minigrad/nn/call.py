"""Modules as functions of their parameters."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..core.tensor import asarray
from ..core.tree import leaves, tree_map
from .module import Module, find
from .parameter import Parameter


def functional_call(module: Module, parameters: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
    """``module(*args, **kwargs)``, computed with other arrays in place of its parameters, which stay unchanged.

    This makes a module a function of its parameters, for `grad`, `jvp`, `hessian`, `gradcheck` and the like. Buffers
    are the module's own. It is for one thread at a time.

    Parameters
    ----------
    module : Module
    parameters : mapping of names to arrays, Tensors, or arrays that a transformation watches
        The names are those of `named_parameters`; a parameter without a name here stands for itself.
    *args, **kwargs
        What the module is called with.

    Raises
    ------
    ValueError
        If the module has no parameter of a name, or an array is not of its parameter's shape.

    Examples
    --------
    >>> gradient = mg.grad(lambda p: loss(nn.functional_call(model, p, x), y))(dict(model.named_parameters()))
    """
    new = {}
    for name, given in parameters.items():
        p, x = find(module, name), asarray(given)
        if not isinstance(p, Parameter):
            known = ", ".join(name for name, _ in module.named_parameters()) or "none"
            raise ValueError(f"this {type(module).__name__} has no parameter {name!r}; it has {known}")
        if x.shape != p.shape:
            raise ValueError(f"{name} of this {type(module).__name__} has shape {p.shape}; got an array of {x.shape}")
        new[id(p)] = x
    with replaced(module, new):
        return module(*args, **kwargs)


@contextmanager
def replaced(module: Module, new: Mapping[int, Any]) -> Iterator[None]:
    """Parameters, told by their id, are other arrays in this block."""
    former = []
    try:
        for part in module.modules():
            for name, value in list(vars(part).items()):
                if any(id(leaf) in new for leaf in leaves(value)):
                    former.append((vars(part), name, value))
                    vars(part)[name] = tree_map(lambda leaf: new.get(id(leaf), leaf), value)
        yield
    finally:
        for attributes, name, value in former:
            attributes[name] = value
