/* Puts one target's kernels of one type together.  A source defines REAL_BITS, TABLE and the vector header it
 * wants, and includes this. */
#if defined(__GNUC__) && !defined(__clang__)
/* Kernels wait for results more than for instructions: scheduled early, the vectors of a loop overlap (15 to 20%). */
#pragma GCC optimize("schedule-insns", "sched-pressure")
/* GCC leaves loops over long formulas alone; unrolled they are up to 40% faster.  Clang unrolls them by itself. */
#define UNROLLED _Pragma("GCC unroll 4")
#else
#define UNROLLED
#endif

#include "kernels.h"
#include "real.h"
#include VECTOR_HEADER
/* A target for machines that few have: its code is half as large, for a fifth of its speed (setup.py adds -O2).  No head
 * is split off, nor are several vectors run at once. */
#ifndef SMALL
#define SMALL 0
#endif
#include "constants.h"
#include "elementary.h"
#include "activations.h"
#include "runs.h"
#include "gates.h"
#include "rows.h"
#include "sums.h"
#include "losses.h"

static const struct fastact_entry entries[] = {
    ELEMENTWISE_ENTRIES CHANNELWISE_ENTRIES ROWWISE_ENTRIES GATE_ENTRIES LOSS_ENTRIES
};

extern const struct fastact_kernels TABLE;
const struct fastact_kernels TABLE = {
    .version = FASTACT_KERNELS_VERSION,
    .size = sizeof(struct fastact_kernels),
    .target = TARGET_NAME,
    .storage_bits = REAL_BITS,
    .compute_bits = REAL_BITS,
    .fused = FUSED,
    .short_row = TURNED_ROW,
    .entries = entries,
    .entry_count = COUNT(entries),
    .load = LOADS,
    .store = STORES,
    .finish = finish,
    .total = total,
    .load_labels = load_labels,
    .first_beyond_unit = first_beyond_unit,
    .pick = pick,
};
