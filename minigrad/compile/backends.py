"""What runs a program: a backend prepares it once, and what it prepares is called ever after."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, Protocol

from .in_numpy import InNumpy
from .program import Program


class Runner(Protocol):
    """A program that is ready to run.

    It takes the arrays of ``program.arguments``, in order, and returns those of ``program.outputs()``, in order; it
    returns arrays that the caller may keep and change. A runner may have more than the call:

    - ``repeat(n, *arguments)`` makes the program's calls up to `n` times in a row, and returns how many times it has,
      at least once, and the last outputs;
    - ``scan(stacked)`` makes them for each entry of the first axis of all arrays, from the first on, and returns how
      many entries it has done, at least one, and the outputs: those of the answer stacked, the others as the last
      entry has left them;
    - ``source``, a str, is what `Compiled.source` returns, and ``memory``, a list of int, has the bytes of its buffers;
    - ``restores``, if true, says that it gives back what it has changed when it raises `Refused`; else that is done for
      it, from copies made before. ``refuses_at_checks`` says that it raises it where the program has a check, and
      nowhere else, so that there are fewer of them.

    All three methods raise `minigrad.compile.program.Refused` where a check of the program fails, or where they cannot
    serve a call: the function itself runs then.
    """

    def __call__(self, *arguments: Any) -> Sequence[Any]:
        """Make the program's calls once."""
        ...


class Backend(Protocol):
    """What makes a runner of a program, which it may change, as the program is its own."""

    def prepare(self, program: Program) -> Runner:
        """The runner for a recorded, simplified program."""
        ...


def in_native_code(num_threads: int | None = None) -> Backend:
    """Native loops, if LLVM is there to make them, and BLAS for products of matrices.

    Parameters
    ----------
    num_threads : int > 0, optional
        How many threads share loops over large arrays; results do not depend on it. By default, the number of
        processors, or the least of ``OMP_NUM_THREADS``, ``OPENBLAS_NUM_THREADS`` and ``NUMBA_NUM_THREADS``.
    """
    try:
        if find_spec("scipy") is None:
            raise ImportError("No module named 'scipy'")
        from .native.replay import InNativeCode
    except ImportError as error:
        raise ImportError(
            f"backend='native' needs llvmlite and SciPy, of the extra 'native'. Install them: "
            f"pip install llvmlite scipy ({error})"
        ) from error
    return InNativeCode(num_threads)


BACKENDS: dict[str, Callable[[], Backend]] = {"numpy": InNumpy, "native": in_native_code}
BACKENDS["numba"] = in_native_code  # as it was called when numba made the loops


def check_backend(backend: Any, argument: str = "backend", otherwise: str = "") -> None:
    """Refuse what is neither the name of a backend nor a backend."""
    if isinstance(backend, str) and backend in BACKENDS:
        return
    if not isinstance(backend, type) and callable(getattr(backend, "prepare", None)):
        return
    kind = ValueError if isinstance(backend, str) else TypeError
    names = ", ".join(map(repr, BACKENDS))
    made = ". Pass an instance of the class" if isinstance(backend, type) and hasattr(backend, "prepare") else ""
    raise kind(
        f"{argument} is one of {names}, or an object with a method prepare(program){otherwise}; got {backend!r}{made}"
    )


def backend_of(backend: Any) -> Backend:
    """The backend with a name, or the object that is one."""
    check_backend(backend)
    return BACKENDS[backend]() if isinstance(backend, str) else backend


def name_of(backend: Any) -> str:
    """What a backend is called in messages."""
    return backend if isinstance(backend, str) else getattr(backend, "name", type(backend).__name__)
