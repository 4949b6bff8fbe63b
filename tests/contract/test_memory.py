"""What a call asks of memory does not grow with its arrays, where outputs are given: in place, in other layouts and types.

Four copies are made: a sum over axes that are not one in memory reads a copy of what it adds up, diagnose one of what is
not contiguous; the `weight` of sigmoid_cross_entropy is copied unless it is contiguous and of the type computed in, and
targets over which a gradient is written are.
"""

import tracemalloc

import numpy as np

import helpers
from contract import calls

SHAPES = [(600, 200), (200, 600), (40, 50, 60)]


def peak(case, arrays):
    """The most bytes that were in use at one time during a call: the least of three, as Python's own may be among them."""
    found = []
    for _ in range(3):
        tracemalloc.start()
        try:
            case.run(arrays)
            found.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    return min(found)


def relaid(arrays, lay):
    return {name: lay(array) if name != "weight" or array.ndim < 2 else array for name, array in arrays.items()}


def spread(array):
    return np.repeat(array, 2, -1)[..., ::2] if array.ndim else array


def turned(array):
    return array.copy("F")


def ways_to_call(case, arrays):
    call, outputs = case.call, case.call.new_outputs(arrays)
    yield "apart", arrays | outputs
    for name, out in outputs.items():
        for over, array in arrays.items():
            fits = (out.shape, out.dtype) == (array.shape, array.dtype)
            if fits and call.operand(over).values in (calls.real, calls.output):
                shared = array.copy()
                yield f"{name} over {over}", arrays | outputs | {over: shared, name: shared}
    summed = [each for each in call.written if each.role == calls.SUM and each.shape is not calls.LIKE]
    if call.name != "diagnose" and not (
        summed and (len(case.shape) > 2 or summed[0].shape in (calls.SCALAR, calls.ONE))
    ):
        yield "spread", relaid(arrays | outputs, spread)
        yield "turned", relaid(arrays | outputs, turned)


def test_no_memory_that_grows_with_the_array(found):
    for case in found.cases(SHAPES, 1):
        call, rng = case.call, np.random.default_rng(case.number)
        if call.operation == "jacobian" or (call.name == "diagnose" and call.axis != -1) or calls.copies_rows(call):
            continue
        types = {each.name: calls.REAL[int(rng.integers(2))] for each in call.inputs if each.widens}
        if "weight" in types and calls.family_of(call.name) in helpers.LOSSES:
            types = dict.fromkeys(types, case.dtype)
        for arrays in (case.make(), case.make(types)):
            results = zip(call.results, case.run(arrays), strict=True)
            given = {operand.name for operand in call.written}
            made = sum(np.asarray(one).nbytes for name, one in results if name not in given)
            for way, operands in ways_to_call(case, arrays):
                used = peak(case, operands) - made
                assert used < 100_000, f"{used} bytes, {way}: {case}"
