"""What all optimizers have in common: checked parameters and hyperparameters, groups, state, and the step itself."""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy import ndarray

from ..core.context import context
from ..core.door import bare
from ..core.tape import forget_gradients, gradient_of, mark_changed
from ..core.tensor import Tensor
from .hyperparameters import KINDS, Fixed, Group, checked, listed, options_of, refuse_unknown
from .parameters import checked_parameters, counted, depend_on, groups_of, parameters_of
from .slot import Slot, computing_dtype
from .state import differences, load_group, saved_group


class Optimizer:
    """Parameters, and the means to update them in place; a subclass says how, in `update`.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) pairs, or of groups
        Leaves that require grad. A group is a dict of `params` and of hyperparameters of its own. Names are "0", "1",
        ... where none are given.
    **hyperparameters : float, bool, or tuple of float
        Those of all parameters whose group has none of its own. They can be read and set at any time, in
        ``optimizer.param_groups[i][name]``. With a `weight_decay` other than 0 each gradient has
        ``weight_decay * w`` added before it comes to `update`.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no leaf that requires grad, comes twice, or there is none; or a hyperparameter is unknown,
        not finite, or out of its bounds.

    Notes
    -----
    A subclass may also have

    - ``start(w, hyper)``, which answers with the state of a parameter before the first step;
    - ``elementwise = True``, if each element is updated by itself, whatever the shape. Large parameters are then
      updated block by block, which takes less time;
    - ``scratch = (name, ...)``: arrays like w that `update` finds in its state, to compute in;
    - ``derived = (name, ...)`` and ``derive(t, hyper, state)``, which answers with a number for each of these names,
      computed in double precision once a step for each parameter, from the number t = 1, 2, ... of the step;
    - ``decoupled = True``, if weight decay shall shrink the weights by ``lr * weight_decay`` of them and leave the
      gradient alone;
    - ``optional = (name, ...)``: hyperparameters that are None for `update` where they were 0 at first;
    - ``check(values)``, which raises ValueError for hyperparameters that do not go together.

    Parameters of half precision come to `start` and `update` in single precision, and are rounded after it.

    A recording follows the calls of one step and repeats them, so they must be the same in each: no branch on the
    value of an array, nor on whether this is the first step.
    """

    optional: ClassVar[tuple[str, ...]] = ("weight_decay",)
    scratch: ClassVar[tuple[str, ...]] = ()
    derived: ClassVar[tuple[str, ...]] = ()
    elementwise: ClassVar[bool] = False
    decoupled: ClassVar[bool] = False
    recorded_by: ClassVar[tuple[str, ...]] = ("_steps_alike",)
    _defaults: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, params: Iterable[Any], **hyperparameters: Any) -> None:
        self._defaults = {name: checked(name, value) for name, value in hyperparameters.items()}
        self.check(self._defaults)
        self.param_groups: list[Group] = Fixed()
        self.params: list[Tensor] = Fixed()
        self._slots: list[Slot] = []
        self._add(groups_of(params))

    # What a subclass says

    def start(self, w: Any, hyper: Any) -> Mapping[str, Any]:
        """The state of a parameter w before the first step: arrays by name."""
        return {}

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        """Change w in place, given its gradient; `state` and `hyper` have arrays as attributes."""
        raise NotImplementedError  # pragma: no cover: abstract

    def derive(self, t: Any, hyper: Any, state: Any) -> Iterable[Any]:
        """The numbers `derived` from hyperparameters for step t."""
        raise NotImplementedError  # pragma: no cover: abstract

    def counts(self, hyper: Any) -> bool:
        """Whether parameters with these hyperparameters need `derive`, and so a count of their steps."""
        return bool(self.derived)

    def least_eps(self, dtype: np.dtype) -> float:
        """The least eps of an update in a dtype, so that a gradient of 0 is never divided by 0.

        It is the root of the least number, as that of a smaller square is 0.
        """
        limits = np.finfo(dtype if dtype.itemsize < 8 else np.float64)
        return math.sqrt(float(limits.tiny) * float(limits.eps))

    def check(self, values: Mapping[str, Any]) -> None:
        """Refuse hyperparameters that do not go together."""

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
            least_eps = max(self.least_eps(computing_dtype(p.dtype)) for p in named.values())
            group = Group(type(self).__name__, named, self._values_of(own), self.optional, self.check, least_eps)
            added.append(group)
            slots += [self._slot(name, p, group) for name, p in named.items()]
            before.update(named)
        self.param_groups = Fixed([*self.param_groups, *added])
        self._slots += slots
        self._list()

    def _values_of(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """The hyperparameters of a group."""
        values = dict(self._defaults)
        for name in set(own) - {"params"}:
            refuse_unknown(type(self).__name__, name, values)
            values[name] = checked(name, own[name], values[name])
        self.check(values)
        return values

    def _slot(self, name: str, p: Tensor, group: Group) -> Slot:
        """What is needed to update a parameter."""
        w, derived = p.value, ("shrink", *self.derived)
        dtype = computing_dtype(w.dtype)
        hyper, exact = group.arrays(w, derived, dtype), group.arrays(w, derived, np.float64)
        state, counted = dict(self.start(w.astype(dtype, copy=False), hyper)), self.counts(hyper)
        for key, x in state.items():
            if not hasattr(x, "shape") or isinstance(x, np.generic):
                raise TypeError(
                    f"{type(self).__name__}.start answers with arrays, which a step changes in place; {key} is a "
                    f"{type(x).__name__}. np.zeros_like(w, shape=()) makes an array of a number"
                )
        if counted:
            state["step"] = np.zeros_like(w, shape=(), dtype=np.float64)
        has_decay = getattr(hyper, "weight_decay", None) is not None
        decoupled = group.get("decoupled_weight_decay", self.decoupled)
        slot = Slot(name, p, group, hyper, exact, state)
        slot.counted, slot.shrinks, slot.decays = counted, has_decay and decoupled, has_decay and not decoupled
        slot.scratch = (*self.scratch, *["decayed"] * slot.decays, *["wide", "wide_gradient"] * slot.rounds)
        slot.elementwise = self.elementwise
        slot.cut()
        return slot

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

    # The step

    def zero_grad(self) -> None:
        """Forget the gradients: each parameter's `grad` becomes None."""
        forget_gradients(self.params)

    def step(self) -> None:
        """Update each parameter that has a gradient."""
        recording = context.get().recorder is not None
        if recording:
            depend_on(self.params)
        for p, w in self._watched:
            if p.value is not w:
                self._follow()
        for p, w, slot, state, hyper in self._work:
            node = p.node
            g = None if node is None else gradient_of(node) if recording else node.notes.grad
            if g is None:
                continue
            if type(g) is not ndarray:
                g = bare(g)
            if state is None or recording:
                self._update(slot, g)
            else:
                self.update(w, g, state, hyper)
            mark_changed(node)

    def _follow(self) -> None:
        """Work on the memory that the parameters have now."""
        for slot in self._slots:
            slot.check()
        moved = [slot for slot in self._slots if slot.w is not slot.p.value]
        for slot in moved:
            slot.follow()
        if moved:
            self._list()

    def _list(self) -> None:
        """Write down what a step goes through: state and hyperparameters where nothing but `update` is needed."""
        self.params = Fixed(slot.p for slot in self._slots)
        self._steps_alike = object()  # another one if a step is another one than it was, and recordings of it end
        self._watched = [(slot.p, slot.w) for slot in self._slots]
        self._work = [(slot.p, slot.w, slot, slot.whole if slot.plain else None, slot.hyper) for slot in self._slots]

    def _update(self, slot: Slot, g: Any) -> None:
        """Update a parameter that needs more than `update`: a count of steps, weight decay, blocks, or a recording."""
        if context.get().recorder is not None:
            slot = slot.told()
        hyper, scalars = slot.hyper, slot.scalars
        if slot.counted:
            step = slot.kept.step
            t = step[()] + 1
            step[...] = t
            for name, number in zip(self.derived, self.derive(t, scalars, slot.kept), strict=True):
                getattr(hyper, name)[...] = number
        if slot.shrinks:
            hyper.shrink[...] = 1 - scalars.lr * scalars.weight_decay
        for w, gradient, state in slot.pieces(g):
            if slot.shrinks:
                np.multiply(w, hyper.shrink, out=w)
            elif slot.decays:
                gradient = np.add(np.multiply(w, hyper.weight_decay, out=state.decayed), gradient, out=state.decayed)
            self.update(w, gradient, state, hyper)

    # Saving and loading

    def state_dict(self) -> dict[str, Any]:
        """Copies of all that `load_state_dict` needs to go on from here: nested dicts of arrays and plain numbers.

        ``state["groups"][i]`` has the hyperparameters of a group, and in ``["params"][name]`` the state of a
        parameter. The parameters themselves are not among it.
        """
        return {"groups": {str(i): saved_group(group, self._slots) for i, group in enumerate(self.param_groups)}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict` of an optimizer with the same parameters and the same options.

        Raises
        ------
        ValueError
            If anything is missing, unexpected, of another shape or out of its bounds. The error says all of it, and
            nothing has changed.
        """
        problems = self._problems(state)
        if problems:
            raise ValueError(f"this state does not belong to this {type(self).__name__}: {'; '.join(problems)}")
        self._load(state)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(
            "an optimizer cannot be copied or pickled, as it belongs to its parameters. Make one for the copies of "
            "these, and give it this one's state_dict()"
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
        return differences(state, self.param_groups, self._slots)

    def _load(self, state: Mapping[str, Any]) -> None:
        """Take over a state in which there is no problem."""
        for i, group in enumerate(self.param_groups):
            load_group(state["groups"][str(i)], group, self._slots)
