"""Gated units: kernels/gated.h. Each is an activation of one array times another, so its formulas are the activation's."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from fastact.catalogue import logistic, normal, piecewise
from fastact.catalogue.spec import Bounds, Spec, ulp

UNITS = {spec.name: spec for spec in (*piecewise.SPECS, *logistic.SPECS, *normal.SPECS)}
EXAMPLE = ">>> gate, value = np.array([-1000.0, 0.0, 1000.0]), np.array([2.0, 3.0, 4.0])"


def gate(
    name: str,
    title: str,
    activation: str,
    bounds: Bounds,
    example: str,
    gradients: str,
    inputs: tuple[str, str] = ("gate", "value"),
    notes: str = "",
    elsewhere: Mapping[str, str] = MappingProxyType({}),
) -> Spec:
    """Return the Spec of a gated unit, with what the example's call and its backward give."""
    unit = UNITS[activation]
    assert unit.derivative is not None
    f, derivative = (re.sub(r"\bx\b", "gate", formula) for formula in (unit.formula, unit.derivative))
    return Spec(
        name=name,
        title=title,
        kind="gate",
        activation=activation,
        inputs=inputs,
        formula=f"({f}) * value",
        gate_grad=f"grad * value * ({derivative})",
        value_grad=f"grad * ({f})",
        range=("-inf", "inf"),
        root=unit.root,
        piecewise=unit.piecewise,
        bounds=bounds,
        notes=notes,
        elsewhere=elsewhere,
        source="Shazeer, GLU variants improve transformer, 2020",
        examples={
            "forward": f"{EXAMPLE}\n>>> fa.{name}({', '.join(inputs)})\n{example}",
            "backward": f"{EXAMPLE}\n>>> fa.{name}.backward(np.ones(3), gate=gate, value=value)\n{gradients}",
        },
    )


SPECS: tuple[Spec, ...] = (
    gate(
        "glu",
        "Gated linear unit",
        "sigmoid",
        ulp(forward=(2.25, 2.25), gate_grad=(4.0, 4.0), value_grad=(2.25, 2.25)),
        "array([0. , 1.5, 4. ])",
        "(array([0.  , 0.75, 0.  ]), array([0. , 0.5, 1. ]))",
        inputs=("value", "gate"),
        elsewhere={"torch.nn": "GLU", "torch.nn.functional": "glu", "jax.nn": "glu", "keras.activations": "glu"},
        notes="As in PyTorch, the second array, or the second half, is the gate: among the gated units, only here.",
    ),
    gate(
        "swiglu",
        "Gated linear unit with SiLU",
        "silu",
        ulp(forward=(3.0, 3.0), gate_grad=(4.0, 4.0), value_grad=(3.0, 3.0)),
        "array([  -0.,    0., 4000.])",
        "(array([-0. ,  1.5,  4. ]), array([  -0.,    0., 1000.]))",
        elsewhere={"ONNX": "SwiGLU"},
    ),
    gate(
        "geglu",
        "Gated linear unit with GELU",
        "gelu",
        ulp(forward=(2.5, 2.5), gate_grad=(4.0, 4.0), value_grad=(2.5, 2.5)),
        "array([  -0.,    0., 4000.])",
        "(array([-0. ,  1.5,  4. ]), array([  -0.,    0., 1000.]))",
    ),
    gate(
        "geglu_tanh",
        "Gated linear unit with GELU by tanh",
        "gelu_tanh",
        ulp(forward=(3.0, 3.0), gate_grad=(4.0, 4.0), value_grad=(3.0, 3.0)),
        "array([  -0.,    0., 4000.])",
        "(array([-0. ,  1.5,  4. ]), array([  -0.,    0., 1000.]))",
    ),
    gate(
        "reglu",
        "Gated linear unit with ReLU",
        "relu",
        ulp(forward=(0.5, 0.5), gate_grad=(0.5, 0.5), value_grad=(0.5, 0.5)),
        "array([   0.,    0., 4000.])",
        "(array([0., 0., 4.]), array([   0.,    0., 1000.]))",
    ),
    gate(
        "bilinear",
        "Gated linear unit without an activation",
        "identity",
        ulp(forward=(0.5, 0.5), gate_grad=(0.5, 0.5), value_grad=(0.5, 0.5)),
        "array([-2000.,     0.,  4000.])",
        "(array([2., 3., 4.]), array([-1000.,     0.,  1000.]))",
    ),
)
