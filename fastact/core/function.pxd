# What is called, as the losses and the diagnosis see it.

from cpython.object cimport PyObject

from fastact.core.operands cimport MAX_ARGUMENTS, MAX_OPERANDS, Declaration
from fastact.core.plan cimport Kernel
from fastact.core.segments cimport Summation

cdef enum:
    MOST_FAST_WEIGHTS = 64

ctypedef PyObject *(*vectorcallfunc)(PyObject *, PyObject *const *, size_t, PyObject *) except NULL

cdef struct FastSlot:  # an array besides the first and the output, as the fast path sees it
    int argument, operand
    bint like  # of the shape and type of the first
    bint required

cdef struct Fast:  # the operands of a call on the fast path
    char *operands[MAX_OPERANDS]
    Py_ssize_t row_steps[MAX_OPERANDS]
    Py_ssize_t steps[MAX_OPERANDS]
    Py_ssize_t width  # elements of a row
    bint by_rows
    int special  # a bit for every operand that is not of the shape of the first
    double weights[MOST_FAST_WEIGHTS]

from fastact.core.kernels cimport fastact_kernels


cdef class Function(Declaration):
    cdef vectorcallfunc vectorcall
    cdef Kernel kernels[2][2]  # by source and dtype
    cdef Summation summations[2]  # by dtype
    cdef FastSlot fast_slots[MAX_ARGUMENTS]
    cdef int fast_count, first_operand, out_operand, out_argument, axis_argument
    cdef bint only_from_y  # backward goes by the output alone
    cdef bint fast  # there is a fast path
    cdef bint fast_reduces
    cdef Function derivative
    cdef Function backward
    cdef PyObject *derivative_member  # the same, as members of the instance read them
    cdef PyObject *backward_member
    cdef object __weakref__


cdef const fastact_kernels *find_table(str target, int dtype) except NULL
