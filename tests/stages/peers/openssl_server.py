"""openssl's own server, which serves files over HTTP/1.0 and ends each body by closing."""

import base64
import random


def cases(stage):
    files = stage.directory / "openssl"
    files.mkdir()
    content = random.Random(5).randbytes(200_000)
    (files / "bytes").write_bytes(content)
    (files / "page.txt").write_text("a page\n")
    serving = "-cert", stage.leaf.certificate, "-key", stage.leaf.key, "-quiet"

    def case(name, path, *arguments, port, **expected):
        stage.case(f"openssl: {name}", f"https://localhost:{port}{path}", *stage.trust, *arguments, **expected)

    port = stage.port()
    stage.start("openssl", "s_server", "-accept", port, *serving, "-WWW", port=port, cwd=files)
    text, as_base64 = ("--data-type", "text"), ("--data-type", "base64")
    case("a file", "/page.txt", *text, port=port, status=200, data="a page\n")
    encoded = base64.b64encode(content).decode()
    case("a file of 200,000 bytes", "/bytes", *as_base64, port=port, status=200, data=encoded)
    case("a file that is not JSON", "/page.txt", port=port, error=14, reason="NotJson")

    port = stage.port()
    stage.start("openssl", "s_server", "-accept", port, *serving, "-www", "-tls1_2", port=port)
    case("TLS 1.2", "/", *text, port=port, status=200, data=lambda page: "TLSv1.2" in page)

    # It echoes lines backwards: TLS, but not HTTP.
    port = stage.port()
    stage.start("openssl", "s_server", "-accept", port, *serving, "-rev", port=port)
    case("not HTTP", "/", port=port, error=19, reason="MalformedHead", message="not valid HTTP/1.1")

    # It asks for a certificate that we do not have.
    port = stage.port()
    demanding = "-Verify", 1, "-verify_return_error", "-www"
    stage.start("openssl", "s_server", "-accept", port, *serving, *demanding, port=port)
    case("a client certificate is demanded", "/", *text, port=port, error=12)
