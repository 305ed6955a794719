/* Counts a process's allocations, its modules' included: preloaded, it stands
 * before the C library's malloc for everybody.
 *
 *     cc -O1 -shared -fPIC mallocs.c -o libmallocs.so
 *     MALLOCS_FILE=FILE LD_PRELOAD=./libmallocs.so gateway-server ...
 *
 * FILE is shared memory of four 64-bit counters, so that reading it costs the
 * process nothing: allocations, bytes asked for, frees, and bytes held, as many as
 * malloc has set aside for them. A realloc that has something to move counts as an
 * allocation; what was held before the count is not in it. For glibc, which exports its
 * own functions by other names: looking them up with dlsym would allocate. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

struct counters {
    _Atomic uint64_t calls, bytes, frees, held;
};

static struct counters before_start;
static struct counters *counters = &before_start;

__attribute__((constructor)) static void share(void) {
    const char *path = getenv("MALLOCS_FILE");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    if (ftruncate(fd, sizeof *counters) == 0) {
        void *shared = mmap(NULL, sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (shared != MAP_FAILED)
            counters = shared;
    }
    close(fd);
}

static void count(size_t bytes) {
    atomic_fetch_add_explicit(&counters->calls, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->bytes, bytes, memory_order_relaxed);
}

static void *hold(void *memory) {
    if (memory != NULL)
        atomic_fetch_add_explicit(&counters->held, malloc_usable_size(memory), memory_order_relaxed);
    return memory;
}

static void let_go(size_t size) {
    atomic_fetch_sub_explicit(&counters->held, size, memory_order_relaxed);
}

EXPORT void *malloc(size_t size) {
    count(size);
    return hold(__libc_malloc(size));
}

EXPORT void *calloc(size_t number, size_t size) {
    count(number * size);
    return hold(__libc_calloc(number, size));
}

EXPORT void *realloc(void *old, size_t size) {
    const size_t before = malloc_usable_size(old);
    void *const memory = __libc_realloc(old, size);
    count(size);
    if (memory != NULL || size == 0)
        let_go(before);
    return hold(memory);
}

EXPORT void *memalign(size_t alignment, size_t size) {
    count(size);
    return hold(__libc_memalign(alignment, size));
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) {
    count(size);
    return hold(__libc_memalign(alignment, size));
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size) {
    count(size);
    void *memory = hold(__libc_memalign(alignment, size));
    if (memory == NULL)
        return ENOMEM;
    *out = memory;
    return 0;
}

EXPORT void free(void *memory) {
    if (memory != NULL) {
        atomic_fetch_add_explicit(&counters->frees, 1, memory_order_relaxed);
        let_go(malloc_usable_size(memory));
    }
    __libc_free(memory);
}
