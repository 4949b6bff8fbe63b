"""Write docs/migrating.md: what other libraries call fastact's functions, and where their defaults differ.

Names come from the catalogue, keywords from the error messages; tests/project/test_migrating.py computes both sides of every row.
``--check`` fails where the page in the tree differs.
"""

import argparse
import sys
from pathlib import Path

from fastact.arguments import FOREIGN
from fastact.catalogue import SPECS
from fastact.catalogue.spec import LIBRARIES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "migrating.md"
INTRODUCTION = """\
# Coming from another library

Written by `python tools/migrating.py`; not by hand. Find your function in a column: the first column has its name here.
`fa.get` finds it by most of these names too: `fa.get("Hardswish")` is `fa.hard_swish`.

If you use PyTorch, Keras, scikit-learn, Thinc or ONNX and want to keep your code, you need no table: fastact works inside
[PyTorch](libraries/torch.md), [Keras](libraries/keras.md), [scikit-learn](libraries/scikit-learn.md),
[Thinc](libraries/thinc.md) and [ONNX](libraries/onnx.md).

## Names

With default parameters, both sides compute the same function. Where a name has arguments, its defaults are different: with
these arguments it computes what fastact computes by default. `F` is `torch.nn.functional`; Hugging Face's names are those
of `transformers.activations.ACT2FN`.
"""
DEFAULTS_INTRODUCTION = """\
## Defaults that differ

The same call has another meaning there. The right column is what it means. `x` is an array, `z` are logits.
"""
KEYWORDS_INTRODUCTION = """\
## Keywords

A keyword of another library is a TypeError here, and the message has the name that you need.
"""
GRADIENTS = """\
## Gradients

There is no autograd for NumPy arrays. You keep what the backward pass needs, and you call it:

```python
import numpy as np
import fastact as fa

x = np.linspace(-3, 3, 7)
y = fa.silu(x)                                      # PyTorch: y = F.silu(x)
x_grad = fa.silu.backward(np.ones_like(y), x=x)     # PyTorch: y.backward(torch.ones_like(y)); x.grad
slope = fa.silu.derivative(x)                       # JAX: jax.vmap(jax.grad(jax.nn.silu))(x)
assert np.array_equal(x_grad, slope)
```

[What other libraries take](differences.md) has the options that fastact does not have, with the reason.
"""
HEADINGS = {"torch.nn.functional": "F"}
# A call there, and the same here.
DEFAULTS = (
    ("jax.nn.gelu(x)", "fa.gelu_tanh(x)"),
    ("keras.activations.leaky_relu(x)", "fa.leaky_relu(x, 0.2)"),
    ("F.rrelu(x)", "fa.leaky_relu(x, 11 / 48)"),
    ("F.softplus(x)", "np.where(x > 20, x, fa.softplus(x))"),
    ("onnx.HardSigmoid(x)", "fa.hard_sigmoid(x, 0.2)"),
    ("onnx.ThresholdedRelu(x)", "fa.threshold(x, 1, 0)"),
    ("nn.Softmax2d()(x)", "fa.softmax(x, axis=-3)"),
    ("scipy.special.softmax(x)", "fa.softmax(x, axis=None)"),
    ("scipy.special.log_softmax(x)", "fa.log_softmax(x, axis=None)"),
    ("scipy.special.logsumexp(x)", "fa.logsumexp(x, axis=None)"),
    ("jax.nn.logsumexp(x)", "fa.logsumexp(x, axis=None)"),
    ("F.glu(x)", "fa.glu(x=x)"),
    ("keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, z)", "fa.softmax_cross_entropy(z, labels)"),
    ("keras.losses.BinaryCrossentropy(from_logits=True)(targets, z)", "fa.sigmoid_cross_entropy(z, targets)"),
)


def code(names):
    return ", ".join(f"`{name}`" for name in names)


def table(heading, rows):
    """Return the lines of a table."""
    return ["".join(f"| {cell} " for cell in row) + "|" for row in (heading, ["---"] * len(heading), *rows)]


def names():
    """Yield a row for each function that other libraries have."""
    for spec in SPECS.values():
        if spec.elsewhere:
            yield [code([f"fa.{spec.name}"]), *(code(spec.elsewhere.get(library, "").split()) for library in LIBRARIES)]


def page():
    """Return the text of the page."""
    return "\n".join(
        [
            INTRODUCTION,
            *table(["fastact", *(HEADINGS.get(name, name) for name in LIBRARIES)], names()),
            "",
            DEFAULTS_INTRODUCTION,
            *table(["there", "here"], [[code([there]), code([here])] for there, here in DEFAULTS]),
            "",
            KEYWORDS_INTRODUCTION,
            *table(["there", "here"], [[code([there]), code(here)] for there, here in FOREIGN.items()]),
            "",
            GRADIENTS,
        ]
    )


def main():
    parser = argparse.ArgumentParser(description="Write docs/migrating.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; end with status 1 if it would change")
    if parser.parse_args().check:
        sys.exit(PAGE.read_text() != page())
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
