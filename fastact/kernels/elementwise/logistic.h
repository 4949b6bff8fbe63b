/* Activations made of the logistic function: 1 / (1 + e^-x) and what multiplies x by it. */
#ifndef FASTACT_LOGISTIC_H
#define FASTACT_LOGISTIC_H

#include "activation.h"

/* 1 / (1 + e^a), a >= 0 */
INLINE vec sigmoid_below(vec a, int full_range)
{
    logistic_parts l = logistic(a, full_range);
    return times_unit(reciprocal_pair(l.sum, l.sum_lo), a, l, full_range);
}
/* sigmoid(x) = 1 / (1 + e^-x)
 * Method: 1 / (1 + e^|x|) for x < 0, 1 minus that else; the sum as a pair, the quotient corrected by its residual.
 * Error: bound 1.0 ulp, f' 1.0, f' from y 0.51, in both types (measured 0.78 and 0.76; 0.79 and 0.79; 0.50).
 * Fast path: |x| <= EXP_SMALL.
 * Special values: f(-inf) = 0, f(inf) = 1, f'(+-inf) = 0. */
INLINE vec sigmoid_forward(vec x, const vec *p, int full_range)
{
    (void)p;
    vec s = sigmoid_below(absolute(x), full_range);
    return choose(less(x, splat(0)), s, splat(1) - s);
}
INLINE vec sigmoid_derivative(vec x, const vec *p, int full_range)
{
    (void)p;
    return logistic_density(absolute(x), 1, full_range);
}
INLINE vec sigmoid_derivative_y(vec y, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    return residual(y, y, y); /* y*(1 - y), rounded once */
}

/* tanh(x), computed for a = |x| as a pair
 * Method: float32: eight polynomials with accurate table centres (Gal 1986).  float64: (e^2a - 1) / (e^2a + 1) of
 *     pairs.
 * Error: bound 1.0 and 2.0 ulp, f' 1.0, f' from y 0.51 (measured 0.79 and 1.52; 0.78 and 0.76; 0.50).
 * Fast path: every x; f' for |x| <= EXP_SMALL / 2.
 * Special values: f(+-inf) = +-1, f'(+-inf) = 0; f(x) = x for tiny x. */
#if REAL_BITS == 32
/* A piece is c0 + h*(c1 + h*(...)) with h = a - centre.  The first includes 0 and gives a + a*(c1 + ...), which keeps
 * the relative error small.  A quotient of exponentials takes twice as long; tables of 16 and 32 entries allow lower
 * degrees on AVX-512 but are slow on AVX2. */
INLINE pair tanh_pair(vec magnitude)
{
    vec a = minimum(splat(TANH_END), magnitude);
    vec b = muladd(a, splat(TANH_STEP), splat(TANH_START));
    pieces p = PIECES(tanh_pieces, b, HALF_OCTAVE);
    vec h = a - row_of(p, 0);
    vec start = choose(less(b, splat(1)), a, row_of(p, 1));
    vec slope = piece_slope(p, COUNT(tanh_pieces), h);
    vec hi = residual(start, -slope, h); /* start + slope*h, rounded once */
    return (pair){hi, residual(start - hi, -slope, h)};
}
INLINE vec tanh_forward(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    return with_sign_of(tanh_pair(absolute(x)).hi, x);
}
#else
/* Near 0 the numerator is the low word of the exponential.  Eight polynomials would need degree 18, and AVX2 is slow
 * to look up so many coefficients. */
#define TANH_LINEAR 0x1p-27 /* below: tanh x = x */
INLINE quotient tanh_quotient(vec a)
{
    const real saturated = 20; /* above: 1 */
    vec half = minimum(splat(saturated), maximum(splat(TANH_LINEAR), a));
    logistic_parts l = one_plus_exp(half + half, 0);
    vec n = l.e.head - l.unit, n_hi = n + l.e.rest, n_lo = (l.e.head - n) - l.unit;
    return quotient_of_pairs(n_hi, ((n - n_hi) + l.e.rest) + n_lo, l.sum, l.sum_lo);
}
INLINE pair tanh_pair(vec a)
{
    quotient t = tanh_quotient(a);
    mask linear = less(a, splat(TANH_LINEAR));
    return (pair){choose(linear, a, t.q), zero_where(linear, t.error * t.reciprocal)};
}
INLINE vec tanh_forward(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    vec a = absolute(x);
    quotient t = tanh_quotient(a);
    return with_sign_of(choose(less(a, splat(TANH_LINEAR)), a, muladd(t.error, t.reciprocal, t.q)), x);
}
#endif
INLINE vec tanh_derivative(vec x, const vec *p, int full_range)
{
    (void)p;
    vec a = absolute(x);
    return logistic_density(a + a, 4, full_range);
}
INLINE vec tanh_derivative_y(vec y, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    return residual(splat(1), y, y);
}

/* tanh_shrink(x) = x - tanh(x), odd (PyTorch's definition)
 * Method: a^3 * (1/3 + ...) near 0, where the difference cancels; x minus tanh as a pair beyond.  Derived here.
 * Error: bound 1.5 ulp, f' 1.5 and 2.0 (measured 1.30 and 1.00; 1.14 and 1.10).
 * Fast path: every x.
 * Special values: f(+-inf) = +-inf, f'(+-inf) = 1; 0 where the cube underflows. */
#define TANH_SHRINK_NEAR ((real)BY_TYPE(.9, .75))
/* a^3 * (1/3 + v*(...)), v = a^2, for 0 <= a <= TANH_SHRINK_NEAR.  Tiny a are scaled up, or low words would be
 * subnormal; a whose cube underflows to 0 are flushed. */
INLINE vec tanh_shrink_near(vec a)
{
    const real tiny = BY_TYPE(0x1p-20, 0x1p-28), gone = BY_TYPE(0x1p-50, 0x1p-359), up = BY_TYPE(0x1p30, 0x1p330);
    mask scaled = less(a, splat(tiny));
    vec t = zero_where(less(a, splat(gone)), a) * choose(scaled, splat(up), splat(1));
    vec square = t * t, cube = t * square;
    vec cube_lo = muladd(t, product_error(t, t, square), product_error(t, square, cube));
    vec v = zero_where(scaled, square);
    vec bend = v * polynomial(v, v * v, tanh_shrink_rest, COUNT(tanh_shrink_rest));
    vec low = muladd(cube, bend, muladd(cube, splat(THIRD_LO), cube_lo * (splat(THIRD_HI) + bend)));
    return residual(low, -cube, splat(THIRD_HI)) * choose(scaled, splat(1 / up / up / up), splat(1));
}
/* tanh(a) as a pair, near 0 of a and of tanh_shrink(a) */
INLINE pair tanh_near_and_far(vec a)
{
    pair t = tanh_pair(maximum(splat(TANH_SHRINK_NEAR), a));
    mask near = less(a, splat(TANH_SHRINK_NEAR));
    return (pair){choose(near, a, t.hi), choose(near, -tanh_shrink_near(a), t.lo)};
}
INLINE vec tanh_shrink_forward(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    vec a = absolute(x);
    pair t = tanh_near_and_far(a);
    return with_sign_of((a - t.hi) - t.lo, x);
}
/* tanh(x)^2.  x whose square underflows to 0 are flushed, and low words whose products would be subnormal; near 0 the
 * float64 quotient alone is not exact enough. */
INLINE vec tanh_shrink_derivative(vec x, const vec *p, int full_range)
{
    (void)p, (void)full_range;
    const real gone = BY_TYPE(0x1p-75, 0x1p-538), linear = BY_TYPE(0x1p-20, 0x1p-30), one = BY_TYPE(TANH_END, 20);
    vec a = absolute(x), curved = maximum(splat(linear), a);
    pair t = REAL_BITS == 32 ? tanh_pair(curved) : tanh_near_and_far(curved);
    vec hi = choose(less(a, splat(linear)), zero_where(less(a, splat(gone)), a), t.hi);
    vec lo = choose(within(a, splat(linear), splat(one)), t.lo, splat(0));
    return muladd(hi, hi, (hi + hi + lo) * lo);
}

/* Products x * s(z) with s(z) = 1 / (1 + e^-z): silu, quick_gelu, swish, gelu_tanh.
 *
 * z is given by z / ln 2 = x * (w + w_lo), x clamped to where s varies; s is 1/2 for |x| < `least`, and f is 0 for
 * z / ln 2 <= `zero`. */
typedef struct {
    vec x, w, w_lo, least, zero;
} sigmoid_argument;

/* Up to |z| = SIGMOID_SMALL, or |z / ln 2| = SIGMOID_BITS, nothing underflows; beyond, s is 1 or e^z.  From
 * z / ln 2 = SIGMOID_ZERO down, before z = -SIGMOID_END, even 3 z e^z is 0. */
#define SIGMOID_SMALL BY_TYPE(60, 640)
#define SIGMOID_BITS ((real)BY_TYPE(87, 924))
#define SIGMOID_END BY_TYPE(112, 755)
#define SIGMOID_ZERO ((real)BY_TYPE(-160, -1087))

/* s(z) / 2^k as a quotient, s(-z) = unit * its reciprocal, bits = z / ln 2 to an eighth.  k is 0 unless e^z is close to
 * underflow. */
typedef struct {
    quotient s;
    vec unit, k, bits;
} sigmoid_parts;

INLINE sigmoid_parts sigmoid_of(sigmoid_argument z, int full_range)
{
    exp_parts e = exp2_product(z.x, z.w, z.w_lo);
    vec clamped = full_range ? minimum(splat(EIGHTHS + SIGMOID_BITS), maximum(splat(EIGHTHS - SIGMOID_BITS), e.k))
                             : e.k;
    vec unit = inverse_power2(clamped);
    vec large = maximum(e.head, unit), small = minimum(e.head, unit), sum = large + (small + e.rest);
    quotient s = quotient_of_pairs(e.head, e.rest, sum, ((large - sum) + small) + e.rest);
    return (sigmoid_parts){s, unit, e.k - clamped + splat(EIGHTHS), e.k - splat(EIGHTHS)};
}
/* Applies the clamped part of 2^k to q; `one` where s is 1. */
INLINE vec finish_sigmoid(vec q, vec one, vec zero, sigmoid_parts g, int full_range)
{
    if (!full_range)
        return q;
    q = choose(less_equal(g.bits, zero), with_sign_of(splat(0), q), q); /* flush: subnormal arithmetic is slow */
    return choose(less(splat(SIGMOID_BITS), g.bits), one, scale(q, g.k));
}

/* x * s(z), 0.6 ulp from x and w. */
INLINE vec sigmoid_product(vec x, sigmoid_argument z, int full_range)
{
    sigmoid_parts g = sigmoid_of(z, full_range);
    vec finite = full_range ? clamped(x, -REAL_MAX, REAL_MAX) : x;
    vec step = zero_where(less(absolute(x), z.least), finite * g.s.reciprocal); /* else step * error is subnormal */
    vec q = muladd(x, g.s.q, step * g.s.error); /* unfused, a 0 would have the second term's sign */
    return finish_sigmoid(with_sign_of(q, x), x, z.zero, g, full_range); /* sets the sign of a 0 */
}

/* Its derivative s + a*s(z)*s(-z), a = x dz/dx, as s * middle (derived here).  For z < 0, where terms cancel, middle
 * is (1 + a) - a*s with 1 + a exact where it matters; else 1 + a*s(-z).  a_lo is NULL where a is exact.  1.4 ulp; 2.0
 * without middle_lo, which takes 7% of the time. */
INLINE vec sigmoid_product_slope(sigmoid_argument z, vec a, const vec *a_lo, int full_range)
{
    sigmoid_parts g = sigmoid_of(z, full_range);
    vec smaller = minimum(g.unit * g.s.reciprocal, g.s.q);
    vec base = splat(1) + minimum(splat(0), a);
    vec middle = residual(base, -absolute(a), smaller), middle_lo = residual(base - middle, -absolute(a), smaller);
    if (a_lo)
        middle_lo = muladd(*a_lo, splat(1) - g.s.q, middle_lo);
    vec low = muladd(g.s.q, middle_lo, g.s.reciprocal * middle * g.s.error);
    vec q = residual(low, -g.s.q, middle);
    return finish_sigmoid(q, splat(1), splat(SIGMOID_ZERO), g, full_range);
}

/* x, clamped in the full-range path to where s varies. */
INLINE vec clamp_in_full_range(vec x, real end, int full_range) { return full_range ? clamped(x, -end, end) : x; }
/* Moves subnormal x away, which must not be multiplied; f' does not change by so little. */
INLINE vec not_subnormal(vec x) { return x + splat(EXP_ONE); }

/* silu(x) = x * s(x) (Hendrycks & Gimpel 2016; Elfwing, Uchibe & Doya 2018)
 * Method: e^x over 1 + e^x as a pair, the quotient's error carried into the product.  Derived here.
 * Error: bound 1.5 ulp, f' 1.5, in both types (measured 0.80 and 0.79; 1.32 and 1.13).
 * Fast path: |x| <= SIGMOID_SMALL.
 * Special values: f(-inf) = -0, f(inf) = inf, f'(-inf) = -0, f'(inf) = 1. */
INLINE sigmoid_argument silu_argument(vec x, int full_range)
{
    return (sigmoid_argument){clamp_in_full_range(x, SIGMOID_END, full_range), splat(LOG2_E), splat(LOG2_E_LO),
                              splat(EXP_ONE), splat(SIGMOID_ZERO)};
}
INLINE vec silu_forward(vec x, const vec *p, int full_range)
{
    (void)p;
    return sigmoid_product(x, silu_argument(x, full_range), full_range);
}
INLINE vec silu_derivative(vec x, const vec *p, int full_range)
{
    (void)p;
    sigmoid_argument z = silu_argument(not_subnormal(x), full_range);
    return sigmoid_product_slope(z, z.x, NULL, full_range);
}

/* quick_gelu(x) = x * s(1.702x) (Hendrycks & Gimpel 2016)
 * Method: as silu, with 1.702 / ln 2 as a pair.
 * Error: bound 1.5 ulp, f' 1.5, in both types (measured 0.78 and 0.78; 1.22 and 1.15).
 * Fast path: |x| <= SIGMOID_SMALL / 1.702.
 * Special values: as silu. */
INLINE sigmoid_argument quick_gelu_argument(vec x, int full_range)
{
    return (sigmoid_argument){clamp_in_full_range(x, SIGMOID_END / QUICK_GELU, full_range), splat(QUICK_GELU_BITS),
                              splat(QUICK_GELU_BITS_LO), splat(EXP_ONE), splat(SIGMOID_ZERO)};
}
INLINE vec quick_gelu_forward(vec x, const vec *p, int full_range)
{
    (void)p;
    return sigmoid_product(x, quick_gelu_argument(x, full_range), full_range);
}
INLINE vec quick_gelu_derivative(vec x, const vec *p, int full_range)
{
    (void)p;
    sigmoid_argument z = quick_gelu_argument(not_subnormal(x), full_range);
    vec a = z.x * splat(QUICK_GELU);
    vec a_lo = muladd(z.x, splat(QUICK_GELU_LO), product_error(z.x, splat(QUICK_GELU), a));
    return sigmoid_product_slope(z, a, &a_lo, full_range);
}

/* swish(x) = x * s(beta*x), any finite beta (Ramachandran, Zoph & Le 2017)
 * Method: as silu, with z as the product of x * unit and beta / unit, which neither underflow nor overflow.
 * Error: bound 1.5 ulp, f' 1.5, in both types (measured 0.80 and 0.79; 1.32 and 1.13).
 * Fast path: |beta * x| <= SIGMOID_SMALL.
 * Special values: as silu for beta > 0; f(x) = x/2 for beta = 0. */
#define SWISH_END BY_TYPE(202, 1466) /* where also REAL_MAX * e^z is 0 */
#define SWISH_ZERO ((real)BY_TYPE(-290, -2112))
typedef struct {
    sigmoid_argument z;
    vec slope;
} swish_parts;

INLINE swish_parts swish_argument(vec x, vec beta, int full_range)
{
    const real unit = BY_TYPE(0x1p64, 0x1p600), most = BY_TYPE(0x1p90, 0x1p700);
    mask steep = less(splat(1), absolute(beta));
    vec slope = beta * choose(steep, splat(1 / unit), splat(unit)), size = absolute(slope);
    vec end = minimum(splat(SWISH_END) / size, splat(most)), tiny = minimum(splat(EXP_ONE) / size, splat(most));
    vec t = muladd(x, choose(steep, splat(unit), splat(1 / unit)), tiny);
    t = full_range ? maximum(-end, minimum(end, t)) : t;
    vec w = slope * splat(LOG2_E);
    vec w_lo = muladd(slope, splat(LOG2_E_LO), product_error(slope, splat(LOG2_E), w));
    vec zero = choose(less(absolute(x), splat(256)), splat(SIGMOID_ZERO), splat(SWISH_ZERO));
    return (swish_parts){{t, w, w_lo, splat(EXP_ONE) / absolute(beta), zero}, slope};
}
INLINE vec swish_forward(vec x, const vec *p, int full_range)
{
    return sigmoid_product(x, swish_argument(x, p[0], full_range).z, full_range);
}
INLINE vec swish_derivative(vec x, const vec *p, int full_range)
{
    swish_parts e = swish_argument(x, p[0], full_range);
    vec a = e.z.x * e.slope, a_lo = product_error(e.z.x, e.slope, a);
    return sigmoid_product_slope(e.z, a, &a_lo, full_range);
}

/* gelu_tanh(x) = x/2 * (1 + tanh(u)) = x * s(2u), 2u = x*(c0 + c1*x^2) (Hendrycks & Gimpel 2016)
 * Method: as silu, with c0 + c1*x^2 as a pair; the derivative's a is x*(c0 + 3*c1*x^2).
 * Error: bound 1.5 ulp, f' 1.5, in both types (measured 0.79 and 0.65; 1.24 and 1.14).
 * Fast path: |x| <= GELU_TANH_SMALL.
 * Special values: as silu. */
#define GELU_TANH_SMALL ((real)BY_TYPE(8.5, 20)) /* within |z| = SIGMOID_SMALL */
#define GELU_TANH_END BY_TYPE(12, 22)            /* beyond SIGMOID_END */
/* clang-format off */
#define SPLAT_PAIR(name) (pair){splat(name), splat(name##_LO)}
/* clang-format on */

INLINE sigmoid_argument gelu_tanh_argument(vec x, vec square, vec square_lo)
{
    pair w = line_pair(SPLAT_PAIR(GELU_TANH_LINEAR_BITS), SPLAT_PAIR(GELU_TANH_CUBIC_BITS), square, square_lo);
    return (sigmoid_argument){x, w.hi, w.lo, splat(EXP_ONE), splat(SIGMOID_ZERO)};
}
INLINE vec gelu_tanh_product(vec x, vec t, int full_range)
{
    vec square = t * t;
    return sigmoid_product(x, gelu_tanh_argument(t, square, product_error(t, t, square)), full_range);
}
INLINE vec gelu_tanh_forward(vec x, const vec *p, int full_range)
{
    (void)p;
    return gelu_tanh_product(x, clamp_in_full_range(x, GELU_TANH_END, full_range), full_range);
}
INLINE vec gelu_tanh_derivative(vec x, const vec *p, int full_range)
{
    (void)p;
    vec t = clamp_in_full_range(not_subnormal(x), GELU_TANH_END, full_range);
    vec square = t * t, square_lo = product_error(t, t, square);
    pair slope = line_pair(SPLAT_PAIR(GELU_TANH_LINEAR), SPLAT_PAIR(GELU_TANH_CUBIC), square, square_lo);
    vec a = t * slope.hi, a_lo = muladd(t, slope.lo, product_error(t, slope.hi, a));
    return sigmoid_product_slope(gelu_tanh_argument(t, square, square_lo), a, &a_lo, full_range);
}

#define LOGISTIC_ACTIVATIONS(A, A_X) \
    A(sigmoid, SMOOTH, EXP_SMALL, EXP_SMALL, .30f, .33f, .34f, .09f) \
    A(tanh, SMOOTH, NO_BOUND, EXP_SMALL / 2, .20f, .35f, .36f, .09f) \
    A_X(tanh_shrink, CROWDED, NO_BOUND, NO_BOUND, .30f, .22f, .23f) \
    A_X(silu, SMOOTH, SIGMOID_SMALL, SIGMOID_SMALL, .20f, .23f, .24f) \
    A_X(swish, SMOOTH, STEEP(SIGMOID_SMALL), STEEP(SIGMOID_SMALL), .33f, .37f, .38f) \
    A_X(quick_gelu, SMOOTH, SIGMOID_SMALL / QUICK_GELU, SIGMOID_SMALL / QUICK_GELU, .20f, .24f, .25f) \
    A_X(gelu_tanh, SMOOTH, GELU_TANH_SMALL, GELU_TANH_SMALL, .25f, .31f, .33f)

#endif
