"""Finds who can reach panicking code in a linked image, by its relocations and its debug information.

Usage: no_panic.py DIRECTORY. A place that refers to a panic counts for the crate whose source it was inlined from. A
function of the core library that panics, and stands in the image as a copy of its own, is itself taken for a panic.
"""

import bisect
import re
import subprocess
import sys

REQUESTS = "request-plain", "request-async", "request-post-json", "request-post-floats"
PLAIN = [*REQUESTS, "files-plain", "socket-plain", "socket-async", "socket-deflate", "ws-plain"]
TLS = ["request-tls", "socket-tls"]
# Their own code, and the formatting of what it prints, are let pass; what else they link of the project is not.
BOARD = ["ram", "tour"]

THE_IMAGE = "the image itself"
FORMATTING = "what it formats"
AFTER_ITS_END = "a future polled after its end"

# What dependencies bring, in how many places of an image at most, and why it is not reached. These lists may only shrink.
NOT_ARGUED = "not argued"
FIXED = "indices and lengths that the algorithm fixes, whatever the data"
CHECKED = "lengths that were compared right before"
KNOWN = {
    "serde-json-core": (8, "it sees JSON that was validated"),
}
UNDER_TLS = {
    "aead": (1, CHECKED),
    "aes": (21, FIXED),
    "aes-gcm": (3, NOT_ARGUED),
    "block-buffer": (5, NOT_ARGUED),
    "cipher": (3, NOT_ARGUED),
    "crypto-bigint": (1, NOT_ARGUED),
    "ctr": (1, NOT_ARGUED),
    "embedded-io-async": (2, "a link that writes nothing or too much: the guard below TLS makes it an error"),
    "embedded-tls": (35, "what is known to reach one is closed in miniwire_embassy::tls; the rest is not argued"),
    "generic-array": (2, NOT_ARGUED),
    "hkdf": (4, NOT_ARGUED),
    "hmac": (1, NOT_ARGUED),
    "inout": (1, NOT_ARGUED),
    "polyval": (1, NOT_ARGUED),
    "rustls-webpki": (11, NOT_ARGUED),
    "sec1": (2, CHECKED),
    "sha2": (1, NOT_ARGUED),
    "subtle": (1, NOT_ARGUED),
    "universal-hash": (1, NOT_ARGUED),
    "untrusted": (1, NOT_ARGUED),
}
# `tour` has TLS as well, the rest of it for two sessions and by other ways through the same code.
ON_THE_BOARD = UNDER_TLS | {
    "aes": (34, FIXED),
    "byteorder": (3, NOT_ARGUED),
    "const-oid": (5, NOT_ARGUED),
    "der": (3, NOT_ARGUED),
    "embassy-executor": (1, NOT_ARGUED),
    "embassy-futures": (1, NOT_ARGUED),
    "embassy-net": (11, NOT_ARGUED),
    "embassy-net-driver": (1, NOT_ARGUED),
    "embassy-time": (2, NOT_ARGUED),
    "embassy-time-queue-utils": (1, NOT_ARGUED),
    "embedded-tls": (36, UNDER_TLS["embedded-tls"][1]),
    "heapless": (2, NOT_ARGUED),
    "ppv-lite86": (1, NOT_ARGUED),
    "rand_core": (2, NOT_ARGUED),
    "rustls-webpki": (13, NOT_ARGUED),
    "smoltcp": (195, NOT_ARGUED),
    "static_cell": (1, NOT_ARGUED),
    "untrusted": (2, NOT_ARGUED),
}

# The compiler's own check at the start of an async fn: how many of them an image has, one for each function that polls
# what was inlined into it. A handshake has two functions of its own (`drive::asynch::apart`), what stands for it without
# TLS one.
ASYNC = {"socket-async": 11, "request-tls": 17, "socket-tls": 25, "ram": 89, "tour": 158}
ASYNC_AT_MOST = 4

PANICS = re.compile(
    r"core::panicking::|rust_begin_unwind|::(unwrap|expect)_failed|_fail(_rt)?\b|::do_panic|core::cell::panic_already"
)
# What the compiler calls at the start of an async fn, and nobody else can.
AFTER_END = "core::panicking::panic_const::panic_const_async_fn_resumed"
# A load from a literal pool: from where, of which word.
LOAD = re.compile(r"\s*([0-9a-f]+):\s+v?ldr.*@ 0x([0-9a-f]+)")
# What a program reaches only by formatting, which an image without a console does not.
FORMATS = re.compile(r" as core::fmt::(Display|Debug)>::fmt$")
LIBRARY = re.compile(r"/(rustc/[^/]+|rustlib/src/rust)/library/|compiler-builtins/")
CRATE = re.compile(r"/registry/src/[^/]+/(.+?)-\d+\.\d+[^/]*/(.*)")

# What is the project's own, and in no image's own directory.
OURS = re.compile(r"/(core|transport-embassy)/(src/.*)")
OUR_CRATES = {"core": "miniwire-core", "transport-embassy": "miniwire-embassy"}


def run(*command, given=None):
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout


def unique(name, address):
    """What the linker put together from several objects may have functions of one name."""
    return f"{name}@{address:#x}" if name.startswith("OUTLINED_FUNCTION") else name


def functions(image):
    """(start, end, name) of each function, by address."""
    found = []
    for line in run("llvm-nm", "--print-size", image).splitlines():
        parts = line.split(None, 3)
        if len(parts) == 4 and parts[2] in "tTwW":
            start = int(parts[0], 16) & ~1
            found.append((start, start + int(parts[1], 16), unique(parts[3], start)))
    return sorted(found)


def references(image):
    """(address, name) of what code refers to. A word of a literal pool counts where it is loaded."""
    loads = {}
    for line in run("llvm-objdump", "--disassemble", "--no-show-raw-insn", image).splitlines():
        if match := LOAD.match(line):
            loads.setdefault(int(match[2], 16), []).append(int(match[1], 16))
    found = []
    in_text = False
    for line in run("llvm-readelf", "--relocs", "--wide", image).splitlines():
        if line.startswith("Relocation section"):
            in_text = "'.rel.text'" in line
        parts = line.split()
        if in_text and len(parts) >= 5 and parts[2].startswith("R_ARM"):
            address = int(parts[0], 16)
            name = unique(parts[4], int(parts[3], 16) & ~1)
            found += [(place, name) for place in loads.get(address, [address])]
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
    if places and places[0].startswith("compiler_builtins."):
        return "compiler_builtins", places[0]
    return (THE_IMAGE, places[0].rsplit("/", 1)[-1]) if places else None


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
                found.add((AFTER_ITS_END, f"{names[inside]} at {address:#x}"))
            elif what := owner(chain):
                is_ours = what[0] in OUR_CRATES.values()
                found.add((FORMATTING, what[1]) if is_ours and any(FORMATS.search(name) for name, _ in chain) else what)
            else:
                panics.add(inside)


def main(directory):
    failed = False
    looked_at = [(PLAIN, KNOWN), (TLS, UNDER_TLS), (BOARD, ON_THE_BOARD)]
    for image, known in ((image, known) for images, known in looked_at for image in images):
        found = sorted(sites(f"{directory}/{image}"))
        for crate in sorted({crate for crate, _ in found}):
            places = [place for other, place in found if other == crate]
            if crate in (THE_IMAGE, FORMATTING) and image in BOARD:
                print(f"{image}: {crate}: {len(places)}, let pass")
                continue
            limit, why = known.get(crate, (0, ""))
            if crate == AFTER_ITS_END:
                limit, why = ASYNC.get(image, ASYNC_AT_MOST), "the compiler's own, in every async fn"
            is_known = len(places) <= limit
            failed |= not is_known
            print(f"{image}: {crate}: {len(places)} ({f'known: {why}' if is_known else f'FAILED, {limit} are known'})")
            for place in places if image in PLAIN or not is_known else ():
                print(f"    {place}")
        for crate in OUR_CRATES.values():
            if crate not in {crate for crate, _ in found}:
                print(f"{image}: {crate}: none")
    sys.exit("FAILED: there are panics that are not known" if failed else 0)


main(sys.argv[1])
