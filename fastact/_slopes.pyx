# What derivatives are counted by: one pass over rows of units, tile by tile, each derived into a block on the stack.

cimport numpy as cnp
from cpython.object cimport PyObject
from cython.parallel cimport prange
from libc.math cimport fabs, isinf, isnan
from libc.stdint cimport int64_t

from fastact.core.arrays cimport FLOAT32, FLOAT64
from fastact.core.execute cimport work_of
from fastact.core.fpmode cimport fpmode, fpmode_enter, fpmode_leave
from fastact.core.function cimport Function
from fastact.core.kernels cimport FASTACT_FLOAT32, FASTACT_FLOAT64, fastact_args
from fastact.core.operands cimport FROM_X, MAX_ARGUMENTS, MAX_PARAMETERS, round_parameters
from fastact.core.plan cimport Kernel
from fastact.core.threads cimport team

import numpy as np

from fastact import arguments

cnp.import_array()

cdef enum:
    WIDTH = 1024  # elements of a block
    PART = 32768  # elements that are worth sums of their own
    MOST_PARTS = 64
    COST = 1500  # picoseconds an element, besides the derivative

ctypedef fused real:
    float
    double


def slope_statistics(activation, const real[:, ::1] x, double threshold, dict parameters):
    """Count, for each column, where |f'(x)| is 0 and where it is below a threshold, and add it up.

    Returns the two by column, the sum of |f'|, and how many elements are NaN and infinite; None where there are no
    elements.  The same at any number of threads.
    """
    cdef double values[MAX_PARAMETERS]
    cdef int dtype = FLOAT64 if real is double else FLOAT32
    cdef const Kernel *kernel = derivative_kernel(activation, parameters, dtype, values)
    cdef Py_ssize_t rows = x.shape[0], units = x.shape[1], total = rows * units
    cdef Py_ssize_t parts = max(<Py_ssize_t> 1, min(<Py_ssize_t> MOST_PARTS, min(rows // 64, total // PART)))
    cdef Py_ssize_t blocks = (units + WIDTH - 1) // WIDTH, height = (rows + parts - 1) // parts, i, part, first
    cdef int threads
    if total == 0:
        return None
    threads = team(work_of(COST + kernel.cost, 1, &total))
    counts = np.zeros((2, parts, units), np.int64)
    slopes = np.zeros((parts, units))
    special = np.zeros((parts * max(blocks, <Py_ssize_t> 1), 2), np.int64)
    cdef int64_t[:, :, ::1] counted = counts
    cdef double[:, ::1] slope = slopes
    cdef int64_t[:, ::1] odd = special
    for i in prange(parts * blocks, nogil=True, schedule="static", num_threads=threads):
        part = i // blocks
        first = i % blocks * WIDTH
        count_tile(kernel, values, &x[0, 0], units, part * height, min(rows, (part + 1) * height), first,
                   min(<Py_ssize_t> WIDTH, units - first), threshold, &counted[0, part, first],
                   &counted[1, part, first], &slope[part, first], &odd[i, 0])
    zero, small = counts.sum(axis=1)
    return zero, small, total_slope(slope), *(int(n) for n in special.sum(axis=0))


cdef double total_slope(double[:, ::1] slope) noexcept:
    """The sum of the columns' sums, compensated; without NumPy's arithmetic, which warns of one that is infinite."""
    cdef double total = 0, rest = 0, column, after, back
    cdef Py_ssize_t i, part
    for i in range(slope.shape[1]):
        column = 0
        for part in range(slope.shape[0]):
            column += slope[part, i]
        after = total + column
        back = after - total
        rest += (total - (after - back)) + (column - back)  # Knuth's sum
        total = after
    return total if isinf(total) else total + rest


cdef const Kernel *derivative_kernel(activation, dict parameters, int dtype, double *values) except NULL:
    """The kernel of an activation's derivative; its parameters, by name, become values of the type."""
    cdef Function derivative = (<Function?> activation).derivative
    cdef PyObject *given[MAX_ARGUMENTS]
    cdef int i, place
    for i in range(MAX_ARGUMENTS):
        given[i] = NULL
    for i in range(MAX_PARAMETERS):
        values[i] = 0
    names = [parameter.name for parameter in derivative.row.parameters]
    for name, value in parameters.items():
        if name not in names:
            raise TypeError(f"{derivative.name}() got an unexpected keyword argument '{name}'")
        place = names.index(name)
        values[place], given[derivative.parameters_at + place] = value, <PyObject *> value
    missing = [
        names[i] for i in range(derivative.parameter_count)
        if given[derivative.parameters_at + i] == NULL and derivative.slots[derivative.parameters_at + i].required]
    if missing:
        raise TypeError(arguments.missing(derivative.name, missing, missing))
    round_parameters(derivative, given, FROM_X, dtype, values)
    return &derivative.kernels[FROM_X][dtype]


cdef void count_tile(
        const Kernel *kernel, const double *parameters, const real *x, Py_ssize_t units, Py_ssize_t row, Py_ssize_t end,
        Py_ssize_t first, Py_ssize_t n, double threshold, int64_t *zero, int64_t *small, double *slope,
        int64_t *odd) noexcept nogil:
    cdef real block[WIDTH]
    cdef Py_ssize_t at_once = WIDTH // units if n == units else 1, m, i, j
    cdef const real *source
    cdef char *operands[3]
    cdef Py_ssize_t steps[3]
    cdef fastact_args args
    cdef double magnitude
    cdef fpmode was = fpmode_enter()
    steps[0] = steps[1] = steps[2] = sizeof(real)
    args.parameters, args.steps = parameters, steps
    args.storage = FASTACT_FLOAT64 if real is double else FASTACT_FLOAT32
    while row < end:
        m = min(at_once, end - row)  # whole rows, where they are short
        source = x + row * units + first
        operands[0], operands[1], operands[2] = <char *> source, NULL, <char *> block
        kernel.run(&args, operands, steps, 1, m * n)
        for i in range(m):
            for j in range(n):
                magnitude = fabs(block[i * n + j])
                zero[j] += magnitude == 0
                small[j] += magnitude < threshold
                slope[j] += 0 if isnan(magnitude) else magnitude
        for j in range(m * n):
            odd[0] += isnan(source[j]) != 0
            odd[1] += isinf(source[j]) != 0  # -1 for -inf, in some C libraries
        row += m
    fpmode_leave(was)
