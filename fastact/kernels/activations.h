/* The activations: each formula with its derivative, in the notation of mathematics, and at the end the list of
 * them all.  p[] holds the parameters in the order of the catalogue.  x may be anything, NaN and infinities too.
 *
 * f(x), f'(x), and f' from y = f(x) where y is enough.  backward is made of them in runs.h.  `careful` is a constant:
 * set, the code is right for every x; else only up to the |x| that the list names, and without a branch. */

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

/* sigmoid(x) = 1 / (1 + e^-x) for x < 0, and 1 minus that of -x for the others: nothing is lost above 1/2 */
INLINE vec sigmoid_forward(vec x, const vec *p, int careful)
{
    (void)p;
    vec a = absolute(x);
    logistic_parts l = logistic(a, careful);
    vec s = times_unit(reciprocal_pair(l.sum, l.sum_lo), a, l, careful);
    return choose(less(x, splat(0)), s, splat(1) - s);
}
INLINE vec sigmoid_derivative(vec x, const vec *p, int careful)
{
    (void)p;
    return logistic_density(absolute(x), 1, careful);
}
INLINE vec sigmoid_derivative_y(vec y, const vec *p, int careful)
{
    (void)p, (void)careful;
    return residual(y, y, y);       /* y - y*y: y*(1 - y) rounded once */
}

/* tanh(x), odd */
#if REAL_BITS == 32
/* Eight pieces, a polynomial each, c0 + h*(c1 + h*(...)) with h = |x| - centre.  The first piece is about 0 and gives
 * x + x*(c1 + ...), which keeps the relative error small.  A quotient of exponentials takes twice as long; tables of 16
 * and 32 entries allow lower degrees on AVX-512 but are slow on AVX2. */
INLINE vec tanh_forward(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    vec a = minimum(splat(TANH_END), absolute(x));
    vec b = muladd(a, splat(TANH_STEP), splat(TANH_START));
    vec piece = half_octave(b);
    vec h = a - lookup(table(tanh_pieces[0]), piece);
    vec start = choose(less(b, splat(1)), a, lookup(table(tanh_pieces[1]), piece));
    vec slope = lookup(table(tanh_pieces[COUNT(tanh_pieces) - 1]), piece);
    for (int i = COUNT(tanh_pieces) - 2; i > 1; i--)
        slope = muladd(slope, h, lookup(table(tanh_pieces[i]), piece));
    return with_sign_of(residual(start, -slope, h), x);       /* start + slope*h, rounded once */
}
#else
/* (e^2|x| - 1) / (e^2|x| + 1), both as pairs: near 0 the numerator is the low word of the exponential.  Eight pieces
 * would need degree 18, and AVX2 is slow to look up so many coefficients. */
INLINE vec tanh_forward(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    const real linear = 0x1p-27, saturated = 20;        /* below: tanh x = x; above: 1 */
    vec a = absolute(x), half = minimum(splat(saturated), maximum(splat(linear), a));
    logistic_parts l = one_plus_exp(half + half, 0);
    vec n = l.e.head - l.unit, n_hi = n + l.e.rest;
    vec q = divide_pairs(n_hi, (n - n_hi) + l.e.rest, l.sum, l.sum_lo);
    return with_sign_of(choose(less(a, splat(linear)), a, q), x);
}
#endif
INLINE vec tanh_derivative(vec x, const vec *p, int careful)
{
    (void)p;
    vec a = absolute(x);
    return logistic_density(a + a, 4, careful);
}
INLINE vec tanh_derivative_y(vec y, const vec *p, int careful)
{
    (void)p, (void)careful;
    return residual(splat(1), y, y);
}

/* name; whether a branch can make f' exactly 0 (PIECEWISE) or none can (SMOOTH); the |x| from which f and f' need
 * careful code; and ns an element on one core, in cache: forward, derivative, backward, backward from y.  A lists those
 * with an f' from y, A_X the others. */
#define ACTIVATIONS(A, A_X) \
    A(relu, PIECEWISE, NEVER, NEVER, .06f, .07f, .10f, .10f) \
    A(leaky_relu, PIECEWISE, NEVER, NEVER, .08f, .08f, .11f, .11f) \
    A(sigmoid, SMOOTH, EXP_SMALL, EXP_SMALL, .30f, .33f, .34f, .09f) \
    A(tanh, SMOOTH, NEVER, EXP_SMALL / 2, .20f, .35f, .36f, .09f)
