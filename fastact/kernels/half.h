/* float16 and bfloat16 as integers, one at a time, in the default floating-point mode: what the conversions of vectors
 * (simd/vec_*.h) mean. */
#ifndef FASTACT_HALF_H
#define FASTACT_HALF_H

#include <stdint.h>
#include <string.h>

static inline float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float widened_float16(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fff;
    if (magnitude < 0x400) { /* subnormal */
        float value = (float)magnitude * 0x1p-24f;
        return sign ? -value : value;
    }
    uint32_t bias = magnitude < 0x7c00 ? (127 - 15) << 23 : 2 * (127 - 15) << 23;
    return float_of_bits(sign | ((magnitude << 13) + bias));
}

static inline float widened_bfloat16(uint16_t half) { return float_of_bits((uint32_t)half << 16); }

#endif
