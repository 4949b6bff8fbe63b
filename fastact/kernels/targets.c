/* The targets of this build, best first.  Compiled for the ABI's floor, as it runs before anything is known. */
#include "kernels.h"

#define DECLARE(target) extern const struct fastact_kernels fastact_##target##_f32, fastact_##target##_f64;
#define TARGET(target) \
    { \
#target, &fastact_##target##_f32, &fastact_##target##_f64, runs_##target \
    }

#if defined(__aarch64__)
DECLARE(neon)
static int runs_neon(void) { return 1; } /* every CPU of this architecture has it */
#else
DECLARE(generic)
static int runs_generic(void) { return 1; }
#endif

#if defined(__x86_64__) || defined(_M_X64)
DECLARE(avx512)
DECLARE(avx2)
#include <cpuid.h>
/* Asked of the CPU itself: Clang 14's __builtin_cpu_supports does not know "f16c". */
static int has_features(unsigned wanted) /* of leaf 7's EBX; and fused multiply-add, and conversions of float16 */
{
    unsigned a, b, c, d, both = bit_FMA | bit_F16C;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & both) == both && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           (b & wanted) == wanted;
}
/* Whether the operating system keeps the registers when it switches threads. */
#ifdef _WIN32
/* Clang's __builtin_cpu_supports is in a library that Microsoft's linker does not look for.  Run under Wine. */
#include <windows.h>
static int keeps_avx512(void) { return IsProcessorFeaturePresent(41); }
static int keeps_avx2(void) { return IsProcessorFeaturePresent(40); }
#else
static int keeps_avx512(void) { return __builtin_cpu_supports("avx512f"); }
static int keeps_avx2(void) { return __builtin_cpu_supports("avx2"); }
#endif
static int runs_avx512(void)
{
    return keeps_avx512() && has_features(bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL);
}
static int runs_avx2(void) { return keeps_avx2() && has_features(bit_AVX2); }
#endif

const struct fastact_target fastact_targets[] = {
#if defined(__x86_64__) || defined(_M_X64)
    TARGET(avx512),
    TARGET(avx2),
#endif
#if defined(__aarch64__)
    TARGET(neon),
#else
    TARGET(generic),
#endif
};
const ptrdiff_t fastact_target_count = sizeof fastact_targets / sizeof *fastact_targets;
