# The interface of include/fastact.h, as Cython sees it.  Code of callers is compiled against this: see there what is
# stable.

from libc.stdint cimport uint32_t


cdef extern from "fastact.h" nogil:
    enum:
        FA_API_VERSION

    enum fa_type:
        FA_FLOAT32
        FA_FLOAT64

    enum fa_role:
        FA_FORWARD
        FA_DERIVATIVE
        FA_BACKWARD
        FA_BACKWARD_Y

    enum fa_status:
        FA_OK
        FA_NO_FUNCTION
        FA_NO_OPERAND
        FA_SIZE
        FA_PARAMETER
        FA_OVERLAP
        FA_MEMORY

    ctypedef struct fa_function:
        const char *name
        int role, type
        int inputs, outputs
        int by_rows
        int parameters
        const double *defaults
        uint32_t single

    ctypedef struct fa_api:
        uint32_t version, size
        const fa_function *const *functions
        Py_ssize_t count
        const fa_function *(*find)(const char *name, int role, int type) noexcept nogil
        int (*run)(
            const fa_function *function, const double *parameters, Py_ssize_t rows, Py_ssize_t n, void *const *operands,
            const Py_ssize_t *row_steps, const Py_ssize_t *steps) noexcept nogil
        const char *(*explain)(int status) noexcept nogil

cdef const fa_api *api
