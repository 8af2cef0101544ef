"""The load generator: many sockets in one thread, on epoll. It counts every message that they are sent."""

import base64
import os
import re
import select
import socket
import time
from collections.abc import Callable
from typing import NamedTuple

from hdrh.histogram import HdrHistogram

#: Stands once in each message, before its number in its room: counting it counts messages.
MARK = b"@@@@"
NUMBER = re.compile(rb"@@@@(\d{9})")
#: Bytes of a mark with its number.
MARK_LENGTH = 13
#: What ends the answer to a handshake.
ACCEPTED = b"\r\n\r\n"
#: Handshakes under way at once when a crowd gathers.
ABREAST = 64
#: Sockets of a room, spread over it, whose messages are looked at one by one. The sender is one of them.
SAMPLES = 8

#: What a socket says once it is accepted, and what it waits for then, before it counts as in.
Step = tuple[bytes, bytes]


def handshake(host: str, path: str, headers: tuple[str, ...] = ()) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    lines = ["GET %s HTTP/1.1" % path, "Host: " + host, "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Key: " + key, "Sec-WebSocket-Version: 13", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def masked(payload: bytes, opcode: int = 1) -> bytes:
    """A client's frame, masked with zeros."""
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


class Place(NamedTuple):
    """Where a socket goes: what a deployment says of a room."""

    path: str
    #: From the first to the last: what it says, and what it waits for. Without any, it is in when it is accepted.
    steps: tuple[Step, ...] = ()
    headers: tuple[str, ...] = ()


class Client:
    """One socket of a crowd."""

    __slots__ = ("count", "file", "last", "room", "sampled", "steps", "tail")

    def __init__(self, file: socket.socket, room: "Room", steps: tuple[Step, ...]):
        self.file = file
        self.room = room
        #: Steps that are to come; None: it is in.
        self.steps: list[Step] | None = [(b"", ACCEPTED), *steps]
        self.tail = b""
        #: Messages that came.
        self.count = 0
        self.sampled = False
        #: The number of the newest message that came, if it is sampled.
        self.last = 0


class Room:
    """What is said in a room, and how what is heard of it agrees with that."""

    def __init__(self, place: Place):
        self.place = place
        self.clients: list[Client] = []
        #: When each message was due, by its number; those before `first` are not looked at.
        self.due: list[float] = [0.0]
        self.first = 1

    @property
    def said(self) -> int:
        return len(self.due) - 1

    def next(self, due: float | None = None) -> bytes:
        """The mark and number of the next message, which is due at that time on the performance counter, or now."""
        self.due.append(time.perf_counter() if due is None else due)
        return b"%s%09d" % (MARK, self.said)


class Crowd:
    """Sockets in rooms of one server."""

    def __init__(self, port: int):
        self.port = port
        self.poll = select.epoll()
        self.clients: dict[int, Client] = {}
        self.rooms: list[Room] = []
        self.delays = HdrHistogram(1, 60_000_000, 3)
        self.doubled = self.inverted = 0
        self.cpu = 0.0

    def gather(self, place: Place, count: int, patience: float = 120) -> Room:
        """Open a room with so many sockets, ABREAST at a time. Returns it when all are in. Raises TimeoutError."""
        room = Room(place)
        self.rooms.append(room)
        self.fill([(room, count)], patience)
        return room

    def fill(self, wanted: list[tuple[Room, int]], patience: float = 120) -> None:
        """As `gather`, for several rooms at once."""
        to_open = [room for room, count in wanted for _ in range(count)][::-1]
        opening, deadline = 0, time.monotonic() + patience
        while to_open or opening:
            while to_open and opening < ABREAST:
                self.open(to_open.pop())
                opening += 1
            if time.monotonic() > deadline:
                raise TimeoutError("%d sockets did not get in within %.0f s" % (opening + len(to_open), patience))
            for number, _ in self.poll.poll(1):
                client = self.clients[number]
                data = client.file.recv(262144)
                if client.steps is not None:
                    opening -= self.step(client, data)
                else:
                    self.hear(client, data)
        for room, _ in wanted:
            stride = max(1, len(room.clients) // SAMPLES)
            for client in room.clients[::stride]:
                client.sampled = True

    def open(self, room: Room) -> None:
        file = socket.create_connection(("127.0.0.1", self.port))
        file.sendall(handshake("127.0.0.1:%d" % self.port, room.place.path, room.place.headers))
        file.setblocking(False)
        client = Client(file, room, room.place.steps)
        room.clients.append(client)
        self.clients[file.fileno()] = client
        self.poll.register(file, select.EPOLLIN)

    def step(self, client: Client, data: bytes) -> bool:
        """Go on with getting in; whether the socket is in now."""
        if not data:
            raise ConnectionError("the server hung up on a socket that was getting in: %r" % client.tail[-200:])
        client.tail += data
        while client.steps:
            awaited = client.steps[0][1]
            if awaited not in client.tail:
                return False
            if awaited == ACCEPTED and not client.tail.startswith(b"HTTP/1.1 101"):
                raise ConnectionError("a handshake was refused: %r" % client.tail[:200])
            client.tail = client.tail.split(awaited, 1)[1]
            client.steps.pop(0)
            if client.steps:
                client.file.sendall(client.steps[0][0])
        client.steps, rest, client.tail = None, client.tail, b""
        self.hear(client, rest)
        return True

    def listen(self, seconds: float, heard: Callable[[Client, int], None] | None = None) -> int:
        """Read for so long; `heard(client, count)` is told of a socket's messages. Returns how many there were."""
        total, cpu, end = 0, time.process_time(), time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            total += self.listen_once(left, heard)
        self.cpu += time.process_time() - cpu
        return total

    def listen_once(self, patience: float, heard: Callable[[Client, int], None] | None = None) -> int:
        """The same, until something has come."""
        total = 0
        for number, _ in self.poll.poll(max(0.0, patience)):
            client = self.clients[number]
            data = client.file.recv(262144)
            if not data:
                raise ConnectionError("the server hung up on a socket")
            found = self.hear(client, data)
            if found:
                total += found
                if heard is not None:
                    heard(client, found)
        return total

    def hear(self, client: Client, data: bytes) -> int:
        """Count the messages in what came; of a sampled socket look at each. A mark may lie across two reads."""
        data = client.tail + data
        found = data.count(MARK)
        if client.sampled and found:
            found = self.look(client, data)
        # What could be the beginning of a mark, or a mark without its whole number, is kept for the next read.
        start = data.rfind(MARK)
        if client.sampled and start >= 0 and len(data) - start < MARK_LENGTH:
            client.tail = data[start:]
        else:
            client.tail = data[-3:] if data[-1:] == b"@" and data[-4:] != MARK else b""
        client.count += found
        return found

    def look(self, client: Client, data: bytes) -> int:
        """Note how late each message is, and whether it came twice or behind its successor."""
        now, room = time.perf_counter(), client.room
        numbers = [int(number) for number in NUMBER.findall(data)]
        for number in numbers:
            if number > client.last:
                client.last = number
            elif number == client.last:
                self.doubled += 1
            else:
                self.inverted += 1
            if room.first <= number <= room.said:
                self.delays.record_value(max(1, int((now - room.due[number]) * 1e6)))
        return len(numbers)

    def start_over(self) -> None:
        """Forget what was measured; what is said from now on counts."""
        self.delays.reset()
        self.cpu = 0.0
        for room in self.rooms:
            room.first = room.said + 1

    def missing(self) -> int:
        """Messages that were said and have not come to everyone."""
        return sum(max(0, room.said - client.count) for room in self.rooms for client in room.clients)

    def close(self) -> None:
        for client in self.clients.values():
            client.file.close()
        self.poll.close()
