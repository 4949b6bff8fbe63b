/* Gated units, out = f(gate) * value, f an activation from its family's file.  Going forward that is what backward does:
 * a product with a function, so runs.h has it.  Going backward
 *
 *     gate_grad = (grad * value) * f'(gate)
 *     value_grad = grad * f(gate)
 *
 * come of one pass.  f and f' begin alike, with the same exponential and mostly the same quotient: called with the same
 * argument side by side, as they are here, the compiler computes that once.
 *
 * A line of the list has the name; f; whether a branch can make f' exactly 0; the |gate| from which f or f' needs careful
 * code; and ns an element on one core, in cache: forward, backward.  No f here has parameters. */
#define GATES(G) \
    G(glu, sigmoid, SMOOTH, EXP_SMALL, .20f, .25f) \
    G(swiglu, silu, SMOOTH, GATE_SMALL, .22f, .36f) \
    G(geglu, gelu, SMOOTH, NORMAL_SMALL, .28f, .48f) \
    G(geglu_tanh, gelu_tanh, SMOOTH, GELU_TANH_SMALL, .27f, .50f) \
    G(reglu, relu, PIECEWISE, NEVER, .08f, .16f) \
    G(bilinear, identity, SMOOTH, NEVER, .08f, .16f)

/* f(x) and f'(x) */
typedef struct { vec value, slope; } jet;

INLINE jet sigmoid_jet(vec x, int careful)      /* f' of the smaller of s(x) and s(-x): s - s^2 */
{
    vec s = sigmoid_below(absolute(x), careful);
    return (jet){sigmoid_forward(x, NULL, careful), sigmoid_derivative_y(s, NULL, careful)};
}
INLINE jet silu_jet(vec x, int careful)
{
    gate_input z = silu_exponent(not_subnormal(x), careful);
    return (jet){gate(x, z, careful), silu_derivative(x, NULL, careful)};
}
INLINE jet gelu_jet(vec x, int careful)
{
    return (jet){gelu_forward(x, NULL, careful), gelu_slope(x, gelu_clamp(x, careful), careful)};
}
INLINE jet gelu_tanh_jet(vec x, int careful)
{
    vec t = within_gate(not_subnormal(x), GELU_TANH_END, careful);
    return (jet){gelu_tanh_product(x, t, careful), gelu_tanh_derivative(x, NULL, careful)};
}
INLINE jet relu_jet(vec x, int careful)
{
    return (jet){relu_forward(x, NULL, careful), relu_derivative(x, NULL, careful)};
}
INLINE jet identity_jet(vec x, int careful)
{
    return (jet){identity_forward(x, NULL, careful), identity_derivative(x, NULL, careful)};
}

#define GATES_AT_ONCE 2         /* vectors: with four, registers do not suffice for most */

typedef struct { jet (*f)(vec x, int careful); enum kind kind; real care; } gate_task;
typedef struct { vec gate, value; } gate_grads;

INLINE gate_grads apply_gate(gate_task t, vec grad, vec gate, vec value, int careful)
{
    jet f = t.f(gate, careful);
    return (gate_grads){chain(grad * value, f.slope, t.kind), grad * f.value};
}

/* Either gradient may be one of the inputs: those of all vectors are read before the first is written. */
INLINE void gate_whole(gate_task t, const char *grad, const char *gate, const char *value, char *gate_grad,
                       char *value_grad, int count)
{
    vec g[GATES_AT_ONCE], x[GATES_AT_ONCE], v[GATES_AT_ONCE];
    gate_grads d[GATES_AT_ONCE];
    for (int i = 0; i < count; i++) {
        x[i] = load(gate + i * VECTOR_BYTES);
        g[i] = load(grad + i * VECTOR_BYTES);
        v[i] = load(value + i * VECTOR_BYTES);
    }
    if (needs_care(x, count, t.care))
        for (int i = 0; i < count; i++)
            d[i] = apply_gate(t, g[i], x[i], v[i], 1);
    else {
        UNROLLED
        for (int i = 0; i < count; i++)
            d[i] = apply_gate(t, g[i], x[i], v[i], 0);
    }
    for (int i = 0; i < count; i++) {
        store(gate_grad + i * VECTOR_BYTES, d[i].gate);
        store(value_grad + i * VECTOR_BYTES, d[i].value);
    }
}

INLINE void gate_part(gate_task t, const char *grad, const char *gate, const char *value, char *gate_grad,
                      char *value_grad, ptrdiff_t n)
{
    vec one = splat(1);         /* past n, where no formula is slow */
    gate_grads d = apply_gate(t, load_part(grad, n, one), load_part(gate, n, one), load_part(value, n, one), 1);
    store_part(gate_grad, d.gate, n);
    store_part(value_grad, d.value, n);
}

INLINE void run_gate(gate_task t, const char *grad, const char *gate, const char *value, char *gate_grad,
                     char *value_grad, ptrdiff_t n)
{
    ptrdiff_t end = n * ITEM, at = 0, step = GATES_AT_ONCE * VECTOR_BYTES;
    ptrdiff_t head = (ptrdiff_t)(-(uintptr_t)gate_grad % (uintptr_t)VECTOR_BYTES) / ITEM;
    if (!SMALL && head && n > 8 * WIDTH) {
        gate_part(t, grad, gate, value, gate_grad, value_grad, head);
        at = head * ITEM;
    }
    for (; !SMALL && at + step <= end; at += step) {
        for (ptrdiff_t line = at + PREFETCH_AHEAD; line < at + step + PREFETCH_AHEAD; line += CACHE_LINE) {
            __builtin_prefetch(grad + line);
            __builtin_prefetch(gate + line);
            __builtin_prefetch(value + line);
            __builtin_prefetch(gate_grad + line, 1);
            __builtin_prefetch(value_grad + line, 1);
        }
        gate_whole(t, grad + at, gate + at, value + at, gate_grad + at, value_grad + at, GATES_AT_ONCE);
    }
    for (; at + VECTOR_BYTES <= end; at += VECTOR_BYTES)
        gate_whole(t, grad + at, gate + at, value + at, gate_grad + at, value_grad + at, 1);
    if (at < end)
        gate_part(t, grad + at, gate + at, value + at, gate_grad + at, value_grad + at, (end - at) / ITEM);
}

/* Going forward, the value is what a gradient is going backward. */
#define DEFINE_GATE(name, f, kind, care, ...) \
    KERNEL(name##_run) \
    { \
        const double parameters[MAX_PARAMETERS] = {0}; \
        (void)args; \
        for (ptrdiff_t i = 0; i < rows; i++) \
            run((task){f##_forward, SMOOTH, 1, 0, care, (care < NEVER ? 4 : 2)}, OPERAND(1), OPERAND(0), NULL, NULL, \
                OPERAND(2), n, parameters); \
    } \
    KERNEL(name##_backward_run) \
    { \
        (void)args; \
        for (ptrdiff_t i = 0; i < rows; i++) \
            run_gate((gate_task){f##_jet, kind, care}, OPERAND(0), OPERAND(1), OPERAND(2), OPERAND(3), OPERAND(4), n); \
    }
GATES(DEFINE_GATE)

#define GATE(name, f, kind, care, forward, backward) \
    {#name, FASTACT_FORWARD, name##_run, NULL, forward}, {#name, FASTACT_BACKWARD, name##_backward_run, NULL, backward},
#define GATE_ENTRIES GATES(GATE)
