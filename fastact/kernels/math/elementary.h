/* The elementary functions that activations are built from, as pairs of numbers where one is not exact enough.  Above
 * each stands its contract: method and source, error, domain. */
#ifndef FASTACT_ELEMENTARY_H
#define FASTACT_ELEMENTARY_H

#include "constants.h"
#include "pairs.h"

/* c[0] + r*(c[1] + r*(...)) by Horner's rule of second order (Knuth, TAOCP 2, section 4.6.4): half the latency of
 * Horner's rule.  For sums whose own rounding does not matter; elsewhere even and odd powers apart cost up to 0.9
 * ulp. */
INLINE vec polynomial(vec r, vec r2, const real *c, int count)
{
    int i = (count - 1) & ~1;
    vec sum = i + 1 < count ? muladd(splat(c[i + 1]), r, splat(c[i])) : splat(c[i]);
    for (i -= 2; i >= 0; i -= 2)
        sum = muladd(sum, r2, muladd(splat(c[i + 1]), r, splat(c[i])));
    return sum;
}
/* x clamped to low <= x <= high; NaN stays NaN. */
INLINE vec clamped(vec x, real low, real high) { return maximum(splat(low), minimum(splat(high), x)); }

/* v * 2^floor(k - EIGHTHS).  If not full_range, the power and the product must be normal numbers. */
INLINE vec times_power2(vec v, vec k, int full_range)
{
    if (full_range)
        return scale(v, k);
    return v * power2(k);
}

/* mantissa * 2^floor(k - EIGHTHS): k as power2 and scale take it. */
typedef struct {
    vec mantissa, k;
} binary;

/* The binary of a finite v, exactly; 2^k and 2^-k are normal numbers.  So |mantissa| is in [1, 2), for the largest v in
 * [2, 4), for subnormal v and 0 in [0, 1). */
INLINE binary as_binary(vec v)
{
    const real most = BY_TYPE(126, 1022);
    vec k = minimum(splat(EIGHTHS + most), exponent(maximum(splat(REAL_MIN), absolute(v))));
    return (binary){v * inverse_power2(k), k};
}
/* a * (hi + lo), error 0.51 ulp; lo is multiplied by the mantissa alone, as a * lo might underflow. */
INLINE vec times_pair(binary a, pair v, int full_range)
{
    return times_power2(residual(a.mantissa * v.lo, -a.mantissa, v.hi), a.k, full_range);
}

/* A piece is chosen by the octave of a number or by half of it: by three bits from one of these on. */
#define OCTAVE MANTISSA_BITS
#define HALF_OCTAVE (MANTISSA_BITS - 1)

/* The pieces that lanes are in; a row of a table has the centres, then c0, c1, ... */
#ifndef PIECES
typedef struct {
    const real (*table)[8];
    vec piece;
    int octave;
} pieces;
#define PIECES(table, piece, octave) ((pieces){table, piece, octave})
INLINE vec row_of(pieces p, int row) { return lookup(table(p.table[row]), p.piece, p.octave); }
#endif

/* c1 + h*(c2 + h*(...)) of a piece.  float64 has many: up to c3 by Horner's rule of second order, which waits half as
 * long. */
INLINE vec piece_slope(pieces p, int rows, vec h)
{
    vec slope = row_of(p, rows - 1), h2 = h * h;
    int i = rows - 2;
    if (REAL_BITS == 64) {
        if (i % 2 == 0)
            slope = muladd(slope, h, row_of(p, i--));
        for (; i > 3; i -= 2)
            slope = muladd(slope, h2, muladd(row_of(p, i), h, row_of(p, i - 1)));
    }
    for (; i > 1; i--)
        slope = muladd(slope, h, row_of(p, i));
    return slope;
}

/* Below it e^a is 1 in both types; added or taken as a minimum to keep subnormals, which are slow, out of products. */
#define EXP_ONE ((real)BY_TYPE(0x1p-30, 0x1p-60))

/* e^x = (head + rest) * 2^floor(k - EIGHTHS), rest = head*r + low with r exact. */
typedef struct {
    vec head, rest, k, r, low;
} exp_parts;

/* e^(x + x_lo)
 * Method: table of 2^(j/8) in two words and a polynomial for e^r - 1, |r| < 0.0434 (Tang 1989), reduced by two-word ln
 *     2 (Cody & Waite 1980).  Eight entries, as one permutation of AVX2 picks from eight; sums are nested for latency.
 * Error: head + rest 0.05 ulp, in both types; e^0 is exact.  head in [1, 2), |rest| < 0.045 head.
 * Domain: |x| < 350 (float32), 2800 (float64), |x_lo| at most two ulp of x.
 * Special values: NaN stays NaN; infinities are to be clamped by the caller. */
INLINE exp_parts exponential(vec x, vec x_lo)
{
    vec k = muladd(x, splat(LOG2_E), splat(EIGHTHS)), nearest = k - splat(EIGHTHS);
    vec r_hi = submul(x, nearest, splat(LN2_HI));
    vec r_lo = nearest * splat(-LN2_LO);
    if (!IS_ZERO(x_lo))
        r_lo = submul(x_lo, nearest, splat(LN2_LO));
    vec r = r_hi + r_lo, r2 = r * r;
    vec head = lookup(table(exp2_eighths_hi), k, 0);
    vec line_lo = muladd(head, r_lo, lookup(table(exp2_eighths_lo), k, 0)), line = muladd(head, r_hi, line_lo);
    vec curve = polynomial(r, r2, expm1_rest, COUNT(expm1_rest));
    return (exp_parts){head, muladd(head * r2, curve, line), k, r_hi, muladd(head * r2, curve, line_lo)};
}

/* 2^(k - EIGHTHS + r), k as power2 takes it and |r| <= 1/16; accurate as exponential, or to 0.5 ulp if `short_head`:
 * without the table's second words. */
INLINE exp_parts exp2_parts(vec k, vec r, int short_head)
{
    vec r2 = r * r, head = lookup(table(exp2_eighths_hi), k, 0);
    vec growth = polynomial(r, r2, exp2m1, 4);
    if (COUNT(exp2m1) > 4) /* in halves, for latency */
        growth = muladd(polynomial(r, r2, exp2m1 + 4, COUNT(exp2m1) - 4), r2 * r2, growth);
    vec rest = head * (r * growth);
    if (!short_head)
        rest = muladd(head, r * growth, lookup(table(exp2_eighths_lo), k, 0));
    return (exp_parts){.head = head, .rest = rest, .k = k};
}

/* 2^(x * (w + w_lo)) for exponents below 2^12 and w_lo at most 2^-16 w (float32), 2^-40 w (float64); slow where x*w is
 * subnormal.  One fused product takes the nearest eighth off exactly, for any w: shorter than exponential (derived
 * here). EXP_ONE keeps powers of r normal. */
INLINE exp_parts exp2_product(vec x, vec w, vec w_lo)
{
    vec k = muladd(x, w, splat(EIGHTHS)), nearest = k - splat(EIGHTHS);
    return exp2_parts(k, product_error(x, w, nearest) + muladd(x, w_lo, splat(EXP_ONE)), 0);
}

/* Beyond EXP_SMALL e^-a needs the full-range path: its low word, then itself, are subnormal.  From EXP_ZERO on even
 * 4e^-a is 0. */
#define EXP_SMALL ((real)BY_TYPE(83, 690))
#define EXP_ZERO ((real)BY_TYPE(106, 748))

/* In the full-range path: 0 where 2^bits * e^x underflows to 0, and k clamped to what scale takes.  Avoids slow
 * subnormal arithmetic. */
INLINE exp_parts flush_exp_underflow(exp_parts e, int bits, int full_range)
{
    const int least = BY_TYPE(-150, -1075) - bits; /* 2^-150 and 2^-1075: half the smallest subnormal */
    if (!full_range)
        return e;
    mask vanished = less(e.k, splat(EIGHTHS + (real)least));
    return (exp_parts){.head = zero_where(vanished, e.head),
                       .rest = zero_where(vanished, e.rest),
                       .k = maximum(splat(EIGHTHS + (real)(least - 1)), e.k)};
}

/* 1 - e^(x + x_lo) as a pair
 * Method: 1 - 2^k * head exactly, minus the rest of exponential; both rounding errors go into lo (derived here).
 * Error: 0.05 ulp of hi, in both types.
 * Domain: -EXPM1_END <= x <= -EXP_ONE.
 * Special values: hi is 1 at -EXPM1_END, about -x near 0. */
#define EXPM1_END ((real)BY_TYPE(20, 40))
INLINE pair minus_expm1(vec x, vec x_lo)
{
    exp_parts e = exponential(x, x_lo);
    vec p = power2(e.k), h = p * e.head, d = splat(1) - h, hi = residual(d, h, e.r);
    vec error = residual(d - hi, h, e.r) + ((splat(1) - d) - h);
    return (pair){hi, submul(error, p, e.low)};
}

/* e^a = (head + rest) / unit, unit a power of two, and sum + sum_lo = head + rest + unit: the parts of logistic
 * functions, 1 / (1 + e^a) = unit / sum and tanh(a/2) = (head + rest - unit) / sum. */
typedef struct {
    exp_parts e;
    vec unit, sum, sum_lo;
} logistic_parts;

/* 0 <= a <= EXP_ZERO; if not full_range, a <= EXP_SMALL. */
INLINE logistic_parts one_plus_exp(vec a, int full_range)
{
    const real vanishing = BY_TYPE(120, 1000); /* 2^-120 vanishes in the sum */
    exp_parts e = exponential(a, splat(0));
    vec unit = inverse_power2(full_range ? minimum(splat(EIGHTHS + vanishing), e.k) : e.k);
    vec sum = e.head + (unit + e.rest);
    return (logistic_parts){e, unit, sum, ((e.head - sum) + unit) + e.rest};
}
INLINE logistic_parts logistic(vec magnitude, int full_range)
{
    vec a = maximum(splat(EXP_ONE), magnitude);
    return one_plus_exp(full_range ? minimum(splat(EXP_ZERO), a) : a, full_range);
}

/* q divided by the power of two of e^a.  Only the full-range path is right beyond EXP_SMALL: a branch here would keep
 * the vectors of a loop from overlapping. */
INLINE vec times_unit(vec q, vec a, logistic_parts l, int full_range)
{
    if (full_range) /* flush: subnormal arithmetic is slow */
        return scale_down(zero_where(less_equal(splat(EXP_ZERO), a), q), l.e.k);
    return q * l.unit;
}

/* factor * e^-a / (1 + e^-a)^2 for a >= 0, factor 1 or 4: the logistic density.  Error 0.8 ulp. */
INLINE vec logistic_density(vec a, real factor, int full_range)
{
    logistic_parts l = logistic(a, full_range);
    vec square = l.sum * l.sum;
    vec square_lo = muladd(l.sum + l.sum, l.sum_lo, product_error(l.sum, l.sum, square));
    return times_unit(divide_pairs(l.e.head, l.e.rest, square, square_lo) * splat(factor), a, l, full_range);
}

/* log(1 + s) as a pair, for s >= 0
 * Method: 1 + s = (1 + n) * 2^k, log(1 + n) = 2 artanh(n / (2 + n)) (as fdlibm's log1p), the quotient of pairs.
 * Error: 0.1 ulp of hi, however small s is, in both types.
 * Domain: s >= 0, a normalized pair: the log of a sum of which 1 is known to be a part.
 * Special values: NaN stays NaN. */
INLINE pair log1p_pair(pair s)
{
    vec k = exponent((splat(1) + s.hi) * splat((real)1.5)), unit = inverse_power2(k), octaves = k - splat(EIGHTHS);
    vec scaled = s.hi * unit, less_1 = unit - splat(1); /* 1 + s = (1 + n) * 2^octaves, n in [-1/3, 1/3) */
    vec n = scaled + less_1, n_lo = muladd(s.lo, unit, sum_error(scaled, less_1, n));
    vec d = splat(2) + n, d_lo = (n - (d - splat(2))) + n_lo;
    quotient q = quotient_of_pairs(n + n, n_lo + n_lo, d, d_lo);      /* log(1 + n) = 2 artanh(n / (2 + n)) */
    vec r = muladd(q.q, splat((real)0.5), splat(EXP_ONE)), v = r * r; /* EXP_ONE keeps v normal */
    vec curve = v * polynomial(v, v * v, artanh_rest, COUNT(artanh_rest));
    vec rest = muladd(q.q, curve, q.error * q.reciprocal), whole = octaves * splat(LN2_HI), hi = whole + q.q;
    return (pair){hi, (q.q - (hi - whole)) + muladd(octaves, splat(LN2_LO), rest)};
}

#endif
