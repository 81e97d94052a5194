"""SciPy's minimisers and solvers, with exact derivatives for them, and derivatives of what they find.

SciPy computes. It is handed gradients, Jacobians and Hessian products of functions that are written with NumPy. What it
finds is differentiable by everything that these functions use, by the implicit function theorem.
"""

from .fitting import curve_fit, least_squares
from .minima import minimize
from .roots import brentq, fixed_point, root, root_scalar

__all__ = ["brentq", "curve_fit", "fixed_point", "least_squares", "minimize", "root", "root_scalar"]
