/* Runs of elements: each formula applied to contiguous memory, vector by vector, and the copies from and to strided
 * memory.  A run's head (up to the alignment of `out`) and tail are partial vectors, so that every element goes
 * through the same instructions wherever it stands. */

typedef vec (*formula)(vec x, const vec *p);

#define MAX_PARAMETERS 2
#define VECTOR_BYTES ((ptrdiff_t)sizeof(vec))
#define ITEM ((ptrdiff_t)sizeof(real))
#define CACHE_LINE 64
#define PREFETCH_AHEAD 4096             /* bytes; brings arrays larger than the cache to the speed of those within */

enum kind { PIECEWISE, SMOOTH };

/* grad * f', rounded once.  A branch that makes f' exactly 0 stops whatever grad holds; a NaN in x stays. */
INLINE vec chain(vec grad, vec derivative, enum kind kind)
{
    vec product = grad * derivative;
    return kind == PIECEWISE ? zero_where(equal(derivative, splat(0)), product) : product;
}

/* What a run does with one vector: out = f(x), or out = grad * f'(x). */
INLINE vec apply(formula f, enum kind kind, int backward, vec grad, vec x, const vec *p)
{
    return backward ? chain(grad, f(x, p), kind) : f(x, p);
}

INLINE void part(formula f, enum kind kind, int backward, const char *grad, const char *x, char *out, ptrdiff_t n, const vec *p)
{
    /* The lanes past n hold 1: no formula is slow there. */
    vec g = backward ? load_part(grad, n, splat(1)) : splat(1);
    store_part(out, apply(f, kind, backward, g, load_part(x, n, splat(1)), p), n);
}

INLINE void run(formula f, enum kind kind, int backward, const char *grad, const char *x, char *out, ptrdiff_t n,
                const double *parameters)
{
    vec p[MAX_PARAMETERS];
    for (int i = 0; i < MAX_PARAMETERS; i++)
        p[i] = splat((real)parameters[i]);

    /* Stores that straddle cache lines cost a quarter of a memory-bound function's speed. */
    ptrdiff_t head = (ptrdiff_t)(-(uintptr_t)out % (uintptr_t)VECTOR_BYTES) / ITEM;
    if (head && n > 8 * WIDTH) {
        part(f, kind, backward, grad, x, out, head, p);
        grad += head * ITEM, x += head * ITEM, out += head * ITEM, n -= head;
    }
    ptrdiff_t bytes = n * ITEM, at = 0;
    for (; at + 2 * VECTOR_BYTES <= bytes; at += 2 * VECTOR_BYTES) {
        for (ptrdiff_t line = 0; line < 2 * VECTOR_BYTES; line += CACHE_LINE) {
            __builtin_prefetch(x + at + line + PREFETCH_AHEAD);
            __builtin_prefetch(out + at + line + PREFETCH_AHEAD, 1);
            if (backward)
                __builtin_prefetch(grad + at + line + PREFETCH_AHEAD);
        }
        vec g0 = splat(1), g1 = splat(1), x0 = load(x + at), x1 = load(x + at + VECTOR_BYTES);
        if (backward)
            g0 = load(grad + at), g1 = load(grad + at + VECTOR_BYTES);
        vec y0 = apply(f, kind, backward, g0, x0, p), y1 = apply(f, kind, backward, g1, x1, p);
        store(out + at, y0);
        store(out + at + VECTOR_BYTES, y1);
    }
    if (at + VECTOR_BYTES <= bytes) {
        vec g = backward ? load(grad + at) : splat(1);
        store(out + at, apply(f, kind, backward, g, load(x + at), p));
        at += VECTOR_BYTES;
    }
    if (at < bytes)
        part(f, kind, backward, grad + at, x + at, out + at, (bytes - at) / ITEM, p);
}

#define DEFINE_UNARY(name, f) \
    static void name(const void *x, void *out, ptrdiff_t n, const double *parameters) \
    { \
        run(f, SMOOTH, 0, NULL, x, out, n, parameters); \
    }
#define DEFINE_BINARY(name, f, kind) \
    static void name(const void *grad, const void *x, void *out, ptrdiff_t n, const double *parameters) \
    { \
        run(f, kind, 1, grad, x, out, n, parameters); \
    }

#define DEFINE_RUNS(name, kind, ...) \
    DEFINE_UNARY(name##_run, name##_forward) \
    DEFINE_UNARY(name##_derivative_run, name##_derivative) \
    DEFINE_BINARY(name##_backward_run, name##_derivative, kind)
#define DEFINE_RUNS_Y(name, kind, ...) \
    DEFINE_RUNS(name, kind) \
    DEFINE_BINARY(name##_backward_y_run, name##_derivative_y, kind)
ACTIVATIONS(DEFINE_RUNS_Y, DEFINE_RUNS)

#define RUNS(name, kind, ...) {#name, name##_run, name##_derivative_run, name##_backward_run, NULL, {__VA_ARGS__}},
#define RUNS_Y(name, kind, ...) \
    {#name, name##_run, name##_derivative_run, name##_backward_run, name##_backward_y_run, {__VA_ARGS__}},
static const struct fastact_elementwise elementwise[] = {ACTIVATIONS(RUNS_Y, RUNS)};

/* Strided copies.  Unrolled by hand: the compiler cannot know that no two of the addresses meet. */
static void gather(const void *source, ptrdiff_t stride, void *block, ptrdiff_t n)
{
    const char *from = source;
    char *to = block;
    for (; n >= 4; n -= 4, from += 4 * stride, to += 4 * ITEM) {
        real a, b, c, d;
        memcpy(&a, from, ITEM), memcpy(&b, from + stride, ITEM);
        memcpy(&c, from + 2 * stride, ITEM), memcpy(&d, from + 3 * stride, ITEM);
        memcpy(to, &a, ITEM), memcpy(to + ITEM, &b, ITEM);
        memcpy(to + 2 * ITEM, &c, ITEM), memcpy(to + 3 * ITEM, &d, ITEM);
    }
    for (; n > 0; n--, from += stride, to += ITEM)
        memcpy(to, from, ITEM);
}

static void scatter(const void *block, void *destination, ptrdiff_t stride, ptrdiff_t n)
{
    const char *from = block;
    char *to = destination;
    for (; n >= 4; n -= 4, from += 4 * ITEM, to += 4 * stride) {
        real a, b, c, d;
        memcpy(&a, from, ITEM), memcpy(&b, from + ITEM, ITEM);
        memcpy(&c, from + 2 * ITEM, ITEM), memcpy(&d, from + 3 * ITEM, ITEM);
        memcpy(to, &a, ITEM), memcpy(to + stride, &b, ITEM);
        memcpy(to + 2 * stride, &c, ITEM), memcpy(to + 3 * stride, &d, ITEM);
    }
    for (; n > 0; n--, from += ITEM, to += stride)
        memcpy(to, from, ITEM);
}

#if REAL_BITS == 64
static void widen(const void *source, ptrdiff_t stride, void *block, ptrdiff_t n)
{
    const char *from = source;
    double *to = block;
    for (; n > 0; n--, from += stride, to++) {
        float narrow;
        memcpy(&narrow, from, sizeof narrow);
        *to = narrow;
    }
}
#endif
