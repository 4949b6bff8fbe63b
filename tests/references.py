"""What every function truly is, in MPFR numbers, and at which inputs errors show: for the tests and for tools/accuracy.py.

True values come from the catalogue's formulas (fastact/_truth.py).  Where to look may be asked of fastact, what is true
may not.
"""

import functools

import gmpy2
import numpy as np

import fastact as fa
from fastact._truth import Arithmetic
from fastact.catalogue import SPECS

PRECISION = 160  # bits to begin with
BLOCK = 1 << 16  # elements at a time: what is computed on the way stays in cache
INF = np.inf

MPFR = Arithmetic(
    number=gmpy2.mpfr,
    functions={
        name: getattr(gmpy2, name) for name in ("cosh", "erfc", "exp", "expm1", "log", "log1p", "sign", "sqrt", "tanh")
    },
    pi=gmpy2.const_pi,
    context=lambda precision: gmpy2.context(precision=precision),
    precisions=(PRECISION, 2 * PRECISION, 4000, 1 << 14),
    sure=4000,
    tolerance=gmpy2.exp2(-100),
    beyond=gmpy2.exp2(10**6),
)
mpfr, true_values = MPFR.convert, MPFR.true_values


# ---------------------------------------------------------------------------------------------------------------
# Facts about functions, found by their true values
# ---------------------------------------------------------------------------------------------------------------

ORDINARY = np.concatenate([np.arange(-6400, 6401) / 640, np.geomspace(1e-6, 1e4, 400), -np.geomspace(1e-6, 1e4, 400)])


@functools.cache
def ordinary_values(name, kind, **parameters):
    """Return the true values at ordinary numbers in ascending order."""
    return true_values(name, kind, np.sort(ORDINARY), **SPECS[name].typical | parameters)


def is_increasing(name):
    values = ordinary_values(name, "forward")
    return bool(np.all(values[1:] >= values[:-1]))


def is_odd(name):
    values = ordinary_values(name, "forward")
    return bool(np.all(values + values[::-1] == 0))


# ---------------------------------------------------------------------------------------------------------------
# Errors
# ---------------------------------------------------------------------------------------------------------------


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


@functools.cache
def derivative_roots(name, **parameters):
    """Return where fastact's derivative changes its sign, but for 0."""
    derivative = fa.ACTIVATIONS[name].derivative

    def sign(x):
        return np.sign(derivative(x, **parameters))

    x = grid(np.float64)
    x = x[sign(x) != 0]
    return [root for root in changes(sign, x) if abs(root) > 1e-3]


# ---------------------------------------------------------------------------------------------------------------
# Where to look
# ---------------------------------------------------------------------------------------------------------------


def grid(dtype, mantissas=8):
    """Return all exponents with some mantissas, of both signs, in order; zero among them."""
    info, word = np.finfo(dtype), np.dtype(f"u{np.dtype(dtype).itemsize}")
    step = (1 << info.nmant) // mantissas
    positive = np.arange(0, int(np.array(info.max, dtype).view(word)), step, dtype=word).view(dtype)
    return np.concatenate([-positive[:0:-1], positive])


def changes(classify, x):
    """Return the places between neighbours of x where the class of a number changes, each to the last bit."""
    dtype = x.dtype
    integer = np.dtype(f"i{dtype.itemsize}")
    least = np.iinfo(integer).min

    def ordered(values):  # integers in the order of the numbers
        bits = values.view(integer)
        return np.where(bits < 0, least - bits, bits)

    def number(order):
        return np.where(order < 0, least - order, order).astype(integer).view(dtype)

    classes = classify(x)
    at = np.flatnonzero(classes[1:] != classes[:-1])
    low, high, first = ordered(x[at]), ordered(x[at + 1]), classes[at]
    for _ in range(8 * dtype.itemsize):
        middle = low // 2 + high // 2 + (low & high & 1)
        same = classify(number(middle)) == first
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return number(high).tolist()


@functools.cache
def landmarks(name, dtype, **parameters):
    """Return where a function or its derivative begins to be 0, subnormal, 1, infinite, x itself, or changes its sign."""
    activation, info, parameters = fa.ACTIVATIONS[name], np.finfo(dtype), SPECS[name].typical | parameters

    def classify(x):
        code = np.zeros(x.shape, int)
        with np.errstate(all="ignore"):
            for y in (activation(x, **parameters), activation.derivative(x, **parameters)):
                small = abs(y) < info.smallest_normal
                for fact in (y == 0, small, y < 0, abs(y) == 1, abs(y) == INF, y == x, 1 - abs(y) < 1e-3):
                    code = 2 * code + fact
        return code

    return changes(classify, grid(dtype))


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


def telling_points(name, dtype, count, seed=0, **parameters):
    """Return values of the type, in no order, among which errors show: some times `count`, each once.

    Log-uniform over all exponents; dense where functions bend; both ends of every binade; the neighbourhood of every
    landmark, small whole number and half, and of multiples of ln2/16, where the reduction of exponentials changes;
    zeros, infinities and NaN.
    """
    dtype, info, random = np.dtype(dtype), np.finfo(dtype), np.random.default_rng(seed)
    parameters = SPECS[name].typical | parameters
    word = np.dtype(f"u{dtype.itemsize}")
    binades = np.ldexp(1.0, np.arange(info.minexp - info.nmant, info.maxexp))
    steps = random.integers(1, int(1.1 * 16 * info.maxexp), count)
    places = random.permutation(landmarks(name, dtype, **parameters))[: count // 4]
    places = [
        *places,
        *derivative_roots(name, **parameters),
        *(np.arange(17) / 2),
        *(abs(v) for v in parameters.values()),
    ]
    points = [
        random.integers(0, 2 ** (8 * dtype.itemsize), count, word).view(dtype),
        *(random.uniform(-width, width, count) for width in (1, 10, 40, 800)),
        random.normal(size=count) * np.exp(random.uniform(-30, 0, count)),
        neighbours(binades, 1, dtype),
        neighbours(steps * (np.log(2) / 16), 1, dtype),
        neighbours(places, min(max(3, count // (2 * len(places))), 300), dtype),
        [INF, -INF, np.nan, info.max, info.min],
    ]
    with np.errstate(all="ignore"):
        bits = np.concatenate([np.asarray(some, dtype) for some in points]).view(word)
    return random.permutation(np.unique(bits)).view(dtype)


def some_gradient(x):
    """Return numbers of any mantissa, some exponents and both signs, the same for the same x."""
    info, word = np.finfo(x.dtype), np.dtype(f"u{x.itemsize}")
    mixed = x.view(word) * word.type(0x9E3779B97F4A7C15 >> (64 - 8 * x.itemsize))
    mixed ^= mixed >> word.type(4 * x.itemsize)
    varied = (1 << (8 * x.itemsize - 1)) | (16 << info.nmant) - 1  # sign, four bits of the exponent, mantissa
    return ((mixed & word.type(varied)) + word.type((info.maxexp - 9) << info.nmant)).view(x.dtype)


def output_range(name, **parameters):
    """Return the least and the largest value of a function, in its parameters' type."""
    low, high = (
        eval(bound, {"inf": INF, **fa.ACTIVATIONS[name].parameters, **parameters}) for bound in SPECS[name].range
    )
    return low, high


def arguments(name, kind, x, **parameters):
    """Return the arrays of an elementwise operation made of x: itself; or a gradient of 1 and those of x that are outputs.

    With that gradient, backward from the output is the derivative from the output.
    """
    if kind != "backward_y":
        return (x,)
    lower, upper = (x.dtype.type(bound) for bound in output_range(name, **parameters))
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
