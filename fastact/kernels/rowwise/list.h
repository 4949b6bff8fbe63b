/* The kernels of whole rows, and the list of them. */
#ifndef FASTACT_ROWWISE_LIST_H
#define FASTACT_ROWWISE_LIST_H

#include "../kernel.h"
#include "run.h"
#include "sparsemax.h"

/* Masked and scaled variants are compiled separately, so that an ordinary call does not pay for them. */
INLINE struct mask_args mask_args_from(const struct fastact_args *args, char *const *operands,
                                       const ptrdiff_t *row_steps, int mask, int is_scaled, int single)
{
    return (struct mask_args){
        is_scaled ? args->parameters[0] : 1, operands[mask],      row_steps[mask], args->steps[mask],
        (const int64_t *)operands[mask + 1], row_steps[mask + 1], single};
}
INLINE int is_masked(const struct mask_args *s) { return s->where || s->valid_length || s->scale != 1; }

/* Forward: a number a row (or NULL) and its step, then x, at operand k of the kernel, and the result. */
#define FORWARD_ROWS(number, step, k) \
    number, step, operands[k], row_steps[k], operands[(k) + 3], row_steps[(k) + 3], rows, n
#define FORWARD_COLUMNS(number, k) number, operands[k], args->steps[k], operands[(k) + 3], args->steps[(k) + 3], rows, n
#define BACKWARD_ROWS operands[0], row_steps[0], operands[1], row_steps[1], operands[4], row_steps[4], rows, n
#define BACKWARD_COLUMNS operands[0], args->steps[0], operands[1], args->steps[1], operands[4], args->steps[4], rows, n

#define SLICES(name, ...) \
    SHARED void name##_slices(const masking *s, ptrdiff_t row, FORWARD_PARAMETERS) \
    { \
        forward_slices(TASK(__VA_ARGS__), s, row, FORWARD_ARGUMENTS); \
    }
#define BOTH_WAYS(name, ...) \
    SHARED void name##_pass(const masking *s, lane_group *g, transposed *block, int pass, ptrdiff_t j, ptrdiff_t end) \
    { \
        forward_block(TASK(__VA_ARGS__), s, g, block, pass, j, end); \
    } \
    SHARED void name##_short(const masking *s, vec weight, transposed *block, ptrdiff_t n) \
    { \
        forward_short_block(TASK(__VA_ARGS__), s, weight, block, n); \
    } \
    SHARED ptrdiff_t name##_transposed(const masking *s, FORWARD_PARAMETERS) \
    { \
        return forward_transposed(TASK(__VA_ARGS__), name##_short, s, FORWARD_ARGUMENTS); \
    } \
    SHARED void name##_in_memory(const masking *s, ptrdiff_t row, FORWARD_PARAMETERS) \
    { \
        forward_in_memory(TASK(__VA_ARGS__), s, row, FORWARD_ARGUMENTS); \
    }

/* Masked rows: a function for each task, and for those of one number a row. */
#define MASKED(name, kind) \
    SLICES(masked_##name, kind, .single = s->args.single, .masked = 1) \
    BOTH_WAYS(masked_##name, kind, .single = s->args.single, .masked = 1) \
    SHARED void masked_##name##_run(const struct mask_args *s, FORWARD_PARAMETERS) \
    { \
        forward_run(TASK(kind, .single = s->single, .masked = 1), masked_##name##_transposed, masked_##name##_slices, \
                    masked_##name##_in_memory, s, FORWARD_ARGUMENTS); \
    } \
    SHARED void masked_##name##_columns_run(const struct mask_args *s, const char *number, const char *x, \
                                            ptrdiff_t x_step, char *out, ptrdiff_t out_step, ptrdiff_t rows, \
                                            ptrdiff_t n) \
    { \
        forward_columns_run(TASK(kind, .single = s->single, .masked = 1), masked_##name##_short, masked_##name##_pass, \
                            s, number, x, x_step, out, out_step, rows, n); \
    }
MASKED(softmax, SOFTMAX)
MASKED(log_softmax, LOG_SOFTMAX)

#define BACKWARD_PASS(name, ...) \
    SHARED void name##_backward_pass(const masking *s, lane_group *g, const transposed *grads, transposed *block, \
                                     int last, ptrdiff_t j, ptrdiff_t end) \
    { \
        backward_block(TASK(__VA_ARGS__), s, g, grads, block, last, j, end); \
    }
#define PLAIN(name, kind) \
    BOTH_WAYS(name, kind) \
    BACKWARD_PASS(name, kind) \
    KERNEL(name##_run) \
    { \
        (void)args; \
        forward_run(TASK(kind), name##_transposed, NULL, name##_in_memory, NULL, FORWARD_ROWS(NULL, 0, 0)); \
    } \
    KERNEL(name##_columns_run) \
    { \
        (void)row_steps; \
        forward_columns_run(TASK(kind), name##_short, name##_pass, NULL, FORWARD_COLUMNS(NULL, 0)); \
    } \
    KERNEL(name##_backward_run) \
    { \
        (void)args; \
        backward_run(TASK(kind), NULL, BACKWARD_ROWS); \
    } \
    KERNEL(name##_backward_columns_run) \
    { \
        (void)row_steps; \
        backward_columns_run(TASK(kind), name##_backward_pass, NULL, BACKWARD_COLUMNS); \
    }
/* `masked`: the function for masked rows. */
#define FORWARD(name, kind, masked, is_single) \
    SLICES(name, kind) \
    BOTH_WAYS(name, kind) \
    KERNEL(name##_run) \
    { \
        struct mask_args s = mask_args_from(args, operands, row_steps, 1, 1, is_single); \
        if (is_masked(&s)) \
            masked##_run(&s, FORWARD_ROWS(NULL, 0, 0)); \
        else \
            forward_run(TASK(kind), name##_transposed, name##_slices, name##_in_memory, NULL, \
                        FORWARD_ROWS(NULL, 0, 0)); \
    } \
    KERNEL(name##_columns_run) \
    { \
        struct mask_args s = mask_args_from(args, operands, row_steps, 1, 1, is_single); \
        if (is_masked(&s)) \
            masked##_columns_run(&s, FORWARD_COLUMNS(NULL, 0)); \
        else \
            forward_columns_run(TASK(kind), name##_short, name##_pass, NULL, FORWARD_COLUMNS(NULL, 0)); \
    }
#define BACKWARD(name, kind, is_scaled) \
    BACKWARD_PASS(name, kind) \
    BACKWARD_PASS(masked_##name, kind, .masked = 1) \
    KERNEL(name##_backward_run) \
    { \
        struct mask_args s = mask_args_from(args, operands, row_steps, 2, is_scaled, 0); \
        if (is_masked(&s)) \
            backward_run(TASK(kind, .masked = 1), &s, BACKWARD_ROWS); \
        else \
            backward_run(TASK(kind), NULL, BACKWARD_ROWS); \
    } \
    KERNEL(name##_backward_columns_run) \
    { \
        struct mask_args s = mask_args_from(args, operands, row_steps, 2, is_scaled, 0); \
        if (is_masked(&s)) \
            backward_columns_run(TASK(kind, .masked = 1), masked_##name##_backward_pass, &s, BACKWARD_COLUMNS); \
        else \
            backward_columns_run(TASK(kind), name##_backward_pass, NULL, BACKWARD_COLUMNS); \
    }

FORWARD(softmax, SOFTMAX, masked_softmax, 0)
BACKWARD(softmax, SOFTMAX, 1)
FORWARD(log_softmax, LOG_SOFTMAX, masked_log_softmax, 0)
BACKWARD(log_softmax, LOG_SOFTMAX, 1)
PLAIN(softmin, .negative = 1)
FORWARD(logsumexp, LOGSUMEXP, masked_log_softmax, 1)
BACKWARD(sparsemax, SPARSEMAX, 0)

/* The gradient of logsumexp is softmax(x) * grad, with one grad a row. */
BOTH_WAYS(softmax_times, SOFTMAX_TIMES)
KERNEL(logsumexp_backward_run)
{
    struct mask_args s = mask_args_from(args, operands, row_steps, 2, 1, 1);
    if (is_masked(&s))
        masked_softmax_run(&s, FORWARD_ROWS(operands[0], row_steps[0], 1));
    else
        forward_run(TASK(SOFTMAX_TIMES), softmax_times_transposed, NULL, softmax_times_in_memory, NULL,
                    FORWARD_ROWS(operands[0], row_steps[0], 1));
}
KERNEL(logsumexp_backward_columns_run)
{
    struct mask_args s = mask_args_from(args, operands, row_steps, 2, 1, 1);
    if (is_masked(&s))
        masked_softmax_columns_run(&s, FORWARD_COLUMNS(operands[0], 1));
    else
        forward_columns_run(TASK(SOFTMAX_TIMES), softmax_times_short, softmax_times_pass, NULL,
                            FORWARD_COLUMNS(operands[0], 1));
}

/* With a mask or without: the search for the threshold takes longer. */
KERNEL(sparsemax_run)
{
    struct mask_args s = mask_args_from(args, operands, row_steps, 1, 0, 0);
    sparsemax_rows(&s, operands[0], row_steps[0], operands[3], row_steps[3], rows, n);
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
