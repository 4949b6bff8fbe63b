"""What is refused: every bad argument of every call, by the documented error, which names the function and the argument,
before anything is written.
"""

import inspect
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from numpy.exceptions import AxisError
from numpy.lib.stride_tricks import as_strided

import fastact as fa
from contract import calls, processes
from fastact.catalogue import SPECS


class Thing:
    """Nothing that anyone takes."""

    def __repr__(self):
        return "a thing"


SHAPES = ((3,), (3, 4), (2, 3, 4))
NONE = ((0,), (0, 4), (0, 3, 4))
FILL = 7
NAN, INF = math.nan, math.inf
OTHER_TYPES = (
    "complex64",
    "complex128",
    "V2",
    "longdouble",
    "object",
    "U3",
    "S3",
    "datetime64[s]",
    "m8[s]",
    "f4,f4",
)
NO_NUMBERS = ("1.0", b"12345678", Thing(), {}, {1.0}, 1j, [1j], ["a"], [None], [[1], [1, 2]], Decimal(1), Fraction(1))
NO_ARRAYS = ([0.0, 0.0], 1.0, "out", (1.0,), np.float64(7), {}, Thing(), 3)
NO_FLOATS = ("0.1", [0.1], 1j, np.ones(2), Thing(), b"1")
NO_INTS = (1.0, "1", Thing(), [0], 0.5, NAN, b"0")
NO_BOOLS = (1, 0, "True", None, 1.0, Thing(), [True], np.ones(2, bool))
FAR = (100, -101, 2**31, -(2**31) - 1, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 2**70, -(2**70))


def spread_out(array):
    return np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim else array


def bases(call, dtype):
    """Yield (name, arrays) of calls that are in order but for what is replaced."""
    for name, shapes in (("contiguous", SHAPES), ("strided", SHAPES), ("empty", NONE)):
        shape = next((shape for shape in shapes if call.fits(shape)), None)
        if shape is None:
            continue
        arrays = call.make(shape, dtype)
        arrays |= call.new_outputs(arrays, FILL)
        yield name, {key: spread_out(array) for key, array in arrays.items()} if name == "strided" else arrays


class Refusal:
    """An argument in whose place something bad is given, the error it must be, and the words the message must have."""

    def __init__(self, argument, value, error, *words, what=None):
        self.argument, self.value, self.error, self.words = argument, value, error, words
        self.what = what or f"{argument}={value!r}"


BROADCAST = {"bias", "bias_grad", "weight", "pos_weight"}


def is_broadcast(shape, to):
    try:
        return all(extent == 1 for extent in shape) or np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


def is_good_shape(call, operand, shape, arrays):
    """Whether an operand may have another shape, the others being what they are."""
    if operand.role == calls.MASK or (operand.name in BROADCAST and call.name != "prelu"):
        if operand.name == "bias_grad" and "bias" in arrays:
            return False
        return is_broadcast(shape, call.principal_shape(arrays))
    if operand.name == "weight" and (shape == (1,) or len(shape) > 1):  # as a number; as NumPy broadcasts
        return is_broadcast(shape, call.principal_shape(arrays))
    if operand.shape is not calls.LIKE or not call.fits(shape):
        return False
    others = [each for each in call.operands if each is not operand and each.role != calls.MASK]
    return all(call.shape_of(each, shape) == arrays[each.name].shape for each in others)


def wrong_operands(call, operand, arrays):
    """Yield what cannot stand for an array."""
    array = arrays[operand.name]
    name, shape = operand.name, array.shape
    named = (name,)
    for other in OTHER_TYPES:
        if np.dtype(other) == np.float64:  # longdouble, on some machines
            continue
        spelled = np.dtype(other).name.partition("[")[0]
        yield Refusal(name, np.zeros(shape, other), TypeError, *named, spelled, what=f"{name} of {other}")
    swapped = array.astype(array.dtype.newbyteorder())
    if array.dtype.itemsize > 1:
        yield Refusal(name, swapped, TypeError, *named, what=f"{name}, byte-swapped")
        if shape:
            yield Refusal(name, memoryview(swapped), TypeError, *named, what=f"a memoryview of {name}, byte-swapped")
    masked = np.ma.masked_array(array.copy(), mask=np.zeros(shape, bool))
    yield Refusal(name, masked, TypeError, *named, "masked", what=f"{name}, masked")
    if operand.is_written:
        yield from wrong_outputs(call, operand, arrays)
        return
    for thing in NO_NUMBERS:
        if name in ("weight", "pos_weight") and isinstance(thing, Fraction):
            continue  # may be a number
        yield Refusal(name, thing, (TypeError, ValueError), *named)
    more = tuple(extent + 1 for extent in shape) or (2, 2)
    for other in (more, (*shape, 2, 2), (2, *shape[:-1], 5)):
        if operand.role == calls.MASK and other == (*shape, 2, 2) and array.ndim == 0:
            other = (2, 2, 5, 5, 5)  # is not broadcast to what has fewer axes
        if is_good_shape(call, operand, other, arrays):
            continue
        changed = np.ones(other, array.dtype)
        yield Refusal(name, changed, ValueError, what=f"{name} of shape {other}, not {shape}")
    if operand.role == calls.MASK:
        for other in (np.float32, np.float64, np.int64, np.uint8):
            yield Refusal(name, np.ones(shape, other), TypeError, name, what=f"{name} of {np.dtype(other)}")
    if operand.values is calls.labels:
        yield Refusal(name, np.ones(shape, bool), TypeError, name, what=f"{name} of bools")
        if array.size:
            classes = 50
            for label in (-1, classes, np.iinfo(np.int64).min, np.iinfo(np.int64).max):
                if label == call.settings.get("ignore_label"):
                    continue
                bad = array.astype(np.int64)
                bad[(-1,) * bad.ndim] = label
                yield Refusal(name, bad, ValueError, name, str(label), what=f"a label {label}")
    if operand.values is calls.weights and array.size:
        for number in (NAN, INF, -1.0):
            bad = array.copy()
            bad[(-1,) * bad.ndim] = number
            yield Refusal(name, bad, ValueError, name, what=f"{name} with {number}")
    if operand.values is calls.share and array.size and array.dtype.kind == "f":
        for number in (-0.5, 1.5, 255.0, -INF, INF):
            bad = array.copy()
            bad[(-1,) * bad.ndim] = number
            yield Refusal(name, bad, ValueError, name, what=f"{name} with {number}")
    if operand.values is calls.share and array.size and array.dtype.kind == "i":
        yield Refusal(name, np.full(shape, 2), ValueError, name, what=f"{name} with 2")
    if operand.values is calls.positive and array.size:
        for number in (NAN, INF, -1.0, 0.0):
            bad = array.copy()
            bad[(-1,) * bad.ndim] = number
            yield Refusal(name, bad, ValueError, name, what=f"{name} with {number}")


def wrong_outputs(call, operand, arrays):
    """Yield what cannot be written to."""
    name, out = operand.name, arrays[operand.name]
    for thing in NO_ARRAYS:
        if not (out.ndim == 0 and isinstance(thing, np.float64)):
            yield Refusal(name, thing, TypeError, name)
    yield Refusal(name, np.float64(7), TypeError, name)
    for other in ({np.dtype(np.float32), np.dtype(np.float64)} - {out.dtype}, [np.dtype(np.int64)], [np.dtype(bool)]):
        for each in other:
            wrong = np.full(out.shape, FILL, each)
            yield Refusal(name, wrong, TypeError, name, out.dtype.name, each.name, what=f"{name} of {each}")
    for shape in ((*out.shape, 1), (1, *out.shape), tuple(n + 1 for n in out.shape) or (1,), (5, 5, 5), (0, 5)):
        if shape != out.shape:
            if is_good_shape(call, operand, shape, arrays):
                continue
            wrong = np.full(shape, FILL, out.dtype)
            yield Refusal(name, wrong, ValueError, name, "shape", what=f"{name} of shape {shape}, not {out.shape}")
    locked = out.view()
    locked.flags.writeable = False
    yield Refusal(name, locked, ValueError, name, "read-only", what=f"{name}, read-only")
    if out.ndim:
        yield Refusal(name, memoryview(out).toreadonly(), ValueError, name, what=f"{name}, a read-only memoryview")
    if out.size > 1:
        memory = np.full(4 * out.size, FILL, out.dtype)
        size = out.itemsize
        kept = [k for k, n in enumerate(out.shape) if n > 1]
        repeated = tuple(0 if k == kept[-1] else size * 7 for k in range(out.ndim))
        woven = tuple(size for _ in out.shape)
        half = [*np.empty(out.shape, out.dtype).strides]
        half[kept[-1]] = size // 2
        for strides in (repeated, tuple(half), *([woven] if len(kept) > 1 else [])):
            room = sum((n - 1) * s for n, s in zip(out.shape, strides, strict=True)) + size
            assert room <= memory.nbytes
            wrong = as_strided(memory, out.shape, strides)
            yield Refusal(name, wrong, ValueError, name, "overlap", what=f"{name} of strides {strides}")


def wrong_settings(call):
    """Yield bad numbers, flags and names."""
    parameters = {each.name: each for each in SPECS[call.name].parameters} if call.name in SPECS else {}
    if call.name == "diagnose":
        parameters = {each.name: each for each in SPECS[call.options["activation"]].parameters}
    for name, value in call.settings.items():
        if name == "axis":
            yield from (Refusal(name, far, AxisError, "axis") for far in FAR)
            several = calls.family_of(call.name) in ("rowwise", "reduction") and call.operation != "jacobian"
            no_axes = ([0, 1], (0, 1.5), (None,)) if several else ((0, 1), None)
            yield from (Refusal(name, thing, TypeError, name) for thing in (*NO_INTS, *no_axes))
            if several:
                yield from (Refusal(name, (far,), AxisError, "axis") for far in FAR)
                yield Refusal(name, (0, 0), ValueError, "duplicate", "axis")
        elif isinstance(value, bool):
            yield from (Refusal(name, thing, TypeError, name) for thing in NO_BOOLS)
        elif name == "reduction":
            for thing in ("average", "MEAN", "", 3, None, b"mean", Thing()):
                yield Refusal(name, thing, (TypeError, ValueError), name)
        elif name == "ignore_label":
            yield from (Refusal(name, thing, TypeError, name) for thing in (*NO_INTS, (0, 1)))
            yield from (Refusal(name, thing, ValueError, name) for thing in (2**63, -(2**63) - 1, 2**70))
        else:
            things = ("0.1", 1j, Thing(), b"1") if name in ("weight", "pos_weight") else NO_FLOATS  # those take arrays
            yield from (Refusal(name, thing, TypeError, name) for thing in things)
            yield Refusal(name, 10**400, ValueError, name)
            outside = [NAN, *OUTSIDE.get(name, ())]
            if name in parameters:
                y = call.options.get("source") == "y"
                outside = [
                    NAN,
                    *beyond(
                        parameters[name].limits_from_y
                        if y and parameters[name].limits_from_y
                        else parameters[name].limits
                    ),
                ]
            yield from (Refusal(name, number, ValueError, name) for number in outside)


OUTSIDE = {
    "scale": (0.0, -0.0, -1.0, INF, -INF),
    "label_smoothing": (-0.1, 1.1, INF, -INF, -1e-320),
    "saturated_below": (-1.0, -INF, -5e-324),
    "pos_weight": (-1.0, INF, -INF),
}


def beyond(limits):
    """Return numbers outside limits."""
    low, high = limits
    found = [] if low == -INF else [-INF, low - max(1.0, abs(low)) if low > -1e300 else -INF]
    return [*found, *([] if high == INF else [INF, high + max(1.0, abs(high)) if high < 1e300 else INF])]


def wrong_ways(call, args, keywords):
    """Yield (what, args, keywords, error, words) of calls whose arguments are given wrongly."""
    yield "an unknown keyword", args, {**keywords, "no_such": 1}, TypeError, ["no_such"]
    yield "a keyword of others", args, {**keywords, "inplace": True}, TypeError, ["inplace"]
    yield "no argument", [], {}, TypeError, []
    many = [*args, *[1.0] * 12]
    named = {name: value for name, value in keywords.items() if name not in positional(call)}
    yield "too many by position", many, named, TypeError, []
    first = call.inputs[0].name
    yield f"{first} twice", args, {**keywords, first: args[0]}, TypeError, [first]
    for name in call.settings:
        if name in positional(call):
            filled = [*args, *[1.0] * (1 + positional(call).index(name))]
            yield f"{name} twice", filled, {name: 1.0}, TypeError, [name]
    for operand in call.inputs[: call.positional if call.name not in fa.GATES or call.operation != "forward" else 0]:
        rest = [value for value, each in zip(args, call.inputs, strict=False) if each is not operand]
        yield f"no {operand.name}", rest, keywords, TypeError, []
    for operand in call.inputs[call.positional :]:
        if operand.role == calls.INPUT and operand.name in ("x", "y", "gate", "value"):
            rest = {name: value for name, value in keywords.items() if name != operand.name}
            yield f"no {operand.name}", args, rest, TypeError, [operand.name]
            yield f"{operand.name} by position", [*args, keywords[operand.name]], rest, TypeError, []
    if call.operation == "backward" and call.options.get("source"):
        given = call.options["source"]
        other = {"x": "y", "y": "x"}[given]
        yield "both x and y", args, {**keywords, other: keywords[given]}, TypeError, []
    if call.options.get("form"):
        yield "x and a pair", args, {**keywords, **dict.fromkeys(("x", "gate", "value"), args[0])}, TypeError, []


def positional(call):
    """Return the names of what may be given by position behind the inputs."""
    if call.name == "diagnose":
        return []
    arguments = inspect.signature(call.function()).parameters.values()
    return [each.name for each in arguments if each.kind is each.POSITIONAL_OR_KEYWORD][call.positional :]


def refused(findings, call, where, arrays, what, args, keywords, error, words):
    """Make a call that must be refused, with nothing written."""
    owned = {id(m): m for m in map(memory_of, [*arrays.values(), *args, *keywords.values()]) if m is not None}
    before = {key: memory.tobytes() for key, memory in owned.items()}
    name = f"{call.id} ({where})"
    try:
        call.function()(*args, **keywords)
    except error as raised:
        message = str(raised)
        function = call.name if call.operation == "forward" else f"{call.name}.{call.operation}"
        if call.operation == "jacobian" and message.startswith("jacobian()"):
            function = "jacobian"
        if call.name == "diagnose" and call.options["activation"] in message:
            function = call.options["activation"]  # whose parameters are taken
        wanted = [word for word in words if word.lower() not in message.lower()]
        if not isinstance(raised, AxisError) and function not in message:
            wanted.append("the function")
        if wanted:
            findings.add(f"{name} {message!r}", f"{what}: {type(raised).__name__} does not name {', '.join(wanted)}")
    except Exception as other:
        findings.add(name, f"{what}: {processes.place(other)}")
    else:
        findings.add(name, f"{what} is taken")
        return
    for key, memory in owned.items():
        if memory.tobytes() != before[key]:
            findings.add(name, f"{what} is refused, but something is written")


def memory_of(value):
    """Return the array that owns the memory of an argument."""
    if isinstance(value, memoryview):
        value = value.obj
    while isinstance(value, np.ndarray) and isinstance(value.base, np.ndarray):
        value = value.base
    return value if isinstance(value, np.ndarray) and value.dtype.kind != "O" else None


def try_call(findings, call, dtype):
    for where, arrays in bases(call, dtype):
        args, keywords = call.arguments(arrays)
        try:
            call.function()(*args, **keywords)
        except Exception as error:
            findings.add(f"{call.id} ({where})", f"what is in order is refused: {processes.place(error)}")
            continue
        for operand in call.written:
            arrays[operand.name][...] = FILL
        refusals = [r for operand in call.operands for r in wrong_operands(call, operand, arrays)]
        refusals += wrong_settings(call)
        for refusal in refusals:
            given = {**arrays, refusal.argument: refusal.value} if refusal.argument in arrays else arrays
            args, keywords = call.arguments(given)
            if refusal.argument not in arrays:
                keywords = {**keywords, refusal.argument: refusal.value}
            refused(findings, call, where, arrays, refusal.what, args, keywords, refusal.error, refusal.words)
        args, keywords = call.arguments(arrays)
        for way in wrong_ways(call, args, keywords):
            refused(findings, call, where, arrays, *way)
        for first, second in [(a, b) for a in call.written for b in call.written if a.name < b.name]:
            shared = np.full(2 * arrays[first.name].size + 2 * arrays[second.name].size, FILL, arrays[first.name].dtype)
            overlapping = {
                each.name: shared[k : k + arrays[each.name].size].reshape(arrays[each.name].shape)
                for k, each in enumerate((first, second))
            }
            if min(array.size for array in overlapping.values()) > 1 and np.shares_memory(*overlapping.values()):
                args, keywords = call.arguments({**arrays, **overlapping})
                what = f"{first.name} and {second.name} that share memory"
                refused(findings, call, where, arrays, what, args, keywords, ValueError, [first.name, second.name])


@pytest.mark.sampled
def test_a_bad_argument_is_refused_by_name_with_nothing_written():
    findings = processes.Findings()
    for k, call in enumerate(calls.of_lane()):
        if call.name != "diagnose" or k % 10 == 0:
            try_call(findings, call, (np.float32, np.float64)[k % 2])
    findings.check()
