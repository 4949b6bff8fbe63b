/* The elementary functions that activations are built from, as pairs of numbers where one is not exact enough.
 * Above each stands its contract.  No activation by name here, no memory. */

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* hi + lo, lo not above half a unit of hi or little more. */
typedef struct { vec hi, lo; } pair;

/* c0 + c1*(v + v_lo) as a pair, where c0.hi is so short that c0.hi + c1.hi*v - c0.hi is exact. */
INLINE pair line_pair(pair c0, pair c1, vec v, vec v_lo)
{
    vec hi = muladd(c1.hi, v, c0.hi);
    vec lo = residual(c0.hi - hi, -c1.hi, v);
    return (pair){hi, lo + muladd(c1.hi, v_lo, muladd(c1.lo, v, c0.lo))};
}

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

/* a + b - sum, exactly, where sum = a + b rounded (Knuth). */
INLINE vec sum_error(vec a, vec b, vec sum)
{
    vec b_part = sum - a;
    return (a - (sum - b_part)) + (b - b_part);
}

/* x, or the limit that it is beyond; a NaN stays one. */
INLINE vec clamped(vec x, real low, real high) { return maximum(splat(low), minimum(splat(high), x)); }

/* v * 2^floor(k - EIGHTHS); the power and the product are normal, or the code is careful. */
INLINE vec times_power2(vec v, vec k, int careful)
{
    if (careful)
        return scale(v, k);
    return v * power2(k);
}

/* mantissa * 2^floor(k - EIGHTHS): k as power2 and scale take it. */
typedef struct { vec mantissa, k; } binary;

/* Any finite v, exactly; the power and its inverse are normal numbers.  So |mantissa| is in [1, 2), but of the largest
 * numbers in [2, 4), of subnormals and 0 in [0, 1). */
INLINE binary as_binary(vec v)
{
    const real most = BY_TYPE(126, 1022);
    vec k = minimum(splat(EIGHTHS + most), exponent(maximum(splat(REAL_MIN), absolute(v))));
    return (binary){v * inverse_power2(k), k};
}
/* a * (hi + lo), 0.51 ulp: lo is multiplied by the mantissa alone, as a times lo might underflow. */
INLINE vec times_pair(binary a, pair v, int careful)
{
    return times_power2(residual(a.mantissa * v.lo, -a.mantissa, v.hi), a.k, careful);
}

/* c1 + h*(c2 + h*(...)) of a piece, from a table whose rows are the centres, then c0, c1, ... */
INLINE vec piece_slope(const real (*pieces)[8], int rows, vec piece, vec h)
{
    vec slope = lookup(table(pieces[rows - 1]), piece);
    for (int i = rows - 2; i > 1; i--)
        slope = muladd(slope, h, lookup(table(pieces[i]), piece));
    return slope;
}

/* Below it e^a is 1 to the last bit, and subnormals would be multiplied: slow. */
#define EXP_ONE ((real)BY_TYPE(0x1p-30, 0x1p-60))

/* e^x = (head + rest) * 2^floor(k - EIGHTHS), rest = head*r + low with r exact. */
typedef struct { vec head, rest, k, r, low; } exp_parts;

/* e^(x + x_lo) for |x| < 350 (float32), 2800 (float64), and x_lo at most two units of x.
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
    vec line_lo = muladd(head, r_lo, lookup(table(exp2_eighths_lo), k)), line = muladd(head, r_hi, line_lo);
    vec curve = polynomial(r, r2, expm1_rest, COUNT(expm1_rest));
    return (exp_parts){head, muladd(head * r2, curve, line), k, r_hi, muladd(head * r2, curve, line_lo)};
}

/* 2^(k - EIGHTHS + r), k as power2 takes it and |r| <= 1/16; accurate as the exponential. */
INLINE exp_parts exp2_parts(vec k, vec r)
{
    vec r2 = r * r, head = lookup(table(exp2_eighths_hi), k);
    vec growth = polynomial(r, r2, exp2m1, 4);
    if (COUNT(exp2m1) > 4)                      /* in halves: less latency */
        growth = muladd(polynomial(r, r2, exp2m1 + 4, COUNT(exp2m1) - 4), r2 * r2, growth);
    return (exp_parts){.head = head, .rest = muladd(head, r * growth, lookup(table(exp2_eighths_lo), k)), .k = k};
}

/* 2^(x * (w + w_lo)) for exponents below 2^12 and w_lo at most 2^-16 w (2^-40 in float64); slow where x*w is subnormal.
 * One fused product takes the nearest eighth off, whatever w is: shorter than the exponential.  EXP_ONE keeps powers of r
 * from being subnormal. */
INLINE exp_parts exp2_product(vec x, vec w, vec w_lo)
{
    vec k = muladd(x, w, splat(EIGHTHS)), nearest = k - splat(EIGHTHS);
    return exp2_parts(k, product_error(x, w, nearest) + muladd(x, w_lo, splat(EXP_ONE)));
}

/* Beyond EXP_SMALL e^-a needs care: its low word, then itself, are subnormal.  From EXP_ZERO on even 4e^-a is 0. */
#define EXP_SMALL ((real)BY_TYPE(83, 690))
#define EXP_ZERO ((real)BY_TYPE(106, 748))

/* In careful code: 0 where 2^bits * e^x is 0, and k not below what scale takes.  What underflows is slow, a zero is not. */
INLINE exp_parts or_zero(exp_parts e, int bits, int careful)
{
    const int least = BY_TYPE(-150, -1075) - bits;          /* 2^-150 is half the smallest subnormal */
    if (!careful)
        return e;
    mask vanished = less(e.k, splat(EIGHTHS + (real)least));
    return (exp_parts){.head = zero_where(vanished, e.head), .rest = zero_where(vanished, e.rest),
                       .k = maximum(splat(EIGHTHS + (real)(least - 1)), e.k)};
}

/* 1 - e^(x + x_lo) for -EXPM1_END <= x <= -EXP_ONE, error 0.05 ulp; at -EXPM1_END hi is 1.
 * Near 0 head is 1 and hi is -x, so that nothing is lost.  Further off, d and h*r are up to twice as large as their
 * difference: what is rounded off both goes into lo. */
#define EXPM1_END ((real)BY_TYPE(20, 40))
INLINE pair minus_expm1(vec x, vec x_lo)
{
    exp_parts e = exponential(x, x_lo);
    vec p = power2(e.k), h = p * e.head, d = splat(1) - h, hi = residual(d, h, e.r);
    vec error = residual(d - hi, h, e.r) + ((splat(1) - d) - h);
    return (pair){hi, submul(error, p, e.low)};
}

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

/* (n + n_lo) / (d + d_lo) = q + error * reciprocal: the error is computed exactly.  n_lo may be as large as n/16. */
typedef struct { vec q, error, reciprocal; } quotient;

INLINE quotient quotient_by(vec n, vec n_lo, vec d, vec d_lo, vec reciprocal)      /* reciprocal is near 1 / d */
{
    vec q = (n + n_lo) * reciprocal;
    return (quotient){q, residual(n, q, d) + submul(n_lo, q, d_lo), reciprocal};
}
INLINE quotient quotient_of_pairs(vec n, vec n_lo, vec d, vec d_lo)
{
    return quotient_by(n, n_lo, d, d_lo, splat(1) / d);
}
/* The same as one number, 0.51 ulp. */
INLINE vec divide_pairs(vec n, vec n_lo, vec d, vec d_lo)
{
    quotient s = quotient_of_pairs(n, n_lo, d, d_lo);
    return muladd(s.error, s.reciprocal, s.q);
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

/* log(1 + s) as a pair, s >= 0 as a normal pair, error 0.1 ulp of a pair's hi, however small s is: the log of a sum
 * of which 1 is known to be a part.  A NaN stays one. */
INLINE pair log1p_pair(pair s)
{
    vec k = exponent((splat(1) + s.hi) * splat((real)1.5)), unit = inverse_power2(k), octaves = k - splat(EIGHTHS);
    vec scaled = s.hi * unit, less_1 = unit - splat(1);             /* 1 + s = (1 + n) * 2^octaves, n in [-1/3, 1/3) */
    vec n = scaled + less_1, n_lo = muladd(s.lo, unit, sum_error(scaled, less_1, n));
    vec d = splat(2) + n, d_lo = (n - (d - splat(2))) + n_lo;
    quotient q = quotient_of_pairs(n + n, n_lo + n_lo, d, d_lo);    /* log(1 + n) = 2 artanh(n / (2 + n)) */
    vec r = muladd(q.q, splat((real)0.5), splat(EXP_ONE)), v = r * r;       /* EXP_ONE keeps v normal */
    vec curve = v * polynomial(v, v * v, artanh_rest, COUNT(artanh_rest));
    vec rest = muladd(q.q, curve, q.error * q.reciprocal), whole = octaves * splat(LN2_HI), hi = whole + q.q;
    return (pair){hi, (q.q - (hi - whole)) + muladd(octaves, splat(LN2_LO), rest)};
}
