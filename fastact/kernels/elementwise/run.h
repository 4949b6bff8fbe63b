/* Runs of elements: each formula applied to contiguous memory, vector by vector.  A run's head (up to the alignment of
 * `out`) and tail are partial vectors, so that every element goes through the same instructions wherever it is. */
#ifndef FASTACT_ELEMENTWISE_RUN_H
#define FASTACT_ELEMENTWISE_RUN_H

#include "../kernel.h"
#include "../simd/stored.h"
#include "list.h"

/* What a run computes: out = f(x), or out = grad * f(x) where f is a derivative; `per_element`: p[0] is a weight for
 * each element; `limit`: of the loop's speed.  All compile-time constants. */
enum limit { BY_MEMORY, BY_LATENCY, BY_REGISTERS };
typedef struct {
    formula f;
    enum kind kind;
    int backward, per_element;
    real special_bound;
    enum limit limit;
} task;

INLINE enum limit limit_of(enum kind kind)
{
    return kind == PIECEWISE ? BY_MEMORY : kind == CROWDED ? BY_REGISTERS : BY_LATENCY;
}
INLINE int at_once(task t)
{
    return t.limit == BY_MEMORY ? LIGHT_AT_ONCE : t.limit == BY_REGISTERS ? CROWDED_AT_ONCE : AT_ONCE;
}
#define MOST_AT_ONCE (LIGHT_AT_ONCE > AT_ONCE ? LIGHT_AT_ONCE : AT_ONCE)

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
    return special_bound != NO_BOUND && any_beyond(x, count, special_bound);
}

/* What a run reads and writes, as `storage` has it; `grad`, `bias` and `weight` may be NULL. */
typedef struct {
    const char *grad, *x, *bias, *weight;
    char *out;
} places;

INLINE places places_at(places a, ptrdiff_t offset)
{
    return (places){a.grad + offset, a.x + offset, a.bias ? a.bias + offset : NULL, a.weight + offset, a.out + offset};
}

/* `count` vectors, on the fast path unless one of them needs the full-range path.  What is left to apply_part then, one
 * alone or LEAVE_FULL_RANGE: 0, and nothing is written. */
INLINE int apply_vectors(task t, int storage, places a, const vec *p, int count, int ahead)
{
    vec g[MOST_AT_ONCE], v[MOST_AT_ONCE], w[MOST_AT_ONCE], b[MOST_AT_ONCE];
    load_vectors(storage, a.x, v, count, ahead);
    if (t.backward)
        load_vectors(storage, a.grad, g, count, ahead);
    if (t.per_element)
        load_vectors(storage, a.weight, w, count, 0);
    if (a.bias) {
        load_vectors(storage, a.bias, b, count, 0);
        for (int i = 0; i < count; i++)
            v[i] += b[i];
    }
#define APPLY(full_range) \
    for (int i = 0; i < count; i++) \
        v[i] = apply(t, t.backward ? g[i] : splat(1), v[i], t.per_element ? &w[i] : p, full_range);
    if (needs_full_range(v, count, t.special_bound)) {
        if (count == 1 || LEAVE_FULL_RANGE)
            return 0;
        UNROLLED
        APPLY(1)
    } else {
        UNROLLED
        APPLY(0)
    }
#undef APPLY
    store_vectors(storage, a.out, v, count, ahead);
    return 1;
}

/* n <= WIDTH elements, on the full-range path. */
INLINE void apply_part(task t, int storage, places a, ptrdiff_t n, const vec *p)
{
    /* Lanes past n hold 1, where every formula is fast. */
    vec v = load_stored_part(storage, a.x, n, splat(1));
    if (a.bias)
        v += load_stored_part(storage, a.bias, n, splat(0));
    vec g = t.backward ? load_stored_part(storage, a.grad, n, splat(1)) : splat(1);
    vec w = t.per_element ? load_stored_part(storage, a.weight, n, splat(1)) : splat(1);
    store_stored_part(storage, a.out, apply(t, g, v, t.per_element ? &w : p, 1), n);
}

/* Memory may be misaligned.  A run is a head, vectors at once, then one by one, and a tail; what is left to apply_part
 * on the way, `part` elements, goes through one piece of code, as it is long. */
INLINE void run_stored(task t, int storage, places a, ptrdiff_t n, const double *parameters)
{
    vec p[PARAMETERS_AND_PREPARED];
    for (int i = 0; i < MAX_PARAMETERS; i++)
        p[i] = t.per_element ? splat(1) : splat((real)parameters[i]);
    prepare(p);

    int singles = storage == NATIVE; /* of halves, parts do as well for as few */
    const ptrdiff_t group = at_once(t) * WIDTH, last_group = n - group;
    /* Stores across cache lines cost a memory-bound function a quarter of its speed. */
    ptrdiff_t item = item_of(storage), at = 0, part = 0;
    if (!SMALL && n > 8 * WIDTH)
        part = (ptrdiff_t)(-(uintptr_t)a.out % (uintptr_t)VECTOR_BYTES) / item;
    do {
        for (ptrdiff_t end = at + part; at < end; at += part) {
            part = end - at < WIDTH ? end - at : WIDTH;
            apply_part(t, storage, places_at(a, at * item), part, p);
        }
        part = 0;
        for (; !SMALL && at <= last_group; at += group)
            if (!apply_vectors(t, storage, places_at(a, at * item), p, at_once(t), 1)) {
                part = group;
                break;
            }
        if (part)
            continue;
        for (; singles && at + WIDTH <= n; at += WIDTH)
            if (!apply_vectors(t, NATIVE, places_at(a, at * ITEM), p, 1, 0))
                break;
        part = singles && n - at > WIDTH ? WIDTH : n - at;
    } while (part);
}

/* Where memory is the limit, each storage type has a loop of its own; elsewhere one loop serves all, but for PLAIN_LOOP.
 */
INLINE void run(task t, int storage, places a, ptrdiff_t n, const double *parameters)
{
    storage = stored_as(storage);
    if (PLAIN_LOOP && storage == NATIVE && !a.bias)
        run_stored(t, NATIVE, (places){a.grad, a.x, NULL, a.weight, a.out}, n, parameters);
    else if (t.limit != BY_MEMORY)
        run_stored(t, storage, a, n, parameters);
    else if (storage == NATIVE)
        run_stored(t, NATIVE, a, n, parameters);
    else if (storage == FASTACT_FLOAT16)
        run_stored(t, FASTACT_FLOAT16, a, n, parameters);
    else
        run_stored(t, FASTACT_BFLOAT16, a, n, parameters);
}

/* Kernels over rows.  Operands: x, or grad and x; then the bias (or NULL); then the output. */
INLINE void run_unary(task t, int storage, char *const *operands, const ptrdiff_t *row_steps, ptrdiff_t rows,
                      ptrdiff_t n, const double *parameters)
{
    for (ptrdiff_t i = 0; i < rows; i++)
        run(t, storage, (places){NULL, OPERAND(0), OPTIONAL(1), NULL, OPERAND(2)}, n, parameters);
}
INLINE void run_binary(task t, int storage, char *const *operands, const ptrdiff_t *row_steps, ptrdiff_t rows,
                       ptrdiff_t n, const double *parameters)
{
    for (ptrdiff_t i = 0; i < rows; i++)
        run(t, storage, (places){OPERAND(0), OPERAND(1), OPTIONAL(2), NULL, OPERAND(3)}, n, parameters);
}

#define DEFINE_UNARY(name, f, special_bound, limit) \
    KERNEL(name) \
    { \
        const double *parameters = args->parameters; \
        run_unary((task){f, SMOOTH, 0, 0, special_bound, limit}, args->storage, operands, row_steps, rows, n, \
                  parameters); \
    }
#define DEFINE_BINARY(name, f, kind, special_bound, limit) \
    KERNEL(name) \
    { \
        const double *parameters = args->parameters; \
        run_binary((task){f, kind, 1, 0, special_bound, limit}, args->storage, operands, row_steps, rows, n, \
                   parameters); \
    }

#define DEFINE_RUNS(name, kind, special_bound, derivative_bound, ...) \
    DEFINE_UNARY(name##_run, name##_forward, special_bound, limit_of(kind)) \
    DEFINE_UNARY(name##_derivative_run, name##_derivative, derivative_bound, limit_of(kind)) \
    DEFINE_BINARY(name##_backward_run, name##_derivative, kind, derivative_bound, limit_of(kind))
#define DEFINE_RUNS_Y(name, kind, special_bound, derivative_bound, ...) \
    DEFINE_RUNS(name, kind, special_bound, derivative_bound) \
    DEFINE_BINARY(name##_backward_y_run, name##_derivative_y, kind, NO_BOUND, BY_MEMORY)
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
