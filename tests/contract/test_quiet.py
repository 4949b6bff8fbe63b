"""No call warns or prints, refused ones neither; every callable pickles, takes weak references, and says what it takes."""

import copy
import inspect
import os
import pickle
import pydoc
import re
import sys
import tempfile
import warnings
import weakref

import numpy as np
import pytest

import fastact as fa
from contract import calls, processes


def all_calls():
    """Make calls that are in order and calls that are refused, with both outputs of the process into a file."""
    findings = processes.Findings()
    with tempfile.TemporaryFile() as said:
        kept = os.dup(1), os.dup(2)
        sys.stdout.flush()
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        for k, call in enumerate(calls.of_lane()):
            for shape in [shape for shape in ((), (5,), (0, 4), (4, 5), (2, 300, 70)) if call.fits(shape)]:
                arrays = call.make(shape, (np.float32, np.float64)[k % 2], wild=True)
                arrays |= call.new_outputs(arrays)
                for wrong in (None, *call.operands):
                    given = arrays if wrong is None else {**arrays, wrong.name: np.ones((3, 7), complex)}
                    args, keywords = call.arguments(given)
                    try:
                        with warnings.catch_warnings(record=True) as warned:
                            warnings.simplefilter("always")
                            call.function()(*args, **keywords)
                    except TypeError:
                        if wrong is None:
                            findings.add(call.id, f"{shape} is refused")
                    except Exception as error:
                        findings.add(call.id, f"{shape}: {processes.place(error)}")
                    for warning in warned:
                        findings.add(call.id, f"{shape}: warns: {warning.message}")
                if said.tell():
                    said.seek(0)
                    findings.add(call.id, f"{shape}: prints {said.read()[:200]}")
                    said.seek(0)
                    said.truncate()
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
    findings.finish()


@pytest.mark.sampled
def test_no_call_warns_or_prints():
    processes.succeeds(all_calls)


def functions():
    """Return everything callable by name, as the caller finds it, with its calls."""
    found = {}
    for call in calls.ALL:
        path = call.name if call.operation == "forward" else f"{call.name}.{call.operation}"
        found.setdefault(path, []).append(call)
    return found


def public(path):
    name, _, operation = path.partition(".")
    return getattr(getattr(fa, name), operation) if operation else getattr(fa, name)


FUNCTIONS = functions()


def over_every_function(check):
    """Call check(path, function) for each; what it asserts is a finding."""
    findings = processes.Findings()
    for path in FUNCTIONS:
        try:
            check(path, public(path))
        except Exception as error:
            findings.add(path, processes.place(error))
    findings.check()


def test_a_function_pickles_by_name():
    def check(path, function):
        if path.endswith(".jacobian"):  # a method, made anew each time
            return
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(function, protocol)) is function
        assert copy.copy(function) is copy.deepcopy(function) is function is public(path)
        assert {function: 1}[public(path)] == 1

    over_every_function(check)


def test_a_function_takes_weak_references():
    def check(path, function):
        if not path.endswith(".jacobian"):
            assert weakref.ref(function)() is function
            assert weakref.WeakKeyDictionary({function: 1})[function] == 1

    over_every_function(check)


def test_the_signature_binds_every_call_and_the_documentation_names_every_argument():
    def check(path, function):
        signature = inspect.signature(function)
        assert len(pydoc.render_doc(function, renderer=pydoc.plaintext)) > 100
        words = set(re.findall(r"\w+", function.__doc__))
        for call in FUNCTIONS[path]:
            args, keywords = call.arguments({operand.name: None for operand in call.operands})
            if call.name == "diagnose":
                args = [call.options["activation"], *args]
            given = signature.bind(*args, **keywords).arguments.keys() - {"parameters"}
            assert given <= words, f"{given - words} are not in the documentation"
            for operand in call.written:
                kind = signature.parameters[operand.name].kind
                assert kind is inspect.Parameter.KEYWORD_ONLY, f"{operand.name} may go by position"

    over_every_function(check)


def test_every_function_goes_by_its_name():
    def check(path, function):
        if path.endswith(".jacobian"):
            path = "jacobian"
        assert path in (function.__name__, function.__qualname__, repr(function)[len("<fastact.") :].partition("(")[0])

    over_every_function(check)
