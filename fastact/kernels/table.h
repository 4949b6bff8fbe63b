/* Puts one target's kernels of one type together.  A source defines REAL_BITS, TABLE and the vector header it
 * wants, and includes this. */
#if defined(__GNUC__) && !defined(__clang__)
/* Kernels wait for results more than for instructions: scheduled early, the vectors of a loop overlap (15 to 20%). */
#pragma GCC optimize("schedule-insns", "sched-pressure")
#endif

#include "kernels.h"
#include "real.h"
#include VECTOR_HEADER
#include "constants.h"
#include "elementary.h"
#include "activations.h"
#include "runs.h"
#include "rows.h"

extern const struct fastact_kernels TABLE;
const struct fastact_kernels TABLE = {
    .version = FASTACT_KERNELS_VERSION,
    .size = sizeof(struct fastact_kernels),
    .target = TARGET_NAME,
    .storage_bits = REAL_BITS,
    .compute_bits = REAL_BITS,
    .fused = FUSED,
    .elementwise = elementwise,
    .rowwise = rowwise,
    .elementwise_count = COUNT(elementwise),
    .rowwise_count = COUNT(rowwise),
    .gather = gather,
    .widen = BY_TYPE(NULL, widen),
    .scatter = scatter,
};
