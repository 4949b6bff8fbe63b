"""What a call must leave as it found it, what the environment chooses, and what an import may do.

Floating-point state is read from the registers themselves: NumPy clears the flags before it looks at them.
"""

import platform
import statistics
import sys

import numpy as np
import pytest

import fastact as fa
import helpers
from fastact import _testing, engine

X86 = platform.machine().lower() in ("x86_64", "amd64")
ARM = platform.machine().lower() in ("aarch64", "arm64")
pytestmark = pytest.mark.skipif(not (X86 or ARM), reason="does not know the registers")

# Control and status as a caller may have left them.
if X86:
    STATES = {
        "default": (0x1F80,),
        "every flag raised": (0x1FBF,),
        "one flag raised": (0x1F81,),
        "subnormals off": (0x9FC0,),
        "flush to zero": (0x9F80,),
        "subnormals are zero": (0x1FC0,),
        "rounding down": (0x3F80,),
        "rounding up": (0x5F80,),
        "rounding to zero": (0x7F80,),
        "subnormals off, rounding up, flags": (0xDFFF,),
    }
else:
    STATES = {
        "default": (0, 0),
        "every flag raised": (0, 0x9F),
        "one flag raised": (0, 1),
        "subnormals off": (1 << 24, 0),
        "rounding up": (1 << 22, 0),
        "rounding down": (2 << 22, 0),
        "rounding to zero": (3 << 22, 0),
        "subnormals off, rounding up, flags": (1 << 24 | 1 << 22, 0x9F),
    }
PYTHONS_OWN = 0x22 if X86 else 0x90  # inexact and denormal operand
states = pytest.mark.parametrize("state", STATES.values(), ids=STATES)


@pytest.fixture
def registers():
    """Put the state back: pytest itself should not run without subnormals."""
    before = _testing.read_registers()
    yield
    _testing.write_registers(before)


def under(state, call):
    """Return what the call returns when made in a floating-point state, and the state it leaves."""
    before = _testing.read_registers()
    _testing.write_registers(state)
    result = call()
    after = _testing.read_registers()
    _testing.write_registers(before)
    return result, after


def ways(operation, dtype):
    """Yield a call for every path through the engine: direct, allocating, strided, misaligned, 0-d, of two types."""
    arrays = [np.concatenate([helpers.specials(dtype), array]) for array in helpers.arguments(operation, (600,), dtype)]
    count = arrays[0].size
    out, wide = np.empty(count, dtype), np.empty(2 * count, dtype)
    misaligned = np.empty(count * dtype.itemsize + 1, np.uint8)[1:].view(dtype)
    linear = np.linspace(-1, 1, count)
    yield lambda: operation(*arrays, out=out).copy()
    yield lambda: operation(*arrays)
    yield lambda: operation(*[array[:16] for array in arrays])
    yield lambda: operation(*[array[::-2] for array in arrays], out=wide[: 2 * len(out[::2]) : 2]).copy()
    yield lambda: operation(*arrays, out=misaligned).copy()
    yield lambda: operation(*[array.reshape(1, -1, 1)[:, ::3] for array in arrays])
    if not operation.rowwise:
        yield lambda: operation(*[array[15] for array in arrays])
    if operation.arity == 2:
        yield lambda: operation(linear, arrays[1])  # of two types, where dtype is float32


def test_the_registers_read_are_the_registers_written(registers):
    for state in STATES.values():
        _testing.write_registers(state)
        assert _testing.read_registers() == state


@states
def test_a_call_leaves_control_and_status_as_they_were(operation, dtype, state, registers):
    for call in ways(operation, dtype):
        assert under(state, call)[1] == state


@states
def test_right_bits_in_any_floating_point_state(operation, dtype, state, registers):
    for call in ways(operation, dtype):
        want = under(next(iter(STATES.values())), call)[0]
        got = under(state, call)[0]
        helpers.assert_same_bits(got, want)


@pytest.mark.skipif(not fa.show_config(mode="dicts")["openmp"], reason="built without OpenMP")
@states
def test_the_workers_keep_theirs_and_give_the_right_bits(operation, dtype, state, registers, always_parallel):
    count = 3
    arrays = helpers.arguments(operation, (53, 97), dtype)
    with fa.num_threads(1):
        want = operation(*arrays)
    default = next(iter(STATES.values()))
    with fa.num_threads(count):
        _testing.write_worker_registers(count, state)
        written = _testing.worker_registers(count)
        results = [operation(*arrays), operation(*[array[:, ::-1] for array in arrays])]
        after = _testing.worker_registers(count)
        _testing.write_worker_registers(count, default)
    assert written == after == [state] * count
    helpers.assert_same_bits(results[0], want)
    if not operation.rowwise:
        helpers.assert_same_bits(results[1], want[:, ::-1])


def test_the_first_calls_of_a_process_leave_control_and_status_as_they_were():
    """What is imported or set up late would raise flags: reading the time of a file is floating-point arithmetic."""
    code = """
import numpy as np, fastact as fa
from fastact import _testing, catalogue
wrong, before = [], {before}
for row in catalogue.ROWS:
    activation = fa.ACTIVATIONS[row.name]
    for x in np.ones(3, np.float32), np.ones((3, 4))[:, ::2], np.float32(1), 1.0, [1, 2], memoryview(np.ones(3)):
        _testing.write_registers(before)
        activation(x, **row.required)
        if _testing.read_registers() != before:
            wrong.append((activation, type(x)))
print(wrong)
"""
    assert helpers.python_output(code.replace("{before}", str(STATES["default"]))) == "[]"


def test_a_refused_call_leaves_control_and_status_as_they_were(operation, registers):
    state = STATES["subnormals off, rounding up, flags"]

    def call():
        with pytest.raises(TypeError):
            operation(*[np.ones(3, complex)] * operation.arity)

    assert under(state, call)[1] == state


@pytest.mark.skipif(not X86, reason="unmasks exceptions in MXCSR")
def test_a_caller_who_traps_exceptions_is_not_trapped_in_a_kernel():
    code = """
import numpy as np, fastact as fa
from fastact import _testing, catalogue
x = np.array([np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 1, -1, 0.0, -0.0] * 20)
out, grad = np.empty_like(x), x[::-1].copy()
calls = []
for row in catalogue.ROWS:
    activation = fa.ACTIVATIONS[row.name]
    calls.append(lambda activation=activation, row=row: activation(x, **row.required, out=out))
    for argument in activation.backward_from:
        calls.append(lambda activation=activation, argument=argument, row=row:
                     activation.backward(grad, **{argument: x}, **row.required, out=out))
state = (0x1F80 & ~0x0E80,)  # invalid, division by zero, overflow and underflow trap
after = []
for call in calls:
    _testing.write_registers(state)
    call()
    after.append(_testing.read_registers())
    _testing.write_registers((0x1F80,))
assert after == [state] * len(calls), after
print("not trapped")
"""
    assert helpers.python_output(code) == "not trapped"


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
from fastact import _testing
after = state()
registers = _testing.read_registers()
assert list(registers) == after, (registers, after)
print(*(sum(register << 64 * k for k, register in enumerate(found)) for found in (before, after)))
""".replace("{up}", "0x800" if X86 else "0x400000").replace("{every}", "0x3F" if X86 else "0x9F")
    for raised in (0, 0x1D if X86 else 0x0F):
        before, after = helpers.python_output(READ_FENV + code.replace("sys.argv[1]", str(raised))).split()
        before, after = int(before), int(after)
        own = PYTHONS_OWN << (0 if X86 else 64)
        assert before & ~own == after & ~own


def test_an_import_emits_no_warning():
    done = helpers.run_python("import fastact, fastact._testing", PYTHONWARNINGS="error")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_import_needs_numpy_alone():
    code = """
import sys
import numpy
before = set(sys.modules)
import fastact
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(new - set(sys.stdlib_module_names) - {"fastact", "numpy"}))
"""
    others = helpers.python_output(code).split()
    assert [name for name in others if not name.startswith(("_cython", "cython_runtime"))] == []


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
    assert engine.TARGET in engine.TARGETS
    code = "from fastact import engine; print(engine.TARGET, engine.TARGETS[0])"
    chosen, best = helpers.python_output(code, FASTACT_CPU_TARGET=None).split()
    assert chosen == best == engine.TARGETS[0]


def test_the_environment_forces_a_target(target):
    code = """
import numpy as np
import fastact as fa
from fastact import engine
print(engine.TARGET)
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
    assert all(target in last for target in engine.TARGETS)


def test_every_target_has_every_activation(target):
    for name in fa.ACTIVATIONS:
        assert engine.on_target(fa.ACTIVATIONS[name], target).name == name


def test_a_target_that_is_not_there_cannot_be_asked_for():
    with pytest.raises(ValueError, match="z80"):
        engine.on_target(fa.relu, "z80")


def test_targets_with_fused_multiply_add_are_among_the_targets():
    assert set(engine.FUSED_TARGETS) <= set(engine.TARGETS)
