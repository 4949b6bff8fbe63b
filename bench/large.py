"""What threads are worth: large arrays beside the memory's limit, and threaded calls beside serial ones at every size.

The limit is what fastact's own parallel blocks take to scale an array, or to multiply two, in place.  Only an idle
machine gives figures worth having: elsewhere threads spin, waiting for one that has lost its core to another program.

    python bench/large.py --check
"""

import argparse
import os
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from compare import table
from tqdm import tqdm

import fastact as fa

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from compiled import in_c
from fastact._selfcheck import compute, kinds

SIZE = 16_777_216
SIZES = [1, 30, 1000, *(k * 10**exponent for exponent in range(4, 8) for k in (1, 2, 5)), 10**8]
ROW_LENGTH = 128
MAX_OF_LIMIT, MAX_OF_SERIAL = 1.10, 1.05
BATCH_SECONDS = 2e-5


def alternate(functions, rounds, before=lambda: None):
    """Return the median seconds of each function, and the median of each one's ratio to the last; they take turns."""
    before()
    start = perf_counter()
    functions[-1]()
    calls = max(1, int(BATCH_SECONDS / (perf_counter() - start)))
    seconds = np.empty((rounds, len(functions)))
    for turn in range(-1, rounds):  # the first warms up
        for k in np.roll(np.arange(len(functions)), turn):
            before()
            start = perf_counter()
            for _ in range(calls):
                functions[k]()
            seconds[turn, k] = (perf_counter() - start) / calls
    return np.median(seconds, axis=0), np.median(seconds / seconds[:, -1:], axis=0)


def memory_limit(rounds, misses):
    """Return the table of in-place calls on a large array beside the limit."""
    rng = np.random.default_rng(0)
    fresh, y = rng.standard_normal((2, SIZE), np.float32)
    x = np.empty_like(fresh)
    pairs = []  # what is timed, and the limit it is held to
    for name in ("relu", "leaky_relu"):
        f = fa.ACTIVATIONS[name]
        pairs.append((f"{name} forward", lambda f=f: f(x, out=x), "scale"))
        pairs.append((f"{name} backward from x", lambda f=f: f.backward(x, x=y, out=x), "multiply"))
    limits = {"scale": lambda: in_c.scale(x, 0.99), "multiply": lambda: in_c.multiply(x, y)}
    rows = []
    for name, function, limit in tqdm(pairs, desc="large arrays"):
        seconds, ratios = alternate([function, limits[limit]], rounds, before=lambda: np.copyto(x, fresh))
        ns, limit_ns = seconds / SIZE * 1e9
        rows.append([name, f"{ns:.4f}", limit, f"{limit_ns:.4f}", f"{ratios[0]:.3f}"])
        if ratios[0] > MAX_OF_LIMIT:
            misses.append(f"{name} takes {ratios[0]:.2f} times as long as {limit}")
    return table([f"{SIZE:,} float32, in place", "ns", "limit", "ns", "ratio"], rows)


def serial_and_threaded(rounds, misses):
    """Return the table of the median time on all threads divided by that on one, by size."""
    threads = fa.get_num_threads()
    arrays = np.random.default_rng(0).standard_normal((3, max(SIZES)), np.float32)
    todo = [(activation, kind) for activation in fa.ACTIVATIONS.values() for kind in kinds(activation)]
    rows = []
    with tqdm(total=len(todo) * len(SIZES), desc="serial and threaded") as bar:
        for activation, kind in todo:
            cells = []
            for size in SIZES:
                length = min(size, ROW_LENGTH)
                shape = (size,) if activation.kind != "rowwise" else (size // length, length)
                x, grad, out = (array[: np.prod(shape)].reshape(shape) for array in arrays)
                if kind == "backward_y":
                    x = activation(x)

                def on(n, activation=activation, kind=kind, x=x, grad=grad, out=out):
                    with fa.num_threads(n):
                        compute(activation, kind, x, grad, out)

                _, ratios = alternate([lambda: on(threads), lambda: on(1)], rounds)
                cells.append(f"{ratios[0]:.2f}")
                if ratios[0] > MAX_OF_SERIAL:
                    misses.append(f"{activation.name} {kind}, {size:,} elements: {ratios[0]:.2f} of the serial time")
                bar.update()
            rows.append([f"{activation.name} {kind}", *cells])
    return table(["float32", *(f"{size:g}" for size in SIZES)], rows)


def main():
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description="Measure fastact's threads.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--check", action="store_true", help="end with status 1 where a limit is exceeded")
    options = parser.parse_args()
    misses = []
    print(f"{fa.get_num_threads()} threads; load average before the start: {os.getloadavg()[0]:.2f}\n")
    print(memory_limit(options.rounds, misses), end="\n\n")
    print("Time on all threads divided by that on one:\n")
    print(serial_and_threaded(options.rounds, misses))
    for miss in misses:
        print("behind:", miss)
    return 1 if options.check and misses else 0


if __name__ == "__main__":
    sys.exit(main())
