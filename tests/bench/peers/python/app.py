"""The app of uWSGI, gunicorn and granian: the paths of example-apps/bench."""

import json
import os
import time

SIZE = 64 * 1024
FILE = os.environ["PEER_FILE"]


def plaintext(environ):
    return "text/plain", [b"Hello, World!"], 13


def as_json(environ):
    body = json.dumps({"message": "Hello, World!"}, separators=(",", ":")).encode()
    return "application/json", [body], len(body)


def echo(environ):
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    return "application/octet-stream", [body], len(body)


def file64k(environ):
    # PEP 3333: the server may send the file in its own way.
    return "application/octet-stream", environ["wsgi.file_wrapper"](open(FILE, "rb"), SIZE), SIZE


def sleep10(environ):
    time.sleep(0.01)
    return "text/plain", [b"slept"], 5


PATHS = {"/plaintext": plaintext, "/json": as_json, "/echo": echo, "/file64k": file64k, "/sleep10": sleep10}


def app(environ, start_response):
    answer = PATHS.get(environ["PATH_INFO"])
    if answer is None:
        start_response("404 Not Found", [("Content-Length", "0")])
        return []
    content_type, body, length = answer(environ)
    start_response("200 OK", [("Content-Type", content_type), ("Content-Length", str(length))])
    return body


# What uWSGI looks for.
application = app
