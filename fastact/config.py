"""What fastact is and what it runs on here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, overload

from fastact.core import function, threads


@overload
def show_config(mode: Literal["stdout"] = "stdout") -> None: ...
@overload
def show_config(mode: Literal["dicts"]) -> dict[str, Any]: ...
def show_config(mode: str = "stdout") -> dict[str, Any] | None:
    """Show the version, the CPU target, the compiler, OpenMP and the number of threads.

    Parameters
    ----------
    mode : {"stdout", "dicts"}
        Whether to print it or to return it.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.show_config(mode="dicts")["version"] == fa.__version__
    True
    """
    if mode not in ("stdout", "dicts"):
        raise ValueError(f"mode must be 'stdout' or 'dicts', not {mode!r}")
    config = {
        "version": function.VERSION,
        "cpu_target": function.TARGET,
        "cpu_targets": function.TARGETS,
        "compiler": function.COMPILER,
        "openmp": threads.OPENMP or None,
        "num_threads": threads.allowed_threads(),
    }
    if mode == "dicts":
        return config
    openmp = f"yes ({threads.OPENMP})" if threads.OPENMP else "no: every call runs serially"
    print(f"fastact     {function.VERSION}")
    print(f"CPU target  {function.TARGET} (possible here: {', '.join(function.TARGETS)})")
    print(f"compiler    {function.COMPILER}")
    print(f"OpenMP      {openmp}")
    print(f"threads     {threads.allowed_threads()}")
    return None


def get_include() -> str:
    """Return the folder of ``fastact.h``, for a C compiler's ``-I``.

    Returns
    -------
    str
        The folder, in the installed package.

    Examples
    --------
    >>> import os
    >>> import fastact as fa
    >>> os.listdir(fa.get_include())
    ['fastact.h']
    """
    return str(Path(__file__).parent / "include")


def get_c_api() -> int:
    """Return the address of the functions for C, for CFFI, ctypes and the like.

    Returns
    -------
    int
        The address of a ``struct fa_api``, which ``fastact.h`` describes. It stays good as long as the process lives.

    See Also
    --------
    get_include : Where ``fastact.h`` is.

    Examples
    --------
    Its first number is its version:

    >>> import ctypes
    >>> import fastact as fa
    >>> ctypes.c_uint32.from_address(fa.get_c_api()).value
    1
    """
    from fastact import _c_api

    return _c_api.ADDRESS
