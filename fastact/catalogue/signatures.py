"""The arguments of every function, declared once: the core's slots, signatures, docstrings and the stub are made of them.

Nothing here computes. An argument has a role, says by which rule its shape follows from that of the first input, and
which of the kernel's operands it is (kernels/kernels.h lists these).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from fastact.catalogue.row import Row

Role = Literal[
    "input",  # an array of numbers
    "vector",  # an array of numbers, broadcast
    "weight",  # the same, or a number; held to a range, in the compute type
    "mask",  # bools, broadcast
    "targets",  # of a loss
    "parameter",  # a number, of the catalogue
    "flag",  # a bool
    "axis",
    "choice",  # a string
    "index",  # an integer, or None
    "output",
    "sum",  # an output: the gradient with respect to what was broadcast
]
Shape = Literal[
    "like",  # that of the first input
    "halves",  # twice as long along the axis: two operands in one array
    "broadcast",  # broadcast to it, as NumPy does
    "channel",  # broadcast to it, but a vector lies along `axis`
    "classes",  # a vector along the axis
    "reduced",  # without the axis
    "none",
]


FROM_ZERO = (0.0, sys.float_info.max)
ABOVE_ZERO = (5e-324, sys.float_info.max)


class Required:
    """The default of an argument that must be given."""

    def __repr__(self) -> str:
        return "required"


REQUIRED = Required()


@dataclass(frozen=True)
class Argument:
    """One argument of a function."""

    name: str
    role: Role
    shape: Shape = "none"
    operand: int = -1  # its place among the kernel's operands
    default: object = None
    positional: bool = False
    in_place: bool = False  # as an input: an output may be this very array
    of: str | None = None  # of a sum: what was broadcast
    source: Literal["", "x", "y"] = ""  # one of the two that backward can go by
    limits: tuple[float, float] = FROM_ZERO  # of a parameter or a weight, in the compute type
    limits_from_y: tuple[float, float] | None = None  # where backward goes by the output, if these are others


OUT = Argument("out", "output", "like")
AXIS = Argument("axis", "axis", default=-1)
GRAD = Argument("grad", "input", "like", 0, REQUIRED, True, True)
X = Argument("x", "input", "like", 0, REQUIRED, True, True)


def parameters(row: Row, positional: bool) -> list[Argument]:
    """Return the catalogue's parameters as arguments."""
    return [
        Argument(
            p.name,
            "parameter",
            default=REQUIRED if p.default is None else p.default,
            positional=positional,
            limits=p.limits,
            limits_from_y=p.limits_from_y,
        )
        for p in row.parameters
    ]


def sources(operand: int) -> list[Argument]:
    """Return the two arguments of which backward takes exactly one."""
    return [
        Argument("x", "input", "like", operand, in_place=True, source="x"),
        Argument("y", "input", "like", operand, in_place=True, source="y"),
    ]


def elementwise(row: Row, role: str) -> list[Argument]:
    bias = Argument("bias", "vector", "broadcast")
    if role != "backward":
        return [X, *parameters(row, True), replace(bias, operand=1), replace(OUT, operand=2)]
    bias_grad = Argument("bias_grad", "sum", "broadcast", of="bias")
    return [GRAD, *sources(1), *parameters(row, False), replace(bias, operand=2), bias_grad, replace(OUT, operand=3)]


def channelwise(row: Row, role: str) -> list[Argument]:
    (parameter,) = row.parameters
    weight = Argument(
        parameter.name,
        "weight",
        "channel",
        default=REQUIRED,
        limits=parameter.limits,
        limits_from_y=parameter.limits_from_y,
    )
    axis = replace(AXIS, default=1)
    if role != "backward":
        weight, axis = replace(weight, operand=1, positional=True), replace(axis, positional=True)
        return [X, weight, axis, replace(OUT, operand=2)]
    weight_grad = Argument(f"{parameter.name}_grad", "sum", "channel", of=parameter.name)
    return [GRAD, *sources(1), replace(weight, operand=2), axis, weight_grad, replace(OUT, operand=3)]


def masking(operand: int) -> list[Argument]:
    """Return the arguments of rows that are scaled and masked; the second operand is the valid lengths."""
    return [
        Argument("scale", "parameter", default=1.0, limits=ABOVE_ZERO),
        Argument("where", "mask", "broadcast", operand),
        Argument("causal", "flag", operand=operand + 1, default=False),
    ]


def rowwise(row: Row, role: str) -> list[Argument]:
    masks = row.selects
    if role != "backward":
        return [
            X,
            replace(AXIS, positional=True),
            *(masking(1) if masks else []),
            replace(OUT, operand=3),
        ]
    y = Argument("y", "input", "like", 1, REQUIRED, in_place=True)
    return [GRAD, y, AXIS, *(masking(2) if masks else []), replace(OUT, operand=4)]


def reduction(row: Row, role: str) -> list[Argument]:
    if role != "backward":
        keepdims = Argument("keepdims", "flag", default=False)
        return [X, replace(AXIS, positional=True), keepdims, replace(OUT, operand=3, shape="reduced")]
    grad, x = replace(GRAD, shape="reduced", in_place=False), replace(X, operand=1, positional=False)
    return [grad, x, AXIS, replace(OUT, operand=4)]


def gate(row: Row, role: str) -> list[Argument]:
    assert row.inputs is not None
    place = {"gate": 0, "value": 1}
    optional = replace(X, default=None)
    if role != "backward":
        pair = [replace(optional, name=name, operand=place[name]) for name in row.inputs]
        x = replace(optional, positional=False, shape="halves", operand=0)
        return [*pair, x, AXIS, replace(OUT, operand=2)]
    pair = [replace(optional, name=name, operand=1 + k, positional=False) for name, k in place.items()]
    x = replace(optional, positional=False, shape="halves", operand=1)
    gradients = [replace(OUT, name=f"{name}_grad", operand=3 + k) for name, k in place.items()]
    return [GRAD, *pair, x, AXIS, *gradients, replace(OUT, shape="halves", operand=3)]


SMOOTHING = Argument("label_smoothing", "parameter", default=0.0, limits=(0.0, 1.0))


def softmax_cross_entropy(row: Row, role: str) -> list[Argument]:
    return [
        replace(X, name="logits"),
        Argument("targets", "targets", "reduced", 1, REQUIRED, True),
        AXIS,
        Argument("reduction", "choice", default="mean"),
        Argument("class_weight", "weight", "classes", 3),
        SMOOTHING,
        Argument("ignore_label", "index"),
        replace(OUT, name="grad_out", operand=4),
    ]


def sigmoid_cross_entropy(row: Row, role: str) -> list[Argument]:
    return [
        replace(X, name="logits"),
        Argument("targets", "targets", "like", 1, REQUIRED, True),
        Argument("reduction", "choice", default="mean"),
        Argument("weight", "weight", "broadcast", 2),
        Argument("pos_weight", "weight", "broadcast", 3),
        SMOOTHING,
        replace(OUT, name="grad_out", operand=4),
    ]


KINDS = {
    "elementwise": elementwise,
    "channelwise": channelwise,
    "rowwise": rowwise,
    "reduction": reduction,
    "gate": gate,
    "softmax_cross_entropy": softmax_cross_entropy,
    "sigmoid_cross_entropy": sigmoid_cross_entropy,
}


def arguments(row: Row, role: str) -> tuple[Argument, ...]:
    """Return the arguments of a row's function (forward, derivative or backward), positional ones first."""
    return tuple(KINDS[row.kind if row.kind != "loss" else row.name](row, role))
