"""How each library computes each activation: the statements that are timed, as a user would write them at best.

A statement writes to a buffer that exists ("out="), over its own input ("in place") or to a new array ("allocating").
Its names are x or y, grad, out, and the activation's parameters.  What times them is in workers.py.
"""

import importlib.util
from typing import NamedTuple

import fastact as fa
from fastact._formulas import FORMULAS

OUT, IN_PLACE, ALLOCATING = "out=", "in place", "allocating"

TORCH = {
    ("relu", "forward"): ["torch.clamp_min(x, 0, out=out)", "torch.relu_(x)", "torch.relu(x)"],
    ("relu", "backward_x"): ["aten.threshold_backward.grad_input(grad, x, 0, grad_input=out)"],
    ("relu", "backward_y"): ["aten.threshold_backward.grad_input(grad, y, 0, grad_input=out)"],
    ("leaky_relu", "forward"): [
        "torch._C._nn.leaky_relu(x, negative_slope, out=out)",
        "torch._C._nn.leaky_relu_(x, negative_slope)",
    ],
    ("leaky_relu", "backward_x"): [
        "aten.leaky_relu_backward.grad_input(grad, x, negative_slope, False, grad_input=out)"
    ],
    ("leaky_relu", "backward_y"): [
        "aten.leaky_relu_backward.grad_input(grad, y, negative_slope, True, grad_input=out)"
    ],
    ("sigmoid", "forward"): ["torch.sigmoid(x, out=out)", "torch.sigmoid_(x)"],
    ("sigmoid", "backward_x"): ["aten.sigmoid_backward.grad_input(grad, torch.sigmoid(x, out=out), grad_input=out)"],
    ("sigmoid", "backward_y"): ["aten.sigmoid_backward.grad_input(grad, y, grad_input=out)"],
    ("tanh", "forward"): ["torch.tanh(x, out=out)", "torch.tanh_(x)"],
    ("tanh", "backward_x"): ["aten.tanh_backward.grad_input(grad, torch.tanh(x, out=out), grad_input=out)"],
    ("tanh", "backward_y"): ["aten.tanh_backward.grad_input(grad, y, grad_input=out)"],
    ("softmax", "forward"): ["torch.softmax(x, -1, out=out)", "torch.softmax(x, -1)"],
    ("softmax", "backward_y"): ["aten._softmax_backward_data.out(grad, y, -1, y.dtype, grad_input=out)"],
}
SCIPY = {
    ("sigmoid", "forward"): ["scipy.special.expit(x, out=out)"],
    ("softmax", "forward"): ["scipy.special.softmax(x, axis=-1)"],
}
NUMPY = {
    ("relu", "forward"): ["np.maximum(x, 0, out=out)"],
    ("tanh", "forward"): ["np.tanh(x, out=out)"],
}
# JAX compiles an expression; its derivative from x is its own, that from y is what its users would have to write.
JAX = {
    ("relu", "forward"): "jax.nn.relu(x)",
    ("leaky_relu", "forward"): "jax.nn.leaky_relu(x, negative_slope)",
    ("sigmoid", "forward"): "jax.nn.sigmoid(x)",
    ("tanh", "forward"): "jnp.tanh(x)",
    ("softmax", "forward"): "jax.nn.softmax(x, axis=-1)",
    ("relu", "backward_y"): "jnp.where(y > 0, grad, 0)",
    ("leaky_relu", "backward_y"): "jnp.where(y > 0, grad, negative_slope * grad)",
    ("sigmoid", "backward_y"): "grad * (y * (1 - y))",
    ("tanh", "backward_y"): "grad * (1 - y * y)",
    ("softmax", "backward_y"): "y * (grad - (grad * y).sum(axis=-1, keepdims=True))",
}


class Way(NamedTuple):
    """One way to compute an activation: its form, the statement, and for JAX the expression that is compiled."""

    form: str
    statement: str
    compiled: str | None = None


def form(statement):
    """Return the form that a statement shows by its spelling."""
    if "_(" in statement:
        return IN_PLACE
    return OUT if "=out)" in statement else ALLOCATING


def with_in_place(statements, kind):
    """Return the ways, adding for each with `out` the same over its own input or gradient."""
    ways = [Way(form(statement), statement) for statement in statements]
    over = "=grad)" if kind.startswith("backward") else "=x)"
    single = [way.statement for way in ways if way.statement.count("=out)") == 1]
    return ways + [Way(IN_PLACE, statement.replace("=out)", over)) for statement in single]


def fastact(activation, kind):
    """Return fastact's ways, for any activation of the catalogue."""
    call, given = {
        "forward": ("f(x", "x"),
        "derivative": ("f.derivative(x", "x"),
        "backward_x": ("f.backward(grad, x=x", "grad"),
        "backward_y": ("f.backward(grad, y=y", "grad"),
    }[kind]
    return [Way(OUT, f"{call}, out=out)"), Way(IN_PLACE, f"{call}, out={given})"), Way(ALLOCATING, f"{call})")]


def numpy(activation, kind):
    """Return NumPy's ways: the textbook formula, and its own function where it has one."""
    if getattr(FORMULAS.get(activation), kind, None) is None:
        return []
    parameters = [name for name in fa.ACTIVATIONS[activation].parameters if name != "axis"]
    arrays = {"backward_x": ["grad", "x"], "backward_y": ["grad", "y"]}.get(kind, ["x"])
    plain = Way(ALLOCATING, f"formula.{kind}({', '.join(arrays + parameters)})")
    return [*with_in_place(NUMPY.get((activation, kind), []), kind), plain]


def torch(activation, kind):
    """Return torch's ways."""
    return with_in_place(TORCH.get((activation, kind), []), kind)


def scipy(activation, kind):
    """Return SciPy's ways."""
    return with_in_place(SCIPY.get((activation, kind), []), kind)


def jax(activation, kind):
    """Return JAX's ways; a compiled function writes to a buffer where its caller donates that buffer."""
    if kind == "backward_x" and (activation, "forward") in JAX:
        compiled = f"jax.vjp(lambda x: {JAX[activation, 'forward']}, x)[1](grad)[0]"
    else:
        compiled = JAX.get((activation, kind))
    if compiled is None:
        return []
    arrays = {"forward": "x", "backward_x": "grad, x", "backward_y": "grad, y"}[kind]
    return [
        Way(OUT, f"(out := donated(out, {arrays})).block_until_ready()", compiled),
        Way(ALLOCATING, f"compiled({arrays}).block_until_ready()", compiled),
    ]


LIBRARIES = {"fastact": fastact, "NumPy": numpy, "torch": torch, "SciPy": scipy, "JAX": jax}


def installed():
    """Return the names of the libraries that can be imported here."""
    return [name for name in LIBRARIES if importlib.util.find_spec(name.lower())]


def ways(library, activation, kind):
    """Return the ways in which a library computes one kind of an activation's results; none where it does not."""
    return LIBRARIES[library](activation, kind)
