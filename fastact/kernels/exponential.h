/* Activations made of exponentials and logarithms of them. */

/* exponential(x) = e^x.  Adding EXP_ONE alters nothing but subnormals, which would be slow to multiply. */
INLINE vec exponential_forward(vec x, const vec *p, int careful)
{
    (void)p;
    vec a = (careful ? clamped(x, -EXP_ZERO, EXP_ZERO) : x) + splat(EXP_ONE);
    exp_parts e = or_zero(exponential(a, splat(0)), 0, careful);
    return times_power2(e.head + e.rest, e.k, careful);
}
#define exponential_derivative exponential_forward
INLINE vec exponential_derivative_y(vec y, const vec *p, int careful)
{
    (void)p, (void)careful;
    return y;
}

/* gaussian' is normal up to GAUSSIAN_SMALL, and 0 from GAUSSIAN_ZERO on. */
#define GAUSSIAN_SMALL ((real)BY_TYPE(9, 26))
#define GAUSSIAN_ZERO ((real)BY_TYPE(11, 28))
INLINE vec gaussian_argument(vec x, int careful)
{
    return careful ? clamped(x, -GAUSSIAN_ZERO, GAUSSIAN_ZERO) : x;
}
/* e^-x^2, the square's error included, which may be worth x^2 / 2 ulp.  64 times it must be 0 to be called 0: 2x is not
 * larger. */
INLINE exp_parts exp_of_square(vec x, int careful)
{
    const real one = BY_TYPE(0x1p-15, 0x1p-30);     /* below it e^-x^2 is 1; squares would underflow */
    vec a = zero_where(less(absolute(x), splat(one)), x), square = a * a;
    return or_zero(exponential(-square, -product_error(a, a, square)), 6, careful);
}
/* gaussian(x) = e^-x^2 */
INLINE vec gaussian_forward(vec x, const vec *p, int careful)
{
    (void)p;
    exp_parts e = exp_of_square(gaussian_argument(x, careful), careful);
    return times_power2(e.head + e.rest, e.k, careful);
}
INLINE vec gaussian_derivative(vec x, const vec *p, int careful)
{
    (void)p;
    vec a = gaussian_argument(x, careful), c = a + a;
    exp_parts e = exp_of_square(a, careful);
    return times_power2(residual(-c * e.rest, c, e.head), e.k, careful);
}

/* 1 - e^x for x < -EXP_ONE, and any number for the others. */
INLINE pair minus_expm1_below_0(vec x)
{
    return minus_expm1(clamped(x, -EXPM1_END, -EXP_ONE), splat(0));
}

/* elu(x) = x where x > 0, alpha * (e^x - 1) elsewhere, for any finite alpha */
INLINE vec elu_forward(vec x, const vec *p, int careful)
{
    (void)careful;
    vec curve = times_pair(as_binary(-p[0]), minus_expm1_below_0(x), 0);
    vec line = choose(less(splat(0), x), splat(1), p[0]) * x;
    return choose(less(x, splat(-EXP_ONE)), curve, line);
}
/* Either of alpha and e^x may be subnormal where their product is not: their exponents are added. */
INLINE vec elu_derivative(vec x, const vec *p, int careful)
{
    (void)careful;
    const real zero = BY_TYPE(200, 1460);       /* e^-zero times the largest number is 0 */
    binary alpha = as_binary(p[0]);
    exp_parts e = exponential(clamped(x, -zero, -EXP_ONE), splat(0));
    e.k = e.k + (alpha.k - splat(EIGHTHS));
    e = or_zero(e, 2, 1);
    vec curve = times_pair((binary){alpha.mantissa, e.k}, (pair){e.head, e.rest}, 1);
    return choose(less(splat(0), x), splat(1), curve);
}
INLINE vec elu_derivative_y(vec y, const vec *p, int careful)
{
    (void)careful;
    return choose(less(splat(0), y), splat(1), y + p[0]);
}

/* selu(x) = lambda * x where x > 0, slope * (e^x - 1) elsewhere, slope = lambda * alpha.  A constant that a pair is
 * multiplied by is a pair itself; elsewhere c*x = x + (c - 1)*x is exact enough, and has no low word to underflow. */
INLINE vec times_selu_slope(real sign, pair v)
{
    const vec hi = splat(sign * SELU_SLOPE_HI), lo = splat(sign * SELU_SLOPE_LO);
    return residual(muladd(lo, v.hi, hi * v.lo), -hi, v.hi);
}
INLINE vec selu_forward(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    vec curve = times_selu_slope(-1, minus_expm1_below_0(x));
    vec line = muladd(x, choose(less(splat(0), x), splat(SELU_LAMBDA_LESS_1), splat(SELU_SLOPE_LESS_1)), x);
    return choose(less(x, splat(-EXP_ONE)), curve, line);
}
INLINE vec selu_derivative(vec x, const vec *p, int careful)
{
    (void)p;
    vec a = careful ? clamped(x, -EXP_ZERO, -EXP_ONE) : minimum(splat(-EXP_ONE), x);
    exp_parts e = or_zero(exponential(a, splat(0)), 1, careful);
    vec curve = times_power2(times_selu_slope(1, (pair){e.head, e.rest}), e.k, careful);
    return choose(less(splat(0), x), splat(SELU_LAMBDA), curve);
}
INLINE vec selu_derivative_y(vec y, const vec *p, int careful)
{
    (void)p, (void)careful;
    const vec hi = splat(SELU_SLOPE_HI), lo = splat(SELU_SLOPE_LO);
    vec sum = hi + y, error = (hi - sum) + y;
    return choose(less(splat(0), y), splat(SELU_LAMBDA), sum + (error + lo));
}

/* alpha, 1 / its mantissa, and u = x over alpha's power of two, or 0 from the bend on: there x / alpha vanishes beside 1,
 * or is positive.  All but u is computed once for all x; none overflows or underflows, whatever alpha is. */
typedef struct { binary alpha; vec bend, inverse, u; } celu_argument;
INLINE celu_argument celu_argument_of(vec x, vec alpha)
{
    binary b = as_binary(alpha);
    vec bend = alpha * splat(-EXP_ONE);
    vec u = zero_where(less_equal(bend, x), x) * inverse_power2(b.k);
    return (celu_argument){b, bend, splat(1) / b.mantissa, u};
}
/* x / alpha, or `least` if that is less */
INLINE pair celu_quotient(celu_argument a, real least)
{
    vec u = maximum(splat(least) * a.alpha.mantissa, a.u), q = u * a.inverse;
    return (pair){q, residual(u, q, a.alpha.mantissa) * a.inverse};
}
/* celu(x) = x where x > 0, alpha * (e^(x/alpha) - 1) elsewhere, for any finite alpha > 0 */
INLINE vec celu_forward(vec x, const vec *p, int careful)
{
    (void)careful;
    celu_argument a = celu_argument_of(x, p[0]);
    pair q = celu_quotient(a, -EXPM1_END);
    binary minus_alpha = {-a.alpha.mantissa, a.alpha.k};
    return choose(less(x, a.bend), times_pair(minus_alpha, minus_expm1(q.hi, q.lo), 0), x);
}
INLINE vec celu_derivative(vec x, const vec *p, int careful)
{
    (void)careful;
    pair q = celu_quotient(celu_argument_of(x, p[0]), -EXP_ZERO);
    exp_parts e = or_zero(exponential(q.hi, q.lo), 0, 1);
    return scale(e.head + e.rest, e.k);
}
/* (alpha + y) / alpha: the sum as a pair, the quotient's error taken off */
INLINE vec celu_derivative_y(vec y, const vec *p, int careful)
{
    (void)careful;
    celu_argument a = celu_argument_of(y, p[0]);
    vec whole = a.alpha.mantissa, sum = whole + a.u, error = (whole - sum) + a.u, q = sum * a.inverse;
    return muladd(residual(sum, q, whole) + error, a.inverse, q);
}

#define EXPONENTIAL_ACTIVATIONS(A, A_X) \
    A(exponential, SMOOTH, EXP_SMALL, EXP_SMALL, .17f, .17f, .20f, .09f) \
    A_X(gaussian, SMOOTH, GAUSSIAN_SMALL, GAUSSIAN_SMALL, .23f, .24f, .26f) \
    A(elu, SMOOTH, NEVER, NEVER, .26f, .21f, .23f, .09f) \
    A(selu, SMOOTH, NEVER, EXP_SMALL, .27f, .20f, .22f, .09f) \
    A(celu, SMOOTH, NEVER, NEVER, .33f, .26f, .27f, .09f)
