"""Writes fastact/kernels/constants.h: every table and coefficient of the kernels, fitted with mpmath.

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
TARGET = Path(__file__).resolve().parent.parent / "fastact" / "kernels" / "constants.h"


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


def exponential(real, degree, short_bits):
    """e^x = 2^n * 2^(j/8) * e^r with |r| <= ln(2)/16."""
    bound = mp.log(2) / 16

    def quadratic_rest(r):  # (e^r - 1 - r) / r^2
        return mp.nsum(lambda k: r**k / mp.factorial(k + 2), [0, 30])

    pairs = [real.pair(mpf(2) ** (mpf(j) / 8)) for j in range(8)]
    ln2_hi = short(mp.log(2), short_bits)
    yield "LOG2_E", [1 / mp.log(2)]
    yield "LN2_HI", [ln2_hi]
    yield "LN2_LO", [mp.log(2) - ln2_hi]
    yield "exp2_eighths_hi", [hi for hi, _ in pairs]
    yield "exp2_eighths_lo", [lo for _, lo in pairs]
    yield "expm1_rest", chebyshev_fit(quadratic_rest, -bound, bound, degree)


HALF_OCTAVES = [mpf(v) for v in (0.75, 1, 1.5, 2, 3, 4, 6, 8, 12)]  # eight pieces: what one table lookup tells apart


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
        centre = mpf(0) if first else accurate_centre(real, (lower + upper) / 2, (upper - lower) / 32)
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
    yield "tanh_pieces", [list(column) for column in zip(*(row for _, row in sorted(pieces)), strict=True)]


def half_octave_index(b):
    """The lowest three bits of b's exponent and first mantissa bit together, as kernels read them."""
    exponent = int(mp.floor(mp.log(b, 2)))
    return (2 * (exponent + 127) + (b >= mpf(2) ** exponent * mpf("1.5"))) & 7


def accurate_centre(real, middle, reach, tries=4000):
    """The centre within reach whose tanh and tanh' lie closest to numbers of the type."""

    def misfit(centre):
        value = mp.tanh(centre)
        total = mpf(0)
        for number in (value, 1 - value**2):
            rounded = real.round(number)
            total = max(
                total, abs(number - rounded) / mpf(2) ** (mp.floor(mp.log(abs(number), 2)) + 1 - real.precision)
            )
        return total

    candidates = (real.round(middle + reach * (2 * mpf(i) / tries - 1)) for i in range(tries))
    return min(candidates, key=misfit)


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
    yield "#if REAL_BITS == 32"
    yield from render(F32, exponential(F32, degree=2, short_bits=13))
    yield from render(F32, tanh(F32, end=9.125, degree=8))
    yield "#else"
    yield from render(F64, exponential(F64, degree=6, short_bits=38))
    yield "#endif"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the file in the tree instead of writing it")
    text = "\n".join(header()) + "\n"
    if parser.parse_args().check:
        sys.exit(0 if TARGET.read_text() == text else f"{TARGET} is not what this script makes")
    TARGET.write_text(text)


if __name__ == "__main__":
    main()
