/* Puts one target's kernels of one type together.  A source defines REAL_BITS, TABLE and the vector header it
 * wants, and includes this. */
#if !defined(REAL_BITS) || !defined(TABLE) || !defined(VECTOR_HEADER)
#error "define REAL_BITS, TABLE and VECTOR_HEADER"
#endif

#include "simd/vec.h"

#include "elementwise/channelwise.h"
#include "elementwise/run.h"
#include "gated.h"
#include "kernels.h"
#include "losses/list.h"
#include "rowwise/list.h"
#include "storage.h"
#include "sums.h"

/* clang-format off */
static const struct fastact_entry entries[] = {
    ELEMENTWISE_ENTRIES CHANNELWISE_ENTRIES ROWWISE_ENTRIES GATE_ENTRIES LOSS_ENTRIES
};
/* clang-format on */

extern const struct fastact_kernels TABLE;
const struct fastact_kernels TABLE = {
    .version = FASTACT_KERNELS_VERSION,
    .size = sizeof(struct fastact_kernels),
    .target = TARGET_NAME,
    .storage_bits = REAL_BITS,
    .compute_bits = REAL_BITS,
    .fused = FUSED,
    .takes_halves = HALVES,
    .short_row = TRANSPOSED_ROW,
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
