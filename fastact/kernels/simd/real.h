/* The number type that a file is compiled for, REAL_BITS 32 or 64, and how the compiler is set up.  Nothing here
 * depends on the CPU. */
#ifndef FASTACT_REAL_H
#define FASTACT_REAL_H

#ifndef REAL_BITS /* for tools that look at a header alone */
#define REAL_BITS 64
#endif

#if defined(__GNUC__) && !defined(__clang__)
/* Kernels are bound by latency: scheduled early, the vectors of a loop overlap (15 to 20%). */
#pragma GCC optimize("schedule-insns", "sched-pressure")
/* GCC does not unroll loops over long formulas; unrolled they are up to 40% faster.  Clang unrolls them by itself. */
#define UNROLLED _Pragma("GCC unroll 4")
#else
#define UNROLLED
#endif

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
/* A function that several kernels call, compiled once: GCC would copy it for each of them. */
#if defined(__GNUC__) && !defined(__clang__)
#define SHARED static __attribute__((noinline, noclone))
#else
#define SHARED static __attribute__((noinline))
#endif

#if REAL_BITS == 32
typedef float real;
typedef int32_t integer;
typedef uint32_t word;
#define MANTISSA_BITS 23
#define BY_TYPE(f32, f64) f32
#elif REAL_BITS == 64
typedef double real;
typedef int64_t integer;
typedef uint64_t word;
#define MANTISSA_BITS 52
#define BY_TYPE(f32, f64) f64
#else
#error "REAL_BITS is 32 or 64"
#endif

#define REAL_MAX BY_TYPE(FLT_MAX, DBL_MAX)
#define REAL_MIN BY_TYPE(FLT_MIN, DBL_MIN) /* the smallest normal number */

/* Adding this to |k| < 2^18 rounds k to a multiple of 1/8 and leaves 8k in the sum's lowest bits. */
#define EIGHTHS ((real)1.5 * (real)((word)1 << (MANTISSA_BITS - 3)))

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

#endif
