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


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


NAMES["softmax"] = softmax


def kinds_of(spec):
    """Return what a function computes, by the names of its bounds; backward from x shares the derivative's bound."""
    if spec.kind == "gate":
        return ["forward", "gate_grad", "value_grad"]
    if spec.kind == "loss":
        return ["forward", "gradient"]
    derivative = ["derivative"] if spec.derivative else []
    return ["forward", *derivative, *(f"backward_{given}" for given in sorted(spec.backward_from))]


def arguments_of(spec, kind):
    """Return the arrays that a kind of a function's results is computed from, by the names that formulas have for them."""
    if spec.kind == "gate":
        return ("gate", "value") if kind == "forward" else ("grad", "gate", "value")
    if spec.kind == "loss":
        return ("logits", "t")
    return ("grad", kind[-1]) if kind.startswith("backward") else ("x",)


def expression_of(spec, kind):
    """Return what a function computes, as an expression of these; None for what it does not."""
    if kind == "forward":
        return spec.formula
    if kind == "backward_x":
        return spec.backward_x or (spec.derivative and f"grad * ({spec.derivative})")
    if kind == "backward_y":
        return spec.backward_y or (spec.derivative_y and f"grad * ({spec.derivative_y})")
    return getattr(spec, kind)  # derivative, gate_grad, value_grad, gradient


def formulas(spec):
    """Return what a function can compute: functions of the arrays and the parameters, by kind; None for what it cannot."""
    parameters = [parameter.name for parameter in spec.parameters]
    kinds = ("forward", "derivative", "backward_x", "backward_y", "gate_grad", "value_grad", "gradient")
    return SimpleNamespace(
        **{kind: function(expression_of(spec, kind), *arguments_of(spec, kind), *parameters) for kind in kinds}
    )


FORMULAS = {name: formulas(spec) for name, spec in SPECS.items()}
