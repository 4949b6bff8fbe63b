/* What is computed of rows: compile-time constants, so that each task is compiled separately.  But `single` of masked
 * rows is read at run time, and the mask of sparsemax's forward: their copies would be a tenth of all kernels. */
#ifndef FASTACT_ROWWISE_TASK_H
#define FASTACT_ROWWISE_TASK_H

#include "../math/accumulate.h"

typedef struct {
    int logarithm; /* log_softmax and logsumexp, not softmax and its like */
    int single;    /* of one number a row: logsumexp, or its gradient, the softmax times that number */
    int sparse;    /* sparsemax, not softmax */
    int negative;  /* of -x */
    int masked;    /* of scale * x, over some of a row's elements only */
} rows_task;
#define SOFTMAX .logarithm = 0
#define SOFTMAX_TIMES .single = 1
#define LOG_SOFTMAX .logarithm = 1
#define LOGSUMEXP .logarithm = 1, .single = 1
#define SPARSEMAX .sparse = 1
#define TASK(...) ((rows_task){__VA_ARGS__})

#endif
