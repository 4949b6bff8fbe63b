"""Temperature: what a trained network makes of a digit that it is not sure of, at three scales of its logits."""

import numpy as np

import fastact as fa
from network import Adam, Network, accuracy, batches, digits

SCALES = (0.5, 1.0, 2.0)
SIZE = (8, 3.2)
HELD_OUT = 1000


def compute(count=2000, epochs=3):
    """Return a held-out digit, its logits, and the accuracy over all held out."""
    x, labels = digits(count + HELD_OUT)
    rng = np.random.default_rng(0)
    network = Network((x.shape[1], 64, 10), "relu", rng)
    update = Adam(network, step=0.001)
    for _ in range(epochs):
        for chosen in batches(rng, count, 50):
            update(*network.gradients(x[chosen], labels[chosen], fa.softmax_cross_entropy))
    logits = network.forward(x[count:])[-1]
    sure = fa.softmax(logits).max(axis=1)
    unsure = np.argmin(np.abs(sure - 0.5))  # neither a guess nor a certainty
    return x[count + unsure], labels[count + unsure], logits[unsure], accuracy(logits, labels[count:])


def numbers(result):
    _, label, logits, right = result
    largest = {f"at_{scale:g}": f"{100 * fa.softmax(logits, scale=scale).max():.0f}%" for scale in SCALES}
    named = {key.replace(".", "_"): value for key, value in largest.items()}
    return {"label": int(label), "guess": int(logits.argmax()), "right": f"{100 * right:.0f}%", **named}


def draw(figure, result):
    digit, label, logits, _ = result
    picture, axes = figure.subplots(1, 2, width_ratios=(1, 2.6))
    picture.imshow(digit.reshape(28, 28), cmap="gray_r")
    picture.set_title(f"a {label}")
    picture.axis("off")
    width = 0.8 / len(SCALES)
    for k, scale in enumerate(SCALES):
        places = np.arange(10) + (k - (len(SCALES) - 1) / 2) * width
        axes.bar(places, fa.softmax(logits, scale=scale), width, label=f"scale={scale:g}")
    axes.set_xticks(range(10))
    axes.set_xlabel("class")
    axes.set_ylabel("softmax(logits, scale=)")
    axes.legend()
