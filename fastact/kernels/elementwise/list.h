/* The list of all activations, family by family, and the values prepared from their parameters. */
#ifndef FASTACT_ELEMENTWISE_LIST_H
#define FASTACT_ELEMENTWISE_LIST_H

#include "algebraic.h"
#include "exponential.h"
#include "logistic.h"
#include "normal.h"
#include "piecewise.h"
#include "softplus.h"

#define ACTIVATIONS(A, A_X) \
    PIECEWISE_ACTIVATIONS(A, A_X) \
    ALGEBRAIC_ACTIVATIONS(A, A_X) \
    LOGISTIC_ACTIVATIONS(A, A_X) \
    EXPONENTIAL_ACTIVATIONS(A, A_X) \
    SOFTPLUS_ACTIVATIONS(A, A_X) \
    NORMAL_ACTIVATIONS(A, A_X)

#define PARAMETERS_AND_PREPARED AFTER_STEEPNESS
INLINE void prepare(vec *p)
{
    squareplus_units units = units_of(p[0]);
    steepness steep = steepness_of(p[0]);
    memcpy(p + AFTER_PARAMETERS, &units, sizeof units);
    memcpy(p + AFTER_UNITS, &steep, sizeof steep);
}

#endif
