# How many threads share a call.

from libc.stdint cimport int64_t

cdef int team(int64_t work) except -1
cdef void note_end(int64_t work) noexcept
cdef int64_t swap_parallel_threshold(int64_t picoseconds) noexcept
