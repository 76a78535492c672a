"""tinyproxy as a forward proxy, open, with Basic authentication and with a filter; and what is no proxy."""

CONFIG = """
Port {port}
Listen 127.0.0.1
Timeout 10
MaxClients 20
LogLevel Error
PidFile "{directory}/tinyproxy-{port}.pid"
ViaProxyName "tinyproxy"
ConnectPort {https}
{more}
"""


def cases(stage, site):
    def start(more=""):
        port = stage.port()
        text = CONFIG.format(port=port, directory=stage.directory, https=site.https, more=more)
        stage.start("tinyproxy", "-d", "-c", stage.write(f"tinyproxy-{port}.conf", text), port=port)
        return port

    http, https = f"http://127.0.0.1:{site.http}", f"https://localhost:{site.https}"
    plain, secure = (f"{http}/json", "--dev"), (f"{https}/json", *stage.trust)

    def through(port, user=""):
        return "--proxy", f"http://{user}127.0.0.1:{port}"

    def case(name, *arguments, **expected):
        stage.case(f"tinyproxy: {name}", *arguments, **expected)

    good = dict(status=200, data=lambda data: data["peer"] == "nginx")
    refused = dict(error=23, reason="ProxyRefused", message="check its rules and the credentials")
    failed = dict(error=23, reason="ProxyFailed", message="check its address")
    text = "--data-type", "text"

    port = start()
    via = dict(good, headers=lambda found: "tinyproxy" in found["via"][0])
    case("http in absolute form", *plain, *through(port), **via)
    case("https by CONNECT", *secure, *through(port), **good)
    case("a redirect through it", f"{https}/301", *stage.trust, *through(port), **good)
    case("404 of the server, http", f"{http}/404", "--dev", *through(port), error=19, status=404)
    case("404 of the server, https", f"{https}/404", *stage.trust, *through(port), error=19, status=404)
    post = "-X", "POST", "--data-json", '{"a":1}'
    case("POST", f"{https}/json", *post, *stage.trust, *through(port), **good)
    case("the certificate is verified", f"{https}/json", *through(port), error=19, reason="CertificateUnknownIssuer")
    other_port = f"https://localhost:{site.http}/", *stage.trust
    case("CONNECT to a port that it does not allow", *other_port, *through(port), **refused)

    port = start("BasicAuth user secret")
    case("with credentials, http", *plain, *through(port, "user:secret@"), **good)
    case("with credentials, https", *secure, *through(port, "user:secret@"), **good)
    case("without credentials, http", *plain, *text, *through(port), **refused)
    case("without credentials, https", *secure, *through(port), **refused)
    case("with wrong credentials, https", *secure, *through(port, "user:wrong@"), **refused)

    rules = stage.write("filter", "^localhost$\n")
    port = start(f'Filter "{rules}"\nFilterExtended On')
    case("a host that it filters", *secure, *through(port), **refused)
    case("a host that it does not filter", *plain, *through(port), **good)

    case("nobody listens there", *secure, *through(stage.port()), **failed)
    case("nobody listens there, http", *plain, *through(stage.port()), **failed)
    # nginx answers CONNECT with 400 or 405: an HTTP server, but no proxy.
    case("a web server is no proxy", *secure, *through(site.http), **refused)
    case("a TLS port is no proxy", *secure, *through(site.https), error=23)
