"""What fastact is and what it runs on here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, overload

from fastact.core import function, threads


def version() -> str:
    """Return the version, which pyproject.toml alone states: the source tree's own, else the installed package's."""
    project = Path(__file__).parent.parent / "pyproject.toml"
    text = project.read_text(encoding="utf-8") if project.exists() else ""
    if re.search(r'^name = "fastact"$', text, re.MULTILINE):
        found = re.search(r'^version = "([^"]+)"$', text, re.MULTILINE)
        if found:
            return found[1]
    from importlib import metadata  # takes a tenth as long as all of NumPy: not on the way of every import

    return metadata.version("fastact")


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
        "version": version(),
        "cpu_target": function.TARGET,
        "cpu_targets": function.TARGETS,
        "compiler": function.COMPILER,
        "openmp": threads.OPENMP or None,
        "num_threads": threads.get_num_threads(),
    }
    if mode == "dicts":
        return config
    openmp = f"yes ({threads.OPENMP})" if threads.OPENMP else "no: every call runs serially"
    print(f"fastact     {version()}")
    print(f"CPU target  {function.TARGET} (possible here: {', '.join(function.TARGETS)})")
    print(f"compiler    {function.COMPILER}")
    print(f"OpenMP      {openmp}")
    print(f"threads     {threads.get_num_threads()}")
    return None
