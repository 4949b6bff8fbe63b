/* Prints a fingerprint of the bits of every kernel of every target this machine runs: one line a target, type,
 * function and kernel.  Equal lines on two machines mean equal bits; test_cross.py compares aarch64 with x86-64. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../fastact/kernels/kernels.h"

enum { ELEMENTS = 40007, ROW = 37, ROWS = 50 };

static uint64_t random_bits(uint64_t *state)        /* splitmix64 */
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Every bit pattern is as likely as any other, but NaNs: their sign and payload are the CPU's own. */
static void fill(void *block, int bits, ptrdiff_t n, uint64_t seed, int small)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        uint64_t pattern = random_bits(&seed);
        if (bits == 32) {
            uint32_t low = (uint32_t)pattern;
            float x;
            memcpy(&x, &low, 4);
            if (small || isnan(x))
                x = (float)((double)(int32_t)low / 0x1p28);
            memcpy((char *)block + 4 * i, &x, 4);
        } else {
            double x;
            memcpy(&x, &pattern, 8);
            if (small || isnan(x))
                x = (double)(int64_t)pattern / 0x1p60;
            memcpy((char *)block + 8 * i, &x, 8);
        }
    }
}

static uint64_t fingerprint(const void *block, int bits, ptrdiff_t n)       /* FNV-1a */
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (ptrdiff_t i = 0; i < n; i++) {
        unsigned char bytes[8];
        memcpy(bytes, (const char *)block + i * bits / 8, (size_t)bits / 8);
        double x;
        if (bits == 32) {
            float narrow;
            memcpy(&narrow, bytes, 4);
            x = narrow;
        } else
            memcpy(&x, bytes, 8);
        if (isnan(x))
            memset(bytes, 0xff, sizeof bytes);
        for (int b = 0; b < bits / 8; b++)
            hash = (hash ^ bytes[b]) * 0x100000001b3u;
    }
    return hash;
}

static void report(const struct fastact_kernels *k, const char *name, const char *kernel, const void *out, ptrdiff_t n)
{
    printf("%s %d f%d %s.%s %016llx\n", k->target, k->fused, k->compute_bits, name, kernel,
           (unsigned long long)fingerprint(out, k->compute_bits, n));
}

static void run(const struct fastact_kernels *k)
{
    const double parameters[4] = {0.25, 0.5, 1, 2};
    const int bits = k->compute_bits;
    const ptrdiff_t item = bits / 8;
    char *x = malloc(ELEMENTS * 8), *grad = malloc(ELEMENTS * 8), *y = malloc(ELEMENTS * 8), *out = malloc(ELEMENTS * 8);

    fill(x, bits, ELEMENTS, 1, 0);
    fill(x + ELEMENTS / 2 * item, bits, ELEMENTS / 2, 2, 1);
    fill(grad, bits, ELEMENTS, 3, 1);
    for (ptrdiff_t i = 0; i < k->elementwise_count; i++) {
        const struct fastact_elementwise *e = &k->elementwise[i];
        e->forward(x, NULL, y, ELEMENTS, parameters);
        report(k, e->name, "forward", y, ELEMENTS);
        e->derivative(x, NULL, out, ELEMENTS, parameters);
        report(k, e->name, "derivative", out, ELEMENTS);
        e->backward(grad, x, x, out, ELEMENTS, parameters);
        report(k, e->name, "backward", out, ELEMENTS);
        if (e->backward_y) {
            e->backward_y(grad, y, NULL, out, ELEMENTS, parameters);
            report(k, e->name, "backward_y", out, ELEMENTS);
        }
    }
    fill(x, bits, ELEMENTS, 4, 1);
    static unsigned char where[4 * 200];
    static int64_t seen[ROWS];
    for (size_t i = 0; i < sizeof where; i++)
        where[i] = i % 5 != 0;
    for (ptrdiff_t i = 0; i < k->rowwise_count; i++) {
        const struct fastact_rowwise *r = &k->rowwise[i];
        for (ptrdiff_t n = 1; n <= 200; n += n < 40 ? 1 : 37) {
            r->forward(x, n * item, y, n * item, ROWS, n);
            report(k, r->name, "forward", y, ROWS * n);
            r->backward(grad, n * item, y, n * item, out, n * item, ROWS, n);
            report(k, r->name, "backward", out, ROWS * n);
            if (r->forward_columns) {
                r->forward_columns(x, ROWS * item, y, ROWS * item, ROWS, n);
                report(k, r->name, "forward_columns", y, ROWS * n);
            }
            r->backward_columns(grad, ROWS * item, y, ROWS * item, out, ROWS * item, ROWS, n);
            report(k, r->name, "backward_columns", out, ROWS * n);
            for (int64_t i = 0; i < ROWS; i++)
                seen[i] = i % (n + 1);
            if (r->forward_selected) {
                struct fastact_selection s = {0.3, where, 1, 3, seen, sizeof *seen};
                r->forward_selected(&s, x, n * item, y, n * item, ROWS, n);
                report(k, r->name, "forward_selected", y, ROWS * n);
                r->backward_selected(&s, grad, n * item, y, n * item, out, n * item, ROWS, n);
                report(k, r->name, "backward_selected", out, ROWS * n);
            }
        }
    }
    free(x), free(grad), free(y), free(out);
}

int main(void)
{
    for (ptrdiff_t i = 0; i < fastact_target_count; i++)
        if (fastact_targets[i].runs_here()) {
            run(fastact_targets[i].f32);
            run(fastact_targets[i].f64);
        }
    return 0;
}
