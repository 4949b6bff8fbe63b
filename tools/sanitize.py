"""Run tests, or any other program, over a build with the compiler's sanitizers, in one command:

    python tools/sanitize.py                                  # the whole quick lane
    python tools/sanitize.py tests/features/test_losses.py -x          # these arguments of pytest
    python tools/sanitize.py --program tools/fuzz.py --minutes 10
    CC=clang-19 python tools/sanitize.py --kinds thread tests/contract/test_threads.py tests/contract/test_racing.py

The build lies in build/sanitize and nothing else is touched; the packages are those of the Python that runs this.  Ends
with status 1 where a sanitizer found something, whatever the tests say: all reports are printed at the end.  Linux; GCC or
Clang for addresses and undefined behaviour.  Threads need Clang, its OpenMP and Archer, which tells ThreadSanitizer what
OpenMP's threads wait for (Debian's clang-19, libclang-rt-19-dev and libomp-19-dev; Clang 14's ends any program here).
"""

import argparse
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "build" / "sanitize"
LIBRARY, REPORTS = BUILT / "lib", BUILT / "reports"


def build(kinds, environment):
    """Build the package into a folder of its own; what is up to date stays."""
    command = [sys.executable, "setup.py", "-q", "build", "--build-lib", LIBRARY]
    subprocess.run(command, cwd=ROOT, env=environment | {"FASTACT_SANITIZE": kinds}, check=True)


def library(name):
    """Return the path of a library of the compiler's; None if it has none of this name."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    path = subprocess.run(
        [*compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return os.path.realpath(path) if os.path.isabs(path) else None


def runtimes(kinds):
    """Return the libraries that must be loaded before Python, which was not built with them."""
    if "thread" in kinds.split(","):
        needed = [library(f"libclang_rt.tsan-{platform.machine()}.so"), library("libarcher.so")]
        if None in needed:
            sys.exit("--kinds thread needs CC=clang-19 or later, libclang-rt-19-dev and libomp-19-dev")
        return needed[:1]
    names = {"address": "libasan.so", "undefined": "libubsan.so"}
    return list(filter(None, (library(names[kind]) for kind in kinds.split(",") if kind in names)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", default="address,undefined", help="of sanitizers (default: %(default)s)")
    parser.add_argument("--no-build", action="store_true", help="take the build as it is")
    parser.add_argument("--program", action="store_true", help="the arguments are a script and its own, not pytest's")
    options, arguments = parser.parse_known_args()

    environment = dict(os.environ)
    if not options.no_build:
        build(options.kinds, environment)
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    log = f"log_path={REPORTS / 'report'}"
    # Python's own allocator would hide what lies beyond an array, and it never gives everything back.
    environment |= {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(LIBRARY), environment.get("PYTHONPATH")])),
        "PYTHONSAFEPATH": "1",
        "PYTHONMALLOC": "malloc",
        "LD_PRELOAD": " ".join(runtimes(options.kinds)),
        "ASAN_OPTIONS": f"detect_leaks=0:handle_segv=0:allocator_may_return_null=1:{log}",
        "UBSAN_OPTIONS": f"print_stacktrace=1:{log}",
        "TSAN_OPTIONS": f"ignore_noninstrumented_modules=1:{log}",  # Python and OpenMP are not built with it
    }
    if "thread" in options.kinds.split(","):
        environment["OMP_TOOL_LIBRARIES"] = library("libarcher.so")
    command = arguments if options.program else ["-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    status = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=False).returncode
    reports = sorted(REPORTS.iterdir())
    for report in reports:
        print(f"\n{report.name}\n{report.read_text(errors='replace')}")
    print(f"{len(reports)} processes with reports of a sanitizer")
    return 1 if reports else status


if __name__ == "__main__":
    sys.exit(main())
