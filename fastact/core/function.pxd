# What is called, as the losses and the diagnosis see it.

from cpython.object cimport PyObject

from fastact.core.kernels cimport fastact_kernels
from fastact.core.operands cimport MAX_ARGUMENTS, Declaration
from fastact.core.plan cimport Kernel
from fastact.core.segments cimport Summation

ctypedef PyObject *(*vectorcallfunc)(PyObject *, PyObject *const *, size_t, PyObject *) except NULL

cdef struct FastSlot:  # an array besides the first and the output, as the fast path sees it
    int argument, operand
    bint like  # of the shape and type of the first


cdef class Function(Declaration):
    cdef vectorcallfunc vectorcall
    cdef Kernel kernels[2][2]  # by source and dtype
    cdef Summation summations[2]  # by dtype
    cdef FastSlot fast_slots[MAX_ARGUMENTS]
    cdef int fast_count, first_operand, out_operand, out_argument, axis_argument
    cdef bint only_from_y  # backward goes by the output alone
    cdef bint fast  # there is a fast path
    cdef bint fast_reduces
    cdef bint fast_loses
    cdef int fast_needs  # a bit for each argument without which it is not taken
    cdef int fast_looks  # and for each in fast_slots
    cdef Function derivative
    cdef Function backward
    cdef PyObject *derivative_member  # the same, as members of the instance read them
    cdef PyObject *backward_member
    cdef object __weakref__


cdef const fastact_kernels *find_table(str target, int dtype) except NULL
