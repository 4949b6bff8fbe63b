# What is called: a function of arrays, its arguments, its fast path, and the order of the phases of a call.
#
# A call takes one of two ways.  The fast path is for small contiguous arrays of one type and shape: some comparisons,
# then the kernel, on pointers read through NumPy's C API.  All else takes the general path: read, resolve, allocate,
# separate, execute, finish.  No function is known by name.

cimport cython
cimport numpy as cnp
from cpython.object cimport PyObject
from cpython.ref cimport Py_XDECREF, Py_XINCREF
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset, strcmp

from fastact.core.arrays cimport (
    FLOAT32,
    FLOAT64,
    Array,
    PyArray_BYTES,
    PyArray_CheckExact,
    PyArray_DIM,
    PyArray_DIMS,
    PyArray_FLAGS,
    PyArray_ISWRITEABLE,
    PyArray_ITEMSIZE,
    PyArray_NDIM,
    PyArray_STRIDES,
    PyArray_TYPE,
    Stretch,
    count,
    has_shape,
    real_type,
    same_shape,
    stretch_at,
)
from fastact.core.execute cimport RELEASE_ABOVE, compute
from fastact.core.fpmode cimport (
    fpmode,
    fpmode_enter,
    fpmode_first_outside,
    fpmode_leave,
    fpmode_narrow,
    fpmode_round,
)
from fastact.core.kernels cimport (
    FASTACT_BACKWARD,
    FASTACT_BACKWARD_Y,
    FASTACT_DERIVATIVE,
    FASTACT_FLOAT32,
    FASTACT_FLOAT64,
    FASTACT_FORWARD,
    FASTACT_KERNELS_VERSION,
    FASTACT_SUM,
    fastact_args,
    fastact_entry,
    fastact_kernels,
    fastact_role,
    fastact_target_count,
    fastact_targets,
)
from fastact.core.losses cimport LOSSES, compute_loss, fast_loss
from fastact.core.operands cimport (
    AXIS,
    BROADCAST,
    CHANNEL,
    CHOICE,
    CLASSES,
    FLAG,
    FROM_X,
    FROM_Y,
    HALVES,
    INDEX,
    INPUT,
    LIKE,
    LOSS_TARGETS,
    MASK,
    MAX_ARGUMENTS,
    MAX_NDIM,
    MAX_OPERANDS,
    MAX_PARAMETERS,
    MEAN,
    MOST_FAST_WEIGHTS,
    NONE,
    OUTPUT,
    PARAMETER,
    REDUCED,
    ROWS,
    SUM,
    SUMMED,
    VECTOR,
    WEIGHT,
    Call,
    Declaration,
    Fast,
    Py_None,
    allocate,
    announce_writes,
    dispatch_override,
    dtype_of,
    finish,
    is_given,
    prepare_result,
    read_arrays,
    read_numbers,
    release,
    resolve,
    round_parameters,
    separate,
    storage_of,
    type_of,
)
from fastact.core.plan cimport ANY, ELEMENTS, REPEATED, SHARED, SINGLE, Kernel, Plan, start
from fastact.core.segments cimport Summation, Sums, add_up, discard, lay_out_sums, term_of
from fastact.core.threads cimport swap_parallel_threshold

import os
from sys import intern

import numpy as np

from fastact import arguments
from fastact.catalogue import signatures
from fastact._jacobian import jacobian

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

    static int set_attribute(PyTypeObject *type, const char *name, PyObject *value)
    {
        int failed = PyDict_SetItemString(type->tp_dict, name, value);
        PyType_Modified(type);
        return failed;
    }

    /* Room for the calls that are on their way: threads' stacks are too small for it, and malloc takes as long for so
     * much as a small call does.  Some is kept. */
    #include <stdatomic.h>
    #include <stdlib.h>
    static _Atomic(void *) spare_room[4];
    static void *take_room(size_t bytes)
    {
        for (int i = 0; i < 4; i++) {
            void *room = atomic_exchange(&spare_room[i], NULL);
            if (room)
                return room;
        }
        return malloc(bytes);
    }
    static void give_room_back(void *room)
    {
        for (int i = 0; i < 4; i++) {
            void *none = NULL;
            if (atomic_compare_exchange_strong(&spare_room[i], &none, room))
                return;
        }
        free(room);
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
    void call_by_vector(type, Py_ssize_t offset)
    int add_member(type, const char *name, Py_ssize_t offset) except -1
    void *take_room(size_t bytes)
    void give_room_back(void *room)
    int set_attribute(type, const char *name, object value) except -1
    const char *COMPILED_BY
    const char *FASTACT_VERSION

cdef extern from "numpy/arrayobject.h":
    ctypedef struct PyTypeObject
    ctypedef struct PyArray_Descr
    PyObject *new_from_descr "PyArray_NewFromDescr"(
        PyTypeObject *subtype, PyArray_Descr *descr, int ndim, const cnp.npy_intp *shape, const cnp.npy_intp *strides,
        void *data, int flags, PyObject *obj) except NULL

cdef extern from "Python.h":
    Py_ssize_t PyVectorcall_NARGS(size_t nargsf) nogil
    object PyVectorcall_Call(object callable, object args, object kwargs)
    Py_ssize_t PyTuple_GET_SIZE(PyObject *tuple) nogil
    PyObject *PyTuple_GET_ITEM(PyObject *tuple, Py_ssize_t i) nogil
    bint PyFloat_CheckExact(PyObject *value) nogil
    double PyFloat_AS_DOUBLE(PyObject *value) nogil
    bint PyLong_CheckExact(PyObject *value) nogil
    long PyLong_AsLongAndOverflow(PyObject *value, int *overflow)  # of an int, it cannot fail

cdef cnp.dtype float32 = np.dtype(np.float32)
cdef cnp.dtype float64 = np.dtype(np.float64)
cdef int CONTIGUOUS = cnp.NPY_ARRAY_C_CONTIGUOUS | cnp.NPY_ARRAY_F_CONTIGUOUS
cdef enum:
    COST_OF_VECTOR = 40  # picoseconds an element: to add a bias, say


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
            raise ImportError("fastact's kernels and core are of different builds: build it anew")
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
VERSION = FASTACT_VERSION.decode()  # of the project, when it was compiled


cdef const fastact_kernels *find_table(str target, int dtype) except NULL:
    if target not in positions:
        raise ValueError(f"this machine can run {', '.join(TARGETS)}, not {target}")
    cdef Py_ssize_t i = positions[target]
    return fastact_targets[i].f32 if dtype == FLOAT32 else fastact_targets[i].f64


cdef const fastact_entry *find_entry(const fastact_kernels *table, str name, fastact_role role) noexcept:
    """The kernel of a function, or NULL."""
    cdef bytes wanted = name.encode()
    cdef Py_ssize_t i
    for i in range(table.entry_count):
        if table.entries[i].role == role and strcmp(table.entries[i].name, wanted) == 0:
            return &table.entries[i]
    return NULL


def on_target(function, str target):
    """Return the same function, computed by the kernels of one of TARGETS.  For tests and benches."""
    return make((<Function?> function).row, target)


# ---------------------------------------------------------------------------------------------------------------
# Functions
# ---------------------------------------------------------------------------------------------------------------

cdef dict ROLES = {
    "input": INPUT, "vector": VECTOR, "weight": WEIGHT, "mask": MASK, "targets": LOSS_TARGETS, "parameter": PARAMETER,
    "flag": FLAG, "axis": AXIS, "choice": CHOICE, "index": INDEX, "output": OUTPUT, "sum": SUM,
}
cdef dict SHAPES = {
    "none": 0, "like": LIKE, "halves": HALVES, "broadcast": BROADCAST, "channel": CHANNEL, "classes": CLASSES,
    "reduced": REDUCED, "rows": ROWS,
}
cdef dict KERNELS = {  # by role: those of a derivative from the input, and from the output
    "forward": (FASTACT_FORWARD, None),
    "derivative": (FASTACT_DERIVATIVE, None),
    "backward": (FASTACT_BACKWARD, FASTACT_BACKWARD_Y),
}


cdef class Function(Declaration):  # of arrays, by a kernel

    def __init__(self, row, str target=TARGET):
        declare(self, row, "forward", target)

    def __call__(self, *args, **kwargs):
        return PyVectorcall_Call(self, args, kwargs)

    def __repr__(self):
        return f"<fastact.{self.name}{self.__signature__}>"

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

    @property
    def backward_from(self):
        return self.row.backward_from

    @property
    def bounds(self):
        return self.row.bounds

    # What libraries that override __array_ufunc__ ask of a ufunc.

    @property
    def nin(self):
        if self.kind == "gate":
            return 3 if self.role == "backward" else 2
        return 2 if self.role == "backward" else 1

    @property
    def nout(self):
        return 2 if self.kind == "gate" and self.role == "backward" else 1

    # Not a property called `signature`: that is a ufunc's core signature.
    @property
    def signature(self):
        return None


cdef class Differentiable(Function):  # with a backward

    def __init__(self, row, str target=TARGET):
        declare(self, row, "forward", target)
        self.backward = Function.__new__(Function)
        declare(self.backward, row, "backward", target)
        self.backward_member = <PyObject *> self.backward


@cython.final
cdef class Elementwise(Differentiable):  # whose derivative is one number an element

    def __init__(self, row, str target=TARGET):
        Differentiable.__init__(self, row, target)
        self.derivative = Function.__new__(Function)
        declare(self.derivative, row, "derivative", target)
        self.derivative_member = <PyObject *> self.derivative


@cython.final
cdef class Rowwise(Differentiable):  # whose derivative is a matrix
    pass


cdef dict TYPES = {
    "elementwise": Elementwise,
    "channelwise": Elementwise,
    "rowwise": Rowwise,
    "reduction": Differentiable,
    "gate": Differentiable,
    "loss": Function,
}


def make(row, str target=TARGET):
    """Return the function of a row of the catalogue."""
    return TYPES[row.kind](row, target)


cdef int declare(Function self, row, str role, str target) except -1:
    """Slots, names and kernels, from the catalogue."""
    cdef int i, dtype, source, place = 0
    cdef const fastact_entry *entry
    cdef const fastact_kernels *table
    declared = signatures.arguments(row, role)
    if len(declared) > MAX_ARGUMENTS:
        raise ValueError(f"{row.name} has more arguments than the core has room for")
    self.vectorcall, self.row, self.role, self.kind = call, row, role, row.kind
    self.name = row.name if role == "forward" else f"{row.name}.{role}"
    self.arguments = tuple([intern(argument.name) for argument in declared])
    self.declared = dict(zip(self.arguments, declared, strict=True))
    self.count, self.positional = len(declared), sum([argument.positional for argument in declared])
    self.parameter_count = sum([argument.role == "parameter" for argument in declared])
    self.ordered = row.ordered
    self.rowwise = row.by_rows
    self.paired = row.kind == "gate"
    self.value_first = self.paired and row.inputs[0] == "value"
    self.halves_argument = self.arguments.index("x") if self.paired else -1
    self.chooses = any([argument.source for argument in declared])
    self.out_argument = self.axis_argument = -1
    self.parameters_at = 0
    for i, argument in enumerate(declared):
        self.names[i] = <PyObject *> self.arguments[i]
        declare_slot(self, i, argument, place)
        self.operand_count = max(self.operand_count, argument.operand + 1 + (argument.shape == "halves"))
        if argument.role == "parameter":
            if place == 0:
                self.parameters_at = i
            self.slots[i].place = place
            place += 1
        elif argument.role == "axis":
            self.axis_argument, self.axis_default = i, argument.default
        elif argument.role == "output" and argument.shape != "halves":
            self.out_argument = i
    for i in range(self.count):
        if self.slots[i].role == SUM:
            self.slots[i].place = self.arguments.index(declared[i].of)
    if row.kind == "loss":
        self.operand_count = max(self.operand_count, LOSSES + 1)
    for dtype in range(2):
        table = find_table(target, dtype)
        for source in range(2):
            if KERNELS[role][source] is None:
                continue
            entry = find_entry(table, row.name, KERNELS[role][source])
            if entry != NULL:
                set_kernel(self, &self.kernels[source][dtype], table, entry)
        summed = row.name if row.kind == "channelwise" else "losses" if row.kind == "loss" else "bias"
        set_summation(&self.summations[dtype], table, find_entry(table, summed, FASTACT_SUM), row.kind)
    if self.chooses and (self.kernels[FROM_Y][FLOAT32].run != NULL) != row.from_y:
        raise LookupError(f"kernels and catalogue disagree on whether {row.name}'s output is enough")
    self.only_from_y = self.kernels[FROM_X][FLOAT32].run == NULL
    if self.only_from_y and self.kernels[FROM_Y][FLOAT32].run == NULL:
        raise LookupError(f"there is no kernel for {self.name}")
    prepare_fast_path(self)
    return 0


cdef int declare_slot(Function self, int i, argument, int place) except -1:
    cdef int dtype
    slot = &self.slots[i]
    slot.role, slot.shape, slot.operand = ROLES[argument.role], SHAPES[argument.shape], argument.operand
    slot.required, slot.in_place = argument.default is signatures.REQUIRED, argument.in_place
    slot.several = argument.several
    slot.source = {"": -1, "x": FROM_X, "y": FROM_Y}[argument.source]
    slot.low[FROM_X], slot.high[FROM_X] = argument.limits
    slot.low[FROM_Y], slot.high[FROM_Y] = argument.limits_from_y or argument.limits
    if argument.role != "parameter" or slot.required:
        return 0
    for dtype in range(2):
        if not fpmode_round(argument.default, dtype == FLOAT32, slot.low[FROM_Y], slot.high[FROM_Y],
                            &self.defaults[dtype][place]):
            raise ValueError(f"{self.name}: the default of {argument.name} is outside its range")
    return 0


cdef void set_kernel(
        Function self, Kernel *kernel, const fastact_kernels *table, const fastact_entry *entry) noexcept:
    """What the kernel wants of its operands follows from the roles and shapes of the arguments."""
    cdef int i, k
    kernel.run, kernel.columns, kernel.table = entry.run, entry.columns, table
    kernel.cost = max(1, <int> (1000 * entry.cost))
    kernel.operands, kernel.rowwise = self.operand_count, self.rowwise
    kernel.in_order = self.kind == "loss"
    kernel.takes_halves = table.takes_halves and self.kind in ("elementwise", "channelwise", "gate")
    kernel.longest_columns = table.short_row if kernel.in_order else <Py_ssize_t> 1 << 62
    for k in range(MAX_OPERANDS):
        kernel.form[k], kernel.output[k] = ELEMENTS, False
    for i in range(self.count):
        k = self.slots[i].operand
        if k < 0:
            continue
        kernel.output[k] = self.slots[i].role == OUTPUT
        if self.slots[i].shape == HALVES:
            kernel.output[k + 1] = kernel.output[k]
        if self.slots[i].shape == CHANNEL:
            kernel.form[k] = REPEATED
        elif self.slots[i].shape == CLASSES:
            kernel.form[k] = SHARED
        elif self.slots[i].role == MASK:
            kernel.form[k] = ANY
        elif self.slots[i].shape in (REDUCED, ROWS) or self.slots[i].role == FLAG:
            kernel.form[k] = SINGLE
    if self.kind == "loss":
        kernel.output[LOSSES] = True
        kernel.form[LOSSES] = SINGLE if self.rowwise else ELEMENTS


cdef void set_summation(
        Summation *summation, const fastact_kernels *table, const fastact_entry *entry, str kind):
    summation.run, summation.columns, summation.table = entry.run, entry.columns, table
    summation.cost = max(1, <int> (1000 * entry.cost))
    summation.segment = 0
    if kind == "channelwise":
        summation.length = summation.channels = 256
    elif kind == "loss":
        summation.length, summation.channels, summation.segment = 512, 1, 32768
    else:  # tiles that are still in the cache when they are added up, of rows long enough for the kernel
        summation.length, summation.channels = 16, 4096


# ---------------------------------------------------------------------------------------------------------------
# Bind
# ---------------------------------------------------------------------------------------------------------------

cdef inline int bind(
        Function self, PyObject *const *args, Py_ssize_t positional, PyObject *kwnames, PyObject **given) except -1:
    """Sorts a call's arguments into the function's order; NULL is one not given.  Returns a bit for each that was."""
    cdef Py_ssize_t i
    cdef int j, mask = (1 << positional) - 1
    if positional > self.positional:
        return refuse_positional(self, positional)
    memset(given, 0, MAX_ARGUMENTS * sizeof(PyObject *))
    for i in range(positional):
        given[i] = args[i]
    if kwnames != NULL:
        for i in range(PyTuple_GET_SIZE(kwnames)):
            j = <int> positional
            while j < self.count and self.names[j] != PyTuple_GET_ITEM(kwnames, i):
                j += 1
            if j == self.count or given[j] != NULL:
                j = find_keyword(self, PyTuple_GET_ITEM(kwnames, i), given)
            given[j] = args[positional + i]
            mask |= 1 << j
    return mask


# What is not on the way of a good call stands apart, for the sake of its speed.

cdef int find_keyword(Function self, PyObject *keyword, PyObject **given) except -1:
    """The place of a keyword that is not the interned string, or not welcome."""
    cdef int j
    if <str> keyword not in self.arguments:
        raise TypeError(arguments.unexpected(self.name, <str> keyword, self.arguments))
    j = self.arguments.index(<str> keyword)
    if given[j] != NULL:
        raise TypeError(f"{self.name}() got multiple values for argument '{<str> keyword}'")
    return j


cdef int refuse_positional(Function self, Py_ssize_t given) except -1:
    raise TypeError(f"{self.name}() takes {self.positional} positional argument{'s'[:self.positional != 1]} "
                    f"but {given} were given")


cdef int refuse_missing(Function self, PyObject **given) except -1:
    """A required argument that was not given."""
    cdef int i
    for i in range(self.count):
        if self.slots[i].required and given[i] == NULL:
            break
    else:
        return 0
    missing = [i for i in range(self.count) if self.slots[i].required and given[i] == NULL]
    positional = [self.arguments[i] for i in missing if i < self.positional]
    raise TypeError(arguments.missing(self.name, positional, [self.arguments[i] for i in missing]))


cdef int choose_source(Function self, PyObject **given) except -1:
    """Whether backward goes by the input or by the output."""
    cdef bint x = is_given(given[1]), y = is_given(given[2])
    cdef int i
    if y and self.kernels[FROM_Y][FLOAT32].run == NULL:
        raise TypeError(f"{self.name}() needs x=, the input: the output does not determine the derivative")
    if not x and not y:
        raise TypeError(f"{self.name}() needs x=, the input{', or y=, the output' if self.row.from_y else ''}")
    if x and y:
        raise TypeError(f"{self.name}() takes exactly one of x= (the input) and y= (the output)")
    for i in range(self.count):
        if y and self.slots[i].role == VECTOR and is_given(given[i]):
            raise TypeError(
                f"{self.name}() takes bias= with x=, the input that it is added to: the output has it in it")
    return FROM_Y if y else FROM_X


cdef int choose_pair(Function self, PyObject **given, Py_ssize_t positional) except -1:
    """Whether a gated unit takes two arrays, or the halves of one; what does not go with these is refused."""
    cdef int i, x = self.halves_argument, first = x - 2
    cdef bint pair = is_given(given[first]) and is_given(given[first + 1])
    if self.role == "forward" and positional == 1 and not is_given(given[1]) and not is_given(given[x]):
        given[x], given[0] = given[0], NULL
    cdef bint halves = is_given(given[x]) and not is_given(given[first]) and not is_given(given[first + 1])
    for i in range(x + 1, self.count):
        if is_given(given[i]) and (self.slots[i].role == AXIS or self.role == "backward"):
            if self.slots[i].role == AXIS or self.slots[i].shape == HALVES:
                pair = False
            else:
                halves = False
    if (pair and not is_given(given[x])) or halves:
        return 0
    if self.role == "forward":
        raise TypeError(f"{self.name}() takes {self.arguments[0]} and {self.arguments[1]}, or one array x "
                        "(and axis) whose halves they are")
    raise TypeError(f"{self.name}() takes gate= and value= (and gate_grad=, value_grad=), or one array x= (and axis=, "
                    "out=) whose halves they are")


# ---------------------------------------------------------------------------------------------------------------
# The fast path
# ---------------------------------------------------------------------------------------------------------------

cdef int64_t fast_limit = RELEASE_ABOVE


def set_parallel_threshold(ns):
    """Keep calls serial that are estimated to take less on one thread; return what it was.  For tests and benches."""
    global fast_limit
    cdef int64_t threshold = <int64_t> min(1000.0 * ns, 2.0**62)
    fast_limit = min(<int64_t> RELEASE_ABOVE, threshold)
    return swap_parallel_threshold(threshold) / 1000


cdef void prepare_fast_path(Function self) noexcept:
    cdef int i, at = 0
    self.fast = self.slots[0].shape == LIKE and not (self.paired and self.role == "backward")
    self.fast_reduces, self.fast_loses = self.kind == "reduction", self.kind == "loss"
    self.fast_needs, self.fast_looks = 1, 0
    for i in range(self.count):
        if self.slots[i].required:
            self.fast_needs |= 1 << i
        if i and i != self.out_argument and self.slots[i].role not in (PARAMETER, AXIS):
            self.fast_slots[at].argument, self.fast_slots[at].operand = i, self.slots[i].operand
            self.fast_slots[at].like = self.slots[i].role in (INPUT, LOSS_TARGETS) and self.slots[i].shape == LIKE
            self.fast_looks |= 1 << i
            at += 1
    self.fast_count = at
    self.first_operand, self.out_operand = self.slots[0].operand, self.slots[self.out_argument].operand


cdef inline bint is_clear(char *a, char *b, Py_ssize_t nbytes) noexcept:
    """Whether two runs of memory are the same or do not touch."""
    return a == b or a + nbytes <= b or b + nbytes <= a


cdef inline bint is_of(PyObject *value, int stored) noexcept:
    """Whether it is an exact array of one of the types of results."""
    return (real_type(value) if stored <= FLOAT64 else type_of(<Array *> value)) == stored


cdef inline PyObject *new_contiguous(const cnp.npy_intp *shape, int ndim, int stored, int order) except NULL:
    """An array, contiguous in that order; a new reference."""
    cdef cnp.dtype type = float32 if stored == FLOAT32 else float64 if stored == FLOAT64 else dtype_of(stored)
    cdef PyObject *descr = <PyObject *> type
    Py_XINCREF(descr)
    return new_from_descr(
        <PyTypeObject *> cnp.ndarray, <PyArray_Descr *> descr, ndim, shape, NULL, NULL,
        0 if order & cnp.NPY_ARRAY_C_CONTIGUOUS else cnp.NPY_ARRAY_F_CONTIGUOUS, NULL)


cdef PyObject *as_scalar(PyObject *array) except NULL:
    """NumPy's habit: a new array without axes becomes a scalar.  Steals a reference and gives one."""
    try:
        scalar = (<object> array)[()]
    finally:
        Py_XDECREF(array)
    Py_XINCREF(<PyObject *> scalar)
    return <PyObject *> scalar


cdef inline PyObject *fast_path(Function self, PyObject **given, int mask) except? NULL:
    """The result, a new reference, or NULL: for exact arrays of one type, one shape and one order, that are small.

    Vectors along the last axis, masks, labels and numbers go with these."""
    cdef Fast fast
    cdef double parameters[MAX_PARAMETERS + 1]
    cdef fastact_args args
    cdef Array *x = <Array *> given[0]
    cdef Array *a
    cdef PyObject *value
    cdef PyObject *out = given[self.out_argument]
    cdef const Kernel *kernel
    cdef Py_ssize_t n, item, nbytes
    cdef int stored, dtype, order, source = FROM_X, j, last
    cdef char *second = NULL
    cdef bint made = False, halves = False
    cdef cnp.npy_intp halved[MAX_NDIM]
    cdef const cnp.npy_intp *shape
    cdef char *to
    cdef fpmode was
    if mask & self.fast_needs != self.fast_needs:
        return NULL
    stored = dtype = real_type(<PyObject *> x)
    if stored < 0:
        stored, dtype = type_of(x), FLOAT32
        if stored < 0:
            return NULL
    last, shape, order = PyArray_NDIM(x) - 1, PyArray_DIMS(x), PyArray_FLAGS(x) & CONTIGUOUS
    item = PyArray_ITEMSIZE(x)
    n = count(x)
    if self.chooses:
        if is_given(given[1]) == is_given(given[2]):
            return NULL
        if is_given(given[2]):
            source = FROM_Y
    elif self.only_from_y:
        source = FROM_Y
    kernel = &self.kernels[source][dtype]
    if order == 0 or n == 0 or n * kernel.cost >= fast_limit or kernel.run == NULL:
        return NULL
    if stored != dtype and not kernel.takes_halves:
        return NULL
    fast.by_rows, fast.width, fast.special, nbytes = False, n, 0, n * item
    fast.choice, fast.ignores = MEAN, False
    if self.rowwise:
        if last < 0 or not is_last(self, given, last):
            return NULL
        fast.by_rows, fast.width = True, shape[last]
    elif self.paired:
        halves = not is_given(given[1])
        if given[self.axis_argument] != NULL or halves and (last < 0 or shape[last] & 1):
            return NULL
    memset(fast.operands, 0, sizeof(fast.operands))
    fast.operands[self.first_operand] = PyArray_BYTES(x)
    if halves:
        n >>= 1
        shape = split_halves(self, x, last, &fast, halved)

    if mask & self.fast_looks:
        for j in range(self.fast_count):
            value = given[self.fast_slots[j].argument]
            if value == NULL:
                continue
            if self.fast_slots[j].like and value != Py_None:
                a = <Array *> value
                if not is_of(value, stored) or not same_shape(x, a):
                    return NULL
                order &= PyArray_FLAGS(a)
                second = fast.operands[self.fast_slots[j].operand] = PyArray_BYTES(a)
            elif not add_special(self, given, self.fast_slots[j].argument, x, source, stored, &fast):
                return NULL
    if fast.by_rows or self.fast_loses:
        order &= cnp.NPY_ARRAY_C_CONTIGUOUS

    if out == Py_None:
        out = NULL
    if out != NULL:
        a = <Array *> out
        if (halves or a != x) and (not is_of(out, stored) or not has_shape(a, shape, last + 1)):
            return NULL
        if not PyArray_ISWRITEABLE(a):
            return NULL
        order &= PyArray_FLAGS(a)
        to = PyArray_BYTES(a)
        if self.fast_reduces or not is_clear(PyArray_BYTES(x), to, nbytes) or second != NULL and not is_clear(
                second, to, nbytes) or fast.special and not specials_are_apart(&fast, kernel.operands, to, nbytes):
            return NULL
        fast.operands[self.out_operand] = to
    if order == 0 or self.parameter_count and not fast_parameters(self, given, source, dtype, parameters):
        return NULL
    args.parameters, args.steps = parameters, no_steps
    args.storage = FASTACT_FLOAT32 + dtype if stored == dtype else storage_of(x)
    if fast.by_rows or fast.special or self.fast_loses:
        args.steps = fast.steps
        set_steps(self, &fast, kernel.operands, item)
    if self.fast_loses:
        return fast_loss(self, kernel, &self.summations[dtype], &args, &fast, shape, last + 1, n // fast.width,
                         parameters)
    if out != NULL:
        Py_XINCREF(out)
    else:
        out = new_contiguous(shape, last if self.fast_reduces else last + 1, stored, order)
        made = True
        fast.operands[self.out_operand] = PyArray_BYTES(<Array *> out)

    if fast.by_rows or fast.special:
        was = fpmode_enter()
        kernel.run(&args, fast.operands, fast.row_steps, n // fast.width, fast.width)
    else:
        was = fpmode_enter()
        kernel.run(&args, fast.operands, no_steps, 1, n)
    fpmode_leave(was)
    return as_scalar(out) if made and last - self.fast_reduces < 0 else out


cdef const cnp.npy_intp *split_halves(
        Function self, Array *x, int last, Fast *fast, cnp.npy_intp *halved) noexcept:
    """The halves of x along its last axis as two operands of the fast path; the shape of each."""
    cdef Py_ssize_t item = PyArray_ITEMSIZE(x)
    cdef int k
    memcpy(halved, PyArray_DIMS(x), (last + 1) * sizeof(cnp.npy_intp))
    halved[last] >>= 1
    fast.by_rows, fast.width, fast.special = True, halved[last], 0b11
    for k in range(2):
        fast.operands[k] = PyArray_BYTES(x) + ((k == 1) != self.value_first) * fast.width * item
        fast.row_steps[k], fast.steps[k] = 2 * fast.width * item, item
    return halved


cdef Py_ssize_t[MAX_OPERANDS] no_steps  # of one row


cdef void set_steps(Function self, Fast *fast, int operands, Py_ssize_t item) noexcept:
    cdef int k
    for k in range(operands):
        if not fast.special >> k & 1:
            fast.row_steps[k], fast.steps[k] = fast.width * item, item
    if self.fast_reduces:
        fast.row_steps[self.out_operand] = item


cdef bint specials_are_apart(const Fast *fast, int operands, char *to, Py_ssize_t nbytes) noexcept:
    """Whether what is not of the shape of x does not touch the output, for sure: it may be shorter."""
    cdef int k
    for k in range(operands):
        if fast.special >> k & 1 and not (
                fast.operands[k] + nbytes <= to or to + nbytes <= fast.operands[k]):
            return False
    return True


cdef bint add_special(
        Function self, PyObject **given, int i, Array *x, int source, int stored, Fast *fast) noexcept:
    """Whether the fast path can take an operand that is not of the shape and type of x: it is among them then."""
    cdef Array *a = <Array *> given[i]
    cdef int k = self.slots[i].operand, last = PyArray_NDIM(x) - 1
    cdef Py_ssize_t n
    if self.slots[i].role == CHOICE:
        fast.choice = fast_choice(given[i])
        return fast.choice >= 0
    if given[i] == Py_None:
        return not self.slots[i].required and self.slots[i].role != FLAG
    if self.slots[i].role == INDEX:
        fast.ignores = True
        return fast_integer(given[i], &fast.ignored)
    if k < 0 or self.fast_loses and self.slots[i].role == WEIGHT:
        return False
    if self.slots[i].role == LOSS_TARGETS:
        fast.operands[k] = <char *> a  # fast_loss reads its labels
        return PyArray_CheckExact(a) and has_shape(a, PyArray_DIMS(x), last) and (
            PyArray_FLAGS(a) & cnp.NPY_ARRAY_C_CONTIGUOUS) != 0
    if self.slots[i].role == VECTOR and last >= 0 and source == FROM_X:
        fast.width = PyArray_DIM(x, last)
        if (not is_of(given[i], stored) or PyArray_NDIM(a) != 1 or PyArray_DIM(a, 0) != fast.width
                or not PyArray_FLAGS(a) & cnp.NPY_ARRAY_C_CONTIGUOUS):
            return False
        fast.by_rows, fast.operands[k], fast.row_steps[k] = True, PyArray_BYTES(a), 0
        fast.steps[k] = PyArray_ITEMSIZE(x)
    elif self.slots[i].role == WEIGHT:
        n = fast_weights(self, given, i, x, source, stored, fast.weights) if stored <= FLOAT64 else 0
        if n == 0:
            return False
        fast.operands[k], fast.row_steps[k], fast.steps[k] = <char *> fast.weights, 0, 0
        if n > 1:
            fast.by_rows, fast.width, fast.steps[k] = True, n, PyArray_ITEMSIZE(x)
    elif self.slots[i].role == MASK and PyArray_CheckExact(a) and PyArray_TYPE(a) == cnp.NPY_BOOL and (
            PyArray_FLAGS(a) & cnp.NPY_ARRAY_C_CONTIGUOUS) and same_shape(x, a):
        fast.operands[k], fast.row_steps[k], fast.steps[k] = PyArray_BYTES(a), fast.width, 1
    else:
        return False
    fast.special |= 1 << k
    return True


cdef inline bint is_last(Function self, PyObject **given, int last) noexcept:
    cdef PyObject *axis = given[self.axis_argument]
    cdef int64_t value = self.axis_default
    return (axis == NULL or fast_integer(axis, &value)) and (value == -1 or value == last)


cdef inline bint fast_integer(PyObject *given, int64_t *value) noexcept:
    """Whether it is a plain int that is not large."""
    cdef int overflow = 0
    if not PyLong_CheckExact(given):
        return False
    value[0] = PyLong_AsLongAndOverflow(given, &overflow)
    return not overflow


cdef str mean_name = intern("mean"), sum_name = intern("sum"), none_name = intern("none")


cdef int fast_choice(PyObject *given) noexcept:
    """What becomes of the losses, if that is an interned string; else -1."""
    if given == <PyObject *> mean_name:
        return MEAN
    return SUMMED if given == <PyObject *> sum_name else NONE if given == <PyObject *> none_name else -1


cdef inline bint fast_parameters(
        Function self, PyObject **given, int source, int dtype, double *parameters) except -1:
    """Whether all are plain floats, which are then in the compute type; or an error for one out of range."""
    cdef int i
    cdef bint defaults = True
    for i in range(self.parameter_count):
        if given[self.parameters_at + i] == NULL:
            if self.slots[self.parameters_at + i].required:
                return False
            parameters[i] = self.defaults[dtype][i]
        elif PyFloat_CheckExact(given[self.parameters_at + i]):
            parameters[i], defaults = PyFloat_AS_DOUBLE(given[self.parameters_at + i]), False
        else:
            return False
    if not defaults:
        round_parameters(self, given, source, dtype, parameters)
    return True


cdef Py_ssize_t fast_weights(
        Function self, PyObject **given, int i, Array *x, int source, int dtype, double *weights) noexcept:
    """A private copy of a number, or of a short vector along the last axis, if it is good; how many, or 0."""
    cdef Array *a = <Array *> given[i]
    cdef Py_ssize_t n = 1
    cdef int last = PyArray_NDIM(x) - 1
    if PyFloat_CheckExact(given[i]):
        if given[self.axis_argument] != NULL:
            return 0
        if dtype == FLOAT32:
            fpmode_narrow(PyFloat_AS_DOUBLE(given[i]), <float *> weights)
        else:
            weights[0] = PyFloat_AS_DOUBLE(given[i])
    else:
        if (real_type(given[i]) != dtype or PyArray_NDIM(a) != 1 or last < 0 or not is_last(self, given, last)
                or not PyArray_FLAGS(a) & cnp.NPY_ARRAY_C_CONTIGUOUS or PyArray_DIM(a, 0) != PyArray_DIM(x, last)):
            return 0
        n = PyArray_DIM(a, 0)
        if not 2 <= n <= MOST_FAST_WEIGHTS:
            return 0
        memcpy(weights, PyArray_BYTES(a), n * PyArray_ITEMSIZE(a))
    if fpmode_first_outside(weights, dtype == FLOAT32, n, self.slots[i].low[source], self.slots[i].high[source]) < n:
        return 0
    return n


# ---------------------------------------------------------------------------------------------------------------
# A call
# ---------------------------------------------------------------------------------------------------------------

cdef PyObject *call(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames) except NULL:
    cdef PyObject *given[MAX_ARGUMENTS]
    cdef PyObject *result
    cdef int mask = bind(<Function> callable, args, PyVectorcall_NARGS(nargsf), kwnames, given)
    if (<Function> callable).fast:
        result = fast_path(<Function> callable, given, mask)
        if result != NULL:
            return result
    returned = general_path(<Function> callable, given, PyVectorcall_NARGS(nargsf))
    Py_XINCREF(<PyObject *> returned)
    return <PyObject *> returned


cdef object general_path(Function self, PyObject **given, Py_ssize_t positional):
    """The phases of a call, in the one order that there is."""
    cdef Call *call = <Call *> take_room(sizeof(Call) + sizeof(Plan))
    cdef int i
    if call == NULL:
        raise MemoryError("fastact has no memory for a call")
    call.plan = <char *> call + sizeof(Call)
    memset(call, 0, <char *> &call.shape - <char *> call)
    for i in range(self.count):
        call.given[i] = given[i]
    for i in range(self.operand_count):
        call.operands[i].array, call.operands[i].argument, call.operands[i].output = NULL, -1, False
        call.operands[i].fresh = False
    call.axis_given, call.owned_count = self.axis_default, 0
    try:
        refuse_missing(self, call.given)
        if self.chooses:
            call.source = choose_source(self, call.given)
        elif self.only_from_y:
            call.source = FROM_Y
        if self.paired:
            choose_pair(self, call.given, positional)
        read_numbers(self, call)
        foreign = dispatch_override(self, call)
        if foreign is not NotImplemented:
            return foreign
        read_arrays(self, call)
        resolve(self, call)
        allocate(self, call)
        separate(self, call)
        if self.kind == "loss":
            return compute_loss(self, call, &self.kernels[FROM_X][call.dtype], &self.summations[call.dtype])
        result = prepare_result(self, call)
        execute(self, call)
        finish(self, call)
        return result
    finally:
        release(call)
        give_room_back(call)


cdef int execute(Function self, Call *call) except -1:
    """The kernel over the operands, and the sum of what it gives or takes."""
    cdef Kernel kernel = self.kernels[call.source][call.dtype]
    cdef const Summation *summation = &self.summations[call.dtype]
    cdef Sums sums
    cdef Plan *producer = NULL
    cdef int out = self.slots[self.out_argument].operand, nothing = -1, i
    for i in range(self.count):
        if self.slots[i].role == VECTOR and call.arrays[i] != NULL:
            kernel.cost += COST_OF_VECTOR
        if self.slots[i].role == OUTPUT and self.slots[i].shape == REDUCED and call.shape[call.axis] == 0:
            nothing = i
    announce_writes(self, call)
    if nothing >= 0:
        (<object> call.arrays[nothing]).fill(self.row.of_nothing)
    if call.sum < 0:
        return compute(&kernel, call.parameters, call)
    sums.sums = NULL
    try:
        if self.slots[call.sum].shape == CHANNEL:  # a sum of the inputs: before they may be written over
            lay_out_sums(&sums, summation, call.ndim, call.shape, call.kept, term_of(call, 0), term_of(call, 1),
                         NULL, call)
            add_up(&sums, weights_of(self, call) if call.source == FROM_Y and sums.work else NULL)
            compute(&kernel, call.parameters, call)
        else:
            producer = start(&kernel, call.parameters, call)
            lay_out_sums(&sums, summation, call.ndim, call.shape, call.kept, term_of(call, out), term_of(call, -1),
                         producer, call)
            if sums.producer == NULL:
                compute(&kernel, call.parameters, call)
            add_up(&sums, NULL)
        store_totals(&sums, call)
    finally:
        discard(&sums)
    return 0


cdef const void *weights_of(Function self, Call *call) noexcept:
    return PyArray_BYTES(call.arrays[self.slots[call.sum].place])


cdef void store_totals(const Sums *sums, const Call *call) noexcept:
    """To the array that was given for them, in the order of its elements."""
    cdef Array *target = call.arrays[call.sum]
    cdef Py_ssize_t done = 0
    cdef int storage = FASTACT_FLOAT64 if sums.item == sizeof(double) else FASTACT_FLOAT32
    cdef Stretch to
    cdef fpmode was = fpmode_enter()
    while done < count(target):
        to = stretch_at(done, PyArray_NDIM(target), <const Py_ssize_t *> PyArray_DIMS(target),
                        <const Py_ssize_t *> PyArray_STRIDES(target), NULL, False)
        sums.summation.table.store[storage](
            sums.totals + done * sums.item, PyArray_BYTES(target) + to.place, to.step, to.count)
        done += to.count
    fpmode_leave(was)


cdef Function function = Function.__new__(Function)
for each in (Function, Differentiable, Elementwise, Rowwise):
    call_by_vector(each, <char *> &function.vectorcall - <char *> <PyObject *> function)
    set_attribute(each, "__doc__", Function.__dict__["__doc__"])  # a subclass has one of its own, or none
add_member(Elementwise, "derivative", <char *> &function.derivative_member - <char *> <PyObject *> function)
set_attribute(Rowwise, "jacobian", jacobian)
add_member(Differentiable, "backward", <char *> &function.backward_member - <char *> <PyObject *> function)
del each
