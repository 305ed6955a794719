/* Says how many threads a process may start: preloaded, it stands before the
 * C library's pthread_create. A limit of the system's would not do: it does not
 * hold for root, and counts the threads of all the user's processes.
 *
 *     cc -shared -fPIC threads.c -o libthreads.so
 *     THREAD_LIMIT_FILE=FILE LD_PRELOAD=./libthreads.so gateway-server ...
 *
 * FILE is shared memory of three 64-bit numbers: how many threads may be started
 * in all, how many have been, and how often one was refused. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct limit {
    _Atomic uint64_t allowed, started, refused;
};

static struct limit *limit;

__attribute__((constructor)) static void share(void) {
    const char *path = getenv("THREAD_LIMIT_FILE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *shared = mmap(NULL, sizeof *limit, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared != MAP_FAILED)
        limit = shared;
    close(fd);
}

__attribute__((visibility("default"))) int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                                                          void *(*work)(void *), void *argument) {
    int (*start)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    *(void **)&start = dlsym(RTLD_NEXT, "pthread_create");
    if (limit != NULL && limit->started >= limit->allowed) {
        limit->refused++;
        return EAGAIN;
    }
    if (limit != NULL)
        limit->started++;
    return start(thread, attributes, work, argument);
}
