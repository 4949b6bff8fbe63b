"""A user's script that calls everything public, for `mypy --strict`, and run by test_typing.py."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import fastact as fa
from fastact.typing import Activation, Name


def elementwise(x: NDArray[np.float32], grad: NDArray[np.float32]) -> NDArray[np.float32]:
    """Call every activation that computes element by element."""
    y = np.empty_like(x)
    bias = np.zeros(x.shape[-1], np.float32)
    total = np.empty_like(bias)
    for plain in (fa.relu, fa.relu6, fa.sigmoid, fa.tanh, fa.soft_sign, fa.exponential, fa.selu, fa.log_sigmoid):
        plain(x, bias=bias, out=y)
        plain.derivative(x, out=y)
        plain.backward(grad, y=plain(x), out=y)
        plain.backward(grad, x=x, bias=bias, bias_grad=total, out=y)
    for from_x in (fa.silu, fa.gelu, fa.gelu_tanh, fa.mish, fa.quick_gelu, fa.tanh_shrink, fa.hard_swish, fa.gaussian):
        from_x.backward(grad, x=x, out=from_x(x, bias=bias))
    fa.leaky_relu(x, 0.2, out=y)
    fa.prelu(x, np.full(x.shape[1], 0.25, np.float32), out=y)
    fa.hard_tanh(x, min_val=0, max_val=1, out=y)
    fa.threshold(x, 0.5, 0.0, out=y)
    fa.hard_sigmoid(x, out=y)
    fa.hard_shrink(x, lambd=1.0, out=y)
    fa.soft_shrink(x, lambd=1.0, out=y)
    fa.elu(x, alpha=0.5, out=y)
    fa.celu(x, alpha=0.5, out=y)
    fa.softplus(x, beta=2.0, out=y)
    fa.swish(x, beta=2.0, out=y)
    fa.squareplus(x, b=1.0, out=y)
    for kinked in (fa.relu_squared, fa.sparse_plus, fa.sparse_sigmoid, fa.identity):
        y = kinked(x)
    return y


def rows(x: NDArray[np.float64], grad: NDArray[np.float64]) -> NDArray[np.float64]:
    """Call every function of rows, and every loss."""
    y = fa.softmax(x, scale=0.5, where=x > 0, causal=True)
    fa.softmax.backward(grad, y=y, scale=0.5, where=x > 0, causal=True, out=y)
    fa.log_softmax.backward(grad, y=fa.log_softmax(x), out=y)
    fa.softmin.backward(grad, y=fa.softmin(x), out=y)
    fa.sparsemax.backward(grad, y=fa.sparsemax(x, axis=0), axis=0, out=y)
    jacobian: NDArray[np.float64] = fa.softmax.jacobian(y)
    kept: NDArray[np.float64] = fa.logsumexp(x, keepdims=True)
    fa.logsumexp.backward(kept, x=x, out=y)
    loss: np.float64 = fa.softmax_cross_entropy(x, np.zeros(len(x), np.int64), grad_out=y)
    other: np.float64 = fa.sigmoid_cross_entropy(x, np.zeros_like(x), grad_out=y)
    print(jacobian.shape, loss + other)
    return y * kept


def gates(gate: NDArray[np.float32], value: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Call every gated unit, of two arrays and of the halves of one."""
    out = fa.glu(value, gate)
    for gated in (fa.swiglu, fa.geglu, fa.geglu_tanh, fa.reglu, fa.bilinear):
        gated(gate, value, out=out)
        gated(x=np.concatenate([gate, value], axis=-1), axis=-1, out=out)
        gradients = gated.backward(out, gate=gate, value=value)
    return gradients


def by_name(x: NDArray[np.float32], name: Name, other: str) -> NDArray[np.float32]:
    """Call what is found by a name: one that is known beforehand has its own type."""
    kept: Activation = fa.get(name)
    y: NDArray[np.float32] = kept(x)
    fa.get("SiLU").backward(y, x=x, out=y)
    fa.get("HardSigmoid")(x, 0.3, out=y)
    fa.get(other).backward(y, y=y, out=y)
    return trained(y, kept) + trained(y, fa.softmax) + trained(y, Doubled())


def trained(x: NDArray[np.float32], activation: Activation) -> NDArray[np.float32]:
    """Call any activation, forward and backward."""
    y = activation(x)
    given = {"y": y} if "y" in activation.backward_from else {"x": x}
    activation.backward(np.ones_like(y), **given, out=y)
    return activation(x, out=y)


class Doubled:
    """An activation of one's own, in the place of one of fastact's."""

    name = "doubled"
    backward_from = ("x", "y")

    def __call__(self, x: ArrayLike, /, *, out: Any = None) -> Any:
        return np.multiply(x, 2, out=out)

    def backward(self, grad: ArrayLike, *, x: ArrayLike = 0, y: ArrayLike = 0, out: Any = None) -> Any:
        return np.multiply(grad, 2, out=out)


def tools() -> str:
    """Call what is left."""
    before = fa.get_num_threads()
    with fa.num_threads(1):
        fa.set_num_threads(before)
    found: fa.Diagnosis = fa.diagnose(fa.relu, np.ones((2, 3)), saturated_below=0.1)
    fa.show_config()
    config = fa.show_config(mode="dicts")
    names = [*fa.ACTIVATIONS, *fa.GATES, *fa.REDUCTIONS]
    return f"{fa.__version__} {fa.get('relu')} {found.dead} {config['cpu_target']} {len(names)} {fa.plot.__name__} {fa.get_include()} {fa.get_c_api():#x}"


if __name__ == "__main__":
    square = np.random.default_rng(0).standard_normal((4, 4))
    single = square.astype(np.float32)
    elementwise(single, single)
    rows(square, square)
    gates(single, single)
    by_name(single, "gelu", "Tanh")
    print(tools())
