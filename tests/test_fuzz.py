"""Random shapes, layouts, types and aliasing, compared with the slow and simple way to compute the same.

The slow way is one contiguous call on copies (whose values other files test), and the textbook formula in a wider type.
"""

import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fastact as fa
import helpers
from fastact import engine
from fastact._formulas import FORMULAS
from fastact.catalogue import ROW

CALLS = [
    (name, kind, target)
    for name, activation in fa.ACTIVATIONS.items()
    for kind in helpers.kinds(activation)
    for target in engine.TARGETS
]
TYPES = ["f4", "f8"]
OTHER_TYPES = ["?", "i1", "u1", "i2", "i4", "i8", "u8"]
fuzz = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)

shapes = st.lists(st.integers(0, 9), min_size=1, max_size=5).map(tuple) | st.tuples(st.integers(1, 700))
shapes |= st.tuples(st.integers(1, 300), st.integers(1, 90))


@st.composite
def layouts(draw, shape):
    """Return a function that copies an array of the shape into a layout drawn at random."""
    order = draw(st.permutations(range(len(shape))))
    steps = [draw(st.sampled_from([1, 1, 1, -1, 2, -2, 3])) for _ in shape]
    offset = draw(st.sampled_from([0, 0, 1, 4, 8, 31]))

    def place(array):
        wide = [length * abs(step) for length, step in zip(shape, steps, strict=True)]
        memory = np.zeros(int(np.prod(wide)) * array.itemsize + 64, np.uint8)
        flat = memory[offset : offset + int(np.prod(wide)) * array.itemsize].view(array.dtype)
        view = flat.reshape([wide[axis] for axis in order]).transpose(np.argsort(order))
        view = view[tuple(slice(None, None, step) for step in steps)]
        assert view.shape == shape
        view[...] = array
        return view

    return place


@st.composite
def calls(draw):
    """Return an operation, its arguments in random layouts, parameters, and keywords such as axis."""
    name, kind, target = draw(st.sampled_from(CALLS))
    operation = helpers.Operation(helpers.on_target(name, target), kind)
    shape = draw(shapes)
    keywords = draw(st.sampled_from(helpers.example_parameters(operation.activation, kind == "backward_y")))
    if operation.rowwise:
        keywords = {"axis": draw(st.integers(-len(shape), len(shape) - 1))}
    arrays = []
    for array in helpers.arguments(operation, shape, draw(st.sampled_from(TYPES)), draw(st.integers(0, 99))):
        kind_of_type = draw(st.sampled_from(["same"] * 6 + ["float", "other"]))
        if kind_of_type == "float":
            with np.errstate(all="ignore"):
                array = array.astype(draw(st.sampled_from(TYPES)))
        elif kind_of_type == "other":
            array = np.arange(array.size).reshape(shape).astype(draw(st.sampled_from(OTHER_TYPES)))
        arrays.append(draw(layouts(shape))(array))
    return operation, arrays, keywords


def result_type(arrays):
    """Return the type of the result: the widest given, where anything but float32 counts as float64."""
    return np.dtype("f4" if all(array.dtype == np.float32 for array in arrays) else "f8")


def simple(operation, arrays, keywords):
    """Return the result of one call on contiguous copies of one type."""
    keywords = dict(keywords)
    axis = keywords.pop("axis", -1)
    copies = [np.moveaxis(array, axis, -1) if operation.rowwise else array for array in arrays]
    with np.errstate(all="ignore"):
        copies = [np.array(array, dtype=result_type(arrays), order="C") for array in copies]
    result = operation(*copies, **keywords)
    return np.moveaxis(result, -1, axis) if operation.rowwise else result


@fuzz
@given(calls(), st.data())
def test_any_layout_gives_the_bits_of_a_contiguous_call(call, data):
    operation, arrays, keywords = call
    want = simple(operation, arrays, keywords)
    before = [array.copy() for array in arrays]
    helpers.assert_same_bits(operation(*arrays, **keywords), want)
    out = data.draw(layouts(want.shape))(np.zeros_like(want))
    threads = data.draw(st.sampled_from([1, 1, 2, 3]))
    previous = engine.set_parallel_threshold(0)
    with fa.num_threads(threads):
        assert operation(*arrays, **keywords, out=out) is out
    engine.set_parallel_threshold(previous)
    helpers.assert_same_bits(out, want)
    for array, copy in zip(arrays, before, strict=True):
        assert array.tobytes() == copy.tobytes(), "an input was changed"


@fuzz
@given(calls(), st.data())
def test_any_overlap_gives_the_bits_of_separate_arrays(call, data):
    """Inputs and out are views of one memory, at offsets and strides drawn at random."""
    operation, _, keywords = call
    if operation.rowwise:
        keywords = {"axis": 0}
    dtype = np.dtype(data.draw(st.sampled_from(TYPES)))
    length = data.draw(st.integers(1, 90))
    memory = helpers.values((400,), dtype, data.draw(st.integers(0, 99)))
    if data.draw(st.booleans()):  # misaligned as a whole
        memory = np.frombuffer(bytearray(1) + bytearray(memory.tobytes()), dtype, offset=1)

    def view():
        step = data.draw(st.sampled_from([1, 1, 2, -1, -2, 3]))
        reach = (length - 1) * abs(step) + 1
        start = data.draw(st.integers(0, len(memory) - reach) | st.integers(0, 5))
        span = memory[start : start + reach]
        return span[::step] if step > 0 else span[::-1][::-step]

    arrays = [view() for _ in range(operation.arity)]
    out = data.draw(st.sampled_from([arrays[0], arrays[-1], view(), view()]))
    copies = [array.copy() for array in arrays]
    want = operation(*copies, **keywords)
    untouched = memory.copy()
    assert operation(*arrays, **keywords, out=out) is out
    helpers.assert_same_bits(out, want)
    out[...] = 0
    inside = memory == 0
    helpers.assert_same_bits(memory[~inside], untouched[~inside])


@fuzz
@given(st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=40), st.sampled_from(CALLS), st.sampled_from(TYPES))
def test_any_numbers_agree_with_the_textbook_formula(numbers, call, dtype):
    """Close, not exact: a check that the right function is computed; test_accuracy.py holds the bounds."""
    name, kind, target = call
    operation = helpers.Operation(helpers.on_target(name, target), kind)
    x = np.array(numbers, dtype)
    y = operation.activation(x, **helpers.typical(operation.activation))
    grad = np.linspace(-2, 2, x.size).astype(dtype)
    wide_x, wide_y, wide_grad = (array.astype(np.longdouble) for array in (x, y, grad))
    wide = {"backward_x": (wide_grad, wide_x), "backward_y": (wide_grad, wide_y)}.get(kind, (wide_x,))
    arrays = {"backward_x": (grad, x), "backward_y": (grad, y)}.get(kind, (x,))
    for parameters in helpers.example_parameters(operation.activation, from_y=kind == "backward_y"):
        values = ROW[name].typical | parameters
        if not all(value == 0 or 1e-3 < abs(value) < 100 for value in values.values()):
            continue
        want = getattr(FORMULAS[name], kind)(*wide, *[float(np.dtype(dtype).type(value)) for value in values.values()])
        # The formulas of lessons subtract what is nearly equal: they are near the truth, not relatively near.
        cancelled = 40 * np.finfo(np.longdouble).eps + np.finfo(dtype).smallest_subnormal
        if kind == "backward_y":  # 1 - y**2 by a product and a sum; y + scale * alpha with constants that are rounded
            cancelled += 3 * np.finfo(dtype).eps * np.abs(grad)
        scale = np.abs(grad).max() if operation.rowwise and operation.arity == 2 else 0
        allowed = 8 * np.finfo(dtype).eps * (np.abs(want) + scale) + cancelled
        assert (np.abs(operation(*arrays, **parameters) - want) <= allowed).all()


@fuzz
@given(calls(), st.data())
def test_any_wrong_out_is_refused_and_untouched(call, data):
    operation, arrays, keywords = call
    right, shape = result_type(arrays), arrays[0].shape
    fault = data.draw(st.sampled_from(["type", "shape", "read-only", "repeated", "swapped"]))
    if fault == "type":
        wrong = [name for name in ("f2", "f4", "f8", "i8", "c16") if np.dtype(name) != right]
        out = np.ones(shape, data.draw(st.sampled_from(wrong)))
    elif fault == "shape":
        axis = data.draw(st.integers(0, len(shape) - 1))
        out = np.ones(tuple(length + (k == axis) for k, length in enumerate(shape)), right)
    elif fault == "read-only":
        out = np.ones(shape, right)
        out.flags.writeable = False
    elif fault == "repeated":
        memory = np.ones(1, right)
        out = np.lib.stride_tricks.as_strided(memory, shape, (0,) * len(shape))
        if out.size < 2:
            return
    else:
        out = np.ones(shape, right.newbyteorder())
    inputs = [array.tobytes() for array in arrays]
    before = out.tobytes()
    with pytest.raises((TypeError, ValueError)):
        operation(*arrays, **keywords, out=out)
    assert out.tobytes() == before
    assert [array.tobytes() for array in arrays] == inputs


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text(max_size=3)
anything = st.recursive(
    scalars | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
keywords = st.sampled_from(["x", "y", "out", "axis", "negative_slope", "grad", "where"])


@fuzz
@given(st.sampled_from(CALLS), st.lists(anything, max_size=3), st.dictionaries(keywords, anything, max_size=3))
def test_nonsense_raises_and_never_crashes(call, positional, keywords):
    name, kind, target = call
    activation = helpers.on_target(name, target)
    function = activation if kind == "forward" else getattr(activation, kind.partition("_")[0])
    with contextlib.suppress(TypeError, ValueError):
        function(*positional, **keywords)
