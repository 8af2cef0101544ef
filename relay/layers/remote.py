"""A server that may be away: when it is tried again, and what waits for it meanwhile."""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from relay.exceptions import LayerUnavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds of the first and the longest pause between two tries to reach a server.
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0


class Remote:
    """
    A server, by the name that logs call it. A *task* is a function that asks it for something, and raises
    LayerUnavailable if it can't be reached; it says so with `failed`, and with `answered` when it can.
    """

    def __init__(self, name: str):
        self.name = name
        #: What waits for the server, oldest first, guarded by `order`.
        self.order = threading.RLock()
        self.later: deque[Callable[[], Any]] = deque()
        self.failures = 0
        self.failing_since = 0.0
        self.retry_at = 0.0

    def patiently(self, task: Callable[[], T], patience: float) -> T:
        """
        Do a task that may as well be done twice, or can tell that it was, until there is an answer or `patience`
        seconds have passed.
        """
        give_up_at = time.monotonic() + patience
        while True:
            try:
                return task()
            except LayerUnavailable:
                if time.monotonic() >= give_up_at:
                    raise
                # A connection breaks when its server restarts: the first pause is short.
                time.sleep(self.pause())

    def or_later(self, task: Callable[[], T]) -> T | None:
        """Do a task that may as well be done twice, after those that wait; None if it must wait, too."""
        with self.order:
            try:
                self.catch_up()
                return task()
            except LayerUnavailable:
                self.later.append(task)
                return None

    def catch_up(self, wait: bool = True) -> None:
        """
        Do what had to wait, in its order. What the server will not take is logged and left out. Unless it may wait,
        nothing is done where another thread is at it.
        """
        if not self.order.acquire(blocking=wait):
            return
        try:
            while self.later:
                try:
                    self.later[0]()
                except LayerUnavailable:
                    raise
                except Exception:
                    logger.exception("%s refuses for good what had to wait for it", self.name)
                self.later.popleft()
        finally:
            self.order.release()

    def pause(self) -> float:
        """Seconds to wait before the next try."""
        return max(0.0, self.retry_at - time.monotonic())

    def may_be_tried(self) -> bool:
        return self.pause() == 0

    def failed(self, error: BaseException) -> None:
        if not self.failures:
            self.failing_since = time.monotonic()
            logger.warning("%s fails (%s); it is tried again until it is back", self.name, str(error).strip())
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self.failures) * random.uniform(0.5, 1)
        self.failures = min(self.failures + 1, 10)
        self.retry_at = time.monotonic() + pause

    def answered(self) -> None:
        if self.failures:
            logger.warning("%s is back after %.1f s", self.name, time.monotonic() - self.failing_since)
            self.failures = 0
            self.retry_at = 0.0
