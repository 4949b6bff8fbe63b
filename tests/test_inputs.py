"""Every row of the table of inputs: what is taken, what is refused, and that a refused call writes nothing."""

import contextlib
import tracemalloc
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided, sliding_window_view

import fastact as fa
import helpers
from fastact.catalogue import Parameter
from fastact.catalogue.row import ANY_NUMBER

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


def test_arrays_are_computed_without_copying_them(operation, dtype):
    shape = (64, 1024)
    arrays = [array[::-1, ::2] for array in helpers.arguments(operation, (64, 2048), dtype)]
    misaligned = np.empty(64 * 1024 * dtype.itemsize + 1, np.uint8)[1:].view(dtype).reshape(shape)
    out = misaligned[:, ::-1]
    operation(*arrays, out=out)
    tracemalloc.start()
    operation(*arrays, out=out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 1024 < out.nbytes


def test_code_of_the_caller_that_runs_during_a_call_cannot_crash_it():
    """What __array__ or __float__ does to the other arguments must not be believed away."""
    code = """
import itertools
import numpy as np, fastact as fa

class Shrinks:
    # gives one array, and takes another its memory
    def __init__(self, gives, shrinks):
        self.gives, self.shrinks = gives, shrinks

    def __array__(self, dtype=None, copy=None):
        self.shrinks.resize((1,), refcheck=False)
        return self.gives

    def __float__(self):
        self.shrinks.resize((1,), refcheck=False)
        return 0.5

for giver, shrunk in itertools.permutations(range(3), 2):
    arrays = [np.ones(1 << 22) for _ in range(3)]
    arguments = list(arrays)
    arguments[giver] = Shrinks(arrays[giver], arrays[shrunk])
    try:
        fa.tanh.backward(arguments[0], x=arguments[1], out=arguments[2])
    except (TypeError, ValueError):
        pass
for shrunk in range(3):
    arrays = [np.ones(1 << 22) for _ in range(3)]
    try:
        fa.leaky_relu.backward(arrays[0], x=arrays[1], out=arrays[2], negative_slope=Shrinks(None, arrays[shrunk]))
    except (TypeError, ValueError):
        pass
print("alive")
"""
    assert helpers.python_output(code) == "alive"


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


def test_no_warning_and_no_error_of_arithmetic_reaches_the_caller(operation, dtype):
    x = np.concatenate([helpers.specials(dtype), helpers.bit_patterns(dtype, 5000)])
    grids = np.meshgrid(x[:300], x[:300]) if operation.arity == 2 else [x]
    with np.errstate(all="raise"):
        operation(*grids)


# What overrides __array_ufunc__.


class Recorder:
    """Overrides __array_ufunc__ and notes what it was asked."""

    answer = "answer"

    def __array_ufunc__(self, function, method, *inputs, **keywords):
        self.asked = function, method, inputs, keywords
        return self.answer


def test_an_object_that_overrides_array_ufunc_is_asked(activation):
    x = Recorder()
    assert activation(x, **helpers.typical(activation)) == "answer"
    function, method, inputs, _ = x.asked
    assert method == "__call__"
    assert inputs[0] is x
    assert function.__name__ == activation.name
    assert (function.nin, function.nout, function.signature) == (1, 1, None)
    assert callable(function)


def test_an_overriding_out_is_asked_with_a_tuple_as_ufuncs_do(activation):
    out = Recorder()
    x = np.ones(3)
    assert activation(x, **helpers.typical(activation), out=out) == "answer"
    assert out.asked[3]["out"] == (out,)


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


def test_an_override_that_declines_is_a_type_error(activation):
    class Declines:
        def __array_ufunc__(self, *_, **__):
            return NotImplemented

    class Forbids:
        __array_ufunc__ = None

        def __array__(self, dtype=None, copy=None):
            return np.ones(3)

    for given in (Declines(), Forbids()):
        out = np.full(3, 7.0)
        with rejected(TypeError, type(given).__name__, out):
            activation(given, **helpers.typical(activation), out=out)


def test_what_an_override_raises_comes_through(activation):
    class Raises:
        def __array_ufunc__(self, *_, **__):
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        activation(Raises(), **helpers.typical(activation))


def test_a_subclass_that_does_not_override_is_an_array(operation):
    class Plain(np.ndarray):
        pass

    arrays = helpers.arguments(operation, (3, 4), np.float32)
    helpers.assert_same_bits(operation(*[array.view(Plain) for array in arrays]), operation(*arrays))
    out = np.empty((3, 4), np.float32).view(Plain)
    assert operation(*arrays, out=out) is out


# What is refused.

REFUSED = ["complex64", "complex128", "float16", "longdouble", "object", "U3", "S3", "datetime64[s]", "m8[s]", "f4,f4"]


@pytest.mark.parametrize("name", REFUSED)
def test_other_types_are_refused_by_name(operation, name):
    if np.dtype(name) == np.float64:
        pytest.skip("longdouble is float64 here")
    out = np.full((2, 3), 7.0)
    named = np.dtype(name).name.partition("[")[0]
    arrays = [np.ones((2, 3))] * operation.arity
    for changed in with_one_changed(arrays, lambda array: np.zeros(array.shape, name)):
        for keywords in ({}, {"out": out}):
            with rejected(TypeError, named, out):
                operation(*changed, **keywords)
            with rejected(TypeError, "float32.*float64", out):
                operation(*changed, **keywords)
    refused = np.zeros((2, 3), name)
    with rejected(TypeError, named, refused):
        operation(*arrays, out=refused)


def test_a_byte_swapped_array_is_refused(operation, dtype):
    swapped = dtype.newbyteorder()
    out = np.full((2, 3), 7, dtype)
    arrays = [np.ones((2, 3), dtype)] * operation.arity
    wrong = "byte|endian|[<>][fd][48]"
    for changed in with_one_changed(arrays, lambda array: array.astype(swapped)):
        with rejected(TypeError, wrong, out):
            operation(*changed, out=out)
    for changed in with_one_changed(arrays, lambda array: memoryview(array.astype(swapped))):
        with rejected(TypeError, wrong, out):
            operation(*changed, out=out)
    out = out.astype(swapped)
    with rejected(TypeError, wrong, out):
        operation(*arrays, out=out)


def test_a_byte_swapped_integer_array_is_not_read_as_native(operation):
    swapped = np.array([[1, 2, 3]], dtype=np.dtype(np.int32).newbyteorder())
    arrays = [np.ones((1, 3))] * operation.arity
    for changed in with_one_changed(arrays, lambda array: swapped):
        with pytest.raises(TypeError):
            operation(*changed)


def test_a_masked_array_is_refused(operation, dtype):
    masked = np.ma.masked_array(np.ones((2, 3), dtype), mask=[[0, 1, 0], [0, 0, 1]])
    out = np.full((2, 3), 7, dtype)
    arrays = [np.ones((2, 3), dtype)] * operation.arity
    for changed in with_one_changed(arrays, lambda array: masked):
        with rejected(TypeError, "[Mm]asked", out):
            operation(*changed, out=out)
    masked_out = np.ma.masked_array(out, mask=True)
    with rejected(TypeError, "[Mm]asked", out):
        operation(*arrays, out=masked_out)


NO_NUMBERS = [None, "1.0", b"12345678", object(), {}, {1.0}, 1j, [1j], ["a"], [None], [[1], [1, 2]]]
NO_NUMBERS += [Decimal(1), Fraction(1)]


@pytest.mark.parametrize("thing", NO_NUMBERS, ids=lambda thing: f"{type(thing).__name__}-{thing}")
def test_what_is_no_array_of_numbers_is_refused(operation, thing):
    arrays = [np.ones((2, 3))] * operation.arity
    for changed in with_one_changed(arrays, lambda array: thing):
        if thing is None and operation.arity == 2 and changed[1] is None:
            continue  # x=None is no x at all: test_backward_takes_exactly_one_of_x_and_y
        out = np.full((2, 3), 7.0)
        with rejected((TypeError, ValueError), None, out):
            operation(*changed, out=out)


def test_bytes_are_no_numbers_though_they_have_a_buffer(operation):
    for thing in (b"12345678", bytearray(8), memoryview(b"12345678")):
        for changed in with_one_changed([np.ones(8)] * operation.arity, lambda array: thing):  # noqa: B023
            if isinstance(thing, bytes):
                with pytest.raises(TypeError):
                    operation(*changed)
            else:
                assert operation(*changed).dtype == np.float64  # uint8, as np.asarray has it


@pytest.mark.parametrize("thing", [[0.0, 0.0], 1.0, "out", (1.0,), np.float64(7), {}], ids=repr)
def test_an_out_that_cannot_be_wrapped_without_a_copy_is_refused(operation, thing):
    arrays = [np.ones(2)] * operation.arity
    before = repr(thing)
    with pytest.raises(TypeError, match="out"):
        operation(*arrays, out=thing)
    assert repr(thing) == before


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


@pytest.mark.parametrize("shape", [(3, 2), (6,), (2, 3, 1), (1, 2, 3), (2, 2), (), (0,), (2, 4)])
def test_an_out_of_another_shape_is_refused(operation, dtype, shape):
    out = np.full(shape, 7, dtype)
    with rejected(ValueError, "shape", out):
        operation(*[np.ones((2, 3), dtype)] * operation.arity, out=out)
    with rejected(ValueError, "shape", out):
        operation(*[np.ones((2, 6), dtype)[:, ::2]] * operation.arity, out=out)


@pytest.mark.parametrize("shape", [(3, 2), (1, 3), (2, 1), (3,), (), (2, 3, 1), (1, 2, 3)])
def test_nothing_is_broadcast(operation, dtype, shape):
    if operation.arity == 1:
        pytest.skip("takes one array")
    out = np.full((2, 3), 7, dtype)
    arrays = [np.ones((2, 3), dtype)] * 2
    for changed in with_one_changed(arrays, lambda array: np.ones(shape, dtype)):
        with rejected(ValueError, "shape", out):
            operation(*changed, out=out)


def test_an_empty_input_does_not_excuse_a_wrong_out(operation):
    empty = [np.empty((0, 3))] * operation.arity
    for wrong, error in ((np.ones((1, 3)), ValueError), (np.empty((0, 3), np.float32), TypeError)):
        with rejected(error, None, wrong):
            operation(*empty, out=wrong)


def test_a_read_only_out_is_refused(operation, dtype):
    out = np.full((2, 3), 7, dtype)
    arrays = [np.ones((2, 3), dtype)] * operation.arity
    read_only = out.view()
    read_only.flags.writeable = False
    for view in (read_only, read_only[:, ::-1]):
        with rejected(ValueError, "read-only|readonly|writ", out):
            operation(*[array[:, :] for array in arrays], out=view)
    in_place = np.ones((2, 3), dtype)
    in_place.flags.writeable = False
    with rejected(ValueError, "read-only|readonly|writ", in_place):
        operation(in_place, *arrays[1:], out=in_place)


def test_a_read_only_input_is_fine(operation, dtype):
    arrays = helpers.arguments(operation, (2, 3), dtype)
    want = operation(*arrays)
    for array in arrays:
        array.flags.writeable = False
    helpers.assert_same_bits(operation(*arrays), want)


@pytest.mark.parametrize("offset", [0, 1])
def test_an_out_that_overlaps_itself_is_refused(operation, dtype, offset):
    size = dtype.itemsize
    memory = np.full(64 * size + offset, 0, np.uint8)[offset:].view(dtype)
    arrays = [np.ones((4, 5), dtype)] * operation.arity
    repeated = as_strided(memory, (4, 5), (0, size))
    single = as_strided(memory, (4, 5), (size, 0))
    windows = sliding_window_view(memory[:8], 5, writeable=True)
    halves = as_strided(memory, (4, 5), (5 * size, size // 2))
    for out in (repeated, single, windows, halves):
        with rejected(ValueError, "overlap", memory):
            operation(*arrays, out=out)


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
def test_a_parameter_that_is_nan_is_refused_by_name(name, key, dtype):
    x, out = np.ones((2, 3), dtype), np.full((2, 3), 7, dtype)
    for given in (x, x[:, ::-1], x[:0]):
        for call in every_call(fa.ACTIVATIONS[name], given, out[: len(given)], **{key: float("nan")}):
            with rejected(ValueError, key, out):
                call()


@pytest.mark.parametrize(("name", "key"), parameter_cases())
@pytest.mark.parametrize("wrong", ["0.1", None, [0.1], 1j, np.ones(2)], ids=repr)
def test_a_parameter_that_is_no_number_is_refused_by_name(name, key, wrong, dtype):
    x, out = np.ones((2, 3), dtype), np.full((2, 3), 7, dtype)
    for call in every_call(fa.ACTIVATIONS[name], x, out, **{key: wrong}):
        with rejected(TypeError, key, out):
            call()


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
