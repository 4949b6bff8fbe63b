# The phases of a call, each a loop over its arguments: read, resolve, allocate, separate, finish.  What they do to an
# operand follows from its role and its shape rule (catalogue/signatures.py); no function is known by name.
#
# `read` is all that can run the caller's code.  From `resolve` on, arrays are what they are.

cimport numpy as cnp
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdint cimport int64_t, uintptr_t
from libc.string cimport memcpy

from fastact.core.arrays cimport (
    BFLOAT16,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    Array,
    PyArray_BYTES,
    PyArray_CheckExact,
    PyArray_DIM,
    PyArray_DIMS,
    PyArray_Descr,
    PyArray_ISNOTSWAPPED,
    PyArray_ISWRITEABLE,
    PyArray_ITEMSIZE,
    PyArray_NDIM,
    PyArray_NewCopy,
    PyArray_NewFromDescr,
    PyArray_NewLikeArray,
    PyArray_STRIDE,
    PyArray_STRIDES,
    PyArray_TYPE,
    Stretch,
    count,
    has_shape,
    real_type,
    stretch_at,
)
from fastact.core.fpmode cimport (
    fpmode_falls,
    fpmode_first_outside,
    fpmode_first_outside_of_strided,
    fpmode_narrow,
    fpmode_read_bfloat16,
    fpmode_read_double,
    fpmode_read_float,
    fpmode_read_half,
    fpmode_reader,
    fpmode_round,
)
from fastact.core.kernels cimport (
    FASTACT_BFLOAT16,
    FASTACT_BOOL,
    FASTACT_FLOAT16,
)

import numpy as np
from numpy.exceptions import AxisError

from fastact import arguments
from fastact.core import environment

cnp.import_array()


cdef extern from "numpy/arrayobject.h":
    enum:
        NPY_HALF
        NPY_USERDEF

cdef extern from "numpy/arrayscalars.h":
    ctypedef struct PyHalfScalarObject:
        unsigned short obval
    ctypedef struct PyFloatScalarObject:
        float obval
    ctypedef struct PyDoubleScalarObject:
        double obval

cdef extern from *:
    """
    #include <string.h>
    static _Atomic int bfloat16_number = -1; /* NumPy's for the type */

    /* Whether elements are of a type of this name, whatever its module.  No code of the caller's is run. */
    static int is_named(PyArrayObject *x, const char *name)
    {
        const PyTypeObject *type = PyArray_DESCR(x)->typeobj;
        const char *last = strrchr(type->tp_name, '.');
        return !strcmp(last ? last + 1 : type->tp_name, name) && type->tp_itemsize == 0 &&
               type->tp_basicsize == sizeof(PyHalfScalarObject);
    }

    static PyObject *empty_scalar(PyArray_Descr *descr)
    {
        PyTypeObject *type = descr->typeobj;
        return type->tp_alloc(type, 0);
    }
    """
    object empty_scalar(cnp.dtype descr)
    int bfloat16_number
    bint is_named(Array *x, const char *name)

cdef extern from "Python.h":
    bint PyFloat_CheckExact(PyObject *value) nogil
    double PyFloat_AS_DOUBLE(PyObject *value) nogil
    bint PyLong_CheckExact(PyObject *value) nogil

cdef cnp.dtype float32 = np.dtype(np.float32)
cdef cnp.dtype float64 = np.dtype(np.float64)
cdef cnp.dtype float16 = np.dtype(np.float16)
cdef cnp.dtype bfloat16 = None  # once an array of it was met
cdef cnp.dtype int64 = np.dtype(np.int64)
cdef tuple TARGETS_TAKEN = (
    "float16, bfloat16, float32, float64, integer or bool targets",
    "integer labels, or probabilities of float16, bfloat16, float32 or float64")
cdef tuple NAMES = ("float32", "float64", "float16", "bfloat16")  # of the types of results
cdef dict CHOICES = {"none": NONE, "sum": SUMMED, "mean": MEAN}


# In the order of kernels/kernels.h.
cdef tuple STORED = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "bfloat16", "float32",
    "float64")
cdef enum:
    MOST_NUMBERS = 24  # of NumPy's own types
cdef int[MOST_NUMBERS] storages  # by the type's number


cdef void number_storages():
    cdef int i
    for i in range(MOST_NUMBERS):
        storages[i] = -1
    for letter in "?bBhHiIlLqQefd":  # some are of one size
        dtype = np.dtype(letter)
        storages[<int> dtype.num] = STORED.index(dtype.name)


number_storages()

cdef fpmode_reader[4] READERS = [  # by type
    fpmode_read_float, fpmode_read_double, fpmode_read_half, fpmode_read_bfloat16]


cdef class Declaration:  # what a function says of its arguments
    pass


cdef cnp.dtype dtype_of(int dtype):
    return float32 if dtype == FLOAT32 else float64 if dtype == FLOAT64 else float16 if dtype == FLOAT16 else bfloat16


cdef void own(Call *call, object value) noexcept:
    """Keeps an object alive until the call ends."""
    Py_INCREF(value)
    call.owned[call.owned_count] = <PyObject *> value
    call.owned_count += 1


cdef void release(Call *call) noexcept:
    cdef int i
    for i in range(call.owned_count):
        Py_XDECREF(call.owned[i])
    call.owned_count = 0


cdef bint is_bfloat16(Array *x) noexcept:
    """Whether it is of ml_dtypes' type, which nobody need have imported: known by its name, and then by its number."""
    global bfloat16, bfloat16_number
    if PyArray_TYPE(x) == bfloat16_number:
        return True
    if bfloat16_number >= 0 or PyArray_TYPE(x) < NPY_USERDEF or PyArray_ITEMSIZE(x) != 2:
        return False
    if not is_named(x, b"bfloat16"):
        return False
    bfloat16, bfloat16_number = descr_of(x), PyArray_TYPE(x)
    return True


cdef int type_of(Array *x) noexcept:
    """FLOAT32, FLOAT64, FLOAT16 or BFLOAT16 for an exact ndarray in native byte order, -1 for anything else."""
    cdef int dtype = real_type(<PyObject *> x)
    if dtype >= 0 or not PyArray_CheckExact(x) or not PyArray_ISNOTSWAPPED(x):
        return dtype
    return FLOAT16 if PyArray_TYPE(x) == NPY_HALF else BFLOAT16 if is_bfloat16(x) else -1


cdef inline int common_type(int a, int b) noexcept:
    """The type of a result of two; neither half type has the other's numbers."""
    return a if a == b else FLOAT64 if a == FLOAT64 or b == FLOAT64 else FLOAT32


cdef int storage_of(Array *x) noexcept:
    """How the elements are stored, as kernels count it; -1 for a type that they cannot read."""
    cdef int number = PyArray_TYPE(x)
    if not PyArray_ISNOTSWAPPED(x):
        return -1
    if 0 <= number < MOST_NUMBERS:
        return storages[number]
    return FASTACT_BFLOAT16 if is_bfloat16(x) else -1


# ---------------------------------------------------------------------------------------------------------------
# Read
# ---------------------------------------------------------------------------------------------------------------

cdef int read_numbers(Declaration self, Call *call) except -1:
    """Numbers, flags and choices."""
    cdef int i
    cdef Role role
    cdef PyObject *given
    for i in range(self.count):
        role, given = self.slots[i].role, call.given[i]
        if role == PARAMETER:
            call.parameters[self.slots[i].place] = 0
            if given != NULL:
                call.parameters[self.slots[i].place] = (
                    PyFloat_AS_DOUBLE(given) if PyFloat_CheckExact(given)
                    else arguments.as_number(<object> given, self.name, self.arguments[i]))
        elif role == FLAG:
            if given != NULL and arguments.as_bool(<object> given, self.name, self.arguments[i]):
                if self.slots[i].operand >= 0:
                    call.causal = True
                else:
                    call.keepdims = True
        elif role == CHOICE:
            call.choice = MEAN if given == NULL else arguments.as_choice(
                <object> given, CHOICES, self.name, self.arguments[i])
        elif role == INDEX and is_given(given):
            call.ignores, call.ignored = True, arguments.as_int64(<object> given, self.name, self.arguments[i])
    return 0


cdef int read_arrays(Declaration self, Call *call) except -1:
    """Arrays, as what was given is converted; and the axis, which has a name where other libraries are asked."""
    cdef int i
    for i in range(self.count):
        if self.slots[i].role == AXIS:
            read_axis(self, call, i)
        if self.slots[i].role in (PARAMETER, AXIS, FLAG, CHOICE, INDEX) or not is_given(call.given[i]) and not (
                self.slots[i].required and call.given[i] != NULL):
            continue
        array = read_array(self, call, i)
        own(call, array)
        call.arrays[i] = <Array *> array
    return 0


cdef int read_axis(Declaration self, Call *call, int i) except -1:
    """Any int, or several; those that no array has are refused when the array is known."""
    cdef PyObject *given = call.given[i]
    if given == NULL:
        return 0
    axis = (arguments.as_axes if self.slots[i].several else arguments.as_index)(<object> given, self.name)
    own(call, axis)
    call.axis_object = <PyObject *> axis
    if axis is None or isinstance(axis, tuple):
        call.several = True
        return 0
    call.axis_given = axis if -MAX_NDIM <= axis <= MAX_NDIM else 2 * MAX_NDIM
    return 0


cdef object read_array(Declaration self, Call *call, int i):
    cdef Role role = self.slots[i].role
    cdef PyObject *given = call.given[i]
    cdef str name = self.arguments[i]
    if role == WEIGHT and not PyArray_CheckExact(<Array *> given) and (
            PyFloat_CheckExact(given) or arguments.is_number(<object> given)):
        call.numbers |= 1 << i
        number = arguments.as_number(<object> given, self.name, name)
        array = new_array(NULL, 0, FLOAT64)
        (<double *> PyArray_BYTES(<Array *> array))[0] = number
        return array
    if role == INPUT or role == VECTOR or role == WEIGHT:
        return <object> given if type_of(<Array *> given) >= 0 else arguments.as_input(<object> given, self.name, name)
    if role == MASK and not (PyArray_CheckExact(<Array *> given) and PyArray_TYPE(<Array *> given) == cnp.NPY_BOOL):
        return arguments.as_mask(<object> given, self.name, name)
    if PyArray_CheckExact(<Array *> given):  # itself, not a view: the caller's code may still change where it is
        return <object> given
    if role == LOSS_TARGETS:
        return arguments.wrap(<object> given, self.name, name)
    return arguments.as_output(<object> given, self.name, name)


cdef object dispatch_override(Declaration self, Call *call):
    """What an operand that overrides __array_ufunc__ makes of the call, or NotImplemented: of plain arrays, at once."""
    cdef int i
    cdef bint plain = True
    for i in range(self.count):
        if self.slots[i].role in (INPUT, VECTOR, WEIGHT, MASK, LOSS_TARGETS, OUTPUT, SUM) and is_given(call.given[i]):
            plain &= PyArray_CheckExact(<Array *> call.given[i]) or self.slots[i].role == WEIGHT and (
                PyFloat_CheckExact(call.given[i]) or PyLong_CheckExact(call.given[i]))
    if plain:
        return NotImplemented
    given = {self.arguments[i]: <object> call.given[i] for i in range(self.count) if call.given[i] != NULL}
    return arguments.dispatch_override(self, given)


# ---------------------------------------------------------------------------------------------------------------
# Resolve
# ---------------------------------------------------------------------------------------------------------------

cdef int resolve(Declaration self, Call *call) except -1:
    """The compute type, the shape and the axis, and how every input lies along these."""
    cdef int i, d, dtype
    cdef Role role
    cdef Array *x
    call.result, call.first = -1, -1
    for i in range(self.count):
        role, x = self.slots[i].role, call.arrays[i]
        if x == NULL:
            continue
        if role == INPUT or role == VECTOR or role == WEIGHT:
            check_settled(self, x)
        if role == INPUT or role == VECTOR or role == WEIGHT and not call.numbers >> i & 1 or role == LOSS_TARGETS:
            dtype = type_of(x)
            if dtype >= 0:  # targets may be integers, which are exact in any type
                call.result = dtype if call.result < 0 else common_type(call.result, dtype)
        if role == INPUT and (
                self.slots[i].shape == HALVES or self.slots[i].shape == LIKE and call.first < 0):
            call.first = i
    call.dtype = FLOAT64 if call.result == FLOAT64 else FLOAT32
    x = call.arrays[call.first]
    call.ndim = PyArray_NDIM(x)
    for d in range(call.ndim):
        call.shape[d] = PyArray_DIM(x, d)
    call.axis, call.axes, call.joined = -1, 0, NULL
    for d in range(call.ndim):
        call.along[d] = False
    if self.slots[call.first].shape == HALVES:
        halve(self, call, x)
    elif self.rowwise:
        find_axes(self, call)
    round_parameters(self, call.given, call.source, call.dtype, call.parameters)
    for i in range(self.count):
        if call.arrays[i] != NULL and self.slots[i].role in (INPUT, VECTOR, WEIGHT, MASK, LOSS_TARGETS):
            map_argument(self, call, i)
    if call.causal:
        map_valid_lengths(self, call)
    return 0


cdef int check_settled(Declaration self, Array *x) except -1:
    """The caller's code may have changed the type of an array since it was read."""
    if type_of(x) < 0:
        became = arguments.spell((<object> x).dtype)
        raise TypeError(f"{self.name}(): an array has become one of {became} during the call")
    return 0


cdef int halve(Declaration self, Call *call, Array *x) except -1:
    if call.ndim == 0:
        raise ValueError(f"{self.name}(): x has no axis to be halved along")
    cdef int axis = count_axis(call, call.ndim)
    if call.shape[axis] % 2:
        raise ValueError(
            f"{self.name}(): x has {call.shape[axis]} elements along axis {axis}, which have no halves")
    call.shape[axis] //= 2
    call.halves, call.axis_given = True, axis
    return 0


cdef int count_axis(Call *call, int ndim) except -1:
    """The axis, counted from the first; a scalar is a row of one."""
    cdef int axes = max(1, ndim)
    cdef Py_ssize_t axis = call.axis_given
    if not -axes <= axis < axes:
        raise AxisError(<object> call.axis_object if call.axis_object != NULL else axis, ndim)
    return <int> (axis + axes if axis < 0 else axis)


cdef int find_axes(Declaration self, Call *call) except -1:
    """The axes that rows lie along; a scalar is a row of one."""
    cdef int d, ndim = call.ndim
    if ndim == 0:
        call.ndim, call.shape[0], call.along[0] = 1, 1, False
    if not call.several:
        call.along[count_axis(call, ndim)] = True
    elif <object> call.axis_object is None:
        for d in range(call.ndim):
            call.along[d] = True
    else:
        for axis in <tuple> call.axis_object:
            if not -call.ndim <= axis < call.ndim:
                raise AxisError(axis, ndim)
            d = axis % call.ndim
            if call.along[d]:
                raise ValueError(f"{self.name}(): duplicate value in 'axis'")  # as in NumPy
            call.along[d] = True
        call.along[0] |= ndim == 0
    for d in range(call.ndim):
        if call.along[d]:
            call.axis, call.axes = d, call.axes + 1
    return 0


cdef tuple shape_of_rows(Call *call):
    """The shape of the call without the axes that rows lie along."""
    return tuple([call.shape[d] for d in range(call.ndim) if not call.along[d]])


cdef int round_parameters(Declaration self, PyObject **given, int source, int dtype, double *values) except -1:
    """The parameters in the type computed in, and within their ranges."""
    cdef int p
    cdef Slot *slot = &self.slots[self.parameters_at]
    given += self.parameters_at
    for p in range(self.parameter_count):
        if given[p] == NULL:
            values[p] = self.defaults[dtype][p]
        elif not fpmode_round(values[p], dtype == FLOAT32, slot[p].low[source], slot[p].high[source], &values[p]):
            raise ValueError(arguments.out_of_range(
                self.name, self.arguments[self.parameters_at + p], <object> given[p], slot[p].low[source],
                slot[p].high[source], dtype == FLOAT32, source == FROM_Y))
    if self.ordered and fpmode_falls(values, self.parameter_count):
        raise ValueError(arguments.out_of_order(
            self.name, [parameter.name for parameter in self.row.parameters],
            [values[p] for p in range(self.parameter_count)]))
    return 0


cdef int set_operand(Call *call, int k, object array, const Py_ssize_t *strides) except -1:
    cdef Operand *operand = &call.operands[k]
    cdef Array *x = <Array *> array
    cdef int d
    operand.array, operand.data, operand.storage = x, PyArray_BYTES(x), storage_of(x)
    for d in range(call.ndim):
        operand.strides[d] = strides[d]
    return 0


cdef int map_argument(Declaration self, Call *call, int i) except -1:
    """How an argument's array lies along the axes of the call, by its shape rule."""
    cdef Slot *slot = &self.slots[i]
    cdef Array *x = call.arrays[i]
    cdef Py_ssize_t strides[MAX_NDIM]
    if slot.role == WEIGHT and is_private(call, slot, i):
        array = private_weights(self, call, i)
        own(call, array)
        x = call.arrays[i] = <Array *> array
    elif slot.role == WEIGHT:
        check_range(self, call, i)
    if slot.role == LOSS_TARGETS:
        return map_targets(self, call, i, x)
    if slot.role == MASK and PyArray_TYPE(x) != cnp.NPY_BOOL:
        raise TypeError(f"{self.name}(): {self.arguments[i]} has become an array of another type during the call")
    if slot.shape == LIKE:
        strides_like(self, call, i, x, strides)
    elif slot.shape == HALVES:
        map_halves(self, call, i, x)
        return 0
    elif slot.shape == REDUCED:
        strides_reduced(self, call, i, x, strides)
    elif slot.shape == CLASSES:
        strides_of_classes(self, call, i, x, call.axis, strides)
    elif slot.shape == CHANNEL and PyArray_NDIM(x) <= 1:
        strides_by_channel(self, call, i, x, strides)
    elif slot.shape == ROWS:
        strides_by_row(self, call, i, x, strides)
    else:
        strides_broadcast(self, call, i, x, strides)
    set_operand(call, slot.operand, <object> x, strides)
    call.operands[slot.operand].argument = i
    call.operands[slot.operand].fresh = slot.role == WEIGHT and is_private(call, slot, i)
    return 0


cdef inline bint is_private(Call *call, const Slot *slot, int i) noexcept:
    """Whether weights are copied: but those that may be as many as the elements, and where there are none of these."""
    return call.numbers >> i & 1 or slot.shape != BROADCAST and not is_empty(call)


cdef inline bint is_empty(Call *call) noexcept:
    cdef int d
    for d in range(call.ndim):
        if call.shape[d] == 0:
            return True
    return False


cdef bint is_like(Call *call, Array *x) noexcept:
    """Whether it has the shape of the call."""
    cdef int d, axes = PyArray_NDIM(x)
    if axes != call.ndim:
        return axes == 0 and call.ndim == 1 and call.shape[0] == 1 and PyArray_NDIM(call.arrays[call.first]) == 0
    for d in range(axes):
        if PyArray_DIM(x, d) != call.shape[d]:
            return False
    return True


cdef bint is_reduced(Call *call, Array *x) noexcept:
    """Whether it has the shape of the call without the axis."""
    cdef int d, e = 0
    if PyArray_NDIM(x) != call.ndim - call.axes:
        return False
    for d in range(call.ndim):
        if not call.along[d]:
            if PyArray_DIM(x, e) != call.shape[d]:
                return False
            e += 1
    return True


cdef tuple shape_of_call(Call *call):
    if PyArray_NDIM(call.arrays[call.first]) == 0:
        return ()
    return tuple([call.shape[d] for d in range(call.ndim)])


cdef void copy_strides(Array *x, Py_ssize_t *strides) noexcept:
    cdef int d
    strides[0] = PyArray_ITEMSIZE(x)
    for d in range(PyArray_NDIM(x)):
        strides[d] = PyArray_STRIDE(x, d)


cdef int strides_like(Declaration self, Call *call, int i, Array *x, Py_ssize_t *strides) except -1:
    if not is_like(call, x):
        first = self.arguments[call.first]
        if call.halves:
            raise ValueError(f"{self.name}(): {self.arguments[i]} has shape {(<object> x).shape}, but each half of "
                             f"{first} has {shape_of_call(call)}")
        raise ValueError(f"{self.name}(): {first} has shape {shape_of_call(call)}, but {self.arguments[i]} has "
                         f"{(<object> x).shape}")
    copy_strides(x, strides)
    return 0


cdef void half(Call *call, Array *x, int axis, bint second, Py_ssize_t *strides, char **data) noexcept:
    copy_strides(x, strides)
    data[0] = PyArray_BYTES(x) + second * call.shape[axis] * strides[axis]


cdef int map_halves(Declaration self, Call *call, int i, Array *x) except -1:
    """Two operands, in the order in which the function takes them when they are two arrays."""
    cdef int axis = <int> call.axis_given, k, which
    cdef Py_ssize_t strides[MAX_NDIM]
    cdef char *data
    for k in range(2):
        which = self.slots[i].operand + k
        half(call, x, axis, (k == 1) != self.value_first, strides, &data)
        set_operand(call, which, <object> x, strides)
        call.operands[which].data, call.operands[which].argument = data, i
    return 0


cdef int strides_reduced(Declaration self, Call *call, int i, Array *x, Py_ssize_t *strides) except -1:
    """One element a row; the axes may still be there, with one."""
    cdef int d, e = 0, axes = PyArray_NDIM(x), scalar = PyArray_NDIM(call.arrays[call.first]) == 0
    cdef bint kept = axes == call.ndim and not scalar, good = axes == call.ndim or axes == call.ndim - call.axes
    for d in range(call.ndim if good else 0):
        strides[d] = 0
        if call.along[d]:
            good &= not kept or PyArray_DIM(x, e) == 1
            e += kept
        elif e < axes:
            good &= PyArray_DIM(x, e) == call.shape[d]
            strides[d] = PyArray_STRIDE(x, e)
            e += 1
    if not good:
        raise ValueError(f"{self.name}(): {self.arguments[i]} has shape {(<object> x).shape}, but the result for "
                         f"{self.arguments[call.first]} has {shape_of_rows(call)}")
    return 0


cdef int map_targets(Declaration self, Call *call, int i, Array *x) except -1:
    """Of a loss of rows: labels, one a row, or probabilities; else a number for each logit, of whatever type."""
    cdef Slot *slot = &self.slots[i]
    cdef int storage = storage_of(x), k = slot.operand
    cdef Py_ssize_t strides[MAX_NDIM]
    cdef bint labels = slot.shape == REDUCED and storage < FASTACT_FLOAT16
    if storage < 0 or storage == FASTACT_BOOL and labels:
        taken = TARGETS_TAKEN[slot.shape == REDUCED]
        given = arguments.describe(<object> call.given[i], <object> x)
        raise TypeError(f"{self.name}() takes {taken}: targets is {given}")
    if not (is_reduced(call, x) if labels else is_like(call, x)):
        shape = shape_of_call(call)
        rows = shape_of_rows(call)
        if slot.shape == REDUCED and not PyArray_CheckExact(<Array *> call.given[i]) and (
                (<object> x).shape == (0,) and 0 in rows):  # [] for no rows
            array, labels = np.empty(rows, np.int64), True
            own(call, array)
            x = call.arrays[i] = <Array *> array
        else:
            raise ValueError(arguments.wrong_targets(
                self.name, <object> x, shape, rows if labels else shape, call.axis if slot.shape == REDUCED else None))
    if labels:
        strides_reduced(self, call, i, x, strides)
    else:
        copy_strides(x, strides)
        k += slot.shape == REDUCED
    set_operand(call, k, <object> x, strides)
    call.operands[k].argument = i
    return 0


cdef int strides_of_classes(Declaration self, Call *call, int i, Array *x, int axis, Py_ssize_t *strides) except -1:
    """A vector along an axis."""
    cdef int d
    if PyArray_NDIM(x) != 1 or PyArray_DIM(x, 0) != call.shape[axis]:
        raise ValueError(f"{self.name}(): {self.arguments[i]} has shape {(<object> x).shape}, but there are "
                         f"{call.shape[axis]} classes")
    for d in range(call.ndim):
        strides[d] = PyArray_STRIDE(x, 0) if d == axis else 0
    return 0


cdef int strides_by_channel(Declaration self, Call *call, int i, Array *x, Py_ssize_t *strides) except -1:
    """A number, or one for each place along the axis given."""
    cdef int d, axes = call.ndim
    cdef Py_ssize_t axis = call.axis_given, n = count(x)
    for d in range(axes):
        strides[d] = 0
    if n == 1:
        return 0
    if not -axes <= axis < axes:
        named = <object> call.axis_object if call.axis_object != NULL else axis
        raise AxisError(f"{self.name}(): {self.arguments[i]} has {n} elements, for axis {named} of an array that has "
                        f"{axes} dimension{'s'[:axes != 1]}; say which axis they lie along")
    axis = axis + axes if axis < 0 else axis
    if call.shape[axis] != n:
        raise ValueError(f"{self.name}(): {self.arguments[i]} has {n} elements, but {self.arguments[call.first]} has "
                         f"{call.shape[axis]} along axis {axis}")
    strides[axis] = PyArray_STRIDE(x, 0)
    return 0


cdef int strides_broadcast(Declaration self, Call *call, int i, Array *x, Py_ssize_t *strides) except -1:
    """As NumPy broadcasts."""
    cdef int d, e, axes = PyArray_NDIM(x), whole = call.ndim if PyArray_NDIM(call.arrays[call.first]) else 0
    cdef bint good = axes <= whole
    strides[0] = 0
    if self.slots[i].role == WEIGHT and count(x) == 1:  # as good as a number
        axes, good = 0, True
    for d in range(whole if good else 0):
        e = d - (whole - axes)
        strides[d] = 0
        if e >= 0 and PyArray_DIM(x, e) != 1:
            good &= PyArray_DIM(x, e) == call.shape[d]
            strides[d] = PyArray_STRIDE(x, e)
    if not good:
        raise ValueError(f"{self.name}(): {self.arguments[i]} has shape {(<object> x).shape}, which does not broadcast "
                         f"to {shape_of_call(call)}")
    return 0


cdef int strides_by_row(Declaration self, Call *call, int i, Array *x, Py_ssize_t *strides) except -1:
    """As NumPy broadcasts to the shape without the axis."""
    cdef int d, e = PyArray_NDIM(x)
    cdef bint good = e < call.ndim
    for d in range(call.ndim - 1, -1, -1):
        strides[d] = 0
        if call.along[d] or e <= 0:
            continue
        e -= 1
        if PyArray_DIM(x, e) != 1:
            good &= PyArray_DIM(x, e) == call.shape[d]
            strides[d] = PyArray_STRIDE(x, e)
    if not good:
        raise ValueError(f"{self.name}(): {self.arguments[i]} has shape {(<object> x).shape}, which does not broadcast "
                         f"to the rows of {self.arguments[call.first]}, {shape_of_rows(call)}")
    return 0


cdef object private_weights(Declaration self, Call *call, int i):
    """Weights side by side in the compute type, all within their range: a copy, so that nobody changes them."""
    cdef Array *x = call.arrays[i]
    cdef Py_ssize_t n = count(x), at
    cdef Slot *slot = &self.slots[i]
    cdef bint single = call.dtype == FLOAT32
    if call.numbers >> i & 1 and single:
        array = new_array(NULL, 0, FLOAT32)
        fpmode_narrow((<double *> PyArray_BYTES(x))[0], <float *> PyArray_BYTES(<Array *> array))
    elif real_type(<PyObject *> x) == call.dtype:
        array = PyArray_NewCopy(x, cnp.NPY_CORDER)
    else:  # widens, which changes no number
        array = environment.in_default_mode((<object> x).astype, dtype_of(call.dtype), order="C")
    at = fpmode_first_outside(
        PyArray_BYTES(<Array *> array), single, n, slot.low[call.source], slot.high[call.source])
    if at < n:
        refuse_weight(self, call, i, float((<object> x).flat[at]))
    return array


cdef int refuse_weight(Declaration self, Call *call, int i, value) except -1:
    cdef Slot *slot = &self.slots[i]
    raise ValueError(arguments.out_of_range(
        self.name, self.arguments[i], value, slot.low[call.source], slot.high[call.source], call.dtype == FLOAT32,
        call.source == FROM_Y))


cdef int check_range(Declaration self, Call *call, int i) except -1:
    """Whether weights that may be as many as the elements are within their range, where they are."""
    cdef Array *x = call.arrays[i]
    cdef Slot *slot = &self.slots[i]
    cdef fpmode_reader read = READERS[type_of(x)]
    cdef Py_ssize_t shape[MAX_NDIM]
    cdef Py_ssize_t n = 1, done = 0, good
    cdef Stretch at
    cdef int d
    for d in range(PyArray_NDIM(x)):
        shape[d] = different(x, d)
        n *= shape[d]
    while done < n:
        at = stretch_at(done, PyArray_NDIM(x), shape, <const Py_ssize_t *> PyArray_STRIDES(x), NULL, False)
        good = fpmode_first_outside_of_strided(
            PyArray_BYTES(x) + at.place, at.step, read, at.count, slot.low[call.source], slot.high[call.source])
        if good < at.count:
            refuse_weight(self, call, i, read(PyArray_BYTES(x) + at.place + good * at.step))
        done += at.count
    return 0


cdef inline Py_ssize_t different(Array *x, int d) noexcept:
    """How many elements there are along an axis that are not the same memory."""
    return 1 if PyArray_STRIDE(x, d) == 0 and PyArray_DIM(x, d) else PyArray_DIM(x, d)


cdef int map_valid_lengths(Declaration self, Call *call) except -1:
    """A causal mask: how many keys each query sees, one number a query."""
    cdef int i, k = -1, last = call.ndim - 1
    cdef Py_ssize_t[MAX_NDIM] strides
    cdef Py_ssize_t queries, keys, q
    for i in range(self.count):
        if self.slots[i].role == FLAG and self.slots[i].operand >= 0:
            k = self.slots[i].operand
    if last < 1 or call.axis != last or call.axes != 1:
        axis = <object> call.axis_object if call.several else call.axis
        raise ValueError(arguments.no_causal_mask(self.name, shape_of_call(call), axis))
    queries, keys = call.shape[last - 1], call.shape[last]
    lengths = new_int64_vector(queries)
    own(call, lengths)
    for q in range(queries):
        (<int64_t *> PyArray_BYTES(<Array *> lengths))[q] = max(<Py_ssize_t> 0, q + 1 + keys - queries)
    for i in range(call.ndim):
        strides[i] = sizeof(int64_t) if i == last - 1 else 0
    return set_operand(call, k, lengths, strides)


cdef object new_int64_vector(Py_ssize_t n):
    cdef cnp.npy_intp[1] shape = [n]
    Py_INCREF(int64)
    return PyArray_NewFromDescr(cnp.ndarray, int64, 1, shape, NULL, NULL, 0, NULL)


# ---------------------------------------------------------------------------------------------------------------
# Allocate
# ---------------------------------------------------------------------------------------------------------------

cdef object new_array(const Py_ssize_t *shape, int ndim, int dtype):
    cdef cnp.dtype descr = dtype_of(dtype)
    Py_INCREF(descr)
    return PyArray_NewFromDescr(cnp.ndarray, descr, ndim, <cnp.npy_intp *> shape, NULL, NULL, 0, NULL)


cdef object new_like(Array *x, int dtype):
    """An array laid out as x is, whatever its strides."""
    cdef cnp.dtype descr
    if type_of(x) == dtype:
        return PyArray_NewLikeArray(x, cnp.NPY_KEEPORDER, NULL, False)
    descr = dtype_of(dtype)
    Py_INCREF(descr)
    return PyArray_NewLikeArray(x, cnp.NPY_KEEPORDER, <PyArray_Descr *> descr, False)


cdef object view_of(Call *call, const Operand *operand):
    """The operand as an ndarray of the shape of the call."""
    cdef cnp.dtype descr = descr_of(operand.array)
    Py_INCREF(descr)
    return PyArray_NewFromDescr(
        cnp.ndarray, descr, call.ndim, <cnp.npy_intp *> call.shape, <cnp.npy_intp *> operand.strides, operand.data,
        cnp.NPY_ARRAY_WRITEABLE, NULL)


cdef inline cnp.dtype descr_of(Array *x):
    return (<object> x).dtype


cdef int allocate(Declaration self, Call *call) except -1:
    """New outputs, and checks of those that were given."""
    cdef int i
    cdef Slot *slot
    call.sum = -1
    for i in range(self.count):
        slot = &self.slots[i]
        if slot.role == OUTPUT and (call.arrays[i] != NULL or self.kind != "loss") and (
                not self.paired or self.role == "forward" or (slot.shape == HALVES) == call.halves):
            allocate_output(self, call, i)
        elif slot.role == SUM and call.arrays[i] != NULL:
            check_sum(self, call, i)
    for i in range(self.count):
        if call.arrays[i] != NULL and self.slots[i].role in (OUTPUT, SUM):
            check_apart(self, call, i)
    return 0


cdef int allocate_output(Declaration self, Call *call, int i) except -1:
    cdef Slot *slot = &self.slots[i]
    cdef Py_ssize_t[MAX_NDIM] strides, shape
    cdef bint fresh = call.arrays[i] == NULL
    cdef int d, ndim = 0
    cdef Operand *first
    cdef Array *x
    if slot.shape == REDUCED:
        for d in range(call.ndim):
            if not call.along[d] or call.keepdims and PyArray_NDIM(call.arrays[call.first]):
                shape[ndim] = 1 if call.along[d] else call.shape[d]
                ndim += 1
        if fresh:
            array = new_array(shape, ndim, call.result)
        else:
            array = <object> call.arrays[i]
            check_output(self, array, self.arguments[i], shape, ndim, "the result", call.result)
    elif fresh and slot.shape == LIKE and call.halves:
        first = &call.operands[self.slots[call.first].operand]
        view = view_of(call, first)
        array = new_like(<Array *> view, call.result)
    elif fresh:
        array = new_like(call.arrays[call.first], call.result)
    else:
        array = <object> call.arrays[i]
        like = self.arguments[call.first]
        x = call.arrays[call.first]
        if slot.shape != HALVES and call.halves:
            like = f"each half of {like}"
        check_output(self, array, self.arguments[i],
                     <Py_ssize_t *> PyArray_DIMS(x) if slot.shape == HALVES else call.shape, PyArray_NDIM(x), like,
                     call.result)
    if fresh:
        own(call, array)
        call.arrays[i] = <Array *> array
    if slot.shape == HALVES:
        map_halves(self, call, i, <Array *> array)
        for d in range(2):
            call.operands[slot.operand + d].output, call.operands[slot.operand + d].fresh = True, fresh
        return 0
    if slot.shape == REDUCED:
        strides_reduced(self, call, i, <Array *> array, strides)
    else:
        copy_strides(<Array *> array, strides)
    set_operand(call, slot.operand, array, strides)
    call.operands[slot.operand].argument = i
    call.operands[slot.operand].output, call.operands[slot.operand].fresh = True, fresh
    return 0


cdef int check_output(
        Declaration self, out, str argument, const Py_ssize_t *shape, int ndim, str like_argument,
        int dtype) except -1:
    """Whether a result of the shape of another argument may be written to `out`."""
    if type_of(<Array *> out) != dtype:
        raise TypeError(f"{self.name}(): {argument} is of dtype {arguments.spell(out.dtype)}, but the result is of "
                        f"{NAMES[dtype]}")
    if not has_shape(<Array *> out, <const cnp.npy_intp *> shape, ndim):
        wanted = tuple([shape[d] for d in range(ndim)])
        raise ValueError(f"{self.name}(): {argument} has shape {out.shape}, but {like_argument} has {wanted}")
    if not PyArray_ISWRITEABLE(<Array *> out):
        raise ValueError(f"{self.name}(): {argument} is read-only")
    if may_overlap_itself(<Array *> out) and arguments.overlaps_itself(out):
        raise ValueError(f"{self.name}(): {argument} overlaps itself: several of its elements share memory")
    return 0


cdef int check_sum(Declaration self, Call *call, int i) except -1:
    """The gradient with respect to what was broadcast: of its shape, or one that it could have; in the compute type."""
    cdef int of = self.slots[i].place, d
    cdef Array *target = call.arrays[i]
    cdef Py_ssize_t strides[MAX_NDIM]
    cdef Array *like = call.arrays[of] if call.arrays[of] != NULL else target
    check_output(self, <object> target, self.arguments[i], <Py_ssize_t *> PyArray_DIMS(like), PyArray_NDIM(like),
                 self.arguments[of], call.dtype)
    if self.slots[i].shape == CHANNEL and PyArray_NDIM(target) <= 1:
        strides_by_channel(self, call, i, target, strides)
    else:
        strides_broadcast(self, call, i, target, strides)
    for d in range(call.ndim):
        call.kept[d] = strides[d] != 0 and call.shape[d] > 1
    call.sum = i
    return 0


cdef int check_apart(Declaration self, Call *call, int i) except -1:
    """No two outputs share memory."""
    cdef int j
    for j in range(i):
        if self.slots[j].role in (OUTPUT, SUM) and call.arrays[j] != NULL and share_memory(
                call.arrays[j], call.arrays[i]):
            raise ValueError(f"{self.name}(): {self.arguments[j]} and {self.arguments[i]} share memory")
    return 0


cdef bint may_overlap_itself(Array *x) noexcept:
    """Whether an axis steps less far than the axes with smaller steps reach together."""
    cdef int d, e
    cdef Py_ssize_t step, smaller, reach
    for d in range(PyArray_NDIM(x)):
        step, reach = PyArray_STRIDE(x, d), PyArray_ITEMSIZE(x)
        step = -step if step < 0 else step
        for e in range(PyArray_NDIM(x)):
            smaller = PyArray_STRIDE(x, e)
            smaller = -smaller if smaller < 0 else smaller
            if e != d and smaller <= step:
                reach += (PyArray_DIM(x, e) - 1) * smaller
        if reach > step and PyArray_DIM(x, d) > 1:
            return True
    return False


# ---------------------------------------------------------------------------------------------------------------
# Separate
# ---------------------------------------------------------------------------------------------------------------

cdef bint share_memory(Array *a, Array *b) except -1:
    """Whether two arrays have a byte in common, two views of the same elements too."""
    return bounds_meet(a, b) and arguments.share_memory(<object> a, <object> b)


cdef bint bounds_meet(Array *a, Array *b) noexcept:
    cdef uintptr_t a_low, a_high, b_low, b_high
    if count(a) == 0 or count(b) == 0:
        return False
    bounds(a, &a_low, &a_high)
    bounds(b, &b_low, &b_high)
    return a_low < b_high and b_low < a_high


cdef void bounds(Array *x, uintptr_t *low, uintptr_t *high) noexcept:
    cdef Py_ssize_t reach
    cdef int d
    low[0] = <uintptr_t> PyArray_BYTES(x)
    high[0] = low[0] + PyArray_ITEMSIZE(x)
    for d in range(PyArray_NDIM(x)):
        reach = (PyArray_DIM(x, d) - 1) * PyArray_STRIDE(x, d)
        if reach < 0:
            low[0] += reach
        else:
            high[0] += reach


cdef int separate(Declaration self, Call *call) except -1:
    """Copies every input that writing to an output would change: one that overlaps it and is not usable in place.

    Then rows lie along one axis."""
    cdef int k, output, i
    for k in range(self.operand_count):
        i = call.operands[k].argument
        if call.operands[k].array == NULL or call.operands[k].output or i < 0 or call.operands[k].fresh:
            continue
        for output in range(self.operand_count):
            if (call.operands[output].output and not call.operands[output].fresh
                    and must_copy(call, k, output, self.slots[i].in_place)):
                array = PyArray_NewCopy(call.operands[k].array, cnp.NPY_KEEPORDER)
                own(call, array)
                call.arrays[i] = <Array *> array
                map_argument(self, call, i)
                break
    return join_axes(self, call)


cdef bint must_copy(Call *call, int k, int output, bint in_place) except -1:
    cdef const Operand *x = &call.operands[k]
    cdef const Operand *out = &call.operands[output]
    if in_place and same_view(call, x, out) or not bounds_meet(x.array, out.array):
        return False
    return arguments.share_memory(view_of(call, x), view_of(call, out))


cdef int join_axes(Declaration self, Call *call) except -1:
    """Makes one axis, the last, of those that rows lie along, if these are several, or none.

    An operand that does not lie along them by one step is copied, an output is computed elsewhere (see `finish`)."""
    cdef int order[MAX_NDIM]
    cdef Py_ssize_t shape[MAX_NDIM]
    cdef Py_ssize_t strides[MAX_NDIM]
    cdef Py_ssize_t n = 1, step
    cdef int d, k, rest = 0, at
    if call.axes == 1 or not call.several:
        return 0
    for d in range(call.ndim if call.axes == 0 else 0):
        if call.shape[d] <= 1:  # is as good as one more
            call.axis = d
            return 0
    for d in range(call.ndim):
        if not call.along[d]:
            order[rest], rest = d, rest + 1
    at = rest
    for d in range(call.ndim):
        if call.along[d]:
            order[at], at, n = d, at + 1, n * call.shape[d]
    for k in range(self.operand_count):
        if call.operands[k].array == NULL:
            continue
        if not is_one_run(call, &call.operands[k], &step):
            copy_in_order(call, k, order)
            step = PyArray_ITEMSIZE(call.operands[k].array)
        for d in range(rest):
            strides[d] = call.operands[k].strides[order[d]]
        for d in range(rest):
            call.operands[k].strides[d] = strides[d]
        call.operands[k].strides[rest] = step
    for d in range(rest):
        shape[d] = call.shape[order[d]]
    for d in range(rest):
        call.shape[d] = shape[d]
    call.shape[rest] = n
    call.ndim, call.axis, call.axes = rest + 1, rest, 1
    return 0


cdef bint is_one_run(const Call *call, const Operand *x, Py_ssize_t *step) noexcept:
    """Whether the elements of a row lie along its axes by one step."""
    cdef Py_ssize_t reach = 0
    cdef bint begun = False
    cdef int d
    step[0] = 0
    for d in range(call.ndim - 1, -1, -1):
        if call.shape[d] == 0:
            return True
        if not call.along[d] or call.shape[d] == 1:
            continue
        if begun and x.strides[d] != reach:
            return False
        if not begun:
            begun, step[0], reach = True, x.strides[d], x.strides[d]
        reach *= call.shape[d]
    return True


cdef int copy_in_order(Call *call, int k, const int *order) except -1:
    """A copy of an operand, its axes in that order; of an output, the room for one."""
    cdef Operand *x = &call.operands[k]
    cdef Py_ssize_t shape[MAX_NDIM]
    cdef Py_ssize_t strides[MAX_NDIM]
    cdef cnp.dtype descr = descr_of(x.array)
    cdef int d
    for d in range(call.ndim):
        shape[d], strides[d] = call.shape[order[d]], x.strides[order[d]]
    Py_INCREF(descr)
    array = PyArray_NewFromDescr(
        cnp.ndarray, descr, call.ndim, <cnp.npy_intp *> shape, <cnp.npy_intp *> strides, x.data,
        cnp.NPY_ARRAY_WRITEABLE, NULL)
    if x.output:
        array = PyArray_NewLikeArray(<Array *> array, cnp.NPY_CORDER, NULL, False)
        call.scattered, call.scattered_ndim, call.scattered_item = x.data, call.ndim, PyArray_ITEMSIZE(x.array)
        memcpy(call.scattered_shape, shape, sizeof(shape))
        memcpy(call.scattered_strides, strides, sizeof(strides))
        call.joined = PyArray_BYTES(<Array *> array)
    else:
        array = PyArray_NewCopy(<Array *> array, cnp.NPY_CORDER)
    own(call, array)
    x.array, x.data = <Array *> array, PyArray_BYTES(<Array *> array)
    for d in range(call.ndim):
        x.strides[order[d]] = PyArray_STRIDE(<Array *> array, d)
    return 0


cdef void scatter(const Call *call) noexcept nogil:
    """Moves an output that was computed elsewhere to its place."""
    cdef Py_ssize_t item = call.scattered_item, done = 0, n = 1, i
    cdef Stretch at
    for i in range(call.scattered_ndim):
        n *= call.scattered_shape[i]
    while done < n:
        at = stretch_at(done, call.scattered_ndim, call.scattered_shape, call.scattered_strides, NULL, False)
        for i in range(at.count):
            memcpy(call.scattered + at.place + i * at.step, call.joined + (done + i) * item, item)
        done += at.count


cdef bint same_view(Call *call, const Operand *x, const Operand *out) noexcept:
    cdef int d
    if x.data != out.data or x.storage != out.storage:
        return False
    for d in range(call.ndim):
        if x.strides[d] != out.strides[d] and call.shape[d] != 1:
            return False
    return True


# ---------------------------------------------------------------------------------------------------------------
# Finish
# ---------------------------------------------------------------------------------------------------------------

cdef object new_scalar(int dtype):
    """A NumPy scalar whose value is yet to come: it is made before anything is written, as that may fail."""
    return empty_scalar(dtype_of(dtype))


cdef char *value_of(object scalar, int dtype) noexcept:
    """Where a NumPy scalar has its value."""
    if dtype == FLOAT32:
        return <char *> &(<PyFloatScalarObject *> <PyObject *> scalar).obval
    if dtype != FLOAT64:  # bfloat16's scalars are as NumPy's (is_named)
        return <char *> &(<PyHalfScalarObject *> <PyObject *> scalar).obval
    return <char *> &(<PyDoubleScalarObject *> <PyObject *> scalar).obval


cdef object prepare_result(Declaration self, Call *call):
    """What the call will return: the objects that were given, new arrays, or scalars for those without axes."""
    cdef int i
    first = None
    for i in range(self.count):
        if self.slots[i].role != OUTPUT or call.arrays[i] == NULL:
            continue
        if is_given(call.given[i]):
            result = <object> call.given[i]
        elif PyArray_NDIM(call.arrays[i]):
            result = <object> call.arrays[i]
        else:
            result = new_scalar(call.result)
            call.scalars[i] = <PyObject *> result
        if first is not None:
            return first, result
        first = result
    return first


cdef int announce_writes(Declaration self, Call *call) except -1:
    """Tells the owners of outputs that are no plain arrays; nothing is left to be refused."""
    cdef int i
    for i in range(self.count):
        if self.slots[i].role in (OUTPUT, SUM) and is_given(call.given[i]) and not PyArray_CheckExact(
                <Array *> call.given[i]):
            arguments.will_write(<object> call.given[i])
    return 0


cdef void finish(Declaration self, Call *call) noexcept:
    """Outputs computed elsewhere are moved to where they belong; scalars take their values."""
    cdef int i
    if call.joined != NULL:
        with nogil:
            scatter(call)
    for i in range(self.count):
        if call.scalars[i] != NULL:
            memcpy(value_of(<object> call.scalars[i], call.result), PyArray_BYTES(call.arrays[i]),
                   PyArray_ITEMSIZE(call.arrays[i]))
