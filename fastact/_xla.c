/* The functions for XLA, which JAX compiles to: one handler, for the target "fastact" of jax/jax.py.
 *
 * XLA keeps this binary interface for a year at least, and asks each handler which version it was written for. What is
 * used of it is declared here, so that nothing of XLA is needed to build. Structs say how large they are, and grow at
 * their ends only: layouts are those of its version 0.3. */
#include <Python.h>

#include <fastact.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <windows.h>
#define give_way() SwitchToThread()
#else
#include <sched.h>
#define give_way() sched_yield()
#endif

enum { MAJOR, MINOR = 3 };
enum { METADATA = 1, EXECUTE = 3, ARRAY = 1, SCALAR = 3, STRING = 4, INVALID_ARGUMENT = 3, F32 = 11, F64 = 12 };
enum { MOST_OPERANDS = 6, MOST_PARAMETERS = 8, TILE = 1 << 15 };

typedef struct Extension {
    size_t size;
    int type;
    struct Extension *next;
} Extension;

typedef struct {
    size_t size;
    Extension *extensions;
    int major, minor;
} Version;

typedef struct {
    size_t size;
    Version version;
    uint32_t traits;
} Metadata;

typedef struct {
    Extension base;
    Metadata *metadata;
} Asked; /* an extension of type METADATA */

typedef struct {
    size_t size;
    Extension *extensions;
    int type;
    void *data;
    int64_t rank, *dims;
} Buffer;

typedef struct {
    size_t size;
    Extension *extensions;
    int64_t count;
    int *types;
    Buffer **at;
} Buffers;

typedef struct {
    const char *at;
    size_t length;
} Text;

typedef struct {
    int type;
    size_t count;
    void *at;
} Array;

typedef struct {
    int type;
    void *at;
} Scalar;

typedef struct {
    size_t size;
    Extension *extensions;
    int64_t count;
    int *types;
    Text **names;
    void **at;
} Attributes;

typedef struct {
    size_t size;
    Extension *extensions;
    const char *message;
    int code;
} ErrorOf;

typedef struct Error Error;
typedef struct {
    size_t size;
    Extension *extensions;
    Error *error;
} Destroyed;

typedef struct {
    size_t size;
    Extension *extensions;
    void *context;
    void (*task)(void *);
    void *data;
} Scheduled;

typedef struct {
    size_t size;
    Extension *extensions;
    void *context;
    int64_t *count;
} Threads;

typedef struct {
    size_t size;
    Extension *extensions;
    Version version;
    const void *internal;
    Error *(*error_create)(ErrorOf *);
    void (*error_get_message)(void *);
    void (*error_destroy)(Destroyed *);
    void *others[8]; /* of registration, state, memory */
    Error *(*schedule)(Scheduled *);
    Error *(*count_threads)(Threads *);
} Api;

typedef struct {
    size_t size;
    Extension *extensions;
    const Api *api;
    void *context;
    int stage;
    Buffers inputs, outputs;
    Attributes attributes;
} Frame;

static const fa_api *fa;

/* A call, shared out over XLA's threads in tiles. Whoever asks for one has it, the caller too: nobody waits for a thread
 * that has not begun. The last to leave frees it. */
typedef struct {
    const fa_function *function;
    double parameters[MOST_PARAMETERS];
    char *operands[MOST_OPERANDS];
    ptrdiff_t rows, n, per_tile, tiles;
    atomic_ptrdiff_t next, done;
    atomic_int users, status;
} Call;

static void run_tile(Call *call, ptrdiff_t tile)
{
    const fa_function *function = call->function;
    ptrdiff_t item = function->type == FA_FLOAT32 ? sizeof(float) : sizeof(double);
    ptrdiff_t first = tile * call->per_tile, left = (function->by_rows ? call->rows : call->n) - first;
    ptrdiff_t count = left < call->per_tile ? left : call->per_tile;
    void *operands[MOST_OPERANDS];
    for (int k = 0; k < function->inputs + function->outputs; k++) {
        ptrdiff_t each = function->by_rows && !(function->single >> k & 1) ? call->n : 1;
        operands[k] = call->operands[k] + first * each * item;
    }
    ptrdiff_t rows = function->by_rows ? count : 1, n = function->by_rows ? call->n : count;
    int status = fa->run(function, call->parameters, rows, n, operands, NULL, NULL);
    if (status)
        atomic_store(&call->status, status);
}

static void take_tiles(Call *call)
{
    ptrdiff_t tile;
    while ((tile = atomic_fetch_add(&call->next, 1)) < call->tiles) {
        run_tile(call, tile);
        atomic_fetch_add(&call->done, 1);
    }
}

static void leave(Call *call)
{
    if (atomic_fetch_sub(&call->users, 1) == 1)
        free(call);
}

static void help(void *call)
{
    take_tiles(call);
    leave(call);
}

static void ask_for_help(const Frame *frame, Call *call)
{
    int64_t threads = 1;
    Threads counted = {sizeof counted, NULL, frame->context, &threads};
    Error *error = frame->api->count_threads(&counted);
    for (ptrdiff_t k = 1; !error && k < threads && k < call->tiles; k++) {
        Scheduled scheduled = {sizeof scheduled, NULL, frame->context, help, call};
        atomic_fetch_add(&call->users, 1);
        error = frame->api->schedule(&scheduled);
        if (error)
            leave(call);
    }
    if (error) { /* no pool: the caller does all */
        Destroyed destroyed = {sizeof destroyed, NULL, error};
        frame->api->error_destroy(&destroyed);
    }
}

/* What XLA gives. */

static const void *attribute(const Attributes *attributes, const char *name, int type)
{
    for (int64_t k = 0; k < attributes->count; k++) {
        const Text *text = attributes->names[k];
        if (attributes->types[k] == type && text->length == strlen(name) && !memcmp(text->at, name, text->length))
            return attributes->at[k];
    }
    return NULL;
}

static int64_t elements(const Buffer *buffer)
{
    int64_t count = 1;
    for (int64_t k = 0; k < buffer->rank; k++)
        count *= buffer->dims[k];
    return count;
}

static const fa_function *asked_for(const Frame *frame)
{
    const Text *text = attribute(&frame->attributes, "name", STRING);
    const Scalar *role = attribute(&frame->attributes, "role", SCALAR);
    char name[32];
    if (!text || !role || text->length >= sizeof name || !frame->inputs.count)
        return NULL;
    memcpy(name, text->at, text->length);
    name[text->length] = 0;
    int type = frame->inputs.at[0]->type;
    if (type != F32 && type != F64)
        return NULL;
    return fa->find(name, (int)*(int64_t *)role->at, type == F32 ? FA_FLOAT32 : FA_FLOAT64);
}

/* What is wrong with a call, or NULL. */
static const char *read_call(const Frame *frame, Call *call)
{
    const fa_function *function = call->function = asked_for(frame);
    const Array *parameters = attribute(&frame->attributes, "parameters", ARRAY);
    if (!function || frame->inputs.count != function->inputs || frame->outputs.count != function->outputs)
        return "there is no such function";
    if (function->parameters > MOST_PARAMETERS || function->inputs + function->outputs > MOST_OPERANDS)
        return "it has too many operands";
    if (function->parameters &&
        (!parameters || parameters->type != F64 || parameters->count != (size_t)function->parameters))
        return "its parameters are missing";
    if (function->parameters)
        memcpy(call->parameters, parameters->at, parameters->count * sizeof(double));
    const Buffer *shape = NULL;
    for (int k = 0; k < function->inputs + function->outputs; k++) {
        const Buffer *buffer = k < function->inputs ? frame->inputs.at[k] : frame->outputs.at[k - function->inputs];
        if (buffer->type != frame->inputs.at[0]->type)
            return "its operands have different types";
        call->operands[k] = buffer->data;
        if (!shape && !(function->single >> k & 1))
            shape = buffer;
    }
    int64_t count = elements(shape);
    call->n = !function->by_rows ? count : shape->rank ? shape->dims[shape->rank - 1] : 1;
    call->rows = !function->by_rows ? 1 : call->n ? count / call->n : 0;
    for (int k = 0; k < function->inputs + function->outputs; k++) {
        const Buffer *buffer = k < function->inputs ? frame->inputs.at[k] : frame->outputs.at[k - function->inputs];
        if (elements(buffer) != (function->single >> k & 1 ? call->rows : count))
            return "its operands have different shapes";
    }
    return NULL;
}

static Error *failure(const Frame *frame, const char *message)
{
    ErrorOf made = {sizeof made, NULL, message, INVALID_ARGUMENT};
    return frame->api->error_create(&made);
}

static Error *execute(const Frame *frame)
{
    Call *call = calloc(1, sizeof *call);
    if (!call)
        return failure(frame, "fastact: no memory");
    atomic_store(&call->users, 1);
    const char *message = read_call(frame, call);
    int status = 0;
    if (!message && call->rows && call->n) {
        call->per_tile = !call->function->by_rows ? TILE : call->n < TILE ? TILE / call->n : 1;
        ptrdiff_t length = call->function->by_rows ? call->rows : call->n;
        call->tiles = (length + call->per_tile - 1) / call->per_tile;
        if (call->tiles > 1)
            ask_for_help(frame, call);
        take_tiles(call);
        while (atomic_load(&call->done) < call->tiles) /* others are in their last ones */
            give_way();
        status = atomic_load(&call->status);
    }
    leave(call);
    if (status)
        message = fa->explain(status);
    return message ? failure(frame, message) : NULL;
}

static Error *handler(Frame *frame)
{
    for (Extension *each = frame->extensions; each; each = each->next)
        if (each->type == METADATA) {
            Metadata *metadata = ((Asked *)each)->metadata;
            int theirs = frame->api ? frame->api->version.minor : MINOR;
            metadata->version.major = MAJOR;
            metadata->version.minor = theirs < MINOR ? theirs : MINOR;
            metadata->traits = 0;
            return NULL;
        }
    return frame->stage == EXECUTE ? execute(frame) : NULL;
}

static int add(PyObject *module, const char *name, PyObject *value)
{
    int failed = PyModule_AddObjectRef(module, name, value);
    Py_DECREF(value);
    return failed;
}

static int fill(PyObject *module)
{
    fa = fa_import();
    PyObject *capsule = fa ? PyCapsule_New((void *)handler, NULL, NULL) : NULL;
    return capsule ? add(module, "HANDLER", capsule) : -1;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, fill},
#ifdef Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "fastact._xla", .m_slots = slots};

PyMODINIT_FUNC PyInit__xla(void) { return PyModuleDef_Init(&definition); }
