"""What the environment chooses, and what an import may do.  What calls leave as they found it is in contract/."""

import platform
import statistics
import sys
import sysconfig

import numpy as np
import pytest

import compiled
import fastact as fa
import helpers
from fastact.core import function as core

X86 = platform.machine().lower() in ("x86_64", "amd64")
ARM = platform.machine().lower() in ("aarch64", "arm64")
pytestmark = pytest.mark.skipif(not (X86 or ARM), reason="does not know the registers")

PYTHONS_OWN = 0x22 if X86 else 0x90  # inexact and denormal operand

# The import.

READ_FENV = """
import ctypes, ctypes.util, sys
libm = ctypes.CDLL(ctypes.util.find_library("m"))
environment = ctypes.create_string_buffer(256)

def state():
    assert libm.fegetenv(environment) == 0
    found = environment[28:32] if {x86} else environment[:8]
    return [int.from_bytes(found[k : k + 4], "little") for k in range(0, len(found), 4)]
""".replace("{x86}", str(X86))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="knows the layout of glibc and musl")
def test_an_import_leaves_control_and_status_as_they_were():
    """With every flag raised before, one cleared is seen; with none, one raised.

    Python itself raises two on the way: inexact by the times of files, denormal by the constants it compiles.
    """
    code = """
import numpy
raised = int(sys.argv[1])
libm.feraiseexcept(raised) if raised else libm.feclearexcept({every})
libm.fesetround({up})
before = state()
import fastact
after = state()
print(*(sum(register << 64 * k for k, register in enumerate(found)) for found in (before, after)))
""".replace("{up}", "0x800" if X86 else "0x400000").replace("{every}", "0x3F" if X86 else "0x9F")
    for raised in (0, 0x1D if X86 else 0x0F):
        before, after = helpers.python_output(READ_FENV + code.replace("sys.argv[1]", str(raised))).split()
        before, after = int(before), int(after)
        own = PYTHONS_OWN << (0 if X86 else 64)
        assert before & ~own == after & ~own


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="knows the layout of glibc and musl")
def test_the_registers_that_tests_read_are_those_of_the_c_library():
    if compiled.folder() is None:
        pytest.skip(compiled.WHY)
    code = """
sys.path.append({folder!r})
import in_c
for raised in (0, 1, {every}):
    libm.feclearexcept({every})
    libm.feraiseexcept(raised)
    libm.fesetround({up})
    assert list(in_c.read_registers()) == state()
"""
    numbers = {"folder": str(compiled.folder()), "every": 0x3D if X86 else 0x9F, "up": 0x800 if X86 else 0x400000}
    helpers.python_output(READ_FENV + code.format(**numbers))


def test_an_import_emits_no_warning():
    done = helpers.run_python("import fastact", PYTHONWARNINGS="error")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python cannot go without the GIL")
def test_an_import_leaves_the_gil_off():
    """Not even in what callers of C and XLA import."""
    code = "import sys, fastact, fastact._c_api, fastact._xla; print(sys._is_gil_enabled())"
    assert helpers.python_output(code, PYTHON_GIL=None, PYTHONWARNINGS="error") == "False"


def test_an_import_needs_numpy_alone():
    code = """
import sys
import sysconfig
import numpy
before = set(sys.modules)
import fastact
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(new - set(sys.stdlib_module_names) - {"fastact", "numpy"}))
"""
    others = helpers.python_output(code).split()
    assert [name for name in others if not name.startswith(("_cython", "cython_runtime"))] == []


@pytest.mark.timing
def test_an_import_costs_little_beside_that_of_numpy():
    code = """
import time
begin = time.perf_counter()
import numpy
middle = time.perf_counter()
import fastact
print((time.perf_counter() - middle) / (middle - begin), time.perf_counter() - middle)
"""
    runs = [tuple(map(float, helpers.python_output(code).split())) for _ in range(5)]
    print(f"{statistics.median(seconds for _, seconds in runs):.3f} s")
    assert min(ratio for ratio, _ in runs) < 0.5


# The target.


def test_the_best_target_is_in_use():
    code = "from fastact.core import function as core; print(core.TARGET, core.TARGETS[0])"
    chosen, best = helpers.python_output(code, FASTACT_CPU_TARGET=None).split()
    assert chosen == best == core.TARGETS[0]


def test_the_environment_forces_a_target(target):
    code = """
import numpy as np
import fastact as fa
from fastact.core import function as core
print(core.TARGET)
fa.show_config()
print("bits", fa.tanh(np.float32([0.1, 2])).tobytes().hex())
"""
    printed = helpers.python_output(code, FASTACT_CPU_TARGET=target).splitlines()
    assert printed[0] == target
    assert any(target in line for line in printed[1:-1])
    want = helpers.on_target("tanh", target)(np.float32([0.1, 2])).tobytes().hex()
    assert printed[-1] == f"bits {want}"


@pytest.mark.parametrize("impossible", ["z80", "AVX-2", "generic ", "avx"])
def test_an_impossible_target_is_an_import_error_that_lists_the_possible_ones(impossible):
    done = helpers.run_python("import fastact", FASTACT_CPU_TARGET=impossible)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError")
    assert impossible in last
    assert all(target in last for target in core.TARGETS)


def test_every_target_has_every_activation(target):
    for name in fa.ACTIVATIONS:
        assert core.on_target(fa.ACTIVATIONS[name], target).name == name


def test_a_target_that_is_not_there_cannot_be_asked_for():
    with pytest.raises(ValueError, match="z80"):
        core.on_target(fa.relu, "z80")


@pytest.mark.skipif(not X86, reason="elsewhere the baseline is fused too")
def test_every_x86_target_but_the_baseline_has_fused_multiply_add():
    assert [*core.FUSED_TARGETS] == [target for target in core.TARGETS if target != "generic"]
