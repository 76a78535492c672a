"""Finds who can reach panicking code in a linked image, by its relocations and its debug information.

Usage: no_panic.py DIRECTORY. A place that refers to a panic counts for the crate whose source it was inlined from. A
function of the core library that panics, and stands in the image as a copy of its own, is itself taken for a panic.
"""

import bisect
import re
import subprocess
import sys

REQUESTS = "request-plain", "request-async", "request-post-json", "request-post-floats"
IMAGES = [*REQUESTS, "files-plain", "socket-plain", "socket-async", "socket-deflate", "ws-plain"]

# What dependencies bring, in how many places of an image at most. This list may only shrink.
KNOWN = {
    "serde-json-core": 8,  # indexes and slices; it sees validated JSON only
    "a future polled after its end": 4,  # the compiler's own, in every async fn
}

# A socket has more async functions than a call.
OF_IMAGE = {("socket-async", "a future polled after its end"): 9}

PANICS = re.compile(
    r"core::panicking::|rust_begin_unwind|::(unwrap|expect)_failed|_fail(_rt)?\b|::do_panic|core::cell::panic_already"
)
# What the compiler calls at the start of an async fn, and nobody else can.
AFTER_END = "core::panicking::panic_const::panic_const_async_fn_resumed"
LIBRARY = re.compile(r"/(rustc/[^/]+|rustlib/src/rust)/library/|compiler-builtins/")
CRATE = re.compile(r"/registry/src/[^/]+/(.+?)-\d+\.\d+[^/]*/(.*)")

# What is the project's own, and in no image's own directory.
OURS = re.compile(r"/(core|transport-embassy)/(src/.*)")
OUR_CRATES = {"core": "miniwire-core", "transport-embassy": "miniwire-embassy"}


def run(*command, given=None):
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout


def functions(image):
    """(start, end, name) of each function, by address."""
    found = []
    for line in run("llvm-nm", "--print-size", image).splitlines():
        parts = line.split(None, 3)
        if len(parts) == 4 and parts[2] in "tTwW":
            start = int(parts[0], 16) & ~1
            found.append((start, start + int(parts[1], 16), parts[3]))
    return sorted(found)


def references(image):
    """(address, name) of what code refers to."""
    found = []
    in_text = False
    for line in run("llvm-readelf", "--relocs", "--wide", image).splitlines():
        if line.startswith("Relocation section"):
            in_text = "'.rel.text'" in line
        parts = line.split()
        if in_text and len(parts) >= 5 and parts[2].startswith("R_ARM"):
            found.append((int(parts[0], 16), parts[4]))
    if not found:
        sys.exit(f"FAILED: {image} has no relocations to read")
    return found


def sources(image, addresses):
    """For each address the functions it was inlined through, innermost first: (name, file:line)."""
    given = "".join(f"{address:#x}\n" for address in addresses)
    answer = run("llvm-symbolizer", "--inlines", "--demangle", f"--obj={image}", given=given)
    chains = []
    for block in answer.strip("\n").split("\n\n"):
        lines = block.split("\n")
        chains.append([(lines[at], lines[at + 1].rsplit(":", 1)[0]) for at in range(0, len(lines) - 1, 2)])
    return dict(zip(addresses, chains))


def owner(chain):
    """The crate and the place in it that a panic comes from; None for code of the core library on its own."""
    places = [place for name, place in chain if not LIBRARY.search(place) and not name.startswith("OUTLINED")]
    for place in places:
        if match := CRATE.search(place) or OURS.search(place):
            return OUR_CRATES.get(match[1], match[1]), match[2]
    return ("the image itself", places[0]) if places else None


def demangled(names):
    return dict(zip(names, run("llvm-cxxfilt", given="\n".join(names) + "\n").splitlines()))


def sites(image):
    """Every place outside of the core library that refers to a panic: {(crate, place)}."""
    code = functions(image)
    starts = [start for start, _, _ in code]
    calls = references(image)
    names = demangled(sorted({name for _, name in calls} | {name for _, _, name in code}))
    panics = {name for name, clear in names.items() if PANICS.search(clear)}
    found, seen = set(), set()
    while True:
        fresh = {address: name for address, name in calls if name in panics and address not in seen}
        if not fresh:
            return found
        seen.update(fresh)
        for address, chain in sources(image, list(fresh)).items():
            inside = code[bisect.bisect_right(starts, address) - 1][2]
            if inside in panics:
                continue
            if names[fresh[address]] == AFTER_END:
                found.add(("a future polled after its end", f"{names[inside]} at {address:#x}"))
            elif what := owner(chain):
                found.add(what)
            else:
                panics.add(inside)


def main(directory):
    failed = False
    for image in IMAGES:
        found = sorted(sites(f"{directory}/{image}"))
        for crate in sorted({crate for crate, _ in found}):
            places = [place for other, place in found if other == crate]
            known = len(places) <= (OF_IMAGE.get((image, crate)) or KNOWN.get(crate, 0))
            failed |= not known
            print(f"{image}: {crate}: {len(places)} ({'known' if known else 'FAILED'})")
            for place in places:
                print(f"    {place}")
        if not any(crate == "miniwire-core" for crate, _ in found):
            print(f"{image}: miniwire-core: none")
    sys.exit("FAILED: there are panics that are not known" if failed else 0)


main(sys.argv[1])
