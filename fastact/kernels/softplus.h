/* Activations made of log(1 + e^x): softplus and what is made of it.
 *
 * All by t = e^-a, a = |z|, which never overflows: log(1 + e^z) is log(1 + t) for z < 0 and z + log(1 + t) for the others.
 * From a = FADED on t is negligible beside 1: where z > 0 it stays at that, and where z < 0 the result is t times something. */

#define FADED ((real)BY_TYPE(34, 138))
#define FADED_BITS ((real)BY_TYPE(50, 200))

/* t as a pair, held from below where it has faded; t itself is (s + s_lo) * 2^floor(k). */
typedef struct { pair t; vec s, s_lo, k; } decay;

INLINE decay decaying(vec a, vec a_lo)
{
    exp_parts e = exponential(-a, -a_lo);
    vec s = e.head + e.rest, s_lo = (e.head - s) + e.rest;
    vec unit = power2(maximum(splat(EIGHTHS - FADED_BITS), e.k));
    return (decay){{s * unit, s_lo * unit}, s, s_lo, e.k};
}
/* v * 2^floor(k) where t has faded, `near` elsewhere; `zero` from a = end on, as what underflows is slow. */
INLINE vec faded_or(vec near, vec v, vec zero, vec a, vec end, decay t)
{
    vec scaled = scale(choose(less_equal(end, a), zero, v), t.k);
    return choose(less(t.k, splat(EIGHTHS - FADED_BITS)), scaled, near);
}

/* beta * magnitude as a pair, held to [2^-30, end]: what is below makes no difference, and subnormals are slow. */
typedef struct { vec beta, inverse, inverse_lo; } steepness;

INLINE steepness steepness_of(vec beta)
{
    vec inverse = splat(1) / beta;
    return (steepness){beta, inverse, residual(splat(1), inverse, beta) * inverse};
}
INLINE pair scaled_within(vec magnitude, steepness b, vec end)
{
    vec m = maximum(splat(EXP_ONE) * b.inverse, magnitude), z = b.beta * m;
    return (pair){minimum(end, z), zero_where(less_equal(end, z), product_error(b.beta, m, z))};
}
/* e^-SOFTPLUS_END / beta is 0 for every beta from 2^-100 on. */
#define SOFTPLUS_END ((real)BY_TYPE(174, 816))
INLINE vec softplus_end(vec x) { return choose(less(x, splat(0)), splat(SOFTPLUS_END), splat(FADED)); }

/* softplus(x) = log(1 + e^(beta*x)) / beta */
INLINE vec softplus(vec x, steepness b)
{
    vec end = softplus_end(x);
    pair a = scaled_within(absolute(x), b, end);
    decay t = decaying(a.hi, a.lo);
    pair l = log1p_pair(t.t);
    vec q = l.hi * b.inverse;
    vec q_lo = muladd(l.lo, b.inverse, muladd(l.hi, b.inverse_lo, product_error(l.hi, b.inverse, q)));
    vec line = maximum(splat(0), x), large = maximum(q, line), sum = line + q;
    vec error = minimum(q, line) - (sum - large);
    vec near = sum + zero_where(equal(sum, splat((real)INFINITY)), error + q_lo);
    vec far = muladd(t.s, b.inverse, muladd(t.s, b.inverse_lo, t.s_lo * b.inverse));
    return faded_or(near, far, splat(0), a.hi, end, t);
}
/* 1 / (1 + e^-(beta*x)) */
INLINE vec softplus_slope(vec x, steepness b)
{
    vec end = choose(less(x, splat(0)), splat(EXP_ZERO), splat(FADED));
    pair a = scaled_within(absolute(x), b, end);
    decay t = decaying(a.hi, a.lo);
    vec d = splat(1) + t.t.hi, d_lo = ((splat(1) - d) + t.t.hi) + t.t.lo;
    mask negative = less(x, splat(0));
    vec near = divide_pairs(choose(negative, t.t.hi, splat(1)), choose(negative, t.t.lo, splat(0)), d, d_lo);
    return faded_or(near, t.s, splat(0), a.hi, end, t);
}
/* 1 - e^-(beta*y) for y >= 0: nothing cancels, as e^-a's head is 1 for small a. */
INLINE vec softplus_slope_y(vec y, steepness b)
{
    pair a = scaled_within(y, b, splat(FADED));
    exp_parts e = exponential(-a.hi, -a.lo);
    vec unit = power2(e.k), head = e.head * unit, difference = splat(1) - head;
    vec near = difference + submul((splat(1) - difference) - head, e.rest, unit);
    return choose(less(y, splat(EXP_ONE) * b.inverse), b.beta * y, near);
}

INLINE vec softplus_forward(vec x, const vec *p, int careful)
{
    (void)careful;
    return softplus(x, steepness_of(p[0]));
}
INLINE vec softplus_derivative(vec x, const vec *p, int careful)
{
    (void)careful;
    return softplus_slope(x, steepness_of(p[0]));
}
INLINE vec softplus_derivative_y(vec y, const vec *p, int careful)
{
    (void)careful;
    return softplus_slope_y(y, steepness_of(p[0]));
}

/* log_sigmoid(x) = log(1 / (1 + e^-x)) = -softplus(-x) */
#define UNIT_STEEPNESS (steepness){splat(1), splat(1), splat(0)}

INLINE vec log_sigmoid_forward(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    return -softplus(-x, UNIT_STEEPNESS);
}
INLINE vec log_sigmoid_derivative(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    return softplus_slope(-x, UNIT_STEEPNESS);
}
INLINE vec log_sigmoid_derivative_y(vec y, const vec *p, int careful)
{
    (void)p, (void)careful;
    return softplus_slope_y(-y, UNIT_STEEPNESS);
}

/* mish(x) = x * tanh(softplus(x)) = x * n / d:  n = 1 + 2t, d = n + 2t^2, and for x < 0  n = 2t + t^2, d = n + 2. */
typedef struct { vec x, a; decay t; mask negative; pair n, d; } mish_parts;
#define MISH_END ((real)BY_TYPE(112, 756))

INLINE mish_parts mish(vec x, int careful)
{
    mask negative = less(x, splat(0));
    vec end = choose(negative, splat(MISH_END), splat(FADED)), a = maximum(splat(EXP_ONE), absolute(x));
    if (careful)
        a = minimum(end, a);
    decay t = decaying(a, splat(0));
    vec u = t.t.hi + t.t.hi, u_lo = t.t.lo + t.t.lo;
    vec w = t.t.hi * t.t.hi, w_lo = muladd(u, t.t.lo, product_error(t.t.hi, t.t.hi, w));
    vec first = choose(negative, u, splat(1)), second = choose(negative, w, u);
    vec n = first + second, n_lo = ((first - n) + second) + (u_lo + choose(negative, w_lo, splat(0)));
    vec third = choose(negative, splat(2), w + w), large = maximum(n, third), d = n + third;
    vec d_lo = (minimum(n, third) - (d - large)) + (n_lo + choose(negative, splat(0), w_lo + w_lo));
    return (mish_parts){x, a, t, negative, {n, n_lo}, {d, d_lo}};
}
INLINE vec mish_forward(vec x, const vec *p, int careful)
{
    (void)p;
    mish_parts m = mish(x, careful);
    quotient s = quotient_of_pairs(m.n.hi, m.n.lo, m.d.hi, m.d.lo);
    vec lo = s.error * s.reciprocal;
    mask tiny = less(absolute(x), splat(BY_TYPE(0x1p-100f, 0x1p-960)));     /* where x * lo is subnormal */
    vec hi = choose(tiny, s.q + lo, s.q);
    lo = zero_where(tiny, lo);
    if (!careful)
        return muladd(x, hi, x * lo);
    vec near = muladd(x, hi, minimum(splat(REAL_MAX), x) * lo);
    vec far = muladd(-m.a, m.t.s, -m.a * m.t.s_lo);
    return faded_or(near, far, splat((real)-0.0), m.a, splat(MISH_END), m.t);
}
/* mish'(x) = n/d + 4x e (1 + t) / d^2 with e = t^2, and t for x < 0.  Where these two cancel, it is
 *   t * (4(1 + x) + t * (6 + 4(t + x) + t^2)) / d^2, whose sums of what is nearly opposite are exact near the root. */
INLINE vec mish_derivative(vec x, const vec *p, int careful)
{
    (void)p;
    mish_parts m = mish(x, careful);
    mask cancels = less(x, splat((real)-0.25));
    vec t = m.t.t.hi, held = choose(m.negative, -m.a, m.a), reciprocal = splat(1) / m.d.hi;
    vec line = splat(1) + held, line_lo = held - (line - splat(1)), line4 = line * splat(4);
    vec bend = muladd(t + held, splat(4), t * t), inner = splat(6) + bend, inner_lo = bend - (inner - splat(6));
    vec falling = muladd(t, inner, line4), by_t = muladd(t, muladd(t, splat(2), splat(4)), inner);
    vec falling_lo = muladd(t, inner, line4 - falling) + muladd(t, inner_lo, muladd(m.t.t.lo, by_t, line_lo * splat(4)));
    vec square = m.d.hi * m.d.hi;
    vec square_lo = muladd(m.d.hi + m.d.hi, m.d.lo, product_error(m.d.hi, m.d.hi, square));
    pair n = {choose(cancels, falling, m.n.hi), choose(cancels, falling_lo, m.n.lo)};
    pair d = {choose(cancels, square, m.d.hi), choose(cancels, square_lo, m.d.lo)};
    vec reciprocal2 = reciprocal * reciprocal;
    quotient s = quotient_by(n.hi, n.lo, d.hi, d.lo, choose(cancels, reciprocal2, reciprocal));
    vec lo = s.error * s.reciprocal;
    vec slope = (held * reciprocal2) * (t * choose(m.negative, splat(4), t * splat(4))) * (splat(1) + t);
    vec v = muladd(s.q, m.t.s, muladd(s.q, m.t.s_lo, lo * m.t.s));
    vec near = choose(cancels, v * power2(maximum(splat(EIGHTHS - FADED_BITS), m.t.k)), s.q + (lo + slope));
    return careful ? faded_or(near, v, splat((real)-0.0), m.a, splat(MISH_END), m.t) : near;
}

#define SOFTPLUS_ACTIVATIONS(A, A_X) \
    A(softplus, SMOOTH, NEVER, NEVER, .5f, .4f, .4f, .3f) \
    A(log_sigmoid, SMOOTH, NEVER, NEVER, .5f, .4f, .4f, .3f) \
    A_X(mish, SMOOTH, FADED, FADED, .5f, .6f, .6f)
