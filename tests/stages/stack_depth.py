"""How deep can the stack get under each entry point? From the linked images: the compiler's sizes of the frames, and who
calls whom. Fails where it cannot tell, where something recurses that may not, and where an entry point is too deep.

Usage: stack_depth.py DIRECTORY [ways]. With `ways` also the way down to each depth, frame by frame.

A frame is what the compiler says it is (-Z emit-stack-sizes); the prologue is read beside it. An indirect call gets its
target from what was loaded into the register: a constant, or a slot of a table of functions, and then every function that
any table of the image has in that slot. What neither explains is an error.
"""

import bisect
import collections
import functools
import re
import struct
import subprocess
import sys

# How deep each entry point may get, in bytes: images, and in them the functions around what is called so. A bound may only
# be raised with a reason.
BOUNDS = {
    "entry-points": {
        "request": 1900,
        "request_streamed": 1800,
        "upload": 2000,
        "download": 1850,
        "connect": 2100,
        "send": 400,
        "recv": 450,
        "recv_streamed": 350,
        "close": 300,
        "poll_request": 1350,
        "poll_request_streamed": 1800,
        "poll_upload": 1850,
        "poll_download": 1800,
        "poll_connect": 2300,
        "poll_send": 400,
        "poll_ready": 200,
        "poll_recv": 450,
        "poll_recv_now": 500,
        "poll_recv_streamed": 350,
        "poll_close": 300,
    },
    "entry-points-deflate": {
        "connect": 1800,
        "send": 600,
        "recv": 550,
        "recv_streamed": 550,
        "close": 400,
        "poll_connect": 2200,
        "poll_send": 600,
        "poll_ready": 200,
        "poll_recv": 550,
        "poll_recv_now": 600,
        "poll_recv_streamed": 550,
        "poll_close": 400,
    },
    "entry-points-tls": {
        "root": 1000,
        "poll_open": 19900,
        "poll_readable": 3350,
        "poll_read": 3400,
        "poll_write": 1850,
        "poll_flush": 1800,
        "poll_close": 5250,
    },
}

# What may recurse, and how many frames of it there can be at once.
RECURSES = {
    # One for the server's certificate, and one for each of the six certificates above it that a path can have: webpki
    # takes no more into a path, and miniwire-embassy no more from a server.
    r"webpki::verify_cert::ChainOptions<.*>>::build_chain_inner$": 7,
}

SINK = r" as miniwire_core::sink::Sink>::put$"
INPUT = r" as miniwire_core::call::outgoing::Input>::"
ENVELOPE = r" as miniwire_core::call::outgoing::Envelope>::"
ALGORITHM = r" as rustls_pki_types::SignatureVerificationAlgorithm>::"

# Through which traits a function makes its indirect calls, where the slot of the table alone leaves too much open: who
# calls, and whom.
THROUGH = {
    # It stands before the sink of the transmit buffer or a counter, never before another of its kind.
    r"<miniwire_core::call::message::Exactly as miniwire_core::sink::Sink>::put": r"::(Window|Count)" + SINK,
    r"<?miniwire_core::(base64|data|digits|multipart|url|ws::deflate::negotiation)::": SINK,
    r"^miniwire_core::call::message::(proxy_authorization|put_all)$": SINK,
    r"<miniwire_core::http::exchange::Exchange>::": r" as miniwire_core::http::exchange::Message>::",
    r"<miniwire_core::call::(Call>::(new|head)|hop::Hop>::(url|enter|follow))$": rf"{INPUT}outgoing|{ENVELOPE}len",
    r"<miniwire_core::call::hop::Hop as miniwire_core::http::exchange::Message>::": f"{INPUT}|{ENVELOPE}|{SINK}",
    r" as miniwire_core::call::outgoing::(Input|Envelope)>::": SINK,
    r"<miniwire_core::call::message::ConnectMessage as miniwire_core::http::exchange::Message>::": f"{INPUT}|{SINK}",
    # What counts the checks stands before an algorithm, never before itself.
    r"<miniwire_embassy::tls::algorithms::Limited as ": "::(?!Limited)[^:]*" + ALGORITHM,
}


# Address, mnemonic, operands, and where in the literal pool something is loaded from.
INSTRUCTION = re.compile(
    r"\s*([0-9a-f]+):\s+([a-z][\w.]*)\s*([^@<]*)(?:<[^@]*)?(?:@ (?:imm = #-?\d+|(0x[0-9a-f]+)))?"
)
CONDITION = r"(eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)"
JUMP = re.compile(rf"(bl?x?|cbn?z){CONDITION}?$")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def number(text):
    return int(text.lstrip("#"), 0)


class Function:
    def __init__(self, start, end, name):
        self.start, self.end, self.name = start, end, name
        self.code = []  # (address, mnemonic, operands, where a literal is)
        self.frame = None
        self.calls = set()  # of addresses
        self.unknown = []  # addresses of calls of nobody knows whom


class Image:
    def __init__(self, path):
        self.path = path
        self.bytes = open(path, "rb").read()
        self.sections = {}
        for line in run("llvm-readelf", "--sections", "--wide", path).splitlines():
            if match := re.match(r"\s*\[\s*\d+\]\s+(\.\S+)\s+(?:PROGBITS|ARM\S*)\s+(\w+)\s+(\w+)\s+(\w+)", line):
                name, *rest = match.groups()
                self.sections[name] = tuple(int(word, 16) for word in rest)
        self.read_functions()
        self.read_code()
        self.read_frames()
        self.read_tables()
        self.read_calls()

    def word(self, address):
        for start, offset, size in self.sections.values():
            if start and start <= address <= start + size - 4:
                return struct.unpack_from("<I", self.bytes, offset + address - start)[0]
        return None

    def read_functions(self):
        self.functions = {}
        for line in run("llvm-nm", "--print-size", "--demangle", self.path).splitlines():
            parts = line.split(None, 3)
            if len(parts) == 4 and parts[2] in "tTwW":
                start = int(parts[0], 16) & ~1
                end = start + int(parts[1], 16)
                if end > start and (start not in self.functions or self.functions[start].end < end):
                    self.functions[start] = Function(start, end, parts[3])
        self.starts = sorted(self.functions)

    def at(self, address):
        """The function that this address is in."""
        place = bisect.bisect_right(self.starts, address) - 1
        found = self.functions[self.starts[place]] if place >= 0 else None
        return found if found and address < found.end else None

    def pointed_at(self, word):
        """The function that this word points at, if it does."""
        return self.functions.get(word & ~1) if word is not None and word & 1 else None

    def read_code(self):
        for line in run("llvm-objdump", "--disassemble", "--no-show-raw-insn", self.path).splitlines():
            match = INSTRUCTION.match(line)
            if not match or re.search(r"\t\.(word|short|byte)", line):
                continue
            address = int(match[1], 16)
            if function := self.at(address):
                operands = [part.strip() for part in match[3].split(",")] if match[3].strip() else []
                literal = int(match[4], 16) if match[4] else None
                function.code.append((address, match[2].removesuffix(".w").removesuffix(".n"), operands, literal))

    def read_frames(self):
        """What the compiler says of them, or what the prologue takes where it says nothing: assembly, outlined code."""
        sizes = {}
        _, offset, size = self.sections[".stack_sizes"]
        data, at = self.bytes[offset : offset + size], 0
        while at < len(data):
            address = struct.unpack_from("<I", data, at)[0] & ~1
            at += 4
            value = shift = 0
            while True:
                byte = data[at]
                at += 1
                value |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            sizes[address] = value
        for function in self.functions.values():
            prologue, saved = self.prologue(function)
            said = sizes.get(function.start)
            if said is not None and prologue > said:
                sys.exit(f"FAILED: {function.name} takes {prologue} bytes, and the compiler says {said}")
            function.frame = (prologue if said is None else said) + saved

    @staticmethod
    def prologue(function):
        """What a function takes from the stack, and what it takes around calls of outlined code, for the link register."""
        taken = saved = 0
        for _, mnemonic, operands, _ in function.code:
            text = ", ".join(operands)
            if mnemonic in ("push", "stmdb") and (mnemonic == "push" or operands[0] == "sp!"):
                taken += 4 * registers(text)
            elif mnemonic == "vpush":
                taken += 8 * registers(text)
            elif mnemonic in ("sub", "subw") and operands[0] == "sp":
                if not operands[-1].startswith("#"):
                    sys.exit(f"FAILED: {function.name} takes what it likes from the stack: {mnemonic} {text}")
                taken += number(operands[-1])
            elif mnemonic in ("str", "strd") and (match := re.search(r"\[sp, #-(\d+)\]!", text)):
                if operands[0] == "lr":
                    saved = max(saved, int(match[1]))
                else:
                    taken += int(match[1])
            elif mnemonic in ("mov", "bic", "bfc") and operands[0] == "sp" and not operands[1].startswith("r7"):
                sys.exit(f"FAILED: {function.name} moves its stack: {mnemonic} {text}")
        return taken, saved

    def read_tables(self):
        """The tables of functions in the read-only data, each by the offsets of its slots: vtables begin with a drop
        function or zero, a size and an alignment."""
        places = set()
        inside = False
        for line in run("llvm-readelf", "--relocs", "--wide", self.path).splitlines():
            if line.startswith("Relocation section"):
                inside = "'.rel.rodata'" in line or "'.rel.data'" in line
            parts = line.split()
            if inside and len(parts) >= 3 and parts[2] == "R_ARM_ABS32":
                places.add(int(parts[0], 16))
        points = {place: found for place in places if (found := self.pointed_at(self.word(place)))}
        self.slots = collections.defaultdict(set)
        for place in points:
            if place - 4 in points:
                continue
            align, drop = self.word(place - 4), self.word(place - 12)
            is_vtable = align in (1, 2, 4, 8, 16) and (drop == 0 or place - 12 in points)
            start = place - 12 if is_vtable else place
            if is_vtable and drop:
                self.slots[0].add(points[place - 12].start)
            while place in points:
                self.slots[place - start].add(points[place].start)
                place += 4

    def read_calls(self):
        found = {start: Calls(self, function) for start, function in self.functions.items()}
        self.callers = collections.defaultdict(list)
        for calls in found.values():
            for at, target in calls.direct():
                self.callers[target].append((calls, at))
        self.in_tables = set().union(*self.slots.values())
        for calls in found.values():
            calls.find()


def on_stack(offset):
    return f"[sp, #{offset}]" if offset else "[sp]"


def registers(text):
    """How many registers a list in braces has."""
    count = 0
    for part in text.strip("{}!sp, ").replace("{", "").replace("}", "").split(","):
        part = part.strip()
        if match := re.fullmatch(r"([rd])(\d+)-\1(\d+)", part):
            count += int(match[3]) - int(match[2]) + 1
        elif part:
            count += 1
    return count


class Calls:
    """Who a function calls."""

    def __init__(self, image, function):
        self.image, self.function, self.code = image, function, function.code
        self.index = {address: at for at, (address, *_) in enumerate(self.code)}
        self.before = None

    def direct(self):
        """The direct calls: where, and of which function."""
        found = []
        for at, (_, mnemonic, operands, _) in enumerate(self.code):
            if operands and JUMP.match(mnemonic) and operands[-1].startswith("0x"):
                target = int(operands[-1], 16)
                if mnemonic == "bl" or not self.function.start <= target < self.function.end:
                    found.append((at, self.call(target)))
        return found

    def find(self):
        self.function.calls = {target for _, target in self.direct()}
        for at, (address, mnemonic, operands, _) in enumerate(self.code):
            target = operands[-1] if operands else ""
            if re.match(r"blx?|bx", mnemonic) and re.fullmatch(r"r\d+", target):
                self.indirect(address, self.values(target, at, set()))
            elif operands and operands[0] == "pc" and not mnemonic.startswith(("pop", "ldm")):
                if not self.is_table_of_jumps(at):
                    self.function.unknown.append(address)

    def is_table_of_jumps(self, at):
        """Whether this goes to one of the jumps that stand right behind it, by a number: adr, add, mov pc."""

        def mnemonic_at(place):
            return self.code[place][1] if 0 <= place < len(self.code) else ""

        return [mnemonic_at(at + by) for by in (-2, -1, 0, 1)] == ["adr", "add", "mov", "b"]

    def indirect(self, address, values):
        """A call of a function that one of these is: (function, None), (None, slot of a table), or None for anything."""
        function, tables = self.function, self.image.in_tables
        through = self.through()
        if not values:
            function.unknown.append(address)
        for value in values:
            if value and value[0] is not None:
                function.calls.add(value[0])
                continue
            found = self.image.slots[value[1]] if value else set()
            if through:
                wanted = {start for start in tables if re.search(through, self.image.functions[start].name)}
                # Where the slot says something else, it was read from something else than a table.
                found = found & wanted or wanted
            function.calls |= found
            if not found:
                function.unknown.append(address)

    def through(self):
        """The traits that the function calls through, if that was said. Outlined code calls on behalf of its callers."""
        if not self.function.name.startswith("OUTLINED_FUNCTION"):
            return next((to for caller, to in THROUGH.items() if re.search(caller, self.function.name)), None)
        found = {calls.through() for calls, _ in self.image.callers[self.function.start]}
        return None if None in found else "|".join(sorted(found))

    def call(self, target):
        called = self.image.at(target)
        if called is None:
            sys.exit(f"FAILED: {self.function.name} calls {target:#x}, where no function is")
        return called.start

    def predecessors(self):
        if self.before is None:
            self.before = collections.defaultdict(set)
            tables = []
            for at, (_, mnemonic, operands, _) in enumerate(self.code):
                target = operands[-1] if operands else ""
                if JUMP.match(mnemonic) and mnemonic != "bl" and target.startswith("0x"):
                    if (to := self.index.get(int(target, 16))) is not None:
                        self.before[to].add(at)
                jumps = mnemonic in ("tbb", "tbh") or self.is_table_of_jumps(at)
                if jumps:
                    tables.append(at)
                ends = jumps or mnemonic in ("b", "bx", "udf") or mnemonic == "pop" and "pc" in " ".join(operands)
                if not ends and at + 1 < len(self.code):
                    self.before[at + 1].add(at)
            for at in range(1, len(self.code)):
                if not self.before[at]:
                    self.before[at] |= set(tables)
        return self.before

    def values(self, register, at, seen):
        """What can be in a register before this instruction, as `indirect` takes it."""
        waiting, found = [at], []
        while waiting:
            here = waiting.pop()
            before = self.predecessors()[here]
            if here == 0:
                found += self.given(register, seen)
            for at in before:
                if (self.function.start, register, at) in seen:
                    continue
                seen.add((self.function.start, register, at))
                value = self.written(register, at, seen)
                if value is False:
                    waiting.append(at)
                else:
                    found += value
        return found

    def given(self, register, seen):
        """What callers leave in a register, where all of them are known."""
        callers = self.image.callers[self.function.start]
        if not callers or self.function.start in self.image.in_tables:
            return [None]
        return [value for calls, at in callers for value in calls.values(register, at, seen)]

    def written(self, register, at, seen):
        """What an instruction writes to a register; False if it does not."""
        _, mnemonic, operands, literal = self.code[at]
        base = re.sub(rf"{CONDITION}$", "", mnemonic)
        if base.startswith("bl") and register in ("r0", "r1", "r2", "r3", "r12"):
            return [None]
        if not operands or base.startswith(("str", "cmp", "cb", "tst", "b", "push", "vstr", "stm")) and base != "bic":
            return False
        if base == "ldrd" and register in operands[:2]:
            slot = operands[:2].index(register) * 4
            return self.loaded(", ".join(operands[2:]), slot, at, seen)
        if base.startswith(("ldm", "pop")):
            return [None] if re.search(rf"\b{register}\b", " ".join(operands)) else False
        if operands[0] != register:
            return False
        if base == "ldr":
            if literal is not None:
                called = self.image.pointed_at(self.image.word(literal))
                value = [(called.start, None)] if called else [None]
            else:
                value = self.loaded(", ".join(operands[1:]), 0, at, seen)
        elif base == "mov" and re.fullmatch(r"r\d+|lr", operands[1]):
            value = self.values(operands[1], at, seen)
        elif base in ("movw", "movt"):
            value = self.of_halves(register, at)
        else:
            value = [None]
        # A conditional one may leave what was there.
        return value if base == mnemonic else value + self.values(register, at, seen)

    def of_halves(self, register, at):
        halves = {}
        for _, mnemonic, operands, _ in reversed(self.code[: at + 1]):
            if mnemonic in ("movw", "movt") and operands[0] == register:
                halves.setdefault(mnemonic, number(operands[1]))
            if len(halves) == 2:
                called = self.image.pointed_at(halves["movt"] << 16 | halves["movw"])
                return [(called.start, None)] if called else [None]
        return [None]

    def loaded(self, place, more, at, seen):
        match = re.fullmatch(r"\[(\w+)(?:, #(-?\d+))?\]", place)
        if not match or match[1] == "pc":
            return [None]
        offset = int(match[2] or 0) + more
        if match[1] == "sp":
            # It was put aside: by whom?
            put = []
            for other, (_, mnemonic, operands, _) in enumerate(self.code):
                count = {"str": 1, "strd": 2}.get(mnemonic, 0)
                to = ", ".join(operands[count:])
                for which in range(count):
                    if to == on_stack(offset - 4 * which):
                        put += self.values(operands[which], other, seen)
            return put or [None]
        return [(None, offset)]


def reachable(image, entry):
    found, waiting = set(), [entry.start]
    while waiting:
        start = waiting.pop()
        if start not in found:
            found.add(start)
            waiting += image.functions[start].calls
    return [image.functions[start] for start in found]


def deepest(image, entry):
    """The deepest way down from a function: [(bytes, name)]. Ends the program where something recurses that may not."""
    under_way = []

    @functools.cache
    def below(start):
        function = image.functions[start]
        times = next((times for name, times in RECURSES.items() if re.search(name, function.name)), 1)
        if start in under_way:
            names = [image.functions[other].name for other in under_way[under_way.index(start) :]]
            sys.exit("FAILED: these call each other in a circle:\n    " + "\n    ".join(names))
        under_way.append(start)
        others = function.calls - {start} if times > 1 else function.calls
        way = max((below(other) for other in others), key=total, default=())
        under_way.pop()
        return ((function.frame * times, function.name), *way)

    return below(entry.start)


def total(way):
    return sum(size for size, _ in way)


def main(directory, wants_ways):
    sys.setrecursionlimit(10_000)
    failed = False
    print("| image | entry point | stack, bytes |\n|---|---|---:|")
    ways = {}
    for name, bounds in BOUNDS.items():
        image = Image(f"{directory}/{name}")
        crate = name.replace("-", "_")
        for entry_name, bound in bounds.items():
            pattern = re.compile(rf"{crate}::(sockets::)?{entry_name}(::<|$)")
            entry = next((function for function in image.functions.values() if pattern.match(function.name)), None)
            if entry is None:
                sys.exit(f"FAILED: {name} has no function {entry_name}")
            for function in reachable(image, entry):
                if function.unknown:
                    places = ", ".join(f"{address:#x}" for address in function.unknown)
                    sys.exit(f"FAILED: whom does {function.name} call at {places}?")
            way = ways[name, entry_name] = deepest(image, entry)
            print(f"| {name} | `{entry_name}` | {total(way)} |")
            if total(way) > bound:
                print(f"FAILED: {entry_name} gets {total(way)} bytes deep; no more than {bound} are wanted")
                failed = True
    for (name, entry_name), way in ways.items() if wants_ways else ():
        print(f"\n{name}, {entry_name}:")
        for size, function in way:
            print(f"    {size:5} {function}")
    sys.exit(failed)


main(sys.argv[1], sys.argv[2:] == ["ways"])
