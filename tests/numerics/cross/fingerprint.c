/* Prints a fingerprint of the bits of every kernel of every target this machine runs: one line a target, type, function
 * and kernel, over many lengths and with every optional operand present and absent.  Equal lines on two machines, or
 * before and after an edit, mean equal bits; test_cross.py compares aarch64 with x86-64 and Clang with GCC. */
#include "../../../fastact/kernels/kernels.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENTS = 1 << 18, LONGEST = 1 << 14, ROWS = 50, TOGETHER = 1 << 15, MOST_OPERANDS = 7 };

static uint64_t random_bits(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void put(void *block, int bits, ptrdiff_t i, double x)
{
    float narrow = (float)x;
    if (bits == 32)
        memcpy((char *)block + 4 * i, &narrow, 4);
    else
        memcpy((char *)block + 8 * i, &x, 8);
}

enum values { ANY, SMALL, POSITIVE, UNIT };

/* ANY: every bit pattern is as likely as any other, NaNs of both kinds too.  SMALL: -8 to 8.  POSITIVE: 0 to 8.  UNIT:
 * 0 to 1. */
static void fill(void *block, int bits, ptrdiff_t n, uint64_t seed, enum values values)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        uint64_t pattern = random_bits(&seed);
        double x = (double)(int32_t)pattern / 0x1p28;
        if (values == ANY) {
            memcpy((char *)block + i * bits / 8, &pattern, (size_t)bits / 8);
            continue;
        }
        if (values == POSITIVE)
            x = fabs(x);
        if (values == UNIT)
            x = fabs(x) / 8;
        put(block, bits, i, x);
    }
}

#define SEED 0xcbf29ce484222325u
/* By elements: a hash by bytes would take most of the time under an emulator. */
static uint64_t mixed(uint64_t hash, uint64_t pattern)
{
    hash = (hash ^ pattern) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 32);
}

/* Of a NaN, that it is one: its sign and payload are the CPU's own. */
static uint64_t fingerprint(uint64_t hash, const void *block, int bits, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        uint32_t narrow;
        uint64_t wide;
        if (bits == 32) {
            memcpy(&narrow, (const char *)block + 4 * i, 4);
            hash = mixed(hash, (narrow & 0x7fffffff) > 0x7f800000 ? UINT64_MAX : narrow);
        } else {
            memcpy(&wide, (const char *)block + 8 * i, 8);
            hash = mixed(hash, (wide & INT64_MAX) > 0x7ff0000000000000u ? UINT64_MAX : wide);
        }
    }
    return hash;
}

/* How a table's own type is stored. */
static int stored(int bits) { return bits == 32 ? FASTACT_FLOAT32 : FASTACT_FLOAT64; }

static const char *const roles[] = {"forward", "derivative", "backward", "backward_y", "sum"};

static void report(const struct fastact_kernels *k, const char *name, const char *kernel, const char *variant,
                   uint64_t hash)
{
    printf("%s %d f%d %s.%s%s%s %016llx\n", k->target, k->fused, k->compute_bits, name, kernel, *variant ? "." : "",
           variant, (unsigned long long)hash);
}

static const struct fastact_entry *entry(const struct fastact_kernels *k, const char *name, enum fastact_role role)
{
    for (ptrdiff_t i = 0; i < k->entry_count; i++)
        if (k->entries[i].role == role && !strcmp(k->entries[i].name, name))
            return &k->entries[i];
    return NULL;
}

/* Memory for everything: of ELEMENTS float64 each, filled anew for each kind of function. */
static char *x, *grad, *y, *weight, *more, *out, *second;
static unsigned char where[ELEMENTS];
static int64_t labels[ROWS], valid_length[ROWS];

/* The outputs of a call: what is hashed, and was 7 before. */
static void clear(int bits, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        put(out, bits, i, 7), put(second, bits, i, 7);
}

/* Elementwise and channelwise: x, [bias or weight], out, behind a gradient where the role has one. */
static void run_elementwise(const struct fastact_kernels *k, const struct fastact_entry *e)
{
    static const ptrdiff_t lengths[] = {1, 3, 16, 17, 63, 200, 1001, LONGEST};
    static const double parameters[][2] = {{0.25, 0.5}, {1.0 / 6, 0.5}, {1, 20}, {3, -2}};
    const int bits = k->compute_bits, channelwise = entry(k, e->name, FASTACT_SUM) != NULL;
    const int gradient = e->role == FASTACT_BACKWARD || e->role == FASTACT_BACKWARD_Y;
    const ptrdiff_t item = bits / 8;
    char *from = e->role == FASTACT_BACKWARD_Y ? y : x;
    fill(x, bits, ELEMENTS, 1, ANY);
    fill(x + ELEMENTS / 2 * item, bits, ELEMENTS / 2, 2, SMALL);
    fill(grad, bits, ELEMENTS, 3, SMALL);
    fill(weight, bits, ELEMENTS, 4, SMALL);
    for (int variant = 0; variant < 2; variant++) { /* without a bias and with one; a weight for all, and one each */
        uint64_t hash = SEED;
        for (size_t set = 0; set < sizeof parameters / sizeof *parameters; set++)
            for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
                for (int offset = 0; offset < 2; offset++) {
                    /* Most functions have no parameters: the other sets of them need not be as long. */
                    ptrdiff_t n = set && lengths[i] > 1001 ? LONGEST / 8 : lengths[i];
                    char *start = from + (ELEMENTS / 2 - n / 2) * item;
                    char *vector = channelwise || variant ? weight + offset * item : NULL;
                    char *operands[MOST_OPERANDS] = {start, vector, out + offset * item};
                    ptrdiff_t steps[MOST_OPERANDS] = {item, item, item, item}, rows[MOST_OPERANDS] = {0};
                    if (gradient)
                        operands[0] = grad, operands[1] = start, operands[2] = vector,
                        operands[3] = out + offset * item;
                    if (channelwise && !variant)
                        steps[gradient + 1] = 0;
                    struct fastact_args args = {parameters[set], steps, stored(bits)};
                    if (e->role == FASTACT_BACKWARD_Y) { /* y is what forward gives */
                        const struct fastact_entry *forward = entry(k, e->name, FASTACT_FORWARD);
                        char *forward_operands[MOST_OPERANDS] = {x + (start - y), channelwise ? vector : NULL, start};
                        ptrdiff_t forward_steps[MOST_OPERANDS] = {item, steps[2], item};
                        struct fastact_args forward_args = {parameters[set], forward_steps, stored(bits)};
                        forward->run(&forward_args, forward_operands, rows, 1, n);
                    }
                    clear(bits, n + 2);
                    e->run(&args, operands, rows, 1, n);
                    hash = fingerprint(hash, out, bits, n + 2);
                }
        report(k, e->name, roles[e->role], !variant ? "" : channelwise ? "each" : "bias", hash);
    }
}

/* Sums of a weight's gradient, of a bias's and of losses: [grad], x, sums, errors.  Rows, then columns. */
static void run_sum(const struct fastact_kernels *k, const struct fastact_entry *e)
{
    static const ptrdiff_t lengths[] = {1, 2, 15, 16, 17, 33, 200, ELEMENTS / ROWS};
    const int bits = k->compute_bits;
    const ptrdiff_t item = bits / 8;
    fill(x, bits, ELEMENTS, 5, SMALL);
    fill(grad, bits, ELEMENTS, 6, SMALL);
    for (int columns = 0; columns < 2; columns++) {
        uint64_t hash = SEED;
        if (columns && !e->columns)
            continue;
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            ptrdiff_t n = lengths[i];
            ptrdiff_t rows[MOST_OPERANDS] = {columns ? item : n * item, columns ? item : n * item, 8, 8};
            ptrdiff_t steps[MOST_OPERANDS] = {columns ? ROWS * item : item, columns ? ROWS * item : item, 8, 8};
            struct fastact_args args = {NULL, steps, stored(bits)};
            char *operands[MOST_OPERANDS] = {grad, x, out, second};
            clear(64, ROWS);
            (columns ? e->columns : e->run)(&args, operands, rows, ROWS, n);
            hash = fingerprint(hash, out, 64, ROWS);
            if (bits == 64)
                hash = fingerprint(hash, second, 64, ROWS);
        }
        report(k, e->name, roles[e->role], columns ? "columns" : "", hash);
    }
}

/* Rowwise: x, [mask], [valid length], out, behind a gradient where the role has one. */
static void run_rowwise(const struct fastact_kernels *k, const struct fastact_entry *e)
{
    const int bits = k->compute_bits, gradient = e->role != FASTACT_FORWARD;
    const int reduction = entry(k, e->name, FASTACT_BACKWARD) != NULL;
    const int scales = strcmp(e->name, "softmin") && strcmp(e->name, "sparsemax");
    const int masks = scales || !strcmp(e->name, "sparsemax");
    const ptrdiff_t item = bits / 8;
    fill(x, bits, ELEMENTS, 7, SMALL);
    fill(grad, bits, ELEMENTS, 8, SMALL);
    for (int i = 0; i < ELEMENTS; i++)
        where[i] = i % 5 != 0;
    for (ptrdiff_t i = 0; i < ELEMENTS; i += 131) /* -inf, a maximum that is met again, and what is far below it */
        put(x, bits, i, i % 3 == 0 ? -INFINITY : i % 3 == 1 ? 8 : bits == 32 ? -92 : -730);
    for (int variant = 0; variant < 16; variant++) {
        const int columns = variant & 1, mask = variant >> 1 & 1, length = variant >> 2 & 1, scale = variant >> 3;
        if ((columns && !e->columns) || (!masks && variant > 1) || (!scales && variant > 3))
            continue;
        const double parameters[] = {scale ? 0.3 : 1};
        uint64_t hash = SEED;
        for (ptrdiff_t n = 1; n < ELEMENTS; n = n < 40 ? n + 1 : n < 200 ? n + 37 : 5 * n) {
            ptrdiff_t count = n * ROWS <= TOGETHER ? ROWS : (TOGETHER + n - 1) / n;
            if (columns && n > 1000)
                break;
            ptrdiff_t row = columns ? item : n * item, step = columns ? count * item : item;
            for (ptrdiff_t i = 0; i < count; i++)
                valid_length[i] = i % (n + 1);
            char *start = x;
            if (gradient && !reduction) {
                const struct fastact_entry *forward = entry(k, e->name, FASTACT_FORWARD);
                char *forward_operands[MOST_OPERANDS] = {x, NULL, NULL, y};
                ptrdiff_t rows[MOST_OPERANDS] = {row, 0, 0, row}, steps[MOST_OPERANDS] = {step, 0, 0, step};
                struct fastact_args args = {(const double[]){1}, steps, stored(bits)};
                if (columns && !forward->columns)
                    memcpy(y, x, (size_t)(count * n * item));
                else
                    (columns ? forward->columns : forward->run)(&args, forward_operands, rows, count, n);
                start = y;
            }
            char *operands[MOST_OPERANDS] = {grad, start, mask ? (char *)where : NULL,
                                             length ? (char *)valid_length : NULL, out};
            ptrdiff_t rows[MOST_OPERANDS] = {row, row, columns ? 1 : n, 8, row};
            ptrdiff_t steps[MOST_OPERANDS] = {step, step, columns ? count : 1, 0, step};
            if (reduction)
                rows[gradient ? 0 : 4] = item;
            struct fastact_args args = {parameters, steps + !gradient, stored(bits)};
            clear(bits, count * n);
            (columns ? e->columns : e->run)(&args, operands + !gradient, rows + !gradient, count, n);
            hash = fingerprint(hash, out, bits, count * n);
        }
        char name[64];
        snprintf(name, sizeof name, "%s%s%s%s", columns ? "columns" : "rows", mask ? "+mask" : "",
                 length ? "+valid_length" : "", scale ? "+scale" : "");
        report(k, e->name, roles[e->role], name, hash);
    }
}

static void run_gate(const struct fastact_kernels *k, const struct fastact_entry *e)
{
    static const ptrdiff_t lengths[] = {1, 3, 16, 17, 63, 200, 1001, LONGEST};
    const int bits = k->compute_bits, gradient = e->role == FASTACT_BACKWARD;
    const ptrdiff_t item = bits / 8;
    uint64_t hash = SEED;
    fill(x, bits, ELEMENTS, 9, ANY);
    fill(x + ELEMENTS / 2 * item, bits, ELEMENTS / 2, 10, SMALL);
    fill(grad, bits, ELEMENTS, 11, SMALL);
    fill(weight, bits, ELEMENTS, 12, SMALL);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        ptrdiff_t n = lengths[i], rows[MOST_OPERANDS] = {0}, steps[MOST_OPERANDS] = {item, item, item, item, item};
        struct fastact_args args = {NULL, steps, stored(bits)};
        char *operands[MOST_OPERANDS] = {grad, x + (ELEMENTS / 2 - n / 2) * item, weight, out, second};
        clear(bits, n + 1);
        e->run(&args, operands + !gradient, rows, 1, n);
        hash = fingerprint(fingerprint(hash, out, bits, n + 1), second, bits, n + 1);
    }
    report(k, e->name, roles[e->role], "", hash);
}

static void run_softmax_cross_entropy(const struct fastact_kernels *k, const struct fastact_entry *e)
{
    const int bits = k->compute_bits;
    const ptrdiff_t item = bits / 8;
    fill(x, bits, ELEMENTS, 13, SMALL);
    fill(y, bits, ELEMENTS, 14, UNIT);
    fill(weight, bits, ELEMENTS, 15, POSITIVE);
    fill(more, bits, ELEMENTS, 26, POSITIVE);
    for (int variant = 0; variant < 64; variant++) {
        const int columns = variant & 1, probable = variant >> 1 & 1, weighted = variant >> 2 & 1;
        const int smooth = variant >> 3 & 1, gradient = variant >> 4 & 1, row_weighted = variant >> 5;
        uint64_t hash = SEED;
        if (row_weighted && (probable || smooth))
            continue;
        for (ptrdiff_t n = 1; n < ELEMENTS; n = n < 40 ? n + 1 : n < 200 ? n + 37 : 7 * n) {
            ptrdiff_t count = n * ROWS <= TOGETHER ? ROWS - n % 7 : (TOGETHER + n - 1) / n;
            if (columns && n > k->short_row)
                break;
            const double parameters[] = {smooth ? 0.1 : 0, 2};
            ptrdiff_t row = columns ? item : n * item, step = columns ? count * item : item;
            ptrdiff_t rows[MOST_OPERANDS] = {row, 8, row, 0, row, item, item};
            ptrdiff_t steps[MOST_OPERANDS] = {step, 8, step, item, step, item, item};
            for (ptrdiff_t i = 0; i < count; i++)
                labels[i] = i % 11 == 3 ? -1 : 7 * i % n;
            char *operands[MOST_OPERANDS] = {x,
                                             probable ? NULL : (char *)labels,
                                             probable ? y : NULL,
                                             weighted ? weight : NULL,
                                             gradient ? out : NULL,
                                             second,
                                             row_weighted ? more : NULL};
            struct fastact_args args = {parameters, steps, stored(bits)};
            clear(bits, count * n);
            (columns ? e->columns : e->run)(&args, operands, rows, count, n);
            hash = fingerprint(fingerprint(hash, out, bits, count * n), second, bits, count);
        }
        char name[96];
        snprintf(name, sizeof name, "%s+%s%s%s%s%s", columns ? "columns" : "rows",
                 probable ? "probabilities" : "labels", weighted ? "+weights" : "", smooth ? "+smoothing" : "",
                 gradient ? "+gradient" : "", row_weighted ? "+row_weights" : "");
        report(k, e->name, roles[e->role], name, hash);
    }
}

static void run_sigmoid_cross_entropy(const struct fastact_kernels *k, const struct fastact_entry *e)
{
    static const ptrdiff_t lengths[] = {1, 3, 16, 17, 63, 200, 1001, LONGEST};
    const int bits = k->compute_bits;
    const ptrdiff_t item = bits / 8;
    fill(x, bits, ELEMENTS, 16, ANY);
    fill(x + ELEMENTS / 2 * item, bits, ELEMENTS / 2, 17, SMALL);
    fill(y, bits, ELEMENTS, 18, UNIT);
    fill(weight, bits, ELEMENTS, 19, POSITIVE);
    fill(more, bits, ELEMENTS, 20, POSITIVE);
    for (int variant = 0; variant < 16; variant++) {
        const int weighted = variant & 1, positive = variant >> 1 & 1, smooth = variant >> 2 & 1,
                  gradient = variant >> 3;
        const double parameters[] = {smooth ? 0.1 : 0, 2};
        uint64_t hash = SEED;
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            ptrdiff_t n = lengths[i], rows[MOST_OPERANDS] = {0};
            ptrdiff_t steps[MOST_OPERANDS] = {item, item, item, item, item, item};
            char *operands[MOST_OPERANDS] = {x + (ELEMENTS / 2 - n / 2) * item,
                                             y,
                                             weighted ? weight : NULL,
                                             positive ? more : NULL,
                                             gradient ? out : NULL,
                                             second};
            struct fastact_args args = {parameters, steps, stored(bits)};
            clear(bits, n + 1);
            e->run(&args, operands, rows, 1, n);
            hash = fingerprint(fingerprint(hash, out, bits, n + 1), second, bits, n + 1);
        }
        char name[96];
        snprintf(name, sizeof name, "%s%s%s%s", gradient ? "gradient" : "losses", weighted ? "+weight" : "",
                 positive ? "+pos_weight" : "", smooth ? "+smoothing" : "");
        report(k, e->name, roles[e->role], name, hash);
    }
}

/* Kernels by elements of float16 and bfloat16: every number, with a gradient, a bias and a weight of the same type. */
static uint64_t fingerprint_halves(uint64_t hash, const char *block, int storage, ptrdiff_t n)
{
    const uint16_t infinity = storage == FASTACT_BFLOAT16 ? 0x7f80 : 0x7c00;
    for (ptrdiff_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, block + 2 * i, 2);
        half = (half & 0x7fff) > infinity ? 0xffff : half; /* a NaN: its sign and payload are the CPU's own */
        hash = mixed(hash, half);
    }
    return hash;
}
static void run_stored_halves(const struct fastact_kernels *k, const struct fastact_entry *e)
{
    static const ptrdiff_t lengths[] = {3, 17, 200, 1 << 16};
    static const char *const names[] = {"float16", "bfloat16"};
    const int gate = entry(k, e->name, FASTACT_DERIVATIVE) == NULL,
              channelwise = entry(k, e->name, FASTACT_SUM) != NULL;
    const int gradient = e->role == FASTACT_BACKWARD || e->role == FASTACT_BACKWARD_Y;
    const double parameters[] = {0.25, 0.5};
    if (!k->takes_halves)
        return;
    for (uint32_t i = 0; i < 1 << 16; i++) {
        const uint16_t half = (uint16_t)i, one = (uint16_t)(0x3c00 + i % 997), other = (uint16_t)(0x3800 + i % 499);
        memcpy(x + 2 * i, &half, 2), memcpy(grad + 2 * i, &one, 2), memcpy(weight + 2 * i, &other, 2);
    }
    for (int type = 0; type < 2; type++)
        for (int vector = channelwise || gate; vector < 2; vector++) {
            const int storage = type ? FASTACT_BFLOAT16 : FASTACT_FLOAT16;
            uint64_t hash = SEED;
            for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
                ptrdiff_t n = lengths[i], rows[MOST_OPERANDS] = {0}, steps[MOST_OPERANDS] = {2, 2, 2, 2, 2};
                struct fastact_args args = {parameters, steps, storage};
                char *operands[MOST_OPERANDS] = {grad, x + 2 * ((1 << 16) - n), vector ? weight : NULL, out, second};
                memset(out, 7, (size_t)(2 * n + 2)), memset(second, 7, (size_t)(2 * n + 2));
                e->run(&args, operands + !gradient, rows, 1, n);
                hash = fingerprint_halves(fingerprint_halves(hash, out, storage, n + 1), second, storage, n + 1);
            }
            report(k, e->name, roles[e->role], names[type], hash ^ (uint64_t)vector);
        }
}

/* Which kind of function an entry belongs to, told by the roles that its name has. */
static void run_entry(const struct fastact_kernels *k, const struct fastact_entry *e)
{
    const struct fastact_entry *backward = entry(k, e->name, FASTACT_BACKWARD);
    if (e->role == FASTACT_SUM)
        run_sum(k, e);
    else if (entry(k, e->name, FASTACT_DERIVATIVE))
        run_elementwise(k, e), run_stored_halves(k, e);
    else if (entry(k, e->name, FASTACT_BACKWARD_Y) || (backward && backward->columns))
        run_rowwise(k, e);
    else if (backward)
        run_gate(k, e), run_stored_halves(k, e);
    else if (e->columns)
        run_softmax_cross_entropy(k, e);
    else
        run_sigmoid_cross_entropy(k, e);
}

/* What is not an entry: storage types, and the ends of sums and of labels. */
static void run_others(const struct fastact_kernels *k)
{
    const int bits = k->compute_bits;
    const ptrdiff_t item = bits / 8, strides[] = {0, 8, 24, -8, item};
    char name[32];
    fill(x, 64, ELEMENTS, 21, SMALL);
    for (int storage = 0; storage < FASTACT_STORAGE_COUNT; storage++) {
        uint64_t load_hash = SEED, store_hash = SEED;
        snprintf(name, sizeof name, "%d", storage);
        for (size_t s = 0; s < sizeof strides / sizeof *strides; s++)
            for (ptrdiff_t n = 0; n < 70; n++) {
                clear(bits, 4 * n + 4);
                if (k->load[storage]) {
                    k->load[storage](x + ELEMENTS / 2, strides[s], out, n);
                    load_hash = fingerprint(load_hash, out, bits, n + 1);
                }
                if (k->store[storage] && strides[s] > 0) {
                    k->store[storage](x, second, strides[s], n);
                    store_hash = fingerprint(store_hash, second, bits, 4 * n + 4);
                }
            }
        if (k->load[storage])
            report(k, "load", name, "", load_hash);
        if (k->store[storage])
            report(k, "store", name, "", store_hash);
    }
    fill(x, 64, ELEMENTS, 22, SMALL);
    fill(y, 64, ELEMENTS, 23, SMALL);
    fill(weight, bits, ELEMENTS, 24, POSITIVE);
    clear(64, 300);
    k->finish((double *)x, (double *)y, 7, 100, NULL, out);
    k->finish((double *)x, (double *)y, 9, 100, weight, out + 100 * item);
    k->total((double *)x, (double *)y, 11, 3, out + 200 * item);
    report(k, "finish", "sum", "", fingerprint(SEED, out, bits, 201));
    for (int64_t i = 0; i < ROWS; i++)
        labels[i] = i % 7 - (i % 5 == 0);
    k->pick(weight, labels, ROWS, out);
    report(k, "pick", "labels", "", fingerprint(SEED, out, bits, ROWS));
    for (int storage = FASTACT_INT8; storage <= FASTACT_UINT64; storage++) {
        int64_t ignored = 3, read[ROWS] = {0};
        double found[ROWS + 2];
        found[0] = (double)k->load_labels(storage, x, 8, ROWS, 1 << 20, NULL, read);
        for (int i = 0; i < ROWS; i++)
            found[i + 1] = (double)read[i];
        found[ROWS + 1] = (double)k->load_labels(storage, x, 8, ROWS, INT64_MAX, &ignored, read);
        snprintf(name, sizeof name, "%d", storage);
        report(k, "load_labels", name, "", fingerprint(SEED, found, 64, ROWS + 2));
    }
    fill(x, bits, ELEMENTS, 25, UNIT);
    double first[3] = {(double)k->first_beyond_unit(x, 1000)};
    put(x, bits, 700, 1.5), first[1] = (double)k->first_beyond_unit(x, 1000);
    put(x, bits, 5, NAN), put(x, bits, 30, -0.1), first[2] = (double)k->first_beyond_unit(x, 1000);
    report(k, "first_beyond_unit", "targets", "", fingerprint(SEED, first, 64, 3));
}

static void run(const struct fastact_kernels *k)
{
    for (ptrdiff_t i = 0; i < k->entry_count; i++)
        run_entry(k, &k->entries[i]);
    run_others(k);
}

/* Conversions of float16 and bfloat16, side by side and strided: of every number, and to them of many. */
static void run_halves(const struct fastact_kernels *k)
{
    static const char *const names[] = {"float16", "bfloat16"};
    for (int type = 0; type < 2; type++) {
        const int storage = type ? FASTACT_BFLOAT16 : FASTACT_FLOAT16, bits = k->compute_bits;
        const uint32_t infinity = type ? 0x7f80 : 0x7c00;
        for (ptrdiff_t stride = 2; stride < 6; stride += 3) {
            uint64_t hash = SEED;
            for (uint32_t i = 0; i < 1 << 16; i++) {
                uint16_t half = (uint16_t)i;
                memcpy(more + stride * i, &half, 2);
            }
            k->load[storage](more, stride, out, 65535);
            hash = fingerprint(hash, out, bits, 65535);
            if (k->store[storage]) {
                fill(x, bits, ELEMENTS, 5, ANY);
                for (uint32_t i = 0; i < ELEMENTS / 2; i++) { /* ties, and what is beside them */
                    uint32_t upper = i << 15 | (i & 1 ? 0x1000 : 0), pattern = upper + (i >> 3 & 3) - 1;
                    memcpy(x + 4 * i, &pattern, 4);
                }
                k->store[storage](x, more, stride, ELEMENTS - 1);
                for (ptrdiff_t i = 0; i < ELEMENTS - 1; i++) {
                    uint16_t half;
                    memcpy(&half, more + stride * i, 2);
                    half = (half & 0x7fff) > infinity ? 0xffff : half;
                    hash = mixed(hash, half);
                }
            }
            report(k, names[type], "conversion", stride == 2 ? "" : "strided", hash);
        }
    }
}

int main(void)
{
    char **const blocks[] = {&x, &grad, &y, &weight, &more, &out, &second};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (!(*blocks[i] = calloc(ELEMENTS + 64, 8)))
            return 1;
    for (ptrdiff_t i = 0; i < fastact_target_count; i++)
        if (fastact_targets[i].runs_here()) {
            run(fastact_targets[i].f32);
            run(fastact_targets[i].f64);
            run_halves(fastact_targets[i].f32);
            run_halves(fastact_targets[i].f64);
        }
    return 0;
}
