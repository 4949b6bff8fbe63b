"""Some seconds of the fuzzer, and the fuzzer itself: what is broken is found, told, made smaller and made again.

tools/fuzz.py runs it by the hour.
"""

import contextlib
import functools
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import helpers
from contract import calls, fuzz, reference

SECONDS, LEAST = 4.0, 60  # of all random calls; how many there are at least
pytestmark = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant <= np.finfo(np.float64).nmant, reason="long double is float64 here"
)
TOOL = Path(__file__).resolve().parents[2] / "tools" / "fuzz.py"


def random_call(number, seed=20):
    return fuzz.random_call(np.random.default_rng([seed, number]), (seed, number))


@pytest.mark.parametrize("half", range(2))
def test_random_calls_give_what_they_must(half):
    """As many as there is time for; the same ones from the first on."""
    end, number = time.monotonic() + SECONDS / 2, half
    while time.monotonic() < end or number < 2 * LEAST:
        call = random_call(number)
        fault = fuzz.check(call)
        if fault:
            call = fuzz.shrink(call, fuzz.fails_like(fault))
            pytest.fail(f"call {number}: {fault}\n{fuzz.script(call, fuzz.check(call))}")
        number += 2


def test_random_calls_are_of_all_kinds():
    made = [random_call(number, seed=1) for number in range(1500)]
    assert {call.call.name for call in made} == set(calls.NAMES)
    assert {call.refusal.kind for call in made if call.refusal} == set(fuzz.REFUSALS)
    assert {call.target for call in made} == set(helpers.TARGETS)
    assert {len(call.shape) for call in made} == set(range(7))
    assert any(call.threads > 1 and call.threshold == 0 for call in made)
    placed = [each for call in made for each in call.inputs.values() if isinstance(each, fuzz.Placed)]
    assert any(0 in each.strides and np.prod(each.shape) for each in placed)
    assert any(min(each.strides, default=0) < 0 for each in placed)
    assert any(each.offset % np.dtype(each.dtype).itemsize for each in placed)
    assert {np.dtype(each.dtype).char for each in placed} >= set("?bBhHiIlLfd")
    assert {np.dtype(each.dtype) for each in placed} >= {np.dtype(half) for half in calls.HALF}
    for half in map(np.dtype, calls.HALF):  # by themselves, so that results are halves too
        alone = [
            {np.dtype(each.dtype) for each in call.inputs.values() if isinstance(each, fuzz.Placed)} == {half}
            for call in made
        ]
        assert np.mean(alone) > 0.03, half
    assert any(isinstance(each, list) for call in made for each in call.inputs.values())
    outputs = [(call, each) for call in made if not call.refusal for each in call.outputs.values()]
    assert any(each in call.inputs.values() for call, each in outputs)
    shared = [
        [i for i in call.inputs.values() if isinstance(i, fuzz.Placed) and i.memory == each.memory]
        for call, each in outputs
    ]
    assert any(inputs and each not in inputs for inputs, (_, each) in zip(shared, outputs, strict=True))


def test_a_call_is_the_same_again():
    for number in range(40):
        assert fuzz.script(random_call(number), "") == fuzz.script(random_call(number), "")


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text(max_size=3)
anything = st.recursive(
    scalars | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
ARGUMENTS = sorted({argument for call in calls.ALL for argument in (*call.settings, *(o.name for o in call.operands))})


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data(), st.lists(anything, max_size=3))
def test_nonsense_raises_and_never_crashes(data, positional):
    call = data.draw(st.sampled_from(calls.ALL))
    keywords = data.draw(st.dictionaries(st.sampled_from(ARGUMENTS), anything, max_size=3))
    with contextlib.suppress(TypeError, ValueError):
        call.function()(*positional, **keywords)


# ---------------------------------------------------------------------------------------------------------------
# What is broken is found
# ---------------------------------------------------------------------------------------------------------------

# Each is a program that leaves `wrong`, what is called instead of a function, given that function.
BREAKS = {
    "value": """
def wrong(function, *args, **keywords):
    result = function(*args, **keywords)
    if type(result) is np.ndarray and result.dtype == np.float32 and result.size > 2 and result.ndim > 1:
        result[...] = np.where(np.isfinite(result), result * np.float32(1.000002), result)
    return result
""",
    "dtype": """
def wrong(function, *args, **keywords):
    result = function(*args, **keywords)
    return result.astype(np.float32) if isinstance(result, np.ndarray) and result.dtype == np.float64 else result
""",
    "step": """
def wrong(function, *args, **keywords):  # a transposed array is read as if it were none
    args = [np.ndarray(a.shape, a.dtype, a.T.copy().data) if type(a) is np.ndarray and a.ndim == 2 and a.flags.f_contiguous
            and a.size else a for a in args]
    return function(*args, **keywords)
""",
    "input": """
def wrong(function, *args, **keywords):
    result = function(*args, **keywords)
    for a in args:
        if isinstance(a, np.ndarray) and a.flags.writeable and a.size > 3 and a.dtype.kind == "f" and a is not result:
            a.flat[3] += 1
    return result
""",
    "out": """
def wrong(function, *args, **keywords):
    result = function(*args, **keywords)
    return result.copy() if "out" in keywords and isinstance(result, np.ndarray) else result
""",
    "refusal": """
def wrong(function, *args, **keywords):
    keywords.pop("colour", None)
    return function(*args, **keywords)
""",
    "exception": """
def wrong(function, *args, **keywords):
    if any(isinstance(a, np.ndarray) and a.size > 1000 for a in args):
        raise MemoryError
    return function(*args, **keywords)
""",
    "crash": """
def wrong(function, *args, **keywords):
    if any(isinstance(a, np.ndarray) and a.size > 1000 for a in args):
        import os, signal
        os.kill(os.getpid(), signal.SIGSEGV)
    return function(*args, **keywords)
""",
}
# What a program does before it makes calls.
PRELUDE = """
import functools
import sys
import numpy as np
sys.path.insert(0, {tests!r})
from contract import calls
{code}
right = calls.Call.function
calls.Call.function = lambda self, target=None: functools.partial(wrong, right(self, target))
"""
TESTS = str(Path(__file__).resolve().parents[1])


def broken(name):
    """Return the source that breaks every callable."""
    return PRELUDE.format(tests=TESTS, code=BREAKS[name])


def run_script(source, folder):
    """Run a program from a file: as an argument it may be too long."""
    (folder / "script.py").write_text(source)
    return helpers.run_python(f"exec(open({str(folder / 'script.py')!r}).read())")


def first_fault(wrong, monkeypatch, most=2000):
    """Return the first call that differs where `wrong` is called instead, and not where it is not; and how."""
    right = calls.Call.function
    for number in range(most):
        call = random_call(number, seed=2)
        with monkeypatch.context() as patch:
            patch.setattr(
                calls.Call, "function", lambda self, target=None: functools.partial(wrong, right(self, target))
            )
            fault = fuzz.check(call)
            smaller = call
            if fault:
                smaller = fuzz.shrink(call, fuzz.fails_like(fault), seconds=1)
                fault = fuzz.check(smaller)
        if fault and fuzz.check(smaller) is None:
            return call, smaller, fault
    return None


@pytest.mark.full
@pytest.mark.parametrize("name", [name for name in BREAKS if name != "crash"])
def test_what_is_broken_is_found_and_its_script_fails(name, monkeypatch, tmp_path):
    space = {"np": np}
    exec(BREAKS[name], space)  # noqa: S102
    found = first_fault(space["wrong"], monkeypatch)
    assert found, f"nothing is found in 2,000 calls of what breaks the {name}"
    call, smaller, fault = found
    assert sum(map(len, smaller.memories)) <= sum(map(len, call.memories))
    source = fuzz.script(smaller, fault)
    again = run_script(broken(name) + source, tmp_path)
    assert again.returncode == 1, again.stdout + again.stderr
    assert again.stdout.strip() == fault.strip()
    assert run_script(source, tmp_path).stdout.strip() == "right"


@pytest.mark.full
def test_the_command_survives_crashes_and_tells_of_them(tmp_path):
    """With a sitecustomize that breaks every callable in the processes it starts."""
    (tmp_path / "sitecustomize.py").write_text("""
import sys
if "--work" in sys.argv or "-c" in sys.argv[:1]:
    class Finder:
        def find_spec(self, name, path=None, target=None):
            if name == "contract.fuzz":
                sys.meta_path.remove(self)
                exec(compile(open(BREAK).read(), BREAK, "exec"), {})
    BREAK = __file__.replace("sitecustomize", "broken")
    sys.meta_path.insert(0, Finder())
""")
    (tmp_path / "broken.py").write_text(broken("crash"))
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [
        sys.executable,
        str(TOOL),
        "--calls",
        "8",
        "--seed",
        "2",
        "--processes",
        "2",
        "--shrink",
        "0",
        "--found",
        str(tmp_path / "found"),
    ]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^8 calls .* [1-9]\d* differences$", done.stdout, re.MULTILINE), done.stdout + done.stderr
    assert "SIGSEGV" in done.stdout + done.stderr
    scripts = list((tmp_path / "found").iterdir())
    assert scripts
    assert run_script(broken("crash") + scripts[0].read_text(), tmp_path).returncode < 0
    assert run_script(scripts[0].read_text(), tmp_path).stdout.strip() == "right"


@pytest.mark.full
def test_the_command_counts_calls_and_ends_well(tmp_path):
    command = [sys.executable, str(TOOL), "--calls", "6", "--seed", "20", "--processes", "1", "--found", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("6 calls in ")


def test_the_reference_is_no_mirror():
    """Some results that anyone can compute."""
    found = {}
    for name, values in {"relu": [-1, 2], "softmax": [0, np.log(3)], "logsumexp": [0, np.log(3)]}.items():
        call = next(each for each in calls.of(name, operation="forward") if len(each.operands) == 2)
        (expected,) = reference.expected(call, {"x": np.array(values, np.float64)})
        found[name] = expected.value.astype(float)
    assert found["relu"].tolist() == [0, 2]
    np.testing.assert_allclose(found["softmax"], [0.25, 0.75], rtol=1e-15)
    np.testing.assert_allclose(found["logsumexp"], np.log(4), rtol=1e-15)
