"""The same bits at any number of threads, however small the work that is shared out, in any layout and in place."""

import numpy as np

import fastact as fa
import helpers
from contract import memory

SHAPES = [(), (1,), (40,), (9, 40), (6, 3, 6), (0, 3), (2, 3, 2, 5)]
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
        check(case, (2, 3, 7) if found.everything else (2, 5))


def test_any_number_of_threads_with_next_to_no_work(found):
    for case in found.cases(SHAPES, 1):
        check(case, (1, 2, 3, 7) if found.everything else (3,))
