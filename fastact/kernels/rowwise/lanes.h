/* Rows across lanes: every lane is a row.  They are computed in blocks, of short rows that were transposed, or of columns
 * of memory that were copied.  The accumulators and their tree are those of a row in memory, so the bits are the same. */
#ifndef FASTACT_LANES_H
#define FASTACT_LANES_H

#include "gradient.h"
#include "transpose.h"

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
    const char *where;
    vec valid_length;
} lane_rows;

INLINE lane_rows lane_rows_of(const masking *s, ptrdiff_t i, ptrdiff_t n, ptrdiff_t columns)
{
    lane_rows rows = {NULL, splat((real)n)};
    if (s->args.where)
        rows.where = (const char *)s->args.where + i * s->args.mask_row;
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
INLINE vec replace_masked_lanes(const masking *s, const lane_rows *rows, ptrdiff_t columns, ptrdiff_t j, vec v,
                                real value)
{
    mask beyond = less_equal(rows->valid_length, splat((real)j));
    beyond = either(beyond, beyond); /* hides the join from GCC 12, which fails on it at -O1 */
    if (!rows->where)
        return choose(beyond, splat(value), v);
    mask masked = masked_out(rows->where + j * s->args.mask_step, s->args.mask_row, columns);
    return choose(either(beyond, masked), splat(value), v);
}

/* Some groups of WIDTH rows side by side, a block of each: so each line of memory is used whole while
 * it is at hand, and lines of one set of the cache do not crowd each other out. */
#define GROUPS (CACHE_LINE / (int)VECTOR_BYTES)
#define EACH_GROUP(k) for (int k = 0; k < groups; k++)

/* Columns of memory. */
typedef struct {
    const masking *mask;           /* NULL if none is masked */
    const lane_rows *masked_lanes; /* of each group */
    ptrdiff_t n, columns; /* elements of a column; columns of a group, WIDTH if there are more groups than one */
    int groups;
} side_by_side;

/* Where a line is one vector, a group may be a part of it. */
INLINE int are_whole(const side_by_side *c) { return !c->mask && c->groups == GROUPS && c->columns == WIDTH; }
/* Elements j to end of columns in memory, to and from blocks, with a value in the place of masked ones. */
SHARED void copy_from_columns(const side_by_side *c, ptrdiff_t j, ptrdiff_t end, const char *x, ptrdiff_t x_step,
                              transposed *blocks, real masked)
{
    const char *from = x + j * x_step;
    /* What follows is on another page, and hardware does not look there. */
    ptrdiff_t ahead = end - j < c->n ? 8 * x_step : GROUPS * VECTOR_BYTES;
    for (ptrdiff_t i = 0; are_whole(c) && i < end - j; i++, from += x_step)
        for (int k = 0; k < GROUPS; k++) {
            blocks[k].column[i] = load(from + k * VECTOR_BYTES);
            if (k * VECTOR_BYTES % CACHE_LINE == 0)
                __builtin_prefetch(from + ahead + k * VECTOR_BYTES);
        }
    for (ptrdiff_t i = 0; !are_whole(c) && i < end - j; i++, from += x_step)
        for (int k = 0; k < c->groups; k++) {
            vec v = load_part(from + k * VECTOR_BYTES, c->columns, splat(0));
            if (c->mask)
                v = replace_masked_lanes(c->mask, &c->masked_lanes[k], c->columns, j + i, v, masked);
            blocks[k].column[i] = v;
        }
}
SHARED void copy_to_columns(const side_by_side *c, ptrdiff_t j, ptrdiff_t end, char *out, ptrdiff_t out_step,
                            const transposed *blocks, real masked)
{
    char *to = out + j * out_step;
    for (ptrdiff_t i = 0; are_whole(c) && i < end - j; i++, to += out_step)
        for (int k = 0; k < GROUPS; k++)
            store(to + k * VECTOR_BYTES, blocks[k].column[i]);
    for (ptrdiff_t i = 0; !are_whole(c) && i < end - j; i++, to += out_step)
        for (int k = 0; k < c->groups; k++) {
            vec v = blocks[k].column[i];
            if (c->mask)
                v = replace_masked_lanes(c->mask, &c->masked_lanes[k], c->columns, j + i, v, masked);
            store_part(to + k * VECTOR_BYTES, v, c->columns);
        }
}

/* The accumulators of WIDTH rows, and those of the parts before. */
typedef struct {
    pair sums[ACCUMULATORS], *parts;
    vec counts[ACCUMULATORS]; /* exact, as rows are shorter than 2^24 */
} lane_sums;

INLINE extremes lane_extremes(rows_task t, const masking *s, extremes range, const vec *x, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        vec v = scaled(t, s, x[i]);
        range.max = maximum(v, range.max), range.min = minimum(v, range.min);
    }
    return range;
}
#define NO_EXTREMES ((extremes){splat(-(real)INFINITY), splat((real)INFINITY)})
INLINE void add_lane_exponentials(rows_task t, const masking *s, lane_sums *restrict a, const origin *o, int near,
                                  vec *restrict x, ptrdiff_t j, ptrdiff_t end)
{
    for (; j < end; j += 2, x += 2) {
        vec e[2] = {scaled(t, s, x[0]), o->shift}, is_max[2];
        if (j + 1 < end)
            e[1] = scaled(t, s, x[1]);
        exponentials(t, s, e, 2, o, is_max, near);
        for (int i = 0; i < 2 && j + i < end; i++) {
            ptrdiff_t at = (j + i) % ACCUMULATORS;
            a->sums[at] = j + i < ACCUMULATORS ? (pair){e[i], splat(0)} : accumulate(a->sums[at], e[i]);
            if (t.logarithm)
                a->counts[at] = or_zero_at_first(a->counts[at], j + i) + is_max[i];
            else
                x[i] = e[i];
        }
    }
}
INLINE void sum_lanes_of(rows_task t, const masking *s, lane_sums *a, origin o, int near, vec *x, ptrdiff_t j,
                         ptrdiff_t end)
{
    if (!t.masked && near)
        add_lane_exponentials(t, s, a, &o, 1, x, j, end);
    else
        add_lane_exponentials(t, s, a, &o, 0, x, j, end);
}
INLINE void add_lane_part_before(lane_sums *a, ptrdiff_t j, ptrdiff_t whole)
{
    if (j && j % PART_OF_ROW == 0 && j * ITEM < whole)
        add_lane_part(a->parts, a->sums, j > PART_OF_ROW);
}
/* One over the sum of n exponentials, or its logarithm. */
INLINE pair fold_lanes(rows_task t, pair *sums, lane_sums *a, ptrdiff_t n)
{
    pair sum = fold_lane_sums(sums, n);
    if (t.logarithm)
        return (pair){log_of_sum(sum, (pair){fold_lane_counts(a->counts, n), splat(0)}), splat(0)};
    return invert(sum);
}
INLINE void lane_results(rows_task t, const masking *s, vec row_max, vec shift, pair total, vec weight, vec *x,
                         ptrdiff_t n)
{
    if (t.logarithm && t.single)
        x[0] = log_of_row(t, s, row_max, total.hi);
    else
        for (ptrdiff_t i = 0; i < n; i++)
            x[i] = t.logarithm ? log_probability(t, s, scaled(t, s, x[i]), shift, total.hi)
                               : probability(t, s, x[i], total, weight);
}
INLINE int are_near(rows_task t, const origin *o, vec min) { return !t.masked && !any_far(o, min); }

/* Rows of one block. */
typedef void forward_short(const masking *s, vec weight, transposed *block, ptrdiff_t n);
INLINE void forward_short_block(rows_task t, const masking *s, vec weight, transposed *block, ptrdiff_t n)
{
    lane_sums a;
    extremes range = lane_extremes(t, s, NO_EXTREMES, block->column, n);
    origin o = origin_of(t, s, shift_of(t, range.max));
    sum_lanes_of(t, s, &a, o, are_near(t, &o, range.min), block->column, 0, n);
    lane_results(t, s, range.max, o.shift, fold_lanes(t, a.sums, &a, n), weight, block->column, n);
}

/* What is known so far of a group whose rows have several blocks. */
typedef struct {
    ptrdiff_t n;
    extremes range;
    vec weight;
    origin o;
    pair total; /* one over the sum, or its logarithm; or that of a gradient */
    lane_sums a;
} lane_group;

/* The three passes over blocks: from elements j to end, exponentials or x, then results. */
enum { EXTREMES, EXPONENTIALS, RESULTS };
typedef void forward_pass(const masking *s, lane_group *g, transposed *block, int pass, ptrdiff_t j, ptrdiff_t end);
INLINE void forward_block(rows_task t, const masking *s, lane_group *g, transposed *block, int pass, ptrdiff_t j,
                          ptrdiff_t end)
{
    vec *x = block->column;
    ptrdiff_t whole = end_of_groups(g->n);
    if (pass == EXTREMES)
        g->range = lane_extremes(t, s, j ? g->range : NO_EXTREMES, x, end - j);
    else if (pass == EXPONENTIALS) {
        if (j == 0)
            g->o = origin_of(t, s, shift_of(t, g->range.max));
        add_lane_part_before(&g->a, j, whole);
        sum_lanes_of(t, s, &g->a, g->o, are_near(t, &g->o, g->range.min), x, j, end);
    } else {
        if (j == 0)
            g->total = fold_lanes(t, join_lane_parts(g->a.parts, g->a.sums, whole), &g->a, g->n);
        lane_results(t, s, g->range.max, g->o.shift, g->total, g->weight, x, end - j);
    }
}

/* The two passes of a gradient. */
typedef void backward_pass(const masking *s, lane_group *g, const transposed *grads, transposed *block, int last,
                           ptrdiff_t j, ptrdiff_t end);
INLINE void backward_block(rows_task t, const masking *s, lane_group *g, const transposed *grads, transposed *block,
                           int last, ptrdiff_t j, ptrdiff_t end)
{
    const vec *grad = grads->column;
    vec *y = block->column;
    ptrdiff_t whole = (g->n - 1) / ACCUMULATORS * STEP;
    if (!last) {
        add_lane_part_before(&g->a, j, whole);
        for (ptrdiff_t i = 0; i < end - j; i++) {
            ptrdiff_t at = (j + i) % ACCUMULATORS;
            pair none = {splat(0), splat(0)};
            g->a.sums[at] = gradient_term(t, j + i < ACCUMULATORS ? none : g->a.sums[at], grad[i], y[i]);
            if (t.sparse)
                g->a.counts[at] = or_zero_at_first(g->a.counts[at], j + i) + in_support(y[i]);
        }
        return;
    }
    if (j == 0) {
        g->total.hi = fold_lane_total(join_lane_parts(g->a.parts, g->a.sums, whole), g->n);
        if (t.sparse)
            g->total.hi = g->total.hi / fold_lane_counts(g->a.counts, g->n);
    }
    for (ptrdiff_t i = 0; i < end - j; i++)
        backward_vectors(t, s, &grad[i], &y[i], 1, g->total.hi);
}

#endif
