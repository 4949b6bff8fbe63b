"""Write fastact/__init__.pyi, types for callers, made of the arguments that the catalogue declares; and the names in typing.py.

Functions with the same arguments share a protocol, which is called by what it takes; its overloads follow from the
arguments' roles and shape rules. ``--check`` fails where a file in the tree differs.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import fastact as fa
from fastact.activations import PRESETS
from fastact.catalogue import SPECS, signatures
from fastact.catalogue.signatures import REQUIRED

STUB = Path(__file__).resolve().parent.parent / "fastact" / "__init__.pyi"
TYPING = STUB.with_name("typing.py")
HEADER = """\
# Written by tools/make_stub.py from fastact/catalogue; not by hand.
# To mypy arrays of float32 and of float64 overlap, as if a type could be both:
# mypy: disable-error-code="overload-overlap"

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastact._threads import get_num_threads as get_num_threads
from fastact._threads import num_threads as num_threads
from fastact._threads import set_num_threads as set_num_threads
from fastact.activations import ACTIVATIONS as ACTIVATIONS
from fastact.activations import GATES as GATES
from fastact.activations import REDUCTIONS as REDUCTIONS
from fastact.config import get_c_api as get_c_api
from fastact.config import get_include as get_include
from fastact.config import show_config as show_config
from fastact.diagnosis import Diagnosis as Diagnosis
from fastact.diagnosis import diagnose as diagnose
from fastact.pictures import plot as plot
from fastact.typing import Activation, Name

__version__: str
"""
TYPES = """
_Out = TypeVar("_Out")
_OtherOut = TypeVar("_OtherOut")
_Real = TypeVar("_Real", np.float16, np.float32, np.float64)
_Computed = TypeVar("_Computed", np.float32, np.float64)  # losses of float16 are of float32
_Wide = TypeVar("_Wide", bound=np.float64 | np.integer[Any] | np.bool)  # computed in float64, whatever is beside it
_Given = TypeVar("_Given", bound=Callable[..., Any])
_Axes: TypeAlias = int | tuple[int, ...] | None
_Labels: TypeAlias = NDArray[np.integer[Any]] | NDArray[np.bool] | Sequence[int] | Sequence[Sequence[int]]

class _Described(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def bounds(self) -> Mapping[str, Mapping[str, float]]: ...
    @property
    def backward_from(self) -> tuple[str, ...]: ...
"""
JACOBIAN = """\
    @overload
    def jacobian(self, y: NDArray[_Real], axis: int = -1) -> NDArray[_Real]: ...
    @overload
    def jacobian(self, y: ArrayLike, axis: int = -1) -> NDArray[Any]: ...
"""
PLAIN = {"parameter": "float", "flag": "bool", "axis": "int", "index": "int | None", "choice": "str"}
OUTS = ("_Out", "_OtherOut")

# What inputs are, what vectors and weights beside them may be so that the result is no wider, and what the result is.
CASES = (
    ("NDArray[_Real]", "NDArray[_Real]", "NDArray[_Real]"),
    ("NDArray[_Wide]", "ArrayLike", "NDArray[np.float64]"),
    ("_Real", "_Real", "_Real"),
    ("float", "ArrayLike", "np.float64"),
)
ANY = ("ArrayLike", "ArrayLike", "Any")


# ---------------------------------------------------------------------------------------------------------------
# Overloads
# ---------------------------------------------------------------------------------------------------------------


def parameter(argument, kind, required=False):
    """Return a parameter of a stub's function."""
    if argument.default is REQUIRED or required:
        return f"{argument.name}: {kind}"
    default = argument.default
    return f"{argument.name}: {kind} = {default!r}"


def with_none(argument, kind):
    return f"{kind} | None" if argument.default is None else kind


def type_of(argument, case, leads=False):
    """Return the type of an argument that is not an output; the input that `leads` has the shape of the result."""
    inputs, beside, _ = case
    if argument.several:
        return "_Axes"
    if argument.role in PLAIN:
        return PLAIN[argument.role]
    if argument.role == "targets" and beside != "ArrayLike":
        return f"{beside} | _Labels"
    if argument.role in ("mask", "targets", "sum"):
        return with_none(argument, "ArrayLike")
    if argument.role == "input":
        if not leads and inputs == CASES[1][0]:
            return "ArrayLike"
        return f"{inputs} | _Real" if argument.shape == "reduced" and inputs == "NDArray[_Real]" else inputs
    if argument.role == "weight" and beside != "ArrayLike":
        return with_none(argument, f"float | {beside}")
    return with_none(argument, beside)


def overload(arguments, case, outs, result, **literal):
    """Return one overload: `outs` are the types of the outputs, all required where they are type variables."""
    positional, keywords = [], []
    remaining = list(outs)
    leading = next(a.name for a in arguments if a.role == "input" and a.shape in ("like", "halves"))
    for a in arguments:
        if a.role == "output":
            kind = remaining.pop(0)
            text = parameter(a, kind, required=kind in OUTS)
        elif a.name in literal:
            kind, required = literal[a.name]
            text = parameter(a, kind, required)
        else:
            text = parameter(a, type_of(a, case, a.name == leading))
        (positional if a.positional else keywords).append(text)
    listed = ["self", *positional, *(["*", *keywords] if keywords else [])]
    return f"    @overload\n    def __call__({', '.join(listed)}) -> {result}: ...\n"


def overloads(spec, role):
    """Yield the overloads of a function: for each way of a call by what is given, the most precise first."""
    for given in ("outputs", "types", "anything"):
        for arguments in signatures.ways(spec, role):
            yield from {"outputs": to_outputs, "types": by_types, "anything": of_anything}[given](spec, role, arguments)


def outputs_of(arguments):
    return [argument for argument in arguments if argument.role == "output"]


def tupled(results):
    return results[0] if len(results) == 1 else f"tuple[{', '.join(results)}]"


def to_outputs(spec, role, arguments):
    """A call with outputs returns these; a loss returns the loss."""
    if spec.kind != "loss":
        kinds = OUTS[: len(outputs_of(arguments))]
        yield overload(arguments, ANY, kinds, tupled(kinds))


def by_types(spec, role, arguments):
    """Without outputs the inputs' type decides."""
    count = len(outputs_of(arguments))
    if spec.kind == "loss":
        for case, scalar in zip(CASES[:2], ("_Real", "np.float64"), strict=True):
            for reductions, result in ((signatures.REDUCTIONS[:2], scalar), (signatures.REDUCTIONS[2:], case[2])):
                kind = f"Literal[{', '.join(map(repr, reductions))}]"
                required = signatures.REDUCTIONS[0] not in reductions
                outs = ["ArrayLike | None"] * count
                text = overload(arguments, case, outs, result, reduction=(kind, required))
                yield text.replace("_Real", "_Computed")
        return
    nothing = ["None"] * count
    if any(argument.name == "keepdims" for argument in arguments):  # without it the result may be a scalar
        for case in CASES[:2]:
            yield overload(arguments, case, nothing, case[2], keepdims=("Literal[True]", True))
        return
    for case in CASES if role != "backward" else CASES[:2]:
        yield overload(arguments, case, nothing, tupled([case[2]] * count))
    if any(argument.role == "input" and argument.shape == "reduced" for argument in arguments):
        yield overload(arguments, CASES[0], nothing, f"{CASES[0][2]} | {CASES[1][2]}", grad=("ArrayLike", True))


def of_anything(spec, role, arguments):
    optional = len(outputs_of(arguments)) > 1 or spec.kind == "loss"
    outs = ["ArrayLike | None" if optional else "None"] * len(outputs_of(arguments))
    yield overload(arguments, ANY, outs, tupled(["Any"] * (1 if spec.kind == "loss" else len(outs))))


# ---------------------------------------------------------------------------------------------------------------
# Protocols
# ---------------------------------------------------------------------------------------------------------------


def words(names):
    return "".join(word.capitalize() for name in names for word in name.split("_"))


def title(spec):
    """Return the name of a spec's protocol: its kind, and what it takes beyond what all of the kind do."""
    kind = words([spec.name]) if spec.kind == "loss" else spec.kind.capitalize()
    if spec.kind == "gate":
        return kind if spec.inputs[0] == "gate" else kind + words([f"{spec.inputs[0]}_first"])
    ranges = "Scaled" if spec.scaled else "Masked" if spec.masked else ""
    return ranges + kind + words(parameter.name for parameter in spec.parameters)


class Protocols:
    """The protocols of all functions: equal ones once, under a name of their own."""

    def __init__(self):
        self.text = {}  # by name
        self.names = {}  # by text

    def add(self, name, bases, body):
        """Return the name of a protocol with this body, an earlier one's where it is the same."""
        key = (bases, body)
        if key not in self.names:
            unique, number = name, 2
            while unique in self.text:
                unique, number = f"{name}{number}", number + 1
            self.names[key] = unique
            self.text[unique] = f"class {unique}({', '.join(bases)}):\n{body}"
        return self.names[key]

    def of(self, spec):
        """Return the name of a function's protocol."""
        name = f"_{title(spec)}"
        from_x = "" if spec.from_y or spec.kind not in ("elementwise", "channelwise") else "FromX"
        if spec.kind == "loss":
            return self.add(name, ("_Described", "Protocol"), "".join(overloads(spec, "forward")))
        called = self.add(f"{name}Function", ("_Described", "Protocol"), "".join(overloads(spec, "forward")))
        backward = self.add(f"{name}Backward{from_x}", ("_Described", "Protocol"), "".join(overloads(spec, "backward")))
        body = f"    @property\n    def derivative(self) -> {called}: ...\n" if spec.derivative else ""
        body += f"    @property\n    def backward(self) -> {backward}: ...\n"
        if spec.kind == "rowwise":
            body += JACOBIAN
        return self.add(f"{name}{from_x}", (called, "Protocol"), body)


def stub():
    """Return the text of the stub."""
    protocols = Protocols()
    types = {name: protocols.of(spec) for name, spec in SPECS.items()}
    lines = [f"{name}: {protocol}" for name, protocol in types.items()]
    kinds = [str.isupper, lambda name: name[0].isupper(), lambda name: True]  # the order that ruff wants
    in_order = sorted(fa.__all__, key=lambda name: ([not kind(name) for kind in kinds], name))
    listed = "".join(f"    {name!r},\n" for name in in_order)
    parts = [
        HEADER,
        f"__all__ = [\n{listed}]\n",
        TYPES,
        *protocols.text.values(),
        "\n".join(lines) + "\n",
        getters(types),
    ]
    return formatted("\n".join(parts), STUB)


def spellings():
    """Return the functions by every name that `get` knows, as it is spelled there."""
    found = {name: spec.name for spec in SPECS.values() for name in (spec.name, *spec.aliases)}
    return found | {name: function for name, (function, _) in PRESETS.items()}


def literal(names):
    return f"Literal[{', '.join(map(repr, sorted(names)))}]"


def getters(types):
    """Return the overloads of `get`: by the type of what a name stands for."""
    by_type = {}
    for name, function in spellings().items():
        by_type.setdefault(types[function], []).append(name)
    taken = {literal(names): protocol for protocol, names in by_type.items()}
    taken |= {"Name": "Activation", "str": "Any", "_Given": "_Given"}
    return "".join(f"@overload\ndef get(name: {kind}) -> {result}: ...\n" for kind, result in taken.items())


def is_activation(spec):
    """Return whether it is one as typing.Activation says: of one array, without an argument that must be given."""
    return spec.kind not in ("gate", "loss") and not spec.required and "weight" not in spec.defaults


def typing():
    """Return the text of typing.py, with the names of today."""
    by_hand = re.match(r".*^# From here on .*?\n", TYPING.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[0]
    names = [name for name, function in spellings().items() if is_activation(SPECS[function])]
    return formatted(f"{by_hand}Name: TypeAlias = {literal(names)}\n", TYPING)


def formatted(text, path):
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", path, "-"]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, check=True, cwd=STUB.parent.parent
    ).stdout


def main():
    parser = argparse.ArgumentParser(description="Write fastact/__init__.pyi, and the names in fastact/typing.py.")
    parser.add_argument("--check", action="store_true", help="write nothing; end with status 1 if it would change")
    made = {STUB: stub(), TYPING: typing()}
    if parser.parse_args().check:
        old = [path.name for path, text in made.items() if path.read_text(encoding="utf-8") != text]
        sys.exit(f"out of date: {', '.join(old)}: run python tools/make_stub.py" if old else 0)
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
