/* The vector type and its operations on AVX-512 (F, DQ, BW, VL).  vec_generic.h defines what each one means. */
#ifndef FASTACT_VEC_AVX512_H
#define FASTACT_VEC_AVX512_H

#include "real.h"
#include <immintrin.h>

#define TARGET_NAME "avx512"
#define FUSED 1

#if REAL_BITS == 32
typedef __m512 vec;
typedef __mmask16 mask;
#define WIDTH 16
#define OP(name) _mm512_##name##_ps
#define OP_MASK(name) _mm512_##name##_ps_mask
#else
typedef __m512d vec;
typedef __mmask8 mask;
#define WIDTH 8
#define OP(name) _mm512_##name##_pd
#define OP_MASK(name) _mm512_##name##_pd_mask
#endif

typedef struct {
    vec v;
} table8;

INLINE vec splat(real a) { return OP(set1)(a); }
INLINE vec load(const char *p) { return OP(loadu)(p); }
INLINE void store(char *p, vec v) { OP(storeu)(p, v); }
INLINE mask first(ptrdiff_t n) { return (mask)((1u << n) - 1u); }
INLINE vec load_part(const char *p, ptrdiff_t n, vec rest) { return OP(mask_loadu)(rest, first(n), p); }
INLINE void store_part(char *p, vec v, ptrdiff_t n) { OP(mask_storeu)(p, first(n), v); }
#if REAL_BITS == 32
typedef __m512d wide;
INLINE wide widen_low(vec v) { return _mm512_cvtps_pd(_mm512_castps512_ps256(v)); }
INLINE wide widen_high(vec v) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)); }
INLINE vec narrow(wide low, wide high)
{
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low)), _mm512_cvtpd_ps(high), 1);
}
INLINE double fold_wide(wide w)
{
    __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(w), _mm512_extractf64x4_pd(w, 1));
    __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}
#endif
#if REAL_BITS == 32
INLINE vec widen_float16(const char *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
INLINE void narrow_float16(char *p, vec v)
{
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
INLINE vec widen_bfloat16(const char *p)
{
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
INLINE __m512i round_bfloat16(vec v) /* in the upper half of each word; no masks, which are slow on AMD cores */
{
    __m512i bits = _mm512_castps_si512(v), even = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    return _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), even);
}
INLINE void narrow_bfloat16(char *p, vec v)
{
    __m512i quiet = _mm512_or_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x400000));
    __m512i kept = _mm512_mask_mov_epi32(round_bfloat16(v), OP_MASK(cmp)(v, v, _CMP_UNORD_Q), quiet);
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtepi32_epi16(_mm512_srli_epi32(kept, 16)));
}
#define BFLOAT16_PAIRS 1
#define ODD_HALVES 0xaaaaaaaa
#define AND_OR 0xea /* a & b | c */
INLINE void widen_bfloat16_pair(const char *p, vec *v)
{
    __m512i pair = _mm512_loadu_si512(p);
    v[0] = _mm512_castsi512_ps(_mm512_slli_epi32(pair, 16));
    v[1] = _mm512_castsi512_ps(_mm512_and_si512(pair, _mm512_set1_epi32((int)0xffff0000)));
}
INLINE void narrow_bfloat16_pair(char *p, const vec *v)
{
    __m512i even = _mm512_castps_si512(v[0]), odd = _mm512_castps_si512(v[1]);
    __m512i high = _mm512_mask_mov_epi16(_mm512_srli_epi32(even, 16), ODD_HALVES, odd);
    __m512i low = _mm512_mask_mov_epi16(even, ODD_HALVES, _mm512_slli_epi32(odd, 16));
    /* low + 0x7fff + (high & 1) carries: the uppermost bit of half that sum, which is an average */
    __m512i tie = _mm512_ternarylogic_epi32(high, _mm512_set1_epi16(1), _mm512_set1_epi16(0x7ffe), AND_OR);
    __m512i carry = _mm512_srli_epi16(_mm512_avg_epu16(low, tie), 15);
    _mm512_storeu_si512(p, _mm512_add_epi16(high, carry));
}
#endif
INLINE vec keep_first(vec v, ptrdiff_t n) { return OP(maskz_mov)(first(n), v); }

INLINE vec muladd(vec a, vec b, vec c) { return OP(fmadd)(a, b, c); }
INLINE vec submul(vec c, vec a, vec b) { return OP(fnmadd)(a, b, c); }
INLINE vec product_error(vec a, vec b, vec product) { return OP(fmsub)(a, b, product); }
INLINE vec residual(vec n, vec q, vec d) { return OP(fnmadd)(q, d, n); }
INLINE vec minimum(vec a, vec b) { return OP(min)(a, b); }
INLINE vec maximum(vec a, vec b) { return OP(max)(a, b); }
INLINE vec absolute(vec x) { return OP(abs)(x); }
INLINE vec square_root(vec v) { return OP(sqrt)(v); }
INLINE vec binade(vec v) { return OP(and)(v, splat((real)INFINITY)); }
INLINE vec with_sign_of(vec magnitude, vec x) { return OP(or)(magnitude, OP(and)(x, splat((real)-0.0))); }

INLINE mask less(vec a, vec b) { return OP_MASK(cmp)(a, b, _CMP_LT_OQ); }
INLINE mask less_equal(vec a, vec b) { return OP_MASK(cmp)(a, b, _CMP_LE_OQ); }
INLINE mask equal(vec a, vec b) { return OP_MASK(cmp)(a, b, _CMP_EQ_OQ); }
INLINE mask within(vec x, vec low, vec high) { return OP_MASK(mask_cmp)(less(low, x), x, high, _CMP_LT_OQ); }
INLINE mask either(mask a, mask b) { return (mask)(a | b); }
INLINE mask zero_bytes(const char *bytes)
{
#if REAL_BITS == 32
    return _mm_testn_epi8_mask(_mm_loadu_si128((const __m128i *)bytes), _mm_set1_epi8(-1));
#else
    return (mask)_mm_testn_epi8_mask(_mm_loadl_epi64((const __m128i *)bytes), _mm_set1_epi8(-1));
#endif
}
/* The same of the first n <= WIDTH; the lanes past n are set. */
#define ZERO_FIRST_BYTES
INLINE mask zero_first_bytes(const char *bytes, ptrdiff_t n)
{
    __mmask16 m = (__mmask16)((1u << n) - 1);
    return (mask)_mm_testn_epi8_mask(_mm_maskz_loadu_epi8(m, bytes), _mm_set1_epi8(-1));
}
INLINE int any(mask m) { return __builtin_expect(m != 0, 0); }
INLINE vec choose(mask m, vec a, vec b) { return OP(mask_mov)(b, m, a); }
INLINE vec zero_where(mask m, vec a) { return OP(maskz_mov)((mask)~m, a); }

INLINE table8 table(const real *entries)
{
#if REAL_BITS == 32
    return (table8){_mm512_broadcast_f32x8(_mm256_loadu_ps(entries))};
#else
    return (table8){_mm512_loadu_pd(entries)};
#endif
}
#if REAL_BITS == 32
INLINE vec lookup(table8 t, vec index, int shift)
{
    return _mm512_permutexvar_ps(_mm512_srli_epi32(_mm512_castps_si512(index), (unsigned)shift), t.v);
}
INLINE vec swapped(vec v, int half)
{
    return half == 8   ? _mm512_shuffle_f32x4(v, v, 0x4e)
           : half == 4 ? _mm512_shuffle_f32x4(v, v, 0xb1)
           : half == 2 ? _mm512_permute_ps(v, 0x4e)
                       : _mm512_permute_ps(v, 0xb1);
}
#else
INLINE vec lookup(table8 t, vec index, int shift)
{
    return _mm512_permutexvar_pd(_mm512_srli_epi64(_mm512_castpd_si512(index), (unsigned)shift), t.v);
}
INLINE vec swapped(vec v, int half)
{
    return half == 4   ? _mm512_shuffle_f64x2(v, v, 0x4e)
           : half == 2 ? _mm512_shuffle_f64x2(v, v, 0xb1)
                       : _mm512_permute_pd(v, 0x55);
}
#endif

#if REAL_BITS == 32
INLINE vec interleave_low(vec a, vec b)
{
    return _mm512_permutex2var_ps(a, _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), b);
}
INLINE vec interleave_high(vec a, vec b)
{
    return _mm512_permutex2var_ps(a, _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31),
                                  b);
}
#else
INLINE vec interleave_low(vec a, vec b)
{
    return _mm512_permutex2var_pd(a, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), b);
}
INLINE vec interleave_high(vec a, vec b)
{
    return _mm512_permutex2var_pd(a, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), b);
}
#endif

INLINE vec exponent(vec b) { return OP(getexp)(b) + splat(EIGHTHS); }
INLINE vec power2(vec k) { return OP(scalef)(splat(1), k - splat(EIGHTHS)); }
INLINE vec scale(vec v, vec k) { return OP(scalef)(v, k - splat(EIGHTHS)); }
INLINE vec inverse_power2(vec k) /* one shift and a mask: two shifts would compete with additions */
{
#if REAL_BITS == 32
    __m512i shifted = _mm512_slli_epi32(_mm512_castps_si512(k), MANTISSA_BITS - 3);
    __m512i exponent = _mm512_and_si512(shifted, _mm512_set1_epi32((int)(0xffffffffu << MANTISSA_BITS)));
    return _mm512_castsi512_ps(_mm512_sub_epi32(_mm512_castps_si512(splat(1)), exponent));
#else
    __m512i shifted = _mm512_slli_epi64(_mm512_castpd_si512(k), MANTISSA_BITS - 3);
    __m512i exponent = _mm512_and_si512(shifted, _mm512_set1_epi64((long long)(0xffffffffffffffffu << MANTISSA_BITS)));
    return _mm512_castsi512_pd(_mm512_sub_epi64(_mm512_castpd_si512(splat(1)), exponent));
#endif
}
INLINE vec scale_down(vec v, vec k) { return OP(scalef)(v, -OP(floor)(k - splat(EIGHTHS))); }

#if REAL_BITS == 32
INLINE vec octave_power(vec k) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(k), MANTISSA_BITS)); }
#else
INLINE vec octave_power(vec k) { return _mm512_castsi512_pd(_mm512_slli_epi64(_mm512_castpd_si512(k), MANTISSA_BITS)); }
#endif

#endif
