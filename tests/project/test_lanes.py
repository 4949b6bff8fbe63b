"""Which tests run when: the quick lane by default, and each test in one lane at least."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS_FOLDER = Path(__file__).parents[1]
TESTS = """
import pytest

def in_quick_lane(target, n=1, **_):
    return n < 3

def test_plain(): pass

@pytest.mark.sampled
def test_sampled(): pass

def test_skipped(): pytest.skip("not here")

@pytest.mark.full
def test_marked_full(): pass

@pytest.mark.slow
def test_slow(): pass

@pytest.mark.timing
def test_timed(): pass

@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_swept(n): pass
"""
QUICK = {"test_plain", "test_sampled", "test_swept[1]", "test_swept[2]"}
FULL = QUICK | {"test_marked_full", "test_slow", "test_swept[3]", "test_swept[4]"}


def run(folder, *arguments):
    """Return the names of the tests that passed and what pytest says at the end."""
    (folder / "test_some.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\n")
    own = os.pathsep.join(filter(None, [str(TESTS_FOLDER), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-P", "-m", "pytest", "-v", "-p", "no:cacheprovider", "-p", "conftest", *arguments]
    environment = {**os.environ, "PYTHONPATH": own}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    return {line.split("::")[1].split(" ")[0] for line in lines if " PASSED" in line}, lines[-1]


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        ([], QUICK),
        (["--lane", "quick"], QUICK),
        (["--lane", "full"], FULL),
        (["--lane", "all"], FULL),
        (["--lane", "timing"], {"test_timed"}),
    ],
    ids=["default", "quick", "full", "all", "timing"],
)
def test_a_lane_runs_its_tests_and_counts_the_others(tmp_path, arguments, runs):
    passed, last = run(tmp_path, *arguments)
    assert passed == runs
    skipped = " 1 skipped," if runs >= QUICK else ""
    others = len(FULL) + 2 - len(runs) - bool(skipped)
    assert f"{len(runs)} passed,{skipped} {others} deselected" in last


def test_the_full_lane_leaves_out_what_passed_and_tries_no_more(tmp_path):
    run(tmp_path, "--passed=passed.txt")
    passed, last = run(tmp_path, "--lane", "full", "--but=passed.txt")
    assert passed == FULL - QUICK | {"test_sampled"}
    assert "1 skipped" in last


def test_what_asks_for_the_lane_is_marked():
    for path in sorted(TESTS_FOLDER.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        assert "helpers.by_lane(" not in text or "pytest.mark.sampled" in text or "(found)" in text, path
