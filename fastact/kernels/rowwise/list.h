/* The kernels of whole rows, and the list of them. */
#ifndef FASTACT_ROWWISE_LIST_H
#define FASTACT_ROWWISE_LIST_H

#include "../kernel.h"
#include "run.h"
#include "sparsemax.h"

/* Masked and scaled variants are compiled separately, so that an ordinary call does not pay for them. */
INLINE struct mask_args mask_args_from(const struct fastact_args *args, char *const *operands,
                                       const ptrdiff_t *row_steps, int mask, int is_scaled)
{
    return (struct mask_args){
        is_scaled ? args->parameters[0] : 1, operands[mask],     row_steps[mask], args->steps[mask],
        (const int64_t *)operands[mask + 1], row_steps[mask + 1]};
}
INLINE int is_masked(const struct mask_args *s) { return s->where || s->valid_length || s->scale != 1; }

#define FORWARD_OF(run, t, of, weight, weight_step, x) \
    run(t, of, weight, weight_step, operands[x], row_steps[x], operands[(x) + 3], row_steps[(x) + 3], rows, n)
#define FORWARD_COLUMNS_OF(run, t, of, weight, x) \
    run(t, of, weight, operands[x], args->steps[x], operands[(x) + 3], args->steps[(x) + 3], rows, n)

#define FORWARD(name, kind, negative) \
    KERNEL(name##_run) \
    { \
        (void)args; \
        FORWARD_OF(forward_run, ((rows_task){kind, negative, 0}), NULL, NULL, 0, 0); \
    } \
    KERNEL(name##_columns_run) \
    { \
        (void)row_steps; \
        FORWARD_COLUMNS_OF(forward_columns_run, ((rows_task){kind, negative, 0}), NULL, NULL, 0); \
    }
#define FORWARD_MASKED(name, kind) \
    KERNEL(name##_run) \
    { \
        struct mask_args s = mask_args_from(args, operands, row_steps, 1, 1); \
        if (is_masked(&s)) \
            FORWARD_OF(forward_run, ((rows_task){kind, 0, 1}), &s, NULL, 0, 0); \
        else \
            FORWARD_OF(forward_run, ((rows_task){kind, 0, 0}), NULL, NULL, 0, 0); \
    } \
    KERNEL(name##_columns_run) \
    { \
        struct mask_args s = mask_args_from(args, operands, row_steps, 1, 1); \
        if (is_masked(&s)) \
            FORWARD_COLUMNS_OF(forward_columns_run, ((rows_task){kind, 0, 1}), &s, NULL, 0); \
        else \
            FORWARD_COLUMNS_OF(forward_columns_run, ((rows_task){kind, 0, 0}), NULL, NULL, 0); \
    }

#define BACKWARD_OF(t, of) \
    backward_run(t, of, operands[0], row_steps[0], operands[1], row_steps[1], operands[4], row_steps[4], rows, n)
#define BACKWARD_COLUMNS_OF(t, of) \
    backward_columns_run(t, of, operands[0], args->steps[0], operands[1], args->steps[1], operands[4], args->steps[4], \
                         rows, n)
#define BACKWARD(name, kind, negative) \
    KERNEL(name##_backward_run) \
    { \
        (void)args; \
        BACKWARD_OF(((rows_task){kind, negative, 0}), NULL); \
    } \
    KERNEL(name##_backward_columns_run) \
    { \
        (void)row_steps; \
        BACKWARD_COLUMNS_OF(((rows_task){kind, negative, 0}), NULL); \
    }
#define BACKWARD_MASKED(name, kind, is_scaled) \
    KERNEL(name##_backward_run) \
    { \
        struct mask_args s = mask_args_from(args, operands, row_steps, 2, is_scaled); \
        if (is_masked(&s)) \
            BACKWARD_OF(((rows_task){kind, 0, 1}), &s); \
        else \
            BACKWARD_OF(((rows_task){kind, 0, 0}), NULL); \
    } \
    KERNEL(name##_backward_columns_run) \
    { \
        struct mask_args s = mask_args_from(args, operands, row_steps, 2, is_scaled); \
        if (is_masked(&s)) \
            BACKWARD_COLUMNS_OF(((rows_task){kind, 0, 1}), &s); \
        else \
            BACKWARD_COLUMNS_OF(((rows_task){kind, 0, 0}), NULL); \
    }

FORWARD_MASKED(softmax, SOFTMAX)
BACKWARD_MASKED(softmax, SOFTMAX, 1)
FORWARD_MASKED(log_softmax, LOG_SOFTMAX)
BACKWARD_MASKED(log_softmax, LOG_SOFTMAX, 1)
FORWARD(softmin, SOFTMAX, 1)
BACKWARD(softmin, SOFTMAX, 1)
FORWARD_MASKED(logsumexp, LOGSUMEXP)
BACKWARD_MASKED(sparsemax, SPARSEMAX, 0)

/* The gradient of logsumexp is softmax(x) * grad, with one grad a row. */
KERNEL(logsumexp_backward_run)
{
    struct mask_args s = mask_args_from(args, operands, row_steps, 2, 1);
    if (is_masked(&s))
        FORWARD_OF(forward_run, ((rows_task){SOFTMAX_TIMES, 0, 1}), &s, operands[0], row_steps[0], 1);
    else
        FORWARD_OF(forward_run, ((rows_task){SOFTMAX_TIMES, 0, 0}), NULL, operands[0], row_steps[0], 1);
}
KERNEL(logsumexp_backward_columns_run)
{
    struct mask_args s = mask_args_from(args, operands, row_steps, 2, 1);
    if (is_masked(&s))
        FORWARD_COLUMNS_OF(forward_columns_run, ((rows_task){SOFTMAX_TIMES, 0, 1}), &s, operands[0], 1);
    else
        FORWARD_COLUMNS_OF(forward_columns_run, ((rows_task){SOFTMAX_TIMES, 0, 0}), NULL, operands[0], 1);
}

KERNEL(sparsemax_run)
{
    struct mask_args s = mask_args_from(args, operands, row_steps, 1, 0);
    if (is_masked(&s))
        sparsemax_rows(1, &s, operands[0], row_steps[0], operands[3], row_steps[3], rows, n);
    else
        sparsemax_rows(0, NULL, operands[0], row_steps[0], operands[3], row_steps[3], rows, n);
}

/* clang-format off */
#define ROWWISE(name, backward, f, b) \
    {#name, FASTACT_FORWARD, name##_run, name##_columns_run, f}, \
    {#name, backward, name##_backward_run, name##_backward_columns_run, b},
#define ROWWISE_ENTRIES \
    ROWWISE(softmax, FASTACT_BACKWARD_Y, .4f, .15f) \
    ROWWISE(softmin, FASTACT_BACKWARD_Y, .4f, .15f) \
    ROWWISE(log_softmax, FASTACT_BACKWARD_Y, .4f, .4f) \
    ROWWISE(logsumexp, FASTACT_BACKWARD, .3f, .4f) \
    {"sparsemax", FASTACT_FORWARD, sparsemax_run, NULL, 1}, \
    {"sparsemax", FASTACT_BACKWARD_Y, sparsemax_backward_run, sparsemax_backward_columns_run, .3f},
/* clang-format on */

#endif
