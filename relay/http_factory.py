"""Makes the connections of the interface server, and holds what they share."""

import logging
import secrets
from typing import Any

from autobahn.websocket.protocol import TrafficStats
from daphne import http_protocol
from twisted.internet import interfaces
from twisted.web import http
from zope.interface import implementer

from relay import conf
from relay.headers import Origins, Proxies
from relay.http_channel import Channels, HTTPChannel
from relay.http_protocol import WebRequest
from relay.intake import Limits
from relay.layers import leases
from relay.uplink import Uplink
from relay.ws_protocol import socket_class

logger = logging.getLogger(__name__)

#: Frames and bytes of one socket that may be on their way to the layer.
FRAMES_IN_FLIGHT, BYTES_IN_FLIGHT = 64, 256 * 1024
#: Seconds that a socket has to answer when it is closed, before it is cut off.
CLOSING_TIME = 5


@implementer(interfaces.IProtocolNegotiationFactory)
class HTTPFactory(http_protocol.HTTPFactory):
    """Daphne's factory, making our requests and sockets; what they share stands here."""

    protocol = HTTPChannel

    def __init__(self, uplink: Uplink, proxies: Proxies | None, keepalive_interval: float, **kwargs: Any):
        self.uplink = uplink
        self.proxies = proxies
        self.keepalive_interval = keepalive_interval
        self.origins = Origins(conf.get("ALLOWED_ORIGINS"))
        self.body_limit = conf.get("MAX_BODY_BYTES")
        self.unsent_limit = conf.get("MAX_UNSENT_BYTES")
        self.read_timeout = conf.get("READ_TIMEOUT")
        #: Whether workers hear what clients take of their responses, and may ask for a body's parts.
        self.tells_workers = leases(uplink.layer)
        self.inline_limit = self.body_limit
        if self.tells_workers:
            room = uplink.layer.message_size_limit - conf.ROOM_FOR_HEADERS
            self.inline_limit = min(conf.get("INLINE_BODY_BYTES"), room)
        self.limits = Limits(conf.get("FRAME_RATE"), conf.get("FRAME_BURST"), FRAMES_IN_FLIGHT, BYTES_IN_FLIGHT)
        #: Whether the server goes away and takes nobody in.
        self.closing = False
        #: How often a socket was not read for a while, and sockets that were closed for not reading.
        self.held_back = self.slow_readers = 0
        #: Messages that sockets have sent, and keepalives that were sent for them.
        self.frames = self.keepalives = 0
        #: Lines that could not be written to the access log.
        self.unlogged = 0
        super().__init__(**kwargs)
        self.channels = Channels(self.ws_factory)
        self.set_socket_options()

    def set_socket_options(self) -> None:
        """What Autobahn does for all sockets, beside what Daphne has told it."""
        size = conf.get("MAX_MESSAGE_BYTES")
        self.ws_factory.traffic = TrafficStats()
        self.ws_factory.setProtocolOptions(
            maxFramePayloadSize=size,
            maxMessagePayloadSize=size,
            # One who breaks a rule gets the close code that says which, not a broken connection.
            failByDrop=False,
            # Drafts before the standard say in another header which page it is (F1).
            versions=[13],
            # Ours takes a fifth of the time (`relay.masks`).
            applyMask=False,
            # Origins are for `Origins` to judge.
            allowNullOrigin=True,
            closeHandshakeTimeout=CLOSING_TIME,
            maxConnections=conf.get("MAX_SOCKETS"),
        )
        self.ws_factory.protocol = socket_class(self.ws_factory)

    def buildProtocol(self, addr: Any) -> Any:
        protocol: Any = http.HTTPFactory.buildProtocol(self, addr)
        protocol.requestFactory = WebRequest
        return protocol

    def acceptableProtocols(self) -> list[bytes]:
        """Only HTTP/1.1. Where h2 is installed, Twisted would also speak HTTP/2, to which our limits don't apply."""
        return [b"http/1.1"]

    def log_action(self, protocol: str, action: str, details: dict[str, Any]) -> None:
        """Daphne's fails the request or socket whose line can't be written, such as on a full disk (S7)."""
        try:
            super().log_action(protocol, action, details)
        except Exception:
            if not self.unlogged:
                logger.exception("The access log can't be written; the next such failures are only counted")
            self.unlogged += 1

    def log(self, request: Any) -> None:
        """Does nothing: Twisted's log has whole URLs, and so the secrets in their queries. See `WebRequest.log`."""

    def make_send_channel(self) -> str:
        """A reply channel that nobody can guess (F5)."""
        return self.send_channel + secrets.token_hex(8)
