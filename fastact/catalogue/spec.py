"""What the catalogue says of a function: data, and nothing that computes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import Signature
from types import MappingProxyType
from typing import Literal

from fastact.catalogue import signatures

Bounds = Mapping[str, Mapping[str, float]]
Limits = tuple[float, float]

MOST = sys.float_info.max
LEAST = 5e-324
FINITE = (-MOST, MOST)
FINITE_FROM_ZERO = (0.0, MOST)
FINITE_ABOVE_ZERO = (LEAST, MOST)
ANY_NUMBER = (-float("inf"), float("inf"))
LIBRARIES = (
    "torch.nn",
    "torch.nn.functional",
    "jax.nn",
    "keras.activations",
    "scipy.special",
    "ONNX",
    "Hugging Face",  # transformers.activations.ACT2FN
    "others",
)


@dataclass(frozen=True)
class Parameter:
    """A parameter of an activation. Both ends of its limits are allowed; it is held to them in the compute type."""

    name: str
    default: float | None  # None where the caller must give it
    limits: Limits
    meaning: str
    limits_from_y: Limits | None = None  # where backward goes by the output; the same unless given
    examples: tuple[float, ...] = ()  # values that tests try beyond the default


@dataclass(frozen=True)
class Spec:
    """What the catalogue says of a function.

    Formulas are expressions in NumPy's names (`where`, `maximum`, `exp`, ...), `x`, `y`, `grad` and the parameters; those
    of gated units have `gate` and `value`, those of losses `logits` and `t`. They are what the documentation shows, what
    tests evaluate in arbitrary precision, and, in plain NumPy, what speed is compared with; so they may cancel, but must
    not turn an ordinary number into 0/0 or inf/inf.
    """

    name: str
    title: str
    formula: str
    range: tuple[str, str]  # numbers or parameters
    bounds: Bounds  # the largest errors, in ulp
    examples: Mapping[str, str]  # by role: doctests
    derivative: str | None = None  # of an elementwise function
    root: str | None = None  # where that changes its sign, but for 0: an expression in the parameters
    derivative_y: str | None = None  # the same from the output, where that determines it
    backward_x: str | None = None  # of a reduction
    backward_y: str | None = None  # of a rowwise function
    gate_grad: str | None = None  # of a gated unit
    value_grad: str | None = None
    gradient: str | None = None  # of a loss, of its sum with respect to the logits
    terms: Mapping[str, str] | None = None  # by function: what its error is relative to, where not to the true value
    piecewise: bool = False  # a branch can make the derivative exactly 0, which stops whatever the gradient holds
    parameters: tuple[Parameter, ...] = ()
    ordered: bool = False  # no parameter may be less than the one before it
    # Fields that hold where all parameters are the defaults, if one of these stands for a number that no type has.
    at_defaults: Mapping[str, str] | None = None
    # channelwise: elementwise, but the one parameter may be an array
    # rowwise: of rows along an axis; reduction: the same with one result a row
    kind: Literal["elementwise", "channelwise", "rowwise", "reduction", "gate", "loss"] = "elementwise"
    arguments: tuple[signatures.Argument, ...] = ()  # of a loss; those of other kinds follow from the kind
    masked: bool = False  # elements of rows can be masked
    scaled: bool = False  # and rows scaled, and masked causally
    activation: str | None = None  # that of a gated unit, which is a function of `gate` and `value`
    inputs: tuple[str, str] | None = None  # these two in the order of the call
    # By library of LIBRARIES: names there, apart by spaces, of what computes the same with its defaults; where defaults
    # differ, with the arguments that make it so.
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, object]] = field(
        default_factory=dict
    )  # names that stand for it with other defaults
    related: tuple[str, ...] = ()  # other functions, under See Also
    notes: str = ""
    source: str = ""  # author, title, year
    of_nothing: float = 0.0  # a reduction of no elements

    @property
    def from_y(self) -> bool:
        """Whether the output determines the derivative."""
        return self.derivative_y is not None or self.kind == "rowwise"

    @property
    def aliases(self) -> tuple[str, ...]:
        """What it is called in other libraries, where the name alone says it."""
        names = " ".join(self.elsewhere.values()).split()
        return tuple(dict.fromkeys(name for name in names if "(" not in name and name != self.name))

    @property
    def by_rows(self) -> bool:
        """Whether it works on rows along an axis."""
        return self.kind in ("rowwise", "reduction") or any(argument.role == "axis" for argument in self.arguments)

    @property
    def backward_from(self) -> tuple[str, ...]:
        """What backward can go by."""
        if self.kind == "gate":
            return ("gate", "value")
        if self.kind == "loss":
            return ()
        return ("y",) if self.kind == "rowwise" else ("x", "y") if self.from_y else ("x",)

    @property
    def defaults(self) -> Mapping[str, object]:
        """The arguments that are neither inputs nor outputs, with their defaults; None where one must be given."""
        taken = (a for a in signatures.arguments(self, "forward") if a.is_parameter)
        return MappingProxyType({a.name: None if a.default is signatures.REQUIRED else a.default for a in taken})

    @property
    def required(self) -> dict[str, float]:
        """An example for every parameter that has no default."""
        return {p.name: (*p.examples, 1.0)[0] for p in self.parameters if p.default is None}

    @property
    def typical(self) -> dict[str, float]:
        """Parameters to show and to measure with: the defaults, and an example where there is none."""
        defaults = {p.name: p.default for p in self.parameters if p.default is not None}
        return {p.name: (defaults | self.required)[p.name] for p in self.parameters}

    # What the core asks for; documentation.py imports the catalogue, not the other way round.

    def signature(self, role: str) -> Signature:
        from fastact import documentation

        return documentation.signature(self, role)

    def document(self, role: str) -> str:
        from fastact import documentation

        return documentation.document(self, role)


def ulp(**bounds: tuple[float, float]) -> Bounds:
    """Return bounds by type and function, given by function: for float32 and for float64."""
    return MappingProxyType(
        {
            dtype: MappingProxyType({function: pair[k] for function, pair in bounds.items()})
            for k, dtype in enumerate(("float32", "float64"))
        }
    )
