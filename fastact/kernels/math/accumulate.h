/* Sums over a row.  They run in 16 (float32) or 8 (float64) accumulators, element i in accumulator i mod 16 or 8,
 * folded in one fixed tree: the bits depend on the row's length only, not on the target's vector width. */
#ifndef FASTACT_ACCUMULATE_H
#define FASTACT_ACCUMULATE_H

#include "pairs.h"

#define ACCUMULATORS BY_TYPE(16, 8)
#define VECTORS (ACCUMULATORS / WIDTH)
#define STEP (VECTORS * VECTOR_BYTES)

/* A slice of a row: one element for each accumulator. */
typedef struct {
    vec v[VECTORS];
} slice;

INLINE slice load_slice(const char *p)
{
    slice s;
    for (int i = 0; i < VECTORS; i++)
        s.v[i] = load(p + i * VECTOR_BYTES);
    return s;
}
INLINE void store_slice(char *p, slice s)
{
    for (int i = 0; i < VECTORS; i++)
        store(p + i * VECTOR_BYTES, s.v[i]);
}
/* The same for the last n elements of a row, 0 < n <= ACCUMULATORS; the other lanes hold `rest`. */
INLINE ptrdiff_t lanes(ptrdiff_t n) { return n < 0 ? 0 : n > WIDTH ? WIDTH : n; }
INLINE slice load_last(const char *p, ptrdiff_t n, vec rest)
{
    slice s;
    for (int i = 0; i < VECTORS; i++)
        s.v[i] = load_part(p + i * VECTOR_BYTES, lanes(n - i * WIDTH), rest);
    return s;
}
INLINE void store_last(char *p, slice s, ptrdiff_t n)
{
    for (int i = 0; i < VECTORS; i++)
        store_part(p + i * VECTOR_BYTES, s.v[i], lanes(n - i * WIDTH));
}
INLINE slice keep_last(slice s, ptrdiff_t n)
{
    for (int i = 0; i < VECTORS; i++)
        s.v[i] = keep_first(s.v[i], lanes(n - i * WIDTH));
    return s;
}

/* Sums are compensated (Ogita, Rump & Oishi 2005): plain sums alone would use up the bound of 3 ulp. */

/* The total of all accumulators, in every lane: the upper half is added to the lower, again and again. */
INLINE pair fold_sums(pair s[VECTORS])
{
    for (int half = VECTORS / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            s[i] = add_pairs(s[i], s[i + half]);
    for (int half = WIDTH / 2; half; half /= 2)
        s[0] = add_pairs(s[0], (pair){swapped(s[0].hi, half), swapped(s[0].lo, half)});
    return normalize(s[0]);
}
/* The same as one number, for gradients, whose rows are not transposed: float32 is added in float64, which takes a third
 * of the time. */
#if REAL_BITS == 32
typedef struct {
    wide low, high;
} wide_pair;
INLINE wide_pair widen_pair(pair sum)
{
    vec lo = zero_where(equal(absolute(sum.hi), splat((real)INFINITY)), sum.lo); /* NaN after an overflow */
    return (wide_pair){widen_low(sum.hi) + widen_low(lo), widen_high(sum.hi) + widen_high(lo)};
}
INLINE vec fold_total(pair s[VECTORS])
{
    wide w[2 * VECTORS];
    for (int i = 0; i < VECTORS; i++) {
        wide_pair sum = widen_pair(s[i]);
        w[2 * i] = sum.low, w[2 * i + 1] = sum.high;
    }
    for (int half = VECTORS; half; half /= 2)
        for (int i = 0; i < half; i++)
            w[i] += w[i + half];
    return splat((real)fold_wide(w[0]));
}
#else
INLINE vec fold_total(pair s[VECTORS]) { return fold_sums(s).hi; }
#endif
INLINE vec fold_counts(vec count[VECTORS])
{
    for (int half = VECTORS / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            count[i] += count[i + half];
    for (int half = WIDTH / 2; half; half /= 2)
        count[0] += swapped(count[0], half);
    return count[0];
}
/* Blocked summation of long rows, or the errors of pairs would count: each accumulator takes at most PART elements,
 * then its pair is added to that of the parts before.  Counts within a part are exact. */
#define PART ((ptrdiff_t)1 << BY_TYPE(12, 24))
#define PART_OF_ROW (PART * ACCUMULATORS)
#define PART_BYTES (PART_OF_ROW * ITEM)

INLINE ptrdiff_t end_of_part(ptrdiff_t at, ptrdiff_t end) { return end - at > PART_BYTES ? at + PART_BYTES : end; }
INLINE void add_part(pair whole[VECTORS], pair part[VECTORS])
{
    for (int i = 0; i < VECTORS; i++) {
        whole[i] = add_pairs(whole[i], part[i]);
        part[i] = (pair){splat(0), splat(0)};
    }
}
INLINE void add_count_part(pair whole[VECTORS], vec part[VECTORS])
{
    for (int i = 0; i < VECTORS; i++) {
        whole[i] = add_pairs(whole[i], (pair){part[i], splat(0)});
        part[i] = splat(0);
    }
}
/* The total of all parts; there is more than one if the loop ends beyond the first. */
INLINE pair fold_parts(pair whole[VECTORS], pair part[VECTORS], ptrdiff_t end)
{
    if (end <= PART_BYTES)
        return fold_sums(part);
    add_part(whole, part);
    return fold_sums(whole);
}
INLINE pair fold_counts_of_parts(pair whole[VECTORS], vec part[VECTORS], ptrdiff_t end)
{
    if (end <= PART_BYTES)
        return (pair){fold_counts(part), splat(0)};
    add_count_part(whole, part);
    return fold_sums(whole);
}
#define FOLD(name, operation) \
    INLINE vec name(slice s) \
    { \
        for (int i = 1; i < VECTORS; i++) \
            s.v[0] = operation(s.v[0], s.v[i]); \
        for (int half = WIDTH / 2; half; half /= 2) \
            s.v[0] = operation(s.v[0], swapped(s.v[0], half)); \
        return s.v[0]; \
    }
FOLD(fold_max, maximum)
FOLD(fold_min, minimum)

#define EACH_VECTOR(i) for (int i = 0; i < VECTORS; i++)
#define EACH_SLICE(at, whole) for (ptrdiff_t at = 0; at < (whole); at += STEP)

#endif
