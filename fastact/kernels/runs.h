/* Runs of elements: each formula applied to contiguous memory, vector by vector, and the copies from and to strided
 * memory.  A run's head (up to the alignment of `out`) and tail are partial vectors, so that every element goes
 * through the same instructions wherever it stands. */

typedef vec (*formula)(vec x, const vec *p, int careful);

#define VECTOR_BYTES ((ptrdiff_t)sizeof(vec))
#define ITEM ((ptrdiff_t)sizeof(real))
#define CACHE_LINE 64
#define PREFETCH_AHEAD 4096             /* bytes; brings arrays larger than the cache to the speed of those within */
#define NEVER ((real)INFINITY)
#define MOST_AT_ONCE 4

/* One number in memory, which needs no alignment. */
INLINE real real_at(const char *p)
{
    real value;
    memcpy(&value, p, sizeof value);
    return value;
}
INLINE void put_real(char *p, real value) { memcpy(p, &value, sizeof value); }

enum kind { PIECEWISE, SMOOTH };

/* What is run: out = f(x), or out = grad * f(x) where f is a derivative; p[0] may be a weight for each element.
 * Constants all, so that loops hold no choice.  Vectors at once: four where results are waited for, two where memory is
 * (four cost half as much again there). */
typedef struct { formula f; enum kind kind; int backward, weighted; real care; int at_once; } task;

/* grad * f', rounded once.  A branch that makes f' exactly 0 stops whatever grad holds; a NaN in x stays. */
INLINE vec chain(vec grad, vec derivative, enum kind kind)
{
    vec product = grad * derivative;
    return kind == PIECEWISE ? zero_where(equal(derivative, splat(0)), product) : product;
}

INLINE vec apply(task t, vec grad, vec x, const vec *p, int careful)
{
    vec y = t.f(x, p, careful);
    return t.backward ? chain(grad, y, t.kind) : y;
}

/* Whether an |x| is beyond what the quick code is right for. */
INLINE int needs_care(const vec *x, int count, real care)
{
    if (care == NEVER)
        return 0;
    mask beyond = less(splat(care), absolute(x[0]));
    for (int i = 1; i < count; i++)
        beyond = either(beyond, less(splat(care), absolute(x[i])));
    return any(beyond);
}

/* `count` vectors, by the quick code where none of them needs the other. */
INLINE void whole(task t, const char *grad, const char *x, const char *bias, const char *weight, char *out, const vec *p,
                  int count)
{
    vec g[MOST_AT_ONCE], v[MOST_AT_ONCE], w[MOST_AT_ONCE];
    for (int i = 0; i < count; i++) {
        v[i] = load(x + i * VECTOR_BYTES);
        g[i] = t.backward ? load(grad + i * VECTOR_BYTES) : splat(1);
        w[i] = t.weighted ? load(weight + i * VECTOR_BYTES) : splat(1);
    }
    if (bias)
        for (int i = 0; i < count; i++)
            v[i] += load(bias + i * VECTOR_BYTES);
    if (needs_care(v, count, t.care))
        for (int i = 0; i < count; i++)
            store(out + i * VECTOR_BYTES, apply(t, g[i], v[i], t.weighted ? &w[i] : p, 1));
    else {
        UNROLLED
        for (int i = 0; i < count; i++)
            v[i] = apply(t, g[i], v[i], t.weighted ? &w[i] : p, 0);
        for (int i = 0; i < count; i++)
            store(out + i * VECTOR_BYTES, v[i]);
    }
}

INLINE void part(task t, const char *grad, const char *x, const char *bias, const char *weight, char *out, ptrdiff_t n,
                 const vec *p)
{
    /* The lanes past n hold 1: no formula is slow there. */
    vec v = load_part(x, n, splat(1));
    if (bias)
        v += load_part(bias, n, splat(0));
    vec g = t.backward ? load_part(grad, n, splat(1)) : splat(1);
    vec w = t.weighted ? load_part(weight, n, splat(1)) : splat(1);
    store_part(out, apply(t, g, v, t.weighted ? &w : p, 1), n);
}

/* `bias` is NULL or what is added to x. */
INLINE void run(task t, const char *grad, const char *x, const char *bias, const char *weight, char *out, ptrdiff_t n,
                const double *parameters)
{
    vec p[PARAMETERS_AND_PREPARED];
    for (int i = 0; i < MAX_PARAMETERS; i++)
        p[i] = t.weighted ? splat(1) : splat((real)parameters[i]);
    prepare(p);

    /* Stores that straddle cache lines cost a quarter of a memory-bound function's speed. */
    ptrdiff_t head = (ptrdiff_t)(-(uintptr_t)out % (uintptr_t)VECTOR_BYTES) / ITEM, at = 0, bytes = n * ITEM;
    if (!SMALL && head && n > 8 * WIDTH) {
        part(t, grad, x, bias, weight, out, head, p);
        at = head * ITEM;
    }
#define PLACES grad + at, x + at, bias ? bias + at : NULL, weight + at, out + at
    for (; !SMALL && at + t.at_once * VECTOR_BYTES <= bytes; at += t.at_once * VECTOR_BYTES) {
        for (ptrdiff_t line = 0; line < t.at_once * VECTOR_BYTES; line += CACHE_LINE) {
            __builtin_prefetch(x + at + line + PREFETCH_AHEAD);
            __builtin_prefetch(out + at + line + PREFETCH_AHEAD, 1);
            if (t.backward)
                __builtin_prefetch(grad + at + line + PREFETCH_AHEAD);
        }
        whole(t, PLACES, p, t.at_once);
    }
    for (; at + VECTOR_BYTES <= bytes; at += VECTOR_BYTES)
        whole(t, PLACES, p, 1);
    if (at < bytes)
        part(t, PLACES, (bytes - at) / ITEM, p);
#undef PLACES
}

/* A kernel over rows: x alone, or grad and x; then what is added to x, or its weight; then the output. */
#define OPERAND(k) (operands[k] + i * row_steps[k])
INLINE void run_unary(task t, char *const *operands, const ptrdiff_t *row_steps, ptrdiff_t rows, ptrdiff_t n,
                      const double *parameters)
{
    for (ptrdiff_t i = 0; i < rows; i++)
        run(t, NULL, OPERAND(0), operands[1] ? OPERAND(1) : NULL, NULL, OPERAND(2), n, parameters);
}
INLINE void run_binary(task t, char *const *operands, const ptrdiff_t *row_steps, ptrdiff_t rows, ptrdiff_t n,
                       const double *parameters)
{
    for (ptrdiff_t i = 0; i < rows; i++)
        run(t, OPERAND(0), OPERAND(1), operands[2] ? OPERAND(2) : NULL, NULL, OPERAND(3), n, parameters);
}

#define KERNEL(name) \
    static void name(const struct fastact_args *args, char *const *operands, const ptrdiff_t *row_steps, \
                     ptrdiff_t rows, ptrdiff_t n)
#define DEFINE_UNARY(name, f, care, at_once) \
    KERNEL(name) \
    { \
        const double *parameters = args->parameters; \
        run_unary((task){f, SMOOTH, 0, 0, care, at_once}, operands, row_steps, rows, n, parameters); \
    }
#define DEFINE_BINARY(name, f, kind, care, at_once) \
    KERNEL(name) \
    { \
        const double *parameters = args->parameters; \
        run_binary((task){f, kind, 1, 0, care, at_once}, operands, row_steps, rows, n, parameters); \
    }

#define DEFINE_RUNS(name, kind, care, derivative_care, ...) \
    DEFINE_UNARY(name##_run, name##_forward, care, (kind == SMOOTH ? 4 : 2)) \
    DEFINE_UNARY(name##_derivative_run, name##_derivative, derivative_care, (kind == SMOOTH ? 4 : 2)) \
    DEFINE_BINARY(name##_backward_run, name##_derivative, kind, derivative_care, (kind == SMOOTH ? 4 : 2))
#define DEFINE_RUNS_Y(name, kind, care, derivative_care, ...) \
    DEFINE_RUNS(name, kind, care, derivative_care) \
    DEFINE_BINARY(name##_backward_y_run, name##_derivative_y, kind, NEVER, 2)
ACTIVATIONS(DEFINE_RUNS_Y, DEFINE_RUNS)

#define ENTRIES(name, kind, care, derivative_care, f, d, b) \
    {#name, FASTACT_FORWARD, name##_run, NULL, f}, \
    {#name, FASTACT_DERIVATIVE, name##_derivative_run, NULL, d}, \
    {#name, FASTACT_BACKWARD, name##_backward_run, NULL, b},
#define ENTRIES_Y(name, kind, care, derivative_care, f, d, b, y) \
    ENTRIES(name, kind, care, derivative_care, f, d, b) \
    {#name, FASTACT_BACKWARD_Y, name##_backward_y_run, NULL, y},
#define ELEMENTWISE_ENTRIES ACTIVATIONS(ENTRIES_Y, ENTRIES)

/* A weight that is the same along a row is a parameter like any other; else there is one for each element. */
#define DEFINE_WEIGHTED_UNARY(name, f) \
    KERNEL(name) \
    { \
        for (ptrdiff_t i = 0; i < rows; i++) { \
            const double parameters[MAX_PARAMETERS] = {args->steps[1] ? 1 : real_at(OPERAND(1))}; \
            if (args->steps[1]) \
                run((task){f, SMOOTH, 0, 1, NEVER, 2}, NULL, OPERAND(0), NULL, OPERAND(1), OPERAND(2), n, parameters); \
            else \
                run((task){f, SMOOTH, 0, 0, NEVER, 2}, NULL, OPERAND(0), NULL, NULL, OPERAND(2), n, parameters); \
        } \
    }
#define DEFINE_WEIGHTED_BINARY(name, f, kind) \
    KERNEL(name) \
    { \
        for (ptrdiff_t i = 0; i < rows; i++) { \
            const double parameters[MAX_PARAMETERS] = {args->steps[2] ? 1 : real_at(OPERAND(2))}; \
            if (args->steps[2]) \
                run((task){f, kind, 1, 1, NEVER, 2}, OPERAND(0), OPERAND(1), NULL, OPERAND(2), OPERAND(3), n, parameters); \
            else \
                run((task){f, kind, 1, 0, NEVER, 2}, OPERAND(0), OPERAND(1), NULL, NULL, OPERAND(3), n, parameters); \
        } \
    }
#define DEFINE_WEIGHTED_RUNS(name, formula, kind, ...) \
    DEFINE_WEIGHTED_UNARY(name##_run, formula##_forward) \
    DEFINE_WEIGHTED_UNARY(name##_derivative_run, formula##_derivative) \
    DEFINE_WEIGHTED_BINARY(name##_backward_run, formula##_derivative, kind) \
    DEFINE_WEIGHTED_BINARY(name##_backward_y_run, formula##_derivative_y, kind)
WEIGHTED_ACTIVATIONS(DEFINE_WEIGHTED_RUNS)

/* Strided copies, of one element again and again too.  Unrolled by hand: the compiler cannot know that no two of the
 * addresses meet. */
static void gather(const void *source, ptrdiff_t stride, void *block, ptrdiff_t n)
{
    const char *from = source;
    char *to = block;
    if (stride == 0 && n > 0) {
        real value;
        memcpy(&value, source, ITEM);
        for (; n >= WIDTH; n -= WIDTH, to += VECTOR_BYTES)
            store(to, splat(value));
    } else if (stride == ITEM) {
        memcpy(block, source, (size_t)(n * ITEM));
        return;
    }
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

/* Numbers of other types, as they are read. */
#define DEFINE_LOAD(name, type) \
    static void load_##name(const void *source, ptrdiff_t stride, void *block, ptrdiff_t n) \
    { \
        const char *from = source; \
        real *to = block; \
        for (ptrdiff_t i = 0; i < n; i++, from += stride) { \
            type value; \
            memcpy(&value, from, sizeof value); \
            to[i] = (real)value; \
        } \
    }
DEFINE_LOAD(int8, int8_t)
DEFINE_LOAD(int16, int16_t)
DEFINE_LOAD(int32, int32_t)
DEFINE_LOAD(int64, int64_t)
DEFINE_LOAD(uint8, uint8_t)
DEFINE_LOAD(uint16, uint16_t)
DEFINE_LOAD(uint32, uint32_t)
DEFINE_LOAD(uint64, uint64_t)
#if REAL_BITS == 64
DEFINE_LOAD(float32, float)
#endif
static void load_bool(const void *source, ptrdiff_t stride, void *block, ptrdiff_t n)
{
    const char *from = source;
    real *to = block;
    for (ptrdiff_t i = 0; i < n; i++, from += stride)
        to[i] = *from != 0;
}
#define LOADS \
    { \
        [FASTACT_BOOL] = load_bool, \
        [FASTACT_INT8] = load_int8, [FASTACT_INT16] = load_int16, \
        [FASTACT_INT32] = load_int32, [FASTACT_INT64] = load_int64, \
        [FASTACT_UINT8] = load_uint8, [FASTACT_UINT16] = load_uint16, \
        [FASTACT_UINT32] = load_uint32, [FASTACT_UINT64] = load_uint64, \
        [FASTACT_FLOAT32] = BY_TYPE(gather, load_float32), [FASTACT_FLOAT64] = BY_TYPE(NULL, gather), \
    }
#define STORES {[BY_TYPE(FASTACT_FLOAT32, FASTACT_FLOAT64)] = scatter}
