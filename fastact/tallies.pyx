# What derivatives are counted by: one pass over rows of units, tile by tile, each derived into a block on the stack.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport fabs, isinf, isnan
from libc.stdint cimport int64_t

from fastact.blocks cimport Kernel, team
from fastact.engine cimport derivative_kernel
from fastact.fpmode cimport fpmode, fpmode_enter, fpmode_leave
from fastact.kernels cimport fastact_unary

import numpy as np

cnp.import_array()

cdef enum:
    WIDTH = 1024  # elements of a block
    PART = 32768  # elements that are worth sums of their own
    MOST_PARTS = 64
    MOST_PARAMETERS = 4
    COST = 1500  # picoseconds an element, besides the derivative

ctypedef fused real:
    float
    double


def tally(activation, real[:, ::1] x, double threshold, dict parameters):
    """Count, for each column, where |f'(x)| is 0 and where it is below a threshold, and add it up.

    Returns the three by column, and how many elements are NaN and infinite.  The same at any number of threads.
    """
    cdef double values[MOST_PARAMETERS]
    cdef const Kernel *kernel = derivative_kernel(activation, parameters, real is double, values)
    cdef Py_ssize_t rows = x.shape[0], units = x.shape[1], total = rows * units
    cdef Py_ssize_t parts = max(<Py_ssize_t> 1, min(<Py_ssize_t> MOST_PARTS, rows // 64, total // PART))
    cdef Py_ssize_t blocks = (units + WIDTH - 1) // WIDTH, height = (rows + parts - 1) // parts, i, part, first
    cdef int threads = team((COST + kernel.cost) * total)
    counts = np.zeros((2, parts, units), np.int64)
    slopes = np.zeros((parts, units))
    special = np.zeros((parts * max(blocks, <Py_ssize_t> 1), 2), np.int64)
    cdef int64_t[:, :, ::1] count = counts
    cdef double[:, ::1] slope = slopes
    cdef int64_t[:, ::1] odd = special
    if total:
        for i in prange(parts * blocks, nogil=True, schedule="static", num_threads=threads):
            part = i // blocks
            first = i % blocks * WIDTH
            tally_tile(kernel, values, &x[0, 0], units, part * height, min(rows, (part + 1) * height), first,
                       min(<Py_ssize_t> WIDTH, units - first), threshold, &count[0, part, first],
                       &count[1, part, first], &slope[part, first], &odd[i, 0])
    zero, small = counts.sum(axis=1)
    return zero, small, slopes.sum(axis=0), *(int(n) for n in special.sum(axis=0))


cdef void tally_tile(
        const Kernel *kernel, const double *parameters, const real *x, Py_ssize_t units, Py_ssize_t row, Py_ssize_t end,
        Py_ssize_t first, Py_ssize_t n, double threshold, int64_t *zero, int64_t *small, double *slope,
        int64_t *odd) noexcept nogil:
    cdef real block[WIDTH]
    cdef Py_ssize_t at_once = WIDTH // units if n == units else 1, m, i, j
    cdef const real *source
    cdef double magnitude
    cdef fpmode was = fpmode_enter()
    while row < end:
        m = min(at_once, end - row)  # whole rows, where they are short
        source = x + row * units + first
        (<fastact_unary> kernel.function)(source, NULL, block, m * n, parameters)
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
