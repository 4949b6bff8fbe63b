"""Rows of the table of inputs: what is taken, and what needs words of its own to be refused.

What is refused at every argument of every call is in contract/test_refusals.py.
"""

import contextlib
from fractions import Fraction

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import fastact as fa
import helpers
from fastact.catalogue import Parameter
from fastact.catalogue.spec import ANY_NUMBER

ELEMENTWISE = [name for name, activation in fa.ACTIVATIONS.items() if activation.kind != "rowwise"]


@contextlib.contextmanager
def rejected(error, match, memory):
    """The block raises, and every byte of the array that owns the memory of `out` is as before."""
    before = memory.tobytes()
    with pytest.raises(error, match=match):
        yield
    assert memory.tobytes() == before, "a refused call wrote to out"


def with_one_changed(arrays, change):
    """Yield the arguments with one of them replaced by change(argument), each in turn."""
    for position in range(len(arrays)):
        yield [change(array) if k == position else array for k, array in enumerate(arrays)]


# What is taken.


@pytest.mark.parametrize("kind", "?bBhHiIlLqQ")
def test_integers_and_bools_are_converted_to_float64(operation, kind):
    whole = np.array([[0, 1, 1], [1, 0, 1]] if kind == "?" else [[0, 1, 2], [100, 5, 3]], dtype=kind)
    want = operation(*[whole.astype(np.float64)] * operation.arity)
    assert want.dtype == np.float64
    helpers.assert_same_bits(operation(*[whole] * operation.arity), want)
    out = np.empty(whole.shape)
    assert operation(*[whole.tolist()] * operation.arity, out=out) is out
    helpers.assert_same_bits(out, want)


def test_lists_are_converted_to_float64(operation):
    nested = [[0.5, -1, True], [1e300, -0.0, float("nan")]]
    want = operation(*[np.array(nested)] * operation.arity)
    for given in (nested, tuple(map(tuple, nested)), [np.array(row) for row in nested]):
        helpers.assert_same_bits(operation(*[given] * operation.arity), want)
    assert operation(*[[]] * operation.arity).dtype == np.float64
    ranged = operation(*[range(3)] * operation.arity)
    helpers.assert_same_bits(ranged, operation(*[np.arange(3.0)] * operation.arity))


@pytest.mark.parametrize("number", [0.75, -3, True, False, 2**70, -(2**200), float("inf"), float("nan")], ids=str)
def test_a_python_number_gives_a_float64_scalar(elementwise_operation, number):
    result = elementwise_operation(*[number] * elementwise_operation.arity)
    assert type(result) is np.float64
    want = elementwise_operation(*[np.array([float(number)])] * elementwise_operation.arity)
    helpers.assert_same_bits(result, want[0])


def test_a_python_integer_too_large_for_float64_is_refused(elementwise_operation):
    with pytest.raises((OverflowError, ValueError), match="too large"):
        elementwise_operation(*[10**400] * elementwise_operation.arity)


def test_a_scalar_or_0d_array_gives_a_numpy_scalar_of_its_type(elementwise_operation, dtype):
    want = elementwise_operation(*[np.array([0.75], dtype)] * elementwise_operation.arity)
    for given in (dtype.type(0.75), np.array(0.75, dtype)):
        result = elementwise_operation(*[given] * elementwise_operation.arity)
        assert type(result) is dtype.type
        helpers.assert_same_bits(result, want[0])


@pytest.mark.parametrize("scalar", [np.int8(3), np.uint64(2**63), np.bool_(True)], ids=repr)
def test_an_integer_scalar_gives_a_float64_scalar(elementwise_operation, scalar):
    result = elementwise_operation(*[scalar] * elementwise_operation.arity)
    assert type(result) is np.float64
    helpers.assert_same_bits(result, elementwise_operation(*[float(scalar)] * elementwise_operation.arity))


def test_a_0d_out_is_written_and_returned(elementwise_operation, dtype):
    x, out = np.array(0.75, dtype), np.array(7, dtype)
    assert elementwise_operation(*[x] * elementwise_operation.arity, out=out) is out
    helpers.assert_same_bits(out, elementwise_operation(*[x] * elementwise_operation.arity))


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (2, 0, 5), (0, 0)])
def test_size_0_returns_at_once(operation, dtype, shape):
    x = [np.empty(shape, dtype)] * operation.arity
    result = operation(*x)
    assert (result.shape, result.dtype) == (shape, dtype)
    out = np.empty(shape, dtype)
    assert operation(*x, out=out) is out
    assert operation(*x, out=x[0]) is x[0]
    assert operation(*[array[..., ::-2] for array in x]).size == 0


@pytest.mark.parametrize("other", [np.float64, np.int8, np.bool_])
def test_inputs_of_different_types_are_computed_in_the_wider(operation, other):
    if operation.arity == 1:
        pytest.skip("takes one array")
    narrow, other = helpers.values((6, 7), np.float32), np.arange(42).reshape(6, 7).astype(other)
    for pair in ((narrow, other), (other, narrow)):
        want = operation(*[array.astype(np.float64) for array in pair])
        helpers.assert_same_bits(operation(*pair), want)
        strided = [np.repeat(array, 2, axis=1)[:, ::2] for array in pair]
        helpers.assert_same_bits(operation(*strided, out=np.empty((6, 7))), want)
        if pair[0].dtype == np.float64:
            helpers.assert_same_bits(operation(pair[0].copy(), pair[1], out=pair[0].copy()), want)
        out = np.full((6, 7), 7, np.float32)
        with rejected(TypeError, "float32(.|\n)*float64|float64(.|\n)*float32", out):
            operation(*pair, out=out)


def test_a_large_gradient_of_another_type_is_computed_in_the_wider(operation):
    if operation.arity == 1:
        pytest.skip("takes one array")
    grad, x = helpers.values((100_003,), np.float64), helpers.values((100_003,), np.float32, seed=1)
    with np.errstate(invalid="ignore"):  # signalling NaNs
        want = operation(grad, x.astype(np.float64))
    helpers.assert_same_bits(operation(grad, x), want)
    assert operation(grad, x, out=grad) is grad
    helpers.assert_same_bits(grad, want)


# What overrides __array_ufunc__.


def test_what_is_asked_can_be_called_back_with_plain_arrays(elementwise_operation):
    """Dask, xarray and pandas call the function they are given on their pieces."""

    class Wrapped:
        def __init__(self, array):
            self.array = array

        def __array_ufunc__(self, function, method, *inputs, **keywords):
            plain = [given.array if isinstance(given, Wrapped) else given for given in inputs]
            return Wrapped(getattr(function, method)(*plain, **keywords))

    arrays = helpers.arguments(elementwise_operation, (3, 4), np.float32)
    for parameters in helpers.example_parameters(elementwise_operation.activation):
        want = elementwise_operation(*arrays, **parameters)
        for wrapped in with_one_changed(arrays, Wrapped):
            result = elementwise_operation(*wrapped, **parameters)
            assert isinstance(result, Wrapped)
            helpers.assert_same_bits(result.array, want)


def test_a_subclass_that_does_not_override_is_an_array(operation):
    class Plain(np.ndarray):
        pass

    arrays = helpers.arguments(operation, (3, 4), np.float32)
    helpers.assert_same_bits(operation(*[array.view(Plain) for array in arrays]), operation(*arrays))
    out = np.empty((3, 4), np.float32).view(Plain)
    assert operation(*arrays, out=out) is out


# What is refused.


def test_a_byte_swapped_integer_array_is_not_read_as_native(operation):
    swapped = np.array([[1, 2, 3]], dtype=np.dtype(np.int32).newbyteorder())
    arrays = [np.ones((1, 3))] * operation.arity
    for changed in with_one_changed(arrays, lambda array: swapped):
        with pytest.raises(TypeError):
            operation(*changed)


def test_bytes_are_no_numbers_though_they_have_a_buffer(operation):
    for thing in (b"12345678", bytearray(8), memoryview(b"12345678")):
        for changed in with_one_changed([np.ones(8)] * operation.arity, lambda array: thing):  # noqa: B023
            if isinstance(thing, bytes):
                with pytest.raises(TypeError):
                    operation(*changed)
            else:
                assert operation(*changed).dtype == np.float64  # uint8, as np.asarray has it


@pytest.mark.parametrize("pair", [(np.float32, np.float64), (np.float64, np.float32), (np.float64, np.int64)])
def test_an_out_of_another_type_is_refused_with_both(operation, pair):
    given, wrong = map(np.dtype, pair)
    out = np.full((2, 3), 7, wrong)
    arrays = [np.ones((2, 3), given)] * operation.arity
    for name in (given.name, wrong.name):
        with rejected(TypeError, name, out):
            operation(*arrays, out=out)
    if given == np.float64:  # a list counts as float64
        with rejected(TypeError, wrong.name, out):
            operation(*[array.tolist() for array in arrays], out=out)


def test_a_read_only_input_is_fine(operation, dtype):
    arrays = helpers.arguments(operation, (2, 3), dtype)
    want = operation(*arrays)
    for array in arrays:
        array.flags.writeable = False
    helpers.assert_same_bits(operation(*arrays), want)


def test_an_out_in_which_only_axes_of_length_1_have_odd_strides_is_fine(operation, dtype):
    memory = np.zeros(64, dtype)
    out = as_strided(memory, (1, 5, 1), (0, dtype.itemsize, 3))
    arrays = helpers.arguments(operation, (1, 5, 1), dtype)
    assert operation(*arrays, out=out) is out
    helpers.assert_same_bits(out, operation(*arrays))


def test_an_interleaved_out_does_not_overlap_itself(operation, dtype):
    """Two axes may be woven into one another without two elements in one place."""
    memory = np.zeros(64, dtype)
    size = dtype.itemsize
    out = as_strided(memory, (3, 2), (2 * size, 3 * size))  # 0 3 2 5 4 7: all different
    arrays = helpers.arguments(operation, (3, 2), dtype)
    assert operation(*arrays, out=out) is out
    helpers.assert_same_bits(out, operation(*arrays))


# Parameters.


def parameter_cases():
    """Return names of activations and of their parameters that are numbers; prelu's has tests of its own."""
    chosen = [activation for activation in fa.ACTIVATIONS.values() if activation.kind == "elementwise"]
    return [(activation.name, key) for activation in chosen for key in activation.parameters]


def every_call(activation, x, out, **parameters):
    """Yield a call for every operation of the activation, with parameters."""
    for operation in helpers.operations(activation):
        yield lambda operation=operation: operation(*[x] * operation.arity, out=out, **parameters)


@pytest.mark.parametrize(("name", "key"), parameter_cases())
def test_a_parameter_is_any_real_number(name, key):
    x, activation, required = (
        helpers.values((40,), np.float32),
        fa.ACTIVATIONS[name],
        helpers.typical(fa.ACTIVATIONS[name]),
    )
    want = activation(x, **required | {key: 1.0})
    for number in (1, np.float32(1), np.int16(1), np.float64(1), Fraction(1), np.array(1.0)):
        helpers.assert_same_bits(activation(x, **required | {key: number}), want)


@pytest.mark.parametrize(("name", "key"), parameter_cases())
def test_a_parameter_is_rounded_to_the_type_of_the_array(name, key):
    x = helpers.values((400,), np.float32)
    for operation in helpers.operations(fa.ACTIVATIONS[name]):
        arrays = [x] * operation.arity
        rounded = float(np.float32(0.1))
        helpers.assert_same_bits(operation(*arrays, **{key: 0.1}), operation(*arrays, **{key: rounded}))


@pytest.mark.parametrize("slope", [np.inf, -np.inf])
def test_a_slope_that_is_not_finite_is_refused(slope, dtype):
    x, out = np.ones((2, 3), dtype), np.full((2, 3), 7, dtype)
    for call in every_call(fa.leaky_relu, x, out, negative_slope=slope):
        with rejected(ValueError, "negative_slope", out):
            call()


@pytest.mark.parametrize("slope", [1e39, -1e300, 3.4028235677973366e38])
def test_a_slope_that_is_not_finite_in_the_type_of_the_array_is_refused(slope):
    narrow, out = np.ones((2, 3), np.float32), np.full((2, 3), 7, np.float32)
    for call in every_call(fa.leaky_relu, narrow, out, negative_slope=slope):
        with rejected(ValueError, "negative_slope", out):
            call()
    assert fa.leaky_relu(-narrow.astype(np.float64), slope)[0, 0] == -slope


@pytest.mark.parametrize("slope", [-0.1, -1.0, -1e-320])
def test_backward_from_the_output_refuses_a_negative_slope(slope, dtype):
    if dtype.type(slope) == 0:
        pytest.skip("zero in this type")
    y, out = np.ones((2, 3), dtype), np.full((2, 3), 7, dtype)
    with rejected(ValueError, "negative_slope", out):
        fa.leaky_relu.backward(y, y=y, negative_slope=slope, out=out)
    assert fa.leaky_relu.backward(-y, x=-y, negative_slope=slope).dtype == dtype


def ordered():
    """Return leaky_relu with two parameters of any number that must not fall."""
    low, high = Parameter("low", -1.0, ANY_NUMBER, "The slope."), Parameter("high", 1.0, ANY_NUMBER, "Nothing.")
    return helpers.variant("leaky_relu", parameters=(low, high), ordered=True)


FALLING = [{"low": 2}, {"high": -1.5}, {"low": 0.5, "high": 0.25}, {"low": np.inf}, {"high": -np.inf}]


@pytest.mark.parametrize("parameters", [*FALLING, {"low": 1.001}, {"low": np.inf, "high": -np.inf}], ids=repr)
def test_parameters_that_fall_are_refused_by_name(parameters, dtype):
    x, out = np.ones((2, 6), dtype), np.full((2, 6), 7, dtype)
    for given, place in ((x, out), (x[:, ::2], out[:, ::-2]), (x[:0], out[:0])):
        for call in every_call(ordered(), given, place, **parameters):
            with rejected(ValueError, "low(.|\n)*high", out):
                call()


@pytest.mark.parametrize(
    "parameters", [{}, {"low": 1}, {"low": -np.inf, "high": np.inf}, {"low": np.inf, "high": 1e999}]
)
def test_parameters_that_do_not_fall_are_taken(parameters, dtype):
    x = np.ones((2, 6), dtype)
    for call in every_call(ordered(), x, None, **parameters):
        assert (call() == 1).all()


def test_parameters_are_compared_as_the_type_of_the_array_has_them():
    above = 1 + 1e-9  # rounds to 1 in float32
    assert ordered()(np.ones(3, np.float32), above, 1)[0] == 1
    with pytest.raises(ValueError, match="low <= high"):
        ordered()(np.ones(3), above, 1)


def test_a_parameter_that_may_be_infinite_may_not_be_nan(dtype):
    for key in ("low", "high"):
        with pytest.raises(ValueError, match=rf"{key} must be a number, not nan"):
            ordered()(np.ones(3, dtype), **{key: float("nan")})
