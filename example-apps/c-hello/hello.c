/*
 * A Gateway app in C: greets, by the name in ?name= if there is one.
 *
 *     make -C example-apps/c-hello OUT=/tmp
 *     gateway-server /tmp/libc_hello.so:app
 *
 *     $ curl 'http://127.0.0.1:8000/?name=Ada'
 *     Hello, Ada!
 */
#include <stdlib.h>

#include "gateway.h"

/* Releases what call allocated. The host calls it exactly once, also when the
 * client has left in the middle. */
static void hello_close(gw_body *body) {
    free(body->data);
}

static const gw_body_vt HELLO_BODY = { sizeof HELLO_BODY, 0, hello_close, NULL };

/* What follows name= in the query, as it came; World without it. */
static gw_str hello_name(const gw_request *request) {
    static const char key[] = "name=";
    const size_t key_len = sizeof key - 1;
    gw_str query = request->query_string;
    if (query.len <= key_len || memcmp(query.ptr, key, key_len) != 0) return gw_cstr("World");
    return gw_bytes(query.ptr + key_len, query.len - key_len);
}

static gw_status hello_call(void *self, const gw_request *request, gw_body *out, gw_buf *err) {
    const gw_str greeting = GW_STR("Hello, "), end = GW_STR("!\n");
    const gw_str name = hello_name(request);
    const gw_pair headers[] = { gw_pair_of("Content-Type", "text/plain") };
    gw_str *parts;
    gw_status status;
    (void)self;

    /* The host copies the headers before this returns. */
    status = gw_start(request, 200, headers, 1, err);
    if (status != GW_OK) return status;

    /* Three runs of bytes that are sent as they are. The name stays where it
     * is, in the request, which lives until the body is closed; only the list
     * of the three has to be kept until then. */
    parts = malloc(3 * sizeof *parts);
    if (!parts) return GW_NOMEM;
    parts[0] = greeting;
    parts[1] = name;
    parts[2] = end;

    out->kind = GW_BODY_PARTS;
    out->vt = &HELLO_BODY;
    out->data = parts;
    out->content.parts.ptr = parts;
    out->content.parts.len = 3;
    return GW_OK;
}

/* An app without state and without configuration. */
static gw_status hello_create(const gw_host *host, const gw_pair *config, size_t config_len, void **out,
                              gw_buf *err) {
    (void)host;
    (void)config;
    if (config_len != 0) return gw_fail(err, "this app takes no configuration");
    *out = NULL;
    return GW_OK;
}

static void hello_destroy(void *self) {
    (void)self;
}

/* Nothing is shared between calls, so they may run at once: GW_APP_CONCURRENT. */
static const gw_app HELLO = {
    sizeof HELLO,
    GW_APP_CONCURRENT,
    GW_STR("app"),
    GW_STR("Greets, by the name in ?name= if there is one."),
    hello_create,
    hello_call,
    hello_destroy,
};

static const gw_app *const APPS[] = { &HELLO };

static const gw_module MODULE = {
    { GW_MAGIC, sizeof MODULE, GW_ABI_MAJOR, GW_ABI_MINOR, 0, 0, GW_MODULE_FORK_SAFE },
    GW_STR("c-hello"),
    GW_STR("0.1.0"),
    GW_STR("C11"),
    APPS,
    sizeof APPS / sizeof APPS[0],
    NULL,
    NULL,
    NULL,
};

/* The one symbol of the module; everything else is hidden. */
GW_EXPORT const gw_module_header *gateway_entry(uint32_t host_abi) {
    (void)host_abi;
    return &MODULE.header;
}
