"""`python -m fastact` and the table of true values it ships with; accuracy itself is tested elsewhere."""

import subprocess
import sys
from pathlib import Path

import pytest

import fastact as fa
from fastact import __main__ as selfcheck
from fastact import _reference
from fastact._formulas import FORMULAS
from fastact._selfcheck import kinds

ROOT = Path(__file__).resolve().parent.parent


def test_every_error_is_within_its_bound():
    done = subprocess.run(
        [sys.executable, "-P", "-m", "fastact"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    assert "FAIL" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    rows = [line for line in done.stdout.splitlines() if line.endswith("ok")]
    assert len(rows) == 2 * sum(len(kinds(activation)) for activation in fa.ACTIVATIONS.values())


def test_an_error_beyond_its_bound_fails(monkeypatch, capsys):
    monkeypatch.setattr(selfcheck, "float64_error", lambda activation, kind: 1e6 if kind == "forward" else 0.0)
    assert not selfcheck.main()
    assert capsys.readouterr().out.count("1e+06") == len(fa.ACTIVATIONS)


def test_every_activation_has_its_formula_and_its_true_values():
    assert set(FORMULAS) == set(_reference.VALUES) == set(fa.ACTIVATIONS)


def test_true_values_are_made_by_their_script():
    pytest.importorskip("gmpy2")
    done = subprocess.run([sys.executable, ROOT / "tools" / "make_reference.py", "--check"], timeout=120, check=False)
    assert done.returncode == 0
