/* Activations made of straight lines and parabolas: no elementary function. */

/* `value` where x is a number, else x. */
INLINE vec unless_nan(vec x, vec value) { return choose(equal(x, x), value, x); }

/* 0 up to low and from high on, `slope` between. */
INLINE vec slope_between(vec x, vec low, vec high, vec slope)
{
    return zero_where(less_equal(x, low), zero_where(less_equal(high, x), unless_nan(x, slope)));
}

/* relu(x) = max(x, 0) */
INLINE vec relu_forward(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    return zero_where(less_equal(x, splat(0)), x);
}
INLINE vec relu_derivative(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    return zero_where(less_equal(x, splat(0)), choose(less(splat(0), x), splat(1), x));
}
#define relu_derivative_y relu_derivative

/* leaky_relu(x) = x where x > 0, negative_slope * x elsewhere; not max(x, slope*x), which fails for slopes above 1 */
INLINE vec leaky_relu_forward(vec x, const vec *p, int careful)
{
    (void)careful;
    vec slope = p[0];
    vec least = choose(equal(slope, splat(0)), splat(-REAL_MAX), splat(-(real)INFINITY));  /* 0 * -inf is a NaN */
    return choose(less(splat(0), x), x, slope * maximum(least, x));
}
INLINE vec leaky_relu_derivative(vec x, const vec *p, int careful)
{
    (void)careful;
    return choose(less(splat(0), x), splat(1), choose(less_equal(x, splat(0)), p[0], x));
}
#define leaky_relu_derivative_y leaky_relu_derivative      /* y has the sign of x where the slope is not negative */

/* prelu(x) is leaky_relu(x) with a slope for each element */
INLINE mask prelu_weight_idles(vec x) { return less(splat(0), x); }

/* relu6(x) = min(max(x, 0), 6) */
INLINE vec relu6_forward(vec x, const vec *p, int careful)
{
    return minimum(splat(6), relu_forward(x, p, careful));
}
INLINE vec relu6_derivative(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    return slope_between(x, splat(0), splat(6), splat(1));
}
#define relu6_derivative_y relu6_derivative

/* A bound as a derivative sees it: an infinite one is none, and no number is up to a NaN or from it on. */
INLINE vec open_bound(vec bound, real infinity)
{
    return choose(equal(bound, splat(infinity)), splat((real)NAN), bound);
}

/* hard_tanh(x) = min(max(x, min_val), max_val) */
INLINE vec hard_tanh_forward(vec x, const vec *p, int careful)
{
    (void)careful;
    return minimum(p[1], maximum(p[0], x));
}
INLINE vec hard_tanh_derivative(vec x, const vec *p, int careful)
{
    (void)careful;
    vec low = open_bound(p[0], -(real)INFINITY), high = open_bound(p[1], (real)INFINITY);
    return slope_between(x, low, high, splat(1));
}
#define hard_tanh_derivative_y hard_tanh_derivative

/* threshold(x) = x where x > threshold, value elsewhere */
INLINE vec threshold_forward(vec x, const vec *p, int careful)
{
    (void)careful;
    return choose(less_equal(x, p[0]), p[1], x);
}
INLINE vec threshold_derivative(vec x, const vec *p, int careful)
{
    (void)careful;
    return zero_where(less_equal(x, p[0]), unless_nan(x, splat(1)));
}

/* relu_squared(x) = max(x, 0)^2 */
INLINE vec relu_squared_forward(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    const real vanishing = BY_TYPE(0x1p-75, 0x1.6a09ep-538);        /* whose square is 0: slow to compute */
    vec positive = zero_where(less_equal(x, splat(vanishing)), x);
    return positive * positive;
}
INLINE vec relu_squared_derivative(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    return zero_where(less_equal(x, splat(0)), x + x);
}
INLINE vec relu_squared_derivative_y(vec y, const vec *p, int careful)
{
    (void)p, (void)careful;
    vec root = square_root(maximum(splat(0), y));
    return root + root;
}

/* slope*x + offset, rounded once */
INLINE vec line(vec x, vec slope, vec offset) { return residual(offset, -slope, x); }

/* Whether the parameters are the defaults, 1/6 and 1/2: then the line is exactly (x + 3) / 6, which the rounded slope misses. */
INLINE int in_sixths(const vec *p)
{
    mask other = either(less(p[0], splat(SIXTH)), less(splat(SIXTH), p[0]));
    return !any(either(other, either(less(p[1], splat((real)0.5)), less(splat((real)0.5), p[1]))));
}
/* clip(x + 3, 0, 6) / 6, correctly rounded where fused: what the first quotient leaves over is exact, and divided again. */
INLINE vec sixth_of_clipped(vec x)
{
    vec a = clamped(x, -3, 3), sum = a + splat(3), sum_lo = a - (sum - splat(3)), q = sum * splat(SIXTH);
    vec rest = residual(sum, q, splat(6)) + sum_lo;
    return q + muladd(rest, splat(SIXTH), rest * splat(THIRD_LO * (real)0.5));
}

/* hard_sigmoid(x) = min(max(slope*x + offset, 0), 1) */
INLINE vec hard_sigmoid_forward(vec x, const vec *p, int careful)
{
    (void)careful;
    vec slope = p[0], offset = p[1];
    if (in_sixths(p))
        return sixth_of_clipped(x);
    vec most = choose(equal(slope, splat(0)), splat(REAL_MAX), splat((real)INFINITY));      /* 0 * inf is a NaN */
    return minimum(splat(1), maximum(splat(0), line(minimum(most, maximum(-most, x)), slope, offset)));
}
/* Whether slope*x + c + c_lo <= 0, exactly, for x that is a number; c_lo is what rounding c lost. */
INLINE mask up_to_zero(vec x, vec slope, vec c, vec c_lo)
{
    vec steep = choose(equal(c, splat(0)), choose(less(slope, splat(0)), splat(-1), splat(1)), slope);  /* no underflow */
    return less_equal(line(x, steep, c), -c_lo);
}
INLINE vec hard_sigmoid_derivative(vec x, const vec *p, int careful)
{
    (void)careful;
    vec slope = p[0], offset = p[1];
    if (in_sixths(p))
        return slope_between(x, splat(-3), splat(3), slope);
    vec rest = splat(1) - offset, rest_lo = sum_error(splat(1), -offset, rest);
    vec below_one = zero_where(up_to_zero(x, -slope, rest, rest_lo), unless_nan(x, slope));
    return zero_where(up_to_zero(x, slope, offset, splat(0)), below_one);
}
INLINE vec hard_sigmoid_derivative_y(vec y, const vec *p, int careful)
{
    (void)careful;
    return slope_between(y, splat(0), splat(1), p[0]);
}

/* hard_swish(x) = x * min(max(x/6 + 1/2, 0), 1).  The parabola's halves mirror each other at -3/2: it is t*t/6 + t/2 with
 * t = max(x, -3-x), so that nothing is lost near -3.  Its sign is x's, also where it is 0. */
INLINE vec hard_swish_forward(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    vec a = maximum(splat(-3), x), t = maximum(splat(-3) - a, a);
    vec parabola = residual(t * splat(0.5), t * splat(-SIXTH), t);
    return choose(less(x, splat(3)), with_sign_of(parabola, x), x);
}
/* x/3 + 1/2; 1/3 as a pair, for what is left near the root at -3/2 */
INLINE vec hard_swish_derivative(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    vec slope = muladd(x, splat(THIRD_LO), line(x, splat(THIRD_HI), splat(0.5)));
    return zero_where(less_equal(x, splat(-3)), choose(less_equal(splat(3), x), splat(1), slope));
}

/* hard_shrink(x) = x where |x| > lambd, 0 elsewhere, with the sign of x */
INLINE vec hard_shrink_forward(vec x, const vec *p, int careful)
{
    (void)careful;
    vec magnitude = absolute(x);
    return with_sign_of(zero_where(less_equal(magnitude, p[0]), magnitude), x);
}
INLINE vec hard_shrink_derivative(vec x, const vec *p, int careful)
{
    (void)careful;
    return zero_where(less_equal(absolute(x), p[0]), unless_nan(x, splat(1)));
}
#define hard_shrink_derivative_y hard_shrink_derivative

/* soft_shrink(x) = max(|x| - lambd, 0) with the sign of x */
INLINE vec soft_shrink_forward(vec x, const vec *p, int careful)
{
    (void)careful;
    return with_sign_of(maximum(splat(0), absolute(x) - p[0]), x);
}
#define soft_shrink_derivative hard_shrink_derivative
INLINE vec soft_shrink_derivative_y(vec y, const vec *p, int careful)
{
    (void)p, (void)careful;
    return zero_where(equal(y, splat(0)), unless_nan(y, splat(1)));
}

/* sparse_sigmoid(x) = min(max((x + 1)/2, 0), 1) */
INLINE vec sparse_sigmoid_forward(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    return minimum(splat(1), maximum(splat(0), (x + splat(1)) * splat(0.5)));
}
INLINE vec sparse_sigmoid_derivative(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    return slope_between(x, splat(-1), splat(1), splat(0.5));
}
INLINE vec sparse_sigmoid_derivative_y(vec y, const vec *p, int careful)
{
    (void)p, (void)careful;
    return slope_between(y, splat(0), splat(1), splat(0.5));
}

/* sparse_plus(x) = 0 up to -1, x from 1 on, ((x + 1)/2)^2 between: the sum with its low word, moved off the subnormals */
INLINE vec sparse_plus_forward(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    vec a = maximum(splat(-1), x), sum = a + splat(1);
    vec sum_lo = (a + splat(BY_TYPE(0x1p-60f, 0x1p-120))) - (sum - splat(1)), half = sum * splat(0.5);
    return choose(less(x, splat(1)), line(half, half, half * sum_lo), x);
}
#define sparse_plus_derivative sparse_sigmoid_forward
INLINE vec sparse_plus_derivative_y(vec y, const vec *p, int careful)
{
    (void)p, (void)careful;
    return square_root(minimum(splat(1), maximum(splat(0), y)));
}

/* identity(x) = x */
INLINE vec identity_forward(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    return x;
}
INLINE vec identity_derivative(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    return unless_nan(x, splat(1));
}
#define identity_derivative_y identity_derivative

#define WEIGHTED_ACTIVATIONS(W) \
    W(prelu, leaky_relu, PIECEWISE, .09f, .09f, .12f, .12f, .12f)

#define PIECEWISE_ACTIVATIONS(A, A_X) \
    A(relu, PIECEWISE, NEVER, NEVER, .06f, .07f, .10f, .10f) \
    A(leaky_relu, PIECEWISE, NEVER, NEVER, .08f, .08f, .11f, .11f) \
    A(relu6, PIECEWISE, NEVER, NEVER, .06f, .07f, .10f, .10f) \
    A(hard_tanh, PIECEWISE, NEVER, NEVER, .06f, .07f, .10f, .10f) \
    A_X(threshold, PIECEWISE, NEVER, NEVER, .06f, .07f, .10f) \
    A(relu_squared, PIECEWISE, NEVER, NEVER, .06f, .07f, .10f, .10f) \
    A(hard_sigmoid, PIECEWISE, NEVER, NEVER, .06f, .07f, .10f, .10f) \
    A_X(hard_swish, PIECEWISE, NEVER, NEVER, .06f, .07f, .10f) \
    A(hard_shrink, PIECEWISE, NEVER, NEVER, .06f, .07f, .10f, .10f) \
    A(soft_shrink, PIECEWISE, NEVER, NEVER, .06f, .07f, .10f, .10f) \
    A(sparse_plus, PIECEWISE, NEVER, NEVER, .06f, .07f, .10f, .10f) \
    A(sparse_sigmoid, PIECEWISE, NEVER, NEVER, .06f, .07f, .10f, .10f) \
    A(identity, PIECEWISE, NEVER, NEVER, .06f, .07f, .10f, .10f)
