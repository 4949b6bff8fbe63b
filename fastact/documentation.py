"""Signatures and docstrings, made of the catalogue and of the arguments that signatures.py declares."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from inspect import Parameter, Signature

from fastact.catalogue import SPECS, Spec, signatures
from fastact.catalogue.signatures import REQUIRED, Argument

WIDTH = 88
TYPES = {
    "input": "array_like",
    "vector": "array_like",
    "weight": "array_like",
    "mask": "array_like of bool",
    "targets": "array_like",
    "parameter": "float",
    "flag": "bool",
    "axis": "int",
    "index": "int",
    "output": "array",
    "sum": "array",
}


def signature(spec: Spec, role: str) -> Signature:
    """Return the signature of a function (forward, derivative or backward)."""
    return signature_of(signatures.arguments(spec, role))


def signature_of(arguments: Iterable[Argument]) -> Signature:
    return Signature(
        [
            Parameter(
                a.name,
                Parameter.POSITIONAL_OR_KEYWORD if a.positional else Parameter.KEYWORD_ONLY,
                default=Parameter.empty if a.default is REQUIRED else a.default,
            )
            for a in arguments
        ]
    )


def document(spec: Spec, role: str) -> str:
    """Return the docstring of a function, in numpydoc's sections."""
    name = spec.name if role == "forward" else f"{spec.name}.{role}"
    shown = signatures.ways(spec, role) if spec.kind == "gate" else [signatures.arguments(spec, role)]
    sections = {
        "Parameters": [parameter(spec, argument, role) for argument in signatures.arguments(spec, role)],
        "Returns": [returned(spec, role)],
        "Raises": [*raised(spec, role)],
        "See Also": [*see_also(spec, role)],
        "Notes": ["\n\n".join(filled(note) for note in notes(spec, role))],
        "Examples": [f">>> import numpy as np\n>>> import fastact as fa\n{spec.examples[role]}"],
    }
    return (
        "\n\n".join(
            [
                "\n".join(f"{name}{signature_of(arguments)}" for arguments in shown),
                summary(spec, role),
                *(f"{title}\n{'-' * len(title)}\n" + "\n".join(lines) for title, lines in sections.items()),
            ]
        )
        + "\n"
    )


def filled(text: str, indent: str = "", later: str = "") -> str:
    """Return paragraphs of lines that are not too long; those after a paragraph's first may be indented further."""
    return "\n\n".join(
        textwrap.fill(
            paragraph,
            WIDTH,
            initial_indent=indent,
            subsequent_indent=indent + later,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for paragraph in text.split("\n\n")
    )


def item(heading: str, text: str) -> str:
    return f"{heading}\n{filled(text, '    ')}"


def summary(spec: Spec, role: str) -> str:
    f = spec.activation
    if spec.kind == "gate":
        if role == "forward":
            return f"{spec.title}: ``{f}(gate) * value``."
        return (
            f"Gradients with respect to the inputs of `{spec.name}`: ``(grad * value) * {f}'(gate)`` and "
            f"``grad * {f}(gate)``."
        )
    if spec.kind == "loss":
        return f"{spec.title}, and its gradient in the same pass."
    if role == "forward":
        return f"{spec.title}: ``{spec.formula}``."
    if role == "derivative":
        return f"Derivative of `{spec.name}`, element by element: ``{spec.derivative}``."
    product = spec.backward_y or spec.backward_x or f"grad * {spec.name}'(x)"
    return f"Gradient with respect to the input of `{spec.name}`: ``{product}``."


# ---------------------------------------------------------------------------------------------------------------
# Parameters, Returns, Raises, See Also
# ---------------------------------------------------------------------------------------------------------------


def parameter(spec: Spec, argument: Argument, role: str) -> str:
    """Return what the section Parameters says of an argument."""
    kind = f"{{{', '.join(map(quoted, argument.choices))}}}" if argument.choices else TYPES[argument.role]
    if argument.several:
        kind += ", tuple of ints or None"
    if argument.default is None:
        kind += ", optional"
    elif argument.default is not REQUIRED:
        default = argument.default
        kind += f", default {default:g}" if isinstance(default, float) else f", default {quoted(default)}"
    return item(f"{argument.name} : {kind}", " ".join([argument.doc, *ranges(spec, argument, role)]))


def quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value}"


def ranges(spec: Spec, argument: Argument, role: str) -> Iterable[str]:
    """Yield the range of a number, in the compute type; and that with which backward can go by the output."""
    if argument.role not in ("parameter", "weight"):
        return
    words = signatures.range_in_words(*argument.limits, none="")
    if words:
        yield f"{words[0].upper()}{words[1:]}."
    if argument.limits_from_y and role == "backward" and spec.from_y:
        yield f"With `y`, {signatures.range_in_words(*argument.limits_from_y)}."


def returned(spec: Spec, role: str) -> str:
    first, *_ = signatures.arguments(spec, role)
    if spec.kind == "gate" and role == "backward":
        return item(
            "tuple of arrays, or array",
            "``(gate_grad, value_grad)``, new arrays where none are given; with `x`, one array of its shape.",
        )
    if spec.kind == "loss":
        rows = any(argument.role == "axis" for argument in signatures.arguments(spec, role))
        shape = "their shape without `axis`" if rows else "their shape"
        return item(
            "scalar or array",
            f"The loss, in the type computed in, that of `logits` unless another operand is wider: a NumPy scalar, or for "
            f'"none" an array of {shape}.',
        )
    if spec.kind == "reduction" and role == "forward":
        return item("array", "`out`, or a new array; a NumPy scalar where no axis is left.")
    like = "x" if spec.kind == "reduction" else first.name
    return item("array", f"`out`, or a new array laid out as `{like}` is; a NumPy scalar for a scalar.")


def raised(spec: Spec, role: str) -> Iterable[str]:
    """Yield the errors; all of them come before anything is written."""
    declared = signatures.arguments(spec, role)
    types = ["an operand has a dtype that is not accepted", "an output has another dtype than the result"]
    if any(argument.source for argument in declared):
        types.insert(0, "not exactly one of `x` and `y` is given" if spec.from_y else "`x` is not given")
    if spec.kind == "gate":
        types.insert(0, "neither the two arrays nor `x` are given, or both")
    values = ["shapes do not match", "an output is read-only or overlaps itself"]
    if any(argument.role in ("parameter", "weight") for argument in declared):
        values.insert(1, "a number is NaN or outside its range")
    if any(argument.role == "targets" for argument in declared):
        values.insert(1, "a target is no class or no probability (the message has the position of the first)")
    if spec.kind == "gate":
        values.insert(1, "`x` has no halves")
        if role == "backward":
            values.append("the gradients share memory")
    if any(argument.several for argument in declared):
        values.insert(1, "an axis is repeated")
    yield item("TypeError", f"If {listed(types)}.")
    yield item("ValueError", f"If {listed(values)}. Errors come before anything is written.")
    if any(argument.role == "axis" for argument in declared):
        yield item("numpy.exceptions.AxisError", "If there is no such axis.")


def listed(words: list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)}{',' * (len(first) > 1)} or {last}" if first else last


def see_also(spec: Spec, role: str) -> Iterable[str]:
    """Yield related functions, and what other libraries call this one."""
    if role != "forward":
        yield f"{spec.name} : The function itself."
    if spec.derivative and role != "derivative":
        yield f"{spec.name}.derivative : f'(x), element by element."
    if spec.kind != "loss" and role != "backward":
        yield f"{spec.name}.backward : The gradient with respect to the input{'s' * (spec.kind == 'gate')}."
    if role != "forward":
        return
    for name in (*spec.related, *([spec.activation] if spec.activation else [])):
        yield f"{name} : {SPECS[name].title}."
    if spec.elsewhere:
        yield filled(
            f"get : Finds a function by name. Other libraries call this one {', '.join(elsewhere(spec))}.", later="    "
        )


def elsewhere(spec: Spec) -> Iterable[str]:
    """Yield what other libraries call a function, each name with its library."""
    for library, names in spec.elsewhere.items():
        before = f"{library}." if "." in library else "" if library == "others" else f"{library} "
        yield from (f"{before}{name}" for name in names.split())


# ---------------------------------------------------------------------------------------------------------------
# Notes
# ---------------------------------------------------------------------------------------------------------------


def notes(spec: Spec, role: str) -> Iterable[str]:
    """Yield paragraphs: range, derivative, error bound, special values, source."""
    if spec.kind == "gate":
        yield from notes_of_gate(spec, role)
    elif role == "forward":
        yield from notes_of_function(spec)
    elif role == "derivative":
        yield f"Error: {within(spec, 'derivative')} of the true value{near_root(spec)}."
    elif spec.kind == "rowwise":
        yield f"Error: {within(spec, 'backward_y')} of the sum of the absolute terms."
    elif spec.kind == "reduction":
        yield f"Error: {within(spec, 'backward_x')} of the true value."
    else:
        stopped = (
            "; where a branch makes the derivative 0, the result is 0 whatever `grad` is" if spec.piecewise else ""
        )
        yield f"`grad` times the derivative, rounded once{stopped}."
        if spec.from_y:
            yield f"Error of the derivative from `y`: {within(spec, 'backward_y')} of that of the `y` given."
    for argument in signatures.arguments(spec, role):
        if argument.role == "sum":
            yield (
                f"Error of the gradient with respect to `{argument.of}`: at most 3 ulp of the sum of the absolute terms. "
                "It is written last, and depends on neither strides nor the number of threads."
            )
    if role == "forward":
        yield "An ulp is the distance from a number to the next one of its type."
        if spec.notes:
            yield spec.notes
        if spec.source:
            yield f"Source: {spec.source}."


def notes_of_function(spec: Spec) -> Iterable[str]:
    if spec.kind == "loss":
        yield f"Each loss: ``{spec.formula}``."
        yield f"Range: {' to '.join(spec.range)}. Gradient of the sum of the losses: ``{spec.gradient}``."
        yield (
            f"Error: {within(spec, 'forward')} of the loss, however small it is; of the gradient, "
            f"{within(spec, 'gradient')} of the sum of the absolute terms. No bit depends on strides or the number of threads."
        )
        return
    yield f"Range: {' to '.join(spec.range)}. Derivative: ``{spec.derivative or spec.backward_y or spec.backward_x}``."
    terms = (spec.terms or {}).get("forward")
    yield f"Error: {within(spec, 'forward')} of {f'``{terms}``' if terms else 'the true value'}."


def notes_of_gate(spec: Spec, role: str) -> Iterable[str]:
    f = spec.activation
    if role == "forward":
        yield f"Range: {' to '.join(spec.range)}. Derivatives: ``value * {f}'(gate)`` and ``{f}(gate)``."
        yield (
            f"The bits are those of ``{f}(gate) * value``. Error: {within(spec, 'forward')} of the true value. A subnormal "
            f"``{f}(gate)`` has fewer digits, and so has the result then."
        )
        return
    yield (
        f"Both gradients are computed in one pass, products from left to right. Error with respect to the gate: "
        f"{within(spec, 'gate_grad')} of the true value{near_root(spec)}; with respect to the value: "
        f"{within(spec, 'value_grad')}. A subnormal ``grad * value``, ``{f}(gate)`` or ``{f}'(gate)`` has fewer digits, "
        "and so has the gradient then."
    )
    if spec.piecewise and f == "relu":
        yield f"Where {f}' is 0, the gradient with respect to the gate is 0 whatever `grad` is."


def near_root(spec: Spec) -> str:
    """Return what the error is relative to where a derivative changes its sign."""
    if not spec.root:
        return ""
    scale = "a quarter of ``grad * value``" if spec.kind == "gate" else "1/4"
    return f" (within 0.6 of the derivative's root, of {scale} at least)"


def within(spec: Spec, function: str) -> str:
    single, double = spec.bounds["float32"][function], spec.bounds["float64"][function]
    if single == double:
        return f"at most {single:g} ulp in float32 and float64"
    return f"at most {single:g} ulp in float32 and {double:g} ulp in float64"
