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
    uint16_t lanes[WIDTH] = {0};
    real wide[WIDTH];
    for (ptrdiff_t i = 0; i < n; i++)
        memcpy(&lanes[i], p + BYTES_OF(i), sizeof *lanes);
    store((char *)wide, load_half(storage, (const char *)lanes));
    return load_part((const char *)wide, n, rest);
}
static __attribute__((noinline)) void store_half_part(int storage, char *p, vec v, ptrdiff_t n)
{
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
INLINE void load_vectors(int storage, const char *p, vec *v, int count, int ahead)
{
#define LOAD_VECTORS(loaded, bytes) \
    { \
        if (ahead) \
            fetch_ahead(p, count *(bytes), 0); \
        for (int i = 0; i < count; i++) \
            v[i] = loaded(p + i * (bytes)); \
    }
    if (storage == NATIVE)
        LOAD_VECTORS(load, VECTOR_BYTES)
#if HALVES
    else if (storage == FASTACT_FLOAT16)
        LOAD_VECTORS(widen_float16, VECTOR_BYTES / 2)
    else
        LOAD_VECTORS(widen_bfloat16, VECTOR_BYTES / 2)
#endif
#undef LOAD_VECTORS
}
INLINE void store_vectors(int storage, char *p, const vec *v, int count, int ahead)
{
#define STORE_VECTORS(stored, bytes) \
    { \
        if (ahead) \
            fetch_ahead(p, count *(bytes), 1); \
        for (int i = 0; i < count; i++) \
            stored(p + i * (bytes), v[i]); \
    }
    if (storage == NATIVE)
        STORE_VECTORS(store, VECTOR_BYTES)
#if HALVES
    else if (storage == FASTACT_FLOAT16)
        STORE_VECTORS(narrow_float16, VECTOR_BYTES / 2)
    else
        STORE_VECTORS(narrow_bfloat16, VECTOR_BYTES / 2)
#endif
#undef STORE_VECTORS
}

#endif
