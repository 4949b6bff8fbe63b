"""In place over every operand that an output may be, partly overlapping with each, and outputs that share memory.

What is right is what separate arrays give.
"""

import functools
import itertools

import numpy as np
import pytest

from contract import calls, memory

SHAPES = [
    (),
    (1,),
    (5,),
    (40,),
    (300,),
    (3, 7),
    (7, 3),
    (17, 33),
    (1, 6),
    (6, 1),
    (0, 3),
    (2, 3, 4),
    (5, 4, 33),
    (9, 9),
]
LARGE = [(1100,), (5000,), (300, 65), (40, 300), (3, 20, 70)]


def fitting_inputs(case, arrays, outputs, name):
    """The inputs of the shape and type of an output."""
    out = outputs[name]
    return [each for each, array in arrays.items() if (array.shape, array.dtype) == (out.shape, out.dtype)]


def run_over(case, arrays, outputs, want, context):
    """Compute; `arrays` and `outputs` may share memory."""
    memory.same(case.run(arrays | outputs), want, f"{context}: {case}")


def test_in_place_over_every_operand(found):
    """The very array, or another view of all of it; in any layout; over several inputs that are one array too."""
    for case in found.cases(SHAPES + LARGE, 4):
        arrays = case.make(wild=not case.sums)
        outputs, rng = case.call.new_outputs(arrays), np.random.default_rng(case.number)
        want = case.run(arrays)
        for name in outputs:
            for over in fitting_inputs(case, arrays, outputs, name):
                for layout in ("C", "F", "drawn", "drawn"):
                    ndim = arrays[over].ndim
                    given = {each: array.copy() for each, array in arrays.items()}
                    placed = memory.place(
                        arrays[over],
                        memory.drawn(ndim, rng)
                        if layout == "drawn"
                        else next(found for found in memory.named(ndim) if found.name == (layout if ndim else "C")),
                    )
                    given[over] = placed.view
                    out = placed.view if layout != "F" else placed.view[...]
                    run_over(case, given, outputs | {name: out}, want, f"{name} is {over}, {layout}")
                    placed.assert_rest_untouched(f"{name} is {over}: {case}")
                    for each, array in arrays.items():
                        if each != over:
                            assert given[each].tobytes() == array.tobytes(), f"{each} was changed: {case}"


def test_each_output_over_an_input_of_its_own(found):
    """All at once, every way to pair them."""
    for case in found.cases(SHAPES, 2):
        if len(case.call.written) < 2:
            continue
        arrays = case.make()
        outputs, want = case.call.new_outputs(arrays), case.run(arrays)
        chances = [[None, *fitting_inputs(case, arrays, outputs, name)] for name in outputs]
        for chosen in itertools.product(*chances):
            if len(set(chosen) - {None}) < 2:
                continue
            given = {name: array.copy() for name, array in arrays.items()}
            over = {name: given[each] for name, each in zip(outputs, chosen, strict=True) if each}
            run_over(case, given, outputs | over, want, f"{over.keys()} over {chosen}")


def test_the_same_array_everywhere(found):
    for case in found.cases(SHAPES, 3):
        arrays = case.make()
        groups = {}
        for operand in case.call.inputs:
            # What may stand for each other: not labels or masks, nor probabilities or weights, which have a range.
            if operand.values in (calls.real, calls.output):
                groups.setdefault(arrays[operand.name].shape, []).append(operand.name)
        for names in groups.values():
            one = arrays[names[-1]]
            want = case.run(arrays | {name: one.copy() for name in names})
            memory.same(case.run(arrays | dict.fromkeys(names, one)), want, f"{names} are one: {case}")
            for name, out in case.call.new_outputs(arrays).items():
                if out.shape == one.shape and out.dtype == one.dtype:
                    shared = one.copy()
                    given = arrays | dict.fromkeys(names, shared) | {name: shared}
                    memory.same(case.run(given), want, f"{names} and {name} are one: {case}")


# ---------------------------------------------------------------------------------------------------------------
# Partly overlapping
# ---------------------------------------------------------------------------------------------------------------


def contiguous(shape, item, order="C"):
    """Strides."""
    axes, strides, step = range(len(shape)), [0] * len(shape), item
    for axis in reversed(axes) if order == "C" else axes:
        strides[axis] = step
        step *= max(1, shape[axis])
    return tuple(strides)


@functools.lru_cache(10_000)
def span(shape, strides):
    """The bytes from the first that a view of these strides can reach down to, and up to, from its first element."""
    moves = [(n - 1) * stride for n, stride in zip(shape, strides, strict=True) if n]
    return sum(min(0, move) for move in moves), sum(max(0, move) for move in moves)


def view(block, shape, dtype, strides, at):
    """A view whose lowest byte is at a place of the block."""
    low, high = span(shape, strides)
    assert at >= 0
    assert at - low + high + np.dtype(dtype).itemsize <= block.size
    return np.ndarray(shape, dtype, block, at - low, strides)


@functools.lru_cache(10_000)
def ways(shape, item):
    """Strides of an array that are worth trying, by name."""
    found = {"C": contiguous(shape, item)}
    if shape:
        found["backwards"] = tuple(-stride for stride in found["C"])
        found["every second"] = tuple(2 * stride for stride in found["C"])
    if len(shape) > 1:
        found["F"] = contiguous(shape, item, "F")
        found["rows apart"] = (*[3 * stride for stride in found["C"][:-1]], item)
        found["rows backwards"] = (-found["C"][0], *found["C"][1:])
    return found


def places(out, array, rng, some):
    """Where an input lies against an output of one memory: strides of both, and by how many bytes it begins later."""
    to, of = ways(out.shape, out.itemsize), ways(array.shape, array.itemsize)
    for (out_way, out_strides), (way, strides) in itertools.product(to.items(), of.items()):
        reach = span(out.shape, out_strides)
        length = reach[1] - reach[0] + out.itemsize
        shifts = {0, 1, -1, out.itemsize, -out.itemsize, 3, 5 * out.itemsize, -7 * out.itemsize, length // 2}
        own = span(array.shape, strides)
        shifts |= {-(own[1] - own[0]) // 2, length - array.itemsize, int(rng.integers(-20, 60))}
        if some:
            shifts = {int(shift) for shift in rng.choice(sorted(shifts), 3, replace=False)}
        for shift in sorted(shifts):
            yield out_way, out_strides, way, strides, shift


def overlapping(out, array, out_strides, strides, shift):
    """Return a block of memory, and in it a view for the output and one that holds the array's elements."""
    lengths = []
    for each, how in ((out, out_strides), (array, strides)):
        low, high = span(each.shape, how)
        lengths.append(high - low + each.itemsize)
    at = max(0, -shift) + 64
    block = np.full(at + max(lengths[0], shift + lengths[1]) + 64, memory.FILL, np.uint8)
    block = block[-block.ctypes.data % 16 :][: block.size - 16]
    to = view(block, out.shape, out.dtype, out_strides, at)
    given = view(block, array.shape, array.dtype, strides, at + shift)
    given[...] = array
    return block, to, given


def assert_only_out_written(block, before, out, context):
    """Every byte of the block that is not of `out` is as it was."""
    mask = np.zeros(block.size, bool)
    start = out.__array_interface__["data"][0] - block.__array_interface__["data"][0]
    inside = np.ndarray((*out.shape, out.itemsize), bool, mask, start, (*out.strides, 1))
    inside[...] = True
    wrong = np.flatnonzero((block != before) & ~mask)
    assert not wrong.size, f"bytes beside {context} were written"


def test_every_output_overlapping_partly_with_every_input(found):
    """Shifted both ways, backwards, transposed, interleaved, by whole elements and by bytes; masks and labels too, and
    inputs narrower than the output.
    """
    for case in found.cases(SHAPES, 2):
        rng = np.random.default_rng(case.number)
        types = {each.name: calls.REAL[int(rng.integers(2))] for each in case.call.inputs if each.widens}
        arrays = case.make(types if case.number % 2 else None)
        outputs, want = case.call.new_outputs(arrays), case.run(arrays)
        for (name, out), (over, array) in itertools.product(outputs.items(), arrays.items()):
            if not (out.size and array.size):
                continue
            for out_way, out_strides, way, strides, shift in places(out, array, rng, case.number % 8 > 0):
                block, to, given = overlapping(out, array, out_strides, strides, shift)
                before, context = block.copy(), f"{name} ({out_way}) over {over} ({way}), {shift} bytes later: {case}"
                memory.same(case.run(arrays | outputs | {over: given, name: to}), want, context)
                assert_only_out_written(block, before, to, context)


def test_large_outputs_overlapping_partly(found):
    for case in found.cases(LARGE, 1):
        arrays = case.make()
        outputs, want = case.call.new_outputs(arrays), case.run(arrays)
        rng = np.random.default_rng(case.number)
        for (name, out), (over, array) in itertools.product(outputs.items(), arrays.items()):
            for out_way, out_strides, way, strides, shift in list(places(out, array, rng, True))[:: 1 + len(out.shape)]:
                _, to, given = overlapping(out, array, out_strides, strides, shift)
                context = f"{name} ({out_way}) over {over} ({way}), {shift} bytes later: {case}"
                memory.same(case.run(arrays | outputs | {over: given, name: to}), want, context)


def test_everything_in_one_memory(found):
    """All inputs, which may overlap each other, and one output: views at random of one block."""
    for case in found.cases(SHAPES, 2):
        call, rng = case.call, np.random.default_rng(case.number)
        arrays = case.make()
        real = [each.name for each in call.inputs if each.values in (calls.real, calls.output)]
        numbers = np.float32(2 * rng.standard_normal(3 * sum(arrays[name].size for name in real) + 40)).astype(
            case.dtype
        )
        for name in call.new_outputs(arrays):
            for _ in range(6):
                block, views = numbers.copy(), dict(arrays)
                size = block.nbytes

                def anywhere(shape, dtype, block=block, size=size, rng=rng):
                    how = list(ways(shape, dtype.itemsize).values())
                    strides = how[int(rng.integers(len(how)))]
                    low, high = span(shape, strides)
                    if high - low + dtype.itemsize > size:
                        strides = contiguous(shape, dtype.itemsize)
                        low, high = span(shape, strides)
                    room = (size - (high - low) - dtype.itemsize) // dtype.itemsize
                    at = int(rng.integers(room + 1)) * dtype.itemsize
                    return np.ndarray(shape, dtype, block, at - low, strides)

                outputs = call.new_outputs(arrays)
                for each in real:
                    views[each] = anywhere(arrays[each].shape, arrays[each].dtype)
                outputs[name] = anywhere(outputs[name].shape, outputs[name].dtype)
                want = case.run({each: view.copy() for each, view in views.items()})
                before = block.view(np.uint8).copy()
                memory.same(case.run(views | outputs), want, f"{name} and {real} in one memory: {case}")
                if outputs[name].size:
                    assert_only_out_written(block.view(np.uint8), before, outputs[name], f"{name} of {case}")


# ---------------------------------------------------------------------------------------------------------------
# Two outputs
# ---------------------------------------------------------------------------------------------------------------


def test_two_outputs_that_share_memory_are_refused(found):
    """And nothing is written; those that are only interleaved are right."""
    for case in found.cases(SHAPES, 3):
        if len(case.call.written) < 2:
            continue
        arrays = case.make()
        want, rng = case.run(arrays), np.random.default_rng(case.number)
        (one, first), (other, second) = case.call.new_outputs(arrays).items()
        if not (first.size and second.size):
            continue
        for out_way, out_strides, way, strides, shift in places(first, second, rng, case.number % 8 > 0):
            _, to, too = overlapping(first, second, out_strides, strides, shift)
            to[...] = 7
            too[...] = 7
            before = to.tobytes(), too.tobytes()
            context = f"{one} ({out_way}) and {other} ({way}), {shift} bytes later: {case}"
            if np.shares_memory(to, too):
                with pytest.raises(ValueError, match="share memory") as refusal:
                    case.run(arrays | {one: to, other: too})
                assert one in str(refusal.value), context
                assert other in str(refusal.value), context
                assert (to.tobytes(), too.tobytes()) == before, f"written to: {context}"
            else:
                memory.same(case.run(arrays | {one: to, other: too}), want, context)


def test_an_output_that_overlaps_itself_is_refused(found):
    for case in found.cases([(5,), (40,), (3, 7), (2, 3, 4)], 2):
        arrays = case.make()
        outputs = case.call.new_outputs(arrays)
        for name, out in outputs.items():
            if out.size < 2:
                continue
            item = out.itemsize
            half = [
                item // 2 if n == max(out.shape) else stride for n, stride in zip(out.shape, out.strides, strict=True)
            ]
            windows = [item] * out.ndim
            for strides in ([0] * out.ndim, half, windows):
                block = np.full(out.nbytes + 64, 7, np.uint8)
                wrong = np.ndarray(out.shape, out.dtype, block, 0, strides)
                first = sorted(int(np.dot(index, strides)) for index in np.ndindex(out.shape))
                if min(np.diff(first)) >= item:
                    continue
                with pytest.raises(ValueError, match=name):
                    case.run(arrays | outputs | {name: wrong})
                assert (block == 7).all(), f"{name} was written to: {case}"
                assert all((array == 7).all() for each, array in outputs.items() if each != name), f"{case}"
