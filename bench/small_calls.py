"""What a call on 16 float32 takes from Python, C, CFFI, Cython and Numba, in nanoseconds: python bench/small_calls.py

Each figure is the least of many short runs, taken in turns.
"""

import importlib
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import fastact as fa

TIMES = 300
SETUP = """
import fastact
from Cython.Build import cythonize
from setuptools import Extension, setup
extension = Extension("small_calls", ["small_calls.pyx"], include_dirs=[fastact.get_include()], extra_compile_args=["-O2"])
setup(ext_modules=cythonize([extension]))
"""


def compiled(folder):
    """Return the Cython module."""
    shutil.copy(Path(__file__).with_suffix(".pyx"), folder)
    command = [sys.executable, "-c", SETUP, "-q", "build_ext", "--inplace"]
    subprocess.run(command, cwd=folder, check=True)
    spec = importlib.util.spec_from_file_location("small_calls", next(Path(folder).glob("small_calls.*.so")))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def by_python(function):
    def loop(x, out, times):
        for _ in range(times):
            function(x, out=out)

    return loop


def elu_by_python(x, out, times, elu=fa.elu):
    for _ in range(times):
        elu(x, 0.5, out=out)


def by_cffi():
    """Return a loop over a call that CFFI makes, or None."""
    try:
        import cffi
    except ImportError:
        return None
    ffi, header = cffi.FFI(), Path(fa.get_include(), "fastact.h").read_text()
    ffi.cdef(re.search(r'"end" .*?\*/(.*)/\* end', header, re.DOTALL)[1])
    api = ffi.cast("const fa_api *", fa.get_c_api())
    function, run = api.find(b"gelu", 0, 0), api.run

    def loop(x, out, times):
        operands = ffi.new("void *[]", [ffi.cast("void *", a.ctypes.data) for a in (x, out)])
        for _ in range(times):
            run(function, ffi.NULL, 1, 16, operands, ffi.NULL, ffi.NULL)

    return loop


def by_numba():
    """Return loops that Numba compiles, by name."""
    try:
        import numba
    except ImportError:
        return {}
    importlib.import_module("fastact.numba")  # where fastact is not installed, Numba does not find it

    @numba.njit
    def gelu(x, out, times):
        for _ in range(times):
            fa.gelu(x, out=out)

    @numba.njit
    def gelu_of_every_second(x, out, times):
        for _ in range(times):
            fa.gelu(x[::2], out=out[::2])

    @numba.njit
    def elu(x, out, times):
        for _ in range(times):
            fa.elu(x, 0.5, out=out)

    @numba.njit
    def softmax(x, out, times):
        for _ in range(times):
            fa.softmax(x, out=out)

    @numba.njit
    def gelu_by_objmode(x, out, times):
        for _ in range(times):
            with numba.objmode():
                fa.gelu(x, out=out)

    return {
        "gelu, Numba": gelu,
        "gelu of every second element, Numba": gelu_of_every_second,
        "elu with a parameter, Numba": elu,
        "softmax, Numba": softmax,
        "gelu, Numba by objmode": gelu_by_objmode,
    }


def main():
    with tempfile.TemporaryDirectory() as folder:
        module = compiled(folder)
    loops = {
        "gelu, Python": by_python(fa.gelu),
        "gelu, C": lambda *given: module.from_c("gelu", *given),
        "gelu, CFFI": by_cffi(),
        "gelu, Cython": module.gelu,
        "gelu of every second element, Cython": module.gelu_of_every_second,
        "elu with a parameter, Python": elu_by_python,
        "elu with a parameter, Cython": module.elu,
        "softmax, Python": by_python(fa.softmax),
        "softmax, Cython": module.softmax,
        **by_numba(),
    }
    least = dict.fromkeys((name for name, loop in loops.items() if loop), float("inf"))
    sizes = {name: 32 if "second" in name else 16 for name in least}
    for _ in range(500):
        for name in least:
            x, out = np.linspace(-3, 3, sizes[name], dtype=np.float32), np.empty(sizes[name], np.float32)
            start = time.perf_counter_ns()
            loops[name](x, out, TIMES)
            least[name] = min(least[name], (time.perf_counter_ns() - start) / TIMES)
    for name, ns in least.items():
        print(f"{name:40} {ns:6.1f} ns")


if __name__ == "__main__":
    main()
