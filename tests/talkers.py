"""Clients that talk and listen whatever happens, as docs/protocol.md asks them to, and what must be true in the end."""

import asyncio
import contextlib
import itertools
import json
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from chatapp.canary.witness import Witness
from chatapp.models import ChatMessage, Room
from tests.waiting import FACTOR, wait_until

#: Seconds that a talker waits for an acknowledgement before it says the same again, as the page does.
PATIENCE = 3
#: The same, unless a test has others, after which a client takes a silent connection for dead; a handshake takes less.
SILENCE = 15
#: Seconds between two requests for the same hole.
ASK_AGAIN = 2
#: Seconds of the first and the longest pause of a client that was not told when to come back.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30
#: The code of a connection that ended without a close frame, and of one that did not come about.
BROKEN, NEVER = 1006, 0


class Talker:
    """
    One client. It has an outbox, comes back when it is cut off, resumes where it was, and asks for what it missed.

    ends: the close code of each of its connections that is over, and when that was. turned_away: with which statuses
    its handshakes were refused.
    """

    def __init__(self, company: "Company", room: str, name: str, talks: bool, pace: float):
        self.company, self.room, self.name, self.talks, self.pace = company, room, name, talks, pace
        self.witness = Witness(0)
        self.acknowledged: dict[str, int] = {}
        #: What is not acknowledged: when it was first said.
        self.outbox: dict[str, float] = {}
        self.numbers = itertools.count(1)
        self.ends: list[tuple[int, float]] = []
        self.turned_away: Counter[int] = Counter()
        self.refusals: list[str] = []
        self.contradictions: list[str] = []
        self.guest = ""
        #: How often it has tried in vain to get in.
        self.attempts = 0
        self.told: float | None = None
        #: Where it is connected to, or wants to be.
        self.port = 0
        self.welcomed_at = self.said_at = self.asked_at = 0.0
        #: The longest that it waited for an acknowledgement, and that a message was under way to it; see `start_over`.
        self.slowest_ack = self.slowest = 0.0
        self.socket: ClientConnection | None = None

    @property
    def is_in(self) -> bool:
        return self.socket is not None

    def __repr__(self) -> str:
        return "<%s: %s, %s, outbox %s>" % (self.name, self.ends[-3:], dict(self.witness.tally), list(self.outbox))

    # Connections

    async def live(self) -> None:
        while True:
            code = NEVER
            try:
                async with self.company.connect(self) as socket:
                    code = BROKEN
                    await self.converse(socket)
            except ConnectionClosed as e:
                code = e.rcvd.code if e.rcvd else BROKEN
            except InvalidStatus as e:
                self.turned_away[e.response.status_code] += 1
            except (OSError, InvalidHandshake, TimeoutError):
                pass  # Nobody is there, or says nothing any more.
            self.socket = None
            if code != NEVER:
                self.ends.append((code, time.monotonic()))
            told, self.told = self.told, None
            # As the page waits: twice as long each time at most, and any time up to that.
            pause = random.random() * min(LONGEST_PAUSE, FIRST_PAUSE * 2**self.attempts)
            self.attempts += 1
            await asyncio.sleep(pause if told is None else told)

    async def converse(self, socket: ClientConnection) -> None:
        speaking = asyncio.ensure_future(self.speak(socket)) if self.talks else None
        try:
            while True:
                async with asyncio.timeout(self.company.silence * FACTOR):
                    frame = json.loads(await socket.recv())
                await self.take(frame, socket)
        except TimeoutError:
            socket.transport.abort()  # Nobody would answer the close.
            raise
        finally:
            if speaking:
                speaking.cancel()

    async def speak(self, socket: ClientConnection) -> None:
        """One message after the other; what is not acknowledged in time is said again, and at once on a new socket."""
        again = True
        while True:
            if self.is_in:
                if not self.outbox and self.company.talking:
                    client_id = "%s-%d" % (self.name, next(self.numbers))
                    self.outbox[client_id] = self.company.said[client_id] = time.monotonic()
                    again = True
                if again or time.monotonic() - self.said_at > PATIENCE:
                    again = False
                    self.said_at = time.monotonic()
                    with contextlib.suppress(ConnectionClosed):  # Whoever reads notices, too.
                        for client_id in list(self.outbox):
                            await socket.send(json.dumps({"message": "hi", "client_id": client_id}))
            await asyncio.sleep(self.pace)

    # Frames

    async def take(self, frame: dict[str, Any], socket: ClientConnection) -> None:
        handle = getattr(self, "take_" + frame["type"], None)
        if handle is not None:
            handle(frame)
        if frame["type"] == "welcome":
            self.socket, self.welcomed_at, self.attempts = socket, time.monotonic(), 0
        if self.witness.missing and self.is_in and time.monotonic() - self.asked_at > ASK_AGAIN:
            self.asked_at = time.monotonic()
            await socket.send(json.dumps({"type": "history", "since": self.witness.upto, "limit": 200}))

    def take_welcome(self, frame: dict[str, Any]) -> None:
        self.guest = frame.get("guest", self.guest)

    def take_message(self, frame: dict[str, Any]) -> None:
        if self.witness.hear(frame["seq"], (frame["sender"], frame["client_id"])):
            self.note(frame["client_id"])

    def take_history(self, frame: dict[str, Any]) -> None:
        for row in frame["messages"]:
            if row["seq"] > self.witness.upto and row["seq"] not in self.witness.ahead:
                self.note(row["client_id"])
        rows = [(row["seq"], (row["sender"], row["client_id"])) for row in frame["messages"]]
        self.witness.read(frame["since"], rows, frame["complete"])
        self.asked_at = 0.0

    def take_head(self, frame: dict[str, Any]) -> None:
        self.witness.learn(frame["seq"])

    def take_ack(self, frame: dict[str, Any]) -> None:
        client_id, seq = frame["client_id"], frame["seq"]
        if self.acknowledged.setdefault(client_id, seq) != seq:
            self.contradictions.append(client_id)
        self.witness.learn(seq)
        if client_id in self.outbox:
            self.slowest_ack = max(self.slowest_ack, time.monotonic() - self.outbox.pop(client_id))

    def take_error(self, frame: dict[str, Any]) -> None:
        self.refusals.append(frame["code"])

    def take_reconnect(self, frame: dict[str, Any]) -> None:
        self.told = frame["after"]
        self.company.told += 1

    def note(self, client_id: str) -> None:
        """A message has come that is new to it: how long was it under way?"""
        now = time.monotonic()
        self.slowest = max(self.slowest, now - self.company.said.get(client_id, now))


class Company:
    """
    The clients of a test, in a thread of their own. Use it in a `with`: at its end they leave.

    address: gives host and port for the next connection. enter: what their thread does first.
    """

    def __init__(self, address: Callable[[], tuple[str, int]], enter: Callable[[], None] = lambda: None):
        self.address, self.enter = address, enter
        self.talkers: list[Talker] = []
        self.said: dict[str, float] = {}
        self.talking = True
        #: Seconds without any frame after which one of them takes a connection for dead.
        self.silence: float = SILENCE
        #: How often someone was told when to come back.
        self.told = 0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run, name="company", daemon=True)
        self.thread.start()

    def run(self) -> None:
        self.enter()
        self.loop.run_forever()

    def __enter__(self) -> "Company":
        return self

    def __exit__(self, *exc_info: Any) -> None:
        asyncio.run_coroutine_threadsafe(self.leave(), self.loop).result(30 * FACTOR)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def leave(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for talker in self.talkers:
            if talker.socket is not None:
                talker.socket.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def connect(self, talker: Talker) -> Any:
        host, talker.port = self.address()
        url = "ws://%s:%d/chat/%s/?since=%d&guest=%s" % (
            host,
            talker.port,
            talker.room,
            talker.witness.upto,
            talker.guest,
        )
        options = {"open_timeout": SILENCE * FACTOR, "ping_interval": None, "max_size": None, "compression": None}
        async with connect(url, close_timeout=1, proxy=None, **options) as socket:
            yield socket

    # For the test

    def invite(self, rooms: Iterable[str], talkers: int = 2, listeners: int = 1, pace: float = 0.05) -> "Company":
        """So many who talk, and who only listen, in each room; they begin at once."""
        for room in rooms:
            for n in range(talkers + listeners):
                name = "%s-%s%d" % (secrets.token_hex(3), room, n)
                talker = Talker(self, room, name, n < talkers, pace)
                self.talkers.append(talker)
                asyncio.run_coroutine_threadsafe(talker.live(), self.loop)
        return self

    def wait_until_talking(self, messages: int = 3, seconds: float = 60) -> None:
        """Until each talker has had so many more acknowledged, and whoever is in has heard all of it."""
        who = [talker for talker in self.talkers if talker.talks]
        before = {talker: len(talker.acknowledged) for talker in who}
        wait_until(
            lambda: all(len(talker.acknowledged) >= before[talker] + messages for talker in who),
            "all talk: %s" % who,
            seconds,
        )
        newest = self.newest()
        wait_until(
            lambda: all(talker.is_in and talker.witness.upto >= newest.get(talker.room, 0) for talker in self.talkers),
            "all hear: %s" % self.talkers,
            seconds,
        )

    def wait_until_whole(self, since: float, seconds: float = 60) -> float:
        """Wait until everybody talks and hears as before; how many seconds after `since` that was."""
        self.wait_until_talking(2, seconds)
        return time.monotonic() - since

    def at(self, port: int) -> list[Talker]:
        """Those who are connected to this port."""
        return [talker for talker in self.talkers if talker.is_in and talker.port == port]

    def newest(self) -> dict[str, int]:
        """The newest number of each room that was acknowledged to anyone."""
        found: dict[str, int] = {}
        for talker in self.talkers:
            found[talker.room] = max(found.get(talker.room, 0), *talker.acknowledged.copy().values(), 0)
        return found

    def start_over(self) -> None:
        """What is slow counts from now on."""
        for talker in self.talkers:
            talker.slowest_ack = talker.slowest = 0.0

    def fall_silent(self, seconds: float = 60) -> None:
        """Have them say no more, until all is acknowledged and everybody has heard all that is stored."""
        self.talking = False
        wait_until(lambda: not any(talker.outbox for talker in self.talkers), "all is acknowledged", seconds)
        heads = dict(Room.objects.values_list("slug", "head"))
        wait_until(
            lambda: all(talker.is_in and talker.witness.upto >= heads[talker.room] for talker in self.talkers),
            "all is heard by %s" % self.talkers,
            seconds,
        )

    def ends(self) -> list[int]:
        """The close codes of all connections that are over."""
        return [code for talker in self.talkers for code, _ in talker.ends]

    def check(self, *others: "Company") -> None:
        """Everything that they and those others said was stored once and heard once, in order; nobody was told off."""
        everybody = [talker for company in (self, *others) for talker in company.talkers]
        check_what_is_stored(everybody)
        heads = dict(Room.objects.values_list("slug", "head"))
        for talker in everybody:
            assert talker.witness.in_order, talker
            assert talker.witness.upto == talker.witness.tally["heard"] == heads[talker.room], talker
            assert not talker.contradictions, talker.contradictions
            assert not talker.refusals, talker.refusals

    def turned_away(self) -> Counter[int]:
        """The statuses with which handshakes were refused."""
        return sum((talker.turned_away for talker in self.talkers), Counter())

    def figures(self) -> str:
        """What it was, in one line."""
        tally = sum((talker.witness.tally for talker in self.talkers), start=Witness(0).tally.copy())
        numbers = {
            "clients": len(self.talkers),
            "said": sum(len(talker.acknowledged) for talker in self.talkers),
            **{name: tally[name] for name in ("heard", "mended", "repeated", "lost", "doubled", "inverted")},
            "sockets ended": len(self.ends()),
        }
        words = ["%d %s" % (number, name) for name, number in numbers.items()]
        words.append("slowest ack %.2f s" % max(talker.slowest_ack for talker in self.talkers))
        words.append("slowest delivery %.2f s" % max(talker.slowest for talker in self.talkers))
        return ", ".join(words)


def check_what_is_stored(talkers: Iterable[Talker]) -> None:
    """What was acknowledged is stored, once, under the number that was acknowledged; and no room has a hole."""
    talkers = list(talkers)
    rows = {(row.room.slug, row.client_id): row.seq for row in ChatMessage.objects.select_related("room")}
    acknowledged = {(t.room, client_id): seq for t in talkers for client_id, seq in t.acknowledged.items()}
    assert {key: rows.get(key) for key in acknowledged} == acknowledged
    assert len(rows) == ChatMessage.objects.count()
    for room in Room.objects.filter(slug__in={talker.room for talker in talkers}):
        assert sorted(room.messages.values_list("seq", flat=True)) == list(range(1, room.head + 1))
