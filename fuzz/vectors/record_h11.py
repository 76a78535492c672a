#!/usr/bin/env python3
"""Records how h11 (https://pypi.org/project/h11) reads the committed responses, into h11.json beside this file.

Run it again after adding inputs: pip install h11==0.16.0 && python3 fuzz/vectors/record_h11.py
"""
import json
from pathlib import Path

import h11

FUZZ = Path(__file__).resolve().parent.parent


def read(data):
    """What answers a GET, after which the connection is closed; None unless it is whole."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "example.com")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    if data:
        connection.receive_data(b"")
    whole = {"body": b""}
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Response):
                whole["status"] = event.status_code
                whole["fields"] = [[name.decode(), value.decode("latin-1")] for name, value in event.headers]
            elif isinstance(event, h11.Data):
                whole["body"] += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                whole["body"] = whole["body"].hex()
                return whole
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None


def main():
    recorded = {}
    for folder in ("head", "response"):
        for path in sorted((FUZZ / "corpus" / folder).iterdir()):
            # What a fuzzer has found is named by its SHA-1 and not committed.
            if len(path.name) != 40:
                recorded[f"{folder}/{path.name}"] = read(path.read_bytes())
    lines = (f"{json.dumps(name)}: {json.dumps(whole)}" for name, whole in recorded.items())
    head = f'"": {json.dumps("h11 " + h11.__version__)}'
    (FUZZ / "vectors" / "h11.json").write_text("{\n" + ",\n".join([head, *lines]) + "\n}\n")


main()
