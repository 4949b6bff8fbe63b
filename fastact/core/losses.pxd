# The losses that end a network, with their gradients.

cimport numpy as cnp
from cpython.object cimport PyObject

from fastact.core.kernels cimport fastact_args
from fastact.core.operands cimport Call, Declaration, Fast
from fastact.core.plan cimport Kernel
from fastact.core.segments cimport Summation

cdef enum:  # operands of either loss
    LOGITS = 0
    LABELS = 1
    CLASS_WEIGHT = 3
    GRAD = 4
    LOSSES = 5
    ROW_WEIGHT = 6

cdef object compute_loss(Declaration self, Call *call, const Kernel *kernel, const Summation *summation)
cdef PyObject *fast_loss(
    Declaration self, const Kernel *kernel, const Summation *summation, const fastact_args *args, Fast *fast,
    const cnp.npy_intp *shape, int ndim, Py_ssize_t rows, double *parameters) except? NULL
