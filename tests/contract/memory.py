"""Arrays at chosen places in memory: layouts, guard bytes around and between elements, and views that overlap.

`place(array, layout)` copies an array into memory of its own; the bytes that are not its elements hold a pattern, and
`Placed.assert_rest_untouched` says whether they still do.  `named(ndim)` and `drawn(ndim, rng)` are layouts to try.
"""

import dataclasses
import functools
import itertools

import numpy as np

import helpers

FILL = 0xA5


@dataclasses.dataclass(frozen=True)
class Layout:
    """Axes from the outermost in memory to the innermost, a step for each, bytes before, and bytes between elements."""

    name: str
    order: tuple[int, ...]
    steps: tuple[int, ...]  # by axis, as in slices
    offset: int = 0  # from a multiple of 64
    gap: int = 0  # bytes after each element
    stride_of_one: int | None = None  # of axes with one element, where strides mean nothing


@functools.cache
def named(ndim):
    """Every layout that has a name."""
    axes, ones = tuple(range(ndim)), (1,) * ndim
    found = [Layout("C", axes, ones), Layout("misaligned", axes, ones, 1), Layout("element on", axes, ones, 8)]
    if not ndim:
        return found
    last, first = (*ones[1:], 2), (3, *ones[1:])
    found += [
        Layout("F", axes[::-1], ones),
        Layout("backwards", axes, (-1,) * ndim),
        Layout("spread rows", axes, first),
        Layout("spread", axes, last),
        Layout("record", axes, ones, 1, 3),
        Layout("record of whole elements", axes, ones, 0, 8),
        Layout("strange strides", axes, ones, stride_of_one=-(2**40) - 1),
    ]
    if ndim > 1:
        orders = list(itertools.permutations(axes)) if ndim < 4 else [axes[1:] + axes[:1], axes[-1:] + axes[:-1]]
        found += [Layout(f"order {order}", order, ones) for order in orders[1:-1] or []]
        found += [
            Layout("F spread", axes[::-1], first),
            Layout("F backwards", axes[::-1], (*ones[1:], -1)),
            Layout("F misaligned", axes[::-1], ones, 3),
            Layout("F spread rows", axes[::-1], last),
        ]
    return found


def drawn(ndim, rng):
    """A layout drawn at random."""
    return Layout(
        "drawn",
        tuple(int(axis) for axis in rng.permutation(ndim)),
        tuple(
            int(step)
            for step in rng.choice(
                [1, 1, 1, 1, -1, -1, 2, -2, 3, -3, 4] if ndim < 6 else [1, 1, 1, 1, 1, 1, -1, 2], ndim
            )
        ),
        int(rng.choice([0, 0, 1, 4, 8, 31])),
        int(rng.choice([0, 0, 0, 1, 8])),
    )


@dataclasses.dataclass
class Placed:
    """An array in memory of its own."""

    view: np.ndarray
    memory: np.ndarray

    def assert_rest_untouched(self, context=""):
        """Every byte that is not of the array still holds the pattern; the array is overwritten with it."""
        pattern = np.frombuffer(bytes([FILL]) * self.view.itemsize, self.view.dtype)
        self.view[...] = pattern.reshape(())
        assert (self.memory == FILL).all(), f"bytes beside the elements were written: {context}"


def place(array, layout):
    """Return an equal array in that layout."""
    item, strides, start = array.itemsize, [0] * array.ndim, 0
    span = item + layout.gap
    for axis in reversed(layout.order):
        strides[axis] = span * layout.steps[axis]
        if array.shape[axis]:
            start -= min(0, (array.shape[axis] - 1) * strides[axis])
        if array.shape[axis] > 1:
            span *= abs(layout.steps[axis]) * array.shape[axis]
    if layout.stride_of_one is not None:
        strides = [layout.stride_of_one if n == 1 else s for n, s in zip(array.shape, strides, strict=True)]
    memory = np.full(span + layout.offset + 192, FILL, np.uint8)
    begin = -memory.ctypes.data % 64 + 64 + layout.offset + start
    view = np.ndarray(array.shape, array.dtype, memory, begin, strides)
    view[...] = array
    return Placed(view, memory)


def scattered(arrays, layouts):
    """Return each array of a dictionary in its layout, a layout for each number of axes: views, and what was placed."""
    placed = {name: place(array, layouts[name]) for name, array in arrays.items()}
    return {name: each.view for name, each in placed.items()}, placed


def same(got, want, context=""):
    """The same type, shape and bits (but for a NaN's sign and payload), of each of two lists of results."""
    assert len(got) == len(want)
    for number, (one, other) in enumerate(zip(got, want, strict=True)):
        one, other = np.asarray(one), np.asarray(other)
        if one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes():
            continue
        try:
            if helpers.is_real(one.dtype):
                helpers.assert_same_bits(one, other)
            else:
                np.testing.assert_array_equal(one, other)
        except AssertionError as error:
            raise AssertionError(f"result {number} of {context}: {error}") from None
