"""Measure the memory that a fused call takes besides its arrays: what the process resides in at its peak, less what it did
before the call.  Linux only.  Writes docs/memory.md:

    python bench/memory.py --write
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from fused import MASKED, WORKLOADS, Workload

import fastact as fa
from fastact._bench.workers import Library

REPORT = Path(__file__).resolve().parent.parent / "docs" / "memory.md"
SHAPES = ((4096, 16_384), (16, 2048, 2048))  # 256 MiB in float32; of masked scores
WORD = 4


def resident(field):
    """Return a field of the process's status in bytes."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = [line for line in status.splitlines() if line.startswith(field)]
    return int(line.split()[1]) * 1024


def extra(name, threads):
    """Return the bytes that a call takes at its peak beyond its arrays."""
    library = Library("fastact", threads)
    way = WORKLOADS[name].way("fastact")
    call = compile(way.statement, name, "eval")
    masked = len(shape_of(name)) > 2
    small, _ = Workload(name, "float32", MASKED if masked else (64, 1024)).timed(library, way)
    for _ in range(3):  # threads start, modules are imported
        eval(call, small)
    with fa.num_threads(threads):
        names, _ = Workload(name, "float32", shape_of(name)).timed(library, way)
        for array in names.values():
            if isinstance(array, np.ndarray):
                array.reshape(-1)[:: 4096 // WORD] += array.dtype.type(0)  # every page is there
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak begins here
        before = resident("VmRSS")
        eval(call, names)
        return resident("VmHWM") - before


def shape_of(name):
    return SHAPES[1] if "scores" in name else SHAPES[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.parent.name}/{REPORT.name}")
    parser.add_argument("--one", nargs=2, metavar=("NAME", "THREADS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(extra(options.one[0], int(options.one[1])))
        return
    threads = sorted({1, os.cpu_count() or 1})
    lines = []
    for name in WORKLOADS:
        cells = []
        for n in threads:  # each in a process of its own
            command = [sys.executable, __file__, "--one", name, str(n)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            cells.append(f"{int(done.stdout) / 2**20:.2f}")
        shape = " x ".join(map(str, shape_of(name)))
        lines.append(f"| {name} | {shape} | {' | '.join(cells)} |")
    heading = " | ".join(f"MiB, {n} thread{'s' * (n > 1)}" for n in threads)
    report = (
        "# Memory of fused calls\n\nMade by `python bench/memory.py --write`: what the process resides in at the peak of a "
        "call, beyond its arrays of\nfloat32, each of 256 MiB.\n\n"
        f"| | shape | {heading} |\n| --- | --- |{' --- |' * len(threads)}\n" + "\n".join(lines) + "\n"
    )
    print(report)
    if options.write:
        REPORT.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
