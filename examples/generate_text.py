"""Train a small transformer on a text that comes with Python, let it write, and count its tokens a second.

A token is a character. The model is two of the blocks of transformer_block.py between an embedding and a product; the text is
short, so that it learns it by heart, and what it writes can be read. Each next character is the likeliest one. It writes
twice, with activations by fastact and by plain NumPy; all else is the same:

    python examples/generate_text.py
"""

import argparse
import codecs
import contextlib
import io
import sys
from time import perf_counter

import numpy as np
from tqdm import tqdm
from transformer_block import Block, Norm, product

import fastact as fa

WIDTH, HEADS, HIDDEN, CONTEXT, BATCH = 64, 4, 160, 64, 16
LEARNING_RATE, BETA1, BETA2 = 3e-3, 0.9, 0.99


def zen():
    """Return the Zen of Python."""
    with contextlib.redirect_stdout(io.StringIO()):
        import this
    return codecs.decode(this.s, "rot13")


class PlainBlock(Block):
    """The block with the formulas in NumPy."""

    def attend(self, scores, scale):
        tokens = scores.shape[-1]
        later = np.triu(np.ones((tokens, tokens), bool), 1)
        shares = np.where(later, -np.inf, scores * scale)
        shares = np.exp(shares - shares.max(axis=-1, keepdims=True))
        return shares / shares.sum(axis=-1, keepdims=True)

    def gated(self, gate, value):
        return gate / (1 + np.exp(-gate)) * value


class Model:
    """An embedding of characters and of places, blocks, and a logit for each character."""

    def __init__(self, characters, rng):
        self.blocks = [Block(WIDTH, HEADS, HIDDEN, rng) for _ in range(2)]
        self.own = {
            "characters": rng.normal(0, 1, (characters, WIDTH)),
            "places": rng.normal(0, 0.1, (CONTEXT, WIDTH)),
            "norm": np.ones(WIDTH),
            "out": rng.normal(0, WIDTH**-0.5, (WIDTH, characters)),
        }
        for parameters in self.parameters():
            parameters.update({name: array.astype(np.float32) for name, array in parameters.items()})

    def parameters(self):
        return [self.own, *(block.parameters for block in self.blocks)]

    def plain(self):
        """Return the same model with activations by plain NumPy."""
        copy = object.__new__(Model)
        copy.own, copy.blocks = self.own, [object.__new__(PlainBlock) for _ in self.blocks]
        for block, ours in zip(copy.blocks, self.blocks, strict=True):
            block.heads, block.parameters = ours.heads, ours.parameters
        return copy

    def forward(self, tokens):
        x = self.own["characters"][tokens] + self.own["places"][: tokens.shape[1]]
        for block in self.blocks:
            x = block.forward(x)
        self.norm = Norm(self.own["norm"])
        logits, self.back = product(self.norm.forward(x), self.own["out"])
        return logits

    def train(self, tokens, following):
        """Return the loss of a batch, and the gradients in the order of `parameters`."""
        logits = self.forward(tokens)
        loss = fa.softmax_cross_entropy(logits, following, grad_out=logits)  # logits are their gradient now
        grad, out_grad = self.back(logits)
        grad = self.norm.backward(grad)
        found = []
        for block in reversed(self.blocks):
            found.insert(0, block.backward(grad))
            grad = found[0].pop("x")
        own = {"norm": self.norm.weight_grad, "out": out_grad, "characters": np.zeros_like(self.own["characters"])}
        np.add.at(own["characters"], tokens, grad)
        own["places"] = grad.sum(axis=0)
        return loss, [own, *found]


class Adam:
    """Kingma and Ba 2015, without the correction of the first steps."""

    def __init__(self, parameters):
        self.parameters = parameters
        self.means, self.squares = (
            [{name: np.zeros_like(array) for name, array in each.items()} for each in parameters] for _ in range(2)
        )

    def step(self, gradients, rate):
        for parameters, grads, means, squares in zip(self.parameters, gradients, self.means, self.squares, strict=True):
            for name, grad in grads.items():
                means[name] += (1 - BETA1) * (grad - means[name])
                squares[name] += (1 - BETA2) * (grad * grad - squares[name])
                parameters[name] -= rate * means[name] / (np.sqrt(squares[name]) + 1e-8)


def write(models, prompt, count):
    """Return the prompt's tokens with `count` more, and each model's seconds; they take turns at every token.

    A token is the likeliest after the last CONTEXT ones, by the first model; it is an error if another finds another.
    """
    tokens, seconds = list(prompt), np.zeros(len(models))
    for _ in tqdm(range(count), desc="writing", unit="token", disable=None, leave=False):
        last, found = np.array(tokens[-CONTEXT:])[None], []
        for k, model in enumerate(models):
            start = perf_counter()
            found.append(model.forward(last)[0, -1].argmax())
            seconds[k] += perf_counter() - start
        if len(set(found)) > 1:
            sys.exit(f"The models differ after {len(tokens)} tokens.")
        tokens.append(int(found[0]))
    return tokens, seconds


def by_heart(written, text):
    """Return the share of the pieces of 12 characters that are in the text."""
    pieces = [written[k : k + 12] for k in range(len(written) - 11)]
    return sum(piece in text for piece in pieces) / len(pieces)


def main():
    parser = argparse.ArgumentParser(description="Train a tiny transformer, and let it write with fastact and without.")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--tokens", type=int, default=400, help="to write")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    text, rng = zen(), np.random.default_rng(options.seed)
    alphabet = sorted(set(text))
    encoded = np.array([alphabet.index(character) for character in text])
    model = Model(len(alphabet), rng)
    adam = Adam(model.parameters())
    steps = tqdm(range(options.steps), desc="training", unit="step", disable=None)  # None: unless a terminal
    for step in steps:
        at = rng.integers(0, len(encoded) - CONTEXT, BATCH)[:, None] + np.arange(CONTEXT)
        loss, gradients = model.train(encoded[at], encoded[at + 1])
        adam.step(gradients, LEARNING_RATE * (1 - step / options.steps))
        steps.set_postfix(loss=f"{loss:.3f}")

    models = [model, model.plain()]
    write(models, encoded[:CONTEXT], 5)  # warms up
    tokens, seconds = write(models, encoded[:CONTEXT], options.tokens)
    written = "".join(alphabet[token] for token in tokens)
    print(written)
    share, (ours, plain) = by_heart(written[CONTEXT:], text), options.tokens / seconds
    print(f"\nloss {loss:.3f}; written as in the text: {share:.0%}")
    print(f"tokens a second: {ours:.0f}, with activations by plain NumPy {plain:.0f}: {ours / plain:.2f} times as fast")
    if share < 0.7:
        sys.exit("It has not learnt the text: train for more steps.")


if __name__ == "__main__":
    main()
