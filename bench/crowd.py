"""The load generator: many sockets in one thread, on epoll. It counts what they are sent, and looks at nothing else."""

import base64
import os
import select
import socket
import time
from collections.abc import Callable

#: Stands once in each message of a run, so that counting it counts frames.
MARK = b"@@@@"
#: Handshakes under way at once when a crowd gathers.
ABREAST = 64


def handshake(host: str, path: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    lines = ["GET %s HTTP/1.1" % path, "Host: " + host, "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Key: " + key, "Sec-WebSocket-Version: 13"]
    return "\r\n".join([*lines, "", ""]).encode()


def masked(payload: bytes) -> bytes:
    """A client's text frame, masked with zeros."""
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + payload


class Crowd:
    """Sockets at one place. `counts` has the marked frames of each."""

    def __init__(self, port: int, path: str):
        self.port = port
        self.path = path
        self.poll = select.epoll()
        self.sockets: dict[int, socket.socket] = {}
        self.counts: dict[int, int] = {}
        self.tails: dict[int, bytes] = {}
        self.cpu = 0.0

    def gather(self, count: int, path: str | None = None) -> float:
        """Open so many sockets, at the usual path or another; returns how many were accepted a second."""
        self.path = path or self.path
        began, opening = time.perf_counter(), 0
        wanted = len(self.sockets) + count
        accepted = len(self.sockets)
        while accepted < wanted:
            while opening < ABREAST and len(self.sockets) < wanted:
                self.open()
                opening += 1
            for number, _ in self.poll.poll(10):
                data = self.sockets[number].recv(65536)
                if number in self.counts:
                    continue
                assert data.startswith(b"HTTP/1.1 101"), data or "the server hung up"
                self.counts[number] = 0
                opening -= 1
                accepted += 1
        return count / (time.perf_counter() - began)

    def open(self) -> None:
        made = socket.create_connection(("127.0.0.1", self.port))
        made.sendall(handshake("127.0.0.1:%d" % self.port, self.path))
        made.setblocking(False)
        self.sockets[made.fileno()] = made
        self.tails[made.fileno()] = b""
        self.poll.register(made, select.EPOLLIN)

    def first(self) -> tuple[int, socket.socket]:
        return next(iter(self.sockets.items()))

    def listen(self, seconds: float, heard: Callable[[int, int], None]) -> int:
        """Read for so long; `heard(number, count)` is told of a socket's marked frames. Returns how many there were."""
        total, cpu, end = 0, time.process_time(), time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            total += self.listen_once(left, heard)
        self.cpu = time.process_time() - cpu
        return total

    def listen_once(self, patience: float, heard: Callable[[int, int], None]) -> int:
        """The same, until something has come."""
        total = 0
        for number, _ in self.poll.poll(patience):
            data = self.tails[number] + self.sockets[number].recv(262144)
            found = data.count(MARK)
            # A mark may lie across two reads; a whole one is not counted twice.
            self.tails[number] = data[-3:] if not data.endswith(MARK) else b""
            if found:
                total += found
                self.counts[number] += found
                heard(number, found)
        return total

    def close(self) -> None:
        for each in self.sockets.values():
            each.close()
