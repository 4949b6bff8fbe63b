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
from libc.stdlib cimport free, malloc
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
from fastact.kernels cimport (
    fastact_binary,
    fastact_gather,
    fastact_rows,
    fastact_rows_backward,
    fastact_scatter,
    fastact_unary,
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
    typedef struct { _Alignas(64) char bytes[8192]; } fastact_block;

    static _Thread_local int own_num_threads;  /* what `num_threads` asks for; 0 is nothing */
    """
    ctypedef struct fastact_block:
        char bytes[8192]
    int own_num_threads

cdef extern from "threads.h":
    int FASTACT_OPENMP
    int threads_max() nogil
    int threads_limit() nogil
    bint threads_nested() nogil
    bint threads_forked() nogil
    void threads_mark_forked() nogil
    int threads_watch_forks() nogil

cdef extern from "fpmode.h":
    ctypedef struct fpmode:
        pass
    fpmode fpmode_enter() nogil
    void fpmode_leave(fpmode was) nogil

cdef enum:
    MAX_AXES = 64 + 2  # NumPy's, and what makes up three
    BLOCK = 8192  # bytes of a fastact_block
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
    # For both inputs (the same where there is one) and the output:
    char *data[3]
    bint contiguous[3]  # elements stand side by side, and the kernel can take them where they stand
    bint narrow[3]  # float32, in a computation of float64
    bint side_by_side  # whole rows do, each across memory, and there is a kernel for that
    Py_ssize_t item  # bytes of an element computed with
    # A box.  Columns are the elements of a run, or of a row; steps are in bytes.
    Py_ssize_t planes, rows, columns
    Py_ssize_t plane_step[3]
    Py_ssize_t row_step[3]
    Py_ssize_t step[3]
    # The axes around it.
    int outer
    Py_ssize_t shape[MAX_AXES]
    Py_ssize_t strides[3][MAX_AXES]
    # Rows that must be copied for their kernel: how many at once, and where to if a block is too small for them.
    Py_ssize_t rows_at_once
    char *heap
    Py_ssize_t heap_share  # bytes a thread


cdef inline Py_ssize_t magnitude(Py_ssize_t step) noexcept nogil:
    return -step if step < 0 else step


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef void lay_out(Plan *plan, Array *a, Array *b, Array *out, int axis) noexcept:
    """Axes sorted by the steps of `out`, turned so that these ascend, and merged; that of the rows comes last."""
    cdef int d, k, at, axes = 2
    cdef Py_ssize_t extent
    cdef Array *operands[3]
    operands[0], operands[1], operands[2] = a, b, out
    plan.item = PyArray_ITEMSIZE(out)
    for k in range(3):
        plan.data[k] = PyArray_BYTES(operands[k])
        plan.narrow[k] = PyArray_ITEMSIZE(operands[k]) != plan.item
        plan.strides[k][0] = plan.strides[k][1] = 0
    plan.shape[0] = plan.shape[1] = 1

    for d in range(PyArray_NDIM(out)):
        extent = PyArray_DIM(out, d)
        if extent == 1 or d == axis:
            continue
        at = axes
        while at > 2 and plan.strides[2][at - 1] < magnitude(PyArray_STRIDE(out, d)):
            plan.shape[at] = plan.shape[at - 1]
            for k in range(3):
                plan.strides[k][at] = plan.strides[k][at - 1]
            at -= 1
        plan.shape[at] = extent
        for k in range(3):
            plan.strides[k][at] = PyArray_STRIDE(operands[k], d)
            if PyArray_STRIDE(out, d) < 0:
                plan.data[k] += (extent - 1) * plan.strides[k][at]
                plan.strides[k][at] = -plan.strides[k][at]
        axes += 1

    at = 2
    for d in range(3, axes):
        extent = plan.shape[d]
        if (plan.strides[0][at] == extent * plan.strides[0][d] and plan.strides[1][at] == extent * plan.strides[1][d]
                and plan.strides[2][at] == extent * plan.strides[2][d]):
            plan.shape[at] *= extent
        else:
            at += 1
            plan.shape[at] = extent
        for k in range(3):
            plan.strides[k][at] = plan.strides[k][d]
    if axes > 2:
        axes = at + 1
    if axis >= 0 or axes == 2:
        plan.shape[axes] = PyArray_DIM(out, axis) if axis >= 0 and PyArray_NDIM(out) else 1
        for k in range(3):
            plan.strides[k][axes] = PyArray_STRIDE(operands[k], axis) if plan.shape[axes] > 1 else plan.item
        axes += 1

    # Threads share a box: the longest of the axes around it is to be in it.
    at = axes - 3
    for d in range(at):
        if plan.shape[d] > plan.shape[at]:
            plan.shape[d], plan.shape[at] = plan.shape[at], plan.shape[d]
            for k in range(3):
                plan.strides[k][d], plan.strides[k][at] = plan.strides[k][at], plan.strides[k][d]
    plan.outer = at
    plan.planes, plan.rows, plan.columns = plan.shape[at], plan.shape[at + 1], plan.shape[at + 2]
    for k in range(3):
        plan.plane_step[k] = plan.strides[k][at]
        plan.row_step[k] = plan.strides[k][at + 1]
        plan.step[k] = plan.strides[k][at + 2]
        plan.contiguous[k] = plan.step[k] == plan.item and not plan.narrow[k]
    plan.side_by_side = plan.kernel.columns != NULL and plan.columns > 1
    for k in range(3):
        plan.side_by_side &= plan.row_step[k] == plan.item and not plan.narrow[k]


cdef int reserve_rows(Plan *plan, int threads) except -1:
    """Where rows go that must be copied, and how many at once."""
    cdef Py_ssize_t row = plan.columns * plan.item
    plan.heap = NULL
    plan.rows_at_once = BLOCK // row
    if plan.kernel.form <= BINARY or plan.side_by_side or (
            plan.contiguous[0] and plan.contiguous[1] and plan.contiguous[2]):
        return 0
    if plan.rows_at_once < LINE:
        plan.rows_at_once = max(1, min(<Py_ssize_t> LINE, <Py_ssize_t> HEAP // row))
        plan.heap_share = 2 * plan.rows_at_once * row
        plan.heap = <char *> malloc(threads * plan.heap_share)
        if plan.heap == NULL:
            raise MemoryError
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
        const Plan *plan, const char *block, char *out, Py_ssize_t rows, Py_ssize_t columns, bint turned
) noexcept nogil:
    """Copies a block to its place in the output, the way `fetch` came."""
    cdef Py_ssize_t i, j, row_step = plan.row_step[2], step = plan.step[2], piece = pieces(columns, row_step, step)
    cdef fastact_scatter copy = plan.kernel.table.scatter
    if turned:
        piece = rows
        rows, columns, row_step, step = columns, rows, step, row_step
    for j from 0 <= j < columns by piece:
        for i in range(rows):
            copy(block + (i * columns + j) * plan.item,
                 out + i * row_step + j * step, step, min(piece, columns - j))


cdef inline void call_elements(
        const Plan *plan, const char *a, const char *b, char *out, Py_ssize_t n) noexcept nogil:
    if plan.kernel.form == UNARY:
        (<fastact_unary> plan.kernel.function)(a, out, n, plan.parameters)
    else:
        (<fastact_binary> plan.kernel.function)(a, b, out, n, plan.parameters)


cdef void compute_elements(
        const Plan *plan, const char *a, const char *b, char *out, Py_ssize_t rows, Py_ssize_t columns) noexcept nogil:
    """An elementwise kernel, by pieces: of one row where rows are long, else of as many rows as a block holds."""
    cdef fastact_block block_a, block_b
    cdef Py_ssize_t room = BLOCK // plan.item, height = 1, width = columns, row, column, m, n
    cdef bint turned = False, across = False
    cdef const char *from_a
    cdef const char *from_b
    cdef char *to
    cdef int k
    for k in range(3):
        across |= magnitude(plan.row_step[k]) < magnitude(plan.step[k])
    if rows > 1 and columns < SHORT_ROW:
        height = room // columns
        turned = min(height, rows) > columns
    elif rows > 1 and across:
        height, width = room // SHORT_ROW, SHORT_ROW
    elif not (plan.contiguous[0] and plan.contiguous[1] and plan.contiguous[2]):
        width = room

    for row from 0 <= row < rows by height:
        m = min(height, rows - row)
        for column from 0 <= column < columns by width:
            n = min(width, columns - column)
            from_a = a + row * plan.row_step[0] + column * plan.step[0]
            from_b = b + row * plan.row_step[1] + column * plan.step[1]
            to = out + row * plan.row_step[2] + column * plan.step[2]
            if height > 1 or not plan.contiguous[0]:
                from_a = fetch(plan, 0, from_a, m, n, turned, block_a.bytes)
            if plan.kernel.form == BINARY and (height > 1 or not plan.contiguous[1]):
                from_b = fetch(plan, 1, from_b, m, n, turned, block_b.bytes)
            if height > 1 or not plan.contiguous[2]:
                call_elements(plan, from_a, from_b, block_a.bytes, m * n)
                put(plan, block_a.bytes, to, m, n, turned)
            else:
                call_elements(plan, from_a, from_b, to, n)


cdef void compute_rows(
        const Plan *plan, const char *a, const char *b, char *out, Py_ssize_t rows, Py_ssize_t n, int thread
) noexcept nogil:
    """A rowwise kernel, on all rows at once where they stand, else on as many as there is room for."""
    cdef fastact_block block_a, block_b
    cdef char *room_a = block_a.bytes
    cdef char *room_b = block_b.bytes
    cdef Py_ssize_t height = rows, row, m, copied = n * plan.item, step_a, step_b, step_out
    cdef const char *from_a
    cdef const char *from_b
    cdef char *to
    if plan.side_by_side:
        if plan.kernel.form == ROWS_BACKWARD:
            (<fastact_rows_backward> plan.kernel.columns)(a, plan.step[0], b, plan.step[1], out, plan.step[2], rows, n)
        else:
            (<fastact_rows> plan.kernel.columns)(a, plan.step[0], out, plan.step[2], rows, n)
        return
    if not (plan.contiguous[0] and plan.contiguous[1] and plan.contiguous[2]):
        height = plan.rows_at_once
    if plan.heap != NULL:
        room_a = plan.heap + thread * plan.heap_share
        room_b = room_a + plan.heap_share // 2

    for row from 0 <= row < rows by height:
        m = min(height, rows - row)
        step_a, step_b, step_out = plan.row_step[0], plan.row_step[1], plan.row_step[2]
        from_a, from_b, to = a + row * step_a, b + row * step_b, out + row * step_out
        if not plan.contiguous[0]:
            from_a, step_a = fetch(plan, 0, from_a, m, n, False, room_a), copied
        if plan.kernel.form == ROWS_BACKWARD and not plan.contiguous[1]:
            from_b, step_b = fetch(plan, 1, from_b, m, n, False, room_b), copied
        if not plan.contiguous[2]:
            to, step_out = room_a, copied
        if plan.kernel.form == ROWS_BACKWARD:
            (<fastact_rows_backward> plan.kernel.function)(from_a, step_a, from_b, step_b, to, step_out, m, n)
        else:
            (<fastact_rows> plan.kernel.function)(from_a, step_a, to, step_out, m, n)
        if not plan.contiguous[2]:
            put(plan, room_a, out + row * plan.row_step[2], m, n, False)


cdef void compute_chunk(
        const Plan *plan, const char *a, const char *b, char *out, Py_ssize_t rows, Py_ssize_t columns, int thread
) noexcept nogil:
    """Rows and columns, on a thread that may be in any floating-point mode."""
    cdef fpmode was = fpmode_enter()
    if plan.kernel.form <= BINARY:
        compute_elements(plan, a, b, out, rows, columns)
    else:
        compute_rows(plan, a, b, out, rows, columns, thread)
    fpmode_leave(was)


# ---------------------------------------------------------------------------------------------------------------
# Computing boxes
# ---------------------------------------------------------------------------------------------------------------

ctypedef fused real:
    float
    double

ctypedef fused other:
    float
    double

ctypedef fused result:
    float
    double


cdef int share_typed_box(
        const Plan *plan, const real[:, :, :] a, const other[:, :, :] b, result[:, :, :] out, int threads) except -1:
    """A box, shared out in tiles; every thread gets as many, and neighbours."""
    cdef Py_ssize_t planes = out.shape[0], rows = out.shape[1], columns = out.shape[2], total = planes * rows * columns
    cdef Py_ssize_t turns = threads * ceil_div(total, threads * <Py_ssize_t> TILE), tile = ceil_div(total, turns)
    cdef Py_ssize_t width = columns, height, tiles_down, tiles_across, i, p, r, c
    if plan.kernel.form <= BINARY:
        width = min(columns, LINE * ceil_div(tile, LINE))
    height = ceil_div(tile, width)
    if magnitude(plan.row_step[2]) < magnitude(plan.step[2]):  # rows side by side share cache lines
        height = LINE * ceil_div(height, LINE)
    height = min(rows, height)
    tiles_down, tiles_across = ceil_div(rows, height), ceil_div(columns, width)
    for i in prange(planes * tiles_down * tiles_across, nogil=True, schedule="static", num_threads=threads):
        p = i // (tiles_down * tiles_across)
        r = i // tiles_across % tiles_down * height
        c = i % tiles_across * width
        compute_chunk(plan, <const char *> &a[p, r, c], <const char *> &b[p, r, c], <char *> &out[p, r, c],
                      min(height, rows - r), min(width, columns - c), threadid())
    return 0


cdef int share_box(Plan *plan, int threads) except -1:
    a, b, out = view_box(plan, 0), view_box(plan, 1), view_box(plan, 2)
    if plan.item == sizeof(float):
        return share_typed_box[float, float, float](plan, a, b, out, threads)
    if not plan.narrow[0] and not plan.narrow[1]:
        return share_typed_box[double, double, double](plan, a, b, out, threads)
    if plan.narrow[0]:
        return share_typed_box[float, double, double](plan, a, b, out, threads)
    return share_typed_box[double, float, double](plan, a, b, out, threads)


cdef view_box(Plan *plan, int k):
    cdef cnp.npy_intp[3] shape = [plan.planes, plan.rows, plan.columns]
    cdef cnp.npy_intp[3] strides = [plan.plane_step[k], plan.row_step[k], plan.step[k]]
    cdef cnp.dtype descr = float32 if plan.item == sizeof(float) or plan.narrow[k] else float64
    Py_INCREF(descr)
    return PyArray_NewFromDescr(
        cnp.ndarray, descr, 3, shape, strides, plan.data[k], cnp.NPY_ARRAY_WRITEABLE if k == 2 else 0, NULL)


cdef void compute_box(const Plan *plan) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(plan.planes):
        compute_chunk(plan, plan.data[0] + i * plan.plane_step[0], plan.data[1] + i * plan.plane_step[1],
                      plan.data[2] + i * plan.plane_step[2], plan.rows, plan.columns, 0)


cdef bint next_box(Plan *plan, Py_ssize_t *index) noexcept nogil:
    """To the next place of the axes around; False when all were visited."""
    cdef int d, k
    for d in range(plan.outer - 1, -1, -1):
        index[d] += 1
        for k in range(3):
            plan.data[k] += plan.strides[k][d]
        if index[d] < plan.shape[d]:
            return True
        index[d] = 0
        for k in range(3):
            plan.data[k] -= plan.shape[d] * plan.strides[k][d]
    return False


cdef void compute_boxes(Plan *plan, Py_ssize_t *index) noexcept nogil:
    compute_box(plan)
    while next_box(plan, index):
        compute_box(plan)


cdef int compute(
        const Kernel *kernel, const double *parameters, Array *a, Array *b, Array *out, int axis) except -1:
    """Runs a kernel over arrays of one shape; b is a where there is one input."""
    cdef Plan plan
    cdef Py_ssize_t index[MAX_AXES]
    cdef int64_t work = kernel.cost * PyArray_SIZE(out)
    cdef int threads
    if work == 0:
        return 0
    first = apart(a, out)
    second = first if b == a else apart(b, out)
    plan.kernel, plan.parameters = kernel, parameters
    lay_out(&plan, <Array *> first, <Array *> second, out, axis)
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
# Overlap
# ---------------------------------------------------------------------------------------------------------------

cdef object apart(Array *x, Array *out):
    """x, or a copy of it where writing to `out` would change what is still to be read."""
    cdef uintptr_t x_low, x_high, out_low, out_high
    bounds(x, &x_low, &x_high)
    bounds(out, &out_low, &out_high)
    if (x_low >= out_high or out_low >= x_high or same_view(x, out)
            or not arguments.share_memory(<object> x, <object> out)):
        return <object> x
    return PyArray_NewCopy(x, cnp.NPY_KEEPORDER)


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
