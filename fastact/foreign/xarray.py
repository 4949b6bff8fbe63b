"""xarray's arrays: an axis may be a dimension's name, operands go by theirs; what a Dask array lies under stays lazy."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray

from fastact import arguments
from fastact.foreign import BROADCAST, Call, library


def answer(call: Call) -> Any:
    """Return the result of a call, as an array of the same dimensions, coordinates and attributes."""
    if not all(library(value) in ("xarray", "dask") for value in call.found):
        raise arguments.unsupported(call.name, call.found, "asks one library at a time")
    if isinstance(call.x, xarray.Dataset):
        return call.x.map(lambda x: call.made(call.operands | {call.first: x}), keep_attrs=True)
    labelled = {name: value for name, value in call.operands.items() if isinstance(value, xarray.DataArray)}
    model = call.model(labelled)
    if "axis" in call.options:
        call.options["axis"] = numbered(call, model)
    call.count_axes(np.shape(call.x))
    along: set[Hashable] = {model.dims[d] for d in call.axes}
    changed = along if call.halves or call.function.kind == "reduction" else set()  # are of other sizes
    xarray.align(*labelled.values(), join="exact", copy=False, exclude=changed)
    values = {name: ordered(call, name, value, model.dims, along) for name, value in labelled.items()}
    results = call.made(call.operands | values)
    if isinstance(results, tuple):
        return tuple(as_labelled(result, model, along) for result in results)
    return as_labelled(results, model, along)


def numbered(call: Call, model: Any) -> Any:
    """Return axes by number."""

    def number(axis: Hashable) -> Any:
        if isinstance(axis, str) and axis not in model.dims:
            raise ValueError(f"{call.name}(): there is no dimension {axis!r}, but {', '.join(map(str, model.dims))}")
        return model.dims.index(axis) if isinstance(axis, str) else axis

    return tuple(map(number, call.axis)) if isinstance(call.axis, tuple) else number(call.axis)


def ordered(call: Call, name: str, value: Any, dims: tuple[Hashable, ...], along: set[Hashable]) -> Any:
    """Return an operand's array with its axes in the order of x, of one element where it has not a dimension of these."""
    rule, has = call.declared[name].shape, set(value.dims)
    if rule == "rows" or (rule == "reduced" and has != set(dims)):
        dims = tuple(dim for dim in dims if dim not in along)
    if rule == "classes":
        dims = tuple(along)
    loose = rule in BROADCAST
    if not (has <= set(dims) if loose else has == set(dims)):
        raise ValueError(f"{call.name}(): {name} has dimensions {value.dims}, which do not go with {dims}")
    if rule == "channel" and len(has) == 1:
        call.options["axis"] = dims.index(*has)
        return value.data
    data = value.transpose(*(dim for dim in dims if dim in has)).data
    return data[tuple(slice(None) if dim in has else None for dim in dims)] if loose and has else data


def as_labelled(result: Any, model: Any, along: set[Hashable]) -> Any:
    """Return a result with the names and coordinates that still fit."""
    dims = model.dims if result.ndim == model.ndim else tuple(dim for dim in model.dims if dim not in along)
    dims = dims if result.ndim else ()
    sizes = dict(zip(dims, result.shape, strict=True))
    fitting = {
        name: variable
        for name, variable in model.coords.items()
        if all(sizes.get(dim) == n for dim, n in variable.sizes.items())
    }
    return xarray.DataArray(result, fitting, dims, model.name, model.attrs)
