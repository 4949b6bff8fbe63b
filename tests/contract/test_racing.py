"""An array that another thread writes to while it is read: an error or the result of what was read, and no crash."""

import contextlib
import sys
import threading
import time

import numpy as np
import pytest

import fastact as fa
import helpers
from contract import calls, processes

FAR = {"b": (False, True), "f": (0.25, np.nan, -np.inf, 1e30), "i": (2**40, -(2**40)), "u": (2**40,)}


def chosen():
    """Return a call for every input of every family, with every reduction, with and without a gradient."""
    found = {}
    for call in calls.ALL:
        family = calls.family_of(call.name)
        ways = {
            k: v for k, v in call.options.items() if k not in ("name", "parameters", "activation", "saturated_below")
        }
        for operand in call.inputs:
            key = (family, call.operation, operand.name, operand.role, ways.get("reduction"), ways.get("grad_out"))
            found.setdefault(key, (call, operand.name))
    return list(found.values())


def race(own, call, name, seconds):
    """Write to an operand while calls read it."""
    shape = next(shape for shape in ((20_000, 4), (20, 1000, 8)) if call.fits(shape))
    if call.operation == "jacobian":  # is as large as a row, squared
        shape = (40, 60)
    arrays = call.make(
        shape,
        {o.name: np.int64 for o in call.inputs if o.role == calls.LABELS}
        | {o.name: np.float64 for o in call.inputs if np.float64 in o.dtypes},
    )
    arrays |= call.new_outputs(arrays)
    raced, good = arrays[name], arrays[name].copy()
    bad = FAR[raced.dtype.kind]
    stop = threading.Event()
    writes = [0]

    def write():
        while not stop.is_set():
            raced[...] = bad[writes[0] % len(bad)]
            raced[...] = good
            writes[0] += 1
            time.sleep(0.00005 * (writes[0] % 8))  # a call may begin with what is good

    args, keywords = call.arguments(arrays)
    function = call.function()
    thread = threading.Thread(target=write)
    thread.start()
    made, end = 0, time.monotonic() + seconds
    try:
        while time.monotonic() < end or made < 3 or (writes[0] < 2 and made < 10_000):
            with contextlib.suppress(ValueError):
                function(*args, **keywords)
            made += 1
    finally:
        stop.set()
        thread.join()
    if writes[0] < 2:
        own.add(call.id, f"{name}: nothing was written during {made} calls")


def try_races(seconds, threads):
    findings = processes.Findings()
    sys.setswitchinterval(1e-5)

    def attempt(call, name):
        def function(own):
            processes.note(f"{name} is written to")
            race(own, call, name, seconds)

        return call.id, function

    if threads:
        with helpers.parallel_threshold(0), fa.num_threads(threads):
            for call, name in chosen():
                race(findings, call, name, seconds)
    else:
        processes.in_children(findings, [attempt(call, name) for call, name in chosen()])
    findings.finish()


def test_an_operand_that_another_thread_writes_to_crashes_nothing():
    processes.succeeds(try_races, 0.03, 0)


@pytest.mark.full
@pytest.mark.parametrize("threads", [0, 2])
def test_an_operand_that_another_thread_writes_to_for_longer_crashes_nothing(threads):
    processes.succeeds(try_races, 0.15, threads)
