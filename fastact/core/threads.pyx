# How many threads share a call: the process's number, the caller's, and what the work is worth.

from cpython.contextvars cimport get_value
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

import contextvars
import operator
import os

from fastact import limits, spin

cdef extern from *:
    """
    static _Atomic int default_num_threads;  /* one thread may set it while others call */
    static _Thread_local int64_t last_end;  /* nanoseconds; of this thread's calls that are worth sharing */
    """
    int default_num_threads
    int64_t last_end

cdef extern from "core/threads.h":
    int FASTACT_OPENMP
    int threads_max() nogil
    int threads_limit() nogil
    int threads_places()
    int threads_place_size(int place)
    void threads_place(int place, int *cpus)
    int64_t threads_clock()
    bint threads_nested() nogil
    bint threads_forked() nogil
    void threads_mark_forked() nogil
    int threads_watch_forks() nogil

OPENMP = FASTACT_OPENMP  # the date of its specification, yyyymm; 0 without OpenMP

# Work is counted in picoseconds, in integers: floating-point arithmetic would leave its traces in the status register.
# A region costs 2 us while the runtime's threads still spin for it, which they do shortly (spin.py).  Then they sleep:
# to wake one costs 20 us and more, and until the system moves it, it shares a CPU with the caller or with BLAS.
cdef enum:
    WAKING = 10  # times as much work is worth it then
    PAUSE = 5_000  # nanoseconds between calls for which threads spin
    SLACK = 2  # times what was estimated a call may take of which only the start is known

cdef bint asleep = spin.waiting_threads_sleep()
cdef int64_t parallel_threshold = 20_000_000


def bound_cpus():
    """Return how many CPUs the runtime binds its threads to; 0 where it leaves them alone.

    It binds the thread that loads it at once, so the affinity of that thread does not tell."""
    cdef int place, size
    cdef int *cpus
    found = set()
    for place in range(threads_places()):
        size = threads_place_size(place)
        cpus = <int *> malloc(max(1, size) * sizeof(int))
        if cpus == NULL:
            raise MemoryError("fastact has no memory for a list of CPUs")
        threads_place(place, cpus)
        found.update([cpus[k] for k in range(size)])
        free(cpus)
    return len(found)


cdef int threads_at_import = threads_max()
cdef int most_threads = 8 * (os.cpu_count() or 1)  # an OpenMP that cannot create a thread ends the process
default_num_threads = min(threads_at_import, threads_limit(), limits.available_cpus(bound_cpus()))
if threads_watch_forks() != 0:
    raise ImportError("fastact could not register its handler for fork()")
if limits.is_forked():
    threads_mark_forked()

# The `num_threads` blocks around a call, from the innermost outwards: (number, whose, those around it), or None.
cdef object blocks_around = contextvars.ContextVar("fastact.num_threads", default=None)


cdef int allowed_threads() except -1:
    cdef int allowed = default_num_threads, now
    if threads_forked() or threads_nested() or not FASTACT_OPENMP:
        return 1
    innermost = get_value(blocks_around)
    if innermost is not None:
        allowed = (<tuple> innermost)[0]
    now = threads_max()
    if now < threads_at_import:  # threadpoolctl, or another library, has lowered it for this thread
        allowed = min(allowed, now)
    return allowed


cdef bint in_series(int64_t work) noexcept:
    """Whether large calls follow each other in this thread; of single ones, no waiting thread still spins."""
    global last_end
    cdef int64_t now = threads_clock()
    cdef bint series = now - last_end <= PAUSE
    last_end = now + SLACK * (work // 1000)
    return series


cdef void note_end(int64_t work) noexcept:
    """Takes down when a call that asked for a team ended."""
    global last_end
    if work >= parallel_threshold:
        last_end = threads_clock()


cdef int team(int64_t work) except -1:
    """How many threads share this work, each with enough to be worth it."""
    cdef int64_t share = parallel_threshold // 3  # of one thread, at least
    if work < parallel_threshold:
        return 1
    if not in_series(work) or asleep:
        work //= WAKING
        share = parallel_threshold // 5
        if work < parallel_threshold:
            return 1
    return min(<int64_t> allowed_threads(), max(<int64_t> 1, work // max(<int64_t> 1, share)))


cdef int as_num_threads(n) except -1:
    try:
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"num_threads must be an int, not {type(n).__name__}") from None
    if n < 1:
        raise ValueError(f"num_threads must be at least 1, not {n}")
    return min(n, most_threads)


def set_num_threads(n):
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
    global default_num_threads
    default_num_threads = as_num_threads(n)


def get_num_threads():
    """Return how many threads a large call from this thread may use now.

    It is what `set_num_threads` or, around this call, `num_threads` asked for; or less, where OpenMP was limited for
    this thread (by threadpoolctl, for instance); and 1 in a forked child, inside an OpenMP region and without OpenMP.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.get_num_threads() >= 1
    True
    """
    return allowed_threads()


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

    def __init__(self, n):
        self._n = as_num_threads(n)

    def __enter__(self):
        blocks_around.set((self._n, self, blocks_around.get()))
        return self

    def __exit__(self, kind, value, traceback):
        """Take the innermost block of this object away; where it was not entered, in another thread, there is none."""
        inner = []
        block = blocks_around.get()
        while block is not None and block[1] is not self:
            inner.append(block)
            block = block[2]
        if block is None:
            return
        block = block[2]
        for n, whose, _ in reversed(inner):  # they are left later
            block = (n, whose, block)
        blocks_around.set(block)


cdef int64_t swap_parallel_threshold(int64_t picoseconds) noexcept:
    """Sets from how much work on calls are shared out; returns what it was."""
    global parallel_threshold
    previous = parallel_threshold
    parallel_threshold = picoseconds
    return previous
