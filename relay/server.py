"""The interface server: it holds the sockets."""

import logging
import random
import secrets
import signal
import time
from collections.abc import Iterable
from typing import Any, cast

from daphne import server
from django.conf import settings
from twisted.internet import defer
from twisted.internet.endpoints import serverFromString
from twisted.logger import FilteringLogObserver, LogLevel, LogLevelFilterPredicate, STDLibLogObserver, globalLogBeginner

from relay import conf
from relay.checks import ends_too_soon
from relay.companions import Companions
from relay.downlink import Downlink
from relay.download import post
from relay.drain import Drain
from relay.fanout import Fanout
from relay.headers import Proxies
from relay.http_factory import HTTPFactory
from relay.layers import leases
from relay.metrics.herald import Herald, HeraldThread
from relay.metrics.sockets import SERVERS, Pulse
from relay.ports import Ports
from relay.reactor import reactor
from relay.uplink import Uplink
from relay.ws_protocol import WebSocketProtocol

logger = logging.getLogger(__name__)

#: Seconds between two looks at all connections; Daphne's own figure.
CHECK_INTERVAL = 2
#: Seconds over which the keepalives of all sockets are spread when their groups must be made anew.
HURRY = 4
#: Seconds between two lines about what was dropped.
REPORT_INTERVAL = 60
#: Seconds that each of the threads of a server may take to end with it.
LAST_WORDS = 2
#: What the process exits with when it can't listen.
CANNOT_LISTEN = 3


def normal_root(path: str) -> str:
    """The path that an application is mounted at: `/sub`, or empty."""
    return "/" + path.strip("/") if path.strip("/") else ""


class Server(server.Server):
    """
    Daphne's server, whose reactor never waits for the channel layer: one thread sends what sockets and requests have to
    say (`relay.uplink`), one takes what is for them (`relay.downlink`).

    It tells the workers now and then that a socket still lives (`websocket.keepalive`). Group membership and presence
    are renewed by that message, so they last as long as the socket and end soon after it, and a socket needs no time
    limit: `websocket_timeout` is without limit unless it is given. (Without keepalives, as in Daphne, it is the layer's
    `group_expiry`: a socket that were left open after that would be mute.)

    reuse_port: whether other processes may listen on the same ports.
    forwarded_allow_ips: the proxies whose X-Forwarded headers are believed, if Daphne's proxy headers are on.
    """

    def __init__(
        self,
        *args: Any,
        keepalive_interval: float | None = None,
        reuse_port: bool = False,
        forwarded_allow_ips: Iterable[str] = ("127.0.0.1", "::1"),
        **kwargs: Any,
    ):
        self.keepalive_interval = conf.get("KEEPALIVE_INTERVAL") if keepalive_interval is None else keepalive_interval
        self.reuse_port = reuse_port
        if self.keepalive_interval:
            kwargs["websocket_timeout"] = kwargs.get("websocket_timeout") or -1
        super().__init__(*args, **kwargs)
        self.proxies = Proxies(forwarded_allow_ips) if self.proxy_forwarded_address_header else None
        self.root_path: str = self.chosen_root(kwargs.get("root_path") or "")
        self.ports: list[Any] = []
        self.reported: dict[str, int] = {}
        self.reported_at = 0.0
        self.exit_code = 0
        self.check_expiry()

    def chosen_root(self, flag: str) -> str:
        """Where the application is mounted: without a flag where Django's settings say, which all processes know."""
        known = normal_root(settings.FORCE_SCRIPT_NAME or "")
        root = normal_root(flag) or known
        if root != known:
            logger.warning(
                "The application is mounted at %s, and Django's setting FORCE_SCRIPT_NAME says %s: links that workers "
                "make outside of requests, and static files, may not lead here. Set both alike",
                root,
                known or "nothing",
            )
        return root

    def check_expiry(self) -> None:
        """Warn where memberships end between two keepalives: an interval on the command line escapes relay.E001."""
        expiry = getattr(self.channel_layer, "group_expiry", None)
        if expiry is not None and ends_too_soon(expiry, self.keepalive_interval):
            logger.warning(
                "Group members expire after %d s, but are renewed only every %s s: sockets will miss messages. "
                "Shorten --keepalive-interval, or lengthen group_expiry in CHANNEL_LAYERS",
                expiry,
                self.keepalive_interval,
            )

    # Running

    def run(self) -> None:
        """
        Serve until the reactor is stopped. Daphne does all of this in one method, which has no place to come in.
        Exits with 3 if it can't listen.
        """
        self.prepare()
        begin_logging(self.verbosity)
        reactor.callWhenRunning(self.start)
        reactor.run(installSignalHandlers=self.signal_handlers)
        self.downlink.join(LAST_WORDS)
        self.herald.join(LAST_WORDS)
        self.companions.join(LAST_WORDS)
        if self.exit_code:
            raise SystemExit(self.exit_code)

    def prepare(self) -> None:
        """Make everything that is there while it runs."""
        self.send_channel = "daphne.response.%s!" % secrets.token_hex(8)
        self.uplink = Uplink(self.channel_layer, conf.get("MAX_WAITING_BYTES"))
        self.factory = HTTPFactory(
            uplink=self.uplink,
            proxies=self.proxies,
            keepalive_interval=self.keepalive_interval,
            channel_layer=self.channel_layer,
            action_logger=self.action_logger,
            send_channel=self.send_channel,
            timeout=self.http_timeout,
            websocket_timeout=self.websocket_timeout,
            websocket_connect_timeout=self.websocket_connect_timeout,
            websocket_handshake_timeout=self.websocket_handshake_timeout,
            ping_interval=self.ping_interval,
            ping_timeout=self.ping_timeout,
            ws_protocols=self.ws_protocols,
            root_path=self.root_path,
        )
        self.fanout = Fanout(self.factory.reply_protocols, self.answer_late)
        self.downlink = Downlink(self.channel_layer, self.send_channel, self.fanout.deliver)
        self.drain = Drain(self)
        self.companions = Companions(self.factory)
        self.herald = HeraldThread(Herald(self.channel_layer, "interface", self.describe))
        self.pulse = Pulse(reactor.callLater)
        SERVERS.add(self)

    def start(self) -> None:
        """Called by the reactor, once it runs."""
        self.uplink.start()
        self.downlink.start()
        self.herald.start()
        self.pulse.start()
        if leases(self.channel_layer):
            self.channel_layer.on_restore.append(lambda: reactor.callFromThread(self.hurry_keepalives))
        reactor.callLater(CHECK_INTERVAL, self.timeout_checker)
        # What runs before the shutdown may take its time.
        reactor.addSystemEventTrigger("before", "shutdown", self.drain.run)
        if self.signal_handlers:
            # Twisted's own would complain about a second signal.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *received: reactor.callFromThread(self.stop))
        listening = defer.DeferredList([self.listen(endpoint) for endpoint in self.endpoints])
        listening.addCallback(lambda results: None if self.exit_code else self.companions.start())

    def stop(self) -> None:
        """End in good order; at once, if this is not the first time."""
        if self.drain.begun:
            self.drain.hurry()
        else:
            reactor.stop()

    def listen(self, endpoint: str) -> defer.Deferred[None]:
        listening = serverFromString(Ports(reactor, self.reuse_port), endpoint).listen(self.factory)
        listening.addCallbacks(self.ports.append, self.cannot_listen, errbackArgs=(endpoint,))
        return listening

    def cannot_listen(self, failure: Any, endpoint: str) -> None:
        """Daphne would go on without a listener (D21)."""
        logger.error("Can't listen on %s: %s", endpoint, failure.getErrorMessage())
        if not self.exit_code:
            self.exit_code = CANNOT_LISTEN
            reactor.callLater(0, self.stop)

    # Looking after connections

    def timeout_checker(self) -> None:
        """
        Look at all connections: time-outs, pings, keepalives. It always comes again, and one bad connection keeps no
        other from being looked at (D1).
        """
        for channel, protocol in list(self.factory.reply_protocols.items()):
            try:
                protocol.check()
            except Exception:
                logger.exception("%s could not be checked; it is cut off", channel)
                reactor.callLater(0, protocol.break_off)
        self.factory.channels.check(time.monotonic())
        self.send_keepalives()
        self.report(time.monotonic())
        # Keepalives that come often, as in tests, must not come more seldom than they are asked for.
        reactor.callLater(min(CHECK_INTERVAL, self.keepalive_interval or CHECK_INTERVAL), self.timeout_checker)

    def answer_late(self, content: dict[str, Any]) -> None:
        """A message came for a connection that is gone: who goes on answering it should know."""
        if "mailbox" in content:
            post(self.uplink, content["mailbox"], gone=True)

    def report(self, now: float) -> None:
        """Once a minute, say what was dropped or held up, if anything was."""
        if now - self.reported_at < REPORT_INTERVAL:
            return
        counts = self.counts()
        changes = [(text, counts[text] - self.reported.get(text, 0)) for text in counts]
        said = ", ".join("%d %s" % (change, text) for text, change in changes if change)
        if said:
            logger.warning("In the last minute: %s", said)
        self.reported, self.reported_at = counts, now

    def counts(self) -> dict[str, int]:
        """What was dropped or held up since the beginning."""
        return {
            "messages came for connections that were gone": self.fanout.late,
            "messages were refused by full channels": self.uplink.refused,
            "messages could not be sent at all": self.uplink.unsendable,
            "times a socket that sent too much was not read for a while": self.factory.held_back,
            "sockets were closed for not reading": self.factory.slow_readers,
            "connections were refused, as RELAY_MAX_CONNECTIONS were open": self.factory.channels.refused,
            "connections were closed, as a request took longer than RELAY_REQUEST_TIMEOUT": self.factory.channels.slow,
            "lines could not be written to the access log": self.factory.unlogged,
        }

    def figures(self) -> dict[str, float]:
        """How it does, for `/metrics`. Asked in any thread."""
        connections = list(self.factory.reply_protocols.values())
        sockets = [each.state for each in connections if isinstance(each, WebSocketProtocol)]
        is_open = sockets.count(WebSocketProtocol.STATE_OPEN)
        return {
            "open": is_open,
            "connecting": sockets.count(WebSocketProtocol.STATE_CONNECTING),
            "requests": len(connections) - len(sockets),
            "waiting_bytes": self.uplink.bytes,
            "waiting": self.uplink.parcels,
            "lag": self.pulse.worst,
            "deliveries": self.fanout.handed - self.fanout.late,
            "frames": self.factory.frames,
            "keepalives": self.factory.keepalives,
            "held_back": self.factory.held_back,
        }

    def describe(self) -> dict[str, Any]:
        """What the layer is told of it."""
        figures = self.figures()
        named = {"open": "sockets", "connecting": "connecting", "requests": "requests", "waiting": "waiting"}
        return {"closing": self.factory.closing, **{name: int(figures[key]) for key, name in named.items()}}

    def stop_telling(self) -> None:
        """It ends: the layer is told so, in a thread."""
        self.pulse.stopped = True
        self.herald.stop()

    def sockets(self) -> list[WebSocketProtocol]:
        return [each for each in self.factory.reply_protocols.values() if isinstance(each, WebSocketProtocol)]

    def hurry_keepalives(self) -> None:
        """
        The layer has lost its data: whoever was just about to join a group must say so again. Every socket is due for a
        keepalive, spread over the next seconds so that the workers are not flooded.
        """
        for socket in self.sockets():
            socket.hurry_keepalive(self.keepalive_interval, random.uniform(0, HURRY))

    def send_keepalives(self) -> None:
        """Send a keepalive for each socket that is due. Those that the layer does not take now are due again soon."""
        if not self.keepalive_interval or self.factory.closing:
            return
        for socket in self.sockets():
            if self.uplink.full:
                logger.warning("The channel layer takes nothing; keepalives are tried again in %d s", CHECK_INTERVAL)
                return
            if socket.is_due(self.keepalive_interval):
                socket.send_keepalive()


def begin_logging(verbosity: int) -> None:
    """
    Have Twisted's log in Python's: errors only, unless more is asked for. Daphne throws it away, and with it every
    error of a Deferred (D22). Autobahn says at length how each connection broke; that is for debugging.
    """
    chosen: Any = LogLevelFilterPredicate(defaultLogLevel=LogLevel.error if verbosity <= 1 else LogLevel.info)
    kept: Any = STDLibLogObserver("relay.twisted")
    globalLogBeginner.beginLoggingTo(
        [cast(Any, FilteringLogObserver(kept, [chosen]))], redirectStandardIO=False, discardBuffer=True
    )
