"""Rows so long that a count in float32 would stand still: every function along an axis, both losses, and their gradients.

    python tools/long_rows.py                    # 2^24 + 1, 2^26, 2^28 and 2^29 + 3 elements, float32: up to 5 GB
    python tools/long_rows.py --lengths 16777217 --dtype float64

All elements of a row are equal, so that the right results are known; the rows that are read take no memory.  Prints, for
each result, how far the worst element is from it, in ulp of the sum of the absolute terms, and what is allowed.
"""

import argparse
import sys

import numpy as np

import fastact as fa

LENGTHS = (2**24 + 1, 2**26, 2**28, 2**29 + 3)
PIECE = 1 << 20


def equal(value, n, dtype):
    """A row of equal elements, in the memory of one."""
    return np.broadcast_to(dtype.type(value), (n,))


def worst(got, want, scale):
    """Return the largest error of any element, in ulp of the scale."""
    got = np.atleast_1d(got)
    ulp = float(np.spacing(got.dtype.type(scale)))
    errors = [np.abs(got[i : i + PIECE].astype(np.float64) - want).max() for i in range(0, got.size, PIECE)]
    return max(errors) / ulp if np.isfinite(errors).all() else float("inf")


def rows(n, dtype):
    """Yield (name, function that returns the result, what is right, the sum of the absolute terms, ulp allowed)."""
    dtype = np.dtype(dtype)
    x, log_n = equal(0, n, dtype), float(np.log(n))
    for name in ("softmax", "softmin", "sparsemax"):
        yield name, lambda name=name: getattr(fa, name)(x), 1 / n, 1 / n, 3
    yield "softmax where", lambda: fa.softmax(x, where=np.broadcast_to(True, (n,))), 1 / n, 1 / n, 3
    yield "softmax scale", lambda: fa.softmax(x, scale=0.5), 1 / n, 1 / n, 3
    yield "log_softmax", lambda: fa.log_softmax(x), -log_n, log_n, 3
    yield "log_softmax where", lambda: fa.log_softmax(x, where=np.broadcast_to(True, (n,))), -log_n, log_n, 3
    yield "logsumexp", lambda: fa.logsumexp(x), log_n, log_n, 3
    one = equal(1, n, dtype)
    y = float(dtype.type(1 / n))
    for name in ("softmax", "softmin"):
        sign = -1 if name == "softmin" else 1
        want, scale = sign * y * (1 - n * y), y * (1 + n * y)
        yield (
            f"{name}.backward",
            lambda name=name: getattr(fa, name).backward(one, y=equal(1 / n, n, dtype)),
            want,
            scale,
            4,
        )
    yield "sparsemax.backward", lambda: fa.sparsemax.backward(one, y=equal(1 / n, n, dtype)), 0.0, 2.0, 4
    y = float(dtype.type(-log_n))
    yield (
        "log_softmax.backward",
        lambda: fa.log_softmax.backward(one, y=equal(-log_n, n, dtype)),
        1 - n * float(np.exp(y)),
        1 + n * float(np.exp(y)),
        4,
    )
    yield "logsumexp.backward", lambda: fa.logsumexp.backward(dtype.type(1), x=x), 1 / n, 1 / n, 4
    for smoothing in (0.0, 0.5):
        yield (
            f"softmax_cross_entropy, smoothing {smoothing}",
            lambda smoothing=smoothing: fa.softmax_cross_entropy(x, 3, label_smoothing=smoothing),
            log_n,
            log_n,
            4,
        )
    uniform = equal(1 / n, n, dtype)
    mass = n * float(uniform[0])
    yield "softmax_cross_entropy, probabilities", lambda: fa.softmax_cross_entropy(x, uniform), mass * log_n, log_n, 4

    def gradient(targets):
        grad = np.empty(n, dtype)
        fa.softmax_cross_entropy(x, targets, grad_out=grad)
        if not np.ndim(targets):  # 1 less than the others
            grad[targets] = 1 / n if abs(grad[targets] + 1 - 1 / n) < 1e-7 else np.nan
        return grad

    yield "softmax_cross_entropy, gradient", lambda: gradient(3), 1 / n, 1 / n, 4
    right = mass / n - float(uniform[0])
    yield "softmax_cross_entropy, gradient by probabilities", lambda: gradient(uniform), right, 2 / n, 4
    log_2 = float(np.log(2))
    yield "sigmoid_cross_entropy, mean", lambda: fa.sigmoid_cross_entropy(x, x), log_2, log_2, 4
    yield "sigmoid_cross_entropy, sum", lambda: fa.sigmoid_cross_entropy(x, x, reduction="sum"), n * log_2, n * log_2, 4
    many = (n, 1)
    column, labels = np.broadcast_to(x[:1], many), np.broadcast_to(np.int8(0), (n,))
    yield "softmax_cross_entropy of many rows", lambda: fa.softmax_cross_entropy(column, labels), 0.0, 1.0, 0
    two, ones = np.broadcast_to(x[:1], (n // 2, 2)), np.broadcast_to(np.int8(1), (n // 2,))
    yield "softmax_cross_entropy of many rows of two", lambda: fa.softmax_cross_entropy(two, ones), log_2, log_2, 4

    def sum_of_bias():
        total = np.empty(1, dtype)
        fa.identity.backward(np.broadcast_to(x[:1] + 1, many), x=column, bias_grad=total)
        return total

    yield "bias_grad", sum_of_bias, float(n), float(n), 3

    def sum_of_weight():
        total = np.empty((), dtype)
        fa.prelu.backward(one, x=equal(-1, n, dtype), weight=np.full((), 0.5, dtype), weight_grad=total)
        return total

    yield "weight_grad", sum_of_weight, -float(n), float(n), 3


def main(argv=None):
    from tqdm import tqdm

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    options = parser.parse_args(argv)
    wrong = 0
    todo = [(n, *row) for n in options.lengths for row in rows(n, options.dtype)]
    for n, name, function, want, scale, allowed in tqdm(todo, file=sys.stderr):
        error = worst(function(), want, scale)
        wrong += not error <= allowed
        said = f"{n:>11,}  {name:<50} {error:10.3f} of {allowed:.3g} ulp{'' if error <= allowed else '  WRONG'}"
        tqdm.write(said, file=sys.stdout)
    print(f"{wrong} of {len(todo)} results are wrong" if wrong else f"all {len(todo)} results are right")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
