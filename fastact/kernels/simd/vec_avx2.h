/* The vector type and its operations on AVX2 with FMA.  vec_generic.h defines what each one means. */
#ifndef FASTACT_VEC_AVX2_H
#define FASTACT_VEC_AVX2_H

#include "real.h"
#include <immintrin.h>

#define TARGET_NAME "avx2"
#define FUSED 1
#define CROWDED_AT_ONCE 2

#if REAL_BITS == 32
typedef __m256 vec;
typedef __m256 mask;
#define WIDTH 8
#define OP(name) _mm256_##name##_ps
#define AS_INTEGERS _mm256_castps_si256
#define AS_REALS _mm256_castsi256_ps
#define INTEGER_OP(name) _mm256_##name##_epi32
#define SPLAT_INTEGER _mm256_set1_epi32
#else
typedef __m256d vec;
typedef __m256d mask;
#define WIDTH 4
#define OP(name) _mm256_##name##_pd
#define AS_INTEGERS _mm256_castpd_si256
#define AS_REALS _mm256_castsi256_pd
#define INTEGER_OP(name) _mm256_##name##_epi64
#define SPLAT_INTEGER _mm256_set1_epi64x
#endif

INLINE vec splat(real a) { return OP(set1)(a); }
INLINE vec load(const char *p) { return OP(loadu)((const real *)p); }
INLINE void store(char *p, vec v) { OP(storeu)((real *)p, v); }

INLINE __m256i first(ptrdiff_t n)
{
#if REAL_BITS == 32
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
#else
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
#endif
}
INLINE vec load_part(const char *p, ptrdiff_t n, vec rest)
{
    __m256i m = first(n);
    return OP(blendv)(rest, OP(maskload)((const real *)p, m), AS_REALS(m));
}
#if REAL_BITS == 32
typedef __m256d wide;
INLINE wide widen_low(vec v) { return _mm256_cvtps_pd(_mm256_castps256_ps128(v)); }
INLINE wide widen_high(vec v) { return _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)); }
INLINE vec narrow(wide low, wide high)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(low)), _mm256_cvtpd_ps(high), 1);
}
INLINE double fold_wide(wide w)
{
    __m128d two = _mm_add_pd(_mm256_castpd256_pd128(w), _mm256_extractf128_pd(w, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}
#endif
#if REAL_BITS == 32
INLINE vec widen_float16(const char *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)); }
INLINE void narrow_float16(char *p, vec v)
{
    _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
INLINE vec widen_bfloat16(const char *p)
{
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
INLINE __m256i round_bfloat16(vec v) /* in the upper half of each word */
{
    __m256i bits = _mm256_castps_si256(v), even = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    return _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), even);
}
INLINE void narrow_bfloat16(char *p, vec v)
{
    __m256i quiet = _mm256_or_si256(_mm256_castps_si256(v), _mm256_set1_epi32(0x400000));
    __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    __m256i upper = _mm256_srli_epi32(_mm256_blendv_epi8(round_bfloat16(v), quiet, nan), 16);
    __m128i narrow = _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1));
    _mm_storeu_si128((__m128i *)p, narrow);
}
#define BFLOAT16_PAIRS 1
#define ODD_HALVES 0xaa
INLINE void widen_bfloat16_pair(const char *p, vec *v)
{
    __m256i pair = _mm256_loadu_si256((const __m256i *)p);
    v[0] = _mm256_castsi256_ps(_mm256_slli_epi32(pair, 16));
    v[1] = _mm256_castsi256_ps(_mm256_and_si256(pair, _mm256_set1_epi32((int)0xffff0000)));
}
INLINE void narrow_bfloat16_pair(char *p, const vec *v)
{
    __m256i even = _mm256_castps_si256(v[0]), odd = _mm256_castps_si256(v[1]);
    __m256i high = _mm256_blend_epi16(_mm256_srli_epi32(even, 16), odd, ODD_HALVES);
    __m256i low = _mm256_blend_epi16(even, _mm256_slli_epi32(odd, 16), ODD_HALVES);
    /* low + 0x7fff + (high & 1) carries: the uppermost bit of half that sum, which is an average */
    __m256i tie = _mm256_or_si256(_mm256_and_si256(high, _mm256_set1_epi16(1)), _mm256_set1_epi16(0x7ffe));
    __m256i carry = _mm256_srli_epi16(_mm256_avg_epu16(low, tie), 15);
    _mm256_storeu_si256((__m256i *)p, _mm256_add_epi16(high, carry));
}
#endif
INLINE vec keep_first(vec v, ptrdiff_t n) { return OP(and)(v, AS_REALS(first(n))); }
/* In halves: a masked store takes some twenty cycles on AMD cores. */
INLINE void store_part(char *p, vec v, ptrdiff_t n)
{
#if REAL_BITS == 32
    if (n == WIDTH) {
        store(p, v);
        return;
    }
    __m128 rest = _mm256_castps256_ps128(v);
    if (n & 4) {
        _mm_storeu_ps((float *)p, rest);
        p += 16;
        rest = _mm256_extractf128_ps(v, 1);
    }
    if (n & 2) {
        double two = _mm_cvtsd_f64(_mm_castps_pd(rest));
        memcpy(p, &two, 8);
        p += 8;
        rest = _mm_movehl_ps(rest, rest);
    }
    if (n & 1) {
        float lowest = _mm_cvtss_f32(rest);
        memcpy(p, &lowest, 4);
    }
#else
    if (n == WIDTH) {
        store(p, v);
        return;
    }
    __m128d rest = _mm256_castpd256_pd128(v);
    if (n & 2) {
        _mm_storeu_pd((double *)p, rest);
        p += 16;
        rest = _mm256_extractf128_pd(v, 1);
    }
    if (n & 1) {
        double lowest = _mm_cvtsd_f64(rest);
        memcpy(p, &lowest, 8);
    }
#endif
}

INLINE vec muladd(vec a, vec b, vec c) { return OP(fmadd)(a, b, c); }
INLINE vec submul(vec c, vec a, vec b) { return OP(fnmadd)(a, b, c); }
INLINE vec product_error(vec a, vec b, vec product) { return OP(fmsub)(a, b, product); }
INLINE vec residual(vec n, vec q, vec d) { return OP(fnmadd)(q, d, n); }
INLINE vec minimum(vec a, vec b) { return OP(min)(a, b); }
INLINE vec maximum(vec a, vec b) { return OP(max)(a, b); }
INLINE vec absolute(vec x) { return OP(andnot)(splat((real)-0.0), x); }
INLINE vec square_root(vec v) { return OP(sqrt)(v); }
INLINE vec binade(vec v) { return OP(and)(v, splat((real)INFINITY)); }
INLINE vec with_sign_of(vec magnitude, vec x) { return OP(or)(magnitude, OP(and)(x, splat((real)-0.0))); }

INLINE mask less(vec a, vec b) { return OP(cmp)(a, b, _CMP_LT_OQ); }
INLINE mask less_equal(vec a, vec b) { return OP(cmp)(a, b, _CMP_LE_OQ); }
INLINE mask equal(vec a, vec b) { return OP(cmp)(a, b, _CMP_EQ_OQ); }
INLINE mask within(vec x, vec low, vec high) { return OP(and)(less(low, x), less(x, high)); }
INLINE mask either(mask a, mask b) { return OP(or)(a, b); }
INLINE mask zero_bytes(const char *bytes)
{
    int64_t eight = 0;
    memcpy(&eight, bytes, WIDTH);
#if REAL_BITS == 32
    __m256i wide = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(eight));
#else
    __m256i wide = _mm256_cvtepu8_epi64(_mm_cvtsi64_si128(eight));
#endif
    return AS_REALS(INTEGER_OP(cmpeq)(wide, _mm256_setzero_si256()));
}
INLINE int any(mask m) { return __builtin_expect(OP(movemask)(m) != 0, 0); }
INLINE vec choose(mask m, vec a, vec b) { return OP(blendv)(b, a, m); }
INLINE vec zero_where(mask m, vec a) { return OP(andnot)(m, a); }

#if REAL_BITS == 32
typedef struct {
    vec v;
} table8;
INLINE table8 table(const real *entries) { return (table8){_mm256_loadu_ps(entries)}; }
INLINE vec lookup(table8 t, vec index, int shift)
{
    return _mm256_permutevar8x32_ps(t.v, _mm256_srli_epi32(AS_INTEGERS(index), shift));
}
#else
/* Eight doubles fill two registers, and no AVX2 instruction picks from two: their lower and upper halves are picked as
 * eight integers each.  A gather would take twice as long. */
typedef struct {
    __m256i lower, upper;
} table8;
INLINE table8 table(const real *entries)
{
    /* Written so that compilers evaluate it at compile time. */
    __m256d a = {entries[0], entries[1], entries[4], entries[5]}, b = {entries[2], entries[3], entries[6], entries[7]};
    __m256 lower = _mm256_shuffle_ps(_mm256_castpd_ps(a), _mm256_castpd_ps(b), 0x88);
    __m256 upper = _mm256_shuffle_ps(_mm256_castpd_ps(a), _mm256_castpd_ps(b), 0xdd);
    return (table8){_mm256_castps_si256(lower), _mm256_castps_si256(upper)};
}
INLINE vec lookup(table8 t, vec index, int shift)
{
    __m256i twice = _mm256_shuffle_epi32(_mm256_srli_epi64(AS_INTEGERS(index), shift), 0xa0);
    return AS_REALS(_mm256_blend_epi32(_mm256_permutevar8x32_epi32(t.lower, twice),
                                       _mm256_permutevar8x32_epi32(t.upper, twice), 0xaa));
}

/* Of long tables two numbers of a lane's piece are loaded at once, then transposed; as they lie side by side in
 * TABLE_by_lane.  Each costs half of a lookup. */
typedef struct {
    const char *lane[WIDTH];
} pieces;
#define PIECES(table, piece, octave) pieces_of(table##_by_lane[0], sizeof table##_by_lane[0], piece, octave)
INLINE pieces pieces_of(const real *table, int size, vec piece, int octave)
{
    __m256i index = _mm256_and_si256(_mm256_srli_epi64(AS_INTEGERS(piece), octave), _mm256_set1_epi64x(7));
    __m256i offset = _mm256_mul_epu32(index, _mm256_set1_epi64x(size));
    const char *start = (const char *)table;
    return (pieces){{start + _mm256_extract_epi64(offset, 0), start + _mm256_extract_epi64(offset, 1),
                     start + _mm256_extract_epi64(offset, 2), start + _mm256_extract_epi64(offset, 3)}};
}
/* The two that `lower` points to, and those behind two that `upper` points to. */
INLINE __m256d load_two_pairs(const char *lower, const char *upper)
{
    return _mm256_blend_pd(_mm256_castpd128_pd256(_mm_loadu_pd((const real *)lower)), load(upper), 0xc);
}
INLINE vec row_of(pieces p, int row)
{
    int upper = (row & ~1) * (int)sizeof(real), lower = upper + 2 * (int)sizeof(real);
    __m256d even = load_two_pairs(p.lane[0] + lower, p.lane[2] + upper);
    __m256d odd = load_two_pairs(p.lane[1] + lower, p.lane[3] + upper);
    return row & 1 ? _mm256_unpackhi_pd(even, odd) : _mm256_unpacklo_pd(even, odd);
}
#endif

INLINE vec swapped(vec v, int half)
{
#if REAL_BITS == 32
    return half == 4   ? _mm256_permute2f128_ps(v, v, 1)
           : half == 2 ? _mm256_permute_ps(v, 0x4e)
                       : _mm256_permute_ps(v, 0xb1);
#else
    return half == 2 ? _mm256_permute2f128_pd(v, v, 1) : _mm256_permute_pd(v, 0x5);
#endif
}
INLINE vec interleave_low(vec a, vec b) { return OP(permute2f128)(OP(unpacklo)(a, b), OP(unpackhi)(a, b), 0x20); }
INLINE vec interleave_high(vec a, vec b) { return OP(permute2f128)(OP(unpacklo)(a, b), OP(unpackhi)(a, b), 0x31); }

INLINE vec exponent(vec b)
{
    __m256i biased = INTEGER_OP(srli)(AS_INTEGERS(b), MANTISSA_BITS);
    __m256i unbiased = INTEGER_OP(sub)(biased, SPLAT_INTEGER(BY_TYPE(127, 1023)));
    return AS_REALS(INTEGER_OP(add)(AS_INTEGERS(splat(EIGHTHS)), INTEGER_OP(slli)(unbiased, 3)));
}
INLINE vec power2_of_bits(__m256i eighths, int shift)
{
    __m256i exponent = INTEGER_OP(slli)(INTEGER_OP(srli)(eighths, shift), MANTISSA_BITS);
    return AS_REALS(INTEGER_OP(add)(exponent, AS_INTEGERS(splat(1))));
}
INLINE vec power2(vec k) { return power2_of_bits(AS_INTEGERS(k), 3); }
INLINE vec scale(vec v, vec k)
{
    vec once = v * power2_of_bits(AS_INTEGERS(k), 4);
    return once * power2_of_bits(INTEGER_OP(add)(AS_INTEGERS(k), SPLAT_INTEGER(8)), 4);
}
INLINE vec inverse_power2_of_bits(__m256i eighths, int shift)
{
    __m256i exponent = INTEGER_OP(slli)(INTEGER_OP(srli)(eighths, shift), MANTISSA_BITS);
    return AS_REALS(INTEGER_OP(sub)(AS_INTEGERS(splat(1)), exponent));
}
INLINE vec inverse_power2(vec k) { return inverse_power2_of_bits(AS_INTEGERS(k), 3); }
INLINE vec scale_down(vec v, vec k)
{
    vec once = v * inverse_power2_of_bits(AS_INTEGERS(k), 4);
    return once * inverse_power2_of_bits(INTEGER_OP(add)(AS_INTEGERS(k), SPLAT_INTEGER(8)), 4);
}
INLINE vec octave_power(vec k) { return AS_REALS(INTEGER_OP(slli)(AS_INTEGERS(k), MANTISSA_BITS)); }

#endif
