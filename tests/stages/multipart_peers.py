"""Files to and from peers that nobody here wrote: see multipart-peers.sh, which calls this with the program's path and the
directory where the peers are installed."""

import hashlib
import json
import os
import pathlib
import pwd
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE / "lib"))

import nginx  # noqa: E402
from stage import Stage  # noqa: E402

GIB = 1 << 30
# What a file of 4 GiB may take more memory than one of a byte.
MOST_KIB = 1 << 10


def main(miniwire, installed):
    with Stage(miniwire) as stage:
        peers = Peers(stage, pathlib.Path(installed).resolve())
        files = Files(stage, peers)
        files.forms()
        files.rejected_early()
        files.four_gibibytes()
        files.full_disk()
        files.permissions()
        files.interrupted()
        files.killed()
        files.progress_bar()
        return stage.finish()


class Peers:
    """The servers. Each reader says how it shows a name that a browser has escaped."""

    def __init__(self, stage, installed):
        python, node, front, self.miniwire = (stage.port() for _ in range(4))
        stage.start(installed / "venv/bin/python", "-B", HERE / "peers/form_readers.py", python, port=python)
        readers = shutil.copy(HERE / "peers/node/readers.cjs", installed / "node/readers.cjs")
        stage.start("node", readers, node, port=node)
        # Takes the whole body before it asks the reader behind it.
        nginx.start(
            stage,
            f"""
            client_max_body_size 0;
            server {{
                listen 127.0.0.1:{front};
                location / {{ proxy_pass http://127.0.0.1:{node}; proxy_http_version 1.1; }}
                location /small {{ client_max_body_size 1m; proxy_pass http://127.0.0.1:{node}/discard; }}
            }}
            """,
            front,
        )
        certificate = stage.directory / "ca.pem"
        stage.start(stage.miniwire, "serve", "--http", self.miniwire, "--ca-out", certificate, port=self.miniwire)
        self.front, self.node = f"http://127.0.0.1:{front}", f"http://127.0.0.1:{node}"
        python = f"http://127.0.0.1:{python}"
        # Name, URL, how a reader shows a name of the wire.
        self.readers = [
            ("Python's email", f"{python}/email", as_it_is),
            ("multipart", f"{python}/multipart", all_back),
            ("python-multipart", f"{python}/python-multipart", as_it_is),
            ("busboy", f"{self.node}/busboy", as_it_is),
            ("formidable", f"{self.node}/formidable", quotes_back),
            ("fetch of Node", f"{self.node}/fetch", all_back),
            ("busboy behind nginx", f"{self.front}/busboy", as_it_is),
        ]

    def url(self, path):
        return f"http://127.0.0.1:{self.miniwire}{path}"


def escaped(name, of_field):
    """A name as browsers write it."""
    if of_field:
        name = name.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def as_it_is(name, is_file):
    return name


def quotes_back(name, is_file):
    return name.replace("%22", '"') if is_file else name


def all_back(name, is_file):
    return name.replace("%0D", "\r").replace("%0A", "\n").replace("%22", '"')


class Files:
    def __init__(self, stage, peers):
        self.stage, self.peers = stage, peers
        self.scratch = stage.directory / "files"
        self.scratch.mkdir()

    def file(self, name, content):
        path = self.scratch / name
        path.write_bytes(content)
        return path

    def run(self, *arguments, **options):
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        options.setdefault("timeout", 300)
        done = subprocess.run(
            [self.stage.miniwire, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            **options,
        )
        lines = done.stdout.decode().splitlines()
        answer = json.loads(lines[0]) if len(lines) == 1 and lines[0].startswith("{") else {"lines": lines}
        return done.returncode, answer, done.stderr.decode(errors="replace")

    def forms(self):
        """Every kind of name and content, by every reader."""
        noise = random.Random(1).randbytes(100_000)
        tricky = b"\r\n------miniwire\r\n\r\n--\r\n" * 1000 + b"\r"
        cases = [
            ("a picture and a field", "cat.png", noise, "photo", [("album", "cats")]),
            ("no fields", "a.mp4", b"film", "video", []),
            ("Chinese", "\u732b \u56fe.png", noise, "\u6587\u4ef6", [("\u540d\u5b57", "\u4e2d\u6587\U0001f408")]),
            ("quotes", 'a"b".png', b"x", 'k"k', [('"', '"value"')]),
            ("CR and LF", "a\r\nb: c\nd.png", b"x", "k\r\nX: y", [("one\ntwo\rthree", "a\r\nb\nc")]),
            ("an escape that is none", "100%22.png", b"x", "%0D", [("%", "%")]),
            ("semicolons", "a; name=b.png", b"x", "k; filename=x", [(";", "; name=y")]),
            ("empty fields", "a.png", b"x", "f", [("a", ""), ("b", ""), ("a", "")]),
            ("an empty file", "empty.png", b"", "f", [("a", "1")]),
            ("what looks like a boundary", "tricky.png", tricky, "f", [("a", tricky.decode())]),
            ("200 fields", "a.png", noise, "f", [(f"field {n}", str(n) * n) for n in range(200)]),
            ("an extension of another kind", "a.PNG", b"x", "f", []),
        ]
        for reader, url, shown in self.peers.readers:
            for what, name, content, key, fields in cases:
                self.form(f"{reader}: {what}", url, shown, name, content, key, fields)

    def form(self, case, url, shown, name, content, key, fields):
        arguments = ["upload", url, "--dev", "--json", "--file", self.file(name, content), "--name", key]
        for field, value in fields:
            arguments += ["--form", f"{field}={value}"]
        expected = [self.part(shown(escaped(field, True), False), None, None, value.encode()) for field, value in fields]
        media_type = {"png": "image/png", "mp4": "video/mp4"}[name.rsplit(".", 1)[-1].lower()]
        file = self.part(shown(escaped(key, True), False), shown(escaped(name, False), True), media_type, content)
        status, answer, complaint = self.run(*arguments)
        wrong = []
        if status != 0 or answer.get("statusCode") != 200:
            wrong = [f"{answer} {complaint}"]
        else:
            found = json.loads(answer["data"])
            if found != [*expected, file]:
                different = next((pair for pair in zip(found, [*expected, file]) if pair[0] != pair[1]), "the count")
                wrong = [f"found and expected: {different}"]
        self.stage.verdict(case, wrong, arguments)

    @staticmethod
    def part(name, filename, media_type, data):
        digest = hashlib.sha256(data).hexdigest()
        return {"name": name, "filename": filename, "type": media_type, "length": len(data), "sha256": digest}

    def sparse(self, size):
        path = self.scratch / "sparse.mp4"
        with path.open("wb") as file:
            file.truncate(size)
        return path

    def rejected_early(self):
        """nginx refuses by the length, before the body has come."""
        for attempt in range(5):
            status, answer, complaint = self.run(
                "upload", f"{self.peers.front}/small", "--dev", "--json", "--file", self.sparse(GIB), "--name", "f"
            )
            right = status == 0 and answer.get("statusCode") == 413 and "Too Large" in answer["data"]
            self.stage.verdict(f"nginx: 413 at once ({attempt + 1})", [] if right else [f"{answer} {complaint}"])

    def four_gibibytes(self):
        """In constant memory, read by busboy and counted."""
        _, _, least, _ = self.measured(f"{self.peers.node}/discard", self.file("small.mp4", b"x"))
        file = self.sparse(4 * GIB)
        for reader, url in (("busboy", f"{self.peers.node}/busboy"), ("nobody", f"{self.peers.node}/discard")):
            answer, length, peak, seconds = self.measured(url, file)
            wrong = [] if length >= 4 * GIB else [str(answer)]
            if peak - least > MOST_KIB:
                wrong.append(f"a peak of {peak} KiB instead of {least} KiB")
            rate = 4 * GIB / seconds / 1e6
            name = f"4 GiB, read by {reader}: peak {peak} KiB (one byte: {least} KiB), {seconds:.1f} s, {rate:.0f} MB/s"
            self.stage.verdict(name, wrong)

    def measured(self, url, file):
        """An upload: the answer, the length of the last part, the peak of memory in KiB, the seconds."""
        began = time.monotonic()
        program = subprocess.Popen(
            [self.stage.miniwire, "upload", url, "--dev", "--json", "--timeout", "300000"]
            + ["--type", "video", "--file", file, "--name", "f"],
            stdout=subprocess.PIPE,
        )
        output = program.stdout.read()
        _, status, usage = os.wait4(program.pid, 0)
        program.returncode = os.waitstatus_to_exitcode(status)
        answer = json.loads(output)
        parts = json.loads(answer["data"]) if answer.get("ok") else [answer]
        return answer, parts[-1].get("length", 0), usage.ru_maxrss, time.monotonic() - began

    def failed(self, case, result, error, reason, left=None):
        status, answer, complaint = result
        found = answer.get("error"), answer.get("reason")
        wrong = [] if status == 1 and found == (error, reason) else [f"exit status {status}: {answer} {complaint}"]
        if left is not None and any(left.iterdir()):
            wrong.append(f"left: {sorted(map(str, left.rglob('*')))}")
        self.stage.verdict(case, wrong)

    def directory(self, name):
        path = self.scratch / name
        path.mkdir()
        return path

    def full_disk(self):
        """A file that may not grow further, and a file system that is full."""
        url = self.peers.url("/bytes/8000000")

        def limit():
            # Ignored, so that writing fails instead of ending the program.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

        small = self.directory("limited")
        result = self.run("download", url, "--dev", "--json", "-o", small / "f", preexec_fn=limit, restore_signals=False)
        self.failed("a file that may not grow", result, 12, "StoreFull", small)

        full = self.directory("full")
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", full], stderr=subprocess.DEVNULL)
        if mount.returncode != 0:
            print("skipped a full file system: none may be mounted")
            return
        try:
            result = self.run("download", url, "--dev", "--json", "-o", full / "f")
            self.failed("a full file system", result, 12, "StoreFull", full)
            # With a length that is only known at the end, too.
            url = self.peers.url("/stream-bytes/8000000")
            result = self.run("download", url, "--dev", "--json", "-o", full / "f")
            self.failed("a full file system, chunked", result, 12, "StoreFull", full)
            # What fits is saved to another file system.
            status, answer, complaint = self.run("download", self.peers.url("/bytes/1000"), "--dev", "--json", "-o", full / "f")
            right = status == 0 and (full / "f").stat().st_size == 1000
            self.stage.verdict("what fits into it", [] if right else [f"{answer} {complaint}"])
        finally:
            subprocess.run(["umount", full], check=True)

    def permissions(self):
        """As a user who is not root, to whom no file is closed."""
        user = {}
        if os.geteuid() == 0:
            try:
                nobody = pwd.getpwnam("nobody")
            except KeyError:
                print("skipped permissions: there is no user nobody")
                return
            user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        miniwire, self.stage.miniwire = self.stage.miniwire, shutil.copy(self.stage.miniwire, self.stage.directory)
        closed = self.file("closed.png", b"x")
        closed.chmod(0)
        form = "--dev", "--json", "--name", "f"
        result = self.run("upload", self.peers.url("/post"), *form, "--file", closed, **user)
        self.failed("a file that may not be read", result, 13, "FileUnreadable")
        store = self.directory("closed")
        store.chmod(0o555)
        result = self.run("download", self.peers.url("/get"), "--dev", "--json", "-o", store / "f", **user)
        self.failed("a directory that may not be written", result, 13, "StoreDenied", store)
        self.stage.miniwire = miniwire

    def start(self, *arguments, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen([self.stage.miniwire, *map(str, arguments)], stdin=subprocess.DEVNULL, **options)

    def interrupted(self):
        """Ctrl-C, and the other signals that ask a program to end."""
        store = self.directory("interrupted")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for what, *arguments in (
                ("download", self.peers.url("/drip?numbytes=1000&duration=60"), "-o", store / "f"),
                ("upload", self.peers.url("/delay/60"), "--file", self.sparse(GIB), "--name", "f"),
            ):
                program = self.start(what, *arguments, "--dev", "--json")
                time.sleep(0.5)
                began = time.monotonic()
                program.send_signal(number)
                output, complaint = program.communicate(timeout=30)
                seconds = time.monotonic() - began
                result = program.returncode, json.loads(output or "{}"), complaint.decode()
                name = f"{what}, {signal.Signals(number).name} ({seconds * 1000:.0f} ms)"
                self.failed(name, result, 12, "Aborted", store)

    def killed(self):
        """SIGKILL at any moment: a file under its final name is complete."""
        store = self.directory("killed")
        final = store / "final.bin"
        command = "download", self.peers.url("/bytes/20000000?seed=7"), "--dev", "-o", final
        began = time.monotonic()
        assert self.run(*command)[0] == 0
        end = time.monotonic() - began
        digest = hashlib.sha256(final.read_bytes()).hexdigest()
        rounds, there, absent, wrong = 60, 0, 0, []
        for attempt in range(rounds):
            final.unlink(missing_ok=True)
            program = self.start(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            # Half the rounds keep to the end, where the renaming is, whatever pace the machine has.
            time.sleep(end if attempt % 2 else random.Random(attempt).uniform(0, 1.2) * end)
            program.kill()
            program.wait()
            if attempt % 2:
                end *= 0.9 if final.exists() else 1.1
            if not final.exists():
                absent += 1
            elif hashlib.sha256(final.read_bytes()).hexdigest() == digest:
                there += 1
            else:
                wrong.append(f"round {attempt}: {final.stat().st_size} bytes under the final name")
        if not (there and absent):
            wrong.append("the end was never met")
        self.stage.verdict(f"SIGKILL {rounds} times: {there} complete, {absent} absent", wrong)

    def progress_bar(self):
        """On a terminal only."""
        store = self.directory("bar")
        command = "download", self.peers.url("/drip?numbytes=20&duration=1"), "--dev", "-o", store / "f"
        master, slave = os.openpty()
        program = self.start(*command, stderr=slave, env={**os.environ, "TERM": "xterm", "COLUMNS": "100"})
        os.close(slave)
        shown = []
        reader = threading.Thread(target=read_all, args=(master, shown))
        reader.start()
        output, _ = program.communicate(timeout=30)
        reader.join(timeout=30)
        seen = b"".join(shown).decode(errors="replace")
        right = program.returncode == 0 and output.decode().strip() == str(store / "f")
        right = right and "% " in seen and " of 20 B" in seen and "/s" in seen and "left" in seen
        self.stage.verdict("a progress bar on a terminal", [] if right else [repr(seen)])
        status, answer, complaint = self.run(*command)
        right = status == 0 and complaint == ""
        self.stage.verdict("and none when piped", [] if right else [repr(complaint)])


def read_all(master, shown):
    try:
        while data := os.read(master, 65536):
            shown.append(data)
    except OSError:
        # The other side is closed.
        pass


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
