/* Arithmetic on pairs: unevaluated sums of two numbers, where one is not exact enough. */
#ifndef FASTACT_PAIRS_H
#define FASTACT_PAIRS_H

#include "../simd/vec.h"

/* hi + lo with |lo| at most half an ulp of hi, or little more. */
typedef struct {
    vec hi, lo;
} pair;

/* c0 + c1*(v + v_lo) as a pair, where c0.hi is so short that c0.hi + c1.hi*v - c0.hi is exact (Cody & Waite 1980). */
INLINE pair line_pair(pair c0, pair c1, vec v, vec v_lo)
{
    vec hi = muladd(c1.hi, v, c0.hi);
    vec lo = residual(c0.hi - hi, -c1.hi, v);
    return (pair){hi, lo + muladd(c1.hi, v_lo, muladd(c1.lo, v, c0.lo))};
}
/* a + b - sum, exactly, where sum = a + b rounded: two-sum (Knuth, TAOCP 2, section 4.2.2; Moller 1965). */
INLINE vec sum_error(vec a, vec b, vec sum)
{
    vec b_part = sum - a;
    return (a - (sum - b_part)) + (b - b_part);
}

/* The sum of two pairs (Dekker 1971): the high words by two-sum, the low words without their error. */
INLINE pair add_pairs(pair a, pair b) /* two-sum */
{
    vec sum = a.hi + b.hi, b_part = sum - a.hi;
    vec error = (a.hi - (sum - b_part)) + (b.hi - b_part);
    return (pair){sum, error + (a.lo + b.lo)};
}
/* Adds x to a sum that is mostly larger: fast two-sum (Dekker 1971), in a compensated sum (Ogita, Rump & Oishi
 * 2005). */
INLINE pair accumulate(pair sum, vec x)
{
    vec hi = sum.hi + x;
    return (pair){hi, sum.lo + (x - (hi - sum.hi))};
}
/* Adds a product and its rounding error: a step of Dot2 (Ogita, Rump & Oishi 2005), with one rounding if fused. */
INLINE pair accumulate_product(pair sum, vec a, vec b)
{
    if (FUSED) {
        vec hi = muladd(a, b, sum.hi);
        return (pair){hi, sum.lo + product_error(a, b, hi - sum.hi)};
    }
    vec product = a * b;
    sum.lo += product_error(a, b, product);
    return accumulate(sum, product);
}
/* The same sum with |lo| at most half an ulp of hi. */
INLINE pair normalize(pair sum)
{
    vec lo = zero_where(equal(absolute(sum.hi), splat((real)INFINITY)), sum.lo); /* NaN after an overflow */
    vec hi = sum.hi + lo;
    return (pair){hi, (sum.hi - hi) + lo};
}

/* count - 1. */
INLINE pair minus_one(pair count)
{
    vec hi = count.hi - splat(1);
    return (pair){hi, sum_error(count.hi, splat(-1), hi) + count.lo};
}

/* (n + n_lo) / (d + d_lo) = q + error * reciprocal, by the exact residual of a quotient (Muller et al., Handbook of
 * Floating-Point Arithmetic).  n_lo may be as large as n/16. */
typedef struct {
    vec q, error, reciprocal;
} quotient;

INLINE quotient quotient_by(vec n, vec n_lo, vec d, vec d_lo, vec reciprocal) /* reciprocal: about 1 / d */
{
    vec q = (n + n_lo) * reciprocal;
    return (quotient){q, residual(n, q, d) + submul(n_lo, q, d_lo), reciprocal};
}
INLINE quotient quotient_of_pairs(vec n, vec n_lo, vec d, vec d_lo)
{
    return quotient_by(n, n_lo, d, d_lo, splat(1) / d);
}
/* The same as one number, error 0.51 ulp. */
INLINE vec divide_pairs(vec n, vec n_lo, vec d, vec d_lo)
{
    quotient s = quotient_of_pairs(n, n_lo, d, d_lo);
    return muladd(s.error, s.reciprocal, s.q);
}
/* 1 / (d + d_lo) as one number, error 0.51 ulp. */
INLINE vec reciprocal_pair(vec d, vec d_lo)
{
    vec q = splat(1) / d;
    return muladd(submul(residual(splat(1), q, d), q, d_lo), q, q);
}
/* 1 / (d.hi + d.lo) as a pair. */
INLINE pair invert(pair d)
{
    vec q = splat(1) / d.hi;
    return (pair){q, submul(residual(splat(1), q, d.hi), q, d.lo) * q};
}

#endif
