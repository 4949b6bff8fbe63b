/* Labels and targets as they are read and checked; each is read once, and used from that copy. */
#ifndef FASTACT_LABELS_H
#define FASTACT_LABELS_H

#include "../kernels.h"
#include "../math/accumulate.h"

/* Conversion of labels to int64. */
#define READ(type, unit) \
    for (ptrdiff_t i = 0; i < n; i++, from += stride) { \
        type value; \
        memcpy(&value, from, sizeof value); \
        to[i] = (unit)value; \
    } \
    break;

/* n labels, ignored ones as -1; returns the index of the first bad one, or n. */
static ptrdiff_t load_labels(int kind, const void *source, ptrdiff_t stride, ptrdiff_t n, int64_t classes,
                             const int64_t *ignored, int64_t *to)
{
    const char *from = source;
    switch (kind) {
    case FASTACT_INT8: READ(int8_t, int64_t)
    case FASTACT_INT16: READ(int16_t, int64_t)
    case FASTACT_INT32: READ(int32_t, int64_t)
    case FASTACT_INT64:
        if (stride == sizeof(int64_t)) {
            memcpy(to, from, (size_t)n * sizeof(int64_t));
            break;
        }
        READ(int64_t, int64_t)
    case FASTACT_UINT8: READ(uint8_t, int64_t)
    case FASTACT_UINT16: READ(uint16_t, int64_t)
    case FASTACT_UINT32: READ(uint32_t, int64_t)
    case FASTACT_UINT64:
        for (ptrdiff_t i = 0; i < n; i++, from += stride) {
            uint64_t value;
            memcpy(&value, from, sizeof value);
            to[i] = value < INT64_MAX ? (int64_t)value : INT64_MAX; /* neither a class nor an ignored label */
        }
    }
    int64_t bad = 0, skips = ignored ? -1 : 0, skip = ignored ? *ignored : 0;
    for (ptrdiff_t i = 0; i < n; i++)
        bad |= -(int64_t)((uint64_t)to[i] >= (uint64_t)classes) & ~(-(int64_t)(to[i] == skip) & skips);
    if (bad)
        for (ptrdiff_t i = 0; i < n; i++)
            if ((uint64_t)to[i] >= (uint64_t)classes && !(ignored && to[i] == skip))
                return i;
    for (ptrdiff_t i = 0; ignored && i < n; i++)
        to[i] = to[i] == skip ? -1 : to[i];
    return n;
}
/* weights[label] for each label, 0 for -1. */
static void pick(const void *weights, const int64_t *labels, ptrdiff_t n, void *picked)
{
    for (ptrdiff_t i = 0; i < n; i++)
        put_real((char *)picked + i * ITEM, labels[i] < 0 ? 0 : real_at((const char *)weights + labels[i] * ITEM));
}
/* The index of the first of n numbers outside 0..1, or n. */
static ptrdiff_t first_beyond_unit(const void *targets, ptrdiff_t n)
{
    const char *values = targets;
    ptrdiff_t i = 0;
    for (; n - i >= ACCUMULATORS; i += ACCUMULATORS) {
        slice v = load_slice(values + i * ITEM);
        mask beyond = either(less(v.v[0], splat(0)), less(splat(1), v.v[0]));
        for (int k = 1; k < VECTORS; k++)
            beyond = either(beyond, either(less(v.v[k], splat(0)), less(splat(1), v.v[k])));
        if (any(beyond))
            break;
    }
    for (; i < n; i++) {
        real value = real_at(values + i * ITEM);
        if (value < 0 || value > 1)
            return i;
    }
    return n;
}

#endif
