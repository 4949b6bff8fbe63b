/* Sums over operands that were broadcast: the gradients of weights and biases, and the last step of every segmented
 * sum.
 *
 * A run is summed in ACCUMULATORS accumulators, element i in accumulator i mod ACCUMULATORS, folded in one tree: the
 * bits depend on the run's length only, whether it lies along memory or across it.  float32 terms are summed in
 * float64, float64 terms in pairs (Ogita, Rump & Oishi 2005). */
#ifndef FASTACT_SUMS_H
#define FASTACT_SUMS_H

#include "elementwise/channelwise.h"
#include "kernel.h"
#include "math/accumulate.h"

typedef mask (*condition)(vec x);

/* WIDTH sums in float64. */
#if REAL_BITS == 32
/* Products are exact, and the rounding of a sum is far below the last bit of a float32. */
typedef struct {
    wide low, high;
} sums;

INLINE sums add_product(sums s, vec a, vec b)
{
    return (sums){s.low + widen_low(a) * widen_low(b), s.high + widen_high(a) * widen_high(b)};
}
INLINE sums add_term(sums s, vec a) { return (sums){s.low + widen_low(a), s.high + widen_high(a)}; }
INLINE sums add_sums(sums a, sums b) { return (sums){a.low + b.low, a.high + b.high}; }
INLINE sums load_sums(const double *sum, const double *error, ptrdiff_t n)
{
    sums s = {{0}, {0}};
    (void)error;
    memcpy(&s, sum, (size_t)n * sizeof *sum);
    return s;
}
INLINE void store_sums(double *sum, double *error, sums s, ptrdiff_t n)
{
    (void)error;
    memcpy(sum, &s, (size_t)n * sizeof *sum);
}
INLINE void add_folded(double *sum, double *error, sums s[VECTORS])
{
    double total[WIDTH / 2];
    (void)error;
    for (int half = VECTORS / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            s[i] = add_sums(s[i], s[i + half]);
    wide both = s[0].low + s[0].high;
    memcpy(total, &both, sizeof total);
    for (int half = WIDTH / 4; half; half /= 2)
        for (int i = 0; i < half; i++)
            total[i] += total[i + half];
    *sum += total[0];
}
#else
typedef pair sums;

INLINE sums add_product(sums s, vec a, vec b) { return accumulate_product(s, a, b); }
INLINE sums add_term(sums s, vec a)
{
    vec sum = s.hi + a;
    return (sums){sum, s.lo + sum_error(s.hi, a, sum)};
}
INLINE sums add_sums(sums a, sums b) { return add_pairs(a, b); }
INLINE sums load_sums(const double *sum, const double *error, ptrdiff_t n)
{
    return (sums){load_part((const char *)sum, n, splat(0)), load_part((const char *)error, n, splat(0))};
}
INLINE void store_sums(double *sum, double *error, sums s, ptrdiff_t n)
{
    store_part((char *)sum, s.hi, n);
    store_part((char *)error, s.lo, n);
}
INLINE void add_folded(double *sum, double *error, sums s[VECTORS])
{
    for (int half = VECTORS / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            s[i] = add_sums(s[i], s[i + half]);
    for (int half = WIDTH / 2; half; half /= 2)
        s[0] = add_sums(s[0], (sums){swapped(s[0].hi, half), swapped(s[0].lo, half)});
    store_sums(sum, error, add_sums(load_sums(sum, error, 1), s[0]), 1);
}
#endif

/* Elements whose result does not depend on the weight do not contribute to its gradient, whatever grad is. */
INLINE sums add_weight_term(sums s, vec grad, vec x, condition weight_unused)
{
    mask unused = weight_unused(x);
    return add_product(s, zero_where(unused, grad), zero_where(unused, x));
}

INLINE void sum_along(const char *grad, const char *x, ptrdiff_t n, double *sum, double *error, condition weight_unused)
{
    sums s[VECTORS];
    memset(s, 0, sizeof s);
    for (; n >= ACCUMULATORS; n -= ACCUMULATORS, grad += STEP, x += STEP) {
        slice g = load_slice(grad), v = load_slice(x);
        __builtin_prefetch(grad + PREFETCH_AHEAD);
        __builtin_prefetch(x + PREFETCH_AHEAD);
        EACH_VECTOR(i)
            s[i] = add_weight_term(s[i], g.v[i], v.v[i], weight_unused);
    }
    if (n) {
        slice g = load_last(grad, n, splat(0)), v = load_last(x, n, splat(0));
        EACH_VECTOR(i)
            s[i] = add_weight_term(s[i], g.v[i], v.v[i], weight_unused);
    }
    add_folded(sum, error, s);
}

/* The same across lanes, a few accumulators at a time, so that they stay in registers. */
#define CHAINS 4
#define NEXT_COLUMNS (4 * CACHE_LINE) /* rows are too far apart for the hardware prefetcher */
INLINE void sum_lanes(const char *grad, ptrdiff_t grad_step, const char *x, ptrdiff_t x_step, ptrdiff_t rows,
                      ptrdiff_t columns, double *sum, double *error, condition weight_unused)
{
    sums s[ACCUMULATORS];
    memset(s, 0, sizeof s);
    for (int first = 0; first < ACCUMULATORS && first < rows; first += CHAINS) {
        sums chain[CHAINS];
        memset(chain, 0, sizeof chain);
        for (ptrdiff_t row = first; row < rows; row += ACCUMULATORS)
            for (int i = 0; i < CHAINS && row + i < rows; i++) {
                const char *g = grad + (row + i) * grad_step, *v = x + (row + i) * x_step;
                __builtin_prefetch(g + NEXT_COLUMNS, 0, 2);
                __builtin_prefetch(v + NEXT_COLUMNS, 0, 2);
                chain[i] = add_weight_term(chain[i], load_part(g, columns, splat(0)), load_part(v, columns, splat(0)),
                                           weight_unused);
            }
        memcpy(s + first, chain, sizeof chain);
    }
    for (int half = ACCUMULATORS / 2; half; half /= 2)
        for (int i = 0; i < half && i + half < rows; i++)
            s[i] = add_sums(s[i], s[i + half]);
    store_sums(sum, error, add_sums(load_sums(sum, error, columns), s[0]), columns);
}

/* Operands: grad, x, sums, errors.  Row i is added to sum i; in columns, row i is a column. */
INLINE void sum_rows(char *const *operands, const ptrdiff_t *row_steps, ptrdiff_t rows, ptrdiff_t n,
                     condition weight_unused)
{
    double *sums = (double *)operands[2], *errors = (double *)operands[3];
    for (ptrdiff_t i = 0; i < rows; i++)
        sum_along(OPERAND(0), OPERAND(1), n, sums + i, errors + i, weight_unused);
}
INLINE void sum_columns(const struct fastact_args *args, char *const *operands, ptrdiff_t columns, ptrdiff_t n,
                        condition weight_unused)
{
    double *sums = (double *)operands[2], *errors = (double *)operands[3];
    for (ptrdiff_t i = 0; i < columns; i += WIDTH)
        if (columns - i >= WIDTH)
            sum_lanes(operands[0] + i * ITEM, args->steps[0], operands[1] + i * ITEM, args->steps[1], n, WIDTH,
                      sums + i, errors + i, weight_unused);
        else
            sum_lanes(operands[0] + i * ITEM, args->steps[0], operands[1] + i * ITEM, args->steps[1], n, columns - i,
                      sums + i, errors + i, weight_unused);
}
#define DEFINE_SUMS(name, ...) \
    KERNEL(name##_sum) \
    { \
        (void)args; \
        sum_rows(operands, row_steps, rows, n, name##_weight_unused); \
    } \
    KERNEL(name##_sum_columns) \
    { \
        (void)row_steps; \
        sum_columns(args, operands, rows, n, name##_weight_unused); \
    }
CHANNELWISE_ACTIVATIONS(DEFINE_SUMS)

/* The gradient of a bias: column by column, each summed from its first row to its last, without a tree.  Several
 * columns at once hide the latency of additions. */
#define COLUMNS 4
INLINE void add_columns(const char *grad, ptrdiff_t step, ptrdiff_t rows, double *sum, double *error, int vectors,
                        ptrdiff_t n)
{
    sums s[COLUMNS];
    for (int i = 0; i < vectors; i++)
        s[i] = load_sums(sum + i * WIDTH, error + i * WIDTH, n);
    for (ptrdiff_t row = 0; row < rows; row++)
        for (int i = 0; i < vectors; i++)
            s[i] = add_term(s[i], load_part(grad + row * step + i * VECTOR_BYTES, n, splat(0)));
    for (int i = 0; i < vectors; i++)
        store_sums(sum + i * WIDTH, error + i * WIDTH, s[i], n);
}
KERNEL(bias_sum_columns)
{
    const char *grad = operands[0];
    double *sum = (double *)operands[2], *error = (double *)operands[3];
    ptrdiff_t i = 0, step = args->steps[0];
    (void)row_steps;
    for (; i + COLUMNS * WIDTH <= rows; i += COLUMNS * WIDTH)
        add_columns(grad + i * ITEM, step, n, sum + i, error + i, COLUMNS, WIDTH);
    for (; i + WIDTH <= rows; i += WIDTH)
        add_columns(grad + i * ITEM, step, n, sum + i, error + i, 1, WIDTH);
    if (i < rows)
        add_columns(grad + i * ITEM, step, n, sum + i, error + i, 1, rows - i);
}
/* The same sums, in the same order, where columns lie along memory. */
KERNEL(bias_sum)
{
    double *sums = (double *)operands[2], *errors = (double *)operands[3];
    (void)args;
    for (ptrdiff_t i = 0; i < rows; i++) {
        const char *terms = OPERAND(0);
        double total = sums[i], error = errors[i];
        for (ptrdiff_t j = 0; j < n; j++) {
            double term = real_at(terms + j * ITEM), sum = total + term, part = sum - total;
            if (REAL_BITS == 64)
                error += (total - (sum - part)) + (term - part);
            total = sum;
        }
        sums[i] = total, errors[i] = error;
    }
}

/* clang-format off */
#define CHANNELWISE(name, formula, kind, f, d, b, y, s) \
    {#name, FASTACT_FORWARD, name##_run, NULL, f}, \
    {#name, FASTACT_DERIVATIVE, name##_derivative_run, NULL, d}, \
    {#name, FASTACT_BACKWARD, name##_backward_run, NULL, b}, \
    {#name, FASTACT_BACKWARD_Y, name##_backward_y_run, NULL, y}, \
    {#name, FASTACT_SUM, name##_sum, name##_sum_columns, s},
#define CHANNELWISE_ENTRIES \
    CHANNELWISE_ACTIVATIONS(CHANNELWISE) \
    {"bias", FASTACT_SUM, bias_sum, bias_sum_columns, .04f},
/* clang-format on */

typedef struct {
    double sum, error;
} compensated;

INLINE compensated total_of(const double *sums, const double *errors, ptrdiff_t parts, ptrdiff_t step)
{
    compensated total = {0, 0};
    for (ptrdiff_t j = 0; j < parts * step; j += step) { /* two-sum */
        double term = sums[j], sum = total.sum + term, term_part = sum - total.sum;
        total.error += (total.sum - (sum - term_part)) + (term - term_part) + errors[j];
        total.sum = sum;
    }
    if (!(fabs(total.sum) <= DBL_MAX)) /* NaN after an overflow */
        total.error = 0;
    return total;
}
/* Rounded once: a gradient is right to half an ulp, or little more, with a divisor or without. */
INLINE real divided(compensated total, real divisor)
{
    double sum = total.sum + total.error, quotient = sum / divisor;
#if REAL_BITS == 64
    if (fabs(divisor) >= 0x1p-1000 && fabs(divisor) <= 0x1p1000) {
        char lanes[VECTOR_BYTES];
        store(lanes, divide_pairs(splat(sum), splat((total.sum - sum) + total.error), splat(divisor), splat(0)));
        double better = real_at(lanes);
        if (fabs(better) <= DBL_MAX) /* else its steps overflow */
            return better;
    }
#endif
    return (real)quotient;
}
static void finish(const double *sums, const double *errors, ptrdiff_t parts, ptrdiff_t n, const void *divisors,
                   void *out)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        compensated total = total_of(sums + i, errors + i, parts, n);
        real one = divisors ? divided(total, real_at((const char *)divisors + i * ITEM))
                            : (real)(total.sum + total.error);
        put_real((char *)out + i * ITEM, one);
    }
}
static void total(const double *sums, const double *errors, ptrdiff_t parts, double divisor, void *out)
{
    compensated all = total_of(sums, errors, parts, 1);
    put_real(out, (real)((all.sum + all.error) / divisor));
}

#endif
