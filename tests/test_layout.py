"""The same bits whatever the layout: strides, axes, alignment, in place, and outputs that overlap an input.

What is right is what contiguous arrays of their own give; that is compared to the bit.
"""

import itertools

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import helpers

STRIDES = [stride for stride in range(-4, 5) if stride]
FILL = 0xA5


def canvas(shape, dtype, offset=0):
    """Return an array in the middle of memory filled with a pattern, at a byte offset from a 64-byte boundary."""
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.full(count + 256, FILL, np.uint8)
    start = -memory.ctypes.data % 64 + 64 + offset
    return memory, memory[start : start + count].view(dtype).reshape(shape)


def strided(array, stride):
    """Return an equal array with a stride along its last axis, and the memory it lies in."""
    memory, wide = canvas((*array.shape[:-1], array.shape[-1] * abs(stride)), array.dtype)
    view = wide[..., :: abs(stride)]
    if stride < 0:
        view = view[..., ::-1]
    view[...] = array
    assert array.shape[-1] < 2 or view.strides[-1] == stride * array.itemsize
    return memory, view


def assert_only_written_inside(memory, out):
    """Every byte of the memory that is not of `out` still holds the pattern."""
    out[...] = np.frombuffer(bytes([FILL]) * out.itemsize, out.dtype)[0]
    assert (memory == FILL).all()


@pytest.mark.parametrize("length", [1, 5, 16, 37, 130])
def test_same_bits_at_every_stride(operation, dtype, length):
    arrays = helpers.arguments(operation, (3, length), dtype)
    want = operation(*arrays)
    for *strides, out_stride in itertools.product(STRIDES, repeat=operation.arity + 1 if length == 5 else 2):
        strides = (strides * 2)[: operation.arity]
        views = [strided(array, stride)[1] for array, stride in zip(arrays, strides, strict=True)]
        memory, out = strided(np.zeros_like(want), out_stride)
        operation(*views, out=out)
        helpers.assert_same_bits(out, want)
        assert_only_written_inside(memory, out)


@pytest.mark.parametrize("stride", STRIDES)
def test_same_bits_in_place_at_every_stride(operation, dtype, stride):
    arrays = helpers.arguments(operation, (3, 133), dtype)
    want = operation(*arrays)
    for position in range(operation.arity):  # backward may be in place over the gradient or over x
        views = list(arrays)
        memory, views[position] = strided(arrays[position], stride)
        assert operation(*views, out=views[position]) is views[position]
        helpers.assert_same_bits(views[position], want)
        assert_only_written_inside(memory, views[position])


def test_same_bits_one_element_at_a_time(elementwise_operation, dtype):
    arrays = helpers.arguments(elementwise_operation, (200,), dtype)
    want = elementwise_operation(*arrays)
    got = [elementwise_operation(*one) for one in zip(*arrays, strict=True)]
    helpers.assert_same_bits(np.array(got, dtype), want)


def test_same_bits_at_every_alignment(operation, dtype):
    arrays = helpers.arguments(operation, (71,), dtype)
    want = operation(*arrays)
    for offset in range(64):
        views = []
        for k, array in enumerate(arrays):
            views.append(canvas(71, dtype, (offset + 5 * k) % 64)[1])
            views[-1][...] = array
        for out_offset in (0, 1, offset, 63 - offset):
            memory, out = canvas(71, dtype, out_offset)
            operation(*views, out=out)
            helpers.assert_same_bits(out, want)
            assert_only_written_inside(memory, out)
        operation(*views, out=views[0])
        helpers.assert_same_bits(views[0], want)


def test_same_bits_of_misaligned_strides(operation, dtype):
    """Strides that are no multiple of the element: a field of a packed record."""
    records = np.zeros((3, 50), dtype=np.dtype([("tag", "u1"), ("a", dtype), ("b", dtype), ("c", dtype)]))
    arrays = helpers.arguments(operation, (3, 50), dtype)
    want = operation(*arrays)
    for field, array in zip("ab", arrays, strict=False):
        records[field] = array
    records["tag"] = FILL
    views = [records["a"], records["b"]][: operation.arity]
    operation(*views, out=records["c"])
    helpers.assert_same_bits(records["c"], want)
    operation(*views, out=records["a"])
    helpers.assert_same_bits(records["a"], want)
    assert (records["tag"] == FILL).all()


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_same_bits_in_any_order_of_axes(operation, dtype, axes):
    arrays = helpers.arguments(operation, (4, 5, 6), dtype)
    want = operation(*arrays)
    reordered = [np.ascontiguousarray(array.transpose(axes)).transpose(np.argsort(axes)) for array in arrays]
    helpers.assert_same_bits(operation(*reordered), want)
    helpers.assert_same_bits(operation(*reordered, out=np.empty((4, 5, 6), dtype)), want)
    helpers.assert_same_bits(operation(*arrays, out=np.empty_like(reordered[0])), want)
    helpers.assert_same_bits(operation(*reordered[:1], *arrays[1:], out=reordered[0]), want)


def test_same_bits_when_both_are_in_fortran_order_but_differently_strided(operation, dtype):
    arrays = [np.asfortranarray(array) for array in helpers.arguments(operation, (7, 9), dtype)]
    want = operation(*[np.ascontiguousarray(array) for array in arrays])
    wide = np.empty((14, 9), dtype, order="F")
    helpers.assert_same_bits(operation(*arrays, out=wide[::2]), want)
    helpers.assert_same_bits(operation(*[array[::-1] for array in arrays], out=wide[1::2]), want[::-1])


def test_same_bits_with_zero_strides_in_the_input(operation, dtype):
    row, column = helpers.values((1, 40), dtype), helpers.values((30, 1), dtype, seed=1)
    broadcast = [np.broadcast_to(array, (30, 40)) for array in (row, column, row[:, :1])]
    for views in itertools.product(broadcast, repeat=operation.arity):
        want = operation(*[np.ascontiguousarray(view) for view in views])
        helpers.assert_same_bits(operation(*views), want)
        out = np.empty((30, 40), dtype)
        operation(*views, out=out[:, ::-1])
        helpers.assert_same_bits(out[:, ::-1], want)


def test_same_bits_with_overlapping_windows_in_the_input(operation, dtype):
    memory = helpers.values((60,), dtype)
    windows = as_strided(memory, (20, 30), (memory.itemsize,) * 2)
    views = [windows, windows[::-1, ::-1]][: operation.arity]
    helpers.assert_same_bits(operation(*views), operation(*map(np.ascontiguousarray, views)))


@pytest.mark.parametrize("ndim", [1, 2, 7, 8, 9, 16, 32, 64])
def test_any_number_of_dimensions(operation, dtype, ndim):
    flat = helpers.arguments(operation, (4 * 3 * 5,), dtype)
    shape = [1] * ndim
    for k, length in enumerate((4, 3, 5)[-min(ndim, 3) :]):
        shape[-(k + 1) * max(1, ndim // 4) % ndim] *= length
    shape = tuple(shape)
    count = int(np.prod(shape))
    arrays = [array[:count].reshape(shape) for array in flat]
    want = operation(*arrays)
    flipped = tuple([slice(None, None, -1)] * ndim)
    turned = [np.ascontiguousarray(array[flipped])[flipped] for array in arrays]
    helpers.assert_same_bits(operation(*turned), want)
    if not operation.rowwise:
        helpers.assert_same_bits(want.ravel(), operation(*[array[:count] for array in flat]))


@pytest.mark.parametrize("ndim", [7, 8, 9, 12])
def test_many_dimensions_that_cannot_be_merged(operation, dtype, ndim):
    arrays = helpers.arguments(operation, (2,) * ndim, dtype)
    want = operation(*arrays)
    every_other = (slice(None, None, 2),) * ndim
    views = [np.empty((4,) * ndim if ndim < 10 else (3,) * ndim, dtype)[every_other] for _ in arrays]
    for view, array in zip(views, arrays, strict=True):
        view[...] = array
    helpers.assert_same_bits(operation(*views), want)
    helpers.assert_same_bits(operation(*views, out=views[0]), want)


@pytest.mark.parametrize("shape", [(1100, 3), (2100, 1), (300, 65), (130, 200), (3, 150, 70)])
def test_same_bits_of_many_rows_that_cannot_be_merged(operation, dtype, shape):
    arrays = helpers.arguments(operation, shape, dtype)
    want = operation(*arrays)
    for order in "CF":
        wide = (*shape[:-1], shape[-1] + 2)
        views = [np.zeros(wide, dtype, order)[..., 1:-1] for _ in range(operation.arity + 1)]
        for view, array in zip(views, arrays, strict=False):
            view[...] = array
        helpers.assert_same_bits(operation(*views[:-1]), want)
        operation(*views[:-1], out=views[-1])
        helpers.assert_same_bits(views[-1], want)
        operation(*arrays, out=views[-1][...])
        helpers.assert_same_bits(views[-1], want)
        assert not views[-1].base[..., 0].any()
        assert not views[-1].base[..., -1].any()


def test_same_bits_at_sizes_around_every_block(elementwise_operation, dtype):
    """Lengths next to powers of two, where blocks and the sharing out begin and end."""
    sizes = [2**k + d for k in (8, 10, 11, 15) for d in (-1, 0, 1)]
    arrays = helpers.arguments(elementwise_operation, (2 * max(sizes),), dtype)
    want = elementwise_operation(*arrays)
    for size in sizes:
        helpers.assert_same_bits(elementwise_operation(*[array[:size] for array in arrays]), want[:size])
        helpers.assert_same_bits(
            elementwise_operation(*[array[: 2 * size : 2] for array in arrays]), want[: 2 * size : 2]
        )


def shifted(length, dtype, shift, stride=1):
    """Return two views of one memory, the second `shift` bytes after the first."""
    size = np.dtype(dtype).itemsize
    memory = np.zeros(length * size * abs(stride) + abs(shift) + size, np.uint8)
    first = as_strided(memory[max(0, -shift) :][:size].view(dtype), (length,), (stride * size,))
    second = as_strided(memory[max(0, shift) :][:size].view(dtype), (length,), (stride * size,))
    return first, second


@pytest.mark.parametrize("length", [3, 100, 5000])
@pytest.mark.parametrize("shift", [-1000, -65, -8, -4, -3, -1, 1, 2, 4, 8, 12, 64, 68, 500])
def test_an_out_that_overlaps_an_input_partly_gets_the_right_answer(operation, dtype, length, shift):
    if abs(shift) >= length * dtype.itemsize:
        pytest.skip("does not overlap")
    arrays = helpers.arguments(operation, (length,), dtype)
    want = operation(*arrays)
    for position in range(operation.arity):
        views = list(arrays)
        views[position], out = shifted(length, dtype, shift)
        views[position][...] = arrays[position]
        assert operation(*views, out=out) is out
        helpers.assert_same_bits(out, want)


def test_an_out_that_is_an_input_backwards_gets_the_right_answer(operation, dtype):
    for length in (2, 3, 64, 1001):
        arrays = helpers.arguments(operation, (length,), dtype)
        want = operation(*arrays)
        for position in range(operation.arity):
            views = list(arrays)
            views[position] = arrays[position].copy()
            out = views[position][::-1]
            operation(*views, out=out)
            helpers.assert_same_bits(out, want)


def test_an_out_that_is_an_input_transposed_gets_the_right_answer(operation, dtype):
    arrays = helpers.arguments(operation, (40, 40), dtype)
    want = operation(*arrays)
    for position in range(operation.arity):
        views = list(arrays)
        views[position] = arrays[position].copy()
        operation(*views, out=views[position].T)
        helpers.assert_same_bits(views[position].T, want)


def test_an_out_of_another_stride_over_an_input_gets_the_right_answer(operation, dtype):
    """Same first element, other strides: neither in place nor apart."""
    arrays = helpers.arguments(operation, (50,), dtype)
    want = operation(*arrays)
    for position, (one, other) in itertools.product(range(operation.arity), [(1, 2), (2, 1), (3, 2), (1, 3)]):
        memory = np.zeros(200, dtype)
        views = list(arrays)
        views[position] = memory[: 50 * one : one]
        views[position][...] = arrays[position]
        out = memory[: 50 * other : other]
        operation(*views, out=out)
        helpers.assert_same_bits(out, want)


def test_an_out_that_is_one_input_and_overlaps_the_other(operation, dtype):
    if operation.arity == 1:
        pytest.skip("takes one array")
    arrays = helpers.arguments(operation, (300,), dtype)
    want = operation(*arrays)
    for position, shift in itertools.product((0, 1), (-7, 3, 4, 8, 40)):
        views = [None, None]
        views[position], views[1 - position] = shifted(300, dtype, shift)
        for view, array in zip(views, arrays, strict=True):
            view[...] = array
        given = [view.copy() for view in views]  # the second assignment may have changed the first
        want = operation(*given)
        operation(*views, out=views[position])
        helpers.assert_same_bits(views[position], want)


def test_the_same_array_everywhere(operation, dtype):
    x = helpers.values((4, 33), dtype)
    want = operation(*[x.copy() for _ in range(operation.arity)])
    helpers.assert_same_bits(operation(*[x] * operation.arity), want)
    operation(*[x] * operation.arity, out=x)
    helpers.assert_same_bits(x, want)


def test_interleaved_arrays_do_not_disturb_each_other(operation, dtype):
    """Even and odd elements of one memory: the bounds meet, the elements do not."""
    arrays = helpers.arguments(operation, (500,), dtype)
    want = operation(*arrays)
    memory = np.zeros((500, 4), dtype)
    for k, array in enumerate(arrays):
        memory[:, k] = array
    views = [memory[:, k] for k in range(operation.arity)]
    operation(*views, out=memory[:, 3])
    helpers.assert_same_bits(memory[:, 3], want)
    for view, array in zip(views, arrays, strict=True):
        helpers.assert_same_bits(view, array)
