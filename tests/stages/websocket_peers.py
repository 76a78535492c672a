"""WebSocket servers that nobody here wrote. Run it with a Python that has websockets, and the directory where npm has
installed ws: see peers/websocket/run.sh.

    websocket_peers.py --self-check INSTALLED    does a client that nobody here wrote get what the servers promise?
    websocket_peers.py --hold INSTALLED          prints what there is as JSON, and serves until standard input ends
"""

import asyncio
import hashlib
import http.client
import json
import pathlib
import random
import shutil
import ssl
import sys
import urllib.parse

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidProxyStatus

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "peers")]

import nginx  # noqa: E402
import proxies  # noqa: E402
from certificates import CA, LEAF, Maker  # noqa: E402
from stage import Stage  # noqa: E402

LOCATIONS = """
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
    location /python/ {{ proxy_pass http://127.0.0.1:{python}/; }}
    location /node/ {{ proxy_pass http://127.0.0.1:{node}/; }}
    location /impatient/ {{ proxy_read_timeout 1s; proxy_pass http://127.0.0.1:{python}/; }}
    location /forbidden/ {{ return 403; }}
    location /moved/ {{ return 302 /python/echo; }}
    location /dead/ {{ proxy_pass http://127.0.0.1:{dead}/; }}
    location /no-upgrade/ {{
        proxy_set_header Upgrade "";
        proxy_set_header Connection "close";
        proxy_pass http://127.0.0.1:{python}/;
    }}
"""


class Peers:
    """The servers. `urls` leads to each: its name, the URL without a route, and the proxy to go through, or None."""

    def __init__(self, stage, installed):
        maker = Maker(stage.directory / "certificates")
        root = maker.make("root", extensions=CA)
        leaf = maker.make("leaf", root, (*LEAF, "subjectAltName=DNS:localhost,IP:127.0.0.1"))
        self.stage, self.root = stage, root.certificate
        tls = leaf.certificate, leaf.key
        python = self.python()
        python_tls = self.python("--tls", *tls)
        deflate = self.python("--deflate")
        deflate_tls = self.python("--deflate", "--tls", *tls)
        script = shutil.copy(HERE / "peers/websocket/echo.cjs", installed / "node/echo.cjs")
        node, node_tls = stage.port(), stage.port()
        stage.start("node", script, node, port=node)
        stage.start("node", script, node_tls, *tls, port=node_tls)
        front, front_tls, dead = stage.port(), stage.port(), stage.port()
        locations = LOCATIONS.format(python=deflate, node=node, dead=dead)
        servers = f"server {{ listen 127.0.0.1:{front}; {locations} }}"
        servers += nginx.tls(front_tls, leaf, "return 404;", options=locations)
        nginx.start(stage, servers, front)
        ports = python, python_tls, deflate, deflate_tls, node, node_tls, front, front_tls
        proxy = self.proxy(ports)
        closed = self.proxy(ports, "BasicAuth user secret")
        self.front = f"ws://127.0.0.1:{front}", f"wss://localhost:{front_tls}"
        self.locked, self.unlocked = f"http://127.0.0.1:{closed}", f"http://user:secret@127.0.0.1:{closed}"
        open_proxy = f"http://127.0.0.1:{proxy}"
        self.urls = [
            ("websockets", f"ws://127.0.0.1:{python}", None),
            ("websockets, TLS", f"wss://localhost:{python_tls}", None),
            ("websockets with deflate", f"ws://127.0.0.1:{deflate}", None),
            ("websockets with deflate, TLS", f"wss://localhost:{deflate_tls}", None),
            ("ws", f"ws://127.0.0.1:{node}", None),
            ("ws, TLS", f"wss://localhost:{node_tls}", None),
            ("websockets behind nginx", f"{self.front[0]}/python", None),
            ("websockets behind nginx, TLS", f"{self.front[1]}/python", None),
            ("ws behind nginx", f"{self.front[0]}/node", None),
            ("ws behind nginx, TLS", f"{self.front[1]}/node", None),
            ("websockets by CONNECT", f"ws://127.0.0.1:{python}", open_proxy),
            ("websockets by CONNECT, TLS", f"wss://localhost:{python_tls}", open_proxy),
            ("ws by CONNECT with credentials, TLS", f"wss://localhost:{node_tls}", self.unlocked),
            ("ws by CONNECT behind nginx, TLS", f"{self.front[1]}/node", open_proxy),
        ]

    def python(self, *options):
        port = self.stage.port()
        self.stage.start(sys.executable, "-B", HERE / "peers/websocket/echo.py", port, *options, port=port)
        return port

    def proxy(self, ports, more=""):
        port = self.stage.port()
        more += "".join(f"\nConnectPort {each}" for each in ports[1:])
        text = proxies.CONFIG.format(port=port, directory=self.stage.directory, https=ports[0], more=more)
        self.stage.start("tinyproxy", "-d", "-c", self.stage.write(f"tinyproxy-{port}.conf", text), port=port)
        return port

    def listed(self):
        """What a client is given: see `--hold`."""
        # Of Python's servers one kind does not agree to compress.
        plain = self.urls[0][1], self.urls[1][1]
        peers = [dict(name=name, url=url, proxy=proxy, deflate=url not in plain) for name, url, proxy in self.urls]
        refusing = [
            dict(url=f"{front}/{path}", status=status)
            for front in self.front
            for path, status in (("forbidden/", 403), ("moved/", 302), ("dead/echo", 502), ("no-upgrade/echo", 426))
        ]
        locked = dict(url=self.urls[0][1], proxy=self.locked)
        return dict(ca=str(self.root), peers=peers, refusing=refusing, locked=locked)


class Check:
    """The servers, as Python's websockets finds them."""

    def __init__(self, stage, peers):
        self.stage, self.peers = stage, peers
        self.trust = ssl.create_default_context(cafile=peers.root)

    async def all(self):
        for name, url, proxy in self.peers.urls:
            for what in (self.echo, self.fragments, self.both, self.close, self.ping, self.protocol):
                await self.case(f"{name}: {what.__name__}", what, url, proxy)
        for refusing in self.peers.listed()["refusing"]:
            await self.case(f"nginx: {refusing['url']}", self.refused, refusing["url"], refusing["status"])
        for front in self.peers.front:
            await self.case(f"nginx: cuts an idle socket: {front}", self.cut, front)
        await self.case("tinyproxy: no credentials", self.locked_out, self.peers.urls[0][1])

    async def case(self, name, what, *arguments):
        try:
            async with asyncio.timeout(60):
                await what(*arguments)
            wrong = []
        except Exception as error:
            wrong = [f"{type(error).__name__}: {error}"]
        self.stage.verdict(name, wrong)

    def open(self, url, proxy=None, **more):
        tls = self.trust if url.startswith("wss:") else None
        return connect(url, ssl=tls, proxy=proxy, max_size=None, **more)

    async def echo(self, url, proxy):
        async with self.open(f"{url}/echo", proxy) as socket:
            extensions = socket.protocol.extensions
            # Of Python's servers one kind does not agree to it.
            plain = url in (self.peers.urls[0][1], self.peers.urls[1][1])
            assert bool(extensions) != plain, f"extensions {extensions}"
            content = random.Random(1).randbytes(300_000)
            for message in ("", "gr\u00fc\u00dfe \U0001f600", b"", b"\0\xff", "x" * 70_000, content):
                await socket.send(message)
                assert await socket.recv() == message
            await socket.close(3000, "enough")
        assert (socket.close_code, socket.close_reason) == (3000, "enough"), socket.close_code

    async def fragments(self, url, proxy):
        text = "\u00e9\u20ac\U0001f600" * 300
        async with self.open(f"{url}/echo?seed=7&most=200&delay=0.002", proxy) as socket:
            await socket.send(text)
            pieces = [piece async for piece in socket.recv_streaming(decode=False)]
            assert len(pieces) > 5 and b"".join(pieces) == text.encode(), f"{len(pieces)} pieces"
            await socket.send(text.encode())
            assert await socket.recv() == text.encode()

    async def both(self, url, proxy):
        count, size, seed = 200, 5000, 3
        async with self.open(f"{url}/both/{count}?size={size}&seed={seed}", proxy) as socket:
            sending = asyncio.create_task(self.send_many(socket))
            for index in range(count):
                expected = index.to_bytes(4, "big") + bytes((seed + index + at) % 256 for at in range(4, size))
                assert await socket.recv() == expected, f"message {index}"
            report = json.loads(await socket.recv())
            assert report == await sending, report
            await socket.wait_closed()
        assert socket.close_code == 1000, socket.close_code

    async def send_many(self, socket):
        digest, message = hashlib.sha256(), b"abcdefgh" * 1000
        for _ in range(200):
            await socket.send(message)
            digest.update(message)
        await socket.send("end")
        return {"messages": 200, "bytes": 200 * len(message), "sha256": digest.hexdigest()}

    async def close(self, url, proxy):
        async with self.open(f"{url}/close/4321?reason=so%20long", proxy) as socket:
            await socket.send("go on")
            await socket.wait_closed()
        assert (socket.close_code, socket.close_reason) == (4321, "so long"), socket.close_code

    async def ping(self, url, proxy):
        async with self.open(f"{url}/ping/5", proxy) as socket:
            assert await socket.recv() == "5"
            await socket.wait_closed()
        assert socket.close_code == 1000, socket.close_code

    async def protocol(self, url, proxy):
        async with self.open(f"{url}/echo", proxy, subprotocols=["unheard-of", "chat"]) as socket:
            assert socket.subprotocol == "chat", socket.subprotocol

    async def refused(self, url, status):
        """By a plain client: websockets would follow a redirect."""
        parts = urllib.parse.urlsplit(url)
        tls = parts.scheme == "wss"
        connection = http.client.HTTPSConnection if tls else http.client.HTTPConnection
        connection = connection(parts.netloc, timeout=10, **(dict(context=self.trust) if tls else {}))
        fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        connection.request("GET", parts.path, headers=fields | {"Sec-WebSocket-Key": "AAECAwQFBgcICQoLDA0ODw=="})
        answer = connection.getresponse().status
        connection.close()
        assert answer == status, answer

    async def cut(self, front):
        async with self.open(f"{front}/impatient/echo") as socket:
            try:
                await socket.recv()
            except ConnectionClosed:
                pass
        assert socket.close_code in (1001, 1006), socket.close_code

    async def locked_out(self, url):
        try:
            async with self.open(url, self.peers.locked):
                pass
        except InvalidProxyStatus as error:
            # tinyproxy says 401 where 407 is meant.
            assert error.response.status_code in (401, 407), error.response.status_code
            return
        raise AssertionError("it opened")


def main(mode, installed):
    with Stage(None) as stage:
        peers = Peers(stage, pathlib.Path(installed).resolve())
        if mode == "--self-check":
            asyncio.run(Check(stage, peers).all())
            return stage.finish()
        print(json.dumps(peers.listed()), flush=True)
        sys.stdin.read()
        return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
