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
INLINE vec fold_max(slice s)
{
    for (int i = 1; i < VECTORS; i++)
        s.v[0] = maximum(s.v[0], s.v[i]);
    for (int half = WIDTH / 2; half; half /= 2)
        s.v[0] = maximum(s.v[0], swapped(s.v[0], half));
    return s.v[0];
}

/* e^(x - most) for x <= most.  The difference goes in as a pair: rounding it alone costs 66 ulp.  Quick code gives 0
 * from -EXP_SMALL down, which is right for what is far below (-inf, say); careful code is right in between too. */
INLINE vec exp_difference(vec x, vec most, int careful)
{
    vec difference = x - most, back = difference - x;
    vec lo = (x - (difference - back)) - (most + back);
    real least = careful ? -EXP_ZERO : -EXP_SMALL;
    mask vanishes = less(difference, splat(least));
    vec exponent = maximum(splat(least), minimum(splat(-EXP_ONE), difference));
    exp_parts e = exponential(exponent, zero_where(vanishes, lo));
    vec sum = zero_where(vanishes, e.head + e.rest);
    if (careful)
        return scale(sum, e.k);
    return sum * power2(e.k);
}
INLINE void exp_differences(vec *v, int count, vec most)
{
    mask subnormal = within(v[0] - most, splat(-EXP_ZERO), splat(-EXP_SMALL));
    for (int i = 1; i < count; i++)
        subnormal = either(subnormal, within(v[i] - most, splat(-EXP_ZERO), splat(-EXP_SMALL)));
    if (any(subnormal))
        for (int i = 0; i < count; i++)
            v[i] = exp_difference(v[i], most, 1);
    else
        for (int i = 0; i < count; i++)
            v[i] = exp_difference(v[i], most, 0);
}

#define EACH_VECTOR for (int i = 0; i < VECTORS; i++)
#define EACH_SLICE for (ptrdiff_t at = 0; at < whole; at += STEP)

INLINE pair invert(pair d)
{
    vec q = splat(1) / d.hi;
    return (pair){q, submul(residual(splat(1), q, d.hi), q, d.lo) * q};
}

/* softmax(x)_i = e^(x_i - max x) / sum_j e^(x_j - max x) */
INLINE void softmax_row(const char *x, char *out, ptrdiff_t n)
{
    ptrdiff_t left = (n - 1) % ACCUMULATORS + 1, whole = (n - left) * ITEM;

    slice most = load_last(x + whole, left, splat(-(real)INFINITY));
    EACH_SLICE {
        slice s = load_slice(x + at);
        EACH_VECTOR most.v[i] = maximum(s.v[i], most.v[i]);
    }
    vec peak = fold_max(most);

    pair sum[VECTORS];
    EACH_VECTOR sum[i] = (pair){splat(0), splat(0)};
    ptrdiff_t pairs = whole - whole % (2 * STEP);
    for (ptrdiff_t at = 0; at < pairs; at += 2 * STEP) {        /* chains of two slices overlap */
        slice e[2] = {load_slice(x + at), load_slice(x + at + STEP)};
        exp_differences(e[0].v, 2 * VECTORS, peak);
        EACH_VECTOR sum[i] = accumulate(accumulate(sum[i], e[0].v[i]), e[1].v[i]);
        store_slice(out + at, e[0]);
        store_slice(out + at + STEP, e[1]);
    }
    if (pairs < whole) {
        slice e = load_slice(x + pairs);
        exp_differences(e.v, VECTORS, peak);
        EACH_VECTOR sum[i] = accumulate(sum[i], e.v[i]);
        store_slice(out + pairs, e);
    }
    slice last = load_last(x + whole, left, peak);      /* e^0 past the end: e^-inf would be slow */
    exp_differences(last.v, VECTORS, peak);
    slice kept = keep_last(last, left);
    EACH_VECTOR sum[i] = accumulate(sum[i], kept.v[i]);

    pair inverse = invert(fold_sums(sum));
    EACH_SLICE {
        slice e = load_slice(out + at);
        EACH_VECTOR e.v[i] = muladd(e.v[i], inverse.hi, e.v[i] * inverse.lo);
        store_slice(out + at, e);
    }
    EACH_VECTOR last.v[i] = muladd(last.v[i], inverse.hi, last.v[i] * inverse.lo);
    store_last(out + whole, last, left);
}

/* dL/dx_i = y_i * (grad_i - sum_j grad_j y_j) */
INLINE void softmax_backward_row(const char *grad, const char *y, char *out, ptrdiff_t n)
{
    ptrdiff_t left = (n - 1) % ACCUMULATORS + 1, whole = (n - left) * ITEM;

    pair sum[VECTORS];
    EACH_VECTOR sum[i] = (pair){splat(0), splat(0)};
    EACH_SLICE {
        slice g = load_slice(grad + at), s = load_slice(y + at);
        EACH_VECTOR sum[i] = accumulate_product(sum[i], g.v[i], s.v[i]);
    }
    slice last_grad = load_last(grad + whole, left, splat(0)), last_y = load_last(y + whole, left, splat(0));
    EACH_VECTOR sum[i] = accumulate_product(sum[i], last_grad.v[i], last_y.v[i]);
    vec dot = fold_sums(sum).hi;

    EACH_SLICE {
        slice g = load_slice(grad + at), s = load_slice(y + at);
        EACH_VECTOR s.v[i] *= g.v[i] - dot;
        store_slice(out + at, s);
    }
    EACH_VECTOR last_y.v[i] *= last_grad.v[i] - dot;
    store_last(out + whole, last_y, left);
}

/* Down the lanes: every lane is a row of its own, element j of all of them stands at j * step.  The accumulators and
 * their tree are those of a row in memory, so are the bits. */
INLINE pair fold_lane_sums(pair *s, ptrdiff_t n)
{
    for (int half = ACCUMULATORS / 2; half; half /= 2)
        for (int i = 0; i < half && i + half < n; i++)
            s[i] = add_pairs(s[i], s[i + half]);
    return normalize(s[0]);
}

INLINE void softmax_lanes(const char *x, ptrdiff_t x_step, char *out, ptrdiff_t out_step,
                          ptrdiff_t n, ptrdiff_t columns)
{
    vec most = splat(-(real)INFINITY), zero = splat(0);
    for (ptrdiff_t j = 0; j < n; j++)
        most = maximum(load_part(x + j * x_step, columns, zero), most);
    pair sums[ACCUMULATORS];
    for (ptrdiff_t j = 0; j < n; j += 2) {
        vec e[2] = {load_part(x + j * x_step, columns, most), most};
        if (j + 1 < n)
            e[1] = load_part(x + (j + 1) * x_step, columns, most);
        exp_differences(e, 2, most);
        for (int i = 0; i < 2 && j + i < n; i++) {
            store_part(out + (j + i) * out_step, e[i], columns);
            pair *sum = &sums[(j + i) % ACCUMULATORS];
            *sum = j + i < ACCUMULATORS ? (pair){e[i], zero} : accumulate(*sum, e[i]);
        }
    }
    pair inverse = invert(fold_lane_sums(sums, n));
    for (ptrdiff_t j = 0; j < n; j++) {
        vec e = load_part(out + j * out_step, columns, zero);
        store_part(out + j * out_step, muladd(e, inverse.hi, e * inverse.lo), columns);
    }
}

INLINE void softmax_backward_lanes(const char *grad, ptrdiff_t grad_step, const char *y, ptrdiff_t y_step,
                                   char *out, ptrdiff_t out_step, ptrdiff_t n, ptrdiff_t columns)
{
    vec zero = splat(0);
    pair sums[ACCUMULATORS];
    for (ptrdiff_t j = 0; j < n; j++) {
        vec g = load_part(grad + j * grad_step, columns, zero), s = load_part(y + j * y_step, columns, zero);
        pair *sum = &sums[j % ACCUMULATORS];
        *sum = accumulate_product(j < ACCUMULATORS ? (pair){zero, zero} : *sum, g, s);
    }
    vec dot = fold_lane_sums(sums, n).hi;
    for (ptrdiff_t j = 0; j < n; j++) {
        vec g = load_part(grad + j * grad_step, columns, zero), s = load_part(y + j * y_step, columns, zero);
        store_part(out + j * out_step, s * (g - dot), columns);
    }
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

static void softmax_run(const void *x_, ptrdiff_t x_step, void *out_, ptrdiff_t out_step, ptrdiff_t rows, ptrdiff_t n)
{
    const char *x = x_;
    char *out = out_;
    for (; n <= TURNED_ROW && rows >= WIDTH; rows -= WIDTH, x += WIDTH * x_step, out += WIDTH * out_step) {
        turned block;
        char *columns = (char *)&block;
        turn(x, x_step, n, &block);
        softmax_lanes(columns, VECTOR_BYTES, columns, VECTOR_BYTES, n, WIDTH);
        turn_back(&block, out, out_step, n);
    }
    for (; rows > 0; rows--, x += x_step, out += out_step)
        softmax_row(x, out, n);
}
/* Rows of one slice, several at once: their chains overlap, and none is loaded right behind a partial store near it. */
#define SHORT_ROWS 4
INLINE void softmax_backward_short_rows(const char *grad, ptrdiff_t grad_step, const char *y, ptrdiff_t y_step,
                                        char *out, ptrdiff_t out_step, ptrdiff_t n)
{
    slice g[SHORT_ROWS], s[SHORT_ROWS];
    for (int r = 0; r < SHORT_ROWS; r++) {
        g[r] = load_last(grad + r * grad_step, n, splat(0));
        s[r] = load_last(y + r * y_step, n, splat(0));
    }
    for (int r = 0; r < SHORT_ROWS; r++) {
        pair sum[VECTORS];
        EACH_VECTOR sum[i] = accumulate_product((pair){splat(0), splat(0)}, g[r].v[i], s[r].v[i]);
        vec dot = fold_sums(sum).hi;
        EACH_VECTOR s[r].v[i] *= g[r].v[i] - dot;
    }
    for (int r = 0; r < SHORT_ROWS; r++)
        store_last(out + r * out_step, s[r], n);
}

/* Not turned: a dot product and its fold cost less than two turns there and one back. */
static void softmax_backward_run(const void *grad_, ptrdiff_t grad_step, const void *y_, ptrdiff_t y_step,
                                 void *out_, ptrdiff_t out_step, ptrdiff_t rows, ptrdiff_t n)
{
    const char *grad = grad_, *y = y_;
    char *out = out_;
    for (; n <= ACCUMULATORS && rows >= SHORT_ROWS; rows -= SHORT_ROWS) {
        softmax_backward_short_rows(grad, grad_step, y, y_step, out, out_step, n);
        grad += SHORT_ROWS * grad_step, y += SHORT_ROWS * y_step, out += SHORT_ROWS * out_step;
    }
    for (; rows > 0; rows--, grad += grad_step, y += y_step, out += out_step)
        softmax_backward_row(grad, y, out, n);
}
static void softmax_columns_run(const void *x_, ptrdiff_t x_step, void *out_, ptrdiff_t out_step,
                                ptrdiff_t columns, ptrdiff_t n)
{
    const char *x = x_;
    char *out = out_;
    for (; columns >= WIDTH; columns -= WIDTH, x += VECTOR_BYTES, out += VECTOR_BYTES)
        softmax_lanes(x, x_step, out, out_step, n, WIDTH);
    if (columns)
        softmax_lanes(x, x_step, out, out_step, n, columns);
}
static void softmax_backward_columns_run(const void *grad_, ptrdiff_t grad_step, const void *y_, ptrdiff_t y_step,
                                         void *out_, ptrdiff_t out_step, ptrdiff_t columns, ptrdiff_t n)
{
    const char *grad = grad_, *y = y_;
    char *out = out_;
    for (; columns >= WIDTH; columns -= WIDTH, grad += VECTOR_BYTES, y += VECTOR_BYTES, out += VECTOR_BYTES)
        softmax_backward_lanes(grad, grad_step, y, y_step, out, out_step, n, WIDTH);
    if (columns)
        softmax_backward_lanes(grad, grad_step, y, y_step, out, out_step, n, columns);
}

static const struct fastact_rowwise rowwise[] = {
    {"softmax", softmax_run, softmax_backward_run, softmax_columns_run, softmax_backward_columns_run, {.4f, .15f}},
};
