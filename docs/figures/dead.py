"""Dying ReLU: units that are 0 for every digit, while networks are trained with too large a step."""

import numpy as np

import fastact as fa
from network import Adam, Network, accuracy, batches, digits

RUNS = {  # activation, its parameters and the step
    "relu": ("relu", {}, 0.03),
    "leaky": ("leaky_relu", {"negative_slope": 0.1}, 0.03),
    "small": ("relu", {}, 0.001),
}
LABELS = {"relu": "ReLU, step 0.03", "leaky": "leaky ReLU, slope 0.1, step 0.03", "small": "ReLU, step 0.001"}
WIDTHS = (64, 64, 64)
SIZE = (6.6, 3.8)
HELD_OUT = 1000


def train(activation, options, step, seed, count, epochs):
    """Return the share of dead units before every epoch and after the last, and the held-out accuracy."""
    x, labels = digits(count + HELD_OUT)
    held_out, held_out_labels, x, labels = x[count:], labels[count:], x[:count], labels[:count]
    rng = np.random.default_rng(seed)
    network = Network((x.shape[1], *WIDTHS, 10), activation, rng, **options)
    update = Adam(network, step)
    dead = [dead_share(network, x)]
    for _ in range(epochs):
        for chosen in batches(rng, count, 50):
            update(*network.gradients(x[chosen], labels[chosen], fa.softmax_cross_entropy))
        dead.append(dead_share(network, x))
    return np.array(dead), accuracy(network.forward(held_out)[-1], held_out_labels)


def dead_share(network, x):
    """Return the share of hidden units that are above 0 for no digit: ReLU lets no gradient through them."""
    hidden = network.forward(x)[1:-1]
    return np.concatenate([fa.diagnose("relu", y).dead_by_unit == 1 for y in hidden]).mean()


def compute(count=2000, epochs=10, seeds=5):
    """Return, by run, the dead shares and the accuracies of networks from several seeds."""
    runs = {run: [train(*setting, seed, count, epochs) for seed in range(seeds)] for run, setting in RUNS.items()}
    return {run: tuple(map(np.array, zip(*trained, strict=True))) for run, trained in runs.items()}


def numbers(result):
    shares = {f"{run}_dead": f"{100 * dead[:, -1].mean():.1f}%" for run, (dead, _) in result.items()}
    right = {f"{run}_right": f"{100 * right.mean():.1f}%" for run, (_, right) in result.items()}
    return shares | right | {"seeds": len(result["relu"][1])}


def draw(figure, result):
    axes = figure.add_subplot(xlabel="epochs", ylabel="units above 0 for no digit, %")
    for run, (dead, _) in result.items():
        epochs = range(dead.shape[1])
        (line,) = axes.plot(epochs, 100 * dead.mean(axis=0), "o-", label=LABELS[run], markersize=4)
        axes.fill_between(
            epochs, *(100 * edge(dead, axis=0) for edge in (np.min, np.max)), color=line.get_color(), alpha=0.15
        )
    axes.set_ylim(bottom=0)
    axes.legend()
