"""Activation functions of neural networks, their derivatives and gradients, on the CPU, for NumPy.

Call a function, its derivative or its gradient; ``out=`` takes an array for the result, which may be the input:

>>> import numpy as np
>>> import fastact as fa
>>> x = np.array([-1.0, 0.0, 2.0])
>>> fa.tanh.derivative(x)
array([0.41997434, 1.        , 0.07065082])
>>> y = fa.tanh(x, out=x)                         # in place
>>> fa.tanh.backward(np.ones(3), y=y)             # the gradient with respect to the input
array([0.41997434, 1.        , 0.07065082])

``fa.ACTIVATIONS``, ``fa.GATES`` and ``fa.REDUCTIONS`` have the functions by name; ``fa.get`` also finds them by the names of
other libraries. ``fa.softmax_cross_entropy`` and ``fa.sigmoid_cross_entropy`` are losses, which give their gradients too.
``help(fa.tanh)`` shows the page of a function. Errors are given in ulp: the distance from a number to the next one of its type.
"""

from fastact.spin import short_spin

try:
    with short_spin():  # this is the first to load OpenMP
        from fastact._threads import get_num_threads, num_threads, set_num_threads
except ModuleNotFoundError as error:
    raise ImportError(
        f"{__path__[0]} is fastact's source, which is not compiled there: start Python in another folder, "
        "or build it in place as CONTRIBUTING.md says"
    ) from error
from fastact.activations import ACTIVATIONS, FUNCTIONS, GATES, REDUCTIONS, get
from fastact.config import get_c_api, get_include, show_config
from fastact.core.function import VERSION as __version__
from fastact.diagnosis import Diagnosis, diagnose
from fastact.pictures import plot

del short_spin
globals().update(FUNCTIONS)

__all__ = [
    "ACTIVATIONS",
    "GATES",
    "REDUCTIONS",
    "Diagnosis",
    "__version__",
    "diagnose",
    "get",
    "get_c_api",
    "get_include",
    "get_num_threads",
    "num_threads",
    "plot",
    "set_num_threads",
    "show_config",
]
__all__ += list(FUNCTIONS)
del FUNCTIONS
