"""The textbook formulas in plain NumPy: what fastact is compared with, never what it computes with.

Written as lessons write them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Formula(NamedTuple):
    """One activation: `forward(x)`, `backward_x(grad, x)` and `backward_y(grad, y)`, then its parameters."""

    forward: Callable
    backward_x: Callable
    backward_y: Callable | None = None  # where the output is not enough

    def derivative(self, x, *parameters):
        """Return backward from x of ones."""
        return self.backward_x(x.dtype.type(1), x, *parameters)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def softmax_backward(grad, y, axis=-1):
    return y * (grad - (grad * y).sum(axis, keepdims=True))


FORMULAS = {
    "relu": Formula(
        forward=lambda x: np.maximum(x, 0),
        backward_x=lambda grad, x: grad * (x > 0),
        backward_y=lambda grad, y: grad * (y > 0),
    ),
    "leaky_relu": Formula(
        forward=lambda x, negative_slope: np.where(x > 0, x, negative_slope * x),
        backward_x=lambda grad, x, negative_slope: np.where(x > 0, grad, negative_slope * grad),
        backward_y=lambda grad, y, negative_slope: np.where(y > 0, grad, negative_slope * grad),
    ),
    "sigmoid": Formula(
        forward=sigmoid,
        backward_x=lambda grad, x: grad * (sigmoid(x) * (1 - sigmoid(x))),
        backward_y=lambda grad, y: grad * (y * (1 - y)),
    ),
    "tanh": Formula(
        forward=np.tanh,
        backward_x=lambda grad, x: grad * (1 - np.tanh(x) ** 2),
        backward_y=lambda grad, y: grad * (1 - y**2),
    ),
    "softmax": Formula(
        forward=softmax,
        backward_x=lambda grad, x, axis=-1: softmax_backward(grad, softmax(x, axis), axis),
        backward_y=softmax_backward,
    ),
}
