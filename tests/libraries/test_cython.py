"""`cimport fastact`: every typed function gives Python's bits, without the GIL, and refuses what is wrong."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import c_api
import numpy as np
import pytest
from c_api import Call

import fastact as fa
from fastact.catalogue import SPECS

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLE = PROJECT / "examples" / "from_cython.pyx"
ROWS, N = 3, 37
SETUP = """
import sys
from Cython.Build import cythonize
from setuptools import Extension, setup
flags = [] if sys.platform == "win32" else ["-O0", "-Wall", "-Werror"]
name, include = sys.argv[1:3]
del sys.argv[1:3]
extension = Extension(name, [f"{name}.pyx"], include_dirs=[include], extra_compile_args=flags)
setup(ext_modules=cythonize([extension], language_level=3))
"""


def built(source, folder):
    """Return the module of a source, compiled in a folder."""
    for module in ("setuptools", "Cython"):
        pytest.importorskip(module)
    shutil.copy(source, folder)
    command = [sys.executable, "-c", SETUP, source.stem, fa.get_include(), "-q", "build_ext", "--inplace"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (library,) = (path for path in folder.glob(f"{source.stem}.*") if path.suffix in (".so", ".pyd"))
    spec = importlib.util.spec_from_file_location(source.stem, library)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def called(name, role):
    return name if role == "forward" else f"{name}_{role}"


def shapes(call):
    """Return what a call's operands are, and what says so in a name."""
    return ["[:, :]" if call.spec.by_rows and a.shape == "like" else "[:]" for a in call.operands]


def form(call):
    return f"{''.join('m' if shape == '[:, :]' else 'v' for shape in shapes(call))}{len(call.inputs)}"


def wrappers():
    """Return the source of Python functions, one for each form and type, which call a typed function without the GIL."""
    calls = [Call(name, role, np.float32) for name, role in c_api.CALLS]
    lines = []
    for kind in ("float", "double"):
        for group in {form(call): call for call in calls}.values():
            views = [f"{'const ' * (k < len(group.inputs))}{kind}{shape} a{k}" for k, shape in enumerate(shapes(group))]
            lines += [f"def {form(group)}_{kind}(int index, {', '.join(views)}, double p0=0, double p1=0):"]
            lines += ["    with nogil:"]
            for index, call in enumerate(calls):
                if form(call) == form(group):
                    given = [f"a{k}" for k in range(len(views))] + [f"p{k}" for k in range(len(call.parameters))]
                    name = called(call.name, call.role)
                    lines += [
                        f"        if index == {index}:",
                        f"            fastact.{name}[{kind}]({', '.join(given)})",
                    ]
    return "\n".join(lines)


def run(module, name, role, operands, parameters=()):
    call = Call(name, role, operands[0].dtype)
    function = getattr(module, f"{form(call)}_{'float' if call.dtype == np.float32 else 'double'}")
    function(c_api.CALLS.index((name, role)), *operands, *parameters)


DEFAULTS = """
def elu(float[::1] x, float[::1] out):
    fastact.elu[float](x, out)
def softmax(double[:, ::1] x, double[:, ::1] out):
    fastact.softmax[double](x, out)
def in_place(x):
    cdef float[:] view = x
    fastact.gelu(view, view)
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cython")
    source = folder / "source" / "every.pyx"
    source.parent.mkdir()
    source.write_text("cimport fastact\n" + wrappers() + DEFAULTS)
    return built(source, folder)


def test_the_declarations_are_what_the_catalogue_makes():
    if not (PROJECT / "fastact").exists():
        pytest.skip("no source tree")
    command = [sys.executable, PROJECT / "tools" / "make_pxd.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_example_compiles_and_computes(tmp_path):
    example = built(EXAMPLE, tmp_path)
    hidden = np.linspace(-3, 3, 32, dtype=np.float32).reshape(2, 16)
    y, grad = fa.elu(hidden, 0.5), np.ones_like(hidden)
    example.layer(hidden, grad)
    np.testing.assert_array_equal(hidden, y)
    np.testing.assert_array_equal(grad, fa.elu.backward(np.ones_like(y), y=y, alpha=0.5))


@pytest.mark.slow
def test_every_function_gives_the_bits_of_python(module, dtype):
    for name, role in c_api.CALLS:
        call = Call(name, role, dtype)
        rows = ROWS if SPECS[name].by_rows else 1
        arrays, out = call.arrays(rows, N), call.new_outputs(rows, N)
        for step in (1, -1, 2):
            placed = {}
            for key, array in (arrays | out).items():
                flat = array if SPECS[name].by_rows or array.ndim == 1 else array[0]
                room = np.zeros((*flat.shape[:-1], abs(step) * flat.shape[-1]), dtype)
                placed[key] = room[..., ::step]
                placed[key][...] = flat
            run(module, name, role, [placed[a.name] for a in call.operands], [call.typical[p] for p in call.parameters])
            for key, want in zip(out, call.expected(arrays, **call.typical), strict=True):
                np.testing.assert_array_equal(placed[key], want.reshape(placed[key].shape), err_msg=f"{name} {role}")


@pytest.mark.slow
def test_a_weight_may_be_one_for_all(module):
    x, out = np.linspace(-3, 3, N), np.empty(N)
    run(module, "prelu", "forward", [x, np.array([0.3]), out])
    np.testing.assert_array_equal(out, fa.prelu(x, 0.3))


@pytest.mark.slow
def test_defaults_are_those_of_python(module):
    x, out = np.linspace(-3, 3, N, dtype=np.float32), np.empty(N, np.float32)
    module.elu(x, out)
    np.testing.assert_array_equal(out, fa.elu(x))
    module.in_place(out)
    np.testing.assert_array_equal(out, fa.gelu(fa.elu(x)))
    scores = np.random.default_rng(0).normal(size=(4, 9))
    rows = np.empty_like(scores)
    module.softmax(scores, rows)
    np.testing.assert_array_equal(rows, fa.softmax(scores))


@pytest.mark.slow
def test_what_is_wrong_is_an_error_and_nothing_is_written(module):
    x, out = np.linspace(-3, 3, N), np.full(N, 77.0)
    with pytest.raises(ValueError, match=r"fastact\.gelu: the operands differ in their shapes"):
        run(module, "gelu", "forward", [x[1:], out])
    with pytest.raises(ValueError, match=r"fastact\.prelu: the operands differ in their shapes"):
        run(module, "prelu", "forward", [x, x[:2], out])
    with pytest.raises(ValueError, match=r"fastact\.elu: a parameter"):
        run(module, "elu", "forward", [x, out], [float("nan")])
    with pytest.raises(ValueError, match="overlaps"):
        run(module, "gelu", "forward", [out[1:], out[:-1]])
    with pytest.raises(ValueError, match="Buffer dtype mismatch"):
        run(module, "gelu", "forward", [x, out.view(np.int64)])
    rows = np.full((3, 4), 77.0)
    with pytest.raises(ValueError, match=r"fastact\.softmax: the operands differ"):
        run(module, "softmax", "forward", [np.ones((3, 5)), rows], [1.0])
    with pytest.raises(ValueError, match=r"fastact\.logsumexp: no such size"):
        run(module, "logsumexp", "forward", [np.ones((3, 0)), out[:3]], [1.0])
    assert (out == 77).all()
    assert (rows == 77).all()
    run(module, "gelu", "forward", [x[:0], out[:0]])


@pytest.mark.slow
def test_other_types_do_not_compile(tmp_path):
    pytest.importorskip("Cython")
    source = tmp_path / "wrong.pyx"
    source.write_text("cimport fastact\ndef f(double[::1] x, float[::1] y):\n    fastact.gelu[float](x, y)\n")
    command = [sys.executable, "-m", "cython", "-3", source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "Different base types for memoryviews" in done.stderr
