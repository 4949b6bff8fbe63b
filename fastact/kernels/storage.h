/* Loading and storing by storage type: between strided memory and contiguous blocks of the compute type.  Numbers are
 * converted on the way, so that a storage type is one loader and one storer here, and no other place knows it. */
#ifndef FASTACT_STORAGE_H
#define FASTACT_STORAGE_H

#include "half.h"
#include "kernels.h"
#include "simd/vec.h"

/* Strided copies; a stride of 0 repeats one element.  Unrolled by hand, as the compiler must assume that addresses
 * alias. */
static void gather(const void *source, ptrdiff_t stride, void *block, ptrdiff_t n)
{
    const char *from = source;
    char *to = block;
    if (stride == 0 && n > 0) {
        real value;
        memcpy(&value, source, ITEM);
        for (; n >= WIDTH; n -= WIDTH, to += VECTOR_BYTES)
            store(to, splat(value));
    } else if (stride == ITEM) {
        memcpy(block, source, (size_t)(n * ITEM));
        return;
    }
    for (; n >= 4; n -= 4, from += 4 * stride, to += 4 * ITEM) {
        real a, b, c, d;
        memcpy(&a, from, ITEM), memcpy(&b, from + stride, ITEM);
        memcpy(&c, from + 2 * stride, ITEM), memcpy(&d, from + 3 * stride, ITEM);
        memcpy(to, &a, ITEM), memcpy(to + ITEM, &b, ITEM);
        memcpy(to + 2 * ITEM, &c, ITEM), memcpy(to + 3 * ITEM, &d, ITEM);
    }
    for (; n > 0; n--, from += stride, to += ITEM)
        memcpy(to, from, ITEM);
}

static void scatter(const void *block, void *destination, ptrdiff_t stride, ptrdiff_t n)
{
    const char *from = block;
    char *to = destination;
    for (; n >= 4; n -= 4, from += 4 * ITEM, to += 4 * stride) {
        real a, b, c, d;
        memcpy(&a, from, ITEM), memcpy(&b, from + ITEM, ITEM);
        memcpy(&c, from + 2 * ITEM, ITEM), memcpy(&d, from + 3 * ITEM, ITEM);
        memcpy(to, &a, ITEM), memcpy(to + stride, &b, ITEM);
        memcpy(to + 2 * stride, &c, ITEM), memcpy(to + 3 * stride, &d, ITEM);
    }
    for (; n > 0; n--, from += ITEM, to += stride)
        memcpy(to, from, ITEM);
}

/* Conversions to the compute type. */
#define DEFINE_LOAD(name, type) \
    static void load_##name(const void *source, ptrdiff_t stride, void *block, ptrdiff_t n) \
    { \
        const char *from = source; \
        real *to = block; \
        for (ptrdiff_t i = 0; i < n; i++, from += stride) { \
            type value; \
            memcpy(&value, from, sizeof value); \
            to[i] = (real)value; \
        } \
    }
DEFINE_LOAD(int8, int8_t)
DEFINE_LOAD(int16, int16_t)
DEFINE_LOAD(int32, int32_t)
DEFINE_LOAD(int64, int64_t)
DEFINE_LOAD(uint8, uint8_t)
DEFINE_LOAD(uint16, uint16_t)
DEFINE_LOAD(uint32, uint32_t)
DEFINE_LOAD(uint64, uint64_t)
#if REAL_BITS == 64
DEFINE_LOAD(float32, float)
#endif
static void load_bool(const void *source, ptrdiff_t stride, void *block, ptrdiff_t n)
{
    const char *from = source;
    real *to = block;
    for (ptrdiff_t i = 0; i < n; i++, from += stride)
        to[i] = *from != 0;
}

/* float16 and bfloat16, a vector at a time. */
#define HALF ((ptrdiff_t)sizeof(uint16_t))
#if REAL_BITS == 32
#define DEFINE_HALF(name) \
    static void load_##name(const void *source, ptrdiff_t stride, void *block, ptrdiff_t n) \
    { \
        const char *from = source; \
        char *to = block; \
        if (stride == HALF) \
            for (; n >= WIDTH; n -= WIDTH, from += WIDTH * HALF, to += VECTOR_BYTES) \
                store(to, widen_##name(from)); \
        for (; n > 0; n -= WIDTH, to += VECTOR_BYTES) { \
            uint16_t halves_of_vector[WIDTH] = {0}; \
            ptrdiff_t m = n < WIDTH ? n : WIDTH; \
            for (ptrdiff_t i = 0; i < m; i++, from += stride) \
                memcpy(&halves_of_vector[i], from, sizeof(uint16_t)); \
            store_part(to, widen_##name((const char *)halves_of_vector), m); \
        } \
    } \
    static void store_##name(const void *block, void *destination, ptrdiff_t stride, ptrdiff_t n) \
    { \
        const char *from = block; \
        char *to = destination; \
        if (stride == HALF) \
            for (; n >= WIDTH; n -= WIDTH, from += VECTOR_BYTES, to += WIDTH * HALF) \
                narrow_##name(to, load(from)); \
        for (; n > 0; n -= WIDTH, from += VECTOR_BYTES) { \
            uint16_t halves_of_vector[WIDTH]; \
            ptrdiff_t m = n < WIDTH ? n : WIDTH; \
            narrow_##name((char *)halves_of_vector, load_part(from, m, splat(0))); \
            for (ptrdiff_t i = 0; i < m; i++, to += stride) \
                memcpy(to, &halves_of_vector[i], sizeof(uint16_t)); \
        } \
    }
#else /* beside float64: rare */
#define DEFINE_HALF(name) \
    static void load_##name(const void *source, ptrdiff_t stride, void *block, ptrdiff_t n) \
    { \
        const char *from = source; \
        real *to = block; \
        for (ptrdiff_t i = 0; i < n; i++, from += stride) { \
            uint16_t half; \
            memcpy(&half, from, sizeof half); \
            to[i] = (real)widened_##name(half); \
        } \
    }
#endif
DEFINE_HALF(float16)
DEFINE_HALF(bfloat16)

/* clang-format off */
#define LOADS \
    { \
        [FASTACT_BOOL] = load_bool, \
        [FASTACT_INT8] = load_int8, [FASTACT_INT16] = load_int16, \
        [FASTACT_INT32] = load_int32, [FASTACT_INT64] = load_int64, \
        [FASTACT_UINT8] = load_uint8, [FASTACT_UINT16] = load_uint16, \
        [FASTACT_UINT32] = load_uint32, [FASTACT_UINT64] = load_uint64, \
        [FASTACT_FLOAT16] = load_float16, [FASTACT_BFLOAT16] = load_bfloat16, \
        [FASTACT_FLOAT32] = BY_TYPE(gather, load_float32), [FASTACT_FLOAT64] = BY_TYPE(NULL, gather), \
    }
#if REAL_BITS == 32
#define STORES \
    { \
        [FASTACT_FLOAT16] = store_float16, [FASTACT_BFLOAT16] = store_bfloat16, [FASTACT_FLOAT32] = scatter, \
    }
#else
#define STORES \
    { \
        [FASTACT_FLOAT64] = scatter \
    }
#endif
/* clang-format on */

#endif
