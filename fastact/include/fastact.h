/* fastact for C and C++: every function of the catalogue but the losses, on memory that you have.
 *
 *     const fa_api *fa = fa_import();                                    (in an extension; else fastact.get_c_api())
 *     const fa_function *gelu = fa->find("gelu", FA_FORWARD, FA_FLOAT32);     (NULL: there is no such function)
 *     void *operands[] = {x, y};
 *     int status = fa->run(gelu, NULL, 1, n, operands, NULL, NULL);           (FA_OK, or fa->explain(status))
 *
 * Neither needs the GIL, and any thread may call them. A call stays on its thread, computes in the default floating-point
 * mode and leaves the caller's as it was. What is wrong is found before anything is written.
 *
 * Stable from version 1 on: what is declared here keeps its place and its meaning; a later version adds to the ends of
 * structs and enums. Nothing else of fastact's C code is. */
#ifndef FASTACT_H
#define FASTACT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FA_API_VERSION 1

/* What is from here to the line "end" is what CFFI's cdef takes. */

enum fa_type { FA_FLOAT32, FA_FLOAT64 };

/* What is computed, and from which inputs; outputs come after them.
 *
 *                    FA_FORWARD      FA_DERIVATIVE    FA_BACKWARD              FA_BACKWARD_Y
 *     activation     x               x                grad, x                  grad, y: where the output is enough
 *     prelu          x, weight       x, weight        grad, x, weight          grad, y, weight
 *     softmax ...    x               -                -                        grad, y
 *     logsumexp      x               -                grad, x                  -
 *     swiglu ...     as in Python    -                grad, gate, value        -
 *
 * Backward of a gated unit has two outputs, the gradients of the gate and of the value. */
enum fa_role { FA_FORWARD, FA_DERIVATIVE, FA_BACKWARD, FA_BACKWARD_Y };

enum fa_status {
    FA_OK,
    FA_NO_FUNCTION, /* it is NULL */
    FA_NO_OPERAND,  /* one is NULL */
    FA_SIZE,        /* less than 0, more than there is memory, or rows of nothing that a number is to be made of */
    FA_PARAMETER,   /* NaN or out of its range, as a weight may be too; or not given, and it has no default */
    FA_OVERLAP,     /* an output overlaps another operand partly, another output, or itself */
    FA_MEMORY       /* there is none for a copy of a row */
};

typedef struct fa_function {
    const char *name;
    int role, type;
    int inputs, outputs;
    int by_rows;            /* a row is one thing: of softmax and its like */
    int parameters;         /* in the order of Python's */
    const double *defaults; /* NaN for one that must be given */
    uint32_t single;        /* bit k: operand k has one element a row */
} fa_function;

typedef struct fa_api {
    uint32_t version, size;
    const fa_function *const *functions; /* all there are */
    ptrdiff_t count;
    const fa_function *(*find)(const char *name, int role, int type);
    /* `rows` rows of n elements. Parameters are rounded to the type; NULL is the defaults. Operands are inputs, then
     * outputs; an output may be an input, element for element. From one row of operand k to the next are row_steps[k]
     * bytes, from one element to the next steps[k]: any sign, 0 for an input that is the same throughout. NULL: rows
     * follow each other, and so do elements. */
    int (*run)(const fa_function *function, const double *parameters, ptrdiff_t rows, ptrdiff_t n,
               void *const *operands, const ptrdiff_t *row_steps, const ptrdiff_t *steps);
    const char *(*explain)(int status);
} fa_api;

/* end */

#ifdef __cplusplus
}
#endif

#ifdef Py_PYTHON_H
/* The interface, which lives as long as the process; or NULL and a Python exception. Needs the GIL. */
static inline const fa_api *fa_import(void)
{
    const char *name = "fastact._c_api.API";
    PyObject *module = PyImport_ImportModule("fastact._c_api");
    PyObject *capsule = module ? PyObject_GetAttrString(module, "API") : NULL;
    const fa_api *api = capsule ? (const fa_api *)PyCapsule_GetPointer(capsule, name) : NULL;
    Py_XDECREF(capsule);
    Py_XDECREF(module);
    if (api && (api->version < FA_API_VERSION || api->size < sizeof(fa_api))) {
        PyErr_SetString(PyExc_ImportError, "fastact is older than the fastact.h that this was compiled with");
        return NULL;
    }
    return api;
}
#endif

#endif
