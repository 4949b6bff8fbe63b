/* All activations, family by family: each formula with its derivative, in the notation of mathematics, and at the end of
 * a family's file the list of its activations.  p[] holds the parameters in the order of the catalogue, then
 * what prepare makes of them once a run.  x may be anything, NaN and infinities too.
 *
 * f(x), f'(x), and f' from y = f(x) where y is enough.  backward is made of them in runs.h.  `careful` is a constant:
 * set, the code is right for every x; else only up to the |x| that the list names, and without a branch.
 *
 * A line of a list has the name; whether a branch can make f' exactly 0 (PIECEWISE) or none can (SMOOTH); the |x| from
 * which f and f' need careful code; and ns an element on one core, in cache: forward, derivative, backward, backward
 * from y.  A lists those with an f' from y, A_X the others.
 *
 * WEIGHTED_ACTIVATIONS are those of A whose one parameter may differ from element to element, under another name: that
 * name, the formula's, its kind, and ns an element, those of the sums for the weight's gradient last.  Beside the list
 * stands where the weight has no part in the result. */
#define MAX_PARAMETERS 2

/* Behind the parameters stands what families make of them once a run, as compilers leave divisions by them in the loop;
 * what a formula does not read is not made.  PREPARED defines how it is read. */
#define BEHIND_PARAMETERS MAX_PARAMETERS
#define VECTORS_OF(type) ((int)(sizeof(type) / sizeof(vec)))
#define PREPARED(type, name, place) \
    INLINE type name(const vec *p) \
    { \
        type value; \
        memcpy(&value, p + place, sizeof value); \
        return value; \
    }
INLINE real within_range(double x) { return x < REAL_MAX ? (real)x : REAL_MAX; }

#include "piecewise.h"
#include "algebraic.h"
#include "logistic.h"
#include "exponential.h"
#include "softplus.h"
#include "normal.h"

#define ACTIVATIONS(A, A_X) \
    PIECEWISE_ACTIVATIONS(A, A_X) \
    ALGEBRAIC_ACTIVATIONS(A, A_X) \
    LOGISTIC_ACTIVATIONS(A, A_X) \
    EXPONENTIAL_ACTIVATIONS(A, A_X) \
    SOFTPLUS_ACTIVATIONS(A, A_X) \
    NORMAL_ACTIVATIONS(A, A_X)

#define PARAMETERS_AND_PREPARED BEHIND_STEEPNESS
INLINE void prepare(vec *p)
{
    squareplus_units units = units_of(p[0]);
    steepness steep = steepness_of(p[0]);
    memcpy(p + BEHIND_PARAMETERS, &units, sizeof units);
    memcpy(p + BEHIND_UNITS, &steep, sizeof steep);
}
