"""
Whose turn it is on a reply channel, and who waits for it: what `linearize` stands on where the layer has no order.

A *turn* belongs to one thread of one worker. A message that comes while the turn is taken joins a line, and whoever
has the turn handles the line before giving the turn up; so no worker stands waiting, and no message is put back and
counted. A turn that is not renewed for `RELAY_TURN_LEASE` seconds has ended: its holder is gone. A thread of each
worker process renews the turns that the process has, and takes over the lines that it has put messages in.
"""

import logging
import threading
import time
import uuid
import weakref
from collections.abc import Callable
from typing import Any

from asgi_redis.core import BaseRedisChannelLayer

from relay import conf, scripts

logger = logging.getLogger(__name__)

#: What `enter` answers: the turn is yours and nobody waits; it is yours and your message waits with others; it is
#: someone else's, and your message waits.
MINE, MINE_IN_LINE, WAITING = 1, 2, 0

#: What waits in a line: the name of a channel and the content of a message on it.
Waiting = tuple[str, dict[str, Any]]


class MemoryTurns:
    """The turns of one process: for in-memory layers. A holder can't crash without its line crashing with it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lines: dict[str, list[tuple[float, int, Waiting]]] = {}
        self.arrivals = 0

    def enter(self, key: str, token: str, order: int | None, waiting: Waiting) -> int:
        with self.lock:
            if key not in self.lines:
                self.lines[key] = []
                return MINE
            self.arrivals += 1
            self.lines[key].append((float("inf") if order is None else order, self.arrivals, waiting))
            return WAITING

    def next(self, key: str, token: str) -> Waiting | None:
        with self.lock:
            line = self.lines[key]
            if not line:
                del self.lines[key]
                return None
            first = min(line, key=lambda entry: entry[:2])
            line.remove(first)
            return first[2]

    def let_go(self, key: str, token: str) -> None:
        """End the turn with its line unhandled. In memory nothing fails between the two, so the line is empty."""
        with self.lock:
            self.lines.pop(key, None)


class RedisTurns:
    """The turns of all workers on a Redis: asgi_redis's layer and ours."""

    def __init__(self, layer: BaseRedisChannelLayer, on_taken_over: Callable[..., None]):
        self.layer = layer
        self.lease = int(conf.get("TURN_LEASE") * 1000)
        self.keeper = Keeper(self, on_taken_over)

    def enter(self, key: str, token: str, order: int | None, waiting: Waiting) -> int:
        message = self.layer.serialize({"channel": waiting[0], "content": waiting[1], "token": token})
        place = "" if order is None else order
        expiry = conf.get("TURN_EXPIRY") * 1000
        try:
            answer = self.call("turn_enter", key, token, self.lease, place, message, expiry)
        except Exception:
            # It may have been carried out all the same: then the message is in the line, and must not stay there.
            self.keeper.watch(key)
            raise
        if answer == WAITING:
            self.keeper.watch(key)
        else:
            self.keeper.hold(key, token)
        return answer

    def next(self, key: str, token: str) -> Waiting | None:
        packed = self.call("turn_next", key, token, self.lease)
        if packed is None:
            self.keeper.release(token)
            return None
        message = self.layer.deserialize(packed)
        return message["channel"], message["content"]

    def let_go(self, key: str, token: str) -> None:
        """Renew the turn no more, so that it ends by itself, and see to the line that it leaves."""
        self.keeper.release(token)
        self.keeper.watch(key)

    def renew(self, key: str, token: str) -> bool:
        return bool(self.call("turn_renew", key, token, self.lease))

    def take_over(self, key: str, token: str) -> int:
        """1: the turn was free and messages wait for it; it is now the caller's. 0: it is taken. -1: nobody waits."""
        return self.call("turn_take_over", key, token, self.lease)

    def call(self, script: str, key: str, *args: Any) -> Any:
        connection = self.layer.connection(self.layer.consistent_hash(key))
        keys = [self.layer.prefix + "turn:" + key, self.layer.prefix + "line:" + key]
        return connection.register_script(scripts.source(script))(keys=keys, args=args)


class Keeper:
    """
    A thread that renews the turns which this process has, and watches the lines that it has put messages in.

    It starts with the first of either, and sees to all of them three times a lease. `on_taken_over` is called with
    (turns, key, token) of a turn taken over, in a thread of its own, and must handle the line.
    """

    def __init__(self, turns: RedisTurns, on_taken_over: Callable[..., None]):
        self.turns = turns
        self.on_taken_over = on_taken_over
        self.lock = threading.Lock()
        self.held: dict[str, str] = {}
        self.watched: set[str] = set()
        self.thread: threading.Thread | None = None

    def hold(self, key: str, token: str) -> None:
        with self.lock:
            self.held[token] = key
        self.start()

    def release(self, token: str) -> None:
        with self.lock:
            self.held.pop(token, None)

    def watch(self, key: str) -> None:
        with self.lock:
            self.watched.add(key)
        self.start()

    def start(self) -> None:
        with self.lock:
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self.run, name="relay-turns", daemon=True)
                self.thread.start()

    def run(self) -> None:
        while True:
            time.sleep(self.turns.lease / 3000)
            try:
                self.renew_held()
                self.visit_watched()
            except Exception:
                logger.exception("Turns could not be renewed; they are tried again in %d ms", self.turns.lease // 3)

    def renew_held(self) -> None:
        with self.lock:
            held = list(self.held.items())
        for token, key in held:
            if not self.turns.renew(key, token):
                self.release(token)

    def visit_watched(self) -> None:
        with self.lock:
            watched = list(self.watched)
        for key in watched:
            token = uuid.uuid4().hex
            # Before asking: whoever puts a message in the line after that has it watched again.
            with self.lock:
                self.watched.discard(key)
            try:
                answer = self.turns.take_over(key, token)
            except Exception:
                self.watch(key)
                raise
            if answer == 0:
                self.watch(key)
            elif answer == 1:
                logger.warning("The holder of the turn on %s is gone; its line goes on here", key)
                self.hold(key, token)
                threading.Thread(target=self.on_taken_over, args=(self.turns, key, token), daemon=True).start()


_turns: weakref.WeakKeyDictionary[Any, MemoryTurns | RedisTurns] = weakref.WeakKeyDictionary()
_turns_lock = threading.Lock()


def turns_of(layer: Any, on_taken_over: Callable[..., None]) -> MemoryTurns | RedisTurns:
    """The turns that all users of this channel layer share. `layer` may be Channels' wrapper of it."""
    raw = getattr(layer, "channel_layer", layer)
    with _turns_lock:
        if raw not in _turns:
            _turns[raw] = make_turns(raw, on_taken_over)
        return _turns[raw]


def is_in_memory(layer: Any) -> bool:
    """As Channels itself finds out (`ChannelLayerWrapper.local_only`)."""
    return "inmemory" in type(layer).__module__


def make_turns(layer: Any, on_taken_over: Callable[..., None]) -> MemoryTurns | RedisTurns:
    if isinstance(layer, BaseRedisChannelLayer):
        return RedisTurns(layer, on_taken_over)
    if not is_in_memory(layer):
        logger.warning(
            "linearize knows no lock that %s shares between processes: it orders the messages of this process only",
            type(layer).__name__,
        )
    return MemoryTurns()
