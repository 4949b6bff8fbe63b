"""Signatures and docstrings, made of a row of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import Parameter as Argument
from inspect import Signature
from typing import TYPE_CHECKING

from fastact.catalogue import signatures

if TYPE_CHECKING:
    from fastact.catalogue.row import Row

PAGE = """{name}{signature}

{summary}

Parameters
----------
{arguments}
out : array, optional
    Where to write the result, of its type and shape{in_place}. By default a new array
    is made.

Returns
-------
array
    `out`, or a new array{laid_out}; a NumPy scalar for a scalar.

Notes
-----
{notes}

Examples
--------
>>> import numpy as np
>>> import fastact as fa
{example}
"""
GATE_PAGE = """{name}({first}, {second}, *, out=None)
{name}(x, *, axis=-1, out=None)

{title}: ``{activation}(gate) * value``.

Parameters
----------
{first} : array_like
    The {first_is}. {real}
{second} : array_like
    The {second_is}, of the same shape.
x : array_like
    `{first}` and `{second}` in one array: its first and second half along `axis`.
axis : int, default -1
    The axis along which `x` is halved.
out : array, optional
    Where to write the result, of its type and shape; `gate` or `value` itself for a result in place. By default a new
    array is made.

Returns
-------
array
    `out`, or a new array laid out as `{first}` is; a NumPy scalar for scalars.

Raises
------
TypeError
    If neither two arrays nor one alone are given, or of types that are not taken.
ValueError
    If shapes differ, or `x` has no halves.

Notes
-----
Derivatives, in `fastact.{name}.backward`: ``value * {activation}'(gate)`` by the gate, ``{activation}(gate)`` by the
value.

To the bit the product of `fastact.{activation}` of the gate with the value. Error: {within} of the true value; where
``{activation}(gate)`` is subnormal it is what that has lost.
{notes}
Examples
--------
>>> import numpy as np
>>> import fastact as fa
{example}
"""
GATE_BACKWARD_PAGE = """{name}.backward(grad, *, gate, value, gate_grad=None, value_grad=None)
{name}.backward(grad, *, x, axis=-1, out=None)

Gradients with respect to the inputs of `{name}`: ``(grad * value) * {activation}'(gate)`` and ``grad * {activation}(gate)``.

Parameters
----------
grad : array_like
    Gradient with respect to the output. {real}
gate : array_like
    The gate of the forward call.
value : array_like
    Its value. The output is not enough.
x : array_like
    `{first}` and `{second}` in one array: its first and second half along `axis`.
axis : int, default -1
    The axis along which `x` is halved.
gate_grad : array, optional
    Where to write the gradient by the gate, of the result's type and shape; it may be any of the inputs.
value_grad : array, optional
    Where to write that by the value. The two may not share memory.
out : array, optional
    Where to write both gradients, as `x` has both inputs; `x` itself for a result in place.

Returns
-------
tuple of arrays, or array
    ``(gate_grad, value_grad)``, new arrays where none is given; with `x`, one array of its shape.

Raises
------
TypeError
    If neither `gate` and `value` nor `x` are given, or something that goes with the others.
ValueError
    If shapes differ, the gradients share memory, or `x` has no halves.

Notes
-----
Both gradients come of one pass, products from left to right. Error by the gate: {gate_within}
of the true value{root}; by the value: {value_within}. Where ``grad * value``,
``{activation}(gate)`` or ``{activation}'(gate)`` is subnormal it is what that has lost.{stopped}

Examples
--------
>>> import numpy as np
>>> import fastact as fa
{example}
"""
REAL = "float32 or float64; integers and bools are converted to float64."


def signature(row: Row, role: str) -> Signature:
    """Return the signature of a row's function (forward, derivative or backward)."""
    return Signature(
        [
            Argument(
                a.name,
                Argument.POSITIONAL_OR_KEYWORD if a.positional else Argument.KEYWORD_ONLY,
                default=Argument.empty if a.default is signatures.REQUIRED else a.default,
            )
            for a in signatures.arguments(row, role)
        ]
    )


def document(row: Row, role: str) -> str:
    """Return the docstring of a row's function."""
    if row.kind == "gate":
        return gate_document(row, role)
    if row.kind == "loss":
        return f"{row.name}{signature(row, role)}\n\n{row.page}"
    first = "x" if role != "backward" or row.kind == "reduction" else "grad"
    reduces = row.kind == "reduction" and role == "forward"
    return PAGE.format(
        name=row.name if role == "forward" else f"{row.name}.{role}",
        signature=signature(row, role),
        summary=summary(row, role),
        arguments="\n".join(arguments(row, role)),
        in_place="" if reduces else f"; `{first}` itself for a result in place",
        laid_out="" if reduces else f" laid out as `{first}` is",
        notes="\n\n".join(notes(row, role)),
        example=row.examples[role],
    )


def summary(row: Row, role: str) -> str:
    if role == "forward":
        return f"{row.title}: ``{row.formula}``."
    if role == "derivative":
        return f"Derivative of `{row.name}`, element by element: ``{row.derivative}``."
    product = row.backward_y or row.backward_x or f"grad * {row.name}'(x)"
    return f"Gradient with respect to the input of `{row.name}`: ``{product}``."


def arguments(row: Row, role: str) -> Iterable[str]:
    if role != "backward":
        yield f"x : array_like\n    {REAL}"
    else:
        yield f"grad : array_like\n    Gradient with respect to the output. {REAL}"
        if row.kind == "reduction":
            yield "x : array_like\n    The input of the forward call."
            yield "axis : int, default -1\n    The axis along which the rows lie."
            return
        if row.kind != "rowwise":
            yield "x : array_like, optional\n    The input of the forward call."
        if not row.from_y:
            yield "y : None\n    The output does not determine this derivative: to give it is a TypeError."
        elif row.kind != "rowwise":
            yield "y : array_like, optional\n    Its output, instead of `x`: this derivative follows from it too."
        else:
            yield "y : array_like\n    The output of the forward call."
    for parameter in row.parameters:
        default = "" if parameter.default is None else f", default {parameter.default:g}"
        taken = "array_like" if row.kind == "channelwise" else "float"
        yield f"{parameter.name} : {taken}{default}\n    {parameter.meaning}"
        if row.kind == "channelwise":
            yield f"axis : int, default 1\n    The axis along which a vector of `{parameter.name}` lies."
        if row.kind == "channelwise" and role == "backward":
            yield (
                f"{parameter.name}_grad : array, optional\n    Where to write the gradient with respect to "
                f"`{parameter.name}`, of its shape and the result's type."
            )
    if row.kind == "elementwise":
        given_x = " Only with `x`." if role == "backward" else ""
        yield (
            "bias : array_like, optional\n    A vector, as long as the last axis: it is added to `x` before, and the sum "
            f"is rounded to its type.{given_x}"
        )
    if row.kind == "elementwise" and role == "backward":
        yield (
            "bias_grad : array, optional\n    Where to write the gradient with respect to the bias, the sum of the "
            "result over all axes but the last."
        )
    if row.kind in ("rowwise", "reduction"):
        yield "axis : int, default -1\n    The axis along which the rows lie."
    if row.kind == "reduction":
        yield "keepdims : bool, default False\n    Whether the axis stays, with one element."
    if row.selects:
        nothing = "-inf" if row.range[0] == "-inf" else "0"
        result = "gradient is 0" if role == "backward" else f"result is {nothing}"
        yield "scale : float, default 1\n    What `x` is multiplied by, one over the temperature: finite and above 0."
        yield (
            "where : array_like of bools, optional\n    What takes part, broadcast against `x`; where it is False the "
            f"{result}, whatever `x` is."
        )
        yield (
            "causal : bool, default False\n    Whether a row sees no later ones: in the last two axes, queries by keys, query "
            "i sees the keys up to i + keys - queries. With `axis` the last."
        )


def notes(row: Row, role: str) -> Iterable[str]:
    if role == "forward":
        yield f"Range: {' to '.join(row.range)}. Derivative: ``{row.derivative or row.backward_y or row.backward_x}``."
        terms = (row.terms or {}).get("forward")
        yield f"Error: {within(row, 'forward')} of {f'``{terms}``' if terms else 'the true value'}."
        if row.notes:
            yield row.notes
    elif role == "derivative":
        yield f"Error: {within(row, 'derivative')} of the true value."
    elif row.kind == "reduction":
        yield f"Error: {within(row, 'backward_x')} of the true value."
    elif row.kind != "rowwise":
        stopped = "; where a branch makes the derivative 0, 0 whatever `grad` is" if row.piecewise else ""
        yield f"`grad` times the derivative, rounded once{stopped}."
        if row.from_y:
            yield f"Error of the derivative from `y`: {within(row, 'backward_y')} of that of the `y` given."
        summed = f"`{row.parameters[0].name}`" if row.kind == "channelwise" else "`bias`"
        yield (
            f"The gradient with respect to {summed} is a sum; its error: at most 3 ulp of the sum of the absolute\n"
            "terms. It is written last, and depends on neither strides nor the number of threads."
        )
    else:
        yield f"Error: {within(row, 'backward_y')} of the sum of the absolute terms."


def within(row: Row, function: str) -> str:
    single, double = row.bounds["float32"][function], row.bounds["float64"][function]
    return f"at most {single:g} ulp in float32 and {double:g} ulp in float64"


def gate_document(row: Row, role: str) -> str:
    assert row.inputs is not None
    first, second = row.inputs
    is_what = {"gate": "array that is activated", "value": "array that is multiplied"}
    page = GATE_BACKWARD_PAGE if role == "backward" else GATE_PAGE
    stopped = (
        f"\nWhere {row.activation}' is 0, the gradient by the gate is 0 whatever `grad` is." if row.piecewise else ""
    )
    return page.format(
        name=row.name,
        title=row.title,
        activation=row.activation,
        first=first,
        second=second,
        first_is=is_what[first],
        second_is=is_what[second],
        real=REAL,
        within=within(row, "forward"),
        gate_within=within(row, "gate_grad"),
        value_within=within(row, "value_grad"),
        root=f", within 0.6 of the root of {row.activation}' of a quarter of ``grad * value``" if row.root else "",
        stopped=stopped if row.activation == "relu" else "",
        notes=f"\n{row.notes}\n" if row.notes else "",
        example=row.examples[role],
    )
