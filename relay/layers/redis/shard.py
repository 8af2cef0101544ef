"""One Redis server of a layer: running scripts on it, and what to do while it can't be reached."""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import redis

from relay import scripts
from relay.exceptions import LayerUnavailable
from relay.layers.redis.client import is_read_only

logger = logging.getLogger(__name__)

#: Seconds of the first and the longest pause between two tries to reach a server.
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0

#: What a server says that is there but takes no commands now.
NOT_NOW = ("BUSY", "MASTERDOWN", "OOM", "MISCONF", "NOREPLICAS")


class Shard:
    """
    A Redis server, by its index among the layer's hosts.

    client: gives the client for it; with Sentinel, the one for whoever is master.
    """

    def __init__(self, index: int, client: Callable[[], redis.Redis], shared_keys: Sequence[str]):
        self.index = index
        self.client = client
        self.shared_keys = shared_keys
        #: What waits for the server, oldest first, guarded by `order`.
        self.order = threading.RLock()
        self.later: deque[tuple[str, Sequence[str], Sequence[Any]]] = deque()
        self.failures = 0
        self.failing_since = 0.0
        self.retry_at = 0.0

    def run(self, script: str, keys: Sequence[str] = (), args: Sequence[Any] = ()) -> Any:
        """Run `lua/<script>.lua`. Raises LayerUnavailable; then it is not known whether the server has run it."""
        try:
            answer = evaluate(self.client(), script, (*self.shared_keys, *keys), args)
        except (redis.ConnectionError, redis.TimeoutError) as e:
            self.failed(e)
            raise LayerUnavailable("Redis server %d can't be reached: %s" % (self.index, e)) from e
        except redis.ResponseError as e:
            if not (is_read_only(e) or any(word in str(e) for word in NOT_NOW)):
                raise
            self.failed(e)
            raise LayerUnavailable("Redis server %d takes no commands now: %s" % (self.index, e)) from e
        self.answered()
        return answer

    def run_patiently(self, script: str, keys: Sequence[str], args: Sequence[Any], patience: float) -> Any:
        """
        Run a script that may as well run twice, or can tell that it has run, until there is an answer or `patience`
        seconds have passed.
        """
        give_up_at = time.monotonic() + patience
        while True:
            try:
                return self.run(script, keys, args)
            except LayerUnavailable:
                if time.monotonic() >= give_up_at:
                    raise
                # A connection breaks when its server restarts: the first pause is short.
                time.sleep(self.pause())

    def run_or_later(self, script: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run a script that may as well run twice, after those that wait; None if it must wait, too."""
        with self.order:
            try:
                self.catch_up()
                return self.run(script, keys, args)
            except LayerUnavailable:
                self.later.append((script, keys, args))
                return None

    def catch_up(self) -> None:
        """Run what had to wait, in its order. What the server will not take is logged and left out."""
        with self.order:
            while self.later:
                script, keys, args = self.later[0]
                try:
                    self.run(script, keys, args)
                except redis.ResponseError:
                    logger.exception("Redis server %d refuses %s for good", self.index, script)
                self.later.popleft()

    def pause(self) -> float:
        """Seconds to wait before the next try."""
        return max(0.0, self.retry_at - time.monotonic())

    def may_be_tried(self) -> bool:
        return self.pause() == 0

    def failed(self, error: Exception) -> None:
        if not self.failures:
            self.failing_since = time.monotonic()
            logger.warning("Redis server %d fails (%s); it is tried again until it is back", self.index, error)
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self.failures) * random.uniform(0.5, 1)
        self.failures = min(self.failures + 1, 10)
        self.retry_at = time.monotonic() + pause

    def answered(self) -> None:
        if self.failures:
            logger.warning("Redis server %d is back after %.1f s", self.index, time.monotonic() - self.failing_since)
            self.failures = 0
            self.retry_at = 0.0


def evaluate(client: redis.Redis, script: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
    """Run a script by its digest; send its text if the server does not know it yet."""
    try:
        return client.execute_command("EVALSHA", scripts.digest(script), len(keys), *keys, *args)
    except redis.exceptions.NoScriptError:
        return client.execute_command("EVAL", scripts.source(script), len(keys), *keys, *args)
