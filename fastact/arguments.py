"""Whatever is not an ndarray of float32 or float64: converted, handed over, or refused with a message that helps.

Nothing here computes, and nothing here is on the way of an ordinary call."""

from __future__ import annotations

import numbers
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

TAKEN = "float32 or float64 (integers and bools are converted)"


def spell(dtype: np.dtype[Any]) -> str:
    """float32, but >f4 where the byte order is not the machine's."""
    return dtype.name if dtype.isnative else dtype.str


def as_input(value: object, function: str, argument: str) -> Array:
    """Return a native ndarray of float32 or float64 with the value's elements, its own memory where possible."""
    if isinstance(value, int):  # of any size, and a bool
        try:
            return np.asarray(float(value))
        except OverflowError:
            raise ValueError(f"{function}(): {argument} is an int too large for float64") from None
    array = wrap(value, function, argument)
    if array.dtype.isnative:
        if array.dtype in (np.float32, np.float64):
            return array
        if array.dtype.kind in "biu":
            return array.astype(np.float64)
    raise TypeError(f"{function}() takes {TAKEN}: {argument} is {describe(value, array)}")


def as_output(value: object, function: str, argument: str) -> Array:
    """Return an ndarray over the value's own memory."""
    array = wrap(value, function, argument)
    # The protocols have no reliable way to ask for no copy: an object that is wrapped is so twice at one place.
    again = wrap(value, function, argument)
    if array.__array_interface__["data"] != again.__array_interface__["data"]:
        raise TypeError(
            f"{function}(): {argument} is a {type(value).__name__}, which cannot be written to without a copy"
        )
    return array


def wrap(value: object, function: str, argument: str) -> Array:
    """Return the value as an exact ndarray of any dtype."""
    if is_masked(value):
        raise TypeError(f"{function}() takes no masked arrays: fill {argument} first ({argument}.filled(...))")
    if isinstance(value, np.ndarray):
        return value.view(np.ndarray)
    try:
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            return np.from_dlpack(value)
        return np.asarray(value)
    except (TypeError, RuntimeError, BufferError) as error:  # on another device, or in need of a gradient
        reason = str(error).strip().partition("\n")[0]
        raise TypeError(f"{function}() cannot read {argument}, a {type(value).__name__}: {reason}") from error


def is_masked(value: object) -> bool:
    """Return whether the value is a masked array, without importing numpy.ma where nobody has."""
    masked = sys.modules.get("numpy.ma")
    return masked is not None and isinstance(value, masked.MaskedArray)


def describe(value: object, array: Array) -> str:
    if isinstance(value, (np.ndarray, np.generic)):
        order = "" if array.dtype.isnative else " (byte-swapped)"
        return f"of dtype {spell(array.dtype)}{order}"
    return f"a {type(value).__name__}, which NumPy reads as {spell(array.dtype)}"


def is_number(value: object) -> bool:
    return isinstance(value, (numbers.Real, np.bool))


def as_number(value: object, function: str, parameter: str) -> float:
    """Return a parameter as a float."""
    try:
        if isinstance(value, (str, bytes, bytearray)) or (isinstance(value, np.ndarray) and value.ndim):
            raise TypeError
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        raise ValueError(f"{function}(): {parameter} is too large for a float") from None
    except (TypeError, ValueError):
        raise TypeError(f"{function}(): {parameter} must be a number, not {type(value).__name__}") from None


def as_bool(value: object, function: str, parameter: str) -> bool:
    if not isinstance(value, (bool, np.bool)):
        raise TypeError(f"{function}(): {parameter} must be a bool, not {type(value).__name__}")
    return bool(value)


def as_mask(value: object, function: str, argument: str) -> Array:
    """Return an ndarray of bools over the value's own memory where possible."""
    mask = wrap(value, function, argument)
    if mask.dtype != np.bool:
        raise TypeError(f"{function}(): {argument} must be of bools, not {describe(value, mask)}")
    return mask


def spread(array: Array, shape: tuple[int, ...], function: str, argument: str) -> Array:
    """Return a view of the array, broadcast."""
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(
            f"{function}(): {argument} has shape {array.shape}, which does not broadcast to {shape}"
        ) from None


def keys_seen(shape: tuple[int, ...], axis: int, function: str) -> Array:
    """Return how many keys each query sees under a causal mask, as one number a query, broadcast to the shape of scores."""
    if len(shape) < 2 or axis != len(shape) - 1:
        raise ValueError(
            f"{function}(): causal=True is for scores of queries (the last axis but one) by keys (the last, along which "
            f"rows lie), not for shape {shape} along axis {axis}"
        )
    queries, keys = shape[-2:]
    seen = np.maximum(np.arange(1 + keys - queries, 1 + keys), 0)
    return np.broadcast_to(seen.astype(np.int64)[:, None], shape)


def out_of_range(
    function: str, parameter: str, value: object, low: float, high: float, single: bool, from_y: bool
) -> str:
    """Return the message for a parameter outside its range."""
    most = sys.float_info.max
    bounds = [
        text
        for applies, text in (
            (low == -most or high == most, "finite"),
            (low == 0, "at least 0"),
            (low == 5e-324, "above 0"),
            (low not in (0, 5e-324) and abs(low) < most, f"at least {low:g}"),
            (abs(high) < most, f"at most {high:g}"),
        )
        if applies
    ]
    where = f"{' in float32' if single and bounds else ''}{' to go by the output' if from_y else ''}"
    return f"{function}(): {parameter} must be {' and '.join(bounds) or 'a number'}{where}, not {value!r}"


def out_of_order(function: str, parameters: list[str], values: list[float]) -> str:
    """Return the message for parameters that fall, as they are in the array's type."""
    got = ", ".join(f"{name}={value!r}" for name, value in zip(parameters, values, strict=True))
    return f"{function}() takes {' <= '.join(parameters)}, not {got}"


def missing(function: str, positional: list[str], names: list[str]) -> str:
    """Return the message for arguments that were not given; Python names the positional ones first."""
    kind, names = ("positional", positional) if positional else ("keyword-only", names)
    *first, last = map(repr, names)
    listed = f"{', '.join(first)}{',' * (len(first) > 1)} and {last}" if first else last
    return f"{function}() missing {len(names)} required {kind} argument{'s' * (len(names) > 1)}: {listed}"


def share_memory(a: Array, b: Array) -> bool:
    """Return whether two arrays have a byte in common; True also where finding out would take long."""
    try:
        return np.shares_memory(a, b, max_work=10_000)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def overlaps_itself(array: Array) -> bool:
    """Return whether two elements of an array share memory; True also where finding out would take long.

    An array overlaps itself if its halves do each other, or one half itself; one half is like the other."""
    while array.size > 1:
        axis = int(np.argmax(array.shape))
        halves = np.moveaxis(array, axis, 0)
        middle = (len(halves) + 1) // 2
        if share_memory(halves[:middle], halves[middle:]):
            return True
        array = halves[:middle]
    return False


class Elementary:
    """A call's function of arrays alone, its parameters given: what an overriding operand is handed as the ufunc."""

    nout = 1
    signature = None

    def __init__(self, function: Any, second: str | None, keywords: dict[str, object]) -> None:
        self.function, self.second, self.keywords = function, second, keywords
        self.nin = 1 if second is None else 2
        self.__name__ = function.__name__

    def __repr__(self) -> str:
        return repr(self.function)

    def __call__(self, first: object, *rest: object, out: Any = None) -> Any:
        if isinstance(out, tuple):
            (out,) = out
        inputs = {} if self.second is None else dict(zip((self.second,), rest, strict=True))
        return self.function(first, **inputs, **self.keywords, out=out)


def hand_over(function: Any, inputs: list[object], second: str | None, keywords: dict[str, object], out: object) -> Any:
    """Return what an operand that overrides ``__array_ufunc__`` makes of the call, or NotImplemented.

    As for NumPy's ufuncs: subclasses are asked first, then from left to right, until one does not decline."""
    usual = np.ndarray.__array_ufunc__
    overriding: list[object] = []
    for value in (*inputs, out):
        override = getattr(type(value), "__array_ufunc__", usual)
        if is_masked(value) or override is usual or type(value) in map(type, overriding):
            continue
        if override is None:
            raise TypeError(f"{function.name}(): a {type(value).__name__} does not support ufuncs")
        later = (i for i, other in enumerate(overriding) if isinstance(value, type(other)))
        overriding.insert(next(later, len(overriding)), value)
    if not overriding:
        return NotImplemented
    names = ", ".join(type(value).__name__ for value in overriding)
    along = function.kind not in ("elementwise", "gate") or bool(keywords.keys() & {"bias", "bias_grad"})
    if along or (function.nin, function.nout) != (len(inputs), 1):
        why = "works along an axis" if function.nout == 1 else "has two results"
        raise TypeError(f"{function.name}() {why} and takes plain arrays, not {names}")
    elementary = Elementary(function, second, keywords) if second or keywords else function
    for value in overriding:
        result = type(value).__array_ufunc__(  # type: ignore[attr-defined]
            value, elementary, "__call__", *inputs, **({} if out is None else {"out": (out,)})
        )
        if result is not NotImplemented:
            return result
    raise TypeError(f"{function.name}() is not supported by {names}: __array_ufunc__ returned NotImplemented")
