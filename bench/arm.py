"""Count what the NEON kernels execute, and estimate the cycles, where there is no such machine.

    python bench/arm.py --write

Every kernel is compiled for AArch64, by GCC and by Clang, and called once on 1,024 elements under an emulator, which writes
down the instructions it executes (arm/trace.c).  llvm-mca, which knows some CPUs, says how many cycles that sequence takes:
with every branch predicted and every load from the nearest cache.  Beside it stand AVX2's instructions, and loops that
want speed alone (arm/plain.c).

On Debian: clang gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user llvm-19.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import NamedTuple

import numpy as np
from compare import table
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "arm.md"
HERE = ROOT / "bench" / "arm"
FLAGS = ["-std=gnu11", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]  # as in setup.py


class Build(NamedTuple):
    """Who compiles, for which target, who links, and what emulates the CPU."""

    compiler: list[str]
    target: str
    linker: str
    emulator: list[str]


ARM_GCC = "aarch64-linux-gnu-gcc"
BUILDS = {
    "GCC": Build([ARM_GCC], "neon", ARM_GCC, ["qemu-aarch64"]),
    "Clang": Build(["clang", "--target=aarch64-linux-gnu"], "neon", ARM_GCC, ["qemu-aarch64"]),
    "AVX2": Build(["gcc", "-mavx2", "-mfma", "-mf16c"], "avx2", "gcc", ["qemu-x86_64", "-cpu", "max"]),
}
CPUS = {"Neoverse N1": "neoverse-n1", "Neoverse V1": "neoverse-v1", "Apple M1": "apple-m1"}
WIDTHS = {"float32": (4, 8), "float64": (2, 4)}  # of NEON and of AVX2
JUMPS = {"b", "bl", "blr", "br", "ret"}  # which the trace has followed; llvm-mca would take a call for 100 cycles


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **options).stdout


def compiled(name, folder):
    """Return the program that calls every kernel of a build."""
    build = BUILDS[name]
    sources = [ROOT / "fastact" / "kernels" / "targets" / f"{build.target}_{bits}.c" for bits in ("f32", "f64")]
    sources += [HERE / "calls.c", *([HERE / "plain.c"] if build.target == "neon" else [])]
    objects = [folder / f"{name}_{source.stem}.o" for source in sources]
    for source, made in zip(sources, objects, strict=True):
        run(*build.compiler, *FLAGS, f"-DTARGET={build.target}", "-c", source, "-o", made)
    run(build.linker, "-static", *objects, "-lm", "-o", folder / name)
    return folder / name


def traces(name, program, folder):
    """Return the addresses of the instructions of every call, in order, by (type, function), and its number of elements."""
    file = folder / f"{name}.trace"
    plugin = f"{folder / 'trace.so'},to={file}"
    called = run(*BUILDS[name].emulator, "-plugin", plugin, program).splitlines()
    mark = next(int(line.split()[0], 16) for line in run("nm", program).splitlines() if line.endswith(" mark"))
    blocks = np.fromfile(file, np.uint64).reshape(-1, 2)  # the address of the first, and how many
    marks = np.flatnonzero(blocks[:, 0] == mark)
    found = {}
    for line, first, last in zip(called, marks[::2], marks[1::2], strict=True):
        kind, rest = line.split(" ", 1)
        function, elements = rest.rsplit(" ", 1)
        found[kind, function] = blocks[first:last], int(elements)
    return found


def instructions(trace):
    """Return the instructions an element."""
    blocks, elements = trace
    return int(blocks[:, 1].sum()) / elements


def assembly(program):
    """Return what llvm-mca takes for each address, "" for a jump."""
    lines = {}
    for line in run("aarch64-linux-gnu-objdump", "-d", "--no-show-raw-insn", program).splitlines():
        if match := re.match(r"\s*([0-9a-f]+):\t(.*)", line):
            text = re.sub(r"\s*(//|<).*", "", match[2])
            if re.match(r"(b\.|cbn?z|tbn?z|adr)", text):  # an address, which is to be a distance
                text = re.sub(r"[0-9a-f]+$", "#4096", text)
            lines[int(match[1], 16)] = "" if text.split()[0] in JUMPS else text
    return lines


def cycles(analyser, cpu, trace, lines):
    """Return the cycles an element that llvm-mca gives for a trace on a CPU."""
    blocks, elements = trace
    text = (lines[address + 4 * i] for address, count in blocks.tolist() for i in range(count))
    options = ["-march=aarch64", f"-mcpu={cpu}", "-iterations=1", "-instruction-info=0", "-resource-pressure=0"]
    report = run(analyser, *options, input="\n".join(filter(None, text)) + "\n")
    return int(re.search(r"Total Cycles:\s+(\d+)", report)[1]) / elements


def all_cycles(analyser, pick, programs, found):
    """Return the cycles an element of every call of both builds `pick` chooses from, by call and CPU."""
    lines = {name: assembly(programs[name]) for name in ("GCC", "Clang")}
    tasks = [(call, pick(call), cpu) for call in found["GCC"] for cpu in CPUS]
    with ThreadPool(os.cpu_count()) as pool, tqdm(total=len(tasks), desc="cycles") as bar:

        def estimate(task):
            call, name, cpu = task
            value = cycles(analyser, CPUS[cpu], found[name][call], lines[name])
            bar.update()
            return (call, cpu), value

        return dict(pool.imap_unordered(estimate, tasks))


def page(found, counts, estimated, versions):
    """Return the page."""
    better = {call: min(counts["GCC"][call], counts["Clang"][call]) for call in counts["GCC"]}

    def rows_of(kind):
        neon, avx2 = WIDTHS[kind]
        for call in counts["GCC"]:
            if call[0] == kind:
                ratio = better[call] * neon / (counts["AVX2"][call] * avx2)
                cells = [f"{counts[name][call]:.1f}" for name in BUILDS]
                yield [call[1], *cells, f"{ratio:.2f}", *(f"{estimated[call, cpu]:.1f}" for cpu in CPUS)]

    def plain_rows():
        for call in counts["GCC"]:
            if call[0] == "plain":
                ours = ("float32", call[1])
                pairs = [(better[ours], better[call]), *((estimated[ours, cpu], estimated[call, cpu]) for cpu in CPUS)]
                yield [call[1], *(f"{a:.1f}, {b:.1f}" for a, b in pairs)]

    heading = [*BUILDS, "a vector, AVX2's = 1", *CPUS]
    return f"""# ARM

No ARM machine was there: **this page has counts of instructions, and estimates of cycles, but no time.**
Made by `python bench/arm.py --write` with {versions}.

Every kernel is called once on 1,024 elements in the cache, and an emulator writes down each instruction that it executes. llvm-mca
says how many cycles this sequence takes on a CPU if every branch is predicted and every load is from the nearest cache. What
memory, or a branch that is not foreseen, costs, it does not know; and it knows the Apple M1 only as Apple's older cores.
The Cortex-A76 is not among the columns, as it has no model of its own there: its core is that of the Neoverse N1.

## Instructions and cycles an element, float32

First instructions: of NEON by GCC and by Clang, of AVX2 by GCC. A vector of AVX2 is twice as long as one of NEON: at 1 in the
middle column both take as many a vector, NEON by the better of its compilers. The cycles on three CPUs are by that one too.

{table(["float32", *heading], list(rows_of("float32")))}

## float64

{table(["float64", *heading], list(rows_of("float64")))}

## Beside a plain loop

`bench/arm/plain.c` is what a library that wants speed alone does: a polynomial of degree 6 and a division, two vectors at a time,
and nothing for what is not a number, cancels or is subnormal. Its errors between -10 and 10 are 2.8 (`exponential`) to 6.8 ulp
(`tanh`), fastact's below 1 (`softmax`: 2.4). First fastact, then the plain loop; float32.

{table(["", "instructions", *(f"cycles, {cpu}" for cpu in CPUS)], list(plain_rows()))}
"""


def main():
    """Count, estimate, and print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--llvm-mca", default="llvm-mca-19", help="the program; its version knows more or fewer CPUs")
    options = parser.parse_args()
    needed = {options.llvm_mca, "aarch64-linux-gnu-objdump"}
    for build in BUILDS.values():
        needed |= {build.compiler[0], build.linker, build.emulator[0]}
    if missing := sorted(program for program in needed if not shutil.which(program)):
        parser.error(f"{', '.join(missing)} is missing; on Debian: {__doc__.strip().splitlines()[-1][11:]}")
    with tempfile.TemporaryDirectory() as name, ThreadPool(os.cpu_count()) as pool:
        folder = Path(name)
        run("gcc", "-O2", "-shared", "-fPIC", HERE / "trace.c", "-o", folder / "trace.so")
        built = pool.imap(lambda build: compiled(build, folder), BUILDS)
        programs = dict(zip(BUILDS, tqdm(built, total=len(BUILDS), desc="compile"), strict=True))
        found = {build: traces(build, program, folder) for build, program in programs.items()}
        counts = {build: {call: instructions(trace) for call, trace in of.items()} for build, of in found.items()}
        estimated = all_cycles(
            options.llvm_mca, lambda call: min(("GCC", "Clang"), key=lambda name: counts[name][call]), programs, found
        )
    first_lines = [run(program, "--version").splitlines() for program in (ARM_GCC, "clang", options.llvm_mca)]
    gcc, clang, mca = (re.search(r"\d+\.\d+\.\d+", " ".join(lines))[0] for lines in first_lines)
    text = page(found, counts, estimated, f"GCC {gcc}, Clang {clang} and llvm-mca {mca}")
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
