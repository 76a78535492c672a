"""httpbin under gunicorn, plain and over TLS."""

import base64
import random

JSON_TYPE = "application/json"
FORM = "content-type: application/x-www-form-urlencoded"


def cases(stage, gunicorn):
    plain, secure = stage.port(), stage.port()
    serve(stage, gunicorn, plain)
    serve(stage, gunicorn, secure, "--certfile", stage.leaf.certificate, "--keyfile", stage.leaf.key)
    # Most cases go over TLS, under the release policy, as a mini program's do.
    base = f"https://localhost:{secure}"

    def case(name, path, *arguments, **expected):
        stage.case(f"httpbin: {name}", base + path, *stage.trust, *arguments, **expected)

    methods(case)
    data(case)
    bodies(case)
    redirects(case, base, plain)
    statuses(case)
    times(case)
    stage.case(
        "httpbin: plain http under the development policy",
        f"http://127.0.0.1:{plain}/get?a=1",
        "--dev",
        status=200,
        data=lambda data: data["args"] == {"a": "1"} and data["url"] == f"http://127.0.0.1:{plain}/get?a=1",
    )
    refused = dict(error=20, reason="PlainHttpRefused", message="use https")
    stage.case("httpbin: plain http under the release policy", f"http://127.0.0.1:{plain}/get", **refused)


def serve(stage, gunicorn, port, *options):
    where = "--bind", f"127.0.0.1:{port}", "--threads", 4, "--keep-alive", 5, "--no-control-socket"
    stage.start(gunicorn, *where, *options, "httpbin:app", port=port, cwd=stage.directory)


def methods(case):
    case("GET", "/get", status=200, data=lambda data: data["args"] == {} and data["url"].endswith("/get"))
    sent = "--data-json", '{"a": [1, "two"]}'
    for method in ("POST", "PUT", "DELETE"):
        case(method, f"/{method.lower()}", "-X", method, *sent, data=lambda data: data["json"] == {"a": [1, "two"]})
    case("DELETE without data", "/delete", "-X", "DELETE", data=lambda data: data["data"] == "")
    case("a method that the route has not", "/post", "--data-type", "text", error=19, reason="HttpStatus", status=405)
    case(
        "the headers sent",
        "/headers",
        *("--appid", "2021", "--app-version", "1.2.3", "-H", "x-one: 1", "-H", "Referer: https://elsewhere.test/"),
        *("-H", "X-ONE: 2"),
        data=lambda data: data["headers"]["X-One"] == "2"
        and data["headers"]["Referer"] == "https://localhost/2021/1.2.3/page-frame.html"
        and data["headers"]["Host"].startswith("localhost:")
        and data["headers"]["Content-Type"] == JSON_TYPE,
    )
    case("headers that come twice", "/response-headers?X-A=1&X-A=2", headers=lambda found: found["x-a"] == ["1", "2"])
    case("a cookie", "/cookies", "-H", "Cookie: a=1; b=2", data={"cookies": {"a": "1", "b": "2"}})
    credentials = base64.b64encode(b"user:secret").decode()
    allowed = "-H", f"Authorization: Basic {credentials}"
    case("Basic authentication", "/basic-auth/user/secret", *allowed, data=lambda data: data["authenticated"])
    case("Basic authentication missing", "/basic-auth/user/secret", "--data-type", "text", error=19, status=401)
    conditional = "-H", "If-None-Match: abc"
    case("not modified", "/etag/abc", *conditional, status=304, data="")


def data(case):
    def echoed(**wanted):
        return lambda found: all(found[key] == value for key, value in wanted.items())

    query = "--data-json", '{"q": "a b&c=d", "n": [1, 2.5, true], "u": "\u00e9"}'
    args = {"q": "a b&c=d", "n": ["1", "2.5", "true"], "u": "\u00e9"}
    case("a value on GET", "/get?first=0", *query, data=echoed(args={"first": "0", **args}))
    case("a string on GET", "/get?first=0", "-d", "x=1&y=%20", data=echoed(args={"first": "0", "x": "1", "y": " "}))
    case(
        "a value as JSON",
        "/post",
        "-X",
        "POST",
        *query,
        data=echoed(form={}, json={"q": "a b&c=d", "n": [1, 2.5, True], "u": "\u00e9"}),
    )
    case("a value as a form", "/post", "-X", "POST", "-H", FORM, *query, data=echoed(form=args, json=None))
    case("a string as a form", "/put", "-X", "PUT", "-H", FORM, "-d", "a=1&a=2", data=echoed(form={"a": ["1", "2"]}))
    text = "-H", "Content-Type: text/plain"
    case("a string as text", "/post", "-X", "POST", *text, "-d", "h\u00e9llo", data=echoed(data="h\u00e9llo"))
    random_bytes = random.Random(1).randbytes(300_000)
    binary = "-X", "POST", "-H", "Content-Type: application/octet-stream", "--data-file", "-"
    encoded = "data:application/octet-stream;base64," + base64.b64encode(random_bytes).decode()
    case("300,000 bytes", "/post", *binary, stdin=random_bytes, data=echoed(data=encoded))


def bodies(case):
    text, as_base64 = ("--data-type", "text"), ("--data-type", "base64")
    not_json = dict(error=14, reason="NotJson", message="ask for dataType text")
    case("JSON", "/json", data=lambda data: data["slideshow"]["author"] == "Yours Truly")
    case("HTML as JSON", "/html", **not_json, status=200)
    case("HTML as text", "/html", *text, data=lambda data: data.startswith("<!DOCTYPE html>") and "Melville" in data)
    case("XML as text", "/xml", *text, data=lambda data: "<slideshow" in data)
    case("UTF-8 as text", "/encoding/utf8", *text, data=lambda data: "\u1e9e" in data or "\u2200x\u2208\u211d" in data)
    case("an image as base64", "/image/png", *as_base64, data=lambda data: base64.b64decode(data)[1:4] == b"PNG")
    case("an image as text", "/image/png", *text, error=14, reason="NotText", message="ask for dataType base64")
    same = random.Random(7)
    seeded = bytes(same.randint(0, 255) for _ in range(10_000))
    case("bytes as base64", "/bytes/10000?seed=7", *as_base64, data=base64.b64encode(seeded).decode())
    case(
        "chunked bytes", "/stream-bytes/10000?seed=7&chunk_size=97", *as_base64, data=base64.b64encode(seeded).decode()
    )
    case("a range", "/range/1000", *text, data=("abcdefghijklmnopqrstuvwxyz" * 39)[:1000])
    case("a stream of JSON lines as text", "/stream/20", *text, data=lambda data: data.count("\n") == 20)
    case("a stream of JSON lines as JSON", "/stream/20", **not_json)
    case("a base64 route", "/base64/aGVsbG8=", *text, data="hello")
    for coding in ("gzip", "deflate", "brotli"):
        refused = dict(error=14, reason="UnsupportedEncoding", message="content-encoding", status=200)
        case(f"{coding} that nobody asked for", f"/{coding}", **refused)


def redirects(case, base, plain):
    at_get = dict(status=200, data=lambda data: data["url"].endswith("/get"))
    for count in (1, 5):
        case(f"{count} redirects", f"/redirect/{count}", **at_get)
    case("relative redirects", "/relative-redirect/3", **at_get)
    case("absolute redirects", "/absolute-redirect/3", **at_get)
    case("6 redirects", "/redirect/6", error=19, reason="TooManyRedirects", message="more redirects than the limit")
    manual = "--redirect", "manual", "--data-type", "text"
    case("a redirect not followed", "/redirect/3", *manual, status=302, headers=lambda found: found["location"])

    post = "-X", "POST", "--data-json", '{"a":1}'
    to = "/redirect-to?url=%2Fanything&status_code="
    for status in (301, 302, 303):
        case(
            f"{status} after POST",
            f"{to}{status}",
            *post,
            data=lambda data: (data["method"], data["data"]) == ("GET", ""),
        )
    for status in (307, 308):
        kept = dict(data=lambda data: (data["method"], data["json"]) == ("POST", {"a": 1}))
        case(f"{status} after POST", f"{to}{status}", *post, **kept)
    away = dict(error=11, reason="HostNotAllowed", message="whitelist")
    case("a redirect off the whitelist", "/redirect-to?url=https%3A%2F%2Felsewhere.test%2F", **away)
    down = dict(error=20, reason="PlainHttpRefused", message="use https")
    case("a redirect to plain http", f"/redirect-to?url=http%3A%2F%2Flocalhost%3A{plain}%2Fget", **down)
    other = f"/redirect-to?url=http%3A%2F%2F127.0.0.1%3A{plain}%2Fheaders"
    secrets = "--dev", "-H", "Authorization: Bearer x", "-H", "Cookie: a=1", "-H", "X-Kept: 1"
    case(
        "a redirect to another origin",
        other,
        *secrets,
        data=lambda data: "X-Kept" in data["headers"] and not {"Authorization", "Cookie"} & data["headers"].keys(),
    )
    case("a redirect to nothing", "/redirect-to?url=ftp%3A%2F%2Flocalhost%2F", error=19, reason="BadRedirect")


def statuses(case):
    text = "--data-type", "text"
    for status in (200, 201, 202, 206):
        case(f"status {status}", f"/status/{status}", status=status, data="")
    case("status 204", "/status/204", status=204, data="")
    for status in (400, 403, 404, 409, 410, 500, 502, 503, 504):
        failed = dict(error=19, reason="HttpStatus", status=status, message=f"(status {status})")
        case(f"status {status}", f"/status/{status}", *text, **failed)
    teapot = dict(error=19, status=418, data=lambda data: "teapot" in data)
    case("status 418 and its body", "/status/418", *text, **teapot)
    case("status 429", "/status/429", *text, error=20, reason="RateLimited", status=429, message="try again later")
    missing = dict(status=404, headers=lambda found: "text/html" in found["content-type"][0])
    case("a page that is not there, as text", "/nowhere", *text, error=19, reason="HttpStatus", **missing)
    case("a page that is not there, as JSON", "/nowhere", error=14, reason="NotJson", **missing)


def times(case):
    case("a slow answer", "/delay/1", within=(1, 5), status=200)
    late = dict(error=13, reason="Timeout", message="raise timeout", within=(0.6, 2))
    case("an answer that is too slow", "/delay/4", "--timeout", 700, **late)
    drip = "/drip?duration=1&numbytes=10&delay=0"
    case("a dripping body", drip, "--data-type", "text", data="*" * 10, status=200)
    too_slow = "--data-type", "text", "--timeout", 900
    case("a body that drips too slowly", "/drip?duration=5&numbytes=10&delay=0", *too_slow, **late, status=200)
    # The first byte says enough.
    not_json = dict(error=14, reason="NotJson", within=(0, 2))
    case("a body that drips and is not JSON", "/drip?duration=5&numbytes=10&delay=0", **not_json)
