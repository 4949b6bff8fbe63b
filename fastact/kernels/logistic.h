/* Activations made of the logistic function: 1 / (1 + e^-x) and what multiplies x by it. */

/* 1 / (1 + e^a), a >= 0 */
INLINE vec sigmoid_below(vec a, int careful)
{
    logistic_parts l = logistic(a, careful);
    return times_unit(reciprocal_pair(l.sum, l.sum_lo), a, l, careful);
}
/* sigmoid(x) = 1 / (1 + e^-x) for x < 0, and 1 minus that of -x for the others: nothing is lost above 1/2 */
INLINE vec sigmoid_forward(vec x, const vec *p, int careful)
{
    (void)p;
    vec s = sigmoid_below(absolute(x), careful);
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

/* tanh(a) as a pair, a >= 0 */
#if REAL_BITS == 32
/* Eight pieces, a polynomial each, c0 + h*(c1 + h*(...)) with h = a - centre.  The first piece is about 0 and gives
 * a + a*(c1 + ...), which keeps the relative error small.  A quotient of exponentials takes twice as long; tables of 16
 * and 32 entries allow lower degrees on AVX-512 but are slow on AVX2. */
INLINE pair tanh_pair(vec magnitude)
{
    vec a = minimum(splat(TANH_END), magnitude);
    vec b = muladd(a, splat(TANH_STEP), splat(TANH_START));
    vec piece = half_octave(b);
    vec h = a - lookup(table(tanh_pieces[0]), piece);
    vec start = choose(less(b, splat(1)), a, lookup(table(tanh_pieces[1]), piece));
    vec slope = piece_slope(tanh_pieces, COUNT(tanh_pieces), piece, h);
    vec hi = residual(start, -slope, h);        /* start + slope*h, rounded once */
    return (pair){hi, residual(start - hi, -slope, h)};
}
INLINE vec tanh_forward(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    return with_sign_of(tanh_pair(absolute(x)).hi, x);
}
#else
/* (e^2a - 1) / (e^2a + 1), both as pairs: near 0 the numerator is the low word of the exponential.  Eight pieces
 * would need degree 18, and AVX2 is slow to look up so many coefficients. */
#define TANH_LINEAR 0x1p-27             /* below: tanh x = x */
INLINE quotient tanh_quotient(vec a)
{
    const real saturated = 20;          /* above: 1 */
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
INLINE vec tanh_forward(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    vec a = absolute(x);
    quotient t = tanh_quotient(a);
    return with_sign_of(choose(less(a, splat(TANH_LINEAR)), a, muladd(t.error, t.reciprocal, t.q)), x);
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

/* tanh_shrink(x) = x - tanh(x), odd */
#define TANH_SHRINK_NEAR ((real)BY_TYPE(.9, .75))
/* a^3 * (1/3 + v*(...)), v = a^2, for 0 <= a <= TANH_SHRINK_NEAR.  Tiny numbers are scaled, or the low words of their
 * powers would be subnormal; numbers whose cube is 0 are 0. */
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
INLINE vec tanh_shrink_forward(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    vec a = absolute(x);
    pair t = tanh_near_and_far(a);
    return with_sign_of((a - t.hi) - t.lo, x);
}
/* tanh(x)^2.  Numbers are 0 whose square is, and low words whose products would be subnormal; float64's quotient alone
 * is not exact enough near 0. */
INLINE vec tanh_shrink_derivative(vec x, const vec *p, int careful)
{
    (void)p, (void)careful;
    const real gone = BY_TYPE(0x1p-75, 0x1p-538), linear = BY_TYPE(0x1p-20, 0x1p-30), one = BY_TYPE(TANH_END, 20);
    vec a = absolute(x), curved = maximum(splat(linear), a);
    pair t = REAL_BITS == 32 ? tanh_pair(curved) : tanh_near_and_far(curved);
    vec hi = choose(less(a, splat(linear)), zero_where(less(a, splat(gone)), a), t.hi);
    vec lo = choose(within(a, splat(linear), splat(one)), t.lo, splat(0));
    return muladd(hi, hi, (hi + hi + lo) * lo);
}

/* Gated units, f(x) = x * s(z) with s(z) = 1 / (1 + e^-z): silu, quick_gelu, swish, gelu_tanh.
 *
 * What z is made of: z / ln 2 = x * (w + w_lo), with x held to where s changes; s is 1/2 for |x| below `least`, and f is 0
 * for z / ln 2 <= `zero`. */
typedef struct { vec x, w, w_lo, least, zero; } gate_input;

/* Up to |z| = GATE_SMALL, or |z / ln 2| = GATE_BITS, nothing underflows; beyond it s is 1, or e^z.  From z / ln 2 = GATE_ZERO
 * on, before z = -GATE_END, z e^z and three times that are 0. */
#define GATE_SMALL BY_TYPE(60, 640)
#define GATE_BITS ((real)BY_TYPE(87, 924))
#define GATE_END BY_TYPE(112, 755)
#define GATE_ZERO ((real)BY_TYPE(-160, -1087))

/* s(z) / 2^k as a quotient, s(-z) = unit * its reciprocal, bits = z / ln 2 to an eighth.  k is 0 but where e^z is close
 * to underflow. */
typedef struct { quotient s; vec unit, k, bits; } gate_parts;

INLINE gate_parts open_gate(gate_input z, int careful)
{
    exp_parts e = exp2_product(z.x, z.w, z.w_lo);
    vec held = careful ? minimum(splat(EIGHTHS + GATE_BITS), maximum(splat(EIGHTHS - GATE_BITS), e.k)) : e.k;
    vec unit = inverse_power2(held);
    vec large = maximum(e.head, unit), small = minimum(e.head, unit), sum = large + (small + e.rest);
    quotient s = quotient_of_pairs(e.head, e.rest, sum, ((large - sum) + small) + e.rest);
    return (gate_parts){s, unit, e.k - held + splat(EIGHTHS), e.k - splat(EIGHTHS)};
}
/* q, or `one` where s is 1. */
INLINE vec close_gate(vec q, vec one, vec zero, gate_parts g, int careful)
{
    if (!careful)
        return q;
    q = choose(less_equal(g.bits, zero), with_sign_of(splat(0), q), q);     /* what underflows is slow, a zero is not */
    return choose(less(splat(GATE_BITS), g.bits), one, scale(q, g.k));
}

/* x * s(z): 0.6 ulp */
INLINE vec gate(vec x, gate_input z, int careful)
{
    gate_parts g = open_gate(z, careful);
    vec finite = careful ? clamped(x, -REAL_MAX, REAL_MAX) : x;
    vec step = zero_where(less(absolute(x), z.least), finite * g.s.reciprocal);     /* or step * error is subnormal */
    vec q = muladd(x, g.s.q, step * g.s.error);         /* 0 has the second term's sign where this is not fused */
    return close_gate(with_sign_of(q, x), x, z.zero, g, careful);        /* q has the sign of x unless it is 0 */
}

/* Its derivative s + a*s(z)*s(-z), a = x dz/dx, as s * middle.  For z < 0, where terms cancel, middle is (1 + a) - a*s
 * with 1 + a exact where it matters; elsewhere 1 + a*s(-z).  a_lo is NULL where a is exact.  1.4 ulp; 2.0
 * without middle_lo, which takes 7% of the time. */
INLINE vec gate_slope(gate_input z, vec a, const vec *a_lo, int careful)
{
    gate_parts g = open_gate(z, careful);
    vec smaller = minimum(g.unit * g.s.reciprocal, g.s.q);
    vec base = splat(1) + minimum(splat(0), a);
    vec middle = residual(base, -absolute(a), smaller), middle_lo = residual(base - middle, -absolute(a), smaller);
    if (a_lo)
        middle_lo = muladd(*a_lo, splat(1) - g.s.q, middle_lo);
    vec low = muladd(g.s.q, middle_lo, g.s.reciprocal * middle * g.s.error);
    vec q = residual(low, -g.s.q, middle);
    return close_gate(q, splat(1), splat(GATE_ZERO), g, careful);
}

/* x as far as the gate changes */
INLINE vec within_gate(vec x, real end, int careful)
{
    return careful ? clamped(x, -end, end) : x;
}
/* Derivatives are not subnormal where x is: it must not be multiplied.  They do not change by so little. */
INLINE vec not_subnormal(vec x) { return x + splat(EXP_ONE); }

/* silu(x) = x * s(x) */
INLINE gate_input silu_exponent(vec x, int careful)
{
    return (gate_input){within_gate(x, GATE_END, careful), splat(LOG2_E), splat(LOG2_E_LO),
                      splat(EXP_ONE), splat(GATE_ZERO)};
}
INLINE vec silu_forward(vec x, const vec *p, int careful)
{
    (void)p;
    return gate(x, silu_exponent(x, careful), careful);
}
INLINE vec silu_derivative(vec x, const vec *p, int careful)
{
    (void)p;
    gate_input z = silu_exponent(not_subnormal(x), careful);
    return gate_slope(z, z.x, NULL, careful);
}

/* quick_gelu(x) = x * s(1.702x) */
INLINE gate_input quick_gelu_exponent(vec x, int careful)
{
    return (gate_input){within_gate(x, GATE_END / QUICK_GELU, careful), splat(QUICK_GELU_BITS), splat(QUICK_GELU_BITS_LO),
                      splat(EXP_ONE), splat(GATE_ZERO)};
}
INLINE vec quick_gelu_forward(vec x, const vec *p, int careful)
{
    (void)p;
    return gate(x, quick_gelu_exponent(x, careful), careful);
}
INLINE vec quick_gelu_derivative(vec x, const vec *p, int careful)
{
    (void)p;
    gate_input z = quick_gelu_exponent(not_subnormal(x), careful);
    vec a = z.x * splat(QUICK_GELU);
    vec a_lo = muladd(z.x, splat(QUICK_GELU_LO), product_error(z.x, splat(QUICK_GELU), a));
    return gate_slope(z, a, &a_lo, careful);
}

/* swish(x) = x * s(beta*x), beta any number: z is made of x * unit and beta / unit, which neither vanish nor overflow.
 * Where a vector needs careful code depends on beta, so it is always careful. */
#define SWISH_END BY_TYPE(202, 1466)        /* where also REAL_MAX * e^z is 0 */
#define SWISH_ZERO ((real)BY_TYPE(-290, -2112))
typedef struct { gate_input z; vec slope; } swish_parts;

INLINE swish_parts swish_exponent(vec x, vec beta)
{
    const real unit = BY_TYPE(0x1p64, 0x1p600), most = BY_TYPE(0x1p90, 0x1p700);
    mask steep = less(splat(1), absolute(beta));
    vec slope = beta * choose(steep, splat(1 / unit), splat(unit)), size = absolute(slope);
    vec end = minimum(splat(SWISH_END) / size, splat(most)), tiny = minimum(splat(EXP_ONE) / size, splat(most));
    vec t = maximum(-end, minimum(end, muladd(x, choose(steep, splat(unit), splat(1 / unit)), tiny)));
    vec w = slope * splat(LOG2_E);
    vec w_lo = muladd(slope, splat(LOG2_E_LO), product_error(slope, splat(LOG2_E), w));
    vec zero = choose(less(absolute(x), splat(256)), splat(GATE_ZERO), splat(SWISH_ZERO));
    return (swish_parts){{t, w, w_lo, splat(EXP_ONE) / absolute(beta), zero}, slope};
}
INLINE vec swish_forward(vec x, const vec *p, int careful)
{
    (void)careful;
    return gate(x, swish_exponent(x, p[0]).z, 1);
}
INLINE vec swish_derivative(vec x, const vec *p, int careful)
{
    (void)careful;
    swish_parts e = swish_exponent(x, p[0]);
    vec a = e.z.x * e.slope, a_lo = product_error(e.z.x, e.slope, a);
    return gate_slope(e.z, a, &a_lo, 1);
}

/* gelu_tanh(x) = x/2 * (1 + tanh(u)) = x * s(2u) with 2u = x*(c0 + c1*x^2); then a = x*(c0 + 3*c1*x^2). */
#define GELU_TANH_SMALL ((real)BY_TYPE(8.5, 20))        /* within |z| = GATE_SMALL */
#define GELU_TANH_END BY_TYPE(12, 22)                   /* beyond GATE_END */
#define SPLAT_PAIR(name) (pair){splat(name), splat(name##_LO)}

INLINE gate_input gelu_tanh_exponent(vec x, vec square, vec square_lo)
{
    pair w = line_pair(SPLAT_PAIR(GELU_TANH_LINEAR_BITS), SPLAT_PAIR(GELU_TANH_CUBIC_BITS), square, square_lo);
    return (gate_input){x, w.hi, w.lo, splat(EXP_ONE), splat(GATE_ZERO)};
}
INLINE vec gelu_tanh_product(vec x, vec t, int careful)
{
    vec square = t * t;
    return gate(x, gelu_tanh_exponent(t, square, product_error(t, t, square)), careful);
}
INLINE vec gelu_tanh_forward(vec x, const vec *p, int careful)
{
    (void)p;
    return gelu_tanh_product(x, within_gate(x, GELU_TANH_END, careful), careful);
}
INLINE vec gelu_tanh_derivative(vec x, const vec *p, int careful)
{
    (void)p;
    vec t = within_gate(not_subnormal(x), GELU_TANH_END, careful);
    vec square = t * t, square_lo = product_error(t, t, square);
    pair slope = line_pair(SPLAT_PAIR(GELU_TANH_LINEAR), SPLAT_PAIR(GELU_TANH_CUBIC), square, square_lo);
    vec a = t * slope.hi, a_lo = muladd(t, slope.lo, product_error(t, slope.hi, a));
    return gate_slope(gelu_tanh_exponent(t, square, square_lo), a, &a_lo, careful);
}

#define LOGISTIC_ACTIVATIONS(A, A_X) \
    A(sigmoid, SMOOTH, EXP_SMALL, EXP_SMALL, .30f, .33f, .34f, .09f) \
    A(tanh, SMOOTH, NEVER, EXP_SMALL / 2, .20f, .35f, .36f, .09f) \
    A_X(tanh_shrink, SMOOTH, NEVER, NEVER, .30f, .22f, .23f) \
    A_X(silu, SMOOTH, GATE_SMALL, GATE_SMALL, .20f, .23f, .24f) \
    A_X(swish, SMOOTH, NEVER, NEVER, .33f, .37f, .38f) \
    A_X(quick_gelu, SMOOTH, GATE_SMALL / QUICK_GELU, GATE_SMALL / QUICK_GELU, .20f, .24f, .25f) \
    A_X(gelu_tanh, SMOOTH, GELU_TANH_SMALL, GELU_TANH_SMALL, .25f, .31f, .33f)
