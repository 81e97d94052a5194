"""States that earlier versions wrote, in the words of this one."""

from collections.abc import Mapping
from typing import Any

import numpy as np

# By optimizer: the former name of an array, and what it is now.
NAMES: Mapping[str, Mapping[str, str]] = {
    "SGD": {"velocity": "momentum_buffer"},
    **{kind: {"sum": "exp_avg", "squares": "exp_avg_sq"} for kind in ("Adam", "AdamW", "NAdam", "RAdam")},
    "RMSprop": {"square": "square_avg", "mean": "grad_avg", "velocity": "momentum_buffer"},
    "Adagrad": {"square": "sum"},
    "Adadelta": {"square": "square_avg", "square_step": "acc_delta"},
    "Lion": {"mean": "exp_avg"},
    "LBFGS": {},
}
SHARES = {"sum": "share1", "squares": "share2"}  # what made means of the sums that were kept


def converted(kind: str, state: Any, groups: Any) -> Any:
    """A state in which all that has a former name, or is missing as there was no such thing, is as it is now."""
    if kind not in NAMES or not isinstance(state, Mapping) or not isinstance(state.get("groups"), Mapping):
        return state
    found = {}
    for i, saved in state["groups"].items():
        former = isinstance(saved, Mapping) and "maximize" not in saved and isinstance(saved.get("params"), Mapping)
        found[i] = group_now(kind, saved) if former else saved
    return {**state, "groups": found}


def group_now(kind: str, saved: Mapping[str, Any]) -> dict[str, Any]:
    """A group of a former state."""
    new = {"initial_accumulator_value": 0.0} if kind == "Adagrad" else {}
    params = {name: now(kind, x) if isinstance(x, Mapping) else x for name, x in saved["params"].items()}
    return {**saved, **new, "maximize": False, "params": params}


def now(kind: str, kept: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a parameter."""
    names, found = NAMES[kind], {}
    for name, x in kept.items():
        if name in SHARES and SHARES[name] in kept:
            found[names[name]] = np.asarray(x) * kept[SHARES[name]]
        elif name not in SHARES.values():
            found["max_exp_avg_sq" if name == "largest" else names.get(name, name)] = x
    if kind == "SGD" and "momentum_buffer" in found:
        found.setdefault("step", float(np.any(found["momentum_buffer"])))
    if kind == "Lion" and "step" in found:  # which it counted for nothing
        del found["step"]
    return found
