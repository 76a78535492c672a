"""What the stages that talk to other people's programs share: servers that end, and cases with a verdict each."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

# No server lives longer, whatever becomes of the stage.
LIFETIME_S = 900
# No call may take longer: the library's own deadline is 30 s.
CALL_S = 40


class Stage:
    """Runs `miniwire request` against servers and counts. As a context it ends every server and removes its files."""

    def __init__(self, miniwire):
        self.miniwire = miniwire
        self.passed = self.failed = 0
        self._servers = []
        self._ports = set()

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="miniwire-stage-"))
        # Servers that give up root must still find their files.
        self.directory.chmod(0o755)
        return self

    def __exit__(self, *_):
        for server in self._servers:
            end(server)
        shutil.rmtree(self.directory, ignore_errors=True)

    def port(self, host="127.0.0.1"):
        """A free port, given out once."""
        while True:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as free:
                free.bind((host, 0))
                port = free.getsockname()[1]
            if port not in self._ports:
                self._ports.add(port)
                return port

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path

    def start(self, *command, port, cwd=None, stdin=subprocess.DEVNULL):
        """Starts a server and waits until it accepts connections."""
        log = self.directory / f"server-{len(self._servers)}.log"
        with log.open("wb") as out:
            server = subprocess.Popen(
                ["timeout", str(LIFETIME_S), *map(str, command)],
                stdin=stdin,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                start_new_session=True,
            )
        self._servers.append(server)
        deadline = time.monotonic() + 30
        while not accepts(port):
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"FAILED: {command[0]} does not listen:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)
        return server

    def said(self, pattern, count):
        """What a pattern matches of the lines that the last server has printed, once it matches so often."""
        log = self.directory / f"server-{len(self._servers) - 1}.log"
        deadline = time.monotonic() + 30
        while len(found := re.findall(pattern, log.read_text(errors="replace"), re.MULTILINE)) < count:
            if time.monotonic() > deadline:
                sys.exit(f"FAILED: the server has not said {pattern}:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)
        return found

    def end(self, server):
        end(server)

    def call(self, *arguments, stdin=None):
        """Runs the program; its exit status, standard output and seconds."""
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        started = time.monotonic()
        done = subprocess.run(
            [self.miniwire, "request", *map(str, arguments)],
            input=stdin or b"",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            timeout=CALL_S,
        )
        return done.returncode, done.stdout, done.stderr, time.monotonic() - started

    def case(self, name, *arguments, stdin=None, within=None, **expected):
        """One call and what must come of it.

        `status`, `error`, `reason` and the exit status must be equal; a case with neither `error` nor `reason` must
        succeed. `data` and `headers` are equal, or functions that say whether it is right. `message` is a part of the
        line for people. `within` is a pair of seconds.
        """
        try:
            status, output, complaint, seconds = self.call(*arguments, "--json", stdin=stdin)
            wrong = judge(status, output, complaint, expected)
            if within and not within[0] <= seconds <= within[1]:
                wrong.append(f"took {seconds:.1f} s, not {within[0]} to {within[1]}")
        except subprocess.TimeoutExpired:
            wrong = [f"did not end within {CALL_S} s"]
        self.verdict(name, wrong, arguments)

    def verdict(self, name, wrong, arguments=()):
        """Counts and prints a case whose complaints are `wrong`."""
        if not wrong:
            self.passed += 1
            print(f"ok      {name}", flush=True)
            return
        self.failed += 1
        print(f"FAILED  {name}", flush=True)
        if arguments:
            print("        miniwire request " + " ".join(map(str, arguments)))
        for line in wrong:
            print(f"        {line}", flush=True)

    def finish(self):
        """Prints the count; the exit status."""
        print(f"\n{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0


def judge(status, output, complaint, expected):
    lines = output.decode("utf-8", "replace").splitlines()
    if len(lines) != 1:
        said = complaint.decode("utf-8", "replace").strip()
        return [f"printed {len(lines)} lines instead of one; exit status {status}; {said}"]
    answer = json.loads(lines[0])
    failure = "error" in expected or "reason" in expected
    wrong = []

    def equal(what, found, wanted):
        if found != wanted:
            wrong.append(f"{what} is {brief(found)}, not {brief(wanted)}")

    equal("ok", answer.get("ok"), not failure)
    equal("the exit status", status, 1 if failure else 0)
    for key in ("status", "error", "reason"):
        if key in expected:
            equal(key, answer.get(key), expected[key])
    headers = {}
    for name, value in answer.get("headers", []):
        headers.setdefault(name.lower(), []).append(value)
    for key, found in (("data", answer.get("data")), ("headers", headers)):
        if key not in expected:
            continue
        if callable(expected[key]):
            if not holds(expected[key], found):
                wrong.append(f"{key} is not as expected: {brief(found)}")
        else:
            equal(key, found, expected[key])
    message = answer.get("errorMessage", "")
    if failure and (not message or "\n" in message):
        wrong.append(f"the message is not one line: {message!r}")
    if expected.get("message", "") not in message:
        wrong.append(f"the message does not say {expected['message']!r}: {message}")
    if wrong and not answer.get("ok"):
        wrong.append(f"({answer.get('error')} {answer.get('reason')}: {message})")
    return wrong


def holds(check, found):
    try:
        return check(found)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return False


def brief(value):
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}... ({len(text)} characters)"


def accepts(port):
    for host in ("127.0.0.1", "::1"):
        try:
            socket.create_connection((host, port), timeout=1).close()
            return True
        except OSError:
            pass
    return False


def end(server):
    if server.poll() is not None:
        return
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, how)
            server.wait(timeout=5)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
