# The face of the kernels (kernels/kernels.h), as the engine sees it.

from libc.stdint cimport int64_t, uint8_t, uint32_t


cdef extern from "kernels/kernels.h":
    enum:
        FASTACT_KERNELS_VERSION

    ctypedef void (*fastact_unary)(
        const void *x, const void *bias, void *out, Py_ssize_t n, const double *parameters) noexcept nogil
    ctypedef void (*fastact_binary)(
        const void *grad, const void *x, const void *bias, void *out, Py_ssize_t n,
        const double *parameters) noexcept nogil
    ctypedef void (*fastact_weighted_unary)(
        const void *x, const void *weight, Py_ssize_t weight_step, void *out, Py_ssize_t n) noexcept nogil
    ctypedef void (*fastact_weighted_binary)(
        const void *grad, const void *x, const void *weight, Py_ssize_t weight_step, void *out,
        Py_ssize_t n) noexcept nogil
    ctypedef void (*fastact_gate_backward)(
        const void *grad, const void *gate, const void *value, void *gate_grad, void *value_grad,
        Py_ssize_t n) noexcept nogil
    ctypedef void (*fastact_sum)(
        const void *grad, Py_ssize_t grad_step, const void *x, Py_ssize_t x_step, Py_ssize_t rows, Py_ssize_t n,
        double *sums, double *errors) noexcept nogil
    ctypedef void (*fastact_finish)(
        const double *sums, const double *errors, Py_ssize_t parts, Py_ssize_t n, const void *divisors,
        void *out) noexcept nogil
    ctypedef void (*fastact_rows)(
        const void *x, Py_ssize_t x_step, void *out, Py_ssize_t out_step, Py_ssize_t rows, Py_ssize_t n) noexcept nogil
    ctypedef void (*fastact_rows_backward)(
        const void *grad, Py_ssize_t grad_step, const void *y, Py_ssize_t y_step, void *out, Py_ssize_t out_step,
        Py_ssize_t rows, Py_ssize_t n) noexcept nogil
    ctypedef void (*fastact_gather)(const void *source, Py_ssize_t stride, void *block, Py_ssize_t n) noexcept nogil
    ctypedef void (*fastact_scatter)(
        const void *block, void *destination, Py_ssize_t stride, Py_ssize_t n) noexcept nogil

    struct fastact_cross_entropy:
        Py_ssize_t n
        const void *class_weight
        double smoothing, even, scale

    ctypedef void (*fastact_cross_entropy_rows)(
        const fastact_cross_entropy *c, const void *x, Py_ssize_t x_step, const int64_t *labels,
        const void *probabilities, Py_ssize_t probabilities_step, void *grad, Py_ssize_t grad_step, Py_ssize_t rows,
        void *losses) noexcept nogil

    struct fastact_binary_cross_entropy:
        double smoothing, even, scale

    ctypedef void (*fastact_binary_cross_entropy_run)(
        const fastact_binary_cross_entropy *c, const void *x, const void *targets, const void *weight,
        const void *pos_weight, void *grad, void *losses, Py_ssize_t n, double *sum, double *error) noexcept nogil

    enum:
        FASTACT_INT8
        FASTACT_UINT8
        FASTACT_FLOAT32
        FASTACT_FLOAT64

    struct fastact_losses:
        Py_ssize_t short_row
        fastact_cross_entropy_rows cross_entropy, cross_entropy_columns
        fastact_binary_cross_entropy_run binary_cross_entropy
        void (*add_values)(const void *values, Py_ssize_t n, double *sum, double *error) noexcept nogil
        void (*total)(
            const double *sums, const double *errors, Py_ssize_t parts, double divisor, void *out) noexcept nogil
        Py_ssize_t (*read_labels)(
            int kind, const void *source, Py_ssize_t stride, Py_ssize_t n, int64_t classes, const int64_t *ignored,
            int64_t *labels) noexcept nogil
        void (*pick)(const void *weights, const int64_t *labels, Py_ssize_t n, void *picked) noexcept nogil
        void (*read_values)(int kind, const void *source, Py_ssize_t stride, Py_ssize_t n, void *block) noexcept nogil

    struct fastact_elementwise:
        const char *name
        fastact_unary forward, derivative
        fastact_binary backward, backward_y
        float cost[4]

    struct fastact_weighted:
        const char *name
        fastact_weighted_unary forward, derivative
        fastact_weighted_binary backward, backward_y
        fastact_sum sum_along, sum_across
        float cost[5]

    struct fastact_gate:
        const char *name
        fastact_binary forward
        fastact_gate_backward backward
        float cost[2]

    struct fastact_selection:
        double scale
        const void *where
        Py_ssize_t where_row, where_step
        const int64_t *seen
        Py_ssize_t seen_row

    ctypedef void (*fastact_rows_selected)(
        const fastact_selection *selection, const void *x, Py_ssize_t x_step, void *out, Py_ssize_t out_step,
        Py_ssize_t rows, Py_ssize_t n) noexcept nogil
    ctypedef void (*fastact_rows_backward_selected)(
        const fastact_selection *selection, const void *grad, Py_ssize_t grad_step, const void *y, Py_ssize_t y_step,
        void *out, Py_ssize_t out_step, Py_ssize_t rows, Py_ssize_t n) noexcept nogil

    struct fastact_rowwise:
        const char *name
        fastact_rows forward
        fastact_rows_backward backward
        fastact_rows forward_columns
        fastact_rows_backward backward_columns
        float cost[2]
        fastact_rows_selected forward_selected
        fastact_rows_backward_selected backward_selected
        fastact_rows_selected forward_selected_columns
        fastact_rows_backward_selected backward_selected_columns

    struct fastact_kernels:
        uint32_t version, size
        uint8_t fused
        const fastact_elementwise *elementwise
        const fastact_weighted *weighted
        const fastact_rowwise *rowwise
        Py_ssize_t elementwise_count, weighted_count, rowwise_count
        const fastact_gate *gates
        Py_ssize_t gate_count
        fastact_gather gather, widen
        fastact_scatter scatter
        fastact_sum bias_sum_along, bias_sum_across
        fastact_finish finish
        const fastact_losses *losses

    struct fastact_target:
        const char *name
        const fastact_kernels *f32
        const fastact_kernels *f64
        bint (*runs_here)() noexcept nogil

    const fastact_target fastact_targets[]
    const Py_ssize_t fastact_target_count
