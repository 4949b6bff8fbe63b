"""Errors in ulp against a higher precision: every activation, type and target keeps the bounds it documents.

The bounds stand in `activation.bounds`, the true values in references.py.  Here the float32 patterns are strided through;
tools/accuracy.py sweeps all of them.
"""

import functools
import math

import gmpy2
import numpy as np
import pytest

import fastact as fa
import helpers
import references
from references import REFERENCES, arguments, error_in_ulp, formula, true_values

STRIDE = 1009  # a prime: 4.3 million float32 patterns
POINTS = 1500  # of each sort, in float64: 40 thousand together
ELEMENTWISE = [name for name, activation in fa.ACTIVATIONS.items() if activation.kind == "elementwise"]
CONTRACT = {"elementwise": 2.0, "rowwise": 3.0}
LENGTHS = (*range(1, 34), 100, 1000, 100_000)


@pytest.fixture(params=["forward", "derivative", "backward_y"])
def kind(request, activation):
    """What an activation computes within a bound; backward from x is exact."""
    if request.param not in helpers.kinds(activation):
        pytest.skip("the output does not determine the derivative")
    return request.param


@functools.cache
def chosen_inputs(name, dtype):
    return references.telling_points(REFERENCES[name], dtype, 10_000)


def inputs(name, dtype, stride=10 * STRIDE + 1):
    """Yield blocks of values: of float32 a stride through all, of both many that are chosen."""
    yield chosen_inputs(name, dtype)
    if dtype == np.float32:
        yield from references.float32_patterns(stride)


@functools.cache
def float64_truth(name, kind, parameters):
    """Return an operation's arguments and true values, which every target shares."""
    x = references.telling_points(REFERENCES[name], np.float64, POINTS)
    arrays = arguments(name, kind, x)
    return arrays, true_values(formula(name, kind), *arrays, **dict(parameters))


def assert_within(bound, arrays, got, true, scale=None):
    if not got.size:
        return
    error = error_in_ulp(got, true, scale)
    worst = np.unravel_index(np.argmax(error), error.shape)
    told = ", ".join(f"{array[worst]!r} ({float(array[worst]).hex()})" for array in arrays)
    assert error[worst] <= bound, f"{error[worst]:.3f} ulp at {told}: got {got[worst]!r} for {true[worst]}"


def parameters_of(activation, kind):
    """Return the parameters to try; negative slopes too, but from the output."""
    tried = list(helpers.example_parameters(activation))
    if activation.name == "leaky_relu" and kind != "backward_y":
        tried += [{"negative_slope": slope} for slope in (-0.3, 1e-40, -1e30)]
    return tried


def test_every_activation_has_a_reference():
    assert REFERENCES.keys() == fa.ACTIVATIONS.keys()


@pytest.mark.parametrize("name", fa.ACTIVATIONS)
def test_bounds_are_within_the_contract(name):
    activation = fa.ACTIVATIONS[name]
    wanted = set(helpers.kinds(activation)) - {"backward_x"}
    for dtype in ("float32", "float64"):
        bounds = activation.bounds[dtype]
        assert bounds.keys() == wanted
        assert all(0 <= bound <= CONTRACT[activation.kind] for bound in bounds.values())


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_references_are_a_precision_better(name):
    x = references.telling_points(REFERENCES[name], np.float32, 300)
    parameters = {key: np.float32(value) for key, value in fa.ACTIVATIONS[name].parameters.items()}
    for kind in helpers.kinds(fa.ACTIVATIONS[name]):
        if kind != "backward_x":
            arrays = arguments(name, kind, x)
            in_double = true_values(formula(name, kind), *arrays, **parameters)
            in_mpfr = true_values(formula(name, kind), *(array.astype(np.float64) for array in arrays), **parameters)
            assert error_in_ulp(in_double, in_mpfr).max() < 8  # of float64: 1.5e-8 of float32


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_references_of_derivatives_are_differences_of_the_function(name):
    reference, parameters = REFERENCES[name], dict(fa.ACTIVATIONS[name].parameters)
    x = references.telling_points(reference, np.float64, 20)
    x = x[(np.abs(x) > 1e-300) & (np.abs(x) < 700)][:200]
    with gmpy2.context(precision=4000):
        longer, step = references.mpfr(x), references.mpfr(np.abs(x)) * gmpy2.exp2(-100)
        parameters = {key: gmpy2.mpfr(value) for key, value in parameters.items()}
        after, before = (reference.forward(longer + shift, **parameters) for shift in (step, -step))
        derivative = reference.derivative(longer, **parameters)
        assert all(abs((after - before) / (2 * step) - derivative) <= 1e-30 * abs(derivative))
        if reference.derivative_y:
            from_output = reference.derivative_y(reference.forward(longer, **parameters), **parameters)
            assert all(abs(from_output - derivative) <= 1e-30 * abs(derivative))


def test_float32_error_is_within_the_bound(activation, kind):
    operation, bound = helpers.Operation(activation, kind), activation.bounds["float32"][kind]
    for number, parameters in enumerate(parameters_of(activation, kind)):
        for x in inputs(activation.name, np.dtype(np.float32), (STRIDE, 10 * STRIDE + 1)[number > 0]):
            arrays = arguments(activation.name, kind, x)
            true = true_values(formula(activation.name, kind), *arrays, **parameters)
            assert_within(bound, arrays, operation(*arrays, **parameters), true)


def test_float64_error_is_within_the_bound(activation, kind):
    operation, bound = helpers.Operation(activation, kind), activation.bounds["float64"][kind]
    for parameters in parameters_of(activation, kind):
        arrays, true = float64_truth(activation.name, kind, tuple(parameters.items()))
        assert_within(bound, arrays, operation(*arrays, **parameters), true)


def test_backward_is_grad_times_derivative_rounded_once(activation, dtype):
    """From the output too, where the derivative is what a gradient of 1 gives."""
    name = activation.name
    for parameters in parameters_of(activation, "backward_x"):
        for x in inputs(name, dtype):
            assert_rounded_once(
                name,
                references.some_gradient(x),
                activation.derivative(x, **parameters),
                activation.backward,
                x=x,
                **parameters,
            )
    if "y" in activation.backward_from:
        for parameters in parameters_of(activation, "backward_y"):
            for x in inputs(name, dtype):
                one, y = arguments(name, "backward_y", x)
                derivative = activation.backward(one, y=y, **parameters)
                assert_rounded_once(
                    name, references.some_gradient(y), derivative, activation.backward, y=y, **parameters
                )


def assert_rounded_once(name, grad, derivative, backward, **keywords):
    grad[::3] = helpers.bit_patterns(grad.dtype, grad.size)[::3]  # of any size: infinities and NaN among them
    with np.errstate(all="ignore"):
        product = grad * derivative
    if REFERENCES[name].piecewise:
        product[derivative == 0] = 0
    helpers.assert_same_bits(backward(grad, **keywords), product)


def test_increasing_functions_increase(activation, dtype):
    """Up to the bound: from one number to the next larger the value never falls by more."""
    if not REFERENCES[activation.name].increasing:
        pytest.skip("not an increasing function")
    allowed = activation.bounds[dtype.name]["forward"]
    for x in inputs(activation.name, dtype):
        x = np.sort(x[~np.isnan(x)])
        with np.errstate(over="ignore"):
            x = np.unique(np.concatenate([x, np.nextafter(x, dtype.type(np.inf))]))
        y = activation(x)
        with np.errstate(all="ignore"):
            least = y[:-1] - allowed * np.spacing(np.abs(y[:-1]))
        assert np.all(y[1:] >= np.where(np.isfinite(least), least, y[:-1]))


def test_odd_functions_are_odd_to_the_bit(activation, dtype):
    if not REFERENCES[activation.name].odd:
        pytest.skip("not an odd function")
    for x in inputs(activation.name, dtype):
        helpers.assert_same_bits(activation(-x), -activation(x))
        helpers.assert_same_bits(activation.derivative(-x), activation.derivative(x))


def test_values_stay_in_the_range_of_the_function(activation, dtype):
    lower, upper = REFERENCES[activation.name].range
    for x in inputs(activation.name, dtype):
        y = activation(x)
        assert np.all((y >= lower) & (y <= upper) | np.isnan(x))


@functools.cache
def softmax_truth(dtype, length):
    if dtype == np.float32:
        blocks = references.telling_rows(dtype, length, max(2, 10_000 // length))
    else:  # MPFR takes its time
        blocks = references.telling_rows(dtype, length, max(1, 200 // length))[: None if length < 10_000 else 3]
    return [(x, true_values(references.softmax, x)) for x in blocks]


@functools.cache
def softmax_backward_truth(dtype, length):
    """Gradients and outputs, the truth, and what its error is relative to."""
    both = references.softmax_backward, references.softmax_backward_terms
    outputs = [true.astype(dtype) for _, true in softmax_truth(dtype, length)]
    return [
        ((grad, y), *(true_values(formula, grad, y) for formula in both))
        for y in outputs
        for grad in references.row_gradients(y)
    ]


@pytest.mark.parametrize("length", LENGTHS)
def test_softmax_error_is_within_the_bound(target, dtype, length):
    softmax = helpers.on_target("softmax", target)
    for x, true in softmax_truth(dtype, length):
        assert_within(softmax.bounds[dtype.name]["forward"], (x,), softmax(x), true)


@pytest.mark.parametrize("length", LENGTHS)
def test_softmax_backward_error_is_within_the_bound_of_its_terms(target, dtype, length):
    softmax = helpers.on_target("softmax", target)
    for (grad, y), true, terms in softmax_backward_truth(dtype, length):
        assert_within(softmax.bounds[dtype.name]["backward_y"], (grad, y), softmax.backward(grad, y=y), true, terms)


@pytest.mark.parametrize("length", LENGTHS)
def test_softmax_rows_sum_to_one(target, dtype, length):
    softmax = helpers.on_target("softmax", target)
    for x, _ in softmax_truth(dtype, length):
        for row in softmax(x)[:100]:
            assert abs(math.fsum(row) - 1) <= max(1, math.log2(length)) * np.finfo(dtype).eps
