"""How large fastact's errors are here, in ulp: what `python -m fastact` and the benchmarks show beside the times.

float32 is swept against fastact's own float64, float64 is compared with the true values that ship in _reference.py.
A quick look; the tests look everywhere.
"""

import numpy as np

from fastact import _reference

STRIDE = 1021  # of the float32 bit patterns that are tried


def kinds(activation):
    """Return what an activation computes, by the names of its bounds; backward from x shares the derivative's bound."""
    derivative = ["derivative"] if activation.kind == "elementwise" else []
    return ["forward", *derivative, *(f"backward_{given}" for given in sorted(activation.backward_from))]


def compute(activation, kind, x, grad, out=None, **parameters):
    """Return one kind of an activation's results; `x` is the output where the kind is backward from y."""
    if kind == "forward":
        return activation(x, **parameters, out=out)
    if kind == "derivative":
        return activation.derivative(x, **parameters, out=out)
    return activation.backward(grad, **{kind[-1]: x}, **parameters, out=out)


def in_place(activation, kind, x, grad):
    """Return the same, computed over the input or the gradient."""
    x, grad = x.copy(), grad.copy()
    return compute(activation, kind, x, grad, grad if kind.startswith("backward") else x)


def ulp(scale, dtype):
    """Return the distance of two neighbours of the type in the binade of each number."""
    info = np.finfo(dtype)
    exponent = np.maximum(np.frexp(scale)[1] - 1, info.minexp)
    return np.ldexp(1.0, exponent - info.nmant)


def largest_error(got, true, tail=0.0, scale=None):
    """Return the largest error in ulp of `scale`, by default the true value: `true` and `tail` of its ulp."""
    scale = true if scale is None else scale
    with np.errstate(invalid="ignore"):
        error = np.abs(got.astype(np.float64) - true - tail * ulp(true, np.float64)) / ulp(scale, got.dtype)
    same = (np.isnan(got) & np.isnan(true)) | (np.isinf(got) & (got == true))
    error = np.where(same, 0, error)
    return np.where(np.isnan(error), np.inf, error).max()


def cancelling(activation, kind, y, grad):
    """Return what the error of a rowwise backward is relative to, the sum of its absolute terms; else None."""
    if activation.kind == "elementwise" or kind == "forward":
        return None
    y, grad = np.abs(y.astype(np.float64)), np.abs(grad.astype(np.float64))
    return y * (grad + (grad * y).sum(axis=-1, keepdims=True))


def signs(x):
    """Return a gradient by which a product is exact, so that the derivative's own bound holds."""
    return np.where(np.arange(x.size) % 2, 1, -1).astype(x.dtype).reshape(x.shape)


def float32_inputs(activation):
    """Yield inputs in float32 with gradients: bit patterns of every exponent, or rows of several lengths and ranges."""
    if activation.kind == "elementwise":
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
    parameters = activation.parameters if activation.kind == "elementwise" else {}
    exact = {name: float(np.float32(value)) for name, value in parameters.items()}
    largest = 0.0
    for x, grad in float32_inputs(activation):
        if kind == "backward_y":
            x = activation(x)
        true = compute(activation, kind, x.astype(np.float64), grad.astype(np.float64), **exact)
        scale = cancelling(activation, kind, x, grad)
        largest = max(largest, largest_error(run(activation, kind, x, grad), true, scale=scale))
    return largest


def decode(text, dtype=">f8"):
    """Return the numbers that a text of _reference.py stands for."""
    return np.frombuffer(bytes.fromhex(text), dtype)


def float64_error(activation, kind, run=in_place):
    """Return the largest error in float64 against the true values that ship; `run` as above."""
    values = _reference.VALUES[activation.name]
    elementwise = activation.kind == "elementwise"
    points = decode(_reference.POINTS) if elementwise else decode(_reference.ROWS).reshape(-1, 10)
    points = points.astype(np.float64)  # in the machine's byte order
    true_dtype = [("value", ">f8"), ("tail", ">i2")]
    x = points
    if kind == "backward_y":
        x = decode(values["forward"], true_dtype)["value"].astype(np.float64).reshape(points.shape)
    grad = signs(points) if elementwise else points[:, ::-1].copy()
    true = decode(values[kind if kind in values else "derivative"], true_dtype)
    value = true["value"].astype(np.float64).reshape(points.shape)
    tail = true["tail"].reshape(points.shape) / 2**15
    if elementwise and kind.startswith("backward"):
        value, tail = value * grad, tail * grad
    got = run(activation, kind, x, grad)
    return largest_error(got, value, tail, cancelling(activation, kind, x, grad))
