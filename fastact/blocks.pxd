# What the way through an array is asked for, by the engine and by _testing.pyx.

from libc.stdint cimport int64_t

from fastact.arrays cimport Array
from fastact.kernels cimport fastact_kernels, fastact_sum


# What a kernel takes: one input or two, and a weight or a bias besides; elements or, from ROWS on, whole rows, or what
# is selected of them.  Backward of a gate takes three and has two outputs.
cdef enum Form:
    UNARY
    BINARY
    GATE_BACKWARD
    WEIGHTED_UNARY
    WEIGHTED_BINARY
    BIASED_UNARY
    BIASED_BINARY
    ROWS
    ROWS_BACKWARD
    ROWS_SELECTED
    ROWS_BACKWARD_SELECTED

cdef struct Kernel:
    const void *function
    const void *columns  # the same for rows that lie side by side; NULL where elements are computed
    Form form
    int single  # the operand of rows that has one element a row, broadcast along the axis; -1 if there is none
    const fastact_kernels *table
    int64_t cost  # picoseconds an element

cdef enum:
    RELEASE_ABOVE = 5_000_000  # picoseconds of work that are worth releasing the GIL
    MAX_INPUTS = 3
    MAX_OUTPUTS = 2
    MAX_OPERANDS = MAX_INPUTS + MAX_OUTPUTS
    WHERE = 0  # operands of a selection, after the output; NULL where nothing is left out by them
    SEEN = 1

cdef int team(int64_t work) noexcept nogil

cdef int64_t swap_parallel_threshold(int64_t picoseconds) noexcept

cdef int compute(const Kernel *kernel, const double *parameters, Array **operands, int axis) except -1

cdef bint overlap(Array *x, Array *out) except -1

# Sums over all elements that share a place along an axis.
cdef struct Summation:
    fastact_sum along
    fastact_sum across
    const fastact_kernels *table
    int64_t cost
    Py_ssize_t run  # elements of a channel that make one sum, before they are added to others
    Py_ssize_t channels  # side by side that one thread adds up together

cdef int add_up(
    const Summation *summation, Array *grad, Array *x, int axis, const void *divisors, void *totals) except -1

cdef int compute_and_add_up(
    const Kernel *kernel, const double *parameters, Array **operands, const Summation *summation,
    void *totals) except -1
