"""Optimizers: objects that update parameters in place, from the gradients that `backward()` left in them."""

from .sgd import SGD

__all__ = ["SGD"]
