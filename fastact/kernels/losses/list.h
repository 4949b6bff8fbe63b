/* The kernels of the losses: the list of them, and the sum over rows. */
#ifndef FASTACT_LOSSES_LIST_H
#define FASTACT_LOSSES_LIST_H

#include "../sums.h"
#include "labels.h"
#include "sigmoid_cross_entropy.h"
#include "softmax_cross_entropy.h"

/* The sum of losses, with its error. */
KERNEL(losses_sum)
{
    double *sum = (double *)operands[2], *error = (double *)operands[3];
    (void)args;
    for (ptrdiff_t i = 0; i < rows; i++) {
        const char *values = OPERAND(0);
        ptrdiff_t left = n % ACCUMULATORS, whole = (n - left) * ITEM;
        sums s[VECTORS];
        memset(s, 0, sizeof s);
        EACH_SLICE(at, whole) {
            slice v = load_slice(values + at);
            EACH_VECTOR(i)
                s[i] = add_product(s[i], v.v[i], splat(1));
        }
        if (left) {
            slice v = load_last(values + whole, left, splat(0));
            EACH_VECTOR(i)
                s[i] = add_product(s[i], v.v[i], splat(1));
        }
        add_folded(sum + i, error + i, s);
    }
}
/* clang-format off */
#define LOSS_ENTRIES \
    {"softmax_cross_entropy", FASTACT_FORWARD, softmax_cross_entropy_run, softmax_cross_entropy_columns_run, .45f}, \
    {"sigmoid_cross_entropy", FASTACT_FORWARD, sigmoid_cross_entropy_run, NULL, .45f}, \
    {"losses", FASTACT_SUM, losses_sum, NULL, .04f},
/* clang-format on */

#endif
