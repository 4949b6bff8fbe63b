# What tests, tools and benches need of the C side, built by compiled.py: the floating-point registers, two kernels that
# do as little as can be done to an array in place, through the core's own blocks, and errors counted fast enough for
# all 2^32 numbers.

cimport numpy as cnp
from cython.parallel cimport parallel, threadid
from libc.math cimport INFINITY, fabs, isnan
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from fastact.core.arrays cimport FLOAT32, Array
from fastact.core.execute cimport compute
from fastact.core.fpmode cimport FPMODE_REGISTERS, fpmode, fpmode_enter, fpmode_leave, fpmode_read, fpmode_write
from fastact.core.function cimport find_table
from fastact.core.kernels cimport FASTACT_FLOAT32, fastact_args, fastact_kernel, fastact_kernels
from fastact.core.operands cimport Call, set_operand, storage_of
from fastact.core.plan cimport ELEMENTS, Kernel, Plan

from fastact.core import threads

cnp.import_array()

cdef enum:
    MOST_REGISTERS = 2
    MOST_THREADS = 1024


def read_registers():
    """The calling thread's floating-point control and status: (MXCSR,) on x86-64, (FPCR, FPSR) on aarch64."""
    cdef uint64_t registers[MOST_REGISTERS]
    fpmode_read(registers)
    return tuple([registers[i] for i in range(FPMODE_REGISTERS)])


def write_registers(values):
    cdef uint64_t registers[MOST_REGISTERS]
    for i, value in zip(range(FPMODE_REGISTERS), values, strict=True):
        registers[<int> i] = value
    fpmode_write(registers)


def worker_registers(int num_threads):
    """What read_registers() would return on every thread of an OpenMP team, in their order."""
    cdef uint64_t registers[MOST_THREADS][MOST_REGISTERS]
    cdef int i
    if not 0 < num_threads <= MOST_THREADS:
        raise ValueError(num_threads)
    num_threads = num_threads if threads.OPENMP else 1
    with nogil, parallel(num_threads=num_threads):
        fpmode_read(registers[threadid()])
    return [tuple([registers[i][j] for j in range(FPMODE_REGISTERS)]) for i in range(num_threads)]


def write_worker_registers(int num_threads, values):
    cdef uint64_t registers[MOST_REGISTERS]
    for i, value in zip(range(FPMODE_REGISTERS), values, strict=True):
        registers[<int> i] = value
    with nogil, parallel(num_threads=num_threads):
        fpmode_write(registers)


def convert(str target, cnp.ndarray source not None, cnp.ndarray out not None):
    """Copies a vector of any type to one of float32, or the other way, as a target loads and stores its tiles."""
    cdef const fastact_kernels *table = find_table(target, FLOAT32)
    cdef int source_storage = storage_of(<Array *> <void *> source), out_storage = storage_of(<Array *> <void *> out)
    cdef Py_ssize_t n = source.size
    cdef fpmode was = fpmode_enter()
    if out_storage == FASTACT_FLOAT32:
        table.load[source_storage](cnp.PyArray_DATA(source), source.strides[0], cnp.PyArray_DATA(out), n)
    else:
        table.store[out_storage](cnp.PyArray_DATA(source), cnp.PyArray_DATA(out), out.strides[0], n)
    fpmode_leave(was)


def scale(cnp.ndarray x not None, double factor):
    """x *= factor"""
    cdef bint single = cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT
    run(<fastact_kernel> (scale_float if single else scale_double), 2, &factor, x, x)


def multiply(cnp.ndarray grad not None, cnp.ndarray x not None):
    """grad *= x"""
    cdef bint single = cnp.PyArray_TYPE(grad) == cnp.NPY_FLOAT
    run(<fastact_kernel> (multiply_float if single else multiply_double), 3, NULL, grad, x)


cdef int run(
        fastact_kernel kernel_run, int operands, const double *parameters, cnp.ndarray grad, cnp.ndarray x) except -1:
    cdef Kernel kernel
    cdef Call call
    cdef Plan plan
    cdef fastact_kernels table
    cdef Py_ssize_t[1] strides
    cdef int k
    if cnp.PyArray_TYPE(grad) not in (cnp.NPY_FLOAT, cnp.NPY_DOUBLE) or cnp.PyArray_TYPE(x) != cnp.PyArray_TYPE(grad):
        raise TypeError("both arrays must be float32, or float64")
    if not cnp.PyArray_ISCARRAY(grad) or not cnp.PyArray_IS_C_CONTIGUOUS(x) or grad.size != x.size:
        raise ValueError("arrays must be contiguous, and of one size")
    memset(&table, 0, sizeof(table))
    table.compute_bits = 8 * cnp.PyArray_ITEMSIZE(grad)
    kernel.run, kernel.columns, kernel.table, kernel.cost = kernel_run, NULL, &table, 100
    kernel.operands, kernel.rowwise, kernel.in_order, kernel.longest_columns = operands, False, False, 0
    kernel.takes_halves = False
    call.plan = &plan
    call.ndim, call.axis, call.shape[0], strides[0] = 1, -1, grad.size, cnp.PyArray_ITEMSIZE(grad)
    for k in range(operands):
        kernel.form[k], kernel.output[k] = ELEMENTS, k == operands - 1
        set_operand(&call, k, x if k == 1 and operands == 3 else grad, strides)
    return compute(&kernel, parameters, &call)


cdef void scale_float(
        const fastact_args *args, char **operands, const Py_ssize_t *row_steps, Py_ssize_t rows,
        Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef float factor = <float> args.parameters[0]
    for i in range(n):
        (<float *> operands[1])[i] = factor * (<float *> operands[0])[i]


cdef void scale_double(
        const fastact_args *args, char **operands, const Py_ssize_t *row_steps, Py_ssize_t rows,
        Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        (<double *> operands[1])[i] = args.parameters[0] * (<double *> operands[0])[i]


cdef void multiply_float(
        const fastact_args *args, char **operands, const Py_ssize_t *row_steps, Py_ssize_t rows,
        Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        (<float *> operands[2])[i] = (<float *> operands[0])[i] * (<float *> operands[1])[i]


cdef void multiply_double(
        const fastact_args *args, char **operands, const Py_ssize_t *row_steps, Py_ssize_t rows,
        Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        (<double *> operands[2])[i] = (<double *> operands[0])[i] * (<double *> operands[1])[i]


def largest_error(const float[::1] got, const double[::1] true, const double[::1] scale):
    """Where float32 numbers are farthest from their true values, and by how many ulp of `scale`."""
    cdef Py_ssize_t i, worst = 0
    cdef double error, largest = -1.0
    if not got.shape[0] == true.shape[0] == scale.shape[0]:
        raise ValueError("arrays must be of one size")
    for i in range(got.shape[0]):
        error = fabs(got[i] - true[i]) * inverse_ulp(scale[i])
        if not error <= largest:
            if not error < INFINITY:  # an infinity or a NaN: right where the true value rounds to it
                error = 0.0 if got[i] == <float> true[i] or (isnan(got[i]) and isnan(true[i])) else INFINITY
            if error > largest:
                worst, largest = i, error
    return worst, largest


cdef inline double inverse_ulp(double scale) noexcept:
    """The inverse distance of float32 neighbours in the binade of scale; in that of the least normal, below it."""
    cdef uint64_t bits
    cdef double inverse
    memcpy(&bits, &scale, sizeof(bits))
    bits = min(max(bits >> 52 & 0x7FF, <uint64_t> 1023 - 126), <uint64_t> 1023 + 127)
    bits = (2 * 1023 + 23 - bits) << 52
    memcpy(&inverse, &bits, sizeof(inverse))
    return inverse
