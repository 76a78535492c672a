"""nginx: what it serves itself, and what it passes on from a server that speaks HTTP/1.0."""

import base64
import dataclasses
import hashlib
import http.server
import random
import threading

import nginx

TEXT = "--data-type", "text"
LARGE = 40 * 1024 * 1024
# One byte more than the program takes whole.
TOO_LARGE = 64 * 1024 * 1024 + 1

LOCATIONS = """
    root {files};
    client_max_body_size 1k;
    gzip off;
    location = /hello {{ default_type text/plain; return 200 "hello\\n"; }}
    location = /json {{ return 200 '{{"peer":"nginx","keepalive":$connection_requests,"proto":"$server_protocol"}}'; }}
    location = /echo {{ return 200 '{{"uri":"$request_uri","referer":"$http_referer","type":"$content_type"}}'; }}
    location = /empty {{ return 200; }}
    location = /no-content {{ return 204; }}
    location = /404 {{ return 404 '{{"error":"not here"}}'; }}
    location = /500 {{ return 500 '{{"error":"broken"}}'; }}
    location = /429 {{ add_header Retry-After 5 always; return 429 '{{"error":"slow down"}}'; }}
    location = /301 {{ return 301 /json; }}
    location = /302 {{ return 302 $scheme://$http_host/json; }}
    location = /307 {{ return 307 /json; }}
    location = /308 {{ return 308 /json; }}
    location = /loop {{ return 302 /loop; }}
    location = /cut {{ return 444; }}
    location = /twice {{ add_header X-Twice one; add_header X-Twice two; return 200 '{{}}'; }}
    location = /compressed {{ gzip on; gzip_min_length 0; gzip_types *; try_files /page.json =404; }}
    location = /limited {{ limit_rate 20000; try_files /quarter-megabyte =404; }}
    location = /latin1 {{ charset iso-8859-1; default_type text/plain; try_files /latin1 =404; }}
    location = /koi8 {{ charset koi8-r; default_type text/plain; try_files /latin1 =404; }}
    location /old/ {{ proxy_pass http://127.0.0.1:{backend}/; }}
    location /files/ {{ default_type application/octet-stream; alias {files}/; }}
    location = /close {{ keepalive_timeout 0; return 302 /json; }}
"""


@dataclasses.dataclass
class Site:
    """Where nginx listens."""

    http: int
    https: int
    backend: int


def cases(stage):
    backend = start_backend()
    site = Site(stage.port(), stage.port(), backend)
    files = stage.directory / "files"
    contents = write_files(files)
    locations = LOCATIONS.format(files=files, backend=backend)
    secure = f"ssl_certificate {stage.leaf.certificate}; ssl_certificate_key {stage.leaf.key};"
    servers = f"""
        server {{ listen 127.0.0.1:{site.http}; {locations} }}
        server {{ listen 127.0.0.1:{site.https} ssl; {secure} {locations} }}
    """
    nginx.start(stage, servers, site.http)

    for kind, base, how in (
        ("https", f"https://localhost:{site.https}", stage.trust),
        ("http", f"http://127.0.0.1:{site.http}", ("--dev",)),
    ):

        def case(name, path, *arguments, base=base, how=how, kind=kind, **expected):
            stage.case(f"nginx, {kind}: {name}", base + path, *how, *arguments, **expected)

        answers(case, base)
        failures(case, kind)
        large(case, contents)
        old_backend(case, backend, base)
    raw_output(stage, site)
    return site


def answers(case, base):
    case("text", "/hello", *TEXT, status=200, data="hello\n")
    case("JSON", "/json", status=200, data=lambda data: data["peer"] == "nginx" and data["proto"] == "HTTP/1.1")
    case("an empty body", "/empty", status=200, data="")
    case("no content", "/no-content", status=204, data="")
    case("the fragment stays here", "/echo?a=1#b", data=lambda data: data["uri"] == "/echo?a=1")
    case("a header that comes twice", "/twice", headers=lambda found: found["x-twice"] == ["one", "two"])
    for status in (301, 302, 307, 308):
        # The second request of the connection.
        case(f"{status}, on the same connection", f"/{status}", data=lambda data: data["keepalive"] == 2)
    case("a redirect on a connection that closes", "/close", data=lambda data: data["keepalive"] == 1)
    case("a redirect to itself", "/loop", error=19, reason="TooManyRedirects")
    manual = "--redirect", "manual", *TEXT
    case(
        "a redirect not followed",
        "/302",
        *manual,
        status=302,
        headers=lambda found: found["location"] == [f"{base}/json"],
    )
    case("gzip is not asked for", "/compressed", data={"page": list(range(100))})
    case("ISO-8859-1", "/latin1", *TEXT, data="caf\u00e9")
    case("a charset that is not supported", "/koi8", *TEXT, error=14, reason="UnsupportedCharset", message="base64")


def failures(case, kind):
    body = dict(data=lambda data: "error" in data)
    case("404 and its JSON", "/404", error=19, reason="HttpStatus", status=404, message="(status 404)", **body)
    case("500 and its JSON", "/500", error=19, reason="HttpStatus", status=500, **body)
    case("429", "/429", error=20, reason="RateLimited", status=429, headers=lambda found: found["retry-after"] == ["5"])
    missing = dict(status=404, error=19, reason="HttpStatus", data=lambda data: "404 Not Found" in data)
    case("its own page for what is not there", "/nowhere", *TEXT, **missing)
    case("a body that is not JSON", "/hello", error=14, reason="NotJson", status=200, message="ask for dataType text")
    # Over TLS it closes without saying so.
    closed = "ConnectionLost" if kind == "https" else "ConnectionClosed"
    case("a connection that closes instead of an answer", "/cut", error=12, reason=closed)
    refused = dict(error=19, reason="HttpStatus", status=413)
    case("a POST over its limit", "/json", "-X", "POST", *TEXT, "-d", "x" * 2000, **refused)
    # The answer comes, and the connection closes, while the body is still going out.
    body = "-X", "POST", *TEXT, "--data-file", "-"
    case("a POST far over its limit", "/json", *body, stdin=b"x" * 20_000_000, **refused)
    if kind == "https":
        case("a header over its limit", "/json", *TEXT, "-H", f"x-long: {'x' * 40_000}", error=19, status=400)


def large(case, contents):
    as_base64 = "--data-type", "base64"
    for name in ("quarter-megabyte", "large"):
        digest = hashlib.sha256(contents[name]).digest()
        same = lambda data, digest=digest: hashlib.sha256(base64.b64decode(data)).digest() == digest  # noqa: E731
        case(f"a file of {len(contents[name]):,} bytes", f"/files/{name}", *as_base64, status=200, data=same)
    refused = dict(error=14, reason="TooLarge", message="stream it or raise the limit", status=200)
    case(f"a file of {TOO_LARGE:,} bytes", "/files/too-large", *as_base64, within=(0, 3), **refused)
    slow = dict(error=13, reason="Timeout", status=200, within=(0.9, 3))
    case("a file that comes too slowly", "/limited", *as_base64, "--timeout", 1000, **slow)


def old_backend(case, backend, base):
    case(
        "HTTP/1.0 passed on, chunked",
        "/old/plain",
        data={"old": True},
        headers=lambda found: found["transfer-encoding"],
    )
    case("HTTP/1.0 passed on, with its length", "/old/length", data={"old": True})
    case("HTTP/1.0 passed on, cut short", "/old/short", error=12, reason="ConnectionClosed", status=200)
    if base.startswith("http:"):
        direct = f"http://127.0.0.1:{backend}"
        case("no proxy: HTTP/1.0, ended by the close", "/plain", base=direct, data={"old": True})
        case("no proxy: HTTP/1.0, with its length", "/length", base=direct, data={"old": True})
        case("no proxy: HTTP/1.0, cut short", "/short", base=direct, error=12, reason="ConnectionClosed", status=200)
    dead = dict(error=19, reason="HttpStatus", status=502)
    case("a backend that closes instead of an answer", "/old/nothing", *TEXT, **dead)


def raw_output(stage, site):
    """Without --json: the body on standard output, everything else on standard error."""
    url = f"https://localhost:{site.https}/"
    status, output, complaint, _ = stage.call(url + "hello", *stage.trust, *TEXT)
    stage.verdict("nginx: the body as it is", [] if (status, output) == (0, b"hello\n") else [f"{status} {output}"])
    status, output, complaint, _ = stage.call(url + "404", *stage.trust)
    right = status == 1 and output == b'{"error":"not here"}' and b"error 19 (HttpStatus)" in complaint
    stage.verdict("nginx: a failure for people", [] if right else [f"{status} {output} {complaint}"])
    status, output, complaint, _ = stage.call(url + "json", *stage.trust, "-v", "-H", "authorization: secret")
    wanted = (b"> GET /json HTTP/1.1", b"< HTTP/1.1 200 OK", b"total")
    missing = [part.decode() for part in wanted if part not in complaint]
    if b"secret" in complaint:
        missing.append("credentials hidden")
    stage.verdict("nginx: the heads of both sides", [f"{missing} not in:\n{complaint.decode()}"] if missing else [])


def write_files(directory):
    directory.mkdir()
    generator = random.Random(3)
    contents = {
        "quarter-megabyte": generator.randbytes(250_000),
        "large": generator.randbytes(LARGE),
        "page.json": ('{"page":[' + ",".join(map(str, range(100))) + "]}").encode(),
        "latin1": "caf\u00e9".encode("latin-1"),
    }
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    with (directory / "too-large").open("wb") as file:
        file.truncate(TOO_LARGE)
    return contents


def start_backend():
    """Python's own server, which speaks HTTP/1.0 and closes after each answer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self):
            if self.path == "/nothing":
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            length = {"/length": 12, "/short": 1000}.get(self.path)
            if length:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(b'{"old":true}')

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port
