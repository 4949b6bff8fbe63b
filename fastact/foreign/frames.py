"""Series and frames of pandas and polars: along the axes of their NumPy array, with their labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastact import arguments
from fastact.foreign import Call, library


def answer(call: Call) -> Any:
    """Return the result of a call, as a series or frame of the same labels where it has axes."""
    kind = library(call.found[0])
    if not all(library(value) == kind and type(value).__name__ in ("Series", "DataFrame") for value in call.found):
        raise arguments.unsupported(call.name, call.found)
    tables = {name: value for name, value in call.operands.items() if library(value) == kind}
    model = call.model(tables)
    call.count_axes(np.shape(call.x))
    kept = labels(model)
    for name, value in tables.items():
        for own, d in zip(labels(value), call.places(name, value.shape), strict=False):
            if len(own) == len(kept[d]) and not (own.equals(kept[d]) if hasattr(own, "equals") else own == kept[d]):
                raise ValueError(
                    f"{call.name}(): {name} has other labels than {call.first}: to go by position, give its to_numpy()"
                )
    arrays = {name: as_array(value, call.name, name) for name, value in tables.items()}
    results = call.made(call.operands | arrays)
    if isinstance(results, tuple):
        return tuple(as_table(result, model, kept) for result in results)
    if results.ndim < len(kept):
        kept = [own for d, own in enumerate(kept) if d not in call.axes]
    return as_table(results, model, kept)


def labels(table: Any) -> list[Any]:
    """Return the labels along each axis; polars has none of rows."""
    rows = table.index if hasattr(table, "index") else range(len(table))
    return [rows, table.columns] if len(table.shape) == 2 else [rows]


def as_array(table: Any, function: str, argument: str) -> Any:
    columns = table.get_columns() if hasattr(table, "get_columns") else [table]
    if any(getattr(column, "null_count", int)() for column in columns):  # pandas has NaN in their place
        raise ValueError(f"{function}(): {argument} has nulls: fill or drop them first")
    return table.to_numpy()


def as_table(result: Any, model: Any, kept: list[Any]) -> Any:
    """Return a result with those labels that still fit; what has no axis is a number."""
    if result.ndim == 0:
        return result
    kept = [own if len(own) == n else None for own, n in zip(kept, result.shape, strict=True)]
    name = getattr(model, "name", None)
    if library(model) == "polars":
        import polars

        if result.ndim == 2:
            return polars.DataFrame(result, kept[1], orient="row")
        return polars.Series(name, result)
    import pandas

    if result.ndim == 2:
        return pandas.DataFrame(result, *kept, copy=False)
    return pandas.Series(result, *kept, name=name, copy=False)
