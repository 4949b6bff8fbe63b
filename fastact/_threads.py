"""How many threads calls may use, as callers set it; core/threads.pyx says how many share a call."""

from __future__ import annotations

import operator
import os
from types import TracebackType
from typing import Self, SupportsIndex

from fastact.core import threads

MOST_THREADS = 8 * (os.cpu_count() or 1)  # an OpenMP that cannot create a thread ends the process


def as_num_threads(n: SupportsIndex) -> int:
    try:
        number = operator.index(n)
    except TypeError:
        raise TypeError(f"num_threads must be an int, not {type(n).__name__}") from None
    if number < 1:
        raise ValueError(f"num_threads must be at least 1, not {number}")
    return min(number, MOST_THREADS)


def set_num_threads(n: SupportsIndex) -> None:
    """Set how many threads a call may use, in the whole process.

    Parameters
    ----------
    n : int
        At least 1. More than eight a CPU are never used.

    Examples
    --------
    >>> import fastact as fa
    >>> before = fa.get_num_threads()
    >>> fa.set_num_threads(1)
    >>> fa.get_num_threads()
    1
    >>> fa.set_num_threads(before)
    """
    threads.set_default_threads(as_num_threads(n))


def get_num_threads() -> int:
    """Return how many threads a large call from this thread may use now.

    It is what `set_num_threads` or, around this call, `num_threads` asked for; or less, where OpenMP was limited for
    this thread (by threadpoolctl, for instance); and 1 in a forked child, inside an OpenMP region and without OpenMP.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.get_num_threads() >= 1
    True
    """
    return threads.allowed_threads()


class num_threads:
    """Set how many threads a call may use inside a ``with`` block, for the thread or coroutine that is in it.

    Blocks nest. The number is kept in a context variable (`contextvars`): other threads and coroutines do not see it,
    but what starts in a copy of the context does (a task of asyncio, `asyncio.to_thread`).

    Parameters
    ----------
    n : int
        At least 1. More than eight a CPU are never used.

    Examples
    --------
    >>> import fastact as fa
    >>> with fa.num_threads(1):
    ...     fa.get_num_threads()
    1
    """

    def __init__(self, n: SupportsIndex) -> None:
        self._n = as_num_threads(n)

    def __enter__(self) -> Self:
        threads.BLOCKS_AROUND.set((self._n, self, threads.BLOCKS_AROUND.get()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Take the innermost block of this object away; where it was not entered, in another thread, there is none."""
        inner = []
        block = threads.BLOCKS_AROUND.get()
        while block is not None and block[1] is not self:
            inner.append(block)
            block = block[2]
        if block is None:
            return
        block = block[2]
        for n, whose, _ in reversed(inner):  # they are left later
            block = (n, whose, block)
        threads.BLOCKS_AROUND.set(block)
