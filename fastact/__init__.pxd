# Written by tools/make_pxd.py from fastact/catalogue; not by hand.
#
# Functions of memoryviews, for Cython: fastact.gelu[float](x, out) of vectors with any strides, fastact.softmax[double]
# (x, out) of the rows of matrices.  None needs the GIL.  What is wrong raises a ValueError before anything is written.
# For other shapes there are `api.find` and `api.run`, see include/fastact.h.  The C compiler wants its folder,
# fastact.get_include().

cimport cython
from cython cimport floating

from fastact._c_api cimport (
    FA_BACKWARD,
    FA_BACKWARD_Y,
    FA_DERIVATIVE,
    FA_FLOAT32,
    FA_FLOAT64,
    FA_FORWARD,
    FA_MEMORY,
    FA_OK,
    api,
    fa_api,
    fa_function,
)


cdef extern from *:
    """
    static const fa_function *fastact_found[140][2]; /* what this module has used, so that it is looked up once */
    """
    const fa_function *fastact_found[140][2]


cdef inline const fa_function *_find(int index, const char *name, int role, int type) noexcept nogil:
    if fastact_found[index][type] == NULL:
        fastact_found[index][type] = api.find(name, role, type)
    return fastact_found[index][type]


cdef inline int _fail(const char *name, int status) except -1 nogil:
    with gil:
        if status == FA_MEMORY:
            raise MemoryError(f"fastact.{name.decode()}: {api.explain(status).decode()}")
        raise ValueError(f"fastact.{name.decode()}: {api.explain(status).decode()}")


cdef inline int _unequal(const char *name) except -1 nogil:
    with gil:
        raise ValueError(f"fastact.{name.decode()}: the operands differ in their shapes")


cdef inline int _call_vv(
        int index, const char *name, int role, const double *parameters, const floating[:] a0,
        floating[:] a1) except -1 nogil:
    cdef void *operands[2]
    cdef Py_ssize_t steps[2]
    cdef Py_ssize_t rows = 1, n = a0.shape[0]
    cdef int status
    with cython.boundscheck(False):
        operands[0] = <void *> &a0[0]
    steps[0] = a0.strides[0]
    if a1.shape[0] != n:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[1] = <void *> &a1[0]
    steps[1] = a1.strides[0]
    status = api.run(
        _find(index, name, role, FA_FLOAT64 if floating is double else FA_FLOAT32), parameters,
        rows, n, operands, NULL, steps)
    return 0 if status == FA_OK else _fail(name, status)


cdef inline int _call_vvv(
        int index, const char *name, int role, const double *parameters, const floating[:] a0, const
        floating[:] a1, floating[:] a2) except -1 nogil:
    cdef void *operands[3]
    cdef Py_ssize_t steps[3]
    cdef Py_ssize_t rows = 1, n = a0.shape[0]
    cdef int status
    with cython.boundscheck(False):
        operands[0] = <void *> &a0[0]
    steps[0] = a0.strides[0]
    if a1.shape[0] != n:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[1] = <void *> &a1[0]
    steps[1] = a1.strides[0]
    if a2.shape[0] != n:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[2] = <void *> &a2[0]
    steps[2] = a2.strides[0]
    status = api.run(
        _find(index, name, role, FA_FLOAT64 if floating is double else FA_FLOAT32), parameters,
        rows, n, operands, NULL, steps)
    return 0 if status == FA_OK else _fail(name, status)


cdef inline int _call_vwv(
        int index, const char *name, int role, const double *parameters, const floating[:] a0, const
        floating[:] a1, floating[:] a2) except -1 nogil:
    cdef void *operands[3]
    cdef Py_ssize_t steps[3]
    cdef Py_ssize_t rows = 1, n = a0.shape[0]
    cdef int status
    with cython.boundscheck(False):
        operands[0] = <void *> &a0[0]
    steps[0] = a0.strides[0]
    if a1.shape[0] != n and a1.shape[0] != 1:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[1] = <void *> &a1[0]
    steps[1] = a1.strides[0] if a1.shape[0] == n else 0
    if a2.shape[0] != n:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[2] = <void *> &a2[0]
    steps[2] = a2.strides[0]
    status = api.run(
        _find(index, name, role, FA_FLOAT64 if floating is double else FA_FLOAT32), parameters,
        rows, n, operands, NULL, steps)
    return 0 if status == FA_OK else _fail(name, status)


cdef inline int _call_vvwv(
        int index, const char *name, int role, const double *parameters, const floating[:] a0, const
        floating[:] a1, const floating[:] a2, floating[:] a3) except -1 nogil:
    cdef void *operands[4]
    cdef Py_ssize_t steps[4]
    cdef Py_ssize_t rows = 1, n = a0.shape[0]
    cdef int status
    with cython.boundscheck(False):
        operands[0] = <void *> &a0[0]
    steps[0] = a0.strides[0]
    if a1.shape[0] != n:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[1] = <void *> &a1[0]
    steps[1] = a1.strides[0]
    if a2.shape[0] != n and a2.shape[0] != 1:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[2] = <void *> &a2[0]
    steps[2] = a2.strides[0] if a2.shape[0] == n else 0
    if a3.shape[0] != n:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[3] = <void *> &a3[0]
    steps[3] = a3.strides[0]
    status = api.run(
        _find(index, name, role, FA_FLOAT64 if floating is double else FA_FLOAT32), parameters,
        rows, n, operands, NULL, steps)
    return 0 if status == FA_OK else _fail(name, status)


cdef inline int _call_mm(
        int index, const char *name, int role, const double *parameters, const floating[:, :] a0,
        floating[:, :] a1) except -1 nogil:
    cdef void *operands[2]
    cdef Py_ssize_t steps[2]
    cdef Py_ssize_t row_steps[2]
    cdef Py_ssize_t rows = a0.shape[0], n = a0.shape[1]
    cdef int status
    with cython.boundscheck(False):
        operands[0] = <void *> &a0[0, 0]
    row_steps[0] = a0.strides[0]
    steps[0] = a0.strides[1]
    if a1.shape[0] != rows or a1.shape[1] != n:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[1] = <void *> &a1[0, 0]
    row_steps[1] = a1.strides[0]
    steps[1] = a1.strides[1]
    status = api.run(
        _find(index, name, role, FA_FLOAT64 if floating is double else FA_FLOAT32), parameters,
        rows, n, operands, row_steps, steps)
    return 0 if status == FA_OK else _fail(name, status)


cdef inline int _call_mmm(
        int index, const char *name, int role, const double *parameters, const floating[:, :] a0,
        const floating[:, :] a1, floating[:, :] a2) except -1 nogil:
    cdef void *operands[3]
    cdef Py_ssize_t steps[3]
    cdef Py_ssize_t row_steps[3]
    cdef Py_ssize_t rows = a0.shape[0], n = a0.shape[1]
    cdef int status
    with cython.boundscheck(False):
        operands[0] = <void *> &a0[0, 0]
    row_steps[0] = a0.strides[0]
    steps[0] = a0.strides[1]
    if a1.shape[0] != rows or a1.shape[1] != n:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[1] = <void *> &a1[0, 0]
    row_steps[1] = a1.strides[0]
    steps[1] = a1.strides[1]
    if a2.shape[0] != rows or a2.shape[1] != n:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[2] = <void *> &a2[0, 0]
    row_steps[2] = a2.strides[0]
    steps[2] = a2.strides[1]
    status = api.run(
        _find(index, name, role, FA_FLOAT64 if floating is double else FA_FLOAT32), parameters,
        rows, n, operands, row_steps, steps)
    return 0 if status == FA_OK else _fail(name, status)


cdef inline int _call_vvvvv(
        int index, const char *name, int role, const double *parameters, const floating[:] a0, const
        floating[:] a1, const floating[:] a2, floating[:] a3, floating[:] a4) except -1 nogil:
    cdef void *operands[5]
    cdef Py_ssize_t steps[5]
    cdef Py_ssize_t rows = 1, n = a0.shape[0]
    cdef int status
    with cython.boundscheck(False):
        operands[0] = <void *> &a0[0]
    steps[0] = a0.strides[0]
    if a1.shape[0] != n:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[1] = <void *> &a1[0]
    steps[1] = a1.strides[0]
    if a2.shape[0] != n:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[2] = <void *> &a2[0]
    steps[2] = a2.strides[0]
    if a3.shape[0] != n:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[3] = <void *> &a3[0]
    steps[3] = a3.strides[0]
    if a4.shape[0] != n:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[4] = <void *> &a4[0]
    steps[4] = a4.strides[0]
    status = api.run(
        _find(index, name, role, FA_FLOAT64 if floating is double else FA_FLOAT32), parameters,
        rows, n, operands, NULL, steps)
    return 0 if status == FA_OK else _fail(name, status)


cdef inline int _call_mv(
        int index, const char *name, int role, const double *parameters, const floating[:, :] a0,
        floating[:] a1) except -1 nogil:
    cdef void *operands[2]
    cdef Py_ssize_t steps[2]
    cdef Py_ssize_t row_steps[2]
    cdef Py_ssize_t rows = a0.shape[0], n = a0.shape[1]
    cdef int status
    with cython.boundscheck(False):
        operands[0] = <void *> &a0[0, 0]
    row_steps[0] = a0.strides[0]
    steps[0] = a0.strides[1]
    if a1.shape[0] != rows:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[1] = <void *> &a1[0]
    row_steps[1] = a1.strides[0]
    steps[1] = a1.strides[0]
    status = api.run(
        _find(index, name, role, FA_FLOAT64 if floating is double else FA_FLOAT32), parameters,
        rows, n, operands, row_steps, steps)
    return 0 if status == FA_OK else _fail(name, status)


cdef inline int _call_vmm(
        int index, const char *name, int role, const double *parameters, const floating[:] a0, const
        floating[:, :] a1, floating[:, :] a2) except -1 nogil:
    cdef void *operands[3]
    cdef Py_ssize_t steps[3]
    cdef Py_ssize_t row_steps[3]
    cdef Py_ssize_t rows = a1.shape[0], n = a1.shape[1]
    cdef int status
    if a0.shape[0] != rows:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[0] = <void *> &a0[0]
    row_steps[0] = a0.strides[0]
    steps[0] = a0.strides[0]
    with cython.boundscheck(False):
        operands[1] = <void *> &a1[0, 0]
    row_steps[1] = a1.strides[0]
    steps[1] = a1.strides[1]
    if a2.shape[0] != rows or a2.shape[1] != n:
        return _unequal(name)
    with cython.boundscheck(False):
        operands[2] = <void *> &a2[0, 0]
    row_steps[2] = a2.strides[0]
    steps[2] = a2.strides[1]
    status = api.run(
        _find(index, name, role, FA_FLOAT64 if floating is double else FA_FLOAT32), parameters,
        rows, n, operands, row_steps, steps)
    return 0 if status == FA_OK else _fail(name, status)


cdef inline int relu(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](0, "relu", FA_FORWARD, NULL, x, out)


cdef inline int relu_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](1, "relu", FA_DERIVATIVE, NULL, x, out)


cdef inline int relu_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](2, "relu", FA_BACKWARD, NULL, grad, x, out)


cdef inline int relu_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out) except -1 nogil:
    return _call_vvv[floating](3, "relu", FA_BACKWARD_Y, NULL, grad, y, out)


cdef inline int leaky_relu(
        const floating[:] x, floating[:] out, double negative_slope=0.01) except -1 nogil:
    cdef double[1] parameters = [negative_slope]
    return _call_vv[floating](4, "leaky_relu", FA_FORWARD, parameters, x, out)


cdef inline int leaky_relu_derivative(
        const floating[:] x, floating[:] out, double negative_slope=0.01) except -1 nogil:
    cdef double[1] parameters = [negative_slope]
    return _call_vv[floating](5, "leaky_relu", FA_DERIVATIVE, parameters, x, out)


cdef inline int leaky_relu_backward(
        const floating[:] grad, const floating[:] x, floating[:] out, double negative_slope=0.01) except -1 nogil:
    cdef double[1] parameters = [negative_slope]
    return _call_vvv[floating](6, "leaky_relu", FA_BACKWARD, parameters, grad, x, out)


cdef inline int leaky_relu_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out, double negative_slope=0.01) except -1 nogil:
    cdef double[1] parameters = [negative_slope]
    return _call_vvv[floating](7, "leaky_relu", FA_BACKWARD_Y, parameters, grad, y, out)


cdef inline int prelu(
        const floating[:] x, const floating[:] weight, floating[:] out) except -1 nogil:
    return _call_vwv[floating](8, "prelu", FA_FORWARD, NULL, x, weight, out)


cdef inline int prelu_derivative(
        const floating[:] x, const floating[:] weight, floating[:] out) except -1 nogil:
    return _call_vwv[floating](9, "prelu", FA_DERIVATIVE, NULL, x, weight, out)


cdef inline int prelu_backward(
        const floating[:] grad, const floating[:] x, const floating[:] weight, floating[:] out) except -1 nogil:
    return _call_vvwv[floating](10, "prelu", FA_BACKWARD, NULL, grad, x, weight, out)


cdef inline int prelu_backward_y(
        const floating[:] grad, const floating[:] y, const floating[:] weight, floating[:] out) except -1 nogil:
    return _call_vvwv[floating](11, "prelu", FA_BACKWARD_Y, NULL, grad, y, weight, out)


cdef inline int relu6(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](12, "relu6", FA_FORWARD, NULL, x, out)


cdef inline int relu6_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](13, "relu6", FA_DERIVATIVE, NULL, x, out)


cdef inline int relu6_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](14, "relu6", FA_BACKWARD, NULL, grad, x, out)


cdef inline int relu6_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out) except -1 nogil:
    return _call_vvv[floating](15, "relu6", FA_BACKWARD_Y, NULL, grad, y, out)


cdef inline int hard_tanh(
        const floating[:] x, floating[:] out, double min_val, double max_val) except -1 nogil:
    cdef double[2] parameters = [min_val, max_val]
    return _call_vv[floating](16, "hard_tanh", FA_FORWARD, parameters, x, out)


cdef inline int hard_tanh_derivative(
        const floating[:] x, floating[:] out, double min_val, double max_val) except -1 nogil:
    cdef double[2] parameters = [min_val, max_val]
    return _call_vv[floating](17, "hard_tanh", FA_DERIVATIVE, parameters, x, out)


cdef inline int hard_tanh_backward(
        const floating[:] grad, const floating[:] x, floating[:] out, double min_val, double max_val) except -1 nogil:
    cdef double[2] parameters = [min_val, max_val]
    return _call_vvv[floating](18, "hard_tanh", FA_BACKWARD, parameters, grad, x, out)


cdef inline int hard_tanh_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out, double min_val, double max_val) except -1 nogil:
    cdef double[2] parameters = [min_val, max_val]
    return _call_vvv[floating](19, "hard_tanh", FA_BACKWARD_Y, parameters, grad, y, out)


cdef inline int threshold(
        const floating[:] x, floating[:] out, double threshold, double value) except -1 nogil:
    cdef double[2] parameters = [threshold, value]
    return _call_vv[floating](20, "threshold", FA_FORWARD, parameters, x, out)


cdef inline int threshold_derivative(
        const floating[:] x, floating[:] out, double threshold, double value) except -1 nogil:
    cdef double[2] parameters = [threshold, value]
    return _call_vv[floating](21, "threshold", FA_DERIVATIVE, parameters, x, out)


cdef inline int threshold_backward(
        const floating[:] grad, const floating[:] x, floating[:] out, double threshold, double value) except -1 nogil:
    cdef double[2] parameters = [threshold, value]
    return _call_vvv[floating](22, "threshold", FA_BACKWARD, parameters, grad, x, out)


cdef inline int relu_squared(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](23, "relu_squared", FA_FORWARD, NULL, x, out)


cdef inline int relu_squared_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](24, "relu_squared", FA_DERIVATIVE, NULL, x, out)


cdef inline int relu_squared_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](25, "relu_squared", FA_BACKWARD, NULL, grad, x, out)


cdef inline int relu_squared_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out) except -1 nogil:
    return _call_vvv[floating](26, "relu_squared", FA_BACKWARD_Y, NULL, grad, y, out)


cdef inline int hard_sigmoid(
        const floating[:] x, floating[:] out, double slope=0.16666666666666666, double offset=0.5) except -1 nogil:
    cdef double[2] parameters = [slope, offset]
    return _call_vv[floating](27, "hard_sigmoid", FA_FORWARD, parameters, x, out)


cdef inline int hard_sigmoid_derivative(
        const floating[:] x, floating[:] out, double slope=0.16666666666666666, double offset=0.5) except -1 nogil:
    cdef double[2] parameters = [slope, offset]
    return _call_vv[floating](28, "hard_sigmoid", FA_DERIVATIVE, parameters, x, out)


cdef inline int hard_sigmoid_backward(
        const floating[:] grad, const floating[:] x, floating[:] out, double
        slope=0.16666666666666666, double offset=0.5) except -1 nogil:
    cdef double[2] parameters = [slope, offset]
    return _call_vvv[floating](29, "hard_sigmoid", FA_BACKWARD, parameters, grad, x, out)


cdef inline int hard_sigmoid_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out, double
        slope=0.16666666666666666, double offset=0.5) except -1 nogil:
    cdef double[2] parameters = [slope, offset]
    return _call_vvv[floating](30, "hard_sigmoid", FA_BACKWARD_Y, parameters, grad, y, out)


cdef inline int hard_swish(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](31, "hard_swish", FA_FORWARD, NULL, x, out)


cdef inline int hard_swish_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](32, "hard_swish", FA_DERIVATIVE, NULL, x, out)


cdef inline int hard_swish_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](33, "hard_swish", FA_BACKWARD, NULL, grad, x, out)


cdef inline int hard_shrink(
        const floating[:] x, floating[:] out, double lambd=0.5) except -1 nogil:
    cdef double[1] parameters = [lambd]
    return _call_vv[floating](34, "hard_shrink", FA_FORWARD, parameters, x, out)


cdef inline int hard_shrink_derivative(
        const floating[:] x, floating[:] out, double lambd=0.5) except -1 nogil:
    cdef double[1] parameters = [lambd]
    return _call_vv[floating](35, "hard_shrink", FA_DERIVATIVE, parameters, x, out)


cdef inline int hard_shrink_backward(
        const floating[:] grad, const floating[:] x, floating[:] out, double lambd=0.5) except -1 nogil:
    cdef double[1] parameters = [lambd]
    return _call_vvv[floating](36, "hard_shrink", FA_BACKWARD, parameters, grad, x, out)


cdef inline int hard_shrink_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out, double lambd=0.5) except -1 nogil:
    cdef double[1] parameters = [lambd]
    return _call_vvv[floating](37, "hard_shrink", FA_BACKWARD_Y, parameters, grad, y, out)


cdef inline int soft_shrink(
        const floating[:] x, floating[:] out, double lambd=0.5) except -1 nogil:
    cdef double[1] parameters = [lambd]
    return _call_vv[floating](38, "soft_shrink", FA_FORWARD, parameters, x, out)


cdef inline int soft_shrink_derivative(
        const floating[:] x, floating[:] out, double lambd=0.5) except -1 nogil:
    cdef double[1] parameters = [lambd]
    return _call_vv[floating](39, "soft_shrink", FA_DERIVATIVE, parameters, x, out)


cdef inline int soft_shrink_backward(
        const floating[:] grad, const floating[:] x, floating[:] out, double lambd=0.5) except -1 nogil:
    cdef double[1] parameters = [lambd]
    return _call_vvv[floating](40, "soft_shrink", FA_BACKWARD, parameters, grad, x, out)


cdef inline int soft_shrink_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out, double lambd=0.5) except -1 nogil:
    cdef double[1] parameters = [lambd]
    return _call_vvv[floating](41, "soft_shrink", FA_BACKWARD_Y, parameters, grad, y, out)


cdef inline int sparse_plus(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](42, "sparse_plus", FA_FORWARD, NULL, x, out)


cdef inline int sparse_plus_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](43, "sparse_plus", FA_DERIVATIVE, NULL, x, out)


cdef inline int sparse_plus_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](44, "sparse_plus", FA_BACKWARD, NULL, grad, x, out)


cdef inline int sparse_plus_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out) except -1 nogil:
    return _call_vvv[floating](45, "sparse_plus", FA_BACKWARD_Y, NULL, grad, y, out)


cdef inline int sparse_sigmoid(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](46, "sparse_sigmoid", FA_FORWARD, NULL, x, out)


cdef inline int sparse_sigmoid_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](47, "sparse_sigmoid", FA_DERIVATIVE, NULL, x, out)


cdef inline int sparse_sigmoid_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](48, "sparse_sigmoid", FA_BACKWARD, NULL, grad, x, out)


cdef inline int sparse_sigmoid_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out) except -1 nogil:
    return _call_vvv[floating](49, "sparse_sigmoid", FA_BACKWARD_Y, NULL, grad, y, out)


cdef inline int identity(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](50, "identity", FA_FORWARD, NULL, x, out)


cdef inline int identity_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](51, "identity", FA_DERIVATIVE, NULL, x, out)


cdef inline int identity_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](52, "identity", FA_BACKWARD, NULL, grad, x, out)


cdef inline int identity_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out) except -1 nogil:
    return _call_vvv[floating](53, "identity", FA_BACKWARD_Y, NULL, grad, y, out)


cdef inline int soft_sign(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](54, "soft_sign", FA_FORWARD, NULL, x, out)


cdef inline int soft_sign_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](55, "soft_sign", FA_DERIVATIVE, NULL, x, out)


cdef inline int soft_sign_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](56, "soft_sign", FA_BACKWARD, NULL, grad, x, out)


cdef inline int soft_sign_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out) except -1 nogil:
    return _call_vvv[floating](57, "soft_sign", FA_BACKWARD_Y, NULL, grad, y, out)


cdef inline int squareplus(
        const floating[:] x, floating[:] out, double b=4.0) except -1 nogil:
    cdef double[1] parameters = [b]
    return _call_vv[floating](58, "squareplus", FA_FORWARD, parameters, x, out)


cdef inline int squareplus_derivative(
        const floating[:] x, floating[:] out, double b=4.0) except -1 nogil:
    cdef double[1] parameters = [b]
    return _call_vv[floating](59, "squareplus", FA_DERIVATIVE, parameters, x, out)


cdef inline int squareplus_backward(
        const floating[:] grad, const floating[:] x, floating[:] out, double b=4.0) except -1 nogil:
    cdef double[1] parameters = [b]
    return _call_vvv[floating](60, "squareplus", FA_BACKWARD, parameters, grad, x, out)


cdef inline int squareplus_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out, double b=4.0) except -1 nogil:
    cdef double[1] parameters = [b]
    return _call_vvv[floating](61, "squareplus", FA_BACKWARD_Y, parameters, grad, y, out)


cdef inline int sigmoid(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](62, "sigmoid", FA_FORWARD, NULL, x, out)


cdef inline int sigmoid_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](63, "sigmoid", FA_DERIVATIVE, NULL, x, out)


cdef inline int sigmoid_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](64, "sigmoid", FA_BACKWARD, NULL, grad, x, out)


cdef inline int sigmoid_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out) except -1 nogil:
    return _call_vvv[floating](65, "sigmoid", FA_BACKWARD_Y, NULL, grad, y, out)


cdef inline int tanh(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](66, "tanh", FA_FORWARD, NULL, x, out)


cdef inline int tanh_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](67, "tanh", FA_DERIVATIVE, NULL, x, out)


cdef inline int tanh_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](68, "tanh", FA_BACKWARD, NULL, grad, x, out)


cdef inline int tanh_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out) except -1 nogil:
    return _call_vvv[floating](69, "tanh", FA_BACKWARD_Y, NULL, grad, y, out)


cdef inline int tanh_shrink(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](70, "tanh_shrink", FA_FORWARD, NULL, x, out)


cdef inline int tanh_shrink_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](71, "tanh_shrink", FA_DERIVATIVE, NULL, x, out)


cdef inline int tanh_shrink_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](72, "tanh_shrink", FA_BACKWARD, NULL, grad, x, out)


cdef inline int silu(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](73, "silu", FA_FORWARD, NULL, x, out)


cdef inline int silu_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](74, "silu", FA_DERIVATIVE, NULL, x, out)


cdef inline int silu_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](75, "silu", FA_BACKWARD, NULL, grad, x, out)


cdef inline int swish(
        const floating[:] x, floating[:] out, double beta=1.0) except -1 nogil:
    cdef double[1] parameters = [beta]
    return _call_vv[floating](76, "swish", FA_FORWARD, parameters, x, out)


cdef inline int swish_derivative(
        const floating[:] x, floating[:] out, double beta=1.0) except -1 nogil:
    cdef double[1] parameters = [beta]
    return _call_vv[floating](77, "swish", FA_DERIVATIVE, parameters, x, out)


cdef inline int swish_backward(
        const floating[:] grad, const floating[:] x, floating[:] out, double beta=1.0) except -1 nogil:
    cdef double[1] parameters = [beta]
    return _call_vvv[floating](78, "swish", FA_BACKWARD, parameters, grad, x, out)


cdef inline int quick_gelu(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](79, "quick_gelu", FA_FORWARD, NULL, x, out)


cdef inline int quick_gelu_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](80, "quick_gelu", FA_DERIVATIVE, NULL, x, out)


cdef inline int quick_gelu_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](81, "quick_gelu", FA_BACKWARD, NULL, grad, x, out)


cdef inline int gelu_tanh(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](82, "gelu_tanh", FA_FORWARD, NULL, x, out)


cdef inline int gelu_tanh_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](83, "gelu_tanh", FA_DERIVATIVE, NULL, x, out)


cdef inline int gelu_tanh_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](84, "gelu_tanh", FA_BACKWARD, NULL, grad, x, out)


cdef inline int exponential(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](85, "exponential", FA_FORWARD, NULL, x, out)


cdef inline int exponential_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](86, "exponential", FA_DERIVATIVE, NULL, x, out)


cdef inline int exponential_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](87, "exponential", FA_BACKWARD, NULL, grad, x, out)


cdef inline int exponential_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out) except -1 nogil:
    return _call_vvv[floating](88, "exponential", FA_BACKWARD_Y, NULL, grad, y, out)


cdef inline int gaussian(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](89, "gaussian", FA_FORWARD, NULL, x, out)


cdef inline int gaussian_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](90, "gaussian", FA_DERIVATIVE, NULL, x, out)


cdef inline int gaussian_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](91, "gaussian", FA_BACKWARD, NULL, grad, x, out)


cdef inline int elu(
        const floating[:] x, floating[:] out, double alpha=1.0) except -1 nogil:
    cdef double[1] parameters = [alpha]
    return _call_vv[floating](92, "elu", FA_FORWARD, parameters, x, out)


cdef inline int elu_derivative(
        const floating[:] x, floating[:] out, double alpha=1.0) except -1 nogil:
    cdef double[1] parameters = [alpha]
    return _call_vv[floating](93, "elu", FA_DERIVATIVE, parameters, x, out)


cdef inline int elu_backward(
        const floating[:] grad, const floating[:] x, floating[:] out, double alpha=1.0) except -1 nogil:
    cdef double[1] parameters = [alpha]
    return _call_vvv[floating](94, "elu", FA_BACKWARD, parameters, grad, x, out)


cdef inline int elu_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out, double alpha=1.0) except -1 nogil:
    cdef double[1] parameters = [alpha]
    return _call_vvv[floating](95, "elu", FA_BACKWARD_Y, parameters, grad, y, out)


cdef inline int selu(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](96, "selu", FA_FORWARD, NULL, x, out)


cdef inline int selu_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](97, "selu", FA_DERIVATIVE, NULL, x, out)


cdef inline int selu_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](98, "selu", FA_BACKWARD, NULL, grad, x, out)


cdef inline int selu_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out) except -1 nogil:
    return _call_vvv[floating](99, "selu", FA_BACKWARD_Y, NULL, grad, y, out)


cdef inline int celu(
        const floating[:] x, floating[:] out, double alpha=1.0) except -1 nogil:
    cdef double[1] parameters = [alpha]
    return _call_vv[floating](100, "celu", FA_FORWARD, parameters, x, out)


cdef inline int celu_derivative(
        const floating[:] x, floating[:] out, double alpha=1.0) except -1 nogil:
    cdef double[1] parameters = [alpha]
    return _call_vv[floating](101, "celu", FA_DERIVATIVE, parameters, x, out)


cdef inline int celu_backward(
        const floating[:] grad, const floating[:] x, floating[:] out, double alpha=1.0) except -1 nogil:
    cdef double[1] parameters = [alpha]
    return _call_vvv[floating](102, "celu", FA_BACKWARD, parameters, grad, x, out)


cdef inline int celu_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out, double alpha=1.0) except -1 nogil:
    cdef double[1] parameters = [alpha]
    return _call_vvv[floating](103, "celu", FA_BACKWARD_Y, parameters, grad, y, out)


cdef inline int softplus(
        const floating[:] x, floating[:] out, double beta=1.0) except -1 nogil:
    cdef double[1] parameters = [beta]
    return _call_vv[floating](104, "softplus", FA_FORWARD, parameters, x, out)


cdef inline int softplus_derivative(
        const floating[:] x, floating[:] out, double beta=1.0) except -1 nogil:
    cdef double[1] parameters = [beta]
    return _call_vv[floating](105, "softplus", FA_DERIVATIVE, parameters, x, out)


cdef inline int softplus_backward(
        const floating[:] grad, const floating[:] x, floating[:] out, double beta=1.0) except -1 nogil:
    cdef double[1] parameters = [beta]
    return _call_vvv[floating](106, "softplus", FA_BACKWARD, parameters, grad, x, out)


cdef inline int softplus_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out, double beta=1.0) except -1 nogil:
    cdef double[1] parameters = [beta]
    return _call_vvv[floating](107, "softplus", FA_BACKWARD_Y, parameters, grad, y, out)


cdef inline int log_sigmoid(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](108, "log_sigmoid", FA_FORWARD, NULL, x, out)


cdef inline int log_sigmoid_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](109, "log_sigmoid", FA_DERIVATIVE, NULL, x, out)


cdef inline int log_sigmoid_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](110, "log_sigmoid", FA_BACKWARD, NULL, grad, x, out)


cdef inline int log_sigmoid_backward_y(
        const floating[:] grad, const floating[:] y, floating[:] out) except -1 nogil:
    return _call_vvv[floating](111, "log_sigmoid", FA_BACKWARD_Y, NULL, grad, y, out)


cdef inline int mish(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](112, "mish", FA_FORWARD, NULL, x, out)


cdef inline int mish_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](113, "mish", FA_DERIVATIVE, NULL, x, out)


cdef inline int mish_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](114, "mish", FA_BACKWARD, NULL, grad, x, out)


cdef inline int gelu(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](115, "gelu", FA_FORWARD, NULL, x, out)


cdef inline int gelu_derivative(
        const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vv[floating](116, "gelu", FA_DERIVATIVE, NULL, x, out)


cdef inline int gelu_backward(
        const floating[:] grad, const floating[:] x, floating[:] out) except -1 nogil:
    return _call_vvv[floating](117, "gelu", FA_BACKWARD, NULL, grad, x, out)


cdef inline int softmax(
        const floating[:, :] x, floating[:, :] out, double scale=1.0) except -1 nogil:
    cdef double[1] parameters = [scale]
    return _call_mm[floating](118, "softmax", FA_FORWARD, parameters, x, out)


cdef inline int softmax_backward_y(
        const floating[:, :] grad, const floating[:, :] y, floating[:, :] out, double scale=1.0) except -1 nogil:
    cdef double[1] parameters = [scale]
    return _call_mmm[floating](119, "softmax", FA_BACKWARD_Y, parameters, grad, y, out)


cdef inline int softmin(
        const floating[:, :] x, floating[:, :] out) except -1 nogil:
    return _call_mm[floating](120, "softmin", FA_FORWARD, NULL, x, out)


cdef inline int softmin_backward_y(
        const floating[:, :] grad, const floating[:, :] y, floating[:, :] out) except -1 nogil:
    return _call_mmm[floating](121, "softmin", FA_BACKWARD_Y, NULL, grad, y, out)


cdef inline int log_softmax(
        const floating[:, :] x, floating[:, :] out, double scale=1.0) except -1 nogil:
    cdef double[1] parameters = [scale]
    return _call_mm[floating](122, "log_softmax", FA_FORWARD, parameters, x, out)


cdef inline int log_softmax_backward_y(
        const floating[:, :] grad, const floating[:, :] y, floating[:, :] out, double scale=1.0) except -1 nogil:
    cdef double[1] parameters = [scale]
    return _call_mmm[floating](123, "log_softmax", FA_BACKWARD_Y, parameters, grad, y, out)


cdef inline int sparsemax(
        const floating[:, :] x, floating[:, :] out) except -1 nogil:
    return _call_mm[floating](124, "sparsemax", FA_FORWARD, NULL, x, out)


cdef inline int sparsemax_backward_y(
        const floating[:, :] grad, const floating[:, :] y, floating[:, :] out) except -1 nogil:
    return _call_mmm[floating](125, "sparsemax", FA_BACKWARD_Y, NULL, grad, y, out)


cdef inline int glu(
        const floating[:] value, const floating[:] gate, floating[:] out) except -1 nogil:
    return _call_vvv[floating](126, "glu", FA_FORWARD, NULL, value, gate, out)


cdef inline int glu_backward(
        const floating[:] grad, const floating[:] gate, const floating[:] value, floating[:]
        gate_grad, floating[:] value_grad) except -1 nogil:
    return _call_vvvvv[floating](127, "glu", FA_BACKWARD, NULL, grad, gate, value, gate_grad, value_grad)


cdef inline int swiglu(
        const floating[:] gate, const floating[:] value, floating[:] out) except -1 nogil:
    return _call_vvv[floating](128, "swiglu", FA_FORWARD, NULL, gate, value, out)


cdef inline int swiglu_backward(
        const floating[:] grad, const floating[:] gate, const floating[:] value, floating[:]
        gate_grad, floating[:] value_grad) except -1 nogil:
    return _call_vvvvv[floating](129, "swiglu", FA_BACKWARD, NULL, grad, gate, value, gate_grad, value_grad)


cdef inline int geglu(
        const floating[:] gate, const floating[:] value, floating[:] out) except -1 nogil:
    return _call_vvv[floating](130, "geglu", FA_FORWARD, NULL, gate, value, out)


cdef inline int geglu_backward(
        const floating[:] grad, const floating[:] gate, const floating[:] value, floating[:]
        gate_grad, floating[:] value_grad) except -1 nogil:
    return _call_vvvvv[floating](131, "geglu", FA_BACKWARD, NULL, grad, gate, value, gate_grad, value_grad)


cdef inline int geglu_tanh(
        const floating[:] gate, const floating[:] value, floating[:] out) except -1 nogil:
    return _call_vvv[floating](132, "geglu_tanh", FA_FORWARD, NULL, gate, value, out)


cdef inline int geglu_tanh_backward(
        const floating[:] grad, const floating[:] gate, const floating[:] value, floating[:]
        gate_grad, floating[:] value_grad) except -1 nogil:
    return _call_vvvvv[floating](133, "geglu_tanh", FA_BACKWARD, NULL, grad, gate, value, gate_grad, value_grad)


cdef inline int reglu(
        const floating[:] gate, const floating[:] value, floating[:] out) except -1 nogil:
    return _call_vvv[floating](134, "reglu", FA_FORWARD, NULL, gate, value, out)


cdef inline int reglu_backward(
        const floating[:] grad, const floating[:] gate, const floating[:] value, floating[:]
        gate_grad, floating[:] value_grad) except -1 nogil:
    return _call_vvvvv[floating](135, "reglu", FA_BACKWARD, NULL, grad, gate, value, gate_grad, value_grad)


cdef inline int bilinear(
        const floating[:] gate, const floating[:] value, floating[:] out) except -1 nogil:
    return _call_vvv[floating](136, "bilinear", FA_FORWARD, NULL, gate, value, out)


cdef inline int bilinear_backward(
        const floating[:] grad, const floating[:] gate, const floating[:] value, floating[:]
        gate_grad, floating[:] value_grad) except -1 nogil:
    return _call_vvvvv[floating](137, "bilinear", FA_BACKWARD, NULL, grad, gate, value, gate_grad, value_grad)


cdef inline int logsumexp(
        const floating[:, :] x, floating[:] out, double scale=1.0) except -1 nogil:
    cdef double[1] parameters = [scale]
    return _call_mv[floating](138, "logsumexp", FA_FORWARD, parameters, x, out)


cdef inline int logsumexp_backward(
        const floating[:] grad, const floating[:, :] x, floating[:, :] out, double scale=1.0) except -1 nogil:
    cdef double[1] parameters = [scale]
    return _call_vmm[floating](139, "logsumexp", FA_BACKWARD, parameters, grad, x, out)
