"""The activations: objects made of the catalogue's rows, and how they are found by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from fastact import catalogue
from fastact.catalogue import ROWS
from fastact.core.function import Function
from fastact.core.function import make as make_function

Functions = Mapping[str, Function]


def make(rows: Iterable[catalogue.Row]) -> Functions:
    """Return the functions of some rows, by name."""
    return MappingProxyType({row.name: make_function(row) for row in rows})


ACTIVATIONS: Functions = make(ROWS)
GATES: Functions = make(catalogue.GATES)
REDUCTIONS: Functions = make(catalogue.REDUCTIONS)
LOSSES: Functions = make(catalogue.LOSSES)
ALIASES: Mapping[str, str] = MappingProxyType({alias: row.name for row in ROWS for alias in row.aliases})

Given = TypeVar("Given", bound=Callable[..., Any])


def get(name: str | Given) -> Function | Given:
    """Return an activation, or a gated unit, by its name, in fastact's spelling or another library's.

    Parameters
    ----------
    name : str or callable
        A callable is returned as it is.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.get("tanh"), fa.get("expit")
    (<fastact.tanh>, <fastact.sigmoid>)
    """
    if callable(name):
        return name
    if not isinstance(name, str):
        raise TypeError(f"an activation's name must be a str, not {type(name).__name__}")
    known = ALIASES.get(name, name)
    if known in ACTIVATIONS:
        return ACTIVATIONS[known]
    if known in GATES:
        return GATES[known]
    close = difflib.get_close_matches(name.lower(), [*ACTIVATIONS, *GATES, *ALIASES], n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join([*ACTIVATIONS, *GATES])}"
    raise ValueError(f"no activation is called {name!r}; {hint}")
