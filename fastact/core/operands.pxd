# What a call is while it goes through its phases, and what a function declares of its arguments.

cimport numpy as cnp
from cpython.object cimport PyObject
from libc.stdint cimport int64_t

from fastact.core.arrays cimport Array
from fastact.core.kernels cimport fastact_kernels


cdef extern from "Python.h":
    PyObject *Py_None

cdef enum:
    MAX_ARGUMENTS = 12
    MAX_PARAMETERS = 4
    MAX_OPERANDS = 8
    MAX_NDIM = 64  # NumPy's
    MOST_FAST_WEIGHTS = 64
    MAX_OWNED = 2 * MAX_ARGUMENTS + 2 * MAX_OPERANDS

# The roles and shape rules of catalogue/signatures.py.
cdef enum Role:
    INPUT
    VECTOR
    WEIGHT
    MASK
    LOSS_TARGETS
    PARAMETER
    FLAG
    AXIS
    CHOICE
    INDEX
    OUTPUT
    SUM

cdef enum Shape:
    NO_SHAPE
    LIKE
    HALVES
    BROADCAST
    CHANNEL
    CLASSES
    REDUCED
    ROWS

cdef enum:  # what becomes of losses
    NONE = 0
    SUMMED = 1
    MEAN = 2

cdef enum:  # where a derivative comes from
    FROM_X = 0
    FROM_Y = 1

cdef struct Slot:  # one argument
    Role role
    Shape shape
    int operand  # its place among the kernel's operands, or -1
    int place  # of a parameter: which; of a sum: the argument that was broadcast
    int source  # FROM_X or FROM_Y where it is one of the two that backward can go by, else -1
    bint required
    bint in_place
    bint several  # of an axis: it may be a tuple, or None for all
    double low[2]  # of a weight or a parameter, by source
    double high[2]

cdef struct Operand:
    Array *array  # NULL where there is none; the call owns it
    char *data
    int storage
    int argument  # -1 where it was not given
    bint output
    bint fresh  # made for this call: nobody else knows its memory
    Py_ssize_t strides[MAX_NDIM]  # in bytes, along the axes of the call

cdef struct Call:
    PyObject *given[MAX_ARGUMENTS]
    Array *arrays[MAX_ARGUMENTS]  # what was given, as ndarrays; owned
    double parameters[MAX_PARAMETERS + 1]  # and, of a loss, what its gradient is divided by
    int numbers  # a bit for every weight that was given as a number
    bint keepdims
    bint causal
    bint halves
    bint ignores
    int64_t ignored
    int choice
    Py_ssize_t axis_given
    PyObject *axis_object  # the same as it was given, or NULL
    bint several  # it is a tuple, or None
    PyObject *scalars[MAX_ARGUMENTS]  # that stand for new outputs without axes; the result owns them
    int source
    # Resolved:
    int dtype  # computed in
    int result  # the type of what is returned and written, but for losses and sums
    int first  # the argument whose shape it is
    int ndim
    int axis  # that rows lie along, the last of several; -1 where there are none
    int axes  # how many they are
    Py_ssize_t shape[MAX_NDIM]
    bint along[MAX_NDIM]  # which they are
    Operand operands[MAX_OPERANDS]
    int sum  # the argument of the gradient that is a sum, or -1
    bint kept[MAX_NDIM]  # axes that it is not summed over
    char *joined  # an output whose axes were joined, in the order of these: to be moved to where it was to be written
    char *scattered
    Py_ssize_t scattered_item
    int scattered_ndim
    Py_ssize_t scattered_shape[MAX_NDIM]
    Py_ssize_t scattered_strides[MAX_NDIM]
    PyObject *owned[MAX_OWNED]
    int owned_count
    void *plan  # room for one

cdef struct Fast:  # the operands of a call on the fast path
    char *operands[MAX_OPERANDS]
    Py_ssize_t row_steps[MAX_OPERANDS]
    Py_ssize_t steps[MAX_OPERANDS]
    Py_ssize_t width  # elements of a row
    bint by_rows
    int special  # a bit for every operand that is not of the shape of the first
    double weights[MOST_FAST_WEIGHTS]
    int choice
    bint ignores
    int64_t ignored


cdef inline bint is_given(PyObject *value) noexcept:
    return value != NULL and value != Py_None


cdef class Declaration:
    cdef Slot slots[MAX_ARGUMENTS]
    cdef PyObject *names[MAX_ARGUMENTS]  # interned strings
    cdef tuple arguments  # the same, owned
    cdef int count, positional, operand_count, parameter_count
    cdef int axis_default
    cdef int parameters_at  # the first of them, which follow each other; 0 where there are none
    cdef bint rowwise  # it works along an axis
    cdef bint ordered  # the parameters must not fall
    cdef bint paired  # takes two arrays, or one in halves
    cdef bint value_first  # whose first half is the value
    cdef int halves_argument
    cdef bint chooses  # backward goes by x or y
    cdef double defaults[2][MAX_PARAMETERS]  # by dtype
    cdef object row
    cdef readonly str name, kind, role
    cdef readonly dict declared  # the catalogue's arguments, by name


cdef int read_numbers(Declaration self, Call *call) except -1
cdef int read_arrays(Declaration self, Call *call) except -1
cdef object dispatch_override(Declaration self, Call *call)
cdef int resolve(Declaration self, Call *call) except -1
cdef int allocate(Declaration self, Call *call) except -1
cdef int separate(Declaration self, Call *call) except -1
cdef object new_scalar(int dtype)
cdef char *value_of(object scalar, int dtype) noexcept
cdef object prepare_result(Declaration self, Call *call)
cdef int announce_writes(Declaration self, Call *call) except -1
cdef void finish(Declaration self, Call *call) noexcept
cdef void release(Call *call) noexcept

cdef int round_parameters(Declaration self, PyObject **given, int source, int dtype, double *values) except -1
cdef int set_operand(Call *call, int k, object array, const Py_ssize_t *strides) except -1
cdef object new_array(const Py_ssize_t *shape, int ndim, int dtype)
cdef object new_int64_vector(Py_ssize_t n)
cdef void own(Call *call, object value) noexcept
cdef cnp.dtype dtype_of(int dtype)
cdef int storage_of(Array *x) noexcept
cdef int type_of(Array *x) noexcept
