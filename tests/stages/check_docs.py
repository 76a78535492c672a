"""Checks the Markdown files and the doc comments against the tree: see docs.sh, which calls this from the project's root."""

import functools
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

CONFORMANCE = pathlib.Path("docs/conformance.md")
REQUIREMENTS = pathlib.Path("tests/requirements.txt")
# Calls that run on both transports; each entry begins with its requirement.
SCENARIOS = pathlib.Path("tests/tests/both/scenario")
STATES = ("done", "partly", "later")
# Commands of other people's that a document may use.
FOREIGN = {"apt-get", "cd", "curl", "export", "git", "grep", "llvm-nm", "llvm-objdump", "openssl", "pip", "rustup", "sudo", "valgrind"}
# Directories that are somebody's machine and nobody else's.
MACHINE = re.compile(r"(?<![\w.~})-])/(?:work|root|farm|home/\w+|Users/\w+)/")

problems = []


def problem(where, what):
    problems.append(f"{where}: {what}")


def main():
    files = tracked_files()
    documents = [file for file in files if file.suffix == ".md"]
    counts = [
        (check_links(documents), "links"),
        (check_conformance(files), "requirements"),
        (check_commands(documents), "commands"),
        (check_machine_paths(files), "files without a machine's path"),
        (check_futures(files), "futures that may be dropped"),
        (check_examples(files), "modules with examples"),
    ]
    for line in problems:
        print(line)
    print(f"checked {len(documents)} documents: " + ", ".join(f"{count} {what}" for count, what in counts))
    if problems:
        print(f"{len(problems)} problems")
    return 1 if problems else 0


def tracked_files():
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed.returncode:
        sys.exit("this is no git checkout: " + listed.stderr.strip())
    files = map(pathlib.Path, filter(None, listed.stdout.split("\0")))
    return [file for file in files if file.is_file() and not file.is_symlink()]


def run(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)


# Links


def check_links(documents):
    count = 0
    for document in documents:
        for number, target in links(document):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            count += 1
            path, _, anchor = target.partition("#")
            leads_to = document.parent / path if path else document
            if not leads_to.exists():
                problem(f"{document}:{number}", f"the link {target} leads to no file")
            elif anchor and leads_to.suffix == ".md" and anchor not in anchors(leads_to):
                problem(f"{document}:{number}", f"the link {target} leads to no heading")
    return count


def links(document):
    for number, line in prose(document):
        line = re.sub(r"`[^`]*`", "``", line)
        for found in re.finditer(r"\]\(\s*<?([^)\s>]+)", line):
            yield number, found[1]
        definition = re.match(r"\s{0,3}\[[^\]]+\]:\s*<?([^\s>]+)", line)
        if definition:
            yield number, definition[1]


def prose(document):
    """The numbered lines outside fenced code."""
    fence = None
    for number, line in enumerate(document.read_text("utf-8").splitlines(), 1):
        mark = re.match(r"\s*(```+|~~~+)", line)
        if mark and fence is None:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = None
        elif fence is None:
            yield number, line


@functools.cache
def anchors(document):
    """The anchors that a reader of Markdown makes of the headings."""
    found = set()
    for _, line in prose(document):
        found.update(re.findall(r'<a\s+(?:id|name)="([^"]+)"', line))
        heading = re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if heading:
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            unique, again = slug, 0
            while unique in found:
                again += 1
                unique = f"{slug}-{again}"
            found.add(unique)
    return found


# Conformance


def check_conformance(files):
    known = REQUIREMENTS.read_text("utf-8").split()
    tests = test_names(files)
    for name in sorted(tests):
        prefix = re.match(r"(ctx|req|up|down|sock|core)_(\d+)(?=_|$)", name)
        if prefix and f"{prefix[1].upper()}-{prefix[2]}" not in known:
            problem(tests[name], f"the test {name} is named after a requirement that does not exist")
    if not CONFORMANCE.exists():
        problem(CONFORMANCE, "missing: it has a row for each requirement")
        return 0
    on_both = scenarios()
    rows = {}
    for number, line in prose(CONFORMANCE):
        if not re.match(r"\|\s*`?[A-Z]+-\d+", line):
            continue
        where = f"{CONFORMANCE}:{number}"
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if len(cells) != 5:
            problem(where, f"{len(cells)} cells instead of 5: id, what, state, on a board, tests")
            continue
        name, _, state, board, proof = cells
        name = name.strip("`")
        if not re.match(r"both\b|core\b|no: |`", board):
            problem(where, f"{name} says of a board neither both, core, no: why, nor a test")
        if board.startswith("both") != (name in on_both):
            problem(where, f"{name} is {'' if name in on_both else 'not '}among the calls of {SCENARIOS}")
        if name not in known:
            problem(where, f"{name} is not in {REQUIREMENTS}")
        if name in rows:
            problem(where, f"{name} has another row")
        rows[name] = state
        if state not in STATES:
            problem(where, f"the state {state!r} is none of: {', '.join(STATES)}")
        proofs = re.findall(r"`([^`]+)`", proof)
        missing = [proof for proof in proofs if not exists(proof, tests)]
        unknown = [proof for proof in re.findall(r"`([^`]+)`", board) if not exists(proof, tests)]
        for proof in missing + unknown:
            problem(where, f"{name} names {proof}, which is neither a test nor a file")
        if state == "done" and len(missing) == len(proofs):
            problem(where, f"{name} is done and names no test")
    for name in known:
        if name not in rows:
            problem(CONFORMANCE, f"{name} has no row")
    return len(rows)


def scenarios():
    """The requirements of the calls that run on both transports."""
    texts = [file.read_text("utf-8") for file in SCENARIOS.glob("*.rs")]
    return {name for text in texts for name in re.findall(r'"((?:CTX|REQ|UP|DOWN|SOCK|CORE)-\d+)\b', text)}


def test_names(files):
    """The functions marked as tests, and where they are."""
    found = {}
    test = re.compile(
        r"#\[(?:\w+::)?test\b[^\]]*\]\s*(?:(?:#\[[^\]]*\]|//[^\n]*)\s*)*(?:pub\s+)?(?:async\s+)?fn\s+(\w+)"
    )
    for file in files:
        if file.suffix == ".rs":
            for match in test.finditer(file.read_text("utf-8")):
                found[match[1]] = file
    return found


def exists(proof, tests):
    """A test's name, with or without its module, `*` at the end standing for any; or a file."""
    if "/" in proof:
        return pathlib.Path(proof.split()[0]).exists()
    name = proof.rsplit("::", 1)[-1]
    if name.endswith("*"):
        return any(test.startswith(name[:-1]) for test in tests)
    return name in tests


# Commands


def check_commands(documents):
    count = 0
    for document in documents:
        for number, line in command_lines(document):
            where = f"{document}:{number}"
            try:
                words = shlex.split(line, comments=True)
            except ValueError as error:
                problem(where, f"{line!r} does not parse: {error}")
                continue
            for command in split_at_operators(words):
                while command and re.match(r"[A-Z_]+=", command[0]):
                    command = command[1:]
                if command:
                    count += 1
                    check_command(where, command)
    return count


def command_lines(document):
    """The lines of fenced code that is marked as shell, those that go on after a backslash joined."""
    shell, started, pending = False, 0, ""
    for number, line in enumerate(document.read_text("utf-8").splitlines(), 1):
        fence = re.match(r"\s*```+\s*(\w*)", line)
        if fence:
            shell, pending = not shell and fence[1] in ("sh", "bash", "console"), ""
        elif shell and line.strip():
            started = started if pending else number
            pending += line.strip().removeprefix("$ ")
            if pending.endswith("\\"):
                pending = pending[:-1] + " "
            else:
                yield started, pending
                pending = ""


def split_at_operators(words):
    command = []
    for word in words:
        if word in ("&&", "||", "|", ";", "&"):
            yield command
            command = []
        elif re.fullmatch(r"\d?[<>]+&?\S*", word):
            continue
        else:
            command.append(word)
    yield command


def check_command(where, command):
    program, words = command[0], command[1:]
    if program == "cargo":
        check_cargo(where, [word for word in words if not word.startswith("+")])
    elif program == "miniwire":
        check_miniwire(where, words)
    elif "/" in program:
        path = pathlib.Path(program)
        if not (path.is_file() and path.stat().st_mode & 0o111):
            problem(where, f"{program} is not there, or not executable")
    elif program in ("bash", "sh", "python3"):
        if words and not words[0].startswith("-") and not pathlib.Path(words[0]).is_file():
            problem(where, f"{words[0]} is not there")
    elif program not in FOREIGN:
        problem(where, f"{program} is no command that this check knows")


def check_cargo(where, words):
    if not words:
        return
    if words[0] == "miniwire":
        check_miniwire(where, words[1:])
        return
    commands = cargo_commands()
    # These are programs that people install.
    if commands and words[0] not in commands | {"fuzz", "mutants"}:
        problem(where, f"cargo {words[0]} is no command")
    kinds = {"--example": "examples", "--test": "tests", "--bench": "benches"}
    for option, value in zip(words, words[1:]):
        if option in ("-p", "--package", "--exclude") and value not in packages():
            problem(where, f"{value} is no package of the workspace")
        if option in kinds and not any(pathlib.Path().glob(f"*/{kinds[option]}/{value}*")):
            problem(where, f"{option} {value} is not there")
        if option == "--manifest-path" and not pathlib.Path(value).is_file():
            problem(where, f"{value} is not there")


@functools.cache
def packages():
    manifests = [path.read_text("utf-8") for path in pathlib.Path().glob("*/Cargo.toml")]
    return {name for text in manifests for name in re.findall(r'^name = "([^"]+)"', text, re.M)[:1]}


@functools.cache
def cargo_commands():
    if not shutil.which("cargo"):
        return set()
    return set(re.findall(r"^\s{4}(\S+)", run("cargo", "--list").stdout, re.M))


def check_miniwire(where, words):
    sub = [words[0]] if words and not words[0].startswith("-") else []
    text = miniwire_help(*sub)
    if text is None:
        return
    if text == "":
        problem(where, f"miniwire {' '.join(sub)} --help fails")
        return
    for word in words:
        option = re.match(r"--[a-z][a-z-]*|-[A-Za-z](?=$)", word)
        if option and option[0] != "--help" and not re.search(rf"(?<![\w-]){re.escape(option[0])}(?![\w-])", text):
            problem(where, f"miniwire {' '.join(sub)} has no option {option[0]}")


@functools.cache
def miniwire_help(*sub):
    """What the program says of itself; nothing where it fails, None where there is no cargo to build it."""
    if not shutil.which("cargo"):
        print("SKIPPED: cargo is missing, so the program's commands were not checked")
        return None
    said = run("cargo", "miniwire", *sub, "--help")
    return said.stdout if said.returncode == 0 else ""


# Doc comments


def library_sources(files):
    """The sources of the three crates, each up to its tests."""
    for file in files:
        if re.match(r"(core|transport-std|transport-embassy)/src/.*\.rs$", str(file)):
            yield file, file.read_text("utf-8").split("#[cfg(test)]\nmod ")[0].splitlines()


def check_futures(files):
    """Whoever reads of a public future of the asynchronous side learns what becomes of it when it is dropped."""
    count = 0
    for file, lines in library_sources(files):
        comment, in_trait = "", False
        for number, line in enumerate(lines, 1):
            code = line.strip()
            in_trait = in_trait and line != "}" or line.startswith("pub trait ")
            if code.startswith("///"):
                comment += code
                continue
            if code.startswith(("#[", "//")):
                continue
            if re.match(r"pub async fn " + ("|async fn " if in_trait else ""), code) or (
                code.startswith("pub fn ") and "-> impl Future" in signature(lines[number - 1 :])
            ):
                count += 1
                if "drop" not in comment.lower():
                    problem(f"{file}:{number}", "nothing is said of dropping this future")
            comment = ""
    return count


def signature(lines):
    found = ""
    for line in lines:
        found += line
        if line.rstrip().endswith(("{", ";")):
            break
    return found


def check_examples(files):
    """An example in the documentation of a private module is tested, and seen by nobody."""
    count = 0
    for file, lines in library_sources(files):
        opened = [line for line in lines if line.startswith("//! ```")][::2]
        if "//! ```" in opened:
            count += 1
            if not is_public(file):
                problem(file, "rustdoc does not show the example, since the module is private")
    return count


@functools.cache
def is_public(file):
    """Whether each module on the way to this file is declared `pub mod`."""
    if file.name == "lib.rs":
        return True
    name = file.parent.name if file.name == "mod.rs" else file.stem
    folder = file.parent.parent if file.name == "mod.rs" else file.parent
    parents = [folder / "lib.rs", folder / "mod.rs", folder.with_suffix(".rs")]
    parent = next(parent for parent in parents if parent.is_file())
    return bool(re.search(rf"^pub mod {name};", parent.read_text("utf-8"), re.M)) and is_public(parent)


# Paths


def check_machine_paths(files):
    count = 0
    for file in files:
        content = file.read_bytes()
        if b"\0" in content:
            continue
        count += 1
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            if MACHINE.search(line):
                problem(f"{file}:{number}", f"the path of a machine: {line.strip()[:100]}")
    return count


sys.exit(main())
