# What the losses and the tallies ask of the engine.

from fastact.arrays cimport Array
from fastact.blocks cimport Kernel
from fastact.kernels cimport fastact_kernels

cdef const fastact_kernels *find_table(str target, int dtype) except NULL

cdef bint may_overlap_itself(Array *x) noexcept

cdef bint share_memory(Array *a, Array *b) except -1

cdef const Kernel *derivative_kernel(activation, dict parameters, int dtype, double *values) except NULL
