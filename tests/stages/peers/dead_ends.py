"""Ends where nobody answers, or somebody else does."""

import contextlib
import socket


def cases(stage, site):
    late = dict(error=13, reason="Timeout", message="raise timeout", within=(0.5, 2))
    soon = "--timeout", 600
    with black_hole() as port:
        stage.case("a black hole", f"https://localhost:{port}/", *soon, **late)
        stage.case("a black hole as proxy", f"https://localhost:{site.https}/", *proxy(port), *soon, **late)
    with silent() as port:
        stage.case("silence instead of TLS", f"https://127.0.0.1:{port}/", *soon, **late)
        stage.case("silence instead of an answer", f"http://127.0.0.1:{port}/", "--dev", *soon, **late)
        stage.case("silence of a proxy", f"https://localhost:{site.https}/", *proxy(port), *soon, **late)

    refused = dict(error=12, reason="Connect", message="check the host, the port", within=(0, 2))
    stage.case("a dead port", f"https://127.0.0.1:{stage.port()}/", **refused)
    stage.case("a dead port of localhost", f"https://localhost:{stage.port()}/", **refused)

    not_tls = dict(error=19, reason="NotTls", message="check the port, or the scheme")
    stage.case("https to a port of http", f"https://localhost:{site.http}/", *stage.trust, **not_tls)
    other_way = dict(error=19, reason="HttpStatus", status=400)
    stage.case(
        "http to a port of https", f"http://localhost:{site.https}/", "--dev", "--data-type", "text", **other_way
    )
    unknown = dict(error=19, reason="CertificateUnknownIssuer", message="add its root")
    stage.case("a root that nobody gave", f"https://localhost:{site.https}/json", **unknown)

    admitted = dict(error=11, reason="HostNotAllowed", message="whitelist")
    stage.case("a host off the whitelist", f"https://localhost:{site.https}/json", "--allow", "example.com", **admitted)
    malformed = dict(error=2, reason="UrlMalformed", message="scheme://host")
    stage.case("a URL without a host", "https:///json", **malformed)
    stage.case("a URL with a user name", "https://user@localhost/", **malformed)
    stage.case(
        "a scheme that it does not speak", "ftp://localhost/", error=2, reason="UrlScheme", message="neither http"
    )
    escape = dict(error=15, reason="MalformedEscape", message="write %25")
    stage.case("a % that means nothing", f"https://localhost:{site.https}/100%", **escape)
    bytes_on_get = dict(error=2, reason="IllegalOption", message="GET takes a string or a value")
    stage.case("bytes on GET", f"https://localhost:{site.https}/", "--data-file", "-", stdin=b"x", **bytes_on_get)


def proxy(port):
    return "--proxy", f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def silent():
    """A port that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        yield listener.getsockname()[1]


@contextlib.contextmanager
def black_hole():
    """A port that neither accepts nor refuses: its queue of connections is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
