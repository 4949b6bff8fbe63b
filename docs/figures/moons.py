"""Two moons: what a network with an activation tells apart, and one without does not."""

import numpy as np

import fastact as fa
from network import Adam, Network

ACTIVATIONS = ("identity", "tanh", "relu")
SIZE = (9, 3.3)


def two_moons(rng, count):
    """Return points on two half circles that reach into each other, and which half each is on."""
    label = np.arange(count) % 2
    angle = rng.uniform(0, np.pi, count)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    points = np.where(label[:, None] == 0, upper, lower)
    return points + rng.normal(0, 0.12, points.shape), label


def fit(activation, x, label, steps=600):
    """Return a network of two hidden layers, trained on all points at every step."""
    network = Network((2, 16, 16, 1), activation, np.random.default_rng(1), gain=1.0)
    targets = label[:, None].astype(float)
    update = Adam(network, step=0.01)
    for _ in range(steps):
        update(*network.gradients(x, targets, fa.sigmoid_cross_entropy))
    return network


def share_right(network, x, label):
    return np.mean((network.forward(x)[-1][:, 0] > 0) == label)


def compute(count=400, steps=600):
    """Return the points and, by activation, a network and its accuracy on points it has not seen."""
    rng = np.random.default_rng(0)
    x, label = two_moons(rng, count)
    unseen, unseen_label = two_moons(rng, 2000)
    fitted = {}
    for activation in ACTIVATIONS:
        network = fit(activation, x, label, steps)
        fitted[activation] = network, share_right(network, unseen, unseen_label)
    return x, label, fitted


def numbers(result):
    return {activation: f"{100 * right:.1f}%" for activation, (_, right) in result[2].items()}


def draw(figure, result):
    x, label, fitted = result
    across, up = np.meshgrid(np.linspace(-1.6, 2.6, 85), np.linspace(-1.2, 1.7, 59))
    plane = np.stack([across.ravel(), up.ravel()], axis=1)
    for axes, (activation, (network, right)) in zip(figure.subplots(1, 3, sharey=True), fitted.items(), strict=True):
        probability = fa.sigmoid(network.forward(plane)[-1]).reshape(across.shape)
        axes.contourf(across, up, probability, np.linspace(0, 1, 11), cmap="RdBu_r", alpha=0.55)
        axes.contour(across, up, probability, [0.5], colors="black", linewidths=1.5)
        for half, color in enumerate(("#0b4f8a", "#a3293d")):
            axes.plot(*x[label == half].T, ".", color=color, markersize=3.5)
        axes.set_title(f"{activation}: {100 * right:.1f}% right")
        axes.grid(visible=False)
        axes.set_xticks([])
        axes.set_yticks([])
