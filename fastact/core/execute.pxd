# Running a kernel over the operands of a call.

from libc.stdint cimport int64_t

from fastact.core.operands cimport Call
from fastact.core.plan cimport Kernel, Plan

cdef extern from *:
    """
    /* Where a thread loads operands that are not contiguous.  Small: some platforms' threads have stacks of 128 KiB. */
    typedef struct { _Alignas(64) char bytes[16384]; } fastact_stack;
    """
    ctypedef struct fastact_stack:
        char bytes[16384]

cdef enum:
    BLOCK = 8192  # bytes of an operand on the stack; less if there are three
    RELEASE_ABOVE = 5_000_000  # picoseconds of work that are worth releasing the GIL
    TILE = 32768  # elements of one turn of the parallel loop

cdef int compute(const Kernel *kernel, const double *parameters, const Call *call) except -1

cdef bint reserve_rows(Plan *plan, int threads) noexcept nogil

cdef void run_tile(
    const Plan *plan, const char *first, char *out, Py_ssize_t plane, Py_ssize_t row, Py_ssize_t column,
    Py_ssize_t rows, Py_ssize_t columns, int thread) noexcept nogil

cdef void compute_elements(
    const Plan *plan, char **at, Py_ssize_t rows, Py_ssize_t columns, char *room) noexcept nogil

cdef void run_tile_of_sum(
    const Plan *plan, Py_ssize_t plane, Py_ssize_t row, Py_ssize_t column, Py_ssize_t rows, Py_ssize_t columns,
    char *scratch, char *room) noexcept nogil

cdef int64_t work_of(int64_t cost, int ndim, const Py_ssize_t *shape) noexcept
