"""Compare what fastact does in one pass with the same composed from torch's `out=` forms, NumPy and SciPy, and what JAX
compiles: biases, gated units, losses, and functions of rows.  Writes docs/fused.md:

    python bench/fused.py --write            # one thread, then as many as there are CPUs; 4 minutes of an idle machine
    python bench/fused.py --only swiglu      # workloads whose name has it
"""

import argparse
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
from compare import processor, table
from tqdm import tqdm

import fastact as fa
from fastact._bench.peers import ALLOCATING, OUT, Way, installed
from fastact._bench.workers import compare, workers

REPORT = Path(__file__).resolve().parent.parent / "docs" / "fused.md"
ROW_LENGTHS = (2, 10, 16, 48, 50, 128, 1000, 1024, 32_000, 128_256)
ELEMENTS = 65_536  # of rows together, or one row
MASKED = (16, 256, 256)


class Workload(NamedTuple):
    """What is timed: one of WORKLOADS on arrays of a type and shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    def arrays(self):
        """Return the arrays that statements may use, by their names."""
        rng = np.random.default_rng(0)
        x, grad, value = (rng.standard_normal(self.shape, self.dtype) for _ in range(3))
        arrays = {"x": x, "grad": grad, "value": value, "out": np.empty_like(x), "value_out": np.empty_like(x)}
        arrays["bias"] = rng.standard_normal(self.shape[-1], self.dtype)
        arrays["total"] = np.empty_like(arrays["bias"])
        arrays["single"] = np.empty(self.shape[:-1], self.dtype)
        arrays["labels"] = rng.integers(0, self.shape[-1], self.shape[0])
        if "y" in WORKLOADS[self.name].needs:
            arrays["y"] = (fa.log_softmax if self.name.startswith("log") else fa.softmax)(x)
        if "seen" in WORKLOADS[self.name].needs:
            arrays["seen"] = np.tri(*self.shape[-2:], dtype=bool)
        return {name: arrays[name] for name in WORKLOADS[self.name].needs.split()}

    def timed(self, library, way):
        """Return the statement's names, and a setup that does nothing: no statement changes what it reads."""
        own = {name: library.to_own(array) for name, array in self.arrays().items()}
        names = library.names | own | {"fa": fa}
        if way.compiled:
            jax = library.names["jax"]
            names["compiled"] = jax.jit(eval(f"lambda {', '.join(own)}: {way.compiled}", names))
        return names, "pass"


class Peers(NamedTuple):
    """The statements of a workload; for JAX an expression, which is compiled."""

    needs: str  # names of arrays, separated by spaces
    fastact: str
    torch: str
    JAX: str
    NumPy: str = ""

    def way(self, library):
        """Return a library's way, or None."""
        statement = getattr(self, "NumPy" if library == "SciPy" else library)
        if not statement or (library == "SciPy") != ("scipy" in statement):
            return None
        if library != "JAX":
            return Way(OUT, statement)
        return Way(ALLOCATING, f"jax.block_until_ready(compiled({', '.join(self.needs.split())}))", statement)


def with_bias(name, torch, torch_backward, jax, numpy=""):
    """Return an activation of x + bias, and its backward with the gradient by the bias."""
    return {
        f"{name}, bias": Peers(
            "x bias out",
            f"fa.{name}(x, bias=bias, out=out)",
            f"torch.add(x, bias, out=out); {torch}",
            f"(lambda x: {jax})(x + bias)",
            numpy and f"np.add(x, bias, out=out); {numpy}",
        ),
        f"{name} backward, bias and its gradient": Peers(
            "x grad bias out total",
            f"fa.{name}.backward(grad, x=x, bias=bias, bias_grad=total, out=out)",
            f"torch.add(x, bias, out=out); {torch_backward}; torch.sum(out, 0, out=total)",
            f"(lambda g: (g, g.sum(0)))(jax.vjp(lambda x: {jax}, x + bias)[1](grad)[0])",
        ),
    }


def gated(name, torch, torch_backward, jax):
    """Return a gated unit of x and value, and its backward."""
    return {
        name: Peers(
            "x value out",
            f"fa.{name}(x, value, out=out)",
            f"{torch}; out.mul_(value)",
            f"{jax} * value",
        ),
        f"{name} backward": Peers(
            "x value grad out value_out",
            f"fa.{name}.backward(grad, gate=x, value=value, gate_grad=out, value_grad=value_out)",
            f"{torch}; torch.mul(grad, out, out=value_out); torch.mul(grad, value, out=out); {torch_backward}",
            f"jax.vjp(lambda x, value: {jax} * value, x, value)[1](grad)",
        ),
    }


GELU = "torch._C._nn.gelu({}, out=out)", "aten.gelu_backward.grad_input({}, {}, grad_input=out)"
SILU = "torch._C._nn.silu({}, out=out)", "aten.silu_backward.grad_input({}, {}, grad_input=out)"
CROSS_ENTROPY = "-jnp.take_along_axis(jax.nn.log_softmax(x), labels[:, None], -1).mean()"
MASKED_SOFTMAX = "torch.mul(x, 0.125, out=out).masked_fill_(~seen, float('-inf')); torch.softmax(out, -1, out=out)"

WORKLOADS = {
    **with_bias(
        "gelu",
        GELU[0].format("out"),
        GELU[1].format("grad", "out"),
        "jax.nn.gelu(x, approximate=False)",
    ),
    **with_bias(
        "relu",
        "out.relu_()",
        "aten.threshold_backward.grad_input(grad, out, 0, grad_input=out)",
        "jax.nn.relu(x)",
        "np.maximum(out, 0, out=out)",
    ),
    **gated("swiglu", SILU[0].format("x"), SILU[1].format("out", "x"), "jax.nn.silu(x)"),
    **gated("geglu", GELU[0].format("x"), GELU[1].format("out", "x"), "jax.nn.gelu(x, approximate=False)"),
    "softmax": Peers(
        "x out",
        "fa.softmax(x, out=out)",
        "torch.softmax(x, -1, out=out)",
        "jax.nn.softmax(x)",
        "scipy.special.softmax(x, axis=-1)",
    ),
    "softmax backward": Peers(
        "grad y out",
        "fa.softmax.backward(grad, y=y, out=out)",
        "aten._softmax_backward_data.out(grad, y, -1, y.dtype, grad_input=out)",
        "y * (grad - (grad * y).sum(-1, keepdims=True))",
    ),
    "log_softmax": Peers(
        "x out",
        "fa.log_softmax(x, out=out)",
        "torch.log_softmax(x, -1, out=out)",
        "jax.nn.log_softmax(x)",
        "scipy.special.log_softmax(x, axis=-1)",
    ),
    "log_softmax backward": Peers(
        "grad y out",
        "fa.log_softmax.backward(grad, y=y, out=out)",
        "aten._log_softmax_backward_data.out(grad, y, -1, y.dtype, out=out)",
        "grad - jnp.exp(y) * grad.sum(-1, keepdims=True)",
    ),
    "logsumexp": Peers(
        "x single",
        "fa.logsumexp(x, out=single)",
        "torch.logsumexp(x, -1, out=single)",
        "jax.nn.logsumexp(x, axis=-1)",
        "scipy.special.logsumexp(x, axis=-1)",
    ),
    "softmax_cross_entropy and gradient": Peers(
        "x labels out",
        "fa.softmax_cross_entropy(x, labels, grad_out=out)",
        "torch.log_softmax(x, -1, out=out); loss = F.nll_loss(out, labels); out.exp_(); "
        "out[torch.arange(len(labels)), labels] -= 1; out.div_(len(labels))",
        f"jax.value_and_grad(lambda x: {CROSS_ENTROPY})(x)",
    ),
    "softmax of causal, scaled scores": Peers(
        "x seen out",
        "fa.softmax(x, scale=0.125, causal=True, out=out)",
        MASKED_SOFTMAX,
        "jax.nn.softmax(jnp.where(seen, x * 0.125, -jnp.inf))",
    ),
    "softmax of masked, scaled scores": Peers(
        "x seen out",
        "fa.softmax(x, scale=0.125, where=seen, out=out)",
        MASKED_SOFTMAX,
        "jax.nn.softmax(jnp.where(seen, x * 0.125, -jnp.inf))",
    ),
}
# What the contract asks for, of the fastest of torch's, as how many times fastact's time.
SHORT, MULTIPLE_OF_16 = 3.0, 1.3
BEYOND_THE_CACHE = {"swiglu backward": 1.5, "gelu, bias": 1.5}


def shapes(name):
    """Return the shapes that a workload is measured with."""
    if "bias" in name:
        return [(256, 4096), (4096, 4096)]
    if "glu" in name:
        return [(64, 1024), (4096, 11_008)]
    if "scores" in name:
        return [MASKED]
    return [(max(1, ELEMENTS // n), n) for n in ROW_LENGTHS]


def asked(case):
    """Return how many times as fast as torch the workload is to be."""
    length = case.shape[-1]
    if len(case.shape) == 2 and "bias" not in case.name and "glu" not in case.name:
        return SHORT if length < 16 or (length % 16 and length < 1000) else MULTIPLE_OF_16 if length < 65 else 1.0
    return BEYOND_THE_CACHE.get(case.name, 1.0) if np.prod(case.shape) > 1 << 22 else 1.0


def measure(threads, names, rounds, misses):
    """Return the table for so many threads."""
    rows = []
    cases = [
        Workload(name, dtype, shape) for name in names for dtype in ("float32", "float64") for shape in shapes(name)
    ]
    with workers(installed(), threads) as processes:
        for case in tqdm(cases, desc=f"{threads} threads", disable=None):
            if case.dtype == "float64" and np.prod(case.shape) > 1 << 25:
                continue  # does not fit in some machines' memory
            found = {name: WORKLOADS[case.name].way(name) for name in processes}
            results, ratios = compare([(processes[name], case, way) for name, way in found.items() if way], rounds)
            best = min(ratios, key=ratios.get)
            for worker in processes.values():
                worker.release()
            ns = [
                f"{results[name][0] / np.prod(case.shape) * 1e9:.3f}" if name in results else "" for name in processes
            ]
            wanted = asked(case)
            label = f"{case.name} {case.shape} {case.dtype}, {threads} thread{'s' * (threads > 1)}"
            if ratios[best] < 1:
                misses.append(f"{label}: {best} takes {ratios[best]:.2f} of the time")
            if ratios.get("torch", wanted) < wanted:
                misses.append(f"{label}: {ratios['torch']:.2f} times as fast as torch, not {wanted}")
            torch = f"{ratios['torch']:.2f}" if "torch" in ratios else ""
            rows.append(
                [case.name, case.dtype, " x ".join(map(str, case.shape)), *ns, best, f"{ratios[best]:.2f}", torch]
            )
    return table(["", "type", "shape", *processes, "best peer", "its time / ours", "torch's time / ours"], rows)


INTRODUCTION = """\
# What is fused

These calls do the work of several, in one pass over memory, and make no array of that size in between:

| call | in one pass |
| --- | --- |
| `fa.gelu(x, bias=bias)`, and every other elementwise function | the sum with the bias, and the function |
| `fa.gelu.backward(grad, x=x, bias=bias, bias_grad=bias_grad)` | the gradient with respect to x, and its sum, the bias' gradient |
| `fa.swiglu(gate, value)`, and every other gated unit | the activation, and the product |
| `fa.swiglu.backward(grad, gate=gate, value=value)` | both gradients |
| `fa.softmax(scores, scale=s, where=mask, causal=True)`, and `log_softmax`, `logsumexp` | scale, mask, and the function |
| `fa.softmax_cross_entropy(logits, labels, grad_out=grad)`, and `fa.sigmoid_cross_entropy` | the loss, and its gradient |

Below, each is timed beside the same work done by other libraries. Above 1, fastact is faster. At the end of the page stands each
case in which another library is ahead, or less far behind fastact than was asked for.
"""


def main():
    """Measure, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="workloads whose name has this")
    parser.add_argument("--threads", type=int, nargs="*", default=sorted({1, os.cpu_count() or 1}))
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.parent.name}/{REPORT.name}")
    options = parser.parse_args()
    names = [name for name in WORKLOADS if options.only in name]
    misses = []
    tables = "".join(
        f"\n## {n} thread{'s' * (n > 1)}, ns an element\n\n{measure(n, names, options.rounds, misses)}\n"
        for n in options.threads
    )
    versions = ", ".join(f"{name} {version(name.lower())}" for name in installed() if name != "fastact")
    behind = "\n".join(f"- {miss}" for miss in misses) or "- nothing"
    report = f"""{INTRODUCTION}
Made by `python bench/fused.py --write --rounds {options.rounds}`: {processor()}, fastact on {fa.core.function.TARGET}, {versions}, Python
{platform.python_version()}.  Times are medians of turns that alternate, each library in a process of its own.
The statements are in `bench/fused.py`: torch's write to buffers that exist.
{tables}
## Behind another library

Or less ahead of torch than was asked for: 3 times in rows shorter than 16 or of other lengths than its multiples, 1.3 times at 16
and 48; 1.5 times for `swiglu.backward` and GELU with a bias on large arrays.

{behind}
"""
    print(report)
    if options.write:
        REPORT.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
