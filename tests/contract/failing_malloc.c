/* A malloc that fails when told to, and counts what is alive.  Preloaded by memory.py; glibc only.

Between arm() and disarm(), which guarded_call() does around one call of a Python object, the k-th allocation returns
NULL, whichever thread makes it.  Allocations by libraries that have no way to say so (ranges given to spare()) pass. */

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);
extern void *PyObject_Call(void *, void *, void *) __attribute__((weak));

enum { MOST_RANGES = 64 };

static atomic_long seen, failed, first = -1, last = -1; /* allocations first to last fail; none while first < 0 */
static atomic_long alive, most_alive;                   /* bytes */
static uintptr_t spared[MOST_RANGES][2];
static int ranges;

void spare(uintptr_t begin, uintptr_t end)
{
    if (ranges == MOST_RANGES)
        abort();
    spared[ranges][0] = begin;
    spared[ranges++][1] = end;
}

static int fails(const void *caller)
{
    long from = atomic_load(&first), k;
    int i;
    if (from < 0)
        return 0;
    for (i = 0; i < ranges; i++)
        if (spared[i][0] <= (uintptr_t)caller && (uintptr_t)caller < spared[i][1])
            return 0;
    k = atomic_fetch_add(&seen, 1);
    if (k < from || k > atomic_load(&last))
        return 0;
    atomic_fetch_add(&failed, 1);
    errno = ENOMEM;
    return 1;
}

static void *born(void *memory)
{
    if (memory) {
        long now = atomic_fetch_add(&alive, (long)malloc_usable_size(memory)) + (long)malloc_usable_size(memory);
        long most = atomic_load(&most_alive);
        while (now > most && !atomic_compare_exchange_weak(&most_alive, &most, now))
            ;
    }
    return memory;
}

static void died(void *memory)
{
    if (memory)
        atomic_fetch_sub(&alive, (long)malloc_usable_size(memory));
}

void *malloc(size_t size) { return fails(__builtin_return_address(0)) ? NULL : born(__libc_malloc(size)); }

void *calloc(size_t count, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : born(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
    long before = old ? (long)malloc_usable_size(old) : 0;
    void *memory;
    if (fails(__builtin_return_address(0)))
        return NULL;
    memory = __libc_realloc(old, size);
    if (memory || !size)
        atomic_fetch_sub(&alive, before);
    return born(memory);
}

void *memalign(size_t alignment, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : born(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : born(__libc_memalign(alignment, size));
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    if (fails(__builtin_return_address(0)))
        return ENOMEM;
    *memory = born(__libc_memalign(alignment, size));
    return *memory ? 0 : ENOMEM;
}

void free(void *memory)
{
    died(memory);
    __libc_free(memory);
}

long bytes_alive(void) { return atomic_load(&alive); }

/* The most bytes that were alive at once since the last call of this. */
long peak(void)
{
    long most = atomic_load(&most_alive);
    atomic_store(&most_alive, atomic_load(&alive));
    return most;
}

/* How many allocations failed in the last guarded call, and how many there were. */
long failures(void) { return atomic_load(&failed); }
long allocations(void) { return atomic_load(&seen); }

/* function(*args, **keywords), its allocations from the k-th to the `until`-th failing; -1, -1: none. */
void *guarded_call(void *function, void *args, void *keywords, long k, long until)
{
    void *result;
    atomic_store(&seen, 0);
    atomic_store(&failed, 0);
    atomic_store(&last, until);
    atomic_store(&first, k < 0 ? 0x7fffffff : k);
    result = PyObject_Call(function, args, keywords);
    atomic_store(&first, -1);
    return result;
}
