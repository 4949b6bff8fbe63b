"""`python -m fastact`: what is installed here, and whether it is right and fast on this machine.

Speed is that of one thread beside the textbook formulas.  Needs NumPy only; ends with status 1 where an error exceeds
its documented bound.
"""

import sys
from statistics import median
from time import perf_counter

import numpy as np

import fastact as fa
from fastact._formulas import FORMULAS
from fastact._selfcheck import compute, float32_error, float64_error, kinds, signs
from fastact._truth import ROW

SHAPE = (512, 128)  # of what is timed, in cache
ROUNDS = 11
LINE = "{:<11} {:<11} {:<8} {:>6} {:>6} {:>8} {:>8} {:>7}  {}"


def nanoseconds(activation, kind, dtype):
    """Return the time an element takes, by fastact and by the textbook formula, alternately."""
    typical = ROW[activation.name].typical
    x = np.random.default_rng(0).normal(size=SHAPE).astype(dtype)
    out, grad = np.empty_like(x), signs(x)
    if kind == "backward_y":
        x = activation(x, **typical)
    formula = getattr(FORMULAS[activation.name], kind)
    arrays = (grad, x) if kind.startswith("backward") else (x,)
    own, plain = [], []
    for _ in range(ROUNDS):
        start = perf_counter()
        compute(activation, kind, x, grad, out, **typical)
        between = perf_counter()
        formula(*arrays, *typical.values())
        own.append(between - start)
        plain.append(perf_counter() - between)
    return (median(seconds) / x.size * 1e9 for seconds in (own, plain))


def check(activation, kind, dtype):
    """Print one row of the table; return whether the error is within its bound."""
    error = (float32_error if dtype == "float32" else float64_error)(activation, kind)
    bounds = activation.bounds[dtype]
    bound = bounds[kind if kind in bounds else "derivative"]
    within = error <= bound
    with fa.num_threads(1):
        ns, plain_ns = nanoseconds(activation, kind, dtype)
    errors = f"{error:.3f}" if error < 100 else f"{error:.0e}", f"{bound:g}"
    times = f"{ns:.3f}", f"{plain_ns:.3f}", f"{ns / plain_ns:.3f}"
    print(LINE.format(activation.name, kind, dtype, *errors, *times, "ok" if within else "FAIL"), flush=True)
    return within


def main():
    """Print the configuration and the table; return whether every error is within its bound."""
    fa.show_config()
    print("\nErrors in ulp, computed in place; times in ns an element, one thread, in cache.\n")
    print(LINE.format("activation", "", "type", "error", "bound", "fastact", "NumPy", "ratio", "").rstrip())
    right = [
        check(activation, kind, dtype)
        for activation in fa.ACTIVATIONS.values()
        for kind in kinds(activation)
        for dtype in ("float32", "float64")
    ]
    print("\nEvery error is within its bound." if all(right) else "\nFAIL: an error exceeds its bound.")
    return all(right)


if __name__ == "__main__":
    sys.exit(not main())
