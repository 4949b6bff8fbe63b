"""What the ends of the number line give, signs of zero included; and the defects of other libraries that fastact lacks.

Exact values stand here by hand; a correct value elsewhere is the business of test_accuracy.py.
"""

import itertools
import pathlib
import sys

import numpy as np
import pytest

import fastact as fa
import helpers
import references
from fastact._truth import error_scale, root_of_derivative
from fastact.catalogue import SPECS
from fastact.core import function as core
from references import error_in_ulp, true_values

sys.path.append(str(pathlib.Path(__file__).parents[2] / "tools"))
import special_values

INF, NAN = np.inf, np.nan


def limits(dtype):
    """Return the smallest subnormal, the smallest normal and the largest number."""
    info = np.finfo(dtype)
    return info.smallest_subnormal, info.smallest_normal, info.max


def exact_values(dtype):
    """Return name -> rows of x, f(x), f'(x), with the default parameters."""
    least, normal, largest = limits(dtype)
    slope = dtype.type(0.01)
    positive = [(x, x, 1) for x in (least, normal, 1, 100, largest, INF)]
    return {
        "relu": [*positive, (0.0, 0.0, 0.0), (-0.0, 0.0, 0.0), *((-x, 0.0, 0.0) for x, _, _ in positive)],
        "leaky_relu": [
            *positive,
            (0.0, 0.0, slope),
            (-0.0, -0.0, slope),
            *((-x, -dtype.type(x) * slope, slope) for x, _, _ in positive),
        ],
        "sigmoid": [
            *((sign * x, 0.5, 0.25) for sign in (1, -1) for x in (0.0, least, normal)),
            *((x, 1.0, 0.0) for x in (1e4, largest, INF)),
            *((-x, 0.0, 0.0) for x in (1e4, largest, INF)),
        ],
        "tanh": [
            *((sign * x, sign * x, 1.0) for sign in (1, -1) for x in (0.0, least, normal)),
            *((sign * x, sign, 0.0) for sign in (1.0, -1.0) for x in (1e4, largest, INF)),
        ],
    }


def exact_derivatives_from_output(dtype):
    """Return name -> rows of y and the derivative."""
    least, normal, largest = limits(dtype)
    slope = dtype.type(0.01)
    positive = [(y, 1) for y in (least, normal, 1, 100, largest, INF)]
    return {
        "relu": [*positive, (0.0, 0.0), (-0.0, 0.0)],
        "leaky_relu": [*positive, (0.0, slope), (-0.0, slope), *((-y, slope) for y, _ in positive)],
        "sigmoid": [(0.0, 0.0), (least, least), (0.5, 0.25), (1.0, 0.0)],
        "tanh": [(0.0, 1.0), (-0.0, 1.0), (least, 1.0), (0.5, 0.75), (-0.5, 0.75), (1.0, 0.0), (-1.0, 0.0)],
    }


def columns(rows, dtype):
    return np.array(rows, dtype).T.copy()


def gradients(dtype):
    """Return gradients of every sort."""
    least, normal, largest = limits(dtype)
    positive = [0.0, least, normal, 1.0, 1.5, largest, INF]
    return np.array([*positive, *(-g for g in positive), NAN], dtype)


def ordinary(count, dtype):
    return np.random.default_rng(count).normal(size=count).astype(dtype)


WITH_EXACT_VALUES = exact_values(np.dtype(np.float32)).keys()


def test_exact_values_to_the_bit(activation, dtype):
    if activation.name not in WITH_EXACT_VALUES:
        pytest.skip("on the page of special values")
    x, y, derivative = columns(exact_values(dtype)[activation.name], dtype)
    helpers.assert_same_bits(activation(x), y)
    helpers.assert_same_bits(activation.derivative(x), derivative)


def test_backward_of_exact_values_to_the_bit(activation, dtype):
    if activation.name not in WITH_EXACT_VALUES:
        pytest.skip("on the page of special values")
    x, _, derivative = columns(exact_values(dtype)[activation.name], dtype)
    for g in gradients(dtype):
        grad = np.full_like(x, g)
        helpers.assert_same_bits(activation.backward(grad, x=x), helpers.chained(activation, grad, derivative))


def test_backward_from_exact_outputs_to_the_bit(activation, dtype):
    if activation.name not in WITH_EXACT_VALUES:
        pytest.skip("on the page of special values")
    y, derivative = columns(exact_derivatives_from_output(dtype)[activation.name], dtype)
    for g in gradients(dtype):
        grad = np.full_like(y, g)
        helpers.assert_same_bits(activation.backward(grad, y=y), helpers.chained(activation, grad, derivative))


@pytest.mark.parametrize("target", core.FUSED_TARGETS)
def test_the_page_of_special_values_is_what_every_fused_target_gives(target):
    assert special_values.PAGE.read_text() == special_values.page(target)


@pytest.mark.parametrize("name", list(fa.GATES))
def test_gates_of_special_values_are_products(name, target):
    """To the bit, as the page has them."""
    unit, function = helpers.on_target(SPECS[name].activation, target), helpers.on_target(name, target)
    gate, value = np.array(special_values.PAIRS, np.float64).T
    with np.errstate(all="ignore"):
        helpers.assert_same_bits(function(gate=gate, value=value), unit(gate) * value)


def test_the_page_of_special_values_is_true(activation, dtype):
    """Each to half a unit or, where more is documented, to the bound; and a result of 0 has the sign of its limit."""
    name, parameters = activation.name, helpers.SPECS[activation.name].typical
    x = np.array([*special_values.names(dtype).values(), *special_values.kinks(name)], dtype)
    for kind, got in zip(("forward", "derivative"), special_values.values(name, dtype, core.TARGET, x), strict=True):
        true = true_values(name, kind, x, **parameters)
        scale = error_scale(name, kind, true, x, **parameters)
        assert error_in_ulp(got, true, scale).max() <= max(0.5, activation.bounds[dtype.name][kind])
        vanishing = (got == 0) & (true != 0).astype(bool)
        assert np.array_equal(np.signbit(got[vanishing]), (true[vanishing] < 0).astype(bool))


@pytest.mark.parametrize("kind", ["forward", "derivative"])
def test_special_points_are_within_the_bound_and_have_the_right_sign(activation, dtype, kind):
    """Kinks and their neighbours, all that is saturated, +-100; the sign holds where the value is rounded to zero, too."""
    name, parameters, (least, normal, largest) = activation.name, helpers.SPECS[activation.name].typical, limits(dtype)
    points = [0.0, least, normal, 1e-3, 1.0, 20.0, 100.0, 700.0, 1000.0, largest]
    points += references.landmarks(name, dtype, **parameters)
    x = np.concatenate([references.neighbours(points, 3, dtype), np.array([INF, -INF, NAN], dtype)])
    true = true_values(name, kind, x, **parameters)
    got = helpers.Operation(activation, kind)(x)
    error = error_in_ulp(got, true, error_scale(name, kind, true, x, **parameters))
    assert error.max() <= activation.bounds[dtype.name][kind]
    root = root_of_derivative(name) if kind == "derivative" else None
    signed = ~np.isnan(x) & (true != 0)
    if root is not None:  # so near that the sign is within the error
        signed &= (x < dtype.type(root - 1e-5)) | (x > dtype.type(root + 1e-5))
    assert np.array_equal(np.signbit(got[signed]), (true[signed] < 0).astype(bool))


def test_no_nan_comes_from_what_is_not_nan(activation, dtype):
    x = helpers.bit_patterns(dtype, 5000)
    x = np.concatenate([x, helpers.specials(dtype)])
    x = x[~np.isnan(x)]
    for parameters in helpers.example_parameters(activation):
        assert not np.isnan(activation(x, **parameters)).any()
        assert not np.isnan(activation.derivative(x, **parameters)).any()


@pytest.mark.sampled
def test_nan_stays_nan_in_every_position_and_touches_nothing_else(elementwise_operation, dtype):
    for length in helpers.by_lane((1, 2, 3, 7, 8, 9, 17, 33, 65), (*range(1, 36), 63, 64, 65, 100)):
        arrays = [ordinary(length, dtype) for _ in range(elementwise_operation.arity)]
        arrays[-1] = np.abs(arrays[-1]) / 8  # an output of every function
        clean = elementwise_operation(*arrays)
        for array, position in itertools.product(arrays, range(length)):
            kept, array[position] = array[position], NAN
            got = elementwise_operation(*arrays)
            array[position] = kept
            stopped = array is not arrays[-1] and elementwise_operation(INF, arrays[-1][position]) == 0
            assert np.isnan(got[position]) or (stopped and got[position] == 0)
            got[position] = clean[position]
            helpers.assert_same_bits(got, clean)


def test_every_nan_gives_nan(elementwise_operation, dtype):
    """Quiet and signalling, of both signs."""
    word = helpers.unsigned(dtype)
    infinity, sign = (np.array(v, dtype).view(word) for v in (INF, -0.0))
    mantissa = np.finfo(dtype).nmant
    nans = np.array([infinity | bit for bit in (1 << np.arange(mantissa, dtype=word))] * 2)
    nans[mantissa:] |= sign
    x = nans.view(dtype)
    assert np.isnan(elementwise_operation(*[np.ones_like(x)] * (elementwise_operation.arity - 1), x)).all()


def test_gradient_at_nan_is_nan_everywhere(activation, dtype):
    """Elsewhere it is 1 in the leftover tail of a loop and 0 in its vector body."""
    for length in range(1, 70):
        x = np.full(length, NAN, dtype)
        assert np.isnan(activation.derivative(x, **helpers.typical(activation))).all()
        for argument in activation.backward_from:
            for g in (0.0, 1.0, INF):
                keywords = {argument: x} | helpers.typical(activation)
                assert np.isnan(activation.backward(np.full_like(x, g), **keywords)).all()


def test_a_zero_branch_stops_whatever_the_gradient_holds(activation, dtype):
    grad, x = gradients(dtype), np.concatenate([np.arange(-8, 9, dtype=dtype) / 2, np.array([-0.0, INF, -INF], dtype)])
    if not helpers.SPECS[activation.name].piecewise:
        pytest.skip("no branch")
    for parameters in helpers.example_parameters(activation):
        stopped = x[activation.derivative(x, **parameters) == 0]
        for value in stopped:
            same = np.full_like(grad, value)
            helpers.assert_same_bits(activation.backward(grad, x=same, **parameters), np.zeros_like(grad))
            if "y" in activation.backward_from:
                y = activation(same, **parameters)
                helpers.assert_same_bits(activation.backward(grad, y=y, **parameters), np.zeros_like(grad))


def test_infinity_times_a_derivative_that_vanishes_is_nan(target, dtype):
    for name in ("sigmoid", "tanh"):
        activation = helpers.on_target(name, target)
        infinite, far = np.array([INF, -INF], dtype), np.array([1e4, -1e4], dtype)
        assert np.isnan(activation.backward(infinite, x=far)).all()
        assert np.isnan(activation.backward(infinite, y=np.ones(2, dtype))).all()


@pytest.mark.parametrize("slope", [0.0, -0.0, 0.2, 1.0, 3.0, -0.5, 1e-42, 1e30])
def test_leaky_relu_is_the_product_below_zero(target, dtype, slope):
    """A slope above 1 too, where max(x, slope * x) is wrong."""
    leaky_relu = helpers.on_target("leaky_relu", target)
    x = np.concatenate([helpers.bit_patterns(dtype, 3000), helpers.specials(dtype)])
    x = x[(x > -INF) if slope == 0 else ~np.isnan(x)]  # a slope of 0 gives a zero of either sign at -inf
    with np.errstate(all="ignore"):
        want = np.where(x > 0, x, x * dtype.type(slope))
    helpers.assert_same_bits(leaky_relu(x, slope), want)
    helpers.assert_same_bits(leaky_relu.derivative(x, slope), np.where(x > 0, 1, dtype.type(slope)).astype(dtype))
    if slope == 0:
        assert leaky_relu(np.full(9, -INF, dtype), slope).tolist() == [0.0] * 9


def test_relu_of_minus_zero_is_plus_zero(target, dtype):
    assert not np.signbit(helpers.on_target("relu", target)(np.full(40, -0.0, dtype))).any()


def test_sigmoid_keeps_its_subnormal_tail(target, dtype):
    """Elsewhere it is 0 below -88.7, where the truth is a subnormal."""
    first, last = (-87.4, -103.27) if dtype == np.float32 else (-708.4, -744.44)
    x = np.linspace(first, last, 1000, dtype=dtype)
    sigmoid = helpers.on_target("sigmoid", target)
    for y, kind in ((sigmoid(x), "forward"), (sigmoid.derivative(x), "derivative")):
        assert (y > 0).all()
        assert (y[:-1] >= y[1:]).all()
        assert error_in_ulp(y, true_values("sigmoid", kind, x)).max() <= sigmoid.bounds[dtype.name][kind]


def test_derivatives_from_the_input_are_right_where_the_output_is_saturated(target, dtype):
    """From the output tanh'(-9.45) is 0 in float32; the truth is 2.5e-8."""
    for name in ("sigmoid", "tanh"):
        activation = helpers.on_target(name, target)
        x = np.linspace(-40, 40, 1001, dtype=dtype)
        true = true_values(name, "derivative", x)
        assert error_in_ulp(activation.derivative(x), true).max() <= activation.bounds[dtype.name]["derivative"]
        assert (activation.derivative(x) > 0).all()


def test_vector_body_and_tail_agree(elementwise_operation, dtype):
    """Elsewhere one value at a time gives other bits than a batch of them."""
    arrays = helpers.arguments(elementwise_operation, 600, dtype)
    batch = elementwise_operation(*arrays)
    single = [elementwise_operation(*(array[k : k + 1] for array in arrays)) for k in range(600)]
    helpers.assert_same_bits(np.concatenate(single), batch)


def test_in_place_on_a_view_writes_the_view_only(elementwise_operation, dtype):
    """Elsewhere relu in place writes outside its view, and backward is wrong in Fortran order."""
    for order in "CF":
        arrays = [
            np.array(helpers.values((9, 11), dtype, seed), order=order) for seed in range(elementwise_operation.arity)
        ]
        views = [array[1:8:2, 2:9:3] for array in arrays]
        want, whole = elementwise_operation(*(view.copy() for view in views)), arrays[0].copy()
        assert elementwise_operation(*views, out=views[0]) is views[0]
        whole[1:8:2, 2:9:3] = want
        helpers.assert_same_bits(arrays[0], whole)


def test_softmax_large_logits_keep_their_accuracy(target, dtype):
    """Rounding x - max before the exponential costs 66 ulp in float32 and 513 in float64."""
    softmax = helpers.on_target("softmax", target)
    random = np.random.default_rng(3)
    for scale in (30, 100, 1e3, 1e4, 1e6):
        x = (scale * random.uniform(size=(40, 20))).astype(dtype)
        x[:, ::3] = x[:, 1:2] - random.uniform(0, 60, (40, 7)).astype(dtype)
        error = error_in_ulp(softmax(x), true_values("softmax", "forward", x))
        assert error.max() <= softmax.bounds[dtype.name]["forward"]


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 15, 16, 17, 33, 100])
def test_softmax_special_rows(target, dtype, length):
    softmax = helpers.on_target("softmax", target)
    _, _, largest = limits(dtype)
    for same in (0.0, -0.0, 1.0, largest, -largest):
        helpers.assert_same_bits(softmax(np.full(length, same, dtype)), np.full(length, 1, dtype) / dtype.type(length))
    assert np.isnan(softmax(np.full(length, -INF, dtype))).all()
    for position in range(length):
        one_hot = np.zeros(length, dtype)
        one_hot[position] = 1
        for low, high in ((-INF, 0.0), (-INF, -largest), (-largest, largest), (-1e30, 1e30)):
            helpers.assert_same_bits(softmax(np.where(one_hot == 1, high, low).astype(dtype)), one_hot)
        for bad in (NAN, INF):  # spoils its own row, in every position, and no other
            x = np.zeros((3, length), dtype)
            x[1, position] = bad
            y = softmax(x)
            assert np.isnan(y[1]).all()
            helpers.assert_same_bits(y[::2], softmax(np.zeros((2, length), dtype)))


@pytest.mark.parametrize("length", [1, 5, 16, 33])
def test_softmax_backward_special_rows(target, dtype, length):
    softmax = helpers.on_target("softmax", target)
    grad, y = ordinary(3 * length, dtype).reshape(3, length), softmax(ordinary(3 * length, dtype).reshape(3, length))
    clean = softmax.backward(grad, y=y)
    for array, position in itertools.product((grad, y), range(length)):
        kept, array[1, position] = array[1, position], NAN
        got = softmax.backward(grad, y=y)
        array[1, position] = kept
        assert np.isnan(got[1]).all()
        helpers.assert_same_bits(got[::2], clean[::2])
    assert not softmax.backward(grad, y=np.zeros_like(y)).any()


def test_numbers_and_arrays_agree(target):
    """A Python number gives what an array of float64 gives."""
    for activation in fa.ACTIVATIONS.values():
        if activation.kind != "rowwise":
            bound = core.on_target(activation, target)
            for x in (0.0, -0.0, 1.5, -INF, INF, -1000.0):
                keywords = helpers.typical(bound)
                helpers.assert_same_bits(bound(x, **keywords), bound(np.array([x]), **keywords)[0])
