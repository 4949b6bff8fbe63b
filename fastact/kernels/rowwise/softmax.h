/* softmax, log_softmax and logsumexp of rows in memory; softmin is the softmax of -x. */
#ifndef FASTACT_SOFTMAX_H
#define FASTACT_SOFTMAX_H

#include "mask.h"

/* What a row's exponentials, e^(z - top.hi - top.lo), are made from; z is x - base, or scale times that. */
typedef struct {
    vec shift;       /* the row maximum, or for LOGSUMEXP the nearest finite number */
    vec base;        /* 0; or the shift where it is so large that elements near it are subtracted exactly */
    vec most;        /* shift - base */
    vec turns;       /* top in units of ln 2, */
    vec octaves;     /* of which a whole number K makes this OCTAVES - K, */
    vec rest;        /* and this is left of top */
    vec small, zero; /* below these z the exponentials are subnormal, and 0 */
} origin;

/* Beyond it x - shift is exact wherever e^(x - shift) is not 0 (Sterbenz), and multiples of ln 2 would not be. */
#define FAR_OFF ((real)BY_TYPE(256, 2048))

/* z of v = x - base: as it is, or scaled if masked. */
INLINE pair exponent_of(rows_task t, const masking *s, vec v)
{
    if (!t.masked)
        return (pair){v, splat(0)};
    vec z = s->steep * v;
    return (pair){z, product_error(s->steep, v, z)};
}
/* z - n ln 2, of which the product with the first word is exact: as it is but for that with the second. */
INLINE vec less_octaves(rows_task t, pair z, vec n)
{
    vec r = submul(z.hi, n, splat(LN2_HI));
    if (t.masked)
        r += z.lo;
    return r;
}
INLINE origin origin_of(rows_task t, const masking *s, vec shift)
{
    mask near = less_equal(absolute(exponent_of(t, s, shift).hi), splat(FAR_OFF));
    vec base = zero_where(near, shift), most = shift - base;
    pair top = exponent_of(t, s, most);
    vec turns = top.hi * splat(LOG2_E), n = (turns + splat(OCTAVES)) - splat(OCTAVES);
    vec rest = submul(less_octaves(t, top, n), n, splat(LN2_LO));
    mask small = less(absolute(rest), splat((real)0x1p-8));
    return (origin){.shift = shift,
                    .base = base,
                    .most = most,
                    .turns = turns,
                    .octaves = splat(OCTAVES) - n,
                    .rest = choose(small, rest - splat(EXP_ONE), rest), /* keeps powers of r normal */
                    .small = top.hi - splat(EXP_SMALL),
                    .zero = top.hi - splat(EXP_ZERO)};
}

/* e^(z - top) = mantissa * octave_power(k)
 * Method: z and top are reduced by multiples of two-word ln 2 (Cody & Waite 1980), then subtracted: z - top itself is
 *     never formed, as its rounding would cost 66 ulp.  A polynomial for |r| <= ln(2)/2 (derived here).
 * Error: 0.7 ulp; e^0 is exact. */
INLINE binary exp_octaves(rows_task t, pair z, const origin *o)
{
    vec k = muladd(z.hi, splat(LOG2_E), -o->turns) + splat(OCTAVES), n = k - o->octaves;
    vec r = submul(less_octaves(t, z, n) - o->rest, n, splat(LN2_LO));
    vec curve = splat(exp_curve[COUNT(exp_curve) - 1]), one = splat(1);
    for (int i = COUNT(exp_curve) - 2; i >= 0; i--)
        curve = muladd(curve, r, splat(exp_curve[i]));
    if (FUSED)
        return (binary){muladd(muladd(curve, r, one), r, one), k};
    vec sum = one + r; /* products would be rounded, too */
    return (binary){sum + muladd(curve, r * r, r - (sum - one)), k};
}
/* The same as one number for z from small on. */
INLINE vec exp_near(rows_task t, pair z, const origin *o)
{
    binary e = exp_octaves(t, z, o);
    return e.mantissa * octave_power(e.k);
}
/* The same down to small, or to zero if subnormal; 0 below. */
INLINE vec exp_above(rows_task t, pair z, const origin *o, int subnormal)
{
    vec least = subnormal ? o->zero : o->small;
    mask vanishes = less(z.hi, least);
    binary e = exp_octaves(t, (pair){maximum(least, z.hi), zero_where(vanishes, z.lo)}, o);
    if (subnormal)
        return zero_where(vanishes, scale(e.mantissa, splat(EIGHTHS) + (e.k - splat(OCTAVES))));
    return zero_where(vanishes, e.mantissa * octave_power(e.k));
}
/* Replaces v by the exponentials.  For a logarithm those of the maximum are replaced by 0 and counted in is_max.  If
 * `near`, base is 0, and no exponential is subnormal. */
INLINE void exponentials(rows_task t, const masking *s, vec *v, int count, const origin *o, vec *is_max, int near)
{
    pair z[4 * VECTORS];
    mask ties[4 * VECTORS];
    for (int i = 0; i < count; i++) {
        if (!near && t.logarithm && (t.single || t.masked))
            v[i] = minimum(o->shift, v[i]); /* an infinity counts as the maximum of logsumexp */
        if (!near)
            v[i] -= o->base;
        z[i] = exponent_of(t, s, v[i]);
        ties[i] = equal(v[i], o->most);
    }
    if (near)
        for (int i = 0; i < count; i++)
            v[i] = exp_near(t, z[i], o);
    else {
        mask subnormal = within(z[0].hi, o->zero, o->small);
        for (int i = 1; i < count; i++)
            subnormal = either(subnormal, within(z[i].hi, o->zero, o->small));
        if (any(subnormal))
            for (int i = 0; i < count; i++)
                v[i] = exp_above(t, z[i], o, 1);
        else
            for (int i = 0; i < count; i++)
                v[i] = exp_above(t, z[i], o, 0);
    }
    if (t.logarithm)
        for (int i = 0; i < count; i++) {
            v[i] = zero_where(ties[i], v[i]);
            is_max[i] = choose(ties[i], splat(1), splat(0));
        }
}

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
/* x is scaled. */
INLINE vec log_probability(rows_task t, const masking *s, vec x, vec shift, vec log_sum)
{
    vec difference = x - shift;
    if (t.masked)
        return muladd(s->steep, difference, -log_sum);
    return difference - log_sum;
}
/* The maximum of a row and, if it is not masked, the minimum, in every lane. */
typedef struct {
    vec max, min;
} extremes;
INLINE extremes extremes_of_row(rows_task t, const masking *s, const char *x, const char *where, ptrdiff_t n)
{
    ptrdiff_t left = n % ACCUMULATORS, first = n - left, j = 0;
    vec rest = t.masked ? splat(-(real)INFINITY) : scaled(t, s, splat(real_at(x)));
    slice max[4], min[4];
    EACH_VECTOR(i)
        max[0].v[i] = rest;
    if (left)
        max[0] = load_last_masked(t, s, x, where, first, left, rest);
    max[1] = max[2] = max[3] = max[0];
    min[0] = min[1] = min[2] = min[3] = max[0];
    for (; j + 4 * ACCUMULATORS <= first; j += 4 * ACCUMULATORS) /* four chains hide the latency */
        for (int k = 0; k < 4; k++) {
            slice v = load_masked(t, s, x, where, j + k * ACCUMULATORS);
            EACH_VECTOR(i)
                max[k].v[i] = maximum(v.v[i], max[k].v[i]), min[k].v[i] = minimum(v.v[i], min[k].v[i]);
        }
    for (; j < first; j += ACCUMULATORS) {
        slice v = load_masked(t, s, x, where, j);
        EACH_VECTOR(i)
            max[0].v[i] = maximum(v.v[i], max[0].v[i]), min[0].v[i] = minimum(v.v[i], min[0].v[i]);
    }
    EACH_VECTOR(i) {
        max[0].v[i] = maximum(maximum(max[0].v[i], max[1].v[i]), maximum(max[2].v[i], max[3].v[i]));
        min[0].v[i] = minimum(minimum(min[0].v[i], min[1].v[i]), minimum(min[2].v[i], min[3].v[i]));
    }
    return (extremes){fold_max(max[0]), fold_min(min[0])};
}
INLINE vec max_of_row(rows_task t, const masking *s, const char *x, const char *where, ptrdiff_t n)
{
    return extremes_of_row(t, s, x, where, n).max;
}
/* What is subtracted from the elements: the row maximum, or for LOGSUMEXP the nearest finite number. */
INLINE vec shift_of(rows_task t, vec row_max)
{
    if (t.logarithm && t.single) /* an infinite maximum is the result */
        return clamped(row_max, -REAL_MAX, REAL_MAX);
    return row_max;
}
/* Whether any row's exponentials may be subnormal, or its elements are far from 0. */
INLINE int any_far(const origin *o, vec min)
{
    return any(either(less(min, o->small), less(splat(0), absolute(o->base))));
}

/* Slices that are loaded together, so that their chains overlap; they divide a group.  Parts begin at groups. */
#define TOGETHER (VECTORS == 1 ? 4 : 2)
#define GROUP (4 * STEP)
INLINE ptrdiff_t end_of_groups(ptrdiff_t n) { return n / (4 * ACCUMULATORS) * GROUP; }

/* The accumulators of a row, and those of the parts before. */
typedef struct {
    pair sum[VECTORS], sums[VECTORS], counts[VECTORS];
    vec max_count[VECTORS];
} exponential_sums;

/* Adds the exponentials of slices of a row, from a byte on, and stores them. */
INLINE void add_exponentials(rows_task t, const masking *s, const origin *o, int near, const char *x, const char *where,
                             char *out, ptrdiff_t at, int slices, exponential_sums *sums)
{
    slice e[TOGETHER];
    vec is_max[TOGETHER * VECTORS];
    for (int k = 0; k < slices; k++)
        e[k] = load_masked(t, s, x, where, at / ITEM + k * ACCUMULATORS);
    exponentials(t, s, e[0].v, slices * VECTORS, o, is_max, near);
    for (int k = 0; k < slices; k++)
        EACH_VECTOR(i) {
            sums->sum[i] = accumulate(sums->sum[i], e[k].v[i]);
            if (t.logarithm)
                sums->max_count[i] += is_max[k * VECTORS + i];
        }
    for (int k = 0; !t.logarithm && k < slices; k++)
        store_slice(out + at + k * STEP, e[k]);
}
/* The same of a whole row, but the exponentials of the last slice are returned. */
INLINE slice sum_exponentials(rows_task t, const masking *s, const origin *o, int near, const char *x,
                              const char *where, char *out, ptrdiff_t n, exponential_sums *sums)
{
    ptrdiff_t left = n % ACCUMULATORS, first = n - left, whole = first * ITEM, groups = end_of_groups(n);
    exponential_sums a;
    EACH_VECTOR(i)
        a.sum[i] = a.sums[i] = a.counts[i] = (pair){splat(0), splat(0)}, a.max_count[i] = splat(0);
#define ADD(slices) add_exponentials(t, s, o, near, x, where, out, at, slices, &a)
    for (ptrdiff_t part = 0; part < groups; part += PART_BYTES) {
        if (part) {
            add_part(a.sums, a.sum);
            add_count_part(a.counts, a.max_count);
        }
        for (ptrdiff_t at = part, end = end_of_part(part, groups); at < end; at += TOGETHER * STEP) {
            if (t.masked)
                __asm__("" : "+r"(at)); /* GCC 12 would keep it in half a vector, in memory */
            ADD(TOGETHER);
        }
    }
    ptrdiff_t at = groups;
    for (; at + 2 * STEP <= whole; at += 2 * STEP)
        ADD(2);
    if (at < whole)
        ADD(1);
#undef ADD
    slice last = {{splat(0)}};
    if (left) {
        vec is_max[VECTORS];
        last = load_last_masked(t, s, x, where, first, left, o->shift); /* lanes past the end: e^-inf would be slow */
        exponentials(t, s, last.v, VECTORS, o, is_max, near);
        slice kept = keep_last(last, left);
        EACH_VECTOR(i) {
            a.sum[i] = accumulate(a.sum[i], kept.v[i]);
            if (t.logarithm)
                a.max_count[i] += keep_first(is_max[i], lanes(left - i * WIDTH));
        }
    }
    *sums = a;
    return last;
}

/* A row and what is known of it so far. */
typedef struct {
    const char *x, *where;
    char *out;
    ptrdiff_t n;
    vec weight, row_max;
    origin o;
    int near;
    exponential_sums sums;
    slice last;
    pair total; /* one over the sum, or its logarithm */
} softmax_row;

INLINE void find_origin(rows_task t, const masking *s, softmax_row *row)
{
    extremes range = extremes_of_row(t, s, row->x, row->where, row->n);
    row->row_max = range.max;
    row->o = origin_of(t, s, shift_of(t, range.max));
    row->near = !t.masked && !any_far(&row->o, range.min);
}
INLINE void sum_row(rows_task t, const masking *s, softmax_row *row)
{
    if (!t.masked && row->near)
        row->last = sum_exponentials(t, s, &row->o, 1, row->x, row->where, row->out, row->n, &row->sums);
    else
        row->last = sum_exponentials(t, s, &row->o, 0, row->x, row->where, row->out, row->n, &row->sums);
}
INLINE void fold_row(rows_task t, softmax_row *row)
{
    ptrdiff_t groups = end_of_groups(row->n);
    pair sum = fold_parts(row->sums.sums, row->sums.sum, groups);
    if (t.logarithm)
        row->total.hi = log_of_sum(sum, fold_counts_of_parts(row->sums.counts, row->sums.max_count, groups));
    else
        row->total = invert(sum);
}
INLINE vec result_of(rows_task t, const masking *s, vec v, const softmax_row *row)
{
    if (t.logarithm)
        return log_probability(t, s, scaled(t, s, v), row->o.shift, row->total.hi);
    return probability(t, s, v, row->total, row->weight);
}
INLINE void finish_row(rows_task t, const masking *s, softmax_row *row)
{
    ptrdiff_t left = row->n % ACCUMULATORS, first = row->n - left, whole = first * ITEM;
    real masked = t.logarithm ? -(real)INFINITY : 0;
    if (t.logarithm && t.single) {
        store_part(row->out, log_of_row(t, s, row->row_max, row->total.hi), 1);
        return;
    }
    EACH_SLICE(at, whole) {
        slice v = load_slice((t.logarithm ? row->x : row->out) + at);
        EACH_VECTOR(i)
            v.v[i] = result_of(t, s, v.v[i], row);
        store_slice(row->out + at, replace_masked(t, s, row->where, at / ITEM, ACCUMULATORS, v, masked));
    }
    if (!left)
        return;
    slice last = row->last;
    if (t.logarithm)
        last = load_last(row->x + whole, left, splat(0));
    EACH_VECTOR(i)
        last.v[i] = result_of(t, s, last.v[i], row);
    store_last(row->out + whole, replace_masked(t, s, row->where, first, left, last, masked), left);
}

/* A row of one slice, in registers: what several rows at a time need costs more than it brings. */
INLINE void forward_slice(rows_task t, const masking *s, softmax_row *row)
{
    vec rest = t.masked ? splat(-(real)INFINITY) : scaled(t, s, splat(real_at(row->x)));
    slice x = load_last_masked(t, s, row->x, row->where, 0, row->n, rest), e = x;
    vec is_max[VECTORS];
    pair sum[VECTORS];
    row->row_max = fold_max(x);
    row->o = origin_of(t, s, shift_of(t, row->row_max));
    if (t.masked || any_far(&row->o, fold_min(x)))
        exponentials(t, s, e.v, VECTORS, &row->o, is_max, 0);
    else
        exponentials(t, s, e.v, VECTORS, &row->o, is_max, 1);
    slice kept = keep_last(e, row->n);
    EACH_VECTOR(i) {
        sum[i] = (pair){kept.v[i], splat(0)};
        if (t.logarithm)
            is_max[i] = keep_first(is_max[i], lanes(row->n - i * WIDTH));
    }
    if (t.logarithm)
        row->total.hi = log_of_sum(fold_sums(sum), (pair){fold_counts(is_max), splat(0)});
    else
        row->total = invert(fold_sums(sum));
    if (t.logarithm && t.single) {
        store_part(row->out, log_of_row(t, s, row->row_max, row->total.hi), 1);
        return;
    }
    EACH_VECTOR(i)
        e.v[i] = t.logarithm ? log_probability(t, s, x.v[i], row->o.shift, row->total.hi)
                             : probability(t, s, e.v[i], row->total, row->weight);
    e = replace_masked(t, s, row->where, 0, row->n, e, t.logarithm ? -(real)INFINITY : 0);
    store_last(row->out, e, row->n);
}

/* softmax(x)_i = e^(x_i - max x) / sum_j e^(x_j - max x), its logarithm, and log sum_j e^x_j
 * Method: relative to the row maximum (Blanchard, Higham & Higham 2021); compensated sums; the maxima apart by log1p.
 *     Some rows at a time, so that the chains of their folds overlap.
 * Error: bound 3.0 ulp in both types at every length (measured: softmax 2.53 and 2.39, log_softmax 2.01 and 1.79).
 * Fast path: rows without a subnormal exponential, with a maximum up to FAR_OFF.
 * Special values: a row with +inf, or all -inf, is NaN (logsumexp: inf, -inf); masked elements give 0, of a logarithm
 *     -inf; logsumexp of a row that is masked whole is -inf. */
INLINE void forward_rows(rows_task t, const masking *s, softmax_row *row, int rows)
{
    for (int r = 0; r < rows; r++)
        find_origin(t, s, &row[r]);
    for (int r = 0; r < rows; r++)
        sum_row(t, s, &row[r]);
    for (int r = 0; r < rows; r++)
        fold_row(t, &row[r]);
    for (int r = 0; r < rows; r++)
        finish_row(t, s, &row[r]);
}

#endif
