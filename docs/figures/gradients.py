"""Vanishing gradients: how much of a gradient reaches the first layers of a deep network, before it is trained."""

import numpy as np

import fastact as fa
from network import Network, digits

GAINS = {"sigmoid": 1.0, "tanh": 1.0, "relu": 2.0}  # the variance that each is usually given: Glorot's or He's
SIZE = (6.6, 3.8)


def compute(count=500, depth=10, width=64):
    """Return, by activation, the norm of the gradient of every layer's weights on the digits."""
    x, labels = digits(count)
    norms = {}
    for activation, gain in GAINS.items():
        network = Network((x.shape[1], *[width] * depth, 10), activation, np.random.default_rng(0), gain)
        weight_grads, _ = network.gradients(x, labels, fa.softmax_cross_entropy)
        norms[activation] = np.array([np.linalg.norm(grad) for grad in weight_grads])
    return norms


def numbers(norms):
    first = {activation: norm[0] for activation, norm in norms.items()}
    return {
        "relu_to_sigmoid": rounded(first["relu"] / first["sigmoid"]),
        "sigmoid_last_to_first": rounded(norms["sigmoid"][-1] / first["sigmoid"]),
    }


def rounded(ratio):
    """Return a large ratio as one says it, in two digits."""
    value = float(f"{ratio:.2g}")
    return f"{value / 1e6:.2g} million" if value >= 1e6 else f"{value:,.0f}"


def draw(figure, norms):
    axes = figure.add_subplot(xlabel="layer, from the input", ylabel="norm of the weights' gradient", yscale="log")
    for activation, norm in norms.items():
        axes.plot(range(1, len(norm) + 1), norm, "o-", label=activation, markersize=5)
    axes.set_xticks(range(1, len(norm) + 1))
    axes.legend()
