"""Kernels do not grow slower unseen: the instructions of some calls, counted, are at most 10% more than is recorded."""

import shutil
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"

pytestmark = pytest.mark.skipif(not (BENCH / "instructions.json").exists(), reason="needs the source tree")


@pytest.fixture
def instructions(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)
    import instructions

    yield instructions
    del sys.modules["instructions"]


@pytest.mark.full
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="needs Valgrind")
def test_no_call_takes_more_instructions_than_is_recorded(instructions):
    recorded = instructions.recorded_here()
    if not recorded:
        pytest.skip("another compiler's counts are recorded")
    counts = instructions.count()
    assert counts.keys() == recorded.keys()
    assert instructions.worse(counts, recorded) == []


def test_what_takes_more_is_told(instructions):
    assert instructions.worse({"a": 10.9, "b": 5.6, "new": 9.0}, {"a": 10.0, "b": 5.0}) == [
        "b: 5.6 instructions an element, 5.0 before"
    ]
