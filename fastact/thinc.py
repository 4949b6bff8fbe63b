"""fastact in Thinc and spaCy: `FastactOps`, NumPy's backend with activations computed here, and `activation`, a layer.

Thinc finds both by entry points: ``use_ops("fastact")`` and ``@layers = "fastact.activation.v1"``.
"""

import functools
from collections.abc import Callable
from typing import Any

from thinc.api import Model, NumpyOps, Ops
from thinc.backends.ops import FloatsT
from thinc.types import Floats2d, FloatsXdT

import fastact as fa
from fastact.catalogue import ACTIVATIONS

# Functions that Thinc calls otherwise, or that take other parameters there. Its hard_swish is not that of others.
THEIRS: dict[str, tuple[str, dict[str, float]]] = {
    "swish": ("silu", {}),
    "gelu_approx": ("gelu_tanh", {}),
    "hard_sigmoid": ("hard_sigmoid", {"slope": 0.2, "offset": 0.5}),
    "hard_swish_mobilenet": ("hard_swish", {}),
}
OURS: dict[str, tuple[str, dict[str, float]]] = {
    spec.name: (spec.name, {})
    for spec in ACTIVATIONS
    if hasattr(Ops, f"backprop_{spec.name}") and spec.name != "hard_swish"
}


class FastactOps(NumpyOps):
    """Thinc's NumPy backend with the activations, softmax and their gradients of fastact."""

    name = "fastact"

    def relu_k(self, X: FloatsXdT, n: float = 6.0, inplace: bool = False) -> FloatsXdT:
        return fa.hard_tanh(X, min_val=0.0, max_val=n, out=X if inplace else None)

    def backprop_relu_k(self, dY: FloatsXdT, X: FloatsXdT, n: float = 6.0, inplace: bool = False) -> FloatsXdT:
        return fa.hard_tanh.backward(dY, x=X, min_val=0.0, max_val=n, out=dY if inplace else None)

    # Thinc asks for these two derivatives by the output, and has the output of sigmoid overwritten.
    def backprop_relu(self, dY: Floats2d, Y: Floats2d, inplace: bool = False) -> Floats2d:
        return fa.relu.backward(dY, y=Y, out=dY if inplace else None)

    def backprop_sigmoid(self, dY: FloatsXdT, Y: FloatsXdT, *, inplace: bool = False) -> FloatsXdT:
        return fa.sigmoid.backward(dY, y=Y, out=Y if inplace else None)

    def backprop_swish(self, dY: FloatsXdT, X: FloatsXdT, Y: FloatsXdT, inplace: bool = False) -> FloatsXdT:
        if Y.shape != X.shape:
            raise ValueError(f"backprop_swish: X and Y have shapes {X.shape} and {Y.shape}")
        return fa.silu.backward(dY, x=X, out=dY if inplace else None)

    def mish(self, X: FloatsXdT, threshold: float = 20.0, inplace: bool = False) -> FloatsXdT:
        if threshold < 20.0:  # from which on Thinc's is the identity, as mish is but for the last bits
            return super().mish(X, threshold, inplace)
        return fa.mish(X, out=X if inplace else None)

    def backprop_mish(self, dY: FloatsXdT, X: Floats2d, threshold: float = 20.0, inplace: bool = False) -> FloatsXdT:
        if threshold < 20.0:
            return super().backprop_mish(dY, X, threshold, inplace)
        return fa.mish.backward(dY, x=X, out=dY if inplace else None)

    def softmax(self, x: FloatsT, *, inplace: bool = False, axis: int = -1, temperature: float = 1.0) -> FloatsT:
        return fa.softmax(x, axis, scale=1.0 / temperature, out=x if inplace else None)

    def backprop_softmax(self, Y: FloatsT, dY: FloatsT, *, axis: int = -1, temperature: float = 1.0) -> FloatsT:
        return fa.softmax.backward(dY, y=Y, axis=axis, scale=1.0 / temperature)


def methods(ours: str, name: str, options: dict[str, float]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the methods of a function with the signatures that Thinc gives them."""
    function, gradient = getattr(fa, ours), getattr(fa, ours).backward

    @functools.wraps(getattr(Ops, name))
    def forward(self: FastactOps, X: Any, inplace: bool = False) -> Any:
        return function(X, **options, out=X if inplace else None)

    @functools.wraps(getattr(Ops, f"backprop_{name}"))
    def backprop(self: FastactOps, dY: Any, X: Any, inplace: bool = False) -> Any:
        return gradient(dY, x=X, **options, out=dY if inplace else None)

    return forward, backprop


for name, (ours, options) in (OURS | THEIRS).items():
    for method in methods(ours, name, options):
        if method.__name__ not in vars(FastactOps):
            setattr(FastactOps, method.__name__, method)


def activation(name: str, **options: float) -> Model[Any, Any]:
    """Return a layer without weights that computes an elementwise activation of fastact.

    Parameters
    ----------
    name : str
        What `fastact.get` knows.
    **options : float
        The activation's parameters.

    Returns
    -------
    thinc.api.Model
        The layer.

    Examples
    --------
    >>> from thinc.api import Linear, chain
    >>> model = chain(Linear(4, 3), activation("elu", alpha=0.5))
    """
    function: Any = fa.get(name)
    if "x" not in function.backward_from:
        raise ValueError(f"{name} is no elementwise activation")

    def forward(model: Model[Any, Any], X: Any, is_train: bool) -> tuple[Any, Callable[[Any], Any]]:
        return function(X, **options), lambda dY: function.backward(dY, x=X, **options)

    return Model(f"fastact.{name}", forward)
