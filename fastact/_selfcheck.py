"""How large fastact's errors are here, in ulp: what `python -m fastact` and the benchmarks show beside the times.

float32 is swept against fastact's own float64, float64 is compared with decimal numbers.  A quick look; the tests look
everywhere.
"""

import functools

import numpy as np

from fastact._formulas import arguments_of, kinds_of
from fastact._truth import DECIMAL, error_scale, in_float64
from fastact.activations import get
from fastact.catalogue import SPECS

STRIDE = 1021  # of the float32 bit patterns that are tried
VALUES = (1.25, -1.5, 1.75, -1.0, 1.0, -1.9375, 1.5, 1.0625)  # what gates are multiplied by


def kinds(activation):
    """Return what a function computes, by the names of its bounds; backward from x shares the derivative's bound."""
    return kinds_of(SPECS[activation.name])


def beside(spec, x):
    """Return the second input: the values of gates, the targets of losses; exact in float32."""
    return second_input(spec.kind, spec.by_rows, x.shape, x.dtype)


@functools.lru_cache(maxsize=4)
def second_input(kind, by_rows, shape, dtype):
    if kind == "gate":
        return np.resize(np.array(VALUES, dtype), shape)
    probabilities = np.random.default_rng(1).integers(0, 65, shape) / 64
    if by_rows:  # every other row has one label; the others sum to 1 at most
        probabilities = (
            np.floor(probabilities / np.maximum(1, probabilities.sum(axis=1, keepdims=True)) * 2**20) / 2**20
        )
        probabilities[::2] = np.arange(shape[1]) == shape[1] // 2
    return probabilities.astype(dtype)


def operands(spec, kind, x, grad):
    """Return the arrays that a kind of results is computed from, as its formula has them."""
    if spec.kind == "gate":
        return (x, beside(spec, x)) if kind == "forward" else (grad, x, beside(spec, x))
    if spec.kind == "loss":
        return x, beside(spec, x)
    return (grad, x) if kind == "backward_y" or (kind == "backward_x" and spec.kind == "reduction") else (x,)


def compute(activation, kind, x, grad, out=None, **parameters):
    """Return one kind of a function's results; `x` is the output where the kind is backward from y."""
    spec = SPECS[activation.name]
    if spec.kind == "gate":
        return compute_gate(activation, kind, x, grad, beside(spec, x), out)
    if spec.kind == "loss":
        return compute_loss(activation, kind, x, beside(spec, x), out)
    if spec.kind == "reduction":
        if kind == "forward":
            return activation(x, keepdims=True)
        return activation.backward(grad[..., :1], x=x, out=out)
    if kind == "forward":
        return activation(x, **parameters, out=out)
    if kind == "derivative":
        return activation.derivative(x, **parameters, out=out)
    return activation.backward(grad, **{kind[-1]: x}, **parameters, out=out)


def compute_gate(function, kind, gate, grad, value, out):
    if kind == "forward":
        return function(gate=gate, value=value, out=out)
    gradients = function.backward(grad, gate=gate, value=value, **{kind: out})
    return gradients[("gate_grad", "value_grad").index(kind)]


def compute_loss(function, kind, logits, targets, out):
    if kind == "forward":
        losses = function(logits, targets, reduction="none")
        return losses.reshape(*losses.shape, *[1] * (logits.ndim - losses.ndim))
    out = np.empty_like(logits) if out is None else out
    function(logits, targets, reduction="sum", grad_out=out)
    return out


def in_place(activation, kind, x, grad):
    """Return the same with typical parameters, computed over the input or the gradient."""
    spec = SPECS[activation.name]
    x, grad = x.copy(), grad.copy()
    over_gradient = spec.kind != "reduction" and kind.startswith(("backward", "gate_", "value_"))
    return compute(activation, kind, x, grad, grad if over_gradient else x, **spec.typical)


def ulp(scale, dtype):
    """Return the distance of two neighbours of the type in the binade of each number."""
    info = np.finfo(dtype)
    exponent = np.maximum(np.frexp(scale)[1] - 1, info.minexp)
    return np.ldexp(1.0, exponent - info.nmant)


def largest_error(got, true, tail, scale):
    """Return the largest error in ulp of `scale`; the true value is `true` and `tail` of its ulp."""
    with np.errstate(all="ignore"):
        error = np.abs(got.astype(np.float64) - true - tail * ulp(true, np.float64)) / ulp(scale, got.dtype)
        rounded = true.astype(got.dtype)
    same = (np.isnan(got) & np.isnan(true)) | (np.isinf(got) & (got == rounded))
    error = np.where(same, 0, error)
    return np.where(np.isnan(error), np.inf, error).max()


def signs(x):
    """Return a gradient by which a product is exact, so that the derivative's own bound holds."""
    return np.where(np.arange(x.size) % 2, 1, -1).astype(x.dtype).reshape(x.shape)


def float32_inputs(activation):
    """Yield inputs in float32 with gradients: bit patterns of every exponent, or rows of several lengths and ranges."""
    spec = SPECS[activation.name]
    if not spec.by_rows:
        x = np.arange(0, 2**32, STRIDE, dtype=np.uint64).astype(np.uint32).view(np.float32)
        x = np.append(x[~np.isnan(x)], np.array([0.0, -0.0, np.inf, -np.inf], np.float32))
        x = tried(spec, x)
        yield x, signs(x)
        return
    rng = np.random.default_rng(0)
    for length in (1, 2, 10, 37, 128, 1000):
        widths = np.exp(rng.uniform(-2, 5, (100_000 // length, 1)))
        shape = (widths.size, length)
        x = (rng.normal(size=shape) * widths).astype(np.float32)
        yield x, gradients_of_rows(spec, x, rng.normal(size=shape).astype(np.float32))


def gradients_of_rows(spec, x, grad):
    """Return a gradient: of a reduction one sign a row, by which a product is exact."""
    return np.broadcast_to(signs(x[:, :1]), x.shape) if spec.kind == "reduction" else grad


def tried(spec, x):
    """Return the inputs of which something is promised: of a gate whose activation is not subnormal, nor its derivative;
    of a loss finite ones."""
    if spec.kind == "loss":
        return x[np.isfinite(x)]
    if spec.kind != "gate":
        return x
    unit, smallest = SPECS[spec.activation], np.finfo(x.dtype).smallest_normal
    results = [compute(get(unit.name), kind, x, None) for kind in ("forward", "derivative")]
    lost = [abs(result) < smallest for result in results]
    if unit.piecewise or unit.name == "identity":  # zeros are exact
        lost = [where & (result != 0) for where, result in zip(lost, results, strict=True)]
    return x[~(lost[0] | lost[1]) & np.isfinite(x)]


def float32_error(activation, kind, run=in_place):
    """Return the largest error in float32, where fastact's own float64 is the truth.

    Another library is judged by its own `run(activation, kind, x, grad)`.
    """
    typical = SPECS[activation.name].typical
    exact = in_float64(activation.name, typical)
    from_x = kind == "backward_x" and SPECS[activation.name].kind != "reduction"
    largest = 0.0
    for x, grad in float32_inputs(activation):
        if kind == "backward_y":
            x = activation(x, **typical)
        true = compute(activation, kind, x.astype(np.float64), grad.astype(np.float64), **exact)
        arrays = operands(SPECS[activation.name], kind, x, grad)
        scale = error_scale(activation.name, "derivative" if from_x else kind, true, *arrays, **exact)
        largest = max(largest, largest_error(run(activation, kind, x, grad), true, 0.0, scale))
    return largest


def points():
    """Return inputs of elementwise functions: all exponents, both signs, and denser where functions bend."""
    draw, info = np.random.default_rng(0), np.finfo(np.float64)
    powers = np.ldexp(1 + draw.random(31), np.arange(-1075, 1023, 69))
    spread = np.concatenate([draw.uniform(0, width, 10) for width in (1, 4, 20, 40, 750)])
    magnitudes = np.concatenate([powers, spread, [0.0, info.smallest_normal, info.max, np.inf]])
    return np.concatenate([magnitudes, -magnitudes])


def rows():
    """Return rows of logits, from nearly equal ones to some that saturate."""
    widths = np.array([[1], [1], [5], [5], [20], [20], [400], [1e4]])
    return np.random.default_rng(0).uniform(-widths, widths, (widths.size, 10))


def with_gradients(spec, x):
    """Return gradients and the outputs that they belong to."""
    y = DECIMAL.true_values(spec.name, "forward", x, **spec.typical).astype(np.float64)
    return x[:, ::-1].copy() if spec.by_rows else signs(y), y


@functools.cache
def float64_truth(name, kind):
    """Return the arrays of a kind of results, the nearest float64 to each true value, and what is left, in its ulp."""
    spec = SPECS[name]
    x = rows() if spec.by_rows else tried(spec, points())
    grad = signs(x[:, :1]) * np.ones_like(x) if spec.kind == "reduction" else signs(x)
    arrays = with_gradients(spec, x) if kind == "backward_y" else operands(spec, kind, x, grad)
    true = DECIMAL.true_values(name, kind, *arrays, **spec.typical)
    value = true.astype(np.float64)
    with np.errstate(all="ignore"), DECIMAL.context(100):
        tail = ((true - DECIMAL.convert(value)) / DECIMAL.convert(ulp(value, np.float64))).astype(np.float64)
    return arrays, value, np.where(np.isfinite(tail), tail, 0)


def float64_error(activation, kind, run=in_place):
    """Return the largest error in float64; `run` as above."""
    spec = SPECS[activation.name]
    from_x = kind == "backward_x" and spec.kind != "reduction"
    arrays, value, tail = float64_truth(activation.name, "derivative" if from_x else kind)
    named = dict(zip(arguments_of(spec, "derivative" if from_x else kind), arrays, strict=True))
    x = next(named[name] for name in ("gate", "logits", "y", "x") if name in named)
    grad = named.get("grad", signs(x))
    if from_x:
        value, tail = value * grad, tail * grad
    scale = error_scale(activation.name, "derivative" if from_x else kind, value, *arrays)
    got = run(activation, kind, x, grad)
    return largest_error(got, value[..., : got.shape[-1]], tail[..., : got.shape[-1]], scale[..., : got.shape[-1]])
