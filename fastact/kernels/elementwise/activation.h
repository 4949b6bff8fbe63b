/* How an activation is written.
 *
 * A family's file has each formula with its derivatives, and at its end the list of its activations:
 *
 *     vec NAME_forward(vec x, const vec *p, int full_range)            f(x)
 *     vec NAME_derivative(vec x, const vec *p, int full_range)         f'(x)
 *     vec NAME_derivative_y(vec y, const vec *p, int full_range)       f'(x) from y = f(x), where y is enough
 *
 * backward is made of these in run.h.  p[] holds the parameters in the order of the catalogue, then the values
 * prepared from them.  `full_range` is a compile-time constant: if set, the code is right for every x, NaN and
 * infinities included; if not, it is the branch-free fast path, right for |x| <= special_bound.
 *
 * A line of a list has the name; PIECEWISE if a branch can make f' exactly 0, else SMOOTH, or CROWDED if it needs so
 * many registers that fewer vectors at once are faster (see vec.h); the special bounds of f and
 * f'; and ns an element on one core, in cache: forward, derivative, backward, backward from y.  A lists activations
 * with an f' from y, A_X the others.
 *
 * CHANNELWISE_ACTIVATIONS are activations of A whose one parameter is an operand, under a name of their own: that
 * name, the formula's name, its kind, and ns an element, with the sum for the weight's gradient last.
 * NAME_weight_unused says where the weight does not affect the result. */
#ifndef FASTACT_ACTIVATION_H
#define FASTACT_ACTIVATION_H

#include "../math/elementary.h"

typedef vec (*formula)(vec x, const vec *p, int full_range);

enum kind { PIECEWISE, SMOOTH, CROWDED };
#define NO_BOUND ((real)INFINITY)

#define MAX_PARAMETERS 2

/* Values derived from the parameters, computed once a run (compilers do not hoist divisions), stored behind the
 * parameters; unused ones are optimised away.  PREPARED defines how a formula reads them. */
#define AFTER_PARAMETERS MAX_PARAMETERS
#define VECTORS_OF(type) ((int)(sizeof(type) / sizeof(vec)))
#define PREPARED(type, name, place) \
    INLINE type name(const vec *p) \
    { \
        type value; \
        memcpy(&value, p + place, sizeof value); \
        return value; \
    }
INLINE real within_range(double x) { return x < REAL_MAX ? (real)x : REAL_MAX; }
#define STEEP(z) within_range(z / fabs(parameters[0])) /* the |x| where |beta * x| is z */

#endif
