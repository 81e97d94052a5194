"""From define-by-run to straight-line code: a function is recorded once, and replayed ever after."""

from collections.abc import Callable
from typing import Any

__all__ = ["compile"]


def compile(function: Callable[..., Any], backend: Any = "numpy", max_programs: int = 32) -> Any:
    """A function that does what `function` does, without asking what that is each time.

    Its first call with arguments of a kind runs `function` and writes down NumPy's calls; later calls replay them.

    Parameters
    ----------
    function : callable
        Of arrays, Tensors, numbers, generators, and nested lists, tuples and dicts of these; other arguments are part
        of the kind. It may call `backward()` and change arrays in place.
    backend : "numpy", "native", or an object with a method ``prepare(program)``
        What the program is made for: NumPy, with results equal to the last bit; or native code, in fused loops, with
        results equal but for rounding, which LLVM takes a second or two to make, and which is kept on disk. What native
        code cannot do, NumPy does. Or a `Backend` of your own, as in `minigrad.compile.backends`. "numba" is an older
        name of "native".
    max_programs : int
        How many programs are recorded at most, one for each kind of arguments and of what is outside. Calls that none
        of them serves run uncompiled after that, and a RuntimeWarning says so once.

    Returns
    -------
    callable
        With the attributes `source`, the latest program as Python that needs NumPy alone, followed by the text of
        native code if there is some, its `stats`, and `programs`, a list of those that are kept; and with
        ``repeat(n, *args)``, which makes n calls, and ``scan(*stacked)``, which makes one for each entry of the first
        axis and stacks the answers; either is one call of native code, if all of the function is one kernel.

    Raises
    ------
    RecordingError
        At the call, if the function does what a replay would not do. Arrays and gradients are as they were then.
    TypeError, ValueError
        If `function` cannot be called, or there is no such backend.
    ImportError
        If llvmlite or SciPy is not there for the backend "native".
    """
    from .compiled import Compiled

    return Compiled(function, backend, max_programs)
