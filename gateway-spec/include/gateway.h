/*
 * Gateway: the interface between web servers and web applications in native
 * code, as a C ABI. Version 1.0. docs/ABI.md explains it with examples.
 *
 * A module is a shared library that exports one function, gateway_entry. It
 * returns a static table of apps. The server ("the host") creates an app, then
 * calls it once per request:
 *
 *     gateway_entry -> init -> create -> { call -> [next ...] -> close } ...
 *                   -> destroy -> shutdown
 *
 * LIFETIMES. Nobody frees the other side's memory. Whatever is borrowed says
 * for how long; whatever is owned has a release function of its own.
 *   - Module and app tables: static, unchanged for the life of the process. A
 *     module is never unloaded.
 *   - gw_host: from create (or init) until destroy (or shutdown) has returned.
 *   - gw_request and all that it points to: until close of the request's body
 *     has returned; where there is nothing to close (a body without vt, a call
 *     that failed), until the host is done with the body's bytes. So a body may
 *     point into its request.
 *   - Body bytes, parts and the descriptor: until close. A chunk: until the
 *     next next or close.
 *   - What a caller passes to a function (a head, bytes to write, a name, a
 *     configuration): while that function runs. Copy what must stay.
 *
 * ERRORS. A function that can fail returns a gw_status: GW_OK, GW_END, or a
 * negative error; an unknown negative one means GW_APP. Its text goes into the
 * caller's gw_buf, which may be NULL; a text that does not fit is cut. Before
 * the head was sent an error becomes a 500; after that the connection is cut,
 * so that the client can tell. Nothing may unwind (a C++ exception, a Rust
 * panic, longjmp) or exit through a function of this header, in either direction.
 *
 * THREADS. Every function has a tag:
 *   [any thread]                       at any time, from several at once
 *   [one at a time]                    any thread, never two at once
 *   [the thread inside call or next]   only while that request's call, or its
 *                                      body's next, runs, on the thread that
 *                                      runs it. Anywhere else: GW_STATE, and
 *                                      nothing happens.
 * "One at a time" is: of one module for init, create, destroy and shutdown; of
 * one app for call without GW_APP_CONCURRENT, so that globals which two apps
 * share need a lock; of one body for next and close.
 * A host with coroutines may run others on the same thread while read, write or
 * sleep waits: across them hold no lock and rely on no thread-local state, of
 * which the exception that C++ is handling (inside catch) and the rounding mode
 * are part; or set GW_APP_NO_SUSPEND. Compile with -fstack-clash-protection: a
 * frame larger than the guard below a coroutine's stack would step over it.
 *
 * GROWTH. Tables grow at their end only, guarded by their size field; a field
 * never changes its meaning; a field beyond the other side's size does not
 * exist, so look at size before reading what came after 1.0. Whoever makes a
 * table states sizeof of it and zeroes what it does not use. New slots may be
 * NULL. A receiver ignores flags that it does not know, so new ones are hints,
 * but for those of write, which answers GW_INVALID; reserved fields are written
 * as 0 and not read. Optional powers are asked for by name with get_extension:
 * of the host once, at create; of a request where their functions take one.
 *
 * POINTERS. Pass the gw_host and gw_request that you were given, never a copy:
 * there is more behind them. The same holds for a module's tables.
 *
 * FORBIDDEN to a module: to install signal handlers, to change the working
 * directory, umask or locale, to fork, to exit, to end or cancel a thread that
 * is inside a call.
 *
 * Integers, pointers and sizes only: no enum, bool, long or bit-field stands in
 * a layout. gw_str, gw_pair, gw_buf and gw_module_header are frozen for good.
 */
#ifndef GATEWAY_H
#define GATEWAY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a function visible although the module hides all others, as it should
 * (-fvisibility=hidden). */
#if defined(__GNUC__) || defined(__clang__)
#define GW_EXPORT __attribute__((visibility("default")))
#else
#define GW_EXPORT
#endif

/* ----- versions ---------------------------------------------------------- */

/* The first field of a module: a number, in native byte order. */
#define GW_MAGIC UINT64_C(0x0079617765746167)
/* Modules and hosts of different majors refuse each other. */
#define GW_ABI_MAJOR 1
/* Grows when a table grows at its end. */
#define GW_ABI_MINOR 0
/* "No length is known", in every field that holds one. */
#define GW_UNKNOWN UINT64_MAX

/* ----- statuses ---------------------------------------------------------- */

typedef int32_t gw_status;
#define GW_OK 0             /* done as asked */
#define GW_END 1            /* no more data; not an error */
#define GW_APP (-1)         /* the app failed; the text says how */
#define GW_PANIC (-2)       /* the app panicked, and caught it on its side */
#define GW_STATE (-3)       /* not allowed now, or not from this thread */
#define GW_INVALID (-4)     /* an argument breaks a rule */
#define GW_IO (-5)          /* reading or writing failed: a body cut short */
#define GW_GONE (-6)        /* the client has left */
#define GW_LIMIT (-7)       /* more bytes than Content-Length declared */
#define GW_UNSUPPORTED (-8) /* the other side does not know what was asked for */
#define GW_NOMEM (-9)       /* out of memory */

/* ----- flags and kinds --------------------------------------------------- */

/* gw_host.flags: true statements about how the host runs the app. */
#define GW_HOST_MULTITHREAD UINT32_C(1)  /* several threads may be in the app at once */
#define GW_HOST_MULTIPROCESS UINT32_C(2) /* several processes serve the same app */
#define GW_HOST_RUN_ONCE UINT32_C(4)     /* this process expects one request only */

/* gw_module_header.flags */
#define GW_MODULE_PANIC_ABORT UINT32_C(1) /* a panic in this module ends the process */
#define GW_MODULE_THREADS UINT32_C(2)     /* it starts threads of its own */
#define GW_MODULE_FORK_SAFE UINT32_C(4)   /* a process that has created an app may fork */

/* gw_app.flags */
#define GW_APP_CONCURRENT UINT32_C(1)    /* call may run on several threads at once */
#define GW_APP_STREAMS_INPUT UINT32_C(2) /* call before the request body is complete */
#define GW_APP_NO_SUSPEND UINT32_C(4)    /* block in read, write, sleep; never suspend */

/* gw_request.flags */
#define GW_REQUEST_BODY_COMPLETE UINT32_C(1) /* preread is the whole body */
#define GW_REQUEST_EDITED UINT32_C(2)        /* env may hold HTTP_*, which win over headers */

/* Flags of gw_request_vt.write. */
#define GW_WRITE_FLUSH UINT32_C(1) /* send what is buffered now */

/* gw_chunk.flags */
#define GW_CHUNK_LAST UINT32_C(1)  /* no chunk follows: saves a call */
#define GW_CHUNK_FLUSH UINT32_C(2) /* send this before the next one is pulled */

/* gw_state.flags */
#define GW_STATE_DISCONNECTED UINT32_C(1) /* reset or a failed write; never FIN alone */

/* gw_body.kind */
#define GW_BODY_EMPTY UINT32_C(0)  /* no bytes */
#define GW_BODY_BYTES UINT32_C(1)  /* one run of bytes: content.bytes */
#define GW_BODY_PARTS UINT32_C(2)  /* several runs, sent as they are: content.parts */
#define GW_BODY_STREAM UINT32_C(3) /* pulled with next: content.stream_length */
#define GW_BODY_FILE UINT32_C(4)   /* a range of a file: content.file */

/* Levels of gw_host.log. */
#define GW_LOG_ERROR UINT32_C(1) /* somebody has to look */
#define GW_LOG_WARN UINT32_C(2)  /* odd, but handled */
#define GW_LOG_INFO UINT32_C(3)  /* ordinary */
#define GW_LOG_DEBUG UINT32_C(4) /* for developers */
#define GW_LOG_TRACE UINT32_C(5) /* the finest detail */

/* ----- values ------------------------------------------------------------ */

/* Borrowed bytes, not NUL-terminated; the layout of struct iovec. ptr may be
 * NULL where len is 0. */
typedef struct gw_str {
    const uint8_t *ptr;
    size_t len;
} gw_str;

/* A name and its value: a header, a variable, a line of configuration. */
typedef struct gw_pair {
    gw_str key;
    gw_str val; /* in env: ptr NULL says that the variable is not there; an empty
                 * value has a ptr that is not NULL */
} gw_pair;

/* The caller's memory for an error text. The callee writes at most cap bytes
 * and sets len; it keeps nothing. A NULL gw_buf is allowed: no text wanted. */
typedef struct gw_buf {
    uint8_t *ptr;
    size_t cap;
    size_t len;
} gw_buf;

/* ----- the host ---------------------------------------------------------- */

typedef struct gw_host gw_host;
/* Owned by the host; valid from create or init until destroy or shutdown has
 * returned. Immutable. */
struct gw_host {
    uint32_t size;
    uint32_t flags; /* GW_HOST_* */
    uint16_t abi_major;
    uint16_t abi_minor;
    uint32_t reserved; /* 0 */
    gw_str name;
    gw_str version;

    /* Writes a line to the server's log; both texts UTF-8, read before it
     * returns. target says which part of the app speaks. Cannot fail; an
     * unknown level counts as the nearest known one.
     * [any thread] */
    void (*log)(const gw_host *host, uint32_t level, gw_str target, gw_str message);

    /* Asks for an optional power, as "gateway.poll/1": its table, static, or
     * NULL where this host has none of that name. Ask once, at create.
     * [any thread] */
    const void *(*get_extension)(const gw_host *host, gw_str name);
};

/* ----- requests ---------------------------------------------------------- */

/* What an app gives to start_response. Owned by the app; the host has copied
 * all of it before start_response returns. */
typedef struct gw_head {
    uint32_t size;
    uint32_t status;        /* 200 to 999 */
    gw_str reason;          /* UTF-8; empty: the registered phrase */
    const gw_pair *headers; /* sent in this order */
    size_t headers_len;
    gw_str error; /* ptr NULL: a first call. Else the text of the error that makes
                     this call replace an earlier head; it goes to the log. */
} gw_head;

/* What state answers; owned by the caller, who sets size. */
typedef struct gw_state {
    uint32_t size;
    uint32_t flags;       /* GW_STATE_* */
    uint64_t deadline_ns; /* nanoseconds left for this request, or GW_UNKNOWN */
} gw_state;

typedef struct gw_request gw_request;

/* A request's functions. Owned by the host, static. Every slot of 1.0 is there. */
typedef struct gw_request_vt {
    uint32_t size;
    uint32_t reserved; /* 0 */

    /* Sets the response head; with head->error replaces it, as long as nothing
     * was sent. Has to be called with success before call returns GW_OK.
     * GW_INVALID: a status outside 200..999, a header name that is no token, CR,
     * LF or NUL in a value, a header of the connection (Connection,
     * Transfer-Encoding, ...). GW_STATE: a second call without error, any call
     * after the head was sent. After a refusal the earlier head, if any, stays.
     * [the thread inside call or next] */
    gw_status (*start_response)(const gw_request *request, const gw_head *head, gw_buf *err);

    /* Reads body bytes that follow preread: GW_OK with 1..cap bytes in buf and
     * their number in *count, or GW_END. May be fewer than asked for. GW_IO: the
     * body was cut short (never a silent end). GW_GONE: the client has left.
     * [the thread inside call or next] */
    gw_status (*read)(const gw_request *request, uint8_t *buf, size_t cap, size_t *count,
                      gw_buf *err);

    /* Sends bytes of the response body before the body that call returns
     * (PEP 3333's write). The bytes are copied or sent before it returns; it
     * waits for a slow client. GW_WRITE_FLUSH sends what is buffered, the head
     * included, also with no bytes. GW_STATE before start_response, GW_LIMIT
     * beyond Content-Length, GW_GONE.
     * [the thread inside call or next] */
    gw_status (*write)(const gw_request *request, gw_str bytes, uint32_t flags, gw_buf *err);

    /* Waits; the host may serve others meanwhile. GW_GONE: the client left.
     * [the thread inside call or next] */
    gw_status (*sleep)(const gw_request *request, uint64_t nanoseconds);

    /* Fills *out, of which the caller has set size.
     * [the thread inside call or next] */
    gw_status (*state)(const gw_request *request, gw_state *out);

    /* Offers an optional power over this request by name: a static table or
     * NULL. Powers whose functions take a request are asked for here and used
     * with this request alone: behind middleware the request is another host's
     * than the one given to create.
     * [the thread inside call or next] */
    const void *(*get_extension)(const gw_request *request, gw_str name);
} gw_request_vt;

/* One request. Owned by the host, immutable; see LIFETIMES above. Its address
 * does not change. Read variables and headers with gw_env and gw_header. */
struct gw_request {
    uint32_t size;
    uint32_t flags; /* GW_REQUEST_* */
    const gw_request_vt *vt;
    /* For this request's log lines; valid as long as the request, and not always
     * the one given to create: keep that one, never this. */
    const gw_host *host;
    gw_str method;        /* REQUEST_METHOD */
    gw_str script_name;   /* SCRIPT_NAME */
    gw_str path_info;     /* PATH_INFO: percent-decoded once, any bytes */
    gw_str query_string;  /* QUERY_STRING: still encoded, without the ? */
    gw_str request_uri;   /* REQUEST_URI: exactly as received */
    uint64_t content_length; /* of the body, or GW_UNKNOWN (chunked) */
    gw_str preread;       /* the first bytes of the body; read gives the rest */
    const gw_pair *env;   /* the other CGI and gateway.* variables */
    size_t env_len;
    const gw_pair *headers; /* the headers: in order, lossless, never edited */
    size_t headers_len;
};

/* ----- bodies ------------------------------------------------------------ */

/* One piece of a stream. The struct is the host's (it sets size), the bytes are
 * the app's: valid until the next next or close. */
typedef struct gw_chunk {
    uint32_t size;
    uint32_t flags; /* GW_CHUNK_* */
    gw_str bytes;   /* empty ones are skipped */
} gw_chunk;

typedef struct gw_body gw_body;

/* A body's functions. Owned by the app; valid until close has returned. */
typedef struct gw_body_vt {
    uint32_t size;
    uint32_t reserved; /* 0 */

    /* Releases what the body holds; may be NULL. The host calls it exactly
     * once, always: also after an error and when the client has left. It cannot
     * fail, and the request's functions answer GW_STATE in it.
     * [one at a time] */
    void (*close)(gw_body *body);

    /* For GW_BODY_STREAM, and not looked at for other kinds: fills *chunk and returns GW_OK, or GW_END, or
     * an error, after which it is not called again. May read the input, write,
     * sleep: it counts as inside its request.
     * [one at a time] */
    gw_status (*next)(gw_body *body, gw_chunk *chunk, gw_buf *err);
} gw_body_vt;

/* Several runs of bytes; the array is the app's until close. */
typedef struct gw_parts {
    const gw_str *ptr;
    size_t len;
} gw_parts;

/* A range of a file. The descriptor stays the app's: close closes it. The host
 * reads at offsets and never moves the file position. */
typedef struct gw_file {
    int32_t fd;
    uint32_t reserved; /* 0 */
    uint64_t offset;
    uint64_t length;
} gw_file;

/* What a body holds, by its kind. */
typedef union gw_body_content {
    gw_str bytes;
    gw_parts parts;
    uint64_t stream_length; /* exact, or GW_UNKNOWN */
    gw_file file;
    uint64_t room[4]; /* for kinds to come */
} gw_body_content;

/* The response body. The struct is the host's, zeroed but for size; call fills
 * it and keeps no pointer to it: the host may move it, and hands its present
 * address to next and close, with contents unchanged but for what next did to
 * data: the app changes nothing else, the host nothing at all. A call that does not return GW_OK leaves it unused:
 * nothing of it is looked at, close is not called. */
struct gw_body {
    uint32_t size;
    uint32_t kind;        /* GW_BODY_*; an unknown one is an error and still closed */
    const gw_body_vt *vt; /* NULL: nothing to close, nothing to pull */
    void *data;           /* the app's own */
    gw_body_content content;
};

/* ----- modules ----------------------------------------------------------- */

/* The first 24 bytes of a module: frozen in every major, so that any host can
 * tell any module why it refuses it. */
typedef struct gw_module_header {
    uint64_t magic; /* GW_MAGIC */
    uint32_t size;  /* sizeof(gw_module) */
    uint16_t abi_major;
    uint16_t abi_minor;
    uint16_t needs_minor; /* the lowest host minor that this module can live with */
    uint16_t reserved;    /* 0 */
    uint32_t flags;       /* GW_MODULE_* */
} gw_module_header;

/* One app of a module: static, immutable. */
typedef struct gw_app {
    uint32_t size;
    uint32_t flags; /* GW_APP_* */
    gw_str name;    /* what stands after the colon in lib.so:name; UTF-8 */
    gw_str doc;     /* about the app, for a list; may be empty */

    /* Makes the app: GW_OK with a handle of its own in *out (NULL is allowed),
     * or an error whose text the server shows before it refuses to start. config
     * is borrowed for the call, host until destroy has returned. May be called
     * several times: each handle is an app of its own.
     * [one at a time] */
    gw_status (*create)(const gw_host *host, const gw_pair *config, size_t config_len, void **out,
                        gw_buf *err);

    /* Answers one request: calls start_response, fills *out, returns GW_OK; or
     * an error, and leaves *out alone.
     * [any thread] with GW_APP_CONCURRENT, else [one at a time]; bodies of
     * earlier calls may be pulled and closed at the same time in both cases. */
    gw_status (*call)(void *self, const gw_request *request, gw_body *out, gw_buf *err);

    /* Ends the app, once, after the last of its bodies was closed. It may not
     * run at all: a process that has to go goes.
     * [one at a time] */
    void (*destroy)(void *self);
} gw_app;

/* What gateway_entry returns: static, immutable. */
typedef struct gw_module {
    gw_module_header header;
    gw_str name;
    gw_str version;
    gw_str built_with;         /* compiler and library, for diagnostics only */
    const gw_app *const *apps; /* at least one */
    size_t apps_len;

    /* Called once per process, before the first create; may be NULL. An error
     * makes every create fail with its text.
     * [one at a time] */
    gw_status (*init)(const gw_host *host, gw_buf *err);

    /* Called once, after the last destroy; may be NULL.
     * [one at a time] */
    void (*shutdown)(void);

    /* Offers an optional power by name: a static table or NULL. May be NULL.
     * [any thread] */
    const void *(*get_extension)(gw_str name);
} gw_module;

/* The one symbol of a module. host_abi is the host's major << 16 | minor, for
 * modules that serve several majors; others ignore it and return the address of
 * their module's header. Must not fail or do work: the checks come after it.
 * [one at a time] */
GW_EXPORT const gw_module_header *gateway_entry(uint32_t host_abi);

/* ----- helpers: inline, not part of the ABI ------------------------------- */

/* A literal as a gw_str, for initialisers. */
#define GW_STR(literal) { (const uint8_t *)("" literal), sizeof(literal) - 1 }

/* A C string as a gw_str; borrows it. */
static inline gw_str gw_cstr(const char *text) {
    gw_str out;
    out.ptr = (const uint8_t *)text;
    out.len = text ? strlen(text) : 0;
    return out;
}

/* Bytes as a gw_str; borrows them. */
static inline gw_str gw_bytes(const void *ptr, size_t len) {
    gw_str out;
    out.ptr = (const uint8_t *)ptr;
    out.len = len;
    return out;
}

/* A header or variable from two C strings; borrows them. */
static inline gw_pair gw_pair_of(const char *key, const char *val) {
    gw_pair out;
    out.key = gw_cstr(key);
    out.val = gw_cstr(val);
    return out;
}

/* Whether a gw_str has the bytes of a C string. */
static inline int gw_is(gw_str bytes, const char *text) {
    size_t len = strlen(text);
    return bytes.len == len && (len == 0 || memcmp(bytes.ptr, text, len) == 0);
}

/* Writes an error text and returns the status, for `return gw_error(...)`. */
static inline gw_status gw_error(gw_buf *err, gw_status status, const char *text) {
    if (err && err->ptr) {
        size_t len = strlen(text);
        err->len = len < err->cap ? len : err->cap;
        if (err->len) memcpy(err->ptr, text, err->len);
    }
    return status;
}

/* The same for the app's own failures: return gw_fail(err, "no database"); */
static inline gw_status gw_fail(gw_buf *err, const char *text) {
    return gw_error(err, GW_APP, text);
}

/* Writes a line to the server's log under the target "app". [any thread] */
static inline void gw_log(const gw_host *host, uint32_t level, const char *message) {
    if (host && host->log) host->log(host, level, gw_cstr("app"), gw_cstr(message));
}

/* Calls start_response with the registered reason phrase. */
static inline gw_status gw_start(const gw_request *request, uint32_t status, const gw_pair *headers,
                                 size_t headers_len, gw_buf *err) {
    gw_head head;
    memset(&head, 0, sizeof head);
    head.size = (uint32_t)sizeof head;
    head.status = status;
    head.headers = headers;
    head.headers_len = headers_len;
    return request->vt->start_response(request, &head, err);
}

/* Fills *out with bytes that need no close: static ones, or the request's. */
static inline gw_status gw_answer(gw_body *out, gw_str bytes) {
    out->kind = GW_BODY_BYTES;
    out->vt = NULL;
    out->data = NULL;
    out->content.bytes = bytes;
    return GW_OK;
}

static inline uint8_t gw_upper(uint8_t byte) {
    return byte >= 'a' && byte <= 'z' ? (uint8_t)(byte - ('a' - 'A')) : byte;
}

/* Goes through the headers of one name (compared without case): sets *out to
 * the next value at or after *at, moves *at behind it, and returns 1; 0 at the
 * end. Start with *at = 0. */
static inline int gw_header_next(const gw_request *request, const char *name, size_t *at,
                                 gw_str *out) {
    size_t len = strlen(name), i;
    for (; *at < request->headers_len; ++*at) {
        const gw_pair *header = &request->headers[*at];
        if (header->key.len != len) continue;
        for (i = 0; i < len; i++)
            if (gw_upper(header->key.ptr[i]) != gw_upper((uint8_t)name[i])) break;
        if (i == len) {
            *out = header->val;
            ++*at;
            return 1;
        }
    }
    return 0;
}

/* The value of the first header of that name: 1 and *out, or 0. */
static inline int gw_header(const gw_request *request, const char *name, gw_str *out) {
    size_t at = 0;
    return gw_header_next(request, name, &at, out);
}

/* Whether the header `name` shows as HTTP_ + `key`: in upper case, `-` as `_`.
 * A name with a `_` of its own never does, so that X_Forwarded_For cannot pass
 * for X-Forwarded-For. */
static inline int gw_header_is_variable(gw_str name, const char *key, size_t key_len) {
    size_t i;
    if (name.len != key_len) return 0;
    for (i = 0; i < key_len; i++) {
        uint8_t byte = name.ptr[i];
        if (byte == '_') return 0;
        if ((byte == '-' ? (uint8_t)'_' : gw_upper(byte)) != (uint8_t)key[i]) return 0;
    }
    return 1;
}

static inline const gw_pair *gw_env_entry(const gw_request *request, const char *name) {
    size_t i;
    for (i = 0; i < request->env_len; i++)
        if (gw_is(request->env[i].key, name)) return &request->env[i];
    return NULL;
}

/* Goes through the values of a variable: sets *out to the next value, moves *at
 * behind it, and returns 1; 0 at the end. Start with *at = 0. Only an HTTP_*
 * variable whose header repeats has more than one: join them with ", " (Cookie:
 * "; ") for the value that other languages see.
 *
 * The rules, the same in every language:
 *   - REQUEST_METHOD, SCRIPT_NAME, PATH_INFO, QUERY_STRING, REQUEST_URI are the
 *     fields of gw_request and are always there.
 *   - HTTP_*: in an edited request (GW_REQUEST_EDITED) an entry of env wins;
 *     else the headers whose name, in upper case and with - as _, is what
 *     follows HTTP_. HTTP_PROXY, HTTP_CONTENT_TYPE and HTTP_CONTENT_LENGTH never
 *     come from a header; nor does any from a header with a _ in its name.
 *   - All else: the first entry of env. A value whose ptr is NULL: removed.
 *   - CONTENT_TYPE, CONTENT_LENGTH: if env has none, the first such header. */
static inline int gw_env_next(const gw_request *request, const char *name, size_t *at, gw_str *out) {
    static const char *const fixed[] = { "REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO",
                                         "QUERY_STRING", "REQUEST_URI" };
    const gw_str values[] = { request->method, request->script_name, request->path_info,
                              request->query_string, request->request_uri };
    const int http = strncmp(name, "HTTP_", 5) == 0;
    const gw_pair *entry = NULL;
    size_t i;
    if (!http || (request->flags & GW_REQUEST_EDITED)) {
        for (i = 0; !http && i < sizeof fixed / sizeof fixed[0]; i++) {
            if (strcmp(name, fixed[i]) != 0) continue;
            if ((*at)++ != 0) return 0;
            *out = values[i];
            return 1;
        }
        entry = gw_env_entry(request, name);
    }
    if (entry) {
        if ((*at)++ != 0 || entry->val.ptr == NULL) return 0;
        *out = entry->val;
        return 1;
    }
    if (http) {
        const char *key = name + 5;
        size_t key_len = strlen(key);
        if (strcmp(key, "PROXY") == 0 || strcmp(key, "CONTENT_TYPE") == 0 ||
            strcmp(key, "CONTENT_LENGTH") == 0)
            return 0;
        for (; *at < request->headers_len; ++*at) {
            if (!gw_header_is_variable(request->headers[*at].key, key, key_len)) continue;
            *out = request->headers[*at].val;
            ++*at;
            return 1;
        }
        return 0;
    }
    if ((*at)++ != 0) return 0;
    if (strcmp(name, "CONTENT_TYPE") == 0) return gw_header(request, "content-type", out);
    if (strcmp(name, "CONTENT_LENGTH") == 0) return gw_header(request, "content-length", out);
    return 0;
}

/* The value of a variable, the first where a header repeats: 1 and *out, or 0.
 * See gw_env_next for the rules and for the other values. */
static inline int gw_env(const gw_request *request, const char *name, gw_str *out) {
    size_t at = 0;
    return gw_env_next(request, name, &at, out);
}

#ifdef __cplusplus
}
#endif

#endif
