"""Those who chat in a soak: many sockets in one thread, each of which does what the page does, and is a witness."""

import asyncio
import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

from hdrh.histogram import HdrHistogram
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from chatapp.canary.conversation import Conversation, Frame

#: Seconds that a client waits for a frame before it looks what is due.
LOOK = 0.5
#: Seconds that a server may take to let in, and between two tries.
OPENING, REST = 30.0, 0.5
#: Of its connections: they end where they begin, on this machine, whatever proxy the environment names.
OPTIONS: dict[str, Any] = {"open_timeout": OPENING, "close_timeout": 2, "max_size": None, "proxy": None}
#: Seconds that a client waits at most because a server said so.
LONGEST_REST = 5.0


class Person:
    """One client of one room, who comes back to whichever server is there."""

    def __init__(self, people: "People", room: str, token: Callable[[], str] | None = None):
        self.people, self.room, self.token = people, room, token
        self.conversation = Conversation()
        self.socket: Any = None
        self.said = self.cut_off = 0
        #: client_id → number, of all that was acknowledged.
        self.acknowledged: dict[str, int] = {}
        self.refused: Counter[str] = Counter()

    async def live(self) -> None:
        while not self.people.leaving:
            try:
                async with connect(self.address(), **OPTIONS) as self.socket:
                    self.conversation.opened()
                    await self.listen()
            except (OSError, WebSocketException, TimeoutError, EOFError):
                self.cut_off += 1
            self.socket, self.conversation.is_in = None, False
            wanted = self.conversation.come_back_after
            await asyncio.sleep(REST * random.uniform(0.5, 1.5) if wanted is None else min(wanted, LONGEST_REST))

    def address(self) -> str:
        given = [self.conversation.query(), "canary=" + self.token() if self.token else ""]
        where = random.choice(self.people.ports), self.room, "&".join(filter(None, given))
        return "ws://127.0.0.1:%d/chat/%s/?%s" % where

    async def listen(self) -> None:
        while not self.people.leaving:
            try:
                async with asyncio.timeout(LOOK):
                    frame = json.loads(await self.socket.recv())
            except TimeoutError:
                frame = None
            answers = [] if frame is None else self.hear(frame)
            await self.send([*answers, *self.conversation.due(time.monotonic())])

    def hear(self, frame: Frame) -> list[Frame]:
        answers, fresh = self.conversation.hear(frame, time.monotonic())
        for message in fresh:
            self.people.delays.record_value(max(1, int((time.time() - float(message["message"])) * 1e6)))
        if frame["type"] == "error":
            self.refused[frame["code"]] += 1
        if self.conversation.acknowledged:
            self.acknowledged.update(self.conversation.acknowledged)
            self.conversation.acknowledged.clear()
        return answers

    async def send(self, frames: list[Frame]) -> None:
        for frame in frames:
            await self.socket.send(json.dumps(frame))

    async def say(self) -> None:
        frames = self.conversation.say("%.6f" % time.time(), uuid.uuid4().hex, time.monotonic())
        self.said += 1
        try:
            await self.send(frames)
        except (OSError, WebSocketException, AttributeError):
            pass  # It stays in the outbox, and its own loop finds out.

    @property
    def upto(self) -> int:
        return self.conversation.witness.upto if self.conversation.witness else 0

    @property
    def tally(self) -> Counter[str]:
        return self.conversation.witness.tally if self.conversation.witness else Counter()


class People(threading.Thread):
    """All of them. `rate`: messages a second that they say together, whatever becomes of them."""

    def __init__(self, ports: list[int], rooms: list[str], clients: int, rate: float, token: Callable[[], str]):
        super().__init__(name="people", daemon=True)
        self.ports, self.rate = ports, rate
        self.persons = [Person(self, room) for room in rooms for _ in range(clients)]
        #: Hears the canaries, and says nothing.
        self.listener = Person(self, "canary", token)
        self.delays = HdrHistogram(1, 3_600_000_000, 3)
        self.talking, self.leaving = True, False
        #: Set when the last of them has said the last.
        self.silent = threading.Event()
        self.problem: BaseException | None = None

    def run(self) -> None:
        try:
            asyncio.run(self.live())
        except BaseException as e:
            self.problem = e
            raise

    async def live(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for person in [*self.persons, self.listener]:
                tasks.create_task(person.live())
            tasks.create_task(self.talk())

    async def talk(self) -> None:
        """An open loop: the next is said when it is due, and not when the last was answered."""
        due, tasks = time.monotonic(), set()
        while self.talking and not self.leaving:
            due += random.expovariate(self.rate)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if not self.talking:
                break
            task = asyncio.ensure_future(random.choice(self.persons).say())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        self.silent.set()

    # What others ask, from other threads

    def tally(self) -> Counter[str]:
        return sum((Counter(person.tally) for person in self.persons), Counter())

    @property
    def said(self) -> int:
        return sum(person.said for person in self.persons)

    @property
    def acknowledged(self) -> int:
        return sum(len(person.acknowledged) for person in self.persons)

    @property
    def waiting(self) -> int:
        return sum(len(person.conversation.outbox) for person in self.persons)

    def leave(self) -> None:
        self.leaving = True
        self.join(60)
