/* An app for the tests of engines, in one of three forms:
 * UNTIL_GONE writes, then asks until its client has left, and logs that;
 * ONE_AT_A_TIME takes one call at a time, reads its body, and answers how many
 * calls were inside at once; THREADED starts a thread when it is created and
 * answers how many threads its process has. */
#define _DEFAULT_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway.h"

#ifdef ONE_AT_A_TIME
static int inside, most;

static int measure(const gw_request *request, gw_buf *err) {
    uint8_t scratch[16];
    size_t count = 1;
    inside += 1;
    if (inside > most) most = inside;
    while (count > 0) {
        if (request->vt->read(request, scratch, sizeof scratch, &count, err) != GW_OK) break;
    }
    /* Others run here, where they may. */
    request->vt->sleep(request, 1000000);
    inside -= 1;
    return most;
}
static const char UNIT[] = "at a time";
#else
static int measure(const gw_request *request, gw_buf *err) {
    char line[128];
    int threads = 0;
    FILE *status = fopen("/proc/self/status", "r");
    (void)request;
    (void)err;
    while (status && fgets(line, sizeof line, status)) {
        if (sscanf(line, "Threads: %d", &threads) == 1) break;
    }
    if (status) fclose(status);
    return threads;
}
static const char UNIT[] = "threads";
#endif

#ifdef UNTIL_GONE
static gw_status engines_call(void *self, const gw_request *request, gw_body *out, gw_buf *err) {
    gw_state state = { sizeof state, 0, 0 };
    gw_status status = gw_start(request, 200, NULL, 0, err);
    (void)measure;
    (void)UNIT;
    if (status == GW_OK) status = request->vt->write(request, gw_cstr("inside"), GW_WRITE_FLUSH, err);
    while (status == GW_OK && !(state.flags & GW_STATE_DISCONNECTED)) {
        status = request->vt->state(request, &state);
    }
    gw_log(self, GW_LOG_INFO, status == GW_OK ? "disconnected" : "failed");
    return status == GW_OK ? gw_answer(out, gw_cstr("")) : status;
}
#else
static gw_status engines_call(void *self, const gw_request *request, gw_body *out, gw_buf *err) {
    /* One for each answer, so that calls which answer at once do not share. */
    static char texts[64][32];
    const int figure = measure(request, err);
    char *const text = texts[figure & 63];
    const gw_pair headers[] = { gw_pair_of("Content-Type", "text/plain") };
    gw_status status;
    (void)self;
    snprintf(text, sizeof texts[0], "%d %s\n", figure, UNIT);
    status = gw_start(request, 200, headers, 1, err);
    return status == GW_OK ? gw_answer(out, gw_cstr(text)) : status;
}
#endif

#ifdef THREADED
static void *wait_for_ever(void *unused) {
    pause();
    return unused;
}
#endif

static gw_status engines_create(const gw_host *host, const gw_pair *config, size_t config_len, void **out,
                                gw_buf *err) {
#ifdef THREADED
    pthread_t thread;
    if (pthread_create(&thread, NULL, wait_for_ever, NULL) != 0) return gw_fail(err, "no thread");
#endif
    (void)config;
    (void)config_len;
    (void)err;
    *out = (void *)host;
    return GW_OK;
}

static void engines_destroy(void *self) {
    gw_log(self, GW_LOG_INFO, "the app is destroyed");
}

static const gw_app ENGINES = {
    sizeof ENGINES, 0, GW_STR("app"), GW_STR("Tests engines."), engines_create, engines_call, engines_destroy,
};

static const gw_app *const APPS[] = { &ENGINES };

static const gw_module MODULE = {
    { GW_MAGIC, sizeof MODULE, GW_ABI_MAJOR, GW_ABI_MINOR, 0, 0, GW_MODULE_FORK_SAFE },
    GW_STR("engines"), GW_STR("0"), GW_STR("C11"), APPS, 1, NULL, NULL, NULL,
};

GW_EXPORT const gw_module_header *gateway_entry(uint32_t host_abi) {
    (void)host_abi;
    return &MODULE.header;
}
