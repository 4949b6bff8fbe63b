"""What functions of jax.nn take beside those of fastact.jax, compiled by jax.jit: python bench/in_jax.py

Each figure is the least of many calls, taken in turns, in microseconds: f(x), and its value and gradient.
"""

import time

import jax
import jax.numpy as jnp

import fastact.jax as fj

ROUNDS = 400
PAIRS = {
    "mish": (jax.nn.mish, fj.mish),
    "gelu": (lambda x: jax.nn.gelu(x, approximate=False), fj.gelu),
    "softplus": (jax.nn.softplus, fj.softplus),
    "tanh": (jnp.tanh, fj.tanh),
    "silu": (jax.nn.silu, fj.silu),
    "sigmoid": (jax.nn.sigmoid, fj.sigmoid),
    "relu": (jax.nn.relu, fj.relu),
    "softmax": (jax.nn.softmax, fj.softmax),
    "logsumexp": (lambda x: jax.nn.logsumexp(x, -1), fj.logsumexp),
}


def with_gradient(function):
    """Return what gives the value and the gradient, for a gradient that comes from outside."""

    def both(x, grad):
        y, backward = jax.vjp(function, x)
        return y, backward(grad)

    return both


def microseconds(calls):
    least = [float("inf")] * len(calls)
    for turn in range(-2, ROUNDS):
        for k, (function, arguments) in enumerate(calls):
            start = time.perf_counter()
            jax.block_until_ready(function(*arguments))
            if turn >= 0:
                least[k] = min(least[k], 1e6 * (time.perf_counter() - start))
    return least


def main():
    print("| | elements | jax.nn | fastact | ratio | with gradient, jax.nn | fastact | ratio |\n|" + " --- |" * 8)
    for name, pair in PAIRS.items():
        for shape in ((256, 256), (1024, 1024)):
            x = 3 * jax.random.normal(jax.random.key(0), shape, jnp.float32)
            grad = jnp.ones_like(pair[1](x))
            calls = [(jax.jit(function), (x,)) for function in pair]
            calls += [(jax.jit(with_gradient(function)), (x, grad)) for function in pair]
            theirs, ours, theirs_both, ours_both = microseconds(calls)
            print(
                f"| {name} | {x.size:,} | {theirs:.0f} | {ours:.0f} | {theirs / ours:.1f} | {theirs_both:.0f} "
                f"| {ours_both:.0f} | {theirs_both / ours_both:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
