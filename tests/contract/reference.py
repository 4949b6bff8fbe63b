"""What every call must give, slow and plain: NumPy's long double and the textbook, nothing of fastact's but its catalogue.

    for expected, got in zip(reference.expected(call, arrays), call.run(arrays), strict=True):
        assert reference.fault(expected, got) is None

`call` is one of calls.py, `arrays` its inputs by name, of any type and layout.  Each result comes with how far from it a
right one may be: the documented bound, what long double numbers themselves are off (64 bits, 11 more than float64), and for
sums what terms that have been rounded add up to.  An infinite allowance says that nothing is promised there.
"""

from __future__ import annotations

import dataclasses
import fractions
import functools

import numpy as np

import helpers
from contract import calls
from fastact._truth import compiled
from fastact.catalogue import GATES, SPECS

LONG = np.longdouble
INF, NAN = LONG(np.inf), LONG(np.nan)
BEYOND = LONG(2) ** 4000  # stands for infinity: what a function tends to is what it is there
REACH_OF_ROOT = 0.6
GATE = {row.name: row for row in GATES}


@dataclasses.dataclass
class Expected:
    """The values of a result, how far off each may be, and of which type and shape it must be."""

    name: str
    value: np.ndarray
    allowed: np.ndarray
    dtype: np.dtype
    plus_zero: np.ndarray | None = None  # where it must be +0


def fault(expected, got):
    """Say what is wrong with a result, or None."""
    if np.asarray(got).dtype != expected.dtype:
        return f"{expected.name} is of dtype {np.asarray(got).dtype}, not {expected.dtype}"
    got = np.asarray(got)
    if got.shape != expected.value.shape:
        return f"{expected.name} has shape {got.shape}, not {expected.value.shape}"
    wrong = ~agree(got, expected.value, expected.allowed)
    if expected.plus_zero is not None:
        wrong |= expected.plus_zero & ((got != 0) | np.signbit(got))
    if not wrong.any():
        return None
    at = tuple(int(i[0]) for i in np.nonzero(wrong)) if got.ndim else ()
    ulp = ulp_of(expected.value[at], expected.dtype) if helpers.is_real(expected.dtype) else 1
    with np.errstate(all="ignore"):
        off = float(abs(LONG(float(got[at])) - expected.value[at]) / ulp)
    return (
        f"{expected.name}{list(at)} is {float(got[at])!r}, not {float(expected.value[at])!r}: {off:.4g} ulp off, "
        f"{float(expected.allowed[at] / ulp):.4g} allowed; {int(wrong.sum())} of {wrong.size} are wrong"
    )


def largest(dtype):
    """Return from where on numbers are rounded to infinity."""
    info = helpers.finfo(dtype)
    return LONG(2) ** info.maxexp * (1 - LONG(float(info.epsneg)) / 2)


def agree(got, value, allowed):
    """Where a result is right: NaN for NaN, an infinity where the value may round to one, else within what is allowed."""
    if not helpers.is_real(got.dtype):
        return got == value
    info = helpers.finfo(got.dtype)
    top = LONG(2) ** info.maxexp
    overflows = largest(got.dtype)
    with np.errstate(all="ignore"):
        longer = (got.astype(np.float32) if got.dtype in calls.HALF else got).astype(LONG)
        near = abs(longer - np.clip(value, -top, top)) <= allowed
        infinite = (
            np.isinf(longer) & (np.copysign(value, 1) + allowed >= overflows) & (np.sign(longer) == np.sign(value))
        )
        finite = np.isfinite(longer) & (near | (abs(longer - value) <= allowed))
    return finite | infinite | (np.isnan(longer) & np.isnan(value)) | np.isposinf(allowed)


def ulp_of(value, dtype):
    """Return the distance of neighbours of the type in the binade of each value; subnormal ones below the normal range."""
    info = helpers.finfo(dtype)
    _, exponent = np.frexp(np.maximum(abs(value), LONG(float(info.smallest_normal))))
    return np.ldexp(LONG(float(info.eps)), np.clip(exponent, info.minexp + 1, info.maxexp) - 1)


# ---------------------------------------------------------------------------------------------------------------
# Formulas in long double numbers
# ---------------------------------------------------------------------------------------------------------------


def erfc(z):
    """A series of positive terms up to 2, a continued fraction beyond."""
    shape, z = z.shape, z.ravel()
    x = abs(z)
    near, scale = x < 2, np.exp(-x * x) / np.sqrt(NAMES["pi"])
    tail, small, large = np.empty_like(x), x[near], x[~near]
    term, sum_of_terms = small, small.copy()
    for n in range(1, 50):
        term = term * (2 * small * small / (2 * n + 1))
        sum_of_terms += term
    tail[near] = 1 - 2 * scale[near] * sum_of_terms
    fraction = large
    for n in range(110, 0, -1):
        fraction = large + LONG(n) / 2 / fraction
    tail[~near] = scale[~near] / fraction
    return np.where(z < 0, 2 - tail, tail).reshape(shape)


@functools.cache
def tanh_series(terms=18):
    """Return the Taylor coefficients of x - tanh(x) from x**3 on, by t' = 1 - t**2."""
    t = [fractions.Fraction(0)] * (2 * terms + 4)
    t[1] = fractions.Fraction(1)
    for n in range(3, len(t), 2):
        t[n] = -sum(t[i] * t[n - 1 - i] for i in range(1, n - 1)) / n
    return [LONG(-c.numerator) / LONG(c.denominator) for c in t[3::2]]


def tanh_shrink(x):
    near = np.where(abs(x) < 0.3, x, 0)
    square, series = near * near, LONG(0)
    for c in reversed(tanh_series()):
        series = series * square + c
    return np.where(abs(x) < 0.3, series * near * square, x - np.tanh(x))


def split(a):
    high = a * LONG(2**32 + 1)
    high = high - (high - a)
    return high, a - high


def line(slope, x, offset):
    """Return slope * x + offset as a sum of two numbers, the first of them its rounded value."""
    product = slope * x
    (a, b), (c, d) = split(slope), split(x)
    rest = ((a * c - product) + a * d + b * c) + b * d
    total = product + offset
    back = total - product
    return total, (product - (total - back)) + (offset - back) + rest


def hard_sigmoid(slope, x, offset):
    total, rest = line(slope, x, offset)
    return np.clip(total + rest, 0, 1)


def hard_sigmoid_inside(slope, x, offset):
    total, rest = line(slope, x, offset)
    return (total + rest > 0) & ((total - 1) + rest < 0)


SELU_HIGH = LONG(1.0507009873554804934193349852946 * 1.6732632423543772848170429916717)
SELU_LOW = LONG(
    fractions.Fraction("1.0507009873554804934193349852946") * fractions.Fraction("1.6732632423543772848170429916717")
    - fractions.Fraction(float(SELU_HIGH))
)

NAMES = {
    name: getattr(np, name)
    for name in (
        "abs",
        "clip",
        "cosh",
        "exp",
        "expm1",
        "log",
        "log1p",
        "maximum",
        "minimum",
        "sign",
        "sqrt",
        "tanh",
        "where",
    )
} | {
    "erfc": erfc,
    "pi": LONG("3.14159265358979323846264338327950288"),
    "number": LONG,
    "tanh_shrink": tanh_shrink,
    "hard_sigmoid": hard_sigmoid,
    "hard_sigmoid_inside": hard_sigmoid_inside,
    "SELU_HIGH": SELU_HIGH,
    "SELU_LOW": SELU_LOW,
}

# Where the catalogue's formula cancels in numbers of 64 bits.
INSTEAD = {
    ("hard_swish", "forward"): "x * clip(x + 3, 0, 6) / 6",
    ("tanh", "backward_y"): "(1 - y) * (1 + y)",
    ("tanh_shrink", "forward"): "tanh_shrink(x)",
    ("selu", "backward_y"): "where(y > 0, 1.0507009873554804934193349852946, (y + SELU_HIGH) + SELU_LOW)",
}
# How far off long double numbers are, in ulp of float64: arguments of exponentials are large, and rounded.
SLACK = {"gelu": 2.0, "gelu_tanh": 1.0, "swish": 1.0, "quick_gelu": 1.0, "gaussian": 1.0, "celu": 0.5, "mish": 1.0}


# Of a sixth and a half, which are the defaults, the kinks are at -3 and 3 exactly.
HARD_SIGMOID = {
    "forward": "clip(x + 3, 0, 6) / 6",
    "derivative": "where((x > -3) & (x < 3), 1 / number(6), 0)",
    "backward_y": "where((y > 0) & (y < 1), 1 / number(6), 0)",
}
HARD_SIGMOID_OF_ANY_LINE = {
    "forward": "hard_sigmoid(slope, x, offset)",
    "derivative": "where(hard_sigmoid_inside(slope, x, offset), slope, 0)",
    "backward_y": "where((y > 0) & (y < 1), slope, 0)",
}


def formula(name, kind, given):
    """Return the expression for a function with these parameters."""
    row = SPECS[name]
    if name == "hard_sigmoid":
        return (HARD_SIGMOID_OF_ANY_LINE if given else HARD_SIGMOID)[kind]
    catalogue = {"forward": row.formula, "derivative": row.derivative, "backward_y": row.derivative_y}[kind]
    return INSTEAD.get((name, kind), catalogue)


def real_parameters(name, dtype, given):
    """Return the parameters in the type computed in: callers' and defaults."""
    return {key: LONG(dtype.type(value)) for key, value in (SPECS[name].typical | given).items()}


def function(name, kind, x, dtype, given):
    """Return the values of forward, derivative (of x) or backward_y (the derivative, of y), and how far off each may be."""
    parameters = real_parameters(name, dtype, given)
    argument = "y" if kind == "backward_y" else "x"
    longer = x.astype(LONG)
    nan = np.isnan(longer)
    longer = np.where(nan, LONG(1), np.clip(longer, -BEYOND, BEYOND))
    expression = formula(name, kind, given)
    value = evaluate(expression, {argument: longer, **parameters})
    value = np.array(np.broadcast_to(value, x.shape), LONG)
    bound = SPECS[name].bounds[dtype.name][kind] + 0.01 + (SLACK.get(name, 0.2) if dtype == np.float64 else 0.01)
    scale, off = abs(value), np.full(x.shape, bound)
    root = SPECS[name].root
    if kind == "derivative" and root is not None:
        near = abs(longer - evaluate(root, parameters)) < REACH_OF_ROOT / abs(parameters.get("beta", 1))
        scale = np.where(near, np.maximum(scale, 0.25), scale)
        off = np.where(near, np.maximum(off, 2.1), off)
    allowed = off * ulp_of(scale, dtype)
    value, allowed = np.where(nan, NAN, value), np.where(nan, 0, allowed)
    if kind == "backward_y":  # of what is no output nothing is said
        outside = beyond_range(name, x, parameters)
        allowed = np.where(outside & ~nan, INF, allowed)
    return value, allowed


def evaluate(expression, variables):
    """All digits of the numbers of an expression."""
    return eval(compiled(expression), NAMES | variables)


def beyond_range(name, y, parameters):
    low, high = (evaluate(bound, parameters | {"inf": INF, "min": min}) for bound in SPECS[name].range)
    if name in ("elu", "prelu", "leaky_relu"):
        return np.zeros(y.shape, bool)
    slack = 8 * np.finfo(y.dtype).eps * abs(low) if np.isfinite(low) else 0
    return (y.astype(LONG) < low - slack) | (y.astype(LONG) > high)


def product(grad, value, allowed, dtype, piecewise, ulps=0.5):
    """Return what backward gives, how far off it may be, and where it is +0: the gradient times a derivative."""
    longer = grad.astype(LONG)
    off = abs(longer) * allowed + (ulps + 0.01) * ulp_of(abs(longer * value) + abs(longer) * allowed, dtype)
    over = largest(dtype)  # a derivative is rounded before
    doubtful = (abs(value) + allowed >= over) & (abs(value) - allowed < over)
    value = np.where(abs(value) >= over, np.copysign(INF, value), value)
    result = longer * value
    infinite = np.isinf(longer) & ~np.isnan(value)
    uncertain = infinite & (abs(value) <= allowed) & (allowed > 0)
    vanishes = infinite & ~uncertain & (abs(value) < LONG(np.finfo(dtype).smallest_subnormal) / 4)
    off = np.where(np.isnan(result) | np.isinf(result), 0, off)
    result = np.where(vanishes, NAN, result)  # inf times a derivative that has rounded to 0
    off = np.where(uncertain | doubtful | np.isinf(allowed), INF, off)
    stopped = None
    if piecewise:
        # At a root that is no branch's a derivative may be off by more.
        stopped = (value == 0) & (allowed <= 8 * LONG(np.finfo(dtype).smallest_subnormal))
        result, off = np.where(stopped, 0, result), np.where(stopped, 0, off)
    off = np.where(np.isnan(result), np.where(np.isinf(off), INF, 0), off)
    return result.astype(LONG), off.astype(LONG), stopped


def total(value, allowed, axes, dtype, ulps=3.0):
    """Return sums along axes: relative to the sum of the absolute terms."""
    result = value.sum(axis=axes)
    absolute = np.nan_to_num(abs(value), nan=0, posinf=0).sum(axis=axes)
    count = value.size / max(1, result.size)
    off = np.nan_to_num(allowed, nan=0).sum(axis=axes) + (ulps + 0.01) * ulp_of(absolute, dtype)
    off = off + count * absolute * LONG(2) ** -64
    off = np.where(absolute > np.finfo(dtype).max / 4, INF, off)  # what is added up on the way may overflow
    special = np.isnan(result) | np.isinf(result)
    doubtful = np.isinf(allowed).any(axis=axes)
    return np.asarray(result, LONG), np.where(
        doubtful, INF, np.where(special & ~(absolute > np.finfo(dtype).max / 4), 0, off)
    )


# ---------------------------------------------------------------------------------------------------------------
# Calls
# ---------------------------------------------------------------------------------------------------------------


def expected(call, arrays, target=None):
    """Return an Expected for each of the call's results, in order."""
    with np.errstate(all="ignore"):
        return compute(call, arrays, target)


def compute(call, arrays, target):
    dtype = call.computed_dtype(arrays)
    given = {}
    for operand in call.inputs:
        array = np.asarray(arrays[operand.name])
        given[operand.name] = (
            array if array.dtype.kind in "biu" and operand.role in ("mask", "labels") else array.astype(dtype)
        )
    family = calls.family_of(call.name)
    found = FAMILIES[family](call, given, dtype) if family != "diagnose" else diagnose(call, given, dtype, target)
    assert [each.name for each in found] == list(call.results)
    if call.result_dtype(arrays) != dtype and family != "diagnose":
        round_results(found, call, arrays)
    return found


def round_results(found, call, arrays):
    """To half types, once; a bias's gradient is the sum of what was rounded."""
    for each in found:
        kind = call.written_dtype(each.name, arrays)
        if each.name == "bias_grad" and each.value.size:
            off = found[0].allowed
            off = np.where(np.isfinite(found[0].value), off, 0).reshape(-1, *each.value.shape).sum(axis=0)
            lost = abs(found[0].value) + found[0].allowed >= largest(found[0].dtype)  # terms that are infinite now
            each.allowed = np.where(lost.reshape(-1, *each.value.shape).any(axis=0), INF, each.allowed + off)
        elif kind != each.dtype:
            finite = np.isfinite(each.value)
            rounding = LONG(0.5) * ulp_of(np.where(finite, abs(each.value) + each.allowed, 0), kind)
            each.allowed = np.where(finite, each.allowed + rounding, each.allowed)
            each.dtype = kind


def parameters_in(call):
    names = [parameter.name for parameter in SPECS[call.name].parameters]
    return {key: value for key, value in call.settings.items() if key in names}


def elementwise(call, a, dtype):
    x = a.get("x", a.get("y"))
    from_y = "y" in a
    if "bias" in a:
        x = x + a["bias"]  # rounded to the type
    given, row = parameters_in(call), SPECS[call.name]
    kind = "backward_y" if from_y else "forward" if call.operation == "forward" else "derivative"
    value, allowed = function(call.name, kind, x, dtype, given)
    if call.operation != "backward":
        return [Expected("out", value, allowed, dtype)]
    # The derivative is rounded before, and more precise from the output: grad * derivative is rounded once.
    value, allowed, stopped = product(a["grad"], value, allowed, dtype, row.piecewise)
    found = [Expected("out", value, allowed, dtype, stopped)]
    if "bias_grad" in call.results:
        found.append(Expected("bias_grad", *total(value, allowed, tuple(range(x.ndim - 1)), dtype), dtype))
    return found


def channelwise(call, a, dtype):
    x = a.get("x", a.get("y"))
    from_y = "y" in a
    (name,) = (parameter.name for parameter in SPECS[call.name].parameters)
    weight = np.asarray(a[name] if name in a else dtype.type(call.settings[name]))
    if weight.size == 1:
        spread, axis = np.broadcast_to(weight.reshape(()), x.shape), None
    else:
        axis = call.counted_axis(x.ndim)
        spread = np.broadcast_to(weight.reshape([-1 if d == axis else 1 for d in range(x.ndim)]), x.shape)
    longer, w = x.astype(LONG), spread.astype(LONG)
    negative = ~(x > 0)
    if call.operation == "forward":
        product_of_both = np.where((w == 0) & np.isinf(longer), 0, w * longer)  # the limit
        value = np.where(negative, product_of_both, longer)
        allowed = np.where(np.isfinite(value), 0.51 * ulp_of(value, dtype), 0)
        value = np.where(np.isnan(x), NAN, value)
        return [Expected("out", value, np.where(np.isnan(x), 0, allowed), dtype)]
    value = np.where(np.isnan(x), NAN, np.where(negative, w, 1))
    allowed = np.zeros(x.shape, LONG)
    if call.operation == "derivative":
        return [Expected("out", value, allowed, dtype)]
    value, allowed, stopped = product(a["grad"], value, allowed, dtype, True)
    found = [Expected("out", value, allowed, dtype, stopped)]
    if f"{name}_grad" in call.results:
        input_of = longer / w if from_y else longer
        terms = np.where(negative, a["grad"].astype(LONG) * input_of, 0)
        terms = np.where(np.isnan(x), NAN, terms)
        off = abs(terms) * LONG(np.finfo(dtype).eps)
        axes = tuple(d for d in range(x.ndim) if d != axis)
        value, allowed = total(terms, np.where(np.isfinite(off), off, 0), axes, dtype)
        shape = call.shape_of(f"{name}_grad", x.shape)
        found.append(Expected(f"{name}_grad", value.reshape(shape), allowed.reshape(shape), dtype))
    return found


# Rows.  They are gathered along the last axis, as two-dimensional arrays, and computed one by one.


def rows_of(array, axis):
    """Return the rows as a two-dimensional array; a scalar is a row of one."""
    axes = calls.axes_of(axis)
    array = np.moveaxis(np.atleast_1d(array), axes, range(-len(axes), 0))
    rows = int(np.prod(array.shape[: array.ndim - len(axes)]))
    return array.reshape(rows, int(np.prod(array.shape[array.ndim - len(axes) :])))


def back_from_rows(rows, shape, axis):
    if not shape:
        return rows.reshape(())
    axes = calls.axes_of(axis)
    moved = (*calls.without(shape, axis), *(shape[d] for d in axes))
    return np.moveaxis(rows.reshape(moved), range(-len(axes), 0), axes)


def selection(call, a, shape):
    """Return which elements take part."""
    chosen = np.broadcast_to(a["where"], shape) if "where" in a else np.ones(shape, bool)
    if call.settings.get("causal"):
        queries, keys = shape[-2:]
        chosen = chosen & np.tri(queries, keys, keys - queries, dtype=bool)
    return chosen


def parts_of(chosen):
    """Return rows and their columns that can be computed at once: all, or one row after another."""
    if chosen.all() and chosen.size:
        return [(slice(None), slice(None))]
    return [(slice(r, r + 1), chosen[r]) for r in np.flatnonzero(chosen.any(axis=1))]


def rowwise(call, a, dtype):
    if call.operation == "jacobian":
        return jacobian(call, a, dtype)
    back = call.operation == "backward"
    like = a["y"] if back else a["x"]
    axis, scale = call.counted_axis(like.ndim), LONG(dtype.type(call.settings.get("scale", 1.0)))
    chosen = rows_of(selection(call, a, like.shape), axis)
    rows = rows_of(like, axis).astype(LONG)
    gradients = rows_of(a["grad"], axis).astype(LONG) if back else rows
    left_out = -INF if call.name == "log_softmax" and not back else 0
    value, terms, more = np.full(rows.shape, left_out, LONG), np.zeros(rows.shape, LONG), np.zeros(rows.shape, LONG)

    for part, keep in parts_of(chosen):
        if back:
            found = rows_backward(call.name, gradients[part, keep], rows[part, keep], scale, dtype)
        else:
            found = rows_forward(call.name, rows[part, keep], scale)
        value[part, keep], terms[part, keep], more[part, keep] = found
    bound = SPECS[call.name].bounds[dtype.name]["backward_y" if back else "forward"] + 0.6
    allowed = bound * ulp_of(terms, dtype) + more
    if back:
        allowed = allowed * scale + ulp_of(terms * scale, dtype)
    allowed = np.where(~chosen | np.isnan(value) & ~np.isinf(more) | np.isinf(value) & (not back), 0, allowed)
    return [Expected("out", *(back_from_rows(each, like.shape, axis) for each in (value, allowed)), dtype)]


def apart(x, scale):
    """Return how far each of a row is below its largest, and where the first of these is."""
    peak = x.argmax(axis=-1)[..., None]
    return (x - np.take_along_axis(x, peak, -1)) * scale, np.arange(x.shape[-1]) == peak


def is_lost(x):
    """Rows of which nothing can be said."""
    return (np.isnan(x) | (x == np.inf)).any(axis=-1, keepdims=True) | (x == -np.inf).all(axis=-1, keepdims=True)


def over_row(x):
    return x.sum(axis=-1, keepdims=True)


def rows_forward(name, x, scale):
    """Return the values of rows, what their errors are relative to, and how far off they may be besides."""
    x = -x if name == "softmin" else x
    lost = is_lost(x)
    d, peak = apart(np.where(lost, 0, x), scale)
    if name == "sparsemax":
        falling = -np.sort(-d)
        means = (falling.cumsum(axis=-1) - 1) / np.arange(1, d.shape[-1] + 1)
        value = np.where(d == -np.inf, 0, np.maximum(0, d - means.max(axis=-1, keepdims=True)))
        terms, more = np.maximum(value, 1e-6), d.shape[-1] * LONG(2) ** -62
    else:
        e = np.exp(d)
        others = over_row(np.where(peak, 0, e))
        terms = value = d - np.log1p(others) if name == "log_softmax" else e / (1 + others)
        more = LONG(0)
    return np.where(lost, NAN, value), np.where(lost, 0, terms), np.where(lost, 0, more)


def rows_backward(name, grad, y, scale, dtype):
    """Return the gradients of rows, the sums of their absolute terms, and how far off they may be besides."""
    if name in ("softmax", "softmin"):
        value, terms = y * (grad - over_row(grad * y)), abs(y) * (abs(grad) + over_row(abs(grad) * y))
        value = -value if name == "softmin" else value
        widest, output = abs(grad) + over_row(abs(grad) * y), (y >= 0) & (y <= 1.001)
    elif name == "log_softmax":
        value, terms = grad - np.exp(y) * over_row(grad), abs(grad) + np.exp(y) * over_row(abs(grad))
        widest, output = terms + over_row(abs(grad)), y <= 0
    else:
        inside = y > 0
        kept = np.where(inside, grad, 0)
        count = np.maximum(1, over_row(inside))
        value = np.where(inside, grad - over_row(kept) / count, 0)
        terms = np.where(inside, abs(grad) + over_row(abs(kept)) / count, 0)
        widest, output = terms + over_row(abs(kept)), y <= 1.001
    lost = np.isnan(grad) & ((name != "sparsemax") | (y > 0)) | np.isnan(y)
    # Of what overflows or is no output nothing is said, but where it is not a number it gives none.
    top = np.finfo(dtype).max / 16
    sure = ~lost & output & (widest < top) & (widest * scale < top)
    doubtful = ~sure.all(axis=-1, keepdims=True)
    # Products below the normal range lose digits that a scale brings back.
    tiny = 4 * y.shape[-1] * LONG(np.finfo(dtype).smallest_subnormal)
    return np.where(lost, NAN, value * scale), terms, np.where(lost, 0, np.where(doubtful, INF, tiny))


def jacobian(call, a, dtype):
    """The derivatives of every output by every input: what backward gives for unit vectors."""
    y = a["y"]
    axis = call.counted_axis(y.ndim)
    rows = rows_of(y, axis).astype(LONG)
    n = rows.shape[-1]
    value, terms, more = (np.zeros((len(rows), n, n), LONG) for _ in range(3))
    for r, row in enumerate(rows):
        ys = np.broadcast_to(row, (n, n))
        value[r], terms[r], more[r] = rows_backward(call.name, np.eye(n, dtype=LONG), ys, LONG(1), dtype)
    allowed = (SPECS[call.name].bounds[dtype.name]["backward_y"] + 0.6) * ulp_of(terms, dtype) + more
    allowed = np.where(np.isnan(value) & ~np.isinf(more), 0, allowed)
    shape = (*calls.without(y.shape, axis), n, n)
    return [Expected(call.results[0], value.reshape(shape), allowed.reshape(shape), dtype)]


def reduction(call, a, dtype):
    x = a["x"]
    axis = call.counted_axis(x.ndim)
    rows, scale = rows_of(x, axis).astype(LONG), LONG(dtype.type(call.settings.get("scale", 1.0)))
    chosen = rows_of(selection(call, a, x.shape), axis)
    bounds = SPECS[call.name].bounds[dtype.name]
    if call.operation == "forward":
        value, terms = np.full(len(rows), -INF), np.zeros(len(rows), LONG)
        for part, keep in parts_of(chosen):
            row = rows[part, keep]
            largest_of_row, lost = row.max(axis=-1), is_lost(row)
            d, peak = apart(np.where(lost, 0, row), scale)
            log, lost = np.log1p(np.where(peak, 0, np.exp(d)).sum(axis=-1)), lost[:, 0]
            # NaN, inf, or -inf of nothing else
            value[part] = np.where(lost, largest_of_row, scale * largest_of_row + log)
            terms[part] = np.where(lost, 0, abs(scale * largest_of_row) + log)
        allowed = np.where(np.isfinite(value), (bounds["forward"] + 0.2) * ulp_of(terms, dtype), 0)
        shape = call.shape_of(call.operand("out"), x.shape)
        return [Expected("out", value.reshape(shape), allowed.reshape(shape), dtype)]
    grads = a["grad"].reshape(-1, 1).astype(LONG)
    share = np.zeros(rows.shape, LONG)
    for part, keep in parts_of(chosen):
        share[part, keep] = rows_forward("softmax", rows[part, keep], scale)[0]
    value, subnormal = np.where(chosen, grads * share, 0), LONG(np.finfo(dtype).smallest_subnormal)
    allowed = (bounds["backward_x"] + 0.7) * ulp_of(value, dtype) + bounds["backward_x"] * subnormal * abs(grads)
    overflows = abs(value) > np.finfo(dtype).max / 16  # before it is scaled
    value = value * scale
    if scale != 1:  # one rounding more
        allowed = allowed * scale + ulp_of(value, dtype)
        allowed = np.where(overflows, INF, allowed)
    allowed = np.where(chosen & np.isfinite(value), allowed, 0)
    doubtful = chosen & np.isinf(grads) & (share < 4 * subnormal)  # times what may have rounded to 0
    allowed = np.where(doubtful, INF, allowed)
    value, allowed, masked = (back_from_rows(each, x.shape, axis) for each in (value, allowed, ~chosen))
    return [Expected("out", value, allowed, dtype, masked)]


# ---------------------------------------------------------------------------------------------------------------
# Gates
# ---------------------------------------------------------------------------------------------------------------


def halves(array, axis):
    return np.split(array, 2, axis=axis)


def gate(call, a, dtype):
    row = GATE[call.name]
    whole = "x" in a
    if whole:
        axis = call.counted_axis(a["x"].ndim)
        both = dict(zip(row.inputs, halves(a["x"], axis), strict=True))
    else:
        both = a
    g, v = both["gate"], both["value"].astype(LONG)
    f, f_off = function(row.activation, "forward", g, dtype, {})
    bounds = row.bounds[dtype.name]
    if call.operation == "forward":
        return [Expected("out", *times(f, f_off, v, bounds["forward"], dtype), dtype)]
    grad = a["grad"].astype(LONG)
    slope, slope_off = function(row.activation, "derivative", g, dtype, {})
    value_grad = times(f, f_off, grad, bounds["value_grad"], dtype)
    both_rounded = (grad * v).astype(dtype)  # once on the way
    lost = (abs(both_rounded) < np.finfo(dtype).smallest_normal) & (both_rounded != grad * v)
    value, off, stopped = product(both_rounded, slope, slope_off, dtype, row.piecewise, bounds["gate_grad"] + 0.5)
    off = np.where(lost & ~np.isnan(value), off + abs(slope) * LONG(np.finfo(dtype).smallest_subnormal), off)
    gate_grad = (value, off)
    if not whole:
        return [Expected("gate_grad", *gate_grad, dtype, stopped), Expected("value_grad", *value_grad, dtype)]
    parts = {"gate": gate_grad, "value": value_grad}
    joined = [np.concatenate([parts[name][k] for name in row.inputs], axis=axis) for k in range(2)]
    return [Expected("out", *joined, dtype)]


def times(f, f_off, other, bound, dtype):
    """Return f * other: f has been rounded, and so is the product."""
    value = f * other
    off = abs(other) * f_off + (bound + 0.5) * ulp_of(value, dtype)
    uncertain = np.isinf(other) & (abs(f) <= f_off) & (f_off > 0)
    vanishes = np.isinf(other) & ~uncertain & (abs(f) < LONG(np.finfo(dtype).smallest_subnormal) / 4)
    overflown = np.isfinite(f) & (abs(f) >= np.finfo(dtype).max) & (other == 0)
    value = np.where(vanishes, NAN, value)
    off = np.where(np.isfinite(value), off, 0)
    return value, np.where(uncertain | overflown, INF, np.where(np.isnan(value), 0, off))


# ---------------------------------------------------------------------------------------------------------------
# Losses
# ---------------------------------------------------------------------------------------------------------------


def none_of(weight, value):
    """Return weight * value, where nothing of an infinity is nothing."""
    return np.where((weight == 0) & ~np.isnan(value), 0, weight * value)


def reduce(losses, off, divisor, call, dtype):
    """Return the result of the rows' losses, and its error."""
    how = call.settings.get("reduction", "mean")
    if how == "none":
        return losses, off
    result = losses.sum(dtype=LONG)
    error = np.where(np.isfinite(off), off, 0).sum(dtype=LONG) + losses.size * abs(result) * LONG(2) ** -64
    if how == "mean":
        result, error = result / divisor, error / divisor
    error = error + 2 * ulp_of(result, dtype)
    if np.isposinf(off).any():
        error = INF
    elif not np.isfinite(result):
        error = LONG(0)
    return np.asarray(result, LONG), np.asarray(error, LONG)


def smoothed(call, dtype):
    """Return the smoothing, and how far off it is where it has been rounded to the type."""
    smoothing = LONG(call.settings.get("label_smoothing", 0.0))
    return smoothing, abs(LONG(dtype.type(smoothing)) - smoothing)


def softmax_cross_entropy(call, a, dtype):
    x = a["logits"]
    axis = call.counted_axis(x.ndim)
    rows, n = rows_of(x, axis), x.shape[axis]
    (smoothing, doubt), ignored = smoothed(call, dtype), call.settings.get("ignore_label")
    weight = a["class_weight"].astype(LONG) if "class_weight" in a else np.ones(n, LONG)
    of_rows = np.broadcast_to(a.get("weight", np.ones((), dtype)).astype(LONG), calls.without(x.shape, axis)).reshape(
        -1
    )
    labelled = call.operand("targets").role == "labels"
    losses, off = np.zeros(len(rows), LONG), np.zeros(len(rows), LONG)
    grad, grad_off = np.zeros(rows.shape, LONG), np.zeros(rows.shape, LONG)
    divisor = LONG(0) if labelled else of_rows.sum(dtype=LONG)
    if rows.size:
        subnormal, top = LONG(np.finfo(dtype).smallest_subnormal), np.finfo(dtype).max / 8
        counted = np.ones((len(rows), 1), bool)
        if labelled:
            labels = a["targets"].reshape(-1, 1)
            if ignored is not None:
                counted = labels != ignored
            labels = np.where(counted, labels, 0).astype(np.int64)
            divisor = np.where(counted, weight[labels] * of_rows[:, None], 0).sum()
            t = (np.arange(n) == labels).astype(LONG)
        else:
            t = rows_of(a["targets"], axis).astype(LONG)
        q = weight * (t * (1 - smoothing) + smoothing / n)
        lost = is_lost(rows)
        d, peak = apart(np.where(lost, 0, rows).astype(LONG), LONG(1))
        e = np.exp(d)
        others = over_row(np.where(peak, 0, e))
        below = np.log1p(others) - d  # -log of the softmax
        losses = over_row(none_of(q, below))
        q_off = doubt * weight * abs(t - LONG(1) / n)
        # Below the normal range the softmax has lost digits, which weights bring back.
        off = 5 * ulp_of(losses, dtype) + 4 * n * subnormal * np.maximum(1, over_row(q))
        off = off + over_row(none_of(q_off, below))
        off = np.where(over_row(abs(q) * np.where(np.isinf(below), 0, below)) > top, INF, off)
        p = e / (1 + others)
        exact_one = np.where(peak, others / (1 + others), 1 - p)
        terms = p * over_row(q) + q
        # p_j * sum(q) - q_j, where nearly all of q is at j without cancelling
        grad = p * (over_row(q) - q) - q * exact_one
        grad_off = 4.7 * ulp_of(terms, dtype) + 4 * subnormal * np.maximum(1, over_row(q)) + p * over_row(q_off) + q_off
        if "weight" in a:  # what is finite times it, with one rounding more
            w = of_rows[:, None]
            losses, off = none_of(w, losses), none_of(w, off)
            off = off + ulp_of(losses, dtype)
            grad, grad_off = w * grad, w * grad_off + ulp_of(w * terms, dtype)
        losses = np.where(counted, np.where(lost, NAN, losses), 0)[:, 0]
        off = np.where(counted & ~lost, off, 0)[:, 0]
        grad = np.where(counted, np.where(lost, NAN, grad), 0)
        grad_off = np.where(counted & ~lost, grad_off, 0)
    shape = x.shape[:axis] + x.shape[axis + 1 :]
    result, error = reduce(losses.reshape(shape), off.reshape(shape), divisor, call, dtype)
    found = [Expected("result", result, error, dtype)]
    if "grad_out" in call.results:
        if call.settings.get("reduction", "mean") == "mean":
            grad, grad_off = scaled(grad, grad_off, divisor, dtype)
        found.append(Expected("grad_out", *(back_from_rows(each, x.shape, axis) for each in (grad, grad_off)), dtype))
    return found


def scaled(grad, off, divisor, dtype):
    """Return gradients of a mean."""
    if divisor == 0:  # of nothing
        return grad, np.full(grad.shape, INF)
    value = grad / divisor
    # The factor is rounded to the type.
    allowed = off / divisor + 1.5 * ulp_of(value, dtype)
    if 1 / divisor < 4 * np.finfo(dtype).smallest_normal or 1 / divisor > np.finfo(dtype).max / 4:
        allowed = np.full(grad.shape, INF)
    return value, np.where(np.isnan(value), 0, allowed)


def sigmoid_cross_entropy(call, a, dtype):
    z, t = a["logits"].astype(LONG), a["targets"].astype(LONG)
    smoothing, doubt = smoothed(call, dtype)
    weight = a["weight"].astype(LONG) if "weight" in a else np.ones(z.shape, LONG)
    positive = a["pos_weight"] if "pos_weight" in a else call.settings.get("pos_weight", 1.0)
    positive = np.asarray(positive, dtype).astype(LONG)
    positive = np.broadcast_to(positive.reshape(()) if positive.size == 1 else positive, z.shape)
    on = positive * (t * (1 - smoothing) + smoothing / 2)
    out = (1 - t) * (1 - smoothing) + smoothing / 2
    tail = np.log1p(np.exp(-abs(z)))
    loss = (on + out) * tail + none_of(np.where(z < 0, on, out), abs(z))
    losses = none_of(weight, loss)
    losses = np.where(np.isnan(z), NAN, losses)
    off = 5 * ulp_of(losses, dtype) + 4 * LONG(np.finfo(dtype).smallest_subnormal) * np.maximum(1, weight) * np.maximum(
        1, positive
    )
    off = np.where(np.isfinite(losses), off, 0)
    off = off + none_of(weight * doubt * abs(t - 0.5), none_of(positive, np.logaddexp(0, -z)) + np.logaddexp(0, z))
    off = np.where(np.isfinite(losses), off, 0)
    big = abs(weight) * np.where(np.isinf(loss), 0, loss) > np.finfo(dtype).max / 8
    big |= np.where(np.isinf(loss), 0, loss) > np.finfo(dtype).max / 8
    off = np.where(big, INF, off)
    up, down = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z))
    grad = weight * (out * up - on * down)
    terms = weight * (out * up + on * down)
    grad_off = 4.7 * ulp_of(terms, dtype) + 4 * LONG(np.finfo(dtype).smallest_subnormal) * np.maximum(
        1, weight
    ) * np.maximum(1, positive)
    grad_off = grad_off + weight * doubt * abs(t - 0.5) * (up + positive * down)
    grad = np.where(np.isnan(z), NAN, grad)
    grad_off = np.where(np.isnan(grad), 0, grad_off)
    result, error = reduce(losses, off, LONG(z.size), call, dtype)
    found = [Expected("result", result, error, dtype)]
    if "grad_out" in call.results:
        if call.settings.get("reduction", "mean") == "mean":
            grad, grad_off = scaled(grad, grad_off, LONG(z.size), dtype)
        found.append(Expected("grad_out", grad, grad_off, dtype))
    return found


# ---------------------------------------------------------------------------------------------------------------
# Diagnosis
# ---------------------------------------------------------------------------------------------------------------


def diagnose(call, a, dtype, target):
    """Counts of the derivative as fastact itself gives it on the target, which other calls hold to its bound."""
    x = np.atleast_1d(a["x"])
    axis = call.counted_axis(x.ndim)
    below = call.settings.get("saturated_below", 0.01)
    given = {key: value for key, value in call.settings.items() if key not in ("axis", "saturated_below")}
    activation = helpers.on_target(call.options["activation"], target)
    slope = abs(activation.derivative(np.ascontiguousarray(x), **given)).astype(LONG)
    batch = x.size // max(1, x.shape[axis])
    by_unit, inputs = (np.moveaxis(each, axis, 0).reshape(x.shape[axis], batch) for each in (slope, x))
    counted = max(1, x.size - int(np.isnan(x).sum()))
    finite = np.where(np.isnan(slope), 0, slope)
    dead_by_unit = (by_unit == 0).sum(axis=1) / np.maximum(1, (~np.isnan(inputs)).sum(axis=1))
    values = {
        "dead": (slope == 0).sum() / counted,
        "dead_units": (dead_by_unit == 1).mean() if len(dead_by_unit) else 0.0,
        "dead_by_unit": dead_by_unit,
        "saturated": (slope < below).sum() / counted,
        "mean_slope": finite.sum() / counted,
        "nan": int(np.isnan(x).sum()),
        "inf": int(np.isinf(x).sum()),
    }
    found = []
    for name in call.results:
        value = np.asarray(values[name], LONG)
        kind = np.dtype(np.int64 if name in ("nan", "inf") else np.float64)
        off = (4 + x.size if name == "mean_slope" else 4) * np.finfo(np.float64).eps * abs(value)
        if name == "mean_slope" and finite.sum() > np.finfo(np.float64).max / 4:  # what is added up may overflow
            off = INF
        found.append(Expected(name, value, np.asarray(np.where(np.isfinite(value), off, 0), LONG), kind))
    return found


FAMILIES = {
    each.__name__: each
    for each in (elementwise, channelwise, rowwise, reduction, gate, softmax_cross_entropy, sigmoid_cross_entropy)
}
