"""A name server on QEMU's virtual Ethernet segment.

QEMU's own would ask the host's name server, which a test has no business with. This one is a station of its own on the
segment, reached through a pair of UDP sockets that carry whole frames. It answers ARP and DNS, and nothing else.
"""

import socket
import struct
import threading

ADDRESS = "10.0.2.53"
# QEMU's name for the host.
HOST = "10.0.2.2"
NAMES = {"localhost": HOST}
_MAC = bytes.fromhex("525500000253")
_NAME_ERROR = 3


class NameServer:
    """Answers until it is closed. `silent` names get no answer."""

    def __init__(self, names=None, silent=()):
        self.names = NAMES if names is None else names
        self.silent = silent
        self.asked = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            self._peer = free.getsockname()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def netdev(self, name):
        """The argument of QEMU's -netdev that leads here."""
        host, port = self._socket.getsockname()
        return f"socket,id={name},udp={host}:{port},localaddr={self._peer[0]}:{self._peer[1]}"

    def close(self):
        # Wakes the thread; a close alone would not.
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self):
        while frame := self._socket.recv(65536):
            try:
                answer = self._answer(frame)
            except (IndexError, struct.error, UnicodeDecodeError):
                continue
            if answer:
                self._socket.sendto(answer, self._peer)

    def _answer(self, frame):
        (kind,) = struct.unpack_from("!H", frame, 12)
        if kind == 0x0806:
            return _arp(frame)
        if kind == 0x0800 and frame[30:34] == socket.inet_aton(ADDRESS) and frame[23] == 17:
            return self._udp(frame)
        return None

    def _udp(self, frame):
        header = 14 + 4 * (frame[14] & 15)
        source, target, length = struct.unpack_from("!HHH", frame, header)
        answer = self._dns(frame[header + 8 : header + length]) if target == 53 else None
        if answer is None:
            return None
        # A UDP checksum of 0 is none.
        datagram = struct.pack("!HHHH", 53, source, 8 + len(answer), 0) + answer
        packet = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0) + frame[30:34] + frame[26:30]
        packet = packet[:10] + struct.pack("!H", _checksum(packet)) + packet[12:]
        return frame[6:12] + _MAC + frame[12:14] + packet + datagram

    def _dns(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii"))
            at += 1 + query[at]
        question, name = query[12 : at + 5], ".".join(labels).lower()
        (kind,) = struct.unpack_from("!H", query, at + 1)
        self.asked.append(name)
        if name in self.silent:
            return None
        address = self.names.get(name)
        record = b""
        if address and kind == 1:
            # The name is that of the question; class IN, for a minute.
            record = struct.pack("!HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(address)
        flags = 0x8180 if address else 0x8180 | _NAME_ERROR
        return query[:2] + struct.pack("!HHHHH", flags, 1, 1 if record else 0, 0, 0) + question + record


def _arp(frame):
    (operation,) = struct.unpack_from("!H", frame, 20)
    if operation != 1 or frame[38:42] != socket.inet_aton(ADDRESS):
        return None
    return frame[6:12] + _MAC + frame[12:20] + struct.pack("!H", 2) + _MAC + frame[38:42] + frame[22:32]


def _checksum(packet):
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
