/* The losses that end a network, each with its gradient: the cross-entropies of rows of logits (softmax) and of single
 * ones (sigmoid).  A loss is the sum of terms that are not negative, so that its error is relative to itself: a row's is
 *     sum_j q_j * (log(sum_i e^x_i) - x_j) = sum_j q_j * (peak - x_j) + sum_j q_j * log(1 + others),
 * where q are the weights of the classes, peak is the largest logit, and others are all e^(x_i - peak) but its own. */

/* How a row's loss, the sum of q_j * (log(sum of all e^x) - x_j) over its classes, weighs them: q_j is
 *     ((1 - smoothing) * t_j + even) * class_weight_j,
 * t_j a probability, or 1 at the label and 0 elsewhere.  The gradient is multiplied by `scale`. */
struct fastact_cross_entropy {
    ptrdiff_t n;                    /* classes */
    const void *class_weight;       /* n contiguous elements; NULL: all are 1 */
    double smoothing, even, scale;
};

/* What is computed, a constant: whether classes have weights q of their own, be it from rows of probabilities or from label
 * smoothing, or only the label has one; and whether the gradient is written.  Until it is, its place holds e^(x - peak). */
typedef struct { int mixed, gradient; } variant;

/* q_j = (share * probability_j + even) * weight_j, but for the label's own. */
typedef struct { const char *probabilities; ptrdiff_t step; const char *weights; vec share, even; } mixture;

INLINE mixture mixture_of(const struct fastact_cross_entropy *c, const char *probabilities, ptrdiff_t step)
{
    return (mixture){probabilities, step, c->class_weight, splat((real)(1 - c->smoothing)), splat((real)c->even)};
}

/* A row (or, in lanes, rows), summed up: what its loss and its gradient are made of. */
typedef struct { pair others, distance, total; } row_sums;

/* One of the largest is left out of `others`, those equal to it, counted with it, are 1 each.  A peak that is infinite makes
 * all a NaN. */
INLINE pair with_ties(pair others, pair count, vec peak)
{
    pair ties = less_one(count);
    return add_pairs(others, (pair){ties.hi + (peak - peak), ties.lo});
}

/* A weight that is not negative times peak - x: of a weight of 0 nothing, however far x is.  A difference may overflow where
 * the product does not: then it is taken of halves. */
INLINE vec times_distance(vec weight, vec peak, vec x)
{
    vec distance = zero_where(equal(weight, splat(0)), peak - x), product = weight * distance;
    mask overflows = equal(distance, splat((real)INFINITY));
    if (any(overflows)) {
        vec half = splat((real)0.5), two = splat(2);
        product = choose(overflows, weight * (peak * half - x * half) * two, product);
    }
    return product;
}
/* A sum of what is not negative, as one number; it may be infinite. */
INLINE vec value_of(pair sum) { return sum.hi + zero_where(equal(sum.hi, splat((real)INFINITY)), sum.lo); }

/* The sum of the weights; finite, as it may be multiplied by 0. */
INLINE vec total_weight(row_sums s, vec own) { return minimum(splat(REAL_MAX), own + s.total.hi); }
/* What the label is off the peak, if that is no number of the type but its product with the weight may be one: among the
 * other distances. */
INLINE void add_overflowing(row_sums *s, vec *label_distance, vec own, vec peak, vec x_label)
{
    mask overflows = equal(*label_distance, splat((real)INFINITY));
    if (any(overflows)) {
        vec distance = s->distance.hi + times_distance(own, peak, x_label);
        s->distance.hi = choose(overflows, distance, s->distance.hi);
        *label_distance = zero_where(overflows, *label_distance);
    }
}
/* The loss of rows; `own` is the label's weight. */
INLINE vec row_loss(row_sums s, vec label_distance, vec own)
{
    vec distance = muladd(own, label_distance, value_of(s.distance)), total = total_weight(s, own);
    pair log = log1p_pair(s.others);
    return muladd(total, log.hi, muladd(total, log.lo, distance));
}
/* What probabilities are multiplied by, before the division by the sum of the row's exponentials. */
INLINE vec gradient_unit(pair others, vec scale)
{
    vec one = splat(1), sum = one + others.hi;
    pair inverse = invert((pair){sum, sum_error(one, others.hi, sum) + others.lo});
    return muladd(inverse.hi, scale, inverse.lo * scale);
}
/* The gradient at the label: probability - 1 as minus the sum of the others' probabilities. */
INLINE vec label_gradient(variant v, row_sums s, vec unit, vec scale, vec own, vec label_distance, vec e, vec q)
{
    vec others = choose(equal(label_distance, splat(0)), s.others.hi,
                        (splat(1) - e) + (s.others.hi + s.others.lo));
    vec mixed = splat(0);
    if (v.mixed)
        mixed = muladd(e, s.total.hi * unit, -(q * scale));
    return submul(mixed, own * unit, others);
}

/* Rows in memory. */

INLINE slice mix(mixture m, ptrdiff_t at, ptrdiff_t left)
{
    slice q;
    EACH_VECTOR q.v[i] = m.even;
    if (m.probabilities) {
        slice p = left ? load_last(m.probabilities + at, left, splat(0)) : load_slice(m.probabilities + at);
        EACH_VECTOR q.v[i] = muladd(m.share, p.v[i], m.even);
    }
    if (m.weights) {
        slice w = left ? load_last(m.weights + at, left, splat(0)) : load_slice(m.weights + at);
        EACH_VECTOR q.v[i] *= w.v[i];
    }
    return q;
}

/* What accumulates. */
typedef struct { pair others[VECTORS], distance[VECTORS], total[VECTORS]; vec count[VECTORS]; } accumulators;
typedef struct { pair others[VECTORS], distance[VECTORS], total[VECTORS], count[VECTORS]; } parts_before;

INLINE void set_all_aside(parts_before *whole, accumulators *a, variant v)
{
    set_aside(whole->others, a->others);
    set_counts_aside(whole->count, a->count);
    if (v.mixed) {
        set_aside(whole->distance, a->distance);
        set_aside(whole->total, a->total);
    }
}

/* Adds one slice or two, whose chains overlap; or, if `left`, the last elements of the row. */
INLINE void add_slices(accumulators *a, variant v, mixture m, const char *x, char *out, ptrdiff_t at, int slices,
                       ptrdiff_t left, vec peak)
{
    slice z[2], e[2];
    for (int k = 0; k < slices; k++)                /* e^0 past the end: e^-inf would be slow */
        e[k] = z[k] = left ? load_last(x + at, left, peak) : load_slice(x + at + k * STEP);
    exp_differences(e[0].v, slices * VECTORS, peak);
    for (int k = 0; k < slices; k++) {
        if (v.mixed) {
            slice q = mix(m, at + k * STEP, left);
            if (left)
                q = keep_last(q, left);
            EACH_VECTOR {
                a->distance[i] = accumulate(a->distance[i], times_distance(q.v[i], peak, z[k].v[i]));
                a->total[i] = accumulate(a->total[i], q.v[i]);
            }
        }
        EACH_VECTOR {
            vec others = zero_where(equal(z[k].v[i], peak), e[k].v[i]);
            vec one = zero_where(less(z[k].v[i], peak), splat(1));
            if (left)
                one = keep_first(one, lanes(left - i * WIDTH));
            a->count[i] += one;
            a->others[i] = accumulate(a->others[i], others);
        }
        if (v.gradient && !left)
            store_slice(out + at + k * STEP, e[k]);
        if (v.gradient && left)
            store_last(out + at, e[k], left);
    }
}

INLINE real lowest(vec v)
{
    real lane;
    memcpy(&lane, &v, sizeof lane);
    return lane;
}

/* Rows that wait for their logarithms, to be taken WIDTH at once; of pairs, hi and lo. */
enum { OTHERS, DISTANCE = 2, TOTAL = 4, LABEL_DISTANCE = 6, OWN, WAITING };
typedef real waiting[WAITING][WIDTH];

INLINE vec waiting_vec(waiting w, int which) { return load((const char *)w[which]); }
INLINE pair waiting_pair(waiting w, int which) { return (pair){waiting_vec(w, which), waiting_vec(w, which + 1)}; }
INLINE void losses_of(waiting w, ptrdiff_t rows, char *losses)
{
    row_sums s = {waiting_pair(w, OTHERS), waiting_pair(w, DISTANCE), waiting_pair(w, TOTAL)};
    store_part(losses, row_loss(s, waiting_vec(w, LABEL_DISTANCE), waiting_vec(w, OWN)), rows);
}

INLINE void cross_entropy_row(variant v, const struct fastact_cross_entropy *c, const char *x, int64_t label,
                              const char *probabilities, char *out, waiting w, int row)
{
    ptrdiff_t left = (c->n - 1) % ACCUMULATORS + 1, whole = (c->n - left) * ITEM, at = 0;
    mixture m = mixture_of(c, probabilities, 0);
    int labelled = probabilities == NULL;
    vec peak = peak_of_row((rows_task){SOFTMAX, 0, 0}, NULL, x, NULL, c->n), scale = splat((real)c->scale);
    vec weight = splat(labelled && m.weights ? real_at(m.weights + label * ITEM) : 1);
    vec own = splat(0), x_label = peak, label_distance = splat(0), e_label = splat(0);
    if (labelled) {
        own = m.share * weight;
        x_label = splat(real_at(x + label * ITEM));
        label_distance = peak - x_label;
    }

    accumulators a;
    parts_before before;
    memset(&a, 0, sizeof a);
    memset(&before, 0, sizeof before);
    ptrdiff_t pairs = whole - whole % (2 * STEP);
    while (at < pairs) {
        ptrdiff_t end = end_of_part(at, pairs);
        if (at)
            set_all_aside(&before, &a, v);
        for (; at < end; at += 2 * STEP)
            add_slices(&a, v, m, x, out, at, 2, 0, peak);
    }
    if (at < whole)
        add_slices(&a, v, m, x, out, at, 1, 0, peak);
    add_slices(&a, v, m, x, out, whole, 1, left, peak);

    pair zero = {splat(0), splat(0)};
    row_sums s = {with_ties(fold_parts(before.others, a.others, pairs),
                            fold_counts_of_parts(before.count, a.count, pairs), peak),
                  v.mixed ? fold_parts(before.distance, a.distance, pairs) : zero,
                  v.mixed ? fold_parts(before.total, a.total, pairs) : zero};
    s.total.hi = minimum(splat(REAL_MAX), s.total.hi);
    row_sums of = s;
    vec distance = label_distance;
    add_overflowing(&of, &distance, own, peak, x_label);
    const vec values[WAITING] = {of.others.hi, of.others.lo, of.distance.hi, of.distance.lo, of.total.hi, of.total.lo,
                                 distance, own};
    for (int i = 0; i < WAITING; i++)
        w[i][row] = lowest(values[i]);
    if (!v.gradient)
        return;

    vec unit = gradient_unit(s.others, scale), factor = total_weight(s, own) * unit;
    if (labelled)
        e_label = splat(real_at(out + label * ITEM));
    EACH_SLICE {
        slice e = load_slice(out + at);
        if (v.mixed) {
            slice q = mix(m, at, 0);
            EACH_VECTOR e.v[i] = muladd(e.v[i], factor, -(q.v[i] * scale));
        } else
            EACH_VECTOR e.v[i] *= factor;
        store_slice(out + at, e);
    }
    slice last = load_last(out + whole, left, splat(0));
    if (v.mixed) {
        slice q = mix(m, whole, left);
        EACH_VECTOR last.v[i] = muladd(last.v[i], factor, -(q.v[i] * scale));
    } else
        EACH_VECTOR last.v[i] *= factor;
    store_last(out + whole, last, left);
    if (labelled)
        put_real(out + label * ITEM, lowest(label_gradient(v, s, unit, scale, own, label_distance, e_label, m.even * weight)));
}

/* Down the lanes, for rows up to TURNED_ROW; what labels pick of x and `out` is found in the rows as they lie in memory. */

typedef struct { const char *rows; ptrdiff_t row_step, class_step; } places;

INLINE vec mix_lane(mixture m, ptrdiff_t j, ptrdiff_t columns)
{
    vec q = m.even;
    if (m.probabilities)
        q = muladd(m.share, load_part(m.probabilities + j * m.step, columns, splat(0)), m.even);
    if (m.weights)
        q *= splat(real_at(m.weights + j * ITEM));
    return q;
}

INLINE void cross_entropy_lanes(variant v, const struct fastact_cross_entropy *c, const char *x, ptrdiff_t x_step,
                                places from, const int64_t *labels, mixture m, char *out, ptrdiff_t out_step,
                                ptrdiff_t columns, char *losses, vec *at_labels)
{
    ptrdiff_t n = c->n;
    vec zero = splat(0), one = splat(1), scale = splat((real)c->scale);
    real at_label[WIDTH] = {0}, weights[WIDTH] = {0}, counts[WIDTH] = {0};
    for (ptrdiff_t i = 0; labels && i < columns; i++)
        if (labels[i] >= 0) {
            at_label[i] = real_at(from.rows + i * from.row_step + labels[i] * from.class_step);
            weights[i] = m.weights ? real_at(m.weights + labels[i] * ITEM) : 1;
            counts[i] = 1;
        }
    vec x_label = load((const char *)at_label), weight = load((const char *)weights), own = m.share * weight;

    vec peak = splat(-(real)INFINITY);
    for (ptrdiff_t j = 0; j < n; j++)
        peak = maximum(load_part(x + j * x_step, columns, zero), peak);
    pair nothing = {zero, zero}, others[2] = {nothing, nothing}, distance = nothing, total = nothing;
    vec count = zero;
    for (ptrdiff_t j = 0; j < n; j += 2) {          /* chains of two overlap */
        vec z[2] = {load_part(x + j * x_step, columns, peak), peak}, e[2];
        if (j + 1 < n)
            z[1] = load_part(x + (j + 1) * x_step, columns, peak);
        e[0] = z[0], e[1] = z[1];
        exp_differences(e, 2, peak);
        for (int i = 0; i < 2 && j + i < n; i++) {
            count += zero_where(less(z[i], peak), one);
            others[i] = accumulate(others[i], zero_where(equal(z[i], peak), e[i]));
            if (v.mixed) {
                vec q = mix_lane(m, j + i, columns);
                distance = accumulate(distance, times_distance(q, peak, z[i]));
                total = accumulate(total, q);
            }
            if (v.gradient)
                store_part(out + (j + i) * out_step, e[i], columns);
        }
    }
    vec label_distance = zero;
    if (labels)
        label_distance = peak - x_label;
    row_sums s = {with_ties(normalize(add_pairs(others[0], others[1])), (pair){count, zero}, peak), normalize(distance),
                  normalize(total)};
    s.total.hi = minimum(splat(REAL_MAX), s.total.hi);
    row_sums of = s;
    vec far = label_distance;
    add_overflowing(&of, &far, own, peak, x_label);
    vec loss = row_loss(of, far, own);
    if (labels)
        loss = zero_where(equal(load((const char *)counts), zero), loss);
    store_part(losses, loss, columns);
    if (!v.gradient)
        return;

    vec unit = gradient_unit(s.others, scale), factor = total_weight(s, own) * unit;
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
        exp_differences(&e_label, 1, peak);
        *at_labels = label_gradient(v, s, unit, scale, own, label_distance, e_label, m.even * weight);
    }
}

/* The gradient at labels, and of rows that do not count. */
INLINE void settle_labels(ptrdiff_t n, const int64_t *labels, vec at_labels, char *out, ptrdiff_t row_step,
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

/* WIDTH short rows, turned so that lanes are rows. */
INLINE void cross_entropy_turned(variant v, const struct fastact_cross_entropy *c, const char *x, ptrdiff_t x_step,
                                 const int64_t *labels, const char *probabilities, ptrdiff_t probabilities_step,
                                 char *out, ptrdiff_t out_step, char *losses)
{
    turned block, mixed;
    char *columns = (char *)&block;
    vec at_labels = splat(0);
    turn(x, x_step, c->n, &block);
    if (probabilities)
        turn(probabilities, probabilities_step, c->n, &mixed);
    cross_entropy_lanes(v, c, columns, VECTOR_BYTES, (places){x, x_step, ITEM}, labels,
                        mixture_of(c, probabilities ? (const char *)&mixed : NULL, VECTOR_BYTES), columns, VECTOR_BYTES,
                        WIDTH, losses, &at_labels);
    if (v.gradient)
        turn_back(&block, out, out_step, c->n);
    if (v.gradient && labels)
        settle_labels(c->n, labels, at_labels, out, out_step, ITEM, WIDTH);
}

/* A few rows, fewer than WIDTH, as WIDTH. */
INLINE void cross_entropy_few(variant v, const struct fastact_cross_entropy *c, const char *x, ptrdiff_t x_step,
                              const int64_t *labels, const char *probabilities, ptrdiff_t probabilities_step,
                              char *out, ptrdiff_t out_step, ptrdiff_t rows, char *losses)
{
    real few[WIDTH * TURNED_ROW], few_probabilities[WIDTH * TURNED_ROW], few_losses[WIDTH];
    int64_t few_labels[WIDTH] = {0};
    ptrdiff_t row = c->n * ITEM;
    memset(few, 0, (size_t)(WIDTH * row));
    if (probabilities)
        memset(few_probabilities, 0, (size_t)(WIDTH * row));
    for (ptrdiff_t i = 0; i < rows; i++) {
        memcpy((char *)few + i * row, x + i * x_step, (size_t)row);
        if (probabilities)
            memcpy((char *)few_probabilities + i * row, probabilities + i * probabilities_step, (size_t)row);
        else
            few_labels[i] = labels[i];
    }
    cross_entropy_turned(v, c, (const char *)few, row, probabilities ? NULL : few_labels,
                         probabilities ? (const char *)few_probabilities : NULL, row, (char *)few, row,
                         (char *)few_losses);
    memcpy(losses, few_losses, (size_t)(rows * ITEM));
    for (ptrdiff_t i = 0; v.gradient && i < rows; i++)
        memcpy(out + i * out_step, (char *)few + i * row, (size_t)row);
}

INLINE void cross_entropy(variant v, const struct fastact_cross_entropy *c, const char *x, ptrdiff_t x_step,
                          const int64_t *labels, const char *probabilities, ptrdiff_t probabilities_step, char *out,
                          ptrdiff_t out_step, ptrdiff_t rows, char *losses)
{
    waiting w;
    memset(w, 0, sizeof w);
    for (ptrdiff_t first = 0; first < rows; first += WIDTH) {
        ptrdiff_t count = lanes(rows - first);
        const char *p = probabilities ? probabilities + first * probabilities_step : NULL;
        const char *from = x + first * x_step;
        char *to = v.gradient ? out + first * out_step : NULL;
        const int64_t *l = labels ? labels + first : NULL;
        if (c->n <= TURNED_ROW && count == WIDTH)
            cross_entropy_turned(v, c, from, x_step, l, p, probabilities_step, to, out_step, losses + first * ITEM);
        else if (c->n <= TURNED_ROW)
            cross_entropy_few(v, c, from, x_step, l, p, probabilities_step, to, out_step, count, losses + first * ITEM);
        else {
            for (int i = 0; i < count; i++)
                if (!l || l[i] >= 0)
                    cross_entropy_row(v, c, from + i * x_step, l ? l[i] : 0, p ? p + i * probabilities_step : NULL,
                                      v.gradient ? to + i * out_step : NULL, w, i);
            losses_of(w, count, losses + first * ITEM);
            for (int i = 0; i < count; i++)
                if (l && l[i] < 0) {
                    put_real(losses + (first + i) * ITEM, 0);
                    if (v.gradient)
                        memset(to + i * out_step, 0, (size_t)(c->n * ITEM));
                }
        }
    }
}
/* Rows side by side. */
INLINE void cross_entropy_columns(variant v, const struct fastact_cross_entropy *c, const char *x, ptrdiff_t x_step,
                                  const int64_t *labels, const char *probabilities, ptrdiff_t probabilities_step,
                                  char *out, ptrdiff_t out_step, ptrdiff_t columns, char *losses)
{
    for (ptrdiff_t first = 0; first < columns; first += WIDTH) {
        ptrdiff_t count = lanes(columns - first);
        const char *from = x + first * ITEM;
        char *to = v.gradient ? out + first * ITEM : NULL;
        const int64_t *l = labels ? labels + first : NULL;
        vec at_labels = splat(0);
        cross_entropy_lanes(v, c, from, x_step, (places){from, ITEM, x_step}, l,
                            mixture_of(c, probabilities ? probabilities + first * ITEM : NULL, probabilities_step),
                            to, out_step, count, losses + first * ITEM, &at_labels);
        if (v.gradient && l)
            settle_labels(c->n, l, at_labels, to, ITEM, out_step, count);
    }
}

/* Logits, labels (-1: the row does not count) or probabilities, class weights, gradient and losses.  One constant variant
 * a call. */
/* Each variant is a function of its own: inlined into one, their arrays would add up on the stack. */
#define DEFINE_VARIANT(name, of, mixed, gradient) \
    static __attribute__((noinline)) void name(const struct fastact_cross_entropy *c, char *const *operands, \
                                               const ptrdiff_t *steps, ptrdiff_t rows) \
    { \
        of((variant){mixed, gradient}, c, operands[0], steps[0], (const int64_t *)operands[1], \
           mixed ? operands[2] : NULL, steps[2], operands[4], steps[4], rows, operands[5]); \
    }
#define DEFINE_CROSS_ENTROPY(name, of, steps) \
    DEFINE_VARIANT(name##_mixed_gradient, of, 1, 1) \
    DEFINE_VARIANT(name##_mixed, of, 1, 0) \
    DEFINE_VARIANT(name##_gradient, of, 0, 1) \
    DEFINE_VARIANT(name##_plain, of, 0, 0) \
    KERNEL(name) \
    { \
        const double *p = args->parameters; \
        const struct fastact_cross_entropy c = {n, operands[3], p[0], p[1], p[2]}; \
        (void)row_steps; \
        int mixed = operands[2] || c.even != 0, gradient = operands[4] != NULL; \
        if (mixed && gradient) \
            name##_mixed_gradient(&c, operands, steps, rows); \
        else if (mixed) \
            name##_mixed(&c, operands, steps, rows); \
        else if (gradient) \
            name##_gradient(&c, operands, steps, rows); \
        else \
            name##_plain(&c, operands, steps, rows); \
    }
DEFINE_CROSS_ENTROPY(softmax_cross_entropy_run, cross_entropy, row_steps)
DEFINE_CROSS_ENTROPY(softmax_cross_entropy_columns_run, cross_entropy_columns, args->steps)

/* sigmoid_cross_entropy: with a = 1 - t and b = weight * t,
 *     loss = a * log(1 + e^z) + b * log(1 + e^-z) = |z| * (z < 0 ? b : a) + (a + b) * log(1 + e^-|z|),
 * and its gradient a / (1 + e^-z) - b / (1 + e^z). */
struct fastact_binary_cross_entropy { double smoothing, even, scale; };
typedef struct { vec loss, gradient; } element;

INLINE element binary_cross_entropy(vec z, vec a, vec b, vec w, int weighted, int gradient, int careful)
{
    exp_parts e = unit_exponential(z, careful);
    decay l = log1p_decay(e, careful);
    vec log = or_nothing(muladd(l.q, l.error, l.q), l.k, careful) * l.unit;
    log = let_go(log, splat(-1), l.k, careful);
    mask negative = less(z, splat(0));
    vec near = choose(negative, b, a), far = choose(negative, a, b);
    vec line = zero_where(equal(near, splat(0)), absolute(z)) * near, loss = log + line;
    if (weighted)
        loss = muladd(a + b, log, line);
    element both = {loss * w, splat(0)};
    mask infinite = equal(loss, splat((real)INFINITY));
    if (any(infinite)) {                            /* what the weight makes of it may be a number, and 0 makes 0 */
        vec least = muladd((a + b) * w, log, absolute(z) * (near * w));
        both.loss = choose(infinite, choose(less(absolute(z), splat((real)INFINITY)), least,
                                            zero_where(equal(w, splat(0)), loss)), both.loss);
    }
    if (gradient) {
        decay d = decay_of(e, 1, careful);
        vec tail = or_nothing(muladd(d.q, d.error, d.q), d.k, careful) * d.unit;        /* 1 / (1 + e^|z|) */
        tail = let_go(tail, splat(-1), d.k, careful);
        vec slope = muladd(near, splat(1) - tail, -(far * tail));
        both.gradient = choose(negative, -slope, slope);
    }
    return both;
}

/* Where the operands of a run are; NULL is one that there is none of. */
typedef struct { const char *x, *targets, *weight, *pos_weight; char *grad, *losses; } operands_of_run;

INLINE void binary_slice(const struct fastact_binary_cross_entropy *c, operands_of_run o, ptrdiff_t at, ptrdiff_t left,
                         int gradient, int weighted)
{
#define TAKE(p) (left ? load_last((p) + at, left, splat(1)) : load_slice((p) + at))
    slice z = TAKE(o.x), t = TAKE(o.targets), w, positive = t, loss;
    EACH_VECTOR w.v[i] = splat(1);
    if (o.weight)
        w = TAKE(o.weight);
    if (weighted)
        positive = TAKE(o.pos_weight);
#undef TAKE
    mask beyond = less(splat(EXP_SMALL), absolute(z.v[0]));
    for (int i = 1; i < VECTORS; i++)
        beyond = either(beyond, less(splat(EXP_SMALL), absolute(z.v[i])));
    element e[VECTORS];
    slice a;
    vec share = splat((real)(1 - c->smoothing)), even = splat((real)c->even);
    EACH_VECTOR {
        a.v[i] = muladd(splat(1) - t.v[i], share, even);        /* 1 - t, not of a t that has been rounded */
        t.v[i] = muladd(t.v[i], share, even);
        if (weighted)
            t.v[i] *= positive.v[i];
    }
    if (any(beyond))
        EACH_VECTOR e[i] = binary_cross_entropy(z.v[i], a.v[i], t.v[i], w.v[i], weighted, gradient, 1);
    else
        EACH_VECTOR e[i] = binary_cross_entropy(z.v[i], a.v[i], t.v[i], w.v[i], weighted, gradient, 0);
    EACH_VECTOR loss.v[i] = e[i].loss;
    if (gradient)
        EACH_VECTOR z.v[i] = e[i].gradient * (w.v[i] * splat((real)c->scale));
    if (gradient && left)
        store_last(o.grad + at, z, left);
    if (gradient && !left)
        store_slice(o.grad + at, z);
    if (left)
        store_last(o.losses + at, loss, left);
    else
        store_slice(o.losses + at, loss);
}
INLINE void binary_run(const struct fastact_binary_cross_entropy *c, operands_of_run o, ptrdiff_t n, int gradient,
                       int weighted)
{
    ptrdiff_t left = n % ACCUMULATORS, whole = (n - left) * ITEM;
    EACH_SLICE {
        __builtin_prefetch(o.x + at + PREFETCH_AHEAD);
        binary_slice(c, o, at, 0, gradient, weighted);
    }
    if (left)
        binary_slice(c, o, whole, left, gradient, weighted);
}
#define OPTIONAL(k) (operands[k] ? OPERAND(k) : NULL)
KERNEL(sigmoid_cross_entropy_run)
{
    const double *p = args->parameters;
    const struct fastact_binary_cross_entropy c = {p[0], p[1], p[2]};
    for (ptrdiff_t i = 0; i < rows; i++) {
        operands_of_run o = {OPERAND(0), OPERAND(1), OPTIONAL(2), OPTIONAL(3), OPTIONAL(4), OPERAND(5)};
        if (o.grad && o.pos_weight)
            binary_run(&c, o, n, 1, 1);
        else if (o.grad)
            binary_run(&c, o, n, 1, 0);
        else if (o.pos_weight)
            binary_run(&c, o, n, 0, 1);
        else
            binary_run(&c, o, n, 0, 0);
    }
}

/* Losses added up, as a sum and its error. */
KERNEL(losses_sum)
{
    double *sum = (double *)operands[2], *error = (double *)operands[3];
    (void)args;
    for (ptrdiff_t i = 0; i < rows; i++) {
        const char *values = OPERAND(0);
        ptrdiff_t left = n % ACCUMULATORS, whole = (n - left) * ITEM;
        sums s[VECTORS];
        memset(s, 0, sizeof s);
        EACH_SLICE {
            slice v = load_slice(values + at);
            EACH_VECTOR s[i] = add_product(s[i], v.v[i], splat(1));
        }
        if (left) {
            slice v = load_last(values + whole, left, splat(0));
            EACH_VECTOR s[i] = add_product(s[i], v.v[i], splat(1));
        }
        add_folded(sum + i, error + i, s);
    }
}
#define LOSS_ENTRIES \
    {"softmax_cross_entropy", FASTACT_FORWARD, softmax_cross_entropy_run, softmax_cross_entropy_columns_run, .45f}, \
    {"sigmoid_cross_entropy", FASTACT_FORWARD, sigmoid_cross_entropy_run, NULL, .45f}, \
    {"losses", FASTACT_SUM, losses_sum, NULL, .04f},

/* Labels, as they are read. */
#define READ(type, unit) \
    for (ptrdiff_t i = 0; i < n; i++, from += stride) { \
        type value; \
        memcpy(&value, from, sizeof value); \
        to[i] = (unit)value; \
    } \
    break;

static ptrdiff_t load_labels(int kind, const void *source, ptrdiff_t stride, ptrdiff_t n, int64_t classes,
                             const int64_t *ignored, int64_t *to)
{
    const char *from = source;
    switch (kind) {
    case FASTACT_INT8: READ(int8_t, int64_t)
    case FASTACT_INT16: READ(int16_t, int64_t)
    case FASTACT_INT32: READ(int32_t, int64_t)
    case FASTACT_INT64:
        if (stride == sizeof(int64_t)) {
            memcpy(to, from, (size_t)n * sizeof(int64_t));
            break;
        }
        READ(int64_t, int64_t)
    case FASTACT_UINT8: READ(uint8_t, int64_t)
    case FASTACT_UINT16: READ(uint16_t, int64_t)
    case FASTACT_UINT32: READ(uint32_t, int64_t)
    case FASTACT_UINT64:
        for (ptrdiff_t i = 0; i < n; i++, from += stride) {
            uint64_t value;
            memcpy(&value, from, sizeof value);
            to[i] = value < INT64_MAX ? (int64_t)value : INT64_MAX;     /* no class, nor a label to ignore */
        }
    }
    int64_t bad = 0, skips = ignored ? -1 : 0, skip = ignored ? *ignored : 0;
    for (ptrdiff_t i = 0; i < n; i++)
        bad |= -(int64_t)((uint64_t)to[i] >= (uint64_t)classes) & ~(-(int64_t)(to[i] == skip) & skips);
    if (bad)
        for (ptrdiff_t i = 0; i < n; i++)
            if ((uint64_t)to[i] >= (uint64_t)classes && !(ignored && to[i] == skip))
                return i;
    for (ptrdiff_t i = 0; ignored && i < n; i++)
        to[i] = to[i] == skip ? -1 : to[i];
    return n;
}
static void pick(const void *weights, const int64_t *labels, ptrdiff_t n, void *picked)
{
    for (ptrdiff_t i = 0; i < n; i++)
        put_real((char *)picked + i * ITEM, labels[i] < 0 ? 0 : real_at((const char *)weights + labels[i] * ITEM));
}
/* The first of n numbers that is less than 0 or more than 1; n if none is. */
static ptrdiff_t first_beyond_unit(const void *values_, ptrdiff_t n)
{
    const char *values = values_;
    ptrdiff_t i = 0;
    for (; n - i >= ACCUMULATORS; i += ACCUMULATORS) {
        slice v = load_slice(values + i * ITEM);
        mask beyond = either(less(v.v[0], splat(0)), less(splat(1), v.v[0]));
        for (int k = 1; k < VECTORS; k++)
            beyond = either(beyond, either(less(v.v[k], splat(0)), less(splat(1), v.v[k])));
        if (any(beyond))
            break;
    }
    for (; i < n; i++) {
        real value = real_at(values + i * ITEM);
        if (value < 0 || value > 1)
            return i;
    }
    return n;
}
