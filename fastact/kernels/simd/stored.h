/* Vectors as they lie in memory: of the compute type, or of float16 or bfloat16, converted in registers.  Kernels over
 * elements load and store by these, so that a formula serves all storage types. */
#ifndef FASTACT_STORED_H
#define FASTACT_STORED_H

#include "../half.h"
#include "../kernels.h"
#include "vec.h"

/* 1 if kernels take halves where they are; else they are converted to blocks (storage.h). */
#define HALVES (REAL_BITS == 32 && !SMALL)

/* How all operands of a call are stored; NATIVE if kernels take nothing else. */
#define NATIVE BY_TYPE(FASTACT_FLOAT32, FASTACT_FLOAT64)
INLINE int stored_as(int storage) { return HALVES ? storage : NATIVE; }

INLINE ptrdiff_t item_of(int storage) { return storage == NATIVE ? ITEM : (ptrdiff_t)sizeof(uint16_t); }

#if HALVES
INLINE vec load_half(int storage, const char *p)
{
    return storage == FASTACT_FLOAT16 ? widen_float16(p) : widen_bfloat16(p);
}
INLINE void store_half(int storage, char *p, vec v)
{
    if (storage == FASTACT_FLOAT16)
        narrow_float16(p, v);
    else
        narrow_bfloat16(p, v);
}

/* The first n <= WIDTH elements; not inlined, as there are few in a run. */
#define BYTES_OF(n) ((size_t)(n) * sizeof(uint16_t))
static __attribute__((noinline)) vec load_half_part(int storage, const char *p, ptrdiff_t n, vec rest)
{
    if (n == WIDTH)
        return load_half(storage, p);
    uint16_t lanes[WIDTH] = {0};
    real wide[WIDTH];
    for (ptrdiff_t i = 0; i < n; i++)
        memcpy(&lanes[i], p + BYTES_OF(i), sizeof *lanes);
    store((char *)wide, load_half(storage, (const char *)lanes));
    return load_part((const char *)wide, n, rest);
}
static __attribute__((noinline)) void store_half_part(int storage, char *p, vec v, ptrdiff_t n)
{
    if (n == WIDTH) {
        store_half(storage, p, v);
        return;
    }
    uint16_t lanes[WIDTH];
    store_half(storage, (char *)lanes, v);
    for (ptrdiff_t i = 0; i < n; i++)
        memcpy(p + BYTES_OF(i), &lanes[i], sizeof *lanes);
}
static real half_at(int storage, const char *p)
{
    uint16_t half;
    memcpy(&half, p, sizeof half);
    return storage == FASTACT_FLOAT16 ? widened_float16(half) : widened_bfloat16(half);
}
#else
INLINE vec load_half(int storage, const char *p) { return (void)storage, load(p); }
INLINE void store_half(int storage, char *p, vec v) { (void)storage, store(p, v); }
INLINE vec load_half_part(int storage, const char *p, ptrdiff_t n, vec rest)
{
    return (void)storage, load_part(p, n, rest);
}
INLINE void store_half_part(int storage, char *p, vec v, ptrdiff_t n) { (void)storage, store_part(p, v, n); }
INLINE real half_at(int storage, const char *p) { return (void)storage, real_at(p); }
#endif

/* Parts, as in vec.h, and single numbers. */
INLINE vec load_stored_part(int storage, const char *p, ptrdiff_t n, vec rest)
{
    return storage == NATIVE ? load_part(p, n, rest) : load_half_part(storage, p, n, rest);
}
INLINE void store_stored_part(int storage, char *p, vec v, ptrdiff_t n)
{
    if (storage == NATIVE)
        store_part(p, v, n);
    else
        store_half_part(storage, p, v, n);
}
INLINE real stored_at(int storage, const char *p) { return storage == NATIVE ? real_at(p) : half_at(storage, p); }

/* `count` vectors, one after the other; with `ahead`, lines to come are fetched too.  One branch for all of them, so
 * that where the storage is known at run time only, each loop has its own. */
INLINE void fetch_ahead(const char *p, ptrdiff_t bytes, int for_writing)
{
    for (ptrdiff_t line = PREFETCH_AHEAD; line < PREFETCH_AHEAD + bytes; line += CACHE_LINE)
        if (for_writing)
            __builtin_prefetch(p + line, 1);
        else
            __builtin_prefetch(p + line);
}
#ifndef BFLOAT16_PAIRS /* the header of the target may have its own: faster, with the elements in any order that both
                          share, and right only for a NaN whose lower half is 0.  Of widened operands and what is
                          computed of them all are: arithmetic keeps it so. */
INLINE void widen_bfloat16_pair(const char *p, vec *v)
{
    v[0] = load_half(FASTACT_BFLOAT16, p), v[1] = load_half(FASTACT_BFLOAT16, p + VECTOR_BYTES / 2);
}
INLINE void narrow_bfloat16_pair(char *p, const vec *v)
{
    store_half(FASTACT_BFLOAT16, p, v[0]), store_half(FASTACT_BFLOAT16, p + VECTOR_BYTES / 2, v[1]);
}
#endif
INLINE void load_vectors(int storage, const char *p, vec *v, int count, int ahead)
{
    if (storage == NATIVE) {
        if (ahead)
            fetch_ahead(p, count * VECTOR_BYTES, 0);
        for (int i = 0; i < count; i++)
            v[i] = load(p + i * VECTOR_BYTES);
        return;
    }
    if (ahead)
        fetch_ahead(p, count * VECTOR_BYTES / 2, 0);
    if (storage == FASTACT_BFLOAT16 && count > 1)
        for (int i = 0; i < count; i += 2)
            widen_bfloat16_pair(p + i * VECTOR_BYTES / 2, v + i);
    else
        for (int i = 0; i < count; i++)
            v[i] = load_half(storage, p + i * VECTOR_BYTES / 2);
}
INLINE void store_vectors(int storage, char *p, const vec *v, int count, int ahead)
{
    if (storage == NATIVE) {
        if (ahead)
            fetch_ahead(p, count * VECTOR_BYTES, 1);
        for (int i = 0; i < count; i++)
            store(p + i * VECTOR_BYTES, v[i]);
        return;
    }
    if (ahead)
        fetch_ahead(p, count * VECTOR_BYTES / 2, 1);
    if (storage == FASTACT_BFLOAT16 && count > 1)
        for (int i = 0; i < count; i += 2)
            narrow_bfloat16_pair(p + i * VECTOR_BYTES / 2, v + i);
    else
        for (int i = 0; i < count; i++)
            store_half(storage, p + i * VECTOR_BYTES / 2, v[i]);
}

#endif
