"""fastact in ONNX' reference evaluator: ``ReferenceEvaluator(model, new_ops=NEW_OPS)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx.defs
from onnx.reference.op_run import OpRun
from onnx.reference.ops import _op_list as theirs

import fastact as fa
from fastact.activations import NAMES, folded
from fastact.catalogue import SPECS

FLOATING = ("float32", "float64", "float16", "bfloat16")

# What an operator computes of its inputs and attributes, where those are not the parameters in their order; None
# where it is not ours. Inputs of a type that fastact does not compute in, and such calls, stay with ONNX.


def gelu(x: Any, approximate: str = "none") -> Any:
    return fa.gelu_tanh(x) if approximate == "tanh" else fa.gelu(x)


def selu(x: Any, alpha: float, gamma: float) -> Any:
    usual = np.isclose([alpha, gamma], [1.6732632, 1.0507010], rtol=1e-6, atol=0).all()
    return fa.selu(x) if usual else None


def shrink(x: Any, bias: float, lambd: float) -> Any:
    if lambd < 0:
        return None
    return fa.hard_shrink(x, lambd) if bias == 0 else fa.soft_shrink(x, lambd) if bias == lambd else None


def thresholded_relu(x: Any, alpha: float) -> Any:
    return fa.threshold(x, alpha, 0.0)


def prelu(x: Any, slope: Any) -> Any:
    if slope.size == 1:
        return fa.prelu(x, slope.reshape(1))
    axes = [axis for axis in range(-slope.ndim, 0) if slope.shape[axis] > 1]
    fits = slope.ndim <= x.ndim and len(axes) == 1 and x.shape[axes[0]] == slope.size
    return fa.prelu(x, slope.reshape(-1), axis=axes[0]) if fits else None


def swiglu(a: Any, b: Any, alpha: float) -> Any:
    return fa.swiglu(a, b) if alpha == 1 and a.shape == b.shape else None


def softmax(x: Any, axis: int) -> Any:
    return fa.softmax(x, axis)


def log_softmax(x: Any, axis: int) -> Any:
    return fa.log_softmax(x, axis)


SPECIAL: dict[str, Callable[..., Any]] = {
    "Gelu": gelu,
    "LogSoftmax": log_softmax,
    "PRelu": prelu,
    "Selu": selu,
    "Shrink": shrink,
    "Softmax": softmax,
    "SwiGLU": swiglu,
    "ThresholdedRelu": thresholded_relu,
}


def plain(name: str) -> Callable[..., Any]:
    """Return the function of an operator whose attributes are a function's parameters: alpha the first, beta the second."""
    function: Any = getattr(fa, NAMES[folded(name)])

    def compute(x: Any, **attributes: float) -> Any:
        return function(x, *(attributes[attribute] for attribute in sorted(attributes)))

    return compute


def operator(name: str, function: Callable[..., Any]) -> type[OpRun]:
    """Return an operator as the reference evaluator takes it."""
    fallback = getattr(theirs, name, None)

    def _run(self: Any, *inputs: Any, **attributes: Any) -> tuple[Any, ...]:
        y = None
        if all(value.dtype.name in FLOATING for value in inputs):
            y = function(*inputs, **attributes)
        if y is not None:
            return (y,)
        if fallback is None:
            raise TypeError(f"{name} takes floating-point numbers")
        return fallback._run(self, *inputs, **attributes)  # type: ignore[no-any-return]

    return type(name, (OpRun,), {"_run": _run, "op_domain": "", "__module__": __name__})


class SoftmaxCrossEntropyLoss(OpRun):
    """The loss, and the logarithms of the probabilities where the model asks for them."""

    op_domain = ""

    def _run(
        self, x: Any, target: Any, weight: Any = None, ignore_index: int | None = None, reduction: str = "mean"
    ) -> tuple[Any, ...]:
        if x.dtype.name not in ("float32", "float64") or x.ndim == 1:
            return theirs.SoftmaxCrossEntropyLoss._run(self, x, target, weight, ignore_index, reduction)  # type: ignore[no-any-return]
        loss = fa.softmax_cross_entropy(
            x, target, axis=1, reduction=reduction, class_weight=weight, ignore_label=ignore_index
        )
        loss = np.asarray(loss, x.dtype)
        return (loss, fa.log_softmax(x, 1)) if len(self.onnx_node.output) == 2 else (loss,)


class ReduceLogSumExp(OpRun):
    """The reduction; the axes are an input, or an attribute as they were until version 18 of the operators."""

    op_domain = ""

    def _run(self, data: Any, axes: Any = None, keepdims: int = 1, noop_with_empty_axes: int = 0) -> tuple[Any, ...]:
        if data.dtype.name not in FLOATING:
            raise TypeError("ReduceLogSumExp takes floating-point numbers")
        along = None if axes is None or np.size(axes) == 0 else tuple(int(axis) for axis in np.ravel(axes))
        if along is None and noop_with_empty_axes:
            return (data,)
        return (np.asarray(fa.logsumexp(data, along, keepdims=bool(keepdims))),)


def known() -> list[str]:
    """Return the names of ONNX' operators that are in the catalogue, without those that need no computing."""
    names = {schema.name for schema in onnx.defs.get_all_schemas() if not schema.domain}
    ours = {name: SPECS[NAMES[folded(name)]] for name in names if folded(name) in NAMES}
    return sorted(
        name for name, spec in ours.items() if name in SPECIAL or (spec.kind == "elementwise" and name != "Identity")
    )


NEW_OPS = [operator(name, SPECIAL.get(name) or plain(name)) for name in known()] + [
    ReduceLogSumExp,
    SoftmaxCrossEntropyLoss,
]

__all__ = ["NEW_OPS"]
