"""The kernels on another architecture: cross-compiled, run under an emulator, compared bit for bit."""

import importlib
import platform
import shutil
import subprocess
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest

from fastact.core import function as core

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ROOT / "fastact" / "kernels"
FLAGS = [
    "-O2",
    "-std=gnu11",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
]
X86_TARGETS = {
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mavx2", "-mfma", "-mf16c"],
    "avx2": ["-mavx2", "-mfma", "-mf16c"],
    "generic": [],
}
ARM_TARGETS = {"neon": []}
ARM_CLANG = "--target=aarch64-linux-gnu"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not KERNELS.joinpath("table.h").exists(), reason="needs the source tree"),
]


def fingerprints(compiler, targets, folder, run=(), linker=(), chooser=KERNELS / "targets.c"):
    """Lines ``type function hash`` per target, from the program in cross/; `chooser` knows which targets run."""
    folder.mkdir()
    names = [f"{target}_{bits}" for target in targets for bits in ("f32", "f64")]
    objects = [folder / f"{name}.o" for name in names]

    def compiled(name):
        source = KERNELS / "targets" / f"{name}.c"
        command = [*compiler, *FLAGS, *targets[name[:-4]], "-c", source, "-o", folder / f"{name}.o"]
        subprocess.run(command, check=True)

    with ThreadPool() as pool:
        pool.map(compiled, names)
    program = folder / "fingerprint"
    sources = [ROOT / "tests" / "numerics" / "cross" / "fingerprint.c", chooser]
    subprocess.run([*(linker or compiler), *FLAGS, *sources, *objects, "-lm", "-o", program], check=True)
    lines = subprocess.run([*run, program], check=True, capture_output=True, text=True).stdout.splitlines()
    found = {}
    for line in lines:
        target, fused, rest = line.split(" ", 2)
        if fused == "1":
            found.setdefault(target, []).append(rest)
    return found


def needs(*programs):
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")


@pytest.fixture(scope="module")
def of_gcc(tmp_path_factory):
    """Return the fingerprints of the x86-64 targets, compiled by GCC."""
    return fingerprints(["gcc"], X86_TARGETS, tmp_path_factory.mktemp("gcc") / "x86")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="compares with x86-64")
@pytest.mark.parametrize("compiler", [["aarch64-linux-gnu-gcc"], ["clang", ARM_CLANG]], ids=["gcc", "clang"])
@needs("gcc", "clang", "aarch64-linux-gnu-gcc", "qemu-aarch64")
def test_aarch64_gives_the_bits_of_x86_64(of_gcc, compiler, tmp_path):
    linker = ["aarch64-linux-gnu-gcc", "-static"]
    arm = fingerprints(compiler, ARM_TARGETS, tmp_path / "arm", ["qemu-aarch64"], linker)
    assert len(arm["neon"]) > 1300
    if not of_gcc:
        pytest.skip("this CPU has no fused multiply-add")
    for target, lines in of_gcc.items():
        assert lines == arm["neon"], target


@pytest.mark.skipif(platform.machine() != "x86_64", reason="compiles the x86-64 targets")
@needs("gcc", "clang")
def test_clang_gives_the_bits_of_gcc(of_gcc, tmp_path):
    assert fingerprints(["clang"], X86_TARGETS, tmp_path / "clang") == of_gcc


@pytest.mark.skipif("avx2" not in core.TARGETS, reason="compares with AVX2")
@pytest.mark.skipif("avx512" in core.TARGETS, reason="this CPU has AVX-512 itself")
@needs("gcc")
def test_avx512_gives_the_bits_of_avx2_where_it_is_emulated(tmp_path):
    """Its kernels are compiled with intrinsics that compute element by element: see cross/emulated."""
    text = (KERNELS / "targets.c").read_text()
    asked = "return keeps_avx512() && "
    assert asked in text
    lines = [
        line for line in text.replace(asked, "return 1 || keeps_avx512() || ").splitlines() if "generic" not in line
    ]
    chooser = tmp_path / "targets.c"
    chooser.write_text("\n".join(lines).replace('"kernels.h"', f'"{KERNELS / "kernels.h"}"'))
    emulated = ["-O1", "-w", *X86_TARGETS["avx2"], f"-I{Path(__file__).parent / 'cross' / 'emulated'}"]
    targets = {"avx512": emulated, "avx2": X86_TARGETS["avx2"]}
    found = fingerprints(["gcc"], targets, tmp_path / "x86", chooser=chooser)
    assert len(found["avx512"]) > 1300
    assert found["avx512"] == found["avx2"]


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("target", [*X86_TARGETS, *ARM_TARGETS])
@pytest.mark.skipif(platform.machine() != "x86_64", reason="compiles the x86-64 targets")
@needs("clang", "aarch64-linux-gnu-gcc")
def test_every_header_compiles_by_itself_and_twice(target, bits, tmp_path):
    """A header includes what it needs and has a guard, so that an editor can open any of them alone."""
    headers = [path.relative_to(KERNELS) for path in KERNELS.rglob("*.h")]
    others = {f"vec_{other}.h" for other in [*X86_TARGETS, *ARM_TARGETS] if other != target}
    defined = [f"-DREAL_BITS={bits}", f'-DVECTOR_HEADER="vec_{target}.h"', "-DTABLE=fastact_table"]
    flags = [ARM_CLANG] if target in ARM_TARGETS else X86_TARGETS[target]
    flags = [*FLAGS, *flags, *defined, "-Wno-unused-function", "-fsyntax-only", f"-I{KERNELS}"]

    def errors(header):
        twice = f'#include "{header}"\n' * (1 if header.name == "table.h" else 2)
        source = tmp_path / f"{str(header).replace('/', '_')}.c"
        source.write_text(twice)
        return subprocess.run(["clang", *flags, source], check=False, capture_output=True, text=True).stderr

    with ThreadPool() as pool:
        found = pool.map(errors, [header for header in headers if header.name not in others])
    assert len(found) > 30
    assert not any(found), "".join(found)


THREE_INSTRUCTIONS_AN_ELEMENT = """
#include <stdio.h>
__attribute__((noinline)) void mark(void) { __asm__ volatile(""); }
int main(void)
{
    puts("float32 three forward 1000");
    mark();
    __asm__ volatile("mov x0, 1000\\n1: subs x0, x0, 1\\nnop\\nb.ne 1b" ::: "x0", "cc");
    mark();
}
"""


@needs("gcc", "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-objdump", "qemu-aarch64")
def test_what_the_emulator_executes_is_counted(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    arm = importlib.import_module("arm")
    source, program, call = tmp_path / "three.c", tmp_path / "three", ("float32", "three forward")
    source.write_text(THREE_INSTRUCTIONS_AN_ELEMENT)
    arm.run("gcc", "-O2", "-shared", "-fPIC", arm.HERE / "trace.c", "-o", tmp_path / "trace.so")
    arm.run("aarch64-linux-gnu-gcc", "-O1", "-static", source, "-o", program)
    trace = arm.traces("GCC", program, tmp_path)[call]
    assert 3 <= arm.instructions(trace) < 3.05
    if mca := shutil.which("llvm-mca-19"):
        assert 0.9 < arm.cycles(mca, "neoverse-n1", trace, arm.assembly(program)) < 3


def test_c_is_formatted():
    """By the version that pyproject.toml names: others differ in details."""
    formatter = shutil.which("clang-format")
    version = (
        subprocess.run([formatter, "--version"], check=True, capture_output=True, text=True).stdout if formatter else ""
    )
    if " version 14." not in version:
        pytest.skip("needs clang-format 14")
    sources = [path for folder in ("fastact", "tests", "bench") for path in (ROOT / folder).rglob("*.[ch]")]
    sources = [path for path in sources if path.name != "constants.h"]
    assert len(sources) > 40
    done = subprocess.run([formatter, "--dry-run", "-Werror", *sources], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:2000]
