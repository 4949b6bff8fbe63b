# What is a loss's own: labels, the weights of the classes, the targets' range, and what becomes of the losses.  The
# rest of a call is that of any other function.

cimport numpy as cnp
from cpython.object cimport PyObject
from cython.parallel cimport prange
from libc.math cimport frexp, ldexp
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

from fastact.core.arrays cimport FLOAT32, Array, PyArray_BYTES, PyArray_ITEMSIZE, Stretch, stretch_at
from fastact.core.execute cimport RELEASE_ABOVE, compute
from fastact.core.fpmode cimport fpmode, fpmode_enter, fpmode_leave
from fastact.core.kernels cimport FASTACT_FLOAT32, FASTACT_INT8, FASTACT_UINT64, fastact_args, fastact_kernel
from fastact.core.operands cimport (
    MAX_NDIM,
    MEAN,
    NONE,
    Call,
    Declaration,
    Fast,
    Operand,
    announce_writes,
    new_array,
    new_int64_vector,
    new_scalar,
    own,
    set_operand,
    storage_of,
    value_of,
)
from fastact.core.plan cimport Kernel, Plan, start, use_scratch
from fastact.core.segments cimport (
    Summation,
    Sums,
    Term,
    add_all,
    discard,
    fetch_run,
    lay_out_sums,
    term_of,
)

from fastact import arguments

cnp.import_array()

cdef extern from "Python.h":
    void Py_XINCREF(PyObject *value)

cdef enum:
    MOST_FAST_LOSSES = 256
    SEGMENT = 32768  # elements, so far as rows go by
    SEGMENT_ROWS = 512
    RUN = 512

cdef object compute_loss(Declaration self, Call *call, const Kernel *kernel, const Summation *summation):
    """The loss, from operands that were resolved and separated; also for the gradient's sake."""
    cdef Py_ssize_t[MAX_NDIM] shape
    cdef Py_ssize_t rows = 1, n = 1
    cdef int ndim = 0, d
    cdef double divisor
    for d in range(call.ndim):
        if d == call.axis:
            n = call.shape[d]
            continue
        shape[ndim] = call.shape[d]
        rows *= call.shape[d]
        ndim += 1
    if self.rowwise and n == 0 and rows:
        raise ValueError(f"{self.name}(): there are no classes: logits have shape {shape_of(call)}")
    divisor = rows
    if self.rowwise and call.operands[ROW_WEIGHT].array != NULL:
        read_row_weights(call, summation, rows)
    if self.rowwise and call.operands[LABELS].array != NULL:
        divisor = read_labels(self, call, summation, shape, ndim, rows, n)
    else:
        if call.ignores:
            raise ValueError(f"{self.name}(): ignore_label is for labels, not for probabilities")
        if not self.rowwise:
            check_range(self, call, summation)
        elif call.choice == MEAN and call.operands[ROW_WEIGHT].array != NULL:
            divisor = add_up_weights(call, summation, NULL, rows, n)
    divisor = call.parameters[self.parameter_count] = divisor if call.choice == MEAN else 1
    if call.choice == NONE:
        scalar = ndim == 0 or shape_of(call) == ()
        losses = new_array(shape, 0 if scalar else ndim, call.dtype)
        result = new_scalar(call.dtype) if scalar else losses
        own(call, losses)
        place_losses(call, losses, ndim)
        announce_writes(self, call)
        compute(kernel, call.parameters, call)
        if scalar:
            memcpy(value_of(result, call.dtype), PyArray_BYTES(<Array *> losses), PyArray_ITEMSIZE(<Array *> losses))
        return result
    result = new_scalar(call.dtype)
    announce_writes(self, call)
    if self.rowwise:
        reduce_rows(call, kernel, summation, rows, n, divisor, value_of(result, call.dtype))
    else:
        reduce_elements(call, kernel, summation, divisor, value_of(result, call.dtype))
    return result


cdef PyObject *fast_loss(
        Declaration self, const Kernel *kernel, const Summation *summation, const fastact_args *args, Fast *fast,
        const cnp.npy_intp *shape, int ndim, Py_ssize_t rows, double *parameters) except? NULL:
    """The loss of few rows, or NULL, from operands that the fast path found good; the bits of compute_loss."""
    cdef int64_t labels[MOST_FAST_LOSSES]
    cdef double losses[MOST_FAST_LOSSES]
    cdef double divisor, sum = 0, error = 0
    cdef char *terms[4]
    cdef Py_ssize_t n = fast.width, many = rows if self.rowwise else n, i
    cdef int dtype = args.storage - FASTACT_FLOAT32, stored
    cdef fastact_kernel run = kernel.run
    cdef fpmode was
    if many > (min(<Py_ssize_t> MOST_FAST_LOSSES, rows_of_segment(n)) if self.rowwise else MOST_FAST_LOSSES):
        return NULL
    divisor = many
    if self.rowwise:
        stored = storage_of(<Array *> fast.operands[LABELS])
        if stored < <int> FASTACT_INT8 or stored > <int> FASTACT_UINT64 or rows > summation.table.load_labels(
                stored, PyArray_BYTES(<Array *> fast.operands[LABELS]),
                PyArray_ITEMSIZE(<Array *> fast.operands[LABELS]), rows, n,
                &fast.ignored if fast.ignores else NULL, labels):
            return NULL
        for i in range(rows):
            divisor -= labels[i] < 0
        fast.operands[LABELS] = <char *> labels
        fast.row_steps[LABELS], fast.row_steps[LOSSES] = sizeof(int64_t), fast.steps[LOSSES]
        if rows == 1 and n <= kernel.longest_columns:  # also a column
            run = kernel.columns
    elif summation.table.first_beyond_unit(fast.operands[LABELS], n) < n:
        return NULL

    # NumPy's scalars stand for arrays without axes.
    if fast.choice != NONE or ndim == self.rowwise:
        result = new_scalar(dtype)
        fast.operands[LOSSES] = <char *> losses if fast.choice != NONE else value_of(result, dtype)
    else:
        result = new_array(<const Py_ssize_t *> shape, ndim - self.rowwise, dtype)
        fast.operands[LOSSES] = PyArray_BYTES(<Array *> result)
    parameters[self.parameter_count] = divisor if fast.choice == MEAN else 1
    was = fpmode_enter()
    run(args, fast.operands, fast.row_steps, rows, n)
    if fast.choice != NONE:
        terms[0] = terms[1] = <char *> losses
        terms[2], terms[3] = <char *> &sum, <char *> &error
        summation.run(args, terms, fast.row_steps, 1, many)
        summation.table.total(&sum, &error, 1, parameters[self.parameter_count], value_of(result, dtype))
    fpmode_leave(was)
    Py_XINCREF(<PyObject *> result)
    return <PyObject *> result


cdef tuple shape_of(const Call *call):
    return (<object> call.arrays[call.first]).shape


cdef int place_losses(Call *call, losses, int ndim) except -1:
    """In the order of the shape, side by side."""
    cdef Py_ssize_t strides[MAX_NDIM]
    strides_in_order(call, sizeof(float) if call.dtype == FLOAT32 else sizeof(double), strides)
    set_operand(call, LOSSES, losses, strides)
    call.operands[LOSSES].output = call.operands[LOSSES].fresh = True
    return 0


cdef void strides_in_order(const Call *call, Py_ssize_t step, Py_ssize_t *strides) noexcept:
    """One element a row, in the order of the shape."""
    cdef int d
    for d in range(call.ndim - 1, -1, -1):
        strides[d] = 0
        if d != call.axis:
            strides[d] = step
            step *= call.shape[d]


cdef int reduce_rows(
        Call *call, const Kernel *kernel, const Summation *summation, Py_ssize_t rows, Py_ssize_t n, double divisor,
        char *result) except -1:
    """The losses of rows, added up."""
    cdef Summation by_rows = summation[0]
    cdef Sums sums
    cdef Term term
    cdef Py_ssize_t[1] shape = [rows]
    cdef Py_ssize_t[1] stride = [sizeof(float) if call.dtype == FLOAT32 else sizeof(double)]
    cdef bint[1] kept = [False]
    losses = new_array(shape, 1, call.dtype)
    own(call, losses)
    place_losses(call, losses, 1)
    term = term_of(call, LOSSES)
    term.strides = stride
    by_rows.length = by_rows.segment = rows_of_segment(n)
    sums.sums = NULL
    try:
        lay_out_sums(&sums, &by_rows, 1, shape, kept, term, term_of(call, -1), NULL, call)
        compute(kernel, call.parameters, call)
        write_total(&sums, divisor, result)
    finally:
        discard(&sums)
    return 0


cdef int reduce_elements(
        Call *call, const Kernel *kernel, const Summation *summation, double divisor, char *result) except -1:
    """The losses of single logits, added up: run by run, as they are made, where operands lie side by side."""
    cdef Sums sums
    cdef Plan *producer = NULL
    cdef bint kept[MAX_NDIM]
    memset(kept, 0, sizeof(kept))
    sums.sums = NULL
    try:
        producer = start(kernel, call.parameters, call)
        use_scratch(producer, LOSSES)
        lay_out_sums(&sums, summation, call.ndim, call.shape, kept, term_of(call, -1), term_of(call, -1),
                     producer, call)
        write_total(&sums, divisor, result)
    finally:
        discard(&sums)
    return 0


cdef void write_total(const Sums *sums, double divisor, char *result):
    add_all(sums)
    cdef fpmode was = fpmode_enter()
    sums.summation.table.total(
        sums.sums, sums.errors, sums.segments_before * sums.segments_after, divisor, result)
    fpmode_leave(was)


# ---------------------------------------------------------------------------------------------------------------
# Targets
# ---------------------------------------------------------------------------------------------------------------

cdef double read_labels(
        Declaration self, Call *call, const Summation *summation, const Py_ssize_t *shape, int ndim, Py_ssize_t rows,
        Py_ssize_t n) except? -1:
    """Reads the labels once, to a copy that nobody changes, in the order of the shape; refuses what is no class.

    Returns the sum of the weights of those that count."""
    cdef Py_ssize_t[MAX_NDIM] strides
    cdef Py_ssize_t good = rows, done = 0, count
    cdef const Operand *source = &call.operands[LABELS]
    cdef int64_t *labels
    cdef Stretch at
    cdef fpmode was
    copy = new_int64_vector(rows)
    own(call, copy)
    labels = <int64_t *> PyArray_BYTES(<Array *> copy)
    was = fpmode_enter()
    while done < rows and good == rows:
        at = stretch_of_rows(call, source, done)
        count = summation.table.load_labels(source.storage, source.data + at.place, at.step, at.count, n,
                                            &call.ignored if call.ignores else NULL, labels + done)
        if count < at.count:
            good = done + count
        done += at.count
    fpmode_leave(was)
    if good < rows:
        raise ValueError(arguments.bad_target(
            self.name, <object> call.operands[LABELS].array, good, f"labels are from 0 to {n - 1}"))
    strides_in_order(call, sizeof(int64_t), strides)
    set_operand(call, LABELS, copy, strides)
    call.operands[LABELS].argument = -1
    if call.choice != MEAN:
        return 1
    return add_up_weights(call, summation, labels, rows, n)


cdef int read_row_weights(Call *call, const Summation *summation, Py_ssize_t rows) except -1:
    """Copies the weights of rows, one for each, in the order of the shape."""
    cdef Py_ssize_t[MAX_NDIM] strides
    cdef Py_ssize_t done = 0, item = sizeof(float) if call.dtype == FLOAT32 else sizeof(double)
    cdef Py_ssize_t[1] extent = [rows]
    cdef const Operand *source = &call.operands[ROW_WEIGHT]
    cdef Stretch at
    cdef fpmode was
    copy = new_array(extent, 1, call.dtype)
    own(call, copy)
    was = fpmode_enter()
    while done < rows:
        at = stretch_of_rows(call, source, done)
        summation.table.load[source.storage](
            source.data + at.place, at.step, PyArray_BYTES(<Array *> copy) + done * item, at.count)
        done += at.count
    fpmode_leave(was)
    strides_in_order(call, item, strides)
    return set_operand(call, ROW_WEIGHT, copy, strides)


cdef Stretch stretch_of_rows(const Call *call, const Operand *x, Py_ssize_t row) noexcept:
    """Where an operand has its element of a row, and of those that follow."""
    return stretch_at(row, call.ndim, call.shape, x.strides, <const int *> call.along, False)


cdef double add_up_weights(
        Call *call, const Summation *summation, const int64_t *labels, Py_ssize_t rows, Py_ssize_t n) noexcept:
    """The weights of the rows that count, times those of their classes: segments as those of the losses, added up in
    order.  Without labels all rows count."""
    cdef Py_ssize_t length = rows_of_segment(n), at, m, good = 0
    cdef double picked[SEGMENT_ROWS]
    cdef double part, error, total = 0, rest = 0, sum, back
    cdef char *operands[4]
    cdef Py_ssize_t steps[4]
    cdef fastact_args args
    cdef bint by_class = labels != NULL and call.operands[CLASS_WEIGHT].array != NULL
    cdef bint by_row = call.operands[ROW_WEIGHT].array != NULL
    cdef fpmode was
    if not by_class and not by_row:
        for at in range(rows):
            good += labels[at] >= 0
        return good
    if by_class and rows:
        rescale_weights(call, CLASS_WEIGHT, n, by_row)
    if by_row:
        rescale_weights(call, ROW_WEIGHT, rows, by_class)
    steps[0] = steps[1] = steps[2] = steps[3] = 0
    args.parameters, args.steps = NULL, steps
    operands[0] = operands[1] = <char *> picked
    operands[2], operands[3] = <char *> &part, <char *> &error
    was = fpmode_enter()
    for at from 0 <= at < rows by length:
        m = min(length, rows - at)
        part = error = 0
        if by_class:
            summation.table.pick(call.operands[CLASS_WEIGHT].data, labels + at, m, picked)
        if by_row:
            multiply_by_weights(call, labels + at if labels != NULL else NULL, at, m, by_class, picked)
        summation.run(&args, operands, steps, 1, m)
        sum = total + part
        back = sum - total
        rest += (total - (sum - back)) + (part - back) + error  # Knuth's sum
        total = sum
    total += rest
    fpmode_leave(was)
    return total


cdef void multiply_by_weights(
        const Call *call, const int64_t *labels, Py_ssize_t first, Py_ssize_t n, bint picked, void *values) noexcept:
    """Weights of rows times what was picked of those of the classes, or alone; 0 for rows that do not count."""
    cdef const char *weights = call.operands[ROW_WEIGHT].data
    cdef Py_ssize_t i
    cdef double weight
    for i in range(n):
        weight = (<float *> weights)[first + i] if call.dtype == FLOAT32 else (<double *> weights)[first + i]
        if labels != NULL and labels[i] < 0:
            weight = 0
        if call.dtype == FLOAT32:
            (<float *> values)[i] = <float> (weight * (<float *> values)[i] if picked else weight)
        else:
            (<double *> values)[i] = weight * (<double *> values)[i] if picked else weight


cdef void rescale_weights(Call *call, int k, Py_ssize_t n, bint both) noexcept:
    """Weights that a mean divides by their sum: so many times as much that neither that nor its inverse overflows.

    The array is the call's own.  `both`: those of rows and of classes, which are multiplied.  Those of rows are at
    most 1, as they multiply losses that may be as large as the mean."""
    cdef bint single = call.dtype == FLOAT32
    cdef char *data = call.operands[k].data
    cdef double most = 0, limit = 1e18 if single else 1e150
    cdef int octave = 0
    cdef Py_ssize_t i
    cdef fpmode was = fpmode_enter()
    if both:
        limit = 1e9 if single else 1e75
    for i in range(n):
        most = max(most, (<float *> data)[i] if single else (<double *> data)[i])
    if most and not 1 / limit <= most <= (1 if k == ROW_WEIGHT else limit):
        frexp(most, &octave)
        for i in range(n):
            if single:
                (<float *> data)[i] = <float> ldexp((<float *> data)[i], -octave)
            else:
                (<double *> data)[i] = ldexp((<double *> data)[i], -octave)
    fpmode_leave(was)


cdef inline Py_ssize_t rows_of_segment(Py_ssize_t n) noexcept:
    return min(<Py_ssize_t> SEGMENT_ROWS, max(<Py_ssize_t> 1, SEGMENT // max(<Py_ssize_t> 1, n)))


cdef int check_range(Declaration self, Call *call, const Summation *summation) except -1:
    """Targets of single logits are from 0 to 1."""
    cdef Sums runs
    cdef bint kept[MAX_NDIM]
    cdef int threads
    cdef Py_ssize_t segments, i, first
    cdef Py_ssize_t *bad
    memset(kept, 0, sizeof(kept))
    runs.sums = NULL
    lay_out_sums(&runs, summation, call.ndim, call.shape, kept, term_of(call, LABELS), term_of(call, -1), NULL, call)
    segments = runs.segments_after
    bad = <Py_ssize_t *> runs.sums  # one a segment
    try:
        if runs.work < RELEASE_ABOVE:
            for i in range(segments):
                bad[i] = first_bad(&runs, i)
        else:
            threads = runs.threads
            with nogil:
                for i in prange(segments, schedule="static", num_threads=threads):
                    bad[i] = first_bad(&runs, i)
        for i in range(segments):
            first = bad[i]
            if first < runs.after and first < (i + 1) * runs.length_after:
                raise ValueError(arguments.bad_target(
                    self.name, <object> call.operands[LABELS].array, first, "targets are from 0 to 1"))
    finally:
        discard(&runs)
    return 0


cdef Py_ssize_t first_bad(const Sums *runs, Py_ssize_t segment) noexcept nogil:
    """The first target of a segment that is not from 0 to 1; its end if there is none."""
    cdef double block[RUN]
    cdef fpmode was = fpmode_enter()
    cdef Py_ssize_t at = segment * runs.length_after, end = min(runs.after, at + runs.length_after), n, good
    while at < end:
        n = min(<Py_ssize_t> RUN, end - at)
        good = runs.summation.table.first_beyond_unit(fetch_run(runs, 0, at, n, <char *> block), n)
        at += good
        if good < n:
            end = at
    fpmode_leave(was)
    return at
