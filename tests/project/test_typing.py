"""Types for callers: a script that calls everything public is clean under `mypy --strict`, and runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastact as fa

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
