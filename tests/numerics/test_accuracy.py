"""Errors in ulp against a higher precision: every activation, type and target keeps the bounds it documents.

The bounds stand in the catalogue, and so do the formulas of which references.py makes true values: float64 is compared
with these, float32 too and, at far more inputs, with float64.  Here the float32 patterns are strided through;
tools/accuracy.py sweeps all of them.  The quick lane tries every formula on the best target, at fewer inputs.
"""

import functools
import math

import gmpy2
import numpy as np
import pytest

import fastact as fa
import helpers
import references
from fastact._truth import error_scale, in_float64, root_of_derivative
from fastact.catalogue import SPECS
from fastact.core import function as core
from references import MPFR, arguments, error_in_ulp, true_values

pytestmark = pytest.mark.sampled

STRIDE = helpers.by_lane(100_003, 10_007)  # primes: 43 or 430 thousand float32 patterns, all binades
# Of each sort: 17 together.
POINTS = {"float32": helpers.by_lane(10, 100, 300), "float64": helpers.by_lane(20, 200, 600)}
ELEMENTWISE = [name for name, activation in fa.ACTIVATIONS.items() if activation.kind != "rowwise"]
CONTRACT = {"float32": 2.0, "float64": 2.0, "gelu": 3.0, "rowwise": 3.0}
LENGTHS = (*range(1, 34), 100, 1000, 100_000)
SOME_LENGTHS = (1, 2, 3, 7, 8, 10, 16, 17, 33, 100, 1000)
ROWS = [
    (name, length)
    for name, activation in fa.ACTIVATIONS.items()
    if activation.kind == "rowwise"
    for length in (LENGTHS if name == "softmax" else SOME_LENGTHS)
]


def in_quick_lane(target, length=1, **_):
    return target == core.TARGETS[0] and length in SOME_LENGTHS


@pytest.fixture(params=["forward", "derivative", "backward_y"])
def kind(request, activation):
    """What an activation computes within a bound; backward from x is exact."""
    if request.param not in helpers.kinds(activation):
        pytest.skip("the output does not determine the derivative")
    return request.param


def complete(name, parameters):
    """Return parameters with the defaults of those not given, as something that caches can remember."""
    return tuple((SPECS[name].typical | parameters).items())


@functools.cache
def chosen_inputs(name, dtype, parameters, count):
    points = references.telling_points(name, dtype, count, **dict(parameters))
    return points[:: helpers.by_lane(4, 1)].copy()


def inputs(name, dtype, parameters, stride=STRIDE):
    """Yield blocks of values: of float32 a stride through all, of both many that are chosen."""
    yield chosen_inputs(name, dtype, complete(name, parameters), helpers.by_lane(500, 3000))
    if dtype == np.float32:
        yield from references.float32_patterns(stride)


@functools.cache
def truth(name, kind, dtype, parameters):
    """Return an operation's arguments, true values and what errors are relative to, which every target shares."""
    count = POINTS[dtype.name] // (1 if parameters == complete(name, {}) else 5)
    arrays = arguments(name, kind, chosen_inputs(name, dtype, parameters, count), **dict(parameters))
    true = true_values(name, kind, *arrays, **dict(parameters))
    return arrays, true, error_scale(name, kind, true, *arrays, **dict(parameters))


def assert_within(bound, arrays, got, true, scale=None):
    if not got.size:
        return
    error = error_in_ulp(got, true, scale)
    worst = np.unravel_index(np.argmax(error), error.shape)
    told = ", ".join(f"{array[worst]!r} ({float(array[worst]).hex()})" for array in arrays)
    assert error[worst] <= bound, f"{error[worst]:.3f} ulp at {told}: got {got[worst]!r} for {true[worst]}"


@pytest.mark.parametrize("name", fa.ACTIVATIONS)
def test_bounds_are_within_the_contract(name):
    activation = fa.ACTIVATIONS[name]
    wanted = set(helpers.kinds(activation)) - {"backward_x"}
    for dtype in ("float32", "float64"):
        bounds = activation.bounds[dtype]
        most = (
            CONTRACT["rowwise"]
            if activation.kind == "rowwise"
            else CONTRACT[name if name == "gelu" and dtype == "float64" else dtype]
        )
        assert bounds.keys() == wanted
        assert all(0 <= bound <= most for bound in bounds.values())


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_formulas_of_derivatives_are_differences_of_the_function(name):
    row, parameters = SPECS[name], dict(complete(name, {}))
    x = references.telling_points(name, np.float64, 20, **parameters)
    x = x[(np.abs(x) > 1e-300) & (np.abs(x) < 700)][:200]
    parameters = {key: gmpy2.mpfr(value) for key, value in parameters.items()}
    precision = 4000
    with gmpy2.context(precision=precision):
        longer, step = references.mpfr(x), references.mpfr(np.abs(x)) * gmpy2.exp2(-precision // 40)
        after, before = (
            MPFR.evaluate(row.formula, {"x": longer + shift} | parameters, precision) for shift in (step, -step)
        )
        derivative = MPFR.evaluate(row.derivative, {"x": longer} | parameters, precision)
        smooth = np.isin(x, list(parameters.values()), invert=True) & (x % 0.5 != 0)
        difference = abs((after - before) / (2 * step) - derivative)
        assert all(difference[smooth] <= 1e-25 * abs(derivative[smooth]) + 1e-40)
        if row.derivative_y:
            y = MPFR.evaluate(row.formula, {"x": longer} | parameters, precision)
            from_output = MPFR.evaluate(row.derivative_y, {"y": y} | parameters, precision)
            assert all(abs(from_output - derivative)[smooth] <= 1e-30 * abs(derivative[smooth]))


def test_error_is_within_the_bound(activation, kind, dtype):
    operation, bound = helpers.Operation(activation, kind), activation.bounds[dtype.name][kind]
    for parameters in helpers.example_parameters(activation, from_y=kind == "backward_y"):
        arrays, true, scale = truth(activation.name, kind, dtype, complete(activation.name, parameters))
        assert_within(bound, arrays, operation(*arrays, **parameters), true, scale)


def test_float32_is_float64_rounded_within_the_bound(activation, kind):
    """At far more inputs than there are true values for."""
    name, operation, bound = activation.name, helpers.Operation(activation, kind), activation.bounds["float32"][kind]
    for number, parameters in enumerate(helpers.example_parameters(activation, from_y=kind == "backward_y")):
        exact = in_float64(name, dict(complete(name, parameters)))
        for x in references.float32_patterns((STRIDE, 10 * STRIDE + 1)[number > 0]):
            arrays = arguments(name, kind, x, **parameters)
            with np.errstate(invalid="ignore"):  # signalling NaN
                longer = [array.astype(np.float64) for array in arrays]
            true = operation(*longer, **exact)
            scale = error_scale(name, kind, true, *longer, **exact)
            assert_within(bound + 1e-6, arrays, operation(*arrays, **parameters), true, scale)


def test_backward_is_grad_times_derivative_rounded_once(activation, dtype):
    """From the output too, where the derivative is what a gradient of 1 gives."""
    name = activation.name
    for source in activation.backward_from:
        for parameters in helpers.example_parameters(activation, from_y=source == "y"):
            for x in inputs(name, dtype, parameters, 10 * STRIDE + 1):
                if source == "x":
                    derivative = activation.derivative(x, **parameters)
                else:
                    one, x = arguments(name, "backward_y", x, **parameters)
                    derivative = activation.backward(one, y=x, **parameters)
                grad = references.some_gradient(x)
                grad[::3] = helpers.bit_patterns(dtype, grad.size)[::3]  # of any size: infinities and NaN among them
                want = helpers.chained(activation, grad, derivative)
                helpers.assert_same_bits(activation.backward(grad, **{source: x}, **parameters), want)


def test_increasing_functions_increase(activation, dtype):
    """Up to the bound: from one number to the next larger the value never falls by more."""
    if not references.is_increasing(activation.name):
        pytest.skip("not an increasing function")
    allowed, parameters = activation.bounds[dtype.name]["forward"], helpers.typical(activation)
    for x in inputs(activation.name, dtype, {}):
        x = np.sort(x[~np.isnan(x)])
        with np.errstate(over="ignore"):
            x = np.unique(np.concatenate([x, np.nextafter(x, dtype.type(np.inf))]))
        y = activation(x, **parameters)
        with np.errstate(all="ignore"):
            least = y[:-1] - allowed * np.spacing(np.abs(y[:-1]))
        assert np.all(y[1:] >= np.where(np.isfinite(least), least, y[:-1]))


def test_odd_functions_are_odd_to_the_bit(activation, dtype):
    if not references.is_odd(activation.name):
        pytest.skip("not an odd function")
    for x in inputs(activation.name, dtype, {}):
        helpers.assert_same_bits(activation(-x), -activation(x))
        helpers.assert_same_bits(activation.derivative(-x), activation.derivative(x))


def test_values_stay_in_the_range_of_the_function(activation, dtype):
    for parameters in helpers.example_parameters(activation):
        lower, upper = references.output_range(activation.name, **parameters)
        for x in inputs(activation.name, dtype, parameters, 10 * STRIDE + 1):
            y = activation(x, **parameters)
            assert np.all((y >= dtype.type(lower)) & (y <= dtype.type(upper)) | np.isnan(x))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_roots_of_derivatives_are_where_their_sign_changes(name):
    roots, known = references.derivative_roots(name, **SPECS[name].typical), root_of_derivative(name)
    assert len(roots) == (known is not None)
    assert all(abs(root - known) < 1e-15 for root in roots)


def test_odd_and_increasing_functions_are_known():
    """Found by their values: as a check of the finding, some that everybody knows."""
    odd = {name for name in ELEMENTWISE if references.is_odd(name)}
    increasing = {name for name in ELEMENTWISE if references.is_increasing(name)}
    assert odd == {"tanh", "tanh_shrink", "soft_sign", "hard_tanh", "hard_shrink", "soft_shrink", "identity"}
    assert {"sigmoid", "tanh", "relu", "leaky_relu", "softplus", "elu", "exponential"} <= increasing
    assert not increasing & {"gelu", "silu", "mish", "gaussian", "threshold"}


@functools.cache
def row_truth(name, dtype, length):
    """Return rows and their true values; longer numbers take their time."""
    rows = (2000 if dtype == np.float32 else 200) // (length * helpers.by_lane(5, 2, 1))
    blocks = references.telling_rows(dtype, length, max(1, rows))[: None if length < 10_000 else 3]
    blocks = [-x for x in blocks] if name == "softmin" else blocks
    truths = [true_values(name, "forward", x) for x in blocks]
    return [(x, true, error_scale(name, "forward", true, x)) for x, true in zip(blocks, truths, strict=True)]


@functools.cache
def row_backward_truth(name, kind, dtype, length):
    """Gradients and outputs (or inputs), the truth, and what its error is relative to."""
    if kind == "backward_x":
        pairs = [
            (np.repeat(references.some_gradient(x[:, :1]), length, axis=1), x)
            for x, *_ in row_truth(name, dtype, length)
        ]
    else:
        outputs = [true.astype(dtype) for _, true, _ in row_truth(name, dtype, length)]
        pairs = [(grad, y) for y in outputs for grad in references.row_gradients(y)]
    truths = [true_values(name, kind, *pair) for pair in pairs]
    scales = [error_scale(name, kind, true, *pair) for pair, true in zip(pairs, truths, strict=True)]
    return list(zip(pairs, truths, scales, strict=True))


@pytest.mark.parametrize(("name", "length"), ROWS)
def test_error_of_rows_is_within_the_bound(name, target, dtype, length):
    function = helpers.on_target(name, target)
    for x, true, scale in row_truth(name, dtype, length):
        assert_within(function.bounds[dtype.name]["forward"], (x,), function(x), true, scale)


@pytest.mark.parametrize(("name", "length"), ROWS)
def test_error_of_gradients_through_rows_is_within_the_bound(name, target, dtype, length):
    backward, bound = helpers.on_target(name, target).backward, fa.ACTIVATIONS[name].bounds[dtype.name]["backward_y"]
    for (grad, y), true, terms in row_backward_truth(name, "backward_y", dtype, length):
        assert_within(bound, (grad, y), backward(grad, y=y), true, terms)


def test_error_of_a_gradient_whose_last_term_is_by_far_the_largest(target):
    """Its term is added to one that is smaller, which the compensation of a sum does not expect."""
    grad = (
        "0.000800446549 -0.0669601113 -12.6161652 -11.7112551 2.44520831 -61.2872581 -4.66530085 -2.23881316 "
        "-0.048700463 -0.0120697673 0.390597969 -5.79979563 -0.16730535 -0.134693399 -0.770461082 1.49760127 "
        "1042.06287"
    )
    y = (
        "0.0286805313 0.0542821661 0.0205339864 0.0299791861 0.0131140314 0.0102785826 0.0657118037 0.0472380891 "
        "0.0286059547 0.0772978961 0.150891364 0.0523670539 0.101070978 0.0879309103 0.0699452758 0.0224630143 "
        "0.128284603"
    )
    grad, y = (np.array([row.split()], np.float32) for row in (grad, y))
    true = true_values("softmax", "backward_y", grad, y)
    terms = error_scale("softmax", "backward_y", true, grad, y)
    bound = fa.softmax.bounds["float32"]["backward_y"]
    assert_within(bound, (grad, y), helpers.on_target("softmax", target).backward(grad, y=y), true, terms)


@pytest.mark.parametrize("length", SOME_LENGTHS)
@pytest.mark.parametrize("name", fa.REDUCTIONS)
def test_error_of_reductions_is_within_the_bound(name, target, dtype, length):
    """One number a row stands in every place of the truth.  A gradient loses what a subnormal share has lost."""
    function = helpers.on_target(name, target)
    bounds = function.bounds[dtype.name]
    for x, true, scale in row_truth(name, dtype, length):
        got = np.repeat(function(x, keepdims=True), length, axis=1)
        assert_within(bounds["forward"], (x,), got, true, np.broadcast_to(scale, x.shape))
    for (grad, x), true, scale in row_backward_truth(name, "backward_x", dtype, length):
        got = function.backward(grad[:, :1], x=x)
        least = abs(grad) * np.finfo(dtype).smallest_normal
        assert_within(bounds["backward_x"], (grad, x), got, true, np.where(abs(scale) < least, least, scale))


@pytest.mark.parametrize(("name", "length"), [(name, n) for name, n in ROWS if name != "log_softmax"])
def test_probabilities_sum_to_one(name, target, dtype, length):
    function = helpers.on_target(name, target)
    for x, *_ in row_truth(name, dtype, length):
        for row in function(x)[:100]:
            assert abs(math.fsum(row) - 1) <= max(1, math.log2(length)) * np.finfo(dtype).eps
