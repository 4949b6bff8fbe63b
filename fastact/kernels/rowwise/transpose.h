/* Short rows, transposed so that lanes are rows: no folds across a vector, no idle lanes. */
#ifndef FASTACT_TRANSPOSE_H
#define FASTACT_TRANSPOSE_H

#include "../math/accumulate.h"

/* The longest row that is transposed. */
#define TRANSPOSED_ROW (4 * ACCUMULATORS)
typedef struct {
    vec column[TRANSPOSED_ROW];
} transposed;

/* A WIDTH by WIDTH matrix, in log2(WIDTH) rounds of interleaving. */
INLINE void transpose(vec m[WIDTH])
{
    vec t[WIDTH];
    for (int stage = 1; stage < WIDTH; stage *= 2) {
        for (int i = 0; i < WIDTH / 2; i++) {
            t[2 * i] = interleave_low(m[i], m[i + WIDTH / 2]);
            t[2 * i + 1] = interleave_high(m[i], m[i + WIDTH / 2]);
        }
        for (int i = 0; i < WIDTH; i++)
            m[i] = t[i];
    }
}
/* WIDTH rows of n elements to and from a block. */
INLINE void load_transposed(const char *x, ptrdiff_t x_step, ptrdiff_t n, transposed *block)
{
    for (ptrdiff_t j = 0; j < n; j += WIDTH) {
        vec m[WIDTH];
        for (int i = 0; i < WIDTH; i++)
            m[i] = load_part(x + i * x_step + j * ITEM, lanes(n - j), splat(0));
        transpose(m);
        for (int i = 0; i < WIDTH; i++)
            block->column[j + i] = m[i];
    }
}
INLINE void store_transposed(const transposed *block, char *out, ptrdiff_t out_step, ptrdiff_t n)
{
    for (ptrdiff_t j = 0; j < n; j += WIDTH) {
        vec m[WIDTH];
        for (int i = 0; i < WIDTH; i++)
            m[i] = block->column[j + i];
        transpose(m);
        for (int i = 0; i < WIDTH; i++)
            store_part(out + i * out_step + j * ITEM, m[i], lanes(n - j));
    }
}

#endif
