"""Run tests, or any other program, over a build with the compiler's sanitizers, in one command:

    python tools/sanitize.py                                  # the whole quick lane
    python tools/sanitize.py tests/features/test_losses.py -x          # these arguments of pytest
    python tools/sanitize.py --program tools/fuzz.py --minutes 10

The build lies in build/sanitize and nothing else is touched; the packages are those of the Python that runs this.  Ends
with status 1 where a sanitizer found something, whatever the tests say: all reports are printed at the end.  Linux, GCC or
Clang.
"""

import argparse
import os
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


def runtimes(kinds):
    """Return the libraries that must be loaded before Python, which was not built with them."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    names = {"address": "libasan.so", "undefined": "libubsan.so", "thread": "libtsan.so"}
    found = []
    for name in (names[kind] for kind in kinds.split(",") if kind in names):
        command = [*compiler, f"-print-file-name={name}"]
        path = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        if os.path.isabs(path):  # a compiler that does not have it says the name alone
            found.append(os.path.realpath(path))
    return found


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
    }
    command = arguments if options.program else ["-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    status = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=False).returncode
    reports = sorted(REPORTS.iterdir())
    for report in reports:
        print(f"\n{report.name}\n{report.read_text(errors='replace')}")
    print(f"{len(reports)} processes with reports of a sanitizer")
    return 1 if reports else status


if __name__ == "__main__":
    sys.exit(main())
