#ifndef FASTACT_SIGMOID_CROSS_ENTROPY_H
#define FASTACT_SIGMOID_CROSS_ENTROPY_H

#include "../elementwise/softplus.h"
#include "../kernel.h"
#include "../math/accumulate.h"

/* sigmoid_cross_entropy: with a = 1 - t and b = pos_weight * t, t after label smoothing,
 *     loss = a * log(1 + e^z) + b * log(1 + e^-z) = |z| * (z < 0 ? b : a) + (a + b) * log(1 + e^-|z|),
 * and its gradient a / (1 + e^-z) - b / (1 + e^z).
 * Method: a sum of terms that are not negative; the logarithm as in softplus (derived here).
 * Error: bound 4.0 ulp in both types, of the gradient 4.0 of the sum of absolute terms.
 * Fast path: |z| <= EXP_SMALL.
 * Special values: a weight or target of 0 drops its term, also for infinite z. */
struct binary_cross_entropy_args {
    double smoothing, even, scale;
};
typedef struct {
    vec loss, gradient;
} element;

INLINE element binary_cross_entropy(vec z, vec a, vec b, vec w, int weighted, int gradient, int full_range)
{
    exp_parts e = unit_exponential(z, full_range);
    decay l = log1p_decay(e, full_range);
    vec log = flush_underflow(muladd(l.q, l.error, l.q), l.k, full_range) * l.unit;
    log = apply_clamped_scale(log, splat(-1), l.k, full_range);
    mask negative = less(z, splat(0));
    vec near = choose(negative, b, a), far = choose(negative, a, b);
    vec line = zero_where(equal(near, splat(0)), absolute(z)) * near, loss = log + line;
    if (weighted)
        loss = muladd(a + b, log, line);
    element both = {loss * w, splat(0)};
    mask infinite = equal(loss, splat((real)INFINITY));
    if (any(infinite)) { /* the weight may bring it back into range, and 0 makes 0 */
        vec least = muladd((a + b) * w, log, absolute(z) * (near * w));
        both.loss = choose(
            infinite, choose(less(absolute(z), splat((real)INFINITY)), least, zero_where(equal(w, splat(0)), loss)),
            both.loss);
    }
    if (gradient) {
        decay d = decay_of(e, 1, full_range);
        vec tail = flush_underflow(muladd(d.q, d.error, d.q), d.k, full_range) * d.unit; /* 1 / (1 + e^|z|) */
        tail = apply_clamped_scale(tail, splat(-1), d.k, full_range);
        vec slope = muladd(near, splat(1) - tail, -(far * tail));
        both.gradient = choose(negative, -slope, slope);
    }
    return both;
}

/* The operands of a run; NULL if absent. */
typedef struct {
    const char *x, *targets, *weight, *pos_weight;
    char *grad, *losses;
} loss_operands;

INLINE void binary_slice(const struct binary_cross_entropy_args *c, loss_operands o, ptrdiff_t at, ptrdiff_t left,
                         int gradient, int weighted)
{
#define LOAD(p) (left ? load_last((p) + at, left, splat(1)) : load_slice((p) + at))
    slice z = LOAD(o.x), t = LOAD(o.targets), w, positive = t, loss;
    EACH_VECTOR(i)
        w.v[i] = splat(1);
    if (o.weight)
        w = LOAD(o.weight);
    if (weighted)
        positive = LOAD(o.pos_weight);
#undef LOAD
    element e[VECTORS];
    slice a;
    vec share = splat((real)(1 - c->smoothing)), even = splat((real)c->even);
    EACH_VECTOR(i) {
        a.v[i] = muladd(splat(1) - t.v[i], share, even); /* 1 - t before t is rounded by smoothing */
        t.v[i] = muladd(t.v[i], share, even);
        if (weighted)
            t.v[i] *= positive.v[i];
    }
    if (any_beyond(z.v, VECTORS, EXP_SMALL))
        EACH_VECTOR(i)
            e[i] = binary_cross_entropy(z.v[i], a.v[i], t.v[i], w.v[i], weighted, gradient, 1);
    else
        EACH_VECTOR(i)
            e[i] = binary_cross_entropy(z.v[i], a.v[i], t.v[i], w.v[i], weighted, gradient, 0);
    EACH_VECTOR(i)
        loss.v[i] = e[i].loss;
    if (gradient)
        EACH_VECTOR(i)
            z.v[i] = e[i].gradient * (w.v[i] * splat((real)c->scale));
    if (gradient && left)
        store_last(o.grad + at, z, left);
    if (gradient && !left)
        store_slice(o.grad + at, z);
    if (left)
        store_last(o.losses + at, loss, left);
    else
        store_slice(o.losses + at, loss);
}
INLINE void binary_run(const struct binary_cross_entropy_args *c, loss_operands o, ptrdiff_t n, int gradient,
                       int weighted)
{
    ptrdiff_t left = n % ACCUMULATORS, whole = (n - left) * ITEM;
    EACH_SLICE(at, whole) {
        __builtin_prefetch(o.x + at + PREFETCH_AHEAD);
        binary_slice(c, o, at, 0, gradient, weighted);
    }
    if (left)
        binary_slice(c, o, whole, left, gradient, weighted);
}
KERNEL(sigmoid_cross_entropy_run)
{
    const double *p = args->parameters;
    const struct binary_cross_entropy_args c = {p[0], p[0] / 2, 1 / p[1]};
    for (ptrdiff_t i = 0; i < rows; i++) {
        loss_operands o = {OPERAND(0), OPERAND(1), OPTIONAL(2), OPTIONAL(3), OPTIONAL(4), OPERAND(5)};
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

#endif
