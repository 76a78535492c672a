"""The Ethernet segment between QEMU's board and QEMU's user network.

It carries frames to the host at 10.0.2.2, which is 127.0.0.1, and to the DHCP server; whatever else the board sends is
dropped, so that a test cannot reach beyond the loopback interface. The name server at 10.0.2.3 is this one: QEMU's own would ask
the host's, which a test has no business with.
"""

import selectors
import socket
import struct
import threading

HOST = socket.inet_aton("10.0.2.2")
NAME_SERVER = socket.inet_aton("10.0.2.3")
_BROADCAST = b"\xff" * 4
_MAC = bytes.fromhex("52550a000203")
_ARP, _IPV4, _UDP = 0x0806, 0x0800, 17
_NAME_ERROR = 3


class Segment:
    """Carries and answers until it is closed. `names` are all that there are, with the address of each."""

    def __init__(self, names):
        self.names = names
        self.asked = []
        self._board, self._network = _Port(), _Port()
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.close()
        self._thread.join()
        for end in (self._stopped, self._board.socket, self._network.socket):
            end.close()

    def arguments(self):
        """Those of QEMU that put the board, with this network interface, and the user network on the segment."""
        return [
            *("-netdev", self._board.netdev("board"), "-net", "nic,netdev=board,model=lan9118"),
            *("-netdev", self._network.netdev("segment"), "-netdev", "hubport,id=port0,hubid=0,netdev=segment"),
            *("-netdev", "user,id=user", "-netdev", "hubport,id=port1,hubid=0,netdev=user"),
        ]

    def _run(self):
        ends = selectors.DefaultSelector()
        for end in (self._board.socket, self._network.socket, self._stopped):
            ends.register(end, selectors.EVENT_READ)
        while True:
            for key, _ in ends.select():
                if key.fileobj is self._stopped:
                    return
                frame = key.fileobj.recv(65536)
                if key.fileobj is self._network.socket:
                    self._board.send(frame)
                else:
                    self._from_board(frame)

    def _from_board(self, frame):
        try:
            (kind,) = struct.unpack_from("!H", frame, 12)
            to = frame[38:42] if kind == _ARP else frame[30:34] if kind == _IPV4 else None
            if to == NAME_SERVER:
                answer = _arp(frame) if kind == _ARP else self._name_server(frame)
                if answer:
                    self._board.send(answer)
            elif to in (HOST, _BROADCAST):
                self._network.send(frame)
        except (IndexError, struct.error, UnicodeDecodeError):
            # Not what a sane stack sends; as on any segment, nobody answers.
            pass

    def _name_server(self, frame):
        header = 14 + 4 * (frame[14] & 15)
        source, target, length = struct.unpack_from("!HHH", frame, header)
        if frame[23] != _UDP or target != 53:
            return None
        answer = self._resolve(frame[header + 8 : header + length])
        # A UDP checksum of 0 is none.
        datagram = struct.pack("!HHHH", 53, source, 8 + len(answer), 0) + answer
        packet = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, _UDP, 0) + frame[30:34] + frame[26:30]
        packet = packet[:10] + struct.pack("!H", _checksum(packet)) + packet[12:]
        return frame[6:12] + _MAC + frame[12:14] + packet + datagram

    def _resolve(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii"))
            at += 1 + query[at]
        question, name = query[12 : at + 5], ".".join(labels).lower()
        (kind,) = struct.unpack_from("!H", query, at + 1)
        self.asked.append(name)
        address, record = self.names.get(name), b""
        if address and kind == 1:
            # The name is that of the question; class IN, for a minute.
            record = struct.pack("!HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(address)
        flags = 0x8180 if address else 0x8180 | _NAME_ERROR
        return query[:2] + struct.pack("!HHHHH", flags, 1, 1 if record else 0, 0, 0) + question + record


class _Port:
    """A pair of UDP sockets, of which the other end is QEMU's."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            self._peer = free.getsockname()

    def netdev(self, name):
        address = "{}:{}".format
        return f"socket,id={name},udp={address(*self.socket.getsockname())},localaddr={address(*self._peer)}"

    def send(self, frame):
        try:
            self.socket.sendto(frame, self._peer)
        except OSError:
            # QEMU is gone, or not there yet: the frame is lost, as frames are.
            pass


def _arp(frame):
    (operation,) = struct.unpack_from("!H", frame, 20)
    if operation != 1:
        return None
    return frame[6:12] + _MAC + frame[12:20] + struct.pack("!H", 2) + _MAC + frame[38:42] + frame[22:32]


def _checksum(packet):
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
