"""The same bits whatever the layout of any operand, and new arrays that are laid out as the first input is.

What is right is what one call on contiguous arrays gives.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

import helpers
from contract import calls, memory

SHAPES = [
    (),
    (1,),
    (0,),
    (5,),
    (33,),
    (130,),
    (1, 1),
    (7, 1),
    (1, 6),
    (3, 7),
    (17, 33),
    (40, 5),
    (0, 3),
    (3, 0),
    (2, 3, 4),
    (6, 3, 6),
    (4, 5, 2),
    (70, 2, 3),
    (5, 4, 33),
    (2, 0, 3),
    (2, 3, 2, 5),
    (3, 2, 4, 2, 3),
]
LARGE = [(300, 65), (3, 1100), (2100, 3), (1100,), (3, 60, 20), (70, 130)]
# Up to the 64 axes that NumPy has, with few that can be merged.
DEEP = [
    (2,) * 7,
    (2,) * 8,
    (2, 1) * 5,
    (1,) * 12 + (3, 2) + (1,) * 2,
    (2, 1, 1, 1) * 4,
    (1,) * 30 + (3,) + (1,) * 30 + (2,),
    (1,) * 62,
]
DEEPEST = [(2,) + (1,) * 61 + (3, 2), (1,) * 64, (1,) * 63 + (5,), (1, 2) * 3 + (1,) * 58, (0,) + (1,) * 63]


def scatter(arrays, choose):
    """Return the arrays, each in the layout that is chosen for its name and number of axes; and what was placed."""
    placed = {name: memory.place(array, choose(name, array.ndim)) for name, array in arrays.items()}
    return {name: each.view for name, each in placed.items()}, placed


def check(case, choose, arrays, want):
    """Call with everything laid out as chosen, with outputs given and not."""
    context = f"{case}"
    views, placed = scatter(arrays, choose)
    outputs, written = scatter(case.call.new_outputs(arrays), choose)
    before = {name: each.memory.tobytes() for name, each in placed.items()}
    memory.same(case.run(views | outputs), want, context)
    made = case.run(views)
    memory.same(made, want, context)
    assert_laid_out(case, views, made)
    for name, each in placed.items():
        assert each.memory.tobytes() == before[name], f"{name} was changed: {context}"
    for name, each in written.items():
        each.assert_rest_untouched(f"{name} of {context}")


def assert_laid_out(case, views, made):
    """New arrays have the order of axes of the first input, as NumPy's empty_like says; new scalars are NumPy's."""
    call = case.call
    for name, array in zip(call.results, made, strict=True):
        if call.laid_out_as is None or any(each.name == name and each.role == calls.SUM for each in call.operands):
            continue
        first = views[call.laid_out_as]
        if first.ndim == 0:
            assert type(array) is case.dtype.type, f"{name} is no scalar: {case}"
            continue
        like = np.empty_like(first[tuple(slice(n) for n in array.shape)], array.dtype)
        strides = [
            pair for pair, n in zip(zip(array.strides, like.strides, strict=True), array.shape, strict=True) if n > 1
        ]
        assert all(one == other for one, other in strides) or not array.size, (
            f"{array.strides}, not {like.strides}: {case}"
        )


def layouts_in_turn(case, arrays, want, layouts):
    """Every layout for all operands at once, and for each operand with others for the rest."""
    names = [operand.name for operand in case.call.operands]
    for k in range(max(len(layouts(ndim)) for ndim in range(len(case.shape) + 1))):
        check(case, lambda name, ndim, k=k: layouts(ndim)[k % len(layouts(ndim))], arrays, want)

        def mixed(name, ndim, k=k):
            found = layouts(ndim)
            return found[(k * (1 + 2 * names.index(name)) + names.index(name)) % len(found)]

        check(case, mixed, arrays, want)


def each_alone(case, arrays, want, layouts):
    """Every layout for one operand, where all others are contiguous."""
    for alone in case.call.operands:
        for k in range(len(layouts(len(case.call.shape_of(alone, case.shape))))):

            def only(name, ndim, k=k, alone=alone):
                return layouts(ndim)[k % len(layouts(ndim)) if name == alone.name else 0]

            check(case, only, arrays, want)


def test_every_layout_gives_the_bits_of_contiguous_arrays(found):
    for case in found.cases(SHAPES, helpers.by_lane(5, 3)):
        arrays = case.make()
        want = case.run(arrays)
        layouts_in_turn(case, arrays, want, memory.named)
        if case.number % 3 == 0:
            each_alone(case, arrays, want, memory.named)


def test_every_layout_of_many_rows_and_long_ones(found):
    for case in found.cases(LARGE, 1):
        arrays = case.make()
        layouts_in_turn(case, arrays, case.run(arrays), memory.named)


def test_any_layout_drawn_at_random(found):
    for case in found.cases(SHAPES, 4):
        arrays, rng = case.make(wild=not case.sums), np.random.default_rng(case.number)
        want = case.run(arrays)
        for _ in range(8):
            check(case, lambda name, ndim, rng=rng: memory.drawn(ndim, rng), arrays, want)


def test_any_number_of_axes(found):
    for case in found.cases(DEEP + DEEPEST, 2):
        arrays, rng = case.make(), np.random.default_rng(case.number)
        want = case.run(arrays)
        for _ in range(3):
            check(case, lambda name, ndim, rng=rng: memory.drawn(ndim, rng), arrays, want)


def repeated(array, axes):
    """Return the array with its first elements along some axes in place of all: strides of zero."""
    first = array[tuple(slice(0, 1) if d in axes else slice(None) for d in range(array.ndim))]
    return np.broadcast_to(first, array.shape)


def test_strides_of_zero(found):
    for case in found.cases([(5,), (70,), (6, 7), (33, 40), (2, 3, 4), (4, 20, 5)], 2):
        rng, arrays = np.random.default_rng(case.number), case.make()
        for number in range(6):
            views = {}
            for name, array in arrays.items():
                axes = [d for d in range(array.ndim) if number == 0 or rng.random() < 0.5]
                views[name] = repeated(array, axes)
            copies = {name: view.copy() for name, view in views.items()}
            memory.same(case.run(views), case.run(copies), str(case))
            one = list(arrays)[number % len(arrays)]
            memory.same(case.run(copies | {one: views[one]}), case.run(copies), str(case))


def test_windows_that_overlap_each_other(found):
    for case in found.cases([(20, 30), (4, 5, 6)], 1):
        for operand in case.call.inputs:
            arrays = case.make()
            array = arrays[operand.name]
            if array.ndim < 2:
                continue
            windows = as_strided(array, array.shape, (array.itemsize,) * array.ndim)
            for view in (windows, windows[::-1], windows[..., ::-1]):
                want = case.run(arrays | {operand.name: view.copy()})
                memory.same(case.run(arrays | {operand.name: view}), want, f"{operand.name} of {case}")


EMPTY = [(0,), (0, 0), (0, 3), (3, 0), (0, 1), (2, 0, 3), (0, 3, 2), (2, 3, 0)]


def test_arrays_without_elements_have_sums_of_nothing(found):
    """Which are 0; a mean of nothing is NaN."""
    for case in found.cases(EMPTY, len(EMPTY)):
        arrays, call = case.make(), case.call
        outputs = call.new_outputs(arrays)
        for given in (arrays, arrays | outputs):
            for name, got in zip(call.results, case.run(given), strict=True):
                if name in outputs and call.operand(name).role == calls.SUM:
                    assert not np.any(got), f"{name} is {got}: {case}"
                elif name == "result":
                    reduction = call.settings.get("reduction", "mean")
                    right = {"mean": np.isnan, "sum": lambda sums: sums == 0, "none": lambda losses: losses.size == 0}
                    assert right[reduction](got), f"{got}: {case}"
                elif call.name != "diagnose" and 0 in np.shape(arrays.get("x", arrays.get("y"))):
                    assert np.size(got) == 0 or calls.family_of(call.name) == "reduction", f"{name} is {got}: {case}"
