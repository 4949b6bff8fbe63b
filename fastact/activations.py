"""The functions: objects made of the catalogue, and how they are found by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from fastact import catalogue
from fastact.core.function import Function, make

Functions = Mapping[str, Function]

FUNCTIONS: Functions = MappingProxyType({name: make(spec) for name, spec in catalogue.SPECS.items()})
ALIASES: Mapping[str, str] = MappingProxyType(
    {alias: spec.name for spec in catalogue.SPECS.values() for alias in spec.aliases}
)


def named(specs: Iterable[catalogue.Spec]) -> Functions:
    """Return the functions of some specs, by name."""
    return MappingProxyType({spec.name: FUNCTIONS[spec.name] for spec in specs})


ACTIVATIONS = named(catalogue.ACTIVATIONS)
GATES = named(catalogue.GATES)
REDUCTIONS = named(catalogue.REDUCTIONS)

Given = TypeVar("Given", bound=Callable[..., Any])


def get(name: str | Given) -> Function | Given:
    """Return a function by its name, in fastact's spelling or another library's.

    Parameters
    ----------
    name : str or callable
        The name of an activation, a gated unit, a reduction or a loss. A callable is returned as it is.

    Returns
    -------
    callable
        The function.

    Raises
    ------
    ValueError
        If no function has this name; the message lists similar names.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.get("tanh"), fa.get("expit"), fa.get("logsumexp")
    (<fastact.tanh>, <fastact.sigmoid>, <fastact.logsumexp>)
    """
    if callable(name):
        return name
    if not isinstance(name, str):
        raise TypeError(f"an activation's name must be a str, not {type(name).__name__}")
    known = ALIASES.get(name, name)
    if known in FUNCTIONS:
        return FUNCTIONS[known]
    close = difflib.get_close_matches(name.lower(), [*FUNCTIONS, *ALIASES], n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(FUNCTIONS)}"
    raise ValueError(f"no activation is called {name!r}; {hint}")
