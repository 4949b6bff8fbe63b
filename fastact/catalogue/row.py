"""What the catalogue says of an activation, and nothing that computes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import Signature
from types import MappingProxyType
from typing import Literal

from fastact import documentation
from fastact.catalogue import signatures

Bounds = Mapping[str, Mapping[str, float]]
Limits = tuple[float, float]

MOST = sys.float_info.max
LEAST = 5e-324
FINITE = (-MOST, MOST)
FINITE_FROM_ZERO = (0.0, MOST)
FINITE_ABOVE_ZERO = (LEAST, MOST)
ANY_NUMBER = (-float("inf"), float("inf"))


@dataclass(frozen=True)
class Parameter:
    """A parameter of an activation. Both ends of its limits are allowed; it is held to them in the array's type."""

    name: str
    default: float | None  # None where the caller must give it
    limits: Limits
    meaning: str
    limits_from_y: Limits | None = None  # where backward goes by the output; the same unless given
    examples: tuple[float, ...] = ()  # values that tests try beyond the default


@dataclass(frozen=True)
class Row:
    """What the catalogue says of an activation.

    Formulas are expressions in NumPy's names (`where`, `maximum`, `exp`, ...), `x`, `y`, `grad` and the parameters. They
    are what the documentation shows, what tests compute with as many digits as it takes, and, in plain NumPy, what
    speed is compared with; so they may cancel, but must not turn an ordinary number into 0/0 or inf/inf.
    """

    name: str
    title: str
    formula: str
    range: tuple[str, str]  # numbers or parameters
    bounds: Bounds  # the largest errors, in ulp
    examples: Mapping[str, str]
    derivative: str | None = None  # of an elementwise function
    root: str | None = None  # where that changes its sign, but for 0: an expression in the parameters
    derivative_y: str | None = None  # the same from the output, where that determines it
    backward_y: str | None = None  # of a function of rows
    terms: Mapping[str, str] | None = None  # by function: what its error is relative to, where not to the true value
    piecewise: bool = False  # a branch can make the derivative exactly 0, which stops whatever the gradient holds
    parameters: tuple[Parameter, ...] = ()
    ordered: bool = False  # no parameter may be less than the one before it
    # Fields that hold where all parameters are the defaults, if one of these stands for a number that no type has.
    at_defaults: Mapping[str, str] | None = None
    # channelwise: elementwise, but the one parameter may be an array along an axis
    # rowwise: of rows along an axis; reduction: the same with one result a row
    kind: Literal["elementwise", "channelwise", "rowwise", "reduction", "gate", "loss"] = "elementwise"
    selects: bool = False  # rows can be scaled, and elements of them left out
    backward_x: str | None = None  # of a reduction
    activation: str | None = None  # that of a gate, which is a function of `gate` and `value`
    inputs: tuple[str, str] | None = None  # these two in the order of the call
    gate_grad: str | None = None
    value_grad: str | None = None
    aliases: tuple[str, ...] = ()  # other libraries' spellings
    notes: str = ""
    of_nothing: float = 0.0  # a reduction of no elements
    page: str = ""  # a loss's documentation

    @property
    def from_y(self) -> bool:
        """Whether the output determines the derivative."""
        return self.derivative_y is not None or self.kind == "rowwise"

    @property
    def backward_from(self) -> tuple[str, ...]:
        """What backward can go by."""
        if self.kind == "gate":
            return ("gate", "value")
        if self.kind == "loss":
            return ()
        return ("y",) if self.kind == "rowwise" else ("x", "y") if self.from_y else ("x",)

    @property
    def defaults(self) -> Mapping[str, float | None]:
        if self.kind == "reduction":
            return MappingProxyType({"axis": -1, "keepdims": False})
        if self.kind == "loss":
            keywords = (a for a in signatures.arguments(self, "forward") if not a.positional and a.role != "output")
            return MappingProxyType({a.name: a.default for a in keywords})
        if self.kind in ("rowwise", "gate"):
            selection = {"scale": 1.0, "where": None, "causal": False} if self.selects else {}
            return MappingProxyType({"axis": -1, **selection})
        defaults = {parameter.name: parameter.default for parameter in self.parameters}
        return MappingProxyType({**defaults, "axis": 1} if self.kind == "channelwise" else defaults)

    @property
    def required(self) -> dict[str, float]:
        """An example for every parameter that has no default."""
        return {p.name: (*p.examples, 1.0)[0] for p in self.parameters if p.default is None}

    @property
    def typical(self) -> dict[str, float]:
        """Parameters to show and to measure with: the defaults, and an example where there is none."""
        defaults = {p.name: p.default for p in self.parameters if p.default is not None}
        return {p.name: (defaults | self.required)[p.name] for p in self.parameters}

    def signature(self, role: str) -> Signature:
        return documentation.signature(self, role)

    def document(self, role: str) -> str:
        return documentation.document(self, role)


def ulp(**bounds: tuple[float, float]) -> Bounds:
    """Return bounds by type and function, given by function: for float32 and for float64."""
    return MappingProxyType(
        {
            dtype: MappingProxyType({function: pair[k] for function, pair in bounds.items()})
            for k, dtype in enumerate(("float32", "float64"))
        }
    )
