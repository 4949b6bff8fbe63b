"""Times the statements of peers.py, each library in a process of its own: two OpenMP pools in one process would disturb
each other by a factor of ten.  A worker starts once and is told over a pipe what to do; the caller takes turns.
"""

import functools
import math
import multiprocessing
import os
import timeit
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple

import numpy as np

import fastact as fa
from fastact._bench import onnx_runtime
from fastact._bench.peers import IN_PLACE, ways
from fastact._formulas import FORMULAS
from fastact._selfcheck import compute, float32_error, float64_error
from fastact.catalogue import SPECS

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
BATCH_SECONDS = 1e-4  # a turn is some batches of this length
IN_PLACE_CALLS = 8  # in place numbers shrink from call to call, but must not become subnormal within a batch
BATCHES = 5  # a worker's answer is the median of this many, or one batch where arrays are large
LARGE = 1_000_000


class Case(NamedTuple):
    """What is computed: an activation, one of its kinds, on an array of a type and shape; `fill` is what x holds.

    A case says itself what a timer needs: `timed(library, way)` returns the statement's names and its setup.
    """

    activation: str
    kind: str
    dtype: str
    shape: tuple[int, ...]
    fill: str = "ordinary"

    def arrays(self):
        """Return x, which is y where the kind is backward from y, and grad."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal(self.shape, self.dtype)
        grad = rng.standard_normal(self.shape, self.dtype)
        if self.fill == "half -inf":
            x[..., ::2] = -np.inf
        elif self.fill == "±100":
            x[...] = np.where(x < 0, -100, 100)
        elif self.fill != "ordinary":
            x[...] = float(self.fill)
        if self.kind == "backward_y":
            fa.ACTIVATIONS[self.activation](x, **SPECS[self.activation].typical, out=x)
        return x, grad

    def timed(self, library, way):
        """Before each batch the arrays hold their first values again."""
        x, grad = self.arrays()
        names = library.namespace(self.activation, self.kind, x, grad, way)
        setup = "pass"
        if way.compiled:
            setup = "out = jnp.zeros_like(grad)"
        elif way.form == IN_PLACE:
            over = "grad" if self.kind.startswith("backward") else "x"
            names["first"] = library.to_own((grad if over == "grad" else x).copy())
            setup = f"{over}[...] = first"
        return names, setup


class Library:
    """Answers for one library, in its own process."""

    def __init__(self, name, threads):
        self.name, self.threads = name, threads
        self.names = {"np": np}
        self.to_own = np.asarray
        fa.set_num_threads(threads if name == "fastact" else 1)  # elsewhere it only makes the arrays
        if name == "torch":
            import torch

            torch.set_num_threads(threads)
            torch.set_grad_enabled(False)
            self.names |= {"torch": torch, "F": torch.nn.functional, "aten": torch.ops.aten}
            self.to_own = lambda array: torch.from_numpy(array).clone()  # in memory that torch has aligned
        elif name == "SciPy":
            import scipy.special

            self.names["scipy"] = scipy
        elif name == "JAX":
            import jax

            jax.config.update("jax_enable_x64", True)
            jax.config.update("jax_cpu_enable_async_dispatch", False)  # faster, since the caller waits anyway
            self.names |= {"jax": jax, "jnp": jax.numpy}
            self.to_own = jax.numpy.asarray

    def namespace(self, activation, kind, x, grad, way):
        """Return all names that a statement may use; the arrays may be written over."""
        f = fa.ACTIVATIONS[activation]
        given = "y" if kind == "backward_y" else "x"
        names = self.names | SPECS[activation].typical | {"f": f, "formula": FORMULAS[activation]}
        names |= {given: self.to_own(x), "grad": self.to_own(grad), "out": self.to_own(np.empty_like(x))}
        if self.name == "onnxruntime":
            names["run"] = onnx_runtime.runner(
                activation, SPECS[activation].typical, names["x"], names["out"], self.threads
            )
        if way.compiled:
            jax, arrays = self.names["jax"], "x" if kind == "forward" else f"grad, {given}"
            names["compiled"] = jax.jit(eval(f"lambda {arrays}: {way.compiled}", names))
            names["donated"] = jax.jit(
                eval(f"lambda out, {arrays}: {way.compiled}", names), donate_argnums=0, keep_unused=True
            )
        return names

    @functools.lru_cache(maxsize=8)  # noqa: B019 (as long-lived as the process)
    def timer(self, case, way):
        """Return a timer of the statement."""
        names, setup = case.timed(self, way)
        return timeit.Timer(way.statement, setup, globals=names)

    def seconds(self, case, way, calls):
        """Return the time of one call, in a batch of `calls` after one that warms up."""
        timer = self.timer(case, way)
        timer.timeit(1)
        return median(timer.repeat(1 if math.prod(case.shape) > LARGE else BATCHES, calls)) / calls

    def release(self):
        self.timer.cache_clear()

    @functools.cache  # noqa: B019
    def error(self, activation, kind, dtype, way):
        """Return the largest error in ulp over the points of the self-check."""

        def run(activation, kind, x, grad):
            return np.array(eval(way.statement, self.namespace(activation.name, kind, x.copy(), grad.copy(), way)))

        error_of = float32_error if dtype == "float32" else float64_error
        with np.errstate(all="ignore"):
            return float(error_of(fa.ACTIVATIONS[activation], kind, run))

    def subnormal_result(self, case):
        """Return whether a true result of the case is subnormal, where alone a call may be slow."""
        x, grad = case.arrays()
        result = np.abs(compute(fa.ACTIVATIONS[case.activation], case.kind, x, grad, **SPECS[case.activation].typical))
        return bool(np.any((result > 0) & (result < np.finfo(case.dtype).tiny)))


def serve(pipe, name, threads, cores):
    """Do what is asked over the pipe until it says None."""
    os.sched_setaffinity(0, cores)
    library = Library(name, threads)
    while (request := pipe.recv()) is not None:
        method, arguments = request
        try:
            pipe.send(getattr(library, method)(*arguments))
        except Exception as error:  # noqa: BLE001 (for the caller to raise)
            pipe.send(error)


class Worker:
    """A library's process, on one core where it has one thread."""

    def __init__(self, name, threads=1):
        cores = os.sched_getaffinity(0)
        cores = {max(cores)} if threads == 1 else cores
        context = multiprocessing.get_context("spawn")
        self.name, (self.pipe, far_end) = name, context.Pipe()
        self.process = context.Process(target=serve, args=(far_end, name, threads, cores), daemon=True)
        environment = dict(os.environ)
        os.environ.update({name: str(threads) if value == "1" else value for name, value in ONE_THREAD.items()})
        if threads > 1:
            del os.environ["XLA_FLAGS"]
        try:
            self.process.start()
        finally:
            os.environ.clear()
            os.environ.update(environment)

    def __getattr__(self, method):
        """Return a function that asks the process for a method of Library."""

        def ask(*arguments):
            self.pipe.send((method, arguments))
            answer = self.pipe.recv()
            if isinstance(answer, Exception):
                raise answer
            return answer

        return ask

    def stop(self):
        self.pipe.send(None)
        self.process.join()


@contextmanager
def workers(names, threads=1):
    """Start a worker for each library; stop them afterwards."""
    started = {name: Worker(name, threads) for name in names}
    try:
        yield started
    finally:
        for worker in started.values():
            worker.stop()


def alternate(candidates, rounds):
    """Return the seconds of a call, a row a round and a column a candidate: (worker, case, way).  Turns rotate."""

    def calls(worker, case, way):
        worker.seconds(case, way, 1)
        most = BATCH_SECONDS / worker.seconds(case, way, 1)
        shrinks = way.form == IN_PLACE and case.activation != "relu"
        return max(1, int(min(most, IN_PLACE_CALLS) if shrinks else most))

    calls_of = [calls(*candidate) for candidate in candidates]
    seconds = np.empty((rounds, len(candidates)))
    for turn in range(rounds):
        for k in np.roll(np.arange(len(candidates)), turn):
            worker, case, way = candidates[k]
            seconds[turn, k] = worker.seconds(case, way, calls_of[k])
    return seconds


def candidates(case, processes, forms):
    """Return the ways in which libraries compute a case: a peer's may have any of the forms, fastact's the first."""
    return [
        (worker, case, way)
        for name, worker in processes.items()
        for way in ways(name, case.activation, case.kind, case.dtype)
        if way.form in (forms[:1] if name == "fastact" else forms)
    ]


def compare(candidates, rounds):
    """Return each library's median seconds and its best way, fastest first, and every other's time divided by fastact's.

    None where fastact is alone.
    """
    if all(worker.name == "fastact" for worker, *_ in candidates):
        return None
    seconds = alternate(candidates, rounds)
    medians = np.median(seconds, axis=0)
    best = {}
    for k in np.argsort(medians):
        best.setdefault(candidates[k][0].name, k)
    own = seconds[:, best["fastact"]]
    ratios = {name: np.median(seconds[:, k] / own) for name, k in best.items() if name != "fastact"}
    return {name: (medians[k], candidates[k][2]) for name, k in best.items()}, ratios
