# The engine: what is called.  It sorts and checks arguments, and picks the kernel.  It knows no activation by name and
# no formula; what is not an ndarray of float32 or float64 is converted by arguments.py.
#
# A call takes one of two ways.  The door is for small contiguous arrays: some comparisons, then the kernel, on pointers
# read through NumPy's C API.  Whatever does not fit through is checked with all the words that an error needs, and then
# computed by blocks.pyx.

cimport cython
cimport numpy as cnp
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.float cimport DBL_MAX
from libc.stdint cimport int64_t
from libc.string cimport strcmp

from fastact.arrays cimport (
    Array,
    PyArray_BYTES,
    PyArray_CheckExact,
    PyArray_DIM,
    PyArray_DIMS,
    PyArray_FLAGS,
    PyArray_ISNOTSWAPPED,
    PyArray_ISWRITEABLE,
    PyArray_ITEMSIZE,
    PyArray_NDIM,
    PyArray_NewFromDescr,
    PyArray_NewLikeArray,
    PyArray_STRIDE,
    PyArray_TYPE,
)
from fastact.blocks cimport (
    BIASED_BINARY,
    BIASED_UNARY,
    BINARY,
    GATE_BACKWARD,
    RELEASE_ABOVE,
    MAX_OPERANDS,
    ROWS,
    ROWS_BACKWARD,
    ROWS_BACKWARD_SELECTED,
    ROWS_SELECTED,
    SEEN,
    UNARY,
    WEIGHTED_BINARY,
    WEIGHTED_UNARY,
    WHERE,
    Form,
    Kernel,
    Summation,
    add_up,
    compute,
    compute_and_add_up,
    overlap,
    swap_parallel_threshold,
)
from fastact.fpmode cimport (
    fpmode,
    fpmode_enter,
    fpmode_falls,
    fpmode_first_outside,
    fpmode_leave,
    fpmode_narrow,
    fpmode_round,
)
from fastact.kernels cimport (
    FASTACT_KERNELS_VERSION,
    fastact_binary,
    fastact_elementwise,
    fastact_gate,
    fastact_kernels,
    fastact_rows,
    fastact_rows_backward,
    fastact_rowwise,
    fastact_target_count,
    fastact_targets,
    fastact_unary,
    fastact_weighted,
    fastact_weighted_unary,
)

import os
from sys import intern

import numpy as np
from numpy.exceptions import AxisError

from fastact import arguments

cnp.import_array()


cdef extern from *:
    """
    #include <structmember.h>

    /* Calls of `type` go to the function pointer at `offset` in the instance: Cython's __call__ takes three times
     * as long. */
    static void call_by_vector(PyTypeObject *type, Py_ssize_t offset)
    {
        type->tp_vectorcall_offset = offset;
        type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
        type->tp_call = PyVectorcall_Call;
        PyType_Modified(type);
    }

    /* A read-only attribute as the interpreter likes it best: Cython's would be a property, seven times as slow. */
    static int add_member(PyTypeObject *type, const char *name, Py_ssize_t offset)
    {
        PyMemberDef *member = PyMem_Calloc(1, sizeof *member); /* lives as long as the type: for ever */
        if (!member)
            return PyErr_NoMemory(), -1;
        member->name = name, member->type = T_OBJECT_EX, member->offset = offset, member->flags = READONLY;
        PyObject *descriptor = PyDescr_NewMember(type, member);
        int failed = !descriptor || PyDict_SetItemString(type->tp_dict, name, descriptor);
        Py_XDECREF(descriptor);
        PyType_Modified(type);
        return failed ? -1 : 0;
    }

    #define TEXT(x) #x
    #define DOTTED(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)
    #if defined(__clang__)
    #define COMPILED_BY "Clang " DOTTED(__clang_major__, __clang_minor__, __clang_patchlevel__)
    #elif defined(__GNUC__)
    #define COMPILED_BY "GCC " DOTTED(__GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__)
    #else
    #define COMPILED_BY "unknown"
    #endif
    """
    ctypedef object (*vectorcallfunc)(object, PyObject *const *, size_t, PyObject *)
    void call_by_vector(type, Py_ssize_t offset)
    int add_member(type, const char *name, Py_ssize_t offset) except -1
    const char *COMPILED_BY

cdef extern from "Python.h":
    PyObject *Py_None
    Py_ssize_t PyVectorcall_NARGS(size_t nargsf) nogil
    object PyVectorcall_Call(object callable, object args, object kwargs)
    Py_ssize_t PyTuple_GET_SIZE(PyObject *tuple) nogil
    PyObject *PyTuple_GET_ITEM(PyObject *tuple, Py_ssize_t i) nogil
    bint PyFloat_CheckExact(PyObject *value) nogil
    double PyFloat_AS_DOUBLE(PyObject *value) nogil
    Py_ssize_t PyNumber_AsSsize_t(object value, PyObject *overflow) except? -1

cdef enum:  # types computed in
    FLOAT32 = 0
    FLOAT64 = 1

cdef enum:  # where a derivative comes from
    FROM_X = 0
    FROM_Y = 1

cdef enum:
    MAX_ARGUMENTS = 8
    MAX_PARAMETERS = 4
    SHORT_ROW = 128  # elements with one weight, below which weights are rather repeated
    COST_OF_BIAS = 40  # picoseconds an element: to add it, or to add up its gradient

cdef cnp.dtype float32 = np.dtype(np.float32)
cdef cnp.dtype float64 = np.dtype(np.float64)
cdef int CONTIGUOUS = cnp.NPY_ARRAY_C_CONTIGUOUS | cnp.NPY_ARRAY_F_CONTIGUOUS


# ---------------------------------------------------------------------------------------------------------------
# Targets
# ---------------------------------------------------------------------------------------------------------------

cdef bint is_ours(const fastact_kernels *table):
    return table.version == FASTACT_KERNELS_VERSION and table.size == sizeof(fastact_kernels)


cdef dict find_targets():
    """Name -> position in fastact_targets, of those that this machine can run, best first."""
    cdef Py_ssize_t i
    found = {}
    for i in range(fastact_target_count):
        if not (is_ours(fastact_targets[i].f32) and is_ours(fastact_targets[i].f64)):
            raise ImportError("fastact's kernels and engine are of different builds: build it anew")
        if fastact_targets[i].runs_here():
            found[fastact_targets[i].name.decode()] = i
    return found


cdef dict positions = find_targets()
TARGETS = tuple(positions)
FUSED_TARGETS = tuple([name for name, i in positions.items() if fastact_targets[<Py_ssize_t> i].f32.fused])
TARGET = os.environ.get("FASTACT_CPU_TARGET") or TARGETS[0]
if TARGET not in TARGETS:
    raise ImportError(f"FASTACT_CPU_TARGET={TARGET} is not possible: this machine can run {', '.join(TARGETS)}")
COMPILER = COMPILED_BY.decode()


cdef const fastact_kernels *find_table(str target, int dtype) except NULL:
    if target not in positions:
        raise ValueError(f"this machine can run {', '.join(TARGETS)}, not {target}")
    cdef Py_ssize_t i = positions[target]
    return fastact_targets[i].f32 if dtype == FLOAT32 else fastact_targets[i].f64


cdef const void *find_entry(const void *entries, Py_ssize_t count, size_t size, str name) except NULL:
    """What a table has under a name, with which every entry begins."""
    cdef bytes wanted = name.encode()
    cdef const char *entry
    cdef Py_ssize_t i
    for i in range(count):
        entry = <const char *> entries + i * size
        if strcmp((<const char *const *> entry)[0], wanted) == 0:
            return entry
    raise LookupError(f"no kernel of that kind is called {name}")


cdef Kernel make_kernel(
        const void *function, Form form, const fastact_kernels *table, double ns, const void *columns=NULL,
        int single=-1):
    cdef Kernel kernel
    kernel.function, kernel.columns, kernel.form, kernel.table = function, columns, form, table
    kernel.single = single
    kernel.cost = max(1, <int> (1000 * ns))
    return kernel


def on_target(activation, str target):
    """Return the same activation, computed by the kernels of one of TARGETS.  For tests and benches."""
    return type(activation)((<Function?> activation).row, target)


# ---------------------------------------------------------------------------------------------------------------
# Functions
# ---------------------------------------------------------------------------------------------------------------

cdef class Function:  # of arrays, by kernels: an activation, its derivative or its backward
    cdef vectorcallfunc vectorcall
    cdef Kernel kernels[2][2]  # by source and dtype
    cdef Kernel selected[2]  # by dtype, for rows of which some elements are left out
    cdef tuple arguments
    cdef PyObject *names[MAX_ARGUMENTS]  # of the arguments: interned strings
    cdef bint required[MAX_ARGUMENTS]
    cdef int count, positional, parameters_at, parameter_count
    cdef bint ordered  # the parameters must not fall
    cdef double defaults[2][MAX_PARAMETERS]  # by dtype
    cdef double low[2][MAX_PARAMETERS]  # by source
    cdef double high[2][MAX_PARAMETERS]
    cdef object row
    cdef str role
    cdef readonly str name, kind

    cdef int prepare(
            self, row, str role, tuple inputs, tuple parameters, int positional, vectorcallfunc call) except -1:
        """Arguments are the inputs, the parameters and `out`; so many of them may be given by position."""
        cdef int i, dtype
        self.vectorcall = call
        self.row, self.role, self.kind = row, role, row.kind
        self.name = row.name if role == "forward" else f"{row.name}.{role}"
        self.arguments = tuple([intern(name) for name in (*inputs, *parameters, "out")])
        self.count, self.positional = len(self.arguments), positional
        self.parameters_at, self.parameter_count = len(inputs), len(row.parameters)
        self.ordered = row.ordered
        if self.count > MAX_ARGUMENTS or self.parameter_count > MAX_PARAMETERS:
            raise ValueError(f"{self.name} has more arguments than the engine has room for")
        for i in range(self.count):
            self.names[i] = <PyObject *> self.arguments[i]
        self.required[0] = True
        for i, parameter in enumerate(row.parameters):
            self.low[FROM_X][i], self.high[FROM_X][i] = parameter.limits
            self.low[FROM_Y][i], self.high[FROM_Y][i] = parameter.limits_from_y or parameter.limits
            if parameter.default is None:
                self.required[self.parameters_at + i] = True
                continue
            for dtype in range(2):
                if not fpmode_round(parameter.default, dtype == FLOAT32, self.low[FROM_Y][i], self.high[FROM_Y][i],
                                    &self.defaults[dtype][i]):
                    raise ValueError(f"{self.name}: the default of {parameter.name} is outside its range")

    def __call__(self, *args, **kwargs):
        return PyVectorcall_Call(self, args, kwargs)

    def __repr__(self):
        return f"<fastact.{self.name}>"

    def __reduce__(self):
        return self.name  # found in __module__

    @property
    def __module__(self):
        return "fastact"

    @property
    def __name__(self):
        return self.name

    @property
    def __qualname__(self):
        return self.name

    @property
    def __doc__(self):
        return self.row.document(self.role)

    @property
    def __signature__(self):
        return self.row.signature(self.role)

    @property
    def parameters(self):
        return self.row.defaults

    # What libraries that override __array_ufunc__ ask of a ufunc.

    @property
    def nin(self):
        return 2 if self.role == "backward" else 1

    @property
    def nout(self):
        return 1

    @property
    def signature(self):
        return None


cdef class Activation(Function):  # with a backward
    cdef Function backward
    cdef PyObject *backward_member  # the same, as members of the instance read it

    @property
    def __doc__(self):  # a subclass has one of its own, or none
        return self.row.document(self.role)

    @property
    def backward_from(self):
        return self.row.backward_from

    @property
    def bounds(self):
        return self.row.bounds


@cython.final
cdef class Elementwise(Activation):  # that computes every element for itself
    cdef Function derivative
    cdef PyObject *derivative_member

    def __init__(self, row, str target=TARGET):
        cdef Function derivative = Function.__new__(Function), backward = Function.__new__(Function)
        cdef const fastact_elementwise *found
        cdef const fastact_kernels *table
        cdef int dtype
        names = tuple([parameter.name for parameter in row.parameters])
        self.prepare(row, "forward", ("x",), (*names, "bias"), 1 + len(names), call_unary)
        derivative.prepare(row, "derivative", ("x",), (*names, "bias"), 1 + len(names), call_unary)
        backward.prepare(row, "backward", ("grad", "x", "y"), (*names, "bias", "bias_grad"), 1, call_binary)
        for dtype in range(2):
            table = find_table(target, dtype)
            found = <const fastact_elementwise *> find_entry(
                table.elementwise, table.elementwise_count, sizeof(fastact_elementwise), row.name)
            self.kernels[FROM_X][dtype] = make_kernel(<const void *> found.forward, UNARY, table, found.cost[0])
            derivative.kernels[FROM_X][dtype] = make_kernel(
                <const void *> found.derivative, UNARY, table, found.cost[1])
            backward.kernels[FROM_X][dtype] = make_kernel(<const void *> found.backward, BINARY, table, found.cost[2])
            backward.kernels[FROM_Y][dtype] = make_kernel(<const void *> found.backward_y, BINARY, table, found.cost[3])
            if (found.backward_y != NULL) != row.from_y:
                raise LookupError(f"kernels and catalogue disagree on whether {row.name}'s output is enough")
        self.derivative, self.backward = derivative, backward
        self.derivative_member, self.backward_member = <PyObject *> derivative, <PyObject *> backward

    @property
    def __doc__(self):
        return self.row.document(self.role)


@cython.final
cdef class Channelwise(Activation):  # the same with a parameter that may differ along an axis: a weight
    cdef Function derivative
    cdef PyObject *derivative_member

    def __init__(self, row, str target=TARGET):
        cdef Function derivative = Function.__new__(Function)
        cdef WeightedBackward backward = WeightedBackward.__new__(WeightedBackward)
        cdef const fastact_weighted *found
        cdef const fastact_kernels *table
        cdef int dtype
        (weight,) = [parameter.name for parameter in row.parameters]
        self.prepare(row, "forward", ("x",), (weight, "axis"), 3, call_weighted)
        derivative.prepare(row, "derivative", ("x",), (weight, "axis"), 3, call_weighted)
        backward.prepare(
            row, "backward", ("grad", "x", "y"), (weight, "axis", f"{weight}_grad"), 1, call_weighted_backward)
        for dtype in range(2):
            table = find_table(target, dtype)
            found = <const fastact_weighted *> find_entry(
                table.weighted, table.weighted_count, sizeof(fastact_weighted), row.name)
            self.kernels[FROM_X][dtype] = make_kernel(
                <const void *> found.forward, WEIGHTED_UNARY, table, found.cost[0])
            derivative.kernels[FROM_X][dtype] = make_kernel(
                <const void *> found.derivative, WEIGHTED_UNARY, table, found.cost[1])
            backward.kernels[FROM_X][dtype] = make_kernel(
                <const void *> found.backward, WEIGHTED_BINARY, table, found.cost[2])
            backward.kernels[FROM_Y][dtype] = make_kernel(
                <const void *> found.backward_y, WEIGHTED_BINARY, table, found.cost[3])
            backward.summations[dtype].along, backward.summations[dtype].across = found.sum_along, found.sum_across
            backward.summations[dtype].table = table
            backward.summations[dtype].run = backward.summations[dtype].channels = 256
            backward.summations[dtype].cost = max(1, <int> (1000 * found.cost[4]))
        self.derivative, self.backward = derivative, backward
        self.derivative_member, self.backward_member = <PyObject *> derivative, <PyObject *> backward

    @property
    def __doc__(self):  # a subclass has one of its own, or none
        return self.row.document(self.role)


@cython.final
cdef class WeightedBackward(Function):  # which gives the gradient of the weight besides
    cdef Summation summations[2]  # by dtype

    @property
    def __doc__(self):
        return self.row.document(self.role)


@cython.final
cdef class Rowwise(Activation):  # that computes whole rows along an axis

    def __init__(self, row, str target=TARGET):
        cdef Function backward = Function.__new__(Function)
        cdef const fastact_rowwise *found
        cdef const fastact_kernels *table
        cdef int dtype
        selection = ("scale", "where", "causal") if row.selects else ()
        self.prepare(row, "forward", ("x",), ("axis", *selection), 2, call_rows)
        backward.prepare(row, "backward", ("grad", "y"), ("axis", *selection), 1, call_rows_backward)
        backward.required[1] = True
        for dtype in range(2):
            table = find_table(target, dtype)
            found = <const fastact_rowwise *> find_entry(
                table.rowwise, table.rowwise_count, sizeof(fastact_rowwise), row.name)
            self.kernels[FROM_X][dtype] = make_kernel(
                <const void *> found.forward, ROWS, table, found.cost[0], <const void *> found.forward_columns)
            backward.kernels[FROM_Y][dtype] = make_kernel(
                <const void *> found.backward, ROWS_BACKWARD, table, found.cost[1],
                <const void *> found.backward_columns)
            self.selected[dtype] = make_kernel(
                <const void *> found.forward_selected, ROWS_SELECTED, table, found.cost[0],
                <const void *> found.forward_selected_columns)
            backward.selected[dtype] = make_kernel(
                <const void *> found.backward_selected, ROWS_BACKWARD_SELECTED, table, found.cost[1],
                <const void *> found.backward_selected_columns)
            if (found.forward_selected != NULL) != row.selects:
                raise LookupError(f"kernels and catalogue disagree on whether {row.name} can leave elements out")
        self.backward, self.backward_member = backward, <PyObject *> backward

    @property
    def __doc__(self):
        return self.row.document(self.role)

    def jacobian(self, y, axis=-1):
        """Return the derivatives of every output of a row with respect to every input of it.

        Training needs no such matrix: `backward` multiplies a gradient by it without making it.

        Parameters
        ----------
        y : array_like
            The output of the forward call.
        axis : int, default -1
            The axis along which the rows lie.

        Returns
        -------
        ndarray
            Its shape is that of `y` without `axis`, then (n, n) for rows of n; element [..., i, j] is the derivative
            of output i with respect to input j.

        Examples
        --------
        >>> import fastact as fa
        >>> fa.softmax.jacobian([0.5, 0.5])
        array([[ 0.25, -0.25],
               [-0.25,  0.25]])
        """
        rows = np.atleast_1d(arguments.as_input(y, f"{self.name}.jacobian", "y"))
        rows = np.moveaxis(rows, count_axis(read_axis(axis), rows.ndim), rows.ndim - 1)
        n = rows.shape[rows.ndim - 1]
        square = (*rows.shape, n)
        unit = np.broadcast_to(np.eye(n, dtype=rows.dtype), square)
        return self.backward(
            unit, y=np.broadcast_to(np.expand_dims(rows, rows.ndim - 1), square), out=np.empty(square, rows.dtype))


@cython.final
cdef class Reduction(Activation):  # that makes one number of every row

    def __init__(self, row, str target=TARGET):
        cdef Function backward = Function.__new__(Function)
        cdef const fastact_rowwise *found
        cdef const fastact_kernels *table
        cdef int dtype
        self.prepare(row, "forward", ("x",), ("axis", "keepdims"), 2, call_reduction)
        backward.prepare(row, "backward", ("grad", "x"), ("axis",), 1, call_reduction_backward)
        backward.required[1] = True
        for dtype in range(2):
            table = find_table(target, dtype)
            found = <const fastact_rowwise *> find_entry(
                table.rowwise, table.rowwise_count, sizeof(fastact_rowwise), row.name)
            self.kernels[FROM_X][dtype] = make_kernel(
                <const void *> found.forward, ROWS, table, found.cost[0], <const void *> found.forward_columns, 1)
            backward.kernels[FROM_X][dtype] = make_kernel(
                <const void *> found.backward, ROWS_BACKWARD, table, found.cost[1],
                <const void *> found.backward_columns, 0)
        self.backward, self.backward_member = backward, <PyObject *> backward

    @property
    def __doc__(self):
        return self.row.document(self.role)


# ---------------------------------------------------------------------------------------------------------------
# Arguments
# ---------------------------------------------------------------------------------------------------------------

cdef inline int bind(
        Function self, PyObject *const *args, Py_ssize_t positional, PyObject *kwnames, PyObject **given) except -1:
    """Sorts a call's arguments into the function's order; NULL is one not given, and so is None for `out`."""
    cdef Py_ssize_t i
    cdef int j
    if positional > self.positional:
        return refuse_positional(self, positional)
    for j in range(self.count):
        given[j] = args[j] if j < positional else NULL
    if kwnames != NULL:
        for i in range(PyTuple_GET_SIZE(kwnames)):
            j = <int> positional
            while j < self.count and self.names[j] != PyTuple_GET_ITEM(kwnames, i):
                j += 1
            if j == self.count or given[j] != NULL:
                j = find_keyword(self, PyTuple_GET_ITEM(kwnames, i), given)
            given[j] = args[positional + i]
    if given[0] == NULL and self.required[0]:
        return refuse_missing(self, given)
    if given[self.count - 1] == Py_None:
        given[self.count - 1] = NULL
    return 0


# What is not on the way of a good call stands apart, for the sake of its speed.

cdef int find_keyword(Function self, PyObject *keyword, PyObject **given) except -1:
    """The place of a keyword that is not the interned string, or not welcome."""
    cdef int j
    if <str> keyword not in self.arguments:
        raise TypeError(f"{self.name}() got an unexpected keyword argument '{<str> keyword}'")
    j = self.arguments.index(<str> keyword)
    if given[j] != NULL:
        raise TypeError(f"{self.name}() got multiple values for argument '{<str> keyword}'")
    return j


cdef int refuse_positional(Function self, Py_ssize_t count) except -1:
    raise TypeError(f"{self.name}() takes {self.positional} positional argument{'s'[:self.positional != 1]} "
                    f"but {count} were given")


cdef int refuse_missing(Function self, PyObject **given) except -1:
    cdef int i
    missing = [i for i in range(self.count) if self.required[i] and given[i] == NULL]
    positional = [self.arguments[i] for i in missing if i < self.positional]
    raise TypeError(arguments.missing(self.name, positional, [self.arguments[i] for i in missing]))


cdef inline int read_parameters(Function self, PyObject **given, double *values) except -1:
    """The parameters given, as they stand.  This may run the caller's code: no array may be looked at before."""
    cdef int i
    for i in range(MAX_PARAMETERS):
        values[i] = 0
    return read_given(self, given, values) if self.parameter_count else 0


cdef int read_given(Function self, PyObject **given, double *values) except -1:
    cdef int i
    cdef PyObject *value
    for i in range(self.parameter_count):
        value = given[self.parameters_at + i]
        if value != NULL:
            values[i] = PyFloat_AS_DOUBLE(value) if PyFloat_CheckExact(value) else arguments.as_number(
                <object> value, self.name, self.arguments[self.parameters_at + i])
        elif self.required[self.parameters_at + i]:
            refuse_missing(self, given)
    return 0


cdef inline int round_parameters(Function self, PyObject **given, int source, int dtype, double *values) except -1:
    """The parameters in the type computed in, and within their ranges."""
    return round_given(self, given, source, dtype, values) if self.parameter_count else 0


cdef int round_given(Function self, PyObject **given, int source, int dtype, double *values) except -1:
    cdef int i
    for i in range(self.parameter_count):
        if given[self.parameters_at + i] == NULL:
            values[i] = self.defaults[dtype][i]
        elif not fpmode_round(values[i], dtype == FLOAT32, self.low[source][i], self.high[source][i], &values[i]):
            raise ValueError(arguments.out_of_range(
                self.name, self.arguments[self.parameters_at + i], <object> given[self.parameters_at + i],
                self.low[source][i], self.high[source][i], dtype == FLOAT32, source == FROM_Y))
    if self.ordered and fpmode_falls(values, self.parameter_count):
        raise ValueError(arguments.out_of_order(
            self.name, [parameter.name for parameter in self.row.parameters],
            [values[i] for i in range(self.parameter_count)]))
    return 0


cdef inline int choose_source(Function self, PyObject **given) except -1:
    """Whether backward goes by the input or by the output."""
    cdef bint x = is_given(given, 1), y = is_given(given, 2)
    if x == y or y and self.kernels[FROM_Y][FLOAT32].function == NULL:
        return refuse_source(self, y)
    return FROM_Y if y else FROM_X


cdef int refuse_source(Function self, bint y) except -1:
    if y and self.kernels[FROM_Y][FLOAT32].function == NULL:
        raise TypeError(f"{self.name}() needs x=, the input: the output does not determine the derivative")
    raise TypeError(f"{self.name}() takes exactly one of x= (the input) and y= (the output)")


cdef Py_ssize_t read_axis(axis) except? -1:
    try:
        return PyNumber_AsSsize_t(axis, NULL)
    except TypeError:
        raise TypeError(f"axis must be an int, not {type(axis).__name__}") from None


cdef inline Py_ssize_t given_axis(PyObject *axis, Py_ssize_t default) except? -1:
    return default if axis == NULL else read_axis(<object> axis)


cdef int count_axis(Py_ssize_t axis, int ndim) except -1:
    """The axis, counted from the first; a scalar is a row of one."""
    cdef int axes = max(1, ndim)
    if not -axes <= axis < axes:
        raise AxisError(axis, ndim)
    return axis + axes if axis < 0 else axis


cdef const Kernel *derivative_kernel(activation, dict parameters, int dtype, double *values) except NULL:
    """The kernel of an activation's derivative; its parameters, by name, become values of the type."""
    cdef Function derivative = (<Elementwise?> activation).derivative
    cdef PyObject *given[MAX_ARGUMENTS]
    cdef int i
    for i in range(MAX_ARGUMENTS):
        given[i] = NULL
    given[0] = <PyObject *> activation  # not looked at
    names = derivative.arguments[derivative.parameters_at:derivative.parameters_at + derivative.parameter_count]
    for name, value in parameters.items():
        if name not in names:
            raise TypeError(f"{derivative.name}() got an unexpected keyword argument '{name}'")
        given[derivative.parameters_at + <int> names.index(name)] = <PyObject *> value
    read_parameters(derivative, given, values)
    round_parameters(derivative, given, FROM_X, dtype, values)
    return &derivative.kernels[FROM_X][dtype]


# ---------------------------------------------------------------------------------------------------------------
# The door
# ---------------------------------------------------------------------------------------------------------------

cdef inline int real_type(PyObject *value) noexcept:
    """FLOAT32 or FLOAT64 for an exact ndarray in native byte order, -1 for anything else."""
    cdef Array *x = <Array *> value
    if not PyArray_CheckExact(x) or not PyArray_ISNOTSWAPPED(x):
        return -1
    return FLOAT32 if PyArray_TYPE(x) == cnp.NPY_FLOAT else FLOAT64 if PyArray_TYPE(x) == cnp.NPY_DOUBLE else -1


cdef inline bint same_shape(Array *a, Array *b) noexcept:
    cdef int d
    if PyArray_NDIM(a) != PyArray_NDIM(b):
        return False
    for d in range(PyArray_NDIM(a)):
        if PyArray_DIM(a, d) != PyArray_DIM(b, d):
            return False
    return True


cdef inline bint is_clear(Array *x, Array *out, Py_ssize_t nbytes) noexcept:
    """Whether two contiguous arrays are the same memory or do not touch."""
    cdef char *a = PyArray_BYTES(x)
    cdef char *b = PyArray_BYTES(out)
    return a == b or a + nbytes <= b or b + nbytes <= a


cdef int64_t door_limit = RELEASE_ABOVE


def set_parallel_threshold(ns):
    """Keep calls serial that are estimated to take less on one thread; return what it was.  For tests and benches."""
    global door_limit
    cdef int64_t threshold = <int64_t> min(1000.0 * ns, 2.0**62)
    door_limit = min(<int64_t> RELEASE_ABOVE, threshold)
    return swap_parallel_threshold(threshold) / 1000


cdef inline Py_ssize_t size(Array *x) noexcept:
    cdef Py_ssize_t n = 1
    cdef int d
    for d in range(PyArray_NDIM(x)):
        n *= PyArray_DIM(x, d)
    return n


cdef inline int joint_order(
        Array *x, Array *other, PyObject *out, int dtype, const Kernel *kernel, Py_ssize_t n) noexcept:
    """The orders, C or Fortran's, in which all operands can go through the door; 0 if they must go round.

    x and other are known to be of the dtype, and of one shape of n elements; other is x where there is one input."""
    cdef int order = PyArray_FLAGS(x) & PyArray_FLAGS(other) & CONTIGUOUS
    cdef Py_ssize_t nbytes = n * PyArray_ITEMSIZE(x)
    if order == 0 or n * kernel.cost >= door_limit or n == 0:
        return 0
    if out != NULL:
        if out != <PyObject *> x and (real_type(out) != dtype or not same_shape(x, <Array *> out)
                                      or not is_clear(x, <Array *> out, nbytes)):
            return 0
        if not is_clear(other, <Array *> out, nbytes) or not PyArray_ISWRITEABLE(<Array *> out):
            return 0
        order &= PyArray_FLAGS(<Array *> out)
    return order


cdef inline object new_contiguous(Array *x, int dtype, int order):
    """An array laid out as x is, which is contiguous in that order."""
    cdef cnp.dtype descr = float32 if dtype == FLOAT32 else float64
    Py_INCREF(descr)
    return PyArray_NewFromDescr(
        cnp.ndarray, descr, PyArray_NDIM(x), PyArray_DIMS(x), NULL, NULL,
        0 if order & cnp.NPY_ARRAY_C_CONTIGUOUS else cnp.NPY_ARRAY_F_CONTIGUOUS, NULL)


cdef inline object as_result(computed):
    """NumPy's habit: a new array without axes becomes a scalar."""
    return computed if PyArray_NDIM(<Array *> computed) else computed[()]


cdef object call_unary(object callable, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef Function self = <Function> callable
    cdef PyObject *given[MAX_ARGUMENTS]
    cdef PyObject *out
    cdef Array *x
    cdef double parameters[MAX_PARAMETERS]
    cdef const Kernel *kernel
    cdef Py_ssize_t n
    cdef int dtype, order
    cdef fpmode was
    bind(self, args, PyVectorcall_NARGS(nargsf), kwnames, given)
    read_parameters(self, given, parameters)
    if is_given(given, self.count - 2):
        return call_with_bias(self, FROM_X, given, given[0], NULL, parameters)
    out, x, dtype = given[self.count - 1], <Array *> given[0], real_type(given[0])
    if dtype >= 0:
        kernel = &self.kernels[FROM_X][dtype]
        n = size(x)
        order = joint_order(x, x, out, dtype, kernel, n)
        if order:
            round_parameters(self, given, FROM_X, dtype, parameters)
            computed = <object> out if out != NULL else new_contiguous(x, dtype, order)
            was = fpmode_enter()
            (<fastact_unary> kernel.function)(
                PyArray_BYTES(x), NULL, PyArray_BYTES(<Array *> computed), n, parameters)
            fpmode_leave(was)
            return computed if out != NULL else as_result(computed)
    return call_round(self, FROM_X, given, given[0], NULL, out, parameters, 0)


cdef object call_binary(object callable, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef Function self = <Function> callable
    cdef PyObject *given[MAX_ARGUMENTS]
    cdef PyObject *out
    cdef Array *grad
    cdef Array *x
    cdef double parameters[MAX_PARAMETERS]
    cdef const Kernel *kernel
    cdef Py_ssize_t n
    cdef int dtype, order, source
    cdef fpmode was
    bind(self, args, PyVectorcall_NARGS(nargsf), kwnames, given)
    read_parameters(self, given, parameters)
    source = choose_source(self, given)
    if is_given(given, self.count - 3) or is_given(given, self.count - 2):
        return call_with_bias(self, source, given, given[0], given[1 + source], parameters)
    out, grad, x, dtype = given[self.count - 1], <Array *> given[0], <Array *> given[1 + source], real_type(given[0])
    if dtype >= 0 and real_type(<PyObject *> x) == dtype and same_shape(grad, x):
        kernel = &self.kernels[source][dtype]
        n = size(grad)
        order = joint_order(grad, x, out, dtype, kernel, n)
        if order:
            round_parameters(self, given, source, dtype, parameters)
            computed = <object> out if out != NULL else new_contiguous(grad, dtype, order)
            was = fpmode_enter()
            (<fastact_binary> kernel.function)(
                PyArray_BYTES(grad), PyArray_BYTES(x), NULL, PyArray_BYTES(<Array *> computed), n, parameters)
            fpmode_leave(was)
            return computed if out != NULL else as_result(computed)
    return call_round(self, source, given, given[0], given[1 + source], out, parameters, 0)


cdef inline bint is_given(PyObject **given, int i) noexcept:
    return given[i] != NULL and given[i] != Py_None


cdef inline Py_ssize_t last_axis(Array *x, Py_ssize_t axis) noexcept:
    """The extent of the last axis, if that is the axis meant; else 0."""
    cdef int last = PyArray_NDIM(x) - 1
    return PyArray_DIM(x, last) if last >= 0 and (axis == -1 or axis == last) else 0


cdef enum:  # arguments of rows going forward; there is one more before them going backward
    SCALE = 2
    LEFT_OUT = 3
    CAUSAL = 4


cdef inline bint selects(PyObject **given, int scale) noexcept:
    cdef int i
    for i in range(3):
        if given[scale + i] != NULL:
            return True
    return False


cdef object call_rows(object callable, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef Function self = <Function> callable
    cdef PyObject *given[MAX_ARGUMENTS]
    cdef PyObject *out
    cdef Array *x
    cdef const Kernel *kernel
    cdef Py_ssize_t axis, n, step
    cdef int dtype
    cdef fpmode was
    bind(self, args, PyVectorcall_NARGS(nargsf), kwnames, given)
    axis = given_axis(given[1], -1)
    out, x, dtype = given[self.count - 1], <Array *> given[0], real_type(given[0])
    if self.count > SCALE + 2 and selects(given, SCALE):
        return call_selected(self, given, given[0], NULL, out, axis, SCALE)
    n = last_axis(x, axis) if dtype >= 0 else 0
    if n:
        kernel = &self.kernels[FROM_X][dtype]
        if joint_order(x, x, out, dtype, kernel, size(x)) & cnp.NPY_ARRAY_C_CONTIGUOUS:
            step = n * PyArray_ITEMSIZE(x)
            computed = <object> out if out != NULL else new_contiguous(x, dtype, cnp.NPY_ARRAY_C_CONTIGUOUS)
            was = fpmode_enter()
            (<fastact_rows> kernel.function)(
                PyArray_BYTES(x), step, PyArray_BYTES(<Array *> computed), step, size(x) // n, n)
            fpmode_leave(was)
            return computed
    return call_round(self, FROM_X, given, given[0], NULL, out, NULL, axis)


cdef object call_rows_backward(object callable, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef Function self = <Function> callable
    cdef PyObject *given[MAX_ARGUMENTS]
    cdef PyObject *out
    cdef Array *grad
    cdef Array *y
    cdef const Kernel *kernel
    cdef Py_ssize_t axis, n = 0, step
    cdef int dtype
    cdef fpmode was
    bind(self, args, PyVectorcall_NARGS(nargsf), kwnames, given)
    if given[1] == NULL:
        refuse_missing(self, given)
    axis = given_axis(given[2], -1)
    out, grad, y, dtype = given[self.count - 1], <Array *> given[0], <Array *> given[1], real_type(given[0])
    if self.count > SCALE + 3 and selects(given, SCALE + 1):
        return call_selected(self, given, given[0], given[1], out, axis, SCALE + 1)
    if dtype >= 0 and real_type(<PyObject *> y) == dtype and same_shape(grad, y):
        n = last_axis(grad, axis)
    if n:
        kernel = &self.kernels[FROM_Y][dtype]
        if joint_order(grad, y, out, dtype, kernel, size(y)) & cnp.NPY_ARRAY_C_CONTIGUOUS:
            step = n * PyArray_ITEMSIZE(y)
            computed = <object> out if out != NULL else new_contiguous(grad, dtype, cnp.NPY_ARRAY_C_CONTIGUOUS)
            was = fpmode_enter()
            (<fastact_rows_backward> kernel.function)(
                PyArray_BYTES(grad), step, PyArray_BYTES(y), step, PyArray_BYTES(<Array *> computed), step,
                size(y) // n, n)
            fpmode_leave(was)
            return computed
    return call_round(self, FROM_Y, given, given[0], given[1], out, NULL, axis)


# ---------------------------------------------------------------------------------------------------------------
# The way round
# ---------------------------------------------------------------------------------------------------------------

cdef object call_round(
        Function self, int source, PyObject **given, PyObject *a, PyObject *b, PyObject *out, double *parameters,
        Py_ssize_t axis):
    """Checks everything, then computes.  b is NULL where there is one input, parameters where there is an axis."""
    cdef bint rowwise = parameters == NULL
    cdef Array *operands[MAX_OPERANDS]
    cdef int dtype
    cdef str second_name = self.arguments[1 if rowwise else 1 + source]
    foreign = hand_over(self, given, a, b, second_name, out)
    if foreign is not NotImplemented:
        return foreign

    # What may run the caller's code comes before any look at an array's memory or shape.
    first = second = as_input(self, a, self.arguments[0])
    if b != NULL:
        second = as_input(self, b, second_name)
    computed = None if out == NULL else as_output(self, out, "out")

    check_same_shape(self, first, self.arguments[0], second, second_name)
    dtype = max(real_type(<PyObject *> first), real_type(<PyObject *> second))
    axis = count_axis(axis, PyArray_NDIM(<Array *> first)) if rowwise else -1
    if not rowwise:
        round_parameters(self, given, source, dtype, parameters)
    if out == NULL:
        computed = new_like(first, dtype)
    else:
        check_output(self, computed, "out", first, self.arguments[0], dtype)
    operands[0], operands[1] = <Array *> first, <Array *> second
    operands[1 if b == NULL else 2] = <Array *> computed
    compute(&self.kernels[source][dtype], parameters, operands, axis)
    return <object> out if out != NULL else as_result(computed)


cdef object hand_over(Function self, PyObject **given, PyObject *a, PyObject *b, str second_name, PyObject *out):
    """The result of an operand that overrides __array_ufunc__, or NotImplemented: of arrays, at once."""
    cdef int i
    if (PyArray_CheckExact(<Array *> a) and (b == NULL or PyArray_CheckExact(<Array *> b))
            and (out == NULL or PyArray_CheckExact(<Array *> out))):
        return NotImplemented
    inputs = [<object> a] if b == NULL else [<object> a, <object> b]
    keywords = {}
    for i in range(self.parameters_at, self.count - 1):
        if given[i] != NULL:
            keywords[self.arguments[i]] = <object> given[i]
    return arguments.hand_over(
        self, inputs, None if b == NULL else second_name, keywords, None if out == NULL else <object> out)


cdef object as_input(Function self, PyObject *value, str argument):
    return <object> value if real_type(value) >= 0 else arguments.as_input(<object> value, self.name, argument)


cdef object as_output(Function self, PyObject *out, str argument):
    return <object> out if PyArray_CheckExact(<Array *> out) else arguments.as_output(<object> out, self.name, argument)


cdef int check_same_shape(Function self, first, str name, second, str other_name) except -1:
    if not same_shape(<Array *> first, <Array *> second):
        raise ValueError(
            f"{self.name}(): {name} has shape {first.shape}, but {other_name} has {second.shape}")
    return 0


cdef int check_output(Function self, out, str argument, like, str like_argument, int dtype) except -1:
    """Whether a result shaped like another argument may be written to `out`."""
    if real_type(<PyObject *> out) != dtype:
        raise TypeError(f"{self.name}(): {argument} is of dtype {arguments.spell(out.dtype)}, but the result is of "
                        f"{'float32' if dtype == FLOAT32 else 'float64'}")
    if not same_shape(<Array *> like, <Array *> out):
        raise ValueError(f"{self.name}(): {argument} has shape {out.shape}, but {like_argument} has {like.shape}")
    if not PyArray_ISWRITEABLE(<Array *> out):
        raise ValueError(f"{self.name}(): {argument} is read-only")
    if may_overlap_itself(<Array *> out) and arguments.overlaps_itself(out):
        raise ValueError(f"{self.name}(): {argument} overlaps itself: several of its elements share memory")
    return 0


cdef bint share_memory(Array *a, Array *b) except -1:
    """Whether they have a byte in common, two views of the same elements too."""
    return size(a) > 0 and size(b) > 0 and (PyArray_BYTES(a) == PyArray_BYTES(b) or overlap(a, b))


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


cdef object new_like(x, int dtype):
    """An array laid out as x is, whatever its strides."""
    if real_type(<PyObject *> x) == dtype:
        return PyArray_NewLikeArray(<Array *> x, cnp.NPY_KEEPORDER, NULL, False)
    return np.empty_like(x, dtype=float64)


# ---------------------------------------------------------------------------------------------------------------
# Rows of which some elements are left out, and rows of which one number is made
# ---------------------------------------------------------------------------------------------------------------

cdef object call_selected(
        Function self, PyObject **given, PyObject *a, PyObject *b, PyObject *out, Py_ssize_t axis, int scale_at):
    """Checks everything, then computes.  b is NULL where there is one input."""
    cdef PyObject *left_out = given[scale_at + LEFT_OUT - SCALE]
    cdef PyObject *causal = given[scale_at + CAUSAL - SCALE]
    cdef Array *operands[MAX_OPERANDS]
    cdef double scale = 1
    cdef int dtype, along, outputs = 1 if b == NULL else 2
    cdef str second_name = self.arguments[1]
    if given[scale_at] != NULL:
        scale = arguments.as_number(<object> given[scale_at], self.name, "scale")
    is_causal = causal != NULL and arguments.as_bool(<object> causal, self.name, "causal")
    hand_over(self, given, a, b, second_name, out)

    # What may run the caller's code comes before any look at an array's memory or shape.
    first = second = as_input(self, a, self.arguments[0])
    if b != NULL:
        second = as_input(self, b, second_name)
    computed = None if out == NULL else as_output(self, out, "out")
    where = None
    if left_out != NULL and left_out != Py_None:
        where = arguments.as_mask(<object> left_out, self.name, "where")

    check_same_shape(self, first, self.arguments[0], second, second_name)
    dtype = max(real_type(<PyObject *> first), real_type(<PyObject *> second))
    along = count_axis(axis, PyArray_NDIM(<Array *> first))
    if not fpmode_round(scale, dtype == FLOAT32, 5e-324, DBL_MAX, &scale):
        raise ValueError(arguments.out_of_range(
            self.name, "scale", <object> given[scale_at], 5e-324, DBL_MAX, dtype == FLOAT32, False))
    seen = arguments.keys_seen(first.shape, along, self.name) if is_causal else None
    if where is not None:
        where = arguments.spread(where, first.shape, self.name, "where")
    if out == NULL:
        computed = new_like(first, dtype)
    else:
        check_output(self, computed, "out", first, self.arguments[0], dtype)
        if where is not None and overlap(<Array *> where, <Array *> computed):
            where = where.copy()
    operands[0], operands[1], operands[outputs] = <Array *> first, <Array *> second, <Array *> computed
    operands[outputs + 1 + WHERE] = operands[outputs + 1 + SEEN] = NULL
    if where is not None:
        operands[outputs + 1 + WHERE] = <Array *> where
    if seen is not None:
        operands[outputs + 1 + SEEN] = <Array *> seen
    compute(&self.selected[dtype], &scale, operands, along)
    return <object> out if out != NULL else as_result(computed)


cdef object call_reduction(object callable, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef Function self = <Function> callable
    cdef PyObject *given[MAX_ARGUMENTS]
    cdef PyObject *out
    cdef Array *operands[MAX_OPERANDS]
    cdef Py_ssize_t axis
    cdef int dtype
    bind(self, args, PyVectorcall_NARGS(nargsf), kwnames, given)
    axis = given_axis(given[1], -1)
    keepdims = given[2] != NULL and arguments.as_bool(<object> given[2], self.name, "keepdims")
    out = given[self.count - 1]
    hand_over(self, given, given[0], NULL, None, out)
    x = as_input(self, given[0], "x")
    computed = None if out == NULL else as_output(self, out, "out")
    dtype = real_type(<PyObject *> x)
    axis = count_axis(axis, PyArray_NDIM(<Array *> x))
    shape = shape_of_result(<Array *> x, <int> axis, keepdims)
    if out == NULL:
        computed = np.empty(shape, x.dtype)
    else:
        check_output(self, computed, "out", np.broadcast_to(x.dtype.type(), shape), "the result", dtype)
    if size(<Array *> x) == 0:
        computed[...] = -np.inf  # the logarithm of nothing added up
    operands[0] = <Array *> x
    result = along_rows(<Array *> computed, <Array *> x, <int> axis)
    operands[1] = <Array *> result
    compute(&self.kernels[FROM_X][dtype], NULL, operands, <int> axis)
    return <object> out if out != NULL else as_result(computed)


cdef object call_reduction_backward(object callable, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef Function self = <Function> callable
    cdef PyObject *given[MAX_ARGUMENTS]
    cdef PyObject *out
    cdef Array *operands[MAX_OPERANDS]
    cdef Py_ssize_t axis
    cdef int dtype
    bind(self, args, PyVectorcall_NARGS(nargsf), kwnames, given)
    if given[1] == NULL:
        refuse_missing(self, given)
    axis = given_axis(given[2], -1)
    out = given[self.count - 1]
    hand_over(self, given, given[0], given[1], "x", out)
    grad, x = as_input(self, given[0], "grad"), as_input(self, given[1], "x")
    computed = None if out == NULL else as_output(self, out, "out")
    axis = count_axis(axis, PyArray_NDIM(<Array *> x))
    shape = shape_of_result(<Array *> x, <int> axis, False)
    if grad.shape != shape and grad.shape != shape_of_result(<Array *> x, <int> axis, True):
        raise ValueError(f"{self.name}(): grad has shape {grad.shape}, but the result for x has {shape}")
    dtype = max(real_type(<PyObject *> grad), real_type(<PyObject *> x))
    if out == NULL:
        computed = new_like(x, dtype)
    else:
        check_output(self, computed, "out", x, "x", dtype)
    gradients = along_rows(<Array *> grad, <Array *> x, <int> axis)
    operands[0], operands[1], operands[2] = <Array *> gradients, <Array *> x, <Array *> computed
    compute(&self.kernels[FROM_X][dtype], NULL, operands, <int> axis)
    return <object> out if out != NULL else as_result(computed)


cdef object shape_of_result(Array *x, int axis, bint keepdims):
    """One number a row; that of a scalar, a row of one, is a scalar."""
    shape = [PyArray_DIM(x, d) for d in range(PyArray_NDIM(x))]
    if shape:
        shape[axis:axis + 1] = [1] if keepdims else []
    return tuple(shape)


cdef object along_rows(Array *single, Array *x, int axis):
    """A view of numbers, one a row, in the shape of x."""
    cdef cnp.npy_intp strides[64]
    cdef cnp.dtype descr = float32 if PyArray_TYPE(single) == cnp.NPY_FLOAT else float64
    cdef int d, e = 0
    cdef bint kept = PyArray_NDIM(single) == PyArray_NDIM(x)
    for d in range(PyArray_NDIM(x)):
        strides[d] = 0
        if d != axis:
            strides[d] = PyArray_STRIDE(single, e)
        if d != axis or kept:
            e += 1
    Py_INCREF(descr)
    return PyArray_NewFromDescr(
        cnp.ndarray, descr, PyArray_NDIM(x), PyArray_DIMS(x), strides, PyArray_BYTES(single),
        cnp.NPY_ARRAY_WRITEABLE, NULL)


# ---------------------------------------------------------------------------------------------------------------
# Biases
# ---------------------------------------------------------------------------------------------------------------

cdef object call_with_bias(
        Function self, int source, PyObject **given, PyObject *a, PyObject *b, double *parameters):
    """f(x + bias), or its backward and the sum of that: checks everything, then computes.

    b is NULL where there is one input."""
    cdef int place = self.parameters_at + self.parameter_count, dtype, last = 1 if b == NULL else 2
    cdef PyObject *out = given[self.count - 1]
    cdef PyObject *grad_out = NULL if b == NULL else given[place + 1]
    cdef str name = self.arguments[0], second_name = self.arguments[1 + source]
    cdef Array *operands[MAX_OPERANDS]
    cdef Kernel kernel
    cdef Summation summation
    cdef bint biased = is_given(given, place)
    if biased and source == FROM_Y:
        raise TypeError(f"{self.name}() takes bias= with x=, the input that it is added to: the output has it in it")
    hand_over(self, given, a, b, second_name, out)

    # What may run the caller's code comes before any look at an array's memory or shape.
    first = second = as_input(self, a, name)
    if b != NULL:
        second = as_input(self, b, second_name)
    bias = as_input(self, given[place], "bias") if biased else None
    computed = None if out == NULL else as_output(self, out, "out")
    bias_grad = None if grad_out == NULL or grad_out == Py_None else as_output(self, grad_out, "bias_grad")

    check_same_shape(self, first, name, second, second_name)
    if PyArray_NDIM(<Array *> first) == 0:
        raise ValueError(f"{self.name}(): {name} has no axis for a bias to lie along")
    dtype = max(real_type(<PyObject *> first), real_type(<PyObject *> second))
    if biased:
        dtype = max(dtype, real_type(<PyObject *> bias))
        if PyArray_NDIM(<Array *> bias) != 1 or bias.shape[0] != first.shape[first.ndim - 1]:
            raise ValueError(f"{self.name}(): bias has shape {bias.shape}, but the last axis of {name} has "
                             f"{first.shape[first.ndim - 1]} elements")
    round_parameters(self, given, source, dtype, parameters)
    if out == NULL:
        computed = new_like(first, dtype)
    else:
        check_output(self, computed, "out", first, name, dtype)
    if bias_grad is not None:
        totals = new_vector(first.shape[first.ndim - 1], dtype)
        check_output(self, bias_grad, "bias_grad", totals, f"the last axis of {name}", dtype)
        if out != NULL and share_memory(<Array *> bias_grad, <Array *> computed):
            raise ValueError(f"{self.name}(): bias_grad and out share memory")

    kernel = self.kernels[source][dtype]
    operands[0] = <Array *> first
    if b != NULL:
        operands[1] = <Array *> second
    if biased:
        kernel.form = BIASED_UNARY if b == NULL else BIASED_BINARY
        kernel.cost += COST_OF_BIAS
        vector = bias
        if (real_type(<PyObject *> bias) != dtype or not PyArray_FLAGS(<Array *> bias) & cnp.NPY_ARRAY_C_CONTIGUOUS
                or share_memory(<Array *> bias, <Array *> computed)):
            vector = copy_vector(<Array *> bias, dtype, kernel.table)
        view = broadcast(<Array *> vector, <Array *> first, PyArray_NDIM(<Array *> first) - 1)
        operands[last] = <Array *> view
        last += 1
    operands[last] = <Array *> computed
    if bias_grad is None:
        compute(&kernel, parameters, operands, -1)
    else:
        summation.along, summation.across = kernel.table.bias_sum_along, kernel.table.bias_sum_across
        summation.table, summation.cost = kernel.table, COST_OF_BIAS
        # Tiles that are still in the cache when they are added up, of rows long enough for the kernel.
        summation.run, summation.channels = 16, 4096
        compute_and_add_up(&kernel, parameters, operands, &summation, PyArray_BYTES(<Array *> totals))
        scatter(<Array *> totals, <Array *> bias_grad, kernel.table)
    return <object> out if out != NULL else computed


# ---------------------------------------------------------------------------------------------------------------
# Weights
# ---------------------------------------------------------------------------------------------------------------

cdef object call_weighted(object callable, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef Function self = <Function> callable
    cdef PyObject *given[MAX_ARGUMENTS]
    cdef PyObject *out
    cdef Array *x
    cdef double only[1]
    cdef const Kernel *kernel
    cdef Py_ssize_t n
    cdef int dtype, order
    cdef fpmode was
    given[0] = NULL  # as bind would do; the compiler does not see it
    bind(self, args, PyVectorcall_NARGS(nargsf), kwnames, given)
    out, x, dtype = given[self.count - 1], <Array *> given[0], real_type(given[0])
    if dtype >= 0 and given[1] != NULL and PyFloat_CheckExact(given[1]) and given[2] == NULL:
        kernel = &self.kernels[FROM_X][dtype]
        n = size(x)
        order = joint_order(x, x, out, dtype, kernel, n)
        if order:
            only[0] = PyFloat_AS_DOUBLE(given[1])
            round_parameters(self, given, FROM_X, dtype, only)
            as_real(only, dtype)
            computed = <object> out if out != NULL else new_contiguous(x, dtype, order)
            was = fpmode_enter()
            (<fastact_weighted_unary> kernel.function)(
                PyArray_BYTES(x), only, 0, PyArray_BYTES(<Array *> computed), n)
            fpmode_leave(was)
            return computed if out != NULL else as_result(computed)
    return call_with_weight(self, FROM_X, given, given[0], NULL)


cdef object call_weighted_backward(object callable, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef Function self = <Function> callable
    cdef PyObject *given[MAX_ARGUMENTS]
    cdef int source
    bind(self, args, PyVectorcall_NARGS(nargsf), kwnames, given)
    source = choose_source(self, given)
    return call_with_weight(self, source, given, given[0], given[1 + source])


cdef object call_with_weight(Function self, int source, PyObject **given, PyObject *a, PyObject *b):
    """Checks everything, then computes.  b is NULL where there is one input."""
    cdef int place = self.parameters_at, dtype, axis, last = 1 if b == NULL else 2
    cdef PyObject *out = given[self.count - 1]
    cdef PyObject *grad_out = NULL if b == NULL else given[place + 2]
    cdef str weight_name = self.arguments[place], second_name = self.arguments[1 + source]
    cdef Array *operands[MAX_OPERANDS]
    cdef Py_ssize_t wanted_axis
    cdef bint number
    if given[place] == NULL:
        refuse_missing(self, given)
    if grad_out == Py_None:
        grad_out = NULL
    hand_over(self, given, a, b, second_name, out)

    # What may run the caller's code comes before any look at an array's memory or shape.
    wanted_axis = given_axis(given[place + 1], 1)
    first = second = as_input(self, a, self.arguments[0])
    if b != NULL:
        second = as_input(self, b, second_name)
    number = is_number(given[place])
    if number:
        weight = np.array(arguments.as_number(<object> given[place], self.name, weight_name))
    else:
        weight = as_input(self, given[place], weight_name)
    computed = None if out == NULL else as_output(self, out, "out")
    weight_grad = None if grad_out == NULL else as_output(self, grad_out, self.arguments[place + 2])

    check_same_shape(self, first, self.arguments[0], second, second_name)
    dtype = max(real_type(<PyObject *> first), real_type(<PyObject *> second))
    if not number:
        dtype = max(dtype, real_type(<PyObject *> weight))
    axis = axis_of_weight(self, <Array *> first, <Array *> weight, wanted_axis, weight_name)
    weights = round_weight(self, <Array *> weight, weight_name, source, dtype)
    if out == NULL:
        computed = new_like(first, dtype)
    else:
        check_output(self, computed, "out", first, self.arguments[0], dtype)
    if weight_grad is not None:
        check_output(self, weight_grad, self.arguments[place + 2], weight, weight_name, dtype)
        if out != NULL and share_memory(<Array *> weight_grad, <Array *> computed):
            raise ValueError(f"{self.name}(): {self.arguments[place + 2]} and out share memory")

    spread = repeat_for_short_rows(<Array *> weights, <Array *> first, axis, self.kernels[source][dtype].table)
    view = broadcast(<Array *> spread, <Array *> first, axis)
    operands[0], operands[last] = <Array *> first, <Array *> view
    if b != NULL:
        operands[1] = <Array *> second
    operands[last + 1] = <Array *> computed
    if weight_grad is None:
        compute(&self.kernels[source][dtype], NULL, operands, -1)
    else:  # first, as `out` may be an input; and written last
        totals = new_vector(PyArray_DIM(<Array *> weights, 0), dtype)
        add_up(&(<WeightedBackward> self).summations[dtype], <Array *> first, <Array *> second, axis,
               PyArray_BYTES(<Array *> weights) if source == FROM_Y else NULL, PyArray_BYTES(<Array *> totals))
        compute(&self.kernels[source][dtype], NULL, operands, -1)
        scatter(<Array *> totals, <Array *> weight_grad, self.kernels[source][dtype].table)
    return <object> out if out != NULL else as_result(computed)


cdef bint is_number(PyObject *weight) except -1:
    """Whether it is rounded to the arrays' type, as parameters are; an array has a type of its own."""
    if PyArray_CheckExact(<Array *> weight):
        return False
    return PyFloat_CheckExact(weight) or arguments.is_number(<object> weight)


cdef inline void as_real(double *value, int dtype) noexcept:
    """A number, known to be one of the type computed in, in that type and at the same place."""
    if dtype == FLOAT32:
        fpmode_narrow(value[0], <float *> value)


cdef int axis_of_weight(Function self, Array *x, Array *weight, Py_ssize_t axis, str argument) except? -2:
    """The axis along which the weight lies; -1 where there is one for all elements."""
    cdef int axes = PyArray_NDIM(x)
    if size(weight) == 1:
        return -1
    if PyArray_NDIM(weight) != 1:
        raise ValueError(f"{self.name}(): {argument} has shape {(<object> weight).shape}: it must be a number or "
                         "a vector, a number for each place along an axis")
    if not -axes <= axis < axes:
        raise AxisError(f"{self.name}(): {argument} has {size(weight)} elements, for axis {axis} of an array that has "
                        f"{axes} dimension{'s'[:axes != 1]}; say which axis they lie along")
    axis = axis + axes if axis < 0 else axis
    if PyArray_DIM(x, <int> axis) != size(weight):
        raise ValueError(f"{self.name}(): {argument} has {size(weight)} elements, but {self.arguments[0]} has "
                         f"{PyArray_DIM(x, <int> axis)} along axis {axis}")
    return <int> axis


cdef object new_vector(Py_ssize_t n, int dtype):
    cdef cnp.dtype descr = float32 if dtype == FLOAT32 else float64
    cdef cnp.npy_intp[1] shape = [n]
    Py_INCREF(descr)
    return PyArray_NewFromDescr(cnp.ndarray, descr, 1, shape, NULL, NULL, 0, NULL)


cdef object round_weight(Function self, Array *weight, str argument, int source, int dtype):
    """A vector of the weight in the type computed in, all within its range."""
    cdef Py_ssize_t n = size(weight), at
    if PyArray_TYPE(weight) == cnp.NPY_DOUBLE and dtype == FLOAT32:  # a number
        vector = new_vector(n, dtype)
        fpmode_narrow((<double *> PyArray_BYTES(weight))[0], <float *> PyArray_BYTES(<Array *> vector))
    else:
        vector = copy_vector(weight, dtype, self.kernels[source][dtype].table)
    at = fpmode_first_outside(
        PyArray_BYTES(<Array *> vector), dtype == FLOAT32, n, self.low[source][0], self.high[source][0])
    if at < n:
        raise ValueError(arguments.out_of_range(
            self.name, argument, float((<object> weight).flat[at]), self.low[source][0], self.high[source][0],
            dtype == FLOAT32, source == FROM_Y))
    return vector


cdef object copy_vector(Array *x, int dtype, const fastact_kernels *table):
    """Its elements side by side, in the type computed in."""
    cdef bint narrow = PyArray_TYPE(x) == cnp.NPY_FLOAT and dtype == FLOAT64
    vector = new_vector(size(x), dtype)
    cdef fpmode was = fpmode_enter()
    (table.widen if narrow else table.gather)(
        PyArray_BYTES(x), PyArray_STRIDE(x, 0) if PyArray_NDIM(x) == 1 else 0, PyArray_BYTES(<Array *> vector), size(x))
    fpmode_leave(was)
    return vector


cdef object repeat_for_short_rows(Array *weights, Array *x, int axis, const fastact_kernels *table):
    """The weights, each repeated for all that follows its axis where that is short and comes again and again."""
    cdef Py_ssize_t n = size(weights), row = 1, i
    cdef char *values
    cdef int d
    cdef fpmode was
    for d in range(axis + 1, PyArray_NDIM(x)):
        row *= PyArray_DIM(x, d)
    if axis < 0 or not 1 < row < SHORT_ROW or size(x) < 4 * n * row:
        return <object> weights
    repeated = new_vector(n * row, FLOAT32 if PyArray_TYPE(weights) == cnp.NPY_FLOAT else FLOAT64)
    values = PyArray_BYTES(<Array *> repeated)
    was = fpmode_enter()
    for i in range(n):
        table.gather(PyArray_BYTES(weights) + i * PyArray_ITEMSIZE(weights), 0,
                     values + i * row * PyArray_ITEMSIZE(weights), row)
    fpmode_leave(was)
    return repeated


cdef object broadcast(Array *weights, Array *x, int axis):
    """A view of the weights of the shape of x."""
    cdef cnp.npy_intp strides[64]
    cdef Py_ssize_t item = PyArray_ITEMSIZE(weights), step = item
    cdef bint repeated = axis >= 0 and size(weights) > PyArray_DIM(x, axis)
    cdef cnp.dtype descr = float32 if PyArray_TYPE(weights) == cnp.NPY_FLOAT else float64
    cdef int d
    for d in range(PyArray_NDIM(x) - 1, -1, -1):
        strides[d] = step if d == axis or repeated and d > axis else 0
        if repeated:
            step *= PyArray_DIM(x, d)
    Py_INCREF(descr)
    return PyArray_NewFromDescr(
        cnp.ndarray, descr, PyArray_NDIM(x), PyArray_DIMS(x), strides, PyArray_BYTES(weights), 0, NULL)


cdef void scatter(Array *totals, Array *out, const fastact_kernels *table) noexcept:
    cdef fpmode was = fpmode_enter()
    table.scatter(PyArray_BYTES(totals), PyArray_BYTES(out), PyArray_STRIDE(out, 0) if PyArray_NDIM(out) else 0,
                  size(totals))
    fpmode_leave(was)


# ---------------------------------------------------------------------------------------------------------------
# Gates
# ---------------------------------------------------------------------------------------------------------------

# Gate and value are two arrays, or the halves of one, x, along an axis; the halves are views.

cdef enum:
    SHORT_HALF = 16  # elements side by side, below which halves are rather gathered, several rows at once

cdef enum:  # arguments going forward, after gate and value, of which either may be the first
    X = 2
    AXIS = 3
    OUT = 4

cdef enum:  # arguments going backward
    GRADIENT = 0
    GATE = 1
    VALUE = 2
    WHOLE = 3
    ALONG = 4
    GATE_GRAD = 5
    VALUE_GRAD = 6
    WHOLE_GRAD = 7

cdef double no_parameters[MAX_PARAMETERS]


@cython.final
cdef class Gate(Activation):  # a gated unit: an activation of one array times another
    cdef int gate  # its place among the two

    def __init__(self, row, str target=TARGET):
        cdef GateBackward backward = GateBackward.__new__(GateBackward)
        cdef const fastact_gate *found
        cdef const fastact_kernels *table
        cdef int dtype
        self.prepare(row, "forward", row.inputs, ("x", "axis"), 2, call_gate)
        backward.prepare(
            row, "backward", ("grad", "gate", "value", "x"), ("axis", "gate_grad", "value_grad"), 1, call_gate_backward)
        self.required[0] = False
        self.gate = backward.gate = row.inputs.index("gate")
        for dtype in range(2):
            table = find_table(target, dtype)
            found = <const fastact_gate *> find_entry(
                table.gates, table.gate_count, sizeof(fastact_gate), row.name)
            self.kernels[FROM_X][dtype] = make_kernel(<const void *> found.forward, BINARY, table, found.cost[0])
            backward.kernels[FROM_X][dtype] = make_kernel(
                <const void *> found.backward, GATE_BACKWARD, table, found.cost[1])
        self.backward, self.backward_member = backward, <PyObject *> backward

    @property
    def __doc__(self):
        return self.row.document(self.role)

    @property
    def nin(self):
        return 2


@cython.final
cdef class GateBackward(Function):  # which gives two gradients
    cdef int gate

    @property
    def __doc__(self):
        return self.row.document(self.role)

    @property
    def nin(self):
        return 3

    @property
    def nout(self):
        return 2


cdef inline void forget_none(PyObject **given, int count) noexcept:
    cdef int i
    for i in range(count):
        if given[i] == Py_None:
            given[i] = NULL


cdef object call_gate(object callable, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef Gate self = <Gate> callable
    cdef PyObject *given[MAX_ARGUMENTS]
    cdef PyObject *out
    cdef Array *gate
    cdef Array *value
    cdef const Kernel *kernel
    cdef Py_ssize_t n
    cdef int dtype, order
    cdef fpmode was
    bind(self, args, PyVectorcall_NARGS(nargsf), kwnames, given)
    forget_none(given, AXIS)
    out = given[OUT]
    if given[0] == NULL or given[1] == NULL or given[X] != NULL or given[AXIS] != NULL:
        if given[1] == NULL and given[X] == NULL and PyVectorcall_NARGS(nargsf) == 1:
            given[0], given[X] = NULL, given[0]
        if given[0] != NULL or given[1] != NULL or given[X] == NULL:
            raise TypeError(f"{self.name}() takes {self.arguments[0]} and {self.arguments[1]}, or one array x "
                            "(and axis) whose halves they are")
        return gate_halves(self, given[X], given_axis(given[AXIS], -1), out)
    gate, value, dtype = <Array *> given[self.gate], <Array *> given[1 - self.gate], real_type(given[0])
    if dtype >= 0 and real_type(given[1]) == dtype and same_shape(gate, value):
        kernel = &self.kernels[FROM_X][dtype]
        n = size(gate)
        order = joint_order(gate, value, out, dtype, kernel, n)
        if order:
            computed = <object> out if out != NULL else new_contiguous(gate, dtype, order)
            was = fpmode_enter()
            (<fastact_binary> kernel.function)(
                PyArray_BYTES(value), PyArray_BYTES(gate), NULL, PyArray_BYTES(<Array *> computed), n,
                no_parameters)
            fpmode_leave(was)
            return computed if out != NULL else as_result(computed)
    return gate_pair(self, given, out)


cdef object gate_pair(Gate self, PyObject **given, PyObject *out):
    """Checks everything, then computes with two arrays."""
    cdef int dtype
    if not (PyArray_CheckExact(<Array *> given[0]) and PyArray_CheckExact(<Array *> given[1])
            and (out == NULL or PyArray_CheckExact(<Array *> out))):
        foreign = arguments.hand_over(
            self, [<object> given[0], <object> given[1]], None, {}, None if out == NULL else <object> out)
        if foreign is not NotImplemented:
            return foreign

    # What may run the caller's code comes before any look at an array's memory or shape.
    first = as_input(self, given[0], self.arguments[0])
    second = as_input(self, given[1], self.arguments[1])
    computed = None if out == NULL else as_output(self, out, "out")

    check_same_shape(self, first, self.arguments[0], second, self.arguments[1])
    dtype = max(real_type(<PyObject *> first), real_type(<PyObject *> second))
    if out == NULL:
        computed = new_like(first, dtype)
    else:
        check_output(self, computed, "out", first, self.arguments[0], dtype)
    compute_gate(self, <Array *> first, <Array *> second, <Array *> computed, dtype)
    return <object> out if out != NULL else as_result(computed)


cdef int compute_gate(Gate self, Array *first, Array *second, Array *out, int dtype) except -1:
    cdef Array *operands[MAX_OPERANDS]
    operands[self.gate], operands[1 - self.gate], operands[2] = second, first, out  # the value, then the gate
    return compute(&self.kernels[FROM_X][dtype], no_parameters, operands, -1)


cdef object gate_halves(Gate self, PyObject *x, Py_ssize_t axis, PyObject *out):
    """The same with the halves of one array."""
    cdef int dtype = real_type(x), along
    if dtype >= 0 and (out == NULL or real_type(out) == dtype):
        computed = gate_halves_of_runs(self, <Array *> x, axis, out, dtype)
        if computed is not None:
            return computed
    if not (PyArray_CheckExact(<Array *> x) and (out == NULL or PyArray_CheckExact(<Array *> out))):
        arguments.hand_over(self, [<object> x], None, {}, None if out == NULL else <object> out)
    whole = as_input(self, x, "x")
    computed = None if out == NULL else as_output(self, out, "out")
    along = axis_of_halves(self, <Array *> whole, axis)
    first, second = half(<Array *> whole, along, 0), half(<Array *> whole, along, 1)
    dtype = real_type(<PyObject *> whole)
    if out == NULL:
        computed = new_like(first, dtype)
    else:
        check_output(self, computed, "out", first, "each half of x", dtype)
    compute_gate(self, <Array *> first, <Array *> second, <Array *> computed, dtype)
    return <object> out if out != NULL else computed


cdef object gate_halves_of_runs(Gate self, Array *x, Py_ssize_t axis, PyObject *out, int dtype):
    """The result where halves are long runs of little work, and `out` does not touch x: the door.  Else None."""
    cdef const Kernel *kernel = &self.kernels[FROM_X][dtype]
    cdef Py_ssize_t n = 1, total = size(x), i, nbytes
    cdef int d, axes = PyArray_NDIM(x), along = <int> (axis + axes if axis < 0 else axis)
    cdef cnp.npy_intp shape[64]
    cdef char *from_x = PyArray_BYTES(x)
    cdef char *to
    cdef cnp.dtype descr = float32 if dtype == FLOAT32 else float64
    cdef fpmode was
    if not -axes <= axis < axes or PyArray_DIM(x, along) % 2 or not PyArray_FLAGS(x) & cnp.NPY_ARRAY_C_CONTIGUOUS:
        return None
    for d in range(axes):
        shape[d] = PyArray_DIM(x, d) // 2 if d == along else PyArray_DIM(x, d)
        if d >= along:
            n *= shape[d]
    if n == 0 or total // 2 * kernel.cost >= door_limit or n < SHORT_HALF and n < total // 2:
        return None
    if out != NULL:
        nbytes = total * PyArray_ITEMSIZE(x)
        to = PyArray_BYTES(<Array *> out)
        if (PyArray_NDIM(<Array *> out) != axes or not PyArray_FLAGS(<Array *> out) & cnp.NPY_ARRAY_C_CONTIGUOUS
                or not PyArray_ISWRITEABLE(<Array *> out) or to < from_x + nbytes and from_x < to + nbytes // 2):
            return None
        for d in range(axes):
            if PyArray_DIM(<Array *> out, d) != shape[d]:
                return None
        computed = <object> out
    else:
        Py_INCREF(descr)
        computed = PyArray_NewFromDescr(cnp.ndarray, descr, axes, shape, NULL, NULL, 0, NULL)
    to = PyArray_BYTES(<Array *> computed)
    nbytes = n * PyArray_ITEMSIZE(x)
    was = fpmode_enter()
    for i in range(total // (2 * n)):
        (<fastact_binary> kernel.function)(
            from_x + (2 * i + 1 - self.gate) * nbytes, from_x + (2 * i + self.gate) * nbytes, NULL, to + i * nbytes,
            n, no_parameters)
    fpmode_leave(was)
    return computed


cdef int axis_of_halves(Function self, Array *x, Py_ssize_t axis) except -1:
    if PyArray_NDIM(x) == 0:
        raise ValueError(f"{self.name}(): x has no axis to be halved along")
    cdef int along = count_axis(axis, PyArray_NDIM(x))
    if PyArray_DIM(x, along) % 2:
        raise ValueError(
            f"{self.name}(): x has {PyArray_DIM(x, along)} elements along axis {along}, which have no halves")
    return along


cdef object half(Array *x, int axis, int which):
    """A view of the first half along an axis, or of the second."""
    cdef cnp.npy_intp shape[64]
    cdef cnp.npy_intp strides[64]
    cdef cnp.dtype descr = float32 if PyArray_TYPE(x) == cnp.NPY_FLOAT else float64
    cdef int d
    for d in range(PyArray_NDIM(x)):
        shape[d], strides[d] = PyArray_DIM(x, d), PyArray_STRIDE(x, d)
    shape[axis] //= 2
    Py_INCREF(descr)
    return PyArray_NewFromDescr(
        cnp.ndarray, descr, PyArray_NDIM(x), shape, strides,
        PyArray_BYTES(x) + which * shape[axis] * strides[axis], cnp.NPY_ARRAY_WRITEABLE, NULL)


cdef object call_gate_backward(object callable, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef GateBackward self = <GateBackward> callable
    cdef PyObject *given[MAX_ARGUMENTS]
    cdef int i
    bind(self, args, PyVectorcall_NARGS(nargsf), kwnames, given)
    for i in (WHOLE, GATE, VALUE, GATE_GRAD, VALUE_GRAD):
        if given[i] == Py_None:
            given[i] = NULL
    if given[GATE] != NULL and given[VALUE] != NULL:
        if given[WHOLE] == NULL and given[ALONG] == NULL and given[WHOLE_GRAD] == NULL:
            return gradients_of_pair(self, given)
    elif (given[WHOLE] != NULL and given[GATE] == NULL and given[VALUE] == NULL
            and given[GATE_GRAD] == NULL and given[VALUE_GRAD] == NULL):
        return gradient_of_halves(self, given)
    raise TypeError(f"{self.name}() takes gate= and value= (and gate_grad=, value_grad=), or one array x= (and axis=, "
                    "out=) whose halves they are")


cdef object input_of_gate(GateBackward self, PyObject **given, int i):
    """What may run the caller's code: before any look at an array's memory or shape."""
    if not PyArray_CheckExact(<Array *> given[i]):
        arguments.hand_over(self, [<object> given[i]], None, {}, None)
    return as_input(self, given[i], self.arguments[i])


cdef object output_of_gate(GateBackward self, PyObject **given, int i):
    if given[i] == NULL:
        return None
    if not PyArray_CheckExact(<Array *> given[i]):
        arguments.hand_over(self, [<object> given[i]], None, {}, None)
    return as_output(self, given[i], self.arguments[i])


cdef object gradients_of_pair(GateBackward self, PyObject **given):
    cdef Array *operands[MAX_OPERANDS]
    cdef int dtype
    grad = input_of_gate(self, given, GRADIENT)
    gate, value = input_of_gate(self, given, GATE), input_of_gate(self, given, VALUE)
    gate_grad, value_grad = output_of_gate(self, given, GATE_GRAD), output_of_gate(self, given, VALUE_GRAD)
    for name, array in (("gate", gate), ("value", value)):
        check_same_shape(self, grad, "grad", array, name)
    dtype = max(
        real_type(<PyObject *> grad), real_type(<PyObject *> gate), real_type(<PyObject *> value))
    if gate_grad is not None:
        check_output(self, gate_grad, "gate_grad", grad, "grad", dtype)
    if value_grad is not None:
        check_output(self, value_grad, "value_grad", grad, "grad", dtype)
    if gate_grad is not None and value_grad is not None and share_memory(<Array *> gate_grad, <Array *> value_grad):
        raise ValueError(f"{self.name}(): gate_grad and value_grad share memory")
    if gate_grad is None:
        gate_grad = new_like(grad, dtype)
    if value_grad is None:
        value_grad = new_like(grad, dtype)
    operands[0], operands[1], operands[2] = <Array *> grad, <Array *> gate, <Array *> value
    operands[3], operands[4] = <Array *> gate_grad, <Array *> value_grad
    compute(&self.kernels[FROM_X][dtype], NULL, operands, -1)
    return (<object> given[GATE_GRAD] if given[GATE_GRAD] != NULL else as_result(gate_grad),
            <object> given[VALUE_GRAD] if given[VALUE_GRAD] != NULL else as_result(value_grad))


cdef object gradient_of_halves(GateBackward self, PyObject **given):
    cdef Array *operands[MAX_OPERANDS]
    cdef PyObject *out = given[WHOLE_GRAD]
    cdef Py_ssize_t axis = given_axis(given[ALONG], -1)
    cdef int dtype, along
    grad, x = input_of_gate(self, given, GRADIENT), input_of_gate(self, given, WHOLE)
    computed = output_of_gate(self, given, WHOLE_GRAD)
    along = axis_of_halves(self, <Array *> x, axis)
    gate, value = half(<Array *> x, along, self.gate), half(<Array *> x, along, 1 - self.gate)
    if not same_shape(<Array *> grad, <Array *> gate):
        raise ValueError(f"{self.name}(): grad has shape {grad.shape}, but each half of x has {gate.shape}")
    dtype = max(real_type(<PyObject *> grad), real_type(<PyObject *> x))
    if out == NULL:
        computed = new_like(x, dtype)
    else:
        check_output(self, computed, "out", x, "x", dtype)
    gate_grad = half(<Array *> computed, along, self.gate)
    value_grad = half(<Array *> computed, along, 1 - self.gate)
    operands[0], operands[1], operands[2] = <Array *> grad, <Array *> gate, <Array *> value
    operands[3], operands[4] = <Array *> gate_grad, <Array *> value_grad
    compute(&self.kernels[FROM_X][dtype], NULL, operands, -1)
    return <object> out if out != NULL else computed


cdef Function function = Function.__new__(Function)
cdef Elementwise elementwise = Elementwise.__new__(Elementwise)
cdef Channelwise channelwise = Channelwise.__new__(Channelwise)
for each in (Function, Elementwise, Channelwise, WeightedBackward, Rowwise, Reduction, Gate, GateBackward):
    call_by_vector(each, <char *> &function.vectorcall - <char *> <PyObject *> function)
add_member(Elementwise, "derivative", <char *> &elementwise.derivative_member - <char *> <PyObject *> elementwise)
add_member(Channelwise, "derivative", <char *> &channelwise.derivative_member - <char *> <PyObject *> channelwise)
add_member(Activation, "backward", <char *> &elementwise.backward_member - <char *> <PyObject *> elementwise)
del each
