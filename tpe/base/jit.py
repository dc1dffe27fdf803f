"""Kernels that are plain Python until the first one runs, and compiled from then on.

`import tpe` must not pay for numba, so `@kernel` only notes the function. `compiled(fn)` imports
numba once, turns every kernel noted so far into a dispatcher, puts the dispatchers where the
functions stood (so that kernels call each other compiled), and compiles the one asked for.
Machine code is cached between processes in `cache_dir()`; numba replaces its files atomically,
so processes may share it. That of a kernel which stands in no file, typed in, is not kept.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from tpe.base.cache import cache_dir, code_of

_WORDS = "tpe.numbers.words"  # what kernels are written with
F = TypeVar("F", bound=Callable[..., Any])
Signature = Callable[[Any], Any]  # from numba's namespace of types to a signature

_signatures: dict[Callable[..., Any], Signature | None] = {}
_made: dict[Callable[..., Any], Any] = {}


def kernel(signature: Signature | None = None) -> Callable[[F], F]:
    """Note a function as a kernel; with a signature it is compiled for exactly that one."""

    def note(function: F) -> F:
        _signatures[function] = signature
        return function

    return note


def compiled(function: Callable[..., Any]) -> Any:
    """The compiled form of a kernel: a numba dispatcher that releases the GIL while it runs."""
    return _compiled(getattr(function, "py_func", function))


@cache
def _compiled(function: Callable[..., Any]) -> Any:
    _make_dispatchers()
    dispatcher = _made[function]
    signature = _signatures[function]
    if signature and not dispatcher.signatures:
        from numba import types

        dispatcher.compile(signature(types))
        dispatcher.disable_compile()
    return dispatcher


@cache
def argument(function: Callable[..., Any]) -> Any:
    """A kernel, compiled, for another kernel to call as its argument.

    One with a signature is found once, here; a dispatcher as the argument numba would look up at
    every call, which takes longer than a short GEMM.
    """
    dispatcher = compiled(function)
    if not _signatures[dispatcher.py_func]:
        return dispatcher
    from numba import types

    (result,) = dispatcher.overloads.values()
    return types.CompileResultWAP(result)


def _make_dispatchers() -> None:
    """Turn the kernels noted so far into dispatchers and install them in every tpe module."""
    import numba

    folder = _kernel_cache()
    for function in _signatures.keys() - _made.keys():
        if folder is not None:  # numba reads it as the dispatcher is made
            numba.config.CACHE_DIR = str(folder / _code(function))  # type: ignore[attr-defined]
        cached = folder is not None and Path(function.__code__.co_filename).is_file()
        _made[function] = numba.njit(cache=cached, nogil=True)(function)
    modules = {function.__module__ for function in _made}
    for module in modules:
        names = vars(sys.modules[module])
        names.update({k: _made[v] for k, v in names.items() if _is_noted(v)})


def _code(function: Callable[..., Any]) -> str:
    """A hash of the code that a kernel may hold: numba itself looks at the kernel's file alone.

    Of a kernel outside of tpe, that of the module which its words come from.
    """
    module = function.__module__
    return code_of(module if module.partition(".")[0] == "tpe" else "tpe.pe.kernel", _WORDS)[:16]


@cache
def _kernel_cache() -> Path | None:
    """The folder of compiled kernels, made if need be; None, with a warning, if it is read-only."""
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or cache_dir() / "kernels")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        reason = error.strerror or error
        text = f"cannot write {folder} ({reason}): kernels are compiled anew; set TPE_CACHE_DIR"
        warnings.warn(text, stacklevel=2)
        return None


def _is_noted(value: object) -> bool:
    return callable(value) and hasattr(value, "__code__") and value in _made
