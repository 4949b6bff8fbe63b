"""Which tests run when: the quick lane by default, and each test in one lane at least."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

def in_quick_lane(target, n=1, **_):
    return n < 3

def test_plain(): pass

@pytest.mark.full
def test_marked_full(): pass

@pytest.mark.slow
def test_slow(): pass

@pytest.mark.timing
def test_timed(): pass

@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_swept(n): pass
"""
QUICK = {"test_plain", "test_swept[1]", "test_swept[2]"}
FULL = QUICK | {"test_marked_full", "test_slow", "test_swept[3]", "test_swept[4]"}


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [([], QUICK), (["--lane", "quick"], QUICK), (["--lane", "full"], FULL), (["--lane", "timing"], {"test_timed"})],
    ids=["default", "quick", "full", "timing"],
)
def test_a_lane_runs_its_tests_and_counts_the_others(tmp_path, arguments, runs):
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    own = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-P", "-m", "pytest", "-v", "-p", "no:cacheprovider", "-p", "conftest", *arguments]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": own}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    passed = {line.split("::")[1].split(" ")[0] for line in lines if " PASSED" in line}
    assert passed == runs
    assert f"{len(runs)} passed, {len(FULL) + 1 - len(runs)} deselected" in lines[-1]
