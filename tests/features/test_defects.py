"""Defects of other libraries that fastact does not have, each under its name: the formula that has it fails, ours does not.

What happens elsewhere is computed here in the array's own type, as those libraries do.
"""

import math

import numpy as np
import pytest

import fastact as fa
import helpers
from references import error_in_ulp, true_values

INF = np.inf
BOTH = (np.float32, np.float64)


def of_each(function):
    """Return a scalar function of the standard library over an array, rounded to its type."""
    return lambda x: np.array([function(float(v)) for v in x], np.float64).astype(x.dtype)


erf, erfc = of_each(math.erf), of_each(math.erfc)


def rounded(value):
    """Return a constant in x's type."""
    return lambda x: x.dtype.type(value)


root2, half = rounded(math.sqrt(2)), rounded(0.5)


def tanh_gelu(x):
    inner = x.dtype.type(math.sqrt(2 / math.pi)) * (x + x.dtype.type(0.044715) * x * x * x)
    return half(x) * x * (1 + np.tanh(inner))


def mish_by_square(x):
    square = (1 + np.exp(x)) ** 2
    return x * ((square - 1) / (square + 1))


# name -> activation, kind, the formula that fails, inputs in float32 and float64 (None: not in this type), by how many ulp
DEFECTS = {
    "gelu_by_erf_loses_its_tail": (
        "gelu",
        "forward",
        lambda x: half(x) * x * (1 + erf(x / root2(x))),
        [-5.5, -7.34, -12],
        [-8.5, -20, -38],
        1e3,
    ),
    "gelu_by_erf_is_nan_at_minus_infinity": (
        "gelu",
        "forward",
        lambda x: half(x) * x * (1 + erf(x / root2(x))),
        [-INF],
        [-INF],
        INF,
    ),
    "gelu_by_erfc_of_a_rounded_argument": (
        "gelu",
        "forward",
        lambda x: half(x) * x * erfc(-x / root2(x)),
        np.linspace(-12.9, -12, 50),
        np.linspace(-37, -36, 50),
        20,
    ),
    "gelu_tanh_by_tanh_loses_its_tail": ("gelu_tanh", "forward", tanh_gelu, [-5.06, -7.34, -9], [-8, -9.5, -15], 1e3),
    "silu_is_nan_at_minus_infinity": ("silu", "forward", lambda x: x / (1 + np.exp(-x)), [-INF], None, INF),
    "silu_is_flushed_to_zero": ("silu", "forward", lambda x: x * (1 / (1 + np.exp(-x))), [-89, -95], [-711, -730], 1e3),
    "mish_is_nan_at_minus_infinity": (
        "mish",
        "forward",
        lambda x: x * np.tanh(np.log1p(np.exp(x))),
        [-INF],
        [-INF],
        INF,
    ),
    "mish_by_a_square_cancels": ("mish", "forward", mish_by_square, [-8, -12], [-20, -30], 30),
    "hard_swish_is_nan_at_minus_infinity": (
        "hard_swish",
        "forward",
        lambda x: x * np.clip(x / 6 + half(x), 0, 1),
        [-INF],
        [-INF],
        INF,
    ),
    "sigmoid_is_flushed_to_zero": (
        "sigmoid",
        "forward",
        lambda x: 1 / (1 + np.exp(-x)),
        [-90, -100],
        [-711, -740],
        1e3,
    ),
    "tanh_derivative_from_the_saturated_output": (
        "tanh",
        "derivative",
        lambda x: 1 - np.tanh(x) ** 2,
        [-9.45, 12],
        [-20, 25],
        1e3,
    ),
    "tanh_shrink_cancels_near_zero": (
        "tanh_shrink",
        "forward",
        lambda x: x - np.tanh(x),
        [1e-3, -0.01],
        [1e-5, -1e-3],
        30,
    ),
    "elu_by_exp_cancels_near_zero": ("elu", "forward", lambda x: np.exp(x) - 1, [-1e-4, -1e-6], [-1e-9, -1e-12], 30),
    "selu_by_exp_cancels_near_zero": (
        "selu",
        "forward",
        lambda x: x.dtype.type(1.7580993408473768) * (np.exp(x) - 1),
        [-1e-4, -1e-6],
        [-1e-9, -1e-12],
        30,
    ),
    "celu_by_exp_cancels_near_zero": ("celu", "forward", lambda x: np.exp(x) - 1, [-1e-4, -1e-6], [-1e-9, -1e-12], 30),
    "elu_derivative_from_the_saturated_output": (
        "elu",
        "derivative",
        lambda x: np.expm1(x) + 1,
        [-20, -50],
        [-45, -600],
        1e3,
    ),
    "elu_derivative_is_nan_at_100": (
        "elu",
        "derivative",
        lambda x: (x > 0) + (x <= 0) * np.exp(x),
        [1000],
        [1000],
        INF,
    ),
    "softplus_jumps_at_its_threshold": (
        "softplus",
        "forward",
        lambda x: np.where(x > 20, x, np.log1p(np.exp(x))),
        None,
        [20.5, 21],
        30,
    ),
    "softplus_by_exp_overflows": ("softplus", "forward", lambda x: np.log(1 + np.exp(x)), [89, 1000], [710, 1e6], INF),
    "squareplus_cancels_for_negative_x": (
        "squareplus",
        "forward",
        lambda x: half(x) * (x + np.sqrt(x * x + 4)),
        [-5000, -100],
        [-1e8, -1e5],
        30,
    ),
    "squareplus_overflows": (
        "squareplus",
        "forward",
        lambda x: half(x) * (x + np.sqrt(x * x + 4)),
        [1e30],
        [1e200],
        INF,
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
@pytest.mark.parametrize("dtype", BOTH)
def test_defect(name, dtype, target):
    activation, kind, naive, single, double, least = DEFECTS[name]
    x = single if dtype == np.float32 else double
    if x is None:
        pytest.skip("not in this type")
    x = np.array(x, dtype)
    true = true_values(activation, kind, x, **helpers.SPECS[activation].typical)
    with np.errstate(all="ignore"):
        assert error_in_ulp(np.asarray(naive(x), dtype), true).max() >= least, "the formula does not have this defect"
    got = helpers.Operation(helpers.on_target(activation, target), kind)(x)
    assert error_in_ulp(got, true).max() <= fa.ACTIVATIONS[activation].bounds[np.dtype(dtype).name][kind]


@pytest.mark.parametrize("name", ["silu", "swish", "quick_gelu", "gelu", "gelu_tanh", "mish", "hard_swish"])
def test_derivatives_at_infinities_are_their_limits(name, target, dtype):
    """NaN in every other library."""
    derivative = helpers.on_target(name, target).derivative(np.array([-INF, INF], dtype))
    assert derivative.tolist() == [0.0, 1.0]


def test_leaky_relu_by_max_is_wrong_for_slopes_above_one(target, dtype):
    x = np.array([-1.0, 2.0], dtype)
    assert np.maximum(x, 3 * x).tolist() != [-3.0, 2.0]
    assert helpers.on_target("leaky_relu", target)(x, 3.0).tolist() == [-3.0, 2.0]
