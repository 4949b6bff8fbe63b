/* Runs of elements: each formula applied to contiguous memory, vector by vector.  A run's head (up to the alignment of
 * `out`) and tail are partial vectors, so that every element goes through the same instructions wherever it is. */
#ifndef FASTACT_ELEMENTWISE_RUN_H
#define FASTACT_ELEMENTWISE_RUN_H

#include "../kernel.h"
#include "list.h"

#define MOST_AT_ONCE 4

/* What a run computes: out = f(x), or out = grad * f(x) where f is a derivative; `per_element`: p[0] is a weight for
 * each element.  All compile-time constants.  Vectors at once: four where latency is the limit, two where memory is
 * (there four cost half as much again). */
typedef struct {
    formula f;
    enum kind kind;
    int backward, per_element;
    real special_bound;
    int at_once;
} task;

/* grad * f', rounded once.  Where a branch makes f' exactly 0 the product is +0 for any grad; NaN in x stays NaN. */
INLINE vec chain(vec grad, vec derivative, enum kind kind)
{
    vec product = grad * derivative;
    return kind == PIECEWISE ? zero_where(equal(derivative, splat(0)), product) : product;
}

INLINE vec apply(task t, vec grad, vec x, const vec *p, int full_range)
{
    vec y = t.f(x, p, full_range);
    return t.backward ? chain(grad, y, t.kind) : y;
}

/* Whether some |x| exceeds the special bound. */
INLINE int needs_full_range(const vec *x, int count, real special_bound)
{
    if (special_bound == NO_BOUND)
        return 0;
    mask beyond = less(splat(special_bound), absolute(x[0]));
    for (int i = 1; i < count; i++)
        beyond = either(beyond, less(splat(special_bound), absolute(x[i])));
    return any(beyond);
}

/* `count` vectors, on the fast path unless one of them needs the full-range path. */
INLINE void apply_vectors(task t, const char *grad, const char *x, const char *bias, const char *weight, char *out,
                          const vec *p, int count)
{
    vec g[MOST_AT_ONCE], v[MOST_AT_ONCE], w[MOST_AT_ONCE];
    for (int i = 0; i < count; i++) {
        v[i] = load(x + i * VECTOR_BYTES);
        g[i] = t.backward ? load(grad + i * VECTOR_BYTES) : splat(1);
        w[i] = t.per_element ? load(weight + i * VECTOR_BYTES) : splat(1);
    }
    if (bias)
        for (int i = 0; i < count; i++)
            v[i] += load(bias + i * VECTOR_BYTES);
    if (needs_full_range(v, count, t.special_bound))
        for (int i = 0; i < count; i++)
            store(out + i * VECTOR_BYTES, apply(t, g[i], v[i], t.per_element ? &w[i] : p, 1));
    else {
        UNROLLED
        for (int i = 0; i < count; i++)
            v[i] = apply(t, g[i], v[i], t.per_element ? &w[i] : p, 0);
        for (int i = 0; i < count; i++)
            store(out + i * VECTOR_BYTES, v[i]);
    }
}

INLINE void apply_part(task t, const char *grad, const char *x, const char *bias, const char *weight, char *out,
                       ptrdiff_t n, const vec *p)
{
    /* Lanes past n hold 1, where every formula is fast. */
    vec v = load_part(x, n, splat(1));
    if (bias)
        v += load_part(bias, n, splat(0));
    vec g = t.backward ? load_part(grad, n, splat(1)) : splat(1);
    vec w = t.per_element ? load_part(weight, n, splat(1)) : splat(1);
    store_part(out, apply(t, g, v, t.per_element ? &w : p, 1), n);
}

/* Memory may be misaligned; `bias` is NULL or added to x. */
INLINE void run(task t, const char *grad, const char *x, const char *bias, const char *weight, char *out, ptrdiff_t n,
                const double *parameters)
{
    vec p[PARAMETERS_AND_PREPARED];
    for (int i = 0; i < MAX_PARAMETERS; i++)
        p[i] = t.per_element ? splat(1) : splat((real)parameters[i]);
    prepare(p);

    /* Stores across cache lines cost a memory-bound function a quarter of its speed. */
    ptrdiff_t head = (ptrdiff_t)(-(uintptr_t)out % (uintptr_t)VECTOR_BYTES) / ITEM, at = 0, bytes = n * ITEM;
    if (!SMALL && head && n > 8 * WIDTH) {
        apply_part(t, grad, x, bias, weight, out, head, p);
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
        apply_vectors(t, PLACES, p, t.at_once);
    }
    for (; at + VECTOR_BYTES <= bytes; at += VECTOR_BYTES)
        apply_vectors(t, PLACES, p, 1);
    if (at < bytes)
        apply_part(t, PLACES, (bytes - at) / ITEM, p);
#undef PLACES
}

/* Kernels over rows.  Operands: x, or grad and x; then the bias (or NULL); then the output. */
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

#define DEFINE_UNARY(name, f, special_bound, at_once) \
    KERNEL(name) \
    { \
        const double *parameters = args->parameters; \
        run_unary((task){f, SMOOTH, 0, 0, special_bound, at_once}, operands, row_steps, rows, n, parameters); \
    }
#define DEFINE_BINARY(name, f, kind, special_bound, at_once) \
    KERNEL(name) \
    { \
        const double *parameters = args->parameters; \
        run_binary((task){f, kind, 1, 0, special_bound, at_once}, operands, row_steps, rows, n, parameters); \
    }

#define DEFINE_RUNS(name, kind, special_bound, derivative_bound, ...) \
    DEFINE_UNARY(name##_run, name##_forward, special_bound, (kind == SMOOTH ? 4 : 2)) \
    DEFINE_UNARY(name##_derivative_run, name##_derivative, derivative_bound, (kind == SMOOTH ? 4 : 2)) \
    DEFINE_BINARY(name##_backward_run, name##_derivative, kind, derivative_bound, (kind == SMOOTH ? 4 : 2))
#define DEFINE_RUNS_Y(name, kind, special_bound, derivative_bound, ...) \
    DEFINE_RUNS(name, kind, special_bound, derivative_bound) \
    DEFINE_BINARY(name##_backward_y_run, name##_derivative_y, kind, NO_BOUND, 2)
ACTIVATIONS(DEFINE_RUNS_Y, DEFINE_RUNS)

/* clang-format off */
#define ENTRIES(name, kind, special_bound, derivative_bound, f, d, b) \
    {#name, FASTACT_FORWARD, name##_run, NULL, f}, \
    {#name, FASTACT_DERIVATIVE, name##_derivative_run, NULL, d}, \
    {#name, FASTACT_BACKWARD, name##_backward_run, NULL, b},
#define ENTRIES_Y(name, kind, special_bound, derivative_bound, f, d, b, y) \
    ENTRIES(name, kind, special_bound, derivative_bound, f, d, b) \
    {#name, FASTACT_BACKWARD_Y, name##_backward_y_run, NULL, y},
/* clang-format on */
#define ELEMENTWISE_ENTRIES ACTIVATIONS(ENTRIES_Y, ENTRIES)

#endif
