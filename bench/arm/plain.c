/* What a library that wants speed alone does on NEON, as a measure for the kernels: a polynomial of degree 6 for e^r
 * and a division; nothing for NaN, for subnormal results or for what cancels. */
#include <arm_neon.h>
#include <math.h>
#include <stddef.h>

#define INLINE static inline __attribute__((always_inline))
typedef float32x4_t vec;
#define SPLAT vdupq_n_f32

INLINE vec clamped(vec x, float low, float high) { return vmaxq_f32(SPLAT(low), vminq_f32(SPLAT(high), x)); }
/* e^r - 1 - r for |r| <= ln(2) / 2, and the power of two that is left. */
INLINE vec split(vec x, int32x4_t *power, vec *r)
{
    vec n = vrndnq_f32(vmulq_f32(x, SPLAT(1.44269504f)));
    *power = vshlq_n_s32(vcvtq_s32_f32(n), 23);
    *r = vfmsq_f32(vfmsq_f32(x, n, SPLAT(0x1.62e4p-1f)), n, SPLAT(0x1.7f7d1cp-20f));
    vec sum = vfmaq_f32(SPLAT(8.3333339e-3f), *r, SPLAT(1.3888889e-3f));
    sum = vfmaq_f32(SPLAT(4.1666668e-2f), sum, *r);
    sum = vfmaq_f32(SPLAT(1.6666667e-1f), sum, *r);
    return vmulq_f32(vfmaq_f32(SPLAT(0.5f), sum, *r), vmulq_f32(*r, *r));
}
INLINE vec times(vec v, int32x4_t power) { return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(v), power)); }
INLINE vec exponential(vec x)
{
    int32x4_t power;
    vec r, rest = split(clamped(x, -87, 88), &power, &r);
    return times(vaddq_f32(SPLAT(1), vaddq_f32(rest, r)), power);
}
INLINE vec expm1_of(vec x)
{
    int32x4_t power;
    vec r, rest = split(clamped(x, -17, 88), &power, &r), unit = times(SPLAT(1), power);
    return vfmaq_f32(vsubq_f32(unit, SPLAT(1)), vaddq_f32(rest, r), unit);
}
INLINE vec relu(vec x) { return vmaxq_f32(x, SPLAT(0)); }
INLINE vec sigmoid(vec x) { return vdivq_f32(SPLAT(1), vaddq_f32(SPLAT(1), exponential(vnegq_f32(x)))); }
INLINE vec silu(vec x) { return vdivq_f32(x, vaddq_f32(SPLAT(1), exponential(vnegq_f32(x)))); }
INLINE vec hyperbolic_tangent(vec x)
{
    vec e = expm1_of(vaddq_f32(x, x));
    return vdivq_f32(e, vaddq_f32(e, SPLAT(2)));
}
INLINE vec elu(vec x) { return vbslq_f32(vcgtq_f32(x, SPLAT(0)), x, expm1_of(x)); }

/* Two vectors at a time; n is a multiple of eight. */
#define DEFINE(name, f) \
    void plain_##name(const float *x, float *out, ptrdiff_t n); \
    void plain_##name(const float *x, float *out, ptrdiff_t n) \
    { \
        for (ptrdiff_t i = 0; i < n; i += 8) { \
            vec a = vld1q_f32(x + i), b = vld1q_f32(x + i + 4); \
            vst1q_f32(out + i, f(a)); \
            vst1q_f32(out + i + 4, f(b)); \
        } \
    }
DEFINE(relu, relu)
DEFINE(exponential, exponential)
DEFINE(sigmoid, sigmoid)
DEFINE(tanh, hyperbolic_tangent)
DEFINE(silu, silu)
DEFINE(elu, elu)

void plain_softmax(const float *x, float *out, ptrdiff_t n);
void plain_softmax(const float *x, float *out, ptrdiff_t n)
{
    vec most[2] = {SPLAT(-INFINITY), SPLAT(-INFINITY)}, sum[2] = {SPLAT(0), SPLAT(0)};
    for (ptrdiff_t i = 0; i < n; i += 8)
        for (int k = 0; k < 2; k++)
            most[k] = vmaxq_f32(most[k], vld1q_f32(x + i + 4 * k));
    vec row_max = SPLAT(vmaxvq_f32(vmaxq_f32(most[0], most[1])));
    for (ptrdiff_t i = 0; i < n; i += 8)
        for (int k = 0; k < 2; k++) {
            vec e = exponential(vsubq_f32(vld1q_f32(x + i + 4 * k), row_max));
            sum[k] = vaddq_f32(sum[k], e);
            vst1q_f32(out + i + 4 * k, e);
        }
    vec inverse = SPLAT(1 / vaddvq_f32(vaddq_f32(sum[0], sum[1])));
    for (ptrdiff_t i = 0; i < n; i += 8)
        for (int k = 0; k < 2; k++)
            vst1q_f32(out + i + 4 * k, vmulq_f32(vld1q_f32(out + i + 4 * k), inverse));
}
