"""The same bits at any number of threads, however small the work that is shared out, in any layout and in place."""

import itertools

import numpy as np

import fastact as fa
import helpers
from contract import calls, memory

SHAPES = [(), (1,), (40,), (9, 40), (6, 3, 6), (0, 3), (2, 3, 2, 5)]
MANY = [(300_000,), (50_000, 6), (6, 50_000)]  # of so many tiles that a sum has several segments
LARGE = [(70, 133), (3, 300, 5), (2100, 3), (3, 5000), (40_000,), (600, 70), (9001, 7), (2, 33, 20, 9), (40, 1100)]


def check(case, threads):
    arrays, rng = case.make(), np.random.default_rng(case.number)
    with fa.num_threads(1):
        want = case.run(arrays)
    outputs = case.call.new_outputs(arrays)
    ways = [("C", "C"), ("F", "F"), ("drawn", "drawn"), ("C", "drawn")]
    for number in threads:
        with fa.num_threads(number), helpers.parallel_threshold(0):
            for first, rest in ways:
                context = f"{number} threads, {first} and {rest}: {case}"
                placed = {
                    name: memory.place(array, layout(rest if k else first, array.ndim, rng))
                    for k, (name, array) in enumerate((arrays | outputs).items())
                }
                memory.same(case.run({name: each.view for name, each in placed.items()}), want, context)
                for name in outputs:
                    placed[name].assert_rest_untouched(context)
            memory.same(case.run(arrays), want, f"{number} threads: {case}")
            for name, out in outputs.items():
                for over, array in arrays.items():
                    if (out.shape, out.dtype) == (array.shape, array.dtype):
                        shared = memory.place(array, layout("drawn", array.ndim, rng)).view
                        given = arrays | outputs | {over: shared, name: shared}
                        memory.same(case.run(given), want, f"{name} over {over}, {number} threads: {case}")


def layout(name, ndim, rng):
    """The layout of a name, where there is one for so many axes; or one drawn at random."""
    found = {each.name: each for each in memory.named(ndim)}
    return memory.drawn(ndim, rng) if name == "drawn" else found.get(name, found["C"])


def test_any_number_of_threads_gives_the_same_bits(found):
    for case in found.cases(LARGE, 1):
        check(case, helpers.by_lane((2, 5), (2, 3, 7)))


def test_any_number_of_threads_with_next_to_no_work(found):
    for case in found.cases(SHAPES, 1):
        check(case, helpers.by_lane((3,), (1, 2, 3, 7)))


def cancelling(rng, array, axis):
    """Return numbers of all sizes with the negative of each somewhere along the axis: another order gives another sum."""
    shape = list(array.shape)
    half = shape[axis] // 2
    shape[axis] = half
    sizes = rng.standard_normal(shape) * np.exp2(rng.uniform(-45, 45, shape))
    filled = np.zeros(array.shape)
    places = rng.permutation(array.shape[axis])
    for sign, chosen in ((1, places[:half]), (-1, places[half : 2 * half])):
        filled[tuple(chosen if d == axis % array.ndim else slice(None) for d in range(array.ndim))] = sign * sizes
    return filled.astype(array.dtype)


def test_sums_are_added_up_in_an_order_that_threads_do_not_change(found):
    for case in found.cases(MANY, 1):
        names = {operand.name for operand in case.call.inputs}
        if "grad" not in names or not any(operand.role == calls.SUM for operand in case.call.written):
            continue
        rng = np.random.default_rng(case.number)
        for axis, value in itertools.product((0, -1), (-0.7, 0.7)):
            arrays = case.make()
            for operand in case.call.inputs:
                if operand.role == calls.INPUT:
                    arrays[operand.name][...] = value
            arrays["grad"] = cancelling(rng, arrays["grad"], axis)
            with fa.num_threads(1):
                want = case.run(arrays)
            for number in (2, 5):
                with fa.num_threads(number), helpers.parallel_threshold(0):
                    memory.same(case.run(arrays), want, f"{number} threads, axis {axis}, {value}: {case}")
