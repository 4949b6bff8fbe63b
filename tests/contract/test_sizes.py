"""Sizes that overflow, and rows longer than float32 counts.

Operands of any size take no memory when all their elements are one: what is computed of them must be the right answer, a
MemoryError or a ValueError, and what has no elements must return at once.
"""

import importlib.util
import pathlib
import queue
import resource
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import fastact as fa
from contract import calls, processes

HUGE = (
    (1, 2**59 + 1000),
    (2**59 + 1000, 1),
    (2**30, 2**30),
    (2**29, 3, 2**29),
    (2**59 + 1000,),
    (2**31 + 5, 2**28),
    (1, 2**60 - 1, 1),
)
NONE = ((0, 2**59), (2**59, 0), (2**30, 0, 2**30), (0,), (0, 1, 2**61))
SECONDS = 0.3  # after which what computes may go on for a century


def filled(value, shape, dtype):
    """An array of one element, seen everywhere."""
    return as_strided(np.full(1, value, dtype), shape, (0,) * len(shape))


def huge(call, shape, dtype):
    """Return operands of a principal shape; outputs that are small are real."""
    arrays = {}
    for operand in call.operands:
        kind = dtype if dtype in operand.dtypes else operand.default_dtype()
        where = call.shape_of(operand, shape)
        value = 0 if operand.role == calls.LABELS else 0.25
        few = 1
        for extent in where:
            few *= extent
        if operand.is_written:
            if operand.role == calls.SUM or few < 1000:
                arrays[operand.name] = np.full(where, 7, dtype) if few < 1000 else filled(7, where, dtype)
        else:
            arrays[operand.name] = filled(value, where, kind)
    return arrays


def attempt(own, call, shape, dtype):
    processes.note(f"{shape} {np.dtype(dtype).name}")
    try:
        arrays = huge(call, shape, dtype)
    except ValueError:
        return  # is no array
    args, keywords = call.arguments(arrays)
    try:
        call.function()(*args, **keywords)
    except (MemoryError, ValueError):
        pass
    except Exception as error:
        own.add(call.id, f"{shape}: {processes.place(error)}")


def kinds():
    """Return a call of every kind: of every family, with every set of operands."""
    found = {}
    for call in calls.ALL:
        key = calls.family_of(call.name), call.operation, tuple((o.name, o.shape) for o in call.operands)
        found.setdefault(key, call)
    return list(found.values())


def attempts(full):
    """Return (call, shape, dtype) of what is tried: in the quick lane one shape a kind, two where rows are computed."""
    found = []
    for number, call in enumerate(kinds()):
        rows = calls.family_of(call.name) not in ("elementwise", "diagnose")
        for k, shape in enumerate(HUGE):
            if call.fits(shape) and (full or k == number % len(HUGE) or (rows and k < 2)):
                found.append((call, shape, (np.float32, np.float64)[k % 2 == 0]))
    return found


def try_from(first, full):
    """Make attempts from the first on, and say of each that it begins; threads share them out: in no forked child."""
    # What is large is refused, not had: the machine has other users.
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, resource.RLIM_INFINITY))
    findings = processes.Findings()
    with fa.num_threads(2):
        for number, (call, shape, dtype) in enumerate(attempts(full)[first:], first):
            print(number, flush=True)
            attempt(findings, call, shape, dtype)
            for text in findings.found.get(call.id, ()):
                print(text, flush=True)
            findings.found.clear()
    print("end", flush=True)


def pass_on(stream, lines):
    """Put the lines of a stream into a queue, and None behind the last."""
    for line in stream:
        lines.put(line)
    lines.put(None)


def try_huge(full):
    """Make all attempts: one that ends the process is a finding, one that goes on for long computes and is given up."""
    findings, tried, first = processes.Findings(), attempts(full), 0
    while first < len(tried):
        code = f"""
import sys
sys.path.insert(0, {str(processes.TESTS)!r})
from contract.test_sizes import try_from
try_from({first}, {full})
"""
        begun = None
        with subprocess.Popen([sys.executable, "-P", "-c", code], stdout=subprocess.PIPE, text=True) as process:
            lines = queue.Queue()
            reader = threading.Thread(target=pass_on, args=(process.stdout, lines))
            reader.start()
            while True:
                try:
                    line = lines.get(timeout=60 if begun is None else SECONDS)
                except queue.Empty:
                    process.kill()
                    break
                if line is None or line == "end\n":
                    break
                if line.strip().isdigit():
                    begun = int(line)
                else:
                    findings.add(tried[begun][0].id, line)
            process.wait()
            reader.join()
        if begun is None:
            findings.add("all", f"ends with {processes.ended(process.returncode)} before it begins")
            break
        call, shape, dtype = tried[begun]
        if process.returncode not in (0, -signal.SIGKILL):
            how = processes.ended(process.returncode)
            findings.add(call.id, f"{shape} {np.dtype(dtype).name} ends the process with {how}")
        first = begun + 1 if process.returncode else len(tried)
    findings.check()


def try_empty():
    findings, items = processes.Findings(), []
    for number, call in enumerate(kinds()):

        def returns(own, call=call, number=number):
            for k, shape in enumerate(NONE):
                if call.fits(shape):
                    attempt(own, call, shape, (np.float32, np.float64)[(k + number) % 2])

        items.append((call.id, returns))
    processes.in_children(findings, items, seconds=3)
    findings.finish()


def test_sizes_that_overflow_are_refused_or_computed():
    try_huge(False)


@pytest.mark.full
def test_all_sizes_that_overflow_are_refused_or_computed():
    try_huge(True)


def test_what_has_no_elements_returns_at_once_however_large_its_extents_are():
    processes.succeeds(try_empty)


def long_rows():
    """Return tools/long_rows.py as a module."""
    path = pathlib.Path(__file__).parents[2] / "tools" / "long_rows.py"
    spec = importlib.util.spec_from_file_location("long_rows", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_rows(n, dtype, only=None):
    findings, tool = processes.Findings(), long_rows()
    for name, function, want, scale, allowed in tool.rows(n, dtype):
        if only is None or name in only:
            error = tool.worst(function(), want, scale)
            if not error <= allowed:
                findings.add(name, f"{error:.3g} ulp of {allowed:.3g} for {n} elements of {dtype}")
    findings.check()


@pytest.mark.parametrize("n", [4, 1000, 100_003])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_of_equal_elements_are_right(n, dtype):
    check_rows(n, dtype)


def test_a_row_longer_than_float32_counts_is_right():
    check_rows(2**24 + 1, "float32", ("softmax", "sparsemax", "logsumexp", "softmax_cross_entropy, gradient"))


@pytest.mark.full
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_longer_than_float32_counts_are_right(dtype):
    check_rows(2**24 + 1, dtype)
