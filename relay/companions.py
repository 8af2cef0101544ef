"""
What an interface server runs beside itself: functions in threads, which talk to it as a client does.

`RELAY_COMPANIONS` names them. Each is called with the URL of a listener that this process has for them alone, so that
it is this server that answers whatever proxies, sockets and other servers there are; and with an event that is set when
the server goes away. One that returns has nothing more to do; one that raises is called again after a while.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.utils.module_loading import import_string
from twisted.internet import defer
from twisted.internet.endpoints import serverFromString

from relay import conf
from relay.ports import Ports
from relay.reactor import reactor

logger = logging.getLogger(__name__)

#: What a companion is: it gets `ws://127.0.0.1:<port>`, and what tells it to end.
Companion = Callable[[str, threading.Event], None]

#: Where they reach the server: no other machine does.
ENDPOINT = "tcp:0:interface=127.0.0.1"
#: Seconds before one that failed is called again: at first, doubled each time, and at most.
REST, LONGEST_REST = 1.0, 60.0


class Companions:
    """Those of one server."""

    def __init__(self, factory: Any):
        self.factory = factory
        self.paths: list[str] = list(conf.get("COMPANIONS"))
        self.port: Any = None
        self.stopping = threading.Event()
        self.threads: list[threading.Thread] = []

    def start(self) -> defer.Deferred[None]:
        """Called in the reactor, once the server listens for others."""
        if not self.paths or self.stopping.is_set():
            return defer.succeed(None)
        listening = serverFromString(Ports(reactor), ENDPOINT).listen(self.factory)
        return listening.addCallbacks(self.listens, self.cannot_listen)

    def listens(self, port: Any) -> None:
        self.port = port
        url = "ws://127.0.0.1:%d" % port.getHost().port
        for path in self.paths:
            name = "companion-" + path.rpartition(".")[2]
            self.threads.append(threading.Thread(target=self.run, args=(path, url), name=name, daemon=True))
            self.threads[-1].start()

    def cannot_listen(self, failure: Any) -> None:
        logger.error("There is no port for RELAY_COMPANIONS, so none runs: %s", failure.getErrorMessage())

    def run(self, path: str, url: str) -> None:
        """In its thread: one companion, whatever becomes of it."""
        rest = REST
        while not self.stopping.is_set():
            try:
                companion: Companion = import_string(path)
                companion(url, self.stopping)
                return
            except Exception:
                if self.stopping.is_set():
                    return
                logger.exception("The companion %s failed; it is started again in %.0f s", path, rest)
                self.stopping.wait(rest)
                rest = min(2 * rest, LONGEST_REST)

    def stop(self) -> defer.Deferred[None]:
        """Have them end. Their sockets are told to go like any other."""
        self.stopping.set()
        return defer.maybeDeferred(self.port.stopListening) if self.port is not None else defer.succeed(None)

    def join(self, seconds: float) -> None:
        """Wait for them, for so long at most: their last lines are the last of the log."""
        deadline = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0.0, deadline - time.monotonic()))
