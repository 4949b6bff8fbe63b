# The losses that end a network, with their gradients: arrays in, checked whole before anything is written, and walked
# in the order of their shape, whatever their strides.  Segments of that order are shared out over threads; each has a
# sum of its own, and these are added up in order.  So the bits depend on neither strides nor threads.

cimport numpy as cnp
from cpython.object cimport PyObject
from cython.parallel cimport prange, threadid
from libc.float cimport DBL_MAX, FLT_MAX
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free, malloc

from fastact.arrays cimport (
    Array,
    PyArray_BYTES,
    PyArray_CheckExact,
    PyArray_DIM,
    PyArray_ISNOTSWAPPED,
    PyArray_ISWRITEABLE,
    PyArray_ITEMSIZE,
    PyArray_NDIM,
    PyArray_NewCopy,
    PyArray_STRIDE,
    PyArray_TYPE,
)
from fastact.blocks cimport RELEASE_ABOVE, overlap, team
from fastact.engine cimport find_table, may_overlap_itself, share_memory
from fastact.fpmode cimport fpmode, fpmode_enter, fpmode_first_outside, fpmode_leave, fpmode_quotient
from fastact.kernels cimport (
    FASTACT_FLOAT32,
    FASTACT_FLOAT64,
    FASTACT_INT8,
    FASTACT_UINT8,
    fastact_binary_cross_entropy,
    fastact_cross_entropy,
    fastact_kernels,
)

import operator

import numpy as np
from numpy.exceptions import AxisError

from fastact import arguments, engine

cnp.import_array()


cdef extern from "numpy/arrayobject.h":
    object PyArray_Scalar(void *data, cnp.dtype descr, PyObject *base)

cdef enum:
    MAX_AXES = 64
    SEGMENT = 32768  # elements, so far as rows go by
    SEGMENT_ROWS = 512
    ROOM = 16384  # bytes of rows that are copied at once, but LINE rows at least
    LINE = 16  # elements of a cache line, or two
    HEAP = 1 << 20  # bytes that a thread asks for at most, unless one row is more
    RUN = 512  # elements of a sum of its own
    # Picoseconds, of an element and of a label: what threads are worth, nothing more.
    GRADIENT_COST = 450
    LOSS_COST = 350
    LABEL_COST = 300

cdef cnp.dtype float32 = np.dtype(np.float32)
cdef cnp.dtype float64 = np.dtype(np.float64)

cdef enum:  # what becomes of the losses
    NONE
    SUM
    MEAN

cdef dict REDUCTIONS = {"none": NONE, "sum": SUM, "mean": MEAN}


# ---------------------------------------------------------------------------------------------------------------
# Kernels
# ---------------------------------------------------------------------------------------------------------------

cdef const fastact_kernels *tables[2]  # of float32 and of float64


def use_target(str target):
    """Compute by the kernels of one of engine.TARGETS from now on.  For tests and benches."""
    cdef int dtype
    for dtype in range(2):
        tables[dtype] = find_table(target, dtype)


use_target(engine.TARGET)


# ---------------------------------------------------------------------------------------------------------------
# Laying out
# ---------------------------------------------------------------------------------------------------------------

cdef struct Operand:
    char *data  # NULL where there is none
    int kind  # of its elements, as kernels read them
    Py_ssize_t step  # from one class to the next
    Py_ssize_t strides[MAX_AXES]  # of the axes that rows (or elements, where they are no rows) lie along

cdef enum:
    LOGITS = 0
    TARGETS = 1  # labels, or what the classes' probabilities are
    GRAD = 2
    WEIGHT = 3
    POS_WEIGHT = 4
    OPERANDS = 5

cdef struct Job:
    const fastact_kernels *table
    Operand operands[OPERANDS]
    bint labelled
    int axes
    Py_ssize_t shape[MAX_AXES]  # of the axes, in order, those that can be merged
    Py_ssize_t rows, n, item
    Py_ssize_t length, segments  # rows of a segment, and how many of these there are
    double *sums  # of every segment
    double *errors
    char *losses  # contiguous, of every row; or NULL
    # Of labels.
    int64_t ignored
    bint ignores
    Py_ssize_t *bad  # the first bad one of every segment, or its end
    const void *class_weight
    # Where rows are copied to: what one thread has of it, and how much of that is for one operand.
    char *heap
    Py_ssize_t room, at_once
    fastact_cross_entropy softmax
    fastact_binary_cross_entropy sigmoid


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef int kind_of(Array *x) noexcept:
    """How kernels read the elements; -1 if they cannot."""
    cdef int dtype = PyArray_TYPE(x), log = 0
    cdef Py_ssize_t item = PyArray_ITEMSIZE(x)
    if not PyArray_ISNOTSWAPPED(x):
        return -1
    if dtype == cnp.NPY_FLOAT or dtype == cnp.NPY_DOUBLE:
        return FASTACT_FLOAT32 if dtype == cnp.NPY_FLOAT else FASTACT_FLOAT64
    if not cnp.NPY_BOOL <= dtype <= cnp.NPY_ULONGLONG:
        return -1
    while item > 1:
        item >>= 1
        log += 1
    # NumPy numbers signed and unsigned types in turn, from the signed byte on.
    return log + (FASTACT_UINT8 if dtype == cnp.NPY_BOOL or (dtype - cnp.NPY_BYTE) % 2 else FASTACT_INT8)


cdef void add_operand(Job *job, int k, Array *x, int axis, bint shorter) noexcept:
    """The operand, if it is one; `shorter`: it has no such axis."""
    cdef Operand *operand = &job.operands[k]
    cdef int d, at = 0, axes = PyArray_NDIM(x) + shorter
    operand.data, operand.kind, operand.step = PyArray_BYTES(x), kind_of(x), 0
    for d in range(axes):
        if d != axis:
            operand.strides[at] = PyArray_STRIDE(x, d - (shorter and d > axis))
            at += 1
        elif not shorter:
            operand.step = PyArray_STRIDE(x, d) if PyArray_DIM(x, d) > 1 else PyArray_ITEMSIZE(x)


cdef void lay_out(Job *job, Array *x, int axis) noexcept:
    """Axes are merged where they can be, for all operands."""
    cdef int d, k, from_axis = 0, at = -1
    cdef Py_ssize_t extent
    cdef bint merge
    cdef Operand *operand
    job.rows, job.n, job.item = 1, 1, PyArray_ITEMSIZE(x)
    for d in range(PyArray_NDIM(x)):
        extent = PyArray_DIM(x, d)
        if d == axis:
            job.n = extent
            continue
        job.rows *= extent
        if extent != 1:
            merge = at >= 0
            for k in range(OPERANDS):
                operand = &job.operands[k]
                merge = merge and (
                    operand.data == NULL or operand.strides[at] == extent * operand.strides[from_axis])
            if merge:
                job.shape[at] *= extent
            else:
                at += 1
                job.shape[at] = extent
            for k in range(OPERANDS):
                job.operands[k].strides[at] = job.operands[k].strides[from_axis]
        from_axis += 1
    if at < 0:
        at = 0
        job.shape[0] = 1
        for k in range(OPERANDS):
            job.operands[k].strides[0] = 0
    job.axes = at + 1


cdef inline char *place(const Job *job, int k, Py_ssize_t row) noexcept nogil:
    """Where a row of an operand begins; NULL where there is no such operand."""
    cdef const Operand *operand = &job.operands[k]
    cdef Py_ssize_t offset = 0
    cdef int d
    if operand.data == NULL:
        return NULL
    for d in range(job.axes - 1, 0, -1):
        offset += row % job.shape[d] * operand.strides[d]
        row //= job.shape[d]
    return operand.data + offset + row * operand.strides[0]


cdef inline Py_ssize_t run_from(const Job *job, Py_ssize_t row, Py_ssize_t end) noexcept nogil:
    """How many rows from one on lie a step apart."""
    cdef Py_ssize_t extent = job.shape[job.axes - 1]
    return min(end - row, extent - row % extent)


cdef inline Py_ssize_t row_step(const Job *job, int k) noexcept nogil:
    return job.operands[k].strides[job.axes - 1]


cdef inline int own_kind(const Job *job) noexcept nogil:
    return FASTACT_FLOAT32 if job.item == sizeof(float) else FASTACT_FLOAT64


cdef inline bint stands(const Job *job, int k, Py_ssize_t step) noexcept nogil:
    """Whether kernels can take an operand where it stands; so can they one that there is none of."""
    return job.operands[k].data == NULL or job.operands[k].kind == own_kind(job) and step == job.item


# ---------------------------------------------------------------------------------------------------------------
# Rows of logits, on one thread
# ---------------------------------------------------------------------------------------------------------------

cdef Py_ssize_t read_labels(const Job *job, Py_ssize_t row, Py_ssize_t m, int64_t *labels) noexcept nogil:
    """Some labels in order; returns the first bad one, or m."""
    cdef Py_ssize_t done = 0, run, good
    while done < m:
        run = run_from(job, row + done, row + m)
        good = job.table.losses.read_labels(
            job.operands[TARGETS].kind, place(job, TARGETS, row + done), row_step(job, TARGETS), run, job.n,
            &job.ignored if job.ignores else NULL, labels + done)
        if good < run:
            return done + good
        done += run
    return m


cdef void check_segment(const Job *job, Py_ssize_t segment) noexcept nogil:
    """Whether its labels are classes, and the sum of their weights."""
    cdef fpmode was = fpmode_enter()
    cdef int64_t labels[SEGMENT_ROWS]
    cdef double weights[SEGMENT_ROWS]
    cdef Py_ssize_t row = segment * job.length, m = min(job.length, job.rows - row), i, count = 0
    job.bad[segment] = read_labels(job, row, m, labels)
    job.sums[segment] = job.errors[segment] = 0
    if job.bad[segment] == m:
        if job.class_weight != NULL:
            job.table.losses.pick(job.class_weight, labels, m, weights)
            job.table.losses.add_values(weights, m, &job.sums[segment], &job.errors[segment])
        else:
            for i in range(m):
                count += labels[i] >= 0
            job.sums[segment] = count
    fpmode_leave(was)


cdef inline Py_ssize_t pieces(const Job *job, int k) noexcept nogil:
    """Rows that lie across memory share cache lines with their neighbours: short pieces still find them."""
    cdef Py_ssize_t row = row_step(job, k), step = job.operands[k].step
    return job.n if row * row >= step * step else LINE


cdef const char *fetch(
        const Job *job, int k, const char *source, Py_ssize_t rows, char *block) noexcept nogil:
    """Copies rows to a block."""
    cdef const Operand *operand = &job.operands[k]
    cdef Py_ssize_t step = row_step(job, k), i, j, piece = pieces(job, k)
    for j from 0 <= j < job.n by piece:
        for i in range(rows):
            job.table.losses.read_values(
                operand.kind, source + i * step + j * operand.step, operand.step, min(piece, job.n - j),
                block + (i * job.n + j) * job.item)
    return block


cdef void put(const Job *job, const char *block, char *grad, Py_ssize_t rows) noexcept nogil:
    cdef const Operand *operand = &job.operands[GRAD]
    cdef Py_ssize_t step = row_step(job, GRAD), i, j, piece = pieces(job, GRAD)
    for j from 0 <= j < job.n by piece:
        for i in range(rows):
            job.table.scatter(block + (i * job.n + j) * job.item, grad + i * step + j * operand.step, operand.step,
                              min(piece, job.n - j))


cdef bint side_by_side(const Job *job) noexcept nogil:
    """Whether rows are, so that a kernel can take them where they stand."""
    return (1 < job.n <= job.table.losses.short_row and job.rows > 1 and stands(job, LOGITS, row_step(job, LOGITS))
            and (job.labelled or stands(job, TARGETS, row_step(job, TARGETS)))
            and stands(job, GRAD, row_step(job, GRAD)))


cdef void compute_rows(
        const Job *job, Py_ssize_t row, Py_ssize_t m, const int64_t *labels, char *losses, char *room) noexcept nogil:
    """Rows that lie a step apart."""
    cdef const char *x = place(job, LOGITS, row)
    cdef const char *p = NULL if job.labelled else place(job, TARGETS, row)
    cdef char *grad = place(job, GRAD, row)
    cdef char *to = grad
    cdef Py_ssize_t x_step = row_step(job, LOGITS), p_step = row_step(job, TARGETS), to_step = row_step(job, GRAD)
    if side_by_side(job):
        job.table.losses.cross_entropy_columns(
            &job.softmax, x, job.operands[LOGITS].step, labels, p, job.operands[TARGETS].step, to,
            job.operands[GRAD].step, m, losses)
        return
    if not stands(job, LOGITS, job.operands[LOGITS].step):
        x, x_step = fetch(job, LOGITS, x, m, room), job.n * job.item
    if p != NULL and not stands(job, TARGETS, job.operands[TARGETS].step):
        p, p_step = fetch(job, TARGETS, p, m, room + job.room), job.n * job.item
    if not stands(job, GRAD, job.operands[GRAD].step):
        to, to_step = room, job.n * job.item
    job.table.losses.cross_entropy(&job.softmax, x, x_step, labels, p, p_step, to, to_step, m, losses)
    if to != grad:
        put(job, to, grad, m)


cdef void compute_segment(const Job *job, Py_ssize_t segment, int thread) noexcept nogil:
    cdef fpmode was = fpmode_enter()
    cdef int64_t labels[SEGMENT_ROWS]
    cdef double values[SEGMENT_ROWS]
    cdef Py_ssize_t first = segment * job.length, end = min(job.rows, first + job.length), row = first, m
    cdef char *losses = <char *> values
    cdef char *room = NULL if job.heap == NULL else job.heap + thread * 2 * job.room
    if job.losses != NULL:
        losses = job.losses + first * job.item
    if job.labelled:
        read_labels(job, first, end - first, labels)
    while row < end:
        m = min(job.at_once, run_from(job, row, end))
        compute_rows(job, row, m, labels + (row - first) if job.labelled else NULL,
                     losses + (row - first) * job.item, room)
        row += m
    job.sums[segment] = job.errors[segment] = 0
    job.table.losses.add_values(losses, end - first, &job.sums[segment], &job.errors[segment])
    fpmode_leave(was)


# ---------------------------------------------------------------------------------------------------------------
# Single logits, on one thread
# ---------------------------------------------------------------------------------------------------------------

cdef const char *fetch_run(const Job *job, int k, Py_ssize_t first, Py_ssize_t n, char *block) noexcept nogil:
    """Elements of an operand in order: where they stand, or in a block; NULL where there is no such operand."""
    cdef Py_ssize_t done = 0, run
    if job.operands[k].data == NULL or job.axes == 1 and stands(job, k, row_step(job, k)):
        return place(job, k, first)
    while done < n:
        run = run_from(job, first + done, first + n)
        if run == n and stands(job, k, row_step(job, k)):
            return place(job, k, first)
        job.table.losses.read_values(
            job.operands[k].kind, place(job, k, first + done), row_step(job, k), run, block + done * job.item)
        done += run
    return block


cdef void compute_elements(const Job *job, Py_ssize_t segment) noexcept nogil:
    """A segment, by runs that have sums of their own."""
    cdef fpmode was = fpmode_enter()
    cdef double blocks[4][RUN]
    cdef char *grad_block = <char *> blocks[0]  # in place, if the logits are there
    cdef const char *inputs[4]
    cdef char *grad
    cdef Py_ssize_t first = segment * job.length, end = min(job.rows, first + job.length), at, n, done, run
    cdef bint in_place = job.operands[GRAD].data != NULL and job.axes == 1 and stands(job, GRAD, row_step(job, GRAD))
    job.sums[segment] = job.errors[segment] = 0
    for at from first <= at < end by RUN:
        n = min(<Py_ssize_t> RUN, end - at)
        inputs[0] = fetch_run(job, LOGITS, at, n, <char *> blocks[0])
        inputs[1] = fetch_run(job, TARGETS, at, n, <char *> blocks[1])
        inputs[2] = fetch_run(job, WEIGHT, at, n, <char *> blocks[2])
        inputs[3] = fetch_run(job, POS_WEIGHT, at, n, <char *> blocks[3])
        grad = NULL
        if job.operands[GRAD].data != NULL:
            grad = place(job, GRAD, at) if in_place else grad_block
        job.table.losses.binary_cross_entropy(
            &job.sigmoid, inputs[0], inputs[1], inputs[2], inputs[3], grad,
            NULL if job.losses == NULL else job.losses + at * job.item, n, &job.sums[segment], &job.errors[segment])
        if grad == grad_block:
            done = 0
            while done < n:
                run = run_from(job, at + done, at + n)
                job.table.scatter(grad_block + done * job.item, place(job, GRAD, at + done), row_step(job, GRAD), run)
                done += run
    fpmode_leave(was)


# ---------------------------------------------------------------------------------------------------------------
# All segments
# ---------------------------------------------------------------------------------------------------------------

cdef enum:  # what is done with a segment
    CHECK
    ROWS
    ELEMENTS


cdef inline void do_segment(const Job *job, int what, Py_ssize_t segment, int thread) noexcept nogil:
    if what == CHECK:
        check_segment(job, segment)
    elif what == ROWS:
        compute_segment(job, segment, thread)
    else:
        compute_elements(job, segment)


cdef void do_segments(const Job *job, int what, int threads) noexcept nogil:
    cdef Py_ssize_t i
    if threads == 1:
        for i in range(job.segments):
            do_segment(job, what, i, 0)
    else:
        for i in prange(job.segments, schedule="static", num_threads=threads):
            do_segment(job, what, i, threadid())


cdef int share_out(const Job *job, int what, int64_t work, int threads) except -1:
    if threads == 1 and work < RELEASE_ABOVE:
        do_segments(job, what, 1)
    else:
        with nogil:
            do_segments(job, what, threads)
    return 0


cdef double add_segments(const Job *job) noexcept:
    """The total of the segments in float64, as weights are counted."""
    cdef fpmode was = fpmode_enter()
    cdef double count
    tables[1].losses.total(job.sums, job.errors, job.segments, 1, &count)
    fpmode_leave(was)
    return count


cdef object total(const Job *job, double divisor):
    cdef fpmode was = fpmode_enter()
    cdef double result
    job.table.losses.total(job.sums, job.errors, job.segments, divisor, &result)
    fpmode_leave(was)
    return PyArray_Scalar(&result, float32 if job.item == sizeof(float) else float64, NULL)


# ---------------------------------------------------------------------------------------------------------------
# Arguments
# ---------------------------------------------------------------------------------------------------------------

cdef str SOFTMAX = "softmax_cross_entropy"
cdef str SIGMOID = "sigmoid_cross_entropy"


cdef inline bint is_real(Array *x) noexcept:
    return PyArray_ISNOTSWAPPED(x) and (PyArray_TYPE(x) == cnp.NPY_FLOAT or PyArray_TYPE(x) == cnp.NPY_DOUBLE)


cdef object as_real(value, str function, str argument):
    if PyArray_CheckExact(<Array *> value) and is_real(<Array *> value):
        return value
    return arguments.as_input(value, function, argument)


cdef object as_targets(value, str function, str taken):
    """An ndarray that kernels can read."""
    targets = value if PyArray_CheckExact(<Array *> value) else arguments.wrap(value, function, "targets")
    if kind_of(<Array *> targets) < 0:
        raise TypeError(f"{function}() takes {taken}: targets is {arguments.describe(value, targets)}")
    return targets


cdef int as_reduction(reduction, str function) except -1:
    cdef object found = REDUCTIONS.get(reduction) if isinstance(reduction, str) else None
    if found is None:
        raise ValueError(f"{function}(): reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
    return found


cdef double as_smoothing(value, str function) except? -1:
    cdef double smoothing = value if type(value) is float else arguments.as_number(value, function, "label_smoothing")
    if not 0 <= smoothing <= 1:
        raise ValueError(f"{function}(): label_smoothing must be at least 0 and at most 1, not {value!r}")
    return smoothing


cdef int as_axis(axis, int ndim) except -1:
    cdef Py_ssize_t given
    try:
        given = operator.index(axis)
    except TypeError:
        raise TypeError(f"axis must be an int, not {type(axis).__name__}") from None
    except OverflowError:
        raise AxisError(axis, ndim) from None
    if not -ndim <= given < ndim:
        raise AxisError(axis, ndim)
    return <int> (given + ndim if given < 0 else given)


cdef object as_grad_out(value, logits, str function):
    """Where the gradient goes."""
    grad = value if PyArray_CheckExact(<Array *> value) else arguments.as_output(value, function, "grad_out")
    if not is_real(<Array *> grad) or PyArray_TYPE(<Array *> grad) != PyArray_TYPE(<Array *> logits):
        raise TypeError(f"{function}(): grad_out is of dtype {arguments.spell(grad.dtype)}, but the gradient is of "
                        f"{logits.dtype.name}")
    check_shape(grad, "grad_out", logits.shape, function)
    if not PyArray_ISWRITEABLE(<Array *> grad):
        raise ValueError(f"{function}(): grad_out is read-only")
    if may_overlap_itself(<Array *> grad) and arguments.overlaps_itself(grad):
        raise ValueError(f"{function}(): grad_out overlaps itself: several of its elements share memory")
    return grad


cdef int check_shape(array, str argument, tuple shape, str function) except -1:
    if array.shape != shape:
        raise ValueError(f"{function}(): {argument} has shape {array.shape}, but logits ask for {shape}")
    return 0


cdef object as_weights(value, Array *logits, str function, str argument):
    """Weights in the type of the logits, finite and not negative."""
    cdef bint single = PyArray_TYPE(logits) == cnp.NPY_FLOAT
    cdef Py_ssize_t at
    given = as_real(value, function, argument)
    with np.errstate(over="ignore"):
        weights = np.ascontiguousarray(given, dtype=float32 if single else float64)
    at = fpmode_first_outside(PyArray_BYTES(<Array *> weights), single, weights.size, 0, FLT_MAX if single else DBL_MAX)
    if at < weights.size:
        raise ValueError(f"{function}(): {argument} must be finite and at least 0{' in float32' if single else ''}, "
                         f"not {given.flat[at].item()!r}")
    return weights.reshape(given.shape)  # a number becomes a vector on the way


cdef object apart_from(array, grad, bint in_place=False):
    """The array, or a copy where writing the gradient would change it; `in_place`: if it is no more than that array."""
    if overlap(<Array *> array, <Array *> grad) if in_place else share_memory(<Array *> array, <Array *> grad):
        return PyArray_NewCopy(<Array *> array, cnp.NPY_CORDER)
    return array


cdef int64_t as_label(value) except? -1:
    cdef object label
    try:
        label = operator.index(value)
    except TypeError:
        raise TypeError(f"{SOFTMAX}(): ignore_label must be an int, not {type(value).__name__}") from None
    if not -2**63 <= label < 2**63:
        raise ValueError(f"{SOFTMAX}(): ignore_label must be in the range of int64, not {label}")
    return label


cdef int start(Job *job, Array *x) except -1:
    cdef int k
    for k in range(OPERANDS):
        job.operands[k].data = NULL
    job.table = tables[PyArray_TYPE(x) == cnp.NPY_DOUBLE]
    job.losses = job.heap = NULL
    job.sums = NULL
    job.bad = NULL
    job.class_weight = NULL
    job.softmax.class_weight = NULL
    return 0


cdef int cut(Job *job, Py_ssize_t length) except -1:
    """Into segments of so many rows; each has its sum and its error, and its first bad label."""
    job.length, job.segments = length, ceil_div(job.rows, length)
    job.sums = <double *> calloc(max(<Py_ssize_t> 1, job.segments), 2 * sizeof(double) + sizeof(Py_ssize_t))
    if job.sums == NULL:
        raise MemoryError("fastact has no memory for sums")
    job.errors = job.sums + job.segments
    job.bad = <Py_ssize_t *> (job.errors + job.segments)
    return 0


cdef int reserve_rows(Job *job, int threads) except -1:
    """Where rows go that must be copied, and how many at once."""
    cdef Py_ssize_t row = job.n * job.item
    job.at_once = job.length
    if side_by_side(job) or (stands(job, LOGITS, job.operands[LOGITS].step)
                             and stands(job, GRAD, job.operands[GRAD].step)
                             and (job.labelled or stands(job, TARGETS, job.operands[TARGETS].step))):
        return 0
    job.at_once = min(job.length, max(<Py_ssize_t> 1, max(ROOM // row, min(<Py_ssize_t> LINE, HEAP // row))))
    job.room = job.at_once * row
    job.heap = <char *> malloc(2 * threads * job.room)
    if job.heap == NULL:
        raise MemoryError("fastact has no memory for rows that must be copied")
    return 0


cdef int refuse_label(const Job *job, targets) except -1:
    cdef Py_ssize_t i, row
    for i in range(job.segments):
        row = i * job.length + job.bad[i]
        if row < min(job.rows, (i + 1) * job.length):
            at = tuple([int(index) for index in np.unravel_index(row, targets.shape)])
            raise ValueError(f"{SOFTMAX}(): targets[{', '.join(map(str, at))}] is {targets[at]}, position {at}: "
                             f"labels are from 0 to {job.n - 1}")
    return 0


cdef object reduced(const Job *job, int reduction, losses, double divisor):
    if reduction == NONE:
        return losses if losses.ndim else losses[()]
    return total(job, divisor if reduction == MEAN else 1)


# ---------------------------------------------------------------------------------------------------------------
# The losses
# ---------------------------------------------------------------------------------------------------------------

def softmax_cross_entropy(
        logits, targets, *, axis=-1, reduction="mean", class_weight=None, label_smoothing=0.0, ignore_label=None,
        grad_out=None):
    """Cross-entropy of the softmax of rows of logits, and its gradient in the same pass.

    ``-log(softmax(logits))`` at each row's label; of rows of probabilities t, ``-sum(t * log(softmax(logits)))``.

    Parameters
    ----------
    logits : array_like
        float32 or float64; integers and bools are converted to float64.
    targets : array_like
        Labels, integers from 0 on, of the shape of `logits` without `axis`; or rows of probabilities, float32 or
        float64, of the shape of `logits`. These need not sum to 1.
    axis : int, default -1
        The axis along which the classes lie.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the rows. The mean is the sum divided by that of the weights of the labels that
        count; of probabilities, by the number of rows. Of no rows it is NaN.
    class_weight : array_like, optional
        A vector of a weight for each class, finite and at least 0. By default all are 1.
    label_smoothing : float, default 0.0
        How much of every target, from 0 to 1, is shared out evenly among all classes.
    ignore_label : int, optional
        Rows with this label do not count: their loss is 0, and so is their gradient.
    grad_out : array, optional
        Where to write the gradient of what is returned (for "none", of its sum) with respect to `logits`, of their
        shape and type; `logits` itself for a result in place.

    Returns
    -------
    scalar or array
        The loss, in the type of `logits`: a NumPy scalar, or for "none" an array of the shape of `logits` without
        `axis`.

    Raises
    ------
    TypeError, ValueError
        Before anything is written; the message for a bad label has the first one's position.

    Notes
    -----
    Error: at most 4 ulp of the loss, however small it is; of the gradient, 4 ulp of the sum of the absolute terms. No
    bit depends on strides or the number of threads. A row that has a NaN or +inf, or is all -inf, becomes NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastact as fa
    >>> logits = np.array([[0.0, 0.0], [60.0, 0.0]])
    >>> fa.softmax_cross_entropy(logits, [0, 0], reduction="none")
    array([6.93147181e-01, 8.75651076e-27])
    >>> fa.softmax_cross_entropy(logits, [0, 0], grad_out=logits)
    np.float64(0.34657359027997264)
    >>> logits
    array([[-2.50000000e-01,  2.50000000e-01],
           [-4.37825538e-27,  4.37825538e-27]])
    """
    cdef Job job
    cdef Array *x
    cdef int kept, along, threads
    cdef int64_t work
    cdef double divisor, smoothing
    cdef str how = "integer labels, or probabilities of float32 or float64"
    # What may run the caller's code comes before any look at an array's memory or shape.
    logits = as_real(logits, SOFTMAX, "logits")
    targets = as_targets(targets, SOFTMAX, how)
    kept = as_reduction(reduction, SOFTMAX)
    smoothing = as_smoothing(label_smoothing, SOFTMAX)
    x = <Array *> logits
    start(&job, x)
    along = as_axis(axis, PyArray_NDIM(x))
    job.ignores = ignore_label is not None
    if job.ignores:
        job.ignored = as_label(ignore_label)
    if class_weight is not None:
        class_weight = as_weights(class_weight, x, SOFTMAX, "class_weight")
        if class_weight.shape != (PyArray_DIM(x, along),):
            raise ValueError(f"{SOFTMAX}(): class_weight has shape {class_weight.shape}, but there are "
                             f"{PyArray_DIM(x, along)} classes")
    job.labelled = kind_of(<Array *> targets) < FASTACT_FLOAT32
    if job.labelled and PyArray_TYPE(<Array *> targets) == cnp.NPY_BOOL:
        raise TypeError(f"{SOFTMAX}() takes {how}: targets is of dtype bool")
    if job.ignores and not job.labelled:
        raise ValueError(f"{SOFTMAX}(): ignore_label is for labels, not for probabilities")
    shape = logits.shape
    if job.labelled:
        check_shape(targets, "targets", shape[:along] + shape[along + 1:], SOFTMAX)
    else:
        check_shape(targets, "targets", shape, SOFTMAX)
    if grad_out is not None:
        grad_out = as_grad_out(grad_out, logits, SOFTMAX)
        targets, logits = apart_from(targets, grad_out), apart_from(logits, grad_out, True)
        x = <Array *> logits
        if class_weight is not None:
            class_weight = apart_from(class_weight, grad_out)
        add_operand(&job, GRAD, <Array *> grad_out, along, False)
    add_operand(&job, LOGITS, x, along, False)
    add_operand(&job, TARGETS, <Array *> targets, along, job.labelled)
    lay_out(&job, x, along)
    if job.n == 0 and job.rows:
        raise ValueError(f"{SOFTMAX}(): there are no classes: logits have shape {shape}")

    try:
        cut(&job, min(<Py_ssize_t> SEGMENT_ROWS, max(<Py_ssize_t> 1, SEGMENT // max(<Py_ssize_t> 1, job.n))))
        if class_weight is not None:
            job.softmax.class_weight = PyArray_BYTES(<Array *> class_weight)
        if job.labelled:
            if kept == MEAN:
                job.class_weight = job.softmax.class_weight
            work = LABEL_COST * job.rows
            share_out(&job, CHECK, work, team(work))
            refuse_label(&job, targets)
            divisor = add_segments(&job)
        else:
            divisor = job.rows
        losses = None
        if kept == NONE:
            losses = np.empty(shape[:along] + shape[along + 1:], logits.dtype)
            job.losses = PyArray_BYTES(<Array *> losses)
        job.softmax.n, job.softmax.smoothing = job.n, smoothing
        job.softmax.even = fpmode_quotient(smoothing, job.n) if smoothing else 0
        job.softmax.scale = fpmode_quotient(1, divisor) if kept == MEAN else 1
        work = (GRADIENT_COST if grad_out is not None else LOSS_COST) * job.rows * job.n
        threads = team(work)
        reserve_rows(&job, threads)
        share_out(&job, ROWS, work, threads)
        return reduced(&job, kept, losses, divisor)
    finally:
        free(job.heap)
        free(job.sums)


def sigmoid_cross_entropy(
        logits, targets, *, reduction="mean", weight=None, pos_weight=None, label_smoothing=0.0, grad_out=None):
    """Cross-entropy of the sigmoid of logits, one by one, and its gradient in the same pass.

    ``max(z, 0) - z * t + log(1 + exp(-abs(z)))`` of logits z and targets t.

    Parameters
    ----------
    logits : array_like
        float32 or float64; integers and bools are converted to float64.
    targets : array_like
        Of the shape of `logits`: floats, bools or integers, 0 to 1.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the elements. Of no elements the mean is NaN.
    weight : array_like, optional
        Of the shape of `logits`, at least 0: what the losses are multiplied by. The mean is not divided by it.
    pos_weight : array_like, optional
        A number or a vector along the last axis, at least 0: what the part of the loss is multiplied by that has t.
    label_smoothing : float, default 0.0
        How far, from 0 to 1, targets are moved towards 1/2.
    grad_out : array, optional
        Where to write the gradient of what is returned (for "none", of its sum) with respect to `logits`, of their
        shape and type; `logits` itself for a result in place.

    Returns
    -------
    scalar or array
        The loss, in the type of `logits`: a NumPy scalar, or for "none" an array of their shape.

    Raises
    ------
    TypeError, ValueError
        Before anything is written.

    Notes
    -----
    Error: at most 4 ulp of the loss, however small it is; of the gradient, 4 ulp of the sum of the absolute terms. No
    bit depends on strides or the number of threads.

    Examples
    --------
    >>> import numpy as np
    >>> import fastact as fa
    >>> logits = np.array([0.0, 60.0])
    >>> fa.sigmoid_cross_entropy(logits, [0, 1], reduction="none")
    array([6.93147181e-01, 8.75651076e-27])
    >>> fa.sigmoid_cross_entropy(logits, [0, 1], reduction="sum", grad_out=logits)
    np.float64(0.6931471805599453)
    >>> logits
    array([ 5.00000000e-01, -8.75651076e-27])
    """
    cdef Job job
    cdef Array *x
    cdef int kept, threads
    cdef int64_t work
    cdef double smoothing
    logits = as_real(logits, SIGMOID, "logits")
    targets = as_targets(targets, SIGMOID, "float32, float64, integer or bool targets")
    kept = as_reduction(reduction, SIGMOID)
    smoothing = as_smoothing(label_smoothing, SIGMOID)
    x = <Array *> logits
    shape = logits.shape
    start(&job, x)
    check_shape(targets, "targets", shape, SIGMOID)
    if weight is not None:
        weight = as_weights(weight, x, SIGMOID, "weight")
        check_shape(weight, "weight", shape, SIGMOID)
    if pos_weight is not None:
        pos_weight = as_weights(pos_weight, x, SIGMOID, "pos_weight")
        if pos_weight.shape not in ((), (1,), shape[max(0, len(shape) - 1):]):
            raise ValueError(f"{SIGMOID}(): pos_weight has shape {pos_weight.shape}: it must be a number or a vector "
                             f"along the last axis of logits, which have shape {shape}")
        pos_weight = np.broadcast_to(pos_weight.reshape(pos_weight.shape if shape else ()), shape)
    if grad_out is not None:
        grad_out = as_grad_out(grad_out, logits, SIGMOID)
        targets, logits = apart_from(targets, grad_out), apart_from(logits, grad_out, True)
        x = <Array *> logits
        if weight is not None:
            weight = apart_from(weight, grad_out)
        if pos_weight is not None:
            pos_weight = apart_from(pos_weight, grad_out)
        add_operand(&job, GRAD, <Array *> grad_out, -1, False)
    add_operand(&job, LOGITS, x, -1, False)
    add_operand(&job, TARGETS, <Array *> targets, -1, False)
    if weight is not None:
        add_operand(&job, WEIGHT, <Array *> weight, -1, False)
    if pos_weight is not None:
        add_operand(&job, POS_WEIGHT, <Array *> pos_weight, -1, False)
    lay_out(&job, x, -1)
    losses = None
    if kept == NONE:
        losses = np.empty(shape, logits.dtype)
        job.losses = PyArray_BYTES(<Array *> losses)
    job.sigmoid.smoothing, job.sigmoid.even = smoothing, smoothing / 2
    job.sigmoid.scale = fpmode_quotient(1, job.rows) if kept == MEAN else 1
    try:
        cut(&job, SEGMENT)
        work = (GRADIENT_COST if grad_out is not None else LOSS_COST) * job.rows
        threads = team(work)
        share_out(&job, ELEMENTS, work, threads)
        return reduced(&job, kept, losses, job.rows)
    finally:
        free(job.sums)
