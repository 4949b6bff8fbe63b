"""Time float16 and bfloat16 beside float32, on one thread, and PyTorch in the same types where it can be imported.

    python bench/half.py [--repeats 7]

Times are the smallest of runs that alternate; the other columns are ratios to fastact's float32.
"""

import argparse
import time

import ml_dtypes
import numpy as np

import fastact as fa

TYPES = {"float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
CALLS = {"relu": {}, "leaky_relu": {}, "tanh": {}, "sigmoid": {}, "gelu": {}, "swish": {}}


def fastest(functions, repeats, runs):
    """Return the smallest time of each, in microseconds; they take turns."""
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(repeats):
        for name, function in functions.items():
            for _ in range(runs):
                start = time.perf_counter()
                function()
                best[name] = min(best[name], 1e6 * (time.perf_counter() - start))
    return best


def functions_of(name, n, torch):
    """Yield (label, a call without arguments): fastact's forward and backward, and torch's forward."""
    x = np.random.default_rng(0).standard_normal(n).astype(np.float32)
    function = getattr(fa, name)
    for label, dtype in TYPES.items():
        values, out = x.astype(dtype), np.empty(n, dtype)
        yield f"forward {label}", lambda v=values, o=out: function(v, out=o)
        yield f"backward {label}", lambda v=values, o=out: function.backward(v, x=v, out=o)
        if torch is not None:
            theirs = getattr(torch.nn.functional, "silu" if name == "swish" else name, None) or getattr(torch, name)
            tensor = torch.from_numpy(x).to(getattr(torch, label))
            yield f"torch {label}", lambda f=theirs, t=tensor: f(t)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    fa.set_num_threads(1)
    try:
        import torch

        torch.set_num_threads(1)
    except ImportError:
        torch = None
    for n, runs in ((65_536, 100), (16_777_216, 2)):
        for name in CALLS:
            best = fastest(dict(functions_of(name, n, torch)), repeats, runs)
            for way in ("forward", "backward", *(["torch"] if torch else [])):
                base = best[f"{'forward' if way == 'torch' else way} float32"]
                cells = ", ".join(f"{label} {best[f'{way} {label}'] / base:.2f}" for label in TYPES)
                print(f"{n:>10,} {name:<10} {way:<8} float32 {base:9.1f} us; {cells}", flush=True)


if __name__ == "__main__":
    main()
