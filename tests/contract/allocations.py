"""The preloaded malloc of failing_malloc.c: built here, and used by processes that were started with it."""

import ctypes
import functools
import gc
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile

import pytest

SOURCE = pathlib.Path(__file__).with_name("failing_malloc.c")
# What has no way to say that an allocation failed: OpenMP's runtime ends the process, the loader and the C library
# allocate for themselves.  Ours are neither.
SPARED = ("libgomp", "libomp", "libiomp", "libc.", "libc-", "ld-linux", "libpthread", "libstdc++", "libgcc", "failing")


@functools.cache
def library():
    """Build the library; return its path, or skip the test that asks."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("without the GIL, Python's memory cannot come from malloc")
    if platform.libc_ver()[0] != "glibc" or not compiler:
        pytest.skip("needs glibc and a C compiler")
    folder = tempfile.mkdtemp(prefix="fastact-")
    path = os.path.join(folder, "failing.so")
    command = [*compiler.split(), "-O2", "-shared", "-fPIC", "-o", path, str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot build a library: {done.stderr}")
    return path


def environment():
    """Return the variables of a process that counts: all of Python's own memory comes from malloc too."""
    return {"LD_PRELOAD": library(), "PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}


@functools.cache
def counting():
    """Return the library in a process that was started with it."""
    loaded = ctypes.PyDLL(os.environ["LD_PRELOAD"])
    loaded.guarded_call.restype = ctypes.py_object
    loaded.guarded_call.argtypes = [ctypes.py_object] * 3 + [ctypes.c_long] * 2
    for name in ("bytes_alive", "peak", "failures", "allocations"):
        getattr(loaded, name).restype = ctypes.c_long
    spare(loaded, SPARED)
    return loaded


def spare(loaded, names):
    """Let the allocations of libraries, and of programs, whose files are called so, pass.  Those that are loaded now."""
    for line in pathlib.Path("/proc/self/maps").read_text().splitlines():
        fields = line.split()
        if len(fields) > 5 and "x" in fields[1] and fields[5].rsplit("/", 1)[-1].startswith(names):
            begin, end = (ctypes.c_size_t(int(text, 16)) for text in fields[0].split("-"))
            loaded.spare(begin, end)


def with_failure(function, arguments, keywords, k, until=None):
    """Make a call of which the k-th allocation (to the `until`-th) fails; return its result and how many failed."""
    loaded = counting()
    result = loaded.guarded_call(function, arguments, keywords, k, k if until is None else until)
    return result, loaded.failures()


SURVIVES = """
import gc, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from contract import allocations
x = np.ones((3, 4, 5))
for function in (lambda: np.moveaxis(x, 0, -1), lambda: {key: value for key, value in {}.items()}):
    for k in range(60):
        try:
            allocations.with_failure(function, (), {}, k)
        except MemoryError:
            pass
        gc.collect()
"""


@functools.cache
def python_survives():
    """Return whether Python code does, without fastact: CPython 3.11.7, 3.12.1 and 3.13.0 corrupt their memory."""
    command = [sys.executable, "-P", "-c", SURVIVES, str(SOURCE.parents[1])]
    return not subprocess.run(command, capture_output=True, check=False).returncode


@functools.cache
def spare_python():
    """From now on let the interpreter's own allocations pass if it does not survive their failing; NumPy's and ours fail."""
    if not python_survives():
        spare(counting(), ("libpython", pathlib.Path(sys.executable).resolve().name))


def in_use():
    """Return how many bytes are allocated; what Python keeps to use again is freed before."""
    sys._clear_type_cache()  # keeps names that were looked up
    gc.collect()  # quick after gc.freeze()
    return counting().bytes_alive()
