"""Writes fastact/kernels/math/constants.h: every table and coefficient of the kernels, fitted with mpmath.

Run ``python tools/make_constants.py``; it gives the same bytes each time, and ``--check`` fails where the file
in the tree differs.  Fits are interpolations at Chebyshev nodes, within a few per cent of minimax.
"""

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np
from mpmath import mp, mpf

mp.prec = 200
TARGET = Path(__file__).resolve().parent.parent / "fastact" / "kernels" / "math" / "constants.h"


class Real:
    """A floating-point type: how to round to it and how C spells its numbers."""

    def __init__(self, dtype, suffix):
        self.dtype, self.suffix = dtype, suffix
        self.precision = np.finfo(dtype).nmant + 1

    def round(self, value):
        """The nearest number of the type (in the normal range), as an mpf."""
        with mp.workprec(self.precision):
            return +mpf(value)

    def literal(self, value):
        return float(self.round(value)).hex() + self.suffix

    def pair(self, value):
        hi = self.round(value)
        return hi, self.round(value - hi)


F32, F64 = Real(np.float32, "f"), Real(np.float64, "")


def short(value, bits):
    """``value`` cut to its leading bits: products with small integers are exact."""
    with mp.workprec(bits):
        return +value


def chebyshev_fit(f, lower, upper, degree):
    """Monomial coefficients, lowest first, of the interpolant of f at the Chebyshev nodes of [lower, upper]."""
    count = degree + 1
    nodes = [
        (lower + upper) / 2 + (upper - lower) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)
    ]
    matrix = mp.matrix([[node**power for power in range(count)] for node in nodes])
    return list(mp.lu_solve(matrix, mp.matrix([f(node) for node in nodes])))


def quadratic_rest(r):
    """(e^r - 1 - r) / r^2."""
    return mp.nsum(lambda k: r**k / mp.factorial(k + 2), [0, 30])


def exponential(real, degree, short_bits):
    """e^x = 2^n * 2^(j/8) * e^r with |r| <= ln(2)/16."""
    bound = mp.log(2) / 16
    pairs = [real.pair(mpf(2) ** (mpf(j) / 8)) for j in range(8)]
    ln2_hi = short(mp.log(2), short_bits)
    yield "LOG2_E", [1 / mp.log(2)]
    yield "LN2_HI", [ln2_hi]
    yield "LN2_LO", [mp.log(2) - ln2_hi]
    yield "exp2_eighths_hi", [hi for hi, _ in pairs]
    yield "exp2_eighths_lo", [lo for _, lo in pairs]
    yield "expm1_rest", chebyshev_fit(quadratic_rest, -bound, bound, degree)


def octaves(real, degree):
    """e^x = 2^n * e^r with |r| <= ln(2)/2; adding OCTAVES rounds to n, and leaves n and the exponent's bias in the lowest bits."""
    mantissa_bits = real.precision - 1
    yield "OCTAVES", [mpf(3) / 2 * 2**mantissa_bits + (127 if mantissa_bits == 23 else 1023)]
    bound = mp.log(2) / 2 * (1 + mpf(2) ** -10)
    yield "exp_curve", chebyshev_fit(quadratic_rest, -bound, bound, degree)


def artanh(real, degree):
    """artanh(r) = r + r*v*(...), v = r^2, for 0 <= r <= 1/3."""

    def rest(v):
        r = mp.sqrt(v)
        return (mp.atanh(r) / r - 1) / v

    yield "artanh_rest", chebyshev_fit(rest, mpf(0), mpf(1) / 9, degree)


def fractions(real):
    yield "SIXTH", [mpf(1) / 6]
    third_hi, third_lo = real.pair(mpf(1) / 3)
    yield "THIRD_HI", [third_hi]
    yield "THIRD_LO", [third_lo]


def selu(real):
    lam, alpha = mpf("1.0507009873554804934193349852946"), mpf("1.6732632423543772848170429916717")
    hi, lo = real.pair(lam * alpha)
    yield "SELU_LAMBDA", [lam]
    yield "SELU_LAMBDA_LESS_1", [lam - 1]
    yield "SELU_SLOPE_HI", [hi]
    yield "SELU_SLOPE_LO", [lo]
    yield "SELU_SLOPE_LESS_1", [lam * alpha - 1]


def exp2(real, degree):
    """2^r - 1 for |r| <= 1/16."""

    def slope(r):
        return mp.expm1(r * mp.log(2)) / r

    yield "exp2m1", chebyshev_fit(slope, -mpf(1) / 16, mpf(1) / 16, degree)


def gates(real, short_bits):
    """The slopes of gated units' z, also in units of ln 2 (BITS), in two words each.

    gelu_tanh has z = x*(c0 + c1*x^2) and x*dz/dx = x*(c0 + 3*c1*x^2).  The first word of c0 is short, so that
    c0 + c1*x^2 - c0 is exact.
    """

    def pair(name, value, first):
        yield name, [first]
        yield f"{name}_LO", [value - first]

    quick, c0 = mpf(1702) / 1000, 2 * mp.sqrt(2 / mp.pi)
    c1 = c0 * 44715 / 10**6
    yield "LOG2_E_LO", [1 / mp.log(2) - real.round(1 / mp.log(2))]
    for name, value in (
        ("QUICK_GELU", quick),
        ("QUICK_GELU_BITS", quick / mp.log(2)),
        ("GELU_TANH_CUBIC", 3 * c1),
        ("GELU_TANH_CUBIC_BITS", c1 / mp.log(2)),
    ):
        yield from pair(name, value, real.round(value))
    for name, value in (("GELU_TANH_LINEAR", c0), ("GELU_TANH_LINEAR_BITS", c0 / mp.log(2))):
        yield from pair(name, value, short(value, short_bits))


def tanh_shrink(real, end, degree):
    """(x - tanh x) / x^3 = 1/3 + v*(...), v = x^2, for |x| <= end."""

    def rest(v):
        x = mp.sqrt(v)
        return ((x - mp.tanh(x)) / x**3 - mpf(1) / 3) / v

    yield "tanh_shrink_rest", chebyshev_fit(rest, mpf(0), mpf(end) ** 2, degree)


HALF_OCTAVES = [mpf(v) for v in (0.75, 1, 1.5, 2, 3, 4, 6, 8, 12)]  # eight pieces: what one table lookup tells apart


def tanh_and_slope(x):
    value = mp.tanh(x)
    return value, 1 - value**2


def tanh(real, end, degree):
    """tanh on [0, end] in eight pieces that end where b = step*x + 0.75 passes a half octave.

    A piece is c0 + h*(c1 + c2*h + ...), h = x - centre.  A centre is free to move a little: it is put where c0 and c1
    happen to be almost exact in the type (Gal's accurate tables), so that two roundings vanish.
    """
    start = HALF_OCTAVES[0]
    step = real.round(mpf("0.96"))  # so that tanh is above 1/4 at the end of the first piece
    pieces = []
    for lower_b, upper_b in itertools.pairwise(HALF_OCTAVES):
        lower, upper = (lower_b - start) / step, min((upper_b - start) / step, mpf(end))
        first = lower == 0
        centre = mpf(0) if first else accurate_centre(real, tanh_and_slope, (lower + upper) / 2, (upper - lower) / 32)
        value = mp.tanh(centre)

        def slope(h, centre=centre, value=value):
            return (mp.tanh(centre + h) - value) / h

        fit = chebyshev_fit(slope, lower - centre, upper - centre, degree - 1)
        if first:
            fit[0] -= 1  # x + x*(c1 + ...): the sum rounds once
        pieces.append((half_octave_index(lower_b), [centre, value, *fit]))
    yield "TANH_STEP", [step]
    yield "TANH_START", [start]
    yield "TANH_END", [mpf(end)]
    yield "tanh_pieces", by_index(pieces)


def by_index(pieces):
    """A row for the centres and one for each coefficient, of pieces that begin with their index."""
    return [list(column) for column in zip(*(row for _, row in sorted(pieces)), strict=True)]


def half_octave_index(b):
    """The lowest three bits of b's exponent and first mantissa bit together, as kernels read them."""
    exponent = int(mp.floor(mp.log(b, 2)))
    return (2 * (exponent + 127) + (b >= mpf(2) ** exponent * mpf("1.5"))) & 7


def octave_index(exponent):
    """The lowest three bits of the pattern's exponent, as kernels read them."""
    return (exponent + 127) & 7


def accurate_centre(real, numbers, middle, reach, tries=4000):
    """The centre within reach whose numbers lie closest to numbers of the type."""

    def misfit(centre):
        return max(
            abs(number - real.round(number)) / mpf(2) ** (mp.floor(mp.log(abs(number), 2)) + 1 - real.precision)
            for number in numbers(centre)
        )

    candidates = (real.round(middle + reach * (2 * mpf(i) / tries - 1)) for i in range(tries))
    return min(candidates, key=misfit)


DENSITY = 1 / mp.sqrt(2 * mp.pi)  # of the normal distribution, at 0


def normal_tail(a):
    """Phi(-a) * e^(a^2/2)."""
    return mp.erfc(a / mp.sqrt(2)) / 2 * mp.exp(a**2 / 2)


def gelu_tail(a):
    """-gelu(-a) * e^(a^2/2), and its derivative."""
    tail = normal_tail(a)
    return a * tail, (1 + a**2) * tail - a * DENSITY


def gelu_slope_tail(a):
    """-gelu'(-a) * e^(a^2/2), and its derivative."""
    tail = normal_tail(a)
    return a * DENSITY - tail, 2 * DENSITY - a * tail


def normal(real, end, width, degrees):
    """Both functions on [0, end] in eight pieces that end where (1 + a/width)*(1 + a/d) passes a power of two.

    So a piece is first twice, then 1.4 times as wide as the one before, and all need about the same degree.
    """
    width, end = mpf(width), mpf(end)
    inverse_d = (256 / (1 + end / width) - 1) / end
    line, square = real.round(1 / width + inverse_d), real.round(inverse_d / width)
    ends = [(mp.sqrt(line**2 + 4 * square * (mpf(2) ** k - 1)) - line) / (2 * square) for k in range(9)]
    bits = -1 / (2 * mp.log(2))

    def slope_scale(a):  # around the root the error is relative to 1/4
        value = abs(gelu_slope_tail(a)[0])
        return max(value, mp.exp(a**2 / 2) / 4) if a < mpf("1.35") else value

    yield "BELL_BITS", [bits]
    yield "BELL_BITS_LO", [bits - real.round(bits)]
    yield "NORMAL_LINE", [line]
    yield "NORMAL_SQUARE", [square]
    yield "NORMAL_END", [end]
    tables = {
        "gelu_pieces": normal_pieces(real, gelu_tail, lambda a: gelu_tail(a)[0], ends, degrees[0]),
        "gelu_slope_pieces": normal_pieces(real, gelu_slope_tail, slope_scale, ends, degrees[1]),
    }
    yield from tables.items()
    if real is F64:
        yield from ((f"{name}_by_lane", by_lane(rows)) for name, rows in tables.items())


def by_lane(rows):
    """A piece's numbers side by side, after two that are never used, and an even number of them: for loads in pairs."""
    padding = [mpf(0)] * len(rows[0])
    rows = [padding, padding, *rows, *[padding] * (len(rows) % 2)]
    return [list(column) for column in zip(*rows, strict=True)]


def normal_pieces(real, function, scale, ends, degree):
    """Pieces as in tanh, of a function that is given with its derivative, with an error in proportion to scale."""
    pieces = []
    for k, (lower, upper) in enumerate(itertools.pairwise(ends)):
        centre = balanced_centre(function, scale, lower, upper)
        if centre != 0:
            centre = accurate_centre(real, function, centre, (upper - lower) / 32, tries=400)
        value = function(centre)[0]

        def slope(h, centre=centre, value=value):
            return (function(centre + h)[0] - value) / h

        fit = chebyshev_fit(slope, lower - centre, upper - centre, degree - 1)
        if value == 0:
            fit[0] -= mpf(1) / 2  # a/2 + a*(c1 + ...): the sum rounds once
        pieces.append((octave_index(k), [centre, value, *fit]))
    return by_index(pieces)


def balanced_centre(function, scale, lower, upper):
    """Where the value is as far from that at either end, in proportion to scale: what is added to it stays small."""
    if scale(lower) == 0:
        return lower
    low, high = function(lower)[0], function(upper)[0]
    target = (low * scale(upper) + high * scale(lower)) / (scale(lower) + scale(upper))
    centre = (lower + upper) / 2
    for _ in range(6):
        value, derivative = function(centre)
        centre -= (value - target) / derivative
    return centre


def render(real, constants):
    for name, values in constants:
        if len(values) == 1:
            yield f"#define {name} {real.literal(values[0])}"
        elif isinstance(values[0], list):
            yield f"static const real {name}[{len(values)}][{len(values[0])}] = {{"
            for row in values:
                yield "    {" + ", ".join(map(real.literal, row)) + "},"
            yield "};"
        else:
            yield f"static const real {name}[{len(values)}] = {{"
            yield from (f"    {real.literal(value)}," for value in values)
            yield "};"


def header():
    yield "/* Made by tools/make_constants.py; do not edit.  Arrays of coefficients begin with the lowest power; tables have"
    yield " * the centres of the pieces first, then c0, c1, ... */"
    yield from ("#ifndef FASTACT_CONSTANTS_H", "#define FASTACT_CONSTANTS_H", "", '#include "../simd/real.h"', "")
    yield "#if REAL_BITS == 32"
    yield from render(F32, fractions(F32))
    yield from render(F32, exponential(F32, degree=2, short_bits=13))
    yield from render(F32, octaves(F32, degree=4))
    yield from render(F32, artanh(F32, degree=4))
    yield from render(F32, selu(F32))
    yield from render(F32, tanh(F32, end=9.125, degree=8))
    yield from render(F32, exp2(F32, degree=3))
    yield from render(F32, normal(F32, end="14.625", width="0.28", degrees=(7, 7)))
    yield from render(F32, gates(F32, short_bits=20))
    yield from render(F32, tanh_shrink(F32, end=0.9, degree=6))
    yield "#else"
    yield from render(F64, fractions(F64))
    yield from render(F64, exponential(F64, degree=6, short_bits=38))
    yield from render(F64, octaves(F64, degree=9))
    yield from render(F64, artanh(F64, degree=9))
    yield from render(F64, selu(F64))
    yield from render(F64, exp2(F64, degree=7))
    yield from render(F64, normal(F64, end="38.75", width="0.36", degrees=(18, 17)))
    yield from render(F64, gates(F64, short_bits=46))
    yield from render(F64, tanh_shrink(F64, end=0.75, degree=12))
    yield from ("#endif", "", "#endif")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the file in the tree instead of writing it")
    text = "\n".join(header()) + "\n"
    if parser.parse_args().check:
        sys.exit(0 if TARGET.read_text() == text else f"{TARGET} is not what this script makes")
    TARGET.write_text(text)


if __name__ == "__main__":
    main()
