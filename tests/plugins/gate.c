/* An app whose calls a test holds. Each call of /hold and /upload says on the
 * socket `gate` (--set gate=PATH) that it is inside, by its target, and stays
 * until it gets a byte there; tests/support/gate.rs is the other end. /upload
 * does so after its first read, and answers how long its body was. /work stays
 * for a moment. /inside and /most answer how many calls are inside now, and
 * were at most, their own included.
 *
 * EXCLUSIVE takes one call at a time, STREAMS reads its input while it comes;
 * without either it is CONCURRENT and gets its input whole. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway.h"

/* After so long a test has failed anyhow. */
#define PATIENCE 60
#define MOMENT 200000 /* nanoseconds */

static struct sockaddr_un gate = { .sun_family = AF_UNIX };
static atomic_int inside, most;

static void enter(void) {
    const int now = atomic_fetch_add(&inside, 1) + 1;
    int seen = atomic_load(&most);
    while (seen < now && !atomic_compare_exchange_weak(&most, &seen, now)) {}
}

/* Says what is inside, and waits for a byte; 0 if that never comes. */
static int is_let_go(gw_str what) {
    const struct timeval patience = { PATIENCE, 0 };
    const int test = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char byte;
    ssize_t got = -1;
    if (test < 0) return 0;
    setsockopt(test, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(test, (const struct sockaddr *)&gate, sizeof gate) == 0 &&
        send(test, what.ptr, what.len, MSG_NOSIGNAL) == (ssize_t)what.len &&
        send(test, "\n", 1, MSG_NOSIGNAL) == 1) {
        do {
            got = recv(test, &byte, 1, 0);
        } while (got < 0 && errno == EINTR);
    }
    close(test);
    return got == 1;
}

static gw_status hold(const gw_request *request, gw_buf *err) {
    return is_let_go(request->request_uri) ? GW_OK : gw_fail(err, "nobody has let this call go");
}

/* Holds between the first part of the body and the others. */
static gw_status upload(const gw_request *request, unsigned long *length, gw_buf *err) {
    static _Thread_local uint8_t scratch[16384];
    size_t count = request->preread.len;
    gw_status status = GW_OK;
    if (count == 0) status = request->vt->read(request, scratch, sizeof scratch, &count, err);
    if (status == GW_OK) status = hold(request, err);
    while (status == GW_OK) {
        *length += count;
        status = request->vt->read(request, scratch, sizeof scratch, &count, err);
    }
    return status == GW_END ? GW_OK : status;
}

static void answer_close(gw_body *body) {
    free(body->data);
}

static gw_status answer(const gw_request *request, unsigned long figure, gw_body *out, gw_buf *err) {
    static const gw_body_vt vt = { sizeof vt, 0, answer_close, NULL };
    const gw_pair headers[] = { gw_pair_of("Content-Type", "text/plain") };
    const gw_status status = gw_start(request, 200, headers, 1, err);
    char *const text = status == GW_OK ? malloc(24) : NULL;
    if (status != GW_OK) return status;
    if (!text) return GW_NOMEM;
    snprintf(text, 24, "%lu", figure);
    gw_answer(out, gw_cstr(text));
    out->vt = &vt;
    out->data = text;
    return GW_OK;
}

static gw_status gate_call(void *self, const gw_request *request, gw_body *out, gw_buf *err) {
    gw_status status = GW_OK;
    unsigned long figure = 0;
    (void)self;
    enter();
    if (gw_is(request->path_info, "/hold")) status = hold(request, err);
    else if (gw_is(request->path_info, "/upload")) status = upload(request, &figure, err);
    else if (gw_is(request->path_info, "/work")) status = request->vt->sleep(request, MOMENT);
    else if (gw_is(request->path_info, "/inside")) figure = (unsigned long)atomic_load(&inside);
    else if (gw_is(request->path_info, "/most")) figure = (unsigned long)atomic_load(&most);
    if (status == GW_OK) status = answer(request, figure, out, err);
    atomic_fetch_sub(&inside, 1);
    return status;
}

static gw_status gate_create(const gw_host *host, const gw_pair *config, size_t config_len, void **out, gw_buf *err) {
    size_t i;
    (void)host;
    *out = NULL;
    for (i = 0; i < config_len; i++) {
        if (!gw_is(config[i].key, "gate") || config[i].val.len >= sizeof gate.sun_path) continue;
        memcpy(gate.sun_path, config[i].val.ptr, config[i].val.len);
        return GW_OK;
    }
    return gw_fail(err, "--set gate=PATH is missing, or its path too long");
}

static void gate_destroy(void *self) {
    (void)self;
}

#if defined(EXCLUSIVE) && defined(STREAMS)
#define FLAGS GW_APP_STREAMS_INPUT
#elif defined(EXCLUSIVE)
#define FLAGS 0
#elif defined(STREAMS)
#define FLAGS (GW_APP_CONCURRENT | GW_APP_STREAMS_INPUT)
#else
#define FLAGS GW_APP_CONCURRENT
#endif

static const gw_app GATE = {
    sizeof GATE, FLAGS, GW_STR("app"), GW_STR("Holds its calls."), gate_create, gate_call, gate_destroy,
};

static const gw_app *const APPS[] = { &GATE };

static const gw_module MODULE = {
    { GW_MAGIC, sizeof MODULE, GW_ABI_MAJOR, GW_ABI_MINOR, 0, 0, 0 },
    GW_STR("gate"), GW_STR("0"), GW_STR("C11"), APPS, 1, NULL, NULL, NULL,
};

GW_EXPORT const gw_module_header *gateway_entry(uint32_t host_abi) {
    (void)host_abi;
    return &MODULE.header;
}
