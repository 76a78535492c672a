"""The core's WebSocket and the client's socket through the cases of the Autobahn test suite: see autobahn.sh, which calls this."""

import collections
import json
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "lib"))

import nginx  # noqa: E402
from certificates import CA, Maker  # noqa: E402
from stage import Stage  # noqa: E402

# The last two are permessage-deflate: see run_deflate.py.
EXCLUDED = ["12.*", "13.*"]
# Cases 1 to 7, 9 and 10; of them, 7.1.6, 7.13.1 and 7.13.2 have no right answer and are informational.
CASES = 301
LEAST_OK = 298
GOOD = "OK", "INFORMATIONAL"
# Receive and transmit buffers in bytes: usual ones, and the smallest.
BUFFERS = {"miniwire": (4096, 4096), "miniwire-small": (512, 256)}
RUN_S = 500
# The client's socket, in the clear and behind nginx with TLS, where the cases are 1 to 7.
PRODUCT, PRODUCT_TLS = "miniwire-std", "miniwire-std-tls"
OVER_TLS = [f"{group}.*" for group in range(1, 8)]
CASES_TLS = 246
LEAST_OK_TLS = 243
TUNNEL = """
    proxy_http_version 1.1;
    # The suite's server wants to be asked for at its own port.
    proxy_set_header Host $proxy_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
"""


def main(client, product, python, packages):
    with Stage(client) as stage:
        port = serve(stage, python, packages, "reports", ["*"])
        runs = [(agent, [client, f"ws://127.0.0.1:{port}", agent, *map(str, sizes)]) for agent, sizes in BUFFERS.items()]
        runs.append((PRODUCT, [product, f"ws://127.0.0.1:{port}", PRODUCT]))
        for agent, command in runs:
            index = run(stage, "reports", agent, command)
            judge(stage, agent, index, CASES, LEAST_OK)

        port, behind = stage.port(), serve(stage, python, packages, "reports-tls", OVER_TLS)
        maker = Maker(stage.directory / "certificates")
        root = maker.make("root", extensions=CA)
        leaf = maker.make("leaf", root)
        nginx.start(stage, nginx.tls(port, leaf, f"proxy_pass http://127.0.0.1:{behind};", TUNNEL), port)
        command = [product, f"wss://localhost:{port}", PRODUCT_TLS, "--root", root.certificate]
        index = run(stage, "reports-tls", PRODUCT_TLS, command)
        judge(stage, PRODUCT_TLS, index, CASES_TLS, LEAST_OK_TLS)
        return stage.finish()


def serve(stage, python, packages, name, cases):
    """Starts the suite's server with these cases; its port. It reports into the directory of this name."""
    port = stage.port()
    suite = {
        "url": f"ws://127.0.0.1:{port}",
        "outdir": str(stage.directory / name),
        "cases": cases,
        "exclude-cases": EXCLUDED,
        "exclude-agent-cases": {},
    }
    suite = stage.write(f"{name}.json", json.dumps(suite))
    wstest = python, HERE / "wstest_loopback.py", packages
    # -u 0: no web page.
    stage.start(*wstest, "-m", "fuzzingserver", "-s", suite, "-u", "0", port=port, cwd=stage.directory)
    return port


def run(stage, name, agent, command):
    """Runs a client to its end; what the suite thinks of it."""
    began = time.monotonic()
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, timeout=RUN_S)
    print(f"        {time.monotonic() - began:.0f} s")
    wrong = [f"the client failed with exit status {done.returncode}"] if done.returncode else []
    stage.verdict(f"{agent}: every case was run", wrong)
    return json.loads((stage.directory / name / "index.json").read_text()).get(agent, {})


def judge(stage, agent, cases, count, least_ok):
    behaviours = collections.defaultdict(collections.Counter)
    wrong = []
    for case, report in sorted(cases.items(), key=lambda item: numbers(item[0])):
        behaviours[case.split(".")[0]][report["behavior"]] += 1
        if report["behavior"] not in GOOD or report["behaviorClose"] not in GOOD:
            wrong.append(f"{case}: {report['behavior']}, closing {report['behaviorClose']}")
    total = sum(behaviours.values(), collections.Counter())
    for group, counts in behaviours.items():
        print(f"        {group:>2}: {summary(counts)}")
    print(f"       all: {summary(total)}")
    if sum(total.values()) != count:
        wrong.append(f"{sum(total.values())} cases, not {count}")
    if total["OK"] < least_ok:
        wrong.append(f"{total['OK']} are OK, not {least_ok}")
    stage.verdict(f"{agent}: every case is strictly OK, or informational", wrong)


def numbers(case):
    return [int(part) for part in case.split(".")]


def summary(counts):
    return ", ".join(f"{count} {behaviour}" for behaviour, count in counts.most_common())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
