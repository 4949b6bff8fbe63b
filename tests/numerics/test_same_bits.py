"""The same input gives the same bits: at every length and alignment, in every shape of rows, on every target.

What these bits are is the business of test_accuracy.py; contract/ has the ways through the core at fewer lengths,
contract/test_registers.py the floating-point modes of a caller.  The quick lane takes fewer offsets and lengths.
"""

import functools

import numpy as np
import pytest

import fastact as fa
import helpers
import references
from fastact.core import function as core

LENGTHS = range(258)
OFFSETS = range(0, 64, helpers.by_lane(9, 1))  # in bytes: most are no multiple of an element
STRIDES = (-4, -3, -2, -1, 2, 3, 4)
ROW_LENGTHS = (*range(1, 70), 100, 127, 128, 129, 255, 256, 257, 1000, 1024)
# Around what registers, blocks and transposes hold.
SOME_ROW_LENGTHS = {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 65, 100, 129, 257, 1000}
FUSED = core.FUSED_TARGETS
sampled = pytest.mark.sampled
several_fused = pytest.mark.skipif(len(FUSED) < 2, reason="one target with fused multiply-add at most")


def in_quick_lane(target, length=1, **_):
    return length in SOME_ROW_LENGTHS


def assert_same(got, want):
    """Compare as helpers.assert_same_bits does, in a tenth of the time where all is well."""
    if got.tobytes() != want.tobytes():
        helpers.assert_same_bits(got, want)


def placed(array, offset, stride=1):
    """Return an equal 1-D array that begins `offset` bytes after a multiple of 64, its elements `stride` apart."""
    memory = np.zeros(array.nbytes * max(1, abs(stride)) + 128, np.uint8)
    start = -memory.ctypes.data % 64 + offset
    whole = memory[start : start + array.nbytes * abs(stride)].view(array.dtype)
    view = whole[:: abs(stride)] if stride > 0 else whole[:: abs(stride)][::-1]
    view[...] = array
    return view


def wanted(operation, arrays):
    """Return what each length gives: separate arrays, contiguous and aligned, on one thread."""
    with fa.num_threads(1):
        return [operation(*(placed(array[:length], 0) for array in arrays)) for length in LENGTHS]


@sampled
def test_same_bits_at_every_length_and_alignment(operation, dtype):
    """Every offset in bytes, not only multiples of the element; output apart from the input, like it, and in place."""
    arrays = helpers.arguments(operation, LENGTHS[-1], dtype)
    want = wanted(operation, arrays)
    for offset in OFFSETS:
        moved, scratch = ([placed(array, offset) for array in arrays] for _ in range(2))
        outs = [placed(arrays[0], at) for at in (offset, 37 * offset % 64)]
        for length in LENGTHS:
            which = (length + offset) % 4
            if which < 2:
                out = outs[which][:length]
                operation(*(array[:length] for array in moved), out=out)
            else:
                for array, fresh in zip(scratch, moved, strict=True):
                    array[:length] = fresh[:length]
                views = [array[:length] for array in scratch]
                out = views[which % operation.arity]
                operation(*views, out=out)
            assert_same(out, want[length])


@sampled
def test_same_bits_at_every_length_and_stride(operation, dtype):
    arrays = helpers.arguments(operation, LENGTHS[-1], dtype)
    want = wanted(operation, arrays)
    for number, stride in enumerate(STRIDES):
        for length in LENGTHS[number % helpers.by_lane(3, 1) :: helpers.by_lane(3, 1)]:
            moved = [placed(array[:length], 0, stride) for array in arrays]
            out = placed(arrays[0][:length], 0, -stride)
            operation(*moved, out=out)
            assert_same(out, want[length])
            operation(*moved, out=moved[0])
            assert_same(moved[0], want[length])


def test_same_bits_where_an_input_repeats_one_element(operation, dtype):
    """A stride of zero."""
    for length in (0, 1, 2, 7, 16, 17, 33, 64, 100, 257):
        arrays = [np.broadcast_to(array, (length,)) for array in helpers.arguments(operation, 1, dtype)]
        assert_same(operation(*arrays), operation(*(array.copy() for array in arrays)))


@functools.cache
def many_values(name, dtype):
    """Return values from everywhere: hundreds of thousands."""
    patterns = [helpers.bit_patterns(dtype, 100_000), references.telling_points(name, dtype, 20_000)]
    return np.concatenate(patterns)


@several_fused
@pytest.mark.parametrize("other", FUSED[1:])
@pytest.mark.parametrize("name", [name for name, activation in fa.ACTIVATIONS.items() if activation.kind != "rowwise"])
def test_same_bits_on_every_target_with_fused_multiply_add(name, other, dtype):
    x = many_values(name, dtype)
    grad = np.roll(x, x.size // 2)
    for first in helpers.operations(helpers.on_target(name, FUSED[0])):
        second = helpers.Operation(helpers.on_target(name, other), first.kind)
        arrays = (grad, x)[2 - first.arity :]
        for parameters in helpers.example_parameters(first.activation, from_y=first.kind == "backward_y"):
            helpers.assert_same_bits(second(*arrays, **parameters), first(*arrays, **parameters))


def rows_like(operation, shape, dtype):
    """Return arguments whose last axis holds rows: logits of several sizes, some -inf; gradients and outputs."""
    random = np.random.default_rng(shape[-1])
    x = random.normal(size=shape) * np.exp(random.uniform(-3, 5, (*shape[:-1], 1)))
    x[random.uniform(size=shape) < 0.1] = -np.inf
    x[..., -1] = 1
    x = x.astype(dtype)
    return [x] if operation.arity == 1 else [random.normal(size=shape).astype(dtype), operation.activation(x)]


def rowwise_operations(target):
    return [
        operation
        for name, activation in fa.ACTIVATIONS.items()
        if activation.kind == "rowwise"
        for operation in helpers.operations(helpers.on_target(name, target))
    ]


def row_by_row(operation, arrays):
    """Return the results of each row alone, contiguous, on one thread."""
    rows = [array.reshape(-1, array.shape[-1]) for array in arrays]
    with fa.num_threads(1):
        results = [operation(*(row.copy() for row in one)) for one in zip(*rows, strict=True)]
    return np.array(results).reshape(arrays[0].shape)


@pytest.mark.parametrize("length", ROW_LENGTHS)
def test_same_bits_of_rows_in_every_layout(target, dtype, length, always_parallel):
    """Rows together give what each gives alone, and on every target with fused multiply-add what the first gives."""
    shape = (3, 5, length) if length < 200 else (1, 3, length)
    for number, operation in enumerate(rowwise_operations(target)):
        arrays = rows_like(operation, shape, dtype)
        origin = rowwise_operations(FUSED[0])[number] if target in FUSED else operation
        want = row_by_row(origin, arrays)
        for axes in ((0, 1, 2), (0, 2, 1), (2, 0, 1), (2, 1, 0)):
            axis = axes.index(2)
            moved = [array.transpose(axes) for array in arrays]
            for order in "CF":
                ordered = [array.copy(order) for array in moved]
                for threads in (1, 2, 3, 7):
                    with fa.num_threads(threads):
                        assert_same(operation(*ordered, axis=axis), want.transpose(axes))
                wide = np.empty([2 * n for n in ordered[0].shape], dtype, order)[::2, ::-2, 1::2]
                assert_same(operation(*ordered, axis=axis, out=wide), want.transpose(axes))
                operation(*ordered, axis=axis - 3, out=ordered[0])
                assert_same(ordered[0], want.transpose(axes))
            backwards = [array[::-1, :, ::-1].copy()[::-1, :, ::-1] for array in moved]
            assert_same(operation(*backwards, axis=axis), want.transpose(axes))


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 7, 8, 15, 16, 17, 33, 100])
def test_same_bits_of_a_row_whatever_its_neighbours(target, dtype, rows):
    for operation in rowwise_operations(target):
        for length in (1, 2, 3, 8, 10, 16, 17, 33):
            arrays = rows_like(operation, (rows, length), dtype)
            want = row_by_row(operation, arrays)
            assert_same(operation(*arrays), want)
            assert_same(operation(*(array.T for array in arrays), axis=0), want.T)
            assert_same(operation(*(np.asfortranarray(array) for array in arrays)), want)
            assert_same(operation(*(np.ascontiguousarray(array.T) for array in arrays), axis=0), want.T)
