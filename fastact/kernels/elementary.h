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

/* Beyond EXP_SMALL e^-a needs care: its low word, then itself, are subnormal.  From EXP_ZERO on even 4e^-a is 0. */
#define EXP_SMALL ((real)BY_TYPE(83, 690))
#define EXP_ZERO ((real)BY_TYPE(106, 748))
/* Below it e^a is 1 to the last bit, and subnormals would be multiplied: slow. */
#define EXP_ONE ((real)BY_TYPE(0x1p-30, 0x1p-60))

/* e^a = (head + rest) / unit, unit a power of two, and sum + sum_lo = head + rest + unit: what logistic functions are
 * made of, as 1 / (1 + e^a) = unit / sum and tanh(a/2) = (head + rest - unit) / sum. */
typedef struct { exp_parts e; vec unit, sum, sum_lo; } logistic_parts;

/* 0 <= a <= EXP_ZERO; if not careful, a <= EXP_SMALL. */
INLINE logistic_parts one_plus_exp(vec a, int careful)
{
    const real vanishing = BY_TYPE(120, 1000);      /* 2^-120 vanishes in the sum */
    exp_parts e = exponential(a, splat(0));
    vec unit = inverse_power2(careful ? minimum(splat(EIGHTHS + vanishing), e.k) : e.k);
    vec sum = e.head + (unit + e.rest);
    return (logistic_parts){e, unit, sum, ((e.head - sum) + unit) + e.rest};
}
INLINE logistic_parts logistic(vec magnitude, int careful)
{
    vec a = maximum(splat(EXP_ONE), magnitude);
    return one_plus_exp(careful ? minimum(splat(EXP_ZERO), a) : a, careful);
}

/* q / e^a's power of two.  Only careful code is right beyond EXP_SMALL: a branch here would keep the vectors of a loop
 * from overlapping. */
INLINE vec times_unit(vec q, vec a, logistic_parts l, int careful)
{
    if (careful)        /* what underflows is slow, a zero is not */
        return scale_down(zero_where(less_equal(splat(EXP_ZERO), a), q), l.e.k);
    return q * l.unit;
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
INLINE vec reciprocal_pair(vec d, vec d_lo)
{
    vec q = splat(1) / d;
    return muladd(submul(residual(splat(1), q, d), q, d_lo), q, q);
}

/* factor * e^-a / (1 + e^-a)^2 for a >= 0, factor 1 or 4: the logistic density.  0.8 ulp. */
INLINE vec logistic_density(vec a, real factor, int careful)
{
    logistic_parts l = logistic(a, careful);
    vec square = l.sum * l.sum;
    vec square_lo = muladd(l.sum + l.sum, l.sum_lo, product_error(l.sum, l.sum, square));
    return times_unit(divide_pairs(l.e.head, l.e.rest, square, square_lo) * splat(factor), a, l, careful);
}
