/* Activations made of the normal distribution: Phi, and phi, its density.
 *
 * With a = |x|, Phi(-a) and a*phi(a) are e^(-a^2/2) times what falls slowly and has no tail: eight pieces of it, a
 * polynomial each.  So errors are relative to the last subnormal, where 1 + erf has lost everything, and erfc of a
 * rounded argument hundreds of ulp.  One rational function for all a takes twice as long, and its quotient costs 5 ulp. */

/* Up to it e^(-a^2/2) and what it multiplies here are normal numbers. */
#define NORMAL_SMALL ((real)BY_TYPE(13, 37))

/* a, at most NORMAL_SMALL if not careful.  Else up to NORMAL_END, where all that e^(-a^2/2) multiplies has vanished; for
 * positive x it is nothing beside x and beside 1 before. */
INLINE vec normal_clamp(vec a, vec x, int careful)
{
    return careful ? minimum(choose(less(x, splat(0)), splat(NORMAL_END), splat(NORMAL_SMALL)), a) : a;
}

/* The octave that this is in is the piece that a is in. */
INLINE vec normal_piece(vec a)
{
    return octave(muladd(a, muladd(a, splat(NORMAL_SQUARE), splat(NORMAL_LINE)), splat(1)));
}

/* e^(-a^2/2).  a^2 is a pair: rounded, it would cost a^2/2 ulp. */
INLINE exp_parts bell(vec a)
{
    vec square = a * a, square_lo = product_error(a, a, square), bits = splat(BELL_BITS);
    vec k = muladd(square, bits, splat(EIGHTHS));
    vec r = muladd(square, splat(BELL_BITS_LO), product_error(square, bits, k - splat(EIGHTHS)));
    return exp2_parts(k, muladd(square_lo, bits, r));
}

/* base - (start + slope*h) * e^(-a^2/2).  The product is start * head and a remainder: what is rounded before the end is
 * small beside the whole. */
INLINE vec subtract_bell(vec base, vec start, vec slope, vec h, vec a, int careful)
{
    exp_parts e = bell(a);
    vec remainder = muladd(slope * (e.head + e.rest), h, start * e.rest);
    vec product = residual(remainder, -start, e.head);          /* rounded once */
    if (careful)        /* what underflows is slow, a zero is not */
        return base - scale(zero_where(less_equal(splat(NORMAL_END), a), product), e.k);
    return submul(base, product, power2(e.k));
}

/* gelu(x) = x * Phi(x): -a*Phi(-a) for x < 0, x - a*Phi(-a) for the others.  The first piece of a*Phi(-a) is about 0 and
 * gives a/2 + a*(c1 + ...), where its constant is 0. */
INLINE vec gelu_clamp(vec x, int careful)       /* 0 where x is so small that it must not be multiplied */
{
    vec magnitude = absolute(x);
    return normal_clamp(zero_where(less(magnitude, splat(EXP_ONE)), magnitude), x, careful);
}
INLINE vec gelu_forward(vec x, const vec *p, int careful)
{
    (void)p;
    vec magnitude = absolute(x), a = gelu_clamp(x, careful);
    vec piece = normal_piece(a);
    vec h = a - lookup(table(gelu_pieces[0]), piece), constant = lookup(table(gelu_pieces[1]), piece);
    vec start = choose(less(splat(0), constant), constant, magnitude * splat((real)0.5));
    vec slope = piece_slope(gelu_pieces, COUNT(gelu_pieces), piece, h);
    return subtract_bell(maximum(splat((real)-0.0), x), start, slope, h, a, careful);
}

/* gelu'(x) = Phi(x) + x*phi(x): Phi(-a) - a*phi(a) for x < 0, 1 minus that for the others */
INLINE vec gelu_slope(vec x, vec a, int careful)
{
    vec piece = normal_piece(a);
    vec h = a - lookup(table(gelu_slope_pieces[0]), piece), start = lookup(table(gelu_slope_pieces[1]), piece);
    vec slope = piece_slope(gelu_slope_pieces, COUNT(gelu_slope_pieces), piece, h);
    vec below = subtract_bell(splat((real)-0.0), start, slope, h, a, careful);
    return choose(less(x, splat(0)), below, splat(1) - below);
}
INLINE vec gelu_derivative(vec x, const vec *p, int careful)
{
    (void)p;
    return gelu_slope(x, normal_clamp(maximum(splat(EXP_ONE), absolute(x)), x, careful), careful);
}

#define NORMAL_ACTIVATIONS(A, A_X) \
    A_X(gelu, SMOOTH, NORMAL_SMALL, NORMAL_SMALL, .35f, .32f, .34f)
