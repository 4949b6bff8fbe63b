/* Activations made of the normal distribution: Phi, and its density phi.
 *
 * With a = |x|, Phi(-a) and a*phi(a) are e^(-a^2/2) times a slowly varying function, which eight polynomials
 * approximate.  So the error is relative down to the last subnormal, where 1 + erf has cancelled, and erfc of a
 * rounded argument loses hundreds of ulp.  One rational function for all a takes twice as long, and its quotient costs
 * 5 ulp. */
#ifndef FASTACT_NORMAL_H
#define FASTACT_NORMAL_H

#include "activation.h"

/* Up to here e^(-a^2/2) and its products below are normal numbers. */
#define NORMAL_SMALL ((real)BY_TYPE(13, 37))

/* In the full-range path: a clamped to NORMAL_END, where all products of e^(-a^2/2) are 0; for positive x to
 * NORMAL_SMALL, where they vanish beside x and 1. */
INLINE vec normal_clamp(vec a, vec x, int full_range)
{
    return full_range ? minimum(choose(less(x, splat(0)), splat(NORMAL_END), splat(NORMAL_SMALL)), a) : a;
}

/* The octave of this number is the index of a's piece. */
INLINE vec normal_piece(vec a) { return muladd(a, muladd(a, splat(NORMAL_SQUARE), splat(NORMAL_LINE)), splat(1)); }

/* e^(-a^2/2), with a^2 as a pair: its rounding error would cost a^2/2 ulp. */
INLINE exp_parts bell(vec a, int short_head)
{
    vec square = a * a, square_lo = product_error(a, a, square), bits = splat(BELL_BITS);
    vec k = muladd(square, bits, splat(EIGHTHS));
    vec r = muladd(square, splat(BELL_BITS_LO), product_error(square, bits, k - splat(EIGHTHS)));
    return exp2_parts(k, muladd(square_lo, bits, r), short_head);
}

/* base - (start + slope*h) * e^(-a^2/2).  The product is start * head plus a small remainder, so that earlier roundings
 * hardly count. */
INLINE vec subtract_bell(vec base, vec start, vec slope, vec h, exp_parts e, vec a, int full_range)
{
    vec remainder = muladd(slope * (e.head + e.rest), h, start * e.rest);
    vec product = residual(remainder, -start, e.head); /* rounded once */
    if (full_range)                                    /* flush: subnormal arithmetic is slow */
        return base - scale(zero_where(less_equal(splat(NORMAL_END), a), product), e.k);
    return submul(base, product, power2(e.k));
}

/* gelu(x) = x * Phi(x) (Hendrycks & Gimpel 2016)
 * Method: -a*Phi(-a) for x < 0, x - a*Phi(-a) else; a*Phi(-a) by eight polynomials times e^(-a^2/2).  Derived here.
 * Error: bound 1.5 ulp in both types, f' 1.75 and 2.0 (measured 1.33 and 1.34; 1.34 and 1.53).
 * Fast path: |x| <= NORMAL_SMALL.
 * Special values: f(-inf) = -0, f(inf) = inf, f'(-inf) = -0, f'(inf) = 1.
 *
 * The first piece includes 0: its constant is 0, and it gives a/2 + a*(c1 + ...), which keeps the relative error
 * small.  In float32 the exponential is the short one: the largest error lies in that piece, and stays the same. */
INLINE vec gelu_clamp(vec x, int full_range) /* 0 for tiny x, to keep subnormals out */
{
    vec magnitude = absolute(x);
    return normal_clamp(zero_where(less(magnitude, splat(EXP_ONE)), magnitude), x, full_range);
}
INLINE vec gelu_forward(vec x, const vec *p, int full_range)
{
    (void)p;
    vec magnitude = absolute(x), a = gelu_clamp(x, full_range);
    pieces at = PIECES(gelu_pieces, normal_piece(a), OCTAVE);
    vec h = a - row_of(at, 0), constant = row_of(at, 1);
    vec start = choose(less(splat(0), constant), constant, magnitude * splat((real)0.5));
    vec slope = piece_slope(at, COUNT(gelu_pieces), h);
    return subtract_bell(maximum(splat((real)-0.0), x), start, slope, h, bell(a, REAL_BITS == 32), a, full_range);
}

/* gelu'(x) = Phi(x) + x*phi(x): Phi(-a) - a*phi(a) for x < 0, 1 minus that else. */
INLINE vec gelu_slope(vec x, vec a, int full_range)
{
    pieces at = PIECES(gelu_slope_pieces, normal_piece(a), OCTAVE);
    vec h = a - row_of(at, 0), start = row_of(at, 1);
    vec slope = piece_slope(at, COUNT(gelu_slope_pieces), h);
    vec below = subtract_bell(splat((real)-0.0), start, slope, h, bell(a, 0), a, full_range);
    return choose(less(x, splat(0)), below, splat(1) - below);
}
INLINE vec gelu_derivative(vec x, const vec *p, int full_range)
{
    (void)p;
    return gelu_slope(x, normal_clamp(maximum(splat(EXP_ONE), absolute(x)), x, full_range), full_range);
}

#define NORMAL_ACTIVATIONS(A, A_X) A_X(gelu, CROWDED, NORMAL_SMALL, NORMAL_SMALL, .35f, .32f, .34f)

#endif
