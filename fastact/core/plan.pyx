# Planning: the axes of a call sorted, merged, and cut into boxes of planes, rows and columns that kernels run over.
# What comes in is known to be good; nothing is checked or allocated here.

from fastact.core.kernels cimport (
    FASTACT_BFLOAT16, FASTACT_BOOL, FASTACT_FLOAT16, FASTACT_INT64, computed_storage,
)
from fastact.core.operands cimport Call


cdef enum:
    HALF = 2  # bytes


cdef Plan *start(const Kernel *kernel, const double *parameters, const Call *call) noexcept:
    """The operands, and by which of them the axes are sorted: an output of the shape of the call, else the first.

    In the room that the call has for one."""
    cdef int k
    cdef Plan *plan = <Plan *> call.plan
    plan.kernel, plan.parameters, plan.operands = kernel, parameters, kernel.operands
    plan.item = kernel.table.compute_bits // 8 if kernel.table != NULL else 0
    plan.heap, plan.scratch, plan.out = NULL, -1, -1
    for k in range(plan.operands):
        plan.data[k], plan.storage[k] = NULL, FASTACT_BOOL
        if call.operands[k].array == NULL:
            continue
        plan.data[k], plan.storage[k] = call.operands[k].data, call.operands[k].storage
        if kernel.output[k] and (plan.out < 0 or kernel.form[k] == ELEMENTS and kernel.form[plan.out] != ELEMENTS):
            plan.out = k
    return plan


cdef char nowhere[8]


cdef void use_scratch(Plan *plan, int k) noexcept:
    """Whoever computes a tile says where this operand goes."""
    plan.scratch, plan.data[k] = k, nowhere
    plan.storage[k] = computed_storage(plan.item)


cdef inline Py_ssize_t stride_of(const Plan *plan, const Call *call, int k, int d) noexcept:
    return call.operands[k].strides[d] if plan.data[k] != NULL else 0


cdef void lay_out(Plan *plan, const Call *call) noexcept:
    """Axes sorted by their steps in memory, turned so that these ascend, and merged; that of the rows comes last."""
    cdef int d, k, at, axes = 2, by = plan.out, axis = call.axis if plan.kernel.rowwise else -1
    cdef Py_ssize_t extent, step
    cdef bint merge, sorts = not plan.kernel.in_order
    if plan.kernel.form[by] != ELEMENTS:  # a reduction: its input is what there is most of
        by = 0 if plan.kernel.form[0] == ELEMENTS else 1
    for k in range(plan.operands):
        plan.strides[k][0] = plan.strides[k][1] = 0
    plan.shape[0] = plan.shape[1] = 1

    for d in range(call.ndim):
        extent = call.shape[d]
        if extent == 1 or d == axis:
            continue
        step = call.operands[by].strides[d]
        at = axes
        while sorts and at > 2 and plan.strides[by][at - 1] < magnitude(step):
            plan.shape[at] = plan.shape[at - 1]
            for k in range(plan.operands):
                plan.strides[k][at] = plan.strides[k][at - 1]
            at -= 1
        plan.shape[at] = extent
        for k in range(plan.operands):
            plan.strides[k][at] = stride_of(plan, call, k, d)
            if sorts and step < 0 and plan.data[k] != NULL:
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
        plan.shape[axes] = call.shape[axis] if axis >= 0 else 1
        for k in range(plan.operands):
            plan.strides[k][axes] = stride_of(plan, call, k, axis) if plan.shape[axes] > 1 else plan.item
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


cdef bint lay_out_groups(Plan *plan, const Call *call, const int *group, bint across) noexcept:
    """The axes of three groups as planes, rows and columns (as planes, columns and rows, if across), where every
    operand lies along each group by one step.  `group` has that of every axis."""
    cdef Py_ssize_t extents[3]
    cdef Py_ssize_t steps[3]
    cdef Py_ssize_t extent, stride
    cdef int k, d, g
    for k in range(plan.operands):
        if k == plan.scratch:
            plan.plane_step[k] = plan.row_step[k] = 0
            plan.step[k] = plan.item
            continue
        extents[0] = extents[1] = extents[2] = 1
        steps[0] = steps[1] = steps[2] = 0
        for d in range(call.ndim - 1, -1, -1):
            g, extent = group[d], call.shape[d]
            stride = stride_of(plan, call, k, d)
            if extent == 1:
                continue
            if extents[g] == 1:
                steps[g] = stride
            elif plan.data[k] != NULL and stride != extents[g] * steps[g]:
                return False
            extents[g] *= extent
        plan.plane_step[k] = steps[0]
        plan.row_step[k], plan.step[k] = (steps[2], steps[1]) if across else (steps[1], steps[2])
    plan.planes = extents[0]
    plan.rows, plan.columns = (extents[2], extents[1]) if across else (extents[1], extents[2])
    plan.outer = 0
    if plan.columns == 1:
        for k in range(plan.operands):
            plan.step[k] = plan.item
    describe_box(plan)
    return True


cdef void lay_out_pieces(Plan *plan, const Call *call) noexcept:
    """One row, of the last axis that has more than one element."""
    cdef int k, d, last = -1
    for d in range(call.ndim):
        if call.shape[d] > 1:
            last = d
    plan.planes = plan.rows = 1
    plan.columns, plan.outer = call.shape[last] if last >= 0 else 1, 0
    for k in range(plan.operands):
        plan.plane_step[k] = plan.row_step[k] = 0
        plan.step[k] = plan.item if k == plan.scratch or last < 0 else stride_of(plan, call, k, last)
    describe_box(plan)


cdef void describe_box(Plan *plan) noexcept nogil:
    """What its steps mean for the kernel."""
    cdef int k, native
    cdef Form form
    cdef bint same_type
    native = computed_storage(plan.item)
    plan.side_by_side = (plan.kernel.columns != NULL and 1 < plan.columns <= plan.kernel.longest_columns)
    plan.direct = True
    for k in range(plan.operands):
        form = plan.kernel.form[k]
        if plan.data[k] == NULL or form == ANY:
            plan.contiguous[k] = True
            continue
        same_type = plan.storage[k] == native or plan.storage[k] == FASTACT_INT64 and form == SINGLE
        plan.contiguous[k] = same_type and (
            form == SINGLE or plan.step[k] == plan.item or form == REPEATED and plan.step[k] == 0)
        plan.direct &= plan.contiguous[k]
        plan.side_by_side &= same_type and (
            plan.row_step[k] == plan.item or form == SHARED or plan.storage[k] == FASTACT_INT64)
    plan.stored = plan.storage[plan.out] if takes_as_stored(plan) else native
    plan.direct = plan.direct or plan.stored != native


cdef bint takes_as_stored(const Plan *plan) noexcept nogil:
    """Whether all operands are halves of one type, side by side, and the kernel converts them itself."""
    cdef int k, stored = plan.storage[plan.out]
    if not plan.kernel.takes_halves or stored != FASTACT_FLOAT16 and stored != FASTACT_BFLOAT16:
        return False
    for k in range(plan.operands):
        if plan.data[k] != NULL and (plan.storage[k] != stored or plan.step[k] != HALF and not (
                plan.kernel.form[k] == REPEATED and plan.step[k] == 0)):
            return False
    return True


cdef bint next_box(Plan *plan, Py_ssize_t *index) noexcept nogil:
    """To the next place of the axes around; False when all were visited."""
    cdef int d, k
    for d in range(plan.outer - 1, -1, -1):
        index[d] += 1
        for k in range(plan.operands):
            if plan.data[k] != NULL:
                plan.data[k] += plan.strides[k][d]
        if index[d] < plan.shape[d]:
            return True
        index[d] = 0
        for k in range(plan.operands):
            if plan.data[k] != NULL:
                plan.data[k] -= plan.shape[d] * plan.strides[k][d]
    return False
