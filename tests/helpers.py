"""What several test files share: ways to call every activation, inputs, comparisons.

No expected values of a particular activation live here; fixtures are in conftest.py.
"""

import contextlib
import dataclasses
import functools
import os
import subprocess
import sys

import numpy as np

import fastact as fa
from compiled import in_c
from fastact.catalogue import SPECS
from fastact.core import function as core

lane = "full"  # conftest.py says which runs


def by_lane(quick, full, every=None):
    """Return how much the running lane does of something, `all` as much as `full` unless told; tests that ask are marked `sampled`."""
    return quick if lane == "quick" else every if lane == "all" and every is not None else full


def typical(activation):
    """Return the keywords of an ordinary call: those that must be given."""
    return dict(SPECS[activation.name].required)


def example_parameters(activation, from_y=False):
    """Return a list of keyword dictionaries worth trying, an ordinary call's first; `from_y` those good for the output."""
    tried = [typical(activation)]
    for parameter in SPECS[activation.name].parameters:
        low, high = parameter.limits_from_y if from_y and parameter.limits_from_y else parameter.limits
        good = [value for value in parameter.examples if low <= value <= high]
        tried += [tried[0] | {parameter.name: value} for value in good]
    return tried


@dataclasses.dataclass(frozen=True)
class Operation:
    """One thing an activation computes: `kind` is forward, derivative, backward_x or backward_y.

    Called with its arrays in the order x, or grad and x, or grad and y.  A parameter that has no default gets an example.
    """

    activation: object
    kind: str

    @property
    def arity(self):
        return 2 if self.kind.startswith("backward") else 1

    @property
    def rowwise(self):
        return self.activation.kind == "rowwise"

    def __call__(self, *arrays, **keywords):
        keywords = typical(self.activation) | keywords
        if self.kind == "forward":
            return self.activation(*arrays, **keywords)
        if self.kind == "derivative":
            return self.activation.derivative(*arrays, **keywords)
        grad, other = arrays
        return self.activation.backward(grad, **{self.kind[-1]: other}, **keywords)


def kinds(activation):
    """Return the kinds of Operation that the activation has."""
    found = ["forward"]
    if activation.kind != "rowwise":
        found.append("derivative")
    return found + ["backward_" + argument for argument in sorted(activation.backward_from)]


def operations(activation):
    """Return every Operation of the activation."""
    return [Operation(activation, kind) for kind in kinds(activation)]


def chained(activation, grad, derivative):
    """Return what backward must give: the product rounded once; where a branch makes the derivative 0, 0."""
    with np.errstate(all="ignore"):
        product = grad * derivative
    if SPECS[activation.name].piecewise:
        product[derivative == 0] = 0
    return product


# What tests ask of the core, beyond what is public, is here.

TARGETS = core.TARGETS  # that this machine can run, best first
FUSED_TARGETS = core.FUSED_TARGETS  # those with fused multiply-add, which give the same bits
convert = in_c.convert
read_registers, write_registers = in_c.read_registers, in_c.write_registers  # floating-point control and status
worker_registers, write_worker_registers = in_c.worker_registers, in_c.write_worker_registers
LOSSES = ("softmax_cross_entropy", "sigmoid_cross_entropy")


@functools.cache
def on_target(name, target=None):
    """Return a callable by name, an activation, a reduction, a gated unit or a loss, bound to a target (None: the default)."""
    return core.on_target(getattr(fa, name), target or core.TARGET)


@contextlib.contextmanager
def parallel_threshold(ns):
    """Work is shared out over threads where it is estimated to take longer on one: 0 for the smallest of all."""
    previous = core.set_parallel_threshold(ns)
    try:
        yield
    finally:
        core.set_parallel_threshold(previous)


def variant(name, **changes):
    """Return an activation of the same formula whose row differs."""
    return core.make(dataclasses.replace(SPECS[name], **changes))


def unsigned(dtype):
    """Return the unsigned integer type as wide as the floating-point type."""
    return np.dtype(f"u{np.dtype(dtype).itemsize}")


@functools.cache
def is_real(dtype):
    """Return whether it is of floating-point numbers, bfloat16 among them."""
    return np.dtype(dtype).kind == "f" or np.dtype(dtype).name == "bfloat16"


@functools.cache
def finfo(dtype):
    """Return the limits of a type, bfloat16 too."""
    if np.dtype(dtype).name != "bfloat16":
        return np.finfo(dtype)
    import ml_dtypes

    return ml_dtypes.finfo(dtype)


def bit_patterns(dtype, count):
    """Return `count` values spread over all bit patterns: every exponent, both signs, subnormals, NaNs."""
    wide = 8 * np.dtype(dtype).itemsize
    step = int(2**wide * 0.6180339887498949) | 1
    patterns = [(k * step) % 2**wide for k in range(count)]
    return np.array(patterns, dtype=unsigned(dtype)).view(dtype)


def specials(dtype):
    """Return zeros, infinities, NaN, the ends of the subnormal and normal ranges, and ones, of both signs."""
    info = finfo(dtype)
    edges = [0.0, info.smallest_subnormal, info.smallest_normal, 1.0, 88.0, info.max, np.inf]
    with np.errstate(all="ignore"):
        return np.array([*edges, *(-edge for edge in edges), np.nan]).astype(dtype)


def values(shape, dtype, seed=0):
    """Return an array mostly of ordinary numbers, with an eighth from every exponent and some special ones."""
    rng = np.random.default_rng(seed)
    count = int(np.prod(shape))
    result = (3 * rng.standard_normal(count)).astype(dtype)
    patterns = rng.integers(0, 2 ** (8 * result.itemsize), count, dtype=unsigned(dtype), endpoint=False).view(dtype)
    result = np.where(rng.random(count) < 0.125, patterns, result)
    result = np.where(rng.random(count) < 0.0625, rng.choice(specials(dtype), count), result)
    return result.reshape(shape)


def arguments(operation, shape, dtype, seed=0):
    """Return the arrays that an operation takes, of one shape."""
    return [values(shape, dtype, seed + k) for k in range(operation.arity)]


def assert_same_bits(got, want):
    """Type, shape and every bit agree; only the sign and payload of a NaN are free."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    got, want = got.ravel(), want.ravel()
    with np.errstate(invalid="ignore"):  # ml_dtypes warns of a NaN that is signalling, as its isnan converts
        nan = np.isnan(got) & np.isnan(want)
    same = (got.view(unsigned(got.dtype)) == want.view(unsigned(want.dtype))) | nan
    wrong = np.flatnonzero(~same)
    assert not wrong.size, f"{wrong.size} differ, first at {wrong[0]}: {got[wrong[0]]!r} for {want[wrong[0]]!r}"


def run_python(code, *, timeout=120, **environment):
    """Run code in a fresh interpreter; return the finished process.  Environment variables by keyword, None removes.

    -P: a source tree in the current folder must not hide the package that is installed.
    """
    env = {name: value for name, value in {**os.environ, **environment}.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-P", "-c", code], env=env, capture_output=True, text=True, timeout=timeout, check=False
    )


def python_output(code, **keywords):
    """Run code in a fresh interpreter that must succeed; return what it printed, stripped."""
    done = run_python(code, **keywords)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def assert_tests_pass(setup, *arguments, folder):
    """Run another library's own tests in a process that has executed `setup` before; `arguments` are pytest's."""
    script = f"{setup}\nimport sys, pytest\nsys.exit(pytest.main(sys.argv[1:]))"
    (folder / "pytest.ini").write_text("[pytest]\n")  # so that no configuration of ours is found
    general = ["-q", "-p", "no:cacheprovider", "-W", "ignore", "--pyargs"]
    ran = subprocess.run(
        [sys.executable, "-c", script, *general, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-1000:]
