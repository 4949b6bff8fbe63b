/* Functions of whole rows.  A sum over a row runs in 16 (float32) or 8 (float64) accumulators, element i into
 * accumulator i mod 16, folded in one tree: it depends on the row's length only, not on the target's vectors. */

#define ACCUMULATORS BY_TYPE(16, 8)
#define VECTORS (ACCUMULATORS / WIDTH)
#define STEP (VECTORS * VECTOR_BYTES)

/* A slice of a row: ACCUMULATORS elements. */
typedef struct { vec v[VECTORS]; } slice;

INLINE slice load_slice(const char *p)
{
    slice s;
    for (int i = 0; i < VECTORS; i++)
        s.v[i] = load(p + i * VECTOR_BYTES);
    return s;
}
INLINE void store_slice(char *p, slice s)
{
    for (int i = 0; i < VECTORS; i++)
        store(p + i * VECTOR_BYTES, s.v[i]);
}
/* The same for the row's last n elements, 0 < n <= ACCUMULATORS. */
INLINE ptrdiff_t lanes(ptrdiff_t n) { return n < 0 ? 0 : n > WIDTH ? WIDTH : n; }
INLINE slice load_last(const char *p, ptrdiff_t n, vec rest)
{
    slice s;
    for (int i = 0; i < VECTORS; i++)
        s.v[i] = load_part(p + i * VECTOR_BYTES, lanes(n - i * WIDTH), rest);
    return s;
}
INLINE void store_last(char *p, slice s, ptrdiff_t n)
{
    for (int i = 0; i < VECTORS; i++)
        store_part(p + i * VECTOR_BYTES, s.v[i], lanes(n - i * WIDTH));
}
INLINE slice keep_last(slice s, ptrdiff_t n)
{
    for (int i = 0; i < VECTORS; i++)
        s.v[i] = keep_first(s.v[i], lanes(n - i * WIDTH));
    return s;
}

/* Sums are pairs, or rounding alone would take the bound of 3 ulp. */

INLINE pair add_pairs(pair a, pair b)           /* Knuth's sum */
{
    vec sum = a.hi + b.hi, b_part = sum - a.hi;
    vec error = (a.hi - (sum - b_part)) + (b.hi - b_part);
    return (pair){sum, error + (a.lo + b.lo)};
}
/* Adds one rounding at a time to a sum that is mostly larger than what comes. */
INLINE pair accumulate(pair sum, vec x)
{
    vec hi = sum.hi + x;
    return (pair){hi, sum.lo + (x - (hi - sum.hi))};
}
INLINE pair accumulate_product(pair sum, vec a, vec b)
{
    vec product = a * b;
    sum.lo += product_error(a, b, product);
    return accumulate(sum, product);
}
INLINE pair normalize(pair sum)
{
    vec lo = zero_where(equal(absolute(sum.hi), splat((real)INFINITY)), sum.lo);    /* no number after an overflow */
    vec hi = sum.hi + lo;
    return (pair){hi, (sum.hi - hi) + lo};
}

/* The total of ACCUMULATORS sums, in every lane: the upper half onto the lower, and again. */
INLINE pair fold_sums(pair s[VECTORS])
{
    for (int half = VECTORS / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            s[i] = add_pairs(s[i], s[i + half]);
    for (int half = WIDTH / 2; half; half /= 2)
        s[0] = add_pairs(s[0], (pair){swapped(s[0].hi, half), swapped(s[0].lo, half)});
    return normalize(s[0]);
}
INLINE vec fold_counts(vec count[VECTORS])
{
    for (int half = VECTORS / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            count[i] += count[i + half];
    for (int half = WIDTH / 2; half; half /= 2)
        count[0] += swapped(count[0], half);
    return count[0];
}
/* Long rows are added up in parts, or what pairs lose would count: each accumulator takes PART numbers at most, and its pair
 * is then added to that of the parts before.  So counts of the same parts are exact. */
#define PART ((ptrdiff_t)1 << BY_TYPE(12, 24))
#define PART_OF_ROW (PART * ACCUMULATORS)
#define PART_BYTES (PART_OF_ROW * ITEM)

INLINE ptrdiff_t end_of_part(ptrdiff_t at, ptrdiff_t end) { return end - at > PART_BYTES ? at + PART_BYTES : end; }
INLINE void set_aside(pair whole[VECTORS], pair part[VECTORS])
{
    for (int i = 0; i < VECTORS; i++) {
        whole[i] = add_pairs(whole[i], part[i]);
        part[i] = (pair){splat(0), splat(0)};
    }
}
INLINE void set_counts_aside(pair whole[VECTORS], vec part[VECTORS])
{
    for (int i = 0; i < VECTORS; i++) {
        whole[i] = add_pairs(whole[i], (pair){part[i], splat(0)});
        part[i] = splat(0);
    }
}
/* The sums of all parts, of which there are several if the loop's end is past the first. */
INLINE pair fold_parts(pair whole[VECTORS], pair part[VECTORS], ptrdiff_t end)
{
    if (end <= PART_BYTES)
        return fold_sums(part);
    set_aside(whole, part);
    return fold_sums(whole);
}
INLINE pair fold_counts_of_parts(pair whole[VECTORS], vec part[VECTORS], ptrdiff_t end)
{
    if (end <= PART_BYTES)
        return (pair){fold_counts(part), splat(0)};
    set_counts_aside(whole, part);
    return fold_sums(whole);
}
/* A count less 1. */
INLINE pair less_one(pair count)
{
    vec hi = count.hi - splat(1);
    return (pair){hi, sum_error(count.hi, splat(-1), hi) + count.lo};
}
INLINE vec fold_max(slice s)
{
    for (int i = 1; i < VECTORS; i++)
        s.v[0] = maximum(s.v[0], s.v[i]);
    for (int half = WIDTH / 2; half; half /= 2)
        s.v[0] = maximum(s.v[0], swapped(s.v[0], half));
    return s.v[0];
}

#define EACH_VECTOR for (int i = 0; i < VECTORS; i++)
#define EACH_SLICE for (ptrdiff_t at = 0; at < whole; at += STEP)

/* What is computed of rows.  A task is a constant, and each gets code of its own.  SOFTMAX_TIMES: softmax times a number a
 * row, the gradient of LOGSUMEXP.  `negative`: of -x.  `selects`: of scale * x, and of some elements only. */
enum { SOFTMAX, SOFTMAX_TIMES, LOG_SOFTMAX, LOGSUMEXP, SPARSEMAX };
typedef struct { int kind, negative, selects; } rows_task;
#define BY_LOGARITHM(t) ((t).kind == LOG_SOFTMAX || (t).kind == LOGSUMEXP)

/* What a row is computed of: scale * x; and which elements of it.  Row i masks out element j where that byte of `where` is 0,
 * and all from the number on that `seen` has for the row.  Either may be NULL. */
struct fastact_selection {
    double scale;                                   /* above 0 */
    const void *where;
    ptrdiff_t where_row, where_step;                /* from one row to the next, and one element */
    const int64_t *seen;
    ptrdiff_t seen_row;
};

/* scale * (x - most) = steep * (x * unit - most * unit), where unit is a power of two up to 1: nothing overflows but what
 * the result does. */
typedef struct { struct fastact_selection of; vec scale, unit, inverse, steep; } selection;

INLINE selection selection_of(const struct fastact_selection *of)
{
    vec scale = splat((real)of->scale);
    binary b = as_binary(scale);
    vec k = minimum(splat(EIGHTHS), b.k);
    return (selection){*of, scale, power2(k), inverse_power2(k), b.mantissa * power2(b.k - k + splat(EIGHTHS))};
}
INLINE vec oriented(rows_task t, const selection *s, vec x)
{
    if (t.selects)
        return x * s->unit;
    if (t.negative)
        return -x;
    return x;
}
INLINE vec as_given(rows_task t, const selection *s, vec v)
{
    if (t.selects)
        return v * s->inverse;
    return oriented(t, s, v);
}

/* Which of n <= WIDTH elements are left out; those past n may be among them. */
INLINE mask left_out(const char *where, ptrdiff_t step, ptrdiff_t n)
{
    if (step == 1 && n == WIDTH)
        return zero_bytes(where);
    char bytes[WIDTH] = {0};
    for (ptrdiff_t i = 0; i < n; i++)
        bytes[i] = where[i * step];
    return zero_bytes(bytes);
}
/* v, n elements of a row from j on, with a value in the place of those left out. */
INLINE slice instead(rows_task t, const selection *s, const char *where, ptrdiff_t j, ptrdiff_t n, slice v, real value)
{
    if (t.selects && where)
        for (int i = 0; i < VECTORS; i++) {
            const char *at = where + (j + i * WIDTH) * s->of.where_step;
            v.v[i] = choose(left_out(at, s->of.where_step, lanes(n - i * WIDTH)), splat(value), v.v[i]);
        }
    return v;
}
/* How many of n elements row i sees, from the first on. */
INLINE ptrdiff_t seen(const selection *s, ptrdiff_t i, ptrdiff_t n)
{
    return s->of.seen ? *(const int64_t *)((const char *)s->of.seen + i * s->of.seen_row) : n;
}
INLINE void fill_row(char *out, ptrdiff_t n, real value)
{
    for (; n >= WIDTH; n -= WIDTH, out += VECTOR_BYTES)
        store(out, splat(value));
    store_part(out, splat(value), n);
}

/* e^(d.hi + d.lo) for d <= 0.  Quick code gives 0 from -EXP_SMALL down, which is right for what is far below (-inf,
 * say); careful code is right in between too. */
INLINE vec exp_below(pair d, int careful)
{
    real least = careful ? -EXP_ZERO : -EXP_SMALL;
    mask vanishes = less(d.hi, splat(least));
    exp_parts e = exponential(clamped(d.hi, least, -EXP_ONE), zero_where(vanishes, d.lo));
    return times_power2(zero_where(vanishes, e.head + e.rest), e.k, careful);
}
/* What is raised to, for v <= most, as a pair: rounding it alone costs 66 ulp. */
INLINE pair exponent_of(rows_task t, const selection *s, vec v, vec most)
{
    vec difference = v - most, back = difference - v;
    vec lo = (v - (difference - back)) - (most + back);
    if (!t.selects)
        return (pair){difference, lo};
    vec product = s->steep * difference;
    return (pair){product, muladd(s->steep, lo, product_error(s->steep, difference, product))};
}
/* Exponentials in the place of v.  For a logarithm those of the maximum, which are 1, are left out and counted. */
INLINE void exponentials(rows_task t, const selection *s, vec *v, int count, vec most, vec *leaders)
{
    pair d[2 * VECTORS];
    for (int i = 0; i < count; i++) {
        if (t.kind == LOGSUMEXP)
            v[i] = minimum(most, v[i]);         /* an infinity leads */
        d[i] = exponent_of(t, s, v[i], most);
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
    if (BY_LOGARITHM(t))
        for (int i = 0; i < count; i++) {
            mask leads = equal(d[i].hi, splat(0));
            v[i] = zero_where(leads, v[i]);
            leaders[i] = choose(leads, splat(1), splat(0));
        }
}

INLINE void exp_differences(vec *v, int count, vec most)
{
    exponentials((rows_task){SOFTMAX, 0, 0}, NULL, v, count, most, NULL);
}

INLINE pair invert(pair d)
{
    vec q = splat(1) / d.hi;
    return (pair){q, submul(residual(splat(1), q, d.hi), q, d.lo) * q};
}
INLINE vec share(rows_task t, vec e, pair inverse, vec weight)
{
    vec y = muladd(e, inverse.hi, e * inverse.lo);
    if (t.kind == SOFTMAX_TIMES)
        y *= weight;
    return y;
}
/* The logarithm of the sum of all: the number of leaders, and the others. */
INLINE vec log_of_sum(pair others, pair leaders)
{
    pair ties = less_one(leaders);
    ties.hi = maximum(splat(0), ties.hi);
    pair log = log1p_pair(normalize(add_pairs(ties, others)));
    return log.hi + log.lo;
}
INLINE vec log_share(rows_task t, const selection *s, vec x, vec most, vec log_sum)
{
    vec difference = oriented(t, s, x) - most;
    if (t.selects)
        return muladd(s->steep, difference, -log_sum);
    return difference - log_sum;
}
INLINE slice take(rows_task t, const selection *s, const char *x, const char *where, ptrdiff_t j)
{
    slice v = load_slice(x + j * ITEM);
    EACH_VECTOR v.v[i] = oriented(t, s, v.v[i]);
    return instead(t, s, where, j, ACCUMULATORS, v, -(real)INFINITY);
}
INLINE slice take_last(rows_task t, const selection *s, const char *x, const char *where, ptrdiff_t j, ptrdiff_t n,
                       vec rest)
{
    slice v = load_last(x + j * ITEM, n, as_given(t, s, rest));
    EACH_VECTOR v.v[i] = oriented(t, s, v.v[i]);
    return instead(t, s, where, j, n, v, -(real)INFINITY);
}

INLINE vec peak_of_row(rows_task t, const selection *s, const char *x, const char *where, ptrdiff_t n)
{
    ptrdiff_t left = (n - 1) % ACCUMULATORS + 1, first = n - left, j = 0;
    slice most[4];
    most[0] = most[1] = most[2] = most[3] = take_last(t, s, x, where, first, left, splat(-(real)INFINITY));
    for (; j + 4 * ACCUMULATORS <= first; j += 4 * ACCUMULATORS)       /* four chains: results are waited for */
        for (int k = 0; k < 4; k++) {
            slice v = take(t, s, x, where, j + k * ACCUMULATORS);
            EACH_VECTOR most[k].v[i] = maximum(v.v[i], most[k].v[i]);
        }
    for (; j < first; j += ACCUMULATORS) {
        slice v = take(t, s, x, where, j);
        EACH_VECTOR most[0].v[i] = maximum(v.v[i], most[0].v[i]);
    }
    EACH_VECTOR most[0].v[i] = maximum(maximum(most[0].v[i], most[1].v[i]), maximum(most[2].v[i], most[3].v[i]));
    return fold_max(most[0]);
}
/* The maximum that others are compared with. */
INLINE vec peak_of(rows_task t, vec most)
{
    if (t.kind == LOGSUMEXP)        /* an infinity is the result */
        return clamped(most, -REAL_MAX, REAL_MAX);
    return most;
}

/* softmax(x)_i = e^(x_i - max x) / sum_j e^(x_j - max x), or its logarithm, or that of sum_j e^x_j. */
INLINE void forward_row(rows_task t, const selection *s, const char *x, const char *where, vec weight, char *out,
                        ptrdiff_t n)
{
    ptrdiff_t left = (n - 1) % ACCUMULATORS + 1, first = n - left, whole = first * ITEM;

    vec top = peak_of_row(t, s, x, where, n), peak = peak_of(t, top);

    pair sum[VECTORS], sums[VECTORS], counts[VECTORS];
    vec leaders[VECTORS], leads[2 * VECTORS];
    EACH_VECTOR sum[i] = sums[i] = counts[i] = (pair){splat(0), splat(0)}, leaders[i] = splat(0);
    ptrdiff_t pairs = whole - whole % (2 * STEP);
    for (ptrdiff_t part = 0; part < pairs; part += PART_BYTES) {
        ptrdiff_t end = end_of_part(part, pairs);
        if (part) {
            set_aside(sums, sum);
            set_counts_aside(counts, leaders);
        }
        for (ptrdiff_t at = part; at < end; at += 2 * STEP) {          /* chains of two slices overlap */
            slice e[2] = {take(t, s, x, where, at / ITEM), take(t, s, x, where, at / ITEM + ACCUMULATORS)};
            exponentials(t, s, e[0].v, 2 * VECTORS, peak, leads);
            EACH_VECTOR sum[i] = accumulate(accumulate(sum[i], e[0].v[i]), e[1].v[i]);
            if (BY_LOGARITHM(t)) {
                EACH_VECTOR leaders[i] += leads[i] + leads[VECTORS + i];
                continue;
            }
            store_slice(out + at, e[0]);
            store_slice(out + at + STEP, e[1]);
        }
    }
    if (pairs < whole) {
        slice e = take(t, s, x, where, pairs / ITEM);
        exponentials(t, s, e.v, VECTORS, peak, leads);
        EACH_VECTOR sum[i] = accumulate(sum[i], e.v[i]);
        if (BY_LOGARITHM(t)) {
            EACH_VECTOR leaders[i] += leads[i];
        } else
            store_slice(out + pairs, e);
    }
    slice last = take_last(t, s, x, where, first, left, peak);      /* e^0 past the end: e^-inf would be slow */
    exponentials(t, s, last.v, VECTORS, peak, leads);
    slice kept = keep_last(last, left);
    EACH_VECTOR sum[i] = accumulate(sum[i], kept.v[i]);

    if (BY_LOGARITHM(t)) {
        EACH_VECTOR leaders[i] += keep_first(leads[i], lanes(left - i * WIDTH));
        vec log_sum = log_of_sum(fold_parts(sums, sum, pairs), fold_counts_of_parts(counts, leaders, pairs));
        if (t.kind == LOGSUMEXP) {
            store_part(out, top + log_sum, 1);
            return;
        }
        EACH_SLICE {
            slice v = load_slice(x + at);
            EACH_VECTOR v.v[i] = log_share(t, s, v.v[i], peak, log_sum);
            store_slice(out + at, instead(t, s, where, at / ITEM, ACCUMULATORS, v, -(real)INFINITY));
        }
        last = load_last(x + whole, left, splat(0));
        EACH_VECTOR last.v[i] = log_share(t, s, last.v[i], peak, log_sum);
        store_last(out + whole, instead(t, s, where, first, left, last, -(real)INFINITY), left);
        return;
    }
    pair inverse = invert(fold_parts(sums, sum, pairs));
    EACH_SLICE {
        slice e = load_slice(out + at);
        EACH_VECTOR e.v[i] = share(t, e.v[i], inverse, weight);
        store_slice(out + at, instead(t, s, where, at / ITEM, ACCUMULATORS, e, 0));
    }
    EACH_VECTOR last.v[i] = share(t, last.v[i], inverse, weight);
    store_last(out + whole, instead(t, s, where, first, left, last, 0), left);
}

/* dL/dx, the gradient through a row:
 *     softmax        y_i * (grad_i - sum_j grad_j y_j)
 *     log_softmax    grad_i - e^y_i * sum_j grad_j
 *     sparsemax      grad_i - mean of grad_j over the support, where y_i > 0; else 0 */
INLINE pair gradient_term(rows_task t, pair sum, vec grad, vec y)
{
    if (t.kind == SOFTMAX)
        return accumulate_product(sum, grad, y);
    if (t.kind == SPARSEMAX)
        grad = zero_where(less_equal(y, splat(0)), grad);
    return accumulate(sum, grad);
}
/* 1 on the support; a NaN, which spoils its row, where y is one. */
INLINE vec supports(vec y) { return zero_where(less_equal(y, splat(0)), y - y + splat(1)); }

/* total * e^y for y <= 0: where e^y is subnormal, but the product need not be, from the parts of both. */
#define EXP_VANISHES ((real)BY_TYPE(200, 1460))
INLINE vec exp_times(vec y, vec total)
{
    const real least = BY_TYPE(-152, -1077);        /* half the smallest subnormal, and two bits that mantissas bring */
    mask vanishes = less(y, splat(-EXP_VANISHES));
    exp_parts e = exponential(clamped(y, -EXP_VANISHES, -EXP_ONE), splat(0));
    binary b = as_binary(total);
    vec k = e.k + (b.k - splat(EIGHTHS)), product = zero_where(vanishes, (e.head + e.rest) * b.mantissa);
    return scale(zero_where(less(k, splat(EIGHTHS + least)), product), maximum(splat(EIGHTHS + least), k));
}
INLINE void through(rows_task t, const selection *s, const vec *grad, vec *y, int count, vec total)
{
    mask subnormal = within(y[0], splat(-EXP_VANISHES), splat(-EXP_SMALL));
    for (int i = 1; i < count; i++)
        subnormal = either(subnormal, within(y[i], splat(-EXP_VANISHES), splat(-EXP_SMALL)));
    int careful = t.kind == LOG_SOFTMAX && any(subnormal);
    for (int i = 0; i < count; i++) {
        if (t.kind == SOFTMAX && t.negative && !t.selects)
            y[i] *= total - grad[i];
        else if (t.kind == SOFTMAX)
            y[i] *= grad[i] - total;
        else if (t.kind == SPARSEMAX)
            y[i] = zero_where(less_equal(y[i], splat(0)), grad[i] - total);
        else {
            vec quick = submul(grad[i], exp_below((pair){y[i], splat(0)}, 0), total), slow = quick;
            if (careful)                /* the others keep their bits */
                slow = choose(within(y[i], splat(-EXP_VANISHES), splat(-EXP_SMALL)),
                              grad[i] - exp_times(y[i], total), quick);
            y[i] = slow;
        }
        if (t.selects)
            y[i] *= s->scale;
    }
}

/* The sum of a row's terms, before it is folded. */
typedef struct { pair sum[VECTORS]; vec count[VECTORS]; } gradient_sums;

#define NOTHING(t) ((t).kind == LOG_SOFTMAX ? -(real)INFINITY : 0)      /* what is left out has as its output */
#define TAKE(a, at, none) instead(t, s, where, (at) / ITEM, ACCUMULATORS, load_slice(a + (at)), none)
#define TAKE_LAST(a, none) instead(t, s, where, whole / ITEM, left, load_last(a + whole, left, splat(none)), none)

INLINE void add_terms(rows_task t, gradient_sums *sums, slice grad, slice y)
{
    EACH_VECTOR sums->sum[i] = gradient_term(t, sums->sum[i], grad.v[i], y.v[i]);
    if (t.kind == SPARSEMAX)
        EACH_VECTOR sums->count[i] += supports(y.v[i]);
}
/* What of a long row was added up before. */
typedef struct { pair sum[VECTORS], count[VECTORS]; int several; } parts_of_gradient;

INLINE gradient_sums sums_of_row(rows_task t, const selection *s, const char *grad, const char *y, const char *where,
                                 ptrdiff_t n, parts_of_gradient *before)
{
    ptrdiff_t left = (n - 1) % ACCUMULATORS + 1, whole = (n - left) * ITEM;
    gradient_sums sums;
    EACH_VECTOR sums.sum[i] = (pair){splat(0), splat(0)}, sums.count[i] = splat(0);
    *before = (parts_of_gradient){.several = whole > PART_BYTES};
    for (ptrdiff_t first = 0; first < whole; first += PART_BYTES) {
        ptrdiff_t end = end_of_part(first, whole);
        if (first) {
            set_aside(before->sum, sums.sum);
            set_counts_aside(before->count, sums.count);
        }
        for (ptrdiff_t at = first; at < end; at += STEP) {
            slice g = TAKE(grad, at, 0);
            add_terms(t, &sums, g, t.kind == LOG_SOFTMAX ? g : TAKE(y, at, 0));
        }
    }
    slice last = TAKE_LAST(grad, 0);
    add_terms(t, &sums, last, t.kind == LOG_SOFTMAX ? last : TAKE_LAST(y, 0));
    return sums;
}
INLINE vec gradient_total(rows_task t, gradient_sums *sums)
{
    vec total = fold_sums(sums->sum).hi;
    if (t.kind == SPARSEMAX)
        total = total / fold_counts(sums->count);
    return total;
}
INLINE vec total_of_row(rows_task t, const selection *s, const char *grad, const char *y, const char *where, ptrdiff_t n)
{
    parts_of_gradient before;
    gradient_sums sums = sums_of_row(t, s, grad, y, where, n, &before);
    if (!before.several)
        return gradient_total(t, &sums);
    set_aside(before.sum, sums.sum);
    set_counts_aside(before.count, sums.count);
    vec total = fold_sums(before.sum).hi;
    if (t.kind == SPARSEMAX)
        total = total / fold_sums(before.count).hi;
    return total;
}
INLINE void through_row(rows_task t, const selection *s, const char *grad, const char *y, const char *where, char *out,
                        ptrdiff_t n, vec total)
{
    ptrdiff_t left = (n - 1) % ACCUMULATORS + 1, whole = (n - left) * ITEM, at = 0;
    for (; t.kind == LOG_SOFTMAX && at + 2 * STEP <= whole; at += 2 * STEP) {       /* chains of two slices overlap */
        slice g[2] = {TAKE(grad, at, 0), TAKE(grad, at + STEP, 0)};
        slice v[2] = {TAKE(y, at, NOTHING(t)), TAKE(y, at + STEP, NOTHING(t))};
        through(t, s, g[0].v, v[0].v, 2 * VECTORS, total);
        for (int k = 0; k < 2; k++)
            store_slice(out + at + k * STEP, instead(t, s, where, at / ITEM + k * ACCUMULATORS, ACCUMULATORS, v[k], 0));
    }
    for (; at < whole; at += STEP) {
        slice g = TAKE(grad, at, 0), v = TAKE(y, at, NOTHING(t));
        through(t, s, g.v, v.v, VECTORS, total);
        store_slice(out + at, instead(t, s, where, at / ITEM, ACCUMULATORS, v, 0));
    }
    slice g = TAKE_LAST(grad, 0), v = TAKE_LAST(y, NOTHING(t));
    through(t, s, g.v, v.v, VECTORS, total);
    store_last(out + whole, instead(t, s, where, whole / ITEM, left, v, 0), left);
}
#undef TAKE
#undef TAKE_LAST

/* Down the lanes: every lane is a row of its own, element j of all of them stands at j * step.  The accumulators and
 * their tree are those of a row in memory, so are the bits. */
INLINE pair fold_lane_sums(pair *s, ptrdiff_t n)
{
    for (int half = ACCUMULATORS / 2; half; half /= 2)
        for (int i = 0; i < half && i + half < n; i++)
            s[i] = add_pairs(s[i], s[i + half]);
    return normalize(s[0]);
}
/* The same of parts, which begin where those of a row in memory do: `end` is that of its loop, in bytes. */
static __attribute__((noinline, cold)) void set_lanes_aside(pair *whole, pair *part, int begun)
{
    for (int i = 0; i < ACCUMULATORS; i++) {
        whole[i] = begun ? add_pairs(whole[i], part[i]) : part[i];
        part[i] = (pair){splat(0), splat(0)};
    }
}
INLINE pair fold_lane_parts(pair *whole, pair *part, ptrdiff_t n, ptrdiff_t end)
{
    if (end <= PART_BYTES)
        return fold_lane_sums(part, n);
    set_lanes_aside(whole, part, 1);
    return fold_lane_sums(whole, n);
}
INLINE vec begun(vec count, ptrdiff_t j)
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

/* v, element j of some rows, with a value where it is left out.  The first of the rows is row i of the selection. */
typedef struct { const char *where; vec seen; ptrdiff_t columns; } lane_rows;

INLINE lane_rows lane_rows_of(rows_task t, const selection *s, ptrdiff_t i, ptrdiff_t n, ptrdiff_t columns)
{
    lane_rows rows = {NULL, splat(0), columns};
    if (!t.selects)
        return rows;
    if (s->of.where)
        rows.where = (const char *)s->of.where + i * s->of.where_row;
    rows.seen = splat((real)n);
    if (s->of.seen) {
        real most[WIDTH] = {0};
        for (ptrdiff_t lane = 0; lane < columns; lane++)
            most[lane] = (real)*(const int64_t *)((const char *)s->of.seen + (i + lane) * s->of.seen_row);
        rows.seen = load((const char *)most);
    }
    return rows;
}
INLINE vec lanes_instead(rows_task t, const selection *s, lane_rows rows, ptrdiff_t j, vec v, real value)
{
    if (!t.selects)
        return v;
    mask unseen = less_equal(rows.seen, splat((real)j));
    unseen = either(unseen, unseen);            /* joined: GCC 12 breaks at -O1 too */
    if (!rows.where)
        return choose(unseen, splat(value), v);
    mask masked = left_out(rows.where + j * s->of.where_step, s->of.where_row, rows.columns);
    return choose(either(unseen, masked), splat(value), v);
}
INLINE vec take_lanes(rows_task t, const selection *s, lane_rows rows, const char *x, ptrdiff_t j, vec rest)
{
    vec v = oriented(t, s, load_part(x, rows.columns, as_given(t, s, rest)));
    return lanes_instead(t, s, rows, j, v, -(real)INFINITY);
}

INLINE void forward_lanes(rows_task t, const selection *s, lane_rows rows, const char *x, ptrdiff_t x_step, vec weight,
                          char *out, ptrdiff_t out_step, ptrdiff_t n)
{
    ptrdiff_t columns = rows.columns;
    vec top = splat(-(real)INFINITY), zero = splat(0);
    for (ptrdiff_t j = 0; j < n; j++)
        top = maximum(take_lanes(t, s, rows, x + j * x_step, j, zero), top);
    vec peak = peak_of(t, top);
    pair sums[ACCUMULATORS], parts[ACCUMULATORS];
    vec counts[ACCUMULATORS];                           /* of fewer than 2^24 elements: exact */
    ptrdiff_t whole = (n - 1) / ACCUMULATORS * STEP, pairs = whole - whole % (2 * STEP);
    for (ptrdiff_t j = 0, next = PART_OF_ROW; j < n; j += 2) {
        if (j == next) {
            next += PART_OF_ROW;
            if (j * ITEM < pairs)
                set_lanes_aside(parts, sums, j > PART_OF_ROW);
        }
        vec e[2] = {take_lanes(t, s, rows, x + j * x_step, j, peak), peak}, leads[2];
        if (j + 1 < n)
            e[1] = take_lanes(t, s, rows, x + (j + 1) * x_step, j + 1, peak);
        exponentials(t, s, e, 2, peak, leads);
        for (int i = 0; i < 2 && j + i < n; i++) {
            ptrdiff_t at = (j + i) % ACCUMULATORS;
            sums[at] = j + i < ACCUMULATORS ? (pair){e[i], zero} : accumulate(sums[at], e[i]);
            if (BY_LOGARITHM(t))
                counts[at] = begun(counts[at], j + i) + leads[i];
            else
                store_part(out + (j + i) * out_step, e[i], columns);
        }
    }
    pair sum = fold_lane_parts(parts, sums, n, pairs);
    if (BY_LOGARITHM(t)) {
        vec log_sum = log_of_sum(sum, (pair){fold_lane_counts(counts, n), zero});
        if (t.kind == LOGSUMEXP)
            store_part(out, top + log_sum, columns);
        for (ptrdiff_t j = 0; t.kind != LOGSUMEXP && j < n; j++) {
            vec v = log_share(t, s, load_part(x + j * x_step, columns, zero), peak, log_sum);
            store_part(out + j * out_step, lanes_instead(t, s, rows, j, v, -(real)INFINITY), columns);
        }
        return;
    }
    pair inverse = invert(sum);
    for (ptrdiff_t j = 0; j < n; j++) {
        vec v = share(t, load_part(out + j * out_step, columns, zero), inverse, weight);
        store_part(out + j * out_step, lanes_instead(t, s, rows, j, v, 0), columns);
    }
}

INLINE void backward_lanes(rows_task t, const selection *s, lane_rows rows, const char *grad, ptrdiff_t grad_step,
                           const char *y, ptrdiff_t y_step, char *out, ptrdiff_t out_step, ptrdiff_t n)
{
    ptrdiff_t columns = rows.columns;
    vec zero = splat(0);
#define TAKE(a, none) lanes_instead(t, s, rows, j, load_part(a + j * a##_step, columns, splat(none)), none)
    pair sums[ACCUMULATORS], parts[ACCUMULATORS];
    vec counts[ACCUMULATORS];                           /* of fewer than 2^24 elements: exact */
    ptrdiff_t whole = (n - 1) / ACCUMULATORS * STEP;
    for (ptrdiff_t j = 0, next = PART_OF_ROW; j < n; j++) {
        if (j == next) {
            next += PART_OF_ROW;
            if (j * ITEM < whole)
                set_lanes_aside(parts, sums, j > PART_OF_ROW);
        }
        vec g = TAKE(grad, 0), v = t.kind == LOG_SOFTMAX ? g : TAKE(y, 0);
        ptrdiff_t at = j % ACCUMULATORS;
        sums[at] = gradient_term(t, j < ACCUMULATORS ? (pair){zero, zero} : sums[at], g, v);
        if (t.kind == SPARSEMAX)
            counts[at] = begun(counts[at], j) + supports(v);
    }
    vec total = fold_lane_parts(parts, sums, n, whole).hi;
    if (t.kind == SPARSEMAX)
        total = total / fold_lane_counts(counts, n);
    for (ptrdiff_t j = 0; j < n; j++) {
        vec g = TAKE(grad, 0), v = TAKE(y, NOTHING(t));
        through(t, s, &g, &v, 1, total);
        store_part(out + j * out_step, lanes_instead(t, s, rows, j, v, 0), columns);
    }
#undef TAKE
}

/* Short rows are turned so that lanes are rows: no folds across a vector, no lanes left idle. */
#define TURNED_ROW (4 * ACCUMULATORS)
typedef struct { vec column[TURNED_ROW]; } turned;

INLINE void transpose(vec m[WIDTH])
{
    vec t[WIDTH];
    for (int stage = 1; stage < WIDTH; stage *= 2) {
        for (int i = 0; i < WIDTH / 2; i++) {
            t[2 * i] = interleave_low(m[i], m[i + WIDTH / 2]);
            t[2 * i + 1] = interleave_high(m[i], m[i + WIDTH / 2]);
        }
        for (int i = 0; i < WIDTH; i++)
            m[i] = t[i];
    }
}
INLINE void turn(const char *x, ptrdiff_t x_step, ptrdiff_t n, turned *block)
{
    for (ptrdiff_t j = 0; j < n; j += WIDTH) {
        vec m[WIDTH];
        for (int i = 0; i < WIDTH; i++)
            m[i] = load_part(x + i * x_step + j * ITEM, lanes(n - j), splat(0));
        transpose(m);
        for (int i = 0; i < WIDTH; i++)
            block->column[j + i] = m[i];
    }
}
INLINE void turn_back(const turned *block, char *out, ptrdiff_t out_step, ptrdiff_t n)
{
    for (ptrdiff_t j = 0; j < n; j += WIDTH) {
        vec m[WIDTH];
        for (int i = 0; i < WIDTH; i++)
            m[i] = block->column[j + i];
        transpose(m);
        for (int i = 0; i < WIDTH; i++)
            store_part(out + i * out_step + j * ITEM, m[i], lanes(n - j));
    }
}

/* Rows one below the other.  `weight` is an element a row, of SOFTMAX_TIMES only. */
INLINE vec weight_of(rows_task t, const char *weight, ptrdiff_t step, ptrdiff_t rows)
{
    real weights[WIDTH];
    if (t.kind != SOFTMAX_TIMES)
        return splat(1);
    for (ptrdiff_t i = 0; i < WIDTH; i++)
        memcpy(&weights[i], weight + (i < rows ? i : rows - 1) * step, ITEM);
    return load((const char *)weights);
}
INLINE void forward_run(rows_task t, const struct fastact_selection *selected, const char *weight, ptrdiff_t weight_step,
                        const char *x, ptrdiff_t x_step, char *out, ptrdiff_t out_step, ptrdiff_t rows, ptrdiff_t n)
{
    selection s;
    ptrdiff_t row = 0;
    if (t.selects)
        s = selection_of(selected);
    for (; n <= TURNED_ROW && rows - row >= WIDTH; row += WIDTH) {
        turned block;
        char *columns = (char *)&block;
        turn(x + row * x_step, x_step, n, &block);
        forward_lanes(t, &s, lane_rows_of(t, &s, row, n, WIDTH), columns, VECTOR_BYTES,
                      weight_of(t, weight + row * weight_step, weight_step, WIDTH), columns, VECTOR_BYTES, n);
        if (t.kind != LOGSUMEXP)
            turn_back(&block, out + row * out_step, out_step, n);
        else
            for (int i = 0; i < WIDTH; i++)
                memcpy(out + (row + i) * out_step, columns + i * ITEM, ITEM);
    }
    for (; row < rows; row++) {
        const char *where = t.selects && s.of.where ? (const char *)s.of.where + row * s.of.where_row : NULL;
        ptrdiff_t m = t.selects ? seen(&s, row, n) : n;
        if (m)
            forward_row(t, &s, x + row * x_step, where, weight_of(t, weight + row * weight_step, 0, 1),
                        out + row * out_step, m);
        if (m < n)
            fill_row(out + row * out_step + m * ITEM, n - m, BY_LOGARITHM(t) ? -(real)INFINITY : 0);
    }
}
INLINE void forward_columns_run(rows_task t, const struct fastact_selection *selected, const char *weight, const char *x,
                                ptrdiff_t x_step, char *out, ptrdiff_t out_step, ptrdiff_t columns, ptrdiff_t n)
{
    selection s;
    if (t.selects)
        s = selection_of(selected);
    for (ptrdiff_t i = 0; i < columns; i += WIDTH)
        if (columns - i >= WIDTH)
            forward_lanes(t, &s, lane_rows_of(t, &s, i, n, WIDTH), x + i * ITEM, x_step,
                          weight_of(t, weight + i * ITEM, ITEM, WIDTH), out + i * ITEM, out_step, n);
        else
            forward_lanes(t, &s, lane_rows_of(t, &s, i, n, columns - i), x + i * ITEM, x_step,
                          weight_of(t, weight + i * ITEM, ITEM, columns - i), out + i * ITEM, out_step, n);
}

/* Several rows at once: the chains of their folds overlap.  Those of one slice stay in registers, and none is loaded right
 * behind a partial store near it. */
#define SHORT_ROWS 4
#define TOGETHER (32 * ACCUMULATORS)                /* elements of a row up to which folds matter; softmax gains nothing */
INLINE void backward_short_rows(rows_task t, const char *grad, ptrdiff_t grad_step, const char *y, ptrdiff_t y_step,
                                char *out, ptrdiff_t out_step, ptrdiff_t n)
{
    slice g[SHORT_ROWS], v[SHORT_ROWS];
    gradient_sums sums[SHORT_ROWS];
    for (int r = 0; r < SHORT_ROWS; r++) {
        g[r] = load_last(grad + r * grad_step, n, splat(0));
        v[r] = load_last(y + r * y_step, n, splat(NOTHING(t)));
        EACH_VECTOR sums[r].sum[i] = (pair){splat(0), splat(0)}, sums[r].count[i] = splat(0);
        add_terms(t, &sums[r], g[r], v[r]);
    }
    for (int r = 0; r < SHORT_ROWS; r++)
        through(t, NULL, g[r].v, v[r].v, VECTORS, gradient_total(t, &sums[r]));
    for (int r = 0; r < SHORT_ROWS; r++)
        store_last(out + r * out_step, v[r], n);
}
INLINE void backward_rows_together(rows_task t, const char *grad, ptrdiff_t grad_step, const char *y, ptrdiff_t y_step,
                                   char *out, ptrdiff_t out_step, ptrdiff_t n)
{
    gradient_sums sums[SHORT_ROWS];
    parts_of_gradient one;                              /* there are no others */
    vec totals[SHORT_ROWS];
    for (int r = 0; r < SHORT_ROWS; r++)
        sums[r] = sums_of_row(t, NULL, grad + r * grad_step, y + r * y_step, NULL, n, &one);
    for (int r = 0; r < SHORT_ROWS; r++)
        totals[r] = gradient_total(t, &sums[r]);
    for (int r = 0; r < SHORT_ROWS; r++)
        through_row(t, NULL, grad + r * grad_step, y + r * y_step, NULL, out + r * out_step, n, totals[r]);
}

/* Not turned: a sum and its fold cost less than two turns there and one back. */
INLINE void backward_run(rows_task t, const struct fastact_selection *selected, const char *grad, ptrdiff_t grad_step,
                         const char *y, ptrdiff_t y_step, char *out, ptrdiff_t out_step, ptrdiff_t rows, ptrdiff_t n)
{
    selection s;
    ptrdiff_t row = 0;
    if (t.selects)
        s = selection_of(selected);
#define PLACES grad + row * grad_step, grad_step, y + row * y_step, y_step, out + row * out_step, out_step, n
    for (; !t.selects && n <= ACCUMULATORS && rows - row >= SHORT_ROWS; row += SHORT_ROWS)
        backward_short_rows(t, PLACES);
    for (; !t.selects && t.kind != SOFTMAX && n <= TOGETHER && rows - row >= SHORT_ROWS; row += SHORT_ROWS)
        backward_rows_together(t, PLACES);
#undef PLACES
    for (; row < rows; row++) {
        const char *from = grad + row * grad_step, *of = y + row * y_step;
        const char *where = t.selects && s.of.where ? (const char *)s.of.where + row * s.of.where_row : NULL;
        char *to = out + row * out_step;
        ptrdiff_t m = t.selects ? seen(&s, row, n) : n;
        if (m)
            through_row(t, &s, from, of, where, to, m, total_of_row(t, &s, from, of, where, m));
        if (m < n)
            fill_row(to + m * ITEM, n - m, 0);
    }
}
INLINE void backward_columns_run(rows_task t, const struct fastact_selection *selected, const char *grad,
                                 ptrdiff_t grad_step, const char *y, ptrdiff_t y_step, char *out, ptrdiff_t out_step,
                                 ptrdiff_t columns, ptrdiff_t n)
{
    selection s;
    if (t.selects)
        s = selection_of(selected);
    for (ptrdiff_t i = 0; i < columns; i += WIDTH)
        if (columns - i >= WIDTH)
            backward_lanes(t, &s, lane_rows_of(t, &s, i, n, WIDTH), grad + i * ITEM, grad_step, y + i * ITEM, y_step,
                           out + i * ITEM, out_step, n);
        else
            backward_lanes(t, &s, lane_rows_of(t, &s, i, n, columns - i), grad + i * ITEM, grad_step, y + i * ITEM,
                           y_step, out + i * ITEM, out_step, n);
}

/* sparsemax(x)_i = max(0, x_i - t), with t such that they add up to 1: the mean of the support, less 1 over its number,
 * where the support is all x_i above t.  It begins as all x_i > max x - 1 and shrinks till it stands, in some turns
 * (Michelot).  All numbers are less the maximum, as pairs. */
INLINE pair sparse_share(vec x, vec peak, pair threshold)
{
    vec difference = x - peak, back = difference - x, hi = difference - threshold.hi;
    vec lo = sum_error(difference, -threshold.hi, hi) + (((x - (difference - back)) - (peak + back)) - threshold.lo);
    return (pair){hi, zero_where(equal(difference, splat(-(real)INFINITY)), lo)};
}
INLINE pair sparse_threshold(const char *x, ptrdiff_t n, vec peak)
{
    ptrdiff_t left = (n - 1) % ACCUMULATORS + 1, whole = (n - left) * ITEM;
    pair threshold = {splat(-1), splat(0)}, before = {splat((real)INFINITY), splat(0)};
    for (;;) {
        pair sum[VECTORS], sums[VECTORS], counts[VECTORS];
        vec count[VECTORS];
        EACH_VECTOR sum[i] = sums[i] = counts[i] = (pair){splat(0), splat(0)}, count[i] = splat(0);
        for (ptrdiff_t at = 0, end = 0; at <= whole; at += STEP) {
            if (at == end && at < whole) {
                if (at) {
                    set_aside(sums, sum);
                    set_counts_aside(counts, count);
                }
                end = end_of_part(at, whole);
            }
            slice v = at < whole ? load_slice(x + at) : load_last(x + at, left, splat(-(real)INFINITY));
            EACH_VECTOR {
                pair y = sparse_share(v.v[i], peak, threshold);
                mask none = less_equal(y.hi + y.lo, splat(0));
                sum[i] = add_pairs(sum[i], (pair){zero_where(none, y.hi), zero_where(none, y.lo)});
                count[i] += zero_where(none, splat(1));
            }
        }
        pair number = fold_counts_of_parts(counts, count, whole);
        int stands = !any(either(less(number.hi, before.hi), less(number.lo, before.lo)));
        if (stands && whole <= PART_BYTES)
            return threshold;
        before = number;
        pair total = fold_parts(sums, sum, whole);      /* of what is above the threshold; 1 is what it should be */
        vec over = total.hi - splat(1), over_lo = sum_error(total.hi, splat(-1), over) + total.lo;
        quotient step = quotient_of_pairs(over, over_lo, number.hi, number.lo);
        threshold = normalize(add_pairs(threshold, (pair){step.q, step.error * step.reciprocal}));
        if (stands)                                     /* of many, the first step's rounding is seen in each share */
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
        vec peak = peak_of_row((rows_task){SPARSEMAX, 0, 0}, NULL, x, NULL, n);
        pair threshold = sparse_threshold(x, n, peak);
        for (ptrdiff_t at = 0; at <= whole; at += STEP) {
            slice v = at < whole ? load_slice(x + at) : load_last(x + at, left, splat(-(real)INFINITY));
            EACH_VECTOR {
                pair y = sparse_share(v.v[i], peak, threshold);
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

/* Kernels.  What masks and scales is compiled apart: an ordinary call does without. */
INLINE struct fastact_selection selection_from(const struct fastact_args *args, char *const *operands,
                                               const ptrdiff_t *row_steps, int mask)
{
    return (struct fastact_selection){args->parameters[0], operands[mask], row_steps[mask], args->steps[mask],
                                      (const int64_t *)operands[mask + 1], row_steps[mask + 1]};
}
#define SELECTS(mask) (operands[mask] || operands[(mask) + 1] || args->parameters[0] != 1)

#define FORWARD_OF(run, t, of, weight, weight_step, x) \
    run(t, of, weight, weight_step, operands[x], row_steps[x], operands[(x) + 3], row_steps[(x) + 3], rows, n)
#define FORWARD_COLUMNS_OF(run, t, of, weight, x) \
    run(t, of, weight, operands[x], args->steps[x], operands[(x) + 3], args->steps[(x) + 3], rows, n)

#define FORWARD(name, kind, negative) \
    KERNEL(name##_run) \
    { \
        (void)args; \
        FORWARD_OF(forward_run, ((rows_task){kind, negative, 0}), NULL, NULL, 0, 0); \
    } \
    KERNEL(name##_columns_run) \
    { \
        (void)row_steps; \
        FORWARD_COLUMNS_OF(forward_columns_run, ((rows_task){kind, negative, 0}), NULL, NULL, 0); \
    }
#define FORWARD_SELECTED(name, kind) \
    KERNEL(name##_run) \
    { \
        struct fastact_selection s = selection_from(args, operands, row_steps, 1); \
        if (SELECTS(1)) \
            FORWARD_OF(forward_run, ((rows_task){kind, 0, 1}), &s, NULL, 0, 0); \
        else \
            FORWARD_OF(forward_run, ((rows_task){kind, 0, 0}), NULL, NULL, 0, 0); \
    } \
    KERNEL(name##_columns_run) \
    { \
        struct fastact_selection s = selection_from(args, operands, row_steps, 1); \
        if (SELECTS(1)) \
            FORWARD_COLUMNS_OF(forward_columns_run, ((rows_task){kind, 0, 1}), &s, NULL, 0); \
        else \
            FORWARD_COLUMNS_OF(forward_columns_run, ((rows_task){kind, 0, 0}), NULL, NULL, 0); \
    }

#define BACKWARD_OF(t, of) \
    backward_run(t, of, operands[0], row_steps[0], operands[1], row_steps[1], operands[4], row_steps[4], rows, n)
#define BACKWARD_COLUMNS_OF(t, of) \
    backward_columns_run(t, of, operands[0], args->steps[0], operands[1], args->steps[1], operands[4], args->steps[4], \
                         rows, n)
#define BACKWARD(name, kind, negative) \
    KERNEL(name##_backward_run) \
    { \
        (void)args; \
        BACKWARD_OF(((rows_task){kind, negative, 0}), NULL); \
    } \
    KERNEL(name##_backward_columns_run) \
    { \
        (void)row_steps; \
        BACKWARD_COLUMNS_OF(((rows_task){kind, negative, 0}), NULL); \
    }
#define BACKWARD_SELECTED(name, kind) \
    KERNEL(name##_backward_run) \
    { \
        struct fastact_selection s = selection_from(args, operands, row_steps, 2); \
        if (SELECTS(2)) \
            BACKWARD_OF(((rows_task){kind, 0, 1}), &s); \
        else \
            BACKWARD_OF(((rows_task){kind, 0, 0}), NULL); \
    } \
    KERNEL(name##_backward_columns_run) \
    { \
        struct fastact_selection s = selection_from(args, operands, row_steps, 2); \
        if (SELECTS(2)) \
            BACKWARD_COLUMNS_OF(((rows_task){kind, 0, 1}), &s); \
        else \
            BACKWARD_COLUMNS_OF(((rows_task){kind, 0, 0}), NULL); \
    }

FORWARD_SELECTED(softmax, SOFTMAX)
BACKWARD_SELECTED(softmax, SOFTMAX)
FORWARD_SELECTED(log_softmax, LOG_SOFTMAX)
BACKWARD_SELECTED(log_softmax, LOG_SOFTMAX)
FORWARD(softmin, SOFTMAX, 1)
BACKWARD(softmin, SOFTMAX, 1)
FORWARD(logsumexp, LOGSUMEXP, 0)
BACKWARD(sparsemax, SPARSEMAX, 0)

/* softmax(x) * grad, where a row has one gradient. */
KERNEL(logsumexp_backward_run)
{
    (void)args;
    FORWARD_OF(forward_run, ((rows_task){SOFTMAX_TIMES, 0, 0}), NULL, operands[0], row_steps[0], 1);
}
KERNEL(logsumexp_backward_columns_run)
{
    (void)row_steps;
    FORWARD_COLUMNS_OF(forward_columns_run, ((rows_task){SOFTMAX_TIMES, 0, 0}), NULL, operands[0], 1);
}

#define ROWWISE(name, backward, f, b) \
    {#name, FASTACT_FORWARD, name##_run, name##_columns_run, f}, \
    {#name, backward, name##_backward_run, name##_backward_columns_run, b},
#define ROWWISE_ENTRIES \
    ROWWISE(softmax, FASTACT_BACKWARD_Y, .4f, .15f) \
    ROWWISE(softmin, FASTACT_BACKWARD_Y, .4f, .15f) \
    ROWWISE(log_softmax, FASTACT_BACKWARD_Y, .4f, .4f) \
    ROWWISE(logsumexp, FASTACT_BACKWARD, .3f, .4f) \
    {"sparsemax", FASTACT_FORWARD, sparsemax_run, NULL, 1}, \
    {"sparsemax", FASTACT_BACKWARD_Y, sparsemax_backward_run, sparsemax_backward_columns_run, .3f},
