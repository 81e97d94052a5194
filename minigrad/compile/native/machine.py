"""Native code itself: LLVM makes it of assembly, and Python calls it.

A program's kernels are one module, which says nothing of this process: what lies elsewhere is known by name, and the
addresses of arrays are in a table that each kernel is given. So it can be kept on disk.
"""

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from ..program import Stale
from . import store
from .assembly import DATA, PYTHON, Assembly
from .kernels import Kernel
from .threads import ASSEMBLY, LOCKS, Threads, threads
from .translation import define

ERRORS = [  # by the reason for which native code gives up, from 1 on
    (Stale, None),  # another program may serve the call, or else the function raises an error of its own
    (IndexError, "an index of an array is out of bounds"),
    (ValueError, "bincount takes positions from 0 to minlength - 1 in a compiled function"),
]
METH_FASTCALL = 0x80


def check_arrays(x: np.ndarray) -> None:
    """Refuse a Python in which native code would not find the elements of an array."""
    if ctypes.c_void_p.from_address(id(x) + DATA).value != x.__array_interface__["data"][0]:
        raise ImportError("native code knows arrays as CPython has them")


check_arrays(np.empty(1))


class Table(np.ndarray):
    """What a kernel is given at each call: addresses; it keeps alive what is there, and what the function needs."""

    alive: Any
    needs: Any


class MethodDef(ctypes.Structure):
    """Python's PyMethodDef."""

    _fields_ = [("name", ctypes.c_char_p), ("call", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p)]


def compiled(kernels: Sequence[Kernel], num_threads: int = 1) -> list[Callable[..., Any]]:
    """The functions of some kernels, made by LLVM or found on disk, for so many threads."""
    text = "\n".join(f"{kernel.text}\n{kernel.shared}" for kernel in kernels)
    known = threads(num_threads)
    if "in shared(" in text:
        known.start(add_threads())
    engine = loaded(found_or_made(text, lambda: made(kernels)))
    return [kernel.careful(function(kernel, engine, known)) for kernel in kernels]


def found_or_made(text: str, make: Callable[[], bytes]) -> bytes:
    """The native code of some text, which is made where it is not found on disk."""
    file = store.file_of(text, this_machine())
    code = store.found(file) if file else None
    if code is None:
        code = make()
        if file:
            store.keep(file, code)
    return code


def made(kernels: Sequence[Kernel]) -> bytes:
    """The native code of some kernels, as an object file: a module of LLVM's, in which they share functions."""
    assembly = Assembly()
    names: dict[str, str] = {}  # of functions that statements share, in the module, by their text
    for kernel in kernels:
        for text in kernel.shared:
            if text not in names:
                names[text] = f"statement.{len(names) + 1}"
                define(assembly, text, names[text], {})
        called = {name: names[text] for text, name in kernel.shared.items()}
        assembly.expose(kernel.name, define(assembly, kernel.text, kernel.name, called))
    return optimized(str(assembly))


def optimized(assembly: str) -> bytes:
    """The native code of some assembly."""
    machine = target_machine()
    module = llvm.parse_assembly(assembly)
    module.triple = llvm.get_process_triple()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return machine.emit_object(module)


def loaded(code: bytes) -> llvm.ExecutionEngine:
    """An object file in memory, where it can run."""
    if b"gemm" in code:
        add_blas()
    add_python()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine


def function(kernel: Kernel, engine: llvm.ExecutionEngine, known: Threads) -> Callable[..., Any]:
    """A kernel as a function of Python's."""
    errors = [id(x) for pair in ERRORS for x in pair]
    table = np.array([*errors, known.known.__array_interface__["data"][0], *kernel.table], np.uintp).view(Table)
    table.alive = kernel.alive, known
    return builtin(kernel.name, engine, table)


def builtin(name: str, engine: llvm.ExecutionEngine, table: Table) -> Callable[..., Any]:
    """A function of native code as one of Python's, with a table as `self`."""
    text = name.encode()
    method = MethodDef(text, engine.get_function_address(f"{name}_of_arrays"), METH_FASTCALL, None)
    table.needs = method, text, engine
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    return make(ctypes.addressof(method), table, None)


@cache
def initialized() -> llvm.Target:
    """The target of this process."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_triple(llvm.get_process_triple())


def target_machine() -> llvm.TargetMachine:
    """A machine as this one is; each engine takes one for itself."""
    target = initialized()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        reloc="static" if target.name.startswith("x86") else "default",
        codemodel="jitdefault",
        jit=True,
    )


@cache
def this_machine() -> str:
    """What native code is made for."""
    features = llvm.get_host_cpu_features().flatten()
    version = ".".join(map(str, llvm.llvm_version_info))
    return f"{version} {llvm.get_process_triple()} {llvm.get_host_cpu_name()} {features}"


@cache
def add_python() -> None:
    """Tell LLVM where Python's functions are."""
    for name in (*PYTHON, *LOCKS):
        llvm.add_symbol(name, ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value)


@cache
def add_threads() -> Callable[..., Any]:
    """Tell LLVM where loops are shared; what threads are to do, then."""
    engine = loaded(found_or_made(ASSEMBLY, lambda: optimized(ASSEMBLY)))
    llvm.add_symbol("minigrad_share", engine.get_function_address("minigrad_share"))
    return builtin("work", engine, np.zeros(0, np.uintp).view(Table))


@cache
def add_blas() -> None:
    """Tell LLVM where the products of matrices are of the BLAS that SciPy brings."""
    from scipy.linalg import cython_blas

    name_of, pointer_of = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name_of.restype, name_of.argtypes = ctypes.c_char_p, (ctypes.py_object,)
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    for name in ("sgemm", "dgemm"):
        capsule = cython_blas.__pyx_capi__[name]
        llvm.add_symbol(f"minigrad_{name}", pointer_of(capsule, name_of(capsule)))
