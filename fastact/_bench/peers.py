"""How each library computes each activation: the statements that are timed, as a user would write them at best.

A statement writes to a buffer that exists ("out="), over its own input ("in place") or to a new array ("allocating").
Its names are x or y, grad, out, and the activation's parameters.  What times them is in workers.py.
"""

import importlib.util
from typing import NamedTuple

from fastact._formulas import FORMULAS
from fastact.catalogue import SPECS

OUT, IN_PLACE, ALLOCATING = "out=", "in place", "allocating"

# What a function is called: for its values and, by automatic differentiation, its derivative.
TORCH = {
    "relu": "F.relu(x)",
    "leaky_relu": "F.leaky_relu(x, negative_slope)",
    "relu6": "F.relu6(x)",
    "hard_tanh": "F.hardtanh(x, min_val, max_val)",
    "threshold": "F.threshold(x, threshold, value)",
    "hard_sigmoid": "F.hardsigmoid(x)",
    "hard_swish": "F.hardswish(x)",
    "hard_shrink": "F.hardshrink(x, lambd)",
    "soft_shrink": "F.softshrink(x, lambd)",
    "soft_sign": "F.softsign(x)",
    "sigmoid": "torch.sigmoid(x)",
    "tanh": "torch.tanh(x)",
    "tanh_shrink": "F.tanhshrink(x)",
    "silu": "F.silu(x)",
    "gelu_tanh": "F.gelu(x, approximate='tanh')",
    "exponential": "torch.exp(x)",
    "elu": "F.elu(x, alpha)",
    "selu": "F.selu(x)",
    "celu": "F.celu(x, alpha)",
    "softplus": "F.softplus(x, beta)",
    "log_sigmoid": "F.logsigmoid(x)",
    "mish": "F.mish(x)",
    "gelu": "F.gelu(x)",
    "softmax": "F.softmax(x, -1)",
    "softmin": "F.softmin(x, -1)",
    "log_softmax": "F.log_softmax(x, -1)",
}
JAX = {
    "relu": "jax.nn.relu(x)",
    "leaky_relu": "jax.nn.leaky_relu(x, negative_slope)",
    "relu6": "jax.nn.relu6(x)",
    "hard_tanh": "jax.nn.hard_tanh(x)",
    "relu_squared": "jnp.square(jax.nn.relu(x))",
    "hard_sigmoid": "jax.nn.hard_sigmoid(x)",
    "hard_swish": "jax.nn.hard_swish(x)",
    "sparse_plus": "jax.nn.sparse_plus(x)",
    "sparse_sigmoid": "jax.nn.sparse_sigmoid(x)",
    "soft_sign": "jax.nn.soft_sign(x)",
    "squareplus": "jax.nn.squareplus(x, b)",
    "sigmoid": "jax.nn.sigmoid(x)",
    "tanh": "jnp.tanh(x)",
    "tanh_shrink": "x - jnp.tanh(x)",
    "silu": "jax.nn.silu(x)",
    "swish": "x * jax.nn.sigmoid(beta * x)",
    "quick_gelu": "x * jax.nn.sigmoid(1.702 * x)",
    "gelu_tanh": "jax.nn.gelu(x, approximate=True)",
    "exponential": "jnp.exp(x)",
    "gaussian": "jnp.exp(-jnp.square(x))",
    "elu": "jax.nn.elu(x, alpha)",
    "selu": "jax.nn.selu(x)",
    "celu": "jax.nn.celu(x, alpha)",
    "softplus": "jax.nn.softplus(x)",
    "log_sigmoid": "jax.nn.log_sigmoid(x)",
    "mish": "jax.nn.mish(x)",
    "gelu": "jax.nn.gelu(x, approximate=False)",
    "softmax": "jax.nn.softmax(x, axis=-1)",
    "softmin": "jax.nn.softmax(-x, axis=-1)",
    "log_softmax": "jax.nn.log_softmax(x, axis=-1)",
}
SCIPY = {
    "sigmoid": "scipy.special.expit(x)",
    "log_sigmoid": "scipy.special.log_expit(x)",
    "softmax": "scipy.special.softmax(x, axis=-1)",
    "softmin": "scipy.special.softmax(-x, axis=-1)",
    "log_softmax": "scipy.special.log_softmax(x, axis=-1)",
    "gelu": "x * scipy.special.ndtr(x)",
}
NUMPY = {
    "relu": "np.maximum(x, 0)",
    "tanh": "np.tanh(x)",
    "exponential": "np.exp(x)",
    "identity": "np.positive(x)",
    "softplus": "np.logaddexp(0, x)",
}

# The same at its fastest: into a buffer that exists.
TORCH_OUT = {
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
    ("relu6", "forward"): ["torch.clamp(x, 0, 6, out=out)"],
    ("relu6", "backward_x"): ["aten.hardtanh_backward.grad_input(grad, x, 0, 6, grad_input=out)"],
    ("relu6", "backward_y"): ["aten.hardtanh_backward.grad_input(grad, y, 0, 6, grad_input=out)"],
    ("hard_tanh", "forward"): ["torch.clamp(x, min_val, max_val, out=out)"],
    ("hard_tanh", "backward_x"): ["aten.hardtanh_backward.grad_input(grad, x, min_val, max_val, grad_input=out)"],
    ("hard_tanh", "backward_y"): ["aten.hardtanh_backward.grad_input(grad, y, min_val, max_val, grad_input=out)"],
    ("threshold", "forward"): ["aten.threshold.out(x, threshold, value, out=out)"],
    ("threshold", "backward_x"): ["aten.threshold_backward.grad_input(grad, x, threshold, grad_input=out)"],
    ("hard_sigmoid", "forward"): ["torch._C._nn.hardsigmoid(x, out=out)"],
    ("hard_sigmoid", "backward_x"): ["aten.hardsigmoid_backward.grad_input(grad, x, grad_input=out)"],
    ("hard_swish", "forward"): ["torch._C._nn.hardswish(x, out=out)"],
    ("hard_swish", "backward_x"): ["aten.hardswish_backward(grad, x)"],
    ("hard_shrink", "forward"): ["aten.hardshrink.out(x, lambd, out=out)"],
    ("hard_shrink", "backward_x"): ["aten.hardshrink_backward.grad_input(grad, x, lambd, grad_input=out)"],
    ("soft_shrink", "forward"): ["torch._C._nn.softshrink(x, lambd, out=out)"],
    ("soft_shrink", "backward_x"): ["aten.softshrink_backward.grad_input(grad, x, lambd, grad_input=out)"],
    ("soft_sign", "forward"): ["torch.div(x, torch.abs(x, out=out).add_(1), out=out)"],
    ("sigmoid", "forward"): ["torch.sigmoid(x, out=out)", "torch.sigmoid_(x)"],
    ("sigmoid", "backward_x"): ["aten.sigmoid_backward.grad_input(grad, torch.sigmoid(x, out=out), grad_input=out)"],
    ("sigmoid", "backward_y"): ["aten.sigmoid_backward.grad_input(grad, y, grad_input=out)"],
    ("tanh", "forward"): ["torch.tanh(x, out=out)", "torch.tanh_(x)"],
    ("tanh", "backward_x"): ["aten.tanh_backward.grad_input(grad, torch.tanh(x, out=out), grad_input=out)"],
    ("tanh", "backward_y"): ["aten.tanh_backward.grad_input(grad, y, grad_input=out)"],
    ("tanh_shrink", "forward"): ["torch.sub(x, torch.tanh(x, out=out), out=out)"],
    ("silu", "forward"): ["torch._C._nn.silu(x, out=out)"],
    ("silu", "backward_x"): ["aten.silu_backward.grad_input(grad, x, grad_input=out)"],
    ("gelu_tanh", "forward"): ["torch._C._nn.gelu(x, approximate='tanh', out=out)"],
    ("gelu_tanh", "backward_x"): ["aten.gelu_backward.grad_input(grad, x, approximate='tanh', grad_input=out)"],
    ("exponential", "forward"): ["torch.exp(x, out=out)"],
    ("elu", "forward"): ["torch._C._nn.elu(x, alpha, out=out)"],
    ("elu", "backward_x"): ["aten.elu_backward.grad_input(grad, alpha, 1, 1, False, x, grad_input=out)"],
    ("elu", "backward_y"): ["aten.elu_backward.grad_input(grad, alpha, 1, 1, True, y, grad_input=out)"],
    ("selu", "forward"): ["torch._C._nn.elu(x, 1.6732632423543772, 1.0507009873554805, out=out)"],
    ("selu", "backward_x"): [
        "aten.elu_backward.grad_input(grad, 1.6732632423543772, 1.0507009873554805, 1, False, x, grad_input=out)"
    ],
    ("selu", "backward_y"): [
        "aten.elu_backward.grad_input(grad, 1.6732632423543772, 1.0507009873554805, 1, True, y, grad_input=out)"
    ],
    ("celu", "forward"): ["torch._C._nn.elu(x, alpha, 1, 1 / alpha, out=out)"],
    ("celu", "backward_x"): ["aten.elu_backward.grad_input(grad, alpha, 1, 1 / alpha, False, x, grad_input=out)"],
    ("celu", "backward_y"): ["aten.elu_backward.grad_input(grad, alpha, 1, 1 / alpha, True, y, grad_input=out)"],
    ("softplus", "forward"): ["torch._C._nn.softplus(x, beta, out=out)"],
    ("softplus", "backward_x"): ["aten.softplus_backward.grad_input(grad, x, beta, 20, grad_input=out)"],
    ("log_sigmoid", "forward"): ["aten.log_sigmoid.out(x, out=out)"],
    ("log_sigmoid", "backward_x"): [
        "aten.log_sigmoid_backward.grad_input(grad, x, torch.exp(torch.abs(x, out=out).neg_(), out=out), grad_input=out)"
    ],
    ("mish", "forward"): ["torch._C._nn.mish(x, out=out)"],
    ("mish", "backward_x"): ["aten.mish_backward(grad, x)"],
    ("gelu", "forward"): ["torch._C._nn.gelu(x, out=out)"],
    ("gelu", "backward_x"): ["aten.gelu_backward.grad_input(grad, x, grad_input=out)"],
    ("identity", "forward"): ["torch.add(x, 0, out=out)"],
    ("softmax", "forward"): ["torch.softmax(x, -1, out=out)", "torch.softmax(x, -1)"],
    ("softmax", "backward_y"): ["aten._softmax_backward_data.out(grad, y, -1, y.dtype, grad_input=out)"],
    ("softmin", "forward"): ["torch.softmax(torch.neg(x, out=out), -1, out=out)"],
    ("softmin", "backward_y"): ["aten._softmax_backward_data.out(grad, y, -1, y.dtype, grad_input=out).neg_()"],
    ("log_softmax", "forward"): ["torch.log_softmax(x, -1, out=out)"],
    ("log_softmax", "backward_y"): ["aten._log_softmax_backward_data.out(grad, y, -1, y.dtype, out=out)"],
}
# NumPy has no error function; SciPy's ndtr is x's normal distribution.
DENSITY = "np.multiply(x * 0.3989422804014327, np.exp(x * x * -0.5, out=out), out=out)"
SCIPY_OUT = {
    ("sigmoid", "forward"): ["scipy.special.expit(x, out=out)"],
    ("gelu", "forward"): ["np.multiply(x, scipy.special.ndtr(x, out=out), out=out)", "x * scipy.special.ndtr(x)"],
    ("gelu", "backward_x"): [f"np.multiply(grad, np.add(scipy.special.ndtr(x), {DENSITY}, out=out), out=out)"],
}
NUMPY_OUT = {
    ("relu", "forward"): ["np.maximum(x, 0, out=out)"],
    ("tanh", "forward"): ["np.tanh(x, out=out)"],
    ("exponential", "forward"): ["np.exp(x, out=out)"],
    ("identity", "forward"): ["np.positive(x, out=out)"],
}
# An operator of ONNX and its attributes, by value or by the name of the activation's parameter.  ONNX Runtime has kernels
# for float64 of some of them.
ONNX = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": "negative_slope"}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "hard_swish": ("HardSwish", {}),
    "soft_shrink": ("Shrink", {"lambd": "lambd", "bias": "lambd"}),
    "identity": ("Identity", {}),
    "soft_sign": ("Softsign", {}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "silu": ("Swish", {"alpha": 1.0}),
    "gelu_tanh": ("Gelu", {"approximate": "tanh"}),
    "exponential": ("Exp", {}),
    "elu": ("Elu", {"alpha": "alpha"}),
    "selu": ("Selu", {}),
    "celu": ("Celu", {"alpha": "alpha"}),
    "softplus": ("Softplus", {}),
    "mish": ("Mish", {}),
    "gelu": ("Gelu", {}),
    "softmax": ("Softmax", {"axis": -1}),
    "log_softmax": ("LogSoftmax", {"axis": -1}),
}
ONNX_WIDE = {
    "relu", "soft_shrink", "identity", "sigmoid", "tanh", "silu", "exponential", "softmax", "log_softmax",
}  # fmt: skip
# JAX compiles an expression; its derivative from x is its own, that from y is what its users would have to write.
JAX_FROM_Y = {
    "relu": "jnp.where(y > 0, grad, 0)",
    "leaky_relu": "jnp.where(y > 0, grad, negative_slope * grad)",
    "elu": "jnp.where(y > 0, grad, grad * (y + alpha))",
    "sigmoid": "grad * (y * (1 - y))",
    "tanh": "grad * (1 - y * y)",
    "soft_sign": "grad * jnp.square(1 - jnp.abs(y))",
    "exponential": "grad * y",
    "softmax": "y * (grad - (grad * y).sum(axis=-1, keepdims=True))",
    "softmin": "y * ((grad * y).sum(axis=-1, keepdims=True) - grad)",
    "log_softmax": "grad - jnp.exp(y) * grad.sum(axis=-1, keepdims=True)",
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
    call += "".join(f", {name}={name}" for name in SPECS[activation].required)
    return [Way(OUT, f"{call}, out=out)"), Way(IN_PLACE, f"{call}, out={given})"), Way(ALLOCATING, f"{call})")]


def numpy(activation, kind):
    """Return NumPy's ways: the textbook formula, and its own function where it has one.

    None for a formula with an error function, which NumPy has only as a loop of Python's.
    """
    spec = SPECS[activation]
    if getattr(FORMULAS[activation], kind) is None or "erfc" in f"{spec.formula} {spec.derivative}":
        return []
    arrays = {"backward_x": ["grad", "x"], "backward_y": ["grad", "y"]}.get(kind, ["x"])
    plain = Way(ALLOCATING, f"formula.{kind}({', '.join([*arrays, *spec.typical])})")
    own = with_in_place(NUMPY_OUT.get((activation, kind), []), kind)
    return own if (spec.formula, kind) == ("x", "forward") else [*own, plain]  # that would copy nothing


def torch(activation, kind):
    """Return torch's ways."""
    return with_in_place(TORCH_OUT.get((activation, kind), []), kind)


def scipy(activation, kind):
    """Return SciPy's ways."""
    plain = [SCIPY[activation]] if activation in SCIPY and kind == "forward" else []
    return with_in_place(SCIPY_OUT.get((activation, kind), plain), kind)


def jax(activation, kind):
    """Return JAX's ways; a compiled function writes to a buffer where its caller donates that buffer."""
    compiled = (JAX if kind == "forward" else JAX_FROM_Y).get(activation)
    if kind == "backward_x" and activation in JAX:
        compiled = f"jax.vjp(lambda x: {JAX[activation]}, x)[1](grad)[0]"
    if compiled is None or kind == "derivative":
        return []
    arrays = {"forward": "x", "backward_x": "grad, x", "backward_y": "grad, y"}[kind]
    return [
        Way(OUT, f"(out := donated(out, {arrays})).block_until_ready()", compiled),
        Way(ALLOCATING, f"compiled({arrays}).block_until_ready()", compiled),
    ]


def onnxruntime(activation, kind):
    """Return ONNX Runtime's way: it computes no derivatives."""
    return [Way(OUT, "run()")] if activation in ONNX and kind == "forward" else []


LIBRARIES = {
    "fastact": fastact,
    "NumPy": numpy,
    "torch": torch,
    "SciPy": scipy,
    "JAX": jax,
    "onnxruntime": onnxruntime,
}


def installed():
    """Return the names of the libraries that can be imported here."""
    return [name for name in LIBRARIES if importlib.util.find_spec(name.lower())]


def ways(library, activation, kind, dtype="float32"):
    """Return the ways in which a library computes one kind of an activation's results; none where it does not."""
    if library == "onnxruntime" and dtype != "float32" and activation not in ONNX_WIDE:
        return []
    return LIBRARIES[library](activation, kind)
