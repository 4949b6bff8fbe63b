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


@pytest.mark.full
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="needs Valgrind")
def test_what_goes_with_a_small_call_costs_half_of_it_and_a_loss_less_than_ten(instructions):
    counts = instructions.count_calls()
    for call, plain, most in (
        ("fa.relu(x, bias=vector, out=x)", "fa.relu(x, out=x)", 1.5),
        ("fa.prelu(x, 0.25, out=x)", "fa.leaky_relu(x, 0.2, out=x)", 1.5),
        ("fa.prelu(x, vector, 0, out=x)", "fa.leaky_relu(x, 0.2, out=x)", 1.5),
        ("fa.softmax(row, where=mask, out=row)", "fa.softmax(row, out=row)", 1.5),
    ):
        assert counts[call] <= most * counts[plain], call
    for call in counts:
        assert counts[call] < 10 * counts["fa.relu(x, out=x)"], call


def test_what_takes_more_is_told(instructions):
    assert instructions.worse({"a": 10.9, "b": 5.6, "new": 9.0}, {"a": 10.0, "b": 5.0}) == [
        "b: 5.6 instructions an element, 5.0 before"
    ]
