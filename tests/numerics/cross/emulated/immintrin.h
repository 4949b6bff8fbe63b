/* Those intrinsics of AVX-512 that simd/vec_avx512.h uses, element by element, on a machine that has AVX2 alone: so its
 * kernels can be run and compared where no CPU has AVX-512.  What each one means is from Intel's Intrinsics Guide. */
#include_next <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#ifndef EMULATED_AVX512_H
#define EMULATED_AVX512_H

#define EMULATED static __attribute__((noinline, unused))
#define EMULATED_EACH(n) for (int i = 0; i < (n); i++)

typedef uint32_t emulated_words __attribute__((vector_size(64), may_alias));
typedef uint64_t emulated_longs __attribute__((vector_size(64), may_alias));
typedef uint16_t emulated_shorts __attribute__((vector_size(64), may_alias));

EMULATED float emulated_fma32(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
EMULATED double emulated_fma64(double a, double b, double c) { return __builtin_fma(a, b, c); }
EMULATED int emulated_compare(double a, double b, int how)
{
    return how == _CMP_LT_OQ ? a < b : how == _CMP_LE_OQ ? a <= b : how == _CMP_EQ_OQ ? a == b : a != a || b != b;
}
EMULATED double emulated_exponent(double a)
{
    return isnan(a) ? a : isinf(a) ? INFINITY : a == 0 ? -INFINITY : (double)ilogb(a);
}
/* A float32 times a power of 2 is exact in float64, where it is not 0 or infinite in float32 anyway. */
EMULATED double emulated_scaled(double a, double b, int most)
{
    if (isnan(a) || isnan(b))
        return a + b;
    if (isinf(b))
        return b > 0 ? a * INFINITY : isinf(a) ? NAN : a * 0;
    double power = floor(b);
    return scalbn(a, (int)(power > most ? most : power < -most ? -most : power));
}

#define OF_REALS(sfx, V, M, T, bits, N, most) \
    EMULATED V emulated_set1_##sfx(T a) \
    { \
        V r; \
        EMULATED_EACH(N) r[i] = a; \
        return r; \
    } \
    EMULATED V emulated_loadu_##sfx(const void *p) \
    { \
        V r; \
        memcpy(&r, p, 64); \
        return r; \
    } \
    EMULATED void emulated_storeu_##sfx(void *p, V v) { memcpy(p, &v, 64); } \
    EMULATED V emulated_mask_loadu_##sfx(V r, M m, const void *p) \
    { \
        T a[N]; \
        EMULATED_EACH(N) \
        if (m >> i & 1) { \
            memcpy(&a[i], (const T *)p + i, sizeof(T)); \
            r[i] = a[i]; \
        } \
        return r; \
    } \
    EMULATED void emulated_mask_storeu_##sfx(void *p, M m, V v) \
    { \
        EMULATED_EACH(N) \
        if (m >> i & 1) { \
            T a = v[i]; \
            memcpy((T *)p + i, &a, sizeof(T)); \
        } \
    } \
    EMULATED V emulated_fmadd_##sfx(V a, V b, V c) \
    { \
        EMULATED_EACH(N) a[i] = emulated_fma##bits(a[i], b[i], c[i]); \
        return a; \
    } \
    EMULATED V emulated_fnmadd_##sfx(V a, V b, V c) { return emulated_fmadd_##sfx(-a, b, c); } \
    EMULATED V emulated_fmsub_##sfx(V a, V b, V c) { return emulated_fmadd_##sfx(a, b, -c); } \
    EMULATED V emulated_min_##sfx(V a, V b) \
    { \
        EMULATED_EACH(N) a[i] = a[i] < b[i] ? a[i] : b[i]; \
        return a; \
    } \
    EMULATED V emulated_max_##sfx(V a, V b) \
    { \
        EMULATED_EACH(N) a[i] = a[i] > b[i] ? a[i] : b[i]; \
        return a; \
    } \
    EMULATED V emulated_abs_##sfx(V a) \
    { \
        EMULATED_EACH(N) a[i] = bits == 32 ? __builtin_fabsf((float)a[i]) : __builtin_fabs((double)a[i]); \
        return a; \
    } \
    EMULATED V emulated_sqrt_##sfx(V a) \
    { \
        EMULATED_EACH(N) a[i] = bits == 32 ? __builtin_sqrtf((float)a[i]) : __builtin_sqrt((double)a[i]); \
        return a; \
    } \
    EMULATED V emulated_floor_##sfx(V a) \
    { \
        EMULATED_EACH(N) a[i] = (T)floor((double)a[i]); \
        return a; \
    } \
    EMULATED V emulated_and_##sfx(V a, V b) { return (V)((emulated_longs)a & (emulated_longs)b); } \
    EMULATED V emulated_or_##sfx(V a, V b) { return (V)((emulated_longs)a | (emulated_longs)b); } \
    EMULATED M emulated_mask_cmp_##sfx(M m, V a, V b, int how) \
    { \
        unsigned r = 0; \
        EMULATED_EACH(N) r |= (unsigned)(m >> i & 1 && emulated_compare(a[i], b[i], how)) << i; \
        return (M)r; \
    } \
    EMULATED M emulated_cmp_##sfx(V a, V b, int how) { return emulated_mask_cmp_##sfx((M)-1, a, b, how); } \
    EMULATED V emulated_mask_mov_##sfx(V r, M m, V a) \
    { \
        EMULATED_EACH(N) \
        if (m >> i & 1) \
            r[i] = a[i]; \
        return r; \
    } \
    EMULATED V emulated_maskz_mov_##sfx(M m, V a) { return emulated_mask_mov_##sfx(emulated_set1_##sfx(0), m, a); } \
    EMULATED V emulated_getexp_##sfx(V a) \
    { \
        EMULATED_EACH(N) a[i] = (T)emulated_exponent(a[i]); \
        return a; \
    } \
    EMULATED V emulated_scalef_##sfx(V a, V b) \
    { \
        EMULATED_EACH(N) a[i] = (T)emulated_scaled(a[i], b[i], most); \
        return a; \
    }
OF_REALS(ps, __m512, __mmask16, float, 32, 16, 600)
OF_REALS(pd, __m512d, __mmask8, double, 64, 8, 5000)

#define PERMUTED(name, V, N, ...) \
    EMULATED V emulated_##name \
    { \
        V r; \
        EMULATED_EACH(N) r[i] = __VA_ARGS__; \
        return r; \
    }
PERMUTED(permutexvar_ps(__m512i at, __m512 v), __m512, 16, v[((emulated_words)at)[i] & 15])
PERMUTED(permutexvar_pd(__m512i at, __m512d v), __m512d, 8, v[((emulated_longs)at)[i] & 7])
PERMUTED(permutex2var_ps(__m512 a, __m512i at, __m512 b), __m512, 16,
         ((emulated_words)at)[i] & 16 ? b[((emulated_words)at)[i] & 15] : a[((emulated_words)at)[i] & 15])
PERMUTED(permutex2var_pd(__m512d a, __m512i at, __m512d b), __m512d, 8,
         ((emulated_longs)at)[i] & 8 ? b[((emulated_longs)at)[i] & 7] : a[((emulated_longs)at)[i] & 7])
PERMUTED(permute_ps(__m512 v, int how), __m512, 16, v[(i & ~3) + (how >> 2 * (i & 3) & 3)])
PERMUTED(permute_pd(__m512d v, int how), __m512d, 8, v[(i & ~1) + (how >> i & 1)])
PERMUTED(shuffle_f32x4(__m512 a, __m512 b, int how), __m512, 16, (i < 8 ? a : b)[4 * (how >> 2 * (i / 4) & 3) + i % 4])
PERMUTED(shuffle_f64x2(__m512d a, __m512d b, int how), __m512d, 8,
         (i < 4 ? a : b)[2 * (how >> 2 * (i / 2) & 3) + i % 2])
PERMUTED(broadcast_f32x8(__m256 v), __m512, 16, v[i % 8])
PERMUTED(insertf32x8(__m512 a, __m256 b, int half), __m512, 16, i / 8 == half ? b[i % 8] : a[i])
PERMUTED(extractf32x8_ps(__m512 v, int half), __m256, 8, v[8 * half + i])
PERMUTED(extractf64x4_pd(__m512d v, int half), __m256d, 4, v[4 * half + i])
PERMUTED(castps256_ps512(__m256 v), __m512, 16, i < 8 ? v[i] : 0)
PERMUTED(castps512_ps256(__m512 v), __m256, 8, v[i])
PERMUTED(castpd512_pd256(__m512d v), __m256d, 4, v[i])
PERMUTED(cvtps_pd(__m256 v), __m512d, 8, v[i])
PERMUTED(cvtpd_ps(__m512d v), __m256, 8, (float)v[i])
EMULATED __m512 emulated_cvtph_ps(__m256i h)
{
    return emulated_insertf32x8(emulated_castps256_ps512(_mm256_cvtph_ps(_mm256_castsi256_si128(h))),
                                _mm256_cvtph_ps(_mm256_extracti128_si256(h, 1)), 1);
}
EMULATED __m256i emulated_cvtps_ph(__m512 v)
{
    __m128i low = _mm256_cvtps_ph(emulated_castps512_ps256(v), _MM_FROUND_TO_NEAREST_INT);
    __m128i high = _mm256_cvtps_ph(emulated_extractf32x8_ps(v, 1), _MM_FROUND_TO_NEAREST_INT);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

#define AS_INTEGERS(name, V, N, value) \
    EMULATED __m512i emulated_##name \
    { \
        V r; \
        EMULATED_EACH(N) r[i] = value; \
        return (__m512i)r; \
    }
AS_INTEGERS(set1_epi16(int a), emulated_shorts, 32, (uint16_t)a)
AS_INTEGERS(set1_epi32(int a), emulated_words, 16, (uint32_t)a)
AS_INTEGERS(set1_epi64(long long a), emulated_longs, 8, (uint64_t)a)
AS_INTEGERS(and_si512(__m512i a, __m512i b), emulated_longs, 8, ((emulated_longs)a)[i] & ((emulated_longs)b)[i])
AS_INTEGERS(or_si512(__m512i a, __m512i b), emulated_longs, 8, ((emulated_longs)a)[i] | ((emulated_longs)b)[i])
AS_INTEGERS(add_epi16(__m512i a, __m512i b), emulated_shorts, 32,
            (uint16_t)(((emulated_shorts)a)[i] + ((emulated_shorts)b)[i]))
AS_INTEGERS(add_epi32(__m512i a, __m512i b), emulated_words, 16, ((emulated_words)a)[i] + ((emulated_words)b)[i])
AS_INTEGERS(sub_epi32(__m512i a, __m512i b), emulated_words, 16, ((emulated_words)a)[i] - ((emulated_words)b)[i])
AS_INTEGERS(sub_epi64(__m512i a, __m512i b), emulated_longs, 8, ((emulated_longs)a)[i] - ((emulated_longs)b)[i])
AS_INTEGERS(slli_epi32(__m512i a, unsigned n), emulated_words, 16, n > 31 ? 0 : ((emulated_words)a)[i] << n)
AS_INTEGERS(srli_epi32(__m512i a, unsigned n), emulated_words, 16, n > 31 ? 0 : ((emulated_words)a)[i] >> n)
AS_INTEGERS(slli_epi64(__m512i a, unsigned n), emulated_longs, 8, n > 63 ? 0 : ((emulated_longs)a)[i] << n)
AS_INTEGERS(srli_epi64(__m512i a, unsigned n), emulated_longs, 8, n > 63 ? 0 : ((emulated_longs)a)[i] >> n)
AS_INTEGERS(srli_epi16(__m512i a, unsigned n), emulated_shorts, 32, (uint16_t)(((emulated_shorts)a)[i] >> n))
AS_INTEGERS(avg_epu16(__m512i a, __m512i b), emulated_shorts, 32,
            (uint16_t)((((emulated_shorts)a)[i] + ((emulated_shorts)b)[i] + 1) >> 1))
AS_INTEGERS(mask_mov_epi16(__m512i a, __mmask32 m, __m512i b), emulated_shorts, 32,
            (m >> i & 1 ? (emulated_shorts)b : (emulated_shorts)a)[i])
AS_INTEGERS(mask_mov_epi32(__m512i a, __mmask16 m, __m512i b), emulated_words, 16,
            (m >> i & 1 ? (emulated_words)b : (emulated_words)a)[i])
AS_INTEGERS(cvtepu16_epi32(__m256i a), emulated_words, 16, ((const uint16_t __attribute__((may_alias)) *)&a)[i])
EMULATED __m256i emulated_cvtepi32_epi16(__m512i a)
{
    uint16_t r[16];
    EMULATED_EACH(16) r[i] = (uint16_t)((emulated_words)a)[i];
    return _mm256_loadu_si256((const __m256i *)r);
}
EMULATED __m512i emulated_ternarylogic_epi32(__m512i a, __m512i b, __m512i c, int truth)
{
    emulated_longs r = {0};
    for (int k = 0; k < 8; k++)
        if (truth >> k & 1)
            r |= (k & 4 ? (emulated_longs)a : ~(emulated_longs)a) & (k & 2 ? (emulated_longs)b : ~(emulated_longs)b) &
                 (k & 1 ? (emulated_longs)c : ~(emulated_longs)c);
    return (__m512i)r;
}
EMULATED __mmask16 emulated_testn_epi8_mask(__m128i a, __m128i b)
{
    __m128i zero = _mm_cmpeq_epi8(_mm_and_si128(a, b), _mm_setzero_si128());
    return (__mmask16)_mm_movemask_epi8(zero);
}
EMULATED __m128i emulated_maskz_loadu_epi8(__mmask16 m, const void *p)
{
    uint8_t r[16];
    EMULATED_EACH(16) r[i] = m >> i & 1 ? ((const uint8_t *)p)[i] : 0;
    return _mm_loadu_si128((const __m128i *)r);
}

#undef _mm512_abs_pd
#define _mm512_abs_pd emulated_abs_pd
#undef _mm512_abs_ps
#define _mm512_abs_ps emulated_abs_ps
#undef _mm512_add_epi16
#define _mm512_add_epi16 emulated_add_epi16
#undef _mm512_add_epi32
#define _mm512_add_epi32 emulated_add_epi32
#undef _mm512_and_pd
#define _mm512_and_pd emulated_and_pd
#undef _mm512_and_ps
#define _mm512_and_ps emulated_and_ps
#undef _mm512_and_si512
#define _mm512_and_si512 emulated_and_si512
#undef _mm512_avg_epu16
#define _mm512_avg_epu16 emulated_avg_epu16
#undef _mm512_broadcast_f32x8
#define _mm512_broadcast_f32x8 emulated_broadcast_f32x8
#undef _mm512_castpd512_pd256
#define _mm512_castpd512_pd256 emulated_castpd512_pd256
#undef _mm512_castps256_ps512
#define _mm512_castps256_ps512 emulated_castps256_ps512
#undef _mm512_castps512_ps256
#define _mm512_castps512_ps256 emulated_castps512_ps256
#undef _mm512_cmp_pd_mask
#define _mm512_cmp_pd_mask emulated_cmp_pd
#undef _mm512_cmp_ps_mask
#define _mm512_cmp_ps_mask emulated_cmp_ps
#undef _mm512_cvtepi32_epi16
#define _mm512_cvtepi32_epi16 emulated_cvtepi32_epi16
#undef _mm512_cvtepu16_epi32
#define _mm512_cvtepu16_epi32 emulated_cvtepu16_epi32
#undef _mm512_cvtpd_ps
#define _mm512_cvtpd_ps emulated_cvtpd_ps
#undef _mm512_cvtph_ps
#define _mm512_cvtph_ps emulated_cvtph_ps
#undef _mm512_cvtps_pd
#define _mm512_cvtps_pd emulated_cvtps_pd
#undef _mm512_cvtps_ph
#define _mm512_cvtps_ph(v, how) emulated_cvtps_ph(v)
#undef _mm512_extractf32x8_ps
#define _mm512_extractf32x8_ps emulated_extractf32x8_ps
#undef _mm512_extractf64x4_pd
#define _mm512_extractf64x4_pd emulated_extractf64x4_pd
#undef _mm512_floor_pd
#define _mm512_floor_pd emulated_floor_pd
#undef _mm512_floor_ps
#define _mm512_floor_ps emulated_floor_ps
#undef _mm512_fmadd_pd
#define _mm512_fmadd_pd emulated_fmadd_pd
#undef _mm512_fmadd_ps
#define _mm512_fmadd_ps emulated_fmadd_ps
#undef _mm512_fmsub_pd
#define _mm512_fmsub_pd emulated_fmsub_pd
#undef _mm512_fmsub_ps
#define _mm512_fmsub_ps emulated_fmsub_ps
#undef _mm512_fnmadd_pd
#define _mm512_fnmadd_pd emulated_fnmadd_pd
#undef _mm512_fnmadd_ps
#define _mm512_fnmadd_ps emulated_fnmadd_ps
#undef _mm512_getexp_pd
#define _mm512_getexp_pd emulated_getexp_pd
#undef _mm512_getexp_ps
#define _mm512_getexp_ps emulated_getexp_ps
#undef _mm512_insertf32x8
#define _mm512_insertf32x8 emulated_insertf32x8
#undef _mm512_loadu_pd
#define _mm512_loadu_pd emulated_loadu_pd
#undef _mm512_loadu_ps
#define _mm512_loadu_ps emulated_loadu_ps
#undef _mm512_mask_cmp_pd_mask
#define _mm512_mask_cmp_pd_mask emulated_mask_cmp_pd
#undef _mm512_mask_cmp_ps_mask
#define _mm512_mask_cmp_ps_mask emulated_mask_cmp_ps
#undef _mm512_mask_loadu_pd
#define _mm512_mask_loadu_pd emulated_mask_loadu_pd
#undef _mm512_mask_loadu_ps
#define _mm512_mask_loadu_ps emulated_mask_loadu_ps
#undef _mm512_mask_mov_epi16
#define _mm512_mask_mov_epi16 emulated_mask_mov_epi16
#undef _mm512_mask_mov_epi32
#define _mm512_mask_mov_epi32 emulated_mask_mov_epi32
#undef _mm512_mask_mov_pd
#define _mm512_mask_mov_pd emulated_mask_mov_pd
#undef _mm512_mask_mov_ps
#define _mm512_mask_mov_ps emulated_mask_mov_ps
#undef _mm512_mask_storeu_pd
#define _mm512_mask_storeu_pd emulated_mask_storeu_pd
#undef _mm512_mask_storeu_ps
#define _mm512_mask_storeu_ps emulated_mask_storeu_ps
#undef _mm512_maskz_mov_pd
#define _mm512_maskz_mov_pd emulated_maskz_mov_pd
#undef _mm512_maskz_mov_ps
#define _mm512_maskz_mov_ps emulated_maskz_mov_ps
#undef _mm512_max_pd
#define _mm512_max_pd emulated_max_pd
#undef _mm512_max_ps
#define _mm512_max_ps emulated_max_ps
#undef _mm512_min_pd
#define _mm512_min_pd emulated_min_pd
#undef _mm512_min_ps
#define _mm512_min_ps emulated_min_ps
#undef _mm512_name_pd
#define _mm512_name_pd emulated_name_pd
#undef _mm512_name_pd_mask
#define _mm512_name_pd_mask emulated_name_pd
#undef _mm512_name_ps
#define _mm512_name_ps emulated_name_ps
#undef _mm512_name_ps_mask
#define _mm512_name_ps_mask emulated_name_ps
#undef _mm512_or_pd
#define _mm512_or_pd emulated_or_pd
#undef _mm512_or_ps
#define _mm512_or_ps emulated_or_ps
#undef _mm512_or_si512
#define _mm512_or_si512 emulated_or_si512
#undef _mm512_permute_pd
#define _mm512_permute_pd emulated_permute_pd
#undef _mm512_permute_ps
#define _mm512_permute_ps emulated_permute_ps
#undef _mm512_permutex2var_pd
#define _mm512_permutex2var_pd emulated_permutex2var_pd
#undef _mm512_permutex2var_ps
#define _mm512_permutex2var_ps emulated_permutex2var_ps
#undef _mm512_permutexvar_pd
#define _mm512_permutexvar_pd emulated_permutexvar_pd
#undef _mm512_permutexvar_ps
#define _mm512_permutexvar_ps emulated_permutexvar_ps
#undef _mm512_scalef_pd
#define _mm512_scalef_pd emulated_scalef_pd
#undef _mm512_scalef_ps
#define _mm512_scalef_ps emulated_scalef_ps
#undef _mm512_set1_epi16
#define _mm512_set1_epi16 emulated_set1_epi16
#undef _mm512_set1_epi32
#define _mm512_set1_epi32 emulated_set1_epi32
#undef _mm512_set1_epi64
#define _mm512_set1_epi64 emulated_set1_epi64
#undef _mm512_set1_pd
#define _mm512_set1_pd emulated_set1_pd
#undef _mm512_set1_ps
#define _mm512_set1_ps emulated_set1_ps
#undef _mm512_shuffle_f32x4
#define _mm512_shuffle_f32x4 emulated_shuffle_f32x4
#undef _mm512_shuffle_f64x2
#define _mm512_shuffle_f64x2 emulated_shuffle_f64x2
#undef _mm512_slli_epi32
#define _mm512_slli_epi32 emulated_slli_epi32
#undef _mm512_slli_epi64
#define _mm512_slli_epi64 emulated_slli_epi64
#undef _mm512_sqrt_pd
#define _mm512_sqrt_pd emulated_sqrt_pd
#undef _mm512_sqrt_ps
#define _mm512_sqrt_ps emulated_sqrt_ps
#undef _mm512_srli_epi16
#define _mm512_srli_epi16 emulated_srli_epi16
#undef _mm512_srli_epi32
#define _mm512_srli_epi32 emulated_srli_epi32
#undef _mm512_srli_epi64
#define _mm512_srli_epi64 emulated_srli_epi64
#undef _mm512_storeu_pd
#define _mm512_storeu_pd emulated_storeu_pd
#undef _mm512_storeu_ps
#define _mm512_storeu_ps emulated_storeu_ps
#undef _mm512_sub_epi32
#define _mm512_sub_epi32 emulated_sub_epi32
#undef _mm512_sub_epi64
#define _mm512_sub_epi64 emulated_sub_epi64
#undef _mm512_ternarylogic_epi32
#define _mm512_ternarylogic_epi32 emulated_ternarylogic_epi32
#undef _mm512_castpd_si512
#define _mm512_castpd_si512(a) ((__m512i)(a))
#undef _mm512_castps_si512
#define _mm512_castps_si512(a) ((__m512i)(a))
#undef _mm512_castsi512_pd
#define _mm512_castsi512_pd(a) ((__m512d)(a))
#undef _mm512_castsi512_ps
#define _mm512_castsi512_ps(a) ((__m512)(a))
#undef _mm512_setr_epi32
#define _mm512_setr_epi32(...) ((__m512i)(emulated_words){__VA_ARGS__})
#undef _mm512_setr_epi64
#define _mm512_setr_epi64(...) ((__m512i)(emulated_longs){__VA_ARGS__})
#undef _mm512_loadu_si512
#define _mm512_loadu_si512(p) ((__m512i)emulated_loadu_pd(p))
#undef _mm512_storeu_si512
#define _mm512_storeu_si512(p, v) emulated_storeu_pd(p, (__m512d)(v))
#undef _mm_testn_epi8_mask
#define _mm_testn_epi8_mask emulated_testn_epi8_mask
#undef _mm_maskz_loadu_epi8
#define _mm_maskz_loadu_epi8 emulated_maskz_loadu_epi8

#endif
