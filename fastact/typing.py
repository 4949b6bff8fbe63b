"""Types to annotate with. ``import fastact`` does not import them; type checkers and you do.

>>> import fastact as fa
>>> from fastact.typing import Activation, Name
>>> def layer(x, activation: Activation | Name = "gelu"):
...     return fa.get(activation)(x)
>>> isinstance(fa.softmax, Activation), isinstance(fa.softmax_cross_entropy, Activation)
(True, False)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, overload, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Activation", "Name"]

_Out = TypeVar("_Out")
_Real = TypeVar("_Real", np.float16, np.float32, np.float64)


@runtime_checkable
class Activation(Protocol):
    """A function of one array with its gradient: those of fastact that need no other argument, and your own like them.

    It is called as ``activation(x)`` or ``activation(x, out=y)``. `backward` takes the gradient and, by name, one of what
    `backward_from` lists: ``x``, the input, or ``y``, the output.
    """

    @property
    def name(self) -> str: ...

    @property
    def backward_from(self) -> tuple[str, ...]: ...

    @property
    def backward(self) -> Callable[..., Any]: ...

    @overload
    def __call__(self, x: ArrayLike, /, *, out: _Out) -> _Out: ...
    @overload
    def __call__(self, x: NDArray[_Real], /) -> NDArray[_Real]: ...
    @overload
    def __call__(self, x: ArrayLike, /) -> Any: ...


# From here on written by tools/make_stub.py: names of activations, in fastact's spelling and in other libraries'.
Name: TypeAlias = Literal[
    "CELU",
    "Celu",
    "ELU",
    "Elu",
    "Exp",
    "GELU",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "Identity",
    "LeakyReLU",
    "LeakyRelu",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "RReLU",
    "ReLU",
    "ReLU6",
    "Relu",
    "SELU",
    "Selu",
    "Shrink",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Swish",
    "Tanh",
    "Tanhshrink",
    "celu",
    "elu",
    "expit",
    "exponential",
    "gaussian",
    "gelu",
    "gelu_accurate",
    "gelu_fast",
    "gelu_new",
    "gelu_python",
    "gelu_python_tanh",
    "gelu_pytorch_tanh",
    "gelu_quick",
    "gelu_tanh",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "identity",
    "leaky_relu",
    "linear",
    "log_expit",
    "log_sigmoid",
    "log_softmax",
    "logistic",
    "logistic_sigmoid",
    "logsigmoid",
    "logsumexp",
    "mish",
    "quick_gelu",
    "rbf",
    "rectified_linear",
    "relu",
    "relu2",
    "relu6",
    "relu_squared",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "soft_sign",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squared_relu",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "tanhshrink",
]
