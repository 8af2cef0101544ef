"""The interface server: it holds the sockets."""

import logging
from typing import Any

from daphne import server
from twisted.internet import reactor

from relay import conf
from relay.ws_protocol import WebSocketProtocol

logger = logging.getLogger(__name__)

#: Seconds between two looks at all connections; Daphne's own figure.
CHECK_INTERVAL = 2


class Server(server.Server):
    """
    Daphne's server, which also tells the workers now and then that a socket still lives (`websocket.keepalive`).

    Group membership and presence are renewed by that message, so they last as long as the socket and end soon after
    it, and a socket needs no time limit: `websocket_timeout` is without limit unless it is given. (Daphne takes the
    layer's `group_expiry`, and closes every socket then.)
    """

    def __init__(self, *args: Any, keepalive_interval: float | None = None, **kwargs: Any):
        kwargs["websocket_timeout"] = kwargs.get("websocket_timeout") or -1
        super().__init__(*args, **kwargs)
        self.keepalive_interval = conf.get("KEEPALIVE_INTERVAL") if keepalive_interval is None else keepalive_interval

    def run(self) -> None:
        # Daphne makes its factory in the same method that then runs the reactor, so this is the one moment between.
        reactor.callWhenRunning(self.prepare_sockets)
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
        """Daphne's periodic look at all connections, and the keepalives. It always comes again (D1)."""
        try:
            self.factory.check_timeouts()
        except Exception:
            logger.exception("Connections could not be checked for time-outs; they are checked again in 2 s")
        self.send_keepalives()
        reactor.callLater(CHECK_INTERVAL, self.timeout_checker)  # type: ignore[arg-type]  # Twisted types an interface

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
