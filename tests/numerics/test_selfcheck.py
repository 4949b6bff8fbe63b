"""`python -m fastact` and the table of true values it ships with; accuracy itself is tested elsewhere."""

import subprocess
import sys

import numpy as np
import pytest

import fastact as fa
import references
from fastact import __main__ as selfcheck
from fastact import _selfcheck
from fastact._selfcheck import kinds
from fastact.catalogue import SPECS


@pytest.mark.full  # of every function; test_command_line.py has it for some, test_accuracy.py all bounds
def test_every_error_is_within_its_bound():
    done = subprocess.run(
        [sys.executable, "-P", "-m", "fastact"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    assert "FAIL" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    rows = [line for line in done.stdout.splitlines() if line.endswith("ok")]
    assert len(rows) == 2 * sum(len(kinds(fa.get(name))) for name in SPECS)


def test_an_error_beyond_its_bound_fails(monkeypatch, capsys):
    monkeypatch.setattr(selfcheck, "float32_error", lambda activation, kind: 0.0)
    monkeypatch.setattr(selfcheck, "float64_error", lambda activation, kind: 1e6 if kind == "forward" else 0.0)
    assert selfcheck.main(["check"]) == 1
    assert capsys.readouterr().out.count("1e+06") == len(SPECS)


def test_decimal_numbers_agree_with_mpfr():
    """The self-check's truth is that of the tests."""
    for name, kind in [
        ("gelu", "derivative"),
        ("tanh_shrink", "forward"),
        ("mish", "derivative"),
        ("sigmoid", "forward"),
    ]:
        if name in fa.ACTIVATIONS:
            (x,), value, _ = _selfcheck.float64_truth(name, kind)
            assert np.array_equal(value, references.true_values(name, kind, x).astype(np.float64))
