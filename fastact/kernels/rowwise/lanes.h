/* Rows across lanes: every lane is a row, and element j of all rows is at j * step.  The accumulators and their tree
 * are those of a row in memory, so the bits are the same. */
#ifndef FASTACT_LANES_H
#define FASTACT_LANES_H

#include "gradient.h"

INLINE pair fold_lane_sums(pair *s, ptrdiff_t n)
{
    for (int half = ACCUMULATORS / 2; half; half /= 2)
        for (int i = 0; i < half && i + half < n; i++)
            s[i] = add_pairs(s[i], s[i + half]);
    return normalize(s[0]);
}
#if REAL_BITS == 32
/* A function of its own: what it has on the stack would else be there twice, for whole vectors and for a part. */
static __attribute__((noinline)) vec fold_lane_total(pair *s, ptrdiff_t n)
{
    wide_pair w[ACCUMULATORS];
    for (int i = 0; i < ACCUMULATORS && i < n; i++)
        w[i] = widen_pair(s[i]);
    for (int half = ACCUMULATORS / 2; half; half /= 2)
        for (int i = 0; i < half && i + half < n; i++)
            w[i].low += w[i + half].low, w[i].high += w[i + half].high;
    return narrow(w[0].low, w[0].high);
}
#else
INLINE vec fold_lane_total(pair *s, ptrdiff_t n) { return fold_lane_sums(s, n).hi; }
#endif
/* The same of parts, which begin where those of a row in memory do; `end` is the end of its loop, in bytes. */
static __attribute__((noinline, cold)) void add_lane_part(pair *whole, pair *part, int begun)
{
    for (int i = 0; i < ACCUMULATORS; i++) {
        whole[i] = begun ? add_pairs(whole[i], part[i]) : part[i];
        part[i] = (pair){splat(0), splat(0)};
    }
}
/* The accumulators of all parts; there is more than one if the loop ends beyond the first. */
INLINE pair *join_lane_parts(pair *whole, pair *part, ptrdiff_t end)
{
    if (end <= PART_BYTES)
        return part;
    add_lane_part(whole, part, 1);
    return whole;
}
/* The count so far, 0 in the first round of accumulators. */
INLINE vec or_zero_at_first(vec count, ptrdiff_t j)
{
    if (j < ACCUMULATORS)
        return splat(0);
    return count;
}
INLINE vec fold_lane_counts(vec *counts, ptrdiff_t n)
{
    for (int half = ACCUMULATORS / 2; half; half /= 2)
        for (int i = 0; i < half && i + half < n; i++)
            counts[i] += counts[i + half];
    return counts[0];
}

/* The mask and the valid lengths of some rows, one a lane. */
typedef struct {
    int masked;
    const char *where;
    vec valid_length;
    ptrdiff_t columns;
} lane_rows;

INLINE lane_rows lane_rows_of(rows_task t, const masking *s, ptrdiff_t i, ptrdiff_t n, ptrdiff_t columns)
{
    lane_rows rows = {t.masked, NULL, splat(0), columns};
    if (!t.masked)
        return rows;
    if (s->args.where)
        rows.where = (const char *)s->args.where + i * s->args.mask_row;
    rows.valid_length = splat((real)n);
    if (s->args.valid_length) {
        real lengths[WIDTH] = {0};
        for (ptrdiff_t lane = 0; lane < columns; lane++)
            lengths[lane] = (real) * (const int64_t *)((const char *)s->args.valid_length +
                                                       (i + lane) * s->args.valid_length_row);
        rows.valid_length = load((const char *)lengths);
    }
    return rows;
}
/* Elements j, v, of some rows, with masked ones replaced by a value. */
INLINE vec replace_masked_lanes(const masking *s, lane_rows rows, ptrdiff_t j, vec v, real value)
{
    if (!rows.masked)
        return v;
    mask beyond = less_equal(rows.valid_length, splat((real)j));
    beyond = either(beyond, beyond); /* hides the join from GCC 12, which fails on it at -O1 */
    if (!rows.where)
        return choose(beyond, splat(value), v);
    mask masked = masked_out(rows.where + j * s->args.mask_step, s->args.mask_row, rows.columns);
    return choose(either(beyond, masked), splat(value), v);
}
INLINE vec load_masked_lanes(rows_task t, const masking *s, lane_rows rows, const char *x, ptrdiff_t j, vec rest)
{
    vec v = scaled(t, s, load_part(x, rows.columns, unscaled(t, s, rest)));
    return replace_masked_lanes(s, rows, j, v, -(real)INFINITY);
}

INLINE void forward_lanes(rows_task t, const masking *s, lane_rows rows, const char *x, ptrdiff_t x_step, vec weight,
                          char *out, ptrdiff_t out_step, ptrdiff_t n)
{
    ptrdiff_t columns = rows.columns;
    vec row_max = splat(-(real)INFINITY), row_min = splat((real)INFINITY), zero = splat(0);
    for (ptrdiff_t j = 0; j < n; j++) {
        vec v = load_masked_lanes(t, s, rows, x + j * x_step, j, zero);
        row_max = maximum(v, row_max), row_min = minimum(v, row_min);
    }
    origin o = origin_of(t, s, shift_of(t, row_max));
    int near = !t.masked && !any_far(&o, row_min);
    pair sums[ACCUMULATORS], parts[ACCUMULATORS];
    vec counts[ACCUMULATORS]; /* exact, as rows are shorter than 2^24 */
    ptrdiff_t groups = end_of_groups(n);
    for (ptrdiff_t j = 0, next = PART_OF_ROW; j < n; j += 2) {
        if (j == next) {
            next += PART_OF_ROW;
            if (j * ITEM < groups)
                add_lane_part(parts, sums, j > PART_OF_ROW);
        }
        vec e[2] = {load_masked_lanes(t, s, rows, x + j * x_step, j, o.shift), o.shift}, is_max[2];
        if (j + 1 < n)
            e[1] = load_masked_lanes(t, s, rows, x + (j + 1) * x_step, j + 1, o.shift);
        if (near)
            exponentials(t, s, e, 2, &o, is_max, 1);
        else
            exponentials(t, s, e, 2, &o, is_max, 0);
        for (int i = 0; i < 2 && j + i < n; i++) {
            ptrdiff_t at = (j + i) % ACCUMULATORS;
            sums[at] = j + i < ACCUMULATORS ? (pair){e[i], zero} : accumulate(sums[at], e[i]);
            if (t.logarithm)
                counts[at] = or_zero_at_first(counts[at], j + i) + is_max[i];
            else
                store_part(out + (j + i) * out_step, e[i], columns);
        }
    }
    pair sum = fold_lane_sums(join_lane_parts(parts, sums, groups), n);
    if (t.logarithm) {
        vec log_sum = log_of_sum(sum, (pair){fold_lane_counts(counts, n), zero});
        if (t.single)
            store_part(out, log_of_row(t, s, row_max, log_sum), columns);
        for (ptrdiff_t j = 0; !t.single && j < n; j++) {
            vec v = log_probability(t, s, load_part(x + j * x_step, columns, zero), o.shift, log_sum);
            store_part(out + j * out_step, replace_masked_lanes(s, rows, j, v, -(real)INFINITY), columns);
        }
        return;
    }
    pair inverse = invert(sum);
    for (ptrdiff_t j = 0; j < n; j++) {
        vec v = probability(t, s, load_part(out + j * out_step, columns, zero), inverse, weight);
        store_part(out + j * out_step, replace_masked_lanes(s, rows, j, v, 0), columns);
    }
}

INLINE void backward_lanes(rows_task t, const masking *s, lane_rows rows, const char *grad, ptrdiff_t grad_step,
                           const char *y, ptrdiff_t y_step, char *out, ptrdiff_t out_step, ptrdiff_t n)
{
    ptrdiff_t columns = rows.columns;
    vec zero = splat(0);
#define LOAD(a, none) replace_masked_lanes(s, rows, j, load_part(a + j * a##_step, columns, zero), none)
    pair sums[ACCUMULATORS], parts[ACCUMULATORS];
    vec counts[ACCUMULATORS]; /* exact, as rows are shorter than 2^24 */
    ptrdiff_t whole = (n - 1) / ACCUMULATORS * STEP;
    for (ptrdiff_t j = 0, next = PART_OF_ROW; j < n; j++) {
        if (j == next) {
            next += PART_OF_ROW;
            if (j * ITEM < whole)
                add_lane_part(parts, sums, j > PART_OF_ROW);
        }
        vec g = LOAD(grad, 0), v = t.logarithm ? g : LOAD(y, 0);
        ptrdiff_t at = j % ACCUMULATORS;
        sums[at] = gradient_term(t, j < ACCUMULATORS ? (pair){zero, zero} : sums[at], g, v);
        if (t.sparse)
            counts[at] = or_zero_at_first(counts[at], j) + in_support(v);
    }
    vec total = fold_lane_total(join_lane_parts(parts, sums, whole), n);
    if (t.sparse)
        total = total / fold_lane_counts(counts, n);
    for (ptrdiff_t j = 0; j < n; j++) {
        vec g = LOAD(grad, 0), v = LOAD(y, MASKED_OUTPUT(t));
        backward_vectors(t, s, &g, &v, 1, total);
        store_part(out + j * out_step, replace_masked_lanes(s, rows, j, v, 0), columns);
    }
#undef LOAD
}

#endif
