"""Who takes messages from a layer: a thread, or a reactor."""

import itertools
import os
import secrets
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from relay.layers.delivery import Content, Delivery


class Reader:
    """One that takes messages, never two at once. What it holds is free again when its thread has ended."""

    def __init__(self, name: str):
        self.name = name
        self.thread = threading.current_thread()
        #: The interface processes whose channels it reads.
        self.processes: set[str] = set()
        #: What `receive` has taken and not yet returned, by the name that it was read from: channel, content, and
        #: with the last of a delivery the delivery.
        self.buffers: dict[str, deque[tuple[str, Content, Delivery | None]]] = {}
        #: What `receive` has returned: the next call acknowledges it.
        self.handed_out: list[Delivery] = []
        self.closed = False

    def put(self, name: str, delivery: Delivery) -> deque[tuple[str, Content, Delivery | None]]:
        """Keep a delivery until it is returned, once for each channel that it is for."""
        buffer = self.buffers.setdefault(name, deque())
        for channel in delivery.channels[:-1]:
            buffer.append((channel, copied(delivery.content), None))
        buffer.append((delivery.channels[-1], delivery.content, delivery))
        return buffer

    @property
    def lives(self) -> bool:
        return self.thread.is_alive()

    def close(self) -> None:
        """End its waiting, now and in future; from any thread."""
        self.closed = True

    def abandon(self) -> None:
        """Let go of what belongs to the parent process, in a child."""


def copied(content: Content) -> Content:
    copy = Content(content)
    copy.__dict__.update(content.__dict__)
    return copy


class Readers:
    """The readers of a layer in this process."""

    def __init__(self, make: Callable[[str], Any]):
        self.make = make
        self.lock = threading.Lock()
        self.local = threading.local()
        self.all: list[Any] = []
        #: The interface processes of those that were forgotten: who takes leave of the layer speaks for them, too.
        self.orphans: set[str] = set()
        self.names = itertools.count(1)
        self.prefix = secrets.token_hex(8)
        reference = weakref.WeakMethod(self.forget)
        os.register_at_fork(after_in_child=lambda: (reference() or int)())

    def here(self) -> Any:
        """The reader of this thread."""
        reader = getattr(self.local, "reader", None)
        if reader is None or reader not in self.all:
            reader = self.local.reader = self.new()
        return reader

    def forget_here(self) -> Any | None:
        """Forget the reader of this thread, and return it if there was one. The thread may have a new one."""
        reader, self.local.reader = getattr(self.local, "reader", None), None
        with self.lock:
            if reader is None or reader not in self.all:
                return None
            self.all.remove(reader)
            self.orphans |= reader.processes
            return reader

    def new(self) -> Any:
        """A reader for other than a thread's own use; it lives as long as this thread."""
        with self.lock:
            reader = self.make("%s-%d" % (self.prefix, next(self.names)))
            self.all.append(reader)
            return reader

    def living(self) -> list[Any]:
        """All whose threads live. The others are forgotten."""
        with self.lock:
            for reader in self.all:
                if not reader.lives:
                    reader.close()
                    self.orphans |= reader.processes
            self.all = [reader for reader in self.all if reader.lives]
            return list(self.all)

    def forget(self) -> None:
        """In a child process: the readers are the parent's, and the child makes its own."""
        self.lock = threading.Lock()
        self.prefix = secrets.token_hex(8)
        for reader in self.all:
            reader.abandon()
        self.all = []
        self.orphans = set()

    def clear(self) -> None:
        with self.lock:
            for reader in self.all:
                reader.close()
            self.all = []
            self.orphans = set()
