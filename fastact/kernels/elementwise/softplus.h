/* Activations made of log(1 + e^x).
 *
 * All use e^-|x| or its inverse.  Its exponent is clamped away from overflow and underflow; in the clamped range
 * results are proportional to e^-|x| or constant, so that the missing power of two is applied at the end. */
#ifndef FASTACT_SOFTPLUS_H
#define FASTACT_SOFTPLUS_H

#include "activation.h"
#include "algebraic.h"

/* 1 / (head + rest + share*unit) = q + q*error, where e^a = (head + rest) * 2^k; unit is 2^-k, k clamped. */
typedef struct {
    vec k, unit, q, error;
} decay;

#define CLAMPED_DECAY ((real)BY_TYPE(100, 900))

INLINE decay decay_of(exp_parts e, real share, int full_range)
{
    vec unit = inverse_power2(full_range ? minimum(splat(EIGHTHS + CLAMPED_DECAY), e.k) : e.k), u = unit * splat(share);
    vec sum = e.head + (u + e.rest), sum_lo = ((e.head - sum) + u) + e.rest, q = splat(1) / sum;
    return (decay){e.k, unit, q, submul(residual(splat(1), q, sum), q, sum_lo)};
}
/* log(1 + e^-a) = unit * (q + q*error), error 0.1 ulp: with u = unit/2 it is 2 artanh(u*q), as e^-a = 2*u*q / (1 -
 * u*q). The argument of artanh is that of fdlibm's log1p; that no division is needed beside decay_of's is derived
 * here. */
INLINE decay log1p_decay(exp_parts e, int full_range)
{
    decay d = decay_of(e, (real)0.5, full_range);
    vec r = muladd(d.unit * splat((real)0.5), d.q, splat(EXP_ONE)), v = r * r; /* EXP_ONE keeps v normal */
    d.error = muladd(v, polynomial(v, v * v, artanh_rest, COUNT(artanh_rest)), d.error);
    return d;
}
/* apply_clamped_scale: multiplies by the part of 2^-k that clamping removed, for x < 0.  flush_underflow: 0 where v *
 * 2^-k underflows to 0, to avoid slow subnormal arithmetic.  Both for the full-range path only. */
INLINE vec apply_clamped_scale(vec f, vec x, vec k, int full_range)
{
    vec rest = maximum(splat(EIGHTHS), k - splat(CLAMPED_DECAY));
    return full_range ? scale_down(f, choose(less(x, splat(0)), rest, splat(EIGHTHS))) : f;
}
INLINE vec flush_underflow(vec v, vec k, int full_range)
{
    const real nothing = BY_TYPE(150, 1075); /* 2^-150 is half the smallest subnormal */
    return full_range ? zero_where(less(splat(EIGHTHS + nothing), k), v) : v;
}

/* beta = mantissa * 2^k, and values derived from it that neither overflow nor underflow. */
typedef struct {
    binary beta;
    vec up, down, inverse, inverse_lo, bits, bits_lo, least;
} steepness;

INLINE steepness steepness_of(vec beta)
{
    binary b = as_binary(beta);
    vec up = power2(b.k), down = inverse_power2(b.k), inverse = splat(1) / b.mantissa,
        bits = b.mantissa * splat(LOG2_E);
    vec bits_lo = muladd(b.mantissa, splat(LOG2_E_LO), product_error(b.mantissa, splat(LOG2_E), bits));
    return (steepness){b,
                       up,
                       down,
                       inverse,
                       residual(splat(1), inverse, b.mantissa) * inverse,
                       bits,
                       bits_lo,
                       splat(EXP_ONE) * inverse * down};
}
PREPARED(steepness, prepared_steepness, AFTER_UNITS)
#define AFTER_STEEPNESS (AFTER_UNITS + VECTORS_OF(steepness))

/* magnitude * 2^k, clamped from below where beta * magnitude is EXP_ONE; in the full-range path from above where it is
 * end. */
INLINE vec scaled_within(vec magnitude, steepness s, real end, int full_range)
{
    vec a = maximum(s.least, magnitude) * s.up;
    return full_range ? minimum(splat(end) * s.inverse, a) : a;
}
INLINE exp_parts steep_exponential(vec x, steepness s, int full_range)
{
    const real end = BY_TYPE(210, 1492); /* e^-end / beta is 0 for every beta */
    return exp2_product(scaled_within(absolute(x), s, end, full_range), s.bits, s.bits_lo);
}

/* softplus(x) = log(1 + e^(beta*x)) / beta (Dugas et al. 2001)
 * Method: max(x, 0) + log(1 + e^-|beta*x|) / beta, the logarithm by artanh with beta*x as a pair.
 * Error: bound 1.5 ulp, f' 1.0, f' from y 0.75, in both types (measured 1.20 and 1.11; 0.80 and 0.78; 0.61 and 0.65).
 * Fast path: |beta * x| <= EXP_SMALL.
 * Special values: f(-inf) = 0, f(inf) = inf, f'(-inf) = 0, f'(inf) = 1. */
INLINE vec softplus_forward(vec x, const vec *p, int full_range)
{
    steepness s = prepared_steepness(p);
    decay l = log1p_decay(steep_exponential(x, s, full_range), full_range);
    vec v = residual(l.q * muladd(l.error, s.inverse, s.inverse_lo), -l.q, s.inverse);
    v = flush_underflow(v, l.k + (s.beta.k - splat(EIGHTHS)), full_range);
    return apply_clamped_scale(muladd(v * l.unit, s.down, maximum(splat(0), x)), x, l.k, full_range);
}
/* 1 / (1 + e^-z) for z < 0, 1 minus that of -z else; e = e^|z|, and x has the sign of z. */
INLINE vec logistic_slope(exp_parts e, vec x, int full_range)
{
    decay d = decay_of(e, 1, full_range);
    vec v = flush_underflow(muladd(d.q, d.error, d.q), d.k, full_range) * d.unit;
    return choose(less(x, splat(0)), apply_clamped_scale(v, x, d.k, full_range), splat(1) - v);
}
INLINE vec softplus_derivative(vec x, const vec *p, int full_range)
{
    return logistic_slope(steep_exponential(x, prepared_steepness(p), full_range), x, full_range);
}
/* 1 - e^-(beta*y) */
INLINE vec softplus_derivative_y(vec y, const vec *p, int full_range)
{
    (void)full_range;
    steepness s = prepared_steepness(p);
    vec a = scaled_within(y, s, EXPM1_END, 1), z = a * s.beta.mantissa;
    pair curve = minus_expm1(-z, -product_error(a, s.beta.mantissa, z));
    return choose(less(y, s.least), p[0] * y, curve.hi + curve.lo);
}

/* log_sigmoid(x) = log(1 / (1 + e^-x))
 * Method: min(x, 0) - log(1 + e^-|x|), the logarithm by artanh.
 * Error: bound 1.25 ulp, f' 1.0, f' from y 0.75, in both types (measured 1.18 and 1.10; 0.80 and 0.77; 0.61 and 0.63).
 * Fast path: |x| <= EXP_SMALL.
 * Special values: f(-inf) = -inf, f(inf) = -0, f'(-inf) = 1, f'(inf) = 0. */
INLINE exp_parts unit_exponential(vec x, int full_range)
{
    vec a = maximum(splat(EXP_ONE), absolute(x));
    return exp2_product(full_range ? minimum(splat(EXP_ZERO), a) : a, splat(LOG2_E), splat(LOG2_E_LO));
}
INLINE vec log_sigmoid_forward(vec x, const vec *p, int full_range)
{
    (void)p;
    decay l = log1p_decay(unit_exponential(x, full_range), full_range);
    vec v = flush_underflow(muladd(l.q, l.error, l.q), l.k, full_range);
    return apply_clamped_scale(submul(minimum(splat((real)-0.0), x), v, l.unit), -x, l.k, full_range);
}
INLINE vec log_sigmoid_derivative(vec x, const vec *p, int full_range)
{
    (void)p;
    return logistic_slope(unit_exponential(x, full_range), -x, full_range);
}
/* 1 - e^y for y <= 0. */
INLINE vec log_sigmoid_derivative_y(vec y, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    pair curve = minus_expm1(clamped(y, -EXPM1_END, -EXP_ONE), splat(0));
    return choose(less(splat(-EXP_ONE), y), -y, curve.hi + curve.lo);
}

/* mish(x) = x * tanh(log(1 + e^x)) (Misra 2019)
 * Method: max(x, 0) - |x| * c/d with t = e^-|x|, both as pairs; tanh and log cancel out.  Derived here.
 * Error: bound 1.1 ulp, f' 1.75, in both types (measured 1.00 and 0.91; 1.38 and 1.32, without fused multiply-add
 *   1.63 and 1.65).
 * Fast path: |x| <= MISH_SMALL.
 * Special values: f(-inf) = -0, f(inf) = inf, f'(-inf) = -0, f'(inf) = 1.
 *
 *   x < 0:  c = 2t + t^2,  d = 2 + 2t + t^2;     x >= 0:  c = 2t^2,  d = 1 + 2t + 2t^2. */
typedef struct {
    vec a, k, t, t_lo, square, square_lo, sum, sum_lo, d, d_lo;
    mask negative;
} mish_parts;

#define MISH_SMALL ((real)BY_TYPE(30, 300))
#define CLAMPED_MISH ((real)BY_TYPE(45, 440))

INLINE mish_parts mish(vec x, int full_range)
{
    const real end = BY_TYPE(112, 756); /* end * e^-end is 0 */
    vec a = absolute(x);
    a = full_range ? minimum(splat(end), a) : a;
    exp_parts e = flush_exp_underflow(exp2_product(maximum(splat(EXP_ONE), a), splat(-LOG2_E), splat(-LOG2_E_LO)),
                                      BY_TYPE(7, 10), full_range);
    vec s = e.head + e.rest, s_lo = (e.head - s) + e.rest;
    vec unit = power2(full_range ? maximum(splat(EIGHTHS - CLAMPED_MISH), e.k) : e.k);
    vec t = s * unit, t_lo = s_lo * unit, twice = t + t;
    mask negative = less(x, splat(0));
    vec b = choose(negative, t, twice), one = choose(negative, splat(2), splat(1));
    vec square = b * t, square_lo = muladd(b + b, t_lo, product_error(b, t, square));
    vec sum = muladd(b, t, twice), sum_lo = muladd(muladd(b, splat(2), splat(2)), t_lo, residual(twice - sum, -b, t));
    vec d = one + sum, d_lo = ((one - d) + sum) + sum_lo;
    return (mish_parts){a, e.k, t, t_lo, square, square_lo, sum, sum_lo, d, d_lo, negative};
}
INLINE vec apply_clamped_mish_scale(vec f, mish_parts m, int full_range)
{
    vec rest = minimum(splat(EIGHTHS), m.k + splat(CLAMPED_MISH));
    return full_range ? scale(f, choose(m.negative, rest, splat(EIGHTHS))) : f;
}
INLINE vec mish_forward(vec x, const vec *p, int full_range)
{
    (void)p;
    mish_parts m = mish(x, full_range);
    vec c = choose(m.negative, m.sum, m.square), c_lo = choose(m.negative, m.sum_lo, m.square_lo);
    quotient q = quotient_of_pairs(c, c_lo, m.d, m.d_lo);
    vec g = muladd(q.error, q.reciprocal, q.q), g_lo = muladd(q.error, q.reciprocal, q.q - g);
    g_lo = zero_where(less(m.a, splat(BY_TYPE(0x1p-90f, 0x1p-900))), g_lo); /* or a * g_lo might be subnormal */
    return apply_clamped_mish_scale(residual(choose(m.negative, -m.a * g_lo, x), m.a, g), m, full_range);
}
/* mish'(x) = base + c/d * inner with y = 2x/d, where
 *   x < 0:   base = 0,  c = t,     inner = 2(1 + x) + t - t^2*y;
 *   x >= 0:  base = 1,  c = 2t^2,  inner = (1 + t)*y - 1. */
INLINE vec mish_derivative(vec x, const vec *p, int full_range)
{
    (void)p;
    mish_parts m = mish(x, full_range);
    vec c = choose(m.negative, m.t, m.square), c_lo = choose(m.negative, m.t_lo, m.square_lo);
    quotient q = quotient_of_pairs(c, c_lo, m.d, m.d_lo);
    vec h = choose(m.negative, -m.a, splat(0)), constant = choose(m.negative, splat(2), splat(-1));
    vec line = muladd(h, splat(2), constant), line_lo = muladd(h, splat(2), constant - line);
    vec a = maximum(splat(EXP_ONE), m.a), y = (a + a) * q.reciprocal; /* subnormals are slow */
    vec bend = muladd(choose(m.negative, m.square, splat(1) + m.t), y, choose(m.negative, m.t, splat(0)));
    vec inner = line + bend, inner_lo = ((line - inner) + bend) + line_lo;
    vec v = muladd(q.q, inner, muladd(q.q, inner_lo, (q.error * q.reciprocal) * inner));
    if (full_range)
        v = choose(equal(v, splat(0)), with_sign_of(splat(0), inner), apply_clamped_mish_scale(v, m, full_range));
    return choose(m.negative, splat((real)-0.0), splat(1)) + v;
}

#define SOFTPLUS_ACTIVATIONS(A, A_X) \
    A(softplus, SMOOTH, STEEP(EXP_SMALL), STEEP(EXP_SMALL), .3f, .2f, .2f, .2f) \
    A(log_sigmoid, SMOOTH, EXP_SMALL, EXP_SMALL, .3f, .2f, .2f, .2f) \
    A_X(mish, SMOOTH, MISH_SMALL, MISH_SMALL, .3f, .4f, .4f)

#endif
