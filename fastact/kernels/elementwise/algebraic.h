/* Activations made of quotients and roots. */
#ifndef FASTACT_ALGEBRAIC_H
#define FASTACT_ALGEBRAIC_H

#include "activation.h"

/* Smaller numbers vanish when added to 1; they are replaced by this, to keep subnormals out of products. */
#define LOST_IN_ONE ((real)BY_TYPE(0x1p-32, 0x1p-62))

/* soft_sign(x) = x / (1 + |x|), odd (Glorot & Bengio 2010)
 * Method: the sum as a pair (two-sum), a quotient corrected by its residual.
 * Error: bound 0.6 ulp, f' 1.25, f' from y 0.6, in both types (measured 0.50; 0.75 and 0.63; 0.50).
 * Fast path: every x; f' for |x| <= SOFT_SIGN_LARGE.
 * Special values: f(+-inf) = +-1, f'(+-inf) = 0; subnormal x is returned. */
INLINE vec soft_sign_forward(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    const real saturated = BY_TYPE(0x1p26, 0x1p55); /* from here on: 1; below LOST_IN_ONE: x */
    vec magnitude = absolute(x), a = minimum(splat(saturated), maximum(splat(LOST_IN_ONE), magnitude));
    vec sum = splat(1) + a, sum_lo = sum_error(splat(1), a, sum);
    vec q = divide_pairs(a, splat(0), sum, sum_lo);
    return with_sign_of(choose(less(magnitude, splat(LOST_IN_ONE)), magnitude, q), x);
}
/* 1 / (1 + |x|)^2.  Beyond SOFT_SIGN_LARGE the square overflows or the result is subnormal: the full-range path
 * scales. */
#define SOFT_SIGN_LARGE ((real)BY_TYPE(0x1p62, 0x1p510))
INLINE vec soft_sign_derivative(vec x, const vec *p, int full_range)
{
    (void)p;
    const real vanishing = BY_TYPE(0x1p75, 0x1p538);
    vec magnitude = absolute(x), a = maximum(splat(LOST_IN_ONE), magnitude), unit = splat(1);
    if (full_range) {
        a = minimum(splat(vanishing), a);
        unit = choose(less(splat(SOFT_SIGN_LARGE), a), splat(BY_TYPE(0x1p-40f, 0x1p-300)), unit);
    }
    vec sum = splat(1) + a, sum_lo = sum_error(splat(1), a, sum);
    if (full_range)
        sum *= unit, sum_lo *= unit;
    vec square = sum * sum, square_lo = muladd(sum + sum, sum_lo, product_error(sum, sum, square));
    vec q = reciprocal_pair(square, square_lo);
    if (full_range)
        q = zero_where(less_equal(splat(vanishing), magnitude), q * unit) * unit;
    return q;
}
INLINE vec soft_sign_derivative_y(vec y, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    vec a = maximum(splat(LOST_IN_ONE), absolute(y)), rest = splat(1) - a, rest_lo = (splat(1) - rest) - a;
    return residual((rest + rest) * rest_lo, -rest, rest);
}

/* squareplus(x) = (x + sqrt(x^2 + b)) / 2 (Barron 2021)
 * Method: b/2 / (sqrt(x^2 + b) - x) for x < 0, so that nothing cancels; the root's error from its exact residual.
 *     Derived here.
 * Error: bound 1.0 ulp, f' 1.25, f' from y 1.0, in both types (measured 0.80; 1.01; 0.75 and 0.63).
 * Fast path: |x| <= LEAST_FAR, about FAR * sqrt(b) / 2.
 * Special values: f(-inf) = 0, f(inf) = inf, f'(-inf) = 0, f'(inf) = 1.
 *
 * |x| is measured in units of the power of two next to sqrt(b), so that c = b/unit^2 is in [1, 4] for every b.  Where
 * |x| is FAR from that, the full-range path takes larger units, with inverse far_inverse = ratio / unit, and c
 * vanishes. */
#define FAR BY_TYPE(0x1p40, 0x1p300)
#define LEAST_FAR(parameters) within_range(FAR / 2 * sqrt(parameters[0])) /* sqrt(b) is below two units */
typedef struct {
    vec root, unit, inverse, c, far_inverse, ratio;
} squareplus_units;

INLINE squareplus_units units_of(vec b)
{
    const real shrink = BY_TYPE(0x1p-80, 0x1p-600), least = BY_TYPE(0x1p-90, 0x1p-700); /* no square overflows */
    vec root = square_root(b), unit = binade(root), inverse = splat(1) / unit;
    vec far_inverse = maximum(splat(least), inverse * splat(shrink));
    return (squareplus_units){root, unit, inverse, b * inverse * inverse, far_inverse, unit * far_inverse};
}
PREPARED(squareplus_units, prepared_units, AFTER_PARAMETERS)
#define AFTER_UNITS (AFTER_PARAMETERS + VECTORS_OF(squareplus_units))

/* h = a / unit and root = sqrt(h^2 + c), whose square is wrong by error; sum + sum_lo = root + h. */
typedef struct {
    mask far;
    vec h, root, sum, sum_lo, error;
} hypotenuse;
INLINE hypotenuse hypotenuse_of(vec a, squareplus_units u, int full_range)
{
    mask far = less(u.unit * splat(FAR), a);
    vec h = a * u.inverse, c = u.c;
    if (full_range)
        h = choose(far, a * u.far_inverse, h), c = zero_where(far, c);
    vec root = square_root(residual(c, -h, h));
    vec sum = root + h, sum_lo = h - (sum - root);
    vec difference = root - h, difference_lo = (root - difference) - h;
    vec error = submul(submul(residual(c, difference, sum), difference, sum_lo), difference_lo, sum);
    return (hypotenuse){far, h, root, sum, sum_lo, error};
}
/* From `vanishing` on the result for x < 0 is 0.  Small |x| make no difference; clamped, to avoid subnormals. */
INLINE vec squareplus_within(vec magnitude, squareplus_units u, vec vanishing, int full_range)
{
    vec a = maximum(u.unit * splat(LOST_IN_ONE), magnitude);
    return full_range ? minimum(minimum(splat(REAL_MAX), vanishing), a) : a;
}

INLINE vec squareplus_forward(vec x, const vec *p, int full_range)
{
    const real half_range = BY_TYPE(0x1p74, 0x1p537);
    squareplus_units u = prepared_units(p);
    vec vanishing = u.c * (u.unit * splat(half_range)) * (u.unit * splat(half_range)); /* b/4 / x is 0 */
    vec magnitude = absolute(x), half_unit = u.unit * splat(0.5);
    hypotenuse s = hypotenuse_of(squareplus_within(magnitude, u, vanishing, full_range), u, full_range);
    vec reciprocal = splat(1) / s.sum, n = full_range ? choose(s.far, u.c * half_unit, u.c) : u.c, q = n * reciprocal;
    /* The root's error is error / (2 root), between 1/2 and 1 times error / sum: 0.6 leaves 0.2 ulp. */
    vec sum_lo = muladd(s.error * splat((real)0.6), reciprocal, s.sum_lo);
    vec below = muladd(submul(residual(n, q, s.sum), q, sum_lo), reciprocal, q);
    if (!full_range)
        return choose(less(x, splat(0)), below, s.sum + sum_lo) * half_unit;
    below = zero_where(less_equal(vanishing, magnitude), below);
    vec y = choose(less(x, splat(0)), below, s.sum + sum_lo) * choose(s.far, u.ratio, half_unit);
    return choose(less(u.unit * splat(FAR), x), x, y);
}
/* (1 - h/root)/2 = c/2 / (root * (root + h)) for x < 0, and 1 minus that of -x for the others */
INLINE vec squareplus_derivative(vec x, const vec *p, int full_range)
{
    squareplus_units u = prepared_units(p);
    vec magnitude = absolute(x), half = u.c * splat(0.5), vanishing = u.root * splat(BY_TYPE(0x1p75, 0x1p538));
    hypotenuse s = hypotenuse_of(squareplus_within(magnitude, u, vanishing, full_range), u, full_range);
    vec product = s.root * s.sum, reciprocal = splat(1) / product;
    vec n = full_range ? choose(s.far, half * u.ratio, half) : half, q = n * reciprocal;
    vec product_lo = muladd(s.root, s.sum_lo, product_error(s.root, s.sum, product));
    product_lo = muladd(s.error, splat((real)1.17), product_lo); /* for 1 + h/(2 root): what is left is 0.2 ulp */
    q = muladd(submul(residual(n, q, product), q, product_lo), reciprocal, q);
    if (full_range)
        q = zero_where(less_equal(vanishing, magnitude), q) * choose(s.far, u.ratio, splat(1));
    return choose(less(x, splat(0)), q, splat(1) - q);
}
/* t^2 / (t^2 + c) with t = 2y / unit; scaled up where t is small. */
INLINE vec squareplus_derivative_y(vec y, const vec *p, int full_range)
{
    (void)full_range;
    squareplus_units u = prepared_units(p);
    const real vanishing = BY_TYPE(0x1p-76, 0x1p-539), small = BY_TYPE(0x1p-30, 0x1p-100),
               magnifier = BY_TYPE(0x1p50, 0x1p300);
    vec a = minimum(u.unit * splat(1 / LOST_IN_ONE), y);
    a = zero_where(less_equal(y, u.root * splat(vanishing)), a);
    mask tiny = less(a, u.unit * splat(small));
    vec twice = u.inverse + u.inverse;
    vec t = a * choose(tiny, twice * splat(magnifier), twice);
    vec square = t * t, square_lo = product_error(t, t, square);
    vec term = zero_where(tiny, square), sum = u.c + term;
    vec sum_lo = sum_error(u.c, term, sum) + zero_where(tiny, square_lo);
    vec q = divide_pairs(square, square_lo, sum, sum_lo);
    return q * choose(tiny, splat(1 / (magnifier * magnifier)), splat(1));
}

#define ALGEBRAIC_ACTIVATIONS(A, A_X) \
    A(soft_sign, CROWDED, NO_BOUND, SOFT_SIGN_LARGE, .2f, .2f, .2f, .1f) \
    A(squareplus, CROWDED, LEAST_FAR(parameters), LEAST_FAR(parameters), .4f, .4f, .4f, .3f)

#endif
