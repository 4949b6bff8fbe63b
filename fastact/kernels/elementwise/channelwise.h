/* Activations whose parameter is an operand: one weight for a whole row, or one for each element. */
#ifndef FASTACT_CHANNELWISE_H
#define FASTACT_CHANNELWISE_H

#include "run.h"

/* A weight with step 0 is constant along a row, like an ordinary parameter; else each element has its own. */
#define DEFINE_CHANNELWISE_UNARY(name, f) \
    KERNEL(name) \
    { \
        for (ptrdiff_t i = 0; i < rows; i++) { \
            const double parameters[MAX_PARAMETERS] = {args->steps[1] ? 1 : real_at(OPERAND(1))}; \
            if (args->steps[1]) \
                run((task){f, SMOOTH, 0, 1, NO_BOUND, 2}, NULL, OPERAND(0), NULL, OPERAND(1), OPERAND(2), n, \
                    parameters); \
            else \
                run((task){f, SMOOTH, 0, 0, NO_BOUND, 2}, NULL, OPERAND(0), NULL, NULL, OPERAND(2), n, parameters); \
        } \
    }
#define DEFINE_CHANNELWISE_BINARY(name, f, kind) \
    KERNEL(name) \
    { \
        for (ptrdiff_t i = 0; i < rows; i++) { \
            const double parameters[MAX_PARAMETERS] = {args->steps[2] ? 1 : real_at(OPERAND(2))}; \
            if (args->steps[2]) \
                run((task){f, kind, 1, 1, NO_BOUND, 2}, OPERAND(0), OPERAND(1), NULL, OPERAND(2), OPERAND(3), n, \
                    parameters); \
            else \
                run((task){f, kind, 1, 0, NO_BOUND, 2}, OPERAND(0), OPERAND(1), NULL, NULL, OPERAND(3), n, \
                    parameters); \
        } \
    }
#define DEFINE_CHANNELWISE(name, formula, kind, ...) \
    DEFINE_CHANNELWISE_UNARY(name##_run, formula##_forward) \
    DEFINE_CHANNELWISE_UNARY(name##_derivative_run, formula##_derivative) \
    DEFINE_CHANNELWISE_BINARY(name##_backward_run, formula##_derivative, kind) \
    DEFINE_CHANNELWISE_BINARY(name##_backward_y_run, formula##_derivative_y, kind)
CHANNELWISE_ACTIVATIONS(DEFINE_CHANNELWISE)

#endif
