# cython: language_level=3
# From Cython: a hidden layer's activation in place, and its gradient, without the GIL.  In setup.py:
#
#     Extension("from_cython", ["from_cython.pyx"], include_dirs=[fastact.get_include()])

cimport fastact


def layer(float[:, ::1] hidden, float[:, ::1] grad):
    cdef Py_ssize_t i
    with nogil:
        for i in range(hidden.shape[0]):
            fastact.elu[float](hidden[i], hidden[i], 0.5)
            fastact.elu_backward_y[float](grad[i], hidden[i], grad[i], 0.5)
