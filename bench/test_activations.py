"""Speed over the catalogue, by pytest-benchmark: `pytest bench`, or `pytest bench -k "tanh and 65536"` for a part.

Each library is timed in a process of its own (workers.py) and the times are handed to pytest-benchmark through a clock.
Beside each time stand the largest error in ulp and the form of the statement that was timed.
"""

import math

import pytest

import fastact as fa
from fastact._bench.peers import installed, ways
from fastact._bench.workers import Case, Worker
from fastact._selfcheck import kinds

TYPES = ("float32", "float64")
ROUNDS = {16: 25, 1024: 25, 65_536: 25, 16_777_216: 3}  # by size
ROW_LENGTH = {16: 16, 1024: 128, 65_536: 128, 16_777_216: 128}
ONE_CORE_ONLY = ("NumPy", "SciPy")
THREADS = [1] if fa.get_num_threads() == 1 else [1, fa.get_num_threads()]


class Clock:
    """Says how much time the worker that was asked last has spent."""

    now = 0.0

    def __call__(self):
        return self.now


clock = Clock()


@pytest.fixture(scope="session")
def worker():
    """A function that returns the process of a library with some number of threads, started when first asked for."""
    started = {}

    def worker(library, threads):
        if (library, threads) not in started:
            started[library, threads] = Worker(library, threads)
        return started[library, threads]

    yield worker
    for process in started.values():
        process.stop()


def parameters():
    """Yield every combination that a library has."""
    for activation in fa.ACTIVATIONS.values():
        for kind in kinds(activation):
            for dtype in TYPES:
                for size in ROUNDS:
                    for threads in THREADS:
                        for library in installed():
                            if ways(library, activation.name, kind) and (threads == 1 or library not in ONE_CORE_ONLY):
                                yield activation.name, kind, dtype, size, threads, library


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize(("activation", "kind", "dtype", "size", "threads", "library"), [*parameters()])
def test_speed(benchmark, worker, activation, kind, dtype, size, threads, library):
    rowwise = fa.ACTIVATIONS[activation].kind == "rowwise"
    shape = (size // ROW_LENGTH[size], ROW_LENGTH[size]) if rowwise else (size,)
    case, way = Case(activation, kind, dtype, shape), ways(library, activation, kind)[0]
    process = worker(library, threads)
    calls = max(1, math.ceil(100e-6 / process.seconds(case, way, 1)))

    def turn():
        clock.now += process.seconds(case, way, calls)

    benchmark.group = f"{activation} {kind} {dtype} {size}"
    benchmark.extra_info |= {"library": library, "threads": threads, "form": way.form, "statement": way.statement}
    benchmark.extra_info["ulp"] = process.error(activation, kind, dtype, way)
    benchmark.pedantic(turn, rounds=ROUNDS[size])
    process.release()
