"""prelu: a weight that may lie along an axis, and its gradient.

By a number it is leaky_relu, whose values are tested elsewhere; here: every place gets its own weight, whatever the
layout, and the gradient of the weights is the sum it should be, the same bits for any strides and threads.
"""

import fractions
import inspect
import itertools
import math
import sys

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import fastact as fa
import helpers

KINDS = ("forward", "derivative", "backward_x", "backward_y")
SHAPES = [
    ((7,), 0),
    ((1, 1), 1),
    ((1, 5), 1),
    ((5, 1), 1),
    ((300, 5), 1),
    ((3, 17), 1),
    ((17, 3), 0),
    ((40, 70), -1),
    ((3, 2100), 1),
    ((2, 3, 4), 1),
    ((6, 5, 7, 7), 1),
    ((2, 3, 9, 70), 1),
    ((2, 70, 3, 5), -3),
    ((4, 3, 5, 2, 3), 2),
]
EACH_SHAPE = pytest.mark.parametrize(("shape", "axis"), SHAPES, ids=str)


@pytest.fixture
def prelu(target):
    return helpers.on_target("prelu", target)


def weights_for(shape, axis, dtype, seed=5):
    """Return weights for every place along the axis: positive, of several sizes."""
    return np.exp(np.random.default_rng(seed).normal(size=shape[axis])).astype(dtype)


def call(prelu, kind, x, weight, axis=1, **keywords):
    """Compute one kind, with a gradient made of x where one is needed."""
    if kind == "forward":
        return prelu(x, weight, axis, **keywords)
    if kind == "derivative":
        return prelu.derivative(x, weight, axis, **keywords)
    return prelu.backward(gradient(x), **{kind[-1]: x}, weight=weight, axis=axis, **keywords)


def gradient(x):
    return helpers.values(x.shape, x.dtype, seed=3)


def by_channels(kind, x, weight, axis):
    """Return the same by leaky_relu, one place along the axis after another."""
    want, grad = np.empty_like(x), gradient(x)
    for k, slope in enumerate(weight.tolist()):
        at = (slice(None),) * (axis % x.ndim) + (k,)
        if kind == "forward":
            want[at] = fa.leaky_relu(x[at], slope)
        elif kind == "derivative":
            want[at] = fa.leaky_relu.derivative(x[at], slope)
        else:
            want[at] = fa.leaky_relu.backward(grad[at], **{kind[-1]: x[at]}, negative_slope=slope)
    return want


# Values.


@EACH_SHAPE
@pytest.mark.parametrize("kind", KINDS)
def test_every_place_along_the_axis_has_its_own_weight(prelu, kind, shape, axis, dtype):
    x, weight = helpers.values(shape, dtype), weights_for(shape, axis, dtype)
    want = by_channels(kind, x, weight, axis)
    helpers.assert_same_bits(call(prelu, kind, x, weight, axis), want)
    out = np.empty_like(x)
    assert call(prelu, kind, x, weight, axis, out=out) is out
    helpers.assert_same_bits(out, want)


def test_values_are_those_of_the_formula(prelu, dtype):
    x = np.random.default_rng(0).normal(size=(30, 7)).astype(dtype)
    x[0] = 0
    weight, grad = np.array([0.25, 0.5, 3, 1, 0, -0.5, 1e-3], dtype), x[::-1].copy()
    helpers.assert_same_bits(prelu(x, weight), np.where(x > 0, x, weight * x))
    slope = np.where(x > 0, dtype.type(1), weight)
    helpers.assert_same_bits(prelu.derivative(x, weight), slope)
    helpers.assert_same_bits(prelu.backward(grad, x=x, weight=weight), np.where(slope == 0, 0, grad * slope))


def test_a_weight_of_0_stops_any_gradient(prelu, dtype):
    x, grad = np.array([[-1.0, 0, 1, np.nan]], dtype), np.array([[np.inf, np.nan, 2, 3]], dtype)
    for weight in (0.0, np.zeros(1, dtype), np.zeros(4, dtype)):
        got = prelu.backward(grad, x=x, weight=weight)
        helpers.assert_same_bits(got, np.array([[0.0, 0, 2, np.nan]], dtype))


@pytest.mark.parametrize("kind", KINDS)
def test_one_weight_for_all_is_leaky_relu(prelu, kind, dtype):
    x = helpers.values((6, 50), dtype)
    want = by_channels(kind, x[None], np.array([0.2], dtype), 0)[0]
    for weight in (0.2, np.float32(0.2) if dtype == np.float32 else 0.2, fractions.Fraction(1, 5)):
        helpers.assert_same_bits(call(prelu, kind, x, weight), want)
        helpers.assert_same_bits(call(prelu, kind, x[0], weight), call(prelu, kind, x[:1], weight)[0])
    for shape in ((), (1,), (1, 1)):
        helpers.assert_same_bits(call(prelu, kind, x, np.full(shape, 0.2, dtype)), want)


def test_a_scalar_gives_a_scalar(prelu):
    assert type(prelu(-1.0, 0.25)) is np.float64
    assert type(prelu(np.float32(-1), 0.25)) is np.float32
    assert prelu.backward(np.array(2.0), x=np.array(-1.0), weight=np.array([0.25])) == 0.5


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (2, 3, 0)])
def test_size_0_returns_at_once_and_the_weight_has_no_gradient(prelu, shape, dtype):
    x, weight = np.empty(shape, dtype), np.ones(shape[1], dtype)
    assert prelu(x, weight).shape == shape
    weight_grad = np.full(shape[1], 7, dtype)
    assert prelu.backward(x, x=x, weight=weight, weight_grad=weight_grad).shape == shape
    assert not weight_grad.any()


def test_it_is_what_torch_has(dtype):
    torch = pytest.importorskip("torch")
    for shape in ((6, 5), (2, 5, 3), (2, 5, 3, 4)):
        x = np.random.default_rng(1).normal(size=shape).astype(dtype)
        grad, weight = x[::-1].copy(), weights_for(shape, 1, dtype)
        tensors = [torch.tensor(array, requires_grad=True) for array in (x, weight)]
        y = torch.nn.functional.prelu(*tensors)
        y.backward(torch.from_numpy(grad))
        weight_grad = np.empty_like(weight)
        helpers.assert_same_bits(fa.prelu(x, weight), y.detach().numpy())
        got = fa.prelu.backward(grad, x=x, weight=weight, weight_grad=weight_grad)
        helpers.assert_same_bits(got, tensors[0].grad.numpy())
        np.testing.assert_allclose(weight_grad, tensors[1].grad.numpy(), rtol=1e-5, atol=1e-5)
    tensor, out = torch.from_numpy(x), torch.empty(shape, dtype=tensors[0].dtype)
    weight_grad = torch.empty(5, dtype=tensors[0].dtype)
    assert fa.prelu.backward(tensor, x=tensor, weight=tensors[1].detach(), weight_grad=weight_grad, out=out) is out
    helpers.assert_same_bits(weight_grad.numpy(), gradients(fa.prelu, x, weight, 1, grad=x)[1])


# Layouts.


# Types.


def test_a_number_is_rounded_to_the_type_of_the_array(prelu):
    x = helpers.values((9, 4), np.float32)
    for number in (0.1, np.float64(0.1), fractions.Fraction(1, 10)):
        helpers.assert_same_bits(prelu(x, number), prelu(x, np.array(0.1, np.float32)))
    assert prelu(x, np.array(0.1)).dtype == np.float64  # an array has a type of its own
    assert prelu(np.array([-1, 2]), 1)[0] == -1


# Errors.

OUT = 7


def refused(error, match, out, other, function, *arguments, **keywords):
    """The call raises, and both outputs are as they were."""
    with pytest.raises(error, match=match):
        function(*arguments, out=out, **keywords)
    assert (np.asarray(out) == OUT).all()
    assert other is None or (np.asarray(other) == OUT).all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_weight_that_is_not_finite_is_refused_by_name(prelu, wrong, dtype):
    x, out, weight_grad = np.ones((3, 4), dtype), np.full((3, 4), OUT, dtype), np.full(4, OUT, dtype)
    vector = np.full(4, 0.25, dtype)
    vector[2] = wrong
    for weight in (wrong, vector, vector[2:3], np.repeat(vector, 2)[::2]):
        for given in (x, x[:0]):
            refused(ValueError, "weight must be finite", out[: len(given)], None, prelu, given, weight)
            refused(ValueError, "weight must be finite", out[: len(given)], None, prelu.derivative, given, weight)
    for source in ("x", "y"):
        keywords = {source: x, "weight": vector, "weight_grad": weight_grad}
        refused(ValueError, "weight must be", out, weight_grad, prelu.backward, x, **keywords)
    if dtype == np.float32:
        refused(ValueError, "weight must be finite in float32", out, None, prelu, x, 1e39)


@pytest.mark.parametrize("wrong", [0.0, -0.0, -0.5])
def test_the_output_is_not_enough_where_a_weight_is_not_above_0(prelu, wrong, dtype):
    y, out, weight_grad = np.ones((3, 4), dtype), np.full((3, 4), OUT, dtype), np.full(4, OUT, dtype)
    vector = np.array([0.25, 0.5, 1, wrong], dtype)
    for weight, extra in ((wrong, {}), (vector, {"weight_grad": weight_grad})):
        refused(
            ValueError, "weight must be(.|\n)*above 0", out, weight_grad, prelu.backward, y, y=y, weight=weight, **extra
        )
        assert prelu.backward(y, x=y, weight=weight).dtype == dtype


@pytest.mark.parametrize("weight", ["0.1", None, object(), 1j, [1j] * 4, np.ones(4, complex), np.ones(4, "V2")])
def test_a_weight_that_is_no_number_is_refused_by_name(prelu, weight):
    x, out = np.ones((3, 4)), np.full((3, 4), OUT, float)
    refused(TypeError, "weight", out, None, prelu, x, weight)
    refused(TypeError, "weight", out, None, prelu.backward, x, x=x, weight=weight)


@pytest.mark.parametrize("shape", [(3,), (5,), (0,), (4, 1), (2, 2), (1, 3, 4)])
def test_a_weight_that_does_not_fit_is_refused(prelu, shape):
    x, out = np.ones((3, 4)), np.full((3, 4), OUT, float)
    for given, place in ((x, out), (x[:0], out[:0])):
        refused(ValueError, "weight has", place, None, prelu, given, np.ones(shape))


@pytest.mark.parametrize(("shape", "axis"), [((4,), 1), ((), 0), ((4, 4), 2), ((4, 4), -3), ((4, 4), 2**70)])
def test_an_axis_that_is_not_there_is_an_error_that_says_so(prelu, shape, axis):
    x, out = np.ones(shape), np.full(shape, OUT, float)
    refused(np.exceptions.AxisError, "axis", out, None, prelu, x, np.ones(4), axis=axis)
    refused(np.exceptions.AxisError, "axis", out, None, prelu.backward, x, x=x, weight=np.ones(4), axis=axis)
    assert prelu(x, 0.25, axis=axis).shape == shape  # one weight for all lies along no axis


def test_a_vector_and_its_weights_need_axis_0(prelu):
    x = np.array([-1.0, -2.0])
    with pytest.raises(np.exceptions.AxisError, match="1 dimension"):
        prelu(x, np.ones(2))
    helpers.assert_same_bits(prelu(x, np.array([0.5, 0.25]), axis=0), np.array([-0.5, -0.5]))


@pytest.mark.parametrize("axis", [None, 1.0, "1", (0, 1)])
def test_an_axis_that_is_no_integer_is_an_error(prelu, axis):
    x, out = np.ones((3, 4)), np.full((3, 4), OUT, float)
    for weight in (0.25, np.ones(4)):
        refused(TypeError, "axis", out, None, prelu, x, weight, axis=axis)


def test_a_missing_weight_is_a_type_error_in_pythons_words(prelu):
    x = np.ones((3, 4))
    with pytest.raises(TypeError, match=r"prelu\(\) missing 1 required positional argument: 'weight'"):
        prelu(x)
    with pytest.raises(TypeError, match=r"prelu.derivative\(\) missing 1 required positional argument: 'weight'"):
        prelu.derivative(x, out=x)
    with pytest.raises(TypeError, match=r"prelu.backward\(\) missing 1 required keyword-only argument: 'weight'"):
        prelu.backward(x, x=x)


def test_bad_weight_grads_raise_as_out_does(prelu, dtype):
    x, weight, out = np.ones((3, 4), dtype), np.full(4, 0.25, dtype), np.full((3, 4), OUT, dtype)
    other = np.float64 if dtype == np.float32 else np.float32
    read_only = np.full(4, OUT, dtype)
    read_only.flags.writeable = False
    for error, match, wrong in (
        (TypeError, "weight_grad is of dtype", np.full(4, OUT, other)),
        (ValueError, "weight_grad has shape", np.full(3, OUT, dtype)),
        (ValueError, "weight_grad has shape", np.full((1, 4), OUT, dtype)),
        (ValueError, "weight_grad is read-only", read_only),
        (ValueError, "weight_grad overlaps itself", as_strided(np.full(1, OUT, dtype), (4,), (0,))),
        (ValueError, "weight_grad and out share", out[1]),
        (TypeError, "weight_grad", [7.0] * 4),
        (TypeError, "weight_grad", OUT),
    ):
        refused(error, match, out, wrong, prelu.backward, x, x=x, weight=weight, weight_grad=wrong)
    for number in (0.25, np.array([0.25], dtype)):
        wrong = np.full(4, OUT, dtype)
        refused(ValueError, "weight_grad has", out, wrong, prelu.backward, x, x=x, weight=number, weight_grad=wrong)


def test_other_shapes_are_refused(prelu):
    x, out = np.ones((3, 4)), np.full((3, 4), OUT, float)
    refused(ValueError, "shape", out, None, prelu.backward, x, x=np.ones((3, 5)), weight=0.25)
    refused(ValueError, "shape", out, None, prelu, np.ones((4, 3)), 0.25)
    refused(TypeError, "exactly one", out, None, prelu.backward, x, x=x, y=x, weight=0.25)
    refused(TypeError, "unexpected", out, None, prelu, x, 0.25, where=True)


def test_the_signature_has_the_weight(prelu):
    signature = inspect.signature(prelu).parameters
    assert list(signature) == ["x", "weight", "axis", "out"]
    assert signature["weight"].default is inspect.Parameter.empty
    assert list(inspect.signature(prelu.backward).parameters) == [
        "grad",
        "x",
        "y",
        "weight",
        "axis",
        "weight_grad",
        "out",
    ]
    assert dict(prelu.parameters) == {"weight": None, "axis": 1}


def test_a_call_keeps_no_reference(prelu, dtype):
    x, weight, weight_grad = np.ones((3, 40), dtype), np.ones(40, dtype), np.ones(40, dtype)
    watched = [x, weight, weight_grad, x.dtype, np.dtype(np.float64), prelu]
    ways = [
        lambda: prelu(x, weight),
        lambda: prelu(x[:, ::-1], 0.25, out=x[:, ::-1]),
        lambda: prelu.backward(x, x=x, weight=weight, weight_grad=weight_grad, out=x),
        lambda: prelu.backward(x[::-1], y=x, weight=weight.tolist()),
    ]
    for way in ways:
        for calls in (5, 100):
            before = [sys.getrefcount(thing) for thing in watched]
            for _ in range(calls):
                way()
        assert [sys.getrefcount(thing) for thing in watched] == before


# The gradient of the weight.


def gradients(prelu, x, weight, axis, grad=None, source="x", **keywords):
    """Return both gradients."""
    grad = gradient(x) if grad is None else grad
    weight_grad = np.full(np.shape(weight), OUT, np.result_type(x, grad))
    got = prelu.backward(grad, **{source: x}, weight=weight, axis=axis, weight_grad=weight_grad, **keywords)
    return got, weight_grad


def assert_near_true_sums(got, grad, x, axis, divisors=None):
    """Every sum is within 3 ulp, of the sum of its absolute terms, of what math.fsum makes of exact products."""
    info = np.finfo(x.dtype)
    channels = [(grad, x)] if axis is None else zip(np.moveaxis(grad, axis, 0), np.moveaxis(x, axis, 0), strict=True)
    for k, (g, v) in enumerate(channels):
        taken = v <= 0
        terms = [
            fractions.Fraction(a) * fractions.Fraction(b)
            for a, b in zip(g[taken].tolist(), v[taken].tolist(), strict=True)
        ]
        divisor = 1 if divisors is None else fractions.Fraction(float(np.ravel(divisors)[k]))
        true, scale = sum(terms) / divisor, float(sum(map(abs, terms)) / divisor)
        error = abs(float(fractions.Fraction(float(np.ravel(got)[k])) - true))
        ulp = math.ldexp(1, max(math.frexp(scale)[1] - 1, info.minexp) - info.nmant)
        assert error <= 3 * ulp, (k, error / ulp)


@EACH_SHAPE
def test_the_gradient_of_the_weight_is_the_sum(prelu, shape, axis, dtype):
    random = np.random.default_rng(4)
    x = (random.normal(size=shape) * np.exp(random.uniform(-9, 9, shape))).astype(dtype)
    grad, weight = (
        (random.normal(size=shape) * np.exp(random.uniform(-9, 9, shape))).astype(dtype),
        weights_for(shape, axis, dtype),
    )
    got, weight_grad = gradients(prelu, x, weight, axis, grad)
    helpers.assert_same_bits(got, prelu.backward(grad, x=x, weight=weight, axis=axis))
    assert_near_true_sums(weight_grad, grad, x, None if weight.size == 1 else axis)
    got, weight_grad = gradients(prelu, x, weight, axis, grad, source="y")
    helpers.assert_same_bits(got, prelu.backward(grad, y=x, weight=weight, axis=axis))
    assert_near_true_sums(weight_grad, grad, x, None if weight.size == 1 else axis, weight)
    weight_grad = np.empty((), dtype)
    prelu.backward(grad, x=x, weight=0.25, weight_grad=weight_grad)
    assert_near_true_sums(weight_grad, grad, x, None)


@pytest.mark.parametrize("shape", [(1, 1, 300_001), (70_001, 3), (90, 3, 1111)])
def test_a_sum_of_many_terms_loses_nothing(prelu, shape, dtype):
    """Roundings of equal terms all go one way."""
    weight, count = np.full(shape[1], 0.25, dtype), math.prod(shape) // shape[1]
    for term in (0.1, 0.7, 1 / 3, 1.1, 1e30 / 7):
        grad, x = np.full(shape, term, dtype), np.full(shape, -1.1, dtype)
        product = fractions.Fraction(float(grad.flat[0])) * fractions.Fraction(float(x.flat[0]))
        _, weight_grad = gradients(prelu, x, weight, 1, grad)
        ulp = np.spacing(abs(weight_grad[0])).item()
        assert abs(fractions.Fraction(float(weight_grad[0])) - count * product) <= fractions.Fraction(ulp) * 51 / 100
        assert (weight_grad == weight_grad[0]).all()


def test_terms_that_cancel_leave_their_sum(prelu, dtype):
    """Naive sums lose it all: large terms in pairs, and small ones between."""
    large, small = 2.0**60, 2.0**-20
    grad = np.array([large, small, -large, small] * 500, dtype).reshape(-1, 1)
    x = np.full_like(grad, -1)
    for given, weight, axis in ((x, np.array([0.25], dtype), 1), (np.repeat(x, 3, axis=1), np.full(3, 0.25, dtype), 1)):
        g = np.broadcast_to(grad, given.shape)
        _, weight_grad = gradients(prelu, given, weight, axis, g)
        assert_near_true_sums(weight_grad, g.copy(), given, None if weight.size == 1 else axis)


@pytest.mark.parametrize(
    ("shape", "axis"), [((9001, 40), 1), ((5, 300, 700), 1), ((2, 3, 200, 301), 1), ((1, 400_001), 0)]
)
def test_large_sums_do_not_depend_on_layout_or_threads(shape, axis, dtype):
    x = np.random.default_rng(6).normal(size=shape).astype(dtype)
    grad, weight = x[::-1].copy(), weights_for(shape, axis, dtype)
    with fa.num_threads(1):
        _, want = gradients(fa.prelu, x, weight, axis, grad)
    for count, order in itertools.product((1, 2, 3), "CF"):
        with fa.num_threads(count):
            _, got = gradients(fa.prelu, np.asarray(x, order=order), weight, axis, grad)
        helpers.assert_same_bits(got, want)


def test_what_is_not_finite_goes_into_the_sum_of_its_own_weight_only(prelu, dtype):
    x = np.full((5, 6), -1, dtype)
    grad = np.ones_like(x)
    x[1, 0], x[2, 1], grad[3, 2], grad[:2, 3] = np.nan, -np.inf, np.inf, (np.inf, -np.inf)
    x[4, 4], grad[4, 4] = 1, np.nan  # has no part in it
    x[0, 5], grad[0, 5] = np.inf, np.inf  # nor has this
    for given, g in ((x, grad), (np.asfortranarray(x), grad[:, ::-1].copy()[:, ::-1])):
        _, weight_grad = gradients(prelu, given, np.full(6, 0.25, dtype), 1, g)
        helpers.assert_same_bits(weight_grad, np.array([np.nan, -np.inf, -np.inf, np.nan, -4, -4], dtype))


def test_a_weight_grad_is_wrapped_as_out_is(prelu):
    x, weight = np.random.default_rng(9).normal(size=(8, 6)), np.full(6, 0.25)
    weight_grad = bytearray(48)
    prelu.backward(x, x=x, weight=weight, weight_grad=memoryview(weight_grad).cast("d"))
    helpers.assert_same_bits(np.frombuffer(weight_grad), gradients(prelu, x, weight, 1, x)[1])


def test_no_error_of_arithmetic_reaches_the_caller(dtype):
    """Nor are the registers changed."""
    x, weight = helpers.values((50, 40), dtype), weights_for((50, 40), 1, dtype)
    before = helpers.read_registers()
    with np.errstate(all="raise"):
        for source, w in (("x", weight), ("y", weight), ("x", 0.1), ("x", weight.astype(np.float64))):
            weight_grad = np.empty(np.shape(w), np.result_type(x, w))
            fa.prelu.backward(x, **{source: x}, weight=w, weight_grad=weight_grad)
            fa.prelu(x, w)
    assert helpers.read_registers() == before
