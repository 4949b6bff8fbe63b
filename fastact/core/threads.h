/* All that is asked of OpenMP and of the process about threads.  It compiles without OpenMP as well; nothing else
 * includes omp.h. */
#ifndef FASTACT_THREADS_H
#define FASTACT_THREADS_H

#include <stdint.h>

#ifdef _OPENMP
#include <omp.h>
#define FASTACT_OPENMP _OPENMP
static inline int threads_max(void) { return omp_get_max_threads(); }
static inline int threads_limit(void) { return omp_get_thread_limit(); }
static inline int threads_nested(void) { return omp_in_parallel(); }
static inline int threads_this(void) { return omp_get_thread_num(); }
#else
#define FASTACT_OPENMP 0
static inline int threads_max(void) { return 1; }
static inline int threads_limit(void) { return 1; }
static inline int threads_nested(void) { return 0; }
static inline int threads_this(void) { return 0; }
#endif

/* The places, sets of CPUs, that threads are bound to: none where they are not, or where OpenMP is too old to tell. */
#if FASTACT_OPENMP >= 201511
static inline int threads_places(void) { return omp_get_proc_bind() == omp_proc_bind_false ? 0 : omp_get_num_places(); }
static inline int threads_place_size(int place) { return omp_get_place_num_procs(place); }
static inline void threads_place(int place, int *cpus) { omp_get_place_proc_ids(place, cpus); }
#else
static inline int threads_places(void) { return 0; }
static inline int threads_place_size(int place)
{
    (void)place;
    return 0;
}
static inline void threads_place(int place, int *cpus)
{
    (void)place;
    (void)cpus;
}
#endif

/* A forked child must not enter an OpenMP region: whoever used the runtime before the fork, fastact or another
 * library, left it waiting for threads that the child does not have. */
#ifdef _WIN32
static inline int64_t threads_clock(void) { return 0; }
static inline int threads_forked(void) { return 0; }
static inline void threads_mark_forked(void) {}
static inline int threads_watch_forks(void) { return 0; }
#else
#include <pthread.h>
#include <time.h>

/* Nanoseconds from some time on; on Windows time stands still. */
static inline int64_t threads_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int threads_is_child;
static inline int threads_forked(void) { return threads_is_child; }
static void threads_mark_forked(void) { threads_is_child = 1; }
static inline int threads_watch_forks(void) { return pthread_atfork(NULL, NULL, threads_mark_forked); }
#endif

#endif
