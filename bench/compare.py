"""Compare fastact with NumPy, torch, SciPy and JAX, side by side in one run, and write docs/speed.md.

Machines drift, so libraries take turns in short rounds, and what counts is the median over the rounds of the ratio of
neighbours.  Each library has a process of its own; with one thread all share one core.  The statements are in peers.py.

    python bench/compare.py --write          # all libraries that are installed here
    python bench/compare.py --check          # status 1 where fastact is behind
"""

import argparse
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from tqdm import tqdm

import fastact as fa
from fastact._bench.peers import ALLOCATING, IN_PLACE, OUT, Way, installed, ways
from fastact._bench.workers import Case, alternate, candidates, compare, workers
from fastact._selfcheck import kinds

TYPES = ("float32", "float64")
ROW_LENGTHS = (10, 128, 1024)
LEAST, MAX_STALL = 0.95, 1.5  # a peer's time divided by fastact's
LEAST_OF_TORCH = 3.0  # in rows of 10
NUMPY_CALLS = {"np.tanh(x, out=out)": OUT, "np.tanh(x)": ALLOCATING}
# What a call on 16 elements may cost: fastact's activation, kind and form; the NumPy call; how many times that takes at least.
CALLS = [
    ("forward", IN_PLACE, "np.tanh(x, out=out)", 5.0),
    ("backward_x", IN_PLACE, "np.tanh(x, out=out)", 5.0),
    ("forward", ALLOCATING, "np.tanh(x)", 2.5),
]
REPORT = Path(__file__).resolve().parent.parent / "docs" / "speed.md"


def speed_cases(n):
    """Yield every case that libraries are compared in."""
    for activation in fa.ACTIVATIONS.values():
        shapes = [(n,)] if activation.kind != "rowwise" else [(n // length, length) for length in ROW_LENGTHS]
        for kind in kinds(activation):
            for shape in shapes:
                for dtype in TYPES:
                    if kind != "derivative":  # which no other library has
                        yield Case(activation.name, kind, dtype, shape)


def table(heading, rows):
    """Return a Markdown table whose columns line up."""
    cells = [heading, *rows]
    widths = [max(len(row[k]) for row in cells) for k in range(len(heading))]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in cells]
    padded.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(row)} |" for row in padded)


def label(case):
    """Return what a case is called in a table."""
    rows = f", rows of {case.shape[-1]}" if len(case.shape) > 1 else ""
    return f"{case.activation} {case.kind.replace('_', ' from ')}{rows}"


def speed(processes, n, rounds, misses):
    """Return the table of speed and errors; what is behind is added to `misses`."""
    rows = []
    cases = [(case, forms) for case in speed_cases(n) for forms in ((OUT, ALLOCATING), (IN_PLACE,))]
    for case, forms in tqdm(cases, desc="speed"):
        compared = compare(candidates(case, processes, forms), rounds)
        if compared is None:
            continue
        best, ratios = compared
        fastest = next(iter(ratios))
        if ratios[fastest] < LEAST:
            misses.append(f"{label(case)} {case.dtype} {forms[0]}: {fastest} takes {ratios[fastest]:.2f} of the time")
        short_rows = label(case) == "softmax forward, rows of 10" and forms[0] == OUT
        if short_rows and ratios.get("torch", LEAST_OF_TORCH) < LEAST_OF_TORCH:
            misses.append(f"{label(case)} {case.dtype}: {ratios['torch']:.2f} times as fast as torch, not 3")
        ns = [f"{best[name][0] / np.prod(case.shape) * 1e9:.3f}" if name in best else "" for name in processes]
        errors = [
            f"{processes[name].error(case.activation, case.kind, case.dtype, best[name][1]):.2g}"
            for name in ("fastact", fastest)
        ]
        rows.append([label(case), case.dtype, forms[0], *ns, fastest, f"{ratios[fastest]:.2f}", *errors])
        for worker in processes.values():
            worker.release()
    return table(["", "type", "form", *processes, "best peer", "its time / ours", "ulp", "its ulp"], rows)


def stalls(worker, n, rounds, misses):
    """Return the table of how much longer saturated and subnormal inputs take fastact than ordinary ones."""
    rows = []
    for case in tqdm([*speed_cases(n)], desc="stalls"):
        tiny = "1e-40" if case.dtype == "float32" else "1e-310"
        fills = ["100", "-100", tiny, "-" + tiny] if len(case.shape) == 1 else ["±100", tiny, "half -inf"]
        cases = [case._replace(fill=fill) for fill in ("ordinary", *fills)]
        way = ways("fastact", case.activation, case.kind)[0]
        seconds = alternate([(worker, filled, way) for filled in cases], rounds)
        ratios = np.median(seconds / seconds[:, :1], axis=0)[1:]
        cells = []
        for filled, ratio in zip(cases[1:], ratios, strict=True):
            excused = worker.subnormal_result(filled)
            cells.append(f"{filled.fill}: {ratio:.2f}" + " (subnormal result)" * excused)
            if ratio > MAX_STALL and not excused:
                misses.append(f"{label(case)} {case.dtype}: x = {filled.fill} takes {ratio:.2f} times as long")
        rows.append([label(case), case.dtype, ", ".join(cells)])
        worker.release()
    return table(["", "type", "time beside that of ordinary numbers"], rows)


def calls(processes, rounds, misses):
    """Return the table of what a call on 16 elements costs."""
    rows = []
    numpy_case = Case("tanh", "forward", "float32", (16,))
    for kind, form, numpy_call, limit in CALLS:
        case = Case("relu", kind, "float32", (16,))
        way = next(way for way in ways("fastact", case.activation, kind) if way.form == form)
        pair = [
            (processes["fastact"], case, way),
            (processes["NumPy"], numpy_case, Way(NUMPY_CALLS[numpy_call], numpy_call)),
        ]
        seconds = alternate(pair, rounds)
        ns, numpy_ns = (f"{second * 1e9:.0f}" for second in np.median(seconds, axis=0))
        ratio = np.median(seconds[:, 1] / seconds[:, 0])
        if ratio < limit:
            misses.append(
                f"{numpy_call} takes {ratio:.2f} times as long as {way.statement} on 16 elements, not {limit}"
            )
        statement = way.statement.replace("f", "fa.relu", 1)
        rows.append([f"`{statement}`", ns, f"`{numpy_call}`", numpy_ns, f"{ratio:.2f}", f"{limit:.1f}"])
    return table(["16 float32", "ns", "beside", "ns", "its time / ours", "at least"], rows)


def processor():
    """Return the name of the CPU."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main():
    """Measure, print and write the tables."""
    parser = argparse.ArgumentParser(description="Compare fastact's speed with its peers'.")
    parser.add_argument("--n", type=int, default=65_536, help="elements of an array")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.parent.name}/{REPORT.name}")
    parser.add_argument("--check", action="store_true", help="end with status 1 where fastact is behind")
    options = parser.parse_args()

    misses = []
    with workers(installed(), options.threads) as processes:
        call_table = calls(processes, options.rounds, misses)
        speed_table = speed(processes, options.n, options.rounds, misses)
        stall_table = stalls(processes["fastact"], options.n, options.rounds, misses)

    command = "python bench/compare.py --write" + "".join(
        f" --{name} {value}"
        for name in ("n", "threads", "rounds")
        if (value := getattr(options, name)) != parser.get_default(name)
    )
    versions = ", ".join(f"{name} {version(name.lower())}" for name in processes if name != "fastact")
    report = f"""# Speed

Made by `{command}`: {processor()}, fastact on {fa.core.function.TARGET}, {versions}, Python {platform.python_version()}.
Times are medians; a ratio is the median over the rounds of the best peer's time divided by fastact's: above 1 fastact is
faster.

## A call

{call_table}

## {options.n:,} elements, {options.threads} thread{"s" * (options.threads > 1)}, ns an element

Each library's fastest way, as `fastact/_bench/peers.py` lists them: into a buffer that exists (or a new array, where that is
faster), and in place.  The largest errors are those of a quick sweep over all exponents, subnormal numbers and
infinities among them.

{speed_table}

## Saturated and subnormal inputs

{stall_table}
"""
    print(report)
    if options.write:
        REPORT.write_text(report, encoding="utf-8")
    for miss in misses:
        print("behind:", miss)
    return 1 if options.check and misses else 0


if __name__ == "__main__":
    sys.exit(main())
