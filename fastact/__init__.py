"""fastact: neural-network activation functions and their derivatives, in place, over float32 and float64 buffers.

Every activation is an object with its derivative and its backward, ``fa.tanh``, ``fa.tanh.derivative`` and
``fa.tanh.backward``; ``fa.ACTIVATIONS`` has them all by name."""

from fastact.activations import ACTIVATIONS, get
from fastact.blocks import get_num_threads, num_threads, set_num_threads
from fastact.config import VERSION as __version__
from fastact.config import show_config

globals().update(ACTIVATIONS)

__all__ = [
    "ACTIVATIONS",
    "__version__",
    "get",
    "get_num_threads",
    "num_threads",
    "set_num_threads",
    "show_config",
]
__all__ += list(ACTIVATIONS)
