"""Networks: modules, layers, losses, and the functions that they are made of."""

from . import init
from .module import Module
from .parameter import Buffer, Parameter

__all__ = ["Buffer", "Module", "Parameter", "init"]
