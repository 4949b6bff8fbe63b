/* softmax_cross_entropy: of a row x with weights q_j of its classes,
 *     sum_j q_j * (log(sum_i e^x_i) - x_j) = sum_j q_j * (row_max - x_j) + sum_j q_j * log(1 + sum_without_max),
 * where sum_without_max is the sum of all e^(x_i - row_max) but that of the maximum.
 * Method: a sum of terms that are not negative, so that the error is relative to the loss; all sums compensated
 *     (derived here).
 * Error: bound 4.0 ulp of the loss, 4.0 of the sum of absolute terms of the gradient, in both types.
 * Fast path: vectors without a subnormal exponential.
 * Special values: a weight of 0 drops its class however far x_j is; an infinite row_max gives NaN; a label of -1 gives
 *     0.  A row's own weight multiplies its loss, with one rounding more, and what the gradient is multiplied by. */
#ifndef FASTACT_SOFTMAX_CROSS_ENTROPY_H
#define FASTACT_SOFTMAX_CROSS_ENTROPY_H

#include "../kernel.h"
#include "../rowwise/softmax.h"
#include "../rowwise/transpose.h"

/* The weights of the classes: q_j = ((1 - smoothing) * t_j + even) * class_weight_j (label smoothing: Szegedy et al.
 * 2016), t_j a probability, or 1 at the label and 0 elsewhere.  The gradient is multiplied by `scale`. */
struct cross_entropy_args {
    ptrdiff_t n;              /* number of classes */
    const void *class_weight; /* n contiguous elements; NULL: all are 1 */
    double smoothing, even, scale;
};

/* What is computed, a compile-time constant: `mixed` if every class has a weight, be it from probabilities or from
 * label smoothing, else only the label has one; and whether the gradient is written.  Until then its place holds e^(x
 * - row_max). */
typedef struct {
    int mixed, gradient;
} variant;

/* q_j = (share * probability_j + even) * weight_j, without the label's own part. */
typedef struct {
    const char *probabilities;
    ptrdiff_t step;
    const char *weights;
    vec share, even;
} mixture;

INLINE mixture mixture_of(const struct cross_entropy_args *c, const char *probabilities, ptrdiff_t step)
{
    return (mixture){probabilities, step, c->class_weight, splat((real)(1 - c->smoothing)), splat((real)c->even)};
}

/* The sums of a row (in lanes: of rows) that its loss and gradient are made of. */
typedef struct {
    pair sum_without_max, distance, total;
} row_sums;

/* Adds the ties: every other element equal to the maximum contributes 1.  An infinite row_max makes all NaN. */
INLINE pair with_ties(pair sum_without_max, pair count, vec row_max)
{
    pair ties = minus_one(count);
    return add_pairs(sum_without_max, (pair){ties.hi + (row_max - row_max), ties.lo});
}

/* weight * (row_max - x), weight not negative: 0 for a weight of 0, however far x is.  Where the difference overflows
 * but the product may not, halves are subtracted. */
INLINE vec times_distance(vec weight, vec row_max, vec x)
{
    vec infinity = splat((real)INFINITY), distance = row_max - x, product = weight * distance;
    if (any(equal(distance, infinity))) {
        vec half = splat((real)0.5), two = splat(2);
        distance = zero_where(equal(weight, splat(0)), distance);
        product = choose(equal(distance, infinity), weight * (row_max * half - x * half) * two, weight * distance);
    }
    return product;
}
/* A sum of terms that are not negative, as one number; it may be infinite. */
INLINE vec value_of(pair sum) { return sum.hi + zero_where(equal(sum.hi, splat((real)INFINITY)), sum.lo); }

/* The sum of the weights; finite, as it may be multiplied by 0. */
INLINE vec total_weight(row_sums s, vec label_weight) { return minimum(splat(REAL_MAX), label_weight + s.total.hi); }
/* Where row_max minus the label's logit overflows, its product with the weight may not: it is added to the other
 * distances. */
INLINE void add_overflowing(row_sums *s, vec *label_distance, vec label_weight, vec row_max, vec x_label)
{
    mask overflows = equal(*label_distance, splat((real)INFINITY));
    if (any(overflows)) {
        vec distance = s->distance.hi + times_distance(label_weight, row_max, x_label);
        s->distance.hi = choose(overflows, distance, s->distance.hi);
        *label_distance = zero_where(overflows, *label_distance);
    }
}
/* The loss of rows; `label_weight` is the label's own weight. */
INLINE vec row_loss(row_sums s, vec label_distance, vec label_weight)
{
    vec distance = muladd(label_weight, label_distance, value_of(s.distance)), total = total_weight(s, label_weight);
    pair log = log1p_pair(s.sum_without_max);
    return muladd(total, log.hi, muladd(total, log.lo, distance));
}
/* The losses of rows times their own weights, one a row; a weight of 0 drops an infinite loss.  NULL: all are 1. */
INLINE vec weighted_loss(vec loss, const char *row_weights, ptrdiff_t rows)
{
    if (!row_weights)
        return loss;
    vec weight = load_part(row_weights, rows, splat(1));
    mask drops = equal(loss, splat((real)INFINITY));
    return choose(drops, zero_where(equal(weight, splat(0)), loss), weight * loss);
}
/* scale / (sum of exponentials): what turns e^(x - row_max) into scale * probability. */
INLINE vec gradient_unit(pair sum_without_max, vec scale)
{
    vec one = splat(1), sum = one + sum_without_max.hi;
    pair inverse = invert((pair){sum, sum_error(one, sum_without_max.hi, sum) + sum_without_max.lo});
    return muladd(inverse.hi, scale, inverse.lo * scale);
}
/* The gradient at the label: probability - 1, as minus the sum of the other probabilities. */
INLINE vec label_gradient(variant v, row_sums s, vec unit, vec scale, vec label_weight, vec label_distance, vec e,
                          vec q)
{
    vec others = choose(equal(label_distance, splat(0)), s.sum_without_max.hi,
                        (splat(1) - e) + (s.sum_without_max.hi + s.sum_without_max.lo));
    vec mixed = splat(0);
    if (v.mixed)
        mixed = muladd(e, s.total.hi * unit, -(q * scale));
    return submul(mixed, label_weight * unit, others);
}

/* Rows in memory. */

INLINE slice mix(mixture m, ptrdiff_t at, ptrdiff_t left)
{
    slice q;
    EACH_VECTOR(i)
        q.v[i] = m.even;
    if (m.probabilities) {
        slice p = left ? load_last(m.probabilities + at, left, splat(0)) : load_slice(m.probabilities + at);
        EACH_VECTOR(i)
            q.v[i] = muladd(m.share, p.v[i], m.even);
    }
    if (m.weights) {
        slice w = left ? load_last(m.weights + at, left, splat(0)) : load_slice(m.weights + at);
        EACH_VECTOR(i)
            q.v[i] *= w.v[i];
    }
    return q;
}

/* The accumulators of a row, and those of the parts before. */
typedef struct {
    pair sum_without_max[VECTORS], distance[VECTORS], total[VECTORS];
    vec count[VECTORS];
} loss_sums;
typedef struct {
    pair sum_without_max[VECTORS], distance[VECTORS], total[VECTORS], count[VECTORS];
} loss_parts;

INLINE void add_all_parts(loss_parts *whole, loss_sums *a, variant v)
{
    add_part(whole->sum_without_max, a->sum_without_max);
    add_count_part(whole->count, a->count);
    if (v.mixed) {
        add_part(whole->distance, a->distance);
        add_part(whole->total, a->total);
    }
}

/* e^(v - row_max) in the place of v. */
INLINE void exp_less_max(vec *v, int count, const origin *o, int near)
{
    if (near)
        exponentials(TASK(SOFTMAX), NULL, v, count, o, NULL, 1);
    else
        exponentials(TASK(SOFTMAX), NULL, v, count, o, NULL, 0);
}
/* Adds one or two slices, whose chains overlap; or the last `left` elements of the row. */
INLINE void add_slices(loss_sums *a, variant v, mixture m, const char *x, char *out, ptrdiff_t at, int slices,
                       ptrdiff_t left, vec row_max, const origin *o, int near)
{
    slice z[2], e[2];
    for (int k = 0; k < slices; k++) /* lanes past the end give e^0: e^-inf would be slow */
        e[k] = z[k] = left ? load_last(x + at, left, row_max) : load_slice(x + at + k * STEP);
    exp_less_max(e[0].v, slices * VECTORS, o, near);
    for (int k = 0; k < slices; k++) {
        if (v.mixed) {
            slice q = mix(m, at + k * STEP, left);
            if (left)
                q = keep_last(q, left);
            EACH_VECTOR(i) {
                a->distance[i] = accumulate(a->distance[i], times_distance(q.v[i], row_max, z[k].v[i]));
                a->total[i] = accumulate(a->total[i], q.v[i]);
            }
        }
        EACH_VECTOR(i) {
            vec without_max = zero_where(equal(z[k].v[i], row_max), e[k].v[i]);
            vec one = zero_where(less(z[k].v[i], row_max), splat(1));
            if (left)
                one = keep_first(one, lanes(left - i * WIDTH));
            a->count[i] += one;
            a->sum_without_max[i] = accumulate(a->sum_without_max[i], without_max);
        }
        if (v.gradient && !left)
            store_slice(out + at + k * STEP, e[k]);
        if (v.gradient && left)
            store_last(out + at, e[k], left);
    }
}

INLINE real first_lane(vec v)
{
    real lane;
    memcpy(&lane, &v, sizeof lane);
    return lane;
}

/* Rows pending their logarithms, which are taken WIDTH at a time; of pairs, hi and lo. */
enum { SUM_WITHOUT_MAX, DISTANCE = 2, TOTAL = 4, LABEL_DISTANCE = 6, LABEL_WEIGHT, PENDING };
typedef real pending[PENDING][WIDTH];

INLINE vec pending_vec(pending w, int which) { return load((const char *)w[which]); }
INLINE pair pending_pair(pending w, int which) { return (pair){pending_vec(w, which), pending_vec(w, which + 1)}; }
INLINE void losses_of(pending w, ptrdiff_t rows, const char *row_weights, char *losses)
{
    row_sums s = {pending_pair(w, SUM_WITHOUT_MAX), pending_pair(w, DISTANCE), pending_pair(w, TOTAL)};
    vec loss = row_loss(s, pending_vec(w, LABEL_DISTANCE), pending_vec(w, LABEL_WEIGHT));
    store_part(losses, weighted_loss(loss, row_weights, rows), rows);
}

INLINE void cross_entropy_row(variant v, const struct cross_entropy_args *c, const char *x, int64_t label,
                              const char *probabilities, const char *row_weight, char *out, pending w, int row)
{
    ptrdiff_t left = (c->n - 1) % ACCUMULATORS + 1, whole = (c->n - left) * ITEM, at = 0;
    mixture m = mixture_of(c, probabilities, 0);
    int labelled = probabilities == NULL;
    extremes range = extremes_of_row(TASK(SOFTMAX), NULL, x, NULL, c->n);
    vec row_max = range.max, scale = splat((real)c->scale);
    origin o = origin_of(TASK(SOFTMAX), NULL, row_max);
    int near = !any_far(&o, range.min);
    if (row_weight)
        scale *= splat(real_at(row_weight));
    vec weight = splat(labelled && m.weights ? real_at(m.weights + label * ITEM) : 1);
    vec label_weight = splat(0), x_label = row_max, label_distance = splat(0), e_label = splat(0);
    if (labelled) {
        label_weight = m.share * weight;
        x_label = splat(real_at(x + label * ITEM));
        label_distance = row_max - x_label;
    }

    loss_sums a;
    loss_parts before;
    memset(&a, 0, sizeof a);
    memset(&before, 0, sizeof before);
    ptrdiff_t pairs = whole - whole % (2 * STEP);
    while (at < pairs) {
        ptrdiff_t end = end_of_part(at, pairs);
        if (at)
            add_all_parts(&before, &a, v);
        for (; at < end; at += 2 * STEP)
            add_slices(&a, v, m, x, out, at, 2, 0, row_max, &o, near);
    }
    if (at < whole)
        add_slices(&a, v, m, x, out, at, 1, 0, row_max, &o, near);
    add_slices(&a, v, m, x, out, whole, 1, left, row_max, &o, near);

    pair zero = {splat(0), splat(0)};
    row_sums s = {with_ties(fold_parts(before.sum_without_max, a.sum_without_max, pairs),
                            fold_counts_of_parts(before.count, a.count, pairs), row_max),
                  v.mixed ? fold_parts(before.distance, a.distance, pairs) : zero,
                  v.mixed ? fold_parts(before.total, a.total, pairs) : zero};
    s.total.hi = minimum(splat(REAL_MAX), s.total.hi);
    row_sums of = s;
    vec distance = label_distance;
    add_overflowing(&of, &distance, label_weight, row_max, x_label);
    const vec values[PENDING] = {of.sum_without_max.hi, of.sum_without_max.lo, of.distance.hi, of.distance.lo,
                                 of.total.hi,           of.total.lo,           distance,       label_weight};
    for (int i = 0; i < PENDING; i++)
        w[i][row] = first_lane(values[i]);
    if (!v.gradient)
        return;

    vec unit = gradient_unit(s.sum_without_max, scale), factor = total_weight(s, label_weight) * unit;
    if (labelled)
        e_label = splat(real_at(out + label * ITEM));
    EACH_SLICE(at, whole) {
        slice e = load_slice(out + at);
        if (v.mixed) {
            slice q = mix(m, at, 0);
            EACH_VECTOR(i)
                e.v[i] = muladd(e.v[i], factor, -(q.v[i] * scale));
        } else
            EACH_VECTOR(i)
                e.v[i] *= factor;
        store_slice(out + at, e);
    }
    slice last = load_last(out + whole, left, splat(0));
    if (v.mixed) {
        slice q = mix(m, whole, left);
        EACH_VECTOR(i)
            last.v[i] = muladd(last.v[i], factor, -(q.v[i] * scale));
    } else
        EACH_VECTOR(i)
            last.v[i] *= factor;
    store_last(out + whole, last, left);
    if (labelled)
        put_real(out + label * ITEM,
                 first_lane(label_gradient(v, s, unit, scale, label_weight, label_distance, e_label, m.even * weight)));
}

/* Rows across lanes, of up to TRANSPOSED_ROW classes; what labels pick from x and `out` is found in the rows as they
 * lie in memory. */

typedef struct {
    const char *rows;
    ptrdiff_t row_step, class_step;
} row_layout;

INLINE vec mix_lane(mixture m, ptrdiff_t j, ptrdiff_t columns)
{
    vec q = m.even;
    if (m.probabilities)
        q = muladd(m.share, load_part(m.probabilities + j * m.step, columns, splat(0)), m.even);
    if (m.weights)
        q *= splat(real_at(m.weights + j * ITEM));
    return q;
}

INLINE void cross_entropy_lanes(variant v, const struct cross_entropy_args *c, const char *x, ptrdiff_t x_step,
                                row_layout from, const int64_t *labels, mixture m, const char *row_weights, char *out,
                                ptrdiff_t out_step, ptrdiff_t columns, char *losses, vec *at_labels)
{
    ptrdiff_t n = c->n;
    vec zero = splat(0), one = splat(1), scale = splat((real)c->scale);
    if (row_weights)
        scale *= load_part(row_weights, columns, one);
    real at_label[WIDTH] = {0}, weights[WIDTH] = {0}, counts[WIDTH] = {0};
    for (ptrdiff_t i = 0; labels && i < columns; i++)
        if (labels[i] >= 0) {
            at_label[i] = real_at(from.rows + i * from.row_step + labels[i] * from.class_step);
            weights[i] = m.weights ? real_at(m.weights + labels[i] * ITEM) : 1;
            counts[i] = 1;
        }
    vec x_label = load((const char *)at_label), weight = load((const char *)weights), label_weight = m.share * weight;

    vec row_max = splat(-(real)INFINITY), row_min = splat((real)INFINITY);
    for (ptrdiff_t j = 0; j < n; j++) {
        vec z = load_part(x + j * x_step, columns, zero);
        row_max = maximum(z, row_max), row_min = minimum(z, row_min);
    }
    origin o = origin_of(TASK(SOFTMAX), NULL, row_max);
    int near = !any_far(&o, row_min);
    pair nothing = {zero, zero}, sum_without_max[2] = {nothing, nothing}, distance = nothing, total = nothing;
    vec count = zero;
    for (ptrdiff_t j = 0; j < n; j += 2) { /* chains of two overlap */
        vec z[2] = {load_part(x + j * x_step, columns, row_max), row_max}, e[2];
        if (j + 1 < n)
            z[1] = load_part(x + (j + 1) * x_step, columns, row_max);
        e[0] = z[0], e[1] = z[1];
        exp_less_max(e, 2, &o, near);
        for (int i = 0; i < 2 && j + i < n; i++) {
            count += zero_where(less(z[i], row_max), one);
            sum_without_max[i] = accumulate(sum_without_max[i], zero_where(equal(z[i], row_max), e[i]));
            if (v.mixed) {
                vec q = mix_lane(m, j + i, columns);
                distance = accumulate(distance, times_distance(q, row_max, z[i]));
                total = accumulate(total, q);
            }
            if (v.gradient)
                store_part(out + (j + i) * out_step, e[i], columns);
        }
    }
    vec label_distance = zero;
    if (labels)
        label_distance = row_max - x_label;
    row_sums s = {with_ties(normalize(add_pairs(sum_without_max[0], sum_without_max[1])), (pair){count, zero}, row_max),
                  normalize(distance), normalize(total)};
    s.total.hi = minimum(splat(REAL_MAX), s.total.hi);
    row_sums of = s;
    vec far = label_distance;
    add_overflowing(&of, &far, label_weight, row_max, x_label);
    vec loss = row_loss(of, far, label_weight);
    if (labels)
        loss = zero_where(equal(load((const char *)counts), zero), loss);
    store_part(losses, weighted_loss(loss, row_weights, columns), columns);
    if (!v.gradient)
        return;

    vec unit = gradient_unit(s.sum_without_max, scale), factor = total_weight(s, label_weight) * unit;
    for (ptrdiff_t j = 0; j < n; j++) {
        vec e = load_part(out + j * out_step, columns, zero);
        if (v.mixed)
            e = muladd(e, factor, -(mix_lane(m, j, columns) * scale));
        else
            e *= factor;
        store_part(out + j * out_step, e, columns);
    }
    if (labels) {
        vec e_label = x_label;
        exp_less_max(&e_label, 1, &o, near);
        *at_labels = label_gradient(v, s, unit, scale, label_weight, label_distance, e_label, m.even * weight);
    }
}

/* Writes the gradient at the labels, and 0 for rows that are ignored. */
INLINE void store_label_gradients(ptrdiff_t n, const int64_t *labels, vec at_labels, char *out, ptrdiff_t row_step,
                                  ptrdiff_t class_step, ptrdiff_t rows)
{
    real values[WIDTH];
    memcpy(values, &at_labels, sizeof values);
    for (ptrdiff_t i = 0; i < rows; i++) {
        char *row = out + i * row_step;
        if (labels[i] >= 0)
            put_real(row + labels[i] * class_step, values[i]);
        else
            for (ptrdiff_t j = 0; j < n; j++)
                put_real(row + j * class_step, 0);
    }
}

/* WIDTH short rows, transposed so that lanes are rows. */
typedef void transposed_rows(const struct cross_entropy_args *c, const char *x, ptrdiff_t x_step, const int64_t *labels,
                             const char *probabilities, ptrdiff_t probabilities_step, const char *row_weights,
                             char *out, ptrdiff_t out_step, char *losses);
INLINE void cross_entropy_transposed(variant v, const struct cross_entropy_args *c, const char *x, ptrdiff_t x_step,
                                     const int64_t *labels, const char *probabilities, ptrdiff_t probabilities_step,
                                     const char *row_weights, char *out, ptrdiff_t out_step, char *losses)
{
    transposed block, mixed;
    char *columns = (char *)&block;
    vec at_labels = splat(0);
    load_transposed(x, x_step, c->n, &block);
    if (probabilities)
        load_transposed(probabilities, probabilities_step, c->n, &mixed);
    cross_entropy_lanes(v, c, columns, VECTOR_BYTES, (row_layout){x, x_step, ITEM}, labels,
                        mixture_of(c, probabilities ? (const char *)&mixed : NULL, VECTOR_BYTES), row_weights, columns,
                        VECTOR_BYTES, WIDTH, losses, &at_labels);
    if (v.gradient)
        store_transposed(&block, out, out_step, c->n);
    if (v.gradient && labels)
        store_label_gradients(c->n, labels, at_labels, out, out_step, ITEM, WIDTH);
}

/* Fewer than WIDTH rows, padded to WIDTH. */
INLINE void cross_entropy_padded(transposed_rows *transposed_run, variant v, const struct cross_entropy_args *c,
                                 const char *x, ptrdiff_t x_step, const int64_t *labels, const char *probabilities,
                                 ptrdiff_t probabilities_step, const char *row_weights, char *out, ptrdiff_t out_step,
                                 ptrdiff_t rows, char *losses)
{
    real padded_weights[WIDTH] = {0}, padded[WIDTH * TRANSPOSED_ROW], padded_probabilities[WIDTH * TRANSPOSED_ROW],
         padded_losses[WIDTH];
    int64_t padded_labels[WIDTH] = {0};
    ptrdiff_t row = c->n * ITEM;
    memset(padded, 0, (size_t)(WIDTH * row));
    if (probabilities)
        memset(padded_probabilities, 0, (size_t)(WIDTH * row));
    if (row_weights)
        memcpy(padded_weights, row_weights, (size_t)(rows * ITEM));
    for (ptrdiff_t i = 0; i < rows; i++) {
        memcpy((char *)padded + i * row, x + i * x_step, (size_t)row);
        if (probabilities)
            memcpy((char *)padded_probabilities + i * row, probabilities + i * probabilities_step, (size_t)row);
        else
            padded_labels[i] = labels[i];
    }
    transposed_run(c, (const char *)padded, row, probabilities ? NULL : padded_labels,
                   probabilities ? (const char *)padded_probabilities : NULL, row,
                   row_weights ? (const char *)padded_weights : NULL, (char *)padded, row, (char *)padded_losses);
    memcpy(losses, padded_losses, (size_t)(rows * ITEM));
    for (ptrdiff_t i = 0; v.gradient && i < rows; i++)
        memcpy(out + i * out_step, (char *)padded + i * row, (size_t)row);
}

INLINE void cross_entropy(transposed_rows *transposed_run, variant v, const struct cross_entropy_args *c, const char *x,
                          ptrdiff_t x_step, const int64_t *labels, const char *probabilities,
                          ptrdiff_t probabilities_step, const char *row_weights, char *out, ptrdiff_t out_step,
                          ptrdiff_t rows, char *losses)
{
    pending w;
    memset(w, 0, sizeof w);
    for (ptrdiff_t first = 0; first < rows; first += WIDTH) {
        ptrdiff_t count = lanes(rows - first);
        const char *p = probabilities ? probabilities + first * probabilities_step : NULL;
        const char *from = x + first * x_step, *r = row_weights ? row_weights + first * ITEM : NULL;
        char *to = v.gradient ? out + first * out_step : NULL;
        const int64_t *l = labels ? labels + first : NULL;
        if (c->n <= TRANSPOSED_ROW && count == WIDTH)
            transposed_run(c, from, x_step, l, p, probabilities_step, r, to, out_step, losses + first * ITEM);
        else if (c->n <= TRANSPOSED_ROW)
            cross_entropy_padded(transposed_run, v, c, from, x_step, l, p, probabilities_step, r, to, out_step, count,
                                 losses + first * ITEM);
        else {
            for (int i = 0; i < count; i++)
                if (!l || l[i] >= 0)
                    cross_entropy_row(v, c, from + i * x_step, l ? l[i] : 0, p ? p + i * probabilities_step : NULL,
                                      r ? r + i * ITEM : NULL, v.gradient ? to + i * out_step : NULL, w, i);
            losses_of(w, count, r, losses + first * ITEM);
            for (int i = 0; i < count; i++)
                if (l && l[i] < 0) {
                    put_real(losses + (first + i) * ITEM, 0);
                    if (v.gradient)
                        memset(to + i * out_step, 0, (size_t)(c->n * ITEM));
                }
        }
    }
}
/* Rows side by side in memory. */
INLINE void cross_entropy_columns(variant v, const struct cross_entropy_args *c, const char *x, ptrdiff_t x_step,
                                  const int64_t *labels, const char *probabilities, ptrdiff_t probabilities_step,
                                  const char *row_weights, char *out, ptrdiff_t out_step, ptrdiff_t columns,
                                  char *losses)
{
    for (ptrdiff_t first = 0; first < columns; first += WIDTH) {
        ptrdiff_t count = lanes(columns - first);
        const char *from = x + first * ITEM;
        char *to = v.gradient ? out + first * ITEM : NULL;
        const int64_t *l = labels ? labels + first : NULL;
        vec at_labels = splat(0);
        cross_entropy_lanes(v, c, from, x_step, (row_layout){from, ITEM, x_step}, l,
                            mixture_of(c, probabilities ? probabilities + first * ITEM : NULL, probabilities_step),
                            row_weights ? row_weights + first * ITEM : NULL, to, out_step, count, losses + first * ITEM,
                            &at_labels);
        if (v.gradient && l)
            store_label_gradients(c->n, l, at_labels, to, ITEM, out_step, count);
    }
}

/* Operands: logits, labels (-1: ignored) or probabilities, class weights, gradient, losses, row weights.  Each variant is
 * functions of its own: inlined into one, their arrays would add up on the stack. */
#define LOSS_OPERANDS(mixed) \
    c, operands[0], steps[0], (const int64_t *)operands[1], mixed ? operands[2] : NULL, steps[2], operands[6], \
        operands[4], steps[4], rows, operands[5]
#define DEFINE_VARIANT(name, mixed, gradient) \
    SHARED void transposed_##name(const struct cross_entropy_args *c, const char *x, ptrdiff_t x_step, \
                                  const int64_t *labels, const char *probabilities, ptrdiff_t probabilities_step, \
                                  const char *row_weights, char *out, ptrdiff_t out_step, char *losses) \
    { \
        cross_entropy_transposed((variant){mixed, gradient}, c, x, x_step, labels, mixed ? probabilities : NULL, \
                                 probabilities_step, row_weights, out, out_step, losses); \
    } \
    SHARED void rows_##name(const struct cross_entropy_args *c, char *const *operands, const ptrdiff_t *steps, \
                            ptrdiff_t rows) \
    { \
        cross_entropy(transposed_##name, (variant){mixed, gradient}, LOSS_OPERANDS(mixed)); \
    } \
    SHARED void columns_##name(const struct cross_entropy_args *c, char *const *operands, const ptrdiff_t *steps, \
                               ptrdiff_t rows) \
    { \
        cross_entropy_columns((variant){mixed, gradient}, LOSS_OPERANDS(mixed)); \
    }
DEFINE_VARIANT(mixed_gradient, 1, 1)
DEFINE_VARIANT(mixed, 1, 0)
DEFINE_VARIANT(gradient, 0, 1)
DEFINE_VARIANT(plain, 0, 0)

#define DEFINE_CROSS_ENTROPY(name, of, steps) \
    KERNEL(name) \
    { \
        const double *p = args->parameters; \
        const struct cross_entropy_args c = {n, operands[3], p[0], p[0] / (double)n, 1 / p[1]}; \
        (void)row_steps; \
        int mixed = operands[2] || c.even != 0, gradient = operands[4] != NULL; \
        if (mixed && gradient) \
            of##_mixed_gradient(&c, operands, steps, rows); \
        else if (mixed) \
            of##_mixed(&c, operands, steps, rows); \
        else if (gradient) \
            of##_gradient(&c, operands, steps, rows); \
        else \
            of##_plain(&c, operands, steps, rows); \
    }
DEFINE_CROSS_ENTROPY(softmax_cross_entropy_run, rows, row_steps)
DEFINE_CROSS_ENTROPY(softmax_cross_entropy_columns_run, columns, args->steps)

#endif
