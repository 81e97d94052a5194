"""What ranks must have in common to train together, and the random draws that they must not."""

import hashlib
import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..transforms.generators import generator_state, generators_in, is_pythons, set_state
from .world import world


def broadcast(module: Any, optimizer: Any = None) -> None:
    """Give all ranks the parameters and buffers that a module has on rank 0, and its optimizer's state.

    Parameters
    ----------
    module : Module
        With the same names, shapes and dtypes on all ranks.
    optimizer : Optimizer, optional

    Raises
    ------
    ValueError
        If the module differs between ranks in more than values: all ranks say in which parameter, and nothing has
        changed.
    """
    here, tensors = world(), tensors_of(module)
    refuse_differences({name: f"{x.dtype} of shape {x.shape}" for name, x in tensors.items()}, "is")
    if here.comm is None:
        return
    send_values(tensors)
    if optimizer is not None:
        state = here.from_first(optimizer.state_dict())
        if here.rank:
            optimizer.load_state_dict(state)
    check_same(module)


def send_values(tensors: Mapping[str, Any]) -> None:
    """Give all ranks the values that tensors have on rank 0, in place."""
    for x in tensors.values():
        flat = x.data.reshape(-1).copy()
        world().comm.Bcast(flat.view(np.uint8))
        x.data = flat.reshape(x.shape)


def check_same(module: Any) -> None:
    """Refuse a module whose parameters or buffers have other values on some rank, by their digests.

    Raises
    ------
    ValueError
        On all ranks; it names the first that differs.
    """
    refuse_differences({name: digest(x.data) for name, x in tensors_of(module).items()}, "has the values with digest")


def tensors_of(module: Any) -> dict[str, Any]:
    """The parameters and buffers of a module by name."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def digest(x: Any) -> str:
    """A text that differs for other values."""
    return hashlib.blake2b(np.ascontiguousarray(x).tobytes(), digest_size=8).hexdigest()


def refuse_differences(own: Mapping[str, str], verb: str) -> None:
    """Refuse what ranks say of their parameters if they do not all say the same: one digest travels, or else all."""
    here = world()
    whole = hashlib.blake2b(repr(own).encode(), digest_size=16).digest()
    if len(set(here.from_all(whole))) == 1:
        return
    first, *others = here.from_all(dict(own))
    rank, other = next((rank, x) for rank, x in enumerate(others, 1) if list(x.items()) != list(first.items()))
    differing = [name for name in [*first, *other] if first.get(name) != other.get(name)]
    if not differing:
        raise ValueError(f"the parameters have another order on rank {rank} than on rank 0")
    name = differing[0]
    said = [f"{verb} {x[name]}" if name in x else "is not there" for x in (first, other)]
    raise ValueError(
        f"the module differs between ranks: {name} {said[0]} on rank 0, and {said[1]} on rank {rank}. Make it by the "
        f"same program on all ranks, and call distributed.broadcast(module)"
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
