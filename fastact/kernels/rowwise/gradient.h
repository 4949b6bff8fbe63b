/* The gradients of softmax, log_softmax and sparsemax from their output, of rows in memory. */
#ifndef FASTACT_ROWWISE_GRADIENT_H
#define FASTACT_ROWWISE_GRADIENT_H

#include "softmax.h"

/* The gradient of the loss with respect to x, from grad and the output y:
 *     softmax        y_i * (grad_i - sum_j grad_j y_j), as a difference of two products
 *     log_softmax    grad_i - e^y_i * sum_j grad_j
 *     sparsemax      grad_i - mean of grad_j over the support, where y_i > 0; else 0 (Martins & Astudillo 2016)
 * Method: compensated sums and dot products (Ogita, Rump & Oishi 2005).
 * Error: bound 3.0 ulp of the sum of absolute terms, in both types (found by a directed search: softmax 2.35 in float32).
 * Fast path: vectors without a subnormal e^y, or 0.
 * Special values: masked elements have gradient 0. */
INLINE pair gradient_term(rows_task t, pair sum, vec grad, vec y)
{
    if (!t.logarithm && !t.sparse)
        return accumulate_product(sum, grad, y);
    if (t.sparse)
        grad = zero_where(less_equal(y, splat(0)), grad);
    return accumulate(sum, grad);
}
/* 1 in the support, 0 outside; NaN where y is, so that the whole row becomes NaN. */
INLINE vec in_support(vec y) { return zero_where(less_equal(y, splat(0)), y - y + splat(1)); }

/* total * e^y for y <= 0, also where e^y is subnormal but the product is not: mantissas and exponents apart. */
#define EXP_VANISHES ((real)BY_TYPE(200, 1460))
INLINE vec exp_times(vec y, vec total)
{
    const real least = BY_TYPE(-152, -1077); /* half the smallest subnormal, and two bits for the mantissas */
    mask vanishes = less(y, splat(-EXP_VANISHES));
    exp_parts e = exponential(clamped(y, -EXP_VANISHES, -EXP_ONE), splat(0));
    binary b = as_binary(total);
    vec k = e.k + (b.k - splat(EIGHTHS)), product = zero_where(vanishes, (e.head + e.rest) * b.mantissa);
    vec times = scale(zero_where(less(k, splat(EIGHTHS + least)), product), maximum(splat(EIGHTHS + least), k));
    return choose(less(absolute(total), splat((real)INFINITY)), times, total); /* infinity and NaN have no exponent */
}
/* grad - e^y * total for y <= 0. */
INLINE vec log_gradient(vec grad, vec y, vec total, int full_range)
{
    const origin o = {.turns = splat(0),
                      .octaves = splat(OCTAVES),
                      .rest = splat(0),
                      .small = splat(-EXP_SMALL),
                      .zero = splat(-EXP_ZERO)};
    pair z = {minimum(splat(-EXP_ONE), y), splat(0)};
    if (!full_range)
        return submul(grad, exp_near(TASK(LOG_SOFTMAX), z, &o), total);
    vec fast = submul(grad, exp_above(TASK(LOG_SOFTMAX), z, &o, 0), total);
    return choose(within(y, splat(-EXP_VANISHES), o.small), grad - exp_times(y, total), fast);
}
INLINE void backward_vectors(rows_task t, const masking *s, const vec *grad, vec *y, int count, vec total)
{
    mask far = less(y[0], splat(-EXP_SMALL));
    for (int i = 1; i < count; i++)
        far = either(far, less(y[i], splat(-EXP_SMALL)));
    if (t.logarithm && any(far)) /* other lanes keep the bits of the fast path */
        for (int i = 0; i < count; i++)
            y[i] = log_gradient(grad[i], y[i], total, 1);
    else
        for (int i = 0; i < count; i++) {
            if (t.sparse)
                y[i] = zero_where(less_equal(y[i], splat(0)), grad[i] - total);
            else if (t.negative)
                y[i] = muladd(y[i], total, -(y[i] * grad[i]));
            else if (t.logarithm)
                y[i] = log_gradient(grad[i], y[i], total, 0);
            else
                y[i] = submul(y[i] * grad[i], y[i], total); /* one rounding less than of y * (grad - total) */
        }
    for (int i = 0; i < count; i++)
        if (t.masked && !t.sparse)
            y[i] *= s->scale;
}

/* The sum of a row's terms, not yet folded. */
typedef struct {
    pair sum[VECTORS];
    vec count[VECTORS];
} gradient_sums;

#define MASKED_OUTPUT(t) ((t).logarithm ? -(real)INFINITY : 0) /* the output of masked elements */
#define LOAD(a, at, none) replace_masked(t, s, where, (at) / ITEM, ACCUMULATORS, load_slice(a + (at)), none)
#define LOAD_LAST(a, none) replace_masked(t, s, where, whole / ITEM, left, load_last(a + whole, left, splat(0)), none)

INLINE void add_terms(rows_task t, gradient_sums *sums, slice grad, slice y)
{
    EACH_VECTOR(i)
        sums->sum[i] = gradient_term(t, sums->sum[i], grad.v[i], y.v[i]);
    if (t.sparse)
        EACH_VECTOR(i)
            sums->count[i] += in_support(y.v[i]);
}
/* The sums of earlier parts of a long row. */
typedef struct {
    pair sum[VECTORS], count[VECTORS];
    int several;
} gradient_parts;

INLINE gradient_sums sums_of_row(rows_task t, const masking *s, const char *grad, const char *y, const char *where,
                                 ptrdiff_t n, gradient_parts *before)
{
    ptrdiff_t left = (n - 1) % ACCUMULATORS + 1, whole = (n - left) * ITEM;
    gradient_sums sums;
    EACH_VECTOR(i)
        sums.sum[i] = (pair){splat(0), splat(0)}, sums.count[i] = splat(0);
    *before = (gradient_parts){.several = whole > PART_BYTES};
    for (ptrdiff_t first = 0; first < whole; first += PART_BYTES) {
        ptrdiff_t end = end_of_part(first, whole);
        if (first) {
            add_part(before->sum, sums.sum);
            add_count_part(before->count, sums.count);
        }
        for (ptrdiff_t at = first; at < end; at += STEP) {
            slice g = LOAD(grad, at, 0);
            add_terms(t, &sums, g, t.logarithm ? g : LOAD(y, at, 0));
        }
    }
    slice last = LOAD_LAST(grad, 0);
    add_terms(t, &sums, last, t.logarithm ? last : LOAD_LAST(y, 0));
    return sums;
}
/* The total that is subtracted, or multiplied by e^y: of a row in one part, then of any row. */
INLINE vec gradient_total(rows_task t, gradient_sums *sums)
{
    vec total = fold_total(sums->sum);
    if (t.sparse)
        total = total / fold_counts(sums->count);
    return total;
}
INLINE vec total_of_row(rows_task t, const masking *s, const char *grad, const char *y, const char *where, ptrdiff_t n)
{
    gradient_parts before;
    gradient_sums sums = sums_of_row(t, s, grad, y, where, n, &before);
    if (!before.several)
        return gradient_total(t, &sums);
    add_part(before.sum, sums.sum);
    add_count_part(before.count, sums.count);
    vec total = fold_total(before.sum);
    if (t.sparse)
        total = total / fold_total(before.count);
    return total;
}
INLINE void backward_row(rows_task t, const masking *s, const char *grad, const char *y, const char *where, char *out,
                         ptrdiff_t n, vec total)
{
    ptrdiff_t left = (n - 1) % ACCUMULATORS + 1, whole = (n - left) * ITEM, at = 0;
    for (; t.logarithm && at + 2 * STEP <= whole; at += 2 * STEP) { /* chains of two slices overlap */
        slice g[2] = {LOAD(grad, at, 0), LOAD(grad, at + STEP, 0)};
        slice v[2] = {LOAD(y, at, MASKED_OUTPUT(t)), LOAD(y, at + STEP, MASKED_OUTPUT(t))};
        backward_vectors(t, s, g[0].v, v[0].v, 2 * VECTORS, total);
        for (int k = 0; k < 2; k++)
            store_slice(out + at + k * STEP,
                        replace_masked(t, s, where, at / ITEM + k * ACCUMULATORS, ACCUMULATORS, v[k], 0));
    }
    for (; at < whole; at += STEP) {
        slice g = LOAD(grad, at, 0), v = LOAD(y, at, MASKED_OUTPUT(t));
        backward_vectors(t, s, g.v, v.v, VECTORS, total);
        store_slice(out + at, replace_masked(t, s, where, at / ITEM, ACCUMULATORS, v, 0));
    }
    slice g = LOAD_LAST(grad, 0), v = LOAD_LAST(y, MASKED_OUTPUT(t));
    backward_vectors(t, s, g.v, v.v, VECTORS, total);
    store_last(out + whole, replace_masked(t, s, where, whole / ITEM, left, v, 0), left);
}
#undef LOAD
#undef LOAD_LAST

#endif
