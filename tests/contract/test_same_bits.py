"""The same input gives the same bits: at every length, offset, alignment and stride, alone or among others, on every
target with fused multiply-add.
"""

import itertools

import numpy as np
import pytest

import helpers
from contract import calls, lanes, memory

LENGTHS = (*range(71), 127, 128, 129, 255, 256, 257)
# Shapes of which one extent is a length.
AROUND = [((), ()), ((2,), ()), ((), (3,)), ((2,), (2,)), ((5,), ()), ((), (17,))]
SHAPES = [(), (1,), (40,), (7, 9), (33, 130), (4, 5, 6), (3, 300), (300, 3), (17, 2, 33), (1000,)]
LARGE = [(5000,), (70, 133), (2100, 5), (3, 40, 50), (2, 9001)]


def test_every_length_gives_the_same_bits_at_every_offset_and_stride(found):
    for number, call in found.calls:
        before, after = AROUND[number % len(AROUND)]
        for length in helpers.by_lane(LENGTHS, LENGTHS[number % 3 :: 3]):
            shape = (*before, length, *after)
            if not call.fits(shape):
                shape = (*before, length, 3, *after)
            if call.fits(shape):
                for case in lanes.Found(found.name, ((number + length, call),)).cases([shape], 1):
                    check_length(case, length)


BLOCKS = [2**k + d for k in (9, 10, 11, 12, 14, 15) for d in (-1, 0, 1)]


def test_sizes_around_every_block_give_the_same_bits(found):
    """Lengths next to powers of two, where blocks and segments begin and end."""
    for case in found.cases([shape for n in BLOCKS for shape in ((n,), (2, n), (n, 3))], 2):
        check_length(case, case.number)


def check_length(case, length):
    arrays = case.make()
    want = case.run(arrays)
    for step in (1, -1, 2):
        laid = {
            name: memory.place(array, along_last(array.ndim, step, 7 * length + 12 * k))
            for k, (name, array) in enumerate((arrays | case.call.new_outputs(arrays)).items())
        }
        memory.same(case.run({name: each.view for name, each in laid.items()}), want, str(case))
        for operand in case.call.written:
            laid[operand.name].assert_rest_untouched(f"{operand.name} of {case}")


def along_last(ndim, step, offset):
    """A layout whose last axis has a step, at an offset from a multiple of 64."""
    return memory.Layout("", tuple(range(ndim)), ((1,) * ndim + (step,))[1 : ndim + 1], offset % 64)


def test_every_alignment_gives_the_same_bits(found):
    """All 64 offsets in bytes, of inputs and outputs, not only multiples of the element; and in place."""
    for case in found.cases([(71,), (5, 71), (71, 3), (3, 16, 4)], 1):
        arrays = case.make()
        want, outputs = case.run(arrays), case.call.new_outputs(arrays)
        for offset in range(64):
            laid = {
                name: memory.place(array, along_last(array.ndim, 1, offset * (1 + 5 * k))).view
                for k, (name, array) in enumerate((arrays | outputs).items())
            }
            memory.same(case.run(laid), want, f"{offset} bytes on: {case}")
            for name, out in outputs.items():
                for over, array in arrays.items():
                    if (out.shape, out.dtype) == (array.shape, array.dtype):
                        laid[over][...] = array
                        memory.same(case.run(laid | {name: laid[over]}), want, f"{offset} bytes on, in place: {case}")
                        laid[over][...] = array


def independent_axes(call, ndim):
    """The axes of the principal shape along which what is computed for one place says nothing of another."""
    kind = calls.family_of(call.name)
    if kind == "diagnose" or (kind in helpers.LOSSES and call.settings.get("reduction", "mean") == "mean"):
        return []
    held = set() if kind == "channelwise" else set(calls.axes_of(call.counted_axis(ndim)))
    if call.settings.get("causal"):
        held.add(ndim - 2)
    return [axis for axis in range(ndim) if axis not in held]


def cut(array, longer, at):
    """The part of an array along the one axis that is longer than in another of its kind; None where there is none."""
    axes = [axis for axis, (n, m) in enumerate(zip(array.shape, longer.shape, strict=True)) if n != m]
    if not axes:
        return None
    return array[(slice(None),) * axes[0] + (at,)]


def test_a_part_gives_the_bits_of_the_whole(found):
    """At every length from every place: an element, a row, does not know what is beside it."""
    for case in found.cases([(80,), (80, 3), (3, 80), (80, 17), (2, 80, 5), (80, 2, 40)], 2):
        call, whole = case.call, case.make(wild=not case.sums)
        want = case.run(whole)
        for axis in independent_axes(call, len(case.shape)):
            if case.shape[axis] != 80:
                continue
            more = call.make(calls.with_extent(case.shape, axis, 81), case.dtype, 0)
            longer = case.run(more)
            for length in range(81):
                at = slice(start := 11 * length % (81 - length), start + length)
                part = {}
                for name, array in whole.items():
                    some = cut(array, more[name], at)
                    part[name] = array if some is None else np.ascontiguousarray(some) if length % 3 else some
                if not call.fits(calls.with_extent(case.shape, axis, length)):
                    continue
                got = case.run(part)
                for name, one, other, another in zip(call.results, got, want, longer, strict=True):
                    some = cut(np.asarray(other), np.asarray(another), at)
                    if some is not None and (name == "grad_out" or not is_vector_sum(call, name)):
                        memory.same([one], [some], f"{name} of {at} along axis {axis}: {case}")


def is_vector_sum(call, name):
    return any(each.name == name and each.role == calls.SUM for each in call.written)


several_fused = pytest.mark.skipif(len(helpers.FUSED_TARGETS) < 2, reason="one target with fused multiply-add at most")


@several_fused
def test_every_target_with_fused_multiply_add_gives_the_same_bits(found):
    first, *others = helpers.FUSED_TARGETS
    for case in found.cases(SHAPES + LARGE, 5, targets=(first,)):
        for wild in (False, True):
            arrays = case.make(wild=wild)
            want = case.run(arrays)
            for other in others:
                memory.same(case.call.run(arrays, other), want, f"{other} against {case}")
                turned = {name: array.copy("F") for name, array in arrays.items()}
                memory.same(case.call.run(turned, other), want, f"{other} against {case}")


def test_a_second_call_gives_the_bits_of_the_first(found):
    """On memory that held something else: nothing is read that was not written."""
    for case in found.cases(SHAPES, 2):
        arrays = case.make(wild=True)
        want = case.run(arrays)
        for fill, _ in itertools.product((np.nan, 0, np.inf), range(2)):
            out = case.call.new_outputs(arrays, fill)
            memory.same(case.run(arrays | out), want, str(case))
