"""Calls with other libraries' arrays, one module a library: imported where one of its objects is met, and not before.

A library's ``__array_ufunc__`` is asked where a call is one of arrays of one shape.  Any other call comes here, sorted out:
`Call` says how each operand lies along the axes of the one that the result is like.  All of this follows from the roles
and shape rules of the catalogue, so that a new function needs nothing here.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from fastact import arguments

MODULES = {"xarray": "xarray", "pandas": "frames", "polars": "frames", "dask": "dask"}  # who is asked first
READ = ("input", "vector", "weight", "mask", "targets")
WRITTEN = ("output", "sum")
BROADCAST = ("broadcast", "channel", "rows")


def library(value: object) -> str:
    """Return the name of the library that an object's type is of."""
    return type(value).__module__.partition(".")[0]


def module_of(found: Iterable[object]) -> ModuleType | None:
    """Return the module for the first of some objects' libraries, in the order in which they are asked."""
    libraries = {library(value) for value in found}
    name = next((module for known, module in MODULES.items() if known in libraries), None)
    return importlib.import_module(f"{__name__}.{name}") if name else None


class Call:
    """A call, its arguments by what is done with them, and the axes along which its operands lie."""

    def __init__(self, function: Any, given: Mapping[str, Any], found: list[object]) -> None:
        self.function, self.name, self.declared, self.found = function, function.name, function.declared, found
        given = {name: value for name, value in given.items() if value is not None or name == "axis"}
        self.operands = {
            name: value
            for name, value in given.items()
            if self.declared[name].role in READ
            and not (self.declared[name].role == "weight" and arguments.is_number(value))
        }
        self.written = [name for name in given if self.declared[name].role in WRITTEN]
        self.options = {name: given[name] for name in given if name not in (*self.operands, *self.written)}
        inputs = {self.declared[name].shape: name for name in reversed(self.operands) if name != "targets"}
        self.first = inputs.get("halves") or inputs["like"]
        self.halves = "halves" in inputs

    @property
    def x(self) -> Any:
        """The operand that the result is like."""
        return self.operands[self.first]

    def model(self, labelled: Mapping[str, Any]) -> Any:
        """Return the first operand of a library's that is of the shape of the call: the result has its labels."""
        alike = [value for name, value in labelled.items() if self.declared[name].shape in ("like", "halves")]
        if not alike:
            raise arguments.unsupported(self.name, self.found, f"has labels of {self.first} only")
        return alike[0]

    @property
    def axis(self) -> Any:
        """The axis as it was given, or its default."""
        return self.options.get("axis", self.declared["axis"].default)

    def count_axes(self, shape: tuple[Any, ...]) -> None:
        """Find the axes that rows lie along, or halves, or a vector of weights; `shape` is that of x."""
        self.shape, self.ndim = shape, len(shape)
        self.axes: tuple[int, ...] = ()
        if "axis" not in self.declared or (self.function.kind == "gate" and not self.halves):
            return
        several = self.declared["axis"].several
        along = (arguments.as_axes if several else arguments.as_index)(self.axis, self.name)
        if along is None:
            along = tuple(range(self.ndim))
        elif not isinstance(along, tuple):
            along = (along,)
        if self.function.kind == "channelwise":  # a number lies along none
            along = tuple(d for d in along if -self.ndim <= d < self.ndim)
        # A scalar is a row of one.
        self.axes = tuple(arguments.as_axis(d, self.ndim) for d in along if self.ndim or d not in (0, -1))

    def places(self, name: str, shape: tuple[Any, ...]) -> tuple[int, ...]:
        """Return the axes of x along which those of an operand lie; a shape that does not fit is refused.

        A size may be NaN, where nobody knows it yet."""
        argument, many, places = self.declared[name], len(shape), tuple(range(self.ndim))
        rule, loose = argument.shape, argument.shape in BROADCAST
        if argument.role == "weight" and math.prod(shape) == 1 and rule != "classes":  # as good as a number
            return ()
        if rule == "classes" or (rule == "channel" and many == 1):
            places = self.axes or (arguments.as_axis(self.axis, self.ndim),)
        elif rule == "rows" or (rule == "reduced" and many < self.ndim):
            places = tuple(d for d in places if d not in self.axes)
        if loose:
            places = places[max(0, len(places) - many) :]
        kept = rule == "reduced" and argument.role == "input"
        wanted = [1 if kept and d in self.axes else self.extent(name, d) for d in places]
        if many != len(places) or not all(
            n == m or (loose and n == 1) or math.isnan(n) or math.isnan(m) for n, m in zip(shape, wanted, strict=True)
        ):
            raise ValueError(
                f"{self.name}(): {name} has shape {tuple(shape)}, which does not go with {self.first} of {self.shape}"
            )
        return places

    def extent(self, name: str, d: int) -> Any:
        """Return how long what is like the call's operands is along an axis of x."""
        n = self.shape[d]
        return n // 2 if self.halves and d in self.axes and self.declared[name].shape != "halves" else n

    def made(self, operands: Mapping[str, Any], **options: Any) -> Any:
        """Return what the function gives for other operands in the place of these."""
        return self.function(**operands, **(self.options | options))

    def tried(self, kinds: Mapping[str, tuple[int, Any]]) -> Any:
        """Return what the function gives for one element, and so the type of its result; what it refuses is refused.

        `kinds` are the number of axes and the dtype of each operand."""
        ones = {}
        for name, (ndim, dtype) in kinds.items():
            halved = self.axes if self.declared[name].shape == "halves" else ()
            ones[name] = np.full([1 + (d in halved) for d in range(ndim)], self.declared[name].role != "targets", dtype)
        return self.made(ones)


def answer(function: Any, given: Mapping[str, Any], found: list[object]) -> Any:
    """Return what the library of one of the operands makes of a call; `found` are those of other libraries."""
    module = module_of(found)
    if module is None:
        raise arguments.unsupported(function.name, found)
    call = Call(function, given, found)
    if call.written:
        raise arguments.unsupported(function.name, found, f"writes to {call.written[0]}=")
    return module.answer(call)


def count_slopes(found: list[object], *args: Any) -> Any:
    """Return what `diagnose` counts, where a library can do so by parts."""
    count = getattr(module_of(found), "count_slopes", None)
    if count is None:
        raise arguments.unsupported("diagnose", found)
    return count(found[0], *args)
