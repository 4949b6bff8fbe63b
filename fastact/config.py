"""What fastact is and what it runs on here."""

from __future__ import annotations

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
        "num_threads": threads.get_num_threads(),
    }
    if mode == "dicts":
        return config
    openmp = f"yes ({threads.OPENMP})" if threads.OPENMP else "no: every call runs serially"
    print(f"fastact     {function.VERSION}")
    print(f"CPU target  {function.TARGET} (possible here: {', '.join(function.TARGETS)})")
    print(f"compiler    {function.COMPILER}")
    print(f"OpenMP      {openmp}")
    print(f"threads     {threads.get_num_threads()}")
    return None
