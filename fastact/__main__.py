"""`python -m fastact`: what is installed here, whether it is right, how fast it is, and what functions look like.

Needs NumPy only, but for pictures in files (matplotlib).  The status is 0 where all is well, 1 where an error exceeds its
documented bound, and 2 where the command is not understood.
"""

import argparse
import json
import os
import platform
import sys
from statistics import median
from time import perf_counter

import numpy as np

import fastact as fa
from fastact import catalogue, pictures
from fastact._formulas import FORMULAS
from fastact._selfcheck import compute, float32_error, float64_error, kinds, operands, signs
from fastact.catalogue import SPECS

SHAPE = (512, 128)  # of what is timed, in cache
ROUNDS = 11
LINE = "{:<23} {:<7} {:>6} {:>5} {:>7} {:>7} {:>6}  {}"
TYPES = ("float32", "float64")
KINDS = {"gate": "gated unit", "reduction": "reduction", "loss": "loss"}


def colours():
    """Return whether the output goes to a terminal that may have colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


# ---------------------------------------------------------------------------------------------------------------
# check
# ---------------------------------------------------------------------------------------------------------------


def nanoseconds(activation, kind, dtype):
    """Return the time an element takes, by fastact and by the textbook formula, alternately."""
    typical = SPECS[activation.name].typical
    x = np.random.default_rng(0).normal(size=SHAPE).astype(dtype)
    out, grad = np.empty_like(x), signs(x)
    if kind == "backward_y":
        x = activation(x, **typical)
    formula = getattr(FORMULAS[activation.name], kind)
    spec = SPECS[activation.name]
    arrays = (grad, x) if kind == "backward_x" else operands(spec, kind, x, grad)
    own, plain = [], []
    for _ in range(ROUNDS):
        start = perf_counter()
        compute(activation, kind, x, grad, out, **typical)
        between = perf_counter()
        formula(*arrays, *typical.values())
        own.append(between - start)
        plain.append(perf_counter() - between)
    return (median(seconds) / x.size * 1e9 for seconds in (own, plain))


def check_one(activation, kind, dtype):
    """Print one row of the table; return whether the error is within its bound."""
    error = (float32_error if dtype == "float32" else float64_error)(activation, kind)
    bounds = activation.bounds[dtype]
    bound = bounds[kind if kind in bounds else "derivative"]
    within = error <= bound
    with fa.num_threads(1):
        ns, plain_ns = nanoseconds(activation, kind, dtype)
    errors = f"{error:.3f}" if error < 100 else f"{error:.0e}", f"{bound:g}"
    times = f"{ns:.3f}", f"{plain_ns:.3f}", f"{ns / plain_ns:.3f}"
    verdict, color = ("ok", 32) if within else ("FAIL", 31)
    if colours():
        verdict = pictures.painted(verdict, color)
    name = f"{activation.name:<11} {kind}"
    print(LINE.format(name, dtype, *errors, *times, verdict), flush=True)
    return within


def check(names=()):
    """Print the table; return whether every error is within its bound."""
    print("Errors in ulp, computed in place; times in ns an element, one thread, in cache.\n")
    print(LINE.format("function", "type", "error", "bound", "fastact", "NumPy", "ratio", "").rstrip())
    right = [
        check_one(activation, kind, dtype)
        for activation in map(fa.get, names or SPECS)
        for kind in kinds(activation)
        for dtype in TYPES
    ]
    print("\nEvery error is within its bound." if all(right) else "\nFAIL: an error exceeds its bound.")
    return all(right)


# ---------------------------------------------------------------------------------------------------------------
# bench
# ---------------------------------------------------------------------------------------------------------------


def bench(names, n):
    """Print what an element costs, by fastact and by every library that is installed, one thread each."""
    from fastact._bench.peers import ALLOCATING, OUT, installed
    from fastact._bench.workers import Case, candidates, compare, workers

    libraries = installed()
    line = "{:<12} {:<11} {:<8}" + " {:>8}" * len(libraries) + "  {}"
    print(f"ns an element of {n:,}, one thread, each library's fastest way; a ratio above 1: fastact is faster.\n")
    print(line.format("", "", "type", *libraries, "ratio to the best"))
    with workers(libraries) as processes:
        for name in names or ("relu", "sigmoid", "tanh", "gelu", "silu", "softmax"):
            activation = activation_called(name)
            shape = (n,) if activation.kind != "rowwise" else (max(1, n // 100), 100)
            for kind in kinds(activation):
                for dtype in TYPES:
                    case = Case(activation.name, kind, dtype, shape)
                    compared = compare(candidates(case, processes, (OUT, ALLOCATING)), rounds=7)
                    if compared is None:
                        continue
                    best, ratios = compared
                    cells = [f"{best[key][0] / np.prod(shape) * 1e9:.3f}" if key in best else "-" for key in libraries]
                    print(line.format(activation.name, kind, dtype, *cells, f"{min(ratios.values()):.2f}"), flush=True)


# ---------------------------------------------------------------------------------------------------------------
# info, plot, and the command line
# ---------------------------------------------------------------------------------------------------------------


def info(as_json):
    """Print what fastact is and runs on."""
    if as_json:
        config = fa.show_config(mode="dicts")
        print(json.dumps(config | {"python": platform.python_version(), "numpy": np.__version__}, indent=2))
        return
    fa.show_config()
    print(f"Python      {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}")
    print(f"functions   {', '.join(counted())}")


def counted():
    """Yield how many functions of each sort there are."""
    for specs, what in (
        (catalogue.ACTIVATIONS, "activations"),
        (catalogue.GATES, "gated units"),
        (catalogue.REDUCTIONS, "reduction"),
        (catalogue.LOSSES, "losses"),
    ):
        yield f"{len(specs)} {what}"


def plot(names, derivative, output):
    """Draw activations to a file or, as text, here."""
    if output is None:
        print(pictures.text(names, derivative=derivative, color=colours()))
    else:
        pictures.save(names, output, derivative=derivative)


def activation_called(name):
    """Return the activation of a name; what there is instead, for `main` to tell, where there is none."""
    found = fa.get(name)
    if found not in fa.ACTIVATIONS.values():
        raise ValueError(f"{name} is not an activation but a {KINDS[found.kind]}")
    return found


def parser():
    """Return what reads the command line."""
    root = argparse.ArgumentParser(
        prog="python -m fastact",
        description="What fastact is here, whether it is right, and how fast. Alone: info, then check.",
    )
    commands = root.add_subparsers(dest="command", metavar="command")
    one = commands.add_parser("info", help="the version, CPU target, compiler, OpenMP and threads")
    one.add_argument("--json", action="store_true", help="for scripts to read")
    one = commands.add_parser(
        "check", help="errors against their documented bounds; status 1 where one exceeds its bound"
    )
    one.add_argument("names", nargs="*", metavar="name", help="functions; all by default")
    one = commands.add_parser("bench", help="speed beside NumPy, PyTorch, SciPy and JAX, those that are installed")
    one.add_argument("names", nargs="*", metavar="name", help="activations; some by default")
    one.add_argument("-n", type=int, default=65_536, metavar="N", help="elements of an array (default: %(default)s)")
    one = commands.add_parser("plot", help="a picture of activations, here or in a file")
    one.add_argument("names", nargs="+", metavar="name", help="activations")
    one.add_argument("-d", "--derivative", action="store_true", help="their derivatives too")
    one.add_argument("-o", "--output", metavar="FILE", help="a file that matplotlib writes: PNG, SVG, PDF")
    return root


def main(arguments=None):
    """Do what the command line says; return the status."""
    root = parser()
    options = root.parse_args(arguments)
    try:
        if options.command == "info":
            info(options.json)
        elif options.command == "bench":
            bench(options.names, max(1, options.n))
        elif options.command == "plot":
            plot(options.names, options.derivative, options.output)
        elif options.command == "check":
            return 0 if check(options.names) else 1
        else:
            info(as_json=False)
            print()
            return 0 if check() else 1
    except (ValueError, TypeError, ImportError) as error:
        root.exit(2, f"{root.prog}: {error}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
