"""Which servers are who they say they are: see certificates.sh, which calls this with the program's path."""

import base64
import pathlib
import socket
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))

import nginx  # noqa: E402
from certificates import CA, LEAF, LOCALHOST, Maker  # noqa: E402
from stage import Stage  # noqa: E402

HINTS = {
    "CertificateExpired": "expired",
    "CertificateNotYetValid": "not valid yet",
    "CertificateWrongHost": "another host",
    "CertificateUnknownIssuer": "root",
    "CertificateNotAnAuthority": "authority",
    "CertificateWrongUsage": "may not be used",
    "CertificateInvalid": "malformed or its signature",
    "NotTls": "does not speak TLS",
}


def main(miniwire):
    with Stage(miniwire) as stage:
        maker = Maker(stage.directory / "certificates")
        root = maker.make("root", extensions=CA)
        good = good_ones(maker, root)
        bad = bad_ones(maker, root)
        servers, ports = [], {}
        for name, (certificate, *_) in {**good, **bad}.items():
            ports[name] = stage.port()
            servers.append(nginx.tls(ports[name], certificate))
        plain = stage.port()
        servers.append(f"server {{ listen 127.0.0.1:{plain}; location / {{ return 200 '{{}}'; }} }}")
        nginx.start(stage, "ssl_ciphers ALL:@SECLEVEL=0;" + "".join(servers), plain)
        proxy = Proxy(ports)

        stage.write("roots.pem", "".join(map(pathlib.Path.read_text, [root.certificate, *maker.roots])))
        trust = "--ca", stage.directory / "roots.pem"
        for name, (_, host) in good.items():
            stage.case(name, *where(host, ports[name], proxy, name), *trust, status=200, data={"peer": "nginx"})
        for name, (_, host, reason) in bad.items():
            refused = dict(error=19, reason=reason, message=HINTS[reason], status=None)
            stage.case(name, *where(host, ports[name], proxy, name), *trust, **refused)

        refused = dict(error=19, reason="NotTls", message=HINTS["NotTls"])
        stage.case("plain HTTP on the TLS port", f"https://localhost:{plain}/", *trust, **refused)
        unknown = dict(error=19, reason="CertificateUnknownIssuer", message=HINTS["CertificateUnknownIssuer"])
        stage.case("a root that was not given", f"https://localhost:{ports['a leaf by the root']}/", **unknown)
        development = f"https://localhost:{ports['expired']}/", "--dev", *trust
        expired = dict(error=19, reason="CertificateExpired")
        stage.case("the development policy verifies all the same", *development, **expired)
        by_openssl(stage, maker, root, trust)
        return stage.finish()


def where(host, port, proxy, name):
    """The URL of a case. Names other than localhost resolve at the proxy only."""
    if host in ("localhost", "127.0.0.1"):
        return (f"https://{host}:{port}/",)
    return f"https://{host}/", "--proxy", proxy.url(name)


def good_ones(maker, root):
    """Name -> certificates to serve, host."""
    middle = maker.make("middle", root, (*CA, "extendedKeyUsage=serverAuth"), key="P-384")
    low = maker.make("low", middle, ("basicConstraints=critical,CA:TRUE,pathlen:0", CA[1]))
    named = maker.make("named", root, (*CA, "nameConstraints=critical,permitted;DNS:example.test"))
    rsa_root = maker.make("rsa-root", None, CA, key="RSA-2048")
    edwards_root = maker.make("edwards-root", None, CA, key="Ed25519")
    maker.roots = [rsa_root.certificate, edwards_root.certificate]
    wild = (*LEAF, "subjectAltName=DNS:*.example.test")
    return {
        "a leaf by the root": (maker.make("leaf", root), "localhost"),
        "a leaf and an intermediate": (maker.chain(maker.make("leaf-1", middle), middle), "localhost"),
        "a leaf and two intermediates": (maker.chain(maker.make("leaf-2", low), low, middle), "localhost"),
        "intermediates in the wrong order": (maker.chain(maker.make("leaf-3", low), middle, low), "localhost"),
        "the root sent along": (maker.chain(maker.make("leaf-4", root), root), "localhost"),
        "no key usage at all": (maker.make("bare", root, ("subjectAltName=DNS:localhost",)), "localhost"),
        "an IP address": (maker.make("ip", root, (*LEAF, "subjectAltName=IP:127.0.0.1")), "127.0.0.1"),
        "several names": (maker.make("names", root, (*LEAF, "subjectAltName=DNS:a.test,DNS:localhost")), "localhost"),
        "a wildcard, one label": (maker.make("wild", root, wild), "www.example.test"),
        "an upper-case name": (maker.make("upper", root, (*LEAF, "subjectAltName=DNS:LOCALHOST")), "localhost"),
        "name constraints met": (
            maker.chain(maker.make("constrained", named, (*LEAF, "subjectAltName=DNS:www.example.test")), named),
            "www.example.test",
        ),
        "a P-384 key": (maker.make("p384", root, key="P-384"), "localhost"),
        "an Ed25519 key": (maker.make("edwards", root, key="Ed25519"), "localhost"),
        "an RSA key of 2048 bits": (maker.make("rsa", root, key="RSA-2048"), "localhost"),
        "an RSA key of 4096 bits": (maker.make("rsa-4096", root, key="RSA-4096"), "localhost"),
        "an RSA root": (maker.make("by-rsa", rsa_root, key="RSA-2048"), "localhost"),
        "an Ed25519 root": (maker.make("by-edwards", edwards_root), "localhost"),
    }


def bad_ones(maker, root):
    """Name -> certificates to serve, host, reason."""

    def leaf(name, extensions=LOCALHOST, issuer=root, **options):
        return maker.make(name, issuer, extensions, **options)

    def below(name, *extensions, **options):
        issuer = maker.make(f"{name}-issuer", root, extensions, **options)
        return maker.chain(leaf(name, issuer=issuer), issuer)

    def names(*names):
        return (*LEAF, "subjectAltName=" + ",".join(names))

    stranger = maker.make("stranger", None, CA)
    impostor = maker.make("impostor", None, CA, subject="root")
    short = maker.make("short", root, ("basicConstraints=critical,CA:TRUE,pathlen:0", CA[1]))
    too_deep = maker.make("too-deep", short, CA)
    unsent = maker.make("unsent", root, CA)
    may_not_sign = "basicConstraints=critical,CA:TRUE", "keyUsage=critical,digitalSignature,cRLSign"
    # openssl refuses to serve with a key that may sign certificates only.
    signing_ca = CA[0], CA[1] + ",digitalSignature", "subjectAltName=DNS:localhost"
    expired, future, wrong_host = "CertificateExpired", "CertificateNotYetValid", "CertificateWrongHost"
    unknown, no_authority = "CertificateUnknownIssuer", "CertificateNotAnAuthority"
    wrong_usage, invalid = "CertificateWrongUsage", "CertificateInvalid"
    return {
        "expired": (leaf("expired", days=(-30, -1)), "localhost", expired),
        "an intermediate that has expired": (below("old", *CA, days=(-30, -1)), "localhost", expired),
        "not yet valid": (leaf("future", days=(1, 30)), "localhost", future),
        "an intermediate that is not yet valid": (below("early", *CA, days=(1, 30)), "localhost", future),
        "another host": (leaf("other", names("DNS:other.test")), "localhost", wrong_host),
        "the host as common name only": (leaf("common", LEAF, subject="localhost"), "localhost", wrong_host),
        "a name for an IP address": (leaf("for-ip"), "127.0.0.1", wrong_host),
        "another IP address": (leaf("other-ip", names("IP:127.0.0.2")), "127.0.0.1", wrong_host),
        "an IP address written as a name": (leaf("ip-name", names("DNS:127.0.0.1")), "127.0.0.1", wrong_host),
        "a wildcard, two labels": (leaf("wild-2", names("DNS:*.example.test")), "a.b.example.test", wrong_host),
        "a wildcard for the domain itself": (leaf("wild-0", names("DNS:*.example.test")), "example.test", wrong_host),
        "a wildcard within a label": (leaf("wild-w", names("DNS:w*.example.test")), "www.example.test", wrong_host),
        "a suffix of the name": (leaf("suffix", names("DNS:example.test")), "www.example.test", wrong_host),
        "an unknown root": (leaf("lost", issuer=stranger), "localhost", unknown),
        "an unknown root, sent along": (
            maker.chain(leaf("lost-2", issuer=stranger), stranger),
            "localhost",
            unknown,
        ),
        "an intermediate that is not sent": (leaf("gap", issuer=unsent), "localhost", unknown),
        "self-signed": (maker.make("self", None), "localhost", unknown),
        "self-signed as an authority": (
            maker.make("self-ca", None, signing_ca),
            "localhost",
            unknown,
        ),
        "another root of the same name": (leaf("forged", issuer=impostor), "localhost", invalid),
        "a signature with one bit wrong": (maker.with_broken_signature("broken", leaf("whole")), "localhost", invalid),
        "an issuer that is a leaf": (below("by-leaf", *LOCALHOST), "localhost", no_authority),
        "an issuer without basic constraints": (below("by-none", CA[1]), "localhost", no_authority),
        "an issuer without keyCertSign": (below("by-unfit", *may_not_sign), "localhost", no_authority),
        "a chain longer than allowed": (
            maker.chain(leaf("deep", issuer=too_deep), too_deep, short),
            "localhost",
            no_authority,
        ),
        "a name that the issuer may not vouch for": (
            below("named-2", *CA, "nameConstraints=critical,permitted;DNS:example.test"),
            "localhost",
            no_authority,
        ),
        "a name that the issuer is denied": (
            below("named-3", *CA, "nameConstraints=critical,excluded;DNS:localhost"),
            "localhost",
            no_authority,
        ),
        "a client's certificate": (
            leaf("client", (*LEAF[:2], "extendedKeyUsage=clientAuth", "subjectAltName=DNS:localhost")),
            "localhost",
            wrong_usage,
        ),
        "an issuer for clients": (below("by-client", *CA, "extendedKeyUsage=clientAuth"), "localhost", wrong_usage),
        "an authority as server": (leaf("ca", signing_ca), "localhost", wrong_usage),
        "a key that may not sign": (
            leaf("cipher", (LEAF[0], "keyUsage=critical,keyEncipherment", *LOCALHOST[2:]), key="RSA-2048"),
            "localhost",
            wrong_usage,
        ),
        "a critical extension that nobody knows": (
            leaf("odd", (*LOCALHOST, "1.2.3.4.5=critical,ASN1:NULL")),
            "localhost",
            invalid,
        ),
        "version 1": (leaf("v1", ()), "localhost", invalid),
        "signed with SHA-1": (leaf("sha1", digest="sha1"), "localhost", invalid),
        "an RSA key of 1024 bits": (leaf("weak", key="RSA-1024"), "localhost", invalid),
    }


def by_openssl(stage, maker, root, trust):
    """The same against another implementation of TLS, and its versions."""
    leaf, middle = maker.make("of-openssl", root), maker.make("middle-2", root, CA, key="RSA-2048")
    below, old = maker.make("below", middle, key="RSA-2048"), maker.make("old-2", root, days=(-30, -1))

    def serve(certificate, *options):
        port = stage.port()
        files = "-cert", certificate.certificate, "-key", certificate.key
        server = stage.start("openssl", "s_server", "-accept", port, *files, "-www", "-quiet", *options, port=port)
        return server, (f"https://localhost:{port}/", "--data-type", "text", *trust)

    def case(name, certificate, *options, **expected):
        server, call = serve(certificate, *options)
        stage.case(f"openssl: {name}", *call, **expected)
        stage.end(server)

    def spoke(version):
        return dict(status=200, data=lambda page: version in page)

    chain = "-cert_chain", middle.certificate
    case("a leaf", leaf, **spoke("TLSv1.3"))
    case("a leaf and an intermediate", below, *chain, **spoke("TLSv1.3"))
    case("TLS 1.2 only", leaf, "-tls1_2", **spoke("TLSv1.2"))
    case("TLS 1.2 only, RSA", below, *chain, "-tls1_2", **spoke("TLSv1.2"))
    case("TLS 1.3 only", leaf, "-tls1_3", **spoke("TLSv1.3"))
    case("TLS 1.3, after a retry of its hello", leaf, "-tls1_3", "-groups", "P-384", **spoke("TLSv1.3"))
    case("TLS 1.3 with ChaCha20", leaf, "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256", **spoke("TLSv1.3"))
    case("expired", old, error=19, reason="CertificateExpired", message=HINTS["CertificateExpired"])
    case("an intermediate that is not sent", below, error=19, reason="CertificateUnknownIssuer")
    # Not the certificate's fault: nothing was agreed on.
    unlike = dict(error=12, reason="Tls", message="TLS 1.2 or 1.3")
    case("TLS 1.1 only", leaf, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", **unlike)
    case("CBC only", leaf, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA", **unlike)


class Proxy:
    """Takes `CONNECT` to any name to the port that its user stands for. Names so need no resolver."""

    def __init__(self, ports):
        self.ports = ports
        self.cases = list(ports)
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()

    def url(self, case):
        """The user of the URL, which comes as Basic credentials, is the case's number."""
        return f"http://{self.cases.index(case)}:x@127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self):
        while True:
            threading.Thread(target=self.tunnel, args=(self.listener.accept()[0],), daemon=True).start()

    def tunnel(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            more = client.recv(4096)
            if not more:
                return
            head += more
        connect, *fields = head.decode().split("\r\n")
        assert connect.startswith("CONNECT "), connect
        credentials = next(field for field in fields if field.lower().startswith("proxy-authorization: basic "))
        user = base64.b64decode(credentials.split()[-1]).decode().split(":")[0]
        server = socket.create_connection(("127.0.0.1", self.ports[self.cases[int(user)]]))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=pump, args=(server, client), daemon=True).start()
        pump(client, server)


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
