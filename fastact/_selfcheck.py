"""How large fastact's errors are here, in ulp: what `python -m fastact` and the benchmarks show beside the times.

float32 is swept against fastact's own float64, float64 is compared with decimal numbers.  A quick look; the tests look
everywhere.
"""

import functools

import numpy as np

from fastact._truth import DECIMAL, error_scale, in_float64
from fastact.catalogue import SPECS

STRIDE = 1021  # of the float32 bit patterns that are tried


def kinds(activation):
    """Return what an activation computes, by the names of its bounds; backward from x shares the derivative's bound."""
    derivative = [] if activation.kind == "rowwise" else ["derivative"]
    return ["forward", *derivative, *(f"backward_{given}" for given in sorted(activation.backward_from))]


def compute(activation, kind, x, grad, out=None, **parameters):
    """Return one kind of an activation's results; `x` is the output where the kind is backward from y."""
    if kind == "forward":
        return activation(x, **parameters, out=out)
    if kind == "derivative":
        return activation.derivative(x, **parameters, out=out)
    return activation.backward(grad, **{kind[-1]: x}, **parameters, out=out)


def in_place(activation, kind, x, grad):
    """Return the same with typical parameters, computed over the input or the gradient."""
    x, grad = x.copy(), grad.copy()
    out = grad if kind.startswith("backward") else x
    return compute(activation, kind, x, grad, out, **SPECS[activation.name].typical)


def ulp(scale, dtype):
    """Return the distance of two neighbours of the type in the binade of each number."""
    info = np.finfo(dtype)
    exponent = np.maximum(np.frexp(scale)[1] - 1, info.minexp)
    return np.ldexp(1.0, exponent - info.nmant)


def largest_error(got, true, tail, scale):
    """Return the largest error in ulp of `scale`; the true value is `true` and `tail` of its ulp."""
    with np.errstate(all="ignore"):
        error = np.abs(got.astype(np.float64) - true - tail * ulp(true, np.float64)) / ulp(scale, got.dtype)
        rounded = true.astype(got.dtype)
    same = (np.isnan(got) & np.isnan(true)) | (np.isinf(got) & (got == rounded))
    error = np.where(same, 0, error)
    return np.where(np.isnan(error), np.inf, error).max()


def signs(x):
    """Return a gradient by which a product is exact, so that the derivative's own bound holds."""
    return np.where(np.arange(x.size) % 2, 1, -1).astype(x.dtype).reshape(x.shape)


def float32_inputs(activation):
    """Yield inputs in float32 with gradients: bit patterns of every exponent, or rows of several lengths and ranges."""
    if activation.kind != "rowwise":
        x = np.arange(0, 2**32, STRIDE, dtype=np.uint64).astype(np.uint32).view(np.float32)
        x = np.append(x[~np.isnan(x)], np.array([0.0, -0.0, np.inf, -np.inf], np.float32))
        yield x, signs(x)
        return
    rng = np.random.default_rng(0)
    for length in (1, 2, 10, 37, 128, 1000):
        widths = np.exp(rng.uniform(-2, 5, (100_000 // length, 1)))
        shape = (widths.size, length)
        yield (rng.normal(size=shape) * widths).astype(np.float32), rng.normal(size=shape).astype(np.float32)


def float32_error(activation, kind, run=in_place):
    """Return the largest error in float32, where fastact's own float64 is the truth.

    Another library is judged by its own `run(activation, kind, x, grad)`.
    """
    typical = SPECS[activation.name].typical
    exact = in_float64(activation.name, typical)
    largest = 0.0
    for x, grad in float32_inputs(activation):
        if kind == "backward_y":
            x = activation(x, **typical)
        true = compute(activation, kind, x.astype(np.float64), grad.astype(np.float64), **exact)
        arrays = (grad, x) if kind == "backward_y" else (x,)
        scale = error_scale(activation.name, "derivative" if kind == "backward_x" else kind, true, *arrays, **exact)
        largest = max(largest, largest_error(run(activation, kind, x, grad), true, 0.0, scale))
    return largest


def points():
    """Return inputs of elementwise functions: all exponents, both signs, and denser where functions bend."""
    draw, info = np.random.default_rng(0), np.finfo(np.float64)
    powers = np.ldexp(1 + draw.random(31), np.arange(-1075, 1023, 69))
    spread = np.concatenate([draw.uniform(0, width, 10) for width in (1, 4, 20, 40, 750)])
    magnitudes = np.concatenate([powers, spread, [0.0, info.smallest_normal, info.max, np.inf]])
    return np.concatenate([magnitudes, -magnitudes])


def rows():
    """Return rows of logits, from nearly equal ones to some that saturate."""
    widths = np.array([[1], [1], [5], [5], [20], [20], [400], [1e4]])
    return np.random.default_rng(0).uniform(-widths, widths, (widths.size, 10))


def with_gradients(row, x):
    """Return gradients and the outputs that they belong to."""
    y = DECIMAL.true_values(row.name, "forward", x, **row.typical).astype(np.float64)
    return x[:, ::-1].copy() if row.kind == "rowwise" else signs(y), y


@functools.cache
def float64_truth(name, kind):
    """Return the arguments, x or grad and y, and the nearest float64 to each true value with what is left, in its ulp."""
    row = SPECS[name]
    x = points() if row.kind != "rowwise" else rows()
    arrays = with_gradients(row, x) if kind == "backward_y" else (x,)
    true = DECIMAL.true_values(name, kind, *arrays, **row.typical)
    value = true.astype(np.float64)
    with np.errstate(all="ignore"), DECIMAL.context(100):
        tail = ((true - DECIMAL.convert(value)) / DECIMAL.convert(ulp(value, np.float64))).astype(np.float64)
    return arrays, value, np.where(np.isfinite(tail), tail, 0)


def float64_error(activation, kind, run=in_place):
    """Return the largest error in float64; `run` as above."""
    from_x = kind == "backward_x"
    arrays, value, tail = float64_truth(activation.name, "derivative" if from_x else kind)
    x, grad = arrays[-1], signs(arrays[-1]) if len(arrays) == 1 else arrays[0]
    if from_x:
        value, tail = value * grad, tail * grad
    scale = error_scale(activation.name, "derivative" if from_x else kind, value, *arrays)
    return largest_error(run(activation, kind, x, grad), value, tail, scale)
