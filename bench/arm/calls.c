/* Calls every kernel of a target, -DTARGET=neon, once, with a call of `mark` before and after, and prints a line for
 * each: its type, name and role, and the number of elements.  ../arm.py sees the marks in a trace. */
#include "../../fastact/kernels/kernels.h"
#include <stdio.h>
#include <string.h>

enum { ELEMENTS = 1024, MOST_OPERANDS = 7 };

static double blocks[MOST_OPERANDS][ELEMENTS] __attribute__((aligned(64)));
static int64_t labels[ELEMENTS];
static const char *const roles[] = {"forward", "derivative", "backward", "backward from y", "sum"};

__attribute__((noinline)) void mark(void) { __asm__ volatile(""); }

/* Numbers that take no function out of its fast path; the last digits differ, as those of real ones do. */
static void fill(int bits, int block, double low, double high)
{
    for (int i = 0; i < ELEMENTS; i++) {
        double value = low + (high - low) * ((i * 389 % ELEMENTS) + 0.3183) / ELEMENTS;
        float narrow = (float)value;
        if (bits == 32)
            memcpy((char *)blocks[block] + 4 * i, &narrow, 4);
        else
            blocks[block][i] = value;
    }
}

static const struct fastact_entry *entry(const struct fastact_kernels *k, const char *name, enum fastact_role role)
{
    for (ptrdiff_t i = 0; i < k->entry_count; i++)
        if (k->entries[i].role == role && !strcmp(k->entries[i].name, name))
            return &k->entries[i];
    return NULL;
}

/* `order` has a digit for each operand, the block it is in, or '-' where there is none, or 'l' for labels. */
static void call(const struct fastact_kernels *k, const struct fastact_entry *e, const char *order, ptrdiff_t n,
                 const char *variant)
{
    const ptrdiff_t item = k->compute_bits / 8;
    const double parameters[] = {1, 0.5, 1};
    ptrdiff_t rows[MOST_OPERANDS] = {0}, steps[MOST_OPERANDS];
    char *operands[MOST_OPERANDS] = {NULL};
    struct fastact_args args = {parameters, steps, item == 4 ? FASTACT_FLOAT32 : FASTACT_FLOAT64};
    fill((int)item * 8, 0, -2, 2), fill((int)item * 8, 1, -4, 4), fill((int)item * 8, 2, 0, 1);
    for (int i = 0; order[i]; i++) {
        steps[i] = item, rows[i] = n * item;
        if (order[i] == 'l')
            operands[i] = (char *)labels, steps[i] = 8, rows[i] = 8;
        else if (order[i] != '-')
            operands[i] = (char *)blocks[order[i] - '0'];
    }
    printf("float%d %s %s%s %d\n", k->compute_bits, e->name, roles[e->role], variant, ELEMENTS);
    mark();
    e->run(&args, operands, rows, ELEMENTS / n, n);
    mark();
}

static void call_entry(const struct fastact_kernels *k, const struct fastact_entry *e)
{
    const int gradient = e->role == FASTACT_BACKWARD || e->role == FASTACT_BACKWARD_Y;
    const int from_y = e->role == FASTACT_BACKWARD_Y;
    const struct fastact_entry *backward = entry(k, e->name, FASTACT_BACKWARD);
    if (e->role == FASTACT_SUM)
        call(k, e, "0134", ELEMENTS, "");
    else if (entry(k, e->name, FASTACT_DERIVATIVE)) {
        const int channelwise = entry(k, e->name, FASTACT_SUM) != NULL;
        call(k, e, channelwise ? &"0123"[!gradient] : from_y ? "02-3" : &"01-3"[!gradient], ELEMENTS, "");
    } else if (entry(k, e->name, FASTACT_BACKWARD_Y) || (backward && backward->columns)) {
        call(k, e, from_y ? "02--3" : &"01--3"[!gradient], ELEMENTS, "");
        call(k, e, from_y ? "02--3" : &"01--3"[!gradient], ELEMENTS / 8, ", rows of 128");
    } else if (backward)
        call(k, e, &"01234"[!gradient], ELEMENTS, "");
    else if (e->columns)
        call(k, e, "1l--34-", ELEMENTS, "");
    else
        call(k, e, "12--34", ELEMENTS, "");
}

#ifdef __aarch64__
#define PLAIN(name) void plain_##name(const float *x, float *out, ptrdiff_t n);
#include "plain.h"
#undef PLAIN
static void call_plain(const char *name, void (*f)(const float *, float *, ptrdiff_t))
{
    fill(32, 1, -4, 4);
    printf("plain %s forward %d\n", name, ELEMENTS);
    mark();
    f((const float *)blocks[1], (float *)blocks[3], ELEMENTS);
    mark();
}
#endif

#define TABLE(target, type) fastact_##target##_##type
#define TABLE_OF(target, type) TABLE(target, type)
extern const struct fastact_kernels TABLE_OF(TARGET, f32), TABLE_OF(TARGET, f64);

int main(void)
{
    const struct fastact_kernels *tables[] = {&TABLE_OF(TARGET, f32), &TABLE_OF(TARGET, f64)};
    for (int t = 0; t < 2; t++)
        for (ptrdiff_t i = 0; i < tables[t]->entry_count; i++)
            call_entry(tables[t], &tables[t]->entries[i]);
#ifdef __aarch64__
#define PLAIN(name) call_plain(#name, plain_##name);
#include "plain.h"
#endif
    return 0;
}
