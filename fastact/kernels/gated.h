/* Gated units, out = f(gate) * value, f an activation (Dauphin et al. 2017; Shazeer 2020).  Forward is what backward
 * of an activation does, a product with a function, so elementwise/run.h computes it.  Backward computes both
 *
 *     gate_grad = (grad * value) * f'(gate)
 *     value_grad = grad * f(gate)
 *
 * in one pass.  f and f' share the exponential and mostly the quotient: called side by side with the same argument,
 * the compiler computes these once.
 *
 * A line of the list has the name; f; PIECEWISE if a branch can make f' exactly 0, else SMOOTH; the special bound of f
 * and f', the |gate| up to which the fast path is right; and ns an element on one core, in cache: forward, backward.
 * No f here has parameters.  Errors and special values are those of f, and of one or two products more. */
#ifndef FASTACT_GATED_H
#define FASTACT_GATED_H

#include "elementwise/run.h"

#define GATES(G) \
    G(glu, sigmoid, SMOOTH, EXP_SMALL, .20f, .25f) \
    G(swiglu, silu, SMOOTH, SIGMOID_SMALL, .22f, .36f) \
    G(geglu, gelu, SMOOTH, NORMAL_SMALL, .28f, .48f) \
    G(geglu_tanh, gelu_tanh, SMOOTH, GELU_TANH_SMALL, .27f, .50f) \
    G(reglu, relu, PIECEWISE, NO_BOUND, .08f, .16f) \
    G(bilinear, identity, SMOOTH, NO_BOUND, .08f, .16f)

/* f(x) and f'(x). */
typedef struct {
    vec value, slope;
} jet;

INLINE jet sigmoid_jet(vec x, int full_range) /* f' from the smaller of s(x) and s(-x): s - s^2 */
{
    vec s = sigmoid_below(absolute(x), full_range);
    return (jet){sigmoid_forward(x, NULL, full_range), sigmoid_derivative_y(s, NULL, full_range)};
}
INLINE jet silu_jet(vec x, int full_range)
{
    sigmoid_argument z = silu_argument(not_subnormal(x), full_range);
    return (jet){sigmoid_product(x, z, full_range), silu_derivative(x, NULL, full_range)};
}
INLINE jet gelu_jet(vec x, int full_range)
{
    return (jet){gelu_forward(x, NULL, full_range), gelu_slope(x, gelu_clamp(x, full_range), full_range)};
}
INLINE jet gelu_tanh_jet(vec x, int full_range)
{
    vec t = clamp_in_full_range(not_subnormal(x), GELU_TANH_END, full_range);
    return (jet){gelu_tanh_product(x, t, full_range), gelu_tanh_derivative(x, NULL, full_range)};
}
INLINE jet relu_jet(vec x, int full_range)
{
    return (jet){relu_forward(x, NULL, full_range), relu_derivative(x, NULL, full_range)};
}
INLINE jet identity_jet(vec x, int full_range)
{
    return (jet){identity_forward(x, NULL, full_range), identity_derivative(x, NULL, full_range)};
}

#define GATES_AT_ONCE 2 /* with four vectors, registers do not suffice for most */

typedef struct {
    jet (*f)(vec x, int full_range);
    enum kind kind;
    real special_bound;
} gate_task;
typedef struct {
    vec gate, value;
} gate_grads;

INLINE gate_grads apply_gate(gate_task t, vec grad, vec gate, vec value, int full_range)
{
    jet f = t.f(gate, full_range);
    return (gate_grads){chain(grad * value, f.slope, t.kind), grad * f.value};
}

typedef struct {
    const char *grad, *gate, *value;
    char *gate_grad, *value_grad;
} gate_places;

INLINE gate_places gate_places_at(gate_places a, ptrdiff_t offset)
{
    return (gate_places){a.grad + offset, a.gate + offset, a.value + offset, a.gate_grad + offset,
                         a.value_grad + offset};
}

/* `count` vectors, as elementwise/run.h has them.  Either gradient may overwrite an input: all vectors are loaded before
 * the first is stored. */
INLINE int gate_vectors(gate_task t, int storage, gate_places a, int count, int ahead)
{
    vec g[GATES_AT_ONCE], x[GATES_AT_ONCE], v[GATES_AT_ONCE], gate_grad[GATES_AT_ONCE], value_grad[GATES_AT_ONCE];
    load_vectors(storage, a.gate, x, count, ahead);
    load_vectors(storage, a.grad, g, count, ahead);
    load_vectors(storage, a.value, v, count, ahead);
#define APPLY(full_range) \
    for (int i = 0; i < count; i++) { \
        gate_grads d = apply_gate(t, g[i], x[i], v[i], full_range); \
        gate_grad[i] = d.gate, value_grad[i] = d.value; \
    }
    if (needs_full_range(x, count, t.special_bound)) {
        if (count == 1)
            return 0;
        APPLY(1)
    } else {
        UNROLLED
        APPLY(0)
    }
#undef APPLY
    store_vectors(storage, a.gate_grad, gate_grad, count, ahead);
    store_vectors(storage, a.value_grad, value_grad, count, ahead);
    return 1;
}

/* n <= WIDTH elements, on the full-range path. */
INLINE void gate_part(gate_task t, int storage, gate_places a, ptrdiff_t n)
{
    vec one = splat(1); /* lanes past n, where every formula is fast */
    vec g = load_stored_part(storage, a.grad, n, one), x = load_stored_part(storage, a.gate, n, one);
    gate_grads d = apply_gate(t, g, x, load_stored_part(storage, a.value, n, one), 1);
    store_stored_part(storage, a.gate_grad, d.gate, n);
    store_stored_part(storage, a.value_grad, d.value, n);
}

INLINE void run_gate(gate_task t, int storage, gate_places a, ptrdiff_t n)
{
    ptrdiff_t item = item_of(storage), at = 0, part = 0;
    if (!SMALL && n > 8 * WIDTH)
        part = (ptrdiff_t)(-(uintptr_t)a.gate_grad % (uintptr_t)VECTOR_BYTES) / item;
    do {
        for (ptrdiff_t end = at + part; at < end; at += part) {
            part = end - at < WIDTH ? end - at : WIDTH;
            gate_part(t, storage, gate_places_at(a, at * item), part);
        }
        for (; !SMALL && at + GATES_AT_ONCE * WIDTH <= n; at += GATES_AT_ONCE * WIDTH)
            gate_vectors(t, storage, gate_places_at(a, at * item), GATES_AT_ONCE, 1);
        for (; storage == NATIVE && at + WIDTH <= n; at += WIDTH)
            if (!gate_vectors(t, NATIVE, gate_places_at(a, at * ITEM), 1, 0))
                break;
        part = storage == NATIVE && n - at > WIDTH ? WIDTH : n - at;
    } while (part);
}

/* Forward, the value takes the place of a gradient. */
#define DEFINE_GATE(name, f, kind, special_bound, ...) \
    KERNEL(name##_run) \
    { \
        const double parameters[MAX_PARAMETERS] = {0}; \
        for (ptrdiff_t i = 0; i < rows; i++) \
            run((task){f##_forward, SMOOTH, 1, 0, special_bound, special_bound == NO_BOUND}, args->storage, \
                (places){OPERAND(1), OPERAND(0), NULL, NULL, OPERAND(2)}, n, parameters); \
    } \
    KERNEL(name##_backward_run) \
    { \
        for (ptrdiff_t i = 0; i < rows; i++) \
            run_gate((gate_task){f##_jet, kind, special_bound}, stored_as(args->storage), \
                     (gate_places){OPERAND(0), OPERAND(1), OPERAND(2), OPERAND(3), OPERAND(4)}, n); \
    }
GATES(DEFINE_GATE)

/* clang-format off */
#define GATE(name, f, kind, special_bound, forward, backward) \
    {#name, FASTACT_FORWARD, name##_run, NULL, forward}, {#name, FASTACT_BACKWARD, name##_backward_run, NULL, backward},
/* clang-format on */
#define GATE_ENTRIES GATES(GATE)

#endif
