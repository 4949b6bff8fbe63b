# Sums over all elements that share a place along some axes.  What is added up has axes (before, channel, after) in the
# order of the shape, whatever the strides: runs along the last are added up by a kernel, and in their order to the sum
# of their channel and segment.  Segments, to be shared out over threads, are as many as the shape says.  So the bits
# depend on neither strides nor threads.

from cython.parallel cimport prange
from libc.stdlib cimport calloc, free

from fastact.core.arrays cimport Stretch, stretch_at
from fastact.core.execute cimport BLOCK, RELEASE_ABOVE, TILE, compute_elements, fastact_stack, run_tile_of_sum, work_of
from fastact.core.fpmode cimport fpmode, fpmode_enter, fpmode_leave
from fastact.core.kernels cimport FASTACT_FLOAT32, computed_storage, fastact_args
from fastact.core.operands cimport MAX_OPERANDS, Call
from fastact.core.plan cimport Plan, ceil_div, lay_out_groups, lay_out_pieces, magnitude
from fastact.core.threads cimport note_end, team

cdef enum:
    MOST_SEGMENTS = 64
    BEFORE = 0
    CHANNELS = 1
    AFTER = 2


cdef void group_axes(Sums *sums, const bint *kept) noexcept:
    """Axes that are kept are the channels; those before the first of them come before, all others after."""
    cdef int d, group
    cdef Py_ssize_t extents[3]
    cdef bint before = False
    extents[0] = extents[1] = extents[2] = 1
    for d in range(sums.ndim):
        before |= kept[d]
    for d in range(sums.ndim):
        before &= not kept[d]
        group = CHANNELS if kept[d] else BEFORE if before else AFTER
        sums.group[d] = group
        extents[group] *= sums.shape[d]
    if extents[AFTER] == 1:  # what comes before serves as well, and makes longer runs
        extents[BEFORE], extents[AFTER] = extents[AFTER], extents[BEFORE]
        for d in range(sums.ndim):
            sums.group[d] = AFTER if sums.group[d] == BEFORE else BEFORE if sums.group[d] == AFTER else CHANNELS
    sums.before, sums.channels, sums.after = extents[0], extents[1], extents[2]


cdef bint merge_group(const Sums *sums, int t, int group, Py_ssize_t *step) noexcept:
    """Whether a term lies along a group of axes by one step."""
    cdef Py_ssize_t extent = 1, stride
    cdef int d
    step[0] = 0
    for d in range(sums.ndim - 1, -1, -1):
        if sums.group[d] != group or sums.shape[d] == 1:
            continue
        stride = sums.terms[t].strides[d]
        if extent == 1:
            step[0] = stride
        elif stride != extent * step[0]:
            return False
        extent *= sums.shape[d]
    return True


cdef Term term_of(const Call *call, int k) noexcept:
    """An operand as a term; -1 is none."""
    cdef Term term
    term.data, term.storage, term.strides = NULL, FASTACT_FLOAT32, NULL
    if k >= 0 and call.operands[k].array != NULL:
        term.data, term.storage = call.operands[k].data, call.operands[k].storage
        term.strides = &call.operands[k].strides[0]
    return term


cdef int lay_out_sums(
        Sums *sums, const Summation *summation, int ndim, const Py_ssize_t *shape, const bint *kept, Term first,
        Term second, Plan *producer, const Call *call) except -1:
    """Lays out the sum of a term, or of the product of two, over all axes that are not kept; takes the memory for it.

    `producer`: an elementwise kernel over the operands of `call`, which makes the terms if it can, tile by tile."""
    cdef int t
    cdef Py_ssize_t parts, each
    sums.summation, sums.ndim, sums.shape, sums.producer = summation, ndim, shape, NULL
    sums.item = summation.table.compute_bits // 8
    sums.sums, sums.terms[0], sums.terms[1] = NULL, first, second
    group_axes(sums, kept)
    sums.walks = sums.piecewise = False
    for t in range(2):
        sums.contiguous[t] = True
        sums.before_step[t] = sums.row_step[t] = sums.step[t] = 0
        if sums.terms[t].data != NULL:
            sums.walks |= not (merge_group(sums, t, BEFORE, &sums.before_step[t])
                               and merge_group(sums, t, CHANNELS, &sums.row_step[t])
                               and merge_group(sums, t, AFTER, &sums.step[t]))
    t = 1 if sums.terms[1].data != NULL else 0
    sums.across = not sums.walks and summation.columns != NULL and sums.channels > 1 and (
        sums.after == 1 or magnitude(sums.row_step[t]) < magnitude(sums.step[t]))
    sums.direct = True
    for t in range(2):
        if sums.terms[t].data == NULL:
            continue
        if sums.across:
            sums.row_step[t], sums.step[t] = sums.step[t], sums.row_step[t]
        sums.contiguous[t] = not sums.walks and sums.step[t] == sums.item and (
            sums.terms[t].storage == computed_storage(sums.item))
        sums.direct &= sums.contiguous[t]
    sums.call = call
    if producer != NULL and not sums.walks and lay_out_groups(producer, call, sums.group, sums.across):
        sums.producer = producer
    elif producer != NULL and producer.scratch >= 0:  # nobody else makes the terms
        sums.producer, sums.piecewise = producer, True
        lay_out_pieces(producer, call)
    cut_segments(sums)
    sums.work = work_of(
        summation.cost + (0 if sums.producer == NULL else producer.kernel.cost), ndim, shape)
    sums.threads = team(sums.work)

    parts = max(<Py_ssize_t> 1, sums.segments_before * sums.segments_after)
    each = max(<Py_ssize_t> 1, sums.channels)
    if parts > ((<Py_ssize_t> 1 << 62) // 24) // each:
        raise MemoryError("fastact has no memory for sums")
    sums.sums = <double *> calloc(parts * each, 2 * sizeof(double) + sizeof(double))
    if sums.sums == NULL:
        raise MemoryError("fastact has no memory for sums")
    sums.errors = sums.sums + parts * each
    sums.totals = <char *> (sums.errors + parts * each)
    return 0


cdef void discard(Sums *sums) noexcept:
    free(sums.sums)
    sums.sums = NULL


cdef void cut_segments(Sums *sums) noexcept:
    """As many as are worth sharing out, but so few that their sums need little memory."""
    cdef const Summation *summation = sums.summation
    cdef Py_ssize_t length = summation.length, each = sums.before * sums.after, wanted
    if each == 0 or sums.channels == 0:
        sums.segments_before = sums.segments_after = 0
        sums.length_before = sums.length_after = 1
        return
    if summation.segment:
        sums.length_before, sums.segments_before = sums.before, 1
        sums.length_after = summation.segment
        sums.segments_after = ceil_div(sums.after, sums.length_after)
        return
    wanted = min(<Py_ssize_t> MOST_SEGMENTS, min(tiles_of(each, sums.channels), each // 64 + 1))
    sums.length_before = ceil_div(sums.before, min(sums.before, wanted))
    sums.segments_before = ceil_div(sums.before, sums.length_before)
    wanted = wanted // sums.segments_before if 4 * sums.segments_before < MOST_SEGMENTS else 1
    sums.length_after = length * ceil_div(ceil_div(sums.after, max(<Py_ssize_t> 1, wanted)), length)
    sums.segments_after = ceil_div(sums.after, sums.length_after)


cdef Py_ssize_t tiles_of(Py_ssize_t each, Py_ssize_t channels) noexcept:
    """How many tiles of work there are, where that is a number; many, if it is too large."""
    if each > (<Py_ssize_t> 1 << 62) // channels:
        return MOST_SEGMENTS
    return ceil_div(each * channels, TILE)


# ---------------------------------------------------------------------------------------------------------------
# Adding up, on one thread
# ---------------------------------------------------------------------------------------------------------------

cdef void add_segment(const Sums *sums, Py_ssize_t segment, Py_ssize_t first_channel) noexcept nogil:
    """One segment of some channels."""
    cdef fpmode was = fpmode_enter()
    cdef Py_ssize_t first_before = segment // sums.segments_after * sums.length_before
    cdef Py_ssize_t first_after = segment % sums.segments_after * sums.length_after
    cdef Py_ssize_t end_before = min(sums.before, first_before + sums.length_before)
    cdef Py_ssize_t end_after = min(sums.after, first_after + sums.length_after)
    cdef Py_ssize_t length = sums.summation.length, at_once = sums.summation.channels, b, c, a
    cdef Py_ssize_t end_channel = min(sums.channels, first_channel + at_once)
    if sums.walks:
        at_once = 1
    elif not sums.direct:
        at_once = max(<Py_ssize_t> 1, BLOCK // sums.item // length)
    elif not sums.across and end_after - first_after > length:
        at_once = 1  # as they lie in memory
    for b in range(first_before, end_before):
        for c from first_channel <= c < end_channel by at_once:
            for a from first_after <= a < end_after by length:
                add_runs(sums, segment, b, c, a, min(at_once, end_channel - c), min(length, end_after - a))
    fpmode_leave(was)


cdef void add_runs(
        const Sums *sums, Py_ssize_t segment, Py_ssize_t b, Py_ssize_t c, Py_ssize_t a, Py_ssize_t channels,
        Py_ssize_t n) noexcept nogil:
    """Runs of n elements from places on, one of each of some channels."""
    cdef fastact_stack stack
    cdef fastact_args args
    cdef char *operands[4]
    cdef Py_ssize_t row_steps[4]
    cdef Py_ssize_t steps[4]
    cdef char scratch[512 * 8]
    cdef Py_ssize_t row = c, column = a, rows = channels, columns = n, place = segment * sums.channels + c
    cdef int t
    if sums.across:
        row, column, rows, columns = a, c, n, channels
    if sums.piecewise:
        compute_pieces(sums, a, n, scratch, stack.bytes)
    elif sums.producer != NULL:
        run_tile_of_sum(sums.producer, b, row, column, rows, columns, scratch, stack.bytes)
    for t in range(2):
        operands[t], row_steps[t], steps[t] = scratch, 0, sums.item
        if sums.terms[t].data == NULL:
            continue
        if sums.walks:
            operands[t] = load_walking(sums, t, b, c, a, n, stack.bytes + t * BLOCK)
            continue
        operands[t] = sums.terms[t].data + b * sums.before_step[t] + row * sums.row_step[t] + column * sums.step[t]
        row_steps[t], steps[t] = sums.row_step[t], sums.step[t]
        if not sums.contiguous[t]:
            operands[t] = load_rows(sums, t, operands[t], rows, columns, stack.bytes + t * BLOCK)
            row_steps[t], steps[t] = columns * sums.item, sums.item
    operands[2], operands[3] = <char *> (sums.sums + place), <char *> (sums.errors + place)
    row_steps[2] = row_steps[3] = steps[2] = steps[3] = sizeof(double)
    args.parameters, args.steps = NULL, steps
    if sums.across:
        steps[0], steps[1] = row_steps[0], row_steps[1]
        sums.summation.columns(&args, operands, row_steps, channels, n)
    else:
        sums.summation.run(&args, operands, row_steps, channels, n)


cdef void compute_pieces(const Sums *sums, Py_ssize_t a, Py_ssize_t n, char *scratch, char *room) noexcept nogil:
    """A run in the order of the shape, by pieces of the last axis: axes of some operand are not one."""
    cdef const Call *call = sums.call
    cdef const Plan *plan = sums.producer
    cdef char *at[MAX_OPERANDS]
    cdef Py_ssize_t done = 0, count
    cdef Stretch piece
    cdef int k
    while done < n:
        count = n - done
        for k in range(plan.operands):
            at[k] = plan.data[k]
            if at[k] != NULL and k != plan.scratch:
                piece = stretch_at(a + done, call.ndim, call.shape, call.operands[k].strides, NULL, False)
                at[k] += piece.place
                count = min(count, piece.count)
        at[plan.scratch] = scratch + done * sums.item
        compute_elements(plan, at, 1, count, room)
        done += count


cdef char *load_rows(
        const Sums *sums, int t, const char *source, Py_ssize_t rows, Py_ssize_t columns, char *block) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(rows):
        sums.summation.table.load[sums.terms[t].storage](
            source + i * sums.row_step[t], sums.step[t], block + i * columns * sums.item, columns)
    return block


cdef char *load_walking(
        const Sums *sums, int t, Py_ssize_t b, Py_ssize_t c, Py_ssize_t a, Py_ssize_t n, char *block) noexcept nogil:
    """A run along axes that are not one."""
    cdef Py_ssize_t done = 0, count
    cdef Stretch at
    cdef const char *base = sums.terms[t].data + stretch_of(sums, t, BEFORE, b).place + stretch_of(
        sums, t, CHANNELS, c).place
    while done < n:
        at = stretch_of(sums, t, AFTER, a + done)
        count = min(n - done, at.count)
        sums.summation.table.load[sums.terms[t].storage](
            base + at.place, at.step, block + done * sums.item, count)
        done += count
    return block


cdef Stretch stretch_of(const Sums *sums, int t, int group, Py_ssize_t index) noexcept nogil:
    return stretch_at(index, sums.ndim, sums.shape, sums.terms[t].strides, sums.group, group)


cdef char *fetch_run(const Sums *sums, int t, Py_ssize_t at, Py_ssize_t n, char *block) noexcept nogil:
    """A run of what comes after, where there is but one channel: as it is, or loaded to the block."""
    if sums.walks:
        return load_walking(sums, t, 0, 0, at, n, block)
    if sums.contiguous[t]:
        return sums.terms[t].data + at * sums.step[t]
    sums.summation.table.load[sums.terms[t].storage](sums.terms[t].data + at * sums.step[t], sums.step[t], block, n)
    return block


# ---------------------------------------------------------------------------------------------------------------
# All segments
# ---------------------------------------------------------------------------------------------------------------

cdef void add_segments(const Sums *sums, int threads) noexcept nogil:
    cdef Py_ssize_t width = sums.summation.channels, blocks = ceil_div(sums.channels, width), i
    cdef Py_ssize_t total = sums.segments_before * sums.segments_after * blocks
    if threads == 1:
        for i in range(total):
            add_segment(sums, i // blocks, i % blocks * width)
    else:
        for i in prange(total, schedule="static", num_threads=threads):
            add_segment(sums, i // blocks, i % blocks * width)


cdef void add_all(const Sums *sums):
    """The sums of all segments and channels."""
    if sums.work < RELEASE_ABOVE:
        add_segments(sums, 1)
    else:
        with nogil:
            add_segments(sums, sums.threads)
    note_end(sums.work)


cdef void add_up(const Sums *sums, const void *divisors):
    """The totals; divided by what has one for each channel, if there is such."""
    add_all(sums)
    cdef fpmode was = fpmode_enter()
    sums.summation.table.finish(
        sums.sums, sums.errors, sums.segments_before * sums.segments_after, sums.channels, divisors, sums.totals)
    fpmode_leave(was)
