"""What all optimizers have in common: checked parameters and hyperparameters, groups, state, and the step itself."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from ..core.tensor import Tensor
from .former import converted
from .hyperparameters import (
    BOUNDS,
    KINDS,
    Fixed,
    Group,
    checked,
    for_update,
    listed,
    options_of,
    refuse_options,
    refuse_unknown,
)
from .parameters import checked_parameters, counted, groups_of, parameters_of
from .rule import Rule
from .slot import Slot, computing_dtype
from .state import MADE, differences, load_arrays, restored, saved_group
from .step import Steps


class Optimizer(Steps):
    """Parameters, and the means to update them in place; a subclass says how, in `update`.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) pairs, or of groups
        Leaves that require grad. A group is a dict of `params` and of hyperparameters of its own. Names are "0", "1",
        ... where none are given.
    **hyperparameters : float, bool, or tuple of float
        Those of all parameters whose group has none of its own. They can be read and set at any time, in
        ``optimizer.param_groups[i][name]`` or ``optimizer.param_groups[i].name``. With `maximize` gradients count with
        the opposite sign. With a `weight_decay` other than 0 each gradient has ``weight_decay * w`` added before it
        comes to `update`.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no leaf that requires grad, comes twice, or there is none; or a hyperparameter is unknown,
        not finite, or out of its bounds.

    Notes
    -----
    A subclass has ``update(w, g, state, hyper)``, which changes the array w in place, given its gradient g. It may
    have

    - ``start(w, hyper)``, which returns the state of a parameter before the first step: arrays, which `update` changes
      in place, and floats, which it sets. One that is called "step" counts the steps: it is 1 in the first update;
    - ``elementwise = True``, if each element is updated by itself, by operators and NumPy's functions of one element.
      The update is then followed once, and runs without making arrays; large parameters are updated block by block;
    - ``decoupled = True``, if weight decay shall shrink the weights by ``lr * weight_decay`` of them and leave the
      gradient alone;
    - ``optional = (name, ...)``: hyperparameters that are None for `update` while they are 0;
    - ``bounds = {name: (low, high, below)}``: where a hyperparameter may lie, from `low` to `high`, or only `below`
      the latter;
    - ``kinds = {name: (0.0, 0.0)}`` for a hyperparameter of several numbers whose name is otherwise that of one;
    - ``check(values)``, which raises ValueError for hyperparameters that do not go together, and
      ``accepts(w)``, which raises it for a parameter.

    Numbers, of `hyper` and of the state, are Python's: exact to double precision, and without effect on the dtype of
    arrays. So a root of one is ``x ** 0.5``, as NumPy's functions make numbers of their own. Parameters of half
    precision come to `start` and `update` in single precision, and are rounded after it.

    A recording follows the calls of one step and repeats them, so they must be the same in each: no branch on the
    value of an array, nor on a number, but on flags and on what is None.
    """

    optional: ClassVar[tuple[str, ...]] = ("weight_decay",)
    bounds: ClassVar[Mapping[str, tuple[float, float, bool]]] = BOUNDS
    kinds: ClassVar[Mapping[str, Any]] = {}
    _defaults: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, params: Iterable[Any], **hyperparameters: Any) -> None:
        self._defaults = {
            name: checked(name, x, self.kinds.get(name), self.bounds) for name, x in hyperparameters.items()
        }
        self.check(self._defaults)
        self.param_groups: list[Group] = Fixed()
        self.params: list[Tensor] = Fixed()
        self._slots: list[Slot] = []
        self._add(groups_of(params))

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in ("scratch", "derived", "derive"):
            if hasattr(cls, name):
                raise TypeError(
                    f"{cls.__name__} has {name}, which optimizers have no longer: write update in plain expressions of "
                    f"arrays and numbers; elementwise = True makes it run without making arrays"
                )

    @classmethod
    def rule(cls, **hyperparameters: Any) -> Rule:
        """The same steps as a function, which changes nothing: of trees of arrays or Tensors, and differentiable.

        Parameters
        ----------
        **hyperparameters
            Those that the optimizer is made with. A number may also be a Tensor, through which derivatives flow.

        Raises
        ------
        TypeError, ValueError
            If one is missing, unknown, or out of its bounds.

        Examples
        --------
        >>> rule = optim.Adam.rule(lr=0.1)
        >>> state = rule.init(params)
        >>> params, state = rule.updated(params, grads, state)
        """
        refuse_options(cls, hyperparameters)
        return Rule(cls, hyperparameters)

    # What a subclass says

    def start(self, w: Any, hyper: Any) -> Mapping[str, Any]:
        """The state of a parameter w before the first step: arrays and floats by name."""
        return {}

    def check(self, values: Mapping[str, Any]) -> None:
        """Refuse hyperparameters that do not go together."""

    def accepts(self, w: Any) -> None:
        """Refuse a parameter that this optimizer cannot update, by ValueError."""

    def added(self, state: dict[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
        """What of a state to keep besides what is kept, once another hyperparameter asks for more."""
        return state

    # Parameters and their groups

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Optimize more parameters: a dict of `params` and of hyperparameters of their own."""
        self._add([group])

    def _add(self, groups: Iterable[Mapping[str, Any]]) -> None:
        """Take groups on, or none if one is refused."""
        before = {slot.name: slot.p for slot in self._slots}
        added, slots = [], []
        for own in groups:
            named = checked_parameters(parameters_of(own), before)
            for p in named.values():
                self.accepts(p.value)
            group = Group(self, named, self._values_of(own))
            added.append(group)
            slots += [Slot(name, p, group, self._started(group.numbers, p.value)) for name, p in named.items()]
            before.update(named)
        self.param_groups = Fixed([*self.param_groups, *added])
        self._slots += slots
        for group in added:
            group.on_change(self._changed)
        self._plan()

    def _values_of(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """The hyperparameters of a group."""
        values = dict(self._defaults)
        for name in set(own) - {"params"}:
            refuse_unknown(type(self).__name__, name, values)
            values[name] = checked(name, own[name], values[name], self.bounds)
        self.check(values)
        return values

    def _started(self, values: Mapping[str, Any], w: Any, everything: bool = False) -> dict[str, Any]:
        """The state before the first step, with given hyperparameters, or that of any hyperparameters."""
        if everything:
            values = {name: True if isinstance(value, bool) else value for name, value in values.items()}
        off = () if everything else [name for name in self.optional if not values.get(name)]
        dtype = computing_dtype(w.dtype)
        state = dict(self.start(w.astype(dtype, copy=False), for_update(values, self.least_eps(dtype), off)))
        for key, x in state.items():
            if isinstance(x, float) and not isinstance(x, np.generic):
                continue
            if not hasattr(x, "shape") or isinstance(x, np.generic):
                raise TypeError(
                    f"{type(self).__name__}.start returns arrays like w, np.zeros_like(w), and floats; {key} is a "
                    f"{type(x).__name__}"
                )
        return state

    def _changed(self, structure: bool) -> None:
        """Compute with other hyperparameters from now on, and other lines if a flag or a 0 has changed."""
        self._stale = True
        if not structure:
            return
        for slot in self._slots:
            slot.add(self.added(self._started(slot.group.numbers, slot.w), slot.kept))
        self._plan()

    @property
    def lr(self) -> float:
        """The learning rate, where all groups have the same; setting it sets that of all."""
        rates = [group["lr"] for group in self.param_groups]
        if len(set(rates)) > 1:
            raise ValueError(f"the groups have learning rates {rates}. Ask for param_groups[i]['lr']")
        return rates[0]

    @lr.setter
    def lr(self, value: float) -> None:
        for group in self.param_groups:
            group.checked({"lr": value})
        for group in self.param_groups:
            group["lr"] = value

    def __setattr__(self, name: str, value: Any) -> None:
        known = self._defaults
        if name in ("param_groups", "params") and not isinstance(value, Fixed):
            Fixed().refuse()
        if known and name != "lr" and name in {*known, *KINDS}:
            refuse_unknown(type(self).__name__, name, known)
            raise AttributeError(f"{name} belongs to the groups of parameters. Set optimizer.param_groups[i][{name!r}]")
        object.__setattr__(self, name, value)

    # Saving and loading

    def state_dict(self) -> dict[str, Any]:
        """Copies of all that `load_state_dict` needs to go on from here: nested dicts of arrays and plain numbers.

        ``state["groups"][i]`` has the hyperparameters of a group, and in ``["params"][name]`` the state of a
        parameter. The parameters themselves are not among it.
        """
        return {"groups": {str(i): saved_group(group, self._slots) for i, group in enumerate(self.param_groups)}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict` of an optimizer of the same kind, with the same parameters.

        Raises
        ------
        ValueError
            If anything is missing, unexpected, of another shape or out of its bounds. The error says all of it, and
            nothing has changed.
        """
        state = converted(type(self).__name__, state, self.param_groups)
        problems = self._problems(state)
        if problems:
            raise ValueError(f"this state does not belong to this {type(self).__name__}: {'; '.join(problems)}")
        self._load(state)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """A copy and a pickle have the parameters with them: those of a model that is copied in the same call."""
        groups = [{"params": [*group.named.items()], **group.numbers} for group in self.param_groups]
        rest = {name: x for name, x in vars(self).items() if name not in MADE}
        return restored, (type(self), groups, rest, self.state_dict())

    def __copy__(self) -> Any:
        raise TypeError(
            "two optimizers of the same parameters would both change them. Copy it with its model: "
            "model, optimizer = copy.deepcopy((model, optimizer))"
        )

    def __repr__(self) -> str:
        first, *others = groups = [group.numbers for group in self.param_groups]
        shared = {name for name, value in first.items() if all(group[name] == value for group in others)}
        head = {name: value for name, value in first.items() if name in shared}
        lines = [f"{type(self).__name__}({listed(head | options_of(self))}): {counted(self.params)}"]
        for i, (group, values) in enumerate(zip(self.param_groups, groups, strict=True)) if others else ():
            differing = listed({name: value for name, value in values.items() if name not in shared})
            lines.append(f"  {i}{f' ({differing})' if differing else ''}: {counted(group['params'])}")
        return "\n".join(lines)

    def _problems(self, state: Mapping[str, Any]) -> list[str]:
        """What speaks against loading a state."""

        def like(slot: Slot, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
            return self._started(values, slot.w), self._started(values, slot.w, everything=True)

        return differences(state, self.param_groups, self._slots, like)

    def _load(self, state: Mapping[str, Any]) -> None:
        """Take over a state in which there is no problem."""
        for i, group in enumerate(self.param_groups):
            saved = state["groups"][str(i)]
            group.update({name: value for name, value in saved.items() if name != "params"})
            for slot in self._slots:
                if slot.group is group:
                    kept = saved["params"][slot.name]
                    if slot.keep(kept, self._started(group.numbers, slot.w, everything=True)):
                        self._plan()
                    load_arrays(kept, slot.kept)
