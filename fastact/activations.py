"""The catalogue: one row per activation, the objects made of them, and how they are found by name.

How anything is computed stands in kernels/, how it is called in engine.pyx."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Signature
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from fastact import documentation
from fastact.engine import Elementwise, Rowwise

Bounds = Mapping[str, Mapping[str, float]]
Limits = tuple[float, float]

MOST = sys.float_info.max
FINITE = (-MOST, MOST)
FINITE_FROM_ZERO = (0.0, MOST)


@dataclass(frozen=True)
class Parameter:
    """A parameter of an activation. Both ends of its limits are allowed; it is held to them in the array's type."""

    name: str
    default: float
    limits: Limits
    limits_from_y: Limits  # where backward goes by the output
    meaning: str


@dataclass(frozen=True)
class Row:
    """What the catalogue says of an activation."""

    name: str
    title: str
    formula: str
    derivative: str
    range: str
    bounds: Bounds  # the largest errors, in ulp
    examples: Mapping[str, str]
    parameters: tuple[Parameter, ...] = ()
    from_y: bool = True  # whether the output determines the derivative
    kind: Literal["elementwise", "rowwise"] = "elementwise"
    aliases: tuple[str, ...] = ()  # other libraries' spellings
    notes: str = ""

    @property
    def defaults(self) -> Mapping[str, float]:
        if self.kind == "rowwise":
            return MappingProxyType({"axis": -1})
        return MappingProxyType({parameter.name: parameter.default for parameter in self.parameters})

    def signature(self, role: str) -> Signature:
        return documentation.signature(self, role)

    def document(self, role: str) -> str:
        return documentation.document(self, role)


def ulp(*, float32: Mapping[str, float], float64: Mapping[str, float]) -> Bounds:
    return MappingProxyType({"float32": MappingProxyType(float32), "float64": MappingProxyType(float64)})


ROWS = (
    Row(
        name="relu",
        title="Rectified linear unit",
        formula="max(x, 0)",
        derivative="1 if x > 0 else 0",
        range="0 to inf",
        bounds=ulp(
            float32={"forward": 0.5, "derivative": 0.5, "backward_y": 0.5},
            float64={"forward": 0.5, "derivative": 0.5, "backward_y": 0.5},
        ),
        notes="The result for -0.0 is 0.0.",
        aliases=("rectified_linear",),
        examples={
            "forward": """\
>>> x = np.array([-1.5, 0.0, 2.0])
>>> fa.relu(x)
array([0., 0., 2.])
>>> fa.relu(x, out=x) is x
True""",
            "derivative": """\
>>> fa.relu.derivative(np.array([-1.5, 0.0, 2.0]))
array([0., 0., 1.])""",
            "backward": """\
>>> x, grad = np.array([-1.5, 0.0, 2.0]), np.array([10.0, 20.0, 30.0])
>>> fa.relu.backward(grad, x=x)
array([ 0.,  0., 30.])
>>> fa.relu.backward(grad, y=fa.relu(x), out=grad) is grad
True""",
        },
    ),
    Row(
        name="leaky_relu",
        title="Leaky rectified linear unit",
        formula="x if x > 0 else negative_slope * x",
        derivative="1 if x > 0 else negative_slope",
        range="-inf to inf",
        parameters=(
            Parameter(
                "negative_slope", 0.01, FINITE, FINITE_FROM_ZERO, "The slope where x <= 0; at least 0 to use `y`."
            ),
        ),
        bounds=ulp(
            float32={"forward": 0.5, "derivative": 0.5, "backward_y": 0.5},
            float64={"forward": 0.5, "derivative": 0.5, "backward_y": 0.5},
        ),
        notes="A slope above 1 is allowed.",
        examples={
            "forward": """\
>>> fa.leaky_relu(np.array([-1.5, 0.0, 2.0]), 0.2)
array([-0.3,  0. ,  2. ])""",
            "derivative": """\
>>> fa.leaky_relu.derivative(np.array([-1.5, 0.0, 2.0]), 0.2)
array([0.2, 0.2, 1. ])""",
            "backward": """\
>>> x, grad = np.array([-1.5, 0.0, 2.0]), np.array([10.0, 20.0, 30.0])
>>> fa.leaky_relu.backward(grad, x=x, negative_slope=0.2)
array([ 2.,  4., 30.])""",
        },
    ),
    Row(
        name="sigmoid",
        title="Logistic sigmoid",
        formula="1 / (1 + exp(-x))",
        derivative="y * (1 - y) with y = sigmoid(x)",
        range="0 to 1",
        bounds=ulp(
            float32={"forward": 1.0, "derivative": 1.0, "backward_y": 0.51},
            float64={"forward": 1.0, "derivative": 1.0, "backward_y": 0.51},
        ),
        notes="The result is right where it is a subnormal number, too.",
        aliases=("expit", "logistic", "logistic_sigmoid"),
        examples={
            "forward": """\
>>> fa.sigmoid(np.array([-800.0, 0.0, 800.0]))
array([0. , 0.5, 1. ])""",
            "derivative": """\
>>> fa.sigmoid.derivative(np.array([-800.0, 0.0, 800.0]))
array([0.  , 0.25, 0.  ])""",
            "backward": """\
>>> x, grad = np.array([-1.0, 0.0]), np.array([0.0, 2.0])
>>> fa.sigmoid.backward(grad, y=fa.sigmoid(x))
array([0. , 0.5])""",
        },
    ),
    Row(
        name="tanh",
        title="Hyperbolic tangent",
        formula="(exp(x) - exp(-x)) / (exp(x) + exp(-x))",
        derivative="1 - y**2 with y = tanh(x)",
        range="-1 to 1",
        bounds=ulp(
            float32={"forward": 1.0, "derivative": 1.0, "backward_y": 0.51},
            float64={"forward": 2.0, "derivative": 1.0, "backward_y": 0.51},
        ),
        notes="Odd to the bit: ``tanh(-x)`` is ``-tanh(x)``.",
        examples={
            "forward": """\
>>> fa.tanh(np.array([-20.0, 0.0, 20.0]))
array([-1.,  0.,  1.])""",
            "derivative": """\
>>> fa.tanh.derivative(np.array([-400.0, 0.0, 400.0]))
array([0., 1., 0.])""",
            "backward": """\
>>> grad, y = np.array([10.0, 20.0]), np.array([0.5, 1.0])
>>> fa.tanh.backward(grad, y=y, out=grad)
array([7.5, 0. ])""",
        },
    ),
    Row(
        name="softmax",
        title="Softmax of the rows along an axis",
        formula="exp(x - max(x)) / sum(exp(x - max(x)))",
        derivative="y * (grad - sum(grad * y))",
        range="0 to 1, with a sum of 1",
        kind="rowwise",
        bounds=ulp(
            float32={"forward": 3.0, "backward_y": 3.0},
            float64={"forward": 3.0, "backward_y": 3.0},
        ),
        notes="A row that has a NaN or +inf, or is all -inf, becomes NaN.",
        examples={
            "forward": """\
>>> fa.softmax(np.array([[0.0, 0.0], [1000.0, 0.0]]))
array([[0.5, 0.5],
       [1. , 0. ]])
>>> fa.softmax(np.array([[0.0, 0.0], [1000.0, 0.0]]), axis=0)
array([[0. , 0.5],
       [1. , 0.5]])""",
            "backward": """\
>>> fa.softmax.backward(np.array([1.0, 0.0]), y=np.array([0.5, 0.5]))
array([ 0.25, -0.25])""",
        },
    ),
)

ACTIVATIONS: Mapping[str, Elementwise | Rowwise] = MappingProxyType(
    {row.name: Elementwise(row) if row.kind == "elementwise" else Rowwise(row) for row in ROWS}
)
ALIASES: Mapping[str, str] = MappingProxyType({alias: row.name for row in ROWS for alias in row.aliases})

Function = TypeVar("Function", bound=Callable[..., Any])


def get(name: str | Function) -> Elementwise | Rowwise | Function:
    """Return an activation by its name, in fastact's spelling or another library's.

    Parameters
    ----------
    name : str or callable
        A callable is returned as it is.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.get("tanh"), fa.get("expit")
    (<fastact.tanh>, <fastact.sigmoid>)
    """
    if callable(name):
        return name
    if not isinstance(name, str):
        raise TypeError(f"an activation's name must be a str, not {type(name).__name__}")
    known = ALIASES.get(name, name)
    if known in ACTIVATIONS:
        return ACTIVATIONS[known]
    close = difflib.get_close_matches(name.lower(), [*ACTIVATIONS, *ALIASES], n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(ACTIVATIONS)}"
    raise ValueError(f"no activation is called {name!r}; {hint}")
