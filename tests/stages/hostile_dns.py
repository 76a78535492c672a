"""A DNS server that means harm: see hostile-dns.sh, which calls this in a network of its own."""

import json
import pathlib
import random
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))

from stage import Stage  # noqa: E402

A, CNAME, AAAA = 1, 5, 28
LOOPBACK, NOBODY = b"\x7f\0\0\1", b"\x7f\0\0\2"

# Beyond any deadline below.
LATE_S = 4
# What a process and a busy machine may add to a deadline.
SLACK_S = 1.5


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def reply(query, answers=(), code=0, flags=0x8180, question=None):
    """An answer to a query; each of `answers` is a type and its data, all for the name asked for."""
    asked = query[12:]
    head = struct.pack(">2sHHHHH", query[:2], flags | code, 1, len(answers), 0, 0)
    records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(data)) + data for kind, data in answers)
    return head + (question or asked) + records


def address(query, *addresses):
    """These addresses to a question for IPv4, none to any other."""
    is_a = query[-4:-2] == struct.pack(">H", A)
    return reply(query, [(A, each) for each in addresses] if is_a else [])


def late(seconds, make):
    def answer(query):
        time.sleep(seconds)
        return make(query)

    return answer


def flipped(query):
    return bytes([query[0] ^ 0xFF, query[1]]) + query[2:]


def garbage(query):
    return random.Random(len(query)).randbytes(200)


BEHAVIOURS = {
    "good": lambda query: address(query, LOOPBACK),
    "slow": late(0.3, lambda query: address(query, LOOPBACK)),
    "silent": lambda query: None,
    "late": late(LATE_S, lambda query: address(query, LOOPBACK)),
    "unknown": lambda query: reply(query, code=3),
    "broken": lambda query: reply(query, code=2),
    "refused": lambda query: reply(query, code=5),
    "empty": lambda query: reply(query),
    "loop": lambda query: reply(query, [(CNAME, query[12:-4])]),
    "away": lambda query: reply(query, [(CNAME, name("silent.test"))]),
    "nobody": lambda query: address(query, NOBODY),
    "many": lambda query: address(query, *[bytes([127, 0, 1, n]) for n in range(1, 101)]),
    "unspecified": lambda query: address(query, b"\0\0\0\0"),
    "forged": lambda query: flipped(address(query, LOOPBACK)),
    "elsewhere": lambda query: reply(query, [(A, LOOPBACK)], question=name("other.test") + query[-4:]),
    "garbage": garbage,
    "nothing": lambda query: b"",
    "head": lambda query: query[:12],
    "cut": lambda query: address(query, LOOPBACK)[:-2],
    "pointer": lambda query: reply(query)[:6] + b"\0\1\0\0\0\0" + query[12:] + b"\xc0\xff" * 8,
    "short": lambda query: reply(query, [(A, b"\x7f\0")]),
    "long": lambda query: reply(query, [(A, LOOPBACK * 100)]),
    "tcp": lambda query: reply(query, flags=0x8380),
    "echo": lambda query: query,
}


def serve():
    """Answers by the first label of the name asked for, each query on a thread of its own."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))

    def answer(query, client):
        label = query[13 : 13 + query[12]].decode("ascii", "replace").lower()
        made = BEHAVIOURS.get(label, lambda _: None)(query)
        if made is not None:
            server.sendto(made, client)

    def listen():
        while True:
            query, client = server.recvfrom(4096)
            threading.Thread(target=answer, args=(query, client), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()


def main(miniwire):
    serve()
    with Stage(miniwire) as stage:
        http, https = stage.port(), stage.port()
        command = [miniwire, "serve", "--http", http, "--https", https]
        ca = stage.directory / "ca.pem"
        stage.start(*command, "--ca-out", ca, port=http)

        def case(label, *options, deadline=3000, **expected):
            url = f"http://{label}.test:{http}/status/200?body=%7B%7D"
            within = (0, deadline / 1000 + SLACK_S)
            stage.case(label, url, "--dev", "--timeout", deadline, *options, within=within, **expected)

        for label in "good", "slow":
            case(label, status=200)
        for label in "silent", "late", "forged":
            case(label, deadline=500, error=13, reason="Timeout")
        for label in "unknown", "broken", "refused", "empty", "loop", "away":
            case(label, error=12, reason="Dns")
        for label in "nobody", "many":
            case(label, error=12, reason="Connect")
        # The resolver may give up at once, or wait for something better: never longer than the deadline.
        for label in "elsewhere", "garbage", "nothing", "head", "cut", "pointer", "short", "long", "tcp", "echo":
            either(stage, label, f"http://{label}.test:{http}/")
        # A lie about the address is found out by TLS: whoever is there is not who was asked for.
        for label in "good", "unspecified":
            url = f"https://{label}.test:{https}/get"
            stage.case(f"{label} under TLS", url, "--dev", "--ca", ca, error=19, reason="CertificateWrongHost")
        return stage.finish()


def either(stage, label, url, deadline=500):
    """Code 12 for the resolver's verdict, or 13."""
    status, output, _, seconds = stage.call(url, "--dev", "--timeout", deadline, "--json")
    came = json.loads(output or "{}")
    came = came.get("error"), came.get("reason")
    wrong = [] if came in ((12, "Dns"), (12, "Connect"), (13, "Timeout")) else [f"came to {came}"]
    if status != 1 or seconds > deadline / 1000 + SLACK_S:
        wrong.append(f"exit status {status} after {seconds:.1f} s")
    stage.verdict(label, wrong, [url])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
