/* The vector type of this target, and memory as vectors see it. */
#ifndef FASTACT_VEC_H
#define FASTACT_VEC_H

#include "real.h"

#ifndef VECTOR_HEADER
#define VECTOR_HEADER "vec_generic.h"
#endif
#include VECTOR_HEADER

/* 1 for a target that few machines use: half the code for a fifth less speed (setup.py adds -O2).  No head is split
 * off, and vectors run one at a time. */
#ifndef SMALL
#define SMALL 0
#endif

/* Vectors at once in runs of elements: where latency is the limit, and where memory is (there four of AVX2 cost half as
 * much again). */
#ifndef AT_ONCE
#define AT_ONCE 4
#define LIGHT_AT_ONCE 2
#endif
#ifndef CROWDED_AT_ONCE /* of formulas that spill registers with more */
#define CROWDED_AT_ONCE AT_ONCE
#endif
/* What a loop leaves to others, so that it keeps its constants in registers: vectors that need the full-range path to
 * the partial ones; and halves and a bias to a loop of their own. */
#ifndef LEAVE_FULL_RANGE
#define LEAVE_FULL_RANGE 0
#define PLAIN_LOOP 0
#endif

/* Whether all lanes are a constant 0, as far as the compiler sees. */
#define IS_ZERO(v) (__builtin_constant_p((v)[0]) && (v)[0] == 0)

#ifndef ANY_BEYOND
/* Whether some |v| > bound; where it is said of NaN, it does no harm. */
INLINE int any_beyond(const vec *v, int count, real bound)
{
    mask beyond = less(splat(bound), absolute(v[0]));
    for (int i = 1; i < count; i++)
        beyond = either(beyond, less(splat(bound), absolute(v[i])));
    return any(beyond);
}
#endif

#define VECTOR_BYTES ((ptrdiff_t)sizeof(vec))
#define ITEM ((ptrdiff_t)sizeof(real))
#define CACHE_LINE 64
#define PREFETCH_AHEAD 4096 /* bytes; brings arrays larger than the cache to the speed of those within */

/* One number in memory, which needs no alignment. */
INLINE real real_at(const char *p)
{
    real value;
    memcpy(&value, p, sizeof value);
    return value;
}
INLINE void put_real(char *p, real value) { memcpy(p, &value, sizeof value); }

#endif
