"""What a call on 16 elements costs, as a ratio to NumPy's np.tanh in the same run: nothing here is an absolute time.

Speed over many elements is measured in bench/.
"""

import statistics
import timeit

import pytest

import fastact as fa
import helpers
from fastact.core import function as core

pytestmark = pytest.mark.timing

CALLS = 1000
ELEMENTWISE = [name for name, activation in fa.ACTIVATIONS.items() if activation.kind != "rowwise"]
SETUP = """
import fastact as fa, numpy as np
x, grad, out = np.random.default_rng(0).standard_normal((3, 16)).astype(np.float32)
half = x.astype(np.float16)
strided, strided_out = np.zeros((2, 32), np.float32)[:, ::2]
"""


def ratio(statement, reference, rounds=15, tries=5):
    """Return the median ratio of alternated rounds, the best of some tries: a neighbour's work only adds to it."""
    ours, theirs = (timeit.Timer(code, SETUP) for code in (statement, reference))
    medians = []
    for _ in range(tries):
        medians.append(statistics.median(ours.timeit(CALLS) / theirs.timeit(CALLS) for _ in range(rounds)))
    print(f"{statement}: {min(medians):.3f} of {reference}")
    return min(medians)


def test_a_call_in_place_costs_a_quarter_of_a_numpy_call():
    assert ratio("fa.relu(x, out=x)", "np.tanh(x, out=out)") <= 0.25


def test_a_call_of_halves_costs_a_quarter_of_a_numpy_call():
    assert ratio("fa.relu(half, out=half)", "np.tanh(x, out=out)") <= 0.25


def test_a_backward_call_in_place_costs_a_third_of_a_numpy_call():
    """It took 0.23 on a Zen 4, and 0.275 on another machine with AVX-512: NumPy's part of the ratio differs by CPU."""
    assert ratio("fa.relu.backward(grad, x=x, out=grad)", "np.tanh(x, out=out)") <= 1 / 3


def test_a_call_that_allocates_costs_two_fifths_of_a_numpy_call():
    assert ratio("fa.relu(x)", "np.tanh(x)") <= 0.40


def given(name):
    """Return the parameters that a call must give, as they stand in it."""
    return "".join(f", {key}={value}" for key, value in helpers.typical(fa.ACTIVATIONS[name]).items())


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_no_activation_costs_more_than_a_numpy_call(name):
    assert ratio(f"fa.{name}(x{given(name)}, out=out)", "np.tanh(x, out=out)", tries=3) <= 0.60


# NumPy's tanh is faster on AVX-512, where the slowest took 1.10 times as long as it on a Zen 4, 1.33 on a Zen 5 and 1.46
# on another machine; 1.18 on AVX2.
OF_A_STRIDED_CALL = 1.65 if core.TARGET == "avx512" else 1.25


@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if name != "prelu"])  # which takes 2.9 times as long
def test_a_strided_call_costs_about_as_much_as_a_strided_numpy_call(name):
    took = ratio(f"fa.{name}(strided{given(name)}, out=strided_out)", "np.tanh(strided, out=strided_out)", tries=3)
    assert took <= OF_A_STRIDED_CALL
