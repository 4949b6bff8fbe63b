/* softmax, log_softmax and logsumexp of rows in memory; softmin is the softmax of -x. */
#ifndef FASTACT_SOFTMAX_H
#define FASTACT_SOFTMAX_H

#include "mask.h"

/* e^(d.hi + d.lo) for d <= 0.  The fast path gives 0 below -EXP_SMALL, which is right for -inf and its like; the
 * full-range path is right in between too. */
INLINE vec exp_below(pair d, int full_range)
{
    real least = full_range ? -EXP_ZERO : -EXP_SMALL;
    mask vanishes = less(d.hi, splat(least));
    exp_parts e = exponential(clamped(d.hi, least, -EXP_ONE), zero_where(vanishes, d.lo));
    return times_power2(zero_where(vanishes, e.head + e.rest), e.k, full_range);
}
/* v - shift as a pair, scaled if masked, for v <= shift: its rounding error alone would cost 66 ulp. */
INLINE pair exponent_of(rows_task t, const masking *s, vec v, vec shift)
{
    vec difference = v - shift, back = difference - v;
    vec lo = (v - (difference - back)) - (shift + back);
    if (!t.masked)
        return (pair){difference, lo};
    vec product = s->steep * difference;
    return (pair){product, muladd(s->steep, lo, product_error(s->steep, difference, product))};
}
/* Replaces v by the exponentials.  For a logarithm those of the maximum, which are 1, are replaced by 0 and counted in
 * is_max. */
INLINE void exponentials(rows_task t, const masking *s, vec *v, int count, vec shift, vec *is_max)
{
    pair d[2 * VECTORS];
    for (int i = 0; i < count; i++) {
        if (t.logarithm && (t.single || t.masked))
            v[i] = minimum(shift, v[i]); /* an infinity counts as the maximum of logsumexp */
        d[i] = exponent_of(t, s, v[i], shift);
    }
    mask subnormal = within(d[0].hi, splat(-EXP_ZERO), splat(-EXP_SMALL));
    for (int i = 1; i < count; i++)
        subnormal = either(subnormal, within(d[i].hi, splat(-EXP_ZERO), splat(-EXP_SMALL)));
    if (any(subnormal))
        for (int i = 0; i < count; i++)
            v[i] = exp_below(d[i], 1);
    else
        for (int i = 0; i < count; i++)
            v[i] = exp_below(d[i], 0);
    if (t.logarithm)
        for (int i = 0; i < count; i++) {
            mask ties = equal(d[i].hi, splat(0));
            v[i] = zero_where(ties, v[i]);
            is_max[i] = choose(ties, splat(1), splat(0));
        }
}

/* e^(v - row_max) in the place of v. */
INLINE void exp_less_max(vec *v, int count, vec row_max) { exponentials(TASK(SOFTMAX), NULL, v, count, row_max, NULL); }

INLINE vec probability(rows_task t, const masking *s, vec e, pair inverse, vec weight)
{
    vec y = muladd(e, inverse.hi, e * inverse.lo);
    if (t.single)
        y *= weight;
    if (t.single && t.masked)
        y *= s->scale;
    return y;
}
/* The logarithm of the whole sum, from the sum without the maxima and their number. */
INLINE vec log_of_sum(pair sum_without_max, pair max_count)
{
    pair ties = minus_one(max_count);
    ties.hi = maximum(splat(0), ties.hi);
    pair log = log1p_pair(normalize(add_pairs(ties, sum_without_max)));
    return log.hi + log.lo;
}
/* The logarithm of the sum of a row's exponentials. */
INLINE vec log_of_row(rows_task t, const masking *s, vec row_max, vec log_sum)
{
    if (t.masked)
        return muladd(s->steep, row_max, log_sum);
    return row_max + log_sum;
}
INLINE vec log_probability(rows_task t, const masking *s, vec x, vec shift, vec log_sum)
{
    vec difference = scaled(t, s, x) - shift;
    if (t.masked)
        return muladd(s->steep, difference, -log_sum);
    return difference - log_sum;
}
/* The maximum of a row, in every lane. */
INLINE vec max_of_row(rows_task t, const masking *s, const char *x, const char *where, ptrdiff_t n)
{
    ptrdiff_t left = (n - 1) % ACCUMULATORS + 1, first = n - left, j = 0;
    slice max[4];
    max[0] = max[1] = max[2] = max[3] = load_last_masked(t, s, x, where, first, left, splat(-(real)INFINITY));
    for (; j + 4 * ACCUMULATORS <= first; j += 4 * ACCUMULATORS) /* four chains hide the latency */
        for (int k = 0; k < 4; k++) {
            slice v = load_masked(t, s, x, where, j + k * ACCUMULATORS);
            EACH_VECTOR(i)
                max[k].v[i] = maximum(v.v[i], max[k].v[i]);
        }
    for (; j < first; j += ACCUMULATORS) {
        slice v = load_masked(t, s, x, where, j);
        EACH_VECTOR(i)
            max[0].v[i] = maximum(v.v[i], max[0].v[i]);
    }
    EACH_VECTOR(i)
        max[0].v[i] = maximum(maximum(max[0].v[i], max[1].v[i]), maximum(max[2].v[i], max[3].v[i]));
    return fold_max(max[0]);
}
/* What is subtracted from the elements: the row maximum, or for LOGSUMEXP the nearest finite number. */
INLINE vec shift_of(rows_task t, vec row_max)
{
    if (t.logarithm && t.single) /* an infinite maximum is the result */
        return clamped(row_max, -REAL_MAX, REAL_MAX);
    return row_max;
}
/* softmax(x)_i = e^(x_i - max x) / sum_j e^(x_j - max x), its logarithm, and log sum_j e^x_j
 * Method: shift by the row maximum (Blanchard, Higham & Higham 2021); differences and sums as pairs; the maxima apart
 *     by log1p.
 * Error: bound 3.0 ulp in both types at every length (measured: softmax 2.42 and 2.40, log_softmax 1.95 and 2.14).
 * Fast path: vectors without a subnormal exponential.
 * Special values: a row with +inf, or all -inf, is NaN (logsumexp: inf, -inf); masked elements give 0, of a logarithm
 *     -inf; logsumexp of a row that is masked whole is -inf. */
INLINE void forward_row(rows_task t, const masking *s, const char *x, const char *where, vec weight, char *out,
                        ptrdiff_t n)
{
    ptrdiff_t left = (n - 1) % ACCUMULATORS + 1, first = n - left, whole = first * ITEM;

    vec row_max = max_of_row(t, s, x, where, n), shift = shift_of(t, row_max);

    pair sum[VECTORS], sums[VECTORS], counts[VECTORS];
    vec max_count[VECTORS], is_max[2 * VECTORS];
    EACH_VECTOR(i)
        sum[i] = sums[i] = counts[i] = (pair){splat(0), splat(0)}, max_count[i] = splat(0);
    ptrdiff_t pairs = whole - whole % (2 * STEP);
    for (ptrdiff_t part = 0; part < pairs; part += PART_BYTES) {
        ptrdiff_t end = end_of_part(part, pairs);
        if (part) {
            add_part(sums, sum);
            add_count_part(counts, max_count);
        }
        for (ptrdiff_t at = part; at < end; at += 2 * STEP) { /* chains of two slices overlap */
            if (t.masked)
                __asm__("" : "+r"(at)); /* GCC 12 would keep it in half a vector, in memory */
            slice e[2] = {load_masked(t, s, x, where, at / ITEM),
                          load_masked(t, s, x, where, at / ITEM + ACCUMULATORS)};
            exponentials(t, s, e[0].v, 2 * VECTORS, shift, is_max);
            EACH_VECTOR(i)
                sum[i] = accumulate(accumulate(sum[i], e[0].v[i]), e[1].v[i]);
            if (t.logarithm) {
                EACH_VECTOR(i)
                    max_count[i] += is_max[i] + is_max[VECTORS + i];
                continue;
            }
            store_slice(out + at, e[0]);
            store_slice(out + at + STEP, e[1]);
        }
    }
    if (pairs < whole) {
        slice e = load_masked(t, s, x, where, pairs / ITEM);
        exponentials(t, s, e.v, VECTORS, shift, is_max);
        EACH_VECTOR(i)
            sum[i] = accumulate(sum[i], e.v[i]);
        if (t.logarithm) {
            EACH_VECTOR(i)
                max_count[i] += is_max[i];
        } else
            store_slice(out + pairs, e);
    }
    slice last = load_last_masked(t, s, x, where, first, left,
                                  shift); /* lanes past the end give e^0: e^-inf would be slow */
    exponentials(t, s, last.v, VECTORS, shift, is_max);
    slice kept = keep_last(last, left);
    EACH_VECTOR(i)
        sum[i] = accumulate(sum[i], kept.v[i]);

    if (t.logarithm) {
        EACH_VECTOR(i)
            max_count[i] += keep_first(is_max[i], lanes(left - i * WIDTH));
        vec log_sum = log_of_sum(fold_parts(sums, sum, pairs), fold_counts_of_parts(counts, max_count, pairs));
        if (t.single) {
            store_part(out, log_of_row(t, s, row_max, log_sum), 1);
            return;
        }
        EACH_SLICE(at, whole) {
            slice v = load_slice(x + at);
            EACH_VECTOR(i)
                v.v[i] = log_probability(t, s, v.v[i], shift, log_sum);
            store_slice(out + at, replace_masked(t, s, where, at / ITEM, ACCUMULATORS, v, -(real)INFINITY));
        }
        last = load_last(x + whole, left, splat(0));
        EACH_VECTOR(i)
            last.v[i] = log_probability(t, s, last.v[i], shift, log_sum);
        store_last(out + whole, replace_masked(t, s, where, first, left, last, -(real)INFINITY), left);
        return;
    }
    pair inverse = invert(fold_parts(sums, sum, pairs));
    EACH_SLICE(at, whole) {
        slice e = load_slice(out + at);
        EACH_VECTOR(i)
            e.v[i] = probability(t, s, e.v[i], inverse, weight);
        store_slice(out + at, replace_masked(t, s, where, at / ITEM, ACCUMULATORS, e, 0));
    }
    EACH_VECTOR(i)
        last.v[i] = probability(t, s, last.v[i], inverse, weight);
    store_last(out + whole, replace_masked(t, s, where, first, left, last, 0), left);
}

#endif
