"""Parameters that are computed from others each time that a module reads them: weight and spectral normalisation.

The learned parameters are in ``module.parametrizations``, under PyTorch's names. Create the optimizer afterwards.
"""

from typing import Any

import numpy as np

from ..core.context import is_second_run
from ..core.door import batch_of, plain, unwrap
from ..errors import BatchError
from ..ops.functions import matmul, moveaxis, reshape, sqrt, square
from ..ops.functions import sum as total
from .container import ModuleDict
from .convolution import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .init import RNG
from .linear import Bilinear, Linear
from .module import Module
from .parameter import Buffer, Parameter
from .precision import rounded_back, widened
from .sizes import checked_count, checked_integer

__all__ = ["remove_parametrizations", "spectral_norm", "weight_norm"]

OUTPUTS_LAST = (Linear, Bilinear)
OUTPUTS_SECOND = (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)


def weight_norm(module: Any, name: str = "weight", axis: int | None = None) -> Any:
    """Compute a parameter as ``g * v / norm(v)``: the lengths g and the directions v are learned separately.

    Parameters
    ----------
    module : Module
        Is changed, and returned.
    name : str
        Of the parameter.
    axis : int, optional
        Along which each slice has a norm of its own. By default the last for Linear and Bilinear, and the first for
        others, which are PyTorch's.

    Raises
    ------
    ValueError
        If the module has no such parameter, the parameter is computed already, or there is no such axis.

    References
    ----------
    Salimans & Kingma, Weight normalization, NIPS 2016 (arXiv:1602.07868).
    """
    parameter = parameter_of(module, name)
    axis = checked_axis(parameter, -1 if isinstance(module, OUTPUTS_LAST) else 0, axis)
    return put(module, name, WeightNorm(parameter, axis))


def spectral_norm(
    module: Any,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    axis: int | None = None,
    rng: RNG = None,
) -> Any:
    """Divide a parameter by its largest singular value, which bounds how much the layer stretches.

    The singular value is estimated: in training, each reading of the parameter makes the estimate better.

    Parameters
    ----------
    module : Module
        Is changed, and returned.
    name : str
        Of the parameter.
    n_power_iterations : int
        How many steps of the power iteration each reading in training takes.
    eps : float
        The least norm that is divided by.
    axis : int, optional
        The rows of the matrix, whose columns are all other axes. By default the last for Linear and Bilinear, the
        second for transposed convolutions, and the first for others, which are PyTorch's.
    rng : Generator, seed or None
        Of the vectors that the iteration starts from.

    Raises
    ------
    ValueError
        As of `weight_norm`.

    References
    ----------
    Miyato, Kataoka, Koyama & Yoshida, Spectral normalization for generative adversarial networks, ICLR 2018
    (arXiv:1802.05957).
    """
    parameter = parameter_of(module, name)
    count = checked_count("n_power_iterations of spectral_norm", n_power_iterations, 1)
    usual = -1 if isinstance(module, OUTPUTS_LAST) else 1 if isinstance(module, OUTPUTS_SECOND) else 0
    axis = checked_axis(parameter, usual, axis)
    return put(module, name, SpectralNorm(parameter, axis, count, eps, rng))


def remove_parametrizations(module: Any, name: str = "weight") -> Any:
    """Make a computed parameter an ordinary one, with its current values. The module is changed, and returned."""
    known = vars(module).get("parametrizations", {})
    if name not in known:
        raise ValueError(f"{name} of this {type(module).__name__} is not computed from other parameters")
    values, fans = unwrap(getattr(module, name)), known[name].fans
    del known[name]
    if not len(known):
        del module.parametrizations
    setattr(module, name, Parameter(values, fans=fans))
    return module


def parameter_of(module: Any, name: str) -> Parameter:
    """The parameter that a module has itself under a name; refuses all else."""
    if name in vars(module).get("parametrizations", {}):
        raise ValueError(
            f"{name} of this {type(module).__name__} is computed already. Call remove_parametrizations(module, "
            f"{name!r}) before"
        )
    found = vars(module).get(name)
    if not isinstance(found, Parameter):
        known = [key for key, value in vars(module).items() if isinstance(value, Parameter)]
        raise ValueError(
            f"this {type(module).__name__} has no parameter {name!r} itself; it has {', '.join(known) or 'none'}"
        )
    return found


def checked_axis(parameter: Parameter, usual: int, axis: int | None) -> int:
    """An axis of a parameter, counted from the first."""
    axis, axes = usual if axis is None else checked_integer("axis", axis), parameter.ndim
    if not -axes <= axis < axes:
        raise ValueError(f"a parameter of shape {parameter.shape} has no axis {axis}")
    return axis % axes


def put(module: Any, name: str, computed: "Parametrization") -> Any:
    """Replace a parameter of a module by a computed one."""
    if "parametrizations" not in vars(module):
        module.parametrizations = ModuleDict()
    del vars(module)[name]
    module.parametrizations[name] = computed.train(module.training)
    return module


class Parametrization(Module):
    """Computes a parameter from others."""

    def __init__(self, axis: int, fans: Any) -> None:
        self.axis = axis
        self.fans = fans


class WeightNorm(Parametrization):
    """The lengths, `original0`, times the directions, `original1`."""

    def __init__(self, parameter: Parameter, axis: int) -> None:
        super().__init__(axis, parameter.fans)
        self.original0 = parameter_like(parameter, np.sqrt(self._squares(parameter.value)))
        self.original1 = parameter_like(parameter, parameter.value)

    def forward(self) -> Any:
        given = self.original1
        lengths, directions = widened("weight_norm", self.original0), widened("weight_norm", given)
        return rounded_back(directions * (lengths / sqrt(self._squares(directions))), given)

    def _squares(self, x: Any) -> Any:
        return total(square(x), axis=tuple(i for i in range(x.ndim) if i != self.axis), keepdims=True)


class SpectralNorm(Parametrization):
    """The values, `original`, over their largest singular value."""

    def __init__(self, parameter: Parameter, axis: int, count: int, eps: float, rng: RNG) -> None:
        super().__init__(axis, parameter.fans)
        self.original = parameter_like(parameter, parameter.value)
        vars(self)["0"] = PowerIteration(self._matrix(parameter.value), count, eps, np.random.default_rng(rng))

    def forward(self) -> Any:
        weight = widened("spectral_norm", self.original)
        return rounded_back(weight / vars(self)["0"](self._matrix(weight)), self.original)

    def _matrix(self, weight: Any) -> Any:
        return reshape(moveaxis(weight, self.axis, 0), (weight.shape[self.axis], -1))


class PowerIteration(Module):
    """An estimate of the largest singular value of a matrix, and of its vectors, which get better in training."""

    def __init__(self, matrix: Any, count: int, eps: float, rng: np.random.Generator) -> None:
        self.count = count
        self.eps = eps
        u, v = (normalised(rng.normal(size=n), eps) for n in matrix.shape)
        for _ in range(15):
            u, v = self._better(matrix, v)
        self._u, self._v = Buffer(u.astype(matrix.dtype)), Buffer(v.astype(matrix.dtype))

    def forward(self, matrix: Any) -> Any:
        u, v = self._u.data, self._v.data
        if self.training and not is_second_run():
            check_alone(matrix)
            for _ in range(self.count):
                u[...], v[...] = self._better(unwrap(matrix), v)
        u, v = (widened("spectral_norm", +x) for x in (u, v))  # copies: the next reading changes the buffers in place
        return matmul(u, matmul(matrix, v))

    def _better(self, matrix: Any, v: Any) -> tuple[Any, Any]:
        u = normalised(np.matmul(matrix, v), self.eps)
        return u, normalised(np.matmul(np.transpose(matrix), u), self.eps)


def check_alone(matrix: Any) -> None:
    """Refuse a batched matrix: the vectors of its entries would differ."""
    if batch_of(plain(matrix)):
        raise BatchError(
            "spectral_norm in training improves the vectors of one matrix, and the entries of a batch that vmap maps "
            "over have one each. Call eval() on the network"
        )


def parameter_like(parameter: Parameter, values: Any) -> Parameter:
    """A parameter of other values, which is frozen if that one is."""
    made = Parameter(values, dtype=parameter.dtype)
    made.requires_grad = parameter.requires_grad
    return made


def normalised(x: Any, eps: float) -> Any:
    """A vector over its length, which counts as `eps` at least."""
    return x / np.maximum(np.sqrt(np.sum(x * x)), eps)
