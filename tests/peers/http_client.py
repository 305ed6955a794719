"""What Python's http.client does over one connection to the probe app."""

import hashlib
import http.client
import json
import sys
from urllib.parse import urlsplit

connection = http.client.HTTPConnection(urlsplit(sys.argv[1]).netloc, timeout=60)


def ask(method, path, body=None):
    connection.request(method, path, body=body)
    response = connection.getresponse()
    return response, response.read()


def sent(body):
    """Uploads a body; what the app has received of it."""
    response, answer = ask("POST", "/inspect", body)
    assert response.status == 200, response.status
    answer = json.loads(answer)
    return answer["body_sha256"], answer["body_len"]


def digest(body):
    return hashlib.sha256(body).hexdigest(), len(body)


response, body = ask("GET", "/")
assert (response.status, response.version, body) == (200, 11, b"This is the probe.\n")
# It would open another connection without a word.
first = connection.sock

for n in range(100):
    response, body = ask("GET", f"/inspect?n={n}")
    assert json.loads(body)["query"] == f"n={n}", body

response, body = ask("HEAD", "/inspect")
assert (response.status, body) == (200, b"")
assert int(response.headers["Content-Length"]) > 100

for status in (204, 304, 404, 500):
    response, body = ask("GET", f"/status/{status}")
    assert response.status == status, response.status

pieces = [bytes([n]) * (n * 100 + 1) for n in range(250)]
whole = b"".join(pieces)
assert sent(whole) == digest(whole)
assert sent(iter(pieces)) == digest(whole)
assert sent(b"") == digest(b"")

response, body = ask("POST", "/chunked-echo", iter(pieces))
assert (response.headers["Transfer-Encoding"], body == whole) == ("chunked", True)

response, body = ask("GET", "/stream?n=1000&size=1000")
assert len(body) == 1_000_000

assert connection.sock is first, "the connection was not kept"
