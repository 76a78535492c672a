"""The core's WebSocket through the cases of the Autobahn test suite: see autobahn.sh, which calls this."""

import collections
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "lib"))

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


def main(client, python, packages):
    with Stage(client) as stage:
        port = stage.port()
        reports = stage.directory / "reports"
        suite = {
            "url": f"ws://127.0.0.1:{port}",
            "outdir": str(reports),
            "cases": ["*"],
            "exclude-cases": EXCLUDED,
            "exclude-agent-cases": {},
        }
        suite = stage.write("suite.json", json.dumps(suite))
        wstest = python, HERE / "wstest_loopback.py", packages
        # -u 0: no web page.
        stage.start(*wstest, "-m", "fuzzingserver", "-s", suite, "-u", "0", port=port, cwd=stage.directory)
        for agent, buffers in BUFFERS.items():
            command = [client, f"ws://127.0.0.1:{port}", agent, *map(str, buffers)]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=RUN_S)
            wrong = [f"the client failed with exit status {done.returncode}"] if done.returncode else []
            stage.verdict(f"{agent}: every case was run", wrong)
            index = json.loads((reports / "index.json").read_text())
            judge(stage, agent, index.get(agent, {}), CASES, LEAST_OK)
        return stage.finish()


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
