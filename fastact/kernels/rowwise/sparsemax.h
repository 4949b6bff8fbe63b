/* sparsemax of rows in memory. */
#ifndef FASTACT_SPARSEMAX_H
#define FASTACT_SPARSEMAX_H

#include "../kernel.h"
#include "softmax.h"

/* sparsemax(x)_i = max(0, x_i - t), with t such that the sum is 1 (Martins & Astudillo 2016)
 * Method: t is the mean of the support minus 1 / its size; the support starts as all x_i > max x - 1 and shrinks until
 *     it is stable (Michelot 1986).  Everything relative to the row maximum, as pairs.
 * Error: bound 1.0 ulp in both types (measured 0.50).
 * Fast path: every x.
 * Special values: a row with NaN or +inf, or all -inf, is NaN. */
/* x - row_max - threshold as a pair. */
INLINE pair above_threshold(vec x, vec row_max, pair threshold)
{
    vec difference = x - row_max, back = difference - x, hi = difference - threshold.hi;
    vec lo = sum_error(difference, -threshold.hi, hi) + (((x - (difference - back)) - (row_max + back)) - threshold.lo);
    return (pair){hi, zero_where(equal(difference, splat(-(real)INFINITY)), lo)};
}
INLINE pair sparse_threshold(const char *x, ptrdiff_t n, vec row_max)
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
            slice v = at < whole ? load_slice(x + at) : load_last(x + at, left, splat(-(real)INFINITY));
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
KERNEL(sparsemax_run)
{
    const char *x = operands[0];
    char *out = operands[3];
    (void)args;
    ptrdiff_t left = (n - 1) % ACCUMULATORS + 1, whole = (n - left) * ITEM;
    for (; rows > 0; rows--, x += row_steps[0], out += row_steps[3]) {
        vec row_max = max_of_row((rows_task){SPARSEMAX, 0, 0}, NULL, x, NULL, n);
        pair threshold = sparse_threshold(x, n, row_max);
        for (ptrdiff_t at = 0; at <= whole; at += STEP) {
            slice v = at < whole ? load_slice(x + at) : load_last(x + at, left, splat(-(real)INFINITY));
            EACH_VECTOR(i) {
                pair y = above_threshold(v.v[i], row_max, threshold);
                vec share = y.hi + y.lo;
                v.v[i] = zero_where(less_equal(share, splat(0)), share);
            }
            if (at < whole)
                store_slice(out + at, v);
            else
                store_last(out + at, v, left);
        }
    }
}

#endif
