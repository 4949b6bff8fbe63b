/* sparsemax of rows in memory. */
#ifndef FASTACT_SPARSEMAX_H
#define FASTACT_SPARSEMAX_H

#include "softmax.h"

/* sparsemax(x)_i = max(0, x_i - t), with t such that the sum is 1 (Martins & Astudillo 2016)
 * Method: t is the mean of the support minus 1 / its size; the support starts as all x_i > max x - 1 and shrinks until
 *     it is stable (Michelot 1986).  Everything relative to the row maximum, as pairs.
 * Error: bound 1.0 ulp in both types (measured 0.50).
 * Fast path: every x.
 * Special values: a row with NaN or +inf, or all -inf, is NaN; masked elements give 0. */
/* x - row_max - threshold as a pair. */
INLINE pair above_threshold(vec x, vec row_max, pair threshold)
{
    vec difference = x - row_max, back = difference - x, hi = difference - threshold.hi;
    vec lo = sum_error(difference, -threshold.hi, hi) + (((x - (difference - back)) - (row_max + back)) - threshold.lo);
    return (pair){hi, zero_where(equal(difference, splat(-(real)INFINITY)), lo)};
}
/* The elements from `at`, in bytes, on: a slice, or the last of the row. */
INLINE slice load_of_row(rows_task t, const masking *s, const char *x, const char *where, ptrdiff_t at, ptrdiff_t whole,
                         ptrdiff_t left)
{
    if (at < whole)
        return load_masked(t, s, x, where, at / ITEM);
    return load_last_masked(t, s, x, where, at / ITEM, left, splat(-(real)INFINITY));
}
INLINE pair sparse_threshold(rows_task t, const masking *s, const char *x, const char *where, ptrdiff_t n, vec row_max)
{
    ptrdiff_t left = (n - 1) % ACCUMULATORS + 1, whole = (n - left) * ITEM;
    pair threshold = {splat(-1), splat(0)}, before = {splat((real)INFINITY), splat(0)};
    for (;;) {
        pair sum[VECTORS], sums[VECTORS], counts[VECTORS];
        vec count[VECTORS];
        EACH_VECTOR(i)
            sum[i] = sums[i] = counts[i] = (pair){splat(0), splat(0)}, count[i] = splat(0);
        for (ptrdiff_t at = 0, end = 0; at <= whole; at += STEP) {
            if (at == end && at < whole) {
                if (at) {
                    add_part(sums, sum);
                    add_count_part(counts, count);
                }
                end = end_of_part(at, whole);
            }
            slice v = load_of_row(t, s, x, where, at, whole, left);
            EACH_VECTOR(i) {
                pair y = above_threshold(v.v[i], row_max, threshold);
                mask none = less_equal(y.hi + y.lo, splat(0));
                sum[i] = add_pairs(sum[i], (pair){zero_where(none, y.hi), zero_where(none, y.lo)});
                count[i] += zero_where(none, splat(1));
            }
        }
        pair number = fold_counts_of_parts(counts, count, whole);
        int settled = !any(either(less(number.hi, before.hi), less(number.lo, before.lo)));
        if (settled && whole <= PART_BYTES)
            return threshold;
        before = number;
        pair total = fold_parts(sums, sum, whole); /* of the support; should be 1 */
        vec over = total.hi - splat(1), over_lo = sum_error(total.hi, splat(-1), over) + total.lo;
        quotient step = quotient_of_pairs(over, over_lo, number.hi, number.lo);
        threshold = normalize(add_pairs(threshold, (pair){step.q, step.error * step.reciprocal}));
        if (settled) /* in long rows the rounding of the first step would show */
            return threshold;
    }
}
INLINE void sparsemax_rows(const struct mask_args *mask_args, const char *x, ptrdiff_t x_step, char *out,
                           ptrdiff_t out_step, ptrdiff_t rows, ptrdiff_t n)
{
    const rows_task t = TASK(SPARSEMAX, .masked = 1);
    const masking s = {.args = *mask_args};
    ptrdiff_t left = (n - 1) % ACCUMULATORS + 1, whole = (n - left) * ITEM;
    for (ptrdiff_t row = 0; row < rows; row++, x += x_step, out += out_step) {
        const char *where;
        if (!unmasked_length(t, &s, row, n, &where)) {
            fill_row(out, n, 0);
            continue;
        }
        vec row_max = max_of_row(t, &s, x, where, n);
        pair threshold = sparse_threshold(t, &s, x, where, n, row_max);
        for (ptrdiff_t at = 0; at <= whole; at += STEP) {
            slice v = load_of_row(t, &s, x, where, at, whole, left);
            EACH_VECTOR(i) {
                pair y = above_threshold(v.v[i], row_max, threshold);
                vec share = y.hi + y.lo;
                v.v[i] = zero_where(less_equal(share, splat(0)), share);
            }
            if (at < whole)
                store_slice(out + at, replace_masked(t, &s, where, at / ITEM, ACCUMULATORS, v, 0));
            else
                store_last(out + at, replace_masked(t, &s, where, at / ITEM, left, v, 0), left);
        }
    }
}

#endif
