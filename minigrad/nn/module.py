"""Module: what the layers of a network, and networks themselves, have in common."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..core.display import html_table
from ..core.tensor import Tensor
from ..core.tree import is_branch
from ..words import MODULE, instead
from .hiding import PLAIN, remedy, survey
from .hooks import Hooks
from .parameter import Buffer, Parameter, StateTensor
from .state import check_mapping, checked_state, with_dtype


class Module:
    """A function with parameters. A subclass sets attributes, and defines in `forward` what it computes.

    Parameters, buffers and modules are found where they are: in attributes, and in lists, tuples and dicts in
    attributes, in the order in which they were set. There is nothing to register and no ``super().__init__()`` to
    call. One that is set twice counts once, under its first name. One that is only in a set or in an object is
    refused when that is assigned.
    """

    training = True  # until `eval`
    _hooks: Hooks | None = None  # until one is added

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The output for some inputs. A subclass defines it; call ``layer(x)``, which runs hooks as well."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(self, x), which says what the module computes")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The output of `forward`, after and before the hooks."""
        return self.forward(*args, **kwargs) if self._hooks is None else self._hooks.call(self, args, kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        check_attribute(self, name, value)
        object.__setattr__(self, name, value)

    if not TYPE_CHECKING:  # pragma: no branch: or else every name would be an attribute to a type checker

        def __getattr__(self, name: str) -> Any:
            """A parameter that is computed from others, see `parametrizations`."""
            computed = vars(self).get("parametrizations", {})
            if name in computed:
                return computed[name]()
            if hasattr(type(self), name):  # a property that failed, and says why
                return object.__getattribute__(self, name)
            text = f"{type(self).__name__!r} object has no attribute {name!r}{instead(name, MODULE)}"
            raise AttributeError(text, name=name, obj=self)

    # What it is made of

    def members(self) -> Iterable[tuple[str, Any]]:
        """Names and values of what may hold parameters: the attributes. Containers may name theirs in another way."""
        return vars(self).items()

    def named_modules(self) -> list[tuple[str, "Module"]]:
        """This module under the name "", and the modules in it, with names such as "layers.0"."""
        return [(name, part) for name, part in walk(self) if isinstance(part, Module)]

    def modules(self) -> list["Module"]:
        """This module and those in it, each once."""
        return [module for _, module in self.named_modules()]

    def named_children(self) -> list[tuple[str, "Module"]]:
        """The direct submodules, in attributes or in containers there, each once, with their names."""
        found: dict[int, tuple[str, Module]] = {}
        for name, part in own_parts(self):
            if isinstance(part, Module):
                found.setdefault(id(part), (name, part))
        return list(found.values())

    def children(self) -> list["Module"]:
        """The direct submodules, each once."""
        return [module for _, module in self.named_children()]

    def named_parameters(self) -> list[tuple[str, Parameter]]:
        """The parameters with their names, such as "layers.0.weight"."""
        return [(name, part) for name, part in walk(self) if isinstance(part, Parameter)]

    def parameters(self) -> list[Parameter]:
        """The parameters, each once, in order of definition."""
        return [p for _, p in self.named_parameters()]

    def named_buffers(self) -> list[tuple[str, Buffer]]:
        """The buffers with their names, such as "norm.running_mean"."""
        return [(name, part) for name, part in walk(self) if isinstance(part, Buffer)]

    def apply(self, function: Callable[["Module"], Any]) -> Self:
        """Call a function with each module, once: those below in order, and this one at last. Returns the module."""
        if not callable(function):
            raise TypeError(f"apply takes a function of a module; got {function!r:.60}")
        for module in from_below(self):
            function(module)
        return self

    # Hooks

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> Callable[[], None]:
        """Call ``hook(module, args)`` before each call of the module; returns a function that removes the hook.

        What the hook returns, unless None, replaces the positional arguments: a tuple of them, or a single one.
        """
        return self._with_hooks().add("before", hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> Callable[[], None]:
        """Call ``hook(module, args, output)`` after each call of the module; returns a function that removes the hook.

        What the hook returns, unless None, replaces the output.
        """
        return self._with_hooks().add("after", hook)

    def register_full_backward_hook(self, hook: Callable[..., Any]) -> Callable[[], None]:
        """Call ``hook(module, grad_input, grad_output)`` in each backward pass; returns a function that removes it.

        Both are tuples of gradients, of the positional arguments and of the outputs, with None where none flows. What
        the hook returns, unless None, replaces `grad_input`. Transformations, such as `grad` and
        `checkpoint`, refuse a module with such a hook.
        """
        return self._with_hooks().add("backward", hook)

    def _with_hooks(self) -> Hooks:
        hooks = self._hooks
        if hooks is None:
            hooks = vars(self)["_hooks"] = Hooks()
        return hooks

    # State

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of the values of all parameters and buffers, by name."""
        return {name: part.value.copy() for name, part in named_state(self).items()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Write the values of a `state_dict` into the memory of the parameters and buffers.

        Parameters
        ----------
        state : mapping of names to arrays or Tensors
            A parameter that the module has twice may come under any of its names.
        strict : bool
            Whether each name must be there, and no other; otherwise the names that fit are loaded.

        Raises
        ------
        TypeError
            If `state` is no mapping, or a transformation watches its values; see `functional_call`.
        ValueError
            If names are missing or unexpected, or values do not fit; it lists them all, and nothing has changed.
        """
        check_mapping(state)
        own = named_state(self)
        others = {name: part for name in state if name not in own and (part := find(self, name)) is not None}
        for part, values in checked_state(own, others, state, strict, type(self).__name__):
            part.data = values

    def from_torch(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """What `load_state_dict` takes, from the `state_dict` of the equal network of PyTorch.

        Each layer converts the part of the state under its name: a layer whose arrays differ from PyTorch's, as
        Linear's do, has a `from_torch` and a `to_torch` of its own.

        Parameters
        ----------
        state : mapping of names to arrays
            As `mg.load_torch` reads it from a file; or ``{k: v.numpy() for k, v in torch_model.state_dict().items()}``.

        Examples
        --------
        >>> model.load_state_dict(model.from_torch(mg.load_torch("model.pt")))
        """
        return converted_below(self, state, "from_torch")

    def to_torch(self, state: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What `load_state_dict` of the equal network of PyTorch takes, with arrays for tensors.

        Parameters
        ----------
        state : mapping of names to arrays, optional
            A `state_dict` of this module; by default that of now. The arrays that are returned may be parts of its.

        Examples
        --------
        >>> mg.save("model.safetensors", model.to_torch())

        and in PyTorch ``torch_model.load_state_dict(safetensors.torch.load_file("model.safetensors"))``.
        """
        return converted_below(self, self.state_dict() if state is None else state, "to_torch")

    # Modes

    def train(self, mode: bool = True) -> Self:
        """Let dropout drop and batch normalisation use its batch, in this module and all below. Returns the module."""
        for module in self.modules():
            module.training = bool(mode)
        return self

    def eval(self) -> Self:
        """The opposite of `train`: each example is computed by itself, and nothing is random."""
        return self.train(False)

    def astype(self, dtype: Any) -> Self:
        """Give all floating parameters and buffers another floating dtype, and forget gradients. Returns the module."""
        dtype = np.dtype(dtype)
        if dtype.kind != "f":
            raise TypeError(f"a module computes with floating numbers; got {dtype}")
        for _, part in walk(self):
            if isinstance(part, Tensor) and part.dtype.kind == "f" and part.dtype != dtype:
                with_dtype(part, dtype)
        return self

    def zero_grad(self) -> None:
        """Forget the gradients: each parameter's `grad` becomes None."""
        for p in self.parameters():
            if p.requires_grad:
                p.grad = None

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set `requires_grad` of all parameters; False freezes them. Returns the module."""
        for p in self.parameters():
            p.requires_grad = requires_grad
        return self

    def __repr__(self) -> str:
        lines = ["  " * depth + line for depth, line, _ in described(self)]
        return "\n".join([*lines, parameters_in_words(self.parameters())])

    def _repr_html_(self) -> str:
        """A table for a notebook: the modules, and how many numbers the parameters of each have."""
        rows = [((depth, line), f"{count:,}" if count else "") for depth, line, count in described(self)]
        return html_table(("module", "parameters"), rows, parameters_in_words(self.parameters()))


def converted_below(module: Module, state: Mapping[str, Any], method: str) -> dict[str, Any]:
    """A state with the part of each module in it converted by a method of that module."""
    converted = dict(state)
    for child, part in own_parts(module):
        prefix = f"{child}."
        below = [name for name in converted if isinstance(part, Module) and name.startswith(prefix)]
        if below:  # modules may lie in a circle, which names do not
            inner = getattr(part, method)({name[len(prefix) :]: converted.pop(name) for name in below})
            converted |= {prefix + name: x for name, x in inner.items()}
    return converted


def described(root: Module) -> Iterator[tuple[int, str, int]]:
    """For each module and function in a module: how deep it lies, a line, and the numbers in its own parameters."""
    above: list[str] = []
    for name, part in walk(root, functions=True):
        if isinstance(part, Tensor):
            continue
        while above and not name.startswith(above[-1]):
            above.pop()
        label = f"{name[len(above[-1]) :]}: " if above else ""
        is_module = isinstance(part, Module)
        own = [p for _, p in own_parts(part) if isinstance(p, Parameter)] if is_module else []
        yield len(above), label + in_a_line(part), sum(p.size for p in own)
        if is_module:
            above.append(f"{name}." if name else "")


def in_a_line(module: Any) -> str:
    """A module, without the modules in it: its kind, options and arrays; or the name of a function."""
    if not isinstance(module, Module):
        name = getattr(module, "__name__", type(module).__name__)  # ufuncs of NumPy 2.0 have no other
        return getattr(module, "__qualname__", name).rpartition("<locals>.")[2]
    options = [
        f"{name}={value!r}"
        for name, value in vars(module).items()
        if not name.startswith("_") and name != "training" and is_option(value)
    ]
    arrays = [f"{name} {part.shape}" for name, part in own_parts(module) if isinstance(part, Tensor)]
    in_brackets = f"({', '.join(options)})" if options else ""
    return f"{type(module).__name__}{in_brackets}{': ' if arrays else ''}{', '.join(arrays)}"


def is_option(value: Any) -> bool:
    """Whether it is a number or a word, or a few of them, such as the strides of axes."""
    if isinstance(value, tuple | list):
        return 0 < len(value) <= 8 and all(map(is_option, value))
    return isinstance(value, bool | int | float | str)


def parameters_in_words(parameters: Sequence[Parameter]) -> str:
    """How many numbers there are in parameters, how many are frozen, and the dtype if it is not the usual one."""
    count = sum(p.size for p in parameters)
    frozen = sum(p.size for p in parameters if not p.requires_grad)
    dtypes = sorted({str(p.dtype) for p in parameters})
    facts = [f"{count:,} parameter{'' if count == 1 else 's'}"]
    facts += [f"{frozen:,} of them frozen"] if frozen else []
    return ", ".join(facts + (dtypes if dtypes != ["float64"] else []))


def check_attribute(module: Module, name: str, value: Any) -> None:
    """Refuse a value that would drop a parameter or a buffer, or be mistaken for a parameter, in silence."""
    if name in vars(module).get("parametrizations", {}):
        raise TypeError(
            f"{type(module).__name__}.{name} is computed from other parameters, and what is set here would hide it. "
            f"Call nn.parametrizations.remove_parametrizations(module, {name!r}) before"
        )
    former = vars(module).get(name)
    if isinstance(former, Parameter | Buffer) and not (value is None or isinstance(value, type(former) | Module)):
        kind = type(former).__name__
        raise TypeError(
            f"{type(module).__name__}.{name} is a {kind}, and a {type(value).__name__} in its place would be no part "
            f"of the module's state. Set nn.{kind}(values) for a new one, or change its values: {name}.data = values"
        )
    if type(value) not in PLAIN and not isinstance(value, Module | StateTensor):
        check_contents(module, name, value)


def check_contents(module: Module, name: str, value: Any) -> None:
    """Refuse a value with parts in it that `parameters` would not find."""
    visible, hidden = set(), []
    for part, holder in survey(value, is_part):
        if type(part) is Tensor:
            raise TypeError(
                f"{type(module).__name__}.{name} is set to a Tensor that requires grad{path_below(value, part)}, which "
                f"parameters() would not find. Set nn.Parameter(values) to learn it, or a detached Tensor to keep it"
            )
        if holder is None:
            visible.update(id(found) for _, found in (walk(part) if isinstance(part, Module) else [("", part)]))
        else:
            hidden.append((part, holder))
    if hidden:
        visible.update(id(found) for _, found in walk(module))
    for part, holder in hidden:
        if id(part) not in visible:
            raise TypeError(
                f"{type(module).__name__}.{name} has a {type(part).__name__} inside of a {type(holder).__name__}, "
                f"where parameters() would not find it. {remedy(holder)}"
            )


def is_part(x: Any) -> bool:
    """Whether it is what a module is made of, or looks like it: a Tensor that learns."""
    return isinstance(x, Module | StateTensor) or (type(x) is Tensor and x.is_leaf and x.requires_grad)


def path_below(value: Any, part: Any) -> str:
    """Where a part is, unless it is the value itself."""
    return "" if value is part else f" inside of a {type(value).__name__}"


def own_parts(module: Module, functions: bool = False) -> list[tuple[str, Any]]:
    """The parameters, buffers and modules that a module has itself, with their names in it; in order.

    With `functions`, those are among them as well.
    """
    found, visited = [], set()
    waiting = [(name, part) for name, part in module.members()][::-1]
    while waiting:
        name, part = waiting.pop()
        if isinstance(part, Module | Parameter | Buffer) or (functions and is_function(part)):
            found.append((name, part))
        elif is_branch(part) and id(part) not in visited:
            visited.add(id(part))
            items = part.items() if isinstance(part, Mapping) else enumerate(part)
            waiting += [(f"{name}.{key}", branch) for key, branch in items][::-1]
    return found


def is_function(x: Any) -> bool:
    """Whether it is called, and is no class."""
    return callable(x) and not isinstance(x, type)


def walk(root: Module, functions: bool = False) -> list[tuple[str, Any]]:
    """`root` and all modules, parameters and buffers below, each once under its first name; depth first, in order.

    With `functions`, these come as well.
    """
    found: dict[int, tuple[str, Any]] = {}
    waiting: list[tuple[str, Any]] = [("", root)]
    while waiting:
        name, part = waiting.pop()
        anywhere = not isinstance(part, Module | StateTensor)  # a function is shown wherever it is
        if anywhere or id(part) not in found:
            found[-len(found) if anywhere else id(part)] = name, part
            if isinstance(part, Module):
                prefix = f"{name}." if name else ""
                waiting += [(prefix + key, below) for key, below in own_parts(part, functions)][::-1]
    return list(found.values())


def from_below(root: Module) -> list[Module]:
    """`root` and all modules below, each once, after those that it has itself."""
    found, visited, waiting = [], set(), [(root, False)]
    while waiting:
        module, has_parts = waiting.pop()
        if has_parts:
            found.append(module)
        elif id(module) not in visited:
            visited.add(id(module))
            waiting += [(module, True), *((child, False) for child in module.children()[::-1])]
    return found


def named_state(module: Module) -> dict[str, Tensor]:
    """The parameters and buffers by name; refuses names that two of them share."""
    named: dict[str, Tensor] = {}
    for name, part in walk(module):
        if isinstance(part, Tensor):
            if name in named:
                raise ValueError(
                    f"two arrays of this {type(module).__name__} are called {name!r}: dots or numbers in the keys "
                    f"of a dict make names that other parts have. Use other keys"
                )
            named[name] = part
    return named


def find(module: Module, name: str) -> Tensor | None:
    """The parameter or buffer of that name, which need not be its first."""
    for key, part in own_parts(module):
        if name == key and isinstance(part, Tensor):
            return part
        if isinstance(part, Module) and name.startswith(f"{key}."):
            below = find(part, name[len(key) + 1 :])
            if below is not None:
                return below
    return None
