"""How PostgreSQL wakes who waits: LISTEN and NOTIFY, on one connection a process."""

import hashlib
import logging
import os
import select
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg2

from relay.layers.remote import Remote

logger = logging.getLogger(__name__)

#: Seconds that a reader waits until the server listens for it; then it looks now and then.
PATIENCE = 5.0


class Bell:
    """What one reader waits with."""

    def __init__(self, listener: "Listener"):
        self.listener = listener
        self.news = threading.Event()
        self.heard: set[str] = set()

    def hear(self, channels: Iterable[str]) -> None:
        """From now on, `wait` ends when one of these has something new."""
        self.news.clear()
        if unheard := set(channels) - self.heard:
            self.heard |= unheard
            self.listener.add(self, unheard)

    def wait(self, seconds: float) -> bool:
        """Whether there may be something; False: the time is up."""
        return self.news.wait(max(0.0, seconds))

    def wake(self) -> None:
        """End a `wait`, from any thread."""
        self.news.set()

    def close(self) -> None:
        self.listener.remove(self)
        self.news.set()


class Listener:
    """
    The listening connection of a process, and the thread that waits on it. connect: makes a psycopg2 connection.
    """

    def __init__(self, connect: Callable[[], Any], name: str):
        self.connect = connect
        self.remote = Remote("The listening connection to " + name)
        # Whoever has it may be told to stop by a signal just then.
        self.lock = threading.RLock()
        #: Names of notifications → who waits for them.
        self.bells: dict[str, set[Bell]] = {}
        #: Names that the server has been told, on the present connection.
        self.told: set[str] = set()
        self.settled = threading.Condition(self.lock)
        self.pid = 0
        self.closed = False
        self.connection: Any = None

    def add(self, bell: Bell, channels: Iterable[str]) -> None:
        """Have the server told, and wait until it listens: what is sent from then on rings."""
        names = [notification(channel) for channel in channels]
        with self.lock:
            for name in names:
                self.bells.setdefault(name, set()).add(bell)
            self.start()
            self.poke()
            self.settled.wait_for(lambda: self.told.issuperset(names) or self.closed, PATIENCE)

    def remove(self, bell: Bell) -> None:
        with self.lock:
            for name in [name for name, bells in self.bells.items() if bell in bells]:
                self.bells[name].discard(bell)
                if not self.bells[name]:
                    del self.bells[name]
            if self.pid == os.getpid():
                self.poke()

    def start(self) -> None:
        """With the first reader, and again in a forked child, which has none of its parent's threads."""
        if self.pid == os.getpid():
            return
        self.pid, self.connection, self.told, self.closed = os.getpid(), None, set(), False
        self.poked, self.poker = os.pipe()
        os.set_blocking(self.poked, False)
        threading.Thread(target=self.run, name="relay-listener", daemon=True).start()

    def poke(self) -> None:
        """Have the thread look at what it has to tell."""
        os.write(self.poker, b"x")

    def close(self) -> None:
        with self.lock:
            if self.pid == os.getpid() and not self.closed:
                self.closed = True
                self.pid = 0
                self.poke()

    def run(self) -> None:
        poked, poker = self.poked, self.poker
        while not self.closed:
            try:
                if self.connection is None:
                    self.open()
                self.tell()
                self.listen(poked)
            except psycopg2.Error as e:
                self.lose(e)
                # Closing ends the pause.
                select.select([poked], [], [], self.remote.pause())
        if self.connection is not None:
            self.connection.close()
        os.close(poked)
        os.close(poker)

    def open(self) -> None:
        self.connection = self.connect()
        self.connection.autocommit = True
        self.remote.answered()
        # While nobody listened, anything may have come.
        self.ring(list(self.bells))

    def tell(self) -> None:
        """Tell the server what to listen for now."""
        with self.lock:
            wanted = set(self.bells)
        commands = ['LISTEN "%s"' % name for name in wanted - self.told]
        commands += ['UNLISTEN "%s"' % name for name in self.told - wanted]
        if commands:
            with self.connection.cursor() as cursor:
                cursor.execute("; ".join(commands))
            with self.lock:
                self.told = wanted
                self.settled.notify_all()

    def listen(self, poked: int) -> None:
        """Wait for notifications, and for something to tell."""
        ready, _, _ = select.select([self.connection, poked], [], [])
        if poked in ready:
            os.read(poked, 4096)
        self.connection.poll()
        names = {notify.channel for notify in self.connection.notifies}
        self.connection.notifies.clear()
        self.ring(names)

    def ring(self, names: Iterable[str]) -> None:
        with self.lock:
            for bell in {bell for name in names for bell in self.bells.get(name, ())}:
                bell.wake()

    def lose(self, error: Exception) -> None:
        """The connection is gone: who waits has a look, and another connection is made."""
        self.remote.failed(error)
        if self.connection is not None:
            self.connection.close()
        with self.lock:
            self.connection, self.told = None, set()
            bells = list(self.bells)
        self.ring(bells)


def notification(channel: str) -> str:
    """What a channel is called there; see `relay/sql/postgresql/ring.sql`."""
    return "relay_" + hashlib.md5(channel.encode(), usedforsecurity=False).hexdigest()
