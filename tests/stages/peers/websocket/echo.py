"""A WebSocket server on 127.0.0.1 by Python's websockets: echo.py PORT [--deflate] [--tls CERTIFICATE KEY]

Routes, the same as those of echo.cjs:
  /echo                                each message back
  /echo?seed=&most=&delay=             the same in random fragments of at most `most` bytes (1000), with random pauses of
                                       at most `delay` seconds (0.005) between them; text is cut within characters too
  /both/{n}?size=&seed=                sends n binary messages of `size` bytes (1000) while it receives. The message i, from
                                       0, is i in four bytes, big-endian, then (seed + i + j) mod 256 at each position j from
                                       4 on, and then a Ping, which is to keep nobody from sending. After the text "end"
                                       comes a JSON text {"messages","bytes","sha256"} of what came before that, and 1000.
  /close/{code}?reason=                closes so after the first message
  /ping/{n}                            n pings, each when the one before was answered, then the text n, then 1000
Subprotocols: superchat, chat. With --deflate permessage-deflate is agreed to where the client offers it.
"""

import argparse
import asyncio
import hashlib
import json
import random
import ssl
import urllib.parse

from websockets.asyncio.server import serve


async def handle(socket):
    target = urllib.parse.urlsplit(socket.request.path)
    given = dict(urllib.parse.parse_qsl(target.query))
    route, _, place = target.path.strip("/").partition("/")
    match route:
        case "echo":
            await echo(socket, given)
        case "both":
            await both(socket, int(place), int(given.get("size", 1000)), int(given.get("seed", 0)))
        case "close":
            await socket.recv()
            await socket.close(int(place), given.get("reason", ""))
        case "ping":
            for _ in range(int(place)):
                await (await socket.ping())
            await socket.send(place)
        case _:
            await socket.close(4404, "no such route")


async def echo(socket, given):
    chance = random.Random(given["seed"]) if "seed" in given else None
    async for message in socket:
        if chance is None:
            await socket.send(message)
        else:
            text = isinstance(message, str)
            content = message.encode() if text else message
            pieces = fragments(content, chance, int(given.get("most", 1000)), float(given.get("delay", 0.005)))
            await socket.send(pieces, text=text)


async def fragments(content, chance, most, delay):
    while True:
        length = chance.randint(0, most)
        yield content[:length]
        content = content[length:]
        if not content:
            return
        await asyncio.sleep(chance.random() * delay)


async def both(socket, count, size, seed):
    sending = asyncio.create_task(send_all(socket, count, size, seed))
    messages, octets, digest = 0, 0, hashlib.sha256()
    async for message in socket:
        if message == "end":
            break
        content = message.encode() if isinstance(message, str) else message
        messages, octets = messages + 1, octets + len(content)
        digest.update(content)
    await sending
    report = {"messages": messages, "bytes": octets, "sha256": digest.hexdigest()}
    await socket.send(json.dumps(report, separators=(",", ":")))


async def send_all(socket, count, size, seed):
    for index in range(count):
        await socket.send(index.to_bytes(4, "big") + bytes((seed + index + at) % 256 for at in range(4, size)))
    await socket.ping()


def choose(_, offered):
    """None is chosen where none fits: left to itself, the library would refuse the handshake."""
    return next((name for name in ("superchat", "chat") if name in offered), None)


async def main(options):
    tls = None
    if options.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*options.tls)
    compression = "deflate" if options.deflate else None
    how = dict(ssl=tls, compression=compression, max_size=None, select_subprotocol=choose, close_timeout=5)
    async with serve(handle, "127.0.0.1", options.port, **how) as server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--deflate", action="store_true")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    asyncio.run(main(parser.parse_args()))
