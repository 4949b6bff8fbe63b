"""Every activation, forward and backward, both types, from 16 to 67,108,864 elements, in place and out of place, on one
thread and on all, beside every library that is installed; the results are stored, and a page is made of them.

    python bench/matrix.py                        # measure on this machine: hours
    python bench/matrix.py --quick                # some functions and sizes, under 3 minutes, nothing is stored
    python bench/matrix.py --target avx2          # what a CPU without AVX-512 would run, peers too where they can be told
    python bench/matrix.py --page                 # only the page and the pictures, of what docs/measured/ holds

Libraries take turns in short rounds, as in compare.py, whose rules hold here.  A ratio is a peer's time divided by fastact's:
above 1 fastact is faster.
"""

import argparse
import json
import math
import os
import platform
import re
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
from compare import label, processor, speed_cases, table
from tqdm import tqdm

import fastact as fa
from fastact._bench.peers import ALLOCATING, IN_PLACE, OUT, installed
from fastact._bench.workers import candidates, compare, workers

SIZES = (16, 1024, 65_536, 1_048_576, 16_777_216, 67_108_864)
ROUNDS = {16: 15, 1024: 15, 65_536: 15, 1_048_576: 9, 16_777_216: 5, 67_108_864: 3}
QUICK = ("relu", "sigmoid", "tanh", "silu", "gelu", "softmax")
DOCS = Path(__file__).resolve().parent.parent / "docs"
STORED = DOCS / "measured"
PAGE = DOCS / "matrix.md"
# How other libraries are told not to use AVX-512, where they can be.
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
}


# ---------------------------------------------------------------------------------------------------------------
# Measure
# ---------------------------------------------------------------------------------------------------------------


def cases(quick):
    """Yield (size, case, forms) of every cell; rows make arrays of about the size."""
    for n in (1024, 65_536) if quick else SIZES:
        for case in speed_cases(n):
            if 0 in case.shape or (quick and (case.activation not in QUICK or case.dtype == "float64")):
                continue
            yield n, case, (OUT, ALLOCATING)
            if not quick:
                yield n, case, (IN_PLACE,)


def measure(threads, quick):
    """Return the cells: what a case is, nanoseconds an element by library, and ratios to fastact."""
    cells = []
    with workers(installed(), threads) as processes:
        for n, case, forms in tqdm([*cases(quick)], desc=f"{threads} thread{'s' * (threads > 1)}"):
            compared = compare(candidates(case, processes, forms), 5 if quick else ROUNDS[n])
            for worker in processes.values():
                worker.release()
            if compared is None:
                continue
            best, ratios = compared
            cells.append(
                {
                    "case": re.sub(r", rows.*", "", label(case)),
                    "row": case.shape[-1] if len(case.shape) > 1 else None,
                    "n": n,
                    "type": case.dtype,
                    "form": forms[0],
                    "threads": threads,
                    "ns": {
                        name: float(f"{seconds / math.prod(case.shape) * 1e9:.4g}")
                        for name, (seconds, _) in best.items()
                    },
                    "ratio": {name: float(f"{ratio:.3g}") for name, ratio in ratios.items()},
                }
            )
    return cells


def store(cells):
    """Write what was measured on this machine; return the file."""
    target = fa.core.function.TARGET
    name = re.sub(r"[^a-z0-9]+", "-", f"{processor()} {target}".lower()).strip("-")
    versions = {name: version(name.lower()) for name in installed() if name != "fastact"}
    measured = {
        "cpu": processor(),
        "target": target,
        "date": date.today().isoformat(),
        "python": platform.python_version(),
        "versions": {"fastact": fa.__version__, **versions},
        "cells": cells,
    }
    STORED.mkdir(exist_ok=True)
    lines = json.dumps(measured, indent=1)
    lines = re.sub(r"\n {3,}", " ", lines)  # a line a cell
    path = STORED / f"{name}.json"
    path.write_text(f"{lines}\n", encoding="utf-8")
    return path


# ---------------------------------------------------------------------------------------------------------------
# Show
# ---------------------------------------------------------------------------------------------------------------


def fastest(cell):
    """Return the fastest peer and its ratio."""
    return min(cell["ratio"].items(), key=lambda item: item[1])


def name_of(cell):
    return cell["case"] + (f", rows of {cell['row']}" if cell["row"] else "")


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def summary(cells):
    """Return the table of all cells of a type, a form and a number of threads, by size."""
    groups = {}
    for cell in cells:
        groups.setdefault((cell["type"], cell["form"], cell["threads"]), {}).setdefault(cell["n"], []).append(
            fastest(cell)[1]
        )
    sizes = sorted({cell["n"] for cell in cells})
    rows = []
    for (dtype, form, threads), by_size in groups.items():
        shown = [
            f"{geometric_mean(found):.2f} ({sum(r < 0.97 for r in found)} of {len(found)})"
            if (found := by_size.get(n))
            else ""
            for n in sizes
        ]
        rows.append([dtype, form, str(threads), *shown])
    return table(["type", "form", "threads", *(f"{n:,}" for n in sizes)], rows)


def details(cells):
    """Return the table of the ratio to the fastest peer, by size."""
    sizes = sorted({cell["n"] for cell in cells})
    by_name = {}
    for cell in cells:
        by_name.setdefault(name_of(cell), {})[cell["n"]] = "{1:.2f} {0}".format(*fastest(cell))
    rows = [[name, *(found.get(n, "") for n in sizes)] for name, found in by_name.items()]
    return table(["", *(f"{n:,}" for n in sizes)], rows)


def heat_map(plt, cells, title, path):
    """Draw the ratio to the fastest peer: a row a case, a column a size."""
    sizes = sorted({cell["n"] for cell in cells})
    names = [*dict.fromkeys(map(name_of, cells))]
    grid = np.full((len(names), len(sizes)), np.nan)
    for cell in cells:
        grid[names.index(name_of(cell)), sizes.index(cell["n"])] = math.log2(fastest(cell)[1])
    figure, ax = plt.subplots(figsize=(7, 1.2 + 0.16 * len(names)), layout="constrained")
    image = ax.imshow(grid, cmap="PiYG", vmin=-2, vmax=2, aspect="auto")
    ax.set_yticks(range(len(names)), names, fontsize=6)
    ax.set_xticks(range(len(sizes)), [f"{n:,}" for n in sizes], fontsize=7)
    ax.tick_params(length=0)
    ax.set_title(title, fontsize=9)
    bar = figure.colorbar(image, shrink=0.3)
    bar.set_ticks([-2, -1, 0, 1, 2], labels=["1/4", "1/2", "1", "2", "4"])
    bar.set_label("the fastest peer's time / fastact's", fontsize=7)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def by_size(plt, cells, title, path):
    """Draw nanoseconds an element against the number of elements, for the functions of most use."""
    shown = [name for name in dict.fromkeys(map(name_of, cells)) if name.split()[0].strip(",") in QUICK]
    shown = [name for name in shown if "backward" not in name][:8]
    figure, axes = plt.subplots(2, 4, figsize=(11, 5), layout="constrained", sharex=True)
    for ax, name in zip(axes.flat, shown, strict=False):
        found = [cell for cell in cells if name_of(cell) == name]
        for library in dict.fromkeys(key for cell in found for key in cell["ns"]):
            points = [(cell["n"], cell["ns"][library]) for cell in found if library in cell["ns"]]
            style = {"color": "#2a7f3f", "linewidth": 2.2, "zorder": 3} if library == "fastact" else {"linewidth": 1}
            ax.loglog(*zip(*points, strict=True), marker=".", label=library, **style)
        ax.set_title(name.replace(" forward", ""), fontsize=8)
        ax.tick_params(labelsize=7)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].legend(fontsize=6, frameon=False)
    figure.supxlabel("elements", fontsize=8)
    figure.supylabel("ns an element", fontsize=8)
    figure.suptitle(title, fontsize=9)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def page():
    """Write the page and its pictures, of all machines that were measured."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "fastact"  # the same picture gives the same bytes
    from matplotlib import pyplot as plt

    sections = []
    for path in sorted(STORED.glob("*.json")):
        measured = json.loads(path.read_text(encoding="utf-8"))
        machine = f"{measured['cpu']}, {measured['target']}"
        text = [f"## {machine}\n\n{measured['date']}, Python {measured['python']}, " + made_of(measured["versions"])]
        text.append(summary(measured["cells"]))
        for dtype in dict.fromkeys(cell["type"] for cell in measured["cells"]):
            for threads in dict.fromkeys(cell["threads"] for cell in measured["cells"]):
                chosen = [c for c in measured["cells"] if (c["type"], c["threads"]) == (dtype, threads)]
                chosen = [c for c in chosen if c["form"] == OUT] or chosen
                if not chosen:
                    continue
                heading = f"{dtype}, {threads} thread{'s' * (threads > 1)}"
                stem = f"{path.stem}-{dtype}-{threads}"
                heat_map(plt, chosen, f"{heading}, {machine}", STORED / f"{stem}.svg")
                by_size(plt, chosen, f"{heading}, {machine}", STORED / f"{stem}-sizes.svg")
                text.append(
                    f"### {heading}\n\n![Ratios to the fastest peer](measured/{stem}.svg)\n\n"
                    f"![Time against size](measured/{stem}-sizes.svg)\n\n{details(chosen)}"
                )
        sections.append("\n\n".join(text))
    PAGE.write_text(PREFACE + "\n\n".join(sections) + "\n", encoding="utf-8")


def made_of(versions):
    return ", ".join(f"{name} {number}" for name, number in versions.items()) + "."


PREFACE = """\
# The matrix

Every activation beside every library that computes it, made by `python bench/matrix.py` and stored in `docs/measured/`.
A ratio is the fastest peer's time divided by fastact's: **above 1 fastact is faster**. Each library has a process of its own and
takes its fastest way, as `fastact/_bench/peers.py` lists them; they take turns in short rounds, and a ratio is the median
over the rounds. A click on a column's head sorts a table.

The first table of a machine has the geometric mean over all cases of a size, and in brackets how many of them are more than 3%
behind. The tables below it are of calls into a buffer that exists; what was measured in place is in the stored file. Gates, losses, biases
and masks are in [fused calls](fused.md).

"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="some cells, under 3 minutes; nothing is stored")
    parser.add_argument("--page", action="store_true", help="measure nothing")
    parser.add_argument("--target", choices=[*fa.core.function.TARGETS], help="one of fastact's, less than the best")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, fa.get_num_threads()])
    options = parser.parse_args()
    if options.target and options.target != fa.core.function.TARGET:
        environment = {"FASTACT_CPU_TARGET": options.target} | (AVX2 if options.target == "avx2" else {})
        os.execve(os.sys.executable, [os.sys.executable, *os.sys.argv], os.environ | environment)
    if not options.page:
        cells = [cell for threads in dict.fromkeys(options.threads) for cell in measure(threads, options.quick)]
        if options.quick:
            print(details([cell for cell in cells if cell["threads"] == cells[0]["threads"]]))
            print()
        print(summary(cells))
        if options.quick:
            return
        print(f"stored in {store(cells)}")
    page()


if __name__ == "__main__":
    main()
