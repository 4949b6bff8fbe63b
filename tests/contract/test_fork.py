"""Every call works in a forked child, serially, whatever threads did before."""

import os
import sys

import numpy as np
import pytest

import fastact as fa
import helpers
from contract import calls, processes

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs fork and /proc")


def tasks():
    return len(os.listdir("/proc/self/task"))


def given(call):
    shape = next(shape for shape in ((5, 400), (4, 5, 100)) if call.fits(shape))
    for dtype in (np.float32, np.float64):
        arrays = call.make(shape, dtype)
        yield {**arrays, **call.new_outputs(arrays)}
        # rows, columns and blocks that must be copied
        yield {key: np.array(array, order="F") for key, array in {**arrays, **call.new_outputs(arrays)}.items()}


def results(call):
    return [np.array(found) for arrays in given(call) for found in call.run(arrays)]


def in_a_child():
    findings = processes.Findings()
    alone = tasks()
    chosen = calls.of_lane()
    with helpers.parallel_threshold(0), fa.num_threads(2):
        want = {call: results(call) for call in chosen}
        if fa.show_config(mode="dicts")["openmp"] and tasks() == alone:
            findings.add("parent", "no thread was started before the fork")

        def attempt(name):
            def function(own):
                before = tasks()
                for call in chosen:
                    if call.name != name:
                        continue
                    processes.note(call.id)
                    for place, (got, right) in enumerate(zip(results(call), want[call], strict=True)):
                        own.same(got, right, call.id, f"result {place}")
                    if tasks() != before:
                        own.add(call.id, "a thread was started in a child")

            return name, function

        processes.in_children(findings, map(attempt, calls.NAMES), seconds=20)
        for call in chosen:  # and the parent goes on with its threads
            for place, (got, right) in enumerate(zip(results(call), want[call], strict=True)):
                findings.same(got, right, call.id, f"after the forks, result {place}")
    findings.finish()


@pytest.mark.sampled
def test_every_call_works_in_a_forked_child():
    processes.succeeds(in_a_child)
