"""One WebSocket of the interface server."""

import logging
import time
from types import FunctionType
from typing import Any

from autobahn.twisted.websocket import ConnectionDeny
from daphne import ws_protocol
from twisted.internet import defer

from relay.fanout import frame, frame_of
from relay.headers import RETRY_AFTER, values
from relay.intake import Intake
from relay.masks import unmasked
from relay.metrics.sockets import EVICTED
from relay.outlet import Outlet
from relay.reactor import reactor
from relay.traces import KEY, begin, step
from relay.uplink import Parcel, size_of

logger = logging.getLogger(__name__)

#: Close codes that a server may send (RFC 6455, section 7.4; 1004 to 1006 and 1015 are reserved).
CLOSE_CODES = {1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)}
NORMAL, INTERNAL_ERROR, SERVICE_RESTART, TRY_AGAIN_LATER = 1000, 1011, 1012, 1013
#: Seconds after which a keepalive that was refused is tried again.
SOON = 2
#: Stands for what a socket does not need, or no more.
NOTHING: Any = ()
#: Frames that a message may be in.
PARTS_LIMIT = 1024
#: Bytes that a client may send before its handshake is answered; it has nothing to say then.
EARLY_LIMIT = 64 * 1024


class WebSocketProtocol(Outlet, ws_protocol.WebSocketProtocol):
    """
    Daphne's WebSocket, which never waits for the layer, and writes to its socket itself.

    Daphne counts what it *sends* as a sign of life, so a dead client in a busy room is never pinged (D6); and it pings
    again before the first ping is answered, which leaves a timer that closes a slow but living client (D7). Here only
    what comes in counts, and there is one ping at a time.

    A socket that sends too much is not read for a while (A11). One that does not read is closed (D3). Whoever the
    workers were told of, they are told of its end, too, whatever ended it (D11, D12).
    """

    #: Whether the application refused it.
    refused = False
    #: Whether its incoming frames wait.
    held_back = False
    #: Whether what comes in is no WebSocket any more.
    garbled = False
    openHandshakeTimeoutCall: Any
    data: bytes
    handshake_deferred: Any = None

    # Opening

    def begin(self, request_info: dict[str, Any], quoted_path: str) -> None:
        """Take over from the HTTP request that asked for the upgrade."""
        self.request_info = request_info
        self.path = request_info["path"]
        self.quoted_path = quoted_path

    def _connectionMade(self) -> None:
        super()._connectionMade()
        # One for all: nobody reads them, and they are most of what a socket would take (docs/interface-server.md).
        self.trafficStats = self.factory.traffic
        self.send_queue = NOTHING
        self.begin_writing()

    def onConnect(self, request: Any) -> Any:
        try:
            return self.ask_to_connect(request)
        except ConnectionDeny:
            raise
        except Exception:
            # Autobahn would tell the client, and nobody else.
            logger.exception("A handshake could not be taken")
            self.outcome = "error"
            raise ConnectionDeny(500, "Internal Server Error") from None

    def ask_to_connect(self, request: Any) -> defer.Deferred[Any]:
        """Send `websocket.connect`. The Deferred's value, when there is an answer, is the subprotocol."""
        now = time.monotonic()
        #: Monotonic times: when it came, when something last came from it, when the last keepalive was sent.
        self.opened = self.heard = self.kept_alive = now
        self.uplink = self.main_factory.uplink
        # The handshake has been read. How long its answer may take is for `check` to say (D8, D9).
        if self.openHandshakeTimeoutCall is not None:
            self.openHandshakeTimeoutCall.cancel()
            self.openHandshakeTimeoutCall = None
        if not self.main_factory.origins.allow(self.request_info["headers"], self.request_info["scheme"] == "wss"):
            origin = values(self.request_info["headers"], b"origin")[0].decode("latin1")
            logger.warning("A page of %r may not open sockets here; RELAY_ALLOWED_ORIGINS can allow it", origin)
            self.outcome = "origin"
            raise ConnectionDeny(403, "Origin not allowed")
        if self.uplink.full or self.main_factory.closing:
            self.outcome = "busy"
            raise ConnectionDeny(503, "Service Unavailable")
        self.intake = Intake(self.main_factory.limits, now)
        self.reply_channel = self.main_factory.make_send_channel()
        offered = (protocol for protocol in request.protocols if protocol in self.factory.protocols)
        self.protocol_to_accept = next(offered, None)
        self.packets_received = 0
        connect = {**self.request_info, "reply_channel": self.reply_channel, "order": 0, KEY: begin()}
        self.connect = Parcel("websocket.connect", connect, self, size=size_of(self.request_info))
        self.main_factory.reply_protocols[self.reply_channel] = self
        self.uplink.send(self.connect)
        self.log_action("connecting")
        self.handshake_deferred = defer.Deferred()
        return self.handshake_deferred

    @property
    def asks(self) -> bool:
        """Whether its handshake is with the workers."""
        return self.state == self.STATE_CONNECTING and self.handshake_deferred is not None

    def dataReceived(self, data: bytes) -> None:
        self.heard = time.monotonic()
        self._dataReceived(data)

    def consumeData(self) -> None:
        """As Autobahn, but frames wait while they must, and nothing that comes early is taken for a new handshake."""
        if self.asks:
            if len(self.data) > EARLY_LIMIT:
                self.dropConnection(abort=True)
        elif self.state in (self.STATE_OPEN, self.STATE_CLOSING):
            while not (self.held_back or self.garbled) and self.processData() and self.state != self.STATE_CLOSED:
                pass
            if self.garbled:
                self.data = b""
        else:
            super().consumeData()

    def _fail_connection(self, *args: Any) -> None:
        """
        As Autobahn, which would read on, keep what it takes for a frame, however long it says that it is, and cut off
        its own close frame for what it takes for the answer. Here nothing more is read (RFC 6455, section 7.1.7).
        """
        self.garbled = True
        super()._fail_connection(*args)
        self.end_writing()

    def _protocol_violation(self, reason: str) -> bool:
        return super()._protocol_violation(reason) or True

    def _invalid_payload(self, reason: str) -> bool:
        return super()._invalid_payload(reason) or True

    def onFrameBegin(self) -> None:
        """Every frame counts, also one that is a part of a message, and a ping: they cost the same."""
        now = time.monotonic()
        self.intake.spend(now)
        super().onFrameBegin()
        if self.inside_message and len(self.message_data) > PARTS_LIMIT:
            self._max_message_size_exceeded(0, 0, "a message of more than %d parts" % PARTS_LIMIT)
        if self.must_wait(now):
            self.hold_back()

    def onFrameData(self, payload: bytes) -> bool | None:
        """As Autobahn, which would have unmasked it (`applyMask`)."""
        mask: Any = self.current_frame.mask
        if mask and payload:
            payload = unmasked(payload, mask, self.current_frame_masker.pointer() - len(payload))
        return super().onFrameData(payload)

    def onOpen(self) -> None:
        # A socket that waited long for its accept has just been entered: its first keepalive need not come at once.
        self.heard = self.kept_alive = time.monotonic()
        self.count_entry()
        self.forget_handshake()
        self.log_action("connected")

    def forget_handshake(self) -> None:
        """Let go of what only the handshake needed: several kilobytes."""
        self.request_info = {"client": self.request_info["client"]}
        self.connect.content = {}
        self.handshake_deferred = None
        self.http_request_data = self.http_response_data = NOTHING
        self.http_headers = self.http_request_params = NOTHING
        self.websocket_extensions = self.websocket_protocols = NOTHING

    def serverAccept(self) -> None:
        if self.asks:
            self.handshake_deferred.callback(self.protocol_to_accept)

    def serverReject(self, code: int = 403, reason: str = "Access denied", outcome: str = "application") -> None:
        """Refuse the handshake. The workers know, if it is they who refuse; else they are told of the end."""
        self.refused = outcome in ("application", "unavailable")
        self.outcome = outcome
        self.log_action("rejected")
        self.handshake_deferred.errback(ConnectionDeny(code, reason))

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: Any = None) -> None:
        """As Autobahn, whose ConnectionDeny has no headers: 503 says when to come back."""
        super().failHandshake(reason, code, RETRY_AFTER if code == 503 else responseHeaders)

    # Incoming

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.packets_received += 1
        self.main_factory.frames += 1
        body = {"bytes": payload} if isBinary else {"text": payload.decode()}
        trace = begin()
        step(trace, "Read %d bytes from %s", len(payload), self.reply_channel)
        self.send_up("websocket.receive", {"order": self.packets_received, KEY: trace, **body}, len(payload))
        self.intake.take(len(payload))
        if self.must_wait(time.monotonic()):
            self.hold_back()

    def onPing(self, payload: bytes) -> None:
        # Who pings and does not read gets no answers piled up.
        if not self.clogged:
            super().onPing(payload)

    def must_wait(self, now: float) -> bool:
        return self.intake.full or self.uplink.full or self.intake.wait(now) > 0

    def send_up(self, channel: str, content: dict[str, Any], size: int = 0, waits: bool = True) -> None:
        content = {"reply_channel": self.reply_channel, "path": self.path, **content}
        self.uplink.send(Parcel(channel, content, self, waits, size))

    def hold_back(self) -> None:
        """Read no more until `go_on` finds that there is room and time for it."""
        if not self.held_back:
            self.held_back = True
            self.main_factory.held_back += 1
            self.transport.pauseProducing()
        if self.uplink.full:
            self.uplink.wait_for_room(self)
        elif not self.intake.full:
            reactor.callLater(self.intake.wait(time.monotonic()), self.go_on)

    def go_on(self) -> None:
        """Read on, unless there is still a reason not to."""
        if not self.held_back or self.state == self.STATE_CLOSED:
            return
        if self.must_wait(time.monotonic()):
            self.hold_back()
            return
        self.held_back = False
        self.consumeData()
        if not self.held_back and self.state != self.STATE_CLOSED:
            self.transport.resumeProducing()

    def wants(self, parcel: Parcel) -> bool:
        """Whether it shall be sent. Nobody hears of a socket that could not even ask to connect (C12)."""
        return parcel is self.connect or not self.connect.dropped

    def parcel_sent(self, parcel: Parcel) -> None:
        if parcel.channel == "websocket.receive":
            was_full = self.intake.full
            self.intake.settle(parcel.size)
            if was_full and not self.intake.full:
                self.go_on()

    def parcel_refused(self, parcel: Parcel) -> None:
        """A channel is full, or the message is one that can't be sent."""
        if parcel.channel == "websocket.connect":
            if self.state == self.STATE_CONNECTING:
                self.serverReject(503, "Connection queue at capacity", "queue_full")
        elif parcel.channel == "websocket.keepalive":
            self.hurry_keepalive(self.main_factory.keepalive_interval, SOON)
        elif parcel.channel == "websocket.receive":
            self.intake.settle(parcel.size)
            self.serverClose(INTERNAL_ERROR)
            self.go_on()

    # Outgoing

    def reply(self, content: dict[str, Any], to_group: bool) -> None:
        """
        Do what a message for this socket says. Raises ValueError for one that is none.

        Only the application opens a socket: a broadcast that comes before it was accepted is not for it (D2).
        """
        ready = frame_of(content)
        if self.state == self.STATE_CONNECTING and not to_group:
            self.answer_handshake(content, ready is not None)
        if ready is not None:
            self.write_frames([ready])
        if content.get("close"):
            self.serverClose(content["close"])

    def answer_handshake(self, content: dict[str, Any], speaks: bool) -> None:
        """Let it in, or refuse it, with 1013 for now only. Who speaks to it without a word about that lets it in."""
        accept = content.get("accept")
        if accept or (speaks and accept is None):
            self.serverAccept()
        elif content.get("close") == TRY_AGAIN_LATER:
            self.serverReject(503, "Service Unavailable", "unavailable")
        elif accept is False or content.get("close"):
            self.serverReject()

    def serverClose(self, code: Any = True) -> None:
        """Close with any code that a server may send (D10); with 1011 if it is none."""
        if code is True:
            code = NORMAL
        elif code not in CLOSE_CODES:
            logger.error("%r is no close code; %s is closed with %d", code, self.reply_channel, INTERNAL_ERROR)
            code = INTERNAL_ERROR
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=code, isReply=False)

    def fail(self) -> None:
        """Something of ours went wrong with this socket: end it."""
        if self.state == self.STATE_CONNECTING:
            self.serverReject(500, "Internal Server Error", "error")
        else:
            self.serverClose(INTERNAL_ERROR)

    # Living and ending

    def check(self) -> None:
        """Called every two seconds. A ping that is not answered within `--ping-timeout` closes the socket."""
        limit = self.main_factory.websocket_timeout
        if self.state == self.STATE_CONNECTING:
            patience = self.main_factory.websocket_connect_timeout
            if 0 <= patience < self.duration() and self.asks:
                self.serverReject(503, "The handshake took too long", "timeout")
        elif 0 <= limit < self.duration():
            EVICTED["expired"].inc()
            self.serverClose()
        elif self.needs_ping():
            self._sendAutoPing()
        self.check_reading()

    def needs_ping(self) -> bool:
        silent = time.monotonic() - self.heard > self.main_factory.ping_interval
        return silent and self.state == self.STATE_OPEN and not self.autoPingPending and not self.held_back

    def duration(self) -> float:
        """Seconds since it asked to connect, by a clock that nobody sets (D26)."""
        return time.monotonic() - self.opened

    def onAutoPingTimeout(self) -> None:
        # After a standstill that comes before what is there to be read: its pong may be.
        self.autoPingTimeoutCall = reactor.callLater(0, self.end_silent)

    def end_silent(self) -> None:
        if self.held_back:
            # Its pong may lie behind the frames that we don't read.
            self.autoPingPending = self.autoPingTimeoutCall = None
        else:
            EVICTED["silent"].inc()
            super().onAutoPingTimeout()

    def is_due(self, interval: float) -> bool:
        """Whether this socket is open and had its last keepalive at least `interval` seconds ago."""
        return self.state == self.STATE_OPEN and time.monotonic() - self.kept_alive >= interval

    def hurry_keepalive(self, interval: float, delay: float) -> None:
        """Be due for the next keepalive in `delay` seconds, or earlier if that was so."""
        self.kept_alive = min(self.kept_alive, time.monotonic() - interval + delay)

    def send_keepalive(self) -> None:
        self.send_up("websocket.keepalive", {}, waits=False)
        self.main_factory.keepalives += 1
        self.kept_alive = time.monotonic()

    def send_restart(self, text: str | None) -> None:
        """This server goes away: say when to come back, and close."""
        if self.state == self.STATE_CONNECTING:
            if self.asks:
                self.serverReject(503, "Service Unavailable", "busy")
            return
        if text is not None:
            self.write_frames([frame(text.encode(), False)])
        self.serverClose(SERVICE_RESTART)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if not hasattr(self, "reply_channel"):
            return
        self.main_factory.reply_protocols.pop(self.reply_channel, None)
        self.uplink.waiting.pop(self, None)
        self.count_end(code)
        if not self.refused:
            self.send_up("websocket.disconnect", {"code": code, "order": self.packets_received + 1})
        self.log_action("disconnected")

    def log_action(self, action: str) -> None:
        client = self.request_info["client"]
        details = {"path": self.quoted_path, "client": "%s:%s" % tuple(client) if client else None}
        self.main_factory.log_action("websocket", action, details)


def socket_class(factory: Any) -> type[WebSocketProtocol]:
    """
    WebSocketProtocol with the factory's options as its own. Autobahn would copy forty of them to each socket, and
    format the list for its debug log.
    """
    options = {name: getattr(factory, name) for name in WebSocketProtocol.CONFIG_ATTRS}
    functions = {name: staticmethod(value) for name, value in options.items() if isinstance(value, FunctionType)}
    return type("WebSocketProtocol", (WebSocketProtocol,), {**options, **functions, "CONFIG_ATTRS": ()})
