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
