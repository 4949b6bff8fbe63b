# The functions for C, C++, Cython and Numba: include/fastact.h says what they are.  What comes in is not known to be
# good: all of it is checked, but for whether memory is there.  Nothing is allocated but for copies of rows, and nothing
# is Python once this is imported.

from cpython.pycapsule cimport PyCapsule_New
from libc.math cimport NAN
from libc.stdint cimport uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset, strcmp

from fastact.core.execute cimport reserve_rows, run_tile
from fastact.core.fpmode cimport (
    fpmode,
    fpmode_enter,
    fpmode_falls,
    fpmode_first_outside_of_strided,
    fpmode_leave,
    fpmode_read_double,
    fpmode_read_float,
    fpmode_round_inside,
)
from fastact.core.function cimport Function
from fastact.core.kernels cimport FASTACT_FLOAT32, FASTACT_FLOAT64, fastact_args
from fastact.core.operands cimport (
    FROM_X,
    FROM_Y,
    MAX_OPERANDS,
    MAX_PARAMETERS,
    OUTPUT,
    PARAMETER,
    REDUCED,
    WEIGHT,
    Slot,
)
from fastact.core.plan cimport Kernel, Plan, describe_box, magnitude

from fastact.activations import FUNCTIONS
from fastact.catalogue import SPECS, signatures


cdef struct Record:  # a function, and what callers do not see of it
    fa_function face  # comes first
    const Kernel *kernel
    int operand[MAX_OPERANDS]  # the kernel's, by the caller's
    int weight  # the caller's operand that is held to a range, or -1
    bint ordered
    bint optional  # all parameters have defaults
    bint plain  # every operand has an element for each of the others
    int storage
    Py_ssize_t item
    double defaults[MAX_PARAMETERS]
    double low[MAX_PARAMETERS + 1]  # of parameters, and of the weight
    double high[MAX_PARAMETERS + 1]

cdef struct Box:  # what a call runs over: the kernel's operands
    char *at[MAX_OPERANDS]
    Py_ssize_t row_step[MAX_OPERANDS]
    Py_ssize_t step[MAX_OPERANDS]
    Py_ssize_t rows, n, item


cdef Py_ssize_t[MAX_OPERANDS] no_steps  # of one row
cdef Py_ssize_t MOST = <Py_ssize_t> 1 << 59  # elements


# ---------------------------------------------------------------------------------------------------------------
# A call
# ---------------------------------------------------------------------------------------------------------------

cdef int run(
        const fa_function *function, const double *parameters, Py_ssize_t rows, Py_ssize_t n, void *const *operands,
        const Py_ssize_t *row_steps, const Py_ssize_t *steps) noexcept nogil:
    cdef fpmode was
    cdef int status
    if function == NULL:
        return FA_NO_FUNCTION
    was = fpmode_enter()
    status = run_in_mode(<const Record *> function, parameters, rows, n, operands, row_steps, steps)
    fpmode_leave(was)
    return status


cdef inline int run_in_mode(
        const Record *self, const double *parameters, Py_ssize_t rows, Py_ssize_t n, void *const *operands,
        const Py_ssize_t *row_steps, const Py_ssize_t *steps) noexcept nogil:
    """The same in the default floating-point mode."""
    cdef double rounded[MAX_PARAMETERS]
    cdef Box box
    cdef int status
    if parameters == NULL and self.optional:
        parameters = &self.defaults[0]
    else:
        status = read_parameters(self, parameters, rounded)
        if status != FA_OK:
            return status
        parameters = rounded
    if rows < 0 or n < 0 or n > MOST or rows > 1 and n > 0 and rows > MOST // n:
        return FA_SIZE
    if rows == 0 or n == 0:
        return FA_SIZE if rows and self.face.single else FA_OK
    if row_steps == NULL and steps == NULL and not self.face.by_rows:
        rows, n = 1, rows * n
    memset(box.at, 0, sizeof(box.at))
    box.rows, box.n = rows, n
    if rows == 1 and self.plain and are_runs(self, &box, operands, steps):
        compute(self, parameters, no_steps, &box, no_steps)
        return FA_OK
    return run_box(self, parameters, &box, operands, row_steps, steps)


cdef inline bint are_runs(
        const Record *self, Box *box, void *const *operands, const Py_ssize_t *steps) noexcept nogil:
    """Whether all operands are contiguous, and an output touches none, but for an input that it is."""
    cdef Py_ssize_t nbytes = box.n * self.item
    cdef int count = self.face.inputs + self.face.outputs, j, k
    cdef char *a
    cdef char *b
    for k in range(count):
        b = <char *> operands[k]
        if b == NULL or steps != NULL and steps[k] != self.item:
            return False
        box.at[self.operand[k]] = b
        if k >= self.face.inputs:
            for j in range(k):
                a = <char *> operands[j]
                if a < b + nbytes and b < a + nbytes and (a != b or j >= self.face.inputs):
                    return False
    return True


cdef inline void compute(
        const Record *self, const double *parameters, const Py_ssize_t *steps, Box *box,
        const Py_ssize_t *row_steps) noexcept nogil:
    cdef fastact_args args
    args.parameters, args.steps, args.storage = parameters, steps, self.storage
    self.kernel.run(&args, box.at, row_steps, box.rows, box.n)


cdef int run_box(
        const Record *self, const double *parameters, Box *box, void *const *operands, const Py_ssize_t *row_steps,
        const Py_ssize_t *steps) noexcept nogil:
    """Any operands with any steps."""
    cdef Py_ssize_t item = self.item
    cdef bint direct = True
    cdef int k, j
    memset(box.row_step, 0, sizeof(box.row_step))
    memset(box.step, 0, sizeof(box.step))
    box.item = item
    for k in range(self.face.inputs + self.face.outputs):
        j = self.operand[k]
        box.at[j] = <char *> operands[k]
        if box.at[j] == NULL:
            return FA_NO_OPERAND
        box.step[j] = steps[k] if steps != NULL and box.n > 1 else item
        if self.face.single >> k & 1:
            box.step[j] = 0
        else:
            direct = direct and (box.step[j] == item or k == self.weight and box.step[j] == 0)
        if box.rows > 1:
            box.row_step[j] = row_steps[k] if row_steps != NULL else box.step[j] * box.n if box.step[j] else item
    for k in range(self.face.inputs, self.face.inputs + self.face.outputs):
        if overlaps(self, box, k):
            return FA_OVERLAP
    if self.weight >= 0 and not weights_are_good(self, box):
        return FA_PARAMETER
    if not direct:
        return run_elsewhere(self, parameters, box)
    compute(self, parameters, box.step, box, box.row_step)
    return FA_OK


cdef inline int read_parameters(const Record *self, const double *given, double *rounded) noexcept nogil:
    """In the type computed in, and within their ranges."""
    cdef int p
    if given == NULL:
        return FA_PARAMETER
    for p in range(self.face.parameters):
        if not fpmode_round_inside(given[p], self.face.type == FA_FLOAT32,
                                   self.low[p], self.high[p], &rounded[p]):
            return FA_PARAMETER
    return FA_PARAMETER if self.ordered and fpmode_falls(rounded, self.face.parameters) else FA_OK


cdef bint weights_are_good(const Record *self, const Box *box) noexcept nogil:
    cdef int j = self.operand[self.weight]
    cdef Py_ssize_t row, n = box.n if box.step[j] else 1
    for row in range(box.rows if box.row_step[j] else 1):
        if fpmode_first_outside_of_strided(
                box.at[j] + row * box.row_step[j], box.step[j],
                fpmode_read_float if self.face.type == FA_FLOAT32 else fpmode_read_double, n,
                self.low[MAX_PARAMETERS], self.high[MAX_PARAMETERS]) < n:
            return False
    return True


cdef int run_elsewhere(const Record *self, const double *parameters, const Box *box) noexcept nogil:
    """The way of the core, for what the kernel cannot take where it is: by copies of some elements, or of rows."""
    cdef const Kernel *kernel = self.kernel
    cdef Plan plan
    cdef int k
    plan.kernel, plan.parameters, plan.operands, plan.item = kernel, parameters, kernel.operands, box.item
    plan.planes, plan.rows, plan.columns = 1, box.rows, box.n
    plan.outer, plan.scratch, plan.out, plan.heap, plan.heap_share = 0, -1, -1, NULL, 0
    for k in range(kernel.operands):
        plan.data[k], plan.storage[k] = box.at[k], self.storage
        plan.plane_step[k], plan.row_step[k], plan.step[k] = 0, box.row_step[k], box.step[k]
        if kernel.output[k] and plan.data[k] != NULL and plan.out < 0:
            plan.out = k
    describe_box(&plan)
    if not reserve_rows(&plan, 1):
        return FA_MEMORY
    run_tile(&plan, plan.data[0], plan.data[plan.out], 0, 0, 0, plan.rows, plan.columns, 0)
    free(plan.heap)
    return FA_OK


# ---------------------------------------------------------------------------------------------------------------
# Overlap
# ---------------------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t span(const Box *box, int j) noexcept nogil:
    """Bytes from the first to the last of a row."""
    return (box.n - 1) * magnitude(box.step[j]) + box.item


cdef inline char *low(const Box *box, int j) noexcept nogil:
    """Where the first row's lowest element is."""
    return box.at[j] + ((box.n - 1) * box.step[j] if box.step[j] < 0 else 0)


cdef inline char *lowest(const Box *box, int j) noexcept nogil:
    return low(box, j) + ((box.rows - 1) * box.row_step[j] if box.row_step[j] < 0 else 0)


cdef inline char *end(const Box *box, int j) noexcept nogil:
    return lowest(box, j) + (box.rows - 1) * magnitude(box.row_step[j]) + span(box, j)


cdef bint overlaps(const Record *self, const Box *box, int output) noexcept nogil:
    """Whether the output may overlap itself, or another operand but for an input that it is, element for element."""
    cdef int j, k, o = self.operand[output]
    cdef int single = self.face.single >> output & 1
    if box.n > 1 and not single and magnitude(box.step[o]) < box.item:
        return True
    if box.rows > 1 and magnitude(box.row_step[o]) < span(box, o) and (
            magnitude(box.step[o]) < (box.rows - 1) * magnitude(box.row_step[o]) + box.item
            or magnitude(box.row_step[o]) < box.item):
        return True
    for k in range(self.face.inputs + self.face.outputs):
        j = self.operand[k]
        if k == output or end(box, j) <= lowest(box, o) or end(box, o) <= lowest(box, j):
            continue
        if (k < self.face.inputs and box.at[j] == box.at[o] and box.step[j] == box.step[o]
                and box.row_step[j] == box.row_step[o] and <int> (self.face.single >> k & 1) == single):
            continue
        if not interleave(box, j, o):
            return True
    return False


cdef bint interleave(const Box *box, int a, int b) noexcept nogil:
    """Whether elements, or rows, lie in each other's gaps."""
    cdef Py_ssize_t by_rows = common(box.row_step[a], box.row_step[b])
    return fit(box.at[b] - box.at[a], common(by_rows, common(box.step[a], box.step[b])), box.item, box.item) or fit(
        low(box, b) - low(box, a), by_rows, span(box, a), span(box, b))


cdef inline bint fit(Py_ssize_t distance, Py_ssize_t period, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    """Whether a bytes, and b bytes at a distance, do not meet if both are repeated."""
    if period == 0:
        return False
    distance %= period
    if distance < 0:
        distance += period
    return a <= distance <= period - b


cdef inline Py_ssize_t common(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    """The greatest common divisor of two steps."""
    a, b = magnitude(a), magnitude(b)
    while b:
        a, b = b, a % b
    return a


# ---------------------------------------------------------------------------------------------------------------
# What there is
# ---------------------------------------------------------------------------------------------------------------

cdef fa_api interface
cdef Record *records
cdef const fa_function **faces
kept = []  # what records point into


cdef const fa_function *find(const char *name, int role, int type) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(interface.count):
        if faces[i].role == role and faces[i].type == type and name != NULL and strcmp(faces[i].name, name) == 0:
            return faces[i]
    return NULL


cdef const char *explain(int status) noexcept nogil:
    if status == FA_OK:
        return "computed"
    if status == FA_NO_FUNCTION:
        return "there is no such function"
    if status == FA_NO_OPERAND:
        return "an operand is missing"
    if status == FA_SIZE:
        return "no such size is possible"
    if status == FA_PARAMETER:
        return "a parameter or a weight is NaN, out of its range, or missing"
    if status == FA_OVERLAP:
        return "an output overlaps itself or another operand"
    if status == FA_MEMORY:
        return "there is no memory for a copy of a row"
    return "unknown status"


cdef int describe(Record *record, Function function, call, int role, int source, int dtype) except -1:
    """Fills a record; `call` is what the catalogue says that the arguments are."""
    cdef int i, k = 0
    cdef Slot *slot
    name = (<str> function.row.name).encode()
    kept.append((name, function))
    record.face.name, record.face.role, record.face.type = name, role, dtype
    record.face.by_rows, record.face.defaults = function.rowwise, record.defaults
    record.optional = True
    record.kernel, record.weight, record.ordered = &function.kernels[source][dtype], -1, function.ordered
    record.storage, record.item = (FASTACT_FLOAT64, sizeof(double)) if dtype else (FASTACT_FLOAT32, sizeof(float))
    for argument in call:
        i = function.arguments.index(argument.name)
        slot = &function.slots[i]
        if slot.role == PARAMETER:
            record.low[slot.place], record.high[slot.place] = slot.low[source], slot.high[source]
            record.defaults[slot.place] = NAN if slot.required else function.defaults[dtype][slot.place]
            record.face.parameters += 1
            record.optional = record.optional and not slot.required
            continue
        if slot.role == WEIGHT:
            record.weight = k
            record.low[MAX_PARAMETERS], record.high[MAX_PARAMETERS] = slot.low[source], slot.high[source]
        if slot.role == OUTPUT:
            record.face.outputs += 1
        else:
            record.face.inputs += 1
        record.face.single |= (slot.shape == REDUCED) << k
        record.operand[k] = slot.operand
        k += 1
    record.plain = record.face.single == 0 and record.weight < 0
    return 0


cdef dict ROLES = {
    "forward": FA_FORWARD, "derivative": FA_DERIVATIVE, "backward": FA_BACKWARD, "backward_y": FA_BACKWARD_Y}


cdef int publish() except -1:
    global records, faces, interface, api
    cdef Py_ssize_t count = 0
    cdef int dtype
    calls = [(name, role, call) for name, spec in SPECS.items() for role, call in signatures.bare_calls(spec).items()]
    records = <Record *> calloc(2 * len(calls), sizeof(Record))
    faces = <const fa_function **> calloc(2 * len(calls), sizeof(void *))
    if records == NULL or faces == NULL:
        raise MemoryError("fastact has no memory for what it shows to C")
    for name, role, call in calls:
        function = FUNCTIONS[name] if role == "forward" else getattr(FUNCTIONS[name], role.removesuffix("_y"))
        for dtype in range(2):
            describe(
                &records[count], function, call, ROLES[role], FROM_Y if role == "backward_y" else FROM_X, dtype)
            faces[count] = &records[count].face
            count += 1
    interface.version, interface.size = FA_API_VERSION, sizeof(fa_api)
    interface.functions, interface.count = faces, count
    interface.find, interface.run, interface.explain = find, run, explain
    api = &interface
    return 0


def addresses():
    """The address of every function, by its name, call and type, for compiled code that is told them."""
    found = {}
    cdef Py_ssize_t i
    calls = {role: call for call, role in ROLES.items()}
    for i in range(interface.count):
        found[faces[i].name.decode(), calls[faces[i].role], faces[i].type] = <uintptr_t> faces[i]
    return found


publish()
API = PyCapsule_New(<void *> api, "fastact._c_api.API", NULL)
ADDRESS = <uintptr_t> api
RUN = <uintptr_t> <void *> run
SIZE, OVERLAP, MEMORY = FA_SIZE, FA_OVERLAP, FA_MEMORY
REASONS = {status: explain(status).decode() for status in range(FA_SIZE, FA_MEMORY + 1)}
