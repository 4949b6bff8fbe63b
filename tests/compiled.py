"""in_c.pyx as a module: what tests, tools and benches need of the C side, compiled when first asked for.

It is no part of the package. It needs the package's sources, and Cython and a C compiler, which `pip install ".[test]"`
needs too. The module is kept in build/tests until a source changes. Where the sources are not, as beside an installed
wheel, tests that call it are skipped.
"""

import contextlib
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import numpy as np

from fastact.core import function as core
from fastact.core import threads

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PACKAGE = ROOT / "fastact"
SOURCE = HERE / "in_c.pyx"
WHY = "needs tests/in_c.pyx, which is compiled where fastact's sources are"
SETUP = """
import sys
import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
root, *flags = sys.argv[1:sys.argv.index("-q")]
del sys.argv[1:sys.argv.index("-q")]
extension = Extension(
    "in_c",
    ["in_c.pyx"],
    include_dirs=[f"{root}/fastact", f"{root}/fastact/include", numpy.get_include()],
    define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
    extra_compile_args=flags,
    extra_link_args=flags,
)
directives = dict(language_level=3, boundscheck=False, wraparound=False, freethreading_compatible=True)
setup(ext_modules=cythonize([extension], include_path=[root], compiler_directives=directives))
"""


def key():
    """Return what a compiled module is valid for: this Python, NumPy and fastact, and these sources."""
    found = hashlib.sha256(f"{sys.version} {np.__version__} {core.VERSION} {core.COMPILER} {SETUP}".encode())
    for path in sorted([SOURCE, *PACKAGE.rglob("*.pxd"), *PACKAGE.rglob("*.h")]):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def built(folder):
    """Compile into a folder, which appears whole: others may do the same."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        shutil.copy(SOURCE, made)
        flags = ["-fopenmp"] * (threads.OPENMP and sys.platform.startswith("linux"))
        command = [sys.executable, "-P", "-c", SETUP, ROOT, *flags, "-q", "build_ext", "--inplace"]
        done = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{SOURCE} does not compile:\n{done.stdout}{done.stderr}")
        with contextlib.suppress(OSError):  # another process was faster
            made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def folder():
    """Return where the compiled module is, or None where the sources are not."""
    if not PACKAGE.exists():
        return None
    found = ROOT / "build" / "tests" / key()
    if not found.exists():
        built(found)
    return found


class Missing:
    """In its place where it cannot be: whoever calls it is skipped."""

    def __getattr__(self, name):
        def skip(*args):
            import pytest

            pytest.skip(WHY)

        return skip


def load():
    """Return the module."""
    place = folder()
    if place is None:
        return Missing()
    path = place / f"in_c{sysconfig.get_config_var('EXT_SUFFIX')}"
    spec = importlib.util.spec_from_file_location("in_c", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


in_c = load()
