/* The losses that end a network, each with its gradient: the cross-entropies of rows of logits (softmax) and of single
 * ones (sigmoid).  A loss is the sum of terms that are not negative, so that its error is relative to itself: a row's is
 *     sum_j q_j * (log(sum_i e^x_i) - x_j) = sum_j q_j * (peak - x_j) + sum_j q_j * log(1 + others),
 * where q are the weights of the classes, peak is the largest logit, and others are all e^(x_i - peak) but its own. */

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
INLINE pair with_ties(pair others, vec count, vec peak)
{
    return add_pairs(others, (pair){(count - splat(1)) + (peak - peak), splat(0)});
}

/* The loss of rows; `own` is the label's weight. */
INLINE vec row_loss(row_sums s, vec label_distance, vec own)
{
    label_distance = zero_where(equal(own, splat(0)), label_distance);      /* may be infinite */
    vec distance = muladd(own, label_distance, s.distance.hi + s.distance.lo), total = own + s.total.hi;
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
                vec distance = zero_where(equal(q.v[i], splat(0)), peak - z[k].v[i]);       /* may be infinite */
                a->distance[i] = accumulate(a->distance[i], q.v[i] * distance);
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
INLINE real real_at(const char *p)
{
    real value;
    memcpy(&value, p, sizeof value);
    return value;
}
INLINE void put_real(char *p, real value) { memcpy(p, &value, sizeof value); }

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
    vec own = splat(0), label_distance = splat(0), e_label = splat(0);
    if (labelled) {
        own = m.share * weight;
        label_distance = peak - splat(real_at(x + label * ITEM));
    }

    accumulators a;
    memset(&a, 0, sizeof a);
    for (; at + 2 * STEP <= whole; at += 2 * STEP)
        add_slices(&a, v, m, x, out, at, 2, 0, peak);
    if (at < whole)
        add_slices(&a, v, m, x, out, at, 1, 0, peak);
    add_slices(&a, v, m, x, out, whole, 1, left, peak);

    pair zero = {splat(0), splat(0)};
    row_sums s = {with_ties(fold_sums(a.others), fold_counts(a.count), peak), v.mixed ? fold_sums(a.distance) : zero,
                  v.mixed ? fold_sums(a.total) : zero};
    const vec values[WAITING] = {s.others.hi, s.others.lo, s.distance.hi, s.distance.lo, s.total.hi, s.total.lo,
                                 label_distance, own};
    for (int i = 0; i < WAITING; i++)
        w[i][row] = lowest(values[i]);
    if (!v.gradient)
        return;

    vec unit = gradient_unit(s.others, scale), factor = (own + s.total.hi) * unit;
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
                distance = accumulate(distance, q * zero_where(equal(q, zero), peak - z[i]));
                total = accumulate(total, q);
            }
            if (v.gradient)
                store_part(out + (j + i) * out_step, e[i], columns);
        }
    }
    vec label_distance = zero;
    if (labels)
        label_distance = peak - x_label;
    row_sums s = {with_ties(normalize(add_pairs(others[0], others[1])), count, peak), normalize(distance),
                  normalize(total)};
    vec loss = row_loss(s, label_distance, own);
    if (labels)
        loss = zero_where(equal(load((const char *)counts), zero), loss);
    store_part(losses, loss, columns);
    if (!v.gradient)
        return;

    vec unit = gradient_unit(s.others, scale), factor = (own + s.total.hi) * unit;
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

/* One constant variant a call. */
#define DEFINE_CROSS_ENTROPY(name, of) \
    static void name(const struct fastact_cross_entropy *c, const void *x, ptrdiff_t x_step, const int64_t *labels, \
                     const void *probabilities, ptrdiff_t probabilities_step, void *grad, ptrdiff_t grad_step, \
                     ptrdiff_t rows, void *losses) \
    { \
        int mixed = probabilities || c->even != 0; \
        if (mixed && grad) \
            of((variant){1, 1}, c, x, x_step, labels, probabilities, probabilities_step, grad, grad_step, rows, losses); \
        else if (mixed) \
            of((variant){1, 0}, c, x, x_step, labels, probabilities, probabilities_step, grad, grad_step, rows, losses); \
        else if (grad) \
            of((variant){0, 1}, c, x, x_step, labels, NULL, 0, grad, grad_step, rows, losses); \
        else \
            of((variant){0, 0}, c, x, x_step, labels, NULL, 0, grad, grad_step, rows, losses); \
    }
DEFINE_CROSS_ENTROPY(cross_entropy_run, cross_entropy)
DEFINE_CROSS_ENTROPY(cross_entropy_columns_run, cross_entropy_columns)

/* sigmoid_cross_entropy: with a = 1 - t and b = weight * t,
 *     loss = a * log(1 + e^z) + b * log(1 + e^-z) = |z| * (z < 0 ? b : a) + (a + b) * log(1 + e^-|z|),
 * and its gradient a / (1 + e^-z) - b / (1 + e^z). */
typedef struct { vec loss, gradient; } element;

INLINE element binary_cross_entropy(vec z, vec t, vec positive, int weighted, int gradient, int careful)
{
    vec a = splat(1) - t, b = t;
    if (weighted)
        b = positive * t;
    exp_parts e = unit_exponential(z, careful);
    decay l = log1p_decay(e, careful);
    vec log = or_nothing(muladd(l.q, l.error, l.q), l.k, careful) * l.unit;
    log = let_go(log, splat(-1), l.k, careful);
    mask negative = less(z, splat(0));
    vec near = choose(negative, b, a), far = choose(negative, a, b);
    vec line = zero_where(equal(near, splat(0)), absolute(z)) * near;
    element both = {log + line, splat(0)};
    if (weighted)
        both.loss = muladd(a + b, log, line);
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
typedef struct { const char *x, *targets, *weight, *pos_weight; char *grad, *losses; } operands;

INLINE void binary_slice(const struct fastact_binary_cross_entropy *c, operands o, ptrdiff_t at, ptrdiff_t left,
                         int gradient, int weighted, sums *sum)
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
    EACH_VECTOR t.v[i] = muladd(t.v[i], splat((real)(1 - c->smoothing)), splat((real)c->even));
    if (any(beyond))
        EACH_VECTOR e[i] = binary_cross_entropy(z.v[i], t.v[i], positive.v[i], weighted, gradient, 1);
    else
        EACH_VECTOR e[i] = binary_cross_entropy(z.v[i], t.v[i], positive.v[i], weighted, gradient, 0);
    EACH_VECTOR loss.v[i] = e[i].loss * w.v[i];
    if (gradient)
        EACH_VECTOR z.v[i] = e[i].gradient * (w.v[i] * splat((real)c->scale));
    if (left)
        loss = keep_last(loss, left);
    EACH_VECTOR sum[i] = add_product(sum[i], loss.v[i], splat(1));
    if (gradient && left)
        store_last(o.grad + at, z, left);
    if (gradient && !left)
        store_slice(o.grad + at, z);
    if (o.losses && left)
        store_last(o.losses + at, loss, left);
    if (o.losses && !left)
        store_slice(o.losses + at, loss);
}
INLINE void binary_run(const struct fastact_binary_cross_entropy *c, operands o, ptrdiff_t n, int gradient, int weighted,
                       double *sum, double *error)
{
    sums s[VECTORS];
    memset(s, 0, sizeof s);
    ptrdiff_t left = n % ACCUMULATORS, whole = (n - left) * ITEM;
    EACH_SLICE {
        __builtin_prefetch(o.x + at + PREFETCH_AHEAD);
        binary_slice(c, o, at, 0, gradient, weighted, s);
    }
    if (left)
        binary_slice(c, o, whole, left, gradient, weighted, s);
    add_folded(sum, error, s);
}
static void binary_cross_entropy_run(const struct fastact_binary_cross_entropy *c, const void *x, const void *targets,
                                     const void *weight, const void *pos_weight, void *grad, void *losses, ptrdiff_t n,
                                     double *sum, double *error)
{
    operands o = {x, targets, weight, pos_weight, grad, losses};
    if (grad && pos_weight)
        binary_run(c, o, n, 1, 1, sum, error);
    else if (grad)
        binary_run(c, o, n, 1, 0, sum, error);
    else if (pos_weight)
        binary_run(c, o, n, 0, 1, sum, error);
    else
        binary_run(c, o, n, 0, 0, sum, error);
}

/* Losses added up, as a sum and its error. */
static void add_values(const void *values_, ptrdiff_t n, double *sum, double *error)
{
    const char *values = values_;
    sums s[VECTORS];
    memset(s, 0, sizeof s);
    for (; n >= ACCUMULATORS; n -= ACCUMULATORS, values += STEP) {
        slice v = load_slice(values);
        EACH_VECTOR s[i] = add_product(s[i], v.v[i], splat(1));
    }
    if (n) {
        slice v = load_last(values, n, splat(0));
        EACH_VECTOR s[i] = add_product(s[i], v.v[i], splat(1));
    }
    add_folded(sum, error, s);
}
static void total(const double *sums, const double *errors, ptrdiff_t parts, double divisor, void *out)
{
    *(real *)out = (real)(total_of(sums, errors, parts, 1) / divisor);
}

/* Numbers of other types, as they are read. */
#define READ(type, unit) \
    for (ptrdiff_t i = 0; i < n; i++, from += stride) { \
        type value; \
        memcpy(&value, from, sizeof value); \
        to[i] = (unit)value; \
    } \
    break;

static void read_values(int kind, const void *source, ptrdiff_t stride, ptrdiff_t n, void *block)
{
    const char *from = source;
    real *to = block;
    switch (kind) {
    case FASTACT_INT8: READ(int8_t, real)
    case FASTACT_INT16: READ(int16_t, real)
    case FASTACT_INT32: READ(int32_t, real)
    case FASTACT_INT64: READ(int64_t, real)
    case FASTACT_UINT8: READ(uint8_t, real)
    case FASTACT_UINT16: READ(uint16_t, real)
    case FASTACT_UINT32: READ(uint32_t, real)
    case FASTACT_UINT64: READ(uint64_t, real)
    case FASTACT_FLOAT32: READ(float, real)
    case FASTACT_FLOAT64: READ(double, real)
    }
}
static ptrdiff_t read_labels(int kind, const void *source, ptrdiff_t stride, ptrdiff_t n, int64_t classes,
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
        ((real *)picked)[i] = labels[i] < 0 ? 0 : ((const real *)weights)[labels[i]];
}

static const struct fastact_losses losses = {
    .short_row = TURNED_ROW,
    .cross_entropy = cross_entropy_run,
    .cross_entropy_columns = cross_entropy_columns_run,
    .binary_cross_entropy = binary_cross_entropy_run,
    .add_values = add_values,
    .total = total,
    .read_labels = read_labels,
    .pick = pick,
    .read_values = read_values,
};
