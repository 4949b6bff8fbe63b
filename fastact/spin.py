"""How long OpenMP's threads spin between calls, before they sleep.

By default they do for milliseconds, on cores that NumPy's matrix products, or another process, want meanwhile.  A
runtime reads its variable when it is loaded, or at its first use, which is at import too: so it is set for that moment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np  # noqa: F401  loaded here, its libraries find the environment as it is

# GCC's counts turns: 5 us or so, long enough for the next call of a series.  LLVM's is 1 ms at least, or nothing.
SHORT = {"GOMP_SPINCOUNT": "300", "KMP_BLOCKTIME": "1"}


@contextmanager
def short_spin() -> Iterator[None]:
    """Let an OpenMP that is loaded inside spin for a short time, unless the environment says for how long.

    Python's own view of the environment, os.environ, stays as it is.  A runtime that is there already keeps its spin.
    """
    mine = [] if "OMP_WAIT_POLICY" in os.environ else [name for name in SHORT if name not in os.environ]
    for name in mine:
        os.putenv(name, SHORT[name])
    try:
        yield
    finally:
        for name in mine:
            os.unsetenv(name)


def waiting_threads_sleep() -> bool:
    """Return whether the environment wants threads to sleep as soon as they wait."""
    policy, count = (os.environ.get(name, "").strip().lower() for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"))
    return count == "0" or (policy == "passive" and not count)
