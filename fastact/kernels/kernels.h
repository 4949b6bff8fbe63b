/* The one face of the kernels: all that the engine above may know of them.
 *
 * A kernel computes runs of numbers.  It knows no Python, no arrays and no threads, allocates nothing,
 * and expects the default floating-point mode (see fpmode.h).  Buffers need no alignment. */
#ifndef FASTACT_KERNELS_H
#define FASTACT_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FASTACT_KERNELS_VERSION 3

/* n elements; `out` is `x` itself or does not touch it.  `bias` is NULL, or n elements that are added to those of x
 * before.  `parameters` hold what the caller gave, in the order of the catalogue, already exact in the compute type. */
typedef void (*fastact_unary)(const void *x, const void *bias, void *out, ptrdiff_t n, const double *parameters);

/* The same for backward: `out` is `grad`, is `x`, or touches neither.  `x` is the input or the output. */
typedef void (*fastact_binary)(const void *grad, const void *x, const void *bias, void *out, ptrdiff_t n,
                               const double *parameters);

/* The same where the one parameter is a weight for each element: n of them, `weight_step` bytes apart, which is an
 * element; or one for all, where it is 0. */
typedef void (*fastact_weighted_unary)(const void *x, const void *weight, ptrdiff_t weight_step, void *out,
                                       ptrdiff_t n);
typedef void (*fastact_weighted_binary)(const void *grad, const void *x, const void *weight, ptrdiff_t weight_step,
                                        void *out, ptrdiff_t n);

/* A gated unit, f(gate) * value, goes forward as a fastact_binary of value and gate.  Its backward writes two gradients;
 * each is one of the inputs or touches none, and they do not touch each other. */
typedef void (*fastact_gate_backward)(const void *grad, const void *gate, const void *value, void *gate_grad,
                                      void *value_grad, ptrdiff_t n);

/* The gradient by a weight is a sum over all elements that share it; a sum is sums[i] + errors[i], in float64 for
 * either type.  A run of elements adds to one of them: `along`, the n contiguous elements of row i to sum i; `across`,
 * column i of n, down all the rows, to sum i.  `x` may be the output: then the totals are to be divided by the
 * weights. */
typedef void (*fastact_sum)(const void *grad, ptrdiff_t grad_step, const void *x, ptrdiff_t x_step,
                            ptrdiff_t rows, ptrdiff_t n, double *sums, double *errors);

/* n totals of `parts` sums each, which lie n apart, in the table's type; divided by `divisors` unless that is NULL. */
typedef void (*fastact_finish)(const double *sums, const double *errors, ptrdiff_t parts, ptrdiff_t n,
                               const void *divisors, void *out);

/* `rows` rows of n contiguous elements; from one row to the next are `*_step` bytes.  The same for columns: n rows
 * of `columns` contiguous elements, and the function runs down each column. */
typedef void (*fastact_rows)(const void *x, ptrdiff_t x_step, void *out, ptrdiff_t out_step,
                             ptrdiff_t rows, ptrdiff_t n);
typedef void (*fastact_rows_backward)(const void *grad, ptrdiff_t grad_step,
                                      const void *y, ptrdiff_t y_step, void *out, ptrdiff_t out_step,
                                      ptrdiff_t rows, ptrdiff_t n);

/* The same of scale * x, over some of a row's elements: row i leaves out element j where that byte of `where` is 0, and all
 * from the number on that `seen` has for the row.  Either may be NULL. */
struct fastact_selection {
    double scale;                                   /* above 0 */
    const void *where;
    ptrdiff_t where_row, where_step;                /* from one row to the next, and one element */
    const int64_t *seen;
    ptrdiff_t seen_row;
};
typedef void (*fastact_rows_selected)(const struct fastact_selection *selection, const void *x, ptrdiff_t x_step,
                                      void *out, ptrdiff_t out_step, ptrdiff_t rows, ptrdiff_t n);
typedef void (*fastact_rows_backward_selected)(const struct fastact_selection *selection,
                                               const void *grad, ptrdiff_t grad_step,
                                               const void *y, ptrdiff_t y_step, void *out, ptrdiff_t out_step,
                                               ptrdiff_t rows, ptrdiff_t n);

/* Copies n elements from or to memory with a stride in bytes (any sign, zero, misaligned); the other side
 * is contiguous.  `widen` reads float32 and writes float64; it is NULL in the float32 table. */
typedef void (*fastact_gather)(const void *source, ptrdiff_t stride, void *block, ptrdiff_t n);
typedef void (*fastact_scatter)(const void *block, void *destination, ptrdiff_t stride, ptrdiff_t n);

/* How a row's loss, the sum of q_j * (log(sum of all e^x) - x_j) over its classes, weighs them: q_j is
 *     ((1 - smoothing) * t_j + even) * class_weight_j,
 * t_j a probability, or 1 at the label and 0 elsewhere.  The gradient is multiplied by `scale`. */
struct fastact_cross_entropy {
    ptrdiff_t n;                    /* classes */
    const void *class_weight;       /* n contiguous elements; NULL: all are 1 */
    double smoothing, even, scale;
};

/* Losses of rows of n contiguous elements, against labels, one a row (a negative one: the row does not count), or, where
 * these are NULL, rows of probabilities.  `losses` are contiguous; `grad` is NULL, or x itself, or does not touch any.
 * The same for columns, side by side, of at most `short_row` elements: then steps are from one element to the next. */
typedef void (*fastact_cross_entropy_rows)(const struct fastact_cross_entropy *c, const void *x, ptrdiff_t x_step,
                                           const int64_t *labels, const void *probabilities,
                                           ptrdiff_t probabilities_step, void *grad, ptrdiff_t grad_step,
                                           ptrdiff_t rows, void *losses);

/* Elementwise losses of n contiguous elements against (1 - smoothing) * targets + even, added to sum + error; `losses` NULL: to
 * nothing but these.  NULL weights are 1. */
struct fastact_binary_cross_entropy { double smoothing, even, scale; };
typedef void (*fastact_binary_cross_entropy_run)(const struct fastact_binary_cross_entropy *c, const void *x,
                                                 const void *targets, const void *weight, const void *pos_weight,
                                                 void *grad, void *losses, ptrdiff_t n, double *sum, double *error);

/* Types that targets are read from; the last two are the tables'. */
enum fastact_kind {
    FASTACT_INT8, FASTACT_INT16, FASTACT_INT32, FASTACT_INT64,
    FASTACT_UINT8, FASTACT_UINT16, FASTACT_UINT32, FASTACT_UINT64,
    FASTACT_FLOAT32, FASTACT_FLOAT64
};

struct fastact_losses {
    ptrdiff_t short_row;
    fastact_cross_entropy_rows cross_entropy, cross_entropy_columns;
    fastact_binary_cross_entropy_run binary_cross_entropy;
    /* n elements added to sum + error, and what such sums of some parts come to, divided, in the table's type. */
    void (*add_values)(const void *values, ptrdiff_t n, double *sum, double *error);
    void (*total)(const double *sums, const double *errors, ptrdiff_t parts, double divisor, void *out);
    /* n labels, those to be ignored as -1; returns the first that is neither ignored nor a class, or n. */
    ptrdiff_t (*read_labels)(int kind, const void *source, ptrdiff_t stride, ptrdiff_t n, int64_t classes,
                             const int64_t *ignored, int64_t *labels);
    void (*pick)(const void *weights, const int64_t *labels, ptrdiff_t n, void *picked);    /* 0 for -1 */
    void (*read_values)(int kind, const void *source, ptrdiff_t stride, ptrdiff_t n, void *block);
};

struct fastact_elementwise {
    const char *name;
    fastact_unary forward, derivative;
    fastact_binary backward;        /* from the input */
    fastact_binary backward_y;      /* from the output; NULL where the output is not enough */
    /* ns an element on one core, in cache, in the order above: what threads are worth, nothing more */
    float cost[4];
};

struct fastact_weighted {
    const char *name;
    fastact_weighted_unary forward, derivative;
    fastact_weighted_binary backward, backward_y;
    fastact_sum sum_along, sum_across;
    float cost[5];                  /* the last is that of either sum */
};

struct fastact_gate {
    const char *name;
    fastact_binary forward;         /* of value, gate */
    fastact_gate_backward backward;
    float cost[2];
};

/* A reduction's row has one result, and one gradient; its backward is from the input. */
struct fastact_rowwise {
    const char *name;
    fastact_rows forward;
    fastact_rows_backward backward;                 /* from the output */
    fastact_rows forward_columns;                   /* their last two arguments are columns, n; NULL: there is none */
    fastact_rows_backward backward_columns;
    float cost[2];
    fastact_rows_selected forward_selected;         /* NULL where nothing can be left out */
    fastact_rows_backward_selected backward_selected;
    fastact_rows_selected forward_selected_columns;
    fastact_rows_backward_selected backward_selected_columns;
};

/* One per target and type, immutable.  Version and size come first: the engine refuses what it was not
 * compiled for. */
struct fastact_kernels {
    uint32_t version, size;
    const char *target;             /* "avx512", "avx2", "generic" */
    uint8_t storage_bits, compute_bits;
    uint8_t fused;                  /* has fused multiply-add: gives the bits that all such targets give */
    const struct fastact_elementwise *elementwise;
    const struct fastact_weighted *weighted;
    const struct fastact_rowwise *rowwise;
    ptrdiff_t elementwise_count, weighted_count, rowwise_count;
    const struct fastact_gate *gates;
    ptrdiff_t gate_count;
    fastact_gather gather, widen;
    fastact_scatter scatter;
    fastact_sum bias_sum_along, bias_sum_across;    /* of `grad` alone; `x` is not read */
    fastact_finish finish;
    const struct fastact_losses *losses;
};

/* The tables of a build, best target first; each target has its float32 and its float64 table. */
struct fastact_target {
    const char *name;
    const struct fastact_kernels *f32, *f64;
    int (*runs_here)(void);         /* whether this CPU and operating system can execute it */
};
extern const struct fastact_target fastact_targets[];
extern const ptrdiff_t fastact_target_count;

#ifdef __cplusplus
}
#endif
#endif
