/* Scaled and masked rows: how their elements are loaded. */
#ifndef FASTACT_MASK_H
#define FASTACT_MASK_H

#include "../math/elementary.h"
#include "../simd/vec.h"
#include "task.h"

/* Masked, scaled variants.  Element j of row i takes part if (!where || where[i][j]) && (!valid_length || j <
 * valid_length[i]); the row is scale * x. */
struct mask_args {
    double scale; /* positive */
    const void *where;
    ptrdiff_t mask_row, mask_step; /* bytes from one row, and one element, to the next */
    const int64_t *valid_length;
    ptrdiff_t valid_length_row;
    int single; /* of the task */
};

/* scale * (x - max) = steep * (x * unit - max * unit), where unit is a power of two, at most 1: no intermediate
 * overflows unless the result does. */
typedef struct {
    struct mask_args args;
    vec scale, unit, inverse, steep;
} masking;

INLINE masking masking_of(const struct mask_args *args)
{
    vec scale = splat((real)args->scale);
    binary b = as_binary(scale);
    vec k = minimum(splat(EIGHTHS), b.k);
    return (masking){*args, scale, power2(k), inverse_power2(k), b.mantissa * power2(b.k - k + splat(EIGHTHS))};
}
INLINE vec scaled(rows_task t, const masking *s, vec x)
{
    if (t.masked && !t.sparse)
        return x * s->unit;
    if (t.negative)
        return -x;
    return x;
}
INLINE vec unscaled(rows_task t, const masking *s, vec v)
{
    if (t.masked && !t.sparse)
        return v * s->inverse;
    return scaled(t, s, v);
}

/* Which of n <= WIDTH elements are masked out; lanes past n may be. */
SHARED __attribute__((cold)) void gather_mask(mask *masked, const char *where, ptrdiff_t step, ptrdiff_t n)
{
    char bytes[WIDTH] = {0};
    if (n == WIDTH)
        for (int i = 0; i < WIDTH; i++)
            bytes[i] = where[i * step];
    else
        for (ptrdiff_t i = 0; i < n; i++)
            bytes[i] = where[i * step];
    *masked = zero_bytes(bytes);
}
INLINE mask masked_out(const char *where, ptrdiff_t step, ptrdiff_t n)
{
    mask masked;
    if (__builtin_expect(step == 1 && n == WIDTH, 1))
        return zero_bytes(where);
#ifdef ZERO_FIRST_BYTES
    if (step == 1)
        return zero_first_bytes(where, n);
#endif
    gather_mask(&masked, where, step, n);
    return masked;
}
/* n elements v of a row, from element j on, with masked ones replaced by a value. */
INLINE slice replace_masked(rows_task t, const masking *s, const char *where, ptrdiff_t j, ptrdiff_t n, slice v,
                            real value)
{
    if (!t.masked || !where)
        return v;
    for (int i = 0; i < VECTORS; i++) {
        const char *at = where + (j + i * WIDTH) * s->args.mask_step;
        v.v[i] = choose(masked_out(at, s->args.mask_step, lanes(n - i * WIDTH)), splat(value), v.v[i]);
    }
    return v;
}
/* The valid length of row i, of n elements. */
INLINE ptrdiff_t valid_length(const struct mask_args *s, ptrdiff_t i, ptrdiff_t n)
{
    return s->valid_length ? *(const int64_t *)((const char *)s->valid_length + i * s->valid_length_row) : n;
}
/* The same where one bool may hold for the whole row; else the row's mask is put to `where`, which is NULL otherwise. */
INLINE ptrdiff_t unmasked_length(rows_task t, const masking *s, ptrdiff_t i, ptrdiff_t n, const char **where)
{
    *where = NULL;
    if (!t.masked)
        return n;
    if (s->args.where)
        *where = (const char *)s->args.where + i * s->args.mask_row;
    if (*where && s->args.mask_step == 0) {
        n = **where ? n : 0;
        *where = NULL;
    }
    return n ? valid_length(&s->args, i, n) : 0;
}
INLINE void fill_row(char *out, ptrdiff_t n, real value)
{
    for (; n >= WIDTH; n -= WIDTH, out += VECTOR_BYTES)
        store(out, splat(value));
    store_part(out, splat(value), n);
}

/* Scaled elements from j on; -inf for those masked out.  The lanes past n are `rest`. */
INLINE slice load_masked(rows_task t, const masking *s, const char *x, const char *where, ptrdiff_t j)
{
    slice v = load_slice(x + j * ITEM);
    EACH_VECTOR(i)
        v.v[i] = scaled(t, s, v.v[i]);
    return replace_masked(t, s, where, j, ACCUMULATORS, v, -(real)INFINITY);
}
INLINE slice load_last_masked(rows_task t, const masking *s, const char *x, const char *where, ptrdiff_t j, ptrdiff_t n,
                              vec rest)
{
    slice v = load_last(x + j * ITEM, n, unscaled(t, s, rest));
    EACH_VECTOR(i)
        v.v[i] = scaled(t, s, v.v[i]);
    return replace_masked(t, s, where, j, n, v, -(real)INFINITY);
}

#endif
