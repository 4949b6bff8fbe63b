"""An allocation that fails, whichever it is, is a MemoryError: no crash, nothing written, nothing lost.

Made in processes with a malloc that fails at the k-th allocation of a call, for k = 1, 2, ... until the call succeeds.
"""

import array
import contextlib
import gc

import numpy as np
import pytest

import fastact as fa
import helpers
from contract import allocations, calls, processes

MOST = 400  # allocations of a call


def turned(arrays):
    """Every other element backwards: nothing can be computed where it stands."""
    return {key: np.repeat(array, 2, axis=-1)[..., ::-2] if array.ndim else array for key, array in arrays.items()}


def columns(arrays):
    return {key: np.array(array, order="F") for key, array in arrays.items()}


def shifted(array, out):
    """Return a copy of an input that overlaps an output partly."""
    memory = out.base
    view = np.ndarray(array.shape, array.dtype, memory, 0 if out.ctypes.data > memory.ctypes.data else out.itemsize)
    view[...] = array
    return view


def cases(call, dtype, rich):
    """Yield (name, arrays): contiguous, strided, transposed, in place, partly overlapping, of mixed types, new outputs."""
    shapes = [shape for shape in ((7,), (40, 70), (3, 8, 70)) if call.fits(shape)]
    for shape in shapes if rich else shapes[-1:]:
        arrays = call.make(shape, dtype)
        outputs = call.new_outputs(arrays)
        yield f"{shape}", {**arrays, **outputs}
        sums = {operand.name: outputs[operand.name] for operand in call.written if operand.role == calls.SUM}
        yield f"{shape} new outputs", {**arrays, **sums}
        yield f"{shape} strided", turned({**arrays, **outputs})
        yield f"{shape} transposed", columns({**arrays, **outputs})
        real = [o.name for o in call.inputs if o.role in (calls.INPUT, calls.VECTOR) and np.float64 in o.dtypes]
        if len(real) > 1:
            mixed = call.make(shape, {name: (np.float32, np.float64)[k % 2] for k, name in enumerate(real)})
            yield f"{shape} mixed", {**mixed, **call.new_outputs(mixed)}
        for operand in call.written:
            out = outputs[operand.name]
            for source in call.inputs:
                if arrays[source.name].shape != out.shape or not out.ndim or source.role != calls.INPUT:
                    continue
                if source.values not in (calls.real, calls.output):
                    continue
                memory = np.full(out.size + 1, 7, dtype)
                moved = np.ndarray(out.shape, dtype, memory, out.itemsize)
                given = {**arrays, **outputs, operand.name: moved, source.name: shifted(arrays[source.name], moved)}
                yield f"{shape} {operand.name} over {source.name}", given
                same = arrays[source.name].copy()
                yield (
                    f"{shape} {operand.name} is {source.name}",
                    {**arrays, **outputs, operand.name: same, source.name: same},
                )


def memories(arrays):
    """Return every array that owns memory of the arguments."""
    owners = {
        id(a.base if isinstance(a.base, np.ndarray) else a): a.base if isinstance(a.base, np.ndarray) else a
        for a in arrays.values()
    }
    return list(owners.values())


def is_python(call):
    """Return whether NumPy's and our Python code runs in a call."""
    return call.name == "diagnose" or call.operation == "jacobian"


def sweep(call, arrays, several, report):
    """Let one allocation after another fail, until a call has no more of them; say what is wrong."""
    if is_python(call):
        allocations.spare_python()
    args, keywords = call.arguments(arrays)
    args, function = tuple(args), call.function()
    owned = memories(arrays)
    before = [memory.copy() for memory in owned]
    try:
        function(*args, **keywords)  # and what is made once for all
    except Exception as error:
        report(f"without a failure: {processes.place(error)}")
        return 0
    for memory, saved in zip(owned, before, strict=True):
        memory[...] = saved
    for k in range(MOST):
        try:
            result, failed = allocations.with_failure(function, args, keywords, k, k + several)
            del result
        except MemoryError:
            for memory, saved in zip(owned, before, strict=True):
                if memory.tobytes() != saved.tobytes():
                    report("an allocation fails, and memory of the operands is changed")
                    memory[...] = saved
            continue
        except BaseException as error:
            report(f"an allocation fails, and {type(error).__name__}: {error} is raised")
            for memory, saved in zip(owned, before, strict=True):
                memory[...] = saved
            continue
        for memory, saved in zip(owned, before, strict=True):
            memory[...] = saved
        if not failed:
            return k
        # A failure that is made up for: a cache that did not grow, memory that was not needed.
    report(f"more than {MOST} allocations")
    return MOST


def lost(call, arrays, several):
    """Return by how many bytes each of some sweeps makes the process larger, at least; the first may fill caches."""
    found = array.array("q", [0] * 4)
    for k in range(len(found)):
        found[k] = allocations.in_use()
        sweep(call, arrays, several, lambda text: None)
        found[k] = allocations.in_use() - found[k]
    return min(found[1:])


def try_every_allocation(several=0):
    findings, thorough = processes.Findings(), helpers.lane != "quick"
    allocations.counting()
    chosen = calls.of_lane() if helpers.lane == "all" or not several else calls.REPRESENTATIVES
    chosen = sorted(chosen, key=is_python)  # the interpreter is spared from the first of these on

    def attempt(name):
        def function(own):
            gc.collect()
            gc.freeze()
            own_calls = [call for call in chosen if call.name == name]
            for number, call in enumerate(own_calls[:: helpers.by_lane(10, 4, 1) if name == "diagnose" else 1]):
                for k, (way, arrays) in enumerate(cases(call, (np.float32, np.float64)[number % 2], thorough)):
                    if not thorough and number % 2 != k % 2 and len(own_calls) > 8:
                        continue
                    processes.note(f"{call.id}: {way}")
                    where = f"{call.id} ({way})"
                    made = sweep(call, arrays, several, lambda text, where=where: own.add(where, text))
                    if is_python(call):
                        continue  # NumPy's own arithmetic loses bytes where an allocation fails
                    if (thorough or k % 3 == number % 3) and (bytes_lost := lost(call, arrays, several)) > 0:
                        own.add(f"{where}, {made} allocations", f"{bytes_lost} bytes are lost when each fails once")

        return name, function

    processes.in_children(findings, map(attempt, calls.NAMES), seconds=300)
    findings.finish()


def try_with_threads():
    """The same with work shared out: OpenMP's own allocations pass, ours in every thread do not."""
    findings = processes.Findings()
    with helpers.parallel_threshold(0), fa.num_threads(2):
        for call in sorted(calls.of_lane()[:: helpers.by_lane(2, 1)], key=is_python):
            if helpers.lane == "quick" and call.options.get("activation", "relu") not in ("relu", "gelu"):
                continue
            for way, arrays in cases(call, np.float32, False):
                sweep(call, arrays, 0, lambda text, where=f"{call.id} ({way})": findings.add(where, text))
    findings.finish()


@pytest.mark.sampled
@pytest.mark.parametrize("several", [0, *(pytest.param(n, marks=pytest.mark.full) for n in (3, MOST))])
def test_allocations_that_fail_are_a_memory_error_with_nothing_written_and_nothing_lost(several):
    processes.succeeds(try_every_allocation, several, **allocations.environment())


@pytest.mark.sampled
def test_an_allocation_that_fails_in_a_threaded_call_is_a_memory_error_with_nothing_written():
    processes.succeeds(try_with_threads, **allocations.environment())


# The malloc that fails.


def fails_as_told():
    """NumPy's and Python's own allocations fail, at the place that was asked for."""
    x = np.ones(5000)
    for function, args in ((np.array, (x,)), (bytearray, (100_000,)), (list, (range(1000),))):
        count = next(k for k in range(1000) if not raises(function, args, k))
        assert count > 0, function
    loaded = allocations.counting()
    gc.collect()
    before = loaded.bytes_alive()
    kept = np.ones(10_000)
    assert 80_000 <= loaded.bytes_alive() - before < 90_000
    del kept
    gc.collect()
    assert abs(loaded.bytes_alive() - before) < 10_000
    print("fails")


def raises(function, args, k):
    with contextlib.suppress(MemoryError):
        return allocations.with_failure(function, args, {}, k)[1] > 0
    return True


def test_the_malloc_that_fails_fails():
    assert processes.succeeds(fails_as_told, **allocations.environment()) == "fails"
