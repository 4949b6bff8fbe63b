# The floating-point mode that kernels run in (fpmode.h), and arithmetic that leaves no trace in the caller's.

from libc.stdint cimport uint64_t


cdef extern from "core/fpmode.h":
    ctypedef struct fpmode:
        pass
    fpmode fpmode_now() nogil
    fpmode fpmode_enter() nogil
    void fpmode_leave(fpmode was) nogil

    ctypedef double (*fpmode_reader)(const char *at) noexcept nogil
    bint fpmode_round(double value, bint single, double low, double high, double *rounded) nogil
    bint fpmode_round_inside(double value, bint single, double low, double high, double *rounded) nogil
    void fpmode_narrow(double value, float *narrow) nogil
    Py_ssize_t fpmode_first_outside(const void *values, bint single, Py_ssize_t n, double low, double high) nogil
    Py_ssize_t fpmode_first_outside_of_strided(
        const char *values, Py_ssize_t step, fpmode_reader read, Py_ssize_t n, double low, double high) nogil
    double fpmode_read_half(const char *at) noexcept nogil
    double fpmode_read_bfloat16(const char *at) noexcept nogil
    double fpmode_read_float(const char *at) noexcept nogil
    double fpmode_read_double(const char *at) noexcept nogil
    bint fpmode_falls(const double *values, int count) nogil

    enum:
        FPMODE_REGISTERS
    void fpmode_read(uint64_t *registers) nogil
    void fpmode_write(const uint64_t *registers) nogil
