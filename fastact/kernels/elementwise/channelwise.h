/* Activations whose parameter is an operand: one weight for a whole row, or one for each element. */
#ifndef FASTACT_CHANNELWISE_H
#define FASTACT_CHANNELWISE_H

#include "run.h"

/* A weight with step 0 is constant along a row, like an ordinary parameter; else each element has its own. */
#define DEFINE_CHANNELWISE_RUN(name, f, kind, backward, weight, places) \
    KERNEL(name) \
    { \
        int storage = stored_as(args->storage); \
        for (ptrdiff_t i = 0; i < rows; i++) { \
            const double parameters[MAX_PARAMETERS] = {args->steps[weight] ? 1 : stored_at(storage, OPERAND(weight))}; \
            if (args->steps[weight]) \
                run((task){f, kind, backward, 1, NO_BOUND, BY_MEMORY}, storage, places, n, parameters); \
            else \
                run((task){f, kind, backward, 0, NO_BOUND, BY_MEMORY}, storage, places, n, parameters); \
        } \
    }
#define DEFINE_CHANNELWISE_UNARY(name, f) \
    DEFINE_CHANNELWISE_RUN(name, f, SMOOTH, 0, 1, ((places){NULL, OPERAND(0), NULL, OPERAND(1), OPERAND(2)}))
#define DEFINE_CHANNELWISE_BINARY(name, f, kind) \
    DEFINE_CHANNELWISE_RUN(name, f, kind, 1, 2, ((places){OPERAND(0), OPERAND(1), NULL, OPERAND(2), OPERAND(3)}))
#define DEFINE_CHANNELWISE(name, formula, kind, ...) \
    DEFINE_CHANNELWISE_UNARY(name##_run, formula##_forward) \
    DEFINE_CHANNELWISE_UNARY(name##_derivative_run, formula##_derivative) \
    DEFINE_CHANNELWISE_BINARY(name##_backward_run, formula##_derivative, kind) \
    DEFINE_CHANNELWISE_BINARY(name##_backward_y_run, formula##_derivative_y, kind)
CHANNELWISE_ACTIVATIONS(DEFINE_CHANNELWISE)

#endif
