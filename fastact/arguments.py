"""Whatever is not an ndarray of a type that is taken: converted, handed over, or refused with a message that helps.

Nothing here computes, and nothing here is on the way of an ordinary call."""

from __future__ import annotations

import contextlib
import difflib
import numbers
import operator
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastact.catalogue import signatures
from fastact.core import environment

Array = npt.NDArray[Any]

ARRAYS = ("input", "vector", "weight", "mask", "targets", "output", "sum")  # the roles of what may override
MRO = type.__dict__["__mro__"]  # the bases of a class, whatever its metaclass says
TAKEN = "float16, bfloat16, float32 or float64 (integers and bools are converted)"


def spell(dtype: np.dtype[Any]) -> str:
    """float32, but >f4 where the byte order is not the machine's."""
    return dtype.name if dtype.isnative else dtype.str


def is_half(dtype: np.dtype[Any]) -> bool:
    """Return whether it is float16, or ml_dtypes' bfloat16, which nobody need have imported."""
    return dtype.itemsize == 2 and (dtype == np.float16 or dtype.name == "bfloat16")


def as_input(value: object, function: str, argument: str) -> Array:
    """Return a native ndarray of a type that is taken with the value's elements, its own memory where possible."""
    if isinstance(value, int):  # of any size, and a bool
        try:
            return np.asarray(float(value))
        except OverflowError:
            raise ValueError(f"{function}(): {argument} is an int too large for float64") from None
    array = wrap(value, function, argument)
    if array.dtype.isnative:
        if array.dtype in (np.float32, np.float64) or is_half(array.dtype):
            return array
        if array.dtype.kind in "biu":
            return environment.in_default_mode(array.astype, np.float64)
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
        try:
            return np.ndarray.view(value, np.ndarray)  # not a view() of a subclass, which may be of anything
        except TypeError:  # what passes itself off as an array
            raise TypeError(f"{function}() cannot read {argument}: a {type(value).__name__} is no array") from None
    try:
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            return environment.without_trace(np.from_dlpack, value)
        return environment.without_trace(np.asarray, value)
    except (TypeError, RuntimeError, BufferError, ValueError) as error:  # on another device, in need of a gradient
        reason = str(error).strip().partition("\n")[0]
        kind = ValueError if isinstance(error, ValueError) else TypeError  # ragged lists
        raise kind(f"{function}() cannot read {argument}, a {type(value).__name__}: {reason}") from error


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
    # The usual types first: to ask an abstract class takes a microsecond.
    usual = isinstance(value, (int, float, np.integer, np.floating, np.bool))
    return usual or isinstance(value, numbers.Real)


def as_number(value: object, function: str, parameter: str) -> float:
    """Return a parameter as a float."""
    try:
        if isinstance(value, (str, bytes, bytearray)) or getattr(value, "ndim", None):
            raise TypeError  # of one element too: libraries warn of it
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        raise ValueError(f"{function}(): {parameter} is too large for a float") from None
    except (TypeError, ValueError):
        raise TypeError(f"{function}(): {parameter} must be a number, not {type(value).__name__}") from None


def as_index(axis: object, function: str = "") -> int:
    """Return an axis as it was given: an int of any size."""
    try:
        return operator.index(axis)  # type: ignore[arg-type]
    except TypeError:
        name = f"{function}(): " if function else ""
        raise TypeError(f"{name}axis must be an int, not {type(axis).__name__}") from None


def as_axes(axes: object, function: str = "") -> int | tuple[int, ...] | None:
    """Return axes as they were given: an int, a tuple of ints, or None for all."""
    try:
        if isinstance(axes, tuple):
            return tuple(map(operator.index, axes))
        return None if axes is None else operator.index(axes)  # type: ignore[arg-type]
    except TypeError:
        given = axes if isinstance(axes, tuple) else type(axes).__name__
        raise TypeError(f"{function}(): axis must be an int, a tuple of ints or None, not {given}") from None


def as_axis(axis: int, ndim: int) -> int:
    """Return an axis counted from the first."""
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis + ndim if axis < 0 else axis


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
        return environment.in_default_mode(np.broadcast_to, array, shape)
    except SystemError:  # NumPy's, where it has no memory and does not say so
        raise MemoryError("fastact has no memory for a view") from None
    except ValueError:
        raise ValueError(
            f"{function}(): {argument} has shape {array.shape}, which does not broadcast to {shape}"
        ) from None


def as_choice(value: object, choices: Mapping[str, int], function: str, argument: str) -> int:
    """Return what one of some strings stands for."""
    found = choices.get(value) if isinstance(value, str) else None
    if found is None:
        *others, last = map(repr, sorted(choices))
        raise ValueError(f"{function}(): {argument} must be {', '.join(others)} or {last}, not {value!r}")
    return found


def as_int64(value: object, function: str, argument: str) -> int:
    try:
        index = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{function}(): {argument} must be an int, not {type(value).__name__}") from None
    if not -(2**63) <= index < 2**63:
        raise ValueError(f"{function}(): {argument} must be in the range of int64, not {index}")
    return index


def wrong_targets(
    function: str, targets: Array, logits: tuple[int, ...], wanted: tuple[int, ...], axis: int | None
) -> str:
    """Return the message for targets of a wrong shape; `axis` is that of the classes, where labels may be given."""
    found = f"{function}(): targets has shape {targets.shape}"
    if axis is None:
        return f"{found}, but logits ask for {wanted}"
    integers, rows, hint = targets.dtype.kind in "iu", logits[:axis] + logits[axis + 1 :], ""
    if integers and targets.shape == logits:
        hint = "; for one-hot rows give floats, or their argmax as labels"
    elif not integers and targets.shape == rows:
        hint = "; for labels give integers"
    elif targets.size and [n for n in targets.shape if n != 1] == [n for n in rows if n != 1]:
        hint = f"; reshape labels to {rows}"
    return (
        f"{found}, of {'integers' if integers else 'floats'}, but logits ask for {wanted}: integers are labels, one a "
        f"row, and floats are probabilities, one a class{hint}"
    )


def bad_target(function: str, targets: Array, position: int, bounds: str) -> str:
    """Return the message for a target that is none."""
    at = tuple(int(index) for index in np.unravel_index(position, targets.shape))
    return f"{function}(): targets[{', '.join(map(str, at))}] is {targets[at]}, position {at}: {bounds}"


def no_causal_mask(function: str, shape: tuple[int, ...], axis: int | tuple[int, ...] | None) -> str:
    """Return the message for scores that a causal mask is not for."""
    return (
        f"{function}(): causal=True is for scores of queries (the last axis but one) by keys (the last, along which "
        f"rows lie), not for shape {shape} along axis {axis}"
    )


def out_of_range(
    function: str, parameter: str, value: object, low: float, high: float, single: bool, from_y: bool
) -> str:
    """Return the message for a parameter outside its range."""
    bounds = signatures.range_in_words(low, high)
    where = f"{' in float32' if single and bounds != 'a number' else ''}{' to go by the output' if from_y else ''}"
    return f"{function}(): {parameter} must be {bounds}{where}, not {value!r}"


def out_of_order(function: str, parameters: list[str], values: list[float]) -> str:
    """Return the message for parameters that fall, as they are in the array's type."""
    got = ", ".join(f"{name}={value!r}" for name, value in zip(parameters, values, strict=True))
    return f"{function}() takes {' <= '.join(parameters)}, not {got}"


# Keywords of other libraries, with those that serve the same end here.
FOREIGN = {
    "alpha": ("negative_slope", "slope", "beta", "weight", "threshold"),
    "dim": ("axis",),
    "ignore_index": ("ignore_label",),
    "inplace": ("out",),
    "is_causal": ("causal",),
    "labels": ("targets",),
    "mask": ("where",),
    "max_value": ("max_val",),
    "min_value": ("min_val",),
    "theta": ("threshold",),
}


def unexpected(function: str, keyword: str, accepted: Sequence[str]) -> str:
    """Return the message for a keyword that is not accepted, with what may have been meant by it."""
    likely = (*FOREIGN.get(keyword, ()), *difflib.get_close_matches(keyword, accepted, n=1))
    instead = next((f"{name}=" for name in likely if name in accepted), "")
    if instead == "out=" and keyword == "inplace":
        instead = f"out={accepted[0]}"
    if keyword == "approximate" and function.startswith("gelu"):
        instead = "fa.gelu_tanh"
    hint = f"; use {instead}" if instead else ""
    return f"{function}() got an unexpected keyword argument '{keyword}'{hint}"


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
    except (np.exceptions.TooHardError, OverflowError):  # the latter of strides that reach round the address space
        return True
    except RuntimeError:  # NumPy's, where it has no memory
        raise MemoryError("fastact has no memory to compare arrays") from None


def will_write(out: object) -> None:
    """Tell autograd of what is about to be written to: a gradient that goes by an older value is then an error.

    To be called when nothing is left to be refused, of every output that is no exact ndarray.  Arrays were looked at:
    none of the caller's code may run."""
    torch = sys.modules.get("torch")
    tensor = getattr(torch, "Tensor", None)
    if torch is not None and any(base is tensor for base in MRO.__get__(type(out))):
        with contextlib.suppress(RuntimeError):  # one made in inference mode has no version
            torch.autograd.graph.increment_version(out)


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


class BoundFunction:
    """A call's function of arrays alone, its parameters given: what an overriding operand is handed as the ufunc."""

    nout = 1
    signature = None

    def __init__(self, function: Any, second: str | None, keywords: dict[str, object], inputs: list[object]) -> None:
        self.function, self.second, self.keywords = function, second, keywords
        self.nin, self.types = len(inputs), types_of(inputs)
        self.__name__ = function.__name__

    def __repr__(self) -> str:
        return repr(self.function)

    def __call__(self, first: object, *rest: object, out: Any = None, dtype: object = None) -> Any:
        if isinstance(out, tuple):
            (out,) = out
        if self.second is None:
            return self.function(first, *rest, **self.keywords, out=out)
        return self.function(first, **dict(zip((self.second,), rest, strict=True)), **self.keywords, out=out)


def overriding(name: str, values: Iterable[object]) -> list[object]:
    """Return what overrides ``__array_ufunc__``, in the order to be asked: one a type, subclasses first.

    A frame of polars does not, but is one of those whose own type comes back."""
    usual = np.ndarray.__array_ufunc__
    found: list[object] = []
    for value in values:
        override = getattr(type(value), "__array_ufunc__", usual)
        is_frame = type(value).__module__.startswith("polars.")
        if is_masked(value) or (override is usual and not is_frame) or type(value) in map(type, found):
            continue
        if override is None:
            raise TypeError(f"{name}(): a {type(value).__name__} does not support ufuncs")
        later = (i for i, other in enumerate(found) if isinstance(value, type(other)))
        found.insert(next(later, len(found)), value)
    return found


def refuse_overriding(name: str, values: Iterable[object], why: str = "") -> None:
    """Raise TypeError for what overrides ``__array_ufunc__``, where no call can be handed over to it."""
    if found := overriding(name, values):
        raise unsupported(name, found, why)


def unsupported(name: str, found: list[object], why: str = "") -> TypeError:
    """Return the error for operands of other libraries that a call does not take."""
    names = ", ".join(type(value).__name__ for value in found)
    ways = [method for method in ("to_numpy", "compute") if any(hasattr(type(value), method) for value in found)]
    hint = f": convert it first ({' or '.join(f'{method}()' for method in ways)})" if ways else ""
    return TypeError(f"{name}() {why and f'{why} and '}takes plain arrays, not {names}{hint}")


def types_of(inputs: list[object]) -> list[str]:
    """Return what polars asks a ufunc for, to choose the type of its result; integers are computed in float64."""
    single = all(str(getattr(value, "dtype", "")).lower() == "float32" for value in inputs)
    count = len(inputs)
    return [f"{kind * count}->{kind}" for kind in ("f" * single + "d")]


def hand_over(function: Any, inputs: list[object], second: str | None, keywords: dict[str, object], out: object) -> Any:
    """Return what an operand that overrides ``__array_ufunc__`` makes of the call, or NotImplemented.

    As for NumPy's ufuncs: subclasses are asked first, then from left to right, until one does not decline."""
    found = overriding(function.name, (*inputs, out))
    if not found:
        return NotImplemented
    by_types = any(type(value).__module__.partition(".")[0] == "polars" for value in found)
    if by_types and out is not None:
        raise unsupported(function.name, found, "writes to out=")
    elementary = function
    if second or keywords or by_types:
        elementary = BoundFunction(function, second, keywords, inputs)
    for value in found:
        try:
            result = type(value).__array_ufunc__(  # type: ignore[attr-defined]
                value, elementary, "__call__", *inputs, **({} if out is None else {"out": (out,)})
            )
        except (TypeError, NotImplementedError) as error:
            if not by_types:
                raise
            raise unsupported(function.name, found, f"is not supported here ({error})") from error
        if result is not NotImplemented:
            return result
    names = ", ".join(type(value).__name__ for value in found)
    raise TypeError(f"{function.name}() is not supported by {names}: __array_ufunc__ returned NotImplemented")


def dispatch_override(function: Any, given: Mapping[str, Any]) -> Any:
    """Return what an overriding operand makes of a call, or NotImplemented where no operand overrides.

    Calls of arrays of one shape alone are handed over to it; for all others, its library's module is asked."""
    declared = {name: function.declared[name] for name, value in given.items() if value is not None}
    arrays = [name for name, a in declared.items() if a.role in ARRAYS]
    found = overriding(function.name, [given[name] for name in arrays])
    if not found:
        return NotImplemented
    inputs = [name for name in arrays if declared[name].role == "input"]
    alike = all(declared[name].shape == "like" and name in (*inputs, "out") for name in arrays)
    asked = all(hasattr(type(value), "__array_ufunc__") for value in found)
    lazy = "out" not in arrays and all(type(value).__module__.startswith("dask.array") for value in found)
    if lazy or not (alike and asked and function.nout == 1 and function.kind in ("elementwise", "gate")):
        from fastact import foreign  # with the first operand that needs it

        return foreign.answer(function, given, found)
    keywords = {name: given[name] for name, a in declared.items() if a.role == "parameter"}
    second = inputs[1] if function.role == "backward" else None
    return hand_over(function, [given[name] for name in inputs], second, keywords, given.get("out"))
