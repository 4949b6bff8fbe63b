# Sums whose bits depend on neither strides nor threads: gradients of what was broadcast, and losses.

from libc.stdint cimport int64_t

from fastact.core.kernels cimport fastact_kernel, fastact_kernels
from fastact.core.operands cimport MAX_NDIM, Call
from fastact.core.plan cimport Plan

cdef struct Summation:  # how terms are added up
    fastact_kernel run
    fastact_kernel columns
    const fastact_kernels *table
    int64_t cost
    Py_ssize_t length  # elements of a channel that make one sum, before they are added to others
    Py_ssize_t channels  # side by side that one thread adds up together
    Py_ssize_t segment  # elements of a segment; 0 where the shape says

cdef struct Term:  # what is added up, or multiplied before
    char *data  # NULL where there is none, or where the producer makes it
    int storage
    const Py_ssize_t *strides

cdef struct Sums:
    const Summation *summation
    const Plan *producer  # of the terms, tile by tile, in the same coordinates; NULL where they are there
    const Call *call  # the producer's
    bint piecewise  # it makes them in pieces of the last axis
    int ndim
    const Py_ssize_t *shape
    int group[MAX_NDIM]  # of every axis: before, channels, or after
    Term terms[2]
    Py_ssize_t before_step[2]
    Py_ssize_t row_step[2]
    Py_ssize_t step[2]
    bint contiguous[2]
    bint direct  # the kernel can take all terms where they are
    bint across  # rows are what comes after, columns are channels
    bint walks  # a group is of several steps: elements are found one run at a time
    Py_ssize_t item
    Py_ssize_t before, channels, after
    Py_ssize_t segments_before, segments_after  # how many, and how long
    Py_ssize_t length_before, length_after
    double *sums  # of every segment and channel
    double *errors
    char *totals  # of every channel, in the compute type
    int threads
    int64_t work

cdef Term term_of(const Call *call, int k) noexcept
cdef int lay_out_sums(
    Sums *sums, const Summation *summation, int ndim, const Py_ssize_t *shape, const bint *kept, Term first,
    Term second, Plan *producer, const Call *call) except -1
cdef char *fetch_run(const Sums *sums, int t, Py_ssize_t at, Py_ssize_t n, char *block) noexcept nogil
cdef void add_up(const Sums *sums, const void *divisors)
cdef void add_all(const Sums *sums)
cdef void discard(Sums *sums) noexcept
