"""States of PyTorch's optimizers, taken over and handed back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .lbfgs import LBFGS
from .optimizer import Optimizer
from .slot import Slot
from .torch_places import places_of

OPTIONS = ("ns_steps", "adjust_lr_fn", "max_iter", "max_eval", "tolerance_grad", "tolerance_change", "history_size")
UNBEGUN = ("ASGD", "Rprop", "SGD")  # which take the lr, or leave dampening out, in a step that finds no state
FACTORS = ("row_var", "col_var")  # of the mean squares of a matrix: those of rows are columns where it is transposed


def from_torch(optimizer: Optimizer, state: Mapping[str, Any], model: Any = None, like: Any = None) -> None:
    """Let an optimizer go on from the `state_dict` of PyTorch's optimizer of the same name.

    Parameters
    ----------
    optimizer : Optimizer
        With as many groups of as many parameters, in the order of PyTorch's. An optimizer of all parameters in the
        order of ``model.parameters()`` goes with one that has all in the order of PyTorch's ``parameters()``. Names
        among the state, of an optimizer made with ``named_parameters()``, go before any order.
    state : mapping
        With tensors of PyTorch's or arrays. Hyperparameters are taken over as well.
    model : Module, optional
        Whose parameters the optimizer has. Its `from_torch` says where PyTorch's numbers lie in its own parameters, as
        `nn.Linear` has the transposed weight. Without it, all arrays are as PyTorch has them.
    like : mapping, optional
        With `model`, the `state_dict` of PyTorch's network, which has the names and shapes of its parameters, in order.

    Raises
    ------
    TypeError, ValueError
        If the state does not fit. The error says all that is wrong, and nothing has changed.
    """
    groups = checked_groups(optimizer, state, model, like)
    places = places_of(optimizer, model, like, groups)
    kept = {index: arrays_of(values) for index, values in state["state"].items()}
    given: dict[str, Any] = {"groups": {}}
    for i, group in enumerate(optimizer.param_groups):
        slots = [slot for slot in optimizer._slots if slot.group is group]
        params = {slot.name: state_of(optimizer, slot, kept, places[slot.name]) for slot in slots}
        given["groups"][str(i)] = values_of(optimizer, groups[i], params)
    if isinstance(optimizer, LBFGS):
        given["memory"] = memory_of(optimizer, kept, places)
    try:
        optimizer.load_state_dict(given)
    except ValueError as error:
        if model is None and " has shape " in str(error):
            raise ValueError(f"{error}. If a layer transposes what PyTorch has, pass model and like") from error
        raise
    for name in OPTIONS:
        if name in vars(optimizer) and groups[0].get(name) is not None:
            setattr(optimizer, name, groups[0][name])


def to_torch(
    optimizer: Optimizer, model: Any = None, like: Any = None, convert: Callable[[Any], Any] = np.asarray
) -> dict[str, Any]:
    """What `load_state_dict` of PyTorch's optimizer of the same name takes, to go on there.

    Parameters
    ----------
    optimizer : Optimizer
    model, like : as of `from_torch`
        With them, the parameters of a group are numbered in the order of PyTorch's network, if the optimizer has them
        in the order of `model`; otherwise, and without `model`, in the order of the optimizer.
    convert : function of an array
        ``torch.as_tensor``, for PyTorch to load; by default arrays stay arrays.

    Raises
    ------
    TypeError, ValueError
        If PyTorch cannot have this state: that of LBFGS, or of parameters that are one in PyTorch and have different
        groups, counts of steps, or mean squares of rows and columns.
    """
    if isinstance(optimizer, LBFGS):
        raise TypeError("to_torch has no LBFGS, whose memory is made of other vectors there. Start it anew")
    places = places_of(optimizer, model, like, None)
    refuse_other_counts(optimizer, places)
    found: dict[int, dict[str, Any]] = {}
    for slot in optimizer._slots:
        index, ids, shape = places[slot.name]
        for name, x in slot.start().items() if has_begun(optimizer, slot) else ():
            there = found.setdefault(index, {})
            if name in slot.number_names:
                there[name] = np.float32(x) if name == "step" else x
            elif name in FACTORS:
                transposed = is_transposed(slot, ids, shape)
                there[FACTORS[name == FACTORS[0]] if transposed else name] = (x.T if transposed else x).copy()
            else:
                flat = there.setdefault(name, np.zeros(shape, x.dtype)).reshape(-1)
                flat[...] = scattered(flat, ids, x)
    groups = []
    for group in optimizer.param_groups:
        values = {name: x for name, x in vars(optimizer).items() if name in OPTIONS} | group.numbers
        numbers = {places[slot.name][0] for slot in optimizer._slots if slot.group is group}
        groups.append({**values, "params": sorted(numbers)})
    state = {i: {k: convert(x) for k, x in part.items() if torch_has(optimizer, k)} for i, part in found.items()}
    return {"state": state, "param_groups": groups}


def refuse_other_counts(optimizer: Optimizer, places: Mapping[str, Any]) -> None:
    """Refuse parameters that are one in PyTorch, which counts its steps, and have made different numbers of them."""
    counts: dict[int, tuple[str, Any]] = {}
    for slot in optimizer._slots:
        step = float(slot.kept.get("step", 0))
        other, before = counts.setdefault(places[slot.name][0], (slot.name, step))
        if before != step:
            raise ValueError(
                f"parameters {other} and {slot.name} are one in PyTorch, and have made {before:g} and {step:g} steps. "
                f"Start PyTorch's optimizer anew"
            )


def has_begun(optimizer: Optimizer, slot: Slot) -> bool:
    """Whether PyTorch has a state by now, where the first step is another one with it."""
    return not (type(optimizer).__name__ in UNBEGUN and slot.kept.get("step") == 0)


def torch_has(optimizer: Optimizer, name: str) -> bool:
    """Whether PyTorch keeps what is called so."""
    return not (type(optimizer).__name__ == "SGD" and name == "step")


def checked_groups(optimizer: Any, state: Any, model: Any, like: Any) -> list[Mapping[str, Any]]:
    """PyTorch's groups, refused if they are not those of the optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"from_torch takes an optimizer, and a state for it; got a {type(optimizer).__name__}")
    if not (isinstance(state, Mapping) and isinstance(state.get("state"), Mapping) and "param_groups" in state):
        raise TypeError(f"a state of PyTorch's is a dict of state and param_groups; got {state!r:.60}")
    groups, own = state["param_groups"], optimizer.param_groups
    if len(groups) != len(own):
        raise ValueError(f"the state has {len(groups)} groups of parameters, and this optimizer has {len(own)}")
    if model is None and [len(x["params"]) for x in groups] != [len(x.named) for x in own]:
        counts = [len(x["params"]) for x in groups], [len(x.named) for x in own]
        raise ValueError(
            f"the groups of the state have {counts[0]} parameters, and those of this optimizer {counts[1]}"
        )
    for group, mine in zip(groups, own, strict=True):
        decoupled = group.get("decoupled_weight_decay")
        if decoupled is not None and "decoupled_weight_decay" not in mine and decoupled is not optimizer.decoupled:
            kinds = ("AdamW", "Adam") if decoupled else ("Adam", "AdamW")
            raise ValueError(
                f"this is a state of {kinds[0]}, and the optimizer is {kinds[1]}. Make an optim.{kinds[0]}"
            )
    return list(groups)


def arrays_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a parameter, tensors as arrays; without what PyTorch has not begun to keep."""
    return {name: np.asarray(x) if hasattr(x, "shape") else x for name, x in values.items() if x is not None}


def values_of(optimizer: Optimizer, group: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """A group as it is saved here; what PyTorch does not know stays as it is."""
    own = optimizer.param_groups[0].numbers
    found = {name: number_here(group[name]) for name in own if name in group}
    return {**own, **found, "params": params}


def number_here(x: Any) -> Any:
    """A hyperparameter as it is here: a number for a tensor, 0 for the None among Adafactor's eps."""
    if isinstance(x, Sequence) and not isinstance(x, str):
        return tuple(0.0 if part is None else number_here(part) for part in x)
    return x.item() if hasattr(x, "item") else x


def state_of(optimizer: Optimizer, slot: Slot, every: Mapping[Any, Any], place: Any) -> dict[str, Any]:
    """The state of a parameter, from PyTorch's; that of the start where there is none."""
    index, ids, shape = place
    kept = {} if isinstance(optimizer, LBFGS) else every.get(index, {})
    possible = optimizer._started(slot.group.numbers, slot.w, everything=True)
    found: dict[str, Any] = {}
    for name, x in kept.items():
        if isinstance(possible.get(name), float):
            found[name] = number_here(x)
        elif name in FACTORS:
            transposed = is_transposed(slot, ids, shape)
            found[FACTORS[name == FACTORS[0]] if transposed else name] = x.T if transposed else x
        else:
            found[name] = x.reshape(-1)[ids] if np.shape(x) == tuple(shape) else x
    if type(optimizer).__name__ == "SGD" and "momentum_buffer" in found:
        found["step"] = 1.0  # PyTorch dampens from the second gradient on, and so where there is a buffer
    needed = optimizer._started(slot.group.numbers, slot.w) if not kept else {}
    return {**needed, **found}


def is_transposed(slot: Slot, ids: Any, shape: Sequence[int]) -> bool:
    """Whether a matrix is the transpose of PyTorch's, rather than the same; another order is refused."""
    if ids.size == np.prod(shape):  # else it is a part of PyTorch's
        usual = np.arange(ids.size).reshape(shape)
        if ids.shape == usual.shape and (ids == usual).all():
            return False
        if ids.shape == usual.T.shape and (ids == usual.T).all():
            return True
    raise ValueError(f"rows and columns of parameter {slot.name} are others in PyTorch, so their mean squares are lost")


def scattered(flat: Any, ids: Any, x: Any) -> Any:
    """The numbers of a parameter where they lie in PyTorch's."""
    flat = flat.copy()
    flat[ids.reshape(-1)] = x.reshape(-1)
    return flat


def memory_of(optimizer: Optimizer, kept: Mapping[Any, Any], places: Mapping[str, Any]) -> dict[str, Any]:
    """The memory of LBFGS, whose vectors are the elements of all parameters one after the other."""
    values = next(iter(kept.values()), {})
    if "d" not in values:
        return optimizer.state_dict()["memory"]
    order = vector_order([places[slot.name] for slot in optimizer._slots])

    def vectors(xs: Iterable[Any]) -> Any:
        return np.array([np.asarray(x)[order] for x in xs]).reshape(-1, len(order))

    return {
        "steps": vectors(values["old_stps"]),
        "changes": vectors(values["old_dirs"]),
        "step": np.asarray(values["d"])[order] * float(values["t"]),
        "gradient": np.asarray(values["prev_flat_grad"])[order],
        "scale": float(values["H_diag"]),
        "iterations": int(values["n_iter"]),
    }


def vector_order(places: Sequence[Any]) -> Any:
    """Where each element of our vector of all parameters lies in PyTorch's."""
    sizes = {index: int(np.prod(shape)) for index, _, shape in places}
    starts = {index: sum(size for other, size in sizes.items() if other < index) for index in sizes}
    return np.concatenate([ids.reshape(-1) + starts[index] for index, ids, _ in places])
