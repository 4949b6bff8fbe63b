/* What is computed of rows: a compile-time constant, so that each task is compiled separately. */
#ifndef FASTACT_ROWWISE_TASK_H
#define FASTACT_ROWWISE_TASK_H

#include "../math/accumulate.h"

/* SOFTMAX_TIMES is softmax times a number a row, the gradient of LOGSUMEXP.  `negative`: of -x.  `masked`: of scale *
 * x, over some of a row's elements only. */
enum { SOFTMAX, SOFTMAX_TIMES, LOG_SOFTMAX, LOGSUMEXP, SPARSEMAX };
typedef struct {
    int kind, negative, masked;
} rows_task;
#define BY_LOGARITHM(t) ((t).kind == LOG_SOFTMAX || (t).kind == LOGSUMEXP)

#endif
