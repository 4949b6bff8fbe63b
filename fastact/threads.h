/* All that is asked of OpenMP and of the process about threads.  It compiles without OpenMP as well; nothing else
 * includes omp.h. */
#ifndef FASTACT_THREADS_H
#define FASTACT_THREADS_H

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

/* A forked child must not enter an OpenMP region: whoever used the runtime before the fork, fastact or another
 * library, left it waiting for threads that the child does not have. */
#ifdef _WIN32
static inline int threads_forked(void) { return 0; }
static inline void threads_mark_forked(void) {}
static inline int threads_watch_forks(void) { return 0; }
#else
#include <pthread.h>
static int threads_is_child;
static inline int threads_forked(void) { return threads_is_child; }
static void threads_mark_forked(void) { threads_is_child = 1; }
static inline int threads_watch_forks(void) { return pthread_atfork(NULL, NULL, threads_mark_forked); }
#endif

#endif
