"""Servers at one end of a TAP, and the board's client at the other: see tap.sh, which calls this in a network of its own
with the paths of the program, of the example `tap`, of the WebSocket servers and of gunicorn.

The servers listen on the loopback interface; the kernel is told to let what comes from the TAP reach it.
"""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "peers")]

import dead_ends  # noqa: E402
import httpbin  # noqa: E402
import nginx  # noqa: E402
import nginx_site  # noqa: E402
import websocket_peers  # noqa: E402
from certificates import CA, LEAF, Maker  # noqa: E402
from stage import Stage  # noqa: E402

# The client prints its verdicts, and has this long.
CLIENT_S = 480
TAP, ROUTER, BOARD = "tap0", "10.0.0.1", "10.0.0.50"

DNSMASQ = f"""
no-resolv
no-hosts
no-ping
user=root
group=root
interface={TAP}
bind-interfaces
host-record=board.test,{ROUTER}
host-record=other.test,{ROUTER}
host-record=localhost,127.0.0.1
cname=alias.test,board.test
local=/test/
local=/invalid/
dhcp-authoritative
dhcp-range={BOARD},{BOARD},1h
dhcp-option=option:dns-server,{ROUTER}
"""

# Beside those of nginx_site.
LOCATIONS = """
    location = /to-hello/301 {{ return 301 /hello; }}
    location = /to-hello/302 {{ return 302 $scheme://$http_host/hello; }}
    location = /to-hello/307 {{ return 307 /hello; }}
    location = /to-hello/close {{ keepalive_timeout 0; return 302 /hello; }}
    location /bin/ {{ client_max_body_size 10m; proxy_pass http://127.0.0.1:{httpbin}/; }}
"""


def main(miniwire, tap, peers, gunicorn, *part):
    network()
    with Stage(miniwire) as stage, dead_ends.black_hole() as hole, dead_ends.silent() as silent:
        name_server(stage)
        others, root = web(stage, pathlib.Path(gunicorn).absolute())
        websockets = websocket_peers.Peers(stage, pathlib.Path(peers).resolve())
        roots = "".join(pathlib.Path(each).read_text() for each in (root, websockets.root))
        settings = {
            "interface": TAP,
            "roots": str(stage.write("roots.pem", roots)),
            "others": others | {"hole": hole, "silent": silent},
            "websockets": websockets.listed(),
        }
        try:
            listed = stage.write("settings.json", json.dumps(settings))
            client = subprocess.run([tap, listed, *part], timeout=CLIENT_S)
        except subprocess.TimeoutExpired:
            sys.exit(f"FAILED: the client did not end within {CLIENT_S} s")
        return client.returncode


def network():
    """The TAP with the servers' address, and std's resolver pointed at dnsmasq."""
    for command in (
        "ip link set lo up",
        f"ip tuntap add dev {TAP} mode tap",
        f"ip address add {ROUTER}/24 dev {TAP}",
        f"ip link set {TAP} up",
    ):
        subprocess.run(command.split(), check=True)
    pathlib.Path(f"/proc/sys/net/ipv4/conf/{TAP}/route_localnet").write_text("1")


def name_server(stage):
    config = stage.write("dnsmasq.conf", DNSMASQ + f"dhcp-leasefile={stage.directory}/leases\n")
    stage.start("dnsmasq", "--keep-in-foreground", "--log-facility=-", f"--conf-file={config}", port=53)
    for name, text in (("resolv.conf", f"nameserver {ROUTER}\n"), ("nsswitch.conf", "hosts: files dns\n")):
        if (there := pathlib.Path("/etc", name)).exists():
            subprocess.run(["mount", "--bind", stage.write(name, text), there], check=True)


def web(stage, gunicorn):
    """nginx and httpbin: their ports, and the root to be trusted."""
    maker = Maker(stage.directory / "web")
    root, stranger = (maker.make(name, extensions=CA) for name in ("root", "stranger"))
    site = (*LEAF, f"subjectAltName=DNS:board.test,IP:{ROUTER}")
    leaf = maker.make("leaf", root, site)
    expired = maker.make("expired", root, site, days=(-30, -1))
    strange = maker.make("strange", stranger, site)

    ports = {kind: stage.port() for kind in ("expired", "stranger", "old", "httpbin")}
    httpbin.serve(stage, gunicorn, ports["httpbin"])
    backend = nginx_site.start_backend()
    files = stage.directory / "files"
    nginx_site.write_files(files)
    locations = nginx_site.LOCATIONS.format(files=files, backend=backend)
    locations += LOCATIONS.format(httpbin=ports["httpbin"])
    servers = f"server {{ listen 80; {locations} }}"
    servers += nginx.tls(443, leaf, "return 404;", locations, ROUTER)
    servers += nginx.tls(ports["expired"], expired, host=ROUTER)
    servers += nginx.tls(ports["stranger"], strange, host=ROUTER)
    servers += nginx.tls(ports["old"], leaf, host=ROUTER, protocols="TLSv1.2")
    nginx.start(stage, servers, 80)
    return ports | {"backend": backend}, root.certificate


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
