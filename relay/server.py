"""The interface server: it holds the sockets."""

import logging
import random
from typing import Any

from daphne import server
from twisted.internet import reactor

from relay import conf
from relay.checks import ends_too_soon
from relay.layers import leases
from relay.ws_protocol import WebSocketProtocol

logger = logging.getLogger(__name__)

#: Seconds between two looks at all connections; Daphne's own figure.
CHECK_INTERVAL = 2
#: Seconds over which the keepalives of all sockets are spread when their groups must be made anew.
HURRY = 4


class Server(server.Server):
    """
    Daphne's server, which also tells the workers now and then that a socket still lives (`websocket.keepalive`).

    Group membership and presence are renewed by that message, so they last as long as the socket and end soon after
    it, and a socket needs no time limit: `websocket_timeout` is without limit unless it is given. (Without keepalives,
    as in Daphne, it is the layer's `group_expiry`: a socket that were left open after that would be mute.)
    """

    def __init__(self, *args: Any, keepalive_interval: float | None = None, **kwargs: Any):
        self.keepalive_interval = conf.get("KEEPALIVE_INTERVAL") if keepalive_interval is None else keepalive_interval
        if self.keepalive_interval:
            kwargs["websocket_timeout"] = kwargs.get("websocket_timeout") or -1
        super().__init__(*args, **kwargs)
        self.check_expiry()

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

    def run(self) -> None:
        # Daphne makes its factory in the same method that then runs the reactor, so this is the one moment between.
        reactor.callWhenRunning(self.prepare_sockets)
        if leases(self.channel_layer):
            self.channel_layer.on_restore.append(lambda: reactor.callFromThread(self.hurry_keepalives))
        super().run()

    def prepare_sockets(self) -> None:
        """Have the factory make our sockets, with a limit on what one message may hold (D4)."""
        limit = conf.get("MAX_MESSAGE_BYTES")
        self.factory.ws_factory.protocol = WebSocketProtocol
        # failByDrop=False: one who breaks a rule gets the close code that says which, not a broken connection.
        self.factory.ws_factory.setProtocolOptions(
            maxFramePayloadSize=limit, maxMessagePayloadSize=limit, failByDrop=False
        )

    def timeout_checker(self) -> None:
        """
        Look at all connections: time-outs, pings, keepalives. It always comes again, and one bad connection keeps no
        other from being looked at (D1).
        """
        for channel, protocol in list(self.factory.reply_protocols.items()):
            try:
                self.check_timeout(protocol)
            except Exception:
                logger.exception("The connection of %s could not be timed out; it is dropped", channel)
                self.drop(channel, protocol)
        self.send_keepalives()
        reactor.callLater(CHECK_INTERVAL, self.timeout_checker)  # type: ignore[arg-type]  # Twisted types an interface

    def check_timeout(self, protocol: Any) -> None:
        """What Daphne's factory does for all connections in one loop, for one of them."""
        if isinstance(protocol, WebSocketProtocol):
            if 0 <= self.factory.websocket_timeout < protocol.duration():
                protocol.serverClose()
            else:
                protocol.check_ping()
        elif protocol.duration() > self.factory.timeout:
            protocol.basic_error(503, b"Service Unavailable", "Worker server failed to respond within time limit.")

    def drop(self, channel: str, protocol: Any) -> None:
        """Cut a connection off: a response that began and is never finished can't be made into an error page."""
        self.factory.reply_protocols.pop(channel, None)
        if getattr(protocol, "transport", None) is not None:
            protocol.transport.loseConnection()

    def hurry_keepalives(self) -> None:
        """
        The layer has lost its data: whoever was just about to join a group must say so again. Every socket is due for a
        keepalive, spread over the next seconds so that the workers are not flooded.
        """
        for protocol in list(self.factory.reply_protocols.values()):
            if isinstance(protocol, WebSocketProtocol):
                protocol.hurry_keepalive(self.keepalive_interval, random.uniform(0, HURRY))

    def send_keepalives(self) -> None:
        """Send a keepalive for each socket that is due. Those that the layer does not take now are due again soon."""
        if not self.keepalive_interval:
            return
        for protocol in list(self.factory.reply_protocols.values()):
            if isinstance(protocol, WebSocketProtocol) and protocol.is_due(self.keepalive_interval):
                try:
                    protocol.send_keepalive()
                except self.channel_layer.ChannelFull:
                    logger.warning("websocket.keepalive is full; the rest is tried in %d s", CHECK_INTERVAL)
                    return
                except Exception:
                    logger.exception("No keepalive could be sent; it is tried again in %d s", CHECK_INTERVAL)
                    return
