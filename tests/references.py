"""What every function truly is, a precision higher: the one home of references, for the tests and for tools/accuracy.py.

A formula stands once, over arrays: of float64 where float32 is tested, of MPFR numbers (object arrays) where float64 is.
None subtracts what is nearly equal, so that its own error is far below 1e-3 ulp of the type tested.  Nothing of fastact
may be used here.  A new activation needs its formulas and an entry in REFERENCES.
"""

import dataclasses
from collections.abc import Callable

import gmpy2
import numpy as np

PRECISION = 200  # bits of an MPFR number
BLOCK = 1 << 16  # elements at a time: what is computed on the way stays in cache
INF = np.inf

mpfr = np.frompyfunc(gmpy2.mpfr, 1, 1)


def of_either(numpy_function, gmpy2_function):
    """Return a function of arrays of float64 or of MPFR numbers."""
    of_numbers = np.frompyfunc(gmpy2_function, 1, 1)
    return lambda x: of_numbers(x) if x.dtype == object else numpy_function(x)


exp = of_either(np.exp, gmpy2.exp)
tanh = of_either(np.tanh, gmpy2.tanh)


@dataclasses.dataclass(frozen=True)
class Elementwise:
    """A function, its derivative, and the derivative from the output where that is enough.

    Parameters follow x, in the catalogue's order.  Around `breakpoints` errors are sought: kinks, and where values
    saturate or leave the normal range in one of the types.  `piecewise`: a branch makes the derivative exactly 0, which
    wins over any gradient.
    """

    forward: Callable
    derivative: Callable
    derivative_y: Callable | None = None
    range: tuple = (-INF, INF)
    breakpoints: tuple = (0.0,)
    increasing: bool = True
    odd: bool = False
    piecewise: bool = False


@dataclasses.dataclass(frozen=True)
class Rowwise:
    """A function of rows, which lie along the last axis, and its backward; `backward_terms` adds up its absolute terms."""

    forward: Callable
    backward_y: Callable
    backward_terms: Callable


def relu(x):
    return np.maximum(x, 0)


def relu_derivative(x):
    return np.where(x > 0, 1, 0)


def leaky_relu(x, negative_slope):
    if negative_slope == 0:
        return relu(x)  # where 0 * -inf is 0
    return np.where(x > 0, x, negative_slope * x)


def leaky_relu_derivative(x, negative_slope):
    return np.where(x > 0, 1, negative_slope)


def sigmoid(x):
    e = exp(-abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def sigmoid_derivative(x):
    e = exp(-abs(x))
    return e / (1 + e) ** 2


def sigmoid_derivative_y(y):
    return y * (1 - y)


def tanh_derivative(x):
    e = exp(-2 * abs(x))
    return 4 * e / (1 + e) ** 2


def tanh_derivative_y(y):
    return (1 - y) * (1 + y)


def softmax(x):
    e = exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(grad, y):
    return y * (grad - (grad * y).sum(axis=-1, keepdims=True))


def softmax_backward_terms(grad, y):
    return abs(y) * (abs(grad) + abs(grad * y).sum(axis=-1, keepdims=True))


REFERENCES = {
    "relu": Elementwise(relu, relu_derivative, relu_derivative, range=(0, INF), piecewise=True),
    "leaky_relu": Elementwise(leaky_relu, leaky_relu_derivative, leaky_relu_derivative, piecewise=True),
    "sigmoid": Elementwise(
        sigmoid,
        sigmoid_derivative,
        sigmoid_derivative_y,
        range=(0, 1),
        breakpoints=(
            0.0,
            *(s * x for s in (-1, 1) for x in (16.64, 17.33, 36.74, 87.34, 88.73, 103.98, 708.4, 709.8, 745.2)),
        ),
    ),
    "tanh": Elementwise(
        tanh,
        tanh_derivative,
        tanh_derivative_y,
        range=(-1, 1),
        breakpoints=(
            0.0,
            *(s * x for s in (-1, 1) for x in (8.66, 9.02, 18.37, 19.07, 44.01, 52.69, 354.5, 355.2, 373.3)),
        ),
        odd=True,
    ),
    "softmax": Rowwise(softmax, softmax_backward, softmax_backward_terms),
}


def formula(name, kind):
    """Return what an operation truly is, as a function of its arrays: forward, derivative or backward_y."""
    reference = REFERENCES[name]
    if kind == "backward_y" and isinstance(reference, Elementwise):
        return lambda grad, y, **parameters: grad * reference.derivative_y(y, **parameters)
    return getattr(reference, kind)


def true_values(formula, *arrays, precision=PRECISION, **parameters):
    """Evaluate a formula a precision higher than its float32 or float64 arrays; NaN wherever one of them is.

    Parameters are first rounded to the arrays' type, as callers' are.
    """
    dtype = arrays[0].dtype
    parameters = {name: float(dtype.type(value)) for name, value in parameters.items()}
    with gmpy2.context(precision=precision), np.errstate(all="ignore"):
        longer = [array.astype(np.float64) for array in arrays]
        if dtype == np.float64:
            longer = [mpfr(array) for array in longer]
            parameters = {name: gmpy2.mpfr(value) for name, value in parameters.items()}
        result = formula(*longer, **parameters).astype(longer[0].dtype, copy=False)
    for array in arrays:
        result[np.isnan(array)] = np.nan
    return result


def error_in_ulp(got, true, scale=None):
    """Return the error of each element in ulp of its true value, below the normal range in smallest subnormals.

    A NaN is right where the true value is one, an infinity where the true value rounds to it; otherwise its error is
    infinite.  Where terms cancel, `scale` is what the ulp is taken of instead.
    """
    with gmpy2.context(precision=PRECISION), np.errstate(all="ignore"):
        longer = mpfr(got) if true.dtype == object else got
        error = (abs(longer - true) / ulp(true if scale is None else scale, got.dtype)).astype(np.float64)
        doubtful = ~(error < INF)
        if doubtful.any():  # an infinity or a NaN on one side
            got, rounded = got[doubtful], true[doubtful].astype(got.dtype)
            error[doubtful] = np.where((got == rounded) | (np.isnan(got) & np.isnan(rounded)), 0, INF)
    return error


def ulp(scale, dtype):
    """Return the distance of neighbours of the type in the binade that holds each of the longer numbers."""
    info = np.finfo(dtype)
    binade = scale.astype(np.float64)
    if scale.dtype == object:  # perhaps rounded up into the next binade
        binade = np.where(abs(binade) > abs(scale), np.nextafter(binade, 0), binade)
    binade = (binade.view(np.int64) & 0x7FF0_0000_0000_0000).view(np.float64)
    return np.clip(binade, info.smallest_normal, 2.0 ** (info.maxexp - 1)) * float(info.eps)


def float32_patterns(stride, start=0, stop=2**32):
    """Yield blocks of float32 values, a stride apart in the order of their bit patterns."""
    for block in range(start, stop, BLOCK * stride):
        yield np.arange(block, min(block + BLOCK * stride, stop), stride, dtype=np.uint32).view(np.float32)


def neighbours(points, reach, dtype):
    """Return the values of the type within `reach` steps of each point, of both signs."""
    integer = np.dtype(f"i{np.dtype(dtype).itemsize}")
    bits = np.abs(np.asarray(points, dtype)).view(integer)[:, None] + np.arange(-reach, reach + 1, dtype=integer)
    magnitude = np.maximum(bits, 0).ravel().view(dtype)
    return np.concatenate([magnitude, -magnitude])


def telling_points(reference, dtype, count, seed=0):
    """Return values of the type, in no order, among which errors show: some times `count`, each once.

    Log-uniform over all exponents; dense where functions bend; both ends of every binade; the neighbourhood of every
    breakpoint, and of multiples of ln2/16, where the reduction of exponentials changes; zeros, infinities and NaN.
    """
    dtype, info, random = np.dtype(dtype), np.finfo(dtype), np.random.default_rng(seed)
    word = np.dtype(f"u{dtype.itemsize}")
    binades = np.ldexp(1.0, np.arange(info.minexp - info.nmant, info.maxexp))
    steps = random.integers(1, int(1.1 * 16 * info.maxexp), count)
    points = [
        random.integers(0, 2 ** (8 * dtype.itemsize), count, word).view(dtype),
        *(random.uniform(-width, width, count) for width in (1, 10, 40, 800)),
        random.normal(size=count) * np.exp(random.uniform(-30, 0, count)),
        neighbours(binades, 1, dtype),
        neighbours(steps * (np.log(2) / 16), 1, dtype),
        neighbours(reference.breakpoints, min(count, 300), dtype),
        [INF, -INF, np.nan, info.max, info.min],
    ]
    with np.errstate(invalid="ignore"):
        bits = np.concatenate([np.asarray(some, dtype) for some in points]).view(word)
    return random.permutation(np.unique(bits)).view(dtype)


def some_gradient(x):
    """Return numbers of any mantissa, some exponents and both signs, the same for the same x."""
    info, word = np.finfo(x.dtype), np.dtype(f"u{x.itemsize}")
    mixed = x.view(word) * word.type(0x9E3779B97F4A7C15 >> (64 - 8 * x.itemsize))
    mixed ^= mixed >> word.type(4 * x.itemsize)
    varied = (1 << (8 * x.itemsize - 1)) | (16 << info.nmant) - 1  # sign, four bits of the exponent, mantissa
    return ((mixed & word.type(varied)) + word.type((info.maxexp - 9) << info.nmant)).view(x.dtype)


def arguments(name, kind, x):
    """Return the arrays of an elementwise operation made of x: itself; or a gradient of 1 and those of x that are outputs.

    With that gradient, backward from the output is the derivative from the output.
    """
    if kind != "backward_y":
        return (x,)
    lower, upper = REFERENCES[name].range
    y = x[~((x < lower) | (x > upper))]
    return np.ones_like(y), y


def telling_rows(dtype, length, rows, seed=0):
    """Return blocks of rows: ordinary, large, far apart, partly -inf, fading to nothing, all equal; the first are enough
    where time is short.
    """
    dtype, random = np.dtype(dtype), np.random.default_rng([seed, length])
    normal = random.normal(size=(rows, length))
    leader = np.where(np.arange(length) == length // 2, 1.0, -INF)
    fading = 50 + normal - random.uniform(0, -np.log(float(np.finfo(dtype).smallest_subnormal)), normal.shape)
    fading[:, 0] = 50.1
    blocks = [10 * normal, np.maximum(np.where(normal < 0, -INF, normal), leader), fading, 1e4 + normal]
    blocks += [scale * normal for scale in (0.1, 1, 40, 1e4, 1e30)]
    blocks += [np.where(normal < 0, -1e30, 1e30), np.full((2, length), 0.1) * [[1], [1e4]]]
    blocks += [-np.outer(np.geomspace(1, 800, rows), np.arange(length)) / length]
    return [block.astype(dtype) for block in blocks]


def row_gradients(y):
    """Return gradients for rows of outputs: of many sizes, and nearly equal ones that cancel almost wholly."""
    various = some_gradient(y + np.arange(y.shape[-1], dtype=y.dtype))
    return [various, (1 + various / 2**18).astype(y.dtype)]
