"""Compressed messages through cases 12 and 13 of the Autobahn test suite: see autobahn-deflate.sh, which calls this."""

import json
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE)]

from run import judge  # noqa: E402
from stage import Stage  # noqa: E402

# Each group has 18 cases of 1000 messages: one to ten are messages of 16 bytes to 128 KiB, the others are of 8 KiB to
# 128 KiB in fragments.
ALL = range(1, 19)
# Messages of 16 bytes, 1 KiB and 4 KiB, and those of 8 KiB in fragments of 256 bytes: what CI has the time for.
SHORT = (1, 4, 5, 11)
GROUPS = {12: range(1, 6), 13: range(1, 8)}
# By the first number of the cases: the agent, and the receive and transmit buffers and the window of the core's WebSocket, in
# bytes; those of the client's socket are its own. To stand alone is what most cases of 13 ask of a message.
AGENTS = {12: ("miniwire-kept", 4096, 4096, 32768, "kept"), 13: ("miniwire-alone", 4096, 4096, 32768, "alone")}


def main(client, product, python, packages, which="short", over="socket"):
    numbers = SHORT if which == "short" else ALL
    wanted = [(first, group) for first in GROUPS for group in GROUPS[first]]
    if which not in ("short", "all"):
        wanted = [(first, group) for first, group in wanted if f"{first}.{group}" == which]
    with Stage(client) as stage:
        # A server for each group: no server lives as long as all of them take.
        for first, group in wanted:
            agent, *arguments = AGENTS[first]
            cases = [f"{first}.{group}.{number}" for number in numbers]
            port = stage.port()
            reports = stage.directory / f"reports-{first}-{group}"
            suite = {
                "url": f"ws://127.0.0.1:{port}",
                "outdir": str(reports),
                "cases": cases,
                "exclude-cases": [],
                "exclude-agent-cases": {},
            }
            suite = stage.write(f"suite-{first}-{group}.json", json.dumps(suite))
            wstest = python, HERE / "wstest_loopback.py", packages
            server = stage.start(
                *wstest, "-m", "fuzzingserver", "-s", suite, "-u", "0", port=port, cwd=stage.directory
            )
            url = f"ws://127.0.0.1:{port}"
            if over == "socket":
                command = [product, url, agent, "--compress", arguments[-1]]
            else:
                command = [client, url, agent, *map(str, arguments)]
            began = time.monotonic()
            done = subprocess.run(command, stdin=subprocess.DEVNULL)
            print(f"        {first}.{group}: {time.monotonic() - began:.0f} s")
            wrong = [f"the client failed with exit status {done.returncode}"] if done.returncode else []
            stage.verdict(f"{agent}: every case of {first}.{group} was run", wrong)
            index = json.loads((reports / "index.json").read_text())
            judge(stage, agent, index.get(agent, {}), len(cases), len(cases))
            stage.end(server)
        return stage.finish()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
