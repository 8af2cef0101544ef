"""What the interface server promises, with the Procfile's processes under load."""

import json
import os
import select
import signal
import socket as sockets
import statistics
import threading
import time
import uuid
from collections import Counter

import psutil
import pytest

from chatapp.models import ChatMessage, Presence
from relay.layers.redis import RedisChannelLayer
from tests.interface import handshake, masked, read_until
from tests.waiting import FACTOR, wait_until

#: Sockets when the server is told to end, of which some talk, and rooms that they are in. TESTS_CROWD=1000 takes its
#: time: two workers let in some fifty a second on a slow machine.
CROWD, TALKERS, ROOMS = int(os.environ.get("TESTS_CROWD", "250")), 20, 10

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.timeout((200 + CROWD) * FACTOR),
]


class Person:
    """
    A client as docs/protocol.md asks for: it comes back when it is told to, resumes, and says again what was not
    acknowledged.
    """

    def __init__(self, port, number):
        self.port, self.number = port, number
        self.room = "room-%d" % (number % ROOMS)
        self.talks = number < TALKERS
        self.waiting, self.said, self.heard, self.missed = set(), 0, [], 0
        self.told = self.code = None
        self.guest = ""
        self.welcomed = False
        self.socket = None
        self.back_at = 0.0

    def connect(self):
        path = "/chat/%s/?guest=%s&since=%d" % (self.room, self.guest, self.heard[-1] if self.heard else 0)
        try:
            self.socket = sockets.create_connection(("127.0.0.1", self.port))
        except OSError:
            self.back_at = time.monotonic() + 0.2
            return
        self.socket.sendall(handshake(path=path.encode(), host=b"127.0.0.1"))
        self.socket.setblocking(False)
        self.buffer = b""
        self.upgraded = False

    def lose(self, code):
        self.code = self.code or code
        self.socket.close()
        self.socket, self.welcomed = None, False
        self.back_at = time.monotonic() + (self.told or 0.2)

    def read(self):
        try:
            data = self.socket.recv(262144)
        except OSError:
            data = b""
        self.buffer += data
        if not self.upgraded:
            head, found, self.buffer = self.buffer.partition(b"\r\n\r\n")
            self.upgraded = bool(found) and head.startswith(b"HTTP/1.1 101")
            if not found:
                self.buffer = head
        if self.upgraded:
            for opcode, payload in self.frames():
                if opcode == 8:
                    self.socket.sendall(masked(payload[:2], opcode=8))
                    return self.lose(int.from_bytes(payload[:2], "big"))
                if opcode == 1:
                    self.take(json.loads(payload))
        return None if data else self.lose(1006)

    def frames(self):
        while len(self.buffer) >= 2:
            size, start = self.buffer[1], 2
            if size > 125:
                start = 4 if size == 126 else 10
                size = int.from_bytes(self.buffer[2:start], "big")
            if len(self.buffer) < start + size:
                return
            frame, self.buffer = self.buffer[: start + size], self.buffer[start + size :]
            yield frame[0] & 15, frame[start:]

    def take(self, frame):
        kind = frame["type"]
        for message in frame["messages"] if kind == "history" else [frame] * (kind == "message"):
            if message["seq"] == len(self.heard) + 1:
                self.heard.append(message["seq"])
        # A number beyond what was heard, of a message or as the room's newest.
        if frame.get("seq", 0) > len(self.heard) and kind in ("message", "head"):
            self.ask()
        if kind == "welcome":
            self.welcomed, self.guest = True, frame.get("guest", self.guest)
            for client_id in self.waiting:
                self.say(client_id)
        elif kind == "ack":
            self.waiting.discard(frame["client_id"])
        elif kind == "reconnect":
            self.told = frame["after"]

    def ask(self):
        """It lacks something. By the rules for clients it asks."""
        self.missed += 1
        self.send({"type": "history", "since": len(self.heard)})

    def say(self, client_id):
        self.send({"message": "hi", "client_id": client_id})

    def send(self, frame):
        self.socket.sendall(masked(json.dumps(frame).encode()))

    def live(self, now):
        """What is to be done when nothing has come."""
        if self.socket is None and now >= self.back_at:
            self.connect()
        elif self.talks and self.welcomed and not self.waiting:
            self.said += 1
            self.waiting.add("%d-%d" % (self.number, self.said))
            self.say("%d-%d" % (self.number, self.said))


def live_until(people, condition, what, seconds=60):
    """Have them all live until this is true."""
    deadline = time.monotonic() + seconds * FACTOR
    while not condition():
        assert time.monotonic() < deadline, what
        for person in people:
            person.live(time.monotonic())
        for person in readable([person for person in people if person.socket]):
            person.read()


def readable(people):
    """Those to whom something has come, or comes within a moment."""
    poll = select.poll()
    by_number = {person.socket.fileno(): person for person in people}
    for number in by_number:
        poll.register(number, select.POLLIN)
    return [by_number[number] for number, _ in poll.poll(100)]


def test_a_server_that_is_told_to_end_sends_all_sockets_away_in_good_order(deployment):
    """D13: with Daphne each sees a broken connection, all at once, and comes back at once."""
    chat = deployment(RELAY_FRAME_RATE=0).start_all()
    people = [Person(chat.port, number) for number in range(CROWD)]

    def said():
        return sum(person.said for person in people)

    live_until(people, lambda: all(person.welcomed for person in people), "all are in", 60 + CROWD / 5)
    live_until(people, lambda: said() > 5 * TALKERS, "they talk")
    for person in people:
        person.code = None  # Who came in late has tried more than once.
    chat.web.send_signal(signal.SIGTERM)
    live_until(people, lambda: chat.web.poll() is not None, "the server ends", 30)
    assert chat.web.returncode == 0, chat.logs()
    assert all(person.told is not None for person in people), "each was told"
    assert {person.code for person in people} == {1012}
    assert len({person.told for person in people}) == CROWD, "each has its own time"
    chat.replace_web()
    live_until(people, lambda: all(person.welcomed for person in people), "all are back", 60 + CROWD / 5)
    before = said()
    live_until(people, lambda: said() > before + 3 * TALKERS, "they talk on")
    for person in people:
        person.talks = False
    live_until(people, lambda: not any(person.waiting for person in people), "all is acknowledged")
    rows = list(ChatMessage.objects.values_list("room__slug", "sender", "client_id"))
    count = Counter(slug for slug, _, _ in rows)
    live_until(people, lambda: all(len(p.heard) == count[p.room] for p in people), "everybody has heard all")
    print("%d times somebody had to ask for what was missing" % sum(person.missed for person in people))
    for person in people:
        assert person.heard == list(range(1, count[person.room] + 1)), "nothing missing, nothing twice, in order"
    assert len(rows) == len(set(rows)) == said()
    # The old server's sockets are gone: their disconnects arrived.
    wait_until(lambda: Presence.objects.count() == CROWD, "one presence for each", 30)


def test_while_redis_stands_still_pings_are_answered_and_afterwards_all_arrives_in_order(deployment, own_redis):
    """D15: Daphne stands still with it."""
    chat = deployment(REDIS_URL=own_redis.url).start_all(workers=1)
    with chat.socket() as talker, chat.socket() as listener:
        talker.next("welcome")
        listener.next("welcome")
        own_redis.freeze()
        for n in range(50):
            talker.send({"message": "hi", "client_id": str(n)})
        pinged = []
        for _ in range(10):
            began = time.monotonic()
            assert listener.connection.ping().wait(5 * FACTOR)
            pinged.append(time.monotonic() - began)
            time.sleep(1)  # So long it stands still: this is the trouble, not a wait for something.
        own_redis.thaw()
        for n in range(50):
            talker.next("ack", where=lambda frame, n=n: frame["client_id"] == str(n))
        heard = [listener.next("message") for _ in range(50)]
    chat.stop()  # While its Redis is there.
    # Each in its time; that this machine stands still now and then is no server's doing.
    assert statistics.median(pinged) < 0.5 * FACTOR
    assert [(frame["seq"], frame["client_id"]) for frame in heard] == [(n + 1, str(n)) for n in range(50)]


class Audience(threading.Thread):
    """Sockets that only listen; each must go on hearing something."""

    def __init__(self, connections):
        super().__init__(daemon=True)
        self.connections = connections
        self.stopped = threading.Event()
        self.closed = 0
        self.start()

    def run(self):
        poll = select.poll()
        for connection in self.connections:
            poll.register(connection, select.POLLIN)
        by_number = {connection.fileno(): connection for connection in self.connections}
        while not self.stopped.is_set():
            for number, _ in poll.poll(100):
                if self.has_ended(by_number[number]):
                    self.closed += 1
                    poll.unregister(number)

    @staticmethod
    def has_ended(connection):
        try:
            return not connection.recv(262144)
        except OSError:
            return True


def trips(people, count):
    """Seconds from one's saying something to the moment that all of these have heard it, the shortest first."""
    found = []
    for n in range(count):
        client_id = uuid.uuid4().hex
        began = time.monotonic()
        people[n % len(people)].send({"message": "hi", "client_id": client_id})
        for person in people:
            person.next("message", where=lambda frame, mine=client_id: frame["client_id"] == mine)
        found.append(time.monotonic() - began)
    return sorted(found)


def test_a_flooder_and_one_who_does_not_read_harm_nobody_and_are_told_why(deployment):
    """A11, D3, J5: in a room of fifty. How much they move the others' times is printed, not judged."""
    chat = deployment(CHAT_RATE_LIMIT=10).start_all(workers=1)
    deaf = raw_socket(chat)
    people = [chat.socket("/chat/busy/") for _ in range(8)]
    audience = Audience([raw_socket(chat) for _ in range(40)])
    before = trips(people, 80)
    web = psutil.Process(chat.web.pid)
    memory = web.memory_info().rss
    flooder = raw_socket(chat)
    frame = masked(json.dumps({"message": "flood " * 20}).encode())
    flooding = threading.Thread(target=flooder.sendall, args=(frame * 10_000,), daemon=True)
    flooding.start()
    during = trips(people, 80)
    for name, place in (("median", 40), ("p95", 76), ("worst", 79)):
        print("%s: %.1f ms before, %.1f during the flood" % (name, before[place] * 1000, during[place] * 1000))
    assert web.memory_info().rss < memory + 30_000_000
    assert b"rate_limited" in read_until(flooder, b"rate_limited")
    flooder.close()
    trips(people, len(people))  # Nobody was closed: each can still be heard by all.
    for person in people:
        person.connection.close()
    # The deaf one has heard nothing yet, and is closed when too much waits for it.
    layer = RedisChannelLayer(hosts=[chat.environment["REDIS_URL"]], prefix=chat.environment["CHANNEL_PREFIX"])

    def say_much():
        layer.send_group("chat-busy", {"text": "x" * 100_000})
        time.sleep(0.1)  # Its pace: the audience, which is read here, must keep up.
        return "reads too slowly" in chat.logs()

    wait_until(say_much, "it is closed", 60)
    assert (1013).to_bytes(2, "big") + b"You read too slowly" in read_until(deaf, b"too slowly")
    assert chat.logs().count("reads too slowly") == 1
    audience.stopped.set()
    audience.join()
    assert audience.closed == 0
    for connection in (deaf, *audience.connections):
        connection.close()


def raw_socket(chat):
    """A socket in the busy room, whose bytes are read by who wants to."""
    connection = sockets.create_connection(("127.0.0.1", chat.port), timeout=20 * FACTOR)
    # Small, so that it fills up soon, but several times a segment on the loopback interface (64 KiB): with less, the
    # kernel drops segments and retransmits them after longer and longer delays.
    connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 1 << 20)
    connection.sendall(handshake(path=b"/chat/busy/", host=b"127.0.0.1"))
    read_until(connection, b"welcome")
    return connection
