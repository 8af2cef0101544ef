"""
The canary: a client of the chat in a thread of each interface server. It says something every CHAT_CANARY_INTERVAL
seconds in a room of its own, and hears what the canaries of all servers say there (docs/canary.md).

`run` is what RELAY_COMPANIONS names.
"""

import json
import logging
import os
import random
import secrets
import socket
import threading
import time
import uuid
from collections import Counter
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from chatapp import doors
from chatapp.canary import metrics
from chatapp.canary.conversation import Conversation, Frame
from chatapp.identity import canary_token

logger = logging.getLogger(__name__)

#: Seconds that it waits for a frame before it looks what is due.
LOOK = 0.5
#: Seconds after which a message without an acknowledgement counts as unanswered.
LATE = 10.0
#: Messages without an acknowledgement beyond which it says nothing more: the chat stands still, and that is told.
MANY = 20
#: Seconds that the server may take to open a socket, and between two tries.
OPENING, REST = 30.0, 2.0
#: Seconds away after which it begins anew: what it has not heard may have been swept away (sweeper.CANARY_AGE).
FORGET = 1800.0
#: Characters of its host's name that its own begins with: it must fit into a key of a sender.
HOST_LENGTH = 40
#: Seconds between two lines of the log of one kind.
PAUSE = 10.0


def run(url: str, stopping: threading.Event) -> None:
    """Talk to the server at `url` until `stopping` is set."""
    if settings.CHAT_CANARY_INTERVAL > 0:
        Canary(url, stopping, settings.CHAT_CANARY_INTERVAL).run()


class Canary:
    """One canary. `url`: where its server listens for it."""

    def __init__(self, url: str, stopping: threading.Event, interval: float):
        self.url, self.stopping, self.interval = url, stopping, interval
        metrics.CONNECTED.set(0)
        self.name = "%s-%d-%s" % (socket.gethostname()[:HOST_LENGTH], os.getpid(), secrets.token_hex(2))
        self.conversation = Conversation()
        self.tally: Counter[str] = Counter()
        #: What the metrics say, of this canary.
        self.total: Counter[str] = Counter()
        #: On the monotonic clock: when it says the next, when it was last there, when it last wrote to the log.
        self.next_at = self.was_there = time.monotonic()
        self.told: dict[str, float] = {}

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                # It is on this machine, whatever proxy the environment names for the world.
                with connect(self.address(), open_timeout=OPENING, max_size=None, proxy=None) as connection:
                    self.talk(connection)
            except (OSError, WebSocketException, TimeoutError) as e:
                if not self.stopping.is_set():
                    self.say_in_log(logging.WARNING, "The canary %s is cut off, and comes back: %s", self.name, e)
            finally:
                metrics.CONNECTED.set(0)
                self.conversation.is_in = False
            self.count()
            if self.stopping.is_set():
                break
            self.rest(self.conversation.come_back_after or REST * random.uniform(0.5, 1.5))

        counts = ", ".join("%d %s" % (self.total[name], name) for name in ("sent", "acknowledged", *metrics.TALLY))
        logger.info("The canary %s ends: %s", self.name, counts)

    def address(self) -> str:
        """Where it goes next, to be the same one and to miss nothing."""
        if time.monotonic() - self.was_there > FORGET:
            self.conversation, self.tally = Conversation(), Counter()
        query = "&".join(filter(None, [urlencode({"canary": canary_token(self.name)}), self.conversation.query()]))
        return "%s/chat/%s/?%s" % (self.url, doors.CANARY, query)

    def rest(self, seconds: float) -> None:
        """Until it comes back. What it can't say now, it says then."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.stopping.wait(min(left, LOOK)):
            self.tick()

    def talk(self, connection: ClientConnection) -> None:
        """As long as the connection lives, and the server."""
        self.conversation.opened()
        while not self.stopping.is_set():
            try:
                frame = json.loads(connection.recv(timeout=LOOK))
            except TimeoutError:
                frame = None
            except ConnectionClosed as e:
                self.say_in_log(logging.INFO, "The canary %s was closed, and comes back: %s", self.name, e)
                return
            answers = [] if frame is None else self.hear(frame)
            for answer in [*answers, *self.tick(), *self.conversation.due(time.monotonic())]:
                connection.send(json.dumps(answer))

    def hear(self, frame: Frame) -> list[Frame]:
        answers, fresh = self.conversation.hear(frame, time.monotonic())
        for message in fresh:
            if (sent := moment_in(message["message"])) is not None:
                metrics.SECONDS.observe(max(0.0, time.time() - sent))
        if frame["type"] == "error":
            self.say_in_log(logging.ERROR, "The canary %s was refused: %s", self.name, frame["text"])
        self.was_there = time.monotonic()
        self.count()
        return answers

    def tick(self) -> list[Frame]:
        """Say something, if it is time. Returns what is to be sent."""
        now = time.monotonic()
        said: list[Frame] = []
        # After a pause that this thread made, not all that it left out at once.
        if now >= self.next_at and self.conversation.witness is not None and len(self.conversation.outbox) < MANY:
            self.next_at = max(self.next_at + self.interval, now + self.interval / 2)
            said = self.conversation.say("%.6f" % time.time(), uuid.uuid4().hex, now)
            metrics.SENT.inc()
            self.total["sent"] += 1
        metrics.UNANSWERED.set(self.conversation.unanswered(now - LATE))
        return said

    def count(self) -> None:
        """Tell Prometheus what is new, and the log of a broken promise."""
        conversation = self.conversation
        metrics.ACKNOWLEDGED.inc(len(conversation.acknowledged))
        self.total["acknowledged"] += len(conversation.acknowledged)
        conversation.acknowledged.clear()
        metrics.CONNECTED.set(conversation.is_in)
        if conversation.witness is None:
            return
        for name, counter in metrics.TALLY.items():
            news = conversation.witness.tally[name] - self.tally[name]
            counter.inc(news)
            self.total[name] += news
        self.tally = Counter(conversation.witness.tally)
        if conversation.witness.faults and self.may_say("fault"):
            faults = ", ".join("number %d %s" % (seq, what) for what, seq in conversation.witness.faults)
            logger.error("A promise is broken, as the canary %s heard in room %s: %s", self.name, doors.CANARY, faults)
            conversation.witness.faults.clear()

    def say_in_log(self, level: int, text: str, *values: Any) -> None:
        if self.may_say(text):
            logger.log(level, text, *values)

    def may_say(self, what: str) -> bool:
        """Whether the log has not heard the like just now."""
        now = time.monotonic()
        if now - self.told.get(what, now - PAUSE) < PAUSE:
            return False
        self.told[what] = now
        return True


def moment_in(text: str) -> float | None:
    """When a canary said that, by its clock. None: it was none who said it."""
    try:
        return float(text)
    except ValueError:
        return None
