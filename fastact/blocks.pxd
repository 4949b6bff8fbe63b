# What the way through an array is asked for, by the engine and by _testing.pyx.

from libc.stdint cimport int64_t

from fastact.arrays cimport Array
from fastact.kernels cimport fastact_kernels


# What a kernel takes: one input or two, elements or whole rows.
cdef enum Form:
    UNARY
    BINARY
    ROWS
    ROWS_BACKWARD

cdef struct Kernel:
    const void *function
    const void *columns  # the same for rows that lie side by side; NULL where elements are computed
    Form form
    const fastact_kernels *table
    int64_t cost  # picoseconds an element

cdef enum:
    RELEASE_ABOVE = 5_000_000  # picoseconds of work that are worth releasing the GIL

cdef int64_t swap_parallel_threshold(int64_t picoseconds) noexcept

cdef int compute(
    const Kernel *kernel, const double *parameters, Array *a, Array *b, Array *out, int axis) except -1
