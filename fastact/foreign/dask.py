"""Dask arrays: a call stays lazy and is made chunk by chunk, with the bits of the array in memory.

Axes that rows lie along are brought into one chunk; along all others the chunks are those of the first operand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import dask.array as da
import numpy as np

from fastact import arguments, diagnosis
from fastact.foreign import Call

FAN_IN = 16  # sums that are added up at a time


def answer(call: Call) -> Any:
    """Return the lazy result of a call."""
    if not all(isinstance(value, da.Array) for value in call.found):
        raise arguments.unsupported(call.name, call.found, "asks one library at a time")
    arrays = {name: as_array(value, call.name, name) for name, value in call.operands.items()}
    x = arrays[call.first]
    call.count_axes(x.shape)
    places = {name: call.places(name, array.shape) for name, array in arrays.items()}
    tried = call.tried({name: (len(places[name]), array.dtype) for name, array in arrays.items()})
    if isinstance(x, np.ndarray):
        x = da.from_array(x, chunks=chunks_of_others(x, arrays, places))
    # A causal mask depends on where a query is: all of them are in one chunk.
    whole = {*call.axes, call.ndim - 2} if call.options.get("causal") else set(call.axes)
    x = in_chunks(x, {d: (x.shape[d],) for d in whole}, call.name, call.first)
    operands: list[Any] = []
    for name, array in (arrays | {call.first: x}).items():
        if array.ndim != len(places[name]):  # one weight
            array = (array.rechunk(-1) if isinstance(array, da.Array) else array).reshape(())
        alone = [(n == 1 and x.shape[d] != 1) or d in whole for n, d in zip(array.shape, places[name], strict=True)]
        chunks = {k: (array.shape[k],) if alone[k] else x.chunks[d] for k, d in enumerate(places[name])}
        operands += [in_chunks(array, chunks, call.name, name), places[name]]
    made = partial(of_chunks, function=call.function, names=tuple(arrays), options=call.options)
    return (of_losses if call.function.kind == "loss" else of_rows)(call, x, made, operands, tried)


def as_array(value: Any, function: str, argument: str) -> Any:
    return value if isinstance(value, da.Array) else arguments.wrap(value, function, argument)


def chunks_of_others(x: Any, arrays: dict[str, Any], places: dict[str, tuple[int, ...]]) -> tuple[Any, ...]:
    """Return chunks for an array in memory: along each axis those of a lazy operand that is as long."""
    found = {
        d: arrays[name].chunks[k]
        for name in arrays
        for k, d in enumerate(places[name])
        if isinstance(arrays[name], da.Array) and arrays[name].shape[k] == x.shape[d]
    }
    return tuple(found.get(d, -1) for d in range(x.ndim))


def in_chunks(array: Any, chunks: dict[int, Any], function: str, argument: str) -> Any:
    """Return an array with other chunks along some axes; along all, where it is one in memory."""
    if isinstance(array, np.ndarray):
        if unsized := {k: sizes for k, sizes in chunks.items() if any(map(math.isnan, sizes))}:
            raise unknown(function, argument, unsized)
        return da.from_array(array, chunks=tuple(chunks[k] for k in range(array.ndim)))
    here = {
        k: wanted for k, wanted in chunks.items() if array.chunks[k] != wanted and not same(array.chunks[k], wanted)
    }
    if any(math.isnan(n) for k, wanted in here.items() for n in (*wanted, *array.chunks[k])):
        raise unknown(function, argument, here)
    return array.rechunk(here) if here else array


def unknown(function: str, argument: str, chunks: dict[int, Any]) -> ValueError:
    return ValueError(
        f"{function}(): {argument} goes with chunks of unknown size along axis {min(chunks)}, into which it cannot be "
        "brought; find the sizes first (compute_chunk_sizes())"
    )


def same(a: Sequence[float], b: Sequence[float]) -> bool:
    """Return whether chunks are as many and may be of the same sizes: each is looked at when it is computed."""
    return len(a) == len(b) and all(n == m or math.isnan(n) or math.isnan(m) for n, m in zip(a, b, strict=True))


def blockwise(
    call: Call, made: Any, operands: list[Any], dtype: Any, shape: dict[int, Any], new: dict[int, int] | None = None
) -> Any:
    """Return an array whose chunks are made of the operands' chunks at the same place, with other sizes along some axes."""
    axes = (*(new or ()), *range(call.ndim))
    return da.blockwise(
        made,
        axes,
        *operands,
        adjust_chunks=shape,
        new_axes=new or {},
        align_arrays=False,
        dtype=dtype,
        meta=np.empty((0,) * len(axes), dtype),
        token=call.name,
    )


def of_chunks(*chunks: Any, function: Any, names: tuple[str, ...], options: dict[str, Any]) -> Any:
    return function(**dict(zip(names, chunks, strict=True)), **options)


# ---------------------------------------------------------------------------------------------------------------
# Rows, gates, and functions of an element
# ---------------------------------------------------------------------------------------------------------------


def of_rows(call: Call, x: Any, made: Any, operands: list[Any], tried: Any) -> Any:
    if isinstance(tried, tuple):  # as one array, so that both are computed at once
        outputs = [name for name, a in call.declared.items() if (a.role, a.shape) == ("output", "like")]
        dtype = tried[0].dtype
        both = blockwise(call, partial(in_one, made=made, outputs=outputs, dtype=dtype), operands, dtype, {}, {-1: 2})
        return both[0], both[1]
    if "keepdims" in call.declared:
        keeping = partial(made, options=call.options | {"keepdims": True})
        result = blockwise(call, keeping, operands, tried.dtype, dict.fromkeys(call.axes, 1))
        return result if call.options.get("keepdims") else without(result, call.axes)
    parts = 2 if call.halves and call.function.role == "forward" else 1
    return blockwise(call, made, operands, tried.dtype, {d: x.shape[d] // parts for d in call.axes})


def in_one(*chunks: Any, made: Any, outputs: list[str], dtype: Any) -> Any:
    """Return two results in one array."""
    both = np.empty((len(outputs), *np.shape(chunks[0])), dtype)
    made(*chunks, options=made.keywords["options"] | {name: both[k, ...] for k, name in enumerate(outputs)})
    return both


def without(array: Any, axes: tuple[int, ...]) -> Any:
    return array[tuple(0 if d in axes else slice(None) for d in range(array.ndim))]


# ---------------------------------------------------------------------------------------------------------------
# Losses
# ---------------------------------------------------------------------------------------------------------------


def of_losses(call: Call, x: Any, made: Any, operands: list[Any], tried: Any) -> Any:
    reduction = call.options.get("reduction", "mean")
    each = partial(made, options=call.options | {"reduction": "none"})
    if reduction == "none":
        spread = partial(with_axes, made=each, axes=call.axes)
        return without(blockwise(call, spread, operands, tried.dtype, dict.fromkeys(call.axes, 1)), call.axes)
    if tried.dtype == np.float64:  # a compensated sum; that of float32 is exact enough in float64
        each = partial(made, options=call.options | {"reduction": "sum"})
    counts = partial(count_losses, names=made.keywords["names"], options=call.options, dtype=tried.dtype)
    if "axis" in call.declared:
        counts = partial(counts, axes=call.axes)
    one = (2, *(1,) * call.ndim)
    sums = blockwise(
        call,
        partial(sums_of, made=each, counts=counts, shape=one),
        operands,
        np.float64,
        {d: (1,) * len(chunks) for d, chunks in enumerate(x.chunks)},
        {-1: 2},
    )
    return da.reduction(
        sums,
        chunk=unchanged,
        combine=partial(added, shape=one),
        aggregate=partial(finished, dtype=tried.dtype, mean=reduction == "mean"),
        concatenate=True,
        split_every=dict.fromkeys(range(1, call.ndim + 1), FAN_IN) | {0: 2},
        dtype=tried.dtype,
        meta=np.empty((), tried.dtype),
    )


def with_axes(*chunks: Any, made: Any, axes: tuple[int, ...]) -> Any:
    return np.expand_dims(made(*chunks), axes)


def sums_of(*chunks: Any, made: Any, counts: Any, shape: tuple[int, ...]) -> Any:
    """Return the sum of a chunk's losses, and what it adds to the divisor of their mean."""
    return np.array([np.sum(made(*chunks), dtype=np.float64), counts(*chunks)]).reshape(shape)


def count_losses(
    *chunks: Any, names: tuple[str, ...], options: dict[str, Any], dtype: Any, axes: tuple[int, ...] | None = None
) -> float:
    """Return how many elements there are, or, of rows, the sum of the weights of those that count."""
    given = options | dict(zip(names, chunks, strict=True))
    logits, targets = given["logits"], given["targets"]
    if axes is None:
        return float(logits.size)
    rows = tuple(n for d, n in enumerate(logits.shape) if d not in axes)
    weights = np.broadcast_to(np.asarray(given.get("weight", 1), dtype), rows).astype(np.float64)
    if targets.dtype.kind in "iu":
        ignored = targets == given.get("ignore_label", -1)
        classes = np.asarray(given.get("class_weight", np.ones(1)), dtype).astype(np.float64)
        weights = np.where(ignored, 0, weights * np.take(classes, targets, mode="clip"))
    return float(weights.sum())


def unchanged(sums: Any, axis: Any, keepdims: Any) -> Any:
    return sums


def added(sums: Any, axis: Any, keepdims: Any, shape: tuple[int, ...]) -> Any:
    return np.array([exact_sum(numbers) for numbers in sums.reshape(2, -1)]).reshape(shape)


def finished(sums: Any, axis: Any, keepdims: Any, dtype: Any, mean: bool) -> Any:
    total, divisor = (exact_sum(numbers) for numbers in sums.reshape(2, -1))
    with np.errstate(all="ignore"):
        return np.asarray(np.divide(total, divisor if mean else 1.0)).astype(dtype)


def exact_sum(numbers: Any) -> float:
    """Return a sum that is rounded once."""
    try:
        return math.fsum(numbers)
    except OverflowError:
        return float("inf")


# ---------------------------------------------------------------------------------------------------------------
# Diagnosis
# ---------------------------------------------------------------------------------------------------------------


def count_slopes(x: Any, function: Any, axis: int, saturated_below: float, parameters: dict[str, float]) -> Any:
    """Return what `diagnose` counts, chunk by chunk; it is computed here, as a diagnosis is numbers."""
    x = da.atleast_1d(x)
    axis = arguments.as_axis(axis, x.ndim)
    counted = partial(counts_of, function=function, axis=axis, saturated_below=saturated_below, parameters=parameters)
    counted(np.ones((1,) * x.ndim, x.dtype))  # what is refused for one element
    counts = da.map_blocks(
        counted,
        x,
        new_axis=0,
        chunks=((6,), *(c if d == axis else (1,) * len(c) for d, c in enumerate(x.chunks))),
        dtype=np.float64,
        meta=np.empty((0,) * (x.ndim + 1)),
    )
    return counts.sum(axis=tuple(d + 1 for d in range(x.ndim) if d != axis)).compute()


def counts_of(chunk: Any, function: Any, axis: int, saturated_below: float, parameters: dict[str, float]) -> Any:
    counts = diagnosis.count_slopes(function, diagnosis.as_wide(chunk), axis, saturated_below, parameters)
    return np.expand_dims(counts, tuple(d + 1 for d in range(chunk.ndim) if d != axis))
