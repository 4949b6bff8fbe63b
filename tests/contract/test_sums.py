"""What is added up loses nothing: of N equal terms comes N times what comes of one."""

import math

import numpy as np

from contract import calls

SHAPES = [(30_000,), (4000, 3), (3, 4000), (20_000, 2), (20, 3, 50), (1300, 7), (2, 3, 4000)]


def without_repetition(call, shape):
    """The shape with one element along every axis but those that tell what is added up from what is not."""
    kept = {*calls.axes_of(call.counted_axis(len(shape)))}
    if any(operand.shape is calls.LAST for operand in call.operands):
        kept.add(len(shape) - 1)
    return tuple(n if axis in kept else 1 for axis, n in enumerate(shape))


def terms(case, shape):
    """Inputs for one term, whose numbers have many bits; none of the labels is ignored."""
    made = case.call.make(shape, case.dtype, case.number)
    for operand in case.call.inputs:
        array = made[operand.name]
        if array.dtype.kind == "f":
            array *= array.dtype.type(0.99999997)
        elif operand.shape is calls.REDUCED:
            array[...] = 1
    return made


def test_equal_terms_add_up_to_their_number_times_one(found):
    for case in found.cases(SHAPES, 2):
        call = case.call
        shape = without_repetition(call, case.shape)
        if shape == case.shape or not call.fits(shape) or call.operation == "jacobian":
            continue
        count = math.prod(case.shape) // math.prod(shape)
        one = terms(case, shape)
        many = {name: np.broadcast_to(one[name], call.shape_of(name, case.shape)).copy() for name in one}
        for name, got, want in zip(call.results, case.run(many), case.run(one), strict=True):
            summed = any(
                each.name == name and each.role == calls.SUM and each.shape is not calls.LIKE for each in call.written
            )
            if name == "result" and call.settings.get("reduction") == "none":
                continue
            if not summed and name not in ("result", "mean_slope"):
                continue
            times = count if summed or call.settings.get("reduction") == "sum" else 1
            true = np.asarray(want).astype(np.longdouble) * times
            if np.isnan(true).all() and np.isnan(got).all():
                continue  # the mean of labels that all weigh nothing
            with np.errstate(over="ignore", invalid="ignore"):
                rounded = true.astype(np.asarray(got).dtype)
                error = np.abs(np.asarray(got).astype(np.longdouble) - true) / np.spacing(np.abs(rounded))
            infinite = np.isinf(rounded)
            np.testing.assert_array_equal(np.asarray(got)[infinite], rounded[infinite])
            error = np.max(error[~infinite], initial=0)
            # The mean slope is a plain sum in float64; what a weighted mean is divided by is a rounded sum itself.
            weighted = "reduction" not in call.settings and {"weight", "class_weight"} & set(many)
            within = 5000 if name == "mean_slope" else 2.5 if weighted and name == "result" else 1.5
            assert error <= within, f"{name} is {error} ulp off: {case}"
