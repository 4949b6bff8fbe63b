"""Random calls: any callable, options, shapes, types, layouts, overlaps, threads and targets, checked by reference.py.

    found = fuzz.random_call(np.random.default_rng([seed, number]))
    fault = fuzz.check(found)            # None, or what is wrong in words
    print(fuzz.script(fuzz.shrink(found), fault))

A `Fuzzed` is one call of calls.py with its arrays placed in memory byte by byte, so that it can be printed, made smaller
and made again.  `check` wants of it: the values of the reference; the bits of the plain call, of contiguous arrays of one
type, on one thread; nothing changed but outputs, not even the bytes between their elements; the very `out` that was given;
no warning and no exception, or the documented one with everything untouched where a call must be refused.

tools/fuzz.py runs this by the hour.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import math
import re
import time
import warnings
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import fastact as fa
import helpers
from contract import calls, reference
from fastact.catalogue import SPECS

BEST = helpers.TARGETS[0]
BLOCKS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
SMALL, MOST = 500, 6000  # elements: of two calls in three at most, of an ordinary call at most
LARGE = 60_000
ROWS = 300  # of an ordinary call: the reference takes them one by one


# ---------------------------------------------------------------------------------------------------------------
# Arrays in memory
# ---------------------------------------------------------------------------------------------------------------


HALVES = [0.3 / len(calls.HALF)] * len(calls.HALF)


@functools.cache
def spelled(dtype):
    """Return what np.dtype makes the type of again; bfloat16's string would be that of two bytes."""
    return "bfloat16" if np.dtype(dtype).name == "bfloat16" else np.dtype(dtype).str


@dataclasses.dataclass(frozen=True)
class Placed:
    """Where an array lies: in which memory of the call, from which byte on, with which steps."""

    memory: int
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int

    def view(self, memories):
        """Return the array over the memory."""
        return np.ndarray(self.shape, self.dtype, memories[self.memory], self.offset, self.strides)


@dataclasses.dataclass(frozen=True)
class Refusal:
    """What is wrong with a call, and what must be raised."""

    kind: str
    error: str


@dataclasses.dataclass(frozen=True)
class Fuzzed:
    """A call with everything it depends on."""

    call: calls.Call
    shape: tuple[int, ...]  # the principal one
    memories: list[bytes]
    inputs: Mapping[str, Any]  # Placed, or a Python object
    outputs: Mapping[str, Placed]
    target: str = BEST
    threads: int = 1
    threshold: float | None = None
    raises: bool = False  # whether NumPy raises at floating-point errors
    refusal: Refusal | None = None
    seed: tuple[int, ...] = ()

    def arrays(self):
        """Return the memories, and the arguments over them by name."""
        memories = [np.frombuffer(bytearray(memory), np.uint8) for memory in self.memories]
        made = {}  # one object for arguments that are one
        for placed in (*self.inputs.values(), *self.outputs.values()):
            if isinstance(placed, Placed) and placed not in made:
                made[placed] = placed.view(memories)
        given = {**self.inputs, **self.outputs}
        return memories, {name: made[each] if isinstance(each, Placed) else each for name, each in given.items()}


GUARD = np.random.default_rng(0).integers(0, 256, 1 << 16, np.uint8)


def guarded(size):
    """Return memory full of what nobody writes by chance."""
    return np.resize(GUARD, size)


def random_strides(rng, shape, item, zero=False):
    """Return strides and how many bytes an array of them reaches before and behind its first element."""
    style = rng.random()
    order = list(range(len(shape))) if style < 0.5 else list(rng.permutation(len(shape)))
    strides, step = [0] * len(shape), item
    for d in reversed(order):
        factor = 1 if style < 0.4 or rng.random() < 0.6 else int(rng.choice([-1, 2, -2, 3]))
        gap = 0 if style < 0.7 or rng.random() < 0.8 else int(rng.integers(0, 3)) * item
        strides[d] = step * factor
        step = step * abs(factor) * max(1, shape[d]) + gap
        if zero and rng.random() < 0.3:
            strides[d] = 0
    return tuple(strides), *reach(shape, strides, item)


def reach(shape, strides, item):
    """Return how many bytes an array reaches before its first element, and behind."""
    if 0 in shape:
        return 0, 0
    ends = [(n - 1) * step for n, step in zip(shape, strides, strict=True)]
    return -sum(end for end in ends if end < 0), sum(end for end in ends if end > 0) + item


def misaligned(rng, item):
    """Return an offset in bytes, mostly a multiple of what the type is aligned to."""
    return int(rng.integers(0, 64)) if rng.random() < 0.1 else item * int(rng.integers(0, 64 // item))


class Arena:
    """Where arrays are placed as a call is made up."""

    def __init__(self, rng):
        self.rng, self.memories = rng, []

    def add(self, shape, dtype, zero=False, contiguous=False):
        """Place an array in memory of its own."""
        item = np.dtype(dtype).itemsize
        if contiguous:
            strides = tuple(item * math.prod(shape[d + 1 :]) for d in range(len(shape)))
            before, behind = reach(shape, strides, item)
        else:
            strides, before, behind = random_strides(self.rng, shape, item, zero)
        start = 64 + misaligned(self.rng, item) + before
        if self.rng.random() < 0.3:  # room for an output that overlaps its beginning
            start += 64 * int(self.rng.integers(0, (before + behind) // 8 + 2))
        self.memories.append(guarded(start + behind + 64))
        return Placed(len(self.memories) - 1, spelled(dtype), tuple(shape), strides, start)

    def over(self, placed, shape, dtype):
        """Place an array in the memory of another, so that they may overlap."""
        item = np.dtype(dtype).itemsize
        alike = tuple(shape) == placed.shape and item == np.dtype(placed.dtype).itemsize and not overlaps_itself(placed)
        if alike and self.rng.random() < 0.5:
            strides, (before, behind) = placed.strides, reach(shape, placed.strides, item)
            start = placed.offset + item * int(self.rng.integers(-9, 10))
        else:
            strides, before, behind = random_strides(self.rng, shape, item)
            inside, beyond = reach(placed.shape, placed.strides, np.dtype(placed.dtype).itemsize)
            first = int(self.rng.integers(-behind, inside + beyond + before + 1))  # touching or not by a little
            start = (placed.offset - inside + first) // item * item + placed.offset % item
        start = max(start, before + placed.offset % item)
        memory = self.memories[placed.memory]
        if start + behind > len(memory):
            self.memories[placed.memory] = np.concatenate([memory, guarded(start + behind + 64 - len(memory))])
        return Placed(placed.memory, spelled(dtype), tuple(shape), strides, start)


def overlaps_itself(placed):
    """Whether elements may share memory (True where it is not easily told)."""
    return bool(calls_overlap(tuple(placed.shape), tuple(placed.strides), np.dtype(placed.dtype).itemsize))


@functools.lru_cache(1000)
def calls_overlap(shape, strides, item):
    step = item
    for stride, n in sorted((abs(stride), n) for stride, n in zip(strides, shape, strict=True) if n > 1):
        if stride < step:
            return True
        step = stride * n
    return False


# ---------------------------------------------------------------------------------------------------------------
# What a call is made up of
# ---------------------------------------------------------------------------------------------------------------

CALLS: dict[str, list[calls.Call]] = {}
for each in calls.ALL:
    CALLS.setdefault(each.name, []).append(each)
# Those with the most options more often than others.
NAMES = (*calls.NAMES, *3 * helpers.LOSSES, *2 * ("softmax", "log_softmax", "prelu"))


def random_shape(rng):
    """Return a shape of 0 to 6 axes: small, or with an extent about the size of a block, or large."""
    most = SMALL if rng.random() < 0.65 else MOST
    axes = int(rng.choice(7, p=[0.05, 0.2, 0.3, 0.2, 0.12, 0.08, 0.05]))
    shape = [int(n) for n in rng.choice([0, 1, 2, 3, 4, 5, 7, 9, 17], axes, p=[0.02, 0.14, *[0.12] * 7])]
    if axes and rng.random() < 0.45:
        shape[int(rng.integers(axes))] = int(rng.choice(BLOCKS)) // int(rng.choice([1, 1, 1, 2, 3])) + int(
            rng.integers(-2, 3)
        )
    if axes and rng.random() < 0.1:
        shape[int(rng.integers(axes))] = int(rng.integers(1, 300))
    while math.prod(shape) > most:
        d = int(np.argmax(shape)) if rng.random() < 0.2 else int(rng.integers(axes))
        shape[d] = (shape[d] + 1) // 2
    return tuple(max(0, n) for n in shape)


def large_shape(rng):
    """Return a shape of more elements than one thread is given."""
    style = rng.integers(3)
    if style == 0:
        return (int(rng.integers(50_000, LARGE)),)
    n = int(rng.choice([3, 17, 64, 130, 257, 1000, 4100]))
    shape = (LARGE // n + int(rng.integers(0, 2)), n)
    return shape if style == 1 else shape[::-1]


def random_parameters(rng, name, from_y):
    """Return values for some of an activation's parameters, all of those that must be given."""
    row, given = SPECS[name], {}
    for parameter in row.parameters:
        low, high = parameter.limits_from_y if from_y and parameter.limits_from_y else parameter.limits
        if parameter.default is not None and rng.random() < 0.3:
            continue
        value = (
            float(rng.choice(parameter.examples))
            if parameter.examples and rng.random() < 0.5
            else round(2 * float(rng.standard_normal()), 3)
        )
        value = value if low <= value else abs(value)
        value = max(value, 2.0**-20) if 0 < low <= 5e-324 and value == 0 else value
        if low <= value <= high:
            given[parameter.name] = value
    for parameter in row.parameters:
        if parameter.default is None:
            given.setdefault(parameter.name, 0.25)
    if row.ordered:
        values = row.typical | given
        ordered = sorted(values.values())
        given = dict(zip(values, ordered, strict=True))
    return given


def random_settings(rng, call, shape):
    """Return the call with other numbers in it."""
    settings, axis = dict(call.settings), call.axis
    if axis is not None and shape and not settings.get("causal") and rng.random() < 0.6:
        axis = int(rng.integers(-len(shape), len(shape)))
        settings["axis"] = axis
        if (
            calls.family_of(call.name) in ("rowwise", "reduction")
            and call.operation != "jacobian"
            and rng.random() < 0.4
        ):
            several = rng.permutation(len(shape))[: rng.integers(len(shape) + 1)]
            axis = settings["axis"] = tuple(int(d) - len(shape) * int(rng.integers(2)) for d in several)
            if rng.random() < 0.2:
                axis, settings["axis"] = "all", None
    if SPECS.get(call.name) is not None and SPECS[call.name].kind == "elementwise":
        for parameter in SPECS[call.name].parameters:
            settings.pop(parameter.name, None)
        settings |= random_parameters(rng, call.name, call.options.get("source") == "y")
    if call.options.get("weight") == "number":
        (weight,) = (parameter.name for parameter in SPECS[call.name].parameters)
        settings[weight] = abs(round(float(rng.standard_normal()), 3)) + 0.001
    if "scale" in settings:
        settings["scale"] = float(rng.choice([0.125, 0.3, 1.0, 3.7, 1e-3, 40.0]))
    if "label_smoothing" in settings:
        settings["label_smoothing"] = float(rng.choice([0.0, 0.1, 0.25, 0.5, 1.0, 0.001]))
    if "ignore_label" in settings:
        settings["ignore_label"] = int(rng.choice([-1, 0, 1, 2, -100, 255]))
    if "pos_weight" in settings:
        settings["pos_weight"] = float(rng.choice([0.0, 1.0, 2.5, 0.1]))
    if "saturated_below" in settings:
        settings["saturated_below"] = float(rng.choice([0.0, 0.01, 0.3, 2.0]))
    return dataclasses.replace(call, settings=settings, axis=axis)


def random_values(rng, array, operand, call):
    """Return other values for an input of real numbers, of its type."""
    if operand.values is calls.positive and array.dtype.kind in "biu":
        return np.maximum(array, array.dtype.type(1))
    if not helpers.is_real(array.dtype) or (
        calls.family_of(call.name) == "channelwise" and operand.role == calls.VECTOR
    ):
        return array
    if operand.values is calls.weights and array.size:
        return array * array.dtype.type(rng.choice([1, 1, 1e-3, 1e3]))
    if operand.values not in (calls.real, calls.output):
        return array
    style = rng.random()
    if style < 0.5:
        return array
    if style < 0.65:
        return calls.sprinkle(array, rng)
    if style < 0.72:
        word = helpers.unsigned(array.dtype)
        return rng.integers(0, np.iinfo(word).max, array.shape, word, endpoint=True).view(array.dtype)
    with np.errstate(all="ignore"):
        if style < 0.79:  # all equal
            return np.full_like(array, array.ravel()[0] if array.size else 0)
        if style < 0.86 and operand.values is calls.real:
            return np.where(rng.random(array.shape) < 0.6, -np.inf, array).astype(array.dtype)
        if style < 0.93:
            return (array * array.dtype.type(rng.choice([1e-30, 1e-3, 30, 1e4, 1e30]))).astype(array.dtype)
    return np.where(rng.random(array.shape) < 0.5, 0, array).astype(array.dtype)


def random_dtypes(rng, call):
    """Return a type for every input."""
    base, chosen = rng.choice(np.array(["f4", "f8", *map(spelled, calls.HALF)]), p=[0.35, 0.35, *HALVES]), {}
    mixed = rng.random() < 0.35
    for operand in call.inputs:
        taken = [np.dtype(dtype) for dtype in operand.dtypes]
        if np.dtype(base) not in taken:
            chosen[operand.name] = taken[int(rng.integers(len(taken)))]
        elif mixed and rng.random() < 0.4:
            real = [dtype for dtype in taken if helpers.is_real(dtype)]
            among = real if real and rng.random() < 0.7 else taken
            chosen[operand.name] = among[int(rng.integers(len(among)))]
        else:
            chosen[operand.name] = np.dtype(base)
    return chosen


def random_call(rng, seed=()):
    """Return a call of anything with anything."""
    found = CALLS[NAMES[int(rng.integers(len(NAMES)))]]
    while True:
        call = found[int(rng.integers(len(found)))]
        shape = large_shape(rng) if rng.random() < 0.004 else random_shape(rng)
        call = random_settings(rng, call, shape)
        if call.fits(shape) and is_affordable(call, shape):
            break
    arena, dtypes = Arena(rng), random_dtypes(rng, call)
    made = call.make(shape, dtypes, int(rng.integers(1 << 30)))
    inputs: dict[str, Any] = {}
    for operand in call.inputs:
        array = random_values(rng, made[operand.name], operand, call)
        inputs[operand.name] = place_input(rng, arena, call, operand, array, inputs)
    memories, fuzzed = arena.memories, Fuzzed(call, shape, [], inputs, {}, seed=seed)
    current = {name: each.view(memories) if isinstance(each, Placed) else each for name, each in inputs.items()}
    types = {operand.name: call.written_dtype(operand.name, current) for operand in call.written}
    outputs = place_outputs(rng, arena, call, shape, types, inputs)
    fuzzed = dataclasses.replace(
        fuzzed,
        memories=[memory.tobytes() for memory in arena.memories],
        outputs=outputs,
        target=BEST if rng.random() < 0.5 else str(rng.choice(helpers.TARGETS)),
        threads=int(rng.choice([1, 1, 1, 2, 3, 5])),
        threshold=0.0 if rng.random() < 0.3 else None,
        raises=bool(rng.random() < 0.1),
    )
    return refused(rng, fuzzed) if rng.random() < 0.06 else fuzzed


def is_affordable(call, shape):
    """Whether the reference takes no long time."""
    if call.operation == "jacobian":
        axis = call.counted_axis(len(shape))
        return math.prod(shape) * (shape[axis] if shape else 1) <= 20_000
    if call.axis is None or calls.family_of(call.name) in ("gate", "channelwise", "diagnose"):
        return True
    rows = math.prod(calls.without(shape, call.counted_axis(len(shape))))
    return rows <= ROWS


def place_input(rng, arena, call, operand, array, before):
    """Return the array in some layout, as a list, or as an argument that there is already."""
    # Without axes a list is a number, which as a weight does not count for the type.
    listed = array.ndim or (operand.role == calls.INPUT and operand.name != "weight")
    if rng.random() < 0.03 and array.size and listed and array.size < 500:
        return array.tolist()
    for other in before.values():
        same = isinstance(other, Placed) and (other.shape, other.dtype) == (array.shape, spelled(array.dtype))
        if (
            same
            and operand.role == calls.INPUT
            and operand.values in (calls.real, calls.output)
            and rng.random() < 0.06
        ):
            return other
    placed = arena.add(array.shape, array.dtype, rng.random() < 0.05, rng.random() < 0.35)
    if 0 in placed.strides and array.size:
        array = array[tuple(slice(1) if step == 0 else slice(None) for step in placed.strides)]
    placed.view(arena.memories)[...] = array
    return placed


def place_outputs(rng, arena, call, shape, types, inputs):
    """Return where outputs lie: nowhere, apart from everything, exactly at an input, or somewhere in its memory."""
    outputs: dict[str, Placed] = {}
    if rng.random() < 0.25:
        return outputs
    for operand in call.written:
        if rng.random() < 0.1:
            continue
        where, style, dtype = tuple(call.shape_of(operand, shape)), rng.random(), types[operand.name]
        placed = None
        candidates = [each for each in inputs.values() if isinstance(each, Placed)]
        if candidates and style < 0.5:
            other = candidates[int(rng.integers(len(candidates)))]
            if style < 0.3:
                same = (other.shape, np.dtype(other.dtype)) == (where, dtype)
                placed = other if same and not overlaps_itself(other) else None
            else:
                placed = arena.over(other, where, dtype)
            if placed and any(share_memory(placed, another, arena) for another in outputs.values()):
                placed = None
        outputs[operand.name] = placed or arena.add(where, dtype, contiguous=rng.random() < 0.35)
    return outputs


def share_memory(a, b, arena):
    if a.memory != b.memory:
        return False
    try:
        return np.shares_memory(a.view(arena.memories), b.view(arena.memories), max_work=10_000)
    except np.exceptions.TooHardError:
        return True


# Calls that must be refused.


def refused(rng, fuzzed):
    """Return the call with something wrong with it."""
    rare = [kind for kind in ("label", "weight", "shared_outputs") if rng.random() < 0.5]
    for kind in (*rare, *rng.permutation(sorted(REFUSALS))):
        changed = REFUSALS[kind](rng, fuzzed)
        if changed is not None:
            call, error = changed
            return dataclasses.replace(call, refusal=Refusal(str(kind), error))
    return fuzzed


def an_output(rng, fuzzed):
    names = [name for name in fuzzed.outputs if (fuzzed.call.takes_out or name != "out")]
    return names[int(rng.integers(len(names)))] if names else None


def with_output(fuzzed, name, placed, memory=None):
    memories = fuzzed.memories if memory is None else [*fuzzed.memories, bytes(memory)]
    return dataclasses.replace(fuzzed, outputs={**fuzzed.outputs, name: placed}, memories=memories)


def refuse_output_dtype(rng, fuzzed):
    name = an_output(rng, fuzzed)
    if name is None:
        return None
    old = fuzzed.outputs[name]
    dtype = np.dtype(
        rng.choice([each for each in ("<f2", "<f4", "<f8", ">f4", ">f8", "<i8", "<c16") if each != old.dtype])
    )
    memory = guarded(max(1, math.prod(old.shape)) * dtype.itemsize)
    strides = tuple(dtype.itemsize * math.prod(old.shape[d + 1 :]) for d in range(len(old.shape)))
    return with_output(
        fuzzed, name, Placed(len(fuzzed.memories), dtype.str, old.shape, strides, 0), memory
    ), "TypeError"


def broadcasts(shape, to):
    """Whether an array of the first shape may be broadcast to the second."""
    try:
        return np.broadcast_shapes(shape, to) == tuple(to)
    except ValueError:
        return False


def refuse_output_shape(rng, fuzzed):
    name = an_output(rng, fuzzed)
    if name is None:
        return None
    old = fuzzed.outputs[name]
    shape = (*old.shape, 1) if not old.shape or rng.random() < 0.3 else (old.shape[0] + 1, *old.shape[1:])
    if fuzzed.call.operand(name).role == calls.SUM and broadcasts(shape, fuzzed.shape):
        shape = (2, *fuzzed.shape)  # without a bias its gradient may have any shape that a bias may have
    item = np.dtype(old.dtype).itemsize
    strides = tuple(item * math.prod(shape[d + 1 :]) for d in range(len(shape)))
    memory = guarded(math.prod(shape) * item + 1)
    return with_output(fuzzed, name, Placed(len(fuzzed.memories), old.dtype, shape, strides, 0), memory), "ValueError"


def refuse_output_of_repeats(rng, fuzzed):
    name = an_output(rng, fuzzed)
    if name is None or math.prod(fuzzed.outputs[name].shape) < 2:
        return None
    old = fuzzed.outputs[name]
    wide = [d for d, n in enumerate(old.shape) if n > 1]
    strides = list(old.strides)
    strides[wide[int(rng.integers(len(wide)))]] = 0
    return with_output(fuzzed, name, dataclasses.replace(old, strides=tuple(strides))), "ValueError"


def refuse_shared_outputs(rng, fuzzed):
    names = [name for name in fuzzed.outputs if math.prod(fuzzed.outputs[name].shape)]
    if len(names) < 2:
        return None
    a, b = (fuzzed.outputs[name] for name in names[:2])
    if overlaps_itself(a):
        return None
    item = np.dtype(b.dtype).itemsize
    strides = tuple(item * math.prod(b.shape[d + 1 :]) for d in range(len(b.shape)))
    memory = bytes(fuzzed.memories[a.memory]) + bytes(guarded(math.prod(b.shape) * item))
    memories = [*fuzzed.memories]
    memories[a.memory] = memory
    moved = dataclasses.replace(fuzzed, memories=memories)
    return with_output(moved, names[1], Placed(a.memory, b.dtype, b.shape, strides, a.offset)), "ValueError"


def refuse_input_dtype(rng, fuzzed):
    names = [operand.name for operand in fuzzed.call.inputs if operand.role in (calls.INPUT, calls.VECTOR)]
    name = names[int(rng.integers(len(names)))]
    array = np.asarray(value_of(fuzzed, name))
    with np.errstate(all="ignore"):
        plain = array.astype(np.float32) if spelled(array.dtype) == "bfloat16" else array
        other = plain.astype(rng.choice(["c16", "O", ">f8", "U3", "M8[s]"]))
    return replace_input(fuzzed, name, other), "TypeError"


def refuse_input_shape(rng, fuzzed):
    operands = fuzzed.call.inputs
    alike = [operand for operand in operands if operand.shape is calls.LIKE and operand.role != calls.MASK]
    alike = [operand for operand in alike if len(alike) > 1 and operand.role == calls.INPUT]
    alike += [operand for operand in operands if operand.shape in (calls.LAST, calls.ALONG)]
    if not alike:
        return None
    operand = alike[int(rng.integers(len(alike)))]
    array = np.asarray(value_of(fuzzed, operand.name))
    shape = (2, 3) if operand.role == calls.VECTOR else (*array.shape, 3)
    if operand.role == calls.VECTOR and broadcasts(shape, fuzzed.shape):
        shape = (2, *fuzzed.shape)
    return replace_input(fuzzed, operand.name, np.zeros(shape, array.dtype)), "ValueError"


def refuse_axis(rng, fuzzed):
    call = fuzzed.call
    if call.axis is None or "axis" not in call.settings:
        return None
    if calls.family_of(call.name) == "channelwise" and fuzzed.shape[call.counted_axis(len(fuzzed.shape))] == 1:
        return None  # one weight is for all
    axis = int(rng.choice([9, -9, 2**40, -(2**40)]))
    if isinstance(call.axis, tuple):
        axis = (*call.axis, axis) if not call.axis or rng.random() < 0.5 else (*call.axis, call.axis[0])
    return dataclasses.replace(
        fuzzed, call=dataclasses.replace(call, settings={**call.settings, "axis": axis})
    ), "ValueError"


def refuse_setting(rng, fuzzed):
    call = fuzzed.call
    names = [name for name, value in call.settings.items() if isinstance(value, float)]
    if not names:
        return None
    name = names[int(rng.integers(len(names)))]
    value, error = ((np.nan, "ValueError"), ("1", "TypeError"))[int(rng.integers(2))]
    if name == "pos_weight" and error == "TypeError":
        return None
    return dataclasses.replace(fuzzed, call=dataclasses.replace(call, settings={**call.settings, name: value})), error


def refuse_keyword(rng, fuzzed):
    call = fuzzed.call
    return dataclasses.replace(
        fuzzed, call=dataclasses.replace(call, settings={**call.settings, "colour": 1})
    ), "TypeError"


def refuse_label(rng, fuzzed):
    for operand in fuzzed.call.inputs:
        if operand.role == calls.LABELS and operand.shape is calls.REDUCED:
            labels = np.array(value_of(fuzzed, operand.name), np.int64, order="C")
            if not labels.size:
                return None
            classes = fuzzed.shape[fuzzed.call.counted_axis(len(fuzzed.shape))]
            labels.reshape(-1)[int(rng.integers(labels.size))] = rng.choice([classes + 1000, -(2**62), 2**62])
            return replace_input(fuzzed, operand.name, labels), "ValueError"
    return None


def refuse_weight(rng, fuzzed):
    for operand in fuzzed.call.inputs:
        if operand.values is calls.weights:
            weights = np.array(value_of(fuzzed, operand.name), np.float64, order="C")
            if not weights.size:
                return None
            weights.reshape(-1)[int(rng.integers(weights.size))] = rng.choice([-1.0, np.nan, np.inf])
            return replace_input(fuzzed, operand.name, weights), "ValueError"
    return None


REFUSALS = {name.removeprefix("refuse_"): each for name, each in list(globals().items()) if name.startswith("refuse_")}


def value_of(fuzzed, name):
    """Return the value of an input as it is."""
    each = fuzzed.inputs[name]
    return (
        each.view([np.frombuffer(memory, np.uint8) for memory in fuzzed.memories]) if isinstance(each, Placed) else each
    )


def replace_input(fuzzed, name, value):
    return dataclasses.replace(fuzzed, inputs={**fuzzed.inputs, name: value})


# ---------------------------------------------------------------------------------------------------------------
# Checks
# ---------------------------------------------------------------------------------------------------------------


def run(fuzzed, arrays):
    """Make the call under its circumstances; return what it gives."""
    with (
        warnings.catch_warnings(),
        fa.num_threads(fuzzed.threads),
        np.errstate(all="raise" if fuzzed.raises else "warn"),
    ):
        warnings.simplefilter("error")
        if fuzzed.threshold is None:
            return fuzzed.call.run(arrays, fuzzed.target)
        with helpers.parallel_threshold(fuzzed.threshold):
            return fuzzed.call.run(arrays, fuzzed.target)


def check(fuzzed):
    """Say what is wrong with a call, or None."""
    memories, arrays = fuzzed.arrays()
    before = [memory.copy() for memory in memories]
    if fuzzed.refusal:
        return check_refusal(fuzzed, arrays, memories, before)
    inputs = {name: np.array(arrays[name]) for name in fuzzed.inputs}  # as they are before the call
    try:
        got = run(fuzzed, arrays)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    fault = check_untouched(fuzzed, memories, before) or check_kinds(fuzzed, arrays, got)
    if fault:
        return fault
    with np.errstate(all="ignore"):
        wanted = reference.expected(fuzzed.call, inputs, fuzzed.target)
    for expected, result in zip(wanted, got, strict=True):
        fault = reference.fault(expected, result)
        if fault:
            return fault
    return check_bits(fuzzed, inputs, got)


def check_refusal(fuzzed, arrays, memories, before):
    kind, error = fuzzed.refusal.kind, fuzzed.refusal.error
    try:
        run(fuzzed, arrays)
    except (TypeError, ValueError) as raised:
        if not isinstance(raised, {"TypeError": TypeError, "ValueError": ValueError}[error]):
            return f"{kind}: {error} is documented, but this was raised: {type(raised).__name__}: {raised}"
        if any((a != b).any() for a, b in zip(memories, before, strict=True)):
            return f"{kind}: refused, but memory was written to"
        return None
    except Exception as raised:
        return f"{kind}: {error} is documented, but this was raised: {type(raised).__name__}: {raised}"
    return f"{kind}: not refused"


def check_untouched(fuzzed, memories, before):
    """Nothing but the elements of outputs may have changed."""
    for number, (memory, old) in enumerate(zip(memories, before, strict=True)):
        names = [name for name, placed in fuzzed.outputs.items() if placed.memory == number]
        restored = memory
        if names:
            restored = memory.copy()
            for name in names:
                place = dataclasses.replace(fuzzed.outputs[name], memory=0)
                place = dataclasses.replace(place, dtype=f"V{np.dtype(place.dtype).itemsize}")
                place.view([restored])[...] = place.view([old])
        wrong = np.flatnonzero(restored != old)
        if wrong.size:
            lies = {
                name: each for name, each in fuzzed.inputs.items() if isinstance(each, Placed) and each.memory == number
            }
            what = "beside " + ", ".join(names) if names else "of " + ", ".join(lies) if lies else "of nobody"
            return f"{wrong.size} bytes {what} were changed, the first {wrong[0]} from the beginning of memory {number}"
    return None


def check_kinds(fuzzed, arrays, got):
    """What is given is returned, and what is new is an array, or a scalar where it has no axes."""
    if fuzzed.call.name == "diagnose":
        return None
    for name, result in zip(fuzzed.call.results, got, strict=True):
        if name in fuzzed.outputs:
            if result is not arrays[name]:
                return f"{name} is not the array that was given"
        elif not isinstance(result, np.ndarray if np.ndim(result) else (np.generic, np.ndarray)):
            return f"{name} is a {type(result).__name__}"
    return None


def check_bits(fuzzed, inputs, got):
    """The plain call gives the same bits: contiguous, of one type, on one thread, on the best target."""
    if fuzzed.target not in helpers.FUSED_TARGETS:
        return None
    dtype = fuzzed.call.result_dtype(inputs)
    plain = {}
    for operand in fuzzed.call.inputs:
        array = inputs[operand.name]
        if operand.role in (calls.INPUT, calls.VECTOR):
            with np.errstate(all="ignore"):
                array = array.astype(dtype)
        plain[operand.name] = np.array(array, order="C")
    with np.errstate(all="ignore"):
        want = fuzzed.call.run(plain)
    for name, one, other in zip(fuzzed.call.results, got, want, strict=True):
        one, other = np.asarray(one), np.asarray(other)
        if one.dtype != other.dtype or one.shape != other.shape:
            return f"{name} is {one.dtype} of {one.shape}, but {other.dtype} of {other.shape} of plain arrays"
        if not helpers.is_real(one.dtype):
            same = one == other
        else:
            word = helpers.unsigned(one.dtype)
            one, other = np.ascontiguousarray(one).reshape(one.shape), np.ascontiguousarray(other).reshape(one.shape)
            with np.errstate(invalid="ignore"):  # ml_dtypes warns of a NaN that is signalling
                same = (one.view(word) == other.view(word)) | (np.isnan(one) & np.isnan(other))
        if not np.all(same):
            at = tuple(int(i[0]) for i in np.nonzero(~same)) if one.ndim else ()
            return (
                f"{name}{list(at)} is {one[at].item()!r}, but {other[at].item()!r} of plain arrays; "
                f"{int((~same).sum())} of {same.size} differ"
            )
    return None


# ---------------------------------------------------------------------------------------------------------------
# Smaller calls
# ---------------------------------------------------------------------------------------------------------------


def kind_of(fault):
    """Return a fault without its numbers: what stays the same while a call is made smaller."""
    return fault and re.sub(r"\[.*?\]|[-+.0-9]+(e[-+0-9]+)?|inf|nan", "", fault)[:40]


def fails_like(fault):
    """Return a test of whether a call still has a fault of this kind."""
    return lambda fuzzed: kind_of(check(fuzzed)) == kind_of(fault)


def shrink(fuzzed, fails: Callable[[Fuzzed], bool] = lambda each: check(each) is not None, seconds=3.0):
    """Return a simpler call that still fails."""
    end, again = time.monotonic() + seconds, True
    while again and time.monotonic() < end:
        again = False
        for simpler in simplifications(fuzzed):
            if time.monotonic() > end:
                break
            if still_fails(fails, simpler):
                fuzzed, again = simpler, True
                break
    return fuzzed


def still_fails(fails, simpler):
    """Whether a simpler call fails; not where it is no call any more."""
    try:
        return fails(simpler)
    except Exception:
        return False


def simplifications(fuzzed):
    """Yield calls with something less."""
    change = functools.partial(dataclasses.replace, fuzzed)
    for simple in ({"threads": 1, "threshold": None}, {"threshold": None}, {"target": BEST}, {"raises": False}):
        if any(getattr(fuzzed, key) != value for key, value in simple.items()):
            yield change(**simple)
    for name in fuzzed.outputs:
        yield change(outputs={key: each for key, each in fuzzed.outputs.items() if key != name})
    for other in CALLS[fuzzed.call.name]:
        fewer = {operand.name for operand in other.operands}
        if (
            set(other.operands) < set(fuzzed.call.operands)
            and other.operation == fuzzed.call.operation
            and set(other.settings) <= set(fuzzed.call.settings)
            and ("axis" in other.settings) == ("axis" in fuzzed.call.settings)
        ):
            settings = {key: fuzzed.call.settings[key] for key in other.settings}
            axis = fuzzed.call.axis if "axis" in settings else other.axis
            less = dataclasses.replace(other, settings=settings, axis=axis)
            yield change(
                call=less,
                inputs={k: v for k, v in fuzzed.inputs.items() if k in fewer},
                outputs={k: v for k, v in fuzzed.outputs.items() if k in fewer},
            )
    for d, n in enumerate(fuzzed.shape):
        for fewer in sorted({n // 2, n - 1, 1}):
            if 0 < fewer < n:
                smaller = (*fuzzed.shape[:d], fewer, *fuzzed.shape[d + 1 :])
                yield cut(fuzzed, smaller)
                yield cut(fuzzed, smaller, last=True)
    shared = [
        placed.memory for placed in (*fuzzed.inputs.values(), *fuzzed.outputs.values()) if isinstance(placed, Placed)
    ]
    for name, each in fuzzed.inputs.items():
        if isinstance(each, Placed) and (shared.count(each.memory) > 1 or not is_plain(fuzzed, each)):
            yield with_plain(fuzzed, name, np.array(value_of(fuzzed, name)))
        if isinstance(each, list):
            yield with_plain(fuzzed, name, np.array(each))
    for name, each in fuzzed.outputs.items():
        if shared.count(each.memory) > 1 or not is_plain(fuzzed, each):
            yield with_plain(fuzzed, name, np.full(each.shape, 7).astype(each.dtype))


def is_plain(fuzzed, placed):
    array = placed.view([np.frombuffer(memory, np.uint8) for memory in fuzzed.memories])
    return array.flags.c_contiguous and placed.offset == 0 and array.nbytes == len(fuzzed.memories[placed.memory])


def with_plain(fuzzed, name, array):
    """Return the call with an array that is contiguous in memory of its own."""
    array = np.array(array, order="C")
    placed = Placed(len(fuzzed.memories), spelled(array.dtype), array.shape, array.strides, 0)
    memories = [*fuzzed.memories, array.tobytes()]
    part = "inputs" if name in fuzzed.inputs else "outputs"
    return tidy(dataclasses.replace(fuzzed, memories=memories, **{part: {**getattr(fuzzed, part), name: placed}}))


def tidy(fuzzed):
    """Return the call without memory that nobody uses."""
    places = [each for each in (*fuzzed.inputs.values(), *fuzzed.outputs.values()) if isinstance(each, Placed)]
    used = sorted({each.memory for each in places})
    moved = {old: new for new, old in enumerate(used)}

    def move(each):
        return dataclasses.replace(each, memory=moved[each.memory]) if isinstance(each, Placed) else each

    return dataclasses.replace(
        fuzzed,
        memories=[fuzzed.memories[old] for old in used],
        inputs={name: move(each) for name, each in fuzzed.inputs.items()},
        outputs={name: move(each) for name, each in fuzzed.outputs.items()},
    )


def cut(fuzzed, shape, last=False):
    """Return the call of a smaller principal shape, of the first or the last elements along every axis."""
    call = fuzzed.call
    inputs, outputs = dict(fuzzed.inputs), dict(fuzzed.outputs)
    for part in (inputs, outputs):
        for name, each in part.items():
            smaller = tuple(call.shape_of(name, shape))
            before = each.shape if isinstance(each, Placed) else np.shape(each)
            begin = [(n - m) * last for n, m in zip(before, smaller, strict=True)]
            if isinstance(each, Placed):
                offset = each.offset + sum(i * step for i, step in zip(begin, each.strides, strict=True))
                part[name] = dataclasses.replace(each, shape=smaller, offset=offset)
            else:
                window = tuple(slice(i, i + n) for i, n in zip(begin, smaller, strict=True))
                part[name] = np.asarray(each)[window].tolist()
    return dataclasses.replace(fuzzed, shape=tuple(shape), inputs=inputs, outputs=outputs)


# ---------------------------------------------------------------------------------------------------------------
# Scripts
# ---------------------------------------------------------------------------------------------------------------


def packed(data):
    """Return bytes as text."""
    return base64.b85encode(zlib.compress(bytes(data), 9)).decode()


def unpacked(text):
    return zlib.decompress(base64.b85decode(text))


def restore(name, number, settings, axis, **rest):
    """Return the call that a script has written down: the number of the call among its callable's."""
    call = dataclasses.replace(CALLS[name][number], settings=settings, axis=axis)
    return Fuzzed(call=call, **rest | {"memories": [unpacked(memory) for memory in rest["memories"]]})


def replay(fuzzed):
    """Make the call of a script; exit with 1 if it is wrong."""
    fault = check(fuzzed)
    print(fault or "right")
    raise SystemExit(fault is not None)


def script(fuzzed, fault):
    """Return a program that makes the call and says what is wrong; as comments, the same without tests/contract."""
    fuzzed = tidy(fuzzed)
    call = fuzzed.call
    number = next(
        i for i, each in enumerate(CALLS[call.name]) if (each.options, each.results) == (call.options, call.results)
    )
    lines = [
        f"# {fault}".replace("\n", " "),
        f"# {call.id} on {fuzzed.target}, {fuzzed.threads} threads; seed {list(fuzzed.seed)}",
        *(f"# {line}" for line in plain_text(fuzzed)),
        "import datetime",
        "import sys",
        "",
        "from numpy import array, inf, nan",
        "",
        f"sys.path[:0] = [{calls.__file__.rpartition('/contract/')[0]!r}]",
        "from contract.fuzz import Placed, Refusal, replay, restore",
        "",
        "replay(restore(",
        f"    {call.name!r}, {number}, {dict(call.settings)!r}, {call.axis!r},",
        f"    shape={fuzzed.shape!r},",
        "    inputs={",
        *(f"        {name!r}: {literal(each)}," for name, each in fuzzed.inputs.items()),
        "    },",
        "    outputs={",
        *(f"        {name!r}: {each!r}," for name, each in fuzzed.outputs.items()),
        "    },",
        f"    target={fuzzed.target!r}, threads={fuzzed.threads}, threshold={fuzzed.threshold}, raises={fuzzed.raises},",
        f"    refusal={fuzzed.refusal!r},",
        f"    memories={[packed(memory) for memory in fuzzed.memories]!r},",
        "))",
        "",
    ]
    return "\n".join(lines)


def literal(each):
    if isinstance(each, np.ndarray):
        return f"array({each.tolist()!r}, {spelled(each.dtype)!r})"
    return repr(each)


def plain_text(fuzzed):
    """Yield the lines of a program that needs NumPy and fastact alone, where arrays are small."""
    call = fuzzed.call
    for part in (fuzzed.inputs, fuzzed.outputs):
        for name, each in part.items():
            if not isinstance(each, Placed):
                yield f"{name} = {literal(each)[:300]}"
                continue
            size = len(fuzzed.memories[each.memory])
            if part is fuzzed.outputs or math.prod(each.shape) > 64:
                value = f"np.ndarray({each.shape}, {each.dtype!r}, memory{each.memory}, {each.offset}, {each.strides})"
                yield f"{name} = {value}  # memory{each.memory} of {size} bytes"
            else:
                value = value_of(fuzzed, name)
                yield f"{name} = np.array({value.tolist()!r}, {each.dtype!r})  # strides {each.strides}, offset {each.offset} of {size} in memory{each.memory}"
    text = call.text()
    given = "".join(f", {name}={name}" for name in fuzzed.outputs if f"{name}={name}" not in text)
    yield text.removesuffix(")") + given + ")"
