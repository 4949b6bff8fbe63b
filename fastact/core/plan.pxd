# How the operands of a call are walked: as boxes of three axes, planes, rows and columns.

from libc.stdint cimport int64_t

from fastact.core.kernels cimport fastact_kernel, fastact_kernels
from fastact.core.operands cimport MAX_NDIM, MAX_OPERANDS, Call


cdef enum:
    MAX_AXES = MAX_NDIM + 2  # and what makes up three
    LINE = 16  # elements of a cache line, or two

# What a kernel reads or writes of an operand for a row of n elements.
cdef enum Form:
    ELEMENTS  # n, side by side
    REPEATED  # the same, or one for all: a weight
    SINGLE  # one
    SHARED  # n, the same for all rows: class weights
    ANY  # n, with any step: a mask

cdef struct Kernel:
    fastact_kernel run
    fastact_kernel columns  # the same for rows that lie side by side, or NULL
    const fastact_kernels *table
    int64_t cost  # picoseconds an element
    int operands
    Form form[MAX_OPERANDS]
    bint output[MAX_OPERANDS]
    bint rowwise  # rows must be whole
    bint takes_halves  # all operands may be float16, or bfloat16, where they are
    bint in_order  # rows are walked in the order of the shape, not of memory
    Py_ssize_t longest_columns  # elements of a row up to which `columns` serves

cdef struct Plan:
    const Kernel *kernel
    const double *parameters
    int operands
    int out  # the output that the others are laid out by
    char *data[MAX_OPERANDS]  # NULL where there is none
    int storage[MAX_OPERANDS]
    bint contiguous[MAX_OPERANDS]  # the kernel can take the elements where they are
    bint direct  # that is so for all, or it takes all as they are stored
    int stored  # how, then; else the compute type
    bint side_by_side  # rows lie side by side, and there is a kernel for that
    Py_ssize_t item  # bytes of an element computed with
    # A box.  Columns are the elements of a run, or of a row; steps are in bytes.
    Py_ssize_t planes, rows, columns
    Py_ssize_t plane_step[MAX_OPERANDS]
    Py_ssize_t row_step[MAX_OPERANDS]
    Py_ssize_t step[MAX_OPERANDS]
    # The axes around it.
    int outer
    Py_ssize_t shape[MAX_AXES]
    Py_ssize_t strides[MAX_OPERANDS][MAX_AXES]
    # Rows that must be copied for their kernel: how many at once, and where to if a block is too small for them.
    Py_ssize_t rows_at_once
    char *heap
    Py_ssize_t heap_share  # bytes a thread
    int scratch  # the operand that is written to a block of the thread's own, or -1


cdef inline Py_ssize_t magnitude(Py_ssize_t step) noexcept nogil:
    return -step if step < 0 else step


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return a // b + (a % b != 0)


cdef Plan *start(const Kernel *kernel, const double *parameters, const Call *call) noexcept
cdef void use_scratch(Plan *plan, int k) noexcept
cdef void lay_out(Plan *plan, const Call *call) noexcept
cdef bint lay_out_groups(Plan *plan, const Call *call, const int *group, bint across) noexcept
cdef void lay_out_pieces(Plan *plan, const Call *call) noexcept
cdef void describe_box(Plan *plan) noexcept nogil
cdef bint next_box(Plan *plan, Py_ssize_t *index) noexcept nogil
