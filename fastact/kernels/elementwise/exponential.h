/* Activations made of exponentials. */
#ifndef FASTACT_EXPONENTIAL_H
#define FASTACT_EXPONENTIAL_H

#include "activation.h"

/* exponential(x) = e^x
 * Method: table of 2^(j/8) and a polynomial (Tang 1989); see math/elementary.h.  EXP_ONE is added to keep subnormals
 *     out.
 * Error: bound 1.0 ulp, f' from y 0.51, in both types (measured 0.76 and 0.76).
 * Fast path: |x| <= EXP_SMALL.
 * Special values: f(-inf) = 0, f(inf) = inf; subnormal results are rounded once. */
INLINE vec exponential_forward(vec x, const vec *p, int full_range)
{
    (void)p;
    vec a = (full_range ? clamped(x, -EXP_ZERO, EXP_ZERO) : x) + splat(EXP_ONE);
    exp_parts e = flush_exp_underflow(exponential(a, splat(0)), 0, full_range);
    return times_power2(e.head + e.rest, e.k, full_range);
}
#define exponential_derivative exponential_forward
INLINE vec exponential_derivative_y(vec y, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    return y;
}

/* f' is a normal number up to GAUSSIAN_SMALL, and 0 from GAUSSIAN_ZERO on. */
#define GAUSSIAN_SMALL ((real)BY_TYPE(9, 26))
#define GAUSSIAN_ZERO ((real)BY_TYPE(11, 28))
INLINE vec gaussian_argument(vec x, int full_range)
{
    return full_range ? clamped(x, -GAUSSIAN_ZERO, GAUSSIAN_ZERO) : x;
}
/* e^-x^2 with the square as a pair: its rounding error alone is worth up to x^2 / 2 ulp.  Flushed where 64 times it is
 * 0: the derivative's factor 2x is not larger. */
INLINE exp_parts exp_of_square(vec x, int full_range)
{
    const real one = BY_TYPE(0x1p-15, 0x1p-30); /* below it e^-x^2 is 1; squares would underflow */
    vec a = zero_where(less(absolute(x), splat(one)), x), square = a * a;
    return flush_exp_underflow(exponential(-square, -product_error(a, a, square)), 6, full_range);
}
/* gaussian(x) = e^-x^2
 * Method: the exponential of an exact square (Dekker's product).
 * Error: bound 1.0 ulp, f' 1.0, in both types (measured 0.76 and 0.75; 0.79 and 0.78).
 * Fast path: |x| <= GAUSSIAN_SMALL.
 * Special values: f(+-inf) = 0, f'(+-inf) = -+0. */
INLINE vec gaussian_forward(vec x, const vec *p, int full_range)
{
    (void)p;
    exp_parts e = exp_of_square(gaussian_argument(x, full_range), full_range);
    return times_power2(e.head + e.rest, e.k, full_range);
}
INLINE vec gaussian_derivative(vec x, const vec *p, int full_range)
{
    (void)p;
    vec a = gaussian_argument(x, full_range), c = a + a;
    exp_parts e = exp_of_square(a, full_range);
    return times_power2(residual(-c * e.rest, c, e.head), e.k, full_range);
}

/* 1 - e^x for x < -EXP_ONE; unspecified for other x. */
INLINE pair minus_expm1_below_0(vec x) { return minus_expm1(clamped(x, -EXPM1_END, -EXP_ONE), splat(0)); }

/* elu(x) = x for x > 0, alpha * (e^x - 1) elsewhere, any finite alpha (Clevert, Unterthiner & Hochreiter 2015)
 * Method: e^x - 1 as a pair, times alpha split in mantissa and exponent.
 * Error: bound 1.0 ulp, f' 1.0, f' from y 0.51, in both types (measured 0.61 and 0.64; 0.76 and 0.75; 0.50).
 * Fast path: every x.
 * Special values: f(-inf) = -alpha, f'(-inf) = 0, f'(0) = alpha. */
INLINE vec elu_forward(vec x, const vec *p, int full_range)
{
    (void)full_range;
    vec curve = times_pair(as_binary(-p[0]), minus_expm1_below_0(x), 0);
    vec line = choose(less(splat(0), x), splat(1), p[0]) * x;
    return choose(less(x, splat(-EXP_ONE)), curve, line);
}
/* alpha or e^x may be subnormal where their product is not: the exponents are added before scaling. */
INLINE vec elu_derivative(vec x, const vec *p, int full_range)
{
    (void)full_range;
    const real zero = BY_TYPE(200, 1460); /* e^-zero times the largest number is 0 */
    binary alpha = as_binary(p[0]);
    exp_parts e = exponential(clamped(x, -zero, -EXP_ONE), splat(0));
    e.k = e.k + (alpha.k - splat(EIGHTHS));
    e = flush_exp_underflow(e, 2, 1);
    vec curve = times_pair((binary){alpha.mantissa, e.k}, (pair){e.head, e.rest}, 1);
    return choose(less(splat(0), x), splat(1), curve);
}
INLINE vec elu_derivative_y(vec y, const vec *p, int full_range)
{
    (void)full_range;
    return choose(less(splat(0), y), splat(1), y + p[0]);
}

/* selu(x) = lambda * x for x > 0, slope * (e^x - 1) elsewhere, slope = lambda * alpha (Klambauer et al. 2017)
 * Method: e^x - 1 as a pair times the slope as a pair; c*x as x + (c - 1)*x, which has no low word to underflow.
 * Error: bound 1.0 ulp, f' 1.0, f' from y 0.6, in both types (measured 0.72 and 0.62; 0.78 and 0.76; 0.50).
 * Fast path: every x; f' for |x| <= EXP_SMALL.
 * Special values: f(-inf) = -slope, f'(-inf) = 0, f'(0) = slope. */
INLINE vec times_selu_slope(real sign, pair v)
{
    const vec hi = splat(sign * SELU_SLOPE_HI), lo = splat(sign * SELU_SLOPE_LO);
    return residual(muladd(lo, v.hi, hi * v.lo), -hi, v.hi);
}
INLINE vec selu_forward(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    vec curve = times_selu_slope(-1, minus_expm1_below_0(x));
    vec line = muladd(x, choose(less(splat(0), x), splat(SELU_LAMBDA_LESS_1), splat(SELU_SLOPE_LESS_1)), x);
    return choose(less(x, splat(-EXP_ONE)), curve, line);
}
INLINE vec selu_derivative(vec x, const vec *p, int full_range)
{
    (void)p;
    vec a = full_range ? clamped(x, -EXP_ZERO, -EXP_ONE) : minimum(splat(-EXP_ONE), x);
    exp_parts e = flush_exp_underflow(exponential(a, splat(0)), 1, full_range);
    vec curve = times_power2(times_selu_slope(1, (pair){e.head, e.rest}), e.k, full_range);
    return choose(less(splat(0), x), splat(SELU_LAMBDA), curve);
}
INLINE vec selu_derivative_y(vec y, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    const vec hi = splat(SELU_SLOPE_HI), lo = splat(SELU_SLOPE_LO);
    vec sum = hi + y, error = (hi - sum) + y;
    return choose(less(splat(0), y), splat(SELU_LAMBDA), sum + (error + lo));
}

/* alpha, the inverse of its mantissa, and u = x divided by alpha's power of two; u is 0 from the bend on, where x /
 * alpha vanishes beside 1 or is positive.  All but u are loop invariants; none overflows or underflows for any
 * alpha. */
typedef struct {
    binary alpha;
    vec bend, inverse, u;
} celu_argument;
INLINE celu_argument celu_argument_of(vec x, vec alpha)
{
    binary b = as_binary(alpha);
    vec bend = alpha * splat(-EXP_ONE);
    vec u = zero_where(less_equal(bend, x), x) * inverse_power2(b.k);
    return (celu_argument){b, bend, splat(1) / b.mantissa, u};
}
/* x / alpha as a pair, at least `least`. */
INLINE pair celu_quotient(celu_argument a, real least)
{
    vec u = maximum(splat(least) * a.alpha.mantissa, a.u), q = u * a.inverse;
    return (pair){q, residual(u, q, a.alpha.mantissa) * a.inverse};
}
/* celu(x) = x for x > 0, alpha * (e^(x/alpha) - 1) elsewhere, any finite alpha > 0 (Barron 2017)
 * Method: x/alpha as a pair from an exact residual, then as elu.
 * Error: bound 1.0 ulp, f' 1.0, f' from y 0.6, in both types (measured 0.61 and 0.64; 0.76 and 0.75; 0.50).
 * Fast path: every x.
 * Special values: f(-inf) = -alpha, f'(-inf) = 0, f'(0) = 1. */
INLINE vec celu_forward(vec x, const vec *p, int full_range)
{
    (void)full_range;
    celu_argument a = celu_argument_of(x, p[0]);
    pair q = celu_quotient(a, -EXPM1_END);
    binary minus_alpha = {-a.alpha.mantissa, a.alpha.k};
    return choose(less(x, a.bend), times_pair(minus_alpha, minus_expm1(q.hi, q.lo), 0), x);
}
INLINE vec celu_derivative(vec x, const vec *p, int full_range)
{
    (void)full_range;
    pair q = celu_quotient(celu_argument_of(x, p[0]), -EXP_ZERO);
    exp_parts e = flush_exp_underflow(exponential(q.hi, q.lo), 0, 1);
    return scale(e.head + e.rest, e.k);
}
/* (alpha + y) / alpha: the sum as a pair, the quotient corrected by its residual. */
INLINE vec celu_derivative_y(vec y, const vec *p, int full_range)
{
    (void)full_range;
    celu_argument a = celu_argument_of(y, p[0]);
    vec whole = a.alpha.mantissa, sum = whole + a.u, error = (whole - sum) + a.u, q = sum * a.inverse;
    return muladd(residual(sum, q, whole) + error, a.inverse, q);
}

#define EXPONENTIAL_ACTIVATIONS(A, A_X) \
    A(exponential, SMOOTH, EXP_SMALL, EXP_SMALL, .17f, .17f, .20f, .09f) \
    A_X(gaussian, SMOOTH, GAUSSIAN_SMALL, GAUSSIAN_SMALL, .23f, .24f, .26f) \
    A(elu, SMOOTH, NO_BOUND, NO_BOUND, .26f, .21f, .23f, .09f) \
    A(selu, SMOOTH, NO_BOUND, EXP_SMALL, .27f, .20f, .22f, .09f) \
    A(celu, SMOOTH, NO_BOUND, NO_BOUND, .33f, .26f, .27f, .09f)

#endif
