"""Many processes: data parallel training over MPI, with the results of one process."""

from .averaging import average, average_gradients
from .parallel import optimizer
from .sharded import Sharded
from .starting import broadcast, check_same, separate_draws
from .world import World, alone, world

__all__ = [
    "Sharded",
    "World",
    "alone",
    "average",
    "average_gradients",
    "broadcast",
    "check_same",
    "optimizer",
    "separate_draws",
    "world",
]
