# Running a kernel over a plan: boxes cut into tiles, shared out over threads; operands that the kernel cannot take
# where they are, loaded to a block and stored from it.  What comes in is known to be good, and no function is known by
# name.
#
# A box is computed by the calling thread, over raw pointers, or shared out in tiles by a parallel loop, over typed
# memoryviews, of the first byte of each element, whatever its type.  These are made before anything is written, as that
# can fail.

cimport numpy as cnp
from cpython.ref cimport Py_INCREF
from cython.parallel cimport prange, threadid
from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from fastact.core.arrays cimport PyArray_NewFromDescr
from fastact.core.fpmode cimport fpmode, fpmode_enter, fpmode_leave
from fastact.core.kernels cimport (
    computed_storage,
    fastact_args,
    fastact_load,
    fastact_store,
)
from fastact.core.operands cimport MAX_OPERANDS, Call
from fastact.core.plan cimport (
    ELEMENTS,
    LINE,
    MAX_AXES,
    REPEATED,
    SINGLE,
    Kernel,
    Plan,
    ceil_div,
    lay_out,
    magnitude,
    next_box,
    start,
)
from fastact.core.threads cimport note_end, team

import numpy as np

cnp.import_array()

cdef enum:
    SHORT_ROW = 64  # elements; rows below it are loaded, several for one call of the kernel
    HEAP = 1 << 20  # bytes that a thread asks for at most, unless one row is more

cdef cnp.dtype uint8 = np.dtype(np.uint8)


# ---------------------------------------------------------------------------------------------------------------
# Loading and storing
# ---------------------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t pieces(
        Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t row_step, Py_ssize_t step) noexcept nogil:
    """Rows that lie across memory share cache lines with their neighbours: short pieces still find them."""
    return columns if rows == 1 or magnitude(row_step) >= magnitude(step) else LINE


cdef char *load(
        const Plan *plan, int k, const char *source, Py_ssize_t rows, Py_ssize_t columns, bint transposed, char *block
) noexcept nogil:
    """Copies some of an operand to the block, in the compute type: row by row, or column by column if transposed."""
    cdef Py_ssize_t i, j, row_step = plan.row_step[k], step = plan.step[k]
    cdef Py_ssize_t piece = pieces(rows, columns, row_step, step)
    cdef fastact_load copy = plan.kernel.table.load[plan.storage[k]]
    if transposed:
        piece = rows
        rows, columns, row_step, step = columns, rows, step, row_step
    elif row_step == columns * step:  # one run
        rows, columns = 1, rows * columns
        piece = columns
    for j from 0 <= j < columns by piece:
        for i in range(rows):
            copy(source + i * row_step + j * step, step,
                 block + (i * columns + j) * plan.item, min(piece, columns - j))
    return block


cdef void store(
        const Plan *plan, int k, const char *block, char *out, Py_ssize_t rows, Py_ssize_t columns, bint transposed
) noexcept nogil:
    """Copies a block to its place in an output, the way `load` came."""
    cdef Py_ssize_t i, j, row_step = plan.row_step[k], step = plan.step[k]
    cdef Py_ssize_t piece = pieces(rows, columns, row_step, step)
    cdef fastact_store copy = plan.kernel.table.store[plan.storage[k]]
    if transposed:
        piece = rows
        rows, columns, row_step, step = columns, rows, step, row_step
    elif row_step == columns * step:  # one run
        rows, columns = 1, rows * columns
        piece = columns
    for j from 0 <= j < columns by piece:
        for i in range(rows):
            copy(block + (i * columns + j) * plan.item,
                 out + i * row_step + j * step, step, min(piece, columns - j))


# ---------------------------------------------------------------------------------------------------------------
# Computing tiles, on one thread
# ---------------------------------------------------------------------------------------------------------------

# How a tile of elements is cut: pieces of one row where rows are long, else of as many rows as a block holds.
cdef struct Cut:
    Py_ssize_t height, width
    bint transposed  # pieces are copied column by column
    bint direct[MAX_OPERANDS]  # is computed where it is


cdef inline bint is_vector(const Plan *plan, int k) noexcept nogil:
    """Whether an input is the same for all rows."""
    return plan.row_step[k] == 0 and k > 0 and not plan.kernel.output[k]


cdef inline bint is_joined(const Plan *plan, int k, Py_ssize_t columns) noexcept nogil:
    """Whether rows follow each other, so that several are one run."""
    return plan.contiguous[k] and (
        plan.row_step[k] == columns * plan.step[k] or plan.kernel.form[k] == REPEATED and plan.step[k] == 0
        and plan.row_step[k] == 0)


cdef Cut cut_elements(const Plan *plan, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t room) noexcept nogil:
    cdef Cut cut
    cdef bint across = False, joined = True, runs = True, has_vector = False, one_row
    cdef int k
    if rows == 1:
        cut.height, cut.width, cut.transposed = 1, room, False
        for k in range(plan.operands):
            cut.direct[k] = plan.contiguous[k]
        return cut
    for k in range(plan.operands):
        if plan.data[k] == NULL:
            continue
        cut.direct[k] = is_joined(plan, k, columns)
        if is_vector(plan, k):
            has_vector = has_vector or not cut.direct[k]
        else:
            joined = joined and cut.direct[k]
            runs = runs and plan.row_step[k] == columns * plan.step[k]
            across = across or magnitude(plan.row_step[k]) < magnitude(plan.step[k])
    cut.height, cut.width, cut.transposed = 1, columns, False
    if joined and not has_vector:
        cut.height = rows
    elif columns < SHORT_ROW:
        cut.height = room // columns
        cut.transposed = not runs and min(cut.height, rows) > columns
    elif runs and 2 * columns <= room:
        cut.height = room // columns  # only vectors keep rows from being one, and need be copied but once
    elif across:
        cut.height, cut.width = room // SHORT_ROW, SHORT_ROW
    elif not plan.direct:
        cut.width = room
    one_row = cut.height == 1
    for k in range(plan.operands):
        if plan.data[k] != NULL:
            cut.direct[k] = plan.contiguous[k] if one_row else cut.direct[k] and joined
    return cut


cdef void compute_elements(
        const Plan *plan, char **at, Py_ssize_t rows, Py_ssize_t columns, char *room) noexcept nogil:
    """An elementwise kernel, by pieces."""
    cdef fastact_args args
    cdef Py_ssize_t row, column, m, n, share, filled = 0
    cdef Py_ssize_t steps[MAX_OPERANDS]
    cdef char *pointers[MAX_OPERANDS]
    cdef char *blocks[MAX_OPERANDS]
    cdef bint loaded_once[MAX_OPERANDS]
    cdef Cut cut
    cdef int k, inputs = 0, outputs = 0
    args.parameters, args.steps, args.storage = plan.parameters, steps, plan.stored
    if plan.direct and (rows == 1 or columns >= SHORT_ROW):
        for k in range(plan.operands):
            steps[k] = plan.step[k]
        plan.kernel.run(&args, at, plan.row_step, rows, columns)
        return
    args.storage = computed_storage(plan.item)
    for k in range(plan.operands):
        inputs += plan.data[k] != NULL and not plan.kernel.output[k]
    share = BLOCK if inputs <= 2 else <Py_ssize_t> 2 * BLOCK // inputs // 64 * 64
    cut = cut_elements(
        plan, rows, columns, share // sizeof(float) if plan.item == sizeof(float) else share // sizeof(double))
    inputs = 0
    for k in range(plan.operands):
        pointers[k], loaded_once[k] = NULL, False
        if plan.data[k] == NULL:
            continue
        steps[k] = plan.step[k] if cut.direct[k] else plan.item
        if plan.kernel.output[k]:  # over an input's block
            blocks[k] = room + outputs * share
            outputs += 1
        else:
            blocks[k] = room + inputs * share
            inputs += 1
            # What is the same for all rows is copied once; blocks of the first two may be written to.
            loaded_once[k] = inputs > 2 and is_vector(plan, k) and cut.width == columns
    if outputs == 1:
        for k in range(1, plan.operands):
            loaded_once[k] = plan.data[k] != NULL and is_vector(plan, k) and cut.width == columns

    for row from 0 <= row < rows by cut.height:
        m = min(cut.height, rows - row)
        for column from 0 <= column < columns by cut.width:
            n = min(cut.width, columns - column)
            for k in range(plan.operands):
                if plan.data[k] == NULL:
                    continue
                pointers[k] = at[k] + row * plan.row_step[k] + column * plan.step[k]
                if cut.direct[k]:
                    continue
                if plan.kernel.output[k] or loaded_once[k] and filled == m:
                    pointers[k] = blocks[k]
                else:
                    pointers[k] = load(plan, k, pointers[k], m, n, cut.transposed, blocks[k])
            filled = m
            plan.kernel.run(&args, pointers, plan.row_step, 1, m * n)
            for k in range(plan.operands):
                if plan.data[k] != NULL and plan.kernel.output[k] and not cut.direct[k]:
                    store(plan, k, blocks[k], at[k] + row * plan.row_step[k] + column * plan.step[k], m, n,
                          cut.transposed)


cdef void compute_rows(
        const Plan *plan, char **at, Py_ssize_t rows, Py_ssize_t n, char *room, Py_ssize_t share) noexcept nogil:
    """A rowwise kernel, on all rows at once where they are, else on as many as there is room for."""
    cdef fastact_args args
    cdef Py_ssize_t height = rows, row, m
    cdef Py_ssize_t steps[MAX_OPERANDS]
    cdef Py_ssize_t row_steps[MAX_OPERANDS]
    cdef char *pointers[MAX_OPERANDS]
    cdef char *blocks[MAX_OPERANDS]
    cdef char singles[16 * 8]
    cdef int k, inputs = 0, source
    args.parameters = plan.parameters
    args.steps = &plan.step[0]
    if plan.side_by_side:
        plan.kernel.columns(&args, at, plan.row_step, rows, n)
        return
    if plan.direct:
        plan.kernel.run(&args, at, plan.row_step, rows, n)
        return
    args.steps = steps
    height = plan.rows_at_once
    for k in range(plan.operands):
        steps[k], row_steps[k], blocks[k], pointers[k] = plan.step[k], plan.row_step[k], NULL, NULL
        if plan.data[k] == NULL:
            continue
        source = inputs
        if plan.kernel.form[k] == ELEMENTS and not plan.kernel.output[k]:
            inputs += 1
        if plan.contiguous[k]:
            continue
        steps[k], row_steps[k] = plan.item, n * plan.item
        if plan.kernel.form[k] == SINGLE:
            blocks[k], row_steps[k] = singles, plan.item
        elif plan.kernel.output[k]:  # over the first input's block
            blocks[k] = room
        else:
            blocks[k] = room + source * share
    for row from 0 <= row < rows by height:
        m = min(height, rows - row)
        for k in range(plan.operands):
            if plan.data[k] == NULL:
                continue
            pointers[k] = at[k] + row * plan.row_step[k]
            if blocks[k] == NULL:
                continue
            if not plan.kernel.output[k] and plan.kernel.form[k] == SINGLE:
                plan.kernel.table.load[plan.storage[k]](pointers[k], plan.row_step[k], blocks[k], m)
            elif not plan.kernel.output[k]:
                load(plan, k, pointers[k], m, n, False, blocks[k])
            pointers[k] = blocks[k]
        plan.kernel.run(&args, pointers, row_steps, m, n)
        for k in range(plan.operands):
            if plan.data[k] == NULL or blocks[k] == NULL or not plan.kernel.output[k]:
                continue
            if plan.kernel.form[k] == SINGLE:
                plan.kernel.table.store[plan.storage[k]](
                    blocks[k], at[k] + row * plan.row_step[k], plan.row_step[k], m)
            else:
                store(plan, k, blocks[k], at[k] + row * plan.row_step[k], m, n, False)


cdef void run_tile_of_sum(
        const Plan *plan, Py_ssize_t plane, Py_ssize_t row, Py_ssize_t column, Py_ssize_t rows, Py_ssize_t columns,
        char *scratch, char *room) noexcept nogil:
    """Rows and columns of a plan, elementwise; the operand that is the plan's scratch goes to the block given."""
    cdef char *at[MAX_OPERANDS]
    cdef int k
    for k in range(plan.operands):
        at[k] = NULL
        if plan.data[k] != NULL:
            at[k] = plan.data[k] + plane * plan.plane_step[k] + row * plan.row_step[k] + column * plan.step[k]
    if plan.scratch >= 0:
        at[plan.scratch] = scratch
    compute_elements(plan, at, rows, columns, room)


cdef void compute_elements_on_stack(
        const Plan *plan, char **at, Py_ssize_t rows, Py_ssize_t columns) noexcept nogil:
    """The same with a block of its own, which rows must not pay for: their kernels want much of a small stack."""
    cdef fastact_stack stack
    compute_elements(plan, at, rows, columns, stack.bytes)


cdef void run_tile(
        const Plan *plan, const char *first, char *out, Py_ssize_t plane, Py_ssize_t row, Py_ssize_t column,
        Py_ssize_t rows, Py_ssize_t columns, int thread) noexcept nogil:
    """Rows and columns from a place on, on a thread that may be in any floating-point mode.

    The first input and the output are at places; the other operands are found by the plan."""
    cdef fpmode was = fpmode_enter()
    cdef char *at[MAX_OPERANDS]
    cdef int k
    for k in range(plan.operands):
        at[k] = NULL
        if plan.data[k] != NULL:
            at[k] = plan.data[k] + plane * plan.plane_step[k] + row * plan.row_step[k] + column * plan.step[k]
    at[0], at[plan.out] = <char *> first, out
    if plan.kernel.rowwise:
        compute_rows(plan, at, rows, columns, plan.heap + thread * plan.heap_share, plan.heap_share // 2)
    else:
        compute_elements_on_stack(plan, at, rows, columns)
    fpmode_leave(was)


# ---------------------------------------------------------------------------------------------------------------
# Computing boxes
# ---------------------------------------------------------------------------------------------------------------

cdef void share_box(
        const Plan *plan, const uint8_t[:, :, :] first, uint8_t[:, :, :] out, Py_ssize_t first_at, Py_ssize_t out_at,
        int threads) noexcept nogil:
    """A box, shared out in tiles; every thread gets as many, and neighbours."""
    cdef Py_ssize_t planes = plan.planes, rows = plan.rows, columns = plan.columns, total = planes * rows * columns
    cdef Py_ssize_t turns = threads * ceil_div(total, threads * <Py_ssize_t> TILE), tile = ceil_div(total, turns)
    cdef Py_ssize_t width = columns, height, tiles_down, tiles_across, i, p, r, c
    if not plan.kernel.rowwise:
        width = min(columns, LINE * ceil_div(tile, LINE))
    height = ceil_div(tile, width)
    if magnitude(plan.row_step[plan.out]) < magnitude(plan.step[plan.out]):  # rows share cache lines
        height = LINE * ceil_div(height, LINE)
    height = min(rows, height)
    tiles_down, tiles_across = ceil_div(rows, height), ceil_div(columns, width)
    for i in prange(planes * tiles_down * tiles_across, schedule="static", num_threads=threads):
        p = i // (tiles_down * tiles_across)
        r = i // tiles_across % tiles_down * height
        c = i % tiles_across * width
        run_tile(plan, <const char *> &first[p, r, c] + first_at, <char *> &out[p, r, c] + out_at, p, r, c,
                 min(height, rows - r), min(width, columns - c), threadid())


cdef view_box(const Plan *plan, int k):
    cdef cnp.npy_intp[3] shape = [plan.planes, plan.rows, plan.columns]
    cdef cnp.npy_intp[3] strides = [plan.plane_step[k], plan.row_step[k], plan.step[k]]
    Py_INCREF(uint8)
    return PyArray_NewFromDescr(
        cnp.ndarray, uint8, 3, shape, strides, plan.data[k], cnp.NPY_ARRAY_WRITEABLE if k == plan.out else 0, NULL)


cdef void share_boxes(
        Plan *plan, Py_ssize_t *index, const uint8_t[:, :, :] first, uint8_t[:, :, :] out, int threads) noexcept nogil:
    cdef char *first_data = plan.data[0]
    cdef char *out_data = plan.data[plan.out]
    share_box(plan, first, out, 0, 0, threads)
    while next_box(plan, index):
        share_box(plan, first, out, plan.data[0] - first_data, plan.data[plan.out] - out_data, threads)


cdef int share(Plan *plan, Py_ssize_t *index, int threads) except -1:
    cdef const uint8_t[:, :, :] first = view_box(plan, 0)
    cdef uint8_t[:, :, :] out = view_box(plan, plan.out)
    with nogil:
        share_boxes(plan, index, first, out, threads)
    return 0


cdef void compute_boxes(Plan *plan, Py_ssize_t *index) noexcept nogil:
    cdef Py_ssize_t i
    cdef bint more = True
    while more:
        for i in range(plan.planes):
            run_tile(plan, plan.data[0] + i * plan.plane_step[0],
                     plan.data[plan.out] + i * plan.plane_step[plan.out], i, 0, 0, plan.rows, plan.columns, 0)
        more = next_box(plan, index)


cdef bint reserve_rows(Plan *plan, int threads) noexcept nogil:
    """Where rows go that must be copied, and how many at once; False if there is no memory for them."""
    cdef Py_ssize_t row
    if not plan.kernel.rowwise or plan.side_by_side or plan.direct:
        return True
    if plan.columns > (<Py_ssize_t> 1 << 62) // (2 * LINE * plan.item * threads):
        return False
    row = plan.columns * plan.item
    plan.rows_at_once = max(<Py_ssize_t> 1, max(BLOCK // row, min(<Py_ssize_t> LINE, <Py_ssize_t> HEAP // row)))
    if has_singles(plan):
        plan.rows_at_once = min(plan.rows_at_once, <Py_ssize_t> LINE)
    plan.heap_share = 2 * plan.rows_at_once * row
    plan.heap = <char *> malloc(threads * plan.heap_share)
    return plan.heap != NULL


cdef bint has_singles(const Plan *plan) noexcept nogil:
    """Whether a number a row must be converted."""
    cdef int k
    for k in range(plan.operands):
        if plan.data[k] != NULL and plan.kernel.form[k] == SINGLE and not plan.contiguous[k]:
            return True
    return False


cdef int64_t work_of(int64_t cost, int ndim, const Py_ssize_t *shape) noexcept:
    """Picoseconds on one thread; what is too much to count is the most there is."""
    cdef int64_t work = cost
    cdef int d
    for d in range(ndim):
        if shape[d] == 0:
            return 0
    for d in range(ndim):
        if work > (<int64_t> 1 << 62) // shape[d]:
            return <int64_t> 1 << 62
        work *= shape[d]
    return work


cdef int compute(const Kernel *kernel, const double *parameters, const Call *call) except -1:
    """Runs a kernel over the operands of a call, which do not touch."""
    cdef Plan *plan
    cdef Py_ssize_t index[MAX_AXES]
    cdef int threads
    cdef int64_t work = work_of(kernel.cost, call.ndim, call.shape)
    if work == 0:
        return 0
    plan = start(kernel, parameters, call)
    try:
        lay_out(plan, call)
        threads = team(work_of(kernel.cost, 3, [plan.planes, plan.rows, plan.columns]))
        if not reserve_rows(plan, threads):
            raise MemoryError("fastact has no memory for rows that must be copied")
        memset(index, 0, plan.outer * sizeof(Py_ssize_t))
        if threads > 1:
            share(plan, index, threads)
        elif work < RELEASE_ABOVE:
            compute_boxes(plan, index)
        else:
            with nogil:
                compute_boxes(plan, index)
    finally:
        free(plan.heap)
    note_end(work)
    return 0
