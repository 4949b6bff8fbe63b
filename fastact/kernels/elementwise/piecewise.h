/* Activations made of straight lines and parabolas: no elementary function.  Their fast path is right for every x. */
#ifndef FASTACT_PIECEWISE_H
#define FASTACT_PIECEWISE_H

#include "activation.h"

/* `value`, or x where x is NaN. */
INLINE vec unless_nan(vec x, vec value) { return choose(equal(x, x), value, x); }

/* `slope` for low < x < high, else 0; NaN stays NaN. */
INLINE vec slope_between(vec x, vec low, vec high, vec slope)
{
    return zero_where(less_equal(x, low), zero_where(less_equal(high, x), unless_nan(x, slope)));
}

/* relu(x) = max(x, 0)
 * Method: one comparison (Nair & Hinton 2010).
 * Error: exact; f' and f' from y exact.
 * Fast path: every x.
 * Special values: f(-0) = 0, f'(0) = 0, f(NaN) = NaN. */
INLINE vec relu_forward(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    return zero_where(less_equal(x, splat(0)), x);
}
INLINE vec relu_derivative(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    return zero_where(less_equal(x, splat(0)), choose(less(splat(0), x), splat(1), x));
}
#define relu_derivative_y relu_derivative

/* leaky_relu(x) = x for x > 0, negative_slope * x elsewhere
 * Method: a choice (Maas, Hannun & Ng 2013); max(x, slope*x) would be wrong for slopes above 1.
 * Error: 0.5 ulp in both types; f' and f' from y exact.
 * Fast path: every x.
 * Special values: f'(0) = slope; a slope of 0 gives f(-inf) = -0, not NaN. */
INLINE vec leaky_relu_forward(vec x, const vec *p, int full_range)
{
    (void)full_range;
    vec slope = p[0];
    vec least = choose(equal(slope, splat(0)), splat(-REAL_MAX), splat(-(real)INFINITY)); /* 0 * -inf is a NaN */
    return choose(less(splat(0), x), x, slope * maximum(least, x));
}
INLINE vec leaky_relu_derivative(vec x, const vec *p, int full_range)
{
    (void)full_range;
    return choose(less(splat(0), x), splat(1), choose(less_equal(x, splat(0)), p[0], x));
}
#define leaky_relu_derivative_y leaky_relu_derivative /* y has the sign of x where the slope is not negative */

/* prelu(x) is leaky_relu(x) whose slope is an operand (He et al. 2015); the slope is unused where x > 0. */
INLINE mask prelu_weight_unused(vec x) { return less(splat(0), x); }

/* relu6(x) = min(max(x, 0), 6)
 * Method: two comparisons (Krizhevsky 2010).
 * Error: exact; f' and f' from y exact.
 * Fast path: every x.
 * Special values: f' is 0 at both kinks, 0 and 6. */
INLINE vec relu6_forward(vec x, const vec *p, int full_range)
{
    return minimum(splat(6), relu_forward(x, p, full_range));
}
INLINE vec relu6_derivative(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    return slope_between(x, splat(0), splat(6), splat(1));
}
#define relu6_derivative_y relu6_derivative

/* A bound for the derivative: an infinite one does not bind, so it becomes NaN, which no comparison meets. */
INLINE vec open_bound(vec bound, real infinity)
{
    return choose(equal(bound, splat(infinity)), splat((real)NAN), bound);
}

/* hard_tanh(x) = min(max(x, min_val), max_val)
 * Method: two comparisons (Collobert 2004).
 * Error: exact; f' and f' from y exact.
 * Fast path: every x.
 * Special values: f' is 0 at both bounds; an infinite bound does not bind, f'(inf) = 1 there. */
INLINE vec hard_tanh_forward(vec x, const vec *p, int full_range)
{
    (void)full_range;
    return minimum(p[1], maximum(p[0], x));
}
INLINE vec hard_tanh_derivative(vec x, const vec *p, int full_range)
{
    (void)full_range;
    vec low = open_bound(p[0], -(real)INFINITY), high = open_bound(p[1], (real)INFINITY);
    return slope_between(x, low, high, splat(1));
}
#define hard_tanh_derivative_y hard_tanh_derivative

/* threshold(x) = x for x > threshold, value elsewhere
 * Method: a choice (PyTorch's definition).
 * Error: exact; f' exact.
 * Fast path: every x.
 * Special values: f'(threshold) = 0, f(NaN) = NaN. */
INLINE vec threshold_forward(vec x, const vec *p, int full_range)
{
    (void)full_range;
    return choose(less_equal(x, p[0]), p[1], x);
}
INLINE vec threshold_derivative(vec x, const vec *p, int full_range)
{
    (void)full_range;
    return zero_where(less_equal(x, p[0]), unless_nan(x, splat(1)));
}

/* relu_squared(x) = max(x, 0)^2
 * Method: one product (So et al. 2021); f' from y is 2*sqrt(y).
 * Error: 0.5 ulp in both types; f' exact, f' from y 0.5.
 * Fast path: every x.
 * Special values: x whose square underflows gives 0 without subnormal arithmetic. */
INLINE vec relu_squared_forward(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    const real vanishing = BY_TYPE(0x1p-75, 0x1.6a09ep-538); /* whose square is 0: slow to compute */
    vec positive = zero_where(less_equal(x, splat(vanishing)), x);
    return positive * positive;
}
INLINE vec relu_squared_derivative(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    return zero_where(less_equal(x, splat(0)), x + x);
}
INLINE vec relu_squared_derivative_y(vec y, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    vec root = square_root(maximum(splat(0), y));
    return root + root;
}

/* slope*x + offset, rounded once. */
INLINE vec line(vec x, vec slope, vec offset) { return residual(offset, -slope, x); }

/* Whether the parameters are the defaults, 1/6 and 1/2: then the line is (x + 3) / 6, which the rounded slope would
 * miss. */
INLINE int in_sixths(const vec *p)
{
    mask other = either(less(p[0], splat(SIXTH)), less(splat(SIXTH), p[0]));
    return !any(either(other, either(less(p[1], splat((real)0.5)), less(splat((real)0.5), p[1]))));
}
/* clip(x + 3, 0, 6) / 6
 * Method: a quotient by a reciprocal, and one correction by its exact residual (Muller et al., Handbook).
 * Error: 0.5 ulp in both types with fused multiply-add.
 * Fast path: every x.
 * Special values: exactly 0 at -3 and 1 at 3. */
INLINE vec sixth_of_clipped(vec x)
{
    vec a = clamped(x, -3, 3), sum = a + splat(3), sum_lo = a - (sum - splat(3)), q = sum * splat(SIXTH);
    vec rest = residual(sum, q, splat(6)) + sum_lo;
    return q + muladd(rest, splat(SIXTH), rest * splat(THIRD_LO * (real)0.5));
}

/* hard_sigmoid(x) = min(max(slope*x + offset, 0), 1)
 * Method: a line rounded once, clamped (Courbariaux et al. 2015; slope 1/6 as in Howard et al. 2019).
 * Error: bound 0.51 ulp, f' and f' from y 0.5, in both types (measured 0.50, 0.33, 0.33).
 * Fast path: every x.
 * Special values: f' is 0 at both kinks, which are found exactly; a slope of 0 gives the offset for +-inf. */
INLINE vec hard_sigmoid_forward(vec x, const vec *p, int full_range)
{
    (void)full_range;
    vec slope = p[0], offset = p[1];
    if (in_sixths(p))
        return sixth_of_clipped(x);
    vec most = choose(equal(slope, splat(0)), splat(REAL_MAX), splat((real)INFINITY)); /* 0 * inf is a NaN */
    return minimum(splat(1), maximum(splat(0), line(minimum(most, maximum(-most, x)), slope, offset)));
}
/* Whether slope*x + c + c_lo <= 0, exactly, for x that is not NaN; c_lo is the rounding error of c. */
INLINE mask up_to_zero(vec x, vec slope, vec c, vec c_lo)
{
    vec steep = choose(equal(c, splat(0)), choose(less(slope, splat(0)), splat(-1), splat(1)),
                       slope); /* no underflow */
    return less_equal(line(x, steep, c), -c_lo);
}
INLINE vec hard_sigmoid_derivative(vec x, const vec *p, int full_range)
{
    (void)full_range;
    vec slope = p[0], offset = p[1];
    if (in_sixths(p))
        return slope_between(x, splat(-3), splat(3), slope);
    vec rest = splat(1) - offset, rest_lo = sum_error(splat(1), -offset, rest);
    vec below_one = zero_where(up_to_zero(x, -slope, rest, rest_lo), unless_nan(x, slope));
    return zero_where(up_to_zero(x, slope, offset, splat(0)), below_one);
}
INLINE vec hard_sigmoid_derivative_y(vec y, const vec *p, int full_range)
{
    (void)full_range;
    return slope_between(y, splat(0), splat(1), p[0]);
}

/* hard_swish(x) = x * min(max(x/6 + 1/2, 0), 1) (Howard et al. 2019)
 * Method: t*t/6 + t/2 with t = max(x, -3-x): the parabola is symmetric about -3/2, so nothing cancels near -3.
 *     Derived here.
 * Error: bound 1.5 ulp, f' 1.5, in both types (measured 1.00 and 0.99; 0.67 and 0.67).
 * Fast path: every x.
 * Special values: has the sign of x also where it is 0; f'(-3) = 0, f'(3) = 1. */
INLINE vec hard_swish_forward(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    vec a = maximum(splat(-3), x), t = maximum(splat(-3) - a, a);
    vec parabola = residual(t * splat(0.5), t * splat(-SIXTH), t);
    return choose(less(x, splat(3)), with_sign_of(parabola, x), x);
}
/* x/3 + 1/2, with 1/3 as a pair: exact enough near the root at -3/2. */
INLINE vec hard_swish_derivative(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    vec slope = muladd(x, splat(THIRD_LO), line(x, splat(THIRD_HI), splat(0.5)));
    return zero_where(less_equal(x, splat(-3)), choose(less_equal(splat(3), x), splat(1), slope));
}

/* hard_shrink(x) = x for |x| > lambd, 0 elsewhere
 * Method: hard thresholding (Donoho & Johnstone 1994).
 * Error: exact; f' and f' from y exact.
 * Fast path: every x.
 * Special values: a 0 has the sign of x; f' is 0 at |x| = lambd. */
INLINE vec hard_shrink_forward(vec x, const vec *p, int full_range)
{
    (void)full_range;
    vec magnitude = absolute(x);
    return with_sign_of(zero_where(less_equal(magnitude, p[0]), magnitude), x);
}
INLINE vec hard_shrink_derivative(vec x, const vec *p, int full_range)
{
    (void)full_range;
    return zero_where(less_equal(absolute(x), p[0]), unless_nan(x, splat(1)));
}
#define hard_shrink_derivative_y hard_shrink_derivative

/* soft_shrink(x) = max(|x| - lambd, 0) with the sign of x
 * Method: soft thresholding (Donoho & Johnstone 1994).
 * Error: 0.5 ulp in both types; f' and f' from y exact.
 * Fast path: every x.
 * Special values: a 0 has the sign of x; f' is 0 at |x| = lambd. */
INLINE vec soft_shrink_forward(vec x, const vec *p, int full_range)
{
    (void)full_range;
    return with_sign_of(maximum(splat(0), absolute(x) - p[0]), x);
}
#define soft_shrink_derivative hard_shrink_derivative
INLINE vec soft_shrink_derivative_y(vec y, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    return zero_where(equal(y, splat(0)), unless_nan(y, splat(1)));
}

/* sparse_sigmoid(x) = min(max((x + 1)/2, 0), 1)
 * Method: one sum, clamped (JAX's definition).
 * Error: 0.5 ulp in both types; f' and f' from y exact.
 * Fast path: every x.
 * Special values: f' is 0 at both kinks, -1 and 1. */
INLINE vec sparse_sigmoid_forward(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    return minimum(splat(1), maximum(splat(0), (x + splat(1)) * splat(0.5)));
}
INLINE vec sparse_sigmoid_derivative(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    return slope_between(x, splat(-1), splat(1), splat(0.5));
}
INLINE vec sparse_sigmoid_derivative_y(vec y, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    return slope_between(y, splat(0), splat(1), splat(0.5));
}

/* sparse_plus(x) = 0 for x <= -1, ((x + 1)/2)^2 up to 1, x beyond
 * Method: the square of a sum and its rounding error (JAX's definition); a tiny addend keeps the error normal.
 * Error: bound 0.6 ulp, f' and f' from y 0.5, in both types (measured 0.50).
 * Fast path: every x.
 * Special values: f'(-1) = 0, f'(1) = 1. */
INLINE vec sparse_plus_forward(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    vec a = maximum(splat(-1), x), sum = a + splat(1);
    vec sum_lo = (a + splat(BY_TYPE(0x1p-60f, 0x1p-120))) - (sum - splat(1)), half = sum * splat(0.5);
    return choose(less(x, splat(1)), line(half, half, half * sum_lo), x);
}
#define sparse_plus_derivative sparse_sigmoid_forward
INLINE vec sparse_plus_derivative_y(vec y, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    return square_root(minimum(splat(1), maximum(splat(0), y)));
}

/* identity(x) = x
 * Method: none.
 * Error: exact; f' and f' from y exact.
 * Fast path: every x.
 * Special values: f'(NaN) = NaN. */
INLINE vec identity_forward(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    return x;
}
INLINE vec identity_derivative(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    return unless_nan(x, splat(1));
}
#define identity_derivative_y identity_derivative

#define CHANNELWISE_ACTIVATIONS(W) W(prelu, leaky_relu, PIECEWISE, .09f, .09f, .12f, .12f, .12f)

#define PIECEWISE_ACTIVATIONS(A, A_X) \
    A(relu, PIECEWISE, NO_BOUND, NO_BOUND, .06f, .07f, .10f, .10f) \
    A(leaky_relu, PIECEWISE, NO_BOUND, NO_BOUND, .08f, .08f, .11f, .11f) \
    A(relu6, PIECEWISE, NO_BOUND, NO_BOUND, .06f, .07f, .10f, .10f) \
    A(hard_tanh, PIECEWISE, NO_BOUND, NO_BOUND, .06f, .07f, .10f, .10f) \
    A_X(threshold, PIECEWISE, NO_BOUND, NO_BOUND, .06f, .07f, .10f) \
    A(relu_squared, PIECEWISE, NO_BOUND, NO_BOUND, .06f, .07f, .10f, .10f) \
    A(hard_sigmoid, PIECEWISE, NO_BOUND, NO_BOUND, .06f, .07f, .10f, .10f) \
    A_X(hard_swish, PIECEWISE, NO_BOUND, NO_BOUND, .06f, .07f, .10f) \
    A(hard_shrink, PIECEWISE, NO_BOUND, NO_BOUND, .06f, .07f, .10f, .10f) \
    A(soft_shrink, PIECEWISE, NO_BOUND, NO_BOUND, .06f, .07f, .10f, .10f) \
    A(sparse_plus, PIECEWISE, NO_BOUND, NO_BOUND, .06f, .07f, .10f, .10f) \
    A(sparse_sigmoid, PIECEWISE, NO_BOUND, NO_BOUND, .06f, .07f, .10f, .10f) \
    A(identity, PIECEWISE, NO_BOUND, NO_BOUND, .06f, .07f, .10f, .10f)

#endif
