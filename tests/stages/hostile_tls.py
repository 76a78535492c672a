"""A TLS server by hand: see hostile-tls.sh, which calls this with the program's path."""

import pathlib
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))

from certificates import CA, LOCALHOST, Maker  # noqa: E402
from stage import Stage  # noqa: E402

HEAD = "HTTP/1.1 200 OK\nContent-Length: 2\n\n"
LONGER = HEAD.replace("2\n\n", "9\n\n")
# How long the server waits before it is told the next line.
PAUSE_S = 0.4


def case(stage, maker, name, version, lines, within=(0, 5), **expected):
    """One call to a server that is told these lines, one after another, once the request is there.

    What openssl's server is told is what it sends, but for lines of one letter: `R` negotiates anew, `K` and `k` change
    keys, with and without the peer, `Q` ends it.
    """
    leaf, root = maker
    port = stage.port()
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-naccept", 2, version, "-crlf"]
    command += ["-cert", leaf.certificate, "-key", leaf.key]
    server = stage.start(*command, port=port, stdin=subprocess.PIPE)

    def tell():
        for line in lines:
            time.sleep(PAUSE_S)
            try:
                server.stdin.write(line.encode())
                server.stdin.flush()
            except OSError:
                return

    telling = threading.Thread(target=tell)
    telling.start()
    url = f"https://localhost:{port}/"
    stage.case(name, url, "--ca", root.certificate, "--allow", "localhost", "--timeout", 3000, within=within, **expected)
    telling.join()
    stage.end(server)


def main(miniwire):
    with Stage(miniwire) as stage:
        maker = Maker(stage.directory / "certificates")
        root = maker.make("root", extensions=CA)
        made = maker.make("leaf", root, LOCALHOST), root
        lost, timeout = dict(error=12), dict(error=13, reason="Timeout", within=(2.9, 5))
        for version in "-tls1_2", "-tls1_3":
            case(stage, made, f"an answer {version}", version, [HEAD + "{}"], status=200)
            case(stage, made, f"silence {version}", version, [], **timeout)
            case(stage, made, f"an end before the answer {version}", version, ["Q\n"], **lost)
            case(stage, made, f"an end within the answer {version}", version, [HEAD + "{", "Q\n"], **lost)
        case(stage, made, "negotiates anew before the answer", "-tls1_2", ["R\n"], **lost)
        case(stage, made, "negotiates anew within the head", "-tls1_2", ["HTTP/1.1 200 OK\n", "R\n"], **lost)
        case(stage, made, "negotiates anew within the body", "-tls1_2", [LONGER + "{\n", "r\n"], **lost)
        case(stage, made, "changes its keys within the answer", "-tls1_3", [HEAD, "k\n", "{}\n"], status=200)
        case(stage, made, "changes all keys within the answer", "-tls1_3", [HEAD, "K\n", "{}\n"], status=200)
        case(stage, made, "changes all keys again and again", "-tls1_3", ["K\n"] * 4, **timeout)
        return stage.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
