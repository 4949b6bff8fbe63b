# The way through an array: from shapes and strides to runs of memory for the kernels, shared out over threads.
# What comes in is known to be good; nothing is checked here, and no function is known by name.
#
# Arrays are laid out first (`Plan`), as boxes of three axes.  A box is computed by the calling thread, over raw
# pointers, or shared out in tiles by a parallel loop, over typed memoryviews: to acquire these takes longer than a
# small box does.

cimport numpy as cnp
from cpython.ref cimport Py_INCREF
from cython.parallel cimport prange, threadid
from libc.stdint cimport int64_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from fastact.arrays cimport (
    Array,
    PyArray_BYTES,
    PyArray_DIM,
    PyArray_ITEMSIZE,
    PyArray_NDIM,
    PyArray_NewCopy,
    PyArray_NewFromDescr,
    PyArray_SIZE,
    PyArray_STRIDE,
    PyArray_TYPE,
)
from fastact.fpmode cimport fpmode, fpmode_enter, fpmode_leave
from fastact.kernels cimport (
    fastact_binary,
    fastact_gate_backward,
    fastact_gather,
    fastact_rows,
    fastact_rows_backward,
    fastact_rows_backward_selected,
    fastact_rows_selected,
    fastact_scatter,
    fastact_selection,
    fastact_sum,
    fastact_unary,
    fastact_weighted_binary,
    fastact_weighted_unary,
)

import operator
import os
import threading

import numpy as np

from fastact import arguments, limits

cnp.import_array()


cdef extern from *:
    """
    /* Where a thread gathers strided elements.  Small: some platforms' threads have stacks of 128 KiB. */
    typedef struct { _Alignas(64) char bytes[16384]; } fastact_stack;

    static _Thread_local int own_num_threads;  /* what `num_threads` asks for; 0 is nothing */
    """
    ctypedef struct fastact_stack:
        char bytes[16384]
    int own_num_threads

cdef extern from "threads.h":
    int FASTACT_OPENMP
    int threads_max() nogil
    int threads_limit() nogil
    bint threads_nested() nogil
    bint threads_forked() nogil
    void threads_mark_forked() nogil
    int threads_watch_forks() nogil

cdef enum:
    MAX_AXES = 64 + 2  # NumPy's, and what makes up three
    BLOCK = 8192  # bytes of an operand on the stack; less if there are three
    LINE = 16  # elements of a cache line, or two
    SHORT_ROW = 64  # elements; rows below it are gathered, several for one call of the kernel
    TILE = 32768  # elements of one turn of the parallel loop
    HEAP = 1 << 20  # bytes that a thread asks for at most, unless one row is more

cdef cnp.dtype float32 = np.dtype(np.float32)
cdef cnp.dtype float64 = np.dtype(np.float64)


# ---------------------------------------------------------------------------------------------------------------
# How many threads
# ---------------------------------------------------------------------------------------------------------------

OPENMP = FASTACT_OPENMP  # the date of its specification, yyyymm; 0 without OpenMP

# Work is counted in picoseconds, in integers: floating-point arithmetic would leave its traces in the status register.
# A region costs 2 us while the runtime's threads still spin for it.  Under the passive policy they sleep: to wake one
# costs 20 us and more, and until the system moves it, it shares a CPU with the caller.
cdef bint passive = os.environ.get("OMP_WAIT_POLICY", "").lower() == "passive"
cdef int64_t parallel_threshold = 200_000_000 if passive else 20_000_000
cdef int64_t least_share = 40_000_000 if passive else 7_000_000  # of one thread

cdef int threads_at_import = threads_max()
cdef int default_num_threads = min(threads_at_import, threads_limit(), limits.available_cpus())
cdef int most_threads = 8 * (os.cpu_count() or 1)  # an OpenMP that cannot create a thread ends the process
if threads_watch_forks() != 0:
    raise ImportError("fastact could not register its handler for fork()")
if limits.is_forked():
    threads_mark_forked()


cdef int allowed_threads() noexcept nogil:
    cdef int allowed, now
    if threads_forked() or threads_nested() or not FASTACT_OPENMP:
        return 1
    allowed = own_num_threads if own_num_threads else default_num_threads
    now = threads_max()
    if now < threads_at_import:  # threadpoolctl, or another library, has lowered it for this thread
        allowed = min(allowed, now)
    return allowed


cdef int team(int64_t work) noexcept nogil:
    """How many threads share this work, each with enough to be worth it."""
    cdef int allowed
    if work < parallel_threshold:
        return 1
    allowed = allowed_threads()
    return allowed if allowed * least_share <= work else max(1, <int> (work // least_share))


cdef int as_num_threads(n) except -1:
    try:
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"num_threads must be an int, not {type(n).__name__}") from None
    if n < 1:
        raise ValueError(f"num_threads must be at least 1, not {n}")
    return min(n, most_threads)


def set_num_threads(n):
    """Set how many threads a call may use, in the whole process.

    Parameters
    ----------
    n : int
        At least 1. More than eight a CPU are never used.

    Examples
    --------
    >>> import fastact as fa
    >>> before = fa.get_num_threads()
    >>> fa.set_num_threads(1)
    >>> fa.get_num_threads()
    1
    >>> fa.set_num_threads(before)
    """
    global default_num_threads
    default_num_threads = as_num_threads(n)


def get_num_threads():
    """Return how many threads a large call from this thread may use now.

    It is what `set_num_threads` or, in this thread, `num_threads` asked for; or less, where OpenMP was limited for
    this thread (by threadpoolctl, for instance); and 1 in a forked child, inside an OpenMP region and without OpenMP.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.get_num_threads() >= 1
    True
    """
    return allowed_threads()


around = threading.local()  # numbers: those of the `with` blocks around the innermost


class num_threads:
    """Set how many threads a call may use, in the calling thread, inside a ``with`` block.

    Parameters
    ----------
    n : int
        At least 1. More than eight a CPU are never used.

    Examples
    --------
    >>> import fastact as fa
    >>> with fa.num_threads(1):
    ...     fa.get_num_threads()
    1
    """

    def __init__(self, n):
        self._n = as_num_threads(n)

    def __enter__(self):
        global own_num_threads
        around.__dict__.setdefault("numbers", []).append(own_num_threads)
        own_num_threads = self._n
        return self

    def __exit__(self, kind, value, traceback):
        global own_num_threads
        own_num_threads = around.numbers.pop()


cdef int64_t swap_parallel_threshold(int64_t picoseconds) noexcept:
    """Sets from how much work on calls are shared out; returns what it was."""
    global parallel_threshold, least_share
    previous = parallel_threshold
    parallel_threshold, least_share = picoseconds, picoseconds // 3
    return previous


# ---------------------------------------------------------------------------------------------------------------
# Laying out
# ---------------------------------------------------------------------------------------------------------------

cdef struct Plan:
    const Kernel *kernel
    const double *parameters
    # Of every operand, the inputs first, then the output, or two, then a selection:
    int inputs, computed, operands  # how many are inputs, are inputs or outputs, and all
    char *data[MAX_OPERANDS]
    bint contiguous[MAX_OPERANDS]  # elements stand side by side, and the kernel can take them where they stand
    bint narrow[MAX_OPERANDS]  # float32, in a computation of float64
    bint in_place  # all that is computed is contiguous
    bint side_by_side  # whole rows are, each across memory, and there is a kernel for that
    int weight  # the operand, a weight or a bias, that has a zero step where it is broadcast; -1 if there is none
    Py_ssize_t item  # bytes of an element computed with
    # A box.  Columns are the elements of a run, or of a row; steps are in bytes.
    Py_ssize_t planes, rows, columns
    Py_ssize_t plane_step[MAX_OPERANDS]
    Py_ssize_t row_step[MAX_OPERANDS]
    Py_ssize_t step[MAX_OPERANDS]
    # The axes around it.
    int outer
    Py_ssize_t shape[MAX_AXES]
    Py_ssize_t strides[MAX_OPERANDS][MAX_AXES]
    # Rows that must be copied for their kernel: how many at once, and where to if a block is too small for them.
    Py_ssize_t rows_at_once
    char *heap
    Py_ssize_t heap_share  # bytes a thread


cdef inline Py_ssize_t magnitude(Py_ssize_t step) noexcept nogil:
    return -step if step < 0 else step


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef inline int count_inputs(Form form) noexcept nogil:
    if form == UNARY or form == ROWS or form == ROWS_SELECTED:
        return 1
    return 3 if form in (WEIGHTED_BINARY, BIASED_BINARY, GATE_BACKWARD) else 2


cdef void start_plan(Plan *plan, const Kernel *kernel, const double *parameters) noexcept:
    plan.kernel, plan.parameters = kernel, parameters
    plan.inputs = count_inputs(kernel.form)
    plan.computed = plan.inputs + (2 if kernel.form == GATE_BACKWARD else 1)
    plan.operands = plan.computed + (2 if kernel.form >= ROWS_SELECTED else 0)
    plan.weight = plan.inputs - 1 if WEIGHTED_UNARY <= kernel.form < ROWS else -1


cdef inline Py_ssize_t stride_of(Array *operand, int d) noexcept:
    return PyArray_STRIDE(operand, d) if operand != NULL else 0


cdef void lay_out(Plan *plan, Array **operands, int axis) noexcept:
    """Axes sorted by the steps of the output, turned so that these ascend, and merged; that of the rows comes last."""
    cdef int d, k, at, axes = 2, last = plan.inputs
    cdef Py_ssize_t extent
    cdef Array *out = operands[last]
    cdef bint merge
    plan.item = PyArray_ITEMSIZE(out)
    for k in range(plan.operands):
        plan.data[k] = PyArray_BYTES(operands[k]) if operands[k] != NULL else NULL
        plan.narrow[k] = k < plan.computed and PyArray_ITEMSIZE(operands[k]) != plan.item
        plan.strides[k][0] = plan.strides[k][1] = 0
    plan.shape[0] = plan.shape[1] = 1

    for d in range(PyArray_NDIM(out)):
        extent = PyArray_DIM(out, d)
        if extent == 1 or d == axis:
            continue
        at = axes
        while at > 2 and plan.strides[last][at - 1] < magnitude(PyArray_STRIDE(out, d)):
            plan.shape[at] = plan.shape[at - 1]
            for k in range(plan.operands):
                plan.strides[k][at] = plan.strides[k][at - 1]
            at -= 1
        plan.shape[at] = extent
        for k in range(plan.operands):
            plan.strides[k][at] = stride_of(operands[k], d)
            if PyArray_STRIDE(out, d) < 0:
                plan.data[k] += (extent - 1) * plan.strides[k][at]
                plan.strides[k][at] = -plan.strides[k][at]
        axes += 1

    at = 2
    for d in range(3, axes):
        extent = plan.shape[d]
        merge = True
        for k in range(plan.operands):
            merge &= plan.strides[k][at] == extent * plan.strides[k][d]
        if merge:
            plan.shape[at] *= extent
        else:
            at += 1
            plan.shape[at] = extent
        for k in range(plan.operands):
            plan.strides[k][at] = plan.strides[k][d]
    if axes > 2:
        axes = at + 1
    if axis >= 0 or axes == 2:
        plan.shape[axes] = PyArray_DIM(out, axis) if axis >= 0 and PyArray_NDIM(out) else 1
        for k in range(plan.operands):
            plan.strides[k][axes] = stride_of(operands[k], axis) if plan.shape[axes] > 1 else plan.item
        axes += 1

    # Threads share a box: the longest of the axes around it is to be in it.
    at = axes - 3
    for d in range(at):
        if plan.shape[d] > plan.shape[at]:
            plan.shape[d], plan.shape[at] = plan.shape[at], plan.shape[d]
            for k in range(plan.operands):
                plan.strides[k][d], plan.strides[k][at] = plan.strides[k][at], plan.strides[k][d]
    plan.outer = at
    plan.planes, plan.rows, plan.columns = plan.shape[at], plan.shape[at + 1], plan.shape[at + 2]
    for k in range(plan.operands):
        plan.plane_step[k] = plan.strides[k][at]
        plan.row_step[k] = plan.strides[k][at + 1]
        plan.step[k] = plan.strides[k][at + 2]
    describe_box(plan)


cdef void describe_box(Plan *plan) noexcept:
    """What its steps mean for the kernel."""
    cdef int k
    plan.side_by_side = plan.kernel.columns != NULL and 1 < plan.columns < 1 << 24  # kernels count in floats there
    plan.in_place = True
    for k in range(plan.computed):
        plan.contiguous[k] = not plan.narrow[k] and (
            plan.step[k] == plan.item or plan.kernel.form >= ROWS and k == plan.kernel.single
            or k == plan.weight and plan.step[k] == 0 and plan.kernel.form < BIASED_UNARY)
        plan.in_place &= plan.contiguous[k]
        plan.side_by_side &= plan.row_step[k] == plan.item and not plan.narrow[k]


cdef int reserve_rows(Plan *plan, int threads) except -1:
    """Where rows go that must be copied, and how many at once."""
    cdef Py_ssize_t row = plan.columns * plan.item
    plan.heap = NULL
    plan.rows_at_once = BLOCK // row
    if plan.kernel.form < ROWS or plan.side_by_side or plan.in_place:
        return 0
    if plan.rows_at_once < LINE:
        plan.rows_at_once = max(1, min(<Py_ssize_t> LINE, <Py_ssize_t> HEAP // row))
        plan.heap_share = 2 * plan.rows_at_once * row
        plan.heap = <char *> malloc(threads * plan.heap_share)
        if plan.heap == NULL:
            raise MemoryError("fastact has no memory for rows that must be copied")
    return 0


# ---------------------------------------------------------------------------------------------------------------
# Computing chunks, on one thread
# ---------------------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t pieces(Py_ssize_t columns, Py_ssize_t row_step, Py_ssize_t step) noexcept nogil:
    """Rows that lie across memory share cache lines with their neighbours: short pieces still find them."""
    return columns if magnitude(row_step) >= magnitude(step) else LINE


cdef const char *fetch(
        const Plan *plan, int k, const char *source, Py_ssize_t rows, Py_ssize_t columns, bint turned, char *block
) noexcept nogil:
    """Copies the chunk of an operand to the block, row by row (or column by column, if turned)."""
    cdef Py_ssize_t i, j, row_step = plan.row_step[k], step = plan.step[k], piece = pieces(columns, row_step, step)
    cdef fastact_gather copy = plan.kernel.table.widen if plan.narrow[k] else plan.kernel.table.gather
    if turned:
        piece = rows
        rows, columns, row_step, step = columns, rows, step, row_step
    for j from 0 <= j < columns by piece:
        for i in range(rows):
            copy(source + i * row_step + j * step, step,
                 block + (i * columns + j) * plan.item, min(piece, columns - j))
    return block


cdef void put(
        const Plan *plan, int k, const char *block, char *out, Py_ssize_t rows, Py_ssize_t columns, bint turned
) noexcept nogil:
    """Copies a block to its place in an output, the way `fetch` came."""
    cdef Py_ssize_t i, j, row_step = plan.row_step[k], step = plan.step[k]
    cdef Py_ssize_t piece = pieces(columns, row_step, step)
    cdef fastact_scatter copy = plan.kernel.table.scatter
    if turned:
        piece = rows
        rows, columns, row_step, step = columns, rows, step, row_step
    for j from 0 <= j < columns by piece:
        for i in range(rows):
            copy(block + (i * columns + j) * plan.item,
                 out + i * row_step + j * step, step, min(piece, columns - j))


cdef inline void call_elements(
        const Plan *plan, const char **inputs, Py_ssize_t weight_step, char **outputs, Py_ssize_t n) noexcept nogil:
    cdef Form form = plan.kernel.form
    cdef const char *nothing = NULL
    cdef char *out = outputs[0]
    if form == UNARY or form == BIASED_UNARY:
        (<fastact_unary> plan.kernel.function)(
            inputs[0], nothing if form == UNARY else inputs[1], out, n, plan.parameters)
    elif form == BINARY or form == BIASED_BINARY:
        (<fastact_binary> plan.kernel.function)(
            inputs[0], inputs[1], nothing if form == BINARY else inputs[2], out, n, plan.parameters)
    elif form == GATE_BACKWARD:
        (<fastact_gate_backward> plan.kernel.function)(inputs[0], inputs[1], inputs[2], out, outputs[1], n)
    elif form == WEIGHTED_UNARY:
        (<fastact_weighted_unary> plan.kernel.function)(inputs[0], inputs[1], weight_step, out, n)
    else:
        (<fastact_weighted_binary> plan.kernel.function)(inputs[0], inputs[1], inputs[2], weight_step, out, n)


# How a chunk is cut: pieces of one row where rows are long, else of as many rows as a block holds.
cdef struct Cut:
    Py_ssize_t height, width
    bint turned  # pieces are copied column by column
    bint stands[MAX_OPERANDS]  # is computed where it stands


cdef Cut cut_elements(const Plan *plan, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t room) noexcept nogil:
    cdef Cut cut
    cdef bint across = False, joined = True, row_stands
    cdef int k
    for k in range(plan.operands):
        cut.stands[k] = plan.contiguous[k] and plan.row_step[k] == columns * plan.item  # several rows of it
        if k != plan.weight:
            joined &= cut.stands[k]
            across |= magnitude(plan.row_step[k]) < magnitude(plan.step[k])
    cut.height, cut.width, cut.turned = 1, columns, False
    if rows > 1 and columns < SHORT_ROW:
        cut.height = room // columns
        cut.turned = not joined and min(cut.height, rows) > columns
    elif rows > 1 and joined and plan.weight > 0 and plan.row_step[plan.weight] == 0 and 2 * columns <= room:
        cut.height = room // columns  # only the weight keeps rows from being one, and need be copied but once
    elif rows > 1 and across:
        cut.height, cut.width = room // SHORT_ROW, SHORT_ROW
    elif not plan.in_place:
        cut.width = room
    row_stands = cut.height == 1
    for k in range(plan.operands):
        cut.stands[k] = plan.contiguous[k] if row_stands else cut.stands[k] and joined
    return cut


cdef void compute_elements(const Plan *plan, char **at, Py_ssize_t rows, Py_ssize_t columns) noexcept nogil:
    """An elementwise kernel, by pieces."""
    cdef fastact_stack stack
    cdef Py_ssize_t share = min(<Py_ssize_t> BLOCK, <Py_ssize_t> 2 * BLOCK // plan.inputs // 64 * 64)
    cdef Cut cut = cut_elements(plan, rows, columns, share // plan.item)
    cdef Py_ssize_t row, column, m, n, filled = 0, weight_step = plan.item
    cdef const char *inputs[MAX_INPUTS]
    cdef char *places[MAX_OUTPUTS]
    cdef char *outputs[MAX_OUTPUTS]
    cdef int k, i
    if plan.weight > 0 and cut.stands[plan.weight]:
        weight_step = plan.step[plan.weight]
    # A weight that is the same for all rows is copied once.
    cdef bint still = plan.weight > 0 and plan.row_step[plan.weight] == 0 and cut.width == columns

    for row from 0 <= row < rows by cut.height:
        m = min(cut.height, rows - row)
        for column from 0 <= column < columns by cut.width:
            n = min(cut.width, columns - column)
            for k in range(plan.inputs):
                inputs[k] = at[k] + row * plan.row_step[k] + column * plan.step[k]
                if cut.stands[k]:
                    continue
                if k == plan.weight and still and filled == m:
                    inputs[k] = stack.bytes + k * share
                else:
                    inputs[k] = fetch(plan, k, inputs[k], m, n, cut.turned, stack.bytes + k * share)
            filled = m
            for k in range(plan.inputs, plan.computed):
                i = k - plan.inputs
                places[i] = at[k] + row * plan.row_step[k] + column * plan.step[k]
                outputs[i] = places[i] if cut.stands[k] else stack.bytes + i * share  # over an input's block
            call_elements(plan, inputs, weight_step, outputs, m * n)
            for k in range(plan.inputs, plan.computed):
                i = k - plan.inputs
                if not cut.stands[k]:
                    put(plan, k, outputs[i], places[i], m, n, cut.turned)


cdef inline void call_rows(
        const Plan *plan, const void *function, const char **inputs, char *out, const Py_ssize_t *steps, char **at,
        Py_ssize_t row, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    cdef Form form = plan.kernel.form
    cdef fastact_selection selection
    cdef int where = plan.computed + WHERE, seen = plan.computed + SEEN, last = plan.inputs
    if form == ROWS:
        (<fastact_rows> function)(inputs[0], steps[0], out, steps[last], rows, n)
        return
    if form == ROWS_BACKWARD:
        (<fastact_rows_backward> function)(inputs[0], steps[0], inputs[1], steps[1], out, steps[last], rows, n)
        return
    selection.scale = plan.parameters[0]
    selection.where_row, selection.where_step = plan.row_step[where], plan.step[where]
    selection.where = at[where] + row * selection.where_row
    selection.seen_row = plan.row_step[seen]
    selection.seen = <const int64_t *> (at[seen] + row * selection.seen_row)
    if form == ROWS_SELECTED:
        (<fastact_rows_selected> function)(&selection, inputs[0], steps[0], out, steps[last], rows, n)
    else:
        (<fastact_rows_backward_selected> function)(
            &selection, inputs[0], steps[0], inputs[1], steps[1], out, steps[last], rows, n)


cdef void compute_rows(const Plan *plan, char **at, Py_ssize_t rows, Py_ssize_t n, int thread) noexcept nogil:
    """A rowwise kernel, on all rows at once where they stand, else on as many as there is room for."""
    cdef fastact_stack stack
    cdef Py_ssize_t height = rows, row, m, k
    cdef const char *inputs[MAX_INPUTS]
    cdef Py_ssize_t steps[MAX_OPERANDS]
    cdef char *room[2]
    cdef char *to
    cdef int out = plan.inputs
    if plan.side_by_side:
        for k in range(plan.inputs):
            inputs[k] = at[k]
        call_rows(plan, plan.kernel.columns, inputs, at[out], plan.step, at, 0, rows, n)
        return
    if not plan.in_place:
        height = plan.rows_at_once
    if plan.heap != NULL:
        room[0] = plan.heap + thread * plan.heap_share
        room[1] = room[0] + plan.heap_share // 2
    else:
        room[0], room[1] = stack.bytes, stack.bytes + BLOCK
    for k in range(plan.computed):
        steps[k] = plan.row_step[k] if plan.contiguous[k] else n * plan.item

    for row from 0 <= row < rows by height:
        m = min(height, rows - row)
        for k in range(plan.inputs):
            inputs[k] = at[k] + row * plan.row_step[k]
            if not plan.contiguous[k]:
                inputs[k] = fetch(plan, k, inputs[k], m, n, False, room[k])
        to = at[out] + row * plan.row_step[out] if plan.contiguous[out] else room[0]
        call_rows(plan, plan.kernel.function, inputs, to, steps, at, row, m, n)
        if not plan.contiguous[out]:
            put(plan, out, room[0], at[out] + row * plan.row_step[out], m, n, False)


cdef void compute_chunk(
        const Plan *plan, const char *first, char *out, Py_ssize_t plane, Py_ssize_t row, Py_ssize_t column,
        Py_ssize_t rows, Py_ssize_t columns, int thread) noexcept nogil:
    """Rows and columns from a place on, on a thread that may be in any floating-point mode.

    Every form has a first input and an output; the other operands are found by the plan."""
    cdef fpmode was = fpmode_enter()
    cdef char *at[MAX_OPERANDS]
    cdef int k
    at[0], at[plan.inputs] = <char *> first, out
    for k in range(1, plan.operands):
        if k != plan.inputs:
            at[k] = plan.data[k] + plane * plan.plane_step[k] + row * plan.row_step[k] + column * plan.step[k]
    if plan.kernel.form < ROWS:
        compute_elements(plan, at, rows, columns)
    else:
        compute_rows(plan, at, rows, columns, thread)
    fpmode_leave(was)


# ---------------------------------------------------------------------------------------------------------------
# Computing boxes
# ---------------------------------------------------------------------------------------------------------------

ctypedef fused real:
    float
    double

ctypedef fused result:
    float
    double


cdef int share_typed_box(const Plan *plan, const real[:, :, :] first, result[:, :, :] out, int threads) except -1:
    """A box, shared out in tiles; every thread gets as many, and neighbours."""
    cdef Py_ssize_t planes = out.shape[0], rows = out.shape[1], columns = out.shape[2], total = planes * rows * columns
    cdef Py_ssize_t turns = threads * ceil_div(total, threads * <Py_ssize_t> TILE), tile = ceil_div(total, turns)
    cdef Py_ssize_t width = columns, height, tiles_down, tiles_across, i, p, r, c
    if plan.kernel.form < ROWS:
        width = min(columns, LINE * ceil_div(tile, LINE))
    height = ceil_div(tile, width)
    if magnitude(plan.row_step[plan.inputs]) < magnitude(plan.step[plan.inputs]):  # rows share cache lines
        height = LINE * ceil_div(height, LINE)
    height = min(rows, height)
    tiles_down, tiles_across = ceil_div(rows, height), ceil_div(columns, width)
    for i in prange(planes * tiles_down * tiles_across, nogil=True, schedule="static", num_threads=threads):
        p = i // (tiles_down * tiles_across)
        r = i // tiles_across % tiles_down * height
        c = i % tiles_across * width
        compute_chunk(plan, <const char *> &first[p, r, c], <char *> &out[p, r, c], p, r, c,
                      min(height, rows - r), min(width, columns - c), threadid())
    return 0


cdef int share_box(Plan *plan, int threads) except -1:
    first, out = view_box(plan, 0), view_box(plan, plan.inputs)
    if plan.item == sizeof(float):
        return share_typed_box[float, float](plan, first, out, threads)
    if plan.narrow[0]:
        return share_typed_box[float, double](plan, first, out, threads)
    return share_typed_box[double, double](plan, first, out, threads)


cdef view_box(Plan *plan, int k):
    cdef cnp.npy_intp[3] shape = [plan.planes, plan.rows, plan.columns]
    cdef cnp.npy_intp[3] strides = [plan.plane_step[k], plan.row_step[k], plan.step[k]]
    cdef cnp.dtype descr = float32 if plan.item == sizeof(float) or plan.narrow[k] else float64
    Py_INCREF(descr)
    return PyArray_NewFromDescr(
        cnp.ndarray, descr, 3, shape, strides, plan.data[k], cnp.NPY_ARRAY_WRITEABLE if k == plan.inputs else 0, NULL)


cdef void compute_box(const Plan *plan) noexcept nogil:
    cdef Py_ssize_t i
    cdef int out = plan.inputs
    for i in range(plan.planes):
        compute_chunk(plan, plan.data[0] + i * plan.plane_step[0], plan.data[out] + i * plan.plane_step[out], i, 0, 0,
                      plan.rows, plan.columns, 0)


cdef bint next_box(Plan *plan, Py_ssize_t *index) noexcept nogil:
    """To the next place of the axes around; False when all were visited."""
    cdef int d, k
    for d in range(plan.outer - 1, -1, -1):
        index[d] += 1
        for k in range(plan.operands):
            plan.data[k] += plan.strides[k][d]
        if index[d] < plan.shape[d]:
            return True
        index[d] = 0
        for k in range(plan.operands):
            plan.data[k] -= plan.shape[d] * plan.strides[k][d]
    return False


cdef void compute_boxes(Plan *plan, Py_ssize_t *index) noexcept nogil:
    compute_box(plan)
    while next_box(plan, index):
        compute_box(plan)


cdef int keep_apart(const Plan *plan, Array **operands, Array **apart, list copies) except -1:
    """Operands of which no input is changed by writing to an output."""
    cdef int k, output
    for k in range(plan.operands):
        apart[k] = operands[k]
    for k in range(plan.inputs):
        for output in range(plan.inputs, plan.computed):
            if overlap(operands[k], operands[output]):
                copies.append(PyArray_NewCopy(operands[k], cnp.NPY_KEEPORDER))
                apart[k] = <Array *> copies[len(copies) - 1]
                break
    return 0


cdef int compute(const Kernel *kernel, const double *parameters, Array **operands, int axis) except -1:
    """Runs a kernel over arrays of one shape: inputs, a weight or bias last; outputs, which do not touch; selection."""
    cdef Plan plan
    cdef Array *apart[MAX_OPERANDS]
    cdef Py_ssize_t index[MAX_AXES]
    cdef int threads
    cdef list copies = []
    start_plan(&plan, kernel, parameters)
    cdef int64_t work = kernel.cost * PyArray_SIZE(operands[plan.inputs])
    if work == 0:
        return 0
    keep_apart(&plan, operands, apart, copies)
    lay_out(&plan, apart, axis)
    threads = team(kernel.cost * plan.planes * plan.rows * plan.columns)
    reserve_rows(&plan, threads)
    memset(index, 0, plan.outer * sizeof(Py_ssize_t))
    try:
        if threads > 1:
            share_box(&plan, threads)
            while next_box(&plan, index):
                share_box(&plan, threads)
        elif work < RELEASE_ABOVE:
            compute_boxes(&plan, index)
        else:
            with nogil:
                compute_boxes(&plan, index)
    finally:
        free(plan.heap)
    return 0


# ---------------------------------------------------------------------------------------------------------------
# Adding up
# ---------------------------------------------------------------------------------------------------------------

# What is added up is of axes (before, channel, after) in the order of the shape, whatever the strides: runs along the
# last are added up by a kernel, and in their order to the sum of their channel and segment.  Segments, to be shared
# out, are as many as the shape says.  So the bits depend on neither strides nor threads.

cdef enum:
    MOST_SEGMENTS = 64

cdef struct Adding:
    const Summation *summation
    const Plan *maker  # of what is added up, tile by tile, in the same coordinates; NULL where it stands there
    Plan plan  # of two inputs: planes are before, rows are channels and columns after, or the other way round
    bint across  # the other way round
    Py_ssize_t before, channels, after
    Py_ssize_t segments_before, segments_after  # how many, and how long
    Py_ssize_t length_before, length_after
    double *sums  # of every segment and channel
    double *errors


cdef bint merge_axes(Array *x, int first, int end, Py_ssize_t *extent, Py_ssize_t *step) noexcept:
    """Whether some axes are one."""
    cdef int d
    extent[0], step[0] = 1, 0
    for d in range(end - 1, first - 1, -1):
        if PyArray_DIM(x, d) == 1:
            continue
        if extent[0] == 1:
            step[0] = PyArray_STRIDE(x, d)
        elif PyArray_STRIDE(x, d) != extent[0] * step[0]:
            return False
        extent[0] *= PyArray_DIM(x, d)
    return True


cdef bint lay_out_channels(Adding *adding, int k, Array *x, int axis) noexcept:
    """Whether the axes before that of the channels (all are after it if that is -1) are one, and those after it."""
    cdef Plan *plan = &adding.plan
    plan.data[k] = PyArray_BYTES(x)
    adding.channels, plan.row_step[k] = 1, 0
    if axis >= 0:
        adding.channels, plan.row_step[k] = PyArray_DIM(x, axis), PyArray_STRIDE(x, axis)
    if not (merge_axes(x, 0, max(axis, 0), &adding.before, &plan.plane_step[k])
            and merge_axes(x, axis + 1, PyArray_NDIM(x), &adding.after, &plan.step[k])):
        return False
    if adding.after == 1:  # what comes before serves as well, and makes longer runs
        adding.before, adding.after = adding.after, adding.before
        plan.plane_step[k], plan.step[k] = plan.step[k], plan.plane_step[k]
    return True


cdef void cut_segments(Adding *adding) noexcept:
    """As many as are worth sharing out, but so few that their sums need little memory."""
    cdef Py_ssize_t run = adding.summation.run, each = adding.before * adding.after, wanted = min(
        <Py_ssize_t> MOST_SEGMENTS, ceil_div(each * adding.channels, TILE), each // 64 + 1)
    adding.length_before = ceil_div(adding.before, min(adding.before, wanted))
    adding.segments_before = ceil_div(adding.before, adding.length_before)
    wanted = wanted // adding.segments_before if 4 * adding.segments_before < MOST_SEGMENTS else 1
    adding.length_after = run * ceil_div(ceil_div(adding.after, max(1, wanted)), run)
    adding.segments_after = ceil_div(adding.after, adding.length_after)


cdef void add_segment(const Adding *adding, Py_ssize_t segment, Py_ssize_t first_channel) noexcept nogil:
    """One segment of some channels."""
    cdef fpmode was = fpmode_enter()
    cdef const Plan *plan = &adding.plan
    cdef Py_ssize_t first_before = segment // adding.segments_after * adding.length_before
    cdef Py_ssize_t first_after = segment % adding.segments_after * adding.length_after
    cdef Py_ssize_t end_before = min(adding.before, first_before + adding.length_before)
    cdef Py_ssize_t end_after = min(adding.after, first_after + adding.length_after)
    cdef Py_ssize_t run = adding.summation.run, at_once = adding.summation.channels, b, c, a
    cdef Py_ssize_t end_channel = min(adding.channels, first_channel + at_once)
    if not plan.in_place:
        at_once = BLOCK // plan.item // run
    elif not adding.across and end_after - first_after > run:
        at_once = 1  # as they lie in memory
    for b in range(first_before, end_before):
        for c from first_channel <= c < end_channel by at_once:
            for a from first_after <= a < end_after by run:
                add_runs(adding, segment, b, c, a, min(at_once, end_channel - c), min(run, end_after - a))
    fpmode_leave(was)


cdef void add_runs(
        const Adding *adding, Py_ssize_t segment, Py_ssize_t b, Py_ssize_t c, Py_ssize_t a, Py_ssize_t channels,
        Py_ssize_t n) noexcept nogil:
    """Runs of n elements from places on, one of each of some channels."""
    cdef fastact_stack stack
    cdef const Plan *plan = &adding.plan
    cdef const char *inputs[2]
    cdef Py_ssize_t steps[2]
    cdef Py_ssize_t row = c, column = a, rows = channels, columns = n, place = segment * adding.channels + c
    cdef fastact_sum add = adding.summation.along
    cdef int k
    if adding.across:
        row, column, rows, columns, add = a, c, n, channels, adding.summation.across
    if adding.maker != NULL:
        make_tile(adding.maker, row, column, rows, columns)
    for k in range(2):
        inputs[k] = plan.data[k] + b * plan.plane_step[k] + row * plan.row_step[k] + column * plan.step[k]
        steps[k] = plan.row_step[k]
        if not plan.contiguous[k]:
            inputs[k] = fetch(plan, k, inputs[k], rows, columns, False, stack.bytes + k * BLOCK)
            steps[k] = columns * plan.item
    add(inputs[0], steps[0], inputs[1], steps[1], rows, columns, adding.sums + place, adding.errors + place)


cdef void make_tile(
        const Plan *maker, Py_ssize_t row, Py_ssize_t column, Py_ssize_t rows, Py_ssize_t columns) noexcept nogil:
    cdef int out = maker.inputs
    compute_chunk(maker, maker.data[0] + row * maker.row_step[0] + column * maker.step[0],
                  maker.data[out] + row * maker.row_step[out] + column * maker.step[out], 0, row, column,
                  rows, columns, 0)


cdef void add_segments(const Adding *adding, int threads) noexcept nogil:
    cdef Py_ssize_t width = adding.summation.channels, blocks = ceil_div(adding.channels, width), i
    cdef Py_ssize_t count = adding.segments_before * adding.segments_after * blocks
    if threads == 1:
        for i in range(count):
            add_segment(adding, i // blocks, i % blocks * width)
    else:
        for i in prange(count, schedule="static", num_threads=threads):
            add_segment(adding, i // blocks, i % blocks * width)


cdef int add_up(
        const Summation *summation, Array *grad, Array *x, int axis, const void *divisors, void *totals) except -1:
    """The totals along an axis, or the one total of all if that is -1, in the table's type."""
    return add_up_made(NULL, NULL, summation, grad, x, axis, divisors, totals)


cdef int compute_and_add_up(
        const Kernel *kernel, const double *parameters, Array **operands, const Summation *summation,
        void *totals) except -1:
    """Runs an elementwise kernel, and gives the totals of its output along the last axis.

    In one pass over memory, where the axes before the last are one in every operand."""
    cdef Plan maker
    cdef Array *apart[MAX_OPERANDS]
    cdef list copies = []
    cdef Py_ssize_t extent, step
    cdef int k
    cdef bint one_pass = True
    start_plan(&maker, kernel, parameters)
    cdef Array *out = operands[maker.inputs]
    cdef int axis = PyArray_NDIM(out) - 1
    keep_apart(&maker, operands, apart, copies)
    for k in range(maker.operands):
        one_pass &= merge_axes(apart[k], 0, axis, &extent, &step)
    if one_pass:
        return add_up_made(&maker, apart, summation, out, out, axis, NULL, totals)
    compute(kernel, parameters, apart, -1)
    return add_up(summation, out, out, axis, NULL, totals)


cdef void lay_out_tiles(Plan *maker, Array **operands, int axis, bint across) noexcept:
    """Rows and columns are those of what is added up."""
    cdef Py_ssize_t extent = 1, along, before
    cdef int k
    maker.item, maker.planes, maker.heap = PyArray_ITEMSIZE(operands[maker.inputs]), 1, NULL
    for k in range(maker.operands):
        merge_axes(operands[k], 0, axis, &extent, &before)
        along = PyArray_STRIDE(operands[k], axis)
        maker.data[k] = PyArray_BYTES(operands[k])
        maker.narrow[k] = PyArray_ITEMSIZE(operands[k]) != maker.item
        maker.plane_step[k] = 0
        maker.row_step[k], maker.step[k] = (before, along) if across else (along, before)
    maker.rows, maker.columns = extent, PyArray_DIM(operands[0], axis)
    if not across:
        maker.rows, maker.columns = maker.columns, maker.rows
    describe_box(maker)


cdef int add_up_made(
        Plan *maker, Array **operands, const Summation *summation, Array *grad, Array *x, int axis,
        const void *divisors, void *totals) except -1:
    """The same of what `maker` makes of its operands."""
    cdef Adding adding
    cdef Kernel kernel
    cdef Plan *plan = &adding.plan
    cdef Array *inputs[2]
    cdef int64_t work = (summation.cost + (0 if maker == NULL else maker.kernel.cost)) * PyArray_SIZE(x)
    cdef int threads = team(work), k
    cdef Py_ssize_t parts
    cdef fpmode was
    cdef list copies = []
    inputs[0], inputs[1] = grad, x
    plan.item = max(PyArray_ITEMSIZE(grad), PyArray_ITEMSIZE(x))
    if work == 0:
        memset(totals, 0, (PyArray_DIM(x, axis) if axis >= 0 else 1) * plan.item)
        return 0
    kernel.table = summation.table
    plan.kernel, adding.summation, adding.maker = &kernel, summation, maker
    for k in range(2):
        if not lay_out_channels(&adding, k, inputs[k], axis):
            copies.append(PyArray_NewCopy(inputs[k], cnp.NPY_CORDER))
            lay_out_channels(&adding, k, <Array *> copies[len(copies) - 1], axis)
        plan.narrow[k] = PyArray_ITEMSIZE(inputs[k]) != plan.item
    plan.in_place = True
    adding.across = adding.channels > 1 and (
        adding.after == 1 or magnitude(plan.row_step[1]) < magnitude(plan.step[1]))
    for k in range(2):
        if adding.across:
            plan.row_step[k], plan.step[k] = plan.step[k], plan.row_step[k]
        plan.contiguous[k] = plan.step[k] == plan.item and not plan.narrow[k]
        plan.in_place &= plan.contiguous[k]
    if maker != NULL:
        lay_out_tiles(maker, operands, axis, adding.across)
    cut_segments(&adding)
    parts = adding.segments_before * adding.segments_after
    adding.sums = <double *> calloc(2 * parts * adding.channels, sizeof(double))
    if adding.sums == NULL:
        raise MemoryError("fastact has no memory for sums")
    adding.errors = adding.sums + parts * adding.channels
    if work < RELEASE_ABOVE:
        add_segments(&adding, 1)
    else:
        with nogil:
            add_segments(&adding, threads)
    was = fpmode_enter()
    summation.table.finish(adding.sums, adding.errors, parts, adding.channels, divisors, totals)
    fpmode_leave(was)
    free(adding.sums)
    return 0


# ---------------------------------------------------------------------------------------------------------------
# Overlap
# ---------------------------------------------------------------------------------------------------------------

cdef bint overlap(Array *x, Array *out) except -1:
    """Whether writing to `out` would change what of x is still to be read."""
    cdef uintptr_t x_low, x_high, out_low, out_high
    bounds(x, &x_low, &x_high)
    bounds(out, &out_low, &out_high)
    return (x_low < out_high and out_low < x_high and not same_view(x, out)
            and arguments.share_memory(<object> x, <object> out))


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


cdef bint same_view(Array *x, Array *out) noexcept:
    cdef int d
    if PyArray_BYTES(x) != PyArray_BYTES(out) or PyArray_TYPE(x) != PyArray_TYPE(out):
        return False
    for d in range(PyArray_NDIM(x)):
        if PyArray_STRIDE(x, d) != PyArray_STRIDE(out, d) and PyArray_DIM(x, d) != 1:
            return False
    return True
