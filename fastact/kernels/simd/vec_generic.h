/* The vector type and its operations on the compiler's vector extensions: baseline x86-64, and any other machine of GCC
 * or Clang.  Operations mean the same on every target; this file defines what they mean. */
#ifndef FASTACT_VEC_GENERIC_H
#define FASTACT_VEC_GENERIC_H

#include "real.h"

#if REAL_BITS == 32
typedef float vec __attribute__((vector_size(16)));
typedef int32_t mask __attribute__((vector_size(16)));
typedef uint32_t words __attribute__((vector_size(16)));
#define WIDTH 4
#else
typedef double vec __attribute__((vector_size(16)));
typedef int64_t mask __attribute__((vector_size(16)));
typedef uint64_t words __attribute__((vector_size(16)));
#define WIDTH 2
#endif

#define TARGET_NAME "generic"
#if defined(__x86_64__) || defined(_M_X64)
#define SMALL 1
#endif
#define FUSED 0

INLINE vec splat(real a) { return a - (vec){0}; }

/* Memory may be misaligned.  A part is the first n <= WIDTH elements; lanes past it hold `rest`, and memory past it is
 * neither read nor written. */
INLINE vec load(const char *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}
INLINE void store(char *p, vec v) { memcpy(p, &v, sizeof v); }
INLINE vec load_part(const char *p, ptrdiff_t n, vec rest)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        real lane;
        memcpy(&lane, p + i * (ptrdiff_t)sizeof lane, sizeof lane);
        rest[i] = lane;
    }
    return rest;
}
INLINE void store_part(char *p, vec v, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        real lane = v[i];
        memcpy(p + i * (ptrdiff_t)sizeof lane, &lane, sizeof lane);
    }
}

#if REAL_BITS == 32
/* v's lower (upper) lanes in float64. */
typedef double wide __attribute__((vector_size(16)));
INLINE wide widen_low(vec v) { return (wide){v[0], v[1]}; }
INLINE wide widen_high(vec v) { return (wide){v[2], v[3]}; }
/* The vec of a lower and an upper half, rounded. */
INLINE vec narrow(wide low, wide high) { return (vec){(real)low[0], (real)low[1], (real)high[0], (real)high[1]}; }
/* The sum of all lanes: the upper half is added to the lower, again and again. */
INLINE double fold_wide(wide w) { return w[0] + w[1]; }
#endif

#if REAL_BITS == 32
/* WIDTH numbers of float16 and bfloat16 in memory, which may be misaligned.  Narrowing rounds to nearest even, from the
 * largest on to infinity, and keeps subnormals; of a NaN it keeps that it is one. */
typedef uint16_t halves __attribute__((vector_size(8)));
INLINE words widen_halves(const char *p)
{
    halves narrow;
    memcpy(&narrow, p, sizeof narrow);
    return __builtin_convertvector(narrow, words);
}
INLINE void narrow_halves(char *p, words wide)
{
    halves narrow = __builtin_convertvector(wide, halves);
    memcpy(p, &narrow, sizeof narrow);
}
INLINE vec widen_bfloat16(const char *p) { return (vec)(widen_halves(p) << 16); }
INLINE void narrow_bfloat16(char *p, vec v)
{
    words bits = (words)v, nan = (words)(v != v), rounded = bits + 0x7fff + (bits >> 16 & 1);
    narrow_halves(p, ((rounded & ~nan) | ((bits | 0x400000) & nan)) >> 16);
}
INLINE vec widen_float16(const char *p)
{
    words bits = widen_halves(p), magnitude = bits & 0x7fff;
    words bias = (words)(magnitude > 0x7bff) & (112 << 23); /* twice for infinities and NaN: 112 is 127 - 15 */
    words normal = (magnitude << 13) + (112 << 23) + bias;
    words subnormal = (words)(__builtin_convertvector((mask)magnitude, vec) * 0x1p-24f),
          small = (words)(magnitude < 0x400);
    return (vec)((subnormal & small) | (normal & ~small) | (bits & 0x8000) << 16);
}
INLINE void narrow_float16(char *p, vec v)
{
    words bits = (words)v, magnitude = bits & 0x7fffffff, sign = bits >> 16 & 0x8000;
    words normal = (magnitude - (112 << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
    words subnormal = (words)((vec)magnitude + 0.5f) - 0x3f000000; /* the sum is in units of the smallest one */
    words small = (words)(magnitude < 113 << 23), large = (words)(magnitude > 0x477fffff), nan = (words)(v != v);
    words half = (subnormal & small) | (normal & ~small);
    half = (half & ~large) | (0x7c00 & large) | (0x200 & nan);
    narrow_halves(p, half | sign);
}
#endif

/* v with zeros past its first n lanes. */
INLINE vec keep_first(vec v, ptrdiff_t n)
{
    for (int i = 0; i < WIDTH; i++)
        v[i] = i < n ? v[i] : 0;
    return v;
}

INLINE vec choose(mask m, vec a, vec b) { return (vec)(((mask)a & m) | ((mask)b & ~m)); }
INLINE vec zero_where(mask m, vec a) { return (vec)((mask)a & ~m); }

/* a*b + c and c - a*b, rounded once where the target can (FUSED); here twice.
 * product_error: a*b - product, exactly, where product = a*b rounded.
 * residual: n - q*d, rounded once on every target; exact where q is n/d rounded, or both are its root. */
INLINE vec muladd(vec a, vec b, vec c) { return a * b + c; }
INLINE vec upper_half(vec a) /* Veltkamp's splitting (Dekker 1971) */
{
    vec big = a * (real)(((word)1 << ((MANTISSA_BITS + 2) / 2)) + 1);
    return big - (big - a);
}
#define LEAST_SPLIT ((real)BY_TYPE(0x1p-100, 0x1p-960))
INLINE vec split_error(vec a, vec b, vec product) /* Dekker's product; exact where it is larger than LEAST_SPLIT */
{
    vec a_hi = upper_half(a), b_hi = upper_half(b), a_lo = a - a_hi, b_lo = b - b_hi;
    return ((a_hi * b_hi - product) + a_hi * b_lo + a_lo * b_hi) + a_lo * b_lo;
}
INLINE vec product_error(vec a, vec b, vec product) /* 0 where a factor is too large to split */
{
    vec error = split_error(a, b, product);
    return zero_where(~(error == error), error);
}
INLINE vec residual(vec n, vec q, vec d)
{
    vec product = q * d, difference = n - product, part = difference - n;
    vec error = (n - (difference - part)) - (product + part);
    error = split_error(q, d, product) - error;
    /* Where the product is too large to split, its error is NaN; where it is too small, it is mere rounding. */
    mask known = (error == error) & ((product > LEAST_SPLIT) | (product < -LEAST_SPLIT));
    return difference - zero_where(~known, error); /* in this order -0 is kept */
}
INLINE vec submul(vec c, vec a, vec b) { return c - a * b; }

INLINE mask less(vec a, vec b) { return a < b; }
INLINE mask less_equal(vec a, vec b) { return a <= b; }
#if defined(__SSE2__) && !defined(__SSE4_1__) && !defined(__clang__)
/* GCC 12 makes one condition of two, for which SSE2 has no instruction in 64-bit lanes, and breaks: hide the join. */
INLINE mask joined(mask m)
{
    __asm__("" : "+x"(m));
    return m;
}
#else
INLINE mask joined(mask m) { return m; }
#endif
INLINE mask equal(vec a, vec b) { return joined(a == b); }
INLINE mask within(vec x, vec low, vec high) { return joined((low < x) & (x < high)); }
INLINE mask either(mask a, mask b) { return joined(a | b); }
/* Where a byte is 0, of WIDTH bytes. */
INLINE mask zero_bytes(const char *bytes)
{
    vec values = splat(0);
    for (int i = 0; i < WIDTH; i++)
        values[i] = (real)bytes[i];
    return joined(equal(values, splat(0)));
}
INLINE int any(mask m)
{
    integer lanes = 0;
    for (int i = 0; i < WIDTH; i++)
        lanes |= m[i];
    return __builtin_expect(lanes != 0, 0);
}
/* The second operand if either is NaN: put the constant first, and NaN in x passes through. */
INLINE vec minimum(vec a, vec b) { return choose(a < b, a, b); }
INLINE vec maximum(vec a, vec b) { return choose(a > b, a, b); }
INLINE vec absolute(vec x) { return (vec)((mask)x & ~(mask)splat((real)-0.0)); }
/* Rounded correctly. */
INLINE vec square_root(vec v)
{
    for (int i = 0; i < WIDTH; i++)
        v[i] = BY_TYPE(__builtin_sqrtf, __builtin_sqrt)(v[i]);
    return v;
}
/* The largest power of two up to v, for normal v > 0. */
INLINE vec binade(vec v) { return (vec)((mask)v & (mask)splat((real)INFINITY)); }
/* magnitude must not be negative. */
INLINE vec with_sign_of(vec magnitude, vec x) { return (vec)((mask)magnitude | ((mask)x & (mask)splat((real)-0.0))); }

/* Table of eight constants; the index is three bits of a pattern, from bit `shift` on. */
typedef struct {
    const real *entries;
} table8;
INLINE table8 table(const real *entries) { return (table8){entries}; }
INLINE vec lookup(table8 t, vec index, int shift)
{
    words at = (words)index >> shift & 7;
    vec picked;
    for (int i = 0; i < WIDTH; i++)
        picked[i] = t.entries[at[i]];
    return picked;
}

/* Every lane i exchanged with lane i ^ half, half a power of two below WIDTH. */
INLINE vec swapped(vec v, int half)
{
#if REAL_BITS == 32
    return half == 2 ? (vec){v[2], v[3], v[0], v[1]} : (vec){v[1], v[0], v[3], v[2]};
#else
    return half == 1 ? (vec){v[1], v[0]} : v;
#endif
}

/* a's and b's lower (upper) halves, lane by lane in turn. */
#if REAL_BITS == 32
INLINE vec interleave_low(vec a, vec b) { return (vec){a[0], b[0], a[1], b[1]}; }
INLINE vec interleave_high(vec a, vec b) { return (vec){a[2], b[2], a[3], b[3]}; }
#else
INLINE vec interleave_low(vec a, vec b) { return (vec){a[0], b[0]}; }
INLINE vec interleave_high(vec a, vec b) { return (vec){a[1], b[1]}; }
#endif

/* EIGHTHS + floor(log2(b)) for a normal b > 0. */
INLINE vec exponent(vec b)
{
    const word bias = BY_TYPE(127, 1023);
    return (vec)((words)splat(EIGHTHS) + ((((words)b >> MANTISSA_BITS) - bias) << 3));
}
/* k is EIGHTHS plus a multiple of 1/8, e for short, whose floor is taken.
 * power2: 2^floor(e), in the normal range.  scale: v * 2^floor(e), rounded once, for normal v down through the
 * subnormals to zero; two factors of half the exponent each, as one would overflow. */
INLINE vec power2_of_bits(words eighths, int shift)
{
    return (vec)(((eighths >> shift) << MANTISSA_BITS) + (words)splat(1));
}
INLINE vec power2(vec k) { return power2_of_bits((words)k, 3); }
INLINE vec scale(vec v, vec k) { return v * power2_of_bits((words)k, 4) * power2_of_bits((words)k + 8, 4); }
/* The same by 2^-floor(e). */
INLINE vec inverse_power2_of_bits(words eighths, int shift)
{
    return (vec)((words)splat(1) - ((eighths >> shift) << MANTISSA_BITS));
}
INLINE vec inverse_power2(vec k) { return inverse_power2_of_bits((words)k, 3); }
INLINE vec scale_down(vec v, vec k)
{
    return v * inverse_power2_of_bits((words)k, 4) * inverse_power2_of_bits((words)k + 8, 4);
}
/* 2^(n - bias), of the biased exponent n in the lowest bits of a pattern, which must be that of a normal number. */
INLINE vec octave_power(vec k) { return (vec)((words)k << MANTISSA_BITS); }

#endif
