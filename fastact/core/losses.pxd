# The losses that end a network, with their gradients.

from fastact.core.operands cimport Call, Declaration
from fastact.core.plan cimport Kernel
from fastact.core.segments cimport Summation

cdef object compute_loss(Declaration self, Call *call, const Kernel *kernel, const Summation *summation)
