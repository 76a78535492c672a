"""Runs images in QEMU against `miniwire serve`: board.py MINIWIRE IMAGES

The board makes the calls of `miniwire tour`. What each of them brings must be what it brought on the desktop, but for
port numbers and dates.
"""

import json
import os
import pathlib
import re
import secrets
import socket
import ssl
import subprocess
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
import segment
import stage as stages

# How often the tour's image makes two uploads of 200,000 bytes, the first over a session of its own. To look for one that
# stalls, ask for more.
UPLOADS = int(os.environ.get("MINIWIRE_UPLOADS", 3))
# An image that hangs is ended.
IMAGE_S = 300 + 20 * UPLOADS
# What one clock of the processor is with a virtual clock of a nanosecond an instruction: it runs at 25 MHz.
INSTRUCTIONS = 40

# Steps of the desktop's tour that this board does not take, and why.
NOT_TAKEN = {
    "no file system": ["Temporary files go with the context, but for those that were saved."],
}
# Bytes of RAM over plain TCP: the future, the memory lent to it, and the stack of the project's own code. What holds today,
# with room for another compiler; it may only be lowered. The goal of both is 4,096: docs/sizes.md.
RAM_LIMITS = {"request": 2900, "socket": 3800}
# The same of verified TLS, beside its record buffer of 16,640. The goal is 24,576.
TLS_LIMIT = 17500
RECORD_BUFFER = 16640

# The answer repeats the file, and a board has no memory for a large one: it sends a smaller one.
SMALLER_FILE = "A form goes out: the fields of formData, then the file, with its own name."


def main(miniwire, images):
    with stages.Stage(miniwire) as stage:
        desktop = desktops_tour(miniwire)
        http, https, root = stage.port(), stage.port(), stage.directory / "ca.pem"
        serve = [miniwire, "serve", "--ca-out", root, "--certificates", "--http", http, "--https", https]
        stage.start(*serve, port=http)
        with socket.socket() as nobody:
            # Bound and not listening: whoever connects is refused.
            nobody.bind(("127.0.0.1", 0))
            settings = {"http": http, "https": https, "nobody": nobody.getsockname()[1]}
            settings |= certificates(stage)
            settings["root"] = ssl.PEM_cert_to_DER_cert(root.read_text()).hex()
            lines, notes, asked = run(stage, images / "tour", settings | {"uploads": UPLOADS})
            _, counted, _ = run(stage, images / "tour", settings | {"first": "only"}, "-icount", "shift=0")
            measured, _, _ = run(stage, images / "ram", {"http": http})
        uploads(stage, notes)
        instructions(counted)
        ram(stage, measured, notes)
        compare(stage, desktop, lines, http)
        stage.verdict("the names were resolved by DNS", [] if "localhost" in asked else [f"asked for {asked}"])
        return stage.finish()


def desktops_tour(miniwire):
    tour = subprocess.run([miniwire, "tour", "--json"], capture_output=True, text=True, timeout=120)
    if tour.returncode:
        sys.exit(f"FAILED: miniwire tour: {tour.stdout}{tour.stderr}")
    return [json.loads(line) for line in tour.stdout.splitlines()]


def certificates(stage):
    """The ports on which the server shows other certificates, by the kind of each."""
    return {kind: int(port) for kind, port in stage.said(r"^certificate (.*): https://localhost:(\d+)/$", 9)}


def run(stage, image, settings, *options):
    """Runs an image to its end: its lines, its notes, and the names that it asked the name server for."""
    words = [image.name, f"seed={secrets.token_hex(32)}", *(f"{name}={value}" for name, value in settings.items())]
    with segment.Segment({"localhost": "10.0.2.2"}) as ethernet:
        command = [
            *("qemu-system-arm", "-machine", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none"),
            *("-semihosting-config", "enable=on,target=native," + ",".join(f"arg={word}" for word in words)),
            *(*options, *ethernet.arguments(), "-kernel", str(image)),
        ]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=IMAGE_S)
        except subprocess.TimeoutExpired as late:
            sys.exit(f"FAILED: {image.name} did not end within {IMAGE_S} s:\n{text(late.stdout)}{text(late.stderr)}")
    lines = text(done.stdout).splitlines()
    said = [*lines[-5:], *text(done.stderr).splitlines()]
    wrong = [] if done.returncode == 0 else [f"exit status {done.returncode}:", *said]
    stage.verdict(f"{image.name} runs to its end", wrong)
    notes = [line[1:].strip() for line in lines if line.startswith("#")]
    for note in notes:
        print(f"        {note}", flush=True)
    return [line for line in lines if not line.startswith("#")], notes, ethernet.asked


def uploads(stage, notes):
    notes = "\n".join(notes)
    made = re.search(r"^\d+ times two long uploads: at most \d+ ms$", notes, re.M)
    wrong = [] if made else re.findall(r"^long upload.*$", notes, re.M) or ["none was made"]
    stage.verdict(f"{2 * UPLOADS} uploads of 200,000 bytes over TLS", wrong)


def instructions(notes):
    """What the processor does for TLS: all that a call keeps it busy with, network and DNS included."""
    notes = "\n".join(notes)
    first, another = (
        int(re.search(rf"^{what}: (\d+) clocks$", notes, re.M).group(1)) * INSTRUCTIONS / 1e6
        for what in ("first HTTPS request", "another over its session")
    )
    print(f"        instructions of the first HTTPS request: {first:.1f} million", flush=True)
    print(f"        of another over its session: {another:.2f} million", flush=True)


def ram(stage, lines, notes):
    for line in lines:
        print(f"        {line}", flush=True)
    said = figures(lines)
    for what, limit in RAM_LIMITS.items():
        total = said[f"future of a {what} alone"] + said["memory lent to a call"] + said[f"stack of a {what} alone"]
        within(stage, f"one {what} over plain TCP", total, limit)
    said = figures(notes)
    tls, session = re.search(r"^TLS: (\d+) bytes, its session's memory (\d+)$", "\n".join(notes), re.M).groups()
    stack = said["stack with the first HTTPS request"] - said["stack down to this task"]
    total = int(tls) + int(session) - RECORD_BUFFER + said["future that serves a session"] + stack
    within(stage, "verified TLS, beside its record buffer,", total, TLS_LIMIT)


def figures(lines):
    return {what: int(bytes) for line in lines for what, bytes in re.findall(r"^(.*): (\d+) bytes$", line)}


def within(stage, what, total, limit):
    stage.verdict(f"{what} takes {total} bytes of RAM", [] if total <= limit else [f"more than {limit}"])


def compare(stage, desktop, lines, http):
    known = {step["promise"]: [] for step in desktop}
    for step in desktop:
        # A promise can be made twice, of different calls.
        known[step["promise"]].append(step)
    for line in lines:
        try:
            step = json.loads(line)
        except ValueError:
            stage.verdict("a line of the board's", [f"is no JSON: {line}"])
            continue
        promised = known.get(step["promise"])
        if not promised:
            stage.verdict(step["promise"], ["the desktop has no such step, or not so often"])
            continue
        stage.verdict(step["promise"], differences(promised.pop(0), step, http))
    not_taken = {promise: why for why, promises in NOT_TAKEN.items() for promise in promises}
    for promise, left in known.items():
        for step in left:
            why = not_taken.get(promise)
            if why:
                print(f"not taken: {promise} ({why})", flush=True)
            else:
                stage.verdict(promise, ["the board has not taken this step"])


def differences(desktop, board, http):
    wrong = []
    if "answer" in board:
        ours, theirs = plain(board["answer"]), plain(desktop.get("answer"))
        if board["promise"] == SMALLER_FILE:
            ours, theirs = form(ours), form(theirs)
        if ours != theirs:
            wrong += [f"desktop {stages.brief(theirs)}", f"board   {stages.brief(ours)}"]
    if "seen" in board:
        # The desktop may have seen more: that `complete` was called, or a file in a directory.
        ours, theirs = unnumbered(board["seen"]), unnumbered(desktop["seen"])
        if not (theirs.startswith(ours) or (ours.startswith(".") and theirs.rstrip("'}").endswith(ours))):
            wrong += [f"desktop {stages.brief(theirs)}", f"board   {stages.brief(ours)}"]
    if "file" in board:
        with urllib.request.urlopen(f"http://127.0.0.1:{http}/bytes/200000?seed=3", timeout=30) as answer:
            expected = answer.read()
        if board["file"] != {"length": len(expected), "checksum": f"{checksum(expected):016x}"}:
            wrong.append(f"the file is not what the server sent: {board['file']}")
    return wrong


def plain(answer):
    """An answer without what may differ between two runs: dates, port numbers, and here https, which the board lacks."""
    if answer is None:
        return None
    answer = dict(answer)
    # Where the data has a URL with a port in it, its length differs too.
    echoed = re.search(r"://(localhost|127\.0\.0\.1)", answer.get("data", ""))
    left_out = {"Date", "Content-Length"} if echoed else {"Date"}
    if "headers" in answer:
        answer["headers"] = [[name, unnumbered(value)] for name, value in answer["headers"] if name not in left_out]
    if "data" in answer:
        answer["data"] = unnumbered(answer["data"])
    return answer


def form(answer):
    """What an answer says of the form that was sent, but for the length of the file."""
    data = json.loads(answer.get("data") or "{}")
    parts = [{key: value for key, value in part.items() if key != "length"} for part in data.get("parts", [])]
    return {**answer, "headers": None, "data": [data.get("form"), parts]}


def unnumbered(seen):
    seen = re.sub(r"https?://(localhost|127\.0\.0\.1)(:\d+)?", "https://localhost", seen)
    seen = re.sub(r"(localhost|127\.0\.0\.1):\d+", "localhost", seen)
    return re.sub(r"\b\d+ updates", "N updates", seen)


def checksum(content):
    """FNV-1a, 64 bits."""
    total = 0xCBF29CE484222325
    for byte in content:
        total = (total ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return total


def text(output):
    return (output or b"").decode("utf-8", "replace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2])))
