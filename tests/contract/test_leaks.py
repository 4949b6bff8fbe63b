"""Calls keep no reference and no memory, and refused calls neither.

Counted where memory comes from: by a preloaded malloc, under all of NumPy's and Python's.
"""

import contextlib
import gc
import math
import sys

import numpy as np
import pytest

import fastact as fa
import helpers
from contract import allocations, calls, processes

REPEATS = (40, 100, 400, 2000)
FEW = 12


class Wrong:
    """No number, no array, no string."""


def ways(call, dtype):
    """Yield (name, arguments by name): how a call is made, and refused."""
    shape = next(shape for shape in ((3, 40), (2, 3, 40)) if call.fits(shape))
    arrays = call.make(shape, dtype)
    outputs = call.new_outputs(arrays)
    sums = {operand.name: outputs[operand.name] for operand in call.written if operand.role == calls.SUM}
    yield "arrays", {**arrays, **outputs}
    yield "new outputs", {**arrays, **sums}
    yield "strided", {k: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a for k, a in {**arrays, **outputs}.items()}
    yield "memoryviews", {k: memoryview(array) if array.ndim else array for k, array in {**arrays, **outputs}.items()}
    other = {o.name: (np.float32, np.float64)[k % 2] for k, o in enumerate(call.inputs) if np.float64 in o.dtypes}
    mixed = call.make(shape, other)
    yield "mixed types", {**mixed, **call.new_outputs(mixed)}
    yield (
        "lists",
        {
            **{k: array.tolist() for k, array in call.make(shape, np.float64).items()},
            **{k: v.astype(np.float64) for k, v in sums.items()},
        },
    )
    for operand in call.operands:
        array = {**arrays, **outputs}[operand.name]
        wrongs = [np.zeros(array.shape, complex), np.zeros((*array.shape, 2), array.dtype), Wrong()]
        for kind, wrong in zip(("complex", "of another shape", "no array"), wrongs, strict=True):
            yield f"{operand.name} {kind}", {**arrays, **outputs, operand.name: wrong}
    yield "an unknown keyword", {**arrays, **outputs, "unknown": 1}
    for name in call.settings:
        yield f"{name} that is wrong", {**arrays, **outputs, name: Wrong()}


def made(call, given):
    """Return a function that makes a call of the arguments by name, whatever comes of it."""
    extra = {name: value for name, value in given.items() if name not in {operand.name for operand in call.operands}}
    args, keywords = call.arguments({name: value for name, value in given.items() if name not in extra})
    keywords, function = {**keywords, **extra}, call.function()

    def make():
        with contextlib.suppress(TypeError, ValueError):
            function(*args, **keywords)

    return make, function, [*args, *keywords.values()]


def references(call, findings, dtype):
    for way, given in ways(call, dtype):
        make, function, things = made(call, given)
        watched = [thing for thing in things if not isinstance(thing, (bool, int, str, type(None)))]
        watched.append(function)
        if call.name != "diagnose":  # np.zeros() of NumPy 2.4 keeps a reference to the type it defaults to
            watched += [np.dtype(kind) for kind in (np.float32, np.float64, bool, np.int64, np.intp)]
        for count in (3, FEW):  # the first may fill caches
            before = [sys.getrefcount(thing) for thing in watched]
            for _ in range(count):
                make()
        after = [sys.getrefcount(thing) for thing in watched]
        for thing, was, now in zip(watched, before, after, strict=True):
            if now != was:
                findings.add(f"{call.id} ({way})", f"{now - was} references to a {type(thing).__name__} in {FEW} calls")


def memory(call, findings, dtype):
    for way, given in ways(call, dtype):
        make, *_ = made(call, given)
        for count in REPEATS:  # caches of Python and NumPy grow, ever slower
            before = allocations.in_use()
            for _ in range(count):
                make()
            grown = allocations.in_use() - before
            if grown < 8 * count:
                break
        else:
            findings.add(f"{call.id} ({way})", f"{grown / count:.0f} bytes a call")


def count_references():
    findings = processes.Findings()
    for k, call in enumerate(calls.of_lane()):
        if call.name != "diagnose" or k % helpers.by_lane(8, 1) == 0:
            references(call, findings, (np.float32, np.float64)[k % 2])
    findings.finish()


def count_bytes(threads):
    findings = processes.Findings()
    gc.collect()
    gc.freeze()
    with helpers.parallel_threshold(0) if threads else contextlib.nullcontext(), fa.num_threads(threads or 1):
        for k, call in enumerate(calls.of_lane()):
            thinned = helpers.by_lane(1 if call.name in helpers.LOSSES else 16 if call.name == "diagnose" else 2, 2)
            if k % thinned == 0:
                memory(call, findings, (np.float32, np.float64)[k % 2])
    findings.finish()


@pytest.mark.sampled
def test_a_call_keeps_no_reference_and_a_refused_one_neither():
    processes.succeeds(count_references)


@pytest.mark.sampled
@pytest.mark.parametrize("threads", [0, pytest.param(2, marks=pytest.mark.full)])
def test_calls_keep_no_memory_and_refused_ones_neither(threads):
    processes.succeeds(count_bytes, threads, **allocations.environment())


def peak(call, shape, dtype, layout):
    """Return how many bytes more are allocated during a call into outputs that exist, besides what it returns."""
    arrays = call.make(shape, dtype)
    given = {**arrays, **call.new_outputs(arrays)}
    if layout == "strided":
        given = {k: np.repeat(a, 2, axis=-1)[..., ::-2] if a.ndim else a for k, a in given.items()}
    loaded, function, (args, keywords) = allocations.counting(), call.function(), call.arguments(given)
    function(*args, **keywords)
    before = loaded.bytes_alive()
    loaded.peak()
    result = function(*args, **keywords)
    used = loaded.peak() - before
    return used if call.takes_out or not isinstance(result, np.ndarray) else used - result.nbytes


def peaks():
    """Eight times as much of it takes no more memory."""
    findings = processes.Findings()
    for call in calls.REPRESENTATIVES:
        if call.operation == "jacobian" or call.name == "diagnose" or calls.copies_rows(call):
            continue
        small = next(shape for shape in ((96, 96), (4, 48, 48)) if call.fits(shape))
        names = [operand.name for operand in call.operands]
        # What test_memory.py says is copied.
        copied = "weight_grad" in names or ("weight" in names and call.name == "sigmoid_cross_entropy")
        for dtype, layout in ((np.float32, "strided"), (np.float64, "contiguous"))[copied:]:
            for axis in range(len(small)):
                if axis in calls.axes_of(call.counted_axis(len(small))):
                    continue  # rows may be copied, some at once
                large = (*small[:axis], 8 * small[axis], *small[axis + 1 :])
                more = peak(call, large, dtype, layout) - peak(call, small, dtype, layout)
                if more > math.prod(small) * dtype().itemsize:
                    findings.add(f"{call.id} ({small}, {layout})", f"{more} bytes more for {large}")
    findings.finish()


def test_a_call_into_outputs_that_exist_takes_no_memory_that_grows_with_them():
    processes.succeeds(peaks, **allocations.environment())


def retains(thing, kept=[]):  # noqa: B006 - what keeps it
    kept.append(thing)


def leaks_show():
    findings = processes.Findings()
    gc.collect()
    gc.freeze()
    before = allocations.in_use()
    for _ in range(1000):
        retains(object())
    assert allocations.in_use() - before >= 16 * 1000
    findings.finish()


def test_what_is_kept_shows():
    processes.succeeds(leaks_show, **allocations.environment())
