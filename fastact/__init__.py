"""fastact: neural-network activation functions and their derivatives, in place, over float32 and float64 buffers.

Every activation is an object with its derivative and its backward, ``fa.tanh``, ``fa.tanh.derivative`` and
``fa.tanh.backward``; ``fa.ACTIVATIONS`` has them all by name, and ``fa.GATES`` the gated units, ``fa.swiglu`` among them.
Two losses that end a network come with their gradients."""

from fastact.spin import short_spin

try:
    with short_spin():  # this is the first to load OpenMP
        from fastact.core.threads import get_num_threads, num_threads, set_num_threads
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
