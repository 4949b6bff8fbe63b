/* The vector type and its operations on NEON, which every AArch64 CPU has.  vec_generic.h defines what each one means. */
#ifndef FASTACT_VEC_NEON_H
#define FASTACT_VEC_NEON_H

#include "real.h"
#include <arm_neon.h>

#define TARGET_NAME "neon"
#define FUSED 1
#define AT_ONCE 2
#define LIGHT_AT_ONCE 4
#define LEAVE_FULL_RANGE 1
#define PLAIN_LOOP 1

#if REAL_BITS == 32
typedef float32x4_t vec;
typedef uint32x4_t mask;
#define WIDTH 4
#define OP(name) name##_f32
#define WORD_OP(name) name##_u32
#define AS_WORDS vreinterpretq_u32_f32
#define AS_REALS vreinterpretq_f32_u32
#else
typedef float64x2_t vec;
typedef uint64x2_t mask;
#define WIDTH 2
#define OP(name) name##_f64
#define WORD_OP(name) name##_u64
#define AS_WORDS vreinterpretq_u64_f64
#define AS_REALS vreinterpretq_f64_u64
#endif
typedef mask words;

INLINE vec splat(real a) { return OP(vdupq_n)(a); }
INLINE vec load(const char *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}
INLINE void store(char *p, vec v) { memcpy(p, &v, sizeof v); }

#define LOAD_LANE(p, v, i) \
    do { \
        real lane; \
        memcpy(&lane, p, sizeof lane); \
        v = OP(vsetq_lane)(lane, v, i); \
    } while (0)
#define STORE_LANE(p, v, i) \
    do { \
        real lane = OP(vgetq_lane)(v, i); \
        memcpy(p, &lane, sizeof lane); \
    } while (0)
INLINE vec load_part(const char *p, ptrdiff_t n, vec rest)
{
    if (n == WIDTH)
        return load(p);
#if REAL_BITS == 32
    if (n & 2) {
        float32x2_t two;
        memcpy(&two, p, sizeof two);
        rest = vcombine_f32(two, vget_high_f32(rest));
        if (n & 1)
            LOAD_LANE(p + sizeof two, rest, 2);
        return rest;
    }
#endif
    if (n & 1)
        LOAD_LANE(p, rest, 0);
    return rest;
}
INLINE void store_part(char *p, vec v, ptrdiff_t n)
{
    if (n == WIDTH) {
        store(p, v);
        return;
    }
#if REAL_BITS == 32
    if (n & 2) {
        float32x2_t two = vget_low_f32(v);
        memcpy(p, &two, sizeof two);
        if (n & 1)
            STORE_LANE(p + sizeof two, v, 2);
        return;
    }
#endif
    if (n & 1)
        STORE_LANE(p, v, 0);
}
INLINE vec keep_first(vec v, ptrdiff_t n)
{
    const words place = BY_TYPE(((words){0, 1, 2, 3}), ((words){0, 1}));
    return AS_REALS(AS_WORDS(v) & WORD_OP(vcltq)(place, WORD_OP(vdupq_n)((word)n)));
}

#if REAL_BITS == 32
typedef float64x2_t wide;
INLINE wide widen_low(vec v) { return vcvt_f64_f32(vget_low_f32(v)); }
INLINE wide widen_high(vec v) { return vcvt_high_f64_f32(v); }
INLINE vec narrow(wide low, wide high) { return vcvt_high_f32_f64(vcvt_f32_f64(low), high); }
INLINE double fold_wide(wide w) { return vaddvq_f64(w); }

INLINE vec widen_float16(const char *p)
{
    float16x4_t narrow;
    memcpy(&narrow, p, sizeof narrow);
    return vcvt_f32_f16(narrow);
}
INLINE void narrow_float16(char *p, vec v)
{
    float16x4_t narrow = vcvt_f16_f32(v);
    memcpy(p, &narrow, sizeof narrow);
}
INLINE vec widen_bfloat16(const char *p)
{
    uint16x4_t narrow;
    memcpy(&narrow, p, sizeof narrow);
    return AS_REALS(vshll_n_u16(narrow, 8) << 8);
}
INLINE void narrow_bfloat16(char *p, vec v)
{
    words bits = AS_WORDS(v), odd = (bits >> 16) & vdupq_n_u32(1);
    uint16x4_t rounded = vaddhn_u32(bits, odd + vdupq_n_u32(0x7fff)); /* the upper half of the sum */
    uint16x4_t quiet = vshrn_n_u32(bits | vdupq_n_u32(0x400000), 16), number = vmovn_u32(vceqq_f32(v, v));
    uint16x4_t narrow = vbsl_u16(number, rounded, quiet);
    memcpy(p, &narrow, sizeof narrow);
}
#define BFLOAT16_PAIRS 1
INLINE void widen_bfloat16_pair(const char *p, vec *v)
{
    uint16x8_t pair;
    memcpy(&pair, p, sizeof pair);
    v[0] = AS_REALS(vreinterpretq_u32_u16(vzip1q_u16(vdupq_n_u16(0), pair)));
    v[1] = AS_REALS(vreinterpretq_u32_u16(vzip2q_u16(vdupq_n_u16(0), pair)));
}
INLINE void narrow_bfloat16_pair(char *p, const vec *v)
{
    uint16x8_t first = vreinterpretq_u16_f32(v[0]), second = vreinterpretq_u16_f32(v[1]);
    uint16x8_t low = vuzp1q_u16(first, second), high = vuzp2q_u16(first, second);
    /* Rounds up what is above a half, or is a half below an odd number. */
    uint16x8_t up = vcgtq_u16(vqaddq_u16(low, high & vdupq_n_u16(1)), vdupq_n_u16(0x8000));
    high = high - up;
    memcpy(p, &high, sizeof high);
}
#endif

INLINE vec muladd(vec a, vec b, vec c) { return OP(vfmaq)(c, a, b); }
INLINE vec submul(vec c, vec a, vec b) { return OP(vfmsq)(c, a, b); }
INLINE vec product_error(vec a, vec b, vec product) { return OP(vfmaq)(-product, a, b); }
INLINE vec residual(vec n, vec q, vec d) { return OP(vfmsq)(n, q, d); }
INLINE vec absolute(vec x) { return OP(vabsq)(x); }
INLINE vec square_root(vec v) { return OP(vsqrtq)(v); }
INLINE vec binade(vec v) { return AS_REALS(AS_WORDS(v) & AS_WORDS(splat((real)INFINITY))); }
INLINE vec choose(mask m, vec a, vec b) { return OP(vbslq)(m, a, b); }
INLINE vec zero_where(mask m, vec a) { return AS_REALS(WORD_OP(vbicq)(AS_WORDS(a), m)); }
INLINE vec with_sign_of(vec magnitude, vec x) { return choose(AS_WORDS(splat((real)-0.0)), x, magnitude); }

INLINE mask less(vec a, vec b) { return OP(vcltq)(a, b); }
INLINE mask less_equal(vec a, vec b) { return OP(vcleq)(a, b); }
INLINE mask equal(vec a, vec b) { return OP(vceqq)(a, b); }
INLINE mask within(vec x, vec low, vec high) { return less(low, x) & less(x, high); }
INLINE mask either(mask a, mask b) { return a | b; }
INLINE int any(mask m) { return __builtin_expect(vmaxvq_u32((uint32x4_t)m) != 0, 0); }
#define ANY_BEYOND
INLINE int any_beyond(const vec *v, int count, real bound) /* or some is NaN */
{
    vec largest = absolute(v[0]);
    for (int i = 1; i < count; i++)
        largest = OP(vmaxq)(largest, absolute(v[i]));
    return __builtin_expect(!(OP(vmaxvq)(largest) <= bound), 0);
}
/* The instructions make NaN of a NaN in either operand, and order zeros; both are as they should be where the first is
 * a constant but 0. */
#define IS_CONSTANT(a) (__builtin_constant_p((a)[0]) && (a)[0] != 0 && (a)[0] == (a)[0])
INLINE vec minimum(vec a, vec b) { return IS_CONSTANT(a) ? OP(vminq)(a, b) : choose(less(a, b), a, b); }
INLINE vec maximum(vec a, vec b) { return IS_CONSTANT(a) ? OP(vmaxq)(a, b) : choose(less(b, a), a, b); }
INLINE mask zero_bytes(const char *bytes)
{
    words values = {0};
    for (int i = 0; i < WIDTH; i++)
        values[i] = (unsigned char)bytes[i];
    return WORD_OP(vceqzq)(values);
}

#if REAL_BITS == 32
/* Byte b of entry j is byte 4 * j + b of two registers, from which one instruction picks all bytes of a vector. */
typedef uint8x16x2_t table8;
INLINE table8 table(const real *entries)
{
    __asm__("" : "+r"(entries)); /* else Clang makes the address anew for each load */
    return vld1q_u8_x2((const uint8_t *)entries);
}
INLINE vec lookup(table8 t, vec index, int shift)
{
    const uint8x16_t lowest = {0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12};
    const uint8x16_t places = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
    uint8x16_t entry = vdupq_n_u8(4 * 7);
    __asm__("" : "+w"(entry)); /* else Clang makes two instructions of the insertion */
    words at = shift < 2 ? AS_WORDS(index) << (2 - shift) : AS_WORDS(index) >> (shift - 2);
    uint8x16_t bytes = vqtbl1q_u8(vreinterpretq_u8_u32(at), lowest);
    return vreinterpretq_f32_u8(vqtbl2q_u8(t, vbslq_u8(entry, bytes, places)));
}
#else
/* Picking from four registers takes longer than loading the two. */
typedef struct {
    const real *entries;
} table8;
INLINE table8 table(const real *entries) { return (table8){entries}; }
INLINE vec lookup(table8 t, vec index, int shift)
{
    words at = AS_WORDS(index) >> shift & 7;
    return (vec){t.entries[at[0]], t.entries[at[1]]};
}
#endif

INLINE vec swapped(vec v, int half)
{
#if REAL_BITS == 32
    return half == 2 ? vextq_f32(v, v, 2) : vrev64q_f32(v);
#else
    return half == 1 ? vextq_f64(v, v, 1) : v;
#endif
}
INLINE vec interleave_low(vec a, vec b) { return OP(vzip1q)(a, b); }
INLINE vec interleave_high(vec a, vec b) { return OP(vzip2q)(a, b); }

INLINE vec exponent(vec b)
{
    words unbiased = (AS_WORDS(b) >> MANTISSA_BITS) - BY_TYPE(127, 1023);
    return AS_REALS(AS_WORDS(splat(EIGHTHS)) + (unbiased << 3));
}
INLINE vec power2_of_bits(words eighths, int shift)
{
    return AS_REALS(((eighths >> shift) << MANTISSA_BITS) + AS_WORDS(splat(1)));
}
INLINE vec power2(vec k) { return power2_of_bits(AS_WORDS(k), 3); }
INLINE vec scale(vec v, vec k) { return v * power2_of_bits(AS_WORDS(k), 4) * power2_of_bits(AS_WORDS(k) + 8, 4); }
INLINE vec inverse_power2_of_bits(words eighths, int shift)
{
    return AS_REALS(AS_WORDS(splat(1)) - ((eighths >> shift) << MANTISSA_BITS));
}
INLINE vec inverse_power2(vec k) { return inverse_power2_of_bits(AS_WORDS(k), 3); }
INLINE vec scale_down(vec v, vec k)
{
    return v * inverse_power2_of_bits(AS_WORDS(k), 4) * inverse_power2_of_bits(AS_WORDS(k) + 8, 4);
}
INLINE vec octave_power(vec k) { return AS_REALS(AS_WORDS(k) << MANTISSA_BITS); }

#endif
