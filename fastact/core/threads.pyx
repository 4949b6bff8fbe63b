# How many threads share a call: the process's number, the caller's, and what the work is worth.

from cpython.contextvars cimport get_value
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

import contextvars

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
default_num_threads = min(threads_at_import, threads_limit(), limits.available_cpus(bound_cpus()))
if threads_watch_forks() != 0:
    raise ImportError("fastact could not register its handler for fork()")
if limits.is_forked():
    threads_mark_forked()

# The `num_threads` blocks around a call, from the innermost outwards: (number, whose, those around it), or None.
cdef object blocks_around = contextvars.ContextVar("fastact.num_threads", default=None)
BLOCKS_AROUND = blocks_around


cpdef int allowed_threads() except -1:
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


def set_default_threads(int n):
    """Set how many threads a call may use outside of a `num_threads` block."""
    global default_num_threads
    default_num_threads = n


cdef int64_t swap_parallel_threshold(int64_t picoseconds) noexcept:
    """Sets from how much work on calls are shared out; returns what it was."""
    global parallel_threshold
    previous = parallel_threshold
    parallel_threshold = picoseconds
    return previous
