/* How a kernel is defined, and how it finds its operands. */
#ifndef FASTACT_KERNEL_H
#define FASTACT_KERNEL_H

#include "kernels.h"
#include "simd/vec.h"

#define KERNEL(name) \
    static void name(const struct fastact_args *args, char *const *operands, const ptrdiff_t *row_steps, \
                     ptrdiff_t rows, ptrdiff_t n)

/* Operand k of row i. */
#define OPERAND(k) (operands[k] + i * row_steps[k])
#define OPTIONAL(k) (operands[k] ? OPERAND(k) : NULL)

#endif
