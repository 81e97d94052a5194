"""Integrals and differential equations, which SciPy solves, differentiable by everything that they use."""

from .equations import odeint, solve_ivp
from .quadrature import quad
from .samples import simpson, trapezoid

__all__ = ["odeint", "quad", "simpson", "solve_ivp", "trapezoid"]
