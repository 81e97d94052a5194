"""What a distribution is: a few formulas of the standard variable, and what follows from them.

The formulas see numbers inside the support alone, and parameters that are valid: outside, `np.where` puts the limits,
and no derivative.
"""

from collections.abc import Callable, Mapping
from inspect import Parameter, Signature, signature
from typing import Any, ClassVar

import numpy as np

from ...core.door import plain, raise_if
from .parameters import RANGES, as_narrow, as_written, log_of, masked, new_parameter, number, replaced
from .source import DrawSource
from .tails import log_share

Formula = Callable[..., Any]
Interval = tuple[float, float]
# The values below the support and above it.
LIMITS = {"logpdf": (-np.inf, -np.inf), "logpmf": (-np.inf, -np.inf), "pdf": (0.0, 0.0), "pmf": (0.0, 0.0)}
LIMITS |= {"cdf": (0.0, 1.0), "sf": (1.0, 0.0), "logcdf": (-np.inf, 0.0), "logsf": (0.0, -np.inf)}


class Distribution:
    """A family of distributions with shapes, a location and, if it is continuous, a scale.

    Parameters
    ----------
    name : str
        Its name in SciPy.
    formulas : mapping of functions
        The logarithm of the density, ``cdf`` and ``sf``, and as far as they are there ``logcdf``, ``logsf``,
        ``entropy`` and ``draw``, of the standard variable (which `entropy` has not) and the shapes.
    support : (float, float), or a function of the shapes that returns such
    inner : float
        A number inside the support, whatever the shapes.
    ranges : mapping
        For each shape a key of `RANGES`; above 0 unless given.
    is_open : bool
        Whether the lower end is not in the support.
    """

    standard: ClassVar[Mapping[str, float]] = {"loc": 0, "scale": 1}

    def __init__(
        self,
        name: str,
        formulas: Mapping[str, Formula],
        support: Interval | Formula = (-np.inf, np.inf),
        inner: float = 0.5,
        ranges: Mapping[str, str] | None = None,
        is_open: bool = False,
    ) -> None:
        self.name, self.formulas, self.support, self.inner, self.is_open = name, formulas, support, inner, is_open
        self.shapes = list(signature(formulas["cdf"]).parameters)[1:]
        self.ranges = {shape: (ranges or {}).get(shape, "above 0") for shape in self.shapes}
        parameters = [Parameter(shape, Parameter.POSITIONAL_OR_KEYWORD) for shape in self.shapes]
        parameters += [p.replace(default=self.standard[p.name]) for p in map(new_parameter, self.standard)]
        self.parameters = Signature(parameters)
        self.arguments = Signature([new_parameter("x"), *parameters])

    def __repr__(self) -> str:
        return f"<{self.name}{self.parameters}>"

    # What there is to ask

    def cdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The probability of values up to x."""
        return self.evaluated("cdf", x, *args, **kwargs)

    def logcdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of cdf, exact in the lower tail."""
        return self.evaluated("logcdf", x, *args, **kwargs)

    def sf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """1 - cdf, the survival function: the probability of values above x, exact in the upper tail."""
        return self.evaluated("sf", x, *args, **kwargs)

    def logsf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of sf, exact in the upper tail."""
        return self.evaluated("logsf", x, *args, **kwargs)

    def entropy(self, *args: Any, **kwargs: Any) -> Any:
        """The expected value of minus the logarithm of the density, if it has a closed form.

        Raises
        ------
        NotImplementedError
            If it has none.
        """
        formula = self.needed("entropy", "it has no closed form. Add up -exp(logpmf) * logpmf")
        shapes, rest, valid = self.checked(self.bound("entropy", self.parameters, args, kwargs))
        return masked(valid, formula(*shapes) + log_of(rest.get("scale", 1)))

    def rvs(self, *args: Any, size: Any = None, rng: Any = None, **kwargs: Any) -> Any:
        """Random numbers, as functions of the parameters, which have derivatives by them.

        Parameters
        ----------
        *args
            The shapes, `loc` and `scale`.
        size : int or tuple of int, optional
            The shape of the result; that of the parameters, broadcast, if it is left out.
        rng : numpy.random.Generator, int or None
            What to draw from: a generator, or the seed of a new one.
        **kwargs
            The shapes, `loc` and `scale`, by name.

        Raises
        ------
        NotImplementedError
            For distributions of whole numbers, and where no such function is known.
        ValueError
            If a parameter is out of its range.
        """
        if "random_state" in kwargs:
            raise TypeError(f"{self.name}.rvs takes its source of random numbers as rng=; got random_state=")
        draw = self.needed("draw", "its numbers are no smooth functions of the parameters. Draw by a numpy Generator")
        shapes, rest, valid = self.checked(self.bound("rvs", self.parameters, args, kwargs))
        raise_if(
            np.logical_not(valid),
            lambda: ValueError(f"{self.name}.rvs takes {self.in_words()}; got {as_written(args, kwargs)}"),
        )
        source = DrawSource(f"{self.name}.rvs", rng, size, [*shapes, *rest.values()])
        return rest["loc"] + rest["scale"] * draw(source, *shapes)

    # How it is answered

    def needed(self, formula: str, reason: str) -> Formula:
        """A formula, refused if there is none."""
        if formula not in self.formulas:
            raise NotImplementedError(f"{self.name} has no {formula}: {reason}, or use scipy.stats.{self.name}")
        return self.formulas[formula]

    def in_words(self) -> str:
        """What the parameters are."""
        return ", ".join(f"{name} {words}" for name, words in (self.ranges | {"scale": "above 0"}).items())

    def bound(self, method: str, parameters: Signature, args: Any, kwargs: Any) -> dict[str, Any]:
        """The arguments of a call by their names, as arrays and numbers; Python's words for what does not fit."""
        try:
            found = parameters.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.name}.{method}{parameters}: {error}") from None
        found.apply_defaults()
        return {name: number(f"{self.name}.{method}", x) for name, x in found.arguments.items()}

    def checked(self, values: dict[str, Any]) -> tuple[list[Any], dict[str, Any], Any]:
        """The shapes, the other parameters, and where all are valid; those that are not, replaced by some that are."""
        shapes, valid = [], True
        for name, words in self.ranges.items():
            shape = values.pop(name)
            good = RANGES[words](plain(shape))
            shapes.append(replaced(good, shape, 0.5))
            valid = good & valid
        if "scale" in values:
            good = plain(values["scale"]) > 0
            values["scale"], valid = replaced(good, values["scale"], 1.0), good & valid
        return shapes, values, valid

    def evaluated(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """A formula of the standard variable, and its limits outside of the support."""
        shapes, rest, valid = self.checked(self.bound(method, self.arguments, args, kwargs))
        z = self.standardized(rest)
        shapes = [as_narrow(shape, z) for shape in shapes]
        below, above = self.outside(plain(z), [plain(shape) for shape in shapes])
        outside = below | above
        if method == "pdf":
            outside = outside | self.vanishes(plain(z), [plain(shape) for shape in shapes], outside)
        y = self.inside(method, np.where(outside, self.inner, z), shapes)
        if method in ("logpdf", "pdf"):
            y = y - log_of(rest["scale"])
            y = np.exp(y) if method == "pdf" else y
        under, over = LIMITS[method]
        y = np.where(outside, under, y) if under == over else np.where(below, under, np.where(above, over, y))
        return masked(valid, y)

    def ends(self, shapes: list[Any]) -> Interval:
        """The support of the standard variable."""
        return self.support(*shapes) if callable(self.support) else self.support

    def outside(self, z: Any, shapes: list[Any]) -> tuple[Any, Any]:
        """Where the standard variable is below the support, and where above it; infinite numbers are outside."""
        low, high = self.ends(shapes)
        below = z <= low if self.is_open or low == -np.inf else z < low
        return below, z >= high if isinstance(high, float) and high == np.inf else z > high

    def vanishes(self, z: Any, shapes: list[Any], outside: Any) -> Any:
        """Where the density is 0 at an end of the support: there the derivative would be 0 times infinity."""
        low, high = self.ends(shapes)
        if (low, high) == (-np.inf, np.inf):
            return False
        log = self.formulas["logpdf"](np.where(outside, self.inner, z), *shapes)
        return ((z == low) | (z == high)) & (log == -np.inf)

    def standardized(self, rest: Mapping[str, Any]) -> Any:
        """The standard variable."""
        return (rest["x"] - rest["loc"]) / rest["scale"]

    def inside(self, method: str, z: Any, shapes: list[Any]) -> Any:
        """A formula inside of the support; logarithms are taken where there is no other way."""
        method = "logpdf" if method == "pdf" else method
        if method in self.formulas:
            return self.formulas[method](z, *shapes)
        share, rest = ("cdf", "sf") if method == "logcdf" else ("sf", "cdf")
        return log_share(self.formulas[share](z, *shapes), self.formulas[rest](z, *shapes))


class Continuous(Distribution):
    """A family of distributions with a density, called as in `scipy.stats`: the variable, the shapes, `loc`, `scale`.

    Each method takes numbers, arrays and Tensors, which broadcast. Outside of the support the density is 0 and its
    logarithm -inf, with the derivative 0. Where a parameter is out of its range the value is NaN, as SciPy's.
    """

    def logpdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of the density."""
        return self.evaluated("logpdf", x, *args, **kwargs)

    def pdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The density; at an end of the support where it is 0, the derivative is 0 as well."""
        return self.evaluated("pdf", x, *args, **kwargs)


class Discrete(Distribution):
    """A family of distributions of whole numbers, called as in `scipy.stats`: the variable k, the shapes, and `loc`.

    Each method takes numbers, arrays and Tensors, which broadcast. Numbers that are not whole have the probability 0.
    There is no derivative by k. Where a parameter is out of its range the value is NaN, as SciPy's.
    """

    standard: ClassVar[Mapping[str, float]] = {"loc": 0}

    def logpmf(self, k: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of the probability of k."""
        return self.evaluated("logpmf", k, *args, **kwargs)

    def pmf(self, k: Any, *args: Any, **kwargs: Any) -> Any:
        """The probability of k; where a parameter is at an end of its range, its derivative is that from inside."""
        return self.evaluated("pmf", k, *args, **kwargs)

    def standardized(self, rest: Mapping[str, Any]) -> Any:
        return plain(rest["x"]) - plain(rest["loc"]) + 0.0

    def inside(self, method: str, z: Any, shapes: list[Any]) -> Any:
        whole = np.floor(z)
        if method == "pmf":
            return np.where(whole < z, 0.0, self.probability(whole, shapes))
        y = super().inside(method, whole, shapes)
        return np.where(whole < z, -np.inf, y) if method == "logpmf" else y

    def probability(self, k: Any, shapes: list[Any]) -> Any:
        """exp(logpmf), and where that would be 0 times infinity in the derivative, the product of powers."""
        *others, p = shapes
        at_end = (plain(p) == 0) | (plain(p) == 1) if self.ends_at_one else plain(p) == 0
        inside = np.exp(self.formulas["logpmf"](k, *others, np.where(at_end, 0.5, p)))
        return np.where(at_end, self.formulas["pmf"](k, *others, np.where(at_end, p, 0.0)), inside)

    @property
    def ends_at_one(self) -> bool:
        """Whether the last shape is a probability, which ends at 1 as well."""
        return "to 1" in self.ranges[self.shapes[-1]]
