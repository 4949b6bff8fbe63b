"""Signatures and docstrings, made of a row of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import Parameter as Argument
from inspect import Signature
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastact.catalogue.row import Row

PAGE = """{name}{signature}

{summary}

Parameters
----------
{arguments}
out : array, optional
    Where to write the result, of its type and shape; `{first}` itself for a result in place. By default a new array
    is made.

Returns
-------
array
    `out`, or a new array laid out as `{first}` is; a NumPy scalar for a scalar.

Notes
-----
{notes}

Examples
--------
>>> import numpy as np
>>> import fastact as fa
{example}
"""
REAL = "float32 or float64; integers and bools are converted to float64."


def signature(row: Row, role: str) -> Signature:
    """Return the signature of a row's function (forward, derivative or backward)."""
    backward = role == "backward"
    by_name, either = Argument.KEYWORD_ONLY, Argument.POSITIONAL_OR_KEYWORD
    arguments = [Argument("grad" if backward else "x", either)]
    if backward and row.kind != "rowwise":
        arguments += [Argument(name, by_name, default=None) for name in ("x", "y")]
    elif backward:
        arguments += [Argument("y", by_name)]
    for name, default in row.defaults.items():
        shown = Argument.empty if default is None else default
        arguments += [Argument(name, by_name if backward else either, default=shown)]
    if row.kind == "elementwise":
        arguments += [Argument(name, by_name, default=None) for name in ("bias", "bias_grad")[: 1 + backward]]
    if backward and row.kind == "channelwise":
        arguments += [Argument(f"{row.parameters[0].name}_grad", by_name, default=None)]
    return Signature([*arguments, Argument("out", by_name, default=None)])


def document(row: Row, role: str) -> str:
    """Return the docstring of a row's function."""
    return PAGE.format(
        name=row.name if role == "forward" else f"{row.name}.{role}",
        signature=signature(row, role),
        summary=summary(row, role),
        arguments="\n".join(arguments(row, role)),
        first="grad" if role == "backward" else "x",
        notes="\n\n".join(notes(row, role)),
        example=row.examples[role],
    )


def summary(row: Row, role: str) -> str:
    if role == "forward":
        return f"{row.title}: ``{row.formula}``."
    if role == "derivative":
        return f"Derivative of `{row.name}`, element by element: ``{row.derivative}``."
    product = row.backward_y or f"grad * {row.name}'(x)"
    return f"Gradient with respect to the input of `{row.name}`: ``{product}``."


def arguments(row: Row, role: str) -> Iterable[str]:
    if role != "backward":
        yield f"x : array_like\n    {REAL}"
    else:
        yield f"grad : array_like\n    Gradient with respect to the output. {REAL}"
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
    if row.kind == "rowwise":
        yield "axis : int, default -1\n    The axis along which the rows lie."


def notes(row: Row, role: str) -> Iterable[str]:
    if role == "forward":
        yield f"Range: {' to '.join(row.range)}. Derivative: ``{row.derivative or row.backward_y}``."
        yield f"Error: {within(row, 'forward')} of the true value."
        if row.notes:
            yield row.notes
    elif role == "derivative":
        yield f"Error: {within(row, 'derivative')} of the true value."
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
