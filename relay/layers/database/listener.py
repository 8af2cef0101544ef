"""How PostgreSQL wakes who waits: LISTEN and NOTIFY, on one connection a process."""

import hashlib
import os
import secrets
import select
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import psycopg2

from relay.layers.remote import Remote


class Bell:
    """What one reader waits with."""

    def __init__(self, listener: "Listener"):
        self.listener = listener
        self.rung = False
        self.heard: set[str] = set()

    def hear(self, channels: Iterable[str]) -> None:
        """From now on, `wait` ends when one of these has something new."""
        self.listener.hear(self, channels)

    def wait(self, seconds: float) -> bool:
        """Whether there may be something; False: the time is up."""
        return self.listener.wait(self, seconds)

    def close(self) -> None:
        """For good; ends a `wait`, from any thread."""
        self.listener.remove(self)


class Listener:
    """
    The listening connection of a process. connect: makes a psycopg2 connection.

    One of those who wait *leads*: it waits on the connection for all, and tells the others, who wait for it. So one
    that waits alone is woken by the server itself.
    """

    def __init__(self, connect: Callable[[], Any], name: str):
        self.connect = connect
        self.remote = Remote("The listening connection to " + name)
        # Whoever has its lock may be told to stop by a signal just then.
        self.news = threading.Condition(threading.RLock())
        #: Names of notifications → who waits for them.
        self.bells: dict[str, set[Bell]] = {}
        #: Names that the server has been told, on the present connection.
        self.told: set[str] = set()
        self.leading = False
        #: Those who want the connection for a moment.
        self.asking = 0
        self.connection: Any = None
        self.pid = 0
        self.poked = self.poker = -1

    def hear(self, bell: Bell, channels: Iterable[str]) -> None:
        """Have the server told; what is sent from then on rings."""
        with self.news:
            self.start()
            if unheard := set(channels) - bell.heard:
                bell.heard |= unheard
                for channel in unheard:
                    self.bells.setdefault(notification(channel), set()).add(bell)
                self.interrupt(lambda: self.attend(0))
            elif not self.leading:
                # What has rung before need not ring again.
                self.attend(0)
            bell.rung = False

    def wait(self, bell: Bell, seconds: float) -> bool:
        give_up_at = time.monotonic() + seconds
        with self.news:
            while not bell.rung and (left := give_up_at - time.monotonic()) > 0:
                if self.leading or self.asking:
                    self.news.wait(left)
                else:
                    self.lead(left)
            return bell.rung

    def remove(self, bell: Bell) -> None:
        with self.news:
            bell.rung = True
            bell.heard = set()
            for name in [name for name, bells in self.bells.items() if bell in bells]:
                self.bells[name].discard(bell)
                if not self.bells[name]:
                    del self.bells[name]
            self.poke()
            self.news.notify_all()

    def start(self) -> None:
        """With the first reader, and again in a forked child, which has none of its parent's."""
        if self.pid != os.getpid():
            self.pid, self.connection, self.told, self.leading = os.getpid(), None, set(), False
            self.poked, self.poker = os.pipe()
            os.set_blocking(self.poked, False)

    def interrupt(self, act: Callable[[], None]) -> None:
        """Have whoever leads stop for a moment, and use the connection."""
        self.asking += 1
        try:
            while self.leading:
                self.poke()
                self.news.wait(1)
            act()
        finally:
            self.asking -= 1
            self.news.notify_all()

    def poke(self) -> None:
        if self.leading and self.pid == os.getpid():
            os.write(self.poker, b"x")

    def lead(self, seconds: float) -> None:
        """Wait for all, until something comes."""
        if self.connection is None and not self.remote.may_be_tried():
            self.news.wait(min(seconds, self.remote.pause()))
            return
        self.leading = True
        try:
            self.attend(seconds)
        finally:
            self.leading = False
            self.news.notify_all()

    def attend(self, seconds: float) -> None:
        """Tell the server what to listen for, and hear what it says within that time."""
        try:
            if self.connection is None:
                self.open()
                seconds = 0
            self.tell()
            self.listen(seconds)
        except psycopg2.Error as e:
            self.lose(e)

    def open(self) -> None:
        if not self.remote.may_be_tried():
            raise psycopg2.OperationalError("it is tried again a little later")
        self.connection = self.connect()
        self.connection.autocommit = True
        self.remote.answered()
        # While nobody listened, anything may have come.
        self.ring(list(self.bells))

    def tell(self) -> None:
        wanted = set(self.bells)
        commands = ['LISTEN "%s"' % name for name in wanted - self.told]
        commands += ['UNLISTEN "%s"' % name for name in self.told - wanted]
        if commands:
            with self.connection.cursor() as cursor:
                cursor.execute("; ".join(commands))
            self.told = wanted

    def listen(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self.connection, select.POLLIN)
        poll.register(self.poked, select.POLLIN)
        connection = self.connection
        if seconds:
            # Others may come and go while this one waits.
            self.news.release()
        try:
            ready = {number for number, _ in poll.poll(1000 * seconds)}
        finally:
            if seconds:
                self.news.acquire()
        if self.poked in ready:
            os.read(self.poked, 4096)
        connection.poll()
        names = {notify.channel for notify in connection.notifies}
        connection.notifies.clear()
        self.ring(names)

    def ring(self, names: Iterable[str]) -> None:
        for name in names:
            for bell in self.bells.get(name, ()):
                bell.rung = True

    def lose(self, error: Exception) -> None:
        """The connection is gone: who waits has a look, and another connection is made."""
        if self.connection is not None or self.remote.may_be_tried():
            self.remote.failed(error)
        self.hang_up()
        self.ring(list(self.bells))

    def close(self) -> None:
        with self.news:
            if self.pid == os.getpid():
                self.interrupt(self.hang_up)

    def hang_up(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection, self.told = None, set()


def hears(listening: Any, ring: Callable[[str], None], seconds: float) -> bool:
    """
    Whether a notification comes through this psycopg2 connection within so many seconds. Through a pooler that gives
    each transaction another session none does, though the server takes LISTEN there as well (P3).

    ring: sends the notification of this name, by another connection.
    """
    name = "relay_check_%s" % secrets.token_hex(8)
    listening.autocommit = True
    with listening.cursor() as cursor:
        cursor.execute("LISTEN " + name)
    ring(name)
    give_up_at = time.monotonic() + seconds
    while (left := give_up_at - time.monotonic()) > 0:
        select.select([listening], [], [], left)
        listening.poll()
        if any(notify.channel == name for notify in listening.notifies):
            return True
    return False


def notification(channel: str) -> str:
    """What a channel is called there; see `relay/sql/postgresql/ring.sql`."""
    return "relay_" + hashlib.md5(channel.encode(), usedforsecurity=False).hexdigest()
