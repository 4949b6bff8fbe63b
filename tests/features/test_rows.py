"""Functions of rows: what is left out of them and how they are scaled, and what makes one number of a row."""

import itertools

import gmpy2
import numpy as np
import pytest

import fastact as fa
import helpers
import references
from fastact.catalogue import SPECS

SELECTING = [name for name, row in SPECS.items() if row.scaled and row.kind == "rowwise"]
LEAVING_OUT = {"logsumexp": -np.inf, "sparsemax": 0}  # what a row left out whole gives
NOTHING = {"softmax": 0, "log_softmax": -np.inf}
SHAPES = [(1, 1), (3, 5), (40, 7), (2, 33, 16), (2, 5, 64), (3, 20, 65), (2, 3, 1000), (4, 300, 2), (700, 33)]
SCALES = (1.0, 0.125, 3.7, 1e-30, 1e30, 1e-42)


@pytest.fixture(params=SELECTING)
def selecting(request, target):
    """A function of rows of which elements can be left out, bound to a target."""
    return helpers.on_target(request.param, target)


@pytest.fixture
def logsumexp(target):
    return helpers.on_target("logsumexp", target)


def some_rows(shape, dtype, seed=0):
    """Return logits, and a mask that leaves out some of them, of one row all."""
    random = np.random.default_rng(seed)
    x = (random.normal(size=shape) * np.exp(random.uniform(-3, 4, (*shape[:-1], 1)))).astype(dtype)
    where = random.uniform(size=shape) < random.uniform(0.1, 1, (*shape[:-1], 1))
    where.reshape(-1, shape[-1])[len(x) // 2] = False
    return x, where


def spread_out(x):
    """Return the same elements, each beside one that is nobody's: rows that must be gathered, some at a time."""
    wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), np.nan, x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


def without(function, x, where):
    """Return what a selection is to give: what is left out is -inf before, and has no share after."""
    with np.errstate(all="ignore"):
        return np.where(
            where, function(np.where(where, x, x.dtype.type(-np.inf))), x.dtype.type(NOTHING[function.name])
        )


def backward_without(function, grad, y, where):
    nothing = y.dtype.type(NOTHING[function.name])
    gradient = function.backward(np.where(where, grad, y.dtype.type(0)), y=np.where(where, y, nothing))
    return np.where(where, gradient, y.dtype.type(0))


# ---------------------------------------------------------------------------------------------------------------
# What is left out
# ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_is_left_out_has_no_share(selecting, dtype, shape):
    """To the bit what -inf in its place gives, whatever stands there; a row left out whole has nothing."""
    x, where = some_rows(shape, dtype)
    want = without(selecting, x, where)
    x[~where] = np.random.default_rng(1).choice([np.nan, np.inf, 1e30, -0.0], np.count_nonzero(~where))
    helpers.assert_same_bits(selecting(x, where=where), want)
    helpers.assert_same_bits(selecting(spread_out(x), where=spread_out(where)), want)
    grad = np.random.default_rng(2).normal(size=shape).astype(dtype)
    want_gradient = backward_without(selecting, grad, want, where)
    grad[~where] = np.nan
    helpers.assert_same_bits(selecting.backward(grad, y=want, where=where), want_gradient)
    helpers.assert_same_bits(selecting.backward(grad, y=spread_out(want), where=where), want_gradient)


@pytest.mark.parametrize("queries", [1, 2, 7, 16, 40])
@pytest.mark.parametrize("keys", [1, 2, 7, 16, 17, 40, 130])
def test_causal_rows_see_no_later_ones(selecting, dtype, queries, keys):
    x, _ = some_rows((2, 3, queries, keys), dtype)
    seen = np.tri(queries, keys, keys - queries, dtype=bool)
    want = selecting(x, where=seen)
    helpers.assert_same_bits(selecting(x, causal=True), want)
    helpers.assert_same_bits(selecting(np.asfortranarray(x), causal=True), want)
    helpers.assert_same_bits(selecting(spread_out(x), causal=True), want)
    helpers.assert_same_bits(selecting.backward(x, y=want, causal=True), selecting.backward(x, y=want, where=seen))
    helpers.assert_same_bits(selecting(x, where=x > 0, causal=True), selecting(x, where=seen & (x > 0)))
    helpers.assert_same_bits(selecting(x[0, 0], causal=np.True_), want[0, 0])


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_mask_is_broadcast_along_any_axes(selecting, dtype, axis, threads, always_parallel):
    x, where = some_rows((6, 35, 21), dtype)
    with fa.num_threads(threads):
        for extents in itertools.product(*((1, n) for n in x.shape)):
            some = where[: extents[0], : extents[1], : extents[2]]
            whole = np.broadcast_to(some, x.shape)
            moved = [np.ascontiguousarray(np.moveaxis(array, axis, -1)) for array in (x, whole)]
            want = np.moveaxis(without(selecting, *moved), -1, axis)
            helpers.assert_same_bits(selecting(x, axis, where=some), want)
            helpers.assert_same_bits(selecting(x, axis, where=some, out=x.copy("F")), want)
            given = x[:, ::-1].copy()[:, ::-1]
            helpers.assert_same_bits(selecting(given, axis, where=some, out=given), want)
        helpers.assert_same_bits(selecting(x, axis, where=True), selecting(x, axis))
        helpers.assert_same_bits(selecting(x, axis, where=None, causal=False, scale=1), selecting(x, axis))


@pytest.mark.parametrize("name", LEAVING_OUT)
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if len(shape) > 1], ids=str)
def test_what_is_left_out_has_no_share_in_sums_and_sparse_rows(name, axis, shape, dtype, target):
    function = helpers.on_target(name, target)
    x, where = some_rows(shape, dtype)
    less = np.where(where, x, dtype.type(-np.inf))
    kept = where.any(axis=axis, keepdims=name == "sparsemax")
    with np.errstate(all="ignore"):
        want = np.where(where if name == "sparsemax" else True, function(less, axis), dtype.type(0))
    want = np.where(kept, want, dtype.type(LEAVING_OUT[name]))
    grad = np.random.default_rng(2).normal(size=want.shape).astype(dtype)
    if name == "sparsemax":
        gradient = np.where(
            where, function.backward(np.where(where, grad, dtype.type(0)), y=want, axis=axis), dtype.type(0)
        )
        grad[~where] = np.nan
    else:
        gradient = np.where(where, function.backward(grad, x=less, axis=axis), dtype.type(0))
    x[~where] = np.random.default_rng(1).choice([np.nan, np.inf, 1e30, -0.0], np.count_nonzero(~where))
    for given, mask in ((x, where), (spread_out(x), spread_out(where)), (np.asfortranarray(x), where)):
        helpers.assert_same_bits(function(given, axis, where=mask), want)
        if name == "logsumexp":
            got = function.backward(grad, x=given, axis=axis, where=mask)
        else:
            got = function.backward(grad, y=np.where(where, want, dtype.type(np.nan)), axis=axis, where=mask)
        helpers.assert_same_bits(got, gradient)


@pytest.mark.parametrize("queries", [1, 2, 16, 40])
@pytest.mark.parametrize("keys", [1, 7, 17, 130])
def test_causal_sums_see_no_later_elements(logsumexp, dtype, queries, keys):
    x, _ = some_rows((2, 3, queries, keys), dtype)
    seen = np.tri(queries, keys, keys - queries, dtype=bool)
    want = logsumexp(x, where=seen)
    for given in (x, np.asfortranarray(x), spread_out(x)):
        helpers.assert_same_bits(logsumexp(given, causal=True), want)
    helpers.assert_same_bits(
        logsumexp.backward(want, x=x, causal=True, scale=0.3), logsumexp.backward(want, x=x, where=seen, scale=0.3)
    )


# ---------------------------------------------------------------------------------------------------------------
# Scaled
# ---------------------------------------------------------------------------------------------------------------


def scaled_truth(name, x, scale):
    with gmpy2.context(precision=1200), np.errstate(over="ignore"):
        longer = references.mpfr(x) * gmpy2.mpfr(float(x.dtype.type(scale)))
    return references.MPFR.evaluate(SPECS[name].formula, {"x": longer}, 1200)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("length", [2, 10, 50, 200])
def test_scaled_rows_are_within_the_bound(selecting, dtype, length, scale):
    for x in references.telling_rows(dtype, length, max(1, 100 // length)):
        x = np.maximum(x, np.finfo(dtype).min)
        true = scaled_truth(selecting.name, x, scale)
        error = references.error_in_ulp(selecting(x, scale=scale), true)
        assert error.max() <= selecting.bounds[dtype.name]["forward"]


def test_a_scaled_gradient_is_the_gradient_times_the_scale(selecting, dtype):
    grad, _ = some_rows((20, 50), dtype)
    y = selecting(some_rows((20, 50), dtype, 1)[0])
    want = selecting.backward(grad, y=y) * dtype.type(0.3)
    helpers.assert_same_bits(selecting.backward(grad, y=y, scale=0.3), want)


@pytest.mark.parametrize("selection", [{}, {"scale": 0.4}, {"where": 1}, {"causal": True}, {"scale": 2.0, "where": 1}])
def test_gradients_of_selections_are_differences(selecting, selection):
    x, where = some_rows((4, 6, 9), np.float64)
    x /= np.abs(x).max()
    selection = {key: where if key == "where" else value for key, value in selection.items()}
    weights = np.random.default_rng(3).normal(size=x.shape)

    def total(x):
        y = selecting(x, **selection)
        return (weights * np.where(np.isinf(y), 0, y)).sum()

    got, step = selecting.backward(weights, y=selecting(x, **selection), **selection), 1e-5
    want = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        shift = np.zeros_like(x)
        shift[at] = step
        want[at] = (total(x + shift) - total(x - shift)) / (2 * step)
    assert np.linalg.norm(got - want) <= 1e-6 * max(1e-3, np.linalg.norm(want))


# ---------------------------------------------------------------------------------------------------------------
# Bad selections
# ---------------------------------------------------------------------------------------------------------------

BAD = [
    ({"scale": 0}, ValueError, "scale must be finite and above 0"),
    ({"scale": -1.0}, ValueError, "scale"),
    ({"scale": np.nan}, ValueError, "scale"),
    ({"scale": np.inf}, ValueError, "scale"),
    ({"scale": None}, TypeError, "scale must be a number"),
    ({"scale": "1"}, TypeError, "scale must be a number"),
    ({"where": np.ones((3, 4))}, TypeError, "where must be of bools, not of dtype float64"),
    ({"where": [1, 0, 1, 1]}, TypeError, "where must be of bools"),
    ({"where": np.ones((4, 3), bool)}, ValueError, "does not broadcast"),
    ({"where": np.ones((2, 3, 4), bool)}, ValueError, "does not broadcast"),
    ({"where": np.ma.masked_array([True])}, TypeError, "masked"),
    ({"causal": 1}, TypeError, "causal must be a bool"),
    ({"causal": None}, TypeError, "causal must be a bool"),
    ({"causal": True, "axis": 0}, ValueError, "queries"),
]


@pytest.mark.parametrize(("selection", "error", "says"), BAD, ids=str)
def test_bad_selections_are_refused_before_anything_is_written(selecting, dtype, selection, error, says):
    x, out = np.ones((3, 4), dtype), np.full((3, 4), 7, dtype)
    with pytest.raises(error, match=says):
        selecting(x, **selection, out=out)
    with pytest.raises(error, match=says):
        selecting.backward(x, y=x, **selection, out=out)
    assert (out == 7).all()


def test_causal_rows_need_two_axes(selecting):
    with pytest.raises(ValueError, match="queries"):
        selecting(np.ones(4), causal=True)


def test_only_some_functions_select():
    with pytest.raises(TypeError, match="unexpected keyword argument 'scale'"):
        fa.sparsemax(np.ones(3), scale=2.0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'where'"):
        fa.softmin(np.ones(3), where=True)


# ---------------------------------------------------------------------------------------------------------------
# One number a row
# ---------------------------------------------------------------------------------------------------------------


def test_reductions_take_what_activations_take(logsumexp, dtype):
    assert logsumexp([0, 0]) == np.float64(np.log(2))
    assert type(logsumexp(dtype.type(2))) is dtype.type
    assert logsumexp(dtype.type(2)) == logsumexp(np.array([2], dtype)) == 2
    assert logsumexp(np.array([2], dtype), keepdims=True).shape == (1,)
    assert logsumexp(np.empty((0, 3), dtype)).shape == (0,)
    helpers.assert_same_bits(logsumexp(np.empty((3, 0), dtype)), np.full(3, -np.inf, dtype))
    assert logsumexp.backward(np.empty(3, dtype), x=np.empty((3, 0), dtype)).shape == (3, 0)
    single, double = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3), np.ones(2)
    helpers.assert_same_bits(
        logsumexp.backward(double, x=single), logsumexp.backward(double, x=single.astype(np.float64))
    )
    helpers.assert_same_bits(
        logsumexp.backward(double.astype(np.float32), x=single.astype(np.float64)),
        logsumexp.backward(double, x=single.astype(np.float64)),
    )


def test_infinities_and_nan_of_reductions(logsumexp, dtype):
    inf, nan = np.inf, np.nan
    x = np.array([[0, -inf], [-inf, -inf], [inf, 0], [inf, -inf], [inf, inf], [nan, 0], [nan, inf]], dtype)
    want = np.array([0, -inf, inf, inf, inf, nan, nan], dtype)
    for n in (2, 3, 40, 100):
        longer = np.concatenate([x, np.full((len(x), n - 2), -inf, dtype)], axis=1)
        for rows in (longer, np.repeat(longer, 20, axis=0)):
            helpers.assert_same_bits(logsumexp(rows), np.repeat(want, len(rows) // len(want)))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda f, x, out: f(x, out=np.empty(4, x.dtype)), ValueError, "out has shape"),
        (lambda f, x, out: f(x, keepdims=True, out=out), ValueError, "out has shape"),
        (lambda f, x, out: f(x, out=np.empty(3, np.float16)), TypeError, "out is of dtype float16"),
        (lambda f, x, out: f(x, keepdims=1, out=out), TypeError, "keepdims must be a bool"),
        (lambda f, x, out: f(x, 2, out=out), ValueError, "axis 2 is out of bounds"),
        (lambda f, x, out: f(x, (0, 2)), ValueError, "axis 2 is out of bounds"),
        (lambda f, x, out: f(x, [0]), TypeError, "axis must be an int, a tuple of ints or None"),
        (lambda f, x, out: f.backward(np.ones(4), x=x), ValueError, "grad has shape"),
        (lambda f, x, out: f.backward(np.ones(3)), TypeError, "missing"),
        (lambda f, x, out: f.backward(np.ones(3), y=out), TypeError, "unexpected keyword argument 'y'"),
        (lambda f, x, out: f.backward(out, x=x, out=out), ValueError, "out has shape"),
    ],
)
def test_bad_input_of_reductions_is_refused(logsumexp, call, error, says):
    x, out = np.ones((3, 4), np.float64), np.full(3, 7, np.float64)
    with pytest.raises(error, match=says):
        call(logsumexp, x, out)
    assert (out == 7).all()
