"""What ranks must have in common to train together, and the random draws that they must not."""

import hashlib
import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..transforms.generators import generator_state, generators_in, is_pythons, set_state
from .world import world


def broadcast(module: Any, optimizer: Any = None) -> None:
    """Give all ranks the parameters and buffers that a module has on rank 0, and its optimizer's parameters and state.

    Parameters
    ----------
    module : Module
        With the same names, shapes and dtypes on all ranks.
    optimizer : Optimizer, optional

    Raises
    ------
    ValueError
        If the module or the optimizer differs between ranks in more than values: all ranks say in what, and nothing
        has changed.
    """
    here, tensors = world(), tensors_of(module, optimizer)
    kinds = {name: f"{x.dtype} of shape {x.shape}" for name, x in tensors.items()}
    refuse_differences("the module", kinds, "is", "Make it by the same program on all ranks")
    if here.comm is None:
        return
    if optimizer is not None:
        send_state(optimizer)
    send_values(tensors)
    check_same(module, optimizer)


def send_state(optimizer: Any) -> None:
    """Give all ranks the state that an optimizer has on rank 0; if it fits no other on some rank, nothing changes."""
    kind = {"the class": type(optimizer).__name__}
    refuse_differences("the optimizer", kind, "is", "Make it by the same program on all ranks")
    before, problem = optimizer.state_dict(), ""
    state = world().from_first(before)
    try:
        optimizer.load_state_dict(state)
    except ValueError as error:
        problem = str(error)
    problems = world().from_all(problem)
    if any(problems):
        optimizer.load_state_dict(before)
        rank = next(rank for rank, text in enumerate(problems) if text)
        raise ValueError(f"the optimizer of rank {rank} cannot take the state of rank 0's: {problems[rank]}")


def send_values(tensors: Mapping[str, Any]) -> None:
    """Give all ranks the values that tensors have on rank 0, in place."""
    for name, x in tensors.items():
        flat = np.ascontiguousarray(x.data).reshape(-1).copy()
        x.data = world().bytes_of_first(flat.view(np.uint8), f"take over {name}").view(flat.dtype).reshape(x.shape)


def check_same(module: Any, optimizer: Any = None) -> None:
    """Refuse a module whose parameters or buffers have other values on some rank, by their digests.

    Parameters
    ----------
    module : Module
    optimizer : Optimizer, optional
        Whose parameters are looked at, too.

    Raises
    ------
    ValueError
        On all ranks; it names the first that differs.
    """
    tensors = tensors_of(module, optimizer)
    values = {name: digest(x.data) for name, x in tensors.items()}
    remedy = (
        "Values are the same where all ranks begin with distributed.broadcast(module), average gradients in all steps, "
        "and change parameters and learning rates alike"
    )
    refuse_differences("the module", values, "has the values with digest", remedy)


def tensors_of(module: Any, optimizer: Any = None) -> dict[str, Any]:
    """The parameters and buffers of a module by name, and those parameters of an optimizer that are not among them."""
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    known = {id(x) for x in tensors.values()}
    more = () if optimizer is None else [p for p in optimizer.params if id(p) not in known]
    return tensors | {f"parameter {i} beside the module's": p for i, p in enumerate(more)}


def digest(x: Any) -> str:
    """A text that differs for other values."""
    return hashlib.blake2b(np.ascontiguousarray(x).tobytes(), digest_size=8).hexdigest()


def refuse_differences(what: str, own: Mapping[str, str], verb: str, remedy: str) -> None:
    """Refuse what ranks say of their parameters if they do not all say the same: one digest travels, or else all."""
    here = world()
    whole = hashlib.blake2b(repr(own).encode(), digest_size=16).digest()
    if len(set(here.from_all(whole, f"compare {what}"))) == 1:
        return
    first, *others = here.from_all(dict(own), f"compare {what}")
    rank, other = next((rank, x) for rank, x in enumerate(others, 1) if list(x.items()) != list(first.items()))
    differing = [name for name in [*first, *other] if first.get(name) != other.get(name)]
    if not differing:
        raise ValueError(f"the parameters have another order on rank {rank} than on rank 0")
    name = differing[0]
    said = [f"{verb} {x[name]}" if name in x else "is not there" for x in (first, other)]
    raise ValueError(
        f"{what} differs between ranks: {name} {said[0]} on rank 0, and {said[1]} on rank {rank}. {remedy}"
    )


def separate_draws(*drawing: Any) -> None:
    """Let what draws random numbers, as dropout does, draw others on each rank, where it would draw the same on all.

    What a rank draws from here on depends on the generators' states and its number alone; rank 0 draws what it would
    have drawn. Call it after initial values were drawn, which are to be the same.

    Parameters
    ----------
    *drawing : Module, or anything that holds generators
    """
    separate(list(generators_in({str(i): x for i, x in enumerate(parts_of(drawing))}).values()))


def parts_of(drawing: Any) -> list[Any]:
    """Objects, with the modules in those that are some."""
    return [part for x in drawing for part in (x.modules() if hasattr(x, "modules") else [x])]


def separate(generators: list[Any]) -> None:
    """Let generators draw other numbers on each rank but the first."""
    rank = world().rank
    for rng in generators if rank else ():
        set_state(rng, generator_state(apart(rng, rank)))


def apart(rng: Any, rank: int) -> Any:
    """A generator of the same kind, seeded by what `rng` would draw next and a rank."""
    if is_pythons(rng):
        twin = random.Random()
        twin.setstate(rng.getstate())
        return random.Random(f"{twin.getrandbits(128)} {rank}")
    bits = getattr(rng, "bit_generator", rng)
    if hasattr(bits, "state"):
        twin = type(bits)()
        twin.state = bits.state
        return type(bits)(np.random.SeedSequence([*twin.random_raw(4).tolist(), rank]))
    twin = np.random.RandomState()
    twin.set_state(bits.get_state())
    return np.random.RandomState([*twin.randint(2**32, size=4, dtype=np.uint32).tolist(), rank])
