/* The elementary functions that activations are built from, as pairs of numbers where one is not exact enough.
 * Above each stands its contract.  No activation by name here, no memory. */

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* c[0] + r*(c[1] + r*(...)), in pairs of terms: half the latency of Horner's form.  For sums whose own rounding
 * does not matter; where it does, even and odd powers apart cost up to 0.9 ulp. */
INLINE vec polynomial(vec r, vec r2, const real *c, int count)
{
    int i = (count - 1) & ~1;
    vec sum = i + 1 < count ? muladd(splat(c[i + 1]), r, splat(c[i])) : splat(c[i]);
    for (i -= 2; i >= 0; i -= 2)
        sum = muladd(sum, r2, muladd(splat(c[i + 1]), r, splat(c[i])));
    return sum;
}

/* e^x = (head + rest) * 2^floor(k - EIGHTHS): k as power2 and scale take it. */
typedef struct { vec head, rest, k; } exp_parts;

/* e^(x + x_lo) for |x| < 2^10 and x_lo at most half a unit of x.
 * head in [1, 2), |rest| < 0.045 head; error of head + rest: 0.05 ulp; e^0 is exact; a NaN stays one.
 * 2^(j/8) comes from a table, both its words, so that only e^r - 1 with |r| < 0.0434 is computed.  Eight entries,
 * because that is what one permutation picks from on AVX2 too.  The sums are nested so that the longest chain is
 * short: these kernels wait for results more than for instructions. */
INLINE exp_parts exponential(vec x, vec x_lo)
{
    vec k = muladd(x, splat(LOG2_E), splat(EIGHTHS)), nearest = k - splat(EIGHTHS);
    vec r_hi = submul(x, nearest, splat(LN2_HI)), r_lo = submul(x_lo, nearest, splat(LN2_LO));
    vec r = r_hi + r_lo, r2 = r * r;
    vec head = lookup(table(exp2_eighths_hi), k);
    vec line = muladd(head, r_hi, muladd(head, r_lo, lookup(table(exp2_eighths_lo), k)));
    vec rest = muladd(head * r2, polynomial(r, r2, expm1_rest, COUNT(expm1_rest)), line);
    return (exp_parts){head, rest, k};
}

/* From EXP_TAIL down e^x needs care: its low word, then itself, are subnormal.  Below EXP_ZERO even 4e^x is 0. */
#define EXP_TAIL ((real)BY_TYPE(-83, -690))
#define EXP_ZERO ((real)BY_TYPE(-106, -748))

/* x <= 0 kept where the exponential is quick: above, e^x is 1 to the last bit and subnormals would be multiplied. */
INLINE vec quick(vec x, int careful)
{
    const real negligible = BY_TYPE(0x1p-30, 0x1p-60);
    x = minimum(splat(-negligible), x);
    return careful ? maximum(splat(EXP_ZERO), x) : x;
}

/* For a quick x, what logistic functions are made of: e^x; its power of two (where x < EXP_TAIL, just something that
 * vanishes beside 1); and 1 + e^x as a pair. */
typedef struct { exp_parts e; vec power, sum, sum_lo; } logistic_parts;

INLINE logistic_parts one_plus_exp(vec x, int careful)
{
    const real vanishing = BY_TYPE(-120, -1000);
    exp_parts e = exponential(x, splat(0));
    vec power = power2(careful ? maximum(splat(EIGHTHS + vanishing), e.k) : e.k);
    vec sum = muladd(e.head + e.rest, power, splat(1));
    vec sum_lo = muladd(e.rest, power, muladd(e.head, power, splat(1) - sum));
    return (logistic_parts){e, power, sum, sum_lo};
}

/* q times e^x's power of two: `power` from EXP_TAIL up; below, it is scaled by k, down to zero.  Only careful code
 * looks below: a branch here would keep the vectors of a loop from overlapping. */
INLINE vec times_power(vec q, vec x, vec power, vec k, int careful)
{
    if (careful)        /* what underflows is slow, a zero is not */
        return scale(zero_where(less(x, splat(EXP_ZERO)), q), k);
    return q * power;
}

/* (n + n_lo) / (d + d_lo), 0.51 ulp: the quotient's error is computed exactly and taken off.  n_lo may be as large
 * as n/16. */
INLINE vec divide_pairs(vec n, vec n_lo, vec d, vec d_lo)
{
    vec reciprocal = splat(1) / d;
    vec q = (n + n_lo) * reciprocal;
    vec error = residual(n, q, d) + submul(n_lo, q, d_lo);
    return muladd(error, reciprocal, q);
}

/* 2^shift * e^x / (1 + e^x)^2 for x <= 0, shift 0 or 2: the logistic density.  0.6 ulp. */
INLINE vec logistic_density(vec x, int shift, int careful)
{
    logistic_parts l = one_plus_exp(quick(x, careful), careful);
    vec square = l.sum * l.sum;
    vec square_lo = muladd(l.sum + l.sum, l.sum_lo, product_error(l.sum, l.sum, square));
    vec q = divide_pairs(l.e.head, l.e.rest, square, square_lo);
    return times_power(q, x, l.power * splat((real)(1 << shift)), l.e.k + splat((real)shift), careful);
}
