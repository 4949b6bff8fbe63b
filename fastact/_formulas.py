"""The catalogue's formulas in plain NumPy: what fastact is compared with, never what it computes with."""

import math
from types import SimpleNamespace

import numpy as np

from fastact.catalogue import SPECS

slow_erfc = np.vectorize(math.erfc, otypes=[float])

# What the formulas' names mean to NumPy; rows lie along the last axis.
NAMES = {
    **{
        name: getattr(np, name)
        for name in [
            "abs",
            "clip",
            "cosh",
            "exp",
            "expm1",
            "log",
            "log1p",
            "maximum",
            "minimum",
            "pi",
            "sign",
            "sqrt",
            "tanh",
            "where",
        ]
    },
    "erfc": lambda x: slow_erfc(x).astype(x.dtype),
    "max": lambda x: x.max(axis=-1, keepdims=True),
    "min": lambda x: x.min(axis=-1, keepdims=True),
    "sum": lambda x: x.sum(axis=-1, keepdims=True),
}


def threshold(z):
    """Return what is to be taken off rows, at most 0, so that what is left above 0 adds up to 1, along the last axis."""
    falling = -np.sort(-z, axis=-1)
    means = (falling.cumsum(axis=-1) - 1) / np.arange(1, z.shape[-1] + 1)  # of the k largest
    return means.max(axis=-1, keepdims=True)


NAMES["threshold"] = threshold


def function(expression, *arguments):
    """Return the function of these arguments that an expression stands for; None for None."""
    if expression is None:
        return None
    code = compile(expression, expression, "eval")
    return lambda *values: eval(code, NAMES | dict(zip(arguments, values, strict=True)))


def formulas(row):
    """Return what a row can compute: `forward(x)`, `derivative(x)`, `backward_x(grad, x)` and `backward_y(grad, y)`.

    Parameters follow.  What cannot be computed is None.
    """
    parameters = [parameter.name for parameter in row.parameters]
    backward_y = row.backward_y or (row.derivative_y and f"grad * ({row.derivative_y})")
    return SimpleNamespace(
        forward=function(row.formula, "x", *parameters),
        derivative=function(row.derivative, "x", *parameters),
        backward_x=function(
            row.backward_x or (row.derivative and f"grad * ({row.derivative})"), "grad", "x", *parameters
        ),
        backward_y=function(backward_y, "grad", "y", *parameters),
    )


FORMULAS = {name: formulas(row) for name, row in SPECS.items()}
