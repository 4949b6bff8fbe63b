# The face of the kernels (kernels/kernels.h), as the core sees it.

from libc.stdint cimport int64_t, uint8_t, uint32_t


cdef extern from "kernels/kernels.h":
    enum:
        FASTACT_KERNELS_VERSION

    enum fastact_storage:
        FASTACT_BOOL
        FASTACT_INT8
        FASTACT_INT64
        FASTACT_UINT8
        FASTACT_UINT64
        FASTACT_FLOAT16
        FASTACT_BFLOAT16
        FASTACT_FLOAT32
        FASTACT_FLOAT64
        FASTACT_STORAGE_COUNT

    enum fastact_role:
        FASTACT_FORWARD
        FASTACT_DERIVATIVE
        FASTACT_BACKWARD
        FASTACT_BACKWARD_Y
        FASTACT_SUM

    struct fastact_args:
        const double *parameters
        const Py_ssize_t *steps
        int storage

    ctypedef void (*fastact_kernel)(
        const fastact_args *args, char **operands, const Py_ssize_t *row_steps, Py_ssize_t rows,
        Py_ssize_t n) noexcept nogil

    struct fastact_entry:
        const char *name
        fastact_role role
        fastact_kernel run, columns
        float cost

    ctypedef void (*fastact_load)(const void *source, Py_ssize_t stride, void *block, Py_ssize_t n) noexcept nogil
    ctypedef void (*fastact_store)(
        const void *block, void *destination, Py_ssize_t stride, Py_ssize_t n) noexcept nogil

    struct fastact_kernels:
        uint32_t version, size
        uint8_t compute_bits, fused, takes_halves, short_row
        const fastact_entry *entries
        Py_ssize_t entry_count
        fastact_load *load
        fastact_store *store
        void (*finish)(
            const double *sums, const double *errors, Py_ssize_t parts, Py_ssize_t n, const void *divisors,
            void *out) noexcept nogil
        void (*total)(
            const double *sums, const double *errors, Py_ssize_t parts, double divisor, void *out) noexcept nogil
        Py_ssize_t (*load_labels)(
            int storage, const void *source, Py_ssize_t stride, Py_ssize_t n, int64_t classes, const int64_t *ignored,
            int64_t *labels) noexcept nogil
        Py_ssize_t (*first_beyond_unit)(const void *values, Py_ssize_t n) noexcept nogil
        void (*pick)(const void *weights, const int64_t *labels, Py_ssize_t n, void *picked) noexcept nogil

    struct fastact_target:
        const char *name
        const fastact_kernels *f32
        const fastact_kernels *f64
        bint (*runs_here)() noexcept nogil

    const fastact_target fastact_targets[]
    const Py_ssize_t fastact_target_count


cdef inline int computed_storage(Py_ssize_t item) noexcept nogil:
    """How operands are stored as the kernels compute in, from the size of an element."""
    return FASTACT_FLOAT32 if item == sizeof(float) else FASTACT_FLOAT64
