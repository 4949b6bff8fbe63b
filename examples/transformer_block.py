"""One pre-norm transformer block, forward and backward, in NumPy: causal attention, then SwiGLU, each with its residual.

What lies between two matrix products is one call of fastact and runs in place: the softmax of scaled scores, of which a
query sees no later keys and no mask is built, and the gated unit, whose backward overwrites its two inputs with their
gradients.  The gradients are then checked in float64: against differences of the block's own output along random
directions, and against PyTorch's where that is installed:

    python examples/transformer_block.py
"""

import argparse
import importlib.util
import sys

import numpy as np

import fastact as fa

STEP = 1e-5
ALLOWED = 1e-6  # between a gradient and its difference, relative to the larger
ALLOWED_OF_TORCH = 1e-12


class Norm:
    """x / sqrt(mean(x**2)) * weight, along the last axis."""

    def __init__(self, weight):
        self.weight = weight

    def forward(self, x):
        self.size = np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + np.finfo(x.dtype).eps)
        self.unit = x / self.size
        return self.unit * self.weight

    def backward(self, grad):
        """Return the gradient by x; keep that by the weight."""
        self.weight_grad = np.sum(grad * self.unit, axis=tuple(range(grad.ndim - 1)))
        grad = grad * self.weight
        along = np.mean(grad * self.unit, axis=-1, keepdims=True)
        return (grad - self.unit * along) / self.size


def product(x, weight):
    """Return x @ weight, and the function from its gradient to those by x and by the weight."""

    def backward(grad):
        rows = x.reshape(-1, x.shape[-1])
        return grad @ weight.T, rows.T @ grad.reshape(-1, grad.shape[-1])

    return x @ weight, backward


class Block:
    """The block; `parameters` are by name, and `backward` returns gradients by the same names."""

    def __init__(self, width, heads, hidden, rng):
        shapes = {"q": (width, width), "k": (width, width), "v": (width, width), "o": (width, width)}
        shapes |= {"gate": (width, hidden), "value": (width, hidden), "down": (hidden, width)}
        self.heads = heads
        self.parameters = {name: rng.normal(0, shape[0] ** -0.5, shape) for name, shape in shapes.items()}
        self.parameters |= {name: rng.uniform(0.5, 1.5, width) for name in ("norm1", "norm2")}

    def split(self, x):
        """From (batch, tokens, width) to (batch, heads, tokens, width of a head)."""
        batch, tokens, width = x.shape
        return x.reshape(batch, tokens, self.heads, width // self.heads).transpose(0, 2, 1, 3)

    def join(self, x):
        batch, heads, tokens, width = x.shape
        return x.transpose(0, 2, 1, 3).reshape(batch, tokens, heads * width)

    def attend(self, scores, scale):
        """Return the shares of what each token looks at: itself and what comes before it."""
        return fa.softmax(scores, scale=scale, causal=True, out=scores)

    def gated(self, gate, value):
        return fa.swiglu(gate, value)

    def forward(self, x):
        p, back = self.parameters, {}
        self.norm1, self.norm2 = Norm(p["norm1"]), Norm(p["norm2"])
        normed = self.norm1.forward(x)
        (q, back["q"]), (k, back["k"]), (v, back["v"]) = (product(normed, p[name]) for name in "qkv")
        q, k, v = self.split(q), self.split(k), self.split(v)
        scores = q @ k.transpose(0, 1, 3, 2)
        shares = self.attend(scores, q.shape[-1] ** -0.5)
        attended, back["o"] = product(self.join(shares @ v), p["o"])
        x = x + attended

        normed = self.norm2.forward(x)
        (gate, back["gate"]), (value, back["value"]) = (product(normed, p[name]) for name in ("gate", "value"))
        out, back["down"] = product(self.gated(gate, value), p["down"])
        self.kept = q, k, v, shares, gate, value, back
        return x + out

    def backward(self, grad):
        """Return the gradients by the input and by every parameter; what `forward` kept is used up."""
        q, k, v, shares, gate, value, back = self.kept
        grads = {}
        grad_gated, grads["down"] = back["down"](grad)
        fa.swiglu.backward(grad_gated, gate=gate, value=value, gate_grad=gate, value_grad=value)
        grad_normed, grads["gate"] = back["gate"](gate)
        more, grads["value"] = back["value"](value)
        grad = grad + self.norm2.backward(grad_normed + more)
        grads["norm2"] = self.norm2.weight_grad

        grad_heads, grads["o"] = back["o"](grad)
        grad_heads = self.split(grad_heads)
        grad_v = shares.transpose(0, 1, 3, 2) @ grad_heads
        grad_shares = grad_heads @ v.transpose(0, 1, 3, 2)
        scale = q.shape[-1] ** -0.5
        grad_scores = fa.softmax.backward(grad_shares, y=shares, scale=scale, causal=True, out=grad_shares)
        by_name = {"q": grad_scores @ k, "k": grad_scores.transpose(0, 1, 3, 2) @ q, "v": grad_v}
        total = 0
        for name, gradient in by_name.items():
            grad_normed, grads[name] = back[name](self.join(gradient))
            total = total + grad_normed
        grads["x"] = grad + self.norm1.backward(total)
        grads["norm1"] = self.norm1.weight_grad
        return grads


def differences(block, x, weights, grads, rng, directions=8):
    """Return by name how far the gradients are from differences of sum(weights * block(x)) along random directions."""

    def total():
        return np.sum(weights * block.forward(x))

    found = {}
    for name, gradient in grads.items():
        array = x if name == "x" else block.parameters[name]
        got, want = np.empty(directions), np.empty(directions)
        for k in range(directions):
            direction = rng.normal(size=array.shape)
            direction /= np.linalg.norm(direction)
            array += STEP * direction
            after = total()
            array -= 2 * STEP * direction
            before = total()
            array += STEP * direction
            got[k], want[k] = np.sum(gradient * direction), (after - before) / (2 * STEP)
        found[name] = np.linalg.norm(got - want) / np.linalg.norm(want)
    return found


def torch_gradients(block, x, weights):
    """Return what PyTorch's automatic differentiation finds."""
    import torch

    p = {name: torch.tensor(array, requires_grad=True) for name, array in block.parameters.items()}
    p["x"] = torch.tensor(x, requires_grad=True)
    eps = np.finfo(x.dtype).eps

    def norm(x, weight):
        return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * weight

    def split(x):
        return x.reshape(*x.shape[:2], block.heads, -1).transpose(1, 2)

    normed = norm(p["x"], p["norm1"])
    attended = torch.nn.functional.scaled_dot_product_attention(
        *(split(normed @ p[name]) for name in "qkv"), is_causal=True
    )
    y = p["x"] + attended.transpose(1, 2).reshape(x.shape) @ p["o"]
    normed = norm(y, p["norm2"])
    y = y + (torch.nn.functional.silu(normed @ p["gate"]) * (normed @ p["value"])) @ p["down"]
    (y * torch.tensor(weights)).sum().backward()
    return {name: tensor.grad.numpy() for name, tensor in p.items()}


def main():
    parser = argparse.ArgumentParser(description="Check the gradients of a transformer block in NumPy with fastact.")
    parser.add_argument("--tokens", type=int, default=33)
    parser.add_argument("--width", type=int, default=48)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    rng = np.random.default_rng(options.seed)
    block = Block(options.width, options.heads, 2 * options.width + 1, rng)
    x = rng.normal(size=(2, options.tokens, options.width))
    weights = rng.normal(size=x.shape)
    block.forward(x)
    grads = block.backward(weights)

    checks = [("differences", differences(block, x, weights, grads, rng), ALLOWED)]
    if importlib.util.find_spec("torch"):
        torch = torch_gradients(block, x, weights)
        off = {name: np.linalg.norm(grads[name] - torch[name]) / np.linalg.norm(torch[name]) for name in grads}
        checks.append(("PyTorch", off, ALLOWED_OF_TORCH))
    print("relative difference of the gradients from", " and ".join(name for name, *_ in checks))
    for name in grads:
        print(f"{name:>6}", *(f"{off[name]:10.1e}" for _, off, _ in checks))
    wrong = [name for name in grads if not all(off[name] <= allowed for _, off, allowed in checks)]
    if wrong:
        sys.exit(f"The gradients by {', '.join(wrong)} are wrong.")


if __name__ == "__main__":
    main()
