"""The arguments of every function, declared once: the core's slots, signatures, docstrings and the stub are made of them.

Nothing here computes. An argument has a role, says by which rule its shape follows from that of the first input, which
of the kernel's operands it is (kernels/kernels.h lists these), and what docstrings say of it. A new argument of a
function is one more Argument here.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from fastact.catalogue.spec import Spec

MOST = sys.float_info.max
LEAST = 5e-324
FROM_ZERO = (0.0, MOST)
ABOVE_ZERO = (LEAST, MOST)
REDUCTIONS = ("mean", "sum", "none")


class Required:
    """The default of an argument that must be given."""

    def __repr__(self) -> str:
        return "required"


REQUIRED = Required()


@dataclass(frozen=True)
class Argument:
    """One argument of a function."""

    name: str
    role: Literal[
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
    shape: Literal[
        "like",  # that of the first input
        "halves",  # twice as long along the axis: two operands in one array
        "broadcast",  # broadcast to it, as NumPy does
        "channel",  # broadcast to it, but a vector lies along `axis`
        "classes",  # a vector along the axis
        "reduced",  # without the axis
        "rows",  # broadcast to that, as NumPy does
        "none",
    ] = "none"
    operand: int = -1  # its place among the kernel's operands
    default: object = None
    positional: bool = False
    in_place: bool = False  # as an input: an output may be this very array
    of: str | None = None  # of a sum: what was broadcast
    source: Literal["", "x", "y"] = ""  # one of the two that backward can go by
    limits: tuple[float, float] = FROM_ZERO  # of a parameter or a weight, in the compute type
    limits_from_y: tuple[float, float] | None = None  # where backward goes by the output, if these are others
    choices: tuple[str, ...] = ()
    several: bool = False  # of an axis: it may be a tuple, or None for all
    doc: str = ""

    @property
    def is_parameter(self) -> bool:
        """Whether it says how to compute, and is not an operand like the first input that may be given or not."""
        return self.role in ("parameter", "weight", "mask", "flag", "axis", "choice", "index")


def range_in_words(low: float, high: float, none: str = "a number") -> str:
    """Return the words for a range, both ends of which are allowed."""
    words = [
        word
        for applies, word in (
            (low == -MOST or high == MOST, "finite"),
            (low == 0, "at least 0"),
            (low == LEAST, "above 0"),
            (low not in (0, LEAST) and abs(low) < MOST, f"at least {low:g}"),
            (abs(high) < MOST, f"at most {high:g}"),
        )
        if applies
    ]
    return " and ".join(words) or none


# ---------------------------------------------------------------------------------------------------------------
# Arguments that several functions have
# ---------------------------------------------------------------------------------------------------------------

REAL = "float16, bfloat16, float32 or float64; integers and bools are converted to float64."
OUT = Argument(
    "out",
    "output",
    "like",
    doc="Array that receives the result, of its shape and dtype; it may be `{first}` itself, which is overwritten then. "
    "By default a new array is allocated.",
)
AXIS = Argument("axis", "axis", default=-1, doc="The axis along which the rows lie.")
AXES = Argument(
    "axis",
    "axis",
    default=-1,
    several=True,
    doc="The axis along which the rows lie. A tuple of axes, or None for all axes: a row has all elements along these. If they do "
    "not lie together in memory, the array is copied.",
)
GRAD = Argument(
    "grad", "input", "like", 0, REQUIRED, True, True, doc=f"Gradient of the loss with respect to the output. {REAL}"
)
X = Argument("x", "input", "like", 0, REQUIRED, True, True, doc=f"Input array. {REAL}")
INPUT = "The input of the forward call."
OUTPUT = "The output of the forward call."
BROADCAST = (
    "broadcast to the shape of `x` as NumPy does: a vector lies along the last axis, an array of shape (C, 1, 1) along "
    "the channels of images in the order (N, C, H, W)."
)


def out(operand: int, first: str = "x", **changes: object) -> Argument:
    """Return the argument for the result, which may be computed in place of the first input."""
    return replace(OUT, operand=operand, doc=OUT.doc.format(first=first), **changes)  # type: ignore[arg-type]


def gradient(of: str, shape: Literal["broadcast", "channel"], broadcast: str) -> Argument:
    """Return the argument for the gradient with respect to what is broadcast."""
    doc = (
        f"Array that receives the gradient with respect to `{of}`: the sum over the axes along which it was broadcast, "
        f"of the shape of `{of}` and the dtype of the result.{broadcast}"
    )
    return Argument(f"{of}_grad", "sum", shape, of=of, doc=doc)


def parameters(spec: Spec, positional: bool) -> list[Argument]:
    """Return the catalogue's parameters as arguments."""
    return [
        Argument(
            p.name,
            "parameter",
            default=REQUIRED if p.default is None else p.default,
            positional=positional,
            limits=p.limits,
            limits_from_y=p.limits_from_y,
            doc=p.meaning,
        )
        for p in spec.parameters
    ]


def sources(spec: Spec, operand: int) -> list[Argument]:
    """Return the two arguments of which backward takes exactly one."""
    instead = f"{OUTPUT[:-1]}, instead of `x`."
    refused = "Not accepted (TypeError): the output does not determine this derivative."
    return [
        Argument("x", "input", "like", operand, in_place=True, source="x", doc=INPUT),
        Argument("y", "input", "like", operand, in_place=True, source="y", doc=instead if spec.from_y else refused),
    ]


# ---------------------------------------------------------------------------------------------------------------
# Functions, by kind
# ---------------------------------------------------------------------------------------------------------------


def elementwise(spec: Spec, role: str) -> list[Argument]:
    bias = Argument("bias", "vector", "broadcast", doc=f"Added to `x` first, {BROADCAST} The sum is rounded once.")
    if role != "backward":
        return [X, *parameters(spec, True), replace(bias, operand=1), out(2)]
    bias = replace(bias, operand=2, doc=f"{bias.doc} Only with `x`: an output already contains it.")
    by_output = " With `y`, of any shape that broadcasts to that of `grad`." if spec.from_y else ""
    summed = gradient("bias", "broadcast", by_output)
    return [GRAD, *sources(spec, 1), *parameters(spec, False), bias, summed, out(3, "grad")]


def channelwise(spec: Spec, role: str) -> list[Argument]:
    (parameter,) = spec.parameters
    weight = Argument(
        parameter.name,
        "weight",
        "channel",
        default=REQUIRED,
        limits=parameter.limits,
        limits_from_y=parameter.limits_from_y,
        doc=parameter.meaning,
    )
    axis = replace(AXIS, default=1, doc=f"The axis along which a vector of `{weight.name}` lies.")
    if role != "backward":
        weight, axis = replace(weight, operand=1, positional=True), replace(axis, positional=True)
        return [X, weight, axis, out(2)]
    summed = gradient(weight.name, "channel", "")
    return [GRAD, *sources(spec, 1), replace(weight, operand=2), axis, summed, out(3, "grad")]


def masking(spec: Spec, operand: int, result: str) -> list[Argument]:
    """Return the arguments of rows that are scaled and masked; the second operand is the valid lengths."""
    scale, where, causal = [
        Argument(
            "scale",
            "parameter",
            default=1.0,
            limits=ABOVE_ZERO,
            doc="Factor of `x`: the inverse of the temperature, 1/sqrt(d) in attention.",
        ),
        Argument(
            "where",
            "mask",
            "broadcast",
            operand,
            doc="Boolean mask, broadcast to the shape of `x` as NumPy does. Elements where it is False are excluded from "
            f"their row; {result}.",
        ),
        Argument(
            "causal",
            "flag",
            operand=operand + 1,
            default=False,
            doc="Apply a causal mask to scores of shape (..., queries, keys): query i attends to keys "
            "j <= i + keys - queries. `axis` must be the last.",
        ),
    ]
    return [scale, where, causal] if spec.scaled else [where] if spec.masked else []


GRADIENT_OF_MASKED = "their gradient is 0"


def rowwise(spec: Spec, role: str) -> list[Argument]:
    if role != "backward":
        masks = masking(spec, 1, f"their result is {'-inf' if spec.range[0] == '-inf' else 0}")
        return [X, replace(AXES, positional=True), *masks, out(3)]
    y = Argument("y", "input", "like", 1, REQUIRED, in_place=True, doc=OUTPUT)
    return [GRAD, y, AXES, *masking(spec, 2, GRADIENT_OF_MASKED), out(4, "grad")]


def reduction(spec: Spec, role: str) -> list[Argument]:
    if role != "backward":
        keepdims = Argument("keepdims", "flag", default=False, doc="Keep the reduced axes, with length 1.")
        result = replace(OUT, operand=3, shape="reduced", doc=f"{OUT.doc.partition(';')[0]}. By default a new array.")
        masks = masking(spec, 1, "a row without any gives -inf")
        return [X, replace(AXES, positional=True), keepdims, *masks, result]
    grad = replace(
        GRAD, shape="reduced", in_place=False, doc=f"{GRAD.doc} Of the shape of the output, with or without the axes."
    )
    x = replace(X, operand=1, positional=False, doc=INPUT)
    return [grad, x, AXES, *masking(spec, 2, GRADIENT_OF_MASKED), out(4)]


def gate(spec: Spec, role: str) -> list[Argument]:
    assert spec.inputs is not None
    first, second = spec.inputs
    place = {"gate": 0, "value": 1}
    meaning = {"gate": f"The input of {spec.activation}.", "value": "The input that is multiplied."}
    optional = replace(X, default=None)
    axis = replace(AXIS, doc="The axis along which `x` is split in halves. Only with `x`.")
    halves = f"`{first}` and `{second}` in one array: its first and second half along `axis`, instead of the two."
    if role != "backward":
        pair = [replace(optional, name=name, operand=place[name], doc=meaning[name]) for name in spec.inputs]
        pair[0] = replace(pair[0], doc=f"{pair[0].doc} {REAL}")
        x = replace(optional, positional=False, shape="halves", operand=0, doc=halves)
        return [*pair, x, axis, replace(out(2), doc=out(2, "gate` or `value").doc)]
    pair = [
        replace(optional, name=name, operand=1 + k, positional=False, doc=f"The {name} of the forward call.")
        for name, k in place.items()
    ]
    x = replace(optional, positional=False, shape="halves", operand=1, doc=halves)
    gradients = [
        replace(
            OUT,
            name=f"{name}_grad",
            operand=3 + k,
            doc=f"Array that receives the gradient with respect to `{name}`, of its shape and the dtype of the result; it "
            "may be any of the inputs, in place. The two gradients may not share memory.",
        )
        for name, k in place.items()
    ]
    both = replace(
        OUT,
        shape="halves",
        operand=3,
        doc="Array that receives both gradients, as `x` holds both inputs; it may be `x` itself, which is overwritten "
        "then. Only with `x`.",
    )
    return [GRAD, *pair, x, axis, *gradients, both]


LOGITS = replace(X, name="logits", doc=f"Unnormalized scores. {REAL}")
REDUCTION = Argument(
    "reduction",
    "choice",
    default="mean",
    choices=REDUCTIONS,
    doc='What is returned: the mean of the losses, their sum, or, for "none", each of them.',
)
GRAD_OUT = replace(
    OUT,
    name="grad_out",
    doc='Array that receives the gradient of the result (for "none", of the sum of the losses) with respect to '
    "`logits`, of their shape and the dtype of the result; it may be `logits` itself, which are overwritten then. By "
    "default none is computed.",
)


def smoothing(doc: str) -> Argument:
    return Argument("label_smoothing", "parameter", default=0.0, limits=(0.0, 1.0), doc=doc)


KINDS = {
    "elementwise": elementwise,
    "channelwise": channelwise,
    "rowwise": rowwise,
    "reduction": reduction,
    "gate": gate,
}


def arguments(spec: Spec, role: str) -> tuple[Argument, ...]:
    """Return the arguments of a function (forward, derivative or backward), positional ones first."""
    return spec.arguments or tuple(KINDS[spec.kind](spec, role))


def ways(spec: Spec, role: str) -> list[tuple[Argument, ...]]:
    """Return the arguments of each way of a call: backward from the input or the output, a gate of two arrays or one."""
    declared = arguments(spec, role)

    def required(names: tuple[str, ...], without: tuple[str, ...]) -> tuple[Argument, ...]:
        kept = (argument for argument in declared if argument.name not in without)
        return tuple(replace(a, default=REQUIRED) if a.name in names else a for a in kept)

    if spec.kind == "gate":
        assert spec.inputs is not None
        pair = required(
            spec.inputs, ("x", "axis", *(a.name for a in declared if a.role == "output" and a.shape == "halves"))
        )
        gradients = tuple(a.name for a in declared if a.role == "output" and a.shape == "like" and role == "backward")
        halves = required(("x",), (*spec.inputs, *gradients))
        if role == "forward":  # one positional argument is x
            halves = tuple(replace(a, positional=True) if a.name == "x" else a for a in halves)
        return [pair, halves]
    if any(argument.source for argument in declared):
        by_output = ("x", *(a.name for a in declared if a.role == "vector"))
        return [required(("x",), ("y",)), *([required(("y",), by_output)] if spec.from_y else [])]
    return [declared]


def bare_calls(spec: Spec) -> dict[str, tuple[Argument, ...]]:
    """Return the calls of a function from C, each with inputs, parameters and outputs, and nothing that can be left out.

    A name is the role, and "backward_y" where backward goes by the output. Losses have none.
    """
    calls = {}
    for role in () if spec.kind == "loss" else ("forward", "derivative", "backward"):
        if role == "derivative" and spec.derivative is None:
            continue
        for way in ways(spec, role):
            if not any(a.role == "input" and a.shape == "halves" for a in way):
                by_output = any(a.name == "y" for a in way)
                calls[f"{role}_y" if by_output else role] = tuple(filter(is_bare, way))
    return calls


def is_bare(argument: Argument) -> bool:
    required = argument.role in ("input", "weight") and argument.default is REQUIRED
    return required or argument.role == "parameter" or (argument.role == "output" and argument.shape != "halves")
