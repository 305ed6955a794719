/* The C half of the conformance suite. It and conformance/src/lib.rs answer
 * every path alike; integration/conformance.rs states what with. */
#define _POSIX_C_SOURCE 200809L
#include "gateway.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct app {
    char greeting[64], host[128], file[512], trace[512];
    atomic_uint calls, closes;
} app;

/* What a body of this app owns. */
typedef struct owned {
    app *self;
    const gw_request *request;
    char *text;
    gw_str parts[3];
    int fd, at;
    size_t preread;
} owned;

static void close_body(gw_body *body) {
    owned *data = body->data;
    if (data->self) atomic_fetch_add(&data->self->closes, 1);
    if (data->fd >= 0) close(data->fd);
    free(data->text);
    free(data);
}

static gw_status next_chunk(gw_body *body, gw_chunk *chunk, gw_buf *err) {
    owned *data = body->data;
    if (data->at == 4) return GW_END;
    snprintf(data->text, 16, "chunk %d\n", data->at++);
    chunk->bytes = gw_cstr(data->text);
    (void)err;
    return GW_OK;
}

static gw_status next_flagged(gw_body *body, gw_chunk *chunk, gw_buf *err) {
    owned *data = body->data;
    switch (data->at++) {
    case 0: chunk->bytes = gw_cstr("a"); return GW_OK;
    case 1: chunk->bytes = gw_cstr("b"); chunk->flags = GW_CHUNK_FLUSH; return GW_OK;
    case 2: chunk->bytes = gw_cstr("c"); chunk->flags = GW_CHUNK_LAST; return GW_OK;
    default: return gw_fail(err, "pulled after LAST");
    }
}

static gw_status next_failing(gw_body *body, gw_chunk *chunk, gw_buf *err) {
    owned *data = body->data;
    if (data->at++ > 0) return gw_fail(err, "the stream broke");
    chunk->bytes = gw_cstr("chunk 0\n");
    return GW_OK;
}

/* The body as a whole: first what was read already, then what read gives. */
static gw_status read_input(const gw_request *request, size_t *preread, uint8_t *buf, size_t cap, size_t *count,
                            gw_buf *err) {
    size_t left = request->preread.len - *preread;
    if (left > 0) {
        *count = left < cap ? left : cap;
        memcpy(buf, request->preread.ptr + *preread, *count);
        *preread += *count;
        return GW_OK;
    }
    if ((request->flags & GW_REQUEST_BODY_COMPLETE) || request->content_length == request->preread.len) return GW_END;
    return request->vt->read(request, buf, cap, count, err);
}

static gw_status next_echo(gw_body *body, gw_chunk *chunk, gw_buf *err) {
    owned *data = body->data;
    size_t count = 0;
    gw_status status = read_input(data->request, &data->preread, (uint8_t *)data->text, 4, &count, err);
    chunk->bytes = gw_bytes(data->text, count);
    return status;
}

#define VT(name, next) static const gw_body_vt name = { sizeof(gw_body_vt), 0, close_body, next }
VT(plain_vt, NULL);
VT(chunk_vt, next_chunk);
VT(flagged_vt, next_flagged);
VT(failing_vt, next_failing);
VT(echo_vt, next_echo);

/* A body with cap bytes of its own memory. self: whose closes it counts. */
static owned *make_body(gw_body *out, uint32_t kind, const gw_body_vt *vt, app *self, size_t cap) {
    owned *data = calloc(1, sizeof *data);
    if (!data || !(data->text = malloc(cap ? cap : 1))) abort();
    data->self = self;
    data->fd = -1;
    out->kind = kind;
    out->vt = vt;
    out->data = data;
    return data;
}

static gw_status answer_owned(gw_body *out, app *self, const void *bytes, size_t len) {
    owned *data = make_body(out, GW_BODY_BYTES, &plain_vt, self, len);
    if (len) memcpy(data->text, bytes, len);
    out->content.bytes = gw_bytes(data->text, len);
    return GW_OK;
}

static gw_status answer_text(gw_body *out, const char *text) {
    return answer_owned(out, NULL, text, strlen(text));
}

static gw_status answer_number(gw_body *out, int number) {
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    return answer_text(out, text);
}

static int query_number(const gw_request *request) {
    char text[16] = "";
    size_t len = request->query_string.len;
    memcpy(text, request->query_string.ptr, len < 15 ? len : 15);
    return atoi(text);
}

/* Reports with what status a head was refused. */
static gw_status refused(const gw_request *request, uint32_t status, const gw_pair *header, gw_body *out, gw_buf *err) {
    gw_status first = gw_start(request, status, header, header ? 1 : 0, err);
    gw_status second = first == GW_OK ? GW_OK : gw_start(request, 200, NULL, 0, err);
    return second == GW_OK ? answer_number(out, first) : second;
}

static void *call_all(void *argument) {
    const gw_request *request = argument;
    gw_state state = { sizeof state, 0, 0 };
    uint8_t buf[8];
    size_t count;
    char *text = malloc(64);
    if (!text) abort();
    snprintf(text, 64, "%d %d %d %d %d", (int)gw_start(request, 200, NULL, 0, NULL),
             (int)request->vt->read(request, buf, sizeof buf, &count, NULL),
             (int)request->vt->write(request, gw_cstr("stray"), 0, NULL), (int)request->vt->sleep(request, 1),
             (int)request->vt->state(request, &state));
    return text;
}

static gw_status from_another_thread(const gw_request *request, gw_body *out, gw_buf *err) {
    pthread_t thread;
    void *text;
    gw_status status;
    if (pthread_create(&thread, NULL, call_all, (void *)(uintptr_t)request) != 0) return gw_fail(err, "no thread");
    if (pthread_join(thread, &text) != 0) return gw_fail(err, "no join");
    status = gw_start(request, 200, NULL, 0, err);
    if (status == GW_OK) status = answer_text(out, text);
    free(text);
    return status;
}

/* A variable, the values of a repeated header joined as Environ::get does. */
static gw_status variable(const gw_request *request, gw_body *out) {
    char name[64] = "", text[512] = "=";
    size_t at = 0, len = 1;
    int found = 0;
    gw_str value;
    memcpy(name, request->query_string.ptr, request->query_string.len < 63 ? request->query_string.len : 63);
    while (gw_env_next(request, name, &at, &value)) {
        if (found++) {
            memcpy(text + len, strcmp(name, "HTTP_COOKIE") == 0 ? "; " : ", ", 2);
            len += 2;
        }
        if (value.len) memcpy(text + len, value.ptr, value.len);
        len += value.len;
    }
    return found ? answer_owned(out, NULL, text, len) : answer_text(out, "not there");
}

static gw_status headers(const gw_request *request, gw_body *out) {
    char text[1024];
    size_t len = 0, i;
    for (i = 0; i < request->headers_len; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%.*s: %.*s\n", (int)request->headers[i].key.len,
                                request->headers[i].key.ptr, (int)request->headers[i].val.len,
                                request->headers[i].val.ptr);
    return answer_owned(out, NULL, text, len);
}

static gw_status echo(const gw_request *request, gw_body *out, gw_buf *err) {
    size_t cap = 1 << 20, len = 0, preread = 0, count;
    owned *data = make_body(out, GW_BODY_BYTES, &plain_vt, NULL, cap);
    for (;;) {
        gw_status status = read_input(request, &preread, (uint8_t *)data->text + len, cap - len, &count, err);
        if (status == GW_END) break;
        if (status != GW_OK) {
            close_body(out);
            return status;
        }
        len += count;
    }
    out->content.bytes = gw_bytes(data->text, len);
    return GW_OK;
}

static gw_status stream(gw_body *out, app *self, const gw_request *request, const gw_body_vt *vt, uint64_t length) {
    make_body(out, GW_BODY_STREAM, vt, self, 16)->request = request;
    out->content.stream_length = length;
    return GW_OK;
}

static gw_status second_head(const gw_request *request, uint32_t status, const char *cause, gw_buf *err) {
    gw_head head = { sizeof head, status, { NULL, 0 }, NULL, 0, { NULL, 0 } };
    if (cause) head.error = gw_cstr(cause);
    return request->vt->start_response(request, &head, err);
}

static gw_status state(const gw_request *request, gw_body *out) {
    char text[64];
    gw_state now = { sizeof now, 0, 0 };
    gw_status status = request->vt->state(request, &now);
    if (status != GW_OK) return status;
    if (now.deadline_ns == GW_UNKNOWN)
        snprintf(text, sizeof text, "gone=%u deadline=none", now.flags & GW_STATE_DISCONNECTED);
    else
        snprintf(text, sizeof text, "gone=%u deadline=%llu", now.flags & GW_STATE_DISCONNECTED,
                 (unsigned long long)now.deadline_ns);
    return answer_text(out, text);
}

/* The cases that do not begin with a good head. */
static int without_start(const gw_request *request, gw_body *out, gw_buf *err, gw_status *status) {
    static const gw_pair crlf = { GW_STR("X-Evil"), GW_STR("a\r\nSet-Cookie: b") };
    static const gw_pair name = { GW_STR("X Evil"), GW_STR("a") };
    static const gw_pair hop = { GW_STR("Transfer-Encoding"), GW_STR("chunked") };
    gw_str path = request->path_info;
    if (gw_is(path, "/never")) *status = gw_answer(out, gw_cstr("nobody said start"));
    else if (gw_is(path, "/fail")) *status = gw_error(err, query_number(request), "as asked");
    else if (gw_is(path, "/fail-long")) {
        char text[2001];
        memset(text, 'x', 2000);
        text[2000] = 0;
        *status = gw_fail(err, text);
    }
    else if (gw_is(path, "/crlf")) *status = refused(request, 200, &crlf, out, err);
    else if (gw_is(path, "/name")) *status = refused(request, 200, &name, out, err);
    else if (gw_is(path, "/hop")) *status = refused(request, 200, &hop, out, err);
    else if (gw_is(path, "/bad-status")) *status = refused(request, (uint32_t)query_number(request), NULL, out, err);
    else if (gw_is(path, "/thread")) *status = from_another_thread(request, out, err);
    else return 0;
    return 1;
}

static gw_status call(void *argument, const gw_request *request, gw_body *out, gw_buf *err) {
    app *self = argument;
    gw_str path = request->path_info;
    gw_pair plain[2];
    gw_status status = GW_OK;
    int level;
    atomic_fetch_add(&self->calls, 1);
    if (without_start(request, out, err, &status)) return status;
    plain[0] = gw_pair_of("Content-Type", "text/plain");
    plain[1].key = gw_cstr("X-Case");
    plain[1].val = path;
    if ((status = gw_start(request, 200, plain, 2, err)) != GW_OK) return status;

    if (gw_is(path, "/empty")) return GW_OK;
    if (gw_is(path, "/bytes")) return gw_answer(out, gw_cstr("static bytes\n"));
    if (gw_is(path, "/owned")) return answer_owned(out, self, "owned bytes\n", 12);
    if (gw_is(path, "/borrowed")) return gw_answer(out, path);
    if (gw_is(path, "/parts")) {
        owned *data = make_body(out, GW_BODY_PARTS, &plain_vt, self, 0);
        data->parts[0] = gw_cstr("one, ");
        data->parts[1] = gw_cstr("two, ");
        data->parts[2] = gw_cstr("three\n");
        out->content.parts.ptr = data->parts;
        out->content.parts.len = 3;
        return GW_OK;
    }
    if (gw_is(path, "/stream")) return stream(out, self, request, &chunk_vt, GW_UNKNOWN);
    if (gw_is(path, "/stream-length")) return stream(out, self, request, &chunk_vt, 32);
    if (gw_is(path, "/stream-flags")) return stream(out, self, request, &flagged_vt, GW_UNKNOWN);
    if (gw_is(path, "/stream-echo")) return stream(out, self, request, &echo_vt, GW_UNKNOWN);
    if (gw_is(path, "/stream-fail")) return stream(out, self, request, &failing_vt, GW_UNKNOWN);
    if (gw_is(path, "/file")) {
        int fd = open(self->file, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return gw_fail(err, "no file");
        make_body(out, GW_BODY_FILE, &plain_vt, self, 0)->fd = fd;
        out->content.file.fd = fd;
        out->content.file.offset = 2;
        out->content.file.length = 5;
        return GW_OK;
    }
    if (gw_is(path, "/echo")) return echo(request, out, err);
    if (gw_is(path, "/env")) return variable(request, out);
    if (gw_is(path, "/headers")) return headers(request, out);
    if (gw_is(path, "/write")) {
        if ((status = request->vt->write(request, gw_cstr("first, "), 0, err)) != GW_OK) return status;
        if ((status = request->vt->write(request, gw_cstr(""), GW_WRITE_FLUSH, err)) != GW_OK) return status;
        if ((status = request->vt->write(request, gw_cstr("second, "), 0, err)) != GW_OK) return status;
        return gw_answer(out, gw_cstr("third\n"));
    }
    if (gw_is(path, "/replace")) {
        status = second_head(request, 503, "the first head was wrong", err);
        return status == GW_OK ? gw_answer(out, gw_cstr("replaced\n")) : status;
    }
    if (gw_is(path, "/twice")) return answer_number(out, second_head(request, 200, NULL, NULL));
    if (gw_is(path, "/replace-late")) {
        if ((status = request->vt->write(request, gw_cstr("out, "), 0, err)) != GW_OK) return status;
        return answer_number(out, second_head(request, 200, "too late", NULL));
    }
    if (gw_is(path, "/fail-after-start")) return gw_fail(err, "second thoughts");
    if (gw_is(path, "/log")) {
        for (level = 1; level <= 5; level++) gw_log(request->host, (uint32_t)level, "a line");
        return GW_OK;
    }
    if (gw_is(path, "/state")) return state(request, out);
    if (gw_is(path, "/sleep")) return answer_number(out, request->vt->sleep(request, UINT64_C(5000000)));
    if (gw_is(path, "/config")) return gw_answer(out, gw_cstr(self->greeting));
    if (gw_is(path, "/host")) return gw_answer(out, gw_cstr(self->host));
    if (gw_is(path, "/counts")) {
        char text[64];
        snprintf(text, sizeof text, "calls=%u closes=%u", atomic_load(&self->calls), atomic_load(&self->closes));
        return answer_text(out, text);
    }
    return gw_answer(out, gw_cstr("no such case"));
}

static void copy(const gw_pair *config, size_t config_len, const char *key, char *out, size_t cap) {
    size_t i;
    for (i = 0; i < config_len; i++)
        if (gw_is(config[i].key, key)) snprintf(out, cap, "%.*s", (int)config[i].val.len, config[i].val.ptr);
}

static gw_status create(const gw_host *host, const gw_pair *config, size_t config_len, void **out, gw_buf *err) {
    app *self = calloc(1, sizeof *self);
    if (!self) return gw_error(err, GW_NOMEM, "");
    copy(config, config_len, "greeting", self->greeting, sizeof self->greeting);
    copy(config, config_len, "file", self->file, sizeof self->file);
    copy(config, config_len, "trace", self->trace, sizeof self->trace);
    snprintf(self->host, sizeof self->host, "%.*s/%.*s", (int)host->name.len, host->name.ptr, (int)host->version.len,
             host->version.ptr);
    gw_log(host, GW_LOG_INFO, "created");
    *out = self;
    return GW_OK;
}

static gw_status refuse(const gw_host *host, const gw_pair *config, size_t config_len, void **out, gw_buf *err) {
    (void)host, (void)config, (void)config_len, (void)out;
    return gw_fail(err, "there is no database today");
}

static void destroy(void *argument) {
    app *self = argument;
    FILE *trace = self->trace[0] ? fopen(self->trace, "w") : NULL;
    if (trace) {
        fputs("destroyed\n", trace);
        fclose(trace);
    }
    free(self);
}

static const gw_app conformance = {
    sizeof(gw_app), GW_APP_CONCURRENT | GW_APP_STREAMS_INPUT, GW_STR("app"),
    GW_STR("Answers by path, as the conformance suite expects."), create, call, destroy,
};
static const gw_app refuses = {
    sizeof(gw_app), GW_APP_CONCURRENT, GW_STR("refuses"), GW_STR("Refuses to be created."), refuse, call, destroy,
};
static const gw_app *const apps[] = { &conformance, &refuses };
static const gw_module module = {
    { GW_MAGIC, sizeof(gw_module), GW_ABI_MAJOR, GW_ABI_MINOR, 0, 0, 0 },
    GW_STR("conformance"), GW_STR("1.0"), GW_STR("cc"), apps, 2, NULL, NULL, NULL,
};

const gw_module_header *gateway_entry(uint32_t host_abi) {
    (void)host_abi;
    return &module.header;
}
