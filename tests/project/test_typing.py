"""Types for callers: a script that calls everything public is clean under `mypy --strict`, and runs."""

import doctest
import os
import re
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import fastact as fa
import fastact.typing
import helpers

SCRIPT = Path(__file__).with_name("user_script.py")


def signature_of(name):
    """Return what types can tell apart: an activation like another has the other's."""
    activation = fa.ACTIVATIONS.get(name)
    return name if activation is None else (type(activation), activation.kind, str(activation.__signature__))


def test_the_script_uses_everything_public_or_what_has_its_signature():
    """A new activation like those that there are needs no line; test_documentation.py has its line of the stub."""
    used = set(re.findall(r"\bfa\.(\w+)", SCRIPT.read_text(encoding="utf-8")))
    assert used <= set(fa.__all__)
    assert set(map(signature_of, used)) == set(map(signature_of, fa.__all__))


def test_a_name_to_annotate_with_is_that_of_an_activation_which_needs_no_other_argument():
    for name in typing.get_args(fastact.typing.Name):
        activation = fa.get(name)
        assert isinstance(activation, fastact.typing.Activation), name
        assert activation([[[1.0]]]).dtype == float
    needy = {name for name, activation in fa.ACTIVATIONS.items() if None in activation.parameters.values()}
    assert needy >= {"threshold", "prelu"}
    functions = (fa.ACTIVATIONS | fa.REDUCTIONS).keys() - {"threshold", "prelu"}
    assert functions - set(typing.get_args(fastact.typing.Name)) == set()


def test_a_loss_and_a_function_of_ones_own_without_a_gradient_are_no_activation():
    assert isinstance(fa.swiglu, fastact.typing.Activation)
    assert not isinstance(fa.softmax_cross_entropy, fastact.typing.Activation)
    assert not isinstance(len, fastact.typing.Activation)


def test_the_types_are_imported_by_who_asks_for_them():
    assert helpers.python_output("import sys, fastact; print('fastact.typing' in sys.modules)") == "False"


def test_examples_of_the_types_run():
    assert doctest.testmod(fastact.typing).failed == 0
    assert doctest.testmod(fastact.typing).attempted > 2


def test_the_script_runs():
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert fa.__version__ in done.stdout


def test_the_script_is_clean_under_mypy_strict(tmp_path):
    """`.ci/run` has mypy; elsewhere it may be missing."""
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path, SCRIPT]
    package = Path(fa.__file__).parent
    in_place = {} if package.parent.name == "site-packages" else {"MYPYPATH": str(package.parent)}
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | in_place, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout
