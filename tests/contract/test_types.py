"""Every mixture of types among all operands is computed in the widest; an output of another type is refused.

What is right is what one call gives whose operands are all converted to the type computed in before; for half types,
rounded once.
"""

import itertools

import numpy as np
import pytest

import helpers
from contract import calls, memory

SHAPES = [(), (1,), (5,), (40,), (3, 7), (17, 33), (1, 6), (0, 3), (2, 3, 4), (5, 4, 33), (300, 70)]


def mixed(call):
    """The operands whose type counts."""
    return [operand.name for operand in call.inputs if operand.widens]


def converted(call, arrays):
    """All of them in the type computed in."""
    dtype = call.computed_dtype(arrays)
    with np.errstate(all="ignore"):
        return arrays | {name: np.asarray(arrays[name]).astype(dtype) for name in mixed(call)}


def rounded(case, arrays, want):
    """What is computed, in the types of results; a bias's gradient is the sum of the others as they are returned."""
    call = case.call
    if call.name == "diagnose" or call.result_dtype(arrays) == call.computed_dtype(arrays):
        return want
    with np.errstate(all="ignore"):
        found = [
            np.asarray(one).astype(call.written_dtype(name, arrays))
            for name, one in zip(call.results, want, strict=True)
        ]
        if "bias_grad" in call.results:
            terms, sums = found[0].astype(np.float32), np.empty_like(found[1])
            helpers.on_target("relu", case.target).backward(terms, x=np.ones_like(terms), bias_grad=sums)
            found[1] = sums
    return found


def assert_computed_in_the_widest(case, arrays, rng, context):
    call = case.call
    want = rounded(case, arrays, case.run(converted(call, arrays)))
    got = case.run(arrays)
    memory.same(got, want, context)
    if call.name != "diagnose":
        types = [call.written_dtype(name, arrays) for name in call.results]
        assert [np.asarray(one).dtype for one in got] == types, context
    laid = {name: memory.place(array, memory.drawn(array.ndim, rng)).view for name, array in arrays.items()}
    out = {
        name: memory.place(array, memory.drawn(array.ndim, rng)).view
        for name, array in call.new_outputs(arrays).items()
    }
    memory.same(case.run(laid | out), want, f"laid out otherwise, {context}")
    for name, array in out.items():
        assert array.dtype == call.written_dtype(name, arrays), f"{name} of {context}"


def test_every_mixture_is_computed_in_the_widest(found):
    for case in found.cases(SHAPES, 2):
        rng, names = np.random.default_rng(case.number), mixed(case.call)
        mixtures = [*itertools.product(calls.REAL, repeat=len(names)), *((half,) * len(names) for half in calls.HALF)]
        every = (*calls.REAL, *calls.HALF)
        mixtures += [tuple(every[k] for k in rng.integers(len(every), size=len(names))) for _ in range(3)]
        for types in mixtures:
            arrays = case.make(dict(zip(names, types, strict=True)), wild=not case.sums)
            assert_computed_in_the_widest(case, arrays, rng, f"{types} of {case}")


def test_integers_bools_and_lists_are_converted_to_float64(found):
    for case in found.cases(SHAPES, 2):
        rng = np.random.default_rng(case.number)
        for number, name in enumerate(mixed(case.call)):
            types = [dtype for dtype in case.call.operand(name).dtypes if dtype not in calls.REAL]
            every = helpers.by_lane(3, 1)
            types = types[(case.number + number) % every :: every]
            for dtype in types:
                arrays = case.make(dict.fromkeys(mixed(case.call), case.dtype) | {name: dtype})
                assert_computed_in_the_widest(case, arrays, rng, f"{name} in {np.dtype(dtype)}, {case}")
            arrays = case.make(dict.fromkeys(mixed(case.call), case.dtype))
            if 0 in arrays[name].shape or (
                not arrays[name].ndim and (case.call.operand(name).role == calls.VECTOR or name == "weight")
            ):
                continue  # lists of nothing have lost their shape; a number in place of a vector is a parameter
            want = case.run(converted(case.call, arrays | {name: arrays[name].astype(np.float64)}))
            memory.same(case.run(arrays | {name: arrays[name].tolist()}), want, f"{name} as a list, {case}")


def test_labels_masks_and_exact_targets_of_every_type_mean_the_same(found):
    for case in found.cases(SHAPES, 2):
        rng = np.random.default_rng(case.number)
        for operand in case.call.inputs:
            if operand.role not in (calls.LABELS, calls.MASK):
                continue
            for dtype in operand.dtypes:
                arrays = case.make(dict.fromkeys(mixed(case.call), case.dtype) | {operand.name: dtype})
                exact = arrays[operand.name]
                usual = exact if operand.role == calls.MASK else exact.astype(operand.default_dtype())
                want, context = case.run(arrays | {operand.name: usual}), f"{operand.name} in {np.dtype(dtype)}, {case}"
                memory.same(case.run(arrays), want, context)
                laid = memory.place(exact, memory.drawn(exact.ndim, rng)).view
                memory.same(case.run(arrays | {operand.name: laid}), want, context)
                if exact.size:
                    memory.same(case.run(arrays | {operand.name: exact.tolist()}), want, f"a list: {context}")


OTHER = ("f2", "f4", "f8", "i4", "i8", "c16", "?", "O")


def test_an_output_of_another_type_is_refused_and_untouched(found):
    for case in found.cases(SHAPES, 2):
        names = mixed(case.call)
        for number, operand in enumerate(case.call.written):
            wide = names[(case.number + number) % len(names)]
            arrays = case.make(dict.fromkeys(names, case.dtype) | {wide: np.float64 if number % 2 else case.dtype})
            outputs, right = case.call.new_outputs(arrays), case.call.result_dtype(arrays)
            for wrong in (*OTHER, right.newbyteorder().str):
                if np.dtype(wrong) == right:
                    continue
                given = outputs | {operand.name: outputs[operand.name].astype(wrong)}
                before = {name: array.tobytes() for name, array in given.items()}
                with pytest.raises(TypeError, match=operand.name):
                    case.run(arrays | given)
                assert before == {name: array.tobytes() for name, array in given.items()}, f"written to: {case}"


def test_a_type_that_is_not_taken_is_refused_by_name(found):
    for case in found.cases([(3, 4), (3, 4, 2)], 1):
        arrays = case.make()
        outputs = case.call.new_outputs(arrays)
        for operand in case.call.inputs:
            right = arrays[operand.name]
            for wrong in ("c8", "O", "M8[s]", "S3", right.dtype.newbyteorder().str):
                if np.dtype(wrong) in [np.dtype(each) for each in operand.dtypes]:
                    continue
                with np.errstate(over="ignore"):
                    bad = np.empty(right.shape, wrong) if wrong[0] in "MS" else right.astype(wrong)
                with pytest.raises(TypeError, match=operand.name):
                    case.run(arrays | outputs | {operand.name: bad})
                assert all((array == 7).all() for array in outputs.values()), f"written to: {case}"
