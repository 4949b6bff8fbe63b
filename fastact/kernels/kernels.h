/* The interface of the kernels: all that the core knows of them.
 *
 * A kernel computes runs of numbers.  It knows no Python, no arrays and no threads, allocates nothing, and expects the
 * default floating-point mode (core/fpmode.h).  Buffers need no alignment. */
#ifndef FASTACT_KERNELS_H
#define FASTACT_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FASTACT_KERNELS_VERSION 7

/* How the elements of an operand are stored.  Integers come before the others; kernels compute in the last two. */
enum fastact_storage {
    FASTACT_BOOL,
    FASTACT_INT8,
    FASTACT_INT16,
    FASTACT_INT32,
    FASTACT_INT64,
    FASTACT_UINT8,
    FASTACT_UINT16,
    FASTACT_UINT32,
    FASTACT_UINT64,
    FASTACT_FLOAT16,
    FASTACT_BFLOAT16,
    FASTACT_FLOAT32,
    FASTACT_FLOAT64,
    FASTACT_STORAGE_COUNT
};

/* What a kernel computes of its function.  Operands by role, in their order (in brackets: NULL where there is none):
 *
 *     elementwise      FORWARD, DERIVATIVE      x, [bias], out
 *                      BACKWARD                 grad, x, [bias], out; BACKWARD_Y: y in the place of x
 *     channelwise      the same with a weight in the place of the bias, which must be there
 *                      SUM, the weight's        grad, x, sums, errors
 *     rowwise          FORWARD                  x, [mask], [valid length], out
 *                      BACKWARD, BACKWARD_Y     grad, x or y, [mask], [valid length], out
 *     gate             FORWARD                  gate, value, out
 *                      BACKWARD                 grad, gate, value, gate_grad, value_grad
 *     softmax_cross_entropy      FORWARD        logits, [labels], [probabilities], [class weights], [grad], losses, [weight]
 *     sigmoid_cross_entropy      FORWARD        logits, targets, [weight], [pos_weight], [grad], losses
 *     bias, losses     SUM                      terms, (unused), sums, errors
 *
 * An output of an elementwise, rowwise or gate kernel is one of its inputs (element by element), or touches none. A
 * reduction's result, its gradient, labels, losses, the weights of softmax_cross_entropy's rows and valid lengths have one
 * element a row; labels and valid lengths are int64, masks are bytes, of which any but 0 is true. */
enum fastact_role { FASTACT_FORWARD, FASTACT_DERIVATIVE, FASTACT_BACKWARD, FASTACT_BACKWARD_Y, FASTACT_SUM };

struct fastact_args {
    /* What the caller gave, in the order of the catalogue, exact in the compute type.  Of rows: the scale.  Of losses
     * there is one more: what the gradient is divided by. */
    const double *parameters;
    /* Bytes from one element of a row to the next, of each operand. */
    const ptrdiff_t *steps;
    /* Of elementwise, channelwise and gate kernels of a table that `takes_halves`: how all operands are stored, as the
     * table's type or as FLOAT16 or BFLOAT16.  Others do not read it. */
    int storage;
};

/* `rows` rows of n elements; from one row to the next are row_steps[k] bytes of operand k.  `run` wants the elements
 * of a row side by side (but of masks, and of a weight, whose step may be 0), `columns` the rows: of equal elements of
 * rows. */
typedef void (*fastact_kernel)(const struct fastact_args *args, char *const *operands, const ptrdiff_t *row_steps,
                               ptrdiff_t rows, ptrdiff_t n);

struct fastact_entry {
    const char *name;
    enum fastact_role role;
    fastact_kernel run;
    fastact_kernel columns; /* NULL where there is none */
    float cost;             /* ns an element on one core, in cache; decides on threads only */
};

/* Copies n elements from or to memory with a stride in bytes (any sign, zero, misaligned); the block is contiguous,
 * and of the compute type. */
typedef void (*fastact_load)(const void *source, ptrdiff_t stride, void *block, ptrdiff_t n);
typedef void (*fastact_store)(const void *block, void *destination, ptrdiff_t stride, ptrdiff_t n);

/* One per target and type, immutable.  Version and size come first: the core refuses what it was not compiled for. */
struct fastact_kernels {
    uint32_t version, size;
    const char *target; /* "avx512", "avx2", "neon", "generic" */
    uint8_t storage_bits, compute_bits;
    uint8_t fused;        /* has fused multiply-add: gives the bits that all such targets give */
    uint8_t takes_halves; /* kernels by elements convert float16 and bfloat16 in registers */
    uint8_t short_row;    /* elements of a row up to which `columns` of a loss serves */
    const struct fastact_entry *entries;
    ptrdiff_t entry_count;
    fastact_load load[FASTACT_STORAGE_COUNT]; /* by storage; NULL where there is none */
    fastact_store store[FASTACT_STORAGE_COUNT];
    /* n totals of `parts` sums each, which lie n apart, in the table's type; divided by `divisors` unless that is
     * NULL. */
    void (*finish)(const double *sums, const double *errors, ptrdiff_t parts, ptrdiff_t n, const void *divisors,
                   void *out);
    /* The one total, divided in float64. */
    void (*total)(const double *sums, const double *errors, ptrdiff_t parts, double divisor, void *out);
    /* n labels, those to be ignored as -1; returns the first that is neither ignored nor a class, or n. */
    ptrdiff_t (*load_labels)(int storage, const void *source, ptrdiff_t stride, ptrdiff_t n, int64_t classes,
                             const int64_t *ignored, int64_t *labels);
    ptrdiff_t (*first_beyond_unit)(const void *values, ptrdiff_t n); /* the first outside 0..1, NaN passes; or n */
    void (*pick)(const void *weights, const int64_t *labels, ptrdiff_t n, void *picked); /* 0 for -1 */
};

/* The tables of a build, best target first; each target has its float32 and its float64 table. */
struct fastact_target {
    const char *name;
    const struct fastact_kernels *f32, *f64;
    int (*runs_here)(void); /* whether this CPU and operating system can execute it */
};
extern const struct fastact_target fastact_targets[];
extern const ptrdiff_t fastact_target_count;

#ifdef __cplusplus
}
#endif
#endif
