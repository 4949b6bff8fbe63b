/* The floating-point mode.  Kernels run in the default one, and leave control and status as they found them:
 *
 *     fpmode was = fpmode_enter();
 *     ... kernels ...
 *     fpmode_leave(was);
 *
 * Reading a register costs 1 ns and writing it 10, so it is written only where it differs; the functions of fenv.h
 * cost 95.  The compiler may move arithmetic over these calls, but never a call it cannot see into. */
#ifndef FASTACT_FPMODE_H
#define FASTACT_FPMODE_H

#include "kernels/half.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
typedef uint32_t fpmode;
#define FPMODE_REGISTERS 1
#define FPMODE_STATUS 0x003Fu
#define FPMODE_CONTROL 0xFFC0u
#define FPMODE_DEFAULT 0x1F80u /* exceptions masked, to nearest, subnormals kept */

static inline fpmode fpmode_now(void) { return _mm_getcsr(); }
static inline fpmode fpmode_enter(void)
{
    fpmode was = _mm_getcsr();
    if ((was & FPMODE_CONTROL) != FPMODE_DEFAULT)
        _mm_setcsr((was & ~FPMODE_CONTROL) | FPMODE_DEFAULT);
    return was;
}
static inline void fpmode_leave(fpmode was)
{
    if (_mm_getcsr() != was)
        _mm_setcsr(was);
}
static inline void fpmode_read(uint64_t registers[FPMODE_REGISTERS]) { registers[0] = _mm_getcsr(); }
static inline void fpmode_write(const uint64_t registers[FPMODE_REGISTERS]) { _mm_setcsr((uint32_t)registers[0]); }

#elif defined(__aarch64__)
typedef struct {
    uint64_t control, status;
} fpmode;
#define FPMODE_REGISTERS 2

static inline fpmode fpmode_now(void)
{
    fpmode now;
    __asm__ volatile("mrs %0, fpcr" : "=r"(now.control));
    __asm__ volatile("mrs %0, fpsr" : "=r"(now.status));
    return now;
}
static inline void fpmode_set_control(uint64_t control)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(control) : "memory");
}
static inline void fpmode_set_status(uint64_t status) { __asm__ volatile("msr fpsr, %0" : : "r"(status) : "memory"); }

static inline fpmode fpmode_enter(void)
{
    fpmode was = fpmode_now();
    if (was.control)
        fpmode_set_control(0);
    return was;
}
static inline void fpmode_leave(fpmode was)
{
    fpmode now = fpmode_now();
    if (now.control != was.control)
        fpmode_set_control(was.control);
    if (now.status != was.status)
        fpmode_set_status(was.status);
}
static inline void fpmode_read(uint64_t registers[FPMODE_REGISTERS])
{
    fpmode now = fpmode_now();
    registers[0] = now.control, registers[1] = now.status;
}
static inline void fpmode_write(const uint64_t registers[FPMODE_REGISTERS])
{
    fpmode_set_control(registers[0]);
    fpmode_set_status(registers[1]);
}

#else
#include <fenv.h>
typedef fenv_t fpmode;
#define FPMODE_REGISTERS 1

static inline fpmode fpmode_now(void)
{
    fpmode now;
    fegetenv(&now);
    return now;
}
static inline fpmode fpmode_enter(void)
{
    fpmode was;
    fegetenv(&was);
    fesetenv(FE_DFL_ENV);
    return was;
}
static inline void fpmode_leave(fpmode was) { fesetenv(&was); }
static inline void fpmode_read(uint64_t registers[FPMODE_REGISTERS])
{
    registers[0] = (uint64_t)fetestexcept(FE_ALL_EXCEPT) | (uint64_t)fegetround() << 32;
}
static inline void fpmode_write(const uint64_t registers[FPMODE_REGISTERS])
{
    feclearexcept(FE_ALL_EXCEPT);
    feraiseexcept((int)(registers[0] & FE_ALL_EXCEPT));
    fesetround((int)(registers[0] >> 32));
}
#endif

/* Holds the arithmetic that makes a value, or is made of it, on its side of a change of mode. */
#if defined(__x86_64__) || defined(_M_X64)
#define FPMODE_HOLD(value) __asm__ volatile("" : "+x"(value))
#elif defined(__aarch64__)
#define FPMODE_HOLD(value) __asm__ volatile("" : "+w"(value))
#else
#define FPMODE_HOLD(value) __asm__ volatile("" : "+m"(value))
#endif

/* Rounds a caller's parameter to the type computed in; whether it is within low and high, both as it was given and rounded
 * (a NaN is not). In the default mode, which the caller has entered. */
static inline int fpmode_round_inside(double value, int single, double low, double high, double *rounded)
{
    FPMODE_HOLD(value);
    double exact = single ? (float)value : value;
    int inside = low <= value && value <= high && low <= exact && exact <= high;
    FPMODE_HOLD(exact);
    __asm__ volatile("" : "+r"(inside));
    *rounded = exact;
    return inside;
}

static inline int fpmode_round(double value, int single, double low, double high, double *rounded)
{
    fpmode was = fpmode_enter();
    int inside = fpmode_round_inside(value, single, low, high, rounded);
    fpmode_leave(was);
    return inside;
}

static inline void fpmode_narrow(double value, float *narrow)
{
    fpmode was = fpmode_enter();
    volatile double given = value;
    volatile float rounded = (float)given;
    fpmode_leave(was);
    *narrow = rounded;
}

/* A number of any type, which needs no alignment. */
typedef double (*fpmode_reader)(const char *at);
static inline double fpmode_read_half(const char *at)
{
    uint16_t bits;
    memcpy(&bits, at, sizeof bits);
    return widened_float16(bits);
}
static inline double fpmode_read_bfloat16(const char *at)
{
    uint16_t bits;
    memcpy(&bits, at, sizeof bits);
    return widened_bfloat16(bits);
}
static inline double fpmode_read_float(const char *at)
{
    float value;
    memcpy(&value, at, sizeof value);
    return value;
}
static inline double fpmode_read_double(const char *at)
{
    double value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* The first of n numbers, `step` bytes apart, that is not within the limits (a NaN is not); n if all are. */
static inline ptrdiff_t fpmode_first_outside_of_strided(const char *values, ptrdiff_t step, fpmode_reader read,
                                                        ptrdiff_t n, double low, double high)
{
    fpmode was = fpmode_enter();
    ptrdiff_t i = 0;
    __asm__ volatile("" : "+r"(values) : : "memory"); /* nothing is read before */
    for (; i < n; i++) {
        double value = read(values + i * step);
        if (!(low <= value && value <= high))
            break;
    }
    __asm__ volatile("" : "+r"(i));
    fpmode_leave(was);
    return i;
}
static inline ptrdiff_t fpmode_first_outside(const void *values, int single, ptrdiff_t n, double low, double high)
{
    if (single)
        return fpmode_first_outside_of_strided(values, sizeof(float), fpmode_read_float, n, low, high);
    return fpmode_first_outside_of_strided(values, sizeof(double), fpmode_read_double, n, low, high);
}

/* Whether a value is greater than the next. */
static inline int fpmode_falls(const double *values, int count)
{
    fpmode was = fpmode_enter();
    volatile int falls = 0;
    for (int i = 1; i < count; i++)
        falls |= values[i - 1] > values[i];
    fpmode_leave(was);
    return falls;
}

#endif
