"""Not one byte is read or written outside: every operand, whatever its role, ends at or begins after a page that cannot
be touched.  What reads is in pages that cannot be written, what is written in pages where every byte shows.

The first touch outside ends a process: of a callable each, on each target.
"""

import ctypes
import functools
import math
import signal
import sys

import numpy as np
import pytest

import helpers
from contract import calls, guarded, processes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs mmap, mprotect and fork")

FILLS = {calls.LABELS: 0, calls.MASK: 1}  # of every byte: labels of whatever type are 0, masks True
EDGES = (0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33)
ROWS = (1, 2, 3, 5, 8, 16, 17, 33)


def shapes(call, lengths):
    """Yield principal shapes with each length as the extent of a row, a column and one axis alone."""
    for length in lengths:
        rows = ROWS[length % len(ROWS)]
        for shape in ((length,), (rows, length), (length, rows), (2, length, 3)):
            if call.fits(shape):
                yield shape
    for shape in ((), (3, 0, 2)):
        if call.fits(shape):
            yield shape


@functools.cache
def memory(name, size, fill=None):
    """Return memory of an operand, one for each size; of an input if it is filled."""
    return guarded.Destination(size) if fill is None else guarded.Source(size, fill)


def room(shape):
    """Return a size of memory in which everything of a call of that principal shape fits, whatever its layout."""
    return max(4096, 1 << (8 * 2 * 3 * math.prod(n + 1 for n in shape)).bit_length())


def types(call, number):
    """Return a type for every operand by name: every combination of two occurs, and every type of labels."""
    chosen = {}
    for place, operand in enumerate(call.inputs):
        wanted = np.dtype((np.float32, np.float64)[number >> place & 1])
        if wanted in operand.dtypes:
            chosen[operand.name] = wanted
        else:
            chosen[operand.name] = np.dtype(operand.dtypes[(number // 2) % len(operand.dtypes)])
    return chosen


def placed(call, shape, dtypes, side, offset, layout):
    """Return inputs and outputs of a call, each next to a page."""
    size = room(shape)
    arrays = {
        operand.name: memory(operand.name, size, FILLS.get(operand.role, 0x3F)).array(
            call.shape_of(operand, shape), dtypes[operand.name], side, offset, layout
        )
        for operand in call.inputs
    }
    result = call.result_dtype(arrays)
    outputs = {
        operand.name: memory(operand.name, size).array(call.shape_of(operand, shape), result, side, offset, layout)
        for operand in call.written
    }
    return arrays, outputs


def attempts(call, lengths, offsets, each=None):
    """Yield shape, types, side, offset, layout: every one of each occurs with others that change all the time.

    Of the offsets, `each` of them at a shape and side, in turns.
    """
    number, each = 0, len(offsets) if each is None else each
    for shape in shapes(call, lengths):
        for side in ("start", "end"):
            for k in range(each):
                offset = offsets[(number + number // len(offsets) + k) % len(offsets)]
                layout = guarded.LAYOUTS[number // 2 % len(guarded.LAYOUTS)] if number % 2 else "C"
                yield shape, types(call, number // 3), side, offset, layout
                number += 1


def attempt(findings, call, target, shape, dtypes, side, offset, layout):
    """Make a call, and again in place over each input that it can be."""
    name = f"{call.id} {shape} {[f'{k}: {v}' for k, v in dtypes.items()]} {side}+{offset} {layout} {target}"
    processes.note(name)
    inputs, outputs = placed(call, shape, dtypes, side, offset, layout)
    first = next(iter(outputs), None)
    for replaced in (None, *(o.name for o in call.inputs if o.values in (calls.real, calls.output))):
        arrays = {**inputs, **outputs}
        if replaced is not None:
            if not outputs or inputs[replaced].shape != outputs[first].shape:
                continue
            if inputs[replaced].dtype != outputs[first].dtype:
                continue
            arrays[replaced] = outputs[first]
        for each in outputs:
            memory(each, room(shape)).clear()
        try:
            call.run(arrays, target)
        except Exception as error:
            findings.add(call.id, f"{name}: {processes.place(error)}")
            continue
        for each, out in outputs.items():
            if memory(each, room(shape)).written_beside(out):
                findings.add(call.id, f"wrote beside {each}: {name}")


def walk(findings, chosen, target, lengths, offsets, each=None):
    for call in chosen:
        for one in attempts(call, lengths, offsets, each):
            attempt(findings, call, target, *one)


def try_everything(target):
    """Every callable in a process of its own."""
    findings, items = processes.Findings(), []
    for name in calls.NAMES:
        several = 5 if name == "diagnose" and helpers.lane == "quick" else 1  # one way of a call for all activations
        chosen = [call for call in calls.REPRESENTATIVES if call.name == name][::several]
        more = [call for call in calls.of_lane() if call.name == name][:: 3 * several if name == "diagnose" else 1]

        def everything(own, chosen=chosen, more=more):
            if helpers.lane == "quick":
                walk(own, chosen, target, (0, 1, 3, 8, 16, 33, 65), (0,))
                # every length on some target
                walk(own, chosen[:2], target, range(2 + helpers.TARGETS.index(target) % 3, 72, 3), (0, 3))
            elif helpers.lane == "full":
                walk(own, more, target, EDGES, (0, 8), 1)
                for k, call in enumerate(chosen):  # every length of some call of each callable
                    walk(own, [call], target, range(k % 3, 130, 3), (0, 1, 4), 1)
            else:
                walk(own, more, target, EDGES, (0, 8))
                walk(own, chosen, target, range(130), (0, 1, 4))

        items.append((name, everything))
    processes.in_children(findings, items, seconds=400)
    findings.finish()


def try_with_threads(target):
    """The same with the smallest work shared out over threads."""
    findings = processes.Findings()
    with helpers.parallel_threshold(0), helpers.fa.num_threads(3):
        for call in calls.REPRESENTATIVES[:: helpers.by_lane(3, 1)]:
            for k, shape in enumerate(((67,), (33, 31), (5, 70), (70, 5), (2, 9, 40))):
                if call.fits(shape):
                    attempt(findings, call, target, shape, types(call, k), ("start", "end")[k % 2], 0, "C")
                    attempt(findings, call, target, shape, types(call, k), ("end", "start")[k % 2], 0, "step 2")
    findings.finish()


@pytest.mark.sampled
def test_nothing_is_read_or_written_outside_any_operand(target):
    processes.succeeds(try_everything, target)


@pytest.mark.sampled
def test_nothing_is_read_or_written_outside_any_operand_by_threads():
    processes.succeeds(try_with_threads, None)


@pytest.mark.full
@pytest.mark.sampled
def test_nothing_is_read_or_written_outside_any_operand_by_threads_on_every_target(target):
    processes.succeeds(try_with_threads, target)


# The guard works.


def commit(fault):
    """Touch what cannot be touched."""
    source = guarded.Source(100)
    if fault == "write an input":
        ctypes.memset(source.bytes.ctypes.data, 0, 1)
    else:
        array = source.array((5,), np.dtype(np.float32), "start" if fault == "read before" else "end")
        ctypes.string_at(array.ctypes.data + (-1 if fault == "read before" else array.nbytes), 1)


@pytest.mark.parametrize("fault", ["read before", "read after", "write an input"])
def test_a_touch_outside_ends_the_process(fault):
    assert processes.run(commit, fault).returncode in (-signal.SIGSEGV, -signal.SIGBUS)


@pytest.mark.parametrize("side", ["start", "end"])
@pytest.mark.parametrize("layout", guarded.LAYOUTS)
def test_an_array_stands_next_to_the_page_and_a_write_beside_it_shows(side, layout):
    destination = guarded.Destination(100)
    out = destination.array((3, 5), np.dtype(np.float32), side, 8, layout)
    low, high = np.lib.array_utils.byte_bounds(out)
    begin = destination.bytes.ctypes.data
    assert (low == begin + 8) if side == "start" else (high == begin + destination.bytes.size - 8)
    destination.clear()
    out[...] = 0
    assert not destination.written_beside(out)
    destination.bytes[low - begin - 1] = 0
    assert destination.written_beside(out)
