"""What fastact's threads take from others: matrix products in the same loop, and another process on the same cores.

Every line is the time on all threads divided by that on one, in a process of its own; the two take turns.  On a busy
machine the scheduler may keep others away:

    chrt -f 10 python bench/beside_blas.py --check
"""

import argparse
import importlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

if "--first" in sys.argv:
    importlib.import_module(sys.argv[sys.argv.index("--first") + 1])
import numpy as np
from compare import table
from tqdm import tqdm

import fastact as fa

CALLS = 200  # of each of two processes


def arrays(rows):
    """Return a matrix of so many rows, another to multiply it by, and room for the product."""
    rng = np.random.default_rng(0)
    b = rng.standard_normal((1024, 1024), np.float32) / 32
    a = rng.standard_normal((rows, 1024), np.float32)
    return a, b, np.empty_like(a)


def alone(rows):
    a, _, out = arrays(rows)
    return lambda: fa.gelu(a, out=out)


def after_matmul(rows):
    a, b, out = arrays(rows)

    def loop():
        np.matmul(a, b, out=out)
        fa.gelu(out, out=out)

    return loop


def after_torch(rows):
    import torch

    torch.set_grad_enabled(False)
    a, b, out = arrays(rows)
    left, right, product = map(torch.from_numpy, (a, b, out))

    def loop():
        torch.mm(left, right, out=product)
        fa.gelu(out, out=out)

    return loop


def after_sklearn(rows):
    from sklearn.metrics import pairwise_distances_argmin

    a, b, out = arrays(rows)

    def loop():
        pairwise_distances_argmin(a, b)
        fa.gelu(a, out=out)

    return loop


class Loop(NamedTuple):
    """What is timed, on matrices of so many rows; `limit` is what the ratio is held to, where it is in our hands."""

    make: Callable[[int], Callable[[], None]]
    rows: int
    limit: float | None = None
    needs: str = "numpy"
    first: bool = False  # what it needs is imported before fastact


LOOPS = {
    "gelu alone, 131,072": Loop(alone, 128, 0.6),
    "gelu alone, 1,048,576": Loop(alone, 1024, 0.6),
    "np.matmul and gelu, 64 rows": Loop(after_matmul, 64, 1.1),
    "np.matmul and gelu, 256 rows": Loop(after_matmul, 256, 1.1),
    "np.matmul and gelu, 1024 rows": Loop(after_matmul, 1024, 1.1),
    "torch.mm and gelu, 256 rows": Loop(after_torch, 256, needs="torch"),
    "torch.mm and gelu, 1024 rows": Loop(after_torch, 1024, needs="torch"),
    "the same, torch imported first": Loop(after_torch, 1024, needs="torch", first=True),
    "scikit-learn's nearest rows and gelu": Loop(after_sklearn, 1024, needs="sklearn"),
    "the same, scikit-learn imported first": Loop(after_sklearn, 1024, needs="sklearn.metrics", first=True),
}
TWO_PROCESSES = 1.2

CHILD = f"""
import sys, time, numpy as np, fastact as fa
x = np.linspace(-3, 3, 1 << 20, dtype=np.float32)
fa.gelu(x, out=x)
print("ready", flush=True)
sys.stdin.readline()
begin = time.perf_counter()
for _ in range({CALLS}):
    fa.gelu(x, out=x)
print(time.perf_counter() - begin)
"""


def measure(name, rounds, seconds):
    """Return the median of the rounds' ratios, each of medians over so many seconds, and the median seconds on one."""
    loop = LOOPS[name]
    call = loop.make(loop.rows)
    threads = fa.get_num_threads()
    ratios, singles = [], []
    for turn in range(-1, rounds):  # the first warms up
        medians = {}
        for count in (threads, 1)[:: 1 if turn % 2 else -1]:
            fa.set_num_threads(count)
            taken, end = [], perf_counter() + seconds
            while perf_counter() < end or len(taken) < 3:
                start = perf_counter()
                call()
                taken.append(perf_counter() - start)
            medians[count] = np.median(taken)
        if turn >= 0:
            ratios.append(medians[threads] / medians[1])
            singles.append(medians[1])
    return float(np.median(ratios)), float(np.median(singles))


def two_processes(threads):
    """Return the seconds of the slower of two processes, on their threads each."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", CHILD]
    pair = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in pair:
        process.stdout.readline()
    for process in pair:
        process.stdin.write("\n")
        process.stdin.flush()
    return max(float(process.communicate()[0]) for process in pair)


def main():
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Measure what fastact's threads take from matrix products.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.15, help="of each turn")
    parser.add_argument("--check", action="store_true", help="end with status 1 where a limit is exceeded")
    parser.add_argument("--one", choices=LOOPS, help=argparse.SUPPRESS)
    parser.add_argument("--first", help=argparse.SUPPRESS)  # imported above
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.rounds, options.seconds)))
        return 0

    threads, misses, rows = fa.get_num_threads(), [], []
    chosen = [name for name, loop in LOOPS.items() if importlib.util.find_spec(loop.needs)]
    print(f"{threads} threads; load average before the start: {os.getloadavg()[0]:.2f}\n")

    def add(name, ratio, single, limit):
        rows.append([name, f"{single * 1e6:,.0f}", f"{ratio:.2f}", str(limit or "")])
        if limit and ratio > limit:
            misses.append(f"{name}: {ratio:.2f}")

    bar = tqdm(chosen, desc="loops")
    for name in bar:
        loop = LOOPS[name]
        command = [sys.executable, __file__, "--one", name, "--rounds", str(options.rounds)]
        command += ["--seconds", str(options.seconds), *(["--first", loop.needs] if loop.first else [])]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        ratio, single = json.loads(done.stdout)
        add(name, ratio, single, loop.limit)
    turns = tqdm(range(options.rounds), desc="two processes")
    pairs = np.array([[two_processes(count) for count in (threads, 1)] for _ in turns])
    ratio, single = np.median(pairs[:, 0] / pairs[:, 1]), np.median(pairs[:, 1])
    add(f"two processes, {CALLS} times gelu, 1,048,576", ratio, single, TWO_PROCESSES)
    print(table(["", "us on one", "ratio", "limit"], rows))
    for miss in misses:
        print("behind:", miss)
    return 1 if options.check and misses else 0


if __name__ == "__main__":
    sys.exit(main())
