"""
The worker: Channels' own, which nothing kills and in which nothing is lost.

Threads do the work (`relay.hands`); the main thread looks after them: it replaces those that died, has others get what
waits behind a slow consumer, tells the layer that the worker lives, logs what was done, and ends it all in good order.
"""

import logging
import os
import random
import select
import signal
import threading
import time
from typing import Any

from channels import worker

from relay import conf
from relay.exceptions import LayerUnavailable
from relay.hands import Hands
from relay.layers import stop_waiting
from relay.metrics.herald import Herald
from relay.metrics.work import WORKERS
from relay.tally import Tally

logger = logging.getLogger(__name__)

#: Seconds between two looks at the threads, and two lines about what was done.
LOOK, REPORT = 0.25, 60.0
#: A worker that starts anew after N messages does so after up to this much more, so that several don't at once.
JITTER = 0.1


class Worker(worker.Worker):
    """
    Channels' Worker, with leases, batches and threads.

    threads: how many handle messages, one each at a time.
    max_messages: after so many, and up to a tenth more, `run` returns with `wants_restart` (B23). 0: never.
    stop_timeout: seconds that `run` takes at most to return once it is told to; None: RELAY_DRAIN_TIMEOUT.
    """

    def __init__(
        self,
        channel_layer: Any,
        *args: Any,
        threads: int = 1,
        max_messages: int = 0,
        stop_timeout: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(channel_layer, *args, **kwargs)
        self.channels = sorted(self.apply_channel_filters(channel_layer.router.channels))
        self.threads = threads
        self.max_messages = int(max_messages * random.uniform(1, 1 + JITTER))
        self.stop_timeout = conf.get("DRAIN_TIMEOUT") if stop_timeout is None else stop_timeout
        self.herald = Herald(channel_layer, "worker", self.describe)
        self.name = self.herald.name
        self.crew: dict[Hands, threading.Thread] = {}
        #: What those have done that are no more.
        self.before = Tally()
        self.reported, self.reported_at = Tally(), time.monotonic()
        self.warned: dict[Hands, float] = {}
        #: Whether it has handled what it may; and whether a signal told it to stop.
        self.worn_out = self.signalled = False
        WORKERS.add(self)
        #: What wakes the main thread. A signal handler may write to a pipe, but not set an Event.
        self.alarm, self.rope = os.pipe()

    def __del__(self) -> None:
        os.close(self.alarm)
        os.close(self.rope)

    def install_signal_handler(self) -> None:
        signal.signal(signal.SIGTERM, self.sigterm_handler)
        signal.signal(signal.SIGINT, self.sigterm_handler)

    def sigterm_handler(self, signo: int, stack_frame: Any) -> None:
        """The first signal stops in good order; another Control-C ends it at once."""
        if self.signalled and signo == signal.SIGINT:
            os._exit(130)
        self.signalled = True
        self.stop()

    @property
    def wants_restart(self) -> bool:
        """Whether whoever called `run` shall start anew: unless somebody wants an end of it."""
        return self.worn_out and not self.signalled

    def stop(self) -> None:
        """Have `run` take no more and return; from any thread, or a signal handler."""
        self.termed = True
        os.write(self.rope, b"!")

    def run(self) -> bool:
        """Work until `stop`. Returns whether everything that was begun was finished in time."""
        if self.signal_handlers:
            self.install_signal_handler()
        logger.info("Worker %s listens on %s", self.name, ", ".join(self.channels) or "nothing")
        for _ in range(self.threads):
            self.hire()
        while not self.termed:
            self.attempt(self.look_after)
            if self.max_messages and self.tally().messages >= self.max_messages and not self.termed:
                logger.info("%d messages were handled: the worker starts anew", self.tally().messages)
                self.worn_out = True
                self.stop()
            select.select([self.alarm], [], [], LOOK)
        return self.wind_up()

    def hire(self) -> None:
        hands = Hands(self.channel_layer, self.channels, self.callback)
        self.crew[hands] = threading.Thread(target=hands.work, name="worker-%d" % len(self.crew), daemon=True)
        self.crew[hands].start()

    def attempt(self, step: Any) -> None:
        try:
            step()
        except LayerUnavailable as e:
            logger.warning("The worker could not %s; it tries again: %s", step.__name__.replace("_", " "), e)
        except Exception:
            logger.exception("The worker could not %s; it tries again", step.__name__.replace("_", " "))

    def look_after(self) -> None:
        """What is to be done now and then beside the threads' work."""
        for hands, thread in list(self.crew.items()):
            if not thread.is_alive():
                self.replace(hands, thread)
            self.watch(hands)
        self.attempt(self.beat)
        if time.monotonic() - self.reported_at >= REPORT:
            self.report()

    def replace(self, hands: Hands, thread: threading.Thread) -> None:
        """A thread died (B6). Its layer delivers again what it had."""
        logger.error("Thread %s of the worker died; another takes its place", thread.name)
        del self.crew[hands]
        self.warned.pop(hands, None)
        self.before += hands.tally
        self.hire()

    def watch(self, hands: Hands) -> None:
        """One slow consumer keeps nobody else waiting, and is named if it is very slow (B16)."""
        hands.let_others(conf.get("CONSUMER_PATIENCE"))
        now, since = time.monotonic(), max(hands.running_since, self.warned.get(hands, 0))
        if hands.at_work() and now - since >= conf.get("SLOW_CONSUMER"):
            self.warned[hands] = now
            logger.warning("A consumer is slow: %s", hands.at_work())

    def tally(self) -> Tally:
        return sum((hands.tally for hands in self.crew), self.before)

    def beat(self) -> None:
        """Tell the layer now and then, for `manage.py channels`, `/metrics`, and who asks whether all is well."""
        self.herald.beat()

    def describe(self) -> dict[str, Any]:
        return {"channels": self.channels, "threads": self.threads, **self.tally().report()}

    def report(self) -> None:
        """Log what was done since the last report."""
        now, total = time.monotonic(), self.tally()
        done, seconds = total - self.reported, now - self.reported_at
        self.reported, self.reported_at = total, now
        logger.info("%s", done.sentence(seconds, self.threads), extra={"worker": self.name, **done.report()})

    def wind_up(self) -> bool:
        """Finish what was begun, give back what was not, and say so."""
        logger.info("Worker %s stops: it takes no more, and has %.0f s to finish", self.name, self.stop_timeout)
        give_up_at = time.monotonic() + self.stop_timeout
        for hands in self.crew:
            hands.stop()
        self.attempt(self.wake_threads)
        while (left := self.unfinished()) and (seconds := give_up_at - time.monotonic()) > 0:
            self.attempt(self.let_others)
            self.attempt(self.beat)
            self.crew[left[0]].join(min(LOOK, seconds))
        for hands in left:
            what = hands.at_work() or "what waits for the channel layer"
            logger.error("Not finished in %.0f s, and delivered again: %s", self.stop_timeout, what)
        self.attempt(self.sign_off)
        WORKERS.retire(self)
        self.report()
        return not left

    def unfinished(self) -> list[Hands]:
        return [hands for hands, thread in self.crew.items() if thread.is_alive()]

    def let_others(self) -> None:
        """What was not begun must not wait for the end of what was."""
        for hands in self.crew:
            hands.let_others(0)

    def wake_threads(self) -> None:
        stop_waiting(self.channel_layer)

    def sign_off(self) -> None:
        self.herald.leave()
