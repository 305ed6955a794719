/* One module with one thing wrong: which, says a FAULT_... definition. Without
 * one it is right, and so are the variants that integration/loader.rs loads. */
#include "gateway.h"

/* A variant that replaces a function by NULL does not use it. */
#define MAYBE __attribute__((unused)) static

#ifdef FAULT_UNDEFINED
void nobody_defines_this(void);
#endif

#ifdef FAULT_CONSTRUCTOR
#include <stdio.h>
#include <stdlib.h>
/* Leaves a trace if anything of the file runs. */
__attribute__((constructor)) static void run(void) {
    const char *path = getenv("GATEWAY_TEST_TRACE");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) fclose(file);
}
#endif

MAYBE gw_status create(const gw_host *host, const gw_pair *config, size_t config_len, void **out, gw_buf *err) {
    (void)host, (void)config, (void)config_len, (void)out, (void)err;
#if defined FAULT_CREATE
    return gw_fail(err, "the port of the database is missing");
#elif defined FAULT_CREATE_PANIC
    return gw_error(err, GW_PANIC, "index out of bounds");
#elif defined FAULT_CREATE_STATUS
    return 42;
#else
    return GW_OK;
#endif
}

#ifdef FAULT_INIT
static gw_status init(const gw_host *host, gw_buf *err) {
    (void)host;
    return gw_fail(err, "no licence");
}
#else
#define init NULL
#endif

#if defined FAULT_KIND || defined FAULT_NO_NEXT || defined FAULT_NEXT_STATUS
static void close_body(gw_body *body) {
    *(int *)body->data += 1;
}
#endif

#ifdef FAULT_NEXT_STATUS
static gw_status next(gw_body *body, gw_chunk *chunk, gw_buf *err) {
    (void)body, (void)chunk, (void)err;
    return FAULT_NEXT_STATUS;
}
#else
#define next NULL
#endif

#ifdef FAULT_NOT_CONCURRENT
#include <stdatomic.h>
#include <threads.h>
static atomic_int inside;
#endif

MAYBE gw_status call(void *self, const gw_request *request, gw_body *out, gw_buf *err) {
    gw_status status = gw_start(request, 200, NULL, 0, err);
    (void)self, (void)out;
    if (status != GW_OK) return status;
#if defined FAULT_KIND || defined FAULT_NO_NEXT || defined FAULT_NEXT_STATUS
    {
        static int closes;
        static const gw_body_vt vt = { sizeof vt, 0, close_body, next };
        static char text[16];
        if (gw_is(request->path_info, "/closes")) {
            text[0] = (char)('0' + closes);
            return gw_answer(out, gw_bytes(text, 1));
        }
        out->vt = &vt;
        out->data = &closes;
    }
#endif
#if defined FAULT_STATUS
    return FAULT_STATUS;
#elif defined FAULT_KIND
    out->kind = 77;
    return GW_OK;
#elif defined FAULT_NO_NEXT || defined FAULT_NEXT_STATUS
    out->kind = GW_BODY_STREAM;
    out->content.stream_length = GW_UNKNOWN;
    return GW_OK;
#elif defined FAULT_NO_VT
    out->kind = GW_BODY_STREAM;
    return GW_OK;
#elif defined FAULT_UNDEFINED
    nobody_defines_this();
    return GW_OK;
#elif defined FAULT_NOT_CONCURRENT
    {
        /* Two at once see each other here, in a sleep of 20 ms. */
        const struct timespec time = { 0, 20000000 };
        int others = atomic_fetch_add(&inside, 1);
        thrd_sleep(&time, NULL);
        atomic_fetch_sub(&inside, 1);
        return others == 0 ? gw_answer(out, gw_cstr("alone")) : gw_fail(err, "two at once");
    }
#else
    return gw_answer(out, gw_cstr("fine\n"));
#endif
}

MAYBE void destroy(void *self) {
    (void)self;
}

#ifdef FAULT_NO_CREATE
#define create NULL
#endif
#ifdef FAULT_NO_CALL
#define call NULL
#endif
#ifdef FAULT_NO_DESTROY
#define destroy NULL
#endif

#ifndef NAME
#define NAME "app"
#endif
#ifdef FAULT_NOT_CONCURRENT
#define FLAGS 0
#else
#define FLAGS GW_APP_CONCURRENT
#endif
#ifdef FAULT_APP_SHORT
#define APP_SIZE 40
#else
#define APP_SIZE sizeof(gw_app)
#endif

/* Two tables in one array would not be what the ABI says: pointers are. */
struct larger_app {
    gw_app app;
    uint64_t of_a_later_minor[4];
};
struct larger_module {
    gw_module module;
    uint64_t of_a_later_minor[4];
};

static const struct larger_app first = {
#ifdef FAULT_LARGER
    { sizeof(struct larger_app), FLAGS, GW_STR(NAME), GW_STR("doc"), create, call, destroy }, { 1, 2, 3, 4 }
#elif defined FAULT_NO_NAME
    { APP_SIZE, FLAGS, { NULL, 0 }, GW_STR("doc"), create, call, destroy }, { 0 }
#else
    { APP_SIZE, FLAGS, GW_STR(NAME), GW_STR("doc"), create, call, destroy }, { 0 }
#endif
};
#ifdef SECOND
static const gw_app second = { sizeof(gw_app), FLAGS, GW_STR(SECOND), GW_STR(""), create, call, destroy };
#endif
static const gw_app *const apps[] = {
    &first.app,
#ifdef SECOND
    &second,
#endif
#ifdef FAULT_NULL_APP
    NULL,
#endif
};

#ifndef MAGIC
#define MAGIC GW_MAGIC
#endif
#ifndef MAJOR
#define MAJOR GW_ABI_MAJOR
#endif
#ifndef NEEDS
#define NEEDS 0
#endif
#ifdef FAULT_PANIC_ABORT
#define MODULE_FLAGS GW_MODULE_PANIC_ABORT
#else
#define MODULE_FLAGS 0
#endif
#if defined FAULT_SHORT
#define SIZE 80
#elif defined FAULT_LARGER
#define SIZE sizeof(struct larger_module)
#else
#define SIZE sizeof(gw_module)
#endif
#ifdef FAULT_NO_TABLE
#define APPS NULL
#else
#define APPS apps
#endif
#ifdef FAULT_NO_APPS
#define COUNT 0
#else
#define COUNT (sizeof apps / sizeof apps[0])
#endif

const struct larger_module module = {
    { { MAGIC, SIZE, MAJOR, 0, NEEDS, 0, MODULE_FLAGS },
      GW_STR("faults"), GW_STR("0.1"), GW_STR("cc of the tests"), APPS, COUNT, init, NULL, NULL },
    { 1, 2, 3, 4 }
};

#ifndef FAULT_NO_ENTRY
const gw_module_header *gateway_entry(uint32_t host_abi) {
    (void)host_abi;
#ifdef FAULT_NULL_MODULE
    return NULL;
#else
    return &module.module.header;
#endif
}
#endif
