# NumPy's C API on borrowed pointers: its own declarations count a reference at every look at an array.

cimport numpy as cnp
from cpython.object cimport PyObject


cdef extern from "numpy/arrayobject.h":
    ctypedef struct Array "PyArrayObject":
        pass
    ctypedef struct PyArray_Descr:
        pass

    bint PyArray_CheckExact(Array *x) nogil
    int PyArray_NDIM(Array *x) nogil
    int PyArray_TYPE(Array *x) nogil
    int PyArray_FLAGS(Array *x) nogil
    bint PyArray_ISNOTSWAPPED(Array *x) nogil
    bint PyArray_ISWRITEABLE(Array *x) nogil
    char *PyArray_BYTES(Array *x) nogil
    Py_ssize_t PyArray_ITEMSIZE(Array *x) nogil
    Py_ssize_t PyArray_SIZE(Array *x) nogil
    cnp.npy_intp *PyArray_DIMS(Array *x) nogil
    cnp.npy_intp *PyArray_STRIDES(Array *x) nogil
    Py_ssize_t PyArray_DIM(Array *x, int axis) nogil
    Py_ssize_t PyArray_STRIDE(Array *x, int axis) nogil

    object PyArray_NewCopy(Array *x, cnp.NPY_ORDER order)
    # These steal a reference to descr.
    object PyArray_NewLikeArray(Array *x, cnp.NPY_ORDER order, PyArray_Descr *descr, bint subok)
    object PyArray_NewFromDescr(
        type subtype, cnp.dtype descr, int ndim, cnp.npy_intp *shape, cnp.npy_intp *strides, void *data, int flags,
        PyObject *obj)


# The types of results.  The first two are computed in, the others stored only.
cdef enum:
    FLOAT32 = 0
    FLOAT64 = 1
    FLOAT16 = 2
    BFLOAT16 = 3


cdef inline int real_type(PyObject *value) noexcept:
    """FLOAT32 or FLOAT64 for an exact ndarray in native byte order, -1 for anything else."""
    cdef Array *x = <Array *> value
    if not PyArray_CheckExact(x) or not PyArray_ISNOTSWAPPED(x):
        return -1
    return FLOAT32 if PyArray_TYPE(x) == cnp.NPY_FLOAT else FLOAT64 if PyArray_TYPE(x) == cnp.NPY_DOUBLE else -1


cdef inline Py_ssize_t count(Array *x) noexcept:
    """The number of elements."""
    cdef Py_ssize_t n = 1
    cdef int d
    for d in range(PyArray_NDIM(x)):
        n *= PyArray_DIM(x, d)
    return n


cdef inline bint has_shape(Array *x, const cnp.npy_intp *shape, int ndim) noexcept:
    cdef int d
    if PyArray_NDIM(x) != ndim:
        return False
    for d in range(ndim):
        if PyArray_DIM(x, d) != shape[d]:
            return False
    return True


cdef inline bint same_shape(Array *a, Array *b) noexcept:
    return has_shape(a, PyArray_DIMS(b), PyArray_NDIM(b))


cdef struct Stretch:  # elements that lie along one axis
    Py_ssize_t place, step  # of the first, and from one to the next, in bytes
    Py_ssize_t count


cdef inline Stretch stretch_at(
        Py_ssize_t index, int ndim, const Py_ssize_t *shape, const Py_ssize_t *strides, const int *group,
        int which) noexcept nogil:
    """Where an element is, counted in the order of the axes, with those that follow it along the last of these.

    Axes are all, or those of one group."""
    cdef Stretch found
    cdef int d
    found.place, found.step, found.count = 0, 0, 0
    for d in range(ndim - 1, -1, -1):
        if shape[d] == 1 or group != NULL and group[d] != which:
            continue
        if found.count == 0:
            found.step, found.count = strides[d], shape[d] - index % shape[d]
        found.place += index % shape[d] * strides[d]
        index //= shape[d]
    found.count = max(<Py_ssize_t> 1, found.count)
    return found
